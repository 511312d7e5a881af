//! Log files of another host, read at any offset over the user's own `ssh`: by its SFTP server, or where it has none by
//! a shell. Nothing is installed over there, and nothing there is believed.

mod find;
mod sftp;
mod shell;
mod skew;
mod ssh;
mod wire;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use super::source::Source;
use crate::evidence::escape;
use crate::host::clock::Clock;
use crate::host::talk::{Link, Patience, Talk};

pub use shell::quoted;
pub use skew::Skew;
pub use ssh::{Ssh, There};

use sftp::Session;
use shell::{Seen, Shell};

/// Small reads that are asked for at once: a search with so many in each round finds its place in a gigabyte in four.
const AT_ONCE: usize = 32;
/// How much of what ssh complained of is told.
const COMPLAINT: usize = 300;

/// What kept a host from being read, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(pub String);

/// A host that answers.
#[derive(Clone)]
pub struct Host {
    name: String,
    ssh: Ssh,
    patience: Patience,
    far: Arc<Mutex<Far>>,
}

/// How its files are read.
enum Far {
    Sftp(Session),
    Shell(Shell),
}

/// A file that was found there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct FarPath {
    pub path: Vec<u8>,
    pub size: Option<u64>,
    /// Seconds since 1970.
    pub mtime: Option<u32>,
}

impl Host {
    /// Connects, or uses the connection that is there. Falls back to a shell where there is no SFTP server.
    ///
    /// # Errors
    /// In words, with the host's name: when it is not reached, lets nobody in, or gives neither.
    pub fn connect(ssh: &Ssh, name: &str, patience: Patience) -> Result<Self, Unreachable> {
        let start = |there| -> Result<Talk, Unreachable> {
            let command = ssh.command(name, there).map_err(Unreachable)?;
            Talk::start(command, patience.clone())
                .map_err(|error| Unreachable(format!("{name}: ssh: {error}")))
        };
        let mut failed = match Session::begin(Box::new(start(There::Subsystem("sftp"))?)) {
            Ok(session) => return Ok(Self::of(name, ssh, patience, Far::Sftp(session))),
            Err((error, mut link)) => why(&error, link.as_mut()),
        };
        if failed.no_sftp {
            match Shell::begin(Box::new(start(There::Command("sh"))?)) {
                Ok(shell) => return Ok(Self::of(name, ssh, patience, Far::Shell(shell))),
                Err((error, mut link)) => failed = why(&error, link.as_mut()),
            }
        }
        Err(Unreachable(format!("{name}: {}", failed.words)))
    }

    fn of(name: &str, ssh: &Ssh, patience: Patience, far: Far) -> Self {
        Self {
            name: name.to_owned(),
            ssh: ssh.clone(),
            patience,
            far: Arc::new(Mutex::new(far)),
        }
    }

    /// Its name, as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its files are read by SFTP; else by a shell.
    #[must_use]
    pub fn has_sftp(&self) -> bool {
        matches!(*self.far(), Far::Sftp(_))
    }

    /// Bytes that came from it so far, those of the protocol included.
    #[must_use]
    pub fn came(&self) -> u64 {
        match &*self.far() {
            Far::Sftp(session) => session.came(),
            Far::Shell(shell) => shell.came(),
        }
    }

    /// Opens a plain file. Its size is what it is now: what is written to it later is not seen.
    ///
    /// # Errors
    /// When it is not there, not allowed, or no plain file.
    pub fn open(&self, path: &[u8]) -> io::Result<FarFile> {
        let (open, size, written) = match &mut *self.far() {
            Far::Sftp(session) => {
                let (handle, attrs) = session.open(path)?;
                (Open::Handle(handle), attrs.size.unwrap_or(0), attrs.mtime)
            }
            Far::Shell(shell) => {
                let seen = shell.stat(path)?;
                (Open::Path(path.to_owned(), seen), seen.size, seen.mtime)
            }
        };
        Ok(FarFile {
            far: Arc::clone(&self.far),
            open,
            size,
            written,
        })
    }

    /// The plain files that a path or pattern names, by their names. A path of its own is one, whatever is in it.
    ///
    /// # Errors
    /// When there is none, or there are too many.
    pub fn find(&self, pattern: &str) -> io::Result<Vec<FarPath>> {
        let mut found = match &mut *self.far() {
            Far::Sftp(session) => find::find(session, pattern)?,
            Far::Shell(shell) => {
                let paths = shell.find(pattern.as_bytes())?;
                if paths.len() > find::MOST_FILES {
                    return Err(find::too_many());
                }
                let see = |path: Vec<u8>| {
                    let seen = shell.stat(&path).ok();
                    FarPath {
                        size: seen.map(|seen| seen.size),
                        mtime: seen.and_then(|seen| seen.mtime),
                        path,
                    }
                };
                paths.into_iter().map(see).collect()
            }
        };
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "no such file"));
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// How far its clock is from ours, asked over the same connection.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn skew(&self, clock: &dyn Clock) -> io::Result<Skew> {
        Self::ask(&self.ssh, &self.name, self.patience.clone(), clock)
    }

    /// How far the clock of a host is from ours.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn ask(ssh: &Ssh, name: &str, patience: Patience, clock: &dyn Clock) -> io::Result<Skew> {
        let command = ssh
            .command(name, There::Command("sh"))
            .map_err(io::Error::other)?;
        let talk = Talk::start(command, patience)?;
        let mut shell = Shell::begin(Box::new(talk)).map_err(|(error, _)| error)?;
        Skew::measure(&mut shell, clock)
    }

    fn far(&self) -> MutexGuard<'_, Far> {
        locked(&self.far)
    }
}

/// A thread that panicked while it asked leaves a session that is at worst out of step, which the next answer shows.
fn locked(far: &Mutex<Far>) -> MutexGuard<'_, Far> {
    far.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Why there is no session.
struct Why {
    words: String,
    /// It may still have a shell.
    no_sftp: bool,
}

/// In ssh's words where it has some: they say more than that the other side is gone.
fn why(error: &io::Error, link: &mut dyn Link) -> Why {
    let gone = error.kind() == io::ErrorKind::UnexpectedEof;
    let status = if gone { link.status() } else { None };
    let complaint = link.complaint();
    let said = String::from_utf8_lossy(&complaint);
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let words = match lines.as_slice() {
        [] if gone => "the connection was closed".to_owned(),
        [] => error.to_string(),
        lines => {
            let told = lines[lines.len().saturating_sub(2)..].join("; ");
            escape::line(&told.chars().take(COMPLAINT).collect::<String>()).to_string()
        }
    };
    Why {
        words,
        // Over a connection that is shared ssh says nothing of a subsystem that is not there.
        no_sftp: error.kind() == io::ErrorKind::InvalidData
            || said.contains("subsystem request failed")
            || gone && (lines.is_empty() || matches!(status, Some(1..=254))),
    }
}

/// A file of another host that is open.
pub struct FarFile {
    far: Arc<Mutex<Far>>,
    open: Open,
    size: u64,
    written: Option<u32>,
}

enum Open {
    Handle(Vec<u8>),
    Path(Vec<u8>, Seen),
}

impl FarFile {
    /// When it was last written when it was opened: seconds since 1970, where that is known.
    #[must_use]
    pub fn written(&self) -> Option<u32> {
        self.written
    }

    fn read(&self, places: &mut [(u64, &mut [u8])]) -> io::Result<Vec<usize>> {
        match (&mut *locked(&self.far), &self.open) {
            (Far::Sftp(session), Open::Handle(handle)) => session.read(handle, places),
            (Far::Shell(shell), Open::Path(path, seen)) => shell.read(path, *seen, places),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// How much of so many bytes from there on lies within the size it had.
    fn within(&self, at: u64, len: usize) -> usize {
        usize::try_from(self.size.saturating_sub(at)).map_or(len, |left| left.min(len))
    }
}

impl Source for FarFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let len = self.within(at, buf.len());
        if len == 0 {
            return Ok(0);
        }
        let lens = self.read(&mut [(at, &mut buf[..len])])?;
        Ok(lens.first().copied().unwrap_or(0))
    }

    fn read_many(&self, places: &[(u64, usize)]) -> io::Result<Vec<Vec<u8>>> {
        let mut bufs: Vec<Vec<u8>> = places
            .iter()
            .map(|(at, len)| vec![0; self.within(*at, *len)])
            .collect();
        let mut wanted: Vec<(u64, &mut [u8])> = places
            .iter()
            .zip(&mut bufs)
            .map(|((at, _), buf)| (*at, &mut buf[..]))
            .collect();
        let lens = self.read(&mut wanted)?;
        for (buf, len) in bufs.iter_mut().zip(lens) {
            buf.truncate(len);
        }
        Ok(bufs)
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }
}

impl Drop for FarFile {
    fn drop(&mut self) {
        if let (Open::Handle(handle), Far::Sftp(session)) =
            (&mut self.open, &mut *locked(&self.far))
        {
            session.close(std::mem::take(handle));
        }
    }
}

#[cfg(test)]
mod tests;

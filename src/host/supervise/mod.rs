//! Commands that outlive the screen. Each runs under a supervisor of its own, a process in its own session, so that
//! it finishes when the screen, the shell or the SSH link is gone, and leaves its outcome beside its output.
//!
//! A job is a directory: `job.json` (what runs, without a single value of the environment), `lock` (held as long as
//! the supervisor lives), `output` (both streams), `stdout` (that stream alone) and at last `exit`, written whole and
//! synced. A lock that nobody holds without an `exit` means that the outcome is unknown. Knows nothing of steps.

mod sink;
mod spawn;
mod supervisor;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use super::files::{open_plain, read_plain_limited};

pub use spawn::spawn;
pub use supervisor::supervise_main;

/// The first argument that makes the program a supervisor; the job's directory is the second.
pub const SUPERVISE: &str = "__supervise";

/// What to run.
#[derive(Debug, Clone)]
pub struct JobSpec {
    /// The program and its arguments. With a script, the shell and its flags: `["sh", "-eu"]`.
    pub argv: Vec<String>,
    /// A script for that shell. Shells get it as `-c SCRIPT runsheet`, so that standard input stays free; other
    /// interpreters (and shells, when it is very long) as a sealed file in memory. It is never read from disk.
    pub script: Option<String>,
    /// Added to the user's own environment (without its `RUNSHEET_…`). Values go to the supervisor through a pipe:
    /// they stand in no argument list and in no file.
    pub env: Vec<(String, String)>,
    /// Where it starts; `None` is the current directory.
    pub cwd: Option<PathBuf>,
    /// After this long its whole group gets SIGTERM, five seconds later SIGKILL.
    pub timeout: Option<Duration>,
    /// The most that `output` and `stdout` may each hold; what is beyond is counted and dropped.
    pub output_limit: u64,
    /// This very program, which knows the word [`SUPERVISE`].
    pub program: PathBuf,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exit {
    /// Of this format: 1.
    pub version: u32,
    /// The exit status, when it ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Why it could not be started at all.
    pub error: Option<String>,
    /// By the wall clock.
    pub started: DateTime<FixedOffset>,
    /// By the wall clock.
    pub ended: DateTime<FixedOffset>,
    /// It was ended because its time was up.
    pub timed_out: bool,
    /// It was ended because somebody asked for it.
    pub cancelled: bool,
    /// It left something running in the background that still held its output.
    pub left_behind: bool,
    /// Bytes kept in `output`.
    pub output_bytes: u64,
    /// Bytes that came and are not in `output`.
    pub dropped_bytes: u64,
    /// Bytes kept in `stdout`.
    pub stdout_bytes: u64,
    /// Bytes that came on standard output and are not in `stdout`.
    pub stdout_dropped_bytes: u64,
    /// Why bytes within the limit could not be kept: a full disk, usually.
    pub disk_error: Option<String>,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// No supervisor has begun. One may still be about to; see [`Job::bar`].
    NotStarted,
    /// Its supervisor lives.
    Running,
    /// It ended, and this is how.
    Finished(Exit),
    /// Its supervisor is gone without a word: whether the command ran to its end is unknown, it may still be running.
    Lost,
}

/// Which of a job's streams to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Both streams in the order they came, as near as two pipes tell.
    Output,
    /// Standard output alone, from which values are taken.
    Stdout,
}

/// A job by its directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    dir: PathBuf,
}

/// What `lock` holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Holder {
    /// 0 when the job was barred.
    pid: i32,
}

impl Job {
    /// The job in this directory, which need not be there yet.
    #[must_use]
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Its directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where it stands now.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn state(&self) -> io::Result<JobState> {
        if let Some(exit) = self.exit()? {
            return Ok(JobState::Finished(exit));
        }
        let Some(lock) = absent_is_none(open_plain(&self.dir.join("lock")))? else {
            return Ok(JobState::NotStarted);
        };
        if is_held(&lock)? {
            return Ok(JobState::Running);
        }
        // The exit is written before the lock is let go, so now it is there or never will be.
        if let Some(exit) = self.exit()? {
            return Ok(JobState::Finished(exit));
        }
        if holder(&lock).is_some_and(|holder| holder.pid == 0) {
            return Ok(JobState::NotStarted);
        }
        Ok(JobState::Lost)
    }

    /// Makes sure that a job which has not started never will: `true` when it now cannot, `false` when it already
    /// has. For whoever finds [`JobState::NotStarted`] after a crash and wants to say for certain that nothing ran.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn bar(&self) -> io::Result<bool> {
        // As a supervisor does: whole before it is seen, and only one can be first.
        let unseen = self.dir.join(format!(".bar-{}", getpid()));
        super::files::write_atomic(&unseen, b"{\"pid\":0}", 0o600)?;
        let linked = fs::hard_link(&unseen, self.dir.join("lock"));
        fs::remove_file(&unseen)?;
        match linked {
            Ok(()) => super::files::sync_dir(&self.dir).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(self.state()? == JobState::NotStarted)
            }
            Err(error) => Err(error),
        }
    }

    /// Asks the supervisor to end the command: its group gets SIGTERM, and SIGKILL five seconds later. `false` when
    /// there was no supervisor to ask. Returns at once; [`Job::state`] says when it is done.
    ///
    /// # Errors
    /// When the lock cannot be read or the signal cannot be sent.
    pub fn cancel(&self) -> io::Result<bool> {
        if self.exit()?.is_some() {
            return Ok(false);
        }
        let Some(lock) = absent_is_none(open_plain(&self.dir.join("lock")))? else {
            return Ok(false);
        };
        let Some(pid) = holder(&lock).and_then(|holder| Pid::from_raw(holder.pid)) else {
            return Ok(false);
        };
        let process = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(process) => process,
            Err(rustix::io::Errno::SRCH) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        // While the lock is held its holder lives, so the handle opened before is of the holder and of nobody who
        // got its number since.
        if !is_held(&lock)? {
            return Ok(false);
        }
        match pidfd_send_signal(process, Signal::TERM) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// At most `max` bytes of what it printed, from `offset`; empty at the end of what there is so far.
    ///
    /// # Errors
    /// When the file cannot be read. One that is not there yet is empty.
    pub fn read(&self, stream: Stream, offset: u64, max: usize) -> io::Result<Vec<u8>> {
        let name = match stream {
            Stream::Output => "output",
            Stream::Stdout => "stdout",
        };
        let Some(mut file) = absent_is_none(open_plain(&self.dir.join(name)))? else {
            return Ok(Vec::new());
        };
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(max as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Puts there what a command would have printed that is not run.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn printed(&self, text: &[u8]) -> io::Result<()> {
        super::files::create_private_dir(&self.dir)?;
        super::files::write_atomic(&self.dir.join("output"), text, 0o600)
    }

    fn exit(&self) -> io::Result<Option<Exit>> {
        let path = self.dir.join("exit");
        let Some(bytes) = absent_is_none(read_plain_limited(&path, 64 << 10))? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

fn absent_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a supervisor holds the lock. Asking takes a shared lock for a moment, so two who ask at once do not take
/// each other for a supervisor.
fn is_held(lock: &File) -> io::Result<bool> {
    match lock.try_lock_shared() {
        Ok(()) => {
            lock.unlock()?;
            Ok(false)
        }
        Err(fs::TryLockError::WouldBlock) => Ok(true),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

fn holder(lock: &File) -> Option<Holder> {
    let mut text = Vec::new();
    let mut lock = lock;
    lock.seek(SeekFrom::Start(0)).ok()?;
    lock.take(256).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

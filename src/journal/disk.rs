//! The file operations an append consists of, as a trait, so that a test can make any one of them fail; and directories
//! held open, so that no name in them is followed through a planted link. Knows nothing of events.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

/// What changes a disk. The default methods are the operating system's.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Writes bytes at the end of a file opened for appending; how many were written.
    ///
    /// # Errors
    /// As `write(2)`.
    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    /// Brings a file's data to the disk.
    ///
    /// # Errors
    /// As `fdatasync(2)`.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Brings a directory's names to the disk.
    ///
    /// # Errors
    /// As `fsync(2)`.
    fn sync_dir(&self, dir: &Dir) -> io::Result<()> {
        Ok(rustix::fs::fsync(dir)?)
    }

    /// Cuts a file to a length.
    ///
    /// # Errors
    /// As `ftruncate(2)`.
    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    /// Gives a name of a directory another one, replacing what has it.
    ///
    /// # Errors
    /// As `renameat(2)`.
    fn rename(&self, dir: &Dir, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(dir, from, dir, to)?)
    }

    /// Makes a file that must not exist yet, for reading and appending.
    ///
    /// # Errors
    /// As `openat(2)`.
    fn create(&self, dir: &Dir, name: &str, mode: u32) -> io::Result<File> {
        let flags = OFlags::RDWR
            | OFlags::APPEND
            | OFlags::CREATE
            | OFlags::EXCL
            | OFlags::NOFOLLOW
            | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(mode);
        let file = File::from(rustix::fs::openat(dir, name, flags, mode)?);
        // Whatever the umask says: a spool is no use if the others cannot read, and no more than that is given away.
        rustix::fs::fchmod(&file, mode)?;
        Ok(file)
    }
}

/// The operating system's own.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsDisk;

impl Disk for OsDisk {}

/// A directory held open. Names given to it are single names, never paths.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

const DIR: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

impl Dir {
    /// Opens a directory the user named; links in that path are the user's own.
    ///
    /// # Errors
    /// When it is not there or no directory.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            fd: rustix::fs::openat(CWD, path, DIR, Mode::empty())?,
            path: path.to_owned(),
        })
    }

    /// Opens a directory in this one, without following a link.
    ///
    /// # Errors
    /// When it is not there or no directory.
    pub fn enter(&self, name: &str) -> io::Result<Self> {
        Ok(Self {
            fd: rustix::fs::openat(self, name, DIR | OFlags::NOFOLLOW, Mode::empty())?,
            path: self.path.join(name),
        })
    }

    /// Opens a directory in this one and makes it, with exactly this mode, if it is not there.
    ///
    /// # Errors
    /// When it can be neither opened nor made.
    pub fn ensure(&self, name: &str, mode: u32) -> io::Result<Self> {
        match self.enter(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        let mode = Mode::from_raw_mode(mode);
        match rustix::fs::mkdirat(self, name, mode) {
            Ok(()) => {
                let made = self.enter(name)?;
                rustix::fs::fchmod(&made, mode)?;
                rustix::fs::fsync(self)?;
                Ok(made)
            }
            Err(rustix::io::Errno::EXIST) => self.enter(name),
            Err(error) => Err(error.into()),
        }
    }

    /// Where it is, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names in it, unsorted, without `.` and `..` and without those that are no UTF-8.
    ///
    /// # Errors
    /// As `getdents(2)`.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(self)? {
            match entry?.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => names.push(name.to_owned()),
            }
        }
        Ok(names)
    }

    /// The inode number: a copy of the directory has another one.
    ///
    /// # Errors
    /// As `fstat(2)`.
    pub fn inode(&self) -> io::Result<u64> {
        Ok(rustix::fs::fstat(self)?.st_ino)
    }

    /// Opens a plain file for reading: no link, FIFO, device or directory, and only if this is its only name.
    ///
    /// # Errors
    /// [`NotPlain`] inside an error of kind `InvalidInput` when it is something else.
    pub fn read(&self, name: &str) -> io::Result<File> {
        self.plain(name, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty())
    }

    /// Opens a plain file for reading and appending.
    ///
    /// # Errors
    /// As [`Dir::read`].
    pub fn append(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::NONBLOCK;
        self.plain(name, flags, Mode::empty())
    }

    /// Opens a file to lock, and makes it if it is not there.
    ///
    /// # Errors
    /// As [`Dir::read`].
    pub fn lock_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NONBLOCK;
        self.plain(name, flags, Mode::from_raw_mode(0o600))
    }

    fn plain(&self, name: &str, flags: OFlags, mode: Mode) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(self, name, flags, mode) {
            Ok(fd) => File::from(fd),
            Err(rustix::io::Errno::LOOP) => return Err(NotPlain::Link.into()),
            Err(rustix::io::Errno::NXIO | rustix::io::Errno::ISDIR) => {
                return Err(NotPlain::Kind.into());
            }
            Err(error) => return Err(error.into()),
        };
        plain(&file)?;
        Ok(file)
    }

    /// A small plain file's bytes; `None` where there is none.
    ///
    /// # Errors
    /// As [`Dir::read`], and when it is longer than `limit`.
    pub fn slurp(&self, name: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let file = match self.read(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // A small file is read in one go, and its end is seen at the next.
        let mut bytes = Vec::with_capacity(limit.min(4096) + 1);
        file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > limit {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("longer than {limit} bytes"),
            ));
        }
        Ok(Some(bytes))
    }

    /// Puts a whole file there under a name at once: a reader sees all of it or the one before.
    ///
    /// # Errors
    /// When any part of it fails; then the name is as it was.
    pub fn replace(&self, disk: &dyn Disk, name: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
        let draft = format!("{name}.new.{}", std::process::id());
        self.remove(&draft)?;
        let written = (|| {
            let file = disk.create(self, &draft, mode)?;
            write_all(disk, &file, bytes)?;
            disk.sync(&file)?;
            disk.rename(self, &draft, name)?;
            disk.sync_dir(self)
        })();
        if written.is_err() {
            // The first error is the one to tell.
            let _ = self.remove(&draft);
        }
        written
    }

    /// Removes a name, if it is there.
    ///
    /// # Errors
    /// As `unlinkat(2)`.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(self, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What a file is that should have been a plain one with one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPlain {
    /// A symbolic link.
    #[error("it is a symbolic link")]
    Link,
    /// A FIFO, device, socket or directory.
    #[error("it is no regular file")]
    Kind,
    /// It has other names, or none any more.
    #[error("it has {0} names instead of one")]
    Names(u64),
}

impl From<NotPlain> for io::Error {
    fn from(why: NotPlain) -> Self {
        Self::new(io::ErrorKind::InvalidInput, why)
    }
}

/// Checks that an open file is plain and has exactly one name; its length.
///
/// # Errors
/// [`NotPlain`] when it is not.
pub fn plain(file: &File) -> io::Result<u64> {
    let meta = file.metadata()?;
    if !meta.file_type().is_file() {
        return Err(NotPlain::Kind.into());
    }
    if meta.nlink() != 1 {
        return Err(NotPlain::Names(meta.nlink()).into());
    }
    Ok(meta.len())
}

/// Writes all of it. One `write` where the disk takes it in one.
///
/// # Errors
/// The first one of `write`.
pub fn write_all(disk: &dyn Disk, file: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match disk.write(file, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Locks an open file, waiting at most about ten seconds for whoever has it.
///
/// # Errors
/// `WouldBlock` when it is still held then.
pub fn lock(file: &File, exclusive: bool) -> io::Result<()> {
    use rustix::fs::FlockOperation as Op;
    let wanted = if exclusive {
        Op::NonBlockingLockExclusive
    } else {
        Op::NonBlockingLockShared
    };
    let mut pause = std::time::Duration::from_micros(50);
    for _ in 0..1100 {
        match rustix::fs::flock(file, wanted) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(pause),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        pause = (pause * 2).min(std::time::Duration::from_millis(10));
    }
    Err(io::ErrorKind::WouldBlock.into())
}

/// Lets go of a lock when it is dropped.
#[derive(Debug)]
pub struct Locked(std::sync::Arc<File>);

impl Locked {
    /// Locks.
    ///
    /// # Errors
    /// As [`lock`].
    pub fn new(file: &std::sync::Arc<File>, exclusive: bool) -> io::Result<Self> {
        lock(file, exclusive)?;
        Ok(Self(std::sync::Arc::clone(file)))
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing the file lets go as well; nothing can be done about an error here.
        let _ = rustix::fs::flock(&*self.0, rustix::fs::FlockOperation::Unlock);
    }
}

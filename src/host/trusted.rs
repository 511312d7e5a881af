//! Files and directories that nobody but one account can have written: no symlink on the way, and every directory from
//! the root down as closed as the thing itself. Knows nothing of what is in them.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Component, Path};

use rustix::fs::{CWD, Mode, OFlags, fstat, openat};

/// Whose word counts, and where the tree of files begins.
#[derive(Debug, Clone, Copy)]
pub struct Owners<'a> {
    /// What stands for `/`: itself, but in a test.
    pub root: &'a Path,
    /// The accounts that may own what is looked at.
    pub uids: &'a [u32],
}

impl Owners<'_> {
    /// The whole of such a file, of at most `max` bytes. `path` is absolute.
    ///
    /// # Errors
    /// `PermissionDenied`, with the reason, when somebody else could have written it or a directory above it; any error
    /// of the file system; `FileTooLarge`.
    pub fn read(self, path: &Path, max: u64) -> io::Result<Vec<u8>> {
        let file = self.open(path, OFlags::RDONLY | OFlags::NONBLOCK)?;
        let file = File::from(file);
        if !file.metadata()?.is_file() {
            return Err(refused(path, "is not a regular file"));
        }
        let mut bytes = Vec::new();
        file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > max {
            let what = format!("{} is larger than {max} bytes", path.display());
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
        }
        Ok(bytes)
    }

    /// Whether this directory is such a one.
    ///
    /// # Errors
    /// As [`Owners::read`].
    pub fn directory(self, path: &Path) -> io::Result<()> {
        self.open(path, OFlags::RDONLY | OFlags::DIRECTORY)
            .map(drop)
    }

    /// From the root down, one name after the other, each looked at once it is open.
    fn open(self, path: &Path, last: OFlags) -> io::Result<OwnedFd> {
        let mut names = Vec::new();
        for part in path.components() {
            match part {
                Component::RootDir => {}
                Component::Normal(name) => names.push(name),
                _ => return Err(refused(path, "is not an absolute path without `..`")),
            }
        }
        if !path.is_absolute() {
            return Err(refused(path, "is not an absolute path"));
        }
        let folder = OFlags::RDONLY | OFlags::DIRECTORY;
        let mut at = self.checked(CWD, self.root, folder | OFlags::CLOEXEC, path)?;
        for (index, name) in names.iter().enumerate() {
            let flags = if index + 1 == names.len() {
                last
            } else {
                folder
            };
            let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            at = self.checked(at.as_fd(), Path::new(name), flags, path)?;
        }
        Ok(at)
    }

    fn checked(
        self,
        at: std::os::fd::BorrowedFd<'_>,
        name: &Path,
        flags: OFlags,
        whole: &Path,
    ) -> io::Result<OwnedFd> {
        let file = openat(at, name, flags, Mode::empty()).map_err(|error| match error {
            rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR => refused(
                whole,
                "has a symlink, or something that is no directory, on its way",
            ),
            other => io::Error::new(
                io::Error::from(other).kind(),
                format!("{}: {other}", whole.display()),
            ),
        })?;
        let found = fstat(&file)?;
        let shown = name.display();
        if !self.uids.contains(&found.st_uid) {
            return Err(refused(
                whole,
                &format!("is not safe: `{shown}` belongs to another account"),
            ));
        }
        if found.st_mode & 0o022 != 0 {
            return Err(refused(
                whole,
                &format!("is not safe: others may write `{shown}`"),
            ));
        }
        Ok(file)
    }
}

fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("{} {why}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    /// A root of one's own with `etc/runsheet/gate.toml` in it.
    fn root() -> (tempfile::TempDir, u32) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("etc/runsheet")).unwrap();
        fs::write(dir.path().join("etc/runsheet/gate.toml"), "hello").unwrap();
        mode(dir.path(), "etc/runsheet/gate.toml", 0o644);
        for path in ["", "etc", "etc/runsheet"] {
            mode(dir.path(), path, 0o755);
        }
        let uid = fs::metadata(dir.path()).unwrap().uid();
        (dir, uid)
    }

    fn mode(root: &Path, path: &str, mode: u32) {
        fs::set_permissions(root.join(path), Permissions::from_mode(mode)).unwrap();
    }

    fn read(root: &Path, uid: u32, path: &str) -> Result<Vec<u8>, String> {
        let uids = [uid];
        Owners { root, uids: &uids }
            .read(Path::new(path), 100)
            .map_err(|error| error.to_string())
    }

    const FILE: &str = "/etc/runsheet/gate.toml";

    #[test]
    fn a_file_that_only_its_owner_can_have_written_is_read() {
        let (dir, uid) = root();
        assert_eq!(read(dir.path(), uid, FILE), Ok(b"hello".to_vec()));
    }

    #[test]
    fn whatever_another_account_could_have_written_is_refused() {
        for (path, bits) in [
            ("etc/runsheet/gate.toml", 0o664),
            ("etc/runsheet/gate.toml", 0o646),
            ("etc/runsheet", 0o775),
            ("etc", 0o757),
            ("", 0o1777),
        ] {
            let (dir, uid) = root();
            mode(dir.path(), path, bits);
            let why = read(dir.path(), uid, FILE).unwrap_err();
            assert!(why.contains("others may write"), "{path} {bits:o}: {why}");
        }
        let (dir, uid) = root();
        let why = read(dir.path(), uid + 1, FILE).unwrap_err();
        assert!(why.contains("belongs to another account"), "{why}");
    }

    #[test]
    fn symlinks_pipes_dots_and_long_files_are_refused() {
        let (dir, uid) = root();
        let etc = dir.path().join("etc");
        symlink("gate.toml", etc.join("runsheet/link")).unwrap();
        symlink("runsheet", etc.join("other")).unwrap();
        for path in ["/etc/runsheet/link", "/etc/other/gate.toml"] {
            let why = read(dir.path(), uid, path).unwrap_err();
            assert!(why.contains("symlink"), "{why}");
        }
        for path in ["etc/runsheet/gate.toml", "/etc/../etc/runsheet/gate.toml"] {
            assert!(read(dir.path(), uid, path).is_err(), "{path}");
        }
        assert!(read(dir.path(), uid, "/etc/runsheet").is_err());
        fs::write(etc.join("runsheet/long"), [b'x'; 101]).unwrap();
        mode(dir.path(), "etc/runsheet/long", 0o600);
        assert!(read(dir.path(), uid, "/etc/runsheet/long").is_err());
        assert!(read(dir.path(), uid, "/etc/runsheet/none").is_err());
        let fifo = etc.join("runsheet/fifo");
        rustix::fs::mknodat(CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert!(read(dir.path(), uid, "/etc/runsheet/fifo").is_err());
    }

    #[test]
    fn a_directory_is_held_to_the_same() {
        let (dir, uid) = root();
        let uids = [uid];
        let owners = Owners {
            root: dir.path(),
            uids: &uids,
        };
        owners.directory(Path::new("/etc/runsheet")).unwrap();
        assert!(owners.directory(Path::new(FILE)).is_err());
        mode(dir.path(), "etc/runsheet", 0o770);
        assert!(owners.directory(Path::new("/etc/runsheet")).is_err());
    }
}

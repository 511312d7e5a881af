//! Files that survive a power cut and do not follow where a stranger points: atomic writes, private directories,
//! bounded reads, and where the program keeps its own.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use rustix::fs::OFlags;

/// The program's own directories, by the XDG rules. None of them need exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Dirs {
    pub config: PathBuf,
    pub state: PathBuf,
    pub cache: PathBuf,
    pub data: PathBuf,
}

impl Dirs {
    /// `$XDG_CONFIG_HOME/runsheet` and its like, with their usual defaults under the home directory.
    ///
    /// # Errors
    /// When there is no home directory to be found; say `--state DIR` and `--library PATH` then.
    pub fn find() -> io::Result<Self> {
        let base = etcetera::base_strategy::Xdg::new().map_err(|_| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "there is no home directory: set HOME, or name the directories yourself",
            )
        })?;
        let own = |dir: PathBuf| dir.join("runsheet");
        let data = base.data_dir();
        Ok(Self {
            config: own(base.config_dir()),
            state: own(base.state_dir().unwrap_or_else(|| data.join("state"))),
            cache: own(base.cache_dir()),
            data: own(data),
        })
    }
}

/// Replaces a file so that a reader, and the disk after a power cut, has either all of the old bytes or all of the
/// new ones. A symlink at `path` is replaced, not followed. `mode` is what the file gets, whatever the umask.
///
/// # Errors
/// Any error of the file system; the old file is then as it was.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write_atomic_with(path, mode, |out| out.write_all(bytes))
}

/// The same with bytes that are made as they are written.
///
/// # Errors
/// As [`write_atomic`], and what `write` itself fails with.
pub fn write_atomic_with(
    path: &Path,
    mode: u32,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let dir = parent(path);
    let mut file = tempfile::Builder::new()
        .prefix(".tmp-")
        .permissions(fs::Permissions::from_mode(mode & 0o600))
        .tempfile_in(dir)?;
    let mut out = BufWriter::new(file.as_file_mut());
    write(&mut out)?;
    out.flush()?;
    drop(out);
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;
    sync_dir(dir)
}

/// Makes the names in a directory durable: a file just made or renamed is found after a power cut.
///
/// # Errors
/// Any error of the file system.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes everything written so far to the file system that holds `path` durable.
///
/// # Errors
/// Any error of the file system.
pub fn sync_file_system(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(path)?)?)
}

/// Makes a directory that only its owner may enter, and those above it that are missing. One that is there already
/// must be ours: it is closed to others (0700), or refused when somebody else owns it or it is a symlink.
///
/// # Errors
/// Any error of the file system; `PermissionDenied` when the directory is not ours.
pub fn create_private_dir(dir: &Path) -> io::Result<()> {
    match DirBuilder::new().recursive(true).mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(dir)?;
    let refuse = |why: &str| {
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{} {why}", dir.display()),
        ))
    };
    if !found.is_dir() {
        return refuse("is not a directory of its own (a symlink or a file)");
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return refuse("belongs to another account");
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Opens a regular file for reading without following a symlink at its end and without waiting on a pipe.
///
/// # Errors
/// Any error of the file system; `InvalidInput` when it is not a regular file.
pub fn open_plain(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} is not a regular file", path.display()),
        ))
    }
}

/// The whole of a file of at most `max` bytes. Follows symlinks, so it is for paths the user chose.
///
/// # Errors
/// Any error of the file system; `FileTooLarge` beyond `max`.
pub fn read_limited(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    read_up_to(File::open(path)?, path, max)
}

/// As [`read_limited`], of a regular file that is not a symlink: for paths that others may have planted.
///
/// # Errors
/// As [`read_limited`] and [`open_plain`].
pub fn read_plain_limited(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    read_up_to(open_plain(path)?, path, max)
}

fn read_up_to(file: File, path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("{} is larger than {max} bytes", path.display()),
        ));
    }
    Ok(bytes)
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_atomic_write_replaces_a_planted_symlink_instead_of_following_it() {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        fs::write(&victim, "kept").unwrap();
        let path = dir.path().join("file");
        symlink(&victim, &path).unwrap();
        write_atomic(&path, b"new", 0o640).unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"kept");
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let made = fs::symlink_metadata(&path).unwrap();
        assert!(made.is_file());
        assert_eq!(made.mode() & 0o777, 0o640);
    }

    #[test]
    fn a_failed_atomic_write_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(write_atomic(&path, b"new", 0o600).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_private_directory_is_closed_to_others_even_if_it_was_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        create_private_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        create_private_dir(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_symlink_in_place_of_a_private_directory_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        symlink(dir.path(), &path).unwrap();
        let refused = create_private_dir(&path).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn pipes_symlinks_and_oversized_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, [b'x'; 100]).unwrap();
        let link = dir.path().join("link");
        symlink(&file, &link).unwrap();
        let pipe = dir.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert!(open_plain(&link).is_err());
        assert!(open_plain(&pipe).is_err());
        assert_eq!(read_plain_limited(&file, 100).unwrap().len(), 100);
        assert_eq!(
            read_plain_limited(&file, 99).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
        assert!(read_limited("/dev/zero".as_ref(), 4096).is_err());
    }

    #[test]
    fn the_four_directories_differ_and_end_in_the_programs_name() {
        let dirs = Dirs::find().unwrap();
        let all = [&dirs.config, &dirs.state, &dirs.cache, &dirs.data];
        for (index, dir) in all.iter().enumerate() {
            assert!(dir.ends_with("runsheet") && dir.is_absolute(), "{dir:?}");
            assert!(!all[..index].contains(dir), "{dir:?}");
        }
    }
}

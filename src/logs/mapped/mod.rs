//! A file as one slice of memory, which is how it is searched at the speed of memory. The one place with `unsafe` in it.
//! Knows nothing of lines.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::time::{Duration, SystemTime};

use memmap2::Mmap;

/// A file that was written to since then may be cut short while it is read.
const QUIET: Duration = Duration::from_secs(60);

/// The bytes of a file.
#[derive(Debug)]
pub struct Mapped(Option<Mmap>);

impl Mapped {
    /// Maps a file that nobody has written to for a minute before `now`; of any other there is no map, and it is to be
    /// read at an offset instead. An empty file is an empty slice.
    ///
    /// # Errors
    /// When the file cannot be asked or mapped.
    pub fn of(file: &File, now: SystemTime) -> io::Result<Option<Self>> {
        let meta = file.metadata()?;
        let quiet = now
            .duration_since(meta.modified()?)
            .is_ok_and(|since| since >= QUIET);
        if !quiet || !meta.is_file() {
            return Ok(None);
        }
        if meta.len() == 0 {
            return Ok(Some(Self(None)));
        }
        #[allow(
            unsafe_code,
            reason = "a map is undefined behaviour when another process changes what is mapped, and SIGBUS when it cuts \
                      it short: logs at rest are appended to or renamed, and those at work are not mapped"
        )]
        // SAFETY: the file is open for reading, is a plain one and has been at rest; nothing of this program writes to it.
        let map = unsafe { Mmap::map(file)? };
        Ok(Some(Self(Some(map))))
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_at_rest_are_mapped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        std::fs::write(&path, "text").unwrap();
        let file = File::open(&path).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        let after = |seconds| Mapped::of(&file, written + Duration::from_secs(seconds)).unwrap();
        assert!(after(59).is_none());
        assert_eq!(&**after(60).as_ref().unwrap(), b"text");
        // Written to in the future: a clock is wrong, so it may be at work.
        assert!(
            Mapped::of(&file, written - Duration::from_secs(3600))
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn an_empty_file_is_an_empty_slice() {
        let file = tempfile::tempfile().unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        let map = Mapped::of(&file, written + QUIET).unwrap().unwrap();
        assert!(map.is_empty());
    }
}

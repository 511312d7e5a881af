//! A file as one slice of memory, which is how it is searched at the speed of memory. With its guard the one place with
//! `unsafe` in it. Knows nothing of lines.

mod guard;

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::time::{Duration, SystemTime};

use memmap2::Mmap;

use self::guard::Guard;

/// A file that was written to since then is at work: what is read of it may change meanwhile.
const QUIET: Duration = Duration::from_secs(60);

/// The bytes of a file. Where it is cut short meanwhile they are zeros, and [`Mapped::cut`] says from where on.
#[derive(Debug)]
pub struct Mapped {
    file: File,
    map: Option<(Mmap, &'static Guard)>,
}

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
        let file = file.try_clone()?;
        if meta.len() == 0 {
            return Ok(Some(Self { file, map: None }));
        }
        #[allow(
            unsafe_code,
            reason = "a map is undefined behaviour when another process changes what is mapped: logs at rest are appended \
                      to or renamed, and those at work are not mapped; one that is cut short is guarded"
        )]
        // SAFETY: the file is open for reading, is a plain one and has been at rest; nothing of this program writes to it.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Guard::over(&map).map(|guard| Self {
            file,
            map: Some((map, guard)),
        }))
    }

    /// From which byte on the file was cut short since, if it was: nothing that was read behind it counts.
    #[must_use]
    pub fn cut(&self) -> Option<u64> {
        let (map, guard) = self.map.as_ref()?;
        // Inside of a page it is cut without a signal.
        let size = self.file.metadata().map_or(0, |meta| meta.len());
        let short = (size < map.len() as u64).then_some(size);
        short.into_iter().chain(guard.cut()).min()
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.map.as_ref().map_or(&[], |(map, _)| map)
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // Before its addresses can be those of something else.
        if let Some((_, guard)) = &self.map {
            guard.free();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(file: &File) -> SystemTime {
        file.metadata().unwrap().modified().unwrap() + QUIET
    }

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
        let map = Mapped::of(&file, quiet(&file)).unwrap().unwrap();
        assert!(map.is_empty());
        assert_eq!(map.cut(), None);
    }

    #[test]
    fn what_was_cut_off_reads_as_zeros_and_is_said_to_be_gone() {
        use std::io::Write as _;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![b'x'; 300_000]).unwrap();
        let map = Mapped::of(&file, quiet(&file)).unwrap().unwrap();
        assert_eq!((map[299_999], map.cut()), (b'x', None));
        file.set_len(100_010).unwrap();
        assert_eq!((map[299_999], map[100_009]), (0, b'x'));
        assert_eq!(map.cut(), Some(100_010));
        file.set_len(0).unwrap();
        assert!(map.iter().all(|byte| *byte == 0));
        assert_eq!(map.cut(), Some(0));
        // It is there again, but what was read is not.
        file.set_len(300_000).unwrap();
        assert_eq!(map.cut(), Some(0));
    }
}

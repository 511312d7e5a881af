//! What a log is to the engine: something with a size that can be read at an offset. A file here, a file on another host
//! over SFTP, a decompressed block. Knows nothing of lines or times.

use std::fs::File;
use std::io;
use std::path::Path;

/// Bytes that can be read at any offset, by several threads at once.
///
/// A live log grows, shrinks and is rotated while it is read: nothing here promises that `size` still holds when
/// `read_at` is called, and a read past the end gives nothing.
pub trait Source: Send + Sync {
    /// Bytes there are now.
    ///
    /// # Errors
    /// When it cannot be told.
    fn size(&self) -> io::Result<u64>;

    /// Reads some bytes from this offset on; fewer than asked for is no sign of the end, none is.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize>;

    /// Reads until the buffer is full or the end is reached.
    ///
    /// # Errors
    /// When it cannot be read.
    fn fill_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match self.read_at(&mut buf[done..], at + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Reads at several places, each as [`Source::fill_at`] does: in as many answers as there are places, shorter where
    /// the end came first. Where a read costs a round trip, all of them together cost one.
    ///
    /// # Errors
    /// When one of them cannot be read.
    fn read_many(&self, places: &[(u64, usize)]) -> io::Result<Vec<Vec<u8>>> {
        let read = |(at, len): &(u64, usize)| {
            let mut buf = vec![0; *len];
            let done = self.fill_at(&mut buf, *at)?;
            buf.truncate(done);
            Ok(buf)
        };
        places.iter().map(read).collect()
    }

    /// How many small reads at once take about as long as one: 1 for a file here, more for one behind a network, where
    /// a search that looks at so many places in each of its rounds makes few of them.
    fn at_once(&self) -> usize {
        1
    }
}

impl Source for File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buf, at)
    }
}

impl Source for [u8] {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let at = usize::try_from(at).unwrap_or(usize::MAX).min(self.len());
        let read = buf.len().min(self.len() - at);
        buf[..read].copy_from_slice(&self[at..at + read]);
        Ok(read)
    }
}

/// Opens a plain file of this machine; a FIFO, socket, device or folder is refused instead of waited for.
///
/// # Errors
/// When it is no plain file or cannot be opened.
pub fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a plain file",
        ));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_at_an_offset_end_at_the_end() {
        let source: &[u8] = b"0123456789";
        let mut buf = [0; 4];
        assert_eq!(source.fill_at(&mut buf, 8).unwrap(), 2);
        assert_eq!(&buf[..2], b"89");
        assert_eq!(source.fill_at(&mut buf, u64::MAX).unwrap(), 0);
    }

    #[test]
    fn several_places_give_as_many_answers() {
        let source: &[u8] = b"0123456789";
        let read = source.read_many(&[(8, 4), (0, 2), (99, 1)]).unwrap();
        assert_eq!(read, [b"89".to_vec(), b"01".to_vec(), Vec::new()]);
    }

    #[test]
    fn a_folder_is_no_log() {
        let dir = tempfile::tempdir().unwrap();
        let error = open(dir.path()).unwrap_err();
        assert_eq!(error.to_string(), "not a plain file");
    }
}

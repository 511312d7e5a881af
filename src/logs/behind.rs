//! Writing on a thread of its own, so that what is read and sorted does not wait for what is written. Knows nothing of
//! lines.

use std::io::{self, Write};
use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

/// Bytes that are handed over at once.
const BLOCK: usize = 1 << 20;
/// Blocks that may wait to be written.
const WAITING: usize = 2;

/// Hands everything to a thread that writes it.
#[derive(Debug)]
pub struct Behind<'scope, W> {
    block: Vec<u8>,
    give: SyncSender<Vec<u8>>,
    /// Blocks that were written, to be filled again.
    empty: Receiver<Vec<u8>>,
    writer: ScopedJoinHandle<'scope, io::Result<W>>,
}

impl<'scope, W: Write + Send + 'scope> Behind<'scope, W> {
    /// Starts the thread, which ends before the scope does.
    pub fn new<'env>(scope: &'scope Scope<'scope, 'env>, mut out: W) -> Self {
        let (give, blocks) = sync_channel::<Vec<u8>>(WAITING);
        let (done, empty) = sync_channel(WAITING + 1);
        let writer = scope.spawn(move || {
            for mut block in blocks {
                out.write_all(&block)?;
                block.clear();
                // Whoever fills them may have gone.
                let _ = done.try_send(block);
            }
            out.flush()?;
            Ok(out)
        });
        Self {
            block: Vec::with_capacity(BLOCK),
            give,
            empty,
            writer,
        }
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// The first one of writing.
    pub fn finish(mut self) -> io::Result<W> {
        // A writer that has failed says why below.
        let _ = self.hand_over();
        drop(self.give);
        self.writer
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the writing thread was lost")))
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let next = self
            .empty
            .try_recv()
            .unwrap_or_else(|_| Vec::with_capacity(BLOCK));
        let block = mem::replace(&mut self.block, next);
        self.give
            .send(block)
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

impl<'scope, W: Write + Send + 'scope> Write for Behind<'scope, W> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.len() + bytes.len() > BLOCK && !self.block.is_empty() {
            self.hand_over()?;
        }
        self.block.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Hands over what there is; only [`Behind::finish`] waits for it.
    fn flush(&mut self) -> io::Result<()> {
        self.hand_over()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_written_in_order() {
        let mut expected = Vec::new();
        let written = std::thread::scope(|scope| {
            let mut behind = Behind::new(scope, Vec::new());
            for number in 0..300_000_u32 {
                let line = format!("{number}\n");
                behind.write_all(line.as_bytes()).unwrap();
                expected.extend_from_slice(line.as_bytes());
            }
            behind.write_all(&vec![b'x'; 3 * BLOCK]).unwrap();
            expected.extend_from_slice(&vec![b'x'; 3 * BLOCK]);
            behind.finish().unwrap()
        });
        assert!(written == expected);
    }

    #[test]
    fn a_writer_that_fails_is_told() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let failed = std::thread::scope(|scope| {
            let mut behind = Behind::new(scope, Full);
            for _ in 0..20 {
                // It may or may not be known by now.
                let _ = behind.write_all(&vec![b'x'; BLOCK]);
            }
            behind.finish().err().unwrap()
        });
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
    }
}

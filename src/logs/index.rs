//! Where the lines of a log are, sparsely: how many begin in each block of 64 KiB. Counted in the background by a few
//! threads; four bytes for 64 KiB, so that a file of any size has exact line numbers. Knows nothing of what is in a line.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::source::Source;

/// Bytes of a block.
pub const BLOCK: u64 = 64 << 10;

/// Blocks that a thread takes at a time.
const UNIT: usize = 16;

/// A block that was not counted yet; no block has so many newlines.
const UNKNOWN: u32 = u32::MAX;

/// Newlines by block.
#[derive(Debug, Default)]
pub struct Index {
    table: Arc<Mutex<Table>>,
    stop: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Table {
    newlines: Vec<u32>,
    /// Bytes that are counted, or are being.
    size: u64,
    /// Blocks still to be counted.
    open: usize,
    failed: Option<String>,
}

impl Index {
    /// Begins to count what is there, with so many threads.
    #[must_use]
    pub fn build(source: &Arc<dyn Source>, size: u64, threads: usize) -> Self {
        let index = Self::default();
        index.count(source, 0, size, threads);
        index
    }

    /// Counts what was added; what is small at once. Nothing happens while the first count is under way: the next call
    /// takes up what is missing.
    pub fn grow(&self, source: &Arc<dyn Source>, size: u64, threads: usize) {
        let from = {
            let table = lock(&self.table);
            if table.open > 0 || size <= table.size {
                return;
            }
            table.size / BLOCK * BLOCK
        };
        let threads = if size - from > 4 << 20 { threads } else { 0 };
        self.count(source, from, size, threads);
    }

    /// Counts from the beginning of a block on; with no threads, before it returns.
    fn count(&self, source: &Arc<dyn Source>, from: u64, size: u64, threads: usize) {
        let (first, end) = (block(from), block(size + BLOCK - 1));
        {
            let mut table = lock(&self.table);
            table.newlines.truncate(first);
            table.newlines.resize(end, UNKNOWN);
            table.size = size;
            table.open = end - first;
        }
        let next = Arc::new(AtomicUsize::new(first));
        let work = || {
            let (table, stop) = (Arc::clone(&self.table), Arc::clone(&self.stop));
            let (source, next) = (Arc::clone(source), Arc::clone(&next));
            move || {
                let mut buf = vec![0; UNIT * BLOCK as usize];
                while !stop.load(Ordering::Relaxed) {
                    let unit = next.fetch_add(UNIT, Ordering::Relaxed);
                    if unit >= end {
                        break;
                    }
                    count_unit(&*source, unit, end, size, &mut buf, &table);
                }
            }
        };
        if threads == 0 {
            work()();
        }
        for _ in 0..threads {
            std::thread::spawn(work());
        }
    }

    /// Whether everything is counted.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let table = lock(&self.table);
        table.open == 0 && table.failed.is_none()
    }

    /// Whether threads are still at it.
    #[must_use]
    pub fn is_counting(&self) -> bool {
        lock(&self.table).open > 0
    }

    /// Newlines before this offset, once all blocks before it are counted.
    ///
    /// # Errors
    /// When the block it lies in cannot be read.
    pub fn newlines_before(&self, source: &dyn Source, at: u64) -> io::Result<Option<u64>> {
        let whole = block(at);
        let before = {
            let table = lock(&self.table);
            match table.newlines.get(..whole) {
                Some(blocks) if at <= table.size && !blocks.contains(&UNKNOWN) => {
                    blocks.iter().map(|count| u64::from(*count)).sum::<u64>()
                }
                _ => return Ok(None),
            }
        };
        let start = whole as u64 * BLOCK;
        let mut rest = vec![0; usize::try_from(at - start).unwrap_or(0)];
        let read = source.fill_at(&mut rest, start)?;
        Ok(Some(before + newlines(&rest[..read])))
    }

    /// The offset behind the newline of this number, from 1; `None` where there are not so many, or not yet.
    ///
    /// # Errors
    /// When the block it lies in cannot be read.
    pub fn behind_newline(&self, source: &dyn Source, number: u64) -> io::Result<Option<u64>> {
        if number == 0 {
            return Ok(Some(0));
        }
        let (start, mut left) = {
            let table = lock(&self.table);
            let mut left = number;
            let found = table.newlines.iter().position(|count| {
                if *count == UNKNOWN || left <= u64::from(*count) {
                    return true;
                }
                left -= u64::from(*count);
                false
            });
            match found {
                Some(at) if table.newlines[at] != UNKNOWN => (at as u64 * BLOCK, left),
                _ => return Ok(None),
            }
        };
        let mut bytes = vec![0; BLOCK as usize];
        let read = source.fill_at(&mut bytes, start)?;
        for at in memchr::memchr_iter(b'\n', &bytes[..read]) {
            left -= 1;
            if left == 0 {
                return Ok(Some(start + at as u64 + 1));
            }
        }
        Ok(None)
    }

    /// How much memory it takes, in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        lock(&self.table).newlines.capacity() * size_of::<u32>()
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn count_unit(
    source: &dyn Source,
    unit: usize,
    end: usize,
    size: u64,
    buf: &mut [u8],
    table: &Mutex<Table>,
) {
    let from = unit as u64 * BLOCK;
    let wanted = usize::try_from(size - from).map_or(buf.len(), |left| left.min(buf.len()));
    let result = source.fill_at(&mut buf[..wanted], from);
    let blocks = UNIT.min(end - unit);
    let counts: Vec<u32> = match &result {
        Ok(read) => buf[..*read]
            .chunks(BLOCK as usize)
            .map(|bytes| u32::try_from(newlines(bytes)).unwrap_or(UNKNOWN - 1))
            .chain(std::iter::repeat(0))
            .take(blocks)
            .collect(),
        Err(_) => vec![UNKNOWN; blocks],
    };
    let mut table = lock(table);
    table.open = table.open.saturating_sub(blocks);
    if let Some(known) = table.newlines.get_mut(unit..unit + blocks) {
        known.copy_from_slice(&counts);
    }
    if let Err(error) = result {
        table.failed = Some(error.to_string());
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

fn block(at: u64) -> usize {
    usize::try_from(at / BLOCK).unwrap_or(usize::MAX)
}

/// What is in the table holds whoever panicked.
fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bytes: Vec<u8>) -> Arc<dyn Source> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, bytes).unwrap();
        Arc::new(super::super::source::open(&path).unwrap())
    }

    fn text(lines: usize) -> Vec<u8> {
        (0..lines)
            .flat_map(|line| format!("{}\n", "x".repeat(line % 300)).into_bytes())
            .collect()
    }

    #[test]
    fn newlines_are_counted_exactly_wherever_one_asks() {
        let bytes = text(5_000);
        let source = source(bytes.clone());
        for threads in [0, 2] {
            let index = Index::build(&source, bytes.len() as u64, threads);
            while !index.is_complete() {
                std::thread::yield_now();
            }
            for at in (0..=bytes.len()).step_by(7_919).chain([bytes.len()]) {
                let counted = index.newlines_before(&*source, at as u64).unwrap();
                assert_eq!(counted, Some(newlines(&bytes[..at])), "{at}");
            }
            let behind = |number| index.behind_newline(&*source, number).unwrap();
            assert_eq!((behind(0), behind(1)), (Some(0), Some(1)));
            assert_eq!(behind(5_000), Some(bytes.len() as u64));
            assert_eq!(behind(5_001), None);
        }
    }

    #[test]
    fn what_is_added_is_counted_from_the_last_whole_block() {
        let bytes = text(3_000);
        let source = source(bytes.clone());
        let index = Index::build(&source, 1_000, 0);
        assert_eq!(index.newlines_before(&*source, 70_000).unwrap(), None);
        index.grow(&source, bytes.len() as u64, 2);
        assert_eq!(
            index.newlines_before(&*source, 70_000).unwrap(),
            Some(newlines(&bytes[..70_000]))
        );
    }

    #[test]
    fn it_takes_less_than_a_thousandth_of_the_file() {
        let bytes = text(20_000);
        let source = source(bytes.clone());
        let index = Index::build(&source, bytes.len() as u64, 0);
        assert!(index.weight() * 1_000 < bytes.len(), "{}", index.weight());
    }
}

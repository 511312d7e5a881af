//! Lines of a source by offset: where they begin and end, and the whole lines of a stretch. A line is what ends in `\n`,
//! or the rest; the longest is as long as the file.

use std::io;

use crate::logs::source::Source;

/// Bytes that are read at a time to find a line's ends.
const BLOCK: u64 = 64 << 10;

/// Blocks that are kept: what is on the screen and around it.
const KEPT: usize = 8;

/// So much of one line is looked at when lines are matched.
pub const LONGEST: u64 = 1 << 20;

/// One line: its first byte, and the first byte behind it and its newline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub struct Line {
    pub start: u64,
    pub end: u64,
}

/// Blocks that were read last.
#[derive(Debug, Default)]
pub struct Blocks {
    /// The newest last.
    held: Vec<(u64, Vec<u8>)>,
}

impl Blocks {
    /// Nothing that was read holds any more.
    pub fn forget(&mut self) {
        self.held.clear();
    }

    /// The bytes of the block around an offset, and where it begins; nothing beyond `size`.
    fn around(
        &mut self,
        source: &(impl Source + ?Sized),
        size: u64,
        at: u64,
    ) -> io::Result<(u64, &[u8])> {
        let start = at / BLOCK * BLOCK;
        let whole = usize::try_from(BLOCK.min(size.saturating_sub(start))).unwrap_or(0);
        let known = self
            .held
            .iter()
            .position(|(block, bytes)| *block == start && bytes.len() >= whole);
        let held = if let Some(known) = known {
            self.held.remove(known)
        } else {
            self.held.retain(|(block, _)| *block != start);
            if self.held.len() >= KEPT {
                self.held.remove(0);
            }
            let mut bytes = vec![0; whole];
            let read = source.fill_at(&mut bytes, start)?;
            bytes.truncate(read);
            (start, bytes)
        };
        self.held.push(held);
        let bytes = self.held.last().map_or(&[][..], |(_, bytes)| bytes);
        Ok((start, &bytes[..whole.min(bytes.len())]))
    }

    /// Where the line begins that this byte is in.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn start_of(
        &mut self,
        source: &(impl Source + ?Sized),
        size: u64,
        at: u64,
    ) -> io::Result<u64> {
        let mut end = at.min(size);
        while end > 0 {
            let (start, bytes) = self.around(source, size, end - 1)?;
            let part = usize::try_from(end - start).unwrap_or(0).min(bytes.len());
            if let Some(found) = memchr::memrchr(b'\n', &bytes[..part]) {
                return Ok(start + found as u64 + 1);
            }
            end = start;
        }
        Ok(0)
    }

    /// Where the line ends that this byte is in: behind its newline, or at the end.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn end_of(
        &mut self,
        source: &(impl Source + ?Sized),
        size: u64,
        at: u64,
    ) -> io::Result<u64> {
        let mut from = at;
        while from < size {
            let (start, bytes) = self.around(source, size, from)?;
            let skip = usize::try_from(from - start).unwrap_or(0).min(bytes.len());
            if let Some(found) = memchr::memchr(b'\n', &bytes[skip..]) {
                return Ok(from + found as u64 + 1);
            }
            if bytes.len() == skip {
                return Ok(from);
            }
            from = start + bytes.len() as u64;
        }
        Ok(size)
    }

    /// Bytes from an offset on, at most so many.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(
        &mut self,
        source: &(impl Source + ?Sized),
        size: u64,
        from: u64,
        most: usize,
    ) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        while out.len() < most {
            let at = from + out.len() as u64;
            if at >= size {
                break;
            }
            let (start, bytes) = self.around(source, size, at)?;
            let skip = usize::try_from(at - start).unwrap_or(0).min(bytes.len());
            let part = &bytes[skip..];
            if part.is_empty() {
                break;
            }
            out.extend_from_slice(&part[..part.len().min(most - out.len())]);
        }
        Ok(out)
    }
}

/// Reads the lines that begin in `from..to` into the buffer: where the first begins, and which bytes of the buffer they
/// are. Of a last line that goes on for more than [`LONGEST`] beyond `to`, only so much is there.
///
/// # Errors
/// When it cannot be read.
pub fn beginning_in(
    source: &(impl Source + ?Sized),
    size: u64,
    from: u64,
    to: u64,
    buf: &mut Vec<u8>,
) -> io::Result<(u64, std::ops::Range<usize>)> {
    let to = to.min(size);
    let lead = from.saturating_sub(1);
    buf.clear();
    if from >= to {
        return Ok((from, 0..0));
    }
    append(source, lead, to, buf)?;
    let first = if from == 0 {
        0
    } else {
        match memchr::memchr(b'\n', buf) {
            Some(found) if lead + (found as u64) + 1 < to => found + 1,
            _ => return Ok((to, 0..0)),
        }
    };
    if buf.len() as u64 == to - lead && buf.last() != Some(&b'\n') {
        let longest = size.min(to + LONGEST);
        let mut end = to;
        while end < longest {
            let before = buf.len();
            let next = longest.min(end + BLOCK);
            append(source, end, next, buf)?;
            if let Some(found) = memchr::memchr(b'\n', &buf[before..]) {
                buf.truncate(before + found + 1);
                break;
            }
            if buf.len() == before {
                break;
            }
            end = next;
        }
    }
    Ok((lead + first as u64, first..buf.len()))
}

fn append(
    source: &(impl Source + ?Sized),
    from: u64,
    to: u64,
    buf: &mut Vec<u8>,
) -> io::Result<()> {
    let before = buf.len();
    buf.resize(before + usize::try_from(to - from).unwrap_or(0), 0);
    let read = source.fill_at(&mut buf[before..], from)?;
    buf.truncate(before + read);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![3 => Just(b'\n'), 7 => any::<u8>()], 0..200)
    }

    /// Ends of the lines, as a plain reading finds them.
    fn lines(bytes: &[u8]) -> Vec<Line> {
        let mut at = 0;
        bytes
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| {
                let start = at;
                at += line.len() as u64;
                Line { start, end: at }
            })
            .collect()
    }

    proptest! {
        #[test]
        fn ends_of_lines_are_those_of_a_plain_reading(bytes in text(), at in 0u64..220) {
            let (source, size) = (bytes.as_slice(), bytes.len() as u64);
            let mut blocks = Blocks::default();
            if let Some(line) = lines(&bytes).into_iter().find(|line| line.start <= at && at < line.end) {
                prop_assert_eq!(blocks.start_of(source, size, at).unwrap(), line.start);
                prop_assert_eq!(blocks.end_of(source, size, at).unwrap(), line.end);
            }
        }

        #[test]
        fn every_line_begins_in_one_stretch(bytes in text(), step in 1u64..50) {
            let (source, size) = (bytes.as_slice(), bytes.len() as u64);
            let (mut buf, mut seen, mut from) = (Vec::new(), Vec::new(), 0);
            while from < size {
                let (start, range) = beginning_in(source, size, from, from + step, &mut buf).unwrap();
                let mut at = start;
                for line in buf[range].split_inclusive(|byte| *byte == b'\n') {
                    prop_assert!(at >= from && at < from + step);
                    seen.push(Line { start: at, end: at + line.len() as u64 });
                    at += line.len() as u64;
                }
                from += step;
            }
            prop_assert_eq!(seen, lines(&bytes));
        }
    }

    #[test]
    fn a_line_over_many_blocks_has_its_ends_and_its_middle() {
        let mut bytes = b"first\n".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', 3 << 20));
        bytes.extend(b"\nlast");
        let (source, size) = (bytes.as_slice(), bytes.len() as u64);
        let mut blocks = Blocks::default();
        assert_eq!(blocks.start_of(source, size, 2 << 20).unwrap(), 6);
        assert_eq!(blocks.end_of(source, size, 6).unwrap(), size - 4);
        assert_eq!(
            blocks.read(source, size, 1 << 20, 70_000).unwrap().len(),
            70_000
        );
        let mut buf = Vec::new();
        let (start, range) = beginning_in(source, size, 0, 100, &mut buf).unwrap();
        assert_eq!((start, range), (0, 0..100 + LONGEST as usize));
    }

    #[test]
    fn a_block_that_grew_is_read_again() {
        let mut blocks = Blocks::default();
        assert_eq!(blocks.end_of(&b"ab"[..], 2, 0).unwrap(), 2);
        assert_eq!(blocks.end_of(&b"abc\nd"[..], 5, 0).unwrap(), 4);
    }
}

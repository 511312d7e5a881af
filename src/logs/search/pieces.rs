//! A log in pieces of whole lines, so that several threads can search it at once. Knows nothing of patterns.

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use super::Haystack;
use crate::logs::lines::Encoding;

/// A line of more bytes than this is searched in parts where it is read at an offset.
pub(super) const LONGEST_LINE: usize = 64 << 20;
/// Bytes that are read at once behind a piece, to end its last line.
const MORE: usize = 256 << 10;

/// Bytes from one offset to another, cut into pieces. The lines of a piece are those that begin in it, so that each line
/// is in exactly one.
#[derive(Clone, Copy)]
pub(super) struct Pieces<'a> {
    hay: Haystack<'a>,
    encoding: Encoding,
    start: u64,
    end: u64,
    size: u64,
}

/// Whole lines.
pub(super) struct Piece<'a> {
    /// Where they begin.
    pub at: u64,
    pub lines: Cow<'a, [u8]>,
}

impl<'a> Pieces<'a> {
    /// `range` begins a line. `size` is of one piece.
    pub(super) fn new(
        hay: Haystack<'a>,
        encoding: Encoding,
        range: &Range<u64>,
        size: u64,
    ) -> Self {
        Self {
            hay,
            encoding,
            start: range.start,
            end: range.end.max(range.start),
            size: encoding.align(size).max(2),
        }
    }

    pub(super) fn count(&self) -> u64 {
        (self.end - self.start).div_ceil(self.size)
    }

    /// Where the piece of this number ends.
    pub(super) fn end_of(&self, number: u64) -> u64 {
        (self.start + (number + 1) * self.size).min(self.end)
    }

    /// Whether what was read up to here was there.
    pub(super) fn there(&self, upto: u64) -> io::Result<()> {
        let gone = match self.hay {
            Haystack::Mapped(map) => map.cut(),
            Haystack::Bytes(_) | Haystack::Source(_) => None,
        };
        gone.filter(|gone| *gone < upto)
            .map_or(Ok(()), |gone| Err(cut(gone)))
    }

    /// What is in memory.
    fn bytes(&self) -> &'a [u8] {
        match self.hay {
            Haystack::Bytes(bytes) => bytes,
            Haystack::Mapped(map) => map,
            Haystack::Source(_) => &[],
        }
    }

    /// The piece of this number; empty when no line begins in it.
    pub(super) fn get(&self, number: u64) -> io::Result<Piece<'a>> {
        let begin = self.start + number * self.size;
        // A line begins after an end: the first piece has that before itself, the others look one character back.
        let back = if number == 0 {
            0
        } else {
            self.encoding.unit() as u64
        };
        let from = begin - back;
        let to = (begin + self.size).min(self.end);
        match self.hay {
            Haystack::Bytes(_) | Haystack::Mapped(_) => {
                let bytes = self.bytes();
                let all = &bytes[offset(from).min(bytes.len())..offset(self.end).min(bytes.len())];
                let near = offset(to - from).min(all.len());
                Ok(self.cut(from, number == 0, near, Cow::Borrowed(all)))
            }
            Haystack::Source(source) => {
                let mut bytes = vec![0; offset(to - from)];
                let read = source.fill_at(&mut bytes, from)?;
                if read < bytes.len() {
                    return Err(cut(from + read as u64));
                }
                let near = bytes.len();
                if number == 0 || self.encoding.line_end(&bytes).is_some() {
                    self.end_line(source, from, &mut bytes)?;
                }
                Ok(self.cut(from, number == 0, near, Cow::Owned(bytes)))
            }
        }
    }

    /// Reads on until the last line ends.
    fn end_line(
        &self,
        source: &dyn crate::logs::source::Source,
        from: u64,
        bytes: &mut Vec<u8>,
    ) -> io::Result<()> {
        let unit = self.encoding.unit();
        let mut seen = bytes.len().saturating_sub(unit);
        while self.encoding.line_end(&bytes[seen..]).is_none() && bytes.len() < LONGEST_LINE {
            seen = bytes.len();
            let left = offset(self.end - from) - seen;
            bytes.resize(seen + left.min(MORE), 0);
            let read = source.fill_at(&mut bytes[seen..], from + seen as u64)?;
            if read < left.min(MORE) {
                return Err(cut(from + (seen + read) as u64));
            }
            if read == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Out of bytes that begin before the piece and go on behind its first `near` ones, the lines of the piece.
    fn cut(&self, from: u64, first: bool, near: usize, bytes: Cow<'a, [u8]>) -> Piece<'a> {
        let begin = if first {
            Some(0)
        } else {
            self.encoding.line_end(&bytes[..near])
        };
        let Some(begin) = begin.filter(|begin| *begin < near) else {
            return Piece {
                at: from,
                lines: Cow::Borrowed(&[]),
            };
        };
        // The last line is the one that holds the last character: it may end right there.
        let last = near - self.encoding.unit().min(near - begin);
        let end = self
            .encoding
            .line_end(&bytes[last..])
            .map_or(bytes.len(), |end| last + end);
        let lines = match bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[begin..end]),
            Cow::Owned(mut bytes) => {
                bytes.truncate(end);
                bytes.drain(..begin);
                Cow::Owned(bytes)
            }
        };
        Piece {
            at: from + begin as u64,
            lines,
        }
    }
}

fn cut(at: u64) -> io::Error {
    let what = format!("was cut short at byte {at} meanwhile: what was found is not all there was");
    io::Error::new(io::ErrorKind::UnexpectedEof, what)
}

/// An offset as an index; what lies beyond memory is its end.
fn offset(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

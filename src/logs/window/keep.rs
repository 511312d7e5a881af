//! What is kept of a log on its way out: counted, measured against a budget and, where it is evidence, hashed while it is
//! written, so that nothing is read twice.

use std::io::{self, Write};
use std::ops::Range;

use sha2::{Digest as _, Sha256};

use crate::evidence::digest::Digest;
use crate::logs::lines::Encoding;

/// So many ranges are listed; what is scattered more has the rest counted.
pub const MOST_RANGES: usize = 4096;

/// Takes what is kept, in its order.
pub struct Keeper<'w> {
    out: &'w mut dyn Write,
    encoding: Encoding,
    limit: u64,
    hash: Option<Sha256>,
    kept: Kept,
    /// Whether the last line has no end yet.
    open: bool,
    end: Option<u64>,
}

/// What was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Kept {
    pub bytes: u64,
    /// The last one counts also where it has no end.
    pub lines: u64,
    /// Of the source, or of what came out of it where it is packed; neighbours are one.
    pub ranges: Vec<Range<u64>>,
    /// Ranges that are not in the list.
    pub more_ranges: u64,
    /// Of the bytes that were kept, where it was asked for.
    pub digest: Option<Digest>,
    /// Where the budget ended it.
    pub cut: Option<Cut>,
}

/// Where a budget ended what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The first byte of the source that is missing.
    pub at: u64,
    /// Only where a single line is longer than the budget or than what is read at once.
    pub inside_a_line: bool,
}

impl<'w> Keeper<'w> {
    /// Writes to `out`, at most `limit` bytes.
    pub fn new(
        out: &'w mut dyn Write,
        encoding: Encoding,
        limit: Option<u64>,
        digest: bool,
    ) -> Self {
        Self {
            out,
            encoding,
            limit: limit.unwrap_or(u64::MAX),
            hash: digest.then(Sha256::new),
            kept: Kept::default(),
            open: false,
            end: None,
        }
    }

    /// Keeps these bytes, which lie at `at`; false once the budget is used up.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn keep(&mut self, at: u64, bytes: &[u8]) -> io::Result<bool> {
        if self.kept.cut.is_some() || bytes.is_empty() {
            return Ok(self.kept.cut.is_none());
        }
        let room = usize::try_from(self.limit - self.kept.bytes).unwrap_or(usize::MAX);
        if bytes.len() <= room {
            self.write(at, bytes)?;
            return Ok(true);
        }
        let whole = self.encoding.last_line_end(&bytes[..room]);
        let room = self.encoding.align(room as u64) as usize;
        let fits = if whole == 0 && (self.open || self.kept.bytes == 0) {
            room
        } else {
            whole
        };
        self.write(at, &bytes[..fits])?;
        self.kept.cut = Some(Cut {
            at: at + fits as u64,
            inside_a_line: self.open,
        });
        Ok(false)
    }

    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.out.write_all(bytes)?;
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.kept.bytes += bytes.len() as u64;
        self.kept.lines += self.encoding.ends(bytes);
        self.open = self.encoding.last_line_end(bytes) != bytes.len();
        let joins = self.end == Some(at);
        self.end = Some(at + bytes.len() as u64);
        let listed = self.kept.ranges.len() < MOST_RANGES;
        match self.kept.ranges.last_mut() {
            Some(last) if joins && self.kept.more_ranges == 0 => last.end += bytes.len() as u64,
            _ if joins => {}
            _ if listed => self.kept.ranges.push(at..at + bytes.len() as u64),
            _ => self.kept.more_ranges += 1,
        }
        Ok(())
    }

    /// Whether the budget is used up.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.kept.cut.is_some()
    }

    /// Whether the last line that was kept has no end.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Where the last byte that was kept ends in the source.
    #[must_use]
    pub fn end(&self) -> Option<u64> {
        self.end
    }

    /// What was kept in all.
    #[must_use]
    pub fn finish(mut self) -> Kept {
        self.kept.lines += u64::from(self.open);
        self.kept.digest = self.hash.map(|hash| Digest(hash.finalize().into()));
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(limit: Option<u64>, parts: &[(u64, &str)]) -> (String, Kept) {
        let mut out = Vec::new();
        let mut keeper = Keeper::new(&mut out, Encoding::Bytes, limit, true);
        for (at, part) in parts {
            keeper.keep(*at, part.as_bytes()).unwrap();
        }
        let kept = keeper.finish();
        (String::from_utf8(out).unwrap(), kept)
    }

    #[test]
    fn neighbours_are_one_range_and_a_last_line_without_an_end_counts() {
        let (out, kept) = kept(None, &[(5, "a\nb"), (8, "b\n"), (20, "c")]);
        assert_eq!(out, "a\nbb\nc");
        assert_eq!((kept.lines, kept.bytes), (3, 6));
        assert_eq!(kept.ranges, [5..10, 20..21]);
        assert_eq!(kept.digest, Some(Digest::of(b"a\nbb\nc")));
    }

    #[test]
    fn a_budget_ends_with_a_whole_line() {
        let (out, kept) = kept(Some(6), &[(0, "aa\n"), (3, "bb\ncc\n")]);
        assert_eq!(out, "aa\nbb\n");
        let cut = kept.cut.unwrap();
        assert_eq!((cut.at, cut.inside_a_line), (6, false));
        let (out, kept) = self::kept(Some(5), &[(0, "aa\n"), (3, "bb\ncc\n"), (9, "dd\n")]);
        assert_eq!((out.as_str(), kept.cut.unwrap().at), ("aa\n", 3));
        assert_eq!(kept.digest, Some(Digest::of(b"aa\n")));
    }

    #[test]
    fn a_single_line_over_the_budget_is_cut_inside_and_said_to_be() {
        let (out, kept) = kept(Some(2), &[(7, "aaaa\n")]);
        assert_eq!(out, "aa");
        let cut = kept.cut.unwrap();
        assert_eq!((cut.at, cut.inside_a_line, kept.lines), (9, true, 1));
    }
}

//! What is written of a log on its way into an artifact: lines that match, counted, and no more than there is room for.

use std::io::{self, Write};

use regex::bytes::Regex;

/// A line longer than this is matched by its beginning.
const LONGEST_LINE: usize = 1 << 20;

/// The way.
pub struct Sift<'a> {
    out: &'a mut dyn Write,
    matching: Option<&'a Regex>,
    /// The line that has no end yet.
    held: Vec<u8>,
    /// Whether the rest of a long line goes with its beginning.
    going: Option<bool>,
    /// What may still be kept.
    left: u64,
    told: Told,
}

/// What went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Told {
    pub bytes: u64,
    pub lines: u64,
    /// Bytes there was no room for.
    pub dropped: u64,
    open: bool,
}

impl<'a> Sift<'a> {
    pub fn new(out: &'a mut dyn Write, matching: Option<&'a Regex>, left: u64) -> Self {
        Self {
            out,
            matching,
            held: Vec::new(),
            going: None,
            left,
            told: Told::default(),
        }
    }

    /// What was kept so far.
    pub fn bytes(&self) -> u64 {
        self.told.bytes
    }

    /// Whether something found no room: nothing more is kept.
    pub fn is_full(&self) -> bool {
        self.told.dropped > 0
    }

    /// Nothing more comes.
    pub fn end(mut self) -> io::Result<Told> {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            self.line(&held)?;
        }
        self.told.lines += u64::from(self.told.open);
        self.told.open = false;
        Ok(self.told)
    }

    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.told.dropped > 0 || bytes.len() as u64 > self.left {
            self.told.dropped += bytes.len() as u64;
            return Ok(());
        }
        self.out.write_all(bytes)?;
        self.left -= bytes.len() as u64;
        self.told.bytes += bytes.len() as u64;
        self.told.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
        self.told.open = bytes.last().map_or(self.told.open, |last| *last != b'\n');
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        let matching = self.matching;
        let goes = *self.going.get_or_insert_with(|| {
            let bare = line.strip_suffix(b"\n").unwrap_or(line);
            matching.is_none_or(|regex| regex.is_match(bare))
        });
        if line.ends_with(b"\n") {
            self.going = None;
        }
        if goes { self.keep(line) } else { Ok(()) }
    }
}

impl Write for Sift<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Far from the limit no line is cut by it.
        let room = self.left.saturating_sub(bytes.len() as u64) > LONGEST_LINE as u64;
        if self.matching.is_none() && self.held.is_empty() && room {
            self.keep(bytes)?;
            return Ok(bytes.len());
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(end);
            rest = after;
            self.held.extend_from_slice(line);
            if self.held.ends_with(b"\n") || self.held.len() >= LONGEST_LINE {
                let held = std::mem::take(&mut self.held);
                self.line(&held)?;
                self.held = held;
                self.held.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sifted(text: &str, pattern: Option<&str>, room: u64, chunk: usize) -> (String, Told) {
        let regex = pattern.map(|pattern| Regex::new(pattern).unwrap());
        let mut out = Vec::new();
        let mut sift = Sift::new(&mut out, regex.as_ref(), room);
        for chunk in text.as_bytes().chunks(chunk) {
            sift.write_all(chunk).unwrap();
        }
        let told = sift.end().unwrap();
        (String::from_utf8(out).unwrap(), told)
    }

    #[test]
    fn lines_that_match_are_kept_whole_whatever_the_pieces() {
        for chunk in 1..20 {
            let (out, told) = sifted("a 1\nb 2\na 3\nb a\na 4", Some("^a"), 99, chunk);
            assert_eq!(out, "a 1\na 3\na 4");
            assert_eq!((told.lines, told.bytes, told.dropped), (3, 11, 0));
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_counted_and_no_line_is_cut() {
        let (out, told) = sifted("one\ntwo\nthree\nf\n", None, 9, 3);
        assert_eq!(out, "one\ntwo\n");
        assert_eq!((told.lines, told.dropped), (2, 8));
    }

    #[test]
    fn the_rest_of_a_long_line_goes_with_its_beginning() {
        let text = format!(
            "a{}\nb{}\n",
            "x".repeat(LONGEST_LINE * 2),
            "a".repeat(LONGEST_LINE + 9)
        );
        let (out, told) = sifted(&text, Some("^a"), u64::MAX, 70_000);
        assert_eq!((out.len(), told.lines), (LONGEST_LINE * 2 + 2, 1));
    }
}

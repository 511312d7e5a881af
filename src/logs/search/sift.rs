//! Searching lines that come as a stream: what a decoder gives, or the lines of a window. Knows nothing of where from.

use std::io::{self, Write};
use std::ops::{ControlFlow, Range};

use super::pieces::LONGEST_LINE;
use super::{Found, Hit, PIECE, Pattern, in_lines};
use crate::logs::lines::Encoding;

/// Takes the bytes of a log and gives out the lines that hold a match. Once it was told to break off, it fails.
pub struct Sift<'a> {
    encoding: Encoding,
    pattern: &'a Pattern,
    hit: &'a mut dyn FnMut(Hit<'_>) -> ControlFlow<()>,
    held: Vec<u8>,
    /// Where in the stream `held` begins, and how many lines end before it.
    at: u64,
    ends: u64,
    found: Found,
}

impl<'a> Sift<'a> {
    /// Gives hits to `hit` until told to break off; all have their line number.
    pub fn new(
        encoding: Encoding,
        pattern: &'a Pattern,
        hit: &'a mut dyn FnMut(Hit<'_>) -> ControlFlow<()>,
    ) -> Self {
        Self {
            encoding,
            pattern,
            hit,
            held: Vec::new(),
            at: 0,
            ends: 0,
            found: Found {
                lines: 0,
                whole: true,
            },
        }
    }

    /// Whether it was told to break off.
    #[must_use]
    pub fn is_done(&self) -> bool {
        !self.found.whole
    }

    /// Searches the last line too, which may have no end.
    ///
    /// # Errors
    /// When told to break off, which [`Found::whole`] says as well.
    pub fn finish(mut self) -> Found {
        // Having been told to break off is no fault.
        let _ = self.search(self.held.len());
        self.found
    }

    fn search(&mut self, upto: usize) -> io::Result<()> {
        if self.is_done() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let lines = &self.held[..upto];
        let mut counted = 0;
        let mut add = |line: Range<usize>| {
            self.ends += self.encoding.ends(&lines[counted..line.start]);
            counted = line.start;
            self.found.lines += 1;
            let flow = (self.hit)(Hit {
                at: self.at + line.start as u64,
                number: self.ends + 1,
                line: &lines[line],
            });
            self.found.whole = flow.is_continue();
            flow
        };
        let flow = in_lines(self.pattern, self.encoding, lines, &mut add);
        if flow.is_break() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.ends += self.encoding.ends(&lines[counted..]);
        self.held.drain(..upto);
        self.at += upto as u64;
        Ok(())
    }
}

impl Write for Sift<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE as usize);
        self.held.extend_from_slice(&bytes[..taken]);
        if self.held.len() < PIECE as usize {
            return Ok(taken);
        }
        // Behind what was held before, so that a very long line is not looked through again and again.
        let before = self.held.len() - taken;
        let fresh = self.encoding.align(before as u64) as usize;
        match self.encoding.last_line_end(&self.held[fresh..]) {
            0 if self.held.len() < LONGEST_LINE => {}
            0 => self.search(self.held.len())?,
            end => self.search(fresh + end)?,
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! Where the lines of a stream go that are kept: whole regions, and what a sieve leaves of the rest.

use std::io::{self, Write};

use crate::logs::lines::Text;
use crate::logs::stamp::Stamp;
use crate::logs::window::{Ask, Keeper, Located, Report, Sieve, Steps};

/// Keeps, and knows the stamps of the first and the last line that was kept.
pub struct Sink<'a, 'w> {
    text: Text<'a>,
    pub keeper: Keeper<'w>,
    first: Option<Stamp>,
    last: Option<Stamp>,
}

impl<'a, 'w> Sink<'a, 'w> {
    pub fn new(text: Text<'a>, ask: &Ask, out: &'w mut dyn Write) -> Self {
        Self {
            text,
            keeper: Keeper::new(out, text.encoding, ask.limit, ask.digest),
            first: None,
            last: None,
        }
    }

    /// Keeps a region that begins with a line and lies in two blocks.
    pub fn region(&mut self, at: u64, bytes: &[u8], rest_at: u64, rest: &[u8]) -> io::Result<()> {
        self.keep(at, bytes)?;
        if !self.keeper.is_full() {
            self.keeper.keep(rest_at, rest)?;
            let split = self.text.encoding.last_line_end(bytes);
            let line = self
                .text
                .encoding
                .first_line(&rest[..self.kept(rest_at, rest.len())]);
            let line = [&bytes[split..], line].concat();
            self.last = self.text.stamp(&line).or(self.last);
        }
        Ok(())
    }

    /// How much was kept of so many bytes from here on.
    fn kept(&self, at: u64, length: usize) -> usize {
        let end = self.keeper.end().unwrap_or(at).saturating_sub(at);
        usize::try_from(end).map_or(length, |end| end.min(length))
    }

    /// Keeps what begins with a line or goes on with one.
    fn keep(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        if self.keeper.is_full() {
            return Ok(());
        }
        self.keeper.keep(at, bytes)?;
        let kept = &bytes[..self.kept(at, bytes.len())];
        self.last = self.text.last_stamp(kept).or(self.last);
        if self.first.is_none() {
            self.first = self.text.first_stamp(kept);
        }
        Ok(())
    }

    pub fn finish(self, located: Located, damage: Option<String>) -> Report {
        Report {
            located,
            encoding: self.text.encoding,
            kept: self.keeper.finish(),
            first: self.first,
            last: self.last,
            changed: None,
            damage,
        }
    }
}

/// A sieve over bytes that come in pieces: the beginning of a line waits for its rest.
pub struct Sifter<'a> {
    sieve: Sieve<'a>,
    text: Text<'a>,
    rest: Vec<u8>,
    /// Where the rest begins, or what comes next.
    at: u64,
}

impl<'a> Sifter<'a> {
    pub fn new(text: Text<'a>, sieve: Sieve<'a>, at: u64) -> Self {
        Self {
            sieve,
            text,
            rest: Vec::new(),
            at,
        }
    }

    /// Over the lines that were judged.
    pub fn steps(&self) -> Steps {
        self.sieve.order
    }

    /// Judges what comes next; at an end, a last line without one too.
    pub fn feed(&mut self, sink: &mut Sink<'_, '_>, bytes: &[u8], end: bool) -> io::Result<()> {
        let mut bytes = bytes;
        if !self.rest.is_empty() {
            let line = self.text.encoding.first_line(bytes);
            bytes = &bytes[line.len()..];
            let mut whole = std::mem::take(&mut self.rest);
            whole.extend_from_slice(line);
            let done = self.pass(sink, &whole, end && bytes.is_empty())?;
            whole.drain(..done);
            self.rest = whole;
            if !self.rest.is_empty() {
                return Ok(());
            }
        }
        let done = self.pass(sink, bytes, end)?;
        self.rest = bytes[done..].to_vec();
        Ok(())
    }

    fn pass(&mut self, sink: &mut Sink<'_, '_>, bytes: &[u8], end: bool) -> io::Result<usize> {
        let at = self.at;
        let keep = |run: std::ops::Range<usize>| sink.keep(at + run.start as u64, &bytes[run]);
        let done = self.sieve.pass(bytes, end, keep)?;
        self.at += done as u64;
        Ok(done)
    }
}

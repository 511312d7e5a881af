//! Copying what was located: the core as it is, the lines at its edges, or all of an unordered log, one by one.

use std::io::{self, Write};
use std::ops::Range;

use super::keep::Keeper;
use super::sieve::Sieve;
use super::{Ask, Changed, Located, Reading, Report};
use crate::logs::lines::{LOOKED_AT, Text};
use crate::logs::source::Source;
use crate::logs::stamp::Stamp;

/// One copy on its way.
pub struct Copy<'a, 'w, S: Source + ?Sized> {
    source: &'a S,
    text: Text<'a>,
    ask: &'a Ask,
    keeper: Keeper<'w>,
    buf: Vec<u8>,
    /// The stamps of the first and of the last line that was kept.
    ends: (Option<Stamp>, Option<Stamp>),
    /// Where the source ended too early.
    short: Option<u64>,
    /// Why nothing more could be read.
    fault: Option<String>,
    sieved: super::Steps,
}

impl<'a, 'w, S: Source + ?Sized> Copy<'a, 'w, S> {
    pub fn new(
        source: &'a S,
        text: Text<'a>,
        ask: &'a Ask,
        located: &Located,
        out: &'w mut dyn Write,
    ) -> Self {
        let reading = ask.reading.unwrap_or_else(|| Reading::of(source));
        let most = located.span.end - located.span.start;
        let block = reading.block.max(2 * LOOKED_AT);
        let block = block.min(usize::try_from(most).unwrap_or(usize::MAX).max(1));
        Self {
            source,
            text,
            ask,
            keeper: Keeper::new(out, text.encoding, ask.limit, ask.digest),
            buf: vec![0; block],
            ends: (None, None),
            short: None,
            fault: None,
            sieved: super::Steps::default(),
        }
    }

    pub fn run(mut self, mut located: Located) -> io::Result<Report> {
        let (span, core) = (located.span.clone(), located.core.clone());
        if core.is_empty() {
            self.sift(span, located.leading)?;
        } else {
            let _ = self.sift(span.start..core.start, located.leading)?
                && self.verbatim(core.clone(), located.edges)?
                && self.sift(core.end..span.end, true)?;
        }
        if located.how != super::How::Search {
            located.steps = self.sieved;
        }
        self.settle(located.span.clone())?;
        let changed = self.changed(located.size)?;
        Ok(Report {
            located,
            encoding: self.text.encoding,
            kept: self.keeper.finish(),
            first: self.ends.0,
            last: self.ends.1,
            changed,
            damage: self.fault,
        })
    }

    /// Reads into the buffer, as far as there is something and it can be read.
    fn fill(&mut self, into: usize, length: usize, at: u64) -> usize {
        let mut read = 0;
        while read < length {
            let buf = &mut self.buf[into + read..into + length];
            let here = at + read as u64;
            match self.source.read_at(buf, here) {
                Ok(0) => {
                    self.short = Some(here);
                    break;
                }
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.fault = Some(format!("cannot be read at byte {here}: {error}"));
                    break;
                }
            }
        }
        read
    }

    /// Whether nothing more can be read.
    fn is_over(&self) -> bool {
        self.short.is_some() || self.fault.is_some()
    }

    /// Judges line by line; false once nothing more can be kept.
    fn sift(&mut self, range: Range<u64>, keeping: bool) -> io::Result<bool> {
        let mut sieve = Sieve::new(self.text, self.ask.window, keeping);
        let (mut at, mut held, mut room) = (range.start, 0, true);
        while room && (at < range.end || held > 0) {
            let left = usize::try_from(range.end - at).unwrap_or(usize::MAX);
            let length = left.min(self.buf.len() - held);
            let read = self.fill(held, length, at);
            let end = read < length || read == left;
            let base = at - held as u64;
            let bytes = &self.buf[..held + read];
            let keeper = &mut self.keeper;
            let done = sieve.pass(bytes, end, |run| {
                room = room && keeper.keep(base + run.start as u64, &bytes[run])?;
                Ok(())
            })?;
            held = bytes.len() - done;
            self.buf.copy_within(done..done + held, 0);
            at += read as u64;
            if end {
                break;
            }
        }
        self.sieved = sieve.order;
        self.ends.0 = self.ends.0.or(sieve.first);
        self.ends.1 = sieve.last.or(self.ends.1);
        Ok(room && !self.is_over())
    }

    /// Copies as it is; false once nothing more can be kept.
    fn verbatim(
        &mut self,
        range: Range<u64>,
        edges: (Option<Stamp>, Option<Stamp>),
    ) -> io::Result<bool> {
        let mut at = range.start;
        while at < range.end {
            let left = usize::try_from(range.end - at).unwrap_or(usize::MAX);
            let length = left.min(self.buf.len());
            let read = self.fill(0, length, at);
            let room = self.keeper.keep(at, &self.buf[..read])?;
            at += read as u64;
            if !room || read < length {
                break;
            }
        }
        self.ends = (self.ends.0.or(edges.0), edges.1.or(self.ends.1));
        Ok(at == range.end && !self.keeper.is_full())
    }

    /// Where it ended before its time, the last line is another than was thought.
    fn settle(&mut self, span: Range<u64>) -> io::Result<()> {
        let Some(end) = self.keeper.end() else {
            self.ends = (None, None);
            return Ok(());
        };
        if self.keeper.is_full() || self.is_over() {
            self.ends.1 = self.last_above(span.start, end);
        }
        Ok(())
    }

    /// The last stamp between two offsets, as far as the last block tells.
    fn last_above(&mut self, start: u64, end: u64) -> Option<Stamp> {
        let from = end.saturating_sub(self.buf.len() as u64).max(start);
        let from = self.text.encoding.align(from);
        let length = usize::try_from(end - from).unwrap_or(0);
        let read = self.fill(0, length, from);
        let mut rest = &self.buf[..read];
        if from > start {
            rest = &rest[self.text.encoding.line_end(rest).unwrap_or(read)..];
        }
        self.text.last_stamp(rest)
    }

    fn changed(&self, size: u64) -> io::Result<Option<Changed>> {
        let now = self.source.size()?;
        Ok(match self.short {
            Some(short) => Some(Changed::Shrank(now.min(short))),
            None if now < size => Some(Changed::Shrank(now)),
            None if now > size => Some(Changed::Grew(now - size)),
            None => None,
        })
    }
}

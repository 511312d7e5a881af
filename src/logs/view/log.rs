//! One log that is read: its bytes, its clock, the blocks and lines around where one looks. Forward and backward to the
//! next line that passes a sieve, a bounded stretch at a time.

use std::io;
use std::sync::Arc;

use super::lines::{self, Blocks, Line};
use super::open::Bytes;
use super::page::Made;
use super::pattern::Sieve;
use super::spool::Spool;
use crate::logs::index::Index;
use crate::logs::source::Source;
use crate::logs::stamp::Stamp;

/// Reads the moment out of a line.
pub type Clock = Arc<dyn Fn(&[u8]) -> Option<Stamp> + Send + Sync>;

/// So much of a line is looked at for its moment.
pub const HEAD: usize = 4 << 10;

/// Lines without a moment belong to one at most so far above.
const BELONGS: u64 = 256 << 10;

/// Stretches that are looked through at a time: small while something is near, then large.
const NEAR: u64 = 64 << 10;
const FAR: u64 = 1 << 20;

/// What came of looking for a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// This one.
    Line(Line),
    /// There is none.
    Nothing,
    /// Not within what was allowed; go on from here.
    Later(u64),
}

/// How many bytes may still be looked through.
#[derive(Debug, Clone, Copy)]
pub struct Allowance(pub u64);

impl Allowance {
    fn take(&mut self, bytes: u64) -> bool {
        let left = self.0 > 0;
        self.0 = self.0.saturating_sub(bytes);
        left
    }
}

/// A stretch in which nothing passes, so that it need not be read.
pub type Barren<'a> = &'a dyn Fn(u64) -> Option<std::ops::Range<u64>>;

/// A log.
pub struct Log {
    /// What it is called on the screen.
    pub name: String,
    /// The bytes.
    pub source: Arc<dyn Source>,
    /// The same, where they are unpacked or decoded while they are read.
    pub spool: Option<Arc<Spool>>,
    /// Where its lines are.
    pub index: Index,
    /// `None` where its lines have no moment that is known.
    pub clock: Option<Clock>,
    /// What is to be added to its clock, in nanoseconds.
    pub skew: i64,
    /// Bytes there are for us; what came since is taken in all at once.
    pub size: u64,
    blocks: Blocks,
    scratch: Vec<u8>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Log({} · {} bytes)", self.name, self.size)
    }
}

impl Log {
    /// Opens it, and begins to count its lines.
    ///
    /// # Errors
    /// When its size cannot be told.
    pub fn new(
        name: String,
        source: Arc<dyn Source>,
        clock: Option<Clock>,
        threads: usize,
    ) -> io::Result<Self> {
        let size = source.size()?;
        Ok(Self {
            name,
            index: Index::build(&source, size, threads),
            source,
            spool: None,
            clock,
            skew: 0,
            size,
            blocks: Blocks::default(),
            scratch: Vec::new(),
        })
    }

    /// What was done to the bytes of its file.
    #[must_use]
    pub fn made(&self) -> Made {
        let spool = self.spool.as_ref();
        spool.map_or(Made::default(), |spool| spool.state().made)
    }

    /// Whether more of it is still to come out of its file.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        let spool = self.spool.as_ref();
        spool.is_some_and(|spool| !spool.is_done() || spool.written() > self.size)
    }

    /// Takes in how large it is now; what was added while lines were being counted is counted by a later call.
    pub fn grown(&mut self, size: u64, threads: usize) {
        self.size = size;
        self.index.grow(&self.source, size, threads);
    }

    /// Begins anew: it was cut, or is another file now.
    pub(super) fn anew(&mut self, bytes: Bytes, size: u64, threads: usize) {
        let Bytes { source, spool } = bytes;
        self.spool = spool;
        self.index = Index::build(&source, size, threads);
        self.source = source;
        self.size = size;
        self.blocks.forget();
    }

    /// The line this byte is in; at the end there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn line_at(&mut self, at: u64) -> io::Result<Option<Line>> {
        if at >= self.size {
            return Ok(None);
        }
        Ok(Some(Line {
            start: self.blocks.start_of(&*self.source, self.size, at)?,
            end: self.blocks.end_of(&*self.source, self.size, at)?,
        }))
    }

    /// Bytes from here on, at most so many.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn bytes(&mut self, from: u64, to: u64, most: usize) -> io::Result<Vec<u8>> {
        let most = usize::try_from(to.saturating_sub(from)).map_or(most, |all| all.min(most));
        self.blocks.read(&*self.source, self.size, from, most)
    }

    /// The first line that begins at or behind `from` and passes.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn next(
        &mut self,
        from: u64,
        sieve: &Sieve,
        barren: Barren<'_>,
        allowance: &mut Allowance,
    ) -> io::Result<Found> {
        let mut at = from;
        if sieve.is_open() {
            let begins = at == 0 || self.blocks.start_of(&*self.source, self.size, at)? == at;
            if !begins {
                at = self.blocks.end_of(&*self.source, self.size, at)?;
            }
            return Ok(self.line_at(at)?.map_or(Found::Nothing, Found::Line));
        }
        let mut stretch = NEAR;
        while at < self.size {
            if let Some(skip) = barren(at) {
                at = skip.end;
                continue;
            }
            if !allowance.take(stretch) {
                return Ok(Found::Later(at));
            }
            let mut first = None;
            self.stretch(at, at + stretch, sieve, |line| {
                first = Some(line);
                false
            })?;
            if let Some(line) = first {
                return Ok(Found::Line(self.whole(line)?));
            }
            at += stretch;
            stretch = FAR;
        }
        Ok(Found::Nothing)
    }

    /// The last line that begins before `before` and passes.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn previous(
        &mut self,
        before: u64,
        sieve: &Sieve,
        barren: Barren<'_>,
        allowance: &mut Allowance,
    ) -> io::Result<Found> {
        let mut at = before.min(self.size);
        if sieve.is_open() {
            let line = match at.checked_sub(1) {
                Some(last) => self.line_at(last)?,
                None => None,
            };
            return Ok(line.map_or(Found::Nothing, Found::Line));
        }
        let mut stretch = NEAR;
        while at > 0 {
            if let Some(skip) = barren(at - 1) {
                at = skip.start.min(at);
                continue;
            }
            if !allowance.take(stretch) {
                return Ok(Found::Later(at));
            }
            let from = at.saturating_sub(stretch);
            let mut last = None;
            self.stretch(from, at, sieve, |line| {
                last = Some(line);
                true
            })?;
            if let Some(line) = last {
                return Ok(Found::Line(self.whole(line)?));
            }
            at = from;
            stretch = FAR;
        }
        Ok(Found::Nothing)
    }

    /// Calls with every line that passes and begins in this stretch.
    fn stretch(
        &mut self,
        from: u64,
        to: u64,
        sieve: &Sieve,
        mut each: impl FnMut(Line) -> bool,
    ) -> io::Result<()> {
        let buf = &mut self.scratch;
        let (start, range) = lines::beginning_in(&*self.source, self.size, from, to, buf)?;
        let text = &buf[range];
        sieve.each(text, |begin, end| {
            each(Line {
                start: start + begin as u64,
                end: start + end as u64,
            })
        });
        // One very long line must not keep its memory.
        if buf.capacity() as u64 > 2 * FAR {
            *buf = Vec::new();
        }
        Ok(())
    }

    /// The line with its real end, where only the beginning of it was looked at.
    fn whole(&mut self, line: Line) -> io::Result<Line> {
        let end = self.blocks.end_of(&*self.source, self.size, line.end - 1)?;
        Ok(Line { end, ..line })
    }

    /// The moment that stands in this line.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn own_stamp(&mut self, line: Line) -> io::Result<Option<Stamp>> {
        let Some(clock) = self.clock.clone() else {
            return Ok(None);
        };
        let head = self.bytes(line.start, line.end, HEAD)?;
        Ok(clock(&head).map(|stamp| Stamp(stamp.0.saturating_add(self.skew))))
    }

    /// The moment of this line: its own, or that of the line above it belongs to.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn stamp(&mut self, line: Line) -> io::Result<Option<Stamp>> {
        if self.clock.is_none() {
            return Ok(None);
        }
        let mut line = line;
        let end = line.start.saturating_sub(BELONGS);
        loop {
            if let Some(stamp) = self.own_stamp(line)? {
                return Ok(Some(stamp));
            }
            let Some(last) = line.start.checked_sub(1).filter(|last| *last >= end) else {
                return Ok(None);
            };
            match self.line_at(last)? {
                Some(above) => line = above,
                None => return Ok(None),
            }
        }
    }

    /// The moments of the first and the last line that have one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn span(&mut self) -> io::Result<Option<(Stamp, Stamp)>> {
        if self.clock.is_none() || self.size == 0 {
            return Ok(None);
        }
        let mut first = None;
        let mut line = self.line_at(0)?;
        while let Some(here) = line.filter(|line| line.start < BELONGS) {
            first = self.own_stamp(here)?;
            if first.is_some() {
                break;
            }
            line = self.line_at(here.end)?;
        }
        let last = match self.line_at(self.size - 1)? {
            Some(line) => self.stamp(line)?,
            None => None,
        };
        Ok(first.zip(last))
    }

    /// The number of the line that begins here, from 1, once it is known.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn number(&self, start: u64) -> io::Result<Option<u64>> {
        let before = self.index.newlines_before(&*self.source, start)?;
        Ok(before.map(|newlines| newlines + 1))
    }

    /// How many lines there are, once they are counted.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn count(&mut self) -> io::Result<Option<u64>> {
        let newlines = self.index.newlines_before(&*self.source, self.size)?;
        let Some(newlines) = newlines else {
            return Ok(None);
        };
        let ended = self.size == 0 || self.bytes(self.size - 1, self.size, 1)? == b"\n";
        Ok(Some(newlines + u64::from(!ended)))
    }
}

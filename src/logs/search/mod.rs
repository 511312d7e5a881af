//! Searching the lines of a log: counted or one by one in their order, on several threads, as far as is wanted. Knows
//! nothing of time.

mod pattern;
mod pieces;
mod sift;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

pub use pattern::{BadPattern, Case, Pattern};
pub use sift::Sift;

use super::lines::Encoding;
use super::mapped::Mapped;
use super::source::Source;
use pattern::line_around;
use pieces::{Piece, Pieces};

/// Bytes that a thread searches at a time: few enough for a first hit and a stop to come at once.
const PIECE: u64 = 1 << 20;
/// Pieces that a thread may be ahead of what was taken from it.
const AHEAD: usize = 4;

/// What is searched.
#[derive(Clone, Copy)]
pub enum Haystack<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// A file that is mapped.
    Mapped(&'a Mapped),
    /// Anything that can be read at an offset. A line of more than 64 MiB is searched in parts.
    Source(&'a dyn Source),
}

/// A search of the lines of one log.
#[derive(Clone)]
#[allow(missing_docs)]
pub struct Search<'a> {
    pub hay: Haystack<'a>,
    pub encoding: Encoding,
    /// Where to search; it begins a line.
    pub range: Range<u64>,
    pub pattern: &'a Pattern,
    /// How many may work at it, at least one.
    pub threads: usize,
    /// Whether hits are to have their line number, for which all lines must be counted.
    pub numbered: bool,
    /// Ends the search when somebody sets it.
    pub stop: &'a AtomicBool,
}

/// A line that holds a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit<'l> {
    /// Where the line begins.
    pub at: u64,
    /// Its number from the start of the range on, the first is 1; 0 unless asked for.
    pub number: u64,
    /// Its bytes as they are in the log, with its end.
    pub line: &'l [u8],
}

/// What a search came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Found {
    /// Lines that hold a match.
    pub lines: u64,
    /// Whether all of the range was searched.
    pub whole: bool,
}

/// The hits of one piece.
struct Batch<'a> {
    lines: Cow<'a, [u8]>,
    hits: Vec<Held>,
    count: u64,
    /// Lines that end in the piece, if that is wanted.
    ends: u64,
}

/// A line that holds a match.
struct Held {
    /// Where it begins in the log.
    at: u64,
    /// Where it is in the lines of its batch.
    line: Range<usize>,
    /// How many lines of the piece begin before it, if that is wanted.
    before: u64,
}

impl Batch<'_> {
    /// Takes the hits out of a map: what is cut off of that becomes zeros, also after it was searched.
    fn hold(&mut self) {
        let bytes = self.hits.iter().map(|hit| hit.line.len()).sum();
        let mut held = Vec::with_capacity(bytes);
        for hit in &mut self.hits {
            let start = held.len();
            held.extend_from_slice(&self.lines[hit.line.clone()]);
            hit.line = start..held.len();
        }
        self.lines = Cow::Owned(held);
    }
}

impl<'a> Search<'a> {
    /// How many lines hold a match.
    ///
    /// # Errors
    /// When the log cannot be read, or is cut short meanwhile.
    pub fn count(&self) -> io::Result<Found> {
        self.run(false, &mut |_| ControlFlow::Continue(()))
    }

    /// Gives out every line that holds a match, in the order of the log, until told to break off.
    ///
    /// # Errors
    /// When the log cannot be read, or is cut short meanwhile: what was given out before that is right.
    pub fn lines(&self, hit: &mut dyn FnMut(Hit<'_>) -> ControlFlow<()>) -> io::Result<Found> {
        self.run(true, hit)
    }

    fn run(
        &self,
        keep: bool,
        hit: &mut dyn FnMut(Hit<'_>) -> ControlFlow<()>,
    ) -> io::Result<Found> {
        let pieces = Pieces::new(self.hay, self.encoding, &self.range, PIECE);
        let count = pieces.count();
        let threads = self.threads.max(1).min(usize::try_from(count).unwrap_or(1));
        let mut found = Found::default();
        let mut before = 0;
        let mut take = |batch: Batch<'_>| {
            found.lines += batch.count;
            let flow = batch.hits.iter().try_for_each(|held| {
                hit(Hit {
                    at: held.at,
                    number: if self.numbered {
                        before + held.before + 1
                    } else {
                        0
                    },
                    line: &batch.lines[held.line.clone()],
                })
            });
            before += batch.ends;
            flow.is_continue()
        };
        let whole = if threads <= 1 {
            self.alone(&pieces, keep, &mut take)?
        } else {
            self.together(&pieces, keep, threads, &mut take)?
        };
        Ok(Found { whole, ..found })
    }

    /// All pieces one after another; whether it came to the end.
    fn alone(
        &self,
        pieces: &Pieces<'a>,
        keep: bool,
        take: &mut dyn FnMut(Batch<'a>) -> bool,
    ) -> io::Result<bool> {
        for number in 0..pieces.count() {
            if self.is_stopped() || !take(self.batch(pieces, number, keep)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The pieces dealt out in turn, and what was found taken in turn.
    fn together(
        &self,
        pieces: &Pieces<'a>,
        keep: bool,
        threads: usize,
        take: &mut dyn FnMut(Batch<'a>) -> bool,
    ) -> io::Result<bool> {
        let count = pieces.count();
        std::thread::scope(|scope| {
            let batches: Vec<Receiver<io::Result<Batch<'a>>>> = (0..threads)
                .map(|first| {
                    let (give, batches) = sync_channel(AHEAD);
                    scope.spawn(move || {
                        let numbers = (first as u64..count).step_by(threads);
                        self.work(pieces, numbers, keep, &give);
                    });
                    batches
                })
                .collect();
            for batches in batches
                .iter()
                .cycle()
                .take(usize::try_from(count).unwrap_or(usize::MAX))
            {
                // Nothing comes from one that was stopped.
                let Ok(batch) = batches.recv() else {
                    return Ok(false);
                };
                if !take(batch?) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// What one thread does, until nobody takes it or it is stopped.
    fn work(
        &self,
        pieces: &Pieces<'a>,
        numbers: impl Iterator<Item = u64>,
        keep: bool,
        give: &SyncSender<io::Result<Batch<'a>>>,
    ) {
        for number in numbers {
            if self.is_stopped() {
                return;
            }
            let batch = self.batch(pieces, number, keep);
            let failed = batch.is_err();
            if give.send(batch).is_err() || failed {
                return;
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn batch(&self, pieces: &Pieces<'a>, number: u64, keep: bool) -> io::Result<Batch<'a>> {
        let Piece { at, lines } = pieces.get(number)?;
        let end = at + lines.len() as u64;
        let mut batch = Batch {
            lines,
            hits: Vec::new(),
            count: 0,
            ends: 0,
        };
        let lines = &*batch.lines;
        let mut counted = 0;
        let mut add = |line: Range<usize>| {
            batch.count += 1;
            if keep {
                if self.numbered {
                    batch.ends += self.encoding.ends(&lines[counted..line.start]);
                    counted = line.start;
                }
                batch.hits.push(Held {
                    at: at + line.start as u64,
                    line,
                    before: batch.ends,
                });
            }
            ControlFlow::Continue(())
        };
        // All of them: breaking off is up to whoever takes the batch.
        let _ = in_lines(self.pattern, self.encoding, lines, &mut add);
        if keep && self.numbered {
            batch.ends += self.encoding.ends(&lines[counted..]);
        }
        if keep && matches!(self.hay, Haystack::Mapped(_)) {
            batch.hold();
        }
        // Only now: what was found was there while it was taken.
        pieces.there(end.max(pieces.end_of(number)))?;
        Ok(batch)
    }
}

/// Every one of these lines that holds a match, until told to break off.
fn in_lines(
    pattern: &Pattern,
    encoding: Encoding,
    lines: &[u8],
    add: &mut dyn FnMut(Range<usize>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut from = 0;
    if encoding == Encoding::Bytes {
        while let Some(at) = pattern.next(lines, from) {
            let (start, end) = line_around(lines, from, at);
            add(start..end)?;
            from = end;
        }
    }
    while encoding != Encoding::Bytes && from < lines.len() {
        let length = encoding.line_end(&lines[from..]);
        let end = length.map_or(lines.len(), |length| from + length);
        if pattern.is_in(&encoding.decoded(&lines[from..end])) {
            add(from..end)?;
        }
        from = end;
    }
    ControlFlow::Continue(())
}

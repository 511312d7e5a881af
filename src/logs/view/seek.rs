//! From a moment to its place in one log: by the search that windows are found with, so that lines out of order by less
//! than its slack lead nobody astray.

use std::io;

use super::lines;
use super::log::{HEAD, Log};
use crate::logs::lines::{Encoding, Text};
use crate::logs::stamp::{Stamp, Window};
use crate::logs::window::{self, Ask, How};

/// Lines are looked at one by one in at most so many bytes.
const MOST: u64 = 32 << 20;

/// Bytes of them at a time.
const STEP: u64 = 64 << 10;

/// Where a moment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sought {
    /// The first line whose own moment is at or behind it, or the end.
    pub at: u64,
    /// By how many nanoseconds lines were seen to step back, where that is too much for the place to be sure.
    pub astray: Option<u64>,
}

impl Log {
    /// Where the first line stands whose moment is at or behind this one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn seek(&mut self, stamp: Stamp) -> io::Result<Sought> {
        let Some(clock) = self.clock.clone() else {
            return Ok(Sought {
                at: self.size,
                astray: None,
            });
        };
        let from = Stamp(stamp.0.saturating_sub(self.skew));
        let text = Text {
            encoding: Encoding::Bytes,
            clock: &|line: &[u8]| clock(line),
        };
        let to = Stamp(i64::MAX);
        let located = window::locate(&*self.source, text, &Ask::of(Window { from, to }))?;
        // Everything above the range is before the moment, and all that begins with its end is not.
        let range = match located.how {
            How::Search => located.span.start..located.core.start.min(self.size),
            How::Small => 0..self.size,
            _ => 0..u64::MAX,
        };
        if range.end.saturating_sub(range.start) <= MOST {
            let at = self.first(text, range.clone(), from)?;
            let at = at.unwrap_or(range.end);
            return Ok(Sought { at, astray: None });
        }
        let back = located.steps.back;
        Ok(Sought {
            at: self.halve(stamp)?,
            astray: (back > 0).then_some(back),
        })
    }

    /// The first line that begins in the range and was written at this moment or later.
    fn first(
        &self,
        text: Text<'_>,
        range: std::ops::Range<u64>,
        from: Stamp,
    ) -> io::Result<Option<u64>> {
        let (mut at, mut buf) = (range.start, Vec::new());
        while at < range.end {
            let end = range.end.min(at + STEP);
            let (start, held) = lines::beginning_in(&*self.source, self.size, at, end, &mut buf)?;
            let mut begin = start;
            for line in buf[held].split_inclusive(|byte| *byte == b'\n') {
                if text
                    .stamp(&line[..line.len().min(HEAD)])
                    .is_some_and(|stamp| stamp >= from)
                {
                    return Ok(Some(begin));
                }
                begin += line.len() as u64;
            }
            at = end;
        }
        Ok(None)
    }

    /// The same by halving, exact for logs in order alone.
    fn halve(&mut self, stamp: Stamp) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.size);
        // Below `low` everything is before; from `high` on nothing is.
        while low < high {
            let middle = low + (high - low) / 2;
            let Some(mut line) = self.line_at(middle)? else {
                break;
            };
            let begin = line.start;
            let mut found = self.own_stamp(line)?;
            while found.is_none() && line.end < high {
                match self.line_at(line.end)? {
                    Some(below) => line = below,
                    None => break,
                }
                found = self.own_stamp(line)?;
            }
            match found {
                Some(found) if found < stamp => low = line.end,
                _ => high = begin.max(low),
            }
        }
        // Lines without a moment of their own belong to the one above.
        while let Some(line) = self.line_at(low)? {
            if low == 0 || self.own_stamp(line)?.is_some() {
                break;
            }
            low = line.end;
        }
        Ok(low)
    }
}

//! Walking through several logs by time, a line at a time in both directions, with only the lines of a page in hand. In
//! one log it is the order of the file. Whichever way one came, no line is lost or seen twice, and each log keeps its own
//! order.

use std::collections::VecDeque;
use std::io;

use super::lines::Line;
use super::log::{Allowance, Found, Log};
use super::page::At;
use super::pattern::Sieve;
use crate::logs::stamp::Stamp;

/// A line with what it is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Placed {
    pub log: usize,
    pub line: Line,
    pub stamp: Option<Stamp>,
}

impl Placed {
    /// Lines without any moment come first; at the same moment, the log that was named first.
    fn key(&self) -> (Option<Stamp>, usize) {
        (self.stamp, self.log)
    }

    /// Where it stands.
    #[must_use]
    pub fn at(&self) -> At {
        At {
            log: self.log,
            start: self.line.start,
        }
    }
}

/// The next line of one log beyond an edge of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// It is to be looked for from here.
    From(u64),
    Line(Placed),
    Nothing,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Step {
    Done,
    /// There is nothing more that way.
    End,
    /// It takes longer than was allowed.
    Later,
}

/// The lines in hand, and the edges.
#[derive(Debug, Default)]
pub struct Walk {
    /// In order.
    pub rows: VecDeque<Placed>,
    above: Vec<Next>,
    below: Vec<Next>,
}

impl Walk {
    /// Stands at these places of the logs, with no line in hand.
    pub fn stand(&mut self, at: &[u64]) {
        self.rows.clear();
        self.above = at.iter().map(|at| Next::From(*at)).collect();
        self.below = self.above.clone();
    }

    /// Where one would stand so that the first `kept` lines in hand are above.
    #[must_use]
    pub fn split(&self, kept: usize, logs: &[Log]) -> Vec<u64> {
        (0..logs.len())
            .map(|log| {
                let row = self.rows.iter().skip(kept).find(|row| row.log == log);
                match (row, self.below.get(log)) {
                    (Some(row), _) => row.line.start,
                    (None, Some(Next::From(at))) => *at,
                    (None, Some(Next::Line(placed))) => placed.line.start,
                    _ => logs[log].size,
                }
            })
            .collect()
    }

    /// Takes the next line below in hand; over the page, the first one goes.
    ///
    /// # Errors
    /// When a log cannot be read.
    pub fn down(
        &mut self,
        logs: &mut [Log],
        sieve: &Sieve,
        page: usize,
        allowance: &mut Allowance,
    ) -> io::Result<Step> {
        if !find(logs, &mut self.below, sieve, true, allowance)? {
            return Ok(Step::Later);
        }
        if waits(logs, &self.below) {
            return Ok(Step::End);
        }
        let nearest = lines(&self.below).min_by_key(Placed::key);
        let Some(placed) = nearest else {
            return Ok(Step::End);
        };
        self.below[placed.log] = Next::From(placed.line.end);
        self.rows.push_back(placed);
        while self.rows.len() > page {
            if let Some(gone) = self.rows.pop_front() {
                self.above[gone.log] = Next::Line(gone);
            }
        }
        Ok(Step::Done)
    }

    /// Takes the next line above in hand; over the page, the last one goes.
    ///
    /// # Errors
    /// When a log cannot be read.
    pub fn up(
        &mut self,
        logs: &mut [Log],
        sieve: &Sieve,
        page: usize,
        allowance: &mut Allowance,
    ) -> io::Result<Step> {
        if !find(logs, &mut self.above, sieve, false, allowance)? {
            return Ok(Step::Later);
        }
        let nearest = lines(&self.above).max_by_key(Placed::key);
        let Some(placed) = nearest else {
            return Ok(Step::End);
        };
        self.above[placed.log] = Next::From(placed.line.start);
        self.rows.push_front(placed);
        while self.rows.len() > page {
            if let Some(gone) = self.rows.pop_back() {
                self.below[gone.log] = Next::Line(gone);
            }
        }
        Ok(Step::Done)
    }

    /// A log that ended at `old` goes on: what was its end is looked at again.
    pub fn grown(&mut self, log: usize, old: u64) {
        if let Some(next) = self.below.get_mut(log)
            && *next == Next::Nothing
        {
            *next = Next::From(old);
        }
    }

    /// Whether there is nothing above, and nothing below, as far as is known.
    #[must_use]
    pub fn ends(&self) -> (bool, bool) {
        let nothing = |edge: &[Next]| edge.iter().all(|next| *next == Next::Nothing);
        (nothing(&self.above), nothing(&self.below))
    }
}

fn lines(edge: &[Next]) -> impl Iterator<Item = Placed> + '_ {
    edge.iter().filter_map(|next| match next {
        Next::Line(placed) => Some(*placed),
        _ => None,
    })
}

/// Whether the next line of a log has not come out of its file yet: nobody knows what comes before it.
fn waits(logs: &[Log], edge: &[Next]) -> bool {
    let mut logs = logs.iter().zip(edge);
    logs.any(|(log, next)| *next == Next::Nothing && log.is_partial())
}

/// Finds the next line of every log beyond an edge; false where that takes longer than was allowed.
fn find(
    logs: &mut [Log],
    edge: &mut [Next],
    sieve: &Sieve,
    down: bool,
    allowance: &mut Allowance,
) -> io::Result<bool> {
    let several = logs.len() > 1;
    for (at, (log, next)) in logs.iter_mut().zip(edge).enumerate() {
        let Next::From(from) = *next else { continue };
        let found = if down {
            log.next(from, sieve, &|_| None, allowance)?
        } else {
            log.previous(from, sieve, &|_| None, allowance)?
        };
        *next = match found {
            Found::Nothing => Next::Nothing,
            Found::Later(from) => {
                *next = Next::From(from);
                return Ok(false);
            }
            Found::Line(line) => Next::Line(Placed {
                log: at,
                line,
                stamp: if several { log.stamp(line)? } else { None },
            }),
        };
    }
    Ok(true)
}

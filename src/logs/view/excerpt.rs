//! Lines that are taken out of a log: one that is marked, or a stretch with only what passes the filters. Raw, with where
//! they stand and the digest of what was read.

use std::io;

use sha2::{Digest as _, Sha256};

use super::lines::Line;
use super::log::Log;
use super::page::{At, MOST_SHOWN, Made, Mark};
use super::viewer::Viewer;
use crate::evidence::Digest;

/// The most that one excerpt holds.
pub const MOST: u64 = 16 << 20;

/// Lines out of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Excerpt {
    pub log: usize,
    pub made: Made,
    /// From the first byte of the first line to the end of the last.
    pub range: (u64, u64),
    pub lines: u64,
    /// Bytes between that were filtered out or did not fit.
    pub dropped: u64,
    pub bytes: Vec<u8>,
}

/// What is to be kept of a line that was marked.
///
/// # Errors
/// When it cannot be read.
pub fn mark(log: &mut Log, number: usize, line: Line) -> io::Result<Mark> {
    let mut hash = Sha256::new();
    let mut at = line.start;
    while at < line.end {
        let part = log.bytes(at, line.end, 64 << 10)?;
        if part.is_empty() {
            break;
        }
        hash.update(&part);
        at += part.len() as u64;
    }
    Ok(Mark {
        log: number,
        made: log.made(),
        line,
        stamp: log.stamp(line)?,
        sha256: Digest(hash.finalize().into()),
        text: super::pattern::content(&log.bytes(line.start, line.end, MOST_SHOWN)?).to_vec(),
    })
}

impl Viewer {
    /// What would be taken: from one line to the other, in either order; without the one, between the first and the last
    /// mark in the log of the other; from the only mark to it; else what of its log is on the page.
    #[must_use]
    pub fn stretch(&self, from: Option<At>, here: At) -> (u64, u64) {
        let in_hand = self.rows_in_hand();
        let rows = in_hand.iter().filter(|(log, _)| *log == here.log);
        let rows: Vec<(u64, u64)> = rows.map(|(_, line)| (line.start, line.end)).collect();
        let line = rows.iter().filter(|(start, _)| *start == here.start);
        let mut ends: Vec<(u64, u64)> = match from.filter(|from| from.log == here.log) {
            Some(from) => vec![(from.start, from.start)],
            None => {
                let marks = self.marks.iter().filter(|mark| mark.log == here.log);
                marks.map(|mark| (mark.line.start, mark.line.end)).collect()
            }
        };
        match ends.len() {
            0 => ends = rows,
            1 => ends.extend(line),
            _ => {}
        }
        let from = ends.iter().map(|(start, _)| *start).min().unwrap_or(0);
        let to = ends.iter().map(|(_, end)| *end).max().unwrap_or(0);
        (from, to)
    }

    /// Takes the lines that pass the filters out of [`Viewer::stretch`].
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn excerpt(&mut self, from: Option<At>, here: At) -> io::Result<Excerpt> {
        let (from, mut to) = self.stretch(from, here);
        let sieve = self.sieve.clone();
        let mut excerpt = Excerpt {
            log: here.log,
            made: self.logs.get(here.log).map_or(Made::default(), Log::made),
            range: (from, to),
            lines: 0,
            dropped: 0,
            bytes: Vec::new(),
        };
        let Some(log) = self.logs.get_mut(here.log) else {
            return Ok(excerpt);
        };
        // A selection that was made upwards ends with the line it began at.
        to = to.max(
            log.line_at(to.saturating_sub(1))?
                .map_or(to, |line| line.end),
        );
        excerpt.range.1 = to;
        let most = usize::try_from(MOST).unwrap_or(usize::MAX);
        let bytes = log.bytes(from, to, most)?;
        sieve.each(&bytes, |start, end| {
            excerpt.bytes.extend_from_slice(&bytes[start..end]);
            excerpt.lines += 1;
            true
        });
        excerpt.dropped = (to - from).saturating_sub(excerpt.bytes.len() as u64);
        Ok(excerpt)
    }

    /// The line here, as a mark would have it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn marked(&mut self, at: At) -> io::Result<Option<Mark>> {
        let Some(log) = self.logs.get_mut(at.log) else {
            return Ok(None);
        };
        match log.line_at(at.start)? {
            Some(line) => mark(log, at.log, line).map(Some),
            None => Ok(None),
        }
    }
}

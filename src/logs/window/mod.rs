//! The lines of a window out of anything that can be read at an offset: found by a search where the log is ordered but
//! for some slack, by reading everything where it is not, and copied byte for byte. Knows nothing of where a log lies,
//! how it is packed, or which formats there are.
//!
//! A line belongs to the window if its stamp does; one without a stamp goes with the line above. Lines above the first
//! stamp go with that one where they are no more than [`MOST_LEAD`], else they are left out.

mod copy;
#[cfg(test)]
mod faults;
mod keep;
mod proven;
mod search;
mod sieve;
#[cfg(test)]
pub(crate) mod tests;

use std::io::{self, Write};
use std::ops::Range;

pub use self::keep::{Cut, Keeper, Kept, MOST_RANGES};
use self::search::Search;
pub use self::sieve::{Sieve, Steps};
use super::lines::{Encoding, Text};
use super::source::Source;
use super::stamp::{Stamp, Window};

/// So much above the first stamp goes with it.
pub const MOST_LEAD: u64 = 64 << 10;

/// How far out of order lines may be, unless said otherwise: 30 s in nanoseconds.
pub const SLACK: u64 = 30_000_000_000;

/// What is wanted of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Ask {
    pub window: Window,
    /// Nanoseconds by which a line may be stamped below one before it.
    pub slack: u64,
    /// At most so many bytes are kept.
    pub limit: Option<u64>,
    /// Whether what is kept is hashed on its way.
    pub digest: bool,
    /// How the source is read; its own way if not said.
    pub reading: Option<Reading>,
}

impl Ask {
    /// All of this window, with the usual slack.
    #[must_use]
    pub fn of(window: Window) -> Self {
        Self {
            window,
            slack: SLACK,
            limit: None,
            digest: false,
            reading: None,
        }
    }

    /// Above a line stamped before this, none is at or after the moment.
    #[must_use]
    pub fn earlier(&self, moment: Stamp) -> Stamp {
        let slack = i64::try_from(self.slack).unwrap_or(i64::MAX);
        Stamp(moment.0.saturating_sub(slack))
    }

    /// Below a line stamped at or after this, none is before the moment.
    #[must_use]
    pub fn later(&self, moment: Stamp) -> Stamp {
        let slack = i64::try_from(self.slack).unwrap_or(i64::MAX);
        Stamp(moment.0.saturating_add(slack))
    }
}

/// How much is read at once, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// To see one line.
    pub probe: usize,
    /// A stretch this short is read whole instead of cut further.
    pub whole: usize,
    /// While copying.
    pub block: usize,
}

impl Reading {
    /// For a file here, and for one behind a network.
    #[must_use]
    pub fn of<S: Source + ?Sized>(source: &S) -> Self {
        if source.at_once() == 1 {
            Self {
                probe: 4 << 10,
                whole: 16 << 10,
                block: 256 << 10,
            }
        } else {
            Self {
                probe: 4 << 10,
                whole: 32 << 10,
                block: 1 << 20,
            }
        }
    }
}

/// What a search took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Cost {
    /// Answers that were waited for, one after the other.
    pub rounds: u64,
    pub reads: u64,
    pub bytes: u64,
}

/// How the lines are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The log is ordered as far as was seen: only the window is read.
    Search,
    /// It is too small for a search to save anything: every line is looked at.
    Small,
    /// Its stamps step back further than the slack: every line is looked at.
    Unordered,
    /// No line that was met has a stamp: every line is looked at.
    NoStamps,
    /// A place of it could not be read while searching: every line is looked at, as far as that goes.
    Faulty,
    /// It is packed: every line from the beginning on is looked at, until the window has passed.
    Stream,
}

/// Where a window lies in a source, before anything of it is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Bytes of the source when it was looked at.
    pub size: u64,
    /// How the lines are found.
    pub how: How,
    /// All that is kept lies in here.
    pub span: Range<u64>,
    /// All that lies in here is kept; only outside of it, within the span, are single lines judged.
    pub core: Range<u64>,
    /// The stamps that were met.
    pub steps: Steps,
    /// What finding it took.
    pub cost: Cost,
    /// Whether the lines at the beginning of the span are kept until one has a stamp.
    pub leading: bool,
    /// The first and the last stamped line of the core, where there is one.
    edges: (Option<Stamp>, Option<Stamp>),
}

impl Located {
    /// Of a stream, of which this was seen.
    #[must_use]
    pub fn streamed(size: u64, how: How, steps: Steps) -> Self {
        Self {
            size,
            how,
            span: 0..size,
            core: 0..0,
            steps,
            cost: Cost::default(),
            leading: false,
            edges: (None, None),
        }
    }

    /// How many bytes would be kept: at least, at most. Nothing between the bounds was read for it.
    #[must_use]
    pub fn estimate(&self) -> (u64, u64) {
        (
            self.core.end - self.core.start,
            self.span.end - self.span.start,
        )
    }
}

/// What happened to a source while it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It has this many bytes more now; they were not looked at.
    Grew(u64),
    /// It was cut down to this many bytes; what was gone could not be kept.
    Shrank(u64),
    /// Its name belongs to another file by now; the one that was opened was read to its end.
    Rotated,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Where it was.
    pub located: Located,
    /// How lines and characters are told apart; bytes are kept as they are, a mark at the beginning of the log only with
    /// its first line.
    pub encoding: Encoding,
    /// What was kept.
    pub kept: Kept,
    /// The stamp of the first line that was kept and has one.
    pub first: Option<Stamp>,
    /// The stamp of the last line that was kept and has one.
    pub last: Option<Stamp>,
    /// What happened to the source meanwhile.
    pub changed: Option<Changed>,
    /// What could not be read or unpacked, in words; what came out before it was kept.
    pub damage: Option<String>,
}

/// Finds where a window lies.
///
/// # Errors
/// When the source cannot be read.
pub fn locate<S: Source + ?Sized>(source: &S, text: Text<'_>, ask: &Ask) -> io::Result<Located> {
    let reading = ask.reading.unwrap_or_else(|| Reading::of(source));
    let size = source.size()?;
    let mut search = Search::new(source, text, reading, size);
    let small = size <= reading.probe as u64 * search::SAMPLES;
    if !small {
        search.sample()?;
    }
    let first = search.first(MOST_LEAD)?;
    let unordered = |search: &Search<'_, S>| search.steps().back > ask.slack;
    let (from, to) = (ask.window.from, ask.window.to);
    let mut bounds = Vec::new();
    let mut how = if small {
        How::Small
    } else if unordered(&search) {
        How::Unordered
    } else {
        bounds = search.bounds(&[
            ask.earlier(from),
            ask.later(from),
            ask.earlier(to),
            ask.later(to),
        ])?;
        if unordered(&search) {
            How::Unordered
        } else {
            How::Search
        }
    };
    if how == How::Search && search.steps().first.is_none() {
        how = How::NoStamps;
    }
    let mut located = Located {
        size,
        how,
        span: 0..search.size(),
        core: 0..0,
        steps: search.steps(),
        cost: search.cost(),
        leading: first.is_some_and(|(_, stamp)| ask.window.holds(stamp)),
        edges: (None, None),
    };
    if let (How::Search, [start, core_start, core_end, end]) = (how, bounds.as_slice()) {
        let lead = first.is_some_and(|(at, _)| at == *start);
        let start = if lead { 0 } else { *start };
        let end = (*end).max(start);
        located.span = start..end;
        let core_start = (*core_start).clamp(start, end);
        let core_end = (*core_end).clamp(core_start, end);
        located.core = core_start..core_end;
        if core_start < core_end {
            located.edges = (search.at(core_start), search.before(core_end));
        }
    }
    Ok(located)
}

/// Copies what was located, as far as the source can be read.
///
/// # Errors
/// When the output cannot be written.
pub fn copy<S: Source + ?Sized>(
    source: &S,
    text: Text<'_>,
    ask: &Ask,
    located: Located,
    out: &mut dyn Write,
) -> io::Result<Report> {
    copy::Copy::new(source, text, ask, &located, out).run(located)
}

/// Finds a window and copies it.
///
/// # Errors
/// As [`locate`] and [`copy`].
pub fn window<S: Source + ?Sized>(
    source: &S,
    text: Text<'_>,
    ask: &Ask,
    out: &mut dyn Write,
) -> io::Result<Report> {
    let located = match locate(source, text, ask) {
        // The disk failed somewhere, and perhaps not where the window is.
        Err(error) if error.raw_os_error().is_some() => {
            Located::streamed(source.size()?, How::Faulty, Steps::default())
        }
        located => located?,
    };
    copy(source, text, ask, located, out)
}

//! What a screen gets to see of logs: one page of lines with what is known around them. Values only.

pub use super::hunt::{Axis, Begin};
pub use super::lines::Line;
use crate::evidence::Digest;
use crate::logs::stamp::Stamp;

/// So many bytes of a line are handed out at a time.
pub const MOST_SHOWN: usize = 16 << 10;

/// A line among several logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub struct At {
    pub log: usize,
    pub start: u64,
}

/// What a screen asks for.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Ask {
    /// A page has so many lines.
    Rows(usize),
    /// So many lines down; up where it is negative.
    Scroll(i64),
    Top,
    Bottom,
    /// The first line at or behind this moment.
    Time(Stamp),
    /// The line of this number, from 1.
    Number(u64),
    /// So many hundredths of the way.
    Percent(u8),
    /// A cell of the strip of matches.
    Cell(usize),
    /// Look for this from the line on; an empty text ends the search.
    Search {
        text: String,
        regex: bool,
        from: Option<At>,
    },
    /// The next match, seen from a line.
    Next {
        from: Option<At>,
        forward: bool,
    },
    /// Keep only lines with this, or leave them out.
    Filter {
        text: String,
        regex: bool,
        out: bool,
    },
    /// Take the last filter back.
    Unfilter,
    Follow(bool),
    /// Bytes of long lines that are left of the screen.
    Pan(u64),
    /// Mark a line, or take the mark back.
    Mark(At),
    /// Give up what takes long.
    Cancel,
}

/// What was done to the bytes of a file before they are shown: ranges and digests are of what came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Made {
    pub unpacked: bool,
    pub utf16: bool,
}

impl Made {
    /// The source, and what was done to it.
    #[must_use]
    pub fn of(self, source: &str) -> String {
        match (self.unpacked, self.utf16) {
            (false, false) => source.to_owned(),
            (true, false) => format!("{source} (unpacked)"),
            (false, true) => format!("{source} (UTF-16 as UTF-8)"),
            (true, true) => format!("{source} (unpacked, UTF-16 as UTF-8)"),
        }
    }
}

/// How far a log is unpacked or decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Spooled {
    pub made: Made,
    /// Of the file's bytes.
    pub percent: u8,
    pub done: bool,
    /// Why it is not all of it.
    pub fault: Option<String>,
}

/// One line of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Row {
    pub at: At,
    pub end: u64,
    /// From 1, once it is known.
    pub number: Option<u64>,
    /// Bytes of the line before `bytes`; a long line is handed out in part.
    pub skipped: u64,
    /// Raw, without the line's end.
    pub bytes: Vec<u8>,
    /// More of the line follows.
    pub more: bool,
    /// What was looked for, as places in `bytes`.
    pub hits: Vec<(usize, usize)>,
    /// Its own moment, or that of the line it belongs to.
    pub stamp: Option<Stamp>,
    pub marked: bool,
}

/// A log on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Shown {
    pub name: String,
    pub size: u64,
    /// Once they are counted.
    pub lines: Option<u64>,
    /// Whether its lines have moments.
    pub timed: bool,
    /// Of one that is packed, or in UTF-16.
    pub spooled: Option<Spooled>,
}

/// A filter as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Filter {
    pub text: String,
    pub regex: bool,
    pub out: bool,
}

/// How the search stands.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Search {
    pub text: String,
    pub regex: bool,
    pub found: u64,
    /// All of it was looked through.
    pub done: bool,
    pub percent: u8,
    /// Something could not be read.
    pub partial: bool,
    /// Matching lines by cell.
    pub cells: Vec<u64>,
    pub axis: Axis,
    /// The number of the match that was jumped to last, from 1, once it is known.
    pub at: Option<u64>,
}

/// A marked line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Mark {
    pub log: usize,
    pub made: Made,
    pub line: Line,
    pub stamp: Option<Stamp>,
    /// Of the line's bytes with its end.
    pub sha256: Digest,
    /// The line's beginning, raw.
    pub text: Vec<u8>,
}

/// One page.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Page {
    pub logs: Vec<Shown>,
    pub rows: Vec<Row>,
    /// The moments of the first and the last line there is.
    pub span: Option<(Stamp, Stamp)>,
    /// The first line there is is on the page.
    pub begins: bool,
    /// The last one is.
    pub ends: bool,
    /// How far down the page is, in a hundred.
    pub percent: u8,
    pub filters: Vec<Filter>,
    pub search: Option<Search>,
    pub follow: bool,
    /// In order of place.
    pub marks: Vec<Mark>,
    /// More lines are being looked for.
    pub busy: bool,
    /// What is to be told: it was cut, rotated, nothing more was found.
    pub said: Option<String>,
    /// A line the cursor belongs on, with a number that tells one jump from the next.
    pub jumped: Option<(u64, At)>,
}

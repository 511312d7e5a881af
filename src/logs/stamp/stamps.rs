//! How the lines of one log are dated: its format, where in the line the stamp is, its zone. Learnt once from a sample,
//! then asked for every line. Knows nothing of files.

use super::format::Format;
use super::when::{self, When};
use super::zone::{Clock, Zone};
use super::{Stamp, detect};

/// How far into a line a stamp is looked for where its place is not known.
const REACH: usize = 256;
/// How far the bracket of an access log is looked for: a name and an address stand before it.
const BRACKET_REACH: usize = 4096;

/// Dates the lines of one log.
#[derive(Debug, Clone)]
pub struct Stamps {
    format: Format,
    place: Place,
    clock: Clock,
}

/// Where in a line its stamp begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// So many bytes into the word of this number, counted from 0; words are set apart by blanks.
    Word { word: usize, into: usize },
    /// At the first place that reads as one, before this many bytes.
    Within(usize),
}

impl Stamps {
    /// What dates the lines of this sample best: some KiB from the start of a log, or from several places in it.
    /// Nothing when no known format dates enough of them. `zone` is that of stamps without an offset, `newest` the
    /// moment of the last write, from which missing years are told.
    #[must_use]
    pub fn detect(sample: &[u8], zone: Zone, newest: Stamp) -> Option<Self> {
        detect::best(sample, zone, newest)
    }

    /// Lines in this format, wherever in their first bytes the stamp is.
    #[must_use]
    pub fn with(format: Format, zone: Zone, newest: Stamp) -> Self {
        let reach = match format {
            Format::Nginx => BRACKET_REACH,
            Format::Iso | Format::Rfc5424 => REACH,
        };
        Self::at(format, Place::Within(reach), zone, newest)
    }

    pub(super) fn at(format: Format, place: Place, zone: Zone, _newest: Stamp) -> Self {
        Self {
            format,
            place,
            clock: Clock::new(zone),
        }
    }

    /// The format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// When this line was written; nothing for one without a stamp, which belongs to the line above.
    #[must_use]
    pub fn of(&self, line: &[u8]) -> Option<Stamp> {
        let when = match self.place {
            Place::Word { word, into } => read(self.format, line, start(line, word)? + into)?,
            Place::Within(reach) => first(self.format, line, reach)?.1,
        };
        self.moment(when)
    }

    fn moment(&self, when: When) -> Option<Stamp> {
        let nanos = match when {
            When::Moment(nanos) => nanos,
            When::Local(seconds, nanos) => when::moment(self.clock.utc(seconds), nanos)?,
        };
        Some(Stamp(nanos))
    }
}

/// Reads a stamp of this format at this place.
fn read(format: Format, line: &[u8], at: usize) -> Option<When> {
    match format {
        Format::Iso => when::iso(line, at),
        Format::Rfc5424 => when::rfc5424(line, at),
        Format::Nginx => when::nginx(line, at),
    }
}

/// The first place within reach at which a stamp of this format reads, and what it says.
pub(super) fn first(format: Format, line: &[u8], reach: usize) -> Option<(usize, When)> {
    let reach = reach.min(line.len());
    (0..reach)
        .filter(|at| *at == 0 || may_begin_after(line[at - 1]))
        .find_map(|at| Some((at, read(format, line, at)?)))
}

/// Whether a stamp may begin after this byte: not in the middle of a name, a number or another date.
fn may_begin_after(byte: u8) -> bool {
    !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'.' | b'_' | b'/' | 0x80..)
}

/// Where the word of this number begins.
fn start(line: &[u8], word: usize) -> Option<usize> {
    let mut at = 0;
    for _ in 0..word {
        at += line[at..].iter().position(|byte| is_blank(*byte))?;
        at += line[at..].iter().position(|byte| !is_blank(*byte))?;
    }
    Some(at)
}

/// The number of the word that this place is in, and how far into it.
pub(super) fn word_of(line: &[u8], at: usize) -> (usize, usize) {
    let (mut word, mut begin) = (0, 0);
    while let Some(next) = start(&line[begin..], 1).filter(|next| begin + next <= at) {
        word += 1;
        begin += next;
    }
    (word, at - begin)
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

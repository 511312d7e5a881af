//! How the lines of one log are dated: its format, where in the line the stamp is, its zone. Learnt once from a sample,
//! then asked for every line. Knows nothing of files.

use memchr::{memchr, memchr_iter};

use super::fields::{Key, json, logfmt};
use super::format::Format;
use super::when::{When, Yearless, moment};
use super::zone::{Clock, Zone};
use super::{Stamp, detect, names, numbers};

/// How far into a line a stamp is looked for where its place is not known.
pub(super) const REACH: usize = 256;
/// How far the bracket of an access log or the key of an audit record is looked for: names stand before it.
const FAR: usize = 4096;
/// What a stamp may lie after the last write to its file: clocks and zones differ.
const DAY: i64 = 86_400_000_000_000;

/// Dates the lines of one log. A line is dated by itself: what it says never depends on the lines around it.
///
/// A stamp without a year is of the latest year in which it is not more than a day after the log was last written to.
#[derive(Debug, Clone)]
pub struct Stamps {
    form: Form,
    place: Place,
    clock: Clock,
    /// No stamp lies after this one.
    last: Stamp,
    /// The year of `last`.
    year: i64,
}

/// What a stamp looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub format: Format,
    /// Where the format has keys.
    pub key: Key,
}

/// Where in a line its stamp begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// So many bytes into the word of this number, counted from 0; words are set apart by blanks.
    Word { word: usize, into: usize },
    /// At the first place that reads as one, before this many bytes.
    Within(usize),
}

impl Stamps {
    /// What dates the lines of this sample best: some KiB from the start of a log, or from several places in it.
    /// Nothing when no known format dates any. `zone` is that of stamps without an offset, `newest` the moment of the
    /// last write.
    #[must_use]
    pub fn detect(sample: &[u8], zone: Zone, newest: Stamp) -> Option<Self> {
        detect::best(sample, zone, newest)
    }

    /// Lines in this format, wherever near their start the stamp is.
    #[must_use]
    pub fn with(format: Format, zone: Zone, newest: Stamp) -> Self {
        let key = Key::Any;
        Self::at(Form { format, key }, Place::Within(REACH), zone, newest)
    }

    pub(super) fn at(form: Form, place: Place, zone: Zone, newest: Stamp) -> Self {
        use chrono::Datelike as _;
        let last = Stamp(newest.0.saturating_add(DAY));
        Self {
            form,
            place,
            clock: Clock::new(zone),
            last,
            year: last.utc().year().into(),
        }
    }

    /// The format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.form.format
    }

    /// When this line was written; nothing for one without a stamp, which belongs to the line above.
    #[must_use]
    pub fn of(&self, line: &[u8]) -> Option<Stamp> {
        let line = bare(line);
        let when = match self.place {
            Place::Word { word, into } => self.form.read(line, start(line, word)? + into)?,
            Place::Within(reach) => self.form.first(line, reach)?.1,
        };
        self.moment(when)
    }

    /// Whether this is later than the log was last written to.
    pub(super) fn is_late(&self, stamp: Stamp) -> bool {
        stamp > self.last
    }

    fn moment(&self, when: When) -> Option<Stamp> {
        match when {
            When::Moment(nanos) => Some(Stamp(nanos)),
            When::Local(seconds, nanos) => moment(self.clock.utc(seconds), nanos).map(Stamp),
            When::Yearless(yearless) => self.in_latest_year(yearless),
        }
    }

    /// In the latest year in which it is not after the last one. The 29th of February may be eight years back.
    fn in_latest_year(&self, yearless: Yearless) -> Option<Stamp> {
        (0..=9).find_map(|back| {
            let local = yearless.in_year(self.year + 1 - back)?;
            // No zone is fifteen hours off: most years are told without asking it.
            if local - 15 * 3600 > self.last.0.div_euclid(1_000_000_000) {
                return None;
            }
            let stamp = Stamp(moment(self.clock.utc(local), yearless.nanos)?);
            (!self.is_late(stamp)).then_some(stamp)
        })
    }
}

impl Form {
    /// Reads a stamp at this place.
    #[inline]
    fn read(self, line: &[u8], at: usize) -> Option<When> {
        match self.format {
            Format::Json => json(line, at, self.key).map(|found| found.when),
            Format::Logfmt => logfmt(line, self.key).map(|found| found.when),
            Format::Rfc5424 => numbers::rfc5424(line, at),
            Format::Iso => numbers::iso(line, at),
            Format::Mysql => numbers::mysql(line, at),
            Format::Rfc3164 => names::rfc3164(line, at),
            Format::Nginx => names::access(line, at),
            Format::NginxError => numbers::slashed(line, at),
            Format::ApacheError => names::ctime(line, at),
            Format::Klog => numbers::klog(line, at),
            Format::Auditd => numbers::audit(line, at),
            Format::Windows => numbers::month_first(line, at),
            Format::DayFirst => numbers::day_first(line, at),
            Format::Tomcat => names::day_month(line, at),
            Format::Spark => numbers::spark(line, at),
            Format::Compact => numbers::compact(line, at),
            Format::Hdfs => numbers::hdfs(line, at),
            Format::Android => numbers::month_day(line, at),
            Format::Epoch => numbers::epoch(line, at),
        }
    }

    /// The first place within reach at which a stamp reads, and what it says.
    pub(super) fn first(self, line: &[u8], reach: usize) -> Option<(usize, When)> {
        let near = &line[..reach.min(line.len())];
        let far = &line[..FAR.min(line.len())];
        let read = |at| Some((at, self.read(line, at)?));
        match self.format {
            Format::Json => memchr(b'{', near).and_then(read),
            Format::Logfmt => logfmt(line, self.key).map(|found| (found.at, found.when)),
            Format::Nginx => memchr_iter(b'[', far).find_map(read),
            Format::Auditd => memchr_iter(b'(', far).find_map(|at| read(at.checked_sub(5)?)),
            _ => places(near).find_map(read),
        }
    }
}

/// Where a stamp may begin: not in the middle of a name, a number or another date.
fn places(line: &[u8]) -> impl Iterator<Item = usize> {
    let within =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/');
    (0..line.len()).filter(move |at| {
        let begins = line[*at].is_ascii_alphanumeric() || line[*at] == b'<';
        begins && (*at == 0 || !within(line[*at - 1]))
    })
}

/// The line without what may stand before all else: a byte order mark, colours.
#[inline]
fn bare(mut line: &[u8]) -> &[u8] {
    while let Some(b'\xef' | b'\x1b') = line.first() {
        line = match line {
            [0xef, 0xbb, 0xbf, rest @ ..] => rest,
            [0x1b, b'[', rest @ ..] => {
                let end = |byte: &u8| !byte.is_ascii_digit() && *byte != b';';
                match rest.iter().position(end) {
                    Some(at) if rest[at] == b'm' => &rest[at + 1..],
                    _ => return line,
                }
            }
            _ => return line,
        };
    }
    line
}

/// Where the word of this number begins.
#[inline]
fn start(line: &[u8], word: usize) -> Option<usize> {
    let mut at = 0;
    for _ in 0..word {
        at += line[at..].iter().position(|byte| is_blank(*byte))?;
        at += line[at..].iter().position(|byte| !is_blank(*byte))?;
    }
    Some(at)
}

/// The place of what begins here, by words.
pub(super) fn place_of(line: &[u8], at: usize) -> Place {
    let (mut word, mut begin) = (0, 0);
    while let Some(next) = start(&line[begin..], 1).filter(|next| begin + next <= at) {
        word += 1;
        begin += next;
    }
    Place::Word {
        word,
        into: at - begin,
    }
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The lines of a sample as they are looked at.
pub(super) fn lines(sample: &[u8]) -> impl Iterator<Item = &[u8]> {
    sample
        .split(|byte| *byte == b'\n')
        .map(bare)
        .filter(|line| !line.is_empty())
}

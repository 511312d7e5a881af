//! One log with all its files: which of them can hold lines of a window, told without opening the others, and those
//! lines in the order of their time. Knows nothing of several logs, of hosts, or of what the lines are wanted for.

mod merged;

use std::fs::File;
use std::io::{self, Read, Seek as _, Write};

pub use self::merged::{Merged, merged};
pub use super::dating::Dating;
use super::dating::SAMPLE;
use super::lines::{Encoding, Text};
use super::packed::{self, Bytes, Packing, Streamed};
use super::rotated::{self, Member, identity};
use super::source::{self, Source as _};
use super::stamp::{Format, Stamp, Stamps};
use super::window::{self, Ask, Changed, How, Report};

/// Nanoseconds by which a file may have been written to earlier than its last line says, beside the slack: file systems
/// and packers that keep whole or even seconds only.
const COARSE: i64 = 2_000_000_000;

/// What became of one file of a log.
#[derive(Debug)]
pub enum Outcome {
    /// Its lines of the window were copied, or are at hand.
    Copied(Box<Piece>),
    /// Only how many bytes it would be was found out: at least, at most; nothing of a packed one.
    Found(Option<(u64, u64)>, Option<Packing>, Format),
    /// All its lines are older. If it was opened, then only to see its first lines.
    Older {
        /// See above.
        opened: bool,
    },
    /// All its lines are younger. If it was opened, then only to see its first lines.
    Younger {
        /// See above.
        opened: bool,
    },
    /// The budget was used up before it.
    OverBudget,
    /// No line that was looked at has a stamp.
    NoStamps,
    /// It could not be read, in words.
    Unreadable(String),
}

/// The lines of a window out of one file.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Piece {
    pub report: Report,
    pub packing: Option<Packing>,
    pub stamps: Stamps,
    /// The file that was read, whatever is under its name by now.
    pub file: File,
    /// What was kept of a packed one, where it was not copied at once.
    pub unpacked: Option<File>,
}

/// Files of a log and what became of each, oldest first.
pub type Outcomes = Vec<(Member, Outcome)>;

/// A file that is open, and what its beginning tells.
struct Opened {
    file: File,
    packing: Option<Packing>,
    encoding: Encoding,
    stamps: Option<Stamps>,
    first: Option<Stamp>,
}

impl Opened {
    fn open(member: &Member, dating: &Dating) -> io::Result<Self> {
        let file = open(member)?;
        let mut head = vec![0; SAMPLE];
        let read = file.fill_at(&mut head, 0)?;
        head.truncate(read);
        let packing = Packing::of(&head);
        if let Some(packing) = packing {
            let mut unpacked = Vec::new();
            // What is damaged is told by whoever reads on.
            let _ = packing
                .unpack(Bytes::of(&file))?
                .take(SAMPLE as u64)
                .read_to_end(&mut unpacked);
            head = unpacked;
        }
        let encoding = Encoding::of(&head);
        let mut stamps = dating.by(&head, encoding, member.written);
        if stamps.is_none() && packing.is_none() {
            stamps = dating.elsewhere(&file, encoding, member.written)?;
        }
        let whole = encoding.last_line_end(&head);
        let sample = if whole == 0 { &head } else { &head[..whole] };
        let first = |stamps: &Stamps| {
            let clock = |line: &[u8]| stamps.of(line);
            let text = Text {
                encoding,
                clock: &clock,
            };
            text.first_stamp(sample)
        };
        let first = stamps.as_ref().and_then(first);
        Ok(Self {
            file,
            packing,
            encoding,
            stamps,
            first,
        })
    }
}

/// Copies the lines of the window out of all files of a log, oldest first. With `estimate` it only finds where they are.
///
/// # Errors
/// When the output cannot be written.
pub fn window(
    members: &[Member],
    dating: &Dating,
    ask: &Ask,
    estimate: bool,
    out: &mut dyn Out,
) -> io::Result<Outcomes> {
    let target = if estimate {
        Target::Estimate
    } else {
        Target::Copy(out)
    };
    Whole::new(members, dating, ask).run(target)
}

/// Finds the lines of the window in all files of a log and leaves them where they are; only what is packed is unpacked,
/// into a file without a name.
///
/// # Errors
/// When there is no room for what was packed.
pub fn at_hand(members: &[Member], dating: &Dating, ask: &Ask) -> io::Result<Outcomes> {
    Whole::new(members, dating, ask).run(Target::Stay)
}

/// What lines are written to; where it can be emptied again, a packed log that turns out to be unordered is begun anew.
pub trait Out: Write {
    /// Takes back everything after so many bytes; false where that is impossible.
    ///
    /// # Errors
    /// When it should be possible and fails.
    fn back_to(&mut self, _bytes: u64) -> io::Result<bool> {
        Ok(false)
    }
}

/// Takes and forgets: for counting alone.
pub struct Nowhere;

impl Write for Nowhere {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Out for Nowhere {
    fn back_to(&mut self, _: u64) -> io::Result<bool> {
        Ok(true)
    }
}

impl Out for Vec<u8> {
    fn back_to(&mut self, bytes: u64) -> io::Result<bool> {
        self.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
        Ok(true)
    }
}

impl Out for File {
    fn back_to(&mut self, bytes: u64) -> io::Result<bool> {
        if !self.metadata()?.is_file() {
            return Ok(false);
        }
        self.set_len(bytes)?;
        self.seek(io::SeekFrom::Start(bytes))?;
        Ok(true)
    }
}

/// What is done with lines that are found.
enum Target<'o> {
    Copy(&'o mut dyn Out),
    Stay,
    Estimate,
}

struct Whole<'a> {
    members: &'a [Member],
    dating: Dating,
    ask: Ask,
    /// What was opened on the way, or why not.
    opened: Vec<Option<Result<Opened, String>>>,
    /// The format of a sibling, for a file that does not tell its own.
    known: Option<Format>,
}

impl<'a> Whole<'a> {
    fn new(members: &'a [Member], dating: &Dating, ask: &Ask) -> Self {
        let (from, to) = (ask.earlier(ask.window.from), ask.later(ask.window.to));
        let back = dating.zone.set_back(from, to);
        Self {
            members,
            dating: *dating,
            ask: Ask {
                slack: ask.slack.saturating_add(back),
                ..*ask
            },
            opened: members.iter().map(|_| None).collect(),
            known: None,
        }
    }

    fn run(mut self, mut target: Target<'_>) -> io::Result<Outcomes> {
        let members = self.members;
        let start = self.start();
        let mut outcomes = Vec::new();
        let (mut kept, mut full, mut behind) = (0, false, false);
        for (index, member) in members.iter().enumerate() {
            let opened = matches!(self.opened[index], Some(Ok(_)));
            let outcome = if index < start {
                Outcome::Older { opened }
            } else if full {
                Outcome::OverBudget
            } else if behind {
                Outcome::Younger { opened }
            } else {
                self.one(index, kept, &mut target)?
            };
            behind |= matches!(outcome, Outcome::Younger { .. });
            if let Outcome::Copied(piece) = &outcome {
                kept += piece.report.kept.bytes;
                full |= piece.report.kept.cut.is_some();
            }
            outcomes.push((member.clone(), outcome));
        }
        Ok(outcomes)
    }

    /// The first file that may hold lines of the window.
    fn start(&mut self) -> usize {
        let from = self.ask.window.from;
        let older = |member: &Member| {
            let last = self.ask.later(member.written);
            last.0.saturating_add(COARSE) < from.0
        };
        let mut start = self.members.iter().rposition(older).map_or(0, |at| at + 1);
        // Above the first line of a file that begins before the window by more than the slack, none is in the window.
        let mut end = self.members.len();
        while end > start + 1 {
            let middle = start + (end - start) / 2;
            let first = self
                .open(middle)
                .as_ref()
                .ok()
                .and_then(|opened| opened.first);
            if first.is_some_and(|first| first < self.ask.earlier(from)) {
                start = middle;
            } else {
                end = middle;
            }
        }
        start
    }

    fn open(&mut self, index: usize) -> &Result<Opened, String> {
        let (member, dating) = (&self.members[index], &self.dating);
        self.opened[index]
            .get_or_insert_with(|| Opened::open(member, dating).map_err(|error| error.to_string()))
    }

    fn one(&mut self, index: usize, kept: u64, target: &mut Target<'_>) -> io::Result<Outcome> {
        let opened = self.opened.iter().flatten().flatten();
        let met = opened.filter_map(|opened| opened.stamps.as_ref()).next();
        let known = self.known.or(met.map(Stamps::format));
        let member = &self.members[index];
        let ask = Ask {
            limit: self.ask.limit.map(|limit| limit.saturating_sub(kept)),
            ..self.ask
        };
        let zone = self.dating.zone;
        if let Err(error) = self.open(index) {
            return Ok(Outcome::Unreadable(error.clone()));
        }
        let Some(Ok(opened)) = self.opened[index].take() else {
            return Ok(Outcome::NoStamps);
        };
        let borrowed = || known.map(|format| Stamps::with(format, zone, member.written));
        let Some(stamps) = opened.stamps.clone().or_else(borrowed) else {
            return Ok(Outcome::NoStamps);
        };
        self.known = Some(stamps.format());
        let first = opened.first;
        let behind = first.is_some_and(|first| first >= ask.later(ask.window.to));
        if matches!(target, Target::Estimate) {
            let bytes = match opened.packing {
                Some(_) => None,
                None => match estimated(&opened, &stamps, &ask) {
                    Ok(bytes) => Some(bytes),
                    Err(error) => return Ok(Outcome::Unreadable(error.to_string())),
                },
            };
            return Ok(match bytes {
                Some((0, 0)) if behind => Outcome::Younger { opened: true },
                _ => Outcome::Found(bytes, opened.packing, stamps.format()),
            });
        }
        let piece = opened.piece(member, stamps, &ask, kept, target)?;
        let ordered = piece.report.located.steps.back <= ask.slack;
        if behind && piece.report.kept.bytes == 0 && ordered {
            return Ok(Outcome::Younger { opened: true });
        }
        Ok(Outcome::Copied(Box::new(piece)))
    }
}

impl Opened {
    /// Copies the lines of the window, or finds them.
    fn piece(
        self,
        member: &Member,
        stamps: Stamps,
        ask: &Ask,
        kept: u64,
        target: &mut Target<'_>,
    ) -> io::Result<Piece> {
        let clock = |line: &[u8]| stamps.of(line);
        let text = Text {
            encoding: self.encoding,
            clock: &clock,
        };
        let mut unpacked = None;
        let stay = !matches!(target, Target::Copy(_));
        let mut report = match (target, self.packing) {
            (Target::Copy(out), Some(packing)) => {
                stream(&self.file, packing, text, ask, kept, &mut **out)?
            }
            (Target::Copy(out), None) => window::window(&self.file, text, ask, &mut **out)?,
            (_, Some(packing)) => {
                let file = unpacked.insert(tempfile::tempfile()?);
                stream(&self.file, packing, text, ask, 0, file)?
            }
            (_, None) => window::window(&self.file, text, ask, &mut Nowhere)?,
        };
        if stay && report.kept.more_ranges > 0 && self.packing.is_none() {
            // Too scattered to be found again.
            let file = unpacked.insert(tempfile::tempfile()?);
            report = window::window(&self.file, text, ask, file)?;
        }
        report.changed = changed(member, &self.file, report.changed);
        Ok(Piece {
            report,
            packing: self.packing,
            stamps,
            file: self.file,
            unpacked,
        })
    }
}

/// Opens the file that was listed, under whatever name it has by now.
fn open(member: &Member) -> io::Result<File> {
    let same = |file: &File| {
        let meta = file.metadata();
        meta.is_ok_and(|meta| identity(&meta) == member.identity)
    };
    let file = source::open(&member.path)?;
    if same(&file) {
        return Ok(file);
    }
    let base = member.path.with_file_name(&member.turn.base);
    let renamed = rotated::siblings(&base)?;
    let renamed = renamed
        .iter()
        .find(|other| other.identity == member.identity);
    let file = renamed.map(|other| source::open(&other.path)).transpose()?;
    file.filter(same)
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "rotated away meanwhile"))
}

fn changed(member: &Member, file: &File, changed: Option<Changed>) -> Option<Changed> {
    let there = std::fs::metadata(&member.path).is_ok_and(|meta| {
        let file = file.metadata().map(|file| identity(&file));
        file.is_ok_and(|file| file == identity(&meta))
    });
    if there {
        changed
    } else {
        Some(Changed::Rotated)
    }
}

/// How many bytes the window has; a small file is read for it, a large one only at the bounds.
fn estimated(opened: &Opened, stamps: &Stamps, ask: &Ask) -> io::Result<(u64, u64)> {
    let file = &opened.file;
    let text = Text {
        encoding: opened.encoding,
        clock: &|line: &[u8]| stamps.of(line),
    };
    let located = window::locate(file, text, ask)?;
    if located.how != How::Small {
        return Ok(located.estimate());
    }
    let report = window::copy(file, text, ask, located, &mut io::sink())?;
    Ok((report.kept.bytes, report.kept.bytes))
}

/// The window of a packed file, begun anew with each line looked at where its lines are out of order.
fn stream(
    file: &File,
    packing: Packing,
    text: Text<'_>,
    ask: &Ask,
    kept: u64,
    out: &mut dyn Out,
) -> io::Result<Report> {
    let size = file.size()?;
    let mut each_line = false;
    loop {
        let mut unpacked = packing.unpack(Bytes::of(file))?;
        match packed::window(&mut unpacked, text, ask, each_line, out)? {
            Streamed::Done(mut report) => {
                let now = file.size()?;
                report.changed = match now.cmp(&size) {
                    std::cmp::Ordering::Less => Some(Changed::Shrank(now)),
                    std::cmp::Ordering::Greater => Some(Changed::Grew(now - size)),
                    std::cmp::Ordering::Equal => None,
                };
                return Ok(*report);
            }
            Streamed::Unordered if out.back_to(kept)? => each_line = true,
            Streamed::Unordered => {
                let what =
                    "packed, and out of order: write it to a file with -o, or with more --slack";
                return Err(io::Error::new(io::ErrorKind::Unsupported, what));
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! Which format dates the lines of a log: each is tried on a sample, and where in the line its stamp stands is learnt.
//! Knows nothing of files.
//!
//! The format that dates the most lines wins; of those that date about as many, the one whose stamp stands further left,
//! since a logger writes its own stamp before the message; then the one that dates fewer lines later than the log was
//! written to; then the one by which the lines step back in time less often. The last two tell a day first from a month
//! first where the numbers do not.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::fields::{Key, json, logfmt};
use super::format::Format;
use super::stamps::{Form, Place, REACH, Stamps, lines, place_of};
use super::zone::Zone;
use super::{Stamp, fields::Found};

/// Lines of the sample that are looked at.
const MOST_LINES: usize = 512;

/// The best of all.
pub(super) fn best(sample: &[u8], zone: Zone, newest: Stamp) -> Option<Stamps> {
    let lines: Vec<&[u8]> = lines(sample).collect();
    let every = lines.len().div_ceil(MOST_LINES).max(1);
    let lines: Vec<&[u8]> = lines.into_iter().step_by(every).collect();
    let tried: Vec<Tried> = Format::ALL
        .iter()
        .filter_map(|format| Tried::of(*format, &lines))
        .collect();
    let most = tried.iter().map(|tried| tried.dated).max()?;
    let rank = |(index, tried): (usize, &Tried)| {
        let stamps = Stamps::at(tried.form, tried.place, zone, newest);
        let (late, back) = oddities(&stamps, &lines);
        let rank = (tried.left(), Reverse(tried.dated), late, back, index);
        (rank, stamps)
    };
    tried
        .iter()
        .enumerate()
        .filter(|(_, tried)| tried.dated * 20 >= most * 19)
        .map(rank)
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, stamps)| stamps)
}

/// Lines dated later than they can be, and steps back in time.
fn oddities(stamps: &Stamps, lines: &[&[u8]]) -> (usize, usize) {
    let dated: Vec<Stamp> = lines.iter().filter_map(|line| stamps.of(line)).collect();
    let late = dated.iter().filter(|stamp| stamps.is_late(**stamp)).count();
    let back = dated.windows(2).filter(|pair| pair[1] < pair[0]).count();
    (late, back)
}

/// What became of one format.
struct Tried {
    form: Form,
    place: Place,
    /// Lines it dates.
    dated: usize,
    /// The bytes before the stamps of these lines, in all.
    before: usize,
}

impl Tried {
    fn of(format: Format, lines: &[&[u8]]) -> Option<Self> {
        let key = key(format, lines)?;
        let form = Form { format, key };
        let mut places: BTreeMap<Place, usize> = BTreeMap::new();
        let (mut dated, mut before, mut furthest) = (0, 0, 0);
        for line in lines {
            let Some((at, _)) = form.first(line, REACH) else {
                continue;
            };
            *places.entry(place_of(line, at)).or_default() += 1;
            dated += 1;
            before += at;
            furthest = furthest.max(at);
        }
        // A number in a column may be anything; where few lines have one it is no stamp.
        if format == Format::Epoch && dated * 2 < lines.len() {
            return None;
        }
        let (place, most) = places.into_iter().max_by_key(|(_, count)| *count)?;
        Some(Self {
            form,
            place: if is_steady(format, place, most, dated) {
                place
            } else {
                Place::Within(furthest * 2 + 16)
            },
            dated,
            before,
        })
    }

    /// How far left its stamps stand: the mean, in tenths of a byte.
    fn left(&self) -> usize {
        self.before * 10 / self.dated
    }
}

/// Whether stamps stand at this place and nowhere else. Where they begin the line, another one further right is part of
/// a message; behind a prefix of some words, a line that has it elsewhere has one word more.
fn is_steady(format: Format, place: Place, most: usize, dated: usize) -> bool {
    match (format, place) {
        (Format::Nginx | Format::Auditd | Format::Logfmt, _) => false,
        (_, Place::Word { word: 0, .. }) => most * 3 >= dated * 2,
        _ => most == dated,
    }
}

/// Where the format has keys: the one that dates every line that any does, if there is one.
fn key(format: Format, lines: &[&[u8]]) -> Option<Key> {
    let find = |line: &[u8], key| -> Option<Found> {
        match format {
            Format::Json => json(line, memchr::memchr(b'{', line)?, key),
            Format::Logfmt => logfmt(line, key),
            _ => None,
        }
    };
    if !matches!(format, Format::Json | Format::Logfmt) {
        return Some(Key::Any);
    }
    let found: Vec<Found> = lines
        .iter()
        .filter_map(|line| find(line, Key::Any))
        .collect();
    let mut keys: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for found in &found {
        *keys.entry((found.key, found.depth)).or_default() += 1;
    }
    let ((key, depth), most) = keys.into_iter().max_by_key(|(_, count)| *count)?;
    let one = Key::One { key, depth };
    Some(if most == found.len() { one } else { Key::Any })
}

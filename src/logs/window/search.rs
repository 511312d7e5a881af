//! Where the lines of a time begin in a log that is ordered but for some slack: a few small reads at places that halve
//! what is left, or, where reads at several places cost one round trip, cut it in many parts at once.
//!
//! What it rests on: where no stamp is more than `slack` below one before it, everything above a line stamped before
//! `t - slack` is before `t`, and everything below a line stamped at or after `t + slack` is at or after `t`. Every
//! stamp that a search meets is checked against that; one that breaks it makes the log unordered.

use std::collections::BTreeMap;
use std::io;

use super::proven::Proven;
use super::sieve::Steps;
use super::{Cost, Reading};
use crate::logs::lines::{LOOKED_AT, Text};
use crate::logs::source::Source;
use crate::logs::stamp::Stamp;

/// Stamps at so many places, evenly spread, tell whether a log is ordered.
pub const SAMPLES: u64 = 64;

/// What is known of the stamps of one source.
pub struct Search<'a, S: Source + ?Sized> {
    source: &'a S,
    text: Text<'a>,
    reading: Reading,
    /// Bytes when it began; what is added later is not looked at, what is cut off is no longer there.
    size: u64,
    marks: BTreeMap<u64, Stamp>,
    proven: Proven,
    cost: Cost,
}

/// The stretch in which the place that is looked for must lie.
struct Bracket {
    from: u64,
    to: u64,
    /// The first stamped line that is known to be at or after the time.
    above: Option<u64>,
}

/// One read: the first line at or after `at`, or all up to `all`.
#[derive(Clone, Copy)]
struct Place {
    at: u64,
    all: Option<u64>,
}

impl<'a, S: Source + ?Sized> Search<'a, S> {
    /// Begins with nothing known.
    pub fn new(source: &'a S, text: Text<'a>, reading: Reading, size: u64) -> Self {
        Self {
            source,
            text,
            reading,
            size,
            marks: BTreeMap::new(),
            proven: Proven::default(),
            cost: Cost::default(),
        }
    }

    /// Bytes there are, as far as was seen.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What it took so far.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// How the stamps that were met step back.
    pub fn steps(&self) -> Steps {
        let mut steps = Steps::default();
        self.marks.values().for_each(|stamp| steps.take(*stamp));
        steps
    }

    /// The last stamped line before this offset, among those met.
    pub fn before(&self, at: u64) -> Option<Stamp> {
        self.marks.range(..at).next_back().map(|(_, stamp)| *stamp)
    }

    /// The stamped line that begins here.
    pub fn at(&self, at: u64) -> Option<Stamp> {
        self.marks.get(&at).copied()
    }

    /// Looks at both ends and at places in between, in one round.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn sample(&mut self) -> io::Result<()> {
        let tail = self.size.saturating_sub(self.reading.probe as u64);
        let spread = (0..SAMPLES).map(|part| Place {
            at: self.spread(part, SAMPLES, 0, self.size),
            all: None,
        });
        let mut places: Vec<_> = spread.collect();
        places.push(Place {
            at: self.text.encoding.align(tail),
            all: Some(self.size),
        });
        self.look(&places)?;
        Ok(())
    }

    /// The first stamped line, if it begins before `within`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn first(&mut self, within: u64) -> io::Result<Option<(u64, Stamp)>> {
        self.walk(0, within.min(self.size))?;
        let first = self.marks.first_key_value();
        Ok(first
            .map(|(at, stamp)| (*at, *stamp))
            .filter(|(at, _)| *at < within))
    }

    /// For each of these moments, where the stamped lines at or after it begin: everything before lies before the
    /// moment but for the slack. The end of the log where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn bounds(&mut self, moments: &[Stamp]) -> io::Result<Vec<u64>> {
        loop {
            let brackets: Vec<_> = moments.iter().map(|moment| self.bracket(*moment)).collect();
            if brackets.iter().all(|bracket| bracket.from >= bracket.to) {
                let bounds = brackets.iter().map(|bracket| bracket.above);
                return Ok(bounds
                    .map(|above| above.unwrap_or(self.size).min(self.size))
                    .collect());
            }
            self.round(&brackets)?;
        }
    }

    fn bracket(&self, moment: Stamp) -> Bracket {
        let below = self.marks.iter().rev().find(|(_, stamp)| **stamp < moment);
        let start = below.map_or(0, |(at, _)| *at);
        let above = match below {
            Some((at, _)) => self.marks.range(at + 1..).next(),
            None => self.marks.first_key_value(),
        };
        let above = above.map(|(at, _)| *at);
        let end = above.unwrap_or(self.size);
        Bracket {
            from: self.proven.end_from(start),
            to: self.proven.start_to(end),
            above,
        }
    }

    fn round(&mut self, brackets: &[Bracket]) -> io::Result<()> {
        let mut places: Vec<Place> = Vec::new();
        let mut whose = Vec::new();
        let parts = self.source.at_once().clamp(1, 256) as u64;
        for bracket in brackets.iter().filter(|bracket| bracket.from < bracket.to) {
            let from = places.len();
            if places
                .iter()
                .any(|place| (bracket.from..bracket.to).contains(&place.at))
            {
                // It shares its stretch with another; what that one learns comes first.
                continue;
            }
            if bracket.to - bracket.from <= self.reading.whole as u64 {
                places.push(Place {
                    at: bracket.from,
                    all: Some(bracket.to),
                });
            } else {
                places.extend((1..=parts).map(|part| Place {
                    at: self.spread(part, parts + 1, bracket.from, bracket.to),
                    all: None,
                }));
            }
            whose.push((from..places.len(), bracket.to));
        }
        let found = self.look(&places)?;
        for (range, to) in whose {
            let middle = range.start + range.len() / 2;
            if !found[range].iter().any(|found| *found) {
                // Nothing but the middle of a long line, or of many without a stamp.
                self.walk(places[middle].at, to)?;
            }
        }
        Ok(())
    }

    fn spread(&self, part: u64, parts: u64, from: u64, to: u64) -> u64 {
        let length = u128::from(to - from) * u128::from(part) / u128::from(parts);
        let at = self
            .text
            .encoding
            .align(from + u64::try_from(length).unwrap_or(0));
        at.max(from)
    }

    /// Reads all these places in one round; for each, whether it is now known what it asked for.
    fn look(&mut self, places: &[Place]) -> io::Result<Vec<bool>> {
        let unit = self.text.encoding.unit() as u64;
        let reads: Vec<_> = places
            .iter()
            .map(|place| {
                let back = place.at.min(unit);
                let length = place.all.map_or(0, |all| all.saturating_sub(place.at));
                let most = length + self.reading.probe as u64 + back;
                let left = self.size.saturating_sub(place.at - back);
                (
                    place.at - back,
                    usize::try_from(most.min(left)).unwrap_or(0),
                )
            })
            .collect();
        let answers = self.source.read_many(&reads)?;
        self.cost.rounds += 1;
        self.cost.reads += reads.len() as u64;
        let mut found = Vec::with_capacity(places.len());
        for ((place, read), answer) in places.iter().zip(&reads).zip(&answers) {
            found.push(self.learn(*place, *read, answer));
        }
        Ok(found)
    }

    /// Takes in what was read for a place; whether that is what the place asked for.
    fn learn(&mut self, place: Place, read: (u64, usize), bytes: &[u8]) -> bool {
        self.cost.bytes += bytes.len() as u64;
        if bytes.len() < read.1 {
            self.shrink(read.0 + bytes.len() as u64);
        }
        let encoding = self.text.encoding;
        let end = read.0 + bytes.len() as u64;
        let mut done = if place.at == 0 {
            0
        } else if let Some(first) = encoding.line_end(bytes) {
            first
        } else {
            self.proven.add(place.at, end);
            return place.all.is_some_and(|all| end >= all);
        };
        while done < bytes.len() {
            let rest = &bytes[done..];
            let start = read.0 + done as u64;
            if place.all.is_some_and(|all| start >= all) {
                break;
            }
            let length = encoding.line_end(rest);
            if length.is_none() && rest.len() < LOOKED_AT && end < self.size {
                self.proven.add(place.at, start);
                return false;
            }
            if let Some(stamp) = self.text.stamp(&rest[..length.unwrap_or(rest.len())]) {
                self.marks.insert(start, stamp);
                if place.all.is_none() {
                    self.proven.add(place.at, start + encoding.unit() as u64);
                    return true;
                }
            }
            done += length.unwrap_or(rest.len());
        }
        self.proven.add(place.at, read.0 + done as u64);
        place.all.is_some() || end >= self.size
    }

    /// Reads on from `at` to the first stamped line, or until `to`.
    fn walk(&mut self, at: u64, to: u64) -> io::Result<()> {
        let unit = self.text.encoding.unit() as u64;
        let start = at;
        let mut at = self.proven.end_from(start);
        let (most, mut block) = (self.reading.block.max(2 * LOOKED_AT), self.reading.probe);
        let mut buf = Vec::new();
        while at < to.min(self.size) && self.marks.range(start..at).next().is_none() {
            block = (4 * block).min(most);
            buf.resize(block, 0);
            let back = at.min(unit);
            let left = usize::try_from(self.size - (at - back)).unwrap_or(usize::MAX);
            let length = buf.len().min(left);
            let read = self.source.fill_at(&mut buf[..length], at - back)?;
            self.cost.rounds += 1;
            self.cost.reads += 1;
            let place = Place { at, all: None };
            self.learn(place, (at - back, length), &buf[..read]);
            at = self.proven.end_from(at);
        }
        Ok(())
    }

    /// The log ends earlier than it did.
    fn shrink(&mut self, size: u64) {
        self.size = self.size.min(size);
        self.marks.split_off(&self.size);
    }
}

//! A search that runs beside the reading: how often a pattern is there, and when. Counts lines by stretch of a log, near
//! where one looks first, on a few threads; can be given up at any time.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::lines;
use super::log::{Clock, HEAD, Log};
use super::pattern::Sieve;
use crate::logs::source::Source;
use crate::logs::stamp::Stamp;

/// Bytes of a stretch.
pub const STRETCH: u64 = 1 << 20;

/// Cells of the strip of matches.
pub const CELLS: usize = 480;

/// Of what was added to a log, so much is looked through at a time.
const AT_ONCE: u64 = 16 * STRETCH;

/// So many moments are read in a stretch; further matches count to the last of them.
const MOMENTS: usize = 512;

const UNKNOWN: u32 = u32::MAX;

/// What the strip of matches goes along.
#[derive(Debug, Clone, PartialEq)]
pub enum Axis {
    /// Time, both ends in it.
    Time(Stamp, Stamp),
    /// Place in the logs, one behind the other: where each begins, and at last their end.
    Place(Vec<u64>),
}

impl Axis {
    /// Time where every log has it, else place.
    ///
    /// # Errors
    /// When a log cannot be read.
    pub fn of(logs: &mut [Log]) -> io::Result<Self> {
        let mut ends: Option<(Stamp, Stamp)> = None;
        let mut begins = vec![0];
        let mut timed = true;
        for log in logs {
            begins.push(begins.last().copied().unwrap_or(0) + log.size);
            match log.span()? {
                Some((first, last)) => {
                    let (low, high) = ends.unwrap_or((first, last));
                    ends = Some((low.min(first).min(last), high.max(first).max(last)));
                }
                None => timed &= log.size == 0,
            }
        }
        Ok(match ends {
            Some((first, last)) if timed && first < last => Self::Time(first, last),
            _ => Self::Place(begins),
        })
    }

    /// The cell of a line.
    #[must_use]
    pub fn cell(&self, log: usize, start: u64, stamp: Option<Stamp>) -> usize {
        let (part, all) = match self {
            Self::Time(first, last) => {
                let stamp = stamp.unwrap_or(*first);
                (
                    i128::from(stamp.0) - i128::from(first.0),
                    i128::from(last.0) - i128::from(first.0) + 1,
                )
            }
            Self::Place(begins) => {
                let begin = begins.get(log).copied().unwrap_or(0);
                let all = begins.last().copied().unwrap_or(0).max(1);
                (i128::from(begin + start), i128::from(all))
            }
        };
        usize::try_from((part * CELLS as i128 / all).clamp(0, CELLS as i128 - 1)).unwrap_or(0)
    }

    /// Where a cell begins: a moment, or a log and an offset in it.
    #[must_use]
    pub fn begin(&self, cell: usize) -> Begin {
        let share = |all: i128| all * cell as i128 / CELLS as i128;
        match self {
            Self::Time(first, last) => {
                let span = i128::from(last.0) - i128::from(first.0) + 1;
                let at = i128::from(first.0) + share(span);
                Begin::Moment(Stamp(i64::try_from(at).unwrap_or(last.0)))
            }
            Self::Place(begins) => {
                let all = begins.last().copied().unwrap_or(0);
                let at = u64::try_from(share(i128::from(all))).unwrap_or(0);
                let log = begins
                    .iter()
                    .rposition(|begin| *begin <= at)
                    .unwrap_or(0)
                    .min(begins.len().saturating_sub(2));
                Begin::Place(log, at - begins[log])
            }
        }
    }
}

/// Where a cell of the strip begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Begin {
    Moment(Stamp),
    Place(usize, u64),
}

/// A search under way, or done.
#[derive(Debug)]
pub struct Hunt {
    shared: Arc<Shared>,
    /// The pattern with all filters.
    pub sieve: Sieve,
    /// What its cells are.
    pub axis: Axis,
    /// So far each log is looked through, or is being.
    upto: Vec<u64>,
}

#[derive(Debug)]
struct Shared {
    /// Matching lines that begin in each stretch, by log.
    found: Vec<Vec<AtomicU32>>,
    cells: Mutex<Vec<u64>>,
    left: AtomicUsize,
    next: AtomicUsize,
    stop: AtomicBool,
    failed: AtomicBool,
}

/// What a thread needs to know of a log.
#[derive(Clone)]
struct Ground {
    source: Arc<dyn Source>,
    size: u64,
    clock: Option<Clock>,
    skew: i64,
}

impl Hunt {
    /// Begins to look through all logs, from where one is in each of them. With no threads, it is done at once.
    ///
    /// # Errors
    /// When a log cannot be read.
    pub fn start(logs: &mut [Log], sieve: Sieve, near: &[u64], threads: usize) -> io::Result<Self> {
        let axis = Axis::of(logs)?;
        let counts = |log: &Log| (0..log.size.div_ceil(STRETCH)).map(|_| AtomicU32::new(UNKNOWN));
        let mut order: Vec<(u64, usize, u64)> = Vec::new();
        for (at, log) in logs.iter().enumerate() {
            let here = near.get(at).copied().unwrap_or(0) / STRETCH;
            let stretches = 0..log.size.div_ceil(STRETCH);
            order.extend(stretches.map(|stretch| (stretch.abs_diff(here), at, stretch)));
        }
        order.sort_unstable();
        let shared = Arc::new(Shared {
            found: logs.iter().map(|log| counts(log).collect()).collect(),
            cells: Mutex::new(vec![0; CELLS]),
            left: AtomicUsize::new(order.len()),
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        });
        let ground: Arc<Vec<Ground>> = Arc::new(logs.iter().map(ground).collect());
        let order = Arc::new(order);
        let work = || {
            let (shared, ground) = (Arc::clone(&shared), Arc::clone(&ground));
            let (order, sieve, axis) = (Arc::clone(&order), sieve.clone(), axis.clone());
            move || {
                let mut buf = Vec::new();
                while !shared.stop.load(Ordering::Relaxed) {
                    let next = shared.next.fetch_add(1, Ordering::Relaxed);
                    let Some((_, log, stretch)) = order.get(next) else {
                        break;
                    };
                    let from = stretch * STRETCH;
                    let to = from + STRETCH;
                    shared.look(*log, &ground[*log], from, to, &sieve, &axis, &mut buf);
                    shared.left.fetch_sub(1, Ordering::Release);
                }
            }
        };
        if threads == 0 {
            work()();
        }
        for _ in 0..threads {
            std::thread::spawn(work());
        }
        Ok(Self {
            shared,
            sieve,
            axis,
            upto: logs.iter().map(|log| log.size).collect(),
        })
    }

    /// Matching lines that were found, and whether that is all of them.
    #[must_use]
    pub fn count(&self) -> (u64, bool) {
        let done = self.shared.left.load(Ordering::Acquire) == 0;
        let all = self.shared.found.iter().flatten().map(known).sum();
        (all, done)
    }

    /// How much was looked through, in a hundred.
    #[must_use]
    pub fn percent(&self) -> u8 {
        let all = self.shared.found.iter().map(Vec::len).sum::<usize>().max(1);
        let left = self.shared.left.load(Ordering::Relaxed).min(all);
        u8::try_from((all - left) * 100 / all).unwrap_or(100)
    }

    /// Whether something could not be read, so that the count is too small.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.shared.failed.load(Ordering::Relaxed)
    }

    /// Matching lines by cell of the strip.
    #[must_use]
    pub fn cells(&self) -> Vec<u64> {
        let cells = self.shared.cells.lock();
        cells.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The stretch around an offset, where it is known that nothing in it matches.
    #[must_use]
    pub fn barren(&self, log: usize, at: u64) -> Option<Range<u64>> {
        let stretches = self.shared.found.get(log)?;
        let zero = |stretch: usize| {
            stretches
                .get(stretch)
                .is_some_and(|count| count.load(Ordering::Relaxed) == 0)
        };
        let here = usize::try_from(at / STRETCH).ok()?;
        if !zero(here) {
            return None;
        }
        let first = (0..here).rev().take_while(|stretch| zero(*stretch)).count();
        let last = (here + 1..stretches.len())
            .take_while(|stretch| zero(*stretch))
            .count();
        let start = (here - first) as u64 * STRETCH;
        Some(start..(here + last + 1) as u64 * STRETCH)
    }

    /// How many lines match before this place of a log; `None` while something before it was not looked through.
    ///
    /// # Errors
    /// When the stretch it lies in cannot be read.
    pub fn before(
        &self,
        log: usize,
        at: u64,
        source: &dyn Source,
        size: u64,
    ) -> io::Result<Option<u64>> {
        let Some(stretches) = self.shared.found.get(log) else {
            return Ok(None);
        };
        let whole = usize::try_from(at / STRETCH).unwrap_or(usize::MAX);
        let Some(before) = stretches.get(..whole.min(stretches.len())) else {
            return Ok(None);
        };
        let mut count = 0;
        for stretch in before {
            match stretch.load(Ordering::Relaxed) {
                UNKNOWN => return Ok(None),
                found => count += u64::from(found),
            }
        }
        let mut buf = Vec::new();
        let from = whole as u64 * STRETCH;
        let (start, range) = lines::beginning_in(source, size, from, at, &mut buf)?;
        self.sieve.each(&buf[range], |begin, _| {
            let inside = start + (begin as u64) < at;
            count += u64::from(inside);
            inside
        });
        Ok(Some(count))
    }

    /// Takes in a part of what was added to a log since it was looked through, once that is done.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn grow(&mut self, at: usize, log: &mut Log) -> io::Result<()> {
        let old = self.upto.get(at).copied().unwrap_or(log.size);
        if old >= log.size || self.shared.left.load(Ordering::Acquire) > 0 {
            return Ok(());
        }
        // The last thread may be about to let go of it.
        let Some(shared) = Arc::get_mut(&mut self.shared) else {
            return Ok(());
        };
        let new = log.size.min(old + AT_ONCE);
        // The last line may have been half of one, and be counted as such.
        let from = match old.checked_sub(1) {
            Some(last) => log
                .line_at(last)?
                .map_or(old, |line| if line.end > old { line.start } else { old }),
            None => 0,
        };
        let mut ground = ground(log);
        ground.size = new;
        if let Some(stretches) = shared.found.get_mut(at) {
            if from < old
                && self
                    .sieve
                    .passes(&log.bytes(from, old, lines::LONGEST as usize)?)
            {
                let stretch = usize::try_from(from / STRETCH).unwrap_or(usize::MAX);
                if let Some(count) = stretches.get_mut(stretch) {
                    *count.get_mut() = count.get_mut().saturating_sub(1);
                }
            }
            let wanted = usize::try_from(new.div_ceil(STRETCH)).unwrap_or(0);
            stretches.resize_with(wanted, || AtomicU32::new(0));
        }
        let mut buf = Vec::new();
        let mut from = from;
        while from < new {
            let to = (from / STRETCH + 1) * STRETCH;
            shared.look(at, &ground, from, to, &self.sieve, &self.axis, &mut buf);
            from = to;
        }
        if let Some(upto) = self.upto.get_mut(at) {
            *upto = new;
        }
        Ok(())
    }
}

impl Drop for Hunt {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

fn ground(log: &Log) -> Ground {
    Ground {
        source: Arc::clone(&log.source),
        size: log.size,
        clock: log.clock.clone(),
        skew: log.skew,
    }
}

fn known(count: &AtomicU32) -> u64 {
    match count.load(Ordering::Relaxed) {
        UNKNOWN => 0,
        found => u64::from(found),
    }
}

impl Shared {
    #[allow(
        clippy::too_many_arguments,
        reason = "a stretch, and what it is looked through for"
    )]
    fn look(
        &self,
        log: usize,
        ground: &Ground,
        from: u64,
        to: u64,
        sieve: &Sieve,
        axis: &Axis,
        buf: &mut Vec<u8>,
    ) {
        let Ok((start, range)) = lines::beginning_in(&*ground.source, ground.size, from, to, buf)
        else {
            self.failed.store(true, Ordering::Relaxed);
            return;
        };
        let text = &buf[range];
        let mut count = 0u32;
        let mut cells = vec![0u64; CELLS];
        let mut moment = None;
        sieve.each(text, |begin, end| {
            count = count.saturating_add(1).min(UNKNOWN - 1);
            if matches!(axis, Axis::Time(..)) && count as usize <= MOMENTS {
                moment = ground.moment(text, begin, end).or(moment);
            }
            cells[axis.cell(log, start + begin as u64, moment)] += 1;
            true
        });
        if count > 0 {
            let mut all = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            for (all, more) in all.iter_mut().zip(cells) {
                *all += more;
            }
        }
        let stretch = usize::try_from(from / STRETCH).unwrap_or(usize::MAX);
        if let Some(found) = self.found.get(log).and_then(|of| of.get(stretch)) {
            let before = match found.load(Ordering::Relaxed) {
                UNKNOWN => 0,
                before => before,
            };
            found.store(
                before.saturating_add(count).min(UNKNOWN - 1),
                Ordering::Relaxed,
            );
        }
    }
}

impl Ground {
    /// The moment of a line, or of the one above in the same text that it belongs to.
    fn moment(&self, text: &[u8], begin: usize, end: usize) -> Option<Stamp> {
        let clock = self.clock.as_ref()?;
        let (mut begin, mut end) = (begin, end);
        for _ in 0..64 {
            let line = &text[begin..end.min(begin + HEAD)];
            if let Some(stamp) = clock(line) {
                return Some(Stamp(stamp.0.saturating_add(self.skew)));
            }
            end = begin;
            begin = memchr::memrchr(b'\n', &text[..begin.checked_sub(1)?]).map_or(0, |at| at + 1);
        }
        None
    }
}

//! The reader's side of the log screen: takes what is asked for, works at it a bounded while at a time, and has a page to
//! show whenever one is wanted.

use std::io;

use super::hunt::Hunt;
use super::lines::Line;
use super::log::{Allowance, Found, Log};
use super::page::{Ask, At, Mark};
use super::pattern::{Pattern, Sieve};
use super::walk::{Placed, Step, Walk};
use crate::logs::stamp::Stamp;

/// How much is looked through before somebody else gets a word in.
pub const A_WHILE: u64 = 32 << 20;

/// Logs that are read together, and where one is in them.
#[derive(Debug)]
pub struct Viewer {
    pub(super) logs: Vec<Log>,
    pub(super) walk: Walk,
    pub(super) page: usize,
    pub(super) filters: Vec<(Pattern, bool)>,
    pub(super) sieve: Sieve,
    pub(super) pattern: Option<Pattern>,
    pub(super) hunt: Option<Hunt>,
    /// The match that was jumped to last.
    pub(super) hit: Option<At>,
    pub(super) marks: Vec<Mark>,
    pub(super) follow: bool,
    pub(super) pan: u64,
    pub(super) said: Option<String>,
    pub(super) jumped: Option<(u64, At)>,
    pub(super) span: Option<(Stamp, Stamp)>,
    /// Which logs have not come out of their files yet, when somebody last looked.
    pub(super) partial: Vec<bool>,
    /// Where somebody wants to go that is not there yet.
    pub(super) ahead: Option<Ask>,
    threads: usize,
    /// Lines to take in hand above before the page is filled.
    lead: usize,
    /// Lines still to go.
    scroll: i64,
    seeking: Option<Seeking>,
    /// The cursor belongs on the first line that comes in hand.
    land: bool,
}

/// On the way to the next match.
#[derive(Debug)]
struct Seeking {
    sieve: Sieve,
    forward: bool,
    /// Where one is in each log, or what was found in it.
    sides: Vec<Side>,
}

#[derive(Debug, Clone, Copy)]
enum Side {
    From(u64),
    Found(Option<Placed>),
}

impl Viewer {
    /// Opens logs together, and stands at their beginning. With no threads, everything is counted when it is asked for.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn new(mut logs: Vec<Log>, threads: usize) -> io::Result<Self> {
        let span = span(&mut logs)?;
        let mut walk = Walk::default();
        walk.stand(&vec![0; logs.len()]);
        let partial = logs.iter().map(Log::is_partial).collect();
        Ok(Self {
            logs,
            walk,
            page: 1,
            filters: Vec::new(),
            sieve: Sieve::default(),
            pattern: None,
            hunt: None,
            hit: None,
            marks: Vec::new(),
            follow: false,
            pan: 0,
            said: None,
            jumped: None,
            span,
            partial,
            ahead: None,
            threads,
            lead: 0,
            scroll: 0,
            seeking: None,
            land: false,
        })
    }

    /// Takes in what somebody wants. What takes long is done in [`Viewer::work`].
    ///
    /// # Errors
    /// When a log cannot be read.
    pub fn ask(&mut self, ask: Ask) -> io::Result<()> {
        if !matches!(ask, Ask::Rows(_) | Ask::Pan(_)) {
            self.said = None;
        }
        if !matches!(ask, Ask::Rows(_) | Ask::Pan(_) | Ask::Mark(_)) {
            self.ahead = None;
        }
        if matches!(
            ask,
            Ask::Top | Ask::Time(_) | Ask::Number(_) | Ask::Percent(_) | Ask::Cell(_)
        ) || matches!(ask, Ask::Scroll(lines) if lines < 0)
        {
            self.follow = false;
        }
        match ask {
            Ask::Rows(rows) => self.rows(rows.clamp(1, 1_000)),
            Ask::Scroll(lines) => {
                self.scroll = self.scroll.saturating_add(lines).clamp(-100_000, 100_000);
            }
            Ask::Top => self.stand(&vec![0; self.logs.len()]),
            Ask::Bottom | Ask::Time(_) | Ask::Number(_) | Ask::Percent(_) | Ask::Cell(_) => {
                self.go(&ask)?
            }
            Ask::Search { text, regex, from } => self.search(&text, regex, from)?,
            Ask::Next { from, forward } => self.seek(from, forward),
            Ask::Filter { text, regex, out } => {
                match Pattern::new(&text, regex) {
                    Ok(pattern) => self.filters.push((pattern, out)),
                    Err(why) => self.said = Some(why),
                }
                self.refilter()?;
            }
            Ask::Unfilter => {
                self.filters.pop();
                self.refilter()?;
            }
            Ask::Follow(follow) => {
                self.follow = follow;
                if follow {
                    self.bottom();
                }
            }
            Ask::Pan(bytes) => self.pan = bytes,
            Ask::Mark(at) => self.mark(at)?,
            Ask::Cancel => {
                self.seeking = None;
                self.scroll = 0;
            }
        }
        Ok(())
    }

    /// Works a while at what was asked for; true where there is more to do.
    ///
    /// # Errors
    /// When a log cannot be read.
    pub fn work(&mut self) -> io::Result<bool> {
        let mut allowance = Allowance(A_WHILE);
        if self.seeking.is_some() && !self.go_on_seeking(&mut allowance)? {
            return Ok(true);
        }
        while self.lead > 0 {
            match self.up(&mut allowance)? {
                Step::Done => self.lead -= 1,
                Step::End => self.lead = 0,
                Step::Later => return Ok(true),
            }
        }
        while self.walk.rows.len() < self.page {
            match self.down(&mut allowance)? {
                Step::Done => {}
                Step::End => break,
                Step::Later => return Ok(true),
            }
        }
        while self.walk.rows.len() < self.page {
            match self.up(&mut allowance)? {
                Step::Done => {}
                Step::End => break,
                Step::Later => return Ok(true),
            }
        }
        while self.scroll != 0 {
            let (step, one) = if self.scroll > 0 {
                (self.down(&mut allowance)?, 1)
            } else {
                (self.up(&mut allowance)?, -1)
            };
            match step {
                Step::Done => self.scroll -= one,
                Step::End => self.scroll = 0,
                Step::Later => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Whether something is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.seeking.is_some() || self.scroll != 0 || self.lead > 0
    }

    /// Whether lines are counted, or a search runs beside.
    #[must_use]
    pub fn is_counting(&self) -> bool {
        let mut logs = self.logs.iter();
        logs.any(|log| log.index.is_counting() || log.is_partial())
            || self.hunt.as_ref().is_some_and(|hunt| !hunt.count().1)
    }

    fn down(&mut self, allowance: &mut Allowance) -> io::Result<Step> {
        let step = self
            .walk
            .down(&mut self.logs, &self.sieve, self.page, allowance)?;
        if step == Step::Done
            && std::mem::take(&mut self.land)
            && let Some(row) = self.walk.rows.back()
        {
            self.jump(row.at());
        }
        Ok(step)
    }

    fn up(&mut self, allowance: &mut Allowance) -> io::Result<Step> {
        self.walk
            .up(&mut self.logs, &self.sieve, self.page, allowance)
    }

    /// The cursor belongs here.
    fn jump(&mut self, at: At) {
        let number = self.jumped.map_or(0, |(number, _)| number);
        self.jumped = Some((number + 1, at));
    }

    fn rows(&mut self, rows: usize) {
        if rows < self.page {
            let first = self.walk.split(0, &self.logs);
            self.walk.stand(&first);
        }
        self.page = rows;
    }

    pub(super) fn stand(&mut self, at: &[u64]) {
        self.walk.stand(at);
        self.lead = 0;
        self.scroll = 0;
        self.seeking = None;
        self.land = false;
    }

    /// Stands so that the line here is a third down the page and has the cursor.
    pub(super) fn place(&mut self, at: &[u64]) {
        self.stand(at);
        self.lead = self.page / 3;
        self.land = true;
    }

    pub(super) fn bottom(&mut self) {
        let ends: Vec<u64> = self.logs.iter().map(|log| log.size).collect();
        self.stand(&ends);
        self.lead = self.page;
    }

    fn search(&mut self, text: &str, regex: bool, from: Option<At>) -> io::Result<()> {
        self.pattern = None;
        self.hunt = None;
        self.hit = None;
        if text.is_empty() {
            return Ok(());
        }
        match Pattern::new(text, regex) {
            Err(why) => self.said = Some(why),
            Ok(pattern) => {
                self.pattern = Some(pattern);
                self.hunt()?;
                // The line itself may be the first that matches.
                let kept = self.kept(from).saturating_sub(1);
                let at = self.walk.split(kept, &self.logs);
                self.seek_from(&at, true);
            }
        }
        Ok(())
    }

    /// Begins to count what is looked for, from here.
    pub(super) fn hunt(&mut self) -> io::Result<()> {
        self.hunt = match &self.pattern {
            Some(pattern) => {
                let near = self.walk.split(0, &self.logs);
                let sieve = self.sieve.and(pattern);
                Some(Hunt::start(&mut self.logs, sieve, &near, self.threads)?)
            }
            None => None,
        };
        Ok(())
    }

    fn refilter(&mut self) -> io::Result<()> {
        let at = self.walk.split(0, &self.logs);
        let patterns = |out: bool| {
            let of = self.filters.iter().filter(move |(_, of)| *of == out);
            of.map(|(pattern, _)| pattern.clone()).collect()
        };
        self.sieve = Sieve {
            keep: patterns(false),
            drop: patterns(true),
        };
        self.stand(&at);
        self.land = true;
        self.hit = None;
        self.hunt()
    }

    /// How many lines in hand are above and including this one; all of them where it is not among them.
    fn kept(&self, from: Option<At>) -> usize {
        from.and_then(|from| self.walk.rows.iter().position(|row| row.at() == from))
            .map_or(0, |row| row + 1)
    }

    fn seek(&mut self, from: Option<At>, forward: bool) {
        let kept = self.kept(from);
        let kept = if forward {
            kept
        } else {
            kept.saturating_sub(1)
        };
        let at = self.walk.split(kept, &self.logs);
        self.seek_from(&at, forward);
    }

    pub(super) fn seek_from(&mut self, split: &[u64], forward: bool) {
        let Some(pattern) = &self.pattern else {
            return;
        };
        self.seeking = Some(Seeking {
            sieve: self.sieve.and(pattern),
            forward,
            sides: split.iter().map(|at| Side::From(*at)).collect(),
        });
    }

    /// True once it is found, or known not to be there.
    fn go_on_seeking(&mut self, allowance: &mut Allowance) -> io::Result<bool> {
        let Some(mut seeking) = self.seeking.take() else {
            return Ok(true);
        };
        for (at, log) in self.logs.iter_mut().enumerate() {
            let Side::From(from) = seeking.sides[at] else {
                continue;
            };
            let hunt = self.hunt.as_ref();
            let barren = |offset| hunt.and_then(|hunt| hunt.barren(at, offset));
            let found = if seeking.forward {
                log.next(from, &seeking.sieve, &barren, allowance)?
            } else {
                log.previous(from, &seeking.sieve, &barren, allowance)?
            };
            seeking.sides[at] = match found {
                Found::Later(from) => {
                    seeking.sides[at] = Side::From(from);
                    self.seeking = Some(seeking);
                    return Ok(false);
                }
                Found::Nothing => Side::Found(None),
                Found::Line(line) => {
                    let stamp = log.stamp(line)?;
                    let log = at;
                    Side::Found(Some(Placed { log, line, stamp }))
                }
            };
        }
        self.found(&seeking)?;
        Ok(true)
    }

    fn found(&mut self, seeking: &Seeking) -> io::Result<()> {
        let found = seeking.sides.iter().filter_map(|side| match side {
            Side::Found(placed) => *placed,
            Side::From(_) => None,
        });
        let key = |placed: &Placed| (placed.stamp, placed.log);
        let hit = if seeking.forward {
            found.min_by_key(key)
        } else {
            found.max_by_key(key)
        };
        let Some(hit) = hit else {
            let way = if seeking.forward { "below" } else { "above" };
            let yet = match self.logs.iter().any(Log::is_partial) {
                true => " in what is unpacked yet",
                false => "",
            };
            self.said = Some(format!("nothing more is found {way}{yet}"));
            return Ok(());
        };
        self.follow = false;
        self.hit = Some(hit.at());
        if self.walk.rows.iter().any(|row| row.at() == hit.at()) {
            self.jump(hit.at());
            return Ok(());
        }
        let at = self.around(&hit)?;
        self.place(&at);
        self.land = false;
        self.jump(hit.at());
        Ok(())
    }

    /// Where every log stands when a line is the next below: lines without a moment come before all others, and at the
    /// same moment the log that was named first comes first.
    fn around(&mut self, hit: &Placed) -> io::Result<Vec<u64>> {
        let mut at = Vec::with_capacity(self.logs.len());
        for (number, log) in self.logs.iter_mut().enumerate() {
            let first = number < hit.log;
            at.push(if number == hit.log {
                hit.line.start
            } else {
                match (hit.stamp, log.clock.is_some()) {
                    (Some(stamp), true) => {
                        log.seek(Stamp(stamp.0.saturating_add(i64::from(first))))?
                            .at
                    }
                    (Some(_), false) => log.size,
                    (None, true) => 0,
                    (None, false) if first => log.size,
                    (None, false) => 0,
                }
            });
        }
        Ok(at)
    }

    fn mark(&mut self, at: At) -> io::Result<()> {
        let known = |mark: &Mark| mark.log == at.log && mark.line.start == at.start;
        if self.marks.iter().any(known) {
            self.marks.retain(|mark| !known(mark));
            return Ok(());
        }
        if let Some(mark) = self.marked(at)? {
            self.marks.push(mark);
            self.marks.sort_by_key(|mark| (mark.log, mark.line.start));
        }
        Ok(())
    }

    /// The lines in hand.
    pub(super) fn rows_in_hand(&self) -> Vec<(usize, Line)> {
        let rows = self.walk.rows.iter();
        rows.map(|placed| (placed.log, placed.line)).collect()
    }

    /// Threads for what runs beside.
    pub(super) fn threads(&self) -> usize {
        self.threads
    }
}

/// From the first moment to the last, over all logs that have any.
pub(super) fn span(logs: &mut [Log]) -> io::Result<Option<(Stamp, Stamp)>> {
    let mut all: Option<(Stamp, Stamp)> = None;
    for log in logs {
        if let Some((first, last)) = log.span()? {
            let (low, high) = all.unwrap_or((first, last));
            all = Some((low.min(first).min(last), high.max(first).max(last)));
        }
    }
    Ok(all)
}

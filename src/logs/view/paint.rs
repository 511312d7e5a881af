//! From where one is in the logs to the page that is shown.

use std::io;

use super::log::Log;
use super::page::{At, Filter, MOST_SHOWN, Page, Row, Search, Shown};
use super::pattern::content;
use super::viewer::Viewer;
use super::walk::Placed;

/// A long line is handed out from a multiple of so many bytes on, so that small moves to the side cost nothing.
const GRAIN: u64 = 4 << 10;

impl Viewer {
    /// The page as it is now.
    ///
    /// # Errors
    /// When a log cannot be read.
    pub fn page(&mut self) -> io::Result<Page> {
        let placed: Vec<Placed> = self.walk.rows.iter().copied().collect();
        let mut rows = Vec::with_capacity(placed.len());
        for placed in &placed {
            let above = rows.last();
            let row = self.row(*placed, above)?;
            rows.push(row);
        }
        let mut logs = Vec::new();
        for log in &mut self.logs {
            logs.push(Shown {
                name: log.name.clone(),
                size: log.size,
                lines: if log.is_partial() { None } else { log.count()? },
                timed: log.clock.is_some(),
                spooled: log.spool.as_ref().map(|spool| spool.state()),
            });
        }
        let ends = self.ends(&placed);
        Ok(Page {
            logs,
            percent: self.percent(ends.1),
            rows,
            span: self.span,
            begins: ends.0,
            ends: ends.1,
            filters: self.filters.iter().map(filter).collect(),
            search: self.search_state()?,
            follow: self.follow,
            marks: self.marks.clone(),
            busy: self.is_busy(),
            said: self.said.clone(),
            jumped: self.jumped,
        })
    }

    fn row(&mut self, placed: Placed, above: Option<&Row>) -> io::Result<Row> {
        let Placed { log: at, line, .. } = placed;
        let single = self.logs.len() == 1;
        let log = &mut self.logs[at];
        let long = line.end - line.start > MOST_SHOWN as u64;
        let skipped = if long {
            (self.pan / GRAIN * GRAIN).min(line.end - line.start)
        } else {
            0
        };
        let from = line.start + skipped;
        let mut bytes = log.bytes(from, line.end, MOST_SHOWN)?;
        let more = from + (bytes.len() as u64) < line.end;
        if !more {
            let kept = content(&bytes).len();
            bytes.truncate(kept);
        }
        // Below a line whose number is known, the next one is not counted anew.
        let number = match above {
            Some(above) if above.end == line.start => above.number.map(|number| number + 1),
            _ if single => log.number(line.start)?,
            _ => None,
        };
        let stamp = match placed.stamp {
            None => log.stamp(line)?,
            stamp => stamp,
        };
        let hits = match &self.pattern {
            Some(pattern) => pattern.places(&bytes),
            None => Vec::new(),
        };
        let marked = self
            .marks
            .iter()
            .any(|mark| mark.log == at && mark.line.start == line.start);
        Ok(Row {
            at: placed.at(),
            end: line.end,
            number: number.filter(|_| single),
            skipped,
            bytes,
            more,
            hits,
            stamp,
            marked,
        })
    }

    /// Whether the first and the last line there is are in hand.
    fn ends(&self, placed: &[Placed]) -> (bool, bool) {
        let (above, below) = self.walk.ends();
        let whole = !self.logs.iter().any(Log::is_partial);
        let [log] = self.logs.as_slice() else {
            return (above, below && whole);
        };
        let first = placed.first().is_none_or(|row| row.line.start == 0);
        let last = placed.last().is_none_or(|row| row.line.end == log.size);
        (above || first, (below || last) && whole)
    }

    fn percent(&self, ends: bool) -> u8 {
        if ends {
            return 100;
        }
        let all: u64 = self.logs.iter().map(|log| log.size).sum();
        let above: u64 = self
            .walk
            .split(self.walk.rows.len(), &self.logs)
            .iter()
            .sum();
        u8::try_from(u128::from(above) * 100 / u128::from(all.max(1)))
            .map_or(100, |part| part.min(100))
    }

    fn search_state(&mut self) -> io::Result<Option<Search>> {
        let (Some(pattern), Some(hunt)) = (&self.pattern, &self.hunt) else {
            return Ok(None);
        };
        let (found, done) = hunt.count();
        let done = done && !self.logs.iter().any(Log::is_partial);
        let at = match self.hit {
            Some(hit) => self.ordinal(hit)?,
            None => None,
        };
        Ok(Some(Search {
            text: pattern.text().to_owned(),
            regex: pattern.is_regex(),
            found,
            done,
            percent: hunt.percent(),
            partial: hunt.is_partial(),
            cells: hunt.cells(),
            axis: hunt.axis.clone(),
            at,
        }))
    }

    /// Which match a line is, from 1, where that is known.
    fn ordinal(&self, hit: At) -> io::Result<Option<u64>> {
        let ([log], Some(hunt)) = (self.logs.as_slice(), &self.hunt) else {
            return Ok(None);
        };
        let before = hunt.before(hit.log, hit.start, &*log.source, log.size)?;
        Ok(before.map(|before| before + 1))
    }
}

fn filter((pattern, out): &(super::pattern::Pattern, bool)) -> Filter {
    Filter {
        text: pattern.text().to_owned(),
        regex: pattern.is_regex(),
        out: *out,
    }
}

//! Going to a place in the logs: a time, a line, a part, the end. What has not come out of its file yet is gone to once it
//! has.

use std::io;

use super::hunt::Begin;
use super::log::Log;
use super::page::Ask;
use super::viewer::Viewer;
use crate::logs::stamp::Stamp;
use crate::logs::window::SLACK;

impl Viewer {
    /// Goes there, as far as it is there.
    pub(super) fn go(&mut self, ask: &Ask) -> io::Result<()> {
        match ask {
            Ask::Bottom => self.bottom(),
            Ask::Time(stamp) => self.time(*stamp)?,
            Ask::Number(number) => self.number(*number)?,
            Ask::Percent(percent) => {
                let part = |log: &Log| log.size / 100 * u64::from((*percent).min(100));
                let at: Vec<u64> = self.logs.iter().map(part).collect();
                self.place(&at);
            }
            Ask::Cell(cell) => self.cell(*cell)?,
            _ => {}
        }
        if self.is_ahead(ask)? {
            self.ahead = Some(ask.clone());
            self.said = Some("goes there once it is unpacked".to_owned());
        }
        Ok(())
    }

    /// Goes where somebody wanted to go, now that it is there.
    pub(super) fn go_on_jumping(&mut self) -> io::Result<()> {
        let Some(ask) = self.ahead.take() else {
            return Ok(());
        };
        if self.is_ahead(&ask)? {
            self.ahead = Some(ask);
            return Ok(());
        }
        self.said = None;
        self.go(&ask)
    }

    /// Whether more of a log has to come out of its file first.
    fn is_ahead(&mut self, ask: &Ask) -> io::Result<bool> {
        let mut partial = self.logs.iter_mut().filter(|log| log.is_partial());
        match ask {
            Ask::Time(stamp) => {
                let slack = i64::try_from(SLACK).unwrap_or(i64::MAX);
                let enough = stamp.0.saturating_add(slack);
                for log in partial {
                    let last = log.span()?.map(|(_, last)| last);
                    if log.clock.is_some() && last.is_none_or(|last| last.0 < enough) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Ask::Number(number) => match self.logs.as_slice() {
                [log] => {
                    let behind = log.index.behind_newline(&*log.source, *number)?;
                    Ok(log.is_partial() && behind.is_none())
                }
                _ => Ok(false),
            },
            Ask::Bottom | Ask::Percent(_) => Ok(partial.next().is_some()),
            _ => Ok(false),
        }
    }

    fn time(&mut self, stamp: Stamp) -> io::Result<()> {
        if self.span.is_none() {
            self.said = Some("no times are known in these lines".to_owned());
            return Ok(());
        }
        let mut at = Vec::new();
        let mut astray = None;
        for log in &mut self.logs {
            let sought = log.seek(stamp)?;
            at.push(sought.at);
            astray = astray.max(sought.astray);
        }
        if let Some(back) = astray {
            let back = span(back);
            self.said = Some(format!("out of order by {back} or more: only near"));
        }
        self.place(&at);
        Ok(())
    }

    fn number(&mut self, number: u64) -> io::Result<()> {
        let [log] = self.logs.as_slice() else {
            self.said = Some("lines of several logs have no numbers".to_owned());
            return Ok(());
        };
        let found = log
            .index
            .behind_newline(&*log.source, number.saturating_sub(1))?;
        match found {
            Some(at) if at < log.size => self.place(&[at]),
            _ if !log.index.is_complete() => {
                self.said = Some("the lines are still being counted".to_owned());
            }
            _ => self.said = Some(format!("there is no line {number}")),
        }
        Ok(())
    }

    fn cell(&mut self, cell: usize) -> io::Result<()> {
        let Some(hunt) = &self.hunt else {
            return Ok(());
        };
        match hunt.axis.begin(cell) {
            Begin::Moment(stamp) => self.time(stamp)?,
            Begin::Place(log, offset) => {
                let at: Vec<u64> = (0..self.logs.len())
                    .map(|other| match other.cmp(&log) {
                        std::cmp::Ordering::Less => self.logs[other].size,
                        std::cmp::Ordering::Equal => offset,
                        std::cmp::Ordering::Greater => 0,
                    })
                    .collect();
                self.place(&at);
            }
        }
        let at = self.walk.split(0, &self.logs);
        self.seek_from(&at, true);
        Ok(())
    }
}

/// Nanoseconds, roughly: `45 s`, `26 d`.
fn span(nanos: u64) -> String {
    let seconds = nanos.div_ceil(1_000_000_000);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

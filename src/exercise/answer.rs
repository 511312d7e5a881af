//! What the script says became of a started step: what its command printed, or the lines of the logs it pulled. A step
//! the script says nothing about is refused, and never run.

use std::collections::BTreeMap;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, TimeDelta, Utc};
use regex::Regex;

use super::progress::Progress;
use crate::engine::exec::{ExecRecord, Purpose};
use crate::engine::exercise::GivenLog;
use crate::engine::fact::{ExerciseAnswered, Span};
use crate::engine::state::Run;
use crate::engine::{State, collect};
use crate::runbook::model::{Collect, Kind};
use crate::runbook::scenario::{self, Answer, Scenario, SimulatedLog};
use crate::runbook::text;

/// A log as it is handed over has at most so many bytes; the newest lines stay.
const MAX_LOG: usize = 512 << 10;

/// What becomes of a step that was started then, and when.
#[must_use]
pub fn answer(
    scenario: &Scenario,
    state: &State,
    progress: &Progress,
    record: &ExecRecord,
    started: DateTime<Utc>,
) -> (DateTime<Utc>, ExerciseAnswered) {
    let mut given = ExerciseAnswered {
        step: record.step.clone(),
        purpose: record.exec.purpose,
        exit: None,
        output: String::new(),
        logs: Vec::new(),
        refused: None,
    };
    let run = state.run(&record.step.run);
    let found = scenario
        .answers
        .iter()
        .find(|answer| fits(answer, progress, record, started));
    if let Some(answer) = found {
        given.exit = Some(answer.exit);
        given.output = run.map_or_else(
            || answer.output.clone(),
            |run| text::fill(&answer.output, &run.plain(), &run.secrets()),
        );
        given.logs = logs(scenario, state, progress, run, record, started).unwrap_or_default();
        return (later(started, answer.takes), given);
    }
    match logs(scenario, state, progress, run, record, started) {
        Ok(logs) => given.logs = logs,
        Err(why) => given.refused = Some(why),
    }
    (started, given)
}

fn fits(answer: &Answer, progress: &Progress, record: &ExecRecord, started: DateTime<Utc>) -> bool {
    let purpose = match answer.purpose {
        scenario::Purpose::Run => Purpose::Run,
        scenario::Purpose::DryRun => Purpose::DryRun,
        scenario::Purpose::RollBack => Purpose::RollBack,
    };
    answer.step == record.step.step
        && purpose == record.exec.purpose
        && answer
            .attempt
            .is_none_or(|attempt| attempt == record.step.attempt)
        && (answer.after.is_empty()
            || progress
                .first(&answer.after)
                .is_some_and(|seen| seen.at <= started))
}

fn later(at: DateTime<Utc>, span: std::time::Duration) -> DateTime<Utc> {
    TimeDelta::from_std(span)
        .ok()
        .and_then(|span| at.checked_add_signed(span))
        .unwrap_or(at)
}

/// The logs a step pulls, as they are at that time.
fn logs(
    scenario: &Scenario,
    state: &State,
    progress: &Progress,
    run: Option<&Run>,
    record: &ExecRecord,
    now: DateTime<Utc>,
) -> Result<Vec<GivenLog>, String> {
    let none = || "the script says nothing of this step".to_owned();
    let run = run.ok_or_else(none)?;
    let step = run.book.step(&record.step.step).ok_or_else(none)?;
    let Kind::Collect(pulled) = &step.kind else {
        return Err(none());
    };
    if record.exec.purpose != Purpose::Run {
        return Err(none());
    }
    of_collect(scenario, state, progress, run, pulled, now)
}

fn of_collect(
    scenario: &Scenario,
    state: &State,
    progress: &Progress,
    run: &Run,
    pulled: &Collect,
    now: DateTime<Utc>,
) -> Result<Vec<GivenLog>, String> {
    let sources = collect::of_step(state, run, pulled, now).map_err(|refusal| refusal.what)?;
    let begun = state
        .exercise
        .as_ref()
        .map_or(now, |exercise| exercise.started.clock.sim);
    sources
        .into_iter()
        .map(|source| {
            let log = scenario
                .logs
                .iter()
                .find(|log| log.name == source.name)
                .ok_or_else(|| format!("the script has no log {}", source.name))?;
            let matching = source.matching.as_deref().map(Regex::new).transpose();
            let matching = matching.map_err(|error| error.to_string())?;
            let shown = Shown {
                begun,
                now,
                window: source.window,
                matching,
            };
            Ok(GivenLog {
                name: source.name,
                text: shown.text(log, progress, &run.plain()),
            })
        })
        .collect()
}

/// Which lines of a log are there, and wanted.
struct Shown {
    begun: DateTime<Utc>,
    now: DateTime<Utc>,
    window: Option<Span>,
    matching: Option<Regex>,
}

impl Shown {
    fn text(
        &self,
        log: &SimulatedLog,
        progress: &Progress,
        values: &BTreeMap<String, String>,
    ) -> String {
        let mut lines = Vec::new();
        for (index, line) in log.lines.iter().enumerate() {
            let is_there = line.after.is_empty()
                || progress
                    .first(&line.after)
                    .is_some_and(|seen| seen.at <= self.now);
            if !is_there {
                continue;
            }
            let text = text::fill(&line.text, values, &std::collections::BTreeSet::new());
            let (every, until) = line.every.unwrap_or((1, line.at));
            let mut at = line.at;
            while at <= until {
                if self.is_wanted(at) {
                    lines.push((at, index, text.clone()));
                }
                at += i64::from(every.max(1));
            }
        }
        lines.sort();
        self.written(log, lines)
    }

    fn is_wanted(&self, seconds: i64) -> bool {
        let Some(at) = self.moment(seconds) else {
            return false;
        };
        at <= self.now
            && self
                .window
                .is_none_or(|window| window.from <= at && at < window.to)
    }

    fn moment(&self, seconds: i64) -> Option<DateTime<Utc>> {
        TimeDelta::try_seconds(seconds).and_then(|span| self.begun.checked_add_signed(span))
    }

    fn written(&self, log: &SimulatedLog, lines: Vec<(i64, usize, String)>) -> String {
        let mut written: Vec<String> = Vec::new();
        let mut size = 0;
        // From the newest on, so that it is the oldest that there is no room for.
        for (at, _, text) in lines.into_iter().rev() {
            let Some(at) = self.moment(at) else { continue };
            let line = format!("{} {text}\n", stamped(at, &log.stamp));
            if let Some(matching) = &self.matching
                && !matching.is_match(&line)
            {
                continue;
            }
            size += line.len();
            if size > MAX_LOG {
                break;
            }
            written.push(line);
        }
        written.reverse();
        written.concat()
    }
}

/// A moment as the script wants it written; one it cannot be written by is RFC 3339.
fn stamped(at: DateTime<Utc>, format: &str) -> String {
    let items: Vec<Item<'_>> = StrftimeItems::new(format).collect();
    if items.iter().any(|item| matches!(item, Item::Error)) {
        return at.to_rfc3339();
    }
    at.format_with_items(items.iter()).to_string()
}

//! What there is to show of an exercise, as rows: its messages to everybody; what comes, who does what and how it stands
//! to those who have its script. Knows nothing of how a row looks.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, Utc};

use super::world::{Open, Script};
use crate::engine::exec::Purpose;
use crate::engine::exercise::{Exercise, FASTEST, is_controller};
use crate::engine::fact::ExerciseInjected;
use crate::engine::state::{Request, Status};
use crate::engine::{Event, ExecRecord, StepRef};
use crate::exercise::due::{self, Due, What};
use crate::exercise::score::{Rated, Refused, Remark, Scored};
use crate::runbook::scenario::Inject;
use crate::trust::Principal;

/// Parts of the exercise's screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tab {
    /// What came, newest first.
    #[default]
    Messages,
    /// What was told before it began.
    Briefing,
    /// What is to come.
    Script,
    /// Who does what.
    Now,
    /// How it stands.
    Score,
}

impl Tab {
    /// Its title.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Messages => "Messages",
            Self::Briefing => "Briefing",
            Self::Script => "Script",
            Self::Now => "Now",
            Self::Score => "Score",
        }
    }

    /// Those that are there for who sits here.
    #[must_use]
    pub fn all(open: &Open) -> &'static [Self] {
        if open.script.is_some() {
            &[
                Self::Messages,
                Self::Briefing,
                Self::Script,
                Self::Now,
                Self::Score,
            ]
        } else {
            &[Self::Messages, Self::Briefing]
        }
    }

    /// The next one, or the one before.
    #[must_use]
    pub fn next(self, open: &Open, forward: bool) -> Self {
        let all = Self::all(open);
        let at = all.iter().position(|tab| *tab == self).unwrap_or(0);
        let step = if forward { 1 } else { all.len() - 1 };
        all[(at + step) % all.len()]
    }
}

/// What became of a step that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Result {
    /// The script has it for then.
    At(DateTime<Utc>),
    /// The script has none: somebody says it by hand.
    Missing,
    /// It is there; who plays has not taken it in yet.
    Given,
}

/// One row.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Row<'w> {
    Message {
        at: DateTime<Utc>,
        inject: &'w ExerciseInjected,
    },
    /// It comes by itself.
    Due(&'w Due),
    /// It comes when somebody says so, on a condition, or not at all.
    Unset {
        inject: &'w Inject,
        left_out: bool,
    },
    Running {
        record: Arc<ExecRecord>,
        since: DateTime<Utc>,
        by: Option<&'w Principal>,
        result: Result,
    },
    Asked {
        step: &'w StepRef,
        request: &'w Request,
    },
    /// The step a run stands at.
    Stands {
        step: StepRef,
        claimed: Option<&'w Principal>,
        since: DateTime<FixedOffset>,
    },
    /// What somebody did last.
    Person {
        who: &'w Principal,
        last: Option<&'w Arc<Event>>,
    },
    Expectation(&'w Scored),
    Objective(&'w Rated),
    Refused(usize, &'w Refused),
    Remark(usize, &'w Remark),
}

impl Row<'_> {
    /// What it is about, whatever its place.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Message { inject, .. } => format!("message {}", inject.inject),
            Self::Due(due) => match &due.what {
                What::Move(id) => format!("move {id}"),
                What::Pause(name) => format!("pause {name}"),
                What::Inject(inject) => format!("inject {}", inject.inject),
                What::Answer(answer) => format!("result {} {:?}", answer.step, answer.purpose),
                What::Over => "over".to_owned(),
            },
            Self::Unset { inject, .. } => format!("inject {}", inject.id),
            Self::Running { record, .. } => {
                format!("running {} {:?}", record.step, record.exec.purpose)
            }
            Self::Asked { step, .. } => format!("asked {step}"),
            Self::Stands { step, .. } => format!("stands {}", step.run),
            Self::Person { who, .. } => format!("person {who}"),
            Self::Expectation(one) => format!("expectation {}", one.id),
            Self::Objective(one) => format!("objective {}", one.id),
            Self::Refused(at, _) => format!("refused {at}"),
            Self::Remark(at, _) => format!("remark {at}"),
        }
    }

    /// The inject it is about, while that can still come.
    #[must_use]
    pub fn inject(&self) -> Option<&str> {
        match self {
            Self::Due(Due {
                what: What::Inject(inject),
                ..
            }) => Some(&inject.inject),
            Self::Unset { inject, .. } => Some(&inject.id),
            _ => None,
        }
    }
}

/// The rows of a part; the briefing has none.
#[must_use]
pub fn rows(tab: Tab, open: &Open) -> Vec<Row<'_>> {
    let Some(exercise) = open.state.exercise.as_deref() else {
        return Vec::new();
    };
    match (tab, open.script.as_deref()) {
        (Tab::Messages, _) => exercise
            .injected
            .iter()
            .rev()
            .map(|(at, inject)| Row::Message { at: *at, inject })
            .collect(),
        (Tab::Script, Some(script)) => coming(exercise, script),
        (Tab::Now, Some(script)) => now(open, exercise, script),
        (Tab::Score, Some(script)) => score(script),
        _ => Vec::new(),
    }
}

/// The row of this key.
#[must_use]
pub fn row<'w>(tab: Tab, key: &str, open: &'w Open) -> Option<Row<'w>> {
    rows(tab, open).into_iter().find(|row| row.key() == key)
}

fn coming<'w>(exercise: &Exercise, script: &'w Script) -> Vec<Row<'w>> {
    let mut all: Vec<Row<'w>> = script.coming.iter().map(Row::Due).collect();
    for inject in &script.scenario.injects {
        let came = exercise
            .injected
            .iter()
            .any(|(_, other)| other.inject == inject.id);
        let is_due = all
            .iter()
            .any(|row| row.inject() == Some(inject.id.as_str()));
        if !came && !is_due {
            let left_out = script.left_out.contains(&inject.id);
            all.push(Row::Unset { inject, left_out });
        }
    }
    all
}

/// What waits for a result first, then questions, then where each run stands, then people.
fn now<'w>(open: &'w Open, exercise: &Exercise, script: &'w Script) -> Vec<Row<'w>> {
    let mut all: Vec<Row<'w>> = due::running(&open.state)
        .into_iter()
        .map(|(record, since)| Row::Running {
            result: result(exercise, script, &record),
            by: starter(open, &record),
            record,
            since,
        })
        .collect();
    for run in &open.state.runs {
        for at in &run.steps {
            if let Some(request) = at.request.as_deref().filter(|request| request.is_open()) {
                let step = &request.record.step;
                all.push(Row::Asked { step, request });
            }
        }
    }
    for run in open.state.open_runs() {
        let Some(at) = run.at.as_ref().and_then(|id| run.state(id)) else {
            continue;
        };
        if at.status != Status::Running {
            let before = run.steps.iter().filter_map(|other| other.ended).max();
            all.push(Row::Stands {
                step: StepRef {
                    run: run.id.clone(),
                    step: at.id.clone(),
                    attempt: at.attempt,
                },
                claimed: at.claimed.as_ref(),
                since: before.unwrap_or(run.started),
            });
        }
    }
    all.extend(people(open));
    all
}

/// Everybody who plays, with what they did last.
fn people(open: &Open) -> impl Iterator<Item = Row<'_>> {
    let mut last: BTreeMap<&Principal, Option<&Arc<Event>>> =
        open.state.roles.keys().map(|who| (who, None)).collect();
    for event in open.events.iter() {
        last.insert(&event.person, Some(event));
    }
    last.into_iter()
        .filter(|(who, _)| {
            let roles = open.state.roles.get(*who);
            !roles.is_some_and(|roles| roles.iter().any(is_controller))
        })
        .map(|(who, last)| Row::Person { who, last })
}

fn starter<'w>(open: &'w Open, record: &ExecRecord) -> Option<&'w Principal> {
    let state = open
        .state
        .run(&record.step.run)?
        .state(&record.step.step)
        .filter(|_| record.exec.purpose == Purpose::Run)?;
    state.by.as_ref()
}

fn result(exercise: &Exercise, script: &Script, record: &ExecRecord) -> Result {
    if exercise.answer(&record.step, record.exec.purpose).is_some() {
        return Result::Given;
    }
    let due = script.coming.iter().find_map(|due| match &due.what {
        What::Answer(answer)
            if answer.step == record.step && answer.purpose == record.exec.purpose =>
        {
            answer.refused.is_none().then_some(due.at)
        }
        _ => None,
    });
    due.map_or(Result::Missing, Result::At)
}

fn score(script: &Script) -> Vec<Row<'_>> {
    let score = &script.score;
    let refused = score.refused.iter().enumerate();
    let remarks = score.remarks.iter().enumerate();
    score
        .expectations
        .iter()
        .map(Row::Expectation)
        .chain(score.objectives.iter().map(Row::Objective))
        .chain(refused.map(|(at, one)| Row::Refused(at, one)))
        .chain(remarks.map(|(at, one)| Row::Remark(at, one)))
        .collect()
}

/// The steps that wait for a result which the script does not have.
#[must_use]
pub fn unscripted(script: &Script) -> Vec<&StepRef> {
    script
        .coming
        .iter()
        .filter_map(|due| match &due.what {
            What::Answer(answer) if answer.refused.is_some() => Some(&answer.step),
            _ => None,
        })
        .collect()
}

/// Speeds that one key leads to, in thousandths.
const SPEEDS: [u32; 11] = [
    500, 1_000, 2_000, 3_000, 6_000, 12_000, 20_000, 60_000, 120_000, 300_000, FASTEST,
];

/// The next speed up or down.
#[must_use]
pub fn speed(now: u32, faster: bool) -> Option<u32> {
    if faster {
        SPEEDS.into_iter().find(|speed| *speed > now)
    } else {
        SPEEDS.into_iter().rev().find(|speed| *speed < now)
    }
}

/// `x6`, `x0.5`
#[must_use]
pub fn pace(scale: u32) -> String {
    let (whole, part) = (scale / 1_000, scale % 1_000);
    let part = format!(".{part:03}");
    let part = part.trim_end_matches('0').trim_end_matches('.');
    format!("x{whole}{part}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_leads_from_any_speed_to_the_next() {
        assert_eq!(speed(1_000, true), Some(2_000));
        assert_eq!(speed(7_000, false), Some(6_000));
        assert_eq!(speed(FASTEST, true), None);
        assert_eq!(speed(250, false), None);
        assert_eq!((pace(6_000), pace(500)), ("x6".into(), "x0.5".into()));
    }
}

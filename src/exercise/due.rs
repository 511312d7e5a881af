//! What the script has next: the messages whose time has come, the results of steps, where the clock stops. A pure
//! function of the script, the record and the simulated time, so that whoever conducts may stop and go on anywhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::answer;
use super::progress::Progress;
use super::seal::Item;
use crate::engine::exec::ExecRecord;
use crate::engine::exercise::{ClockChange, Control};
use crate::engine::fact::ExerciseInjected;
use crate::engine::state::{State, Status};
use crate::runbook::scenario::{Inject, Proof, Scenario, When};

/// Something the script has, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// On the simulated clock.
    pub at: DateTime<Utc>,
    /// What it is.
    pub what: What,
}

/// The kinds of it.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum What {
    /// A move begins.
    Move(String),
    /// The clock stops, as planned.
    Pause(String),
    Inject(Box<ExerciseInjected>),
    Answer(Box<crate::engine::fact::ExerciseAnswered>),
    /// Its time is over.
    Over,
}

impl Due {
    /// What whoever conducts does about it.
    #[must_use]
    pub fn control(&self, scenario: &Scenario) -> Control {
        // Only a clock that runs gets here with a move or a stop.
        let clock = |change, to: &str, paused| Control::Clock {
            change,
            sim: None,
            scale: None,
            to: Some(to.to_owned()),
            paused,
        };
        match &self.what {
            What::Move(id) => {
                let is_first = scenario.moves.first().is_some_and(|first| first.id == *id);
                clock(ClockChange::Move, id, scenario.clock.by_moves && !is_first)
            }
            What::Pause(name) => clock(ClockChange::Paused, name, true),
            What::Inject(inject) => Control::Inject(inject.clone()),
            What::Answer(answer) => Control::Answer(answer.clone()),
            What::Over => clock(ClockChange::Paused, OVER, true),
        }
    }
}

/// What the clock is stopped for at the end.
pub const OVER: &str = "the end";

/// What is due by that simulated time, in the order of the script's clock.
#[must_use]
pub fn due(
    scenario: &Scenario,
    state: &State,
    progress: &Progress,
    items: &[Item],
    now: DateTime<Utc>,
) -> Vec<Due> {
    let stands = state
        .exercise
        .as_deref()
        .is_some_and(|exercise| exercise.clock.paused);
    let mut all = coming(scenario, state, progress, items);
    // While the clock stands still nothing new comes; what was started before it stopped may still end.
    all.retain(|due| due.at <= now && (!stands || matches!(due.what, What::Answer(_))));
    all
}

/// When the script has something next, as far as can be told now.
#[must_use]
pub fn next(
    scenario: &Scenario,
    state: &State,
    progress: &Progress,
    items: &[Item],
) -> Option<DateTime<Utc>> {
    coming(scenario, state, progress, items)
        .first()
        .map(|due| due.at)
}

/// Everything that is to come, as far as can be told now, in order.
#[must_use]
pub fn coming(scenario: &Scenario, state: &State, progress: &Progress, items: &[Item]) -> Vec<Due> {
    let Some(exercise) = state
        .exercise
        .as_deref()
        .filter(|exercise| exercise.is_on())
    else {
        return Vec::new();
    };
    let begun = exercise.started.clock.sim;
    let mut all: Vec<Due> = Vec::new();
    for one in &scenario.moves {
        if !progress.clock_was(ClockChange::Move, &one.id)
            && !progress.clock_was(ClockChange::Back, &one.id)
        {
            all.push(Due {
                at: after(begun, one.at),
                what: What::Move(one.id.clone()),
            });
        }
    }
    for pause in &scenario.clock.pauses {
        let name = format!("planned at {} min", pause.as_secs() / 60);
        if !progress.clock_was(ClockChange::Paused, &name) {
            all.push(Due {
                at: after(begun, *pause),
                what: What::Pause(name),
            });
        }
    }
    let skipped = skipped(items);
    for inject in &scenario.injects {
        if progress.came(&inject.id).is_none()
            && !skipped.contains(inject.id.as_str())
            && let Some(at) = time_of(inject, progress, begun)
        {
            all.push(Due {
                at,
                what: What::Inject(Box::new(message(inject, Some(at)))),
            });
        }
    }
    all.extend(answers(scenario, state, progress));
    if !progress.clock_was(ClockChange::Paused, OVER) {
        all.push(Due {
            at: after(begun, scenario.clock.length),
            what: What::Over,
        });
    }
    // Stable: what comes at the same time comes in the order of the script.
    all.sort_by_key(|due| due.at);
    all
}

fn skipped(items: &[Item]) -> BTreeSet<&str> {
    items
        .iter()
        .filter_map(|item| match item {
            Item::Skipped { inject, .. } => Some(inject.as_str()),
            _ => None,
        })
        .collect()
}

/// So long after the beginning.
#[must_use]
pub fn after(begun: DateTime<Utc>, span: std::time::Duration) -> DateTime<Utc> {
    TimeDelta::from_std(span)
        .ok()
        .and_then(|span| begun.checked_add_signed(span))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// When an inject comes, as far as can be told now; `None` where it does not come by itself.
#[must_use]
pub fn time_of(
    inject: &Inject,
    progress: &Progress,
    begun: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let holds = |unless: &[Proof], at: DateTime<Utc>| {
        progress.first(unless).is_none_or(|seen| seen.at > at)
    };
    match &inject.when {
        When::At { at, unless } => {
            let at = after(begun, *at);
            holds(unless, at).then_some(at)
        }
        When::After {
            after: proofs,
            delay,
            within,
            unless,
        } => {
            let seen = progress.first(proofs)?;
            if within.is_some_and(|within| seen.at > after(begun, within)) {
                return None;
            }
            let at = after(seen.at, *delay);
            holds(unless, at).then_some(at)
        }
        When::ByHand => None,
    }
}

/// An inject as the players get it.
#[must_use]
pub fn message(inject: &Inject, due: Option<DateTime<Utc>>) -> ExerciseInjected {
    ExerciseInjected {
        inject: inject.id.clone(),
        title: inject.title.clone(),
        means: inject.means,
        from: inject.from.clone(),
        to: inject.to.clone(),
        message: inject.message.clone(),
        attachments: inject.attachments.clone(),
        due,
    }
}

/// The results of what was started and is not answered yet.
fn answers(scenario: &Scenario, state: &State, progress: &Progress) -> Vec<Due> {
    let Some(exercise) = state.exercise.as_deref() else {
        return Vec::new();
    };
    running(state)
        .into_iter()
        .filter(|(record, _)| exercise.answer(&record.step, record.exec.purpose).is_none())
        .map(|(record, started)| {
            let (at, answer) = answer::answer(scenario, state, progress, &record, started);
            Due {
                at,
                what: What::Answer(Box::new(answer)),
            }
        })
        .collect()
}

/// What runs and would have run for real, with when it was started on the simulated clock.
#[must_use]
pub fn running(state: &State) -> Vec<(Arc<ExecRecord>, DateTime<Utc>)> {
    let mut all = Vec::new();
    for run in &state.runs {
        for at in &run.steps {
            if at.status == Status::Running
                && let (Some(record), Some(started)) = (&at.record, at.started)
            {
                all.push((Arc::clone(record), started.to_utc()));
            }
            let twins = at.twins.values().filter(|twin| twin.running);
            all.extend(twins.map(|twin| (Arc::clone(&twin.record), twin.at.to_utc())));
        }
    }
    all.retain(|(record, _)| is_simulated(state, record));
    all
}

/// Whether a record is of something that would run by itself: a script, a pull, a wait for a script.
#[must_use]
pub fn is_simulated(state: &State, record: &ExecRecord) -> bool {
    use crate::runbook::model::Kind;
    let kind = state
        .run(&record.step.run)
        .and_then(|run| run.book.step(&record.step.step))
        .map(|step| &step.kind);
    match kind {
        _ if record.exec.purpose != crate::engine::exec::Purpose::Run => true,
        Some(Kind::Run(_) | Kind::Collect(_)) => true,
        Some(Kind::Wait(wait)) => wait.until.is_some(),
        _ => false,
    }
}

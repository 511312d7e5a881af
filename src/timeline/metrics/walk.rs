//! How long the walk took: each step from the end of the one before it in the same run to its own end, so that the
//! times of all steps are the time of the run; and each against what the runbook gives it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, TimeDelta};
use serde::{Deserialize, Serialize};

use super::super::shown;
use super::super::words::{self, Word};
use crate::engine::exec::Purpose;
use crate::engine::fact::{Fact, Milestone, Outcome};
use crate::engine::state::Run;
use crate::engine::{Event, RunId, State, StepRef};
use crate::runbook::model::{Kind, Step, StepId};

/// How the time of a step is computed.
pub(in crate::timeline) const STEPS: &str = "its last end − the end of the step that ended before it in the same run, or the begin of the run; running is the sum of ended − started of what it ran";
/// How the time of a phase is computed.
pub(in crate::timeline) const PHASES: &str = "sum of the times of its steps";

/// Where the time of the walk went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Walk {
    #[serde(deserialize_with = "words::formula")]
    pub steps_formula: Word,
    /// In the order they ended, run by run.
    pub steps: Vec<StepTime>,
    #[serde(deserialize_with = "words::formula")]
    pub phases_formula: Word,
    /// In the order of the runbooks.
    pub phases: Vec<PhaseTime>,
}

/// How long one step took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct StepTime {
    pub run: RunId,
    pub runbook: String,
    pub step: StepId,
    pub title: Option<String>,
    pub phase: Option<String>,
    /// `done`, `failed` or `skipped`.
    pub end: String,
    pub attempts: u32,
    pub from: DateTime<FixedOffset>,
    pub to: DateTime<FixedOffset>,
    pub millis: i64,
    /// What it ran took so long; `None` where it ran nothing.
    pub running_millis: Option<i64>,
    pub budgets: Vec<Budget>,
}

/// What a runbook gives a step, and what it took of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Budget {
    /// The key of the runbook: `due`, `timeout`, `wait.for`, `escalate.after`, `every`.
    pub key: String,
    pub formula: String,
    pub limit_millis: i64,
    /// `None` while something is missing.
    pub took_millis: Option<i64>,
    pub missing: Option<String>,
}

/// How long a phase took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PhaseTime {
    /// `None` for the steps that belong to no phase.
    pub phase: Option<String>,
    pub millis: i64,
    pub steps: usize,
    /// Steps that took more than the runbook gives them.
    pub over: usize,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            steps_formula: STEPS,
            steps: Vec::new(),
            phases_formula: PHASES,
            phases: Vec::new(),
        }
    }
}

impl Budget {
    /// By how much it took more than it had.
    #[must_use]
    pub fn over(&self) -> Option<i64> {
        let over = self.took_millis? - self.limit_millis;
        (over > 0).then_some(over)
    }
}

impl StepTime {
    /// Whether it took more than the runbook gives it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.budgets.iter().any(|budget| budget.over().is_some())
    }
}

/// What is known of a step before its time can be told.
#[derive(Default)]
struct Found {
    end: Option<(DateTime<FixedOffset>, &'static str)>,
    attempts: u32,
    running: Option<TimeDelta>,
    longest: Option<TimeDelta>,
}

/// The steps by run, in the order of the record.
type Runs = Vec<(RunId, DateTime<FixedOffset>, BTreeMap<StepId, Found>)>;

pub(in crate::timeline) fn walk(state: &State, events: &[Arc<Event>]) -> Walk {
    let mut out = Walk::default();
    for (run, began, found) in found(events) {
        let book = state.run(&run);
        let mut ended: Vec<_> = found
            .into_iter()
            .filter_map(|(step, found)| found.end.map(|(at, end)| (at, step, end, found)))
            .collect();
        ended.sort_by(|a, b| (a.0.to_utc(), &a.1).cmp(&(b.0.to_utc(), &b.1)));
        let mut before = began;
        for (at, id, end, found) in ended {
            let from = before.min(at);
            let step = book.and_then(|run| run.book.step(&id));
            out.steps.push(StepTime {
                run: run.clone(),
                runbook: book.map_or_else(String::new, |run| shown(run.book.id.as_str())),
                title: step.map(|step| shown(&step.title)),
                phase: step.and_then(|step| step.phase.as_deref()).map(shown),
                end: end.to_owned(),
                attempts: found.attempts.max(1),
                from,
                to: at,
                millis: (at - from).num_milliseconds(),
                running_millis: found.running.map(|span| span.num_milliseconds()),
                budgets: step.map_or_else(Vec::new, |step| {
                    let mut all = budgets(state, step, at, &found, events);
                    all.extend(escalation(step, at - from));
                    all
                }),
                step: id,
            });
            before = before.max(at);
        }
    }
    out.phases = phases(state, &out.steps);
    out
}

fn found(events: &[Arc<Event>]) -> Runs {
    let mut runs: Runs = Vec::new();
    for event in events {
        if let Fact::RunStarted(fact) = &event.fact {
            runs.push((fact.run.clone(), event.occurred_at, BTreeMap::new()));
        }
        let Some((step, end)) = ended(&event.fact) else {
            continue;
        };
        let Some((_, _, steps)) = runs.iter_mut().find(|(run, _, _)| *run == step.run) else {
            continue;
        };
        let one = steps.entry(step.step.clone()).or_default();
        one.attempts = one.attempts.max(step.attempt);
        if let Fact::StepFinished(fact) = &event.fact {
            let took = fact.ended - fact.started;
            one.running = Some(one.running.unwrap_or_default() + took);
            one.longest = one.longest.max(Some(took));
        }
        if one.end.is_none_or(|(at, _)| at <= event.occurred_at) {
            one.end = Some((event.occurred_at, end));
        }
    }
    runs
}

/// The step that an event ends, and how.
fn ended(fact: &Fact) -> Option<(&StepRef, &'static str)> {
    let word = |outcome: Outcome| match outcome {
        Outcome::Succeeded => "done",
        Outcome::Failed => "failed",
        Outcome::Unknown => "unknown",
    };
    match fact {
        Fact::StepFinished(fact) if fact.purpose == Purpose::Run => {
            Some((&fact.step, word(fact.outcome)))
        }
        Fact::StepResolved(fact) => Some((&fact.step, word(fact.outcome))),
        Fact::StepDone(fact) => Some((&fact.step, "done")),
        Fact::StepChosen(fact) => Some((&fact.step, "done")),
        Fact::StepAnswered(fact) => Some((&fact.step, "done")),
        Fact::StepSkipped(fact) => Some((&fact.step, "skipped")),
        _ => None,
    }
}

fn budgets(
    state: &State,
    step: &Step,
    end: DateTime<FixedOffset>,
    found: &Found,
    events: &[Arc<Event>],
) -> Vec<Budget> {
    let mut all = Vec::new();
    if let Some(due) = &step.due {
        let anchor = Milestone::named(&due.clock).and_then(|one| state.milestones.get(&one));
        all.push(Budget {
            key: "due".to_owned(),
            formula: format!("its end − {}", shown(&due.clock)),
            limit_millis: millis(due.within),
            took_millis: anchor.map(|anchor| (end - anchor.at).num_milliseconds()),
            missing: anchor.is_none().then(|| shown(&due.clock)),
        });
    }
    let ran = [
        ("timeout", step.exec.timeout),
        (
            "wait.for",
            match &step.kind {
                Kind::Wait(wait) if wait.until.is_some() => wait.limit,
                _ => None,
            },
        ),
    ];
    for (key, limit) in ran {
        let (Some(limit), Some(longest)) = (limit, found.longest) else {
            continue;
        };
        all.push(Budget {
            key: key.to_owned(),
            formula: "the longest of its runs: ended − started".to_owned(),
            limit_millis: millis(limit),
            took_millis: Some(longest.num_milliseconds()),
            missing: None,
        });
    }
    if let Kind::Notify(notify) = &step.kind
        && let Some(every) = notify.every
    {
        let longest = silence(state, &notify.audience, end, events);
        all.push(Budget {
            key: "every".to_owned(),
            formula:
                "the longest time without an update to this audience, from this step to resolved"
                    .to_owned(),
            limit_millis: millis(every),
            took_millis: longest.map(|span| span.num_milliseconds()),
            missing: longest.is_none().then(|| "resolved".to_owned()),
        });
    }
    all
}

fn millis(limit: Duration) -> i64 {
    i64::try_from(limit.as_millis()).unwrap_or(i64::MAX)
}

fn escalation(step: &Step, took: TimeDelta) -> Option<Budget> {
    let escalate = step.escalate.as_ref()?;
    Some(Budget {
        key: "escalate.after".to_owned(),
        formula: "its time".to_owned(),
        limit_millis: millis(escalate.after),
        took_millis: Some(took.num_milliseconds()),
        missing: None,
    })
}

/// The longest time an audience was told nothing, from a moment until all was over.
fn silence(
    state: &State,
    audience: &str,
    from: DateTime<FixedOffset>,
    events: &[Arc<Event>],
) -> Option<TimeDelta> {
    let resolved = state.milestones.get(&Milestone::Resolved)?.at;
    let mut told: Vec<_> = events
        .iter()
        .filter(
            |event| matches!(&event.fact, Fact::UpdateRecorded(fact) if fact.audience == audience),
        )
        .map(|event| event.occurred_at)
        .filter(|at| (from..=resolved).contains(at))
        .collect();
    told.push(resolved.max(from));
    told.sort_unstable();
    let mut last = from;
    let mut longest = TimeDelta::zero();
    for at in told {
        longest = longest.max(at - last);
        last = at;
    }
    Some(longest)
}

/// The phases in the order in which the runbooks have them.
fn phases(state: &State, steps: &[StepTime]) -> Vec<PhaseTime> {
    let named = |run: &Arc<Run>| -> Vec<Option<String>> {
        let steps = run.book.steps.iter();
        steps.map(|step| step.phase.as_deref().map(shown)).collect()
    };
    let mut order: Vec<Option<String>> = Vec::new();
    let found = steps.iter().map(|step| step.phase.clone());
    for phase in state.runs.iter().flat_map(named).chain(found) {
        if !order.contains(&phase) {
            order.push(phase);
        }
    }
    let of = |phase: Option<String>| {
        let steps = || steps.iter().filter(|step| step.phase == phase);
        PhaseTime {
            millis: steps().map(|step| step.millis).sum(),
            steps: steps().count(),
            over: steps().filter(|step| step.is_over()).count(),
            phase,
        }
    };
    order
        .into_iter()
        .map(of)
        .filter(|phase| phase.steps > 0)
        .collect()
}

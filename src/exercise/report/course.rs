//! How it went: messages as planned and as they came, what happened in order with what it decided, how long answers took,
//! what was refused or gone through, where regulatory clocks stood.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::due::time_of;
use super::super::score::duty;
use super::super::seal::{Item, Verdict};
use super::words::{length, when};
use super::{Clock, Entry, Fate, Gathering, Inject, Mark, Override, Refused, Wait};
use crate::engine::exec::Purpose;
use crate::engine::sentence::{local, name};
use crate::engine::{Event, EventId, Fact};
use crate::runbook::scenario;
use crate::timeline::clocks::{Countdown, Standing};
use crate::timeline::{Row, shown};

/// What is not told of in the timeline: who has which duty, what is in other entries anyway, and what machines do.
const UNTOLD: [&str; 18] = [
    "role.assigned",
    "run.started",
    "step.claimed",
    "checkpoint.consumed",
    "checkpoint.delegated",
    "exercise.started",
    "exercise.answered",
    "exercise.sealed",
    "exercise.feedback",
    "entry.described",
    "entry.linked",
    "followup.opened",
    "followup.changed",
    "update.delivered",
    "update.undelivered",
    "hub.unreachable",
    "journal.recovered",
    "incident.closed",
];

pub(super) fn injects(all: &Gathering<'_>) -> Vec<Inject> {
    let injects = all.source.scenario.injects.iter();
    injects.map(|one| inject(all, one)).collect()
}

fn inject(all: &Gathering<'_>, one: &scenario::Inject) -> Inject {
    let is_it = |event: &&Arc<Event>| matches!(&event.fact, Fact::ExerciseInjected(fact) if fact.inject == one.id);
    let came = all.progress.events().iter().find(is_it);
    let due = came.and_then(|event| match &event.fact {
        Fact::ExerciseInjected(fact) => fact.due,
        _ => None,
    });
    let begun = all.source.state.exercise.as_deref();
    let planned_at = due.or_else(|| {
        begun.and_then(|exercise| time_of(one, &all.progress, exercise.started.clock.sim))
    });
    let skipped = all.source.items.iter().rev().find_map(|(event, _, item)| {
        let Item::Skipped { inject, reason } = item else {
            return None;
        };
        (*inject == one.id && !all.progress.is_void(event)).then_some(reason)
    });
    let fate = match (came, due, skipped) {
        (Some(_), Some(_), _) => Fate::Came,
        (Some(_), None, _) => Fate::ByHand,
        (None, _, Some(_)) => Fate::Skipped,
        (None, _, None) => Fate::NeverCame,
    };
    Inject {
        id: shown(&one.id),
        title: shown(&one.title),
        means: one.means,
        from: shown(&one.from),
        to: one.to.iter().map(|to| shown(to)).collect(),
        planned: when(&one.when),
        planned_at,
        came: came.map(|event| event.told_at()),
        came_real: came.map(|event| event.recorded_at),
        late_millis: came
            .zip(planned_at)
            .map(|(event, planned)| (event.told_at() - planned).num_milliseconds()),
        fate,
        reason: skipped
            .filter(|_| fate == Fate::Skipped)
            .and_then(|reason| reason.as_deref().map(shown)),
        times: all.source.events.iter().filter(is_it).count(),
    }
}

pub(super) fn timeline(all: &Gathering<'_>) -> Vec<Entry> {
    let (mut entries, mut marks) = decided(all);
    let events: BTreeMap<EventId, &Arc<Event>> = all
        .source
        .events
        .iter()
        .map(|event| (event.id, event))
        .collect();
    let counting: BTreeSet<EventId> = all.progress.events().iter().map(|event| event.id).collect();
    for row in &all.timeline.rows {
        let event = events.get(&row.event).copied();
        let scored = marks.remove(&row.event).unwrap_or_default();
        if scored.is_empty() && UNTOLD.contains(&row.kind) {
            continue;
        }
        entries.push(Entry {
            at: row.told_at(),
            real: Some(row.recorded_at),
            duty: event
                .and_then(|event| duty(all.source.state, event))
                .map(|duty| shown(&duty)),
            class: row.class.word(),
            text: event
                .and_then(|event| unnamed(event))
                .unwrap_or_else(|| told_of(all, row)),
            scored,
            counts: counting.contains(&row.event),
            event: Some(row.event),
        });
    }
    // Stable: what comes at the same time stays in the order of the record, and a deadline is up before it.
    entries.sort_by_key(|entry| entry.at);
    entries
}

/// The entries that decide an expectation, and lines for those that none decides: something was not done, or was in
/// spite of what must never be.
fn decided(all: &Gathering<'_>) -> (Vec<Entry>, BTreeMap<EventId, Vec<Mark>>) {
    let mut marks: BTreeMap<EventId, Vec<Mark>> = BTreeMap::new();
    let mut entries = Vec::new();
    for one in &all.score.expectations {
        let mark = Mark {
            expectation: shown(&one.id),
            verdict: one.verdict,
        };
        let is_missed = one.verdict == Verdict::Missed;
        let at = match (one.event, one.broken) {
            (_, Some(broken)) if is_missed => broken,
            (Some(event), _) => {
                marks.entry(event).or_default().push(mark);
                continue;
            }
            (None, _) => match one.deadline.filter(|_| is_missed) {
                Some(deadline) => deadline,
                None => continue,
            },
        };
        entries.push(Entry {
            at,
            real: None,
            duty: None,
            class: "deadline",
            text: format!("missed: {}", shown(&one.action)),
            scored: vec![mark],
            counts: true,
            event: None,
        });
    }
    (entries, marks)
}

/// What is about other people, without them.
fn unnamed(event: &Event) -> Option<String> {
    match &event.fact {
        Fact::RoleAssigned(fact) => Some(format!("gave the duty {}", shown(fact.role.as_str()))),
        Fact::CheckpointDelegated(fact) => {
            Some(format!("passed the question about {} on", name(&fact.step)))
        }
        _ => None,
    }
}

/// The sentence without anybody's name.
fn told_of(all: &Gathering<'_>, row: &Row) -> String {
    let answer = all.timeline.checkpoints.iter().find_map(|gate| {
        let answers = gate.answers.iter();
        let answer = answers.into_iter().find(|one| one.event == row.event)?;
        Some((gate, answer))
    });
    if let Some((gate, answer)) = answer {
        let did = match answer.decision {
            "approve" => "approved",
            "deny" => "denied",
            _ => "took back the request for",
        };
        let what = match gate.purpose {
            Purpose::Run => "",
            Purpose::DryRun => "a dry run of ",
            Purpose::RollBack => "rolling back ",
        };
        let reason = answer.reason.as_ref().map(|reason| format!(": {reason}"));
        return format!("{did} {what}{}{}", gate.step, reason.unwrap_or_default());
    }
    row.text.strip_prefix("OVERRIDE: ").map_or_else(
        || row.text.clone(),
        |rest| {
            let who = format!("{} ", local(&row.person));
            format!("OVERRIDE: {}", rest.strip_prefix(&who).unwrap_or(rest))
        },
    )
}

pub(super) fn waits(all: &Gathering<'_>) -> Vec<Wait> {
    let decisions = all.score.decisions.iter();
    decisions
        .map(|one| Wait {
            step: shown(&one.step),
            asked: one.asked,
            millis: one.millis,
            answer: one.answer,
        })
        .collect()
}

pub(super) fn refused(all: &Gathering<'_>) -> Vec<Refused> {
    let refused = all.score.refused.iter();
    refused
        .map(|one| Refused {
            at: one.at,
            duty: one.role.as_deref().map(shown),
            step: one.step.as_deref().map(shown),
            what: shown(&one.what),
        })
        .collect()
}

pub(super) fn overrides(all: &Gathering<'_>) -> Vec<Override> {
    let overrides = all.timeline.overrides.iter();
    overrides
        .map(|one| Override {
            at: one.said.at.to_utc(),
            duty: one.said.role.clone(),
            step: one.step.clone(),
            gate: one.gate.clone(),
            reason: one.said.reason.clone(),
            accepted: one.review.as_ref().map(|review| review.accepted),
        })
        .collect()
}

pub(super) fn violations(all: &Gathering<'_>) -> Vec<String> {
    let flags = all.timeline.flags.iter();
    flags
        .filter(|flag| flag.violation)
        .map(|flag| flag.what.clone())
        .collect()
}

pub(super) fn clocks(countdowns: &[Countdown]) -> Vec<Clock> {
    countdowns
        .iter()
        .filter(|one| !matches!(one.standing, Standing::Waiting { .. }) || one.submitted.is_some())
        .map(|one| Clock {
            regime: shown(&one.regime_title),
            stage: shown(&one.title),
            rule: shown(&one.rule),
            due: one.due_at.map(|at| at.to_utc()),
            submitted: one.submitted.as_ref().map(|anchor| anchor.at.to_utc()),
            standing: standing(&one.standing, one.submitted.is_some()),
        })
        .collect()
}

fn standing(standing: &Standing, is_submitted: bool) -> String {
    let seconds = |seconds: i64| length(seconds.saturating_mul(1000));
    match standing {
        Standing::Waiting { .. } => "not counted: what it counts from is not recorded".to_owned(),
        Standing::Running { left_seconds } => format!("running, {} left", seconds(*left_seconds)),
        Standing::Met { spare_seconds } => {
            format!("met, {} before it was due", seconds(*spare_seconds))
        }
        Standing::Late { by_seconds } if is_submitted => {
            format!("late by {}", seconds(*by_seconds))
        }
        Standing::Late { by_seconds } => {
            format!("not submitted, late by {}", seconds(*by_seconds))
        }
        Standing::NotApplicable { .. } => "decided that it does not apply".to_owned(),
    }
}

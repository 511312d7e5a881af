//! Times that do not fit, and silences.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{EXPLAINED, Findings, Subject, length};
use crate::engine::Event;
use crate::engine::event::Fidelity;
use crate::engine::fact::{Fact, Milestone};
use crate::engine::ids::WriterId;
use crate::timeline::Row;
use crate::timeline::rows;

/// A silence longer than this is to be explained.
const SILENCE: TimeDelta = TimeDelta::minutes(30);
/// An entry recorded longer than this after it occurred is known from somewhere else than a clock.
const LATE: TimeDelta = TimeDelta::hours(1);
/// What a wall clock drifts and an entry takes.
const STEP: TimeDelta = TimeDelta::seconds(5);

pub(super) fn look(subject: &Subject<'_>, found: &mut Findings) {
    silences(subject, found);
    for row in &subject.whole.rows {
        dated(row, found);
    }
    steps(subject, found);
}

fn silences(subject: &Subject<'_>, found: &mut Findings) {
    let rows = &subject.whole.rows;
    let reached = |milestone| {
        let reached = subject.state.milestones.get(&milestone);
        reached.map(|reached| reached.at.to_utc())
    };
    let begin =
        reached(Milestone::Detected).or_else(|| subject.whole.header.started.map(|at| at.to_utc()));
    let end = reached(Milestone::Resolved).or_else(|| reached(Milestone::Closed));
    let busy = running(subject);
    for gap in rows::gaps(rows, SILENCE) {
        let before = gap.before.checked_sub(1).and_then(|index| rows.get(index));
        let after = rows.get(gap.before);
        let beside = [before, after];
        let outside =
            begin.is_none_or(|begin| gap.from < begin) || end.is_some_and(|end| gap.from >= end);
        let explained = beside
            .iter()
            .flatten()
            .any(|row| row.about.tags.iter().any(|tag| tag == EXPLAINED));
        let busy = busy
            .iter()
            .any(|(from, to)| *from <= gap.from + STEP && gap.to <= *to + STEP);
        if outside || explained || busy {
            continue;
        }
        let what = format!(
            "nothing is recorded for {} before this",
            length(TimeDelta::milliseconds(gap.millis))
        );
        found.put("gap", after, what, "say what went on: runsheet note INC TEXT --at T --until T; or that nothing did: runsheet tag INC ENTRY gap-explained");
    }
}

/// When something ran that somebody waited for.
fn running(subject: &Subject<'_>) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let finished = subject.events.iter().filter_map(|event| match &event.fact {
        Fact::StepFinished(fact) => Some((fact.started, fact.ended)),
        _ => None,
    });
    finished.collect()
}

fn dated(row: &Row, found: &mut Findings) {
    let lag = row.told_at() - row.occurred_at.to_utc();
    if lag < -STEP {
        let what = format!("it is dated {} after it was recorded", length(-lag));
        found.put(
            "dated-ahead",
            Some(row),
            what,
            "correct it: runsheet correct INC ENTRY TEXT --reason R",
        );
    }
    let by_people = [
        "note.added",
        "milestone.reached",
        "decision.named",
        "stage.submitted",
    ];
    let told = row.about.source.is_some() || !row.evidence.is_empty();
    if lag > LATE && row.fidelity == Fidelity::Exact && by_people.contains(&row.kind) && !told {
        let what = format!(
            "it is dated to the second and was recorded {} later",
            length(lag)
        );
        found.put("backdated", Some(row), what, "say how its time is known: runsheet describe INC ENTRY --source S, or --evidence SHA256");
    }
}

/// Where the wall clock of a machine went another way than the time since it was started.
fn steps(subject: &Subject<'_>, found: &mut Findings) {
    let mut last: BTreeMap<&WriterId, &Event> = BTreeMap::new();
    for event in subject.events {
        if let Some(before) = last.insert(&event.writer, event)
            && let Some(step) = step(before, event)
        {
            let way = if step < TimeDelta::zero() {
                "back"
            } else {
                "ahead"
            };
            let what = format!(
                "the clock of {} was set {way} by {} since its entry before",
                crate::timeline::shown(&event.host),
                length(step.abs())
            );
            let row = subject.whole.rows.iter().find(|row| row.event == event.id);
            found.put("clock-step", row, what, "say which times are right: runsheet note INC TEXT, and runsheet link INC ENTRY NOTE --relation related");
        }
    }
}

fn step(before: &Event, after: &Event) -> Option<TimeDelta> {
    let wall = after.recorded_at - before.recorded_at;
    if before.boot.id != after.boot.id {
        return (wall < -STEP).then_some(wall);
    }
    let up = i64::try_from(after.boot.millis).ok()? - i64::try_from(before.boot.millis).ok()?;
    let step = wall - TimeDelta::try_milliseconds(up)?;
    (step.abs() > STEP).then_some(step)
}

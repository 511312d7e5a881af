//! Each objective: what was expected, what went well, what has to be better, and why that is said.

use chrono::{DateTime, Utc};

use super::super::score::{Rated, Scored};
use super::super::seal::{RemarkKind, Verdict};
use super::words::length;
use super::{Expectation, Gathering, Objective, Observation};
use crate::timeline::shown;

pub(super) fn objectives(all: &Gathering<'_>) -> Vec<Objective> {
    let rated = all.score.objectives.iter();
    rated.map(|one| objective(all, one)).collect()
}

fn objective(all: &Gathering<'_>, rated: &Rated) -> Objective {
    let script = &all.source.scenario.objectives;
    let tasks = script
        .iter()
        .find(|one| one.id == rated.id)
        .map_or(&[][..], |one| &one.critical_tasks);
    let of_it: Vec<&Scored> = all
        .score
        .expectations
        .iter()
        .filter(|one| one.objective == rated.id)
        .collect();
    Objective {
        id: shown(&rated.id),
        title: shown(&rated.title),
        capability: shown(&rated.capability),
        critical_tasks: tasks.iter().map(|task| shown(task)).collect(),
        proposed: rated.proposed,
        confirmed: rated.confirmed,
        words: rated
            .confirmed
            .or(rated.proposed)
            .map(super::super::seal::Rating::words),
        reason: rated.reason.as_deref().map(shown),
        share: rated.share,
        undecided: rated.undecided,
        expectations: of_it.iter().map(|one| expectation(one)).collect(),
        strengths: observations(all, rated, &of_it, RemarkKind::Strength),
        improvements: observations(all, rated, &of_it, RemarkKind::Improvement),
    }
}

fn expectation(one: &Scored) -> Expectation {
    Expectation {
        id: shown(&one.id),
        action: shown(&one.action),
        role: one.role.as_deref().map(shown),
        critical: one.critical,
        weight: one.weight,
        verdict: one.verdict,
        shown: (one.shown != one.verdict).then_some(one.shown),
        reason: one.reason.as_deref().map(shown),
        deadline: one.deadline,
        done: one.done,
        took_millis: one.took_millis,
        event: one.event,
    }
}

/// What the record shows, what is critical first, then what evaluators saw.
fn observations(
    all: &Gathering<'_>,
    rated: &Rated,
    of_it: &[&Scored],
    kind: RemarkKind,
) -> Vec<Observation> {
    let wanted = |one: &&&Scored| match kind {
        RemarkKind::Strength => one.verdict == Verdict::Met,
        RemarkKind::Improvement => matches!(one.verdict, Verdict::Late | Verdict::Missed),
        RemarkKind::Seen => false,
    };
    let mut found: Vec<&&Scored> = of_it.iter().filter(wanted).collect();
    // Stable: the order of the script otherwise.
    found.sort_by_key(|one| (!one.critical, one.verdict != Verdict::Missed));
    let shows = found.into_iter().map(|one| Observation {
        text: shown(&one.action),
        references: all.measures(&one.id),
        analysis: why(all, one),
        recommend: None,
    });
    let remarks = all.score.remarks.iter().filter(|remark| {
        remark.kind == kind
            && remark
                .about
                .as_ref()
                .is_some_and(|about| *about == rated.id || of_it.iter().any(|one| one.id == *about))
    });
    let seen = remarks.map(|remark| {
        let about = remark.about.as_deref().filter(|about| *about != rated.id);
        Observation {
            text: shown(&remark.text),
            references: about.map(|about| all.measures(about)).unwrap_or_default(),
            analysis: "An evaluator saw it.".to_owned(),
            recommend: remark.recommend.as_deref().map(shown),
        }
    });
    shows.chain(seen).collect()
}

/// Why an expectation counts as it does, from the times in the record.
fn why(all: &Gathering<'_>, one: &Scored) -> String {
    let script = &all.source.scenario.expectations;
    let expected = script.iter().find(|other| other.id == one.id);
    let since = expected
        .and_then(|expected| expected.about.as_deref())
        .map_or_else(
            || "after the start".to_owned(),
            |inject| format!("after “{}” came", title(all, inject)),
        );
    let is_told_by_record =
        expected.is_some_and(|expected| !(expected.proof.is_empty() && expected.never.is_empty()));
    let clock = |at: DateTime<Utc>| at.format("%H:%M:%S");
    let mut text = match (one.broken, one.done, one.deadline) {
        (Some(at), _, _) => format!("What must never be was so at {}.", clock(at)),
        (None, Some(done), Some(deadline)) => {
            let spare = (deadline - done).num_milliseconds();
            let (much, what) = (length(spare), if spare < 0 { "after" } else { "before" });
            match one.took_millis {
                Some(0) => format!("Done already when its time began, {much} {what} its deadline."),
                took => format!(
                    "Done {} {since}, {much} {what} its deadline.",
                    length(took.unwrap_or(0))
                ),
            }
        }
        (None, None, Some(_)) if !is_told_by_record => {
            "No entry can show it; an evaluator has to say.".to_owned()
        }
        (None, None, Some(deadline)) if one.shown == Verdict::Met => {
            let until = all.ended().1.map_or(deadline, |end| end.min(deadline));
            format!("Kept until {}.", clock(until))
        }
        (None, None, Some(deadline)) => format!(
            "The record does not show it; its deadline was {}.",
            clock(deadline)
        ),
        (None, _, None) => "What it is about did not come.".to_owned(),
    };
    if one.shown != one.verdict && is_told_by_record {
        text.push_str(&format!(" The record alone says {}.", one.shown.word()));
    }
    if let Some(reason) = &one.reason {
        text.push_str(&format!(" Evaluator: {}", shown(reason)));
    }
    text
}

fn title(all: &Gathering<'_>, inject: &str) -> String {
    let injects = &all.source.scenario.injects;
    let found = injects.iter().find(|one| one.id == inject);
    shown(found.map_or(inject, |one| &one.title))
}

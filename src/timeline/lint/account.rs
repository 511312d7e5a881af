//! What is open, missing, or rests on nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Findings, Level, Subject, length};
use crate::engine::EventId;
use crate::engine::details::FollowupStatus;
use crate::engine::fact::{Fact, Milestone};
use crate::engine::sentence::Class;
use crate::engine::state::Status;
use crate::timeline::clocks::Standing;
use crate::timeline::{Row, shown};

pub(super) fn look(subject: &Subject<'_>, found: &mut Findings) {
    let rows: Rows<'_> = subject
        .whole
        .rows
        .iter()
        .map(|row| (row.event, row))
        .collect();
    record(subject, &rows, found);
    steps(subject, &rows, found);
    clocks(subject, found);
    followups(subject, found);
    milestones(subject, found);
    grounds(subject, found);
}

/// The rows by their events.
type Rows<'a> = BTreeMap<EventId, &'a Row>;

fn record(subject: &Subject<'_>, rows: &Rows<'_>, found: &mut Findings) {
    for flag in &subject.whole.flags {
        let rule = if flag.violation {
            "violation"
        } else {
            "conflict"
        };
        let hint = "runsheet verify INC says more; say what happened in a note";
        found.put(
            rule,
            rows.get(&flag.event).copied(),
            flag.what.clone(),
            hint,
        );
    }
    for over in subject
        .whole
        .overrides
        .iter()
        .filter(|over| over.owes_review())
    {
        let what = format!(
            "{} was gone through without its approvals, and nobody else has looked at it",
            over.step
        );
        let hint = "another person reviews it: runsheet review INC ENTRY --reason R";
        found.put(
            "review-owed",
            rows.get(&over.said.event).copied(),
            what,
            hint,
        );
    }
}

fn steps(subject: &Subject<'_>, rows: &Rows<'_>, found: &mut Findings) {
    for run in &subject.state.runs {
        for step in &run.steps {
            let name = shown(step.id.as_str());
            let of = step
                .started_event
                .and_then(|event| rows.get(&event).copied());
            match step.status {
                Status::Unknown => found.put(
                    "unknown-outcome",
                    of,
                    format!("nobody saw how {name} ended"),
                    &format!("say what became of it: runsheet step INC {name} resolve succeeded|failed --reason R"),
                ),
                Status::Running => found.put("running", of, format!("{name} still runs"), "wait for its end"),
                _ => {}
            }
        }
    }
}

fn clocks(subject: &Subject<'_>, found: &mut Findings) {
    for one in subject.countdowns {
        if one.submitted.is_some() {
            continue;
        }
        let name = format!("{}/{}", one.regime, one.stage);
        let hint = format!("runsheet submitted INC {name} once it went out (not legal advice)");
        match &one.standing {
            Standing::Late { by_seconds } => {
                let late = length(chrono::TimeDelta::seconds(*by_seconds));
                found.put(
                    "clock-late",
                    None,
                    format!("{name} ({}) is late by {late}", one.title),
                    &hint,
                );
            }
            Standing::Running { left_seconds } => {
                let left = length(chrono::TimeDelta::seconds(*left_seconds));
                found.put(
                    "clock-open",
                    None,
                    format!("{name} ({}) is due in {left}", one.title),
                    &hint,
                );
            }
            _ => {}
        }
    }
}

fn followups(subject: &Subject<'_>, found: &mut Findings) {
    let today = subject.now.date_naive();
    let open = |status| status == FollowupStatus::Open;
    for one in subject
        .whole
        .followups
        .iter()
        .filter(|one| open(one.status))
    {
        let text = &one.text;
        if one.owner.is_none() {
            let hint = "runsheet followup change INC ENTRY --owner WHO";
            found.put("followup-owner", None, format!("nobody owns: {text}"), hint);
            found.about(one.event);
        }
        if one.due.is_none() {
            let hint = "runsheet followup change INC ENTRY --due DATE";
            found.put(
                "followup-due",
                None,
                format!("no date is set for: {text}"),
                hint,
            );
            found.about(one.event);
        }
        if let Some(due) = one.due.filter(|_| one.is_overdue(today)) {
            let hint = "runsheet followup done INC ENTRY, or another --due";
            found.put(
                "followup-late",
                None,
                format!("was due {due}: {text}"),
                hint,
            );
            found.about(one.event);
        }
    }
}

fn milestones(subject: &Subject<'_>, found: &mut Findings) {
    let wanted = [
        (Milestone::Detected, Level::Error),
        (Milestone::Resolved, Level::Error),
        (Milestone::Started, Level::Warning),
        (Milestone::Acknowledged, Level::Warning),
    ];
    for (milestone, level) in wanted {
        if subject.state.milestones.contains_key(&milestone) {
            continue;
        }
        let word = milestone.word();
        let hint = format!("runsheet milestone INC {word} --at T");
        found.put(
            "milestone-missing",
            None,
            format!("{word} is not recorded"),
            &hint,
        );
        found.level(level);
    }
    for warning in &subject.whole.metrics.warnings {
        let hint =
            "record the milestone again with the right time: runsheet milestone INC M --at T";
        found.put("milestone-order", None, warning.clone(), hint);
    }
    for missing in &subject.whole.metrics.impact.missing {
        let hint = "runsheet note INC TEXT --class impact --at T --until T; or record recovered";
        found.put(
            "impact-missing",
            None,
            format!("{missing} is not recorded"),
            hint,
        );
    }
}

/// What decisions and words of people rest on.
fn grounds(subject: &Subject<'_>, found: &mut Findings) {
    let rows = &subject.whole.rows;
    let by_hand = |fact: &Fact| matches!(fact, Fact::StepDone(fact) if fact.by_hand.is_some());
    let events = subject.events.iter();
    let by_hand: BTreeSet<EventId> = events
        .filter(|event| by_hand(&event.fact))
        .map(|event| event.id)
        .collect();
    let word_only = |row: &Row| {
        matches!(row.kind, "step.chosen" | "decision.named" | "step.resolved")
            || by_hand.contains(&row.event)
    };
    let with_evidence = rows.iter().filter(|row| !row.evidence.is_empty());
    let shown_at: BTreeSet<&str> = with_evidence
        .filter_map(|row| row.step.as_deref())
        .collect();
    for row in rows {
        let rests = !row.evidence.is_empty() || row.about.source.is_some();
        let linked = row
            .links
            .iter()
            .any(|link| !link.first || link.relation.word() == "related");
        let at_step = row
            .step
            .as_deref()
            .is_some_and(|step| shown_at.contains(step));
        if word_only(row) && !rests && !linked && !at_step {
            let what = format!("rests on no evidence: {} {}", row.who, row.text);
            let hint = "runsheet attach INC FILE --step STEP, runsheet describe INC ENTRY --evidence SHA256, or runsheet link INC OTHER ENTRY";
            found.put("no-evidence", Some(row), what, hint);
        }
        let claims = matches!(row.class, Class::Adversary | Class::Impact)
            && matches!(row.kind, "note.added" | "entry.imported");
        let imported = row.origin.is_some();
        if claims && !rests && !imported {
            let what = format!(
                "says neither where it was seen nor what shows it: {}",
                row.text
            );
            found.put(
                "no-source",
                Some(row),
                what,
                "runsheet describe INC ENTRY --source S, or --evidence SHA256",
            );
        }
    }
}

//! What is to be done: the improvement plan, what was said right after it, and what the runbooks should say instead.

use std::collections::BTreeSet;

use super::super::score::Remark;
use super::super::seal::RemarkKind;
use super::words::step;
use super::{Action, Answered, Change, Gathering};
use crate::engine::{EventId, Fact};
use crate::runbook::model::StepId;
use crate::runbook::scenario::Objective;
use crate::timeline::lessons::{lessons, patches};
use crate::timeline::{Followup, shown};

/// Who a patch says it comes from: no person.
const SENDER: &str = "after-action report <report@exercise.invalid>";

/// The follow-ups of the record, then what evaluators recommend.
pub(super) fn actions(all: &Gathering<'_>) -> Vec<Action> {
    let followups = all.timeline.followups.iter();
    let remarks = all.score.remarks.iter();
    followups
        .map(|one| followup(all, one))
        .chain(remarks.filter_map(|one| recommended(all, one)))
        .collect()
}

fn followup(all: &Gathering<'_>, one: &Followup) -> Action {
    let objective = one.about.and_then(|about| objective_of_entry(all, about));
    Action {
        area: objective.map_or_else(|| "General".to_owned(), |one| shown(&one.title)),
        capability: objective.map(|one| shown(&one.capability)),
        action: one.text.clone(),
        kind: Some(one.kind.word()),
        owner: one.owner.clone(),
        opened: Some(one.at.date_naive()),
        due: one.due,
        status: Some(one.status.word()),
        event: Some(one.event),
    }
}

fn recommended(all: &Gathering<'_>, one: &Remark) -> Option<Action> {
    let recommend = one.recommend.as_deref()?;
    let objective = one
        .about
        .as_deref()
        .and_then(|about| objective_of(all, about));
    let area = match (one.kind, objective) {
        (RemarkKind::Improvement, _) | (_, None) => shown(&one.text),
        (_, Some(objective)) => shown(&objective.title),
    };
    Some(Action {
        area,
        capability: objective.map(|one| shown(&one.capability)),
        action: shown(recommend),
        kind: None,
        owner: None,
        opened: None,
        due: None,
        status: None,
        event: None,
    })
}

/// The objective of this id, or of the expectation of this id.
fn objective_of<'a>(all: &Gathering<'a>, about: &str) -> Option<&'a Objective> {
    let scenario = all.source.scenario;
    let expectation = scenario.expectations.iter().find(|one| one.id == about);
    let id = expectation.map_or(about, |one| &one.objective);
    scenario.objectives.iter().find(|one| one.id == id)
}

/// The objective that an entry belongs to: of the expectation it decides, or of one about its step.
fn objective_of_entry<'a>(all: &Gathering<'a>, entry: EventId) -> Option<&'a Objective> {
    let decides = all
        .score
        .expectations
        .iter()
        .find(|one| one.event == Some(entry));
    if let Some(one) = decides {
        return objective_of(all, &one.objective);
    }
    let row = all.timeline.rows.iter().find(|row| row.event == entry)?;
    let named = row.step.as_deref()?;
    let is_it = |id: &StepId| {
        let after_run = named.rsplit('/').next().unwrap_or(named);
        after_run.split('#').next() == Some(id.as_str())
    };
    let expectations = all.source.scenario.expectations.iter();
    let found = expectations.into_iter().find(|one| {
        one.proof
            .iter()
            .chain(&one.never)
            .filter_map(step)
            .any(is_it)
    })?;
    objective_of(all, &found.objective)
}

pub(super) fn hot_wash(all: &Gathering<'_>) -> Vec<Answered> {
    let said = said(all);
    let questions = all.source.scenario.hot_wash.iter();
    questions
        .map(|question| Answered {
            question: shown(question),
            answers: said
                .iter()
                .filter(|(to, _)| *to == Some(question.as_str()))
                .map(|(_, text)| shown(text))
                .collect(),
        })
        .collect()
}

/// What answers none of those questions.
pub(super) fn feedback(all: &Gathering<'_>) -> Vec<String> {
    let questions: BTreeSet<&str> = all
        .source
        .scenario
        .hot_wash
        .iter()
        .map(String::as_str)
        .collect();
    said(all)
        .into_iter()
        .filter(|(to, _)| to.is_none_or(|to| !questions.contains(to)))
        .map(|(to, text)| match to {
            Some(question) => format!("{}: {}", shown(question), shown(text)),
            None => shown(text),
        })
        .collect()
}

/// What everybody said of it, and to which question. Going back does not make it unsaid.
fn said<'a>(all: &Gathering<'a>) -> Vec<(Option<&'a str>, &'a str)> {
    let events = all.source.events.iter();
    events
        .filter_map(|event| match &event.fact {
            Fact::ExerciseFeedback(fact) => Some((fact.question.as_deref(), fact.text.as_str())),
            _ => None,
        })
        .collect()
}

/// What counts taught about each runbook, and a patch for people to look at.
pub(super) fn changes(all: &Gathering<'_>) -> Vec<Change> {
    let events = all.progress.events();
    let patches = patches(all.source.state, events, &all.timeline, SENDER);
    patches
        .into_iter()
        .map(|patch| {
            let runs = all.source.state.runs.iter();
            let mut taught: Vec<String> = Vec::new();
            for run in runs.filter(|run| shown(run.pin.id.as_str()) == patch.runbook) {
                for lesson in lessons(run, events, &all.timeline) {
                    let line = shown(&format!("{}: {}", lesson.step, lesson.what));
                    if !taught.contains(&line) {
                        taught.push(line);
                    }
                }
            }
            Change {
                runbook: patch.runbook,
                path: shown(&patch.path),
                lessons: taught,
                patch: crate::evidence::escape::text(&patch.text).into_owned(),
            }
        })
        .collect()
}

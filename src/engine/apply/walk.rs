//! How steps go: started, finished, done, chosen, answered, skipped, resolved; and where the run stands after that.

use std::sync::Arc;

use super::{conflict, fits, incident};
use crate::engine::checkpoint::judge;
use crate::engine::event::Event;
use crate::engine::exec::Purpose;
use crate::engine::fact::{
    EvidenceCaptured, Outcome, StepAnswered, StepChosen, StepClaimed, StepDone, StepFinished,
    StepResolved, StepSkipped, StepStarted,
};
use crate::engine::ids::{RunId, StepRef};
use crate::engine::state::{Run, State, Status, StepState, Twin, Value};
use crate::runbook::model::{Kind, Next, OnFailure, Step, StepId};

/// The run and the place of the step in it, if the event fits there; else the event is flagged.
fn place<'a>(state: &'a mut State, event: &Event, step: &StepRef) -> Option<(&'a mut Run, usize)> {
    let found = state
        .runs
        .iter()
        .position(|run| run.id == step.run)
        .and_then(|run| {
            let index = state.runs[run]
                .steps
                .iter()
                .position(|state| state.id == step.step)?;
            Some((run, index))
        });
    let Some((run, index)) = found else {
        conflict(state, event, format!("{step} is no step of this incident"));
        return None;
    };
    Some((Arc::make_mut(&mut state.runs[run]), index))
}

/// As `place`, for an event that ends a step that nobody ended yet, at the attempt that stands.
fn open<'a>(state: &'a mut State, event: &Event, step: &StepRef) -> Option<(&'a mut Run, usize)> {
    let (run, index) = place(state, event, step)?;
    let at = &run.steps[index];
    if at.attempt == step.attempt && !matches!(at.status, Status::Done | Status::Skipped) {
        // Looked up again because the borrow of the first look-up cannot be returned from a branch.
        return place(state, event, step);
    }
    let what = format!(
        "{} also recorded {} of {step}, which was over already",
        event.person,
        event.fact.kind()
    );
    conflict(state, event, what);
    None
}

pub(super) fn evidence(state: &mut State, fact: &EvidenceCaptured) {
    let Some(step) = &fact.step else { return };
    let Some(run) = state.runs.iter_mut().find(|run| run.id == step.run) else {
        return;
    };
    if let Some(at) = Arc::make_mut(run)
        .steps
        .iter_mut()
        .find(|at| at.id == step.step)
    {
        at.evidence.push(Arc::new(fact.evidence.clone()));
    }
}

pub(super) fn claimed(state: &mut State, event: &Event, fact: &StepClaimed) {
    let Some((run, index)) = place(state, event, &fact.step) else {
        return;
    };
    let at = &mut run.steps[index];
    match &at.claimed {
        Some(other) if other != &event.person && at.claimed_attempt == fact.step.attempt => {
            let what = format!(
                "{} also claimed {}, which {other} has",
                event.person, fact.step
            );
            conflict(state, event, what);
        }
        _ => {
            at.claimed = Some(event.person.clone());
            at.claimed_attempt = fact.step.attempt;
        }
    }
}

pub(super) fn started(state: &mut State, event: &Event, fact: &StepStarted) {
    let step = &fact.record.step;
    let purpose = fact.record.exec.purpose;
    if !fits::may_start(state, event, fact) {
        return;
    }
    let used = judge::override_for(state, &fact.record, event.told_at());
    let gated = fits::gated(state, event, step) && purpose != Purpose::DryRun;
    let Some((run, index)) = place(state, event, step) else {
        return;
    };
    let at = &mut run.steps[index];
    let record = Arc::new(fact.record.clone());
    if purpose == Purpose::Run {
        at.status = Status::Running;
        at.attempt = step.attempt;
        at.tries += 1;
        at.started = Some(event.occurred_at);
        at.ended = None;
        at.by = Some(event.person.clone());
        at.writer = Some(event.writer.clone());
        at.record = Some(record);
        at.reason = None;
        at.exit = None;
        at.started_event = Some(event.id);
        if gated {
            at.performers.insert(event.person.clone());
        }
    } else {
        let twin = Twin {
            running: true,
            outcome: None,
            exit: None,
            at: event.occurred_at,
            evidence: Vec::new(),
            record,
        };
        at.twins.insert(purpose, twin);
    }
    if purpose != Purpose::DryRun
        && let Some(used) = used
        && let Some(over) = state.overrides.get_mut(&used)
    {
        Arc::make_mut(over).used = true;
    }
}

pub(super) fn finished(state: &mut State, event: &Event, fact: &StepFinished) {
    super::exercise::finished(state, fact);
    if !fits::outputs(state, event, fact) {
        return;
    }
    if fact.purpose != Purpose::Run {
        twin_finished(state, event, fact);
        return;
    }
    let Some((run, index)) = open(state, event, &fact.step) else {
        return;
    };
    let at = &run.steps[index];
    if at.status != Status::Running || at.writer.as_ref() != Some(&event.writer) {
        let what = format!(
            "{} recorded the end of {}, which it had not started",
            event.person, fact.step
        );
        conflict(state, event, what);
        return;
    }
    for (name, text) in &fact.outputs {
        let value = Value {
            text: Some(text.clone()),
            by: event.person.clone(),
            step: Some(fact.step.step.clone()),
        };
        run.values.insert(name.clone(), value);
    }
    for name in &fact.secrets {
        let value = Value {
            text: None,
            by: event.person.clone(),
            step: Some(fact.step.step.clone()),
        };
        run.values.insert(name.clone(), value);
    }
    let book = Arc::clone(&run.book);
    let at = &mut run.steps[index];
    at.exit = fact.exit;
    at.reason.clone_from(&fact.problem);
    at.ended = Some(event.occurred_at);
    at.evidence
        .extend(fact.evidence.iter().cloned().map(Arc::new));
    if let Some(step) = book.step(&fact.step.step) {
        outcome(run, index, step, fact.outcome, event);
    }
    settle_parents(state, &fact.step.run, event);
}

fn twin_finished(state: &mut State, event: &Event, fact: &StepFinished) {
    let Some((run, index)) = place(state, event, &fact.step) else {
        return;
    };
    let twin = run.steps[index].twins.get_mut(&fact.purpose);
    if let Some(twin) = twin.filter(|twin| twin.running && fits::is_executor(&twin.record, event)) {
        twin.running = false;
        twin.outcome = Some(fact.outcome);
        twin.exit = fact.exit;
        twin.at = event.occurred_at;
        twin.evidence = fact.evidence.iter().cloned().map(Arc::new).collect();
        return;
    }
    let what = format!(
        "{} recorded an end for {}, of which nothing ran there",
        event.person, fact.step
    );
    conflict(state, event, what);
}

/// What a known or unknown end makes of the step and of the run.
fn outcome(run: &mut Run, index: usize, step: &Step, outcome: Outcome, event: &Event) {
    match outcome {
        Outcome::Succeeded => {
            run.steps[index].status = Status::Done;
            advance(run, step, step.next.as_ref(), event);
        }
        Outcome::Unknown => run.steps[index].status = Status::Unknown,
        Outcome::Failed => {
            run.steps[index].status = Status::Failed;
            let left = step
                .exec
                .retry
                .is_some_and(|retry| run.steps[index].tries < retry.attempts);
            let gated = run.steps[index]
                .record
                .as_ref()
                .is_some_and(|record| record.gate != "-");
            if left && !gated {
                return;
            }
            match &step.on_failure {
                OnFailure::Stop => {}
                OnFailure::Continue => advance(run, step, step.next.as_ref(), event),
                OnFailure::Next(next) => advance(run, step, Some(next), event),
            }
        }
    }
}

pub(super) fn done(state: &mut State, event: &Event, fact: &StepDone) {
    if !fits::done(state, event, fact) {
        return;
    }
    complete(state, event, &fact.step, |_| {}, None);
}

pub(super) fn chosen(state: &mut State, event: &Event, fact: &StepChosen) {
    if !fits::chosen(state, event, fact) {
        return;
    }
    let next = state
        .run(&fact.step.run)
        .and_then(|run| run.book.step(&fact.step.step))
        .and_then(|step| match &step.kind {
            Kind::Decide(decide) => decide
                .options
                .iter()
                .find(|option| option.label == fact.label)
                .and_then(|option| option.next.clone()),
            _ => None,
        });
    let completed = complete(
        state,
        event,
        &fact.step,
        |at| at.choice = Some(fact.label.clone()),
        next.as_ref(),
    );
    if !completed {
        return;
    }
    note_value(
        state,
        event,
        &fact.step,
        &fact.step.step.0.replace('-', "_"),
        &fact.label,
    );
}

/// A choice can be used like a value: under the step's id, with `_` for `-`.
fn note_value(state: &mut State, event: &Event, step: &StepRef, name: &str, text: &str) {
    if let Some(run) = state.runs.iter_mut().find(|run| run.id == step.run)
        && run
            .values
            .get(name)
            .is_none_or(|value| value.step.is_some())
    {
        let value = Value {
            text: Some(text.to_owned()),
            by: event.person.clone(),
            step: Some(step.step.clone()),
        };
        Arc::make_mut(run).values.insert(name.to_owned(), value);
    }
}

pub(super) fn answered(state: &mut State, event: &Event, fact: &StepAnswered) {
    if !fits::answered(state, event, fact) {
        return;
    }
    if let Some((run, _)) = open(state, event, &fact.step) {
        let step = Some(fact.step.step.clone());
        for (name, text) in &fact.answers {
            let value = Value {
                text: Some(text.clone()),
                by: event.person.clone(),
                step: step.clone(),
            };
            run.values.insert(name.clone(), value);
        }
        for name in &fact.secrets {
            run.values.insert(
                name.clone(),
                Value {
                    text: None,
                    by: event.person.clone(),
                    step: step.clone(),
                },
            );
        }
        complete(state, event, &fact.step, |_| {}, None);
    }
}

/// Ends a step as done and moves the run on: to `next` where a choice says so, else as the step says.
fn complete(
    state: &mut State,
    event: &Event,
    step: &StepRef,
    change: impl FnOnce(&mut StepState),
    next: Option<&Next>,
) -> bool {
    let Some((run, index)) = open(state, event, step) else {
        return false;
    };
    let book = Arc::clone(&run.book);
    let at = &mut run.steps[index];
    at.status = Status::Done;
    at.started = at.started.or(Some(event.occurred_at));
    at.ended = Some(event.occurred_at);
    at.by = Some(event.person.clone());
    change(at);
    if let Some(step) = book.step(&step.step) {
        advance(run, step, next.or(step.next.as_ref()), event);
    }
    settle_parents(state, &step.run, event);
    true
}

pub(super) fn skipped(state: &mut State, event: &Event, fact: &StepSkipped) {
    if !fits::not_running(state, event, &fact.step) {
        return;
    }
    let Some((run, index)) = open(state, event, &fact.step) else {
        return;
    };
    let book = Arc::clone(&run.book);
    let at = &mut run.steps[index];
    at.status = Status::Skipped;
    at.ended = Some(event.occurred_at);
    at.by = Some(event.person.clone());
    at.reason = Some(fact.reason.clone());
    if let Some(step) = book.step(&fact.step.step) {
        advance(run, step, step.next.as_ref(), event);
    }
    settle_parents(state, &fact.step.run, event);
}

pub(super) fn resolved(state: &mut State, event: &Event, fact: &StepResolved) {
    let Some((run, index)) = place(state, event, &fact.step) else {
        return;
    };
    let at = &run.steps[index];
    if at.attempt != fact.step.attempt || !matches!(at.status, Status::Unknown | Status::Failed) {
        let what = format!("{} also resolved {}", event.person, fact.step);
        conflict(state, event, what);
        return;
    }
    let book = Arc::clone(&run.book);
    let failed_before = at.status == Status::Failed;
    let at = &mut run.steps[index];
    at.reason.clone_from(&fact.reason);
    at.ended = Some(event.occurred_at);
    at.by = Some(event.person.clone());
    if let Some(step) = book.step(&fact.step.step) {
        match fact.outcome {
            Outcome::Succeeded => {
                run.steps[index].status = Status::Done;
                advance(run, step, step.next.as_ref(), event);
            }
            Outcome::Failed if !failed_before => outcome(run, index, step, Outcome::Failed, event),
            Outcome::Failed | Outcome::Unknown => {}
        }
    }
    settle_parents(state, &fact.step.run, event);
}

/// Moves the run on, if it stood at this step.
fn advance(run: &mut Run, from: &Step, next: Option<&Next>, event: &Event) {
    if run.at.as_ref() != Some(&from.id) {
        return;
    }
    run.at = match next {
        Some(Next::End) => None,
        Some(Next::Step(id)) => {
            again(run, &from.id, id);
            Some(id.clone())
        }
        None => below(run, &from.id),
    };
    if run.at.is_none() {
        run.ended = Some(event.occurred_at);
    }
}

/// A step that is named and was over is to be done once more; going back, so is all that lies between.
fn again(run: &mut Run, from: &StepId, id: &StepId) {
    let place = |id: &StepId| run.steps.iter().position(|at| &at.id == id);
    let (Some(from), Some(to)) = (place(from), place(id)) else {
        return;
    };
    for at in &mut run.steps[to..=from.max(to)] {
        if to <= from || &at.id == id {
            reopen(at);
        }
    }
}

fn reopen(at: &mut StepState) {
    if !matches!(at.status, Status::Todo | Status::Running) {
        at.status = Status::Todo;
        at.attempt += 1;
        at.tries = 0;
        at.choice = None;
        at.reason = None;
        at.exit = None;
        at.record = None;
    }
}

/// The next step further down that is not over, as some may have been done ahead of their turn.
fn below(run: &Run, from: &StepId) -> Option<StepId> {
    let index = run.steps.iter().position(|at| &at.id == from)?;
    run.steps[index + 1..]
        .iter()
        .find(|at| !matches!(at.status, Status::Done | Status::Skipped))
        .map(|at| at.id.clone())
}

/// When a run that another uses is over, the step that stands for it is done, and so on upwards.
fn settle_parents(state: &mut State, run: &RunId, event: &Event) {
    let mut run = run.clone();
    while let Some(parent) = state
        .run(&run)
        .filter(|run| run.at.is_none())
        .and_then(incident::parent_of)
        .cloned()
    {
        let Some(above) = state.runs.iter_mut().find(|above| above.id == parent.run) else {
            return;
        };
        let above = Arc::make_mut(above);
        let Some(index) = above.steps.iter().position(|at| {
            at.id == parent.step && at.attempt == parent.attempt && at.status == Status::Running
        }) else {
            return;
        };
        let book = Arc::clone(&above.book);
        above.steps[index].status = Status::Done;
        above.steps[index].ended = Some(event.occurred_at);
        if let Some(step) = book.step(&parent.step) {
            advance(above, step, step.next.as_ref(), event);
        }
        run = parent.run;
    }
}

//! Whether an event that somebody else recorded fits: it is about this incident, says what a step of that kind can say,
//! comes from who may say it, and passes no gate. What does not fit is flagged here and changes nothing.

use std::sync::Arc;

use super::{conflict, violation};
use crate::engine::checkpoint::{
    self, judge,
    record::{self, Found},
};
use crate::engine::command::{Refusal, RefusalKind};
use crate::engine::event::Event;
use crate::engine::exec::{ExecRecord, Purpose};
use crate::engine::fact::{Fact, StepAnswered, StepChosen, StepDone, StepFinished, StepStarted};
use crate::engine::ids::StepRef;
use crate::engine::state::{State, Status};
use crate::runbook::model::{Kind, Runbook};

/// Whether the event is of this incident, and of a time in which it may be so.
pub(super) fn belongs(state: &mut State, event: &Event) -> bool {
    let Some(incident) = state.incident.as_deref() else {
        return true;
    };
    if event.incident != incident.id || event.mode != incident.mode {
        let what = format!("{} belongs to another incident or mode", event.fact.kind());
        violation(state, event, &Refusal::new(RefusalKind::Replayed, what));
        return false;
    }
    if state.closed.is_none() {
        return true;
    }
    let knows = event.parents().any(|id| state.after_close.contains(&id));
    if knows {
        Arc::make_mut(&mut state.after_close).insert(event.id);
    }
    if goes_on(&event.fact) {
        return true;
    }
    if knows {
        let what = format!("{} was recorded after closing", event.fact.kind());
        violation(state, event, &Refusal::new(RefusalKind::Closed, what));
        return false;
    }
    // Whoever had not heard of the closing did nothing wrong; it happened all the same.
    let what = format!("{} crossed with the closing", event.fact.kind());
    conflict(state, event, what);
    true
}

fn goes_on(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::NoteAdded(_)
            | Fact::EntryDescribed(_)
            | Fact::EntryLinked(_)
            | Fact::EntryImported(_)
            | Fact::FollowupOpened(_)
            | Fact::FollowupChanged(_)
            | Fact::DecisionNamed(_)
            | Fact::StageSubmitted(_)
            | Fact::LineNoted(_)
            | Fact::EntryCorrected(_)
            | Fact::EvidenceCaptured(_)
            | Fact::EvidenceExpunged(_)
            | Fact::TrustRevoked(_)
            | Fact::HubUnreachable(_)
            | Fact::UpdateDelivered(_)
            | Fact::UpdateUndelivered(_)
            | Fact::OverrideReviewed(_)
            | Fact::IncidentClosed(_)
            | Fact::IncidentReopened(_)
            | Fact::StepFinished(_)
            | Fact::StepResolved(_)
            | Fact::JournalRecovered(_)
            | Fact::ExerciseClock(_)
            | Fact::ExerciseInjected(_)
            | Fact::ExerciseAnswered(_)
            | Fact::ExerciseRefused(_)
            | Fact::ExerciseSealed(_)
            | Fact::ExerciseFeedback(_)
            | Fact::ExerciseEnded(_)
    )
}

/// Whether this event comes from the person, machine and journal that the record names.
pub(super) fn is_executor(record: &ExecRecord, event: &Event) -> bool {
    record.executor.principal == event.person.as_str()
        && record.executor.host == *event.host
        && record.executor.writer == event.writer.as_str()
}

fn is_claimed(found: Found<'_>, event: &Event, step: &StepRef) -> bool {
    found.state.claimed.as_ref() == Some(&event.person)
        && found.state.claimed_attempt == step.attempt
}

/// Whether the step had a checkpoint when this event was recorded.
pub(super) fn gated(state: &State, event: &Event, step: &StepRef) -> bool {
    record::find(state, &judge::key(step)).is_ok_and(|found| is_gated(found, event))
}

fn is_gated(found: Found<'_>, event: &Event) -> bool {
    checkpoint::gate(found.incident, found.run, found.step, event.told_at()).is_some()
}

/// Whether a step can be recorded as started.
pub(super) fn may_start(state: &mut State, event: &Event, fact: &StepStarted) -> bool {
    let step = &fact.record.step;
    let found = match record::find(state, &judge::key(step)) {
        Ok(found) => found,
        Err(refusal) => {
            conflict(state, event, refusal.what);
            return false;
        }
    };
    let twin = fact.record.exec.purpose != Purpose::Run;
    let taken = !twin
        && (matches!(
            found.state.status,
            Status::Running | Status::Done | Status::Skipped
        ) || step.attempt != record::next_attempt(found.state));
    if taken {
        let what = format!("{} also started {step}", event.person);
        conflict(state, event, what);
        return false;
    }
    if !is_executor(&fact.record, event) {
        let what = format!("{step} was started by another than its record says");
        violation(state, event, &Refusal::new(RefusalKind::NotEligible, what));
        return false;
    }
    if found.step.exclusive
        && !twin
        && !is_claimed(found, event, step)
        && judge::override_for(state, &fact.record, event.told_at()).is_none()
    {
        let what = format!(
            "{step} is for one only, and {} started it unclaimed",
            event.person
        );
        violation(state, event, &Refusal::new(RefusalKind::GateClosed, what));
        return false;
    }
    if !is_gated(found, event) || fact.record.exec.purpose == Purpose::DryRun {
        return as_written(state, event, &fact.record);
    }
    if judge::covered(state, found, &fact.record, event.told_at()) {
        return true;
    }
    let asked = judge::asked_for(state, found, &fact.record);
    let what = format!("{step} was started without the approvals its checkpoint asks for");
    violation(state, event, &Refusal::new(RefusalKind::GateClosed, what));
    // Where this very record was asked for, it may well have run (a denial can cross with the start): nobody should run
    // it a second time, so the walk goes on from there, with the violation told. Made up from nothing, it changes nothing.
    asked
}

/// Whether what was started is what the runbook says. Values may have crossed on the way; scripts cannot.
fn as_written(state: &mut State, event: &Event, given: &ExecRecord) -> bool {
    let Ok(found) = record::find(state, &judge::key(&given.step)) else {
        return false;
    };
    let Err(refusal) = judge::same_as_state(found, given, event.told_at()) else {
        return true;
    };
    let written = match (given.exec.purpose, &found.step.kind) {
        (Purpose::DryRun, _) => found.step.exec.dry_run.as_ref(),
        (Purpose::RollBack, _) => found.step.exec.rollback.as_ref(),
        (Purpose::Run, Kind::Run(script)) => Some(script),
        (Purpose::Run, Kind::Wait(wait)) => wait.until.as_ref(),
        (Purpose::Run, _) => None,
    };
    let crossed = written.is_none_or(|script| *script == given.exec.script)
        && given.exec.kind == found.step.kind.word()
        && given.risk == found.step.risk
        && given.runbook.sha256 == found.run.pin.sha256
        && given.policy == found.incident.policy_pin;
    if crossed {
        conflict(state, event, refusal.what);
    } else {
        violation(state, event, &refusal);
    }
    crossed
}

/// Whether the run that is said to call another one did.
pub(super) fn is_parent(state: &State, event: &Event, parent: &StepRef, book: &Runbook) -> bool {
    record::find(state, &judge::key(parent)).is_ok_and(|found| {
        found.state.status == Status::Running
            && found.state.attempt == parent.attempt
            && found.state.writer.as_ref() == Some(&event.writer)
            && matches!(&found.step.kind, Kind::Uses(uses) if uses.runbook == book.id)
    })
}

/// A gated step can only be ended after it was let start.
fn let_through(state: &mut State, event: &Event, step: &StepRef) -> bool {
    let closed = record::find(state, &judge::key(step))
        .is_ok_and(|found| found.state.status != Status::Running && is_gated(found, event));
    if closed {
        let what = format!("{step} has a checkpoint and was recorded as done without passing it");
        violation(state, event, &Refusal::new(RefusalKind::GateClosed, what));
    }
    !closed
}

/// Whether nothing runs there whose end somebody else will record.
pub(super) fn not_running(state: &mut State, event: &Event, step: &StepRef) -> bool {
    let runs = record::find(state, &judge::key(step)).is_ok_and(|found| {
        found.state.status == Status::Running
            && found.step.by_hand_only().is_none()
            && !matches!(
                found.step.kind,
                Kind::Manual | Kind::Decide(_) | Kind::Ask(_) | Kind::Parallel(_)
            )
    });
    if runs {
        let what = format!(
            "{} recorded {} of {step} while it ran",
            event.person,
            event.fact.kind()
        );
        conflict(state, event, what);
    }
    !runs
}

/// Flags what a step of that kind cannot say.
fn says(
    state: &mut State,
    event: &Event,
    step: &StepRef,
    fits: impl Fn(Found<'_>) -> bool,
) -> bool {
    let fits = record::find(state, &judge::key(step)).map_or(true, fits);
    if !fits {
        let what = format!("{} says what step {step} cannot say", event.fact.kind());
        violation(state, event, &Refusal::new(RefusalKind::WrongKind, what));
    }
    fits
}

pub(super) fn done(state: &mut State, event: &Event, fact: &StepDone) -> bool {
    says(state, event, &fact.step, |found| match &found.step.kind {
        Kind::Decide(_) | Kind::Ask(_) => false,
        Kind::Manual => {
            let ticked = |item| fact.checklist.contains(item);
            found.step.checklist.iter().all(ticked)
        }
        _ => true,
    }) && not_running(state, event, &fact.step)
        && let_through(state, event, &fact.step)
}

pub(super) fn chosen(state: &mut State, event: &Event, fact: &StepChosen) -> bool {
    says(state, event, &fact.step, |found| match &found.step.kind {
        Kind::Decide(decide) => {
            let mut options = decide.options.iter();
            options.any(|option| option.label == fact.label)
        }
        _ => false,
    }) && let_through(state, event, &fact.step)
}

pub(super) fn answered(state: &mut State, event: &Event, fact: &StepAnswered) -> bool {
    says(state, event, &fact.step, |found| {
        let Kind::Ask(questions) = &found.step.kind else {
            return false;
        };
        let asked = |name: &String, secret: bool| {
            let mut questions = questions.iter();
            questions.any(|input| input.name == *name && input.secret == secret)
        };
        let fits = |name: &String, text: &String| {
            let mut questions = questions.iter();
            questions.any(|input| {
                input.name == *name
                    && (input.optional && text.is_empty() || input.accept(text).is_ok())
            })
        };
        fact.answers
            .iter()
            .all(|(name, text)| asked(name, false) && fits(name, text))
            && fact.secrets.iter().all(|name| asked(name, true))
    }) && let_through(state, event, &fact.step)
}

/// Whether the values an execution gave are those the step declares.
pub(super) fn outputs(state: &mut State, event: &Event, fact: &StepFinished) -> bool {
    says(state, event, &fact.step, |found| {
        let declared = |name: &String, secret: bool| {
            let mut outputs = found.step.exec.outputs.iter();
            fact.purpose == Purpose::Run
                && outputs.any(|output| output.name == *name && output.secret == secret)
        };
        fact.outputs.keys().all(|name| declared(name, false))
            && fact.secrets.iter().all(|name| declared(name, true))
    })
}

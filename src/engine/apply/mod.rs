//! What an event changes. Total: no clock, no IO, no error. Whatever does not fit (a second end of the same step, a
//! signature that does not hold) is flagged and changes nothing else, whoever recorded it.

mod change;
mod crossing;
mod exercise;
mod fits;
mod gate;
mod incident;
pub mod told;
mod walk;

use std::sync::Arc;

use super::command::Refusal;
use super::event::Event;
use super::fact::Fact;
use super::state::{Flag, Head, Reached, State};

/// The state after one more event.
#[must_use]
pub fn apply(mut state: State, event: &Event) -> State {
    step(&mut state, event);
    state
}

fn step(state: &mut State, event: &Event) {
    envelope(state, event);
    crossing::follow(state, event);
    if !fits::belongs(state, event) {
        return;
    }
    match &event.fact {
        Fact::IncidentStarted(fact) => incident::started(state, event, fact),
        Fact::RunStarted(fact) => incident::run_started(state, event, fact),
        Fact::RoleAssigned(fact) => incident::assigned(state, event, fact),
        Fact::SeverityChanged(fact) => state.severity = Some(fact.severity),
        Fact::MilestoneReached(fact) => {
            state.milestones.insert(fact.milestone, reached(event));
        }
        Fact::DecisionNamed(fact) => incident::decided(state, event, fact),
        Fact::StageSubmitted(fact) => incident::submitted(state, event, fact),
        Fact::NoteAdded(_)
        | Fact::EntryDescribed(_)
        | Fact::EntryLinked(_)
        | Fact::EntryImported(_)
        | Fact::FollowupOpened(_)
        | Fact::FollowupChanged(_)
        | Fact::LineNoted(_)
        | Fact::EntryCorrected(_)
        | Fact::HubUnreachable(_)
        | Fact::JournalRecovered(_) => {}
        Fact::UpdateRecorded(fact) => incident::updated(state, event, fact),
        Fact::UpdateDelivered(fact) => incident::delivered(state, fact),
        Fact::UpdateUndelivered(fact) => incident::undelivered(state, fact),
        Fact::EvidenceCaptured(fact) => walk::evidence(state, fact),
        Fact::StepClaimed(fact) => walk::claimed(state, event, fact),
        Fact::StepStarted(fact) => walk::started(state, event, fact),
        Fact::StepFinished(fact) => walk::finished(state, event, fact),
        Fact::StepDone(fact) => walk::done(state, event, fact),
        Fact::StepChosen(fact) => walk::chosen(state, event, fact),
        Fact::StepAnswered(fact) => walk::answered(state, event, fact),
        Fact::StepSkipped(fact) => walk::skipped(state, event, fact),
        Fact::StepResolved(fact) => walk::resolved(state, event, fact),
        Fact::CheckpointRequested(fact) => gate::requested(state, event, fact),
        Fact::CheckpointApproved(fact) => gate::approved(state, event, fact),
        Fact::CheckpointDenied(fact) => gate::denied(state, event, fact),
        Fact::CheckpointWithdrawn(fact) => gate::withdrawn(state, event, fact),
        Fact::CheckpointOverridden(fact) => gate::overridden(state, event, fact),
        Fact::CheckpointConsumed(fact) => gate::consumed(state, event, fact),
        Fact::CheckpointDelegated(fact) => change::delegated(state, event, fact),
        Fact::TrustRevoked(fact) => change::revoked(state, event, fact),
        Fact::PolicyProposed(fact) => change::proposed(state, event, fact),
        Fact::PolicySeconded(fact) => change::seconded(state, event, fact),
        Fact::EvidenceExpunged(fact) => change::expunged(state, event, fact),
        Fact::OverrideReviewed(fact) => gate::reviewed(state, event, fact),
        Fact::ExerciseStarted(_)
        | Fact::ExerciseClock(_)
        | Fact::ExerciseInjected(_)
        | Fact::ExerciseAnswered(_)
        | Fact::ExerciseRefused(_)
        | Fact::ExerciseFeedback(_)
        | Fact::ExerciseSealed(_)
        | Fact::ExerciseEnded(_) => exercise::moved(state, event),
        Fact::IncidentClosed(fact) => gate::closed(state, event, fact),
        Fact::IncidentReopened(fact) => gate::reopened(state, event, fact),
    }
}

fn envelope(state: &mut State, event: &Event) {
    state.count += 1;
    state.latest = state.latest.max(Some(event.recorded_at));
    known(state, event);
}

/// The event is its writer's last, and its person is known.
fn known(state: &mut State, event: &Event) {
    match state.writers.get_mut(&event.writer) {
        Some(head) => {
            head.seq = event.seq;
            head.event = event.id;
            if head.by != event.person {
                head.by = event.person.clone();
            }
        }
        None => {
            let head = Head {
                seq: event.seq,
                event: event.id,
                by: event.person.clone(),
            };
            state.writers.insert(event.writer.clone(), head);
        }
    }
    if !state.seen_people.contains(&event.person) {
        state.seen_people.insert(event.person.clone());
    }
}

fn reached(event: &Event) -> Reached {
    Reached {
        at: event.occurred_at,
        recorded_at: event.told_at(),
        fidelity: event.fidelity,
        by: event.person.clone(),
        event: event.id,
    }
}

/// Two people did the same thing, or something came too late: kept, shown, of no effect.
fn conflict(state: &mut State, event: &Event, what: String) {
    flag(state, event, what, false);
}

/// A promise is broken: `verify` fails on it.
fn violation(state: &mut State, event: &Event, refusal: &Refusal) {
    flag(state, event, refusal.what.clone(), true);
}

fn flag(state: &mut State, event: &Event, what: String, violation: bool) {
    state.flags.push(Arc::new(Flag {
        event: event.id,
        by: event.person.clone(),
        what,
        violation,
    }));
}

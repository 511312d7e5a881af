//! Requests, approvals, denials, overrides, reviews, closing: each is judged again here, whoever recorded it.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{crossing, reached, violation};
use crate::engine::checkpoint::{closing, judge, own, person};
use crate::engine::command::{Refusal, RefusalKind};
use crate::engine::event::Event;
use crate::engine::fact::{
    CheckpointApproved, CheckpointConsumed, CheckpointDenied, CheckpointOverridden,
    CheckpointRequested, CheckpointWithdrawn, IncidentClosed, IncidentReopened, Milestone,
    OverrideReviewed,
};
use crate::engine::ids::StepRef;
use crate::engine::state::{Approval, Closed, Overridden, Request, State, StepState};
use crate::evidence::Digest;
use crate::trust::Decision;
use crate::trust::statement::CloseDecision;

pub(super) fn step_mut<'a>(state: &'a mut State, step: &StepRef) -> Option<&'a mut StepState> {
    let run = state.runs.iter_mut().find(|run| run.id == step.run)?;
    Arc::make_mut(run)
        .steps
        .iter_mut()
        .find(|at| at.id == step.step)
}

pub(super) fn request_mut<'a>(state: &'a mut State, step: &StepRef) -> Option<&'a mut Request> {
    step_mut(state, step)?.request.as_mut().map(Arc::make_mut)
}

pub(super) fn spend(state: &mut State, nonce: &crate::trust::statement::Nonce) {
    Arc::make_mut(&mut state.nonces).insert(nonce.to_string());
}

pub(super) fn requested(state: &mut State, event: &Event, fact: &CheckpointRequested) {
    let (judged, checkpoint) = match judge::request(
        state,
        &fact.record,
        &fact.signed,
        &event.person,
        event.told_at(),
    ) {
        Ok(judged) => judged,
        Err(refusal) => return crossed_or_wrong(state, event, &refusal),
    };
    spend(state, &judged.statement.nonce);
    crossing::keep(state, event, &fact.record.step);
    let request = Request {
        event: event.id,
        record: Arc::new(fact.record.clone()),
        statement: judged.statement,
        by: event.person.clone(),
        at: event.occurred_at,
        checkpoint,
        approvals: Vec::new(),
        denied: None,
        withdrawn: false,
        consumed: None,
        delegated: Vec::new(),
    };
    if let Some(at) = step_mut(state, &fact.record.step) {
        at.performers.insert(event.person.clone());
        at.request = Some(Arc::new(request));
    }
}

pub(super) fn approved(state: &mut State, event: &Event, fact: &CheckpointApproved) {
    let judged = judge::answer(
        state,
        &fact.step,
        &fact.frontier,
        &fact.signed,
        &signer(&fact.signed.statement, event),
        event.told_at(),
        Decision::Approve,
    );
    let (judged, who) = match judged {
        Ok(judged) => judged,
        Err(refusal) => return late_or_wrong(state, event, &refusal),
    };
    spend(state, &judged.statement.nonce);
    let approval = Approval {
        event: event.id,
        by: judged
            .statement
            .approver
            .clone()
            .unwrap_or_else(|| event.person.clone()),
        person: who,
        digest: Digest::of(fact.signed.statement.as_bytes()),
        statement: judged.statement,
        fingerprint: judged.fingerprint,
        at: event.occurred_at,
        revoked: false,
    };
    if let Some(request) = request_mut(state, &fact.step) {
        request.approvals.push(approval);
    }
}

/// Who the statement says signed it: an answer may be imported by somebody else than its signer.
fn signer(statement: &str, event: &Event) -> crate::trust::Principal {
    crate::trust::Statement::parse(statement.as_bytes())
        .ok()
        .and_then(|statement| statement.approver)
        .unwrap_or_else(|| event.person.clone())
}

/// What somebody else did at the same time is a conflict; all else is a lie.
pub(super) fn crossed_or_wrong(state: &mut State, event: &Event, refusal: &crate::engine::Refusal) {
    use crate::engine::command::RefusalKind as Kind;
    match refusal.kind {
        Kind::WrongState | Kind::NoSuchThing => late_or_wrong(state, event, refusal),
        _ => moved_or_wrong(state, event, refusal),
    }
}

/// What is not so about the words of an event that came too late to change anything: late is no lie, but a signature that
/// does not hold is one, and so is a statement that says something else than its event.
fn lie(state: &State, event: &Event) -> Option<String> {
    let incident = state.incident.as_deref()?;
    let before = crossing::unheard(state, event).map(|before| &before.signers);
    own::holds(
        incident,
        std::iter::once(&incident.signers).chain(before),
        event,
    )
    .err()
}

/// What was right by the policy its host knew crossed with a change of trust: a conflict too.
fn moved_or_wrong(state: &mut State, event: &Event, refusal: &crate::engine::Refusal) {
    let moved = crossing::unheard(state, event).next().is_some();
    if moved && lie(state, event).is_none() {
        let what = format!(
            "{} crossed with a change of who is trusted: {}",
            event.fact.kind(),
            refusal.what
        );
        return super::conflict(state, event, what);
    }
    violation(state, event, refusal);
}

/// An answer that crossed with a withdrawal, a denial or another answer on the way is a conflict, not a lie.
pub(super) fn late_or_wrong(state: &mut State, event: &Event, refusal: &crate::engine::Refusal) {
    use crate::engine::command::RefusalKind as Kind;
    match refusal.kind {
        Kind::WrongState | Kind::Denied | Kind::NoSuchThing | Kind::Changed | Kind::Late => {
            if let Some(lie) = lie(state, event) {
                let refusal = Refusal::new(RefusalKind::BadSignature, lie);
                return violation(state, event, &refusal);
            }
            super::conflict(
                state,
                event,
                format!(
                    "{} came too late or twice: {}",
                    event.fact.kind(),
                    refusal.what
                ),
            );
        }
        _ => moved_or_wrong(state, event, refusal),
    }
}

pub(super) fn denied(state: &mut State, event: &Event, fact: &CheckpointDenied) {
    let judged = judge::answer(
        state,
        &fact.step,
        &fact.frontier,
        &fact.signed,
        &signer(&fact.signed.statement, event),
        event.told_at(),
        Decision::Deny,
    );
    match judged {
        Err(refusal) => late_or_wrong(state, event, &refusal),
        Ok((judged, _)) => {
            spend(state, &judged.statement.nonce);
            let reason = judged.statement.reason.clone().unwrap_or_default();
            let by = judged
                .statement
                .approver
                .unwrap_or_else(|| event.person.clone());
            crossing::keep(state, event, &fact.step);
            if let Some(request) = request_mut(state, &fact.step) {
                request.denied = Some((by, reason));
            }
        }
    }
}

pub(super) fn withdrawn(state: &mut State, event: &Event, fact: &CheckpointWithdrawn) {
    match judge::withdraw(
        state,
        &fact.step,
        &fact.signed,
        &event.person,
        event.told_at(),
    ) {
        Err(refusal) => late_or_wrong(state, event, &refusal),
        Ok(judged) => {
            spend(state, &judged.statement.nonce);
            crossing::keep(state, event, &fact.step);
            if let Some(request) = request_mut(state, &fact.step) {
                request.withdrawn = true;
            }
        }
    }
}

pub(super) fn consumed(state: &mut State, event: &Event, fact: &CheckpointConsumed) {
    if let Some((before, judged)) = crossing::consumed(state, event, fact) {
        let what = format!(
            "{} passed the checkpoint of {} before hearing that its request was closed",
            event.person, fact.step
        );
        super::conflict(state, event, what);
        state
            .crossings
            .retain(|crossing| !crossing.is_of(&fact.step));
        if let Some(at) = step_mut(state, &fact.step) {
            at.request = Some(before);
        }
        return used_up(state, event, &fact.step, &judged);
    }
    let elsewhere = request_mut(state, &fact.step)
        .is_some_and(|request| !super::fits::is_executor(&request.record, event));
    if elsewhere {
        let what = format!(
            "{} used up approvals of {} that were given to another person, machine or journal",
            event.person, fact.step
        );
        return violation(state, event, &Refusal::new(RefusalKind::NotEligible, what));
    }
    let judged = judge::consume(
        state,
        &fact.step,
        &fact.approvals,
        &fact.signed,
        &event.person,
        event.told_at(),
    );
    match judged {
        Err(refusal) => violation(state, event, &refusal),
        Ok(judged) => used_up(state, event, &fact.step, &judged),
    }
}

fn used_up(state: &mut State, event: &Event, step: &StepRef, judged: &judge::Judged) {
    spend(state, &judged.statement.nonce);
    if let Some(at) = step_mut(state, step) {
        at.performers.insert(event.person.clone());
    }
    if let Some(request) = request_mut(state, step) {
        request.consumed = Some(event.id);
    }
}

pub(super) fn overridden(state: &mut State, event: &Event, fact: &CheckpointOverridden) {
    let (judged, checkpoint) = match judge::overriding(
        state,
        &fact.record,
        &fact.signed,
        &event.person,
        event.told_at(),
    ) {
        Ok(judged) => judged,
        Err(refusal) => return crossed_or_wrong(state, event, &refusal),
    };
    spend(state, &judged.statement.nonce);
    let incident = state.incident.as_deref();
    let who = incident.map_or_else(String::new, |incident| person(incident, &event.person));
    let review_due = incident
        .and_then(|incident| incident.policy.override_rule.review_within)
        .and_then(|within| TimeDelta::from_std(within).ok())
        .and_then(|within| event.told_at().checked_add_signed(within));
    let over = Overridden {
        event: event.id,
        step: fact.record.step.clone(),
        by: event.person.clone(),
        person: who,
        reason: judged.statement.reason.unwrap_or_default(),
        at: event.occurred_at,
        until: judged.statement.not_after.unwrap_or(event.told_at()),
        review_due,
        record: Arc::new(fact.record.clone()),
        checkpoint,
        used: false,
        review: None,
    };
    state.overrides.insert(event.id, Arc::new(over));
    if let Some(at) = step_mut(state, &fact.record.step) {
        at.performers.insert(event.person.clone());
    }
}

pub(super) fn reviewed(state: &mut State, event: &Event, fact: &OverrideReviewed) {
    let judged = closing::review(
        state,
        fact.overridden,
        fact.accepted,
        &fact.events,
        &fact.signed,
        &event.person,
        event.told_at(),
    );
    match judged {
        Err(refusal) => crossed_or_wrong(state, event, &refusal),
        Ok(statement) => {
            spend(state, &statement.nonce);
            if let Some(over) = state.overrides.get_mut(&fact.overridden) {
                Arc::make_mut(over).review = Some((event.id, event.person.clone(), fact.accepted));
            }
        }
    }
}

pub(super) fn closed(state: &mut State, event: &Event, fact: &IncidentClosed) {
    match closing::close(
        state,
        CloseDecision::Close,
        &fact.heads,
        &fact.signed,
        &event.person,
        event.told_at(),
    ) {
        Err(refusal) => crossed_or_wrong(state, event, &refusal),
        Ok(statement) => {
            spend(state, &statement.nonce);
            state.closed = Some(Closed {
                event: event.id,
                by: event.person.clone(),
                at: event.occurred_at,
            });
            state.after_close = Arc::new([event.id].into());
            state.milestones.insert(Milestone::Closed, reached(event));
        }
    }
}

pub(super) fn reopened(state: &mut State, event: &Event, fact: &IncidentReopened) {
    match closing::close(
        state,
        CloseDecision::Reopen,
        &fact.heads,
        &fact.signed,
        &event.person,
        event.told_at(),
    ) {
        Err(refusal) => crossed_or_wrong(state, event, &refusal),
        Ok(statement) => {
            spend(state, &statement.nonce);
            state.closed = None;
            state.after_close = Arc::default();
        }
    }
}

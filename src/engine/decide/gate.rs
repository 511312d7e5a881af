//! What is signed: the same judgement as when it is applied, before it is recorded.

use super::change::trusted;
use super::draft;
use crate::engine::at::At;
use crate::engine::checkpoint::{closing, judge, prepare, record};
use crate::engine::command::{Command, Decision, Effect, Refusal, RefusalKind, StepKey};
use crate::engine::exec::{ExecRecord, Purpose};
use crate::engine::fact::{
    CheckpointApproved, CheckpointDenied, CheckpointOverridden, CheckpointRequested,
    CheckpointWithdrawn, Fact, IncidentClosed, IncidentReopened, OverrideReviewed, Signed,
};
use crate::engine::ids::{EventId, StepRef};
use crate::engine::state::{State, Status};
use crate::evidence::Digest;
use crate::trust::statement::CloseDecision;
use crate::trust::{Principal, Statement};

#[allow(clippy::too_many_lines, reason = "one arm a command, nothing else")]
pub(super) fn signed(state: &State, command: Command, at: &At) -> Result<Decision, Refusal> {
    let by = &at.who.principal;
    let now = at.utc();
    let mut effects = Vec::new();
    let fact: Fact = match command {
        Command::Request {
            step,
            purpose,
            secrets,
            signed,
        } => {
            super::exercise::may_start(state)?;
            let site = record::Site::asked(at);
            let record = fresh(state, &step, purpose, &secrets, &site, at)?;
            judge::request(state, &record, &signed, by, now)?;
            effects.push(Effect::Notice(format!(
                "{by} asks for approval of {}",
                record.step
            )));
            CheckpointRequested { record, signed }.into()
        }
        Command::Withdraw { step, signed } => {
            let step = asked(state, &step)?;
            judge::withdraw(state, &step, &signed, by, now)?;
            CheckpointWithdrawn { step, signed }.into()
        }
        Command::Approve {
            step,
            request,
            frontier,
            signed,
        } => {
            let who = signer(&signed)?;
            trusted(at, &who)?;
            let step = shown(state, &step, request)?;
            judge::answer(
                state,
                &step,
                &frontier,
                &signed,
                &who,
                now,
                crate::trust::Decision::Approve,
            )?;
            CheckpointApproved {
                step,
                frontier,
                signed,
            }
            .into()
        }
        Command::Deny {
            step,
            request,
            frontier,
            signed,
        } => {
            let step = shown(state, &step, request)?;
            let who = signer(&signed)?;
            judge::answer(
                state,
                &step,
                &frontier,
                &signed,
                &who,
                now,
                crate::trust::Decision::Deny,
            )?;
            CheckpointDenied {
                step,
                frontier,
                signed,
            }
            .into()
        }
        Command::Override {
            step,
            purpose,
            secrets,
            signed,
        } => {
            let site = record::Site::here(at);
            let record = fresh(state, &step, purpose, &secrets, &site, at)?;
            judge::overriding(state, &record, &signed, by, now)?;
            effects.push(Effect::Notice(format!(
                "{by} overrides the checkpoint of {}",
                record.step
            )));
            CheckpointOverridden { record, signed }.into()
        }
        Command::Review {
            overridden,
            accepted,
            signed,
        } => {
            let events = prepare::review_events(state, overridden);
            closing::review(state, overridden, accepted, &events, &signed, by, now)?;
            OverrideReviewed {
                overridden,
                events,
                accepted,
                signed,
            }
            .into()
        }
        Command::Close { signed } => {
            nothing_runs(state)?;
            let heads = state.heads();
            closing::close(state, CloseDecision::Close, &heads, &signed, by, now)?;
            IncidentClosed { heads, signed }.into()
        }
        Command::Reopen { reason, signed } => {
            let heads: Vec<EventId> = state.heads();
            closing::close(state, CloseDecision::Reopen, &heads, &signed, by, now)?;
            IncidentReopened {
                reason: super::incident::text("reason", &reason)?,
                heads,
                signed,
            }
            .into()
        }
        _ => return Err(Refusal::new(RefusalKind::WrongKind, "nothing to sign")),
    };
    Ok(Decision {
        events: vec![draft(at, state, fact)],
        effects,
    })
}

/// The record of the next attempt, made now for this place.
fn fresh(
    state: &State,
    step: &StepKey,
    purpose: Purpose,
    secrets: &std::collections::BTreeMap<String, String>,
    site: &record::Site,
    at: &At,
) -> Result<ExecRecord, Refusal> {
    let found = record::find(state, step)?;
    judge::askable(found, purpose)?;
    record::make(found, purpose, secrets, site, at.utc())
}

fn asked(state: &State, step: &StepKey) -> Result<StepRef, Refusal> {
    let found = record::find(state, step)?;
    found
        .state
        .request
        .as_ref()
        .map(|request| request.record.step.clone())
        .ok_or_else(|| {
            Refusal::new(
                RefusalKind::WrongState,
                format!("nobody has asked for approval of {}", step.step),
            )
        })
}

/// The request must be the one that was shown.
fn shown(state: &State, step: &StepKey, request: Digest) -> Result<StepRef, Refusal> {
    let found = record::find(state, step)?;
    match &found.state.request {
        Some(open) if open.record.digest() == request => Ok(open.record.step.clone()),
        Some(_) => Err(Refusal::new(
            RefusalKind::Changed,
            format!("what is asked for {} is not what was shown", step.step),
        )
        .hint("it was asked anew since: look again")),
        None => Err(Refusal::new(
            RefusalKind::WrongState,
            format!("nobody has asked for approval of {}", step.step),
        )),
    }
}

fn signer(signed: &Signed) -> Result<Principal, Refusal> {
    Statement::parse(signed.statement.as_bytes())
        .ok()
        .and_then(|statement| statement.approver)
        .ok_or_else(|| Refusal::new(RefusalKind::BadSignature, "the statement names no approver"))
}

fn nothing_runs(state: &State) -> Result<(), Refusal> {
    for run in &state.runs {
        if let Some(at) = run
            .steps
            .iter()
            .find(|at| matches!(at.status, Status::Running | Status::Unknown))
        {
            let what = if at.status == Status::Running {
                "still runs"
            } else {
                "has an unknown outcome"
            };
            return Err(Refusal::new(
                RefusalKind::WrongState,
                format!("step {} {what}", at.id),
            ));
        }
    }
    Ok(())
}

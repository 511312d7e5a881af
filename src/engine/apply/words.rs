//! Whose words a signed event holds, where it came too late to change anything: late is no lie, but a signature that does
//! not hold is one, and so is a statement that says something else than its event.

use super::crossing;
use crate::engine::event::Event;
use crate::engine::exec::ExecRecord;
use crate::engine::fact::{Fact, Signed};
use crate::engine::ids::StepRef;
use crate::engine::state::{Incident, State};
use crate::trust::{AnyStatement, Principal, Statement};

/// What is not so about the words of this event, if anything.
pub(super) fn lie(state: &State, event: &Event) -> Option<String> {
    let incident = state.incident.as_deref()?;
    let (signed, step, record) = said(&event.fact)?;
    let statement = match AnyStatement::parse(signed.statement.as_bytes()) {
        Ok(statement) => statement,
        Err(error) => return Some(format!("the statement cannot be read: {error}")),
    };
    if statement.incident() != incident.id.as_str() {
        return Some("the statement is about another incident".to_owned());
    }
    if let AnyStatement::Approval(statement) = &statement
        && let Some(what) = other(statement, incident, step, record)
    {
        return Some(format!(
            "its statement says another `{what}:` than the event"
        ));
    }
    let signer = signer(&statement, event);
    let holds = |incident: &Incident| {
        crate::trust::verify(
            signed.statement.as_bytes(),
            &signed.signature,
            incident.mode,
            &incident.signers,
            &signer,
            event.recorded_at,
        )
    };
    let error = holds(incident).err()?;
    if crossing::unheard(state, event).any(|before| holds(before).is_ok()) {
        return None;
    }
    Some(format!("the signature of {signer} does not hold: {error}"))
}

/// An answer may be recorded by somebody else than its signer; all else by its signer only.
fn signer(statement: &AnyStatement, event: &Event) -> Principal {
    let answered = match (&event.fact, statement) {
        (
            Fact::CheckpointApproved(_) | Fact::CheckpointDenied(_),
            AnyStatement::Approval(statement),
        ) => statement.approver.clone(),
        _ => None,
    };
    answered.unwrap_or_else(|| event.person.clone())
}

/// The first field of a statement about a step that is not what the event says.
fn other(
    statement: &Statement,
    incident: &Incident,
    step: Option<&StepRef>,
    record: Option<&ExecRecord>,
) -> Option<&'static str> {
    if statement.genesis != incident.genesis {
        return Some("genesis");
    }
    let named = step.or(record.map(|record| &record.step));
    if named.is_some_and(|step| {
        statement.step.run != step.run.as_str()
            || statement.step.step != step.step
            || statement.step.attempt != step.attempt
    }) {
        return Some("step");
    }
    let record = record?;
    [
        ("request", statement.request == record.digest()),
        ("exec", statement.exec == Some(record.exec_digest())),
        ("vars", statement.vars == Some(record.vars_digest())),
    ]
    .into_iter()
    .find(|(_, same)| !same)
    .map(|(what, _)| what)
}

/// What was signed in this fact, and what the fact says it is about.
fn said(fact: &Fact) -> Option<(&Signed, Option<&StepRef>, Option<&ExecRecord>)> {
    Some(match fact {
        Fact::CheckpointRequested(fact) => (&fact.signed, None, Some(&fact.record)),
        Fact::CheckpointOverridden(fact) => (&fact.signed, None, Some(&fact.record)),
        Fact::CheckpointApproved(fact) => (&fact.signed, Some(&fact.step), None),
        Fact::CheckpointDenied(fact) => (&fact.signed, Some(&fact.step), None),
        Fact::CheckpointWithdrawn(fact) => (&fact.signed, Some(&fact.step), None),
        Fact::CheckpointConsumed(fact) => (&fact.signed, Some(&fact.step), None),
        Fact::OverrideReviewed(fact) => (&fact.signed, None, None),
        Fact::IncidentClosed(fact) => (&fact.signed, None, None),
        Fact::IncidentReopened(fact) => (&fact.signed, None, None),
        Fact::PolicyProposed(fact) => (&fact.signed, None, None),
        Fact::PolicySeconded(fact) => (&fact.signed, None, None),
        Fact::EvidenceExpunged(fact) => (&fact.signed, None, None),
        _ => return None,
    })
}

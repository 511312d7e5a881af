//! Whether what somebody signed is about the event that carries it, and theirs: by the event alone, whatever the state
//! made of it. What came too late or twice has no effect, but a forgery in it is a forgery all the same.

use std::collections::BTreeSet;

use super::judge::list_digest;
use crate::engine::event::Event;
use crate::engine::exec::ExecRecord;
use crate::engine::fact::{Fact, Signed};
use crate::engine::ids::{EventId, StepRef};
use crate::engine::state::Incident;
use crate::trust::statement::{AnyStatement, CloseDecision, ReviewDecision};
use crate::trust::{AllowedSigners, Decision, Principal, Statement};

/// What an event carries that is signed.
#[must_use]
pub fn signed(fact: &Fact) -> Option<&Signed> {
    Some(match fact {
        Fact::CheckpointRequested(fact) => &fact.signed,
        Fact::CheckpointApproved(fact) => &fact.signed,
        Fact::CheckpointDenied(fact) => &fact.signed,
        Fact::CheckpointWithdrawn(fact) => &fact.signed,
        Fact::CheckpointOverridden(fact) => &fact.signed,
        Fact::CheckpointConsumed(fact) => &fact.signed,
        Fact::OverrideReviewed(fact) => &fact.signed,
        Fact::IncidentClosed(fact) => &fact.signed,
        Fact::IncidentReopened(fact) => &fact.signed,
        Fact::PolicyProposed(fact) => &fact.signed,
        Fact::PolicySeconded(fact) => &fact.signed,
        Fact::EvidenceExpunged(fact) => &fact.signed,
        _ => return None,
    })
}

/// Every `allowed_signers` that people agreed to: that of the beginning, and those of proposed policies that others
/// agreed to. Which of them held at a moment is for the fold to say; what holds under none of them is a forgery.
#[must_use]
pub fn signers<'a>(events: impl IntoIterator<Item = &'a Event> + Clone) -> Vec<AllowedSigners> {
    let agreed: BTreeSet<EventId> = events
        .clone()
        .into_iter()
        .filter_map(|event| match &event.fact {
            Fact::PolicySeconded(fact) => Some(fact.proposed),
            _ => None,
        })
        .collect();
    let texts: BTreeSet<&str> = events
        .into_iter()
        .filter_map(|event| match &event.fact {
            Fact::IncidentStarted(fact) if event.prev.is_none() && event.seen.is_empty() => {
                Some(fact.allowed_signers.as_str())
            }
            Fact::PolicyProposed(fact) if agreed.contains(&event.id) => {
                Some(fact.allowed_signers.as_str())
            }
            _ => None,
        })
        .collect();
    texts
        .into_iter()
        .map(|text| AllowedSigners::parse(text).0)
        .collect()
}

/// That the statement of an event, if it has one, is in its one spelling, says what the event says, belongs to this
/// record, and is signed by who had to sign it, with a key they had at that time by one of these files.
///
/// # Errors
/// With what is wrong, in a sentence.
pub fn holds<'a>(
    incident: &Incident,
    signers: impl IntoIterator<Item = &'a AllowedSigners>,
    event: &Event,
) -> Result<(), String> {
    let Some(signed) = signed(&event.fact) else {
        return Ok(());
    };
    let statement = AnyStatement::parse(signed.statement.as_bytes())
        .map_err(|error| format!("its statement cannot be read: {error}"))?;
    let says = says(&event.fact, &statement);
    let genesis = match &statement {
        AnyStatement::Approval(given) => given.genesis,
        AnyStatement::Review(given) => given.genesis,
        AnyStatement::Close(given) => given.genesis,
        AnyStatement::Policy(given) => given.genesis,
        AnyStatement::Expunge(given) => given.genesis,
    };
    if !says || statement.incident() != incident.id.as_str() || genesis != incident.genesis {
        return Err("its statement says something else than the event that carries it".to_owned());
    }
    let who = signer(&statement, event);
    let mut why = "there is no allowed_signers".to_owned();
    for file in signers {
        let verified = crate::trust::verify(
            signed.statement.as_bytes(),
            &signed.signature,
            event.mode,
            file,
            &who,
            event.told_at(),
        );
        match verified {
            Ok(_) => return Ok(()),
            Err(error) => why = error.to_string(),
        }
    }
    Err(format!("the signature of {who} does not hold: {why}"))
}

/// Whether a statement says what the event says that carries it.
fn says(fact: &Fact, statement: &AnyStatement) -> bool {
    match (statement, fact) {
        (AnyStatement::Approval(given), fact) => approval(fact, given),
        (AnyStatement::Review(given), Fact::OverrideReviewed(fact)) => {
            given.override_event == fact.overridden
                && given.events == list_digest("events", &fact.events)
                && (given.decision == ReviewDecision::Accepted) == fact.accepted
        }
        (AnyStatement::Close(given), Fact::IncidentClosed(fact)) => {
            given.decision == CloseDecision::Close
                && given.heads == list_digest("heads", &fact.heads)
        }
        (AnyStatement::Close(given), Fact::IncidentReopened(fact)) => {
            given.decision == CloseDecision::Reopen
                && given.heads == list_digest("heads", &fact.heads)
        }
        (AnyStatement::Policy(given), Fact::PolicyProposed(fact)) => {
            given.adopts.commit == fact.policy.commit && given.adopts.digest == fact.policy.sha256
        }
        (AnyStatement::Policy(_), Fact::PolicySeconded(_)) => true,
        (AnyStatement::Expunge(given), Fact::EvidenceExpunged(fact)) => {
            given.evidence == fact.evidence
        }
        _ => false,
    }
}

/// Whose signature it must be: an answer may be recorded by somebody else than who gave it.
fn signer(statement: &AnyStatement, event: &Event) -> Principal {
    let answer = matches!(
        event.fact,
        Fact::CheckpointApproved(_) | Fact::CheckpointDenied(_)
    );
    match statement {
        AnyStatement::Approval(given) if answer => given.approver.clone(),
        _ => None,
    }
    .unwrap_or_else(|| event.person.clone())
}

fn approval(fact: &Fact, given: &Statement) -> bool {
    let about = |decision, step: &StepRef| given.decision == decision && is_step(given, step);
    let whole = |decision, record: &ExecRecord| {
        about(decision, &record.step)
            && given.request == record.digest()
            && given.exec == Some(record.exec_digest())
            && given.vars == Some(record.vars_digest())
    };
    let seen = |frontier: &[EventId]| given.frontier == Some(list_digest("heads", frontier));
    match fact {
        Fact::CheckpointRequested(fact) => whole(Decision::Request, &fact.record),
        Fact::CheckpointOverridden(fact) => whole(Decision::Override, &fact.record),
        Fact::CheckpointApproved(fact) => {
            about(Decision::Approve, &fact.step) && seen(&fact.frontier)
        }
        Fact::CheckpointDenied(fact) => about(Decision::Deny, &fact.step) && seen(&fact.frontier),
        Fact::CheckpointWithdrawn(fact) => about(Decision::Withdraw, &fact.step),
        Fact::CheckpointConsumed(fact) => about(Decision::Consume, &fact.step),
        _ => false,
    }
}

fn is_step(given: &Statement, step: &StepRef) -> bool {
    given.step.run == step.run.as_str()
        && given.step.step == step.step
        && given.step.attempt == step.attempt
}

//! What a person wants, with what was gathered and signed for it, as the engine takes it. Knows nothing of how it is done.

use std::collections::BTreeMap;

use super::DriverError;
use crate::engine::fact::Signed;
use crate::engine::intent::Intent;
use crate::engine::{Command, EventId};

/// Whether anything stands or falls with who is trusted.
pub(super) fn rests_on_trust(intent: &Intent) -> bool {
    matches!(
        intent,
        Intent::Request { .. }
            | Intent::Start { .. }
            | Intent::Approve { .. }
            | Intent::Deny { .. }
            | Intent::Override { .. }
            | Intent::Review { .. }
            | Intent::Expunge { .. }
            | Intent::Close
            | Intent::Reopen { .. }
    )
}

/// Intent, marks and signature as the engine takes them.
#[allow(clippy::too_many_lines, reason = "one arm a command, nothing else")]
pub(super) fn command(
    intent: Intent,
    marks: BTreeMap<String, String>,
    signed: Option<Signed>,
    frontier: Vec<EventId>,
) -> Result<Command, DriverError> {
    let unsigned = || DriverError::Input("nothing was signed".to_owned());
    Ok(match intent {
        Intent::AssignRole { who, role } => Command::AssignRole { who, role },
        Intent::SetSeverity(severity) => Command::SetSeverity(severity),
        Intent::Reach {
            milestone,
            at,
            fidelity,
        } => Command::Reach {
            milestone,
            at,
            fidelity,
        },
        Intent::Note {
            text,
            at,
            until,
            fidelity,
            step,
            details,
        } => Command::Note {
            text,
            at,
            until,
            fidelity,
            step,
            details,
        },
        Intent::Tell(told) => Command::Tell(told),
        Intent::Exercise(control) => Command::Exercise(control),
        Intent::NoteLine {
            text,
            class,
            at,
            line,
        } => Command::NoteLine {
            text,
            class,
            at,
            line,
        },
        Intent::Correct {
            event,
            text,
            reason,
        } => Command::Correct {
            event,
            text,
            reason,
        },
        Intent::Claim(step) => Command::Claim { step },
        Intent::Start { step, purpose } => Command::Start {
            step,
            purpose,
            secrets: marks,
            signed,
        },
        Intent::Done {
            step,
            checklist,
            note,
        } => Command::Done {
            step,
            checklist,
            note,
        },
        Intent::Choose { step, label } => Command::Choose { step, label },
        Intent::Answer {
            step,
            answers,
            secrets,
        } => Command::Answer {
            step,
            answers,
            secrets: secrets.into_keys().collect(),
        },
        Intent::Skip { step, reason } => Command::Skip { step, reason },
        Intent::Resolve {
            step,
            outcome,
            reason,
        } => Command::Resolve {
            step,
            outcome,
            reason,
        },
        Intent::Request { step, purpose } => Command::Request {
            step,
            purpose,
            secrets: marks,
            signed: signed.ok_or_else(unsigned)?,
        },
        Intent::Withdraw(step) => Command::Withdraw {
            step,
            signed: signed.ok_or_else(unsigned)?,
        },
        Intent::Approve { step, request } => Command::Approve {
            step,
            request,
            frontier,
            signed: signed.ok_or_else(unsigned)?,
        },
        Intent::Deny { step, request, .. } => Command::Deny {
            step,
            request,
            frontier,
            signed: signed.ok_or_else(unsigned)?,
        },
        Intent::Override { step, purpose, .. } => Command::Override {
            step,
            purpose,
            secrets: marks,
            signed: signed.ok_or_else(unsigned)?,
        },
        Intent::Review {
            overridden,
            accepted,
            ..
        } => Command::Review {
            overridden,
            accepted,
            signed: signed.ok_or_else(unsigned)?,
        },
        Intent::Update {
            audience,
            state,
            message,
            next,
        } => Command::Update {
            audience,
            state,
            message,
            next,
        },
        Intent::Close => Command::Close {
            signed: signed.ok_or_else(unsigned)?,
        },
        Intent::Reopen { reason } => Command::Reopen {
            reason,
            signed: signed.ok_or_else(unsigned)?,
        },
        Intent::Delegate { step, to } => Command::Delegate { step, to },
        Intent::Expunge { evidence, .. } => Command::Expunge {
            evidence,
            signed: signed.ok_or_else(unsigned)?,
        },
        Intent::Attach { .. } | Intent::CollectLog { .. } | Intent::Adopt { .. } => {
            return Err(DriverError::Input(
                "files and policies are gathered before they are recorded".to_owned(),
            ));
        }
    })
}

//! What is signed, from the command line: requests, answers, overrides, reviews, and what changes the ground under them.

use std::rc::Rc;

use super::args::{Cmd, Common, PolicyAction, Secrets};
use super::incident::{act, keep_for, open, principal, secrets};
use super::{CliError, steps};
use crate::driver::{Desk, Session};
use crate::engine::command::StepKey;
use crate::engine::exec::Purpose;
use crate::engine::intent::Intent;
use crate::evidence::{Digest, escape};

/// Does it.
///
/// # Errors
/// A refusal, or whatever kept it from being signed or recorded.
pub fn run(common: &Common, desk: &Rc<Desk>, command: Cmd) -> Result<(), CliError> {
    let (inc, step) = match &command {
        Cmd::Request { inc, step, .. }
        | Cmd::Withdraw { inc, step }
        | Cmd::Approve { inc, step, .. }
        | Cmd::Deny { inc, step, .. }
        | Cmd::Delegate { inc, step, .. }
        | Cmd::Override { inc, step, .. } => (inc, Some(step)),
        Cmd::Review { inc, .. }
        | Cmd::Expunge { inc, .. }
        | Cmd::Policy {
            action: PolicyAction::Adopt { inc, .. },
        } => (inc, None),
        _ => return Err(CliError::Input("no such command".to_owned())),
    };
    let mut session = open(desk, inc)?;
    let key = step.map(|step| session.step(step)).transpose()?;
    if let (Some(step), Cmd::Approve { request, .. }) = (&key, &command) {
        return steps::approve(common, &mut session, step.clone(), request.as_deref());
    }
    let intent = match key {
        Some(step) => of_step(&mut session, command, step)?,
        None => of_record(&session, command)?,
    };
    act(common, &mut session, intent)
}

fn of_step(session: &mut Session, command: Cmd, step: StepKey) -> Result<Intent, CliError> {
    Ok(match command {
        Cmd::Request {
            secrets: given,
            roll_back,
            gate,
            ..
        } => {
            if let Some(site) = gate {
                session.ask_for(super::gate::site(&site)?);
            }
            give(session, &step, &given)?;
            let purpose = purpose(roll_back);
            Intent::Request { step, purpose }
        }
        Cmd::Override {
            reason,
            secrets: given,
            roll_back,
            ..
        } => {
            give(session, &step, &given)?;
            Intent::Override {
                step,
                purpose: purpose(roll_back),
                reason,
            }
        }
        Cmd::Withdraw { .. } => Intent::Withdraw(step),
        Cmd::Delegate { person, .. } => Intent::Delegate {
            step,
            to: principal(session, &person)?,
        },
        Cmd::Deny { reason, .. } => Intent::Deny {
            request: steps::asked(session, &step)?,
            step,
            reason: reason.unwrap_or_default(),
        },
        _ => return Err(CliError::Input("no such command".to_owned())),
    })
}

fn of_record(session: &Session, command: Cmd) -> Result<Intent, CliError> {
    Ok(match command {
        Cmd::Policy {
            action: PolicyAction::Adopt { reason, .. },
        } => Intent::Adopt { reason },
        Cmd::Expunge {
            evidence, reason, ..
        } => Intent::Expunge {
            evidence: artifact(session, &evidence)?,
            reason,
        },
        Cmd::Review {
            overridden,
            reason,
            reject,
            ..
        } => Intent::Review {
            overridden: owed(session, overridden.as_deref())?,
            accepted: !reject,
            reason,
        },
        _ => return Err(CliError::Input("no such command".to_owned())),
    })
}

fn give(session: &mut Session, step: &StepKey, given: &Secrets) -> Result<(), CliError> {
    keep_for(session, &step.run, secrets(given)?);
    Ok(())
}

fn purpose(roll_back: bool) -> Purpose {
    if roll_back {
        Purpose::RollBack
    } else {
        Purpose::Run
    }
}

/// An artifact of the record by its digest, or enough of its beginning.
fn artifact(session: &Session, text: &str) -> Result<Digest, CliError> {
    let hex = text
        .strip_prefix("sha256:")
        .unwrap_or(text)
        .to_ascii_lowercase();
    let mut found: Vec<_> = session
        .journal()
        .log()
        .events()
        .iter()
        .flat_map(|event| event.fact.evidence())
        .map(|evidence| evidence.sha256)
        .filter(|digest| hex.len() >= 4 && digest.hex().starts_with(&hex))
        .collect();
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [digest] => Ok(*digest),
        [] => Err(CliError::Input(format!(
            "there is no evidence `{}` in this record",
            escape::line(text)
        ))),
        _ => Err(CliError::Input(format!(
            "several pieces of evidence begin with `{}`",
            escape::line(text)
        ))),
    }
}

fn owed(session: &Session, text: Option<&str>) -> Result<Digest, CliError> {
    let owed: Vec<_> = session
        .state()
        .owed_reviews()
        .map(|over| over.event)
        .collect();
    match text {
        Some(text) => {
            let hex = text.strip_prefix("sha256:").unwrap_or(text);
            owed.iter()
                .find(|id| hex.len() >= 4 && id.hex().starts_with(hex))
                .copied()
                .ok_or_else(|| {
                    CliError::Input(format!(
                        "no override `{}` owes a review",
                        escape::line(text)
                    ))
                })
        }
        None => match owed.as_slice() {
            [id] => Ok(*id),
            [] => Err(CliError::Input("no override owes a review".to_owned())),
            _ => Err(CliError::Input(
                "several overrides owe a review: name one by its digest (`runsheet status`)"
                    .to_owned(),
            )),
        },
    }
}

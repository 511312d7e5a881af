//! What is asked about: that it is what the runbook makes of the step, can be read as it runs, and is still open.

use chrono::{DateTime, Utc};

use crate::engine::checkpoint::{
    describe, gate,
    record::{self, Found, Site},
};
use crate::engine::command::{Refusal, RefusalKind};
use crate::engine::exec::{ExecRecord, Purpose};
use crate::engine::ids::StepRef;
use crate::engine::state::{Request, Status};
use crate::evidence::{canonical, escape};
use crate::runbook::policy::Checkpoint;

/// The gate of a step that has one at this moment.
///
/// # Errors
/// When it has none, or the pinned policy could not be read.
pub fn gate_of(found: Found<'_>, at: DateTime<Utc>) -> Result<Checkpoint, Refusal> {
    if let Some(why) = &found.incident.broken {
        return Err(Refusal::new(
            RefusalKind::NotTrusted,
            format!("the pinned policy cannot be used: {why}"),
        ));
    }
    gate(found.incident, found.run, found.step, at).ok_or_else(|| {
        Refusal::new(
            RefusalKind::WrongState,
            format!("step {} has no checkpoint", found.step.id),
        )
    })
}

/// What an override of the step opens: its checkpoint, or only that it is for one alone.
///
/// # Errors
/// When it has neither, or the pinned policy could not be read.
pub fn overridable(found: Found<'_>, at: DateTime<Utc>) -> Result<Checkpoint, Refusal> {
    let gate = gate_of(found, at);
    if gate.is_err() && found.step.exclusive && found.incident.broken.is_none() {
        return Ok(Checkpoint::nothing());
    }
    gate
}

/// That the record is what the runbook and the values of this state make of the step at this moment, at the site it
/// names.
///
/// # Errors
/// When anything that decides what will happen differs, or the gate does.
pub fn same_as_state(
    found: Found<'_>,
    record: &ExecRecord,
    at: DateTime<Utc>,
) -> Result<(), Refusal> {
    let made = made_again(found, record, at)?;
    equal(found, &made, record)
}

/// That what was asked about, under this gate, is still what the state makes of the step, and that its gate asks for no
/// more by now. It may ask for less: a freeze that ended gives nothing away, for what was asked for has to be met.
///
/// # Errors
/// When anything that decides what will happen differs, or a freeze began that asks for more.
pub fn same_as_asked(
    found: Found<'_>,
    record: &ExecRecord,
    gate: &Checkpoint,
    at: DateTime<Utc>,
) -> Result<(), Refusal> {
    let mut made = made_again(found, record, at)?;
    made.gate.clone_from(&record.gate);
    equal(found, &made, record)?;
    no_stricter(found, gate, at)
}

/// That the gate of the step asks for nothing at this moment that this one did not ask for.
///
/// # Errors
/// When it does, with the freeze that began.
pub fn no_stricter(found: Found<'_>, asked: &Checkpoint, at: DateTime<Utc>) -> Result<(), Refusal> {
    let Found {
        incident,
        run,
        step,
        ..
    } = found;
    let Some(now) = gate(incident, run, step, at).filter(|now| !asked.covers(now)) else {
        return Ok(());
    };
    let values = run.plain();
    let freezes: Vec<_> = incident
        .policy
        .freezes_for(&run.book, step, &values, at)
        .map(|freeze| freeze.name.as_str())
        .collect();
    let why = if freezes.is_empty() {
        "its checkpoint changed".to_owned()
    } else {
        format!("a freeze began ({})", freezes.join(", "))
    };
    Err(Refusal::new(
        RefusalKind::Changed,
        format!(
            "{why} since step {} was asked about: it now takes {}",
            step.id,
            describe(&now)
        ),
    )
    .hint("ask again: what was approved under the earlier checkpoint is void"))
}

fn made_again(
    found: Found<'_>,
    record: &ExecRecord,
    at: DateTime<Utc>,
) -> Result<ExecRecord, Refusal> {
    let secrets = record
        .vars
        .iter()
        .filter_map(|(name, var)| match var {
            crate::engine::exec::Var::Secret(hmac) => Some((name.clone(), hmac.clone())),
            crate::engine::exec::Var::Plain(_) => None,
        })
        .collect();
    let mut made = record::make(found, record.exec.purpose, &secrets, &Site::of(record), at)?;
    // Limits may differ between versions of runsheet; they are bound by the digest, not judged.
    made.exec.output_limit = record.exec.output_limit;
    Ok(made)
}

fn equal(found: Found<'_>, made: &ExecRecord, record: &ExecRecord) -> Result<(), Refusal> {
    if made == record {
        return Ok(());
    }
    let (is, was) = (canonical::to_string(made), canonical::to_string(record));
    let what = match (is, was) {
        (Ok(is), Ok(was)) => difference(&is, &was),
        _ => "other values".to_owned(),
    };
    Err(Refusal::new(
        RefusalKind::Changed,
        format!("step {} is not what was asked about: {what}", found.step.id),
    )
    .hint("ask again: approvals are for exactly what was shown"))
}

fn difference(is: &str, was: &str) -> String {
    let at = is
        .bytes()
        .zip(was.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let cut = |text: &str| {
        let from = text
            .char_indices()
            .map(|(i, _)| i)
            .take_while(|i| *i <= at.saturating_sub(30))
            .last()
            .unwrap_or(0);
        text[from..].chars().take(80).collect::<String>()
    };
    format!(
        "now …{}…, then …{}…",
        escape::line(&cut(is)),
        escape::line(&cut(was))
    )
}

/// Whether the step can still be asked about.
///
/// # Errors
/// When it runs, is over, or nobody knows how it ended; for a roll back, when there is nothing to roll back.
pub fn askable(found: Found<'_>, purpose: Purpose) -> Result<(), Refusal> {
    let step = &found.step.id;
    let refuse = |what: String| Err(Refusal::new(RefusalKind::WrongState, what));
    if purpose == Purpose::RollBack {
        return match found.state.status {
            Status::Done | Status::Failed | Status::Unknown => Ok(()),
            _ => refuse(format!(
                "step {step} has not run: there is nothing to roll back"
            )),
        };
    }
    match found.state.status {
        Status::Todo | Status::Failed => Ok(()),
        Status::Running => refuse(format!("step {step} runs")),
        Status::Done | Status::Skipped => refuse(format!("step {step} is over")),
        Status::Unknown => Err(Refusal::new(
            RefusalKind::WrongState,
            format!("nobody saw how step {step} ended"),
        )
        .hint("look, then `resolve succeeded` or `resolve failed`")),
    }
}

/// A command that reads otherwise than it runs cannot be approved by anybody.
///
/// # Errors
/// When a script or value holds bidirectional, zero-width, tag or control characters.
pub fn plain_to_see(record: &ExecRecord) -> Result<(), Refusal> {
    let texts = [
        Some(&record.exec.script),
        record.dry_run.as_ref(),
        record.rollback.as_ref(),
        Some(&record.exec.cwd),
    ];
    let values = record.vars.values().filter_map(|var| match var {
        crate::engine::exec::Var::Plain(value) => Some(value),
        crate::engine::exec::Var::Secret(_) => None,
    });
    for text in texts.into_iter().flatten().chain(values) {
        if let Some(row) = text.lines().find(|row| escape::hidden(row).is_some()) {
            return Err(Refusal::new(
                RefusalKind::GateClosed,
                format!(
                    "it holds characters that hide or reorder text, so nobody can approve it: {}",
                    escape::line(row)
                ),
            )
            .hint("the runbook or the value has to be mended first"));
        }
    }
    Ok(())
}

/// The request that still asks.
///
/// # Errors
/// When there is none for this attempt, or it was answered.
pub fn open_request<'a>(found: Found<'a>, step: &StepRef) -> Result<&'a Request, Refusal> {
    let request = found
        .state
        .request
        .as_deref()
        .filter(|request| &request.record.step == step)
        .ok_or_else(|| {
            Refusal::new(
                RefusalKind::WrongState,
                format!("nobody has asked for approval of {step}"),
            )
        })?;
    if let Some((who, reason)) = &request.denied {
        return Err(Refusal::new(
            RefusalKind::Denied,
            format!("{who} denied it: {}", escape::line(reason)),
        )
        .hint("a denial stands until somebody asks anew"));
    }
    if request.withdrawn {
        return Err(Refusal::new(
            RefusalKind::WrongState,
            "the request was withdrawn",
        ));
    }
    if request.consumed.is_some() {
        return Err(Refusal::new(
            RefusalKind::Late,
            "the approvals of this request are used up",
        ));
    }
    Ok(request)
}

/// The refusal of a gate that is closed.
#[must_use]
pub fn closed_gate(found: Found<'_>, request: &Request, tally: (u32, u32)) -> Refusal {
    let gone: Vec<_> = request
        .approvals
        .iter()
        .filter(|approval| approval.revoked)
        .map(|approval| approval.by.as_str())
        .collect();
    let gone = match gone.as_slice() {
        [] => String::new(),
        gone => format!(
            "; {} approved it and was removed from the library since: trust shrinks at once",
            gone.join(", ")
        ),
    };
    Refusal::new(
        RefusalKind::GateClosed,
        format!(
            "step {} waits at its checkpoint: {} of {} approvals ({}){gone}",
            found.step.id,
            tally.0,
            tally.1,
            describe(&request.checkpoint)
        ),
    )
    .hint("another person approves with `runsheet approve`; whoever policy lets may `runsheet override`")
}

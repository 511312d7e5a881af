//! What is done with one step: run it and follow it to its end, say what was done, approve it.

use std::time::Duration;

use serde_json::json;

use super::args::{Common, Resolved, StepAction};
use super::incident::{act, keep_for, pairs, publish, secrets, told, told_with};
use super::{CliError, out};
use crate::driver::Session;
use crate::engine::StepRef;
use crate::engine::checkpoint::record;
use crate::engine::command::StepKey;
use crate::engine::exec::Purpose;
use crate::engine::fact::Outcome;
use crate::engine::intent::Intent;
use crate::engine::state::Status;
use crate::evidence::{Digest, escape};
use crate::host::supervise::Stream;
use crate::runbook::model::{Kind, Risk};

/// How often a running command is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Does it.
///
/// # Errors
/// A refusal, or a step that failed.
pub fn run(
    common: &Common,
    session: &mut Session,
    step: &str,
    action: StepAction,
) -> Result<(), CliError> {
    let key = session.step(step)?;
    let intent = match action {
        StepAction::Run {
            secrets: given,
            detach,
        } => {
            keep_for(session, &key.run, secrets(&given)?);
            return start(common, session, key, Purpose::Run, detach);
        }
        StepAction::DryRun { secrets: given } => {
            keep_for(session, &key.run, secrets(&given)?);
            return start(common, session, key, Purpose::DryRun, false);
        }
        StepAction::RollBack { secrets: given } => {
            keep_for(session, &key.run, secrets(&given)?);
            return start(common, session, key, Purpose::RollBack, false);
        }
        StepAction::Done { all, tick, note } => {
            let checklist = if all { checklist(session, &key) } else { tick };
            Intent::Done {
                step: key,
                checklist,
                note,
            }
        }
        StepAction::Choose { label } => Intent::Choose { step: key, label },
        StepAction::Answer {
            answers,
            secrets: given,
        } => Intent::Answer {
            step: key,
            answers: pairs(&answers)?,
            secrets: secrets(&given)?,
        },
        StepAction::Skip { reason } => Intent::Skip { step: key, reason },
        StepAction::Claim => Intent::Claim(key),
        StepAction::Resolve { outcome, reason } => {
            let outcome = match outcome {
                Resolved::Succeeded => Outcome::Succeeded,
                Resolved::Failed => Outcome::Failed,
            };
            Intent::Resolve {
                step: key,
                outcome,
                reason,
            }
        }
        StepAction::Cancel => return cancel(session, &key),
    };
    act(common, session, intent)
}

fn checklist(session: &Session, key: &StepKey) -> Vec<String> {
    session
        .state()
        .run(&key.run)
        .and_then(|run| run.book.step(&key.step))
        .map(|step| step.checklist.clone())
        .unwrap_or_default()
}

fn cancel(session: &Session, key: &StepKey) -> Result<(), CliError> {
    let found = record::find(session.state(), key)?;
    let step = StepRef {
        run: key.run.clone(),
        step: key.step.clone(),
        attempt: found.state.attempt,
    };
    if session.cancel(&step, Purpose::Run)? {
        out::talk(&format!("asked {step} to end"));
        Ok(())
    } else {
        Err(CliError::Refused(format!(
            "step {} does not run here",
            key.step
        )))
    }
}

/// Starts a step and, unless told not to, follows it to its end.
fn start(
    common: &Common,
    session: &mut Session,
    key: StepKey,
    purpose: Purpose,
    detach: bool,
) -> Result<(), CliError> {
    if detach || !runs_by_itself(session, &key, purpose) {
        let acted = session.act(Intent::Start { step: key, purpose })?;
        return told(common, session, &acted);
    }
    let step = begin(common, session, &key, purpose)?;
    to_its_end(common, session, &step, purpose)?;
    ended(common, session, &key, purpose)
}

/// Starts what runs by itself; what was started.
///
/// # Errors
/// A refusal, or what kept it from being recorded: then nothing ran.
pub fn begin(
    common: &Common,
    session: &mut Session,
    key: &StepKey,
    purpose: Purpose,
) -> Result<StepRef, CliError> {
    let acted = session.act(Intent::Start {
        step: key.clone(),
        purpose,
    })?;
    publish(session);
    let attempt = record::find(session.state(), key)?.state.attempt;
    let step = StepRef {
        run: key.run.clone(),
        step: key.step.clone(),
        attempt,
    };
    if !common.json {
        // It runs, whether or not anybody reads that.
        let _ = told(common, session, &acted);
    }
    Ok(step)
}

/// Shows what it prints until it is over.
///
/// # Errors
/// When nobody reads it any more, or the record cannot be read or written.
pub fn to_its_end(
    common: &Common,
    session: &mut Session,
    step: &StepRef,
    purpose: Purpose,
) -> Result<(), CliError> {
    let key = &crate::engine::checkpoint::judge::key(step);
    let mut shown = 0;
    if let Some(flag) = session.pull_flag(step) {
        super::collect::interruptible(&flag);
    }
    while is_running(session, key, purpose) {
        shown += follow(common, session, step, purpose, shown, false)?;
        if session.state().exercise.is_some() {
            // Its result comes from whoever conducts: through the hub, or it is who is here.
            super::exercise::conduct::hear(session)?;
            super::exercise::conduct::round(common, session)?;
        }
        let more = session.poll()?;
        for notice in &more.notices {
            out::talk(&escape::line(notice));
        }
        if !common.json && !more.events.is_empty() {
            told(common, session, &more)?;
        }
        if is_running(session, key, purpose) || retries(session, key) {
            std::thread::sleep(LOOK);
        }
    }
    loop {
        match follow(common, session, step, purpose, shown, true)? {
            0 => break,
            more => shown += more,
        }
    }
    publish(session);
    Ok(())
}

/// Waits until it is over, without a word.
///
/// # Errors
/// When the record cannot be read or written.
pub fn waited_out(session: &mut Session, step: &StepRef, purpose: Purpose) -> Result<(), CliError> {
    let key = &crate::engine::checkpoint::judge::key(step);
    while is_running(session, key, purpose) {
        session.poll()?;
        std::thread::sleep(LOOK);
    }
    publish(session);
    Ok(())
}

/// Whether somebody has to do it once it was let start.
fn runs_by_itself(session: &Session, key: &StepKey, purpose: Purpose) -> bool {
    let kind = session
        .state()
        .run(&key.run)
        .and_then(|run| run.book.step(&key.step))
        .map(|step| &step.kind);
    purpose != Purpose::Run
        || !matches!(
            kind,
            Some(Kind::Manual | Kind::Decide(_) | Kind::Ask(_) | Kind::Parallel(_) | Kind::Uses(_))
        )
}

fn is_running(session: &Session, key: &StepKey, purpose: Purpose) -> bool {
    let state = session.state();
    let Some(at) = state.run(&key.run).and_then(|run| run.state(&key.step)) else {
        return false;
    };
    match purpose {
        Purpose::Run => at.status == Status::Running || retries(session, key),
        other => at.twins.get(&other).is_some_and(|twin| twin.running),
    }
}

/// Whether this process is about to try it again.
fn retries(session: &Session, key: &StepKey) -> bool {
    session.retries(key)
}

/// Output without a newline is held back up to here, so that no secret is cut in two and shown in halves.
const LONGEST_LINE: usize = 64 << 10;

/// Prints what came since, up to the last whole line or, at the end, all of it; returns how many bytes that was.
fn follow(
    common: &Common,
    session: &Session,
    step: &StepRef,
    purpose: Purpose,
    from: u64,
    end: bool,
) -> Result<u64, CliError> {
    let mut bytes = session
        .job(step, purpose)
        .read(Stream::Output, from, 1 << 20)
        .unwrap_or_default();
    if !end && bytes.len() < LONGEST_LINE {
        let whole = bytes.iter().rposition(|byte| *byte == b'\n');
        bytes.truncate(whole.map_or(0, |at| at + 1));
    }
    if !bytes.is_empty() && !common.json {
        let shown = session.redactor()?.bytes(&bytes);
        out::data(&escape::output(&shown))?;
    }
    Ok(bytes.len() as u64)
}

fn ended(
    common: &Common,
    session: &Session,
    key: &StepKey,
    purpose: Purpose,
) -> Result<(), CliError> {
    let found = record::find(session.state(), key)?;
    let at = found.state;
    let (word, exit, good) = match purpose {
        Purpose::Run => (
            super::status::word(at.status),
            at.exit,
            matches!(at.status, Status::Done),
        ),
        other => {
            let twin = at.twins.get(&other);
            let outcome = twin.and_then(|twin| twin.outcome);
            let good = outcome == Some(Outcome::Succeeded);
            (
                if good { "done" } else { "failed" },
                twin.and_then(|twin| twin.exit),
                good,
            )
        }
    };
    if common.json {
        let next = found.run.at.clone();
        out::json(&json!({
            "incident": session.id(), "step": key.step, "run": key.run, "status": word, "exit": exit, "next": next,
            "problem": at.reason,
        }))?;
    }
    if good {
        return Ok(());
    }
    let why = at
        .reason
        .clone()
        .map_or_else(String::new, |why| format!(": {why}"));
    Err(CliError::Refused(format!("step {} {word}{why}", key.step)))
}

/// The digest of what is asked for now.
///
/// # Errors
/// When nobody asked.
pub fn asked(session: &Session, key: &StepKey) -> Result<Digest, CliError> {
    let found = record::find(session.state(), key)?;
    found
        .state
        .request
        .as_ref()
        .map(|request| request.record.digest())
        .ok_or_else(|| CliError::Refused(format!("nobody has asked for approval of {}", key.step)))
}

/// The digest of what is asked for now, which is what was named with `--request`, if anything was.
///
/// # Errors
/// When nobody asked, or it is another.
pub fn same_request(
    session: &Session,
    key: &StepKey,
    request: Option<&str>,
) -> Result<Digest, CliError> {
    let digest = asked(session, key)?;
    let Some(named) = request else {
        return Ok(digest);
    };
    let named: Digest = named
        .parse()
        .map_err(|error| CliError::Input(format!("--request: {error}")))?;
    if named == digest {
        return Ok(digest);
    }
    Err(CliError::Refused(format!(
        "what is asked for {} now is {digest}, not what you looked at",
        key.step
    )))
}

/// Shows what is asked, the text on standard output byte for byte as its digest covers it; asks for the step's id where
/// that is due; and signs.
///
/// # Errors
/// When it is not what was shown before, nobody reads it, or a rule forbids it.
pub fn approve(
    common: &Common,
    session: &mut Session,
    key: StepKey,
    request: Option<&str>,
) -> Result<(), CliError> {
    let digest = same_request(session, &key, request)?;
    let intent = Intent::Approve {
        step: key.clone(),
        request: digest,
    };
    let prepared = session.prepare(&intent)?;
    let text = prepared
        .and_then(|prepared| prepared.display)
        .unwrap_or_default();
    if !common.json {
        out::data(&text)?;
        out::talk(&format!("request    {digest}"));
    }
    let destructive =
        record::find(session.state(), &key).is_ok_and(|found| found.step.risk == Risk::Destructive);
    if destructive && out::can_ask() {
        // Whoever is asked has it before their eyes, wherever the data goes.
        if common.json || !out::is_seen() {
            out::talk(&text);
        }
        super::screen::flush_input();
        let typed = out::ask(
            &format!("Type the step's id ({}) to approve it", key.step),
            "",
        )?;
        if typed != key.step.as_str() {
            return Err(CliError::Refused(
                "not approved: the step's id was not typed".to_owned(),
            ));
        }
    }
    let acted = session.act(intent)?;
    let shown = json!({ "request": digest, "display": Digest::of(text.as_bytes()), "text": text });
    told_with(common, session, &acted, shown)
}

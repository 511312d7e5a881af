//! Making the statement a person would sign, from the state as it is. The shell signs it; `decide` judges the result.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::record::{self, Found, Site};
use super::{change, closing, judge, standing, text};
use crate::engine::At;
use crate::engine::at::Root;
use crate::engine::command::{Refusal, RefusalKind, StepKey};
use crate::engine::exec::{ExecRecord, PinnedPolicy, Purpose, Var};
use crate::engine::ids::EventId;
use crate::engine::intent::Intent;
use crate::engine::state::{Overridden, State};
use crate::runbook::model::KeyRule;
use crate::trust::statement::{CloseDecision, Nonce, whole_second};
use crate::trust::{Decision, Mode, Principal, Statement};

/// Something to sign, and what the signer has to see first.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Prepared {
    /// The exact bytes.
    pub statement: String,
    /// Decides the namespace.
    pub mode: Mode,
    /// The approval text, where it is about a step.
    pub display: Option<String>,
    pub record: Option<ExecRecord>,
    /// The heads the signer has seen.
    pub heads: Vec<EventId>,
}

/// The statement for this intent; `None` for what needs no signature.
///
/// # Errors
/// When `decide` would refuse it anyhow: nobody is asked to sign what cannot hold.
pub fn prepare(
    state: &State,
    intent: &Intent,
    secrets: &BTreeMap<String, String>,
    at: &At,
) -> Result<Option<Prepared>, Refusal> {
    match intent {
        Intent::Request { step, purpose } => request(state, step, *purpose, secrets, at).map(Some),
        Intent::Start { step, purpose } => consume(state, step, *purpose, at),
        Intent::Withdraw(key) => withdraw(state, key, at).map(Some),
        Intent::Approve { step, .. } => {
            signs(at)?;
            answer(state, step, Decision::Approve, &at.who.principal, None, at).map(Some)
        }
        Intent::Deny { step, reason, .. } => {
            signs(at)?;
            let by = &at.who.principal;
            answer(state, step, Decision::Deny, by, Some(reason), at).map(Some)
        }
        Intent::Override {
            step,
            purpose,
            reason,
        } => overriding(state, step, *purpose, reason, secrets, at).map(Some),
        Intent::Expunge { evidence, reason } => {
            signs(at)?;
            let mut word = change::expunge_template(state, *evidence, &at.who.principal)?;
            word.reason = Some(reason.clone());
            word.time = whole_second(at.utc());
            word.nonce = nonce(at);
            bare(state, word.to_text())
        }
        Intent::Review {
            overridden,
            accepted,
            reason,
        } => {
            signs(at)?;
            let events = review_events(state, *overridden);
            let mut review = closing::review_template(
                state,
                *overridden,
                &at.who.principal,
                *accepted,
                &events,
            )?;
            review.reason = Some(reason.clone());
            review.time = whole_second(at.utc());
            review.nonce = nonce(at);
            bare(state, review.to_text())
        }
        Intent::Close => close(state, CloseDecision::Close, at),
        Intent::Reopen { .. } => close(state, CloseDecision::Reopen, at),
        _ => Ok(None),
    }
}

/// The events a review of this override is about: the override itself and the execution it let through.
#[must_use]
pub fn review_events(state: &State, overridden: EventId) -> Vec<EventId> {
    let mut events = vec![overridden];
    if let Some(over) = state.overrides.get(&overridden)
        && let Ok(found) = record::find(state, &judge::key(&over.step))
        && found.state.attempt >= over.step.attempt
        && let Some(started) = found.state.started_event
        && over.used
    {
        events.push(started);
    }
    events.sort_unstable();
    events
}

/// One person's word for another policy.
///
/// # Errors
/// As [`prepare`].
pub fn adoption(
    state: &State,
    adopts: &PinnedPolicy,
    reason: Option<&String>,
    at: &At,
) -> Result<Prepared, Refusal> {
    signs(at)?;
    let mut word = change::policy_template(state, adopts, &at.who.principal)?;
    word.reason = reason.cloned();
    word.time = whole_second(at.utc());
    word.nonce = nonce(at);
    bare(state, word.to_text())?
        .ok_or_else(|| Refusal::new(RefusalKind::WrongKind, "there is nothing to sign in this"))
}

fn signs(at: &At) -> Result<(), Refusal> {
    if at.who.signed {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::Unsigned,
        format!(
            "{} has no key here that allowed_signers knows, so nothing can be signed",
            at.who.principal
        ),
    )
    .hint("`runsheet doctor` says what is missing; `--key FILE` names a key"))
}

fn nonce(at: &At) -> Nonce {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&at.random[..16]);
    Nonce(bytes)
}

fn times(statement: &mut Statement, at: &At, holds: Option<std::time::Duration>) {
    let now: DateTime<Utc> = whole_second(at.utc());
    statement.nonce = nonce(at);
    statement.not_before = Some(now);
    statement.not_after = holds
        .and_then(|holds| TimeDelta::from_std(holds).ok())
        .and_then(|holds| now.checked_add_signed(holds));
}

fn about(
    found: Found<'_>,
    statement: &Statement,
    record: ExecRecord,
    requester: &Principal,
) -> Result<Prepared, Refusal> {
    Ok(Prepared {
        statement: statement.to_text().map_err(|error| unfit(&error))?,
        mode: found.incident.mode,
        display: Some(text::approval_text(found.incident, &record, requester)),
        record: Some(record),
        heads: Vec::new(),
    })
}

fn bare(
    state: &State,
    text: Result<String, crate::trust::statement::StatementError>,
) -> Result<Option<Prepared>, Refusal> {
    Ok(Some(Prepared {
        statement: text.map_err(|error| unfit(&error))?,
        mode: state
            .incident
            .as_deref()
            .map_or(Mode::Live, |incident| incident.mode),
        display: None,
        record: None,
        heads: state.heads(),
    }))
}

fn unfit(error: &crate::trust::statement::StatementError) -> Refusal {
    Refusal::new(
        RefusalKind::BadValue,
        format!("it does not fit in a statement: {error}"),
    )
}

fn request(
    state: &State,
    key: &StepKey,
    purpose: Purpose,
    secrets: &BTreeMap<String, String>,
    at: &At,
) -> Result<Prepared, Refusal> {
    signs(at)?;
    let found = record::find(state, key)?;
    judge::gate_of(found, at.utc())?;
    judge::askable(found, purpose)?;
    let record = record::make(found, purpose, secrets, &Site::asked(at), at.utc())?;
    judge::plain_to_see(&record)?;
    if at.elsewhere.is_some()
        && record
            .vars
            .values()
            .any(|var| matches!(var, Var::Secret(_)))
    {
        return Err(Refusal::new(
            RefusalKind::BadValue,
            "a secret value cannot be handed to who runs it: only who asks can show that it is the same",
        )
        .hint("run this step yourself, or have it read its secret where it runs"));
    }
    let mut statement = judge::template(
        found.incident,
        &record,
        &at.who.principal,
        Decision::Request,
    );
    times(&mut statement, at, None);
    about(found, &statement, record, &at.who.principal)
}

fn withdraw(state: &State, key: &StepKey, at: &At) -> Result<Prepared, Refusal> {
    signs(at)?;
    let found = record::find(state, key)?;
    let request = asked(found).map_err(|refusal| Refusal {
        what: format!("there is nothing to withdraw: {}", refusal.what),
        ..refusal
    })?;
    let mut statement = judge::template(
        found.incident,
        &request.record,
        &request.by,
        Decision::Withdraw,
    );
    times(&mut statement, at, None);
    about(found, &statement, (*request.record).clone(), &request.by)
}

fn asked(found: Found<'_>) -> Result<&crate::engine::state::Request, Refusal> {
    let request = found.state.request.as_deref().ok_or_else(|| {
        Refusal::new(
            RefusalKind::WrongState,
            format!("nobody has asked for approval of {}", found.step.id),
        )
        .hint("`runsheet request` asks")
    })?;
    judge::open_request(found, &request.record.step)
}

/// The approval or denial of `by`, who need not be the one at this keyboard, nor have a key here: it may be signed
/// elsewhere.
///
/// # Errors
/// When there is nothing to answer, this person may not, or a denial gives no reason.
pub fn answer(
    state: &State,
    key: &StepKey,
    decision: Decision,
    by: &Principal,
    reason: Option<&String>,
    at: &At,
) -> Result<Prepared, Refusal> {
    if let Root::Untrusted(why) = &at.root
        && decision == Decision::Approve
    {
        return Err(Refusal::new(
            RefusalKind::NotTrusted,
            format!("policy not from a trusted library: {why}"),
        )
        .hint("`runsheet fetch` brings your own library up to date; `--library` names another"));
    }
    let found = record::find(state, key)?;
    let request = asked(found)?;
    let role = judge::eligible(state, found.run, found.step, request, by)?;
    let keys = request.checkpoint.keys;
    if decision == Decision::Approve && !judge::has_key(found.incident, by, keys) {
        let what = if keys == KeyRule::Any {
            format!("{by} has no key that may sign any more")
        } else {
            format!("this checkpoint takes a hardware key, and allowed_signers lists none of {by}")
        };
        return Err(Refusal::new(RefusalKind::NotEligible, what)
            .hint("somebody else with a key for it has to approve"));
    }
    if decision == Decision::Deny && reason.is_none_or(|reason| reason.trim().is_empty()) {
        return Err(
            Refusal::new(RefusalKind::BadValue, "the reason is empty").hint("--reason says why")
        );
    }
    judge::same_as_asked(found, &request.record, &request.checkpoint, at.utc())?;
    let mut statement = judge::template(found.incident, &request.record, &request.by, decision);
    statement.frontier = Some(judge::list_digest("heads", &state.heads()));
    statement.approver = Some(by.clone());
    statement.role = Some(role);
    statement.reason = reason.cloned();
    times(&mut statement, at, Some(request.checkpoint.expires));
    let prepared = about(found, &statement, (*request.record).clone(), &request.by)?;
    Ok(Prepared {
        heads: state.heads(),
        ..prepared
    })
}

fn overriding(
    state: &State,
    key: &StepKey,
    purpose: Purpose,
    reason: &str,
    secrets: &BTreeMap<String, String>,
    at: &At,
) -> Result<Prepared, Refusal> {
    signs(at)?;
    let found = record::find(state, key)?;
    judge::overridable(found, at.utc())?;
    judge::askable(found, purpose)?;
    judge::may_override(found, &at.who.principal)?;
    let record = record::make(found, purpose, secrets, &Site::here(at), at.utc())?;
    judge::plain_to_see(&record)?;
    let mut statement = judge::template(
        found.incident,
        &record,
        &at.who.principal,
        Decision::Override,
    );
    statement.approver = Some(at.who.principal.clone());
    statement.reason = Some(reason.to_owned());
    times(
        &mut statement,
        at,
        Some(judge::override_span(found.incident)),
    );
    about(found, &statement, record, &at.who.principal)
}

/// A consume statement, where the step has a gate that approvals have opened.
fn consume(
    state: &State,
    key: &StepKey,
    purpose: Purpose,
    at: &At,
) -> Result<Option<Prepared>, Refusal> {
    let found = record::find(state, key)?;
    let gate = super::gate(found.incident, found.run, found.step, at.utc());
    if purpose == Purpose::DryRun || gate.is_none() {
        return Ok(None);
    }
    signs(at)?;
    if overridden(state, found, purpose, at).is_some() {
        return Ok(None);
    }
    let other = found.state.request.as_deref();
    if other.is_some_and(|request| request.record.exec.purpose != purpose) {
        return Err(Refusal::new(
            RefusalKind::GateClosed,
            format!(
                "nobody has asked for approval of that for step {}",
                found.step.id
            ),
        )
        .hint("`runsheet request` asks for it, with --roll-back for a roll back"));
    }
    let request =
        asked(found).map_err(|refusal| overtaken(state, found, purpose, at).unwrap_or(refusal))?;
    judge::no_stricter(found, &request.checkpoint, at.utc())?;
    let now = standing(found.incident, request, at.utc().timestamp());
    if !now.open {
        return Err(judge::closed_gate(found, request, now.tally));
    }
    let digests: Vec<_> = request
        .approvals
        .iter()
        .filter(|approval| now.counted.contains(&approval.event))
        .map(|approval| approval.digest)
        .collect();
    let mut statement = judge::template(
        found.incident,
        &request.record,
        &request.by,
        Decision::Consume,
    );
    statement.consumes = Some(judge::list_digest("approvals", &digests));
    times(&mut statement, at, None);
    about(found, &statement, (*request.record).clone(), &request.by).map(Some)
}

/// The override that lets this person start this step now.
#[must_use]
pub fn overridden<'a>(
    state: &'a State,
    found: Found<'_>,
    purpose: Purpose,
    at: &At,
) -> Option<&'a Overridden> {
    let holds = |over: &&Overridden| judge::no_stricter(found, &over.checkpoint, at.utc()).is_ok();
    own_overrides(state, found, purpose, at).find(holds)
}

/// Why an override of this person that would let them start this step does not any more: a freeze began since.
#[must_use]
pub fn overtaken(state: &State, found: Found<'_>, purpose: Purpose, at: &At) -> Option<Refusal> {
    own_overrides(state, found, purpose, at)
        .find_map(|over| judge::no_stricter(found, &over.checkpoint, at.utc()).err())
}

fn own_overrides<'a>(
    state: &'a State,
    found: Found<'_>,
    purpose: Purpose,
    at: &At,
) -> impl Iterator<Item = &'a Overridden> {
    let attempt = record::attempt_of(found.state, purpose);
    let all = state.overrides.values().map(AsRef::as_ref);
    all.filter(move |over| {
        !over.used
            && over.review.is_none()
            && over.step.run == found.run.id
            && over.step.step == found.step.id
            && over.step.attempt == attempt
            && over.record.exec.purpose == purpose
            && over.by == at.who.principal
            && at.utc() <= over.until
            && !at.outlived(&over.event, over.until - over.at.to_utc())
    })
}

fn close(state: &State, decision: CloseDecision, at: &At) -> Result<Option<Prepared>, Refusal> {
    signs(at)?;
    let mut statement =
        closing::close_template(state, decision, &at.who.principal, &state.heads())?;
    statement.time = whole_second(at.utc());
    statement.nonce = nonce(at);
    bare(state, statement.to_text())
}

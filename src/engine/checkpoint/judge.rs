//! Whether a signed statement says what it must, by someone who may. Every way in (screen, command line, merge, import)
//! ends here, in `decide` before it is recorded and again in `apply` whoever recorded it.

mod asked;
mod compare;
mod eligible;

use chrono::{DateTime, Utc};

use super::record::{self, Found};
use super::{person, standing};
use crate::engine::command::{Refusal, RefusalKind, StepKey};
use crate::engine::exec::{ExecRecord, Purpose};
use crate::engine::fact::Signed;
use crate::engine::ids::{EventId, StepRef};
use crate::engine::state::State;
use crate::runbook::policy::Checkpoint;
use crate::trust::{Decision, Principal};

pub use asked::{
    askable, closed_gate, gate_of, no_stricter, open_request, overridable, plain_to_see,
    same_as_asked, same_as_state,
};
pub use compare::{Judged, list_digest, policy_digest, template};
use compare::{compare, not_earlier, reasoned, within};
pub use eligible::{eligible, has_key, key_meets, may_override, override_span};

/// A request for approval.
///
/// # Errors
/// When the record is not what the state makes of the step, hides characters, or the statement does not hold.
pub fn request(
    state: &State,
    record: &ExecRecord,
    signed: &Signed,
    by: &Principal,
    when: DateTime<Utc>,
) -> Result<(Judged, Checkpoint), Refusal> {
    let found = record::find(state, &key(&record.step))?;
    let checkpoint = gate_of(found, when)?;
    askable(found, record.exec.purpose)?;
    same_as_state(found, record, when)?;
    plain_to_see(record)?;
    let mut expected = template(found.incident, record, by, Decision::Request);
    expected.approver = None;
    Ok((
        compare(found.incident, state, signed, expected, by, when)?,
        checkpoint,
    ))
}

/// An approval or denial.
///
/// # Errors
/// When there is nothing to answer, the person may not, or the statement does not hold.
pub fn answer(
    state: &State,
    step: &StepRef,
    frontier: &[EventId],
    signed: &Signed,
    by: &Principal,
    when: DateTime<Utc>,
    decision: Decision,
) -> Result<(Judged, String), Refusal> {
    let found = record::find(state, &key(step))?;
    let request = open_request(found, step)?;
    let role = eligible(state, found.run, found.step, request, by)?;
    let who = person(found.incident, by);
    if decision == Decision::Approve
        && request
            .approvals
            .iter()
            .any(|approval| !approval.revoked && found.incident.people.same(&approval.person, &who))
    {
        return Err(Refusal::new(
            RefusalKind::WrongState,
            format!("{who} has approved this already"),
        )
        .hint("one person counts once, with however many keys"));
    }
    same_as_asked(found, &request.record, &request.checkpoint, when)?;
    let mut expected = template(found.incident, &request.record, &request.by, decision);
    expected.frontier = Some(list_digest("heads", frontier));
    expected.approver = Some(by.clone());
    expected.role = Some(role);
    let judged = compare(found.incident, state, signed, expected, by, when)?;
    let asked = request.statement.not_before;
    not_earlier("the answer", judged.statement.not_before, asked)?;
    if decision == Decision::Deny {
        reasoned(&judged.statement)?;
    }
    if decision == Decision::Approve {
        key_meets(request.checkpoint.keys, &judged.verified)?;
        within(&judged.statement, request.checkpoint.expires, when)?;
    }
    Ok((judged, who))
}

/// The withdrawal of a request by who asked.
///
/// # Errors
/// When there is nothing to withdraw, it is somebody else's, or the statement does not hold.
pub fn withdraw(
    state: &State,
    step: &StepRef,
    signed: &Signed,
    by: &Principal,
    when: DateTime<Utc>,
) -> Result<Judged, Refusal> {
    let found = record::find(state, &key(step))?;
    let request = open_request(found, step)?;
    if &request.by != by {
        return Err(Refusal::new(
            RefusalKind::NotEligible,
            format!("{} asked: only they can take it back", request.by),
        ));
    }
    let expected = template(
        found.incident,
        &request.record,
        &request.by,
        Decision::Withdraw,
    );
    compare(found.incident, state, signed, expected, by, when)
}

/// The using up of approvals by one execution.
///
/// # Errors
/// When the gate is not open at this moment, anything changed, or the statement does not hold.
pub fn consume(
    state: &State,
    step: &StepRef,
    approvals: &[EventId],
    signed: &Signed,
    by: &Principal,
    when: DateTime<Utc>,
) -> Result<Judged, Refusal> {
    let found = record::find(state, &key(step))?;
    let request = open_request(found, step)?;
    let now = standing(found.incident, request, when.timestamp());
    if !now.open {
        return Err(closed_gate(found, request, now.tally));
    }
    let mut counted = now.counted;
    counted.sort_unstable();
    let mut given = approvals.to_vec();
    given.sort_unstable();
    if counted != given {
        return Err(Refusal::new(
            RefusalKind::Changed,
            "the approvals named are not those that stand now",
        ));
    }
    if request.record.executor.principal != by.as_str() {
        return Err(Refusal::new(
            RefusalKind::NotEligible,
            format!(
                "it was approved for {} to run, not for {by}",
                request.record.executor.principal
            ),
        ));
    }
    same_as_asked(found, &request.record, &request.checkpoint, when)?;
    let mut expected = template(
        found.incident,
        &request.record,
        &request.by,
        Decision::Consume,
    );
    let digests: Vec<_> = request
        .approvals
        .iter()
        .filter(|approval| counted.contains(&approval.event))
        .map(|approval| approval.digest)
        .collect();
    expected.consumes = Some(list_digest("approvals", &digests));
    let judged = compare(found.incident, state, signed, expected, by, when)?;
    // A clock set back behind an approval would stretch it.
    for approval in &request.approvals {
        let approved = approval.statement.not_before;
        not_earlier("the passing", judged.statement.not_before, approved)?;
        not_earlier("the passing", Some(when), approved)?;
    }
    Ok(judged)
}

/// Going through without approvals.
///
/// # Errors
/// When policy does not let this person, or the statement does not hold.
pub fn overriding(
    state: &State,
    record: &ExecRecord,
    signed: &Signed,
    by: &Principal,
    when: DateTime<Utc>,
) -> Result<(Judged, Checkpoint), Refusal> {
    let found = record::find(state, &key(&record.step))?;
    let checkpoint = overridable(found, when)?;
    askable(found, record.exec.purpose)?;
    may_override(found, by)?;
    same_as_state(found, record, when)?;
    plain_to_see(record)?;
    let mut expected = template(found.incident, record, by, Decision::Override);
    expected.approver = Some(by.clone());
    let judged = compare(found.incident, state, signed, expected, by, when)?;
    reasoned(&judged.statement)?;
    within(&judged.statement, override_span(found.incident), when)?;
    Ok((judged, checkpoint))
}

/// A step as people name it.
#[must_use]
pub fn key(step: &StepRef) -> StepKey {
    StepKey {
        run: step.run.clone(),
        step: step.step.clone(),
    }
}

/// Whether a start of this record is covered: by a consumed request of this attempt, or by an unused override, made
/// under a gate that asked for no less than that of this moment.
#[must_use]
pub fn covered(state: &State, found: Found<'_>, record: &ExecRecord, when: DateTime<Utc>) -> bool {
    if record.exec.purpose == Purpose::DryRun {
        return true;
    }
    let by_request = found.state.request.as_deref().is_some_and(|request| {
        request.consumed.is_some()
            && *request.record == *record
            && no_stricter(found, &request.checkpoint, when).is_ok()
    });
    let by_override = override_for(state, record, when)
        .and_then(|event| state.overrides.get(&event))
        .is_some_and(|over| no_stricter(found, &over.checkpoint, when).is_ok());
    by_request || by_override
}

/// Whether somebody asked for this very record, answered or not: then its start is more than made up.
#[must_use]
pub fn asked_for(state: &State, found: Found<'_>, record: &ExecRecord) -> bool {
    let request = found.state.request.as_deref();
    request.is_some_and(|request| *request.record == *record)
        || state.overrides.values().any(|over| *over.record == *record)
}

/// The override that lets this very record start. One that was reviewed lets nothing more start: the review lists what
/// it let through.
#[must_use]
pub fn override_for(state: &State, record: &ExecRecord, when: DateTime<Utc>) -> Option<EventId> {
    state
        .overrides
        .values()
        .find(|over| {
            !over.used
                && over.review.is_none()
                && *over.record == *record
                && when.timestamp() <= over.until.timestamp()
        })
        .map(|over| over.event)
}

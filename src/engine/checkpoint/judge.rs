//! Whether a signed statement says what it must, by someone who may. Every way in (screen, command line, merge, import)
//! ends here, in `decide` before it is recorded and again in `apply` whoever recorded it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::record::{self, Found, Site};
use super::{CLOCK_SKEW_SECONDS, describe, person, standing, text};
use crate::engine::command::{Refusal, RefusalKind, StepKey};
use crate::engine::exec::{ExecRecord, Purpose};
use crate::engine::fact::Signed;
use crate::engine::ids::{EventId, StepRef};
use crate::engine::state::{Incident, Request, Run, State, Status};
use crate::evidence::{Digest, canonical, escape};
use crate::runbook::model::{NotWho, Role, Step};
use crate::runbook::policy::Checkpoint;
use crate::trust::statement::{Executor, Nonce, PolicyPin, Quorum, RunbookPin};
use crate::trust::{Decision, Principal, Statement};

/// A statement that was judged and found to hold.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Judged {
    pub statement: Statement,
    pub fingerprint: String,
}

/// The digest of a list of events, as statements name it: over the canonical JSON object with this one member.
#[must_use]
pub fn list_digest(member: &str, ids: &[EventId]) -> Digest {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    let object = std::collections::BTreeMap::from([(member, sorted)]);
    canonical_digest(&object)
}

/// The digest over `policy.yaml` and `allowed_signers` that a policy pin carries.
#[must_use]
pub fn policy_digest(policy_yaml: &str, allowed_signers: &str) -> Digest {
    canonical_digest(&std::collections::BTreeMap::from([
        ("allowed_signers", Digest::of(allowed_signers.as_bytes())),
        ("policy", Digest::of(policy_yaml.as_bytes())),
    ]))
}

fn canonical_digest<T: Serialize>(value: &T) -> Digest {
    // Digests and member names always have a canonical form.
    canonical::digest(value).unwrap_or(Digest([0; 32]))
}

/// The statement of this decision about this record, with everything that follows from the record filled in and
/// everything that the signer chooses (nonce, times, reason, approver) left at its emptiest.
#[must_use]
pub fn template(
    incident: &Incident,
    record: &ExecRecord,
    requester: &Principal,
    decision: Decision,
) -> Statement {
    let checkpoint = &record.gate;
    Statement {
        incident: incident.id.to_string(),
        genesis: incident.genesis,
        policy: PolicyPin {
            commit: record.policy.commit.clone(),
            digest: record.policy.sha256,
        },
        runbook: RunbookPin {
            commit: record.runbook.commit.clone(),
            path: record.runbook.path.clone(),
            digest: record.runbook.sha256,
        },
        step: crate::trust::statement::StepRef {
            run: record.step.run.to_string(),
            step: record.step.step.clone(),
            attempt: record.step.attempt,
        },
        request: record.digest(),
        frontier: None,
        exec: Some(record.exec_digest()),
        vars: Some(record.vars_digest()),
        display: Some(Digest::of(
            text::approval_text(incident, record, requester).as_bytes(),
        )),
        requester: requester.clone(),
        executor: Principal::try_from(record.executor.principal.as_str())
            .ok()
            .map(|principal| Executor {
                principal,
                host: record.executor.host.clone(),
                writer: record.executor.writer.clone(),
            }),
        approver: None,
        role: None,
        quorum: Some(quorum(checkpoint)),
        decision,
        consumes: None,
        reason: None,
        not_before: None,
        not_after: None,
        nonce: Nonce([0; 16]),
    }
}

/// `<n>/<rule>`: the most people any one role has to give, and the whole gate as a word.
fn quorum(gate: &str) -> Quorum {
    let needs = gate.split(';').next().unwrap_or_default();
    let approvals = needs
        .split(", ")
        .filter_map(|need| need.split(' ').next()?.parse::<u32>().ok())
        .max()
        .unwrap_or(0);
    let rule: String = needs
        .replace(", ", ".")
        .replace(' ', "-")
        .chars()
        .take(128)
        .collect();
    Quorum {
        approvals,
        rule: if rule.is_empty() {
            "none".to_owned()
        } else {
            rule
        },
    }
}

/// Reads the statement, takes over from it what a signer may choose, and compares all the rest; then the signature.
fn compare(
    incident: &Incident,
    state: &State,
    signed: &Signed,
    mut expected: Statement,
    signer: &Principal,
    when: DateTime<Utc>,
) -> Result<Judged, Refusal> {
    let given = Statement::parse(signed.statement.as_bytes()).map_err(|error| {
        Refusal::new(
            RefusalKind::BadSignature,
            format!("the statement cannot be read: {error}"),
        )
    })?;
    // Whose words they are comes first: what nobody signed is a forgery, whatever else it says.
    let verified = crate::trust::verify(
        signed.statement.as_bytes(),
        &signed.signature,
        incident.mode,
        &incident.signers,
        signer,
        when,
    )
    .map_err(|error| {
        Refusal::new(
            RefusalKind::BadSignature,
            format!("the signature of {signer} does not hold: {error}"),
        )
    })?;
    elsewhere(&given, &expected)?;
    expected.nonce = given.nonce;
    expected.not_before = given.not_before;
    expected.not_after = given.not_after;
    expected.reason.clone_from(&given.reason);
    if given != expected {
        return Err(Refusal::new(
            RefusalKind::Changed,
            format!("the statement is not about what is asked here: {}", first_difference(&given, &expected)),
        )
        .hint("what is asked has changed since, or the statement was made for something else: look again and sign anew"));
    }
    if state.nonces.contains(&given.nonce.to_string()) {
        return Err(Refusal::new(
            RefusalKind::Replayed,
            "this statement was used before",
        ));
    }
    let early = given
        .not_before
        .is_none_or(|from| from.timestamp() > when.timestamp() + CLOCK_SKEW_SECONDS);
    if early {
        return Err(
            Refusal::new(RefusalKind::Expired, "the statement is not valid yet")
                .hint("the clocks of two machines differ: set them right"),
        );
    }
    Ok(Judged {
        statement: given,
        fingerprint: verified.fingerprint,
    })
}

/// A statement about another incident, step, attempt or decision never fits here, whatever crossed on the way.
fn elsewhere(given: &Statement, expected: &Statement) -> Result<(), Refusal> {
    let same = given.incident == expected.incident
        && given.genesis == expected.genesis
        && given.step == expected.step
        && given.decision == expected.decision
        && given.approver == expected.approver;
    if same {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::Replayed,
        format!(
            "the statement was made for something else: {}",
            first_difference(given, expected)
        ),
    ))
}

/// A reason is asked for where somebody says no or goes on alone.
fn reasoned(statement: &Statement) -> Result<(), Refusal> {
    let given = statement.reason.as_deref().unwrap_or_default().trim();
    if given.is_empty() {
        return Err(
            Refusal::new(RefusalKind::BadValue, "the reason is empty").hint("--reason says why")
        );
    }
    Ok(())
}

/// What answers or uses something cannot have been signed before it, but for what honest clocks differ.
fn not_earlier(
    what: &str,
    from: Option<DateTime<Utc>>,
    than: Option<DateTime<Utc>>,
) -> Result<(), Refusal> {
    let early = from
        .zip(than)
        .is_none_or(|(from, than)| from.timestamp() + CLOCK_SKEW_SECONDS < than.timestamp());
    if early {
        return Err(Refusal::new(
            RefusalKind::Expired,
            format!("{what} is older than what it is about"),
        )
        .hint(
            "it was made for an earlier request, or a clock is wrong: look again and sign anew",
        ));
    }
    Ok(())
}

fn first_difference(given: &Statement, expected: &Statement) -> String {
    let (Ok(given), Ok(expected)) = (given.to_text(), expected.to_text()) else {
        return "it has no text".to_owned();
    };
    given
        .lines()
        .zip(expected.lines())
        .find(|(a, b)| a != b)
        .map_or_else(
            || "other lines".to_owned(),
            |(a, b)| format!("it says `{a}`, here it is `{b}`"),
        )
}

fn within(
    statement: &Statement,
    limit: std::time::Duration,
    when: DateTime<Utc>,
) -> Result<(), Refusal> {
    let (Some(from), Some(until)) = (statement.not_before, statement.not_after) else {
        return Err(Refusal::new(
            RefusalKind::Expired,
            "the statement says no time until which it holds",
        ));
    };
    if until.timestamp() - from.timestamp() > i64::try_from(limit.as_secs()).unwrap_or(i64::MAX) {
        return Err(Refusal::new(
            RefusalKind::Expired,
            "the statement claims to hold longer than policy lets it",
        ));
    }
    if when.timestamp() > until.timestamp() {
        return Err(Refusal::new(
            RefusalKind::Expired,
            format!("the statement expired at {until}"),
        ));
    }
    Ok(())
}

/// The gate of a step that has one.
///
/// # Errors
/// When it has none, or the pinned policy could not be read.
pub fn gate_of(found: Found<'_>) -> Result<Checkpoint, Refusal> {
    if let Some(why) = &found.incident.broken {
        return Err(Refusal::new(
            RefusalKind::NotTrusted,
            format!("the pinned policy cannot be used: {why}"),
        ));
    }
    super::gate(found.incident, found.run, found.step).ok_or_else(|| {
        Refusal::new(
            RefusalKind::WrongState,
            format!("step {} has no checkpoint", found.step.id),
        )
    })
}

/// That the record is what the runbook and the values of this state make of the step, at the site it names.
///
/// # Errors
/// When anything that decides what will happen differs.
pub fn same_as_state(found: Found<'_>, record: &ExecRecord) -> Result<(), Refusal> {
    let secrets = record
        .vars
        .iter()
        .filter_map(|(name, var)| match var {
            crate::engine::exec::Var::Secret(hmac) => Some((name.clone(), hmac.clone())),
            crate::engine::exec::Var::Plain(_) => None,
        })
        .collect();
    let mut made = record::make(found, record.exec.purpose, &secrets, &Site::of(record))?;
    // Limits may differ between versions of runsheet; they are bound by the digest, not judged.
    made.exec.output_limit = record.exec.output_limit;
    made.exec.files.clone_from(&record.exec.files);
    if &made == record {
        return Ok(());
    }
    let (is, was) = (canonical::to_string(&made), canonical::to_string(record));
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
    let checkpoint = gate_of(found)?;
    askable(found)?;
    same_as_state(found, record)?;
    plain_to_see(record)?;
    let mut expected = template(found.incident, record, by, Decision::Request);
    expected.approver = None;
    Ok((
        compare(found.incident, state, signed, expected, by, when)?,
        checkpoint,
    ))
}

/// Whether the step can still be asked about.
///
/// # Errors
/// When it runs, is over, or nobody knows how it ended.
pub fn askable(found: Found<'_>) -> Result<(), Refusal> {
    let step = &found.step.id;
    let refuse = |what: String| Err(Refusal::new(RefusalKind::WrongState, what));
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

/// Whether this person may approve or deny this request.
///
/// # Errors
/// With the reason why not.
pub fn eligible(
    state: &State,
    run: &Run,
    step: &Step,
    request: &Request,
    principal: &Principal,
) -> Result<Role, Refusal> {
    let refuse = |what: String| Err(Refusal::new(RefusalKind::NotEligible, what));
    let Some(incident) = state.incident.as_deref() else {
        return refuse("there is no incident".into());
    };
    let Some(who) = incident.people.person_of(principal).map(str::to_owned) else {
        return refuse(format!("{principal} is nobody the pinned policy names"));
    };
    let role = request
        .checkpoint
        .requirements
        .iter()
        .find(|need| incident.people.has_role(&who, &need.role))
        .map(|need| need.role.clone());
    let Some(role) = role else {
        let roles: Vec<_> = request
            .checkpoint
            .requirements
            .iter()
            .map(|need| need.role.as_str())
            .collect();
        return refuse(format!(
            "{principal} has none of the roles asked for: {}",
            roles.join(", ")
        ));
    };
    let key = StepKey {
        run: run.id.clone(),
        step: step.id.clone(),
    };
    let found = record::find(state, &key)?;
    let is = |other: &Principal| incident.people.same(&person(incident, other), &who);
    let executes = Principal::try_from(request.record.executor.principal.as_str())
        .is_ok_and(|executor| is(&executor));
    if is(&request.by) || executes {
        return refuse(format!(
            "{principal} asked for it: a different person has to approve"
        ));
    }
    not_excluded(found, request, principal, &who)?;
    Ok(role)
}

/// Whether no `not:` of the gate names this person.
fn not_excluded(
    found: Found<'_>,
    request: &Request,
    principal: &Principal,
    who: &str,
) -> Result<(), Refusal> {
    let Found {
        incident,
        run,
        step,
        ..
    } = found;
    let refuse = |what: String| Err(Refusal::new(RefusalKind::NotEligible, what));
    let is = |other: &Principal| incident.people.same(&person(incident, other), who);
    for not in &request.checkpoint.not {
        match not {
            NotWho::Requester => {}
            NotWho::Performer => {
                if record::performers(found).iter().any(&is) {
                    return refuse(format!(
                        "{principal} had a hand in this step or in a value it uses"
                    ));
                }
            }
            NotWho::Author => author(incident, run, step, who)?,
            NotWho::ApproverOf(other) => {
                let approved = run
                    .state(other)
                    .and_then(|state| state.request.as_ref())
                    .is_some_and(|request| {
                        request
                            .approvals
                            .iter()
                            .any(|approval| incident.people.same(&approval.person, who))
                    });
                if approved {
                    return refuse(format!(
                        "{principal} approved step {other}, whose approver may not approve this one"
                    ));
                }
            }
        }
    }
    Ok(())
}

fn author(incident: &Incident, run: &Run, step: &Step, who: &str) -> Result<(), Refusal> {
    let authors = run
        .pin
        .authors
        .get(&step.id)
        .map(Vec::as_slice)
        .unwrap_or_default();
    if authors.is_empty() && !incident.policy.allow_unknown_authors {
        return Err(Refusal::new(
            RefusalKind::NotEligible,
            format!(
                "author unknown: the record names nobody who wrote step {}",
                step.id
            ),
        )
        .hint("`unknown_authors: allow` in policy.yaml lets that be; meanwhile: override"));
    }
    for address in authors {
        match incident.people.person_of_email(address) {
            Some(person) if incident.people.same(person, who) => {
                return Err(Refusal::new(
                    RefusalKind::NotEligible,
                    format!("{who} wrote this step (as {})", escape::line(address)),
                ));
            }
            Some(_) => {}
            None if incident.policy.allow_unknown_authors => {}
            None => {
                return Err(Refusal::new(
                    RefusalKind::NotEligible,
                    format!("author unknown: no person of the policy has the address {}, so nobody can be shown not to be the author", escape::line(address)),
                )
                .hint("add the address to `emails:` of that person, or `unknown_authors: allow`, in policy.yaml; meanwhile: override"));
            }
        }
    }
    Ok(())
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
            .any(|approval| found.incident.people.same(&approval.person, &who))
    {
        return Err(Refusal::new(
            RefusalKind::WrongState,
            format!("{who} has approved this already"),
        )
        .hint("one person counts once, with however many keys"));
    }
    same_as_state(found, &request.record)?;
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
        within(&judged.statement, request.checkpoint.expires, when)?;
    }
    Ok((judged, who))
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
            RefusalKind::Replayed,
            "the approvals of this request are used up",
        ));
    }
    Ok(request)
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
    same_as_state(found, &request.record)?;
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

/// The refusal of a gate that is closed.
#[must_use]
pub fn closed_gate(found: Found<'_>, request: &Request, tally: (u32, u32)) -> Refusal {
    Refusal::new(
        RefusalKind::GateClosed,
        format!(
            "step {} waits at its checkpoint: {} of {} approvals ({})",
            found.step.id,
            tally.0,
            tally.1,
            describe(&request.checkpoint)
        ),
    )
    .hint("another person approves with `runsheet approve`; whoever policy lets may `runsheet override`")
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
) -> Result<Judged, Refusal> {
    let found = record::find(state, &key(&record.step))?;
    gate_of(found)?;
    askable(found)?;
    may_override(found.incident, by)?;
    same_as_state(found, record)?;
    plain_to_see(record)?;
    let mut expected = template(found.incident, record, by, Decision::Override);
    expected.approver = Some(by.clone());
    let judged = compare(found.incident, state, signed, expected, by, when)?;
    reasoned(&judged.statement)?;
    within(&judged.statement, override_span(found.incident), when)?;
    Ok(judged)
}

/// How long an override holds by policy.
#[must_use]
pub fn override_span(incident: &Incident) -> std::time::Duration {
    incident
        .policy
        .override_rule
        .expires
        .unwrap_or(std::time::Duration::from_secs(30 * 60))
}

/// Whether policy lets this principal go through without approvals.
///
/// # Errors
/// With the reason why not.
pub fn may_override(incident: &Incident, by: &Principal) -> Result<(), Refusal> {
    let roles = &incident.policy.override_rule.roles;
    let may = incident
        .people
        .person_of(by)
        .is_some_and(|who| incident.people.may_override(who));
    if may {
        return Ok(());
    }
    let names: Vec<_> = roles.iter().map(Role::as_str).collect();
    Err(Refusal::new(
        RefusalKind::NotEligible,
        format!(
            "{by} may not override: policy gives that to {}",
            if names.is_empty() {
                "nobody".to_owned()
            } else {
                names.join(", ")
            }
        ),
    ))
}

/// A step as people name it.
#[must_use]
pub fn key(step: &StepRef) -> StepKey {
    StepKey {
        run: step.run.clone(),
        step: step.step.clone(),
    }
}

/// Whether a start of this record is covered: by a consumed request of this attempt, or by an unused override.
#[must_use]
pub fn covered(state: &State, found: Found<'_>, record: &ExecRecord, when: DateTime<Utc>) -> bool {
    if record.exec.purpose == Purpose::DryRun {
        return true;
    }
    let by_request = found
        .state
        .request
        .as_deref()
        .is_some_and(|request| request.consumed.is_some() && *request.record == *record);
    by_request || override_for(state, record, when).is_some()
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

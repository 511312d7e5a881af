//! A statement beside the one that would be expected here: field by field, then its signature and its times.
//! Knows nothing of roles and people.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::engine::checkpoint::{CLOCK_SKEW_SECONDS, text};
use crate::engine::command::{Refusal, RefusalKind};
use crate::engine::exec::ExecRecord;
use crate::engine::fact::Signed;
use crate::engine::ids::EventId;
use crate::engine::state::{Incident, State};
use crate::evidence::{Digest, canonical};
use crate::trust::statement::{Executor, Nonce, PolicyPin, Quorum, RunbookPin};
use crate::trust::{Decision, Principal, Statement, Verified};

/// A statement that was judged and found to hold.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Judged {
    pub statement: Statement,
    pub fingerprint: String,
    /// The key, and what it proved.
    pub verified: Verified,
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
        // A statement's word has no `+`.
        .replace('+', "_and_")
        .chars()
        .take(128)
        .collect();
    Quorum {
        approvals,
        rule: if gate == "-" || rule.is_empty() {
            "none".to_owned()
        } else {
            rule
        },
    }
}

/// Reads the statement, takes over from it what a signer may choose, and compares all the rest; then the signature.
pub(super) fn compare(
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
        fingerprint: verified.fingerprint.clone(),
        verified,
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
pub(super) fn reasoned(statement: &Statement) -> Result<(), Refusal> {
    let given = statement.reason.as_deref().unwrap_or_default().trim();
    if given.is_empty() {
        return Err(
            Refusal::new(RefusalKind::BadValue, "the reason is empty").hint("--reason says why")
        );
    }
    Ok(())
}

/// What answers or uses something cannot have been signed before it, but for what honest clocks differ.
pub(super) fn not_earlier(
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

pub(super) fn within(
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

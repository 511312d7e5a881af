//! Gates as they were asked for, answered, opened and gone through: who signed what with which key. What the engine
//! found wrong with a signed event stands beside it; nothing is judged here.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use ssh_key::{HashAlg, SshSig};

use super::shown;
use super::words::{self, Word};
use crate::engine::exec::{ExecRecord, Purpose};
use crate::engine::fact::{Fact, Signed};
use crate::engine::sentence::{self, said};
use crate::engine::{Event, EventId, State, StepRef};
use crate::evidence::{Digest, escape};
use crate::runbook::model::Risk;
use crate::trust::Principal;

/// A longer text is no signature.
const LONGEST_SIGNATURE: usize = 16 << 10;

/// One request and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Checkpoint {
    pub step: String,
    pub title: String,
    pub risk: Risk,
    pub purpose: Purpose,
    /// What the gate asks for: `1 approver; not performer; 15m`.
    pub gate: String,
    /// What would run, several lines.
    pub script: String,
    pub host: String,
    /// Digest of the whole execution record, which every answer names.
    pub record: Digest,
    pub exec: Digest,
    pub request: Said,
    /// Approvals, denials and withdrawals, in the order of the record.
    pub answers: Vec<Said>,
    /// Set when the approvals were used up.
    pub passed: Option<Said>,
    /// The approvals that were used.
    pub used: Vec<EventId>,
    /// The override that opened it instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<EventId>,
    pub status: Status,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody went through it.
    Open,
    /// It was used.
    Passed,
    /// Somebody said no.
    Denied,
    /// Who asked took it back.
    Withdrawn,
    /// The same step was asked for again.
    Replaced,
    /// Somebody went through it without the approvals.
    Overridden,
}

impl Status {
    /// Its name on screens and in exports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Passed => "passed",
            Self::Denied => "denied",
            Self::Withdrawn => "withdrawn",
            Self::Replaced => "asked for again",
            Self::Overridden => "overridden",
        }
    }
}

/// One signed statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Said {
    pub event: EventId,
    #[serde(deserialize_with = "words::decision")]
    pub decision: Word,
    pub by: Principal,
    /// The duty it was signed in.
    pub role: Option<String>,
    pub at: DateTime<FixedOffset>,
    /// Of the key that signed, like `SHA256:…`; `None` when the signature cannot be read.
    pub fingerprint: Option<String>,
    /// SHA-256 of the statement's bytes.
    pub statement: Digest,
    pub reason: Option<String>,
    /// As the statement has it.
    pub not_after: Option<String>,
    /// Why the engine gave it no effect, if so.
    pub problems: Vec<String>,
}

/// A gate gone through without approvals, and the debt it left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Override {
    pub step: String,
    pub title: String,
    pub risk: Risk,
    pub gate: String,
    pub script: String,
    pub host: String,
    pub exec: Digest,
    pub said: Said,
    /// Whether the step was started under it.
    pub used: bool,
    pub review: Option<Review>,
}

/// Another person's look at an override.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Review {
    pub accepted: bool,
    pub events: Vec<EventId>,
    pub said: Said,
}

type Problems<'a> = BTreeMap<EventId, Vec<&'a str>>;

fn problems(state: &State) -> Problems<'_> {
    let mut problems = Problems::new();
    for flag in state.flags.iter().filter(|flag| flag.violation) {
        problems.entry(flag.event).or_default().push(&flag.what);
    }
    problems
}

pub(super) fn checkpoints(state: &State, events: &[Arc<Event>]) -> Vec<Checkpoint> {
    let problems = problems(state);
    let mut all: Vec<Checkpoint> = Vec::new();
    let mut steps: BTreeMap<&StepRef, Vec<usize>> = BTreeMap::new();
    for event in events {
        if let Fact::CheckpointRequested(fact) = &event.fact {
            let asked = steps.entry(&fact.record.step).or_default();
            if let Some(before) = asked.last().map(|index| &mut all[*index]) {
                before.status = match before.status {
                    Status::Open => Status::Replaced,
                    other => other,
                };
            }
            asked.push(all.len());
            let request = make(event, "request", &fact.signed, &problems);
            all.push(checkpoint(&fact.record, request));
            continue;
        }
        if let Fact::CheckpointOverridden(fact) = &event.fact {
            let asked = steps.get(&fact.record.step).and_then(|asked| asked.last());
            let open = asked.map(|index| &mut all[*index]);
            let counts = !problems.contains_key(&event.id);
            if let Some(gate) = open.filter(|gate| counts && gate.status == Status::Open) {
                (gate.status, gate.overridden) = (Status::Overridden, Some(event.id));
            }
            continue;
        }
        let Some((step, signed, decision)) = answer(&event.fact) else {
            continue;
        };
        let asked = steps.get(step).map_or(&[][..], Vec::as_slice);
        let named = said(signed, "request");
        let index = asked
            .iter()
            .rev()
            .find(|index| named.as_deref() == Some(all[**index].record.to_string().as_str()))
            .or(asked.last());
        // An answer to no request at all is on the timeline with its flag.
        if let Some(checkpoint) = index.map(|index| &mut all[*index]) {
            put(checkpoint, event, make(event, decision, signed, &problems));
        }
    }
    all
}

fn answer(fact: &Fact) -> Option<(&StepRef, &Signed, &'static str)> {
    match fact {
        Fact::CheckpointApproved(fact) => Some((&fact.step, &fact.signed, "approve")),
        Fact::CheckpointDenied(fact) => Some((&fact.step, &fact.signed, "deny")),
        Fact::CheckpointWithdrawn(fact) => Some((&fact.step, &fact.signed, "withdraw")),
        Fact::CheckpointConsumed(fact) => Some((&fact.step, &fact.signed, "consume")),
        _ => None,
    }
}

fn put(checkpoint: &mut Checkpoint, event: &Event, said: Said) {
    let counts = said.problems.is_empty();
    match &event.fact {
        Fact::CheckpointConsumed(fact) => {
            if counts {
                checkpoint.status = Status::Passed;
            }
            checkpoint.used.clone_from(&fact.approvals);
            checkpoint.passed = Some(said);
            return;
        }
        Fact::CheckpointDenied(_) if counts => checkpoint.status = Status::Denied,
        Fact::CheckpointWithdrawn(_) if counts => checkpoint.status = Status::Withdrawn,
        _ => {}
    }
    checkpoint.answers.push(said);
}

fn checkpoint(record: &ExecRecord, request: Said) -> Checkpoint {
    Checkpoint {
        step: sentence::name(&record.step),
        title: shown(&record.title),
        risk: record.risk,
        purpose: record.exec.purpose,
        gate: shown(&record.gate),
        script: escape::text(&record.exec.script).into_owned(),
        host: shown(&record.exec.host),
        record: record.digest(),
        exec: record.exec_digest(),
        request,
        answers: Vec::new(),
        passed: None,
        used: Vec::new(),
        overridden: None,
        status: Status::Open,
    }
}

pub(super) fn overrides(state: &State, events: &[Arc<Event>]) -> Vec<Override> {
    let problems = problems(state);
    let mut all: Vec<Override> = Vec::new();
    let mut steps: Vec<&StepRef> = Vec::new();
    for event in events {
        match &event.fact {
            Fact::CheckpointOverridden(fact) => {
                let record = &fact.record;
                steps.push(&record.step);
                all.push(Override {
                    step: sentence::name(&record.step),
                    title: shown(&record.title),
                    risk: record.risk,
                    gate: shown(&record.gate),
                    script: escape::text(&record.exec.script).into_owned(),
                    host: shown(&record.exec.host),
                    exec: record.exec_digest(),
                    said: make(event, "override", &fact.signed, &problems),
                    used: false,
                    review: None,
                });
            }
            Fact::StepStarted(fact) => {
                let used = steps.iter().rposition(|step| **step == fact.record.step);
                if let Some(over) = used.and_then(|index| all.get_mut(index)) {
                    over.used = true;
                }
            }
            Fact::OverrideReviewed(fact) => {
                let said = make(event, "review", &fact.signed, &problems);
                let over = all
                    .iter_mut()
                    .find(|over| over.said.event == fact.overridden);
                if let Some(over) = over
                    && (said.problems.is_empty() || over.review.is_none())
                {
                    over.review = Some(Review {
                        accepted: fact.accepted,
                        events: fact.events.clone(),
                        said,
                    });
                }
            }
            _ => {}
        }
    }
    all
}

impl Override {
    /// Whether a review is still owed: there is none, or none that counts.
    #[must_use]
    pub fn owes_review(&self) -> bool {
        self.review
            .as_ref()
            .is_none_or(|review| !review.said.problems.is_empty())
    }
}

fn make(event: &Event, decision: &'static str, signed: &Signed, problems: &Problems<'_>) -> Said {
    Said {
        event: event.id,
        decision,
        by: event.person.clone(),
        role: said(signed, "role").as_deref().map(shown),
        at: event.occurred_at,
        fingerprint: fingerprint(signed),
        statement: Digest::of(signed.statement.as_bytes()),
        reason: said(signed, "reason").as_deref().map(shown),
        not_after: said(signed, "not-after").as_deref().map(shown),
        problems: problems
            .get(&event.id)
            .into_iter()
            .flatten()
            .map(|what| shown(what))
            .collect(),
    }
}

/// The fingerprint of the key inside a signature.
fn fingerprint(signed: &Signed) -> Option<String> {
    if signed.signature.len() > LONGEST_SIGNATURE {
        return None;
    }
    let signature: SshSig = signed.signature.parse().ok()?;
    Some(
        signature
            .public_key()
            .fingerprint(HashAlg::Sha256)
            .to_string(),
    )
}

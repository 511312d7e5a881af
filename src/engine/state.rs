//! What is so after some events: a value, cheap to copy, that `apply` moves forward. No cursor, no scroll, no focus.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, Utc};

use super::event::Fidelity;
use super::exec::ExecRecord;
use super::exercise::Exercise;
use super::fact::{Evidence, LibraryPin, Milestone, Outcome, PinnedRunbook, Revoked};
use super::ids::{EventId, IncidentId, RunId, StepRef, WriterId};
use crate::engine::exec::{PinnedPolicy, Purpose};
use crate::evidence::Digest;
use crate::runbook::model::{Role, Runbook, Severity, Step, StepId};
use crate::runbook::policy::{Checkpoint, Policy};
use crate::trust::statement::Statement;
use crate::trust::{AllowedSigners, Mode, People, Principal};

/// All that follows from the events applied so far.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct State {
    /// `None` before the genesis.
    pub incident: Option<Arc<Incident>>,
    pub severity: Option<Severity>,
    /// In the order they began.
    pub runs: Vec<Arc<Run>>,
    /// Who has which duty in this incident.
    pub roles: BTreeMap<Principal, BTreeSet<Role>>,
    pub milestones: BTreeMap<Milestone, Reached>,
    /// Named decisions that clocks of the law hang on.
    pub decisions: BTreeMap<String, Reached>,
    /// By clock and stage, each time it was met.
    pub submitted: BTreeMap<(String, String), Vec<Reached>>,
    /// What became of updates, by update and channel.
    pub deliveries: Arc<BTreeMap<(EventId, String), Delivery>>,
    /// By the event that made them.
    pub overrides: BTreeMap<EventId, Arc<Overridden>>,
    pub closed: Option<Closed>,
    /// The close that stands and every event since that knows of it.
    pub after_close: Arc<BTreeSet<EventId>>,
    /// What does not fit, in the order it was seen. Nothing is dropped because of it.
    pub flags: Vec<Arc<Flag>>,
    /// The last event of each writer.
    pub writers: BTreeMap<WriterId, Head>,
    /// What people's own libraries were seen not to grant any more. It is gone from `incident` too.
    pub revoked: Arc<BTreeSet<Revoked>>,
    /// Another policy that waits for the words it takes.
    pub proposal: Option<Arc<Proposal>>,
    /// Artifacts that are taken out, or that somebody wants taken out.
    pub expunged: BTreeMap<Digest, Arc<Expunged>>,
    /// What closed a request, or changed who is trusted, while others may act as if it had not because they have not heard.
    pub crossings: Vec<Arc<Crossing>>,
    /// Nonces of statements already in the record.
    pub nonces: Arc<BTreeSet<String>>,
    /// Where the exercise stands, if this is one.
    pub exercise: Option<Arc<Exercise>>,
    /// Events applied.
    pub count: u64,
    /// The latest `recorded_at` of any event.
    pub latest: Option<DateTime<Utc>>,
    /// Everybody who recorded anything.
    pub seen_people: BTreeSet<Principal>,
}

/// What an incident is. Only its policy changes: by a quorum under the one before, or because trust shrinks.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Incident {
    pub id: IncidentId,
    pub genesis: EventId,
    pub title: String,
    pub reference: Option<String>,
    pub alert: Option<String>,
    pub mode: Mode,
    pub started: DateTime<FixedOffset>,
    pub by: Principal,
    pub library: LibraryPin,
    pub policy_pin: PinnedPolicy,
    pub policy_yaml: String,
    pub allowed_signers: String,
    pub policy: Policy,
    pub signers: AllowedSigners,
    pub people: People,
    /// Why the pinned texts could not be read, if so: then nothing can be approved.
    pub broken: Option<String>,
}

/// One walk through one runbook.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Run {
    pub id: RunId,
    pub pin: Arc<PinnedRunbook>,
    pub book: Arc<Runbook>,
    /// What `uses` may call, with their pins.
    pub uses: Arc<Vec<PinnedRunbook>>,
    pub parent: Option<StepRef>,
    pub started: DateTime<FixedOffset>,
    pub values: BTreeMap<String, Value>,
    /// As the runbook's steps, in its order.
    pub steps: Vec<StepState>,
    /// The step the run stands at; `None` when it is over.
    pub at: Option<StepId>,
    /// When it was over.
    pub ended: Option<DateTime<FixedOffset>>,
}

/// A value of a run and who it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Value {
    /// `None` for a secret, whose value is in no record.
    pub text: Option<String>,
    pub by: Principal,
    /// The step that gave it; `None` for an input.
    pub step: Option<StepId>,
}

/// Where one step of one run stands.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct StepState {
    pub id: StepId,
    pub status: Status,
    /// The current or latest try, from 1.
    pub attempt: u32,
    /// Tries by `retry` since a person last started it.
    pub tries: u32,
    pub started: Option<DateTime<FixedOffset>>,
    pub ended: Option<DateTime<FixedOffset>>,
    /// Who started or did it last.
    pub by: Option<Principal>,
    pub claimed: Option<Principal>,
    /// Which attempt that is about.
    pub claimed_attempt: u32,
    /// Whose process runs it now.
    pub writer: Option<WriterId>,
    pub record: Option<Arc<ExecRecord>>,
    pub choice: Option<String>,
    pub reason: Option<String>,
    pub exit: Option<i32>,
    pub evidence: Vec<Arc<Evidence>>,
    /// The latest dry run and roll back of this step.
    pub twins: BTreeMap<Purpose, Twin>,
    /// The open question for approval, or the last one.
    pub request: Option<Arc<Request>>,
    /// Principals who requested, consumed or overrode at any attempt.
    pub performers: BTreeSet<Principal>,
    pub started_event: Option<EventId>,
}

/// A dry run or roll back beside the step.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Twin {
    pub running: bool,
    pub outcome: Option<Outcome>,
    pub exit: Option<i32>,
    pub at: DateTime<FixedOffset>,
    pub evidence: Vec<Arc<Evidence>>,
    pub record: Arc<ExecRecord>,
}

/// What a step is: told by shape and word, then colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Nothing has happened yet.
    #[default]
    Todo,
    /// It runs.
    Running,
    /// Done, as wanted.
    Done,
    /// Over, not as wanted.
    Failed,
    /// Started, and nobody saw the end.
    Unknown,
    /// Left out, with a reason.
    Skipped,
}

/// One question for approval and its answers. All statements in it were verified when they were applied.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Request {
    pub event: EventId,
    pub record: Arc<ExecRecord>,
    pub statement: Statement,
    pub by: Principal,
    pub at: DateTime<FixedOffset>,
    pub checkpoint: Checkpoint,
    pub approvals: Vec<Approval>,
    pub denied: Option<(Principal, String)>,
    pub withdrawn: bool,
    pub consumed: Option<EventId>,
    /// Who passed the question on, and to whom.
    pub delegated: Vec<(Principal, Principal)>,
}

/// One verified approval.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Approval {
    pub event: EventId,
    pub by: Principal,
    /// The person behind the principal, as policy has it.
    pub person: String,
    pub statement: Statement,
    /// SHA-256 of the statement's bytes.
    pub digest: Digest,
    pub fingerprint: String,
    pub at: DateTime<FixedOffset>,
    /// Whether what it rests on was revoked since: then it counts no more.
    pub revoked: bool,
}

/// A checkpoint somebody went through without approvals.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Overridden {
    pub event: EventId,
    pub step: StepRef,
    pub by: Principal,
    pub person: String,
    pub reason: String,
    pub at: DateTime<FixedOffset>,
    pub until: DateTime<Utc>,
    /// When its review is late, where policy says so.
    pub review_due: Option<DateTime<Utc>>,
    pub record: Arc<ExecRecord>,
    /// What was gone through.
    pub checkpoint: Checkpoint,
    pub used: bool,
    pub review: Option<(EventId, Principal, bool)>,
}

/// Another policy, and whose word it has.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Proposal {
    pub event: EventId,
    pub policy: PinnedPolicy,
    pub policy_yaml: String,
    pub allowed_signers: String,
    /// By person.
    pub by: BTreeMap<String, Principal>,
}

/// An artifact that somebody wants taken out.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Expunged {
    /// By person, with the event of their word and their reason.
    pub by: BTreeMap<String, (Principal, EventId, String)>,
    /// Whether enough people said so.
    pub done: bool,
}

/// Something that closed a request or changed who is trusted, for as long as somebody may honestly not have heard of it.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Crossing {
    /// The request as it was before; `None` where who is trusted changed.
    pub before: Option<Arc<Request>>,
    /// The incident as it was before.
    pub incident: Arc<Incident>,
    /// What closed it, and every event since that knows of it.
    pub known: BTreeSet<EventId>,
    /// No approval of it holds longer; for a change of trust, a day.
    pub until: DateTime<Utc>,
}

/// A milestone and when it was reached, by whose word.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Reached {
    pub at: DateTime<FixedOffset>,
    pub recorded_at: DateTime<Utc>,
    pub fidelity: Fidelity,
    pub by: Principal,
    pub event: EventId,
}

/// What became of an update through one channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Delivery {
    pub tries: u64,
    /// False where it was given up.
    pub delivered: bool,
}

/// The record was closed.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Closed {
    pub event: EventId,
    pub by: Principal,
    pub at: DateTime<FixedOffset>,
}

/// Something in the record that does not fit: kept, shown, and of no effect.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Flag {
    pub event: EventId,
    pub by: Principal,
    pub what: String,
    /// True where it breaks a promise (a bad signature, a start without approval), so that `verify` fails on it;
    /// false where two people merely did the same thing.
    pub violation: bool,
}

/// The last event of a writer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Head {
    pub seq: u64,
    pub event: EventId,
    pub by: Principal,
}

impl State {
    /// The run of this id.
    #[must_use]
    pub fn run(&self, id: &RunId) -> Option<&Run> {
        self.runs.iter().map(Arc::as_ref).find(|run| &run.id == id)
    }

    /// The runs that are not over.
    pub fn open_runs(&self) -> impl Iterator<Item = &Run> {
        self.runs
            .iter()
            .map(Arc::as_ref)
            .filter(|run| run.at.is_some())
    }

    /// The heads of all writers, sorted.
    #[must_use]
    pub fn heads(&self) -> Vec<EventId> {
        let mut heads: Vec<_> = self.writers.values().map(|head| head.event).collect();
        heads.sort_unstable();
        heads
    }

    /// Whether an artifact was taken out of the record.
    #[must_use]
    pub fn is_expunged(&self, digest: &Digest) -> bool {
        self.expunged
            .get(digest)
            .is_some_and(|expunged| expunged.done)
    }

    /// Overrides nobody else has looked at yet.
    pub fn owed_reviews(&self) -> impl Iterator<Item = &Overridden> {
        self.overrides
            .values()
            .map(Arc::as_ref)
            .filter(|over| over.review.is_none())
    }
}

impl Overridden {
    /// Whether its review is owed for longer than policy lets it be.
    #[must_use]
    pub fn is_late(&self, now: DateTime<Utc>) -> bool {
        self.review.is_none() && self.review_due.is_some_and(|due| now > due)
    }
}

impl Run {
    /// The state of a step.
    #[must_use]
    pub fn state(&self, step: &StepId) -> Option<&StepState> {
        self.steps.iter().find(|state| &state.id == step)
    }

    /// The step the run stands at, with its state.
    #[must_use]
    pub fn current(&self) -> Option<(&Step, &StepState)> {
        let id = self.at.as_ref()?;
        Some((self.book.step(id)?, self.state(id)?))
    }

    /// The values in clear, as text by name.
    #[must_use]
    pub fn plain(&self) -> BTreeMap<String, String> {
        self.values
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.text.clone()?)))
            .collect()
    }

    /// The names of the secret values.
    #[must_use]
    pub fn secrets(&self) -> BTreeSet<String> {
        self.values
            .iter()
            .filter(|(_, value)| value.text.is_none())
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// How many steps are done or skipped.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        let over = self
            .steps
            .iter()
            .filter(|step| matches!(step.status, Status::Done | Status::Skipped))
            .count();
        (over, self.steps.len())
    }
}

impl Crossing {
    /// Whether it closed the request of this try of this step.
    #[must_use]
    pub fn is_of(&self, step: &StepRef) -> bool {
        self.before
            .as_ref()
            .is_some_and(|request| request.record.step == *step)
    }
}

impl Request {
    /// Whether it still asks: not denied, withdrawn or used up. Says nothing of expiry.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.denied.is_none() && !self.withdrawn && self.consumed.is_none()
    }
}

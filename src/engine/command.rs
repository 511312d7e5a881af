//! What can be asked of the engine, and what it answers: events and effects, or a refusal.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, Utc};

use super::details::Details;
use super::event::{Draft, Fidelity};
use super::exec::{ExecRecord, PinnedPolicy, Purpose};
use super::exercise::Control;
use super::fact::{
    CitedLine, Evidence, ExerciseStarted, LibraryPin, Milestone, Outcome, PinnedRunbook, Revoked,
    Signed, Span, UpdateDelivered, UpdateUndelivered,
};
use super::ids::{EventId, RunId, StepRef};
use super::telling::Told;
use crate::evidence::Digest;
use crate::runbook::model::{LineClass, Role, Severity, StepId};
use crate::trust::{Mode, Principal};

/// Something a person, or a finished effect, asks for.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Command {
    StartIncident(Box<StartIncident>),
    StartRun(Box<StartRun>),
    AssignRole {
        who: Principal,
        role: Role,
    },
    SetSeverity(Severity),
    /// `at`: when it was reached; now if not given.
    Reach {
        milestone: Milestone,
        at: Option<DateTime<FixedOffset>>,
        fidelity: Fidelity,
    },
    Note {
        text: String,
        at: Option<DateTime<FixedOffset>>,
        /// Until when it went on, if it lasted.
        until: Option<DateTime<FixedOffset>>,
        fidelity: Fidelity,
        step: Option<StepKey>,
        details: Option<Box<Details>>,
    },
    /// Recorded together, in one write.
    Tell(Vec<Told>),
    /// A line of a log becomes an entry, at the time that stands in it.
    NoteLine {
        text: String,
        class: LineClass,
        at: Option<DateTime<FixedOffset>>,
        line: CitedLine,
    },
    Correct {
        event: EventId,
        text: String,
        reason: String,
    },
    Attach {
        evidence: Evidence,
        step: Option<StepKey>,
    },
    Claim {
        step: StepKey,
    },
    /// Start what runs: the step itself, its dry run, its roll back. `signed` is the consume statement where a
    /// checkpoint is passed. `secrets` are the HMACs of the secret values as the record will carry them.
    Start {
        step: StepKey,
        purpose: Purpose,
        secrets: BTreeMap<String, String>,
        signed: Option<Signed>,
    },
    /// What became of it.
    Finish {
        step: StepRef,
        purpose: Purpose,
        finished: Finished,
    },
    Done {
        step: StepKey,
        checklist: Vec<String>,
        note: Option<String>,
    },
    Choose {
        step: StepKey,
        label: String,
    },
    /// Secret answers are named only; their values stay with the process that asked.
    Answer {
        step: StepKey,
        answers: BTreeMap<String, String>,
        secrets: Vec<String>,
    },
    Skip {
        step: StepKey,
        reason: String,
    },
    Resolve {
        step: StepKey,
        outcome: Outcome,
        reason: Option<String>,
    },
    /// For all of these the statement was made by `checkpoint::prepare` from the same state and signed by the shell.
    Request {
        step: StepKey,
        purpose: Purpose,
        secrets: BTreeMap<String, String>,
        signed: Signed,
    },
    Withdraw {
        step: StepKey,
        signed: Signed,
    },
    Approve {
        step: StepKey,
        request: Digest,
        frontier: Vec<EventId>,
        signed: Signed,
    },
    Deny {
        step: StepKey,
        request: Digest,
        frontier: Vec<EventId>,
        signed: Signed,
    },
    Override {
        step: StepKey,
        purpose: Purpose,
        secrets: BTreeMap<String, String>,
        signed: Signed,
    },
    Delegate {
        step: StepKey,
        to: Principal,
    },
    /// What a newer commit of the own library no longer grants.
    Revoked {
        commit: String,
        revoked: Vec<Revoked>,
    },
    Adopt {
        policy: Box<OfferedPolicy>,
        signed: Signed,
    },
    Expunge {
        evidence: Digest,
        signed: Signed,
    },
    /// What had to reach the hub at once did not.
    Unreachable {
        about: EventId,
        why: String,
    },
    Review {
        overridden: EventId,
        accepted: bool,
        signed: Signed,
    },
    Update {
        audience: String,
        state: Option<String>,
        message: String,
        /// By when the next one is promised.
        next: Option<DateTime<Utc>>,
    },
    /// What became of an update on its way out.
    Delivered(Box<UpdateDelivered>),
    Undelivered(Box<UpdateUndelivered>),
    Exercise(Control),
    Close {
        signed: Signed,
    },
    Reopen {
        reason: String,
        signed: Signed,
    },
}

/// A step as people name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct StepKey {
    pub run: RunId,
    pub step: StepId,
}

/// A policy of the own library, as it is offered to an open incident.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct OfferedPolicy {
    pub policy: PinnedPolicy,
    pub policy_yaml: String,
    pub allowed_signers: String,
}

/// Everything the genesis needs.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct StartIncident {
    pub title: String,
    pub severity: Severity,
    pub mode: Mode,
    pub reference: Option<String>,
    pub alert: Option<String>,
    pub library: LibraryPin,
    pub policy: PinnedPolicy,
    pub policy_yaml: String,
    pub allowed_signers: String,
    /// What it is an exercise of, where its mode is that.
    pub exercise: Option<Box<ExerciseStarted>>,
    /// The first run, if any.
    pub run: Option<StartRun>,
}

/// Everything a run needs, gathered from the library beforehand.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct StartRun {
    pub runbook: PinnedRunbook,
    pub uses: Vec<PinnedRunbook>,
    pub inputs: BTreeMap<String, String>,
    pub secrets: Vec<String>,
}

/// How an effect ended.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Finished {
    /// `Unknown` where nobody saw the end; else the engine judges by `expect`.
    pub ran: Ran,
    pub started: DateTime<Utc>,
    pub ended: DateTime<Utc>,
    /// What it printed on standard output, bounded, for `outputs` and `expect`. Secrets are not redacted here.
    pub stdout: String,
    pub evidence: Vec<Evidence>,
}

/// What was seen of the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// It exited with this status.
    Exit(i32),
    /// A signal ended it.
    Signal(i32),
    /// It was ended for taking longer than its timeout.
    TimedOut,
    /// It could not be started at all, for this reason.
    NotStarted(String),
    /// It did not do all it had to, for this reason.
    Failed(String),
    /// Nobody saw.
    Lost,
}

/// What `decide` says to a command it accepts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decision {
    /// To be on disk, in this order, before anything else happens.
    pub events: Vec<Draft>,
    /// To be carried out after that.
    pub effects: Vec<Effect>,
}

/// Something to be done in the world. Its result comes back as a `Command`.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Effect {
    /// Run the record's script under a supervisor of its own.
    Execute(Arc<ExecRecord>),
    /// Pull these sources and come back with `Finish`.
    Collect {
        record: Arc<ExecRecord>,
        sources: Vec<Source>,
    },
    /// Wait, polling the record's script where it has one, and come back with `Finish`.
    Wait {
        record: Arc<ExecRecord>,
        every: u64,
        limit: Option<u64>,
    },
    /// In an exercise nothing runs: the script says what became of it.
    Simulate(Arc<ExecRecord>),
    /// Try again after so many seconds.
    Retry { step: StepKey, after: u64 },
    /// Somebody else should know now: ring.
    Notice(String),
}

/// One thing to collect.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Source {
    pub name: String,
    pub origin: Origin,
    /// Where it is; `None` is this machine.
    pub host: Option<String>,
    /// Only lines of this time.
    pub window: Option<Span>,
    /// Only so many bytes of its end.
    pub tail: Option<u64>,
    /// At most so many bytes of each file.
    pub limit: u64,
    /// Only lines that match.
    pub matching: Option<String>,
    /// Of stamps without an offset.
    pub zone: Option<String>,
    /// Instead of the one that is detected.
    pub format: Option<String>,
}

/// Where the lines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Origin {
    /// A path or pattern.
    File(String),
    /// A systemd unit.
    Journal(String),
    /// A script that prints them.
    Run(String),
}

impl Source {
    /// A file of this machine.
    #[must_use]
    pub fn file(name: &str, path: String) -> Self {
        Self {
            name: name.to_owned(),
            origin: Origin::File(path),
            host: None,
            window: None,
            tail: None,
            limit: super::collect::COLLECT_LIMIT,
            matching: None,
            zone: None,
            format: None,
        }
    }
}

/// A refusal: what is refused and why, in one sentence, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Refusal {
    /// What kind of refusal, for programs.
    pub kind: RefusalKind,
    /// The sentence.
    pub what: String,
    /// What can be done.
    pub hint: Option<String>,
}

/// The kinds of refusal; their words are part of `--json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum RefusalKind {
    NoSuchThing,
    WrongKind,
    WrongState,
    BadValue,
    Unsigned,
    NotTrusted,
    NotEligible,
    GateClosed,
    Changed,
    Expired,
    Denied,
    Replayed,
    BadSignature,
    Closed,
    Late,
}

impl Refusal {
    /// Without a hint.
    #[must_use]
    pub fn new(kind: RefusalKind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            hint: None,
        }
    }

    /// With one.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

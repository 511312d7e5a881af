//! What an event says happened. The names of the kinds and of their fields are the file format: never renamed, only added to.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::details::{Details, FollowupChange, FollowupKind, Origin, Relation};
use super::exec::{ExecRecord, PinnedPolicy, Purpose};
use super::exercise::{ClockChange, GivenLog, Sealed, SimClock};
use super::ids::{EventId, RunId, StepRef, WriterId};
use crate::evidence::Digest;
use crate::runbook::model::{LineClass, Role, RunbookId, Severity, StepId};
use crate::runbook::scenario::{Attachment, Means};
use crate::trust::Principal;

macro_rules! facts {
    ($($(#[$doc:meta])* $word:literal $variant:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        /// One fact. Each variant is one `kind` of event, its struct the `data`, which lies apart: most facts are small, and
        /// a record has many of them.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs)]
        pub enum Fact {
            $($(#[$doc])* $variant(Box<$variant>),)*
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            #[allow(missing_docs)]
            pub struct $variant {
                $($(#[$field_doc])* pub $field: $type,)*
            }

            impl From<$variant> for Fact {
                fn from(data: $variant) -> Self {
                    Self::$variant(Box::new(data))
                }
            }

            impl From<Box<$variant>> for Fact {
                fn from(data: Box<$variant>) -> Self {
                    Self::$variant(data)
                }
            }
        )*

        impl Fact {
            /// Every kind there is, in the order of this file.
            pub const KINDS: &'static [&'static str] = &[$($word),*];

            /// The `kind` of the event.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $word,)*
                }
            }

            /// The `data` of the event.
            ///
            /// # Errors
            /// Never for the facts of this file; the signature is that of the serializer.
            pub fn data(&self) -> Result<serde_json::Value, serde_json::Error> {
                match self {
                    $(Self::$variant(data) => serde_json::to_value(data),)*
                }
            }

            /// Reads `kind` and `data` back.
            ///
            /// # Errors
            /// When the kind is unknown (a newer runsheet wrote it) or the data are not of its form.
            pub fn read(kind: &str, data: &RawValue) -> Result<Self, UnreadableFact> {
                match kind {
                    $($word => serde_json::from_str(data.get()).map(Self::$variant)
                        .map_err(|error| UnreadableFact::Data { kind: $word, error: error.to_string() }),)*
                    other => Err(UnreadableFact::Kind(other.chars().take(80).collect())),
                }
            }
        }
    };
}

/// Why `kind` and `data` could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum UnreadableFact {
    #[error("unknown kind of event `{0}`: a newer runsheet wrote it")]
    Kind(String),
    #[error("{kind}: {error}")]
    Data { kind: &'static str, error: String },
}

facts! {
    /// The incident exists. Its event is the genesis of the record.
    "incident.started" IncidentStarted {
        title: String,
        severity: Severity,
        /// An outside number, like `PD-1234`.
        reference: Option<String>,
        /// The alert that started it.
        alert: Option<String>,
        library: LibraryPin,
        policy: PinnedPolicy,
        /// The texts the policy digest covers, so that the record can be verified by itself.
        policy_yaml: String,
        allowed_signers: String,
    }
    /// A walk through a runbook begins.
    "run.started" RunStarted {
        run: RunId,
        runbook: PinnedRunbook,
        /// Every runbook that this one uses, directly or not.
        uses: Vec<PinnedRunbook>,
        /// Values in clear.
        inputs: BTreeMap<String, String>,
        /// Names whose values are secret and not here.
        secrets: Vec<String>,
        /// The step of another run that uses this one.
        parent: Option<StepRef>,
    }
    /// Somebody has a duty in this incident. It says who does what and widens no right.
    "role.assigned" RoleAssigned { who: Principal, role: Role }
    /// How bad it is, from now on.
    "severity.changed" SeverityChanged { severity: Severity }
    /// A point on the way was reached, at `occurred_at`.
    "milestone.reached" MilestoneReached { milestone: Milestone }
    /// Free text.
    "note.added" NoteAdded {
        text: String,
        step: Option<StepRef>,
        /// What is said of it with it, as `entry.described` does later.
        details: Option<Box<Details>>,
    }
    /// A line of a log becomes an entry: what it says, at the time that stands in it.
    "line.noted" LineNoted { text: String, class: LineClass, line: CitedLine }
    /// What another event says was wrong, or is to be read so. The other event stays.
    "entry.corrected" EntryCorrected { corrects: EventId, text: String, reason: String }
    /// How an entry is to be classed, whom it is for, what it rests on. The entry itself stays.
    "entry.described" EntryDescribed { entry: EventId, details: Details }
    /// Two entries belong together, or are no longer said to.
    "entry.linked" EntryLinked { entry: EventId, other: EventId, relation: Relation, removed: bool }
    /// An entry of another record, brought in: a chat, a table, an export.
    "entry.imported" EntryImported { text: String, origin: Origin, details: Details }
    /// Something is to be done afterwards.
    "followup.opened" FollowupOpened {
        text: String,
        kind: FollowupKind,
        owner: Option<String>,
        due: Option<NaiveDate>,
        /// The entry it comes from.
        about: Option<EventId>,
    }
    /// Where it stands now.
    "followup.changed" FollowupChanged { followup: EventId, change: FollowupChange, note: Option<String> }
    /// A person decided, at `occurred_at`, what clocks of the law hang on: `aware`, `material`, `classified_major`.
    "decision.named" DecisionNamed { decision: String, reason: String }
    /// A stage of such a clock was met, at `occurred_at`.
    "stage.submitted" StageSubmitted { clock: String, stage: String, reference: Option<String> }
    /// An artifact was captured.
    "evidence.captured" EvidenceCaptured { evidence: Evidence, step: Option<StepRef> }
    /// A step is somebody's.
    "step.claimed" StepClaimed { step: StepRef }
    /// Intent: what is about to run. On disk before it runs.
    "step.started" StepStarted {
        record: ExecRecord,
        /// Why a step runs that is not the one the run stands at.
        out_of_order: bool,
    }
    /// Something that was started is over.
    "step.finished" StepFinished {
        step: StepRef,
        purpose: Purpose,
        outcome: Outcome,
        exit: Option<i32>,
        signal: Option<i32>,
        started: DateTime<Utc>,
        ended: DateTime<Utc>,
        outputs: BTreeMap<String, String>,
        /// Names of outputs that are secret and not here.
        secrets: Vec<String>,
        evidence: Vec<Evidence>,
        /// Why it counts as failed, or is unknown.
        problem: Option<String>,
    }
    /// A person did it and says so.
    "step.done" StepDone {
        step: StepRef,
        checklist: Vec<String>,
        /// Set when runsheet could not do this kind of step itself: its word.
        by_hand: Option<String>,
        note: Option<String>,
        out_of_order: bool,
    }
    /// A choice was made.
    "step.chosen" StepChosen { step: StepRef, label: String, suggested: Option<String>, out_of_order: bool }
    /// Questions were answered.
    "step.answered" StepAnswered { step: StepRef, answers: BTreeMap<String, String>, secrets: Vec<String>, out_of_order: bool }
    /// A step was not done.
    "step.skipped" StepSkipped {
        step: StepRef,
        reason: String,
        /// True where its `when` was not so, and nobody decided.
        automatic: bool,
    }
    /// A person says what became of a step whose outcome nobody saw, or lets the run go on after a failure.
    "step.resolved" StepResolved { step: StepRef, outcome: Outcome, reason: Option<String> }
    /// Somebody asks for the approvals of a step.
    "checkpoint.requested" CheckpointRequested { record: ExecRecord, signed: Signed }
    /// One distinct person says it may run.
    "checkpoint.approved" CheckpointApproved { step: StepRef, frontier: Vec<EventId>, signed: Signed }
    /// One person says it may not.
    "checkpoint.denied" CheckpointDenied { step: StepRef, frontier: Vec<EventId>, signed: Signed }
    /// Who asked takes the question back.
    "checkpoint.withdrawn" CheckpointWithdrawn { step: StepRef, signed: Signed }
    /// Somebody goes through without the approvals. Owes a review.
    "checkpoint.overridden" CheckpointOverridden { record: ExecRecord, signed: Signed }
    /// The approvals are used up by one execution.
    "checkpoint.consumed" CheckpointConsumed { step: StepRef, approvals: Vec<EventId>, signed: Signed }
    /// Another person has looked at an override.
    "override.reviewed" OverrideReviewed { overridden: EventId, events: Vec<EventId>, accepted: bool, signed: Signed }
    /// Somebody who is asked passes the question on. It narrows who is asked and widens nothing.
    "checkpoint.delegated" CheckpointDelegated { step: StepRef, to: Principal }
    /// What a newer commit of somebody's own library no longer grants: it counts no more from here on.
    "trust.revoked" TrustRevoked { commit: String, revoked: Vec<Revoked> }
    /// Another policy shall hold: the first word of the people it takes.
    "policy.proposed" PolicyProposed {
        policy: PinnedPolicy,
        /// The texts the policy digest covers.
        policy_yaml: String,
        allowed_signers: String,
        signed: Signed,
    }
    /// A further word for a proposed policy. With the last one it takes, the policy holds, and what was pending is void.
    "policy.seconded" PolicySeconded { proposed: EventId, signed: Signed }
    /// One person's word that an artifact is taken out; with the word of a second one it is. Its digest stays.
    "evidence.expunged" EvidenceExpunged { evidence: Digest, signed: Signed }
    /// What had to reach the hub at once did not.
    "hub.unreachable" HubUnreachable { about: EventId, why: String }
    /// A stakeholder update, as it was worded. What became of it on its way out is recorded by itself.
    "update.recorded" UpdateRecorded {
        audience: String,
        state: Option<String>,
        message: String,
        step: Option<StepRef>,
        /// By when the next one is promised.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<DateTime<Utc>>,
    }
    /// An update was taken by what is behind a channel.
    "update.delivered" UpdateDelivered {
        update: EventId,
        channel: String,
        /// The idempotency key, the same at each try.
        key: String,
        tries: u64,
        /// Exactly what left, after redaction.
        text: String,
    }
    /// An update was tried, and is tried no more unless somebody asks for it.
    "update.undelivered" UpdateUndelivered { update: EventId, channel: String, key: String, tries: u64, error: String }
    /// The record is complete up to these heads.
    "incident.closed" IncidentClosed { heads: Vec<EventId>, signed: Signed }
    /// It is open again.
    "incident.reopened" IncidentReopened { reason: String, heads: Vec<EventId>, signed: Signed }
    /// The incident is an exercise, by this script: what everybody may know of it, and the rest of it sealed.
    "exercise.started" ExerciseStarted {
        /// As the players see it; the script's own name may give it away.
        title: String,
        /// Tabletop, drill or functional.
        form: String,
        briefing: String,
        /// Said aloud, it means: this is real.
        code_word: String,
        abort: Vec<String>,
        clock: SimClock,
        /// Simulated seconds until it is over.
        length: u64,
        script: Sealed,
    }
    /// The simulated clock was set: it shows this from `recorded_at` on.
    "exercise.clock" ExerciseClock { change: ClockChange, clock: SimClock, to: Option<String> }
    /// A message of the script reaches the players.
    "exercise.injected" ExerciseInjected {
        inject: String,
        title: String,
        means: Means,
        from: String,
        /// Parts or duties; everybody where none is named.
        to: Vec<String>,
        message: String,
        attachments: Vec<Attachment>,
        /// When the script had it; `None` where somebody let it come.
        due: Option<DateTime<Utc>>,
    }
    /// What became of a started step, by the script: nothing ran.
    "exercise.answered" ExerciseAnswered {
        step: StepRef,
        purpose: Purpose,
        exit: Option<i32>,
        output: String,
        logs: Vec<GivenLog>,
        /// Why there is no result, where there is none.
        refused: Option<String>,
    }
    /// A rule refused somebody something.
    "exercise.refused" ExerciseRefused { step: Option<StepRef>, what: String }
    /// Something for the controllers alone, until the end.
    "exercise.sealed" ExerciseSealed { sealed: Sealed }
    /// What somebody thinks of it afterwards.
    "exercise.feedback" ExerciseFeedback { question: Option<String>, text: String }
    /// It is over, and what was sealed can be read with this key: 64 hex digits.
    "exercise.ended" ExerciseEnded { aborted: bool, reason: Option<String>, key: String }
    /// A journal was mended: bytes after the last whole line were put aside.
    "journal.recovered" JournalRecovered { writer: WriterId, bytes: u64, sha256: Digest, what: String }
}

impl Fact {
    /// The artifacts this fact brought into the record.
    #[must_use]
    pub fn evidence(&self) -> &[Evidence] {
        match self {
            Self::EvidenceCaptured(fact) => std::slice::from_ref(&fact.evidence),
            Self::StepFinished(fact) => &fact.evidence,
            _ => &[],
        }
    }
}

/// The library a record was started from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct LibraryPin {
    /// As the responder named it; a path or URL.
    pub source: String,
    pub commit: String,
    pub branch: Option<String>,
    pub author: String,
    pub date: DateTime<FixedOffset>,
    pub subject: String,
}

/// A runbook at the pinned commit, with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PinnedRunbook {
    pub id: RunbookId,
    pub commit: String,
    pub path: String,
    pub sha256: Digest,
    pub text: String,
    /// Who wrote the lines of each step, by git: addresses.
    pub authors: BTreeMap<StepId, Vec<String>>,
}

/// A statement and the detached signature over its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Signed {
    pub statement: String,
    /// Armoured SSHSIG.
    pub signature: String,
}

/// Something that no longer counts: a principal altogether, one key of theirs, or one role of the person behind them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Revoked {
    pub who: Principal,
    /// The fingerprint of the key, `SHA256:…`.
    pub key: Option<String>,
    pub role: Option<Role>,
}

impl Revoked {
    /// Whether this takes the ground from what that principal signed, with this key, in this role.
    #[must_use]
    pub fn takes(&self, who: &Principal, fingerprint: &str, role: Option<&Role>) -> bool {
        self.who == *who
            && match (&self.key, &self.role) {
                (Some(key), _) => key == fingerprint,
                (None, Some(gone)) => role == Some(gone),
                (None, None) => true,
            }
    }
}

/// How an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As expected.
    Succeeded,
    /// Not as expected.
    Failed,
    /// Nobody saw the end; a person has to say.
    Unknown,
}

/// A point every incident passes, or should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Milestone {
    Started,
    Detected,
    Acknowledged,
    Declared,
    Escalated,
    Contained,
    Mitigated,
    Eradicated,
    Recovered,
    Resolved,
    Closed,
}

impl Milestone {
    /// All, in the order they usually come.
    pub const ALL: [Self; 11] = [
        Self::Started,
        Self::Detected,
        Self::Acknowledged,
        Self::Declared,
        Self::Escalated,
        Self::Contained,
        Self::Mitigated,
        Self::Eradicated,
        Self::Recovered,
        Self::Resolved,
        Self::Closed,
    ];

    /// Its name in files and on screens.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Detected => "detected",
            Self::Acknowledged => "acknowledged",
            Self::Declared => "declared",
            Self::Escalated => "escalated",
            Self::Contained => "contained",
            Self::Mitigated => "mitigated",
            Self::Eradicated => "eradicated",
            Self::Recovered => "recovered",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
        }
    }

    /// The milestone of this name.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|milestone| milestone.word() == word)
    }
}

/// A line of a log that an entry rests on, so that anybody can look it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct CitedLine {
    /// The log it stands in: a path, or where the artifact came from.
    pub source: String,
    pub host: String,
    /// Its bytes with the line's end, half open: in the artifact where one is named, else in the source.
    pub range: (u64, u64),
    /// Of these bytes.
    pub sha256: Digest,
    /// The artifact of this record that it was read in.
    pub evidence: Option<Digest>,
}

/// A captured artifact. The bytes lie by their digest beside the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Evidence {
    /// Of the stored bytes, after redaction.
    pub sha256: Digest,
    pub size: u64,
    /// What it is called: `output of revoke#1`, `auth`, `screenshot.png`.
    pub name: String,
    /// Where it came from: a path, a command.
    pub source: String,
    pub host: String,
    /// Byte range of the source, half open.
    pub range: Option<(u64, u64)>,
    /// Of the bytes as they were read, before redaction.
    pub original_sha256: Option<Digest>,
    /// How many places were redacted.
    pub redacted: u64,
    /// Bytes that were not kept because of a limit.
    pub dropped: u64,
    pub collected_at: DateTime<Utc>,
    /// How it was pulled, if it is a log that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<Box<Pull>>,
}

/// How a log was pulled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Pull {
    /// Which bytes of which files; none where it was printed by a program.
    pub files: Vec<PulledFile>,
    /// The time that was wanted.
    pub window: Option<Span>,
    pub lines: u64,
    /// Bytes before redaction.
    pub original_size: u64,
    pub started: DateTime<Utc>,
    pub ended: DateTime<Utc>,
    /// Name and version of the program.
    pub tool: String,
    /// How the clock of the host was set, if it is another one and was asked.
    pub clock: Option<ClockSkew>,
    /// Why this is not all that was wanted.
    pub incomplete: Option<String>,
    /// Redacted places by the name of their rule.
    pub by_rule: BTreeMap<String, u64>,
}

/// Which bytes of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PulledFile {
    pub path: String,
    /// Its bytes when it was opened.
    pub size: u64,
    /// Half open; lines that do not match lie in them too. Of a packed file, of what came out of it.
    pub ranges: Vec<(u64, u64)>,
    /// Ranges that are not listed.
    pub more: u64,
}

/// Half open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Span {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// The clock of another host, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockSkew {
    /// So far it was ahead of the collector's; below zero it was behind.
    pub ahead: i64,
    /// So far from that it may be.
    pub within: u64,
}

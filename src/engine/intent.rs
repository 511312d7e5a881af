//! What a person wants, before anything is signed or gathered. Screen and command line speak this; the driver turns it
//! into a `Command`, signing a statement on the way where one is needed.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, FixedOffset, Utc};

use super::collect::Asked;
use super::command::StepKey;
use super::details::Details;
use super::event::Fidelity;
use super::exec::Purpose;
use super::exercise::Control;
use super::fact::{CitedLine, Milestone, Outcome};
use super::ids::EventId;
use super::telling::Told;
use crate::evidence::Digest;
use crate::runbook::model::{LineClass, Role, Severity};
use crate::trust::Principal;

/// One wish of one person in one incident.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Intent {
    AssignRole {
        who: Principal,
        role: Role,
    },
    SetSeverity(Severity),
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
    /// A file of this machine, captured as evidence.
    Attach {
        path: String,
        step: Option<StepKey>,
    },
    /// A key log of the run's runbook, captured as evidence outside of any step.
    CollectLog {
        log: String,
        asked: Asked,
    },
    Claim(StepKey),
    Start {
        step: StepKey,
        purpose: Purpose,
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
    Answer {
        step: StepKey,
        answers: BTreeMap<String, String>,
        secrets: BTreeMap<String, Secret>,
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
    /// `Run` or `RollBack`: what the approvals are asked for.
    Request {
        step: StepKey,
        purpose: Purpose,
    },
    Withdraw(StepKey),
    /// `request` is the digest of the execution record that was shown.
    Approve {
        step: StepKey,
        request: Digest,
    },
    Deny {
        step: StepKey,
        request: Digest,
        reason: String,
    },
    Override {
        step: StepKey,
        purpose: Purpose,
        reason: String,
    },
    /// Pass the question on to somebody else who may answer it.
    Delegate {
        step: StepKey,
        to: Principal,
    },
    /// Agree that the policy of the own library holds from here on, in this incident.
    Adopt {
        reason: Option<String>,
    },
    /// Agree that an artifact is taken out of the record.
    Expunge {
        evidence: Digest,
        reason: String,
    },
    Review {
        overridden: EventId,
        accepted: bool,
        reason: String,
    },
    Update {
        audience: String,
        state: Option<String>,
        message: String,
        /// By when the next one is promised.
        next: Option<DateTime<Utc>>,
    },
    Exercise(Control),
    Close,
    Reopen {
        reason: String,
    },
}

/// A secret value. It has no text form, so it cannot slip into a message, a log or the record.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

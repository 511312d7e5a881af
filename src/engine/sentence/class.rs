//! What kind of entry an event is on a timeline. Knows no wording.

use serde::{Deserialize, Serialize};

use crate::engine::details::Details;
use crate::engine::event::Event;
use crate::engine::fact::Fact;
use crate::runbook::model::LineClass;

/// What kind of entry an event is on a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Somebody did something about it.
    Response,
    /// Somebody chose between ways.
    Decision,
    /// A gate was asked for, opened, kept shut or gone through.
    Checkpoint,
    /// Something was captured.
    Evidence,
    /// Somebody was told.
    Comms,
    /// How bad it is.
    Impact,
    /// A point on the way was reached.
    Milestone,
    /// The other side did something.
    Adversary,
    /// runsheet itself did something.
    System,
    /// Free text.
    Note,
    /// An earlier entry is to be read otherwise.
    Correction,
    /// The script of an exercise.
    Exercise,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Response,
        Self::Decision,
        Self::Checkpoint,
        Self::Evidence,
        Self::Comms,
        Self::Impact,
        Self::Milestone,
        Self::Adversary,
        Self::System,
        Self::Note,
        Self::Correction,
        Self::Exercise,
    ];

    /// Its name in files and on screens.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Decision => "decision",
            Self::Checkpoint => "checkpoint",
            Self::Evidence => "evidence",
            Self::Comms => "comms",
            Self::Impact => "impact",
            Self::Milestone => "milestone",
            Self::Adversary => "adversary",
            Self::System => "system",
            Self::Note => "note",
            Self::Correction => "correction",
            Self::Exercise => "exercise",
        }
    }
}

fn said(details: Option<&Details>, otherwise: Class) -> Class {
    details
        .and_then(|details| details.class)
        .unwrap_or(otherwise)
}

/// The class of an entry that was a line of a log.
fn of_line(class: LineClass) -> Class {
    match class {
        LineClass::Note => Class::Note,
        LineClass::Adversary => Class::Adversary,
        LineClass::Impact => Class::Impact,
        LineClass::Response => Class::Response,
        LineClass::Comms => Class::Comms,
        LineClass::System => Class::System,
    }
}

/// The class of an event.
#[must_use]
pub fn class(event: &Event) -> Class {
    match &event.fact {
        Fact::IncidentStarted(_)
        | Fact::MilestoneReached(_)
        | Fact::IncidentClosed(_)
        | Fact::IncidentReopened(_) => Class::Milestone,
        Fact::SeverityChanged(_) => Class::Impact,
        Fact::NoteAdded(fact) => said(fact.details.as_deref(), Class::Note),
        Fact::LineNoted(line) => of_line(line.class),
        Fact::EntryImported(fact) => said(Some(&fact.details), Class::Note),
        Fact::EntryCorrected(_) | Fact::EntryDescribed(_) | Fact::EntryLinked(_) => {
            Class::Correction
        }
        Fact::FollowupOpened(_) | Fact::FollowupChanged(_) => Class::Response,
        Fact::DecisionNamed(_) => Class::Decision,
        Fact::StageSubmitted(_) => Class::Comms,
        Fact::EvidenceCaptured(_) | Fact::EvidenceExpunged(_) => Class::Evidence,
        Fact::StepChosen(_) => Class::Decision,
        Fact::StepSkipped(skipped) if skipped.automatic => Class::System,
        Fact::RunStarted(_)
        | Fact::RoleAssigned(_)
        | Fact::StepClaimed(_)
        | Fact::StepStarted(_)
        | Fact::StepFinished(_)
        | Fact::StepDone(_)
        | Fact::StepAnswered(_)
        | Fact::StepSkipped(_)
        | Fact::StepResolved(_) => Class::Response,
        Fact::CheckpointRequested(_)
        | Fact::CheckpointApproved(_)
        | Fact::CheckpointDenied(_)
        | Fact::CheckpointWithdrawn(_)
        | Fact::CheckpointOverridden(_)
        | Fact::CheckpointConsumed(_)
        | Fact::CheckpointDelegated(_)
        | Fact::OverrideReviewed(_)
        | Fact::TrustRevoked(_)
        | Fact::PolicyProposed(_)
        | Fact::PolicySeconded(_) => Class::Checkpoint,
        Fact::UpdateRecorded(_) => Class::Comms,
        Fact::ExerciseStarted(_)
        | Fact::ExerciseClock(_)
        | Fact::ExerciseInjected(_)
        | Fact::ExerciseAnswered(_)
        | Fact::ExerciseRefused(_)
        | Fact::ExerciseSealed(_)
        | Fact::ExerciseFeedback(_)
        | Fact::ExerciseEnded(_) => Class::Exercise,
        Fact::JournalRecovered(_)
        | Fact::HubUnreachable(_)
        | Fact::UpdateDelivered(_)
        | Fact::UpdateUndelivered(_) => Class::System,
    }
}

//! What waits for the person at this screen, over all incidents: the first lines of Home, the count in every header,
//! and the way to each of them. What is asked of others is none of it.

use chrono::{DateTime, FixedOffset};

use super::world::{IncidentRow, World};
use crate::engine::command::StepKey;
use crate::engine::exec::Purpose;
use crate::engine::{EventId, IncidentId};
use crate::evidence::Digest;
use crate::runbook::model::StepId;

/// One thing that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Waiting {
    pub what: Waits,
    /// Who asks, or whose doing it is.
    pub by: String,
    pub since: DateTime<FixedOffset>,
    /// Who passed it on to me.
    pub passed_by: Option<String>,
    /// The event that made it wait; the same question asked anew is another one.
    pub event: Option<EventId>,
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waits {
    /// An approval of this step, or of its way back.
    Approval(StepKey, Purpose),
    /// The review of an override of this step.
    Review(EventId, StepId),
    /// My word for a policy that was proposed in this event.
    Policy(EventId),
    /// My word for taking this artifact out.
    Expunge(Digest),
    /// A step I asked about, or its way back, which may run now.
    Ready(StepKey, Purpose),
    /// A step of my role, or one I claimed.
    Step(StepKey),
}

impl Waits {
    /// What to do, in two words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Approval(key, Purpose::RollBack) => format!("approve undo of {}", key.step),
            Self::Approval(key, _) => format!("approve {}", key.step),
            Self::Review(_, step) => format!("review {step}"),
            Self::Policy(_) => "agree to a policy".to_owned(),
            Self::Expunge(_) => "agree to expunge".to_owned(),
            Self::Ready(key, Purpose::RollBack) => format!("roll back {}", key.step),
            Self::Ready(key, _) => format!("run {}", key.step),
            Self::Step(key) => format!("do {}", key.step),
        }
    }

    /// How the footer says where Enter leads.
    #[must_use]
    pub fn leads(&self) -> String {
        match self {
            Self::Approval(key, _) => format!("see what {} asks", key.step),
            Self::Review(_, step) => format!("review the override of {step}"),
            Self::Policy(_) => "read the policy that is proposed".to_owned(),
            Self::Expunge(_) => "see what is to be taken out".to_owned(),
            Self::Ready(..) => format!("go and {} (approved)", self.words()),
            Self::Step(key) => format!("go and do {}", key.step),
        }
    }

    /// Whether somebody asked for it, so that its arrival is worth a sound.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        !matches!(self, Self::Ready(..) | Self::Step(_))
    }
}

/// A row of Home's list: something that waits, or an incident from which nothing does.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct OpenRow<'w> {
    pub incident: &'w IncidentRow,
    pub waiting: Option<&'w Waiting>,
}

impl OpenRow<'_> {
    /// What the row is about, whatever its place.
    #[must_use]
    pub fn name(&self) -> (IncidentId, Option<Waits>) {
        (
            self.incident.id.clone(),
            self.waiting.map(|waiting| waiting.what.clone()),
        )
    }
}

impl World {
    /// Everything that waits for me, with its incident; what was asked first comes first.
    #[must_use]
    pub fn inbox(&self) -> Vec<OpenRow<'_>> {
        let mut rows: Vec<_> = self
            .incidents
            .iter()
            .flat_map(|incident| {
                incident.waits.iter().map(move |waiting| OpenRow {
                    incident,
                    waiting: Some(waiting),
                })
            })
            .collect();
        let urgency = |row: &OpenRow<'_>| {
            row.waiting.map(|waiting| {
                let asked = !waiting.what.is_asked();
                (asked, waiting.since)
            })
        };
        rows.sort_by_key(urgency);
        rows
    }

    /// The rows of Home's list: the inbox, then the other incidents.
    #[must_use]
    pub fn open_rows(&self) -> Vec<OpenRow<'_>> {
        let mut rows = self.inbox();
        let others = self.incidents.iter().filter(|row| row.waits.is_empty());
        rows.extend(others.map(|incident| OpenRow {
            incident,
            waiting: None,
        }));
        rows
    }
}

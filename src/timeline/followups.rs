//! What is to be done afterwards, by whom and until when, as it stands after every change.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::{Deserialize, Serialize};

use super::shown;
use crate::engine::details::{FollowupKind, FollowupStatus};
use crate::engine::fact::Fact;
use crate::engine::{Event, EventId};
use crate::trust::Principal;

/// One follow-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Followup {
    /// The event that opened it; its name from then on.
    pub event: EventId,
    pub at: DateTime<FixedOffset>,
    pub by: Principal,
    pub status: FollowupStatus,
    pub kind: FollowupKind,
    pub text: String,
    pub owner: Option<String>,
    pub due: Option<NaiveDate>,
    /// The entry it comes from.
    pub about: Option<EventId>,
    /// What was said with each change, in order.
    pub notes: Vec<Said>,
}

/// A word about a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Said {
    pub at: DateTime<FixedOffset>,
    pub by: Principal,
    pub text: String,
}

impl Followup {
    /// Whether it is late on this day: open and due before it.
    #[must_use]
    pub fn is_overdue(&self, today: NaiveDate) -> bool {
        self.status == FollowupStatus::Open && self.due.is_some_and(|due| due < today)
    }
}

/// Those of a record, in the order they were asked for.
#[must_use]
pub fn followups(events: &[Arc<Event>]) -> Vec<Followup> {
    let mut all: Vec<Followup> = Vec::new();
    let mut places: HashMap<EventId, usize> = HashMap::new();
    for event in events {
        match &event.fact {
            Fact::FollowupOpened(fact) => {
                places.insert(event.id, all.len());
                all.push(Followup {
                    event: event.id,
                    at: event.occurred_at,
                    by: event.person.clone(),
                    status: FollowupStatus::Open,
                    kind: fact.kind,
                    text: shown(&fact.text),
                    owner: fact.owner.as_deref().map(shown),
                    due: fact.due,
                    about: fact.about,
                    notes: Vec::new(),
                });
            }
            Fact::FollowupChanged(fact) => {
                let place = places.get(&fact.followup).copied();
                let Some(one) = place.and_then(|at| all.get_mut(at)) else {
                    continue;
                };
                let change = &fact.change;
                one.status = change.status.unwrap_or(one.status);
                one.kind = change.kind.unwrap_or(one.kind);
                if let Some(text) = &change.text {
                    one.text = shown(text);
                }
                if let Some(owner) = &change.owner {
                    one.owner = Some(shown(owner));
                }
                one.due = change.due.or(one.due);
                one.notes.extend(fact.note.as_deref().map(|note| Said {
                    at: event.occurred_at,
                    by: event.person.clone(),
                    text: shown(note),
                }));
            }
            _ => {}
        }
    }
    all
}

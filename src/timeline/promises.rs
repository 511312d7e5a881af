//! What audiences were promised: by when they hear again. The last update for an audience counts; one that promises
//! nothing, or says that it is over, ends the promise before it. Knows no clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::engine::fact::Fact;
use crate::engine::{Event, EventId};
use crate::trust::Principal;

/// An audience waits for its next update.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Promise {
    pub audience: String,
    /// The update that promised it.
    pub update: EventId,
    pub by: Principal,
    pub next: DateTime<Utc>,
}

/// Every promise that stands, the one that is due first before the others.
#[must_use]
pub fn promises(events: &[Arc<Event>]) -> Vec<Promise> {
    let mut last = BTreeMap::new();
    for event in events {
        let Fact::UpdateRecorded(fact) = &event.fact else {
            continue;
        };
        let later = last
            .get(&fact.audience)
            .is_none_or(|(at, _)| *at <= event.told_at());
        if later {
            last.insert(fact.audience.clone(), (event.told_at(), (event, fact)));
        }
    }
    let mut promises: Vec<_> = last
        .into_values()
        .filter_map(|(_, (event, fact))| {
            Some(Promise {
                audience: fact.audience.clone(),
                update: event.id,
                by: event.person.clone(),
                next: fact
                    .next
                    .filter(|_| fact.state.as_deref() != Some("resolved"))?,
            })
        })
        .collect();
    promises.sort_by(|a, b| (a.next, &a.audience).cmp(&(b.next, &b.audience)));
    promises
}

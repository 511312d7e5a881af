//! What audiences were promised: by when they hear again. The next update for that audience keeps the promise; one that
//! says that it is over, and the end of the incident, end it. Knows no clock.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};

use super::{Timeline, Update};
use crate::engine::fact::{Fact, UpdateRecorded};
use crate::engine::sentence::span;
use crate::engine::{Event, EventId};
use crate::trust::Principal;

/// The state that promises nothing any more.
const OVER: &str = "resolved";

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
    let answers = answers(events);
    let mut promises: Vec<_> = told(events)
        .filter(|(event, fact)| {
            !answers.contains_key(&event.id) && fact.state.as_deref() != Some(OVER)
        })
        .filter_map(|(event, fact)| {
            Some(Promise {
                audience: fact.audience.clone(),
                update: event.id,
                by: event.person.clone(),
                next: fact.next?,
            })
        })
        .collect();
    promises.sort_by(|a, b| (a.next, &a.audience).cmp(&(b.next, &b.audience)));
    promises
}

fn told(events: &[Arc<Event>]) -> impl Iterator<Item = (&Arc<Event>, &UpdateRecorded)> {
    events.iter().filter_map(|event| match &event.fact {
        Fact::UpdateRecorded(fact) => Some((event, &**fact)),
        _ => None,
    })
}

/// When the audience of an update heard again, by update. The one that was recorded next counts.
pub(super) fn answers(events: &[Arc<Event>]) -> BTreeMap<EventId, DateTime<FixedOffset>> {
    let mut audiences: BTreeMap<&str, Vec<&Arc<Event>>> = BTreeMap::new();
    for (event, fact) in told(events) {
        audiences.entry(&fact.audience).or_default().push(event);
    }
    let mut answers = BTreeMap::new();
    for mut updates in audiences.into_values() {
        updates.sort_by_key(|event| event.told_at());
        let pairs = updates.windows(2);
        answers.extend(pairs.map(|pair| (pair[0].id, pair[1].occurred_at)));
    }
    answers
}

/// What became of the promise of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is this much time.
    Due(TimeDelta),
    /// Its time came so long ago, and nobody told them.
    Overdue(TimeDelta),
    /// They heard again by then.
    Kept,
    /// They heard again so much later.
    Late(TimeDelta),
    /// The incident was closed before its time came.
    Ended,
    /// The incident was closed, and they had not heard again.
    Missed,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Due(left) => write!(f, "in {}", span(*left)),
            Self::Overdue(by) => write!(f, "overdue by {}", span(*by)),
            Self::Kept => f.write_str("kept"),
            Self::Late(by) => write!(f, "{} late", span(*by)),
            Self::Ended => f.write_str("ended with the incident"),
            Self::Missed => f.write_str("never came"),
        }
    }
}

impl Standing {
    /// Whether they wait for it.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Due(_) | Self::Overdue(_))
    }

    /// Whether it was not kept.
    #[must_use]
    pub fn is_broken(self) -> bool {
        matches!(self, Self::Overdue(_) | Self::Late(_) | Self::Missed)
    }
}

impl Timeline {
    /// What became of the promise of an update by this moment, and by when it was to be kept; `None` where it promised
    /// nothing.
    #[must_use]
    pub fn promised(
        &self,
        update: &Update,
        now: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, Standing)> {
        let next = update.next?;
        let closed = self.header.closed.as_ref();
        let standing = match (update.answered, closed) {
            (Some(told), _) if told <= next => Standing::Kept,
            (Some(told), _) => Standing::Late(told.to_utc() - next),
            (None, _) if update.state.as_deref() == Some(OVER) => return None,
            (None, Some(closed)) if closed.at <= next => Standing::Ended,
            (None, Some(_)) => Standing::Missed,
            (None, None) if next <= now => Standing::Overdue(now - next),
            (None, None) => Standing::Due(next - now),
        };
        Some((next, standing))
    }

    /// When its last entry was recorded: the moment up to which it tells.
    #[must_use]
    pub fn told_until(&self) -> Option<DateTime<Utc>> {
        self.rows.iter().map(crate::timeline::Row::told_at).max()
    }
}

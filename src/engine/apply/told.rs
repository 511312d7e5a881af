//! Events that only tell something (notes, corrections, details, follow-ups), many at once. One of them changes nothing but
//! who has recorded how much, so of a stretch of them only the last of each person and writer has to be looked at.

use chrono::{DateTime, Utc};

use super::known;
use crate::engine::event::Event;
use crate::engine::fact::Fact;
use crate::engine::ids::IncidentId;
use crate::engine::state::State;
use crate::trust::Mode;

/// Whether an event is of a kind that moves nothing.
#[must_use]
pub fn only_tells(event: &Event) -> bool {
    matches!(
        event.fact,
        Fact::NoteAdded(_)
            | Fact::EntryDescribed(_)
            | Fact::EntryLinked(_)
            | Fact::EntryImported(_)
            | Fact::FollowupOpened(_)
            | Fact::FollowupChanged(_)
            | Fact::LineNoted(_)
            | Fact::EntryCorrected(_)
            | Fact::HubUnreachable(_)
            | Fact::JournalRecovered(_)
    )
}

/// Whether [`count`] does for such an event, after this state, what `apply` does. After closing, and while something may
/// cross, what an event knows is kept; one of another incident or mode is flagged.
#[must_use]
pub fn counts(state: &State, incident: &IncidentId, mode: Mode) -> bool {
    state.closed.is_none()
        && state.crossings.is_empty()
        && state
            .incident
            .as_deref()
            .is_none_or(|own| own.id == *incident && own.mode == mode)
}

/// The state after so many of them, the latest recorded at this time. `last` are the last event of each writer and person
/// among them, in order.
pub fn count<'a>(
    state: &mut State,
    events: u64,
    latest: Option<DateTime<Utc>>,
    last: impl IntoIterator<Item = &'a Event>,
) {
    state.count += events;
    state.latest = state.latest.max(latest);
    for event in last {
        known(state, event);
    }
}

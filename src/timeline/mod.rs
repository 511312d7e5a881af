//! What happened, for reading: the record as rows in the order things occurred, with what belongs together brought
//! together, and the figures that follow. Knows nothing of files, git, the terminal or the clock: the same events and
//! the same state give the same timeline.
//!
//! Every text in a [`Timeline`] has been through `evidence::escape`; a format only adds what its own syntax needs.

pub mod about;
pub mod audience;
pub mod checkpoints;
pub mod clocks;
pub mod export;
pub mod followups;
pub mod header;
pub mod import;
pub mod lessons;
pub mod lint;
pub mod metrics;
pub mod promises;
pub mod rows;
pub mod wording;
pub mod words;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::engine::{Event, State, apply};

pub use about::{About, Apart, Link, Origin};
pub use audience::{Audience, Audiences, Projection, Withheld};
pub use checkpoints::{Checkpoint, Override, Said};
pub use followups::Followup;
pub use header::Header;
pub use metrics::{Metrics, metrics};
pub use rows::{Captured, Choice, Correction, Gap, Row, Update};

/// How a timeline is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// A silence longer than this is a gap.
    pub gap: TimeDelta,
    /// An entry recorded longer than this after it occurred was recorded late.
    pub late: TimeDelta,
}

impl Default for Options {
    /// Gaps over ten minutes, late from one minute on.
    fn default() -> Self {
        Self {
            gap: TimeDelta::minutes(10),
            late: TimeDelta::minutes(1),
        }
    }
}

/// An incident for reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Timeline {
    /// For whom it was made, and what is left out; `None` where it is the whole record.
    pub audience: Option<Projection>,
    pub header: Header,
    pub metrics: Metrics,
    /// In the order things occurred.
    pub rows: Vec<Row>,
    pub gaps: Vec<Gap>,
    pub decisions: Vec<Choice>,
    /// In the order they were asked for.
    pub checkpoints: Vec<Checkpoint>,
    pub overrides: Vec<Override>,
    pub evidence: Vec<Captured>,
    pub updates: Vec<Update>,
    /// What is to be done afterwards, in the order it was asked for.
    pub followups: Vec<Followup>,
    /// What does not fit in the record, and how.
    pub flags: Vec<Flagged>,
}

/// An event that does not fit, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Flagged {
    pub event: crate::engine::EventId,
    pub by: crate::trust::Principal,
    pub what: String,
    /// True where it breaks a promise of the record.
    pub violation: bool,
}

/// What was known at a moment: the events that were recorded until then, in the same order, and what they fold to.
#[must_use]
pub fn as_of(events: &[Arc<Event>], at: DateTime<Utc>) -> (State, Vec<Arc<Event>>) {
    let known: Vec<_> = events
        .iter()
        .filter(|event| event.told_at() <= at)
        .map(Arc::clone)
        .collect();
    let state = known
        .iter()
        .fold(State::default(), |state, event| apply(state, event));
    (state, known)
}

/// The timeline of these events; `state` is what they fold to, and they stand in the order they were folded in.
#[must_use]
pub fn project(state: &State, events: &[Arc<Event>], options: Options) -> Timeline {
    let rows = rows::rows(state, events, options);
    let gaps = rows::gaps(&rows, options.gap);
    Timeline {
        audience: None,
        header: header::header(state, events),
        metrics: metrics(state, events, &rows),
        gaps,
        rows,
        decisions: rows::choices(state, events),
        checkpoints: checkpoints::checkpoints(state, events),
        overrides: checkpoints::overrides(state, events),
        evidence: rows::captured(state, events),
        updates: rows::updates(events),
        followups: followups::followups(events),
        flags: state
            .flags
            .iter()
            .map(|flag| Flagged {
                event: flag.event,
                by: flag.by.clone(),
                what: shown(&flag.what),
                violation: flag.violation,
            })
            .collect(),
    }
}

impl Timeline {
    /// Whether it is a drill; every export says so.
    #[must_use]
    pub fn is_exercise(&self) -> bool {
        self.header.mode == crate::trust::Mode::Exercise
    }

    /// Whether entries are left out of it.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.audience
            .as_ref()
            .is_some_and(|audience| audience.withheld.entries > 0)
    }

    /// How many overrides nobody else has looked at yet.
    #[must_use]
    pub fn reviews_owed(&self) -> usize {
        self.overrides
            .iter()
            .filter(|over| over.owes_review())
            .count()
    }
}

/// Foreign text as everything in a timeline is: white space made single spaces, escaped.
pub(crate) fn shown(text: &str) -> String {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    crate::evidence::escape::line(&words.join(" ")).into_owned()
}

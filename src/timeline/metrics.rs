//! The figures of an incident. Each comes with its formula, what it was computed from, and what is missing.

pub mod across;
mod impact;
mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

use super::rows::Row;
use super::words::{self, Word};
use crate::engine::event::Fidelity;
use crate::engine::fact::{Fact, Milestone};
use crate::engine::sentence;
use crate::engine::{Event, EventId, State};

pub(super) use impact::{IMPACT, impact};
pub use impact::{Impact, Interval};
pub use walk::{Budget, PhaseTime, StepTime, Walk};
pub(super) use walk::{PHASES, STEPS};

/// An entry recorded later than this after it occurred counts as late, in milliseconds.
const LATE: i64 = 60_000;

/// All figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Metrics {
    pub spans: Vec<Span>,
    #[serde(default)]
    pub impact: Impact,
    pub approvals: Approvals,
    pub recording: Recording,
    #[serde(default)]
    pub walk: Walk,
    /// What is odd about the milestones. Nothing is blocked because of it.
    pub warnings: Vec<String>,
}

/// The time between two milestones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Span {
    #[serde(deserialize_with = "words::figure")]
    pub name: Word,
    #[serde(deserialize_with = "words::figure")]
    pub meaning: Word,
    pub formula: String,
    pub from: Anchor,
    pub to: Anchor,
    /// `None` while a milestone is missing.
    pub millis: Option<i64>,
    pub missing: Vec<Milestone>,
    /// True where a milestone's time is a guess.
    pub estimated: bool,
}

/// A milestone as a figure uses it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Anchor {
    pub milestone: Milestone,
    pub at: Option<DateTime<FixedOffset>>,
    pub event: Option<EventId>,
}

/// How long requests waited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Approvals {
    #[serde(deserialize_with = "words::formula")]
    pub formula: Word,
    pub requests: Vec<Latency>,
    pub p50_millis: Option<i64>,
    #[serde(default)]
    pub p90_millis: Option<i64>,
    pub max_millis: Option<i64>,
}

/// How long one request waited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Latency {
    pub step: String,
    pub request: EventId,
    pub asked_at: DateTime<FixedOffset>,
    pub approved_at: Option<DateTime<FixedOffset>>,
    pub millis: Option<i64>,
}

/// How long after they occurred entries were recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Recording {
    #[serde(deserialize_with = "words::formula")]
    pub formula: Word,
    pub entries: usize,
    /// Recorded more than a minute after they occurred.
    pub late: usize,
    pub p50_millis: Option<i64>,
    #[serde(default)]
    pub p90_millis: Option<i64>,
    pub max_millis: Option<i64>,
}

/// How the latency of approvals is computed.
pub(super) const APPROVALS: &str = "last approval used (or, until used, last given) − request, for each request; p50 and p90 by nearest rank";
/// How the lag of recording is computed.
pub(super) const RECORDING: &str = "recorded − occurred, over all entries but imported ones and lines of logs; p50 and p90 by nearest rank; late is over one minute";

pub(super) const SPANS: [(&str, &str, Milestone, Milestone); 7] = [
    (
        "TTD",
        "time to detect",
        Milestone::Detected,
        Milestone::Started,
    ),
    (
        "TTA",
        "time to acknowledge",
        Milestone::Acknowledged,
        Milestone::Detected,
    ),
    (
        "TTDeclare",
        "time to declare",
        Milestone::Declared,
        Milestone::Detected,
    ),
    (
        "TTC",
        "time to contain",
        Milestone::Contained,
        Milestone::Detected,
    ),
    (
        "TTM",
        "time to mitigate",
        Milestone::Mitigated,
        Milestone::Detected,
    ),
    (
        "TTRec",
        "time to recover",
        Milestone::Recovered,
        Milestone::Started,
    ),
    (
        "TTRes",
        "time to resolve",
        Milestone::Resolved,
        Milestone::Detected,
    ),
];

/// The figures of these events; `state` is what they fold to, `rows` how they are to be read.
#[must_use]
pub fn metrics(state: &State, events: &[Arc<Event>], rows: &[Row]) -> Metrics {
    Metrics {
        spans: SPANS
            .iter()
            .map(|(name, meaning, to, from)| span(state, name, meaning, *from, *to))
            .collect(),
        impact: impact(state, rows),
        approvals: approvals(state, events),
        recording: recording(events),
        walk: walk::walk(state, events),
        warnings: warnings(state),
    }
}

fn span(
    state: &State,
    name: &'static str,
    meaning: &'static str,
    from: Milestone,
    to: Milestone,
) -> Span {
    let anchor = |milestone| {
        let reached = state.milestones.get(&milestone);
        Anchor {
            milestone,
            at: reached.map(|reached| reached.at),
            event: reached.map(|reached| reached.event),
        }
    };
    let (start, end) = (anchor(from), anchor(to));
    let guessed = |milestone| {
        state
            .milestones
            .get(&milestone)
            .is_some_and(|reached| reached.fidelity == Fidelity::Estimated)
    };
    Span {
        name,
        meaning,
        formula: format!("{} − {}", to.word(), from.word()),
        millis: start
            .at
            .zip(end.at)
            .map(|(start, end)| (end - start).num_milliseconds()),
        missing: [&end, &start]
            .into_iter()
            .filter(|anchor| anchor.at.is_none())
            .map(|anchor| anchor.milestone)
            .collect(),
        estimated: guessed(from) || guessed(to),
        from: start,
        to: end,
    }
}

pub(super) fn approvals(state: &State, events: &[Arc<Event>]) -> Approvals {
    let times: BTreeMap<EventId, DateTime<FixedOffset>> = events
        .iter()
        .filter(|event| matches!(event.fact, Fact::CheckpointApproved(_)))
        .map(|event| (event.id, event.occurred_at))
        .collect();
    let requests: Vec<_> = super::checkpoints::checkpoints(state, events)
        .into_iter()
        .map(|checkpoint| {
            let given = checkpoint
                .answers
                .iter()
                .filter(|said| said.decision == "approve" && said.problems.is_empty())
                .map(|said| said.at)
                .max();
            let used = checkpoint.used.iter().filter_map(|id| times.get(id)).max();
            let approved_at = used.copied().or(given);
            Latency {
                step: checkpoint.step,
                request: checkpoint.request.event,
                asked_at: checkpoint.request.at,
                approved_at,
                millis: approved_at.map(|at| (at - checkpoint.request.at).num_milliseconds()),
            }
        })
        .collect();
    let [p50_millis, p90_millis, max_millis] =
        ranks(requests.iter().filter_map(|request| request.millis));
    Approvals {
        formula: APPROVALS,
        requests,
        p50_millis,
        p90_millis,
        max_millis,
    }
}

impl Approvals {
    /// Leaves out the requests that are not to be counted.
    pub(super) fn keep(&mut self, which: impl Fn(&Latency) -> bool) {
        self.requests.retain(which);
        [self.p50_millis, self.p90_millis, self.max_millis] =
            ranks(self.requests.iter().filter_map(|request| request.millis));
    }
}

fn recording(events: &[Arc<Event>]) -> Recording {
    // What is imported or stands in a log was written down elsewhere, in its own time.
    let own = events
        .iter()
        .filter(|event| !matches!(event.fact, Fact::EntryImported(_) | Fact::LineNoted(_)));
    let lags: Vec<i64> = own
        .map(|event| (event.told_at() - event.occurred_at.to_utc()).num_milliseconds())
        .collect();
    let [p50_millis, p90_millis, max_millis] = ranks(lags.iter().copied());
    Recording {
        formula: RECORDING,
        entries: lags.len(),
        late: lags.iter().filter(|lag| **lag > LATE).count(),
        p50_millis,
        p90_millis,
        max_millis,
    }
}

/// The median, the ninetieth percentile (both by nearest rank) and the most.
pub(super) fn ranks(values: impl Iterator<Item = i64>) -> [Option<i64>; 3] {
    let mut values: Vec<i64> = values.collect();
    values.sort_unstable();
    [50, 90, 100].map(|percent| {
        let rank = (values.len() * percent).div_ceil(100).checked_sub(1)?;
        values.get(rank).copied()
    })
}

/// The usual order. Containing, mitigating and eradicating come in any order, and escalating at any time.
fn rank(milestone: Milestone) -> Option<u8> {
    match milestone {
        Milestone::Started => Some(0),
        Milestone::Detected => Some(1),
        Milestone::Acknowledged => Some(2),
        Milestone::Declared => Some(3),
        Milestone::Escalated => None,
        Milestone::Contained | Milestone::Mitigated | Milestone::Eradicated => Some(4),
        Milestone::Recovered => Some(5),
        Milestone::Resolved => Some(6),
        Milestone::Closed => Some(7),
    }
}

/// For each milestone that lies before one that should come first: the latest such.
fn warnings(state: &State) -> Vec<String> {
    let reached = &state.milestones;
    Milestone::ALL
        .into_iter()
        .filter_map(|later| {
            let at = reached.get(&later)?.at;
            let (before, much) = Milestone::ALL
                .into_iter()
                .filter(|earlier| rank(*earlier) < rank(later) && rank(*earlier).is_some())
                .filter_map(|earlier| Some((earlier, reached.get(&earlier)?.at - at)))
                .filter(|(_, ahead)| ahead.num_milliseconds() > 0)
                .max_by_key(|(_, ahead)| *ahead)?;
            Some(format!(
                "odd order: {} is {} before {}",
                later.word(),
                sentence::span(much),
                before.word()
            ))
        })
        .collect()
}

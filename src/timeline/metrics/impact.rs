//! How long somebody was hit: the union of what entries of class `impact` say, so that what overlaps counts once.

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};

use super::super::rows::Row;
use super::super::words::{self, Word};
use crate::engine::details::Relation;
use crate::engine::event::Fidelity;
use crate::engine::fact::Milestone;
use crate::engine::sentence::Class;
use crate::engine::{EventId, State};

/// How the length of the impact is computed.
pub(in crate::timeline) const IMPACT: &str = "union of the times of entries of class impact, overlaps counted once; one without an end lasts until recovered, else until resolved";

/// How long somebody was hit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Impact {
    #[serde(deserialize_with = "words::formula")]
    pub formula: Word,
    /// In order, none touching another.
    pub intervals: Vec<Interval>,
    /// `None` while nothing says when somebody was hit, or until when.
    pub millis: Option<i64>,
    /// True where an end is that of a milestone, or a time is a guess.
    pub estimated: bool,
    /// What would have to be recorded, in words.
    pub missing: Vec<String>,
}

/// A time in which somebody was hit, and the entries that say so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Interval {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub entries: Vec<EventId>,
}

impl Default for Impact {
    /// Nothing is said of it.
    fn default() -> Self {
        Self {
            formula: IMPACT,
            intervals: Vec::new(),
            millis: None,
            estimated: false,
            missing: vec!["an entry of class impact".to_owned()],
        }
    }
}

/// Whether an entry says when somebody was hit. A change of severity says how bad it is, not when.
fn tells(row: &Row) -> bool {
    let told_elsewhere =
        |link: &super::super::Link| link.relation == Relation::Duplicate && !link.first;
    row.class == Class::Impact
        && row.kind != "severity.changed"
        && !row.links.iter().any(told_elsewhere)
}

pub(in crate::timeline) fn impact(state: &State, rows: &[Row]) -> Impact {
    let end = [Milestone::Recovered, Milestone::Resolved]
        .into_iter()
        .find_map(|milestone| state.milestones.get(&milestone))
        .map(|reached| reached.at);
    let mut out = Impact {
        missing: Vec::new(),
        ..Impact::default()
    };
    let mut endless = 0;
    let mut told = Vec::new();
    for row in rows.iter().filter(|row| tells(row)) {
        out.estimated |= row.fidelity == Fidelity::Estimated || row.occurred_until.is_none();
        match row
            .occurred_until
            .or(end)
            .filter(|end| *end >= row.occurred_at)
        {
            Some(to) => told.push((row.occurred_at, to, row.event)),
            None => endless += 1,
        }
    }
    if told.is_empty() && endless == 0 {
        return Impact::default();
    }
    if endless > 0 {
        let entries = if endless == 1 { "entry" } else { "entries" };
        out.missing
            .push(format!("the end of {endless} {entries} of class impact"));
    }
    out.intervals = union(told);
    let whole = out
        .intervals
        .iter()
        .map(|one| (one.to - one.from).num_milliseconds())
        .sum();
    out.millis = (endless == 0).then_some(whole);
    out
}

type Told = (DateTime<FixedOffset>, DateTime<FixedOffset>, EventId);

/// Intervals that touch or overlap made one.
fn union(mut told: Vec<Told>) -> Vec<Interval> {
    told.sort_by_key(|(from, to, _)| (from.to_utc(), to.to_utc()));
    let mut all: Vec<Interval> = Vec::new();
    for (from, to, entry) in told {
        match all.last_mut() {
            Some(last) if from.to_utc() <= last.to => {
                last.to = last.to.max(to.to_utc());
                last.entries.push(entry);
            }
            _ => all.push(Interval {
                from: from.to_utc(),
                to: to.to_utc(),
                entries: vec![entry],
            }),
        }
    }
    all
}

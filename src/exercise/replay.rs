//! An old incident to walk through again: the points at which somebody decided or did something, what was known right
//! then, and what they did. Knowledge goes by the time of recording, so nobody is shown what came to be known later.
//! Every text is fit to be shown.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::engine::exec::Purpose;
use crate::engine::{Event, Fact, State, apply, sentence};
use crate::timeline::shown;
use crate::timeline::wording::sentence_among;

/// Entries that are shown of what is known, unless somebody says otherwise.
pub const ENTRIES: usize = 5;

/// One point of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Point {
    /// Time since the incident was started, in milliseconds.
    pub since_ms: i64,
    /// When the last thing was recorded that was known.
    pub now: DateTime<Utc>,
    pub known: Known,
    /// What was then done, in the order it was.
    pub did: Vec<String>,
    pub did_at: DateTime<Utc>,
    /// How long after `now`, in milliseconds.
    pub after_ms: i64,
}

/// What there was to know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Known {
    pub severity: Option<&'static str>,
    /// The milestones that were reached, in their usual order.
    pub milestones: Vec<&'static str>,
    /// The steps that runs stood at.
    pub steps: Vec<String>,
    /// Questions for approval that were open.
    pub gates: Vec<String>,
    /// The last entries, the newest at the end.
    pub entries: Vec<Entry>,
}

/// One entry of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Entry {
    pub at: DateTime<Utc>,
    pub text: String,
}

/// The points of these events, which are in the order of the record; so many entries are kept of what was known.
#[must_use]
pub fn points(events: &[Arc<Event>], entries: usize) -> Vec<Point> {
    let mut told: Vec<&Arc<Event>> = events.iter().collect();
    // As they were recorded: what somebody else wrote down meanwhile, and what had not arrived yet, is known as well.
    told.sort_by_key(|event| event.told_at());
    let Some(start) = told.first().map(|event| event.told_at()) else {
        return Vec::new();
    };
    let mut points: Vec<Point> = Vec::new();
    let mut state = State::default();
    let mut last: Option<DateTime<Utc>> = None;
    for (index, event) in told.iter().enumerate() {
        let at = event.told_at();
        let sentence = || shown(&sentence_among(event, events));
        if is_act(&event.fact) {
            match (points.last_mut(), last) {
                // One act may be several entries.
                (Some(point), Some(last)) if last == at && point.did_at == at => {
                    point.did.push(sentence());
                }
                (_, Some(last)) => points.push(Point {
                    since_ms: millis(last - start),
                    now: last,
                    known: known(&state, &told[..index], events, entries),
                    did: vec![sentence()],
                    did_at: at,
                    after_ms: millis(at - last),
                }),
                _ => {}
            }
        }
        state = apply(state, event);
        last = Some(at);
    }
    points
}

fn millis(span: TimeDelta) -> i64 {
    span.num_milliseconds().max(0)
}

/// Whether somebody decided or did something.
fn is_act(fact: &Fact) -> bool {
    match fact {
        Fact::StepStarted(_)
        | Fact::StepDone(_)
        | Fact::StepChosen(_)
        | Fact::StepAnswered(_)
        | Fact::StepResolved(_)
        | Fact::CheckpointRequested(_)
        | Fact::CheckpointApproved(_)
        | Fact::CheckpointDenied(_)
        | Fact::CheckpointWithdrawn(_)
        | Fact::CheckpointOverridden(_)
        | Fact::MilestoneReached(_)
        | Fact::SeverityChanged(_)
        | Fact::DecisionNamed(_)
        | Fact::StageSubmitted(_) => true,
        Fact::StepSkipped(fact) => !fact.automatic,
        // A step that tells somebody was started.
        Fact::UpdateRecorded(fact) => fact.step.is_none(),
        _ => false,
    }
}

fn known(state: &State, told: &[&Arc<Event>], events: &[Arc<Event>], entries: usize) -> Known {
    let from = told.len().saturating_sub(entries);
    let newest = told.get(from..).unwrap_or_default();
    Known {
        severity: state.severity.map(sentence::severity),
        milestones: state.milestones.keys().map(|one| one.word()).collect(),
        steps: state
            .open_runs()
            .filter_map(|run| {
                let (step, _) = run.current()?;
                Some(shown(&format!("{}: {}", step.id, step.title)))
            })
            .collect(),
        gates: gates(state),
        entries: newest
            .iter()
            .map(|event| Entry {
                at: event.told_at(),
                text: shown(&sentence_among(event, events)),
            })
            .collect(),
    }
}

/// Which questions were open, and how many said yes.
fn gates(state: &State) -> Vec<String> {
    let steps = state.runs.iter().flat_map(|run| &run.steps);
    let open = steps.filter_map(|step| step.request.as_deref().filter(|request| request.is_open()));
    open.map(|request| {
        let step = &request.record.step;
        let what = match request.record.exec.purpose {
            Purpose::RollBack => "rolling back ",
            _ => "",
        };
        let by = sentence::local(&request.by);
        shown(&format!(
            "{what}{}, asked by {by}, approved by {}",
            sentence::name(step),
            request.approvals.len()
        ))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_points() {
        assert_eq!(points(&[], ENTRIES), Vec::new());
    }
}

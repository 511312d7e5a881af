//! What crossed on the way: an execution that used up its approvals before its host had heard of a denial, a new
//! request, a revocation. It broke no promise, and it happened.

use std::sync::Arc;

use super::gate::step_mut;
use crate::engine::checkpoint::{CLOCK_SKEW_SECONDS, judge};
use crate::engine::event::Event;
use crate::engine::fact::CheckpointConsumed;
use crate::engine::ids::StepRef;
use crate::engine::state::{Crossing, Incident, Request, State};

/// For so long somebody away from the hub may honestly not have heard that trust changed.
const UNHEARD: chrono::TimeDelta = chrono::TimeDelta::hours(24);

/// Every event that knows of a crossing is noted; one that no approval can outlive is forgotten.
pub(super) fn follow(state: &mut State, event: &Event) {
    state
        .crossings
        .retain(|crossing| event.told_at() <= crossing.until);
    for crossing in &mut state.crossings {
        if knows(event, crossing) {
            Arc::make_mut(crossing).known.insert(event.id);
        }
    }
}

fn knows(event: &Event, crossing: &Crossing) -> bool {
    event.parents().any(|id| crossing.known.contains(&id))
}

/// Keeps the incident as it was before this event changes who is trusted in it.
pub(super) fn trust_moves(state: &mut State, event: &Event) {
    if let Some(incident) = state.incident.clone() {
        state.crossings.push(Arc::new(Crossing {
            before: None,
            incident,
            known: [event.id].into(),
            until: event.told_at() + UNHEARD,
        }));
    }
}

/// The incident as it was before each change of trust that this event has not heard of.
pub(super) fn unheard<'a>(
    state: &'a State,
    event: &'a Event,
) -> impl Iterator<Item = &'a Incident> {
    let moves = state
        .crossings
        .iter()
        .filter(|crossing| crossing.before.is_none());
    moves
        .filter(|crossing| !knows(event, crossing))
        .map(|crossing| crossing.incident.as_ref())
}

/// Keeps the request of a step as it was before this event closes it, for as long as its approvals hold.
pub(super) fn keep(state: &mut State, event: &Event, step: &StepRef) {
    let Some(incident) = state.incident.clone() else {
        return;
    };
    let Some(request) = step_mut(state, step).and_then(|at| at.request.clone()) else {
        return;
    };
    let until = request
        .approvals
        .iter()
        .filter_map(|approval| approval.statement.not_after)
        .max();
    let (Some(until), true) = (until, request.is_open()) else {
        return;
    };
    state.crossings.push(Arc::new(Crossing {
        before: Some(request),
        incident,
        known: [event.id].into(),
        until: until + chrono::TimeDelta::seconds(CLOCK_SKEW_SECONDS),
    }));
}

/// The same for every open request that fits.
pub(super) fn all_open(state: &mut State, event: &Event, fits: impl Fn(&Request) -> bool) {
    let steps: Vec<_> = state
        .runs
        .iter()
        .flat_map(|run| run.steps.iter())
        .filter_map(|at| at.request.as_deref())
        .filter(|request| request.is_open() && fits(request))
        .map(|request| request.record.step.clone())
        .collect();
    for step in steps {
        keep(state, event, &step);
    }
}

/// Whether this consumption holds by what its host knew: then the request as it knew it, and the nonce it spent.
pub(super) fn consumed(
    state: &State,
    event: &Event,
    fact: &CheckpointConsumed,
) -> Option<(Arc<Request>, judge::Judged)> {
    let unaware = |crossing: &&Arc<Crossing>| crossing.is_of(&fact.step) && !knows(event, crossing);
    state.crossings.iter().filter(unaware).find_map(|crossing| {
        let before = crossing.before.as_ref()?;
        let mut then = state.clone();
        then.incident = Some(Arc::clone(&crossing.incident));
        step_mut(&mut then, &fact.step)?.request = Some(Arc::clone(before));
        if !super::fits::is_executor(&before.record, event) {
            return None;
        }
        judge::consume(
            &then,
            &fact.step,
            &fact.approvals,
            &fact.signed,
            &event.person,
            event.told_at(),
        )
        .ok()
        .map(|judged| (Arc::clone(before), judged))
    })
}

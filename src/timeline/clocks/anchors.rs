//! What a record says that clocks hang on: named decisions, milestones, stages that were met.

use super::{Anchor, Anchors, Decision};
use crate::engine::State;
use crate::engine::state::Reached;
use crate::timeline::shown;

/// The anchors of an incident. A decision whose name no clock can have is left out.
#[must_use]
pub fn anchors(state: &State) -> Anchors {
    let mut anchors = Anchors::default();
    for (name, reached) in &state.decisions {
        if let Ok(decision) = name.parse::<Decision>() {
            anchors.decisions.insert(decision, anchor(reached));
        }
    }
    for (milestone, reached) in &state.milestones {
        anchors.milestones.insert(milestone.word(), anchor(reached));
    }
    for (stage, times) in &state.submitted {
        let times = times.iter().map(anchor).collect();
        anchors.submissions.insert(stage.clone(), times);
    }
    anchors
}

fn anchor(reached: &Reached) -> Anchor {
    Anchor {
        at: reached.at,
        by: shown(reached.by.as_str()),
        event: reached.event.to_string(),
    }
}

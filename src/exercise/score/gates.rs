//! What happened at checkpoints: how long answers took, and what was refused.

use super::{Latency, Refused};
use crate::engine::fact::Signed;
use crate::engine::sentence::said;
use crate::engine::{Event, Fact, State, StepRef};
use crate::exercise::Progress;

/// What an answer is to: a step, and the request it names.
struct Asked {
    step: StepRef,
    request: String,
    place: usize,
}

/// How long each request waited for its first answer, in the order asked.
pub(super) fn decisions(progress: &Progress) -> Vec<Latency> {
    let mut all: Vec<Latency> = Vec::new();
    let mut open: Vec<Asked> = Vec::new();
    for event in progress.events() {
        let at = event.told_at();
        let (step, signed, answer): (&StepRef, &Signed, _) = match &event.fact {
            Fact::CheckpointRequested(fact) => {
                // Who asks anew waits for that.
                open.retain(|asked| asked.step != fact.record.step);
                open.push(Asked {
                    step: fact.record.step.clone(),
                    request: fact.record.digest().to_string(),
                    place: all.len(),
                });
                all.push(Latency {
                    step: fact.record.step.to_string(),
                    asked: at,
                    millis: None,
                    answer: None,
                });
                continue;
            }
            Fact::CheckpointApproved(fact) => (&fact.step, &fact.signed, "approved"),
            Fact::CheckpointDenied(fact) => (&fact.step, &fact.signed, "denied"),
            Fact::CheckpointWithdrawn(fact) => (&fact.step, &fact.signed, "withdrawn"),
            Fact::CheckpointOverridden(fact) => (&fact.record.step, &fact.signed, "overridden"),
            _ => continue,
        };
        let named = said(signed, "request");
        let found = open.iter().position(|asked| {
            asked.step == *step
                && (answer == "overridden"
                    || named.as_ref().is_none_or(|name| *name == asked.request))
        });
        let Some(asked) = found.map(|found| open.swap_remove(found)) else {
            continue;
        };
        if let Some(latency) = all.get_mut(asked.place) {
            latency.millis = Some((at - latency.asked).num_milliseconds());
            latency.answer = Some(answer);
        }
    }
    all
}

/// The duty somebody acted in: the one they named, else the first they have.
pub(in crate::exercise) fn duty(state: &State, event: &Event) -> Option<String> {
    let has = || state.roles.get(&event.person)?.first().cloned();
    let role = event.role.clone().or_else(has);
    role.map(|role| role.to_string())
}

/// What was refused, in the order of the record.
pub(super) fn refused(state: &State, progress: &Progress) -> Vec<Refused> {
    progress
        .events()
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::ExerciseRefused(fact) => Some(Refused {
                at: event.told_at(),
                role: duty(state, event),
                step: fact.step.as_ref().map(|step| step.step.to_string()),
                what: fact.what.clone(),
            }),
            _ => None,
        })
        .collect()
}

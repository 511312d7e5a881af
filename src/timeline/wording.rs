//! The sentence of an event with what only another event says: an answer is to a question, and the question may have been
//! whether a step is rolled back. The subject of a commit follows from its one event alone and cannot say it.

use std::sync::Arc;

use crate::engine::exec::Purpose;
use crate::engine::fact::Fact;
use crate::engine::{Event, StepRef, sentence};

/// What stands before the name of the step.
const BEFORE: [&str; 6] = [
    " approved ",
    " denied ",
    " withdrew the request for ",
    " passed the checkpoint of ",
    " opened the checkpoint of ",
    " passed the question about ",
];

/// The sentence of this one of these events, which are in the order of the record.
#[must_use]
pub fn sentence_among(event: &Event, events: &[Arc<Event>]) -> String {
    let text = sentence::sentence(event);
    let Some(step) = answers(&event.fact) else {
        return text;
    };
    let asked = events
        .iter()
        .rev()
        .skip_while(|other| other.id != event.id)
        .find_map(|other| request(&other.fact).filter(|(of, _)| *of == step));
    worded(text, &event.fact, asked.map(|(_, purpose)| purpose))
}

/// These words with what was asked about, where it was a roll back. An override brings its own purpose.
pub(super) fn worded(text: String, fact: &Fact, asked: Option<Purpose>) -> String {
    let purpose = match fact {
        Fact::CheckpointOverridden(fact) => Some(fact.record.exec.purpose),
        _ => asked,
    };
    // The first of them is the sentence's own; others may stand in a reason.
    let found = BEFORE
        .iter()
        .filter_map(|before| Some((text.find(before)?, before.len())));
    match (purpose, found.min()) {
        (Some(Purpose::RollBack), Some((at, length))) => {
            let (head, tail) = text.split_at(at + length);
            format!("{head}rolling back {tail}")
        }
        _ => text,
    }
}

/// The step that an answer, or what follows from answers, is about.
pub(super) fn answers(fact: &Fact) -> Option<&StepRef> {
    match fact {
        Fact::CheckpointApproved(fact) => Some(&fact.step),
        Fact::CheckpointDenied(fact) => Some(&fact.step),
        Fact::CheckpointWithdrawn(fact) => Some(&fact.step),
        Fact::CheckpointConsumed(fact) => Some(&fact.step),
        Fact::CheckpointDelegated(fact) => Some(&fact.step),
        Fact::CheckpointOverridden(fact) => Some(&fact.record.step),
        _ => None,
    }
}

/// The step and purpose of a request.
pub(super) fn request(fact: &Fact) -> Option<(&StepRef, Purpose)> {
    match fact {
        Fact::CheckpointRequested(fact) => Some((&fact.record.step, fact.record.exec.purpose)),
        _ => None,
    }
}

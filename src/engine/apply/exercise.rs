//! What the events of an exercise change: its clock, what has come, what steps were answered with, its end. Whatever
//! comes from somebody who does not conduct it is flagged and changes nothing.

use std::sync::Arc;

use super::{conflict, reached, violation};
use crate::engine::command::{Refusal, RefusalKind};
use crate::engine::decide::exercise::{conducts, controls};
use crate::engine::event::Event;
use crate::engine::exercise::{ClockChange, Ended, Exercise};
use crate::engine::fact::{
    ExerciseAnswered, ExerciseClock, ExerciseEnded, ExerciseInjected, ExerciseSealed,
    ExerciseStarted, Fact, StepFinished,
};
use crate::engine::state::State;
use crate::trust::Mode;

pub(super) fn moved(state: &mut State, event: &Event) {
    if state.exercise.is_none() && !matches!(event.fact, Fact::ExerciseStarted(_)) {
        let what = "it is of an exercise, and nothing of one has begun";
        violation(state, event, &Refusal::new(RefusalKind::WrongKind, what));
        return;
    }
    match &event.fact {
        Fact::ExerciseStarted(fact) => started(state, event, fact),
        Fact::ExerciseClock(fact) => clock(state, event, fact),
        Fact::ExerciseInjected(fact) => injected(state, event, fact),
        Fact::ExerciseAnswered(fact) => answered(state, event, fact),
        Fact::ExerciseSealed(fact) => sealed(state, event, fact),
        Fact::ExerciseEnded(fact) => ended(state, event, fact),
        // What was refused, and feedback, move nothing.
        _ => {}
    }
}

fn started(state: &mut State, event: &Event, fact: &ExerciseStarted) {
    let is_first = state.exercise.is_none()
        && event.mode == Mode::Exercise
        && state.incident.as_deref().is_some_and(|incident| {
            incident.by == event.person && event.prev == Some(incident.genesis)
        });
    if !is_first {
        let what = "the script of an exercise stands at its beginning and nowhere else";
        violation(state, event, &Refusal::new(RefusalKind::WrongState, what));
        return;
    }
    state.exercise = Some(Arc::new(Exercise {
        clock: fact.clock.clone(),
        set: event.recorded_at,
        stage: None,
        started: fact.clone(),
        injected: Vec::new(),
        answered: Vec::new(),
        sealed: Vec::new(),
        ended: None,
    }));
}

/// The exercise under way, for who conducts it.
fn conducted<'a>(state: &'a mut State, event: &Event) -> Option<&'a mut Exercise> {
    if let Err(refusal) = conducts(state, &event.person) {
        violation(state, event, &refusal);
        return None;
    }
    if state.exercise.as_deref().is_some_and(Exercise::is_on) {
        return state.exercise.as_mut().map(Arc::make_mut);
    }
    conflict(
        state,
        event,
        format!("{} crossed with the end", event.fact.kind()),
    );
    None
}

fn clock(state: &mut State, event: &Event, fact: &ExerciseClock) {
    let Some(exercise) = conducted(state, event) else {
        return;
    };
    exercise.clock = fact.clock.clone();
    exercise.set = event.recorded_at;
    if matches!(fact.change, ClockChange::Move | ClockChange::Back) {
        exercise.stage.clone_from(&fact.to);
    }
    if fact.change == ClockChange::Back {
        let from = fact.clock.sim;
        exercise.injected.retain(|(came, _)| *came < from);
    }
}

fn injected(state: &mut State, event: &Event, fact: &ExerciseInjected) {
    let Some(exercise) = conducted(state, event) else {
        return;
    };
    let mut came = exercise.injected.iter();
    if came.any(|(_, other)| other.inject == fact.inject) {
        conflict(state, event, format!("{} came twice", fact.inject));
        return;
    }
    exercise.injected.push((event.told_at(), fact.clone()));
}

fn answered(state: &mut State, event: &Event, fact: &ExerciseAnswered) {
    let Some(exercise) = conducted(state, event) else {
        return;
    };
    if exercise.answer(&fact.step, fact.purpose).is_some() {
        conflict(state, event, format!("{} was answered twice", fact.step));
        return;
    }
    exercise.answered.push(fact.clone());
}

/// What was answered is over: another try of it is answered anew.
pub(super) fn finished(state: &mut State, fact: &StepFinished) {
    if let Some(exercise) = state.exercise.as_mut() {
        let is_over =
            |answer: &ExerciseAnswered| answer.step == fact.step && answer.purpose == fact.purpose;
        Arc::make_mut(exercise).answered.retain(|one| !is_over(one));
    }
}

fn sealed(state: &mut State, event: &Event, fact: &ExerciseSealed) {
    if let Err(refusal) = controls(state, &event.person) {
        violation(state, event, &refusal);
        return;
    }
    if let Some(exercise) = state.exercise.as_mut() {
        let entry = (event.id, event.person.clone(), fact.sealed.clone());
        Arc::make_mut(exercise).sealed.push(entry);
    }
}

fn ended(state: &mut State, event: &Event, fact: &ExerciseEnded) {
    let now = event.told_at();
    let Some(exercise) = conducted(state, event) else {
        return;
    };
    exercise.clock.sim = now;
    exercise.clock.paused = true;
    exercise.set = event.recorded_at;
    exercise.ended = Some(Ended {
        reached: reached(event),
        aborted: fact.aborted,
        reason: fact.reason.clone(),
        key: fact.key.clone(),
    });
}

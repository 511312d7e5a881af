//! What may be done about an exercise itself: its clock, its messages, its simulated results, its end. Who conducts it
//! does; everybody else plays.

use super::draft;
use super::incident::text;
use crate::engine::at::At;
use crate::engine::command::{Decision, Refusal, RefusalKind};
use crate::engine::exercise::{
    CONTROLLERS, ClockChange, Control, Exercise, FACILITATOR, FASTEST, MAX_ANSWER, SimClock,
    is_controller,
};
use crate::engine::fact::{
    ExerciseClock, ExerciseEnded, ExerciseFeedback, ExerciseRefused, ExerciseSealed, Fact,
};
use crate::engine::state::State;
use crate::runbook::model::Role;
use crate::trust::{Mode, Principal};

pub(super) fn control(state: &State, control: Control, at: &At) -> Result<Decision, Refusal> {
    let exercise = of(state)?;
    let goes_on_after = matches!(control, Control::Seal(_) | Control::Feedback { .. });
    if !exercise.is_on() && !goes_on_after {
        return Err(Refusal::new(RefusalKind::Closed, "the exercise is over")
            .hint("`runsheet exercise report` tells how it went; feedback is still taken"));
    }
    match &control {
        Control::Feedback { .. } | Control::Refused { .. } => {}
        Control::Seal(_) => controls(state, &at.who.principal)?,
        _ => conducts(state, &at.who.principal)?,
    }
    let fact = fact(exercise, control, at)?;
    Ok(Decision {
        events: vec![draft(at, state, fact)],
        effects: Vec::new(),
    })
}

fn fact(exercise: &Exercise, control: Control, at: &At) -> Result<Fact, Refusal> {
    Ok(match control {
        Control::Feedback {
            question,
            text: said,
        } => ExerciseFeedback {
            question,
            text: text("feedback", &said)?,
        }
        .into(),
        Control::Refused { step, what } => ExerciseRefused { step, what }.into(),
        Control::Seal(sealed) => {
            fits("what is sealed", sealed.text.len())?;
            ExerciseSealed { sealed }.into()
        }
        Control::Clock {
            change,
            sim,
            scale,
            to,
            paused,
        } => {
            let clock = SimClock {
                sim: sim.unwrap_or_else(|| exercise.sim(at.real())),
                scale: scale.unwrap_or(exercise.clock.scale),
                paused,
            };
            settable(exercise, &change, &clock, at)?;
            ExerciseClock { change, clock, to }.into()
        }
        Control::Inject(inject) => {
            let attached: usize = inject.attachments.iter().map(|one| one.text.len()).sum();
            fits("a message", inject.message.len() + attached)?;
            let mut came = exercise.injected.iter();
            if came.any(|(_, other)| other.inject == inject.inject) {
                return Err(done_already(&format!("{} has come", inject.inject)));
            }
            (*inject).into()
        }
        Control::Answer(answer) => {
            let logs: usize = answer.logs.iter().map(|log| log.text.len()).sum();
            fits("a simulated result", logs + answer.output.len())?;
            if exercise.answer(&answer.step, answer.purpose).is_some() {
                return Err(done_already(&format!("{} is answered", answer.step)));
            }
            (*answer).into()
        }
        Control::End {
            aborted,
            reason,
            key,
        } => ExerciseEnded {
            aborted,
            reason,
            key,
        }
        .into(),
    })
}

fn done_already(what: &str) -> Refusal {
    Refusal::new(RefusalKind::WrongState, format!("{what} already"))
}

fn fits(what: &str, size: usize) -> Result<(), Refusal> {
    if size <= MAX_ANSWER {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::BadValue,
        format!("{what} has at most {} MiB", MAX_ANSWER >> 20),
    ))
}

fn of(state: &State) -> Result<&Exercise, Refusal> {
    state.exercise.as_deref().ok_or_else(|| {
        Refusal::new(RefusalKind::WrongKind, "this incident is no exercise")
            .hint("`runsheet exercise start` begins one")
    })
}

fn settable(
    exercise: &Exercise,
    change: &ClockChange,
    clock: &SimClock,
    at: &At,
) -> Result<(), Refusal> {
    let bad = |what: &str| Err(Refusal::new(RefusalKind::BadValue, what));
    let now = exercise.sim(at.real());
    if clock.scale == 0 || clock.scale > FASTEST {
        return bad("the clock runs between 0.001 and 1000 times as fast as a real one");
    }
    let end = exercise.end();
    let over = |what: &str| {
        let what = format!(
            "{what} the end of the script at {}",
            end.format("%Y-%m-%d %H:%MZ")
        );
        Err(Refusal::new(RefusalKind::BadValue, what)
            .hint("`runsheet exercise INC end` ends it and opens what was sealed"))
    };
    match change {
        ClockChange::Ahead if clock.sim > end => over("that is after"),
        ClockChange::Resumed if now >= end => over("its time is up: the clock is at or after"),
        ClockChange::Resumed if !exercise.clock.paused => bad("the clock runs already"),
        ClockChange::Paused if exercise.clock.paused => bad("the clock stands still already"),
        ClockChange::Ahead if clock.sim <= now => bad("ahead is a later time than it is now"),
        ClockChange::Back if clock.sim > now => bad("that move has not begun yet"),
        _ => Ok(()),
    }
}

/// Whether somebody has one of these duties here.
fn has(state: &State, who: &Principal, duties: &[&str]) -> Result<(), Refusal> {
    let is = state
        .roles
        .get(who)
        .is_some_and(|roles| roles.iter().any(|role| duties.contains(&role.as_str())));
    if is {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::NotEligible,
        format!("only a {} of this exercise does that", duties.join(" or ")),
    )
    .hint("whoever conducts it gives that role: `runsheet role INC PERSON facilitator`"))
}

/// In an exercise the duties that see what is sealed are given by who conducts it.
pub(in crate::engine) fn may_assign(
    state: &State,
    by: &Principal,
    role: &Role,
) -> Result<(), Refusal> {
    // By the mode and not by the script: what does not know of the script may come before it in the order of a record.
    let exercise = state
        .incident
        .as_deref()
        .filter(|incident| incident.mode == Mode::Exercise);
    let Some(incident) = exercise.filter(|_| is_controller(role)) else {
        return Ok(());
    };
    // The first to have it is who began the exercise, with it.
    let nobody_conducts = !state.roles.values().flatten().any(is_controller);
    if nobody_conducts && incident.by == *by {
        return Ok(());
    }
    has(state, by, &[FACILITATOR])
}

/// Whether who acted conducts the exercise.
pub(in crate::engine) fn conducts(state: &State, by: &Principal) -> Result<(), Refusal> {
    has(state, by, &[FACILITATOR])
}

/// Whether who acted sees what is sealed.
pub(in crate::engine) fn controls(state: &State, by: &Principal) -> Result<(), Refusal> {
    has(state, by, &CONTROLLERS)
}

/// Nothing is started in an exercise that has not begun to run, or is over.
pub(super) fn may_start(state: &State) -> Result<(), Refusal> {
    match state.exercise.as_deref() {
        Some(exercise) if !exercise.is_on() => Err(Refusal::new(
            RefusalKind::Closed,
            "the exercise is over: nothing is started any more",
        )),
        _ => Ok(()),
    }
}

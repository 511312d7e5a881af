//! The same for the screen of an exercise.

use super::Label;
use crate::tui::act::Act;
use crate::tui::exercise::{self, Result, Row, Tab};
use crate::tui::model::{Model, Screen};
use crate::tui::world::{Open, World};

/// The row under the cursor.
#[must_use]
pub fn selected<'w>(model: &Model, open: &'w Open) -> Option<Row<'w>> {
    let view = &model.exercise;
    exercise::rows(view.tab, open)
        .into_iter()
        .nth(view.cursor.at)
}

/// What leads to the screen, and from one of its parts to another.
pub(super) fn leads(act: Act, model: &Model, world: &World) -> Option<Label> {
    let open = world.open.as_ref()?;
    let exercise = open.state.exercise.as_deref()?;
    let is_there = |tab| model.screen() == Screen::Exercise && model.exercise.tab == tab;
    match act {
        Act::Messages if !is_there(Tab::Messages) => Some(match unheard(model, open).len() {
            0 => "messages".into(),
            count => format!("messages ({count} new)").into(),
        }),
        Act::Briefing if !is_there(Tab::Briefing) => Some("briefing".into()),
        Act::Script => {
            open.script.as_ref()?;
            let tab = if exercise.is_on() {
                Tab::Script
            } else {
                Tab::Score
            };
            (!is_there(tab)).then(|| match tab {
                Tab::Score => "how it went".into(),
                _ => "exercise".into(),
            })
        }
        _ => None,
    }
}

/// The messages that were not read here, oldest first.
#[must_use]
pub fn unheard<'w>(
    model: &Model,
    open: &'w Open,
) -> Vec<&'w crate::engine::fact::ExerciseInjected> {
    let came = open.state.exercise.as_deref();
    came.into_iter()
        .flat_map(|exercise| &exercise.injected)
        .filter(|(_, inject)| {
            let name = (open.id.clone(), inject.inject.clone());
            !model.exercise.read.contains(&name)
        })
        .map(|(_, inject)| inject)
        .collect()
}

/// What Enter does.
pub(super) fn enter(model: &Model, world: &World) -> Option<Label> {
    let Some(open) = &world.open else { return None };
    let Some(row) = selected(model, open) else {
        return Some("back".into());
    };
    let main = match row {
        Row::Running { .. } => Act::AnswerFor,
        Row::Expectation(_) => Act::Verdict,
        Row::Objective(_) => Act::Rate,
        _ => return Some("read it".into()),
    };
    Some(on_exercise(main, model, world).unwrap_or_else(|| "read it".into()))
}

/// The commands of the screen.
pub(super) fn on_exercise(act: Act, model: &Model, world: &World) -> Option<Label> {
    let open = world
        .open
        .as_ref()
        .filter(|open| open.read_only.is_none())?;
    let exercise = open.state.exercise.as_deref()?;
    if act == Act::Feedback {
        return Some("feedback".into());
    }
    let script = open.script.as_deref()?;
    let row = || selected(model, open);
    match act {
        Act::Report => (!exercise.is_on()).then(|| act.label().into()),
        Act::Verdict | Act::Rate | Act::Remark if !script.judges => None,
        Act::Verdict => match row()? {
            Row::Expectation(one) => Some(format!("verdict on {}", one.id).into()),
            _ => None,
        },
        Act::Rate => match row()? {
            Row::Objective(one) => Some(format!("rate {}", one.id).into()),
            _ => None,
        },
        Act::Remark => Some("remark".into()),
        _ if !script.conducts || !exercise.is_on() => None,
        Act::Hold if exercise.clock.paused => Some("let the clock go on".into()),
        Act::Hold | Act::Tell | Act::Ahead | Act::End | Act::Abort => Some(act.label().into()),
        Act::Faster | Act::Slower => {
            let speed = exercise::speed(exercise.clock.scale, act == Act::Faster)?;
            Some(format!("{} {}", act.label(), exercise::pace(speed)).into())
        }
        Act::GoBack => (!script.scenario.moves.is_empty()).then(|| act.label().into()),
        Act::Fire => Some(format!("let {} come", row()?.inject()?).into()),
        Act::LeaveInject => match row()? {
            Row::Unset { left_out: true, .. } => None,
            row => Some(format!("skip {}", row.inject()?).into()),
        },
        Act::AnswerFor => match row()? {
            Row::Running { record, result, .. } if result != Result::Given => {
                Some(format!("answer {}", record.step.step).into())
            }
            _ => None,
        },
        _ => None,
    }
}

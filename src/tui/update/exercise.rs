//! Keys of the exercise's screen, and what is told of new messages wherever one is.

use super::super::act::Act;
use super::super::applies;
use super::super::exercise::{self, Row, Tab};
use super::super::extent::{Cursor, Scroll};
use super::super::layer::{Form, FormKind, Layer, Reader, Reading};
use super::super::model::{Model, Screen};
use super::super::when::{self, Zone};
use super::super::wish::Wish;
use super::super::world::{Open, World};
use super::{ask, push_choose, push_form};
use crate::engine::Intent;
use crate::engine::exercise::{ClockChange, Control, Exercise};
use crate::engine::fact::{ExerciseAnswered, ExerciseInjected};
use crate::exercise::due;
use crate::exercise::seal::{Item, Rating, RemarkKind, Verdict};
use crate::runbook::scenario::Means;

/// Keeps the cursor on what it stands on, takes a message under it as read, and rings when one comes.
pub(super) fn follow(model: &mut Model, open: &Open, wishes: &mut Vec<Wish>) {
    let Some(exercise) = open.state.exercise.as_deref() else {
        return;
    };
    let came = exercise.injected.len();
    let view = &mut model.exercise;
    let heard = view.heard.replace((open.id.clone(), came));
    let is_new = heard.is_some_and(|(id, before)| id == open.id && came > before);
    if is_new && open.script.is_none() {
        wishes.push(Wish::Bell);
    }
    if model.screen() != Screen::Exercise {
        return;
    }
    let page = model.drawn.list.page.max(1);
    let view = &mut model.exercise;
    if !Tab::all(open).contains(&view.tab) {
        view.tab = Tab::Messages;
    }
    let rows = exercise::rows(view.tab, open);
    if let Some(at) = view
        .on
        .as_ref()
        .and_then(|on| rows.iter().position(|row| row.key() == *on))
    {
        view.cursor.at = at;
    }
    view.cursor.at = view.cursor.at.min(rows.len().saturating_sub(1));
    view.cursor.show(view.cursor.at, page);
    let row = rows.get(view.cursor.at);
    view.on = row.map(Row::key);
    if let Some(Row::Message { inject, .. }) = row {
        view.read.insert((open.id.clone(), inject.inject.clone()));
    }
}

/// To a part of the screen, from wherever one is.
pub(super) fn show(act: Act, model: &mut Model, world: &World) {
    let is_on = world
        .open
        .as_ref()
        .and_then(|open| open.state.exercise.as_deref())
        .is_some_and(Exercise::is_on);
    turn_to(
        model,
        match act {
            Act::Briefing => Tab::Briefing,
            Act::Script if is_on => Tab::Script,
            Act::Script => Tab::Score,
            _ => Tab::Messages,
        },
    );
    if model.screen() != Screen::Exercise {
        model.screens.push(Screen::Exercise);
    }
}

fn turn_to(model: &mut Model, tab: Tab) {
    let view = &mut model.exercise;
    view.tab = tab;
    view.cursor = Cursor::default();
    view.scroll = Scroll::default();
    view.on = None;
}

/// One key.
pub(super) fn perform(act: Act, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let Some(open) = &world.open else { return };
    let Some(exercise) = open.state.exercise.as_deref() else {
        return;
    };
    match act {
        Act::Back | Act::Left => {
            model.screens.pop();
        }
        Act::NextPane | Act::PrevPane => {
            let next = model.exercise.tab.next(open, act == Act::NextPane);
            turn_to(model, next);
        }
        Act::Right => super::open_menu(model, world, false),
        Act::Enter => enter(model, world, open, wishes),
        Act::Hold => {
            let change = if exercise.clock.paused {
                ClockChange::Resumed
            } else {
                ClockChange::Paused
            };
            wishes.push(clock(change, None, !exercise.clock.paused));
        }
        Act::Faster | Act::Slower => {
            if let Some(speed) = exercise::speed(exercise.clock.scale, act == Act::Faster) {
                let paused = exercise.clock.paused;
                wishes.push(clock(ClockChange::Scaled, Some(speed), paused));
            }
        }
        Act::Feedback => {
            let questions = open.script.as_deref();
            let questions = questions.map_or(&[][..], |script| &script.scenario.hot_wash);
            push_choose(model, ask::feedback(questions), wishes);
        }
        Act::Report => push_choose(model, ask::report(&open.short), wishes),
        _ if act.moves() => moves(act, model, open),
        _ => controls(act, model, world, open, wishes),
    }
}

/// What takes the script.
fn controls(act: Act, model: &mut Model, world: &World, open: &Open, wishes: &mut Vec<Wish>) {
    let (Some(script), Some(exercise)) = (&open.script, &open.state.exercise) else {
        return;
    };
    let row = applies::selected(model, open);
    match (act, row) {
        (Act::Fire, Some(row)) => {
            let mut injects = script.scenario.injects.iter();
            let inject = injects.find(|inject| row.inject() == Some(inject.id.as_str()));
            wishes.extend(
                inject.map(|inject| control(Control::Inject(Box::new(due::message(inject, None))))),
            );
        }
        (Act::LeaveInject, Some(row)) => {
            if let Some(id) = row.inject() {
                push_form(model, ask::leave_inject(id), wishes);
            }
        }
        (Act::AnswerFor, Some(Row::Running { record, .. })) => {
            push_form(model, ask::answer_for(&record), wishes);
        }
        (Act::Verdict, Some(Row::Expectation(one))) => {
            push_form(model, ask::verdict(one), wishes);
        }
        (Act::Rate, Some(Row::Objective(one))) => push_form(model, ask::rate(one), wishes),
        (Act::Remark, row) => {
            let about = match row {
                Some(Row::Expectation(one)) => Some(one.id.clone()),
                Some(Row::Objective(one)) => Some(one.id.clone()),
                _ => None,
            };
            push_form(model, ask::remark(about), wishes);
        }
        (Act::Tell, _) => push_form(model, ask::message(), wishes),
        (Act::Ahead, _) => push_form(model, ask::ahead(), wishes),
        (Act::GoBack, _) => {
            let zone = Zone::new(model.local, world.now);
            let choose = ask::go_back(exercise, script, zone, world.now.to_utc());
            push_choose(model, choose, wishes);
        }
        (Act::End, _) => push_choose(model, ask::end(), wishes),
        (Act::Abort, _) => push_choose(model, ask::abort(exercise), wishes),
        _ => {}
    }
}

fn enter(model: &mut Model, world: &World, open: &Open, wishes: &mut Vec<Wish>) {
    let Some(row) = applies::selected(model, open) else {
        model.screens.pop();
        return;
    };
    let main = match row {
        Row::Running { .. } => Some(Act::AnswerFor),
        Row::Expectation(_) => Some(Act::Verdict),
        Row::Objective(_) => Some(Act::Rate),
        _ => None,
    };
    match main.filter(|act| applies::applies(*act, model, world).is_some()) {
        Some(act) => controls(act, model, world, open, wishes),
        None => model.layers.push(Layer::Reader(Reader {
            what: Reading::Exercise(model.exercise.tab, row.key()),
            scroll: Scroll::default(),
        })),
    }
}

fn moves(act: Act, model: &mut Model, open: &Open) {
    if model.exercise.tab == Tab::Briefing {
        let extent = model.drawn.text;
        let page = extent.page.max(2) as isize - 1;
        let scroll = &mut model.exercise.scroll;
        return match act {
            Act::Up => scroll.by(-1, extent),
            Act::Down => scroll.by(1, extent),
            Act::PageUp => scroll.by(-page, extent),
            Act::PageDown => scroll.by(page, extent),
            Act::Top => scroll.top = 0,
            Act::Bottom => scroll.top = extent.end(),
            _ => {}
        };
    }
    let count = exercise::rows(model.exercise.tab, open).len();
    let page = model.drawn.list.page.max(2) as isize - 1;
    let view = &mut model.exercise;
    match act {
        Act::Up => view.cursor.round(-1, count),
        Act::Down => view.cursor.round(1, count),
        Act::PageUp => view.cursor.by(-page, count),
        Act::PageDown => view.cursor.by(page, count),
        Act::Top => view.cursor.at = 0,
        Act::Bottom => view.cursor.at = count.saturating_sub(1),
        _ => return,
    }
    view.on = None;
}

fn control(control: Control) -> Wish {
    Wish::Act(Intent::Exercise(control))
}

fn clock(change: ClockChange, scale: Option<u32>, paused: bool) -> Wish {
    control(Control::Clock {
        change,
        sim: None,
        scale,
        to: None,
        paused,
    })
}

/// What a form of this screen stands for, or the field that is wrong and why.
pub(super) fn submit(form: &Form, model: &Model, world: &World) -> super::submit::Submitted {
    let text = |name: &str| form.value(name).trim().to_owned();
    let some = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
    let wish = match form.kind.clone() {
        FormKind::LeaveInject(inject) => Wish::Seal(Item::Skipped {
            inject,
            reason: some("reason"),
        }),
        FormKind::AnswerFor(step, purpose) => {
            control(Control::Answer(Box::new(ExerciseAnswered {
                step,
                purpose,
                exit: text("exit").parse().ok(),
                output: some("output").map_or(String::new(), |line| format!("{line}\n")),
                logs: Vec::new(),
                refused: None,
            })))
        }
        FormKind::Tell => control(Control::Inject(Box::new(told(form, world)))),
        FormKind::Ahead => ahead(&text("to"), model, world)?,
        FormKind::Verdict(expectation) => Wish::Seal(Item::Verdict {
            expectation,
            verdict: verdict(form.value("verdict")),
            reason: text("reason"),
        }),
        FormKind::Rate(objective) => Wish::Seal(Item::Rating {
            objective,
            rating: rating(form.value("rating")),
            reason: some("reason"),
        }),
        FormKind::Remark(about) => Wish::Seal(Item::Remark {
            about,
            kind: remark(form.value("kind")),
            text: text("text"),
            recommend: some("recommend"),
        }),
        FormKind::Feedback(question) => control(Control::Feedback {
            question,
            text: text("text"),
        }),
        FormKind::Report(paper) => Wish::Report {
            paper,
            path: text("path"),
        },
        FormKind::End => Wish::EndExercise {
            aborted: false,
            reason: None,
        },
        FormKind::Abort => Wish::EndExercise {
            aborted: true,
            reason: some("reason"),
        },
        _ => return Ok(Vec::new()),
    };
    Ok(vec![wish])
}

/// A message that is in no script: its id is the moment it is sent at.
fn told(form: &Form, world: &World) -> ExerciseInjected {
    let text = |name: &str| form.value(name).trim().to_owned();
    let means = Means::ALL
        .into_iter()
        .find(|means| means.words() == form.value("means"));
    ExerciseInjected {
        inject: format!("said-{}", world.now.format("%H%M%S%3f")),
        title: "Said by hand".to_owned(),
        means: means.unwrap_or(Means::Chat),
        from: text("from"),
        to: text("to")
            .split([',', ' '])
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect(),
        message: text("message"),
        attachments: Vec::new(),
        due: None,
    }
}

fn ahead(typed: &str, model: &Model, world: &World) -> std::result::Result<Wish, (usize, String)> {
    let zone = Zone::new(model.local, world.now);
    let sim = when::ahead(typed, world.now, zone)
        .ok_or((0, "a time ahead: 18:30, or 10m from now".to_owned()))?;
    let exercise = world
        .open
        .as_ref()
        .and_then(|open| open.state.exercise.as_deref());
    Ok(control(Control::Clock {
        change: ClockChange::Ahead,
        sim: Some(sim.to_utc()),
        scale: None,
        to: None,
        paused: exercise.is_some_and(|exercise| exercise.clock.paused),
    }))
}

fn verdict(word: &str) -> Verdict {
    ask::VERDICTS
        .into_iter()
        .find(|verdict| verdict.word() == word)
        .unwrap_or(Verdict::Missed)
}

fn rating(words: &str) -> Rating {
    ask::RATINGS
        .into_iter()
        .find(|rating| words.starts_with(rating.letter()))
        .unwrap_or(Rating::U)
}

fn remark(word: &str) -> RemarkKind {
    ask::REMARKS
        .into_iter()
        .find(|(known, _)| *known == word)
        .map_or(RemarkKind::Seen, |(_, kind)| kind)
}

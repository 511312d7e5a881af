//! Keys of the walk, and of what other screens share with it.

use super::super::act::Act;
use super::super::model::{CheckpointView, Model, Pane, Screen};
use super::super::step::{self, Primary, Target};
use super::super::wish::Wish;
use super::super::world::{Open, World};
use super::{ask, gate, push_choose, push_form};
use crate::engine::Intent;
use crate::engine::command::StepKey;
use crate::engine::exec::Purpose;
use crate::engine::fact::Milestone;
use crate::engine::state::{Run, State, Status};

/// A row of the list of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepRow<'r> {
    /// A phase begins.
    Phase(&'r str),
    /// The step at this place of the runbook.
    Step(usize),
    /// Everything else that can be done.
    More,
}

/// The rows of a run's list of steps.
#[must_use]
pub fn step_rows(run: &Run) -> Vec<StepRow<'_>> {
    let mut rows = Vec::with_capacity(run.book.steps.len() + 8);
    let mut phase = run
        .book
        .steps
        .first()
        .and_then(|step| step.phase.as_deref());
    for (at, step) in run.book.steps.iter().enumerate() {
        if step.phase.as_deref() != phase && step.phase.is_some() {
            phase = step.phase.as_deref();
            rows.extend(phase.map(StepRow::Phase));
        }
        rows.push(StepRow::Step(at));
    }
    rows.push(StepRow::More);
    rows
}

/// The step under the cursor; `None` on the line for more.
#[must_use]
pub fn row_target<'w>(model: &Model, open: &'w Open) -> Option<Target<'w>> {
    let run = step::run(model, open)?;
    let step = run.book.steps.get(model.walk.cursor.at)?;
    step::target(open, run, &step.id)
}

/// Keeps up: the cursor goes along with the current step unless it was moved away from it.
pub(super) fn follow(model: &mut Model, open: &Open) {
    let Some(run) = step::run(model, open) else {
        return;
    };
    let place = |id: &Option<crate::runbook::model::StepId>| {
        id.as_ref()
            .and_then(|id| run.book.steps.iter().position(|step| step.id == *id))
    };
    let now = (run.id.clone(), run.at.clone());
    let view = &mut model.walk;
    let ended = run.at.is_none()
        && view
            .seen
            .as_ref()
            .is_some_and(|(id, at)| *id == run.id && at.is_some());
    if ended && view.run.take().is_some() {
        return follow(model, open);
    }
    if view.seen.as_ref() != Some(&now) {
        let was = view
            .seen
            .as_ref()
            .filter(|(id, _)| *id == run.id)
            .map(|(_, at)| place(at));
        if was.is_none_or(|was| was == Some(view.cursor.at)) {
            view.cursor.at = place(&now.1).unwrap_or(view.cursor.at);
        }
        view.shown = view.shown.take().filter(|_| was.is_some());
        if view.shown.is_none() {
            view.scroll.top = 0;
            view.pan = 0;
        }
        view.follow = true;
        view.seen = Some(now);
    }
    view.cursor.at = view.cursor.at.min(run.book.steps.len());
    let rows = step_rows(run);
    let row = rows
        .iter()
        .position(|row| match row {
            StepRow::Step(at) => *at == view.cursor.at,
            StepRow::More => true,
            StepRow::Phase(_) => false,
        })
        .unwrap_or(0);
    let before_is_phase = row > 0 && matches!(rows[row - 1], StepRow::Phase(_));
    let page = model.drawn.list.page.max(1);
    if before_is_phase && row <= view.cursor.top {
        view.cursor.top = row - 1;
    }
    view.cursor.jump(row, page, rows.len());
}

/// Opens the checkpoint screen for a step.
pub(super) fn look(model: &mut Model, step: StepKey, wishes: &mut Vec<Wish>) {
    model.checkpoint = CheckpointView {
        step: Some(step.clone()),
        ..CheckpointView::default()
    };
    if model.screen() != Screen::Checkpoint {
        model.screens.push(Screen::Checkpoint);
    }
    wishes.push(Wish::FlushInput);
    wishes.push(Wish::ShowApproval(step));
}

/// One key.
pub(super) fn perform(act: Act, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let Some(open) = &world.open else {
        return;
    };
    match act {
        Act::Find => model.walk.typing = true,
        Act::FindNext => find(model, world, true),
        Act::FindPrevious => find(model, world, false),
        Act::Zoom => {
            model.walk.zoom = !model.walk.zoom;
            model.walk.pan = 0;
        }
        Act::NextRun => next_run(model, open),
        Act::Timeline => super::timeline::show(model),
        Act::Followups => super::followups::show(model),
        Act::Leave => leave(model, wishes),
        Act::Severity => {
            push_choose(model, ask::severity(open.state.severity), wishes);
        }
        Act::Role => push_form(model, ask::role(world), wishes),
        Act::Update => push_form(model, ask::update(world), wishes),
        Act::Attach => push_form(model, ask::attach(), wishes),
        Act::Review => gate::which_review(model, world, wishes),
        Act::Adopt => gate::adopt(model, world, wishes),
        Act::Expunge => push_choose(model, ask::expunge(open), wishes),
        Act::Close => push_form(model, ask::close(&open.short), wishes),
        Act::Reopen => push_form(model, ask::reopen(), wishes),
        Act::Undo => {
            if let Some(run) = step::run(model, open) {
                let choose = ask::undo(&step::undoable(open, run));
                push_choose(model, choose, wishes);
            }
        }
        Act::Logs => {
            let choose = ask::logs(open, step::run(model, open));
            push_choose(model, choose, wishes);
        }
        Act::Enter => enter(model, world, open, wishes),
        _ if act.moves() => moves(act, model, world, wishes),
        _ => {
            if let Some(target) = step::shown(model, world) {
                on_step(act, &target, model, world, wishes);
            }
        }
    }
}

fn on_step(
    act: Act,
    target: &Target<'_>,
    model: &mut Model,
    world: &World,
    wishes: &mut Vec<Wish>,
) {
    let step = target.key();
    match act {
        Act::DryRun => push_or_start(target, Purpose::DryRun, model, world, wishes),
        Act::RollBack => gate::undo(target, model, world, wishes),
        Act::Skip => push_form(model, ask::skip(step), wishes),
        Act::Claim => wishes.push(Wish::Act(Intent::Claim(step))),
        Act::Withdraw => push_choose(model, ask::withdraw(step), wishes),
        Act::CancelRun => wishes.push(Wish::Cancel(crate::engine::StepRef {
            run: step.run,
            step: step.step,
            attempt: target.state.attempt,
        })),
        Act::Approval => look(model, step, wishes),
        Act::Override => {
            let form = ask::override_(target, Purpose::Run, world);
            push_form(model, form, wishes);
        }
        _ => {}
    }
}

/// Shows a step that need not be the current one.
pub(super) fn show_step(model: &mut Model, world: &World, step: &StepKey) {
    let run = world
        .open
        .as_ref()
        .and_then(|open| open.state.run(&step.run));
    let Some(run) = run else { return };
    let other = run.at.as_ref() != Some(&step.step);
    model.walk.run = Some(run.id.clone());
    model.walk.shown = other.then(|| step.step.clone());
    model.walk.seen = Some((run.id.clone(), run.at.clone()));
    let at = run
        .book
        .steps
        .iter()
        .position(|known| known.id == step.step);
    model.walk.cursor.at = at.unwrap_or(0);
    if other {
        model.walk.pane = Pane::Step;
    }
}

fn push_or_start(
    target: &Target<'_>,
    purpose: Purpose,
    model: &mut Model,
    world: &World,
    wishes: &mut Vec<Wish>,
) {
    if purpose == Purpose::DryRun || ask::is_harmless(target.step) {
        model.walk.follow = true;
        wishes.push(Wish::Act(Intent::Start {
            step: target.key(),
            purpose,
        }));
    } else {
        push_choose(model, ask::confirm(target, purpose, world), wishes);
    }
}

fn enter(model: &mut Model, world: &World, open: &Open, wishes: &mut Vec<Wish>) {
    if model.walk.typing {
        model.walk.typing = false;
        find(model, world, true);
        return;
    }
    match model.walk.pane {
        Pane::Events => return super::timeline::show(model),
        Pane::Steps => match row_target(model, open) {
            None => return super::open_menu(model, world, false),
            Some(target) if !target.current && target.run.at.is_some() => {
                return show_row(model, open);
            }
            Some(_) => {}
        },
        Pane::Step => {}
    }
    let over = step::run(model, open).is_some_and(|run| run.at.is_none());
    if over && model.walk.shown.is_none() {
        return push_choose(model, ask::what_next(), wishes);
    }
    if let Some(target) = step::shown(model, world) {
        primary(&target, model, world, wishes);
    }
}

/// Does the one thing that is to be done with a step.
fn primary(target: &Target<'_>, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let step = target.key();
    match target.primary(world).0 {
        Primary::Done if target.step.checklist.is_empty() => {
            wishes.push(Wish::Act(Intent::Done {
                step,
                checklist: Vec::new(),
                note: None,
            }));
        }
        Primary::Done => push_form(model, ask::done(target, None), wishes),
        Primary::ByHand(why) => push_form(model, ask::done(target, Some(&why)), wishes),
        Primary::Start => push_or_start(target, Purpose::Run, model, world, wishes),
        Primary::Confirm => push_choose(model, ask::confirm(target, Purpose::Run, world), wishes),
        Primary::Waiting => push_choose(model, ask::waiting(target, Purpose::Run, world), wishes),
        Primary::Request => wishes.push(Wish::Act(Intent::Request {
            step,
            purpose: Purpose::Run,
        })),
        Primary::Look => look(model, step, wishes),
        Primary::Choose => {
            if let Some(choose) = ask::choose(target) {
                push_choose(model, choose, wishes);
            }
        }
        Primary::Answer => {
            if let Some(form) = ask::answer(target) {
                push_form(model, form, wishes);
            }
        }
        Primary::Secrets => push_form(model, ask::secrets(target), wishes),
        Primary::Watch => {
            model.walk.pane = Pane::Step;
            model.walk.follow = true;
        }
        Primary::Walk(run) => {
            model.walk.run = Some(run);
            model.walk.shown = None;
            model.walk.seen = None;
        }
        Primary::Failed => push_choose(model, ask::failed(target), wishes),
        Primary::Resolve => push_choose(model, ask::unknown(target), wishes),
        Primary::RollBack => gate::undo(target, model, world, wishes),
        Primary::WhatNext => push_choose(model, ask::what_next(), wishes),
        Primary::Show => model.walk.pane = Pane::Step,
        Primary::Blocked(why) => model.say(why, None),
    }
}

fn show_row(model: &mut Model, open: &Open) {
    let Some(target) = row_target(model, open) else {
        return;
    };
    let id = target.step.id.clone();
    let shown = (!target.current).then_some(id);
    if model.walk.shown != shown {
        model.walk.scroll.top = 0;
        model.walk.pan = 0;
    }
    model.walk.follow = target.state.status == Status::Running;
    model.walk.shown = shown;
    model.walk.pane = Pane::Step;
}

fn moves(act: Act, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    match act {
        Act::Back => back(model, wishes),
        Act::NextPane | Act::PrevPane => {
            let forward = act == Act::NextPane;
            model.walk.pane = match (model.walk.pane, forward) {
                (Pane::Steps, true) | (Pane::Events, false) => Pane::Step,
                (Pane::Step, true) | (Pane::Steps, false) => Pane::Events,
                (Pane::Events, true) | (Pane::Step, false) => Pane::Steps,
            };
        }
        Act::Left if model.walk.zoom && model.walk.pan > 0 => {
            model.walk.pan = model.walk.pan.saturating_sub(8);
        }
        Act::Right if model.walk.zoom => model.walk.pan = (model.walk.pan + 8).min(4096),
        Act::Left => {
            if model.walk.pane != Pane::Steps {
                model.walk.pane = Pane::Steps;
                model.walk.shown = None;
            }
        }
        Act::Right => match (&world.open, model.walk.pane) {
            (Some(open), Pane::Steps) if row_target(model, open).is_some() => show_row(model, open),
            _ => super::open_menu(model, world, false),
        },
        _ => scrolls(act, model, world),
    }
}

fn scrolls(act: Act, model: &mut Model, world: &World) {
    let extent = model.drawn.text;
    let view = &mut model.walk;
    match view.pane {
        Pane::Steps => {
            let count = world
                .open
                .as_ref()
                .and_then(|open| Some(step_count(view.run.as_ref(), open)? + 1))
                .unwrap_or(1);
            let page = model.drawn.list.page.max(2) as isize - 1;
            match act {
                Act::Up => view.cursor.round(-1, count),
                Act::Down => view.cursor.round(1, count),
                Act::PageUp => view.cursor.by(-page, count),
                Act::PageDown => view.cursor.by(page, count),
                Act::Top => view.cursor.at = 0,
                Act::Bottom => view.cursor.at = count - 1,
                _ => {}
            }
        }
        Pane::Step | Pane::Events => {
            let page = extent.page.max(2) as isize - 1;
            let scroll = if view.pane == Pane::Step {
                if view.follow {
                    view.scroll.top = extent.end();
                }
                &mut view.scroll
            } else {
                &mut view.events
            };
            match act {
                Act::Up => scroll.by(-1, extent),
                Act::Down => scroll.by(1, extent),
                Act::PageUp => scroll.by(-page, extent),
                Act::PageDown => scroll.by(page, extent),
                Act::Top => scroll.top = 0,
                Act::Bottom => scroll.top = extent.end(),
                _ => {}
            }
            let at_end = scroll.top >= extent.end();
            if view.pane == Pane::Step {
                view.follow = at_end;
            }
        }
    }
}

fn step_count(chosen: Option<&crate::engine::RunId>, open: &Open) -> Option<usize> {
    let state = &open.state;
    let run = chosen
        .and_then(|id| state.run(id))
        .or_else(|| state.open_runs().last())
        .or_else(|| state.runs.last().map(AsRef::as_ref))?;
    Some(run.book.steps.len())
}

fn back(model: &mut Model, wishes: &mut Vec<Wish>) {
    let view = &mut model.walk;
    if view.typing {
        view.typing = false;
        view.query.reset();
    } else if view.zoom {
        view.zoom = false;
        view.pan = 0;
    } else if view.pane != Pane::Steps || view.shown.is_some() {
        view.pane = Pane::Steps;
        view.shown = None;
    } else {
        leave(model, wishes);
    }
}

fn leave(model: &mut Model, wishes: &mut Vec<Wish>) {
    model.screens.truncate(1);
    wishes.push(Wish::LeaveIncident);
}

fn next_run(model: &mut Model, open: &Open) {
    let runs = &open.state.runs;
    let now = step::run(model, open).map(|run| run.id.clone());
    let at = runs
        .iter()
        .position(|run| Some(&run.id) == now.as_ref())
        .unwrap_or(0);
    if let Some(next) = runs.get((at + 1) % runs.len().max(1)) {
        model.walk.run = Some(next.id.clone());
        model.walk.shown = None;
        model.walk.seen = None;
    }
}

/// Goes to the next line that has what was searched for.
fn find(model: &mut Model, world: &World, forward: bool) {
    let query = model.walk.query.value().to_lowercase();
    if query.is_empty() {
        return;
    }
    let matches = super::super::view::matches(model, world, &query);
    let extent = model.drawn.text;
    let top = if model.walk.follow {
        extent.end()
    } else {
        model.walk.scroll.top
    };
    let next = if forward {
        matches
            .iter()
            .find(|row| **row > top)
            .or_else(|| matches.first())
    } else {
        matches
            .iter()
            .rev()
            .find(|row| **row < top)
            .or_else(|| matches.last())
    };
    match next {
        Some(row) => {
            model.walk.pane = Pane::Step;
            model.walk.follow = false;
            model.walk.scroll.top = *row;
        }
        None => model.say(format!("`{query}` is not in this pane"), None),
    }
}

/// What is the same on several screens.
pub(super) fn shared(act: Act, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    match act {
        Act::Note => {
            let step = (model.screen() == Screen::Walk)
                .then(|| step::shown(model, world).map(|target| target.key()))
                .flatten();
            push_form(model, ask::note(step), wishes);
        }
        Act::Backdate => push_form(model, ask::backdate(), wishes),
        Act::Milestone => {
            let next = world
                .open
                .as_ref()
                .and_then(|open| next_milestone(&open.state));
            push_choose(model, ask::milestone(next), wishes);
        }
        Act::Export => push_choose(model, ask::export(world), wishes),
        _ => {}
    }
}

/// The milestone after the last one reached, of those that every incident has.
#[must_use]
pub fn next_milestone(state: &State) -> Option<Milestone> {
    let reached = &state.milestones;
    Milestone::ALL
        .into_iter()
        .filter(|milestone| {
            !matches!(
                milestone,
                Milestone::Started | Milestone::Escalated | Milestone::Declared | Milestone::Closed
            )
        })
        .find(|milestone| {
            !reached.contains_key(milestone) && !reached.keys().any(|later| later > milestone)
        })
}

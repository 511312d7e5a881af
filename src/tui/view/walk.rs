//! The walk: steps on the left, the step to be done on the right, what happened below.

use ratatui::layout::Rect;

use super::super::extent::{Drawn, Extent};
use super::super::glyph::Shape;
use super::super::model::{Model, Pane};
use super::super::rich::Rich;
use super::super::step::{self, Target};
use super::super::text;
use super::super::theme::Tone;
use super::super::update::{StepRow, step_rows};
use super::super::when;
use super::super::world::{Gate, Open, World};
use super::canvas::Canvas;
use super::pane::{self, Content};
use super::{exercise, header};
use crate::engine::exec::Purpose;
use crate::engine::fact::Outcome;
use crate::engine::state::{Run, Status};
use crate::runbook::model::{Kind, Risk};
use crate::timeline::wording::sentence_among;

/// From so many columns on there is room for a pane beside the walk.
const WIDE: u16 = 150;

/// Where the panes are.
struct Plan {
    steps: Rect,
    step: Rect,
    events: Rect,
}

/// Columns for what the script of an exercise has, beside the walk of whoever may read it.
fn beside(open: &Open, width: u16) -> u16 {
    let is_on = open
        .state
        .exercise
        .as_deref()
        .is_some_and(|exercise| exercise.is_on());
    if is_on && open.script.is_some() && width >= WIDE {
        width * 2 / 5
    } else {
        0
    }
}

/// The panes within what is left below the header; the lines between them belong to none.
fn plan(area: Rect) -> Plan {
    let events = (area.height.saturating_sub(6) / 6).clamp(2, 8);
    let body = area.height.saturating_sub(events + 3);
    let left = (u32::from(area.width) * 3 / 8).clamp(24, 44);
    let left = u16::try_from(left).unwrap_or(24);
    Plan {
        steps: Rect::new(area.x + 1, area.y + 1, left - 2, body),
        step: Rect::new(
            area.x + left,
            area.y + 1,
            area.width.saturating_sub(left + 1),
            body,
        ),
        events: Rect::new(area.x + 1, area.y + body + 2, area.width - 2, events),
    }
}

/// Draws it.
pub(super) fn draw(
    model: &Model,
    world: &World,
    canvas: &mut Canvas<'_>,
    area: Rect,
    drawn: &mut Drawn,
) {
    let Some(open) = &world.open else {
        return;
    };
    let below = header::draw(model, world, canvas, area);
    let area = Rect::new(
        area.x,
        below,
        area.width,
        area.bottom().saturating_sub(below),
    );
    let beside = beside(open, area.width);
    if let Some(script) = open.script.as_deref().filter(|_| beside > 0) {
        let pane = Rect::new(area.right() - beside, area.y, beside, area.height);
        exercise::draw_aside(open, script, world, canvas, pane);
    }
    let area = Rect::new(area.x, area.y, area.width - beside, area.height);
    let Some(run) = step::run(model, open) else {
        canvas.text(
            area.x + 1,
            area.y + 1,
            area.width,
            "no runbook is walked here",
            Tone::Dim,
        );
        return;
    };
    let view = &model.walk;
    if view.zoom {
        return zoomed(model, world, open, run, canvas, area, drawn);
    }
    let plan = plan(area);
    edges(model, open, run, world, canvas, area, &plan);
    draw_steps(model, open, run, canvas, plan.steps, drawn);
    draw_step(model, world, run, canvas, plan.step, drawn);
    let events = draw_events(model, open, canvas, plan.events);
    if view.pane == Pane::Events {
        drawn.text = events;
    }
}

/// All the lines between the panes, with their titles; the pane that has the keys has the brighter ones.
fn edges(
    model: &Model,
    open: &Open,
    run: &Run,
    world: &World,
    canvas: &mut Canvas<'_>,
    area: Rect,
    plan: &Plan,
) {
    let edge = if header::is_exercise(open) {
        Tone::Exercise
    } else {
        Tone::Border
    };
    let focus = |pane: Pane| {
        if model.walk.pane == pane {
            Tone::BorderFocus
        } else {
            edge
        }
    };
    let middle = plan.step.x - 1;
    let split = plan.events.y - 1;
    let right = area.right() - 1;
    let steps_width = middle - area.x + 1;
    let step_width = right - middle + 1;
    canvas.across(area.x, area.y, steps_width, ["┌", "┬"], focus(Pane::Steps));
    canvas.across(middle, area.y, step_width, ["┬", "┐"], focus(Pane::Step));
    canvas.down(area.x, area.y + 1, plan.steps.height, focus(Pane::Steps));
    let between = if model.walk.pane == Pane::Events {
        edge
    } else {
        Tone::BorderFocus
    };
    canvas.down(middle, area.y + 1, plan.steps.height, between);
    canvas.down(right, area.y + 1, plan.steps.height, focus(Pane::Step));
    canvas.across(area.x, split, area.width, ["├", "┤"], focus(Pane::Events));
    canvas.text(middle, split, 1, "┴", focus(Pane::Events));
    canvas.down(area.x, split + 1, plan.events.height, focus(Pane::Events));
    canvas.down(right, split + 1, plan.events.height, focus(Pane::Events));
    canvas.across(
        area.x,
        plan.events.bottom(),
        area.width,
        ["└", "┘"],
        focus(Pane::Events),
    );
    header::marked(open, canvas, area.x, plan.events.bottom(), area.width);
    let title =
        Rich::of(Tone::Title, "Timeline").and(Tone::Dim, format!(" · {}", open.events.len()));
    canvas.titles(area.x, split, area.width, &title, &Rich::default());
    canvas.titles(
        area.x,
        area.y,
        steps_width,
        &steps_title(model, open, run, canvas, steps_width),
        &Rich::default(),
    );
    let (title, risk) = step_titles(model, world, canvas);
    canvas.titles(middle, area.y, step_width, &title, &risk);
}

fn steps_title(model: &Model, open: &Open, run: &Run, canvas: &Canvas<'_>, room: u16) -> Rich {
    let (done, all) = run.progress();
    let mut title = Rich::of(Tone::Title, "Steps").and(Tone::Text, format!(" {done}/{all}"));
    if open.state.runs.len() > 1 {
        let at = open.state.runs.iter().position(|other| other.id == run.id);
        title = title.and(
            Tone::Dim,
            format!(" · run {}/{}", at.unwrap_or(0) + 1, open.state.runs.len()),
        );
    } else if let Some(phase) = first_phase(run, model) {
        let phase = format!(" · {}", canvas.clean(&phase));
        if title.width() + text::width(&phase) + 4 <= usize::from(room) {
            title = title.and(Tone::Dim, phase);
        }
    }
    title
}

/// The phase of the topmost step in view, so that it is never off the screen.
fn first_phase(run: &Run, model: &Model) -> Option<String> {
    let rows = step_rows(run);
    let step = rows
        .iter()
        .skip(model.walk.cursor.top)
        .find_map(|row| match row {
            StepRow::Step(at) => Some(*at),
            _ => None,
        })?;
    run.book.steps.get(step)?.phase.clone()
}

fn step_titles(model: &Model, world: &World, canvas: &Canvas<'_>) -> (Rich, Rich) {
    let Some(target) = step::shown(model, world) else {
        return (Rich::of(Tone::Title, "What next"), Rich::default());
    };
    let mut title = Rich::of(Tone::Title, canvas.clean(target.step.id.as_str()));
    if let Some(phase) = &target.step.phase {
        title = title.and(Tone::Dim, format!(" · {}", canvas.clean(phase)));
    }
    if !target.current {
        title = title.and(Tone::Warning, " · not the current step");
    }
    let risk = match target.step.risk {
        Risk::Routine => Rich::default(),
        Risk::Privileged => Rich::of(Tone::Privileged, "PRIVILEGED"),
        Risk::Destructive => Rich::of(Tone::Destructive, "DESTRUCTIVE"),
    };
    (title, risk)
}

fn draw_steps(
    model: &Model,
    open: &Open,
    run: &Run,
    canvas: &mut Canvas<'_>,
    area: Rect,
    drawn: &mut Drawn,
) {
    let rows = step_rows(run);
    drawn.list = Extent {
        rows: rows.len(),
        page: usize::from(area.height),
    };
    let top = model.walk.cursor.top.min(drawn.list.end());
    for (at, row) in rows.iter().enumerate().skip(top).take(drawn.list.page) {
        let y = area.y + u16::try_from(at - top).unwrap_or(0);
        let selected = match row {
            StepRow::Phase(phase) => {
                let line = format!("── {} ──", canvas.clean(phase));
                canvas.text(area.x + 1, y, area.width - 1, &line, Tone::Dim);
                false
            }
            StepRow::Step(step) => {
                step_row(open, run, *step, canvas, area, y);
                *step == model.walk.cursor.at
            }
            StepRow::More => {
                canvas.text(area.x + 1, y, area.width - 1, "⋯ more", Tone::Dim);
                model.walk.cursor.at >= run.book.steps.len()
            }
        };
        if selected {
            canvas.tint(area.x, y, area.width, 1, Tone::Selection);
        }
    }
}

fn step_row(open: &Open, run: &Run, at: usize, canvas: &mut Canvas<'_>, area: Rect, y: u16) {
    let Some(target) = run
        .book
        .steps
        .get(at)
        .and_then(|step| step::target(open, run, &step.id))
    else {
        return;
    };
    let shape = Shape::of(target.state.status, target.current);
    let (tone, note) = note(&target, canvas.ascii);
    let right = Rich::of(tone, canvas.clean(&note));
    let used = canvas.rich_right(area.x, area.right() - 1, y, &right);
    let name = match target.state.status {
        Status::Todo if !target.current => Tone::Text,
        Status::Skipped => Tone::Skipped,
        _ if target.current => Tone::Now,
        _ => Tone::Text,
    };
    let mut left = Rich::of(shape.tone(), format!("{} ", shape.mark(canvas.ascii)))
        .and(name, canvas.clean(target.step.id.as_str()));
    if let Some(choice) = &target.state.choice {
        left = left
            .and(Tone::Dim, " → ")
            .and(Tone::Accent, canvas.clean(choice));
    }
    canvas.rich(area.x + 1, y, area.width.saturating_sub(used + 3), &left);
}

/// What stands at the right of a step: how long it took, what it waits for, what kind it is.
fn note(target: &Target<'_>, ascii: bool) -> (Tone, String) {
    let waiting = Shape::Waiting.mark(ascii);
    let state = target.state;
    if let (true, Some((pending, _))) = (
        state.status != Status::Todo,
        target.facts.and_then(|facts| facts.pending()),
    ) {
        let count = format!("undo {waiting} {}/{}", pending.have, pending.want);
        return (Tone::Waiting, count);
    }
    match state.status {
        Status::Running if target.is_simulated() => (Tone::Waiting, format!("{waiting} exercise")),
        Status::Running => (Tone::Now, "running".to_owned()),
        Status::Done | Status::Failed | Status::Unknown if was_undone(target) => {
            (Tone::Warning, "rolled back".to_owned())
        }
        Status::Failed => (
            Tone::Failed,
            state
                .exit
                .map_or("failed".to_owned(), |exit| format!("failed {exit}")),
        ),
        Status::Unknown => (Tone::Failed, "unknown".to_owned()),
        Status::Skipped => (Tone::Skipped, "skipped".to_owned()),
        Status::Done if was_overridden(target) => (Tone::Override, "! override".to_owned()),
        Status::Done => match (state.started, state.ended) {
            (Some(started), Some(ended)) if state.choice.is_none() => {
                (Tone::Dim, when::took(ended - started))
            }
            _ => (Tone::Dim, String::new()),
        },
        Status::Todo => match target.gate() {
            Gate::Pending(pending) => (
                Tone::Waiting,
                format!("{waiting} {}/{}", pending.have, pending.want),
            ),
            Gate::Denied { .. } => (Tone::Failed, "denied".to_owned()),
            Gate::Open { .. } => (Tone::Done, "approved".to_owned()),
            Gate::Overridden { .. } => (Tone::Override, "! override".to_owned()),
            Gate::Closed { .. } if target.current => (Tone::Waiting, "checkpoint".to_owned()),
            _ => (Tone::Dim, kind_word(target)),
        },
    }
}

fn was_undone(target: &Target<'_>) -> bool {
    target
        .state
        .twins
        .get(&Purpose::RollBack)
        .is_some_and(|twin| twin.outcome == Some(Outcome::Succeeded))
}

fn was_overridden(target: &Target<'_>) -> bool {
    target
        .open
        .state
        .overrides
        .values()
        .any(|over| over.used && over.step.run == target.run.id && over.step.step == target.step.id)
}

fn kind_word(target: &Target<'_>) -> String {
    match (&target.step.kind, target.step.risk) {
        (_, Risk::Destructive) => "destructive".to_owned(),
        (_, Risk::Privileged) => "privileged".to_owned(),
        (Kind::Manual, _) => String::new(),
        (kind, _) => kind.word().to_owned(),
    }
}

fn draw_step(
    model: &Model,
    world: &World,
    run: &Run,
    canvas: &mut Canvas<'_>,
    area: Rect,
    drawn: &mut Drawn,
) {
    let inner = Rect::new(
        area.x + 1,
        area.y,
        area.width.saturating_sub(2),
        area.height.saturating_sub(1),
    );
    let content = content(model, world, run, usize::from(inner.width), canvas.ascii);
    drawn.text = draw_content(model, &content, canvas, inner);
    action_line(model, world, canvas, area);
}

fn content<'w>(
    model: &Model,
    world: &'w World,
    run: &Run,
    columns: usize,
    ascii: bool,
) -> Content<'w> {
    match step::shown(model, world) {
        Some(target) => pane::of_step(&target, world, model.local, columns, ascii),
        None => pane::of_end(run, world, columns, ascii),
    }
}

/// The rows in view; with a search, rows that have it stand out.
fn draw_content(
    model: &Model,
    content: &Content<'_>,
    canvas: &mut Canvas<'_>,
    area: Rect,
) -> Extent {
    let view = &model.walk;
    let extent = Extent {
        rows: content.len(),
        page: usize::from(area.height),
    };
    let running = view.follow && content.is_live();
    let top = if running {
        extent.end()
    } else {
        view.scroll.within(extent)
    };
    let query = view.query.value().to_lowercase();
    for at in 0..extent.page.min(extent.rows - top) {
        let y = area.y + u16::try_from(at).unwrap_or(0);
        let row = content.row(top + at, view.pan, canvas.ascii);
        canvas.rich(area.x, y, area.width, &row);
        if !query.is_empty() && row.plain().to_lowercase().contains(&query) {
            canvas.tint(area.x, y, area.width, 1, Tone::Accent);
        }
    }
    if extent.rows > extent.page && area.width > 12 {
        let left = extent.rows - top - extent.page;
        if left > 0 {
            let more = Rich::of(Tone::Dim, format!(" ↓ {left} more "));
            let y = area.bottom() - 1;
            canvas.rich_right(area.x, area.right(), y, &more);
        }
    }
    extent
}

/// The last row of the pane: what is to be done, or the search that is typed.
fn action_line(model: &Model, world: &World, canvas: &mut Canvas<'_>, area: Rect) {
    let y = area.bottom() - 1;
    let x = area.x + 1;
    let columns = area.width.saturating_sub(2);
    if model.walk.typing || !model.walk.query.value().is_empty() {
        let typed = canvas.clean(model.walk.query.value());
        let line = Rich::of(Tone::Accent, "/ ").and(Tone::Text, typed);
        canvas.rich(x, y, columns, &line);
        if model.walk.typing {
            let at = u16::try_from(model.walk.query.visual_cursor()).unwrap_or(0);
            canvas.caret = Some((x + 2 + at.min(columns), y));
        }
        return;
    }
    let now = Shape::Now.mark(canvas.ascii);
    let line = match step::shown(model, world) {
        Some(target) => {
            let (primary, label) = target.primary(world);
            if primary == step::Primary::Show {
                return;
            }
            Rich::of(Tone::Now, format!("{now} now: {}", canvas.clean(&label)))
        }
        None => Rich::of(Tone::Now, format!("{now} now: what next")),
    };
    canvas.rich(x, y, columns, &line);
}

/// The last events, newest first.
fn draw_events(model: &Model, open: &Open, canvas: &mut Canvas<'_>, area: Rect) -> Extent {
    let extent = Extent {
        rows: open.events.len(),
        page: usize::from(area.height),
    };
    let back = model.walk.events.within(extent);
    let events = open.events.iter().rev().skip(back).take(extent.page);
    for (at, event) in events.enumerate() {
        let y = area.y + u16::try_from(at).unwrap_or(0);
        let who = header::person(open, &event.person);
        let words = without_person(
            &sentence_among(event, &open.events),
            event.person.as_str(),
            &who,
        );
        let row = Rich::of(Tone::Dim, canvas.zone.clock(event.occurred_at))
            .and(
                Tone::Accent,
                format!(" {} ", text::pad(&canvas.clean(&who), 8)),
            )
            .and(Tone::Text, canvas.clean(&words));
        canvas.rich(area.x + 1, y, area.width.saturating_sub(2), &row);
    }
    extent
}

/// The sentence without the name that stands before it in a column of its own.
pub(super) fn without_person(sentence: &str, principal: &str, name: &str) -> String {
    let local = principal.split('@').next().unwrap_or(principal);
    for prefix in [principal, name, local] {
        if let Some(rest) = sentence
            .strip_prefix(prefix)
            .and_then(|rest| rest.strip_prefix(' '))
        {
            return rest.to_owned();
        }
    }
    sentence.to_owned()
}

fn zoomed(
    model: &Model,
    world: &World,
    open: &Open,
    run: &Run,
    canvas: &mut Canvas<'_>,
    area: Rect,
    drawn: &mut Drawn,
) {
    match model.walk.pane {
        Pane::Steps => {
            let title = steps_title(model, open, run, canvas, area.width);
            let inside = canvas.frame(area, &title, &Rich::default(), Tone::BorderFocus);
            draw_steps(model, open, run, canvas, inside, drawn);
        }
        Pane::Step => {
            let (title, risk) = step_titles(model, world, canvas);
            let inside = canvas.frame(area, &title, &risk, Tone::BorderFocus);
            draw_step(model, world, run, canvas, inside, drawn);
        }
        Pane::Events => {
            let title = Rich::of(Tone::Title, "Timeline");
            let inside = canvas.frame(area, &title, &Rich::default(), Tone::BorderFocus);
            drawn.text = draw_events(model, open, canvas, inside);
        }
    }
}

/// The rows of the right pane that hold this text.
pub(super) fn matches(model: &Model, world: &World, query: &str) -> Vec<usize> {
    let Some(run) = world.open.as_ref().and_then(|open| step::run(model, open)) else {
        return Vec::new();
    };
    let width = model.size.0.max(super::SMALLEST.0);
    let beside = world.open.as_ref().map_or(0, |open| beside(open, width));
    let area = Rect::new(0, 0, width - beside, 24);
    let columns = if model.walk.zoom {
        area.width - 4
    } else {
        plan(area).step.width.saturating_sub(2)
    };
    let content = content(model, world, run, usize::from(columns), model.ascii);
    (0..content.len())
        .filter(|at| {
            content
                .row(*at, 0, model.ascii)
                .plain()
                .to_lowercase()
                .contains(query)
        })
        .collect()
}

//! The screen of an exercise: what came, what is to come, who does what, how it stands. Each row in a line, the one
//! under the cursor in full beside or below it.

mod aside;
mod row;
mod words;

pub(super) use aside::draw as draw_aside;

use ratatui::layout::Rect;

use super::super::exercise::{self, Row, Tab};
use super::super::extent::{Drawn, Extent};
use super::super::model::Model;
use super::super::rich::Rich;
use super::super::theme::Tone;
use super::super::world::{Open, World};
use super::canvas::Canvas;
use super::header;

/// From so many columns on the row in full stands beside the list.
const WIDE: u16 = 140;

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
    let height = area.bottom().saturating_sub(below);
    let area = Rect::new(area.x, below, area.width, height);
    let title = tabs(model, open);
    let inside = canvas.frame(area, &title, &Rich::default(), Tone::Exercise);
    header::marked(open, canvas, area.x, area.bottom() - 1, area.width);
    if inside.height == 0 {
        return;
    }
    let tab = model.exercise.tab;
    if tab == Tab::Briefing {
        return briefing(model, open, canvas, inside, drawn);
    }
    let rows = exercise::rows(tab, open);
    let (list, full) = parts(inside, rows.len());
    drawn.list = Extent {
        rows: rows.len(),
        page: usize::from(list.height),
    };
    if rows.is_empty() {
        let none = match tab {
            Tab::Messages => "no message has come yet",
            _ => "nothing",
        };
        canvas.text(inside.x + 1, inside.y, inside.width, none, Tone::Dim);
        return;
    }
    draw_list(model, world, &rows, canvas, list, drawn);
    edge(canvas, area, inside, full);
    if let Some(row) = rows.get(model.exercise.cursor.at) {
        let lines = words::of(row, open, world, canvas.zone);
        let text = wrapped(&lines, canvas, usize::from(full.width.saturating_sub(2)));
        draw_text(&text, 0, canvas, full);
    }
}

fn draw_list(
    model: &Model,
    world: &World,
    rows: &[Row<'_>],
    canvas: &mut Canvas<'_>,
    list: Rect,
    drawn: &Drawn,
) {
    let Some(open) = &world.open else {
        return;
    };
    let view = &model.exercise;
    let top = view.cursor.top.min(drawn.list.end());
    for (at, one) in rows.iter().enumerate().skip(top).take(drawn.list.page) {
        let y = list.y + u16::try_from(at - top).unwrap_or(0);
        let line = row::line(one, open, model, world, canvas);
        canvas.rich(list.x + 1, y, list.width.saturating_sub(2), &line);
        if at == view.cursor.at {
            canvas.tint(list.x, y, list.width, 1, Tone::Selection);
        }
    }
    let below = drawn.list.end().saturating_sub(top);
    if below > 0 {
        let more = Rich::of(Tone::Dim, format!(" ↓ {below} more "));
        canvas.rich_right(list.x, list.right(), list.bottom() - 1, &more);
    }
}

/// ` Messages 2 · Briefing · Script `, the one that is seen standing out.
fn tabs(model: &Model, open: &Open) -> Rich {
    let mut title = Rich::default();
    for tab in Tab::all(open) {
        if !title.is_empty() {
            title = title.and(Tone::Dim, " · ");
        }
        let count = match tab {
            Tab::Briefing => String::new(),
            tab => format!(" {}", exercise::rows(*tab, open).len()),
        };
        title = if *tab == model.exercise.tab {
            title.and(Tone::Now, format!("[{}{count}]", tab.word()))
        } else {
            title.and(Tone::Dim, format!("{}{count}", tab.word()))
        };
    }
    title
}

/// The list, and where the row under the cursor stands in full.
fn parts(inside: Rect, rows: usize) -> (Rect, Rect) {
    let Rect {
        x,
        y,
        width,
        height,
    } = inside;
    if width >= WIDE {
        let left = width * 11 / 20;
        return (
            Rect::new(x, y, left, height),
            Rect::new(x + left + 1, y, width.saturating_sub(left + 1), height),
        );
    }
    let most = (height / 2).max(1);
    let rows = u16::try_from(rows).unwrap_or(u16::MAX).clamp(1, most);
    let below = height.saturating_sub(rows + 1);
    (
        Rect::new(x, y, width, rows),
        Rect::new(x, y + rows + 1, width, below),
    )
}

/// The line between the two.
fn edge(canvas: &mut Canvas<'_>, area: Rect, inside: Rect, full: Rect) {
    if full.y == inside.y {
        canvas.text(full.x - 1, area.y, 1, "┬", Tone::Exercise);
        canvas.down(full.x - 1, inside.y, inside.height, Tone::Exercise);
        canvas.text(full.x - 1, area.bottom() - 1, 1, "┴", Tone::Exercise);
    } else if full.height > 0 {
        let ends = ["├", "┤"];
        canvas.across(area.x, full.y - 1, area.width, ends, Tone::Exercise);
    }
}

/// A line that is foreign text among marks of the screen's own.
fn own(line: &str, canvas: &Canvas<'_>) -> String {
    if canvas.ascii {
        canvas.clean(&line.replace(" · ", " - "))
    } else {
        canvas.clean(line)
    }
}

fn wrapped(lines: &[(Tone, String)], canvas: &Canvas<'_>, columns: usize) -> Vec<Rich> {
    let rows = lines.iter().flat_map(|(tone, line)| {
        if line.is_empty() {
            return vec![Rich::default()];
        }
        Rich::of(*tone, own(line, canvas)).wrap(columns, 0)
    });
    rows.collect()
}

fn draw_text(rows: &[Rich], top: usize, canvas: &mut Canvas<'_>, area: Rect) -> Extent {
    let extent = Extent {
        rows: rows.len(),
        page: usize::from(area.height),
    };
    let top = top.min(extent.end());
    for (at, row) in rows.iter().skip(top).take(extent.page).enumerate() {
        let y = area.y + u16::try_from(at).unwrap_or(0);
        canvas.rich(area.x + 1, y, area.width.saturating_sub(2), row);
    }
    let below = extent.end().saturating_sub(top);
    if below > 0 && area.height > 0 {
        let more = Rich::of(Tone::Dim, format!(" ↓ {below} more "));
        canvas.rich_right(area.x, area.right(), area.bottom() - 1, &more);
    }
    extent
}

/// What was told before it began, and what holds in it.
fn briefing(model: &Model, open: &Open, canvas: &mut Canvas<'_>, inside: Rect, drawn: &mut Drawn) {
    let lines = words::briefing(open, canvas.zone);
    let rows = wrapped(&lines, canvas, usize::from(inside.width.saturating_sub(2)));
    drawn.text = draw_text(&rows, model.exercise.scroll.top, canvas, inside);
}

/// A row in full, to be read in a layer.
pub(super) fn read(
    tab: Tab,
    key: &str,
    world: &World,
    canvas: &Canvas<'_>,
    columns: usize,
) -> Vec<Rich> {
    let lines = world.open.as_ref().and_then(|open| {
        let row = exercise::row(tab, key, open)?;
        Some(words::of(&row, open, world, canvas.zone))
    });
    let gone = || vec![(Tone::Dim, "it is not here any more".to_owned())];
    wrapped(&lines.unwrap_or_else(gone), canvas, columns)
}

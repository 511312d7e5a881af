//! Menus, choices, forms and readers, drawn as boxes in the middle of the screen.

use ratatui::layout::Rect;

use super::super::act::{Act, Place};
use super::super::applies;
use super::super::extent::{Drawn, Extent};
use super::super::layer::{Choose, Field, FieldKind, Form, Layer, Menu, Reader, Reading};
use super::super::model::Model;
use super::super::rich::Rich;
use super::super::text;
use super::super::theme::Tone;
use super::super::world::World;
use super::canvas::Canvas;
use super::{event, exercise};
use crate::timeline::clocks;

/// Draws one layer.
pub(super) fn draw(
    layer: &Layer,
    model: &Model,
    world: &World,
    canvas: &mut Canvas<'_>,
    area: Rect,
    drawn: &mut Drawn,
) {
    canvas.caret = None;
    match layer {
        Layer::Menu(menu) => draw_menu(menu, canvas, area, drawn),
        Layer::Choose(choose) => draw_choose(choose, canvas, area, drawn),
        Layer::Form(form) => draw_form(form, canvas, area, drawn),
        Layer::Reader(reader) => draw_reader(reader, model, world, canvas, area, drawn),
    }
}

/// A box for so many rows of at most so many columns, in the middle.
fn middle(area: Rect, rows: usize, columns: usize) -> Rect {
    let width = u16::try_from(columns + 4)
        .unwrap_or(u16::MAX)
        .clamp(36, area.width.saturating_sub(4).max(36))
        .min(area.width);
    let height = u16::try_from(rows + 2)
        .unwrap_or(u16::MAX)
        .min(area.height.saturating_sub(1));
    Rect::new(
        area.x + (area.width - width) / 2,
        area.y + (area.height - height) / 2,
        width,
        height,
    )
}

fn boxed(canvas: &mut Canvas<'_>, area: Rect, title: &str) -> Rect {
    canvas.clear(area);
    let title = Rich::of(Tone::Title, canvas.clean(title));
    let inside = canvas.frame(area, &title, &Rich::default(), Tone::BorderFocus);
    Rect::new(
        inside.x + 1,
        inside.y,
        inside.width.saturating_sub(2),
        inside.height,
    )
}

fn draw_menu(menu: &Menu, canvas: &mut Canvas<'_>, area: Rect, drawn: &mut Drawn) {
    let typed = usize::from(menu.query.is_some());
    let area = middle(area, menu.items.len() + typed, 72);
    let mut inside = boxed(canvas, area, &menu.title);
    if let Some(query) = &menu.query {
        let line = Rich::of(Tone::Accent, "> ").and(Tone::Text, canvas.clean(query.value()));
        canvas.rich(inside.x, inside.y, inside.width, &line);
        let at = u16::try_from(query.visual_cursor()).unwrap_or(0);
        canvas.caret = Some((inside.x + 2 + at.min(inside.width), inside.y));
        inside.y += 1;
        inside.height = inside.height.saturating_sub(1);
    }
    let extent = Extent {
        rows: menu.found.len(),
        page: usize::from(inside.height),
    };
    drawn.layer = extent;
    let top = menu.cursor.top.min(extent.end());
    let label = menu
        .items
        .iter()
        .map(|item| text::width(&item.label))
        .max()
        .unwrap_or(0)
        .clamp(22, 40);
    for (at, item) in menu.found.iter().enumerate().skip(top).take(extent.page) {
        let Some(item) = menu.items.get(*item) else {
            continue;
        };
        let y = inside.y + u16::try_from(at - top).unwrap_or(0);
        let row = Rich::of(Tone::FooterKey, text::pad(&item.key, 7))
            .and(Tone::Text, text::pad(&canvas.clean(&item.label), label))
            .and(Tone::Dim, format!(" {}", item.act.about()));
        canvas.rich(inside.x, y, inside.width, &row);
        if at == menu.cursor.at {
            canvas.tint(inside.x, y, inside.width, 1, Tone::Selection);
        }
    }
    if extent.end() > top {
        let more = Rich::of(Tone::Dim, format!(" ↓ {} more ", extent.end() - top));
        canvas.rich_right(inside.x, inside.right(), area.bottom() - 1, &more);
    }
    if menu.found.is_empty() {
        canvas.text(
            inside.x,
            inside.y,
            inside.width,
            "no command fits",
            Tone::Dim,
        );
    }
}

/// What has to be read before, wrapped.
fn body(lines: &[(Tone, String)], canvas: &Canvas<'_>, columns: usize) -> Vec<Rich> {
    let mut rows = Vec::new();
    for (tone, line) in lines {
        let clean = canvas.clean(line);
        if *tone == Tone::Code {
            let pieces = text::wrap_hard(&clean, columns);
            rows.extend(pieces.into_iter().map(|piece| Rich::of(*tone, piece)));
        } else {
            rows.extend(Rich::of(*tone, clean).wrap(columns, 2));
        }
    }
    if !rows.is_empty() {
        rows.push(Rich::default());
    }
    rows
}

fn draw_choose(choose: &Choose, canvas: &mut Canvas<'_>, area: Rect, drawn: &mut Drawn) {
    let columns = usize::from(area.width.saturating_sub(10)).min(72);
    let rows = body(&choose.body, canvas, columns);
    let options = choose.options.len();
    let area = middle(area, rows.len() + options, columns);
    let inside = boxed(canvas, area, &choose.title);
    let options_page = options.min(usize::from(inside.height));
    let room = usize::from(inside.height) - options_page;
    let extent = Extent {
        rows: rows.len(),
        page: room,
    };
    drawn.layer = extent;
    drawn.question =
        rows.len() <= room || choose.scroll.top >= extent.end() || choose.drawn || !choose.guarded;
    drawn.question |= choose.guarded;
    let top = choose.scroll.within(extent);
    for (at, row) in rows.iter().skip(top).take(room).enumerate() {
        let y = inside.y + u16::try_from(at).unwrap_or(0);
        canvas.rich(inside.x, y, inside.width, row);
    }
    let shown = extent.rows.min(extent.page);
    if extent.end() > top && shown > 0 {
        let more = Rich::of(
            Tone::Warning,
            format!(" ↓ {} more lines (PgDn) ", extent.end() - top),
        );
        let y = inside.y + u16::try_from(shown - 1).unwrap_or(0);
        canvas.rich_right(inside.x, inside.right(), y, &more);
    }
    let first = choose
        .cursor
        .at
        .saturating_sub(options_page.saturating_sub(1));
    for (at, option) in choose
        .options
        .iter()
        .enumerate()
        .skip(first)
        .take(options_page)
    {
        let y = inside.y + u16::try_from(shown + at - first).unwrap_or(0);
        let row = Rich::of(Tone::Text, format!("  {}", canvas.clean(&option.label)))
            .and(Tone::Dim, format!("  {}", canvas.clean(&option.note)));
        canvas.rich(inside.x, y, inside.width, &row);
        if at == choose.cursor.at {
            let mark = super::super::glyph::Shape::Now.mark(false);
            canvas.text(inside.x, y, 1, mark, Tone::Now);
            canvas.tint(inside.x, y, inside.width, 1, Tone::Selection);
        }
    }
}

fn draw_form(form: &Form, canvas: &mut Canvas<'_>, area: Rect, drawn: &mut Drawn) {
    let columns = usize::from(area.width.saturating_sub(10)).min(72);
    let rows = body(&form.body, canvas, columns);
    let error = form
        .error
        .as_ref()
        .map(|error| Rich::of(Tone::Error, canvas.clean(error)).wrap(columns, 2))
        .unwrap_or_default();
    let wanted = rows.len() + form.fields.len() + error.len() + 2;
    let area = middle(area, wanted, columns);
    let inside = boxed(canvas, area, &form.title);
    let below = error.len() + 2;
    let height = usize::from(inside.height);
    let fields_page = form.fields.len().min(height.saturating_sub(below));
    let room = height.saturating_sub(below + fields_page);
    drawn.question = true;
    let mut y = inside.y;
    let extent = Extent {
        rows: rows.len(),
        page: room,
    };
    drawn.layer = extent;
    let top = form.scroll.within(extent);
    for row in rows.iter().skip(top).take(room) {
        canvas.rich(inside.x, y, inside.width, row);
        y += 1;
    }
    if extent.end() > top && room > 0 {
        let below = extent.end() - top;
        let more = Rich::of(Tone::Warning, format!(" ↓ {below} more lines (PgDn) "));
        canvas.rich_right(inside.x, inside.right(), y - 1, &more);
    }
    let first = (form.focus.min(form.fields.len()) + 1).saturating_sub(fields_page);
    let label = form
        .fields
        .iter()
        .filter(|field| !matches!(field.kind, FieldKind::Tick(_)))
        .map(|field| text::width(&canvas.clean(&field.label)))
        .max()
        .unwrap_or(0)
        .clamp(6, columns / 2);
    let first = if form.focus >= form.fields.len() {
        form.fields.len() - fields_page
    } else {
        first
    };
    for (at, field) in form.fields.iter().enumerate().skip(first).take(fields_page) {
        draw_field(field, at == form.focus, label, canvas, inside, y);
        y += 1;
    }
    for row in &error {
        canvas.rich(inside.x, y, inside.width, row);
        y += 1;
    }
    buttons(form, canvas, inside, y + 1);
}

fn draw_field(
    field: &Field,
    focused: bool,
    label: usize,
    canvas: &mut Canvas<'_>,
    inside: Rect,
    y: u16,
) {
    let tone = if focused { Tone::Now } else { Tone::Dim };
    if let FieldKind::Tick(set) = field.kind {
        let mark = if set { "[x] " } else { "[ ] " };
        let row = Rich::of(tone, mark).and(Tone::Text, canvas.clean(&field.label));
        canvas.rich(inside.x, y, inside.width, &row);
        if focused {
            canvas.tint(inside.x, y, inside.width, 1, Tone::Selection);
        }
        return;
    }
    let name = text::pad(&canvas.clean(&field.label), label);
    canvas.text(inside.x, y, inside.width, &name, tone);
    let x = inside.x + u16::try_from(label).unwrap_or(0) + 2;
    let room = inside.right().saturating_sub(x);
    if let FieldKind::Choice(choices, at) = &field.kind {
        let value = choices.get(*at).map_or("", String::as_str);
        let value = if value.is_empty() { "-" } else { value };
        let arrows = if focused {
            ("← ", " →")
        } else {
            ("  ", "  ")
        };
        let row = Rich::of(Tone::Accent, arrows.0)
            .and(Tone::Text, canvas.clean(value))
            .and(Tone::Accent, arrows.1);
        canvas.rich(x, y, room, &row);
        return;
    }
    let columns = usize::from(room.saturating_sub(1)).max(1);
    let secret = field.kind == FieldKind::Secret;
    let shown = if secret {
        "•".repeat(field.line.value().chars().count().min(columns))
    } else {
        canvas.clean(field.line.value())
    };
    let scroll = if secret {
        0
    } else {
        field.line.visual_scroll(columns)
    };
    canvas.text(x, y, room, &"_".repeat(usize::from(room)), Tone::Dim);
    let visible = text::take(text::skip(&shown, scroll), columns).to_owned();
    canvas.text(x, y, room, &visible, Tone::Text);
    if focused {
        let cursor = field
            .line
            .visual_cursor()
            .saturating_sub(scroll)
            .min(columns);
        canvas.caret = Some((x + u16::try_from(cursor).unwrap_or(0), y));
    }
}

fn buttons(form: &Form, canvas: &mut Canvas<'_>, inside: Rect, y: u16) {
    if y >= inside.bottom() {
        return;
    }
    let mut x = inside.x;
    for (at, label) in [(0, form.submit.as_str()), (1, "back")] {
        let chosen = form.focus == form.fields.len() + at;
        let words = if chosen {
            format!("[ {label} ]")
        } else {
            format!("  {label}  ")
        };
        let tone = if chosen { Tone::Now } else { Tone::Text };
        let wide = u16::try_from(text::width(&words)).unwrap_or(0);
        canvas.text(x, y, inside.right().saturating_sub(x), &words, tone);
        if chosen {
            canvas.tint(x, y, wide, 1, Tone::Selection);
        }
        x += wide + 2;
    }
}

fn draw_reader(
    reader: &Reader,
    model: &Model,
    world: &World,
    canvas: &mut Canvas<'_>,
    area: Rect,
    drawn: &mut Drawn,
) {
    let columns = usize::from(area.width.saturating_sub(8)).min(88);
    let (title, rows) = match &reader.what {
        Reading::Help => ("Keys", help(model, world)),
        Reading::Output => (
            "Output of the dry run",
            output(model, world, canvas, columns),
        ),
        Reading::Clocks => ("Regulatory clocks", clocks(world, canvas, columns)),
        Reading::Exercise(tab, key) => (
            "Exercise",
            exercise::read(*tab, key, world, canvas, columns),
        ),
        Reading::Event(id) => {
            let found = world.open.as_ref().and_then(|open| {
                let event = open.events.get(model.timeline.index.place(id)?)?;
                Some(event::entry(
                    event,
                    open,
                    &model.timeline.index,
                    canvas,
                    columns,
                ))
            });
            let gone = || vec![Rich::of(Tone::Dim, "this event is not in the record")];
            ("Event", found.unwrap_or_else(gone))
        }
    };
    let area = middle(area, rows.len(), columns);
    let inside = boxed(canvas, area, title);
    let extent = Extent {
        rows: rows.len(),
        page: usize::from(inside.height),
    };
    drawn.layer = extent;
    let top = reader.scroll.within(extent);
    for (at, row) in rows.iter().skip(top).take(extent.page).enumerate() {
        let y = inside.y + u16::try_from(at).unwrap_or(0);
        canvas.rich(inside.x, y, inside.width, row);
    }
    if extent.end() > top {
        let more = Rich::of(Tone::Dim, format!(" ↓ {} more ", extent.end() - top));
        canvas.rich_right(inside.x, inside.right(), area.bottom() - 1, &more);
    }
}

/// How every clock stands, from what it counts, and what is wrong with those that are missing.
fn clocks(world: &World, canvas: &Canvas<'_>, columns: usize) -> Vec<Rich> {
    let Some(open) = &world.open else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    for line in clocks::page(&open.countdowns(world.now)).lines() {
        let indent = line.len() - line.trim_start().len();
        let tone = if indent == 0 { Tone::Title } else { Tone::Text };
        let clean = canvas.clean(line.trim_start());
        for part in text::wrap(&clean, columns.saturating_sub(indent)) {
            rows.push(Rich::of(tone, format!("{:indent$}{part}", "")));
        }
    }
    for problem in &open.clocks.problems {
        let clean = canvas.clean(problem);
        let parts = text::wrap(&clean, columns).into_iter();
        rows.extend(parts.map(|part| Rich::of(Tone::Warning, part)));
    }
    rows
}

/// What the dry run printed; a long line goes on in the next row.
fn output(model: &Model, world: &World, canvas: &Canvas<'_>, columns: usize) -> Vec<Rich> {
    let lines = applies::approval(model, world).and_then(|view| view.brief.output.as_ref());
    let Some(Ok(lines)) = lines else {
        return vec![Rich::of(Tone::Dim, "it is not here any more")];
    };
    let mut rows = Vec::with_capacity(lines.len());
    for line in lines.iter() {
        let clean = canvas.clean(line);
        let pieces = text::wrap_hard(&clean, columns);
        rows.extend(pieces.into_iter().map(|piece| Rich::of(Tone::Code, piece)));
    }
    if rows.is_empty() {
        rows.push(Rich::of(Tone::Dim, "it printed nothing"));
    }
    rows
}

/// Every key of the screen below: what applies now stands out.
fn help(model: &Model, world: &World) -> Vec<Rich> {
    let place = match model.screen_place() {
        Place::Filter => Place::Home,
        Place::Find => Place::Walk,
        place => place,
    };
    let now = applies::commands(model, world);
    let mut rows = Vec::new();
    let general = model.keymap.acts_of(Place::Any);
    for (title, acts) in [
        ("This screen", model.keymap.acts_of(place)),
        ("Everywhere", general),
    ] {
        if !rows.is_empty() {
            rows.push(Rich::default());
        }
        rows.push(Rich::of(Tone::Title, title));
        if rows.len() == 1
            && let Some(label) = applies::on_screen(Act::Enter, model, world)
        {
            rows.push(
                Rich::of(Tone::FooterKey, text::pad("  Enter", 12))
                    .and(Tone::Now, text::clean(&label, model.ascii)),
            );
        }
        for act in acts {
            let applies = act.moves() || now.iter().any(|(known, _)| *known == act);
            if act.is_of_exercise() && !applies {
                continue;
            }
            rows.extend(help_row(act, place, applies, model));
        }
    }
    rows
}

fn help_row(act: Act, place: Place, applies: bool, model: &Model) -> Option<Rich> {
    let key = model.keymap.key_of(place, act)?;
    let tone = if applies { Tone::Text } else { Tone::Dim };
    let note = if applies { "" } else { " (not now)" };
    Some(
        Rich::of(Tone::FooterKey, text::pad(&format!("  {key}"), 12))
            .and(tone, act.about())
            .and(Tone::Dim, note),
    )
}

//! From the model and the world to a frame. Draws the same for the same values, so that only what changed is sent.

mod brief;
mod canvas;
mod checkpoint;
mod event;
mod exercise;
mod followups;
mod header;
mod home;
mod layers;
mod logs;
mod pane;
mod preview;
mod timeline;
mod walk;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::applies::{enter_room, footer};
use super::extent::Drawn;
use super::model::{Model, Screen};
use super::rich::Rich;
use super::text;
use super::theme::Tone;
use super::when::Zone;
use super::world::{Notice, World};
use canvas::Canvas;

/// The smallest screen on which nothing that matters is cut off too badly to be used.
pub const SMALLEST: (u16, u16) = (60, 16);

/// Draws everything. What it returns goes back in as `Input::Drawn`.
pub fn view(model: &Model, world: &World, frame: &mut Frame<'_>) -> Drawn {
    let area = frame.area();
    let (drawn, caret) = draw(model, world, frame.buffer_mut(), area);
    if let Some((x, y)) = caret
        && x < area.right()
        && y < area.bottom()
    {
        frame.set_cursor_position((x, y));
    }
    drawn
}

/// Draws everything on all of a buffer. Returns what goes back in as `Input::Drawn`, and where the cursor belongs.
pub fn view_on(model: &Model, world: &World, buf: &mut Buffer) -> (Drawn, Option<(u16, u16)>) {
    let area = buf.area;
    draw(model, world, buf, area)
}

fn draw(model: &Model, world: &World, buf: &mut Buffer, area: Rect) -> (Drawn, Option<(u16, u16)>) {
    let mut canvas = Canvas {
        buf,
        theme: &model.theme,
        ascii: model.ascii,
        zone: Zone::new(model.local, world.now),
        caret: None,
    };
    canvas.clear(area);
    let mut drawn = Drawn::default();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let line = format!(
            "{}×{} is too small: runsheet needs {}×{}",
            area.width, area.height, SMALLEST.0, SMALLEST.1
        );
        canvas.text(
            area.x,
            area.y,
            area.width,
            &line.replace('×', "x"),
            Tone::Warning,
        );
    } else {
        let bottom = bottom_lines(model, world, &mut canvas, area);
        let rest = Rect {
            height: bottom.saturating_sub(area.y),
            ..area
        };
        match model.screen() {
            Screen::Home => home::draw(model, world, &mut canvas, rest, &mut drawn),
            Screen::Preview => preview::draw(model, world, &mut canvas, rest, &mut drawn),
            Screen::Walk => walk::draw(model, world, &mut canvas, rest, &mut drawn),
            Screen::Checkpoint => checkpoint::draw(model, world, &mut canvas, rest, &mut drawn),
            Screen::Timeline => timeline::draw(model, world, &mut canvas, rest, &mut drawn),
            Screen::Followups => followups::draw(model, world, &mut canvas, rest, &mut drawn),
            Screen::Exercise => exercise::draw(model, world, &mut canvas, rest, &mut drawn),
            Screen::Logs => logs::draw(model, world, &mut canvas, rest, &mut drawn),
        }
        for layer in &model.layers {
            layers::draw(layer, model, world, &mut canvas, rest, &mut drawn);
        }
    }
    let caret = canvas.caret;
    if model.ascii {
        canvas.make_ascii();
    }
    (drawn, caret)
}

/// Footer, work under way and what has to be said. Returns the first row they take.
fn bottom_lines(model: &Model, world: &World, canvas: &mut Canvas<'_>, area: Rect) -> u16 {
    let mut y = area.bottom() - 1;
    draw_footer(model, world, canvas, area, y);
    if let Some(task) = world.tasks.last() {
        y -= 1;
        let mut line = Rich::of(Tone::Now, format!(" {} ", canvas.clean(&task.name)));
        line = line.and(Tone::Text, amount(task));
        if world.tasks.len() > 1 {
            line = line.and(Tone::Dim, format!(" · and {} more", world.tasks.len() - 1));
        }
        canvas.rich(area.x, y, area.width, &line);
    }
    if let Some(notice) = model.notice(world) {
        let rows = notice_rows(notice, canvas, usize::from(area.width).saturating_sub(2));
        let room = usize::from(area.height / 3);
        let shown = rows.len().min(room);
        y -= u16::try_from(shown).unwrap_or(0);
        for (at, row) in rows.iter().take(shown).enumerate() {
            let at = y + u16::try_from(at).unwrap_or(0);
            canvas.rich(area.x + 1, at, area.width - 2, row);
        }
    }
    y
}

/// `312/412 runbooks · 40/s · 3s left`
fn amount(task: &super::world::Task) -> String {
    let mut text = if task.total > 0 {
        format!("{}/{} {}", task.done, task.total, task.unit)
    } else {
        format!("{} {}", task.done, task.unit)
    };
    if task.rate >= 0.05 {
        text.push_str(&format!(" · {:.0}/s", task.rate));
        if task.total > task.done {
            let seconds = (task.total - task.done) as f64 / task.rate;
            let span = std::time::Duration::from_secs(seconds.min(1e6) as u64);
            text.push_str(&format!(" · {} left", super::when::span(span)));
        }
    }
    text
}

fn notice_rows(notice: &Notice, canvas: &Canvas<'_>, columns: usize) -> Vec<Rich> {
    let (tone, mark) = if notice.bad {
        (Tone::Error, if canvas.ascii { "[!] " } else { "✗ " })
    } else {
        (Tone::Accent, "")
    };
    let hang = text::width(mark);
    let mut rows =
        Rich::of(tone, format!("{mark}{}", canvas.clean(&notice.what))).wrap(columns, hang);
    let indent = " ".repeat(hang);
    for (word, more) in [("kept: ", &notice.kept), ("hint: ", &notice.hint)] {
        if let Some(more) = more {
            let row =
                Rich::of(Tone::Dim, format!("{indent}{word}")).and(Tone::Text, canvas.clean(more));
            rows.extend(row.wrap(columns, hang + 6));
        }
    }
    rows
}

/// As many of the commands as there is room for; the keys' list is always the last.
fn draw_footer(model: &Model, world: &World, canvas: &mut Canvas<'_>, area: Rect, y: u16) {
    let place = model.place();
    let help = model.keymap.key_of(place, super::act::Act::Help);
    let tail = match help {
        Some(key) if !place.is_typed() => {
            Rich::of(Tone::FooterKey, key).and(Tone::FooterText, " keys")
        }
        _ => Rich::default(),
    };
    let room = usize::from(area.width).saturating_sub(tail.width() + 3);
    let mut line = Rich::of(Tone::FooterText, " ");
    for (key, label) in footer(model, world) {
        let label = if line.0.len() == 1 {
            let slot = enter_room(model, world).max(text::width(&label));
            text::pad(&canvas.clean(&label), slot)
        } else {
            canvas.clean(&label)
        };
        let between = if line.0.len() == 1 { "" } else { " · " };
        let wide = text::width(between) + text::width(&key) + 1 + text::width(&label);
        if line.width() + wide > room {
            if line.0.len() == 1 {
                let label =
                    text::fit(&label, room.saturating_sub(text::width(&key) + 2)).into_owned();
                line = line
                    .and(Tone::FooterKey, key)
                    .and(Tone::FooterText, format!(" {label}"));
            }
            continue;
        }
        line = line
            .and(Tone::FooterText, between)
            .and(Tone::FooterKey, key)
            .and(Tone::FooterText, format!(" {label}"));
    }
    if !tail.is_empty() {
        line = line.and(Tone::FooterText, " · ");
        line.0.extend(tail.0);
    }
    canvas.rich(area.x, y, area.width, &line);
}

/// The rows of the walk's right pane that hold this text, in lower case.
#[must_use]
pub fn matches(model: &Model, world: &World, query: &str) -> Vec<usize> {
    walk::matches(model, world, query)
}

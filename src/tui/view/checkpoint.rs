//! The checkpoint: the complete approval text, who signs, and the ways out.

use ratatui::layout::Rect;

use super::super::act::Act;
use super::super::applies;
use super::super::extent::{Drawn, Extent};
use super::super::model::Model;
use super::super::rich::Rich;
use super::super::text;
use super::super::theme::Tone;
use super::super::when;
use super::super::world::{ApprovalView, World};
use super::brief;
use super::canvas::Canvas;
use super::header;
use crate::engine::exec::Purpose;

/// Draws it.
pub(super) fn draw(
    model: &Model,
    world: &World,
    canvas: &mut Canvas<'_>,
    area: Rect,
    drawn: &mut Drawn,
) {
    let below = header::banners(model, world, canvas, area, area.y);
    let area = Rect::new(
        area.x,
        below,
        area.width,
        area.bottom().saturating_sub(below),
    );
    let Some(view) = applies::approval(model, world) else {
        canvas.text(
            area.x + 1,
            area.y + 1,
            area.width - 2,
            "the request is being fetched and every digest in it computed anew …",
            Tone::Dim,
        );
        return;
    };
    let frame = Rect {
        height: area.height.saturating_sub(1),
        ..area
    };
    let inside = outline(view, model, world, canvas, frame);
    let inner = Rect::new(
        inside.x + 1,
        inside.y,
        inside.width.saturating_sub(2),
        inside.height,
    );
    let foot = foot(view, canvas, inner.width);
    let foot_height = u16::try_from(foot.len()).unwrap_or(0).min(inner.height / 2);
    let columns = usize::from(inner.width);
    let mut rows = brief::rows(view, model, world, canvas, columns);
    rows.push(parting(columns));
    rows.extend(text_rows(&view.text, columns, canvas.ascii));
    let page = inner.height.saturating_sub(foot_height + 1);
    let extent = Extent {
        rows: rows.len(),
        page: usize::from(page),
    };
    drawn.text = extent;
    let top = model.checkpoint.scroll.within(extent);
    for (at, row) in rows.iter().skip(top).take(extent.page).enumerate() {
        let y = inner.y + u16::try_from(at).unwrap_or(0);
        canvas.rich(inner.x, y, inner.width, row);
    }
    rule(canvas, frame, inner.y + page, extent, top);
    for (at, row) in foot.iter().take(usize::from(foot_height)).enumerate() {
        let y = inner.y + page + 1 + u16::try_from(at).unwrap_or(0);
        canvas.rich(inner.x, y, inner.width, row);
    }
    buttons(model, world, canvas, area);
}

fn outline(
    view: &ApprovalView,
    model: &Model,
    world: &World,
    canvas: &mut Canvas<'_>,
    frame: Rect,
) -> Rect {
    let exercise = world.open.as_ref().is_some_and(header::is_exercise);
    let short = world.open.as_ref().map_or("", |open| open.short.as_str());
    let (tone, mode) = if exercise {
        (Tone::Exercise, "EXERCISE")
    } else {
        (Tone::Accent, "LIVE")
    };
    let edge = if exercise {
        Tone::Exercise
    } else {
        Tone::BorderFocus
    };
    let step = canvas.clean(view.step.step.as_str());
    let what = match view.purpose {
        Purpose::RollBack => format!("undoing {step}"),
        _ => step,
    };
    let title = if view.asked_by_me {
        format!("What you ask: {what}")
    } else {
        format!("Approve {what} for {}?", canvas.clean(&view.requester))
    };
    let title = Rich::of(Tone::Title, title);
    let mut right = match header::for_you_by_key(model, world, canvas) {
        Some(count) => count.and(Tone::Border, " "),
        None => Rich::default(),
    };
    if view.destructive {
        right = right
            .and(Tone::Destructive, "DESTRUCTIVE")
            .and(Tone::Border, " ");
    }
    let right = right
        .and(Tone::Text, short)
        .and(Tone::Dim, " · ")
        .and(tone, mode);
    canvas.frame(frame, &title, &right, edge)
}

/// Every line of the text; a long one goes on in the next row, after a mark that is not part of it.
fn text_rows(approval: &str, columns: usize, ascii: bool) -> Vec<Rich> {
    let mark = if ascii { "\\ " } else { "↪ " };
    let mut rows = Vec::new();
    for line in approval.lines() {
        let clean = text::clean(line, ascii);
        if text::width(&clean) <= columns {
            rows.push(Rich::of(tone_of(line), clean.into_owned()));
            continue;
        }
        let first = text::wrap_hard(&clean, columns)[0];
        rows.push(Rich::of(tone_of(line), first));
        let room = columns.saturating_sub(text::width(mark)).max(2);
        for piece in text::wrap_hard(&clean[first.len()..], room) {
            rows.push(Rich::of(Tone::Dim, mark).and(tone_of(line), piece));
        }
    }
    rows
}

/// What is indented is literal: commands and values.
fn tone_of(line: &str) -> Tone {
    if line.starts_with("  ") || line.starts_with('\t') {
        Tone::Code
    } else {
        Tone::Text
    }
}

fn foot(view: &ApprovalView, canvas: &Canvas<'_>, columns: u16) -> Vec<Rich> {
    let columns = usize::from(columns);
    if let Err(why) = &view.eligible {
        let why = format!("You cannot answer: {}", canvas.clean(why));
        let tone = if view.asked_by_me {
            Tone::Dim
        } else {
            Tone::Error
        };
        return Rich::of(tone, why).wrap(columns, 2);
    }
    let mut sign = Rich::of(Tone::Dim, "You sign: ").and(Tone::Text, canvas.clean(&view.you_sign));
    if let Some(holds) = view.holds {
        sign = sign.and(Tone::Dim, format!("  it holds {}", when::span(holds)));
    }
    sign.wrap(columns, 10)
}

/// What stands above it helps to judge; what stands below is what a signature covers.
fn parting(columns: usize) -> Rich {
    let words = "── what is signed, all of it ";
    let rest = columns.saturating_sub(text::width(words));
    Rich::of(Tone::Border, words).and(Tone::Border, "─".repeat(rest))
}

/// The line between text and signature says whether there is more to read.
fn rule(canvas: &mut Canvas<'_>, frame: Rect, y: u16, extent: Extent, top: usize) {
    canvas.across(frame.x, y, frame.width, ["├", "┤"], Tone::BorderFocus);
    let below = extent.rows.saturating_sub(top + extent.page);
    let title = if below > 0 {
        Rich::of(Tone::Warning, format!("↓ {below} more lines below"))
    } else if top > 0 {
        Rich::of(Tone::Dim, "end of the text")
    } else {
        Rich::default()
    };
    canvas.titles(frame.x, y, frame.width, &title, &Rich::default());
}

fn buttons(model: &Model, world: &World, canvas: &mut Canvas<'_>, area: Rect) {
    let y = area.bottom() - 1;
    let mut x = area.x + 1;
    for (at, act) in applies::ways_out(model, world).into_iter().enumerate() {
        let (label, may) = match act {
            Act::Back => ("later", true),
            act => (act.word(), applies::on_screen(act, model, world).is_some()),
        };
        let chosen = model.checkpoint.button == at;
        let tone = match (chosen, may) {
            (_, false) => Tone::Dim,
            (true, true) => Tone::Now,
            (false, true) => Tone::Text,
        };
        let (open, close) = if chosen { ("[ ", " ]") } else { ("  ", "  ") };
        let words = format!("{open}{label}{close}");
        let wide = u16::try_from(text::width(&words)).unwrap_or(0);
        canvas.text(x, y, area.right().saturating_sub(x), &words, tone);
        if chosen {
            canvas.tint(x, y, wide, 1, Tone::Selection);
        }
        x += wide + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_of_the_approval_text_is_left_out() {
        let approval = format!(
            "head\n\n  {}\n  日本語{}\nend",
            "x".repeat(300),
            "y".repeat(90)
        );
        for columns in [20, 57, 76, 200] {
            let rows = text_rows(&approval, columns, false);
            assert!(rows.iter().all(|row| row.width() <= columns));
            let joined: String = rows
                .iter()
                .map(|row| row.plain().trim_start_matches("↪ ").to_owned())
                .collect();
            assert_eq!(joined, approval.replace('\n', ""));
        }
    }
}

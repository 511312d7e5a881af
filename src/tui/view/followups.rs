//! What is to be done afterwards: how it stands, until when, of which kind, whose, and what.

use ratatui::layout::Rect;

use super::super::extent::{Drawn, Extent};
use super::super::glyph::Shape;
use super::super::model::Model;
use super::super::rich::Rich;
use super::super::text;
use super::super::theme::Tone;
use super::super::world::World;
use super::canvas::Canvas;
use super::header;
use crate::engine::details::FollowupStatus;
use crate::timeline::Followup;

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
    let list = model.followups.list.list();
    let today = world.now.with_timezone(&canvas.zone.0).date_naive();
    let edge = if header::is_exercise(open) {
        Tone::Exercise
    } else {
        Tone::BorderFocus
    };
    let overdue = list.iter().filter(|one| one.is_overdue(today)).count();
    let still = list.iter().filter(|one| one.status == FollowupStatus::Open);
    let mut title =
        Rich::of(Tone::Title, "Follow-ups").and(Tone::Dim, format!(" · {} open", still.count()));
    if overdue > 0 {
        title = title.and(Tone::Error, format!(" · {overdue} OVERDUE"));
    }
    let at = (model.followups.cursor.at + 1).min(list.len());
    let position = Rich::of(Tone::Dim, format!("{at}/{}", list.len()));
    let inside = canvas.frame(area, &title, &position, edge);
    if inside.height == 0 {
        return;
    }
    let page = usize::from(inside.height);
    drawn.list = Extent {
        rows: list.len() + 1,
        page,
    };
    let wide = inside.width > 100;
    for (row, y) in (model.followups.cursor.top..=list.len())
        .take(page)
        .zip(inside.y..)
    {
        let line = match list.get(row) {
            Some(one) => line(one, one.is_overdue(today), wide, canvas),
            None => Rich::of(Tone::Dim, "+ add what is to be done afterwards"),
        };
        canvas.rich(inside.x + 1, y, inside.width.saturating_sub(2), &line);
        if row == model.followups.cursor.at {
            canvas.tint(inside.x, y, inside.width, 1, Tone::Selection);
        }
    }
}

fn line(one: &Followup, overdue: bool, wide: bool, canvas: &Canvas<'_>) -> Rich {
    let (shape, word) = match one.status {
        FollowupStatus::Done => (Shape::Done, "done"),
        FollowupStatus::Dropped => (Shape::Skipped, "dropped"),
        FollowupStatus::Open if overdue => (Shape::Failed, "OVERDUE"),
        FollowupStatus::Open => (Shape::Waiting, "open"),
    };
    let due = one.due.map_or("no day".to_owned(), |due| due.to_string());
    let owner = one.owner.as_deref().unwrap_or("nobody");
    let tone = match one.status {
        FollowupStatus::Open => Tone::Text,
        _ => Tone::Dim,
    };
    let mark = text::pad(shape.mark(canvas.ascii), if canvas.ascii { 3 } else { 2 });
    let (name, kind) = if wide { (20, 14) } else { (8, 8) };
    Rich::of(shape.tone(), format!("{mark} {word:<8}"))
        .and(
            if overdue { Tone::Error } else { Tone::Dim },
            format!("{due:<11}"),
        )
        .and(
            if one.owner.is_some() {
                Tone::Accent
            } else {
                Tone::Warning
            },
            text::pad(&canvas.clean(owner), name),
        )
        .and(
            Tone::Dim,
            format!(" {} ", text::pad(&short(one, wide), kind)),
        )
        .and(tone, canvas.clean(&one.text))
}

/// The kind in a word that fits.
fn short(one: &Followup, wide: bool) -> String {
    let word = one.kind.word();
    if wide {
        word.replace('_', " ")
    } else {
        word.split('_').next().unwrap_or(word).to_owned()
    }
}

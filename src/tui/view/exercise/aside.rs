//! What the script has next and what players still owe it, beside the walk of whoever conducts or evaluates.

use ratatui::layout::Rect;

use super::super::super::exercise::{self, Row, Tab};
use super::super::super::rich::Rich;
use super::super::super::theme::Tone;
use super::super::super::world::{Open, Script, World};
use super::super::canvas::Canvas;
use super::row;
use crate::exercise::score::Scored;
use crate::exercise::seal::Verdict;

/// Draws it.
pub(in super::super) fn draw(
    open: &Open,
    script: &Script,
    world: &World,
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let half = area.height / 2;
    let upper = Rect::new(area.x, area.y, area.width, half);
    let lower = Rect::new(area.x, area.y + half, area.width, area.height - half);
    let coming: Vec<Rich> = exercise::rows(Tab::Script, open)
        .iter()
        .map(|one| match one {
            Row::Due(due) => {
                let (tone, what) = row::due_words(due);
                Rich::of(Tone::Dim, format!("{} ", canvas.zone.clock(due.at)))
                    .join(row::left(due.at, open, world))
                    .and(tone, canvas.clean(&what))
            }
            Row::Unset { inject, .. } => {
                Rich::of(Tone::Dim, "not set  ").and(Tone::Text, canvas.clean(&inject.id))
            }
            _ => Rich::default(),
        })
        .collect();
    pane("Coming", &coming, canvas, upper);
    let mut unmet: Vec<&Scored> = script
        .score
        .expectations
        .iter()
        .filter(|one| matches!(one.verdict, Verdict::Open | Verdict::Missed | Verdict::Late))
        .collect();
    unmet.sort_by_key(|one| {
        let is_over = one.verdict != Verdict::Open;
        (is_over, one.deadline.is_none(), one.deadline)
    });
    let unmet: Vec<Rich> = unmet
        .into_iter()
        .map(|one| row::expectation(one, open, world, canvas))
        .collect();
    pane("Expected, not met", &unmet, canvas, lower);
}

fn pane(title: &str, rows: &[Rich], canvas: &mut Canvas<'_>, area: Rect) {
    let title = Rich::of(Tone::Title, title).and(Tone::Dim, format!(" · {}", rows.len()));
    let inside = canvas.frame(area, &title, &Rich::default(), Tone::Exercise);
    for (at, row) in rows.iter().take(usize::from(inside.height)).enumerate() {
        let y = inside.y + u16::try_from(at).unwrap_or(0);
        canvas.rich(inside.x + 1, y, inside.width.saturating_sub(2), row);
    }
}

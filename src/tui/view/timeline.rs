//! The timeline: a row for each event, gaps as lines of their own, corrections beside what they correct. Only what is in
//! view is put into words.

use chrono::Duration;
use ratatui::layout::Rect;

use super::super::events::Index;
use super::super::extent::{Drawn, Extent};
use super::super::model::Model;
use super::super::rich::Rich;
use super::super::text;
use super::super::theme::Tone;
use super::super::when;
use super::super::world::{Open, World};
use super::canvas::Canvas;
use super::header;
use super::walk::without_person;
use crate::engine::event::{Event, Fidelity};
use crate::engine::fact::Fact;
use crate::engine::sentence::{Class, class};
use crate::timeline::wording::sentence_among;

/// A silence longer than this is shown.
const GAP_MINUTES: i64 = 10;

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
    let index = &model.timeline.index;
    let edge = if header::is_exercise(open) {
        Tone::Exercise
    } else {
        Tone::BorderFocus
    };
    let inside = canvas.frame(
        area,
        &title(index, open, canvas),
        &position(model, index),
        edge,
    );
    if inside.height == 0 {
        return;
    }
    drawn.list = Extent {
        rows: index.len() + 1,
        page: usize::from(inside.height),
    };
    let page = usize::from(inside.height);
    let top = first(model, open, index, page);
    let mut y = inside.y;
    for row in top..=index.len() {
        if y >= inside.bottom() {
            break;
        }
        if row == index.len() {
            canvas.text(inside.x + 1, y, inside.width - 1, "⋯ more", Tone::Dim);
        } else {
            if let Some(gap) = gap(open, index, row) {
                if row > top {
                    gap_line(gap, canvas, inside, y);
                    y += 1;
                }
                if y >= inside.bottom() {
                    break;
                }
            }
            draw_event(open, index, row, canvas, inside, y);
        }
        if row == model.timeline.cursor.at {
            canvas.tint(inside.x, y, inside.width, 1, Tone::Selection);
        }
        y += 1;
    }
}

fn title(index: &Index, open: &Open, canvas: &Canvas<'_>) -> Rich {
    let mut title = Rich::of(Tone::Title, "Timeline");
    if let Some(percent) = index.progress() {
        title = title.and(Tone::Waiting, format!(" · searching {percent}%"));
    }
    title = title.and(Tone::Dim, format!(" · {}", canvas.zone.name()));
    let filter = index.filter();
    if !filter.is_empty() {
        let mut words = Vec::new();
        words.extend(filter.class.map(|class| class.word().to_owned()));
        for (word, part) in [("by", &filter.person), ("with", &filter.text)] {
            if !part.is_empty() {
                words.push(format!("{word} {part}"));
            }
        }
        title = title.and(
            Tone::Accent,
            format!(" · only {}", canvas.clean(&words.join(", "))),
        );
        title = title.and(
            Tone::Dim,
            format!(" · {} of {}", index.len(), open.events.len()),
        );
    }
    title
}

fn position(model: &Model, index: &Index) -> Rich {
    let at = (model.timeline.cursor.at + 1).min(index.len());
    Rich::of(Tone::Dim, format!("{at}/{}", index.len()))
}

/// The topmost row such that the cursor's row is in view, gaps counted.
fn first(model: &Model, open: &Open, index: &Index, page: usize) -> usize {
    let cursor = model.timeline.cursor;
    let mut top = cursor.top.min(cursor.at);
    let mut top_rows = (cursor.at - top).min(page) + 1;
    if cursor.at - top >= page {
        top = cursor.at + 1 - page.min(cursor.at + 1);
        top_rows = cursor.at - top + 1;
    }
    let mut gaps = (top + 1..=cursor.at)
        .filter(|row| gap(open, index, *row).is_some())
        .count();
    while top_rows + gaps > page && top < cursor.at {
        top += 1;
        top_rows -= 1;
        if gap(open, index, top).is_some() {
            gaps -= 1;
        }
    }
    top
}

fn event<'o>(open: &'o Open, index: &Index, row: usize) -> Option<&'o Event> {
    open.events.get(index.at(row)?).map(AsRef::as_ref)
}

/// The silence before a row, if it is long.
fn gap(open: &Open, index: &Index, row: usize) -> Option<Duration> {
    let before = event(open, index, row.checked_sub(1)?)?;
    let after = event(open, index, row)?;
    let span = after.occurred_at - before.occurred_at;
    (span > Duration::minutes(GAP_MINUTES)).then_some(span)
}

fn gap_line(gap: Duration, canvas: &mut Canvas<'_>, inside: Rect, y: u16) {
    let words = format!("┄┄ {} without an entry ┄┄", when::rough(gap));
    let words = if canvas.ascii {
        words.replace('┄', "-")
    } else {
        words
    };
    canvas.text(
        inside.x + 10,
        y,
        inside.width.saturating_sub(11),
        &words,
        Tone::Dim,
    );
}

fn draw_event(
    open: &Open,
    index: &Index,
    row: usize,
    canvas: &mut Canvas<'_>,
    inside: Rect,
    y: u16,
) {
    let Some(event) = event(open, index, row) else {
        return;
    };
    let class = class(event);
    let who = header::person(open, &event.person);
    let words = without_person(
        &sentence_among(event, &open.events),
        event.person.as_str(),
        &who,
    );
    let name = if inside.width > 100 { 14 } else { 8 };
    let mut line = Rich::of(Tone::Text, canvas.zone.clock(event.occurred_at))
        .and(Tone::Dim, fidelity(event.fidelity))
        .and(Tone::Accent, text::pad(&canvas.clean(&who), name))
        .and(Tone::Dim, format!(" {} ", text::pad(class.word(), 10)));
    let corrected = index
        .corrections(&event.id)
        .last()
        .and_then(|at| open.events.get(*at));
    match corrected.map(|event| &event.fact) {
        Some(Fact::EntryCorrected(correction)) => {
            line = line
                .and(Tone::Override, canvas.clean(&correction.text))
                .and(Tone::Dim, " (corrected; was: ")
                .and(Tone::Dim, canvas.clean(&words))
                .and(Tone::Dim, ")");
        }
        _ => line = line.and(tone(class), canvas.clean(&words)),
    }
    canvas.rich(inside.x + 1, y, inside.width.saturating_sub(2), &line);
}

fn fidelity(fidelity: Fidelity) -> &'static str {
    match fidelity {
        Fidelity::Exact => "  ",
        Fidelity::Minute => "~ ",
        Fidelity::Estimated => "? ",
    }
}

fn tone(class: Class) -> Tone {
    match class {
        Class::Milestone => Tone::Now,
        Class::Checkpoint => Tone::Waiting,
        Class::Note => Tone::Title,
        Class::System => Tone::Dim,
        _ => Tone::Text,
    }
}

/// One event in full: both clocks, where it was recorded, evidence, corrections, digest.
pub(super) fn entry(
    event: &Event,
    open: &Open,
    index: &Index,
    canvas: &Canvas<'_>,
    columns: usize,
) -> Vec<Rich> {
    let mut rows = Rich::of(
        Tone::Title,
        canvas.clean(&sentence_among(event, &open.events)),
    )
    .wrap(columns, 0);
    rows.push(Rich::default());
    let mut lines = circumstances(event, canvas);
    for evidence in evidence(&event.fact) {
        let from = format!("{} of {}", evidence.source, evidence.host);
        lines.push((
            "evidence",
            format!("{} · {} bytes · {from}", evidence.name, evidence.size),
        ));
        lines.push(("", evidence.sha256.to_string()));
    }
    for at in index.corrections(&event.id) {
        if let Some(correcting) = open.events.get(*at)
            && let Fact::EntryCorrected(correction) = &correcting.fact
        {
            let who = header::person(open, &correcting.person);
            let stamp = canvas.zone.stamp(correcting.told_at());
            let how = format!("({stamp} {who}: {})", correction.reason);
            lines.push(("corrected", format!("{} {how}", correction.text)));
        }
    }
    let flags = open.state.flags.iter();
    lines.extend(
        flags
            .filter(|flag| flag.event == event.id)
            .map(|flag| ("flagged", flag.what.clone())),
    );
    lines.push(("event", event.id.to_string()));
    lines.push(("writer", format!("{} #{}", event.writer, event.seq)));
    for (name, value) in lines {
        let value = if canvas.ascii {
            value.replace(" · ", " - ")
        } else {
            value
        };
        let row = Rich::of(Tone::Dim, text::pad(name, 12)).and(Tone::Text, canvas.clean(&value));
        rows.extend(row.wrap(columns, 12));
    }
    rows
}

/// When, who, from where.
fn circumstances(event: &Event, canvas: &Canvas<'_>) -> Vec<(&'static str, String)> {
    let zone = canvas.zone;
    let how = match event.fidelity {
        Fidelity::Exact => "",
        Fidelity::Minute => ", to the minute",
        Fidelity::Estimated => ", estimated",
    };
    let mut lines = vec![(
        "occurred",
        format!("{} {}{how}", zone.stamp(event.occurred_at), zone.name()),
    )];
    lines.extend(
        event
            .occurred_until
            .map(|until| ("until", zone.stamp(until))),
    );
    lines.push((
        "recorded",
        format!("{} {}", zone.stamp(event.told_at()), zone.name()),
    ));
    let lag = event.told_at().signed_duration_since(event.occurred_at);
    if lag > Duration::minutes(1) {
        lines.push(("", format!("{} later", when::rough(lag))));
    }
    if event.told_at() != event.recorded_at {
        let real = zone.stamp(event.recorded_at);
        lines.push(("", format!("{real} {} by real clocks", zone.name())));
    }
    let signed = if event.signed {
        ""
    } else {
        " (no key at hand)"
    };
    lines.push(("person", format!("{}{signed}", event.person)));
    lines.extend(event.role.iter().map(|role| ("role", role.to_string())));
    lines.push(("from", format!("{}@{}", event.account, event.host)));
    lines.push(("kind", event.fact.kind().to_owned()));
    lines
}

fn evidence(fact: &Fact) -> Vec<&crate::engine::fact::Evidence> {
    match fact {
        Fact::EvidenceCaptured(captured) => vec![&captured.evidence],
        Fact::StepFinished(finished) => finished.evidence.iter().collect(),
        _ => Vec::new(),
    }
}

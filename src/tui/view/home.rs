//! Home: what is open, what waits for you, and the runbooks.

use ratatui::layout::Rect;

use super::super::extent::{Cursor, Drawn, Extent};
use super::super::glyph::Shape;
use super::super::model::{HomeRow, Model};
use super::super::picker;
use super::super::rich::Rich;
use super::super::text;
use super::super::theme::Tone;
use super::super::when;
use super::super::world::{Entry, IncidentRow, OpenRow, Sync, Waiting, World};
use super::canvas::Canvas;
use super::header;
use crate::runbook::model::Severity;

/// Rows are no wider than this: what belongs together stays together on a wide screen.
const WIDEST: u16 = 120;

/// Draws it.
pub(super) fn draw(
    model: &Model,
    world: &World,
    canvas: &mut Canvas<'_>,
    area: Rect,
    drawn: &mut Drawn,
) {
    top(world, canvas, area);
    let row = model.home_row(world);
    let most = (area.height / 3).max(3) - 2;
    let rows = world.open_rows();
    let incidents = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    let open = Rect::new(area.x, area.y + 1, area.width, incidents.clamp(1, most) + 2);
    draw_open(model, world, &rows, canvas, open, row, drawn);
    let below = open.bottom();
    let height = area.bottom().saturating_sub(below + 1);
    let books = Rect::new(area.x, below, area.width, height);
    draw_books(model, world, canvas, books, row, drawn);
    let more = if row == HomeRow::More {
        Tone::Now
    } else {
        Tone::Dim
    };
    let y = area.bottom() - 1;
    canvas.text(
        area.x + 1,
        y,
        area.width - 2,
        "⋯ more: everything you can do here",
        more,
    );
    if row == HomeRow::More {
        canvas.tint(area.x, y, area.width, 1, Tone::Selection);
    }
}

fn top(world: &World, canvas: &mut Canvas<'_>, area: Rect) {
    let open = world.incidents.len();
    let sync = match &world.sync {
        Sync::Local => "local only".to_owned(),
        Sync::Synced(at) => format!("synced {}", when::ago(*at, world.now)),
        Sync::Failing { since, .. } => format!("not synced since {}", canvas.zone.clock(*since)),
    };
    let tone = match world.sync {
        Sync::Failing { .. } => Tone::Warning,
        _ => Tone::Dim,
    };
    let clock = format!("{} {}", canvas.zone.clock(world.now), canvas.zone.name());
    let right =
        Rich::of(tone, format!("{open} open · {sync}")).and(Tone::Title, format!("  {clock}"));
    let used = canvas.rich_right(area.x, area.right() - 1, area.y, &right);
    let left = Rich::of(Tone::Accent, "runsheet")
        .and(Tone::Dim, "  you ")
        .and(Tone::Text, canvas.clean(&world.me.name))
        .and(
            Tone::Warning,
            if world.me.signed { "" } else { " unsigned" },
        );
    // The rows themselves are below: no key has to be named for them.
    let left = match header::for_you(world, canvas) {
        Some(count) => left.and(Tone::Text, "  ").join(count),
        None => left,
    };
    let room = area.width.saturating_sub(used + 3);
    canvas.rich(area.x + 1, area.y, room, &left);
}

fn draw_open(
    model: &Model,
    world: &World,
    rows: &[OpenRow<'_>],
    canvas: &mut Canvas<'_>,
    area: Rect,
    row: HomeRow,
    drawn: &mut Drawn,
) {
    let focused = matches!(row, HomeRow::Open(_));
    let edge = if focused {
        Tone::BorderFocus
    } else {
        Tone::Border
    };
    let inside = canvas.frame(area, &Rich::of(Tone::Title, "Open"), &Rich::default(), edge);
    drawn.text = Extent {
        rows: rows.len(),
        page: usize::from(inside.height),
    };
    if rows.is_empty() {
        canvas.text(
            inside.x + 1,
            inside.y,
            inside.width,
            "nothing is open",
            Tone::Dim,
        );
        return;
    }
    let top = model.home.incidents_top.min(drawn.text.end());
    for (at, open) in rows.iter().enumerate().skip(top).take(drawn.text.page) {
        let y = inside.y + u16::try_from(at - top).unwrap_or(0);
        let selected = row == HomeRow::Open(at);
        draw_incident(*open, world, canvas, inside, y, at == 0);
        if selected {
            canvas.tint(inside.x, y, inside.width, 1, Tone::Selection);
        }
    }
}

fn draw_incident(
    row: OpenRow<'_>,
    world: &World,
    canvas: &mut Canvas<'_>,
    inside: Rect,
    y: u16,
    first: bool,
) {
    let incident = row.incident;
    let mark = if first && row.waiting.is_some() {
        Shape::Now
    } else {
        Shape::Todo
    };
    let right = match row.waiting {
        Some(waiting) => waits(waiting, world, canvas, inside.width >= 100),
        None => stands(incident, world, canvas),
    };
    let end = inside.right().min(inside.x + WIDEST);
    let used = canvas.rich_right(inside.x, end, y, &right);
    let mut left = Rich::of(Tone::Now, format!("{} ", mark.mark(canvas.ascii)))
        .and(Tone::Accent, incident.short.clone())
        .and(
            header::severity_tone(incident.severity),
            format!("  {}  ", header::severity(incident.severity)),
        );
    if incident.overridden {
        let shape = Shape::Override;
        left = left.and(shape.tone(), format!("{} ", shape.mark(canvas.ascii)));
    }
    if incident.exercise {
        left = left.and(Tone::Exercise, "EXERCISE ");
    }
    left = left.and(Tone::Text, canvas.clean(&incident.title));
    canvas.rich(
        inside.x,
        y,
        (end - inside.x).saturating_sub(used + 1),
        &left,
    );
}

/// `⏳ approve revoke · robin 14:42`
fn waits(waiting: &Waiting, world: &World, canvas: &Canvas<'_>, roomy: bool) -> Rich {
    let shape = Shape::Waiting;
    let old = world.now - waiting.since > chrono::Duration::hours(20);
    let mut since = if old {
        canvas.zone.day(waiting.since)
    } else {
        canvas.zone.minute(waiting.since)
    };
    if roomy {
        since = format!("{since} ({})", when::ago(waiting.since, world.now));
    }
    let column = if roomy { 28 } else { 22 };
    let words = text::pad(&canvas.clean(&waiting.what.words()), column);
    let by = match waiting.passed_by.as_ref().filter(|_| roomy) {
        Some(passed) => format!("{} via {passed}", waiting.by),
        None => waiting.by.clone(),
    };
    let by = text::pad(&canvas.clean(&by), if roomy { 16 } else { 8 });
    Rich::of(
        shape.tone(),
        format!("{} {words} ", shape.mark(canvas.ascii)),
    )
    .and(Tone::Text, format!("{by} "))
    .and(Tone::Dim, text::pad(&since, if roomy { 20 } else { 6 }))
}

/// Where an incident stands from which nothing waits.
fn stands(incident: &IncidentRow, world: &World, canvas: &Canvas<'_>) -> Rich {
    let owed = if incident.overridden {
        "review owed"
    } else {
        ""
    };
    Rich::of(Tone::Text, text::pad(&canvas.clean(&incident.position), 10))
        .and(
            Tone::Text,
            format!(" {} ", when::since(incident.started, world.now)),
        )
        .and(Tone::Override, text::pad(owed, 13))
}

fn draw_books(
    model: &Model,
    world: &World,
    canvas: &mut Canvas<'_>,
    area: Rect,
    row: HomeRow,
    drawn: &mut Drawn,
) {
    let focused = matches!(row, HomeRow::Book(_)) || model.home.typing;
    let edge = if focused {
        Tone::BorderFocus
    } else {
        Tone::Border
    };
    let inside = canvas.frame(area, &library(world, canvas), &Rich::default(), edge);
    if inside.height == 0 {
        return;
    }
    let found = model.home.picker.found();
    prompt(model, world, canvas, inside, found.len());
    drawn.list = Extent {
        rows: found.len(),
        page: usize::from(inside.height - 1),
    };
    let cursor = Cursor {
        at: 0,
        top: model.home.books_top,
    };
    let top = cursor.top.min(drawn.list.end());
    for (line, at) in found.iter().enumerate().skip(top).take(drawn.list.page) {
        let Some(entry) = world.entries.get(*at) else {
            continue;
        };
        let y = inside.y + 1 + u16::try_from(line - top).unwrap_or(0);
        draw_book(entry, model.home.query.value(), canvas, inside, y);
        if row == HomeRow::Book(*at) {
            canvas.tint(inside.x, y, inside.width, 1, Tone::Selection);
        }
    }
    if found.is_empty() && inside.height > 1 {
        let why = if world.library.is_none() {
            "opening the library"
        } else if world.entries.is_empty() {
            "the library has no runbooks"
        } else {
            "nothing fits what was typed; Esc clears it"
        };
        canvas.text(inside.x + 1, inside.y + 1, inside.width, why, Tone::Dim);
    }
}

/// `Runbooks · platform/runbooks@3f9c2e1 · 412 · fetched 8m ago`
fn library(world: &World, canvas: &Canvas<'_>) -> Rich {
    let mut title = Rich::of(Tone::Title, "Runbooks");
    if let Some(library) = &world.library {
        title = title
            .and(Tone::Dim, " · ")
            .and(Tone::Text, canvas.clean(&library.source))
            .and(Tone::Dim, format!("@{}", canvas.clean(&library.commit)))
            .and(Tone::Dim, format!(" · {}", world.entries.len()));
        let age = match library.fetched {
            Some(at) => format!(" · fetched {}", when::ago(at, world.now)),
            None => " · local".to_owned(),
        };
        let last = format!(
            " · {} {}",
            canvas.clean(&library.author),
            canvas.zone.day(library.date)
        );
        title = title.and(Tone::Dim, age).and(Tone::Dim, last);
    }
    title
}

fn prompt(model: &Model, world: &World, canvas: &mut Canvas<'_>, inside: Rect, found: usize) {
    let query = canvas.clean(model.home.query.value());
    let counts = Rich::of(Tone::Dim, format!("{found}/{}", world.entries.len()));
    let used = canvas.rich_right(inside.x, inside.right() - 1, inside.y, &counts);
    let room = inside.width.saturating_sub(used + 5);
    let (mark, line) = if query.is_empty() && !model.home.typing {
        (Tone::Dim, Rich::of(Tone::Dim, "/ to find one by typing"))
    } else {
        (Tone::Accent, Rich::of(Tone::Text, query))
    };
    canvas.text(inside.x + 1, inside.y, 2, "> ", mark);
    canvas.rich(inside.x + 3, inside.y, room, &line);
    if model.home.typing {
        let at = u16::try_from(model.home.query.visual_cursor()).unwrap_or(0);
        canvas.caret = Some((inside.x + 3 + at.min(room), inside.y));
    }
}

fn draw_book(entry: &Entry, query: &str, canvas: &mut Canvas<'_>, inside: Rect, y: u16) {
    let severity = entry.severity.map_or("    ", |severity| match severity {
        Severity::Sev1 => "sev1",
        Severity::Sev2 => "sev2",
        Severity::Sev3 => "sev3",
        Severity::Sev4 => "sev4",
        Severity::Sev5 => "sev5",
    });
    let (tone, reviewed) = match (entry.stale, entry.reviewed_days) {
        (true, Some(days)) => (Tone::Warning, format!("STALE {days}d")),
        (true, None) => (Tone::Warning, "STALE".to_owned()),
        (false, Some(days)) => (Tone::Dim, format!("reviewed {days}d")),
        (false, None) => (Tone::Dim, "unreviewed".to_owned()),
    };
    let (check, steps) = match (entry.problems, entry.steps) {
        (Some(0), Some(steps)) => (
            Tone::Done,
            format!("{steps} {}", if canvas.ascii { "ok" } else { "✓" }),
        ),
        (Some(0), None) => (Tone::Done, if canvas.ascii { "ok" } else { "✓" }.to_owned()),
        (Some(1), _) => (Tone::Error, "1 fault".to_owned()),
        (Some(count), _) => (Tone::Error, format!("{count} faults")),
        (None, Some(steps)) => (Tone::Dim, format!("{steps}  ")),
        (None, None) => (Tone::Dim, String::new()),
    };
    let owner = (usize::from(inside.width) / 4)
        .clamp(8, 24)
        .min(if inside.width < 100 { 17 } else { 24 });
    let right = Rich::of(Tone::Text, format!("{severity}  "))
        .and(Tone::Dim, text::pad(&canvas.clean(&entry.owner), owner))
        .and(tone, format!(" {}", text::pad(&reviewed, 13)))
        .and(
            check,
            format!(
                "{}{steps} ",
                " ".repeat(8_usize.saturating_sub(text::width(&steps)))
            ),
        );
    let end = inside.right().min(inside.x + WIDEST);
    let used = canvas.rich_right(inside.x, end, y, &right);
    let title = lit(&entry.title, query, canvas);
    canvas.rich(
        inside.x + 1,
        y,
        (end - inside.x).saturating_sub(used + 2),
        &title,
    );
}

/// The title with the letters that were typed standing out.
fn lit(title: &str, query: &str, canvas: &Canvas<'_>) -> Rich {
    let places = if query.is_empty() {
        Vec::new()
    } else {
        picker::letters(query, title)
    };
    let mut row = Rich::default();
    for (at, letter) in title.chars().enumerate() {
        let tone = if places.binary_search(&at).is_ok() {
            Tone::Accent
        } else {
            Tone::Text
        };
        let words = canvas.clean(letter.encode_utf8(&mut [0; 4]));
        match row.0.last_mut() {
            Some((last, line)) if *last == tone => line.push_str(&words),
            _ => row.0.push((tone, words)),
        }
    }
    row
}

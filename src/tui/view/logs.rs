//! Lines of logs: what is read and how it is filtered above, the lines, and below how the search stands with a strip of
//! its matches. A move of the cursor changes its gutter and the place below, nothing else.

use std::collections::BTreeSet;

use ratatui::layout::Rect;

use super::super::columns;
use super::super::extent::{Drawn, Extent};
use super::super::logline;
use super::super::model::{Model, Typing};
use super::super::rich::Rich;
use super::super::text;
use super::super::theme::Tone;
use super::super::world::{Log, World};
use super::canvas::Canvas;
use crate::logs::view::page::{Axis, Filter, Page, Row};

/// Columns of the cursor's gutter.
const GUTTER: u16 = 1;

/// Columns of a log's name where several are read together.
const NAME: usize = 10;

/// Columns kept for where one is, so that what stands beside it stays where it is.
const PLACE: u16 = 32;

/// A column of JSON lines is at most so wide, but for the last.
const WIDEST: usize = 32;

/// Tones that tell one log from another.
const NAMES: [Tone; 5] = [
    Tone::Accent,
    Tone::Done,
    Tone::Waiting,
    Tone::Now,
    Tone::Privileged,
];

/// Draws it.
pub(super) fn draw(
    model: &Model,
    world: &World,
    canvas: &mut Canvas<'_>,
    area: Rect,
    drawn: &mut Drawn,
) {
    let Some(log) = &world.log else {
        canvas.text(area.x + 1, area.y, area.width - 1, "opening …", Tone::Dim);
        return;
    };
    let page = &*log.page;
    let mut y = area.y;
    canvas.rich(area.x + 1, y, area.width - 2, &title(log, canvas));
    y += 1;
    if !page.filters.is_empty() {
        canvas.rich(area.x + 1, y, area.width - 2, &filters(page, canvas));
        y += 1;
    }
    let keys = model.logs.columns.as_deref().unwrap_or_default();
    let widths = widths(keys, page, canvas.ascii);
    if !keys.is_empty() {
        let names: Vec<String> = keys.iter().map(|key| canvas.clean(key)).collect();
        let x = left(page, area);
        let row = in_columns(&names, &widths, Tone::Title);
        let room = area.right().saturating_sub(x);
        let row = logline::cut(&row, model.logs.pan, usize::from(room));
        canvas.rich(x, y, room, &row);
        y += 1;
    }
    let below = area.bottom() - 1;
    let inside = Rect::new(area.x, y, area.width, below.saturating_sub(y));
    drawn.list = Extent {
        rows: page.rows.len(),
        page: usize::from(inside.height),
    };
    lines(model, page, canvas, inside, &widths);
    drawn.text.page = bottom(model, page, canvas, Rect::new(area.x, below, area.width, 1));
}

/// `auth.log · 41,202 lines · 6.1 MB · 2026-11-23 13:30–14:10 UTC`
fn title(log: &Log, canvas: &Canvas<'_>) -> Rich {
    let page = &log.page;
    let mut row = Rich::of(Tone::Title, canvas.clean(&log.title));
    let lines: Option<u64> = page.logs.iter().map(|log| log.lines).sum();
    let size: u64 = page.logs.iter().map(|log| log.size).sum();
    if let Some(lines) = lines {
        row = row.and(Tone::Text, format!(" · {} lines", grouped(lines)));
    }
    row = row.and(Tone::Dim, format!(" · {}", bytes(size)));
    let spooled = || page.logs.iter().filter_map(|log| log.spooled.as_ref());
    if let Some(percent) = spooled()
        .filter(|log| !log.done)
        .map(|log| log.percent)
        .min()
    {
        row = row.and(Tone::Now, format!(" · unpacking {percent}%"));
    }
    if spooled().any(|log| log.fault.is_some()) {
        row = row.and(Tone::Warning, " · NOT ALL OF IT");
    }
    if let Some((first, last)) = page.span {
        let zone = canvas.zone;
        let (first, last) = (first.utc(), last.utc());
        let end = if zone.day(first) == zone.day(last) {
            zone.minute(last)
        } else {
            zone.stamp(last).chars().take(16).collect()
        };
        let dash = if canvas.ascii { "-" } else { "–" };
        let begin: String = zone.stamp(first).chars().take(16).collect();
        row = row.and(Tone::Dim, format!(" · {begin}{dash}{end} {}", zone.name()));
    }
    if page.follow {
        row = row.and(Tone::Now, " · following");
    }
    row
}

fn filters(page: &Page, canvas: &Canvas<'_>) -> Rich {
    let mut row = Rich::default();
    for Filter { text, regex, out } in &page.filters {
        let between = if row.is_empty() { "" } else { " · " };
        let word = if *out { "without " } else { "only " };
        row = row
            .and(Tone::Dim, format!("{between}{word}"))
            .and(Tone::Accent, quoted(text, *regex, canvas));
    }
    row
}

fn quoted(text: &str, regex: bool, canvas: &Canvas<'_>) -> String {
    let clean = canvas.clean(text);
    if regex {
        format!("/{clean}/")
    } else {
        format!("\"{clean}\"")
    }
}

/// The column where lines begin.
fn left(page: &Page, area: Rect) -> u16 {
    let names = if page.logs.len() > 1 { NAME + 1 } else { 0 };
    area.x + GUTTER + u16::try_from(names).unwrap_or(0)
}

fn lines(model: &Model, page: &Page, canvas: &mut Canvas<'_>, inside: Rect, widths: &[usize]) {
    let x = left(page, inside);
    let room = inside.right().saturating_sub(x);
    let selected = selected(model, page);
    let shown = |row: &Row, canvas: &Canvas<'_>| shown(model, row, canvas, widths, room);
    let height = usize::from(inside.height);
    let top = first(page, model.logs.cursor, height, |row| {
        if model.logs.wrap {
            shown(row, canvas).len()
        } else {
            1
        }
    });
    let mut y = inside.y;
    for (at, row) in page.rows.iter().enumerate().skip(top) {
        if y >= inside.bottom() {
            break;
        }
        let rows = shown(row, canvas);
        gutter(at, model, &selected, canvas, inside.x, y);
        if page.logs.len() > 1 {
            name(row, page, canvas, inside.x + GUTTER, y);
        }
        if row.marked {
            let star = if canvas.ascii { "*" } else { "★" };
            canvas.text(inside.right() - 1, y, 1, star, Tone::Accent);
        }
        for part in &rows {
            if y >= inside.bottom() {
                break;
            }
            canvas.rich(x, y, room, part);
            y += 1;
        }
    }
    if page.rows.is_empty() {
        let what = if page.busy {
            "looking …"
        } else if page.filters.is_empty() {
            "nothing is in it"
        } else {
            "no line passes the filters"
        };
        canvas.text(inside.x + 1, inside.y, inside.width - 1, what, Tone::Dim);
    }
}

/// A line as it fits: folded, or cut to what is on the screen.
fn shown(model: &Model, row: &Row, canvas: &Canvas<'_>, widths: &[usize], room: u16) -> Vec<Rich> {
    let whole = content(model, row, canvas, widths);
    // A star needs its place.
    let room = usize::from(room).saturating_sub(if row.marked { 2 } else { 0 });
    if model.logs.wrap {
        return logline::fold(&whole, room);
    }
    let skipped = usize::try_from(row.skipped).unwrap_or(usize::MAX);
    let pan = model.logs.pan.saturating_sub(skipped);
    if whole.width() > pan + room || row.more {
        let cut = logline::cut(&whole, pan, room.saturating_sub(1));
        return vec![cut.and(Tone::Dim, "…")];
    }
    vec![logline::cut(&whole, pan, room)]
}

/// Which log a line is from.
fn name(row: &Row, page: &Page, canvas: &mut Canvas<'_>, x: u16, y: u16) {
    let name = page.logs.get(row.at.log).map_or("", |log| &log.name);
    let name = name.rsplit('/').next().unwrap_or(name);
    let name = text::pad(&canvas.clean(name), NAME);
    let tone = NAMES[row.at.log % NAMES.len()];
    canvas.text(x, y, NAME as u16, &name, tone);
}

/// The first row to draw, so that the one under the cursor is on the screen to its end.
fn first(page: &Page, cursor: usize, height: usize, rows: impl Fn(&Row) -> usize) -> usize {
    let mut top = cursor;
    let mut used = page.rows.get(cursor).map_or(1, &rows);
    while let Some(above) = top.checked_sub(1) {
        used += page.rows.get(above).map_or(1, &rows);
        if used > height {
            break;
        }
        top = above;
    }
    // As long as all above the cursor fits, nothing is left out at the top.
    top
}

/// Rows between the selection's beginning and the cursor.
fn selected(model: &Model, page: &Page) -> BTreeSet<usize> {
    let Some(anchor) = model.logs.anchor else {
        return BTreeSet::new();
    };
    let Some(here) = page.rows.get(model.logs.cursor) else {
        return BTreeSet::new();
    };
    let (low, high) = (
        anchor.start.min(here.at.start),
        anchor.start.max(here.at.start),
    );
    let inside = |row: &Row| row.at.log == anchor.log && (low..=high).contains(&row.at.start);
    let rows = page.rows.iter().enumerate();
    rows.filter(|(_, row)| inside(row))
        .map(|(at, _)| at)
        .collect()
}

fn gutter(
    at: usize,
    model: &Model,
    selected: &BTreeSet<usize>,
    canvas: &mut Canvas<'_>,
    x: u16,
    y: u16,
) {
    let ascii = canvas.ascii;
    if at == model.logs.cursor {
        let mark = if ascii { ">" } else { "▌" };
        canvas.text(x, y, 1, mark, Tone::Now);
    } else if selected.contains(&at) {
        let mark = if ascii { "|" } else { "│" };
        canvas.text(x, y, 1, mark, Tone::Accent);
    }
}

fn content(model: &Model, row: &Row, canvas: &Canvas<'_>, widths: &[usize]) -> Rich {
    let keys = model.logs.columns.as_deref().unwrap_or_default();
    if !keys.is_empty()
        && let Some(object) = columns::object(row)
    {
        let cells: Vec<String> = keys
            .iter()
            .map(|key| canvas.clean(&columns::cell(&object, key)))
            .collect();
        return in_columns(&cells, widths, Tone::Text);
    }
    let tone = if keys.is_empty() {
        Tone::Text
    } else {
        Tone::Dim
    };
    logline::line(&row.bytes, &row.hits, tone, canvas.ascii)
}

/// How wide each column has to be for what is on the page.
fn widths(keys: &[String], page: &Page, ascii: bool) -> Vec<usize> {
    let mut widths: Vec<usize> = keys
        .iter()
        .map(|key| text::width(key).min(WIDEST))
        .collect();
    if keys.is_empty() {
        return widths;
    }
    for object in page.rows.iter().filter_map(columns::object) {
        for (key, width) in keys.iter().zip(&mut widths) {
            let cell = columns::cell(&object, key);
            let wide = text::width(&text::clean(&cell, ascii));
            *width = (*width).max(wide.min(WIDEST));
        }
    }
    widths
}

fn in_columns(cells: &[String], widths: &[usize], tone: Tone) -> Rich {
    let last = cells.len().saturating_sub(1);
    let cells = cells.iter().zip(widths).enumerate();
    cells
        .map(|(at, (cell, width))| {
            let text = if at == last {
                cell.clone()
            } else {
                format!("{}  ", text::pad(cell, *width))
            };
            let tone = if tone == Tone::Text && at == 0 {
                Tone::Dim
            } else {
                tone
            };
            (tone, text)
        })
        .collect()
}

/// What is typed, or told, or looked for, and where one is. Returns the columns of the strip.
fn bottom(model: &Model, page: &Page, canvas: &mut Canvas<'_>, area: Rect) -> usize {
    let (x, y) = (area.x + 1, area.y);
    if let Some(typing) = model.logs.typing {
        typed(typing, model, canvas, area);
        return 0;
    }
    let place = place(model, page, canvas);
    let used = canvas.rich_right(x, area.right() - 1, y, &place).max(PLACE) + 2;
    let room = (area.width - 1).saturating_sub(used);
    if let Some(said) = &page.said {
        let said = Rich::of(Tone::Warning, canvas.clean(said));
        canvas.rich(x, y, room, &said);
        return 0;
    }
    if page.busy {
        canvas.rich(x, y, room, &Rich::of(Tone::Waiting, "looking … X gives up"));
        return 0;
    }
    let Some(search) = &page.search else {
        return 0;
    };
    let count = match (search.at, search.done) {
        (Some(at), true) => format!("{}/{}", grouped(at), grouped(search.found)),
        (_, true) => grouped(search.found),
        (_, false) => format!("{} · {}%", grouped(search.found), search.percent),
    };
    let plus = if search.partial { "+" } else { "" };
    let head = Rich::of(Tone::Accent, quoted(&search.text, search.regex, canvas))
        .and(Tone::Text, format!(" {count}{plus}  "));
    let wide = canvas.rich(x, y, room, &head);
    let columns = usize::from(room.saturating_sub(wide)).min(search.cells.len());
    if columns < 8 {
        return 0;
    }
    strip(model, page, canvas, (x + wide, y), columns);
    columns
}

fn strip(model: &Model, page: &Page, canvas: &mut Canvas<'_>, (x, y): (u16, u16), columns: usize) {
    let Some(search) = &page.search else {
        return;
    };
    let bars = logline::strip(&search.cells, columns, canvas.ascii);
    let bars: String = bars.into_iter().collect();
    let tone = match search.axis {
        Axis::Time(..) => Tone::Now,
        Axis::Place(_) => Tone::Dim,
    };
    canvas.text(x, y, u16::try_from(columns).unwrap_or(0), &bars, tone);
    if let Some(at) = model.logs.strip {
        let at = u16::try_from(at.min(columns - 1)).unwrap_or(0);
        canvas.tint(x + at, y, 1, 1, Tone::Selection);
    }
}

fn typed(typing: Typing, model: &Model, canvas: &mut Canvas<'_>, area: Rect) {
    let what = match typing {
        Typing::Search => "/",
        Typing::Keep => "keep only: ",
        Typing::LeaveOut => "leave out: ",
        Typing::GoTo => "time, line or %: ",
    };
    let mut x = area.x + 1;
    x += canvas.rich(x, area.y, area.width - 1, &Rich::of(Tone::Accent, what));
    let how = match typing {
        Typing::GoTo => "",
        _ if model.logs.regex => "regex",
        _ => "text",
    };
    let how = Rich::of(Tone::Dim, how);
    let right = area.right() - 1;
    let used = canvas.rich_right(x, right, area.y, &how) + 2;
    let room = usize::from(right.saturating_sub(x).saturating_sub(used)).max(2);
    let line = &model.logs.line;
    let scroll = line.visual_scroll(room - 1);
    let shown = canvas.clean(text::skip(line.value(), scroll));
    canvas.text(
        x,
        area.y,
        u16::try_from(room).unwrap_or(0),
        &shown,
        Tone::Text,
    );
    let caret = line.visual_cursor().saturating_sub(scroll).min(room - 1);
    canvas.caret = Some((x + u16::try_from(caret).unwrap_or(0), area.y));
}

/// `13:12:09 · line 1,204 · 34%`, or the cell of the strip.
fn place(model: &Model, page: &Page, canvas: &Canvas<'_>) -> Rich {
    if let (Some(at), Some(search)) = (model.logs.strip, &page.search) {
        let columns = model.drawn.text.page.max(1);
        let begin = search.axis.begin(search.cells.len() * at / columns);
        return match begin {
            crate::logs::view::page::Begin::Moment(stamp) => {
                Rich::of(Tone::Text, canvas.zone.stamp(stamp.utc()))
            }
            crate::logs::view::page::Begin::Place(_, offset) => {
                Rich::of(Tone::Text, format!("at {}", bytes(offset)))
            }
        };
    }
    let mut parts = Vec::new();
    if let Some(row) = page.rows.get(model.logs.cursor) {
        parts.extend(row.stamp.map(|stamp| canvas.zone.clock(stamp.utc())));
        parts.extend(row.number.map(|number| format!("line {}", grouped(number))));
    }
    if model.logs.pan > 0 {
        parts.push(format!("column {}", model.logs.pan + 1));
    }
    parts.push(if page.ends {
        "end".to_owned()
    } else {
        format!("{}%", page.percent)
    });
    Rich::of(Tone::Dim, parts.join(" · "))
}

/// `41,202`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `6.1 MB`
fn bytes(count: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut size = count as f64;
    let mut unit = 0;
    while size >= 1000.0 && unit + 1 < units.len() {
        size /= 1000.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{count} B")
    } else {
        format!("{size:.1} {}", units[unit])
    }
}

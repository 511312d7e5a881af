//! Keys of the log screen. Where one is in a log is for the reader to know: here a key becomes what is asked of it.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset};
use tui_input::Input as Line;

use super::super::act::Act;
use super::super::columns;
use super::super::layer::{Field, FieldKind, Form, FormKind};
use super::super::model::{LogsView, Model, Screen, Typing};
use super::super::theme::Tone;
use super::super::when::{self, Zone};
use super::super::wish::Wish;
use super::super::world::{Log, World};
use super::{open_menu, push_form};
use crate::evidence::escape;
use crate::logs::stamp::Stamp;
use crate::logs::view::page::{Ask, At, Page, Row};

use crate::runbook::model::LineClass;

/// Columns that one key goes to the side.
const SIDE: usize = 8;

/// A line as it is proposed for the timeline has at most so many characters.
const LONGEST_ENTRY: usize = 300;

/// Opens the screen.
pub(super) fn show(model: &mut Model) {
    model.logs = LogsView::default();
    if model.screen() != Screen::Logs {
        model.screens.push(Screen::Logs);
    }
}

/// Keeps up with the page: its size is asked for, and the cursor goes along with jumps.
pub(super) fn follow(model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let rows = model.drawn.list.page;
    if model.screen() == Screen::Logs && rows > 0 && rows != model.logs.rows {
        model.logs.rows = rows;
        wishes.push(Wish::Log(Ask::Rows(rows)));
    }
    let Some(log) = &world.log else {
        return;
    };
    let (page, view) = (&log.page, &mut model.logs);
    let last = page.rows.len().saturating_sub(1);
    let fresh = view
        .seen
        .as_ref()
        .is_none_or(|seen| !Arc::ptr_eq(seen, page));
    if fresh {
        view.seen = Some(Arc::clone(page));
    }
    if let Some((number, at)) = page.jumped
        && number != view.jumped
        && let Some(row) = page.rows.iter().position(|row| row.at == at)
    {
        view.jumped = number;
        view.cursor = row;
    }
    if fresh && page.follow {
        view.cursor = last;
    }
    view.cursor = view.cursor.min(last);
}

/// The row under the cursor.
#[must_use]
pub(in crate::tui) fn row<'w>(model: &Model, world: &'w World) -> Option<&'w Row> {
    world.log.as_ref()?.page.rows.get(model.logs.cursor)
}

/// One key.
pub(super) fn perform(act: Act, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    if act == Act::Back {
        return back(model, wishes);
    }
    let Some(log) = &world.log else {
        return;
    };
    if model.logs.typing.is_some() {
        match act {
            Act::Enter => typed(model, world, log, wishes),
            Act::Regex => model.logs.regex = !model.logs.regex,
            _ => {}
        }
        return;
    }
    if let Some(at) = model.logs.strip {
        return on_strip(act, at, model, log, wishes);
    }
    let from = row(model, world).map(|row| row.at);
    let next = |forward| Wish::Log(Ask::Next { from, forward });
    match act {
        Act::Search => begin(model, Typing::Search),
        Act::Keep => begin(model, Typing::Keep),
        Act::LeaveOut => begin(model, Typing::LeaveOut),
        Act::GoTo => begin(model, Typing::GoTo),
        Act::NextMatch => wishes.push(next(true)),
        Act::PreviousMatch => wishes.push(next(false)),
        Act::Unfilter => wishes.push(Wish::Log(Ask::Unfilter)),
        Act::Follow => wishes.push(Wish::Log(Ask::Follow(!log.page.follow))),
        Act::CancelTask => wishes.push(Wish::Log(Ask::Cancel)),
        Act::Select => {
            let anchor = model.logs.anchor.take();
            model.logs.anchor = from.filter(|_| anchor.is_none());
        }
        Act::Mark => mark(model, world, log, wishes),
        Act::Excerpt => {
            if let Some(here) = from {
                let form = excerpt(model, log, here);
                push_form(model, form, wishes);
            }
        }
        Act::Wrap => {
            model.logs.wrap = !model.logs.wrap;
            model.logs.pan = 0;
            wishes.push(Wish::Log(Ask::Pan(0)));
        }
        Act::Columns => columns(model, &log.page),
        Act::Keys => {
            let form = choose_keys(model, &log.page);
            push_form(model, form, wishes);
        }
        Act::Enter => open_menu(model, world, false),
        _ => moves(act, model, log, wishes),
    }
}

fn choose_keys(model: &Model, page: &Page) -> Form {
    let keys = keys(&model.logs, page).join(" ");
    let field = Field::text("keys", "Keys, in order; a.b lies deeper");
    Form::new(FormKind::Columns, "Columns", "show them").field(field.with(keys).optional())
}

/// Leaves what is typed, the strip, the selection, and at last the screen.
fn back(model: &mut Model, wishes: &mut Vec<Wish>) {
    let view = &mut model.logs;
    if view.typing.take().is_some() || view.strip.take().is_some() || view.anchor.take().is_some() {
        return;
    }
    wishes.push(Wish::CloseLog);
    if model.screens.len() > 1 {
        model.screens.pop();
    } else {
        wishes.push(Wish::Quit);
    }
}

fn begin(model: &mut Model, typing: Typing) {
    model.logs.typing = Some(typing);
    model.logs.line = Line::default();
}

fn moves(act: Act, model: &mut Model, log: &Log, wishes: &mut Vec<Wish>) {
    let page = &log.page;
    let view = &mut model.logs;
    let last = page.rows.len().saturating_sub(1);
    let lines = i64::try_from(view.rows.max(2)).unwrap_or(i64::MAX) - 1;
    let mut ask = |ask: Ask| wishes.push(Wish::Log(ask));
    match act {
        Act::Up if view.cursor > 0 => {
            view.cursor -= 1;
            if page.follow {
                ask(Ask::Follow(false));
            }
        }
        Act::Up => ask(Ask::Scroll(-1)),
        Act::Down if view.cursor < last => view.cursor += 1,
        Act::Down => ask(Ask::Scroll(1)),
        Act::PageUp if page.begins => view.cursor = 0,
        Act::PageUp => ask(Ask::Scroll(-lines)),
        Act::PageDown if page.ends => view.cursor = last,
        Act::PageDown => ask(Ask::Scroll(lines)),
        Act::Top => {
            view.cursor = 0;
            ask(Ask::Top);
        }
        Act::Bottom => {
            // Rows that are not there yet are cut off once they are known.
            view.cursor = view.rows.saturating_sub(1);
            ask(Ask::Bottom);
        }
        Act::Left | Act::Right if !view.wrap => {
            let before = view.pan;
            view.pan = if act == Act::Left {
                view.pan.saturating_sub(SIDE)
            } else {
                (view.pan + SIDE).min(widest(page))
            };
            if before != view.pan && page.rows.iter().any(|row| row.more || row.skipped > 0) {
                ask(Ask::Pan(view.pan as u64));
            }
        }
        Act::NextPane | Act::PrevPane if page.search.is_some() => view.strip = Some(0),
        _ => {}
    }
}

/// Columns of the longest line on the page, roughly: its bytes.
fn widest(page: &Page) -> usize {
    let bytes = page.rows.iter().map(|row| row.end - row.at.start).max();
    // What cannot be shown takes more columns than bytes.
    usize::try_from(bytes.unwrap_or(0)).map_or(usize::MAX, |bytes| bytes.saturating_mul(8))
}

fn on_strip(act: Act, at: usize, model: &mut Model, log: &Log, wishes: &mut Vec<Wish>) {
    let columns = model.drawn.text.page.max(1);
    let Some(search) = &log.page.search else {
        model.logs.strip = None;
        return;
    };
    match act {
        Act::Left => model.logs.strip = Some(at.saturating_sub(1)),
        Act::Right => model.logs.strip = Some((at + 1).min(columns - 1)),
        Act::Top => model.logs.strip = Some(0),
        Act::Bottom => model.logs.strip = Some(columns - 1),
        Act::Enter => {
            model.logs.strip = None;
            wishes.push(Wish::Log(Ask::Cell(search.cells.len() * at / columns)));
        }
        Act::NextPane | Act::PrevPane | Act::Up | Act::Down => model.logs.strip = None,
        _ => {}
    }
}

/// What was typed is asked for.
fn typed(model: &mut Model, world: &World, log: &Log, wishes: &mut Vec<Wish>) {
    let Some(typing) = model.logs.typing.take() else {
        return;
    };
    let text = model.logs.line.value().to_owned();
    let regex = model.logs.regex;
    let from = row(model, world).map(|row| row.at);
    let filter = |out| Ask::Filter {
        text: text.clone(),
        regex,
        out,
    };
    let ask = match typing {
        Typing::Search => Ask::Search {
            text: text.clone(),
            regex,
            from,
        },
        _ if text.is_empty() => return,
        Typing::Keep => filter(false),
        Typing::LeaveOut => filter(true),
        Typing::GoTo => match place(text.trim(), model, world, log) {
            Some(ask) => ask,
            None => {
                let what = format!("`{}` is no time, line or part", escape::line(&text));
                let hint = "13:40, -12m, 2026-11-23T13:40:00Z, 1200 or 50%";
                return model.say(what, Some(hint.to_owned()));
            }
        },
    };
    wishes.push(Wish::Log(ask));
}

/// `13:40` on the day of the line under the cursor, `-12m` before now, RFC 3339, a line's number, `50%`.
fn place(text: &str, model: &Model, world: &World, log: &Log) -> Option<Ask> {
    if let Some(percent) = text.strip_suffix('%') {
        return percent.parse().ok().map(Ask::Percent);
    }
    if let Ok(number) = text.parse() {
        return Some(Ask::Number(number));
    }
    let zone = Zone::new(model.local, world.now);
    let day = row(model, world)
        .and_then(|row| row.stamp)
        .or(log.page.span.map(|(_, last)| last));
    let now = match day {
        Some(stamp) if text.contains(':') => end_of_day(stamp, zone),
        _ => None,
    };
    let (time, _, rest) = when::typed(text, now.unwrap_or(world.now), zone)?;
    rest.is_empty().then(|| Ask::Time(Stamp::of(time.to_utc())))
}

fn end_of_day(stamp: Stamp, zone: Zone) -> Option<DateTime<FixedOffset>> {
    let day = stamp.utc().with_timezone(&zone.0).date_naive();
    day.and_hms_opt(23, 59, 59)?
        .and_local_timezone(zone.0)
        .single()
}

/// In an incident the line becomes an entry of the timeline, after a look at it; elsewhere it is marked.
fn mark(model: &mut Model, world: &World, log: &Log, wishes: &mut Vec<Wish>) {
    let Some(row) = row(model, world) else {
        return;
    };
    if row.marked || !log.recorded {
        wishes.push(Wish::Log(Ask::Mark(row.at)));
        return;
    }
    let clean = escape::bytes(&row.bytes);
    let text: String = clean.trim().chars().take(LONGEST_ENTRY).collect();
    let zone = Zone::new(model.local, world.now);
    let when = match row.stamp {
        Some(stamp) => format!("at {} {}", zone.stamp(stamp.utc()), zone.name()),
        None => "now: the line has no time".to_owned(),
    };
    let classes = LineClass::ALL
        .iter()
        .map(|(_, word)| (*word).to_owned())
        .collect();
    let form = Form::new(
        FormKind::MarkLine(row.at),
        "Line for the timeline",
        "record it",
    )
    .say(Tone::Dim, when)
    .say(
        Tone::Dim,
        "The entry cites file, bytes and digest of the line.",
    )
    .field(Field::text("text", "Text").with(text))
    .field(Field::text("class", "Class").of(FieldKind::Choice(classes, 0)));
    push_form(model, form, wishes);
}

fn excerpt(model: &Model, log: &Log, here: At) -> Form {
    let page = &log.page;
    let marks = page
        .marks
        .iter()
        .filter(|mark| mark.log == here.log)
        .count();
    let what = match (model.logs.anchor, marks) {
        (Some(_), _) => "The selected lines".to_owned(),
        (None, 0) => "The lines on the screen".to_owned(),
        (None, 1) => "The lines from the mark to the cursor".to_owned(),
        (None, marks) => format!("The lines between the first and the last of {marks} marks"),
    };
    let only = if page.filters.is_empty() {
        ""
    } else {
        ", as far as the filters let them through"
    };
    let name = page.logs.get(here.log).map_or("log", |log| &log.name);
    let name = name.rsplit('/').next().unwrap_or(name);
    let path = Field::text("path", "File").with(format!("{name}-excerpt.log"));
    let form = Form::new(
        FormKind::Excerpt(model.logs.anchor, here),
        "Save an excerpt",
        "save it",
    )
    .say(Tone::Text, format!("{what}{only}."))
    .say(Tone::Dim, "Secrets are taken out first.");
    if log.recorded {
        let to = vec!["evidence of the incident".to_owned(), "a file".to_owned()];
        form.field(Field::text("to", "To").of(FieldKind::Choice(to, 0)))
            .field(path.optional())
    } else {
        form.field(path)
    }
}

/// The keys that are shown as columns, or would be.
fn keys(view: &LogsView, page: &Page) -> Vec<String> {
    if let Some(keys) = &view.columns {
        keys.clone()
    } else if view.keys.is_empty() {
        columns::keys(page.rows.iter())
    } else {
        view.keys.clone()
    }
}

fn columns(model: &mut Model, page: &Page) {
    if let Some(keys) = model.logs.columns.take() {
        model.logs.keys = keys;
        return;
    }
    let keys = keys(&model.logs, page);
    if keys.is_empty() {
        model.say("no line on the screen is a JSON object", None);
    } else {
        model.logs.columns = Some(keys);
        model.logs.pan = 0;
    }
}

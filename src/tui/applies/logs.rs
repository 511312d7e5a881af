//! The same for the log screen.

use super::Label;
use crate::logs::view::page::Page;
use crate::tui::act::Act;
use crate::tui::model::{Model, Typing};
use crate::tui::world::World;

/// What Enter does.
pub(super) fn enter(model: &Model) -> Label {
    match (model.logs.typing, model.logs.strip) {
        (Some(Typing::Search), _) => "search",
        (Some(Typing::Keep), _) => "keep only these",
        (Some(Typing::LeaveOut), _) => "leave these out",
        (Some(Typing::GoTo), _) => "go there",
        (None, Some(_)) => "go there",
        (None, None) => "more",
    }
    .into()
}

/// What Esc does.
pub(super) fn back(model: &Model) -> Label {
    let view = &model.logs;
    if view.typing.is_some() {
        "leave it"
    } else if view.strip.is_some() {
        "to the lines"
    } else if view.anchor.is_some() {
        "end selection"
    } else if model.screens.len() == 1 {
        "quit"
    } else {
        "back"
    }
    .into()
}

/// The commands of the log screen.
pub(super) fn on_logs(act: Act, model: &Model, world: &World) -> Option<Label> {
    let log = world.log.as_ref()?;
    if model.logs.typing.is_some() {
        return (act == Act::Regex).then(|| {
            let now = model.logs.regex;
            if now { "literally" } else { "as regex" }.into()
        });
    }
    if model.logs.strip.is_some() {
        return None;
    }
    let row = log.page.rows.get(model.logs.cursor);
    match act {
        Act::Mark => row.map(|row| match (row.marked, log.recorded) {
            (true, _) => "unmark".into(),
            (false, true) => "mark for timeline".into(),
            (false, false) => "mark".into(),
        }),
        Act::Excerpt => row.map(|_| act.label().into()),
        Act::Select => row.map(|_| {
            let now = model.logs.anchor.is_some();
            if now { "end selection" } else { "select" }.into()
        }),
        Act::NextMatch | Act::PreviousMatch => log.page.search.as_ref().map(|_| act.label().into()),
        Act::Unfilter => (!log.page.filters.is_empty()).then(|| act.label().into()),
        Act::Follow => Some(
            if log.page.follow {
                "stop following"
            } else {
                "follow"
            }
            .into(),
        ),
        Act::Wrap => Some(if model.logs.wrap { "cut lines" } else { "wrap" }.into()),
        Act::Columns => json(model, &log.page).then(|| {
            let now = model.logs.columns.is_some();
            if now { "raw lines" } else { "columns" }.into()
        }),
        Act::Keys => json(model, &log.page).then(|| act.label().into()),
        Act::Search | Act::Keep | Act::LeaveOut | Act::GoTo => Some(act.label().into()),
        _ => None,
    }
}

/// Whether lines on the page may be JSON objects; they are not parsed to tell that.
fn json(model: &Model, page: &Page) -> bool {
    let begins = |line: &[u8]| line.trim_ascii_start().starts_with(b"{");
    model.logs.columns.is_some() || page.rows.iter().any(|row| begins(&row.bytes))
}

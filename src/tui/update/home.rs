//! Keys of Home and of the preview.

use super::super::act::Act;
use super::super::extent::Cursor;
use super::super::model::{HomeRow, Model, PreviewTab, PreviewView, Screen, Wanted};
use super::super::wish::Wish;
use super::super::world::{OpenRow, Waits, World};
use crate::engine::IncidentId;
use crate::runbook::model::RunbookId;

/// What a row of the list is about.
type Name = (IncidentId, Option<Waits>);

/// Keeps the cursor where it can be, and in view.
pub(super) fn follow(model: &mut Model, world: &World) {
    let names: Vec<_> = world.open_rows().iter().map(OpenRow::name).collect();
    let incidents = names.len();
    let books = model.home.picker.found().len();
    let home = &mut model.home;
    if home.seen != names {
        if home.moved {
            home.at = place(home.at, &home.seen, &names);
        } else {
            home.at = 0;
        }
        home.seen = names;
    }
    home.at = home.at.min(incidents + books);
    let page = model.drawn.list.page;
    if home.at < incidents {
        let mut cursor = Cursor {
            at: home.at,
            top: home.incidents_top,
        };
        cursor.show(home.at, model.drawn.text.page.max(1));
        home.incidents_top = cursor.top;
    } else if home.at < incidents + books {
        let mut cursor = Cursor {
            at: home.at,
            top: home.books_top,
        };
        cursor.show(home.at - incidents, page.max(1));
        home.books_top = cursor.top;
    }
}

/// Where the cursor goes when the list above it is another one: along with what it stood on.
fn place(at: usize, seen: &[Name], names: &[Name]) -> usize {
    let Some(on) = seen.get(at) else {
        return at - seen.len() + names.len();
    };
    let same = names.iter().position(|name| name == on);
    let incident = || names.iter().position(|name| name.0 == on.0);
    same.or_else(incident)
        .unwrap_or(at.min(names.len().saturating_sub(1)))
}

/// The filter has changed: the best match is under the cursor.
pub(super) fn filtered(model: &mut Model, world: &World) {
    model
        .home
        .picker
        .follow(model.home.query.value(), &world.entries);
    model.home.at = world.open_rows().len();
    model.home.moved = true;
    model.home.books_top = 0;
}

/// One key.
pub(super) fn perform(act: Act, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    match act {
        Act::Start => start(model, world, wishes),
        Act::Preview => preview(model, world, PreviewTab::Steps, wishes),
        Act::History => preview(model, world, PreviewTab::History, wishes),
        Act::Fetch => wishes.push(Wish::Fetch),
        Act::Exercise => {
            let choose = super::ask::scenarios(world);
            super::push_choose(model, choose, wishes);
        }
        _ if model.screen() == Screen::Preview => in_preview(act, model, world, wishes),
        Act::Filter => {
            model.home.typing = true;
            model.home.at = model.home.at.max(world.open_rows().len());
            model.home.moved = true;
        }
        Act::Back if model.home.typing => {
            model.home.typing = false;
            model.home.query.reset();
            filtered(model, world);
        }
        Act::Enter => enter(model, world, wishes),
        Act::Right => super::open_menu(model, world, false),
        _ => moves(act, model, world),
    }
}

fn moves(act: Act, model: &mut Model, world: &World) {
    let count = world.open_rows().len() + model.home.picker.found().len() + 1;
    let page = model.drawn.list.page.max(2) as isize - 1;
    let mut cursor = Cursor {
        at: model.home.at,
        top: 0,
    };
    match act {
        Act::Up => cursor.round(-1, count),
        Act::Down => cursor.round(1, count),
        Act::PageUp => cursor.by(-page, count),
        Act::PageDown => cursor.by(page, count),
        Act::Top => cursor.at = 0,
        Act::Bottom => cursor.at = count - 1,
        _ => {}
    }
    model.home.at = cursor.at;
    model.home.moved = true;
}

fn enter(model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    match model.home_row(world) {
        HomeRow::Open(at) => {
            if let Some((id, what)) = world.open_rows().get(at).map(OpenRow::name) {
                super::go(model, world, id, what, wishes);
            }
        }
        HomeRow::Book(_) => start(model, world, wishes),
        HomeRow::More => super::open_menu(model, world, false),
    }
}

fn start(model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let Some(entry) = model.book(world) else {
        return;
    };
    let id = RunbookId(entry.id.clone());
    model.wanted = Some(Wanted::StartForm(id.clone()));
    if world.preview_of(&id).is_none() {
        wishes.push(Wish::Preview(id));
    }
}

fn preview(model: &mut Model, world: &World, tab: PreviewTab, wishes: &mut Vec<Wish>) {
    let Some(entry) = model.book(world) else {
        return;
    };
    let id = RunbookId(entry.id.clone());
    if model.screen() != Screen::Preview {
        model.screens.push(Screen::Preview);
    }
    model.preview = PreviewView {
        id: id.0.clone(),
        tab,
        ..PreviewView::default()
    };
    wishes.push(match tab {
        PreviewTab::History => Wish::History(id),
        _ => Wish::Preview(id),
    });
}

fn in_preview(act: Act, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let extent = model.drawn.text;
    let page = extent.page.max(2) as isize - 1;
    let id = RunbookId(model.preview.id.clone());
    let history = world.preview_of(&id).map_or(0, |p| p.history.len());
    let listed = model.preview.tab == PreviewTab::History;
    let view = &mut model.preview;
    match act {
        Act::Up if listed => view.cursor.by(-1, history),
        Act::Down if listed => view.cursor.by(1, history),
        Act::Up => view.scroll.by(-1, extent),
        Act::Down => view.scroll.by(1, extent),
        Act::PageUp => view.scroll.by(-page, extent),
        Act::PageDown => view.scroll.by(page, extent),
        Act::Top => view.scroll.top = 0,
        Act::Bottom => view.scroll.top = extent.end(),
        Act::Enter if !listed => start(model, world, wishes),
        Act::Enter | Act::Diff => diff(model, world, wishes),
        Act::NextPane | Act::PrevPane => {
            let tab = if view.tab == PreviewTab::Steps {
                PreviewTab::History
            } else {
                PreviewTab::Steps
            };
            preview(model, world, tab, wishes);
        }
        Act::Right => super::open_menu(model, world, false),
        Act::Back | Act::Left => match view.tab {
            PreviewTab::Diff => view.tab = PreviewTab::History,
            _ => {
                model.screens.pop();
            }
        },
        _ => {}
    }
    model
        .preview
        .cursor
        .show(model.preview.cursor.at, model.drawn.text.page);
}

/// The difference that the change under the cursor made to the one before it.
fn diff(model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let id = RunbookId(model.preview.id.clone());
    let Some(preview) = world.preview_of(&id) else {
        return;
    };
    let at = model.preview.cursor.at;
    let (Some(new), Some(old)) = (preview.history.get(at), preview.history.get(at + 1)) else {
        model.say(
            "This is the first version: there is nothing before it",
            None,
        );
        return;
    };
    wishes.push(Wish::Diff {
        id,
        a: old.commit.clone(),
        b: new.commit.clone(),
    });
    model.preview.tab = PreviewTab::Diff;
    model.preview.scroll.top = 0;
}

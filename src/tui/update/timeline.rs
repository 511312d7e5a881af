//! Keys of the timeline.

use super::super::act::Act;
use super::super::layer::{Layer, Reader, Reading};
use super::super::model::{Model, Screen, TimelineView};
use super::super::when::Zone;
use super::super::wish::Wish;
use super::super::world::{Open, World};
use super::{ask, curate};
use crate::engine::EventId;

/// Goes to the timeline, as it is now.
pub(super) fn show(model: &mut Model) {
    let index = std::mem::take(&mut model.timeline.index);
    model.timeline = TimelineView {
        index,
        tail: true,
        ..TimelineView::default()
    };
    if model.timeline.index.past().is_some() {
        model.timeline.index.set_past(None);
    }
    model.screens.retain(|screen| *screen != Screen::Timeline);
    model.screens.push(Screen::Timeline);
}

/// Goes to one entry of it.
pub(super) fn show_entry(model: &mut Model, world: &World, entry: &EventId) {
    let Some(open) = &world.open else { return };
    show(model);
    model.timeline.index.follow(open);
    hold(model, model.timeline.index.place(entry));
}

/// Keeps the cursor on this place of the record.
pub(super) fn hold(model: &mut Model, place: Option<usize>) {
    model.timeline.held = place;
    model.timeline.tail = false;
}

/// What was known at a moment, or now. The cursor stays on what it is on.
pub(super) fn look_back(model: &mut Model, at: Option<chrono::DateTime<chrono::FixedOffset>>) {
    model.timeline.index.set_past(at);
    model.timeline.picking = None;
}

/// Keeps the cursor on what it is on, or at the end while events come, and in any case where it can be.
pub(super) fn follow(model: &mut Model, open: &Open, me: &crate::trust::Principal) {
    let view = &mut model.timeline;
    if let Some(before) = view.awaited
        && view.index.recorded() > before
    {
        view.awaited = None;
        let mut fresh = open.events.iter().enumerate().skip(before);
        let mine = fresh.find(|(_, event)| event.person == *me);
        if let Some((place, _)) = mine {
            view.held = Some(place);
            view.tail = false;
        }
    }
    let count = view.index.len();
    let last = count.saturating_sub(1);
    view.cursor.at = match view.held {
        _ if view.tail => last,
        Some(place) => view.index.row(place).min(last),
        None => count,
    };
    if view.tail {
        view.held = None;
    }
    let page = model.drawn.list.page.max(1);
    view.cursor.show(view.cursor.at, page);
}

/// One key.
pub(super) fn perform(act: Act, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let count = model.timeline.index.len() + 1;
    let page = model.drawn.list.page.max(2) as isize - 1;
    let cursor = &mut model.timeline.cursor;
    match act {
        Act::Up => cursor.round(-1, count),
        Act::Down => cursor.round(1, count),
        Act::PageUp => cursor.by(-page, count),
        Act::PageDown => cursor.by(page, count),
        Act::Top => cursor.at = 0,
        Act::Bottom => cursor.at = count.saturating_sub(2),
        Act::Back | Act::Left => return back(model, wishes),
        Act::Suggested => return super::suggest(model, world, wishes),
        Act::FilterEvents => {
            if let Some(open) = &world.open {
                let form = ask::filter(&model.timeline.index, open);
                super::push_form(model, form, wishes);
            }
            return;
        }
        Act::AsOf if model.timeline.index.past().is_some() => return look_back(model, None),
        Act::AsOf => {
            let form = ask::as_of(Zone::new(model.local, world.now));
            return super::push_form(model, form, wishes);
        }
        Act::Followups => return super::followups::show(model),
        Act::Enter | Act::Right => return enter(model, world, wishes),
        _ => return curate::perform(act, model, world, wishes),
    }
    let view = &mut model.timeline;
    view.held = view.index.at(view.cursor.at);
    view.tail = view.cursor.at + 2 == count;
}

fn enter(model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let Some(event) = model.event(world) else {
        return super::open_menu(model, world, false);
    };
    let id = event.id;
    let Some(picking) = model.timeline.picking.clone() else {
        model.layers.push(Layer::Reader(Reader {
            what: Reading::Event(id),
            scroll: super::super::extent::Scroll::default(),
        }));
        return;
    };
    if picking.entry == id {
        wishes.push(Wish::Bell);
        return;
    }
    let from = model.timeline.index.place(&picking.entry);
    wishes.push(Wish::Act(curate::linked(&picking, id)));
    model.timeline.picking = None;
    hold(model, from);
}

/// One step back: out of a link, from what was known to now, from some to all, to the screen before.
fn back(model: &mut Model, wishes: &mut Vec<Wish>) {
    let view = &mut model.timeline;
    if let Some(picking) = view.picking.take() {
        let from = view.index.place(&picking.entry);
        hold(model, from);
    } else if view.index.past().is_some() {
        look_back(model, None);
    } else if !view.index.filter().is_empty() {
        view.index
            .set_filter(super::super::events::Filter::default());
    } else {
        model.screens.pop();
        return;
    }
    wishes.push(Wish::Again);
}

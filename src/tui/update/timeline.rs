//! Keys of the timeline.

use super::super::act::Act;
use super::super::layer::{Layer, Reader, Reading};
use super::super::model::Model;
use super::super::wish::Wish;
use super::super::world::World;
use super::ask;

/// Keeps the cursor at the end while events come, and in any case where it can be.
pub(super) fn follow(model: &mut Model) {
    let count = model.timeline.index.len();
    let view = &mut model.timeline;
    if view.tail {
        view.cursor.at = count.saturating_sub(1);
    }
    view.cursor.at = view.cursor.at.min(count);
    view.cursor
        .show(view.cursor.at, model.drawn.list.page.max(1));
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
        Act::Back | Act::Left => {
            model.screens.pop();
            return;
        }
        Act::Suggested => return super::suggest(model, world, wishes),
        Act::FilterEvents => {
            let form = ask::filter(model.timeline.index.filter());
            super::push_form(model, form, wishes);
            return;
        }
        Act::Enter | Act::Right => {
            match model.event(world) {
                Some(event) => {
                    let what = Reading::Event(event.id);
                    model.layers.push(Layer::Reader(Reader {
                        what,
                        scroll: super::super::extent::Scroll::default(),
                    }));
                }
                None => super::open_menu(model, world, false),
            }
            return;
        }
        _ => {}
    }
    model.timeline.tail = model.timeline.cursor.at + 2 == count;
}

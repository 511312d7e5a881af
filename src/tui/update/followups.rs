//! Keys of the list of follow-ups.

use super::super::act::Act;
use super::super::model::{Model, Screen};
use super::super::when::Zone;
use super::super::wish::Wish;
use super::super::world::{Open, World};
use super::{ask, curate, push_choose, push_form};
use crate::engine::details::FollowupStatus;

/// Goes to the list.
pub(super) fn show(model: &mut Model) {
    model.followups.cursor = super::super::extent::Cursor::default();
    model.screens.retain(|screen| *screen != Screen::Followups);
    model.screens.push(Screen::Followups);
}

/// Keeps up with the record.
pub(super) fn follow(model: &mut Model, open: &Open) {
    let view = &mut model.followups;
    view.list.follow(open);
    view.cursor.at = view.cursor.at.min(view.list.list().len());
    view.cursor
        .show(view.cursor.at, model.drawn.list.page.max(1));
}

/// One key.
pub(super) fn perform(act: Act, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let count = model.followups.list.list().len() + 1;
    let page = model.drawn.list.page.max(2) as isize - 1;
    let cursor = &mut model.followups.cursor;
    match act {
        Act::Up => cursor.round(-1, count),
        Act::Down => cursor.round(1, count),
        Act::PageUp => cursor.by(-page, count),
        Act::PageDown => cursor.by(page, count),
        Act::Top => cursor.at = 0,
        Act::Bottom => cursor.at = count - 1,
        Act::Back | Act::Left => {
            model.screens.pop();
        }
        Act::NewFollowup => push_form(model, ask::followup(None), wishes),
        _ => with_one(act, model, world, wishes),
    }
}

fn with_one(act: Act, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let Some(open) = &world.open else { return };
    let Some(one) = model.followup() else {
        if matches!(act, Act::Enter | Act::Right) {
            if open.read_only.is_some() {
                model.screens.pop();
            } else {
                push_form(model, ask::followup(None), wishes);
            }
        }
        return;
    };
    match act {
        Act::Enter | Act::Right => {
            let zone = Zone::new(model.local, world.now);
            let from = one.about.map(|entry| {
                let place = open.events.iter().find(|event| event.id == entry);
                place.map_or_else(|| entry.short(), |event| curate::named(event, zone))
            });
            let choose = ask::of_followup(one, from, zone, open.read_only.is_none());
            push_choose(model, choose, wishes);
        }
        Act::ChangeFollowup => push_form(model, ask::change_followup(one), wishes),
        Act::FinishFollowup => {
            let form = ask::end_followup(one, FollowupStatus::Done);
            push_form(model, form, wishes);
        }
        Act::DropFollowup => {
            let form = ask::end_followup(one, FollowupStatus::Dropped);
            push_form(model, form, wishes);
        }
        _ => {}
    }
}

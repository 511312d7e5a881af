//! What is done with one entry of the timeline: the one that is read, or under the cursor.

use super::super::act::Act;
use super::super::layer::{Layer, Reading};
use super::super::model::{Model, Picking};
use super::super::when::Zone;
use super::super::wish::Wish;
use super::super::world::{Open, World};
use super::{ask, push_choose, push_form, timeline};
use crate::engine::fact::EntryLinked;
use crate::engine::sentence::sentence;
use crate::engine::telling::Telling;
use crate::engine::{Event, EventId, Intent};

/// One key.
pub(super) fn perform(act: Act, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let (Some(open), Some(event)) = (&world.open, model.event(world)) else {
        return;
    };
    let zone = Zone::new(model.local, world.now);
    let index = &model.timeline.index;
    let place = index.place(&event.id);
    let said = named(event, zone);
    match act {
        Act::Tag => {
            let form = ask::tag(event.id, &said, index.standing(event));
            push_form(model, form, wishes);
        }
        Act::Describe => {
            let form = ask::describe(event, &said, index.standing(event));
            push_form(model, form, wishes);
        }
        Act::Link => {
            let of = |other: &EventId| entry_named(other, model, open, zone);
            let choose = ask::link(event, &said, index, of);
            push_choose(model, choose, wishes);
        }
        Act::Rest => push_choose(model, ask::rest(event, &said, open), wishes),
        Act::NewFollowup => {
            push_form(model, ask::followup(Some((event.id, said))), wishes);
        }
        Act::Correct => push_form(model, ask::correct(event.id, &said), wishes),
        _ => return,
    }
    // What is said of an entry is an entry too: the cursor does not run after it.
    timeline::hold(model, place);
}

/// `13:21:04 alice noted: first page`
pub(super) fn named(event: &Event, zone: Zone) -> String {
    format!("{} {}", zone.clock(event.occurred_at), sentence(event))
}

/// The same of an entry by its id.
pub(super) fn entry_named(id: &EventId, model: &Model, open: &Open, zone: Zone) -> String {
    let place = model.timeline.index.place(id);
    place
        .and_then(|place| open.events.get(place))
        .map_or_else(|| id.short(), |event| named(event, zone))
}

/// The other end of a link is looked for on the timeline.
pub(super) fn pick(model: &mut Model, picking: Picking) {
    model.layers.retain(
        |layer| !matches!(layer, Layer::Reader(reader) if matches!(reader.what, Reading::Event(_))),
    );
    let place = model.timeline.index.place(&picking.entry);
    model.timeline.picking = Some(picking);
    timeline::hold(model, place);
}

/// The link, once its other end was found.
pub(super) fn linked(picking: &Picking, other: EventId) -> Intent {
    let (entry, other) = if picking.first {
        (picking.entry, other)
    } else {
        (other, picking.entry)
    };
    ask::tell(Telling::Linked(EntryLinked {
        entry,
        other,
        relation: picking.relation,
        removed: false,
    }))
}

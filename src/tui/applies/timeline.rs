//! The same for the timeline, one entry of it, and the list of follow-ups.

use super::{Label, clocks};
use crate::engine::details::{FollowupStatus, Relation};
use crate::tui::act::Act;
use crate::tui::model::{Model, Picking};
use crate::tui::world::{Open, World};

/// What is done with the entry under the cursor.
const ON_ENTRY: [Act; 6] = [
    Act::Tag,
    Act::Describe,
    Act::Link,
    Act::Correct,
    Act::Rest,
    Act::NewFollowup,
];

pub(super) fn enter(model: &Model, world: &World) -> Option<Label> {
    let Some(event) = model.event(world) else {
        return Some("more".into());
    };
    Some(match &model.timeline.picking {
        Some(picking) if picking.entry == event.id => "pick another entry".into(),
        Some(picking) => takes(picking).into(),
        None => "open".into(),
    })
}

/// What picking the entry under the cursor says of it.
fn takes(picking: &Picking) -> &'static str {
    match (picking.relation, picking.first) {
        (Relation::Cause, true) => "it led to this one",
        (Relation::Cause, false) => "this one led to it",
        (Relation::Duplicate, true) => "this one repeats it",
        (Relation::Duplicate, false) => "it repeats this one",
        (Relation::Related, _) => "it belongs with this one",
    }
}

pub(super) fn back(model: &Model) -> Label {
    let view = &model.timeline;
    if view.picking.is_some() {
        "no link".into()
    } else if view.index.past().is_some() {
        "back to now".into()
    } else if !view.index.filter().is_empty() {
        "show all".into()
    } else {
        "back".into()
    }
}

pub(super) fn on_timeline(act: Act, model: &Model, world: &World) -> Option<Label> {
    let open = world.open.as_ref()?;
    let view = &model.timeline;
    if view.picking.is_some() {
        return (act == Act::FilterEvents).then(|| act.label().into());
    }
    let past = view.index.past().is_some();
    match act {
        Act::FilterEvents | Act::Followups => return Some(act.label().into()),
        Act::AsOf => return Some(if past { "back to now" } else { act.label() }.into()),
        Act::Clocks => return clocks(open),
        Act::Export => return (!past).then(|| act.label().into()),
        _ => {}
    }
    let writable = open.read_only.is_none() && !past;
    match act {
        Act::Suggested => {
            let mut logs = open.state.runs.iter().flat_map(|run| &run.book.logs);
            let rules = logs.any(|log| !log.rules.is_empty());
            (rules && writable).then(|| act.label().into())
        }
        Act::Note | Act::Backdate => writable.then(|| act.label().into()),
        Act::Milestone => (writable && open.state.closed.is_none()).then(|| "milestone".into()),
        _ => on_entry(act, model, world),
    }
}

/// With the entry that is read, or is under the cursor.
pub(super) fn on_entry(act: Act, model: &Model, world: &World) -> Option<Label> {
    let open: &Open = world.open.as_ref()?;
    let now = open.read_only.is_none() && model.timeline.index.past().is_none();
    (ON_ENTRY.contains(&act) && now && model.event(world).is_some()).then(|| act.label().into())
}

pub(super) fn on_followups(act: Act, model: &Model, world: &World) -> Option<Label> {
    let open = world.open.as_ref()?;
    if open.read_only.is_some() {
        return None;
    }
    let one = model.followup();
    let is_open = one.is_some_and(|one| one.status == FollowupStatus::Open);
    match act {
        Act::NewFollowup => Some("add one".into()),
        Act::ChangeFollowup => one.map(|_| act.label().into()),
        Act::FinishFollowup | Act::DropFollowup => is_open.then(|| act.label().into()),
        _ => None,
    }
}

/// Why a key does nothing there.
pub(super) fn why_not(act: Act, model: &Model, world: &World) -> Option<(String, Option<String>)> {
    let open = world.open.as_ref()?;
    let label = act.label();
    if let Some(why) = &open.read_only {
        return Some((format!("{label}: nothing can be recorded now: {why}"), None));
    }
    if model.timeline.index.past().is_some() {
        let what = format!("{label}: this is what was known then, and only to be read");
        return Some((what, Some("Esc goes back to now".to_owned())));
    }
    if ON_ENTRY.contains(&act) && model.event(world).is_none() {
        let hint = "put the cursor on an entry first".to_owned();
        return Some((
            format!("{label}: there is no entry under the cursor"),
            Some(hint),
        ));
    }
    Some((format!("{label}: not now"), None))
}

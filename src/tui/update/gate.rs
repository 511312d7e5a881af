//! Keys at a checkpoint that the walk and the inbox share: reviews of overrides, and the way back.

use super::super::model::Model;
use super::super::step::{self, Target};
use super::super::wish::Wish;
use super::super::world::{Gate, World};
use super::walk::look;
use super::{ask, push_choose, push_form};
use crate::engine::EventId;
use crate::engine::command::StepKey;
use crate::engine::exec::Purpose;
use crate::evidence::Digest;

/// Opens the review of an override.
pub(super) fn review(model: &mut Model, world: &World, event: EventId, wishes: &mut Vec<Wish>) {
    match ask::review(
        world,
        event,
        super::super::when::Zone::new(model.local, world.now),
    ) {
        Some(form) => push_form(model, form, wishes),
        None => model.say("this override is reviewed already", None),
    }
}

/// The one review that is owed, or the choice of several.
pub(super) fn which_review(model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let owed = step::reviews(world);
    match owed.as_slice() {
        [one] => review(model, world, one.event, wishes),
        several => push_choose(model, ask::which_review(several), wishes),
    }
}

/// The way back of a step: through the same gate as the step.
pub(super) fn roll_back(step: &StepKey, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let target = world.open.as_ref().and_then(|open| {
        let run = open.state.run(&step.run)?;
        step::target(open, run, &step.step)
    });
    match target.filter(Target::is_undoable) {
        Some(target) => undo(&target, model, world, wishes),
        None => model.say(
            format!("{}: there is nothing to roll back", step.step),
            None,
        ),
    }
}

pub(super) fn undo(target: &Target<'_>, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    match target.roll_back() {
        Gate::Free | Gate::Open { .. } | Gate::Overridden { .. } => push_choose(
            model,
            ask::confirm(target, Purpose::RollBack, world),
            wishes,
        ),
        Gate::Pending(pending) if pending.mine => look(model, target.key(), wishes),
        Gate::Pending(_) => {
            let choose = ask::waiting(target, Purpose::RollBack, world);
            push_choose(model, choose, wishes);
        }
        Gate::Closed { .. } | Gate::Denied { .. } | Gate::Void { .. } => {
            push_choose(model, ask::roll_back(target, world), wishes);
        }
        Gate::Blocked(why) => model.say(why.clone(), None),
    }
}

/// The word for another policy.
pub(super) fn adopt(model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    if let Some(form) = ask::adopt(world) {
        push_form(model, form, wishes);
    }
}

/// The word for taking an artifact out.
pub(super) fn expunge(model: &mut Model, world: &World, evidence: Digest, wishes: &mut Vec<Wish>) {
    let known = world.open.as_ref().and_then(|open| {
        let known = step::artifacts(open).into_iter();
        let artifact = known.into_iter().find(|known| known.sha256 == evidence)?;
        Some(ask::expunge_one(open, artifact))
    });
    match known {
        Some(form) => push_form(model, form, wishes),
        None => model.say("it is taken out already", None),
    }
}

//! Keys of the checkpoint screen, and keeping up with what is asked on it.

use super::super::act::Act;
use super::super::applies;
use super::super::extent::Scroll;
use super::super::layer::{Layer, Reader, Reading};
use super::super::model::Model;
use super::super::wish::Wish;
use super::super::world::World;

/// Leaves the checkpoint once there is nothing to answer any more, and begins anew where another question took the
/// place of the one that was read.
pub(super) fn follow(model: &mut Model, world: &World) {
    let view = &mut model.checkpoint;
    let pending = view.step.as_ref().and_then(|step| {
        let open = world.open.as_ref()?;
        open.facts(&step.run, &step.step)?.pending()
    });
    match pending {
        Some((pending, _)) if pending.mine => view.mine = true,
        Some(_) if !view.mine => {}
        _ => {
            let late = view.request.is_none() || !model.layers.is_empty();
            model.screens.pop();
            model.layers.clear();
            if late {
                model.say("nothing is asked there any more", None);
            }
            return;
        }
    }
    let shown = applies::approval(model, world).map(|view| view.request);
    if shown.is_none() || shown == model.checkpoint.request {
        return;
    }
    let another = std::mem::replace(&mut model.checkpoint.request, shown).is_some();
    model.checkpoint.read = false;
    model.checkpoint.scroll.top = 0;
    if another {
        model.layers.clear();
        model.say(
            "What is asked has changed: this is another request",
            Some("read it again; what you read before is void".to_owned()),
        );
    }
}

/// Keys of the checkpoint screen.
pub(super) fn perform(act: Act, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let extent = model.drawn.text;
    let ways = applies::ways_out(model, world);
    let view = &mut model.checkpoint;
    let page = extent.page.max(2) as isize - 1;
    match act {
        Act::Up => view.scroll.by(-1, extent),
        Act::Down => view.scroll.by(1, extent),
        Act::PageUp => view.scroll.by(-page, extent),
        Act::PageDown => view.scroll.by(page, extent),
        Act::Top => view.scroll.top = 0,
        Act::Bottom => view.scroll.top = extent.end(),
        Act::Right | Act::NextPane => view.button = (view.button + 1) % ways.len(),
        Act::Left | Act::PrevPane => {
            view.button = (view.button + ways.len() - 1) % ways.len();
        }
        Act::Back => {
            model.screens.pop();
        }
        Act::Enter => match ways.get(view.button) {
            Some(Act::Approve) if applies::unread(model, world).is_some() => {
                model.checkpoint.scroll.by(page, extent);
            }
            None | Some(Act::Back) => {
                model.screens.pop();
            }
            Some(act) if applies::applies(*act, model, world).is_some() => {
                perform(*act, model, world, wishes);
            }
            Some(_) => wishes.push(Wish::Bell),
        },
        Act::Approve | Act::Deny => {
            if let Some(view) = applies::approval(model, world) {
                let form = super::ask::approval(view, act == Act::Approve);
                super::push_form(model, form, wishes);
            }
        }
        Act::Withdraw => {
            if let Some(step) = model.checkpoint.step.clone() {
                super::push_choose(model, super::ask::withdraw(step), wishes);
            }
        }
        Act::Delegate => {
            if let Some(view) = applies::approval(model, world) {
                let choose = super::ask::delegate(view);
                super::push_choose(model, choose, wishes);
            }
        }
        Act::Evidence => model.layers.push(Layer::Reader(Reader {
            what: Reading::Output,
            scroll: Scroll::default(),
        })),
        Act::Elsewhere => {
            wishes.extend(model.checkpoint.step.clone().map(Wish::CopyStatement));
        }
        _ => {}
    }
}

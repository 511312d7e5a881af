//! Which command applies right now, and what it would do in a word or two. Footer, menu, palette and dispatch ask here,
//! so none of them can promise what another refuses.

mod exercise;
mod logs;
mod timeline;

use std::borrow::Cow;

pub use exercise::{selected, unheard};

use super::act::{Act, Place};
use super::layer::{FieldKind, Form, Layer, Reading};
use super::model::{HomeRow, Model, Pane, PreviewTab, Screen};
use super::step::{self, Target};
use super::world::{Gate, Open, StepFacts, Sync, World};
use crate::engine::state::Status;

/// What a command is called.
pub type Label = Cow<'static, str>;

/// The label of the command if it applies here and now.
#[must_use]
pub fn applies(act: Act, model: &Model, world: &World) -> Option<Label> {
    match model.layers.last() {
        Some(layer) => in_layer(act, layer, model, world),
        None => on_screen(act, model, world),
    }
}

fn in_layer(act: Act, layer: &Layer, model: &Model, world: &World) -> Option<Label> {
    match act {
        Act::Back => Some("back".into()),
        Act::Help => (!matches!(layer, Layer::Reader(reader) if reader.what == Reading::Help))
            .then(|| "keys".into()),
        Act::Up | Act::Down | Act::PageUp | Act::PageDown | Act::Top | Act::Bottom => {
            Some(act.label().into())
        }
        Act::Redraw | Act::Quit | Act::Suspend => Some(act.label().into()),
        Act::Left | Act::Right => match layer {
            Layer::Reader(_) => Some(if act == Act::Left { "back" } else { "more" }.into()),
            Layer::Form(_) => Some(act.label().into()),
            _ => None,
        },
        Act::NextPane | Act::PrevPane => {
            matches!(layer, Layer::Form(_)).then(|| "next field".into())
        }
        Act::Enter => match layer {
            Layer::Menu(menu) => menu
                .found
                .get(menu.cursor.at)
                .and_then(|at| menu.items.get(*at))
                .map(|item| item.label.clone().into()),
            Layer::Choose(choose) => choose
                .options
                .get(choose.cursor.at)
                .map(|choice| choice.label.clone().into()),
            Layer::Form(form) => Some(form_enter(form)),
            Layer::Reader(reader) => Some(match reader.what {
                Reading::Help | Reading::Output | Reading::Clocks | Reading::Exercise(..) => {
                    "back".into()
                }
                Reading::Event(_) => "more".into(),
            }),
        },
        Act::Submit => match layer {
            Layer::Form(form) if form.focus + 1 < form.fields.len() => {
                Some(form.submit.clone().into())
            }
            _ => None,
        },
        _ if matches!(layer, Layer::Reader(reader) if matches!(reader.what, Reading::Event(_))) => {
            timeline::on_entry(act, model, world)
        }
        _ => None,
    }
}

fn form_enter(form: &Form) -> Label {
    match form.fields.get(form.focus) {
        Some(field) if matches!(field.kind, FieldKind::Tick(_)) => "tick".into(),
        Some(_) if form.focus + 1 < form.fields.len() => "next field".into(),
        Some(_) => form.submit.clone().into(),
        None if form.focus == form.fields.len() => form.submit.clone().into(),
        None => "back".into(),
    }
}

/// The same for the screen below all layers.
#[must_use]
pub fn on_screen(act: Act, model: &Model, world: &World) -> Option<Label> {
    if act.moves() {
        return moving(act, model, world);
    }
    match act {
        Act::LocalTime => Some(if model.local { "UTC" } else { "local time" }.into()),
        Act::Theme | Act::Redraw | Act::Suspend | Act::Quit | Act::Ascii => {
            Some(act.label().into())
        }
        Act::SitDown => world
            .chair
            .as_ref()
            .map(|chair| format!("be {}", chair.name).into()),
        Act::Sync => (world.sync != Sync::Local).then(|| "sync".into()),
        Act::CancelTask if model.screen() == Screen::Logs => {
            let busy = world.log.as_ref().is_some_and(|log| log.page.busy);
            busy.then(|| "give up".into())
        }
        Act::CancelTask => world
            .tasks
            .last()
            .map(|task| format!("cancel {}", task.name).into()),
        Act::Inbox => {
            let waiting = world.inbox().len();
            (waiting > 0).then(|| format!("{waiting} for you").into())
        }
        Act::Dismiss => model.notice(world).map(|_| "dismiss".into()),
        _ if act.is_of_exercise() => exercise::leads(act, model, world),
        _ => match model.screen() {
            Screen::Home | Screen::Preview => on_home(act, model, world),
            Screen::Walk => on_walk(act, model, world),
            Screen::Checkpoint => on_checkpoint(act, model, world),
            Screen::Timeline => timeline::on_timeline(act, model, world),
            Screen::Followups => timeline::on_followups(act, model, world),
            Screen::Exercise => exercise::on_exercise(act, model, world),
            Screen::Logs => logs::on_logs(act, model, world),
        },
    }
}

fn moving(act: Act, model: &Model, world: &World) -> Option<Label> {
    match act {
        Act::Enter => enter(model, world),
        Act::Back if model.screen() == Screen::Logs => Some(logs::back(model)),
        Act::Back => match model.screen() {
            Screen::Home if model.home.typing => Some("clear".into()),
            Screen::Home => None,
            Screen::Checkpoint => Some("later".into()),
            Screen::Timeline => Some(timeline::back(model)),
            _ => Some("back".into()),
        },
        Act::Right => match model.screen() {
            Screen::Walk if model.walk.zoom => Some("scroll".into()),
            Screen::Walk => match model.walk.pane {
                Pane::Steps => Some("read".into()),
                Pane::Step | Pane::Events => Some("more".into()),
            },
            Screen::Timeline | Screen::Followups => enter(model, world),
            Screen::Home | Screen::Preview => Some("more".into()),
            Screen::Checkpoint => Some("next way out".into()),
            Screen::Exercise => Some("more".into()),
            Screen::Logs => (!model.logs.wrap).then(|| "to the right".into()),
        },
        Act::NextPane if model.screen() == Screen::Exercise => {
            let next = model.exercise.tab.next(world.open.as_ref()?, true);
            Some(next.word().to_lowercase().into())
        }
        Act::Menu => {
            let typed = model.screen_place().is_typed();
            (!typed).then(|| "more".into())
        }
        _ => Some(act.label().into()),
    }
}

fn enter(model: &Model, world: &World) -> Option<Label> {
    match model.screen() {
        Screen::Home => Some(match model.home_row(world) {
            HomeRow::Open(at) => match world.open_rows().get(at)?.waiting {
                Some(waiting) => waiting.what.leads().into(),
                None => "open".into(),
            },
            HomeRow::Book(_) => "start".into(),
            HomeRow::More => "more".into(),
        }),
        Screen::Preview => match model.preview.tab {
            PreviewTab::History => Some("difference".into()),
            _ => on_home(Act::Start, model, world),
        },
        Screen::Walk => walk_enter(model, world),
        Screen::Checkpoint => Some(match way_out(model, world) {
            Some(Act::Approve) if unread(model, world).is_some() => "read on".into(),
            None | Some(Act::Back) => "later".into(),
            Some(act) => on_checkpoint(act, model, world)
                .unwrap_or_else(|| format!("{}: not possible", act.label()).into()),
        }),
        Screen::Timeline => timeline::enter(model, world),
        Screen::Followups => Some(match model.followup() {
            Some(_) => "what of it".into(),
            None => timeline::on_followups(Act::NewFollowup, model, world)
                .unwrap_or_else(|| "back".into()),
        }),
        Screen::Exercise => exercise::enter(model, world),
        Screen::Logs => Some(logs::enter(model)),
    }
}

fn walk_enter(model: &Model, world: &World) -> Option<Label> {
    if model.walk.typing {
        return Some("next match".into());
    }
    let open = world.open.as_ref()?;
    match model.walk.pane {
        Pane::Events => return Some("timeline".into()),
        Pane::Steps => match super::update::row_target(model, open) {
            None => return Some("more".into()),
            Some(target) if !target.current && !over(&target) => {
                return Some("look".into());
            }
            Some(_) => {}
        },
        Pane::Step => {}
    }
    let run = step::run(model, open)?;
    if run.at.is_none() && model.walk.shown.is_none() {
        return Some("what next".into());
    }
    Some(step::shown(model, world)?.primary(world).1.into())
}

fn over(target: &Target<'_>) -> bool {
    target.run.at.is_none()
}

fn on_home(act: Act, model: &Model, world: &World) -> Option<Label> {
    match act {
        Act::Start => model.book(world).map(|_| "start".into()),
        Act::Preview => {
            (model.screen() == Screen::Home).then(|| model.book(world).map(|_| "preview".into()))?
        }
        Act::History => {
            let there =
                model.screen() == Screen::Preview && model.preview.tab == PreviewTab::History;
            (!there).then(|| model.book(world).map(|_| "history".into()))?
        }
        Act::Diff => {
            let there =
                model.screen() == Screen::Preview && model.preview.tab == PreviewTab::History;
            there.then(|| "difference".into())
        }
        Act::Filter => {
            (model.screen() == Screen::Home && !model.home.typing).then(|| "filter".into())
        }
        Act::Exercise => (model.screen() == Screen::Home && !world.scenarios.is_empty())
            .then(|| act.label().into()),
        Act::Fetch => world
            .library
            .as_ref()
            .filter(|library| library.fetched.is_some())
            .map(|_| "fetch".into()),
        _ => None,
    }
}

fn on_walk(act: Act, model: &Model, world: &World) -> Option<Label> {
    let open = world.open.as_ref()?;
    let closed = open.state.closed.is_some();
    match act {
        Act::Timeline | Act::Leave | Act::Find | Act::Export | Act::Zoom => {
            return Some(act.label().into());
        }
        Act::FindNext | Act::FindPrevious => {
            return (!model.walk.query.value().is_empty()).then(|| act.label().into());
        }
        Act::Clocks => return clocks(open),
        Act::Followups => return Some(act.label().into()),
        Act::Logs => {
            let keys = step::run(model, open).is_some_and(|run| !run.book.logs.is_empty());
            let mut events = open.events.iter();
            let collected = events.any(|event| !event.fact.evidence().is_empty());
            return (keys || collected).then(|| "logs".into());
        }
        Act::NextRun => {
            return (open.state.runs.len() > 1).then(|| "next run".into());
        }
        _ => {}
    }
    if open.read_only.is_some() {
        return None;
    }
    match act {
        Act::Note | Act::Attach => Some(act.label().into()),
        Act::Review => open
            .state
            .owed_reviews()
            .any(|over| over.by != world.me.principal)
            .then(|| "review the override".into()),
        Act::Expunge => {
            (world.me.signed && !step::artifacts(open).is_empty()).then(|| act.label().into())
        }
        Act::Reopen => (closed && world.me.signed).then(|| "reopen".into()),
        _ if closed => None,
        Act::Milestone | Act::Severity | Act::Role | Act::Update => Some(act.label().into()),
        Act::Close => (world.me.signed
            && open.state.open_runs().next().is_none()
            && open.state.owed_reviews().next().is_none())
        .then(|| "close the record".into()),
        Act::Adopt => adopt(world, open),
        Act::Undo => undo(model, open),
        _ => on_step(act, &step::shown(model, world)?, world),
    }
}

/// Another policy is proposed, or the own library has another commit.
fn adopt(world: &World, open: &Open) -> Option<Label> {
    let incident = open.state.incident.as_ref().filter(|_| world.me.signed)?;
    if open.state.proposal.is_some() {
        return Some("agree to the new policy".into());
    }
    let library = world.library.as_ref()?;
    let holds = incident.policy_pin.commit.starts_with(&library.commit);
    (!holds).then(|| "adopt the library's policy".into())
}

/// `roll back restart, then deploy`
fn undo(model: &Model, open: &Open) -> Option<Label> {
    let targets = step::undoable(open, step::run(model, open)?);
    let ids: Vec<&str> = targets
        .iter()
        .map(|target| target.step.id.as_str())
        .collect();
    Some(match ids.as_slice() {
        [] => return None,
        [one] => format!("roll back {one}").into(),
        [a, b] => format!("roll back {a}, then {b}").into(),
        [a, b, rest @ ..] => format!("roll back {a}, {b}, and {} more", rest.len()).into(),
    })
}

fn on_step(act: Act, target: &Target<'_>, world: &World) -> Option<Label> {
    let status = target.state.status;
    let waits = matches!(status, Status::Todo | Status::Failed);
    match act {
        Act::DryRun => (target.step.exec.dry_run.is_some() && waits).then(|| "dry run".into()),
        Act::RollBack => target.is_undoable().then(|| "roll back".into()),
        Act::Skip => (waits && target.state.status != Status::Running).then(|| "skip".into()),
        Act::Claim => (status == Status::Todo
            && target.state.claimed.as_ref() != Some(&world.me.principal))
        .then(|| "claim".into()),
        Act::CancelRun => (status == Status::Running
            && !target.is_simulated()
            && target.state.by.as_ref() == Some(&world.me.principal))
        .then(|| "stop the command".into()),
        Act::Approval => target
            .facts
            .and_then(StepFacts::pending)
            .map(|_| "approval text".into()),
        Act::Withdraw => target
            .facts
            .and_then(StepFacts::pending)
            .filter(|(pending, _)| pending.asked_by_me)
            .map(|_| "withdraw".into()),
        Act::Override => {
            let shut = matches!(
                target.gate(),
                Gate::Closed { .. }
                    | Gate::Pending(_)
                    | Gate::Denied { .. }
                    | Gate::Void { .. }
                    | Gate::Blocked(_)
            );
            (shut && waits && target.facts.is_some_and(|facts| facts.may_override))
                .then(|| "override".into())
        }
        _ => None,
    }
}

fn on_checkpoint(act: Act, model: &Model, world: &World) -> Option<Label> {
    let view = approval(model, world)?;
    let writable = world
        .open
        .as_ref()
        .is_some_and(|open| open.read_only.is_none());
    let may = view.eligible.is_ok() && writable;
    match act {
        Act::Approve => (may && unread(model, world).is_none()).then(|| act.label().into()),
        Act::Deny => may.then(|| act.label().into()),
        Act::Elsewhere => Some(act.label().into()),
        Act::Withdraw => (view.asked_by_me && writable).then(|| "withdraw".into()),
        Act::Delegate => (may && !view.others.is_empty()).then(|| act.label().into()),
        Act::Evidence => matches!(view.brief.output, Some(Ok(_))).then(|| act.label().into()),
        _ => None,
    }
}

/// The ways out of the checkpoint screen, the likely one first.
#[must_use]
pub fn ways_out(model: &Model, world: &World) -> Vec<Act> {
    if approval(model, world).is_some_and(|view| view.asked_by_me) {
        return vec![Act::Back, Act::Withdraw];
    }
    vec![
        Act::Approve,
        Act::Deny,
        Act::Delegate,
        Act::Elsewhere,
        Act::Back,
    ]
}

/// The way out that is marked.
#[must_use]
pub fn way_out(model: &Model, world: &World) -> Option<Act> {
    ways_out(model, world).get(model.checkpoint.button).copied()
}

/// How many lines of the approval text are still below, while its end was never on the screen: nobody signs what
/// they had no chance to read.
#[must_use]
pub fn unread(model: &Model, world: &World) -> Option<usize> {
    let view = approval(model, world)?;
    if view.eligible.is_err() || model.checkpoint.read {
        return None;
    }
    let extent = model.drawn.text;
    Some(extent.end().saturating_sub(model.checkpoint.scroll.top))
}

/// Why a key does nothing here, where there is more to say than that.
#[must_use]
pub fn why_not(act: Act, model: &Model, world: &World) -> Option<(String, Option<String>)> {
    if !model.layers.is_empty() || applies(act, model, world).is_some() {
        return None;
    }
    match (model.screen(), act) {
        (Screen::Checkpoint, Act::Approve) => {
            let below = unread(model, world)?;
            Some((
                format!("{below} more lines are below: approving takes the end of the text seen"),
                Some("Enter or ↓ reads on".to_owned()),
            ))
        }
        (Screen::Checkpoint, Act::Delegate) => {
            let view = approval(model, world)?;
            let why = match &view.eligible {
                Err(why) => why.clone(),
                Ok(()) => "nobody else could answer it".to_owned(),
            };
            Some((why, None))
        }
        (Screen::Checkpoint, Act::Evidence) => {
            let view = approval(model, world)?;
            let why = match (&view.brief.output, &view.dry_run) {
                (Some(Err(why)), _) => format!("the dry run's output is not here: {why}"),
                (_, Some(_)) => "the dry run's output is still being fetched".to_owned(),
                _ => "nobody has made a dry run of this step".to_owned(),
            };
            Some((why, None))
        }
        (Screen::Timeline | Screen::Followups, _) => timeline::why_not(act, model, world),
        (Screen::Home, Act::Exercise) => Some((
            "the library has no scenario to practise".to_owned(),
            Some("`runsheet exercise start FILE` begins one by a file".to_owned()),
        )),
        (Screen::Exercise, _) => Some((format!("{}: not now", act.label()), None)),
        (Screen::Walk, Act::Close) => Some(not_closed(world)?),
        (Screen::Walk, _) => Some((format!("{}: not now", act.label()), None)),
        _ => None,
    }
}

/// What keeps the record open.
fn not_closed(world: &World) -> Option<(String, Option<String>)> {
    let open = world.open.as_ref()?;
    if let Some(over) = open.state.owed_reviews().next() {
        let hint = if over.by == world.me.principal {
            "somebody else has to review it; then it can be closed"
        } else {
            "review it first: it is among what waits for you, or in the list of `more`"
        };
        let what = format!(
            "not closed: the override of {} is not reviewed",
            over.step.step
        );
        return Some((what, Some(hint.to_owned())));
    }
    let why = if let Some(run) = open.state.open_runs().next() {
        format!("not closed: {} is still being walked", run.book.id)
    } else if !world.me.signed {
        "not closed: that takes a known key".to_owned()
    } else {
        "it is closed".to_owned()
    };
    Some((why, None))
}

/// What is asked on the checkpoint screen, once it is there.
#[must_use]
pub fn approval<'w>(model: &Model, world: &'w World) -> Option<&'w super::world::ApprovalView> {
    let view = world.open.as_ref()?.approval.as_deref()?;
    (model.checkpoint.step.as_ref() == Some(&view.step)).then_some(view)
}

/// Where the policy names any.
fn clocks(open: &super::world::Open) -> Option<Label> {
    let clocks = &open.clocks;
    let any = !clocks.regimes.is_empty() || !clocks.problems.is_empty();
    any.then(|| Act::Clocks.label().into())
}

/// The commands of the footer, best first, each with its key and label.
#[must_use]
pub fn footer(model: &Model, world: &World) -> Vec<(String, Label)> {
    let place = model.place();
    let mut shown: Vec<(String, Label)> = Vec::new();
    let mut acts = vec![Act::Enter];
    if place.is_layer() {
        acts.push(Act::Back);
        acts.push(Act::NextPane);
    }
    for act in model.keymap.acts_of(place) {
        acts.push(act);
        if place == Place::Walk && act == Act::Timeline {
            acts.push(Act::Right);
        }
    }
    if matches!(
        place,
        Place::Filter
            | Place::Find
            | Place::Query
            | Place::Checkpoint
            | Place::Timeline
            | Place::Pick
            | Place::Followups
            | Place::Exercise
            | Place::Preview
    ) {
        acts.push(Act::Back);
    }
    for act in acts {
        if let Some(label) = applies(act, model, world)
            && let Some(key) = model.keymap.key_of(place, act)
            && !shown.iter().any(|(_, known)| *known == label)
        {
            shown.push((key, label));
        }
    }
    shown
}

/// Columns kept for what Enter does on the walk, so that moving the cursor shifts nothing beside it.
#[must_use]
pub fn enter_room(model: &Model, world: &World) -> usize {
    if model.place() != Place::Walk {
        return 0;
    }
    step::shown(model, world).map_or(0, |target| {
        super::text::width(&target.primary(world).1).min(32)
    })
}

/// Every command that applies on the screen below all layers, in the order of the table: its own first.
#[must_use]
pub fn commands(model: &Model, world: &World) -> Vec<(Act, Label)> {
    let own = match model.screen_place() {
        Place::Filter => Place::Home,
        Place::Find => Place::Walk,
        Place::Query => Place::Logs,
        place => place,
    };
    let mut acts: Vec<(Act, Label)> = Vec::new();
    let all = model.keymap.acts_of(own).into_iter();
    for act in all.chain(model.keymap.acts_of(Place::Any)) {
        if act.moves() || acts.iter().any(|(known, _)| *known == act) {
            continue;
        }
        if let Some(label) = on_screen(act, model, world) {
            acts.push((act, label));
        }
    }
    // In a demo the other chair is what a newcomer looks for.
    if let Some(at) = acts.iter().position(|(act, _)| *act == Act::SitDown) {
        acts[..=at].rotate_right(1);
    }
    acts
}

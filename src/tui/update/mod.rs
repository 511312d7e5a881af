//! From an input to the next model and what is wished for. Pure but for the model it moves: the same input on the same
//! values gives the same wishes.

mod ask;
mod checkpoint;
mod curate;
mod exercise;
mod followups;
mod gate;
mod home;
mod layers;
mod line;
pub(in crate::tui) mod logs;
mod said;
mod submit;
mod timeline;
mod walk;

use crossterm::event::{KeyEvent, KeyEventKind};

pub use walk::{StepRow, next_milestone, row_target, step_rows};

use super::act::{Act, Place};
use super::extent::Drawn;
use super::keymap::Press;
use super::layer::{Layer, Menu, MenuItem, Reader, Reading};
use super::model::{Model, Screen, Wanted};
use super::wish::{Input, Wish};
use super::world::{OpenRow, Waits, World};
use super::{applies, picker};
use crate::engine::IncidentId;

/// Takes one input in.
pub fn update(model: &mut Model, world: &World, input: Input) -> Vec<Wish> {
    let mut wishes = Vec::new();
    let drawn = matches!(input, Input::Drawn(_));
    match input {
        Input::Key(key) if key.kind != KeyEventKind::Release => {
            pressed(model, world, key, &mut wishes);
        }
        Input::Key(_) | Input::Tick | Input::WorldChanged => {}
        Input::Paste(text) => pasted(model, &text),
        Input::Resize(columns, rows) => model.size = (columns, rows),
        Input::Drawn(drawn) => was_drawn(model, world, drawn, &mut wishes),
    }
    follow(model, world, drawn, &mut wishes);
    wishes
}

/// Keeps up with the world: lists that grew, steps that moved on, things that arrived. Right after a frame nothing did, and
/// long work waits until keys were looked for.
fn follow(model: &mut Model, world: &World, drawn: bool, wishes: &mut Vec<Wish>) {
    model
        .home
        .picker
        .follow(model.home.query.value(), &world.entries);
    home::follow(model, world);
    arrive(model, world, wishes);
    logs::follow(model, world, wishes);
    if let Some(open) = &world.open {
        let works = model.screen() == Screen::Timeline && !drawn;
        if works && model.timeline.index.follow(open) {
            wishes.push(Wish::Again);
        }
        walk::follow(model, open);
        timeline::follow(model, open, &world.me.principal);
        if model.screen() == Screen::Followups {
            followups::follow(model, open);
        }
        exercise::follow(model, open, wishes);
    } else {
        let recorded = world.log.as_ref().is_some_and(|log| log.recorded);
        model.screens.retain(|screen| match screen {
            Screen::Walk
            | Screen::Checkpoint
            | Screen::Timeline
            | Screen::Followups
            | Screen::Exercise => false,
            Screen::Logs => !recorded,
            Screen::Home | Screen::Preview => true,
        });
    }
    if model.screen() == Screen::Checkpoint {
        checkpoint::follow(model, world);
    }
}

/// Opens what was waited for.
fn arrive(model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    match model.wanted.clone() {
        Some(Wanted::Incident(id, what)) => {
            let there = world.open.as_ref().is_some_and(|open| open.id == id);
            if !there {
                return;
            }
            model.wanted = None;
            model.screens.truncate(1);
            model.walk = super::model::WalkView::default();
            model.screens.push(Screen::Walk);
            match what {
                None => {}
                Some(Waits::Approval(step, _)) => walk::look(model, step, wishes),
                Some(Waits::Review(event, _)) => gate::review(model, world, event, wishes),
                Some(Waits::Policy(_)) => gate::adopt(model, world, wishes),
                Some(Waits::Expunge(evidence)) => gate::expunge(model, world, evidence, wishes),
                Some(Waits::Ready(step, _) | Waits::Step(step)) => {
                    walk::show_step(model, world, &step);
                }
            }
        }
        Some(Wanted::StartForm(id)) => {
            if let Some(preview) = world.preview_of(&id)
                && let Some(book) = &preview.book
            {
                model.wanted = None;
                let form = ask::start(book, world);
                push_form(model, form, wishes);
            } else if let Some(preview) = world.preview_of(&id)
                && !preview.problems.is_empty()
            {
                model.wanted = None;
                model.say(
                    format!("{} cannot be walked: {}", id, preview.problems[0]),
                    Some("Tab shows all its problems".to_owned()),
                );
            }
        }
        Some(Wanted::Scenario(id)) => scenario(model, world, &id, wishes),
        Some(Wanted::Log) if world.log.is_some() => {
            model.wanted = None;
            logs::show(model);
        }
        Some(Wanted::Suggested(before)) => {
            let fresh = world.suggested.as_ref();
            if let Some(suggested) = fresh.filter(|suggested| suggested.number > before) {
                model.wanted = None;
                let choose = ask::suggested(&suggested.entries, model, world);
                push_choose(model, choose, wishes);
            }
        }
        Some(Wanted::Log) | None => {}
    }
}

/// Shows what everybody may know of a scenario, once it is read.
fn scenario(model: &mut Model, world: &World, id: &str, wishes: &mut Vec<Wish>) {
    let Some((_, read)) = world.scenario.as_ref().filter(|(read, _)| read == id) else {
        return;
    };
    model.wanted = None;
    match read {
        Ok(scenario) => push_choose(model, ask::begin(id, scenario), wishes),
        Err(why) => model.say(format!("{id} cannot be played: {why}"), None),
    }
}

/// Asks what is suggested for the timeline.
fn suggest(model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let before = world.suggested.as_ref();
    let before = before.map_or(0, |suggested| suggested.number);
    model.wanted = Some(Wanted::Suggested(before));
    wishes.push(Wish::Suggest);
}

/// To an incident, and to what of it waits.
fn go(
    model: &mut Model,
    world: &World,
    id: IncidentId,
    what: Option<Waits>,
    wishes: &mut Vec<Wish>,
) {
    if world.open.as_ref().is_none_or(|open| open.id != id) {
        wishes.push(Wish::OpenIncident(id.clone()));
    }
    model.wanted = Some(Wanted::Incident(id, what));
}

fn was_drawn(model: &mut Model, world: &World, drawn: Drawn, wishes: &mut Vec<Wish>) {
    if model.drawn != drawn {
        wishes.push(Wish::Again);
    }
    model.drawn = drawn;
    if model.screen() == Screen::Checkpoint
        && model.layers.is_empty()
        && drawn.text.rows > 0
        && model.checkpoint.scroll.top >= drawn.text.end()
    {
        let read = applies::approval(model, world)
            .is_some_and(|view| model.checkpoint.request == Some(view.request));
        if read && !model.checkpoint.read {
            // What Enter does now is another thing, and the footer has to say so.
            model.checkpoint.read = true;
            wishes.push(Wish::Again);
        }
    }
    if !drawn.question {
        return;
    }
    match model.layers.last_mut() {
        Some(Layer::Form(form)) => form.drawn = true,
        Some(Layer::Choose(choose)) => choose.drawn = true,
        _ => {}
    }
}

fn pressed(model: &mut Model, world: &World, key: KeyEvent, wishes: &mut Vec<Wish>) {
    if model.is_guarded() {
        return;
    }
    let place = model.place();
    let press = Press::of(key);
    let act = model.keymap.act(place, press).filter(|act| {
        let along = matches!(act, Act::Left | Act::Right | Act::Top | Act::Bottom);
        !(along && is_in_line(model))
    });
    let Some(act) = act else {
        model.remark = None;
        typed(model, world, key);
        return;
    };
    if act == Act::Dismiss || (act == Act::Back && dismiss(model, world)) {
        dismiss(model, world);
        return;
    }
    model.remark = None;
    let moves = act.moves() && act != Act::Enter;
    // Mere news has been seen once something else is done; what went wrong stays until it is put away.
    if !moves && model.notice(world).is_some_and(|notice| !notice.bad) {
        dismiss(model, world);
    }
    if moves || applies(act, model, world).is_some() {
        perform(act, model, world, wishes);
    } else {
        if let Some((why, hint)) = applies::why_not(act, model, world) {
            model.say(why, hint);
        }
        wishes.push(Wish::Bell);
    }
}

/// Puts the message away. True when it was one that has to be put away before anything else.
fn dismiss(model: &mut Model, world: &World) -> bool {
    if model.remark.take().is_some() {
        return false;
    }
    let Some(notice) = model.notice(world) else {
        return false;
    };
    let (id, bad) = (notice.id, notice.bad);
    model.dismissed = id;
    bad
}

/// Does what a command says; it is known to apply.
fn perform(act: Act, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    match act {
        Act::Quit => wishes.push(Wish::Quit),
        Act::Redraw => wishes.push(Wish::Redraw),
        Act::Suspend => wishes.push(Wish::Suspend),
        Act::Help => model.layers.push(Layer::Reader(Reader {
            what: Reading::Help,
            scroll: super::extent::Scroll::default(),
        })),
        _ if !model.layers.is_empty() => layers::perform(act, model, world, wishes),
        Act::Menu => open_menu(model, world, false),
        Act::Palette => open_menu(model, world, true),
        Act::Inbox => inbox(model, world, wishes),
        Act::LocalTime => model.local = !model.local,
        Act::Ascii => model.ascii = !model.ascii,
        Act::Theme => model.layers.push(Layer::Choose(ask::theme(model))),
        Act::Sync => wishes.push(Wish::Sync),
        Act::SitDown => wishes.extend(world.chair.as_ref().map(|chair| Wish::SitDown(chair.index))),
        Act::CancelTask if model.screen() != Screen::Logs => {
            wishes.extend(world.tasks.last().map(|task| Wish::CancelTask(task.id)));
        }
        Act::Clocks => model.layers.push(Layer::Reader(Reader {
            what: Reading::Clocks,
            scroll: super::extent::Scroll::default(),
        })),
        _ if act.is_of_exercise() => exercise::show(act, model, world),
        Act::Note | Act::Milestone | Act::Export | Act::Backdate => {
            walk::shared(act, model, world, wishes);
        }
        _ => match model.screen() {
            Screen::Home | Screen::Preview => home::perform(act, model, world, wishes),
            Screen::Walk => walk::perform(act, model, world, wishes),
            Screen::Checkpoint => checkpoint::perform(act, model, world, wishes),
            Screen::Timeline => timeline::perform(act, model, world, wishes),
            Screen::Followups => followups::perform(act, model, world, wishes),
            Screen::Exercise => exercise::perform(act, model, world, wishes),
            Screen::Logs => logs::perform(act, model, world, wishes),
        },
    }
}

/// To the one thing that waits, or to the choice of several.
fn inbox(model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let rows = world.inbox();
    if let [row] = rows.as_slice() {
        let (id, what) = OpenRow::name(row);
        return go(model, world, id, what, wishes);
    }
    let choose = ask::inbox(&rows, model, world);
    push_choose(model, choose, wishes);
}

/// Everything that can be done on the screen, as a list.
fn open_menu(model: &mut Model, world: &World, typed: bool) {
    let commands = applies::commands(model, world);
    push_menu(model, model.screen_place(), commands, typed);
}

/// What can be done with what is read.
fn open_reader_menu(model: &mut Model, world: &World) {
    let acts = model.keymap.acts_of(Place::Reader).into_iter();
    let commands = acts
        .filter(|act| !act.moves())
        .filter_map(|act| Some((act, applies(act, model, world)?)))
        .chain([(Act::Back, "back".into())])
        .collect();
    push_menu(model, Place::Reader, commands, false);
}

fn push_menu(model: &mut Model, place: Place, commands: Vec<(Act, applies::Label)>, typed: bool) {
    let items: Vec<MenuItem> = commands
        .into_iter()
        .map(|(act, label)| MenuItem {
            act,
            label: label.into_owned(),
            key: model.keymap.key_of(place, act).unwrap_or_default(),
        })
        .collect();
    let found = (0..items.len()).collect();
    model.layers.push(Layer::Menu(Menu {
        title: if typed {
            "Commands"
        } else {
            "What can be done here"
        }
        .to_owned(),
        items,
        cursor: super::extent::Cursor::default(),
        query: typed.then(tui_input::Input::default),
        found,
    }));
}

/// A letter where text is typed, or one that means nothing.
fn typed(model: &mut Model, world: &World, key: KeyEvent) {
    let screen = model.screen();
    match model.layers.last_mut() {
        Some(Layer::Menu(menu)) => {
            if let Some(query) = &mut menu.query {
                line::edit(query, key);
                menu.narrow();
            }
        }
        Some(Layer::Form(form)) => form.typed(key),
        Some(_) => {}
        None if model.home.typing && screen == Screen::Home => {
            line::edit(&mut model.home.query, key);
            home::filtered(model, world);
        }
        None if model.walk.typing && screen == Screen::Walk => {
            line::edit(&mut model.walk.query, key);
        }
        None if model.logs.typing.is_some() && screen == Screen::Logs => {
            line::edit(&mut model.logs.line, key);
        }
        None => {}
    }
}

/// Whether keys that go along a line go along what is typed.
fn is_in_line(model: &Model) -> bool {
    match model.layers.last() {
        Some(Layer::Menu(menu)) => menu.query.is_some(),
        Some(Layer::Form(form)) => form.is_in_line(),
        Some(_) => false,
        None => model.screen_place().is_typed(),
    }
}

fn pasted(model: &mut Model, text: &str) {
    if model.is_guarded() {
        return;
    }
    let line: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(4096)
        .collect();
    let place = model.screen_place();
    match model.layers.last_mut() {
        Some(Layer::Form(form)) => form.pasted(&line),
        Some(Layer::Menu(menu)) => {
            if let Some(query) = &mut menu.query {
                line::insert(query, &line);
                menu.narrow();
            }
        }
        Some(_) => {}
        None if place == Place::Filter => {
            line::insert(&mut model.home.query, &line);
        }
        None if place == Place::Find => {
            line::insert(&mut model.walk.query, &line);
        }
        None if place == Place::Query => {
            line::insert(&mut model.logs.line, &line);
        }
        None => {}
    }
}

impl Menu {
    /// Keeps the commands that fit what was typed, best first.
    fn narrow(&mut self) {
        let entries: Vec<super::world::Entry> = self
            .items
            .iter()
            .map(|item| super::world::Entry {
                id: item.act.word().to_owned(),
                title: item.label.clone(),
                owner: item.act.about().to_owned(),
                ..super::world::Entry::default()
            })
            .collect();
        let query = self.query.as_ref().map_or("", |query| query.value());
        self.found = picker::rank(query, &entries);
        self.cursor = super::extent::Cursor::default();
    }
}

fn push_form(model: &mut Model, form: super::layer::Form, wishes: &mut Vec<Wish>) {
    if form.guarded {
        wishes.push(Wish::FlushInput);
    }
    model.layers.push(Layer::Form(form));
}

fn push_choose(model: &mut Model, choose: super::layer::Choose, wishes: &mut Vec<Wish>) {
    if choose.guarded {
        wishes.push(Wish::FlushInput);
    }
    model.layers.push(Layer::Choose(choose));
}

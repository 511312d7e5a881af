//! Keys of what lies on top of a screen.

use crossterm::event::{KeyCode, KeyEvent};

use super::super::act::Act;
use super::super::extent::Extent;
use super::super::layer::{Choose, Field, FieldKind, Form, Layer, Menu, Reading, Then};
use super::super::model::{Model, Wanted};
use super::super::theme::Theme;
use super::super::wish::Wish;
use super::super::world::World;
use super::{line, submit};

/// What a layer wants after a key.
enum Next {
    Stay,
    Leave,
    Answer(Box<Then>),
    Submit,
}

/// One key.
pub(super) fn perform(act: Act, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let extent = model.drawn.layer;
    let next = match model.layers.last_mut() {
        None => return,
        Some(Layer::Menu(menu)) => menu.perform(act, extent),
        Some(Layer::Choose(choose)) => choose.perform(act, extent),
        Some(Layer::Form(form)) => form.perform(act, extent),
        Some(Layer::Reader(reader)) => {
            let event = matches!(reader.what, Reading::Event(_));
            if event && !act.moves() {
                return super::curate::perform(act, model, world, wishes);
            }
            if event && matches!(act, Act::Enter | Act::Right) {
                return super::open_reader_menu(model, world);
            }
            scroll(act, &mut reader.scroll, extent)
        }
    };
    match next {
        Next::Stay => {}
        Next::Leave => {
            model.layers.pop();
        }
        Next::Answer(then) => {
            model.layers.pop();
            answer(*then, model, world, wishes);
        }
        Next::Submit => submit_top(model, world, wishes),
    }
}

fn scroll(act: Act, scroll: &mut super::super::extent::Scroll, extent: Extent) -> Next {
    let page = extent.page.max(2) as isize - 1;
    match act {
        Act::Up => scroll.by(-1, extent),
        Act::Down => scroll.by(1, extent),
        Act::PageUp => scroll.by(-page, extent),
        Act::PageDown => scroll.by(page, extent),
        Act::Top => scroll.top = 0,
        Act::Bottom => scroll.top = extent.end(),
        Act::Back | Act::Left | Act::Enter => return Next::Leave,
        _ => {}
    }
    Next::Stay
}

fn answer(then: Then, model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    match then {
        Then::Nothing => {}
        Then::Wish(wish) => wishes.push(*wish),
        Then::Form(form) => super::push_form(model, *form, wishes),
        Then::Review(event) => super::gate::review(model, world, event, wishes),
        Then::Choose(choose) => super::push_choose(model, *choose, wishes),
        Then::Look(step) => super::walk::look(model, step, wishes),
        Then::RollBack(step) => super::gate::roll_back(&step, model, world, wishes),
        Then::Go(id, what) => super::go(model, world, id, Some(what), wishes),
        Then::Accept(intent) => {
            wishes.push(Wish::Act(*intent));
            super::suggest(model, world, wishes);
        }
        Then::OpenLog(log) => {
            model.wanted = Some(Wanted::Log);
            wishes.push(Wish::OpenLog(log));
        }
        Then::Scenario(id) => {
            model.wanted = Some(Wanted::Scenario(id.clone()));
            wishes.push(Wish::ReadScenario(id));
        }
        Then::Theme(name) => {
            if let Some(theme) = Theme::shipped(&name) {
                model.theme = theme;
                wishes.push(Wish::SetTheme(name));
            }
        }
        Then::Pick(picking) => super::curate::pick(model, picking),
        Then::Entry(entry) => super::timeline::show_entry(model, world, &entry),
        Then::Do(act) => {
            if super::applies(act, model, world).is_some() {
                super::perform(act, model, world, wishes);
            } else if let Some((why, hint)) = super::applies::why_not(act, model, world) {
                model.say(why, hint);
            }
        }
    }
}

fn submit_top(model: &mut Model, world: &World, wishes: &mut Vec<Wish>) {
    let Some(Layer::Form(form)) = model.layers.last() else {
        return;
    };
    if let Some((at, why)) = form.fault() {
        let label = form.fields[at].label.clone();
        refuse(model, at, format!("{label}: {why}"));
        return;
    }
    let form = form.clone();
    match submit::submit(&form, model, world) {
        Ok(more) => {
            wishes.extend(more);
            model.layers.pop();
        }
        Err((at, why)) => refuse(model, at, why),
    }
}

fn refuse(model: &mut Model, at: usize, why: String) {
    if let Some(Layer::Form(form)) = model.layers.last_mut() {
        form.focus = at;
        form.error = Some(why);
    }
}

impl Menu {
    fn perform(&mut self, act: Act, extent: Extent) -> Next {
        let count = self.found.len();
        let page = extent.page.max(2) as isize - 1;
        match act {
            Act::Up | Act::PrevPane => self.cursor.round(-1, count),
            Act::Down | Act::NextPane => self.cursor.round(1, count),
            Act::PageUp => self.cursor.by(-page, count),
            Act::PageDown => self.cursor.by(page, count),
            Act::Top => self.cursor.at = 0,
            Act::Bottom => self.cursor.at = count.saturating_sub(1),
            Act::Back => return Next::Leave,
            Act::Left if self.query.is_none() => return Next::Leave,
            Act::Enter => {
                let item = self
                    .found
                    .get(self.cursor.at)
                    .and_then(|at| self.items.get(*at));
                return item.map_or(Next::Stay, |item| {
                    Next::Answer(Box::new(Then::Do(item.act)))
                });
            }
            _ => {}
        }
        self.cursor.show(self.cursor.at, extent.page);
        Next::Stay
    }
}

impl Choose {
    fn perform(&mut self, act: Act, extent: Extent) -> Next {
        let page = extent.page.max(2) as isize - 1;
        match act {
            Act::Up | Act::Left | Act::PrevPane => self.cursor.round(-1, self.options.len()),
            Act::Down | Act::Right | Act::NextPane => self.cursor.round(1, self.options.len()),
            Act::PageUp => self.scroll.by(-page, extent),
            Act::PageDown => self.scroll.by(page, extent),
            Act::Back => return Next::Leave,
            Act::Enter => {
                return self
                    .options
                    .get(self.cursor.at)
                    .map_or(Next::Leave, |choice| {
                        Next::Answer(Box::new(choice.then.clone()))
                    });
            }
            _ => {}
        }
        Next::Stay
    }
}

impl Form {
    fn perform(&mut self, act: Act, extent: Extent) -> Next {
        let stops = self.stops();
        let page = extent.page.max(2) as isize - 1;
        self.error = None;
        match act {
            Act::Up | Act::PrevPane => self.focus = (self.focus + stops - 1) % stops,
            Act::Down | Act::NextPane => self.focus = (self.focus + 1) % stops,
            Act::PageUp => self.scroll.by(-page, extent),
            Act::PageDown => self.scroll.by(page, extent),
            Act::Left | Act::Right => self.turn(act == Act::Right),
            Act::Back => return Next::Leave,
            Act::Enter => return self.enter(),
            Act::Submit => return Next::Submit,
            _ => {}
        }
        Next::Stay
    }

    fn enter(&mut self) -> Next {
        let fields = self.fields.len();
        let last = self.focus + 1 == fields;
        match self.fields.get_mut(self.focus) {
            Some(Field {
                kind: FieldKind::Tick(set),
                ..
            }) => {
                *set = !*set;
                if *set {
                    self.focus += 1;
                }
                Next::Stay
            }
            Some(_) if last => Next::Submit,
            Some(_) => {
                self.focus += 1;
                Next::Stay
            }
            None if self.focus == fields => Next::Submit,
            None => Next::Leave,
        }
    }

    /// The choice to one side, or the other of the two ways out.
    fn turn(&mut self, right: bool) {
        let fields = self.fields.len();
        match self.fields.get_mut(self.focus) {
            Some(Field {
                kind: FieldKind::Choice(choices, at),
                ..
            }) if !choices.is_empty() => {
                let step = if right { 1 } else { choices.len() - 1 };
                *at = (*at + step) % choices.len();
            }
            Some(_) => {}
            None => self.focus = if right { fields + 1 } else { fields },
        }
    }

    /// A key that is no command: typed into the field.
    pub(super) fn typed(&mut self, key: KeyEvent) {
        self.error = None;
        let Some(field) = self.fields.get_mut(self.focus) else {
            return;
        };
        match (&mut field.kind, key.code) {
            (FieldKind::Tick(set), KeyCode::Char(' ')) => *set = !*set,
            (FieldKind::Choice(choices, at), KeyCode::Char(letter)) => {
                *at = next_with(choices, *at, letter);
            }
            (FieldKind::Tick(_) | FieldKind::Choice(..), _) => {}
            _ => {
                line::edit(&mut field.line, key);
            }
        }
    }

    /// Pasted text; refused where the point is that somebody types.
    pub(super) fn pasted(&mut self, text: &str) {
        match self.fields.get_mut(self.focus) {
            Some(field) if matches!(field.kind, FieldKind::Typed(_)) => {
                self.error = Some("pasting is refused here: type it, please".to_owned());
            }
            Some(field) if matches!(field.kind, FieldKind::Text | FieldKind::Secret) => {
                line::insert(&mut field.line, text);
            }
            _ => {}
        }
    }

    /// Whether arrows move in a line of text.
    pub(super) fn is_in_line(&self) -> bool {
        self.fields.get(self.focus).is_some_and(|field| {
            matches!(
                field.kind,
                FieldKind::Text | FieldKind::Secret | FieldKind::Typed(_)
            )
        })
    }
}

fn next_with(choices: &[String], at: usize, letter: char) -> usize {
    let count = choices.len();
    (1..=count)
        .map(|step| (at + step) % count.max(1))
        .find(|next| {
            choices[*next]
                .chars()
                .next()
                .is_some_and(|first| first.eq_ignore_ascii_case(&letter))
        })
        .unwrap_or(at)
}

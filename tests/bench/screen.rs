//! How long a key takes to be on the screen: in the picker with 5,000 runbooks, and anywhere with 100,000 events.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    clippy::unwrap_used
)]

#[path = "../screen/fixture.rs"]
#[allow(dead_code, unused_imports)]
mod fixture;

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};
use divan::Bencher;
use fixture::{World, entries, many_events, pending, walking, world};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use runsheet::engine::Event;
use runsheet::engine::details::{Details, Edit, FollowupKind, Relation, Tlp};
use runsheet::engine::fact::{EntryCorrected, EntryDescribed, EntryLinked, FollowupOpened};
use runsheet::engine::sentence::Class;
use runsheet::tui::layer::Layer;
use runsheet::tui::model::Wanted;
use runsheet::tui::{self, Drawn, Input, Keymap, Model, Theme, Wish};

fn main() {
    divan::main();
}

struct Screen {
    model: Model,
    world: World,
    terminal: Terminal<TestBackend>,
}

impl Screen {
    fn new(world: World) -> Self {
        let theme = Theme::shipped("dark").unwrap_or_else(Theme::plain);
        let mut screen = Self {
            model: Model::new(theme, Keymap::default()),
            world,
            terminal: Terminal::new(TestBackend::new(120, 40)).expect("a terminal in memory"),
        };
        if let Some(open) = &screen.world.open {
            screen.model.wanted = Some(Wanted::Incident(open.id.clone(), None));
        }
        screen.input(Input::WorldChanged);
        screen
    }

    /// Takes an input in and draws. True when there is more to work through.
    fn input(&mut self, input: Input) -> bool {
        let wishes = tui::update(&mut self.model, &self.world, input);
        let mut drawn = Drawn::default();
        self.terminal
            .draw(|frame| drawn = tui::view(&self.model, &self.world, frame))
            .expect("a frame");
        tui::update(&mut self.model, &self.world, Input::Drawn(drawn));
        wishes.contains(&Wish::Again)
    }

    /// Goes on until all is there.
    fn settle(&mut self) {
        while self.input(Input::Tick) {}
    }

    fn key(&mut self, code: KeyCode) -> bool {
        self.input(Input::Key(KeyEvent::from(code)))
    }

    fn types(&mut self, text: &str) {
        for letter in text.chars() {
            self.key(KeyCode::Char(letter));
        }
    }
}

fn library() -> Screen {
    let mut screen = Screen::new(World {
        entries: Arc::new(entries(5_000)),
        ..world()
    });
    screen.key(KeyCode::Char('/'));
    screen
}

fn long_night() -> Screen {
    let mut world = walking(pending(false));
    if let Some(open) = &mut world.open {
        open.events = Arc::new(many_events(100_000));
    }
    Screen::new(world)
}

/// A long night whose account was put in order: each tenth entry says something of an earlier one.
fn account() -> Arc<Vec<Arc<Event>>> {
    let mut events = many_events(100_000);
    for at in (10..events.len()).step_by(10) {
        let (entry, other) = (events[at - 3].id, events[at - 7].id);
        let mut event = Event::clone(&events[at]);
        event.fact = match at / 10 % 4 {
            0 => EntryCorrected {
                corrects: entry,
                text: "as it was".to_owned(),
                reason: "a slip".to_owned(),
            }
            .into(),
            1 => EntryLinked {
                entry,
                other,
                relation: Relation::Cause,
                removed: false,
            }
            .into(),
            2 => FollowupOpened {
                text: "look again".to_owned(),
                kind: FollowupKind::Fix,
                owner: None,
                due: None,
                about: Some(entry),
            }
            .into(),
            _ => EntryDescribed {
                entry,
                details: Details {
                    class: Some(Class::Impact),
                    tlp: Some(Tlp::Clear),
                    tags: Edit {
                        add: vec!["vip".to_owned()],
                        remove: Vec::new(),
                    },
                    ..Details::default()
                },
            }
            .into(),
        };
        events[at] = Arc::new(event);
    }
    Arc::new(events)
}

/// The timeline of it.
fn curated() -> Screen {
    let mut world = walking(pending(false));
    if let Some(open) = &mut world.open {
        open.events = account();
    }
    let mut screen = Screen::new(world);
    screen.key(KeyCode::Char('t'));
    screen.settle();
    screen
}

/// The form of the filter, filled in so far that Enter sends it.
fn filter(choose: &str) -> Screen {
    let mut screen = curated();
    screen.key(KeyCode::Char('f'));
    match choose {
        "class" => screen.types("n"),
        "customers" => {
            screen.key(KeyCode::Down);
            screen.key(KeyCode::Down);
            screen.types("c");
        }
        person => {
            for _ in 0..3 {
                screen.key(KeyCode::Down);
            }
            screen.types(person);
            screen.key(KeyCode::Up);
        }
    }
    while screen.model.layers.last().is_some_and(
        |layer| matches!(layer, Layer::Form(form) if form.focus + 1 < form.fields.len()),
    ) {
        screen.key(KeyCode::Down);
    }
    screen
}

/// The time is typed, and Enter shows what was known then: three quarters of all.
fn as_of() -> Screen {
    let mut screen = curated();
    screen.key(KeyCode::Char('g'));
    screen.types("2026-11-23T14:35:00Z");
    screen
}

/// Opening it, and until all of it is there.
#[divan::bench]
fn account_opens_with_100_000_events(bencher: Bencher<'_, '_>) {
    let events = account();
    let night = || {
        let mut world = walking(pending(false));
        if let Some(open) = &mut world.open {
            open.events = Arc::clone(&events);
        }
        Screen::new(world)
    };
    bencher.with_inputs(night).bench_local_values(|mut screen| {
        screen.key(KeyCode::Char('t'));
        screen.settle();
        screen
    });
}

/// The key that sends a filter off, to its frame.
#[divan::bench(args = ["class", "alice", "customers"])]
fn account_filter_first_frame(bencher: Bencher<'_, '_>, by: &str) {
    bencher
        .with_inputs(|| filter(by))
        .bench_local_values(|mut screen| {
            screen.key(KeyCode::Enter);
            screen
        });
}

/// The same until all of it is there.
#[divan::bench(args = ["class", "alice", "customers"])]
fn account_filter_to_the_end(bencher: Bencher<'_, '_>, by: &str) {
    bencher
        .with_inputs(|| filter(by))
        .bench_local_values(|mut screen| {
            screen.key(KeyCode::Enter);
            screen.settle();
            screen
        });
}

/// As of: the key to its frame.
#[divan::bench]
fn account_as_of_first_frame(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(as_of).bench_local_values(|mut screen| {
        screen.key(KeyCode::Enter);
        screen
    });
}

/// As of: one piece of the rest.
#[divan::bench]
fn account_as_of_next_frame(bencher: Bencher<'_, '_>) {
    let begun = || {
        let mut screen = as_of();
        screen.key(KeyCode::Enter);
        screen
    };
    bencher.with_inputs(begun).bench_local_values(|mut screen| {
        screen.input(Input::Tick);
        screen
    });
}

/// As of: until all of it is there.
#[divan::bench]
fn account_as_of_to_the_end(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(as_of).bench_local_values(|mut screen| {
        screen.key(KeyCode::Enter);
        screen.settle();
        screen
    });
}

/// The list of its 2,500 follow-ups.
#[divan::bench]
fn account_follow_ups_open(bencher: Bencher<'_, '_>) {
    bencher
        .with_inputs(curated)
        .bench_local_values(|mut screen| {
            screen.key(KeyCode::Char('F'));
            screen
        });
}

/// The first letter: all 5,000 are ranked.
#[divan::bench]
fn picker_first_letter(bencher: Bencher<'_, '_>) {
    bencher
        .with_inputs(library)
        .bench_local_values(|mut screen| {
            screen.key(KeyCode::Char('e'));
            screen
        });
}

/// The sixth: what the fifth left is ranked.
#[divan::bench]
fn picker_sixth_letter(bencher: Bencher<'_, '_>) {
    let typed = || {
        let mut screen = library();
        for letter in "leake".chars() {
            screen.key(KeyCode::Char(letter));
        }
        screen
    };
    bencher.with_inputs(typed).bench_local_values(|mut screen| {
        screen.key(KeyCode::Char('d'));
        screen
    });
}

/// A cursor move on the walk.
#[divan::bench]
fn walk_move_with_100_000_events(bencher: Bencher<'_, '_>) {
    let mut screen = long_night();
    bencher.bench_local(|| screen.key(KeyCode::Down));
}

/// A page up on the timeline.
#[divan::bench]
fn timeline_page_with_100_000_events(bencher: Bencher<'_, '_>) {
    let mut screen = long_night();
    screen.key(KeyCode::Char('t'));
    bencher.bench_local(|| screen.key(KeyCode::PageUp));
}

/// Opening the timeline.
#[divan::bench]
fn timeline_opens_with_100_000_events(bencher: Bencher<'_, '_>) {
    bencher
        .with_inputs(long_night)
        .bench_local_values(|mut screen| {
            screen.key(KeyCode::Char('t'));
            screen
        });
}

/// One piece of a search through the text of all events.
#[divan::bench]
fn timeline_search_piece_with_100_000_events(bencher: Bencher<'_, '_>) {
    let filtering = || {
        let mut screen = long_night();
        screen.key(KeyCode::Char('t'));
        screen.key(KeyCode::Char('f'));
        for _ in 0..3 {
            screen.key(KeyCode::Up);
        }
        for letter in "night".chars() {
            screen.key(KeyCode::Char(letter));
        }
        screen
    };
    bencher
        .with_inputs(filtering)
        .bench_local_values(|mut screen| {
            screen.key(KeyCode::Enter);
            screen
        });
}

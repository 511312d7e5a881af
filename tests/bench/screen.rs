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
use runsheet::tui::model::Wanted;
use runsheet::tui::{self, Drawn, Input, Keymap, Model, Theme};

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

    fn input(&mut self, input: Input) {
        tui::update(&mut self.model, &self.world, input);
        let mut drawn = Drawn::default();
        self.terminal
            .draw(|frame| drawn = tui::view(&self.model, &self.world, frame))
            .expect("a frame");
        tui::update(&mut self.model, &self.world, Input::Drawn(drawn));
    }

    fn key(&mut self, code: KeyCode) {
        self.input(Input::Key(KeyEvent::from(code)));
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

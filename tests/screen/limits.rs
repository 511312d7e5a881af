//! What every screen keeps to: any size, few bytes, nothing foreign unescaped.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use runsheet::tui::{self, Input, Model, World};

use crate::fixture::*;
use crate::play::{Play, parse};

/// Keys that lead everywhere.
const TOURS: [&str; 20] = [
    "",
    "/leak<tab>",
    "jj<enter>",
    "<up><enter>",
    "?<end>",
    "<ctrl-p>x",
    "<right><right>",
    "o",
    "n",
    "m",
    "t<home><right>",
    "tf",
    "<tab>z<right><right>",
    "<enter><enter>",
    "t<home>d<up><up>",
    "t<home>l<enter><down>",
    "tg13:40<enter>",
    "tf<down><down><right><right><ctrl-s>",
    "Fn",
    "F<enter>",
];

fn worlds() -> Vec<World> {
    let mut asked = walking(pending(true));
    asked.open.as_mut().unwrap().approval = Some(Arc::new(approval()));
    let home = World {
        preview: Some(Arc::new(preview())),
        ..world()
    };
    vec![home, walking(pending(false)), asked]
}

#[test]
fn no_size_is_too_odd() {
    let sizes = [
        (1, 1),
        (1, 50),
        (2, 2),
        (200, 1),
        (3, 16),
        (59, 16),
        (60, 15),
        (60, 16),
        (61, 17),
        (80, 24),
        (79, 40),
        (133, 16),
        (200, 50),
        (500, 200),
    ];
    for world in worlds() {
        for tour in TOURS {
            for (columns, rows) in sizes {
                if columns == 500 && !matches!(tour, "" | "n" | "<right><right>") {
                    continue;
                }
                Play::new(world.clone(), columns, rows).keys(tour);
            }
        }
    }
}

#[test]
fn a_thousand_resizes_are_survived() {
    let mut seed = 7_u64;
    let mut next = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u16::try_from((seed >> 33) % most + 1).unwrap()
    };
    let mut play = Play::new(walking(pending(false)), 80, 24);
    play.keys("t<enter>");
    for _ in 0..1000 {
        let columns = next(500).min(next(500)).min(next(500));
        let rows = next(200).min(next(200)).min(next(200));
        let mut small = Terminal::new(ratatui::backend::TestBackend::new(columns, rows)).unwrap();
        tui::update(&mut play.model, &play.world, Input::Resize(columns, rows));
        small
            .draw(|frame| {
                tui::view(&play.model, &play.world, frame);
            })
            .unwrap();
    }
}

#[test]
fn typing_works_on_a_screen_that_is_too_small() {
    let mut play = Play::new(world(), 40, 10);
    play.keys("/leak");
    assert!(play.text().contains("60x16"));
    assert_eq!(play.model.home.query.value(), "leak");
}

#[derive(Clone, Default)]
struct Sent(Rc<RefCell<Vec<u8>>>);

impl Write for Sent {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A terminal that counts what it is sent.
struct Counted {
    model: Model,
    world: World,
    sent: Sent,
    terminal: Terminal<CrosstermBackend<Sent>>,
}

impl Counted {
    fn new(world: World, keys: &str) -> Self {
        let play = {
            let mut play = Play::new(world, 80, 24);
            play.keys(keys);
            play
        };
        let sent = Sent::default();
        let terminal = Terminal::with_options(
            CrosstermBackend::new(sent.clone()),
            TerminalOptions {
                viewport: Viewport::Fixed(Rect::new(0, 0, 80, 24)),
            },
        )
        .unwrap();
        let mut counted = Self {
            model: play.model,
            world: play.world,
            sent,
            terminal,
        };
        counted.draw();
        counted
    }

    /// Bytes of one frame.
    fn draw(&mut self) -> usize {
        self.sent.0.borrow_mut().clear();
        let mut drawn = tui::Drawn::default();
        self.terminal
            .draw(|frame| drawn = tui::view(&self.model, &self.world, frame))
            .unwrap();
        tui::update(&mut self.model, &self.world, Input::Drawn(drawn));
        self.sent.0.borrow().len()
    }

    fn key(&mut self, key: &str) -> usize {
        for key in parse(key) {
            tui::update(&mut self.model, &self.world, Input::Key(key));
        }
        self.draw()
    }
}

#[test]
fn a_cursor_move_on_the_walk_costs_few_bytes() {
    let mut counted = Counted::new(walking(pending(false)), "");
    let mut scrolled = 0;
    for key in "jjjjjjjjjjkkkkkkkkkkkkkkkkkkkkj".chars() {
        let top = counted.model.walk.cursor.top;
        let bytes = counted.key(&key.to_string());
        if counted.model.walk.cursor.top != top {
            scrolled += 1;
            assert!(bytes <= 1000, "{key}: {bytes} bytes for a list that moved");
            continue;
        }
        let sent = String::from_utf8_lossy(&counted.sent.0.borrow()).into_owned();
        assert!(bytes <= 300, "{key}: {bytes} bytes: {sent:?}");
    }
    assert!(scrolled <= 5, "the list moved {scrolled} times");
}

#[test]
fn the_right_pane_stays_on_the_current_step_until_it_is_asked_for() {
    let mut play = Play::new(walking(pending(false)), 80, 24);
    play.keys("jjj");
    assert!(play.text().contains("Revoke the leaked key"));
    play.keys("<right>");
    assert!(!play.text().contains("Revoke the leaked key"));
    play.keys("<left>");
    assert!(play.text().contains("Revoke the leaked key"));
}

#[test]
fn at_rest_only_the_clock_is_sent() {
    for (world, keys) in [
        (world(), ""),
        (walking(pending(false)), ""),
        (walking(pending(false)), "t"),
    ] {
        let mut counted = Counted::new(world, keys);
        counted.world.now += chrono::Duration::seconds(1);
        tui::update(&mut counted.model, &counted.world, Input::Tick);
        let bytes = counted.draw();
        assert!(bytes <= 40, "{bytes} bytes for a second");
        assert_eq!(counted.draw(), counted.draw(), "nothing changed");
    }
}

#[test]
fn nothing_foreign_reaches_the_terminal_unescaped() {
    let evil = "\u{1b}]52;c;eA==\u{7}\u{9b}31m\u{202e}\u{200b}x\r\u{8}";
    let mut world = walking(pending(false));
    world.entries = Arc::new(vec![tui::world::Entry {
        id: evil.to_owned(),
        title: evil.to_owned(),
        owner: evil.to_owned(),
        ..Default::default()
    }]);
    world.me.name = evil.to_owned();
    let mut world = with_run(world, |run| {
        let mut book = (*run.book).clone();
        for step in &mut book.steps {
            step.title = evil.to_owned();
            step.instructions = format!("{evil} `{evil}`\n\n```\n{evil}\n```");
            step.checklist = vec![evil.to_owned()];
        }
        run.book = Arc::new(book);
    });
    let open = world.open.as_mut().unwrap();
    let mut view = approval();
    view.text = format!("a\n{evil}\n  {evil}");
    view.you_sign = evil.to_owned();
    open.approval = Some(Arc::new(view));
    for tour in TOURS.iter().chain(&["a", "q", "q/", "<tab>", "kkk<right>"]) {
        let counted = Counted::new(world.clone(), tour);
        let mut play = Play::new(world.clone(), 80, 24);
        play.keys(tour);
        for bad in ['\u{7}', '\u{8}', '\r', '\u{9b}', '\u{202e}', '\u{200b}'] {
            assert!(!play.text().contains(bad), "{tour}: {bad:?}");
        }
        let sent = counted.sent.0.borrow();
        assert!(!sent.windows(4).any(|bytes| bytes == b"\x1b]52"), "{tour}");
    }
}

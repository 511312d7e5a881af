//! Plays keys against the screen as a terminal would: every key is followed by a drawn frame.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use runsheet::tui::{self, Input, Keymap, Model, Theme, Wish, World};

pub struct Play {
    pub model: Model,
    pub world: World,
    pub wishes: Vec<Wish>,
    terminal: Terminal<TestBackend>,
}

impl Play {
    pub fn new(world: World, columns: u16, rows: u16) -> Self {
        let mut play = Self {
            model: Model::new(Theme::shipped("dark").unwrap(), Keymap::default()),
            world,
            wishes: Vec::new(),
            terminal: Terminal::new(TestBackend::new(columns, rows)).unwrap(),
        };
        play.input(Input::Resize(columns, rows));
        if let Some(open) = &play.world.open {
            play.model.wanted = Some(tui::model::Wanted::Incident(open.id.clone(), None));
            play.input(Input::WorldChanged);
        }
        play.wishes.clear();
        play
    }

    pub fn input(&mut self, input: Input) {
        self.wishes
            .extend(tui::update(&mut self.model, &self.world, input));
        self.draw();
    }

    pub fn draw(&mut self) {
        let mut drawn = tui::Drawn::default();
        self.terminal
            .draw(|frame| drawn = tui::view(&self.model, &self.world, frame))
            .unwrap();
        self.wishes.extend(tui::update(
            &mut self.model,
            &self.world,
            Input::Drawn(drawn),
        ));
    }

    /// `jj<tab>s<enter>`
    pub fn keys(&mut self, keys: &str) -> &mut Self {
        for key in parse(keys) {
            self.input(Input::Key(key));
        }
        self
    }

    /// A frame drawn afresh: what a terminal shows, where a backend for tests would keep the second half of a wide
    /// character that is gone.
    pub fn buffer(&self) -> Buffer {
        let area = self.terminal.backend().buffer().area;
        let mut fresh = Terminal::new(TestBackend::new(area.width, area.height)).unwrap();
        fresh
            .draw(|frame| {
                tui::view(&self.model, &self.world, frame);
            })
            .unwrap();
        fresh.backend().buffer().clone()
    }

    /// The screen as text, then where which style is.
    pub fn shot(&self) -> String {
        format!("{}\n{}", text(&self.buffer()), styles(&self.buffer()))
    }

    pub fn text(&self) -> String {
        text(&self.buffer())
    }
}

pub fn parse(keys: &str) -> Vec<KeyEvent> {
    let mut parsed = Vec::new();
    let mut rest = keys;
    while let Some(letter) = rest.chars().next() {
        if letter == '<'
            && let Some(end) = rest.find('>')
        {
            let press = tui::keymap::Press::parse(&rest[1..end]).expect("a key");
            let mut modifiers = KeyModifiers::NONE;
            modifiers.set(KeyModifiers::CONTROL, press.ctrl);
            modifiers.set(KeyModifiers::SHIFT, press.shift);
            parsed.push(KeyEvent::new(press.code, modifiers));
            rest = &rest[end + 1..];
        } else {
            parsed.push(KeyEvent::from(KeyCode::Char(letter)));
            rest = &rest[letter.len_utf8()..];
        }
    }
    parsed
}

pub fn text(buffer: &Buffer) -> String {
    let area = buffer.area();
    let mut text = String::new();
    for y in area.top()..area.bottom() {
        let mut line = String::new();
        let mut x = area.left();
        while x < area.right() {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(tui::text::width(symbol).max(1)).unwrap();
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `row: from-to style`, for all that is not plain.
fn styles(buffer: &Buffer) -> String {
    let area = buffer.area();
    let mut text = String::new();
    for y in area.top()..area.bottom() {
        let mut spans: Vec<(u16, u16, String)> = Vec::new();
        for x in area.left()..area.right() {
            let name = name(buffer[(x, y)].style());
            match spans.last_mut() {
                Some((_, to, last)) if *last == name && *to + 1 == x => *to = x,
                _ => spans.push((x, x, name)),
            }
        }
        let spans: Vec<String> = spans
            .into_iter()
            .filter(|(_, _, name)| !name.is_empty())
            .map(|(from, to, name)| format!("{from}-{to} {name}"))
            .collect();
        if !spans.is_empty() {
            text.push_str(&format!("{y:>2}: {}\n", spans.join(", ")));
        }
    }
    text
}

fn name(style: Style) -> String {
    let mut words = Vec::new();
    for (colour, on) in [(style.fg, ""), (style.bg, "on ")] {
        match colour {
            None | Some(Color::Reset) => {}
            Some(colour) => words.push(format!("{on}{}", colour.to_string().to_lowercase())),
        }
    }
    for (modifier, word) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::ITALIC, "italic"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::REVERSED, "reversed"),
    ] {
        if style.add_modifier.contains(modifier) {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

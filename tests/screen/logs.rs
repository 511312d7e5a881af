//! The log screen, with a reader behind it as the program has it: what a key asks for is answered before the next.

use std::sync::Arc;

use runsheet::engine::Intent;
use runsheet::logs::source::Source;
use runsheet::logs::stamp::{Stamp, Stamps, Zone};
use runsheet::logs::view::Viewer;
use runsheet::logs::view::log::{Clock, Log};
use runsheet::logs::view::page::At;
use runsheet::runbook::model::LineClass;
use runsheet::tui::model::Screen;
use runsheet::tui::wish::LogRef;
use runsheet::tui::world::Log as Shown;
use runsheet::tui::{Input, Theme, Wish};

use crate::fixture::*;
use crate::play::{Play, parse};

/// Bytes in memory.
struct Held(Vec<u8>);

impl Source for Held {
    fn size(&self) -> std::io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> std::io::Result<usize> {
        self.0.as_slice().read_at(buf, at)
    }
}

struct Reading {
    play: Play,
    viewer: Viewer,
}

fn log(name: &str, text: &[u8]) -> Log {
    let clock = Stamps::detect(text, Zone::UTC, Stamp(0)).map(|stamps| {
        let clock: Clock = Arc::new(move |line| stamps.of(line));
        clock
    });
    Log::new(name.to_owned(), Arc::new(Held(text.to_vec())), clock, 0).unwrap()
}

impl Reading {
    fn sized(texts: &[(&str, &[u8])], recorded: bool, columns: u16, rows: u16) -> Self {
        let logs = texts.iter().map(|(name, text)| log(name, text)).collect();
        let names: Vec<&str> = texts.iter().map(|(name, _)| *name).collect();
        let mut world = if recorded {
            walking(Gate::Free)
        } else {
            world()
        };
        world.log = Some(Shown {
            title: names.join(" + "),
            page: Arc::default(),
            recorded,
        });
        let mut reading = Self {
            play: Play::new(world, columns, rows),
            viewer: Viewer::new(logs, 0).unwrap(),
        };
        if recorded {
            reading.play.model.screens.push(Screen::Logs);
        } else {
            reading.play.model.screens = vec![Screen::Logs];
        }
        reading.play.input(Input::WorldChanged);
        reading.answer();
        reading
    }

    fn new(texts: &[(&str, &[u8])]) -> Self {
        Self::sized(texts, false, 80, 24)
    }

    fn recorded(texts: &[(&str, &[u8])]) -> Self {
        Self::sized(texts, true, 80, 24)
    }

    /// Answers what was asked for; other wishes stay to be looked at.
    fn answer(&mut self) {
        loop {
            let wishes = std::mem::take(&mut self.play.wishes);
            let (asks, others): (Vec<_>, Vec<_>) = wishes
                .into_iter()
                .partition(|wish| matches!(wish, Wish::Log(_)));
            self.play.wishes = others;
            if asks.is_empty() {
                return;
            }
            for ask in asks {
                if let Wish::Log(ask) = ask {
                    self.viewer.ask(ask).unwrap();
                }
            }
            while self.viewer.work().unwrap() {}
            let page = Arc::new(self.viewer.page().unwrap());
            self.play.world.log.as_mut().unwrap().page = page;
            self.play.input(Input::WorldChanged);
        }
    }

    fn keys(&mut self, keys: &str) -> &mut Self {
        for key in parse(keys) {
            self.play.input(Input::Key(key));
            self.answer();
        }
        self
    }

    fn wish(&mut self) -> Wish {
        let wishes = std::mem::take(&mut self.play.wishes);
        let wanted = |wish: &Wish| {
            !matches!(
                wish,
                Wish::Again | Wish::Bell | Wish::FlushInput | Wish::Log(_)
            )
        };
        let mut wanted = wishes.into_iter().filter(wanted);
        let wish = wanted.next().expect("a wish");
        assert_eq!(wanted.next(), None);
        wish
    }

    fn row(&self) -> String {
        let text = self.play.text();
        let row = text.lines().find(|line| line.starts_with(['▌', '>']));
        row.unwrap_or_else(|| panic!("no cursor:\n{text}"))
            .to_owned()
    }
}

/// An authentication log of an hour.
fn auth() -> Vec<u8> {
    let mut text = String::new();
    for minute in 0..60 {
        for second in [3, 27, 51] {
            let user = ["deploy", "root", "backup"][(minute * 3 + second) % 3];
            text.push_str(&format!(
                "2026-11-23T13:{minute:02}:{second:02}.{:03}Z sshd[{}]: session for {user} from 203.0.113.{}\n",
                minute * 7,
                800 + minute,
                second
            ));
        }
        if minute % 17 == 5 {
            text.push_str(&format!(
                "2026-11-23T13:{minute:02}:52.000Z sudo: deploy : TTY=pts/0 ; USER=root ; COMMAND=/usr/bin/aws sts get-caller-identity --access-key AKIA{minute}\n"
            ));
        }
    }
    text.into_bytes()
}

fn json() -> Vec<u8> {
    let mut text = String::new();
    for second in 0..30 {
        text.push_str(&format!(
            "{{\"level\":\"{}\",\"ts\":\"2026-11-23T13:12:{second:02}Z\",\"msg\":\"request {second} done\",\"http\":{{\"status\":{}}},\"took_ms\":{}}}\n",
            ["info", "warn"][second % 2],
            [200, 503][second % 2],
            second * 7
        ));
        if second % 9 == 4 {
            text.push_str("panic: not JSON at all\n");
        }
    }
    text.into_bytes()
}

const HOSTILE: &[u8] = b"a\x1b[2J\x1b]0;owned\x07 \xe2\x80\xaetxt.exe\tand a tab\r\n\xff\xfe\x00 no text\nwide \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e|\n\xc2\x9b31m\n";

macro_rules! shot {
    ($name:ident, $reading:expr, $keys:expr) => {
        #[test]
        fn $name() {
            let mut reading = $reading;
            reading.keys($keys);
            insta::assert_snapshot!(stringify!($name), reading.play.shot());
        }
    };
}

fn ascii(mut reading: Reading) -> Reading {
    reading.play.model.ascii = true;
    reading
}

shot!(logs, Reading::new(&[("auth.log", &auth())]), "");
shot!(
    logs_searched,
    Reading::new(&[("auth.log", &auth())]),
    "/akia<enter>n"
);
shot!(
    logs_strip,
    Reading::new(&[("auth.log", &auth())]),
    "/akia<enter><tab><right><right><right>"
);
shot!(
    logs_filtered_and_marked,
    Reading::new(&[("auth.log", &auth())]),
    "&deploy<enter>!13:0<enter>jmjjvj"
);
shot!(
    logs_typing_a_regex,
    Reading::new(&[("auth.log", &auth())]),
    "/<ctrl-r>for (root|deploy)"
);
shot!(
    logs_merged,
    Reading::new(&[("/var/log/auth.log", &auth()), ("api/app.json", &json())]),
    "g13:12<enter>"
);
shot!(logs_in_columns, Reading::new(&[("app.json", &json())]), "c");
shot!(
    logs_by_chosen_keys,
    Reading::new(&[("app.json", &json())]),
    "C<ctrl-u>http.status msg<enter>"
);
shot!(logs_hostile, Reading::new(&[("odd.log", HOSTILE)]), "");
shot!(
    logs_folded,
    Reading::new(&[("auth.log", &auth())]),
    "/akia<enter>w"
);
shot!(
    logs_mark_form,
    Reading::recorded(&[("auth.log", &auth())]),
    "m"
);
shot!(
    logs_excerpt_form,
    Reading::recorded(&[("auth.log", &auth())]),
    "vjjs"
);
shot!(logs_help, Reading::recorded(&[("auth.log", &auth())]), "?");
shot!(
    ascii_logs,
    ascii(Reading::new(&[("auth.log", &auth()), ("odd.log", HOSTILE)])),
    "/root<enter>"
);
shot!(
    logs_large,
    Reading::sized(&[("auth.log", &auth())], false, 200, 50),
    "/for<enter>"
);

#[test]
fn the_cursor_moves_on_the_page_and_the_page_at_its_edges() {
    let mut reading = Reading::new(&[("auth.log", &auth())]);
    let first = reading.row();
    reading.keys("<down><down><up>");
    assert_ne!(reading.row(), first);
    // 21 lines fit.
    reading.keys(&"<down>".repeat(25));
    assert!(reading.row().contains("13:08:27"), "{}", reading.row());
    reading.keys(&"<up>".repeat(40));
    assert_eq!(reading.row(), first);
    reading.keys("<end>");
    assert!(reading.row().contains("13:59:51"), "{}", reading.row());
    reading.keys("<pageup><pageup><pagedown><home>");
    assert_eq!(reading.row(), first);
}

#[test]
fn a_time_a_line_and_a_part_are_gone_to() {
    let mut reading = Reading::new(&[("auth.log", &auth())]);
    for (typed, there) in [
        ("13:40", "13:40:03"),
        ("2026-11-23T13:20:30Z", "13:20:51"),
        ("4", "13:01:03"),
        ("50%", "13:30"),
    ] {
        reading.keys(&format!("g{typed}<enter>"));
        assert!(reading.row().contains(there), "{typed}: {}", reading.row());
    }
    reading.keys("gsoon<enter>");
    assert!(
        reading
            .play
            .text()
            .contains("`soon` is no time, line or part")
    );
}

#[test]
fn esc_leaves_one_thing_after_the_other_and_at_last_the_screen() {
    let mut reading = Reading::recorded(&[("auth.log", &auth())]);
    reading.keys("/akia<enter>v<tab>");
    assert!(reading.play.text().contains("q to the lines"));
    reading.keys("<esc>");
    assert_eq!(reading.play.model.logs.strip, None);
    assert!(reading.play.model.logs.anchor.is_some());
    reading.keys("<esc>");
    assert_eq!(reading.play.model.logs.anchor, None);
    reading.keys("/x<esc>");
    assert_eq!(reading.play.model.logs.typing, None);
    reading.keys("<esc>");
    assert_eq!(reading.wish(), Wish::CloseLog);
    assert_eq!(reading.play.model.screen(), Screen::Walk);
}

#[test]
fn a_cell_of_the_strip_leads_to_the_next_match_from_there() {
    let mut reading = Reading::new(&[("auth.log", &auth())]);
    reading.keys("/akia<enter><tab><right><right><right><right><right><right><enter>");
    assert!(reading.row().contains("COMMAND"), "{}", reading.row());
}

#[test]
fn a_marked_line_of_an_incident_is_looked_at_before_it_is_an_entry() {
    let mut reading = Reading::recorded(&[("auth.log", &auth())]);
    reading.keys("m<ctrl-u>first login<enter><right><enter>");
    assert_eq!(
        reading.wish(),
        Wish::MarkLine {
            at: At { log: 0, start: 0 },
            text: "first login".to_owned(),
            class: LineClass::Adversary,
        }
    );
}

#[test]
fn an_excerpt_goes_to_the_record_or_to_a_file() {
    let mut reading = Reading::recorded(&[("auth.log", &auth())]);
    let start = |row: u64| At {
        log: 0,
        start: row * 71,
    };
    reading.keys("vjs<enter><enter>");
    let Wish::Excerpt { from, here, path } = reading.wish() else {
        panic!("no excerpt");
    };
    assert_eq!((from, path), (Some(start(0)), None));
    let excerpt = reading.viewer.excerpt(from, here).unwrap();
    assert_eq!(excerpt.lines, 2);
    let mut reading = Reading::new(&[("/var/log/auth.log", &auth())]);
    reading.keys("s<enter>");
    let Wish::Excerpt { path, .. } = reading.wish() else {
        panic!("no excerpt");
    };
    assert_eq!(path.as_deref(), Some("auth.log-excerpt.log"));
}

#[test]
fn logs_of_an_incident_are_collected_or_read() {
    let mut world = walking(Gate::Free);
    captured(&mut world, "auth");
    let mut play = Play::new(world, 80, 24);
    play.keys("l<enter>");
    let opened = |wish: &Wish| matches!(wish, Wish::OpenLog(LogRef::Evidence(_)));
    assert!(play.wishes.iter().any(opened), "{:?}", play.wishes);
    play.wishes.clear();
    play.keys("l<down><enter>");
    let collect = Wish::Act(Intent::CollectLog {
        log: "auth".to_owned(),
        asked: Default::default(),
    });
    assert!(play.wishes.contains(&collect), "{:?}", play.wishes);
    play.wishes.clear();
    play.keys("l<down><down><enter>");
    let key = Wish::OpenLog(LogRef::Key("auth".to_owned()));
    assert!(play.wishes.contains(&key), "{:?}", play.wishes);
}

#[test]
fn no_theme_and_no_size_is_too_odd_for_logs() {
    let tours = [
        "",
        "/root<enter>nN<tab><right><enter>",
        "&a<enter>!b<enter>u",
        "wjjj<end>",
        "cC",
        "<right><right><right><end>",
        "ms",
        "vjjj",
        "?",
        "<enter>",
    ];
    for (columns, rows) in [(1, 1), (59, 16), (60, 16), (61, 17), (80, 24), (200, 50)] {
        for tour in tours {
            let texts: [(&str, &[u8]); 2] = [("odd.log", HOSTILE), ("app.json", &json())];
            for part in [&texts[..1], &texts[1..], &texts[..]] {
                Reading::sized(part, false, columns, rows).keys(tour);
            }
        }
    }
    for name in Theme::names() {
        let mut reading = Reading::new(&[("auth.log", &auth())]);
        reading.play.model.theme = Theme::shipped(&name).unwrap();
        reading.keys("/akia<enter>mv");
        assert!(reading.row().contains("COMMAND"));
    }
}

#[test]
fn nothing_foreign_is_drawn_as_it_is() {
    for ascii in [false, true] {
        let mut reading = Reading::new(&[("odd\x1b[31m.log", HOSTILE)]);
        reading.play.model.ascii = ascii;
        for keys in ["", "/a<enter>", "w", "&txt<enter>", "c"] {
            reading.keys(keys);
            let text = reading.play.text();
            let steers = |letter: char| {
                (letter.is_control() && letter != '\n')
                    || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            assert!(!text.contains(steers), "{text}");
            assert!(!ascii || text.is_ascii(), "{text}");
        }
    }
}

#[test]
fn asking_for_a_page_of_another_size_comes_with_the_size() {
    let mut reading = Reading::new(&[("auth.log", &auth())]);
    assert_eq!(reading.play.model.logs.rows, 21);
    reading.keys("&session<enter>");
    assert_eq!(reading.play.model.logs.rows, 20);
    let page = &reading.play.world.log.as_ref().unwrap().page;
    assert_eq!(page.rows.len(), 20);
}

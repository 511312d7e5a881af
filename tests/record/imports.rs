//! Entries of elsewhere: each comes in once, whatever it comes in.

use std::collections::BTreeMap;

use runsheet::engine::telling::{Telling, Told};
use runsheet::timeline::export::{self, json};
use runsheet::timeline::import::{self, Format, Source};
use runsheet::timeline::{Options, Timeline, project};
use runsheet::trust::Mode;

use super::events::{Tape, state, story};

fn timeline(tape: &Tape) -> Timeline {
    project(&state(tape), &tape.events, Options::default())
}

fn origins(told: &[Told]) -> Vec<(u64, String)> {
    told.iter()
        .map(|told| match &told.what {
            Telling::Imported(fact) => (fact.origin.position, fact.text.clone()),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Brings a file into a record, as the session does.
fn brought(tape: &mut Tape, format: Format, name: &str, text: &str) -> (usize, usize) {
    let people = BTreeMap::new();
    let source = Source {
        name,
        bytes: text.as_bytes(),
        people: &people,
    };
    let plan = import::plan(import::read(format, source).unwrap(), source, &tape.events);
    let count = (plan.told.len(), plan.skipped.len());
    for told in plan.told {
        let Telling::Imported(fact) = told.what else {
            panic!()
        };
        tape.dated("bob", told.at.unwrap(), told.fidelity, fact);
    }
    count
}

#[test]
fn our_own_exports_are_brought_in_once_and_never_twice() {
    let story = timeline(&story(Mode::Live));
    let rows = story.rows.len();
    let (document, sheet) = (json(&story).unwrap(), export::csv(&story));
    let mut tape = Tape::new(Mode::Live);
    assert_eq!(
        brought(&mut tape, Format::Json, "a.json", &document),
        (rows, 0)
    );
    assert_eq!(
        brought(&mut tape, Format::Json, "a.json", &document),
        (0, rows)
    );
    // The same entries in another file, of another format.
    assert_eq!(brought(&mut tape, Format::Csv, "b.csv", &sheet), (0, rows));
    // And into the record they come from.
    let mut same = super::events::story(Mode::Live);
    assert_eq!(brought(&mut same, Format::Csv, "b.csv", &sheet), (0, rows));
    for (format, text) in [(Format::Csv, &sheet), (Format::Json, &document)] {
        assert_eq!(format, Format::guessed("x", text.as_bytes()));
    }
}

#[test]
fn what_a_chat_said_since_is_brought_in_alone() {
    let message = |ts: &str, text: &str| serde_json::json!({ "type": "message", "ts": ts, "user": "U1", "text": text });
    let (first, second) = (
        message("1764077460.000100", "a"),
        message("1764077461.000100", "b"),
    );
    let mut tape = Tape::new(Mode::Live);
    let early = serde_json::json!([first]).to_string();
    assert_eq!(
        brought(&mut tape, Format::Slack, "ops/2026-11-23.json", &early),
        (1, 0)
    );
    let late = serde_json::json!([second, first]).to_string();
    assert_eq!(
        brought(&mut tape, Format::Slack, "2026-11-23.json", &late),
        (1, 1)
    );
    assert_eq!(
        Format::guessed("2026-11-23.json", late.as_bytes()),
        Format::Slack
    );
}

#[test]
fn a_timesketch_file_comes_in_too() {
    let lines = export::timesketch::jsonl(&timeline(&story(Mode::Live))).unwrap();
    let people = BTreeMap::new();
    let source = Source {
        name: "t.jsonl",
        bytes: lines.as_bytes(),
        people: &people,
    };
    let plan = import::plan(import::read(Format::Jsonl, source).unwrap(), source, &[]);
    assert_eq!(plan.skipped, []);
    assert_eq!(origins(&plan.told).len(), lines.lines().count());
}

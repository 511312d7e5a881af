//! Exports: the same record gives the same bytes, frozen, and nothing foreign becomes syntax.

use std::sync::Arc;

use pulldown_cmark::{Event, Options, Parser, Tag};
use runsheet::engine::fact::NoteAdded;
use runsheet::engine::state::Flag;
use runsheet::timeline::export::{html, json, markdown};
use runsheet::timeline::{self, Timeline, project};
use runsheet::trust::Mode;

use super::events::{Tape, principal, state, story};

fn timeline(tape: &Tape) -> Timeline {
    project(&state(tape), &tape.events, timeline::Options::default())
}

#[test]
fn a_long_record_has_a_whole_table_and_a_drawing_no_bigger_than_others() {
    let mut tape = story(Mode::Live);
    for index in 0..20_000 {
        let who = ["alice", "bob", "carol", "dan"][index % 4];
        let text = format!("entry {index}");
        tape.add(
            who,
            7,
            NoteAdded {
                text,
                step: None,
                details: None,
            },
        );
    }
    let timeline = timeline(&tape);
    let page = html(&timeline, &[]);
    assert_eq!(page.matches("<tr id=\"e").count(), timeline.rows.len());
    let (_, drawing) = page.split_once("<figure").unwrap();
    let (drawing, _) = drawing.split_once("</figure>").unwrap();
    assert!(drawing.len() < 150_000, "{} bytes", drawing.len());
    assert!(drawing.contains("entries, among them"));
}

#[test]
fn a_drill_says_so_everywhere() {
    let timeline = timeline(&story(Mode::Exercise));
    let text = markdown(&timeline);
    let headings = text
        .lines()
        .filter(|line| line.starts_with("# ") || line.starts_with("## "));
    for heading in headings {
        assert!(heading.contains("EXERCISE: "), "{heading}");
    }
    let json: serde_json::Value = serde_json::from_str(&json(&timeline).unwrap()).unwrap();
    assert_eq!(json["exercise"], true);
    assert_eq!(json["incident"]["mode"], "exercise");
}

#[test]
fn an_empty_record_still_makes_a_document() {
    let timeline = timeline(&Tape::new(Mode::Live));
    assert!(markdown(&timeline).contains("# Postmortem"));
    assert!(html(&timeline, &[]).contains("Nothing is recorded."));
    let json: serde_json::Value = serde_json::from_str(&json(&timeline).unwrap()).unwrap();
    assert_eq!(
        (&json["version"], &json["format"]),
        (&1.into(), &"runsheet-timeline".into())
    );
}

#[test]
fn what_does_not_fit_is_said_at_the_top_and_at_its_place() {
    let tape = story(Mode::Live);
    let mut state = state(&tape);
    let approval = tape
        .events
        .iter()
        .find(|event| event.fact.kind() == "checkpoint.approved")
        .unwrap();
    state.flags.push(Arc::new(Flag {
        event: approval.id,
        by: principal("carol"),
        what: "the signature is not carol's".to_owned(),
        violation: true,
    }));
    let timeline = project(&state, &tape.events, timeline::Options::default());
    let text = markdown(&timeline);
    assert!(text.contains("The record does not hold"));
    assert_eq!(
        text.matches("the signature is not carol's").count(),
        3,
        "gate, timeline, list"
    );
    assert_eq!(timeline.metrics.approvals.requests.len(), 3);
}

#[test]
fn hostile_words_leave_neither_control_characters_nor_syntax() {
    let mut tape = story(Mode::Live);
    tape.add("bob", 1, NoteAdded {
        text: "| x | y |\n\n# h\n<script>alert(1)</script> ![i](https://e.example/p.png) \u{1b}]52;c;x\u{7}\u{202e}".to_owned(),
        step: None,
    details: None,
});
    let timeline = timeline(&tape);
    let text = markdown(&timeline);
    for event in Parser::new_ext(&text, Options::all()) {
        let syntax = matches!(
            event,
            Event::Html(_)
                | Event::InlineHtml(_)
                | Event::Start(Tag::Link { .. } | Tag::Image { .. })
        );
        assert!(!syntax, "{event:?}");
    }
    let page = html(&timeline, &[]);
    assert!(!page.contains("<script") && !page.contains("<img"));
    for out in [text, json(&timeline).unwrap(), page] {
        assert!(
            !out.chars()
                .any(|c| (c.is_control() && c != '\n') || c == '\u{202e}')
        );
    }
}

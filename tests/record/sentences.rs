//! The subjects of the commits. Their wording is part of the format: a change here changes commit ids.

use std::collections::BTreeSet;

use runsheet::engine::Fact;
use runsheet::engine::fact::NoteAdded;
use runsheet::engine::sentence::{LONGEST, class, sentence};
use runsheet::trust::Mode;

use super::drill::drill;
use super::events::{Tape, story};
use super::golden;

fn subjects(tape: &Tape) -> String {
    tape.events
        .iter()
        .map(|event| {
            format!(
                "{:<22} {:<10} {}\n",
                event.fact.kind(),
                class(event).word(),
                sentence(event)
            )
        })
        .collect()
}

#[test]
fn every_kind_of_fact_has_its_frozen_sentence() {
    let (tape, drill) = (story(Mode::Live), drill());
    let all = tape.events.iter().chain(&drill.events);
    let told: BTreeSet<&str> = all.map(|event| event.fact.kind()).collect();
    let missing: Vec<_> = Fact::KINDS
        .iter()
        .filter(|kind| !told.contains(**kind))
        .collect();
    assert!(missing.is_empty(), "no event in the story: {missing:?}");
    golden(
        "record/sentences.txt",
        &(subjects(&tape) + &subjects(&drill)),
    );
}

#[test]
fn a_drill_says_so_in_every_sentence() {
    let tape = story(Mode::Exercise);
    assert!(
        tape.events
            .iter()
            .all(|event| sentence(event).starts_with("EXERCISE: "))
    );
}

#[test]
fn a_sentence_is_one_short_line_whatever_was_written() {
    for text in [
        "a ".repeat(5000),
        "\n\n".to_owned(),
        "\u{202e}\u{1b}\0".repeat(400),
        "é".repeat(199),
        String::new(),
    ] {
        let mut tape = Tape::new(Mode::Live);
        tape.add(
            "bob",
            0,
            NoteAdded {
                text,
                step: None,
                details: None,
            },
        );
        let sentence = sentence(&tape.events[0]);
        assert!(sentence.chars().count() <= LONGEST, "{sentence}");
        assert!(!sentence.chars().any(char::is_control) && !sentence.contains('\u{202e}'));
        assert!(sentence.starts_with("bob noted:"));
    }
}

#[test]
fn what_is_cut_ends_in_an_ellipsis_and_what_fits_is_whole() {
    let mut tape = Tape::new(Mode::Live);
    tape.add(
        "bob",
        0,
        NoteAdded {
            text: "x".repeat(LONGEST - 11),
            step: None,
            details: None,
        },
    );
    tape.add(
        "bob",
        0,
        NoteAdded {
            text: "x".repeat(LONGEST - 10),
            step: None,
            details: None,
        },
    );
    let sentences: Vec<_> = tape.events.iter().map(|event| sentence(event)).collect();
    assert_eq!(sentences[0].chars().count(), LONGEST);
    assert!(sentences[0].ends_with('x') && sentences[1].ends_with("x…"));
}

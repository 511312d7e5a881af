//! What is found before a timeline goes out, and what is not.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset};
use runsheet::engine::details::{Details, Edit, FollowupChange, Tlp};
use runsheet::engine::event::Fidelity;
use runsheet::engine::fact::{
    EntryCorrected, EntryDescribed, Fact, FollowupChanged, Milestone, MilestoneReached, NoteAdded,
};
use runsheet::engine::ids::EventId;
use runsheet::engine::sentence::Class;
use runsheet::timeline::audience::project;
use runsheet::timeline::lint::{Finding, Level, RULES, Subject, lint};
use runsheet::timeline::{Audiences, Options};
use runsheet::trust::Mode;

use super::events::{Tape, story};
use super::walked::{folded, timeline_of, walked};

fn now() -> DateTime<FixedOffset> {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

fn found_for(tape: &Tape, name: Option<&str>) -> Vec<Finding> {
    let (state, whole) = (folded(tape), timeline_of(tape));
    let audiences = Audiences::of(&[]);
    let reader = name.map(|name| audiences.named(name).unwrap());
    let part =
        reader.map(|reader| project(&state, &tape.events, Options::default(), &audiences, reader));
    lint(&Subject {
        state: &state,
        events: &tape.events,
        whole: &whole,
        part: part.as_ref().zip(reader),
        countdowns: &[],
        now: now(),
    })
}

fn found(tape: &Tape) -> Vec<Finding> {
    found_for(tape, None)
}

fn rules(found: &[Finding]) -> Vec<&'static str> {
    found.iter().map(|one| one.rule).collect()
}

fn entry<'a>(found: &'a [Finding], rule: &str) -> Vec<&'a Finding> {
    found.iter().filter(|one| one.rule == rule).collect()
}

fn note(text: &str) -> NoteAdded {
    NoteAdded {
        text: text.to_owned(),
        step: None,
        details: None,
    }
}

fn classed(text: &str, details: Details) -> NoteAdded {
    NoteAdded {
        details: Some(Box::new(details)),
        ..note(text)
    }
}

/// A walk with everything that is to be there.
fn clean() -> Tape {
    let mut tape = walked(Mode::Live);
    let blaming = tape
        .events
        .iter()
        .find(|event| event.fact.kind() == "step.done")
        .unwrap()
        .id;
    let corrected = EntryCorrected {
        corrects: blaming,
        text: "the checksums differ, which no graph shows".to_owned(),
        reason: "no names".to_owned(),
    };
    tape.add("bob", 5, corrected);
    let impact = Details {
        class: Some(Class::Impact),
        source: Some("support tickets".to_owned()),
        ..Details::default()
    };
    let at = "2026-11-23T13:21:00Z".parse().unwrap();
    tape.dated(
        "bob",
        at,
        Fidelity::Minute,
        classed("old data was shown", impact),
    );
    tape.lasted(Some("2026-11-23T13:40:00Z".parse().unwrap()));
    let followup = opened(&tape);
    let change = FollowupChange {
        owner: Some("erin".to_owned()),
        due: Some("2026-12-24".parse().unwrap()),
        ..FollowupChange::default()
    };
    tape.add(
        "alice",
        5,
        FollowupChanged {
            followup,
            change,
            note: None,
        },
    );
    for milestone in [Milestone::Acknowledged, Milestone::Resolved] {
        tape.add("bob", 5, MilestoneReached { milestone });
    }
    tape
}

fn opened(tape: &Tape) -> EventId {
    let open = |fact: &Fact| matches!(fact, Fact::FollowupOpened(_));
    tape.events
        .iter()
        .find(|event| open(&event.fact))
        .unwrap()
        .id
}

#[test]
fn a_clean_record_has_nothing_but_a_word_by_hand() {
    let found = found(&clean());
    assert_eq!(rules(&found), ["no-evidence"], "{found:#?}");
}

#[test]
fn what_is_missing_is_found_and_what_to_do_is_said() {
    let found = found(&walked(Mode::Live));
    assert_eq!(
        rules(&found),
        [
            "followup-owner",
            "followup-due",
            "milestone-missing",
            "milestone-missing",
            "impact-missing",
            "no-evidence",
            "blame"
        ]
    );
    assert!(
        found
            .iter()
            .all(|one| !one.hint.contains("ENTRY") && !one.hint.is_empty())
    );
    let blame = entry(&found, "blame")[0];
    assert_eq!(blame.what, "the entry blames: “should have”");
    assert!(blame.hint.contains(&format!(
        "runsheet correct INC {}",
        blame.entry.unwrap().short()
    )));
    let stable: Vec<_> = RULES.iter().map(|(name, _, _)| *name).collect();
    assert!(found.iter().all(|one| stable.contains(&one.rule)));
}

#[test]
fn every_rule_is_documented() {
    let docs =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/lint.md")).unwrap();
    for (name, level, about) in RULES {
        let level = if level == Level::Error {
            "error"
        } else {
            "warning"
        };
        assert!(
            docs.contains(&format!("| `{name}` | {level} | {about} |")),
            "{name}"
        );
    }
}

#[test]
fn secrets_and_personal_data_are_found_where_they_go_out() {
    let mut tape = clean();
    tape.add(
        "bob",
        5,
        note("the password: hunter2-and-more was in the log of bob@example.org"),
    );
    tape.add(
        "bob",
        5,
        note("called Dan Dent, dan.dent@customer.example, +44 20 7946 0958"),
    );
    tape.add(
        "bob",
        5,
        note("retry 2026-11-23 13:20:00 +01:00, id 0012345678901, 1+1"),
    );
    let all = found(&tape);
    assert_eq!(entry(&all, "secret").len(), 1);
    assert_eq!(entry(&all, "personal-data").len(), 1, "{all:#?}");
    assert!(
        entry(&all, "personal-data")[0]
            .what
            .ends_with("a mail address and a telephone number")
    );
    // Notes are amber: neither reaches customers.
    let all = found_for(&tape, Some("customers"));
    assert!(entry(&all, "secret").is_empty() && entry(&all, "personal-data").is_empty());
    let entry_id = tape
        .events
        .iter()
        .rev()
        .find(|event| matches!(&event.fact, Fact::NoteAdded(fact) if fact.text.contains("Dent")))
        .unwrap()
        .id;
    let details = Details {
        class: Some(Class::Impact),
        tlp: Some(Tlp::Clear),
        ..Details::default()
    };
    tape.add(
        "bob",
        5,
        EntryDescribed {
            entry: entry_id,
            details,
        },
    );
    let all = found_for(&tape, Some("customers"));
    assert_eq!(entry(&all, "personal-data")[0].level, Level::Error);
}

#[test]
fn what_an_audience_should_and_should_not_see_is_checked() {
    let mut tape = clean();
    let hidden = Details {
        class: Some(Class::Adversary),
        source: Some("the trail".to_owned()),
        indicators: Edit {
            add: vec!["203.0.113.9".to_owned()],
            remove: Vec::new(),
        },
        ..Details::default()
    };
    tape.add("bob", 5, classed("somebody signed in", hidden));
    let open = Details {
        class: Some(Class::Impact),
        tlp: Some(Tlp::Clear),
        source: Some("support".to_owned()),
        ..Details::default()
    };
    tape.add(
        "bob",
        5,
        classed("203.0.113.9 read 12 records; 203.0.113.99 none", open),
    );
    let kept = Details {
        audiences: Some(vec!["customers".to_owned()]),
        ..Details::default()
    };
    tape.add("bob", 5, classed("tell them on Monday", kept));
    let found = found_for(&tape, Some("customers"));
    assert_eq!(entry(&found, "leak").len(), 1);
    assert!(entry(&found, "leak")[0].what.contains("203.0.113.9,"));
    assert_eq!(entry(&found, "never-shown").len(), 1);
    assert!(entry(&found_for(&tape, None), "leak").is_empty());
}

#[test]
fn silences_are_to_be_explained_unless_something_ran() {
    let mut tape = Tape::new(Mode::Live);
    tape.add(
        "bob",
        0,
        MilestoneReached {
            milestone: Milestone::Detected,
        },
    );
    tape.add("bob", 3600, note("still looking"));
    let found_in = |tape: &Tape| entry(&found(tape), "gap").len();
    assert_eq!(found_in(&tape), 1);
    let entry = tape.events.last().unwrap().id;
    let tags = Edit {
        add: vec!["gap-explained".to_owned()],
        remove: Vec::new(),
    };
    tape.add(
        "bob",
        5,
        EntryDescribed {
            entry,
            details: Details {
                tags,
                ..Details::default()
            },
        },
    );
    assert_eq!(found_in(&tape), 0);
    tape.add(
        "bob",
        5,
        MilestoneReached {
            milestone: Milestone::Resolved,
        },
    );
    tape.add("bob", 36_000, note("afterwards nobody owes anything"));
    assert_eq!(found_in(&tape), 0);
}

#[test]
fn times_that_do_not_fit_are_found() {
    let mut tape = clean();
    let at = |text: &str| text.parse().unwrap();
    tape.dated(
        "bob",
        at("2026-11-23T10:00:00Z"),
        Fidelity::Exact,
        note("it began"),
    );
    tape.dated(
        "bob",
        at("2026-11-23T10:00:00Z"),
        Fidelity::Minute,
        note("somebody thinks it began"),
    );
    tape.dated(
        "bob",
        at("2026-11-23T19:00:00Z"),
        Fidelity::Exact,
        note("it will end"),
    );
    let all = found(&tape);
    assert_eq!(entry(&all, "backdated").len(), 1);
    assert_eq!(entry(&all, "dated-ahead").len(), 1);
    assert!(entry(&all, "clock-step").is_empty());
    let last = Arc::make_mut(tape.events.last_mut().unwrap());
    last.boot.millis += 60_000;
    let all = found(&tape);
    assert!(
        entry(&all, "clock-step")[0]
            .what
            .contains("set back by 60 s"),
        "{all:#?}"
    );
}

#[test]
fn what_is_open_in_the_rich_example_is_found() {
    let tape = story(Mode::Live);
    let (state, whole) = (super::events::state(&tape), super::formats::timeline(&tape));
    let found = lint(&Subject {
        state: &state,
        events: &tape.events,
        whole: &whole,
        part: None,
        countdowns: &[],
        now: now(),
    });
    assert_eq!(entry(&found, "review-owed").len(), 1);
    assert_eq!(entry(&found, "dated-ahead").len(), 1);
    assert!(entry(&found, "blame").is_empty());
    assert!(entry(&found, "followup-owner").is_empty());
}

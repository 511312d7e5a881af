//! Who may read what: each audience gets its classes up to its marking, and of what is left out nothing but how much it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use runsheet::engine::details::{Details, Tlp};
use runsheet::engine::event::Event;
use runsheet::engine::fact::{EntryCorrected, EntryDescribed, Fact, NoteAdded, UpdateRecorded};
use runsheet::engine::ids::EventId;
use runsheet::engine::sentence::Class;
use runsheet::engine::state::Flag;
use runsheet::evidence::{Digest, canonical};
use runsheet::runbook::policy;
use runsheet::timeline::audience::project;
use runsheet::timeline::export::{self, json};
use runsheet::timeline::{Audiences, Options, Timeline};
use runsheet::trust::Mode;
use serde_json::Value;

use super::events::{Tape, principal, state, story};

fn audiences() -> Audiences {
    let own = |name: &str, tlp: &str| policy::Audience {
        name: name.to_owned(),
        tlp: Some(tlp.to_owned()),
        channels: Vec::new(),
        approval: false,
        template: None,
    };
    Audiences::of(&[own("press", "green"), own("board", "red")])
}

pub fn for_whom(tape: &Tape, name: &str) -> Timeline {
    let audiences = audiences();
    let reader = audiences.named(name).unwrap();
    project(
        &state(tape),
        &tape.events,
        Options::default(),
        &audiences,
        reader,
    )
}

/// A timeline in every format there is.
pub fn every_format(timeline: &Timeline) -> Vec<(&'static str, String)> {
    vec![
        ("postmortem.md", export::markdown(timeline)),
        ("page.html", export::html(timeline, &[])),
        ("timeline.json", export::json(timeline).unwrap()),
        ("timeline.csv", export::csv(timeline)),
        (
            "timesketch.jsonl",
            export::timesketch::jsonl(timeline).unwrap(),
        ),
        ("timesketch.csv", export::timesketch::csv(timeline)),
        ("iris.csv", export::iris(timeline)),
        ("stix.json", export::stix(timeline).unwrap()),
        ("timeline.ics", export::ics(timeline)),
        ("gantt.mmd", export::gantt(timeline)),
    ]
}

fn classes(timeline: &Timeline) -> BTreeSet<Class> {
    timeline.rows.iter().map(|row| row.class).collect()
}

fn entries(timeline: &Timeline) -> usize {
    timeline.audience.as_ref().unwrap().withheld.entries
}

#[test]
fn responders_and_auditors_see_all_of_it() {
    let tape = story(Mode::Live);
    for name in ["responders", "auditor"] {
        let timeline = for_whom(&tape, name);
        assert_eq!(timeline.rows.len(), tape.events.len());
        assert_eq!(entries(&timeline), 0);
    }
}

#[test]
fn each_audience_gets_its_classes_up_to_its_marking() {
    let tape = story(Mode::Live);
    let customers = for_whom(&tape, "customers");
    assert_eq!(
        classes(&customers),
        BTreeSet::from([Class::Milestone, Class::Comms])
    );
    assert_eq!(customers.header.title, "Incident INC-PQRS");
    assert_eq!(customers.header.alert, None);
    assert_eq!(customers.updates.len(), 2);

    let stakeholders = for_whom(&tape, "stakeholders");
    assert!(stakeholders.header.title.starts_with("Leaked cloud"));
    assert!(classes(&stakeholders).contains(&Class::Checkpoint));
    assert!(!classes(&stakeholders).contains(&Class::Response));
    let gate = &stakeholders.checkpoints[0];
    assert_eq!(
        (gate.script.as_str(), gate.host.as_str()),
        ("(withheld)", "(withheld)")
    );

    let regulator = for_whom(&tape, "regulator");
    assert!(classes(&regulator).contains(&Class::Response));
    assert_eq!(regulator.checkpoints, []);
    // Marked red by a later word.
    assert!(regulator.rows.iter().all(|row| row.kind != "note.added"));
}

#[test]
fn the_policy_bounds_and_names_audiences() {
    let tape = story(Mode::Live);
    assert!(classes(&for_whom(&tape, "press")).contains(&Class::Impact));
    assert!(!classes(&for_whom(&tape, "press")).contains(&Class::Decision));
    assert!(classes(&for_whom(&tape, "board")).contains(&Class::Decision));
    let bounded = Audiences::of(&[policy::Audience {
        name: "responders".to_owned(),
        tlp: Some("amber".to_owned()),
        channels: Vec::new(),
        approval: false,
        template: None,
    }]);
    let responders = bounded.named("responders").unwrap();
    assert!(responders.sees(Class::Note, Tlp::Amber, &[]));
    assert!(!responders.sees(Class::Note, Tlp::Red, &[]));
}

#[test]
fn an_update_is_for_whom_it_was_worded_and_for_who_may_see_more() {
    let mut tape = story(Mode::Live);
    for audience in ["stakeholders", "regulator", "press", "customers", "nobody"] {
        tape.add(
            "bob",
            1,
            UpdateRecorded {
                audience: audience.to_owned(),
                state: None,
                message: "on it".to_owned(),
                step: None,
                next: None,
            },
        );
    }
    let told = |name: &str| {
        let timeline = for_whom(&tape, name);
        let mut to: Vec<_> = timeline
            .updates
            .iter()
            .map(|one| one.audience.clone())
            .collect();
        to.dedup();
        to
    };
    assert_eq!(told("customers"), ["customers"]);
    assert_eq!(told("press"), ["customers", "press", "customers"]);
    assert_eq!(
        told("stakeholders"),
        ["customers", "stakeholders", "press", "customers"]
    );
    assert_eq!(
        told("regulator"),
        ["customers", "regulator", "press", "customers"]
    );
}

#[test]
fn an_entrys_own_audiences_narrow_and_its_marking_opens() {
    let mut tape = story(Mode::Live);
    let entry = tape.add(
        "bob",
        1,
        NoteAdded {
            text: "cards were not read".to_owned(),
            step: None,
            details: None,
        },
    );
    tape.add(
        "bob",
        1,
        EntryDescribed {
            entry,
            details: Details {
                class: Some(Class::Impact),
                tlp: Some(Tlp::Clear),
                audiences: Some(vec!["customers".to_owned()]),
                source: Some("the vault's log".to_owned()),
                ..Details::default()
            },
        },
    );
    let shown = |name: &str| {
        let timeline = for_whom(&tape, name);
        let row = timeline.rows.into_iter().find(|row| row.event == entry);
        row.map(|row| (row.class, row.about.tlp, row.about.source.clone()))
    };
    // What was said beside the marking is an entry of its own, which is not for customers.
    assert_eq!(
        shown("customers"),
        Some((Class::Impact, Some(Tlp::Clear), None))
    );
    assert_eq!(shown("stakeholders"), None);
    assert_eq!(shown("press"), None);
    assert!(shown("responders").unwrap().2.is_some());
}

#[test]
fn an_entry_whose_correction_is_left_out_says_that_it_was_corrected() {
    let mut tape = story(Mode::Live);
    let milestone = tape
        .events
        .iter()
        .find(|event| event.fact.kind() == "milestone.reached")
        .unwrap()
        .id;
    tape.add(
        "bob",
        1,
        EntryCorrected {
            corrects: milestone,
            text: "an hour earlier".to_owned(),
            reason: "the log of the vault".to_owned(),
        },
    );
    let row = |name: &str| {
        let timeline = for_whom(&tape, name);
        timeline
            .rows
            .into_iter()
            .find(|row| row.event == milestone)
            .unwrap()
    };
    let customers = row("customers");
    assert_eq!(customers.corrections, []);
    assert_eq!(
        customers.flags,
        ["it was corrected; the correction is not for this audience"]
    );
    let stakeholders = row("stakeholders");
    assert_eq!(stakeholders.corrections.len(), 1);
    assert_eq!(stakeholders.flags, Vec::<String>::new());
}

#[test]
fn the_full_record_confirms_what_is_left_out() {
    let tape = story(Mode::Live);
    let timeline = for_whom(&tape, "regulator");
    let shown: BTreeSet<EventId> = timeline.rows.iter().map(|row| row.event).collect();
    let mut left_out: Vec<_> = tape
        .events
        .iter()
        .map(|event| event.id)
        .filter(|id| !shown.contains(id))
        .collect();
    left_out.sort_unstable();
    let withheld = timeline.audience.unwrap().withheld;
    assert_eq!(withheld.entries, left_out.len());
    assert_eq!(withheld.by_class.values().sum::<usize>(), left_out.len());
    let document = serde_json::json!({ "withheld": left_out });
    assert_eq!(withheld.sha256, canonical::digest(&document).unwrap());
    assert_ne!(withheld.sha256, Digest([0; 32]));
}

/// Puts a marker into every text of an event that takes one.
fn marked(event: &Event, mark: &str) -> Event {
    fn leaves(value: &Value, at: String, all: &mut Vec<String>) {
        match value {
            Value::String(_) => all.push(at),
            Value::Array(list) => {
                for (index, one) in list.iter().enumerate() {
                    leaves(one, format!("{at}/{index}"), all);
                }
            }
            Value::Object(members) => {
                for (key, one) in members {
                    leaves(one, format!("{at}/{key}"), all);
                }
            }
            _ => {}
        }
    }
    let mut data = event.fact.data().unwrap();
    let mut all = Vec::new();
    leaves(&data, String::new(), &mut all);
    let mut fact = event.fact.clone();
    for at in all {
        let mut changed = data.clone();
        *changed.pointer_mut(&at).unwrap() = Value::String(mark.to_owned());
        let raw = serde_json::value::to_raw_value(&changed).unwrap();
        if let Ok(read) = Fact::read(event.fact.kind(), &raw) {
            (data, fact) = (changed, read);
        }
    }
    Event {
        fact,
        person: principal(mark),
        role: Some(mark.into()),
        account: mark.into(),
        host: mark.into(),
        ..event.clone()
    }
}

#[test]
fn nothing_of_a_withheld_entry_stands_in_any_format() {
    for name in ["customers", "press", "stakeholders", "regulator", "board"] {
        let mut tape = story(Mode::Live);
        let shown: BTreeSet<EventId> = for_whom(&tape, name)
            .rows
            .iter()
            .map(|row| row.event)
            .collect();
        for (index, event) in tape.events.iter_mut().enumerate() {
            if !shown.contains(&event.id) {
                *event = Arc::new(marked(event, &format!("zqmark{index}")));
            }
        }
        let audiences = audiences();
        let mut state = state(&tape);
        for event in tape
            .events
            .iter()
            .filter(|event| !shown.contains(&event.id))
        {
            state.flags.push(Arc::new(Flag {
                event: event.id,
                by: event.person.clone(),
                what: "zqmark flag".to_owned(),
                violation: true,
            }));
        }
        let make = |name: &str| {
            let reader = audiences.named(name).unwrap();
            project(&state, &tape.events, Options::default(), &audiences, reader)
        };
        let timeline = make(name);
        assert_eq!(timeline.rows.len(), shown.len(), "{name}");
        for (format, text) in every_format(&timeline) {
            if let Some(at) = text.find("zqmark") {
                let line = &text[..at].matches('\n').count() + 1;
                panic!(
                    "{name}, {format}, line {line}: {}",
                    &text[at.saturating_sub(60)..at + 9]
                );
            }
        }
        let whole = json(&make("responders")).unwrap();
        assert!(whole.matches("zqmark").count() > shown.len());
    }
}

#[test]
fn figures_tell_nothing_of_what_is_left_out() {
    let mut tape = story(Mode::Live);
    for (tlp, until) in [(Tlp::Clear, "14:10"), (Tlp::Red, "14:30")] {
        let details = Some(Details {
            class: Some(Class::Impact),
            tlp: Some(tlp),
            ..Details::default()
        });
        let (text, step) = ("no logins".to_owned(), None);
        let at = "2026-11-23T14:00:00Z".parse().unwrap();
        let note = NoteAdded {
            text,
            step,
            details: details.map(Box::new),
        };
        tape.dated("bob", at, runsheet::engine::event::Fidelity::Exact, note);
        tape.lasted(Some(format!("2026-11-23T{until}:00Z").parse().unwrap()));
    }
    let figures = |name| for_whom(&tape, name).metrics;
    assert_eq!(figures("auditor").impact.millis, Some(30 * 60_000));
    assert_eq!(figures("customers").impact.millis, Some(10 * 60_000));
    assert!(!figures("auditor").walk.steps.is_empty());
    assert!(figures("customers").walk.steps.is_empty());
}

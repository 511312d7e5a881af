//! The record's own fold counts stretches of events that only tell something instead of applying each. Here every
//! scenario is folded among notes of all sorts, and has to come to the very state that applying each one comes to.

use std::sync::Arc;

use runsheet::engine::event::{Event, Place};
use runsheet::engine::fact::{EntryCorrected, Fact, NoteAdded, UpdateRecorded};
use runsheet::engine::{State, WriterId, apply};
use runsheet::journal::Log;
use runsheet::trust::Mode;

use super::world::World;

/// What only tells, in turn: one kind or another, by one person or another, now and then in another mode or incident.
fn telling(world: &World, number: usize) -> (Fact, &'static str, Mode) {
    let text = format!("note {number}");
    let first = world.events[0].id;
    let fact = match number % 4 {
        0 | 1 => NoteAdded {
            text,
            step: None,
            details: None,
        }
        .into(),
        2 => EntryCorrected {
            corrects: first,
            text,
            reason: "it was another".to_owned(),
        }
        .into(),
        _ => UpdateRecorded {
            audience: "customers".to_owned(),
            state: None,
            message: text,
            step: None,
            next: None,
        }
        .into(),
    };
    let mode = if number % 11 == 7 {
        Mode::Exercise
    } else {
        Mode::Live
    };
    (fact, ["nora", "omar", "nora"][number % 3], mode)
}

/// Three of them behind every event of a scenario, which knows none of them.
fn notes(world: &World) -> Vec<Arc<Event>> {
    let writer = WriterId::generate(&[9; 32]);
    let mut prev = None;
    let mut made = Vec::new();
    for number in 0..world.events.len() * 3 {
        let behind = &world.events[number / 3];
        let (fact, who, mode) = telling(world, number);
        let mut draft = world.draft(who, fact);
        draft.recorded_at = behind.recorded_at;
        draft.mode = mode;
        let mut incident = world.incident.clone();
        if number % 13 == 5 {
            incident = runsheet::engine::IncidentId::generate(1, &[1; 32]);
        }
        let place = Place {
            incident,
            writer: writer.clone(),
            seq: number as u64 + 1,
            prev,
            seen: if number % 3 == 0 {
                vec![behind.id]
            } else {
                Vec::new()
            },
        };
        let (event, _) = Event::record(draft, place).unwrap();
        prev = Some(event.id);
        made.push(Arc::new(event));
    }
    made
}

fn one_by_one(log: &Log) -> String {
    let events = log.events().iter();
    let state = events.fold(State::default(), |state, event| apply(state, event));
    format!("{state:?}")
}

/// Folds the scenario among notes: all at once, and the last third of the notes one by one as they come late.
pub fn comes_to_the_same_among_notes(world: &World, name: &str) {
    let notes = notes(world);
    let (early, late) = notes.split_at(notes.len() * 2 / 3);
    let mut log = Log::new(world.incident.clone(), None);
    let told = world.events.iter().cloned().map(Arc::new);
    log.extend(told.chain(early.iter().cloned()).collect());
    assert_eq!(log.events().len(), world.events.len() + early.len());
    assert_eq!(format!("{:?}", log.state()), one_by_one(&log), "{name}");
    for (number, note) in late.iter().enumerate() {
        log.insert(Arc::clone(note));
        if number % 16 == 0 || number + 1 == late.len() {
            assert_eq!(format!("{:?}", log.state()), one_by_one(&log), "{name}");
        }
    }
    assert_eq!(log.events().len(), world.events.len() + notes.len());
}

//! What a record of a thousand events notices: every byte of it changed, every line deleted, every neighbouring pair
//! swapped; and of what is signed every byte of every statement and of every signature. Each change is found, or leaves
//! a record whose end nobody else has seen.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking; the world is shared with other tests and used in part"
)]

#[path = "agreement/chance.rs"]
mod chance;
#[path = "engine/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use chance::Chance;
use runsheet::engine::Intent;
use runsheet::engine::checkpoint::own;
use runsheet::engine::command::Command;
use runsheet::engine::event::{Draft, Event, Fidelity, Place};
use runsheet::engine::fact::{Fact, Signed};
use runsheet::journal::Store;
use runsheet::journal::verify::{Severity, Trust, verify};
use world::{POLICY, World};

const BOOK: &str = "\
id: a
title: A
steps:
  - {id: drop, title: Drop it, run: './drop', risk: destructive, rollback: ./undo}
  - {id: last, title: Last}
";

/// A record of a thousand events: again and again a step is asked for, approved, run, denied or overridden and
/// reviewed, and people write notes in between.
fn night() -> World {
    let mut world = World::started(POLICY, &[BOOK], &[]);
    let mut round = 0;
    while world.events.len() < 1000 {
        round += 1;
        if world.events.len() > 8 {
            let run = world.run_of(0, &[], &[]);
            world
                .command("alice", Command::StartRun(Box::new(run)))
                .unwrap();
        }
        world.pass(7);
        gated(&mut world, round);
        for who in ["alice", "bob", "carol", "dave", "alice", "bob", "alice"] {
            world.pass(11);
            let text =
                format!("{who} looked at line {round} of the log and saw nothing new in it.");
            let note = Command::Note {
                text,
                at: None,
                until: None,
                fidelity: Fidelity::Exact,
                step: None,
                details: None,
            };
            world.command(who, note).unwrap();
        }
    }
    world.act("carol", Intent::Close).unwrap();
    let reason = "once more".to_owned();
    world.act("carol", Intent::Reopen { reason }).unwrap();
    assert_eq!(world.violations(), Vec::<String>::new());
    world
}

fn gated(world: &mut World, round: usize) {
    if round.is_multiple_of(10) {
        world.overrides("alice", "drop", "nobody is awake").unwrap();
        world.run("alice", "drop").unwrap();
        world.exit("alice", "drop", 0, "");
        let overridden = world.state.owed_reviews().next().unwrap().event;
        let review = Intent::Review {
            overridden,
            accepted: true,
            reason: "right to do".to_owned(),
        };
        world.act("carol", review).unwrap();
        return;
    }
    world.request("alice", "drop").unwrap();
    match round % 5 {
        1 => world.deny("bob", "drop", "not now").map(drop).unwrap(),
        2 => {
            let key = world.key("drop");
            world.act("alice", Intent::Withdraw(key)).unwrap();
        }
        _ => {
            world.approve("bob", "drop").unwrap();
            world.run("alice", "drop").unwrap();
            world.exit("alice", "drop", 0, "");
        }
    }
}

static NIGHT: LazyLock<World> = LazyLock::new(night);

/// On all processors: what went unnoticed.
fn unnoticed<T: Sync>(items: &[T], of: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let size = items.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let hands: Vec<_> = items
            .chunks(size)
            .map(|part| scope.spawn(|| part.iter().flat_map(&of).collect::<Vec<_>>()))
            .collect();
        hands
            .into_iter()
            .flat_map(|hand| hand.join().unwrap())
            .collect()
    })
}

#[test]
fn every_byte_of_a_thousand_lines_is_under_a_digest() {
    let world = &*NIGHT;
    let bytes: usize = world.lines.iter().map(String::len).sum();
    let lines: Vec<_> = world.lines.iter().enumerate().collect();
    let missed = unnoticed(&lines, |(number, line)| {
        let mut wrong = line.as_bytes().to_vec();
        let mut missed = Vec::new();
        for at in 0..wrong.len() {
            // Every bit comes round, another one at each place.
            let bit = 1 << ((at + number) % 8);
            wrong[at] ^= bit;
            let read = std::str::from_utf8(&wrong).map(|text| Event::read(text).is_ok());
            if read == Ok(true) {
                missed.push(format!("line {number}, byte {at}"));
            }
            wrong[at] ^= bit;
        }
        missed
    });
    eprintln!("{bytes} bytes of {} events", lines.len());
    assert!(lines.len() >= 1000 && bytes > 500_000);
    assert_eq!(missed, Vec::<String>::new());
}

/// Who is behind an event in its file, and who cites it.
fn citing(world: &World) -> BTreeMap<usize, BTreeSet<usize>> {
    let places: BTreeMap<_, _> = world
        .events
        .iter()
        .enumerate()
        .map(|(place, event)| (event.id, place))
        .collect();
    let mut citing: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (place, event) in world.events.iter().enumerate() {
        for parent in event.parents() {
            citing.entry(places[&parent]).or_default().insert(place);
        }
    }
    citing
}

/// The segments of the record with one change, and what verification makes of them.
fn proven(dir: &Path, files: &BTreeMap<String, Vec<&str>>) -> (u8, String) {
    let world = &*NIGHT;
    let home = dir.join("incidents").join(world.incident.as_str());
    let _ = fs::remove_dir_all(&home);
    fs::create_dir_all(&home).unwrap();
    for (writer, lines) in files {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(home.join(format!("{writer}.jsonl")), text).unwrap();
    }
    let report = verify(
        &Store::new(dir),
        &world.incident,
        |_| Vec::new(),
        |_| Trust::Trusted,
    );
    let report = report.unwrap();
    let worst = report.findings.first();
    let said = worst.filter(|worst| worst.severity == Severity::Violation);
    let said = said.map_or_else(String::new, |worst| worst.what.clone());
    (report.exit(), said)
}

fn files(world: &World) -> BTreeMap<String, Vec<&str>> {
    let mut files: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (event, line) in world.events.iter().zip(&world.lines) {
        files
            .entry(event.writer.to_string())
            .or_default()
            .push(line);
    }
    files
}

#[test]
fn every_line_deleted_is_missed_by_another_or_was_the_unwitnessed_end() {
    let world = &*NIGHT;
    let citing = citing(world);
    let ends: Vec<usize> = (0..world.events.len())
        .filter(|place| !citing.contains_key(place))
        .collect();
    // Each event but the very last is cited by one that stays: without it that one has nothing to stand on.
    assert_eq!(ends, [world.events.len() - 1]);
    let dir = tempfile::tempdir().unwrap();
    let whole = files(world);
    assert_eq!(proven(dir.path(), &whole).0, 0);
    let mut chance = Chance::new(25);
    let mut places: Vec<usize> = (0..12).map(|_| chance.below(world.events.len())).collect();
    places.extend([0, 1, world.events.len() - 2, world.events.len() - 1]);
    for place in places {
        let gone = world.lines[place].as_str();
        let mut files = whole.clone();
        for lines in files.values_mut() {
            lines.retain(|line| *line != gone);
        }
        let (exit, said) = proven(dir.path(), &files);
        if ends.contains(&place) {
            assert_eq!(exit, 0, "the end that nobody has seen");
            continue;
        }
        assert_eq!(exit, 1, "line {place} deleted");
        assert!(!said.is_empty(), "line {place}");
    }
}

#[test]
fn every_neighbouring_pair_swapped_does_not_follow() {
    let world = &*NIGHT;
    let whole = files(world);
    let mut pairs = 0;
    for lines in whole.values() {
        let events: Vec<Event> = lines
            .iter()
            .map(|line| Event::read(line).unwrap())
            .collect();
        for at in 1..events.len() {
            // Swapped, the later one stands where what is before it is not what it follows.
            let before = at.checked_sub(2).map(|before| events[before].id);
            assert_ne!(events[at].prev, before);
            assert_eq!(events[at].prev, Some(events[at - 1].id));
            pairs += 1;
        }
    }
    assert!(pairs > 900, "{pairs}");
    let dir = tempfile::tempdir().unwrap();
    let mut chance = Chance::new(26);
    for _ in 0..12 {
        let mut files = whole.clone();
        let writer = files.keys().nth(chance.below(files.len())).unwrap().clone();
        let lines = files.get_mut(&writer).unwrap();
        if lines.len() < 2 {
            continue;
        }
        let at = 1 + chance.below(lines.len() - 1);
        lines.swap(at - 1, at);
        assert_eq!(proven(dir.path(), &files).0, 1, "{writer}: {at} swapped");
    }
}

/// The event with something else signed, recorded anew as a forger would: every digest is that of its bytes.
fn with(event: &Event, signed: Signed) -> Option<Event> {
    let mut data = event.fact.data().unwrap();
    data["signed"]["statement"] = signed.statement.into();
    data["signed"]["signature"] = signed.signature.into();
    let raw = serde_json::value::RawValue::from_string(data.to_string()).unwrap();
    let fact = Fact::read(event.fact.kind(), &raw).ok()?;
    let copy = event.clone();
    let draft = Draft {
        occurred_at: copy.occurred_at,
        occurred_until: copy.occurred_until,
        fidelity: copy.fidelity,
        recorded_at: copy.recorded_at,
        person: copy.person,
        signed: copy.signed,
        role: copy.role,
        account: copy.account.to_string(),
        host: copy.host.to_string(),
        boot: copy.boot,
        mode: copy.mode,
        sim_time: copy.sim_time,
        fact,
    };
    let place = Place {
        incident: copy.incident,
        writer: copy.writer,
        seq: copy.seq,
        prev: copy.prev,
        seen: copy.seen,
    };
    Some(Event::record(draft, place).unwrap().0)
}

#[test]
fn every_byte_of_every_kind_of_statement_and_signature_counts() {
    let world = &*NIGHT;
    let incident = world.state.incident.clone().unwrap();
    let signers = own::signers(&world.events);
    let mut kinds: BTreeMap<&str, &Event> = BTreeMap::new();
    for event in world
        .events
        .iter()
        .filter(|event| own::signed(&event.fact).is_some())
    {
        kinds.entry(event.fact.kind()).or_insert(event);
    }
    assert_eq!(kinds.len(), 9, "{:?}", kinds.keys());
    let mut changes = Vec::new();
    for event in kinds.values() {
        assert_eq!(own::holds(&incident, &signers, event), Ok(()));
        let signed = own::signed(&event.fact).unwrap();
        for (part, text) in [(0, &signed.statement), (1, &signed.signature)] {
            // Bytes above ASCII are no text of ours: the bits below are all that can change in JSON.
            let bits = (0..text.len()).flat_map(|at| (0..7).map(move |bit| (at, bit)));
            changes.extend(bits.map(|(at, bit)| (*event, part, at, bit)));
        }
    }
    let missed = unnoticed(&changes, |(event, part, at, bit)| {
        let mut signed = own::signed(&event.fact).unwrap().clone();
        let text = if *part == 0 {
            &mut signed.statement
        } else {
            &mut signed.signature
        };
        let mut bytes = std::mem::take(text).into_bytes();
        bytes[*at] ^= 1 << bit;
        *text = String::from_utf8(bytes).unwrap();
        let changed = with(event, signed).unwrap();
        match own::holds(&incident, &signers, &changed) {
            Err(_) => Vec::new(),
            Ok(()) => vec![format!(
                "{}, part {part}, byte {at}, bit {bit}",
                event.fact.kind()
            )],
        }
    });
    eprintln!(
        "{} changes of {} statements and signatures",
        changes.len(),
        kinds.len()
    );
    assert!(changes.len() > 60_000);
    assert_eq!(missed, Vec::<String>::new());
}

#[test]
fn a_line_of_a_statement_left_out_twice_or_moved_is_no_statement() {
    let world = &*NIGHT;
    let mut texts = BTreeSet::new();
    for event in &world.events {
        if let Some(signed) = own::signed(&event.fact) {
            texts.insert((event.fact.kind(), signed.statement.clone()));
        }
    }
    let parse = |rows: &[&str]| {
        let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
        runsheet::trust::AnyStatement::parse(text.as_bytes())
    };
    for (kind, text) in &texts {
        let rows: Vec<&str> = text.lines().collect();
        assert!(parse(&rows).is_ok(), "{kind}");
        for at in 0..rows.len() {
            let mut without = rows.clone();
            without.remove(at);
            assert!(parse(&without).is_err(), "{kind} without {}", rows[at]);
            let mut twice = rows.clone();
            twice.insert(at, rows[at]);
            assert!(parse(&twice).is_err(), "{kind} twice {}", rows[at]);
            if at > 0 && rows[at] != rows[at - 1] {
                let mut moved = rows.clone();
                moved.swap(at, at - 1);
                assert!(parse(&moved).is_err(), "{kind} moved {}", rows[at]);
            }
        }
    }
}

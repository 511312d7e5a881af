//! Two verifiers that share no code, the program and `tests/verifier`, judge the same records: every scenario, random
//! walks of honest people, and what forgers make of them. They have to agree on every verdict: proven, violated, owed.
//!
//! `AGREEMENT=5000` judges so many records instead of the few of an ordinary run, `AGREEMENT_SEED` begins elsewhere.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking and tells its story in one piece; files shared with other tests are used in part"
)]

mod both;
mod chance;
mod drill;
mod forger;
mod shelf;
mod telling;
mod wander;

#[path = "../engine/scenario.rs"]
mod scenario;
#[path = "../engine/told.rs"]
mod told;
#[path = "../engine/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use both::{Case, Judges};
use chance::Chance;
use forger::Tape;
use runsheet::evidence::Digest;
use runsheet::journal::Log;
use shelf::Shelf;
use world::World;

/// What an ordinary run judges.
const FEW: usize = 300;

fn how_many() -> usize {
    let given = std::env::var("AGREEMENT").ok();
    given.map_or(FEW, |text| text.parse().unwrap())
}

fn seed() -> u64 {
    let given = std::env::var("AGREEMENT_SEED").ok();
    given.map_or(1, |text| text.parse().unwrap())
}

/// Records of honest people: every scenario, and walks.
fn honest(shelf: &mut Shelf, chance: &mut Chance, walks: usize) -> Vec<(String, World)> {
    let mut worlds = Vec::new();
    for (name, text) in scenario::all() {
        let scene = scenario::read(&text);
        let books: Vec<_> = scene.books.iter().map(String::as_str).collect();
        let mut world = shelf.place(World::new(&scene.policy, &books));
        // Every script runs two files; what is signed about it names them.
        for name in ["./run it", "/usr/bin/é"] {
            world
                .files
                .insert(name.to_owned(), Digest::of(name.as_bytes()));
        }
        worlds.push((name.clone(), scenario::play_in(world, &scene, &name)));
    }
    for number in 0..walks {
        worlds.push((format!("walk {number}"), wander::walk(shelf, chance)));
    }
    worlds
}

#[test]
fn the_program_and_a_verifier_that_shares_no_code_with_it_agree_on_every_record() {
    let dir = tempfile::tempdir().unwrap();
    let mut shelf = Shelf::new(&dir.path().join("library"));
    let mut chance = Chance::new(seed());
    let wanted = how_many();
    let worlds = honest(&mut shelf, &mut chance, wanted / 20);
    let mut cases: Vec<Case> = Vec::new();
    for (name, world) in &worlds {
        cases.push(Case::segments(name.clone(), Tape::of(world)));
        cases.push(Case::git(format!("{name} in git"), Tape::of(world), None));
    }
    while cases.len() < wanted {
        let (name, world) = chance.one(&worlds);
        cases.push(forger::broken(name, Tape::of(world), &mut chance));
    }
    let judges = Judges::new(dir.path(), &shelf);
    let verdicts = judges.judge(&cases);
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for event in worlds.iter().flat_map(|(_, world)| &world.events) {
        *kinds.entry(event.fact.kind()).or_default() += 1;
    }
    eprintln!("events of {} honest records: {kinds:?}", worlds.len());
    let mut figures: BTreeMap<String, usize> = BTreeMap::new();
    let mut apart = Vec::new();
    for (case, verdict) in cases.iter().zip(&verdicts) {
        *figures.entry(verdict.figure()).or_default() += 1;
        if verdict.program != verdict.other {
            apart.push(format!("{}: {verdict:#?}", case.name));
        }
    }
    eprintln!("{} records: {figures:?}", cases.len());
    if let Ok(path) = std::env::var("AGREEMENT_REPORT") {
        std::fs::write(path, apart.join("\n")).unwrap();
    }
    assert!(
        apart.is_empty(),
        "{} disagreements:\n{}",
        apart.len(),
        apart.iter().take(5).cloned().collect::<Vec<_>>().join("\n")
    );
    for needed in ["0", "1", "2"] {
        assert!(
            figures.contains_key(needed),
            "no record with verdict {needed}"
        );
    }
}

/// The other verifier computes ed25519 itself; that is only as good as its agreement with the stock program.
#[test]
fn the_other_verifier_and_the_stock_ssh_keygen_agree_on_signatures() {
    let dir = tempfile::tempdir().unwrap();
    let mut shelf = Shelf::new(&dir.path().join("library"));
    let mut chance = Chance::new(seed());
    let worlds: Vec<_> = honest(&mut shelf, &mut chance, 2)
        .into_iter()
        .filter(|(_, world)| {
            world
                .lines
                .iter()
                .any(|line| line.contains("SSH SIGNATURE"))
        })
        .collect();
    let mut cases: Vec<_> = worlds
        .iter()
        .map(|(name, world)| Case::segments(name.clone(), Tape::of(world)))
        .collect();
    for _ in 0..how_many() / 10 {
        let (name, world) = chance.one(&worlds);
        cases.push(forger::signed_wrong(name, Tape::of(world), &mut chance));
    }
    let mut judges = Judges::new(dir.path(), &shelf);
    let own = judges.judge(&cases);
    judges.arguments.push("--ssh-keygen".to_owned());
    let stock = judges.judge(&cases);
    for ((case, own), stock) in cases.iter().zip(&own).zip(&stock) {
        assert_eq!(own.other, stock.other, "{}: {own:#?} {stock:#?}", case.name);
    }
    assert!(stock.iter().any(|verdict| verdict.other == 0));
    assert!(stock.iter().any(|verdict| verdict.other == 1));
}

/// Whoever acts only as `decide` lets them has broken no promise by what they knew, whatever crossed on the way.
#[test]
fn honest_people_who_do_not_hear_of_each_other_break_no_promise() {
    let dir = tempfile::tempdir().unwrap();
    let mut shelf = Shelf::new(&dir.path().join("library"));
    let mut chance = Chance::new(seed());
    let mut broken = BTreeMap::new();
    for (name, world) in honest(&mut shelf, &mut chance, how_many() / 4) {
        let mut log = Log::new(world.incident.clone(), None);
        log.extend(world.events.iter().cloned().map(Arc::new).collect());
        for flag in log.state().flags.iter().filter(|flag| flag.violation) {
            let known = log.state_known_to(&flag.event);
            let mut own = known.flags.iter();
            if own.any(|own| own.violation && own.event == flag.event) {
                broken.insert(flag.what.clone(), name.clone());
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

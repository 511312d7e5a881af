//! How long the real program takes from its start to its end: simple commands in an incident of 1,000 and of 10,000
//! events, and the list of incidents beside it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a benchmark stops where it fails"
)]

#[path = "../support/team.rs"]
mod team;

use std::convert::Infallible;

use divan::Bencher;
use runsheet::engine::event::{Draft, Event};
use runsheet::engine::fact::{Fact, NoteAdded};
use team::{Person, Team};

const WALK: &str = "\
id: walk
title: Walk
severity: sev3
summary: A walk to measure by.
owner: walk
inputs:
  place: {prompt: Where}
steps:
  - id: quick
    run: 'true'
";

fn main() {
    divan::main();
}

/// As `event`, with another text.
fn like(event: &Event, text: String) -> Draft {
    Draft {
        occurred_at: event.occurred_at,
        occurred_until: None,
        fidelity: event.fidelity,
        recorded_at: event.recorded_at,
        person: event.person.clone(),
        signed: event.signed,
        role: event.role.clone(),
        account: event.account.to_string(),
        host: event.host.to_string(),
        boot: event.boot.clone(),
        mode: event.mode,
        sim_time: None,
        fact: Fact::from(NoteAdded {
            text,
            step: None,
            details: None,
        }),
    }
}

/// An incident with so many events, all of them published.
fn night(events: usize) -> (Team, Person, String) {
    let team = Team::new(&[("walk", WALK)]);
    let robin = team.person("robin");
    let inc = robin.start("walk");
    let mut journal = robin.journal(&inc);
    let first = journal.log().events().first().unwrap().clone();
    let notes = (0..events).map(|n| like(&first, format!("Line {n} was looked at.")));
    journal
        .transact(|_| Ok::<_, Infallible>((notes.collect(), ())))
        .unwrap();
    drop(journal);
    robin.ok(&["note", &inc, "published"]);
    (team, robin, inc)
}

#[divan::bench(sample_count = 20, sample_size = 1, args = [1_000, 10_000])]
fn note(bencher: Bencher<'_, '_>, events: usize) {
    let (_team, robin, inc) = night(events);
    bencher.bench_local(|| robin.ok(&["note", &inc, "Seen again."]));
}

#[divan::bench(sample_count = 20, sample_size = 1, args = [1_000, 10_000])]
fn status(bencher: Bencher<'_, '_>, events: usize) {
    let (_team, robin, inc) = night(events);
    bencher.bench_local(|| robin.ok(&["status", &inc]));
}

#[divan::bench(sample_count = 5, sample_size = 1, args = [1_000, 10_000])]
fn verify(bencher: Bencher<'_, '_>, events: usize) {
    let (_team, robin, inc) = night(events);
    bencher.bench_local(|| robin.ok(&["verify", &inc]));
}

/// A runbook with so many steps that need an approval.
fn gated(steps: usize) -> String {
    let steps: String = (0..steps)
        .map(|n| format!("  - {{id: s{n}, run: 'true', risk: destructive}}\n"))
        .collect();
    let (head, _) = WALK.split_once("steps:\n").unwrap();
    format!("{head}steps:\n{steps}")
}

/// Two people's night: so many steps asked for, approved, passed and run, and notes up to so many events.
fn approved(events: usize, steps: usize) -> (Team, Person, String) {
    let book = gated(steps);
    let team = Team::new(&[("walk", &book)]).with_spool();
    let (robin, sasha) = (team.person("robin"), team.person("sasha"));
    let inc = robin.start("walk");
    for step in (0..steps).map(|n| format!("s{n}")) {
        robin.ok(&["request", &inc, &step]);
        sasha.ok(&["approve", &inc, &step]);
        robin.ok(&["step", &inc, &step, "run"]);
    }
    let mut journal = robin.journal(&inc);
    let first = journal.log().events().first().unwrap().clone();
    let notes = (journal.log().events().len()..events - 1)
        .map(|n| like(&first, format!("Line {n} was looked at.")));
    journal
        .transact(|_| Ok::<_, Infallible>((notes.collect(), ())))
        .unwrap();
    drop(journal);
    robin.ok(&["note", &inc, "published"]);
    (team, robin, inc)
}

/// Promised within ten seconds.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn verify_10_000_events_with_200_approvals(bencher: Bencher<'_, '_>) {
    let (_team, robin, inc) = approved(10_000, 200);
    let said = robin.ok(&["verify", &inc]);
    assert!(said.contains("200 checkpoint.approved"), "{said}");
    assert!(said.contains("proven: 10000 events"), "{said}");
    bencher.bench_local(|| robin.ok(&["verify", &inc]));
}

/// What Home and `incidents` do with records that nothing happened in since they were listed last.
#[divan::bench(sample_count = 20, sample_size = 1, args = [1_000, 10_000])]
fn incidents_of_which_one_is_closed(bencher: Bencher<'_, '_>, events: usize) {
    let (_team, robin, inc) = night(events);
    robin.ok(&["step", &inc, "quick", "run"]);
    robin.ok(&["close", &inc]);
    robin.ok(&["incidents"]);
    bencher.bench_local(|| robin.ok(&["incidents"]));
}

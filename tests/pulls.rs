//! A step that pulls logs, while others of the same person look on or break it off.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "support/team.rs"]
mod team;

use std::fs;
use std::process::{Child, Command, Stdio};

use team::{Person, Team, text, wait_for};

/// Its log comes from a script that says a line, and another one once there is a file `go`.
const BOOK: &str = "\
id: slow-logs
title: The logs come slowly
summary: A host answers late.
last_reviewed: 2026-10-01
inputs:
  place: {prompt: Where?}
logs:
  far:
    run: 'echo \"2026-11-23T14:00:00Z first\"; touch $place/begun; while [ ! -e $place/go ]; do sleep 0.05; done; echo \"2026-11-23T14:00:01Z last\"'
steps:
  - {id: pull, collect: {logs: [far]}}
";

fn begun() -> (Team, Person, String, Child) {
    let team = Team::new(&[("slow-logs", BOOK)]);
    fs::create_dir_all(team.place()).unwrap();
    let robin = team.person("robin");
    let inc = robin.start("slow-logs");
    let pulling = robin
        .command(&["step", &inc, "pull", "run"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("beginning of the pull", || {
        team.place().join("begun").exists().then_some(())
    });
    (team, robin, inc, pulling)
}

fn pieces(person: &Person, inc: &str) -> usize {
    let journal = person.journal(inc);
    let events = journal.log().events().to_vec();
    events.iter().map(|event| event.fact.evidence().len()).sum()
}

#[test]
fn a_pull_that_is_under_way_is_left_alone_by_everything_else() {
    let (team, robin, inc, pulling) = begun();
    for look in ["status", "timeline", "suggest", "metrics"] {
        let said = robin.run(&[look, &inc]);
        let said = format!("{}{}", text(&said.stdout), text(&said.stderr));
        assert!(!said.contains("somebody has to look"), "{look}: {said}");
    }
    fs::write(team.place().join("go"), "").unwrap();
    let done = pulling.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(pieces(&robin, &inc), 1);
    assert!(!robin.ok(&["timeline", &inc]).contains("unknown"));
}

#[test]
fn a_pull_that_is_killed_is_found_out() {
    let (_team, robin, inc, mut pulling) = begun();
    pulling.kill().unwrap();
    pulling.wait().unwrap();
    let said = robin.run(&["status", &inc]);
    assert!(
        text(&said.stderr).contains("somebody has to look"),
        "{}",
        text(&said.stderr)
    );
}

#[test]
fn an_interrupt_ends_the_pull_of_a_step_and_keeps_what_there_is() {
    let (_team, robin, inc, pulling) = begun();
    let sent = Command::new("kill")
        .args(["-INT", &pulling.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let done = pulling.wait_with_output().unwrap();
    assert!(done.status.code().is_some(), "{}", text(&done.stderr));
    assert_eq!(pieces(&robin, &inc), 1);
    let timeline = robin.ok(&["timeline", &inc]);
    assert!(!timeline.contains("unknown"), "{timeline}");
}

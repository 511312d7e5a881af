//! What there is to practise in an old incident, from the command line: a scenario is drawn, the incident is walked
//! through again, and its record stays as it was.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

mod support;
#[path = "support/team.rs"]
mod team;

use serde_json::Value;
use team::Team;

const BOOK: &str = "\
id: restart
title: Restart the service
severity: sev2
inputs:
  place: {}
steps:
  - {id: look, title: Look, phase: identification, run: 'echo robin sees 198.51.100.77'}
  - {id: restart, title: Restart, phase: recovery}
";

/// A walked incident: its team, and its id.
fn walked() -> (Team, String) {
    let team = Team::new(&[("restart", BOOK)]);
    let robin = team.person("robin");
    let inc = robin.start("restart");
    robin.ok(&["step", &inc, "look", "run"]);
    robin.ok(&["note", &inc, "\u{1b}[2Jsasha was on the phone"]);
    robin.ok(&["step", &inc, "restart", "done"]);
    (team, inc)
}

#[test]
fn a_scenario_is_drawn_that_can_be_rehearsed_and_names_nobody() {
    let (team, inc) = walked();
    let robin = team.person("robin");
    let events = || robin.journal(&inc).log().events().len();
    let before = events();
    let file = team.dir.path().join("again.yaml");
    let path = file.to_str().unwrap();
    let done = robin.run(&["exercise", "from", &inc, "-o", path]);
    let said = team::text(&done.stderr);
    assert!(done.status.success(), "{said}");
    assert!(said.contains("this incident is not closed"), "{said}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("\nid: again\n") && text.contains("runbook: restart"),
        "{text}"
    );
    assert!(
        !text.contains("robin") && !text.contains("198.51.100.77"),
        "{text}"
    );
    // What is there is not written over.
    robin.fails(2, &["exercise", "from", &inc, "-o", path]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    let came = robin.ok(&["exercise", "rehearse", path]);
    assert!(came.contains("inject opening"), "{came}");
    let printed = robin.ok(&["exercise", "from", &inc, "--id", "again"]);
    assert_eq!(printed, text);
    assert_eq!(events(), before);
}

#[test]
fn an_incident_is_walked_through_again_and_stays_as_it_was() {
    let (team, inc) = walked();
    let robin = team.person("robin");
    let events = || robin.journal(&inc).log().events().len();
    let before = events();
    let text = robin.ok(&["exercise", "replay", &inc]);
    assert!(
        text.contains("── 1 of ") && text.contains("done after"),
        "{text}"
    );
    assert!(
        text.contains("sasha was on the phone") && !text.contains('\u{1b}'),
        "{text}"
    );
    let one = robin.ok(&["exercise", "replay", &inc, "--entries", "1"]);
    assert!(one.len() < text.len());
    let json: Value =
        serde_json::from_str(&robin.ok(&["--json", "exercise", "replay", &inc])).unwrap();
    let points = json["points"].as_array().unwrap();
    assert_eq!(points.last().unwrap()["did"].as_array().unwrap().len(), 1);
    assert_eq!(events(), before);
}

//! Exercises played to their end by scripts that a person can read: every shipped scenario with all expectations met, with
//! some missed, and broken off. Several people at their own desks share a spool; the clocks move only when the play does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

mod drawn;
#[allow(dead_code, reason = "the record's tests use all of it")]
#[path = "../example/mod.rs"]
mod example;
mod play;
mod stage;
mod time;
#[path = "../engine/world.rs"]
#[allow(dead_code, reason = "each test file uses its part")]
mod world;

use play::{Play, played};
use runsheet::exercise::report;
use runsheet::exercise::seal::Verdict;
use stage::Stage;

const SCENARIOS: [&str; 4] = [
    "data-breach-regulator",
    "failover-wrong-runbook",
    "leaked-key-insider",
    "ransomware-friday-evening",
];

fn play(scenario: &str, how: &str) -> Stage {
    let path = format!(
        "{}/tests/exercise/plays/{scenario}.{how}.yaml",
        env!("CARGO_MANIFEST_DIR")
    );
    let play = Play::read(&path);
    assert_eq!(play.scenario, scenario);
    played(&play)
}

#[test]
fn every_shipped_scenario_can_be_played_with_all_its_expectations_met() {
    for scenario in SCENARIOS {
        let stage = play(scenario, "met");
        let score = stage.score();
        for one in &score.expectations {
            assert_eq!(one.verdict, Verdict::Met, "{scenario}: {} {one:#?}", one.id);
        }
        reports(&format!("{scenario}.met"), &stage);
        stage.is_proven();
    }
}

#[test]
fn every_shipped_scenario_can_be_played_with_some_missed() {
    for scenario in SCENARIOS {
        let stage = play(scenario, "some-missed");
        let score = stage.score();
        let of = |verdict| {
            score
                .expectations
                .iter()
                .filter(|one| one.verdict == verdict)
                .count()
        };
        assert!(
            of(Verdict::Missed) > 0 && of(Verdict::Met) > 0,
            "{scenario}"
        );
        reports(&format!("{scenario}.some-missed"), &stage);
        stage.is_proven();
    }
}

#[test]
fn every_shipped_scenario_can_be_broken_off() {
    for scenario in SCENARIOS {
        let stage = play(scenario, "aborted");
        let state = stage.session("fay").state().clone();
        let ended = state.exercise.as_ref().unwrap().ended.clone().unwrap();
        assert!(ended.aborted && ended.reason.is_some(), "{scenario}");
        reports(&format!("{scenario}.aborted"), &stage);
    }
}

/// Its after-action report, as it is kept: in Markdown, and one of them in the other formats as well.
fn reports(name: &str, stage: &Stage) {
    golden(&format!("{name}.md"), &report::markdown(&stage.report()));
    if name == "leaked-key-insider.some-missed" {
        golden(&format!("{name}.html"), &report::html(&stage.report()));
        golden(
            &format!("{name}.json"),
            &report::json(&stage.report()).unwrap(),
        );
    }
}

/// Compares with a file that is kept; `UPDATE_GOLDEN=1` writes it.
fn golden(name: &str, text: &str) {
    let text = &unnamed(text);
    let path = format!(
        "{}/tests/exercise/golden/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == *text,
        "{path} is not what was played (UPDATE_GOLDEN=1 writes it)"
    );
}

/// Without the names of events and commits: they hang on where the library of this run lies.
fn unnamed(text: &str) -> String {
    let name = regex::Regex::new(r"\b(e?)([0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{12})\b").unwrap();
    name.replace_all(text, |found: &regex::Captures<'_>| {
        // The account of the shipped scenarios looks like one.
        match &found[2] {
            "111122223333" => found[0].to_owned(),
            hex => format!("{}{}", &found[1], "0".repeat(hex.len())),
        }
    })
    .into_owned()
}

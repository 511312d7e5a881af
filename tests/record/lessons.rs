//! What an incident taught becomes a patch that git applies, and that leaves the same runbook but for what it changes.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use runsheet::engine::fact::Fact;
use runsheet::runbook::model::Step;
use runsheet::runbook::parse;
use runsheet::timeline::lessons::{Lesson, Patch, annotated, patches};
use runsheet::trust::Mode;
use tempfile::TempDir;

use super::events::Tape;
use super::golden;
use super::walked::{BOOK, folded, timeline_of, walked};

fn made(tape: &Tape) -> Vec<Patch> {
    let (state, timeline) = (folded(tape), timeline_of(tape));
    patches(
        &state,
        &tape.events,
        &timeline,
        "Alice Ames <alice@example.org>",
    )
}

/// The same walk, through a runbook with this text.
fn walked_through(text: &str) -> Vec<Patch> {
    let mut tape = walked(Mode::Live);
    let timeline = timeline_of(&tape);
    let mut state = folded(&tape);
    let run = Arc::make_mut(&mut state.runs[0]);
    Arc::make_mut(&mut run.pin).text = text.to_owned();
    tape.events
        .retain(|event| !matches!(event.fact, Fact::RunStarted(_)));
    patches(
        &state,
        &tape.events,
        &timeline,
        "Alice Ames <alice@example.org>",
    )
}

fn git(dir: &Path, args: &[&str]) {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=E",
            "-c",
            "user.email=e@example.org",
            "-c",
            "core.autocrlf=false",
        ])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What git makes of a text and a patch of it.
fn applied(text: &str, patch: &Patch, how: &[&str]) -> String {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join(&patch.path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text).unwrap();
    std::fs::write(dir.path().join("p.patch"), &patch.text).unwrap();
    git(dir.path(), &["init", "--quiet"]);
    git(dir.path(), &["add", "runbooks"]);
    git(dir.path(), &["commit", "--quiet", "-m", "x"]);
    git(dir.path(), &[how, &["p.patch"]].concat());
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn what_was_learnt_is_a_patch_that_git_takes() {
    let patches = made(&walked(Mode::Live));
    let [patch] = patches.as_slice() else {
        panic!("{patches:?}");
    };
    golden("export/lessons.patch", &patch.text);
    assert!(patch.problems.is_empty(), "{:?}", patch.problems);
    let text = applied(BOOK, patch, &["apply"]);
    assert_eq!(text, applied(BOOK, patch, &["am", "--quiet"]));
    assert!(
        text.contains("within: 30m}   # agreed with support"),
        "{text}"
    );
    let was = parse::runbook("", BOOK.as_bytes()).0.unwrap();
    let is = parse::runbook("", text.as_bytes()).0.unwrap();
    assert_eq!(is.steps[1].due.as_ref().unwrap().within.as_secs(), 1800);
    assert_eq!(is.steps[2..], was.steps[2..]);
    assert_eq!(is.steps[0], was.steps[0]);
}

#[test]
fn a_text_that_cannot_be_changed_safely_gets_comments_only() {
    let one_line = "id: drop-it\ntitle: Drop it\nsteps: [{id: look}, {id: drop, due: {clock: detected, within: 15m}}, {id: forensics}, {id: tell}]";
    let folded_due = "id: drop-it\r\ntitle: Drop it\r\nsteps:\r\n- id: look\r\n- id: drop\r\n  due:\r\n    clock: detected\r\n    within: \"15m\"\r\n- id: forensics\r\n- id: tell\r\n";
    let broken = "id: [";
    for text in [one_line, folded_due, broken, BOOK] {
        let patches = walked_through(text);
        let new = applied(text, &patches[0], &["apply"]);
        assert!(new.contains("# INC-PQRS 2026-11-23: "), "{new}");
        let (was, is) = (
            parse::runbook("", text.as_bytes()).0,
            parse::runbook("", new.as_bytes()).0,
        );
        let steps = |book: &Option<runsheet::runbook::model::Runbook>| {
            book.as_ref().map(|book| {
                book.steps
                    .iter()
                    .map(|step| step.kind.clone())
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(steps(&was), steps(&is));
    }
}

/// Every shipped runbook with a comment at every step and every `due` made longer is the same runbook but for those.
#[test]
fn every_step_of_every_shipped_runbook_can_be_annotated() {
    let mut found = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let mut was = parse::runbook("", text.as_bytes()).0.unwrap();
        let due = Duration::from_secs(72 * 3600 + 1800);
        let lesson = |step: &Step| Lesson {
            step: step.id.clone(),
            what: "took longer: {x} 'y' - # z".to_owned(),
            due: step.due.as_ref().map(|_| due),
        };
        let lessons: Vec<_> = was.steps.iter().map(lesson).collect();
        let (new, problems) = annotated(&text, &lessons, "INC-PQRS");
        assert_eq!(problems, Vec::<String>::new());
        let is = parse::runbook("", new.as_bytes()).0.unwrap();
        for step in &mut was.steps {
            if let Some(one) = &mut step.due {
                one.within = due;
                found += 1;
            }
        }
        assert_eq!(is, was);
        assert_eq!(
            new.matches("# INC-PQRS: took longer").count(),
            was.steps.len()
        );
    }
    assert!(found > 0);
}

#[test]
fn a_drill_says_so_in_its_comments() {
    let patches = made(&walked(Mode::Exercise));
    assert!(
        patches[0].text.contains("+  # EXERCISE INC-"),
        "{}",
        patches[0].text
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_a_runbook_looks_like_git_applies_the_patch_and_no_step_changes(
        head in "(# [a-z: -]{0,9}\n){0,3}",
        between in "(\n|  # [a-z:{ -]{0,9}\n|    instructions: \\|\n      [a-z# :]{1,9}\n){0,2}",
        flow in any::<bool>(),
        newline in any::<bool>(),
    ) {
        let drop = if flow {
            "  - {id: drop, due: {clock: detected, within: 15m}}\n"
        } else {
            "  - id: drop\n    due:\n      within: 15m # why\n      clock: detected\n"
        };
        let end = if newline { "\n" } else { "" };
        let text = format!("{head}id: drop-it\ntitle: Drop it\nsteps:\n  - id: look\n{between}{drop}  - id: forensics\n  - id: tell{end}");
        let was = parse::runbook("", text.as_bytes()).0;
        let patches = walked_through(&text);
        let new = applied(&text, &patches[0], &["apply"]);
        let is = parse::runbook("", new.as_bytes()).0;
        if let (Some(mut was), Some(is)) = (was, is.clone()) {
            prop_assert_eq!(is.steps[1].due.as_ref().map(|due| due.within.as_secs()), Some(1800));
            was.steps[1].due.clone_from(&is.steps[1].due);
            prop_assert_eq!(was, is);
        } else {
            prop_assert!(is.is_none());
        }
    }
}

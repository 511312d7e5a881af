//! Scenarios beside the runbooks of a library: never taken for a broken runbook, listed apart, shown to players as far
//! as they may see, and described as they are.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use runsheet::library::catalog::Memory;
use runsheet::library::{Library, LibraryError, seed};
use runsheet::runbook::check::{File, Set, check};
use runsheet::runbook::scenario::{Form, is_scenario, parse};
use runsheet::runbook::{header, schema};
use serde_json::Value;
use support::{commit, git, repository};
use tempfile::TempDir;

const SCENARIO: &str = include_str!("scenarios/every-key.yaml");
const BOOK: &str = include_str!("scenarios/restart-api.yaml");

fn library(dir: &Path) -> PathBuf {
    let path = repository(&dir.join("library"));
    commit(&path, "runbooks/restart-api.yaml", BOOK, "Add a runbook");
    commit(
        &path,
        "runbooks/drills/every-key.yaml",
        SCENARIO,
        "Add a scenario",
    );
    path
}

/// The program on that library: status, standard output, standard error.
fn runsheet(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let home = dir.join("home");
    let gitconfig = dir.join("gitconfig");
    std::fs::write(
        &gitconfig,
        "[user]\nname = Alice\nemail = alice@example.org\n",
    )
    .unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_runsheet"))
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &home)
        .env("GIT_CONFIG_GLOBAL", &gitconfig)
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("LANG", "C.UTF-8")
        .env("RUNSHEET_STATE", dir.join("state"))
        .env("RUNSHEET_LIBRARY", dir.join("library"))
        .current_dir(dir)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        done.status.code().unwrap(),
        text(done.stdout),
        text(done.stderr),
    )
}

#[test]
fn a_library_lists_its_scenarios_apart_and_reads_one_at_its_pin() {
    let dir = TempDir::new().unwrap();
    let path = library(dir.path());
    let library = Library::open_path(&path).unwrap();
    let old = library.pin().unwrap();
    let memory = Memory::of(&library, &dir.path().join("cache"), header::LISTED);
    // The second time the memory is asked.
    for _ in 0..2 {
        let found = library.scenarios(&old, Some(&memory)).unwrap();
        let [(entry, head)] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(entry.path, "runbooks/drills/every-key.yaml");
        assert_eq!(
            (head.id.as_str(), head.title.as_str()),
            ("every-key", "The API stops")
        );
        assert_eq!(head.form, Some(Form::Functional));
    }
    let changed = SCENARIO.replace("title: The API stops\n", "title: The API hangs\n");
    commit(
        &path,
        "runbooks/drills/every-key.yaml",
        &changed,
        "Change it",
    );
    let title = |pin| library.scenario(&pin, "every-key").unwrap().2.title;
    assert_eq!(title(old.clone()), "The API stops");
    assert_eq!(title(library.pin().unwrap()), "The API hangs");
    let (_, blob, scenario) = library.scenario(&old, "every-key").unwrap();
    assert_eq!(parse("again", &blob.bytes).unwrap(), scenario);
}

#[test]
fn a_scenario_that_is_not_there_or_broken_is_told() {
    let dir = TempDir::new().unwrap();
    let path = library(dir.path());
    commit(
        &path,
        "runbooks/broken.yaml",
        "kind: scenario\nid: broken\n",
        "Break one",
    );
    commit(&path, "runbooks/again/every-key.yaml", SCENARIO, "Twice");
    let library = Library::open_path(&path).unwrap();
    let pin = library.pin().unwrap();
    let refused = |id| library.scenario(&pin, id).unwrap_err().to_string();
    assert_eq!(
        refused("every-kez"),
        "the library has no scenario `every-kez`; did you mean `every-key`?"
    );
    // A runbook is none.
    assert!(refused("restart-api").starts_with("the library has no scenario"));
    assert!(refused("every-key").starts_with("two scenarios are called every-key"));
    let broken = library.scenario(&pin, "broken").unwrap_err();
    assert!(
        matches!(&broken, LibraryError::BrokenScenario(problems) if problems.len() == 8),
        "{broken}"
    );
    assert!(
        broken
            .to_string()
            .contains("runbooks/broken.yaml:1:1: error: `scenario` has no `clock`")
    );
}

#[test]
fn runbooks_and_scenarios_are_listed_apart() {
    let dir = TempDir::new().unwrap();
    library(dir.path());
    let (status, out, err) = runsheet(dir.path(), &["list"]);
    assert_eq!(status, 0, "{err}");
    assert!(
        out.starts_with("restart-api ") && out.lines().count() == 1,
        "{out}"
    );
    let (status, out, err) = runsheet(dir.path(), &["list", "--scenarios"]);
    assert_eq!(status, 0, "{err}");
    assert!(
        out.starts_with("every-key ") && out.contains("functional") && out.lines().count() == 1,
        "{out}"
    );
    let (_, out, _) = runsheet(dir.path(), &["list", "--scenarios", "stops", "--json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["scenarios"][0]["scenario"]["form"], "functional");
    let (_, out, _) = runsheet(dir.path(), &["list", "--scenarios", "zzz"]);
    assert_eq!(out.trim(), "");
}

#[test]
fn players_are_shown_the_public_part_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    library(dir.path());
    let (status, text, err) = runsheet(dir.path(), &["show", "every-key"]);
    assert_eq!(status, 0, "{err}");
    for part in [
        "The API stops",
        "You are on call",
        "restart-api",
        "PELICAN",
        "90 simulated minutes",
        "6 times",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (status, json, err) = runsheet(dir.path(), &["show", "every-key", "--json"]);
    assert_eq!(status, 0, "{err}");
    let value: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["scenario"]["id"], "every-key");
    for secret in [
        "newspaper",
        "pager",
        "Call them",
        "deployment is to blame",
        "Job failed",
        "Dana",
        "Ask for the",
    ] {
        assert!(SCENARIO.contains(secret), "{secret}");
        assert!(!text.contains(secret) && !json.contains(secret), "{secret}");
    }
}

#[test]
fn a_scenario_is_checked_beside_the_runbooks_and_starts_as_none() {
    let dir = TempDir::new().unwrap();
    let path = library(dir.path());
    let (status, out, err) = runsheet(dir.path(), &["check"]);
    assert!(status == 0 && !out.contains("every-key"), "{out}{err}");
    let (_, out, err) = runsheet(dir.path(), &["check", "--gates"]);
    assert!(out.contains("restart-api.yaml") && !(out + &err).contains("every-key"));
    let (status, _, err) = runsheet(dir.path(), &["start", "every-key"]);
    assert!(
        status != 0 && err.contains("this is the scenario of an exercise and no runbook"),
        "{err}"
    );

    let wrong = SCENARIO.replace("{asked: restart}", "{asked: restat}");
    commit(&path, "runbooks/drills/every-key.yaml", &wrong, "Misspell");
    let place = "runbooks/drills/every-key.yaml:56:21";
    let (status, out, _) = runsheet(dir.path(), &["check"]);
    assert_eq!(status, 1);
    let wanted = format!("{place}: error: no step is called `restat` (did you mean `restart`?)");
    assert!(out.contains(&wanted), "{out}");
    let (_, out, _) = runsheet(dir.path(), &["check", "--format", "json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert!(
        json["problems"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["code"] == "unknown-step")
    );
    let (_, out, _) = runsheet(dir.path(), &["check", "--format", "sarif"]);
    let sarif: Value = serde_json::from_str(&out).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(results.iter().any(|it| it["ruleId"] == "unknown-step"));
}

#[test]
fn the_schema_is_printed() {
    let dir = TempDir::new().unwrap();
    let (status, out, _) = runsheet(dir.path(), &["schema", "scenario"]);
    assert_eq!(status, 0);
    assert_eq!(
        serde_json::from_str::<Value>(&out).unwrap(),
        schema::scenario()
    );
}

#[test]
fn what_is_shipped_is_listed_and_checked_without_a_fault() {
    let dir = TempDir::new().unwrap();
    let shipped = seed::shipped();
    let path = repository(&dir.path().join("library"));
    for (name, bytes) in &shipped {
        let file = path.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
    git(&path, &["add", "."]);
    git(&path, &["commit", "--quiet", "-m", "All"]);
    let scenarios = shipped
        .iter()
        .filter(|(_, bytes)| is_scenario(bytes))
        .count();
    let (_, out, _) = runsheet(dir.path(), &["list"]);
    assert_eq!(out.lines().count(), shipped.len() - scenarios);
    assert!(!out.contains("BROKEN"), "{out}");
    let (_, out, _) = runsheet(dir.path(), &["list", "--scenarios"]);
    assert_eq!(out.trim().lines().count(), scenarios);
    let (status, out, err) = runsheet(dir.path(), &["check"]);
    assert_eq!(status, 0, "{out}{err}");
    assert!(
        !out.contains(": error: ") && !out.contains(": warning: "),
        "{out}"
    );
}

/// The text between two fences of a page.
fn fenced<'t>(page: &'t str, begins: &str) -> &'t str {
    let start = page.find(begins).unwrap();
    let end = start + page[start..].find("\n```").unwrap() + 1;
    &page[start..end]
}

#[test]
fn the_example_of_the_page_is_without_fault_and_the_page_names_every_key() {
    let page = include_str!("../docs/scenarios.md");
    let scenario = fenced(page, "kind: scenario\n");
    let book = fenced(
        include_str!("../docs/runbook-format.md"),
        "id: restart-api\n",
    );
    let set = Set {
        runbooks: vec![
            File {
                path: "api-stops-on-friday.yaml",
                bytes: scenario.as_bytes(),
            },
            File {
                path: "restart-api.yaml",
                bytes: book.as_bytes(),
            },
        ],
        ..Set::default()
    };
    let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    let problems = check(&set, today);
    let found: Vec<_> = problems
        .iter()
        .filter(|problem| problem.code != "no-people")
        .collect();
    assert!(found.is_empty(), "{found:?}");

    let schema = schema::scenario();
    let shapes = schema["$defs"]
        .as_object()
        .unwrap()
        .values()
        .chain([&schema]);
    for shape in shapes {
        for key in shape["properties"].as_object().unwrap().keys() {
            let named = [
                format!("`{key}`"),
                format!("{{{key}:"),
                format!(".{key}`"),
                format!("{key}: "),
            ];
            assert!(
                named.iter().any(|name| page.contains(name)),
                "the page does not name `{key}`"
            );
        }
    }
}

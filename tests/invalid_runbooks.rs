//! One bad library per fault, with the lines `check` says about it. A file may hold several, each after `#### path`.
//! `UPDATE_EXPECTED=1` writes the lines as they are now, to be looked at before they are kept.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

use std::fs;
use std::path::Path;

use chrono::NaiveDate;
use runsheet::runbook::check::{File, Set, check};

fn split<'a>(name: &'a str, bytes: &'a [u8]) -> Vec<(String, Vec<u8>)> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.starts_with("#### ") => text
            .split("#### ")
            .skip(1)
            .filter_map(|part| part.split_once('\n'))
            .map(|(path, body)| (path.to_owned(), body.as_bytes().to_vec()))
            .collect(),
        _ => vec![(name.to_owned(), bytes.to_vec())],
    }
}

fn said(name: &str, bytes: &[u8]) -> String {
    let files = split(name, bytes);
    let mut set = Set::default();
    for (path, bytes) in &files {
        let file = File { path, bytes };
        if path == "policy.yaml" {
            set.policy = Some(file);
        } else {
            set.runbooks.push(file);
        }
    }
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    let lines: Vec<String> = check(&set, today)
        .iter()
        .filter(|problem| problem.code != "no-people")
        .map(ToString::to_string)
        .collect();
    lines.join("\n") + "\n"
}

#[test]
fn every_fault_is_told_with_its_place() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut seen = 0;
    let mut wrong = Vec::new();
    let entries = ["invalid_runbooks", "invalid_scenarios"]
        .into_iter()
        .flat_map(|folder| fs::read_dir(tests.join(folder)).unwrap());
    for entry in entries {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        seen += 1;
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let said = said(&name, &fs::read(&path).unwrap());
        let expected_path = path.with_extension("expected");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&expected_path, &said).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        assert!(said.trim().len() > 10, "{name} has no fault");
        if said != expected {
            wrong.push(format!("{name} says\n{said}expected\n{expected}"));
        }
    }
    assert!(seen > 40, "only {seen} files");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_example_with_every_key_is_without_fault() {
    let bytes = include_bytes!("runbooks/every-key.yaml");
    let used =
        b"id: host-forensics\ntitle: Host forensics\ninputs: {host: {}}\nsteps: [{id: one}]\n";
    let policy = include_bytes!("runbooks/policy.yaml");
    let set = Set {
        runbooks: vec![
            File {
                path: "runbooks/every-key.yaml",
                bytes,
            },
            File {
                path: "runbooks/host-forensics.yaml",
                bytes: used,
            },
        ],
        policy: Some(File {
            path: "policy.yaml",
            bytes: policy,
        }),
        signers: None,
    };
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    let lines: Vec<String> = check(&set, today).iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn the_scenario_with_every_key_is_without_fault() {
    let mut runbooks = vec![
        File {
            path: "every-key.yaml",
            bytes: include_bytes!("scenarios/every-key.yaml"),
        },
        File {
            path: "restart-api.yaml",
            bytes: include_bytes!("scenarios/restart-api.yaml"),
        },
    ];
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    for _ in 0..2 {
        let set = Set {
            runbooks: runbooks.clone(),
            ..Set::default()
        };
        let codes: Vec<String> = check(&set, today).iter().map(ToString::to_string).collect();
        assert!(
            codes.len() == 1 && codes[0].contains("names no people"),
            "{codes:?}"
        );
        // The order of the files is nothing to it.
        runbooks.reverse();
    }
}

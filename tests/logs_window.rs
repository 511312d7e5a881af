//! `runsheet logs window` as it is typed: what it writes, what it says, and its exit status.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

fn run(dir: &Path, arguments: &[&str]) -> Output {
    assert_cmd::Command::cargo_bin("runsheet")
        .unwrap()
        .current_dir(dir)
        .env("RUNSHEET_STATE", dir.join("state"))
        .env("TZ", "UTC")
        .args(["logs", "window"])
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn minutes(from: u32, to: u32) -> String {
    (from..to)
        .map(|minute| format!("2026-08-17T14:{minute:02}:00Z GET /{minute}\n"))
        .collect()
}

const WINDOW: [&str; 4] = [
    "--from",
    "2026-08-17T14:10:00Z",
    "--to",
    "2026-08-17T14:20:00Z",
];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&WINDOW[..], more].concat()
}

#[test]
fn the_lines_go_to_standard_output_and_the_report_to_standard_error() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("app.log.1"), minutes(0, 15)).unwrap();
    fs::write(dir.path().join("app.log"), minutes(15, 60)).unwrap();
    let output = run(dir.path(), &with(&["app.log"]));
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), minutes(10, 20));
    assert_eq!(
        text(&output.stderr),
        "app.log.1: 5 lines, 145 bytes, 2026-08-17T14:10:00Z to 2026-08-17T14:14:00Z\n  \
         iso; every line was looked at; ordered within 0 s\n  bytes 280-425\n\
         app.log: 5 lines, 145 bytes, 2026-08-17T14:15:00Z to 2026-08-17T14:19:00Z\n  \
         iso; every line was looked at; ordered within 0 s\n  bytes 0-145\n"
    );
}

#[test]
fn a_file_gets_the_lines_and_a_document_says_all_of_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("app.log"), minutes(0, 60)).unwrap();
    let output = run(
        dir.path(),
        &with(&[
            "app.log", "--json", "--sha256", "-o", "out", "--limit", "100",
        ]),
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let written = fs::read(dir.path().join("out")).unwrap();
    assert_eq!(text(&written), minutes(10, 13));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!(
        (&report["bytes"], &report["lines"]),
        (&87.into(), &3.into())
    );
    let file = &report["files"][0];
    assert_eq!(file["path"], "app.log");
    assert_eq!(file["ranges"], serde_json::json!([[280, 367]]));
    assert_eq!(
        file["cut"],
        serde_json::json!({ "at": 367, "inside_a_line": false })
    );
    assert_eq!(file["last"], "2026-08-17T14:12:00Z");
    let digest = runsheet::evidence::digest::Digest::of(&written);
    assert_eq!(file["sha256"], digest.to_string());
}

#[test]
fn an_estimate_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("app.log"), minutes(0, 60)).unwrap();
    let output = run(dir.path(), &with(&["app.log", "--estimate", "-o", "out"]));
    assert!(output.status.success() && output.stdout.is_empty());
    assert_eq!(text(&output.stderr), "app.log: 290 bytes\n");
    assert!(!dir.path().join("out").exists());
}

#[test]
fn what_cannot_be_used_is_said_and_is_status_2() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("app.log"), minutes(0, 60)).unwrap();
    fs::write(dir.path().join("plain.txt"), "no time\nno time either\n").unwrap();
    for (arguments, said) in [
        (
            with(&["plain.txt"]),
            "plain.txt: no line has a time stamp that is known; name one with --format",
        ),
        (with(&["none.log"]), "none.log: No such file"),
        (
            with(&["app.log", "-o", "app.log"]),
            "app.log: is one of the logs",
        ),
        (
            with(&["app.log", "--format", "runes"]),
            "`runes` is no format: json",
        ),
        (
            with(&["app.log", "--zone", "Mars/Base"]),
            "`Mars/Base` is no zone",
        ),
        (with(&["app.log", "--slack", "much"]), "`much` is no span"),
        (with(&["app.log", "--limit", "1T"]), "`1T` is no size"),
        (
            vec!["app.log", "--from", "14:00", "--to", "2020-01-01T00:00:00Z"],
            "ends before it begins",
        ),
    ] {
        let output = run(dir.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            text(&output.stderr).contains(said),
            "{}",
            text(&output.stderr)
        );
        assert!(output.stdout.is_empty());
    }
    assert_eq!(
        fs::read_to_string(dir.path().join("app.log")).unwrap(),
        minutes(0, 60)
    );
    assert_eq!(
        run(dir.path(), &["--from", "14:00"]).status.code(),
        Some(64)
    );
}

#[test]
fn lines_further_out_of_order_than_the_slack_are_found_and_it_is_said() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("app.log"),
        minutes(30, 60) + &minutes(0, 30),
    )
    .unwrap();
    let output = run(dir.path(), &with(&["app.log"]));
    assert_eq!(text(&output.stdout), minutes(10, 20));
    assert!(
        text(&output.stderr).contains("ordered within 3540 s"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn several_logs_are_merged_by_time() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.log"), minutes(0, 60)).unwrap();
    fs::write(
        dir.path().join("b.log"),
        minutes(5, 12).replace("GET", "PUT"),
    )
    .unwrap();
    let output = run(dir.path(), &with(&["a.log", "b.log", "--limit", "116"]));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let expected = minutes(10, 11) + &minutes(10, 11).replace("GET", "PUT");
    let expected = expected + &minutes(11, 12) + &minutes(11, 12).replace("GET", "PUT");
    assert_eq!(text(&output.stdout), expected);
    assert!(
        text(&output.stderr).ends_with("merged by time: 4 lines, 116 bytes, CUT by the limit\n")
    );
}

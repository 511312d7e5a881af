//! `runsheet logs search` as it is typed: what it writes and its exit status.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

/// Exit status and standard output.
fn run(dir: &Path, arguments: &[&str]) -> (i32, String) {
    let output = assert_cmd::Command::cargo_bin("runsheet")
        .unwrap()
        .current_dir(dir)
        .env("RUNSHEET_STATE", dir.join("state"))
        .env("TZ", "UTC")
        .args(["logs", "search"])
        .args(arguments)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), printed)
}

fn logs() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = "2026-08-17T14:00:00Z GET /a 200\n\
               2026-08-17T14:01:00Z GET /b 503\n at x.y(\u{1b}[31m)\r\n\
               2026-08-17T14:02:00Z POST /a 503";
    fs::write(dir.path().join("a.log"), log).unwrap();
    fs::write(dir.path().join("b.log"), "get nothing\n").unwrap();
    let packed = fs::File::create(dir.path().join("c.log.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::default());
    packed.write_all(b"one\nGET two\n").unwrap();
    packed.finish().unwrap();
    dir
}

#[test]
fn lines_come_out_as_they_are_and_every_one_ends() {
    let dir = logs();
    let found = run(dir.path(), &["a.log", "/a.*[0-9]$"]);
    let lines = "2026-08-17T14:00:00Z GET /a 200\n2026-08-17T14:02:00Z POST /a 503\n";
    assert_eq!(found, (0, lines.to_owned()));
    assert_eq!(
        run(dir.path(), &["-F", "a.log", "x.y("]),
        (0, " at x.y(\u{1b}[31m)\r\n".to_owned())
    );
    assert_eq!(
        run(dir.path(), &["-n", "a.log", r"^ at .*\)$"]).1,
        "3: at x.y(\u{1b}[31m)\r\n"
    );
}

#[test]
fn several_files_are_named_and_packed_ones_unpacked() {
    let dir = logs();
    let all = ["a.log", "b.log", "c.log.gz"];
    let with = |more: &[&str], pattern: &str| run(dir.path(), &[more, &all, &[pattern]].concat());
    assert_eq!(
        with(&["-c"], "GET"),
        (0, "a.log:2\nb.log:0\nc.log.gz:1\n".to_owned())
    );
    assert_eq!(
        with(&["-n"], "two|nothing"),
        (0, "b.log:1:get nothing\nc.log.gz:2:GET two\n".to_owned())
    );
    assert_eq!(
        with(&["-c", "-S"], "get").1,
        "a.log:2\nb.log:1\nc.log.gz:1\n"
    );
    assert_eq!(
        with(&["-c", "-S"], "Get").1,
        "a.log:0\nb.log:0\nc.log.gz:0\n"
    );
    assert_eq!(
        with(&["-c", "-i"], "Get").1,
        "a.log:2\nb.log:1\nc.log.gz:1\n"
    );
}

#[test]
fn the_exit_status_is_that_of_grep() {
    let dir = logs();
    assert_eq!(run(dir.path(), &["a.log", "nothing"]), (1, String::new()));
    assert_eq!(
        run(dir.path(), &["-c", "a.log", "nothing"]),
        (1, "0\n".to_owned())
    );
    assert_eq!(run(dir.path(), &["a.log", "("]).0, 2);
    assert_eq!(run(dir.path(), &["missing.log", "a"]).0, 2);
    fs::write(dir.path().join("d.log.gz"), b"\x1f\x8b\x08 torn").unwrap();
    assert_eq!(
        run(dir.path(), &["-c", "d.log.gz", "a.log", "GET"]),
        (2, "d.log.gz:0\na.log:2\n".to_owned())
    );
}

#[test]
fn what_came_out_of_a_torn_file_before_the_tear_is_searched() {
    let dir = logs();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    for number in 0..20_000 {
        writeln!(packed, "{number} GET").unwrap();
    }
    let packed = packed.finish().unwrap();
    let torn = dir.path().join("torn.log.gz");
    fs::write(&torn, &packed[..packed.len() / 2]).unwrap();
    let (status, lines) = run(dir.path(), &["torn.log.gz", "GET"]);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(status, 2);
    assert!(lines.len() > 9_000, "{}", lines.len());
    assert_eq!(lines[9_000], "9000 GET");
    let (status, count) = run(dir.path(), &["-c", "torn.log.gz", "GET"]);
    assert_eq!((status, count), (2, format!("{}\n", lines.len())));
}

#[test]
fn only_the_lines_of_a_window_are_searched() {
    let dir = logs();
    let window = [
        "--from",
        "2026-08-17T14:01:00Z",
        "--to",
        "2026-08-17T14:02:00Z",
    ];
    let within = |pattern: &str| run(dir.path(), &[&window[..], &["a.log", pattern]].concat());
    assert_eq!(
        within("503"),
        (0, "2026-08-17T14:01:00Z GET /b 503\n".to_owned())
    );
    assert_eq!(within("at x"), (0, " at x.y(\u{1b}[31m)\r\n".to_owned()));
    assert_eq!(within("POST").0, 1);
    // Its siblings are the same log.
    fs::write(
        dir.path().join("a.log.1"),
        "2026-08-17T13:01:00Z GET /old 503\n",
    )
    .unwrap();
    let all = [
        "--from",
        "2026-08-17T13:00:00Z",
        "--to",
        "2026-08-17T15:00:00Z",
        "-c",
    ];
    let count = |more: &[&str]| run(dir.path(), &[&all[..], more, &["a.log", "503"]].concat()).1;
    assert_eq!(count(&[]).trim_end().rsplit(':').next(), Some("3"));
    assert_eq!(count(&["--alone"]), "2\n");
}

#[test]
fn a_document_says_where_lines_are() {
    let dir = logs();
    let (status, printed) = run(dir.path(), &["--json", "-n", "a.log", "b.log", "at x|get"]);
    assert_eq!(status, 0);
    let document: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        document,
        json!({
            "version": 1,
            "lines": 2,
            "files": [{"path": "a.log", "lines": 1}, {"path": "b.log", "lines": 1}],
            "hits": [
                {"path": "a.log", "at": 64, "line": 3, "text": " at x.y(\u{1b}[31m)"},
                {"path": "b.log", "at": 0, "line": 1, "text": "get nothing"},
            ],
            "more": false,
        })
    );
}

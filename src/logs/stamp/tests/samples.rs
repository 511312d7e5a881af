//! Whole logs: small ones of our own making, and the real ones where they lie beside the project.

use std::path::{Path, PathBuf};

use super::*;

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What became of a log: its format, the lines it has, those that are dated, the first and last stamp.
fn outcome(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let sample = &bytes[..bytes.len().min(64 << 10)];
    let stamps = Stamps::detect(sample, Zone::UTC, newest()).unwrap();
    let lines: Vec<&[u8]> = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .collect();
    let dated: Vec<Stamp> = lines.iter().filter_map(|line| stamps.of(line)).collect();
    let shown = |stamp: &Stamp| stamp.utc().format("%F %T%.f").to_string();
    [
        stamps.format().word().to_owned(),
        lines.len().to_string(),
        dated.len().to_string(),
        shown(&dated[0]),
        shown(&dated[dated.len() - 1]),
    ]
    .join("\t")
}

/// The logs of a table that are there are as it says.
fn are(table: &str, logs: &Path) -> usize {
    let mut seen = 0;
    for row in table.lines() {
        let (name, expected) = row.split_once('\t').unwrap();
        let path = logs.join(name).with_extension("log");
        if path.exists() {
            assert_eq!(outcome(&path), expected, "{name}");
            seen += 1;
        }
    }
    seen
}

#[test]
fn samples_are_told_and_every_line_that_has_a_stamp_is_dated() {
    let table = include_str!("../../../../tests/logs/samples.tsv");
    assert_eq!(are(table, &folder("tests/logs")), table.lines().count());
}

/// Real logs of the loghub collection, where they lie beside the project; they are not ours to ship.
#[test]
fn every_line_of_the_real_logs_is_dated() {
    let table = include_str!("../../../../tests/logs/real.tsv");
    are(table, &folder("../shared/data/logs"));
}

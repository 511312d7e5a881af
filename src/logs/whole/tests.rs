//! Windows out of rotated sets.

use std::fs::{self, FileTimes};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use chrono::DateTime;

use super::*;
use crate::logs::rotated::{logs, siblings};
use crate::logs::stamp::{Window, Zone};

/// 2026-08-17T00:00:00Z.
const DAY: i64 = 1_786_924_800;

fn line(second: i64) -> String {
    let time = DateTime::from_timestamp(DAY + second, 0).unwrap();
    format!("{} line {second}\n", time.format("%FT%TZ"))
}

fn lines(from: i64, to: i64) -> String {
    (from..to).map(line).collect()
}

fn write(dir: &Path, name: &str, bytes: &[u8], written: i64) {
    let path = dir.join(name);
    fs::write(&path, bytes).unwrap();
    let at = UNIX_EPOCH + Duration::from_secs((DAY + written) as u64);
    let file = File::options().write(true).open(&path).unwrap();
    file.set_times(FileTimes::new().set_modified(at)).unwrap();
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

/// Four files of an hour each; the oldest three packed or not.
fn set(dir: &Path) {
    write(dir, "app.log.3.gz", &gzip(&lines(0, 3_600)), 3_600);
    let zstd = zstd::stream::encode_all(lines(3_600, 7_200).as_bytes(), 1).unwrap();
    write(dir, "app.log.2.zst", &zstd, 7_200);
    write(dir, "app.log.1", lines(7_200, 10_800).as_bytes(), 10_800);
    write(dir, "app.log", lines(10_800, 14_400).as_bytes(), 14_400);
}

fn ask(from: i64, to: i64) -> Ask {
    let at = |second: i64| Stamp((DAY + second) * 1_000_000_000);
    Ask::of(Window {
        from: at(from),
        to: at(to),
    })
}

const DATING: Dating = Dating {
    format: None,
    zone: Zone::UTC,
};

fn run(dir: &Path, ask: &Ask) -> (String, Vec<String>) {
    let members = siblings(&dir.join("app.log")).unwrap();
    let mut out = Vec::new();
    let outcomes = window(&members, &DATING, ask, false, &mut out).unwrap();
    let words = outcomes.iter().map(|(_, outcome)| match outcome {
        Outcome::Copied(piece) => format!("{} lines", piece.report.kept.lines),
        Outcome::Older { opened } => format!("older, opened {opened}"),
        Outcome::Younger { opened } => format!("younger, opened {opened}"),
        Outcome::Unreadable(what) => what.clone(),
        other => format!("{other:?}"),
    });
    (String::from_utf8(out).unwrap(), words.collect())
}

#[test]
fn a_window_over_several_files_is_one_piece_in_the_order_of_time() {
    let dir = tempfile::tempdir().unwrap();
    set(dir.path());
    let (out, words) = run(dir.path(), &ask(3_000, 11_000));
    assert_eq!(out, lines(3_000, 11_000));
    assert_eq!(
        words,
        ["600 lines", "3600 lines", "3600 lines", "200 lines"]
    );
}

#[test]
fn files_outside_the_window_are_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    set(dir.path());
    // Not readable as what their names say: whoever opened one would know.
    write(dir.path(), "app.log.4.gz", b"\x1f\x8b\x08 garbage", 0);
    write(dir.path(), "app.log.3.gz", b"\x1f\x8b\x08 garbage", 3_600);
    let (out, words) = run(dir.path(), &ask(11_000, 11_100));
    assert_eq!(out, lines(11_000, 11_100));
    let older = "older, opened false";
    assert_eq!(words, [older, older, older, older, "100 lines"]);
    let (out, words) = run(dir.path(), &ask(8_000, 8_100));
    assert_eq!(out, lines(8_000, 8_100));
    assert_eq!(
        words,
        [older, older, older, "100 lines", "younger, opened true"]
    );
}

#[test]
fn times_of_a_copied_set_tell_nothing_and_first_lines_do() {
    let dir = tempfile::tempdir().unwrap();
    set(dir.path());
    for member in siblings(&dir.path().join("app.log")).unwrap() {
        let bytes = fs::read(&member.path).unwrap();
        write(
            dir.path(),
            member.path.file_name().unwrap().to_str().unwrap(),
            &bytes,
            90_000,
        );
    }
    let (out, words) = run(dir.path(), &ask(7_500, 7_600));
    assert_eq!(out, lines(7_500, 7_600));
    assert_eq!(
        words,
        [
            "older, opened false",
            "older, opened false",
            "100 lines",
            "younger, opened true"
        ]
    );
    let (out, _) = run(dir.path(), &ask(10, 20));
    assert_eq!(out, lines(10, 20));
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_the_rest_kept() {
    let dir = tempfile::tempdir().unwrap();
    set(dir.path());
    let members = siblings(&dir.path().join("app.log")).unwrap();
    fs::remove_file(dir.path().join("app.log.1")).unwrap();
    let mut out = Vec::new();
    let outcomes = window(&members, &DATING, &ask(7_000, 11_000), false, &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        lines(7_000, 7_200) + &lines(10_800, 11_000)
    );
    assert!(matches!(&outcomes[2].1, Outcome::Unreadable(what) if what.contains("No such file")));
}

#[test]
fn a_log_that_is_rotated_after_it_was_listed_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    set(dir.path());
    let members = siblings(&dir.path().join("app.log")).unwrap();
    fs::rename(dir.path().join("app.log.1"), dir.path().join("app.log.2")).unwrap();
    fs::rename(dir.path().join("app.log"), dir.path().join("app.log.1")).unwrap();
    write(
        dir.path(),
        "app.log",
        lines(14_400, 14_500).as_bytes(),
        14_500,
    );
    let mut out = Vec::new();
    let outcomes = window(&members, &DATING, &ask(10_000, 14_450), false, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), lines(10_000, 14_400));
    match &outcomes[3].1 {
        Outcome::Copied(piece) => assert_eq!(piece.report.changed, Some(Changed::Rotated)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_packed_file_out_of_order_is_read_again_line_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let twice = lines(0, 60_000) + &lines(0, 60_000);
    write(dir.path(), "app.log.1.gz", &gzip(&twice), 70_000);
    write(
        dir.path(),
        "app.log",
        lines(70_000, 70_100).as_bytes(),
        70_100,
    );
    let (out, _) = run(dir.path(), &ask(50_000, 70_010));
    assert_eq!(
        out,
        lines(50_000, 60_000).repeat(2) + &lines(70_000, 70_010)
    );
}

#[test]
fn a_budget_is_one_for_all_files_and_an_estimate_reads_no_more_than_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    set(dir.path());
    let asked = Ask {
        limit: Some(40_000),
        ..ask(9_000, 13_000)
    };
    let (out, words) = run(dir.path(), &asked);
    assert!(lines(9_000, 13_000).starts_with(&out) && out.len() <= 40_000 && out.len() > 39_900);
    assert_eq!(words.last().map(String::as_str), Some("OverBudget"));
    let members = logs(&[dir.path().join("app.log*").display().to_string()], false).unwrap();
    let outcomes = window(
        &members[0],
        &DATING,
        &ask(9_000, 13_000),
        true,
        &mut Vec::new(),
    )
    .unwrap();
    let estimates: Vec<_> = outcomes
        .iter()
        .filter_map(|(_, outcome)| match outcome {
            Outcome::Found(bytes, ..) => *bytes,
            _ => None,
        })
        .collect();
    let (least, most) = (
        estimates[0].0 + estimates[1].0,
        estimates[0].1 + estimates[1].1,
    );
    let exact = lines(9_000, 13_000).len() as u64;
    assert!((least..=most).contains(&exact), "{least} {most}");
}

#[test]
fn an_hour_that_comes_twice_is_kept_twice() {
    let dir = tempfile::tempdir().unwrap();
    let local = |from: &str, lines: i64| -> String {
        let from: chrono::NaiveDateTime = from.parse().unwrap();
        let at = |second| (from + chrono::TimeDelta::seconds(second)).format("%F %T");
        (0..lines)
            .map(|second| format!("{} x\n", at(second)))
            .collect()
    };
    // Clocks go back from 03:00 to 02:00.
    let night = local("2026-10-25T00:00:00", 10_800) + &local("2026-10-25T02:00:00", 90_000);
    write(dir.path(), "app.log", night.as_bytes(), 10_000_000);
    let berlin = Dating {
        zone: Zone::parse("Europe/Berlin").unwrap(),
        ..DATING
    };
    let at = |text: &str| Stamp::of(text.parse().unwrap());
    let asked = Ask::of(Window {
        from: at("2026-10-25T00:10:00Z"),
        to: at("2026-10-25T00:20:00Z"),
    });
    let members = siblings(&dir.path().join("app.log")).unwrap();
    let mut out = Vec::new();
    window(&members, &berlin, &asked, false, &mut out).unwrap();
    let expected = local("2026-10-25T02:10:00", 600).repeat(2);
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn several_logs_come_out_as_one_in_the_order_of_time() {
    let dir = tempfile::tempdir().unwrap();
    set(dir.path());
    let other: String = (0..14_400)
        .step_by(10)
        .map(|second| line(second).replace('\n', " other\n at more\n"))
        .collect();
    write(dir.path(), "web.log.gz", &gzip(other.trim_end()), 14_400);
    let named = ["app.log", "web.log.gz"].map(|name| dir.path().join(name).display().to_string());
    let found = logs(&named, false).unwrap();
    assert_eq!(found.len(), 2);
    let mut out = Vec::new();
    let merged = merged(&found, &DATING, &ask(7_000, 14_400), &mut out).unwrap();
    let expected: String = (7_000..14_400)
        .map(|second| match second % 10 {
            0 => line(second) + &line(second).replace('\n', " other\n at more\n"),
            _ => line(second),
        })
        .collect();
    // The last line of `web.log` has no end; another goes on.
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    assert_eq!(merged.kept.lines, 7_400 + 2 * 740);
    let asked = Ask {
        limit: Some(1_000),
        ..ask(7_000, 14_400)
    };
    let mut out = Vec::new();
    let cut = super::merged(&found, &DATING, &asked, &mut out).unwrap();
    assert!(expected.as_bytes().starts_with(&out) && out.ends_with(b"\n"));
    assert!(cut.kept.cut.is_some() && out.len() > 900);
}

#[test]
fn a_file_that_does_not_tell_its_format_has_that_of_its_siblings() {
    let dir = tempfile::tempdir().unwrap();
    set(dir.path());
    let trace = format!("{}{}", " at somewhere\n".repeat(900), line(14_000));
    write(dir.path(), "app.log", trace.as_bytes(), 14_400);
    let (out, words) = run(dir.path(), &ask(10_700, 14_400));
    assert_eq!(out, lines(10_700, 10_800) + &trace);
    assert_eq!(words[3], "901 lines");
}

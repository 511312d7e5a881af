//! Clock files of a library: every fault with its place, the schema, the page about them, and `runsheet check`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use runsheet::timeline::clocks::{check, check_scenarios, schema, shipped};

fn problems(clocks: &[(&str, &str)], policy: &str) -> Vec<String> {
    let clocks: Vec<(&str, &[u8])> = clocks
        .iter()
        .map(|(path, text)| (*path, text.as_bytes()))
        .collect();
    let found = check(&clocks, Some(("policy.yaml", policy.as_bytes())));
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn every_fault_of_a_clock_file_is_told_with_its_place() {
    let text = "\
id: bafin
title: Our supervisor
law: Ours
source: https://example.org
as_of: 2026-13-01
zone: Europe/Brusels
holidays: uk
stages:
  - {id: a, title: A, tell: T, what: W, within: {hours: 4, days: 1, after: {decision: aware}}}
  - {id: a, title: A, tell: T, what: W, within: {hours: 4, after: {submitted: b}}, ends: '17:30'}
  - {id: c, title: A, tell: T, within: {hours: 0, after: {decison: aware}}}
";
    let found = problems(&[("clocks/ours.yaml", text)], "clocks: [gdpr-33]\n");
    assert_eq!(
        found,
        [
            "clocks/ours.yaml:1:5: error: the file of `bafin` is `bafin.yaml`",
            "clocks/ours.yaml:1:5: error: `clock` has no `as_of`",
            "clocks/ours.yaml:1:5: error: `clock` has no `zone`",
            "clocks/ours.yaml:5:8: error: `as_of` takes a day such as `2026-10-01`, not `2026-13-01` (year-month-day)",
            "clocks/ours.yaml:6:7: error: `zone` takes a time zone such as `Europe/Brussels`, not `Europe/Brusels` (a name of the tz database, with its continent)",
            "clocks/ours.yaml:7:11: error: `holidays` takes `none` or `us-federal`, not `uk` (list other days with `days_off`)",
            "clocks/ours.yaml:9:60: error: `limit` can be only one of `hours`, `days`, `business_days`, `months` (leave one of them)",
            "clocks/ours.yaml:10:10: error: two stages are called `a`",
            "clocks/ours.yaml:10:79: error: no stage before this one is called `b` (did you mean `a`?)",
            "clocks/ours.yaml:10:90: error: `ends` is for limits in days or months: hours end when they have elapsed",
            "clocks/ours.yaml:11:5: error: `stage` has no `what`",
            "clocks/ours.yaml:11:48: error: `hours` takes a number from 1 to 1000, not `0`",
            "clocks/ours.yaml:11:58: error: `after` needs one of `decision`, `end_of_year`, `milestone`, `submitted`, `last_submitted`",
            "clocks/ours.yaml:11:59: error: unknown key `decison` in `after` (did you mean `decision`?)",
        ]
    );
}

#[test]
fn a_scenario_names_clocks_stages_and_decisions_there_are() {
    let text = "\
kind: scenario
id: a
title: A
form: drill
briefing: b
code_word: c
clock: {length: 60m}
objectives: [{id: o, title: O}]
injects: [{id: i, after: [{decision: aware}, {decision: awear}], message: m}]
expectations:
  - {id: e, action: x, by: 5m, objective: o, proof: [{submitted: {clock: gdpr-33}}, {submitted: {clock: gdpr-3}}]}
  - {id: f, action: x, by: 5m, objective: o, never: [{submitted: {clock: gdpr-33, stage: notificatoin}}]}
  - {id: g, action: x, by: 5m, objective: o, proof: [{decision: gdpr-33/aware}, {decision: gdpr-33/not_applicable}]}
  - {id: h, action: x, by: 5m, objective: o, proof: [{decision: gdpr-34/aware}]}
";
    let said = |clocks: &[(&str, &[u8])]| -> Vec<String> {
        let found = check_scenarios(clocks, &[("a.yaml", text.as_bytes())]);
        found.iter().map(ToString::to_string).collect()
    };
    let found = said(&[]);
    assert_eq!(found.len(), 4, "{found:?}");
    for (line, begin) in found.iter().zip([
        "a.yaml:9:57: warning: no clock counts from `awear` (known: affects_500, ",
        "a.yaml:11:105: error: no clock is called `gdpr-3` (did you mean `gdpr-33`?)",
        "a.yaml:12:90: error: `gdpr-33` has no stage `notificatoin` (did you mean `notification`?)",
        "a.yaml:14:65: warning: no clock counts from `gdpr-34/aware`",
    ]) {
        assert!(line.starts_with(begin), "{line}");
    }
    // A clock that could not be read may be the one that is named.
    assert!(said(&[("clocks/x.yaml", b"id: x\n")]).is_empty());
}

#[test]
fn a_name_means_one_clock_and_a_policy_names_those_there_are() {
    let based = "id: dora-ie\nbased_on: dora-rts-5\ndays_off: [2026-12-25]\n";
    let files = [("clocks/dora-ie.yaml", based)];
    assert_eq!(problems(&files, "clocks: [gdpr-33, dora-ie]\n"), [""; 0]);
    assert_eq!(
        problems(&files, "clocks: [gdpr-3, dora-ei]\n"),
        [
            "policy.yaml:1:10: error: no clock is called `gdpr-3` (did you mean `gdpr-33`?)",
            "policy.yaml:1:18: error: no clock is called `dora-ei` (did you mean `dora-ie`?)",
        ]
    );
    let files = [
        ("clocks/gdpr-33.yaml", "id: gdpr-33\nbased_on: gdpr-33\n"),
        ("clocks/x.yaml", "id: x\nbased_on: dora\nlaw: Ours\n"),
        ("clocks/dora-ie.yaml", based),
        ("clocks/more/dora-ie.yaml", based),
    ];
    assert_eq!(
        problems(&files, ""),
        [
            "clocks/gdpr-33.yaml:1:5: error: a shipped clock is called `gdpr-33` (give it another id, with `based_on: gdpr-33` if it only differs in its days off)",
            "clocks/x.yaml:2:11: error: no shipped clock is called `dora` (known: circia, cra-14-incident, cra-14-vulnerability, dora-rts-5, dora-rts-5-weekend, gdpr-33, hipaa-associate, hipaa-breach, nis2-23, nis2-23-trust, nydfs-500-17, sec-8k-105, visa-wtdic)",
            "clocks/x.yaml:3:6: error: `law` comes from the clock this is based on (leave it out, or leave `based_on` out)",
            "clocks/more/dora-ie.yaml:1:1: error: two clocks are called `dora-ie` (give one another id)",
        ]
    );
}

#[test]
fn hostile_clock_files_are_problems() {
    let deep = "[".repeat(10_000);
    let stages = "- {id: a}\n".repeat(30_000);
    let long = format!("id: x\nstages:\n{stages}");
    for text in ["", "id: *a\n", "\0", "id: x\nstages: []\n", &deep, &long] {
        assert!(!problems(&[("clocks/x.yaml", text)], "").is_empty());
    }
}

#[test]
fn the_schema_takes_the_shipped_clocks() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/timeline/clocks/data");
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let value: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        assert!(schema.is_valid(&value), "{text}");
    }
}

/// What stands in backquotes in the first column of the tables of `docs/clocks.md`.
fn documented() -> BTreeSet<String> {
    let page = include_str!("../docs/clocks.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned()))
        .collect()
}

#[test]
fn the_page_about_clocks_names_each_with_its_day_its_decisions_and_every_key() {
    let page = include_str!("../docs/clocks.md");
    for regime in shipped() {
        let start = format!("| `{}` |", regime.id);
        let row = page.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("{} is not documented", regime.id));
        assert!(row.contains(&regime.as_of.to_string()), "{}", regime.id);
        for name in regime.decisions() {
            assert!(row.contains(&format!("`{name}`")), "{} {name}", regime.id);
        }
    }
    let schema = schema();
    let definitions = schema["$defs"].as_object().unwrap().values();
    let shapes = definitions.chain([&schema]);
    let keys = shapes.filter_map(|shape| shape["properties"].as_object());
    let documented = documented();
    for key in keys.flat_map(|properties| properties.keys()) {
        let limit = page.contains(&format!("`{key}`"));
        assert!(documented.contains(key) || limit, "{key} is not documented");
    }
}

#[test]
fn the_documented_examples_are_without_fault() {
    let page = include_str!("../docs/clocks.md");
    let mut seen = 0;
    for block in page.split("```yaml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let id = text.lines().next().unwrap().strip_prefix("id: ").unwrap();
        let path = format!("clocks/{id}.yaml");
        assert_eq!(problems(&[(&path, text)], ""), [""; 0]);
        seen += 1;
    }
    assert_eq!(seen, 2);
}

#[test]
fn check_looks_at_the_clocks_of_a_library() {
    let dir = tempfile::tempdir().unwrap();
    // A library that is itself called `runbooks`.
    let library = dir.path().join("runbooks");
    for (path, text) in [
        ("clocks/ours.yaml", "id: ours\nbased_on: gdpr-34\n"),
        ("runbooks/a.yaml", "id: a\ntitle: A\nsteps: [{id: b}]\n"),
        ("policy.yaml", "clocks: [ours]\n"),
    ] {
        let path = library.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let check = || {
        let mut command = assert_cmd::Command::cargo_bin("runsheet").unwrap();
        let output = command
            .args(["check", "runbooks"])
            .current_dir(dir.path())
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (status, said) = check();
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains("clocks/ours.yaml:2:11: error: no shipped clock is called `gdpr-34`"),
        "{said}"
    );
    fs::write(
        library.join("clocks/ours.yaml"),
        "id: ours\nbased_on: gdpr-33\n",
    )
    .unwrap();
    let (status, said) = check();
    assert_eq!(status, Some(0), "{said}");
    fs::write(library.join("policy.yaml"), "clocks: [our]\n").unwrap();
    let (_, said) = check();
    assert!(said.contains("no clock is called `our`"), "{said}");
}

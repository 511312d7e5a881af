//! Regulatory clocks: the table of cases in `tests/clocks/`, one file for each shipped clock, and what holds for all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta};
use runsheet::timeline::clocks::{
    Anchor, Anchors, Countdown, Decision, NOT_LEGAL_ADVICE, Regime, Standing, Status, due,
    headline, next, page, parse, shipped, us_federal_holidays,
};
use serde::Deserialize;

type Time = DateTime<FixedOffset>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    case: String,
    source: String,
    /// A library's own clock that is looked at instead.
    file: Option<String>,
    #[serde(default)]
    decided: BTreeMap<String, Time>,
    #[serde(default)]
    submitted: BTreeMap<String, Vec<Time>>,
    #[serde(default)]
    due: BTreeMap<String, Time>,
    #[serde(default)]
    waiting: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    would_shorten: BTreeMap<String, Vec<String>>,
}

fn time(text: &str) -> Time {
    DateTime::parse_from_rfc3339(text).unwrap()
}

fn anchor(at: Time) -> Anchor {
    Anchor {
        at,
        by: "carol@example.org".to_owned(),
        event: "e1".to_owned(),
    }
}

fn regime(id: &str) -> &'static Regime {
    shipped().iter().find(|regime| regime.id == id).unwrap()
}

fn own(text: &str) -> Regime {
    let id = text.lines().next().unwrap().strip_prefix("id: ").unwrap();
    let path = format!("clocks/{id}.yaml");
    let library = parse([(path.as_str(), text.as_bytes())]);
    assert!(library.problems.is_empty(), "{:?}", library.problems);
    library.regimes.into_iter().next().unwrap()
}

/// With these decisions of every regime.
fn decided(decisions: &[(&str, &str)]) -> Anchors {
    let mut anchors = Anchors::default();
    for (name, at) in decisions {
        let decision: Decision = name.parse().unwrap();
        anchors.decisions.insert(decision, anchor(time(at)));
    }
    anchors
}

fn submit(anchors: &mut Anchors, regime: &str, stage: &str, at: &str) {
    let key = (regime.to_owned(), stage.to_owned());
    let list = anchors.submissions.entry(key).or_default();
    list.push(anchor(time(at)));
}

fn stage<'c>(countdowns: &'c [Countdown], id: &str) -> &'c Countdown {
    countdowns.iter().find(|it| it.stage == id).unwrap()
}

/// What is wrong with one case, and the stages whose due time it looked at.
fn run(id: &str, case: &Case, seen: &mut BTreeSet<String>) -> Vec<String> {
    let library = case.file.as_deref().map(own);
    let regime = library.as_ref().unwrap_or_else(|| regime(id));
    let mut anchors = Anchors::default();
    for (name, at) in &case.decided {
        anchors.decisions.insert(name.parse().unwrap(), anchor(*at));
    }
    for (stage, times) in &case.submitted {
        assert!(regime.stage(stage).is_some(), "no stage {stage}");
        let key = (regime.id.clone(), stage.clone());
        let times = times.iter().map(|at| anchor(*at)).collect();
        anchors.submissions.insert(key, times);
    }
    let countdowns = due([regime], &anchors, time("2026-01-01T00:00:00Z"));
    let mut wrong = Vec::new();
    let mut compare = |stage: &str, found: String, expected: String| {
        if found != expected {
            let case = &case.case;
            wrong.push(format!(
                "{id} {stage}, {case}: {found}, expected {expected}"
            ));
        }
    };
    for (id, expected) in &case.due {
        let found = stage(&countdowns, id);
        let shown = found.due_at.map(|at| at.to_rfc3339());
        compare(
            id,
            format!("{shown:?}"),
            format!("{:?}", Some(expected.to_rfc3339())),
        );
        seen.insert(id.clone());
    }
    for (id, expected) in &case.waiting {
        let expected = Standing::Waiting {
            missing: expected.clone(),
        };
        let found = stage(&countdowns, id);
        compare(id, format!("{:?}", found.standing), format!("{expected:?}"));
        assert_eq!(found.due_at, None, "{id} has a countdown without an anchor");
    }
    for (id, expected) in &case.would_shorten {
        let found = stage(&countdowns, id);
        compare(
            id,
            format!("{:?}", found.would_shorten),
            format!("{expected:?}"),
        );
    }
    assert!(
        !case.source.trim().is_empty(),
        "{} has no source",
        case.case
    );
    wrong
}

#[test]
fn every_case_of_the_table_is_due_when_its_source_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clocks");
    let (mut wrong, mut count) = (Vec::new(), 0);
    for regime in shipped() {
        let path = folder.join(format!("{}.yaml", regime.id));
        let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("no {}", path.display()));
        let cases: Vec<Case> = serde_yaml::from_str(&text).unwrap();
        let mut seen = BTreeSet::new();
        for case in &cases {
            wrong.extend(run(&regime.id, case, &mut seen));
            count += 1;
        }
        for stage in &regime.stages {
            if !seen.contains(&stage.id) {
                wrong.push(format!(
                    "no case says when {} {} is due",
                    regime.id, stage.id
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 60, "only {count} cases");
}

#[test]
fn every_shipped_clock_is_read_and_says_where_it_comes_from() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/timeline/clocks/data");
    let files = fs::read_dir(folder).unwrap().count();
    assert_eq!(shipped().len(), files, "a shipped clock cannot be read");
    for regime in shipped() {
        assert!(regime.source.starts_with("https://"), "{}", regime.id);
        assert!(!regime.stages.is_empty(), "{}", regime.id);
        for stage in &regime.stages {
            assert!(stage.cite.is_some(), "{} {}", regime.id, stage.id);
        }
    }
    let proposed = shipped().iter().filter(|it| it.status == Status::Proposed);
    let proposed: Vec<_> = proposed.map(|it| it.id.as_str()).collect();
    assert_eq!(proposed, ["circia"]);
}

#[test]
fn federal_holidays_are_those_of_the_personnel_office() {
    // https://www.opm.gov/policy-data-oversight/pay-leave/federal-holidays/
    let lists = [
        (
            2021,
            "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31",
        ),
        (
            2022,
            "01-17 02-21 05-30 06-20 07-04 09-05 10-10 11-11 11-24 12-26",
        ),
        (
            2023,
            "01-02 01-16 02-20 05-29 06-19 07-04 09-04 10-09 11-10 11-23 12-25",
        ),
        (
            2026,
            "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25",
        ),
        (
            2027,
            "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31",
        ),
    ];
    for (year, days) in lists {
        let expected: BTreeSet<NaiveDate> = days
            .split(' ')
            .map(|day| format!("{year}-{day}").parse().unwrap())
            .collect();
        assert_eq!(us_federal_holidays(year), expected, "{year}");
    }
}

#[test]
fn a_stage_runs_then_is_met_or_late_and_the_last_second_is_in_time() {
    let mut anchors = decided(&[("aware", "2026-11-27T10:00:00+01:00")]);
    let at = |anchors: &Anchors, now: &str| {
        let countdowns = due([regime("gdpr-33")], anchors, time(now));
        stage(&countdowns, "notification").standing.clone()
    };
    let running = Standing::Running { left_seconds: 3600 };
    assert_eq!(at(&anchors, "2026-11-30T09:00:00+01:00"), running);
    let running = Standing::Running { left_seconds: 0 };
    assert_eq!(at(&anchors, "2026-11-30T10:00:00.900+01:00"), running);
    let late = Standing::Late { by_seconds: 1 };
    assert_eq!(at(&anchors, "2026-11-30T10:00:01+01:00"), late);
    submit(
        &mut anchors,
        "gdpr-33",
        "notification",
        "2026-11-30T10:00:05+01:00",
    );
    let late = Standing::Late { by_seconds: 5 };
    assert_eq!(at(&anchors, "2027-11-30T10:00:01+01:00"), late);
    submit(
        &mut anchors,
        "gdpr-33",
        "notification",
        "2026-11-30T09:59:00+01:00",
    );
    let met = Standing::Met { spare_seconds: 60 };
    assert_eq!(at(&anchors, "2027-11-30T10:00:01+01:00"), met);
}

#[test]
fn a_regime_that_does_not_apply_runs_no_clock_and_others_go_on() {
    let anchors = decided(&[
        ("aware", "2026-11-27T10:00:00+01:00"),
        ("gdpr-33/not_applicable", "2026-11-27T11:00:00+01:00"),
        ("nis2-23/aware", "2026-11-27T12:00:00+01:00"),
    ]);
    let regimes = [regime("gdpr-33"), regime("nis2-23")];
    let countdowns = due(regimes, &anchors, time("2026-11-27T12:00:00+01:00"));
    assert!(matches!(
        stage(&countdowns, "notification").standing,
        Standing::NotApplicable { .. }
    ));
    let first = next(&countdowns).unwrap();
    assert_eq!(
        (first.regime.as_str(), first.stage.as_str()),
        ("nis2-23", "early-warning")
    );
    assert_eq!(
        headline(&countdowns).unwrap(),
        "nis2-23 early-warning: 24 h 0 min left"
    );
}

#[test]
fn what_is_proposed_never_presses() {
    let anchors = decided(&[("reasonably_believed", "2026-11-27T10:00:00-05:00")]);
    let countdowns = due(
        [regime("circia")],
        &anchors,
        time("2026-11-27T12:00:00-05:00"),
    );
    assert!(matches!(countdowns[0].standing, Standing::Running { .. }));
    assert_eq!(headline(&countdowns), None);
    assert!(page(&countdowns).contains("PROPOSED"));
}

#[test]
fn the_page_says_who_decided_what_is_due_and_that_it_is_no_advice() {
    let mut anchors = decided(&[
        ("aware", "2026-12-01T08:00:00+01:00"),
        ("classified_major", "2026-12-01T10:00:00+01:00"),
    ]);
    submit(
        &mut anchors,
        "dora-rts-5",
        "initial",
        "2026-12-01T14:30:00+01:00",
    );
    let countdowns = due(
        [regime("dora-rts-5")],
        &anchors,
        time("2026-12-02T14:30:00+01:00"),
    );
    let shown = page(&countdowns);
    for line in [
        "    LATE by 30 min 0 s: submitted Tue 2026-12-01 14:30 +01:00 by carol@example.org, was due Tue 2026-12-01 14:00 +01:00",
        "    4 hours after classified_major: Tue 2026-12-01 10:00 +01:00 by carol@example.org (Article 5(1)(a) and (2))",
        "    due Fri 2026-12-04 14:30 +01:00, 2 d 0 h left",
        "    no countdown: not recorded yet: the latest submission of intermediate",
    ] {
        assert!(
            shown.lines().any(|it| it == line),
            "{line:?} is not in\n{shown}"
        );
    }
    assert!(shown.ends_with(&format!("{NOT_LEGAL_ADVICE}\n")));
    assert!(page(&[]).ends_with(&format!("{NOT_LEGAL_ADVICE}\n")));
}

#[test]
fn a_countdown_as_json_carries_its_state_and_source() {
    let anchors = decided(&[("aware", "2026-11-27T10:00:00+01:00")]);
    let countdowns = due(
        [regime("gdpr-33")],
        &anchors,
        time("2026-11-30T09:00:00+01:00"),
    );
    let json = serde_json::to_value(&countdowns[0]).unwrap();
    assert_eq!(json["state"], "running");
    assert_eq!(json["left_seconds"], 3600);
    assert_eq!(json["due_at"], "2026-11-30T10:00:00+01:00");
    assert_eq!(json["status"], "in_force");
    assert_eq!(json["from"]["by"], "carol@example.org");
}

#[test]
fn moments_no_calendar_knows_start_nothing() {
    for at in [
        DateTime::<chrono::Utc>::MAX_UTC.fixed_offset(),
        DateTime::<chrono::Utc>::MIN_UTC.fixed_offset(),
    ] {
        let mut anchors = Anchors::default();
        for regime in shipped() {
            for name in regime.decisions() {
                anchors.decisions.insert(Decision::any(name), anchor(at));
            }
        }
        for countdown in due(shipped(), &anchors, time("2026-11-30T09:00:00+01:00")) {
            assert!(matches!(countdown.standing, Standing::Waiting { .. }));
        }
    }
}

#[test]
fn a_day_that_a_zone_leaves_out_or_ends_twice_has_one_end() {
    let text = |zone: &str| {
        format!(
            "id: own\ntitle: t\nlaw: l\nsource: s\nas_of: 2026-10-05\nzone: {zone}\n\
             stages: [{{id: a, title: t, tell: t, what: w, within: {{days: 1, after: {{decision: aware}}}}}}]\n"
        )
    };
    for (zone, aware, expected) in [
        // Samoa went over the date line and had no 30 December 2011.
        (
            "Pacific/Apia",
            "2011-12-29T12:00:00-10:00",
            "2011-12-31T23:59:59+14:00",
        ),
        // Sao Paulo turned its clocks back at midnight: 23:59:59 came twice on 17 February 2018.
        (
            "America/Sao_Paulo",
            "2018-02-16T12:00:00-02:00",
            "2018-02-17T23:59:59-02:00",
        ),
        // And forward at midnight: 4 November 2018 began at one.
        (
            "America/Sao_Paulo",
            "2018-11-03T12:00:00-03:00",
            "2018-11-04T23:59:59-02:00",
        ),
    ] {
        let own = own(&text(zone));
        let anchors = decided(&[("aware", aware)]);
        let countdowns = due([&own], &anchors, time(aware));
        assert_eq!(countdowns[0].due_at, Some(time(expected)), "{zone}");
    }
}

#[test]
fn a_decision_is_a_name_or_one_of_a_regime() {
    for good in ["aware", "gdpr-33/aware"] {
        assert_eq!(good.parse::<Decision>().unwrap().to_string(), good);
    }
    for bad in [
        "",
        "Aware",
        "a/b/c",
        "GDPR/aware",
        "/aware",
        "gdpr-33/",
        "a b",
        "\u{1b}[2J",
    ] {
        assert!(bad.parse::<Decision>().is_err(), "{bad:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_limit_is_due_before_it_began_nor_two_years_after(seconds in 0_i64..8_000_000_000, offset in -12..=14) {
        let offset = FixedOffset::east_opt(offset * 3600).unwrap();
        let at = DateTime::from_timestamp(seconds, 0).unwrap().with_timezone(&offset);
        let mut anchors = Anchors::default();
        for regime in shipped() {
            for name in regime.decisions() {
                anchors.decisions.insert(Decision::any(name), anchor(at));
            }
        }
        for countdown in due(shipped(), &anchors, at) {
            if let Some(due) = countdown.due_at {
                assert!(due >= at && due < at + TimeDelta::days(430));
            }
        }
    }
}

#[test]
fn the_text_of_a_foreign_clock_reaches_no_terminal_raw() {
    let own = own("id: own\nbased_on: gdpr-33\ntitle: \"a\\e[2Jb\\u202Ec\"\n");
    let mut anchors = decided(&[("aware", "2026-11-27T10:00:00+01:00")]);
    let key = Decision::any("aware");
    anchors.decisions.get_mut(&key).unwrap().by = "\u{1b}]0;x\u{7}".to_owned();
    let shown = page(&due([&own], &anchors, time("2026-11-27T10:00:00+01:00")));
    assert!(
        !shown.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{shown:?}"
    );
}

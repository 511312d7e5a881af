//! What a file means, what is filled in, and that no bytes make the reader stumble.

use super::*;
use crate::runbook::problem::Problem;

const EVERY_KEY: &str = include_str!("../../../tests/scenarios/every-key.yaml");
const LEAST: &str = "kind: scenario\nid: a\ntitle: A\nform: drill\nbriefing: b\ncode_word: c\nclock: {length: 90m}\n\
    objectives: [{id: o, title: O}]\ninjects: [{id: i, at: 0m, message: m}]\n\
    expectations: [{id: e, action: x, by: 5m, objective: o}]\n";

fn read(text: &str) -> Scenario {
    parse("a.yaml", text.as_bytes()).unwrap()
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

#[test]
fn what_is_not_said_is_filled_in() {
    let scenario = read(LEAST);
    assert_eq!(scenario.severity, Severity::Sev3);
    let clock = Clock {
        start: None,
        scale: 1000,
        by_moves: false,
        pauses: Vec::new(),
        length: minutes(90),
    };
    assert_eq!(scenario.clock, clock);
    let inject = &scenario.injects[0];
    assert_eq!(
        (inject.title.as_str(), inject.from.as_str()),
        ("i", "exercise control")
    );
    assert_eq!(inject.means, Means::Chat);
    let expectation = &scenario.expectations[0];
    assert_eq!((expectation.weight, expectation.critical), (1, false));
    assert!(expectation.proof.is_empty() && scenario.parts.is_empty() && scenario.abort.is_empty());
}

#[test]
fn what_is_said_is_taken() {
    let scenario = read(EVERY_KEY);
    let start = scenario.clock.start.unwrap();
    assert_eq!(start.to_rfc3339(), "2027-03-05T17:40:00+01:00");
    assert_eq!(scenario.clock.scale, 6000);
    assert_eq!(scenario.inputs["account"], "prod");
    let restart = StepId::from("restart");
    let after = vec![
        Proof::Failed(restart.clone()),
        Proof::Started(restart.clone()),
        Proof::Inject("page".to_owned()),
    ];
    let unless = vec![Proof::Update {
        audience: Some("customers".to_owned()),
        state: Some("identified".to_owned()),
    }];
    let when = When::After {
        after,
        delay: minutes(5),
        within: Some(minutes(40)),
        unless,
    };
    assert_eq!(scenario.injects[1].when, when);
    assert_eq!(scenario.injects[2].when, When::ByHand);
    // Every kind of proof is one of its own.
    let proofs = &scenario.expectations[1].proof;
    let kinds: std::collections::HashSet<_> = proofs.iter().map(std::mem::discriminant).collect();
    assert_eq!((kinds.len(), proofs.len()), (17, 17));
}

#[test]
fn answers_logs_and_colleagues_are_taken() {
    let scenario = read(EVERY_KEY);
    let answer = &scenario.answers[1];
    assert_eq!(
        (answer.attempt, answer.exit, answer.takes),
        (Some(1), 1, Duration::from_secs(20))
    );
    let purposes: Vec<_> = scenario.answers[3..5].iter().map(|it| it.purpose).collect();
    assert_eq!(purposes, [Purpose::DryRun, Purpose::RollBack]);
    let lines = &scenario.logs[0].lines;
    assert_eq!((lines[0].at, lines[0].times()), (-720, 1));
    assert_eq!(
        (lines[1].every, lines[1].times()),
        (Some((7, 5400)), 12_600 / 7 + 1)
    );
    let replies = &scenario.colleagues[0].replies;
    assert_eq!(replies[0].says, Says::Deny("Which account?".to_owned()));
    assert_eq!(
        (replies[1].step.clone(), replies[1].after),
        (None, minutes(1))
    );
    assert_eq!(scenario.colleagues[1].replies[0].says, Says::Nothing);
}

#[test]
fn a_scenario_is_no_runbook_and_a_runbook_no_scenario() {
    let (runbook, problems) = reading::runbook("a.yaml", LEAST.as_bytes());
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(runbook, None);
    assert_eq!(
        said,
        ["a.yaml:1:1: error: this is the scenario of an exercise and no runbook"]
    );
    let problems: Vec<Problem> =
        parse("a.yaml", b"id: a\ntitle: A\nsteps: [{id: b}]\n").unwrap_err();
    assert!(
        problems
            .iter()
            .any(|problem| problem.what == "`scenario` has no `kind`")
    );
}

#[test]
fn hostile_yaml_is_refused() {
    let bomb = "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n";
    let deep = "[".repeat(10_000);
    let many = "- a\n".repeat(200_000);
    let huge = " ".repeat(2 << 20);
    for text in [
        bomb,
        &deep,
        &many,
        &huge,
        "injects: !!python/object a\n",
        "id: \0\n",
    ] {
        let problems = parse("a.yaml", text.as_bytes()).unwrap_err();
        assert!((1..=110).contains(&problems.len()), "{}", problems.len());
    }
}

#[test]
fn what_nobody_plays_is_not_looked_at_further() {
    use crate::runbook::check::{File, Set, check};
    let mut text = LEAST.replace("expectations: [", "abort: [x]\nexpectations: [");
    let more = "{id: e, action: x, by: 5m, objective: p, proof: [{done: nothing}]}, ";
    text = text.replace(
        "expectations: [",
        &format!("expectations: [{}", more.repeat(501)),
    );
    let runbooks = vec![File {
        path: "a.yaml",
        bytes: text.as_bytes(),
    }];
    let problems = check(
        &Set {
            runbooks,
            ..Set::default()
        },
        chrono::NaiveDate::default(),
    );
    let said: Vec<_> = problems
        .iter()
        .filter(|problem| problem.code != "no-people")
        .collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0]
            .what
            .starts_with("502 expectations are more than anybody plays")
    );
}

/// The example with a stretch of it gone, doubled or replaced, as an editor or a disk might leave it.
fn mangled() -> impl proptest::strategy::Strategy<Value = Vec<u8>> {
    use proptest::prelude::*;
    let piece = prop_oneof![
        Just(String::new()),
        "[a-z:{}\\[\\],'\"|>&*!#%\n -]{1,12}",
        Just("999999w".to_owned()),
        Just("-99999999999999999999".to_owned()),
    ];
    (0..EVERY_KEY.len(), 0..60_usize, piece, any::<bool>()).prop_map(|(at, long, piece, twice)| {
        let bytes = EVERY_KEY.as_bytes();
        let end = (at + long).min(bytes.len());
        let again = if twice { &bytes[at..end] } else { &[] };
        [&bytes[..at], again, piece.as_bytes(), again, &bytes[end..]].concat()
    })
}

proptest::proptest! {
    #[test]
    fn no_mangled_file_makes_reader_or_check_panic(bytes in mangled()) {
        use crate::runbook::check::{File, Set, check};
        let book = include_bytes!("../../../tests/scenarios/restart-api.yaml");
        let runbooks = vec![
            File { path: "every-key.yaml", bytes: &bytes },
            File { path: "restart-api.yaml", bytes: book },
        ];
        let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        let problems = check(&Set { runbooks, ..Set::default() }, today);
        // What check passes can be read, and always as the same.
        let read = parse("a", &bytes);
        if is_scenario(&bytes) && !crate::runbook::check::has_errors(&problems) {
            proptest::prop_assert!(read.is_ok());
        }
        proptest::prop_assert_eq!(&read, &parse("a", &bytes));
        if let Ok(scenario) = read {
            proptest::prop_assert!(is_scenario(&bytes));
            proptest::prop_assert_eq!(head(&bytes).unwrap().id, scenario.id);
        }
    }
}

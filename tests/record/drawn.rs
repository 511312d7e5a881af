//! The example incident as a scenario: one that is found good, is the same each time, and names nobody and nothing of it.

use runsheet::engine::sentence::Class;
use runsheet::exercise::drawn::{Drawn, Sources, draw};
use runsheet::exercise::replay::{self, Point};
use runsheet::logs::dating;
use runsheet::runbook::check::{File, Set, check};
use runsheet::runbook::problem::Severity;
use runsheet::runbook::scenario::{self, Form, Purpose, Says, When};
use runsheet::timeline::as_of;

use super::example::{self, Stage};

fn drawn(stage: &Stage) -> Drawn {
    let evidence = |digest: &_| stage.kept.borrow().get(digest).cloned();
    let sources = Sources {
        evidence: &evidence,
        dated: &dating::times,
    };
    draw(&stage.world.state, &stage.events(), &sources, None).unwrap()
}

/// What `check` says of it beside the runbooks and the policy it was drawn under.
fn problems(stage: &Stage, drawn: &Drawn) -> Vec<(Severity, String)> {
    let path = format!("runbooks/{}.yaml", drawn.id);
    let run = &stage.world.state.runs[0];
    let pins: Vec<_> = std::iter::once(&*run.pin).chain(run.uses.iter()).collect();
    let mut runbooks: Vec<File<'_>> = pins
        .iter()
        .map(|pin| File {
            path: &pin.path,
            bytes: pin.text.as_bytes(),
        })
        .collect();
    runbooks.push(File {
        path: &path,
        bytes: drawn.text.as_bytes(),
    });
    let policy = Some(File {
        path: "policy.yaml",
        bytes: stage.world.policy.as_bytes(),
    });
    let set = Set {
        runbooks,
        policy,
        signers: None,
    };
    let all = check(&set, "2026-11-26".parse().unwrap());
    let own = all.into_iter().filter(|problem| problem.file == path);
    own.map(|problem| (problem.severity, problem.to_string()))
        .collect()
}

#[test]
fn the_example_becomes_a_scenario_without_errors() {
    let stage = example::played();
    let drawn = drawn(&stage);
    let problems = problems(&stage, &drawn);
    let wrong: Vec<_> = problems
        .iter()
        .filter(|(how, _)| *how == Severity::Error)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", drawn.text);
    let suspicious: Vec<_> = problems
        .iter()
        .filter(|(_, what)| what.contains("may be somebody's") || what.contains("like a secret"))
        .collect();
    assert!(suspicious.is_empty(), "{suspicious:#?}");

    let scenario = scenario::parse("it.yaml", drawn.text.as_bytes()).unwrap();
    assert_eq!(scenario.id, "leaked-cloud-credential-2026-11-24");
    assert_eq!(scenario.form, Form::Functional);
    assert_eq!(
        scenario.runbook.as_ref().unwrap().as_str(),
        "leaked-cloud-credential"
    );
    assert_eq!(
        scenario.clock.start.unwrap().to_rfc3339(),
        "2026-11-24T08:38:04+00:00"
    );
    assert_eq!(scenario.inputs["account"], "prod");
    assert_eq!(scenario.inputs["key_id"], "AKIA000000001EXAMPLE");
    // What came from outside, when it came to be known.
    let messages: Vec<&str> = scenario
        .injects
        .iter()
        .map(|it| it.message.as_str())
        .collect();
    assert!(
        messages[0].starts_with("GuardDutyUnauthorizedAccessIAMUser"),
        "{messages:#?}"
    );
    assert!(
        messages
            .iter()
            .any(|text| text.contains("an address I have never seen"))
    );
    // As it was corrected.
    let first = scenario
        .injects
        .iter()
        .find(|it| it.message.contains("GetCallerIdentity from"))
        .unwrap();
    assert!(first.message.ends_with("203.0.113.2"), "{}", first.message);
    assert!(matches!(first.when, When::At { at, .. } if at.as_secs() == 27 * 60 + 8));
    // Outputs as they were, each try.
    let of = |step: &str| {
        scenario
            .answers
            .iter()
            .filter(|it| it.step.as_str() == step)
            .collect::<Vec<_>>()
    };
    let owner = of("key-owner");
    assert!(owner[0].output.contains(r#""UserName": "deploy""#));
    assert_eq!(
        (owner[0].takes.as_secs(), owner[0].exit, owner[0].purpose),
        (3, 0, Purpose::Run)
    );
    let twice = of("verify-inactive");
    assert_eq!(
        (twice[0].attempt, twice[0].output.as_str()),
        (Some(1), "Active\n")
    );
    assert_eq!(
        (twice[1].attempt, twice[1].output.as_str()),
        (None, "Inactive\n")
    );
    // Logs with their offset from the start.
    let trail = scenario
        .logs
        .iter()
        .find(|log| log.name == "trail")
        .unwrap();
    assert_eq!(trail.lines[0].at, -(7 * 3600 + 25 * 60 + 57));
    assert!(trail.lines[0].text.contains("GetCallerIdentity"));
    // Who denied, with a reason, and who approved.
    let replies: Vec<_> = scenario
        .colleagues
        .iter()
        .flat_map(|it| &it.replies)
        .collect();
    let denied = replies.iter().find_map(|reply| match &reply.says {
        Says::Deny(reason) => Some((reason.as_str(), reply.after.as_secs())),
        _ => None,
    });
    assert_eq!(
        denied,
        Some((
            "the release of 09:30 runs on this key: tell its owner first",
            95
        ))
    );
    let by = |id: &str| {
        let found = scenario.expectations.iter().find(|it| it.id.contains(id));
        found
            .unwrap_or_else(|| panic!("{id}: {:#?}", scenario.expectations))
            .by
            .as_secs()
            / 60
    };
    // Asked after 43 min 26 s, approved after 51 min 44 s; decided after more than an hour.
    assert_eq!(
        (
            by("asked-deactivate"),
            by("approved-deactivate"),
            by("decision-aware")
        ),
        (44, 52, 150)
    );
    let phases: Vec<&str> = scenario.moves.iter().map(|it| it.id.as_str()).collect();
    assert!(
        phases.starts_with(&["identification", "containment"]),
        "{phases:?}"
    );
}

#[test]
fn nobody_and_nothing_of_the_incident_is_told() {
    let stage = example::played();
    let text = drawn(&stage).text.to_lowercase();
    for name in [
        "alice",
        "bob",
        "carol",
        "dan",
        "erin",
        "noor",
        "baker",
        "chu",
        "diaz",
        "engel",
        "ames",
        "203.0.113.9",
        "203.0.113.90",
        "akiaiosfodnn7",
        "[redacted:",
        "git.example.org",
        "@users.",
    ] {
        for (at, _) in text.match_indices(name) {
            let letter = |other: Option<char>| other.is_some_and(char::is_alphanumeric);
            let inside = letter(text[..at].chars().next_back())
                || letter(text[at + name.len()..].chars().next());
            assert!(
                inside,
                "{name}: {:?}",
                &text[at.saturating_sub(60)..(at + 40).min(text.len())]
            );
        }
    }
    assert!(text.contains("made-up ones") && text.contains("look over by hand"));
}

#[test]
fn the_same_incident_gives_the_same_scenario() {
    assert_eq!(drawn(&example::played()), drawn(&example::played()));
}

#[test]
fn what_is_not_here_is_said() {
    let stage = example::played();
    stage.kept.borrow_mut().clear();
    let drawn = drawn(&stage);
    let said = |what: &str| drawn.look.iter().any(|line| line == what);
    assert!(
        said("key-owner: what it printed is not here"),
        "{:#?}",
        drawn.look
    );
    assert!(said("the log trail: what was pulled of it is not here"));
    assert!(
        drawn
            .text
            .contains("# - key-owner: what it printed is not here\n")
    );
}

fn points(stage: &Stage) -> Vec<Point> {
    replay::points(&stage.events(), replay::ENTRIES)
}

#[test]
fn a_replay_shows_what_was_known_and_then_what_was_done() {
    let stage = example::played();
    let events = stage.events();
    let points = points(&stage);
    let approved = points
        .iter()
        .position(|point| point.did[0].contains("approved deactivate"))
        .unwrap();
    let point = &points[approved];
    assert_eq!(
        point.known.gates,
        ["deactivate (attempt 1), asked by bob, approved by 0"]
            .map(|gate| gate.replace(" (attempt 1)", ""))
    );
    assert_eq!(point.known.severity, Some("sev1"));
    assert_eq!(point.after_ms, 226_000);
    assert_eq!(point.known.entries.len(), replay::ENTRIES);
    for point in &points {
        // Nothing is shown that was recorded later.
        let (known, _) = as_of(&events, point.now);
        assert!(known.count > 0);
        assert!(
            point
                .known
                .entries
                .iter()
                .all(|entry| entry.at <= point.now)
        );
        assert!(point.did_at >= point.now);
        assert_eq!(
            point.did_at - point.now,
            chrono::TimeDelta::milliseconds(point.after_ms)
        );
    }
    assert_eq!(points[0].known.milestones, ["started"]);
    // What was noted alone is no point.
    let row = stage
        .timeline()
        .rows
        .into_iter()
        .find(|row| row.class == Class::Note)
        .unwrap();
    assert!(points.iter().all(|point| !point.did.contains(&row.text)));
}

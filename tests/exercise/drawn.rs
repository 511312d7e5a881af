//! Scenarios drawn from what was played, or from a real incident: they can be begun, and their answers do what the
//! runbook needs.

use std::collections::BTreeMap;

use runsheet::engine::exec::Purpose;
use runsheet::engine::fact::Outcome;
use runsheet::engine::state::Status;
use runsheet::engine::{Fact, Intent};
use runsheet::exercise::drawn::{Drawn, Sources, draw};
use runsheet::logs::dating;
use runsheet::runbook::scenario;

use super::example;
use super::play::{Play, again, played};
use super::stage::Stage;

const PLAYED: &str = "failover-wrong-runbook";

fn drawn_from(stage: &Stage) -> Drawn {
    let session = stage.session("alice");
    let sessions = ["alice", "erin", "fay"].map(|who| stage.session(who));
    let evidence = |digest: &_| {
        let mut found = sessions
            .iter()
            .map(|session| session.journal().evidence(digest).unwrap());
        found.find_map(|bytes| bytes)
    };
    let sources = Sources {
        evidence: &evidence,
        dated: &dating::times,
    };
    let events = session.journal().log().events();
    draw(session.state(), events, &sources, Some("as-it-was")).unwrap()
}

/// How everything that was started ended.
fn ends(stage: &Stage) -> Vec<(String, Purpose, Outcome, Option<i32>)> {
    let events = stage.session("alice").journal().log().events();
    let ends = events.iter().filter_map(|event| match &event.fact {
        Fact::StepFinished(fact) => {
            Some((fact.step.to_string(), fact.purpose, fact.outcome, fact.exit))
        }
        _ => None,
    });
    let mut ends: Vec<_> = ends
        .map(|(step, purpose, outcome, exit)| {
            let step = step.rsplit('/').next().unwrap_or_default().to_owned();
            (step, purpose, outcome, exit)
        })
        .collect();
    ends.sort();
    ends
}

#[test]
fn what_was_played_can_be_played_again_from_its_record() {
    let play = Play::read(&format!(
        "{}/tests/exercise/plays/{PLAYED}.met.yaml",
        env!("CARGO_MANIFEST_DIR")
    ));
    let first = played(&play);
    let drawn = drawn_from(&first);
    let script = scenario::parse("as-it-was.yaml", drawn.text.as_bytes()).unwrap();
    // Its messages are those that came.
    let came = first
        .session("fay")
        .state()
        .exercise
        .clone()
        .unwrap()
        .injected
        .len();
    assert_eq!(script.injects.len(), came + 1);
    let second = again(&play, "as-it-was", &drawn.text);
    assert_eq!(ends(&second), ends(&first), "{}", drawn.text);
    second.is_proven();
}

#[test]
fn a_real_incident_can_be_practised() {
    let incident = example::played();
    let evidence = |digest: &_| incident.kept.borrow().get(digest).cloned();
    let sources = Sources {
        evidence: &evidence,
        dated: &dating::times,
    };
    let drawn = draw(&incident.world.state, &incident.events(), &sources, None).unwrap();
    let people = BTreeMap::from([("olga".to_owned(), vec!["operator".to_owned()])]);
    let mut stage = Stage::new(&drawn.id, &drawn.text, &people);
    assert_eq!(stage.begun().to_rfc3339(), "2026-11-24T08:38:04+00:00");
    stage.with("olga", |session| {
        let step = session.step("confirm").unwrap();
        let run = session.state().run(&step.run).unwrap();
        let checklist = run.book.step(&step.step).unwrap().checklist.clone();
        session
            .act(Intent::Done {
                step,
                checklist,
                note: None,
            })
            .unwrap();
        let (step, purpose) = (session.step("key-owner").unwrap(), Purpose::Run);
        session.act(Intent::Start { step, purpose }).unwrap();
    });
    let then = stage.sim() + chrono::TimeDelta::seconds(3);
    stage.go_to(then);
    let state = stage.session("olga").state().clone();
    let step = state.runs[0].state(&"key-owner".into()).unwrap();
    assert_eq!(step.status, Status::Done);
    assert_eq!(state.runs[0].values["user"].text.as_deref(), Some("deploy"));
}

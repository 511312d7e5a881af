//! A play: who does what at which simulated time, as a file that a person can read, and its run on a stage.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use runsheet::driver::{DriverError, Session};
use runsheet::engine::checkpoint::record;
use runsheet::engine::command::{RefusalKind, StepKey};
use runsheet::engine::event::Fidelity;
use runsheet::engine::exec::Purpose;
use runsheet::engine::exercise::{ClockChange, Control};
use runsheet::engine::fact::{DecisionNamed, FollowupOpened, Milestone, Outcome, StageSubmitted};
use runsheet::engine::telling::Telling;
use runsheet::engine::{Intent, StepRef};
use runsheet::exercise::due;
use runsheet::exercise::seal::{Item, Rating, Verdict};
use runsheet::runbook::model::{Role, Severity};
use serde::Deserialize;

use super::stage::{EVALUATOR, FACILITATOR, Stage, principal};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Play {
    pub scenario: String,
    pub people: BTreeMap<String, Vec<String>>,
    pub play: Vec<Action>,
}

/// One line of a play.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    at: String,
    by: String,
    #[serde(rename = "do")]
    what: String,
    step: Option<String>,
    text: Option<String>,
    reason: Option<String>,
    label: Option<String>,
    #[serde(default)]
    values: BTreeMap<String, serde_json::Value>,
    milestone: Option<String>,
    who: Option<String>,
    role: Option<String>,
    severity: Option<Severity>,
    audience: Option<String>,
    state: Option<String>,
    decision: Option<String>,
    clock: Option<String>,
    stage: Option<String>,
    inject: Option<String>,
    outcome: Option<String>,
    to: Option<String>,
    expectation: Option<String>,
    verdict: Option<Verdict>,
    objective: Option<String>,
    rating: Option<Rating>,
    /// The rule is to refuse it.
    #[serde(default)]
    refused: bool,
}

impl Play {
    pub fn read(path: &str) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

/// Plays it to its end.
pub fn played(play: &Play) -> Stage {
    let path = format!(
        "{}/runbooks/scenarios/{}.yaml",
        env!("CARGO_MANIFEST_DIR"),
        play.scenario
    );
    let text = std::fs::read_to_string(path).unwrap();
    let mut stage = Stage::new(&play.scenario, &text, &play.people);
    for action in &play.play {
        let at = stage.begun() + span(&action.at);
        stage.go_to(at);
        done(&mut stage, action);
    }
    stage.settle();
    stage
}

/// What the players of a play did, in another scenario of the same runbook.
pub fn again(play: &Play, id: &str, text: &str) -> Stage {
    let mut stage = Stage::new(id, text, &play.people);
    let players = play.play.iter();
    for action in players.filter(|action| play.people.contains_key(&action.by)) {
        let at = stage.begun() + span(&action.at);
        stage.go_to(at);
        done(&mut stage, action);
    }
    stage.settle();
    stage
}

fn span(text: &str) -> TimeDelta {
    let mut all = TimeDelta::zero();
    let mut number = String::new();
    for letter in text.chars() {
        let count = || {
            number
                .parse::<i64>()
                .unwrap_or_else(|_| panic!("{text} is no time"))
        };
        match letter {
            'h' => all += TimeDelta::hours(count()),
            'm' => all += TimeDelta::minutes(count()),
            's' => all += TimeDelta::seconds(count()),
            digit => {
                number.push(digit);
                continue;
            }
        }
        number.clear();
    }
    all
}

fn done(stage: &mut Stage, action: &Action) {
    let who = match action.by.as_str() {
        "facilitator" => FACILITATOR,
        "evaluator" => EVALUATOR,
        other => other,
    };
    let scenario = stage.scenario.clone();
    let back = action
        .to
        .as_ref()
        .filter(|_| action.what == "back")
        .map(|to| stage.move_at(to));
    let result = stage.with(who, |session| one(session, action, &scenario, back));
    match (result, action.refused) {
        (Ok(()), false) => {}
        (Err(DriverError::Refused(refusal)), true) => {
            assert_ne!(refusal.kind, RefusalKind::NoSuchThing, "{action:?}")
        }
        (Ok(()), true) => panic!("{action:?} was not refused"),
        (Err(error), _) => panic!("{} {action:?}: {error}", stage.scenario.id),
    }
}

/// The latest open run that has the step.
fn key(session: &Session, step: &str) -> StepKey {
    if step.contains('/') {
        return session.step(step).unwrap();
    }
    let run = session
        .state()
        .open_runs()
        .filter(|run| run.steps.iter().any(|one| one.id.as_str() == step))
        .last()
        .unwrap_or_else(|| panic!("no open run has a step {step}"));
    StepKey {
        run: run.id.clone(),
        step: step.into(),
    }
}

fn one(
    session: &mut Session,
    action: &Action,
    scenario: &runsheet::runbook::scenario::Scenario,
    back: Option<chrono::DateTime<chrono::Utc>>,
) -> Result<(), DriverError> {
    let word = |text: &Option<String>| {
        text.clone()
            .unwrap_or_else(|| panic!("{action:?} lacks something"))
    };
    let step = || key(session, &word(&action.step));
    let purpose = match action.what.as_str() {
        "dry_run" => Purpose::DryRun,
        "roll_back" => Purpose::RollBack,
        _ => Purpose::Run,
    };
    let item = match action.what.as_str() {
        "skip" if action.inject.is_some() => Some(Item::Skipped {
            inject: word(&action.inject),
            reason: action.reason.clone(),
        }),
        "evaluate" => Some(Item::Verdict {
            expectation: word(&action.expectation),
            verdict: action.verdict.unwrap(),
            reason: word(&action.reason),
        }),
        "rate" => Some(Item::Rating {
            objective: word(&action.objective),
            rating: action.rating.unwrap(),
            reason: action.reason.clone(),
        }),
        _ => None,
    };
    if let Some(item) = item {
        return session.seal(&item).map(|_| ());
    }
    if matches!(action.what.as_str(), "end" | "abort") {
        let aborted = action.what == "abort";
        return session
            .end_exercise(aborted, action.reason.clone())
            .map(|_| ());
    }
    let intent = match action.what.as_str() {
        "run" | "dry_run" | "roll_back" => Intent::Start {
            step: step(),
            purpose,
        },
        "done" => {
            let step = step();
            let found = record::find(session.state(), &step)?;
            let checklist = found.step.checklist.clone();
            Intent::Done {
                step,
                checklist,
                note: action.text.clone(),
            }
        }
        "skip" => Intent::Skip {
            step: step(),
            reason: word(&action.reason),
        },
        "choose" => Intent::Choose {
            step: step(),
            label: word(&action.label),
        },
        "answer" => Intent::Answer {
            step: step(),
            answers: action
                .values
                .iter()
                .map(|(name, value)| {
                    let text = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    (name.clone(), text)
                })
                .collect(),
            secrets: BTreeMap::new(),
        },
        "request" => Intent::Request {
            step: step(),
            purpose,
        },
        "approve" | "deny" => {
            let step = step();
            let state = session.state();
            let asked = state
                .run(&step.run)
                .and_then(|run| run.state(&step.step))
                .and_then(|at| at.request.clone());
            let asked = asked.unwrap_or_else(|| panic!("{action:?}: nobody asked"));
            let request = asked.record.digest();
            if action.what == "approve" {
                Intent::Approve { step, request }
            } else {
                Intent::Deny {
                    step,
                    request,
                    reason: word(&action.reason),
                }
            }
        }
        "override" => Intent::Override {
            step: step(),
            purpose,
            reason: word(&action.reason),
        },
        "claim" => Intent::Claim(step()),
        "resolve" => Intent::Resolve {
            step: step(),
            outcome: if action.outcome.as_deref() == Some("failed") {
                Outcome::Failed
            } else {
                Outcome::Succeeded
            },
            reason: action.reason.clone(),
        },
        other => beside(session, other, action, scenario, back),
    };
    session.act(intent).map(|_| ())
}

/// What is done beside the walk.
fn beside(
    session: &Session,
    what: &str,
    action: &Action,
    scenario: &runsheet::runbook::scenario::Scenario,
    back: Option<chrono::DateTime<chrono::Utc>>,
) -> Intent {
    let word = |text: &Option<String>| {
        text.clone()
            .unwrap_or_else(|| panic!("{action:?} lacks something"))
    };
    let _: Option<StepRef> = None;
    let stands = session
        .state()
        .exercise
        .as_ref()
        .is_some_and(|exercise| exercise.clock.paused);
    let clock = |change, sim, scale, paused| {
        Intent::Exercise(Control::Clock {
            change,
            sim,
            scale,
            to: action.to.clone(),
            paused,
        })
    };
    match what {
        "note" => Intent::Note {
            text: word(&action.text),
            at: None,
            until: None,
            fidelity: Fidelity::Exact,
            step: None,
            details: None,
        },
        "role" => Intent::AssignRole {
            who: principal(&word(&action.who)),
            role: Role(word(&action.role)),
        },
        "severity" => Intent::SetSeverity(action.severity.unwrap()),
        "milestone" => Intent::Reach {
            milestone: Milestone::named(&word(&action.milestone)).unwrap(),
            at: None,
            fidelity: Fidelity::Exact,
        },
        "update" => Intent::Update {
            audience: word(&action.audience),
            state: action.state.clone(),
            message: word(&action.text),
            next: None,
        },
        "decision" => Intent::Tell(vec![
            Telling::Decided(DecisionNamed {
                decision: word(&action.decision),
                reason: word(&action.reason),
            })
            .into(),
        ]),
        "submitted" => Intent::Tell(vec![
            Telling::Submitted(StageSubmitted {
                clock: word(&action.clock),
                stage: word(&action.stage),
                reference: None,
            })
            .into(),
        ]),
        "followup" => Intent::Tell(vec![
            Telling::Opened(FollowupOpened {
                text: word(&action.text),
                kind: serde_json::from_value("fix".into()).unwrap(),
                owner: None,
                due: None,
                about: None,
            })
            .into(),
        ]),
        "fire" => {
            let id = word(&action.inject);
            let inject = scenario.injects.iter().find(|one| one.id == id).unwrap();
            Intent::Exercise(Control::Inject(Box::new(due::message(inject, None))))
        }
        "pause" => clock(ClockChange::Paused, None, None, true),
        "go" => clock(ClockChange::Resumed, None, None, false),
        "back" => clock(ClockChange::Back, back, None, true),
        "speed" => {
            let scale: f64 = word(&action.to).parse().unwrap();
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small number"
            )]
            let scale = (scale * 1000.0) as u32;
            clock(ClockChange::Scaled, None, Some(scale), stands)
        }
        other => panic!("nobody knows how to {other}"),
    }
}

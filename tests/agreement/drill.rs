//! What people do about an exercise itself: its clock, its messages, its end; and what somebody makes up who plays.

use chrono::TimeDelta;
use runsheet::engine::exec::Purpose;
use runsheet::engine::exercise::{ClockChange, Control, GivenLog, Sealed};
use runsheet::engine::fact::{ExerciseAnswered, ExerciseInjected};
use runsheet::engine::{Command, StepRef};
use runsheet::runbook::model::Role;
use runsheet::runbook::scenario::{Attachment, Means};
use serde_json::{Value, json};

use super::chance::Chance;
use super::world::{World, principal};

const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "erin", "mallory"];
const DUTIES: [&str; 4] = ["facilitator", "evaluator", "facilitator", "observer"];

/// One person tries one thing; what is refused is not recorded.
pub fn act(world: &mut World, chance: &mut Chance, who: &str, step: &str) {
    let who = if chance.percent(60) { "alice" } else { who };
    let command = match chance.below(16) {
        0..=1 => Command::AssignRole {
            who: principal(chance.one::<&str>(&PEOPLE)),
            role: Role::from(*chance.one(&DUTIES)),
        },
        2..=6 => Command::Exercise(clock(world, chance)),
        7..=8 => Command::Exercise(inject(world, chance)),
        9..=10 => Command::Exercise(answer(world, chance, step)),
        11 => Command::Exercise(Control::Refused {
            step: chance.percent(50).then(|| reference(world, step)),
            what: "the checkpoint asks for\n1 approver".to_owned(),
        }),
        12..=13 => Command::Exercise(Control::Seal(Sealed {
            nonce: "0a".repeat(24),
            text: "q83v".repeat(1 + chance.below(9)),
        })),
        14 => Command::Exercise(Control::Feedback {
            question: chance.percent(50).then(|| "What \"went\" well?".to_owned()),
            text: "é ".repeat(1 + chance.below(150)),
        }),
        _ if chance.percent(60) => return,
        _ => Command::Exercise(Control::End {
            aborted: chance.percent(50),
            reason: chance.percent(50).then(|| "no duff".to_owned()),
            key: "07".repeat(32),
        }),
    };
    let _ = world.command(who, command);
}

fn reference(world: &World, step: &str) -> StepRef {
    let key = world.key(step);
    StepRef {
        run: key.run,
        step: key.step,
        attempt: world.step(step).attempt,
    }
}

fn clock(world: &World, chance: &mut Chance) -> Control {
    let change = *chance.one(&[
        ClockChange::Paused,
        ClockChange::Resumed,
        ClockChange::Scaled,
        ClockChange::Ahead,
        ClockChange::Back,
        ClockChange::Move,
    ]);
    let now = world.state.exercise.as_ref().map(|one| one.sim(world.now));
    let away = TimeDelta::milliseconds(*chance.one(&[1, 61_500, 900_000, 7_200_000]));
    let sim = match change {
        ClockChange::Ahead => now.map(|now| now + away),
        ClockChange::Back => now.map(|now| now - away),
        _ => None,
    };
    let names = matches!(change, ClockChange::Back | ClockChange::Move);
    Control::Clock {
        sim,
        scale: *chance.one(&[None, Some(500), Some(1_000), Some(6_000), Some(60_001)]),
        to: names.then(|| "first-hour".to_owned()),
        paused: change == ClockChange::Paused || chance.percent(15),
        change,
    }
}

fn inject(world: &World, chance: &mut Chance) -> Control {
    let means = *chance.one(&[
        Means::Alert,
        Means::Email,
        Means::Phone,
        Means::Chat,
        Means::Log,
        Means::News,
        Means::Regulator,
    ]);
    let attachment = Attachment {
        name: "finding.json".to_owned(),
        text: "{}\n".to_owned(),
    };
    Control::Inject(Box::new(ExerciseInjected {
        inject: format!("page-{}", chance.below(30)),
        title: "The pager rings".to_owned(),
        means,
        from: "monitoring".to_owned(),
        to: vec!["ops".to_owned(); chance.below(3)],
        message: "Since\twhen? \u{202e}".repeat(1 + chance.below(20)),
        attachments: vec![attachment; chance.below(2)],
        due: chance.percent(50).then_some(world.now),
    }))
}

fn answer(world: &World, chance: &mut Chance, step: &str) -> Control {
    let log = GivenLog {
        name: "app".to_owned(),
        text: "one\ntwo\n".to_owned(),
    };
    Control::Answer(Box::new(ExerciseAnswered {
        step: reference(world, step),
        purpose: *chance.one(&[Purpose::Run, Purpose::DryRun, Purpose::RollBack]),
        exit: *chance.one(&[None, Some(0), Some(255)]),
        output: "m=7\n".to_owned(),
        logs: vec![log; chance.below(3)],
        refused: chance
            .percent(20)
            .then(|| "nobody wrote that down".to_owned()),
    }))
}

/// A kind of event and what it says: one of the record once more, or something new.
pub fn made_up(values: &[Value], chance: &mut Chance) -> (String, Value) {
    let of_it: Vec<&Value> = values
        .iter()
        .filter(|event| {
            event["kind"]
                .as_str()
                .is_some_and(|kind| kind.starts_with("exercise."))
        })
        .collect();
    if !of_it.is_empty() && chance.percent(40) {
        let event = chance.one(&of_it);
        return (
            event["kind"].as_str().unwrap().to_owned(),
            event["data"].clone(),
        );
    }
    let who = format!("{}@example.org", chance.one(&PEOPLE));
    let sealed = json!({"nonce": "0a".repeat(24), "text": "q83v"});
    let clock = json!({"paused": true, "scale": 1000, "sim": "2026-09-21T14:00:00Z"});
    let (kind, data) = match chance.below(7) {
        0..=1 => (
            "role.assigned",
            json!({"role": chance.one(&DUTIES), "who": who}),
        ),
        2 => (
            "exercise.clock",
            json!({"change": "paused", "clock": clock, "to": null}),
        ),
        3 => (
            "exercise.ended",
            json!({"aborted": true, "key": "07".repeat(32), "reason": null}),
        ),
        4 => ("exercise.sealed", json!({"sealed": sealed})),
        5 => (
            "exercise.feedback",
            json!({"question": null, "text": "good"}),
        ),
        _ => (
            "exercise.started",
            json!({
                "abort": [], "briefing": "", "clock": clock, "code_word": "no duff", "form": "drill", "length": 60, "script": sealed, "title": "Other",
            }),
        ),
    };
    (kind.to_owned(), data)
}

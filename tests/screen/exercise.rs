//! The screens of an exercise: what players see of it, and what only those do who conduct and evaluate it.

use std::sync::Arc;

use chrono::Duration;
use runsheet::engine::exec::Purpose;
use runsheet::engine::exercise::{ClockChange, Control, Ended, Exercise, Sealed, SimClock};
use runsheet::engine::fact::{ExerciseInjected, ExerciseSealed, ExerciseStarted};
use runsheet::engine::state::{Reached, Status};
use runsheet::engine::{Intent, StepRef};
use runsheet::evidence::Digest;
use runsheet::exercise::seal::{Item, Rating, RemarkKind, Verdict};
use runsheet::exercise::{Progress, due, score};
use runsheet::runbook::model::{Role, StepId};
use runsheet::runbook::scenario::{self, Scenario};
use runsheet::trust::Mode;
use runsheet::tui::wish::Paper;
use runsheet::tui::world::Script;
use runsheet::tui::{Input, Theme, Wish};

use crate::fixture::*;
use crate::play::Play;

/// Words of what is to come stand nowhere else.
const SCRIPT: &str = r"
kind: scenario
id: leak-drill
title: A key is out
form: functional
summary: A key was found outside. What do we do?
briefing: |
  You are the on-call team of a Friday afternoon.
  Nothing you do reaches a real system.
notes: Keep them busy.
runbook: leaked-cloud-key
severity: sev2
clock: {start: '2026-11-23T13:40:00Z', scale: 6, pauses: [50m], length: 90m}
objectives:
  - {id: contain, title: Contain the leak within the hour, capability: Incident management, critical_tasks: [Revoke]}
  - {id: tell, title: Tell those who have to know, capability: Public information}
parts:
  - {id: ops, title: On-call engineer, side: player, role: operator}
  - {id: lead, title: Approver, side: player, role: approver}
  - {id: control, title: Controller, side: facilitator}
moves:
  - {id: first, title: The first hour, at: 0m, questions: [Who decides?]}
  - {id: second, title: Zweitakt, at: 40m, questions: [Who tells the press?]}
injects:
  - {id: page, title: The pager rings, at: 0m, means: alert, from: monitoring, to: [ops], message: 'Key AKIA…7Q was used from 203.0.113.9'}
  - id: boss
    title: The boss calls
    at: 20m
    means: phone
    from: Chief of staff
    message: |
      What is going on?
      Call me back in ten minutes.
    attachments: [{name: numbers.txt, text: '+44 20 7946 0000'}]
  - {id: presse, title: Schlagzeile, at: 30m, means: news, from: Abendblatt, message: Wolkenbruch bei Beispiel AG, contingency: Ruf selbst an}
  - {id: nachts, title: Nachtschicht, by_hand: true, means: chat, from: Simulation, message: Jemand ist krank}
  - {id: behoerde, title: Bescheid, after: [{done: verify}], delay: 5m, means: regulator, from: Behoerde, message: Fristsache}
expectations:
  - {id: asked-second, action: Ask for an approval of the revocation, role: ops, about: page, by: 30m, proof: [{asked: revoke}], weight: 3, critical: true, objective: contain}
  - {id: used-told, action: Say whether the key was used, role: ops, about: page, by: 15m, proof: [{chosen: {step: used, label: 'Yes'}}], objective: contain}
  - {id: press-answer, action: Tell the press something, about: presse, by: 20m, proof: [{update: {audience: press}}], objective: tell}
answers:
  - {step: revoke, takes: 5m, output: Widerruf erledigt}
hot_wash: [What went well?, What would you change?]
code_word: NIGHTINGALE
abort: [somebody is hurt, a real alert comes]
";

/// Of what players must not know before it is so.
const HIDDEN: [&str; 9] = [
    "Zweitakt",
    "press?",
    "presse",
    "Schlagzeile",
    "Wolkenbruch",
    "Nachtschicht",
    "Fristsache",
    "Ruf selbst an",
    "Widerruf",
];

fn script() -> Arc<Scenario> {
    let read = scenario::parse("leak-drill.yaml", SCRIPT.as_bytes());
    Arc::new(read.unwrap_or_else(|problems| panic!("{problems:?}")))
}

fn sealed() -> Sealed {
    Sealed {
        nonce: "07".repeat(24),
        text: "c2VhbGVk".to_owned(),
    }
}

fn message(id: &str) -> ExerciseInjected {
    let script = script();
    let mut injects = script.injects.iter();
    due::message(injects.find(|inject| inject.id == id).unwrap(), None)
}

/// Forty simulated minutes in, two messages have come.
fn exercise() -> Exercise {
    let script = script();
    Exercise {
        started: ExerciseStarted {
            title: script.title.clone(),
            form: "functional".to_owned(),
            briefing: script.briefing.clone(),
            code_word: script.code_word.clone(),
            abort: script.abort.clone(),
            clock: SimClock {
                sim: at("13:40:00").to_utc(),
                scale: 6_000,
                paused: false,
            },
            length: 5_400,
            script: sealed(),
        },
        clock: SimClock {
            sim: at("14:02:11").to_utc(),
            scale: 6_000,
            paused: false,
        },
        set: at("09:31:00").to_utc(),
        stage: Some("first".to_owned()),
        injected: vec![
            (at("13:40:00").to_utc(), message("page")),
            (at("14:00:00").to_utc(), message("boss")),
        ],
        answered: Vec::new(),
        sealed: vec![(Digest::of(b"sealed"), who("fay"), sealed())],
        ended: None,
    }
}

fn change(world: &mut World, change: impl FnOnce(&mut runsheet::engine::State)) {
    let open = world.open.as_mut().unwrap();
    let mut state = (*open.state).clone();
    change(&mut state);
    open.state = Arc::new(state);
}

/// A player's world: bob plays, and has no script.
fn player() -> World {
    let mut world = walking(pending(false));
    world.real = at("09:31:00").to_utc();
    change(&mut world, |state| {
        let mut incident = (**state.incident.as_ref().unwrap()).clone();
        incident.mode = Mode::Exercise;
        incident.started = at("13:40:00");
        state.incident = Some(Arc::new(incident));
        state.exercise = Some(Arc::new(exercise()));
        for (name, role) in [
            ("fay", "facilitator"),
            ("eve", "evaluator"),
            ("bob", "operator"),
        ] {
            state
                .roles
                .insert(who(name), [Role::from(role)].into_iter().collect());
        }
    });
    let open = world.open.as_mut().unwrap();
    let mut events = Vec::new();
    for (number, (time, inject)) in exercise().injected.into_iter().enumerate() {
        let time = time.fixed_offset();
        events.push(Arc::new(event(20 + number as u64, time, "fay", inject)));
    }
    let mut later: Vec<_> = open.events.iter().cloned().collect();
    events.append(&mut later);
    let fact = ExerciseSealed { sealed: sealed() };
    events.push(Arc::new(event(30, at("14:01:00"), "fay", fact)));
    let events = events.into_iter().map(|event| {
        let mut event = (*event).clone();
        event.mode = Mode::Exercise;
        event.sim_time = Some(event.occurred_at.to_utc());
        Arc::new(event)
    });
    open.events = Arc::new(events.collect());
    world
}

/// The same with its script, for whoever may read it.
fn with_script(mut world: World, name: &str, conducts: bool, items: &[Item]) -> World {
    world.me = me(name, "commander");
    let now = world.now.to_utc();
    let open = world.open.as_mut().unwrap();
    let scenario = script();
    let progress = Progress::of(&open.state, &open.events);
    let by: Vec<_> = items
        .iter()
        .map(|item| {
            let event = Digest::of(format!("{item:?}").as_bytes());
            (event, who("eve"), item.clone())
        })
        .collect();
    open.script = Some(Arc::new(Script {
        coming: due::coming(&scenario, &open.state, &progress, items),
        score: score::score(&scenario, &open.state, &progress, &by, now),
        left_out: items
            .iter()
            .filter_map(|item| match item {
                Item::Skipped { inject, .. } => Some(inject.clone()),
                _ => None,
            })
            .collect(),
        conducts,
        judges: true,
        scenario,
    }));
    world
}

fn facilitator() -> World {
    with_script(player(), "fay", true, &[])
}

fn judged() -> Vec<Item> {
    vec![
        Item::Skipped {
            inject: "nachts".to_owned(),
            reason: None,
        },
        Item::Verdict {
            expectation: "used-told".to_owned(),
            verdict: Verdict::Missed,
            reason: "they said so on the phone only".to_owned(),
        },
        Item::Rating {
            objective: "contain".to_owned(),
            rating: Rating::M,
            reason: None,
        },
        Item::Remark {
            about: Some("contain".to_owned()),
            kind: RemarkKind::Strength,
            text: "They asked before they acted".to_owned(),
            recommend: Some("Keep the checklist".to_owned()),
        },
    ]
}

fn evaluator() -> World {
    with_script(player(), "eve", false, &judged())
}

/// Bob has started the step, and the result is still to come.
fn running(world: World) -> World {
    with_run(world, |run| {
        let step = &mut run.steps[3];
        step.status = Status::Running;
        step.attempt = 1;
        step.started = Some(at("14:01:30"));
        step.by = Some(who("bob"));
        step.record = Some(Arc::new(record("revoke")));
    })
}

fn stopped(mut world: World) -> World {
    change(&mut world, |state| {
        let mut exercise = (**state.exercise.as_ref().unwrap()).clone();
        exercise.clock.paused = true;
        state.exercise = Some(Arc::new(exercise));
    });
    world
}

fn ended(mut world: World) -> World {
    change(&mut world, |state| {
        let mut exercise = (**state.exercise.as_ref().unwrap()).clone();
        exercise.clock.paused = true;
        exercise.ended = Some(Ended {
            reached: Reached {
                at: at("14:02:00"),
                recorded_at: at("14:02:00").to_utc(),
                fidelity: runsheet::engine::event::Fidelity::Exact,
                by: who("fay"),
                event: Digest::of(b"ended"),
            },
            aborted: false,
            reason: None,
            key: "07".repeat(32),
        });
        state.exercise = Some(Arc::new(exercise));
    });
    world
}

/// Home of somebody whose library has a scenario, and who has read it.
fn home() -> World {
    let head = scenario::head(SCRIPT.as_bytes()).unwrap();
    let mut world = world();
    let mut rows = (*world.incidents).clone();
    rows[1].exercise = true;
    world.incidents = Arc::new(rows);
    world.scenarios = Arc::new(vec![head]);
    world.scenario = Some(("leak-drill".to_owned(), Ok(script())));
    world
}

/// `shot!(name, world, "keys")`, at 80×24 unless told.
macro_rules! shot {
    ($name:ident, $world:expr, $keys:expr) => {
        shot!($name, $world, $keys, 80, 24);
    };
    ($name:ident, $world:expr, $keys:expr, $columns:expr, $rows:expr) => {
        #[test]
        fn $name() {
            let mut play = Play::new($world, $columns, $rows);
            play.keys($keys);
            insta::assert_snapshot!(stringify!($name), play.shot());
        }
    };
}

shot!(player_walk, player(), "");
shot!(player_messages, player(), "M");
shot!(player_message, player(), "M<enter>");
shot!(player_briefing, player(), "B");
shot!(player_waits, stopped(running(player())), "");
shot!(player_update, player(), "p");
shot!(player_export, player(), "te");
shot!(facilitator_script, facilitator(), "G");
shot!(facilitator_script_large, facilitator(), "G", 200, 50);
shot!(facilitator_walk_large, facilitator(), "", 200, 50);
shot!(
    facilitator_now,
    with_script(running(player()), "fay", true, &[]),
    "G<tab>"
);
shot!(facilitator_says, facilitator(), "Gm");
shot!(facilitator_goes_back, facilitator(), "Gb");
shot!(facilitator_ends, facilitator(), "Ge<down><enter>");
shot!(facilitator_breaks_off, facilitator(), "Gx");
shot!(evaluator_score, evaluator(), "G<tab><tab>");
shot!(evaluator_verdict, evaluator(), "G<tab><tab><down><enter>");
shot!(
    evaluator_rates,
    evaluator(),
    "G<tab><tab><down><down><down><enter>"
);
shot!(
    over_score,
    with_script(ended(player()), "bob", false, &judged()),
    "G"
);
shot!(
    over_feedback,
    with_script(ended(player()), "bob", false, &judged()),
    "Gh"
);
shot!(
    over_report,
    with_script(ended(player()), "bob", false, &judged()),
    "Go"
);
shot!(home_scenarios, home(), "x");
shot!(home_begin, home(), "x<enter>");

#[test]
fn monochrome_and_ascii_say_the_same_of_an_exercise() {
    for (name, world, keys) in [
        ("ascii_player", stopped(running(player())), ""),
        ("ascii_messages", player(), "M"),
        ("ascii_script", facilitator(), "G"),
        ("ascii_score", evaluator(), "G<tab><tab>"),
    ] {
        let mut play = Play::new(world, 80, 24);
        play.model.ascii = true;
        play.model.theme = Theme::shipped("monochrome").unwrap();
        play.draw();
        play.keys(keys);
        let shot = play.shot();
        assert!(shot.is_ascii(), "{name}: {shot}");
        assert!(shot.matches("EXERCISE").count() >= 3, "{name}: {shot}");
        insta::assert_snapshot!(name, shot);
    }
}

/// Keys that lead everywhere a player comes.
const TOURS: [&str; 16] = [
    "",
    "M",
    "M<enter>",
    "M<down><enter>",
    "B",
    "M<tab><tab>",
    "G",
    "t",
    "t<home><right>",
    "?<end>",
    "<ctrl-p>",
    "<right><right>",
    "p",
    "te",
    "<tab>z",
    "r",
];

#[test]
fn a_player_sees_nothing_of_what_is_to_come() {
    for world in [player(), stopped(player()), running(player())] {
        for tour in TOURS {
            for (columns, rows) in [(80, 24), (200, 50)] {
                let mut play = Play::new(world.clone(), columns, rows);
                for key in crate::play::parse(tour) {
                    play.input(Input::Key(key));
                    let seen = play.text();
                    for hidden in HIDDEN {
                        assert!(!seen.contains(hidden), "{tour}: {hidden} is in\n{seen}");
                    }
                }
                assert!(play.text().contains("EXERCISE"), "{tour}\n{}", play.text());
            }
        }
    }
}

#[test]
fn who_conducts_sees_it_and_everybody_does_once_it_is_over() {
    let mut play = Play::new(facilitator(), 200, 50);
    let seen = play.keys("G").text();
    for hidden in ["presse", "Abendblatt", "nachts", "behoerde", "second"] {
        assert!(seen.contains(hidden), "{hidden} is not in\n{seen}");
    }
    let mut play = Play::new(player(), 200, 50);
    play.keys("G");
    assert!(play.wishes.contains(&Wish::Bell));
    play.world = with_script(ended(player()), "bob", false, &judged());
    play.input(Input::WorldChanged);
    let seen = play.keys("G").text();
    assert!(seen.contains("asked-second"), "{seen}");
    assert!(seen.contains("Contain the leak"), "{seen}");
    play.keys("<tab><tab><tab>");
    let seen = play.text();
    assert!(seen.contains("Schlagzeile"), "{seen}");
}

#[test]
fn a_message_is_in_sight_until_it_is_read_and_rings_when_it_comes() {
    let mut world = player();
    change(&mut world, |state| {
        let mut exercise = (**state.exercise.as_ref().unwrap()).clone();
        exercise.injected.pop();
        state.exercise = Some(Arc::new(exercise));
    });
    let mut play = Play::new(world, 80, 24);
    assert!(!play.wishes.contains(&Wish::Bell), "it was there before");
    play.keys("M<esc>");
    assert!(!play.text().contains("reads it"), "{}", play.text());
    play.wishes.clear();
    play.world = player();
    play.input(Input::WorldChanged);
    assert!(play.wishes.contains(&Wish::Bell));
    for keys in ["", "t", "<esc>"] {
        let seen = play.keys(keys).text();
        let line = "! phone call from Chief of staff: The boss calls · M reads it";
        assert!(seen.contains(line), "{seen}");
    }
    let seen = play.keys("M").text();
    assert!(seen.contains("Call me back in ten minutes."), "{seen}");
    play.keys("<esc>");
    assert!(!play.text().contains("reads it"), "{}", play.text());
}

#[test]
fn a_step_of_an_exercise_says_what_it_waits_for() {
    let mut play = Play::new(running(player()), 80, 24);
    let seen = play.text();
    assert!(seen.contains("waiting for the exercise"), "{seen}");
    assert!(!seen.contains("STANDS STILL"), "{seen}");
    play.world = stopped(running(player()));
    play.input(Input::WorldChanged);
    let seen = play.text();
    assert!(seen.contains("STANDS STILL"), "{seen}");
    assert!(
        seen.contains("the clock of the exercise stands still"),
        "{seen}"
    );
}

/// What the keys make the screen wish.
fn wished(world: World, keys: &str) -> Vec<Wish> {
    let mut play = Play::new(world, 80, 24);
    play.keys(keys);
    let wishes = std::mem::take(&mut play.wishes);
    wishes
        .into_iter()
        .filter(|wish| !matches!(wish, Wish::Again | Wish::FlushInput | Wish::Bell))
        .collect()
}

fn clock(change: ClockChange, scale: Option<u32>, paused: bool) -> Wish {
    Wish::Act(Intent::Exercise(Control::Clock {
        change,
        sim: None,
        scale,
        to: None,
        paused,
    }))
}

#[test]
fn one_key_conducts() {
    let paused = clock(ClockChange::Paused, None, true);
    assert_eq!(wished(facilitator(), "Gp"), [paused]);
    let resumed = clock(ClockChange::Resumed, None, false);
    let world = with_script(stopped(player()), "fay", true, &[]);
    assert_eq!(wished(world, "Gp"), [resumed]);
    let faster = clock(ClockChange::Scaled, Some(12_000), false);
    assert_eq!(wished(facilitator(), "G+"), [faster]);
    let slower = clock(ClockChange::Scaled, Some(3_000), false);
    assert_eq!(wished(facilitator(), "G-"), [slower]);
    let fired = |id| Wish::Act(Intent::Exercise(Control::Inject(Box::new(message(id)))));
    assert_eq!(wished(facilitator(), "Gj"), [], "moving does nothing");
    let on = |id: &str| {
        let mut play = Play::new(facilitator(), 80, 24);
        play.keys("G");
        let mut down = String::new();
        while play.model.exercise.on.as_deref() != Some(&format!("inject {id}")) {
            play.keys("<down>");
            down.push_str("<down>");
        }
        format!("G{down}")
    };
    assert_eq!(
        wished(facilitator(), &format!("{}f", on("presse"))),
        [fired("presse")]
    );
    assert_eq!(
        wished(facilitator(), &format!("{}f", on("nachts"))),
        [fired("nachts")]
    );
    let left_out = Wish::Seal(Item::Skipped {
        inject: "presse".to_owned(),
        reason: Some("no time".to_owned()),
    });
    assert_eq!(
        wished(facilitator(), &format!("{}sno time<enter>", on("presse"))),
        [left_out]
    );
    let ahead = Wish::Act(Intent::Exercise(Control::Clock {
        change: ClockChange::Ahead,
        sim: Some((at("14:02:11") + Duration::minutes(10)).to_utc()),
        scale: None,
        to: None,
        paused: false,
    }));
    assert_eq!(wished(facilitator(), "Ga10m<enter>"), [ahead]);
    let back = Wish::Act(Intent::Exercise(Control::Clock {
        change: ClockChange::Back,
        sim: Some(at("13:40:00").to_utc()),
        scale: None,
        to: Some("first".to_owned()),
        paused: true,
    }));
    assert_eq!(wished(facilitator(), "Gb<enter>"), [back]);
}

#[test]
fn somebody_says_what_no_script_has() {
    let said = wished(
        facilitator(),
        "Gm<enter><enter>ops<enter>Look at host seven<enter>",
    );
    let [Wish::Act(Intent::Exercise(Control::Inject(inject)))] = said.as_slice() else {
        panic!("{said:?}");
    };
    assert_eq!(inject.message, "Look at host seven");
    assert_eq!(inject.to, ["ops"]);
    let world = with_script(running(player()), "fay", true, &[]);
    let given = wished(world, "G<tab>w<enter>key is dead<enter>");
    let [Wish::Act(Intent::Exercise(Control::Answer(answer)))] = given.as_slice() else {
        panic!("{given:?}");
    };
    let step = StepRef {
        run: run_id(),
        step: StepId::from("revoke"),
        attempt: 1,
    };
    assert_eq!((answer.step.clone(), answer.purpose), (step, Purpose::Run));
    assert_eq!(
        (answer.exit, answer.output.as_str()),
        (Some(0), "key is dead\n")
    );
}

#[test]
fn an_end_is_asked_for_twice() {
    assert_eq!(wished(facilitator(), "Ge<down><enter>"), []);
    let over = Wish::EndExercise {
        aborted: false,
        reason: None,
    };
    assert_eq!(wished(facilitator(), "Ge<down><enter>end<enter>"), [over]);
    let broken_off = Wish::EndExercise {
        aborted: true,
        reason: Some("a real page".to_owned()),
    };
    let keys = "Gx<down><enter>a real page<enter>";
    assert_eq!(wished(facilitator(), keys), [broken_off]);
}

#[test]
fn an_evaluator_judges_and_does_not_conduct() {
    for keys in ["Gp", "Gf", "Gs", "Gm", "Ge", "Gx", "G+", "Ga", "Gb"] {
        assert_eq!(wished(evaluator(), keys), [], "{keys}");
    }
    let verdict = Wish::Seal(Item::Verdict {
        expectation: "asked-second".to_owned(),
        verdict: Verdict::Late,
        reason: "by phone".to_owned(),
    });
    let late = "G<tab><tab>v<right><enter>by phone<enter>";
    let open = with_script(player(), "eve", false, &[]);
    assert_eq!(wished(open, late), [verdict]);
    let rated = Wish::Seal(Item::Rating {
        objective: "tell".to_owned(),
        rating: Rating::P,
        reason: None,
    });
    let down = "<down>".repeat(4);
    assert_eq!(
        wished(evaluator(), &format!("G<tab><tab>{down}r<enter><enter>")),
        [rated]
    );
    let remark = Wish::Seal(Item::Remark {
        about: Some("asked-second".to_owned()),
        kind: RemarkKind::Improvement,
        text: "slow".to_owned(),
        recommend: Some("a list".to_owned()),
    });
    let keys = "G<tab><tab>n<right><enter>slow<enter>a list<enter>";
    assert_eq!(wished(evaluator(), keys), [remark]);
}

#[test]
fn the_cursor_stays_on_its_inject_when_another_comes() {
    let mut play = Play::new(facilitator(), 80, 24);
    play.keys("G");
    while play.model.exercise.on.as_deref() != Some("inject presse") {
        play.keys("<down>");
    }
    let before = play.model.exercise.cursor.at;
    let mut world = player();
    change(&mut world, |state| {
        let mut exercise = (**state.exercise.as_ref().unwrap()).clone();
        exercise
            .injected
            .push((at("14:02:00").to_utc(), message("nachts")));
        state.exercise = Some(Arc::new(exercise));
    });
    let mut next = with_script(world, "fay", true, &[]);
    let open = next.open.as_mut().unwrap();
    let mut script = (**open.script.as_ref().unwrap()).clone();
    // What stood first is over.
    script.coming.remove(0);
    open.script = Some(Arc::new(script));
    play.world = next;
    play.input(Input::WorldChanged);
    assert_eq!(play.model.exercise.on.as_deref(), Some("inject presse"));
    assert!(play.model.exercise.cursor.at < before);
}

#[test]
fn what_is_thought_of_it_is_said_by_anybody() {
    let over = || with_script(ended(player()), "bob", false, &[]);
    let said = |question: Option<&str>, text: &str| {
        Wish::Act(Intent::Exercise(Control::Feedback {
            question: question.map(str::to_owned),
            text: text.to_owned(),
        }))
    };
    assert_eq!(
        wished(over(), "Gh<enter>calm<enter>"),
        [said(Some("What went well?"), "calm")]
    );
    assert_eq!(wished(player(), "Mh<enter>fun<enter>"), [said(None, "fun")]);
}

#[test]
fn a_report_is_written_once_it_is_over() {
    let over = with_script(ended(player()), "bob", false, &[]);
    let written = Wish::Report {
        paper: Paper::Html,
        path: "INC-0042-report.html".to_owned(),
    };
    assert_eq!(wished(over, "Go<down><enter><enter>"), [written]);
    assert_eq!(wished(facilitator(), "Go"), []);
}

#[test]
fn an_exercise_begins_at_home() {
    let wish = |paused| Wish::BeginExercise {
        scenario: "leak-drill".to_owned(),
        paused,
    };
    let read = Wish::ReadScenario("leak-drill".to_owned());
    assert_eq!(
        wished(home(), "x<enter><enter>"),
        [read.clone(), wish(true)]
    );
    assert_eq!(wished(home(), "x<enter><down><enter>"), [read, wish(false)]);
    let mut play = Play::new(world(), 80, 24);
    let seen = play.keys("x").text();
    assert!(seen.contains("no scenario"), "{seen}");
}

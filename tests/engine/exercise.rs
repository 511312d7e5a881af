//! An exercise in the engine: nothing runs, the simulated clock rules what expires, only who conducts it sets it, and
//! nothing of it counts in a live incident.

use chrono::TimeDelta;
use runsheet::engine::command::RefusalKind;
use runsheet::engine::event::Draft;
use runsheet::engine::exercise::{ClockChange, Control, Sealed};
use runsheet::engine::fact::{
    ExerciseEnded, ExerciseFeedback, ExerciseInjected, Fact, NoteAdded, RoleAssigned,
};
use runsheet::engine::{Command, Effect, Intent, State, apply};
use runsheet::runbook::model::Role;
use runsheet::runbook::scenario::Means;
use runsheet::trust::Mode;

use super::world::{POLICY, World, principal};

const BOOK: &str = "\
id: practice
title: Practice
steps:
  - {id: look, run: uptime}
  - {id: pull, collect: {files: [/var/log/app.log]}}
  - {id: settle, wait: {until: ./quiet.sh, every: 5s, for: 10m}}
  - {id: wipe, run: rm -rf /srv/cache, risk: destructive}
";

fn world(mode: Mode) -> World {
    let mut world = World::new(POLICY, &[BOOK]);
    world.mode = mode;
    world.start("alice", &[], &[]).unwrap();
    world
}

fn clock(change: ClockChange, scale: Option<u32>, paused: bool) -> Command {
    Command::Exercise(Control::Clock {
        change,
        sim: None,
        scale,
        to: None,
        paused,
    })
}

fn inject() -> Control {
    Control::Inject(Box::new(ExerciseInjected {
        inject: "page".to_owned(),
        title: "The pager rings".to_owned(),
        means: Means::Alert,
        from: "monitoring".to_owned(),
        to: Vec::new(),
        message: "Error rate above 5 %".to_owned(),
        attachments: Vec::new(),
        due: None,
    }))
}

#[test]
fn nothing_runs_in_an_exercise() {
    let mut world = world(Mode::Exercise);
    let decision = world.run("alice", "look").unwrap();
    assert!(matches!(decision.effects.as_slice(), [Effect::Simulate(_)]));
    let mut live = self::world(Mode::Live);
    let decision = live.run("alice", "look").unwrap();
    assert!(matches!(decision.effects.as_slice(), [Effect::Execute(_)]));
}

#[test]
fn every_event_has_both_times_and_the_simulated_one_rules() {
    let mut world = world(Mode::Exercise);
    world
        .command("alice", clock(ClockChange::Scaled, Some(6_000), false))
        .unwrap();
    let begun = world.now;
    world.now += TimeDelta::minutes(10);
    world
        .command("bob", note("ten real minutes later"))
        .unwrap();
    let event = world.last("note.added");
    assert_eq!(event.recorded_at, begun + TimeDelta::minutes(10));
    assert_eq!(event.sim_time, Some(begun + TimeDelta::minutes(60)));
    assert_eq!(event.occurred_at.to_utc(), begun + TimeDelta::minutes(60));
    // Stopped, it stands still; let go, it goes on from there.
    world
        .command("alice", clock(ClockChange::Paused, None, true))
        .unwrap();
    world.now += TimeDelta::hours(5);
    world
        .command("alice", clock(ClockChange::Resumed, None, false))
        .unwrap();
    world.now += TimeDelta::minutes(1);
    world.command("bob", note("one real minute later")).unwrap();
    assert_eq!(
        world.last("note.added").sim_time,
        Some(begun + TimeDelta::minutes(66))
    );
}

#[test]
fn an_approval_expires_by_the_simulated_clock() {
    let mut world = world(Mode::Exercise);
    for step in ["look", "pull", "settle"] {
        world
            .command(
                "alice",
                Command::Skip {
                    step: world.key(step),
                    reason: "practised".to_owned(),
                },
            )
            .unwrap();
    }
    world.request("alice", "wipe").unwrap();
    world.approve("dave", "wipe").unwrap();
    // A quarter of an hour of the clock that rules is a minute and a half of this one.
    world
        .command("alice", clock(ClockChange::Scaled, Some(10_000), false))
        .unwrap();
    world.now += TimeDelta::seconds(80);
    world.clone().run("alice", "wipe").unwrap();
    world.now += TimeDelta::seconds(20);
    let refusal = world.run("alice", "wipe").unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::GateClosed, "{refusal}");
}

#[test]
fn an_approval_outlives_a_pause() {
    let mut world = world(Mode::Exercise);
    for step in ["look", "pull", "settle"] {
        let (step, reason) = (world.key(step), "practised".to_owned());
        world
            .command("alice", Command::Skip { step, reason })
            .unwrap();
    }
    world.request("alice", "wipe").unwrap();
    world.approve("dave", "wipe").unwrap();
    world
        .command("alice", clock(ClockChange::Paused, None, true))
        .unwrap();
    world.pass(7_200);
    world
        .command("alice", clock(ClockChange::Resumed, None, false))
        .unwrap();
    world.run("alice", "wipe").unwrap();
    assert!(world.state.flags.is_empty(), "{:?}", world.state.flags);
}

#[test]
fn only_who_conducts_it_sets_the_clock_and_lets_messages_come() {
    let mut world = world(Mode::Exercise);
    for command in [
        clock(ClockChange::Paused, None, true),
        Command::Exercise(inject()),
        Command::Exercise(Control::End {
            aborted: true,
            reason: None,
            key: "0".repeat(64),
        }),
        Command::AssignRole {
            who: principal("bob"),
            role: Role::from("facilitator"),
        },
    ] {
        let refusal = world.command("bob", command).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::NotEligible, "{refusal}");
    }
    world
        .command(
            "alice",
            Command::AssignRole {
                who: principal("bob"),
                role: Role::from("facilitator"),
            },
        )
        .unwrap();
    world.command("bob", Command::Exercise(inject())).unwrap();
    assert_eq!(world.state.exercise.as_ref().unwrap().injected.len(), 1);
}

#[test]
fn the_clock_goes_no_further_than_the_script() {
    let mut world = world(Mode::Exercise);
    let ahead = |sim| {
        Command::Exercise(Control::Clock {
            change: ClockChange::Ahead,
            sim: Some(sim),
            scale: None,
            to: None,
            paused: false,
        })
    };
    let end = world.state.exercise.as_ref().unwrap().end();
    let refusal = world
        .command("alice", ahead(end + TimeDelta::seconds(1)))
        .unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::BadValue);
    world.command("alice", ahead(end)).unwrap();
    world
        .command("alice", clock(ClockChange::Paused, None, true))
        .unwrap();
    let refusal = world
        .command("alice", clock(ClockChange::Resumed, None, false))
        .unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::BadValue, "{refusal}");
}

#[test]
fn what_a_player_makes_up_is_flagged_and_changes_nothing() {
    let mut world = world(Mode::Exercise);
    let ended = ExerciseEnded {
        aborted: false,
        reason: None,
        key: "0".repeat(64),
    };
    let Control::Inject(inject) = inject() else {
        panic!("it is one");
    };
    for fact in [Fact::from(ended), Fact::from(*inject)] {
        let flags = world.state.flags.len();
        world.forge("bob", fact);
        let exercise = world.state.exercise.as_ref().unwrap();
        assert!(exercise.injected.is_empty() && exercise.is_on());
        assert!(world.state.flags[flags..].iter().any(|flag| flag.violation));
    }
}

/// An event that cites nothing but the genesis can come before the script and whoever conducts it.
#[test]
fn nobody_makes_themselves_a_controller_before_the_script_is_read() {
    let world = world(Mode::Exercise);
    let genesis = world.events[0].clone();
    let mut begun = World {
        state: apply(State::default(), &genesis),
        heads: [(genesis.writer.clone(), (1, genesis.id))].into(),
        events: vec![genesis],
        ..world.clone()
    };
    begun.forge(
        "bob",
        RoleAssigned {
            who: principal("bob"),
            role: Role::from("facilitator"),
        },
    );
    assert!(begun.state.flags.iter().any(|flag| flag.violation));
    let after = world.events[1..].iter().fold(begun.state, apply);
    assert_eq!(after.flags.len(), 1, "{:?}", after.flags);
    assert!(!after.roles.contains_key(&principal("bob")));
    assert!(after.exercise.is_some());
}

#[test]
fn it_goes_on_and_ends_after_the_players_closed_the_incident() {
    let mut world = world(Mode::Exercise);
    world.act("alice", Intent::Close).unwrap();
    world
        .command("alice", clock(ClockChange::Paused, None, true))
        .unwrap();
    world.command("alice", Command::Exercise(inject())).unwrap();
    let end = Control::End {
        aborted: false,
        reason: None,
        key: "0".repeat(64),
    };
    world.command("alice", Command::Exercise(end)).unwrap();
    assert!(world.state.flags.is_empty(), "{:?}", world.state.flags);
    assert!(!world.state.exercise.as_ref().unwrap().is_on());
}

#[test]
fn nothing_of_an_exercise_counts_in_a_live_incident() {
    let mut world = world(Mode::Live);
    let refusal = world
        .command("alice", Command::Exercise(inject()))
        .unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::WrongKind);
    let begun = super::world::exercise(world.now);
    world.forge("alice", begun);
    assert!(world.state.exercise.is_none());
    assert!(world.state.flags.iter().any(|flag| flag.violation));
    // A duty of that name makes it none either.
    let conducts = Command::AssignRole {
        who: principal("alice"),
        role: Role::from("facilitator"),
    };
    world.command("alice", conducts).unwrap();
    let flags = world.state.flags.len();
    world.forge(
        "alice",
        ExerciseFeedback {
            question: None,
            text: "good".to_owned(),
        },
    );
    assert!(world.state.flags[flags..].iter().any(|flag| flag.violation));
    // A simulated time in a live incident says nothing.
    let long_ago = world.now - TimeDelta::days(30);
    let draft = Draft {
        sim_time: Some(long_ago),
        ..world.draft(
            "alice",
            NoteAdded {
                text: "then".to_owned(),
                step: None,
                details: None,
            },
        )
    };
    world.record("alice", draft);
    let event = world.last("note.added");
    assert_eq!(event.told_at(), event.recorded_at);
}

#[test]
fn when_it_is_over_nothing_starts_and_what_was_sealed_is_still_taken() {
    let mut world = world(Mode::Exercise);
    let end = Control::End {
        aborted: false,
        reason: None,
        key: "0".repeat(64),
    };
    world.command("alice", Command::Exercise(end)).unwrap();
    assert_eq!(
        world.run("alice", "look").unwrap_err().kind,
        RefusalKind::Closed
    );
    assert_eq!(
        world.request("alice", "wipe").unwrap_err().kind,
        RefusalKind::Closed
    );
    let sealed = Sealed {
        nonce: "0".repeat(48),
        text: "AAAA".to_owned(),
    };
    world
        .command("alice", Command::Exercise(Control::Seal(sealed)))
        .unwrap();
    let feedback = Control::Feedback {
        question: None,
        text: "More of this".to_owned(),
    };
    world.command("bob", Command::Exercise(feedback)).unwrap();
    let sealed_by_player = Control::Seal(Sealed {
        nonce: "0".repeat(48),
        text: String::new(),
    });
    assert!(
        world
            .command("bob", Command::Exercise(sealed_by_player))
            .is_err()
    );
}

fn note(text: &str) -> Command {
    Command::Note {
        text: text.to_owned(),
        at: None,
        until: None,
        fidelity: runsheet::engine::event::Fidelity::Exact,
        step: None,
        details: None,
    }
}

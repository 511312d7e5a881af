//! The simulated clock through any pauses, speeds and jumps: messages come in their order and at their time, results of
//! steps exactly as long after their start as the script says, and time never goes back but where somebody sets it so.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use runsheet::engine::exercise::{ClockChange, Control};
use runsheet::engine::{Command, Event, Fact};
use runsheet::exercise::{Progress, due};
use runsheet::runbook::scenario::{self, Scenario};
use runsheet::trust::Mode;

use super::world::{POLICY, World};

const BOOK: &str = "id: practice\ntitle: Practice\nsteps:\n  - {id: look, run: uptime}\n";

fn script() -> Scenario {
    let mut text = String::from(
        "kind: scenario\nid: practice\ntitle: Practice\nform: drill\nbriefing: You are on call.\ncode_word: STOP\n\
         clock: {scale: 1, length: 120m, pauses: [40m]}\n\
         objectives: [{id: act, title: Act, capability: Response}]\n\
         expectations: [{id: contain, action: Contain it, about: i20, by: 15m, proof: [{milestone: contained}], weight: 1, critical: true, objective: act}]\n\
         answers: [{step: look, takes: 7m30s, exit: 0, output: up}]\ninjects:\n",
    );
    for minute in [0, 5, 20, 20, 41, 60, 90, 119] {
        let id = format!(
            "i{minute}{}",
            if text.contains(&format!("id: i{minute},")) {
                "b"
            } else {
                ""
            }
        );
        text.push_str(&format!(
            "  - {{id: {id}, title: At {minute}, at: {minute}m, means: chat, from: desk, message: it is {minute}}}\n"
        ));
    }
    text.push_str(
        "  - {id: then, title: Then, after: [{done: look}], delay: 3m, means: phone, from: desk, message: seen}\n",
    );
    scenario::parse("practice.yaml", text.as_bytes())
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// An exercise in memory, conducted exactly when something is due.
struct Drill {
    world: World,
    scenario: Scenario,
}

impl Drill {
    fn new() -> Self {
        let mut world = World::new(POLICY, &[BOOK]);
        world.mode = Mode::Exercise;
        world.start("alice", &[], &[]).unwrap();
        Self {
            world,
            scenario: script(),
        }
    }

    fn events(&self) -> Vec<Arc<Event>> {
        self.world.events.iter().cloned().map(Arc::new).collect()
    }

    fn sim(&self) -> DateTime<Utc> {
        self.world
            .state
            .exercise
            .as_ref()
            .unwrap()
            .sim(self.world.now)
    }

    /// Does what is due now.
    fn conduct(&mut self) {
        loop {
            let progress = Progress::of(&self.world.state, &self.events());
            let due = due::due(
                &self.scenario,
                &self.world.state,
                &progress,
                &[],
                self.sim(),
            );
            let Some(first) = due.first() else { return };
            let control = first.control(&self.scenario);
            self.world
                .command("alice", Command::Exercise(control))
                .unwrap();
            self.end_answered();
        }
    }

    /// The player's program records the end of what was answered.
    fn end_answered(&mut self) {
        let state = self.world.state.clone();
        let exercise = state.exercise.as_ref().unwrap();
        for (record, _) in due::running(&state) {
            if exercise.answer(&record.step, record.exec.purpose).is_some() {
                self.world.exit("bob", "look", 0, "up");
            }
        }
    }

    /// So much real time goes by.
    fn wait(&mut self, mut left: TimeDelta) {
        loop {
            self.conduct();
            let state = &self.world.state;
            let progress = Progress::of(state, &self.events());
            let next = due::next(&self.scenario, state, &progress, &[]);
            let exercise = state.exercise.as_ref().unwrap();
            let until = next
                .and_then(|next| exercise.real(next))
                .map(|real| real - self.world.now);
            match until {
                Some(until) if until > TimeDelta::zero() && until <= left => {
                    self.world.now += until;
                    left -= until;
                }
                _ => break,
            }
        }
        self.world.now += left;
        self.conduct();
    }

    fn clock(&mut self, change: ClockChange, scale: Option<u32>, sim: Option<DateTime<Utc>>) {
        let paused = match change {
            ClockChange::Paused => true,
            ClockChange::Resumed => false,
            _ => self.world.state.exercise.as_ref().unwrap().clock.paused,
        };
        let control = Control::Clock {
            change,
            sim,
            scale,
            to: None,
            paused,
        };
        // To stop what stands still is refused, and that is all.
        let _ = self.world.command("alice", Command::Exercise(control));
        self.conduct();
    }
}

#[derive(Debug, Clone)]
enum Move {
    Wait(u32),
    Pause,
    Resume,
    Scale(u32),
    Ahead(u32),
    Look,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (1..3_600_000_u32).prop_map(Move::Wait),
        1 => Just(Move::Pause),
        2 => Just(Move::Resume),
        1 => (1..20_000_u32).prop_map(Move::Scale),
        1 => (1..1_800_u32).prop_map(Move::Ahead),
        1 => Just(Move::Look),
    ];
    proptest::collection::vec(one, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn order_and_deadlines_are_exact_through_pauses_speeds_and_jumps(moves in moves()) {
        let mut drill = Drill::new();
        // Where the clock was set ahead, over what was due in between.
        let mut jumps: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
        for one in moves {
            match one {
                Move::Wait(millis) => drill.wait(TimeDelta::milliseconds(millis.into())),
                Move::Pause => drill.clock(ClockChange::Paused, None, None),
                Move::Resume => drill.clock(ClockChange::Resumed, None, None),
                Move::Scale(scale) => drill.clock(ClockChange::Scaled, Some(scale), None),
                Move::Ahead(seconds) => {
                    let to = drill.sim() + TimeDelta::seconds(seconds.into());
                    jumps.push((drill.sim(), to));
                    drill.clock(ClockChange::Ahead, None, Some(to));
                }
                Move::Look => {
                    let _ = drill.world.run("bob", "look");
                    drill.conduct();
                }
            }
        }
        let events = drill.events();
        for pair in events.windows(2) {
            prop_assert!(pair[0].told_at() <= pair[1].told_at(), "time went back");
        }
        let begun = events[0].told_at();
        let mut came = Vec::new();
        for event in &events {
            if let Fact::ExerciseInjected(fact) = &event.fact {
                let due = fact.due.unwrap();
                let at = event.told_at();
                prop_assert!(at >= due);
                // At its time to the thousandth that the scale leaves, else at the end of the jump that went over it, or
                // when a clock that stood still was let go on.
                let jumped = jumps.iter().any(|(from, to)| *from <= due && due <= *to && at >= *to);
                let scale = 20;
                prop_assert!(jumped || at - due <= TimeDelta::milliseconds(scale), "{}: {due} {at}", fact.inject);
                came.push((due, fact.inject.clone()));
            }
        }
        let mut sorted = came.clone();
        sorted.sort_by_key(|(due, _)| *due);
        let dues = |list: &[(DateTime<Utc>, String)]| list.iter().map(|(due, _)| *due).collect::<Vec<_>>();
        prop_assert_eq!(dues(&came), dues(&sorted), "they came in their order");
        let mut names: Vec<_> = came.iter().map(|(_, name)| name).collect();
        names.sort();
        names.dedup();
        prop_assert_eq!(names.len(), came.len(), "each came once");
        // All whose time has come are here, unless the clock stands still.
        let sim = drill.sim();
        if !drill.world.state.exercise.as_ref().unwrap().clock.paused {
            for (minute, id) in [(0, "i0"), (5, "i5"), (20, "i20"), (60, "i60"), (119, "i119")] {
                let is_due = begun + TimeDelta::minutes(minute) <= sim;
                prop_assert_eq!(is_due, came.iter().any(|(_, name)| name == id), "{}", id);
            }
        }
    }
}

#[test]
fn a_thousand_minutes_go_by_without_anybody() {
    let mut drill = Drill::new();
    drill.scenario.clock.pauses.clear();
    drill.scenario.clock.length = std::time::Duration::from_secs(60_000);
    let model = drill.scenario.injects[1].clone();
    for minute in 120..1_000 {
        let mut inject = model.clone();
        inject.id = format!("m{minute}");
        inject.when = scenario::When::At {
            at: std::time::Duration::from_secs(minute * 60),
            unless: Vec::new(),
        };
        drill.scenario.injects.push(inject);
    }
    drill.clock(ClockChange::Scaled, Some(60_000), None);
    drill.wait(TimeDelta::minutes(17));
    let exercise = drill.world.state.exercise.clone().unwrap();
    assert_eq!(exercise.injected.len(), 8 + 880);
    let (at, last) = exercise.injected.last().unwrap();
    assert_eq!(
        (last.inject.as_str(), *at),
        ("m999", exercise.started.clock.sim + TimeDelta::minutes(999))
    );
    assert!(exercise.clock.paused, "it stopped at its end");
}

//! An exercise in memory: alice conducts it, carol evaluates, bob and dave play. Times are minutes of the simulated
//! clock from the start, which runs six times as fast as the real one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use runsheet::engine::event::{Draft, Fidelity};
use runsheet::engine::exercise::{ClockChange, Control};
use runsheet::engine::fact::Milestone;
use runsheet::engine::{Command, Decision, Event, EventId, Refusal};
use runsheet::exercise::score::{Score, Scored, score};
use runsheet::exercise::seal::{self, Item, Key, Rating, Verdict};
use runsheet::exercise::{Progress, due};
use runsheet::runbook::model::{Role, RunbookId, Severity};
use runsheet::runbook::scenario::{
    Clock, Expectation, Form, Inject, Means, Objective, Proof, Scenario, When,
};
use runsheet::trust::{Mode, Principal};

use super::world::{POLICY, World, principal};

pub const BOOK: &str = "\
id: leaked-key
title: Leaked key
steps:
  - {id: confirm, title: Confirm the report, phase: identification}
  - {id: revoke, title: Revoke the key, phase: containment, run: ./revoke.sh, risk: destructive, due: {clock: declared, within: 10m}}
  - {id: tell, title: Tell the owner, phase: recovery}
";

pub fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

/// An exercise as it is played.
pub struct Play {
    pub world: World,
    pub scenario: Scenario,
    pub begun: DateTime<Utc>,
    sealed: u8,
}

impl Play {
    pub fn new(scenario: Scenario) -> Self {
        let mut world = World::new(POLICY, &[BOOK]);
        world.mode = Mode::Exercise;
        world.start("alice", &[], &[]).unwrap();
        let begun = world.now;
        let mut play = Self {
            world,
            scenario,
            begun,
            sealed: 0,
        };
        for (who, role) in [
            ("carol", "evaluator"),
            ("bob", "operator"),
            ("dave", "approver"),
        ] {
            let role = Role::from(role);
            let who = principal(who);
            play.act("alice", Command::AssignRole { who, role });
        }
        play.clock(ClockChange::Scaled, None, Some(6_000));
        play
    }

    pub fn key() -> Key {
        Key::new([7; 32])
    }

    /// What the simulated clock shows.
    pub fn now(&self) -> DateTime<Utc> {
        let exercise = self.world.state.exercise.as_ref().unwrap();
        exercise.sim(self.world.now)
    }

    /// Lets the time come.
    pub fn at(&mut self, minute: i64) -> &mut Self {
        let ahead = self.begun + TimeDelta::minutes(minute) - self.now();
        self.world.now += ahead / 6;
        self
    }

    pub fn act(&mut self, who: &str, command: Command) -> Decision {
        self.world.command(who, command).unwrap()
    }

    pub fn control(&mut self, control: Control) {
        self.act("alice", Command::Exercise(control));
    }

    pub fn clock(&mut self, change: ClockChange, to: Option<(&str, i64)>, scale: Option<u32>) {
        self.control(Control::Clock {
            change,
            sim: to.map(|(_, minute)| self.begun + TimeDelta::minutes(minute)),
            scale,
            to: to.map(|(name, _)| name.to_owned()),
            paused: false,
        });
    }

    /// Goes back to a move that began at that minute.
    pub fn back(&mut self, minute: i64) {
        self.clock(ClockChange::Back, Some(("a-move", minute)), None);
    }

    /// An inject comes: as the script has it, or because somebody lets it.
    pub fn inject(&mut self, id: &str, by_hand: bool) {
        let inject = self.scenario.injects.iter().find(|one| one.id == id);
        let due = (!by_hand).then(|| self.now());
        let message = due::message(inject.unwrap(), due);
        self.control(Control::Inject(Box::new(message)));
    }

    /// The same from another host that has not heard of the first.
    pub fn inject_again(&mut self, id: &str) {
        let inject = self.scenario.injects.iter().find(|one| one.id == id);
        let draft = Draft {
            sim_time: Some(self.now()),
            ..self
                .world
                .draft("alice", due::message(inject.unwrap(), None))
        };
        self.world.record("alice", draft);
    }

    pub fn note(&mut self, text: &str) {
        let note = Command::Note {
            text: text.to_owned(),
            at: None,
            until: None,
            fidelity: Fidelity::Exact,
            step: None,
            details: None,
        };
        self.act("bob", note);
    }

    pub fn reach(&mut self, milestone: Milestone) {
        let reach = Command::Reach {
            milestone,
            at: None,
            fidelity: Fidelity::Exact,
        };
        self.act("bob", reach);
    }

    /// Something that is refused, as the driver records it.
    pub fn refused(&mut self, who: &str, step: &str, tried: Result<Decision, Refusal>) {
        let what = tried.unwrap_err().what;
        let key = self.world.key(step);
        let step = Some(runsheet::engine::StepRef {
            run: key.run,
            step: key.step,
            attempt: 1,
        });
        self.act(who, Command::Exercise(Control::Refused { step, what }));
    }

    pub fn seal(&mut self, who: &str, item: &Item) {
        self.sealed += 1;
        let sealed = seal::seal(&Self::key(), &self.world.incident, item, [self.sealed; 24]);
        self.act(who, Command::Exercise(Control::Seal(sealed.unwrap())));
    }

    pub fn judge(&mut self, expectation: &str, verdict: Verdict, reason: &str) {
        let item = Item::Verdict {
            expectation: expectation.to_owned(),
            verdict,
            reason: reason.to_owned(),
        };
        self.seal("carol", &item);
    }

    pub fn rate(&mut self, objective: &str, rating: Rating) {
        let item = Item::Rating {
            objective: objective.to_owned(),
            rating,
            reason: None,
        };
        self.seal("carol", &item);
    }

    pub fn end(&mut self, aborted: bool) {
        self.control(Control::End {
            aborted,
            reason: aborted.then(|| "a real incident came in".to_owned()),
            key: Self::key().hex(),
        });
    }

    pub fn events(&self) -> Vec<Arc<Event>> {
        self.world.events.iter().cloned().map(Arc::new).collect()
    }

    pub fn items(&self) -> Vec<(EventId, Principal, Item)> {
        seal::items(&self.world.state, &Self::key())
    }

    pub fn score(&self) -> Score {
        let progress = Progress::of(&self.world.state, &self.events());
        let items = self.items();
        score(
            &self.scenario,
            &self.world.state,
            &progress,
            &items,
            self.now(),
        )
    }

    pub fn scored(&self, id: &str) -> Scored {
        let score = self.score();
        let found = score.expectations.into_iter().find(|one| one.id == id);
        found.unwrap()
    }

    /// What the first expectation counts as.
    pub fn verdict(&self) -> Verdict {
        self.score().expectations[0].verdict
    }
}

/// A script with nothing in it but these expectations, two messages and one objective.
pub fn scenario(expectations: Vec<Expectation>) -> Scenario {
    Scenario {
        id: "leaked-key-insider".to_owned(),
        title: "Leaked key with an insider twist".to_owned(),
        form: Form::Functional,
        summary: String::new(),
        scope: String::new(),
        threat: String::new(),
        sponsor: None,
        briefing: "You are on call.".to_owned(),
        notes: String::new(),
        runbook: Some(RunbookId::from("leaked-key")),
        inputs: BTreeMap::new(),
        severity: Severity::Sev2,
        clock: Clock {
            start: None,
            scale: 6_000,
            by_moves: false,
            pauses: Vec::new(),
            length: minutes(90),
        },
        objectives: vec![objective("contain", "Contain the leak", "Containment")],
        parts: Vec::new(),
        moves: Vec::new(),
        injects: vec![
            inject(
                "page",
                When::At {
                    at: minutes(0),
                    unless: Vec::new(),
                },
            ),
            inject("call", When::ByHand),
        ],
        expectations,
        answers: Vec::new(),
        logs: Vec::new(),
        colleagues: Vec::new(),
        hot_wash: Vec::new(),
        code_word: "no duff".to_owned(),
        abort: Vec::new(),
    }
}

pub fn objective(id: &str, title: &str, capability: &str) -> Objective {
    Objective {
        id: id.to_owned(),
        title: title.to_owned(),
        capability: capability.to_owned(),
        critical_tasks: Vec::new(),
    }
}

pub fn inject(id: &str, when: When) -> Inject {
    Inject {
        id: id.to_owned(),
        title: format!("The {id}"),
        when,
        means: Means::Alert,
        from: "monitoring".to_owned(),
        to: Vec::new(),
        message: format!("This is the {id}."),
        attachments: Vec::new(),
        contingency: None,
        notes: None,
    }
}

/// Expected so many minutes after the start.
pub fn expect(id: &str, by: u64, proof: Vec<Proof>) -> Expectation {
    Expectation {
        id: id.to_owned(),
        action: format!("Does {id}"),
        role: None,
        about: None,
        by: minutes(by),
        proof,
        never: Vec::new(),
        weight: 1,
        critical: false,
        objective: "contain".to_owned(),
    }
}

pub fn milestone(word: &str) -> Proof {
    Proof::Milestone(word.to_owned())
}

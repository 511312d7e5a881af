//! The example incident: five people and a leaked AWS key, on the night after it leaked and the day it was found, walked
//! through the shipped runbooks under the example policy. Every event goes through the engine and is signed with keys made
//! from fixed seeds; clock and chance are the script's own, so the same script gives the same bytes. This file is the
//! stage, `found.rs` and `cleared.rs` are what is played on it.

mod cleared;
mod found;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use runsheet::engine::Intent;
use runsheet::engine::checkpoint::judge;
use runsheet::engine::command::{Command, Finished, Ran, StartIncident, StartRun};
use runsheet::engine::details::{Details, Edit};
use runsheet::engine::event::{Event, Fidelity};
use runsheet::engine::exec::{PinnedPolicy, Purpose};
use runsheet::engine::fact::{
    Evidence, Fact, LibraryPin, Milestone, Pull, PulledFile, Span, UpdateDelivered,
};
use runsheet::engine::ids::{EventId, IncidentId, StepRef};
use runsheet::engine::telling::{Telling, Told};
use runsheet::evidence::Digest;
use runsheet::outbox;
use runsheet::runbook::model::Severity;
use runsheet::timeline::clocks::{self, Countdown};
use runsheet::timeline::{Audiences, Options, Timeline, audience, project};
use runsheet::trust::Mode;

use super::world::{COMMIT, World, key_of, pin, principal};

const POLICY: &str = include_str!("../../docs/examples/policy.yaml");
const BOOKS: [&str; 3] = [
    include_str!("../../runbooks/leaked-cloud-credential.yaml"),
    include_str!("../../runbooks/suspected-host-compromise.yaml"),
    include_str!("../../runbooks/personal-data-breach.yaml"),
];
const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dan", "erin"];
/// Where its policy is another than the example: a run without an `account` is not all privileged, and one clock more.
const OWN_RULES: [(&str, &str); 2] = [
    (
        "risk == 'privileged' and account == 'prod'",
        "risk == 'privileged'",
    ),
    ("clocks: [gdpr-33]", "clocks: [gdpr-33, nis2-23]"),
];
/// The clocks that run here.
const CLOCKS: [&str; 2] = ["gdpr-33", "nis2-23"];

/// What the script plays on.
pub struct Stage {
    pub world: World,
    /// The bytes of what was captured.
    pub kept: RefCell<BTreeMap<Digest, Vec<u8>>>,
}

/// The incident, played to its end.
pub fn played() -> Stage {
    let mut stage = Stage::new(Mode::Live);
    stage.play();
    assert_eq!(stage.world.violations(), Vec::<String>::new());
    stage
}

/// The same as a drill.
pub fn drilled() -> Stage {
    let mut stage = Stage::new(Mode::Exercise);
    stage.play();
    stage
}

impl Stage {
    fn new(mode: Mode) -> Self {
        let mut policy = POLICY.to_owned();
        for (from, to) in OWN_RULES {
            assert!(policy.contains(from), "{from}");
            policy = policy.replace(from, to);
        }
        let mut world = World::new(&policy, &BOOKS);
        world.now = "2026-11-24T08:30:00Z".parse().unwrap();
        let millis = u64::try_from(world.now.timestamp_millis()).unwrap();
        world.incident = IncidentId::generate(millis, &Digest::of(b"the example").0);
        world.boot.id = "6f1f4a0e-0f3b-4d6e-9d7e-2f6f5f0c9a11".into();
        world.mode = mode;
        Self {
            world,
            kept: RefCell::default(),
        }
    }

    fn play(&mut self) {
        let opening = found::found(self);
        let entry = found::looked_into(self);
        found::contained(self, entry);
        let aware = cleared::cleaned(self, entry);
        cleared::breach(self, aware);
        cleared::recovered(self);
        cleared::learnt(self, opening, entry);
    }

    /// It is so late now: `09:41:07`, or `25 07:30:00` on another day of the month.
    fn at(&mut self, time: &str) {
        let text = if time.len() > 8 {
            format!("2026-11-{}Z", time.replace(' ', "T"))
        } else {
            format!("{}T{time}Z", self.world.now.format("%Y-%m-%d"))
        };
        let then: DateTime<Utc> = text.parse().unwrap();
        let seconds = (then - self.world.now).num_seconds();
        assert!(seconds >= 0, "{text} is before {}", self.world.now);
        self.world.pass(seconds);
    }

    fn start(&mut self, who: &str, title: &str, inputs: &[(&str, &str)]) {
        let signers: String = PEOPLE
            .iter()
            .map(|name| {
                let key = key_of(name).public_key().to_openssh().unwrap();
                let key: Vec<_> = key.split(' ').take(2).collect();
                format!("{} {}\n", principal(name), key.join(" "))
            })
            .collect();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let run = StartRun {
            runbook: pin(BOOKS[0]),
            uses: BOOKS[1..].iter().map(|text| pin(text)).collect(),
            inputs: inputs.iter().map(owned).collect(),
            secrets: Vec::new(),
        };
        let start = StartIncident {
            exercise: (self.world.mode == Mode::Exercise)
                .then(|| Box::new(super::world::exercise(self.world.now))),
            title: title.to_owned(),
            severity: Severity::Sev2,
            mode: self.world.mode,
            reference: Some("PD-48213".to_owned()),
            alert: Some("GuardDutyUnauthorizedAccessIAMUser".to_owned()),
            library: LibraryPin {
                source: "https://git.example.org/platform/runbooks".to_owned(),
                commit: COMMIT.to_owned(),
                branch: Some("main".to_owned()),
                author: "Erin Engel <erin@example.org>".to_owned(),
                date: told_at("2026-11-16T10:02:00+01:00"),
                subject: "Look into every region before calling it unused".to_owned(),
            },
            policy: PinnedPolicy {
                commit: COMMIT.to_owned(),
                sha256: judge::policy_digest(&self.world.policy, &signers),
            },
            policy_yaml: self.world.policy.clone(),
            allowed_signers: signers,
            run: Some(run),
        };
        self.command(who, Command::StartIncident(Box::new(start)));
    }

    /// Does it, and gives back its last event.
    fn command(&mut self, who: &str, command: Command) -> EventId {
        let said = format!("{command:?}");
        let done = self.world.command(who, command);
        done.unwrap_or_else(|refusal| panic!("{} {who}: {refusal}: {said}", self.world.now));
        self.world.events.last().unwrap().id
    }

    fn act(&mut self, who: &str, intent: Intent) -> EventId {
        let said = format!("{intent:?}");
        let done = self.world.act(who, intent);
        done.unwrap_or_else(|refusal| panic!("{} {who}: {refusal}: {said}", self.world.now));
        self.world.events.last().unwrap().id
    }

    fn note(&mut self, who: &str, text: &str) -> EventId {
        self.entry(who, text, None, None, Fidelity::Exact, Details::default())
    }

    /// A note of something that was so at another time, or for a time.
    fn entry(
        &mut self,
        who: &str,
        text: &str,
        at: Option<&str>,
        until: Option<&str>,
        fidelity: Fidelity,
        details: Details,
    ) -> EventId {
        let note = Command::Note {
            text: text.to_owned(),
            at: at.map(told_at),
            until: until.map(told_at),
            fidelity,
            step: None,
            details: (!details.is_empty()).then(|| Box::new(details)),
        };
        self.command(who, note)
    }

    fn milestone(&mut self, who: &str, milestone: Milestone, at: Option<(&str, Fidelity)>) {
        let reached = Command::Reach {
            milestone,
            at: at.map(|(at, _)| told_at(at)),
            fidelity: at.map_or(Fidelity::Exact, |(_, fidelity)| fidelity),
        };
        self.command(who, reached);
    }

    fn tell(&mut self, who: &str, what: Telling, at: Option<&str>) -> EventId {
        let told = Told {
            at: at.map(told_at),
            ..Told::from(what)
        };
        self.command(who, Command::Tell(vec![told]))
    }

    fn run(&mut self, who: &str, step: &str) {
        let step = self.world.key(step);
        let purpose = Purpose::Run;
        self.act(who, Intent::Start { step, purpose });
    }

    /// Asks for the approvals of a step.
    fn ask(&mut self, who: &str, step: &str) {
        let step = self.world.key(step);
        let purpose = Purpose::Run;
        self.act(who, Intent::Request { step, purpose });
    }

    fn approve(&mut self, who: &str, step: &str) {
        let (step, request) = (self.world.key(step), self.world.shown(step));
        self.act(who, Intent::Approve { step, request });
    }

    /// What was started so many seconds ago ends.
    fn ends(&mut self, who: &str, step: &str, lasted: i64, exit: i32, out: &str) {
        if out.is_empty() {
            self.ended(who, step, lasted, Ran::Exit(exit), out, Vec::new());
            return;
        }
        let name = format!("output of {step}#{}", self.world.step(step).attempt);
        let artifact = self.artifact(&name, "command", out, None);
        self.ended(who, step, lasted, Ran::Exit(exit), out, vec![artifact]);
    }

    fn ended(
        &mut self,
        who: &str,
        step: &str,
        lasted: i64,
        ran: Ran,
        out: &str,
        evidence: Vec<Evidence>,
    ) {
        let (key, attempt) = (self.world.key(step), self.world.step(step).attempt);
        self.world.pass(lasted);
        let ended = self.world.now;
        let finish = Command::Finish {
            step: StepRef {
                run: key.run,
                step: key.step,
                attempt,
            },
            purpose: Purpose::Run,
            finished: Finished {
                ran,
                started: ended - TimeDelta::seconds(lasted),
                ended,
                stdout: out.to_owned(),
                evidence,
            },
        };
        self.command(who, finish);
    }

    /// A step by hand, with all of its checklist.
    fn done(&mut self, who: &str, step: &str, note: Option<&str>) {
        let step = self.world.key(step);
        let book = &self.world.state.run(&step.run).unwrap().book;
        let checklist = book.step(&step.step).unwrap().checklist.clone();
        let note = note.map(str::to_owned);
        self.command(
            who,
            Command::Done {
                step,
                checklist,
                note,
            },
        );
    }

    fn choose(&mut self, who: &str, step: &str, label: &str) -> EventId {
        let (step, label) = (self.world.key(step), label.to_owned());
        self.command(who, Command::Choose { step, label })
    }

    fn answer(&mut self, who: &str, step: &str, answers: &[(&str, &str)]) {
        let step = self.world.key(step);
        let answers: BTreeMap<_, _> = answers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let secrets = Vec::new();
        self.command(
            who,
            Command::Answer {
                step,
                answers,
                secrets,
            },
        );
    }

    fn skip(&mut self, who: &str, step: &str, reason: &str) {
        let (step, reason) = (self.world.key(step), reason.to_owned());
        self.command(who, Command::Skip { step, reason });
    }

    /// An update, and by when the next one comes.
    fn update(
        &mut self,
        who: &str,
        audience: &str,
        state: &str,
        message: &str,
        minutes: Option<i64>,
    ) -> EventId {
        let update = Command::Update {
            audience: audience.to_owned(),
            state: Some(state.to_owned()),
            message: message.to_owned(),
            next: minutes.map(|minutes| self.world.now + TimeDelta::minutes(minutes)),
        };
        self.command(who, update)
    }

    /// The last update arrives two seconds later.
    fn delivered(&mut self, channel: &str, tries: u64) {
        let event = self.world.last("update.recorded").clone();
        let Fact::UpdateRecorded(told) = &event.fact else {
            panic!("{event:?} is no update")
        };
        let state = &self.world.state;
        let incident = state.incident.as_deref().unwrap();
        let (written, by) = (event.recorded_at, event.person.as_str());
        let facts = outbox::facts(incident, state, &self.events(), told, written, by);
        let mut rules = incident.policy.audiences.iter();
        let rule = rules.find(|one| one.name == told.audience);
        let template = rule.and_then(|rule| rule.template.as_deref());
        let fact = UpdateDelivered {
            update: event.id,
            channel: channel.to_owned(),
            key: outbox::key(&event.id, channel),
            tries,
            text: outbox::worded(&facts, template, str::to_owned).text,
        };
        self.world.pass(2);
        self.command("erin", Command::Delivered(Box::new(fact)));
    }

    /// Some bytes that were captured now.
    fn artifact(&self, name: &str, source: &str, text: &str, pull: Option<Pull>) -> Evidence {
        let sha256 = Digest::of(text.as_bytes());
        self.kept.borrow_mut().insert(sha256, text.into());
        Evidence {
            sha256,
            size: text.len() as u64,
            name: name.to_owned(),
            source: source.to_owned(),
            host: "bastion".to_owned(),
            range: None,
            original_sha256: None,
            redacted: 0,
            dropped: 0,
            collected_at: self.world.now,
            pull: pull.map(Box::new),
        }
    }

    /// Everything from the first to the last of a log, as it was pulled.
    fn pulled(&self, path: &str, text: &str, from: &str, to: &str) -> Pull {
        let size = text.len() as u64;
        Pull {
            files: vec![PulledFile {
                path: path.to_owned(),
                size,
                ranges: vec![(0, size)],
                more: 0,
            }],
            window: Some(Span {
                from: told_at(from).to_utc(),
                to: told_at(to).to_utc(),
            }),
            lines: text.lines().count() as u64,
            original_size: size,
            started: self.world.now - TimeDelta::seconds(2),
            ended: self.world.now,
            tool: "runsheet 0.1.0".to_owned(),
            clock: None,
            incomplete: None,
            by_rule: BTreeMap::new(),
        }
    }

    pub fn events(&self) -> Vec<Arc<Event>> {
        self.world.events.iter().cloned().map(Arc::new).collect()
    }

    pub fn timeline(&self) -> Timeline {
        project(&self.world.state, &self.events(), Options::default())
    }

    /// What these readers see of it, under the policy it pinned.
    pub fn seen_by(&self, name: &str) -> Timeline {
        let incident = self.world.state.incident.as_deref().unwrap();
        let audiences = Audiences::of(&incident.policy.audiences);
        let reader = audiences.named(name).unwrap();
        let (state, events) = (&self.world.state, self.events());
        audience::project(state, &events, Options::default(), &audiences, reader)
    }

    /// The clocks of its policy as they stood at its last entry.
    pub fn countdowns(&self) -> Vec<Countdown> {
        let regimes = clocks::shipped()
            .iter()
            .filter(|regime| CLOCKS.contains(&regime.id.as_str()));
        let last = self
            .world
            .events
            .iter()
            .map(|event| event.recorded_at)
            .max();
        let anchors = clocks::anchors(&self.world.state);
        clocks::due(regimes, &anchors, last.unwrap().fixed_offset())
    }

    /// Those of them that stand on the page of some readers.
    pub fn countdowns_of(&self, timeline: &Timeline) -> Vec<Countdown> {
        let mut countdowns = self.countdowns();
        timeline.keep_seen(&mut countdowns);
        countdowns
    }
}

/// A moment as somebody says it, with their offset.
fn told_at(text: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(text).unwrap()
}

/// What is said of an entry, from `name value` pairs.
fn about(pairs: &[(&str, &str)]) -> Details {
    let mut details = Details::default();
    for (name, value) in pairs {
        let text = || Some((*value).to_owned());
        let add = |edit: &mut Edit<String>| edit.add.push((*value).to_owned());
        match *name {
            "class" => {
                let class = serde_json::from_value(serde_json::Value::from(*value));
                details.class = Some(class.unwrap());
            }
            "tlp" => details.tlp = runsheet::engine::details::Tlp::named(value),
            "confidence" => {
                details.confidence = runsheet::engine::details::Confidence::named(value);
            }
            "for" => details
                .audiences
                .get_or_insert_default()
                .push((*value).to_owned()),
            "pinned" => details.pinned = Some(*value == "yes"),
            "source" => details.source = text(),
            "on behalf of" => details.on_behalf_of = text(),
            "tactic" => details.tactic = text(),
            "technique" => details.technique = text(),
            "tag" => add(&mut details.tags),
            "asset" => add(&mut details.assets),
            "indicator" => add(&mut details.indicators),
            other => panic!("nothing is called {other}"),
        }
    }
    details
}

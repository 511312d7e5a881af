//! An incident in memory: people with keys from fixed seeds, a clock that only the test moves, and every event applied
//! as it would be after it was recorded.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use runsheet::engine::at::{At, BootStamp, Claim, Root, Who};
use runsheet::engine::checkpoint::record::Site;
use runsheet::engine::checkpoint::{Prepared, judge, prepare};
use runsheet::engine::command::{Finished, Ran, RefusalKind, StartIncident, StartRun, StepKey};
use runsheet::engine::event::{Draft, Event, Fidelity, Place};
use runsheet::engine::exec::{PinnedPolicy, Purpose};
use runsheet::engine::exercise::{Sealed, SimClock};
use runsheet::engine::fact::{ExerciseStarted, Fact, LibraryPin, PinnedRunbook, Signed};
use runsheet::engine::ids::{EventId, IncidentId, RunId, WriterId};
use runsheet::engine::state::{Run, State, Status, StepState};
use runsheet::engine::{Command, Decision, Effect, Intent, Refusal, apply, decide};
use runsheet::evidence::Digest;
use runsheet::runbook::model::{Severity, StepId};
use runsheet::runbook::parse;
use runsheet::trust::{Mode, Principal};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};

pub const COMMIT: &str = "3f9c2e1a5b7d8e9f0a1b2c3d4e5f60718293a4b5";

pub const POLICY: &str = "\
people:
  alice: {name: Alice Ames, principals: [alice@example.org, alice.two@example.org], accounts: [alice], roles: [operator, commander]}
  bob: {name: Bob Bright, principals: [bob@example.org], accounts: [bob], roles: [operator, approver]}
  carol: {name: Carol Chu, principals: [carol@example.org, carol.two@example.org], accounts: [carol], roles: [approver, commander]}
  dave: {name: Dave Dean, principals: [dave@example.org], accounts: [dave], roles: [approver]}
  erin: {name: Erin East, principals: [erin@example.org], accounts: [erin], roles: [operator, approver]}
checkpoints:
  - {when: \"risk == 'destructive'\", approvals: 1, role: approver, not: [performer, author], expires: 15m}
override: {roles: [commander], expires: 30m}
";

/// Everybody who has a key, whether policy names them or not.
const KEYS: [&str; 9] = [
    "alice",
    "alice.two",
    "bob",
    "carol",
    "carol.two",
    "dave",
    "erin",
    "mallory",
    "robin",
];

pub fn principal(name: &str) -> Principal {
    Principal::try_from(format!("{name}@example.org")).unwrap()
}

pub fn key_of(name: &str) -> PrivateKey {
    let seed = Digest::of(name.as_bytes()).0;
    PrivateKey::new(KeypairData::from(Ed25519Keypair::from_seed(&seed)), name).unwrap()
}

pub fn sign_in(name: &str, namespace: &str, statement: &str) -> Signed {
    let signature = key_of(name)
        .sign(namespace, HashAlg::Sha512, statement.as_bytes())
        .unwrap()
        .to_pem(LineEnding::LF)
        .unwrap();
    Signed {
        statement: statement.to_owned(),
        signature,
    }
}

pub fn sign(name: &str, statement: &str) -> Signed {
    sign_in(name, "approval.v1@runsheet", statement)
}

pub fn signers() -> String {
    KEYS.iter()
        .map(|name| {
            let key = key_of(name).public_key().to_openssh().unwrap();
            let mut words = key.split(' ');
            format!(
                "{} {} {}\n",
                principal(name),
                words.next().unwrap(),
                words.next().unwrap()
            )
        })
        .collect()
}

/// A runbook as a library would pin it; erin wrote every line.
pub fn pin(text: &str) -> PinnedRunbook {
    let (book, problems) = parse::runbook("runbooks/test.yaml", text.as_bytes());
    let book = book.unwrap_or_else(|| panic!("{problems:?}\n{text}"));
    PinnedRunbook {
        id: book.id.clone(),
        commit: COMMIT.to_owned(),
        path: format!("runbooks/{}.yaml", book.id),
        sha256: Digest::of(text.as_bytes()),
        text: text.to_owned(),
        authors: book
            .steps
            .iter()
            .map(|step| (step.id.clone(), vec!["erin@example.org".to_owned()]))
            .collect(),
    }
}

#[derive(Clone)]
pub struct World {
    pub state: State,
    pub events: Vec<Event>,
    pub now: DateTime<Utc>,
    pub boot: BootStamp,
    pub incident: IncidentId,
    pub books: Vec<PinnedRunbook>,
    pub policy: String,
    /// More lines of `allowed_signers`.
    pub more_signers: String,
    /// The commit of the library it pins, and its runbooks with it.
    pub commit: String,
    pub mode: Mode,
    pub root: Root,
    pub receipts: BTreeMap<EventId, BootStamp>,
    /// What whoever keeps the claims says.
    pub claim: Claim,
    /// Nobody of these has a key at hand.
    pub unsigned: Vec<String>,
    /// In which state directory a person sits, where it is not the usual one.
    pub desk: String,
    pub heads: BTreeMap<WriterId, (u64, EventId)>,
    pub chance: u64,
    /// The lines of the events.
    pub lines: Vec<String>,
    pub effects: Vec<Effect>,
    /// What stands for the secret values in a record.
    pub secrets: BTreeMap<String, String>,
    /// Where what is asked for would run, where that is not where the asker sits.
    pub site: Option<Site>,
    /// What the files that scripts run hold now.
    pub files: BTreeMap<String, Digest>,
}

impl World {
    pub fn new(policy: &str, books: &[&str]) -> Self {
        Self {
            state: State::default(),
            events: Vec::new(),
            now: DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
            boot: BootStamp {
                id: "boot-1".into(),
                millis: 1_000_000,
            },
            incident: IncidentId::generate(1_790_000_000_000, &[7; 32]),
            books: books.iter().map(|text| pin(text)).collect(),
            policy: policy.to_owned(),
            more_signers: String::new(),
            commit: COMMIT.to_owned(),
            mode: Mode::Live,
            root: Root::Trusted {
                revoked: Vec::new(),
            },
            receipts: BTreeMap::new(),
            claim: Claim::NotAsked,
            unsigned: Vec::new(),
            desk: String::new(),
            heads: BTreeMap::new(),
            chance: 0,
            lines: Vec::new(),
            effects: Vec::new(),
            secrets: BTreeMap::new(),
            site: None,
            files: BTreeMap::new(),
        }
    }

    /// Started by alice with the first book.
    pub fn started(policy: &str, books: &[&str], inputs: &[(&str, &str)]) -> Self {
        let mut world = Self::new(policy, books);
        world.start("alice", inputs, &[]).unwrap();
        world
    }

    pub fn start(
        &mut self,
        who: &str,
        inputs: &[(&str, &str)],
        secrets: &[&str],
    ) -> Result<Decision, Refusal> {
        let run = self.run_of(0, inputs, secrets);
        let signers = signers() + &self.more_signers;
        let start = StartIncident {
            title: "Something is wrong".to_owned(),
            severity: Severity::Sev2,
            mode: self.mode,
            reference: None,
            alert: None,
            library: LibraryPin {
                source: "/srv/library".to_owned(),
                commit: self.commit.clone(),
                branch: Some("main".to_owned()),
                author: "Erin East <erin@example.org>".to_owned(),
                date: self.now.fixed_offset(),
                subject: "Runbooks".to_owned(),
            },
            policy: PinnedPolicy {
                commit: self.commit.clone(),
                sha256: judge::policy_digest(&self.policy, &signers),
            },
            policy_yaml: self.policy.clone(),
            allowed_signers: signers,
            exercise: (self.mode == Mode::Exercise).then(|| Box::new(exercise(self.now))),
            run: Some(run),
        };
        self.command(who, Command::StartIncident(Box::new(start)))
    }

    pub fn run_of(&self, book: usize, inputs: &[(&str, &str)], secrets: &[&str]) -> StartRun {
        StartRun {
            runbook: self.books[book].clone(),
            uses: self.books.clone(),
            inputs: inputs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            secrets: secrets.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    pub fn writer(&self, who: &str) -> WriterId {
        let name = format!("{}{who}", self.desk);
        WriterId::new(Digest::of(name.as_bytes()).hex()[..32].to_owned()).unwrap()
    }

    pub fn at(&mut self, who: &str) -> At {
        self.chance += 1;
        At {
            now: self.now.fixed_offset(),
            real: self.now,
            boot: self.boot.clone(),
            who: Who {
                principal: principal(who),
                signed: !self.unsigned.iter().any(|name| name == who),
                account: who.to_owned(),
                host: "bastion".to_owned(),
            },
            writer: self.writer(who),
            random: Digest::of(format!("chance {}", self.chance).as_bytes()).0,
            cwd: "/srv/ir".to_owned(),
            root: self.root.clone(),
            files: self.files.clone(),
            elsewhere: self.site.clone(),
            receipts: self.receipts.clone(),
            claim: self.claim.clone(),
        }
        .ruled_by(&self.state)
    }

    /// The same record on another host, where chance falls otherwise.
    pub fn elsewhere(&self) -> Self {
        Self {
            chance: self.chance + 1_000_000,
            ..self.clone()
        }
    }

    /// Time passes, for both clocks.
    pub fn pass(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
        self.boot.millis += u64::try_from(seconds).unwrap() * 1000;
    }

    /// Decides, records and applies, as the driver does.
    pub fn command(&mut self, who: &str, command: Command) -> Result<Decision, Refusal> {
        let at = self.at(who);
        let decision = decide(&self.state, command, &at)?;
        for draft in decision.events.clone() {
            self.record(who, draft);
        }
        self.effects.extend(decision.effects.clone());
        Ok(decision)
    }

    /// Puts a draft at the end of this person's segment and applies it.
    pub fn record(&mut self, who: &str, draft: Draft) -> EventId {
        let writer = self.writer(who);
        let own = self.heads.get(&writer).copied();
        let mut seen: Vec<_> = self
            .heads
            .iter()
            .filter(|(other, _)| **other != writer)
            .map(|(_, (_, id))| *id)
            .collect();
        seen.sort_unstable();
        let place = Place {
            incident: self.incident.clone(),
            writer: writer.clone(),
            seq: own.map_or(1, |(seq, _)| seq + 1),
            prev: own.map(|(_, id)| id),
            seen,
        };
        let seq = place.seq;
        let (event, line) = Event::record(draft, place).unwrap();
        assert_eq!(Event::read(&line).unwrap(), event);
        self.state = apply(self.state.clone(), &event);
        self.heads.insert(writer, (seq, event.id));
        if matches!(event.fact, Fact::CheckpointApproved(_)) {
            self.receipts.insert(event.id, self.boot.clone());
        }
        let id = event.id;
        self.events.push(event);
        self.lines.push(line);
        id
    }

    /// An event that nobody's `decide` let through, as a merge would bring it.
    pub fn forge(&mut self, who: &str, fact: impl Into<Fact>) -> EventId {
        let draft = self.draft(who, fact);
        self.record(who, draft)
    }

    pub fn draft(&self, who: &str, fact: impl Into<Fact>) -> Draft {
        Draft {
            occurred_at: self.now.fixed_offset(),
            occurred_until: None,
            fidelity: Fidelity::Exact,
            recorded_at: self.now,
            person: principal(who),
            signed: true,
            role: None,
            account: who.to_owned(),
            host: "bastion".to_owned(),
            boot: self.boot.clone(),
            mode: self.mode,
            sim_time: None,
            fact: fact.into(),
        }
    }

    pub fn prepared(&mut self, who: &str, intent: &Intent) -> Result<Option<Prepared>, Refusal> {
        let at = self.at(who);
        prepare(&self.state, intent, &self.secrets, &at)
    }

    /// What a person wants, signed with their key where that is needed.
    pub fn act(&mut self, who: &str, intent: Intent) -> Result<Decision, Refusal> {
        let prepared = self.prepared(who, &intent)?;
        let signed = prepared
            .as_ref()
            .map(|prepared| sign_in(who, self.mode.namespace(), &prepared.statement));
        let heads = prepared.map(|prepared| prepared.heads).unwrap_or_default();
        let command = complete(intent, signed, heads, &self.secrets);
        self.command(who, command)
    }

    /// The step of this name: `RUN/STEP`, or the latest open run that has it.
    pub fn key(&self, text: &str) -> StepKey {
        if let Some((run, step)) = text.split_once('/') {
            return StepKey {
                run: RunId::new(run).unwrap(),
                step: StepId::from(step),
            };
        }
        let step = StepId::from(text);
        let has = |run: &&Run| run.state(&step).is_some();
        let runs: Vec<&Run> = self.state.runs.iter().map(AsRef::as_ref).collect();
        let run = runs
            .iter()
            .rev()
            .copied()
            .filter(|run| run.at.is_some())
            .find(has)
            .or_else(|| runs.iter().rev().copied().find(has))
            .map_or_else(|| runs[0].id.clone(), |run| run.id.clone());
        StepKey { run, step }
    }

    pub fn step(&self, text: &str) -> &StepState {
        let key = self.key(text);
        self.state.run(&key.run).unwrap().state(&key.step).unwrap()
    }

    pub fn status(&self, text: &str) -> Status {
        self.step(text).status
    }

    pub fn request(&mut self, who: &str, step: &str) -> Result<Decision, Refusal> {
        let key = self.key(step);
        self.ask(who, key, Purpose::Run)
    }

    pub fn ask(&mut self, who: &str, step: StepKey, purpose: Purpose) -> Result<Decision, Refusal> {
        self.act(who, Intent::Request { step, purpose })
    }

    /// What was shown last: the request that stands.
    pub fn shown(&self, step: &str) -> Digest {
        self.step(step)
            .request
            .as_ref()
            .map_or(Digest([0; 32]), |request| request.record.digest())
    }

    pub fn approve(&mut self, who: &str, step: &str) -> Result<Decision, Refusal> {
        let (key, request) = (self.key(step), self.shown(step));
        self.act(who, Intent::Approve { step: key, request })
    }

    pub fn deny(&mut self, who: &str, step: &str, reason: &str) -> Result<Decision, Refusal> {
        let (step, request) = (self.key(step), self.shown(step));
        let reason = reason.to_owned();
        self.act(
            who,
            Intent::Deny {
                step,
                request,
                reason,
            },
        )
    }

    pub fn run(&mut self, who: &str, step: &str) -> Result<Decision, Refusal> {
        self.begin(who, step, Purpose::Run)
    }

    pub fn begin(&mut self, who: &str, step: &str, purpose: Purpose) -> Result<Decision, Refusal> {
        let step = self.key(step);
        self.act(who, Intent::Start { step, purpose })
    }

    pub fn overrides(&mut self, who: &str, step: &str, reason: &str) -> Result<Decision, Refusal> {
        let (step, reason) = (self.key(step), reason.to_owned());
        self.act(
            who,
            Intent::Override {
                step,
                purpose: Purpose::Run,
                reason,
            },
        )
    }

    pub fn ended(
        &mut self,
        who: &str,
        step: &str,
        purpose: Purpose,
        ran: Ran,
        stdout: &str,
    ) -> Result<Decision, Refusal> {
        let key = self.key(step);
        let attempt = self.step(step).attempt;
        let (now, stdout) = (self.now, stdout.to_owned());
        let command = Command::Finish {
            step: runsheet::engine::StepRef {
                run: key.run,
                step: key.step,
                attempt,
            },
            purpose,
            finished: Finished {
                ran,
                started: now,
                ended: now,
                stdout,
                evidence: Vec::new(),
            },
        };
        self.command(who, command)
    }

    pub fn exit(&mut self, who: &str, step: &str, code: i32, stdout: &str) {
        self.ended(who, step, Purpose::Run, Ran::Exit(code), stdout)
            .unwrap();
    }

    /// Everything about the runs, to compare.
    pub fn runs(&self) -> String {
        format!("{:#?}", self.state.runs)
    }

    pub fn violations(&self) -> Vec<String> {
        self.flags(true)
    }

    pub fn flags(&self, violation: bool) -> Vec<String> {
        self.state
            .flags
            .iter()
            .filter(|flag| flag.violation == violation)
            .map(|flag| flag.what.clone())
            .collect()
    }

    /// The latest event of this kind.
    pub fn last(&self, kind: &str) -> &Event {
        self.events
            .iter()
            .rev()
            .find(|event| event.fact.kind() == kind)
            .unwrap_or_else(|| panic!("there is no {kind}"))
    }
}

/// The command for an intent, as the driver makes it.
#[allow(clippy::too_many_lines, reason = "one arm for each intent")]
pub fn complete(
    intent: Intent,
    signed: Option<Signed>,
    heads: Vec<EventId>,
    secrets: &BTreeMap<String, String>,
) -> Command {
    let needed = || signed.clone().unwrap();
    match intent {
        Intent::Request { step, purpose } => Command::Request {
            step,
            purpose,
            secrets: secrets.clone(),
            signed: needed(),
        },
        Intent::Start { step, purpose } => Command::Start {
            step,
            purpose,
            secrets: secrets.clone(),
            signed,
        },
        Intent::Withdraw(step) => Command::Withdraw {
            step,
            signed: needed(),
        },
        Intent::Approve { step, request } => Command::Approve {
            step,
            request,
            frontier: heads,
            signed: needed(),
        },
        Intent::Deny { step, request, .. } => Command::Deny {
            step,
            request,
            frontier: heads,
            signed: needed(),
        },
        Intent::Override { step, purpose, .. } => Command::Override {
            step,
            purpose,
            secrets: secrets.clone(),
            signed: needed(),
        },
        Intent::Review {
            overridden,
            accepted,
            ..
        } => Command::Review {
            overridden,
            accepted,
            signed: needed(),
        },
        Intent::Expunge { evidence, .. } => Command::Expunge {
            evidence,
            signed: needed(),
        },
        Intent::Delegate { step, to } => Command::Delegate { step, to },
        Intent::Close => Command::Close { signed: needed() },
        Intent::Reopen { reason } => Command::Reopen {
            reason,
            signed: needed(),
        },
        other => panic!("{other:?} is given as a command here"),
    }
}

pub fn kinds(decision: &Decision) -> Vec<&'static str> {
    decision
        .events
        .iter()
        .map(|draft| draft.fact.kind())
        .collect()
}

pub fn refused(result: Result<Decision, Refusal>) -> RefusalKind {
    match result {
        Err(refusal) => refusal.kind,
        Ok(decision) => panic!("it was accepted: {:?}", kinds(&decision)),
    }
}

/// What everybody may know of an exercise whose clock is set like the real one.
pub fn exercise(now: DateTime<Utc>) -> ExerciseStarted {
    ExerciseStarted {
        title: "Something is wrong, for practice".to_owned(),
        form: "functional".to_owned(),
        briefing: "You are on call.".to_owned(),
        code_word: "no duff".to_owned(),
        abort: Vec::new(),
        clock: SimClock {
            sim: now,
            scale: 1_000,
            paused: false,
        },
        length: 5_400,
        script: Sealed {
            nonce: "0".repeat(48),
            text: String::new(),
        },
    }
}

//! A made-up incident with one event of every kind at least, signed with keys made from fixed seeds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};
use runsheet::engine::at::BootStamp;
use runsheet::engine::details::{
    Confidence, Details, Edit, FollowupChange, FollowupKind, FollowupStatus, Origin, Relation, Tlp,
};
use runsheet::engine::event::{Draft, Event, Fidelity, Place};
use runsheet::engine::exec::{Exec, ExecRecord, Executor, PinnedBlob, PinnedPolicy, Purpose, Var};
use runsheet::engine::fact::*;
use runsheet::engine::ids::{EventId, IncidentId, RunId, StepRef, WriterId};
use runsheet::engine::sentence::Class;
use runsheet::engine::state::{Closed, Head, Reached, State};
use runsheet::evidence::Digest;
use runsheet::runbook::model::{LineClass, Risk, Role, RunbookId, Severity, StepId};
use runsheet::trust::{Mode, Principal};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};

pub const COMMIT: &str = "3f9c2e1a5b7d8e9f0a1b2c3d4e5f60718293a4b5";

/// A record as it grows.
pub struct Tape {
    pub events: Vec<Arc<Event>>,
    pub lines: Vec<String>,
    /// What the clock of an exercise shows, and how many seconds it goes on in a real one.
    pub sim: Option<(DateTime<Utc>, i32)>,
    mode: Mode,
    now: DateTime<Utc>,
    heads: BTreeMap<&'static str, (u64, EventId)>,
    /// Which heads a writer has cited.
    cited: BTreeSet<(&'static str, EventId)>,
}

pub fn principal(name: &str) -> Principal {
    Principal::try_from(format!("{name}@example.org")).unwrap()
}

pub fn step(id: &str, attempt: u32) -> StepRef {
    StepRef {
        run: RunId::new("leaked-cloud-key").unwrap(),
        step: StepId::from(id),
        attempt,
    }
}

fn writer(who: &str) -> WriterId {
    WriterId::new(Digest::of(who.as_bytes()).hex()[..32].to_owned()).unwrap()
}

fn policy() -> PinnedPolicy {
    PinnedPolicy {
        commit: COMMIT.to_owned(),
        sha256: Digest::of(b"policy"),
    }
}

fn runbook(id: &str) -> PinnedRunbook {
    PinnedRunbook {
        id: RunbookId::from(id),
        commit: COMMIT.to_owned(),
        path: format!("runbooks/{id}.yaml"),
        sha256: Digest::of(id.as_bytes()),
        text: format!("id: {id}\ntitle: Leaked cloud access key\n"),
        authors: BTreeMap::from([(StepId::from("revoke"), vec!["erin@example.org".to_owned()])]),
    }
}

pub fn record(step: StepRef, by: &'static str, purpose: Purpose) -> ExecRecord {
    ExecRecord {
        step,
        title: "Revoke the leaked key".to_owned(),
        risk: Risk::Destructive,
        exec: Exec {
            purpose,
            kind: "run".to_owned(),
            script:
                "aws iam update-access-key \\\n  --access-key-id \"$key_id\" --status Inactive\n"
                    .to_owned(),
            shell: vec!["sh".to_owned(), "-eu".to_owned()],
            cwd: "/srv/ir".to_owned(),
            host: "bastion".to_owned(),
            run_as: "svc-ir".to_owned(),
            env: vec!["key_id".to_owned(), "token".to_owned()],
            stdin: String::new(),
            files: BTreeMap::new(),
            timeout: 30,
            output_limit: 1 << 20,
        },
        vars: BTreeMap::from([
            (
                "key_id".to_owned(),
                Var::Plain("AKIAIOSFODNN7EXAMPLE".to_owned()),
            ),
            ("token".to_owned(), Var::Secret(Digest::of(b"hmac").hex())),
        ]),
        dry_run: None,
        rollback: None,
        gate: "1 approver; not performer; 900s".to_owned(),
        runbook: PinnedBlob {
            commit: COMMIT.to_owned(),
            path: "runbooks/leaked-cloud-key.yaml".to_owned(),
            sha256: Digest::of(b"leaked-cloud-key"),
        },
        policy: policy(),
        executor: Executor {
            principal: principal(by).as_str().to_owned(),
            host: "bastion".to_owned(),
            writer: writer(by).as_str().to_owned(),
        },
    }
}

pub fn evidence(name: &str, collected_at: DateTime<Utc>) -> Evidence {
    Evidence {
        sha256: Digest::of(name.as_bytes()),
        size: 6144,
        name: name.to_owned(),
        source: "/var/log/auth.log".to_owned(),
        host: "bastion".to_owned(),
        range: Some((4096, 10_240)),
        original_sha256: Some(Digest::of(b"before")),
        redacted: 2,
        dropped: 0,
        collected_at,
        pull: None,
    }
}

fn sign(by: &str, statement: String) -> Signed {
    let seed = Digest::of(by.as_bytes()).0;
    let key = PrivateKey::new(KeypairData::from(Ed25519Keypair::from_seed(&seed)), by).unwrap();
    let signature = key
        .sign(
            "approval.v1@runsheet",
            HashAlg::Sha512,
            statement.as_bytes(),
        )
        .unwrap()
        .to_pem(LineEnding::LF)
        .unwrap();
    Signed {
        statement,
        signature,
    }
}

impl Tape {
    pub fn new(mode: Mode) -> Self {
        Self {
            events: Vec::new(),
            lines: Vec::new(),
            sim: (mode == Mode::Exercise).then(|| ("2026-11-23T13:20:00Z".parse().unwrap(), 1)),
            mode,
            now: "2026-11-23T13:20:00Z".parse().unwrap(),
            heads: BTreeMap::new(),
            cited: BTreeSet::new(),
        }
    }

    /// Appends a fact that occurs as it is recorded, some seconds after the one before.
    pub fn add(&mut self, who: &'static str, seconds: i64, fact: impl Into<Fact>) -> EventId {
        self.now += TimeDelta::seconds(seconds);
        if let Some((sim, scale)) = &mut self.sim {
            *sim += TimeDelta::seconds(seconds) * *scale;
        }
        let occurred = self.sim.map_or(self.now, |(sim, _)| sim).fixed_offset();
        self.dated(who, occurred, Fidelity::Exact, fact)
    }

    /// Appends a fact now that occurred at another time.
    pub fn dated(
        &mut self,
        who: &'static str,
        occurred_at: DateTime<FixedOffset>,
        fidelity: Fidelity,
        fact: impl Into<Fact>,
    ) -> EventId {
        let draft = Draft {
            occurred_at,
            occurred_until: None,
            fidelity,
            recorded_at: self.now,
            person: principal(who),
            signed: who != "dan",
            role: Some(Role::from(if who == "carol" {
                "approver"
            } else {
                "operator"
            })),
            account: who.to_owned(),
            host: "bastion".to_owned(),
            boot: BootStamp {
                id: "6f1f4a0e-0f3b-4d6e-9d7e-2f6f5f0c9a11".into(),
                millis: u64::try_from(self.now.timestamp_millis() - 1_763_000_000_000).unwrap(),
            },
            mode: self.mode,
            sim_time: self.sim.map(|(sim, _)| sim),
            fact: fact.into(),
        };
        let before = self.heads.get(who).copied();
        let mut seen: Vec<_> = self
            .heads
            .iter()
            .filter(|(other, _)| **other != who)
            .map(|(_, (_, head))| *head)
            .filter(|head| !self.cited.contains(&(who, *head)))
            .collect();
        seen.sort_unstable();
        self.cited.extend(seen.iter().map(|head| (who, *head)));
        let place = Place {
            incident: IncidentId::new("01KATC7Q00ABCDEFGHJKMNPQRS").unwrap(),
            writer: writer(who),
            seq: before.map_or(1, |(seq, _)| seq + 1),
            prev: before.map(|(_, head)| head),
            seen,
        };
        let seq = place.seq;
        let (event, line) = Event::record(draft, place).unwrap();
        let id = event.id;
        self.heads.insert(who, (seq, id));
        self.events.push(Arc::new(event));
        self.lines.push(line);
        id
    }

    /// The time on the clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Says until when what was appended last went on.
    pub fn lasted(&mut self, until: Option<DateTime<FixedOffset>>) {
        let event = self.events.last_mut().unwrap();
        Arc::make_mut(event).occurred_until = until;
    }

    /// A statement of the approval kind, signed.
    pub fn said(&self, by: &str, decision: &str, record: &ExecRecord, reason: &str) -> Signed {
        let executor = &record.executor;
        let approver = match decision {
            "approve" | "deny" | "override" => principal(by).as_str().to_owned(),
            _ => "-".to_owned(),
        };
        let role = match decision {
            "approve" | "deny" => "approver",
            "override" => "commander",
            _ => "-",
        };
        let genesis = self.events[0].id;
        let nonce = Digest::of(format!("{}{decision}{by}", self.now).as_bytes()).hex();
        let lines = [
            "runsheet-approval v1".to_owned(),
            format!("incident: {}", self.events[0].incident),
            format!("genesis: {genesis}"),
            format!("policy: {} {}", record.policy.commit, record.policy.sha256),
            format!(
                "runbook: {} {} {}",
                record.runbook.commit, record.runbook.path, record.runbook.sha256
            ),
            format!("step: {}", record.step),
            format!("request: {}", record.digest()),
            "frontier: -".to_owned(),
            format!("exec: {}", record.exec_digest()),
            format!("vars: {}", record.vars_digest()),
            "display: -".to_owned(),
            format!("requester: {}", executor.principal),
            format!(
                "executor: {}/{}/{}",
                executor.principal, executor.host, executor.writer
            ),
            format!("approver: {approver}"),
            format!("role: {role}"),
            "quorum: 1/approver".to_owned(),
            format!("decision: {decision}"),
            "consumes: -".to_owned(),
            format!("reason: {reason}"),
            format!("not-before: {}", self.now.format("%Y-%m-%dT%H:%M:%SZ")),
            format!(
                "not-after: {}",
                (self.now + TimeDelta::minutes(15)).format("%Y-%m-%dT%H:%M:%SZ")
            ),
            format!("nonce: {}", &nonce[..32]),
        ];
        sign(by, lines.join("\n") + "\n")
    }

    fn review(&self, by: &str, overridden: EventId, reason: &str) -> Signed {
        let text = format!(
            "runsheet-review v1\nincident: {}\ngenesis: {}\npolicy: {COMMIT} {}\noverride: {overridden}\nevents: {}\nreviewer: {}\ndecision: accepted\nreason: {reason}\ntime: 2026-11-23T15:00:00Z\nnonce: {}\n",
            self.events[0].incident,
            self.events[0].id,
            policy().sha256,
            Digest::of(b"events"),
            principal(by),
            &Digest::of(b"review").hex()[..32]
        );
        sign(by, text)
    }

    fn close(&self, by: &str, decision: &str) -> Signed {
        let text = format!(
            "runsheet-close v1\nincident: {}\ngenesis: {}\npolicy: {COMMIT} {}\nheads: {}\ncloser: {}\ndecision: {decision}\ntime: 2026-11-23T15:10:00Z\nnonce: {}\n",
            self.events[0].incident,
            self.events[0].id,
            policy().sha256,
            Digest::of(b"heads"),
            principal(by),
            &Digest::of(decision.as_bytes()).hex()[..32]
        );
        sign(by, text)
    }

    /// A word for another policy, or for taking an artifact out.
    fn word(&self, by: &str, header: &str, about: &str, whose: &str, reason: &str) -> Signed {
        let text = format!(
            "runsheet-{header} v1\nincident: {}\ngenesis: {}\npolicy: {COMMIT} {}\n{about}\n{whose}: {}\nreason: {reason}\ntime: 2026-11-23T15:20:00Z\nnonce: {}\n",
            self.events[0].incident,
            self.events[0].id,
            policy().sha256,
            principal(by),
            &Digest::of(format!("{header}{by}").as_bytes()).hex()[..32]
        );
        sign(by, text)
    }

    pub fn finished(
        &self,
        step: StepRef,
        seconds: i64,
        outcome: Outcome,
        exit: i32,
    ) -> StepFinished {
        let failed = outcome == Outcome::Failed;
        StepFinished {
            evidence: vec![Evidence {
                sha256: Digest::of(step.to_string().as_bytes()),
                size: 120,
                name: format!("output of {}#{}", step.step, step.attempt),
                source: "command".to_owned(),
                range: None,
                original_sha256: None,
                redacted: 0,
                ..evidence("x", self.now)
            }],
            step,
            purpose: Purpose::Run,
            outcome,
            exit: Some(exit),
            signal: None,
            started: self.now,
            ended: self.now + TimeDelta::seconds(seconds),
            outputs: BTreeMap::new(),
            secrets: Vec::new(),
            problem: failed.then(|| "exit 1, expected 0".to_owned()),
        }
    }
}

/// Every kind of event, in a story that makes sense.
pub fn story(mode: Mode) -> Tape {
    let mut tape = Tape::new(mode);
    beginning(&mut tape);
    gates(&mut tape);
    ending(&mut tape);
    ground(&mut tape);
    tape
}

fn beginning(tape: &mut Tape) {
    let pin = LibraryPin {
        source: "https://git.example.org/platform/runbooks".to_owned(),
        commit: COMMIT.to_owned(),
        branch: Some("main".to_owned()),
        author: "Erin Evans <erin@example.org>".to_owned(),
        date: DateTime::parse_from_rfc3339("2026-11-02T09:15:00+01:00").unwrap(),
        subject: "Ask for approval before revoking".to_owned(),
    };
    tape.add(
        "bob",
        0,
        IncidentStarted {
            title: "Leaked cloud access key | <b>AKIA…</b>".to_owned(),
            severity: Severity::Sev2,
            reference: Some("PD-1234".to_owned()),
            alert: Some("AwsAccessKeyExposed".to_owned()),
            library: pin,
            policy: policy(),
            policy_yaml: "people: {}\n".to_owned(),
            allowed_signers: "carol@example.org ssh-ed25519 AAAA\n".to_owned(),
        },
    );
    tape.add(
        "bob",
        0,
        RunStarted {
            run: RunId::new("leaked-cloud-key").unwrap(),
            runbook: runbook("leaked-cloud-key"),
            uses: Vec::new(),
            inputs: BTreeMap::from([("key_id".to_owned(), "AKIAIOSFODNN7EXAMPLE".to_owned())]),
            secrets: vec!["token".to_owned()],
            parent: None,
        },
    );
    tape.add(
        "alice",
        30,
        RoleAssigned {
            who: principal("alice"),
            role: Role::from("commander"),
        },
    );
    tape.add(
        "alice",
        5,
        RoleAssigned {
            who: principal("bob"),
            role: Role::from("operator"),
        },
    );
    tape.dated(
        "bob",
        DateTime::parse_from_rfc3339("2026-11-23T14:05:00+01:00").unwrap(),
        Fidelity::Estimated,
        MilestoneReached {
            milestone: Milestone::Started,
        },
    );
    tape.dated(
        "bob",
        DateTime::parse_from_rfc3339("2026-11-23T13:12:00Z").unwrap(),
        Fidelity::Minute,
        MilestoneReached {
            milestone: Milestone::Detected,
        },
    );
    tape.add(
        "bob",
        10,
        MilestoneReached {
            milestone: Milestone::Acknowledged,
        },
    );
    tape.add(
        "alice",
        20,
        SeverityChanged {
            severity: Severity::Sev1,
        },
    );
    tape.add(
        "bob",
        60,
        StepDone {
            step: step("confirm", 1),
            checklist: vec![
                "Screenshot attached".to_owned(),
                "Reporter thanked".to_owned(),
            ],
            by_hand: None,
            note: Some("reported by a customer".to_owned()),
            out_of_order: false,
        },
    );
    let note = tape.add("dan", 40, NoteAdded {
        text: "The key was in a \u{202e}public\u{1b}[31m repository since 12:40, see [the commit](https://evil.example/x)".to_owned(),
        step: None,
        details: None,
    });
    tape.add(
        "bob",
        30,
        EntryCorrected {
            corrects: note,
            text: "since 12:45".to_owned(),
            reason: "misread the commit's time zone".to_owned(),
        },
    );
    let collected = evidence("auth", tape.now);
    tape.add(
        "bob",
        30,
        EvidenceCaptured {
            evidence: collected,
            step: Some(step("pull-auth", 1)),
        },
    );
    tape.add(
        "bob",
        20,
        StepAnswered {
            step: step("scope", 1),
            answers: BTreeMap::from([("accounts_affected".to_owned(), "12".to_owned())]),
            secrets: vec!["token".to_owned()],
            out_of_order: false,
        },
    );
    tape.add(
        "bob",
        20,
        StepChosen {
            step: step("used", 1),
            label: "Yes".to_owned(),
            suggested: Some("No".to_owned()),
            out_of_order: false,
        },
    );
}

fn gates(tape: &mut Tape) {
    let revoke = record(step("revoke", 1), "bob", Purpose::Run);
    tape.add(
        "bob",
        5,
        StepClaimed {
            step: step("revoke", 1),
        },
    );
    let signed = tape.said("bob", "request", &revoke, "-");
    tape.add(
        "bob",
        10,
        CheckpointRequested {
            record: revoke.clone(),
            signed,
        },
    );
    let signed = tape.said("carol", "deny", &revoke, "tell%20billing%20first");
    let frontier = vec![tape.events[0].id];
    tape.add(
        "carol",
        60,
        CheckpointDenied {
            step: step("revoke", 1),
            frontier: frontier.clone(),
            signed,
        },
    );
    let signed = tape.said("bob", "request", &revoke, "-");
    tape.add(
        "bob",
        120,
        CheckpointRequested {
            record: revoke.clone(),
            signed,
        },
    );
    let signed = tape.said("bob", "withdraw", &revoke, "-");
    tape.add(
        "bob",
        5,
        CheckpointWithdrawn {
            step: step("revoke", 1),
            signed,
        },
    );
    let signed = tape.said("bob", "request", &revoke, "-");
    tape.add(
        "bob",
        5,
        CheckpointRequested {
            record: revoke.clone(),
            signed,
        },
    );
    let signed = tape.said("carol", "approve", &revoke, "-");
    let approval = tape.add(
        "carol",
        80,
        CheckpointApproved {
            step: step("revoke", 1),
            frontier,
            signed,
        },
    );
    let signed = tape.said("bob", "consume", &revoke, "-");
    tape.add(
        "bob",
        10,
        CheckpointConsumed {
            step: step("revoke", 1),
            approvals: vec![approval],
            signed,
        },
    );
    tape.add(
        "bob",
        0,
        StepStarted {
            record: revoke,
            out_of_order: false,
        },
    );
    let finished = tape.finished(step("revoke", 1), 4, Outcome::Succeeded, 0);
    tape.add("bob", 4, finished);
    tape.add(
        "bob",
        10,
        MilestoneReached {
            milestone: Milestone::Contained,
        },
    );

    let reset = record(step("reset-sessions", 2), "alice", Purpose::Run);
    let signed = tape.said("alice", "override", &reset, "nobody%20else%20is%20awake");
    let overridden = tape.add(
        "alice",
        1500,
        CheckpointOverridden {
            record: reset.clone(),
            signed,
        },
    );
    tape.add(
        "alice",
        1,
        StepStarted {
            record: reset,
            out_of_order: true,
        },
    );
    let finished = tape.finished(step("reset-sessions", 2), 130, Outcome::Failed, 1);
    tape.add("alice", 130, finished);
    tape.add(
        "alice",
        30,
        StepResolved {
            step: step("reset-sessions", 2),
            outcome: Outcome::Succeeded,
            reason: Some("sessions are gone in the console".to_owned()),
        },
    );
    let signed = tape.review("carol", overridden, "right%20to%20do%2C%20billing%20agrees");
    tape.add(
        "carol",
        60,
        OverrideReviewed {
            overridden,
            events: vec![overridden],
            accepted: true,
            signed,
        },
    );
    let sweep = record(step("sweep", 1), "alice", Purpose::Run);
    let signed = tape.said("alice", "override", &sweep, "still%20alone");
    tape.add(
        "alice",
        20,
        CheckpointOverridden {
            record: sweep,
            signed,
        },
    );
}

fn ending(tape: &mut Tape) {
    tape.add(
        "bob",
        30,
        StepSkipped {
            step: step("forensics", 1),
            reason: "no host was touched".to_owned(),
            automatic: false,
        },
    );
    tape.add(
        "bob",
        1,
        StepSkipped {
            step: step("tell-regulator", 1),
            reason: "accounts_affected == '0' is not so".to_owned(),
            automatic: true,
        },
    );
    tape.add(
        "alice",
        60,
        UpdateRecorded {
            audience: "customers".to_owned(),
            state: Some("identified".to_owned()),
            message: "We revoked a leaked key. Nothing of yours was read.".to_owned(),
            step: Some(step("tell", 1)),
            next: None,
        },
    );
    tape.add(
        "alice",
        30,
        MilestoneReached {
            milestone: Milestone::Resolved,
        },
    );
    let (bytes, sha256) = (17, Digest::of(b"torn"));
    tape.add(
        "bob",
        5,
        JournalRecovered {
            writer: writer("bob"),
            bytes,
            sha256,
            what: "the last line was cut off in the middle".to_owned(),
        },
    );
    let heads: Vec<_> = tape.heads.values().map(|(_, head)| *head).collect();
    let signed = tape.close("alice", "close");
    tape.add(
        "alice",
        60,
        IncidentClosed {
            heads: heads.clone(),
            signed,
        },
    );
    tape.add(
        "dan",
        300,
        NoteAdded {
            text: "Billing asks for\nthe list of jobs".to_owned(),
            step: Some(step("confirm", 1)),
            details: None,
        },
    );
    let signed = tape.close("alice", "reopen");
    tape.add(
        "alice",
        60,
        IncidentReopened {
            reason: "a second key turned up".to_owned(),
            heads,
            signed,
        },
    );
}

/// What changes the ground: trust, policy, evidence, and a question passed on.
fn ground(tape: &mut Tape) {
    let newer = PinnedPolicy {
        commit: "8c4f0e2d1b3a59687766554433221100ffeeddcc".to_owned(),
        sha256: Digest::of(b"newer policy"),
    };
    tape.add(
        "carol",
        60,
        CheckpointDelegated {
            step: step("sweep", 1),
            to: principal("dan"),
        },
    );
    tape.add(
        "alice",
        5,
        TrustRevoked {
            commit: newer.commit.clone(),
            revoked: vec![
                Revoked {
                    who: principal("erin"),
                    key: None,
                    role: None,
                },
                Revoked {
                    who: principal("dan"),
                    key: Some("SHA256:abc".to_owned()),
                    role: None,
                },
                Revoked {
                    who: principal("dan"),
                    key: None,
                    role: Some(Role::from("approver")),
                },
            ],
        },
    );
    let adopts = format!("adopts: {} {}", newer.commit, newer.sha256);
    let signed = tape.word("alice", "policy", &adopts, "adopter", "dan%20has%20left");
    let proposed = tape.add(
        "alice",
        60,
        PolicyProposed {
            policy: newer,
            policy_yaml: "people: {}\n".to_owned(),
            allowed_signers: String::new(),
            signed,
        },
    );
    let signed = tape.word("carol", "policy", &adopts, "adopter", "-");
    tape.add("carol", 60, PolicySeconded { proposed, signed });
    let leaked = Digest::of(b"auth");
    let about = format!("evidence: {leaked}");
    let signed = tape.word(
        "carol",
        "expunge",
        &about,
        "expunger",
        "a%20customer%27s%20password",
    );
    tape.add(
        "carol",
        60,
        EvidenceExpunged {
            evidence: leaked,
            signed,
        },
    );
    tape.add(
        "alice",
        1,
        HubUnreachable {
            about: proposed,
            why: "Connection timed out".to_owned(),
        },
    );
    account(tape, proposed);
}

/// What people add to the account beside the walk.
fn account(tape: &mut Tape, entry: EventId) {
    let said = NoteAdded {
        text: "Somebody signed in with the key from 203.0.113.9".to_owned(),
        step: None,
        details: Some(Box::new(Details {
            class: Some(Class::Adversary),
            tlp: Some(Tlp::AmberStrict),
            audiences: Some(vec!["responders".to_owned(), "regulator".to_owned()]),
            pinned: Some(true),
            confidence: Some(Confidence::High),
            source: Some("CloudTrail".to_owned()),
            on_behalf_of: Some("the billing team".to_owned()),
            tactic: Some("TA0001".to_owned()),
            technique: Some("T1078.004".to_owned()),
            tags: Edit {
                add: vec!["entry".to_owned(), "=1+1".to_owned()],
                remove: Vec::new(),
            },
            assets: Edit {
                add: vec!["iam/deploy".to_owned()],
                remove: Vec::new(),
            },
            indicators: Edit {
                add: vec!["203.0.113.9".to_owned()],
                remove: Vec::new(),
            },
            evidence: Edit::default(),
        })),
    };
    let intrusion = tape.dated(
        "dan",
        at("2026-11-23T14:12:07+01:00"),
        Fidelity::Minute,
        said,
    );
    tape.dated(
        "bob",
        at("2026-11-23T13:12:07.201Z"),
        Fidelity::Exact,
        LineNoted {
            text: "login of deploy from 203.0.113.9".to_owned(),
            class: LineClass::Adversary,
            line: CitedLine {
                source: "/var/log/auth\u{1b}[31m.log".to_owned(),
                host: "bastion".to_owned(),
                range: (4096, 4182),
                sha256: Digest::of(b"line"),
                evidence: Some(Digest::of(b"auth")),
            },
        },
    );
    tape.add(
        "bob",
        20,
        EntryDescribed {
            entry: intrusion,
            details: Details {
                tlp: Some(Tlp::Red),
                audiences: Some(Vec::new()),
                pinned: Some(false),
                tags: Edit {
                    add: Vec::new(),
                    remove: vec!["=1+1".to_owned()],
                },
                evidence: Edit {
                    add: vec![Digest::of(b"trail")],
                    remove: Vec::new(),
                },
                ..Details::default()
            },
        },
    );
    for removed in [false, true, false] {
        tape.add(
            "bob",
            5,
            EntryLinked {
                entry: intrusion,
                other: entry,
                relation: Relation::Cause,
                removed,
            },
        );
    }
    tape.dated(
        "bob",
        at("2026-11-23T13:31:00Z"),
        Fidelity::Exact,
        EntryImported {
            text: "is anybody looking at \u{202e}billing?".to_owned(),
            origin: Origin {
                file: "incidents-0042.json".to_owned(),
                sha256: Digest::of(b"chat"),
                position: 7,
                person: Some("Carol Chu".to_owned()),
                id: Some("1764077460.000100".to_owned()),
            },
            details: Details {
                class: Some(Class::Comms),
                ..Details::default()
            },
        },
    );
    let followup = tape.add(
        "alice",
        60,
        FollowupOpened {
            text: "Scan every repository for keys".to_owned(),
            kind: FollowupKind::Detect,
            owner: None,
            due: None,
            about: Some(intrusion),
        },
    );
    tape.add(
        "alice",
        30,
        FollowupChanged {
            followup,
            change: FollowupChange {
                status: Some(FollowupStatus::Open),
                text: Some("Scan every repository for keys, daily".to_owned()),
                kind: Some(FollowupKind::Policy),
                owner: Some("erin".to_owned()),
                due: NaiveDate::from_ymd_opt(2026, 12, 24),
            },
            note: Some("agreed with erin".to_owned()),
        },
    );
    tape.dated(
        "alice",
        at("2026-11-23T14:20:00Z"),
        Fidelity::Exact,
        DecisionNamed {
            decision: "aware".to_owned(),
            reason: "names of customers were in the bucket".to_owned(),
        },
    );
    tape.add(
        "alice",
        600,
        StageSubmitted {
            clock: "gdpr-33".to_owned(),
            stage: "notification".to_owned(),
            reference: Some("DPA-77/26".to_owned()),
        },
    );
    delivery(tape);
}

/// An update that promises the next one, and what became of it.
fn delivery(tape: &mut Tape) {
    let update = tape.add(
        "alice",
        5,
        UpdateRecorded {
            audience: "customers".to_owned(),
            state: Some("monitoring".to_owned()),
            message: "The key is gone. We watch for its use.".to_owned(),
            step: None,
            next: Some(at("2026-11-23T15:30:00Z").to_utc()),
        },
    );
    tape.add(
        "alice",
        2,
        UpdateDelivered {
            update,
            channel: "status".to_owned(),
            key: "5f1d0c2b7a9e4d3380b6a1c2d3e4f506".to_owned(),
            tries: 1,
            text: "Monitoring: Leaked cloud access key\n\nThe key is gone. We watch for its use."
                .to_owned(),
        },
    );
    tape.add(
        "alice",
        1,
        UpdateUndelivered {
            update,
            channel: "execs".to_owned(),
            key: "0a1b2c3d4e5f60718293a4b5c6d7e8f9".to_owned(),
            tries: 5,
            error: "the server does not take it: 550 no such user".to_owned(),
        },
    );
}

fn at(text: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(text).unwrap()
}

/// What the engine makes of a tape, as far as a timeline looks at it.
pub fn state(tape: &Tape) -> State {
    let mut state = State {
        severity: Some(Severity::Sev1),
        count: tape.events.len() as u64,
        ..State::default()
    };
    for event in &tape.events {
        state.writers.insert(
            event.writer.clone(),
            Head {
                seq: event.seq,
                event: event.id,
                by: event.person.clone(),
            },
        );
        match &event.fact {
            Fact::RoleAssigned(fact) => {
                let roles: &mut BTreeSet<Role> = state.roles.entry(fact.who.clone()).or_default();
                roles.insert(fact.role.clone());
            }
            Fact::MilestoneReached(fact) => {
                state.milestones.insert(
                    fact.milestone,
                    Reached {
                        at: event.occurred_at,
                        recorded_at: event.recorded_at,
                        fidelity: event.fidelity,
                        by: event.person.clone(),
                        event: event.id,
                    },
                );
            }
            Fact::IncidentClosed(_) => {
                state.closed = Some(Closed {
                    event: event.id,
                    by: event.person.clone(),
                    at: event.occurred_at,
                });
            }
            Fact::IncidentReopened(_) => state.closed = None,
            _ => {}
        }
    }
    state
}

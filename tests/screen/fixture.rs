//! A world to look at: one incident half way through a runbook, a library, a few people. Built by hand, so that what
//! the screen shows does not hang on how the rest computes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Duration, FixedOffset};
use runsheet::engine::at::BootStamp;
use runsheet::engine::command::StepKey;
use runsheet::engine::event::Fidelity;
use runsheet::engine::exec::{Exec, Executor, PinnedBlob, PinnedPolicy, Purpose, Var};
use runsheet::engine::fact::{
    CheckpointOverridden, CheckpointWithdrawn, EntryCorrected, Evidence, EvidenceCaptured,
    LibraryPin, Milestone, MilestoneReached, NoteAdded, PinnedRunbook, Signed, StepChosen,
    StepClaimed,
};
use runsheet::engine::state::{
    Incident, Overridden, Proposal, Reached, Run, Status, StepState, Value,
};
use runsheet::engine::{
    Event, EventId, ExecRecord, Fact, IncidentId, RunId, State, StepRef, WriterId,
};
use runsheet::evidence::Digest;
use runsheet::runbook::model::{
    Choice, Decide, Input, InputKind, Kind, Log, LogSource, Next, OnFailure, Risk, Role, Runbook,
    RunbookId, Severity, Step, StepId,
};
use runsheet::runbook::policy::{Checkpoint, Person, Policy};
use runsheet::trust::{Mode, Principal};
pub use runsheet::tui::difference::Line;
pub use runsheet::tui::world::{
    ApprovalView, Brief, Change, Earlier, Entry, Gate, GatePreview, IncidentRow, LastChange,
    Library, Me, Notice, Open, Pending, Preview, Rehearsal, StepFacts, Sync, Tail, Waiting, Waits,
    World,
};

pub fn at(clock: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(&format!("2026-11-23T{clock}Z")).unwrap()
}

pub fn who(name: &str) -> Principal {
    Principal::try_from(format!("{name}@example.org")).unwrap()
}

pub fn incident_id() -> IncidentId {
    IncidentId::new("01JDC0W4Q0ABCDEFGHJKMN0042").unwrap()
}

pub fn run_id() -> RunId {
    RunId::new("leaked-cloud-key").unwrap()
}

pub fn key(step: &str) -> StepKey {
    StepKey {
        run: run_id(),
        step: StepId::from(step),
    }
}

/// A step of a phase.
fn step(id: &str, title: &str, phase: &str, kind: Kind) -> Step {
    Step {
        id: StepId::from(id),
        title: title.to_owned(),
        phase: Some(phase.to_owned()),
        role: None,
        instructions: String::new(),
        checklist: Vec::new(),
        kind,
        when: None,
        next: None,
        risk: Risk::Routine,
        checkpoint: None,
        due: None,
        on_failure: OnFailure::Stop,
        exclusive: false,
        escalate: None,
        foreach: None,
        exec: runsheet::runbook::model::ExecSpec::default(),
    }
}

fn input(name: &str, prompt: &str) -> Input {
    Input {
        name: name.to_owned(),
        prompt: Some(prompt.to_owned()),
        kind: InputKind::Text,
        pattern: None,
        choices: Vec::new(),
        default: None,
        secret: false,
        optional: false,
    }
}

const REVOKE: &str =
    "aws iam update-access-key --access-key-id \"$key_id\" \\\n  --status Inactive";

pub fn book() -> Runbook {
    let mut confirm = step(
        "confirm",
        "Confirm the report",
        "identification",
        Kind::Manual,
    );
    confirm.checklist = vec![
        "Screenshot attached".to_owned(),
        "Reporter thanked".to_owned(),
    ];
    confirm.instructions =
        "Ask the reporter **where** the key `{{ key_id }}` was seen.\n\n- paste site\n- repository"
            .to_owned();
    let used = Kind::Decide(Decide {
        question: "Was the key used after it leaked?".to_owned(),
        options: ["Yes", "No"]
            .iter()
            .map(|label| Choice {
                label: (*label).to_owned(),
                next: Some(Next::Step(StepId::from("revoke"))),
                when: None,
            })
            .collect(),
    });
    let mut revoke = step(
        "revoke",
        "Revoke the leaked key",
        "containment",
        Kind::Run(REVOKE.to_owned()),
    );
    revoke.risk = Risk::Destructive;
    revoke.instructions =
        "Jobs that use the key fail from here on. Tell the **billing team** first.".to_owned();
    revoke.exec.dry_run =
        Some("aws iam get-access-key-last-used --access-key-id \"$key_id\"".to_owned());
    revoke.exec.rollback =
        Some("aws iam update-access-key --access-key-id \"$key_id\" --status Active".to_owned());
    let mut questions = vec![input("accounts_affected", "How many accounts?")];
    questions[0].kind = InputKind::Integer;
    let mut steps = vec![
        confirm,
        step(
            "key-age",
            "How old is the key?",
            "identification",
            Kind::Run("aws iam list-access-keys --user-name \"$user\"".to_owned()),
        ),
        step("used", "Was it used?", "identification", used),
        revoke,
        step(
            "verify",
            "Verify that it is dead",
            "containment",
            Kind::Manual,
        ),
        step("rotate", "Rotate what used it", "eradication", Kind::Manual),
        step(
            "sweep",
            "Sweep the logs",
            "eradication",
            Kind::Run("./sweep.sh".to_owned()),
        ),
        step(
            "scope",
            "How far did it go?",
            "eradication",
            Kind::Ask(questions),
        ),
    ];
    for (at, name) in ["restore", "watch", "tell", "lessons"].iter().enumerate() {
        let phase = if at < 3 {
            "recovery"
        } else {
            "lessons_learned"
        };
        steps.push(step(name, &format!("{name} it"), phase, Kind::Manual));
    }
    let mut token = input("token", "API token");
    token.secret = true;
    let mut account = input("account", "Account");
    account.choices = vec!["prod".to_owned(), "staging".to_owned()];
    let mut key_id = input("key_id", "Access key ID");
    key_id.pattern = Some("AKIA[0-9A-Z]{4,16}".to_owned());
    Runbook {
        id: RunbookId::from("leaked-cloud-key"),
        title: "Leaked cloud access key".to_owned(),
        severity: Some(Severity::Sev2),
        summary: "A long-lived key was found outside our control.".to_owned(),
        owner: Some("platform-security".to_owned()),
        services: vec!["iam".to_owned()],
        tags: vec!["credentials".to_owned()],
        alerts: Vec::new(),
        last_reviewed: None,
        review_every: None,
        inputs: vec![key_id, account, token],
        logs: vec![Log {
            name: "auth".to_owned(),
            source: LogSource::File("/var/log/auth.log*".to_owned()),
            host: None,
            zone: None,
            format: None,
            rules: Vec::new(),
        }],
        steps,
    }
}

fn state_of(id: &StepId) -> StepState {
    StepState {
        id: id.clone(),
        status: Status::Todo,
        attempt: 0,
        tries: 0,
        started: None,
        ended: None,
        by: None,
        claimed: None,
        claimed_attempt: 0,
        writer: None,
        record: None,
        choice: None,
        reason: None,
        exit: None,
        evidence: Vec::new(),
        twins: BTreeMap::new(),
        request: None,
        performers: BTreeSet::new(),
        started_event: None,
    }
}

fn policy() -> Policy {
    let person = |name: &str, principal: &str| Person {
        name: name.to_owned(),
        principals: vec![format!("{principal}@example.org")],
        ..Person::default()
    };
    Policy {
        people: ["alice", "bob", "carol", "dan"]
            .iter()
            .map(|name| ((*name).to_owned(), person(name, name)))
            .collect(),
        ..Policy::default()
    }
}

fn pin() -> PinnedPolicy {
    PinnedPolicy {
        commit: "3f9c2e1".repeat(5),
        sha256: Digest::of(b"policy"),
    }
}

pub fn incident(mode: Mode) -> Incident {
    Incident {
        id: incident_id(),
        genesis: Digest::of(b"genesis"),
        title: "Leaked cloud access key".to_owned(),
        reference: None,
        alert: None,
        mode,
        started: at("13:21:04"),
        by: who("alice"),
        library: LibraryPin {
            source: "platform/runbooks".to_owned(),
            commit: "3f9c2e1".repeat(5),
            branch: Some("main".to_owned()),
            author: "erin".to_owned(),
            date: at("09:00:00"),
            subject: "Tell billing".to_owned(),
        },
        policy_pin: pin(),
        policy_yaml: String::new(),
        allowed_signers: String::new(),
        policy: policy(),
        signers: Default::default(),
        people: Default::default(),
        broken: None,
    }
}

pub fn run() -> Run {
    let book = Arc::new(book());
    let mut steps: Vec<StepState> = book.steps.iter().map(|step| state_of(&step.id)).collect();
    for (index, seconds) in [(0, 130), (1, 4), (2, 20)] {
        let started = at("13:40:00") + Duration::minutes(index as i64 * 6);
        steps[index].status = Status::Done;
        steps[index].attempt = 1;
        steps[index].started = Some(started);
        steps[index].ended = Some(started + Duration::seconds(seconds));
        steps[index].by = Some(who("bob"));
    }
    steps[2].choice = Some("Yes".to_owned());
    Run {
        id: run_id(),
        pin: Arc::new(PinnedRunbook {
            id: book.id.clone(),
            commit: "3f9c2e1".repeat(5),
            path: "runbooks/leaked-cloud-key.yaml".to_owned(),
            sha256: Digest::of(b"book"),
            text: String::new(),
            authors: BTreeMap::new(),
        }),
        at: Some(StepId::from("revoke")),
        book,
        uses: Arc::new(Vec::new()),
        parent: None,
        started: at("13:21:04"),
        values: BTreeMap::from([
            (
                "key_id".to_owned(),
                Value {
                    text: Some("AKIAIOSFODNN7EXAMPLE".to_owned()),
                    by: who("bob"),
                    step: None,
                },
            ),
            (
                "token".to_owned(),
                Value {
                    text: None,
                    by: who("bob"),
                    step: None,
                },
            ),
        ]),
        steps,
        ended: None,
    }
}

pub fn record(step: &str) -> ExecRecord {
    ExecRecord {
        step: StepRef {
            run: run_id(),
            step: StepId::from(step),
            attempt: 1,
        },
        title: "Revoke the leaked key".to_owned(),
        risk: Risk::Destructive,
        exec: Exec {
            purpose: Purpose::Run,
            kind: "run".to_owned(),
            script: REVOKE.to_owned(),
            shell: vec!["sh".to_owned(), "-eu".to_owned()],
            cwd: "/srv/ir".to_owned(),
            host: "bastion-2".to_owned(),
            run_as: "svc-ir".to_owned(),
            env: vec!["key_id".to_owned()],
            stdin: String::new(),
            files: BTreeMap::new(),
            timeout: 30,
            output_limit: 1 << 20,
        },
        vars: BTreeMap::from([(
            "key_id".to_owned(),
            Var::Plain("AKIAIOSFODNN7EXAMPLE".to_owned()),
        )]),
        dry_run: None,
        rollback: None,
        gate: "1 approver; not performer, author; 900s".to_owned(),
        runbook: PinnedBlob {
            commit: "3f9c2e1".repeat(5),
            path: "runbooks/leaked-cloud-key.yaml".to_owned(),
            sha256: Digest::of(b"book"),
        },
        policy: pin(),
        executor: Executor {
            principal: "bob@example.org".to_owned(),
            host: "bastion-2".to_owned(),
            writer: "ab".repeat(16),
        },
    }
}

pub fn event(number: u64, time: DateTime<FixedOffset>, name: &str, fact: impl Into<Fact>) -> Event {
    Event {
        id: Digest::of(&number.to_be_bytes()),
        incident: incident_id(),
        writer: WriterId::new("ab".repeat(16)).unwrap(),
        seq: number + 1,
        prev: None,
        seen: Vec::new(),
        recorded_at: time.to_utc(),
        occurred_at: time,
        occurred_until: None,
        fidelity: Fidelity::Exact,
        person: who(name),
        signed: true,
        role: Some(Role::from("operator")),
        account: name.into(),
        host: "bastion-2".into(),
        boot: BootStamp {
            id: "boot".into(),
            millis: 1,
        },
        mode: Mode::Live,
        sim_time: None,
        fact: fact.into(),
    }
}

fn step_ref(step: &str) -> StepRef {
    StepRef {
        run: run_id(),
        step: StepId::from(step),
        attempt: 1,
    }
}

fn note(text: &str) -> NoteAdded {
    NoteAdded {
        text: text.to_owned(),
        step: None,
        details: None,
    }
}

pub fn events() -> Vec<Event> {
    let mut events = vec![
        event(
            0,
            at("13:21:04"),
            "alice",
            note("first page from the cloud provider"),
        ),
        event(
            1,
            at("13:22:40"),
            "alice",
            MilestoneReached {
                milestone: Milestone::Detected,
            },
        ),
        event(
            2,
            at("13:25:10"),
            "bob",
            StepClaimed {
                step: step_ref("confirm"),
            },
        ),
        event(
            3,
            at("13:59:40"),
            "bob",
            StepChosen {
                step: step_ref("used"),
                label: "Yes".to_owned(),
                suggested: Some("No".to_owned()),
                out_of_order: false,
            },
        ),
        event(
            4,
            at("14:00:10"),
            "bob",
            note("the key was used from 203.0.113.9 \u{1b}[31mred\u{202e}"),
        ),
    ];
    let correction = EntryCorrected {
        corrects: events[0].id,
        text: "first page from the provider's abuse desk".to_owned(),
        reason: "wrong sender".to_owned(),
    };
    events.push(event(5, at("14:00:30"), "alice", correction));
    events.push(event(
        6,
        at("14:00:52"),
        "bob",
        CheckpointWithdrawn {
            step: step_ref("revoke"),
            signed: Signed {
                statement: String::new(),
                signature: String::new(),
            },
        },
    ));
    events
}

pub fn state(mode: Mode) -> State {
    State {
        incident: Some(Arc::new(incident(mode))),
        severity: Some(Severity::Sev1),
        runs: vec![Arc::new(run())],
        roles: BTreeMap::from([(who("alice"), BTreeSet::from([Role::from("commander")]))]),
        milestones: BTreeMap::from([(
            Milestone::Detected,
            Reached {
                at: at("13:22:40"),
                recorded_at: at("13:22:40").to_utc(),
                fidelity: Fidelity::Exact,
                by: who("alice"),
                event: Digest::of(b"m"),
            },
        )]),
        ..State::default()
    }
}

pub fn pending(mine: bool) -> Gate {
    Gate::Pending(Pending {
        asks: "1 approver, not bob, not erin".to_owned(),
        who: vec!["carol".to_owned(), "dan".to_owned()],
        have: 0,
        want: 1,
        by: "bob".to_owned(),
        asked: at("14:00:52"),
        expires: Some(at("14:15:52")),
        mine,
        asked_by_me: !mine,
    })
}

pub const APPROVAL: &str = "bob@example.org asks for approval of revoke, attempt 1\n\nincident 01JDC0W4Q0ABCDEFGHJKMN0042, LIVE\nrunbook leaked-cloud-key at 3f9c2e1, last changed by erin@example.org 2026-11-02\n\nwill run on bastion-2 as svc-ir in /srv/ir, at most 30s:\n  aws iam update-access-key --access-key-id \"$key_id\" \\\n    --status Inactive\n\nwith:\n  key_id = AKIAIOSFODNN7EXAMPLE\n  account = prod\n\ndry run 13:58:02 exit 0: LastUsed 2026-11-23T13:12Z eu-west-1 sts\nundo:\n  aws iam update-access-key --access-key-id \"$key_id\" --status Active\n\nrole asked of you: approver, 1 of 1; not performer, not author\nexec sha256:6d5c54ff3cbe7a3a4bba74f08aa4a54c56e27f5a9bcb4b4b0e41b7b3e9bb1c11\n";

pub fn approval() -> ApprovalView {
    ApprovalView {
        step: key("revoke"),
        request: Digest::of(b"request"),
        purpose: Purpose::Run,
        title: "Revoke the leaked key".to_owned(),
        destructive: true,
        text: APPROVAL.to_owned(),
        requester: "bob".to_owned(),
        asked: at("14:00:52"),
        holds: Some(std::time::Duration::from_secs(900)),
        you_sign: "carol@example.org  SHA256:p0xk3v… (ed25519, agent)".to_owned(),
        eligible: Ok(()),
        asked_by_me: false,
        others: vec![("dan".to_owned(), who("dan"))],
        passed: Vec::new(),
        has_dry_run: true,
        dry_run: Some(Rehearsal {
            at: at("13:58:02"),
            by: "bob".to_owned(),
            ended: "exit 0".to_owned(),
            good: true,
            same: true,
        }),
        brief: brief(),
    }
}

/// Everything was found.
pub fn brief() -> Brief {
    let value = |text: &str| Some(text.to_owned());
    Brief {
        changed: Some(Ok(LastChange {
            author: "erin".to_owned(),
            date: at("09:00:00"),
            commit: "3f9c2e1".to_owned(),
            signed: true,
        })),
        output: Some(Ok(Arc::new(
            [
                "LastUsed 2026-11-23T13:12Z",
                "region eu-west-1 \u{1b}[31msts\u{1b}[0m \u{202e}",
                "user svc-billing",
                "key AKIAIOSFODNN7EXAMPLE",
                "status Active",
            ]
            .map(str::to_owned)
            .to_vec(),
        ))),
        earlier: Some(Ok(Earlier {
            at: at("08:15:00"),
            by: vec!["dan".to_owned()],
            incident: "INC-0017".to_owned(),
            lines: vec![Line::Value(
                "account".to_owned(),
                value("staging"),
                value("prod"),
            )],
        })),
    }
}

pub fn entries(count: usize) -> Vec<Entry> {
    let known = [
        (
            "leaked-cloud-key",
            "Leaked cloud access key",
            Severity::Sev2,
            "platform-security",
            53,
            false,
            Some(0),
        ),
        (
            "cloud-trail-stopped",
            "Cloud trail stopped",
            Severity::Sev2,
            "platform-security",
            140,
            true,
            None,
        ),
        (
            "customer-data-leak",
            "Customer data leak: first hour",
            Severity::Sev1,
            "privacy",
            12,
            false,
            Some(0),
        ),
        (
            "disk-full",
            "Disk filling on a database host 日本語",
            Severity::Sev3,
            "storage",
            3,
            false,
            Some(2),
        ),
    ];
    (0..count)
        .map(|at| {
            let (id, title, severity, owner, days, stale, problems) = known[at % known.len()];
            let more = if at < known.len() {
                String::new()
            } else {
                format!(" {at}")
            };
            Entry {
                id: format!("{id}{}", more.replace(' ', "-")),
                title: format!("{title}{more}"),
                severity: Some(severity),
                owner: owner.to_owned(),
                services: vec!["iam".to_owned()],
                tags: vec!["credentials".to_owned()],
                reviewed_days: Some(days),
                stale,
                steps: Some(12),
                problems,
            }
        })
        .collect()
}

pub fn open(gate: Gate) -> Open {
    let facts = StepFacts {
        gate,
        record: Some(Arc::new(record("revoke"))),
        may_override: true,
        ..StepFacts::default()
    };
    Open {
        id: incident_id(),
        short: "INC-0042".to_owned(),
        state: Arc::new(state(Mode::Live)),
        events: Arc::new(events().into_iter().map(Arc::new).collect()),
        refolded: 0,
        tails: BTreeMap::new(),
        read_only: None,
        undelivered: 0,
        promised: Vec::new(),
        steps: BTreeMap::from([(key("revoke"), Arc::new(facts))]),
        approval: None,
        clocks: Arc::default(),
        script: None,
    }
}

pub fn me(name: &str, role: &str) -> Me {
    Me {
        principal: who(name),
        name: name.to_owned(),
        signed: true,
        key: "SHA256:p0xk3v (ed25519, agent)".to_owned(),
        roles: vec![Role::from(role)],
    }
}

/// Home of carol: one incident waits for her approval.
pub fn world() -> World {
    World {
        now: at("14:02:11"),
        real: at("14:02:11").to_utc(),
        me: me("carol", "approver"),
        library: Some(Library {
            source: "platform/runbooks".to_owned(),
            commit: "3f9c2e1".to_owned(),
            author: "erin".to_owned(),
            date: at("09:00:00"),
            branch: Some("main".to_owned()),
            fetched: Some(at("13:54:00")),
        }),
        entries: Arc::new(entries(4)),
        scenarios: Arc::default(),
        scenario: None,
        incidents: Arc::new(vec![
            IncidentRow {
                id: incident_id(),
                short: "INC-0042".to_owned(),
                severity: Severity::Sev1,
                title: "Leaked cloud access key".to_owned(),
                position: "step 4/12".to_owned(),
                started: at("13:21:04"),
                waits: vec![Waiting {
                    what: Waits::Approval(key("revoke"), Purpose::Run),
                    by: "bob".to_owned(),
                    since: at("14:00:52"),
                    passed_by: None,
                    event: Some(Digest::of(b"request event")),
                }],
                exercise: false,
                overridden: false,
            },
            IncidentRow {
                id: IncidentId::new("01JDC0W4Q0ABCDEFGHJKMN0041").unwrap(),
                short: "INC-0041".to_owned(),
                severity: Severity::Sev3,
                title: "Disk filling on db-7".to_owned(),
                position: "step 4/9".to_owned(),
                started: at("11:52:00"),
                waits: Vec::new(),
                exercise: false,
                overridden: true,
            },
        ]),
        open: None,
        preview: None,
        log: None,
        suggested: None,
        sync: Sync::Synced(at("14:02:08")),
        chair: None,
        tasks: Vec::new(),
        notices: Vec::new(),
    }
}

/// The incident open, for bob who walks it.
pub fn walking(gate: Gate) -> World {
    let mut incidents = (*world().incidents).clone();
    for row in &mut incidents {
        row.waits.clear();
    }
    World {
        me: me("bob", "operator"),
        open: Some(open(gate)),
        incidents: Arc::new(incidents),
        ..world()
    }
}

/// A second thing that waits, in another incident: a review.
pub fn two_wait(mut world: World) -> World {
    let mut incidents = (*world.incidents).clone();
    incidents[1].waits.push(Waiting {
        what: Waits::Review(Digest::of(b"drop"), StepId::from("drop")),
        by: "alice".to_owned(),
        since: at("13:50:00"),
        passed_by: None,
        event: Some(Digest::of(b"drop")),
    });
    world.incidents = Arc::new(incidents);
    world
}

/// Somebody went through the gate of `revoke` without approvals, and nobody has reviewed it.
pub fn overridden(mut world: World, by: &str) -> World {
    let signed = Signed {
        statement: String::new(),
        signature: String::new(),
    };
    let fact = CheckpointOverridden {
        record: record("revoke"),
        signed,
    };
    let event = event(7, at("14:01:30"), by, fact);
    let open = world.open.as_mut().unwrap();
    let mut state = (*open.state).clone();
    let over = Overridden {
        event: event.id,
        step: step_ref("revoke"),
        by: who(by),
        person: by.to_owned(),
        reason: "nobody answers and the key is in use".to_owned(),
        at: at("14:01:30"),
        until: at("14:31:30").to_utc(),
        record: Arc::new(record("revoke")),
        checkpoint: Checkpoint::nothing(),
        review_due: None,
        used: false,
        review: None,
    };
    state.overrides.insert(event.id, Arc::new(over));
    open.state = Arc::new(state);
    let mut events = (*open.events).clone();
    events.push(Arc::new(event));
    open.events = Arc::new(events);
    world
}

/// The world with the run changed.
pub fn with_run(mut world: World, change: impl FnOnce(&mut Run)) -> World {
    let open = world.open.as_mut().unwrap();
    let mut state = (*open.state).clone();
    let mut run = (*state.runs[0]).clone();
    change(&mut run);
    state.runs[0] = Arc::new(run);
    open.state = Arc::new(state);
    world
}

pub fn preview() -> Preview {
    Preview {
        id: "leaked-cloud-key".to_owned(),
        book: Some(Arc::new(book())),
        gates: BTreeMap::from([(
            StepId::from("revoke"),
            GatePreview {
                asks: "1 approver, not the performer, not the author".to_owned(),
                who: vec!["carol".to_owned(), "dan".to_owned()],
            },
        )]),
        problems: Vec::new(),
        history: vec![
            Change {
                commit: "3f9c2e1".to_owned(),
                author: "erin".to_owned(),
                date: at("09:00:00"),
                subject: "Tell billing first".to_owned(),
            },
            Change {
                commit: "b1946ac".to_owned(),
                author: "alice".to_owned(),
                date: at("08:00:00"),
                subject: "Add the runbook".to_owned(),
            },
        ],
        diff: None,
    }
}

/// Output of a running command.
pub fn tail(lines: &[&str]) -> Tail {
    Tail {
        bytes: lines.iter().map(|line| line.len() as u64 + 1).sum(),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    }
}

/// A record of so many events.
pub fn many_events(count: u64) -> Vec<Arc<Event>> {
    (0..count)
        .map(|number| {
            let time = at("00:00:00") + Duration::milliseconds(number as i64 * 700);
            let name = if number % 3 == 0 { "alice" } else { "bob" };
            Arc::new(event(
                number,
                time,
                name,
                note(&format!("entry {number} of a long night")),
            ))
        })
        .collect()
}

#[allow(dead_code)]
pub fn last(world: &World) -> EventId {
    world.open.as_ref().unwrap().events.last().unwrap().id
}

/// Two steps ran that have a way back: `confirm` first, then `key-age`, in front of which stands this gate.
pub fn undoing(gate: Gate) -> World {
    let mut world = with_run(walking(Gate::Free), |run| {
        let mut book = (*run.book).clone();
        book.steps[0].exec.rollback = Some("echo put it back".to_owned());
        book.steps[1].exec.rollback = Some("aws iam restore-key --id \"$key_id\"".to_owned());
        run.book = Arc::new(book);
    });
    let facts = StepFacts {
        roll_back: gate,
        may_override: true,
        ..StepFacts::default()
    };
    let open = world.open.as_mut().unwrap();
    open.steps.insert(key("key-age"), Arc::new(facts));
    world
}

/// Alice proposes this policy.
pub fn proposed(world: &mut World, policy_yaml: &str) {
    let open = world.open.as_mut().unwrap();
    let mut state = (*open.state).clone();
    let mut incident = (**state.incident.as_ref().unwrap()).clone();
    incident.policy_yaml = "people:\n  carol: {roles: [approver]}\n".to_owned();
    state.incident = Some(Arc::new(incident));
    state.proposal = Some(Arc::new(Proposal {
        event: Digest::of(b"proposal"),
        policy: PinnedPolicy {
            commit: "b1946ac".repeat(5),
            sha256: Digest::of(b"policy"),
        },
        policy_yaml: policy_yaml.to_owned(),
        allowed_signers: String::new(),
        by: BTreeMap::from([("alice".to_owned(), who("alice"))]),
    }));
    open.state = Arc::new(state);
}

/// Somebody attached a file.
pub fn captured(world: &mut World, name: &str) -> Digest {
    let evidence = Evidence {
        sha256: Digest::of(name.as_bytes()),
        size: 4_096,
        name: name.to_owned(),
        source: format!("/tmp/{name}"),
        host: "bastion-2".to_owned(),
        range: None,
        original_sha256: None,
        redacted: 0,
        dropped: 0,
        collected_at: at("14:01:00").to_utc(),
        pull: None,
    };
    let digest = evidence.sha256;
    let open = world.open.as_mut().unwrap();
    let mut events = (*open.events).clone();
    let fact = EvidenceCaptured {
        evidence,
        step: None,
    };
    events.push(Arc::new(event(8, at("14:01:00"), "bob", fact)));
    open.events = Arc::new(events);
    digest
}

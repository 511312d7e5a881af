//! The numbered cases against a checkpoint, through the command line: the real program, people with real keys, and what
//! a program that somebody changed would write. The rest of them stand in `checkpoints.rs`, `elsewhere.rs`, `gate/`,
//! `gates.rs`, `walk.rs` and `terminal/answers.rs`; `architecture.rs` holds that none is missing at either end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

#[path = "support/hardware.rs"]
mod hardware;
mod support;
#[path = "support/team.rs"]
mod team;

#[path = "cases/files.rs"]
mod files;
#[path = "cases/people.rs"]
mod people;
#[path = "cases/words.rs"]
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{SubsecRound as _, TimeDelta};
use runsheet::engine::Refusal;
use runsheet::engine::checkpoint::judge;
use runsheet::engine::event::{Draft, Fidelity};
use runsheet::engine::fact::{CheckpointApproved, Fact, Signed};
use runsheet::engine::state::{Request, State};
use runsheet::host::clock::{Clock as _, SystemClock};
use runsheet::trust::{Decision, Mode, Principal, Statement};
use team::{Person, Team, plain};

const NAMESPACE: &str = "approval.v1@runsheet";

/// What can be dropped, and dropped again.
const BOOK: &str = "\
id: a
title: A
inputs:
  place: {}
steps:
  - id: drop
    title: Drop it
    run: 'echo dropped >> \"$place/dropped.txt\"; exit 1'
    risk: destructive
  - id: other
    title: Drop the other
    run: 'echo dropped >> \"$place/dropped.txt\"; exit 1'
    risk: destructive
  - id: last
    title: Last
";

/// What people may do, by name: principals and roles.
const PEOPLE: [(&str, &str, &str); 4] = [
    ("lee", "lee", "scribe"),
    ("robin", "robin", "operator, commander"),
    ("sasha", "sasha", "approver"),
    ("kim", "kim kim2", "operator, approver"),
];

/// A team with a hub, in which kim operates and approves and has two names; policy has this rule for what destroys.
struct Site {
    team: Team,
}

impl Site {
    fn new() -> Self {
        Self::with(
            BOOK,
            "approvals: 1, role: approver, not: [performer], expires: 15m",
        )
    }

    fn with(book: &str, rule: &str) -> Self {
        let team = Team::new(&[("a", book)])
            .with_person("kim", &["operator"], &[])
            .with_person("kim2", &["operator"], &[])
            .with_hub();
        let site = Self { team };
        site.commit("policy.yaml", &policy(rule), "Rules");
        site
    }

    fn library(&self) -> PathBuf {
        self.team.dir.path().join("library")
    }

    fn commit(&self, path: &str, text: &str, subject: &str) {
        support::commit(&self.library(), path, text, subject);
    }

    /// One more line in the file of who signs.
    fn more_signers(&self, line: &str) {
        let lines = fs::read_to_string(self.library().join("allowed_signers")).unwrap();
        self.commit("allowed_signers", &format!("{lines}{line}\n"), "More keys");
    }

    /// The public key of this file, as `allowed_signers` has it.
    fn public_key(&self, file: &str) -> String {
        let lines = fs::read_to_string(self.library().join("allowed_signers")).unwrap();
        let of = |line: &&str| line.starts_with(&format!("{file}@"));
        let line = lines.lines().find(of).unwrap();
        let mut words = line.split(' ').skip(1);
        format!("{} {}", words.next().unwrap(), words.next().unwrap())
    }

    fn dropped(&self) -> usize {
        let path = self.team.place().join("dropped.txt");
        fs::read_to_string(path).unwrap_or_default().lines().count()
    }

    /// This person has started an incident and asked for `drop`.
    fn asked(&self, who: &'static str) -> (Person, String) {
        let person = self.team.person(who);
        let inc = person.start("a");
        person.ok(&["request", &inc, "drop"]);
        (person, inc)
    }

    /// The statement that somebody would sign elsewhere, as a file of theirs.
    fn statement(&self, by: &Person, inc: &str, signer: &str) -> PathBuf {
        let desk = self.team.dir.path().join("desk");
        fs::create_dir_all(&desk).unwrap();
        let desk = desk.to_str().unwrap();
        let args = [
            "--json",
            "statement",
            inc,
            "drop",
            "--for",
            signer,
            "-o",
            desk,
        ];
        let said: serde_json::Value = serde_json::from_str(&by.ok(&args)).unwrap();
        said["statement_file"].as_str().unwrap().into()
    }

    /// Its signature by stock `ssh-keygen` with this key, beside it.
    fn sign(&self, key: &str, statement: &Path) -> PathBuf {
        let signature = PathBuf::from(format!("{}.sig", statement.display()));
        let _ = fs::remove_file(&signature);
        let done = plain("ssh-keygen", self.team.dir.path())
            .args(["-Y", "sign", "-n", NAMESPACE, "-f"])
            .arg(self.team.dir.path().join(key))
            .arg(statement)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        signature
    }

    /// The armored signature of these bytes.
    fn signature(&self, key: &str, statement: &str) -> String {
        let file = self.team.dir.path().join("to be signed");
        fs::write(&file, statement).unwrap();
        fs::read_to_string(self.sign(key, &file)).unwrap()
    }

    /// The approval that a changed program of this person would record, eligible or not.
    fn approval(
        &self,
        by: &Person,
        inc: &str,
        key: &str,
        change: impl FnOnce(&mut Statement),
    ) -> CheckpointApproved {
        by.ok(&["sync", inc]);
        let journal = by.journal(inc);
        let state = journal.state();
        let request = request(state);
        let incident = state.incident.as_ref().unwrap();
        let mut statement =
            judge::template(incident, &request.record, &request.by, Decision::Approve);
        let (frontier, now) = (state.heads(), SystemClock.now().to_utc().trunc_subsecs(0));
        statement.frontier = Some(judge::list_digest("heads", &frontier));
        statement.approver = Some(principal(by.id));
        statement.role = Some("approver".into());
        statement.not_before = Some(now);
        statement.not_after = Some(now + TimeDelta::minutes(15));
        statement.nonce.0 = *b"made up for this";
        change(&mut statement);
        let statement = statement.to_text().unwrap();
        CheckpointApproved {
            step: request.record.step.clone(),
            frontier,
            signed: Signed {
                signature: self.signature(key, &statement),
                statement,
            },
        }
    }
}

fn policy(rule: &str) -> String {
    let people: String = PEOPLE
        .iter()
        .map(|(id, principals, roles)| {
            let principals: Vec<_> = principals
                .split(' ')
                .map(|name| format!("{name}@example.org"))
                .collect();
            format!(
                "  {id}: {{name: {id}, principals: [{}], roles: [{roles}]}}\n",
                principals.join(", ")
            )
        })
        .collect();
    format!(
        "people:\n{people}checkpoints:\n  - {{when: \"risk == 'destructive'\", {rule}}}\n\
         override: {{roles: [commander], expires: 30m}}\n"
    )
}

fn principal(id: &str) -> Principal {
    Principal::try_from(format!("{id}@example.org")).unwrap()
}

/// What is asked about `drop`.
fn request(state: &State) -> Request {
    let step = state.runs[0].state(&"drop".into()).unwrap();
    step.request.as_deref().unwrap().clone()
}

/// Puts an event into the journal of this person that no `decide` let through, as a changed program would, with its
/// clock so far ahead; and shares it.
fn forge(by: &Person, inc: &str, fact: impl Into<Fact>, ahead: TimeDelta) {
    by.ok(&["sync", inc]);
    let mut journal = by.journal(inc);
    let now = SystemClock.now() + ahead;
    let boot = SystemClock.boot();
    let draft = Draft {
        occurred_at: now,
        occurred_until: None,
        fidelity: Fidelity::Exact,
        recorded_at: now.to_utc(),
        person: principal(by.id),
        signed: true,
        role: None,
        account: by.id.to_owned(),
        host: "elsewhere".to_owned(),
        boot: runsheet::engine::at::BootStamp {
            id: boot.id.into(),
            millis: boot.millis,
        },
        mode: Mode::Live,
        sim_time: None,
        fact: fact.into(),
    };
    journal.writer(&principal(by.id)).unwrap();
    let done = journal.transact(|_| Ok::<_, Refusal>((vec![draft], ())));
    assert!(done.is_ok());
    drop(journal);
    by.ok(&["sync", inc]);
}

/// The gate in front of `drop` is shut for this person, whose record shows the forgery to whoever looks.
fn comes_to_nothing(site: &Site, person: &Person, inc: &str) {
    let before = site.dropped();
    person.fails(1, &["step", inc, "drop", "run"]);
    assert_eq!(site.dropped(), before);
    let said = person.fails(1, &["verify", inc]);
    assert!(said.contains("violation"), "{said}");
}

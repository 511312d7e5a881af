//! Attempts to cross between an exercise and a live incident of the same runbook, through the real program: nothing that was
//! practised opens, holds, runs or sends anything real, and the other way round.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

#[path = "support/team.rs"]
mod team;

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use team::{Person, Team, plain};

const BOOK: &str = "\
id: a
title: A thing broke
severity: sev2
summary: Something to drop.
owner: shared
inputs: {place: {default: here}}
logs: {app: {run: 'touch \"$HOME/pulled\"; echo a real line'}}
steps:
  - id: drop
    run: touch \"$HOME/dropped\"
    risk: destructive
    checkpoint: {approvals: 1, role: approver, not: [performer], expires: 15m}
  - {id: only, run: echo once, exclusive: true}
  - {id: tell, notify: {audience: customers, state: identified, message: 'We look at it.'}}
";

const SCENARIO: &str = "\
kind: scenario
id: practice
title: Practice
form: drill
briefing: You are on call.
runbook: a
severity: sev2
clock: {scale: 60, length: 600m}
code_word: STOP
objectives: [{id: act, title: Act, capability: Response}]
expectations: [{id: drop, action: Drop it, by: 10m, proof: [{done: drop}], weight: 1, critical: true, objective: act}]
injects: [{id: page, title: Page, at: 0m, means: alert, from: monitoring, message: it broke}]
answers:
  - {step: drop, exit: 0, output: dropped for practice}
  - {step: only, exit: 0, output: once}
";

/// A live incident and an exercise of the same runbook over one hub.
struct Both {
    team: Team,
    live: String,
    drill: String,
}

fn both() -> Both {
    let team = Team::new(&[("a", BOOK)]).with_hub();
    let library = team.dir.path().join("library");
    let mut policy = fs::read_to_string(library.join("policy.yaml")).unwrap();
    policy.push_str(
        "channels:\n  status: {webhook: {url: 'env:HOOK', shape: generic}}\n\
         audiences:\n  customers: {tlp: clear, channels: [status]}\n",
    );
    fs::write(library.join("policy.yaml"), policy).unwrap();
    let done = plain("git", team.dir.path())
        .current_dir(&library)
        .args(["-c", "user.name=lee", "-c", "user.email=lee@example.org"])
        .args(["commit", "-qam", "Add a channel"])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let script = team.dir.path().join("practice.yaml");
    fs::write(&script, SCENARIO).unwrap();
    let robin = team.person("robin");
    let live = robin.start("a");
    let out = robin.ok(&["exercise", "start", script.to_str().unwrap()]);
    let drill = out.lines().last().unwrap().trim().to_owned();
    Both { team, live, drill }
}

impl Both {
    fn robin(&self) -> Person {
        self.team.person("robin")
    }

    fn sasha(&self) -> Person {
        self.team.person("sasha")
    }

    /// What a script of the runbook would have left behind.
    fn left(&self, name: &str) -> bool {
        self.team.dir.path().join("home").join(name).exists()
    }
}

#[test]
fn an_approval_of_an_exercise_opens_nothing_live_and_the_other_way_round() {
    let both = both();
    let (robin, sasha) = (both.robin(), both.sasha());
    for inc in [&both.live, &both.drill] {
        robin.ok(&["request", inc, "drop"]);
    }
    sasha.ok(&["approve", &both.drill, "drop"]);
    let said = robin.fails(1, &["step", &both.live, "drop", "run"]);
    assert!(said.contains("0 of 1"), "{said}");
    assert!(!both.left("dropped"));
    // And what was practised is practised.
    robin.ok(&["step", &both.drill, "drop", "run"]);
    assert!(!both.left("dropped"));
    sasha.ok(&["approve", &both.live, "drop"]);
    robin.ok(&["step", &both.live, "drop", "run"]);
    assert!(both.left("dropped"));
    robin.ok(&["verify", &both.live]);
    robin.ok(&["verify", &both.drill]);
}

#[test]
fn a_statement_signed_for_one_is_not_taken_in_the_other() {
    let both = both();
    let (robin, dir) = (both.robin(), both.team.dir.path());
    for (name, inc, other) in [
        ("practised", &both.drill, &both.live),
        ("real", &both.live, &both.drill),
    ] {
        robin.ok(&["request", inc, "drop"]);
        let place = dir.join(name);
        fs::create_dir(&place).unwrap();
        let mut command = robin.command(&["statement", inc, "drop", "--for", "sasha@example.org"]);
        let out = command.current_dir(&place).output().unwrap();
        assert!(out.status.success(), "{out:?}");
        let statement = team::files_below(&place)
            .into_iter()
            .find(|path| {
                let text = fs::read_to_string(path).unwrap_or_default();
                text.starts_with("runsheet-approval v1\n")
            })
            .unwrap();
        // Signed in both namespaces: neither opens the other.
        for namespace in ["approval.v1@runsheet", "exercise-approval.v1@runsheet"] {
            let signature = statement.with_extension("sig");
            let _ = fs::remove_file(&signature);
            let signed = plain("ssh-keygen", dir)
                .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
                .arg(dir.join("sasha"))
                .arg(&statement)
                .output()
                .unwrap();
            assert!(signed.status.success(), "{signed:?}");
            let made = format!("{}.sig", statement.display());
            fs::rename(made, &signature).unwrap();
            robin.fails(
                1,
                &[
                    "approve",
                    other,
                    "drop",
                    "--statement",
                    statement.to_str().unwrap(),
                    "--signature",
                    signature.to_str().unwrap(),
                ],
            );
        }
        robin.fails(1, &["step", other, "drop", "run"]);
    }
    assert!(!both.left("dropped"));
}

#[test]
fn a_claim_in_an_exercise_holds_no_live_step() {
    let both = both();
    let (robin, sasha) = (both.robin(), both.sasha());
    for inc in [&both.live, &both.drill] {
        robin.ok(&["step", inc, "drop", "skip", "--reason", "not today"]);
    }
    sasha.ok(&["step", &both.drill, "only", "claim"]);
    robin.ok(&["step", &both.live, "only", "run"]);
    // In the exercise it is held, as it would be.
    let said = robin.fails(1, &["step", &both.drill, "only", "run"]);
    assert!(said.contains("claimed"), "{said}");
}

#[test]
fn no_gate_opens_by_an_exercise_and_nothing_runs_through_one() {
    let both = both();
    let (robin, sasha) = (both.robin(), both.sasha());
    robin.ok(&["request", &both.drill, "drop"]);
    sasha.ok(&["approve", &both.drill, "drop"]);
    for more in [&[][..], &["--run"], &["--", "touch", "dropped"]] {
        let mut words = vec!["gate", both.drill.as_str(), "drop"];
        words.extend(more);
        let said = robin.fails(1, &words);
        assert!(said.contains("this is an exercise"), "{said}");
    }
    assert!(!both.left("dropped"));
    let said = robin.fails(1, &["collect", &both.drill, "app"]);
    assert!(said.contains("this is an exercise"), "{said}");
    assert!(!both.left("pulled"));
}

#[test]
fn no_update_of_an_exercise_leaves() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            count.fetch_add(1, Ordering::SeqCst);
            let _ = std::io::Write::write_all(
                &mut stream,
                b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            );
        }
    });
    let mut both = both();
    both.team
        .env
        .push(("HOOK".to_owned(), format!("http://{address}/hook")));
    let robin = both.robin();
    robin.ok(&[
        "update",
        &both.drill,
        "--audience",
        "customers",
        "--state",
        "identified",
        "practice",
    ]);
    robin.ok(&["outbox", &both.drill, "--retry"]);
    for step in ["drop", "only"] {
        robin.ok(&["step", &both.drill, step, "skip", "--reason", "practice"]);
    }
    robin.ok(&["step", &both.drill, "tell", "run"]);
    robin.ok(&["outbox", "--retry"]);
    assert_eq!(
        calls.load(Ordering::SeqCst),
        0,
        "an exercise sent something"
    );
    robin.ok(&[
        "update",
        &both.live,
        "--audience",
        "customers",
        "--state",
        "identified",
        "real",
    ]);
    assert_eq!(calls.load(Ordering::SeqCst), 1, "the live one is sent");
}

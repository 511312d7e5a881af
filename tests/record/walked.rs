//! A small incident whose runbook can be read, folded by the engine itself: what was skipped, overran, failed, and was
//! done another way than the runbook says.

use std::collections::BTreeMap;

use chrono::DateTime;
use runsheet::engine::checkpoint::judge::policy_digest;
use runsheet::engine::checkpoint::record::{Site, find, make};
use runsheet::engine::command::StepKey;
use runsheet::engine::details::FollowupKind;
use runsheet::engine::exec::{PinnedPolicy, Purpose};
use runsheet::engine::fact::*;
use runsheet::engine::ids::{RunId, StepRef};
use runsheet::engine::{State, apply};
use runsheet::evidence::Digest;
use runsheet::runbook::model::{RunbookId, Severity, StepId};
use runsheet::timeline::{Options, Timeline, project};
use runsheet::trust::Mode;

use super::events::{COMMIT, Tape, record};

pub const BOOK: &str = "\
# Kept by the database team.
id: drop-it
title: Drop the broken replica
steps:
  - id: look
    title: Look at it
    phase: identification
    instructions: |
      Compare the lag.

      Then compare the checksums.
  # Only with a second pair of eyes.
  - id: drop
    title: Drop it
    phase: containment
    run: echo dropped
    timeout: 1m
    due: {clock: detected, within: 15m}   # agreed with support
  - {id: forensics, title: Keep an image, phase: containment}
  - {id: tell, notify: {audience: customers, state: resolved, message: 'It is gone.'}, every: 30m}
";

pub fn step(id: &str, attempt: u32) -> StepRef {
    StepRef {
        run: RunId::new("drop-it").unwrap(),
        step: StepId::from(id),
        attempt,
    }
}

pub fn walked(mode: Mode) -> Tape {
    let mut tape = Tape::new(mode);
    let started = IncidentStarted {
        title: "The replica answers with old data".to_owned(),
        severity: Severity::Sev3,
        reference: None,
        alert: None,
        library: LibraryPin {
            source: "/srv/runbooks".to_owned(),
            commit: COMMIT.to_owned(),
            branch: Some("main".to_owned()),
            author: "Erin Evans <erin@example.org>".to_owned(),
            date: DateTime::parse_from_rfc3339("2026-11-02T09:15:00+01:00").unwrap(),
            subject: "Drop replicas".to_owned(),
        },
        policy: PinnedPolicy {
            commit: COMMIT.to_owned(),
            sha256: policy_digest("people: {}\n", ""),
        },
        policy_yaml: "people: {}\n".to_owned(),
        allowed_signers: String::new(),
    };
    tape.add("bob", 0, started);
    let run = RunStarted {
        run: RunId::new("drop-it").unwrap(),
        runbook: PinnedRunbook {
            id: RunbookId::from("drop-it"),
            commit: COMMIT.to_owned(),
            path: "runbooks/drop-it.yaml".to_owned(),
            sha256: Digest::of(BOOK.as_bytes()),
            text: BOOK.to_owned(),
            authors: BTreeMap::new(),
        },
        uses: Vec::new(),
        inputs: BTreeMap::new(),
        secrets: Vec::new(),
        parent: None,
    };
    tape.add("bob", 0, run);
    let milestone = Milestone::Detected;
    tape.add("bob", 0, MilestoneReached { milestone });
    let done = StepDone {
        step: step("look", 1),
        checklist: Vec::new(),
        by_hand: None,
        note: Some("the checksums differ, alice should have known that".to_owned()),
        out_of_order: false,
    };
    tape.add("bob", 60, done);
    walk_on(&mut tape);
    tape
}

fn walk_on(tape: &mut Tape) {
    for (attempt, outcome, exit) in [(1, Outcome::Failed, 1), (2, Outcome::Succeeded, 0)] {
        let made = record(step("drop", attempt), "bob", Purpose::Run);
        let state = folded(tape);
        let key = StepKey {
            run: step("drop", attempt).run,
            step: StepId::from("drop"),
        };
        let site = Site {
            cwd: made.exec.cwd,
            host: made.exec.host,
            run_as: made.exec.run_as,
            executor: made.executor,
            files: BTreeMap::new(),
        };
        let found = find(&state, &key).unwrap();
        let record = make(found, Purpose::Run, &BTreeMap::new(), &site, tape.now()).unwrap();
        let out_of_order = false;
        tape.add(
            "bob",
            700,
            StepStarted {
                record,
                out_of_order,
            },
        );
        let finished = tape.finished(step("drop", attempt), 50, outcome, exit);
        tape.add("bob", 50, finished);
    }
    let skipped = StepSkipped {
        step: step("forensics", 1),
        reason: "no space for an image --\u{7}\n+ anywhere".to_owned(),
        automatic: false,
    };
    let skipped = tape.add("bob", 30, skipped);
    let told = StepDone {
        step: step("tell", 1),
        checklist: Vec::new(),
        by_hand: Some("notify".to_owned()),
        note: None,
        out_of_order: false,
    };
    tape.add("bob", 10, told);
    tape.add(
        "alice",
        20,
        FollowupOpened {
            text: "Say where images are kept".to_owned(),
            kind: FollowupKind::RunbookChange,
            owner: None,
            due: None,
            about: Some(skipped),
        },
    );
}

/// What the engine makes of it.
pub fn folded(tape: &Tape) -> State {
    tape.events
        .iter()
        .fold(State::default(), |state, event| apply(state, event))
}

pub fn timeline_of(tape: &Tape) -> Timeline {
    project(&folded(tape), &tape.events, Options::default())
}

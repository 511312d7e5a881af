//! The morning: a key in a public fork, a night of somebody else's calls, and how the key was switched off.

use std::collections::BTreeMap;

use runsheet::engine::Intent;
use runsheet::engine::command::{Command, Ran};
use runsheet::engine::details::Relation;
use runsheet::engine::event::Fidelity;
use runsheet::engine::exec::Purpose;
use runsheet::engine::fact::{
    CitedLine, EntryDescribed, EntryLinked, Milestone, Outcome, UpdateUndelivered,
};
use runsheet::engine::ids::EventId;
use runsheet::engine::telling::Telling;
use runsheet::evidence::Digest;
use runsheet::outbox::key;
use runsheet::runbook::model::{LineClass, Role, Severity};
use runsheet::timeline::import;

use super::{Stage, about};
use crate::world::principal;

/// Where the attacker came from.
const ADDRESS: &str = "203.0.113.9";
/// The trail of the key as it was pulled.
const TRAIL: &str = include_str!("trail.jsonl");
/// Which of its lines became entries, and how they are told.
const NOTED: [(usize, &str); 2] = [
    (0, "somebody asks who the key belongs to, from 203.0.113.9"),
    (4, "user svc-backup is made with the key"),
];
/// What was said in the channel before anybody opened an incident.
const CHAT: &str = include_str!("chat.json");

/// 08:31 to 08:55: an alert, an incident, what was said before.
pub(super) fn found(stage: &mut Stage) -> EventId {
    stage.at("08:38:04");
    let inputs = [
        ("key_id", "AKIAIOSFODNN7EXAMPLE"),
        ("account", "prod"),
        ("exposed_at", "2026-11-23T16:40:00Z"),
    ];
    stage.start("bob", "Leaked AWS key of the deploy user", &inputs);
    let opening = stage.world.events[0].id;
    stage.at("08:38:30");
    stage.milestone(
        "bob",
        Milestone::Detected,
        Some(("2026-11-24T08:31:00Z", Fidelity::Minute)),
    );
    stage.at("08:38:41");
    stage.milestone(
        "bob",
        Milestone::Acknowledged,
        Some(("2026-11-24T08:36:00Z", Fidelity::Minute)),
    );
    stage.at("08:40:02");
    for (who, role) in [
        ("alice", "commander"),
        ("bob", "operator"),
        ("carol", "approver"),
        ("dan", "approver"),
        ("erin", "liaison"),
    ] {
        let (who, role) = (principal(who), Role::from(role));
        stage.command("alice", Command::AssignRole { who, role });
    }
    stage.at("08:41:15");
    chat(stage);
    stage.at("08:44:52");
    stage.done(
        "bob",
        "confirm",
        Some("seen in the public fork `acme-tools`, file `.env.ci`"),
    );
    stage.at("08:46:20");
    let started = ("2026-11-23T17:42:00+01:00", Fidelity::Estimated);
    stage.milestone("bob", Milestone::Started, Some(started));
    stage.at("08:47:03");
    stage.command("alice", Command::SetSeverity(Severity::Sev1));
    stage.milestone("alice", Milestone::Declared, None);
    stage.at("08:49:30");
    let shot = stage.artifact(
        "fork.png",
        "/home/bob/fork.png",
        "the picture of the fork",
        None,
    );
    let step = Some(stage.world.key("confirm"));
    stage.command(
        "bob",
        Command::Attach {
            evidence: shot,
            step,
        },
    );
    opening
}

/// Three messages of the channel, by the importer.
fn chat(stage: &mut Stage) {
    let people = BTreeMap::from([
        ("U01CAROL".to_owned(), "Carol Chu".to_owned()),
        ("U01BOB".to_owned(), "Bob Baker".to_owned()),
    ]);
    let source = import::Source {
        name: "platform-oncall/2026-11-24.json",
        bytes: CHAT.as_bytes(),
        people: &people,
    };
    let read = import::read(import::Format::Slack, source).unwrap();
    let plan = import::plan(read, source, &stage.events());
    assert_eq!((plan.told.len(), plan.skipped.len()), (3, 1));
    stage.command("bob", Command::Tell(plan.told));
}

/// 08:50 to 09:20: whose key it is, what it did, who is told.
pub(super) fn looked_into(stage: &mut Stage) -> EventId {
    stage.at("08:51:10");
    stage.run("bob", "key-owner");
    let owner = r#"{"UserName": "deploy", "AccessKeyLastUsed": {"LastUsedDate": "2026-11-24T08:22:00Z", "ServiceName": "s3", "Region": "eu-central-1"}}"#;
    stage.ends("bob", "key-owner", 3, 0, owner);
    stage.at("08:52:00");
    stage.run("bob", "calls");
    stage.ended("bob", "calls", 600, Ran::TimedOut, "", Vec::new());
    let resolve = Command::Resolve {
        step: stage.world.key("calls"),
        outcome: Outcome::Succeeded,
        reason: Some("read in the console instead: 412 calls, all from one address".to_owned()),
    };
    stage.at("09:03:40");
    stage.command("bob", resolve);

    stage.at("09:05:12");
    let first = stage.entry(
        "bob",
        "First call with the key that is not ours: GetCallerIdentity from 203.0.113.90",
        Some("2026-11-24T02:12:00+01:00"),
        None,
        Fidelity::Minute,
        about(&[
            ("class", "adversary"),
            ("confidence", "high"),
            ("source", "CloudTrail"),
            ("tactic", "TA0001"),
            ("technique", "T1078.004"),
            ("asset", "iam/deploy"),
            ("tag", "entry"),
        ]),
    );
    stage.at("09:06:30");
    stage.command(
        "bob",
        Command::Correct {
            event: first,
            text: "First call with the key that is not ours: GetCallerIdentity from 203.0.113.9"
                .to_owned(),
            reason: "a digit too many".to_owned(),
        },
    );
    let seen = EntryDescribed {
        entry: first,
        details: about(&[("indicator", ADDRESS)]),
    };
    stage.tell("bob", Telling::Described(seen), None);
    stage.at("09:08:00");
    stage.entry(
        "bob",
        "Objects of the bucket acme-prod-exports are listed and read with the key",
        Some("2026-11-24T01:15:00Z"),
        Some("2026-11-24T01:48:00Z"),
        Fidelity::Estimated,
        about(&[
            ("class", "adversary"),
            ("tlp", "amber+strict"),
            ("for", "responders"),
            ("for", "regulator"),
            ("confidence", "medium"),
            ("source", "S3 access log"),
            ("tactic", "TA0010"),
            ("technique", "T1530"),
            ("asset", "s3/acme-prod-exports"),
            ("indicator", ADDRESS),
        ]),
    );
    stage.at("09:10:05");
    stage.entry(
        "alice",
        "Nightly exports of 1,140 customers were in a bucket the key could read",
        Some("2026-11-24T01:15:00Z"),
        Some("2026-11-24T10:02:00Z"),
        Fidelity::Estimated,
        about(&[
            ("class", "impact"),
            ("tlp", "amber"),
            ("pinned", "yes"),
            ("on behalf of", "the billing team"),
        ]),
    );
    stage.at("09:12:00");
    stage.run("erin", "tell-stakeholders");
    stage.delivered("notice-board", 1);
    stage.at("09:14:00");
    stage.update(
        "erin",
        "stakeholders",
        "investigating",
        "The key was used by somebody else last night. It is being switched off.",
        Some(30),
    );
    stage.delivered("notice-board", 1);
    first
}

/// 09:20 to 10:10: the key goes off, at the second asking; the sessions without asking.
pub(super) fn contained(stage: &mut Stage, entry: EventId) {
    stage.at("09:21:30");
    stage.ask("bob", "deactivate");
    stage.at("09:23:05");
    let (step, request) = (
        stage.world.key("deactivate"),
        stage.world.shown("deactivate"),
    );
    let reason = "the release of 09:30 runs on this key: tell its owner first".to_owned();
    stage.act(
        "carol",
        Intent::Deny {
            step,
            request,
            reason,
        },
    );
    stage.at("09:25:40");
    stage.note("bob", "Release of 09:30 is called off by its owner, Noor");
    stage.at("09:26:02");
    stage.ask("bob", "deactivate");
    stage.at("09:29:48");
    stage.approve("dan", "deactivate");
    stage.at("09:30:20");
    stage.run("bob", "deactivate");
    stage.ends("bob", "deactivate", 2, 0, "");
    stage.at("09:31:00");
    stage.milestone("bob", Milestone::Contained, None);
    for (out, exit) in [("Active\n", 0), ("Inactive\n", 0)] {
        stage.run("bob", "verify-inactive");
        stage.ends("bob", "verify-inactive", 12, exit, out);
    }
    stage.at("09:41:00");
    stage.update(
        "erin",
        "stakeholders",
        "identified",
        "The key is off since 09:30 UTC. We look for what was done with it.",
        Some(45),
    );
    stage.delivered("notice-board", 1);
    customers(stage);
    stage.at("09:52:11");
    stage.ask("bob", "revoke-sessions");
    stage.at("10:00:30");
    let (step, purpose) = (stage.world.key("revoke-sessions"), Purpose::Run);
    let reason = "carol is on a train, dan does not answer, and a session of the key is still open"
        .to_owned();
    stage.act(
        "alice",
        Intent::Override {
            step,
            purpose,
            reason,
        },
    );
    stage.at("10:01:12");
    stage.run("alice", "revoke-sessions");
    stage.ends(
        "alice",
        "revoke-sessions",
        6,
        0,
        "{\"PolicyName\": \"incident-revoke-older-sessions\"}",
    );
    stage.at("10:02:30");
    stage.milestone("alice", Milestone::Mitigated, None);
    stage.at("10:05:00");
    trail(stage, entry);
}

/// Customers hear through a server that does not take it.
fn customers(stage: &mut Stage) {
    stage.at("09:44:00");
    let update = stage.update(
        "erin",
        "customers",
        "investigating",
        "We are looking into access to an internal account. Our services run as usual.",
        None,
    );
    stage.at("09:44:09");
    let fact = UpdateUndelivered {
        update,
        channel: "status".to_owned(),
        key: key(&update, "status"),
        tries: 5,
        error: "404 Not Found: no_service".to_owned(),
    };
    stage.command("erin", Command::Undelivered(Box::new(fact)));
    stage.at("09:47:30");
    stage.delivered("status", 6);
}

/// The trail as evidence, and two of its lines as entries.
fn trail(stage: &mut Stage, entry: EventId) {
    stage.run("bob", "pull-trail");
    let (from, to) = ("2026-11-23T08:31:00Z", "2026-11-24T09:31:00Z");
    let pull = stage.pulled("cloudtrail", TRAIL, from, to);
    let mut artifact = stage.artifact("trail", "cloudtrail", TRAIL, Some(pull));
    artifact.redacted = 2;
    artifact.original_sha256 = Some(Digest::of(b"the trail as it was"));
    let digest = artifact.sha256;
    stage.ended("bob", "pull-trail", 20, Ran::Exit(0), "", vec![artifact]);
    stage.at("10:08:00");
    let mut last = None;
    let mut start = 0;
    for (number, line) in TRAIL.split_inclusive('\n').enumerate() {
        let range = (start, start + line.len() as u64);
        start = range.1;
        let Some((_, text)) = NOTED.iter().find(|(noted, _)| *noted == number) else {
            continue;
        };
        let cited = CitedLine {
            source: "cloudtrail".to_owned(),
            host: "bastion".to_owned(),
            range,
            sha256: Digest::of(line.as_bytes()),
            evidence: Some(digest),
        };
        let note = Command::NoteLine {
            text: (*text).to_owned(),
            class: LineClass::Adversary,
            at: line.split('"').nth(3).map(super::told_at),
            line: cited,
        };
        last = Some(stage.command("bob", note));
    }
    let line = last.unwrap();
    let (relation, removed) = (Relation::Cause, false);
    let linked = EntryLinked {
        entry,
        other: line,
        relation,
        removed,
    };
    stage.tell("bob", Telling::Linked(linked), None);
    let mut details = about(&[
        ("tactic", "TA0003"),
        ("technique", "T1136.003"),
        ("asset", "iam/svc-backup"),
        ("indicator", "arn:aws:iam::111122223333:user/svc-backup"),
        ("tlp", "red"),
        ("pinned", "yes"),
    ]);
    details.evidence.add.push(digest);
    stage.tell(
        "bob",
        Telling::Described(EntryDescribed {
            entry: line,
            details,
        }),
        None,
    );
}

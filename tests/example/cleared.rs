//! The rest of the day and the next morning: what was not ours goes, the authority hears, and what is to be done about it.

use runsheet::engine::Intent;
use runsheet::engine::command::Ran;
use runsheet::engine::details::{FollowupChange, FollowupKind, FollowupStatus, Relation};
use runsheet::engine::event::Fidelity;
use runsheet::engine::fact::{
    DecisionNamed, EntryLinked, FollowupChanged, FollowupOpened, Milestone, StageSubmitted,
};
use runsheet::engine::ids::EventId;
use runsheet::engine::telling::Telling;

use super::{Stage, about};

/// The access log of the bucket.
const ACCESS: &str = include_str!("access.log");

/// 10:15 to 13:10: the sweep, a user that is not ours, a long silence, the law.
pub(super) fn cleaned(stage: &mut Stage, entry: EventId) -> EventId {
    stage.at("10:15:00");
    stage.choose("alice", "used", "Yes or unclear");
    stage.at("10:16:00");
    stage.run("bob", "sweep");
    stage.ends(
        "bob",
        "sweep",
        508,
        0,
        "CreateUser\n2026-11-24T02:20:31Z deploy svc-backup\nus-east-2\n",
    );
    stage.at("10:27:00");
    stage.choose("alice", "foreign", "Yes");
    stage.at("10:29:00");
    stage.ask("bob", "remove-foreign");
    stage.at("10:33:20");
    stage.approve("carol", "remove-foreign");
    stage.at("10:34:00");
    stage.run("bob", "remove-foreign");
    stage.at("10:52:00");
    stage.update(
        "erin",
        "stakeholders",
        "identified",
        "A user that is not ours was found and is being removed.",
        Some(60),
    );
    stage.at("11:05:00");
    let aware = stage.tell(
        "alice",
        Telling::Decided(DecisionNamed {
            decision: "aware".to_owned(),
            reason: "the exports hold names and addresses, and were read".to_owned(),
        }),
        Some("2026-11-24T10:45:00Z"),
    );
    // Nothing is written down over lunch; one entry comes late.
    stage.at("12:41:00");
    stage.done("bob", "remove-foreign", None);
    stage.milestone(
        "bob",
        Milestone::Eradicated,
        Some(("2026-11-24T12:20:00Z", Fidelity::Minute)),
    );
    stage.at("12:42:30");
    stage.entry(
        "carol",
        "Two machines in us-east-2 stopped, their volumes kept as snapshots",
        Some("2026-11-24T11:50:00Z"),
        Some("2026-11-24T12:05:00Z"),
        Fidelity::Minute,
        about(&[
            ("class", "response"),
            ("asset", "ec2/us-east-2"),
            ("tag", "snapshots"),
        ]),
    );
    stage.at("12:45:00");
    stage.update(
        "erin",
        "stakeholders",
        "monitoring",
        "The account is clean as far as we can see. New credentials are rolled out.",
        Some(240),
    );
    stage.delivered("notice-board", 1);
    stage.at("12:50:00");
    let owed = stage.world.state.owed_reviews().next().unwrap().event;
    let reason = "right to do: the session was used at 09:58, I was not to be reached".to_owned();
    stage.act(
        "dan",
        Intent::Review {
            overridden: owed,
            accepted: true,
            reason,
        },
    );
    let duplicate = stage.note("dan", "The first foreign call was at 02:12 our time");
    let (relation, removed) = (Relation::Duplicate, false);
    let linked = EntryLinked {
        entry,
        other: duplicate,
        relation,
        removed,
    };
    stage.tell("dan", Telling::Linked(linked), None);
    aware
}

/// 13:00 to 15:00: personal data, by its own runbook.
pub(super) fn breach(stage: &mut Stage, aware: EventId) {
    stage.at("13:18:00");
    stage.done(
        "bob",
        "rotate",
        Some("jobs of the deploy user run under a role now"),
    );
    stage.at("13:20:00");
    stage.choose(
        "alice",
        "origin",
        "A repository, image, build log or message",
    );
    stage.done("bob", "close-hole", None);
    stage.choose("alice", "personal-data", "Yes or unclear");
    stage.run("alice", "breach");
    stage.at("13:24:00");
    stage.done("alice", "assemble", None);
    stage.done("bob", "stop-loss", None);
    stage.run("bob", "pull-access");
    let (from, to) = ("2026-11-17T08:31:00Z", "2026-11-24T09:31:00Z");
    let mut pull = stage.pulled("/var/log/nginx/access.log", ACCESS, from, to);
    pull.incomplete = Some("access.log.7.gz: its end is missing".to_owned());
    let artifact = stage.artifact("access", "/var/log/nginx/access.log", ACCESS, Some(pull));
    stage.ended("bob", "pull-access", 9, Ran::Exit(0), "", vec![artifact]);
    stage.at("13:31:00");
    stage.answer("bob", "facts", &[
        ("what_happened", "Nightly exports were read by somebody else with a leaked key. They hold names and postal addresses."),
        ("breach_kind", "confidentiality"),
        ("people_count", "1140"),
        ("record_count", "3420"),
        ("special_data", "no"),
        ("encrypted", "no"),
    ]);
    stage.at("13:40:00");
    stage.choose("alice", "aware", "Yes");
    stage.answer(
        "alice",
        "aware-time",
        &[("aware_at", "2026-11-24T10:45:00Z")],
    );
    stage.run("bob", "deadline");
    stage.ends(
        "bob",
        "deadline",
        1,
        0,
        "aware    2026-11-24 10:45 UTC\ndeadline 2026-11-27 10:45 UTC\n",
    );
    stage.skip("erin", "tell-management", "management sits at the table");
    stage.at("13:52:00");
    stage.answer(
        "alice",
        "judge",
        &[
            ("severity_for_people", "limited"),
            ("likelihood", "possible"),
        ],
    );
    let decided = stage.choose("alice", "notify", "Risk");
    let (relation, removed) = (Relation::Related, false);
    let linked = EntryLinked {
        entry: aware,
        other: decided,
        relation,
        removed,
    };
    stage.tell("alice", Telling::Linked(linked), None);
    authority(stage);
}

/// The authority hears of it, after a second person read the text.
fn authority(stage: &mut Stage) {
    stage.at("14:20:00");
    stage.done("bob", "authority-notice", None);
    stage.at("14:24:00");
    stage.ask("erin", "send-authority");
    stage.at("14:41:00");
    stage.approve("dan", "send-authority");
    stage.at("14:42:00");
    stage.run("erin", "send-authority");
    stage.delivered("legal", 1);
    for (clock, stages, reference) in [
        ("gdpr-33", "notification", "DPA-2026-7731"),
        ("nis2-23", "early-warning", "CSIRT-5521"),
    ] {
        let submitted = StageSubmitted {
            clock: clock.to_owned(),
            stage: stages.to_owned(),
            reference: Some(reference.to_owned()),
        };
        stage.tell(
            "erin",
            Telling::Submitted(submitted),
            Some("2026-11-24T14:42:00Z"),
        );
    }
    stage.at("14:50:00");
    stage.choose("alice", "people", "No");
    stage.done("bob", "register", None);
    stage.at("14:55:00");
    stage.done("alice", "review", None);
}

/// The rest of the day and the next morning.
pub(super) fn recovered(stage: &mut Stage) {
    stage.at("15:30:00");
    stage.milestone(
        "alice",
        Milestone::Recovered,
        Some(("2026-11-24T15:10:00Z", Fidelity::Minute)),
    );
    stage.note("erin", "Support has answers for customers who ask");
    stage.at("25 09:05:00");
    stage.ask("bob", "delete-key");
    stage.at("25 09:11:00");
    stage.approve("carol", "delete-key");
    stage.run("bob", "delete-key");
    stage.ends("bob", "delete-key", 2, 0, "");
    stage.at("25 09:20:00");
    stage.update("erin", "customers", "resolved", "An internal account was used by somebody else. Names and addresses of some customers were read; we have told them.", None);
    stage.delivered("status", 1);
    stage.run("erin", "tell-resolved");
    stage.delivered("notice-board", 1);
    stage.at("25 09:25:00");
    stage.milestone("alice", Milestone::Resolved, None);
}

/// What is to be done, the end, and a word after it.
pub(super) fn learnt(stage: &mut Stage, opening: EventId, entry: EventId) {
    let mut follow = |text: &str, kind, owner: Option<&str>, due: Option<&str>, about| {
        stage.tell(
            "alice",
            Telling::Opened(FollowupOpened {
                text: text.to_owned(),
                kind,
                owner: owner.map(str::to_owned),
                due: due.map(|day| day.parse().unwrap()),
                about,
            }),
            None,
        )
    };
    let scan = follow(
        "Scan forks of public repositories for keys, every hour",
        FollowupKind::Detect,
        None,
        None,
        Some(entry),
    );
    follow(
        "Replace the key of the deploy user by a role",
        FollowupKind::Fix,
        Some("noor"),
        Some("2026-12-11"),
        None,
    );
    follow(
        "Say in the runbook what to do when the calls take longer than ten minutes",
        FollowupKind::RunbookChange,
        Some("erin"),
        Some("2026-12-04"),
        None,
    );
    let two = follow(
        "Two commanders on call, so that nobody overrides for want of an approver",
        FollowupKind::Policy,
        Some("dan"),
        Some("2026-12-18"),
        Some(opening),
    );
    let changed = |followup, status, owner: Option<&str>, due: Option<&str>, note: &str| {
        Telling::Changed(FollowupChanged {
            followup,
            change: FollowupChange {
                status,
                text: None,
                kind: None,
                owner: owner.map(str::to_owned),
                due: due.map(|day| day.parse().unwrap()),
            },
            note: Some(note.to_owned()),
        })
    };
    let agreed = changed(
        scan,
        None,
        Some("carol"),
        Some("2026-12-15"),
        "carol takes it, agreed in the review",
    );
    stage.tell("alice", agreed, None);
    stage.at("25 10:10:00");
    stage.done("alice", "review", None);
    stage.at("25 10:15:00");
    stage.milestone("alice", Milestone::Closed, None);
    stage.act("alice", Intent::Close);
    stage.at("25 16:02:00");
    stage.entry(
        "dan",
        "The provider confirms: no further call from that address since the key went off",
        None,
        None,
        Fidelity::Exact,
        about(&[
            ("source", "AWS Support"),
            ("confidence", "high"),
            ("tlp", "green"),
            ("class", "comms"),
        ]),
    );
    let done = changed(
        two,
        Some(FollowupStatus::Done),
        None,
        None,
        "on the rota from Monday",
    );
    stage.tell("dan", done, None);
}

//! Stakeholder updates through the real program, to servers on this machine that fail, hang and forget to answer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

mod kills;
mod servers;
#[path = "../support/team.rs"]
mod team;
mod tls;

use std::fs;

use serde_json::Value;
use servers::{Answer, Server};
use team::{Person, Team, plain, text};

const BOOK: &str = "\
id: a
title: A thing broke
severity: sev2
summary: Something to tell.
owner: shared
inputs: {place: {}}
steps:
  - {id: tell, notify: {audience: customers, state: identified, message: 'We look at it.'}, every: 30m}
  - id: gated
    notify: {audience: board, message: Something happened.}
    checkpoint: {approvals: 1, role: approver, not: [performer], expires: 15m}
";

/// A team whose policy has these channels and audiences.
pub fn team(channels: &str) -> Team {
    let team = Team::new(&[("a", BOOK)]);
    let library = team.dir.path().join("library");
    let path = library.join("policy.yaml");
    let mut policy = fs::read_to_string(&path).unwrap();
    policy.push_str(channels);
    fs::write(&path, policy).unwrap();
    let done = plain("git", team.dir.path())
        .current_dir(&library)
        .args(["-c", "user.name=lee", "-c", "user.email=lee@example.org"])
        .args(["commit", "-qam", "Add channels"])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    team
}

fn hook_policy(shape: &str) -> String {
    format!(
        "channels:\n  status: {{webhook: {{url: 'env:HOOK', shape: {shape}}}}}\n\
         audiences:\n  customers: {{tlp: clear, channels: [status]}}\n  board: {{tlp: amber, channels: [status], approval: true}}\n"
    )
}

fn with_hook(server: &Server, shape: &str) -> (Team, Person) {
    let mut team = team(&hook_policy(shape));
    team.env.push(("HOOK".to_owned(), server.hook()));
    let robin = team.person("robin");
    (team, robin)
}

fn tell(person: &Person, inc: &str, message: &str) -> String {
    let args = [
        "update",
        inc,
        "--audience",
        "customers",
        "--state",
        "identified",
        message,
    ];
    let done = person.run(&args);
    assert!(done.status.success(), "{done:?}");
    text(&done.stderr)
}

fn deliveries(person: &Person, inc: &str) -> Vec<Value> {
    let said = person.ok(&["--json", "outbox", inc]);
    let said: Value = serde_json::from_str(&said).unwrap();
    said["outbox"][0]["deliveries"].as_array().unwrap().clone()
}

#[test]
fn an_update_arrives_with_its_key_and_the_record_says_so() {
    let server = Server::http(|_| Answer::Take);
    let (_team, robin) = with_hook(&server, "generic");
    let inc = robin.start("a");
    let said = tell(&robin, &inc, "We revoked a key. password=hunter2hunter2");
    assert!(said.contains("sent through status"), "{said}");
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    let body: Value = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!(
        seen[0].headers["idempotency-key"],
        body["id"].as_str().unwrap()
    );
    assert_eq!(seen[0].headers["content-type"], "application/json");
    assert_eq!(
        (&body["state"], &body["severity"]),
        (&"identified".into(), &"sev2".into())
    );
    assert!(!seen[0].body.contains("hunter2"), "{}", seen[0].body);
    let timeline = robin.ok(&["timeline", &inc]);
    assert!(
        timeline.contains("was delivered through status"),
        "{timeline}"
    );
    let one = &deliveries(&robin, &inc)[0];
    assert_eq!(
        (&one["standing"], &one["tries"]),
        (&"delivered".into(), &1.into())
    );
    robin.ok(&["verify", &inc]);
}

#[test]
fn the_preview_is_what_leaves_and_leaves_nothing() {
    let server = Server::http(|_| Answer::Take);
    let (_team, robin) = with_hook(&server, "slack");
    let inc = robin.start("a");
    let update = [
        "update",
        &inc,
        "--audience",
        "customers",
        "--next",
        "30m",
        "<!here> a & b",
    ];
    let preview = robin.ok(&[&update[..], &["--preview"]].concat());
    assert!(preview.contains("&lt;!here&gt; a &amp; b"), "{preview}");
    assert!(!preview.contains("T0secret"), "{preview}");
    assert_eq!(server.visits(), 0);
    assert!(!robin.ok(&["timeline", &inc]).contains("told"));
    robin.ok(&update);
    let minutes = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "0");
    let sent: Value = serde_json::from_str(&server.seen()[0].body).unwrap();
    let shown = preview.split_once("(web hook, slack)\n").unwrap().1;
    let shown: Value = serde_json::from_str(shown).unwrap();
    assert_eq!(minutes(&shown.to_string()), minutes(&sent.to_string()));
    assert!(
        robin
            .ok(&["status", &inc])
            .contains("next update for customers promised by")
    );
}

#[test]
fn what_fails_is_tried_again_with_the_same_key_and_what_is_refused_is_given_up() {
    let server = Server::http(|visit| match visit {
        0 => Answer::Drop,
        1 => Answer::Say(503),
        2 => Answer::TakeAndDrop,
        3 => Answer::Take,
        _ => Answer::Say(404),
    });
    let (_team, robin) = with_hook(&server, "generic");
    let inc = robin.start("a");
    let said = tell(&robin, &inc, "one");
    assert!(
        said.contains("not sent yet through status: the connection failed"),
        "{said}"
    );
    assert!(robin.ok(&["status", &inc]).contains("1 undelivered"));
    let said = robin.fails(4, &["outbox", &inc, "--retry"]);
    assert!(said.contains("503"), "{said}");
    robin.fails(4, &["outbox", &inc, "--retry"]);
    robin.ok(&["outbox", &inc, "--retry"]);
    let seen = server.seen();
    let keys: Vec<_> = seen
        .iter()
        .map(|one| &one.headers["idempotency-key"])
        .collect();
    assert_eq!(keys.len(), 2);
    assert_eq!((keys[0], &seen[0].body), (keys[1], &seen[1].body));
    assert!(
        robin
            .ok(&["timeline", &inc])
            .contains("was delivered through status at try 4")
    );

    let said = tell(&robin, &inc, "two");
    assert!(said.contains("404 Not Found: no_service"), "{said}");
    assert!(!said.contains("T0secret"), "{said}");
    assert_eq!(deliveries(&robin, &inc)[1]["standing"], "waiting");
    robin.ok(&["verify", &inc]);
}

#[test]
fn a_server_that_hangs_holds_nobody_up_and_no_other_channel() {
    let hook = Server::http(|_| Answer::Hang);
    let mail = Server::smtp(|_| Answer::Hang);
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out.jsonl");
    let team = team(&format!(
        "channels:\n  hook: {{webhook: {{url: '{}'}}}}\n  mail: {{smtp: {{server: '127.0.0.1:{}', to: [a@example.org]}}}}\n  \
         file: {{file: {{path: '{}'}}}}\naudiences:\n  customers: {{channels: [hook, mail, file]}}\n",
        hook.hook(),
        mail.port,
        out.display()
    ));
    let robin = team.person("robin");
    let inc = robin.start("a");
    let said = tell(&robin, &inc, "one");
    assert!(
        said.contains("through hook: no answer within 5 s"),
        "{said}"
    );
    assert!(
        said.contains("through mail: no answer within 5 s"),
        "{said}"
    );
    assert!(said.contains("sent through file"), "{said}");
    let line: Value = serde_json::from_str(fs::read_to_string(&out).unwrap().trim()).unwrap();
    assert_eq!(line["message"], "one");
}

#[test]
fn a_mail_has_one_id_however_often_it_is_sent() {
    let server = Server::smtp(|visit| match visit {
        0 => Answer::TakeAndDrop,
        1 => Answer::Say(451),
        2 => Answer::Take,
        _ => Answer::Say(550),
    });
    let team = team(&format!(
        "channels:\n  execs: {{smtp: {{server: '127.0.0.1:{}', from: 'Status <status@example.net>', to: [execs@example.org, b@example.org]}}}}\n\
         audiences:\n  customers: {{channels: [execs]}}\n",
        server.port
    ));
    let robin = team.person("robin");
    let inc = robin.start("a");
    let said = tell(&robin, &inc, "Grüße.\n.\nNo end of mail above.");
    assert!(said.contains("not sent yet through execs"), "{said}");
    let said = robin.fails(4, &["outbox", &inc, "--retry"]);
    assert!(said.contains("no such user"), "{said}");
    robin.ok(&["outbox", &inc, "--retry"]);
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].headers["message-id"], seen[1].headers["message-id"]);
    assert_eq!(seen[0].headers["date"], seen[1].headers["date"]);
    let key = deliveries(&robin, &inc)[0]["key"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        seen[0].headers["message-id"],
        format!("<{key}@example.net>")
    );
    assert_eq!(seen[0].headers["subject"], "[identified] A thing broke");
    let said = tell(&robin, &inc, "two");
    assert!(said.contains("550"), "{said}");
}

#[test]
fn a_step_tells_through_the_same_way_and_what_wants_an_approval_waits_for_it() {
    let server = Server::http(|_| Answer::Take);
    let (team, _) = with_hook(&server, "teams");
    let team = team.with_hub();
    let (robin, sasha) = (team.person("robin"), team.person("sasha"));
    let inc = robin.start("a");
    let said = robin.fails(1, &["update", &inc, "--audience", "board", "x"]);
    assert!(
        said.contains("want an approval") && said.contains("notify"),
        "{said}"
    );
    let done = robin.run(&["step", &inc, "tell", "run"]);
    assert!(
        text(&done.stderr).contains("sent through status"),
        "{done:?}"
    );
    robin.fails(1, &["step", &inc, "gated", "run"]);
    assert_eq!(server.seen().len(), 1);
    robin.ok(&["request", &inc, "gated"]);
    let read = sasha.ok(&["approve", &inc, "gated"]);
    assert!(read.contains("Something happened."), "{read}");
    robin.ok(&["step", &inc, "gated", "run"]);
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert!(
        seen[1].body.contains("Something happened."),
        "{}",
        seen[1].body
    );
    // Whoever shares the record has it, and sends nothing of what others told.
    assert!(
        sasha
            .ok(&["timeline", &inc])
            .contains("was delivered through status")
    );
    sasha.ok(&["outbox", &inc, "--retry"]);
    assert_eq!(server.visits(), 2);
    robin.fails(2, &["update", &inc, "--audience", "custmers", "x"]);
}

#[test]
fn what_a_killed_process_told_is_sent_by_the_next_one() {
    let server = Server::http(|_| Answer::Take);
    let (_team, robin) = with_hook(&server, "generic");
    let inc = robin.start("a");
    tell(&robin, &inc, "one");
    // As if it had been killed after the event, and as if after the send.
    let outbox = robin.folder(&inc).join("outbox");
    for file in team::files_below(&outbox) {
        fs::remove_file(file).unwrap();
    }
    robin.ok(&["outbox", &inc, "--retry"]);
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(
        seen[0].headers["idempotency-key"],
        seen[1].headers["idempotency-key"]
    );
    assert_eq!(seen[0].body, seen[1].body);
    let timeline = robin.ok(&["timeline", &inc]);
    assert_eq!(timeline.matches("was delivered").count(), 1, "{timeline}");
}

#[test]
fn without_a_library_of_ones_own_that_vouches_for_it_a_policy_sends_nothing() {
    let server = Server::http(|_| Answer::Take);
    let (team, mut robin) = with_hook(&server, "generic");
    let inc = robin.start("a");
    let other = Team::new(&[("a", BOOK)]);
    robin.env.push((
        "RUNSHEET_LIBRARY".to_owned(),
        other.dir.path().join("library").display().to_string(),
    ));
    let said = tell(&robin, &inc, "one");
    assert!(said.contains("nothing is sent: "), "{said}");
    assert_eq!(server.visits(), 0);
    let robin = team.person("robin");
    robin.ok(&["outbox", &inc, "--retry"]);
    assert_eq!(server.seen().len(), 1);
}

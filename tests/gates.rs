//! What a policy asks for, seen from the command line: who could pass which gate, what `check` says of people and keys,
//! and what `status` and `verify` say of freezes and of reviews that are late.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

mod support;
#[path = "support/team.rs"]
mod team;

use std::fs;

use team::Team;

const DROP: &str = "\
id: drop-it
title: Drop it
inputs: {place: {optional: true}}
steps:
  - {id: look, run: ls}
  - {id: drop, run: 'echo gone', risk: destructive, checkpoint: {not: [author]}}
  - {id: two, run: 'echo two', checkpoint: {approvals: 2, of_them: {security: 1}}}
";

/// Robin operates and commands, sasha approves, lee wrote the runbook; kim is put into the policy here.
fn team(more: &str) -> Team {
    let team = Team::new(&[("drop-it", DROP)]);
    let library = team.dir.path().join("library");
    let policy = fs::read_to_string(library.join("policy.yaml")).unwrap();
    let policy = policy.replace(
        "override: {roles: [commander], expires: 30m, review_within: 72h}",
        more,
    );
    support::commit(&library, "policy.yaml", &policy, "More");
    team
}

#[test]
fn check_gates_says_who_could_pass_each_gate() {
    let team = team("override: {roles: [commander]}");
    let robin = team.person("robin");
    let said = robin.fails(1, &["check", "--gates"]);
    let rows: Vec<&str> = said.lines().map(str::trim).collect();
    assert_eq!(
        rows,
        [
            "runbooks/drop-it.yaml",
            "drop                     1 approver; not performer, author; 15m",
            "could approve: sasha",
            "could perform: lee, robin",
            "written by: lee",
            "two                      2 approver, 1 approver+security; 15m",
            "could approve: sasha",
            "could perform: NOBODY",
        ],
        "{said}"
    );
    let json = team
        .person("robin")
        .fails(1, &["--json", "check", "--gates"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["gates"][0]["authors"], serde_json::json!(["lee"]));
    assert_eq!(json["gates"][1]["performers"], serde_json::json!([]));
}

#[test]
fn case_03_wildcards_and_one_key_under_two_principals_are_errors_with_their_place() {
    let team = team("override: {roles: [commander]}");
    let library = team.dir.path().join("library");
    let lines = fs::read_to_string(library.join("allowed_signers")).unwrap();
    let of = |id: &str| {
        let line = lines.lines().find(|line| line.starts_with(id)).unwrap();
        line.split_once(' ').unwrap().1.to_owned()
    };
    let count = lines.lines().count();
    let bad = format!(
        "{lines}  sasha2@example.org {}\nrobin@example.org,*@example.org {}\nrobin@example.org ssh-ed25519 AAAA\n",
        of("sasha@"),
        of("robin@")
    );
    support::commit(&library, "allowed_signers", &bad, "Bad lines");
    let said = team.person("robin").fails(1, &["check"]);
    for (line, column, what) in [
        (count + 1, 3, "is also that of `sasha@example.org`"),
        (count + 2, 19, "`*@example.org` is a pattern"),
        (count + 3, 19, "the key is not readable"),
    ] {
        let place = format!("allowed_signers:{line}:{column}: error: ");
        let row = said.lines().find(|row| row.starts_with(&place));
        assert!(
            row.is_some_and(|row| row.contains(what)),
            "{place}{what}\n{said}"
        );
    }
}

#[test]
fn status_and_verify_tell_of_freezes_and_of_late_reviews() {
    let team = team(
        "override: {roles: [commander], when: \"step == 'drop'\", review_within: 1ms}\n\
         freezes: [{name: long, from: 2020-01-01T00:00:00Z, until: 2199-01-01T00:00:00Z, when: \"step == 'look'\"}]",
    );
    let robin = team.person("robin");
    let inc = robin.start("drop-it");
    let said = robin.ok(&["status", &inc]);
    assert!(
        said.contains("checkpoint (1 approver; 15m; freeze long until 2199-01-01 00:00Z)"),
        "{said}"
    );
    let refused = robin.run(&["step", &inc, "look", "run"]);
    assert!(!refused.status.success(), "{refused:?}");
    let refused = robin.run(&["override", &inc, "look", "--reason", "now"]);
    let said = team::text(&refused.stderr);
    assert!(said.contains("nobody may override step look"), "{said}");
    robin.ok(&["override", &inc, "drop", "--reason", "it burns"]);
    let said = robin.ok(&["status", &inc]);
    assert!(said.contains("review owed LATE since"), "{said}");
    let said = robin.fails(2, &["verify", &inc]);
    assert!(said.contains("is not reviewed: late since"), "{said}");
}

#[test]
fn a_runbook_that_is_too_large_is_a_problem_of_its_own_file() {
    let team = team("override: {roles: [commander]}");
    let library = team.dir.path().join("library");
    let large = format!("id: large\ntitle: A\n#{}", "x".repeat(2 << 20));
    support::commit(&library, "runbooks/large.yaml", &large, "Large");
    support::commit(&library, "runbooks/zz.yaml", "id: zz\n", "No title");
    let robin = team.person("robin");
    let said = robin.fails(1, &["check"]);
    for row in [
        "runbooks/large.yaml:1:1: error: the file has more than 1048576 bytes",
        "runbooks/zz.yaml:1:1: error: ",
    ] {
        assert!(
            said.lines().any(|line| line.starts_with(row)),
            "{row}: {said}"
        );
    }
    let said = robin.run(&["check", "--gates"]);
    let said = team::text(&said.stdout);
    assert!(said.contains("could approve: sasha"), "{said}");
    assert!(robin.ok(&["list"]).contains("drop-it"));
    robin.start("drop-it");
}

//! Who answers: oneself by any name, somebody who may not any more or not yet, twice the same human.

use std::fs;

use chrono::TimeDelta;

use super::team::text;
use super::{NAMESPACE, Site, comes_to_nothing, forge, hardware};

#[test]
fn case_01_self_approval_is_refused_and_forged_opens_nothing() {
    let site = Site::new();
    let (kim, inc) = site.asked("kim");
    let said = kim.fails(1, &["approve", &inc, "drop"]);
    assert!(said.contains("kim"), "{said}");
    let said = kim.fails(1, &["statement", &inc, "drop", "--for", "kim@example.org"]);
    assert!(said.contains("kim"), "{said}");
    let forged = site.approval(&kim, &inc, "kim", |_| {});
    forge(&kim, &inc, forged, TimeDelta::zero());
    comes_to_nothing(&site, &kim, &inc);
}

#[test]
fn case_02_the_same_human_with_a_second_name_key_and_state_is_refused_and_forged_opens_nothing() {
    let site = Site::new();
    let (kim, inc) = site.asked("kim");
    let second = site.team.person("kim2");
    second.fails(1, &["approve", &inc, "drop"]);
    let forged = site.approval(&second, &inc, "kim2", |_| {});
    forge(&second, &inc, forged, TimeDelta::zero());
    comes_to_nothing(&site, &kim, &inc);
}

#[test]
fn case_04_other_spellings_of_a_name_are_nobody() {
    let site = Site::new();
    let (robin, inc) = site.asked("robin");
    // An upper-case letter, one of another alphabet, one with its accent apart and together.
    for name in [
        "Sasha",
        "s\u{430}sha",
        "sa\u{301}sha",
        "s\u{e1}sha",
        "sasha\u{200b}",
    ] {
        let name = format!("{name}@example.org");
        let mut sasha = site
            .team
            .person("sasha")
            .command(&["approve", &inc, "drop"]);
        let key = site.team.dir.path().join("sasha");
        // The last of two counts.
        let done = sasha.arg("--as").arg(&name).arg("--key").arg(key).output();
        let done = done.unwrap();
        assert!(!done.status.success(), "{name}: {done:?}");
        let said = robin.run(&["statement", &inc, "drop", "--for", &name]);
        assert!(!said.status.success(), "{name}: {said:?}");
        robin.ok(&["sync", &inc]);
        let told = robin.ok(&["timeline", &inc]);
        assert!(!told.contains("approved"), "{name}: {told}");
    }
    robin.fails(1, &["step", &inc, "drop", "run"]);
    // In the files of a library they are errors, so that nobody takes one for another.
    site.more_signers(&format!("Sasha@example.org {}", site.public_key("kim2")));
    let policy = fs::read_to_string(site.library().join("policy.yaml")).unwrap();
    let policy = policy.replace(
        "[sasha@example.org]",
        "[sasha@example.org, s\u{430}sha@example.org]",
    );
    site.commit("policy.yaml", &policy, "A look-alike");
    let said = robin.fails(1, &["check"]);
    for file in ["allowed_signers", "policy.yaml"] {
        let told = |line: &str| line.starts_with(file) && line.contains(": error: ");
        assert!(said.lines().any(told), "{file}: {said}");
    }
}

#[test]
fn case_11_a_back_dated_signature_by_a_revoked_key_is_refused() {
    let site = Site::new();
    let (robin, inc) = site.asked("robin");
    let statement = site.statement(&robin, &inc, "sasha@example.org");
    let sasha = site.team.person("sasha");
    let forged = site.approval(&sasha, &inc, "sasha", |_| {});
    robin.ok(&["people", "remove", "sasha"]);
    // What it says is of the time when the key was good; what signs it is not any more.
    let signature = site.sign("sasha", &statement);
    let said = robin.fails(
        1,
        &[
            "approve",
            &inc,
            "drop",
            "--signature",
            signature.to_str().unwrap(),
        ],
    );
    assert!(said.contains("sasha"), "{said}");
    // Nor by way of a program that knows nothing of the removal.
    forge(&sasha, &inc, forged, TimeDelta::seconds(-60));
    let said = robin.fails(1, &["step", &inc, "drop", "run"]);
    assert_eq!(site.dropped(), 0, "{said}");
}

#[test]
fn case_12_who_left_the_role_cannot_approve_and_what_they_approved_counts_no_more() {
    let site = Site::new();
    let (robin, inc) = site.asked("robin");
    let sasha = site.team.person("sasha");
    sasha.ok(&["approve", &inc, "drop"]);
    let policy = fs::read_to_string(site.library().join("policy.yaml")).unwrap();
    let policy = policy.replace("roles: [approver]", "roles: [scribe]");
    site.commit("policy.yaml", &policy, "Sasha writes now");
    let said = robin.fails(1, &["step", &inc, "drop", "run"]);
    assert!(said.contains("trust shrinks at once"), "{said}");
    robin.ok(&["request", &inc, "drop"]);
    sasha.fails(1, &["approve", &inc, "drop"]);
    robin.fails(1, &["step", &inc, "drop", "run"]);
    assert_eq!(site.dropped(), 0);
}

#[test]
fn case_13_a_role_granted_after_the_request_widens_nothing() {
    let site = Site::new();
    let (robin, inc) = site.asked("robin");
    robin.ok(&["role", &inc, "lee@example.org", "approver"]);
    let lee = site.team.person("lee");
    lee.fails(1, &["approve", &inc, "drop"]);
    let forged = site.approval(&lee, &inc, "lee", |_| {});
    forge(&lee, &inc, forged, TimeDelta::zero());
    comes_to_nothing(&site, &robin, &inc);
    // Nor does one that the library grants later: what the incident began with counts.
    let policy = fs::read_to_string(site.library().join("policy.yaml")).unwrap();
    let policy = policy.replace("roles: [scribe]", "roles: [scribe, approver]");
    site.commit("policy.yaml", &policy, "Lee approves now");
    lee.fails(1, &["approve", &inc, "drop"]);
}

#[test]
fn case_14_a_denial_stands_whoever_approves_afterwards_until_it_is_asked_anew() {
    let site = Site::new();
    let (robin, inc) = site.asked("robin");
    let sasha = site.team.person("sasha");
    sasha.ok(&["deny", &inc, "drop", "--reason", "wrong host"]);
    for who in ["sasha", "kim"] {
        let said = site.team.person(who).fails(1, &["approve", &inc, "drop"]);
        assert!(said.contains("denied"), "{said}");
    }
    let said = robin.fails(1, &["step", &inc, "drop", "run"]);
    assert!(said.contains("wrong host"), "{said}");
    assert_eq!(site.dropped(), 0);
    robin.ok(&["request", &inc, "drop"]);
    sasha.ok(&["approve", &inc, "drop"]);
    robin.run(&["step", &inc, "drop", "run"]);
    assert_eq!(site.dropped(), 1);
    robin.ok(&["verify", &inc]);
}

#[test]
fn case_15_a_quorum_of_two_is_not_one_persons_two_keys() {
    let site = Site::with(
        super::BOOK,
        "approvals: 2, role: approver, not: [performer], expires: 15m",
    );
    // Kim has a second key under the first name too.
    let keygen = super::plain("ssh-keygen", site.team.dir.path())
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
        .arg(site.team.dir.path().join("kim3"))
        .output()
        .unwrap();
    assert!(keygen.status.success(), "{keygen:?}");
    let public = fs::read_to_string(site.team.dir.path().join("kim3.pub")).unwrap();
    site.more_signers(&format!("kim@example.org {}", public.trim()));
    let (robin, inc) = site.asked("robin");
    let kim = site.team.person("kim");
    kim.ok(&["approve", &inc, "drop"]);
    let said = site
        .team
        .person("kim2")
        .fails(1, &["approve", &inc, "drop"]);
    assert!(said.contains("kim"), "{said}");
    let mut third = kim.command(&["approve", &inc, "drop", "--key"]);
    let third = third
        .arg(site.team.dir.path().join("kim3"))
        .output()
        .unwrap();
    assert_eq!(third.status.code(), Some(1), "{third:?}");
    let said = robin.fails(1, &["step", &inc, "drop", "run"]);
    assert!(said.contains("1 of 2"), "{said}");
    let forged = site.approval(&kim, &inc, "kim3", |_| {});
    forge(&kim, &inc, forged, TimeDelta::zero());
    robin.fails(1, &["step", &inc, "drop", "run"]);
    assert_eq!(site.dropped(), 0);
    site.team.person("sasha").ok(&["approve", &inc, "drop"]);
    robin.run(&["step", &inc, "drop", "run"]);
    assert_eq!(site.dropped(), 1);
}

#[test]
fn case_18_a_hardware_key_without_touch_does_not_count_where_policy_wants_it() {
    let site = Site::with(
        super::BOOK,
        "approvals: 1, role: approver, not: [performer], expires: 15m, keys: {touch: required}",
    );
    let line = hardware::public().to_openssh().unwrap();
    site.more_signers(&format!("sasha@example.org {line}"));
    let (robin, inc) = site.asked("robin");
    // A key file has nothing to touch.
    let said = site
        .team
        .person("sasha")
        .fails(1, &["approve", &inc, "drop"]);
    assert!(said.contains("touch"), "{said}");
    let statement = site.statement(&robin, &inc, "sasha@example.org");
    let signature = site.team.dir.path().join("signature");
    let taken_in = |armored: &str| {
        fs::write(&signature, armored).unwrap();
        let done = robin.run(&[
            "approve",
            &inc,
            "drop",
            "--statement",
            statement.to_str().unwrap(),
            "--signature",
            signature.to_str().unwrap(),
        ]);
        (done.status.code().unwrap(), text(&done.stderr))
    };
    let words = fs::read(&statement).unwrap();
    let by_file = fs::read_to_string(site.sign("sasha", &statement)).unwrap();
    assert_eq!(taken_in(&by_file).0, 1);
    let (status, said) = taken_in(&hardware::sign(0, NAMESPACE, &words));
    assert_eq!((status, said.contains("touch")), (1, true), "{said}");
    robin.fails(1, &["step", &inc, "drop", "run"]);
    assert_eq!(site.dropped(), 0);
    let (status, said) = taken_in(&hardware::sign(1, NAMESPACE, &words));
    assert_eq!(status, 0, "{said}");
    robin.run(&["step", &inc, "drop", "run"]);
    assert_eq!(site.dropped(), 1);
    robin.ok(&["verify", &inc]);
}

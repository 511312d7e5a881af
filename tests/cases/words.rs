//! What is answered, and when: something else, once more, too late, in another form.

use std::fs;
use std::path::Path;

use chrono::TimeDelta;
use runsheet::engine::fact::{CheckpointApproved, Fact, NoteAdded};

use super::team::{files_below, text, wait_for};
use super::{BOOK, Site, comes_to_nothing, forge, request};

#[test]
fn case_05_runbook_variable_and_machine_are_those_that_were_approved() {
    let book = BOOK.replace(
        "steps:\n",
        "steps:\n  - {id: scope, ask: {target: {prompt: Which}}}\n",
    );
    let book = book.replace("echo dropped", "echo \"dropped $target\"");
    let site = Site::with(
        &book,
        "approvals: 1, role: approver, not: [performer], expires: 15m",
    );
    let robin = site.team.person("robin");
    let inc = robin.start("a");
    robin.ok(&["step", &inc, "scope", "answer", "target=db7"]);
    robin.ok(&["request", &inc, "drop"]);
    site.team.person("sasha").ok(&["approve", &inc, "drop"]);
    // The answer stands; another one comes to nothing.
    robin.fails(1, &["step", &inc, "scope", "answer", "target=db1"]);
    // The same person at another machine is somebody else to run it.
    let mut elsewhere = robin.clone();
    elsewhere.state = site.team.dir.path().join("another machine");
    let said = elsewhere.fails(1, &["step", &inc, "drop", "run"]);
    assert!(said.contains("approved to run"), "{said}");
    assert_eq!(site.dropped(), 0);
    // What the runbook says now is of no matter to what was approved.
    site.commit(
        "runbooks/a.yaml",
        &book.replace("dropped", "gone"),
        "Change it",
    );
    robin.run(&["step", &inc, "drop", "run"]);
    let dropped = fs::read_to_string(site.team.place().join("dropped.txt")).unwrap();
    assert_eq!(dropped, "dropped db7\n");
    robin.ok(&["verify", &inc]);
    // A record that says other words than the runbook is not asked about at all.
    let mut journal = robin.journal(&inc);
    let asked = journal
        .log()
        .events()
        .iter()
        .find_map(|event| match &event.fact {
            Fact::CheckpointRequested(fact) => Some(fact.clone()),
            _ => None,
        });
    journal.poll().unwrap();
    drop(journal);
    let mut fact = asked.unwrap();
    fact.record.exec.script = "reboot".to_owned();
    forge(&robin, &inc, fact, TimeDelta::zero());
    robin.fails(1, &["verify", &inc]);
}

#[test]
fn case_06_an_approval_is_not_taken_for_another_step_attempt_or_incident() {
    let site = Site::new();
    let (robin, inc) = site.asked("robin");
    let (_, second) = site.asked("robin");
    robin.ok(&["request", &inc, "other"]);
    let statement = site.statement(&robin, &inc, "sasha@example.org");
    let signature = site.sign("sasha", &statement);
    let take_in = |inc: &str, step: &str| {
        let (statement, signature) = (statement.to_str().unwrap(), signature.to_str().unwrap());
        robin.run(&[
            "approve",
            inc,
            step,
            "--statement",
            statement,
            "--signature",
            signature,
        ])
    };
    for (inc, step) in [(&inc, "other"), (&second, "drop")] {
        let done = take_in(inc, step);
        assert_eq!(done.status.code(), Some(1), "{step}: {done:?}");
    }
    let done = take_in(&inc, "drop");
    assert!(done.status.success(), "{done:?}");
    robin.run(&["step", &inc, "drop", "run"]);
    assert_eq!(site.dropped(), 1);
    // The next attempt is another question, and the answer was used.
    robin.fails(1, &["step", &inc, "drop", "run"]);
    robin.ok(&["request", &inc, "drop"]);
    let done = take_in(&inc, "drop");
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    robin.ok(&["verify", &inc]);
    // Nor by a program that writes it into the record itself.
    let used: Box<CheckpointApproved> = robin
        .journal(&inc)
        .log()
        .events()
        .iter()
        .find_map(|event| match &event.fact {
            Fact::CheckpointApproved(fact) => Some(fact.clone()),
            _ => None,
        })
        .unwrap();
    for (inc, step, attempt) in [(&inc, "other", 1), (&inc, "drop", 2), (&second, "drop", 1)] {
        let mut fact = used.clone();
        fact.step = request(robin.journal(inc).state()).record.step.clone();
        fact.step.step = step.into();
        fact.step.attempt = attempt;
        forge(&site.team.person("sasha"), inc, fact, TimeDelta::zero());
        robin.fails(1, &["step", inc, step, "run"]);
        robin.fails(1, &["verify", inc]);
    }
    assert_eq!(site.dropped(), 1);
}

#[test]
fn case_08_one_approval_is_not_used_up_on_two_hosts() {
    let site = Site::new();
    let (robin, inc) = site.asked("robin");
    site.team.person("sasha").ok(&["approve", &inc, "drop"]);
    robin.ok(&["sync", &inc]);
    // The state directory, key and all, on another machine.
    let mut copy = robin.clone();
    copy.state = site.team.dir.path().join("copied");
    for file in files_below(&robin.state) {
        let to = copy.state.join(file.strip_prefix(&robin.state).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&file, to).unwrap();
    }
    robin.run(&["step", &inc, "drop", "run"]);
    assert_eq!(site.dropped(), 1);
    let said = copy.run(&["step", &inc, "drop", "run"]);
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    assert_eq!(site.dropped(), 1);
    robin.ok(&["verify", &inc]);
}

#[test]
fn case_10_an_expired_approval_opens_nothing() {
    let site = Site::with(
        BOOK,
        "approvals: 1, role: approver, not: [performer], expires: 3s",
    );
    let (robin, inc) = site.asked("robin");
    site.team.person("sasha").ok(&["approve", &inc, "drop"]);
    let said = wait_for("end of the approval", || {
        let said = robin.run(&["gate", &inc, "drop"]);
        let said = text(&said.stdout);
        said.starts_with("closed: ").then_some(said)
    });
    // By the wall clock it counts no more, by the clock that nobody sets it is over: whichever comes first.
    let told = ["0 of 1 approvals", "has expired"];
    assert!(told.iter().any(|words| said.contains(words)), "{said}");
    robin.fails(1, &["step", &inc, "drop", "run"]);
    robin.fails(1, &["gate", &inc, "drop", "--run"]);
    assert_eq!(site.dropped(), 0);
}

#[test]
fn case_10_a_clock_behind_the_record_opens_nothing() {
    let site = Site::new();
    let (robin, inc) = site.asked("robin");
    let sasha = site.team.person("sasha");
    sasha.ok(&["approve", &inc, "drop"]);
    // As the record of a machine looks to one whose clock was set back by ten minutes.
    let note = NoteAdded {
        text: "ten minutes later".to_owned(),
        step: None,
        details: None,
    };
    forge(&sasha, &inc, note, TimeDelta::minutes(10));
    let said = robin.fails(1, &["step", &inc, "drop", "run"]);
    assert!(said.contains("behind the latest event"), "{said}");
    assert_eq!(site.dropped(), 0);
}

#[test]
fn case_10_a_laptop_that_slept_counts_the_time_since_it_saw_the_approval() {
    let site = Site::with(
        BOOK,
        "approvals: 1, role: approver, not: [performer], expires: 1m",
    );
    let (robin, inc) = site.asked("robin");
    site.team.person("sasha").ok(&["approve", &inc, "drop"]);
    robin.ok(&["gate", &inc, "drop"]);
    // Seen when this machine began, by the clock that nobody sets: what a laptop finds that slept since.
    let path = files_below(&robin.state)
        .into_iter()
        .find(|path| path.ends_with("receipts.json"))
        .unwrap();
    let seen = fs::read_to_string(&path).unwrap();
    let mut seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
    for stamp in seen.as_object_mut().unwrap().values_mut() {
        stamp["millis"] = 1.into();
    }
    fs::write(&path, seen.to_string()).unwrap();
    let said = robin.fails(1, &["step", &inc, "drop", "run"]);
    assert!(said.contains("has expired"), "{said}");
    assert_eq!(site.dropped(), 0);
}

#[test]
fn case_19_a_statement_that_is_not_of_the_form_is_no_statement() {
    let site = Site::new();
    let (robin, inc) = site.asked("robin");
    let statement = site.statement(&robin, &inc, "sasha@example.org");
    let good = fs::read_to_string(&statement).unwrap();
    let first = good.lines().nth(1).unwrap();
    let texts = [
        good.replace("reason: -", "reason: \r-"),
        good.replace("reason: -", "reason: \0"),
        format!("{good}{first}\n"),
        good.replacen(first, &format!("{first}\n{first}"), 1),
        format!("{good}{}", "x".repeat(1 << 20)),
        good.replacen("runsheet-approval v1", "runsheet-approval v2", 1),
    ];
    let bad = site.team.dir.path().join("bad");
    for words in &texts {
        fs::write(&bad, words).unwrap();
        let signature = site.sign("sasha", &bad);
        let (bad, signature) = (bad.to_str().unwrap(), signature.to_str().unwrap());
        let done = robin.run(&[
            "approve",
            &inc,
            "drop",
            "--statement",
            bad,
            "--signature",
            signature,
        ]);
        let refused = matches!(done.status.code(), Some(1 | 2));
        assert!(refused, "{:?}: {done:?}", &words[..words.len().min(2000)]);
    }
    let told = robin.ok(&["timeline", &inc]);
    assert!(!told.contains("approved"), "{told}");
    // Nor in an event of somebody who may approve.
    let sasha = site.team.person("sasha");
    let form = site.approval(&sasha, &inc, "sasha", |_| {});
    for words in [
        form.signed.statement.replace('\n', "\r\n"),
        form.signed.statement.replacen(" v1\n", " v2\n", 1),
        format!("{}reason: -\n", form.signed.statement),
    ] {
        let mut fact = form.clone();
        fact.signed.signature = site.signature("sasha", &words);
        fact.signed.statement = words;
        forge(&sasha, &inc, fact, TimeDelta::zero());
        comes_to_nothing(&site, &robin, &inc);
    }
}

fn git(repo: &Path, args: &[&str]) -> String {
    super::support::git(repo, args)
}

#[test]
fn case_20_replacements_grafts_shallow_and_alternates_of_library_record_and_hub_open_nothing() {
    let site = Site::new();
    let library = site.library();
    // Whoever reads with replacements sees a policy under which robin needs nobody, and robin's key as sasha's.
    let policy = fs::read_to_string(library.join("policy.yaml")).unwrap();
    let forged = library.join("forged");
    for (path, words) in [
        (
            "policy.yaml",
            policy.replace(
                "approvals: 1, role: approver, not: [performer]",
                "approvals: 1, role: operator, not: []",
            ),
        ),
        (
            "allowed_signers",
            format!("sasha@example.org {}\n", site.public_key("robin")),
        ),
    ] {
        fs::write(&forged, words).unwrap();
        let real = git(&library, &["rev-parse", &format!("HEAD:{path}")]);
        let other = git(&library, &["hash-object", "-w", "forged"]);
        git(&library, &["replace", &real, &other]);
    }
    fs::remove_file(forged).unwrap();
    let (robin, inc) = site.asked("robin");
    robin.fails(1, &["approve", &inc, "drop"]);
    robin.fails(1, &["step", &inc, "drop", "run"]);
    // The record of one machine and the hub, with another history laid over the real one.
    robin.ok(&["sync", &inc]);
    let id = inc.trim_start_matches("INC-");
    let hub = site.team.dir.path().join("hub.git");
    for repo in [robin.state.join("record.git"), hub] {
        let names = git(
            &repo,
            &[
                "for-each-ref",
                "--format=%(refname)",
                &format!("refs/incidents/{id}/w"),
            ],
        );
        let name = names.lines().next().unwrap();
        let tip = git(&repo, &["rev-parse", name]);
        let first = git(&repo, &["rev-list", "--max-parents=0", name]);
        git(&repo, &["replace", &tip, first.lines().next().unwrap()]);
    }
    let record = robin.state.join("record.git");
    fs::create_dir_all(record.join("info")).unwrap();
    fs::write(record.join("info/grafts"), format!("{}\n", "0".repeat(40))).unwrap();
    fs::create_dir_all(record.join("objects/info")).unwrap();
    fs::write(record.join("objects/info/alternates"), "/nowhere/objects\n").unwrap();
    let said = robin.run(&["verify", &inc]);
    let said = text(&said.stdout) + &text(&said.stderr);
    for what in ["replaced objects", "grafts", "alternates"] {
        assert!(said.contains(what), "{what}: {said}");
    }
    site.team.person("sasha").ok(&["approve", &inc, "drop"]);
    robin.run(&["step", &inc, "drop", "run"]);
    assert_eq!(site.dropped(), 1);
    // A library whose history is cut or laid over says nothing of who is trusted: nothing opens by it.
    robin.ok(&["request", &inc, "drop"]);
    let tip = git(&library, &["rev-parse", "HEAD"]);
    fs::create_dir_all(library.join(".git/info")).unwrap();
    for (file, words) in [
        (".git/info/grafts", format!("{tip}\n")),
        (".git/shallow", format!("{tip}\n")),
        (
            ".git/objects/info/alternates",
            "/nowhere/objects\n".to_owned(),
        ),
    ] {
        fs::write(library.join(file), words).unwrap();
        let done = site.team.person("sasha").run(&["approve", &inc, "drop"]);
        assert!(!done.status.success(), "{file}: {done:?}");
        fs::remove_file(library.join(file)).unwrap();
    }
    site.team.person("sasha").ok(&["approve", &inc, "drop"]);
}

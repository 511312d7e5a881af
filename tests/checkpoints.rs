//! Gates from the command line, with the real program, two people and what lies between them: a hub, a spool, nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

#[path = "support/team.rs"]
mod team;

use std::fs;
use std::path::Path;

use runsheet::engine::event::Draft;
use runsheet::engine::{Fact, RunId};
use runsheet::evidence::Digest;
use runsheet::trust::Statement;
use team::{Person, Team, files_below, plain, text};

const BOOK: &str = "\
id: a
title: A
inputs:
  place: {}
steps:
  - id: drop
    title: Drop it
    run: 'echo dropped >> \"$place/dropped.txt\"'
    rollback: 'echo undone >> \"$place/dropped.txt\"'
    risk: destructive
  - id: only
    title: Promote the standby
    run: 'echo promoted >> \"$place/promoted.txt\"'
    exclusive: true
  - {id: last, title: Last}
";

fn hub() -> (Team, Person, Person) {
    let team = Team::new(&[("a", BOOK)]).with_hub();
    let (robin, sasha) = (team.person("robin"), team.person("sasha"));
    (team, robin, sasha)
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn dropped(robin: &Person, sasha: &Person) -> String {
    let inc = robin.start("a");
    robin.ok(&["request", &inc, "drop"]);
    sasha.ok(&["approve", &inc, "drop"]);
    robin.ok(&["step", &inc, "drop", "run"]);
    inc
}

#[test]
fn a_roll_back_is_asked_for_approved_and_run_like_the_step() {
    let (team, robin, sasha) = hub();
    let inc = dropped(&robin, &sasha);
    let out = team.place().join("dropped.txt");
    let said = robin.fails(1, &["step", &inc, "drop", "roll-back"]);
    assert!(
        said.contains("checkpoint") || said.contains("approv"),
        "{said}"
    );
    robin.ok(&["request", &inc, "drop", "--roll-back"]);
    let said = sasha.run(&["approve", &inc, "drop"]);
    let shown = text(&said.stdout);
    assert!(
        shown.contains("ROLL BACK") && shown.contains("undone"),
        "{shown}"
    );
    assert_eq!(lines(&out), ["dropped"]);
    robin.ok(&["step", &inc, "drop", "roll-back"]);
    assert_eq!(lines(&out), ["dropped", "undone"]);
    robin.fails(1, &["step", &inc, "drop", "roll-back"]);
    // Who reads it later sees which of the two was approved.
    assert!(text(&said.stderr).contains("sasha approved rolling back drop for robin"));
    let told = robin.ok(&["timeline", &inc]);
    for words in [
        "approved drop for robin",
        "approved rolling back drop for robin",
        "passed the checkpoint of drop with",
        "passed the checkpoint of rolling back drop with",
    ] {
        assert_eq!(told.matches(words).count(), 1, "{words}: {told}");
    }
    robin.ok(&["sync", &inc]);
    robin.ok(&["verify", &inc]);
    assert!(robin.ok(&["export", &inc]).contains("roll back"));
}

#[test]
fn case_12_a_person_removed_from_the_library_counts_no_more_and_the_record_says_since_when() {
    let (team, robin, sasha) = hub();
    let inc = robin.start("a");
    robin.ok(&["request", &inc, "drop"]);
    sasha.ok(&["approve", &inc, "drop"]);
    robin.ok(&["people", "remove", "sasha"]);
    let said = robin.fails(1, &["step", &inc, "drop", "run"]);
    assert!(said.contains("trust shrinks at once"), "{said}");
    assert!(!team.place().join("dropped.txt").exists());
    let told = robin.ok(&["timeline", &inc]);
    assert!(told.contains("no longer trusts sasha"), "{told}");
    robin.ok(&["sync", &inc]);
    robin.ok(&["verify", &inc]);
    // Nor can an answer to a new question come from there.
    robin.ok(&["request", &inc, "drop"]);
    sasha.fails(1, &["approve", &inc, "drop"]);
}

#[test]
fn a_policy_is_adopted_by_two_people_and_what_was_pending_is_void() {
    let (team, robin, sasha) = hub();
    let inc = robin.start("a");
    robin.ok(&["request", &inc, "drop"]);
    sasha.ok(&["approve", &inc, "drop"]);
    let library = team.dir.path().join("library");
    let policy = fs::read_to_string(library.join("policy.yaml")).unwrap();
    let stricter =
        format!("{policy}\ncheckpoints: [{{when: \"risk == 'destructive'\", expires: 5m}}]\n");
    let stricter = if policy.contains("checkpoints:") {
        policy.replace("expires: 15m", "expires: 5m")
    } else {
        stricter
    };
    assert_ne!(stricter, policy);
    commit(&library, "policy.yaml", &stricter);
    robin.ok(&[
        "policy",
        "adopt",
        &inc,
        "--reason",
        "approvals hold too long",
    ]);
    let said = robin.fails(1, &["policy", "adopt", &inc]);
    assert!(said.contains("another person"), "{said}");
    sasha.ok(&["policy", "adopt", &inc]);
    robin.ok(&["sync", &inc]);
    robin.fails(1, &["step", &inc, "drop", "run"]);
    robin.ok(&["request", &inc, "drop"]);
    let shown = sasha.run(&["approve", &inc, "drop"]);
    assert!(text(&shown.stdout).contains("; 5m"), "{shown:?}");
    robin.ok(&["step", &inc, "drop", "run"]);
    robin.ok(&["sync", &inc]);
    robin.ok(&["verify", &inc]);
}

#[test]
fn evidence_taken_out_by_two_is_gone_everywhere_and_its_digest_stays() {
    let (team, robin, sasha) = hub();
    let inc = robin.start("a");
    let secret = team.dir.path().join("leak.txt");
    fs::write(&secret, "a customer named Quillfeather\n").unwrap();
    robin.ok(&["attach", &inc, secret.to_str().unwrap()]);
    fs::remove_file(&secret).unwrap();
    sasha.ok(&["sync", &inc]);
    let journal = robin.journal(&inc);
    let digest = *journal.evidence_cited().keys().next().unwrap();
    let hex = digest.hex();
    let why = ["--reason", "a customer's name"];
    robin.ok(&[&["expunge", &inc, &hex][..], &why].concat());
    assert!(robin.journal(&inc).evidence(&digest).unwrap().is_some());
    sasha.ok(&[&["expunge", &inc, &hex][..], &why].concat());
    robin.ok(&["sync", &inc]);
    for person in [&robin, &sasha] {
        assert_eq!(person.journal(&inc).evidence(&digest).unwrap(), None);
    }
    // Nowhere: neither as a file nor in any object of any repository, the hub's included.
    let hub = team.dir.path().join("hub.git");
    for dir in [&robin.state, &sasha.state, &hub] {
        for repo in [dir.join("record.git"), dir.clone()] {
            if !repo.join("HEAD").exists() {
                continue;
            }
            let git = |args: &[&str]| {
                let done = plain("git", team.dir.path())
                    .arg("-C")
                    .arg(&repo)
                    .args(args)
                    .output();
                text(&done.unwrap().stdout)
            };
            assert!(!git(&["for-each-ref"]).contains(&hex), "{repo:?}");
            if repo != hub {
                let objects = git(&["cat-file", "--batch-all-objects", "--batch"]);
                assert!(!objects.contains("Quillfeather"), "{repo:?}");
            }
        }
        for file in files_below(dir) {
            let bytes = fs::read(&file).unwrap();
            let found = bytes.windows(12).any(|window| window == b"Quillfeather");
            assert!(!found, "{file:?}");
        }
    }
    let said = robin.fails(2, &["verify", &inc]);
    assert!(said.contains("withheld") && said.contains(&hex), "{said}");
    assert!(robin.ok(&["export", &inc]).contains("withheld"));
}

#[test]
fn an_exclusive_step_is_started_once_whoever_tries() {
    let (team, robin, sasha) = hub();
    let inc = robin.start("a");
    robin.ok(&["step", &inc, "drop", "skip", "--reason", "not needed"]);
    sasha.ok(&["sync", &inc]);
    robin.ok(&["step", &inc, "only", "run"]);
    // Sasha cannot hear of it: her record still stands before that step, and the claim at the hub says no.
    let hub = team.dir.path().join("hub.git");
    let writers = git(
        &hub,
        &[
            "for-each-ref",
            "--format=%(refname)",
            "refs/incidents/*/w/*",
        ],
    );
    for writer in writers.lines() {
        git(&hub, &["update-ref", "-d", writer]);
    }
    let said = sasha.fails(1, &["step", &inc, "only", "run"]);
    assert!(
        said.contains("robin@example.org claimed it first"),
        "{said}"
    );
    assert_eq!(lines(&team.place().join("promoted.txt")), ["promoted"]);
    robin.ok(&["verify", &inc]);
}

#[test]
fn an_exclusive_step_is_refused_while_the_hub_is_gone_and_overridden_on_the_record() {
    let (team, robin, _) = hub();
    let inc = robin.start("a");
    robin.ok(&["step", &inc, "drop", "skip", "--reason", "not needed"]);
    fs::rename(
        team.dir.path().join("hub.git"),
        team.dir.path().join("away.git"),
    )
    .unwrap();
    let said = robin.fails(1, &["step", &inc, "only", "run"]);
    assert!(said.contains("the hub could not be asked"), "{said}");
    robin.ok(&[
        "override",
        &inc,
        "only",
        "--reason",
        "the hub is down with the rest",
    ]);
    robin.ok(&["step", &inc, "only", "run"]);
    let told = robin.ok(&["timeline", &inc]);
    assert!(told.contains("the hub could not be reached"), "{told}");
    robin.fails(2, &["verify", &inc]);
}

#[test]
fn in_a_spool_an_exclusive_step_is_claimed_once_too() {
    let team = Team::new(&[("a", BOOK)]).with_spool();
    let (robin, sasha) = (team.person("robin"), team.person("sasha"));
    let inc = robin.start("a");
    robin.ok(&["step", &inc, "drop", "skip", "--reason", "not needed"]);
    robin.ok(&["step", &inc, "only", "run"]);
    sasha.fails(1, &["step", &inc, "only", "run"]);
    assert_eq!(lines(&team.place().join("promoted.txt")), ["promoted"]);
}

#[test]
fn a_question_is_passed_on_to_who_may_answer_and_to_nobody_else() {
    let (_team, robin, sasha) = hub();
    let inc = robin.start("a");
    robin.ok(&["request", &inc, "drop"]);
    let said = sasha.fails(1, &["delegate", &inc, "drop", "lee@example.org"]);
    assert!(said.contains("lee@example.org"), "{said}");
}

#[test]
fn approve_prints_the_text_on_standard_output_as_its_digest_covers_it() {
    let (_team, robin, sasha) = hub();
    let inc = robin.start("a");
    robin.ok(&["request", &inc, "drop"]);
    let statement = |event: &Fact| match event {
        Fact::CheckpointApproved(fact) => Some(fact.signed.statement.clone()),
        _ => None,
    };
    let signed = |person: &Person| {
        let journal = person.journal(&inc);
        let mut events = journal.log().events().iter().rev();
        let found = events.find_map(|event| statement(&event.fact)).unwrap();
        Statement::parse(found.as_bytes()).unwrap()
    };
    let done = sasha.run(&["approve", &inc, "drop"]);
    assert!(done.status.success(), "{done:?}");
    let digest = Digest::of(&done.stdout);
    assert_eq!(signed(&sasha).display, Some(digest), "{done:?}");
    let said = text(&done.stderr);
    assert!(
        said.contains("request    sha256:") && said.contains("approved drop"),
        "{said}"
    );
    // As one document, both digests and the text with it.
    robin.ok(&["withdraw", &inc, "drop"]);
    robin.ok(&["request", &inc, "drop"]);
    let document = sasha.ok(&["--json", "approve", &inc, "drop"]);
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["display"], digest.to_string());
    assert_eq!(document["text"], text(&done.stdout));
    assert_eq!(document["events"][0]["kind"], "checkpoint.approved");
    assert_eq!(document["request"], signed(&sasha).request.to_string());
}

#[test]
fn case_07_a_whole_incident_grafted_under_a_new_id_is_refused() {
    let (_team, robin, sasha) = hub();
    let inc = robin.start("a");
    robin.ok(&["request", &inc, "drop"]);
    sasha.ok(&["approve", &inc, "drop"]);
    robin.ok(&["sync", &inc]);
    let from = robin.folder(&inc);
    let grafted = "01KATC7Q00ABCDEFGHJKMNPQRS";
    let to = from.with_file_name(grafted);
    fs::create_dir(&to).unwrap();
    for file in files_below(&from) {
        let place = to.join(file.strip_prefix(&from).unwrap());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(&file, place).unwrap();
    }
    let other = format!("INC-{grafted}");
    assert!(!robin.run(&["step", &other, "drop", "run"]).status.success());
    robin.fails(1, &["verify", &other]);
    assert!(!robin.dir.join("place/dropped.txt").exists());
    robin.ok(&["step", &inc, "drop", "run"]);
}

#[test]
fn case_17_a_signed_commit_that_says_approve_is_no_approval() {
    let (team, robin, sasha) = hub();
    let inc = robin.start("a");
    robin.ok(&["request", &inc, "drop"]);
    sasha.ok(&["sync", &inc]);
    let hub = team.dir.path().join("hub.git");
    let key = team.dir.path().join("sasha");
    let git = |args: &[&str]| {
        let done = plain("git", team.dir.path())
            .arg("-C")
            .arg(&hub)
            .args(["-c", "gpg.format=ssh", "-c"])
            .arg(format!("user.signingkey={}", key.display()))
            .args([
                "-c",
                "user.name=Sasha",
                "-c",
                "user.email=sasha@example.org",
            ])
            .args(args)
            .output()
            .unwrap();
        assert!(done.status.success(), "{args:?}: {done:?}");
        text(&done.stdout).trim().to_owned()
    };
    let id = inc.trim_start_matches("INC-");
    let refs = git(&[
        "for-each-ref",
        "--format=%(refname)",
        &format!("refs/incidents/{id}/w"),
    ]);
    let robins = refs.lines().next().unwrap().to_owned();
    let tree = git(&["rev-parse", &format!("{robins}^{{tree}}")]);
    let tip = git(&["rev-parse", &robins]);
    let commit = git(&[
        "commit-tree",
        "-S",
        &tree,
        "-p",
        &tip,
        "-m",
        "sasha approved drop for robin",
    ]);
    // As a writer of its own, and as the next commit of robin's.
    let own = format!("refs/incidents/{id}/w/{}", "5a".repeat(16));
    git(&["update-ref", &own, &commit]);
    robin.run(&["sync", &inc]);
    let said = robin.fails(1, &["step", &inc, "drop", "run"]);
    assert!(said.contains("0 of 1 approvals"), "{said}");
    let said = robin.fails(1, &["verify", "--git-dir", hub.to_str().unwrap()]);
    assert!(said.contains("violation"), "{said}");
    assert!(!team.place().join("dropped.txt").exists());
}

#[test]
fn a_record_that_names_other_authors_than_git_opens_nothing() {
    let (_team, robin, sasha) = hub();
    let inc = robin.start("a");
    let mut journal = robin.journal(&inc);
    let begun = journal.log().events()[1].clone();
    let Fact::RunStarted(mut fact) = begun.fact.clone() else {
        panic!("{:?}", begun.fact.kind());
    };
    fact.run = RunId::new("a.0001").unwrap();
    // Sasha wrote nothing of it by this, so nobody could say that she approves her own work.
    for authors in fact.runbook.authors.values_mut() {
        *authors = vec!["robin@example.org".to_owned()];
    }
    let draft = Draft {
        occurred_at: begun.occurred_at,
        occurred_until: None,
        fidelity: begun.fidelity,
        recorded_at: begun.recorded_at,
        person: begun.person.clone(),
        signed: begun.signed,
        role: None,
        account: begun.account.to_string(),
        host: begun.host.to_string(),
        boot: begun.boot.clone(),
        mode: begun.mode,
        sim_time: None,
        fact: fact.into(),
    };
    journal.writer(&begun.person).unwrap();
    let forged = journal.transact(|_| Ok::<_, runsheet::engine::Refusal>((vec![draft], ())));
    assert!(forged.is_ok());
    drop(journal);
    robin.ok(&["request", &inc, "a.0001/drop"]);
    let said = sasha.fails(1, &["approve", &inc, "a.0001/drop"]);
    assert!(said.contains("names other authors"), "{said}");
    let said = robin.fails(2, &["verify", &inc]);
    assert!(said.contains("names other authors of step"), "{said}");
}

#[test]
fn what_is_no_event_at_the_hub_says_nothing_of_an_honest_record() {
    let (team, robin, sasha) = hub();
    let inc = dropped(&robin, &sasha);
    robin.ok(&["sync", &inc]);
    let hub = team.dir.path().join("hub.git");
    fs::write(hub.join("junk"), "hi").unwrap();
    let junk = git(&hub, &["hash-object", "-w", "junk"]);
    let id = inc.trim_start_matches("INC-");
    let name = format!("refs/incidents/{id}/w/{}", "ab".repeat(16));
    git(&hub, &["update-ref", &name, junk.trim()]);
    for person in [&robin, &sasha] {
        person.run(&["sync", &inc]);
        person.ok(&["verify", &inc]);
    }
}

#[test]
fn evidence_that_was_swapped_at_the_hub_is_not_taken_and_asked_for_again() {
    let (team, robin, sasha) = hub();
    let inc = robin.start("a");
    let file = team.dir.path().join("shot.txt");
    fs::write(&file, "what was seen\n").unwrap();
    robin.ok(&["attach", &inc, file.to_str().unwrap()]);
    robin.ok(&["sync", &inc]);
    let digest = *robin.journal(&inc).evidence_cited().keys().next().unwrap();
    let hub = team.dir.path().join("hub.git");
    let name = format!(
        "refs/incidents/{}/e/{}",
        inc.trim_start_matches("INC-"),
        digest.hex()
    );
    let good = git(&hub, &["rev-parse", &name]);
    fs::write(hub.join("junk"), "something else").unwrap();
    let junk = git(&hub, &["hash-object", "-w", "junk"]);
    git(&hub, &["update-ref", &name, junk.trim()]);
    sasha.run(&["sync", &inc]);
    let said = sasha.fails(2, &["verify", &inc]);
    assert!(said.contains("is not here"), "{said}");
    git(&hub, &["update-ref", &name, good.trim()]);
    sasha.ok(&["sync", &inc]);
    sasha.ok(&["verify", &inc]);
}

#[test]
fn a_runbook_that_sets_what_is_not_its_own_is_not_started() {
    let book = "id: b\ntitle: B\nsteps: [{id: x, run: ls, env: {PATH: /tmp/evil}}]\n";
    let team = Team::new(&[("b", book)]);
    let said = team.person("robin").fails(2, &["start", "b"]);
    assert!(said.contains("sets `PATH`"), "{said}");
}

fn git(repo: &Path, args: &[&str]) -> String {
    let done = plain("git", repo)
        .arg("-C")
        .arg(repo)
        .args(args)
        .output()
        .unwrap();
    assert!(done.status.success(), "{args:?}: {done:?}");
    text(&done.stdout)
}

fn commit(library: &Path, file: &str, bytes: &str) {
    fs::write(library.join(file), bytes).unwrap();
    for args in [
        &["add", file][..],
        &[
            "-c",
            "user.name=Lee",
            "-c",
            "user.email=lee@example.org",
            "commit",
            "-qm",
            "Change it",
        ],
    ] {
        let done = plain("git", library)
            .arg("-C")
            .arg(library)
            .args(args)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }
}

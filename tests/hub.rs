//! Two people who share an incident through a hub: a repository given as a path, and one behind a real sshd with keys
//! of its own. Either may be away for a while; afterwards both have the same bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

#[path = "support/sshd.rs"]
mod sshd;
#[path = "support/team.rs"]
mod team;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};

use team::{Person, Team, plain, text, wait_for};

const SHARED: &str = r#"
id: shared
title: Shared
severity: sev2
summary: Two people and a hub.
owner: shared
inputs:
  place: {prompt: Where}
steps:
  - id: look
    run: echo looked
  - id: cut
    run: echo cut >> "$place/cut"; echo cut
    risk: destructive
    checkpoint: {approvals: 1, role: approver, not: [performer], expires: 15m}
  - id: say
    ask: {lesson: {prompt: What did you learn?}}
"#;

/// Every segment of an incident, by file name.
fn segments(person: &Person, inc: &str) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(person.folder(inc)).unwrap().flatten();
    files
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(&path).unwrap())
        })
        // One that was made and never written to is nobody's word.
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect()
}

/// The published commits of an incident in a repository, by reference.
fn references(git_dir: &Path, inc: &str) -> String {
    let under = format!("refs/incidents/{}/w", inc.trim_start_matches("INC-"));
    let done = plain("git", git_dir)
        .arg("--git-dir")
        .arg(git_dir)
        .args(["for-each-ref", "--format=%(refname) %(objectname)", &under])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    text(&done.stdout)
}

fn hub_git(hub: &Path, words: &[&str]) -> String {
    let done = plain("git", hub)
        .arg("--git-dir")
        .arg(hub)
        .args(words)
        .output()
        .unwrap();
    assert!(done.status.success(), "{words:?}: {done:?}");
    text(&done.stdout).trim().to_owned()
}

/// Both have the same bytes, in files and in references, and so has the hub.
fn same_everywhere(robin: &Person, sasha: &Person, hub: &Path, inc: &str) {
    let (ours, theirs) = (segments(robin, inc), segments(sasha, inc));
    assert_eq!(
        ours.keys().collect::<Vec<_>>(),
        theirs.keys().collect::<Vec<_>>()
    );
    assert!(ours == theirs, "the segments differ");
    let published = references(&robin.state.join("record.git"), inc);
    assert_eq!(published.lines().count(), ours.len());
    assert_eq!(published, references(&sasha.state.join("record.git"), inc));
    assert_eq!(published, references(hub, inc));
}

/// From the start to a checkpoint passed by the second person, who knows nothing but the incident's name.
fn walk_together(robin: &Person, sasha: &Person, hub: &Path) -> String {
    let inc = robin.start("shared");
    robin.ok(&["step", &inc, "look", "run"]);
    robin.ok(&["request", &inc, "cut"]);
    // Known by the end of its name, which only the hub can complete.
    let short = format!("INC-{}", &inc[inc.len() - 6..]);
    let seen = sasha.ok(&["status", &short]);
    assert!(seen.contains("Shared"), "{seen}");
    sasha.ok(&["approve", &short, "cut"]);
    robin.ok(&["step", &inc, "cut", "run"]);
    sasha.ok(&["sync", &inc]);
    same_everywhere(robin, sasha, hub, &inc);
    inc
}

/// Days without the hub on both sides, and one meeting afterwards.
fn catch_up(robin: &Person, sasha: &Person, hub: &Path, inc: &str) {
    let away = hub.with_extension("away");
    fs::rename(hub, &away).unwrap();
    for n in 0..3 {
        for person in [robin, sasha] {
            let done = person.run(&["note", inc, &format!("{} alone, {n}", person.id)]);
            assert!(done.status.success(), "{done:?}");
            assert!(text(&done.stderr).contains("hub"), "{done:?}");
        }
    }
    robin.fails(4, &["sync", inc]);
    assert_ne!(segments(robin, inc), segments(sasha, inc));
    fs::rename(&away, hub).unwrap();
    robin.ok(&["sync", inc]);
    sasha.ok(&["sync", inc]);
    robin.ok(&["sync", inc]);
    same_everywhere(robin, sasha, hub, inc);
    // Nothing to do is no failure.
    robin.ok(&["sync"]);
    for person in [robin, sasha] {
        let seen = person.ok(&["timeline", inc]);
        for n in 0..3 {
            assert!(seen.contains(&format!("robin alone, {n}")), "{seen}");
            assert!(seen.contains(&format!("sasha alone, {n}")), "{seen}");
        }
    }
}

/// Ends when the test does.
struct Watch(Child);

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn watch(sasha: &Person, inc: &str) -> Watch {
    let log = File::create(sasha.dir.join("watch")).unwrap();
    Watch(
        sasha
            .command(&["sync", inc, "--watch"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap(),
    )
}

fn has(person: &Person, inc: &str, words: &str) -> bool {
    segments(person, inc)
        .values()
        .any(|bytes| text(bytes).contains(words))
}

#[test]
fn two_people_walk_an_incident_through_a_hub_that_is_a_path() {
    let team = Team::new(&[("shared", SHARED)]).with_hub();
    let (robin, sasha) = (team.person("robin"), team.person("sasha"));
    let hub = team.dir.path().join("hub.git");
    let inc = walk_together(&robin, &sasha, &hub);
    catch_up(&robin, &sasha, &hub, &inc);
    robin.ok(&["step", &inc, "say", "answer", "lesson=none"]);
    robin.ok(&["close", &inc]);
    sasha.ok(&["sync", &inc]);
    same_everywhere(&robin, &sasha, &hub, &inc);
    robin.ok(&["verify", &inc]);
    sasha.ok(&["verify", &inc]);
}

#[test]
fn two_people_walk_an_incident_through_a_hub_behind_ssh() {
    let mut team = Team::new(&[("shared", SHARED)]).with_hub();
    let hub = team.dir.path().join("hub.git");
    let server = sshd::Server::start(&team.dir.path().join("sshd"));
    team.hub = Some(format!("ssh://hub{}", hub.display()));
    team.env.push((
        "GIT_SSH_COMMAND".to_owned(),
        format!("ssh -F {}", server.client_config().display()),
    ));
    let (robin, sasha) = (team.person("robin"), team.person("sasha"));
    let inc = walk_together(&robin, &sasha, &hub);
    catch_up(&robin, &sasha, &hub, &inc);
    // The whole server away: said as the hub's trouble, and nothing else stops.
    drop(server);
    let done = robin.run(&["note", &inc, "the link is down"]);
    assert!(done.status.success(), "{done:?}");
    assert!(text(&done.stderr).contains("hub"), "{done:?}");
    robin.fails(4, &["sync", &inc]);
}

#[test]
fn a_watching_sync_brings_in_what_others_record_also_after_the_hub_was_away() {
    let team = Team::new(&[("shared", SHARED)]).with_hub();
    let (robin, sasha) = (team.person("robin"), team.person("sasha"));
    let hub = team.dir.path().join("hub.git");
    let inc = robin.start("shared");
    sasha.ok(&["status", &inc]);
    let mut watching = watch(&sasha, &inc);
    robin.ok(&["note", &inc, "first words"]);
    wait_for("first words", || {
        has(&sasha, &inc, "first words").then_some(())
    });
    let away = hub.with_extension("away");
    fs::rename(&hub, &away).unwrap();
    robin.ok(&["note", &inc, "second words"]);
    // It has noticed that the hub is gone, and goes on all the same.
    wait_for("word of the hub's absence", || {
        let said = fs::read_to_string(sasha.dir.join("watch")).unwrap();
        said.contains("hub.git").then_some(())
    });
    assert!(watching.0.try_wait().unwrap().is_none());
    fs::rename(&away, &hub).unwrap();
    robin.ok(&["sync", &inc]);
    wait_for("second words", || {
        has(&sasha, &inc, "second words").then_some(())
    });
}

#[test]
fn evidence_follows_when_it_is_asked_for() {
    let team = Team::new(&[("shared", SHARED)]).with_hub();
    let (robin, sasha) = (team.person("robin"), team.person("sasha"));
    let inc = robin.start("shared");
    let file = team.place().join("proof.txt");
    fs::write(&file, "this is the proof\n").unwrap();
    robin.ok(&["attach", &inc, file.to_str().unwrap()]);
    sasha.ok(&["sync", &inc]);
    let evidence = sasha.folder(&inc).join("evidence");
    let found = team::files_below(&evidence)
        .iter()
        .any(|path| fs::read(path).unwrap() == b"this is the proof\n");
    assert!(found, "the evidence did not come");
    sasha.ok(&["verify", &inc]);
}

#[test]
fn case_27_force_push_and_deletion_at_the_hub_are_told_and_cost_nothing() {
    let team = Team::new(&[("shared", SHARED)]).with_hub();
    let (robin, sasha) = (team.person("robin"), team.person("sasha"));
    let hub = team.dir.path().join("hub.git");
    let inc = robin.start("shared");
    robin.ok(&["note", &inc, "first"]);
    robin.ok(&["note", &inc, "second"]);
    sasha.ok(&["sync", &inc]);
    sasha.ok(&["note", &inc, "mine"]);
    robin.ok(&["sync", &inc]);
    let before = segments(&sasha, &inc);
    let mut refs = references(&hub, &inc);
    let roots = refs.clone();
    let theirs = roots
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .find(|(name, _)| {
            let writer = name.rsplit('/').next().unwrap();
            text(&before[&format!("{writer}.jsonl")]).contains("second")
        })
        .unwrap();
    // One event back, as a force-push would.
    let back = hub_git(&hub, &["rev-parse", &format!("{}^", theirs.1)]);
    hub_git(&hub, &["update-ref", theirs.0, &back]);
    let said = text(&sasha.run(&["sync", &inc]).stderr);
    assert!(said.contains("took back or rewrote"), "{said}");
    hub_git(&hub, &["update-ref", "-d", theirs.0]);
    let said = text(&sasha.run(&["sync", &inc]).stderr);
    assert!(said.contains("no longer has writer"), "{said}");
    assert_eq!(segments(&sasha, &inc), before);
    sasha.ok(&["verify", &inc]);
    // The one whose events they are puts them back.
    robin.ok(&["sync", &inc]);
    refs = references(&hub, &inc);
    assert_eq!(refs, roots);
    let said = text(&sasha.run(&["sync", &inc]).stderr);
    assert!(!said.contains("no longer"), "{said}");
}

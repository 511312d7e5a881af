//! The whole walk from the command line only: two people with keys, a library made on the spot, a hub that is a path.
//! Then every byte of what they leave behind is worth something: flip one and `verify` says which event it was.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};
use support::{commit, git_as, repository};
use tempfile::TempDir;

const BOOK: &str = "\
id: drop-it
title: Drop the broken replica
summary: The replica answers with old data.
last_reviewed: 2026-10-01
inputs:
  target: {default: db7}
steps:
  - {id: look, title: Look at it, checklist: [It is the right one]}
  - id: drop
    title: Drop it
    run: echo \"dropped $target\" && echo \"$target\" > dropped.txt
    rollback: rm dropped.txt
    risk: destructive
  - {id: tell, notify: {audience: customers, state: resolved, message: 'It is gone.'}}
";

const POLICY: &str = "\
people:
  alice: {name: Alice Ames, principals: [alice@example.org], roles: [operator, commander]}
  carol: {name: Carol Chu, principals: [carol@example.org], roles: [approver, commander]}
  erin: {name: Erin East, principals: [erin@example.org], roles: [scribe]}
checkpoints:
  - {when: \"risk == 'destructive'\", approvals: 1, role: approver, not: [performer, author], expires: 15m}
override: {roles: [commander], expires: 30m}
";

/// Two people, a library by a third, a hub; nothing of the machine's user.
struct Site {
    dir: TempDir,
    hub: bool,
    spool: bool,
}

impl Site {
    fn new(books: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().unwrap();
        let library = repository(&dir.path().join("library"));
        let mut signers = String::new();
        for (index, name) in ["alice", "carol"].into_iter().enumerate() {
            let seed = [u8::try_from(index).unwrap() + 1; 32];
            let pair = KeypairData::from(Ed25519Keypair::from_seed(&seed));
            let key = PrivateKey::new(pair, name).unwrap();
            let path = dir.path().join(name);
            key.write_openssh_file(&path, LineEnding::LF).unwrap();
            let line = key.public_key().to_openssh().unwrap();
            signers += &format!("{name}@example.org {line}\n");
            fs::create_dir(dir.path().join(format!("{name}-cwd"))).unwrap();
        }
        for (path, text) in books {
            write(&library, path, text);
        }
        write(&library, "policy.yaml", POLICY);
        write(&library, "allowed_signers", &signers);
        git_as(&library, "Erin East", "erin@example.org", &["add", "."]);
        let message = ["commit", "--quiet", "-m", "Runbooks"];
        git_as(&library, "Erin East", "erin@example.org", &message);
        let hub = dir.path().join("hub.git");
        fs::create_dir(&hub).unwrap();
        git_as(
            &hub,
            "Hub",
            "hub@example.org",
            &["init", "--quiet", "--bare"],
        );
        Self {
            dir,
            hub: true,
            spool: false,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn state(&self, who: &str) -> PathBuf {
        self.path(&format!("{who}-state"))
    }

    fn command(&self, who: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runsheet"));
        let home = self.path("home");
        command
            .args(["--as", &format!("{who}@example.org")])
            .arg("--key")
            .arg(self.path(who))
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &home)
            .env("XDG_STATE_HOME", home.join("state"))
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("LANG", "C.UTF-8")
            .env("RUNSHEET_STATE", self.state(who))
            .env("RUNSHEET_LIBRARY", self.path("library"))
            .current_dir(self.path(&format!("{who}-cwd")))
            .stdin(Stdio::null());
        if self.hub {
            command.env("RUNSHEET_HUB", self.path("hub.git"));
        }
        if self.spool {
            command.env("RUNSHEET_SPOOL", self.path("spool"));
        }
        command
    }

    fn run(&self, who: &str, args: &[&str]) -> Said {
        Said::of(args, self.command(who, args).output().unwrap())
    }

    fn ok(&self, who: &str, args: &[&str]) -> String {
        self.run(who, args).is(0).out
    }

    fn json(&self, who: &str, args: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.ok(who, args)).unwrap()
    }

    /// A new incident with this runbook; its id.
    fn start(&self, who: &str, book: &str, more: &[&str]) -> String {
        let mut args = vec!["start", book];
        args.extend(more);
        let out = self.ok(who, &args);
        let id = out.lines().last().unwrap().to_owned();
        assert!(id.starts_with("INC-"), "{out}");
        id
    }

    /// Alice starts, looks, asks; carol approves; alice runs and tells.
    fn walked(&self) -> String {
        let id = self.start("alice", "drop-it", &["--title", "Old data"]);
        self.ok("alice", &["step", &id, "look", "done", "--all"]);
        self.ok("alice", &["request", &id, "drop"]);
        self.ok("alice", &["sync", &id]);
        self.ok("carol", &["sync", &id]);
        self.ok("carol", &["approve", &id, "drop"]);
        self.ok("carol", &["sync", &id]);
        self.ok("alice", &["sync", &id]);
        self.ok("alice", &["step", &id, "drop", "run"]);
        self.ok("alice", &["step", &id, "tell", "run"]);
        self.ok("alice", &["sync", &id]);
        self.ok("carol", &["sync", &id]);
        id
    }
}

struct Said {
    args: Vec<String>,
    status: i32,
    out: String,
    err: String,
}

impl Said {
    fn of(args: &[&str], output: Output) -> Self {
        Self {
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    fn is(self, status: i32) -> Self {
        let Self { args, out, err, .. } = &self;
        assert_eq!(self.status, status, "{args:?}\n{out}\n{err}");
        self
    }

    /// Large artifacts are fetched when they are wanted; until then nothing else may be in doubt.
    #[track_caller]
    #[allow(clippy::wrong_self_convention, reason = "the last word on a run")]
    fn is_proven_but_for_evidence(self) {
        if self.status == 0 {
            return;
        }
        let said = self.is(2);
        let owed = said.out.lines().filter(|line| line.starts_with("owed"));
        let other: Vec<_> = owed.filter(|line| !line.contains("not fetched")).collect();
        assert_eq!(other, Vec::<&str>::new());
        assert!(!said.out.contains("violated"), "{}", said.out);
    }

    #[track_caller]
    fn says(self, words: &str) -> Self {
        let Self { args, out, err, .. } = &self;
        assert!(
            out.contains(words) || err.contains(words),
            "{args:?}\n{out}\n{err}"
        );
        self
    }
}

fn write(dir: &Path, path: &str, text: &str) {
    let place = dir.join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, text).unwrap();
}

/// Every file below a directory, in order.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn drop_book() -> [(&'static str, &'static str); 1] {
    [("runbooks/drop-it.yaml", BOOK)]
}

#[test]
fn two_people_walk_through_a_checkpoint_and_anyone_can_verify_it() {
    let site = Site::new(&drop_book());
    let id = site.start("alice", "drop-it", &["--set", "target=db 9; $(reboot)"]);
    site.ok("alice", &["step", &id, "look", "done", "--all"]);
    site.run("alice", &["step", &id, "drop", "run"]).is(1);
    site.run("alice", &["step", &id, "drop", "done"])
        .is(1)
        .says("checkpoint");
    site.ok("alice", &["request", &id, "drop"]);
    site.run("alice", &["approve", &id, "drop"]).is(1);
    site.run("alice", &["step", &id, "drop", "run"])
        .is(1)
        .says("0 of 1");
    site.ok("alice", &["sync", &id]);
    // Carol has never seen this incident: her program fetches it from the hub.
    site.ok("carol", &["sync", &id]);
    let said = site.run("carol", &["approve", &id, "drop"]).is(0);
    assert!(said.out.contains("DESTRUCTIVE") || said.err.contains("DESTRUCTIVE"));
    site.run("carol", &["approve", &id, "drop"]).is(1);
    site.run("carol", &["step", &id, "drop", "run"]).is(1);
    site.ok("carol", &["sync", &id]);
    site.ok("alice", &["sync", &id]);
    site.ok("alice", &["step", &id, "drop", "run"]);
    let dropped = fs::read_to_string(site.path("alice-cwd/dropped.txt")).unwrap();
    assert_eq!(
        dropped, "db 9; $(reboot)\n",
        "a value is never part of the script"
    );
    site.run("alice", &["step", &id, "drop", "run"]).is(1);
    site.ok("alice", &["step", &id, "tell", "run"]);
    site.ok("alice", &["sync", &id]);
    site.ok("carol", &["sync", &id]);
    let exported = site.ok("alice", &["export", &id]);
    for words in [
        "Drop it",
        "carol@example.org",
        "alice@example.org",
        "It is gone.",
    ] {
        assert!(exported.contains(words), "{words} is not in\n{exported}");
    }
    assert_eq!(
        exported,
        site.ok("carol", &["export", &id]),
        "both export the same bytes"
    );
    let json = site.ok("alice", &["export", &id, "--format", "json"]);
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
    let export = |person, more: &[&str]| {
        let mut arguments = vec!["export", &id, "--format", "html"];
        arguments.extend(more);
        site.ok(person, &arguments)
    };
    let page = export("alice", &[]);
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("It is gone."));
    assert_eq!(page, export("carol", &[]), "both export the same bytes");
    let customers = export("alice", &["--audience", "customers"]);
    assert!(customers.contains("For customers, TLP:CLEAR."));
    site.run("alice", &["verify", &id]).is(0);
    site.run("carol", &["verify", &id])
        .is_proven_but_for_evidence();
}

#[test]
fn case_25_a_flipped_byte_of_any_segment_is_a_violation_that_names_the_event() {
    let site = Site::new(&drop_book());
    let id = site.walked();
    site.run("alice", &["verify", &id]).is(0);
    let segments: Vec<_> = files(&site.state("alice").join("incidents"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    assert!(!segments.is_empty());
    for segment in segments {
        let whole = fs::read(&segment).unwrap();
        for at in (0..whole.len()).step_by((whole.len() / 25).max(1) | 1) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&segment, &bytes).unwrap();
            let line = whole[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            let said = site.run("alice", &["verify", &id]);
            let place = format!("byte {at} of line {line} of {}", segment.display());
            assert_eq!(said.status, 1, "{place}\n{}\n{}", said.out, said.err);
            let text = format!("{}{}", said.out, said.err);
            assert!(names_an_event(&text, &whole, line), "{place}\n{text}");
        }
        fs::write(&segment, &whole).unwrap();
    }
    site.run("alice", &["verify", &id]).is(0);
}

/// The digest of the event of that line (or its beginning), or its number in the segment.
fn names_an_event(text: &str, segment: &[u8], line: usize) -> bool {
    let lines: Vec<_> = segment.split(|byte| *byte == b'\n').collect();
    let event: serde_json::Value = serde_json::from_slice(lines[line - 1]).unwrap();
    let digest = event["sha256"]
        .as_str()
        .unwrap()
        .trim_start_matches("sha256:");
    text.contains(&digest[..8])
        || text.contains(&format!("event {line}"))
        || text.contains(&format!("line {line}"))
}

#[test]
fn case_25_a_flipped_byte_of_any_published_object_is_a_violation() {
    let site = Site::new(&drop_book());
    let id = site.walked();
    let git = site.state("alice").join("record.git");
    let dir = git.to_str().unwrap();
    site.run("alice", &["verify", "--git-dir", dir]).is(0);
    let objects: Vec<_> = files(&git.join("objects"))
        .into_iter()
        .filter(|path| path.extension().is_none_or(|end| end == "pack"))
        .collect();
    assert!(!objects.is_empty());
    let stride = (objects.len() / 25).max(1);
    for object in objects.iter().step_by(stride) {
        let whole = fs::read(object).unwrap();
        let mut bytes = whole.clone();
        let at = bytes.len() / 2;
        bytes[at] ^= 0x10;
        let mut permissions = fs::metadata(object).unwrap().permissions();
        let before = permissions.clone();
        #[allow(
            clippy::permissions_set_readonly_false,
            reason = "a throw-away repository"
        )]
        permissions.set_readonly(false);
        fs::set_permissions(object, permissions).unwrap();
        fs::write(object, &bytes).unwrap();
        let said = site.run("alice", &["verify", "--git-dir", dir]);
        let place = format!("byte {at} of {}", object.display());
        assert_eq!(said.status, 1, "{place}\n{}\n{}", said.out, said.err);
        fs::write(object, &whole).unwrap();
        fs::set_permissions(object, before).unwrap();
    }
    site.run("alice", &["verify", &id]).is(0);
}

#[test]
fn two_people_share_an_incident_through_one_spool() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut site = Site::new(&drop_book());
    site.hub = false;
    site.spool = true;
    fs::create_dir(site.path("spool")).unwrap();
    fs::set_permissions(site.path("spool"), fs::Permissions::from_mode(0o3770)).unwrap();
    let id = site.start("alice", "drop-it", &[]);
    site.ok("alice", &["step", &id, "look", "done", "--all"]);
    site.ok("alice", &["request", &id, "drop"]);
    site.ok("carol", &["approve", &id, "drop"]);
    site.ok("alice", &["step", &id, "drop", "run"]);
    site.ok("carol", &["note", &id, "seen on the graphs too"]);
    assert!(
        site.ok("alice", &["timeline", &id])
            .contains("seen on the graphs too")
    );
    site.run("alice", &["verify", &id]).is(0);
    site.run("carol", &["verify", &id])
        .is_proven_but_for_evidence();
}

#[test]
fn case_22_an_override_without_a_hub_is_told_by_verify_until_somebody_else_reviews_it() {
    let mut site = Site::new(&drop_book());
    site.hub = false;
    let id = site.start("alice", "drop-it", &[]);
    site.run("alice", &["override", &id, "drop", "--reason", ""])
        .is(2);
    site.ok(
        "alice",
        &["override", &id, "drop", "--reason", "nobody answers"],
    );
    site.ok("alice", &["step", &id, "drop", "run"]);
    site.run("alice", &["verify", &id]).is(2);
    site.run("alice", &["close", &id]).is(1).says("review");
    site.run("alice", &["review", &id, "--reason", "it was me"])
        .is(1);
    site.hub = true;
    site.ok("alice", &["sync", &id]);
    site.ok("carol", &["sync", &id]);
    site.ok("carol", &["review", &id, "--reason", "it was right"]);
    site.ok("carol", &["sync", &id]);
    site.ok("alice", &["sync", &id]);
    site.run("alice", &["verify", &id]).is(0);
    site.ok("alice", &["close", &id]);
    site.run("alice", &["severity", &id, "sev1"])
        .is(1)
        .says("closed");
    site.ok("alice", &["note", &id, "thank you all"]);
    site.run("alice", &["verify", &id]).is(0);
}

#[test]
fn case_21_the_command_line_meets_the_gate_after_a_runbook_changed_in_the_library() {
    let site = Site::new(&drop_book());
    let id = site.start("alice", "drop-it", &[]);
    // What is pinned stays pinned: the new text is for incidents that start after it.
    let changed = BOOK.replace("dropped $target", "gone");
    commit(
        &site.path("library"),
        "runbooks/drop-it.yaml",
        &changed,
        "Change it",
    );
    site.ok("alice", &["request", &id, "drop"]);
    site.ok("alice", &["sync", &id]);
    site.ok("carol", &["sync", &id]);
    let said = site.run("carol", &["approve", &id, "drop"]).is(0);
    assert!(format!("{}{}", said.out, said.err).contains("dropped $target"));
    site.ok("carol", &["sync", &id]);
    // Carol is removed from the library before alice comes to run it: trust shrinks at once.
    let signers = fs::read_to_string(site.path("library/allowed_signers")).unwrap();
    let fewer: String = signers
        .lines()
        .filter(|line| !line.starts_with("carol"))
        .map(|line| format!("{line}\n"))
        .collect();
    commit(
        &site.path("library"),
        "allowed_signers",
        &fewer,
        "Carol has left",
    );
    site.ok("alice", &["sync", &id]);
    site.run("alice", &["step", &id, "drop", "run"])
        .is(1)
        .says("removed from the library");
    assert!(!site.path("alice-cwd/dropped.txt").exists());
}

#[test]
fn case_35_hostile_yaml_is_refused_by_check_and_by_start() {
    let bomb = {
        let mut text = "id: hostile\ntitle: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (one, two) in ('a'..'i').zip('b'..'j') {
            text += &format!(
                "k{two}: &{two} [*{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}]\n"
            );
        }
        text
    };
    let deep = format!("id: hostile\ntitle: {}\n", "[".repeat(10_000));
    let twice = "id: hostile\ntitle: A\ntitle: B\nsteps:\n  - {id: a, title: A}\n".to_owned();
    let tag = "id: hostile\ntitle: !!python/object/apply:os.system [reboot]\nsteps:\n  - {id: a, title: A}\n".to_owned();
    for (what, text) in [
        ("bomb", bomb),
        ("deep", deep),
        ("twice", twice),
        ("tag", tag),
    ] {
        let site = Site::new(&[("runbooks/hostile.yaml", &text)]);
        let file = site.path("library/runbooks/hostile.yaml");
        let begun = std::time::Instant::now();
        let checked = site.run("alice", &["check", file.to_str().unwrap()]);
        assert!(
            begun.elapsed().as_secs() < 10,
            "{what} took {:?}",
            begun.elapsed()
        );
        assert_ne!(
            checked.status, 0,
            "{what}\n{}\n{}",
            checked.out, checked.err
        );
        let said = format!("{}{}", checked.out, checked.err);
        assert!(
            said.contains("hostile.yaml:"),
            "{what} is told with its place: {said}"
        );
        site.run("alice", &["start", "hostile"]).is(2);
        assert!(
            !site.state("alice").join("incidents").exists()
                || files(&site.state("alice").join("incidents")).is_empty()
        );
    }
}

#[test]
fn case_38_names_that_look_like_options_or_commands_are_only_names() {
    let site = Site::new(&drop_book());
    let hostile = [
        "--hub",
        "-rf",
        "$(touch pwned)",
        "; touch pwned",
        "a\nb",
        "\u{1b}[2J",
    ];
    for name in hostile {
        let set = format!("target={name}");
        let title = format!("--title={name}");
        let id = site.start("alice", "drop-it", &["--set", &set, &title]);
        site.ok("alice", &["note", &id, "--", name]);
        let file = site.path("alice-cwd").join(name.replace('/', "_"));
        fs::write(&file, "evidence").unwrap();
        site.ok(
            "alice",
            &[
                "attach",
                &id,
                "--",
                file.file_name().unwrap().to_str().unwrap(),
            ],
        );
        for args in [
            vec!["status", &id],
            vec!["timeline", &id],
            vec!["export", &id],
            vec!["show", "drop-it"],
        ] {
            let said = site.run("alice", &args).is(0);
            assert!(
                !said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'),
                "{args:?} for {name:?}"
            );
        }
        site.run("alice", &["verify", &id]).is(0);
    }
    for place in ["alice-cwd/pwned", "home/pwned", "alice-state/pwned"] {
        assert!(!site.path(place).exists(), "{place}");
    }
    // A runbook, a step, an incident and a person of such a name are simply unknown.
    for name in hostile {
        site.run("alice", &["start", "--", name]).is(2);
        site.run("alice", &["status", "--", name]).is(2);
    }
}

#[test]
fn exit_statuses_are_those_of_the_manual() {
    let mut site = Site::new(&drop_book());
    let id = site.start("alice", "drop-it", &[]);
    let table: &[(&[&str], i32)] = &[
        (&["status", &id], 0),
        (&["list"], 0),
        (&["schema"], 0),
        (&["sync", &id], 0),
        (&["sync", &id], 0),
        (&["--help"], 0),
        (&["step", &id, "drop", "run"], 1),
        (&["step", &id, "drop", "done"], 1),
        (&["approve", &id, "drop"], 1),
        (&["close", &id, "--json"], 0),
        (&["reopen", &id, "--reason", "more"], 0),
        (&["step", &id, "nowhere", "run"], 2),
        (&["status", "INC-ZZZZ"], 2),
        (&["start", "nothing-of-that-name"], 2),
        (&["start", "drop-it", "--set", "nothing=1"], 2),
        (&["milestone", &id, "nonsense"], 2),
        (&["note", &id, "late", "--at", "not a time"], 2),
        (&["severity", &id, "sev9"], 2),
        (&["no-such-command"], 64),
        (&["step", &id], 64),
        (&["export", &id, "--format", "stone"], 64),
    ];
    for (args, status) in table {
        site.run("alice", args).is(*status);
    }
    // Without a place to record it, nothing is done.
    site.hub = false;
    let blocked = site.path("blocked");
    fs::write(&blocked, "a file, not a directory").unwrap();
    let mut start = site.command("alice", &["start", "drop-it"]);
    start.env("RUNSHEET_STATE", &blocked);
    Said::of(&["start in a file"], start.output().unwrap()).is(3);
    // A hub that is not there is told as such; the record itself is whole.
    let mut sync = site.command("alice", &["sync", &id]);
    sync.env("RUNSHEET_HUB", site.path("nowhere/hub.git"));
    Said::of(&["sync with nowhere"], sync.output().unwrap()).is(4);
    site.run("alice", &["verify", &id]).is(0);
}

#[test]
fn what_is_said_of_entries_afterwards_is_in_the_timeline_and_the_first_wording_stays() {
    let site = Site::new(&drop_book());
    let id = site.start("alice", "drop-it", &[]);
    let note = site.json(
        "alice",
        &[
            "note",
            &id,
            "a stranger signed in",
            "--at",
            "-5m",
            "--class",
            "adversary",
            "--json",
        ],
    );
    let note = note["events"][0]["event"].as_str().unwrap().to_owned();
    let other = site.json("carol", &["note", &id, "the key was public", "--json"]);
    let other = other["events"][0]["event"].as_str().unwrap().to_owned();
    site.ok("carol", &["tag", &id, &note[..20], "entry", "cloud"]);
    site.ok("carol", &["tag", &id, &note, "cloud", "--remove"]);
    let describe = [
        "describe",
        &id,
        &note,
        "--tlp",
        "red",
        "--technique",
        "T1078.004",
        "--pin",
        "--asset",
        "iam/deploy",
    ];
    site.ok("alice", &describe);
    site.ok("alice", &["link", &id, &other, &note]);
    let wrong = site.run("alice", &["describe", &id, &note, "--technique", "1078"]);
    assert_eq!(wrong.status, 2, "{}", wrong.err);

    let rows = site.json("alice", &["timeline", &id, "--json"]);
    let row = |event: &str| {
        let rows = rows["rows"].as_array().unwrap();
        rows.iter()
            .find(|row| row["event"] == event)
            .unwrap()
            .clone()
    };
    let entry = row(&note);
    assert_eq!(entry["class"], "adversary");
    assert_eq!(entry["about"]["tags"], serde_json::json!(["entry"]));
    assert_eq!(entry["about"]["tlp"], "red");
    assert_eq!(entry["about"]["pinned"], true);
    assert_eq!(entry["links"][0]["other"].as_str().unwrap(), other);
    assert_eq!(row(&other)["links"][0]["first"], true);
    assert!(
        entry["text"]
            .as_str()
            .unwrap()
            .contains("a stranger signed in")
    );

    let before = row(&other)["recorded_at"].as_str().unwrap().to_owned();
    let then = site.json("alice", &["timeline", &id, "--as-of", &before, "--json"]);
    let then = then["rows"].as_array().unwrap();
    let known = then
        .iter()
        .find(|row| row["event"] == note.as_str())
        .unwrap();
    assert_eq!(
        known["about"]["tags"],
        serde_json::json!([]),
        "nobody had tagged it yet"
    );
    assert_eq!(site.run("alice", &["verify", &id]).status, 0);
}

#[test]
fn follow_ups_have_owner_and_date_and_leave_as_tasks_tables_and_issues() {
    let site = Site::new(&drop_book());
    let id = site.start("alice", "drop-it", &[]);
    let add = [
        "followup",
        "add",
        &id,
        "=Watch the replica",
        "--kind",
        "detect",
        "--json",
    ];
    let added = site.json("alice", &add);
    let event = added["events"][0]["event"].as_str().unwrap().to_owned();
    assert!(
        site.ok("alice", &["followup", &id, "--format", "markdown"])
            .contains("**no owner**")
    );
    site.ok(
        "carol",
        &[
            "followup",
            "change",
            &id,
            &event,
            "--owner",
            "carol",
            "--due",
            "2026-12-24",
        ],
    );
    let table = site.ok("alice", &["followup", &id, "--format", "csv"]);
    assert!(
        table.contains("'=Watch the replica,carol,2026-12-24"),
        "{table}"
    );
    assert!(
        site.ok("alice", &["followup", &id, "--format", "github"])
            .contains("- Due: 2026-12-24")
    );
    site.ok(
        "carol",
        &["followup", "done", &id, &event, "--note", "it rings now"],
    );
    let tasks = site.ok("alice", &["followup", &id, "--format", "markdown"]);
    assert!(
        tasks.contains("- [x] =Watch the replica (detect; carol; due 2026-12-24)"),
        "{tasks}"
    );
    let note = site.json("alice", &["note", &id, "no follow-up", "--json"]);
    let note = note["events"][0]["event"].as_str().unwrap();
    assert_eq!(
        site.run("alice", &["followup", "done", &id, note]).status,
        2
    );
    assert!(site.ok("alice", &["export", &id]).contains("it rings now"));
}

#[test]
fn a_clock_of_the_law_runs_from_a_named_decision_until_its_stage_is_met() {
    let site = Site::new(&drop_book());
    let id = site.start("alice", "drop-it", &[]);
    let clock = |args: &[&str]| {
        let shown = site.json(
            "alice",
            &[&["clocks", &id, "--all", "--json"], args].concat(),
        );
        assert_eq!(shown["note"], "Not legal advice.");
        let all = shown["clocks"].as_array().unwrap().clone();
        all.into_iter()
            .find(|one| one["regime"] == "gdpr-33")
            .unwrap()
    };
    let stage = clock(&[])["stage"].as_str().unwrap().to_owned();
    assert!(
        clock(&[]).to_string().contains("\"waiting\""),
        "{}",
        clock(&[])
    );
    let aware = "2026-11-20T09:00:00+01:00";
    let reason = ["--reason", "names of customers", "--at", aware];
    site.ok(
        "alice",
        &[&["decision", &id, "gdpr-33/aware"], &reason[..]].concat(),
    );
    let late = clock(&[]).to_string();
    assert!(
        late.contains("2026-11-23T09:00:00+01:00") && late.contains("\"late\""),
        "{late}"
    );
    let met = ["--at", "2026-11-22T10:00:00Z", "--reference", "DPA-77"];
    site.ok("carol", &["sync", &id]);
    site.ok(
        "carol",
        &[&["submitted", &id, &format!("gdpr-33/{stage}")], &met[..]].concat(),
    );
    site.ok("alice", &["sync", &id]);
    assert!(clock(&[]).to_string().contains("\"met\""), "{}", clock(&[]));
    site.run("alice", &["decision", &id, "Ö", "--reason", "x"])
        .is(2);
    site.run("alice", &["submitted", &id, "gdpr-33"]).is(2);
    // Slips are told.
    let slip = site.run("alice", &["submitted", &id, "gdpr-33/nope"]).is(2);
    assert!(slip.err.contains("it has notification"), "{}", slip.err);
    let slip = site
        .run("alice", &["decision", &id, "awre", "--reason", "x"])
        .is(0);
    assert!(
        slip.err.contains("no clock counts from `awre`"),
        "{}",
        slip.err
    );
    site.run("alice", &["submitted", &id, "gdpr-34/notification"])
        .is(2);
    assert!(
        site.ok("alice", &["clocks", &id, "--all"])
            .contains("Not legal advice.")
    );
    site.run("alice", &["clocks", &id])
        .is(0)
        .says("names no clocks");
}

const LOGGED: &str = r"id: logged
title: Who was there
summary: Looks at who logged in.
last_reviewed: 2026-10-01
inputs:
  place: {default: here}
logs:
  auth:
    file: AUTH
    match:
      - {pattern: 'Accepted publickey for (?P<user>\S+)', say: 'login of {{ user }} at {{ place }}', class: adversary}
      - {pattern: COMMAND=}
steps:
  - {id: look, title: Look at it}
";

#[test]
fn lines_of_a_collected_log_are_suggested_and_recorded_only_when_accepted() {
    let site = Site::new(&[("runbooks/logged.yaml", LOGGED)]);
    let auth = site.path("auth.log");
    let text = "2026-11-23T13:12:07.201Z sshd[811]: Accepted publickey for deploy from 203.0.113.9\n\
                2026-11-23T13:12:08.000Z sshd[811]: session opened\n\
                2026-11-23T13:12:09.442Z sudo: deploy : COMMAND=/usr/bin/aws sts\n";
    fs::write(&auth, text).unwrap();
    let book = LOGGED.replace("AUTH", auth.to_str().unwrap());
    let site = Site::new(&[("runbooks/logged.yaml", &book)]);
    let inc = site.start("alice", "logged", &[]);
    assert!(!site.ok("alice", &["suggest", &inc]).contains("login"));
    let window = [
        "--from",
        "2026-11-23T13:00:00Z",
        "--to",
        "2026-11-23T14:00:00Z",
    ];
    site.ok("alice", &[&["collect", &inc, "auth"], &window[..]].concat());
    let listed = site.ok("alice", &["timeline", &inc, "--suggested"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 2, "{listed}");
    assert!(
        lines[0].contains(" 2026-11-23T13:12:07.201Z")
            && lines[0].contains("adversary login of deploy at here  [auth 0-"),
        "{listed}"
    );
    assert!(
        lines[1].contains("note      2026-11-23T13:12:09.442Z sudo"),
        "{listed}"
    );
    assert!(
        !site
            .ok("alice", &["timeline", &inc])
            .contains("login of deploy")
    );
    let (id, _) = lines[0].split_once(' ').unwrap();
    // The same lines once more, and others before them: nothing is suggested twice, and a name stays a line's own.
    let wider = [
        "--from",
        "2026-11-23T12:00:00Z",
        "--to",
        "2026-11-23T14:30:00Z",
    ];
    site.ok("alice", &[&["collect", &inc, "auth"], &wider[..]].concat());
    let again = site.ok("alice", &["suggest", &inc]);
    assert!(
        again.contains(&format!("{id} 2026-11-23T13:12:07.201Z")),
        "{again}"
    );
    assert_eq!(
        again.matches("13:12:09.442").count(),
        listed.matches("13:12:09.442").count()
    );
    site.run("alice", &["suggest", &inc, "--accept", "3"]).is(2);
    site.ok("alice", &["suggest", &inc, "--accept", id]);
    let timeline = site.ok("alice", &["timeline", &inc]);
    let entry = timeline
        .lines()
        .find(|line| line.contains("login of deploy"))
        .unwrap();
    assert!(
        entry.starts_with("2026-11-23 13:12:07Z") && entry.contains("adversary"),
        "{entry}"
    );
    let left = site.ok("alice", &["suggest", &inc, "--json"]);
    let left: serde_json::Value = serde_json::from_str(&left).unwrap();
    assert_eq!(left["suggestions"].as_array().unwrap().len(), 1);
    let line = &left["suggestions"][0]["line"];
    let (start, end) = (
        line["range"][0].as_u64().unwrap(),
        line["range"][1].as_u64().unwrap(),
    );
    let cited = &text.as_bytes()[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
    assert_eq!(
        line["sha256"],
        runsheet::evidence::Digest::of(cited).to_string()
    );
}

#[test]
fn entries_of_elsewhere_are_shown_first_and_come_in_once_and_redacted() {
    let site = Site::new(&drop_book());
    let id = site.start("alice", "drop-it", &[]);
    let table = site.path("pages.csv");
    let key = "AKIAIOSFODNN7EXAMPLE";
    let rows = format!(
        "time,who,text\n2026-11-23T13:40:00Z,pager,first page\nlater,pager,x\n2026-11-23 13:41,bob,the key is {key}\n"
    );
    fs::write(&table, rows).unwrap();
    let table = table.to_str().unwrap();
    let import = ["timeline", "import", &id, table];
    let shown = site.ok("alice", &import);
    assert!(shown.contains("first page"), "{shown}");
    assert!(
        shown.contains("skipped pages.csv:3:1: `later` is no time"),
        "{shown}"
    );
    let brought = || {
        let json = site.json("alice", &["timeline", &id, "--json"]);
        let rows = json["rows"].as_array().unwrap().clone();
        let imported = rows
            .into_iter()
            .filter(|row| row["kind"] == "entry.imported");
        imported.collect::<Vec<_>>()
    };
    assert_eq!(brought().len(), 0, "only shown");
    let twice = [&import[..], &["--yes", "--json"]].concat();
    assert_eq!(site.json("alice", &twice)["files"][0]["entries"], 2);
    let again = site.json("alice", &twice);
    assert_eq!(again["files"][0]["entries"], 0);
    assert_eq!(again["files"][0]["skipped"].as_array().unwrap().len(), 3);
    let rows = brought();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["origin"]["person"], "pager");
    assert!(!rows[1]["text"].as_str().unwrap().contains(key));
    assert_eq!(rows[1]["fidelity"], "minute");

    // What leaves comes back to where it came from as what is there already.
    for (format, name) in [("csv", "whole.csv"), ("json", "whole.json")] {
        let file = site.path(name);
        let file = file.to_str().unwrap();
        site.ok("alice", &["export", &id, "--format", format, "-o", file]);
        let back = site.json(
            "alice",
            &["timeline", "import", &id, file, "--yes", "--json"],
        );
        assert_eq!(back["files"][0]["entries"], 0, "{back}");
    }
    let part = site.ok("alice", &["export", &id, "--audience", "customers"]);
    assert!(part.contains("**For customers, TLP:CLEAR.**"), "{part}");
    assert!(!part.contains("first page"));
    assert_eq!(
        site.run("alice", &["export", &id, "--audience", "custmers"])
            .status,
        2
    );
    assert_eq!(site.run("alice", &["verify", &id]).status, 0);
}

#[test]
fn what_was_learnt_goes_back_to_the_runbook_as_a_patch() {
    let site = Site::new(&drop_book());
    let id = site.start("alice", "drop-it", &[]);
    let patch = ["followup", &id, "--patch"];
    let said = site.run("alice", &patch).is(0);
    assert_eq!(said.out, "");
    let skip = ["step", &id, "look", "skip", "--reason", "nobody knew where"];
    site.ok("alice", &skip);
    let kind = ["--kind", "runbook_change"];
    let add = ["followup", "add", &id, "Say where the replica is shown"];
    site.ok("alice", &[&add[..], &kind[..]].concat());
    let json = site.json("alice", &[&patch[..], &["--json"]].concat());
    assert_eq!(json["patches"][0]["path"], "runbooks/drop-it.yaml");
    let file = site.path("lesson.patch");
    let file = file.to_str().unwrap();
    site.ok("alice", &[&patch[..], &["-o", file]].concat());
    let cwd = site.path("alice-cwd");
    site.ok(
        "alice",
        &[&patch[..], &["-o", cwd.to_str().unwrap()]].concat(),
    );
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(
        fs::read_to_string(cwd.join("0001-drop-it.patch")).unwrap(),
        text
    );
    assert!(
        text.contains("Subject: [PATCH] Say where the replica is shown"),
        "{text}"
    );
    let library = site.path("library");
    let git = |args: &[&str]| git_as(&library, "Erin East", "erin@example.org", args);
    git(&["apply", "--check", file]);
    git(&["am", "--quiet", file]);
    let book = fs::read_to_string(library.join("runbooks/drop-it.yaml")).unwrap();
    assert!(
        book.contains(": skipped: nobody knew where\n  - {id: look"),
        "{book}"
    );
    let library = library.to_str().unwrap();
    site.ok("alice", &["check", library]);
}

#[test]
fn figures_are_told_with_what_is_missing_and_findings_with_what_to_do() {
    let site = Site::new(&drop_book());
    let id = site.walked();
    let impact = ["--at", "-3m", "--until", "-1m", "--class", "impact"];
    site.ok(
        "alice",
        &[&["note", &id, "old data was shown"], &impact[..]].concat(),
    );
    let text = site.ok("alice", &["metrics", &id]);
    assert!(text.contains("Impact           2 min 0 s"), "{text}");
    assert!(text.contains("missing: resolved"), "{text}");
    let json = site.json("alice", &["metrics", &id, "--json"]);
    assert_eq!(
        json["metrics"]["walk"]["steps"].as_array().unwrap().len(),
        3
    );
    let other = site.start("alice", "drop-it", &[]);
    let both = site.json("alice", &["metrics", &id, &other, &id, "--json"]);
    assert_eq!(both["across"]["live"]["incidents"], 2);
    assert_eq!(both["across"]["exercises"]["incidents"], 0);
    assert!(
        site.ok("alice", &["metrics", "--all"])
            .contains("Incidents: 2")
    );

    site.ok("alice", &["followup", "add", &id, "Watch the lag"]);
    site.ok("alice", &["note", &id, "carol should have seen it"]);
    let said = site.run("alice", &["lint", &id]).is(1);
    for rule in [
        "followup-owner",
        "followup-due",
        "milestone-missing",
        "blame",
    ] {
        assert!(said.out.contains(rule), "{}", said.out);
    }
    let json = site
        .run("alice", &["lint", &id, "--rule", "blame", "--json"])
        .is(0)
        .out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let entry = json["findings"][0]["entry"].as_str().unwrap();
    site.run("alice", &["lint", &id, "--rule", "blame", "--strict"])
        .is(1);
    let allow = format!("blame:{entry}");
    site.run(
        "alice",
        &[
            "lint", &id, "--rule", "blame", "--strict", "--allow", &allow,
        ],
    )
    .is(0);
    let export = ["export", &id, "--template"];
    let page = site.ok("alice", &[&export[..], &["executive"]].concat());
    assert!(page.contains("Somebody was hit for | 2 min 0 s"), "{page}");
    let own = site.path("own.md");
    let text = "{% for row in by_class.impact %}\n* {{ row.text }}\n{% endfor %}";
    fs::write(&own, text).unwrap();
    let own = own.to_str().unwrap();
    let page = site.ok("alice", &[&export[..], &[own]].concat());
    assert!(page.contains("* noted: old data was shown\n"), "{page}");
    fs::write(own, "\n{{ rowss }}").unwrap();
    let said = site.run("alice", &[&export[..], &[own]].concat()).is(2);
    assert!(
        said.err.contains("own.md:2: undefined value"),
        "{}",
        said.err
    );
    site.run("alice", &[&export[..], &["nothing.md"]].concat())
        .is(2);

    let outside = [
        "lint",
        &id,
        "--rule",
        "blame",
        "--strict",
        "--audience",
        "customers",
    ];
    site.run("alice", &outside).is(0);
    site.run("alice", &["lint", &id, "--rule", "blam"]).is(2);
}

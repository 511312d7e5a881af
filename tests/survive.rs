//! What outlives whom: commands that go on when their command line is killed or hung up on, outcomes that nobody saw,
//! records on disks that are full or read-only, secrets that stay with the process they were given to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

#[path = "support/team.rs"]
mod team;

use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use runsheet::engine::exec::Purpose;
use runsheet::engine::fact::Fact;
use runsheet::engine::state::Status;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use team::{Person, Team, plain, text, wait_for};

const LONG: &str = r#"
id: long
title: Long
severity: sev3
summary: A step that takes its time.
owner: long
inputs:
  place: {prompt: Where}
steps:
  - id: slow
    run: |
      echo ran >> "$place/slow.ran"
      echo began
      while [ ! -e "$place/go" ]; do sleep 0.05; done
      echo over >> "$place/slow.over"
      echo "went on"
      exit 7
  - id: say
    ask: {lesson: {prompt: What did you learn?}}
"#;

/// Starts the slow step and returns once it has said so.
fn begin(person: &Person, inc: &str) -> Child {
    let out = person.dir.join("out");
    let child = person
        .command(&["step", inc, "slow", "run"])
        .process_group(0)
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(person.dir.join("err")).unwrap())
        .spawn()
        .unwrap();
    wait_for("first line of the output", || {
        fs::read_to_string(&out)
            .unwrap()
            .contains("began")
            .then_some(())
    });
    child
}

fn group(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap()
}

fn status_of(person: &Person, inc: &str, step: &str) -> Status {
    let journal = person.journal(inc);
    let run = journal.state().runs.first().unwrap();
    run.state(&step.into()).unwrap().status
}

fn exits(person: &Person, inc: &str) -> Vec<Option<i32>> {
    let journal = person.journal(inc);
    let events = journal.log().events().iter();
    events
        .filter_map(|event| match &event.fact {
            Fact::StepFinished(fact) if fact.purpose == Purpose::Run => Some(fact.exit),
            _ => None,
        })
        .collect()
}

fn survives(signal: Signal) {
    let team = Team::new(&[("long", LONG)]);
    let robin = team.person("robin");
    let inc = robin.start("long");
    let mut child = begin(&robin, &inc);
    kill_process_group(group(&child), signal).unwrap();
    child.wait().unwrap();
    assert!(robin.ok(&["status", &inc]).contains("running"));
    assert_eq!(status_of(&robin, &inc, "slow"), Status::Running);
    let again = robin.fails(1, &["step", &inc, "slow", "run"]);
    assert!(again.contains("run"), "{again}");
    fs::write(team.place().join("go"), "").unwrap();
    wait_for("end of the step", || {
        robin.ok(&["status", &inc]);
        (status_of(&robin, &inc, "slow") == Status::Failed).then_some(())
    });
    assert_eq!(exits(&robin, &inc), [Some(7)]);
    let ran = fs::read_to_string(team.place().join("slow.ran")).unwrap();
    assert_eq!(ran, "ran\n");
    let kept: Vec<_> = team::files_below(&robin.folder(&inc).join("evidence"))
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    assert_eq!(kept, ["began\nwent on\n"]);
    robin.ok(&["verify", &inc]);
}

#[test]
fn a_command_goes_on_when_its_command_line_is_killed_and_the_next_one_records_its_end() {
    survives(Signal::KILL);
}

#[test]
fn a_command_goes_on_when_the_terminal_hangs_up_and_the_next_one_records_its_end() {
    survives(Signal::HUP);
}

#[test]
fn case_30_an_end_that_nobody_saw_is_unknown_until_somebody_looks() {
    let team = Team::new(&[("long", LONG)]);
    let robin = team.person("robin");
    let inc = robin.start("long");
    let mut child = begin(&robin, &inc);
    let job = fs::read_dir(robin.folder(&inc).join("jobs"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let holder: serde_json::Value =
        serde_json::from_slice(&fs::read(job.join("lock")).unwrap()).unwrap();
    kill_process_group(group(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    let supervisor = i32::try_from(holder["pid"].as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(supervisor).unwrap(), Signal::KILL).unwrap();
    let said = wait_for("word of the lost end", || {
        let done = robin.run(&["status", &inc]);
        assert!(done.status.success(), "{done:?}");
        (status_of(&robin, &inc, "slow") == Status::Unknown)
            .then(|| text(&done.stdout) + &text(&done.stderr))
    });
    assert!(said.contains("unknown") && said.contains("look"), "{said}");
    // The script itself still goes, so nobody may start it a second time without saying what became of the first.
    robin.fails(1, &["step", &inc, "slow", "run"]);
    fs::write(team.place().join("go"), "").unwrap();
    wait_for("end of the script", || {
        team.place().join("slow.over").exists().then_some(())
    });
    robin.ok(&[
        "step",
        &inc,
        "slow",
        "resolve",
        "succeeded",
        "--reason",
        "saw it end",
    ]);
    assert_eq!(status_of(&robin, &inc, "slow"), Status::Done);
    robin.ok(&["step", &inc, "say", "answer", "lesson=look"]);
    let ran = fs::read_to_string(team.place().join("slow.ran")).unwrap();
    assert_eq!(ran, "ran\n");
    robin.ok(&["verify", &inc]);
}

const SECRET: &str = r#"
id: secret
title: Secret
severity: sev3
summary: A step with a token.
owner: secret
inputs:
  place: {prompt: Where}
  token: {secret: true}
steps:
  - id: use
    run: |
      echo "began with $token"
      while [ ! -e "$place/go" ]; do sleep 0.05; done
      printf '%s' "$token" > "$place/got"
      echo "ended with $token" >&2
  - id: cut
    run: |
      printf '%s' "$token" > "$place/cut"
      echo "cut $token"
    risk: destructive
    checkpoint: {approvals: 1, role: approver, not: [performer], expires: 15m}
"#;

const TOKEN: &str = "hunter2-correct-horse-7Qd0x";

/// Every process's arguments.
fn all_arguments() -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        all.extend(fs::read(entry.path().join("cmdline")).unwrap_or_default());
    }
    all
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

/// Every object of a repository, unpacked.
fn objects(git_dir: &Path) -> Vec<u8> {
    let done = plain("git", git_dir)
        .arg("--git-dir")
        .arg(git_dir)
        .args(["cat-file", "--batch-all-objects", "--batch"])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    done.stdout
}

#[test]
fn case_39_a_secret_is_in_no_argument_no_journal_no_object_no_job_and_no_evidence() {
    let team = Team::new(&[("secret", SECRET)]).with_hub();
    let (mut robin, sasha) = (team.person("robin"), team.person("sasha"));
    robin.env.push(("THE_TOKEN".to_owned(), TOKEN.to_owned()));
    let place = format!("place={}", team.place().display());
    let said = robin.ok(&[
        "start",
        "secret",
        "--set",
        &place,
        "--secret",
        "token=env:THE_TOKEN",
    ]);
    let inc = said.lines().last().unwrap().to_owned();
    let out = robin.dir.join("out");
    let mut child = robin
        .command(&[
            "step",
            &inc,
            "use",
            "run",
            "--secret",
            "token=env:THE_TOKEN",
        ])
        .stdout(File::create(&out).unwrap())
        .spawn()
        .unwrap();
    wait_for("first line", || {
        fs::read_to_string(&out)
            .unwrap()
            .contains("began")
            .then_some(())
    });
    assert!(
        !contains(&all_arguments(), TOKEN),
        "it is in an argument list"
    );
    fs::write(team.place().join("go"), "").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(fs::read_to_string(team.place().join("got")).unwrap(), TOKEN);
    let shown = fs::read_to_string(&out).unwrap();
    assert!(
        !shown.contains(TOKEN) && shown.contains("redacted"),
        "{shown}"
    );

    // From a file for the request, from a descriptor for the run.
    let file = team.dir.path().join("token");
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let source = format!("token=file:{}", file.display());
    robin.ok(&["request", &inc, "cut", "--secret", &source]);
    sasha.ok(&["approve", &inc, "cut"]);
    let mut open = tempfile::tempfile().unwrap();
    open.write_all(TOKEN.as_bytes()).unwrap();
    open.rewind().unwrap();
    let done = robin
        .command(&["step", &inc, "cut", "run", "--secret", "token=fd:0"])
        .stdin(open)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    assert!(!contains(&done.stdout, TOKEN));
    assert_eq!(fs::read_to_string(team.place().join("cut")).unwrap(), TOKEN);
    sasha.ok(&["sync", &inc]);
    secret_is_nowhere(&team, &robin, &sasha);
    robin.ok(&["verify", &inc]);
}

fn secret_is_nowhere(team: &Team, robin: &Person, sasha: &Person) {
    let hub = team.dir.path().join("hub.git");
    for git_dir in [
        &hub,
        &robin.state.join("record.git"),
        &sasha.state.join("record.git"),
    ] {
        assert!(!contains(&objects(git_dir), TOKEN), "{}", git_dir.display());
    }
    for state in [&robin.state, &sasha.state, &team.dir.path().join("home")] {
        for file in team::files_below(state) {
            // What a command printed is kept as it was, for its owner's eyes, until it is redacted into evidence.
            let raw = matches!(
                file.file_name().unwrap().to_str(),
                Some("output" | "stdout")
            );
            if raw {
                let mode = fs::metadata(&file).unwrap().permissions().mode();
                assert_eq!(mode & 0o077, 0, "{}", file.display());
                continue;
            }
            assert!(
                !contains(&fs::read(&file).unwrap(), TOKEN),
                "{}",
                file.display()
            );
        }
    }
}

/// Runs this very test again inside a mount namespace where `script` has prepared `$PLACE`, as root or not.
fn inside(test: &str, script: &str) -> Option<bool> {
    let root = rustix::process::geteuid().is_root();
    let flags: &[&str] = if root { &["-m"] } else { &["-Urm"] };
    let can = Command::new("unshare").args(flags).arg("true").output();
    assert!(
        can.is_ok_and(|done| done.status.success()),
        "missing: `unshare` with mount namespaces; without it a full disk cannot be shown"
    );
    let place = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let done = Command::new("unshare")
        .args(flags)
        .args(["sh", "-euc"])
        .arg(format!("{script}; exec \"$0\" --exact {test} --nocapture"))
        .arg(program)
        .env("PLACE", place.path())
        .output()
        .unwrap();
    let said = text(&done.stdout) + &text(&done.stderr);
    assert!(done.status.success(), "{said}");
    Some(true)
}

fn prepared() -> Option<PathBuf> {
    std::env::var_os("PLACE").map(PathBuf::from)
}

/// Fills up what is there, then lets robin go on: said loudly, nothing lost, reading works, and room helps.
fn fill_and_go_on(state: PathBuf, fill: &dyn Fn(), room: &dyn Fn()) {
    let team = Team::new(&[("long", LONG)]);
    let mut robin = team.person("robin");
    robin.state = state;
    let inc = robin.start("long");
    robin.ok(&["note", &inc, "before it was full"]);
    fill();
    let mut refused = 0;
    for n in 0..300 {
        let words = format!("{n} {}", "x".repeat(2000));
        let done = robin.run(&["note", &inc, &words]);
        match done.status.code() {
            Some(0) => {}
            Some(3) => {
                let said = text(&done.stderr);
                assert!(said.contains("error: "), "{said}");
                refused += 1;
            }
            other => panic!("{other:?}: {done:?}"),
        }
        if refused == 3 {
            break;
        }
    }
    assert_eq!(refused, 3, "it never was full");
    // What needs a checkpoint or has an effect does not start.
    let said = robin.fails(3, &["step", &inc, "slow", "run"]);
    assert!(said.contains("record"), "{said}");
    assert!(!team.place().join("slow.ran").exists());
    let seen = robin.ok(&["status", &inc]);
    assert!(seen.contains("Long"), "{seen}");
    let seen = robin.ok(&["timeline", &inc]);
    assert!(seen.contains("before it was full"));
    room();
    robin.ok(&["note", &inc, "there is room again"]);
    let seen = robin.ok(&["timeline", &inc]);
    assert!(seen.contains("before it was full") && seen.contains("there is room again"));
    robin.ok(&["verify", &inc]);
}

#[test]
fn case_24_a_full_disk_is_told_costs_nothing_and_is_over_when_there_is_room() {
    const TEST: &str = "case_24_a_full_disk_is_told_costs_nothing_and_is_over_when_there_is_room";
    let Some(place) = prepared() else {
        // Where no small disk can be had, `journal::tests::faults` has said the same with every operation failing.
        inside(TEST, "mount -t tmpfs -o size=3m none \"$PLACE\"");
        return;
    };
    let ballast = place.join("ballast");
    let fill = || {
        let mut file = File::create(&ballast).unwrap();
        while file.write_all(&[7; 4096]).is_ok() {}
    };
    fill_and_go_on(place.join("state"), &fill, &|| {
        fs::remove_file(&ballast).unwrap()
    });
}

#[test]
fn case_24_a_disk_without_inodes_is_told_costs_nothing_and_is_over_when_there_are_some() {
    const TEST: &str =
        "case_24_a_disk_without_inodes_is_told_costs_nothing_and_is_over_when_there_are_some";
    let Some(place) = prepared() else {
        inside(
            TEST,
            "mount -t tmpfs -o size=40m,nr_inodes=400 none \"$PLACE\"",
        );
        return;
    };
    let team = Team::new(&[("long", LONG)]);
    let mut robin = team.person("robin");
    robin.state = place.join("state");
    let inc = robin.start("long");
    let ballast = place.join("ballast");
    fs::create_dir(&ballast).unwrap();
    let mut made = 0;
    while File::create(ballast.join(made.to_string())).is_ok() {
        made += 1;
    }
    // An append needs no inode: it is recorded, and only not published yet.
    let done = robin.run(&["note", &inc, "without inodes"]);
    assert!(done.status.success(), "{done:?}");
    assert!(text(&done.stderr).contains("not published yet"), "{done:?}");
    // A new incident does, and a command's folder: neither pretends.
    let far = format!("place={}", team.place().display());
    robin.fails(3, &["start", "long", "--set", &far]);
    let said = robin.fails(1, &["step", &inc, "slow", "run"]);
    assert!(said.contains("failed"), "{said}");
    assert!(!team.place().join("slow.ran").exists());
    fs::remove_dir_all(&ballast).unwrap();
    robin.ok(&["note", &inc, "with inodes"]);
    robin.ok(&["verify", &inc]);
    let open = robin.ok(&["status", "-"]);
    assert!(
        open.contains("Long"),
        "what never began is in nobody's way: {open}"
    );
}

#[test]
fn case_32_a_read_only_state_can_be_read_and_says_loudly_that_nothing_is_recorded() {
    const TEST: &str =
        "case_32_a_read_only_state_can_be_read_and_says_loudly_that_nothing_is_recorded";
    let Some(place) = prepared() else {
        inside(TEST, "mount -t tmpfs none \"$PLACE\"");
        return;
    };
    let team = Team::new(&[("long", LONG)]);
    let mut robin = team.person("robin");
    robin.state = place.join("state");
    let inc = robin.start("long");
    robin.ok(&["note", &inc, "while it could be written"]);
    remount(&place, "ro");
    for words in [
        &["status", &inc][..],
        &["timeline", &inc],
        &["export", &inc],
        &["incidents"],
    ] {
        let done = robin.run(words);
        assert!(done.status.success(), "{words:?}: {done:?}");
        let loud = words[0] == "incidents" || text(&done.stderr).contains("READ-ONLY");
        assert!(loud, "{words:?}: {done:?}");
    }
    assert!(
        robin
            .ok(&["timeline", &inc])
            .contains("while it could be written")
    );
    let said = robin.fails(3, &["note", &inc, "lost?"]);
    assert!(said.contains("READ-ONLY"), "{said}");
    robin.fails(3, &["step", &inc, "slow", "run"]);
    assert!(!team.place().join("slow.ran").exists());
    remount(&place, "rw");
    robin.ok(&["note", &inc, "and again"]);
    let seen = robin.ok(&["timeline", &inc]);
    assert!(
        seen.contains("and again") && !seen.contains("lost?"),
        "{seen}"
    );
    robin.ok(&["verify", &inc]);
}

fn remount(place: &Path, how: &str) {
    let done = Command::new("mount")
        .args(["-o", &format!("remount,{how}")])
        .arg(place)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn case_32_without_a_home_everything_that_is_named_still_works() {
    let team = Team::new(&[("long", LONG)]);
    let mut robin = team.person("robin");
    robin
        .env
        .push(("HOME".to_owned(), "/dev/null/home".to_owned()));
    for name in ["CONFIG", "STATE", "CACHE", "DATA"] {
        let dir = format!("/dev/null/home/{name}");
        robin.env.push((format!("XDG_{name}_HOME"), dir));
    }
    let inc = robin.start("long");
    robin.ok(&["note", &inc, "homeless"]);
    robin.ok(&["list"]);
    robin.ok(&["verify", &inc]);
}

#[test]
fn case_31_planted_files_in_a_spool_are_told_and_followed_nowhere() {
    let team = Team::new(&[("long", LONG)]).with_spool();
    let (robin, sasha) = (team.person("robin"), team.person("sasha"));
    let inc = robin.start("long");
    sasha.ok(&["note", &inc, "sasha was here"]);
    let shared = team
        .spool
        .as_ref()
        .unwrap()
        .join("incidents")
        .join(inc.trim_start_matches("INC-"));
    let victim = team.dir.path().join("victim");
    fs::write(&victim, "keep me\n").unwrap();
    let own = team::files_below(&shared)
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .unwrap();
    let stem = own.file_stem().unwrap().to_str().unwrap().len();
    let planted = |digit: &str| shared.join(format!("{}.jsonl", digit.repeat(stem)));
    std::os::unix::fs::symlink(&victim, planted("a")).unwrap();
    let done = Command::new("mkfifo").arg(planted("b")).output().unwrap();
    assert!(done.status.success());
    fs::hard_link(&victim, planted("c")).unwrap();
    // Nobody hangs in the FIFO, and nothing is written through the links.
    robin.ok(&["note", &inc, "robin goes on"]);
    sasha.ok(&["note", &inc, "sasha goes on"]);
    let said = robin.run(&["verify", &inc]);
    let said = text(&said.stdout);
    for what in ["symbolic link", "regular file", "2 names"] {
        assert!(said.contains(what), "{what}: {said}");
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "keep me\n");
    let seen = robin.ok(&["timeline", &inc]);
    assert!(
        seen.contains("robin goes on") && seen.contains("sasha goes on"),
        "{seen}"
    );
}

#[test]
fn case_31_modes_are_right_whatever_the_umask() {
    for umask in ["000", "077", "777"] {
        let team = Team::new(&[("long", LONG)]).with_spool();
        let robin = team.person("robin");
        let typed = robin.command(&[
            "start",
            "long",
            "--set",
            &format!("place={}", team.place().display()),
        ]);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")])
            .arg(typed.get_program())
            .args(typed.get_args())
            .current_dir(team.place());
        shell.env_clear();
        for (name, value) in typed.get_envs() {
            if let Some(value) = value {
                shell.env(name, value);
            }
        }
        let done = shell.output().unwrap();
        assert!(done.status.success(), "umask {umask}: {done:?}");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&robin.state), 0o700, "umask {umask}");
        let spool = team.spool.as_ref().unwrap();
        for path in team::files_below(spool) {
            assert_eq!(mode(&path), 0o640, "umask {umask}: {}", path.display());
            assert_eq!(mode(path.parent().unwrap()), 0o3770, "umask {umask}");
        }
        let inc = text(&done.stdout).lines().last().unwrap().to_owned();
        team.person("sasha").ok(&["note", &inc, "seen"]);
    }
}

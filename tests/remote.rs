//! Key logs of another host, over a real ssh: the window alone is moved, its host's clock is told, what is secret is not
//! in the record, a host that hangs costs the others nothing, and the record holds before both verifiers.

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

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use runsheet::engine::fact::{Evidence, Outcome, Pull};
use runsheet::engine::{Fact, StepRef};
use runsheet::host::clock::{Clock as _, SystemClock};
use team::{Person, Team, files_below, plain, text};

const LEAK: &str = r#"
id: leak
title: Leak
severity: sev2
summary: A key leaked.
owner: shared
inputs:
  place: {prompt: Where}
logs:
  app: {file: '$place/app.log', host: hub, zone: UTC}
  dead: {file: '$place/app.log', host: hangs}
  unit: {journal: app.service, host: hub}
  cloud: {run: 'echo "$place $RUNSHEET_SINCE"; echo gone >&2; exit 4', host: hub}
steps:
  - id: pull
    collect: {logs: [app], before: 2m, after: 3m}
  - id: all
    collect: {logs: [app, dead, unit, cloud], before: 2m, after: 3m}
    timeout: 4s
    on_failure: continue
"#;

const SECRET: &str = "ann.secret@corp.example";

/// A line a second for two hours until now.
fn write_log(path: &Path) -> DateTime<Utc> {
    let now = SystemClock.now().to_utc();
    let begin = now.timestamp() - 7200;
    let lines: String = (0..7200).map(|n| line(begin + n)).collect();
    fs::write(path, lines).unwrap();
    now
}

fn line(second: i64) -> String {
    let time = DateTime::from_timestamp(second, 0).unwrap();
    let who = if second % 10 == 0 { SECRET } else { "ann" };
    format!(
        "{} web app[7]: {who} asked for page {second} {}\n",
        time.format("%Y-%m-%dT%H:%M:%SZ"),
        "x".repeat(40)
    )
}

/// A team whose `ssh` reaches the host `hub`, and at `hangs` somebody who never answers.
fn with_ssh(dir: &Path, settings: &str) -> (Team, sshd::Server) {
    let team = Team::new(&[("leak", LEAK)]).with_hub();
    let server = sshd::Server::start_with(&dir.join("sshd"), settings);
    let bin = dir.join("bin");
    fs::create_dir(&bin).unwrap();
    script(
        &bin.join("ssh"),
        &format!(
            "for word; do case $word in hangs) exec sleep 60;; esac; done\nexec /usr/bin/env PATH=/usr/local/bin:/usr/bin:/bin ssh -F {} \"$@\"",
            server.client_config().display()
        ),
    );
    // The server gives its clients this test's own path.
    script(
        &bin.join("journalctl"),
        "for word; do case $word in --since=@*) echo \"2026-11-23T13:00:00.000000+00:00 web app[7]: since ${word#--since=@}\";; esac; done",
    );
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let env = vec![("PATH".to_owned(), path)];
    (Team { env, ..team }, server)
}

fn script(path: &Path, body: &str) {
    fs::write(path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Ends the connections that are kept for those that follow.
fn hang_up(person: &Person, server: &sshd::Server) {
    for socket in fs::read_dir(person.state.join("ssh"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let _ = plain("ssh", &person.dir)
            .arg("-F")
            .arg(server.client_config())
            .arg("-S")
            .arg(socket.path())
            .args(["-O", "exit", "hub"])
            .output();
    }
}

fn evidence(person: &Person, inc: &str) -> Vec<Evidence> {
    let journal = person.journal(inc);
    let events = journal.log().events().to_vec();
    events
        .iter()
        .flat_map(|event| event.fact.evidence().to_vec())
        .collect()
}

fn pull(evidence: &Evidence) -> &Pull {
    evidence.pull.as_ref().unwrap()
}

fn stored(person: &Person, inc: &str, evidence: &Evidence) -> String {
    let path = person
        .folder(inc)
        .join("evidence")
        .join(evidence.sha256.hex());
    let bytes = fs::read(path).unwrap();
    assert_eq!(runsheet::evidence::Digest::of(&bytes), evidence.sha256);
    String::from_utf8(bytes).unwrap()
}

/// The window in the log, and its lines as they were before anything was taken out.
fn window(evidence: &Evidence, log: &Path) -> (i64, i64, String) {
    let span = pull(evidence).window.unwrap();
    let second =
        |time: DateTime<Utc>| time.timestamp() + i64::from(time.timestamp_subsec_nanos() > 0);
    let (from, to) = (second(span.from), second(span.to));
    let all = fs::read_to_string(log).unwrap();
    let (first, last) = (
        all.find(&line(from)).unwrap(),
        all.find(&line(to - 1)).unwrap(),
    );
    let range = (first as u64, (last + line(to - 1).len()) as u64);
    assert_eq!(evidence.range, Some(range));
    let lines = (from..to).map(line).collect();
    (from, to, lines)
}

#[test]
fn two_people_have_the_window_of_a_far_log_and_nothing_secret_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (team, server) = with_ssh(dir.path(), "Subsystem sftp internal-sftp\n");
    let (robin, sasha) = (team.person("robin"), team.person("sasha"));
    let log = team.place().join("app.log");
    write_log(&log);
    let inc = robin.start("leak");
    robin.ok(&["milestone", &inc, "detected", "--at", "-60m"]);
    robin.ok(&["step", &inc, "pull", "run"]);

    let captured = evidence(&robin, &inc);
    let app = &captured[0];
    let (_, _, original) = window(app, &log);
    assert_eq!(
        (app.name.as_str(), app.host.as_str(), pull(app).lines),
        ("app", "hub", 300)
    );
    assert_eq!(
        app.original_sha256,
        Some(runsheet::evidence::Digest::of(original.as_bytes()))
    );
    assert_eq!(
        (pull(app).original_size, app.dropped),
        (original.len() as u64, 0)
    );
    assert_eq!((app.redacted, pull(app).by_rule["email"]), (30, 30));
    let kept = stored(&robin, &inc, app);
    assert_eq!(kept.lines().count(), 300);
    let mark = kept
        .split_once("[redacted:email#")
        .unwrap()
        .1
        .split_once(']')
        .unwrap()
        .0;
    let mark = format!("[redacted:email#{mark}]");
    assert_eq!(kept.matches(&mark).count(), 30, "one value has one mark");
    assert_eq!(kept.replace(&mark, SECRET), original);
    let clock = pull(app).clock.expect("the clock over there was asked");
    assert!(clock.ahead.unsigned_abs() <= clock.within, "{clock:?}");

    // The list of what stood where is the collector's alone.
    let list = robin.folder(&inc).join("redacted.json");
    assert_eq!(
        fs::metadata(&list).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(
        fs::read_to_string(&list)
            .unwrap()
            .contains(&format!("{mark}\": \"{SECRET}"))
    );

    let said = text(
        &robin
            .run(&[
                "collect", &inc, "app", "--from", "-30m", "--to", "-29m", "--match", "corp",
            ])
            .stderr,
    );
    assert!(said.contains("6 lines from"), "{said}");
    let second = evidence(&robin, &inc).pop().unwrap();
    assert_eq!(pull(&second).lines, 6);
    assert_eq!(
        stored(&robin, &inc, &second).matches(&mark).count(),
        6,
        "the same mark in another pull"
    );
    let said = robin.ok(&[
        "collect",
        &inc,
        "app",
        "--from",
        "-30m",
        "--to",
        "-29m",
        "--estimate",
    ]);
    assert!(said.starts_with("app: at most "), "{said}");
    assert_eq!(evidence(&robin, &inc).len(), 2);

    sasha.ok(&["sync", &inc]);
    for person in [&robin, &sasha] {
        person.ok(&["verify", &inc]);
        for path in files_below(&person.state) {
            if path != list {
                let bytes = fs::read(&path).unwrap();
                assert!(!text(&bytes).contains(SECRET), "{}", path.display());
            }
        }
    }
    assert_eq!(stored(&sasha, &inc, app), kept);
    proven_by_the_other(&team, &robin, &inc);
    let page = sasha.ok(&["export", &inc, "--format", "markdown"]);
    assert!(
        page.contains("300 lines") && page.contains("clock"),
        "{page}"
    );
    hang_up(&robin, &server);
}

fn proven_by_the_other(team: &Team, person: &Person, inc: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verifier/verify.py");
    let system = PathBuf::from("/usr/bin/python3");
    let python = if system.exists() {
        system
    } else {
        PathBuf::from("python3")
    };
    let done = plain(python, team.dir.path())
        .arg("-B")
        .arg(script)
        .arg("--ssh-keygen")
        .arg("--library")
        .arg(team.dir.path().join("library"))
        .arg("--segments")
        .arg(person.folder(inc))
        .arg(person.state.join("record.git"))
        .output()
        .unwrap();
    let said = text(&done.stdout) + &text(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{said}");
}

#[test]
fn what_the_others_gave_is_kept_when_a_host_hangs_and_a_script_fails_also_without_sftp() {
    let dir = tempfile::tempdir().unwrap();
    // No subsystem at all: a shell has to do.
    let bin = format!(
        "SetEnv PATH={}:/usr/bin:/bin\n",
        dir.path().join("bin").display()
    );
    let (team, server) = with_ssh(dir.path(), &bin);
    let robin = team.person("robin");
    let log = team.place().join("app.log");
    write_log(&log);
    let inc = robin.start("leak");
    robin.ok(&["milestone", &inc, "detected", "--at", "-60m"]);
    robin.ok(&["step", &inc, "pull", "run"]);
    robin.run(&["step", &inc, "all", "run"]);

    let journal = robin.journal(&inc);
    let events = journal.log().events().to_vec();
    let finished = events.iter().rev().find_map(|event| match &event.fact {
        Fact::StepFinished(finished) => Some(finished.clone()),
        _ => None,
    });
    let finished = finished.unwrap();
    let StepRef { step, .. } = &finished.step;
    assert_eq!((step.as_str(), finished.outcome), ("all", Outcome::Failed));
    let problem = finished.problem.unwrap();
    assert!(
        problem.contains("hangs: ") && problem.contains("exit 4: gone"),
        "{problem}"
    );
    let names: Vec<_> = finished
        .evidence
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["app", "cloud", "unit"], "{problem}");
    let [app, cloud, unit] = &finished.evidence[..] else {
        panic!()
    };
    let (from, _, _) = window(app, &log);
    assert_eq!(pull(app).lines, 300);
    let since = DateTime::from_timestamp(from, 0).unwrap();
    let printed = stored(&robin, &inc, cloud);
    let place = team.place();
    assert!(
        printed.starts_with(&format!(
            "{} {}",
            place.display(),
            since.format("%Y-%m-%dT%H:")
        )),
        "{printed}"
    );
    assert!(pull(cloud).incomplete.as_ref().unwrap().contains("exit 4"));
    let printed = stored(&robin, &inc, unit);
    let asked: i64 = printed.trim().rsplit(' ').next().unwrap().parse().unwrap();
    assert!((from - 1..=from).contains(&asked), "{printed}");
    robin.ok(&["verify", &inc]);
    hang_up(&robin, &server);
}

//! A solo drill through the real program: colleagues say no, are slow and say yes as scripted, nothing runs, and the report
//! is there at the end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

#[path = "support/team.rs"]
mod team;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use team::{PROGRAM, plain, text, wait_for};

/// The player's command line, as the drill prints it.
struct Player {
    words: Vec<String>,
    home: std::path::PathBuf,
}

impl Player {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = plain(PROGRAM, &self.home);
        command.args(&self.words).args(args).stdin(Stdio::null());
        command
    }

    fn ok(&self, args: &[&str]) -> String {
        let out = self.command(args).output().unwrap();
        assert!(out.status.success(), "{args:?}: {}", text(&out.stderr));
        text(&out.stdout) + &text(&out.stderr)
    }

    fn wait_for(&self, what: &str) {
        wait_for(what, || {
            self.ok(&["timeline", "-"]).contains(what).then_some(())
        });
    }
}

#[test]
fn one_person_practises_with_colleagues_that_the_exercise_plays() {
    let home = tempfile::tempdir().unwrap();
    let mut drill = plain(PROGRAM, home.path())
        .env("TMPDIR", home.path())
        .args(["demo", "--drill", "--no-screen"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    let mut errors = BufReader::new(drill.stderr.take().unwrap());
    errors.read_line(&mut told).unwrap();
    let words: Vec<String> = told.split_whitespace().map(str::to_owned).collect();
    assert_eq!(
        words.first().map(String::as_str),
        Some("runsheet"),
        "{told}"
    );
    let words = words[1..words.len() - 2].to_vec();
    let player = Player {
        words,
        home: home.path().to_owned(),
    };
    player.wait_for("alert from monitoring");
    let status = player.ok(&["status", "-"]);
    assert!(
        status.contains("EXERCISE") && status.contains("6 times real time"),
        "{status}"
    );
    let sealed = player
        .command(&["exercise", "-", "coming"])
        .output()
        .unwrap();
    assert!(!sealed.status.success() && text(&sealed.stderr).contains("sealed"));
    player.ok(&["step", "-", "welcome", "skip", "--reason", "known"]);
    let out = player.ok(&["step", "-", "look", "run"]);
    assert!(out.contains("not ours: 2"), "{out}");
    player.ok(&["step", "-", "keep", "run"]);
    player.ok(&["step", "-", "used", "choose", "Yes"]);
    player.ok(&["step", "-", "revoke", "dry-run"]);
    player.ok(&["request", "-", "revoke"]);
    player.wait_for("denied revoke");
    player.ok(&["request", "-", "revoke"]);
    player.wait_for("approved revoke");
    player.ok(&["step", "-", "revoke", "run"]);
    player.ok(&["step", "-", "gone", "run"]);
    player.ok(&["step", "-", "tell", "run"]);
    player.ok(&["step", "-", "wrap-up", "answer", "lesson=more"]);
    player.wait_for("ended the exercise");
    assert!(drill.wait().unwrap().success());
    let report = player.ok(&["exercise", "report", "-"]);
    assert!(
        report.contains("EXERCISE") && report.contains("performed without challenges"),
        "{report}"
    );
    player.ok(&["verify", "-"]);
}

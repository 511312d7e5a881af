//! A forced command in `authorized_keys`, as docs/enforcing.md shows it: whoever has the key gets an answer or what was
//! approved, and nothing else.

use std::fs;
use std::process::Output;

use super::BOOK;
use super::oneself::Two;
use super::sshd::Server;
use super::team::{PROGRAM, Team, plain, text};

struct Forced {
    two: Two,
    server: Server,
}

impl Forced {
    /// The key of the test's sshd is robin's; behind it answers the gate, who has a key and a state of its own.
    fn new() -> Self {
        let team = Team::new(&[("gated", BOOK)])
            .with_person("gate", &["gate"], &[])
            .with_hub();
        let two = Two::of(team);
        let ssh = two.team.dir.path().join("ssh");
        let server = Server::start(&ssh);
        let dir = two.team.dir.path();
        let key = fs::read_to_string(ssh.join("user.pub")).unwrap();
        let path = |name: &str| dir.join(name).display().to_string();
        let line = super::from_the_page(
            "authorized_keys",
            &[
                ("/usr/local/bin/runsheet", PROGRAM),
                ("/srv/runsheet/library", &path("library")),
                ("git@git.example.org:incidents.git", &path("hub.git")),
                ("/var/lib/runsheet-gate", &path("gate-state")),
                ("gate@db-7.example.org", "gate@example.org"),
                ("/etc/runsheet/gate_key", &path("gate")),
                ("bob@example.org", "robin@example.org"),
                ("ssh-ed25519 AAAAC3… bob", key.trim_end()),
            ],
        );
        fs::write(ssh.join("authorized"), line).unwrap();
        Self { two, server }
    }

    fn ssh(&self, command: &str) -> Output {
        plain("ssh", self.two.team.dir.path())
            .arg("-F")
            .arg(self.server.client_config())
            .args(["-T", "--", "hub", command])
            .output()
            .unwrap()
    }

    fn says(&self, status: i32, command: &str) -> String {
        let done = self.ssh(command);
        let said = text(&done.stdout) + &text(&done.stderr);
        assert_eq!(done.status.code(), Some(status), "{command}: {said}");
        said
    }
}

#[test]
fn behind_a_forced_command_only_what_was_approved_runs_once() {
    let forced = Forced::new();
    let (robin, sasha, inc) = (&forced.two.robin, &forced.two.sasha, &forced.two.inc);
    // No shell, no other command, no option of ours.
    for command in [
        "id",
        "sh -c id",
        "",
        "--help",
        "-V x",
        "$(id)",
        &format!("{inc} cut --run; id"),
        &format!("{inc} cut --state /tmp"),
        &format!("{inc} cut --as robin@example.org --run"),
    ] {
        let said = forced.says(2, command);
        assert!(!said.contains("uid="), "{said}");
    }
    let said = forced.says(1, &format!("{inc} cut"));
    assert!(said.contains("closed"), "{said}");
    // Robin asks for it to run there, by the gate.
    let site = text(&forced.ssh(&format!("{inc} cut --site")).stdout);
    assert!(site.starts_with("gate@example.org/"), "{site}");
    robin.ok(&["request", inc, "cut", "--gate", site.trim_end()]);
    let shown = sasha.ok(&["status", inc]);
    assert!(shown.contains("cut"), "{shown}");
    assert!(
        forced
            .says(1, &format!("{inc} cut --run"))
            .contains("0 of 1")
    );
    sasha.ok(&["approve", inc, "cut"]);
    // Not for robin to run somewhere else.
    let refused = robin.fails(1, &["step", inc, "cut", "run"]);
    assert!(
        refused.contains("approved to run by gate@example.org"),
        "{refused}"
    );
    let said = forced.says(0, &format!("{inc} cut"));
    assert!(
        said.contains("open: robin@example.org asked for it"),
        "{said}"
    );
    let [touch, dashes, path] = forced.two.command();
    assert!(
        forced
            .says(1, &format!("{inc} cut -- {touch} {dashes} /etc/other"))
            .contains("not what was approved")
    );
    assert!(!forced.two.cut().exists());
    let said = forced.says(0, &format!("{inc} cut -- {touch} {dashes} '{path}'"));
    assert!(said.contains("ran: exit 0"), "{said}");
    assert!(forced.two.cut().exists());
    forced.says(1, &format!("{inc} cut --run"));
    // The record says who asked, who approved and who ran it, and holds.
    let timeline = robin.ok(&["timeline", inc]);
    assert!(timeline.contains("gate"), "{timeline}");
    let verified = robin.ok(&["verify", inc]);
    assert!(verified.contains("proven"), "{verified}");
}

#[test]
fn a_forced_command_runs_only_what_its_keys_person_asked_for() {
    let forced = Forced::new();
    let inc = &forced.two.inc;
    let team = Team {
        env: Vec::new(),
        ..forced.two.team
    };
    let lee = team.person("lee");
    let site = {
        let done = plain("ssh", team.dir.path())
            .arg("-F")
            .arg(forced.server.client_config())
            .args(["-T", "hub", &format!("{inc} cut --site")])
            .output()
            .unwrap();
        text(&done.stdout)
    };
    lee.ok(&["request", inc, "cut", "--gate", site.trim_end()]);
    forced.two.sasha.ok(&["approve", inc, "cut"]);
    let done = plain("ssh", team.dir.path())
        .arg("-F")
        .arg(forced.server.client_config())
        .args(["-T", "hub", &format!("{inc} cut --run")])
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    let said = text(&done.stderr);
    assert!(
        said.contains("lee@example.org asked for it, not robin@example.org"),
        "{said}"
    );
}

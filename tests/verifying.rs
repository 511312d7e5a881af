//! `docs/verifying.md` as it stands: every command of the page, in its order, with nothing but stock programs, against a
//! record that two people made with the real program. And the report of `verify`, as an auditor files it.

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

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;

use team::{Person, Team, plain, text};

const BOOK: &str = "\
id: a
title: A
inputs:
  place: {}
steps:
  - {id: look, title: 'Look, and say what is \"seen\"'}
  - id: drop
    title: Drop it
    run: 'echo dropped >> \"$place/dropped.txt\"'
    risk: destructive
  - id: wipe
    title: Wipe it
    run: 'echo \"wiped\" >> \"$place/dropped.txt\"'
    risk: destructive
";

/// What the two of them left behind, and the approval text that sasha kept.
struct Night {
    team: Team,
    robin: Person,
    inc: String,
    text: PathBuf,
}

impl Night {
    /// The incident as `runsheet incidents` prints it.
    fn short(&self) -> String {
        let listed = self.robin.ok(&["incidents", "--all"]);
        let listed = listed.split_whitespace();
        let mut names = listed.filter(|word| word.starts_with("INC-"));
        names
            .find(|name| self.inc.ends_with(&name[4..]))
            .unwrap()
            .to_owned()
    }
}

static NIGHT: LazyLock<Night> = LazyLock::new(|| {
    let team = Team::new(&[("a", BOOK)]).with_hub();
    let (robin, sasha) = (team.person("robin"), team.person("sasha"));
    let inc = robin.start("a");
    robin.ok(&["step", &inc, "look", "done"]);
    robin.ok(&["note", &inc, "it said \"no\", twice: C:\\temp – é"]);
    robin.ok(&["request", &inc, "drop"]);
    sasha.ok(&["note", &inc, "looking"]);
    let kept = team.dir.path().join("kept");
    fs::create_dir(&kept).unwrap();
    let letter = [
        "statement",
        &inc,
        "drop",
        "--for",
        "sasha",
        "-o",
        kept.to_str().unwrap(),
    ];
    robin.ok(&letter);
    let text = fs::read_dir(&kept)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .unwrap();
    sasha.ok(&["approve", &inc, "drop"]);
    robin.ok(&["step", &inc, "drop", "run"]);
    robin.ok(&["override", &inc, "wipe", "--reason", "nobody is awake"]);
    robin.ok(&["step", &inc, "wipe", "run"]);
    robin.ok(&["sync", &inc]);
    sasha.ok(&["review", &inc, "--reason", "right to do"]);
    robin.ok(&["sync", &inc]);
    robin.ok(&["close", &inc]);
    robin.ok(&["sync", &inc]);
    Night {
        team,
        robin,
        inc,
        text,
    }
});

/// The commands of the page, in order, each with the line it begins at.
fn blocks() -> Vec<(usize, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verifying.md");
    let page = fs::read_to_string(path).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line) {
            (None, "```sh") => open = Some((number + 2, String::new())),
            (Some(_), "```") => blocks.extend(open.take()),
            (Some((_, text)), line) => *text += &format!("{line}\n"),
            (None, _) => {}
        }
    }
    blocks
}

/// The whole page as one script, from an empty directory; `before` is put in front of the block that starts with `at`.
fn follow(hub: &str, at: &str, before: &str) -> (bool, String) {
    let night = &*NIGHT;
    let desk = tempfile::tempdir().unwrap();
    let mut script = String::from("set -eu\n");
    for (line, block) in blocks() {
        if !before.is_empty() && block.contains(at) {
            script += before;
        }
        script += &format!("echo '-- line {line}' >&2\n{block}");
    }
    let done = plain("sh", desk.path())
        .args(["-c", &script])
        .current_dir(desk.path())
        .env("HUB", hub)
        .env("INC", night.short())
        .env("LIBRARY", night.team.dir.path().join("library"))
        .env("TEXT", &night.text)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = text(&done.stdout) + &text(&done.stderr);
    (done.status.success(), said)
}

#[test]
fn every_command_of_the_page_goes_well_on_a_record_of_two_people() {
    assert!(blocks().len() >= 14);
    let (well, said) = follow(NIGHT.team.hub.as_ref().unwrap(), "", "");
    assert!(well, "{said}");
    for words in [
        "Good \"approval.v1@runsheet\" signature for sasha@example.org",
        "a/drop#1 was approved by sasha@example.org for robin@example.org",
        "robin@example.org overrode a/wipe#1: nobody%20is%20awake",
        "sasha@example.org accepted it: right%20to%20do",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn the_page_fails_on_a_record_that_was_tampered_with() {
    let hub = NIGHT.team.hub.as_ref().unwrap();
    for (at, change) in [
        // A note reads otherwise than its digest says.
        ("bare=$(", "sed -i 's/looking/locking/' events\n"),
        // An approval becomes one for another step.
        (
            "grep -qx \"incident: $INC\"",
            "sed -i 's/^genesis: sha256:./genesis: sha256:x/' statements/checkpoint.approved.*\n",
        ),
        (
            "sha256sum < \"$TEXT\"",
            "cp \"$TEXT\" other; echo more >> other; TEXT=other\n",
        ),
        (
            "grep -qx \"consumes:",
            "sed -i 's/reason/Reason/' \"$approval\"\n",
        ),
    ] {
        let (well, said) = follow(hub, at, change);
        assert!(!well, "{change} went unnoticed: {said}");
        assert!(said.contains("-- line"), "{said}");
    }
}

/// The lines of a report but for those that say who looked, when and where.
fn body(report: &str) -> Vec<&str> {
    report
        .lines()
        .filter(|line| {
            !["verified ", "checked ", "library "]
                .iter()
                .any(|head| line.starts_with(head))
        })
        .collect()
}

#[test]
fn the_report_says_who_looked_when_by_which_trust_and_what_was_proven() {
    let night = &*NIGHT;
    let report = night.robin.ok(&["verify", &night.inc]);
    for words in [
        "verified ",
        "by robin@example.org on ",
        "checked    the journals and ",
        "library    ",
        "/library at ",
        "record     INC-",
        ", from sha256:",
        "signatures 6: 1 checkpoint.approved, 1 checkpoint.consumed, 1 checkpoint.overridden, 1 checkpoint.requested, 1 incident.closed, 1 override.reviewed",
        "passed     1 executions, with 1 approvals",
        "overrides  1, of which 1 reviewed",
        "of which 0 withheld",
        ": proven: ",
    ] {
        assert!(report.contains(words), "{words}\n{report}");
    }
    let again = night.robin.ok(&["verify", &night.inc]);
    assert_eq!(body(&report), body(&again));
    let json: serde_json::Value =
        serde_json::from_str(&night.robin.ok(&["--json", "verify", &night.inc])).unwrap();
    assert_eq!(json["verdict"], "proven");
    assert_eq!(json["verified"]["principal"], "robin@example.org");
    assert_eq!(
        json["verified"]["library"]["commit"]
            .as_str()
            .unwrap()
            .len(),
        40
    );
    assert_eq!(json["counts"]["approvals_used"], 1);
    assert_eq!(json["counts"]["signatures"]["override.reviewed"], 1);
    assert!(json["genesis"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(json["findings"], serde_json::json!([]));
}

#[test]
fn the_other_verifier_proves_the_same_record_beside_its_journal() {
    let night = &*NIGHT;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verifier/verify.py");
    let system = Path::new("/usr/bin/python3");
    let python = if system.exists() {
        system
    } else {
        Path::new("python3")
    };
    let done = plain(python, night.team.dir.path())
        .arg("-B")
        .arg(script)
        .arg("--ssh-keygen")
        .arg("--library")
        .arg(night.team.dir.path().join("library"))
        .arg("--segments")
        .arg(night.robin.folder(&night.inc))
        .arg(night.robin.state.join("record.git"))
        .output()
        .unwrap();
    let said = text(&done.stdout) + &text(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(said.contains(": proven: "), "{said}");
}

#[test]
fn what_the_pages_point_to_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = 0;
    for page in ["docs/controls.md", "docs/verifying.md"] {
        let text = fs::read_to_string(root.join(page)).unwrap();
        for name in text.split('`').skip(1).step_by(2) {
            if ["tests/", "docs/", "src/"]
                .iter()
                .any(|dir| name.starts_with(dir))
            {
                assert!(root.join(name).exists(), "{page}: {name}");
                found += 1;
            }
            if let Some(command) = name.strip_prefix("runsheet ") {
                let command = command.split(' ').next().unwrap();
                let help = plain(team::PROGRAM, root)
                    .args([command, "--help"])
                    .output()
                    .unwrap();
                assert!(help.status.success(), "{page}: {name}");
                found += 1;
            }
        }
    }
    assert!(found > 20, "{found}");
}

//! As oneself: the same rules, as an exit status for a wrapper.

use std::fs;

use super::BOOK;
use super::team::{Person, Team, text};

/// Robin and sasha with a hub, and robin's incident.
pub struct Two {
    pub team: Team,
    pub robin: Person,
    pub sasha: Person,
    pub inc: String,
}

impl Two {
    pub fn new() -> Self {
        Self::of(Team::new(&[("gated", BOOK)]).with_hub())
    }

    pub fn of(team: Team) -> Self {
        let (robin, sasha) = (team.person("robin"), team.person("sasha"));
        let inc = robin.start("gated");
        Self {
            team,
            robin,
            sasha,
            inc,
        }
    }

    pub fn approved(step: &str) -> Self {
        let two = Self::new();
        two.robin.ok(&["request", &two.inc, step]);
        two.sasha.ok(&["approve", &two.inc, step]);
        two
    }

    /// What the gate says to robin: status, standard output, standard error.
    pub fn gate(&self, step: &str, more: &[&str]) -> (i32, String, String) {
        let mut args = vec!["gate", self.inc.as_str(), step];
        args.extend(more);
        let done = self.robin.run(&args);
        let status = done.status.code().unwrap();
        (status, text(&done.stdout), text(&done.stderr))
    }

    pub fn cut(&self) -> std::path::PathBuf {
        self.team.place().join("cut two words")
    }

    /// The command that the step `cut` is, word by word.
    pub fn command(&self) -> [String; 3] {
        let path = self.cut().display().to_string();
        ["touch".to_owned(), "--".to_owned(), path]
    }
}

#[test]
fn alone_it_answers_and_uses_nothing_up() {
    let two = Two::new();
    let (status, said, _) = two.gate("cut", &[]);
    assert_eq!(status, 1);
    assert!(
        said.starts_with("closed: step cut has a checkpoint"),
        "{said}"
    );
    two.robin.ok(&["request", &two.inc, "cut"]);
    let (status, said, _) = two.gate("cut", &[]);
    assert_eq!(
        (status, said.contains("0 of 1 approvals")),
        (1, true),
        "{said}"
    );
    two.sasha.ok(&["approve", &two.inc, "cut"]);
    for _ in 0..2 {
        let (status, said, _) = two.gate("cut", &[]);
        assert_eq!(status, 0, "{said}");
        assert!(
            said.contains("open: robin@example.org asked for it"),
            "{said}"
        );
        assert!(
            said.contains("approved by sasha@example.org (sasha) at "),
            "{said}"
        );
    }
    let (status, said, _) = two.gate("cut", &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((status, &json["open"]), (0, &true.into()), "{said}");
    assert_eq!(json["approvals"][0]["by"], "sasha@example.org");
    assert!(!two.cut().exists());
    // What nobody has to approve was approved by nobody.
    let (status, said, _) = two.gate("free", &[]);
    assert_eq!(
        (status, said.contains("no checkpoint")),
        (1, true),
        "{said}"
    );
    two.robin.fails(2, &["gate", &two.inc, "cat"]);
    two.robin.fails(64, &["gate", &two.inc]);
}

#[test]
fn with_run_it_runs_the_approved_script_once_and_passes_its_status_on() {
    let two = Two::approved("seven");
    let (status, said, told) = two.gate("seven", &["--run"]);
    assert_eq!(status, 7, "{said}{told}");
    assert!(said.contains("seven"), "{said}");
    assert!(told.contains("approved by sasha@example.org"), "{told}");
    assert_eq!(told.lines().last(), Some("ran: exit 7"), "{told}");
    // Once.
    let (status, _, told) = two.gate("seven", &["--run"]);
    assert_eq!(status, 1, "{told}");
    assert!(told.starts_with("error: "), "{told}");
    let timeline = two.robin.ok(&["timeline", &two.inc]);
    assert_eq!(timeline.matches("started seven").count(), 1, "{timeline}");

    two.robin.ok(&["request", &two.inc, "killed"]);
    two.sasha.ok(&["approve", &two.inc, "killed"]);
    let (status, said, _) = two.gate("killed", &["--run", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(status, 128 + 15, "{said}");
    assert_eq!(
        (&json["ran"], &json["exit"]),
        (&true.into(), &143.into()),
        "{said}"
    );
    let verified = two.robin.ok(&["verify", &two.inc]);
    assert!(verified.contains("proven"), "{verified}");
}

#[test]
fn a_reader_that_goes_away_does_not_make_it_a_success() {
    let two = Two::approved("seven");
    let mut command = two.robin.command(&["gate", &two.inc, "seven", "--run"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(7));
}

#[test]
fn a_command_is_run_only_if_it_is_the_script_word_for_word() {
    let two = Two::approved("cut");
    let right = two.command();
    let wrong: [&[&str]; 6] = [
        &["touch", &right[2]],
        &["touch", "--", "/etc/passwd"],
        &["touch", "--", &right[2], "more"],
        &["rm", "--", &right[2]],
        &["touch -- x"],
        &["sh", "-c", "touch -- \"$place/cut $mark\""],
    ];
    for command in wrong {
        let mut args = vec!["--"];
        args.extend(command);
        let (status, _, told) = two.gate("cut", &args);
        assert_eq!(status, 1, "{command:?}: {told}");
        assert!(told.contains("is not what was approved"), "{told}");
    }
    assert!(!two.cut().exists());
    // None of that used the approval up.
    let (status, _, told) = two.gate("cut", &["--", &right[0], &right[1], &right[2]]);
    assert_eq!(status, 0, "{told}");
    assert_eq!(told.lines().last(), Some("ran: exit 0"), "{told}");
    assert!(two.cut().exists());
    let (status, _, _) = two.gate("cut", &["--", &right[0], &right[1], &right[2]]);
    assert_eq!(status, 1);
}

#[test]
fn what_is_no_simple_command_or_no_script_is_not_run_as_a_command() {
    let two = Two::approved("seven");
    let (status, _, told) = two.gate("seven", &["--", "echo", "seven"]);
    assert_eq!(status, 1);
    assert!(told.contains("not one simple command"), "{told}");
    two.robin.ok(&["request", &two.inc, "hand"]);
    two.sasha.ok(&["approve", &two.inc, "hand"]);
    let (status, _, told) = two.gate("hand", &["--run"]);
    assert_eq!(
        (status, told.contains("runs no script")),
        (1, true),
        "{told}"
    );
}

#[test]
fn case_05_a_gate_is_closed_again_once_anything_it_was_for_has_changed() {
    let two = Two::approved("cut");
    // Another working directory, and so another place to run in.
    let elsewhere = two.team.dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let done = two
        .robin
        .command(&["gate", &two.inc, "cut", "--run"])
        .current_dir(&elsewhere)
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(
        text(&done.stderr).contains("approved to run in"),
        "{done:?}"
    );
    // Another account's journal, or another person's: not theirs to run.
    let (sasha, inc) = (&two.sasha, &two.inc);
    let said = sasha.fails(1, &["gate", inc, "cut"]);
    assert!(
        said.contains("approved to run by robin@example.org"),
        "{said}"
    );
    // Asked anew: what was approved is not what is asked.
    two.robin.ok(&["withdraw", inc, "cut"]);
    let (status, said, _) = two.gate("cut", &[]);
    assert_eq!((status, said.contains("withdrawn")), (1, true), "{said}");
    assert!(!two.cut().exists());
}

#[test]
fn case_08_two_gates_at_once_run_it_once() {
    let two = Two::approved("cut");
    let spawn = || {
        two.robin
            .command(&["gate", &two.inc, "cut", "--run"])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let gates: Vec<_> = (0..4).map(|_| spawn()).collect();
    let statuses: Vec<_> = gates
        .into_iter()
        .map(|mut gate| gate.wait().unwrap().code().unwrap())
        .collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 0).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 1).count(),
        3,
        "{statuses:?}"
    );
    let timeline = two.robin.ok(&["timeline", &two.inc]);
    assert_eq!(timeline.matches("started cut").count(), 1, "{timeline}");
    two.robin.ok(&["verify", &two.inc]);
}

#[test]
fn case_22_an_override_is_no_approval_and_opens_no_gate() {
    let two = Two::new();
    two.robin
        .ok(&["override", &two.inc, "cut", "--reason", "it burns"]);
    let (status, said, _) = two.gate("cut", &[]);
    assert_eq!((status, said.contains("no approval")), (1, true), "{said}");
    let (status, _, _) = two.gate("cut", &["--run"]);
    assert_eq!((status, two.cut().exists()), (1, false));
}

#[test]
fn case_21_a_gate_and_an_imported_statement_are_the_same_gate() {
    let two = Two::new();
    // Nothing was asked: nothing to sign elsewhere, nothing to run.
    for args in [
        &["statement", two.inc.as_str(), "cut", "--for", "sasha"][..],
        &["gate", &two.inc, "cut", "--run"],
        &["gate", &two.inc, "cut", "--", "touch"],
    ] {
        two.robin.fails(1, args);
    }
    two.robin.ok(&["request", &two.inc, "cut"]);
    let out = two.team.dir.path().join("out");
    fs::create_dir(&out).unwrap();
    two.robin.ok(&[
        "statement",
        &two.inc,
        "cut",
        "--for",
        "sasha",
        "-o",
        out.to_str().unwrap(),
    ]);
    let statement = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "statement"))
        .unwrap();
    let done = super::team::plain("ssh-keygen", &out)
        .args(["-Y", "sign", "-n", "approval.v1@runsheet", "-f"])
        .arg(two.team.dir.path().join("sasha"))
        .arg(&statement)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let signature = format!("{}.sig", statement.display());
    two.robin
        .ok(&["approve", &two.inc, "cut", "--signature", &signature]);
    // Signed elsewhere, it opens this gate, and no other.
    let (status, said, _) = two.gate("cut", &[]);
    assert_eq!(status, 0, "{said}");
    two.sasha.fails(1, &["gate", &two.inc, "cut", "--run"]);
    let (status, _, told) = two.gate("cut", &["--run"]);
    assert_eq!(status, 0, "{told}");
    two.robin.ok(&["verify", &two.inc]);
}

#[test]
fn case_09_an_input_file_or_symlink_swapped_before_running_is_not_run() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let two = Two::new();
    let place = two.team.place();
    let write = |name: &str, text: &str| {
        let path = place.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    write("good", "echo good > ran");
    write("evil", "echo evil > ran");
    let tool = place.join("tool.sh");
    let point_to = |name: &str| {
        let _ = fs::remove_file(&tool);
        symlink(name, &tool).unwrap();
    };
    point_to("good");
    two.robin.ok(&["request", &two.inc, "tool"]);
    let done = two.sasha.run(&["approve", &two.inc, "tool"]);
    let shown = text(&done.stdout);
    assert!(
        shown.contains("file       sha256:") && shown.contains(" ./tool.sh"),
        "{shown}"
    );
    let refused = |why: &str| {
        for args in [
            &["gate", two.inc.as_str(), "tool"][..],
            &["gate", &two.inc, "tool", "--run"],
            &["gate", &two.inc, "tool", "--", "./tool.sh"],
            &["step", &two.inc, "tool", "run"],
        ] {
            let said = two.robin.fails(1, args);
            assert!(said.contains(why), "{args:?}: {said}");
        }
        assert!(!place.join("ran").exists());
    };
    // The link leads somewhere else; the file it leads to has changed; it is gone.
    point_to("evil");
    refused("./tool.sh is not what it was");
    point_to("good");
    write("good", "echo evil > ran");
    refused("./tool.sh is not what it was");
    fs::remove_file(&tool).unwrap();
    refused("./tool.sh is not what it was");
    // As it was shown, it runs.
    write("good", "echo good > ran");
    point_to("good");
    two.robin.ok(&["gate", &two.inc, "tool", "--", "./tool.sh"]);
    assert_eq!(fs::read_to_string(place.join("ran")).unwrap(), "good\n");
    let verified = two.robin.ok(&["verify", &two.inc]);
    assert!(verified.contains("proven"), "{verified}");
}

#[test]
fn case_09_a_file_that_was_not_there_when_it_was_asked_for_is_not_run() {
    let two = Two::approved("tool");
    let tool = two.team.place().join("tool.sh");
    fs::write(&tool, "#!/bin/sh\necho evil > ran\n").unwrap();
    let said = two.robin.fails(1, &["step", &two.inc, "tool", "run"]);
    assert!(
        said.contains("was not there when it was asked about"),
        "{said}"
    );
}

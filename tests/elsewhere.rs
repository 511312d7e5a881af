//! An approver whose key is on another machine and who has nothing there but a shell, `sha256sum`, `base64` and
//! `ssh-keygen`: what is handed over is what those programs take, what comes back by chat or mail is taken in, and
//! nothing else is.

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
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use team::{Person, Team, plain, text};

const BOOK: &str = r#"
id: cutting
title: Cutting
severity: sev2
summary: Something that takes an approval.
owner: shared
inputs:
  place: {prompt: Where}
steps:
  - id: cut
    run: echo cut >> "$place/cut"; echo cut
    risk: destructive
    checkpoint: {approvals: 1, role: approver, not: [performer], expires: 15m}
"#;

/// Robin has asked; sasha has a key, and no runsheet.
struct Asked {
    team: Team,
    robin: Person,
    inc: String,
    /// Where sasha's files are.
    desk: PathBuf,
}

impl Asked {
    fn new() -> Self {
        let team = Team::new(&[("cutting", BOOK)]);
        let robin = team.person("robin");
        let inc = robin.start("cutting");
        robin.ok(&["request", &inc, "cut"]);
        let desk = team.dir.path().join("desk");
        fs::create_dir(&desk).unwrap();
        Self {
            team,
            robin,
            inc,
            desk,
        }
    }

    /// Makes a statement into sasha's folder: the letter, and the two files.
    fn statement(&self, more: &[&str]) -> (String, PathBuf, PathBuf) {
        let desk = self.desk.to_str().unwrap();
        let mut args = vec!["statement", &self.inc, "cut", "--for", "sasha", "-o", desk];
        args.extend(more);
        let before = names(&self.desk);
        let letter = self.robin.ok(&args);
        let made: Vec<_> = names(&self.desk)
            .into_iter()
            .filter(|path| !before.contains(path))
            .collect();
        let find = |ending: &str| {
            made.iter()
                .find(|path| path.extension().is_some_and(|found| found == ending))
                .unwrap_or_else(|| panic!("no {ending} in {made:?}"))
                .clone()
        };
        assert_eq!(made.len(), 2, "{made:?}");
        (letter, find("statement"), find("txt"))
    }

    /// A command line at sasha's desk, in a shell that has nothing of ours; what it printed.
    fn shell(&self, script: &str) -> String {
        let done = plain("sh", &self.desk)
            .args(["-euc", script])
            .current_dir(&self.desk)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(done.status.success(), "{script}: {}", text(&done.stderr));
        text(&done.stdout)
    }

    fn sign(&self, key: &str, namespace: &str, statement: &Path) -> PathBuf {
        let key = self.team.dir.path().join(key);
        let signature = PathBuf::from(format!("{}.sig", statement.display()));
        // ssh-keygen leaves one that is there as it is.
        let _ = fs::remove_file(&signature);
        self.shell(&format!(
            "ssh-keygen -Y sign -n {namespace} -f {} {}",
            key.display(),
            statement.display()
        ));
        signature
    }

    fn import(&self, answer: &str, statement: Option<&Path>, signature: &Path) -> (i32, String) {
        let mut args = vec![answer, &self.inc, "cut"];
        if let Some(statement) = statement {
            args.extend(["--statement", statement.to_str().unwrap()]);
        }
        args.extend(["--signature", signature.to_str().unwrap()]);
        let done = self.robin.run(&args);
        let said = text(&done.stdout) + &text(&done.stderr);
        (done.status.code().unwrap(), said)
    }

    /// It was refused with these words, and nothing was recorded.
    fn refused(&self, words: &str, (status, said): (i32, String)) {
        assert_eq!(status, 1, "{said}");
        assert!(said.contains(words), "{said}");
        let timeline = self.robin.ok(&["timeline", &self.inc]);
        assert!(!timeline.contains("approved"), "{timeline}");
    }
}

fn names(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn an_approval_is_signed_with_stock_ssh_keygen_and_opens_the_gate_once() {
    let asked = Asked::new();
    let (letter, statement, display) = asked.statement(&[]);
    // What the letter says can be checked is so, by the program it names.
    let digest = asked.shell(&format!("sha256sum {}", display.display()));
    let digest = digest.split(' ').next().unwrap().to_owned();
    let said = fs::read_to_string(&statement).unwrap();
    assert!(
        said.contains(&format!("\ndisplay: sha256:{digest}\n")),
        "{said}"
    );
    assert!(letter.contains(&digest), "{letter}");
    let shown = fs::read_to_string(&display).unwrap();
    assert!(
        shown.contains(r#"echo cut >> "$place/cut"; echo cut"#),
        "{shown}"
    );
    // And so are the commands it gives: the one to sign with, and the one to come by the files from a chat.
    let namespace = "approval.v1@runsheet";
    assert!(letter.contains(&format!("ssh-keygen -Y sign -n {namespace} -f KEY ")));
    fs::create_dir(asked.desk.join("chat")).unwrap();
    fs::write(asked.desk.join("chat/letter"), &letter).unwrap();
    let unpack: Vec<_> = letter
        .lines()
        .filter(|line| line.contains("base64 -d"))
        .collect();
    assert_eq!(unpack.len(), 2, "{letter}");
    asked.shell(&format!("cd chat\n{}", unpack.join("\n")));
    for path in [&statement, &display] {
        let unpacked = asked.desk.join("chat").join(path.file_name().unwrap());
        assert_eq!(fs::read(unpacked).unwrap(), fs::read(path).unwrap());
    }
    // What is remembered is for its owner only.
    let kept = names(&asked.robin.folder(&asked.inc).join("issued"));
    assert_eq!(kept.len(), 1, "{kept:?}");
    let mode = fs::metadata(&kept[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let signature = asked.sign("sasha", namespace, &statement);
    let (status, said) = asked.import("approve", Some(&statement), &signature);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("approved"), "{said}");
    assert!(names(&asked.robin.folder(&asked.inc).join("issued")).is_empty());
    // Used is used.
    let (status, said) = asked.import("approve", Some(&statement), &signature);
    assert_eq!(
        (status, said.contains("was used before")),
        (1, true),
        "{said}"
    );
    asked.robin.ok(&["step", &asked.inc, "cut", "run"]);
    let verified = asked.robin.ok(&["verify", &asked.inc]);
    assert!(verified.contains("proven"), "{verified}");
}

#[test]
fn an_answer_that_came_by_chat_or_mail_is_taken_in() {
    let asked = Asked::new();
    let (letter, statement, _) = asked.statement(&[]);
    let signature = asked.sign("sasha", "approval.v1@runsheet", &statement);
    let armored = fs::read_to_string(&signature).unwrap();
    let quoted: String = armored
        .lines()
        .map(|line| format!("> {line}\r\n"))
        .collect();
    let pasted = format!(
        "sasha 15:04\n{}\nthere you go\n",
        quoted.replace("-----", "—–-")
    );
    // The statement may come back too, in the letter it went out with.
    let mail: String = letter.lines().map(|line| format!("> {line}\r\n")).collect();
    fs::write(asked.desk.join("mail"), mail).unwrap();
    let mut command = asked.robin.command(&[
        "approve",
        &asked.inc,
        "cut",
        "--signature",
        "-",
        "--statement",
    ]);
    let mut child = command
        .arg(asked.desk.join("mail"))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(pasted.as_bytes())
        .unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    // Whoever recorded it did not give it.
    let told = asked.robin.ok(&["timeline", &asked.inc]);
    let words = "sasha approved cut for robin (recorded by robin)";
    assert!(told.contains(words), "{told}");
    asked.robin.ok(&["step", &asked.inc, "cut", "run"]);
}

#[test]
fn the_signature_alone_finds_its_statement_and_a_denial_needs_a_reason() {
    let asked = Asked::new();
    let desk = asked.desk.to_str().unwrap();
    let denial = [
        "statement",
        &asked.inc,
        "cut",
        "--for",
        "sasha",
        "--decision",
        "deny",
        "-o",
        desk,
    ];
    let said = asked.robin.fails(64, &denial);
    assert!(said.contains("--reason"), "{said}");
    let (_, yes, _) = asked.statement(&[]);
    let (_, no, _) = asked.statement(&["--decision", "deny", "--reason", "billing still uses it"]);
    let (yes, no) = (
        asked.sign("sasha", "approval.v1@runsheet", &yes),
        asked.sign("sasha", "approval.v1@runsheet", &no),
    );
    // An approval is no denial, nor the other way round.
    asked.refused(
        "made for something else",
        asked.import("approve", None, &no),
    );
    asked.refused("made for something else", asked.import("deny", None, &yes));
    let (status, said) = asked.import("deny", None, &no);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("billing still uses it"), "{said}");
    // The denial stands, whatever was signed before.
    asked.refused("denied", asked.import("approve", None, &yes));
}

#[test]
fn a_key_file_with_a_passphrase_signs_elsewhere() {
    let asked = Asked::new();
    let (_, statement, _) = asked.statement(&[]);
    let key = asked.team.dir.path().join("sasha");
    let ask = asked.desk.join("ask");
    fs::write(&ask, "#!/bin/sh\necho correct horse\n").unwrap();
    fs::set_permissions(&ask, fs::Permissions::from_mode(0o700)).unwrap();
    asked.shell(&format!(
        "ssh-keygen -q -p -P '' -N 'correct horse' -f {}",
        key.display()
    ));
    // Without the passphrase stock ssh-keygen signs nothing.
    let without = plain("setsid", &asked.desk)
        .args([
            "ssh-keygen",
            "-Y",
            "sign",
            "-n",
            "approval.v1@runsheet",
            "-f",
        ])
        .args([&key, &statement])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!without.status.success(), "{without:?}");
    asked.shell(&format!(
        "SSH_ASKPASS={} SSH_ASKPASS_REQUIRE=force ssh-keygen -Y sign -n approval.v1@runsheet -f {} {}",
        ask.display(),
        key.display(),
        statement.display()
    ));
    let signature = PathBuf::from(format!("{}.sig", statement.display()));
    let (status, said) = asked.import("approve", Some(&statement), &signature);
    assert_eq!(status, 0, "{said}");
}

#[test]
fn only_what_was_issued_here_and_as_it_was_issued_is_taken_in() {
    let asked = Asked::new();
    let (_, statement, _) = asked.statement(&[]);
    let said = fs::read_to_string(&statement).unwrap();
    // The same words with another nonce, signed by the right person: not ours.
    let nonce = said
        .lines()
        .find(|line| line.starts_with("nonce: "))
        .unwrap();
    let other = asked.desk.join("other");
    fs::write(
        &other,
        said.replace(nonce, "nonce: 00112233445566778899aabbccddeeff"),
    )
    .unwrap();
    let signature = asked.sign("sasha", "approval.v1@runsheet", &other);
    asked.refused(
        "was not issued here",
        asked.import("approve", Some(&other), &signature),
    );
    asked.refused(
        "no statement that was issued here",
        asked.import("approve", None, &signature),
    );
    // With our nonce, and a longer life.
    let longer = asked.desk.join("longer");
    let until = said
        .lines()
        .find(|line| line.starts_with("not-after: "))
        .unwrap();
    fs::write(
        &longer,
        said.replace(until, "not-after: 2099-01-01T00:00:00Z"),
    )
    .unwrap();
    let signature = asked.sign("sasha", "approval.v1@runsheet", &longer);
    asked.refused(
        "not as it was issued here",
        asked.import("approve", Some(&longer), &signature),
    );
    // Signed by somebody else, or by nobody.
    let signature = asked.sign("robin", "approval.v1@runsheet", &statement);
    asked.refused(
        "does not hold",
        asked.import("approve", Some(&statement), &signature),
    );
    fs::write(asked.desk.join("no.sig"), "hello").unwrap();
    let none = asked.import("approve", Some(&statement), &asked.desk.join("no.sig"));
    asked.refused("the signature", none);
    // For somebody who may not, none is made: whoever asked, and whoever has no such role.
    for who in ["robin@example.org", "lee"] {
        asked
            .robin
            .fails(1, &["statement", &asked.inc, "cut", "--for", who]);
    }
    // Asked anew: what was issued before is about something else.
    let signature = asked.sign("sasha", "approval.v1@runsheet", &statement);
    asked.robin.ok(&["withdraw", &asked.inc, "cut"]);
    asked.refused(
        "withdrawn",
        asked.import("approve", Some(&statement), &signature),
    );
    asked.robin.ok(&["request", &asked.inc, "cut"]);
    asked.refused(
        "asked about anew",
        asked.import("approve", Some(&statement), &signature),
    );
}

#[test]
fn case_16_an_answer_signed_in_namespace_git_or_file_is_not_taken_in() {
    let asked = Asked::new();
    let (_, statement, _) = asked.statement(&[]);
    for namespace in ["git", "file", "exercise-approval.v1@runsheet"] {
        let signature = asked.sign("sasha", namespace, &statement);
        asked.refused(
            "namespace",
            asked.import("approve", Some(&statement), &signature),
        );
        fs::remove_file(signature).unwrap();
    }
}

#[test]
fn case_17_a_signed_commit_that_says_approve_is_no_approval() {
    let asked = Asked::new();
    let (_, statement, _) = asked.statement(&[]);
    let said = fs::read_to_string(&statement).unwrap();
    fs::write(asked.desk.join("message"), format!("approve\n\n{said}")).unwrap();
    let key = asked.team.dir.path().join("sasha");
    // A commit whose message is the statement, signed by the right key as git signs commits.
    asked.shell(&format!(
        "git init -q repo && git -C repo -c user.name=Sasha -c user.email=sasha@example.org -c gpg.format=ssh \
         -c user.signingkey={} commit -q -S --allow-empty -F ../message && git -C repo cat-file commit HEAD > commit",
        key.display()
    ));
    let commit = fs::read_to_string(asked.desk.join("commit")).unwrap();
    assert!(commit.contains("BEGIN SSH SIGNATURE"), "{commit}");
    // Its signature, taken out of it, over the statement; or the commit itself in the place of the statement.
    let taken = asked.desk.join("commit");
    asked.refused(
        "namespace",
        asked.import("approve", Some(&statement), &taken),
    );
    asked.refused(
        "no statement that was issued",
        asked.import("approve", None, &taken),
    );
    asked.refused(
        "the statement",
        asked.import("approve", Some(&taken), &taken),
    );
}

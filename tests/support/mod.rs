//! Repositories for tests, made with the user's git.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, FixedOffset};
use runsheet::host::clock::{BootStamp, FrozenClock};
use runsheet::library::people::{EVERY_ROLE, NewPerson};

pub const ALICE: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG7snClDHmlRduqNUxRBXQbC1a73K5QF1D42OwXLsnxN alice@laptop";
pub const CAROL: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK6xTf75lGrPOyMtauJMxeUftGyhVzX1skidp7dETqbA carol@desk";

pub fn at(text: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(text).unwrap()
}

pub fn clock(text: &str) -> FrozenClock {
    FrozenClock {
        now: at(text),
        boot: BootStamp {
            id: "test".into(),
            millis: 1,
        },
    }
}

pub fn alice() -> NewPerson {
    NewPerson {
        id: "alice".to_owned(),
        name: "Alice Ames".to_owned(),
        principal: "alice@example.org".to_owned(),
        public_key_line: ALICE.to_owned(),
        accounts: vec!["alice".to_owned()],
        roles: EVERY_ROLE.map(str::to_owned).to_vec(),
    }
}

pub fn carol() -> NewPerson {
    NewPerson {
        id: "carol".to_owned(),
        name: "Carol O'Chu: ops".to_owned(),
        principal: "carol@example.org".to_owned(),
        public_key_line: CAROL.to_owned(),
        accounts: Vec::new(),
        roles: vec!["approver".to_owned()],
    }
}

/// A git command in a directory, with no configuration but what is given.
pub fn git(dir: &Path, args: &[&str]) -> String {
    git_as(dir, "Test", "test@example.org", args)
}

pub fn git_as(dir: &Path, name: &str, email: &str, args: &[&str]) -> String {
    let done = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_AUTHOR_NAME", name)
        .env("GIT_AUTHOR_EMAIL", email)
        .env("GIT_COMMITTER_NAME", name)
        .env("GIT_COMMITTER_EMAIL", email)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// An empty repository on `main`.
pub fn repository(path: &Path) -> PathBuf {
    fs::create_dir_all(path).unwrap();
    git(path, &["init", "--quiet", "--initial-branch=main"]);
    path.to_owned()
}

/// Writes a file and commits it.
pub fn commit(dir: &Path, path: &str, text: &str, subject: &str) -> String {
    let place = dir.join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, text).unwrap();
    git(dir, &["add", "--", path]);
    git(dir, &["commit", "--quiet", "-m", subject]);
    git(dir, &["rev-parse", "HEAD"])
}

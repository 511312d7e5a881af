//! The user's `git` program against real repositories, some of them hostile.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use runsheet::host::git::{Git, GitError, PushOutcome, Remote};
use tempfile::TempDir;

fn git(dir: &Path, args: &[&str]) -> String {
    let done = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org"])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// A repository with one commit on `main`.
fn source(dir: &TempDir) -> PathBuf {
    let path = dir.path().join("source");
    fs::create_dir(&path).unwrap();
    git(&path, &["init", "--quiet", "--initial-branch=main"]);
    fs::write(path.join("file"), "one\n").unwrap();
    git(&path, &["add", "file"]);
    git(&path, &["commit", "--quiet", "-m", "One"]);
    path
}

fn remote(path: &Path) -> Remote {
    Remote::new(path.to_str().unwrap()).unwrap()
}

#[test]
fn a_clone_brings_branches_tags_and_head_and_checks_nothing_out() {
    let dir = tempfile::tempdir().unwrap();
    let from = source(&dir);
    git(&from, &["tag", "v1"]);
    let dest = dir.path().join("clone.git");
    let tool = Git::default();
    tool.clone_bare(&remote(&from), &dest).unwrap();
    assert_eq!(git(&dest, &["symbolic-ref", "HEAD"]), "refs/heads/main");
    assert_eq!(
        git(&dest, &["rev-parse", "v1"]),
        git(&from, &["rev-parse", "main"])
    );
    assert!(!dest.join("file").exists());
    assert!(!dest.join("hooks").exists());
    assert_eq!(
        tool.remote_head(&remote(&from)).unwrap().as_deref(),
        Some("refs/heads/main")
    );
}

#[test]
fn case_37_hostile_config_hooks_fsmonitor_and_submodules_of_a_cloned_repository_have_no_effect() {
    let dir = tempfile::tempdir().unwrap();
    let from = source(&dir);
    let trace = dir.path().join("ran");
    let evil = dir.path().join("evil.sh");
    fs::write(&evil, format!("#!/bin/sh\ntouch {}\n", trace.display())).unwrap();
    Command::new("chmod").arg("+x").arg(&evil).status().unwrap();
    let evil = evil.to_str().unwrap();
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "uploadpack.packObjectsHook",
        "core.alternateRefsCommand",
        "diff.external",
        "credential.helper",
    ] {
        git(&from, &["config", key, evil]);
    }
    for hook in [
        "post-checkout",
        "reference-transaction",
        "post-rewrite",
        "pre-push",
    ] {
        fs::copy(evil, from.join(".git/hooks").join(hook)).unwrap();
    }
    let modules = format!("[submodule \"x\"]\n\tpath = x\n\turl = ext::{evil}\n");
    fs::write(from.join(".gitmodules"), modules).unwrap();
    let head = git(&from, &["rev-parse", "HEAD"]);
    let link = format!("160000,{head},x");
    let plain = [
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.fsmonitor=false",
    ];
    git(&from, &[&plain[..], &["add", ".gitmodules"]].concat());
    git(
        &from,
        &[&plain[..], &["update-index", "--add", "--cacheinfo", &link]].concat(),
    );
    git(
        &from,
        &[&plain[..], &["commit", "--quiet", "-m", "Two"]].concat(),
    );
    fs::remove_file(&trace).ok();

    let dest = dir.path().join("clone.git");
    let tool = Git::default();
    tool.clone_bare(&remote(&from), &dest).unwrap();
    let all = ["+refs/heads/*:refs/heads/*".to_owned()];
    tool.fetch(&dest, &remote(&from), &all, true).unwrap();
    tool.ls_remote(&remote(&from), &[]).unwrap();
    assert!(!trace.exists());
    let config = fs::read_to_string(dest.join("config")).unwrap();
    assert!(!config.contains("evil"), "{config}");
}

#[test]
fn a_push_says_for_each_reference_what_became_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let from = source(&dir);
    let hub = dir.path().join("hub.git");
    let tool = Git::default();
    tool.init_bare(&hub).unwrap();
    let specs = ["refs/heads/main:refs/incidents/1/w/a".to_owned()];
    let pushed = tool
        .push(&from.join(".git"), &remote(&hub), &specs)
        .unwrap();
    assert_eq!(pushed.len(), 1);
    assert_eq!(pushed[0].outcome, PushOutcome::Updated);
    let pushed = tool
        .push(&from.join(".git"), &remote(&hub), &specs)
        .unwrap();
    assert_eq!(pushed[0].outcome, PushOutcome::UpToDate);

    git(&from, &["commit", "--quiet", "--amend", "-m", "Another"]);
    let specs = [
        specs[0].clone(),
        "refs/heads/main:refs/incidents/1/w/b".to_owned(),
    ];
    let pushed = tool
        .push(&from.join(".git"), &remote(&hub), &specs)
        .unwrap();
    let rejected = pushed.iter().find(|it| it.to.ends_with("/a")).unwrap();
    assert!(
        matches!(rejected.outcome, PushOutcome::Rejected(_)),
        "{pushed:?}"
    );
    let made = pushed.iter().find(|it| it.to.ends_with("/b")).unwrap();
    assert_eq!(made.outcome, PushOutcome::Updated);
    let names: Vec<_> = tool
        .ls_remote(&remote(&hub), &["refs/incidents/1/w/*"])
        .unwrap()
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(names, ["refs/incidents/1/w/a", "refs/incidents/1/w/b"]);
}

#[test]
fn a_create_only_push_is_refused_to_the_second() {
    let dir = tempfile::tempdir().unwrap();
    let from = source(&dir);
    let hub = dir.path().join("hub.git");
    let tool = Git::default();
    tool.init_bare(&hub).unwrap();
    let spec = ["refs/heads/main:refs/incidents/1/claims/x".to_owned()];
    let pushed = tool
        .push_new(&from.join(".git"), &remote(&hub), &spec)
        .unwrap();
    assert_eq!(pushed[0].outcome, PushOutcome::Updated);
    git(
        &from,
        &["commit", "--quiet", "--allow-empty", "-m", "A descendant"],
    );
    let pushed = tool
        .push_new(&from.join(".git"), &remote(&hub), &spec)
        .unwrap();
    assert!(
        matches!(pushed[0].outcome, PushOutcome::Rejected(_)),
        "{pushed:?}"
    );
}

#[test]
fn fetching_with_pruning_follows_what_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let from = source(&dir);
    git(&from, &["branch", "old"]);
    let dest = dir.path().join("clone.git");
    let tool = Git::default();
    tool.clone_bare(&remote(&from), &dest).unwrap();
    git(&from, &["branch", "-D", "old"]);
    git(&from, &["branch", "new"]);
    let all = ["+refs/heads/*:refs/heads/*".to_owned()];
    tool.fetch(&dest, &remote(&from), &all, true).unwrap();
    let branches = git(&dest, &["for-each-ref", "--format=%(refname:short)"]);
    assert_eq!(branches.lines().collect::<Vec<_>>(), ["main", "new"]);
}

#[test]
fn a_missing_remote_and_a_missing_program_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = remote(&dir.path().join("nowhere"));
    let failed = Git::default().ls_remote(&nowhere, &[]).unwrap_err();
    assert!(
        matches!(&failed, GitError::Failed { status: Some(128), stderr, .. } if stderr.contains("nowhere")),
        "{failed:?}"
    );
    let absent = Git::new("/no/such/git", Duration::from_secs(5));
    assert!(matches!(
        absent.version().unwrap_err(),
        GitError::NotInstalled(_)
    ));
}

#[test]
fn a_remote_that_never_answers_is_given_up_and_can_be_cancelled() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = Remote::new(&format!("git://127.0.0.1:{port}/lib")).unwrap();
    let begun = Instant::now();
    let tool = Git::default().within(Duration::from_millis(300));
    assert!(matches!(
        tool.ls_remote(&silent, &[]).unwrap_err(),
        GitError::TimedOut { .. }
    ));
    let tool = Git::default().cancelled_by(Arc::new(AtomicBool::new(true)));
    assert!(matches!(
        tool.ls_remote(&silent, &[]).unwrap_err(),
        GitError::Cancelled(_)
    ));
    assert!(begun.elapsed() < Duration::from_secs(20));
}

//! Against the SFTP server and the shell of this machine, started by a program that stands for `ssh`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use super::*;

/// A program that takes ssh's words and does here what it would do there.
fn ssh(dir: &Path, body: &str) -> Ssh {
    let program = dir.join("ssh");
    std::fs::write(&program, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    Ssh::new(None).with_program(program)
}

const SERVES: &str = "for last; do :; done
case $last in sftp) for s in /usr/lib/openssh/sftp-server /usr/libexec/sftp-server /usr/lib/ssh/sftp-server; do
  [ -x $s ] && exec $s; done;; *) exec sh;; esac";

const NO_SFTP: &str = "for last; do :; done
case $last in sftp) echo 'subsystem request failed on channel 0' >&2; exit 255;; *) exec sh;; esac";

fn patience() -> Patience {
    Patience::new(Duration::from_secs(20), Duration::from_secs(60))
}

fn names(found: &[FarPath]) -> Vec<String> {
    let name = |found: &FarPath| String::from_utf8_lossy(&found.path).into_owned();
    found
        .iter()
        .map(name)
        .map(|path| path.rsplit('/').next().unwrap().to_owned())
        .collect()
}

#[test]
fn files_are_found_and_read_with_an_sftp_server_and_without() {
    for (body, has_sftp) in [(SERVES, true), (NO_SFTP, false)] {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::connect(&ssh(dir.path(), body), "web", patience()).unwrap();
        assert_eq!(host.has_sftp(), has_sftp);
        let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        std::fs::create_dir_all(at("log/a")).unwrap();
        std::fs::create_dir_all(at("log/b")).unwrap();
        for name in [
            "log/a/x.log",
            "log/a/x.log.1",
            "log/b/x.log",
            "log/b/.x.log",
        ] {
            std::fs::write(at(name), format!("{name}\n").repeat(10_000)).unwrap();
        }
        std::fs::create_dir(at("log/a/d.log")).unwrap();
        std::os::unix::fs::symlink(at("log/a/x.log"), at("log/b/y.log")).unwrap();
        let found = host.find(&at("log/*/*.log")).unwrap();
        assert_eq!(names(&found), ["x.log", "x.log", "y.log"]);
        assert_eq!(found[0].size, Some(120_000));
        assert!(found[0].mtime.is_some());
        assert_eq!(
            names(&host.find(&at("log/a/x.log*")).unwrap()),
            ["x.log", "x.log.1"]
        );
        assert_eq!(
            names(&host.find(&at("log/*/x.log")).unwrap()),
            ["x.log", "x.log"]
        );
        assert_eq!(host.find(&at("log/a/x.log")).unwrap().len(), 1);
        let none = host.find(&at("log/c/*")).unwrap_err();
        assert_eq!(none.to_string(), "no such file");

        let file = host.open(found[2].path.as_slice()).unwrap();
        assert_eq!(file.size().unwrap(), 120_000);
        let read = file
            .read_many(&[(0, 12), (119_996, 9), (120_000, 5)])
            .unwrap();
        assert_eq!(
            read,
            [b"log/a/x.log\n".to_vec(), b"log\n".to_vec(), Vec::new()]
        );
        let mut all = vec![0; 200_000];
        assert_eq!(file.fill_at(&mut all, 0).unwrap(), 120_000);
        assert!(
            host.open(at("log").as_bytes())
                .err()
                .unwrap()
                .to_string()
                .contains("not a plain file")
        );
        let skew = host.skew(&crate::host::clock::SystemClock).unwrap();
        assert!(skew.ahead.abs() <= skew.within, "{skew:?}");
        assert!(host.came() > 120_000);
    }
}

#[test]
fn a_host_that_is_not_reached_says_why_in_ssh_s_words() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |body: &str| {
        Host::connect(&ssh(dir.path(), body), "web", patience())
            .err()
            .unwrap()
            .0
    };
    assert_eq!(
        refused(
            "echo 'ssh: connect to host web port 22: \x1b[31mConnection refused' >&2; exit 255"
        ),
        "web: ssh: connect to host web port 22: ␛[31mConnection refused"
    );
    assert_eq!(refused("exit 255"), "web: the connection was closed");
    assert!(refused("echo no shell for you; exit 1").starts_with("web: "));
}

#[test]
fn a_host_that_never_answers_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let short = Patience::new(Duration::from_millis(50), Duration::from_secs(60));
    let error = Host::connect(&ssh(dir.path(), "exec sleep 60"), "web", short)
        .err()
        .unwrap();
    assert!(error.0.contains("no answer for"), "{error}");
}

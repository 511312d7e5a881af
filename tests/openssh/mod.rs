//! Real `ssh-keygen` and `ssh-agent` for the tests that compare with them; a missing program is a failure that names it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

pub const STATEMENT: &[u8] = include_bytes!("../golden/statements/approval.txt");
pub const NAMESPACE: &str = "approval.v1@runsheet";

/// Runs a program of OpenSSH with this on its standard input.
pub fn run(command: &mut Command, input: &[u8]) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("this test needs the program `{program}` of OpenSSH 9.1 or later: {error}")
        });
    // It may end without having read everything.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

pub fn ssh_keygen() -> Command {
    let mut command = Command::new("ssh-keygen");
    command.env_remove("SSH_AUTH_SOCK").env("TZ", "UTC");
    command
}

/// Makes a key `name` in the folder, with these arguments of `ssh-keygen`.
pub fn make_key(folder: &Path, name: &str, arguments: &[&str], passphrase: &str) -> PathBuf {
    let path = folder.join(name);
    let output = run(
        ssh_keygen()
            .args(["-q", "-N", passphrase, "-C", "a test key"])
            .args(arguments)
            .arg("-f")
            .arg(&path),
        b"",
    );
    assert!(output.status.success(), "{output:?}");
    path
}

pub fn public(path: &Path) -> String {
    std::fs::read_to_string(format!("{}.pub", path.display())).unwrap()
}

/// `ssh-keygen -Y sign` with a key file.
pub fn sign(key: &Path, namespace: &str, statement: &[u8]) -> String {
    let output = run(
        ssh_keygen()
            .args(["-Y", "sign", "-q", "-n", namespace, "-f"])
            .arg(key),
        statement,
    );
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A real agent, gone when this is dropped.
pub struct Agent {
    child: Child,
    pub socket: PathBuf,
}

impl Agent {
    pub fn start(folder: &Path) -> Self {
        let socket = folder.join("agent.sock");
        let mut child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("this test needs the program `ssh-agent` of OpenSSH: {error}")
            });
        // It says where it listens once it does.
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        assert!(line.contains("SSH_AUTH_SOCK"), "{line}");
        Self { child, socket }
    }

    pub fn add(&self, key: &Path) {
        let output = run(
            Command::new("ssh-add")
                .arg("-q")
                .arg(key)
                .env("SSH_AUTH_SOCK", &self.socket),
            b"",
        );
        assert!(output.status.success(), "{output:?}");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

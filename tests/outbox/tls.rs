//! Servers that show a certificate nobody vouches for: nothing is told to them, and why is said. Whoever trusts the
//! authority behind it says so as every program here is told, with `SSL_CERT_FILE`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::{deliveries, team, tell};

/// A made-up authority, and a certificate of it for this machine.
struct Papers {
    dir: tempfile::TempDir,
}

impl Papers {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let extensions = "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";
        std::fs::write(dir.path().join("leaf.ext"), extensions).unwrap();
        let made = |words: &str| {
            let done = Command::new("openssl")
                .args(words.split(' '))
                .current_dir(dir.path())
                .output()
                .expect("openssl is missing: tests/run installs it");
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "{words}: {said}");
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        made(&format!(
            "req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=example"
        ));
        made(&format!(
            "req {key} -keyout leaf.key -out leaf.csr -subj /CN=localhost"
        ));
        made(
            "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile leaf.ext -out leaf.pem",
        );
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// A server with this certificate, until the test ends.
struct Secure {
    program: Child,
    said: BufReader<ChildStdout>,
    port: u16,
}

impl Secure {
    fn start(kind: &str, papers: &Papers) -> Self {
        let system = Path::new("/usr/bin/python3");
        let python = if system.exists() {
            system
        } else {
            Path::new("python3")
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outbox/tls.py");
        let mut program = Command::new(python)
            .arg(script)
            .arg(kind)
            .args([papers.path("leaf.pem"), papers.path("leaf.key")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(program.stdout.take().unwrap());
        let mut server = Self {
            program,
            said,
            port: 0,
        };
        server.port = server.line().parse().unwrap();
        server
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// Tells a server through this channel: without trust in its certificate, and with it.
fn told(kind: &str, channel: impl Fn(u16) -> String) {
    let papers = Papers::new();
    let mut server = Secure::start(kind, &papers);
    let mut team = team(&format!(
        "channels:\n  out: {}\naudiences:\n  customers: {{channels: [out]}}\n",
        channel(server.port)
    ));
    let robin = team.person("robin");
    let inc = robin.start("a");
    let said = tell(&robin, &inc, "one");
    assert!(
        said.contains("not sent yet through out: ") && said.contains("certificate"),
        "{said}"
    );
    assert!(said.contains("UnknownIssuer"), "{said}");
    assert_eq!(server.line(), "broken");
    assert_eq!(deliveries(&robin, &inc)[0]["standing"], "waiting");
    let ca = papers.path("ca.pem").display().to_string();
    team.env.push(("SSL_CERT_FILE".to_owned(), ca));
    let robin = team.person("robin");
    robin.ok(&["outbox", &inc, "--retry"]);
    assert_eq!(server.line(), "taken");
    assert_eq!(deliveries(&robin, &inc)[0]["standing"], "delivered");
}

#[test]
fn a_web_hook_whose_certificate_nobody_vouches_for_is_told_nothing() {
    told("https", |port| {
        format!("{{webhook: {{url: 'https://localhost:{port}/hook'}}}}")
    });
}

#[test]
fn a_mail_server_whose_certificate_nobody_vouches_for_is_told_nothing() {
    told("starttls", |port| {
        format!(
            "{{smtp: {{server: 'localhost:{port}', from: ir@example.org, to: [a@example.org], tls: starttls}}}}"
        )
    });
}

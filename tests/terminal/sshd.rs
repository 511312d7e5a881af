//! An sshd of the test's own on this machine: its keys, its configuration, a free port.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use super::place::{self, Place};

/// A running sshd.
pub struct Sshd {
    child: Child,
    port: u16,
    user: String,
}

impl Sshd {
    /// Starts one that lets the test's key in.
    pub fn start(place: &Place) -> Self {
        let keygen = |name: &str| {
            let made = place
                .command("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(place.path(name))
                .status()
                .expect("the program `ssh-keygen` is needed for this test");
            assert!(made.success());
        };
        keygen("host");
        keygen("user");
        std::fs::copy(place.path("user.pub"), place.path("authorized")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin prohibit-password\nPrintMotd no\nPrintLastLog no\n",
            place.path("host").display(),
            place.path("authorized").display(),
        );
        std::fs::write(place.path("sshd_config"), config).unwrap();
        let user = said("id", &["-un"]);
        if user == "root" {
            // Started by root it wants this directory, which the system's own start would have made.
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"]
            .into_iter()
            .find(|path| std::path::Path::new(path).exists())
            .expect("the program `sshd` is needed for this test");
        let child = Command::new(program)
            .args(["-D", "-e", "-f"])
            .arg(place.path("sshd_config"))
            .env_clear()
            .envs(place.env())
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(place.path("sshd.log")).unwrap())
            .spawn()
            .unwrap();
        place::poll("sshd", || TcpStream::connect(("127.0.0.1", port)).ok());
        Self { child, port, user }
    }

    /// The shell command that runs another one there, in a terminal.
    pub fn command(&self, place: &Place, command: &str) -> String {
        let env: Vec<String> = place
            .env()
            .into_iter()
            .filter(|(name, _)| name != "TERM")
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!(
            "ssh -tt -q -F /dev/null -i {} -p {} -o BatchMode=yes -o IdentitiesOnly=yes \
             -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null {}@127.0.0.1 \
             'env -i TERM=$TERM {} {command}'",
            place.path("user").display(),
            self.port,
            self.user,
            env.join(" ")
        )
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

//! A real sshd on this machine for the length of a test, on a port of its own, with keys and settings of its own; for
//! root and for anybody else.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::team::{plain, wait_for};

/// It listens until it is dropped.
pub struct Server {
    child: Child,
    dir: PathBuf,
}

impl Server {
    pub fn start(dir: &Path) -> Self {
        Self::start_with(dir, "")
    }

    /// With more lines in the server's settings.
    pub fn start_with(dir: &Path, settings: &str) -> Self {
        fs::create_dir_all(dir).unwrap();
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).unwrap();
        for name in ["host", "user"] {
            let done = plain("ssh-keygen", dir)
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
                .arg(dir.join(name))
                .output()
                .unwrap_or_else(|error| panic!("this test needs ssh-keygen: {error}"));
            assert!(done.status.success(), "{done:?}");
        }
        fs::copy(dir.join("user.pub"), dir.join("authorized")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let settings = settings.to_owned() + &server_config(dir, port);
        fs::write(dir.join("sshd_config"), settings).unwrap();
        fs::write(dir.join("ssh_config"), client_config(dir, port)).unwrap();
        let host = fs::read_to_string(dir.join("host.pub")).unwrap();
        fs::write(dir.join("known"), format!("[127.0.0.1]:{port} {host}")).unwrap();
        if rustix::process::geteuid().is_root() {
            // sshd insists on it and does not make it.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let mut child = Command::new(program())
            .args(["-D", "-e", "-f"])
            .arg(dir.join("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.join("log")).unwrap())
            .spawn()
            .unwrap();
        wait_for("sshd", || {
            assert!(
                child.try_wait().unwrap().is_none(),
                "sshd ended: {}",
                fs::read_to_string(dir.join("log")).unwrap()
            );
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Self {
            child,
            dir: dir.to_owned(),
        }
    }

    /// What `ssh -F` takes; the host is called `hub`.
    pub fn client_config(&self) -> PathBuf {
        self.dir.join("ssh_config")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// sshd wants to be called by its whole path.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into(), "/sbin".into()])
        .map(|dir| dir.join("sshd"))
        .find(|program| program.exists())
        .expect("this test needs sshd (package openssh-server)")
}

fn server_config(dir: &Path, port: u16) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {dir}/host\nAuthorizedKeysFile {dir}/authorized\n\
         PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\nLogLevel VERBOSE\nPrintMotd no\nPermitUserEnvironment no\n\
         SetEnv GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null PATH=\"{path}\"\n",
        dir = dir.display()
    )
}

fn client_config(dir: &Path, port: u16) -> String {
    let uid = rustix::process::geteuid().as_raw();
    let user = runsheet_account(uid);
    format!(
        "Host hub\n  HostName 127.0.0.1\n  Port {port}\n  User {user}\n  IdentityFile {dir}/user\n  IdentitiesOnly yes\n\
         \x20 IdentityAgent none\n  UserKnownHostsFile {dir}/known\n  GlobalKnownHostsFile /dev/null\n\
         \x20 StrictHostKeyChecking yes\n  LogLevel ERROR\n",
        dir = dir.display()
    )
}

fn runsheet_account(uid: u32) -> String {
    let done = Command::new("id")
        .args(["-un", &uid.to_string()])
        .output()
        .unwrap();
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

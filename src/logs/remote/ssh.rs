//! The user's own `ssh`: its configuration, jump hosts, agents and hardware keys hold. It never asks anything, and one
//! connection to a host is kept for those that follow.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::host::process::{self, Bounds};

/// For so many seconds after the last use a connection is kept.
const KEPT_SECONDS: u32 = 300;
/// The longest path of a folder for the sockets: with ssh's own name in it, it has to fit into a socket's address.
const LONGEST_DIR: usize = 48;

/// How long ssh may take to tell what is configured: a configuration can ask programs.
const TELLING: Duration = Duration::from_secs(2);

/// How a host is reached.
#[derive(Debug, Clone)]
pub struct Ssh {
    program: PathBuf,
    /// Where the sockets of kept connections lie: a folder that only its owner may look into.
    sockets: Option<PathBuf>,
}

/// What is run there.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum There<'a> {
    Subsystem(&'a str),
    Command(&'a str),
}

impl Ssh {
    /// By `ssh` as the `PATH` finds it. Connections are kept in `sockets` if its path is not too long for that.
    #[must_use]
    pub fn new(sockets: Option<&Path>) -> Self {
        Self {
            program: PathBuf::from("ssh"),
            sockets: sockets
                .filter(|dir| dir.is_absolute() && dir.as_os_str().len() <= LONGEST_DIR)
                .map(Path::to_owned),
        }
    }

    /// By this program.
    #[must_use]
    pub fn with_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// The command that runs this on that host.
    ///
    /// # Errors
    /// When the host's name cannot be one.
    pub fn command(&self, host: &str, there: There<'_>) -> Result<Command, String> {
        checked(host)?;
        let mut command = Command::new(&self.program);
        command.args(["-T", "-a", "-x", "-e", "none"]);
        for option in [
            "BatchMode=yes",
            "ClearAllForwardings=yes",
            "PermitLocalCommand=no",
            "RemoteCommand=none",
            "ConnectTimeout=15",
        ] {
            command.args(["-o", option]);
        }
        if let Some(dir) = self
            .sockets
            .as_deref()
            .filter(|_| !self.keeps_its_own(host))
        {
            let mut path = OsString::from("ControlPath=");
            path.push(dir);
            path.push("/%C");
            command.args(["-o", "ControlMaster=auto", "-o"]).arg(path);
            command.args(["-o", &format!("ControlPersist={KEPT_SECONDS}")]);
        }
        match there {
            There::Subsystem(name) => command.args(["-s", "--", host, name]),
            There::Command(script) => command.args(["--", host, script]),
        };
        Ok(command)
    }

    /// Whether the user's configuration keeps connections to this host already: then theirs is used, which may have
    /// been opened with more than a key.
    fn keeps_its_own(&self, host: &str) -> bool {
        let mut command = Command::new(&self.program);
        command.args(["-G", "--", host]);
        let bounds = Bounds {
            timeout: TELLING,
            cancel: None,
            stdout: 256 << 10,
            stderr: 0,
        };
        process::run(command, None, bounds).is_ok_and(|told| {
            String::from_utf8_lossy(&told.stdout).lines().any(|line| {
                line.strip_prefix("controlpath ")
                    .is_some_and(|path| path != "none")
            })
        })
    }
}

/// A name that ssh takes for a host and a shell for nothing.
fn checked(host: &str) -> Result<(), String> {
    let bare = host.rsplit_once('@').map_or(host, |(_, host)| host);
    if host.starts_with('-') || bare.starts_with('-') {
        return Err(format!("host {host:?}: ssh would read it as an option"));
    }
    let fits = |c: char| {
        c.is_alphanumeric()
            || matches!(c, '.' | '-' | '_' | ':' | '@' | '/' | '[' | ']' | '%' | '+')
    };
    if bare.is_empty() || host.len() > 255 || !host.chars().all(fits) {
        return Err(format!("host {host:?} is no name of a host"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(ssh: &Ssh, there: There<'_>) -> Vec<String> {
        let command = ssh.command("ann@web-1", there).unwrap();
        command
            .get_args()
            .map(|word| word.to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn it_never_asks_and_the_host_is_never_an_option() {
        let ssh = Ssh::new(None).with_program("/nonexistent/ssh");
        let sftp = words(&ssh, There::Subsystem("sftp"));
        assert!(sftp.contains(&"BatchMode=yes".to_owned()));
        assert!(sftp.ends_with(&["-s", "--", "ann@web-1", "sftp"].map(str::to_owned)));
        assert!(
            words(&ssh, There::Command("sh"))
                .ends_with(&["--", "ann@web-1", "sh"].map(str::to_owned))
        );
        for host in [
            "-oProxyCommand=x",
            "ann@-web",
            "",
            "ann@",
            "a b",
            "a;b",
            "a\nb",
            "$(x)",
            "`x`",
        ] {
            assert!(ssh.command(host, There::Command("sh")).is_err(), "{host:?}");
        }
    }

    #[test]
    fn connections_are_kept_where_their_sockets_fit() {
        let ssh = |dir: &str| Ssh::new(Some(Path::new(dir))).with_program("/nonexistent/ssh");
        let kept = words(&ssh("/run/user/1000/runsheet"), There::Command("sh"));
        assert!(
            kept.contains(&"ControlPath=/run/user/1000/runsheet/%C".to_owned()),
            "{kept:?}"
        );
        let long = format!("/{}", "x".repeat(60));
        assert!(
            !words(&ssh(&long), There::Command("sh")).contains(&"ControlMaster=auto".to_owned())
        );
    }
}

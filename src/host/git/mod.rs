//! The user's own `git` program, for everything that crosses the network: their `ssh` configuration, jump hosts,
//! hardware keys and credential helpers just work. It never asks on the terminal, runs no hook and recurses into no
//! submodule. What it prints is returned raw; whoever shows it escapes it. Knows nothing of what the repositories hold.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

mod environment;
pub(crate) mod objects;
mod push;
mod remote;

pub use push::{PushOutcome, Pushed};
pub use remote::{BadRemote, Remote};

use super::process::{Bounds, Ended, Finished, run};
use environment::{batch_mode, command};

/// How much of what git prints is taken: references of a large hub on standard output, the end of its complaints.
const STDOUT: usize = 64 << 20;
const STDERR: usize = 16 << 10;

/// Why git did not do it.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no such program.
    #[error("the program `{0}` was not found: install git, or set PATH")]
    NotInstalled(String),
    /// It could not be started or watched.
    #[error("git could not be run: {0}")]
    Io(#[from] io::Error),
    /// It took longer than it may.
    #[error("git {what} took longer than {}s and was ended", .after.as_secs())]
    #[allow(missing_docs)]
    TimedOut { what: String, after: Duration },
    /// Somebody ended it.
    #[error("git {0} was cancelled")]
    Cancelled(String),
    /// It printed more than it may.
    #[error("git {0} answered with more than can be taken in")]
    TooMuch(String),
    /// It failed. `stderr` is raw.
    #[error("git {what} failed: {}", last_lines(stderr))]
    #[allow(missing_docs)]
    Failed {
        what: String,
        status: Option<i32>,
        stderr: String,
    },
    /// It succeeded with an answer that is not understood.
    #[error("git {0} answered something that is not understood")]
    Answer(String),
}

/// The program and its bounds.
#[derive(Debug, Clone)]
pub struct Git {
    program: PathBuf,
    timeout: Duration,
    cancel: Option<Arc<AtomicBool>>,
}

/// A reference at a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct RemoteRef {
    pub name: String,
    /// The object's id in hex.
    pub id: String,
}

impl Default for Git {
    fn default() -> Self {
        Self::new("git", Duration::from_secs(120))
    }
}

impl Git {
    /// This program, each call of it for at most `timeout`.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>, timeout: Duration) -> Self {
        Self {
            program: program.into(),
            timeout,
            cancel: None,
        }
    }

    /// The same, with other bounds on time.
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        Self {
            timeout,
            ..self.clone()
        }
    }

    /// The same, ended early when another thread sets `cancel`.
    #[must_use]
    pub fn cancelled_by(&self, cancel: Arc<AtomicBool>) -> Self {
        Self {
            cancel: Some(cancel),
            ..self.clone()
        }
    }

    /// `git --version`, as it prints it.
    ///
    /// # Errors
    /// When there is no git.
    pub fn version(&self) -> Result<String, GitError> {
        let done = self.call("version", None, &["--version".as_ref()], None)?;
        Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }

    /// The `user.email` of the user's git configuration.
    ///
    /// # Errors
    /// When git cannot be run. That there is none is `None`.
    pub fn config_email(&self) -> Result<Option<String>, GitError> {
        self.config("user.email")
    }

    /// The `user.name` of the user's git configuration.
    ///
    /// # Errors
    /// As [`Git::config_email`].
    pub fn config_name(&self) -> Result<Option<String>, GitError> {
        self.config("user.name")
    }

    fn config(&self, key: &str) -> Result<Option<String>, GitError> {
        let args = ["config".as_ref(), "--get".as_ref(), key.as_ref()];
        match self.call("config", None, &args, None) {
            Ok(done) => {
                let text = String::from_utf8_lossy(&done.stdout).trim().to_owned();
                Ok(Some(text).filter(|text| !text.is_empty()))
            }
            Err(GitError::Failed {
                status: Some(1), ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a bare repository at `dest`, which must not exist, with all branches and tags of the remote and its
    /// HEAD. Nothing is checked out, no template or hook is copied, no object is shared with a local source.
    ///
    /// # Errors
    /// When git fails; what it had made at `dest` it takes away itself.
    pub fn clone_bare(&self, remote: &Remote, dest: &Path) -> Result<(), GitError> {
        let mut args: Vec<&OsStr> = [
            "clone",
            "--quiet",
            "--bare",
            "--no-local",
            "--template=",
            "--",
        ]
        .map(OsStr::new)
        .to_vec();
        let dest = std::path::absolute(dest)?;
        args.push(remote.as_arg());
        args.push(dest.as_os_str());
        self.call("clone", None, &args, Some(remote)).map(drop)
    }

    /// Makes an empty bare repository without template or hooks.
    ///
    /// # Errors
    /// When git fails.
    pub fn init_bare(&self, dest: &Path) -> Result<(), GitError> {
        let mut args: Vec<&OsStr> = ["init", "--quiet", "--bare", "--template=", "--"]
            .map(OsStr::new)
            .to_vec();
        let dest = std::path::absolute(dest)?;
        args.push(dest.as_os_str());
        self.call("init", None, &args, None).map(drop)
    }

    /// Fetches these refspecs into the repository `dir` (its git directory). With `prune`, references that match the
    /// refspecs' right sides and are gone at the remote are taken away.
    ///
    /// # Errors
    /// When git fails.
    pub fn fetch(
        &self,
        dir: &Path,
        remote: &Remote,
        refspecs: &[String],
        prune: bool,
    ) -> Result<(), GitError> {
        let mut args: Vec<&OsStr> = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
        ]
        .map(OsStr::new)
        .to_vec();
        if prune {
            args.push("--prune".as_ref());
        }
        args.push("--".as_ref());
        args.push(remote.as_arg());
        args.extend(refspecs.iter().map(OsStr::new));
        self.call("fetch", Some(dir), &args, Some(remote)).map(drop)
    }

    /// The references of the remote that match any of the patterns (all, when there are none).
    ///
    /// # Errors
    /// When git fails.
    pub fn ls_remote(
        &self,
        remote: &Remote,
        patterns: &[&str],
    ) -> Result<Vec<RemoteRef>, GitError> {
        let mut args: Vec<&OsStr> = ["ls-remote", "--quiet", "--"].map(OsStr::new).to_vec();
        args.push(remote.as_arg());
        args.extend(patterns.iter().map(OsStr::new));
        let done = self.call("ls-remote", None, &args, Some(remote))?;
        let text = String::from_utf8_lossy(&done.stdout);
        let parsed: Option<Vec<_>> = text.lines().map(remote_ref).collect();
        parsed.ok_or_else(|| GitError::Answer("ls-remote".to_owned()))
    }

    /// The branch that the remote's HEAD names, as `refs/heads/…`.
    ///
    /// # Errors
    /// When git fails.
    pub fn remote_head(&self, remote: &Remote) -> Result<Option<String>, GitError> {
        let mut args: Vec<&OsStr> = ["ls-remote", "--quiet", "--symref", "--"]
            .map(OsStr::new)
            .to_vec();
        args.push(remote.as_arg());
        args.push("HEAD".as_ref());
        let done = self.call("ls-remote", None, &args, Some(remote))?;
        let text = String::from_utf8_lossy(&done.stdout);
        Ok(text.lines().find_map(|line| {
            let name = line.strip_prefix("ref: ")?.strip_suffix("\tHEAD")?;
            Some(name.to_owned())
        }))
    }

    /// Any other git command on the repository `dir`, with `input` on its standard input; for what has no words of
    /// its own here, such as `fast-import`. It runs under the same settings.
    ///
    /// # Errors
    /// When git fails.
    pub fn plumbing(
        &self,
        dir: &Path,
        args: &[&str],
        input: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, GitError> {
        let what = args.first().copied().unwrap_or("git");
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        let done = self.run(what, Some(dir), &args, None, input)?;
        if done.status.success() {
            Ok(done.stdout)
        } else {
            Err(failed(what, &done))
        }
    }

    /// Removes from a bare repository every object that no reference leads to. Nobody may write to it meanwhile.
    ///
    /// # Errors
    /// When git fails.
    pub fn forget(&self, dir: &Path) -> Result<(), GitError> {
        let repack = ["repack", "-a", "-d", "-q"].map(OsStr::new);
        self.call("repack", Some(dir), &repack, None)?;
        let prune = ["prune", "--expire=now"].map(OsStr::new);
        self.call("prune", Some(dir), &prune, None)?;
        Ok(())
    }

    fn call(
        &self,
        what: &str,
        dir: Option<&Path>,
        args: &[&OsStr],
        remote: Option<&Remote>,
    ) -> Result<Finished, GitError> {
        let done = self.run(what, dir, args, remote, None)?;
        if done.status.success() {
            Ok(done)
        } else {
            Err(failed(what, &done))
        }
    }

    fn run(
        &self,
        what: &str,
        dir: Option<&Path>,
        args: &[&OsStr],
        remote: Option<&Remote>,
        input: Option<Vec<u8>>,
    ) -> Result<Finished, GitError> {
        let mut command = command(&self.program, dir);
        if remote.is_some_and(Remote::may_use_ssh)
            && let Some(ssh) = self.ssh_command()?
        {
            command.env("GIT_SSH_COMMAND", ssh);
        }
        command.args(args);
        let bounds = Bounds {
            timeout: self.timeout,
            cancel: self.cancel.as_deref(),
            stdout: STDOUT,
            stderr: STDERR,
        };
        let done = run(command, input, bounds).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                GitError::NotInstalled(self.program.display().to_string())
            } else {
                GitError::Io(error)
            }
        })?;
        match done.ended {
            None => Ok(done),
            Some(Ended::TimedOut) => Err(GitError::TimedOut {
                what: what.to_owned(),
                after: self.timeout,
            }),
            Some(Ended::Cancelled) => Err(GitError::Cancelled(what.to_owned())),
            Some(Ended::TooMuchOutput) => Err(GitError::TooMuch(what.to_owned())),
        }
    }

    /// What `GIT_SSH_COMMAND` must be so that ssh never asks: the user's own command where they set one, in
    /// batch mode. `None` leaves a `GIT_SSH` program, which takes no options, as it is.
    fn ssh_command(&self) -> Result<Option<String>, GitError> {
        let own = match std::env::var("GIT_SSH_COMMAND") {
            Ok(command) => Some(command),
            Err(_) if std::env::var_os("GIT_SSH").is_some() => return Ok(None),
            Err(_) => self.config("core.sshCommand")?,
        };
        Ok(Some(batch_mode(own.as_deref())))
    }
}

fn failed(what: &str, done: &Finished) -> GitError {
    GitError::Failed {
        what: what.to_owned(),
        status: done.status.code(),
        stderr: String::from_utf8_lossy(&done.stderr).trim().to_owned(),
    }
}

fn last_lines(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.is_empty()).collect();
    let from = lines.len().saturating_sub(4);
    lines[from..].join("; ")
}

fn remote_ref(line: &str) -> Option<RemoteRef> {
    let (id, name) = line.split_once('\t')?;
    let hex = id.len() >= 40 && id.bytes().all(|b| b.is_ascii_hexdigit());
    hex.then(|| RemoteRef {
        name: name.to_owned(),
        id: id.to_owned(),
    })
}

//! What is wrong on this machine, and what to do about each: git, ssh, agent, keys, clock, terminal, state, hub, disk.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::args::Common;
use super::config::{self, Config};
use super::{CliError, out};
use crate::evidence::escape;
use crate::identity;
use crate::library::{ALLOWED_SIGNERS, Library, POLICY};
use crate::runbook::parse;
use crate::trust::{AllowedSigners, People};

/// Less free room than this is worth a warning, in bytes.
const LITTLE_ROOM: u64 = 256 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    Warning,
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    found: String,
    /// What to do about it.
    todo: Option<String>,
}

fn good(what: &'static str, found: impl Into<String>) -> Finding {
    Finding {
        what,
        verdict: Verdict::Good,
        found: found.into(),
        todo: None,
    }
}

fn bad(
    what: &'static str,
    verdict: Verdict,
    found: impl Into<String>,
    todo: impl Into<String>,
) -> Finding {
    Finding {
        what,
        verdict,
        found: found.into(),
        todo: Some(todo.into()),
    }
}

/// Looks at everything and says it.
///
/// # Errors
/// Status 1 when something is wrong, as opposed to merely worth a warning.
pub fn run(common: &Common) -> Result<(), CliError> {
    let config = Config::read(common)?;
    let mut findings = vec![git(), ssh()];
    findings.extend(library(&config));
    findings.push(agent(&config));
    findings.push(identity_of(&config));
    findings.push(clock());
    findings.push(terminal());
    findings.push(state(&config));
    findings.push(disk(&config.settings.state));
    findings.extend(config.settings.spool.as_deref().map(spool));
    findings.push(hub(&config));
    if common.json {
        out::json(&json!({ "findings": findings }))?;
    } else {
        for finding in &findings {
            let glyph = match finding.verdict {
                Verdict::Good => "✓",
                Verdict::Warning => "!",
                Verdict::Wrong => "✗",
            };
            out::data(&format!(
                "{glyph} {:<16} {}",
                finding.what,
                escape::line(&finding.found)
            ))?;
            if let Some(todo) = &finding.todo {
                out::data(&format!("  {:<16} → {}", "", escape::line(todo)))?;
            }
        }
    }
    if findings
        .iter()
        .any(|finding| finding.verdict == Verdict::Wrong)
    {
        Err(CliError::Status(1))
    } else {
        Ok(())
    }
}

fn git() -> Finding {
    match config::ports().git.within(Duration::from_secs(5)).version() {
        Ok(version) => good("git", version),
        Err(error) => bad(
            "git",
            Verdict::Wrong,
            error.to_string(),
            "install git: records and libraries travel with it",
        ),
    }
}

fn ssh() -> Finding {
    let found = ["ssh", "ssh-keygen"].map(|name| in_path(name).map(|_| name));
    match found {
        [Some(_), Some(_)] => good("ssh", "ssh and ssh-keygen are there"),
        _ => bad(
            "ssh",
            Verdict::Warning,
            "ssh or ssh-keygen is missing",
            "install the OpenSSH client: hubs over ssh, hardware keys and rsa or ecdsa key files need it",
        ),
    }
}

fn in_path(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

fn library(config: &Config) -> Vec<Finding> {
    let Some(spec) = &config.settings.library else {
        return vec![bad(
            "library",
            Verdict::Wrong,
            "none is configured",
            "`runsheet init` makes one of the shipped runbooks; `--library` names one",
        )];
    };
    let opened = super::library::open(config).and_then(|library| {
        let pin = library.pin()?;
        Ok((library, pin))
    });
    let (library, pin) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            return vec![bad(
                "library",
                Verdict::Wrong,
                format!("{spec}: {error}"),
                "see that it is there and has a commit",
            )];
        }
    };
    let mut findings = vec![match library.undistorted() {
        Ok(()) => {
            let age = library.fetched_at().map_or_else(String::new, |at| {
                format!(", fetched {}", at.format("%Y-%m-%d %H:%M"))
            });
            good("library", format!("{spec} at {}{age}", &pin.commit[..12]))
        }
        Err(error) => bad(
            "library",
            Verdict::Wrong,
            error.to_string(),
            "approvals cannot rest on it: use a full clone without grafts or alternates",
        ),
    }];
    findings.push(keys(config, &library, &pin));
    findings
}

/// The policy and the signers, and whether this person's key is among them.
fn keys(config: &Config, library: &Library, pin: &crate::library::Pin) -> Finding {
    let text = |blob: Result<Option<crate::library::Blob>, crate::library::LibraryError>| {
        blob.ok()
            .flatten()
            .map(|blob| String::from_utf8_lossy(&blob.bytes).into_owned())
    };
    let (Some(policy), Some(signers)) = (
        text(library.policy(pin)),
        text(library.allowed_signers(pin)),
    ) else {
        return bad(
            "keys",
            Verdict::Warning,
            format!("the library has no {POLICY} or no {ALLOWED_SIGNERS}"),
            "without both nobody can approve; `runsheet people add` makes them",
        );
    };
    let (signers, problems) = AllowedSigners::parse(&signers);
    if let Some(problem) = problems.iter().find(|problem| !problem.used) {
        return bad(
            "keys",
            Verdict::Wrong,
            format!("{ALLOWED_SIGNERS}: {problem}"),
            "mend the line, and commit it",
        );
    }
    let (policy, problems) = parse::policy(POLICY, policy.as_bytes());
    let Some(policy) = policy else {
        let what = problems
            .first()
            .map_or_else(String::new, ToString::to_string);
        return bad(
            "keys",
            Verdict::Wrong,
            what,
            "mend policy.yaml, and commit it",
        );
    };
    let people = People::new(&policy, &signers);
    if let Some(problem) = people.problems().first() {
        return bad(
            "keys",
            Verdict::Wrong,
            problem.to_string(),
            "say in policy.yaml who is who",
        );
    }
    people_here(config, &signers, &people)
}

/// Whether one's own key is known, and whether anybody else's is.
fn people_here(config: &Config, signers: &AllowedSigners, people: &People) -> Finding {
    let found = identity::candidates(&config.settings.environment);
    let mine = found
        .keys
        .iter()
        .filter(|candidate| !signers.principals_of(&candidate.key).is_empty())
        .count();
    let count = signers.signers().len();
    if mine == 0
        && config.settings.asked.key.is_none()
        && config.settings.environment.key_files.is_empty()
    {
        return bad(
            "keys",
            Verdict::Warning,
            format!("{count} keys in {ALLOWED_SIGNERS}, none of them is yours"),
            "a colleague adds yours: `runsheet people add YOUR-ADDRESS --key id.pub`",
        );
    }
    if people.alone().is_some() {
        return bad(
            "keys",
            Verdict::Warning,
            format!("{count} keys, one person"),
            "nobody can approve for you: `runsheet people add ADDRESS --key FILE` adds a colleague",
        );
    }
    good(
        "keys",
        format!(
            "{count} keys of {} people in {ALLOWED_SIGNERS}",
            people.named().count()
        ),
    )
}

fn agent(config: &Config) -> Finding {
    match config
        .settings
        .environment
        .agent()
        .map(|agent| agent.keys())
    {
        Some(Ok(keys)) if keys.is_empty() => bad(
            "agent",
            Verdict::Warning,
            "it holds no key",
            "`ssh-add` gives it one",
        ),
        Some(Ok(keys)) => good("agent", format!("{} keys", keys.len())),
        Some(Err(error)) => bad(
            "agent",
            Verdict::Warning,
            error.to_string(),
            "start it again, or use --key FILE",
        ),
        None => bad(
            "agent",
            Verdict::Warning,
            "SSH_AUTH_SOCK is not set",
            "`ssh -A` forwards an agent; a key file works too (--key)",
        ),
    }
}

fn identity_of(config: &Config) -> Finding {
    match config.desk() {
        Ok(desk) => {
            let identity = &desk.identity;
            match &identity.signer {
                Some(signer) => good(
                    "you",
                    format!("{} · {}", identity.principal, signer.fingerprint()),
                ),
                None => bad(
                    "you",
                    Verdict::Warning,
                    format!("{}, unsigned", identity.principal),
                    identity.notes.join(" "),
                ),
            }
        }
        Err(error) => bad(
            "you",
            Verdict::Wrong,
            error.to_string(),
            "--as PRINCIPAL with --key FILE says who you are",
        ),
    }
}

fn clock() -> Finding {
    use rustix::time::{ClockId, clock_gettime};
    let _ = clock_gettime(ClockId::Realtime);
    let synced = std::process::Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .output()
        .ok()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    match synced.as_deref() {
        Some("yes") => good("clock", "set by the network"),
        Some("no") => bad(
            "clock",
            Verdict::Warning,
            "not set by the network",
            "start chrony or systemd-timesyncd: times of people on several machines are compared",
        ),
        _ => good(
            "clock",
            "whether it is set by the network cannot be told here",
        ),
    }
}

fn terminal() -> Finding {
    let term = std::env::var("TERM").unwrap_or_default();
    let utf8 = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .is_some_and(|value| value.to_ascii_lowercase().contains("utf"));
    if term.is_empty() || term == "dumb" {
        return bad(
            "terminal",
            Verdict::Warning,
            format!("TERM is `{term}`"),
            "the screen needs a terminal; every command works without",
        );
    }
    if !utf8 {
        return bad(
            "terminal",
            Verdict::Warning,
            format!("{term}, and the locale is not UTF-8"),
            "use --ascii, or a UTF-8 locale",
        );
    }
    good("terminal", term)
}

fn state(config: &Config) -> Finding {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let path = &config.settings.state;
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => good(
            "state",
            format!("{} is made at the first incident", path.display()),
        ),
        Err(error) => bad(
            "state",
            Verdict::Wrong,
            format!("{}: {error}", path.display()),
            "--state names another directory",
        ),
        Ok(meta) if meta.uid() != rustix::process::geteuid().as_raw() => bad(
            "state",
            Verdict::Wrong,
            format!("{} belongs to somebody else", path.display()),
            "a state directory is one person's; people share a spool (--spool)",
        ),
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => bad(
            "state",
            Verdict::Warning,
            format!("{} can be read by others", path.display()),
            format!("chmod 700 {}", path.display()),
        ),
        Ok(_) => good("state", path.display().to_string()),
    }
}

fn spool(path: &Path) -> Finding {
    use std::os::unix::fs::PermissionsExt as _;
    match std::fs::metadata(path) {
        Err(error) => bad(
            "spool",
            Verdict::Wrong,
            format!("{}: {error}", path.display()),
            format!("install -d -m 3770 -g TEAM {}", path.display()),
        ),
        Ok(meta) if meta.permissions().mode() & 0o7777 != 0o3770 => bad(
            "spool",
            Verdict::Warning,
            format!(
                "{} has mode {:o}",
                path.display(),
                meta.permissions().mode() & 0o7777
            ),
            format!("chmod 3770 {}", path.display()),
        ),
        Ok(_) => good("spool", path.display().to_string()),
    }
}

fn disk(path: &Path) -> Finding {
    let there = path
        .ancestors()
        .find(|path| path.exists())
        .unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(there) {
        Ok(room) => {
            let free = room.f_bavail.saturating_mul(room.f_frsize);
            let text = format!("{} MiB free, {} inodes", free >> 20, room.f_favail);
            if free < LITTLE_ROOM || (room.f_files > 0 && room.f_favail < 1000) {
                bad(
                    "disk",
                    Verdict::Warning,
                    text,
                    "make room: an incident whose events cannot be written stops at its checkpoints",
                )
            } else {
                good("disk", text)
            }
        }
        Err(error) => bad(
            "disk",
            Verdict::Warning,
            error.to_string(),
            "see that the state directory's disk is there",
        ),
    }
}

fn hub(config: &Config) -> Finding {
    let Some(hub) = &config.settings.hub else {
        return bad(
            "hub",
            Verdict::Warning,
            "none is configured",
            "alone that is all right; a team shares its records through a git remote (--hub)",
        );
    };
    match config::ports()
        .git
        .within(Duration::from_secs(10))
        .ls_remote(hub, &["refs/incidents/*"])
    {
        Ok(refs) => good("hub", format!("{hub}: {} references", refs.len())),
        Err(error) => bad(
            "hub",
            Verdict::Wrong,
            format!("{hub}: {error}"),
            "everything works without it and catches up later; see that git can reach it",
        ),
    }
}

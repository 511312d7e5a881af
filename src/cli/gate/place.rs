//! Where a gate finds what it goes by. Run as oneself it is the usual settings. Run with another account's rights (sudo,
//! another effective user) it is `/etc/runsheet/gate.toml` alone, which only root can have written: flags, environment
//! and home are those of whoever called, and say nothing.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;

use serde::Deserialize;

use crate::cli::CliError;
use crate::cli::args::Common;
use crate::cli::config::{self, Config};
use crate::driver::{Desk, DriverError, Ports, Settings};
use crate::host::files;
use crate::host::git::Remote;
use crate::host::trusted::Owners;
use crate::identity::{Asked, Environment};
use crate::library::{Library, Spec};
use crate::trust::Principal;

const FILE: &str = "/etc/runsheet/gate.toml";
const LIMIT: u64 = 64 << 10;
/// Where programs are looked for unless the file says otherwise.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A desk to answer from.
pub struct Place {
    /// Whose word it is.
    pub desk: Rc<Desk>,
    /// The account that called, where it is not the one that answers.
    pub caller: Option<String>,
}

/// `gate.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    library: String,
    state: PathBuf,
    #[serde(rename = "as")]
    principal: String,
    key: PathBuf,
    hub: Option<String>,
    spool: Option<PathBuf>,
    cwd: Option<PathBuf>,
    path: Option<String>,
}

/// Whether this process has rights that are not its caller's.
#[must_use]
pub fn is_lent() -> bool {
    other_user() || std::env::var_os("SUDO_UID").is_some()
}

/// Whether the program itself changes the account (set-user-id), which is for the gate only.
#[must_use]
pub fn other_user() -> bool {
    let (real, effective) = (rustix::process::getuid(), rustix::process::geteuid());
    real != effective || rustix::process::getgid() != rustix::process::getegid()
}

/// The usual settings, or the file that only root can have written.
///
/// # Errors
/// When they cannot be used, or nobody can be made out.
pub fn find(common: &Common) -> Result<Place, CliError> {
    if !is_lent() {
        let desk = Config::read(common)?.desk()?;
        return Ok(Place { desk, caller: None });
    }
    let caller = caller()?;
    let file = read(Path::new("/"), &[0])?;
    clean(&environment(file.path.as_deref().unwrap_or(PATH)))?;
    Ok(Place {
        desk: Rc::new(desk(&file, Path::new("/"))?),
        caller: Some(config::account_name(caller)),
    })
}

/// The account that called: sudo's word for it, where sudo changed the account; else the real one.
fn caller() -> Result<u32, CliError> {
    if other_user() {
        return Ok(rustix::process::getuid().as_raw());
    }
    std::env::var("SUDO_UID")
        .ok()
        .and_then(|uid| uid.parse().ok())
        .ok_or_else(|| CliError::Input("SUDO_UID is no account".to_owned()))
}

fn read(root: &Path, uids: &[u32]) -> Result<File, CliError> {
    let input = |error: &dyn std::fmt::Display| {
        CliError::Input(format!(
            "with another account's rights a gate goes by {FILE} alone: {error}"
        ))
    };
    let bytes = Owners { root, uids }
        .read(Path::new(FILE), LIMIT)
        .map_err(|error| input(&error))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| input(&error))?;
    let file: File = toml::from_str(text).map_err(|error| input(&error.message()))?;
    let paths = [
        Some(&file.state),
        Some(&file.key),
        file.spool.as_ref(),
        file.cwd.as_ref(),
    ];
    if let Some(path) = paths.into_iter().flatten().find(|path| !path.is_absolute()) {
        return Err(input(&format!("{} is no absolute path", path.display())));
    }
    Ok(file)
}

/// Everything a process of the gate finds in its environment.
fn environment(path: &str) -> Vec<(OsString, OsString)> {
    let mut wanted = vec![
        ("HOME".into(), home().into()),
        ("LANG".into(), "C.UTF-8".into()),
        ("PATH".into(), path.into()),
    ];
    if let Some(uid) = std::env::var_os("SUDO_UID").filter(|_| !other_user()) {
        wanted.push(("SUDO_UID".into(), uid));
    }
    wanted
}

/// The home of the account that answers, by the system. No program is asked: nothing is clean yet.
fn home() -> String {
    let uid = rustix::process::geteuid().as_raw();
    let passwd = files::read_limited(Path::new("/etc/passwd"), 16 << 20).unwrap_or_default();
    String::from_utf8_lossy(&passwd)
        .lines()
        .find_map(|line| {
            let fields: Vec<_> = line.split(':').collect();
            (fields.get(2)?.parse() == Ok(uid)).then(|| (*fields.get(5)?).to_owned().into())
        })
        .flatten()
        .unwrap_or_else(|| "/".to_owned())
}

/// Goes on only with this environment, in `/`: else this program is started in its own place once more.
fn clean(wanted: &[(OsString, OsString)]) -> Result<(), CliError> {
    let mut found: Vec<_> = std::env::vars_os().collect();
    found.sort();
    if found == wanted {
        return Ok(());
    }
    let error = Command::new("/proc/self/exe")
        .arg0("runsheet")
        .args(std::env::args_os().skip(1))
        .env_clear()
        .envs(wanted.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .exec();
    Err(error.into())
}

fn desk(file: &File, root: &Path) -> Result<Desk, CliError> {
    let own = [0, rustix::process::geteuid().as_raw()];
    let owners = Owners { root, uids: &own };
    files::create_private_dir(&file.state)?;
    owners.directory(&file.state)?;
    owners.read(&file.key, LIMIT)?;
    let ports = Ports {
        passphrase: Arc::new(|| None),
        ..config::ports()
    };
    let cache = file.state.join("cache");
    let spec = Spec::parse(&file.library)?;
    let mut library = Library::open(&spec, &cache, &ports.git, ports.clock.as_ref())?;
    if library.is_copy() {
        // Trust shrinks at once, and here at once is now.
        library
            .fetch(&ports.git, ports.clock.as_ref())
            .map_err(|error| DriverError::Hub(format!("the library: {error}")))?;
    } else {
        for inside in ["", "objects", "refs", "refs/heads"] {
            owners.directory(&library.git_dir().join(inside))?;
        }
    }
    let cwd = file.cwd.as_deref().unwrap_or(Path::new("/"));
    let settings = Settings {
        state: file.state.clone(),
        spool: file.spool.clone(),
        cache,
        hub: file
            .hub
            .as_deref()
            .map(Remote::new)
            .transpose()
            .map_err(|error| CliError::Input(error.to_string()))?,
        library: Some(spec),
        asked: Asked {
            principal: Some(
                Principal::try_from(file.principal.as_str())
                    .map_err(|error| CliError::Input(error.to_string()))?,
            ),
            key: Some(file.key.clone()),
        },
        environment: Environment::default(),
        cwd: cwd.to_string_lossy().into_owned(),
        account: config::account(),
        host: config::host_name(),
        program: std::env::current_exe()?,
    };
    Ok(Desk::new(settings, ports)?)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    const GOOD: &str = "library = \"/srv/library\"\nstate = \"/var/lib/gate\"\nas = \"gate@db-7.example.org\"\n\
                        key = \"/etc/runsheet/gate_key\"\n";

    fn with(text: &str, mode: u32) -> Result<File, String> {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("etc/runsheet");
        fs::create_dir_all(&folder).unwrap();
        for path in [dir.path(), &dir.path().join("etc"), &folder] {
            fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(folder.join("gate.toml"), text).unwrap();
        fs::set_permissions(folder.join("gate.toml"), Permissions::from_mode(mode)).unwrap();
        let uid = fs::metadata(dir.path()).unwrap().uid();
        read(dir.path(), &[uid]).map_err(|error| error.to_string())
    }

    #[test]
    fn the_file_is_read_when_only_its_owner_can_have_written_it() {
        assert_eq!(
            with(GOOD, 0o644).unwrap().principal,
            "gate@db-7.example.org"
        );
        let hub = format!("{GOOD}hub = \"git@hub:incidents.git\"\ncwd = \"/srv\"\n");
        assert_eq!(with(&hub, 0o600).unwrap().cwd, Some("/srv".into()));
    }

    #[test]
    fn a_file_that_others_could_have_written_or_that_says_too_little_or_too_much_is_refused() {
        for (text, mode, why) in [
            (GOOD.to_owned(), 0o664, "others may write"),
            (GOOD.to_owned(), 0o646, "others may write"),
            (GOOD.replace("key =", "kee ="), 0o644, "unknown field"),
            (
                GOOD.replace("state = \"/var/lib/gate\"\n", ""),
                0o644,
                "state",
            ),
            (
                GOOD.replace("\"/var/lib/gate\"", "\"gate\""),
                0o644,
                "no absolute path",
            ),
            ("\u{0}".to_owned(), 0o644, "gate.toml alone"),
        ] {
            let said = with(&text, mode).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn nothing_of_the_callers_environment_is_wanted() {
        let names: Vec<_> = environment(PATH)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        for name in &names {
            let known = ["HOME", "LANG", "PATH", "SUDO_UID"].map(OsString::from);
            assert!(known.contains(name), "{name:?}");
        }
        assert!(names.is_sorted(), "or it would be started for ever");
    }
}

//! Settings: the command line over the environment over the file. Sits down at the desk they describe.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::args::Common;
use super::{CliError, out};
use crate::driver::{Desk, Ports, Settings};
use crate::host::clock::SystemClock;
use crate::host::files::{self, Dirs};
use crate::host::git::{Git, Remote};
use crate::host::random::SystemRandom;
use crate::identity::{Asked, Environment, Passphrase};
use crate::library::Spec;
use crate::trust::Principal;

const LIMIT: u64 = 64 << 10;

/// The settings file, `config.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[allow(missing_docs)]
pub struct File {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spool: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<PathBuf>,
    /// The principal.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub as_principal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ascii: bool,
    /// How the screen tells that somebody waits for me.
    #[serde(default, skip_serializing_if = "Notify::is_default")]
    pub notify: Notify,
}

/// What the terminal does when a question arrives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notify {
    /// It rings.
    #[default]
    Bell,
    /// It shows a notice outside of its window, where it can (OSC 9).
    Osc9,
    /// Both.
    Both,
    /// Neither; the screen itself still says so.
    Off,
}

impl Notify {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Everything that is known before anything is opened.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Config {
    pub path: PathBuf,
    pub file: File,
    pub dirs: Dirs,
    pub settings: Settings,
}

impl Config {
    /// Reads the settings file, if there is one, and puts the command line over it.
    ///
    /// # Errors
    /// When the file or a setting cannot be used.
    pub fn read(common: &Common) -> Result<Self, CliError> {
        let dirs = Dirs::find()?;
        let path = common
            .config
            .clone()
            .unwrap_or_else(|| dirs.config.join("config.toml"));
        let file = match files::read_limited(&path, LIMIT) {
            Ok(bytes) => parse(&path, &bytes)?,
            Err(error)
                if common.config.is_none()
                    && matches!(
                        error.kind(),
                        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                    ) =>
            {
                File::default()
            }
            Err(error) => return Err(CliError::Input(format!("{}: {error}", path.display()))),
        };
        let settings = settings(common, &file, &dirs)?;
        Ok(Self {
            path,
            file,
            dirs,
            settings,
        })
    }

    /// Writes the settings file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self) -> Result<(), CliError> {
        let text =
            toml::to_string(&self.file).map_err(|error| CliError::Input(error.to_string()))?;
        if let Some(dir) = self.path.parent() {
            files::create_private_dir(dir)?;
        }
        Ok(files::write_atomic(&self.path, text.as_bytes(), 0o600)?)
    }

    /// Sits down.
    ///
    /// # Errors
    /// When the library cannot be opened, or nobody can be made out.
    pub fn desk(&self) -> Result<Rc<Desk>, CliError> {
        Ok(Rc::new(Desk::new(self.settings.clone(), ports())?))
    }
}

/// The machine's own clock, chance and git.
#[must_use]
pub fn ports() -> Ports {
    Ports {
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        git: Git::new("git", Duration::from_secs(120)),
        passphrase: passphrase(),
    }
}

/// Asks for a passphrase where somebody is there to be asked.
fn passphrase() -> Passphrase {
    Arc::new(|| {
        if !out::can_ask() {
            return None;
        }
        super::screen::hidden_line("Passphrase of the key: ")
            .ok()
            .flatten()
    })
}

fn parse(path: &Path, bytes: &[u8]) -> Result<File, CliError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| CliError::Input(format!("{}: not UTF-8", path.display())))?;
    toml::from_str(text)
        .map_err(|error| CliError::Input(format!("{}: {}", path.display(), error.message())))
}

fn settings(common: &Common, file: &File, dirs: &Dirs) -> Result<Settings, CliError> {
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    let state = common
        .state
        .clone()
        .or_else(|| file.state.clone())
        .unwrap_or_else(|| dirs.state.clone());
    let library = common.library.clone().or_else(|| file.library.clone());
    let hub = common.hub.clone().or_else(|| file.hub.clone());
    let asked = asked(common, file)?;
    let environment = Environment {
        home: std::env::var_os("HOME").map(PathBuf::from),
        ssh_auth_sock: std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from),
        // Asked only where it decides: it costs a process each time.
        git_email: if asked.principal.is_none() {
            Git::new("git", Duration::from_secs(10))
                .config_email()
                .unwrap_or_default()
        } else {
            None
        },
        key_files: file.key.iter().cloned().collect(),
    };
    let cwd = std::env::current_dir()?;
    Ok(Settings {
        state: absolute(state),
        spool: common
            .spool
            .clone()
            .or_else(|| file.spool.clone())
            .map(absolute),
        cache: dirs.cache.clone(),
        hub: hub
            .map(|hub| Remote::new(&hub))
            .transpose()
            .map_err(|error| CliError::Input(error.to_string()))?,
        library: library.map(|spec| Spec::parse(&spec)).transpose()?,
        asked,
        environment,
        cwd: cwd.to_string_lossy().into_owned(),
        account: account(),
        host: host_name(),
        program: std::env::current_exe()?,
    })
}

/// Who is said to sit here: what is typed hides all of what the file says.
fn asked(common: &Common, file: &File) -> Result<Asked, CliError> {
    Ok(Asked {
        principal: common
            .as_principal
            .as_deref()
            .or(if common.key.is_none() {
                file.as_principal.as_deref()
            } else {
                None
            })
            .map(Principal::try_from)
            .transpose()
            .map_err(|error| CliError::Input(error.to_string()))?,
        key: common.key.clone().or_else(|| {
            if common.as_principal.is_none() {
                file.key.clone()
            } else {
                None
            }
        }),
    })
}

/// The name of the account this process runs as, by the system and not by the environment.
#[must_use]
pub fn account() -> String {
    account_name(rustix::process::geteuid().as_raw())
}

/// The name of an account; `uid-N` where the system has none.
#[must_use]
pub fn account_name(uid: u32) -> String {
    let passwd = files::read_limited(Path::new("/etc/passwd"), 16 << 20).unwrap_or_default();
    let passwd = String::from_utf8_lossy(&passwd);
    let local = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, id) = (fields.next()?, fields.next()?, fields.next()?);
        (id.parse() == Ok(uid)).then(|| name.to_owned())
    });
    // Accounts of a directory service are not in the file; `id` asks all of them.
    local
        .or_else(|| id_name(uid))
        .unwrap_or_else(|| format!("uid-{uid}"))
}

fn id_name(uid: u32) -> Option<String> {
    let output = std::process::Command::new("id")
        .arg("-un")
        .arg(uid.to_string())
        .output()
        .ok()?;
    let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !name.is_empty()).then_some(name)
}

/// The machine's name, in the characters a statement has room for.
#[must_use]
pub fn host_name() -> String {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
                c
            } else {
                '-'
            }
        })
        .take(128)
        .collect();
    if name.is_empty() || name == "-" {
        "localhost".to_owned()
    } else {
        name
    }
}

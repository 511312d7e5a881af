//! Commands about who is in a library: making one of one's own, listing, adding and removing people.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{Common, People as PeopleCmd};
use super::config::Config;
use super::{CliError, out};
use crate::evidence::escape;
use crate::host::clock::{Clock as _, SystemClock};
use crate::host::files;
use crate::identity;
use crate::library::people::{self, EVERY_ROLE, NewPerson};
use crate::library::{Author, Library, seed};

/// Makes a library of one's own and says so.
pub(super) fn init(
    common: &Common,
    dir: Option<PathBuf>,
    name: Option<String>,
    email: Option<String>,
) -> Result<(), CliError> {
    let mut config = Config::read(common)?;
    let dir = dir.unwrap_or_else(|| config.dirs.data.join("library"));
    let git = super::config::ports().git;
    let asked = |given: Option<String>, what: &str, offered: Option<String>| match given {
        Some(given) => Ok(given),
        None if out::can_ask() => out::ask(what, offered.as_deref().unwrap_or_default()),
        None => offered.ok_or_else(|| {
            CliError::Input(format!(
                "{what} is not known: give it with --name and --email"
            ))
        }),
    };
    let name = asked(name, "Your name", git.config_name().unwrap_or_default())?;
    let email = asked(
        email,
        "Your address",
        config.settings.environment.git_email.clone(),
    )?;
    let pin = make(common, &mut config, &dir, &name, &email)?;
    if common.json {
        return out::json(&json!({ "library": dir, "commit": pin }));
    }
    out::talk(&format!(
        "made a library at {}; add a colleague with `runsheet people add ADDRESS --key FILE`",
        dir.display()
    ));
    Ok(())
}

/// Makes a library of the shipped runbooks for one person, and remembers it in the settings.
pub(super) fn make(
    common: &Common,
    config: &mut Config,
    dir: &Path,
    name: &str,
    email: &str,
) -> Result<String, CliError> {
    let email = email.trim().to_ascii_lowercase();
    let (line, file) = first_key(common, config, &email)?;
    let person = NewPerson {
        id: person_id(&email),
        name: name.trim().to_owned(),
        principal: email.clone(),
        public_key_line: line,
        accounts: vec![config.settings.account.clone()],
        roles: EVERY_ROLE.iter().map(|role| (*role).to_owned()).collect(),
    };
    let pin = seed::create(dir, seed::shipped(), &person, SystemClock.now())?;
    config.file.library = Some(std::path::absolute(dir)?.to_string_lossy().into_owned());
    config.file.as_principal = Some(email);
    config.file.key = file.or_else(|| config.file.key.take());
    config.save()?;
    Ok(pin.commit)
}

/// The user's own key: the one named, the agent's first, the first of `~/.ssh`, or a new one.
fn first_key(
    common: &Common,
    config: &Config,
    email: &str,
) -> Result<(String, Option<PathBuf>), CliError> {
    if let Some(path) = &common.key {
        let file = public_beside(path);
        let text = files::read_limited(&file, 16 << 10)
            .map_err(|error| CliError::Input(format!("{}: {error}", file.display())))?;
        return Ok((
            String::from_utf8_lossy(&text).trim().to_owned(),
            Some(std::path::absolute(path)?),
        ));
    }
    let found = identity::candidates(&config.settings.environment);
    if let Some(candidate) = found.keys.first() {
        let line = candidate
            .key
            .to_openssh()
            .map_err(|error| CliError::Input(error.to_string()))?;
        let file = match &candidate.source {
            identity::Source::Agent => None,
            identity::Source::File(path) => Some(path.clone()),
        };
        return Ok((line, file));
    }
    let path = config.dirs.data.join("id_ed25519");
    files::create_private_dir(&config.dirs.data)?;
    let key =
        identity::create_key(&path, email).map_err(|error| CliError::Input(error.to_string()))?;
    out::talk(&format!(
        "no SSH key was found, so a new one was made: {}",
        path.display()
    ));
    Ok((
        key.to_openssh()
            .map_err(|error| CliError::Input(error.to_string()))?,
        Some(path),
    ))
}

/// The public half of a key file.
fn public_beside(path: &Path) -> PathBuf {
    if path.extension().is_some_and(|ending| ending == "pub") {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

/// What policy calls a person with this address: its local part.
fn person_id(email: &str) -> String {
    let local: String = email
        .split('@')
        .next()
        .unwrap_or_default()
        .chars()
        .map(|c| {
            if c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-') {
                c
            } else {
                '-'
            }
        })
        .collect();
    let local = local
        .trim_start_matches(|c: char| !c.is_ascii_alphanumeric())
        .to_owned();
    if local.is_empty() {
        "someone".to_owned()
    } else {
        local
    }
}

/// Lists the library's people, or changes who they are.
pub(super) fn run(common: &Common, action: PeopleCmd) -> Result<(), CliError> {
    // `--key` names the other person's key here, not one's own.
    let own = Common {
        key: None,
        ..common.clone()
    };
    let config = Config::read(&own)?;
    let library = super::library::open(&config)?;
    let (change, dry_run) = match action {
        PeopleCmd::List => return list_people(common, &library),
        PeopleCmd::Add {
            name,
            roles,
            full_name,
            account,
            dry_run,
        } => {
            let file = common.key.as_deref().map(public_beside);
            let file = file.ok_or_else(|| {
                CliError::Input("whose key? --key FILE names their public key".to_owned())
            })?;
            let text = files::read_limited(&file, 16 << 10)
                .map_err(|error| CliError::Input(format!("{}: {error}", file.display())))?;
            let principal = name.to_ascii_lowercase();
            let person = NewPerson {
                id: person_id(&principal),
                name: full_name.unwrap_or_else(|| person_id(&principal)),
                principal,
                public_key_line: String::from_utf8_lossy(&text).trim().to_owned(),
                accounts: account,
                roles: if roles.is_empty() {
                    vec!["approver".to_owned()]
                } else {
                    roles
                },
            };
            (people::add(&library, &person)?, dry_run)
        }
        PeopleCmd::Remove { name, dry_run } => (people::remove(&library, &name)?, dry_run),
    };
    let text = change.diff()?;
    if !common.json {
        out::data(&escape::text(&text))?;
    }
    if dry_run {
        return if common.json {
            out::json(&json!({ "diff": text, "commit": null }))
        } else {
            Ok(())
        };
    }
    let author = author(&config)?;
    let pin = library.commit(&change, &author, SystemClock.now())?;
    if common.json {
        return out::json(&json!({ "diff": text, "commit": pin.commit }));
    }
    out::talk(&format!(
        "{} · {}",
        escape::line(&change.summary),
        &pin.commit[..12]
    ));
    Ok(())
}

fn author(config: &Config) -> Result<Author, CliError> {
    let email = config
        .settings
        .asked
        .principal
        .as_ref()
        .map(ToString::to_string)
        .or_else(|| config.settings.environment.git_email.clone())
        .ok_or_else(|| CliError::Input("nobody knows who you are: --as PRINCIPAL".to_owned()))?;
    let name = super::config::ports()
        .git
        .config_name()
        .unwrap_or_default()
        .unwrap_or_else(|| person_id(&email));
    Ok(Author { name, email })
}

fn list_people(common: &Common, library: &Library) -> Result<(), CliError> {
    let members = people::list(library, &library.pin()?)?;
    if common.json {
        let items: Vec<_> = members
            .iter()
            .map(|member| json!({"id": member.id, "name": member.name, "principals": member.principals, "roles": member.roles, "accounts": member.accounts, "keys": member.keys}))
            .collect();
        return out::json(&json!({ "people": items }));
    }
    for member in members {
        out::data(&format!(
            "{:<16} {:<20} {:<28} {} · {}",
            escape::line(&member.id),
            escape::line(&member.name),
            escape::line(&member.principals.join(" ")),
            escape::line(&member.roles.join(",")),
            member.keys.join(" ")
        ))?;
    }
    Ok(())
}

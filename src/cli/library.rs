//! Commands about the library: what is in it, whether it is right, who is in it, how it changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde_json::json;

use super::args::{Cmd, Common, People as PeopleCmd, SchemaOf};
pub(super) use super::check::{of_library, problems_of};
use super::config::Config;
use super::{CliError, check, out};
use crate::driver::begin;
use crate::evidence::escape;
use crate::host::clock::{Clock as _, SystemClock};
use crate::host::files;
use crate::identity;
use crate::library::people::{self, EVERY_ROLE, NewPerson};
use crate::library::{Author, How, Library, POLICY, seed};
use crate::runbook::header::{self, Header};
use crate::runbook::parse;
use crate::tui::world::Entry;

/// Version of what is remembered of a runbook's header.
const HEADER_VERSION: u32 = 1;
/// The most commits `history` prints.
const MOST_HISTORY: usize = 200;

/// Does one of these commands.
///
/// # Errors
/// As the command's own.
pub fn run(common: &Common, command: Cmd) -> Result<(), CliError> {
    match command {
        Cmd::Schema { what } => {
            let schema = match what {
                SchemaOf::Runbook => crate::runbook::schema::runbook(),
                SchemaOf::Policy => crate::runbook::schema::policy(),
            };
            let text = serde_json::to_string_pretty(&schema)
                .map_err(|error| CliError::Input(error.to_string()))?;
            out::data(&text)
        }
        Cmd::Check {
            paths,
            format,
            gates: false,
        } => check::paths(common, &paths, format),
        Cmd::Check { .. } => check::gates(common),
        Cmd::Init { dir, name, email } => init(common, dir, name, email),
        Cmd::People { action } => people_command(common, action.unwrap_or(PeopleCmd::List)),
        Cmd::List { query } => list(common, query.as_deref()),
        Cmd::Show { runbook } => show(common, &runbook),
        Cmd::History { runbook } => history(common, &runbook),
        Cmd::Diff { runbook, a, b } => diff(common, &runbook, &a, &b),
        Cmd::Fetch => fetch(common),
        _ => Err(CliError::Input("no such command".to_owned())),
    }
}

/// Opens the configured library, without finding out who is here.
pub(super) fn open(config: &Config) -> Result<Library, CliError> {
    let spec = config
        .settings
        .library
        .as_ref()
        .ok_or(crate::driver::DriverError::NoLibrary)?;
    Ok(Library::open(
        spec,
        &config.settings.cache,
        &super::config::ports().git,
        &SystemClock,
    )?)
}

/// Every header of the library, by path.
pub(super) fn headers(
    cache: &Path,
    library: &Library,
) -> Result<Vec<(String, Option<Header>)>, CliError> {
    use crate::library::catalog::{Catalog, Memory};
    let memory = Memory::of(library, cache, HEADER_VERSION);
    let catalog = Catalog::load(library, &library.pin()?, Some(&memory), header::read)?;
    Ok(catalog
        .rows
        .into_iter()
        .map(|row| (row.entry.path, row.head))
        .collect())
}

fn list(common: &Common, query: Option<&str>) -> Result<(), CliError> {
    let config = Config::read(common)?;
    let library = open(&config)?;
    let rows = headers(&config.settings.cache, &library)?;
    let today = SystemClock.now().date_naive();
    let order = match query {
        Some(query) => {
            let entries: Vec<Entry> = rows
                .iter()
                .map(|(path, header)| entry(path, header.clone(), today))
                .collect();
            crate::tui::picker::rank(query, &entries)
        }
        None => (0..rows.len()).collect(),
    };
    if common.json {
        let items: Vec<_> = order
            .iter()
            .map(|index| json!({"path": rows[*index].0, "runbook": rows[*index].1}))
            .collect();
        return out::json(
            &json!({ "library": library.spec().to_string(), "commit": library.pin()?.commit, "runbooks": items }),
        );
    }
    let mut text = String::new();
    for index in order {
        let (path, header) = &rows[index];
        text.push_str(&list_row(path, header.as_ref(), today));
        text.push('\n');
    }
    out::data(&text)
}

/// One runbook of the list.
#[must_use]
pub(super) fn entry(path: &str, header: Option<Header>, today: NaiveDate) -> Entry {
    let Some(header) = header else {
        let id = path
            .rsplit('/')
            .next()
            .unwrap_or(path)
            .trim_end_matches(".yaml");
        return Entry {
            id: id.to_owned(),
            title: id.to_owned(),
            problems: Some(1),
            ..Entry::default()
        };
    };
    let reviewed_days = header.last_reviewed.map(|last| (today - last).num_days());
    let stale = header.is_stale(today);
    Entry {
        id: header.id.to_string(),
        title: header.title,
        severity: header.severity,
        owner: header.owner.unwrap_or_default(),
        services: header.services,
        tags: header.tags,
        reviewed_days,
        stale,
        steps: Some(header.steps),
        problems: None,
    }
}

fn list_row(path: &str, header: Option<&Header>, today: NaiveDate) -> String {
    let Some(header) = header else {
        return format!("{:<32} BROKEN: runsheet check says why", escape::line(path));
    };
    let severity = header.severity.map_or_else(String::new, |severity| {
        format!("{severity:?}").to_lowercase()
    });
    let reviewed = match header.last_reviewed {
        None => "never reviewed".to_owned(),
        Some(last) => {
            let age = (today - last).num_days();
            if header.is_stale(today) {
                format!("STALE {age}d")
            } else {
                format!("reviewed {age}d")
            }
        }
    };
    format!(
        "{:<32} {:<5} {:<20} {:<16} {}",
        escape::line(header.id.as_str()),
        severity,
        escape::line(header.owner.as_deref().unwrap_or("-")),
        reviewed,
        escape::line(&header.title)
    )
}

fn show(common: &Common, name: &str) -> Result<(), CliError> {
    let config = Config::read(common)?;
    let library = open(&config)?;
    let (id, pin) = match name.split_once('@') {
        Some((id, rev)) => (id, library.pin_revision(rev)?),
        None => (name, library.pin()?),
    };
    let entry = begin::find(&library, &pin, id)?;
    let blob = library.read_entry(&entry)?;
    let (book, problems) = parse::runbook(&entry.path, &blob.bytes);
    if common.json {
        return out::json(
            &json!({ "path": entry.path, "commit": pin.commit, "sha256": blob.sha256, "runbook": book, "problems": problems }),
        );
    }
    for problem in &problems {
        out::talk(&problem.to_string());
    }
    let Some(book) = book else {
        return Err(CliError::Input(format!(
            "{} cannot be read",
            escape::line(&entry.path)
        )));
    };
    let policy = library
        .policy(&pin)?
        .and_then(|blob| parse::policy(POLICY, &blob.bytes).0)
        .unwrap_or_default();
    let mut text = format!(
        "{} · {}@{}\n",
        escape::line(&book.title),
        escape::line(&entry.path),
        &pin.commit[..12]
    );
    text.push_str(&format!(
        "last changed by {} {} · {}\n\n",
        escape::line(&pin.author_name),
        pin.date.format("%Y-%m-%d"),
        escape::text(&book.summary)
    ));
    let now = SystemClock.now().to_utc();
    for (number, step) in book.steps.iter().enumerate() {
        text.push_str(&format!(
            "{:>3} {:<24} {:<8} {}\n",
            number + 1,
            step.id.as_str(),
            step.kind.word(),
            escape::line(&step.title)
        ));
        if let Some(gate) = policy.checkpoint_for(&book, step, &BTreeMap::new(), now) {
            let who = crate::runbook::gates::who_could_pass(&policy, &gate, None);
            text.push_str(&format!(
                "      checkpoint: {} · could approve: {}\n",
                crate::engine::checkpoint::describe(&gate),
                who.join(", ")
            ));
        }
    }
    out::data(&text)
}

fn history(common: &Common, id: &str) -> Result<(), CliError> {
    let config = Config::read(common)?;
    let library = open(&config)?;
    let pin = library.pin()?;
    let entry = begin::find(&library, &pin, id)?;
    let commits = library.history(&pin, &entry.path, MOST_HISTORY)?;
    if common.json {
        let items: Vec<_> = commits
            .iter()
            .map(|commit| json!({"commit": commit.commit, "author": commit.author_name, "email": commit.author_email, "date": commit.date.to_rfc3339(), "subject": commit.subject}))
            .collect();
        return out::json(&json!({ "path": entry.path, "commits": items }));
    }
    let mut text = String::new();
    for commit in commits {
        text.push_str(&format!(
            "{} {} {:<20} {}\n",
            &commit.commit[..12],
            commit.date.format("%Y-%m-%d %H:%M"),
            escape::line(&commit.author_name),
            escape::line(&commit.subject)
        ));
    }
    out::data(&text)
}

fn diff(common: &Common, id: &str, a: &str, b: &str) -> Result<(), CliError> {
    let config = Config::read(common)?;
    let library = open(&config)?;
    let (old, new) = (library.pin_revision(a)?, library.pin_revision(b)?);
    let entry = begin::find(&library, &new, id).or_else(|_| begin::find(&library, &old, id))?;
    let text = library.diff(&entry.path, &old, &new)?;
    if common.json {
        return out::json(&json!({ "path": entry.path, "diff": text }));
    }
    out::data(&escape::text(&text))
}

fn fetch(common: &Common) -> Result<(), CliError> {
    let config = Config::read(common)?;
    let mut library = open(&config)?;
    let ports = super::config::ports();
    let fetched = library
        .fetch(&ports.git, &SystemClock)
        .map_err(|error| crate::driver::DriverError::Hub(error.to_string()))?;
    let Some(fetched) = fetched else {
        out::talk("the library is a repository of this machine: there is nothing to fetch");
        return if common.json {
            out::json(&json!({ "changes": [] }))
        } else {
            Ok(())
        };
    };
    if common.json {
        let items: Vec<_> = fetched
            .changes
            .iter()
            .map(|change| json!({"path": change.path, "how": how(change.how)}))
            .collect();
        return out::json(
            &json!({ "before": fetched.before.commit, "after": fetched.after.commit, "rewritten": fetched.rewritten, "changes": items }),
        );
    }
    if fetched.rewritten {
        out::talk(
            "warning: the branch was rewritten: the commit known here is not part of it any more",
        );
    }
    for change in &fetched.changes {
        out::data(&format!(
            "{:<8} {}",
            how(change.how),
            escape::line(&change.path)
        ))?;
    }
    out::talk(&format!(
        "{} at {}",
        library.spec(),
        &fetched.after.commit[..12]
    ));
    Ok(())
}

fn how(how: How) -> &'static str {
    match how {
        How::Added => "added",
        How::Changed => "changed",
        How::Removed => "removed",
    }
}

fn init(
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

fn people_command(common: &Common, action: PeopleCmd) -> Result<(), CliError> {
    // `--key` names the other person's key here, not one's own.
    let own = Common {
        key: None,
        ..common.clone()
    };
    let config = Config::read(&own)?;
    let library = open(&config)?;
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

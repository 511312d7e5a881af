//! The demo: an incident with two made-up people and their keys in a throw-away state, to learn on. Everything in it is
//! real: a library in git, a hub, two journals, two keys, signatures that verify.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use chrono::Utc;

use super::args::Common;
use super::config::{self, Config};
use super::screen::{self, Others};
use super::{CliError, out};
use crate::driver::{Session, begin};
use crate::engine::command::StartIncident;
use crate::host::clock::{Clock as _, SystemClock};
use crate::host::files;
use crate::host::git::Remote;
use crate::identity::{self, Asked, Environment};
use crate::library::people::NewPerson;
use crate::library::{Library, Spec, people, seed};
use crate::runbook::model::Severity;
use crate::trust::{Mode, Principal};

const TOUR: &str = include_str!("first-tour.yaml");
const LOG: &str = include_str!("app.log");

/// Makes everything and opens the screen as the first of the two.
///
/// # Errors
/// When it cannot be made.
pub fn run(common: &Common, no_screen: bool) -> Result<(), CliError> {
    let dir = place()?;
    let people = [("robin", "Robin Reyes"), ("sasha", "Sasha Stone")];
    let library = make_library(&dir, &people)?;
    let hub = dir.join("hub.git");
    config::ports().git.init_bare(&hub)?;
    let base = Config::read(&Common {
        config: None,
        ..common.clone()
    })?;
    let configs: Vec<Config> = people
        .iter()
        .map(|(id, _)| sits(&base, &dir, &library, &hub, id))
        .collect::<Result<_, _>>()?;
    let first = configs
        .first()
        .ok_or_else(|| CliError::Input("the demo has no people".to_owned()))?;
    let mut session = begin_tour(first, &dir)?;
    session.publish()?;
    session.exchange()?;
    let id = session.id().clone();
    drop(session);
    if no_screen {
        for (config, (person, _)) in configs.iter().zip(&people) {
            out::talk(&format!(
                "{person}: --state {} --library {} --hub {} --as {person}@example.org --key {}",
                config.settings.state.display(),
                library.display(),
                hub.display(),
                dir.join(person).display()
            ));
        }
        return out::data(&format!("INC-{id}"));
    }
    screen::demo(common, Others { people: configs }, id)?;
    out::talk(&format!(
        "The demo is in {}; it can be thrown away.",
        dir.display()
    ));
    Ok(())
}

/// A directory of its own, which nothing else uses.
fn place() -> Result<PathBuf, CliError> {
    let dir = tempfile::Builder::new()
        .prefix("runsheet-demo-")
        .tempdir()?
        .keep();
    files::create_private_dir(&dir.join("place"))?;
    // The log's times are those of the last minutes, so that the tour reads like today.
    std::fs::write(dir.join("place/app.log"), recent(LOG))?;
    std::fs::write(dir.join("place/service.key"), "made-up-key-of-the-demo\n")?;
    Ok(dir)
}

/// `{-N}` at the beginning of a line becomes the time N seconds ago.
fn recent(log: &str) -> String {
    let now = SystemClock.now().with_timezone(&Utc);
    log.lines()
        .map(|line| {
            let (seconds, rest) = line
                .strip_prefix("{-")
                .and_then(|line| line.split_once('}'))
                .unwrap_or(("", line));
            match seconds
                .parse()
                .ok()
                .and_then(chrono::TimeDelta::try_seconds)
            {
                Some(ago) => format!("{}{rest}\n", (now - ago).format("%Y-%m-%dT%H:%M:%SZ")),
                None => format!("{line}\n"),
            }
        })
        .collect()
}

fn person(dir: &Path, id: &str, name: &str, roles: &[&str]) -> Result<NewPerson, CliError> {
    let principal = format!("{id}@example.org");
    let key = identity::create_key(&dir.join(id), &principal)
        .map_err(|error| CliError::Input(error.to_string()))?;
    Ok(NewPerson {
        id: id.to_owned(),
        name: name.to_owned(),
        principal,
        public_key_line: key
            .to_openssh()
            .map_err(|error| CliError::Input(error.to_string()))?,
        accounts: Vec::new(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    })
}

fn make_library(dir: &Path, names: &[(&str, &str)]) -> Result<PathBuf, CliError> {
    let path = dir.join("library");
    let mut runbooks = seed::shipped();
    runbooks.push((
        "runbooks/first-tour.yaml".to_owned(),
        TOUR.as_bytes().to_vec(),
    ));
    // The runbooks are somebody else's work, so that both people may approve.
    let writer = person(dir, "lee", "Lee Lindqvist", &["scribe"])?;
    seed::create(&path, runbooks, &writer, SystemClock.now())?;
    for (index, (id, name)) in names.iter().enumerate() {
        let roles: &[&str] = if index == 0 {
            &["operator", "commander"]
        } else {
            &["approver"]
        };
        let library = Library::open_path(&path)?;
        let change = people::add(&library, &person(dir, id, name, roles)?)?;
        let author = crate::library::Author {
            name: writer.name.clone(),
            email: writer.principal.clone(),
        };
        library.commit(&change, &author, SystemClock.now())?;
    }
    Ok(path)
}

fn sits(
    base: &Config,
    dir: &Path,
    library: &Path,
    hub: &Path,
    id: &str,
) -> Result<Config, CliError> {
    let mut config = base.clone();
    let settings = &mut config.settings;
    settings.state = dir.join("state").join(id);
    settings.cache = dir.join("cache");
    settings.spool = None;
    settings.library = Some(Spec::parse(&library.to_string_lossy())?);
    settings.hub = Some(
        Remote::new(&hub.to_string_lossy()).map_err(|error| CliError::Input(error.to_string()))?,
    );
    let principal = format!("{id}@example.org");
    settings.asked = Asked {
        principal: Some(
            Principal::try_from(principal.as_str())
                .map_err(|error| CliError::Input(error.to_string()))?,
        ),
        key: Some(dir.join(id)),
    };
    settings.environment = Environment::default();
    settings.cwd = dir.join("place").to_string_lossy().into_owned();
    config.path = dir.join("config.toml");
    config.file = config::File::default();
    files::create_private_dir(&config.settings.state)?;
    Ok(config)
}

fn begin_tour(config: &Config, dir: &Path) -> Result<Session, CliError> {
    let desk = config.desk()?;
    let gathered = begin::gather(&desk, "first-tour")?;
    let place = dir.join("place").to_string_lossy().into_owned();
    let inputs = std::collections::BTreeMap::from([("place".to_owned(), place)]);
    let start = StartIncident {
        exercise: None,
        title: gathered.book.title.clone(),
        severity: gathered.book.severity.unwrap_or(Severity::Sev4),
        mode: Mode::Live,
        reference: None,
        alert: None,
        library: gathered.library.clone(),
        policy: gathered.policy.clone(),
        policy_yaml: gathered.policy_yaml.clone(),
        allowed_signers: gathered.allowed_signers.clone(),
        run: Some(gathered.run(inputs, Vec::new())),
    };
    Ok(Session::begin(Rc::clone(&desk), start)?)
}

//! The demo: an incident with two made-up people and their keys in a throw-away state, to learn on. Everything in it is
//! real: a library in git, a hub, two journals, two keys, signatures that verify.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use chrono::Utc;

use super::args::Common;
use super::cast::{Cast, Member};
use super::config::{self, Config};
use super::exercise::{self, drill::Drill};
use super::screen::{self, Others};
use super::{CliError, out};
use crate::driver::{Session, begin};
use crate::engine::command::StartIncident;
use crate::host::clock::{Clock as _, SystemClock};
use crate::host::files;
use crate::library::seed;
use crate::runbook::model::Severity;
use crate::trust::Mode;

const TOUR: &str = include_str!("first-tour.yaml");
const LOG: &str = include_str!("app.log");
/// The same tour for one person: nothing runs, and the second one is played by the exercise.
const DRILL: &str = include_str!("first-drill.yaml");

/// The tour as a drill.
///
/// # Errors
/// When it cannot be made.
pub fn drill(common: &Common, no_screen: bool) -> Result<(), CliError> {
    let drill = Drill {
        path: "first-drill.yaml".to_owned(),
        text: DRILL.to_owned(),
        files: library(),
        scale: None,
    };
    exercise::drill::begin(common, drill, no_screen)
}

/// The shipped runbooks and the tour.
fn library() -> Vec<(String, Vec<u8>)> {
    let tour = (
        "runbooks/first-tour.yaml".to_owned(),
        TOUR.as_bytes().to_vec(),
    );
    seed::shipped().into_iter().chain([tour]).collect()
}

/// Makes everything and opens the screen as the first of the two.
///
/// # Errors
/// When it cannot be made.
pub fn run(common: &Common, no_screen: bool) -> Result<(), CliError> {
    let dir = place()?;
    let people = [
        Member::new("robin", "Robin Reyes", &["operator", "commander"]),
        Member::new("sasha", "Sasha Stone", &["approver"]),
    ];
    let cast = Cast::new(dir.clone(), library(), &people)?;
    let hub = dir.join("hub.git");
    config::ports().git.init_bare(&hub)?;
    let base = Config::read(&Common {
        config: None,
        ..common.clone()
    })?;
    let configs: Vec<Config> = people
        .iter()
        .map(|person| cast.sits(&base, &person.id, Some(&hub)))
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
        for (config, Member { id: person, .. }) in configs.iter().zip(&people) {
            out::talk(&format!(
                "{person}: --state {} --library {} --hub {} --as {person}@example.org --key {}",
                config.settings.state.display(),
                cast.library.display(),
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

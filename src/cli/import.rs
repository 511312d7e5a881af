//! Bringing entries of elsewhere into a record: shown first, recorded when asked to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::args::Common;
use super::config::Config;
use super::incident::open;
use super::{CliError, out};
use crate::driver::Session;
use crate::engine::intent::Intent;
use crate::engine::telling::{MOST_AT_ONCE, Telling, Told};
use crate::evidence::escape;
use crate::timeline::import::{self, Format, Plan, Skipped, Source};

/// A file longer than this is not read.
const LONGEST: u64 = 256 << 20;
/// How many entries a preview shows.
const SHOWN: usize = 20;

/// What else is done with a timeline.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Bring in entries of elsewhere: a table, lines of JSON, an export of ours, a chat
    Import {
        /// The incident
        inc: String,
        /// A file, or the directory of a Slack channel or of a whole Slack export
        file: PathBuf,
        /// What it holds; seen from its name and beginning if not said
        #[arg(long, value_enum)]
        format: Option<ImportFormat>,
        /// Only show what would be recorded; so it is without --yes too
        #[arg(long, conflicts_with = "yes")]
        dry_run: bool,
        /// Record it
        #[arg(long)]
        yes: bool,
    },
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum ImportFormat {
    Csv,
    Jsonl,
    Json,
    Slack,
}

impl From<ImportFormat> for Format {
    fn from(format: ImportFormat) -> Self {
        match format {
            ImportFormat::Csv => Self::Csv,
            ImportFormat::Jsonl => Self::Jsonl,
            ImportFormat::Json => Self::Json,
            ImportFormat::Slack => Self::Slack,
        }
    }
}

/// Does it.
///
/// # Errors
/// When a file cannot be read, or the record does not take the entries.
pub fn run(common: &Common, action: Action) -> Result<(), CliError> {
    let Action::Import {
        inc,
        file,
        format,
        yes,
        ..
    } = action;
    let desk = Config::read(common)?.desk()?;
    let mut session = open(&desk, &inc)?;
    let people = people(&file)?;
    let mut all = Vec::new();
    for path in files(&file)? {
        let name = name(&file, &path);
        let plan = plan(&session, &path, &name, format, &people)?;
        all.push((name, plan));
    }
    if yes {
        for part in all
            .iter()
            .flat_map(|(_, plan)| plan.told.chunks(MOST_AT_ONCE))
        {
            session.act(Intent::Tell(part.to_vec()))?;
        }
    }
    tell(common, &all, yes)
}

fn plan(
    session: &Session,
    path: &Path,
    name: &str,
    format: Option<ImportFormat>,
    people: &BTreeMap<String, String>,
) -> Result<Plan, CliError> {
    let bytes = bytes(path)?;
    let format = format.map_or_else(|| Format::guessed(name, &bytes), Format::from);
    let source = Source {
        name,
        bytes: &bytes,
        people,
    };
    let read = import::read(format, source);
    let read = read.map_err(|wrong| CliError::Input(line(name, &wrong)))?;
    Ok(import::plan(read, source, session.journal().log().events()))
}

fn wrong(path: &Path, what: &dyn std::fmt::Display) -> CliError {
    let path = path.to_string_lossy();
    CliError::Input(format!("{}: {what}", escape::line(&path)))
}

fn bytes(path: &Path) -> Result<Vec<u8>, CliError> {
    let size = std::fs::metadata(path).map_err(|error| wrong(path, &error))?;
    if size.len() > LONGEST {
        let what = format!("longer than {} MiB", LONGEST >> 20);
        return Err(wrong(path, &what));
    }
    std::fs::read(path).map_err(|error| wrong(path, &error))
}

/// The file itself, or of a directory every file of messages in it and in the directories in it, in order.
fn files(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in within(path)? {
        if entry.is_dir() {
            found.extend(within(&entry)?.into_iter().filter(|path| is_day(path)));
        } else if is_day(&entry) {
            found.push(entry);
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(wrong(path, &"no messages of a day (2026-11-23.json) in it"));
    }
    Ok(found)
}

fn within(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    let entries = std::fs::read_dir(path).map_err(|error| wrong(path, &error))?;
    entries
        .map(|entry| Ok(entry.map_err(|error| wrong(path, &error))?.path()))
        .collect()
}

/// `2026-11-23.json`
fn is_day(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.and_then(|name| name.strip_suffix(".json"))
        .is_some_and(|day| day.parse::<chrono::NaiveDate>().is_ok())
}

/// The names of people, where a Slack export has them: beside the messages, or one directory up.
fn people(path: &Path) -> Result<BTreeMap<String, String>, CliError> {
    let up = path.parent();
    let places = [Some(path), up, up.and_then(Path::parent)];
    let mut users = places
        .into_iter()
        .flatten()
        .map(|place| place.join("users.json"));
    match users.find(|users| users.is_file()) {
        Some(users) => Ok(import::slack::people(&bytes(&users)?)),
        None => Ok(BTreeMap::new()),
    }
}

/// As the record will name it: a file by its name, one of a directory with the directory it lies in.
fn name(asked: &Path, path: &Path) -> String {
    let last = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    match path.parent().filter(|_| asked != path) {
        Some(directory) => format!("{}/{}", last(directory), last(path)),
        None => last(path),
    }
}

/// `file:line:column: why`
fn line(file: &str, skipped: &Skipped) -> String {
    format!(
        "{}:{}:{}: {}",
        escape::line(file),
        skipped.place.line,
        skipped.place.column,
        escape::line(&skipped.why)
    )
}

fn tell(common: &Common, all: &[(String, Plan)], done: bool) -> Result<(), CliError> {
    if common.json {
        return out::json(&json!({ "recorded": done, "files": files_json(all) }));
    }
    let told = || all.iter().flat_map(|(_, plan)| &plan.told);
    let count = told().count();
    let mut text = String::new();
    if !done {
        told()
            .take(SHOWN)
            .for_each(|told| text.push_str(&entry(told)));
        if count > SHOWN {
            text.push_str(&format!("… and {} more\n", count - SHOWN));
        }
    }
    let mut known = 0;
    for (file, plan) in all {
        for one in &plan.skipped {
            if one.known {
                known += 1;
            } else {
                text.push_str(&format!("skipped {}\n", line(file, one)));
            }
        }
    }
    out::data(&text)?;
    let verb = if done {
        "recorded"
    } else {
        "would be recorded"
    };
    let hint = if done || count == 0 {
        ""
    } else {
        "; --yes records them"
    };
    out::talk(&format!(
        "{count} entries {verb}, {known} are there already{hint}"
    ));
    Ok(())
}

fn files_json(all: &[(String, Plan)]) -> Vec<serde_json::Value> {
    let skipped = |one: &Skipped| {
        json!({
            "line": one.place.line, "column": one.place.column, "why": one.why, "known": one.known,
        })
    };
    all.iter()
        .map(|(file, plan)| {
            let skipped: Vec<_> = plan.skipped.iter().map(skipped).collect();
            json!({ "file": file, "entries": plan.told.len(), "skipped": skipped })
        })
        .collect()
}

fn entry(told: &Told) -> String {
    let Telling::Imported(fact) = &told.what else {
        return String::new();
    };
    let at = told.at.map(|at| at.to_rfc3339()).unwrap_or_default();
    let person = fact.origin.person.as_deref().unwrap_or("-");
    format!(
        "{at}  {:<16}  {}\n",
        escape::line(person),
        escape::line(&fact.text)
    )
}

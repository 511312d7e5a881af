//! Commands about the library: what is in it, whether it is right, how it changed.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;
use serde_json::json;

use super::args::{Cmd, Common, People as PeopleCmd, SchemaOf};
pub(super) use super::check::{of_library, problems_of};
use super::config::Config;
use super::{CliError, check, out, people, scenarios};
use crate::driver::begin;
use crate::evidence::escape;
use crate::host::clock::{Clock as _, SystemClock};
use crate::library::catalog::{Catalog, Memory};
use crate::library::{How, Library, POLICY};
use crate::runbook::header::{self, Header, Listed};
use crate::runbook::model::Runbook;
use crate::runbook::parse;
use crate::runbook::policy::Policy;
use crate::runbook::scenario::is_scenario;
use crate::tui::world::Entry;

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
                SchemaOf::Scenario => crate::runbook::schema::scenario(),
                SchemaOf::Policy => crate::runbook::schema::policy(),
                SchemaOf::Clock => crate::timeline::clocks::schema(),
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
        Cmd::Init { dir, name, email } => people::init(common, dir, name, email),
        Cmd::People { action } => people::run(common, action.unwrap_or(PeopleCmd::List)),
        Cmd::List {
            query,
            scenarios: true,
        } => scenarios::list(common, query.as_deref()),
        Cmd::List { query, .. } => list(common, query.as_deref()),
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

/// Where it is remembered what the lists of this library show.
pub(super) fn memory(cache: &Path, library: &Library) -> Memory {
    Memory::of(library, cache, header::LISTED)
}

/// The header of every runbook of the library, by path.
pub(super) fn headers(
    cache: &Path,
    library: &Library,
) -> Result<Vec<(String, Option<Header>)>, CliError> {
    let memory = memory(cache, library);
    let catalog = Catalog::load(library, &library.pin()?, Some(&memory), header::listed)?;
    let rows = catalog.rows.into_iter();
    let headers = rows.filter_map(|row| match row.head {
        Some(Listed::Scenario(_)) => None,
        Some(Listed::Runbook(header)) => Some((row.entry.path, Some(header))),
        None => Some((row.entry.path, None)),
    });
    Ok(headers.collect())
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
    if is_scenario(&blob.bytes) {
        return scenarios::show(common, &pin, &entry, &blob);
    }
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
    let head = format!(
        "{} · {}@{}\nlast changed by {} {} · {}\n\n",
        escape::line(&book.title),
        escape::line(&entry.path),
        &pin.commit[..12],
        escape::line(&pin.author_name),
        pin.date.format("%Y-%m-%d"),
        escape::text(&book.summary)
    );
    out::data(&(head + &walk(&book, &policy)))
}

/// The steps of a runbook, and who could approve them now.
fn walk(book: &Runbook, policy: &Policy) -> String {
    let now = SystemClock.now().to_utc();
    let mut text = String::new();
    for (number, step) in book.steps.iter().enumerate() {
        text.push_str(&format!(
            "{:>3} {:<24} {:<8} {}\n",
            number + 1,
            step.id.as_str(),
            step.kind.word(),
            escape::line(&step.title)
        ));
        if let Some(gate) = policy.checkpoint_for(book, step, &BTreeMap::new(), now) {
            let who = crate::runbook::gates::who_could_pass(policy, &gate, None);
            text.push_str(&format!(
                "      checkpoint: {} · could approve: {}\n",
                crate::engine::checkpoint::describe(&gate),
                who.join(", ")
            ));
        }
    }
    text
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

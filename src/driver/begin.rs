//! Gathering what a run needs from the library: the runbook, every runbook it uses, who wrote what, and the policy.

use std::collections::BTreeMap;

use crate::engine::command::{OfferedPolicy, StartRun};
use crate::engine::exec::PinnedPolicy;
use crate::engine::fact::{LibraryPin, PinnedRunbook};
use crate::library::{Library, Pin};
use crate::runbook::model::{Kind, Runbook, RunbookId};
use crate::runbook::{lines, parse};

use super::ground::policy_at;
use super::{Desk, DriverError};

/// How deep runbooks may use each other.
const MAX_USES: usize = 100;

/// Everything of the library that a new incident pins.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Gathered {
    pub library: LibraryPin,
    pub policy: PinnedPolicy,
    pub policy_yaml: String,
    pub allowed_signers: String,
    pub book: Runbook,
    pub runbook: PinnedRunbook,
    pub uses: Vec<PinnedRunbook>,
}

impl Gathered {
    /// The run these make, with these values.
    #[must_use]
    pub fn run(&self, inputs: BTreeMap<String, String>, secrets: Vec<String>) -> StartRun {
        StartRun {
            runbook: self.runbook.clone(),
            uses: self.uses.clone(),
            inputs,
            secrets,
        }
    }
}

/// Gathers a runbook at the library's pin, or at another revision: `ID` or `ID@REV`.
///
/// # Errors
/// When there is no such runbook, or it or one it uses cannot be read.
pub fn gather(desk: &Desk, name: &str) -> Result<Gathered, DriverError> {
    let library = desk.library()?;
    let (id, pin) = match name.split_once('@') {
        Some((id, rev)) => (id, library.pin_revision(rev)?),
        None => (name, library.pin()?),
    };
    let (book, runbook) = one(library, &pin, id)?;
    let mut uses: Vec<PinnedRunbook> = Vec::new();
    let mut wanted = used(&book);
    while let Some(next) = wanted.pop() {
        if uses.iter().any(|pinned| pinned.id == next) {
            continue;
        }
        if uses.len() >= MAX_USES {
            return Err(DriverError::Input(format!(
                "{id} uses more than {MAX_USES} other runbooks"
            )));
        }
        let (book, pinned) = one(library, &pin, next.as_str())?;
        wanted.extend(used(&book));
        uses.push(pinned);
    }
    uses.sort_by(|a, b| a.id.cmp(&b.id));
    let (library, policy) = ground(library, &pin)?;
    Ok(Gathered {
        library,
        policy: policy.policy,
        policy_yaml: policy.policy_yaml,
        allowed_signers: policy.allowed_signers,
        book,
        runbook,
        uses,
    })
}

/// What an incident rests on, whatever is walked in it: the library's commit and its policy.
///
/// # Errors
/// When they cannot be read.
pub fn ground(library: &Library, pin: &Pin) -> Result<(LibraryPin, OfferedPolicy), DriverError> {
    let pinned = LibraryPin {
        source: library.spec().to_string(),
        commit: pin.commit.clone(),
        branch: pin.branch.clone(),
        author: format!("{} <{}>", pin.author_name, pin.author_email),
        date: pin.date,
        subject: pin.subject.clone(),
    };
    Ok((pinned, policy_at(library, pin)?))
}

fn used(book: &Runbook) -> Vec<RunbookId> {
    book.steps
        .iter()
        .filter_map(|step| match &step.kind {
            Kind::Uses(uses) => Some(uses.runbook.clone()),
            _ => None,
        })
        .collect()
}

/// Finds a runbook by its id: the file of that name anywhere under `runbooks/`.
///
/// # Errors
/// When there is none, or several.
pub fn find(library: &Library, pin: &Pin, id: &str) -> Result<crate::library::Entry, DriverError> {
    let listing = library.entries(pin)?;
    let file = format!("{id}.yaml");
    let mut found = listing
        .entries
        .iter()
        .filter(|entry| entry.path.rsplit('/').next() == Some(file.as_str()));
    match (found.next(), found.next()) {
        (Some(entry), None) => Ok(entry.clone()),
        (Some(a), Some(b)) => Err(DriverError::Input(format!(
            "two runbooks are called {id}: {} and {}",
            a.path, b.path
        ))),
        (None, _) => {
            let near = listing
                .entries
                .iter()
                .filter_map(|entry| entry.path.rsplit('/').next()?.strip_suffix(".yaml"))
                .map(|known| (strsim::jaro_winkler(known, id), known))
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .filter(|(score, _)| *score > 0.8);
            let hint = near.map_or_else(String::new, |(_, known)| {
                format!("; did you mean `{known}`?")
            });
            Err(DriverError::Input(format!(
                "the library has no runbook `{id}`{hint}"
            )))
        }
    }
}

fn one(library: &Library, pin: &Pin, id: &str) -> Result<(Runbook, PinnedRunbook), DriverError> {
    let entry = find(library, pin, id)?;
    let blob = library.read_entry(&entry)?;
    let (book, problems) = parse::runbook(&entry.path, &blob.bytes);
    let Some(book) = book else {
        let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
        return Err(DriverError::Input(all.join("\n")));
    };
    let text = String::from_utf8(blob.bytes)
        .map_err(|_| DriverError::Input(format!("{} is not UTF-8", entry.path)))?;
    let mut authors = BTreeMap::new();
    let ranges: BTreeMap<_, Vec<_>> = lines::of_steps(&text, &book);
    for (step, ranges) in ranges {
        let who = library.authors(pin, &entry.path, &ranges)?;
        authors.insert(step, who.into_iter().map(|author| author.email).collect());
    }
    let pinned = PinnedRunbook {
        id: book.id.clone(),
        commit: pin.commit.clone(),
        path: entry.path,
        sha256: blob.sha256,
        text,
        authors,
    };
    Ok((book, pinned))
}

//! What is worth knowing of every incident at a glance. Folding each record for that would take too long with many, so
//! the answers are kept in `incidents.cache`, each good for as long as no file of its incident has changed.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};

use super::disk::Dir;
use super::error::JournalError;
use super::incident::Journal;
use super::store::Store;
use crate::engine::ids::IncidentId;
use crate::runbook::model::Severity;
use crate::trust::{Mode, Principal};

const CACHE: &str = "incidents.cache";
const LIMIT: usize = 64 << 20;

/// An incident at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Summary {
    pub id: IncidentId,
    pub title: String,
    pub reference: Option<String>,
    pub severity: Option<Severity>,
    pub mode: Mode,
    pub started: Option<DateTime<FixedOffset>>,
    pub by: Option<Principal>,
    pub closed: bool,
    /// Overrides nobody has reviewed.
    pub owed_reviews: u64,
    pub open_runs: u64,
    pub events: u64,
    /// When the last event was recorded.
    pub latest: Option<DateTime<Utc>>,
    /// How much is wrong with the record; `verify` says what.
    pub faults: u64,
}

/// A file's name, length, inode and change time.
pub type Stamp = (String, u64, u64, i64, i64);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    stamp: Vec<Stamp>,
    summary: Summary,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cache {
    v: String,
    entries: BTreeMap<IncidentId, Entry>,
}

impl Store {
    /// Every incident here at a glance, the oldest first. One that cannot be read is left out; opening it says why.
    ///
    /// # Errors
    /// When the directories cannot be read.
    pub fn summaries(&self) -> Result<Vec<Summary>, JournalError> {
        // What a summary says may change with the program, so each version keeps its own.
        let version = format!("1 {}", env!("CARGO_PKG_VERSION"));
        let mut old = self
            .read_cache()
            .filter(|cache| cache.v == version)
            .unwrap_or_default();
        let before = old.entries.len();
        let mut changed = false;
        let mut new = Cache {
            v: version,
            entries: BTreeMap::new(),
        };
        for id in self.incidents()? {
            let stamp = self.stamp(&id);
            let entry = match old.entries.remove(&id) {
                Some(entry) if entry.stamp == stamp => entry,
                _ => match Journal::open(self, &id) {
                    Ok(journal) => {
                        changed = true;
                        Entry {
                            stamp,
                            summary: summary(&journal),
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%id, %error, "left out of the list");
                        continue;
                    }
                },
            };
            new.entries.insert(id, entry);
        }
        if changed || before != new.entries.len() {
            self.write_cache(&new);
        }
        Ok(new
            .entries
            .into_values()
            .map(|entry| entry.summary)
            .collect())
    }

    fn read_cache(&self) -> Option<Cache> {
        let bytes = Dir::open(self.state_dir())
            .ok()?
            .slurp(CACHE, LIMIT)
            .ok()??;
        serde_json::from_slice(&bytes).ok()
    }

    /// Without a cache the list is only slower.
    fn write_cache(&self, cache: &Cache) {
        let written = serde_json::to_vec(cache)
            .map_err(std::io::Error::other)
            .and_then(|bytes| {
                Dir::open(self.state_dir())?.replace(self.disk(), CACHE, &bytes, 0o600)
            });
        if let Err(error) = written {
            tracing::debug!(%error, "the list of incidents was not kept");
        }
    }

    /// What changes when an incident's segments do.
    #[must_use]
    pub fn stamp(&self, id: &IncidentId) -> Vec<Stamp> {
        let mut stamps = Vec::new();
        for root in std::iter::once(self.state_dir()).chain(self.spool_dir()) {
            let dir = root.join("incidents").join(id.as_str());
            let Ok(entries) = std::fs::read_dir(&dir) else {
                continue;
            };
            for entry in entries.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.ends_with(".jsonl")
                    && let Ok(meta) = entry.metadata()
                {
                    stamps.push((
                        name,
                        meta.len(),
                        meta.ino(),
                        meta.ctime(),
                        meta.ctime_nsec(),
                    ));
                }
            }
        }
        stamps.sort();
        stamps
    }
}

/// A record at a glance.
#[must_use]
pub fn summary(journal: &Journal) -> Summary {
    let state = journal.state();
    let incident = state.incident.as_deref();
    Summary {
        id: journal.incident().clone(),
        title: incident.map_or_else(String::new, |incident| incident.title.clone()),
        reference: incident.and_then(|incident| incident.reference.clone()),
        severity: state.severity,
        mode: incident.map_or(Mode::Live, |incident| incident.mode),
        started: incident.map(|incident| incident.started),
        by: incident.map(|incident| incident.by.clone()),
        closed: state.closed.is_some(),
        owed_reviews: state.owed_reviews().count() as u64,
        open_runs: state.open_runs().count() as u64,
        events: state.count,
        latest: state.latest,
        faults: journal.faults().len() as u64,
    }
}

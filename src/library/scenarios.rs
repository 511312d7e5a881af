//! The scripts of exercises that a library holds beside its runbooks: listed, and read by their id.

use super::catalog::{Catalog, Memory};
use super::{Blob, Entry, Library, LibraryError, Pin};
use crate::runbook::header::{self, Listed};
use crate::runbook::problem::suggest;
use crate::runbook::scenario::{self, Head, Scenario};

impl Library {
    /// The scenarios of a commit, by path. `memory` is that of [`header::LISTED`].
    ///
    /// # Errors
    /// When the commit cannot be read.
    pub fn scenarios(
        &self,
        pin: &Pin,
        memory: Option<&Memory>,
    ) -> Result<Vec<(Entry, Head)>, LibraryError> {
        let catalog = Catalog::load(self, pin, memory, header::listed)?;
        let rows = catalog.rows.into_iter();
        let scenarios = rows.filter_map(|row| match row.head {
            Some(Listed::Scenario(head)) => Some((row.entry, head)),
            _ => None,
        });
        Ok(scenarios.collect())
    }

    /// The scenario of this id at a commit, and its text: the file of that name anywhere under `runbooks/`.
    ///
    /// # Errors
    /// When there is none or several, or it cannot be read.
    pub fn scenario(&self, pin: &Pin, id: &str) -> Result<(Entry, Blob, Scenario), LibraryError> {
        let file = format!("{id}.yaml");
        let mut found = None;
        for entry in self.entries(pin)?.entries {
            if entry.path.rsplit('/').next() != Some(file.as_str()) {
                continue;
            }
            let blob = self.read_entry(&entry)?;
            if !scenario::is_scenario(&blob.bytes) {
                continue;
            }
            if let Some((first, _)) = &found {
                return Err(twice(id, first, &entry));
            }
            found = Some((entry, blob));
        }
        let Some((entry, blob)) = found else {
            return Err(self.no_scenario(pin, id));
        };
        let scenario =
            scenario::parse(&entry.path, &blob.bytes).map_err(LibraryError::BrokenScenario)?;
        Ok((entry, blob, scenario))
    }

    fn no_scenario(&self, pin: &Pin, id: &str) -> LibraryError {
        let scenarios = self.scenarios(pin, None).unwrap_or_default();
        let known: Vec<&str> = scenarios.iter().map(|(_, head)| head.id.as_str()).collect();
        LibraryError::NoScenario {
            id: id.chars().take(80).collect(),
            hint: suggest(id, &known).map_or_else(String::new, |hint| format!("; {hint}")),
        }
    }
}

fn twice(id: &str, a: &Entry, b: &Entry) -> LibraryError {
    LibraryError::Refused(format!(
        "two scenarios are called {id}: {} and {}",
        a.path, b.path
    ))
}

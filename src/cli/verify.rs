//! Proving a record: by its journals and references, or by the references of a repository alone.

use std::path::Path;
use std::sync::Arc;

use chrono::SecondsFormat;

use super::args::Common;
use super::config::Config;
use super::proof::{self, Head};
use super::{CliError, out};
use crate::driver::{Session, root};
use crate::engine::State;
use crate::engine::at::Root;
use crate::host::clock::{Clock, SystemClock};
use crate::journal::verify::{Trust, verify, verify_git_dir};
use crate::journal::{Fault, Journal};
use crate::library::Library;

/// Proves it and says what was found.
///
/// # Errors
/// Status 1 when a promise is broken, 2 when something is owed or cannot be proven, 64 for a wrong call.
pub fn run(common: &Common, inc: Option<&str>, git_dir: Option<&Path>) -> Result<(), CliError> {
    let config = Config::read(common)?;
    let library = match &config.settings.library {
        Some(_) => Some(super::library::open(&config)?),
        None => None,
    };
    let now = SystemClock.now().to_utc();
    let trust = |state: &State| trusted(library.as_ref(), state);
    let head = |checked: String| Head {
        at: now.to_rfc3339_opts(SecondsFormat::Secs, true),
        principal: common.as_principal.clone(),
        checked,
        library: library.as_ref().map(stands_at),
    };
    match (inc, git_dir) {
        (None, None) => {
            out::talk("error: which incident? INC, or --git-dir DIR");
            Err(CliError::Status(64))
        }
        (_, Some(dir)) => {
            let reports = verify_git_dir(dir, trust)?;
            if reports.is_empty() {
                return Err(CliError::Input(format!(
                    "{} holds no record",
                    dir.display()
                )));
            }
            let head = head(format!("the references in {} alone", dir.display()));
            let mut worst = 0;
            for (id, report) in reports {
                let report = report.at(now);
                proof::print(common.json, &head, id.as_str(), &report)?;
                worst = worse(worst, report.exit());
            }
            ended(worst)
        }
        (Some(inc), None) => {
            let store = Session::store_of(&config.settings);
            let id = super::incident::known(&store, inc)?;
            let report = verify(&store, &id, strangers, trust)?.at(now);
            let head = head(format!("the journals and {}", store.git_dir().display()));
            proof::print(common.json, &head, id.as_str(), &report)?;
            ended(report.exit())
        }
    }
}

/// Events in another account's file that claim a person who is not mapped to that account.
fn strangers(journal: &Journal) -> Vec<Fault> {
    let state = Arc::clone(journal.state());
    journal.strangers(super::config::account_name, |principal, account| {
        let Some(incident) = state.incident.as_deref() else {
            return false;
        };
        incident
            .people
            .person_of(principal)
            .is_some_and(|who| incident.people.person_of_account(account) == Some(who))
    })
}

/// A broken promise is worse than something owed.
fn worse(a: u8, b: u8) -> u8 {
    match (a, b) {
        (1, _) | (_, 1) => 1,
        _ => a.max(b),
    }
}

fn ended(status: u8) -> Result<(), CliError> {
    if status == 0 {
        Ok(())
    } else {
        Err(CliError::Status(status))
    }
}

/// Where trust comes from: the library, and the commit its branch stands at.
fn stands_at(library: &Library) -> (String, String) {
    let commit = library.pin().map_or_else(
        |_| "no commit that can be read".to_owned(),
        |pin| pin.commit,
    );
    (library.spec().to_string(), commit)
}

fn trusted(library: Option<&Library>, state: &State) -> Trust {
    match root::whole(library, state) {
        Root::Trusted { .. } => Trust::Trusted,
        Root::Untrusted(why) => Trust::Untrusted(why),
    }
}

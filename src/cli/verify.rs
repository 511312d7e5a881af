//! Proving a record: by its journals and references, or by the references of a repository alone.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::args::Common;
use super::config::Config;
use super::{CliError, out};
use crate::driver::{Session, root};
use crate::engine::State;
use crate::engine::at::Root;
use crate::evidence::escape;
use crate::host::clock::{Clock, SystemClock};
use crate::journal::verify::{Report, Severity, Trust, verify, verify_git_dir};
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
            let mut worst = 0;
            for (id, report) in reports {
                let report = report.at(now);
                print(common, id.as_str(), &report)?;
                worst = worse(worst, report.exit());
            }
            ended(worst)
        }
        (Some(inc), None) => {
            let store = Session::store_of(&config.settings);
            let id = super::incident::known(&store, inc)?;
            let report = verify(&store, &id, strangers, trust)?.at(now);
            print(common, id.as_str(), &report)?;
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

fn trusted(library: Option<&Library>, state: &State) -> Trust {
    match root::whole(library, state) {
        Root::Trusted { .. } => Trust::Trusted,
        Root::Untrusted(why) => Trust::Untrusted(why),
    }
}

fn print(common: &Common, id: &str, report: &Report) -> Result<(), CliError> {
    let verdict = match report.exit() {
        0 => "proven",
        1 => "VIOLATED",
        _ => "not fully provable",
    };
    let counts = &report.counts;
    if common.json {
        let findings: Vec<_> = report
            .findings
            .iter()
            .map(|finding| json!({"severity": word(finding.severity), "event": finding.event, "what": finding.what}))
            .collect();
        return out::json(&json!({
            "incident": id, "verdict": verdict, "events": counts.events, "writers": counts.writers,
            "published": counts.published, "evidence": counts.evidence, "findings": findings,
        }));
    }
    for finding in &report.findings {
        let event = finding
            .event
            .map_or_else(|| "-".to_owned(), |event| event.to_string());
        out::data(&format!(
            "{:<9} {event} {}",
            word(finding.severity),
            escape::line(&finding.what)
        ))?;
    }
    out::data(&format!(
        "INC-{id}: {verdict}: {} events of {} writers, {} published, {} pieces of evidence",
        counts.events, counts.writers, counts.published, counts.evidence
    ))
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Owed => "owed",
        Severity::Violation => "violation",
    }
}

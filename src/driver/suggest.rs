//! Entries for the timeline that the rules of the runbooks find in what was collected. A person accepts each; until then
//! nothing is recorded.

use std::collections::HashSet;
use std::sync::Arc;

use super::DriverError;
use super::session::{Acted, Session};
use crate::engine::fact::{CitedLine, Evidence, Fact};
use crate::engine::{Event, Intent};
use crate::evidence::Digest;
use crate::host::files;
use crate::logs::stamp::{Stamp, Stamps, Zone};
use crate::logs::suggest::{Suggested, suggested};
use crate::runbook::model::Log;

/// Artifacts larger than this are not looked through.
const MOST: u64 = 64 << 20;

/// So much of a log's beginning is looked at to learn how its lines are dated.
const SAMPLE: usize = 64 << 10;

/// An entry that may be accepted, and what it rests on.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Suggestion {
    pub entry: Suggested,
    /// The name of the log.
    pub log: String,
    pub line: CitedLine,
}

impl Session {
    /// What is suggested and was not accepted yet, in order of time.
    #[must_use]
    pub fn suggestions(&self) -> Vec<Suggestion> {
        let events = self.journal().log().events();
        // The same line may have been pulled more than once.
        let mut known = HashSet::new();
        for event in events {
            if let Fact::LineNoted(noted) = &event.fact {
                let at = event.occurred_at.timestamp_millis();
                known.insert(identity(&noted.line, Some(at)));
                known.insert(identity(&noted.line, None));
            }
        }
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for evidence in artifacts(events) {
            if self.state().is_expunged(&evidence.sha256) || !seen.insert(evidence.sha256) {
                continue;
            }
            let entries = self.entries_of(evidence).into_iter();
            found.extend(entries.filter(|suggestion| known.insert(suggestion.identity())));
        }
        found.sort_by_key(|suggestion| suggestion.entry.stamp);
        found
    }

    fn entries_of(&self, evidence: &Evidence) -> Vec<Suggestion> {
        let mut runs = self.state().runs.iter().rev();
        let rules = runs.find_map(|run| {
            let mut logs = run.book.logs.iter();
            let log = logs.find(|log| log.name == evidence.name && !log.rules.is_empty())?;
            Some((log, run.plain()))
        });
        let Some((log, values)) = rules else {
            return Vec::new();
        };
        let path = self.evidence_dir().join(evidence.sha256.hex());
        let Ok(bytes) = files::read_limited(&path, MOST) else {
            return Vec::new();
        };
        // An entry cites these very bytes.
        if Digest::of(&bytes) != evidence.sha256 {
            return Vec::new();
        }
        let stamps = stamps(&bytes, log, evidence);
        let clock = |line: &[u8]| stamps.as_ref()?.of(line);
        let entries = suggested(&bytes, &log.rules, &values, clock).into_iter();
        entries
            .map(|entry| Suggestion {
                log: log.name.clone(),
                line: CitedLine {
                    source: evidence.source.clone(),
                    host: evidence.host.clone(),
                    range: entry.range,
                    sha256: entry.sha256,
                    evidence: Some(evidence.sha256),
                },
                entry,
            })
            .collect()
    }

    /// Records an entry that a person accepted.
    ///
    /// # Errors
    /// As [`Session::act`].
    pub fn accept(&mut self, suggestion: &Suggestion) -> Result<Acted, DriverError> {
        self.act(suggestion.intent())
    }
}

impl Suggestion {
    /// What it is called, whatever else is suggested.
    #[must_use]
    pub fn id(&self) -> String {
        self.identity().hex().chars().take(8).collect()
    }

    fn identity(&self) -> Digest {
        let at = self.entry.stamp.map(|at| at.utc().timestamp_millis());
        identity(&self.line, at)
    }

    /// What accepting it means.
    #[must_use]
    pub fn intent(&self) -> Intent {
        Intent::NoteLine {
            text: self.entry.text.clone(),
            class: self.entry.class,
            at: self.entry.stamp.map(|stamp| stamp.utc().fixed_offset()),
            line: self.line.clone(),
        }
    }
}

/// A line of a known moment is known by its bytes wherever it was pulled; any other, by its place.
fn identity(line: &CitedLine, millis: Option<i64>) -> Digest {
    let place = match millis {
        Some(millis) => format!("{} at {millis}", line.sha256),
        None => format!("{:?} {:?}", line.evidence, line.range),
    };
    Digest::of(format!("{:?} {:?} {place}", line.source, line.host).as_bytes())
}

fn artifacts(events: &[Arc<Event>]) -> impl Iterator<Item = &Evidence> {
    events.iter().flat_map(|event| event.fact.evidence())
}

fn stamps(bytes: &[u8], log: &Log, evidence: &Evidence) -> Option<Stamps> {
    let zone = log.zone.as_deref().and_then(Zone::parse);
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let newest = Stamp::of(evidence.collected_at);
    Stamps::detect(sample, zone.unwrap_or(Zone::UTC), newest)
}

//! Pulling local files into the record: bounded, redacted before anything is kept, stored once by content.

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::engine::command::{Command, Source, StepKey};
use crate::engine::fact::Evidence;
use crate::evidence::Digest;
use crate::evidence::redact::{Redactor, Rule};
use crate::host::files;
use crate::logs::{self, Pulled, Wanted};
use crate::runbook::model::LogSource;
use crate::runbook::policy::RedactRule;

use super::DriverError;
use super::session::{Acted, Session};

/// The most that is kept of one attached file.
const ATTACH_LIMIT: u64 = 16 << 20;

/// The rules that everything kept goes through.
#[derive(Clone)]
pub struct Redaction(Redactor);

impl Redaction {
    /// The built-in rules, the policy's own, and exact values. A rule of the policy that cannot be used is left out:
    /// `check` has told of it, and the built-in ones still hold.
    ///
    /// # Errors
    /// When not even the built-in rules can be used: then nothing may be kept.
    pub fn new<'a>(
        rules: &[RedactRule],
        secrets: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, DriverError> {
        let own: Vec<Rule> = rules
            .iter()
            .map(|rule| Rule {
                name: rule.name.clone(),
                pattern: rule.pattern.clone(),
            })
            .filter(|rule| Redactor::new(std::slice::from_ref(rule)).is_ok())
            .collect();
        let redactor = Redactor::new(&own)
            .or_else(|_| Redactor::new(&[]))
            .map_err(|error| {
                DriverError::Input(format!("nothing can be kept without redaction: {error}"))
            })?;
        Ok(Self(redactor.secrets(secrets)))
    }

    /// A text without secrets.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        self.0.text(text).text
    }

    /// Bytes without secrets.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.redact(bytes).bytes
    }
}

/// Redacts, stores by content and describes.
///
/// # Errors
/// When it cannot be written.
pub fn keep(
    pulled: Pulled,
    host: &str,
    redaction: &Redaction,
    store: &Path,
    now: DateTime<Utc>,
) -> std::io::Result<Evidence> {
    let redacted = redaction.0.redact(&pulled.bytes);
    let sha256 = Digest::of(&redacted.bytes);
    let path = store.join(sha256.hex());
    if !store.is_dir() {
        files::create_private_dir(store)?;
    }
    if !path.exists() {
        files::write_atomic(&path, &redacted.bytes, 0o640)?;
    }
    Ok(Evidence {
        sha256,
        size: redacted.bytes.len() as u64,
        name: redaction.text(&pulled.name),
        source: redaction.text(&pulled.source),
        host: host.to_owned(),
        range: pulled.range,
        original_sha256: (redacted.count > 0).then(|| Digest::of(&pulled.bytes)),
        redacted: redacted.count,
        dropped: pulled.dropped + redacted.dropped,
        collected_at: now,
    })
}

/// Pulls every source; all or nothing, so that a step that says it collected did.
///
/// # Errors
/// In words, with the first source that could not be read.
pub fn pull_all(
    sources: &[Source],
    host: &str,
    redaction: &Redaction,
    store: &Path,
    now: DateTime<Utc>,
) -> Result<Vec<Evidence>, String> {
    let mut kept = Vec::new();
    for source in sources {
        let wanted = Wanted {
            name: &source.name,
            path: &source.path,
            tail: source.tail,
            limit: source.limit,
            matching: source.matching.as_deref(),
        };
        for pulled in logs::pull(&wanted)? {
            let name = pulled.source.clone();
            kept.push(
                keep(pulled, host, redaction, store, now)
                    .map_err(|error| format!("{name}: {error}"))?,
            );
        }
    }
    Ok(kept)
}

impl Session {
    pub(super) fn attach(
        &mut self,
        path: &str,
        step: Option<StepKey>,
    ) -> Result<Acted, DriverError> {
        let name = Path::new(path).file_name().map_or_else(
            || path.to_owned(),
            |name| name.to_string_lossy().into_owned(),
        );
        let source = Source {
            name,
            // A file's name is never a pattern here, whatever is in it.
            path: glob::Pattern::escape(path),
            tail: None,
            limit: ATTACH_LIMIT,
            matching: None,
        };
        self.record_evidence(&source, step)
    }

    pub(super) fn collect_log(&mut self, log: &str) -> Result<Acted, DriverError> {
        let found = self.state().runs.iter().rev().find_map(|run| {
            let log = run.book.logs.iter().find(|known| known.name == log)?;
            Some((log.clone(), run.plain()))
        });
        let Some((log, values)) = found else {
            let names: Vec<_> = self
                .state()
                .runs
                .iter()
                .flat_map(|run| run.book.logs.iter().map(|log| log.name.clone()))
                .collect();
            let what = format!(
                "no runbook of this incident has a log `{log}`; there are: {}",
                names.join(", ")
            );
            return Err(DriverError::Input(what));
        };
        let (LogSource::File(path), None) = (&log.source, &log.host) else {
            let what = format!(
                "log `{}` is not a file of this machine: fetch it by hand and `runsheet attach` it",
                log.name
            );
            return Err(DriverError::Input(what));
        };
        let path = crate::engine::checkpoint::record::expanded_path(path, &values)?;
        let source = Source {
            name: log.name.clone(),
            path,
            tail: None,
            limit: ATTACH_LIMIT,
            matching: None,
        };
        self.record_evidence(&source, None)
    }

    /// Puts lines that were read elsewhere into the record as evidence, redacted like everything that is kept.
    ///
    /// # Errors
    /// When they cannot be kept or recorded.
    pub fn keep_excerpt(&mut self, pulled: Pulled) -> Result<Acted, DriverError> {
        let now = self.desk.ports.clock.now().with_timezone(&Utc);
        let host = self.desk.settings.host.clone();
        let (redaction, store) = (self.redactor()?, self.evidence_dir());
        let evidence =
            keep(pulled, &host, &redaction, &store, now).map_err(|source| DriverError::Io {
                what: "the excerpt",
                source,
            })?;
        let step = None;
        self.command(Command::Attach { evidence, step })
    }

    fn record_evidence(
        &mut self,
        source: &Source,
        step: Option<StepKey>,
    ) -> Result<Acted, DriverError> {
        let now = self.desk.ports.clock.now().with_timezone(&Utc);
        let host = self.desk.settings.host.clone();
        let kept = pull_all(
            std::slice::from_ref(source),
            &host,
            &self.redactor()?,
            &self.evidence_dir(),
            now,
        )
        .map_err(DriverError::Input)?;
        let mut acted = Acted::default();
        for evidence in kept {
            acted.events.extend(
                self.command(Command::Attach {
                    evidence,
                    step: step.clone(),
                })?
                .events,
            );
        }
        Ok(acted)
    }
}

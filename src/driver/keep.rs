//! What is captured, on its way into the record's evidence: redacted before a byte of it is kept, digested before and
//! after, stored once by content.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::engine::fact::{ClockSkew, Evidence, Pull, PulledFile, Span};
use crate::evidence::Digest;
use crate::evidence::redact::{Redactor, Rule, Stream};
use crate::host::files;
use crate::logs::pull::{Artifact, Keep, Pulled};
use crate::runbook::policy::RedactRule;

use super::DriverError;

/// The program, as evidence names it.
const TOOL: &str = concat!("runsheet ", env!("CARGO_PKG_VERSION"));

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
        let shipped: Vec<&str> = rules
            .iter()
            .filter(|rule| rule.pattern.is_none())
            .map(|rule| rule.name.as_str())
            .collect();
        let own: Vec<Rule> = rules
            .iter()
            .filter_map(|rule| {
                Some(Rule {
                    name: rule.name.clone(),
                    pattern: rule.pattern.clone()?,
                })
            })
            .filter(|rule| Redactor::new(std::slice::from_ref(rule)).is_ok())
            .collect();
        let redactor = Redactor::new(&own)
            .or_else(|_| Redactor::new(&[]))
            .map_err(|error| {
                DriverError::Input(format!("nothing can be kept without redaction: {error}"))
            })?;
        Ok(Self(redactor.also(&shipped).secrets(secrets)))
    }

    /// For logs: addresses of people too, and marks that tell values apart by a key that stays with the collector.
    #[must_use]
    pub fn for_logs(self, key: [u8; 32]) -> Self {
        Self(self.with_addresses().0.keyed(key))
    }

    /// For lines of logs that leave as a file: addresses of people too.
    #[must_use]
    pub fn with_addresses(self) -> Self {
        Self(self.0.also(&["email"]))
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

/// What a command printed, or somebody marked in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Output {
    pub name: String,
    pub source: String,
    /// Which bytes of the source these are, if not all of something without positions.
    pub range: Option<(u64, u64)>,
    /// Bytes left out because of a limit.
    pub dropped: u64,
    pub bytes: Vec<u8>,
}

/// Redacts, stores by content and describes.
///
/// # Errors
/// When it cannot be written.
pub fn keep(
    output: &Output,
    host: &str,
    redaction: &Redaction,
    store: &Path,
    now: DateTime<Utc>,
) -> io::Result<Evidence> {
    let redacted = redaction.0.redact(&output.bytes);
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
        name: redaction.text(&output.name),
        source: redaction.text(&output.source),
        host: host.to_owned(),
        range: output.range,
        original_sha256: (redacted.count > 0).then(|| Digest::of(&output.bytes)),
        redacted: redacted.count,
        dropped: output.dropped + redacted.dropped,
        collected_at: now,
        pull: None,
    })
}

/// Where pulled logs go.
pub struct Keeper {
    redaction: Redaction,
    store: PathBuf,
    /// This machine.
    host: String,
    kept: Arc<Mutex<Kept>>,
}

/// What was kept of a pull.
#[derive(Default)]
pub struct Kept {
    /// In the order in which they were done.
    pub evidence: Vec<Evidence>,
    /// What stood where, by its mark.
    pub values: BTreeMap<String, Vec<u8>>,
}

impl Keeper {
    /// Redacts by these rules and stores in this folder.
    #[must_use]
    pub fn new(redaction: Redaction, store: PathBuf, host: String) -> Self {
        Self {
            redaction,
            store,
            host,
            kept: Arc::default(),
        }
    }

    /// What was kept so far, which is then no longer here.
    #[must_use]
    pub fn take(&self) -> Kept {
        std::mem::take(&mut *locked(&self.kept))
    }
}

impl Keep for Keeper {
    fn begin(&self) -> io::Result<Box<dyn Artifact>> {
        if !self.store.is_dir() {
            files::create_private_dir(&self.store)?;
        }
        Ok(Box::new(Captured {
            stream: self.redaction.0.stream(),
            redaction: self.redaction.clone(),
            file: tempfile::NamedTempFile::new_in(&self.store)?,
            host: self.host.clone(),
            original: Sha256::new(),
            original_size: 0,
            stored: Sha256::new(),
            size: 0,
            ready: Vec::new(),
            kept: Arc::clone(&self.kept),
        }))
    }
}

/// One artifact, while it comes.
struct Captured {
    stream: Stream,
    redaction: Redaction,
    /// Gone with this, unless it is given its name.
    file: tempfile::NamedTempFile,
    host: String,
    original: Sha256,
    original_size: u64,
    stored: Sha256,
    size: u64,
    ready: Vec<u8>,
    kept: Arc<Mutex<Kept>>,
}

impl Captured {
    fn store(&mut self) -> io::Result<()> {
        self.file.write_all(&self.ready)?;
        self.stored.update(&self.ready);
        self.size += self.ready.len() as u64;
        self.ready.clear();
        Ok(())
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.original.update(bytes);
        self.original_size += bytes.len() as u64;
        self.stream.push(bytes, &mut self.ready);
        self.store()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Artifact for Captured {
    fn end(mut self: Box<Self>, pulled: Pulled) -> io::Result<()> {
        let report = self.stream.finish(&mut self.ready);
        self.store()?;
        let sha256 = Digest(self.stored.clone().finalize().into());
        let path = self.file.path().with_file_name(sha256.hex());
        let Self {
            file,
            host,
            redaction,
            original,
            original_size,
            size,
            kept,
            ..
        } = *self;
        if !path.exists() {
            let mode = std::fs::Permissions::from_mode(0o640);
            file.as_file().set_permissions(mode)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
        }
        let range = match pulled.files.as_slice() {
            [file] if file.more == 0 => match file.ranges[..] {
                [range] => Some(range),
                _ => None,
            },
            _ => None,
        };
        let mut kept = locked(&kept);
        kept.values.extend(report.values);
        kept.evidence.push(Evidence {
            sha256,
            size,
            name: redaction.text(&pulled.name),
            source: redaction.text(&pulled.source),
            host: pulled.host.clone().unwrap_or(host),
            range,
            original_sha256: Some(Digest(original.finalize().into())),
            redacted: report.count,
            dropped: pulled.dropped,
            collected_at: pulled.ended,
            pull: Some(Box::new(pull(
                pulled,
                original_size,
                report.by_rule,
                &redaction,
            ))),
        });
        Ok(())
    }
}

fn pull(
    pulled: Pulled,
    original_size: u64,
    by_rule: BTreeMap<String, u64>,
    redaction: &Redaction,
) -> Pull {
    let file = |file: crate::logs::pull::PulledFile| PulledFile {
        path: redaction.text(&file.path),
        size: file.size,
        ranges: file.ranges,
        more: file.more,
    };
    Pull {
        files: pulled.files.into_iter().map(file).collect(),
        window: pulled.window.map(|window| Span {
            from: window.from.utc(),
            to: window.to.utc(),
        }),
        lines: pulled.lines,
        original_size,
        started: pulled.started,
        ended: pulled.ended,
        tool: TOOL.to_owned(),
        clock: pulled.skew.map(|skew| ClockSkew {
            ahead: skew.ahead / 1000,
            within: skew.within.unsigned_abs().div_ceil(1000),
        }),
        incomplete: pulled.incomplete.map(|why| redaction.text(&why)),
        by_rule,
    }
}

/// A thread that panicked while it added something has added it or not.
fn locked(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::policy::SHIPPED_RULES;

    #[test]
    fn every_shipped_rule_that_a_policy_may_name_is_one() {
        let rules = SHIPPED_RULES.map(|name| RedactRule {
            name: name.to_owned(),
            pattern: None,
        });
        let redaction = Redaction::new(&rules, []).unwrap();
        let text = "ann@example.org from 203.0.113.9";
        assert_eq!(redaction.text(text), "[redacted:email] from [redacted:ip]");
        let plain = Redaction::new(&[], []).unwrap();
        assert_eq!(plain.text(text), text);
        let plain = plain.with_addresses();
        assert_eq!(plain.text(text), "[redacted:email] from 203.0.113.9");
        let log = plain.for_logs([7; 32]).text(text);
        assert!(
            log.starts_with("[redacted:email#") && log.ends_with(" from 203.0.113.9"),
            "{log}"
        );
    }
}

//! The execution record: everything that decides what a step will do, gathered before it is asked for, approved and
//! run. The approval binds its digests, and what runs is this record, never a second rendering of the runbook.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::StepRef;
use crate::evidence::{Digest, canonical};
use crate::runbook::model::Risk;

/// What a script of a step is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The step itself.
    Run,
    /// Its `dry_run` twin.
    DryRun,
    /// Its `rollback`.
    RollBack,
}

/// A value a script will see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Var {
    /// In clear.
    Plain(String),
    /// HMAC-SHA256 over `name`, 0, value with a key that stays in the performer's state: 64 hex digits.
    Secret(#[serde(deserialize_with = "mark")] String),
}

/// A mark has one form, so that nothing else can stand in its place.
fn mark<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    match Digest::from_hex(&text) {
        Some(_) => Ok(text),
        None => Err(serde::de::Error::custom(
            "the mark of a secret is 64 lower-case hex digits",
        )),
    }
}

/// What runs, where and with what bounds: the part that the `exec` digest covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Exec {
    pub purpose: Purpose,
    /// The kind of step: `run`, `wait`, `collect`, `manual` …
    pub kind: String,
    /// The script, or for other kinds what will be done, in words.
    pub script: String,
    pub shell: Vec<String>,
    pub cwd: String,
    /// The machine it runs on.
    pub host: String,
    /// The Unix account it runs as.
    pub run_as: String,
    /// Names only, sorted; the values are in `vars`.
    pub env: Vec<String>,
    /// Always empty for now: scripts read nothing.
    pub stdin: String,
    /// Digests of files the script is given, by path.
    pub files: BTreeMap<String, Digest>,
    /// Seconds after which it is ended; 0 is never.
    pub timeout: u64,
    /// Bytes of output that are kept.
    pub output_limit: u64,
}

/// The whole record of one intended execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ExecRecord {
    pub step: StepRef,
    pub title: String,
    pub risk: Risk,
    pub exec: Exec,
    pub vars: BTreeMap<String, Var>,
    /// The twin and the way back, shown beside the script.
    pub dry_run: Option<String>,
    pub rollback: Option<String>,
    /// What the gate asks for: `2 approver, 1 security; not performer; 15m`, `-` without one.
    pub gate: String,
    pub runbook: PinnedBlob,
    pub policy: PinnedPolicy,
    /// Who will run it: principal, host, writer.
    pub executor: Executor,
}

/// A file of the library at a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PinnedBlob {
    pub commit: String,
    pub path: String,
    pub sha256: Digest,
}

/// `policy.yaml` and `allowed_signers` at a commit, in one digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PinnedPolicy {
    pub commit: String,
    pub sha256: Digest,
}

/// Whose process runs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Executor {
    pub principal: String,
    pub host: String,
    pub writer: String,
}

impl ExecRecord {
    /// The digest of the whole record: what a request's statement names.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(self)
    }

    /// The digest of what runs.
    #[must_use]
    pub fn exec_digest(&self) -> Digest {
        digest(&self.exec)
    }

    /// The digest of the values.
    #[must_use]
    pub fn vars_digest(&self) -> Digest {
        digest(&self.vars)
    }
}

/// Every number in a record is a small whole one, so the canonical form always exists; a record that ever lacked one
/// would get a digest that no statement names.
fn digest<T: Serialize>(value: &T) -> Digest {
    canonical::digest(value).unwrap_or(Digest([0; 32]))
}

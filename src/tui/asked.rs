//! What an approver sees: the text that is signed, and what helps to judge it. Values; where they come from is not known
//! here.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset};

use super::difference;
use crate::engine::command::StepKey;
use crate::engine::exec::Purpose;
use crate::evidence::Digest;
use crate::trust::Principal;

/// What an approver sees.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct ApprovalView {
    pub step: StepKey,
    pub request: Digest,
    /// The step itself, or its way back.
    pub purpose: Purpose,
    pub title: String,
    pub destructive: bool,
    /// The complete approval text, as the statement's `display` covers it.
    pub text: String,
    pub requester: String,
    pub asked: DateTime<FixedOffset>,
    /// How long an approval holds once it is signed.
    pub holds: Option<std::time::Duration>,
    /// `carol@example.org  SHA256:p0x… (ed25519, agent)`
    pub you_sign: String,
    /// Whether I may answer, or why not.
    pub eligible: Result<(), String>,
    /// I asked for it myself.
    pub asked_by_me: bool,
    /// Who else could answer, by name.
    pub others: Vec<(String, Principal)>,
    /// Who passed the question on, and to whom.
    pub passed: Vec<(String, String)>,
    /// The step has a dry run.
    pub has_dry_run: bool,
    /// The latest dry run of the step.
    pub dry_run: Option<Rehearsal>,
    /// Gathered beside the screen.
    pub brief: Brief,
}

/// A dry run before the real thing.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Rehearsal {
    pub at: DateTime<FixedOffset>,
    pub by: String,
    /// `exit 0`, `failed, exit 3`, `still running`.
    pub ended: String,
    pub good: bool,
    /// It ran the very script and values that the request shows.
    pub same: bool,
}

/// What helps to judge a request beyond the text that is signed. Each part may come later than the text, or not at all.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Brief {
    pub changed: Option<Part<LastChange>>,
    /// What the dry run printed: decoded, not escaped.
    pub output: Option<Part<Arc<Vec<String>>>>,
    pub earlier: Option<Part<Earlier>>,
}

/// What was looked for: found, or why not.
pub type Part<T> = Result<T, String>;

/// Who changed the lines of the step last, by the library's own history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct LastChange {
    pub author: String,
    pub date: DateTime<FixedOffset>,
    /// The short commit id.
    pub commit: String,
    /// The commit carries a signature; whose, nobody looked.
    pub signed: bool,
}

/// The last time the same step of the same runbook was approved and run.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Earlier {
    pub at: DateTime<FixedOffset>,
    /// Who approved it.
    pub by: Vec<String>,
    /// `INC-0042`
    pub incident: String,
    /// What is another way now; empty when nothing is.
    pub lines: Vec<difference::Line>,
}

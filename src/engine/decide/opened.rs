//! Asking whether a gate stands open, without passing it; and what it is open for, down to the files.

use std::sync::Arc;

use super::run::{clock, counted, opened, startable};
use crate::engine::at::At;
use crate::engine::checkpoint::{judge, prepare, record};
use crate::engine::command::{Refusal, RefusalKind, StepKey};
use crate::engine::exec::{ExecRecord, Purpose};
use crate::engine::state::{Approval, State};
use crate::evidence::escape;
use crate::trust::Principal;

/// A gate that stands open at this moment, and by whose approvals.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Opened {
    /// What would run, and nothing else.
    pub record: Arc<ExecRecord>,
    pub asked_by: Principal,
    /// Those that would be used up.
    pub approvals: Vec<Approval>,
}

/// Whether approvals open this step (or its roll back) now, for who is here: everything that starting it asks for but the
/// signature and, where only one may, the claim. Nothing is used up. An override is no approval and opens nothing here.
///
/// # Errors
/// With the reason why it is closed.
pub fn opened_now(
    state: &State,
    key: &StepKey,
    purpose: Purpose,
    at: &At,
) -> Result<Opened, Refusal> {
    let found = record::find(state, key)?;
    if state.closed.is_some() {
        return Err(Refusal::new(RefusalKind::Closed, "the incident is closed"));
    }
    judge::gate_of(found, at.utc())?;
    if prepare::overridden(state, found, purpose, at).is_some() {
        let what = format!(
            "an override stands for step {}, which is no approval",
            key.step
        );
        return Err(Refusal::new(RefusalKind::GateClosed, what)
            .hint("`runsheet step … run` goes through by it"));
    }
    startable(found, purpose, true)?;
    clock(state, at)?;
    let (request, standing) = opened(state, found, purpose, at)?;
    judge::same_as_asked(found, &request.record, &request.checkpoint, at.utc())?;
    Ok(Opened {
        record: Arc::clone(&request.record),
        asked_by: request.by.clone(),
        approvals: counted(request, &standing).cloned().collect(),
    })
}

/// The files it runs are those it was asked for with. Whoever asked for somebody else to run it may not have seen theirs.
///
/// # Errors
/// With the first file that is another, is gone, or was not there.
pub(super) fn same_files(
    record: &ExecRecord,
    asked_by: &Principal,
    at: &At,
) -> Result<(), Refusal> {
    let asked = &record.exec.files;
    let changed = asked
        .iter()
        .find(|(path, digest)| at.files.get(*path) != Some(digest))
        .map(|(path, _)| (path, "is not what it was when it was asked about"));
    let own = record.executor.principal == asked_by.as_str();
    let fresh = at
        .files
        .keys()
        .find(|path| own && !asked.contains_key(*path))
        .map(|path| (path, "was not there when it was asked about"));
    match changed.or(fresh) {
        None => Ok(()),
        Some((path, what)) => Err(Refusal::new(
            RefusalKind::Changed,
            format!("the file {} {what}", escape::line(path)),
        )
        .hint("put it back, or ask again: an approval is for the files that were shown")),
    }
}

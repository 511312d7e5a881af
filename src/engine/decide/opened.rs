//! Asking whether a gate stands open, without passing it.

use std::sync::Arc;

use super::run::{clock, counted, opened, startable};
use crate::engine::at::At;
use crate::engine::checkpoint::{judge, prepare, record};
use crate::engine::command::{Refusal, RefusalKind, StepKey};
use crate::engine::exec::{ExecRecord, Purpose};
use crate::engine::state::{Approval, State};
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

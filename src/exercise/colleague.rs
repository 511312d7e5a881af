//! Colleagues that the exercise plays itself, for who practises alone: what they say to a request for approval, and when.

use chrono::{DateTime, Utc};

use super::due::after;
use super::progress::Progress;
use crate::engine::command::StepKey;
use crate::engine::state::Request;
use crate::engine::{Fact, State};
use crate::evidence::Digest;
use crate::runbook::scenario::{Colleague, Says, Scenario};
use crate::trust::Principal;

/// What one colleague says to one request.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Spoken {
    pub at: DateTime<Utc>,
    pub colleague: String,
    pub step: StepKey,
    /// The record they were shown.
    pub request: Digest,
    pub says: Says,
}

/// What is said to the requests that are open, in the order of the simulated clock.
#[must_use]
pub fn spoken(
    scenario: &Scenario,
    state: &State,
    progress: &Progress,
    who: impl Fn(&str) -> Option<Principal>,
) -> Vec<Spoken> {
    let mut all = Vec::new();
    for run in &state.runs {
        for at in &run.steps {
            let Some(request) = at.request.as_deref().filter(|request| request.is_open()) else {
                continue;
            };
            let key = StepKey {
                run: run.id.clone(),
                step: at.id.clone(),
            };
            for colleague in &scenario.colleagues {
                let Some(principal) = who(&colleague.id) else {
                    continue;
                };
                all.extend(reply(colleague, &principal, &key, request, progress));
            }
        }
    }
    all.sort_by_key(|spoken| spoken.at);
    all
}

fn reply(
    colleague: &Colleague,
    principal: &Principal,
    key: &StepKey,
    request: &Request,
    progress: &Progress,
) -> Option<Spoken> {
    let answered = request.approvals.iter().any(|one| one.by == *principal);
    if answered || request.by == *principal {
        return None;
    }
    let time = asked(progress, key);
    let reply = colleague.replies.iter().find(|reply| {
        reply.step.as_ref().is_none_or(|step| *step == key.step)
            && reply.time.is_none_or(|wanted| wanted == time)
    })?;
    (reply.says != Says::Nothing).then(|| Spoken {
        at: after(request.at.to_utc(), reply.after),
        colleague: colleague.id.clone(),
        step: key.clone(),
        request: request.record.digest(),
        says: reply.says.clone(),
    })
}

/// How many times this step was asked about.
fn asked(progress: &Progress, key: &StepKey) -> u32 {
    let times = progress
        .events()
        .iter()
        .filter(|event| {
            matches!(&event.fact, Fact::CheckpointRequested(fact)
                if fact.record.step.run == key.run && fact.record.step.step == key.step)
        })
        .count();
    u32::try_from(times).unwrap_or(u32::MAX)
}

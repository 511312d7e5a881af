//! What changes the ground under a record: trust that shrinks, a policy that is adopted, evidence that is taken out, a
//! question that is passed on. Each is judged again here, whoever recorded it.

use std::sync::Arc;

use super::crossing;
use super::gate::{crossed_or_wrong, late_or_wrong, request_mut, spend};
use crate::engine::checkpoint::change;
use crate::engine::event::Event;
use crate::engine::fact::{
    CheckpointDelegated, EvidenceExpunged, PolicyProposed, PolicySeconded, Revoked, TrustRevoked,
};
use crate::engine::state::{Approval, Expunged, Incident, Proposal, Request, State, StepState};

pub(super) fn delegated(state: &mut State, event: &Event, fact: &CheckpointDelegated) {
    if let Err(refusal) = change::delegation(state, &fact.step, &event.person, &fact.to) {
        return late_or_wrong(state, event, &refusal);
    }
    if let Some(request) = request_mut(state, &fact.step) {
        request
            .delegated
            .push((event.person.clone(), fact.to.clone()));
    }
}

/// Keys, roles and approvals that no longer count are gone from here on. Nothing is ever given by this.
pub(super) fn revoked(state: &mut State, event: &Event, fact: &TrustRevoked) {
    let Some(incident) = state.incident.clone() else {
        return;
    };
    crossing::all_open(state, event, |request| rests(fact, request));
    crossing::trust_moves(state, event);
    let mut shrunk = Incident::clone(&incident);
    for gone in &fact.revoked {
        match &gone.role {
            Some(role) => shrunk.people.revoke(&gone.who, role),
            None => shrunk.signers.revoke(&gone.who, gone.key.as_deref()),
        }
    }
    state.incident = Some(Arc::new(shrunk));
    Arc::make_mut(&mut state.revoked).extend(fact.revoked.iter().cloned());
    for run in &mut state.runs {
        let pending = |at: &StepState| at.request.as_ref().is_some_and(|open| rests(fact, open));
        if !run.steps.iter().any(pending) {
            continue;
        }
        let requests = Arc::make_mut(run).steps.iter_mut();
        for request in requests.filter_map(|at| at.request.as_mut()) {
            if rests(fact, request) {
                for approval in &mut Arc::make_mut(request).approvals {
                    approval.revoked |= any(fact, approval);
                }
            }
        }
    }
}

/// Whether approvals that nobody has used yet rest on it.
fn rests(fact: &TrustRevoked, request: &Request) -> bool {
    request.consumed.is_none() && request.approvals.iter().any(|one| any(fact, one))
}

fn any(fact: &TrustRevoked, approval: &Approval) -> bool {
    let role = approval.statement.role.as_ref();
    let mut revoked = fact.revoked.iter();
    revoked.any(|gone: &Revoked| gone.takes(&approval.by, &approval.fingerprint, role))
}

pub(super) fn proposed(state: &mut State, event: &Event, fact: &PolicyProposed) {
    let read = change::readable(&fact.policy, &fact.policy_yaml, &fact.allowed_signers);
    let word = read.and_then(|_| {
        change::policy_word(
            state,
            &fact.policy,
            &fact.signed,
            &event.person,
            event.told_at(),
        )
    });
    let (who, statement) = match word {
        Ok(word) => word,
        Err(refusal) => return crossed_or_wrong(state, event, &refusal),
    };
    spend(state, &statement.nonce);
    state.proposal = Some(Arc::new(Proposal {
        event: event.id,
        policy: fact.policy.clone(),
        policy_yaml: fact.policy_yaml.clone(),
        allowed_signers: fact.allowed_signers.clone(),
        by: [(who, event.person.clone())].into(),
    }));
    adopt(state, event);
}

pub(super) fn seconded(state: &mut State, event: &Event, fact: &PolicySeconded) {
    let adopts = match change::proposal(state, fact.proposed, &event.person) {
        Ok(proposal) => proposal.policy.clone(),
        Err(refusal) => return late_or_wrong(state, event, &refusal),
    };
    let word = change::policy_word(state, &adopts, &fact.signed, &event.person, event.told_at());
    let (who, statement) = match word {
        Ok(word) => word,
        Err(refusal) => return crossed_or_wrong(state, event, &refusal),
    };
    spend(state, &statement.nonce);
    if let Some(proposal) = &mut state.proposal {
        Arc::make_mut(proposal).by.insert(who, event.person.clone());
    }
    adopt(state, event);
}

/// With enough people behind it the proposed policy holds, and what was pending under the one before is void.
fn adopt(state: &mut State, event: &Event) {
    let (Some(incident), Some(proposal)) = (state.incident.clone(), state.proposal.clone()) else {
        return;
    };
    if !change::enough(&incident, &proposal) {
        return;
    }
    crossing::all_open(state, event, |_| true);
    crossing::trust_moves(state, event);
    let read = change::read(
        &proposal.policy,
        &proposal.policy_yaml,
        &proposal.allowed_signers,
    );
    let mut next = Incident::clone(&incident);
    next.policy_pin = proposal.policy.clone();
    next.policy_yaml.clone_from(&proposal.policy_yaml);
    next.allowed_signers.clone_from(&proposal.allowed_signers);
    next.policy = read.policy;
    next.signers = read.signers;
    next.people = read.people;
    next.broken = read.broken;
    state.incident = Some(Arc::new(next));
    state.proposal = None;
    // The quorum saw the commit whole: what it grants, it grants.
    state.revoked = Arc::default();
    for run in &mut state.runs {
        let pending = |at: &StepState| {
            at.request
                .as_ref()
                .is_some_and(|request| request.consumed.is_none())
        };
        if run.steps.iter().any(pending) {
            for at in &mut Arc::make_mut(run).steps {
                if pending(at) {
                    at.request = None;
                }
            }
        }
    }
}

pub(super) fn expunged(state: &mut State, event: &Event, fact: &EvidenceExpunged) {
    let word = change::expunge_word(
        state,
        fact.evidence,
        &fact.signed,
        &event.person,
        event.told_at(),
    );
    let (who, statement) = match word {
        Ok(word) => word,
        Err(refusal) => return crossed_or_wrong(state, event, &refusal),
    };
    spend(state, &statement.nonce);
    let reason = statement.reason.unwrap_or_default();
    let entry = state.expunged.entry(fact.evidence).or_insert_with(|| {
        Arc::new(Expunged {
            by: std::collections::BTreeMap::new(),
            done: false,
        })
    });
    let expunged = Arc::make_mut(entry);
    expunged
        .by
        .insert(who, (event.person.clone(), event.id, reason));
    let people = expunged.by.keys().map(String::as_str);
    expunged.done = state
        .incident
        .as_deref()
        .is_some_and(|incident| incident.people.distinct(people) >= change::EXPUNGERS);
}

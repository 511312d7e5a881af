//! The beginning of an incident and of its runs.

use std::sync::Arc;

use super::{conflict, reached, violation};
use crate::engine::checkpoint::record::notice;
use crate::engine::checkpoint::{change, judge};
use crate::engine::command::{Refusal, RefusalKind};
use crate::engine::decide::exercise::may_assign;
use crate::engine::event::Event;
use crate::engine::fact::{
    DecisionNamed, IncidentStarted, Milestone, PinnedRunbook, RoleAssigned, RunStarted,
    StageSubmitted, UpdateDelivered, UpdateRecorded, UpdateUndelivered,
};
use crate::engine::ids::{EventId, StepRef};
use crate::engine::state::{Delivery, Incident, Run, State, Status, StepState, Value};
use crate::evidence::Digest;
use crate::runbook::model::{Runbook, StepId};
use crate::runbook::parse;

pub(super) fn started(state: &mut State, event: &Event, fact: &IncidentStarted) {
    if state.incident.is_some() {
        conflict(
            state,
            event,
            "a second beginning of this incident".to_owned(),
        );
        return;
    }
    let read = change::read(&fact.policy, &fact.policy_yaml, &fact.allowed_signers);
    if judge::policy_digest(&fact.policy_yaml, &fact.allowed_signers) != fact.policy.sha256 {
        violation(
            state,
            event,
            &Refusal::new(
                RefusalKind::Changed,
                "the policy texts are not what their digest says",
            ),
        );
    }
    state.severity = Some(fact.severity);
    state.milestones.insert(Milestone::Started, reached(event));
    state.incident = Some(Arc::new(Incident {
        id: event.incident.clone(),
        genesis: event.id,
        title: fact.title.clone(),
        reference: fact.reference.clone(),
        alert: fact.alert.clone(),
        mode: event.mode,
        started: event.occurred_at,
        by: event.person.clone(),
        library: fact.library.clone(),
        policy_pin: fact.policy.clone(),
        policy_yaml: fact.policy_yaml.clone(),
        allowed_signers: fact.allowed_signers.clone(),
        policy: read.policy,
        signers: read.signers,
        people: read.people,
        broken: read.broken,
    }));
}

pub(super) fn assigned(state: &mut State, event: &Event, fact: &RoleAssigned) {
    if let Err(refusal) = may_assign(state, &event.person, &fact.role) {
        violation(state, event, &refusal);
        return;
    }
    let roles = state.roles.entry(fact.who.clone()).or_default();
    roles.insert(fact.role.clone());
}

pub(super) fn run_started(state: &mut State, event: &Event, fact: &RunStarted) {
    if state.run(&fact.run).is_some() {
        conflict(state, event, format!("a second run named {}", fact.run));
        return;
    }
    let Some(book) = read(&fact.runbook) else {
        let what = format!(
            "runbook {} cannot be read, or is not what its digest says",
            fact.runbook.path
        );
        violation(state, event, &Refusal::new(RefusalKind::Changed, what));
        return;
    };
    if let Some(parent) = &fact.parent
        && !super::fits::is_parent(state, event, parent, &book)
    {
        let what = format!(
            "run {} says it stands for {parent}, which did not call it",
            fact.run
        );
        violation(state, event, &Refusal::new(RefusalKind::Changed, what));
        return;
    }
    let unasked = fact.inputs.keys().chain(&fact.secrets).find(|name| {
        let mut inputs = book.inputs.iter();
        !inputs.any(|input| input.name == **name && input.secret == fact.secrets.contains(name))
    });
    if let Some(name) = unasked {
        let what = format!(
            "run {} gives a value to `{name}`, which its runbook does not ask for",
            fact.run
        );
        violation(state, event, &Refusal::new(RefusalKind::BadValue, what));
        return;
    }
    let at = book.steps.first().map(|step| step.id.clone());
    let steps = book.steps.iter().map(|step| todo(&step.id)).collect();
    state.runs.push(Arc::new(Run {
        id: fact.run.clone(),
        pin: Arc::new(fact.runbook.clone()),
        book: Arc::new(book),
        uses: Arc::new(fact.uses.clone()),
        parent: fact.parent.clone(),
        started: event.occurred_at,
        values: values(event, fact),
        steps,
        at,
        ended: None,
    }));
}

fn values(event: &Event, fact: &RunStarted) -> std::collections::BTreeMap<String, Value> {
    let mut values: std::collections::BTreeMap<_, _> = fact
        .inputs
        .iter()
        .map(|(name, text)| {
            (
                name.clone(),
                Value {
                    text: Some(text.clone()),
                    by: event.person.clone(),
                    step: None,
                },
            )
        })
        .collect();
    for name in &fact.secrets {
        values.insert(
            name.clone(),
            Value {
                text: None,
                by: event.person.clone(),
                step: None,
            },
        );
    }
    values
}

fn read(pin: &PinnedRunbook) -> Option<Runbook> {
    if Digest::of(pin.text.as_bytes()) != pin.sha256 {
        return None;
    }
    parse::runbook(&pin.path, pin.text.as_bytes()).0
}

fn todo(id: &StepId) -> StepState {
    StepState {
        id: id.clone(),
        status: Status::Todo,
        attempt: 1,
        tries: 0,
        started: None,
        ended: None,
        by: None,
        claimed: None,
        claimed_attempt: 0,
        writer: None,
        record: None,
        choice: None,
        reason: None,
        exit: None,
        evidence: Vec::new(),
        twins: std::collections::BTreeMap::new(),
        request: None,
        performers: std::collections::BTreeSet::new(),
        started_event: None,
    }
}

/// The step that another run stands for.
pub(super) fn parent_of(run: &Run) -> Option<&StepRef> {
    run.parent.as_ref()
}

pub(super) fn decided(state: &mut State, event: &Event, fact: &DecisionNamed) {
    state
        .decisions
        .insert(fact.decision.clone(), reached(event));
}

pub(super) fn submitted(state: &mut State, event: &Event, fact: &StageSubmitted) {
    let stage = (fact.clock.clone(), fact.stage.clone());
    let times = state.submitted.entry(stage).or_default();
    times.push(reached(event));
}

/// What an audience wants an approval for has to be, word for word, what a step told that passed its checkpoint.
pub(super) fn updated(state: &mut State, event: &Event, fact: &UpdateRecorded) {
    let audiences = state.incident.as_deref().map(|one| &one.policy.audiences);
    let wants = audiences.into_iter().flatten();
    let wants = wants.filter(|one| one.approval && one.name == fact.audience);
    if wants.count() == 0 {
        return;
    }
    let told = notice(&fact.audience, &fact.message);
    let passed = |step: &StepRef| {
        let at = state.run(&step.run)?.state(&step.step)?;
        let record = at.record.as_deref()?;
        Some(at.attempt >= step.attempt && record.gate != "-" && record.exec.script == told)
    };
    if fact.step.as_ref().and_then(passed) != Some(true) {
        let what = format!(
            "{} was told something without the approval that the policy asks for",
            fact.audience
        );
        violation(state, event, &Refusal::new(RefusalKind::GateClosed, what));
    }
}

pub(super) fn delivered(state: &mut State, fact: &UpdateDelivered) {
    let told = delivery(state, fact.update, &fact.channel);
    told.tries = told.tries.max(fact.tries);
    // Once it was delivered it stays so.
    told.delivered = true;
}

pub(super) fn undelivered(state: &mut State, fact: &UpdateUndelivered) {
    let told = delivery(state, fact.update, &fact.channel);
    told.tries = told.tries.max(fact.tries);
}

fn delivery<'s>(state: &'s mut State, update: EventId, channel: &str) -> &'s mut Delivery {
    let deliveries = Arc::make_mut(&mut state.deliveries);
    deliveries.entry((update, channel.to_owned())).or_default()
}

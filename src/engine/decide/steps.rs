//! What people do and say by hand: done, chosen, answered, skipped, claimed, resolved.

use std::collections::BTreeMap;

use super::incident::{accept, text};
use super::{draft, suggested};
use crate::engine::at::At;
use crate::engine::checkpoint::{
    self,
    record::{self, Found},
};
use crate::engine::command::{Command, Decision, Refusal, RefusalKind, StepKey};
use crate::engine::fact::{
    Fact, Outcome, StepAnswered, StepChosen, StepClaimed, StepDone, StepResolved, StepSkipped,
};
use crate::engine::ids::StepRef;
use crate::engine::state::{State, Status};
use crate::runbook::model::Kind;

pub(super) fn by_hand(state: &State, command: Command, at: &At) -> Result<Decision, Refusal> {
    let fact = match command {
        Command::Claim { step } => claim(state, &step, at)?,
        Command::Done {
            step,
            checklist,
            note,
        } => done(state, &step, checklist, note, at)?,
        Command::Choose { step, label } => choose(state, &step, label, at)?,
        Command::Answer {
            step,
            answers,
            secrets,
        } => answer(state, &step, &answers, &secrets, at)?,
        Command::Skip { step, reason } => skip(state, &step, &reason)?,
        Command::Resolve {
            step,
            outcome,
            reason,
        } => resolve(state, &step, outcome, reason)?,
        _ => return Err(Refusal::new(RefusalKind::WrongKind, "not done by hand")),
    };
    Ok(Decision {
        events: vec![draft(at, state, fact)],
        effects: Vec::new(),
    })
}

fn at_attempt(found: Found<'_>) -> StepRef {
    StepRef {
        run: found.run.id.clone(),
        step: found.step.id.clone(),
        attempt: found.state.attempt,
    }
}

fn out_of_order(found: Found<'_>) -> bool {
    found.run.at.as_ref() != Some(&found.step.id)
}

/// A step that a person may now say something about.
fn doable<'a>(state: &'a State, key: &StepKey) -> Result<Found<'a>, Refusal> {
    let found = record::find(state, key)?;
    let (step, status) = (&found.step.id, found.state.status);
    if matches!(status, Status::Done | Status::Skipped) {
        return Err(Refusal::new(
            RefusalKind::WrongState,
            format!("step {step} is over"),
        ));
    }
    if status == Status::Unknown {
        return Err(Refusal::new(
            RefusalKind::WrongState,
            format!("nobody saw how step {step} ended"),
        )
        .hint("look, then `resolve succeeded` or `resolve failed`"));
    }
    if found.run.at.is_none() {
        return Err(Refusal::new(
            RefusalKind::WrongState,
            format!("run {} is over", found.run.id),
        ));
    }
    Ok(found)
}

/// A step with a checkpoint is started first: that is where the gate stands.
fn through_gate(found: Found<'_>, at: &At) -> Result<(), Refusal> {
    if found.state.status == Status::Running {
        return Ok(());
    }
    let Some(gate) = checkpoint::gate(found.incident, found.run, found.step, at.utc()) else {
        return Ok(());
    };
    Err(Refusal::new(
        RefusalKind::GateClosed,
        format!(
            "step {} has a checkpoint ({})",
            found.step.id,
            checkpoint::describe(&gate)
        ),
    )
    .hint("`runsheet request` asks for the approvals, `step … run` then lets it begin"))
}

fn claim(state: &State, key: &StepKey, at: &At) -> Result<Fact, Refusal> {
    let found = doable(state, key)?;
    match &found.state.claimed {
        Some(other)
            if other != &at.who.principal
                && found.state.claimed_attempt == record::next_attempt(found.state) =>
        {
            Err(Refusal::new(
                RefusalKind::WrongState,
                format!("step {} is claimed by {other}", found.step.id),
            ))
        }
        _ => Ok(StepClaimed {
            step: StepRef {
                attempt: record::next_attempt(found.state),
                ..at_attempt(found)
            },
        }
        .into()),
    }
}

fn done(
    state: &State,
    key: &StepKey,
    checklist: Vec<String>,
    note: Option<String>,
    at: &At,
) -> Result<Fact, Refusal> {
    let found = doable(state, key)?;
    through_gate(found, at)?;
    let manual = matches!(found.step.kind, Kind::Manual);
    if !manual && found.state.status == Status::Running && found.step.by_hand_only().is_none() {
        return Err(Refusal::new(
            RefusalKind::WrongState,
            format!(
                "step {} runs: its end is recorded when it is there",
                found.step.id
            ),
        ));
    }
    match &found.step.kind {
        Kind::Decide(_) => {
            return Err(Refusal::new(
                RefusalKind::WrongKind,
                format!("step {} asks for a choice", found.step.id),
            )
            .hint("`choose LABEL`"));
        }
        Kind::Ask(_) => {
            return Err(Refusal::new(
                RefusalKind::WrongKind,
                format!("step {} asks questions", found.step.id),
            )
            .hint("`answer NAME=VALUE …`"));
        }
        _ => {}
    }
    if manual
        && let Some(open) = found
            .step
            .checklist
            .iter()
            .find(|item| !checklist.contains(item))
    {
        return Err(
            Refusal::new(RefusalKind::BadValue, format!("not ticked yet: {open}"))
                .hint("tick every item, or skip the step with a reason"),
        );
    }
    if let Some(unknown) = checklist
        .iter()
        .find(|item| !found.step.checklist.contains(item))
    {
        return Err(Refusal::new(
            RefusalKind::BadValue,
            format!("`{unknown}` is no item of the checklist"),
        ));
    }
    let note = note.map(|note| text("note", &note)).transpose()?;
    Ok(StepDone {
        step: at_attempt(found),
        checklist,
        by_hand: (!manual).then(|| found.step.kind.word().to_owned()),
        note,
        out_of_order: out_of_order(found),
    }
    .into())
}

fn choose(state: &State, key: &StepKey, label: String, at: &At) -> Result<Fact, Refusal> {
    let found = doable(state, key)?;
    let Kind::Decide(decide) = &found.step.kind else {
        return Err(Refusal::new(
            RefusalKind::WrongKind,
            format!("step {} asks for no choice", found.step.id),
        ));
    };
    through_gate(found, at)?;
    let labels: Vec<_> = decide
        .options
        .iter()
        .map(|option| option.label.as_str())
        .collect();
    let Some(label) = labels
        .iter()
        .find(|known| known.eq_ignore_ascii_case(&label))
    else {
        return Err(Refusal::new(
            RefusalKind::BadValue,
            format!("`{label}` is no answer to: {}", decide.question),
        )
        .hint(format!("one of: {}", labels.join(", "))));
    };
    Ok(StepChosen {
        step: at_attempt(found),
        label: (*label).to_owned(),
        suggested: suggested(found.run, found.step),
        out_of_order: out_of_order(found),
    }
    .into())
}

fn answer(
    state: &State,
    key: &StepKey,
    answers: &BTreeMap<String, String>,
    secrets: &[String],
    at: &At,
) -> Result<Fact, Refusal> {
    let found = doable(state, key)?;
    let Kind::Ask(questions) = &found.step.kind else {
        return Err(Refusal::new(
            RefusalKind::WrongKind,
            format!("step {} asks nothing", found.step.id),
        ));
    };
    through_gate(found, at)?;
    let (answers, secrets) = accept(questions, answers, secrets)?;
    Ok(StepAnswered {
        step: at_attempt(found),
        answers,
        secrets,
        out_of_order: out_of_order(found),
    }
    .into())
}

fn skip(state: &State, key: &StepKey, reason: &str) -> Result<Fact, Refusal> {
    let found = doable(state, key)?;
    if found.state.status == Status::Running
        && found.step.by_hand_only().is_none()
        && !matches!(found.step.kind, Kind::Manual)
    {
        return Err(Refusal::new(
            RefusalKind::WrongState,
            format!("step {} runs", found.step.id),
        )
        .hint("wait for its end, or cancel it"));
    }
    Ok(StepSkipped {
        step: at_attempt(found),
        reason: text("reason", reason)?,
        automatic: false,
    }
    .into())
}

fn resolve(
    state: &State,
    key: &StepKey,
    outcome: Outcome,
    reason: Option<String>,
) -> Result<Fact, Refusal> {
    let found = record::find(state, key)?;
    if !matches!(found.state.status, Status::Unknown | Status::Failed) {
        return Err(Refusal::new(
            RefusalKind::WrongState,
            format!("the outcome of step {} is not open", found.step.id),
        ));
    }
    if outcome == Outcome::Unknown {
        return Err(Refusal::new(
            RefusalKind::BadValue,
            "say `succeeded` or `failed`",
        ));
    }
    let reason = reason.map(|reason| text("reason", &reason)).transpose()?;
    if found.state.status == Status::Failed && outcome == Outcome::Succeeded && reason.is_none() {
        return Err(Refusal::new(
            RefusalKind::BadValue,
            format!("step {} failed: say why it counts as done", found.step.id),
        )
        .hint("--reason"));
    }
    Ok(StepResolved {
        step: at_attempt(found),
        outcome,
        reason,
    }
    .into())
}

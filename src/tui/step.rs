//! What is to be done with a step now: the one answer behind the line in the pane, the footer, and the Enter key.

use std::collections::BTreeSet;

use crate::engine::RunId;
use crate::engine::command::StepKey;
use crate::engine::exec::Purpose;
use crate::engine::fact::{Evidence, Outcome};
use crate::engine::state::{Overridden, Run, Status, StepState};
use crate::exercise::due;
use crate::runbook::model::{Kind, Risk, Step};

use super::model::Model;
use super::world::{Gate, Open, StepFacts, World};

/// A step with everything known of it.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Target<'w> {
    pub open: &'w Open,
    pub run: &'w Run,
    pub step: &'w Step,
    pub state: &'w StepState,
    pub facts: Option<&'w StepFacts>,
    /// The run stands at it.
    pub current: bool,
}

/// What Enter does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Primary {
    /// Say that it was done.
    Done,
    /// The same for a step runsheet cannot do itself.
    ByHand(String),
    /// Start it, at once.
    Start,
    /// Start it after showing what exactly.
    Confirm,
    /// Ask for the approvals.
    Request,
    /// Others are asked: what can be done meanwhile.
    Waiting,
    /// Read what is asked of me.
    Look,
    Choose,
    Answer,
    /// Give the secret values first.
    Secrets,
    Watch,
    /// Go on in the run of the runbook it uses.
    Walk(RunId),
    /// It failed: retry, go on, or leave out.
    Failed,
    /// Say what became of it.
    Resolve,
    /// Go its way back.
    RollBack,
    /// The run is over.
    WhatNext,
    /// Read only.
    Show,
    /// Nothing can be done, for this reason.
    Blocked(String),
}

/// The run that is worked on: the one chosen, else the last open one, else the last.
#[must_use]
pub fn run<'w>(model: &Model, open: &'w Open) -> Option<&'w Run> {
    let state = &open.state;
    model
        .walk
        .run
        .as_ref()
        .and_then(|id| state.run(id))
        .or_else(|| state.open_runs().last())
        .or_else(|| state.runs.last().map(AsRef::as_ref))
}

/// The step the right pane shows.
#[must_use]
pub fn shown<'w>(model: &Model, world: &'w World) -> Option<Target<'w>> {
    let open = world.open.as_ref()?;
    let run = run(model, open)?;
    let id = model
        .walk
        .shown
        .as_ref()
        .filter(|id| run.state(id).is_some())
        .or(run.at.as_ref())?;
    target(open, run, id)
}

/// A step of a run.
#[must_use]
pub fn target<'w>(
    open: &'w Open,
    run: &'w Run,
    id: &crate::runbook::model::StepId,
) -> Option<Target<'w>> {
    Some(Target {
        open,
        run,
        step: run.book.step(id)?,
        state: run.state(id)?,
        facts: open.facts(&run.id, id),
        current: run.at.as_ref() == Some(id),
    })
}

impl Target<'_> {
    /// Its name.
    #[must_use]
    pub fn key(&self) -> StepKey {
        StepKey {
            run: self.run.id.clone(),
            step: self.step.id.clone(),
        }
    }

    /// The run that this step walks.
    fn below(&self) -> Option<&Run> {
        self.open.state.open_runs().find(|run| {
            run.parent
                .as_ref()
                .is_some_and(|parent| parent.run == self.run.id && parent.step == self.step.id)
        })
    }

    /// The checkpoint in front of it.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        static FREE: Gate = Gate::Free;
        self.facts.map_or(&FREE, |facts| &facts.gate)
    }

    /// Its gate in front of the way back.
    #[must_use]
    pub fn roll_back(&self) -> &Gate {
        static FREE: Gate = Gate::Free;
        self.facts.map_or(&FREE, |facts| &facts.roll_back)
    }

    /// Whether what became of it is said by the script of an exercise.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.open.state.exercise.is_some()
            && self
                .state
                .record
                .as_ref()
                .is_some_and(|record| due::is_simulated(&self.open.state, record))
    }

    /// Whether it ran and has a way back that was not gone yet.
    #[must_use]
    pub fn is_undoable(&self) -> bool {
        let ran = matches!(
            self.state.status,
            Status::Done | Status::Failed | Status::Unknown
        );
        let undone = self
            .state
            .twins
            .get(&Purpose::RollBack)
            .is_some_and(|twin| twin.running || twin.outcome == Some(Outcome::Succeeded));
        ran && self.step.exec.rollback.is_some() && !undone
    }

    /// What Enter does, and how the footer says it.
    #[must_use]
    pub fn primary(&self, world: &World) -> (Primary, String) {
        if self.open.read_only.is_some() {
            return (Primary::Show, "read (nothing can be recorded)".to_owned());
        }
        if self.open.state.closed.is_some() {
            return (Primary::Show, "read (the record is closed)".to_owned());
        }
        if self.state.status == Status::Done
            && self.is_undoable()
            && let Some(primary) = self.undoing()
        {
            return primary;
        }
        match self.state.status {
            Status::Running => match (&self.step.kind, self.below()) {
                (Kind::Uses(uses), Some(run)) => (
                    Primary::Walk(run.id.clone()),
                    format!("walk {}", uses.runbook),
                ),
                _ if self.is_simulated() => (Primary::Watch, "wait for the exercise".to_owned()),
                _ => (Primary::Watch, "watch the output".to_owned()),
            },
            Status::Unknown => (Primary::Resolve, "say what became of it".to_owned()),
            Status::Failed if self.current => (
                Primary::Failed,
                "failed: retry, skip or settle it".to_owned(),
            ),
            Status::Todo => self.todo(world),
            Status::Done | Status::Skipped | Status::Failed => (Primary::Show, "read".to_owned()),
        }
    }

    /// What a question about the way back of a step that is done makes of Enter.
    fn undoing(&self) -> Option<(Primary, String)> {
        Some(match self.roll_back() {
            Gate::Pending(pending) if pending.mine => (
                Primary::Look,
                "read what you are asked to approve".to_owned(),
            ),
            Gate::Pending(pending) => (
                Primary::RollBack,
                format!("roll back: waiting for {}", some(&pending.who)),
            ),
            Gate::Open { by, .. } => (
                Primary::RollBack,
                format!("roll back (approved by {})", by.join(", ")),
            ),
            Gate::Overridden { .. } => (Primary::RollBack, "roll back (override)".to_owned()),
            _ => return None,
        })
    }

    fn todo(&self, world: &World) -> (Primary, String) {
        let order = if self.current { "" } else { " out of order" };
        if let Some(gate) = self.at_gate(world) {
            return gate;
        }
        if let Some(why) = self.step.by_hand_only() {
            return (
                Primary::ByHand(why.to_owned()),
                format!("do it by hand{order}"),
            );
        }
        if let Some(names) = self.facts.map(|facts| &facts.missing_secrets)
            && !names.is_empty()
        {
            return (Primary::Secrets, format!("give {}", names.join(", ")));
        }
        let passed = match self.gate() {
            Gate::Open { by, .. } => format!(" (approved by {})", by.join(", ")),
            Gate::Overridden { .. } => " (override)".to_owned(),
            _ => String::new(),
        };
        let starts = |word: &str| {
            let primary = if self.step.risk == Risk::Routine {
                Primary::Start
            } else {
                Primary::Confirm
            };
            (primary, format!("{word}{order}{passed}"))
        };
        match &self.step.kind {
            Kind::Manual if self.step.checklist.is_empty() => {
                (Primary::Done, format!("done{order}{passed}"))
            }
            Kind::Manual => (
                Primary::Done,
                format!("tick the checklist, then done{order}{passed}"),
            ),
            Kind::Run(_) => starts("run"),
            Kind::Decide(_) => (Primary::Choose, format!("choose{order}")),
            Kind::Ask(_) => (Primary::Answer, format!("answer{order}")),
            Kind::Wait(_) => starts("wait"),
            Kind::Notify(_) => starts("record the update"),
            Kind::Collect(_) => starts("collect"),
            Kind::Uses(uses) => starts(&format!("walk {}", uses.runbook)),
            Kind::Parallel(_) => (Primary::Done, format!("done{order}")),
        }
    }

    /// What a gate that is not open makes of Enter.
    fn at_gate(&self, world: &World) -> Option<(Primary, String)> {
        let ask = |label: String| {
            if world.me.signed {
                (Primary::Request, label)
            } else {
                (
                    Primary::Blocked(
                        "this step has a checkpoint, and you have no key that the library knows"
                            .to_owned(),
                    ),
                    "nothing: asking takes a known key".to_owned(),
                )
            }
        };
        Some(match self.gate() {
            Gate::Free | Gate::Open { .. } | Gate::Overridden { .. } => return None,
            Gate::Closed { .. } => ask("ask for approval".to_owned()),
            Gate::Pending(pending) if pending.mine => (
                Primary::Look,
                "read what you are asked to approve".to_owned(),
            ),
            Gate::Pending(pending) => (
                Primary::Waiting,
                format!("waiting for {}", some(&pending.who)),
            ),
            Gate::Denied { by, .. } => ask(format!("ask again (denied by {by})")),
            Gate::Void { .. } => ask("ask again".to_owned()),
            Gate::Blocked(why) => (
                Primary::Blocked(why.clone()),
                "nothing: nobody can pass".to_owned(),
            ),
        })
    }
}

/// The steps of a run that ran and have a way back, the last one first: that is the order to undo them in.
#[must_use]
pub fn undoable<'w>(open: &'w Open, run: &'w Run) -> Vec<Target<'w>> {
    let mut targets: Vec<_> = run
        .book
        .steps
        .iter()
        .filter_map(|step| target(open, run, &step.id))
        .filter(Target::is_undoable)
        .collect();
    targets.sort_by_key(|target| target.state.started.or(target.state.ended));
    targets.reverse();
    targets
}

/// The artifacts of a record that are not taken out, each once.
#[must_use]
pub fn artifacts(open: &Open) -> Vec<&Evidence> {
    let mut known = BTreeSet::new();
    open.events
        .iter()
        .flat_map(|event| event.fact.evidence())
        .filter(|evidence| !open.state.is_expunged(&evidence.sha256))
        .filter(|evidence| known.insert(evidence.sha256))
        .collect()
}

/// The overrides that somebody else than I made and nobody has reviewed.
#[must_use]
pub fn reviews(world: &World) -> Vec<&Overridden> {
    world
        .open
        .iter()
        .flat_map(|open| open.state.owed_reviews())
        .filter(|over| over.by != world.me.principal)
        .collect()
}

/// The first few of some names.
#[must_use]
pub fn some(names: &[String]) -> String {
    match names {
        [] => "somebody who may approve".to_owned(),
        [a] => a.clone(),
        [a, b] => format!("{a}, {b}"),
        [a, rest @ ..] => format!("{a} and {} more", rest.len()),
    }
}

//! What was done about it, as what is expected: milestones, checkpoints, steps, updates, named decisions, each in the
//! time it really took, by the phases of the runbook.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::page::{Expectation, Move, Objective, Proof, Said, length, proof, proof_of, slug};
use super::{Ground, capital};
use crate::engine::exec::Purpose;
use crate::engine::fact::{Milestone, Outcome};
use crate::engine::{Event, Fact, sentence};
use crate::runbook::model::{Risk, Role, StepId};
use crate::runbook::policy::READERS;

/// More than anybody judges.
const MOST: usize = 400;

/// Objectives, stretches and expectations.
#[derive(Default)]
pub(super) struct Done {
    pub objectives: Vec<Objective>,
    pub moves: Vec<Move>,
    pub expectations: Vec<Expectation>,
}

/// Something that was done, and what shows it.
struct Act {
    step: Option<StepId>,
    action: String,
    proof: Proof,
    critical: bool,
}

/// What was done in the incident.
pub(super) fn done(ground: &Ground<'_>) -> Done {
    let mut done = Done::default();
    let mut seen: BTreeSet<Proof> = BTreeSet::new();
    let first = ground.books.first().and_then(|book| book.steps.first());
    let mut phase = first
        .and_then(|step| step.phase.clone())
        .unwrap_or_else(|| "response".to_owned());
    for event in ground.events {
        let touched = touched(&event.fact).and_then(|step| ground.step(step));
        if let Some((_, step)) = touched {
            phase = step.phase.clone().unwrap_or(phase);
            done.begin(ground, &phase, event.told_at());
        }
        if let Some(act) = acts(ground, event)
            && seen.len() < MOST
            && seen.insert(act.proof.clone())
        {
            done.begin(ground, &phase, event.told_at());
            done.expect(ground, &phase, act, event.told_at());
        }
    }
    if done.expectations.is_empty() {
        ground
            .look("nothing was done that the record shows: write your own expectations".to_owned());
        done.begin(ground, &phase, ground.start);
        done.expect(ground, &phase, note(), ground.start);
    }
    done.weigh();
    done
}

/// What is expected where a record shows nothing that was done.
fn note() -> Act {
    Act {
        step: None,
        action: "Somebody writes down what is known".to_owned(),
        proof: proof("note", "."),
        critical: true,
    }
}

impl Done {
    /// A phase begins, unless it has begun before.
    fn begin(&mut self, ground: &Ground<'_>, phase: &str, at: DateTime<Utc>) {
        let id = slug(phase);
        if self.moves.iter().any(|stretch| stretch.id == id) {
            return;
        }
        let title = capital(&ground.veil.line(phase).replace('_', " "));
        let at = if self.moves.is_empty() {
            0
        } else {
            ground.within(at)
        };
        self.moves.push(Move {
            id: id.clone(),
            title: title.clone(),
            at: length(at),
        });
        self.objectives.push(Objective {
            id,
            title: format!("{title}: do it, in no more time than it really took"),
            critical_tasks: Vec::new(),
        });
    }

    fn expect(&mut self, ground: &Ground<'_>, phase: &str, act: Act, at: DateTime<Utc>) {
        let objective = slug(phase);
        let step = act.step.as_ref().and_then(|step| ground.step(step));
        let (kind, of) = named(&act.proof);
        // Whose step it is does not approve it.
        let role = step.filter(|_| kind != "approved");
        let role = role.and_then(|(_, step)| step.role.as_ref());
        let roles: BTreeSet<Role> = ground.roles();
        if act.critical
            && let Some(own) = self.objectives.iter_mut().find(|one| one.id == objective)
        {
            own.critical_tasks.push(act.action.clone());
        }
        let number = self.expectations.len() + 1;
        let id: String = format!("{number}-{kind}-{of}").chars().take(60).collect();
        self.expectations.push(Expectation {
            id: slug(&id),
            action: act.action,
            role: role
                .filter(|role| roles.contains(role))
                .map(ToString::to_string),
            by: ground.deadline(at),
            proof: vec![act.proof],
            critical: act.critical,
            objective,
        });
    }

    /// Each objective needs something that it does not do without; phases in which nothing was done are none.
    fn weigh(&mut self) {
        let expected: BTreeSet<String> = self
            .expectations
            .iter()
            .map(|expectation| expectation.objective.clone())
            .collect();
        self.objectives
            .retain(|objective| expected.contains(&objective.id));
        for objective in &mut self.objectives {
            let mut own = self.expectations.iter_mut().rev();
            let last = own.find(|one| one.objective == objective.id);
            if objective.critical_tasks.is_empty()
                && let Some(last) = last
            {
                last.critical = true;
                objective.critical_tasks.push(last.action.clone());
            }
        }
    }
}

/// The key of a proof and what it is of.
fn named(proof: &Proof) -> (&'static str, String) {
    let Some((key, said)) = proof.iter().next() else {
        return ("act", String::new());
    };
    let of = match said {
        Said::Word(word) => word.clone(),
        Said::Words(words) => words.values().cloned().collect::<Vec<_>>().join("-"),
    };
    (key, of)
}

/// The step that something was done at.
fn touched(fact: &Fact) -> Option<&StepId> {
    match fact {
        Fact::StepStarted(fact) => Some(&fact.record.step.step),
        Fact::CheckpointRequested(fact) => Some(&fact.record.step.step),
        Fact::StepDone(fact) => Some(&fact.step.step),
        Fact::StepChosen(fact) => Some(&fact.step.step),
        Fact::StepAnswered(fact) => Some(&fact.step.step),
        _ => None,
    }
}

fn acts(ground: &Ground<'_>, event: &Event) -> Option<Act> {
    let whole = |action: String, proof, critical| {
        Some(Act {
            step: None,
            action,
            proof,
            critical,
        })
    };
    match &event.fact {
        Fact::MilestoneReached(fact) => match fact.milestone {
            Milestone::Started | Milestone::Detected | Milestone::Closed => None,
            milestone => {
                let word = milestone.word();
                whole(
                    format!("The incident is {word}"),
                    proof("milestone", word),
                    true,
                )
            }
        },
        Fact::SeverityChanged(fact) => {
            let word = sentence::severity(fact.severity);
            whole(
                format!("Severity is {word}"),
                proof("severity", word),
                false,
            )
        }
        Fact::DecisionNamed(fact) => {
            let word = &fact.decision;
            whole(
                format!("Decide and record `{word}`"),
                proof("decision", word),
                true,
            )
        }
        Fact::StageSubmitted(fact) => {
            let words = [("clock", fact.clock.clone()), ("stage", fact.stage.clone())];
            let action = format!("Submit {} of {}", fact.stage, fact.clock);
            whole(action, proof_of("submitted", BTreeMap::from(words)), true)
        }
        Fact::UpdateRecorded(fact) if fact.step.is_none() => {
            let policy = &ground.incident.policy.audiences;
            let audience = &fact.audience;
            let known = READERS.contains(&audience.as_str());
            if !known && policy.iter().all(|one| one.name != *audience) {
                return None;
            }
            let mut words = BTreeMap::from([("audience", audience.clone())]);
            words.extend(fact.state.clone().map(|state| ("state", state)));
            let action = format!("Tell the {audience}");
            whole(action, proof_of("update", words), false)
        }
        fact => of_step(ground, fact),
    }
}

/// What was done at a step.
fn of_step(ground: &Ground<'_>, fact: &Fact) -> Option<Act> {
    let (at, key, then) = match fact {
        Fact::CheckpointRequested(fact) if fact.record.exec.purpose == Purpose::Run => {
            (&fact.record.step, "asked", None)
        }
        Fact::CheckpointApproved(fact) => (&fact.step, "approved", None),
        Fact::StepDone(fact) => (&fact.step, "done", None),
        Fact::StepAnswered(fact) => (&fact.step, "done", None),
        Fact::StepChosen(fact) => (&fact.step, "done", Some(&fact.label)),
        Fact::StepFinished(fact)
            if fact.purpose == Purpose::Run && fact.outcome == Outcome::Succeeded =>
        {
            (&fact.step, "done", None)
        }
        Fact::StepResolved(fact) if fact.outcome == Outcome::Succeeded => {
            (&fact.step, "done", None)
        }
        _ => return None,
    };
    let (book, step) = ground.step(&at.step)?;
    let policy = &ground.incident.policy;
    let gated = policy
        .checkpoint_for(book, step, &ground.inputs(), ground.start)
        .is_some();
    if key != "done" && !gated {
        return None;
    }
    let title = ground.veil.line(&step.title);
    let action = match (key, then) {
        ("asked", _) => format!("Ask for the approval of: {title}"),
        ("approved", _) => format!("Another person looks at it and approves: {title}"),
        (_, Some(label)) => format!("{title} (then: {})", ground.veil.line(label)),
        _ => title,
    };
    Some(Act {
        step: Some(step.id.clone()),
        action,
        proof: proof(key, step.id.as_str()),
        critical: gated || step.risk == Risk::Destructive,
    })
}

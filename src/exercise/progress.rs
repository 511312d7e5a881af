//! What the record shows of what a script asks about: which of its proofs were so, and when, on the simulated clock.
//! What was gone back over, what came after the end, and what breaks a promise of the record, counts for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use regex::RegexBuilder;

use crate::engine::exec::Purpose;
use crate::engine::exercise::ClockChange;
use crate::engine::fact::Outcome;
use crate::engine::{Event, EventId, Fact, State, StepRef};
use crate::runbook::model::StepId;
use crate::runbook::scenario::Proof;
use crate::trust::Principal;

/// The part of a record that counts in an exercise.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    counting: Vec<Arc<Event>>,
    /// What breaks a promise.
    broken: BTreeSet<EventId>,
    /// What was gone back over, and to when; the earliest where that was more than once.
    gone: BTreeMap<EventId, DateTime<Utc>>,
    ended: Option<DateTime<Utc>>,
    /// When each inject came; the first time, where somebody let it come again.
    came: BTreeMap<String, Seen>,
    /// What the clock was set for.
    set: BTreeSet<(ClockChange, String)>,
}

/// That something was so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// On the simulated clock.
    pub at: DateTime<Utc>,
    /// What shows it.
    pub event: EventId,
    /// Whose doing it was.
    pub by: Principal,
}

impl Progress {
    /// Of these events, in the order of the record; `state` is what they fold to.
    #[must_use]
    pub fn of(state: &State, events: &[Arc<Event>]) -> Self {
        let broken = state.flags.iter().filter(|flag| flag.violation);
        let mut progress = Self {
            broken: broken.map(|flag| flag.event).collect(),
            ..Self::default()
        };
        for (index, event) in events.iter().enumerate() {
            if progress.broken.contains(&event.id) {
                continue;
            }
            match &event.fact {
                Fact::ExerciseClock(fact) if fact.change == ClockChange::Back => {
                    progress.go_back(&events[..index], fact.clock.sim);
                }
                Fact::ExerciseEnded(_) if progress.ended.is_none() => {
                    progress.ended = Some(event.told_at());
                }
                // The clock stands still from the end on.
                _ if progress.ended.is_some_and(|end| event.told_at() >= end) => continue,
                _ => {}
            }
            progress.counting.push(Arc::clone(event));
        }
        progress.index();
        progress
    }

    fn index(&mut self) {
        for event in &self.counting {
            match &event.fact {
                Fact::ExerciseInjected(fact) => {
                    let inject = self.came.entry(fact.inject.clone());
                    inject.or_insert_with(|| seen(event));
                }
                Fact::ExerciseClock(fact) => {
                    let to = fact.to.clone().unwrap_or_default();
                    self.set.insert((fact.change, to));
                }
                _ => {}
            }
        }
    }

    fn go_back(&mut self, before: &[Arc<Event>], to: DateTime<Utc>) {
        let is_gone = |event: &Arc<Event>| stands_at(event) >= to && !is_beginning(&event.fact);
        for event in before.iter().filter(|event| is_gone(event)) {
            let earliest = self.gone.entry(event.id).or_insert(to);
            *earliest = to.min(*earliest);
        }
        self.counting.retain(|event| !is_gone(event));
    }

    /// Whether an event counts for nothing, because it was gone back over or breaks a promise.
    #[must_use]
    pub fn is_void(&self, event: &EventId) -> bool {
        self.broken.contains(event) || self.gone.contains_key(event)
    }

    /// To when the exercise went back over an event, if it did.
    #[must_use]
    pub fn gone_back(&self, event: &EventId) -> Option<DateTime<Utc>> {
        self.gone.get(event).copied()
    }

    /// What counts, in the order of the record.
    #[must_use]
    pub fn events(&self) -> &[Arc<Event>] {
        &self.counting
    }

    /// The first time that one of these was so.
    #[must_use]
    pub fn first(&self, proofs: &[Proof]) -> Option<Seen> {
        self.all(proofs).into_iter().min_by_key(|seen| seen.at)
    }

    /// Each time one of these was so.
    #[must_use]
    pub fn all(&self, proofs: &[Proof]) -> Vec<Seen> {
        if proofs.is_empty() {
            return Vec::new();
        }
        let tests: Vec<Test<'_>> = proofs.iter().map(Test::new).collect();
        self.counting
            .iter()
            .filter(|event| tests.iter().any(|test| test.shows(event)))
            .map(seen)
            .collect()
    }

    /// When an inject came.
    #[must_use]
    pub fn came(&self, inject: &str) -> Option<&Seen> {
        self.came.get(inject)
    }

    /// Whether the clock was set for this reason and place.
    #[must_use]
    pub fn clock_was(&self, change: ClockChange, to: &str) -> bool {
        self.set.contains(&(change, to.to_owned()))
    }
}

/// The simulated time an event belongs to: going back belongs to where it went.
fn stands_at(event: &Event) -> DateTime<Utc> {
    match &event.fact {
        Fact::ExerciseClock(fact) if fact.change == ClockChange::Back => fact.clock.sim,
        _ => event.told_at(),
    }
}

/// Going back does not undo that the exercise began, or who takes part as what.
fn is_beginning(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::IncidentStarted(_)
            | Fact::ExerciseStarted(_)
            | Fact::RunStarted(_)
            | Fact::RoleAssigned(_)
    )
}

fn seen(event: &Arc<Event>) -> Seen {
    Seen {
        at: event.told_at(),
        event: event.id,
        by: event.person.clone(),
    }
}

/// A proof, ready to be held against events.
struct Test<'a> {
    proof: &'a Proof,
    pattern: Option<regex::Regex>,
}

impl<'a> Test<'a> {
    fn new(proof: &'a Proof) -> Self {
        let pattern = match proof {
            // `check` has told of one that cannot be used; it then proves nothing.
            Proof::Note(text) | Proof::Followup(text) => RegexBuilder::new(text)
                .case_insensitive(true)
                .size_limit(1 << 20)
                .build()
                .ok(),
            _ => None,
        };
        Self { proof, pattern }
    }

    fn matches(&self, text: &str) -> bool {
        self.pattern
            .as_ref()
            .is_some_and(|pattern| pattern.is_match(text))
    }

    fn shows(&self, event: &Event) -> bool {
        let fact = &event.fact;
        match self.proof {
            Proof::Started(step) => {
                matches!(fact, Fact::StepStarted(fact)
                    if fact.record.exec.purpose == Purpose::Run && is(&fact.record.step, step))
            }
            Proof::Done(step) => is_done(fact, step),
            Proof::Failed(step) => match fact {
                Fact::StepFinished(fact) => {
                    fact.purpose == Purpose::Run
                        && fact.outcome == Outcome::Failed
                        && is(&fact.step, step)
                }
                Fact::StepResolved(fact) => fact.outcome == Outcome::Failed && is(&fact.step, step),
                _ => false,
            },
            Proof::Skipped(step) => {
                matches!(fact, Fact::StepSkipped(fact) if !fact.automatic && is(&fact.step, step))
            }
            Proof::DryRun(step) => {
                matches!(fact, Fact::StepFinished(fact)
                    if fact.purpose == Purpose::DryRun && is(&fact.step, step))
            }
            Proof::Asked(step) => {
                matches!(fact, Fact::CheckpointRequested(fact) if is(&fact.record.step, step))
            }
            Proof::Approved(step) => {
                matches!(fact, Fact::CheckpointApproved(fact) if is(&fact.step, step))
            }
            Proof::Denied(step) => {
                matches!(fact, Fact::CheckpointDenied(fact) if is(&fact.step, step))
            }
            Proof::Overridden(step) => {
                matches!(fact, Fact::CheckpointOverridden(fact) if is(&fact.record.step, step))
            }
            Proof::Claimed(step) => {
                matches!(fact, Fact::StepClaimed(fact) if is(&fact.step, step))
            }
            Proof::Refused(step) => {
                matches!(fact, Fact::ExerciseRefused(fact)
                    if fact.step.as_ref().is_some_and(|at| is(at, step)))
            }
            Proof::Chosen { step, label } => {
                matches!(fact, Fact::StepChosen(fact) if is(&fact.step, step) && fact.label == *label)
            }
            _ => self.tells(fact),
        }
    }

    /// Whether it is shown by what people said beside the walk.
    fn tells(&self, fact: &Fact) -> bool {
        match (self.proof, fact) {
            (Proof::Milestone(word), Fact::MilestoneReached(fact)) => fact.milestone.word() == word,
            (Proof::Severity(severity), Fact::SeverityChanged(fact)) => fact.severity == *severity,
            (Proof::Role(role), Fact::RoleAssigned(fact)) => fact.role == *role,
            (Proof::Decision(name), Fact::DecisionNamed(fact)) => fact.decision == *name,
            (Proof::Submitted { clock, stage }, Fact::StageSubmitted(fact)) => {
                fact.clock == *clock && stage.as_ref().is_none_or(|stage| *stage == fact.stage)
            }
            (Proof::Update { audience, state }, Fact::UpdateRecorded(fact)) => {
                audience
                    .as_ref()
                    .is_none_or(|wanted| *wanted == fact.audience)
                    && state
                        .as_ref()
                        .is_none_or(|wanted| fact.state.as_ref() == Some(wanted))
            }
            (Proof::Note(_), Fact::NoteAdded(fact)) => self.matches(&fact.text),
            (Proof::Note(_), Fact::StepDone(fact)) => {
                fact.note.as_ref().is_some_and(|note| self.matches(note))
            }
            (Proof::Followup(_), Fact::FollowupOpened(fact)) => self.matches(&fact.text),
            (Proof::Collected(log), fact) => fact.evidence().iter().any(|one| one.name == *log),
            (Proof::Inject(id), Fact::ExerciseInjected(fact)) => fact.inject == *id,
            _ => false,
        }
    }
}

fn is_done(fact: &Fact, step: &StepId) -> bool {
    match fact {
        Fact::StepDone(fact) => is(&fact.step, step),
        Fact::StepChosen(fact) => is(&fact.step, step),
        Fact::StepAnswered(fact) => is(&fact.step, step),
        Fact::StepFinished(fact) => {
            fact.purpose == Purpose::Run
                && fact.outcome == Outcome::Succeeded
                && is(&fact.step, step)
        }
        Fact::StepResolved(fact) => fact.outcome == Outcome::Succeeded && is(&fact.step, step),
        _ => false,
    }
}

fn is(at: &StepRef, step: &StepId) -> bool {
    at.step == *step
}

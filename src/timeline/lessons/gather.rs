//! What was not as the runbook says, step by step.

use std::sync::Arc;
use std::time::Duration;

use super::{Timeline, asked, shown};
use crate::engine::Event;
use crate::engine::exec::Purpose;
use crate::engine::fact::{Fact, Outcome};
use crate::engine::ids::StepRef;
use crate::engine::sentence::span;
use crate::engine::state::Run;
use crate::runbook::model::StepId;
use crate::timeline::metrics::{Budget, StepTime};

/// A reason is quoted up to so many characters.
const QUOTE: usize = 160;

/// One thing that was learnt about a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// The step.
    pub step: StepId,
    /// What happened, on one line.
    pub what: String,
    /// What its `due` would have had to be, where it was too short.
    pub due: Option<Duration>,
}

/// What one run taught, in the order of the runbook.
#[must_use]
pub fn lessons(run: &Run, events: &[Arc<Event>], timeline: &Timeline) -> Vec<Lesson> {
    let mut all: Vec<Lesson> = Vec::new();
    let mut put = |step: &StepId, what: String| {
        let lesson = Lesson {
            step: step.clone(),
            what,
            due: None,
        };
        if !all.contains(&lesson) {
            all.push(lesson);
        }
    };
    for event in events {
        if let Some((step, what)) = told(&event.fact).filter(|(step, _)| step.run == run.id) {
            put(&step.step, what);
        }
    }
    for followup in asked(timeline) {
        let of = |event: &&Arc<Event>| Some(event.id) == followup.about;
        let about = events.iter().find(of).and_then(|event| about(&event.fact));
        if let Some(step) = about.filter(|step| step.run == run.id) {
            put(&step.step, format!("to do: {}", quoted(&followup.text)));
        }
    }
    let steps = &timeline.metrics.walk.steps;
    for step in steps.iter().filter(|step| step.run == run.id) {
        all.extend(overran(step));
    }
    let place = |step: &StepId| run.book.steps.iter().position(|one| one.id == *step);
    all.sort_by_key(|lesson| place(&lesson.step));
    all
}

fn quoted(text: &str) -> String {
    let text = shown(text);
    if text.chars().count() <= QUOTE {
        return text;
    }
    let clipped: String = text.chars().take(QUOTE - 1).collect();
    format!("{}…", clipped.trim_end())
}

fn told(fact: &Fact) -> Option<(&StepRef, String)> {
    match fact {
        Fact::StepSkipped(fact) if !fact.automatic => {
            Some((&fact.step, format!("skipped: {}", quoted(&fact.reason))))
        }
        Fact::StepFinished(fact)
            if fact.purpose == Purpose::Run && fact.outcome != Outcome::Succeeded =>
        {
            let why = fact.problem.as_deref().unwrap_or("nobody saw its end");
            Some((
                &fact.step,
                format!("failed at attempt {}: {}", fact.step.attempt, quoted(why)),
            ))
        }
        Fact::StepResolved(fact) => {
            let outcome = if fact.outcome == Outcome::Succeeded {
                "succeeded"
            } else {
                "failed"
            };
            let why = fact
                .reason
                .as_deref()
                .map(|why| format!(": {}", quoted(why)));
            Some((
                &fact.step,
                format!(
                    "counted as {outcome} by a person's word{}",
                    why.unwrap_or_default()
                ),
            ))
        }
        Fact::StepDone(fact) => {
            let by_hand = fact
                .by_hand
                .as_deref()
                .map(|kind| format!("done by hand in place of `{}`", shown(kind)));
            let order = fact.out_of_order.then(|| "done out of order".to_owned());
            let what = by_hand.or(order)?;
            let note = fact
                .note
                .as_deref()
                .map(|note| format!(": {}", quoted(note)));
            Some((&fact.step, format!("{what}{}", note.unwrap_or_default())))
        }
        other => chosen(other),
    }
}

/// What a person decided otherwise.
fn chosen(fact: &Fact) -> Option<(&StepRef, String)> {
    match fact {
        Fact::StepStarted(fact) if fact.out_of_order => {
            Some((&fact.record.step, "started out of order".to_owned()))
        }
        Fact::StepChosen(fact) => {
            let suggested = fact
                .suggested
                .as_deref()
                .filter(|other| *other != fact.label)?;
            let what = format!(
                "{} was chosen where {} was suggested",
                quoted(&fact.label),
                quoted(suggested)
            );
            Some((&fact.step, what))
        }
        Fact::CheckpointOverridden(fact) => Some((
            &fact.record.step,
            "its checkpoint was gone through without approval".to_owned(),
        )),
        _ => None,
    }
}

/// The step that an entry is about.
fn about(fact: &Fact) -> Option<&StepRef> {
    match fact {
        Fact::NoteAdded(fact) => fact.step.as_ref(),
        Fact::EvidenceCaptured(fact) => fact.step.as_ref(),
        Fact::StepStarted(fact) => Some(&fact.record.step),
        Fact::StepFinished(fact) => Some(&fact.step),
        Fact::StepDone(fact) => Some(&fact.step),
        Fact::StepChosen(fact) => Some(&fact.step),
        Fact::StepAnswered(fact) => Some(&fact.step),
        Fact::StepSkipped(fact) => Some(&fact.step),
        Fact::StepResolved(fact) => Some(&fact.step),
        _ => None,
    }
}

fn overran(step: &StepTime) -> Vec<Lesson> {
    let lesson = |budget: &Budget| {
        let over = budget.over()?;
        let took = budget.took_millis?;
        let words = |millis| span(chrono::TimeDelta::milliseconds(millis));
        Some(Lesson {
            step: step.step.clone(),
            what: format!(
                "{} of {} was overrun by {} ({} = {})",
                budget.key,
                words(budget.limit_millis),
                words(over),
                words(took),
                budget.formula
            ),
            due: (budget.key == "due").then(|| enough(took)),
        })
    };
    step.budgets.iter().filter_map(lesson).collect()
}

/// The next whole minute, of more than ten the next five, of more than two hours the next half hour.
fn enough(millis: i64) -> Duration {
    let minutes = u64::try_from(millis).unwrap_or(0).div_ceil(60_000);
    let to = match minutes {
        0..=10 => 1,
        11..=120 => 5,
        _ => 30,
    };
    Duration::from_secs(minutes.div_ceil(to) * to * 60)
}

//! What scripts say, in words: proofs, times, the steps and rules that something is measured by.

use chrono::TimeDelta;

use super::Gathering;
use crate::engine::checkpoint::{describe, gate};
use crate::engine::sentence::{severity, span};
use crate::runbook::model::StepId;
use crate::runbook::scenario::{Means, Proof, Side, When};
use crate::timeline::shown;

/// A length in words, whatever its sign.
pub(super) fn length(millis: i64) -> String {
    span(TimeDelta::milliseconds(millis.saturating_abs()))
}

/// A length of the script in words: `15 min`.
pub(super) fn duration(length: std::time::Duration) -> String {
    let seconds = length.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

/// How far from its time something came.
pub(super) fn against_plan(late: i64) -> String {
    let than = if late < 0 { "earlier" } else { "later" };
    format!("{} {than} than planned", length(late))
}

/// `1 inject`, `2 injects`.
pub(super) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

pub(super) fn means(means: Means) -> &'static str {
    match means {
        Means::Alert => "alert",
        Means::Email => "e-mail",
        Means::Phone => "telephone",
        Means::Chat => "chat",
        Means::Log => "log",
        Means::News => "news",
        Means::Regulator => "regulator",
    }
}

pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Player => "player",
        Side::Facilitator => "facilitator",
        Side::Evaluator => "evaluator",
        Side::Observer => "observer",
        Side::SimulationCell => "simulation cell",
    }
}

/// When the script has a message, in words.
pub(super) fn when(when: &When) -> String {
    let (text, unless) = match when {
        When::ByHand => return "by hand".to_owned(),
        When::At { at, unless } => (format!("at {}", duration(*at)), unless),
        When::After {
            after,
            delay,
            within,
            unless,
        } => {
            let within = within.map(|within| format!(", if that was by {}", duration(within)));
            let text = format!(
                "{} after: {}{}",
                duration(*delay),
                any(after),
                within.unwrap_or_default()
            );
            (text, unless)
        }
    };
    match unless.as_slice() {
        [] => text,
        unless => format!("{text}; not after: {}", any(unless)),
    }
}

fn any(proofs: &[Proof]) -> String {
    let all: Vec<String> = proofs.iter().map(proof).collect();
    all.join(", or ")
}

fn proof(proof: &Proof) -> String {
    if let Some((step, word)) = of_step(proof) {
        return format!("{} {word}", shown(step.as_str()));
    }
    let text = match proof {
        Proof::Chosen { step, label } => format!("{label} chosen at {step}"),
        Proof::Milestone(word) => format!("the incident {word}"),
        Proof::Severity(level) => format!("severity {}", severity(*level)),
        Proof::Role(role) => format!("the duty {role} given"),
        Proof::Decision(name) => format!("the decision {name}"),
        Proof::Submitted { clock, stage } => {
            format!("{clock} submitted{}", optional(": ", stage.as_deref()))
        }
        Proof::Update { audience, state } => format!(
            "an update{}{}",
            optional(" to ", audience.as_deref()),
            optional(": ", state.as_deref())
        ),
        Proof::Note(pattern) => format!("a note like {pattern}"),
        Proof::Followup(pattern) => format!("a follow-up like {pattern}"),
        Proof::Collected(log) => format!("{log} collected"),
        Proof::Inject(inject) => format!("the inject {inject}"),
        _ => String::new(),
    };
    shown(&text)
}

fn optional(before: &str, value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| format!("{before}{value}"))
}

fn of_step(proof: &Proof) -> Option<(&StepId, &'static str)> {
    Some(match proof {
        Proof::Started(step) => (step, "started"),
        Proof::Done(step) => (step, "done"),
        Proof::Failed(step) => (step, "failed"),
        Proof::Skipped(step) => (step, "skipped"),
        Proof::DryRun(step) => (step, "tried dry"),
        Proof::Asked(step) => (step, "asked for"),
        Proof::Approved(step) => (step, "approved"),
        Proof::Denied(step) => (step, "denied"),
        Proof::Overridden(step) => (step, "overridden"),
        Proof::Claimed(step) => (step, "claimed"),
        Proof::Refused(step) => (step, "refused"),
        _ => return None,
    })
}

/// The step that a proof is about.
pub(super) fn step(proof: &Proof) -> Option<&StepId> {
    match proof {
        Proof::Chosen { step, .. } => Some(step),
        proof => of_step(proof).map(|(step, _)| step),
    }
}

impl Gathering<'_> {
    /// The runbook's step, and the rule in front of it, where it has one.
    pub(super) fn references(&self, step: &StepId) -> Vec<String> {
        let state = self.source.state;
        let found = state
            .runs
            .iter()
            .find_map(|run| Some((run.as_ref(), run.book.step(step)?)));
        let Some((run, found)) = found else {
            return vec![format!("step {}", shown(step.as_str()))];
        };
        let mut all = vec![shown(&format!(
            "runbook {}, step {step}: {}",
            run.pin.id, found.title
        ))];
        let rule = state.incident.as_deref().and_then(|incident| {
            let asks = gate(incident, run, found, run.started.to_utc())?;
            let commit: String = incident.policy_pin.commit.chars().take(7).collect();
            Some(shown(&format!(
                "policy {commit}, before {step}: {}",
                describe(&asks)
            )))
        });
        all.extend(rule);
        all
    }

    /// What an expectation is measured by.
    pub(super) fn measures(&self, id: &str) -> Vec<String> {
        let mut all = vec![shown(&format!("expectation {id}"))];
        let expectations = &self.source.scenario.expectations;
        let one = expectations.iter().find(|one| one.id == id);
        let proofs = one
            .into_iter()
            .flat_map(|one| one.proof.iter().chain(&one.never));
        for step in proofs.filter_map(step) {
            for reference in self.references(step) {
                if !all.contains(&reference) {
                    all.push(reference);
                }
            }
        }
        all
    }
}

//! How it went: each expectation met, late or missed as the record shows it, an evaluator's word over that, and a rating
//! proposed for each objective. It says what was done in which duty, and ranks nobody.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::due::after;
use super::progress::{Progress, Seen};
use super::seal::{Item, Rating, RemarkKind, Verdict};
use crate::engine::{EventId, Fact, State};
use crate::runbook::scenario::{Expectation, Proof, Scenario};
use crate::trust::Principal;

/// How an exercise went, or stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Score {
    /// In the order of the script.
    pub expectations: Vec<Scored>,
    pub objectives: Vec<Rated>,
    pub remarks: Vec<Remark>,
    /// From a request for approval to its first answer, in the order asked.
    pub decisions: Vec<Latency>,
    /// What checkpoints and other rules refused, in the order of the record.
    pub refused: Vec<Refused>,
    pub overrides: usize,
}

/// One expectation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Scored {
    pub id: String,
    pub action: String,
    pub role: Option<String>,
    pub objective: String,
    pub weight: u32,
    pub critical: bool,
    /// `None` while what it is about has not come.
    pub deadline: Option<DateTime<Utc>>,
    /// When it was done, and what shows it.
    pub done: Option<DateTime<Utc>>,
    pub event: Option<EventId>,
    /// What the record shows.
    pub shown: Verdict,
    /// What it counts as: an evaluator's word, else what the record shows.
    pub verdict: Verdict,
    /// Why an evaluator said otherwise.
    pub reason: Option<String>,
}

/// One objective.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Rated {
    pub id: String,
    pub title: String,
    pub capability: String,
    /// From its expectations; `None` while none of them is decided.
    pub proposed: Option<Rating>,
    /// An evaluator's word.
    pub confirmed: Option<Rating>,
    pub reason: Option<String>,
    /// Weight of what was met, a late one by half, in hundredths of the weight that was decided.
    pub share: Option<u32>,
}

/// Something an evaluator saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Remark {
    pub about: Option<String>,
    pub kind: RemarkKind,
    pub text: String,
    pub recommend: Option<String>,
}

/// How long an answer took, in simulated milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Latency {
    pub step: String,
    pub asked: DateTime<Utc>,
    pub millis: Option<i64>,
    /// `approved`, `denied`, or nothing yet.
    pub answer: Option<&'static str>,
}

/// Something that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Refused {
    pub at: DateTime<Utc>,
    pub role: Option<String>,
    pub step: Option<String>,
    pub what: String,
}

/// How it stands at that simulated time.
#[must_use]
pub fn score(
    scenario: &Scenario,
    state: &State,
    progress: &Progress,
    items: &[(Principal, Item)],
    now: DateTime<Utc>,
) -> Score {
    let expectations: Vec<Scored> = scenario
        .expectations
        .iter()
        .map(|one| scored(one, state, progress, items, now))
        .collect();
    let objectives = scenario
        .objectives
        .iter()
        .map(|objective| {
            let of_it = expectations
                .iter()
                .filter(|one| one.objective == objective.id);
            let (proposed, share) = rating(of_it);
            let said = items.iter().rev().find_map(|(_, item)| match item {
                Item::Rating {
                    objective: id,
                    rating,
                    reason,
                } if *id == objective.id => Some((*rating, reason.clone())),
                _ => None,
            });
            Rated {
                id: objective.id.clone(),
                title: objective.title.clone(),
                capability: objective.capability.clone(),
                proposed,
                confirmed: said.as_ref().map(|(rating, _)| *rating),
                reason: said.and_then(|(_, reason)| reason),
                share,
            }
        })
        .collect();
    Score {
        expectations,
        objectives,
        remarks: items.iter().filter_map(|(_, item)| remark(item)).collect(),
        decisions: decisions(progress),
        refused: refused(state, progress),
        overrides: progress
            .events()
            .iter()
            .filter(|event| matches!(event.fact, Fact::CheckpointOverridden(_)))
            .count(),
    }
}

fn remark(item: &Item) -> Option<Remark> {
    let Item::Remark {
        about,
        kind,
        text,
        recommend,
    } = item
    else {
        return None;
    };
    Some(Remark {
        about: about.clone(),
        kind: *kind,
        text: text.clone(),
        recommend: recommend.clone(),
    })
}

fn scored(
    one: &Expectation,
    state: &State,
    progress: &Progress,
    items: &[(Principal, Item)],
    now: DateTime<Utc>,
) -> Scored {
    let begun = state
        .exercise
        .as_ref()
        .map_or(now, |exercise| exercise.started.clock.sim);
    let base = match &one.about {
        Some(inject) => progress.came(inject).map(|seen| seen.at),
        None => Some(begun),
    };
    let deadline = base.map(|base| after(base, one.by));
    let done = base.and_then(|base| done(&one.proof, progress, base));
    let is_over = state
        .exercise
        .as_deref()
        .is_some_and(|exercise| !exercise.is_on());
    let shown = match (base, deadline) {
        (Some(base), Some(deadline)) => {
            if progress.all(&one.never).iter().any(|seen| seen.at >= base) {
                Verdict::Missed
            } else {
                match &done {
                    Some(seen) if seen.at <= deadline => Verdict::Met,
                    Some(_) => Verdict::Late,
                    None if is_over && now < deadline => Verdict::NotReached,
                    None if one.proof.is_empty() && one.never.is_empty() => Verdict::Open,
                    // Nothing had to be done but to keep from something.
                    None if one.proof.is_empty() && (is_over || now >= deadline) => Verdict::Met,
                    None if now > deadline => Verdict::Missed,
                    None => Verdict::Open,
                }
            }
        }
        _ if is_over => Verdict::NotReached,
        _ => Verdict::Open,
    };
    let said = items.iter().rev().find_map(|(_, item)| match item {
        Item::Verdict {
            expectation,
            verdict,
            reason,
        } if *expectation == one.id => Some((*verdict, reason.clone())),
        _ => None,
    });
    Scored {
        id: one.id.clone(),
        action: one.action.clone(),
        role: one.role.clone(),
        objective: one.objective.clone(),
        weight: one.weight,
        critical: one.critical,
        deadline,
        done: done.as_ref().map(|seen| seen.at),
        event: done.map(|seen| seen.event),
        shown,
        verdict: said.as_ref().map_or(shown, |(verdict, _)| *verdict),
        reason: said.map(|(_, reason)| reason),
    }
}

/// The first time it was done. What is done again and again counts only from when it was asked for; what is done once
/// may have been done before.
fn done(proofs: &[Proof], progress: &Progress, base: DateTime<Utc>) -> Option<Seen> {
    proofs
        .iter()
        .flat_map(|proof| {
            let seen = progress.all(std::slice::from_ref(proof));
            let counts = move |seen: &Seen| !is_repeated(proof) || seen.at >= base;
            seen.into_iter().filter(counts)
        })
        .min_by_key(|seen| seen.at)
}

fn is_repeated(proof: &Proof) -> bool {
    matches!(
        proof,
        Proof::Update { .. }
            | Proof::Note(_)
            | Proof::Followup(_)
            | Proof::Collected(_)
            | Proof::Severity(_)
            | Proof::Role(_)
            | Proof::Asked(_)
            | Proof::Denied(_)
            | Proof::Refused(_)
            | Proof::DryRun(_)
    )
}

/// What is proposed for an objective: P where all was met, U where hardly anything was, or something critical was
/// missed and not even half of the rest met.
fn rating<'a>(of_it: impl Iterator<Item = &'a Scored>) -> (Option<Rating>, Option<u32>) {
    let (mut total, mut got) = (0_u64, 0_u64);
    let (mut is_critical_missed, mut is_all_met) = (false, true);
    for one in of_it {
        let weight = u64::from(one.weight.max(1));
        match one.verdict {
            Verdict::Met => got += 2 * weight,
            Verdict::Late => {
                got += weight;
                is_all_met = false;
            }
            Verdict::Missed => {
                is_all_met = false;
                is_critical_missed |= one.critical;
            }
            Verdict::Open | Verdict::NotReached => continue,
        }
        total += 2 * weight;
    }
    if total == 0 {
        return (None, None);
    }
    let share = got * 100 / total;
    let rating = if is_all_met {
        Rating::P
    } else if share >= 75 && !is_critical_missed {
        Rating::S
    } else if share >= 40 {
        Rating::M
    } else {
        Rating::U
    };
    (Some(rating), u32::try_from(share).ok())
}

fn decisions(progress: &Progress) -> Vec<Latency> {
    let mut all: Vec<(EventId, Latency)> = Vec::new();
    let mut open: BTreeMap<String, usize> = BTreeMap::new();
    for event in progress.events() {
        let (step, answer) = match &event.fact {
            Fact::CheckpointRequested(fact) => {
                let step = fact.record.step.to_string();
                open.insert(step.clone(), all.len());
                let latency = Latency {
                    step,
                    asked: event.told_at(),
                    millis: None,
                    answer: None,
                };
                all.push((event.id, latency));
                continue;
            }
            Fact::CheckpointApproved(fact) => (fact.step.to_string(), "approved"),
            Fact::CheckpointDenied(fact) => (fact.step.to_string(), "denied"),
            _ => continue,
        };
        if let Some((_, latency)) = open.remove(&step).and_then(|index| all.get_mut(index)) {
            let took: TimeDelta = event.told_at() - latency.asked;
            latency.millis = Some(took.num_milliseconds());
            latency.answer = Some(answer);
        }
    }
    all.into_iter().map(|(_, latency)| latency).collect()
}

fn refused(state: &State, progress: &Progress) -> Vec<Refused> {
    progress
        .events()
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::ExerciseRefused(fact) => Some(Refused {
                at: event.told_at(),
                role: event
                    .role
                    .clone()
                    .or_else(|| {
                        let roles = state.roles.get(&event.person)?;
                        roles.first().cloned()
                    })
                    .map(|role| role.to_string()),
                step: fact.step.as_ref().map(|step| step.step.to_string()),
                what: fact.what.clone(),
            }),
            _ => None,
        })
        .collect()
}

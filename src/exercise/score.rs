//! How it went: each expectation met, late or missed as the record shows it, an evaluator's word over that, and a rating
//! proposed for each objective. It says what was done in which duty, and ranks nobody. `docs/exercises.md` has the rules.

mod gates;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::due::after;
use super::progress::{Progress, Seen};
use super::seal::{Item, Rating, RemarkKind, Verdict};
use crate::engine::{EventId, Fact, State};
use crate::runbook::scenario::{Expectation, Proof, Scenario};
use crate::trust::Principal;

pub(super) use gates::duty;

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
    /// When its time began; `None` while what it is about has not come.
    pub from: Option<DateTime<Utc>>,
    pub deadline: Option<DateTime<Utc>>,
    /// When it was done, and what shows it.
    pub done: Option<DateTime<Utc>>,
    pub event: Option<EventId>,
    /// From when its time began until it was done, in simulated milliseconds.
    pub took_millis: Option<i64>,
    /// When what must never be was so, if it was.
    pub broken: Option<DateTime<Utc>>,
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
    /// From its expectations; `None` while something critical, or more than half of their weight, is not decided.
    pub proposed: Option<Rating>,
    /// An evaluator's word.
    pub confirmed: Option<Rating>,
    pub reason: Option<String>,
    /// Weight of what was met, a late one by half, in hundredths of the weight that was decided.
    pub share: Option<u32>,
    /// How many of its expectations are not decided, though they could have been.
    pub undecided: usize,
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
    /// `approved`, `denied`, `withdrawn`, `overridden`, or nothing yet.
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

/// How it stands at that simulated time, with what the controllers sealed in the order of the record.
#[must_use]
pub fn score(
    scenario: &Scenario,
    state: &State,
    progress: &Progress,
    items: &[(EventId, Principal, Item)],
    now: DateTime<Utc>,
) -> Score {
    let judge = Judge::new(state, progress, items, now);
    let expectations: Vec<Scored> = scenario
        .expectations
        .iter()
        .map(|one| judge.scored(one))
        .collect();
    let objectives = scenario
        .objectives
        .iter()
        .map(|objective| {
            let of_it = expectations
                .iter()
                .filter(|one| one.objective == objective.id);
            let proposal = proposed(of_it, judge.is_aborted);
            let said = judge.rating(&objective.id);
            Rated {
                id: objective.id.clone(),
                title: objective.title.clone(),
                capability: objective.capability.clone(),
                proposed: proposal.rating,
                confirmed: said.map(|(rating, _)| rating),
                reason: said.and_then(|(_, reason)| reason.clone()),
                share: proposal.share,
                undecided: proposal.undecided,
            }
        })
        .collect();
    let items = items.iter().map(|(_, _, item)| item);
    Score {
        expectations,
        objectives,
        remarks: items.filter_map(remark).collect(),
        decisions: gates::decisions(progress),
        refused: gates::refused(state, progress),
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

/// What everything is judged by.
struct Judge<'a> {
    progress: &'a Progress,
    items: &'a [(EventId, Principal, Item)],
    begun: DateTime<Utc>,
    now: DateTime<Utc>,
    is_over: bool,
    is_aborted: bool,
}

/// Between which times something is to be done.
struct Window {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl<'a> Judge<'a> {
    fn new(
        state: &State,
        progress: &'a Progress,
        items: &'a [(EventId, Principal, Item)],
        now: DateTime<Utc>,
    ) -> Self {
        let exercise = state.exercise.as_deref();
        let ended = exercise.and_then(|exercise| exercise.ended.as_ref());
        Self {
            progress,
            items,
            begun: exercise.map_or(now, |exercise| exercise.started.clock.sim),
            // From the end on the clock stands still.
            now: exercise
                .filter(|_| ended.is_some())
                .map_or(now, |exercise| exercise.clock.sim),
            is_over: ended.is_some(),
            is_aborted: ended.is_some_and(|ended| ended.aborted),
        }
    }

    fn scored(&self, one: &Expectation) -> Scored {
        let from = match &one.about {
            Some(inject) => self.progress.came(inject).map(|seen| seen.at),
            None => Some(self.begun),
        };
        let window = from.map(|from| Window {
            from,
            until: after(from, one.by),
        });
        let done = window
            .as_ref()
            .and_then(|window| self.done(&one.proof, window));
        let broken = window
            .as_ref()
            .and_then(|window| self.broken(one, window))
            .map(|seen| seen.at);
        let shown = match &window {
            Some(_) if broken.is_some() => Verdict::Missed,
            Some(window) => self.verdict(one, window, done.as_ref()),
            None if self.is_over => Verdict::NotReached,
            None => Verdict::Open,
        };
        let deadline = window.as_ref().map(|window| window.until);
        let done_at = done.as_ref().map(|seen| seen.at);
        let settled = deadline.into_iter().chain(done_at).min();
        let said = self.said(&one.id, settled);
        Scored {
            id: one.id.clone(),
            action: one.action.clone(),
            role: one.role.clone(),
            objective: one.objective.clone(),
            weight: one.weight,
            critical: one.critical,
            from,
            deadline,
            done: done_at,
            event: done.map(|seen| seen.event),
            took_millis: done_at
                .zip(from)
                .map(|(done, from)| (done - from).num_milliseconds().max(0)),
            broken,
            shown,
            verdict: said.map_or(shown, |(verdict, _)| verdict),
            reason: said.map(|(_, reason)| reason.clone()),
        }
    }

    fn verdict(&self, one: &Expectation, window: &Window, done: Option<&Seen>) -> Verdict {
        // The last moment counts still, unless with it the exercise was over.
        let is_past = self.now > window.until || (self.is_over && self.now == window.until);
        match done {
            Some(seen) if seen.at <= window.until => Verdict::Met,
            Some(_) => Verdict::Late,
            // Nothing has to be done but to keep from something, as long as there is an exercise to keep from it in.
            None if one.proof.is_empty() && !one.never.is_empty() => {
                if is_past || (self.is_over && !self.is_aborted) {
                    Verdict::Met
                } else if self.is_over {
                    Verdict::NotReached
                } else {
                    Verdict::Open
                }
            }
            None if self.is_over && !is_past => Verdict::NotReached,
            // An evaluator has to say it.
            None if one.proof.is_empty() => Verdict::Open,
            None if is_past => Verdict::Missed,
            None => Verdict::Open,
        }
    }

    /// The first time that something was so that must never be. Where nothing else is expected, the deadline is how long
    /// it must not be.
    fn broken(&self, one: &Expectation, window: &Window) -> Option<Seen> {
        self.progress
            .all(&one.never)
            .into_iter()
            .filter(|seen| seen.at >= window.from)
            .filter(|seen| !one.proof.is_empty() || seen.at <= window.until)
            .min_by_key(|seen| seen.at)
    }

    /// The first time it was done. What is done again and again counts only from when it was asked for; what is done
    /// once may have been done before.
    fn done(&self, proofs: &[Proof], window: &Window) -> Option<Seen> {
        proofs
            .iter()
            .flat_map(|proof| {
                let stands = self.standing(proof, window.from);
                let seen = self.progress.all(std::slice::from_ref(proof));
                seen.into_iter().filter(move |seen| {
                    !is_repeated(proof) || seen.at >= window.from || stands == Some(seen.event)
                })
            })
            .min_by_key(|seen| seen.at)
    }

    /// The change that a severity stood by at that time.
    fn standing(&self, proof: &Proof, at: DateTime<Utc>) -> Option<EventId> {
        let Proof::Severity(_) = proof else {
            return None;
        };
        let events = self.progress.events().iter();
        events
            .filter(|event| matches!(event.fact, Fact::SeverityChanged(_)))
            .rfind(|event| event.told_at() < at)
            .map(|event| event.id)
    }

    /// An evaluator's last word about an expectation. One that was said before the exercise went back over it is gone
    /// with what it was said of.
    fn said(
        &self,
        expectation: &str,
        settled: Option<DateTime<Utc>>,
    ) -> Option<(Verdict, &'a String)> {
        self.items.iter().rev().find_map(|(event, _, item)| {
            let Item::Verdict {
                expectation: id,
                verdict,
                reason,
            } = item
            else {
                return None;
            };
            let back = self.progress.gone_back(event);
            let stands = back.is_none_or(|back| settled.is_some_and(|settled| settled < back));
            (id == expectation && stands).then_some((*verdict, reason))
        })
    }

    /// An evaluator's last word about an objective, since the exercise went back for the last time.
    fn rating(&self, objective: &str) -> Option<(Rating, &'a Option<String>)> {
        self.items
            .iter()
            .rev()
            .find_map(|(event, _, item)| match item {
                Item::Rating {
                    objective: id,
                    rating,
                    reason,
                } if id == objective && !self.progress.is_void(event) => Some((*rating, reason)),
                _ => None,
            })
    }
}

fn is_repeated(proof: &Proof) -> bool {
    matches!(
        proof,
        Proof::Update { .. }
            | Proof::Note(_)
            | Proof::Followup(_)
            | Proof::Collected(_)
            | Proof::Severity(_)
            | Proof::Asked(_)
            | Proof::Denied(_)
            | Proof::Refused(_)
            | Proof::DryRun(_)
    )
}

/// What is proposed for an objective, and from how much.
#[derive(Default)]
struct Proposal {
    rating: Option<Rating>,
    share: Option<u32>,
    undecided: usize,
}

/// P where all was met; S from three quarters of the weight on, if nothing critical was missed; M from two fifths on, or
/// from half where something critical was missed; else U. Nothing while what is not decided outweighs the rest.
fn proposed<'a>(of_it: impl Iterator<Item = &'a Scored>, is_aborted: bool) -> Proposal {
    let (mut all, mut decided, mut got) = (0_u64, 0_u64, 0_u64);
    let (mut is_critical_missed, mut is_critical_open, mut is_all_met) = (false, false, true);
    let mut undecided = 0;
    for one in of_it {
        let weight = 2 * u64::from(one.weight.max(1));
        match one.verdict {
            Verdict::Met => got += weight,
            Verdict::Late => {
                got += weight / 2;
                is_all_met = false;
            }
            Verdict::Missed => {
                is_all_met = false;
                is_critical_missed |= one.critical;
            }
            // What it is about was on a way that was not taken.
            Verdict::NotReached if one.deadline.is_none() && !is_aborted => continue,
            Verdict::Open | Verdict::NotReached => {
                undecided += 1;
                is_critical_open |= one.critical;
                all += weight;
                continue;
            }
        }
        all += weight;
        decided += weight;
    }
    if decided == 0 {
        return Proposal {
            undecided,
            ..Proposal::default()
        };
    }
    let reaches = |hundredths: u64| got * 100 >= hundredths * decided;
    let rating = if is_all_met {
        Rating::P
    } else if reaches(75) && !is_critical_missed {
        Rating::S
    } else if reaches(if is_critical_missed { 50 } else { 40 }) {
        Rating::M
    } else {
        Rating::U
    };
    let is_enough = !is_critical_open && decided * 2 >= all;
    Proposal {
        rating: is_enough.then_some(rating),
        share: u32::try_from(got * 100 / decided).ok(),
        undecided,
    }
}

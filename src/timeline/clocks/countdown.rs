//! What is due when: each stage of each regime against what was decided and submitted, at one moment.
//! Knows no event and no clock.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate};
use chrono_tz::Tz;
use serde::Serialize;

use super::calendar::{Calendar, day_end, days_after, months_after};
use super::{Decision, Limit, NOT_APPLICABLE, Regime, Stage, Status, Trigger, Unit};

/// Moments outside these years are not counted from: no calendar says what holds there.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=9000;

/// Something that happened, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Anchor {
    /// When it happened, with its original offset.
    pub at: DateTime<FixedOffset>,
    /// The person who decided or submitted it.
    pub by: String,
    /// The event that says so.
    pub event: String,
}

/// What was decided, reached and submitted in an incident.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchors {
    /// The standing decisions by name.
    pub decisions: BTreeMap<Decision, Anchor>,
    /// Milestones by their word.
    pub milestones: BTreeMap<&'static str, Anchor>,
    /// Submissions by regime and stage, in any order.
    pub submissions: BTreeMap<(String, String), Vec<Anchor>>,
}

/// One stage of one regime at one moment. Texts of the regime are escaped, names of people and events are not.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Countdown {
    pub regime: String,
    pub regime_title: String,
    pub law: String,
    pub source: String,
    pub as_of: NaiveDate,
    pub status: Status,
    pub note: Option<String>,
    pub stage: String,
    pub title: String,
    pub tell: String,
    pub what: String,
    pub cite: Option<String>,
    /// The limit that binds, in words: `72 hours after aware`.
    pub rule: String,
    /// What that limit is counted from.
    pub from: Option<Anchor>,
    /// The last second that is in time, in the zone of the regime.
    pub due_at: Option<DateTime<FixedOffset>>,
    /// What is not recorded and would make it earlier.
    pub would_shorten: Vec<String>,
    /// The first submission.
    pub submitted: Option<Anchor>,
    #[serde(flatten)]
    pub standing: Standing,
}

/// How a stage stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
    /// Nothing runs before these are recorded.
    Waiting {
        /// Decisions, milestones or submissions, in words.
        missing: Vec<String>,
    },
    /// It is due, and not yet submitted.
    Running {
        /// Seconds until it is late.
        left_seconds: i64,
    },
    /// It was submitted in time.
    Met {
        /// Seconds that were left.
        spare_seconds: i64,
    },
    /// It was submitted late, or is late and not submitted.
    Late {
        /// By so many seconds, so far or for good.
        by_seconds: i64,
    },
    /// Somebody decided that the regime does not apply.
    NotApplicable {
        /// Who, and when.
        decided: Anchor,
    },
}

impl Countdown {
    /// What was recorded that it says anything of.
    pub fn rests_on(&self) -> impl Iterator<Item = &Anchor> {
        let decided = match &self.standing {
            Standing::NotApplicable { decided } => Some(decided),
            _ => None,
        };
        self.from.iter().chain(&self.submitted).chain(decided)
    }

    /// Whether it asks for somebody's attention: due or late, not submitted, of a regime in force.
    #[must_use]
    pub fn is_pressing(&self) -> bool {
        let open = matches!(
            self.standing,
            Standing::Running { .. } | Standing::Late { .. }
        );
        open && self.submitted.is_none() && self.status == Status::InForce
    }
}

/// Every stage of these regimes at this moment, in their order.
#[must_use]
pub fn due<'r>(
    regimes: impl IntoIterator<Item = &'r Regime>,
    anchors: &Anchors,
    now: DateTime<FixedOffset>,
) -> Vec<Countdown> {
    let mut countdowns = Vec::new();
    for regime in regimes {
        let counter = Counter { regime, anchors };
        countdowns.extend(regime.stages.iter().map(|stage| counter.stage(stage, now)));
    }
    countdowns
}

/// The one whose time is up first among those that press.
#[must_use]
pub fn next(countdowns: &[Countdown]) -> Option<&Countdown> {
    countdowns
        .iter()
        .filter(|countdown| countdown.is_pressing())
        .min_by_key(|countdown| countdown.due_at)
}

struct Counter<'a> {
    regime: &'a Regime,
    anchors: &'a Anchors,
}

/// A limit that runs.
struct Run<'a> {
    limit: &'a Limit,
    from: &'a Anchor,
    until: DateTime<Tz>,
}

impl<'a> Counter<'a> {
    fn stage(&self, stage: &'a Stage, now: DateTime<FixedOffset>) -> Countdown {
        let mut missing = Vec::new();
        if let Some(decision) = &stage.only_if
            && self.decision(decision).is_none()
        {
            missing.push(decision.to_string());
        }
        let first = self.run(&stage.within, stage);
        if first.is_none() {
            missing.push(stage.within.after.to_string());
        }
        let second = stage.and_within.as_ref();
        let would_shorten = second
            .filter(|limit| self.anchor(&limit.after).is_none())
            .map(|limit| limit.after.to_string());
        let second = second.and_then(|limit| self.run(limit, stage));
        let binding = first
            .filter(|_| missing.is_empty())
            .map(|first| earlier(first, second));
        let submitted = self.submissions(&stage.id).min_by_key(|anchor| anchor.at);
        let due_at = binding
            .as_ref()
            .and_then(|run| self.moved(run.until, stage));
        let limit = binding.as_ref().map_or(&stage.within, |run| run.limit);
        Countdown {
            regime: self.regime.id.clone(),
            regime_title: self.regime.title.clone(),
            law: self.regime.law.clone(),
            source: self.regime.source.clone(),
            as_of: self.regime.as_of,
            status: self.regime.status,
            note: self.regime.note.clone(),
            stage: stage.id.clone(),
            title: stage.title.clone(),
            tell: stage.tell.clone(),
            what: stage.what.clone(),
            cite: stage.cite.clone(),
            rule: limit.to_string(),
            from: binding.map(|run| run.from.clone()),
            due_at,
            would_shorten: would_shorten.into_iter().collect(),
            submitted: submitted.cloned(),
            standing: self.standing(due_at, submitted, missing, now),
        }
    }

    fn standing(
        &self,
        due_at: Option<DateTime<FixedOffset>>,
        submitted: Option<&Anchor>,
        missing: Vec<String>,
        now: DateTime<FixedOffset>,
    ) -> Standing {
        let scoped = Decision::of(&self.regime.id, NOT_APPLICABLE);
        if let Some(decided) = self.anchors.decisions.get(&scoped) {
            let decided = decided.clone();
            return Standing::NotApplicable { decided };
        }
        let Some(due_at) = due_at else {
            return Standing::Waiting { missing };
        };
        let seconds = due_at.timestamp() - submitted.map_or(now, |anchor| anchor.at).timestamp();
        match (seconds >= 0, submitted) {
            (true, None) => Standing::Running {
                left_seconds: seconds,
            },
            (true, Some(_)) => Standing::Met {
                spare_seconds: seconds,
            },
            (false, _) => Standing::Late {
                by_seconds: -seconds,
            },
        }
    }

    /// What was said of this regime goes before what was said of all.
    fn decision(&self, decision: &Decision) -> Option<&'a Anchor> {
        let scoped = Decision::of(&self.regime.id, decision.name());
        let decisions = &self.anchors.decisions;
        let found = decisions.get(&scoped).or_else(|| decisions.get(decision));
        found.filter(|anchor| can_be_counted_from(anchor))
    }

    fn submissions(&self, stage: &str) -> impl Iterator<Item = &'a Anchor> + use<'a> {
        let key = (self.regime.id.clone(), stage.to_owned());
        let anchors = self.anchors.submissions.get(&key);
        anchors
            .into_iter()
            .flatten()
            .filter(|anchor| can_be_counted_from(anchor))
    }

    fn anchor(&self, trigger: &Trigger) -> Option<&'a Anchor> {
        match trigger {
            Trigger::Decision(decision) | Trigger::EndOfYear(decision) => self.decision(decision),
            Trigger::Milestone(word) => {
                let found = self.anchors.milestones.get(word);
                found.filter(|anchor| can_be_counted_from(anchor))
            }
            Trigger::Submitted(stage) => self.submissions(stage).min_by_key(|anchor| anchor.at),
            Trigger::LastSubmitted(stage) => self.submissions(stage).max_by_key(|anchor| anchor.at),
        }
    }

    fn run(&self, limit: &'a Limit, stage: &Stage) -> Option<Run<'a>> {
        let from = self.anchor(&limit.after)?;
        let until = until(&self.regime.calendar, limit, from.at, stage)?;
        Some(Run { limit, from, until })
    }

    /// The moment a stage is due, once days off are minded.
    fn moved(&self, until: DateTime<Tz>, stage: &Stage) -> Option<DateTime<FixedOffset>> {
        let calendar = &self.regime.calendar;
        let day = until.date_naive();
        let until = match stage.off_day {
            Some(time) if calendar.is_off(day) => {
                calendar.at(calendar.working_day_after(day, 1)?, time)?
            }
            _ => until,
        };
        Some(until.fixed_offset())
    }
}

/// The limit that binds: the second where it ends first, unless the first began only after that.
fn earlier<'a>(first: Run<'a>, second: Option<Run<'a>>) -> Run<'a> {
    match second {
        Some(second) if second.until < first.until && first.from.at <= second.until => second,
        _ => first,
    }
}

fn until(
    calendar: &Calendar,
    limit: &Limit,
    from: DateTime<FixedOffset>,
    stage: &Stage,
) -> Option<DateTime<Tz>> {
    let from = from.with_timezone(&calendar.zone);
    let from = match &limit.after {
        Trigger::EndOfYear(_) => {
            let last = NaiveDate::from_ymd_opt(from.year(), 12, 31)?;
            calendar.at(last, day_end())?
        }
        _ => from,
    };
    let day = from.date_naive();
    let last = match limit.unit {
        Unit::Hours => {
            return from.checked_add_signed(chrono::TimeDelta::hours(limit.amount.into()));
        }
        Unit::Days => days_after(day, limit.amount)?,
        Unit::BusinessDays => calendar.working_day_after(day, limit.amount)?,
        Unit::Months => months_after(day, limit.amount)?,
    };
    calendar.at(last, stage.ends.unwrap_or_else(day_end))
}

fn can_be_counted_from(anchor: &Anchor) -> bool {
    YEARS.contains(&anchor.at.to_utc().year())
}

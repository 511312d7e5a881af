//! Regulatory clocks: until when whom has to be told what, counted from a decision that a named person made. A regime is
//! data (`data/*.yaml`, or `clocks/*.yaml` of a library), described in `docs/clocks.md`. Where two readings of a rule are
//! possible, the earlier moment is shown. Knows no event: what was decided and submitted is handed in.

mod anchors;
mod calendar;
mod check;
mod countdown;
mod file;
mod read;
mod text;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use chrono::{NaiveDate, NaiveTime};
use include_dir::{Dir, include_dir};
use serde::{Serialize, Serializer};

use crate::runbook::words::{is_id, is_name};

pub use anchors::anchors;
pub use calendar::{Calendar, us_federal_holidays};
pub use check::{check, check_scenarios};
pub use countdown::{Anchor, Anchors, Countdown, Standing, due, next};
pub use read::{Library, parse, schema};
pub use text::{headline, page};

/// Stands wherever a clock is shown.
pub const NOT_LEGAL_ADVICE: &str = "Not legal advice.";

/// The decision that a regime does not apply to an incident; it is always said of one regime.
pub const NOT_APPLICABLE: &str = "not_applicable";

/// A law, rule or contract with time limits. Every text is escaped for showing.
#[derive(Debug, Clone, PartialEq)]
pub struct Regime {
    /// What `policy.yaml` calls it: `gdpr-33`.
    pub id: String,
    /// In a few words.
    pub title: String,
    /// What says so, with its article.
    pub law: String,
    /// Where that can be read.
    pub source: String,
    /// The day up to which the source was looked at.
    pub as_of: NaiveDate,
    /// Whether it binds anybody yet.
    pub status: Status,
    /// What to know before relying on it.
    pub note: Option<String>,
    /// Where its days begin and end, and which are days off.
    pub calendar: Calendar,
    /// In the order they usually come; a stage names earlier ones only.
    pub stages: Vec<Stage>,
}

/// Whether a regime binds anybody yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does.
    InForce,
    /// It may one day.
    Proposed,
}

/// One thing that is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Unique in its regime: `early-warning`.
    pub id: String,
    /// In a few words.
    pub title: String,
    /// Who is told.
    pub tell: String,
    /// What they are told.
    pub what: String,
    /// The place in the law.
    pub cite: Option<String>,
    /// How long after what.
    pub within: Limit,
    /// A second limit that binds where it is the earlier one, unless the first began after it had passed already.
    pub and_within: Option<Limit>,
    /// It is due only if this was decided.
    pub only_if: Option<Decision>,
    /// When the last day of a limit in days or months ends; with the day, if nothing is said.
    pub ends: Option<NaiveTime>,
    /// What falls on a day off is due at this time of the next working day.
    pub off_day: Option<NaiveTime>,
}

/// So long after that.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Limit {
    pub amount: u32,
    pub unit: Unit,
    pub after: Trigger,
}

/// What a limit is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Elapsed hours, whatever clocks on walls do.
    Hours,
    /// Calendar days; the day of the trigger does not count.
    Days,
    /// Days that are neither weekend nor holiday; the day of the trigger does not count.
    BusinessDays,
    /// To the day of the same number, or the last one of the month.
    Months,
}

/// What a limit is counted from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// A named decision by a named person.
    Decision(Decision),
    /// The end of the calendar year in which that decision fell.
    EndOfYear(Decision),
    /// A milestone of the incident, by its word.
    Milestone(&'static str),
    /// The first submission of an earlier stage.
    Submitted(String),
    /// The latest submission of an earlier stage.
    LastSubmitted(String),
}

/// The name of a decision, of every regime or, as `gdpr-33/aware`, of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decision {
    regime: Option<String>,
    name: String,
}

impl Decision {
    /// A decision for every regime that asks for it.
    #[must_use]
    pub fn any(name: &str) -> Self {
        Self {
            regime: None,
            name: name.to_owned(),
        }
    }

    /// A decision for one regime alone; it goes before the general one of that name.
    #[must_use]
    pub fn of(regime: &str, name: &str) -> Self {
        Self {
            regime: Some(regime.to_owned()),
            name: name.to_owned(),
        }
    }

    /// The regime it is said of.
    #[must_use]
    pub fn regime(&self) -> Option<&str> {
        self.regime.as_deref()
    }

    /// Its name without the regime.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.regime {
            Some(regime) => write!(f, "{regime}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// That a text names no decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a decision is a name such as `aware`, or one of a regime such as `gdpr-33/aware`")]
pub struct NoDecision;

impl FromStr for Decision {
    type Err = NoDecision;

    fn from_str(text: &str) -> Result<Self, NoDecision> {
        let (regime, name) = match text.split_once('/') {
            Some((regime, name)) => (Some(regime), name),
            None => (None, text),
        };
        if !is_name(name) || !regime.is_none_or(is_id) {
            return Err(NoDecision);
        }
        Ok(regime.map_or_else(|| Self::any(name), |regime| Self::of(regime, name)))
    }
}

impl Serialize for Decision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Trigger {
    /// The decision it hangs on.
    #[must_use]
    pub fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Decision(decision) | Self::EndOfYear(decision) => Some(decision),
            _ => None,
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decision(decision) => write!(f, "{decision}"),
            Self::EndOfYear(decision) => write!(f, "the end of the year of {decision}"),
            Self::Milestone(word) => write!(f, "the milestone {word}"),
            Self::Submitted(stage) => write!(f, "the submission of {stage}"),
            Self::LastSubmitted(stage) => write!(f, "the latest submission of {stage}"),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = self.amount == 1;
        let unit = match self.unit {
            Unit::Hours if one => "hour",
            Unit::Hours => "hours",
            Unit::Days if one => "calendar day",
            Unit::Days => "calendar days",
            Unit::BusinessDays if one => "business day",
            Unit::BusinessDays => "business days",
            Unit::Months if one => "month",
            Unit::Months => "months",
        };
        write!(f, "{} {unit} after {}", self.amount, self.after)
    }
}

impl Regime {
    /// The names of the decisions its stages hang on, without the regime.
    #[must_use]
    pub fn decisions(&self) -> BTreeSet<&str> {
        self.stages
            .iter()
            .flat_map(|stage| {
                let limits = [Some(&stage.within), stage.and_within.as_ref()];
                limits
                    .into_iter()
                    .flatten()
                    .filter_map(|limit| limit.after.decision())
                    .chain(&stage.only_if)
            })
            .map(Decision::name)
            .collect()
    }

    /// The stage of this id.
    #[must_use]
    pub fn stage(&self, id: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id == id)
    }
}

static DATA: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/timeline/clocks/data");

static SHIPPED: LazyLock<Vec<Regime>> = LazyLock::new(|| {
    let mut regimes: Vec<Regime> = DATA
        .files()
        .filter_map(|file| read::one(&file.path().to_string_lossy(), file.contents(), &[]).0)
        .collect();
    regimes.sort_by(|a, b| a.id.cmp(&b.id));
    regimes
});

/// The regimes that come with the program, by id.
#[must_use]
pub fn shipped() -> &'static [Regime] {
    &SHIPPED
}

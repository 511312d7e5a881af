//! The scalars that only scenarios have. Knows no key of the file.

use chrono::{DateTime, FixedOffset};
use serde_json::{Value as Json, json};

use super::{Form, Means, Purpose, Side};
use crate::runbook::decode::Leaf;
use crate::runbook::moments;
use crate::runbook::problem::{nearest, quoted};
use crate::runbook::words::{self, words};
use crate::runbook::yaml::{Meaning, Scalar};

/// What says that a file is a scenario.
pub const KIND: &str = "scenario";

/// `kind: scenario`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsScenario;

words!(IsScenario, "`scenario`", ["scenario" => Self]);
words!(Form, "`tabletop`, `drill` or `functional`", [
    "tabletop" => Self::Tabletop, "drill" => Self::Drill, "functional" => Self::Functional,
]);
words!(Side, "`player`, `facilitator`, `evaluator`, `observer` or `simulation_cell`", [
    "player" => Self::Player, "facilitator" => Self::Facilitator, "evaluator" => Self::Evaluator,
    "observer" => Self::Observer, "simulation_cell" => Self::SimulationCell,
]);
words!(Means, "`alert`, `email`, `phone`, `chat`, `log`, `news` or `regulator`", [
    "alert" => Self::Alert, "email" => Self::Email, "phone" => Self::Phone, "chat" => Self::Chat,
    "log" => Self::Log, "news" => Self::News, "regulator" => Self::Regulator,
]);
words!(Purpose, "`run`, `dry_run` or `roll_back`", [
    "run" => Self::Run, "dry_run" => Self::DryRun, "roll_back" => Self::RollBack,
]);

/// What a colleague says when asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SaysWord {
    Approve,
    Deny,
    Nothing,
}

words!(SaysWord, "`approve`, `deny` or `nothing`", [
    "approve" => Self::Approve, "deny" => Self::Deny, "nothing" => Self::Nothing,
]);

/// Simulated seconds a real one, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale(pub u32);

impl Leaf for Scale {
    const WANTED: &'static str = "a number from 0.001 to 3600, such as `6` or `0.5`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        if !matches!(scalar.meaning(), Meaning::Integer(_) | Meaning::Float) {
            return (None, None);
        }
        let number = scalar.text.parse::<f64>().unwrap_or(f64::NAN);
        if !(0.001..=3600.0).contains(&number) {
            return (None, None);
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 3,600,000"
        )]
        let thousandths = (number * 1000.0).round() as u32;
        (Some(Self(thousandths)), None)
    }

    fn schema() -> Json {
        json!({"type": "number", "minimum": 0.001, "maximum": 3600})
    }
}

/// A moment of the simulated clock, with the offset it is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start(pub DateTime<FixedOffset>);

impl Leaf for Start {
    const WANTED: &'static str = moments::Moment::WANTED;

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        let (moment, wrong) = moments::Moment::read(scalar);
        let start = moment.and_then(|_| DateTime::parse_from_rfc3339(&scalar.text).ok());
        (start.map(Self), wrong)
    }

    fn schema() -> Json {
        moments::Moment::schema()
    }
}

fn whole_seconds(text: &str) -> Option<u64> {
    let length = words::length(text).filter(|_| !text.contains("ms"));
    length.map(|length| length.as_secs())
}

/// Whole seconds from the start of the exercise, before it where negative: `20m`, `-12m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FromStart(pub i64);

/// The longest time before or after the start that a line of a log may be written at.
const FARTHEST: i64 = 366 * 86_400;

impl Leaf for FromStart {
    const WANTED: &'static str = "a time from the start in whole seconds, such as `20m` or `-12m`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        let text = scalar.text.as_ref();
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let seconds = whole_seconds(rest)
            .and_then(|seconds| i64::try_from(seconds).ok())
            .filter(|seconds| *seconds <= FARTHEST);
        match seconds {
            Some(seconds) => (Some(Self(sign * seconds)), None),
            None => {
                let hint = "the units are s, m, h, d and w; a year at most".to_owned();
                (None, Some(hint))
            }
        }
    }

    fn schema() -> Json {
        json!({"type": "string", "pattern": "^-?([0-9]{1,6}(s|m|h|d|w)){1,6}$", "examples": ["20m", "-12m"]})
    }
}

/// A name that clocks of the law hang on: `aware`, `gdpr-33/aware`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionName(pub String);

impl Leaf for DecisionName {
    const WANTED: &'static str = "the name of a decision such as `aware` or `gdpr-33/aware`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        let text = scalar.text.as_ref();
        let plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-./".contains(&byte)
        };
        let good = (1..=64).contains(&text.len()) && text.bytes().all(plain);
        if good && scalar.meaning() == Meaning::Text {
            return (Some(Self(text.to_owned())), None);
        }
        (
            None,
            Some("a-z, 0-9, `_`, `-`, `.` and `/`, at most 64".to_owned()),
        )
    }

    fn schema() -> Json {
        json!({"type": "string", "pattern": "^[a-z0-9_./-]{1,64}$"})
    }
}

/// A number of whole seconds, one at least: `7s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Every(pub u32);

impl Leaf for Every {
    const WANTED: &'static str = "whole seconds, one at least, such as `7s`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        let seconds = whole_seconds(&scalar.text)
            .and_then(|seconds| u32::try_from(seconds).ok())
            .filter(|seconds| *seconds > 0);
        (seconds.map(Self), None)
    }

    fn schema() -> Json {
        json!({"type": "string", "allOf": [
            {"pattern": "^([0-9]{1,6}(s|m|h|d|w)){1,6}$"}, {"pattern": "[1-9]"}
        ], "examples": ["7s"]})
    }
}

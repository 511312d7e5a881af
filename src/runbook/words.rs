//! The scalars of runbook and policy: names, durations, sizes, days and words of a fixed set.
//! Knows no key of any file.

use std::time::Duration;

use chrono::NaiveDate;
use serde_json::{Value as Json, json};

use super::decode::Leaf;
use super::model::{InputKind, LineClass, NotWho, Risk, Severity, StepId};
use super::problem::{nearest, quoted};
use super::yaml::{Meaning, Scalar};

/// Any text; a number or boolean is taken as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(pub String);

impl Leaf for Text {
    const WANTED: &'static str = "text";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        match scalar.meaning() {
            Meaning::Null => (None, None),
            _ => (Some(Self(scalar.text.clone().into_owned())), None),
        }
    }

    fn schema() -> Json {
        json!({"type": ["string", "number", "boolean"]})
    }
}

/// An id of a runbook or step: `[a-z0-9][a-z0-9-]*`, at most 64 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id(pub String);

/// Whether this can be an id.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

impl Leaf for Id {
    const WANTED: &'static str = "an id such as `revoke-key`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        if !matches!(scalar.meaning(), Meaning::Text | Meaning::Integer(_)) {
            return (None, None);
        }
        let text = scalar.text.as_ref();
        if is_id(text) {
            return (Some(Self(text.to_owned())), None);
        }
        let wrong = format!(
            "{} is not an id: lower-case letters, digits and `-`, at most 64",
            quoted(text)
        );
        (Some(Self(text.to_owned())), Some(wrong))
    }

    fn schema() -> Json {
        json!({"type": ["string", "integer"], "minimum": 0, "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"})
    }
}

/// The name of a value, and of the environment variable scripts see: `[a-z_][a-z0-9_]*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(pub String);

/// Whether this can be the name of a value.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl Leaf for Name {
    const WANTED: &'static str = "a name such as `key_id`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        let text = scalar.text.as_ref();
        if is_name(text) && scalar.meaning() == Meaning::Text {
            return (Some(Self(text.to_owned())), None);
        }
        (
            None,
            Some(
                "lower-case letters, digits and `_`, beginning with a letter, at most 64"
                    .to_owned(),
            ),
        )
    }

    fn schema() -> Json {
        json!({"type": "string", "pattern": "^[a-z_][a-z0-9_]{0,63}$"})
    }
}

/// A name of a role, log, channel, audience or person: `[A-Za-z0-9][A-Za-z0-9._-]*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(pub String);

impl Leaf for Label {
    const WANTED: &'static str = "a name such as `auth`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        let text = scalar.text.as_ref();
        let good = text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if good && matches!(scalar.meaning(), Meaning::Text | Meaning::Integer(_)) {
            return (Some(Self(text.to_owned())), None);
        }
        (
            None,
            Some("letters, digits, `.`, `_` and `-`, at most 64".to_owned()),
        )
    }

    fn schema() -> Json {
        json!({"type": ["string", "integer"], "minimum": 0, "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"})
    }
}

/// A length of time as written: `500ms`, `30s`, `1h30m`, `90d`, `2w`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length(pub Duration);

/// Reads `30s`, `15m`, `1h30m`, `90d`, `2w`, `500ms`. At most six parts of at most six digits.
#[must_use]
pub fn length(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    for _ in 0..6 {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || digits > 6 {
            return None;
        }
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let units: [(&str, u64); 6] = [
            ("ms", 1),
            ("s", 1_000),
            ("m", 60_000),
            ("h", 3_600_000),
            ("d", 86_400_000),
            ("w", 604_800_000),
        ];
        let (unit, millis) = units.into_iter().find(|(unit, _)| rest.starts_with(unit))?;
        rest = &rest[unit.len()..];
        total += Duration::from_millis(number * millis);
        if rest.is_empty() {
            return Some(total);
        }
    }
    None
}

impl Leaf for Length {
    const WANTED: &'static str = "a duration such as `30s`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        if let (Meaning::Text, Some(length)) = (scalar.meaning(), length(&scalar.text)) {
            return (Some(Self(length)), None);
        }
        let hint = match scalar.meaning() {
            Meaning::Integer(Some(number)) => format!("say the unit: `{number}s`, `{number}m`"),
            _ => "the units are ms, s, m, h, d and w".to_owned(),
        };
        (None, Some(hint))
    }

    fn schema() -> Json {
        json!({"type": "string", "pattern": "^([0-9]{1,6}(ms|s|m|h|d|w)){1,6}$", "examples": ["30s", "15m", "90d"]})
    }
}

/// A number of bytes as written: `65536`, `64KiB`, `1MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl Leaf for Size {
    const WANTED: &'static str = "a size such as `64KiB`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        let text = scalar.text.as_ref();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let unit = match &text[digits..] {
            "" | "B" => Some(1),
            "KiB" => Some(1 << 10),
            "MiB" => Some(1 << 20),
            "GiB" => Some(1 << 30),
            _ => None,
        };
        let number: Option<u64> = (1..=9)
            .contains(&digits)
            .then(|| text[..digits].parse().ok())
            .flatten();
        match (number, unit) {
            (Some(number), Some(unit)) => (Some(Self(number * unit)), None),
            _ => (None, Some("bytes, or KiB, MiB, GiB".to_owned())),
        }
    }

    fn schema() -> Json {
        json!({"anyOf": [
            {"type": "integer", "minimum": 0, "maximum": 999_999_999},
            {"type": "string", "pattern": "^[0-9]{1,9}(B|KiB|MiB|GiB)?$"}
        ]})
    }
}

/// A calendar day: `2026-10-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(pub NaiveDate);

impl Leaf for Day {
    const WANTED: &'static str = "a day such as `2026-10-01`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        let text = scalar.text.as_ref();
        let day = (text.len() == 10 && text.as_bytes()[0].is_ascii_digit())
            .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
            .flatten();
        match day {
            Some(day) => (Some(Self(day)), None),
            None => (None, Some("year-month-day".to_owned())),
        }
    }

    fn schema() -> Json {
        json!({"type": "string", "format": "date",
            "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"})
    }
}

/// `true` or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag(pub bool);

impl Leaf for Flag {
    const WANTED: &'static str = "`true` or `false`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        match scalar.meaning() {
            Meaning::Bool(value) => (Some(Self(value)), None),
            _ => (None, None),
        }
    }

    fn schema() -> Json {
        json!({"type": "boolean"})
    }
}

/// How many, at least 1 and at most 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(pub u32);

impl Leaf for Count {
    const WANTED: &'static str = "a number from 1 to 1000";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        match scalar.meaning() {
            Meaning::Integer(Some(number @ 1..=1000)) => {
                (u32::try_from(number).ok().map(Self), None)
            }
            _ => (None, None),
        }
    }

    fn schema() -> Json {
        json!({"type": "integer", "minimum": 1, "maximum": 1000})
    }
}

/// How many approvals. Zero would be a gate that is always open: it is read, and reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approvals(pub u32);

impl Leaf for Approvals {
    const WANTED: &'static str = "a number from 1 to 100";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        match scalar.meaning() {
            Meaning::Integer(Some(0)) => {
                let wrong = "a checkpoint with 0 approvals is always open: ask for 1, or leave the checkpoint out";
                (Some(Self(0)), Some(wrong.to_owned()))
            }
            Meaning::Integer(Some(number @ 1..=100)) => {
                (u32::try_from(number).ok().map(Self), None)
            }
            _ => (None, None),
        }
    }

    fn schema() -> Json {
        json!({"type": "integer", "minimum": 1, "maximum": 100})
    }
}

/// An exit status, 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(pub i32);

impl Leaf for Exit {
    const WANTED: &'static str = "an exit status from 0 to 255";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        match scalar.meaning() {
            Meaning::Integer(Some(number @ 0..=255)) => {
                (i32::try_from(number).ok().map(Self), None)
            }
            _ => (None, None),
        }
    }

    fn schema() -> Json {
        json!({"type": "integer", "minimum": 0, "maximum": 255})
    }
}

/// Who must not be among the approvers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Not(pub NotWho);

impl Leaf for Not {
    const WANTED: &'static str = "`performer`, `requester`, `author` or `approver-of:STEP`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        let text = scalar.text.as_ref();
        let who = match text {
            "performer" => Some(NotWho::Performer),
            "requester" => Some(NotWho::Requester),
            "author" => Some(NotWho::Author),
            _ => text
                .strip_prefix("approver-of:")
                .filter(|step| is_id(step))
                .map(|step| NotWho::ApproverOf(StepId::from(step))),
        };
        let hint = match who {
            Some(_) => None,
            None => nearest(text, ["performer", "requester", "author"])
                .map(|word| format!("did you mean {}?", quoted(word))),
        };
        (who.map(Self), hint)
    }

    fn schema() -> Json {
        json!({"anyOf": [
            {"enum": ["performer", "requester", "author"]},
            {"type": "string", "pattern": "^approver-of:[a-z0-9][a-z0-9-]{0,63}$"}
        ]})
    }
}

/// A fixed set of words. Where it is used, `Leaf`, `Scalar`, `Json`, `json`, `nearest` and `quoted` have to be known.
macro_rules! words {
    ($type:ty, $wanted:literal, [$($word:literal => $value:expr),* $(,)?]) => {
        impl Leaf for $type {
            const WANTED: &'static str = $wanted;

            fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
                match scalar.text.as_ref() {
                    $($word => (Some($value), None),)*
                    other => {
                        let near = nearest(other, [$($word),*]);
                        (None, near.map(|word| format!("did you mean {}?", quoted(word))))
                    }
                }
            }

            fn schema() -> Json {
                json!({"enum": [$($word),*]})
            }
        }
    };
}

pub(crate) use words;

words!(Severity, "one of `sev1` to `sev5`", [
    "sev1" => Self::Sev1, "sev2" => Self::Sev2, "sev3" => Self::Sev3, "sev4" => Self::Sev4, "sev5" => Self::Sev5,
]);
words!(Risk, "`routine`, `privileged` or `destructive`", [
    "routine" => Self::Routine, "privileged" => Self::Privileged, "destructive" => Self::Destructive,
]);
words!(LineClass, "`note`, `adversary`, `impact`, `response`, `comms` or `system`", [
    "note" => Self::Note, "adversary" => Self::Adversary, "impact" => Self::Impact, "response" => Self::Response,
    "comms" => Self::Comms, "system" => Self::System
]);
words!(InputKind, "`text`, `integer`, `boolean` or `time`", [
    "text" => Self::Text, "integer" => Self::Integer, "boolean" => Self::Boolean, "time" => Self::Time,
]);

macro_rules! word_set {
    ($(#[$doc:meta])* $name:ident, $wanted:literal, [$($word:literal),* $(,)?]) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub &'static str);

        impl $name {
            /// Every word.
            pub const WORDS: &'static [&'static str] = &[$($word),*];
        }

        words!($name, $wanted, [$($word => Self($word)),*]);
    };
}

word_set!(
    /// What an update says about the state of things.
    UpdateState, "`investigating`, `identified`, `monitoring` or `resolved`",
    ["investigating", "identified", "monitoring", "resolved"]
);
word_set!(
    /// A point of an incident that time is counted from.
    Milestone, "a milestone such as `detected`",
    ["started", "detected", "acknowledged", "declared", "escalated", "contained", "mitigated", "eradicated",
     "recovered", "resolved", "closed"]
);
word_set!(
    /// How far something may travel (Traffic Light Protocol 2.0).
    Tlp, "`clear`, `green`, `amber`, `amber+strict` or `red`",
    ["clear", "green", "amber", "amber+strict", "red"]
);
word_set!(
    /// What a failure is followed by, where it is one word.
    FailureWord, "`stop`, `continue` or `{next: STEP}`", ["stop", "continue"]
);
word_set!(
    /// What becomes of authors nobody knows.
    UnknownAuthors, "`refuse` or `allow`", ["refuse", "allow"]
);
word_set!(
    /// That something has to be so.
    Required, "`required`", ["required"]
);
word_set!(
    /// How the lines of a log say when they were written.
    LogFormat, "a format such as `nginx`",
    ["json", "docker", "logfmt", "rfc5424", "iso", "rfc3339", "log4j", "logback", "python", "postgresql", "cri",
     "openstack", "mysql", "rfc3164", "syslog", "syslog-ng", "nginx", "apache", "combined", "haproxy", "nginx-error",
     "go", "apache-error", "klog", "glog", "auditd", "windows", "day-first", "tomcat", "redis", "bind", "spark",
     "compact", "healthapp", "hdfs", "android", "proxifier", "epoch", "bgl", "thunderbird", "hpc", "squid"]
);
word_set!(
    /// How a webhook's body looks.
    HookShape, "`generic`, `slack`, `teams` or `discord`; `json` is `generic`",
    ["generic", "slack", "teams", "discord", "json"]
);
word_set!(
    /// How a mail is kept from being read on its way.
    MailTls, "`starttls`, `tls` or `none`", ["starttls", "tls", "none"]
);

/// `whole: true`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Yes;

impl Leaf for Yes {
    const WANTED: &'static str = "`true`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        (
            (scalar.meaning() == Meaning::Bool(true)).then_some(Self),
            None,
        )
    }

    fn schema() -> Json {
        json!({"const": true})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_needs_its_unit_and_may_have_several_parts() {
        assert_eq!(length("30s"), Some(Duration::from_secs(30)));
        assert_eq!(length("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(length("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(
            length("999999w999999w999999w999999w999999w999999w").map(|l| l.as_secs()),
            Some(3_628_796_371_200)
        );
        for wrong in [
            "",
            "30",
            "s",
            "-3s",
            "3 s",
            "1234567s",
            "1s1s1s1s1s1s1s",
            "３s",
        ] {
            assert_eq!(length(wrong), None, "{wrong}");
        }
    }
}

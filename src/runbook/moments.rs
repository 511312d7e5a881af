//! The scalars that say when: a moment with its offset, a time of the week, an offset alone. Knows no key of any file.

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::decode::Leaf;
use super::freeze::{TimeOfWeek, Zone};
use super::yaml::Scalar;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// A moment, to the second, with its offset: `2026-12-20T00:00:00+01:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub DateTime<Utc>);

const MOMENT: &str = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\
(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";

/// Reads RFC 3339 with capital letters, whole seconds and no leap second.
#[must_use]
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    let plain = text.bytes().enumerate().all(|(at, byte)| match at {
        10 => byte == b'T',
        _ => byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b':' | b'Z'),
    });
    let whole = plain && text.as_bytes().get(17..19) != Some(b"60");
    let read = whole.then(|| DateTime::parse_from_rfc3339(text).ok())?;
    read.map(|moment| moment.with_timezone(&Utc))
}

impl Leaf for Moment {
    const WANTED: &'static str = "a moment such as `2026-12-20T00:00:00Z`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        match moment(&scalar.text) {
            Some(moment) => (Some(Self(moment)), None),
            None => (
                None,
                Some(
                    "year-month-dayThour:minute:second and `Z` or an offset such as `+01:00`"
                        .to_owned(),
                ),
            ),
        }
    }

    fn schema() -> Json {
        json!({"type": "string", "format": "date-time", "pattern": MOMENT})
    }
}

/// A time of the week: `Fri 16:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeekTime(pub TimeOfWeek);

impl Leaf for WeekTime {
    const WANTED: &'static str = "a time of the week such as `Fri 16:00`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        let read = || {
            let (day, clock) = scalar.text.split_once(' ')?;
            let day = DAYS.iter().position(|name| *name == day)?;
            let (hour, minute) = two(clock)?;
            TimeOfWeek::new(u32::try_from(day).ok()?, hour, minute)
        };
        match read() {
            Some(time) => (Some(Self(time)), None),
            None => (
                None,
                Some(format!("one of {} and hour:minute", DAYS.join(", "))),
            ),
        }
    }

    fn schema() -> Json {
        json!({"type": "string", "pattern": "^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01][0-9]|2[0-3]):[0-5][0-9]$"})
    }
}

/// An offset from UTC: `+01:00`, `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset(pub Zone);

impl Leaf for Offset {
    const WANTED: &'static str = "an offset such as `+01:00`";

    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>) {
        let text = scalar.text.as_ref();
        let signed = |sign: i32, clock: &str| {
            let (hour, minute) = two(clock).filter(|(hour, minute)| *hour < 24 && *minute < 60)?;
            Some(Zone(sign * i32::try_from(hour * 60 + minute).ok()?))
        };
        let zone = match text.as_bytes().first() {
            Some(b'Z') if text == "Z" => Some(Zone(0)),
            Some(b'+') => signed(1, &text[1..]),
            Some(b'-') => signed(-1, &text[1..]),
            _ => None,
        };
        let hint = "a fixed offset: the names of time zones mean something else on every machine";
        match zone {
            Some(zone) => (Some(Self(zone)), None),
            None => (None, Some(hint.to_owned())),
        }
    }

    fn schema() -> Json {
        json!({"type": "string", "pattern": "^(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"})
    }
}

/// `HH:MM`, both of two digits.
fn two(clock: &str) -> Option<(u32, u32)> {
    let digits = |text: &str| {
        let good = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        good.then(|| text.parse().ok()).flatten()
    };
    let (hour, minute) = clock.split_once(':')?;
    Some((digits(hour)?, digits(minute)?))
}

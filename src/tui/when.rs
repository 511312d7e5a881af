//! Times in words: clocks, ages, spans, and what people type when they mean one. Knows no clock; `now` is given.

use chrono::{DateTime, Duration, FixedOffset, NaiveTime, Offset, Utc};

use crate::engine::event::Fidelity;

/// Which clock is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(pub FixedOffset);

impl Zone {
    /// UTC, or the offset of this moment.
    #[must_use]
    pub fn new(local: bool, now: DateTime<FixedOffset>) -> Self {
        Self(if local { *now.offset() } else { Utc.fix() })
    }

    /// `14:02:11`
    #[must_use]
    pub fn clock(self, time: DateTime<impl chrono::TimeZone>) -> String {
        time.with_timezone(&self.0).format("%H:%M:%S").to_string()
    }

    /// `14:02`
    #[must_use]
    pub fn minute(self, time: DateTime<impl chrono::TimeZone>) -> String {
        time.with_timezone(&self.0).format("%H:%M").to_string()
    }

    /// `2026-11-23 14:02:11`
    #[must_use]
    pub fn stamp(self, time: DateTime<impl chrono::TimeZone>) -> String {
        time.with_timezone(&self.0)
            .format("%Y-%m-%d %H:%M:%S")
            .to_string()
    }

    /// `2026-11-23`
    #[must_use]
    pub fn day(self, time: DateTime<impl chrono::TimeZone>) -> String {
        time.with_timezone(&self.0).format("%Y-%m-%d").to_string()
    }

    /// `UTC`, `+02:00`
    #[must_use]
    pub fn name(self) -> String {
        if self.0.local_minus_utc() == 0 {
            "UTC".to_owned()
        } else {
            self.0.to_string()
        }
    }
}

/// `T+00:41`: hours and minutes since.
#[must_use]
pub fn since(start: DateTime<FixedOffset>, now: DateTime<FixedOffset>) -> String {
    let minutes = (now - start).num_minutes();
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    format!("T{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `12m ago`, never finer than a minute so that a screen at rest stays at rest.
#[must_use]
pub fn ago(then: DateTime<FixedOffset>, now: DateTime<FixedOffset>) -> String {
    let span = now - then;
    if span.num_minutes() < 1 {
        "just now".to_owned()
    } else {
        format!("{} ago", rough(span))
    }
}

/// `12m`, `3h`, `53d`.
#[must_use]
pub fn rough(span: Duration) -> String {
    if span.num_minutes() < 1 {
        "<1m".to_owned()
    } else if span.num_hours() < 2 {
        format!("{}m", span.num_minutes())
    } else if span.num_days() < 2 {
        format!("{}h", span.num_hours())
    } else {
        format!("{}d", span.num_days())
    }
}

/// `02:10`, `1:02:10`: how long something took.
#[must_use]
pub fn took(span: Duration) -> String {
    let seconds = span.num_seconds().max(0);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// `30s`, `5m`, `1h30m`, `2d`: a span as runbooks write it.
#[must_use]
pub fn span(span: std::time::Duration) -> String {
    let seconds = span.as_secs();
    let mut text = String::new();
    for (unit, length) in [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)] {
        let rest = match unit {
            "d" => seconds,
            "h" => seconds % 86400,
            "m" => seconds % 3600,
            _ => seconds % 60,
        };
        if rest / length > 0 {
            text.push_str(&format!("{}{unit}", rest / length));
        }
    }
    if text.is_empty() {
        text.push_str("0s");
    }
    text
}

/// Takes a time off the front of what was typed: `13:40`, `13:40:07`, `-12m`, `-2h`, RFC 3339. A bare clock time is the
/// latest such moment that is not in the future. Gives the time, how exact it is, and the rest.
#[must_use]
pub fn typed(
    text: &str,
    now: DateTime<FixedOffset>,
    zone: Zone,
) -> Option<(DateTime<FixedOffset>, Fidelity, &str)> {
    let text = text.trim();
    let (head, rest) = text
        .split_once(char::is_whitespace)
        .map_or((text, ""), |(head, rest)| (head, rest.trim()));
    if let Ok(time) = DateTime::parse_from_rfc3339(head) {
        return Some((time, Fidelity::Exact, rest));
    }
    if let Some(back) = head.strip_prefix('-') {
        let unit = back.chars().last()?;
        let count: i64 = back.strip_suffix(unit)?.parse().ok()?;
        let span = match unit {
            's' => Duration::try_seconds(count),
            'm' => Duration::try_minutes(count),
            'h' => Duration::try_hours(count),
            'd' => Duration::try_days(count),
            _ => None,
        }?;
        let time = now.with_timezone(&zone.0).checked_sub_signed(span)?;
        return Some((time, Fidelity::Minute, rest));
    }
    let (clock, fidelity) = NaiveTime::parse_from_str(head, "%H:%M:%S")
        .map(|clock| (clock, Fidelity::Exact))
        .or_else(|_| {
            NaiveTime::parse_from_str(head, "%H:%M").map(|clock| (clock, Fidelity::Minute))
        })
        .ok()?;
    let today = now.with_timezone(&zone.0).date_naive().and_time(clock);
    let time = today.and_local_timezone(zone.0).single()?;
    let time = if time > now {
        time.checked_sub_signed(Duration::try_days(1)?)?
    } else {
        time
    };
    Some((time, fidelity, rest))
}

/// A time that comes: `18:30` is the next such moment, `10m` counts from now, RFC 3339 is itself.
#[must_use]
pub fn ahead(text: &str, now: DateTime<FixedOffset>, zone: Zone) -> Option<DateTime<FixedOffset>> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return (time > now).then_some(time);
    }
    if let Some(length) = crate::runbook::words::length(text) {
        return now.checked_add_signed(Duration::from_std(length).ok()?);
    }
    let clock = ["%H:%M:%S", "%H:%M"]
        .iter()
        .find_map(|form| NaiveTime::parse_from_str(text, form).ok())?;
    let today = now.with_timezone(&zone.0).date_naive().and_time(clock);
    let time = today.and_local_timezone(zone.0).single()?;
    if time > now {
        return Some(time);
    }
    time.checked_add_signed(Duration::try_days(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339(text).unwrap()
    }

    #[test]
    fn a_typed_time_is_the_latest_such_moment() {
        let now = at("2026-11-23T14:02:11+00:00");
        let zone = Zone::new(false, now);
        let (time, fidelity, rest) = typed("13:40 first page", now, zone).unwrap();
        assert_eq!(time, at("2026-11-23T13:40:00+00:00"));
        assert_eq!((fidelity, rest), (Fidelity::Minute, "first page"));
        let (time, _, _) = typed("23:10", now, zone).unwrap();
        assert_eq!(time, at("2026-11-22T23:10:00+00:00"));
        let (time, _, rest) = typed("-12m paged", now, zone).unwrap();
        assert_eq!((time, rest), (at("2026-11-23T13:50:11+00:00"), "paged"));
        assert!(typed("first page", now, zone).is_none());
        assert!(typed("-99999999999999d x", now, zone).is_none());
        assert!(typed("-é x", now, zone).is_none());
    }

    #[test]
    fn a_time_ahead_is_the_next_such_moment() {
        let now = at("2026-11-23T14:02:11+00:00");
        let zone = Zone::new(false, now);
        let to = |text| ahead(text, now, zone);
        assert_eq!(to("18:30"), Some(at("2026-11-23T18:30:00+00:00")));
        assert_eq!(to("13:40"), Some(at("2026-11-24T13:40:00+00:00")));
        assert_eq!(to("1h30m"), Some(at("2026-11-23T15:32:11+00:00")));
        assert_eq!(to("2026-11-23T14:00:00Z"), None);
        assert_eq!(to("soon"), None);
    }

    #[test]
    fn spans_read_as_people_write_them() {
        assert_eq!(took(Duration::seconds(130)), "02:10");
        assert_eq!(took(Duration::seconds(3730)), "1:02:10");
        assert_eq!(rough(Duration::days(53)), "53d");
        assert_eq!(span(std::time::Duration::from_secs(5400)), "1h30m");
        let now = at("2026-11-23T14:02:11+00:00");
        assert_eq!(since(now - Duration::minutes(41), now), "T+00:41");
        assert_eq!(ago(now - Duration::seconds(20), now), "just now");
    }
}

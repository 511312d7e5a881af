//! Times as people type them: `13:40`, `-12m`, RFC 3339. The clock comes in as an argument.

use chrono::{DateTime, FixedOffset, NaiveDateTime, NaiveTime, TimeDelta};

/// Reads `13:40` or `13:40:05` (the latest such time that has passed, in the offset of `now`), `-12m`, or RFC 3339.
///
/// # Errors
/// With what it takes.
pub fn read(text: &str, now: DateTime<FixedOffset>) -> Result<DateTime<FixedOffset>, String> {
    let text = text.trim();
    if let Some(ago) = text.strip_prefix('-') {
        return span(ago)
            .and_then(|span| now.checked_sub_signed(span))
            .ok_or_else(|| wrong(text));
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time);
    }
    for form in [
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M",
    ] {
        if let Ok(naive) = NaiveDateTime::parse_from_str(text, form) {
            return naive
                .and_local_timezone(now.timezone())
                .single()
                .ok_or_else(|| wrong(text));
        }
    }
    let time = ["%H:%M:%S", "%H:%M"]
        .iter()
        .find_map(|form| NaiveTime::parse_from_str(text, form).ok())
        .ok_or_else(|| wrong(text))?;
    let today = now
        .date_naive()
        .and_time(time)
        .and_local_timezone(now.timezone())
        .single();
    let today = today.ok_or_else(|| wrong(text))?;
    Ok(if today > now {
        today - TimeDelta::days(1)
    } else {
        today
    })
}

/// Reads a time that comes: `18:30` (the next such time, in the offset of `now`), `10m` from now, or RFC 3339.
///
/// # Errors
/// With what it takes.
pub fn next(text: &str, now: DateTime<FixedOffset>) -> Result<DateTime<FixedOffset>, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "`{}` is no time ahead: 18:30, 10m, or 2026-11-23T18:30:00Z",
            text.escape_debug()
        )
    };
    if let Some(ahead) = span(text) {
        return now.checked_add_signed(ahead).ok_or_else(wrong);
    }
    let time = read(text, now).map_err(|_| wrong())?;
    Ok(if time <= now && text.len() <= 8 {
        time + TimeDelta::days(1)
    } else {
        time
    })
}

/// Reads `30s`, `12m`, `2h`, `3d`.
#[must_use]
pub fn span(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().last()?;
    let count: i64 = text[..text.len() - unit.len_utf8()]
        .parse()
        .ok()
        .filter(|count| *count >= 0)?;
    match unit {
        's' => TimeDelta::try_seconds(count),
        'm' => TimeDelta::try_minutes(count),
        'h' => TimeDelta::try_hours(count),
        'd' => TimeDelta::try_days(count),
        _ => None,
    }
}

fn wrong(text: &str) -> String {
    format!(
        "`{}` is no time: 13:40, -12m, or 2026-11-23T13:40:00Z",
        text.escape_debug()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339(text).unwrap()
    }

    #[test]
    fn a_time_of_day_is_the_latest_that_has_passed() {
        let now = at("2026-11-23T14:02:11+01:00");
        assert_eq!(read("13:40", now), Ok(at("2026-11-23T13:40:00+01:00")));
        assert_eq!(read("23:10", now), Ok(at("2026-11-22T23:10:00+01:00")));
        assert_eq!(read("-12m", now), Ok(at("2026-11-23T13:50:11+01:00")));
        assert_eq!(
            read("2026-11-20T08:00:00Z", now),
            Ok(at("2026-11-20T08:00:00Z"))
        );
        assert_eq!(next("15:10", now), Ok(at("2026-11-23T15:10:00+01:00")));
        assert_eq!(next("13:40", now), Ok(at("2026-11-24T13:40:00+01:00")));
        assert_eq!(next("10m", now), Ok(at("2026-11-23T14:12:11+01:00")));
        assert!(next("soon", now).is_err());
        for wrong in [
            "",
            "25:00",
            "-12",
            "-m",
            "-5é",
            "yesterday",
            "-99999999999999999d",
        ] {
            assert!(read(wrong, now).is_err(), "{wrong}");
        }
    }
}

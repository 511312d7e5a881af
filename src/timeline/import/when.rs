//! Times as other programs write them.

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeZone, Utc};

use crate::engine::event::Fidelity;

/// A time with how well it is told. RFC 3339; a date and a time of day with a blank or `T` between, with or without
/// seconds and offset, in UTC where there is none; seconds, milliseconds or microseconds since 1970.
pub(super) fn read(text: &str) -> Option<(DateTime<FixedOffset>, Fidelity)> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some((at, Fidelity::Exact));
    }
    let spaced = text.replacen('T', " ", 1);
    for (form, fidelity) in [
        ("%Y-%m-%d %H:%M:%S%.f", Fidelity::Exact),
        ("%Y-%m-%d %H:%M", Fidelity::Minute),
    ] {
        if let Ok(at) = NaiveDateTime::parse_from_str(&spaced, form) {
            return Some((at.and_utc().fixed_offset(), fidelity));
        }
        for zone in ["%#z", " %#z"] {
            if let Ok(at) = DateTime::parse_from_str(&spaced, &format!("{form}{zone}")) {
                return Some((at, fidelity));
            }
        }
    }
    number(text).map(|at| (at, Fidelity::Exact))
}

fn number(text: &str) -> Option<DateTime<FixedOffset>> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    let micros = match whole.len() {
        1..=10 => {
            let part: i64 = format!("{part:0<6}").get(..6)?.parse().ok()?;
            number.checked_mul(1_000_000)?.checked_add(part)?
        }
        13 => number.checked_mul(1000)?,
        16 => number,
        _ => return None,
    };
    let at = Utc.timestamp_micros(micros).single()?;
    Some(at.fixed_offset())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_other_programs_are_read() {
        for (text, at, fidelity) in [
            (
                "2026-11-23T14:05:00+01:00",
                "2026-11-23T14:05:00+01:00",
                Fidelity::Exact,
            ),
            (
                "2026-11-23 13:05:00.250",
                "2026-11-23T13:05:00.250Z",
                Fidelity::Exact,
            ),
            ("2026-11-23 13:05", "2026-11-23T13:05:00Z", Fidelity::Minute),
            (
                "2026-11-23T13:05+0100",
                "2026-11-23T13:05:00+01:00",
                Fidelity::Minute,
            ),
            (
                "2026-11-23 13:05:00 +01:00",
                "2026-11-23T13:05:00+01:00",
                Fidelity::Exact,
            ),
            ("1764077460", "2025-11-25T13:31:00Z", Fidelity::Exact),
            (
                "1764077460.000100",
                "2025-11-25T13:31:00.000100Z",
                Fidelity::Exact,
            ),
            ("1764077460000", "2025-11-25T13:31:00Z", Fidelity::Exact),
            (
                "1764077460000100",
                "2025-11-25T13:31:00.000100Z",
                Fidelity::Exact,
            ),
        ] {
            let expected = DateTime::parse_from_rfc3339(at).unwrap();
            assert_eq!(read(text), Some((expected, fidelity)), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "23.11.2026",
            "2026-13-01 00:00",
            "-1",
            "99999999999999999999",
            "1.é",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

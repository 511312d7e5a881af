//! The time zones a log may be in. Knows nothing of logs.

use chrono_tz::{TZ_VARIANTS, Tz};

use super::problem::{nearest, quoted};

/// `UTC`, `Z`, an offset such as `+02:00` or a name of the IANA database such as `Europe/Berlin`.
#[must_use]
pub fn is_zone(text: &str) -> bool {
    matches!(text, "Z" | "z") || text.parse::<Tz>().is_ok() || is_offset(text.as_bytes())
}

/// `+02:00`, `+0200`, `+02`: to the quarter of an hour, at most fourteen and three quarters.
fn is_offset(text: &[u8]) -> bool {
    let digits: Vec<u8> = match text {
        [b'+' | b'-', a, b] => vec![*a, *b, b'0', b'0'],
        [b'+' | b'-', a, b, c, d] | [b'+' | b'-', a, b, b':', c, d] => vec![*a, *b, *c, *d],
        _ => return false,
    };
    let number = |two: &[u8]| std::str::from_utf8(two).ok()?.parse::<u8>().ok();
    digits.iter().all(u8::is_ascii_digit)
        && number(&digits[..2]).is_some_and(|hours| hours <= 14)
        && number(&digits[2..]).is_some_and(|minutes| matches!(minutes, 0 | 15 | 30 | 45))
}

/// What may have been meant.
pub(super) fn hint(wrong: &str) -> String {
    match nearest(wrong, TZ_VARIANTS.iter().map(|zone| zone.name())) {
        Some(name) => format!("did you mean {}?", quoted(name)),
        None => {
            "`UTC`, an offset such as `+02:00` or an IANA name such as `Europe/Berlin`".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_zone_is_recognised() {
        assert!(is_zone("Europe/Berlin") && is_zone("UTC") && is_zone("-03:30"));
        assert!(!is_zone("Europe/Berlinn") && !is_zone("+15:00") && !is_zone("CEST2"));
        assert_eq!(hint("europe/berlin"), "did you mean `Europe/Berlin`?");
        assert!(hint("Mars").starts_with("`UTC`"));
    }
}

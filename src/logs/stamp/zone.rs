//! The zone that stamps without an offset are in. Knows nothing of formats.
//!
//! Where clocks are set back, a local time comes twice: it is read as the earlier of the two. Where they are set
//! forward, some local times never are: such a time is read as the one that a clock not yet set forward would show, so
//! 02:30 becomes 03:30. Both depend on the line alone, never on those around it.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{MappedLocalTime, NaiveDateTime, Offset as _, TimeDelta, TimeZone as _};
use chrono_tz::Tz;

use super::Stamp;
use super::civil::Reader;

/// UTC, a fixed offset, or a zone of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Seconds east of UTC.
    Fixed(i32),
    Named(Tz),
}

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(Kind::Fixed(0));

    /// `UTC`, `Z`, `+02:00`, `-0330` or a name of the IANA database such as `Europe/Berlin`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader::new(text.as_bytes(), 0);
        let offset = reader.offset().filter(|_| reader.rest().is_empty());
        if let (Some(offset), false) = (offset, text.starts_with(' ')) {
            return Some(Self(Kind::Fixed(offset)));
        }
        text.parse().ok().map(|zone| Self(Kind::Named(zone)))
    }

    /// By how many nanoseconds its clocks are set back, at most, within a day of this time: so far may the stamps of lines
    /// step back that say no offset.
    #[must_use]
    pub fn set_back(self, from: Stamp, to: Stamp) -> u64 {
        let Kind::Named(zone) = self.0 else {
            return 0;
        };
        let (day, step) = (86_400, 1_800);
        let first = from.0.div_euclid(1_000_000_000).saturating_sub(day);
        let last = to.0.div_euclid(1_000_000_000).saturating_add(day);
        let last = last.min(first.saturating_add(MOST_STEPS * step));
        let offset = |second: i64| {
            let time = chrono::DateTime::from_timestamp(second, 0)?.naive_utc();
            let offset = zone.offset_from_utc_datetime(&time).fix();
            Some(i64::from(offset.local_minus_utc()))
        };
        let (mut second, mut before, mut back) = (first, None, 0);
        while second <= last {
            let now = offset(second);
            if let (Some(before), Some(now)) = (before, now) {
                back = back.max(before - now);
            }
            before = now;
            second += step;
        }
        back.unsigned_abs() * 1_000_000_000
    }

    /// Seconds east of UTC at this local time, which is given in seconds since 1970-01-01T00:00:00 of the same clock.
    fn east(self, local: i64) -> i64 {
        match self.0 {
            Kind::Fixed(seconds) => seconds.into(),
            Kind::Named(zone) => east(zone, local).unwrap_or(0),
        }
    }
}

/// So many half hours of a window are looked at for clocks that are set back: 25 years.
const MOST_STEPS: i64 = 438_000;

fn east(zone: Tz, local: i64) -> Option<i64> {
    let time = chrono::DateTime::from_timestamp(local, 0)?.naive_utc();
    let offset = |time: &NaiveDateTime| match zone.offset_from_local_datetime(time) {
        MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(offset, _) => {
            Some(i64::from(offset.fix().local_minus_utc()))
        }
        MappedLocalTime::None => None,
    };
    // No gap is longer than a day (Samoa left out 30 December 2011).
    offset(&time)
        .or_else(|| (1..=96).find_map(|quarter| offset(&(time - TimeDelta::minutes(15 * quarter)))))
}

/// A zone that remembers what it said last, since the lines of a log lie close together.
#[derive(Debug)]
pub(super) struct Clock {
    zone: Zone,
    /// A quarter of an hour and its offset, packed; whatever stands here is true, whoever wrote it.
    last: AtomicU64,
}

/// Seconds within which an offset is remembered.
const QUARTER: i64 = 900;
/// More than any offset has seconds, so that the sum with one is positive and fits 18 bits.
const SHIFT: i64 = 100_000;
/// Nothing remembered: no quarter has this number.
const NOTHING: u64 = u64::MAX;

impl Clock {
    pub(super) fn new(zone: Zone) -> Self {
        Self {
            zone,
            last: AtomicU64::new(NOTHING),
        }
    }

    /// This local time, in seconds, in UTC.
    pub(super) fn utc(&self, local: i64) -> i64 {
        if let Kind::Fixed(seconds) = self.zone.0 {
            return local - i64::from(seconds);
        }
        let quarter = local.div_euclid(QUARTER);
        let last = self.last.load(Ordering::Relaxed);
        if last != NOTHING && unpack(last).0 == quarter {
            return local - unpack(last).1;
        }
        let east = self.zone.east(local);
        let (first, end) = (quarter * QUARTER, quarter * QUARTER + QUARTER - 1);
        if self.zone.east(first) == east && self.zone.east(end) == east {
            self.last.store(pack(quarter, east), Ordering::Relaxed);
        }
        local - east
    }
}

fn pack(quarter: i64, east: i64) -> u64 {
    ((quarter << 18) | (east + SHIFT)).cast_unsigned()
}

fn unpack(packed: u64) -> (i64, i64) {
    let packed = packed.cast_signed();
    (packed >> 18, (packed & ((1 << 18) - 1)) - SHIFT)
}

impl Clone for Clock {
    fn clone(&self) -> Self {
        Self::new(self.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn utc(zone: &str, local: &str) -> String {
        let clock = Clock::new(Zone::parse(zone).unwrap());
        let local = NaiveDateTime::parse_from_str(local, "%F %T").unwrap();
        let seconds = clock.utc(local.and_utc().timestamp());
        assert_eq!(seconds, clock.utc(local.and_utc().timestamp()));
        DateTime::from_timestamp(seconds, 0)
            .unwrap()
            .format("%F %T")
            .to_string()
    }

    #[test]
    fn zones_are_utc_offsets_and_names() {
        assert_eq!(Zone::parse("UTC"), Some(Zone::UTC));
        assert_eq!(Zone::parse("Z"), Some(Zone::UTC));
        assert_eq!(utc("+02:00", "2026-08-17 14:00:00"), "2026-08-17 12:00:00");
        assert_eq!(utc("-0330", "2026-08-17 14:00:00"), "2026-08-17 17:30:00");
        for none in ["", " +0200", "Europe/Berlinn", "CEST", "+2", "+0200 "] {
            assert_eq!(Zone::parse(none), None, "{none}");
        }
    }

    #[test]
    fn a_local_time_that_comes_twice_is_the_earlier() {
        let berlin = |local| utc("Europe/Berlin", local);
        assert_eq!(berlin("2026-10-25 01:59:59"), "2026-10-24 23:59:59");
        assert_eq!(berlin("2026-10-25 02:30:00"), "2026-10-25 00:30:00");
        assert_eq!(berlin("2026-10-25 03:00:00"), "2026-10-25 02:00:00");
    }

    #[test]
    fn clocks_are_set_back_near_some_windows_only() {
        let at = |text: &str| Stamp::of(text.parse().unwrap());
        let hour = 3_600_000_000_000;
        for (zone, from, to, back) in [
            (
                "Europe/Berlin",
                "2026-10-25T00:10:00Z",
                "2026-10-25T00:20:00Z",
                hour,
            ),
            (
                "Europe/Berlin",
                "2026-10-25T12:00:00Z",
                "2026-10-25T12:20:00Z",
                hour,
            ),
            (
                "Europe/Berlin",
                "2026-03-29T00:10:00Z",
                "2026-03-29T02:20:00Z",
                0,
            ),
            (
                "Europe/Berlin",
                "2026-08-17T00:10:00Z",
                "2026-08-17T00:20:00Z",
                0,
            ),
            (
                "Australia/Lord_Howe",
                "2026-04-04T14:00:00Z",
                "2026-04-04T16:00:00Z",
                hour / 2,
            ),
            ("+02:00", "2026-10-25T00:10:00Z", "2026-10-25T00:20:00Z", 0),
        ] {
            let zone = Zone::parse(zone).unwrap();
            assert_eq!(zone.set_back(at(from), at(to)), back, "{zone:?} {from}");
        }
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        assert_eq!(berlin.set_back(Stamp(i64::MIN), Stamp(i64::MAX)), 0);
    }

    #[test]
    fn a_local_time_that_never_is_moves_forward() {
        let berlin = |local| utc("Europe/Berlin", local);
        assert_eq!(berlin("2026-03-29 01:59:59"), "2026-03-29 00:59:59");
        assert_eq!(berlin("2026-03-29 02:30:00"), "2026-03-29 01:30:00");
        assert_eq!(berlin("2026-03-29 03:00:00"), "2026-03-29 01:00:00");
        assert_eq!(
            utc("Pacific/Apia", "2011-12-30 12:00:00"),
            "2011-12-30 22:00:00"
        );
        assert_eq!(
            utc("Australia/Lord_Howe", "2026-10-04 02:15:00"),
            "2026-10-03 15:45:00"
        );
    }

    #[test]
    fn what_is_remembered_is_what_the_zone_says() {
        for zone in [
            "Europe/Berlin",
            "Africa/Monrovia",
            "Asia/Kathmandu",
            "America/St_Johns",
        ] {
            let zone = Zone::parse(zone).unwrap();
            let clock = Clock::new(zone);
            for step in 0..200_000_i64 {
                let local = step * 13_331 - 900_000_000;
                for local in [local, local + 300] {
                    assert_eq!(
                        clock.utc(local),
                        local - zone.east(local),
                        "{zone:?} {local}"
                    );
                }
            }
        }
    }
}

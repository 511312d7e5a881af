//! Times in which more is asked for: a freeze from one moment to another, or every week. Knows no clock: the moment is
//! given. Both ends are of the policy's own words, so that everybody who judges an event finds the same.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use serde::Serialize;

use super::model::CheckpointSpec;

const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;

/// A time in which matching steps get a checkpoint beside what they have anyhow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Freeze {
    pub name: String,
    pub period: Period,
    /// An expression as in a rule; `None` is every step.
    pub when: Option<String>,
    pub asks: CheckpointSpec,
}

/// From its first moment on, and until just before its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Period {
    Once {
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    },
    Weekly {
        from: TimeOfWeek,
        until: TimeOfWeek,
        zone: Zone,
    },
}

/// Minutes since Monday 00:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TimeOfWeek(u32);

impl TimeOfWeek {
    /// `day` counts from Monday as 0. `None` for what is no time of a day.
    #[must_use]
    pub fn new(day: u32, hour: u32, minute: u32) -> Option<Self> {
        let good = day < 7 && hour < 24 && minute < 60;
        good.then_some(Self(day * DAY + hour * 60 + minute))
    }

    fn of(at: DateTime<Utc>, zone: Zone) -> Self {
        let there = at
            .naive_utc()
            .checked_add_signed(TimeDelta::minutes(i64::from(zone.0)))
            .unwrap_or(at.naive_utc());
        Self(there.weekday().num_days_from_monday() * DAY + there.hour() * 60 + there.minute())
    }

    /// How many minutes later the other comes round; a whole week for the same.
    fn until(self, other: Self) -> u32 {
        match (other.0 + WEEK - self.0) % WEEK {
            0 => WEEK,
            minutes => minutes,
        }
    }
}

/// Minutes east of UTC. Fixed: a policy must mean the same everywhere, whatever time zone data a machine has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Zone(pub i32);

impl Period {
    /// Whether it is in force at this moment.
    #[must_use]
    pub fn contains(&self, at: DateTime<Utc>) -> bool {
        match self {
            Self::Once { from, until } => *from <= at && at < *until,
            Self::Weekly { from, until, zone } => {
                let now = TimeOfWeek::of(at, *zone);
                now == *from || from.until(now) < from.until(*until)
            }
        }
    }

    /// When it ends, if it is in force at this moment.
    #[must_use]
    pub fn ends(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if !self.contains(at) {
            return None;
        }
        match self {
            Self::Once { until, .. } => Some(*until),
            Self::Weekly { until, zone, .. } => {
                let minutes = TimeOfWeek::of(at, *zone).until(*until);
                let minute = at.with_second(0)?.with_nanosecond(0)?;
                minute.checked_add_signed(TimeDelta::minutes(i64::from(minutes)))
            }
        }
    }

    /// The moments within the week after `at` at which it begins or ends.
    pub(crate) fn edges(&self, at: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        match self {
            Self::Once { from, until } => vec![*from, *until],
            Self::Weekly { from, until, zone } => {
                let now = TimeOfWeek::of(at, *zone);
                let minute = at.with_second(0).and_then(|at| at.with_nanosecond(0));
                let after = |edge: &TimeOfWeek| {
                    let minutes = i64::from(now.until(*edge));
                    minute?.checked_add_signed(TimeDelta::minutes(minutes))
                };
                [from, until].into_iter().filter_map(after).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_freeze_holds_from_its_first_moment_until_just_before_its_last() {
        let period = Period::Once {
            from: at("2026-12-20T00:00:00+01:00"),
            until: at("2027-01-02T00:00:00Z"),
        };
        for (moment, held) in [
            ("2026-12-19T22:59:59.999Z", false),
            ("2026-12-19T23:00:00Z", true),
            ("2027-01-01T23:59:59.999Z", true),
            ("2027-01-02T00:00:00Z", false),
        ] {
            assert_eq!(period.contains(at(moment)), held, "{moment}");
            let end = held.then(|| at("2027-01-02T00:00:00Z"));
            assert_eq!(period.ends(at(moment)), end);
        }
    }

    #[test]
    fn a_weekly_freeze_goes_over_the_end_of_the_week_in_its_own_zone() {
        let weekend = Period::Weekly {
            from: TimeOfWeek::new(4, 16, 0).unwrap(),
            until: TimeOfWeek::new(0, 6, 0).unwrap(),
            zone: Zone(60),
        };
        // 2026-11-27 is a Friday.
        for (moment, held) in [
            ("2026-11-27T14:59:59Z", false),
            ("2026-11-27T15:00:00Z", true),
            ("2026-11-29T23:30:00Z", true),
            ("2026-11-30T04:59:59.999Z", true),
            ("2026-11-30T05:00:00Z", false),
            ("2026-12-02T12:00:00Z", false),
        ] {
            assert_eq!(weekend.contains(at(moment)), held, "{moment}");
            let end = held.then(|| at("2026-11-30T05:00:00Z"));
            assert_eq!(weekend.ends(at(moment)), end, "{moment}");
        }
    }

    #[test]
    fn every_minute_of_a_week_agrees_with_counting_on() {
        let zone = Zone(-330);
        for (from, until) in [
            ((0, 0, 0), (0, 0, 1)),
            ((6, 23, 59), (0, 0, 0)),
            ((2, 9, 30), (2, 9, 30)),
            ((3, 1, 0), (1, 5, 0)),
        ] {
            let [from, until] = [from, until].map(|(d, h, m)| TimeOfWeek::new(d, h, m).unwrap());
            let period = Period::Weekly { from, until, zone };
            let monday = at("2026-11-23T05:30:00Z");
            let mut held = false;
            // Two weeks, so that the second one begins as the first one ended.
            for minute in 0..2 * WEEK {
                let now = TimeOfWeek(minute % WEEK);
                held = now == from || held && now != until;
                let moment =
                    monday + TimeDelta::minutes(i64::from(minute)) + TimeDelta::seconds(59);
                if minute >= WEEK {
                    assert_eq!(period.contains(moment), held, "{period:?} {minute}");
                }
            }
        }
        assert_eq!(TimeOfWeek::new(7, 0, 0).or(TimeOfWeek::new(0, 24, 0)), None);
    }
}

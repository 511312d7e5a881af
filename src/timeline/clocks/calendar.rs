//! Days and their ends: months, days off, the holidays of the United States, and the moment a day of a zone is over.
//! Knows no regime.

use std::collections::BTreeSet;

use chrono::{
    DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone,
    Weekday,
};
use chrono_tz::Tz;
use serde::Serialize;

/// No run of days off is longer than this, whatever a library lists.
const MOST_DAYS: u32 = 4000;

/// Where days begin and end, and which of them are off. Saturday and Sunday always are.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    /// The zone days are counted in.
    pub zone: Tz,
    /// The rule that gives the holidays of every year.
    pub holidays: Holidays,
    /// Further days off.
    pub days_off: BTreeSet<NaiveDate>,
}

/// A rule for the holidays of every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holidays {
    /// Weekends only.
    None,
    /// [`us_federal_holidays`].
    UsFederal,
}

impl Calendar {
    /// Whether nobody has to work on this day.
    #[must_use]
    pub fn is_off(&self, day: NaiveDate) -> bool {
        matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
            || self.days_off.contains(&day)
            || match self.holidays {
                Holidays::None => false,
                Holidays::UsFederal => is_us_federal_holiday(day),
            }
    }

    /// The `count`th working day after this day, which is not counted itself.
    #[must_use]
    pub fn working_day_after(&self, day: NaiveDate, count: u32) -> Option<NaiveDate> {
        let mut left = count;
        let mut day = day;
        for _ in 0..MOST_DAYS {
            if left == 0 {
                return Some(day);
            }
            day = day.succ_opt()?;
            left -= u32::from(!self.is_off(day));
        }
        None
    }

    /// The day of this moment in the zone.
    #[must_use]
    pub fn day(&self, at: DateTime<impl TimeZone>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// This time of that day in the zone. A time that comes twice is its first coming; one that a clock skips is as far
    /// after the gap as it would have been into it.
    #[must_use]
    pub fn at(&self, day: NaiveDate, time: NaiveTime) -> Option<DateTime<Tz>> {
        let wall = day.and_time(time);
        self.zone.from_local_datetime(&wall).earliest().or_else(|| {
            let before = self.before_gap(wall)?;
            Some(before + (wall - before.naive_local()))
        })
    }

    /// A moment shortly before a gap that swallows `wall`.
    fn before_gap(&self, wall: NaiveDateTime) -> Option<DateTime<Tz>> {
        [3, 26].into_iter().find_map(|hours| {
            let earlier = wall.checked_sub_signed(TimeDelta::hours(hours))?;
            self.zone.from_local_datetime(&earlier).latest()
        })
    }
}

/// So many days later.
pub(super) fn days_after(day: NaiveDate, count: u32) -> Option<NaiveDate> {
    day.checked_add_days(Days::new(count.into()))
}

/// The day of the same number so many months later, or the last one of that month: Regulation (EEC, Euratom) No 1182/71,
/// Article 3(2)(c).
pub(super) fn months_after(day: NaiveDate, count: u32) -> Option<NaiveDate> {
    day.checked_add_months(Months::new(count))
}

/// The last second of a day.
pub(super) fn day_end() -> NaiveTime {
    NaiveTime::MIN - TimeDelta::seconds(1)
}

/// The days on which the holidays of 5 U.S.C. 6103(a) are kept in this year: what falls on a Saturday on the Friday before
/// (6103(b)), what falls on a Sunday on the Monday after (Executive Order 11582, section 3). So the last day of a year
/// may be the New Year of the next. Inauguration Day is one in and around Washington only and is left out.
#[must_use]
pub fn us_federal_holidays(year: i32) -> BTreeSet<NaiveDate> {
    let fixed = [
        (year, 1, 1, 1871),
        (year, 6, 19, 2021),
        (year, 7, 4, 1871),
        (year, 11, 11, 1938),
        (year, 12, 25, 1871),
        (year.saturating_add(1), 1, 1, 1871),
    ];
    let fixed = fixed
        .into_iter()
        .filter(|(year, _, _, since)| year >= since)
        .filter_map(|(year, month, day, _)| kept(NaiveDate::from_ymd_opt(year, month, day)?));
    let nth = |month, weekday, n| NaiveDate::from_weekday_of_month_opt(year, month, weekday, n);
    let last_monday_of_may = nth(5, Weekday::Mon, 5).or_else(|| nth(5, Weekday::Mon, 4));
    let floating = [
        nth(1, Weekday::Mon, 3),
        nth(2, Weekday::Mon, 3),
        last_monday_of_may,
        nth(9, Weekday::Mon, 1),
        nth(10, Weekday::Mon, 2),
        nth(11, Weekday::Thu, 4),
    ];
    fixed
        .chain(floating.into_iter().flatten())
        .filter(|day| day.year() == year)
        .collect()
}

fn kept(day: NaiveDate) -> Option<NaiveDate> {
    match day.weekday() {
        Weekday::Sat => day.pred_opt(),
        Weekday::Sun => day.succ_opt(),
        _ => Some(day),
    }
}

fn is_us_federal_holiday(day: NaiveDate) -> bool {
    us_federal_holidays(day.year()).contains(&day)
}

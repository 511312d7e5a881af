//! What a line says of its moment, before zone and year are known. Knows nothing of where in a line that stands.

use std::ops::RangeInclusive;

use super::civil::{Reader, days, is_day};

/// What stands in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Nanoseconds since 1970 UTC.
    Moment(i64),
    /// Seconds since 1970 on a clock of an unnamed zone, and nanoseconds.
    Local(i64, u32),
    /// Some year's day, on a clock of an unnamed zone.
    Yearless(Yearless),
}

/// A day and time of some year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::missing_docs_in_private_items)]
pub(super) struct Yearless {
    pub month: u32,
    pub day: u32,
    /// Seconds since midnight.
    pub clock: u32,
    pub nanos: u32,
}

impl Yearless {
    /// Seconds since 1970 on the same clock in this year, if it has such a day.
    pub(super) fn in_year(self, year: i64) -> Option<i64> {
        is_day(year, self.month, self.day)
            .then(|| days(year, self.month, self.day) * 86_400 + i64::from(self.clock))
    }
}

/// A year, month and day.
pub(super) type Date = (u32, u32, u32);

/// Seconds since 1970 and nanoseconds as one number; beyond the years 1677 to 2262 nothing.
#[inline]
pub(super) fn moment(seconds: i64, nanos: u32) -> Option<i64> {
    seconds
        .checked_mul(1_000_000_000)?
        .checked_add(nanos.into())
}

/// A date and a time of day whose fraction and offset, if any, come next.
#[inline]
pub(super) fn dated(mut reader: Reader<'_>, date: Date, clock: u32) -> Option<When> {
    let nanos = reader.fraction(b".,");
    let offset = reader.offset();
    reader.end()?;
    placed(date, clock, nanos, offset)
}

/// Years whose every moment is one number of nanoseconds, in whatever zone.
const YEARS: RangeInclusive<i64> = 1678..=2261;

/// All of it as one.
#[inline]
pub(super) fn placed(
    (year, month, day): Date,
    clock: u32,
    nanos: u32,
    offset: Option<i32>,
) -> Option<When> {
    let year = i64::from(year);
    if !YEARS.contains(&year) || !is_day(year, month, day) {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + i64::from(clock);
    match offset {
        Some(offset) => moment(seconds - i64::from(offset), nanos).map(When::Moment),
        None => Some(When::Local(seconds, nanos)),
    }
}

/// A day of some year and a time of day whose fraction, if any, comes next.
pub(super) fn yearless(mut reader: Reader<'_>, month: u32, day: u32, clock: u32) -> Option<When> {
    let nanos = reader.fraction(b".,");
    reader.end()?;
    // The 29th of February is a day of some year.
    is_day(2024, month, day).then_some(When::Yearless(Yearless {
        month,
        day,
        clock,
        nanos,
    }))
}

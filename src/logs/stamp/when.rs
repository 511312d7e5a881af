//! What a line says of its moment, before zone and year are known, and how each form is read at one place of a line.
//! Knows nothing of where in a line that place is.

use super::civil::{Reader, days, is_day};

/// What stands in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Nanoseconds since 1970 UTC.
    Moment(i64),
    /// Seconds since 1970 on a clock of an unnamed zone, and nanoseconds.
    Local(i64, u32),
}

/// Seconds since 1970 and nanoseconds as one number; beyond the years 1677 to 2262 nothing.
pub(super) fn moment(seconds: i64, nanos: u32) -> Option<i64> {
    seconds
        .checked_mul(1_000_000_000)?
        .checked_add(nanos.into())
}

/// `2026-08-17T14:00:00.123+02:00` and its kin.
pub(super) fn iso(line: &[u8], at: usize) -> Option<When> {
    let text: &[u8; 19] = line.get(at..at.checked_add(19)?)?.try_into().ok()?;
    if text[4] != b'-' || text[7] != b'-' || !matches!(text[10], b'T' | b' ' | b't') {
        return None;
    }
    let year = Reader::new(text, 0).digits(4)?;
    let month = Reader::new(text, 5).digits(2)?;
    let day = Reader::new(text, 8).digits(2)?;
    let clock = Reader::new(text, 11).clock()?;
    ending(Reader::new(line, at + 19), year.into(), month, day, clock)
}

/// Fraction and offset, and then all of it as one.
fn ending(mut reader: Reader<'_>, year: i64, month: u32, day: u32, clock: u32) -> Option<When> {
    if !is_day(year, month, day) {
        return None;
    }
    let nanos = reader.fraction(b".,");
    let seconds = days(year, month, day) * 86_400 + i64::from(clock);
    let offset = reader.offset();
    reader.end()?;
    match offset {
        Some(offset) => moment(seconds - i64::from(offset), nanos).map(When::Moment),
        None => Some(When::Local(seconds, nanos)),
    }
}

/// `<34>1 ` and then ISO 8601.
pub(super) fn rfc5424(line: &[u8], at: usize) -> Option<When> {
    let mut reader = Reader::new(line, at);
    reader.byte(b'<')?;
    priority(&mut reader)?;
    reader.byte(b'>')?;
    reader.short()?;
    reader.byte(b' ')?;
    iso(line, reader.at())
}

/// One to three digits.
fn priority(reader: &mut Reader<'_>) -> Option<u32> {
    let first = reader.short()?;
    Some(reader.digits(1).map_or(first, |last| first * 10 + last))
}

/// `[17/Aug/2026:14:00:00 +0000]`, with a fraction as HAProxy has it, and without an offset.
pub(super) fn nginx(line: &[u8], at: usize) -> Option<When> {
    let mut reader = Reader::new(line, at);
    reader.byte(b'[')?;
    let day = reader.digits(2)?;
    reader.byte(b'/')?;
    let month = reader.month()?;
    reader.byte(b'/')?;
    let year = reader.digits(4)?;
    reader.byte(b':')?;
    let clock = reader.clock()?;
    ending(reader, year.into(), month, day, clock)
}

//! Stamps that are made of digits, read at one place of a line.

use super::civil::{Reader, clock, clock12, two};
use super::when::{Date, When, dated, moment, placed, yearless};

/// `2026-08-17T14:00:00.123+02:00` and its kin.
#[inline]
pub(super) fn iso(line: &[u8], at: usize) -> Option<When> {
    year_first(line, at, b'-', b"T t")
}

/// `2026/08/17 14:00:00`.
#[inline]
pub(super) fn slashed(line: &[u8], at: usize) -> Option<When> {
    year_first(line, at, b'/', b" T")
}

#[inline]
fn year_first(line: &[u8], at: usize, between: u8, before_time: &[u8]) -> Option<When> {
    let text: &[u8; 19] = line.get(at..at.checked_add(19)?)?.try_into().ok()?;
    if text[4] != between || text[7] != between || !before_time.contains(&text[10]) {
        return None;
    }
    let year = two(text[0], text[1])? * 100 + two(text[2], text[3])?;
    let (month, day) = (two(text[5], text[6])?, two(text[8], text[9])?);
    let clock = Reader::new(text, 11).clock()?;
    dated(Reader::new(line, at + 19), (year, month, day), clock)
}

/// `<34>1 ` and then ISO 8601.
#[inline]
pub(super) fn rfc5424(line: &[u8], at: usize) -> Option<When> {
    let mut reader = Reader::new(line, at);
    reader.priority()?;
    reader.short()?;
    reader.byte(b' ')?;
    iso(line, reader.at())
}

/// `260817 14:00:00`, `260817  9:00:00`, or ISO 8601.
pub(super) fn mysql(line: &[u8], at: usize) -> Option<When> {
    let old = |mut reader: Reader<'_>| {
        let date = short_date(&mut reader)?;
        reader.byte(b' ')?;
        let hour = reader.padded()?;
        reader.byte(b':')?;
        let minute = reader.digits(2)?;
        reader.byte(b':')?;
        let clock = clock(hour, minute, reader.digits(2)?)?;
        dated(reader, date, clock)
    };
    iso(line, at).or_else(|| old(Reader::new(line, at)))
}

/// `081109 203615`.
pub(super) fn hdfs(line: &[u8], at: usize) -> Option<When> {
    let mut reader = Reader::new(line, at);
    let date = short_date(&mut reader)?;
    reader.byte(b' ')?;
    let clock = reader.bare_clock()?;
    dated(reader, date, clock)
}

/// `yymmdd`.
fn short_date(reader: &mut Reader<'_>) -> Option<Date> {
    let year = century(reader.digits(2)?);
    Some((year, reader.digits(2)?, reader.digits(2)?))
}

/// A year of two digits: 1970 to 2069.
fn century(year: u32) -> u32 {
    year + if year < 70 { 2000 } else { 1900 }
}

/// `17/06/09 20:10:40`: the year, the month, the day.
pub(super) fn spark(line: &[u8], at: usize) -> Option<When> {
    let mut reader = Reader::new(line, at);
    let year = century(reader.digits(2)?);
    reader.byte(b'/')?;
    let month = reader.digits(2)?;
    reader.byte(b'/')?;
    let day = reader.digits(2)?;
    reader.byte(b' ')?;
    let clock = reader.clock()?;
    dated(reader, (year, month, day), clock)
}

/// `20171223-22:15:29:606`, whose last part is milliseconds, and `20260817T140000.123Z`.
pub(super) fn compact(line: &[u8], at: usize) -> Option<When> {
    let mut reader = Reader::new(line, at);
    let date = (reader.digits(4)?, reader.digits(2)?, reader.digits(2)?);
    reader.one_of(b"-T ")?;
    if let Some(clock) = reader.bare_clock() {
        return dated(reader, date, clock);
    }
    let hour = reader.short()?;
    reader.byte(b':')?;
    let minute = reader.short()?;
    reader.byte(b':')?;
    let clock = clock(hour, minute, reader.short()?)?;
    let mut ahead = reader;
    let millis = ahead.byte(b':').and_then(|()| ahead.number(3));
    match millis {
        Some(millis) => {
            ahead.end()?;
            placed(date, clock, millis * 1_000_000, None)
        }
        None => dated(reader, date, clock),
    }
}

/// `8/17/2026 2:00:00 PM`: the month, the day, the year.
pub(super) fn month_first(line: &[u8], at: usize) -> Option<When> {
    let mut reader = Reader::new(line, at);
    let month = reader.short()?;
    reader.byte(b'/')?;
    let day = reader.short()?;
    reader.byte(b'/')?;
    year_last(reader, month, day)
}

/// `17/08/2026 14:00:00`, `17.08.2026 14:00:00`: the day, the month, the year.
pub(super) fn day_first(line: &[u8], at: usize) -> Option<When> {
    let mut reader = Reader::new(line, at);
    let day = reader.short()?;
    let between = reader.one_of(b"/.-")?;
    let month = reader.short()?;
    reader.byte(between)?;
    year_last(reader, month, day)
}

fn year_last(mut reader: Reader<'_>, month: u32, day: u32) -> Option<When> {
    let year = reader.digits(4)?;
    reader.byte(b',');
    reader.byte(b' ')?;
    let hour = reader.padded()?;
    reader.byte(b':')?;
    let minute = reader.digits(2)?;
    reader.byte(b':')?;
    let second = reader.digits(2)?;
    let nanos = reader.fraction(b".,");
    let clock = match reader.half_of_day() {
        Some(half) => clock12(hour, half, minute, second)?,
        None => clock(hour, minute, second)?,
    };
    let offset = reader.offset();
    reader.end()?;
    placed((year, month, day), clock, nanos, offset)
}

/// `03-17 16:13:38.811`, `10.30 16:49:06`.
pub(super) fn month_day(line: &[u8], at: usize) -> Option<When> {
    let mut reader = Reader::new(line, at);
    let month = reader.digits(2)?;
    reader.one_of(b"-.")?;
    let day = reader.digits(2)?;
    reader.byte(b' ')?;
    let clock = reader.clock()?;
    yearless(reader, month, day, clock)
}

/// `I0817 14:00:00.123456`, also with a year.
pub(super) fn klog(line: &[u8], at: usize) -> Option<When> {
    let mut reader = Reader::new(line, at);
    reader.one_of(b"IWEFDV")?;
    let mut whole = reader;
    if let Some(year) = whole.digits(4).filter(|_| whole.digits_come(4)) {
        let (month, day) = (whole.digits(2)?, whole.digits(2)?);
        whole.byte(b' ')?;
        let clock = whole.clock()?;
        return dated(whole, (year, month, day), clock);
    }
    let (month, day) = (reader.digits(2)?, reader.digits(2)?);
    reader.byte(b' ')?;
    let clock = reader.clock()?;
    yearless(reader, month, day, clock)
}

/// `audit(1364481363.243:24287)`.
pub(super) fn audit(line: &[u8], at: usize) -> Option<When> {
    let mut reader = Reader::new(line, at);
    reader.word(b"audit(")?;
    since_1970(&mut reader)
}

/// A number of a column: as long as those of the years 2001 to 2099 are, so that few other numbers are taken for one.
pub(super) fn epoch(line: &[u8], at: usize) -> Option<When> {
    let digits = Reader::new(line, at).count_digits();
    if !matches!(digits, 10 | 13 | 16 | 19) {
        return None;
    }
    let mut reader = Reader::new(line, at);
    let when = since_1970(&mut reader)?;
    let last = When::Moment(4_102_444_800_000_000_000);
    let (When::Moment(nanos), When::Moment(last)) = (when, last) else {
        return None;
    };
    let end = reader.peek();
    let apart =
        end.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'-' | b'_'));
    (apart && nanos < last).then_some(when)
}

/// A number of seconds, milli-, micro- or nanoseconds, told by its size, with a fraction or none. What is too small to
/// be a moment after March 1973 is none, for it may be a duration.
pub(super) fn since_1970(reader: &mut Reader<'_>) -> Option<When> {
    let count = reader.count_digits();
    let whole = i64::from(reader.number(9)?);
    let mut rest = 0;
    for _ in 9..count.min(19) {
        rest = rest * 10 + i64::from(reader.digits(1)?);
    }
    let digits = u32::try_from(count).ok().filter(|digits| *digits <= 19)?;
    let value = whole
        .checked_mul(10_i64.checked_pow(digits.saturating_sub(9))?)?
        .checked_add(rest)?;
    let unit = match value {
        i64::MIN..=99_999_999 => return None,
        100_000_000..=99_999_999_999 => 1_000_000_000,
        100_000_000_000..=99_999_999_999_999 => 1_000_000,
        100_000_000_000_000..=99_999_999_999_999_999 => 1_000,
        _ => 1,
    };
    let fraction = i64::from(reader.fraction(b".")) * unit / 1_000_000_000;
    reader.end()?;
    Some(When::Moment(
        value.checked_mul(unit)?.checked_add(fraction)?,
    ))
}

/// A number written with an exponent, in seconds.
pub(super) fn exponent(text: &[u8]) -> Option<When> {
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    if !(1e8..9e9).contains(&value) {
        return None;
    }
    #[allow(
        clippy::cast_possible_truncation,
        reason = "within the range that was just asked for"
    )]
    let micros = (value * 1e6).round() as i64;
    moment(micros / 1_000_000, 0)?
        .checked_add(micros % 1_000_000 * 1_000)
        .map(When::Moment)
}

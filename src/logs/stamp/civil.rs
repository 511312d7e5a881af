//! Dates and times of day as numbers, read byte by byte: quick enough to be done for every line of a log. Knows nothing
//! of formats.

/// What a fraction of so many digits is multiplied with to be of nanoseconds.
const POWERS: [u32; 10] = [
    1_000_000_000,
    100_000_000,
    10_000_000,
    1_000_000,
    100_000,
    10_000,
    1_000,
    100,
    10,
    1,
];

/// A number of two digits.
#[inline]
pub(super) fn two(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Days from 1970-01-01 to this day of the proleptic Gregorian calendar (Howard Hinnant, `days_from_civil`).
#[inline]
pub(super) fn days(year: i64, month: u32, day: u32) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let shifted = i64::from((month + 9) % 12);
    let of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Whether there is such a day.
#[inline]
pub(super) fn is_day(year: i64, month: u32, day: u32) -> bool {
    let most = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => return false,
    };
    (1..=most).contains(&day)
}

#[inline]
fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Seconds since midnight; a leap second is the first of the next minute.
#[inline]
pub(super) fn clock(hour: u32, minute: u32, second: u32) -> Option<u32> {
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// The same on a clock of twice twelve hours; the half is 0 before noon, 12 after.
pub(super) fn clock12(hour: u32, half: u32, minute: u32, second: u32) -> Option<u32> {
    if !(1..=12).contains(&hour) {
        return None;
    }
    clock(hour % 12 + half, minute, second)
}

/// A place in a line from which things are read one after another; whatever does not fit is `None` and the reader is
/// then of no more use.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    #[inline]
    pub(super) fn new(line: &'a [u8], at: usize) -> Self {
        Self { line, at }
    }

    #[inline]
    pub(super) fn at(&self) -> usize {
        self.at
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    /// What is left of the line.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    /// Steps over this byte.
    #[inline]
    pub(super) fn byte(&mut self, wanted: u8) -> Option<()> {
        self.one_of(&[wanted]).map(|_| ())
    }

    /// Steps over one of these bytes and says which.
    #[inline]
    pub(super) fn one_of(&mut self, wanted: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|byte| wanted.contains(byte))?;
        self.at += 1;
        Some(byte)
    }

    /// Steps over these bytes.
    #[inline]
    pub(super) fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest().starts_with(word).then(|| self.at += word.len())
    }

    /// Exactly so many digits, at most nine.
    #[inline]
    pub(super) fn digits(&mut self, count: usize) -> Option<u32> {
        let digits = self.line.get(self.at..self.at + count)?;
        let mut value = 0;
        for byte in digits {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value * 10 + u32::from(digit);
        }
        self.at += count;
        Some(value)
    }

    /// One or two digits.
    #[inline]
    pub(super) fn short(&mut self) -> Option<u32> {
        let first = self.digits(1)?;
        Some(self.digits(1).map_or(first, |second| first * 10 + second))
    }

    /// Two digits, or one, also after a blank more.
    #[inline]
    pub(super) fn padded(&mut self) -> Option<u32> {
        if self.byte(b' ').is_some() {
            return self.digits(1);
        }
        self.short()
    }

    /// How many digits come next.
    #[inline]
    pub(super) fn count_digits(&self) -> usize {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit());
        digits.count()
    }

    /// Whether so many digits come next.
    #[inline]
    pub(super) fn digits_come(&self, count: usize) -> bool {
        self.count_digits() >= count
    }

    /// One digit or more, at most so many, at most nine.
    #[inline]
    pub(super) fn number(&mut self, most: usize) -> Option<u32> {
        let (mut value, mut count) = (0, 0);
        for byte in self.rest().iter().take(most.min(9)) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value * 10 + u32::from(digit);
            count += 1;
        }
        self.at += count;
        (count > 0).then_some(value)
    }

    /// `<34>`: facility and severity.
    #[inline]
    pub(super) fn priority(&mut self) -> Option<u32> {
        self.byte(b'<')?;
        let priority = self.number(3)?;
        self.byte(b'>')?;
        Some(priority)
    }

    /// ` AM` or ` PM` if it is there, as the hours it adds. Windows also writes a narrow no-break space before it.
    #[inline]
    pub(super) fn half_of_day(&mut self) -> Option<u32> {
        let mut ahead = *self;
        let _ = ahead.byte(b' ').or(ahead.word("\u{202f}".as_bytes()));
        let half = ahead.one_of(b"APap")?;
        ahead.one_of(b"Mm")?;
        *self = ahead;
        Some(if matches!(half, b'A' | b'a') { 0 } else { 12 })
    }

    /// An English month by its first three letters.
    #[inline]
    pub(super) fn month(&mut self) -> Option<u32> {
        let word: [u8; 3] = self.rest().get(..3)?.try_into().ok()?;
        let month = match &word {
            b"Jan" => 1,
            b"Feb" => 2,
            b"Mar" => 3,
            b"Apr" => 4,
            b"May" => 5,
            b"Jun" => 6,
            b"Jul" => 7,
            b"Aug" => 8,
            b"Sep" => 9,
            b"Oct" => 10,
            b"Nov" => 11,
            b"Dec" => 12,
            _ => return None,
        };
        self.at += 3;
        Some(month)
    }

    /// Digits of a fraction after one of these marks, in nanoseconds; no fraction is none of them. What is finer is
    /// left out.
    #[inline]
    pub(super) fn fraction(&mut self, marks: &[u8]) -> u32 {
        let Some((mark, digits)) = self.rest().split_first() else {
            return 0;
        };
        if !marks.contains(mark) {
            return 0;
        }
        let (mut nanos, mut count) = (0, 0);
        for byte in digits {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            if count < 9 {
                nanos = nanos * 10 + u32::from(digit);
            }
            count += 1;
        }
        if count == 0 {
            return 0;
        }
        self.at += 1 + count;
        nanos * POWERS[count.min(9)]
    }

    /// `HH:MM:SS` as seconds since midnight.
    #[inline]
    pub(super) fn clock(&mut self) -> Option<u32> {
        let text: &[u8; 8] = self.rest().first_chunk()?;
        let two = |at: usize| two(text[at], text[at + 1]);
        let clock = clock(two(0)?, two(3)?, two(6)?)?;
        self.at += 8;
        (text[2] == b':' && text[5] == b':').then_some(clock)
    }

    /// `HHMMSS` as seconds since midnight, if six digits come next.
    #[inline]
    pub(super) fn bare_clock(&mut self) -> Option<u32> {
        if !self.digits_come(6) {
            return None;
        }
        clock(self.digits(2)?, self.digits(2)?, self.digits(2)?)
    }

    /// An offset from UTC in seconds (`Z`, `+02`, `+0200`, `+02:00`), also after a blank (` +0200`, ` UTC`), if there
    /// is one.
    #[inline]
    pub(super) fn offset(&mut self) -> Option<i32> {
        let mut ahead = *self;
        let apart = ahead.byte(b' ').is_some();
        let seconds = ahead.offset_here(apart)?;
        let letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b':';
        if ahead.peek().as_ref().is_some_and(letter) {
            return None;
        }
        self.at = ahead.at;
        Some(seconds)
    }

    #[inline]
    fn offset_here(&mut self, apart: bool) -> Option<i32> {
        if self.word(b"UTC").or(self.word(b"GMT")).is_some() {
            return Some(0);
        }
        let sign = self.one_of(if apart { b"+-" } else { b"+-Zz" })?;
        if sign == b'Z' || sign == b'z' {
            return Some(0);
        }
        let hours = self.digits(2)?;
        let colon = self.byte(b':').is_some();
        let minutes = match self.digits(2) {
            Some(minutes) => minutes,
            None if colon || apart => return None,
            None => 0,
        };
        if hours > 14 || minutes % 15 != 0 || minutes > 45 {
            return None;
        }
        let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
        Some(if sign == b'-' { -seconds } else { seconds })
    }

    /// Nothing that would make a longer number of what was read.
    #[inline]
    pub(super) fn end(&self) -> Option<()> {
        (!self.peek().is_some_and(|byte| byte.is_ascii_digit())).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike as _, NaiveDate};

    #[test]
    fn days_are_those_of_the_calendar() {
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        let mut day = NaiveDate::from_ymd_opt(1595, 1, 1).unwrap();
        while day.year() < 2405 {
            let (year, month) = (i64::from(day.year()), day.month());
            assert_eq!(
                days(year, month, day.day()),
                (day - epoch).num_days(),
                "{day}"
            );
            assert!(is_day(year, month, day.day()));
            let next = day.succ_opt().unwrap();
            assert_eq!(
                is_day(year, month, day.day() + 1),
                next.month() == month,
                "{day}"
            );
            day = next;
        }
    }

    #[test]
    fn an_offset_is_told_from_what_only_looks_like_one() {
        let offset = |text: &str| Reader::new(text.as_bytes(), 0).offset();
        assert_eq!(offset("+0200 x"), Some(7200));
        assert_eq!(offset(" -03:30]"), Some(-12_600));
        assert_eq!(offset("+05"), Some(18_000));
        assert_eq!(offset("Z"), Some(0));
        assert_eq!(offset(" UTC [1]"), Some(0));
        for none in [
            "",
            " ",
            " - INFO",
            " -12 items",
            " -1234 items",
            " Zebra",
            "Zoo",
            " UTCx",
            "+2",
        ] {
            assert_eq!(offset(none), None, "{none}");
        }
    }
}

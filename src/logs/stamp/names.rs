//! Stamps that name the month, read at one place of a line.

use super::civil::Reader;
use super::when::{When, dated, placed, yearless};

/// `Aug 17 14:00:00`, also after `<34>`, with a fraction, and with a year before or after the day.
pub(super) fn rfc3164(line: &[u8], at: usize) -> Option<When> {
    let mut reader = Reader::new(line, at);
    if reader.peek() == Some(b'<') {
        reader.priority()?;
    }
    let before = year(&mut reader);
    let month = reader.month()?;
    reader.byte(b' ')?;
    let day = reader.padded()?;
    reader.byte(b' ')?;
    let year = before.or_else(|| year(&mut reader));
    let clock = reader.clock()?;
    match year {
        Some(year) => dated(reader, (year, month, day), clock),
        None => yearless(reader, month, day, clock),
    }
}

/// Four digits and a blank, if they are there.
fn year(reader: &mut Reader<'_>) -> Option<u32> {
    let mut ahead = *reader;
    let year = ahead.digits(4)?;
    ahead.byte(b' ')?;
    *reader = ahead;
    Some(year)
}

/// `[17/Aug/2026:14:00:00 +0000]`, with a fraction as HAProxy has it, and without an offset.
pub(super) fn access(line: &[u8], at: usize) -> Option<When> {
    let mut reader = Reader::new(line, at);
    reader.byte(b'[')?;
    unbracketed(reader)
}

/// The same without its bracket.
pub(super) fn unbracketed(mut reader: Reader<'_>) -> Option<When> {
    let day = reader.digits(2)?;
    reader.byte(b'/')?;
    let month = reader.month()?;
    reader.byte(b'/')?;
    let year = reader.digits(4)?;
    reader.byte(b':')?;
    let clock = reader.clock()?;
    dated(reader, (year, month, day), clock)
}

/// `Sun Dec 04 04:51:09.123 2005`, as of `ctime`, and `Mon Aug 17 14:00:00 UTC 2026`, as of `date`.
pub(super) fn ctime(line: &[u8], at: usize) -> Option<When> {
    let mut reader = Reader::new(line, at);
    weekday(&mut reader)?;
    reader.byte(b' ')?;
    let month = reader.month()?;
    reader.byte(b' ')?;
    let day = reader.padded()?;
    reader.byte(b' ')?;
    let clock = reader.clock()?;
    let nanos = reader.fraction(b".,");
    let offset = reader.offset();
    reader.byte(b' ')?;
    let year = reader.digits(4)?;
    reader.end()?;
    placed((year, month, day), clock, nanos, offset)
}

fn weekday(reader: &mut Reader<'_>) -> Option<()> {
    [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"]
        .iter()
        .find_map(|word| reader.word(*word))
}

/// `17-Aug-2026 14:00:00.123`, `17 Aug 2026 14:00:00`, also after `Mon, `.
pub(super) fn day_month(line: &[u8], at: usize) -> Option<When> {
    let mut reader = Reader::new(line, at);
    if weekday(&mut reader).is_some() {
        reader.word(b", ")?;
    }
    let day = reader.short()?;
    let between = reader.one_of(b"- ")?;
    let month = reader.month()?;
    reader.byte(between)?;
    let year = reader.digits(4)?;
    reader.one_of(b" T")?;
    let clock = reader.clock()?;
    dated(reader, (year, month, day), clock)
}

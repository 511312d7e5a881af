//! Stamps that stand under a key: JSON lines and logfmt. A key inside of a string is none. Bytes that are no valid JSON
//! or logfmt are read as far as they go.

use memchr::{memchr2, memchr3};

use super::civil::Reader;
use super::names::{ctime, day_month, unbracketed};
use super::numbers::{exponent, iso, since_1970, slashed};
use super::when::When;

/// Keys that stamps stand under; where a line has several, the earlier is meant.
pub(super) const KEYS: [&[u8]; 14] = [
    b"@timestamp",
    b"timestamp",
    b"time",
    b"ts",
    b"datetime",
    b"date",
    b"asctime",
    b"eventTime",
    b"t",
    b"timeMillis",
    b"$date",
    b"epochSecond",
    b"__REALTIME_TIMESTAMP",
    b"at",
];

/// Which keys to look under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// The one of [`KEYS`] that comes first there, on the outermost level that has any.
    Any,
    /// The one of this number in [`KEYS`], so deep in objects and lists; the outermost is 1.
    One { key: usize, depth: usize },
}

/// A stamp that was found and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub key: usize,
    pub depth: usize,
    /// Where in the line the key begins.
    pub at: usize,
    pub when: When,
}

impl Found {
    /// The outermost, and there the most usual key.
    fn rank(&self) -> (usize, usize) {
        (self.depth, self.key)
    }
}

/// Gathers what is found until it is certain.
struct Search {
    wanted: Key,
    best: Option<Found>,
}

impl Search {
    /// Takes a key with its value; whether the search is over.
    fn take(
        &mut self,
        name: &[u8],
        depth: usize,
        at: usize,
        value: impl FnOnce() -> Option<When>,
    ) -> bool {
        let key = match self.wanted {
            Key::One { key, depth: wanted } => {
                (wanted == depth && KEYS[key] == name).then_some(key)
            }
            Key::Any => KEYS.iter().position(|known| *known == name),
        };
        let Some((key, when)) = key.and_then(|key| Some((key, value()?))) else {
            return false;
        };
        let found = Found {
            key,
            depth,
            at,
            when,
        };
        if self.best.is_none_or(|best| found.rank() < best.rank()) {
            self.best = Some(found);
        }
        self.wanted != Key::Any || found.rank() == (1, 0)
    }
}

/// The stamp of the JSON object that begins at this place.
pub(super) fn json(line: &[u8], begin: usize, wanted: Key) -> Option<Found> {
    if line.get(begin) != Some(&b'{') {
        return None;
    }
    let mut search = Search { wanted, best: None };
    let (mut at, mut depth) = (begin, 0_usize);
    while let Some(byte) = line.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let end = string_end(line, at + 1)?;
                let value = skip_blanks(line, end + 1);
                if line.get(value) == Some(&b':') {
                    let value = skip_blanks(line, value + 1);
                    let name = &line[at + 1..end];
                    if search.take(name, depth, at, || json_value(line, value)) {
                        break;
                    }
                    at = value;
                } else {
                    at = end + 1;
                }
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
        at += 1;
    }
    search.best
}

/// Where the string that begins here ends: at its closing quote.
fn string_end(line: &[u8], begin: usize) -> Option<usize> {
    let mut at = begin;
    loop {
        at += memchr2(b'"', b'\\', line.get(at..)?)?;
        if line[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

fn skip_blanks(line: &[u8], mut at: usize) -> usize {
    while matches!(line.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    at
}

fn json_value(line: &[u8], at: usize) -> Option<When> {
    match line.get(at)? {
        b'"' => {
            let text = &line[at + 1..string_end(line, at + 1)?];
            if text.contains(&b'\\') {
                return text_value(&unescaped(text));
            }
            text_value(text)
        }
        b'0'..=b'9' => number(line, at),
        _ => None,
    }
}

/// The escapes that stand in stamps: .NET writes `+` as `\u002B`, PHP `/` as `\/`.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    text.replace("\\u002B", "+")
        .replace("\\u002b", "+")
        .replace("\\/", "/")
        .into_bytes()
}

fn number(line: &[u8], at: usize) -> Option<When> {
    let length = line[at..]
        .iter()
        .position(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
        .unwrap_or(line.len() - at);
    let text = &line[at..at + length.min(40)];
    if text.iter().any(|byte| matches!(byte, b'e' | b'E')) {
        return exponent(text);
    }
    since_1970(&mut Reader::new(text, 0))
}

/// A value that is a text.
fn text_value(text: &[u8]) -> Option<When> {
    iso(text, 0)
        .or_else(|| slashed(text, 0))
        .or_else(|| unbracketed(Reader::new(text, 0)))
        .or_else(|| day_month(text, 0))
        .or_else(|| ctime(text, 0))
        .or_else(|| number(text, 0))
}

/// The stamp of a logfmt line.
pub(super) fn logfmt(line: &[u8], wanted: Key) -> Option<Found> {
    let mut search = Search { wanted, best: None };
    let mut at = 0;
    while at < line.len() {
        let begin = at;
        let Some(end) = memchr3(b'=', b' ', b'"', &line[at..]).map(|end| at + end) else {
            break;
        };
        if line[end] != b'=' {
            // A word without a value, or a quoted one.
            at = if line[end] == b'"' {
                string_end(line, end + 1)? + 1
            } else {
                end + 1
            };
            continue;
        }
        let value = end + 1;
        let quoted = line.get(value) == Some(&b'"');
        let (first, last) = if quoted {
            (value + 1, string_end(line, value + 1)?)
        } else {
            let length = memchr::memchr(b' ', &line[value..]);
            (value, length.map_or(line.len(), |length| value + length))
        };
        let text = &line[first..last];
        if search.take(&line[begin..end], 1, begin, || text_value(text)) {
            break;
        }
        at = last + 1;
        if quoted {
            at = skip_blanks(line, at);
        }
    }
    search.best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(found: Option<Found>) -> Option<(&'static str, i64)> {
        found.map(|found| match found.when {
            When::Moment(nanos) => (std::str::from_utf8(KEYS[found.key]).unwrap(), nanos),
            When::Local(seconds, nanos) => (
                std::str::from_utf8(KEYS[found.key]).unwrap(),
                seconds * 1_000_000_000 + i64::from(nanos),
            ),
            When::Yearless(_) => panic!("{found:?}"),
        })
    }

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_key_in_a_string_is_none() {
        let line = br#"{"msg":"a \"ts\":1786975200, \\","x":"ts","ts":1786975201}"#;
        assert_eq!(
            nanos(json(line, 0, Key::Any)),
            Some(("ts", 1_786_975_201 * SECOND))
        );
        let line = br#"msg="ts=1786975200 \" time=1786975200" ts=1786975201 a=b"#;
        assert_eq!(
            nanos(logfmt(line, Key::Any)),
            Some(("ts", 1_786_975_201 * SECOND))
        );
    }

    #[test]
    fn the_outermost_and_most_usual_key_is_meant() {
        for (line, key) in [
            (
                &br#"{"a":{"@timestamp":1786975200},"ts":1786975200}"#[..],
                "ts",
            ),
            (br#"{"time":0.12,"ts":1786975200}"#, "ts"),
            (br#"{"ts":1786975200,"time":1786975200}"#, "time"),
            (br#"{"a":[{"ts":1786975200}],"b":1}"#, "ts"),
            (
                br#"{"t":{"$date":"2026-08-17T14:00:00.000Z"},"s":"I"}"#,
                "$date",
            ),
            (
                br#"{ "a" : "b" , "@timestamp" : "2026-08-17T14:00:00\u002B00:00" }"#,
                "@timestamp",
            ),
        ] {
            let found = nanos(json(line, 0, Key::Any));
            assert_eq!(
                found,
                Some((key, 1_786_975_200 * SECOND)),
                "{}",
                line.escape_ascii()
            );
        }
    }

    #[test]
    fn numbers_are_of_the_unit_their_size_tells() {
        for (text, nanos) in [
            ("1786975200", 1_786_975_200_000_000_000),
            ("1786975200.25", 1_786_975_200_250_000_000),
            ("1786975200123", 1_786_975_200_123_000_000),
            ("1786975200123.5", 1_786_975_200_123_500_000),
            ("1786975200123456", 1_786_975_200_123_456_000),
            ("1786975200123456789", 1_786_975_200_123_456_789),
            ("1.786975200e9", 1_786_975_200_000_000_000),
        ] {
            assert_eq!(
                number(text.as_bytes(), 0),
                Some(When::Moment(nanos)),
                "{text}"
            );
        }
        for none in [
            "0",
            "12",
            "0.25",
            "99999999",
            "99999999999999999999",
            "1e300",
            "1ee",
        ] {
            assert_eq!(number(none.as_bytes(), 0), None, "{none}");
        }
    }

    #[test]
    fn what_breaks_off_gives_what_was_found() {
        for line in [
            &b"{"[..],
            b"{\"",
            b"{\"ts",
            b"{\"ts\"",
            b"{\"ts\":",
            b"{\"ts\":\"",
            b"{\"a\\",
            b"",
        ] {
            assert_eq!(json(line, 0, Key::Any), None, "{}", line.escape_ascii());
        }
        for line in [
            &b"ts"[..],
            b"ts=",
            b"ts=\"",
            b"ts=\"\\",
            b"\"",
            b" ",
            b"= =",
        ] {
            assert_eq!(logfmt(line, Key::Any), None, "{}", line.escape_ascii());
        }
    }
}

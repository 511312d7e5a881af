//! Lines in bytes, whatever a log is written in: where one ends, how many there are, when one says it was written.
//! Knows nothing of files or windows.

use std::borrow::Cow;

use super::stamp::Stamp;

/// So much of a line is looked at for its stamp; the rest of a longer one never is, by nobody.
pub const LOOKED_AT: usize = 64 << 10;

/// What tells the moment of a line without its end of line, or that it belongs to the line above.
pub type Clock<'a> = &'a (dyn Fn(&[u8]) -> Option<Stamp> + Sync);

/// What a log's characters are made of; told by the mark at its beginning. Bytes are always kept as they are: this is
/// for finding lines and reading stamps only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Anything in which an end of line is the byte `\n`: ASCII, UTF-8, the ISO 8859 family, garbage.
    #[default]
    Bytes,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
}

impl Encoding {
    /// By the first bytes of the log.
    #[must_use]
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0xff, 0xfe, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] => Self::Utf16Be,
            _ => Self::Bytes,
        }
    }

    /// As reports name it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
        }
    }

    /// Bytes of the smallest character: lines begin at multiples of it.
    #[must_use]
    pub fn unit(self) -> usize {
        match self {
            Self::Bytes => 1,
            Self::Utf16Le | Self::Utf16Be => 2,
        }
    }

    /// The largest beginning of a character that is not after `at`.
    #[must_use]
    pub fn align(self, at: u64) -> u64 {
        at - at % self.unit() as u64
    }

    /// Where the first line of these bytes ends, its end of line included. The bytes begin with a whole character.
    #[must_use]
    pub fn line_end(self, bytes: &[u8]) -> Option<usize> {
        if self == Self::Bytes {
            return memchr::memchr(b'\n', bytes).map(|at| at + 1);
        }
        memchr::memchr_iter(b'\n', bytes)
            .find(|at| self.is_newline(bytes, *at))
            .map(|at| at + if self == Self::Utf16Le { 2 } else { 1 })
    }

    /// Where the last whole line of these bytes ends; 0 when none does.
    #[must_use]
    pub fn last_line_end(self, bytes: &[u8]) -> usize {
        if self == Self::Bytes {
            return memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
        }
        memchr::memrchr_iter(b'\n', bytes)
            .find(|at| self.is_newline(bytes, *at))
            .map_or(0, |at| at + if self == Self::Utf16Le { 2 } else { 1 })
    }

    /// The first line of these bytes, or all of them where none ends.
    #[must_use]
    pub fn first_line(self, bytes: &[u8]) -> &[u8] {
        &bytes[..self.line_end(bytes).unwrap_or(bytes.len())]
    }

    /// How many lines end in these bytes.
    #[must_use]
    pub fn ends(self, bytes: &[u8]) -> u64 {
        let ends = memchr::memchr_iter(b'\n', bytes);
        if self == Self::Bytes {
            ends.count() as u64
        } else {
            ends.filter(|at| self.is_newline(bytes, *at)).count() as u64
        }
    }

    fn is_newline(self, bytes: &[u8], at: usize) -> bool {
        match self {
            Self::Bytes => true,
            Self::Utf16Le => at.is_multiple_of(2) && bytes.get(at + 1) == Some(&0),
            Self::Utf16Be => !at.is_multiple_of(2) && bytes[at - 1] == 0,
        }
    }

    /// As UTF-8 where it was UTF-16, else as it is; without a mark at the beginning.
    #[must_use]
    pub fn decoded(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let unit: fn([u8; 2]) -> u16 = match self {
            Self::Bytes => return bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).into(),
            Self::Utf16Le => u16::from_le_bytes,
            Self::Utf16Be => u16::from_be_bytes,
        };
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        let text: String = char::decode_utf16(units)
            .map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER))
            .skip_while(|letter| *letter == '\u{feff}')
            .collect();
        text.into_bytes().into()
    }
}

/// How the lines of one log are read.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Text<'a> {
    pub encoding: Encoding,
    pub clock: Clock<'a>,
}

impl Text<'_> {
    /// When this line, with or without its end, says it was written.
    #[must_use]
    pub fn stamp(&self, line: &[u8]) -> Option<Stamp> {
        let seen = &line[..line.len().min(LOOKED_AT)];
        let seen = self.encoding.decoded(seen);
        let seen = seen.strip_suffix(b"\n").unwrap_or(&seen);
        (self.clock)(seen.strip_suffix(b"\r").unwrap_or(seen))
    }

    /// The stamp of the first line of these that has one.
    #[must_use]
    pub fn first_stamp(&self, lines: &[u8]) -> Option<Stamp> {
        let mut rest = lines;
        while !rest.is_empty() {
            let line = self.encoding.first_line(rest);
            if let Some(stamp) = self.stamp(line) {
                return Some(stamp);
            }
            rest = &rest[line.len()..];
        }
        None
    }

    /// The stamp of the last line of these that has one.
    #[must_use]
    pub fn last_stamp(&self, lines: &[u8]) -> Option<Stamp> {
        let mut rest = lines;
        while !rest.is_empty() {
            let within = &rest[..rest.len() - self.encoding.unit().min(rest.len())];
            let start = self.encoding.last_line_end(within);
            if let Some(stamp) = self.stamp(&rest[start..]) {
                return Some(stamp);
            }
            rest = &rest[..start];
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, low_first: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| {
                if low_first {
                    unit.to_le_bytes()
                } else {
                    unit.to_be_bytes()
                }
            })
            .collect()
    }

    #[test]
    fn lines_of_utf_16_end_at_whole_characters() {
        // U+0A0D and U+0D0A hold the byte of an end of line, and U+0A00 beside another byte too.
        let text = "\u{feff}a\u{0a0d}\u{0d0a}\u{0a00}b\r\nc";
        for low_first in [true, false] {
            let bytes = utf16(text, low_first);
            let encoding = Encoding::of(&bytes);
            assert_eq!(encoding.unit(), 2);
            assert_eq!(encoding.line_end(&bytes), Some(16));
            assert_eq!(encoding.last_line_end(&bytes), 16);
            assert_eq!(encoding.ends(&bytes), 1);
            assert_eq!(
                encoding.decoded(&bytes[..16]).as_ref(),
                "a\u{0a0d}\u{0d0a}\u{0a00}b\r\n".as_bytes()
            );
        }
    }

    #[test]
    fn a_stamp_is_read_without_marks_and_ends_of_line() {
        let text = Text {
            encoding: Encoding::Bytes,
            clock: &|line| (line == b"now").then_some(Stamp(1)),
        };
        for line in ["now", "now\n", "now\r\n", "\u{feff}now\r\n"] {
            assert_eq!(text.stamp(line.as_bytes()), Some(Stamp(1)), "{line:?}");
        }
        let text = Text {
            encoding: Encoding::Utf16Be,
            ..text
        };
        assert_eq!(text.stamp(&utf16("\u{feff}now\r\n", false)), Some(Stamp(1)));
    }

    #[test]
    fn of_a_long_line_only_the_beginning_is_looked_at() {
        let text = Text {
            encoding: Encoding::Bytes,
            clock: &|line| Some(Stamp(line.len() as i64)),
        };
        assert_eq!(
            text.stamp(&vec![b'x'; LOOKED_AT * 2]),
            Some(Stamp(LOOKED_AT as i64))
        );
    }
}

//! Values that are certainly secret, and the forms they take in other texts. Knows no rules.

use std::fmt::Write as _;

use regex::bytes::Regex;

use super::Span;

/// Shorter values match by chance.
const SHORTEST: usize = 4;

/// Shorter pieces of base64 match by chance.
const SHORTEST_PIECE: usize = 8;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// One literal text to be found.
#[derive(Clone)]
pub(super) struct Needle {
    literal: Regex,
    name: &'static str,
    /// In base64 the neighbours share characters with the value, so the mark goes to the ends of the whole word.
    base64: bool,
}

/// Every form of one value.
pub(super) fn needles(value: &str) -> Vec<Needle> {
    let value = value.trim_end_matches(['\r', '\n']);
    if value.len() < SHORTEST {
        return Vec::new();
    }
    let mut plain = vec![value.to_owned(), percent(value), json(value)];
    plain.sort();
    plain.dedup();
    let mut coded = Vec::new();
    for alphabet in [STANDARD, URL_SAFE] {
        coded.push(base64(alphabet, value.as_bytes()));
        for skew in 0..3 {
            coded.push(piece(alphabet, value.as_bytes(), skew));
        }
    }
    coded.retain(|text| text.len() >= SHORTEST_PIECE);
    coded.sort();
    coded.dedup();
    let needle = |text: &String, base64| {
        // A quoted literal always compiles, but for its size: a value of megabytes is no secret of ours.
        Regex::new(&format!("(?-u:{})", bytes(text)))
            .ok()
            .map(|literal| Needle {
                literal,
                name: if base64 { "secret-base64" } else { "secret" },
                base64,
            })
    };
    plain
        .iter()
        .filter_map(|text| needle(text, false))
        .chain(coded.iter().filter_map(|text| needle(text, true)))
        .collect()
}

impl Needle {
    pub(super) fn find<'a>(&'a self, haystack: &[u8], spans: &mut Vec<Span<'a>>) {
        let mut at = 0;
        // From one byte after the last beginning, because occurrences may overlap.
        while let Some(found) = self.literal.find_at(haystack, at) {
            at = found.start() + 1;
            let (from, to) = if self.base64 {
                let (from, to) = word(haystack, found.start(), found.end());
                at = at.max(to);
                (from, to)
            } else {
                (found.start(), found.end())
            };
            match spans.last_mut() {
                Some(last) if last.name == self.name && last.to > from && last.from <= from => {
                    last.to = last.to.max(to);
                }
                _ => spans.push(Span {
                    from,
                    to,
                    name: self.name,
                }),
            }
        }
    }
}

/// The whole run of base64 characters around a place, up to 4 KiB to either side.
fn word(haystack: &[u8], from: usize, to: usize) -> (usize, usize) {
    let belongs =
        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    let before = haystack[..from]
        .iter()
        .rev()
        .take(4096)
        .take_while(belongs)
        .count();
    let after = haystack[to..].iter().take(4096).take_while(belongs).count();
    let padding = haystack[to + after..]
        .iter()
        .take(2)
        .take_while(|byte| **byte == b'=')
        .count();
    (from - before, to + after + padding)
}

/// Every byte as `\xNN`, so that nothing of it has a meaning.
fn bytes(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() * 4);
    for byte in text.bytes() {
        // Writing to a String cannot fail.
        let _ = write!(pattern, "\\x{byte:02x}");
    }
    pattern
}

fn percent(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn json(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn base64(alphabet: &[u8; 64], bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let word = three
            .iter()
            .chain([&0, &0])
            .take(3)
            .fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        for digit in 0..=three.len() {
            out.push(char::from(
                alphabet[(word >> (18 - 6 * digit) & 63) as usize],
            ));
        }
    }
    out
}

/// The characters that the value alone decides, when `skew` bytes stand before it in its first group of three.
fn piece(alphabet: &[u8; 64], value: &[u8], skew: usize) -> String {
    let mut bytes = vec![0; skew];
    bytes.extend_from_slice(value);
    let text = base64(alphabet, &bytes);
    let first = (skew * 8).div_ceil(6);
    let last = bytes.len() * 8 / 6;
    text[first.min(last)..last].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_rfc_4648() {
        for (bytes, text) in [
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(STANDARD, bytes.as_bytes()), text);
        }
        assert_eq!(base64(URL_SAFE, &[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn a_piece_is_in_the_base64_of_every_text_that_holds_the_value() {
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "x", "xy", "xyz"] {
                let whole = base64(STANDARD, format!("{before}s3cr3t-value{after}").as_bytes());
                let piece = piece(STANDARD, b"s3cr3t-value", before.len() % 3);
                assert!(whole.contains(&piece), "{whole} {piece}");
            }
        }
    }
}

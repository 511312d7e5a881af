//! UTF-16 that comes in pieces, as UTF-8. Knows nothing of where it comes from.

use crate::logs::lines::Encoding;

/// What was read of UTF-16 so far: at most half a character is held.
#[derive(Debug)]
pub(super) struct Utf16 {
    unit: fn([u8; 2]) -> u16,
    held: Vec<u8>,
    begun: bool,
}

impl Utf16 {
    /// None for what is no UTF-16.
    pub(super) fn of(encoding: Encoding) -> Option<Self> {
        let unit: fn([u8; 2]) -> u16 = match encoding {
            Encoding::Bytes => return None,
            Encoding::Utf16Le => u16::from_le_bytes,
            Encoding::Utf16Be => u16::from_be_bytes,
        };
        Some(Self {
            unit,
            held: Vec::new(),
            begun: false,
        })
    }

    /// Takes what comes next, without the mark at the beginning; what is no character becomes U+FFFD.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(bytes);
        let mut whole = self.held.len() / 2 * 2;
        if let Some(last) = self.held[..whole].last_chunk::<2>()
            && (0xd800..0xdc00).contains(&(self.unit)(*last))
        {
            whole -= 2;
        }
        self.decode(whole, out);
    }

    /// There is nothing more.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        let whole = self.held.len() / 2 * 2;
        self.decode(whole, out);
        if !std::mem::take(&mut self.held).is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }

    fn decode(&mut self, whole: usize, out: &mut Vec<u8>) {
        let units = self.held[..whole]
            .chunks_exact(2)
            .map(|pair| (self.unit)([pair[0], pair[1]]));
        let mut buf = [0; 4];
        for letter in char::decode_utf16(units) {
            let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
            let mark = !std::mem::replace(&mut self.begun, true) && letter == '\u{feff}';
            if !mark {
                out.extend_from_slice(letter.encode_utf8(&mut buf).as_bytes());
            }
        }
        self.held.drain(..whole);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn however_it_comes_it_is_what_a_whole_reading_gives(
            units in proptest::collection::vec(prop_oneof![any::<u16>(), 0xd7f0u16..0xe010], 0..40),
            step in 1usize..9,
            low_first in any::<bool>(),
        ) {
            let bytes: Vec<u8> = units
                .iter()
                .flat_map(|unit| if low_first { unit.to_le_bytes() } else { unit.to_be_bytes() })
                .collect();
            let encoding = if low_first { Encoding::Utf16Le } else { Encoding::Utf16Be };
            let mut utf16 = Utf16::of(encoding).unwrap();
            let mut out = Vec::new();
            for part in bytes.chunks(step) {
                utf16.push(part, &mut out);
            }
            utf16.end(&mut out);
            let whole = String::from_utf16_lossy(&units);
            let whole = whole.strip_prefix('\u{feff}').unwrap_or(&whole);
            prop_assert_eq!(String::from_utf8(out).unwrap(), whole);
        }
    }
}

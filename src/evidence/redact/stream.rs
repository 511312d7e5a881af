//! Redacting any number of bytes with little memory: piece by piece, each looked at with what lies before and behind it,
//! so that a secret is found wherever two pieces meet.

use std::collections::BTreeMap;

use super::{OVERLAP, Redactor};

/// Bytes of one piece.
const PIECE: usize = 1 << 20;
/// Looked at behind a piece: the longest secret there is, and a line.
const AHEAD: usize = 2 * OVERLAP;
/// Values that are told; of more only the places are counted.
const MOST_VALUES: usize = 100_000;

/// What was done. It has no debug form: it holds what was taken out.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Places.
    pub count: u64,
    /// Places by the name of their rule.
    pub by_rule: BTreeMap<String, u64>,
    /// What stood where, by its mark; only where marks tell values apart. It is for whoever holds the key and for
    /// nobody else.
    pub values: BTreeMap<String, Vec<u8>>,
}

/// Bytes on their way.
pub struct Stream {
    redactor: Redactor,
    held: Vec<u8>,
    /// How much of `held` is out already, and stays to be looked at with what follows.
    done: usize,
    sizes: Sizes,
    report: Report,
}

#[derive(Clone, Copy)]
struct Sizes {
    piece: usize,
    ahead: usize,
}

impl Redactor {
    /// Begins with bytes that come one after the other.
    #[must_use]
    pub fn stream(&self) -> Stream {
        self.stream_of(Sizes {
            piece: PIECE,
            ahead: AHEAD,
        })
    }

    fn stream_of(&self, sizes: Sizes) -> Stream {
        Stream {
            redactor: self.clone(),
            held: Vec::new(),
            done: 0,
            sizes,
            report: Report::default(),
        }
    }
}

impl Stream {
    /// Takes more bytes, and puts what is ready behind `out`.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        let most = self.sizes.piece + self.sizes.ahead;
        while !bytes.is_empty() {
            let room = (most - (self.held.len() - self.done)).min(bytes.len());
            self.held.extend_from_slice(&bytes[..room]);
            bytes = &bytes[room..];
            if self.held.len() - self.done == most {
                self.pass(self.cut(), out);
            }
        }
    }

    /// Puts the rest behind `out`.
    #[must_use]
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Report {
        self.pass(self.held.len(), out);
        std::mem::take(&mut self.report)
    }

    /// Where the piece ends: behind a line if one ends soon enough.
    fn cut(&self) -> usize {
        let end = self.held.len() - self.sizes.ahead;
        let from = end.saturating_sub(self.sizes.ahead).max(self.done);
        let line = self.held[from..end].iter().rposition(|byte| *byte == b'\n');
        line.map_or(end, |at| from + at + 1)
    }

    fn pass(&mut self, cut: usize, out: &mut Vec<u8>) {
        let mut at = self.done;
        for span in self.redactor.spans(&self.held) {
            if span.from >= cut {
                break;
            }
            if span.to <= at {
                continue;
            }
            out.extend_from_slice(&self.held[at..span.from.max(at)]);
            let value = &self.held[span.from..span.to];
            let mark = self.redactor.mark(span.name, value);
            out.extend_from_slice(mark.as_bytes());
            self.report.count += 1;
            *self.report.by_rule.entry(span.name.to_owned()).or_default() += 1;
            if self.redactor.key.is_some() && self.report.values.len() < MOST_VALUES {
                self.report
                    .values
                    .entry(mark)
                    .or_insert_with(|| value.to_vec());
            }
            at = span.to;
        }
        if at < cut {
            out.extend_from_slice(&self.held[at..cut]);
            at = cut;
        }
        // From the beginning of a line, as the piece itself was: what was found in it is found again, and not half of it.
        let from = at.saturating_sub(self.sizes.ahead);
        let lines = &self.held[from..at];
        let whole = lines.iter().position(|byte| *byte == b'\n');
        let from = from
            + if from == 0 {
                0
            } else {
                whole.map_or(0, |at| at + 1)
            };
        self.held.drain(..from);
        self.done = at - from;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn streamed(
        redactor: &Redactor,
        bytes: &[u8],
        sizes: Sizes,
        chunk: usize,
    ) -> (Vec<u8>, Report) {
        let mut stream = redactor.stream_of(sizes);
        let mut out = Vec::new();
        for chunk in bytes.chunks(chunk) {
            stream.push(chunk, &mut out);
        }
        let report = stream.finish(&mut out);
        (out, report)
    }

    #[test]
    fn one_value_has_one_mark_and_the_report_says_which() {
        let redactor = Redactor::new(&[]).unwrap().also(&["email"]).keyed([7; 32]);
        let text = b"ann@example.org wrote to bob@example.org, then ann@example.org again\n";
        let mut out = Vec::new();
        let mut stream = redactor.stream();
        stream.push(text, &mut out);
        let report = stream.finish(&mut out);
        let out = String::from_utf8(out).unwrap();
        assert_eq!((report.count, report.by_rule["email"]), (3, 3));
        assert_eq!(report.values.len(), 2);
        let ann = report
            .values
            .iter()
            .find(|(_, value)| *value == b"ann@example.org")
            .unwrap()
            .0;
        assert_eq!(out.matches(ann.as_str()).count(), 2, "{out}");
        assert!(!out.contains("example"), "{out}");
        let other = Redactor::new(&[]).unwrap().also(&["email"]).keyed([8; 32]);
        assert!(!other.text("ann@example.org").text.contains(ann.as_str()));
        assert_eq!(redactor.text(&out).count, 0, "a second pass finds nothing");
    }

    #[test]
    fn addresses_go_where_it_is_asked_for_and_versions_and_times_stay() {
        let plain = Redactor::new(&[]).unwrap();
        let text = "from 203.0.113.9 and 2001:db8::1 at 13:12:07, v1.2.3, ann@host";
        assert_eq!(plain.text(text).text, text);
        assert_eq!(
            plain.also(&["ip", "email", "none"]).text(text).text,
            "from [redacted:ip] and [redacted:ip] at 13:12:07, v1.2.3, ann@host"
        );
    }

    #[test]
    fn a_key_across_two_pieces_is_found_whole() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n".repeat(30);
        let key = format!("-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n");
        let redactor = Redactor::new(&[]).unwrap();
        for before in 0..40 {
            let text = format!("{}{key}after\n", "a line of a log\n".repeat(before * 8));
            let sizes = Sizes {
                piece: 3000,
                ahead: 2000,
            };
            let (out, report) = streamed(&redactor, text.as_bytes(), sizes, 700);
            assert_eq!(report.count, 1);
            assert!(!String::from_utf8(out).unwrap().contains("MII"));
        }
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            lines in proptest::collection::vec(
                "(password=[a-z]{4,12}|ann@example\\.org|4111 1111 1111 1111|Bearer [a-z]{20}|[ -~]{0,20}|x{60}| ){0,4}", 0..60),
            piece in 200usize..900, chunk in 1usize..500,
        ) {
            let text = lines.join("\n");
            let redactor = Redactor::new(&[]).unwrap().also(&["email"]).keyed([1; 32]).secrets(["hunter2-and-more"]);
            let whole = redactor.redact(text.as_bytes());
            let (out, report) = streamed(&redactor, text.as_bytes(), Sizes { piece, ahead: 600 }, chunk);
            prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&whole.bytes));
            prop_assert_eq!((report.count, report.by_rule), (whole.count, whole.by_rule));
        }
    }
}

//! Several logs as one, by time. Knows nothing of files: logs are read at offsets, lines come out.
//!
//! The logs keep their own order. Of the lines that stand next in each, the earliest comes out, and of those of one
//! moment that of the log named first. A line without a stamp follows the one above it. No line is left out and none
//! comes twice, also where a log steps back in time: such a line comes when its turn is, after an earlier one.

use std::io;
use std::ops::Range;

use super::lines::{Encoding, LOOKED_AT, Text};
use super::source::Source;
use super::stamp::Stamp;

/// Bytes of each log that are held: more than is looked at of a line for its stamp.
const HELD: usize = 4 * LOOKED_AT;

/// One of the logs.
#[derive(Clone)]
#[allow(missing_docs)]
pub struct Part<'a> {
    pub source: &'a dyn Source,
    pub text: Text<'a>,
    /// Which bytes of it; they begin a line.
    pub range: Range<u64>,
    /// Nanoseconds to add to its stamps, for a clock that was wrong.
    pub shift: i64,
}

/// Bytes of one log on their way out: a line, the first or a further part of a very long one, or several lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Run<'r> {
    /// The number of the log, from 0.
    pub part: usize,
    /// Where in it they begin.
    pub at: u64,
    /// When the line that begins them was written, shifted; nothing before the first stamp of a log.
    pub stamp: Option<Stamp>,
    pub bytes: &'r [u8],
}

/// Gives out all lines of these logs, merged.
///
/// # Errors
/// When a log cannot be read, or as `out` fails.
pub fn merge(parts: &[Part<'_>], out: &mut dyn FnMut(Run<'_>) -> io::Result<()>) -> io::Result<()> {
    let mut readers = Vec::with_capacity(parts.len());
    let mut heads = Heads::new(parts.len());
    for (number, part) in parts.iter().enumerate() {
        let mut reader = Reader::new(part, number);
        heads.set(number, reader.begin()?);
        readers.push(reader);
    }
    while let Some((number, stamp)) = heads.first() {
        heads.set(number, readers[number].pass(stamp, out)?);
    }
    Ok(())
}

/// Which log comes next: a tournament in which a match is played anew when one of its two gets another line. Each match
/// is a minimum of two numbers and no branch, for the outcome of a fair one cannot be foretold.
struct Heads {
    /// The winner of match `n` is that of matches `2n` and `2n + 1`; the last half are the logs themselves.
    winners: Vec<Key>,
    logs: usize,
}

/// Stamp and number of a log, so that the smaller one comes first. What is all ones has nothing more to come.
type Key = u128;
const NOTHING: Key = Key::MAX;

impl Heads {
    fn new(logs: usize) -> Self {
        let logs = logs.next_power_of_two();
        Self {
            winners: vec![NOTHING; 2 * logs],
            logs,
        }
    }

    /// The log whose turn it is, and its stamp.
    fn first(&self) -> Option<(usize, Option<Stamp>)> {
        let key = self.winners[1];
        #[allow(
            clippy::cast_possible_truncation,
            reason = "takes the two halves apart"
        )]
        let (biased, number) = ((key >> 64) as u64, key as u64 as usize);
        let stamp = (biased != 0).then(|| Stamp((biased ^ SIGN).cast_signed()));
        (key != NOTHING).then_some((number, stamp))
    }

    /// What this log has next, if anything.
    fn set(&mut self, number: usize, head: Option<Option<Stamp>>) {
        let mut key = head.map_or(NOTHING, |stamp| {
            // The least moment there is counts as the one after it: nothing comes before all stamps.
            let biased = stamp.map_or(0, |stamp| (stamp.0.cast_unsigned() ^ SIGN).max(1));
            Key::from(biased) << 64 | number as Key
        });
        let mut at = self.logs + number;
        self.winners[at] = key;
        while at > 1 {
            key = key.min(self.winners[at ^ 1]);
            at /= 2;
            self.winners[at] = key;
        }
    }
}

/// Flipped, signed numbers are in the order of unsigned ones.
const SIGN: u64 = 1 << 63;

/// One log from its first to its last line. Nothing, the least of all stamps, stands for the lines before the first one.
struct Reader<'a> {
    part: &'a Part<'a>,
    number: usize,
    held: Vec<u8>,
    /// The bytes of `held` that are still to come out.
    left: Range<usize>,
    /// Where in the log `left` begins.
    at: u64,
    /// How long the next line is, where that is known.
    length: Option<usize>,
    /// Nothing comes behind what is held.
    ended: bool,
}

impl<'a> Reader<'a> {
    fn new(part: &'a Part<'a>, number: usize) -> Self {
        Self {
            part,
            number,
            held: vec![0; HELD],
            left: 0..0,
            at: part.range.start,
            length: None,
            ended: false,
        }
    }

    /// The stamp of the first line, if there is a line.
    fn begin(&mut self) -> io::Result<Option<Option<Stamp>>> {
        self.fill()?;
        Ok((!self.left.is_empty()).then(|| self.stamp()))
    }

    /// Gives out the next line and those without a stamp behind it; the stamp of the one after these.
    fn pass(
        &mut self,
        stamp: Option<Stamp>,
        out: &mut dyn FnMut(Run<'_>) -> io::Result<()>,
    ) -> io::Result<Option<Option<Stamp>>> {
        loop {
            self.line(stamp, out)?;
            if self.left.len() < LOOKED_AT {
                self.fill()?;
            }
            if self.left.is_empty() {
                return Ok(None);
            }
            if let Some(next) = self.stamp() {
                return Ok(Some(Some(next)));
            }
        }
    }

    /// Gives out one line, in parts if it is longer than what is held.
    fn line(
        &mut self,
        stamp: Option<Stamp>,
        out: &mut dyn FnMut(Run<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            let left = &self.held[self.left.clone()];
            let known = self.length.take();
            let end = known.or_else(|| self.part.text.encoding.line_end(left));
            let length = end.unwrap_or(left.len());
            out(Run {
                part: self.number,
                at: self.at,
                stamp,
                bytes: &left[..length],
            })?;
            self.left.start += length;
            self.at += length as u64;
            if end.is_some() || self.ended {
                return Ok(());
            }
            self.fill()?;
            if self.left.is_empty() {
                return Ok(());
            }
        }
    }

    /// When the line that stands next was written.
    fn stamp(&mut self) -> Option<Stamp> {
        let left = &self.held[self.left.clone()];
        let seen = &left[..left.len().min(LOOKED_AT)];
        self.length = self.part.text.encoding.line_end(seen);
        let stamp = self
            .part
            .text
            .stamp(&seen[..self.length.unwrap_or(seen.len())])?;
        Some(Stamp(stamp.0.saturating_add(self.part.shift)))
    }

    /// Reads on until as much is held as can be.
    fn fill(&mut self) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        self.held.copy_within(self.left.clone(), 0);
        self.left = 0..self.left.len();
        let behind = self.at + self.left.len() as u64;
        let wanted = self.part.range.end.saturating_sub(behind);
        let free = usize::try_from(wanted)
            .unwrap_or(usize::MAX)
            .min(HELD - self.left.len());
        let into = &mut self.held[self.left.end..self.left.end + free];
        let read = self.part.source.fill_at(into, behind)?;
        self.left.end += read;
        self.ended = read < free || wanted == read as u64;
        Ok(())
    }
}

/// Writes what [`merge`] gives out, as text of one encoding: UTF-16 becomes UTF-8, and a last line without an end gets
/// one if another follows.
pub struct Joined<'p, W> {
    parts: &'p [Part<'p>],
    out: W,
    ended: bool,
    last: usize,
}

impl<'p, W: io::Write> Joined<'p, W> {
    /// Into this, which should be buffered.
    pub fn new(parts: &'p [Part<'p>], out: W) -> Self {
        Self {
            parts,
            out,
            ended: true,
            last: 0,
        }
    }

    /// Takes what comes next.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn take(&mut self, run: Run<'_>) -> io::Result<()> {
        if !self.ended && run.part != self.last {
            self.out.write_all(b"\n")?;
        }
        let bytes = match self.parts[run.part].text.encoding {
            Encoding::Bytes => run.bytes.into(),
            wide => wide.decoded(run.bytes),
        };
        self.ended = bytes.ends_with(b"\n");
        self.last = run.part;
        self.out.write_all(&bytes)
    }

    /// What was written to.
    pub fn into_inner(self) -> W {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A line that begins with digits was written then.
    fn clock(line: &[u8]) -> Option<Stamp> {
        let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(&line[..digits]).ok()?;
        text.parse().ok().map(Stamp)
    }

    struct Log(Vec<u8>);

    impl Source for Log {
        fn size(&self) -> io::Result<u64> {
            self.0.as_slice().size()
        }

        fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
            // Few at a time, as a network would.
            let few = buf.len().min(70_000);
            self.0.as_slice().read_at(&mut buf[..few], at)
        }
    }

    fn part(log: &Log, encoding: Encoding) -> Part<'_> {
        Part {
            source: log,
            text: Text {
                encoding,
                clock: &clock,
            },
            range: 0..log.0.len() as u64,
            shift: 0,
        }
    }

    fn joined(parts: &[Part<'_>]) -> String {
        let mut joined = Joined::new(parts, Vec::new());
        merge(parts, &mut |run| joined.take(run)).unwrap();
        String::from_utf8(joined.into_inner()).unwrap()
    }

    fn merged(logs: &[&str]) -> String {
        let logs: Vec<Log> = logs
            .iter()
            .map(|log| Log(log.as_bytes().to_vec()))
            .collect();
        let parts: Vec<Part<'_>> = logs.iter().map(|log| part(log, Encoding::Bytes)).collect();
        joined(&parts)
    }

    #[test]
    fn the_earliest_comes_first_and_of_one_moment_the_log_named_first() {
        assert_eq!(
            merged(&["1a\n3a\n3b\n", "2c\n3c\n", ""]),
            "1a\n2c\n3a\n3b\n3c\n"
        );
        assert_eq!(merged(&[]), "");
        assert_eq!(merged(&["", ""]), "");
    }

    #[test]
    fn lines_without_a_stamp_follow_the_one_above() {
        assert_eq!(
            merged(&["head\n5a\n at x\n\n at y\n7a\n", "6b\n at z\n"]),
            "head\n5a\n at x\n\n at y\n6b\n at z\n7a\n"
        );
    }

    #[test]
    fn a_log_that_steps_back_loses_nothing() {
        assert_eq!(
            merged(&["5a\n2a\n6a\n", "3b\n7b\n"]),
            "3b\n5a\n2a\n6a\n7b\n"
        );
    }

    #[test]
    fn a_last_line_without_an_end_gets_one_only_if_another_follows() {
        assert_eq!(merged(&["1a", "2b"]), "1a\n2b");
        assert_eq!(merged(&["1a\r\n4a", "2b"]), "1a\r\n2b\n4a");
    }

    #[test]
    fn a_clock_that_was_wrong_is_put_right() {
        let logs = [Log(b"1a\n4a\n".to_vec()), Log(b"12b\n14b\n".to_vec())];
        let mut parts = [
            part(&logs[0], Encoding::Bytes),
            part(&logs[1], Encoding::Bytes),
        ];
        parts[1].shift = -10;
        assert_eq!(joined(&parts), "1a\n12b\n4a\n14b\n");
    }

    #[test]
    fn lines_longer_than_what_is_held_come_out_whole() {
        let long = "x".repeat(3 * HELD + 17);
        let logs = [
            format!("1{long}\n3a\n{long}\n9{long}"),
            format!("2b\n{long}\n4b\n"),
        ];
        let expected = format!("1{long}\n2b\n{long}\n3a\n{long}\n4b\n9{long}");
        assert!(merged(&[&logs[0], &logs[1]]) == expected);
    }

    #[test]
    fn only_the_range_comes_and_utf_16_becomes_utf_8() {
        let wide: Vec<u8> = "\u{feff}2é\n5é"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let logs = [Log(b"1a\n3a\n4a\n".to_vec()), Log(wide)];
        let mut parts = [
            part(&logs[0], Encoding::Bytes),
            part(&logs[1], Encoding::Utf16Le),
        ];
        parts[0].range = 3..6;
        assert_eq!(joined(&parts), "2é\n3a\n5é");
    }

    proptest! {
        #[test]
        fn a_merge_is_a_stable_sort_of_ordered_logs(
            stamps in proptest::collection::vec(proptest::collection::vec((0..50_i64, 0..3_usize), 0..30), 0..6)
        ) {
            let mut logs = Vec::new();
            let mut expected = Vec::new();
            for (number, mut lines) in stamps.into_iter().enumerate() {
                lines.sort_by_key(|(stamp, _)| *stamp);
                let mut text = String::new();
                for (index, (stamp, more)) in lines.into_iter().enumerate() {
                    let group = format!("{stamp} {number} {index}\n{}", " more\n".repeat(more));
                    text.push_str(&group);
                    expected.push((stamp, number, index, group));
                }
                logs.push(text);
            }
            expected.sort();
            let expected: String = expected.into_iter().map(|(.., group)| group).collect();
            let logs: Vec<&str> = logs.iter().map(String::as_str).collect();
            prop_assert_eq!(merged(&logs), expected);
        }

        #[test]
        fn runs_of_a_log_are_the_log(texts in proptest::collection::vec("[0-9a\n]{0,40}", 0..4)) {
            let logs: Vec<Log> = texts.iter().map(|text| Log(text.clone().into_bytes())).collect();
            let parts: Vec<Part<'_>> = logs.iter().map(|log| part(log, Encoding::Bytes)).collect();
            let mut out = vec![Vec::new(); logs.len()];
            merge(&parts, &mut |run| {
                assert_eq!(run.at, out[run.part].len() as u64);
                out[run.part].extend_from_slice(run.bytes);
                Ok(())
            }).unwrap();
            for (log, out) in logs.iter().zip(out) {
                prop_assert_eq!(&log.0, &out);
            }
        }
    }
}

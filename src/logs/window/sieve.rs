//! Line by line: which lines of a stream lie in a window. Knows nothing of where they come from or go to.

use std::io;
use std::ops::Range;

use crate::logs::lines::{LOOKED_AT, Text};
use crate::logs::stamp::{Stamp, Window};

/// Judges the lines of one stream in their order; a line without a stamp follows the line above.
pub struct Sieve<'a> {
    text: Text<'a>,
    window: Window,
    keeping: bool,
    /// In the rest of a line whose beginning was judged already.
    inside: bool,
    /// Of the lines that were kept.
    pub first: Option<Stamp>,
    /// Of the lines that were kept.
    pub last: Option<Stamp>,
    /// Over all lines that were judged.
    pub order: Steps,
}

/// How far stamps ever step back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Steps {
    pub first: Option<Stamp>,
    pub highest: Option<Stamp>,
    /// Nanoseconds between the highest stamp so far and a later line's, at most.
    pub back: u64,
}

impl Steps {
    /// Takes the next stamp in.
    pub fn take(&mut self, stamp: Stamp) {
        self.first.get_or_insert(stamp);
        let highest = *self.highest.get_or_insert(stamp);
        if stamp < highest {
            self.back = self.back.max(highest.0.abs_diff(stamp.0));
        } else {
            self.highest = Some(stamp);
        }
    }
}

impl<'a> Sieve<'a> {
    /// For a stream whose first lines, those above the first stamp, are kept or not.
    #[must_use]
    pub fn new(text: Text<'a>, window: Window, keeping: bool) -> Self {
        Self {
            text,
            window,
            keeping,
            inside: false,
            first: None,
            last: None,
            order: Steps::default(),
        }
    }

    /// Judges the lines of the next bytes and hands on the runs of those that are kept. Returns how many bytes are done
    /// with: the rest is the beginning of a line and has to come again with what follows, unless this is the end.
    ///
    /// # Errors
    /// Those of `keep`, which may also say to stop.
    pub fn pass(
        &mut self,
        bytes: &[u8],
        end: bool,
        mut keep: impl FnMut(Range<usize>) -> io::Result<()>,
    ) -> io::Result<usize> {
        let mut done = 0;
        let mut run = 0..0;
        while done < bytes.len() {
            let rest = &bytes[done..];
            let line = match self.text.encoding.line_end(rest) {
                Some(length) => &rest[..length],
                None if end || self.inside || rest.len() >= LOOKED_AT => rest,
                None => break,
            };
            if !self.inside {
                self.judge(line);
            }
            self.inside = line.len() == rest.len() && self.text.encoding.line_end(line).is_none();
            if self.keeping {
                if run.end != done {
                    if !run.is_empty() {
                        keep(run.clone())?;
                    }
                    run.start = done;
                }
                run.end = done + line.len();
            }
            done += line.len();
        }
        if !run.is_empty() {
            keep(run)?;
        }
        Ok(done)
    }

    fn judge(&mut self, line: &[u8]) {
        let Some(stamp) = self.text.stamp(line) else {
            return;
        };
        self.order.take(stamp);
        self.keeping = self.window.holds(stamp);
        if self.keeping {
            self.first.get_or_insert(stamp);
            self.last = Some(stamp);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::lines::Encoding;

    /// A stamp is a line's first three digits.
    fn clock(line: &[u8]) -> Option<Stamp> {
        let digits = std::str::from_utf8(line.get(..3)?).ok()?;
        digits.parse().ok().map(Stamp)
    }

    fn kept(parts: &[&[u8]]) -> (Vec<u8>, Steps) {
        let text = Text {
            encoding: Encoding::Bytes,
            clock: &clock,
        };
        let window = Window {
            from: Stamp(10),
            to: Stamp(20),
        };
        let mut sieve = Sieve::new(text, window, false);
        let (mut kept, mut held) = (Vec::new(), Vec::new());
        for (index, part) in parts.iter().enumerate() {
            held.extend_from_slice(part);
            let end = index + 1 == parts.len();
            let done = sieve
                .pass(&held, end, |run| {
                    kept.extend_from_slice(&held[run]);
                    Ok(())
                })
                .unwrap();
            held.drain(..done);
        }
        (kept, sieve.order)
    }

    #[test]
    fn lines_without_a_stamp_follow_the_line_above() {
        let log = b"above\n005 a\n in\n010 b\r\n at\n\n020 c\n in\n019 d\n019";
        let (whole, order) = kept(&[log]);
        assert_eq!(whole, b"010 b\r\n at\n\n019 d\n019");
        assert_eq!((order.first, order.back), (Some(Stamp(5)), 1));
        for at in 0..log.len() {
            let (parts, _) = kept(&[&log[..at], &log[at..]]);
            assert_eq!(parts, whole, "cut at {at}");
        }
    }

    #[test]
    fn a_line_longer_than_anything_is_judged_by_its_beginning_and_never_held() {
        let long = |start: &str| [start.as_bytes(), &vec![b'x'; LOOKED_AT]].concat();
        let (whole, _) = kept(&[
            &long("010 "),
            b"011 is inside\n020\n",
            &long("012 "),
            b"\n",
            &long("030 "),
            b" 015\n",
        ]);
        let expected = [&long("010 ")[..], b"011 is inside\n", &long("012 "), b"\n"].concat();
        assert!(whole == expected);
    }
}

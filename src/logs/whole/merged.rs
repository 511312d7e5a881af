//! Windows out of several logs, merged by time. The lines stay in their files until their turn comes; what is packed lies
//! unpacked in a file without a name. Knows nothing of where the merged lines go.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZero;
use std::ops::Range;
use std::thread::available_parallelism;

use super::{Dating, Outcome, Outcomes, Piece, at_hand};
use crate::logs::behind::Behind;
use crate::logs::lines::{Encoding, Text};
use crate::logs::merge::{Part, merge};
use crate::logs::rotated::Member;
use crate::logs::source::Source;
use crate::logs::stamp::Stamp;
use crate::logs::window::{Ask, Keeper, Kept};

/// What came of it.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Merged {
    pub logs: Vec<Outcomes>,
    /// What was written; its ranges mean nothing. Where a log ends without a newline and another goes on, there is one
    /// more byte than was kept.
    pub kept: Kept,
}

/// Writes the lines of the window out of all these logs in the order of their time.
///
/// # Errors
/// When the output cannot be written, or when logs are of different encodings.
pub fn merged(
    logs: &[Vec<Member>],
    dating: &Dating,
    ask: &Ask,
    out: &mut (dyn Write + Send),
) -> io::Result<Merged> {
    let alone = Ask {
        limit: None,
        digest: ask.digest && ask.limit.is_none(),
        ..*ask
    };
    let found = found(logs, dating, &alone)?;
    let kept = std::thread::scope(|scope| {
        let mut behind = Behind::new(scope, out);
        let kept = write(&found, ask, &mut behind);
        // What ended it is an error of writing, if there was one.
        behind.finish().and(kept)
    })?;
    Ok(Merged { logs: found, kept })
}

/// Looks for the window in all of them, on as many threads as there are processors.
fn found(logs: &[Vec<Member>], dating: &Dating, ask: &Ask) -> io::Result<Vec<Outcomes>> {
    let threads = available_parallelism().map_or(1, NonZero::get);
    let each = |logs: &[Vec<Member>]| -> Vec<io::Result<Outcomes>> {
        let each = logs.iter().map(|members| at_hand(members, dating, ask));
        each.collect()
    };
    std::thread::scope(|scope| {
        let shares = logs.chunks(logs.len().div_ceil(threads).max(1));
        let shares: Vec<_> = shares
            .map(|share| scope.spawn(move || each(share)))
            .collect();
        let lost = |_| vec![Err(io::Error::other("a searching thread was lost"))];
        let shares = shares.into_iter().map(|share| share.join());
        shares
            .flat_map(|share| share.unwrap_or_else(lost))
            .collect()
    })
}

fn write(found: &[Outcomes], ask: &Ask, out: &mut dyn Write) -> io::Result<Kept> {
    let pieces: Vec<&Piece> = found
        .iter()
        .flatten()
        .filter_map(|(_, outcome)| match outcome {
            Outcome::Copied(piece) if piece.report.kept.bytes > 0 => Some(&**piece),
            _ => None,
        })
        .collect();
    let encoding = pieces
        .first()
        .map_or(Encoding::Bytes, |piece| piece.report.encoding);
    if pieces.iter().any(|piece| piece.report.encoding != encoding) {
        let what = "logs of different encodings cannot be merged: take each alone";
        return Err(io::Error::new(io::ErrorKind::Unsupported, what));
    }
    let sources: Vec<_> = pieces.iter().map(|piece| Ranges::of(piece)).collect();
    let clocks: Vec<_> = pieces
        .iter()
        .map(|piece| move |line: &[u8]| -> Option<Stamp> { piece.stamps.of(line) })
        .collect();
    let parts: Vec<_> = sources
        .iter()
        .zip(&clocks)
        .map(|(source, clock)| Part {
            source,
            text: Text { encoding, clock },
            range: 0..source.length,
            shift: 0,
        })
        .collect();
    let mut keeper = Keeper::new(out, encoding, ask.limit, ask.digest);
    let (mut last, mut at, mut full) = (None, 0, false);
    let newline: &[u8] = match encoding {
        Encoding::Bytes => b"\n",
        Encoding::Utf16Le => b"\n\0",
        Encoding::Utf16Be => b"\0\n",
    };
    let done = merge(&parts, &mut |run| {
        if last.is_some_and(|part| part != run.part) && keeper.is_open() {
            keeper.keep(at, newline)?;
            at += newline.len() as u64;
        }
        last = Some(run.part);
        full = !keeper.keep(at, run.bytes)?;
        at += run.bytes.len() as u64;
        if full {
            return Err(io::Error::other("the budget is used up"));
        }
        Ok(())
    });
    if !full {
        done?;
    }
    Ok(keeper.finish())
}

/// The kept ranges of a file, as if there were nothing else.
struct Ranges<'a> {
    file: &'a File,
    /// Where each begins here, and where it lies there.
    ranges: Vec<(u64, Range<u64>)>,
    length: u64,
}

impl<'a> Ranges<'a> {
    fn of(piece: &'a Piece) -> Self {
        let kept = &piece.report.kept;
        let (file, there) = match &piece.unpacked {
            Some(unpacked) => (unpacked, std::iter::once(0..kept.bytes).collect()),
            None => (&piece.file, kept.ranges.clone()),
        };
        let mut length = 0;
        let mut ranges = Vec::with_capacity(there.len());
        for range in there {
            let bytes = range.end - range.start;
            ranges.push((length, range));
            length += bytes;
        }
        Self {
            file,
            ranges,
            length,
        }
    }
}

impl Source for Ranges<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let next = self.ranges.partition_point(|(start, _)| *start <= at);
        let Some((start, range)) = next.checked_sub(1).map(|index| &self.ranges[index]) else {
            return Ok(0);
        };
        let from = range.start + (at - start);
        let left = range.end.saturating_sub(from);
        let length = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.file.read_at(&mut buf[..length], from)
    }
}

//! Files, all of them or their end, into artifacts; and what files of this machine and of others have in common.

use std::io::{self, Write as _};

use chrono::{DateTime, Utc};

use super::progress::Progress;
use super::sift::{Sift, Told};
use super::{Artifact, Job, Part, Phase, Pulled, PulledFile};
use crate::host::talk::Patience;
use crate::logs::source::Source;
use crate::logs::window::{Changed, Report};

/// The most files, or logs, that one pattern may name.
pub(super) const MOST_FILES: usize = 64;
/// Read at once while copying: a round trip each, where the file is far away.
pub(super) const BLOCK: usize = 4 << 20;
/// Ranges that are told of one file.
const MOST_RANGES: usize = 256;
/// Why there is more of a log than its window.
pub(super) const UNDATED: &str =
    "no line says when it was written in a form that is known, so it is not cut to the window";

/// Bytes that are kept, and what is told of them.
pub(super) type Taken = (Box<dyn Artifact>, Pulled);

/// A file that is open.
pub(super) struct Open<'a> {
    pub path: String,
    pub source: Watched<'a>,
}

impl<'a> Job<'a> {
    pub(super) fn files(&mut self, pattern: &str) -> Result<(), String> {
        match self.wanted.host.as_deref() {
            None => self.here(pattern),
            Some(host) => self.there(host, pattern),
        }
    }

    /// The source, for as long as somebody waits for it.
    pub(super) fn watched<'b>(&self, source: &'b dyn Source, patience: &'b Patience) -> Watched<'b>
    where
        'a: 'b,
    {
        Watched {
            source,
            patience,
            progress: &self.shared.means.progress,
            row: self.row,
        }
    }

    /// Tells how much it will be, at most; false where that is all that was asked.
    pub(super) fn expects(&mut self, most: u64) -> bool {
        self.estimate += most;
        self.progress().expect(self.row, most);
        if !self.shared.means.estimate {
            self.progress().phase(self.row, Phase::Reading);
        }
        !self.shared.means.estimate
    }

    /// The end of a file, as far as the limits go, from the beginning of a line.
    pub(super) fn end_of(
        &mut self,
        open: &Open<'_>,
        incomplete: Option<String>,
    ) -> io::Result<Option<Taken>> {
        let started = self.now();
        let size = open.source.size()?;
        let tail = match self.wanted.part {
            Part::Tail(bytes) => bytes,
            Part::Whole | Part::Window(_) => u64::MAX,
        };
        let most = size.min(tail).min(self.wanted.limit);
        if !self.expects(most) {
            return Ok(None);
        }
        let room = self.shared.budget.take(most);
        let begin = size - room;
        let mut artifact = self.shared.keep.begin()?;
        let mut sift = Sift::new(&mut *artifact, self.wanted.matching.as_ref(), u64::MAX);
        let mut range = (begin, begin);
        let failed = copy_lines(&open.source, size, &mut range, &mut sift).err();
        let told = sift.end()?;
        self.shared.budget.give_back(room - told.bytes.min(room));
        let mut pulled = self.pulled(&open.path, told, started);
        // What nobody asked for was not left out.
        let wanted = size - tail.min(size);
        pulled.dropped = if begin > wanted { range.0 - wanted } else { 0 };
        pulled.incomplete = incomplete;
        if let Some(error) = failed {
            if told.bytes == 0 {
                return Err(error);
            }
            also(&mut pulled.incomplete, &open.path, Some(error.to_string()));
            self.problems.extend(pulled.incomplete.clone());
        }
        pulled.files.push(PulledFile {
            path: open.path.clone(),
            size,
            ranges: vec![range],
            more: 0,
        });
        Ok(Some((artifact, pulled)))
    }

    pub(super) fn pulled(&self, source: &str, told: Told, started: DateTime<Utc>) -> Pulled {
        Pulled {
            name: self.wanted.name.clone(),
            source: source.to_owned(),
            host: self.wanted.host.clone(),
            files: Vec::new(),
            window: None,
            lines: told.lines,
            dropped: told.dropped,
            skew: None,
            incomplete: None,
            started,
            ended: self.now(),
        }
    }
}

/// Which bytes of a file a report says were kept.
pub(super) fn file(path: &str, report: &Report) -> PulledFile {
    let ranges = &report.kept.ranges;
    let few = ranges.iter().take(MOST_RANGES);
    PulledFile {
        path: path.to_owned(),
        size: report.located.size,
        ranges: few.map(|range| (range.start, range.end)).collect(),
        more: report.kept.more_ranges + ranges.len().saturating_sub(MOST_RANGES) as u64,
    }
}

/// What a budget left out, as far as that is known.
pub(super) fn left_out(report: &Report) -> u64 {
    let end = report.located.span.end;
    let cut = report.kept.cut.as_ref();
    cut.map_or(0, |cut| end.saturating_sub(cut.at))
}

/// Why a report is not of all that was there.
pub(super) fn lacks(report: &Report) -> Option<String> {
    let changed = match report.changed {
        // What came later is of no interest: it was read as it was then.
        None | Some(Changed::Grew(_)) => None,
        Some(Changed::Shrank(size)) => {
            Some(format!("it was cut down to {size} bytes while it was read"))
        }
        Some(Changed::Rotated) => Some("it was rotated while it was read".to_owned()),
    };
    report.damage.clone().or(changed)
}

/// Adds one reason more, if there is one, with the path it is about.
pub(super) fn also(reasons: &mut Option<String>, path: &str, why: Option<String>) {
    let Some(why) = why else { return };
    *reasons = Some(match reasons.take() {
        Some(before) => format!("{before}; {path}: {why}"),
        None => format!("{path}: {why}"),
    });
}

/// Copies from the first line on that begins in the range, which says in the end what was copied.
fn copy_lines(
    source: &dyn Source,
    size: u64,
    range: &mut (u64, u64),
    out: &mut Sift<'_>,
) -> io::Result<()> {
    let mut cut = range.0 > 0;
    let mut buf = vec![0; BLOCK.min(usize::try_from(size - range.0).unwrap_or(BLOCK))];
    while range.1 < size {
        let left = usize::try_from(size - range.1).unwrap_or(usize::MAX);
        let len = buf.len().min(left);
        let read = source.fill_at(&mut buf[..len], range.1)?;
        if read == 0 {
            break;
        }
        let mut bytes = &buf[..read];
        if cut {
            let end = memchr::memchr(b'\n', bytes).map_or(read, |at| at + 1);
            bytes = &bytes[end..];
            range.0 = range.1 + end as u64;
            cut = bytes.is_empty() && !buf[..read].ends_with(b"\n");
        }
        out.write_all(bytes)?;
        range.1 += read as u64;
    }
    Ok(())
}

/// A source that somebody waits for: it ends when it is cancelled or takes too long, and says how far it is.
pub(super) struct Watched<'a> {
    source: &'a dyn Source,
    patience: &'a Patience,
    progress: &'a Progress,
    row: usize,
}

impl Source for Watched<'_> {
    fn size(&self) -> io::Result<u64> {
        self.source.size()
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        self.patience.check()?;
        let read = self.source.read_at(buf, at)?;
        self.progress.read(self.row, read as u64);
        Ok(read)
    }

    fn read_many(&self, places: &[(u64, usize)]) -> io::Result<Vec<Vec<u8>>> {
        self.patience.check()?;
        let read = self.source.read_many(places)?;
        let bytes = read.iter().map(|part| part.len() as u64).sum();
        self.progress.read(self.row, bytes);
        Ok(read)
    }

    fn at_once(&self) -> usize {
        self.source.at_once()
    }
}

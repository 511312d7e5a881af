//! How the lines of a log are dated: what is said of it, and what samples of it tell. Knows nothing of windows.

use std::io;

use chrono::{DateTime, Utc};

use super::lines::Encoding;
use super::source::Source;
use super::stamp::{Format, Stamp, Stamps, Zone};
use crate::runbook::model::Log;

/// So much of a log's beginning, middle and end tells how its lines are dated.
pub const SAMPLE: usize = 64 << 10;

/// How lines are dated where it is not told by themselves.
#[derive(Debug, Clone, Copy)]
pub struct Dating {
    /// Told from the lines if not said.
    pub format: Option<Format>,
    /// Of stamps without an offset.
    pub zone: Zone,
}

impl Dating {
    /// By the beginning of a log, in whole lines if there are any. It was last written to at `newest`.
    #[must_use]
    pub fn by(&self, head: &[u8], encoding: Encoding, newest: Stamp) -> Option<Stamps> {
        if let Some(format) = self.format {
            return Some(Stamps::with(format, self.zone, newest));
        }
        let whole = encoding.last_line_end(head);
        let sample = if whole == 0 { head } else { &head[..whole] };
        Stamps::detect(&encoding.decoded(sample), self.zone, newest)
    }

    /// A log may begin with anything: by its middle and its end.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn elsewhere<S: Source + ?Sized>(
        &self,
        source: &S,
        encoding: Encoding,
        newest: Stamp,
    ) -> io::Result<Option<Stamps>> {
        let size = source.size()?;
        for at in [size / 2, size.saturating_sub(SAMPLE as u64)] {
            let mut sample = vec![0; SAMPLE];
            let read = source.fill_at(&mut sample, encoding.align(at))?;
            let sample = encoding.decoded(&sample[..read]);
            if let Some(stamps) = Stamps::detect(&sample, self.zone, newest) {
                return Ok(Some(stamps));
            }
        }
        Ok(None)
    }
}

/// When each line of a log was written that was pulled then, by what the runbook says of the log, else by the lines.
#[must_use]
pub fn times(log: &Log, bytes: &[u8], pulled: DateTime<Utc>) -> Vec<Option<DateTime<Utc>>> {
    let zone = log.zone.as_deref().and_then(Zone::parse);
    let (zone, newest) = (zone.unwrap_or(Zone::UTC), Stamp::of(pulled));
    let stamps = match log.format.as_deref().and_then(Format::named) {
        Some(format) => Some(Stamps::with(format, zone, newest)),
        None => Stamps::detect(bytes.get(..SAMPLE).unwrap_or(bytes), zone, newest),
    };
    let lines = bytes.split(|byte| *byte == b'\n');
    lines
        .map(|line| Some(stamps.as_ref()?.of(line)?.utc()))
        .collect()
}

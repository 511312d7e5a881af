//! How the lines of a log are dated: what is said of it, and what samples of it tell. Knows nothing of windows.

use std::io;

use super::lines::Encoding;
use super::source::Source;
use super::stamp::{Format, Stamp, Stamps, Zone};

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

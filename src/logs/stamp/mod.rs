//! When a line says that it was written. Pure: bytes in, moments out; knows nothing of files.

mod civil;
mod detect;
mod fields;
mod format;
mod names;
mod numbers;
mod stamps;
#[cfg(test)]
mod tests;
mod when;
mod zone;

pub use format::Format;
pub use stamps::Stamps;
pub use zone::Zone;

use chrono::{DateTime, Utc};

/// A moment: nanoseconds since 1970-01-01T00:00:00Z. Covers 1677 to 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub i64);

impl Stamp {
    /// The moment of this time; at the ends where it lies beyond them.
    #[must_use]
    pub fn of(time: DateTime<Utc>) -> Self {
        let ends = if time.timestamp() < 0 {
            i64::MIN
        } else {
            i64::MAX
        };
        Self(time.timestamp_nanos_opt().unwrap_or(ends))
    }

    /// As a time.
    #[must_use]
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0)
    }
}

/// Half open: the lines from `from` on, before `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Window {
    pub from: Stamp,
    pub to: Stamp,
}

impl Window {
    /// Whether this moment lies in it.
    #[must_use]
    pub fn holds(self, stamp: Stamp) -> bool {
        self.from <= stamp && stamp < self.to
    }
}

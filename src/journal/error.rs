//! What can go wrong with the record, in words that say what was kept and what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::engine::ids::{BadId, IncidentId, WriterId};
use crate::evidence::canonical::NotCanonical;

/// Why the journal could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum JournalError {
    /// Reading or preparing failed; nothing was recorded and nothing is lost.
    #[error("{}: could not {what}: {source}", path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// Writing or syncing failed: what was asked for did not happen. All before it is safe. The segment is closed for
    /// good; asking again begins a new one.
    #[error(
        "{}: not recorded, {what} failed: {source}; everything before it is kept, the segment is closed and the next try begins a new one",
        path.display()
    )]
    NotRecorded {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// Nothing can be recorded in this incident from here any more, for this reason; reading goes on.
    #[error("this incident is read-only here: {0}")]
    ReadOnly(String),
    #[error("there is no record of {0} here")]
    NoSuchIncident(IncidentId),
    #[error("another process has held the record of this incident for ten seconds: {}", path.display())]
    Busy { path: PathBuf },
    #[error("{}: {why}; refused", path.display())]
    NotPlain {
        path: PathBuf,
        why: super::disk::NotPlain,
    },
    /// An event with so much in it is none of ours.
    #[error("the event is {0} bytes long; the limit is {limit}", limit = crate::engine::event::MAX_LINE)]
    TooLong(usize),
    #[error("events of several people in one transaction")]
    SeveralPeople,
    #[error(transparent)]
    NotCanonical(#[from] NotCanonical),
    #[error(transparent)]
    BadId(#[from] BadId),
    /// The writer this incident is written by could not be read.
    #[error("{}: writer {writer} is not usable: {what}", path.display())]
    Writer {
        writer: WriterId,
        path: PathBuf,
        what: String,
    },
}

impl JournalError {
    /// Whether the disk is full: then the reserve can make room for what must still be said.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        let (Self::Io { source, .. } | Self::NotRecorded { source, .. }) = self else {
            return false;
        };
        matches!(
            source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    }

    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| {
            let path = path.to_owned();
            if source.kind() == io::ErrorKind::WouldBlock {
                return Self::Busy { path };
            }
            let why = source
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<super::disk::NotPlain>())
                .copied();
            match why {
                Some(why) => Self::NotPlain { path, why },
                None => Self::Io { what, path, source },
            }
        }
    }
}

/// Why a transaction came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum TransactError<E> {
    /// The decision was no; nothing was touched.
    #[error("{0}")]
    Refused(E),
    /// It was yes, but it could not be recorded.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

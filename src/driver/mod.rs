//! The loop between a person and the engine: intents in, statements signed, `decide`, append, `apply`, effects out and
//! back. Knows nothing of the terminal; what it has to show, it returns or tells through `Told`.

pub mod begin;
mod claim;
mod clocks;
pub mod collect;
pub mod desk;
pub mod exercise;
mod ground;
pub mod inputs;
mod intents;
pub mod issued;
pub mod jobs;
pub mod keep;
mod named;
pub mod post;
pub mod receipts;
pub mod root;
pub mod secrets;
pub mod session;
pub mod suggest;
pub mod sync;

pub use desk::{Desk, Ports, Settings};
pub use session::Session;

use crate::engine::Refusal;

/// What kept something from being done. Nothing was recorded unless it says so.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum DriverError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Something typed or read that cannot be used.
    #[error("{0}")]
    Input(String),
    #[error("no library is configured; `runsheet init` makes one, `--library` names one")]
    NoLibrary,
    #[error(transparent)]
    Library(#[from] crate::library::LibraryError),
    #[error(transparent)]
    Identity(#[from] crate::identity::IdentityError),
    #[error("nothing was signed: {0}")]
    Sign(#[from] crate::identity::SignError),
    #[error(transparent)]
    Journal(#[from] crate::journal::JournalError),
    #[error(transparent)]
    Git(#[from] crate::host::git::GitError),
    #[error(transparent)]
    Publish(#[from] crate::journal::PublishError),
    /// The hub or the network.
    #[error("{0}")]
    Hub(String),
    #[error("{what}: {source}")]
    Io {
        what: &'static str,
        source: std::io::Error,
    },
}

impl DriverError {
    /// What is kept in spite of it.
    #[must_use]
    pub fn kept(&self) -> &'static str {
        match self {
            Self::Refused(_)
            | Self::Input(_)
            | Self::NoLibrary
            | Self::Library(_)
            | Self::Identity(_)
            | Self::Sign(_) => "the record is as it was",
            Self::Journal(_) => "all that was recorded before; this was not",
            Self::Git(_) | Self::Publish(_) => {
                "it is recorded here, and the next command publishes it"
            }
            Self::Hub(_) => "all that is recorded here; it is sent when the hub answers",
            Self::Io { .. } => "whatever was recorded before it",
        }
    }
}

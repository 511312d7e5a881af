//! Runbook repositories: opened or fetched, pinned at one commit, read from the object database. Nothing of them is
//! checked out and neither their hooks nor their configuration has any effect. What is read may be hostile and is
//! bounded; texts come back raw. Knows nothing of incidents, of signatures or of the terminal.

pub mod catalog;
pub mod change;
mod copy;
mod error;
mod history;
mod open;
pub mod people;
mod scenarios;
pub mod seed;
mod spec;
mod tree;

pub use copy::Fetched;
pub use error::LibraryError;
pub use history::{Author, Blame, Changed, How};
pub use open::{Library, Pin};
pub use spec::Spec;
pub use tree::{Blob, Entry, Listing, MAX_FILE, Skipped};

/// Where runbooks live in a library.
pub const RUNBOOKS: &str = "runbooks";
/// Where a library keeps regulatory clocks of its own.
pub const CLOCKS: &str = "clocks";
/// The policy's path in a library.
pub const POLICY: &str = "policy.yaml";
/// The signers' path in a library, in the format of OpenSSH.
pub const ALLOWED_SIGNERS: &str = "allowed_signers";

//! The record: append, recover, merge, publish to git, share through a hub, verify. Events go to fsynced files first and
//! are published to git second; each can be rebuilt from the other. Knows nothing of the terminal, and decides nothing:
//! what may be recorded is the engine's word.
//!
//! What lies where, under the state directory (one person's, mode 0700):
//!
//! ```text
//! incidents/<id>/<writer>.jsonl       a segment: the events of one writer, one a line
//! incidents/<id>/<person>.writer      which writer that person is here
//! incidents/<id>/<writer>.closed      that writer writes no more (a write or sync failed)
//! incidents/<id>/<writer>.torn.<hex>  bytes that were cut off a segment, by their SHA-256
//! incidents/<id>/genesis              the name of the first event, so that no other passes for it
//! incidents/<id>/lock                 held while appending
//! incidents/<id>/evidence/<hex>       artifacts by their SHA-256
//! reserve                             1 MiB for the closing events when the disk is full
//! record.git                          the published form
//! incidents.cache                     the list of incidents at a glance; can be thrown away
//! ```
//!
//! With a spool the segments and evidence of this writer are there instead, under the same names.

pub mod accounts;
mod agreement;
mod append;
pub mod artifacts;
mod claims;
pub mod commit;
pub mod disk;
pub mod error;
mod fold;
mod follow;
mod history;
pub mod import;
pub mod incident;
pub mod listing;
mod loose;
pub mod order;
pub mod publish;
mod read;
pub mod record;
mod segment;
pub mod store;
pub mod sync;
pub mod verify;
mod writer;

#[cfg(test)]
mod tests;

use crate::host::git::objects as object;

pub use disk::{Disk, OsDisk};
pub use error::{JournalError, TransactError};
pub use import::restore;
pub use incident::{Journal, Owner};
pub use listing::{Stamp, Summary};
pub use publish::{PublishError, Published, Publisher};
pub use record::{Fault, InsertOutcome, Log};
pub use store::Store;
pub use sync::{HubProblem, SyncError, Synced, Transport, TransportError, sync};

//! Claims of exclusive steps where there is no hub: a file for each, made once, whole, by whoever was first.

use std::io;

use rustix::fs::RenameFlags;

use super::disk;
use super::error::JournalError;
use super::incident::Journal;
use super::segment;
use super::store::{self, PRIVATE, SPOOL};
use crate::evidence::Digest;

/// Nobody's claim is longer, in bytes.
pub const LONGEST_CLAIM: usize = 4 << 10;

impl Journal {
    /// Makes the claim of this name (64 hex digits), unless there is one already; then what that one says.
    ///
    /// # Errors
    /// When it can be neither made nor read.
    pub fn claim(&self, name: &str, says: &[u8]) -> Result<Option<Vec<u8>>, JournalError> {
        let (dir, mode) = match &self.spool {
            Some(spool) => (spool, SPOOL),
            None => (&self.home, PRIVATE),
        };
        let failed = || JournalError::io("claim an exclusive step", dir.path());
        let dir = dir.ensure("claims", mode).map_err(failed())?;
        let draft = format!("new.{}", Digest(store::random().map_err(failed())?).short());
        let made = (|| {
            let disk = self.store.disk();
            let file = disk.create(&dir, &draft, segment::MODE)?;
            disk::write_all(disk, &file, says)?;
            disk.sync(&file)?;
            match rustix::fs::renameat_with(&dir, &draft, &dir, name, RenameFlags::NOREPLACE) {
                Ok(()) => disk.sync_dir(&dir).map(|()| true),
                Err(rustix::io::Errno::EXIST) => Ok(false),
                Err(error) => Err(io::Error::from(error)),
            }
        })();
        if !matches!(made, Ok(true)) {
            // What came of the claim is what is told.
            let _ = dir.remove(&draft);
        }
        if made.map_err(failed())? {
            return Ok(None);
        }
        let there = dir.slurp(name, LONGEST_CLAIM).map_err(failed())?;
        Ok(Some(there.unwrap_or_default()))
    }
}

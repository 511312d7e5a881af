//! Evidence beside the record: artifacts by their SHA-256, written whole or not at all, checked whenever they are read.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

use super::disk::Dir;
use super::error::JournalError;
use super::incident::Journal;
use super::record::Log;
use super::segment;
use super::store::{self, PRIVATE, SPOOL};
use crate::engine::ids::EventId;
use crate::evidence::Digest;

/// No artifact is larger.
pub const MAX_EVIDENCE: u64 = 1 << 30;

impl Journal {
    /// Keeps an artifact. Its digest and size go into an event afterwards.
    ///
    /// # Errors
    /// When it cannot be stored, or is larger than [`MAX_EVIDENCE`].
    pub fn put_evidence(&self, bytes: &mut dyn Read) -> Result<(Digest, u64), JournalError> {
        let dir = self.evidence_dir(true)?;
        let failed = || JournalError::io("keep evidence", dir.path());
        let random = store::random().map_err(failed())?;
        let draft = format!("new.{}", Digest(random).short());
        let stored = self.store_evidence(&dir, &draft, bytes);
        if stored.is_err() {
            // The first error is the one to tell.
            let _ = dir.remove(&draft);
        }
        stored.map_err(failed())
    }

    fn store_evidence(
        &self,
        dir: &Dir,
        draft: &str,
        bytes: &mut dyn Read,
    ) -> io::Result<(Digest, u64)> {
        let disk = self.store.disk();
        let mut file = disk.create(dir, draft, segment::MODE)?;
        let mut hash = Sha256::new();
        let mut size = 0;
        let mut block = vec![0; 256 << 10];
        loop {
            let read = match bytes.read(&mut block) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            size += read as u64;
            if size > MAX_EVIDENCE {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    format!("evidence is larger than {MAX_EVIDENCE} bytes"),
                ));
            }
            hash.update(&block[..read]);
            file.write_all(&block[..read])?;
        }
        let digest = Digest(hash.finalize().into());
        disk.sync(&file)?;
        disk.rename(dir, draft, &digest.hex())?;
        disk.sync_dir(dir)?;
        Ok((digest, size))
    }

    /// An artifact's bytes, if they are here and are what the digest says.
    ///
    /// # Errors
    /// When they are here and cannot be read.
    pub fn evidence(&self, digest: &Digest) -> Result<Option<Vec<u8>>, JournalError> {
        for dir in [Some(&self.home), self.spool.as_ref()]
            .into_iter()
            .flatten()
        {
            let Ok(dir) = dir.enter("evidence") else {
                continue;
            };
            let limit = usize::try_from(MAX_EVIDENCE).unwrap_or(usize::MAX);
            let read = dir
                .slurp(&digest.hex(), limit)
                .map_err(JournalError::io("read evidence", dir.path()))?;
            if let Some(bytes) = read
                && Digest::of(&bytes) == *digest
            {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Whether there is a file for this artifact, whatever is in it.
    #[must_use]
    pub fn has_evidence_file(&self, digest: &Digest) -> bool {
        [Some(&self.home), self.spool.as_ref()]
            .into_iter()
            .flatten()
            .any(|dir| {
                dir.enter("evidence")
                    .is_ok_and(|dir| dir.read(&digest.hex()).is_ok())
            })
    }

    /// Every artifact the events cite that was not taken out, with the first event that does.
    #[must_use]
    pub fn evidence_cited(&self) -> BTreeMap<Digest, EventId> {
        cited(&self.log)
    }

    /// Removes the bytes of an artifact; its digest stays in the record. True where there were any.
    ///
    /// # Errors
    /// When they are here and cannot be removed.
    pub fn remove_evidence(&self, digest: &Digest) -> Result<bool, JournalError> {
        let mut removed = false;
        for dir in [Some(&self.home), self.spool.as_ref()]
            .into_iter()
            .flatten()
        {
            let Ok(dir) = dir.enter("evidence") else {
                continue;
            };
            if dir.read(&digest.hex()).is_err() {
                continue;
            }
            let failed = || JournalError::io("remove evidence", dir.path());
            dir.remove(&digest.hex()).map_err(failed())?;
            self.store.disk().sync_dir(&dir).map_err(failed())?;
            removed = true;
        }
        Ok(removed)
    }

    fn evidence_dir(&self, make: bool) -> Result<Dir, JournalError> {
        let (dir, mode) = match &self.spool {
            Some(spool) => (spool, SPOOL),
            None => (&self.home, PRIVATE),
        };
        let entered = if make {
            dir.ensure("evidence", mode)
        } else {
            dir.enter("evidence")
        };
        entered.map_err(JournalError::io("open the evidence", dir.path()))
    }
}

/// Every artifact that the events of a record cite and that was not taken out, with the first that does.
pub(crate) fn cited(log: &Log) -> BTreeMap<Digest, EventId> {
    let mut cited = BTreeMap::new();
    for event in log.events() {
        for evidence in event.fact.evidence() {
            cited.entry(evidence.sha256).or_insert(event.id);
        }
    }
    let state = log.state();
    cited.retain(|digest, _| !state.is_expunged(digest));
    cited
}

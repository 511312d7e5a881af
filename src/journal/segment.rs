//! The segment this process appends to. One transaction is one write and one sync; after an error there is no second.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

use super::disk::{self, Dir, Disk, plain};
use crate::engine::ids::WriterId;

/// Readable by the group, because in a spool the others follow it.
pub(crate) const MODE: u32 = 0o640;

/// An open segment of this account.
#[derive(Debug)]
pub(crate) struct Segment {
    pub writer: WriterId,
    file: File,
}

/// A segment's file name.
pub(crate) fn name(writer: &WriterId) -> String {
    format!("{writer}.jsonl")
}

impl Segment {
    /// Makes the segment of a new writer; then its name is on the disk, too.
    pub(crate) fn create(disk: &dyn Disk, dir: &Dir, writer: &WriterId) -> io::Result<Self> {
        let file = disk.create(dir, &name(writer), MODE)?;
        disk.sync_dir(dir)?;
        Ok(Self {
            writer: writer.clone(),
            file,
        })
    }

    /// Opens the segment of a writer.
    pub(crate) fn open(dir: &Dir, writer: &WriterId) -> io::Result<Self> {
        let file = dir.append(&name(writer))?;
        let owner = file.metadata()?.uid();
        if owner != rustix::process::geteuid().as_raw() {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("it belongs to another account (uid {owner})"),
            ));
        }
        Ok(Self {
            writer: writer.clone(),
            file,
        })
    }

    /// Its length, if it is still the plain file with one name that was opened.
    pub(crate) fn length(&self) -> io::Result<u64> {
        plain(&self.file)
    }

    /// Writes these lines and brings them to the disk. Names the half that failed.
    pub(crate) fn append(
        &self,
        disk: &dyn Disk,
        bytes: &[u8],
    ) -> Result<(), (&'static str, io::Error)> {
        disk::write_all(disk, &self.file, bytes).map_err(|error| ("write", error))?;
        disk.sync(&self.file).map_err(|error| ("sync", error))
    }

    /// Cuts it to this length, for good.
    pub(crate) fn cut(&self, disk: &dyn Disk, length: u64) -> io::Result<()> {
        disk.truncate(&self.file, length)?;
        disk.sync(&self.file)
    }
}

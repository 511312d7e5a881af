//! Where a job's output goes: two files with a limit each. A disk that takes no more stops neither the command nor
//! the counting.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// One file and what was kept in it.
pub(super) struct Sink {
    file: File,
    limit: u64,
    pub kept: u64,
    pub dropped: u64,
    pub error: Option<String>,
}

impl Sink {
    /// A new file; one that is there already is an error, for it belongs to an earlier run.
    pub fn create(path: &Path, limit: u64) -> io::Result<Self> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        Ok(Self {
            file,
            limit,
            kept: 0,
            dropped: 0,
            error: None,
        })
    }

    /// Keeps what fits. After a write error nothing more is kept: a hole would pass for the whole.
    pub fn take(&mut self, bytes: &[u8]) {
        let room = if self.error.is_some() {
            0
        } else {
            usize::try_from(self.limit - self.kept).unwrap_or(usize::MAX)
        };
        let mut rest = &bytes[..bytes.len().min(room)];
        let mut written = 0;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => break,
                Ok(count) => {
                    written += count;
                    rest = &rest[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error.to_string());
                    break;
                }
            }
        }
        self.kept += written as u64;
        self.dropped += (bytes.len() - written) as u64;
    }

    /// Makes it durable.
    pub fn sync(&mut self) {
        if let Err(error) = self.file.sync_all() {
            self.error.get_or_insert(error.to_string());
        }
    }
}

//! Logs that change while they are read: one grows, is cut, or is rotated away and begins anew under its name.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::viewer::{Viewer, span};
use crate::logs::source;

/// A file by what it is, not by what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    path: PathBuf,
    /// Device and inode.
    id: (u64, u64),
    /// It was told that another file has the name now.
    told: bool,
}

impl Watched {
    /// The open file, and the name it was opened by.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn new(path: &Path, file: &File) -> io::Result<Self> {
        let meta = file.metadata()?;
        Ok(Self {
            path: path.to_owned(),
            id: (meta.dev(), meta.ino()),
            told: false,
        })
    }
}

impl Viewer {
    /// Looks whether anything changed: takes in what was added, and tells what was cut or rotated. While following, it
    /// goes on with the new file. True where there is something new to show.
    ///
    /// # Errors
    /// When a log cannot be looked at any more.
    pub fn look(&mut self, watched: &mut [Option<Watched>]) -> io::Result<bool> {
        let mut changed = false;
        for at in 0..self.logs.len() {
            let size = self.logs[at].source.size()?;
            let known = self.logs[at].size;
            if size < known {
                self.said = Some(format!("{} was cut to {size} bytes", self.logs[at].name));
                let source = Arc::clone(&self.logs[at].source);
                self.anew(at, source, size)?;
                changed = true;
            } else if size > known {
                self.grow(at, known, size)?;
                changed = true;
            } else if let Some(watched) = watched.get_mut(at).and_then(Option::as_mut) {
                changed |= self.rotated(at, watched)?;
            }
            if let Some(hunt) = &mut self.hunt {
                hunt.grow(at, &mut self.logs[at])?;
            }
        }
        if changed && self.follow {
            self.bottom();
        }
        Ok(changed)
    }

    fn grow(&mut self, at: usize, old: u64, size: u64) -> io::Result<()> {
        let threads = self.threads();
        let log = &mut self.logs[at];
        log.grown(size, threads);
        self.walk.grown(at, old);
        // A last line that was half of one is read again.
        let half = self
            .walk
            .rows
            .iter()
            .any(|row| row.log == at && row.line.end == old);
        if half && self.logs[at].bytes(old - 1, old, 1)? != b"\n" {
            let first = self.walk.split(0, &self.logs);
            self.walk.stand(&first);
        }
        Ok(())
    }

    fn anew(&mut self, at: usize, source: Arc<dyn source::Source>, size: u64) -> io::Result<()> {
        let threads = self.threads();
        let mut first = self.walk.split(0, &self.logs);
        self.logs[at].anew(source, size, threads);
        first[at] = first[at].min(size);
        self.stand(&first);
        self.hit = None;
        self.span = span(&mut self.logs)?;
        self.hunt()
    }

    fn rotated(&mut self, at: usize, watched: &mut Watched) -> io::Result<bool> {
        let name = self.logs[at].name.clone();
        let Ok(meta) = std::fs::metadata(&watched.path) else {
            // Between two files there is none for a moment; the open one stays.
            return Ok(false);
        };
        if (meta.dev(), meta.ino()) == watched.id {
            return Ok(false);
        }
        if !self.follow {
            let what = format!(
                "{name} was rotated: this is the old file, following goes on with the new one"
            );
            let fresh = !std::mem::replace(&mut watched.told, true);
            if fresh {
                self.said = Some(what);
            }
            return Ok(fresh);
        }
        let Ok(file) = source::open(&watched.path) else {
            return Ok(false);
        };
        *watched = Watched::new(&watched.path, &file)?;
        let size = file.metadata()?.len();
        self.marks.retain(|mark| mark.log != at);
        self.anew(at, Arc::new(file), size)?;
        self.said = Some(format!("{name} was rotated: this is the new file"));
        Ok(true)
    }
}

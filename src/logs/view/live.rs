//! Logs that change while they are read: one grows, is cut, or is rotated away and begins anew under its name.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::log::Log;
use super::open::Bytes;
use super::spool::Room;
use super::viewer::{Viewer, span};
use crate::logs::rotated::identity;
use crate::logs::source;

/// A file by what it is, not by what it is called.
#[derive(Debug, Clone)]
pub struct Watched {
    path: PathBuf,
    /// Device and inode.
    id: (u64, u64),
    room: Room,
    /// It was told that another file has the name now.
    told: bool,
}

impl Watched {
    /// The open file, the name it was opened by, and where the next one is unpacked.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn new(path: &Path, file: &File, room: &Room) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            id: identity(&file.metadata()?),
            room: room.clone(),
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
                let bytes = Bytes {
                    source: Arc::clone(&self.logs[at].source),
                    spool: self.logs[at].spool.clone(),
                };
                self.anew(at, bytes, size)?;
                changed = true;
            } else if size > known {
                self.grow(at, known, size)?;
                changed = true;
            } else if let Some(watched) = watched.get_mut(at).and_then(Option::as_mut) {
                changed |= self.rotated(at, watched)?;
            }
            let threads = self.threads();
            let size = self.logs[at].size;
            self.logs[at].grown(size, threads);
            if let Some(hunt) = &mut self.hunt {
                hunt.grow(at, &mut self.logs[at])?;
            }
        }
        if changed {
            self.span = span(&mut self.logs)?;
        }
        changed |= self.spooled()?;
        if changed && self.follow {
            self.bottom();
        }
        self.go_on_jumping()?;
        Ok(changed)
    }

    /// Tells of logs that have come out of their files by now, or as far as they could; true where one has.
    fn spooled(&mut self) -> io::Result<bool> {
        let partial: Vec<bool> = self.logs.iter().map(Log::is_partial).collect();
        let before = std::mem::replace(&mut self.partial, partial);
        let came: Vec<usize> = (0..self.logs.len())
            .filter(|at| before.get(*at) == Some(&true) && !self.partial[*at])
            .collect();
        for at in &came {
            let log = &self.logs[*at];
            let fault = log.spool.as_ref().and_then(|spool| spool.state().fault);
            if let Some(fault) = fault {
                self.said = Some(format!("{}: {fault}", log.name));
            }
        }
        if !came.is_empty() && !self.partial.contains(&true) {
            // Its times and places are known now.
            self.hunt()?;
        }
        Ok(!came.is_empty())
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

    fn anew(&mut self, at: usize, bytes: Bytes, size: u64) -> io::Result<()> {
        let threads = self.threads();
        let mut first = self.walk.split(0, &self.logs);
        self.logs[at].anew(bytes, size, threads);
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
        if identity(&meta) == watched.id {
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
        *watched = Watched::new(&watched.path, &file, &watched.room)?;
        let bytes = Bytes::of(file, &watched.room)?;
        let size = bytes.source.size()?;
        self.marks.retain(|mark| mark.log != at);
        self.anew(at, bytes, size)?;
        self.said = Some(format!("{name} was rotated: this is the new file"));
        Ok(true)
    }
}

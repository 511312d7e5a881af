//! One segment as it is read: what was there, and what has been added since. Whoever writes it, it is hostile.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;

use super::disk::{Dir, plain};
use super::read::{self, BadLine};
use crate::engine::event::{Event, MAX_LINE};
use crate::engine::ids::{EventId, IncidentId, WriterId};

/// A segment longer than this is not read on.
const MOST: u64 = 4 << 30;

/// So much is read at once; never less than one line can be.
const BLOCK: usize = MAX_LINE + (1 << 20);

/// A line that is no event.
#[derive(Debug, Clone)]
pub(crate) struct Bad {
    /// From 0.
    pub line: usize,
    pub start: u64,
    pub why: BadLine,
}

/// A segment and how far it was read.
#[derive(Debug)]
pub(crate) struct Follower {
    pub path: PathBuf,
    pub writer: WriterId,
    /// The Unix account the file belongs to.
    pub owner: u32,
    file: File,
    /// Behind the last newline that was read.
    pub offset: u64,
    /// Where each line starts, and its event where it is one.
    pub lines: Vec<(u64, Option<EventId>)>,
    pub bad: Vec<Bad>,
    /// Set when something was read that its writer may not have synced yet.
    pub unsynced: bool,
    /// Why nothing more is read from it.
    pub stopped: Option<String>,
}

/// What reading on brought.
pub(crate) enum Growth {
    /// These, often none.
    Events(Vec<Arc<Event>>),
    /// The file is shorter than what was read of it, or another one: read it from the start.
    Shrunk,
}

impl Follower {
    /// Opens a segment without reading it.
    pub(crate) fn open(dir: &Dir, name: &str, writer: WriterId) -> io::Result<Self> {
        let file = dir.read(name)?;
        Ok(Self {
            path: dir.path().join(name),
            owner: file.metadata()?.uid(),
            writer,
            file,
            offset: 0,
            lines: Vec::new(),
            bad: Vec::new(),
            unsynced: false,
            stopped: None,
        })
    }

    /// The file itself, to sync it.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Reads what was added.
    pub(crate) fn grow(&mut self, incident: &IncidentId) -> io::Result<Growth> {
        let mut events = Vec::new();
        if self.stopped.is_some() {
            return Ok(Growth::Events(events));
        }
        loop {
            let meta = self.file.metadata()?;
            if meta.len() < self.offset || meta.nlink() == 0 {
                return Ok(Growth::Shrunk);
            }
            if meta.len() == self.offset {
                break;
            }
            if meta.len() > MOST {
                self.stopped = Some(format!("it is longer than {MOST} bytes"));
                break;
            }
            let Some(block) = self.block(meta.len())? else {
                break;
            };
            self.take(&block, incident, &mut events);
        }
        Ok(Growth::Events(events))
    }

    /// The next whole lines, or `None` where there are none yet.
    fn block(&mut self, length: u64) -> io::Result<Option<Vec<u8>>> {
        let want = usize::try_from(length - self.offset).map_or(BLOCK, |left| left.min(BLOCK));
        let mut block = vec![0; want];
        let mut have = 0;
        while have < want {
            match self
                .file
                .read_at(&mut block[have..], self.offset + have as u64)
            {
                Ok(0) => break,
                Ok(read) => have += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        block.truncate(have);
        match block.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => {
                block.truncate(at + 1);
                Ok(Some(block))
            }
            None => {
                if block.len() > MAX_LINE {
                    self.stopped = Some(format!(
                        "behind byte {} there is no end of a line for more than {MAX_LINE} bytes",
                        self.offset
                    ));
                }
                Ok(None)
            }
        }
    }

    fn take(&mut self, block: &[u8], incident: &IncidentId, events: &mut Vec<Arc<Event>>) {
        for line in read::lines(block, incident, &self.writer) {
            let start = self.offset;
            self.offset += line.length as u64 + 1;
            let id = match line.event {
                Ok(event) => {
                    let id = event.id;
                    events.push(event);
                    Some(id)
                }
                Err(why) => {
                    self.bad.push(Bad {
                        line: self.lines.len(),
                        start,
                        why,
                    });
                    None
                }
            };
            self.lines.push((start, id));
        }
        self.unsynced = true;
    }

    /// Notes lines this process itself has written and synced.
    pub(crate) fn wrote(&mut self, lines: &[(EventId, usize)]) {
        for (id, length) in lines {
            self.lines.push((self.offset, Some(*id)));
            self.offset += *length as u64 + 1;
        }
    }

    /// Forgets the last line, which was cut off.
    pub(crate) fn forget_last(&mut self) {
        if let Some((start, _)) = self.lines.pop() {
            self.offset = start;
            let line = self.lines.len();
            self.bad.retain(|bad| bad.line != line);
        }
    }

    /// Bytes behind the last newline.
    pub(crate) fn torn(&self) -> io::Result<u64> {
        Ok(plain(&self.file)?.saturating_sub(self.offset))
    }

    /// Bytes of the file from an offset on, at most `limit`.
    pub(crate) fn bytes(&self, from: u64, limit: usize) -> io::Result<Vec<u8>> {
        let length = self.file.metadata()?.len().saturating_sub(from);
        let mut bytes = vec![0; usize::try_from(length).map_or(limit, |length| length.min(limit))];
        self.file.read_exact_at(&mut bytes, from)?;
        Ok(bytes)
    }

    /// The text of a line, without its newline, as it is in the file now.
    pub(crate) fn line(&self, index: usize) -> io::Result<Vec<u8>> {
        let start = self.lines.get(index).map_or(self.offset, |line| line.0);
        let end = self.lines.get(index + 1).map_or(self.offset, |line| line.0);
        let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(0).saturating_sub(1)];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes)
    }

    /// Which line an event is. Usually the one of its number.
    pub(crate) fn find(&self, id: &EventId, seq: u64) -> Option<usize> {
        let guess = usize::try_from(seq).ok()?.checked_sub(1)?;
        if self
            .lines
            .get(guess)
            .is_some_and(|line| line.1 == Some(*id))
        {
            return Some(guess);
        }
        self.lines.iter().position(|line| line.1 == Some(*id))
    }
}

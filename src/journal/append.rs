//! Appending to the own segment: mending what a crash left, one write, one sync, and closing the segment for good when
//! either fails. All of it with the lock held.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, TimeZone};

use super::error::JournalError;
use super::follow::Follower;
use super::incident::{Journal, Side};
use super::segment::{self, Segment};
use crate::engine::event::{Draft, Event, MAX_LINE, Place};
use crate::engine::fact::{Fact, JournalRecovered};
use crate::engine::ids::{EventId, WriterId};
use crate::evidence::Digest;
use crate::trust::Principal;

/// More torn bytes than this were not torn by a crash of ours.
const MOST_TORN: u64 = 64 << 20;

/// What a look at the own segment came to.
enum Mended {
    /// It can be appended to.
    Ready,
    /// It cannot, for this reason.
    Unfit(String),
}

impl Journal {
    /// Records these drafts.
    pub(crate) fn append(&mut self, drafts: Vec<Draft>) -> Result<Vec<Arc<Event>>, JournalError> {
        let Some(first) = drafts.first() else {
            return Ok(Vec::new());
        };
        if drafts.iter().any(|draft| draft.person != first.person) {
            return Err(JournalError::SeveralPeople);
        }
        let person = first.person.clone();
        self.settle_others()?;
        let writer = self.open_segment(&person)?;
        let drafts = self.with_recoveries(drafts);
        let (events, lines) = self.lines(&writer, drafts)?;
        self.write(&person, &writer, &events, &lines)?;
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        self.absorb(events.clone());
        if events.iter().any(|event| event.prev.is_none()) {
            self.keep_genesis();
        }
        Ok(events)
    }

    pub(crate) fn own_side(&self) -> Side {
        if self.spool.is_some() {
            Side::Spool
        } else {
            Side::Home
        }
    }

    /// Brings to the disk what others have written and this writer is about to cite: their own sync may still be to
    /// come, or have died with them.
    fn settle_others(&mut self) -> Result<(), JournalError> {
        let disk = self.store.disk();
        for follower in self.followers.values_mut() {
            if follower.unsynced {
                disk.sync(follower.file())
                    .map_err(JournalError::io("sync", &follower.path))?;
                follower.unsynced = false;
            }
        }
        Ok(())
    }

    /// Opens the person's segment, mended; begins a new writer where the old one cannot be used.
    fn open_segment(&mut self, person: &Principal) -> Result<WriterId, JournalError> {
        let mut last = String::new();
        for _ in 0..2 {
            let writer = self.settle_writer(person)?;
            match self.mend(&writer)? {
                Mended::Ready => return Ok(writer),
                Mended::Unfit(what) => {
                    tracing::error!(%writer, %what, "segment closed");
                    self.close_writer(person, &writer)?;
                    last = what;
                }
            }
        }
        Err(JournalError::ReadOnly(last))
    }

    fn mend(&mut self, writer: &WriterId) -> Result<Mended, JournalError> {
        let side = self.own_side();
        let path = self.dir(side).path().join(segment::name(writer));
        if self
            .segment
            .as_ref()
            .is_none_or(|open| &open.writer != writer)
        {
            match Segment::open(self.dir(side), writer) {
                Ok(segment) => self.segment = Some(segment),
                // It was made before the writer was named: somebody took it away.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Ok(Mended::Unfit("its segment is gone".to_owned()));
                }
                Err(error) => {
                    let error = JournalError::io("open the segment", &path)(error);
                    return match error {
                        JournalError::NotPlain { .. } => Ok(Mended::Unfit(error.to_string())),
                        other => Err(other),
                    };
                }
            }
        }
        let key = (side, writer.clone());
        if !self.followers.contains_key(&key) {
            let follower = Follower::open(self.dir(side), &segment::name(writer), writer.clone())
                .map_err(JournalError::io("open the segment", &path))?;
            self.followers.insert(key, follower);
        }
        if let Some(unfit) = self.mend_torn(side, writer)? {
            return Ok(Mended::Unfit(unfit));
        }
        self.mend_last(side, writer)
    }

    /// Cuts off what stands behind the last newline and keeps it aside.
    fn mend_torn(&mut self, side: Side, writer: &WriterId) -> Result<Option<String>, JournalError> {
        let Some(follower) = self.followers.get(&(side, writer.clone())) else {
            return Ok(Some("its segment is gone".to_owned()));
        };
        let torn = match follower.torn() {
            Ok(0) => return Ok(None),
            Ok(torn) if torn > MOST_TORN || follower.stopped.is_some() => {
                return Ok(Some(format!("{torn} bytes behind its last line")));
            }
            Ok(torn) => torn,
            Err(error) => return Ok(Some(error.to_string())),
        };
        let (path, offset) = (follower.path.clone(), follower.offset);
        let bytes = follower
            .bytes(offset, usize::try_from(torn).unwrap_or(usize::MAX))
            .map_err(JournalError::io("read", &path))?;
        self.put_aside(writer, &bytes)?;
        self.cut(offset, &path)?;
        Ok(None)
    }

    /// Looks at the last line. One with a wrong digest is kept aside, unless somebody may have built on it.
    fn mend_last(&mut self, side: Side, writer: &WriterId) -> Result<Mended, JournalError> {
        let key = (side, writer.clone());
        let Some(follower) = self.followers.get(&key) else {
            return Ok(Mended::Unfit("its segment is gone".to_owned()));
        };
        let lines = follower.lines.len();
        let Some(bad) = follower.bad.first() else {
            let fits = lines == 0 || self.last_of(side, writer).is_some();
            return Ok(if fits {
                Mended::Ready
            } else {
                Mended::Unfit("its last event comes after one that is not here".to_owned())
            });
        };
        let (path, start) = (follower.path.clone(), bad.start);
        let what = format!("line {}: {}", bad.line + 1, bad.why.what);
        // An event that waits for one nobody has may well wait for this one.
        if bad.line + 1 != lines || self.log.waiting().next().is_some() {
            return Ok(Mended::Unfit(what));
        }
        let bytes = follower
            .line(bad.line)
            .map_err(JournalError::io("read", &path))?;
        self.put_aside(writer, &bytes)?;
        self.cut(start, &path)?;
        if let Some(follower) = self.followers.get_mut(&key) {
            follower.forget_last();
        }
        Ok(Mended::Ready)
    }

    fn put_aside(&mut self, writer: &WriterId, bytes: &[u8]) -> Result<(), JournalError> {
        let digest = Digest::of(bytes);
        let name = format!("{writer}.torn.{}", digest.hex());
        self.home
            .replace(self.store.disk(), &name, bytes, 0o600)
            .map_err(JournalError::io(
                "keep torn bytes aside",
                &self.home.path().join(&name),
            ))?;
        self.torn.insert((writer.clone(), digest));
        Ok(())
    }

    fn cut(&self, length: u64, path: &std::path::Path) -> Result<(), JournalError> {
        match &self.segment {
            Some(segment) => segment
                .cut(self.store.disk(), length)
                .map_err(JournalError::io("cut off a torn line", path)),
            None => Ok(()),
        }
    }

    /// Puts in front what was mended and not told yet. Who, when and where are those of the first draft.
    fn with_recoveries(&self, drafts: Vec<Draft>) -> Vec<Draft> {
        let Some(first) = drafts.first() else {
            return drafts;
        };
        if self.log.events().is_empty() {
            return drafts;
        }
        let tell = |writer: &WriterId, bytes: u64, sha256: Digest, what: &str| Draft {
            occurred_at: first.told_at().fixed_offset(),
            occurred_until: None,
            fidelity: crate::engine::event::Fidelity::Exact,
            fact: Fact::from(JournalRecovered {
                writer: writer.clone(),
                bytes,
                sha256,
                what: what.to_owned(),
            }),
            ..first.clone()
        };
        let mut all = Vec::new();
        for writer in &self.closed {
            if !self
                .told
                .iter()
                .any(|(about, _, by)| about == writer && by != writer)
            {
                let (bytes, digest) = self.torn_of(writer);
                let what = "its segment was closed; a new writer goes on";
                all.push(tell(writer, bytes, digest, what));
            }
        }
        for (writer, digest) in &self.torn {
            if !self
                .told
                .iter()
                .any(|(about, of, _)| about == writer && of == digest)
            {
                let bytes = self.aside_length(writer, digest);
                let what = "bytes that were no whole event were cut off and kept aside";
                all.push(tell(writer, bytes, *digest, what));
            }
        }
        all.extend(drafts);
        all
    }

    /// What stands behind the last whole line of a closed segment. It stays there.
    fn torn_of(&self, writer: &WriterId) -> (u64, Digest) {
        let torn = [Side::Spool, Side::Home].iter().find_map(|side| {
            let follower = self.followers.get(&(*side, writer.clone()))?;
            let torn = follower.torn().ok()?.min(MOST_TORN);
            let bytes = follower
                .bytes(follower.offset, usize::try_from(torn).ok()?)
                .ok()?;
            Some((bytes.len() as u64, Digest::of(&bytes)))
        });
        torn.unwrap_or((0, Digest::of(b"")))
    }

    fn aside_length(&self, writer: &WriterId, digest: &Digest) -> u64 {
        let name = format!("{writer}.torn.{}", digest.hex());
        let file = self.home.read(&name).and_then(|file| file.metadata());
        file.map_or(0, |meta| meta.len())
    }

    /// Gives drafts their places behind the head of the segment.
    fn lines(
        &self,
        writer: &WriterId,
        drafts: Vec<Draft>,
    ) -> Result<(Vec<Event>, Vec<String>), JournalError> {
        let (mut seq, mut prev) = match self.last_of(self.own_side(), writer) {
            Some((seq, id)) => (seq, Some(id)),
            None => (0, None),
        };
        let mut seen = self.log.unseen_by(writer);
        let mut events = Vec::with_capacity(drafts.len());
        let mut lines = Vec::with_capacity(drafts.len());
        for draft in drafts {
            seq += 1;
            let place = Place {
                incident: self.id.clone(),
                writer: writer.clone(),
                seq,
                prev,
                seen: std::mem::take(&mut seen),
            };
            let (event, line) = Event::record(whole_millis(draft), place)?;
            if line.len() > MAX_LINE {
                return Err(JournalError::TooLong(line.len()));
            }
            prev = Some(event.id);
            events.push(event);
            lines.push(line);
        }
        Ok((events, lines))
    }

    fn write(
        &mut self,
        person: &Principal,
        writer: &WriterId,
        events: &[Event],
        lines: &[String],
    ) -> Result<(), JournalError> {
        let key = (self.own_side(), writer.clone());
        let (Some(segment), Some(follower)) = (&self.segment, self.followers.get_mut(&key)) else {
            return Err(JournalError::ReadOnly("the segment is gone".to_owned()));
        };
        let mut bytes = Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
        for line in lines {
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        let written = match segment.length() {
            Ok(_) => segment.append(self.store.disk(), &bytes),
            Err(error) => Err(("look at the segment", error)),
        };
        let Err((what, source)) = written else {
            let marks: Vec<(EventId, usize)> = events
                .iter()
                .zip(lines)
                .map(|(event, line)| (event.id, line.len()))
                .collect();
            follower.wrote(&marks);
            return Ok(());
        };
        // What may or may not be on the disk is taken back where that works, so that nobody builds on it.
        let _ = segment.cut(self.store.disk(), follower.offset);
        let path = follower.path.clone();
        self.close_writer(person, writer)?;
        Err(JournalError::NotRecorded { what, path, source })
    }
}

/// The record keeps whole milliseconds; the event in memory must be the one that is read back.
fn whole_millis(mut draft: Draft) -> Draft {
    fn cut<Z: TimeZone>(time: DateTime<Z>) -> DateTime<Z> {
        time.trunc_subsecs(3)
    }
    draft.occurred_at = cut(draft.occurred_at);
    draft.occurred_until = draft.occurred_until.map(cut);
    draft.recorded_at = cut(draft.recorded_at);
    draft.sim_time = draft.sim_time.map(cut);
    draft
}

//! One incident's record as a process has it open: read from all segments, followed as they grow, and written to under
//! the lock. A fact that is not on the disk did not happen.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::sync::Arc;

use super::disk::{Dir, Locked};
use super::error::{JournalError, TransactError};
use super::follow::{Follower, Growth};
use super::record::{Fault, Log};
use super::segment::Segment;
use super::store::{self, Store};
use super::writer::{self, Found, Here};
use crate::engine::State;
use crate::engine::event::{Draft, Event};
use crate::engine::fact::Fact;
use crate::engine::ids::{EventId, IncidentId, WriterId};
use crate::evidence::Digest;
use crate::trust::Principal;

/// A directory with more segments than this is not read on.
const MOST_SEGMENTS: usize = 4096;

/// Which directory a segment is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Home,
    Spool,
}

/// Whose file a writer's segment is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Owner {
    pub uid: u32,
    pub path: String,
    /// True in the spool, where the file's owner tells who wrote; in the own directory every file is one's own.
    pub spool: bool,
}

/// An incident's record, open.
#[derive(Debug)]
pub struct Journal {
    pub(crate) store: Store,
    pub(crate) id: IncidentId,
    pub(crate) home: Dir,
    pub(crate) spool: Option<Dir>,
    lock: Option<Arc<File>>,
    pub(crate) log: Log,
    pub(crate) followers: BTreeMap<(Side, WriterId), Follower>,
    pub(crate) segment: Option<Segment>,
    pub(crate) read_only: Option<String>,
    /// By file name, so that each is told once.
    refused: BTreeMap<String, Fault>,
    shrunk: Vec<Fault>,
    pub(crate) closed: BTreeSet<WriterId>,
    pub(crate) torn: BTreeSet<(WriterId, Digest)>,
    /// What `journal.recovered` events have said: about whom, of which bytes, by whom.
    pub(crate) told: HashSet<(WriterId, Digest, WriterId)>,
}

impl Journal {
    /// Begins the record of an incident. It is empty until its first event.
    ///
    /// # Errors
    /// When its directory cannot be made.
    pub fn create(store: &Store, id: &IncidentId) -> Result<Self, JournalError> {
        store.home(id, true)?;
        store.make_reserve();
        Self::open(store, id)
    }

    /// Opens the record of an incident and reads all of it.
    ///
    /// # Errors
    /// When there is none, or it cannot be read. What is wrong inside is told by [`Journal::faults`] instead.
    pub fn open(store: &Store, id: &IncidentId) -> Result<Self, JournalError> {
        let mut spool = store.shared(id, false)?;
        let home = match store.home(id, false) {
            Err(JournalError::NoSuchIncident(_)) if spool.is_some() => store.home(id, true)?,
            other => other?,
        };
        let (lock, read_only) = match home.lock_file("lock") {
            Ok(file) => (Some(Arc::new(file)), None),
            Err(error) => (None, Some(format!("{}: {error}", home.path().display()))),
        };
        if lock.is_some() && spool.is_none() {
            spool = store.shared(id, true)?;
        }
        let genesis = home
            .slurp("genesis", 256)
            .map_err(JournalError::io("read the genesis", home.path()))?
            .and_then(|bytes| String::from_utf8(bytes).ok()?.trim().parse::<Digest>().ok());
        let mut journal = Self {
            store: store.clone(),
            id: id.clone(),
            home,
            spool,
            lock,
            log: Log::new(id.clone(), genesis),
            followers: BTreeMap::new(),
            segment: None,
            read_only,
            refused: BTreeMap::new(),
            shrunk: Vec::new(),
            closed: BTreeSet::new(),
            torn: BTreeSet::new(),
            told: HashSet::new(),
        };
        journal.poll()?;
        if genesis.is_none() {
            journal.keep_genesis();
        }
        Ok(journal)
    }

    /// Which incident.
    #[must_use]
    pub fn incident(&self) -> &IncidentId {
        &self.id
    }

    /// Where it lies.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The events and what follows from them.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Only what it says: the state and the events it follows from, in order.
    #[must_use]
    pub fn into_record(self) -> (Arc<State>, Vec<Arc<Event>>) {
        self.log.into_record()
    }

    /// The state after all events.
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        self.log.state()
    }

    /// Why nothing can be recorded, if so.
    #[must_use]
    pub fn read_only(&self) -> Option<&str> {
        self.read_only.as_deref()
    }

    /// Everything that is wrong with the record as far as it was read.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults: Vec<_> = self.refused.values().cloned().collect();
        for follower in self.followers.values() {
            let path = follower.path.display().to_string();
            faults.extend(follower.bad.iter().map(|bad| Fault::Line {
                writer: follower.writer.clone(),
                line: bad.line as u64 + 1,
                path: path.clone(),
                what: bad.why.what.clone(),
                newer: bad.why.newer,
            }));
            faults.extend(follower.stopped.iter().map(|what| Fault::File {
                path: path.clone(),
                what: what.clone(),
            }));
        }
        faults.extend(self.shrunk.iter().cloned());
        faults.extend(self.log.faults().iter().cloned());
        faults.extend(self.log.waiting().map(|(missing, event)| Fault::Orphan {
            event: event.id,
            missing: *missing,
        }));
        faults
    }

    /// Whose files the segments are.
    #[must_use]
    pub fn owners(&self) -> BTreeMap<WriterId, Owner> {
        self.followers
            .iter()
            .map(|((side, writer), follower)| {
                let owner = Owner {
                    uid: follower.owner,
                    path: follower.path.display().to_string(),
                    spool: *side == Side::Spool,
                };
                (writer.clone(), owner)
            })
            .collect()
    }

    /// Events in the spool, in files of other accounts, that claim somebody who does not go by that account.
    /// `account` gives the name of a user id; `goes_by` says whether a person goes by an account.
    #[must_use]
    pub fn strangers(
        &self,
        account: impl Fn(u32) -> String,
        goes_by: impl Fn(&Principal, &str) -> bool,
    ) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (writer, owner) in self.owners() {
            if !owner.spool || owner.uid == rustix::process::geteuid().as_raw() {
                continue;
            }
            let name = account(owner.uid);
            let events = self.log.events().iter();
            for event in events.filter(|event| event.writer == writer) {
                if *event.account != *name || !goes_by(&event.person, &name) {
                    faults.push(Fault::Stranger {
                        event: event.id,
                        account: name.clone(),
                        person: event.person.to_string(),
                    });
                }
            }
        }
        faults
    }

    /// What others have recorded since the last look, in this state directory, in the spool or by a fetch.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn poll(&mut self) -> Result<Vec<Arc<Event>>, JournalError> {
        // Under the lock nobody sees what a process of the same state directory has written and not synced.
        let _lock = match &self.lock {
            Some(file) => Some(self.locked(file, false)?),
            None => None,
        };
        self.gather()
    }

    /// Decides on the newest state and records what was decided, in one: lock, catch up, decide, write, sync, unlock,
    /// apply. The events returned are on the disk; a `journal.recovered` event may stand before the ones decided.
    ///
    /// # Errors
    /// The decision's own refusal, or why it could not be recorded. Then nothing happened.
    pub fn transact<T, E>(
        &mut self,
        decide: impl FnOnce(&State) -> Result<(Vec<Draft>, T), E>,
    ) -> Result<(Vec<Arc<Event>>, T), TransactError<E>> {
        let _lock = self.to_write()?;
        self.gather()?;
        self.newer()?;
        let (drafts, value) = decide(self.log.state()).map_err(TransactError::Refused)?;
        if drafts.is_empty() {
            return Ok((Vec::new(), value));
        }
        let events = self.append(drafts)?;
        Ok((events, value))
    }

    /// Which writer this person is here, from now on; the same for every process of this state directory.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn writer(&mut self, person: &Principal) -> Result<WriterId, JournalError> {
        if let Ok(Found::Writer(writer)) = writer::find(&self.home, person, self.here()) {
            return Ok(writer);
        }
        let _lock = self.to_write()?;
        self.settle_writer(person)
    }

    /// The writers of this state directory: those that write and those that were closed.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn own_writers(&self) -> Result<BTreeSet<WriterId>, JournalError> {
        let failed = |error| JournalError::io("read the writers", self.home.path())(error);
        let names = self.home.names().map_err(failed)?;
        let mut own = self.closed.clone();
        own.extend(
            writer::all(&self.home, &names, self.here())
                .map_err(|error| JournalError::io("read the writers", self.home.path())(error))?,
        );
        Ok(own)
    }

    /// The line of an event as it stands in a segment now, without its newline.
    ///
    /// # Errors
    /// When the segment cannot be read.
    pub fn line(&self, event: &Event) -> Result<Option<Vec<u8>>, JournalError> {
        for side in [Side::Home, Side::Spool] {
            let Some(follower) = self.followers.get(&(side, event.writer.clone())) else {
                continue;
            };
            if let Some(index) = follower.find(&event.id, event.seq) {
                return follower
                    .line(index)
                    .map(Some)
                    .map_err(JournalError::io("read", &follower.path));
            }
        }
        Ok(None)
    }

    pub(crate) fn to_write(&self) -> Result<Locked, JournalError> {
        if let Some(why) = &self.read_only {
            return Err(JournalError::ReadOnly(why.clone()));
        }
        match &self.lock {
            Some(file) => self.locked(file, true),
            None => Err(JournalError::ReadOnly("it cannot be locked".to_owned())),
        }
    }

    fn locked(&self, file: &Arc<File>, exclusive: bool) -> Result<Locked, JournalError> {
        Locked::new(file, exclusive)
            .map_err(JournalError::io("lock", &self.home.path().join("lock")))
    }

    fn newer(&self) -> Result<(), JournalError> {
        let newer = self
            .followers
            .values()
            .flat_map(|follower| follower.bad.iter().map(move |bad| (follower, bad)))
            .find(|(_, bad)| bad.why.newer);
        match newer {
            Some((follower, bad)) => Err(JournalError::ReadOnly(format!(
                "{}, line {}: {}; update runsheet to go on",
                follower.path.display(),
                bad.line + 1,
                bad.why.what
            ))),
            None => Ok(()),
        }
    }

    pub(crate) fn here(&self) -> Here<'_> {
        Here {
            machine: self.store.machine(),
            spool: self.store.spool_dir().and_then(|path| path.to_str()),
        }
    }

    /// Reads what is new in both directories. The lock is held.
    pub(crate) fn gather(&mut self) -> Result<Vec<Arc<Event>>, JournalError> {
        self.look_around()?;
        let mut new = Vec::new();
        let mut shrunk = false;
        for follower in self.followers.values_mut() {
            let grown = follower
                .grow(&self.id)
                .map_err(JournalError::io("read", &follower.path))?;
            match grown {
                Growth::Events(events) => new.extend(events),
                Growth::Shrunk => shrunk = true,
            }
        }
        if shrunk {
            return self.reload();
        }
        Ok(self.absorb(new))
    }

    /// Finds segments that are new, and the marks beside them.
    fn look_around(&mut self) -> Result<(), JournalError> {
        let mut found = Vec::new();
        for (side, dir) in self.sides() {
            let names = dir
                .names()
                .map_err(JournalError::io("read the directory", dir.path()))?;
            found.extend(names.into_iter().map(|name| (side, name)));
        }
        for (side, name) in found {
            if let Some(stem) = name.strip_suffix(".jsonl") {
                self.notice_segment(side, stem, &name);
            } else if side == Side::Home {
                self.notice_mark(&name);
            }
        }
        Ok(())
    }

    fn sides(&self) -> impl Iterator<Item = (Side, &Dir)> {
        std::iter::once((Side::Home, &self.home))
            .chain(self.spool.iter().map(|dir| (Side::Spool, dir)))
    }

    pub(crate) fn dir(&self, side: Side) -> &Dir {
        match (&self.spool, side) {
            (Some(spool), Side::Spool) => spool,
            _ => &self.home,
        }
    }

    fn notice_segment(&mut self, side: Side, stem: &str, name: &str) {
        let writer = WriterId::new(stem);
        if let Ok(writer) = &writer
            && self.followers.contains_key(&(side, writer.clone()))
        {
            return;
        }
        let dir = self.dir(side);
        let path = dir.path().join(name).display().to_string();
        let opened = match writer {
            Err(error) => Err(error.to_string()),
            Ok(_) if self.followers.len() >= MOST_SEGMENTS => {
                Err(format!("more than {MOST_SEGMENTS} segments"))
            }
            Ok(writer) => Follower::open(dir, name, writer).map_err(|error| error.to_string()),
        };
        match opened {
            Ok(follower) => {
                self.refused.remove(&path);
                self.followers
                    .insert((side, follower.writer.clone()), follower);
            }
            Err(what) if self.refused.len() < MOST_SEGMENTS => {
                self.refused
                    .insert(path.clone(), Fault::File { path, what });
            }
            Err(_) => {}
        }
    }

    fn notice_mark(&mut self, name: &str) {
        if let Some(writer) = name.strip_suffix(".closed") {
            self.closed.extend(WriterId::new(writer));
        } else if let Some((writer, hex)) = name.split_once(".torn.")
            && let (Ok(writer), Some(digest)) = (WriterId::new(writer), Digest::from_hex(hex))
        {
            self.torn.insert((writer, digest));
        }
    }

    /// A segment became shorter: forgets everything and reads what is there.
    fn reload(&mut self) -> Result<Vec<Arc<Event>>, JournalError> {
        let empty = Log::new(self.id.clone(), self.log.genesis());
        let before = std::mem::replace(&mut self.log, empty);
        self.followers.clear();
        self.segment = None;
        self.look_around()?;
        let mut events = Vec::new();
        for follower in self.followers.values_mut() {
            if let Growth::Events(read) = follower
                .grow(&self.id)
                .map_err(JournalError::io("read", &follower.path))?
            {
                events.extend(read);
            }
        }
        self.absorb(events);
        let mut gone: Vec<&WriterId> = before
            .events()
            .iter()
            .filter(|event| !self.log.has(&event.id))
            .map(|event| &event.writer)
            .collect();
        gone.dedup();
        for writer in gone {
            let fault = Fault::Shrunk {
                writer: writer.clone(),
                path: self.home.path().display().to_string(),
            };
            if !self.shrunk.contains(&fault) {
                self.shrunk.push(fault);
            }
        }
        let new = self.log.events().iter();
        Ok(new
            .filter(|event| !before.has(&event.id))
            .cloned()
            .collect())
    }

    pub(crate) fn absorb(&mut self, events: Vec<Arc<Event>>) -> Vec<Arc<Event>> {
        if events.is_empty() {
            return events;
        }
        let new = self.log.extend(events);
        for event in &new {
            if let Fact::JournalRecovered(what) = &event.fact {
                let told = (what.writer.clone(), what.sha256, event.writer.clone());
                self.told.insert(told);
            }
        }
        new
    }

    /// Keeps the name of the first event, so that no other can pass for it later. Without it the record still reads.
    pub(crate) fn keep_genesis(&mut self) {
        if self.read_only.is_some() {
            return;
        }
        if let (Some(genesis), Ok(None)) = (self.log.genesis(), self.home.slurp("genesis", 256)) {
            let text = format!("{genesis}\n");
            let kept = self
                .home
                .replace(self.store.disk(), "genesis", text.as_bytes(), 0o600);
            if let Err(error) = kept {
                tracing::warn!(%error, "could not keep the name of the first event");
            }
        }
    }

    /// Reads the person's writer, or begins one. The lock is held.
    pub(crate) fn settle_writer(&mut self, person: &Principal) -> Result<WriterId, JournalError> {
        let path = self.home.path().join(writer::name(person));
        let found = writer::find(&self.home, person, self.here())
            .map_err(JournalError::io("read the writer", &path))?;
        match found {
            Found::Writer(writer) => return Ok(writer),
            Found::Moved(old) => self.close_writer(person, &old)?,
            Found::None => {}
        }
        let random = store::random().map_err(JournalError::io("make a writer", &path))?;
        let writer = WriterId::generate(&random);
        // The segment first: a writer that is named has one, or somebody took it away.
        let side = self.own_side();
        let made = Segment::create(self.store.disk(), self.dir(side), &writer)
            .map_err(JournalError::io("make a segment", self.dir(side).path()))?;
        self.segment = Some(made);
        writer::begin(self.store.disk(), &self.home, person, self.here(), &writer)
            .map_err(JournalError::io("begin a writer", &path))?;
        Ok(writer)
    }

    /// Lets a writer write no more, here and in every other process: one rename, which needs no room.
    pub(crate) fn close_writer(
        &mut self,
        person: &Principal,
        old: &WriterId,
    ) -> Result<(), JournalError> {
        self.segment = None;
        let disk = self.store.disk();
        let closed = disk
            .rename(&self.home, &writer::name(person), &format!("{old}.closed"))
            .and_then(|()| disk.sync_dir(&self.home));
        if let Err(error) = closed {
            let why = format!(
                "the segment of writer {old} could be neither written nor closed ({error}); look at the disk, then open it again"
            );
            self.read_only = Some(why.clone());
            return Err(JournalError::ReadOnly(why));
        }
        self.closed.insert(old.clone());
        Ok(())
    }

    /// The head of a writer's segment, by the file.
    pub(crate) fn last_of(&self, side: Side, writer: &WriterId) -> Option<(u64, EventId)> {
        let follower = self.followers.get(&(side, writer.clone()))?;
        let id = follower.lines.last()?.1?;
        Some((self.log.get(&id)?.seq, id))
    }
}

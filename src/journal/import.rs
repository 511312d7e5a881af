//! Events of others, proven, into the journal: appended to the copy of their writer's segment, on the disk before they
//! count.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::error::JournalError;
use super::follow::Follower;
use super::history::{History, Imported};
use super::incident::{Journal, Side};
use super::publish::{PublishError, Publisher};
use super::segment::{self, Segment};
use super::store::Store;
use super::writer::{self, Found};
use crate::engine::event::Event;
use crate::engine::ids::{EventId, IncidentId, WriterId};

/// What an import came to.
#[derive(Debug, Default)]
pub(crate) struct Import {
    /// In the order they became known.
    pub events: Vec<Arc<Event>>,
    /// Writers whose events were not taken, and why.
    pub refused: Vec<(WriterId, String)>,
    /// Own writers of which there were events that they never wrote, and whether those were taken in because events of
    /// others come after them.
    pub forged: BTreeMap<WriterId, bool>,
}

impl Journal {
    /// Takes events of others in. They are on the disk afterwards. What an own writer is said to have written and did
    /// not is left out, unless events of others come after it, which could not be read without it; and that writer
    /// writes no more.
    pub(crate) fn import(&mut self, imported: Vec<Imported>) -> Result<Import, JournalError> {
        if imported.is_empty() {
            return Ok(Import::default());
        }
        let _lock = self.to_write()?;
        let events = self.gather()?;
        let own = self.own_writers()?;
        // Nobody else is here now: what an own writer wrote has been read.
        let is_forged =
            |one: &Imported| own.contains(&one.event.writer) && !self.log.has(&one.event.id);
        let mut forged = BTreeMap::new();
        let mut wanted = imported;
        if wanted.iter().any(is_forged) {
            let rested = rested_on(&wanted, &own);
            let writers = wanted.iter().filter(|one| is_forged(one));
            for one in writers {
                let taken = forged.entry(one.event.writer.clone()).or_insert(false);
                *taken |= rested.contains(&one.event.id);
            }
            wanted.retain(|one| !is_forged(one) || rested.contains(&one.event.id));
            self.close_forged(&forged)?;
        }
        let mut import = self.take(wanted, events)?;
        import.forged = forged;
        Ok(import)
    }

    /// Lets the own writers in whose name others wrote go on as new ones.
    fn close_forged(&mut self, forged: &BTreeMap<WriterId, bool>) -> Result<(), JournalError> {
        let failed = |error| JournalError::io("read the writers", self.home.path())(error);
        let names = self.home.names().map_err(failed)?;
        for person in names.iter().filter_map(|name| writer::person(name)) {
            let found = writer::find(&self.home, &person, self.here());
            if let Ok(Found::Writer(writer)) = found
                && forged.contains_key(&writer)
            {
                self.close_writer(&person, &writer)?;
            }
        }
        Ok(())
    }

    /// Takes in what is not here yet. The lock is held.
    fn take(
        &mut self,
        imported: Vec<Imported>,
        mut events: Vec<Arc<Event>>,
    ) -> Result<Import, JournalError> {
        let mut by_writer: BTreeMap<WriterId, Vec<Imported>> = BTreeMap::new();
        for one in imported {
            if !self.log.has(&one.event.id) {
                by_writer
                    .entry(one.event.writer.clone())
                    .or_default()
                    .push(one);
            }
        }
        let mut refused = Vec::new();
        let mut taken = Vec::new();
        for (writer, mut new) in by_writer {
            new.sort_by_key(|one| one.event.seq);
            match self.copy(&writer, &new)? {
                None => taken.extend(new.into_iter().map(|one| one.event)),
                Some(why) => refused.push((writer, why)),
            }
        }
        events.extend(self.absorb(taken));
        self.keep_genesis();
        Ok(Import {
            events,
            refused,
            forged: BTreeMap::new(),
        })
    }

    /// Whether these events go on where the copy ends.
    fn follows(&self, before: Option<Option<EventId>>, new: &[Imported]) -> bool {
        let first = new.first().and_then(|one| one.event.prev);
        let fits = match before {
            // Here the copy begins; what is before may be in the spool.
            None => first.is_none_or(|prev| self.log.has(&prev)),
            Some(last) => last.is_some() && last == first,
        };
        let joined = new
            .windows(2)
            .all(|pair| pair[1].event.prev == Some(pair[0].event.id));
        fits && joined
    }

    /// Appends to the copy of a writer's segment; or says why these events do not go there.
    fn copy(
        &mut self,
        writer: &WriterId,
        new: &[Imported],
    ) -> Result<Option<String>, JournalError> {
        let name = segment::name(writer);
        let path = self.home.path().join(&name);
        let key = (Side::Home, writer.clone());
        let before = match self.followers.get(&key) {
            Some(follower) => follower.lines.last().map(|line| line.1),
            None => None,
        };
        if !self.follows(before, new) {
            return Ok(Some(
                "its events do not follow the ones that are here; both are kept where they are"
                    .to_owned(),
            ));
        }
        let disk = self.store.disk();
        let segment = match self.followers.get(&key) {
            Some(_) => Segment::open(&self.home, writer),
            None => Segment::create(disk, &self.home, writer),
        };
        let segment = match segment.map_err(JournalError::io("open the segment", &path)) {
            Ok(segment) => segment,
            // Something else has its name; the others' events still come in.
            Err(error @ JournalError::NotPlain { .. }) => return Ok(Some(error.to_string())),
            Err(JournalError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::AlreadyExists =>
            {
                return Ok(Some(format!("{} is no segment", path.display())));
            }
            Err(error) => return Err(error),
        };
        if !self.followers.contains_key(&key) {
            let follower = Follower::open(&self.home, &name, writer.clone())
                .map_err(JournalError::io("open the segment", &path))?;
            self.followers.insert(key.clone(), follower);
        }
        let Some(follower) = self.followers.get_mut(&key) else {
            return Ok(Some("its copy is gone".to_owned()));
        };
        let mut bytes = Vec::new();
        for one in new {
            bytes.extend_from_slice(&one.line);
            bytes.push(b'\n');
        }
        let written = follower
            .torn()
            .and_then(|torn| match torn {
                0 => Ok(()),
                // Torn off a copy; the whole of it comes again now.
                _ => segment.cut(disk, follower.offset),
            })
            .map_err(|error| ("mend", error))
            .and_then(|()| segment.append(disk, &bytes));
        if let Err((what, source)) = written {
            // Taken back where that works; it will be fetched again.
            let _ = segment.cut(disk, follower.offset);
            return Err(JournalError::Io { what, path, source });
        }
        let lines: Vec<(EventId, usize)> = new
            .iter()
            .map(|one| (one.event.id, one.line.len()))
            .collect();
        follower.wrote(&lines);
        Ok(None)
    }
}

/// The events of these that some event of another writer than these comes after.
fn rested_on(imported: &[Imported], own: &BTreeSet<WriterId>) -> BTreeSet<EventId> {
    let by_id: HashMap<EventId, &Event> = imported
        .iter()
        .map(|one| (one.event.id, one.event.as_ref()))
        .collect();
    let others = by_id.values().filter(|event| !own.contains(&event.writer));
    let mut open: Vec<&Event> = others.copied().collect();
    let mut rested = BTreeSet::new();
    while let Some(event) = open.pop() {
        for parent in event.prev.iter().chain(&event.seen) {
            if rested.insert(*parent) {
                open.extend(by_id.get(parent));
            }
        }
    }
    rested
}

/// Makes the journal of an incident again from what is published of it.
///
/// # Errors
/// When what is published cannot be read or proven, or the journal cannot be written.
pub fn restore(
    store: &Store,
    publisher: &mut Publisher,
    id: &IncidentId,
) -> Result<Journal, PublishError> {
    let mut journal = Journal::create(store, id)?;
    let refs = publisher.refs(&super::commit::writer_ref(id, "*"))?;
    let read = {
        let objects = publisher.objects()?;
        let mut history = History::new(&objects, id);
        for tip in refs.values() {
            history
                .walk(*tip, &mut |_, _| false)
                .map_err(|error| PublishError::NotOurs(error.to_string()))?;
        }
        history.read
    };
    let done = {
        let _lock = journal.to_write()?;
        let events = journal.gather()?;
        journal.take(read, events)?
    };
    match done.refused.into_iter().next() {
        Some((writer, _)) => Err(PublishError::Differs { writer }),
        None => Ok(journal),
    }
}

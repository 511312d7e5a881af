//! Events read back out of commits. Every commit must be byte for byte the one of its event, every event must follow
//! what its commit follows, and nothing is taken on trust: who made the commits is not known.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use git2::{ObjectType, Oid};

use super::commit;
use super::object;
use crate::engine::event::{Draft, Event, MAX_LINE, Place};
use crate::engine::ids::{EventId, IncidentId};

/// No history is longer.
const MOST: usize = 4_000_000;

/// The tree of an event has one entry.
const MAX_TREE: usize = 4096;

/// What a walk does next.
enum Step {
    /// Looks at a commit: the nth parent of one behind it, but for the first.
    Enter(Oid, Option<(Oid, usize)>),
    /// Takes it, when all it comes after has been taken.
    Leave(Oid),
}

/// An event out of a commit.
#[derive(Debug, Clone)]
pub(crate) struct Imported {
    pub event: Arc<Event>,
    pub line: Vec<u8>,
}

/// A commit that is not one of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("commit {commit}{}: {what}", event.map_or(String::new(), |id| format!(" (event {id})")))]
pub(crate) struct NotOurs {
    pub commit: Oid,
    pub event: Option<EventId>,
    pub what: String,
}

/// Reads histories, each commit once.
pub(crate) struct History<'a> {
    objects: &'a object::Objects<'a>,
    incident: &'a IncidentId,
    /// Commits that were proven to be of these events.
    pub proven: HashMap<Oid, EventId>,
    pub read: Vec<Imported>,
}

impl<'a> History<'a> {
    pub(crate) fn new(objects: &'a object::Objects<'a>, incident: &'a IncidentId) -> Self {
        Self {
            objects,
            incident,
            proven: HashMap::new(),
            read: Vec::new(),
        }
    }

    /// Reads everything a commit comes after, and it. `is_known` says that a commit is the one already published here
    /// for an event of the journal; behind such a one nothing is read.
    pub(crate) fn walk(
        &mut self,
        tip: Oid,
        is_known: &mut dyn FnMut(EventId, Oid) -> bool,
    ) -> Result<(), NotOurs> {
        for oid in self.order(tip, is_known)? {
            let imported = self.prove(oid)?;
            self.proven.insert(oid, imported.event.id);
            self.read.push(imported);
        }
        Ok(())
    }

    /// The commits not proven yet, each behind all its parents.
    fn order(
        &mut self,
        tip: Oid,
        is_known: &mut dyn FnMut(EventId, Oid) -> bool,
    ) -> Result<Vec<Oid>, NotOurs> {
        let mut order = Vec::new();
        let mut entered = HashSet::new();
        let mut stack = vec![Step::Enter(tip, None)];
        while let Some(step) = stack.pop() {
            let (oid, behind) = match step {
                Step::Leave(oid) => {
                    order.push(oid);
                    continue;
                }
                Step::Enter(oid, behind) => (oid, behind),
            };
            if self.proven.contains_key(&oid) || !entered.insert(oid) {
                continue;
            }
            if entered.len() > MOST {
                return Err(not_ours(oid, None, format!("more than {MOST} commits")));
            }
            let raw = self
                .object(oid, ObjectType::Commit, commit::MAX_COMMIT, oid, None)
                .map_err(|error| NotOurs {
                    event: behind.and_then(|(behind, nth)| self.parent_of(behind, nth)),
                    ..error
                })?;
            let links = commit::links(&raw)
                .ok_or_else(|| not_ours(oid, None, "it is no commit of an event".to_owned()))?;
            if let Some(event) = commit::event_named(&raw)
                && is_known(event, oid)
            {
                self.proven.insert(oid, event);
                continue;
            }
            stack.push(Step::Leave(oid));
            let parents = links.parents.into_iter().enumerate();
            stack.extend(parents.map(|(nth, parent)| Step::Enter(parent, Some((oid, nth)))));
        }
        Ok(order)
    }

    /// The event that the parent of a commit should be of, by what the event of that commit says it comes after. For a
    /// message only: nothing of it is proven.
    fn parent_of(&self, child: Oid, nth: usize) -> Option<EventId> {
        let read = |oid, kind, limit| self.objects.read_as(oid, kind, limit).ok();
        let raw = read(child, ObjectType::Commit, commit::MAX_COMMIT)?;
        let tree = read(commit::links(&raw)?.tree, ObjectType::Tree, MAX_TREE)?;
        let line = read(commit::blob_of(&tree)?, ObjectType::Blob, MAX_LINE + 1)?;
        let event = Event::read(std::str::from_utf8(&line).ok()?.trim_end()).ok()?;
        event.parents().nth(nth)
    }

    fn prove(&self, oid: Oid) -> Result<Imported, NotOurs> {
        let raw = self.object(oid, ObjectType::Commit, commit::MAX_COMMIT, oid, None)?;
        let named = commit::event_named(&raw);
        let wrong = |what: String| not_ours(oid, named, what);
        let links = commit::links(&raw).ok_or_else(|| wrong("it cannot be read".to_owned()))?;
        let tree = self.object(links.tree, ObjectType::Tree, MAX_TREE, oid, named)?;
        let blob = commit::blob_of(&tree)
            .ok_or_else(|| wrong("its tree is not that of an event".to_owned()))?;
        let mut line = self.object(blob, ObjectType::Blob, MAX_LINE + 1, oid, named)?;
        if line.pop() != Some(b'\n') {
            return Err(wrong("its event does not end with a newline".to_owned()));
        }
        let event = std::str::from_utf8(&line)
            .map_err(|error| wrong(format!("its event is not UTF-8: {error}")))
            .and_then(|text| Event::read(text).map_err(|error| wrong(error.to_string())))?;
        let wrong = |what: &str| not_ours(oid, Some(event.id), what.to_owned());
        if &event.incident != self.incident {
            return Err(wrong("its event is of another incident"));
        }
        if canonical_line(&event).as_deref().map(str::as_bytes) != Some(&line) {
            return Err(wrong("its event is not in canonical form"));
        }
        let parents: Vec<_> = links
            .parents
            .iter()
            .map(|parent| self.proven.get(parent).copied())
            .collect();
        if !parents.iter().copied().eq(event.parents().map(Some)) {
            return Err(wrong("its parents are not the events it comes after"));
        }
        match commit::Objects::of(&event, &line, &links.parents) {
            Ok(objects) if objects.id == oid && objects.commit == raw => Ok(Imported {
                event: Arc::new(event),
                line,
            }),
            _ => Err(wrong("it is not the commit that its event makes")),
        }
    }

    fn object(
        &self,
        oid: Oid,
        kind: ObjectType,
        limit: usize,
        of: Oid,
        event: Option<EventId>,
    ) -> Result<Vec<u8>, NotOurs> {
        self.objects
            .read_as(oid, kind, limit)
            .map_err(|what| not_ours(of, event, format!("{kind} {oid}: {what}")))
    }
}

fn not_ours(commit: Oid, event: Option<EventId>, what: String) -> NotOurs {
    NotOurs {
        commit,
        event,
        what,
    }
}

/// The line an event has in canonical form; `None` if it has none or another name then.
pub(crate) fn canonical_line(event: &Event) -> Option<String> {
    let copy = event.clone();
    let place = Place {
        incident: copy.incident,
        writer: copy.writer,
        seq: copy.seq,
        prev: copy.prev,
        seen: copy.seen,
    };
    let draft = Draft {
        occurred_at: copy.occurred_at,
        occurred_until: copy.occurred_until,
        fidelity: copy.fidelity,
        recorded_at: copy.recorded_at,
        person: copy.person,
        signed: copy.signed,
        role: copy.role,
        account: copy.account.to_string(),
        host: copy.host.to_string(),
        boot: copy.boot,
        mode: copy.mode,
        sim_time: copy.sim_time,
        fact: copy.fact,
    };
    let (again, line) = Event::record(draft, place).ok()?;
    (again.id == event.id).then_some(line)
}

//! The events of one record in their order, and the state that follows from them. An event that comes late goes to its
//! place and the state is folded again from there. Pure: knows no files, no git and no clock.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::fold::{Fold, Mark};
use super::order;
use crate::engine::event::Event;
use crate::engine::fact::Fact;
use crate::engine::ids::{EventId, IncidentId, WriterId};
use crate::engine::{State, apply};
use crate::trust::Principal;

/// Up to this many new events are placed one by one; more are sorted from scratch.
const FEW: usize = 64;

/// No writer sees more heads at once; the rest it sees with its next event.
pub const MOST_SEEN: usize = 512;

/// Something in the record that breaks its own rules. Kept and shown; the events stay where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Fault {
    /// A writer has two events with the same number: its state directory was copied, or somebody forges.
    Fork {
        writer: WriterId,
        seq: u64,
        events: [EventId; 2],
    },
    /// An event does not follow what it says it follows.
    Chain { event: EventId, what: String },
    /// A line of a segment is no event of this record.
    Line {
        writer: WriterId,
        /// Counted from 1.
        line: u64,
        path: String,
        what: String,
        /// A newer runsheet wrote it; nothing may be recorded before this one is updated.
        newer: bool,
    },
    /// A file is none that a segment may be.
    File { path: String, what: String },
    /// Events that were read are not in their file any more.
    Shrunk { writer: WriterId, path: String },
    /// An event claims a person who does not go by the account its file belongs to.
    Stranger {
        event: EventId,
        account: String,
        person: String,
    },
    /// An event says it comes after one that nobody has.
    Orphan { event: EventId, missing: EventId },
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fork {
                writer,
                seq,
                events,
            } => write!(
                f,
                "writer {writer} has two events number {seq}: {} and {}; both are kept",
                events[0], events[1]
            ),
            Self::Chain { event, what } => write!(f, "{event}: {what}"),
            Self::Line {
                writer,
                line,
                path,
                what,
                ..
            } => {
                write!(f, "line {line} of writer {writer} ({path}): {what}")
            }
            Self::File { path, what } => write!(f, "{path}: {what}; not read"),
            Self::Shrunk { writer, path } => {
                write!(
                    f,
                    "{path}: events of writer {writer} that were there are gone"
                )
            }
            Self::Stranger {
                event,
                account,
                person,
            } => write!(
                f,
                "{event}: in a file of account `{account}` but in the name of {person}, who does not go by that account"
            ),
            Self::Orphan { event, missing } => {
                write!(f, "{event} comes after {missing}, which is not here")
            }
        }
    }
}

/// What became of an event that was put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertOutcome {
    /// It stands at this place, counted from 0.
    Applied(usize),
    /// It was there already.
    Duplicate,
    /// It is kept until the events it comes after are here.
    Waiting,
}

/// What is known of one writer.
#[derive(Debug, Default)]
struct Writer {
    /// By number, from 1; the first one to come where there are two.
    events: Vec<EventId>,
    /// Those that nothing of this writer follows. One, unless there is a fork.
    tips: BTreeSet<EventId>,
    /// Every event of others that one of this writer's says it has seen.
    cited: HashSet<EventId>,
    /// Who recorded as this writer, with the number of that voice. One, unless somebody forges.
    voices: Vec<(Principal, u32)>,
}

/// The events of one record in order, with the state after them.
#[derive(Debug)]
pub struct Log {
    incident: IncidentId,
    /// In order.
    events: Vec<Arc<Event>>,
    ids: Vec<EventId>,
    /// The number under which an event came, by place.
    arrival: Vec<u32>,
    /// The place, by number of arrival.
    places: Vec<u32>,
    known: HashMap<EventId, u32>,
    /// By number of arrival.
    arrived: Vec<Arc<Event>>,
    /// What the fold wants to know of each, by number of arrival.
    marks: Vec<Mark>,
    /// How many different writers and people of theirs there are.
    voices: u32,
    /// The start of the incident. There is one, and no other is taken for it.
    genesis: Option<EventId>,
    strange: HashSet<EventId>,
    writers: BTreeMap<WriterId, Writer>,
    /// By the parent they lack.
    waiting: BTreeMap<EventId, Vec<Arc<Event>>>,
    waiting_ids: HashSet<EventId>,
    faults: Vec<Fault>,
    fold: Fold,
}

impl Log {
    /// A record without events. Where its first event is known by name, no other can pass for it; else the first to
    /// come is it.
    #[must_use]
    pub fn new(incident: IncidentId, genesis: Option<EventId>) -> Self {
        Self {
            fold: Fold::new(incident.clone()),
            incident,
            events: Vec::new(),
            ids: Vec::new(),
            arrival: Vec::new(),
            places: Vec::new(),
            known: HashMap::new(),
            arrived: Vec::new(),
            marks: Vec::new(),
            voices: 0,
            genesis,
            strange: HashSet::new(),
            writers: BTreeMap::new(),
            waiting: BTreeMap::new(),
            waiting_ids: HashSet::new(),
            faults: Vec::new(),
        }
    }

    /// Which incident's record it is.
    #[must_use]
    pub fn incident(&self) -> &IncidentId {
        &self.incident
    }

    /// The state and the events it follows from, without what finds a place for more.
    #[must_use]
    pub fn into_record(self) -> (Arc<State>, Vec<Arc<Event>>) {
        (Arc::clone(self.fold.state()), self.events)
    }

    /// The events in order.
    #[must_use]
    pub fn events(&self) -> &[Arc<Event>] {
        &self.events
    }

    /// Brings a list of these events up to date, and says whether it only grew. Then what is new is put at its end, and
    /// a list that nobody else holds is not copied.
    pub fn follow(&self, list: &mut Arc<Vec<Arc<Event>>>) -> bool {
        let known = list.len();
        let mut same = self.events.iter().zip(list.iter());
        let grew = known <= self.events.len() && same.all(|(a, b)| Arc::ptr_eq(a, b));
        if !grew {
            *list = Arc::new(self.events.clone());
        } else if known < self.events.len() {
            let new = self.events.get(known..).unwrap_or_default();
            Arc::make_mut(list).extend(new.iter().cloned());
        }
        grew
    }

    /// The state after all of them.
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        self.fold.state()
    }

    /// The start of the incident, if it is known.
    #[must_use]
    pub fn genesis(&self) -> Option<EventId> {
        self.genesis
    }

    /// The event of this name, if it has its place.
    #[must_use]
    pub fn get(&self, id: &EventId) -> Option<&Arc<Event>> {
        self.arrived.get(*self.known.get(id)? as usize)
    }

    /// Its place, counted from 0.
    #[must_use]
    pub fn place_of(&self, id: &EventId) -> Option<usize> {
        let arrival = *self.known.get(id)?;
        self.places
            .get(arrival as usize)
            .map(|place| *place as usize)
    }

    /// The state after this event by what it comes after alone: all that its writer can have known.
    #[must_use]
    pub fn state_known_to(&self, id: &EventId) -> State {
        let mut known = BTreeSet::new();
        let mut open = vec![*id];
        while let Some(id) = open.pop() {
            if let Some(event) = self.get(&id)
                && known.insert(id)
            {
                open.extend(event.parents());
            }
        }
        let events = self.events().iter();
        events
            .filter(|event| known.contains(&event.id))
            .fold(State::default(), |state, event| apply(state, event))
    }

    /// What breaks the rules of the record.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Events that wait for one they come after, with that one.
    pub fn waiting(&self) -> impl Iterator<Item = (&EventId, &Arc<Event>)> {
        self.waiting
            .iter()
            .flat_map(|(missing, events)| events.iter().map(move |event| (missing, event)))
    }

    /// Whether this event is here, in its place or waiting.
    #[must_use]
    pub fn has(&self, id: &EventId) -> bool {
        self.known.contains_key(id) || self.waiting_ids.contains(id)
    }

    /// The events of a writer by number, the first of them number 1. Where there is a fork, the ones that came first.
    #[must_use]
    pub fn of_writer(&self, writer: &WriterId) -> &[EventId] {
        self.writers
            .get(writer)
            .map_or(&[], |known| known.events.as_slice())
    }

    /// The writers of this record.
    pub fn writers(&self) -> impl Iterator<Item = &WriterId> {
        self.writers.keys()
    }

    /// The heads of the other writers that no event of this one has cited yet; sorted.
    #[must_use]
    pub fn unseen_by(&self, writer: &WriterId) -> Vec<EventId> {
        let cited = self.writers.get(writer).map(|own| &own.cited);
        let mut heads: Vec<_> = self
            .writers
            .iter()
            .filter(|(other, _)| *other != writer)
            .flat_map(|(_, other)| other.tips.iter().copied())
            .filter(|tip| cited.is_none_or(|cited| !cited.contains(tip)))
            .collect();
        heads.sort_unstable();
        heads.truncate(MOST_SEEN);
        heads
    }

    /// Puts one event in its place and folds from there.
    pub fn insert(&mut self, event: Arc<Event>) -> InsertOutcome {
        let id = event.id;
        if self.has(&id) {
            return InsertOutcome::Duplicate;
        }
        self.extend(vec![event]);
        match self.place_of(&id) {
            Some(place) => InsertOutcome::Applied(place),
            None => InsertOutcome::Waiting,
        }
    }

    /// Puts events in their places, in whatever order they come, and folds once. Returns those that now have a place
    /// and had none before, in the order they became known.
    pub fn extend(&mut self, events: Vec<Arc<Event>>) -> Vec<Arc<Event>> {
        let mut accepted = Vec::with_capacity(events.len());
        for event in events {
            self.accept(event, &mut accepted);
        }
        if accepted.is_empty() {
            return accepted;
        }
        let changed = if accepted.len() <= FEW {
            accepted
                .iter()
                .map(|event| self.put(event))
                .min()
                .unwrap_or_default()
        } else {
            self.sort()
        };
        self.fold
            .again(changed, &self.events, &self.arrival, &self.marks);
        accepted
    }

    /// Gives an event its number of arrival if all it comes after have one, then those that waited for it.
    fn accept(&mut self, event: Arc<Event>, accepted: &mut Vec<Arc<Event>>) {
        let mut ready = vec![event];
        while let Some(event) = ready.pop() {
            if self.known.contains_key(&event.id) {
                continue;
            }
            if self.is_strange(&event) {
                continue;
            }
            let missing = event
                .parents()
                .find(|parent| !self.known.contains_key(parent));
            if let Some(missing) = missing {
                if self.waiting_ids.insert(event.id) {
                    self.waiting.entry(missing).or_default().push(event);
                }
                continue;
            }
            self.known.insert(event.id, self.arrived.len() as u32);
            self.arrived.push(Arc::clone(&event));
            for waited in self.waiting.remove(&event.id).unwrap_or_default() {
                self.waiting_ids.remove(&waited.id);
                ready.push(waited);
            }
            self.register(&event);
            accepted.push(event);
        }
    }

    /// Whether an event comes after nothing without being the start of this incident. Such a one is not taken: with a
    /// small enough digest it would stand before the true start and choose the policy.
    fn is_strange(&mut self, event: &Event) -> bool {
        if event.parents().next().is_some() {
            return false;
        }
        let start = matches!(event.fact, Fact::IncidentStarted(_));
        if start && *self.genesis.get_or_insert(event.id) == event.id {
            return false;
        }
        if self.strange.insert(event.id) {
            let what = if start {
                "it starts the incident a second time; not taken"
            } else {
                "it comes after nothing and is not the start of the incident; not taken"
            };
            self.faults.push(Fault::Chain {
                event: event.id,
                what: what.to_owned(),
            });
        }
        true
    }

    /// Checks an event against its writer's others.
    fn register(&mut self, event: &Arc<Event>) {
        if let Some(what) = self.chain_fault(event) {
            self.faults.push(Fault::Chain {
                event: event.id,
                what,
            });
        }
        let writer = self.writers.entry(event.writer.clone()).or_default();
        let taken = event
            .seq
            .checked_sub(1)
            .and_then(|index| usize::try_from(index).ok())
            .and_then(|index| writer.events.get(index));
        match taken {
            Some(first) => self.faults.push(Fault::Fork {
                writer: event.writer.clone(),
                seq: event.seq,
                events: [*first.min(&event.id), *first.max(&event.id)],
            }),
            None if event.seq == writer.events.len() as u64 + 1 => writer.events.push(event.id),
            // A gap is a fault of the chain, found above.
            None => {}
        }
        if let Some(prev) = &event.prev {
            writer.tips.remove(prev);
        }
        writer.tips.insert(event.id);
        writer.cited.extend(event.seen.iter().copied());
        let known = writer.voices.iter().find(|(by, _)| *by == event.person);
        let voice = if let Some((_, voice)) = known {
            *voice
        } else {
            let voice = self.voices;
            writer.voices.push((event.person.clone(), voice));
            self.voices += 1;
            voice
        };
        self.marks.push(self.fold.mark(event, voice));
    }

    fn chain_fault(&self, event: &Event) -> Option<String> {
        if event.incident != self.incident {
            return Some(format!("it belongs to incident {}", event.incident));
        }
        if event.parents().next().is_some() && matches!(event.fact, Fact::IncidentStarted(_)) {
            return Some("the incident is started a second time".to_owned());
        }
        if !event.seen.is_sorted_by(|a, b| a < b) {
            return Some("what it has seen is not sorted".to_owned());
        }
        match event.prev {
            None if event.seq != 1 => {
                return Some(format!("number {} follows nothing", event.seq));
            }
            None => {}
            Some(prev) => {
                let before = self.get(&prev)?;
                if before.writer != event.writer || before.seq.checked_add(1) != Some(event.seq) {
                    return Some(format!(
                        "number {} of {} is said to follow number {} of {}",
                        event.seq, event.writer, before.seq, before.writer
                    ));
                }
            }
        }
        None
    }

    /// Puts one accepted event in its place; returns the place.
    fn put(&mut self, event: &Arc<Event>) -> usize {
        let earliest = event
            .parents()
            .filter_map(|parent| self.place_of(&parent))
            .max()
            .map_or(0, |place| place + 1);
        let place = order::place(&event.id, earliest, self.ids.iter());
        let arrival = self.places.len() as u32;
        self.places.push(place as u32);
        for behind in &self.arrival[place..] {
            self.places[*behind as usize] += 1;
        }
        self.arrival.insert(place, arrival);
        self.ids.insert(place, event.id);
        self.events.insert(place, Arc::clone(event));
        place
    }

    /// Sorts everything; returns the first place where the order is another than before.
    fn sort(&mut self) -> usize {
        let all = &self.arrived;
        let ids: Vec<_> = all.iter().map(|event| event.id).collect();
        let parents: Vec<Vec<u32>> = all
            .iter()
            .map(|event| {
                let mut of: Vec<u32> = event
                    .parents()
                    .filter_map(|parent| self.known.get(&parent).copied())
                    .collect();
                of.sort_unstable();
                of.dedup();
                of
            })
            .collect();
        let sorted = order::sort(&ids, &parents);
        let changed = sorted
            .iter()
            .zip(&self.arrival)
            .take_while(|(new, old)| new == old)
            .count();
        self.places = vec![0; all.len()];
        for (place, arrival) in sorted.iter().enumerate() {
            self.places[*arrival as usize] = place as u32;
        }
        self.events = sorted
            .iter()
            .map(|arrival| Arc::clone(&all[*arrival as usize]))
            .collect();
        self.ids = self.events.iter().map(|event| event.id).collect();
        self.arrival = sorted;
        changed
    }
}

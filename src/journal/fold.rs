//! The state that follows from events in their order: a fold of `apply`, gone on with where something changed from the
//! last snapshot before. Stretches of events that only tell something are counted instead of applied one by one, which
//! comes to the same. Pure: knows neither where events come from nor what their order is.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::engine::event::Event;
use crate::engine::ids::IncidentId;
use crate::engine::{State, apply, told};
use crate::trust::Mode;

/// Snapshots this far apart near the end …
const NEAR: usize = 512;
/// … this far apart before the last so many events.
const FAR: usize = 4096;
const RECENT: usize = 16 * NEAR;

/// What has to be known of an event to pass over it without looking at it again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// A number for its writer and person.
    voice: u32,
    recorded_at: DateTime<Utc>,
    /// The mode it was recorded in, if it only tells something of this incident.
    tells: Option<Mode>,
}

/// The state after so many events, and some before.
#[derive(Debug)]
pub(super) struct Fold {
    incident: IncidentId,
    state: Arc<State>,
    folded: usize,
    /// States after so many events, ascending.
    snapshots: Vec<(usize, Arc<State>)>,
}

impl Fold {
    /// The state of this incident's record without events.
    pub(super) fn new(incident: IncidentId) -> Self {
        Self {
            incident,
            state: Arc::default(),
            folded: 0,
            snapshots: Vec::new(),
        }
    }

    /// The mark of an event.
    pub(super) fn mark(&self, event: &Event, voice: u32) -> Mark {
        let tells = told::only_tells(event) && event.incident == self.incident;
        Mark {
            voice,
            recorded_at: event.recorded_at,
            tells: tells.then_some(event.mode),
        }
    }

    pub(super) fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Folds again from the last state before the place `changed`. The marks are by number of arrival, the numbers of
    /// arrival by place.
    pub(super) fn again(
        &mut self,
        changed: usize,
        events: &[Arc<Event>],
        arrival: &[u32],
        marks: &[Mark],
    ) {
        if changed < self.folded {
            while self.snapshots.last().is_some_and(|(at, _)| *at > changed) {
                self.snapshots.pop();
            }
            (self.folded, self.state) = match self.snapshots.last() {
                Some((at, state)) => (*at, Arc::clone(state)),
                None => (0, Arc::default()),
            };
        }
        let end = events.len();
        let mut state = Arc::unwrap_or_clone(std::mem::take(&mut self.state));
        let mut stretch = Stretch::default();
        for place in self.folded..end {
            let mark = marks[arrival[place] as usize];
            let counts = |mode| told::counts(&state, &self.incident, mode);
            if mark.tells.is_some_and(counts) {
                stretch.take(place, mark);
            } else {
                stretch.end(&mut state, events);
                state = apply(state, &events[place]);
            }
            let count = place + 1;
            if count % FAR == 0 || (count % NEAR == 0 && end - count < RECENT) {
                stretch.end(&mut state, events);
                self.snapshots.push((count, Arc::new(state.clone())));
            }
        }
        stretch.end(&mut state, events);
        self.folded = end;
        self.state = Arc::new(state);
        self.snapshots
            .retain(|(at, _)| at % FAR == 0 || end - at < RECENT);
    }
}

/// Events that were passed over and are not in the state yet.
#[derive(Debug, Default)]
struct Stretch {
    count: u64,
    latest: Option<DateTime<Utc>>,
    /// The place of the last one, by voice.
    last: Vec<Option<usize>>,
    /// The voices that have one.
    voices: Vec<u32>,
}

impl Stretch {
    fn take(&mut self, place: usize, mark: Mark) {
        self.count += 1;
        self.latest = self.latest.max(Some(mark.recorded_at));
        let voice = mark.voice as usize;
        if self.last.len() <= voice {
            self.last.resize(voice + 1, None);
        }
        if self.last[voice].replace(place).is_none() {
            self.voices.push(mark.voice);
        }
    }

    /// Brings them into the state.
    fn end(&mut self, state: &mut State, events: &[Arc<Event>]) {
        if self.count == 0 {
            return;
        }
        let voices = self.voices.drain(..);
        let mut places: Vec<usize> = voices
            .filter_map(|voice| self.last[voice as usize].take())
            .collect();
        places.sort_unstable();
        let last = places.iter().map(|place| events[*place].as_ref());
        told::count(state, self.count, self.latest.take(), last);
        self.count = 0;
    }
}

//! Which events of the record the timeline shows. Follows a growing record by looking at what is new only, and works
//! through a long one in pieces, so that no key ever waits for all of it.

use std::collections::HashMap;

use super::world::Open;
use crate::engine::event::Event;
use crate::engine::fact::Fact;
use crate::engine::sentence::{Class, class, sentence};
use crate::engine::{EventId, IncidentId};

/// Events looked at in one go when their text has to be searched.
const PIECE: usize = 8_000;

/// Which events are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Filter {
    pub class: Option<Class>,
    /// Part of the person's name.
    pub person: String,
    /// Part of the sentence, without regard to case.
    pub text: String,
}

impl Filter {
    /// Whether everything is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn wants(&self, event: &Event) -> bool {
        self.class.is_none_or(|wanted| wanted == class(event))
            && (self.person.is_empty() || event.person.as_str().contains(&self.person))
            && (self.text.is_empty() || sentence(event).to_lowercase().contains(&self.text))
    }
}

/// The events that are shown, by their place in the record.
#[derive(Debug, Clone, Default)]
pub struct Index {
    incident: Option<IncidentId>,
    refolded: u64,
    filter: Filter,
    /// `None` while there is no filter: then it is every event.
    shown: Option<Vec<usize>>,
    /// Events looked at so far.
    seen: usize,
    total: usize,
    corrections: HashMap<EventId, Vec<usize>>,
    corrected_up_to: usize,
}

impl Index {
    /// The filter in force.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Takes another filter; [`Index::follow`] works it off.
    pub fn set_filter(&mut self, mut filter: Filter) {
        filter.text = filter.text.to_lowercase();
        self.shown = (!filter.is_empty()).then(Vec::new);
        self.filter = filter;
        self.seen = 0;
    }

    /// Looks at what it has not seen yet. True when there is more to look at.
    pub fn follow(&mut self, open: &Open) -> bool {
        let events = open.events.as_slice();
        let other = self.incident.as_ref() != Some(&open.id)
            || self.refolded != open.refolded
            || self.total > events.len();
        if other {
            let filter = std::mem::take(&mut self.filter);
            *self = Self {
                incident: Some(open.id.clone()),
                refolded: open.refolded,
                ..Self::default()
            };
            self.set_filter(filter);
        }
        self.total = events.len();
        for (at, event) in events.iter().enumerate().skip(self.corrected_up_to) {
            if let Fact::EntryCorrected(correction) = &event.fact {
                self.corrections
                    .entry(correction.corrects)
                    .or_default()
                    .push(at);
            }
        }
        self.corrected_up_to = events.len();
        let Some(shown) = &mut self.shown else {
            self.seen = events.len();
            return false;
        };
        let end = if self.filter.text.is_empty() {
            events.len()
        } else {
            events.len().min(self.seen + PIECE)
        };
        for (at, event) in events.iter().enumerate().take(end).skip(self.seen) {
            if self.filter.wants(event) {
                shown.push(at);
            }
        }
        self.seen = end;
        end < events.len()
    }

    /// How many events are shown.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shown.as_ref().map_or(self.total, Vec::len)
    }

    /// Whether none is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place in the record of a row.
    #[must_use]
    pub fn at(&self, row: usize) -> Option<usize> {
        match &self.shown {
            None => (row < self.total).then_some(row),
            Some(shown) => shown.get(row).copied(),
        }
    }

    /// How far it is, in percent; `None` when it is through.
    #[must_use]
    pub fn progress(&self) -> Option<usize> {
        (self.seen < self.total).then(|| self.seen * 100 / self.total)
    }

    /// Where the corrections of an event stand in the record.
    #[must_use]
    pub fn corrections(&self, event: &EventId) -> &[usize] {
        self.corrections.get(event).map_or(&[], Vec::as_slice)
    }
}

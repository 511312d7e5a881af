//! What some events say of others: corrections, details, links, follow-ups. Taken in one after the other in the order of
//! the record, so that a growing one costs what is new. Knows places in the record, not how anything is shown.

use std::collections::HashMap;

use crate::engine::details::Details;
use crate::engine::event::Event;
use crate::engine::fact::Fact;
use crate::engine::sentence::{self, Class};
use crate::engine::{EventId, State};
use crate::evidence::Digest;
use crate::timeline::about::{self, Link};

/// What was said of entries.
#[derive(Debug, Clone, Default)]
pub struct Said {
    corrections: HashMap<EventId, Vec<usize>>,
    details: HashMap<EventId, Details>,
    links: HashMap<EventId, Vec<Link>>,
    followups: HashMap<EventId, Vec<usize>>,
}

/// What is so of an entry after everything that was said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Standing {
    pub class: Class,
    /// Lists hold what is so now, in `add`.
    pub details: Details,
}

impl Said {
    /// Whether a fact says something of another entry.
    #[must_use]
    pub fn says(fact: &Fact) -> bool {
        match fact {
            Fact::EntryCorrected(_) | Fact::EntryDescribed(_) | Fact::EntryLinked(_) => true,
            Fact::FollowupOpened(fact) => fact.about.is_some(),
            _ => false,
        }
    }

    /// Takes in what the event at this place says of another.
    pub fn take(&mut self, at: usize, event: &Event) {
        match &event.fact {
            Fact::EntryCorrected(fact) => {
                self.corrections.entry(fact.corrects).or_default().push(at);
            }
            Fact::EntryDescribed(fact) => self.describe(fact.entry, &fact.details),
            Fact::EntryLinked(fact) => {
                for (entry, link) in about::ends(fact) {
                    let list = self.links.entry(entry).or_default();
                    list.retain(|one| *one != link);
                    if !fact.removed {
                        list.push(link);
                    }
                }
            }
            Fact::FollowupOpened(fact) => {
                if let Some(entry) = fact.about {
                    self.followups.entry(entry).or_default().push(at);
                }
            }
            _ => {}
        }
    }

    /// Takes in only how an entry is classed and marked: that is so for whoever reads, whoever said it.
    pub fn take_marking(&mut self, event: &Event) {
        if let Fact::EntryDescribed(fact) = &event.fact {
            let marking = Details {
                class: fact.details.class,
                tlp: fact.details.tlp,
                ..Details::default()
            };
            self.describe(fact.entry, &marking);
        }
    }

    fn describe(&mut self, entry: EventId, details: &Details) {
        let before = self.details.remove(&entry).unwrap_or_default();
        self.details.insert(entry, before.then(details));
    }

    /// Where the corrections of an entry stand in the record.
    #[must_use]
    pub fn corrections(&self, entry: &EventId) -> &[usize] {
        self.corrections.get(entry).map_or(&[], Vec::as_slice)
    }

    /// Where the follow-ups that come of an entry stand in the record.
    #[must_use]
    pub fn followups(&self, entry: &EventId) -> &[usize] {
        self.followups.get(entry).map_or(&[], Vec::as_slice)
    }

    /// The links of an entry, in the order they were made.
    #[must_use]
    pub fn links(&self, entry: &EventId) -> &[Link] {
        self.links.get(entry).map_or(&[], Vec::as_slice)
    }

    /// What was said of it later, all together.
    #[must_use]
    pub fn details(&self, entry: &EventId) -> Option<&Details> {
        self.details.get(entry)
    }

    /// The class it is shown with.
    #[must_use]
    pub fn class(&self, event: &Event) -> Class {
        self.details(&event.id)
            .and_then(|later| later.class)
            .unwrap_or_else(|| sentence::class(event))
    }

    /// What is so of it now.
    #[must_use]
    pub fn standing(&self, event: &Event) -> Standing {
        let own = about::own(&event.fact).cloned().unwrap_or_default();
        let mut details = match self.details(&event.id) {
            Some(later) => own.then(later),
            None => own,
        };
        let brought = event.fact.evidence().iter().map(|one| one.sha256);
        let mut evidence: Vec<Digest> = brought.collect();
        details.evidence.to(&mut evidence);
        details.evidence.add = evidence;
        Standing {
            class: self.class(event),
            details,
        }
    }
}

/// What was known at a moment: the state that follows from what was recorded until then.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Past {
    pub at: chrono::DateTime<chrono::FixedOffset>,
    pub state: State,
    /// How many of the events were recorded by then.
    pub known: usize,
}

impl Past {
    /// Nothing is folded yet.
    #[must_use]
    pub fn new(at: chrono::DateTime<chrono::FixedOffset>) -> Self {
        Self {
            at,
            state: State::default(),
            known: 0,
        }
    }

    /// Whether it was known.
    #[must_use]
    pub fn knows(&self, event: &Event) -> bool {
        event.told_at() <= self.at
    }

    /// Takes the next event in; false where it was not known yet.
    pub fn take(&mut self, event: &Event) -> bool {
        let knows = self.knows(event);
        if knows {
            self.state = crate::engine::apply(std::mem::take(&mut self.state), event);
            self.known += 1;
        }
        knows
    }
}

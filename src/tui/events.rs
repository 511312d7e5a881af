//! Which events of the record the timeline shows, and in what order: as things occurred. Follows a growing record by
//! looking at what is new only, and works through a long one in pieces, so that no key ever waits for all of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, Utc};

use super::said::{Past, Said, Standing};
use super::world::Open;
use crate::engine::event::Event;
use crate::engine::fact::{Fact, Milestone};
use crate::engine::sentence::{Class, class, sentence};
use crate::engine::{EventId, IncidentId, State};
use crate::evidence::Digest;
use crate::timeline::Audiences;
use crate::timeline::audience::Sight;
use crate::trust::Principal;

/// Events looked at in one go when each has to be read: searched, folded, judged for an audience.
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
    /// From when this was reached until the next one was.
    pub milestone: Option<Milestone>,
    /// Only what these people may see, as they see it.
    pub audience: Option<String>,
}

impl Filter {
    /// Whether everything is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// When an event occurred and when it was recorded: the order of the timeline.
type When = (DateTime<Utc>, DateTime<Utc>);

/// From one moment until before another.
type Stretch = (DateTime<Utc>, Option<DateTime<Utc>>);

/// The record through the eyes of an audience.
#[derive(Debug, Clone)]
struct Lens {
    sight: Sight,
    said: Said,
    left_out: BTreeMap<Class, usize>,
}

/// The events that are shown, by their place in the record.
#[derive(Debug, Clone, Default)]
pub struct Index {
    incident: Option<IncidentId>,
    refolded: u64,
    filter: Filter,
    past: Option<Past>,
    /// In the order things occurred.
    shown: Vec<usize>,
    /// Events looked at so far.
    seen: usize,
    /// By place in the record, as are the next three: a filter looks at these and not at the events.
    when: Vec<When>,
    /// As the events have it themselves.
    own: Vec<Class>,
    /// With what was said of them.
    classes: Vec<Class>,
    /// Whose they are, in `people`.
    by: Vec<usize>,
    people: Vec<Principal>,
    /// The events that say something of others.
    sayers: Vec<usize>,
    places: HashMap<EventId, usize>,
    /// Where an artifact came into the record.
    artifacts: HashMap<Digest, usize>,
    said: Said,
    /// So many of the sayers were heard.
    said_up_to: usize,
    lens: Option<Lens>,
    stretch: Option<Stretch>,
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
        self.filter = filter;
        self.restart();
    }

    /// Shows what was known at a moment, or now; [`Index::follow`] works it off.
    pub fn set_past(&mut self, at: Option<DateTime<FixedOffset>>) {
        self.past = at.map(Past::new);
        self.said = Said::default();
        self.classes.clone_from(&self.own);
        self.said_up_to = 0;
        self.restart();
    }

    /// The moment whose knowledge is shown, with what it folds to.
    #[must_use]
    pub fn past(&self) -> Option<&Past> {
        self.past.as_ref()
    }

    /// The state that what is shown belongs to.
    #[must_use]
    pub fn state<'a>(&'a self, open: &'a Open) -> &'a State {
        self.past.as_ref().map_or(&open.state, |past| &past.state)
    }

    /// Everything is looked at again.
    fn restart(&mut self) {
        self.shown.clear();
        self.seen = 0;
        self.lens = None;
        if let Some(past) = &mut self.past {
            *past = Past::new(past.at);
        }
    }

    /// Looks at what it has not seen yet. True when there is more to look at.
    pub fn follow(&mut self, open: &Open) -> bool {
        let events = open.events.as_slice();
        self.keep_to(open);
        self.take_in(events);
        let news = self.listen(events);
        let stretch = self.stretch_of(open);
        let lensed = self.filter.audience.is_some() || self.filter.class.is_some();
        if (news && lensed && self.seen > 0) || stretch != self.stretch {
            self.restart();
        }
        self.stretch = stretch;
        self.focus(open);
        let reads =
            !self.filter.text.is_empty() || self.filter.audience.is_some() || self.past.is_some();
        let end = if reads {
            events.len().min(self.seen + PIECE)
        } else {
            events.len()
        };
        let before = self.shown.len();
        let wanted = |who: &Principal| who.as_str().contains(&self.filter.person);
        let who: Vec<bool> = self.people.iter().map(wanted).collect();
        for (at, event) in events.iter().enumerate().take(end).skip(self.seen) {
            if (!reads || self.reads(at, event)) && self.wants(at, &who) {
                self.shown.push(at);
            }
        }
        self.seen = end;
        let when = &self.when;
        let fresh = &self.shown[before.saturating_sub(1)..];
        if !fresh.is_sorted_by_key(|at| when[*at]) {
            // Stable: what occurred and was recorded in the same instant stays in the order of the record.
            self.shown.sort_by_key(|at| when[*at]);
        }
        end < events.len()
    }

    /// Begins anew where it is another record, or the same in another order.
    fn keep_to(&mut self, open: &Open) {
        let other = self.incident.as_ref() != Some(&open.id);
        if !other && self.refolded == open.refolded && self.when.len() <= open.events.len() {
            return;
        }
        // Whom somebody looked for in one incident is nobody's in another.
        let strange = other && self.incident.is_some();
        let (filter, past) = if strange {
            (Filter::default(), None)
        } else {
            let past = self.past.take().map(|past| Past::new(past.at));
            (std::mem::take(&mut self.filter), past)
        };
        *self = Self {
            incident: Some(open.id.clone()),
            refolded: open.refolded,
            filter,
            past,
            ..Self::default()
        };
    }

    /// Takes in where new events stand, when they occurred, of which class and whose they are.
    fn take_in(&mut self, events: &[Arc<Event>]) {
        let from = self.when.len();
        let new = events.len() - from;
        self.when.reserve(new);
        self.places.reserve(new);
        let mut known: HashMap<Principal, usize> = HashMap::new();
        for (at, who) in self.people.iter().enumerate().filter(|_| new > 0) {
            known.insert(who.clone(), at);
        }
        for (at, event) in events.iter().enumerate().skip(from) {
            self.when
                .push((event.occurred_at.to_utc(), event.recorded_at));
            self.places.insert(event.id, at);
            let class = class(event);
            self.own.push(class);
            self.classes.push(class);
            let by = known.get(&event.person).copied().unwrap_or_else(|| {
                self.people.push(event.person.clone());
                known.insert(event.person.clone(), self.people.len() - 1);
                self.people.len() - 1
            });
            self.by.push(by);
            for artifact in event.fact.evidence() {
                self.artifacts.entry(artifact.sha256).or_insert(at);
            }
            if Said::says(&event.fact) {
                self.sayers.push(at);
            }
        }
    }

    /// Hears what new events say of others. True when some of it changes what is shown of others.
    fn listen(&mut self, events: &[Arc<Event>]) -> bool {
        let mut news = false;
        for at in self.sayers.iter().skip(self.said_up_to).copied() {
            let Some(event) = events.get(at) else {
                continue;
            };
            if self.past.as_ref().is_some_and(|past| !past.knows(event)) {
                continue;
            }
            self.said.take(at, event);
            if let Fact::EntryDescribed(fact) = &event.fact {
                news = true;
                if let (Some(class), Some(place)) =
                    (fact.details.class, self.places.get(&fact.entry))
                {
                    self.classes[*place] = class;
                }
            }
        }
        self.said_up_to = self.sayers.len();
        news
    }

    /// The stretch between two milestones that is wanted, as far as it is known.
    fn stretch_of(&self, open: &Open) -> Option<Stretch> {
        let milestone = self.filter.milestone?;
        let reached = &open.state.milestones;
        let from = reached.get(&milestone)?.at.to_utc();
        let later = reached.values().map(|other| other.at.to_utc());
        Some((from, later.filter(|at| *at > from).min()))
    }

    /// Puts on the eyes of the audience that is asked for.
    fn focus(&mut self, open: &Open) {
        let Some(name) = self.filter.audience.as_deref() else {
            self.lens = None;
            return;
        };
        if self.lens.is_none() {
            self.lens = audiences(open).named(name).cloned().map(|reader| Lens {
                sight: Sight::new(audiences(open), reader),
                said: Said::default(),
                left_out: BTreeMap::new(),
            });
        }
    }

    /// Whether the next event in the order of the record is known, may be seen, and has the text.
    fn reads(&mut self, at: usize, event: &Event) -> bool {
        if let Some(past) = &mut self.past
            && !past.take(event)
        {
            return false;
        }
        if self.filter.audience.is_some() {
            let Some(lens) = &mut self.lens else {
                return false;
            };
            if !lens.sight.look(event, self.said.details(&event.id)) {
                *lens.left_out.entry(self.classes[at]).or_default() += 1;
                if let Fact::EntryDescribed(fact) = &event.fact
                    && lens.sight.sees(&fact.entry)
                {
                    lens.said.take_marking(event);
                }
                return false;
            }
            lens.said.take(at, event);
        }
        let text = &self.filter.text;
        text.is_empty() || sentence(event).to_lowercase().contains(text)
    }

    /// Whether class, person and time are the wanted ones.
    fn wants(&self, at: usize, who: &[bool]) -> bool {
        let filter = &self.filter;
        let (occurred, _) = self.when[at];
        filter.class.is_none_or(|wanted| wanted == self.classes[at])
            && (filter.person.is_empty() || who[self.by[at]])
            && (filter.milestone.is_none()
                || self.stretch.is_some_and(|(from, until)| {
                    from <= occurred && until.is_none_or(|until| occurred < until)
                }))
    }

    /// How many events are shown.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// Whether none is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// How many there are, shown or not: all, or what was known.
    #[must_use]
    pub fn total(&self) -> usize {
        let known = self.past.as_ref().map(|past| past.known);
        known.unwrap_or(self.when.len())
    }

    /// How many events of the record it knows of.
    #[must_use]
    pub fn recorded(&self) -> usize {
        self.when.len()
    }

    /// The place in the record of a row.
    #[must_use]
    pub fn at(&self, row: usize) -> Option<usize> {
        self.shown.get(row).copied()
    }

    /// The row of this place in the record, or the one it would stand before.
    #[must_use]
    pub fn row(&self, at: usize) -> usize {
        let Some(key) = self.when.get(at) else {
            return self.shown.len();
        };
        let order = |one: &usize| (self.when[*one], *one);
        self.shown.partition_point(|one| order(one) < (*key, at))
    }

    /// The place in the record of an event.
    #[must_use]
    pub fn place(&self, event: &EventId) -> Option<usize> {
        self.places.get(event).copied()
    }

    /// Where an artifact came into the record.
    #[must_use]
    pub fn artifact(&self, digest: &Digest) -> Option<usize> {
        self.artifacts.get(digest).copied()
    }

    /// How far it is, in percent; `None` when it is through.
    #[must_use]
    pub fn progress(&self) -> Option<usize> {
        let total = self.when.len();
        (self.seen < total).then(|| self.seen * 100 / total)
    }

    /// What was said of entries, as far as whoever looks may know it.
    #[must_use]
    pub fn said(&self) -> &Said {
        self.lens.as_ref().map_or(&self.said, |lens| &lens.said)
    }

    /// What is so of an entry now, whoever looks.
    #[must_use]
    pub fn standing(&self, event: &Event) -> Standing {
        self.said.standing(event)
    }

    /// Everything that was said of entries, whoever looks.
    #[must_use]
    pub fn all_said(&self) -> &Said {
        &self.said
    }

    /// Whose eyes are on, and how many entries of which class they do not see.
    #[must_use]
    pub fn left_out(&self) -> Option<(&crate::timeline::Audience, &BTreeMap<Class, usize>)> {
        let lens = self.lens.as_ref()?;
        Some((lens.sight.reader(), &lens.left_out))
    }
}

/// Who may see what of an incident.
#[must_use]
pub fn audiences(open: &Open) -> Audiences {
    let rules = open.state.incident.as_deref();
    Audiences::of(rules.map_or(&[], |incident| incident.policy.audiences.as_slice()))
}

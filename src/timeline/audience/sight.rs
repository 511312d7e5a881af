//! Whether an audience may see an event, asked of one after the other: by its class and marking, by whom it is for, and
//! by what else it speaks of. Makes no rows, so that a long record can be looked through in pieces.

use std::collections::HashSet;

use super::{Audience, Audiences, unmarked};
use crate::engine::details::Details;
use crate::engine::fact::Fact;
use crate::engine::{Event, EventId, sentence};
use crate::timeline::{about, shown};

/// What one audience may see of a record.
#[derive(Debug, Clone)]
pub struct Sight {
    audiences: Audiences,
    reader: Audience,
    seen: HashSet<EventId>,
}

impl Sight {
    /// Nothing has been looked at yet.
    #[must_use]
    pub fn new(audiences: Audiences, reader: Audience) -> Self {
        Self {
            audiences,
            reader,
            seen: HashSet::new(),
        }
    }

    /// Who looks.
    #[must_use]
    pub fn reader(&self) -> &Audience {
        &self.reader
    }

    /// Looks at the next event in the order of the record; an event that speaks of another one comes after it. `later` is
    /// everything that was said of it later, whoever may see that.
    pub fn look(&mut self, event: &Event, later: Option<&Details>) -> bool {
        let sees = self.reader.all
            || (self.may(event, later)
                && spoken_of(&event.fact)
                    .iter()
                    .flatten()
                    .all(|entry| self.seen.contains(entry)));
        if sees {
            self.seen.insert(event.id);
        }
        sees
    }

    /// Whether it was looked at and may be seen.
    #[must_use]
    pub fn sees(&self, event: &EventId) -> bool {
        self.seen.contains(event)
    }

    fn may(&self, event: &Event, later: Option<&Details>) -> bool {
        let own = about::own(&event.fact);
        let said = |details: Option<&Details>| details.and_then(|details| details.tlp);
        let marked = said(later).or(said(own));
        let class = later
            .and_then(|later| later.class)
            .unwrap_or_else(|| sentence::class(event));
        let audiences = |details: Option<&Details>| {
            let names = details?.audiences.as_ref()?;
            Some(names.iter().map(|name| shown(name)).collect())
        };
        let audiences: Vec<String> = audiences(later)
            .or_else(|| audiences(own))
            .unwrap_or_default();
        let Fact::UpdateRecorded(update) = &event.fact else {
            let tlp = marked.unwrap_or_else(|| unmarked(event.fact.kind()));
            return self.reader.sees(class, tlp, &audiences);
        };
        let tlp = marked.unwrap_or_else(|| self.audiences.marking(&update.audience));
        self.reader.sees(class, tlp, &audiences)
            && self.audiences.overhears(&self.reader, &update.audience)
    }
}

/// Entries whose content an event repeats or changes.
fn spoken_of(fact: &Fact) -> [Option<EventId>; 2] {
    match fact {
        Fact::EntryCorrected(fact) => [Some(fact.corrects), None],
        Fact::EntryDescribed(fact) => [Some(fact.entry), None],
        Fact::EntryLinked(fact) => [Some(fact.entry), Some(fact.other)],
        Fact::FollowupChanged(fact) => [Some(fact.followup), None],
        Fact::UpdateDelivered(fact) => [Some(fact.update), None],
        Fact::UpdateUndelivered(fact) => [Some(fact.update), None],
        _ => [None, None],
    }
}

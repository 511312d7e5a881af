//! What people say of an entry beside its text, all together: class, audience, evidence, links to other entries. Said
//! later stands; the events that said it stay rows of their own.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::shown;
use crate::engine::details::{Confidence, Details, Relation, Tlp};
use crate::engine::fact::{EntryLinked, Fact};
use crate::engine::{Event, EventId};
use crate::evidence::Digest;

/// What is so of an entry after everything that was said of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct About {
    pub tlp: Option<Tlp>,
    /// Empty: whoever its class and TLP let see it.
    pub audiences: Vec<String>,
    pub pinned: bool,
    pub confidence: Option<Confidence>,
    pub source: Option<String>,
    pub on_behalf_of: Option<String>,
    pub tactic: Option<String>,
    pub technique: Option<String>,
    pub tags: Vec<String>,
    pub assets: Vec<String>,
    pub indicators: Vec<String>,
}

/// An [`About`] that lies apart, and takes no room where nothing is said: most rows of a long timeline say nothing.
#[derive(Debug, Clone, Default)]
pub struct Apart(Option<Box<About>>);

static NOTHING: About = About {
    tlp: None,
    audiences: Vec::new(),
    pinned: false,
    confidence: None,
    source: None,
    on_behalf_of: None,
    tactic: None,
    technique: None,
    tags: Vec::new(),
    assets: Vec::new(),
    indicators: Vec::new(),
};

impl Apart {
    /// What is said.
    #[must_use]
    pub fn into_inner(self) -> About {
        self.0.map_or_else(About::default, |about| *about)
    }
}

impl Deref for Apart {
    type Target = About;

    fn deref(&self) -> &About {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Apart {
    fn deref_mut(&mut self) -> &mut About {
        self.0.get_or_insert_default()
    }
}

impl From<About> for Apart {
    fn from(about: About) -> Self {
        Self((about != NOTHING).then(|| Box::new(about)))
    }
}

impl PartialEq for Apart {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Serialize for Apart {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(writer)
    }
}

impl<'de> Deserialize<'de> for Apart {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        About::deserialize(reader).map(Self::from)
    }
}

/// Another entry it belongs with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Link {
    pub other: EventId,
    pub relation: Relation,
    /// Whether this entry is the first of the two: the cause, the one to read.
    pub first: bool,
}

/// Where an entry was brought in from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Origin {
    pub file: String,
    pub sha256: Digest,
    pub position: u64,
    pub person: Option<String>,
    pub id: Option<String>,
}

impl About {
    /// What an entry says of itself.
    #[must_use]
    pub fn of(details: Option<&Details>) -> Self {
        details.map_or_else(Self::default, |details| Self::default().then(details))
    }

    /// With what is said later.
    #[must_use]
    pub fn then(mut self, later: &Details) -> Self {
        fn put<T: Copy>(here: &mut Option<T>, there: Option<T>) {
            *here = there.or(*here);
        }
        fn text(here: &mut Option<String>, there: Option<&String>) {
            if let Some(there) = there {
                *here = Some(shown(there));
            }
        }
        put(&mut self.tlp, later.tlp);
        put(&mut self.confidence, later.confidence);
        text(&mut self.source, later.source.as_ref());
        text(&mut self.on_behalf_of, later.on_behalf_of.as_ref());
        text(&mut self.tactic, later.tactic.as_ref());
        text(&mut self.technique, later.technique.as_ref());
        self.pinned = later.pinned.unwrap_or(self.pinned);
        if let Some(audiences) = &later.audiences {
            self.audiences = audiences.iter().map(|one| shown(one)).collect();
        }
        for (list, edit) in [
            (&mut self.tags, &later.tags),
            (&mut self.assets, &later.assets),
            (&mut self.indicators, &later.indicators),
        ] {
            let remove: Vec<_> = edit.remove.iter().map(|one| shown(one)).collect();
            list.retain(|one| !remove.contains(one));
            for one in edit.add.iter().map(|one| shown(one)) {
                if !list.contains(&one) {
                    list.push(one);
                }
            }
        }
        self
    }
}

/// What an entry says of itself.
#[must_use]
pub fn own(fact: &Fact) -> Option<&Details> {
    match fact {
        Fact::NoteAdded(fact) => fact.details.as_deref(),
        Fact::EntryImported(fact) => Some(&fact.details),
        _ => None,
    }
}

/// Where an entry was brought in from, if it was.
#[must_use]
pub fn origin(fact: &Fact) -> Option<Origin> {
    let Fact::EntryImported(fact) = fact else {
        return None;
    };
    let origin = &fact.origin;
    Some(Origin {
        file: shown(&origin.file),
        sha256: origin.sha256,
        position: origin.position,
        person: origin.person.as_deref().map(shown),
        id: origin.id.as_deref().map(shown),
    })
}

/// All that was said later of each entry, in the order of the record.
pub(super) fn said(events: &[Arc<Event>]) -> BTreeMap<EventId, Details> {
    let mut all: BTreeMap<EventId, Details> = BTreeMap::new();
    for event in events {
        if let Fact::EntryDescribed(fact) = &event.fact {
            let before = all.remove(&fact.entry).unwrap_or_default();
            all.insert(fact.entry, before.then(&fact.details));
        }
    }
    all
}

/// The two ends of a link, each with the entry it is shown at.
#[must_use]
pub fn ends(fact: &EntryLinked) -> [(EventId, Link); 2] {
    let end = |other, first| Link {
        other,
        relation: fact.relation,
        first,
    };
    [
        (fact.entry, end(fact.other, true)),
        (fact.other, end(fact.entry, false)),
    ]
}

/// The links of each entry, in the order they were made.
pub(super) fn links(events: &[Arc<Event>]) -> BTreeMap<EventId, Vec<Link>> {
    let mut all: BTreeMap<EventId, Vec<Link>> = BTreeMap::new();
    for event in events {
        let Fact::EntryLinked(fact) = &event.fact else {
            continue;
        };
        for (entry, link) in ends(fact) {
            let list = all.entry(entry).or_default();
            list.retain(|one| *one != link);
            if !fact.removed {
                list.push(link);
            }
        }
    }
    all
}

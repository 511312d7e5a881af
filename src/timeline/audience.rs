//! One record, read by many: which entries an audience may see, by class, by TLP and by whom an entry is for. Knows who
//! reads what; what is left of a timeline then is [`project`]'s.

mod sight;
mod view;

use serde::Serialize;

use super::rows::Row;
use crate::engine::details::Tlp;
use crate::engine::sentence::Class;
use crate::runbook::policy::{self, READERS};

pub use sight::Sight;
pub use view::{Projection, Withheld, project};

/// Who reads, and how much of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Audience {
    pub name: String,
    /// The narrowest marking that still reaches them.
    pub tlp: Tlp,
    pub classes: Vec<Class>,
    /// Whether they see everything, whomever an entry is for.
    pub all: bool,
}

/// Every audience of an incident: runsheet's own, as the policy bounds them, and the policy's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audiences(Vec<Audience>);

/// What everybody outside is told.
const OUTSIDE: [Class; 4] = [
    Class::Milestone,
    Class::Impact,
    Class::Comms,
    Class::Correction,
];
/// What those inside follow who do not respond.
const INSIDE: [Class; 6] = [
    Class::Milestone,
    Class::Impact,
    Class::Comms,
    Class::Correction,
    Class::Decision,
    Class::Checkpoint,
];
/// What an authority asks for: what happened, what was done about it, how that is known.
const AUTHORITY: [Class; 8] = [
    Class::Milestone,
    Class::Impact,
    Class::Comms,
    Class::Correction,
    Class::Decision,
    Class::Response,
    Class::Adversary,
    Class::Evidence,
];

impl Audience {
    fn own(name: &str) -> Self {
        let (tlp, classes): (_, &[Class]) = match name {
            "responders" | "auditor" => (Tlp::Red, &Class::ALL),
            "stakeholders" => (Tlp::Amber, &INSIDE),
            "regulator" => (Tlp::Amber, &AUTHORITY),
            _ => (Tlp::Clear, &OUTSIDE),
        };
        Self {
            name: name.to_owned(),
            tlp,
            classes: classes.to_vec(),
            all: classes.len() == Class::ALL.len(),
        }
    }

    fn of(rule: &policy::Audience) -> Self {
        let own = Self::own(&rule.name);
        let Some(tlp) = rule.tlp.as_deref().and_then(Tlp::named) else {
            return own;
        };
        let named = READERS.contains(&own.name.as_str());
        let classes = match tlp {
            _ if named => own.classes,
            Tlp::Clear | Tlp::Green => OUTSIDE.to_vec(),
            _ => INSIDE.to_vec(),
        };
        Self {
            all: own.all && tlp == Tlp::Red,
            tlp,
            classes,
            name: own.name,
        }
    }

    /// Whether an entry of this class and marking, for these people, is for them.
    #[must_use]
    pub fn sees(&self, class: Class, tlp: Tlp, audiences: &[String]) -> bool {
        self.all
            || (self.classes.contains(&class)
                && tlp <= self.tlp
                && (audiences.is_empty() || audiences.contains(&self.name)))
    }
}

impl Audiences {
    /// Those of a policy, and runsheet's own.
    #[must_use]
    pub fn of(rules: &[policy::Audience]) -> Self {
        let own = READERS
            .iter()
            .filter(|name| rules.iter().all(|rule| rule.name != **name))
            .map(|name| Audience::own(name));
        Self(own.chain(rules.iter().map(Audience::of)).collect())
    }

    /// The one of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Audience> {
        self.0.iter().find(|audience| audience.name == name)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|audience| audience.name.as_str())
    }

    /// Whether an update that was worded for one audience is for another one: what may see strictly more.
    fn overhears(&self, reader: &Audience, addressed: &str) -> bool {
        reader.name == addressed
            || self
                .named(addressed)
                .is_some_and(|audience| audience.tlp < reader.tlp)
    }

    /// How far an update travels: as far as what its audience gets.
    fn marking(&self, addressed: &str) -> Tlp {
        self.named(addressed)
            .map_or(Tlp::Amber, |audience| audience.tlp)
    }
}

/// How far an entry travels that nobody marked. Words of our own are open, free text stays inside.
#[must_use]
pub fn unmarked(kind: &str) -> Tlp {
    match kind {
        "milestone.reached" | "incident.closed" => Tlp::Clear,
        "incident.started" | "severity.changed" => Tlp::Green,
        _ => Tlp::Amber,
    }
}

/// How far an entry of a timeline travels: as it is marked, else as its kind does, and no narrower than what its readers
/// get.
#[must_use]
pub fn marking(row: &Row, readers: Option<&Projection>) -> Tlp {
    row.about.tlp.unwrap_or_else(|| {
        let most = readers.map_or(Tlp::Red, |readers| readers.tlp);
        unmarked(row.kind).min(most)
    })
}

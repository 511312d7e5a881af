//! What an audience sees of a record. The timeline is made anew from the events they may see, so that nothing of another
//! one is in it; what is made of several events at once stands only where they may see all of those.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Audience, Audiences, Sight};
use crate::engine::details::{Details, Tlp};
use crate::engine::fact::{EntryDescribed, Fact};
use crate::engine::sentence::Class;
use crate::engine::{Event, EventId, State};
use crate::evidence::{Digest, canonical};
use crate::timeline::checkpoints::{Checkpoint, Override};
use crate::timeline::clocks::Countdown;
use crate::timeline::followups::{Followup, followups};
use crate::timeline::{Header, Options, Timeline, about, checkpoints, metrics, rows};

/// Stands where something was that is not for them.
const WITHHELD: &str = "(withheld)";

/// For whom a timeline was made, and what is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Projection {
    pub name: String,
    /// The narrowest marking in it.
    pub tlp: Tlp,
    pub withheld: Withheld,
}

/// What is left out of a record, as far as that is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Withheld {
    pub entries: usize,
    pub by_class: BTreeMap<Class, usize>,
    /// How many of them do not fit in the record.
    pub violations: usize,
    /// SHA-256 of the canonical JSON `{"withheld":[…]}` of their events, sorted: who has the whole record can make it
    /// again.
    pub sha256: Digest,
}

impl Projection {
    /// For whom it is and what is left out, in a sentence for formats that have no place of their own for it.
    #[must_use]
    pub fn sentence(&self) -> String {
        let marking = self.tlp.word().to_uppercase();
        let left_out = &self.withheld;
        if left_out.entries == 0 {
            return format!("For {}, TLP:{marking}. Nothing is left out.", self.name);
        }
        let classes: Vec<_> = left_out
            .by_class
            .iter()
            .map(|(class, count)| format!("{count} {}", class.word()))
            .collect();
        format!(
            "For {}, TLP:{marking}. Left out: {} ({}), {} of them not fitting in the record. Their digest: {}.",
            self.name,
            left_out.entries,
            classes.join(", "),
            left_out.violations,
            left_out.sha256
        )
    }
}

/// The timeline of these events as this audience may see it.
#[must_use]
pub fn project(
    state: &State,
    events: &[Arc<Event>],
    options: Options,
    audiences: &Audiences,
    reader: &Audience,
) -> Timeline {
    let classes = rows::classes(events);
    let seen = seen(events, audiences, reader);
    let projection = Projection {
        name: reader.name.clone(),
        tlp: reader.tlp,
        withheld: withheld(state, &classes, events, &seen),
    };
    let kept: Vec<_> = events
        .iter()
        .filter(|event| seen.sees(&event.id))
        .map(Arc::clone)
        .collect();
    let mut timeline = crate::timeline::project(state, &kept, options);
    if projection.withheld.entries > 0 {
        let view = View {
            state,
            events,
            seen: &seen,
            reader,
        };
        view.rows(&mut timeline, options);
        view.lists(&mut timeline);
        view.header(&mut timeline.header);
        view.metrics(&mut timeline);
    }
    timeline.audience = Some(projection);
    timeline
}

impl Timeline {
    /// Of these clocks keeps, for an audience, those that run from entries it may see.
    pub fn keep_seen(&self, countdowns: &mut Vec<Countdown>) {
        if self.audience.is_none() {
            return;
        }
        let rows = self.rows.iter().map(|row| row.event.to_string());
        let seen: BTreeSet<String> = rows.collect();
        let rests = |countdown: &Countdown| {
            let mut anchors = countdown.rests_on();
            countdown.from.is_some() && anchors.all(|anchor| seen.contains(&anchor.event))
        };
        countdowns.retain(rests);
    }
}

/// The events they may see.
fn seen(events: &[Arc<Event>], audiences: &Audiences, reader: &Audience) -> Sight {
    let said = about::said(events);
    let mut sight = Sight::new(audiences.clone(), reader.clone());
    for event in events {
        sight.look(event, said.get(&event.id));
    }
    sight
}

fn withheld(state: &State, classes: &[Class], events: &[Arc<Event>], seen: &Sight) -> Withheld {
    let mut by_class = BTreeMap::new();
    let mut left_out = BTreeSet::new();
    for (event, class) in events.iter().zip(classes) {
        if !seen.sees(&event.id) {
            left_out.insert(event.id);
            *by_class.entry(*class).or_default() += 1;
        }
    }
    let violations: BTreeSet<_> = state
        .flags
        .iter()
        .filter(|flag| flag.violation && left_out.contains(&flag.event))
        .map(|flag| flag.event)
        .collect();
    Withheld {
        entries: left_out.len(),
        by_class,
        violations: violations.len(),
        // Digests are text, which always has a canonical form.
        sha256: canonical::digest(&BTreeMap::from([("withheld", left_out)]))
            .unwrap_or(Digest([0; 32])),
    }
}

/// A timeline being made narrower.
struct View<'a> {
    state: &'a State,
    events: &'a [Arc<Event>],
    seen: &'a Sight,
    reader: &'a Audience,
}

impl View<'_> {
    fn sees(&self, event: EventId) -> bool {
        self.seen.sees(&event)
    }

    /// The rows, with the class and marking that let them be seen, whoever said so.
    fn rows(&self, timeline: &mut Timeline, options: Options) {
        let told: Vec<_> = self
            .events
            .iter()
            .filter_map(|event| {
                if self.sees(event.id) {
                    return Some(Arc::clone(event));
                }
                let Fact::EntryDescribed(fact) = &event.fact else {
                    return None;
                };
                self.sees(fact.entry).then(|| {
                    let marking = Details {
                        class: fact.details.class,
                        tlp: fact.details.tlp,
                        ..Details::default()
                    };
                    let entry = fact.entry;
                    Arc::new(Event {
                        fact: EntryDescribed {
                            entry,
                            details: marking,
                        }
                        .into(),
                        ..Event::clone(event)
                    })
                })
            })
            .collect();
        let corrected = self.corrected();
        let artifacts: BTreeSet<_> = timeline.evidence.iter().map(|one| one.sha256).collect();
        timeline.rows = Vec::new();
        timeline.rows = rows::rows(self.state, &told, options);
        timeline.rows.retain(|row| self.sees(row.event));
        for row in &mut timeline.rows {
            row.evidence.retain(|digest| artifacts.contains(digest));
            if corrected.contains(&row.event) {
                row.flags
                    .push("it was corrected; the correction is not for this audience".to_owned());
            }
        }
        // A silence among what is shown is none of the record.
        timeline.gaps.clear();
    }

    /// Entries whose correction they may not see.
    fn corrected(&self) -> BTreeSet<EventId> {
        self.events
            .iter()
            .filter(|event| !self.sees(event.id))
            .filter_map(|event| match &event.fact {
                Fact::EntryCorrected(fact) => Some(fact.corrects),
                _ => None,
            })
            .collect()
    }

    fn lists(&self, timeline: &mut Timeline) {
        timeline.checkpoints = checkpoints::checkpoints(self.state, self.events);
        timeline.checkpoints.retain(|gate| self.sees_gate(gate));
        timeline.overrides = checkpoints::overrides(self.state, self.events);
        timeline.overrides.retain(|over| self.sees_override(over));
        if !self.reader.classes.contains(&Class::Response) {
            let gates = timeline.checkpoints.iter_mut();
            let overrides = timeline.overrides.iter_mut();
            let hidden = gates
                .flat_map(|gate| [&mut gate.script, &mut gate.host])
                .chain(overrides.flat_map(|over| [&mut over.script, &mut over.host]));
            hidden.for_each(|text| WITHHELD.clone_into(text));
        }
        timeline.followups = self.followups();
        timeline.flags.retain(|flag| self.sees(flag.event));
    }

    fn sees_gate(&self, gate: &Checkpoint) -> bool {
        let said = std::iter::once(&gate.request)
            .chain(&gate.answers)
            .chain(&gate.passed);
        said.map(|said| said.event)
            .chain(gate.used.iter().copied())
            .chain(gate.overridden)
            .all(|event| self.sees(event))
    }

    fn sees_override(&self, over: &Override) -> bool {
        let review = over
            .review
            .iter()
            .flat_map(|review| review.events.iter().copied().chain([review.said.event]));
        self.sees(over.said.event) && review.into_iter().all(|event| self.sees(event))
    }

    fn followups(&self) -> Vec<Followup> {
        let changed: BTreeSet<_> = self
            .events
            .iter()
            .filter(|event| !self.sees(event.id))
            .filter_map(|event| match &event.fact {
                Fact::FollowupChanged(fact) => Some(fact.followup),
                _ => None,
            })
            .collect();
        let mut all = followups(self.events);
        all.retain(|one| self.sees(one.event) && !changed.contains(&one.event));
        for one in &mut all {
            one.about = one.about.filter(|entry| self.sees(*entry));
        }
        all
    }

    fn header(&self, head: &mut Header) {
        let genesis = self
            .events
            .iter()
            .find(|event| matches!(event.fact, Fact::IncidentStarted(_)));
        if let (None, Some(genesis)) = (head.genesis, genesis) {
            head.mode = genesis.mode;
            head.title = format!("Incident {}", genesis.incident.short(4));
            head.incident = Some(genesis.incident.clone());
        }
        if !self.reader.classes.contains(&Class::Response) {
            (head.alert, head.library, head.policy) = (None, None, None);
        }
        if !self
            .all_seen(|fact| matches!(fact, Fact::IncidentStarted(_) | Fact::SeverityChanged(_)))
        {
            head.severity = head.severities.last().map(|change| change.severity);
        }
        if !self.all_seen(|fact| matches!(fact, Fact::RoleAssigned(_))) {
            self.roles(head);
        }
        let shown: BTreeSet<_> = self.shown().map(|event| &event.person).collect();
        head.people
            .retain(|person| shown.contains(&person.principal));
        head.milestones.retain(|one| self.sees(one.event));
        head.heads.retain(|event| self.sees(*event));
        head.closed = head.closed.take().filter(|closed| self.sees(closed.event));
    }

    fn shown(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.events.iter().filter(|event| self.sees(event.id))
    }

    fn all_seen(&self, of: impl Fn(&Fact) -> bool) -> bool {
        self.events
            .iter()
            .all(|event| !of(&event.fact) || self.sees(event.id))
    }

    /// Of everybody's roles only those that stand at an entry of theirs.
    fn roles(&self, head: &mut Header) {
        for person in &mut head.people {
            let roles: BTreeSet<_> = self
                .shown()
                .filter(|event| event.person == person.principal)
                .filter_map(|event| event.role.as_ref())
                .map(|role| crate::timeline::shown(role.as_str()))
                .collect();
            person.roles = roles.into_iter().collect();
        }
    }

    fn metrics(&self, timeline: &mut Timeline) {
        let figures = &mut timeline.metrics;
        // As the rows are to be read, and until no milestone that is not for them.
        let mut known = self.state.clone();
        known
            .milestones
            .retain(|_, reached| self.sees(reached.event));
        figures.impact = metrics::impact(&known, &timeline.rows);
        if !self.all_seen(|fact| fact.kind().starts_with("step.")) {
            figures.walk = metrics::Walk::default();
        }
        let hidden: Vec<_> = self
            .state
            .milestones
            .iter()
            .filter(|(_, reached)| !self.sees(reached.event))
            .map(|(milestone, _)| *milestone)
            .collect();
        if !hidden.is_empty() {
            figures.warnings.clear();
        }
        for span in &mut figures.spans {
            for anchor in [&mut span.to, &mut span.from] {
                if hidden.contains(&anchor.milestone) {
                    (anchor.at, anchor.event) = (None, None);
                    span.missing.push(anchor.milestone);
                    (span.millis, span.estimated) = (None, false);
                }
            }
        }
        let gates: BTreeSet<_> = timeline
            .checkpoints
            .iter()
            .map(|gate| gate.request.event)
            .collect();
        figures.approvals = metrics::approvals(self.state, self.events);
        figures.approvals.keep(|one| gates.contains(&one.request));
    }
}

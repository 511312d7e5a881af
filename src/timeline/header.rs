//! What stands above a timeline: which incident, from which library, who took part, which milestones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};

use super::shown;
use crate::engine::event::Fidelity;
use crate::engine::exec::PinnedPolicy;
use crate::engine::fact::{Fact, Milestone};
use crate::engine::{Event, EventId, IncidentId, RunId, State};
use crate::evidence::{Digest, canonical};
use crate::runbook::model::Severity;
use crate::trust::{Mode, Principal};

/// The head of a timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Header {
    /// `None` when the genesis is missing.
    pub incident: Option<IncidentId>,
    pub genesis: Option<EventId>,
    pub mode: Mode,
    pub title: String,
    /// As it stands; `severities` has every change.
    pub severity: Option<Severity>,
    pub severities: Vec<SeverityChange>,
    pub reference: Option<String>,
    pub alert: Option<String>,
    pub started: Option<DateTime<FixedOffset>>,
    pub closed: Option<Closing>,
    pub library: Option<Library>,
    pub policy: Option<PinnedPolicy>,
    pub runs: Vec<RunHead>,
    pub people: Vec<PersonHead>,
    pub milestones: Vec<MilestoneHead>,
    pub events: u64,
    /// The last events of all writers, sorted.
    pub heads: Vec<EventId>,
    /// SHA-256 of the canonical JSON `{"heads":[…]}`: one value that stands for the whole record.
    pub heads_sha256: Digest,
}

/// The severity from some moment on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SeverityChange {
    pub at: DateTime<FixedOffset>,
    pub by: Principal,
    pub severity: Severity,
    pub event: EventId,
}

/// Who closed it, when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Closing {
    pub at: DateTime<FixedOffset>,
    pub by: Principal,
    pub event: EventId,
}

/// The library's commit that everything was read at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Library {
    pub source: String,
    pub commit: String,
    pub branch: Option<String>,
    pub author: String,
    pub date: DateTime<FixedOffset>,
    pub subject: String,
}

/// One walk through one runbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RunHead {
    pub run: RunId,
    pub runbook: String,
    pub title: Option<String>,
    pub commit: String,
    pub path: String,
    pub sha256: Digest,
    pub by: Principal,
    pub started: DateTime<FixedOffset>,
    pub ended: Option<DateTime<FixedOffset>>,
    /// Steps done or skipped, and all; where the runbook could be read.
    pub progress: Option<(usize, usize)>,
}

/// Somebody who took part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PersonHead {
    pub principal: Principal,
    /// As the policy has it.
    pub name: Option<String>,
    pub roles: Vec<String>,
    /// Entries recorded, and of those the ones without a key at hand.
    pub entries: u64,
    pub unsigned: u64,
}

/// A milestone, both its times and whose word it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct MilestoneHead {
    pub milestone: Milestone,
    pub at: DateTime<FixedOffset>,
    pub recorded_at: DateTime<Utc>,
    pub fidelity: Fidelity,
    pub by: Principal,
    pub event: EventId,
}

pub(super) fn header(state: &State, events: &[Arc<Event>]) -> Header {
    let mut head = empty(state);
    for event in events {
        match &event.fact {
            Fact::IncidentStarted(fact) if head.genesis.is_none() => {
                head.incident = Some(event.incident.clone());
                head.genesis = Some(event.id);
                head.mode = event.mode;
                head.title = shown(&fact.title);
                head.reference = fact.reference.as_deref().map(shown);
                head.alert = fact.alert.as_deref().map(shown);
                head.started = Some(event.occurred_at);
                // What holds now, where another one was adopted since.
                let holds = state.incident.as_deref();
                head.policy =
                    Some(holds.map_or_else(|| fact.policy.clone(), |now| now.policy_pin.clone()));
                head.library = Some(Library {
                    source: shown(&fact.library.source),
                    commit: shown(&fact.library.commit),
                    branch: fact.library.branch.as_deref().map(shown),
                    author: shown(&fact.library.author),
                    date: fact.library.date,
                    subject: shown(&fact.library.subject),
                });
                head.severities.push(change(event, fact.severity));
            }
            Fact::SeverityChanged(fact) => head.severities.push(change(event, fact.severity)),
            Fact::RunStarted(fact) => head.runs.push(RunHead {
                run: fact.run.clone(),
                runbook: shown(fact.runbook.id.as_str()),
                title: state.run(&fact.run).map(|run| shown(&run.book.title)),
                commit: shown(&fact.runbook.commit),
                path: shown(&fact.runbook.path),
                sha256: fact.runbook.sha256,
                by: event.person.clone(),
                started: event.occurred_at,
                ended: state.run(&fact.run).and_then(|run| run.ended),
                progress: state.run(&fact.run).map(|run| run.progress()),
            }),
            _ => {}
        }
    }
    head.severity = state
        .severity
        .or(head.severities.last().map(|change| change.severity));
    head.people = people(state, events);
    head
}

fn empty(state: &State) -> Header {
    let heads = state.heads();
    Header {
        incident: None,
        genesis: None,
        mode: Mode::Live,
        title: String::new(),
        severity: None,
        severities: Vec::new(),
        reference: None,
        alert: None,
        started: None,
        closed: state.closed.as_ref().map(|closed| Closing {
            at: closed.at,
            by: closed.by.clone(),
            event: closed.event,
        }),
        library: None,
        policy: None,
        runs: Vec::new(),
        people: Vec::new(),
        milestones: state
            .milestones
            .iter()
            .map(|(milestone, reached)| MilestoneHead {
                milestone: *milestone,
                at: reached.at,
                recorded_at: reached.recorded_at,
                fidelity: reached.fidelity,
                by: reached.by.clone(),
                event: reached.event,
            })
            .collect(),
        events: state.count,
        heads_sha256: heads_digest(&heads),
        heads,
    }
}

fn change(event: &Event, severity: Severity) -> SeverityChange {
    SeverityChange {
        at: event.occurred_at,
        by: event.person.clone(),
        severity,
        event: event.id,
    }
}

/// The one value that stands for a set of heads: the SHA-256 of the canonical JSON `{"heads":[…]}`, sorted.
#[must_use]
pub fn heads_digest(heads: &[EventId]) -> Digest {
    let mut heads = heads.to_vec();
    heads.sort_unstable();
    // Digests are text, which always has a canonical form.
    canonical::digest(&BTreeMap::from([("heads", heads)])).unwrap_or(Digest([0; 32]))
}

fn people(state: &State, events: &[Arc<Event>]) -> Vec<PersonHead> {
    let mut entries: BTreeMap<&Principal, (u64, u64)> = BTreeMap::new();
    for event in events {
        let count = entries.entry(&event.person).or_default();
        count.0 += 1;
        count.1 += u64::from(!event.signed);
    }
    let all: BTreeSet<&Principal> = entries.keys().copied().chain(state.roles.keys()).collect();
    all.into_iter()
        .map(|principal| {
            let (all, unsigned) = entries.get(principal).copied().unwrap_or_default();
            PersonHead {
                principal: principal.clone(),
                name: name(state, principal),
                roles: state
                    .roles
                    .get(principal)
                    .into_iter()
                    .flatten()
                    .map(|role| shown(role.as_str()))
                    .collect(),
                entries: all,
                unsigned,
            }
        })
        .collect()
}

fn name(state: &State, principal: &Principal) -> Option<String> {
    let people = &state.incident.as_ref()?.policy.people;
    people
        .values()
        .find(|person| {
            person
                .principals
                .iter()
                .any(|own| own == principal.as_str())
        })
        .map(|person| shown(&person.name))
        .filter(|name| !name.is_empty())
}

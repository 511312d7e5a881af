//! Publishing the record and meeting the hub, with the user's own git as the carrier.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset};

use crate::engine::{Event, IncidentId};
use crate::host::git::{Git, PushOutcome, Remote};
use crate::journal::sync::Pushed;
use crate::journal::{
    self, Journal, Publisher, Stamp, Store, SyncError, Transport, TransportError,
};

use super::{Desk, DriverError, Session, Settings};

/// So much of what is no record of ours is told one by one.
const MOST_JUNK: usize = 16;

/// What a meeting brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Exchange {
    /// Own writers whose references moved at the hub.
    pub sent: usize,
    /// Events that were new here.
    pub received: usize,
    /// What the hub has that cannot be right, in words.
    pub problems: Vec<String>,
}

/// The hub, reached with the user's git.
struct Hub {
    git: Git,
    remote: Remote,
}

fn failed(error: crate::host::git::GitError) -> TransportError {
    TransportError(error.to_string())
}

impl Transport for Hub {
    fn fetch(&self, git_dir: &Path, _: &str, refspecs: &[String]) -> Result<(), TransportError> {
        self.git
            .fetch(git_dir, &self.remote, refspecs, false)
            .map_err(failed)
    }

    fn push(
        &self,
        git_dir: &Path,
        _: &str,
        refspecs: &[String],
    ) -> Result<Vec<Pushed>, TransportError> {
        let pushed = self
            .git
            .push(git_dir, &self.remote, refspecs)
            .map_err(failed)?;
        Ok(pushed
            .into_iter()
            .map(|pushed| Pushed {
                reference: pushed.to,
                result: match pushed.outcome {
                    PushOutcome::Rejected(why) => Err(why),
                    _ => Ok(()),
                },
            })
            .collect())
    }

    fn ls_remote(
        &self,
        _: &str,
        patterns: &[String],
    ) -> Result<Vec<(String, String)>, TransportError> {
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let refs = self
            .git
            .ls_remote(&self.remote, &patterns)
            .map_err(failed)?;
        Ok(refs
            .into_iter()
            .map(|reference| (reference.id, reference.name))
            .collect())
    }
}

fn hub(settings: &Settings, git: &Git) -> Option<Hub> {
    Some(Hub {
        git: git.clone(),
        remote: settings.hub.clone()?,
    })
}

fn trouble(error: SyncError) -> DriverError {
    match error {
        SyncError::Hub(error) => DriverError::Hub(error.to_string()),
        SyncError::Journal(error) => DriverError::Journal(error),
        SyncError::Publish(error) => DriverError::Publish(error),
    }
}

/// What the meeting brought, and the events that were new here.
fn exchange(
    journal: &mut Journal,
    store: &Store,
    hub: &Hub,
) -> Result<(Exchange, Vec<Arc<Event>>), DriverError> {
    let mut publisher = Publisher::open(store)?;
    let done =
        journal::sync(journal, &mut publisher, hub, &hub.remote.to_string()).map_err(trouble)?;
    let (junk, mut problems): (Vec<_>, Vec<_>) =
        done.problems.iter().partition(|problem| problem.is_junk());
    problems.extend(junk.iter().take(MOST_JUNK));
    let mut problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    if let Some(more @ 1..) = junk.len().checked_sub(MOST_JUNK) {
        problems.push(format!("the hub has {more} more references like these"));
    }
    let told = Exchange {
        sent: done.sent,
        received: done.received.len(),
        problems,
    };
    Ok((told, done.received))
}

impl Session {
    /// Publishes every event to the local references.
    ///
    /// # Errors
    /// When that fails; what was recorded stays recorded.
    pub fn publish(&mut self) -> Result<(), DriverError> {
        let store = Self::store(&self.desk);
        Publisher::open(&store)?.publish(&self.journal)?;
        Ok(())
    }

    /// Meets the hub, if there is one: sends what is new here and takes in what is new there.
    ///
    /// # Errors
    /// When the hub cannot be reached.
    pub fn exchange(&mut self) -> Result<Exchange, DriverError> {
        let store = Self::store(&self.desk);
        let desk = Rc::clone(&self.desk);
        let Some(hub) = hub(&desk.settings, &desk.ports.git) else {
            return Ok(Exchange::default());
        };
        let (done, received) = exchange(&mut self.journal, &store, &hub)?;
        if !received.is_empty() {
            self.see(&received)?;
            self.trust();
            self.withhold()?;
        }
        Ok(done)
    }

    /// Brings in the artifacts that the record cites and that are only at the hub; how many came.
    ///
    /// # Errors
    /// When the hub cannot be reached or they cannot be kept.
    pub fn fetch_evidence(&mut self) -> Result<usize, DriverError> {
        let desk = Rc::clone(&self.desk);
        let Some(hub) = hub(&desk.settings, &desk.ports.git) else {
            return Ok(0);
        };
        let publisher = Publisher::open(&Self::store(&desk))?;
        let url = hub.remote.to_string();
        let mut came = 0;
        for digest in self.journal.evidence_cited().keys() {
            if self.journal.has_evidence_file(digest) {
                continue;
            }
            let place: (&dyn Transport, &str) = (&hub, &url);
            let got = journal::sync::fetch_evidence(&self.journal, &publisher, Some(place), digest)
                .map_err(trouble)?;
            came += usize::from(got.is_some());
        }
        Ok(came)
    }
}

/// Meets the hub with journals of its own: for a thread beside the screen, whose journals follow the files.
///
/// # Errors
/// When the hub cannot be reached.
pub fn meet(
    settings: &Settings,
    inc: Option<&IncidentId>,
    git: &Git,
) -> Result<Exchange, DriverError> {
    let store = Session::store_of(settings);
    let Some(hub) = hub(settings, git) else {
        return Ok(Exchange::default());
    };
    let ids = match inc {
        Some(id) => vec![id.clone()],
        None => store.incidents()?,
    };
    let mut sum = Exchange::default();
    for id in ids {
        let mut journal = Journal::open(&store, &id)?;
        let (done, _) = exchange(&mut journal, &store, &hub)?;
        sum.sent += done.sent;
        sum.received += done.received;
        sum.problems.extend(done.problems);
    }
    Ok(sum)
}

/// An artifact of an incident from wherever it is, kept here afterwards: for a thread beside the screen. `None` where
/// nobody has it.
///
/// # Errors
/// When the hub cannot be reached or it cannot be kept.
pub fn artifact(
    settings: &Settings,
    inc: &IncidentId,
    digest: &crate::evidence::Digest,
    git: &Git,
) -> Result<Option<Vec<u8>>, DriverError> {
    let store = Session::store_of(settings);
    let journal = Journal::open(&store, inc)?;
    let publisher = Publisher::open(&store)?;
    let hub = hub(settings, git);
    let url = hub.as_ref().map(|hub| hub.remote.to_string());
    let place = hub
        .as_ref()
        .zip(url.as_deref())
        .map(|(hub, url)| (hub as &dyn Transport, url));
    journal::sync::fetch_evidence(&journal, &publisher, place, digest).map_err(trouble)
}

/// What the last round saw of hub and journals, so that the next one only meets about what changed.
#[derive(Debug, Default)]
pub struct Round {
    hub: BTreeMap<IncidentId, BTreeSet<(String, String)>>,
    here: BTreeMap<IncidentId, Vec<Stamp>>,
}

/// Incidents that are not here yet are taken from the hub while they are as young as this: what is going on in a team
/// shows up by itself, its archive does not.
const YOUNG: chrono::TimeDelta = chrono::TimeDelta::days(14);
/// The most of them in one round.
const MOST_NEW: usize = 16;

/// Meets the hub about every incident that is here, and about those that began there lately. One look at the hub's
/// references says which of them have anything new.
///
/// # Errors
/// When the hub cannot be reached.
pub fn meet_all(
    settings: &Settings,
    git: &Git,
    round: &mut Round,
    now: DateTime<FixedOffset>,
) -> Result<Exchange, DriverError> {
    let store = Session::store_of(settings);
    let Some(hub) = hub(settings, git) else {
        return Ok(Exchange::default());
    };
    let there = at_hub(&hub)?;
    let known = store.incidents()?;
    let young = (now - YOUNG).timestamp_millis();
    let fresh: Vec<IncidentId> = there
        .keys()
        .filter(|id| !known.contains(id) && id.millis() >= young)
        .rev()
        .take(MOST_NEW)
        .cloned()
        .collect();
    let mut sum = Exchange::default();
    for id in known.iter().chain(&fresh) {
        let (seen, stamp) = (there.get(id), store.stamp(id));
        if round.hub.get(id) == seen && round.here.get(id) == Some(&stamp) {
            continue;
        }
        let mut journal = if fresh.contains(id) {
            Journal::create(&store, id)?
        } else {
            Journal::open(&store, id)?
        };
        let (done, _) = exchange(&mut journal, &store, &hub)?;
        round.here.insert(id.clone(), store.stamp(id));
        match seen {
            Some(seen) => round.hub.insert(id.clone(), seen.clone()),
            None => round.hub.remove(id),
        };
        sum.sent += done.sent;
        sum.received += done.received;
        sum.problems.extend(done.problems);
    }
    Ok(sum)
}

fn at_hub(hub: &Hub) -> Result<BTreeMap<IncidentId, BTreeSet<(String, String)>>, DriverError> {
    let refs = hub
        .ls_remote("", &["refs/incidents/*/w/*".to_owned()])
        .map_err(|error| DriverError::Hub(error.to_string()))?;
    let mut there: BTreeMap<IncidentId, BTreeSet<_>> = BTreeMap::new();
    for (oid, name) in refs {
        if let Some(id) = name
            .split('/')
            .nth(2)
            .and_then(|id| IncidentId::new(id).ok())
        {
            there.entry(id).or_default().insert((oid, name));
        }
    }
    Ok(there)
}

/// The full id of an incident at the hub, by the end of its id.
///
/// # Errors
/// When the hub cannot be reached, or several fit.
pub fn find_at_hub(desk: &Desk, tail: &str) -> Result<Option<IncidentId>, DriverError> {
    let Some(hub) = hub(&desk.settings, &desk.ports.git) else {
        return Ok(None);
    };
    let url = hub.remote.to_string();
    let found = journal::sync::find_at_hub(&hub, &url, tail)
        .map_err(|error| DriverError::Hub(error.to_string()))?;
    match found.as_slice() {
        [] => Ok(None),
        [id] => Ok(Some(id.clone())),
        several => {
            let names: Vec<_> = several.iter().map(|id| id.as_str()).collect();
            Err(DriverError::Input(format!(
                "it could be any of: {}",
                names.join(", ")
            )))
        }
    }
}

/// Opens an incident, from the hub where it is not here yet.
///
/// # Errors
/// When it is at neither.
pub fn open_or_fetch(desk: &Rc<Desk>, id: &IncidentId) -> Result<Session, DriverError> {
    let store = Session::store(desk);
    if !store.incidents()?.contains(id) {
        let Some(hub) = hub(&desk.settings, &desk.ports.git) else {
            return Err(crate::journal::JournalError::NoSuchIncident(id.clone()).into());
        };
        let mut journal = Journal::create(&store, id)?;
        exchange(&mut journal, &store, &hub)?;
    }
    Session::open(Rc::clone(desk), id)
}

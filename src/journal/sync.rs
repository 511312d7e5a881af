//! Sharing a record through a hub, which is any git remote. A writer pushes only its own reference, fast-forward; what
//! others pushed is fetched beside (`refs/hub/…`), proven commit by commit, and only then taken in. What the hub took back
//! or rewrote stays here as it was and is told. The git program is somebody else's business: see [`Transport`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use git2::Oid;

use super::commit;
use super::error::JournalError;
use super::history::History;
use super::incident::Journal;
use super::object::Objects;
use super::publish::{PublishError, Published, Publisher};
use crate::engine::event::Event;
use crate::engine::ids::{IncidentId, WriterId};
use crate::evidence::Digest;

/// So many references are fetched by name; where there are more, all of them are.
const FEW: usize = 64;

/// How references travel.
pub trait Transport {
    /// Fetches into a bare repository. One refused reference must not keep the others from coming.
    ///
    /// # Errors
    /// When any of it did not come.
    fn fetch(&self, git_dir: &Path, url: &str, refspecs: &[String]) -> Result<(), TransportError>;

    /// Pushes, never with force; what became of each reference.
    ///
    /// # Errors
    /// When the hub could not be reached at all.
    fn push(
        &self,
        git_dir: &Path,
        url: &str,
        refspecs: &[String],
    ) -> Result<Vec<Pushed>, TransportError>;

    /// Object id and name of the references that match any of these patterns.
    ///
    /// # Errors
    /// When the hub could not be reached.
    fn ls_remote(
        &self,
        url: &str,
        patterns: &[String],
    ) -> Result<Vec<(String, String)>, TransportError>;
}

/// What became of one pushed reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Its name at the hub.
    pub reference: String,
    /// Or why not.
    pub result: Result<(), String>,
}

/// The hub could not be reached, or would not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TransportError(pub String);

/// Why a sync stopped. Whatever was taken in until then stays.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum SyncError {
    #[error("the hub: {0}")]
    Hub(#[from] TransportError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Something at the hub that is not as it must be. Nothing here was changed because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum HubProblem {
    /// The hub no longer has events it had. An own reference is put right by the push that follows.
    Rewound { writer: WriterId },
    /// The hub no longer has a writer at all.
    Deleted { writer: WriterId },
    /// What the hub has of a writer cannot be proven.
    NotOurs { writer: WriterId, what: String },
    /// Events in the name of an own writer that it never wrote; `taken` where events of others come after them.
    Forged { writer: WriterId, taken: bool },
    /// The hub did not take what was pushed.
    Rejected { reference: String, why: String },
    /// A reference that is none of a record.
    Odd { reference: String },
}

impl HubProblem {
    /// Whether it is only about what anybody may have put there, and not about what is known here.
    #[must_use]
    pub fn is_junk(&self) -> bool {
        matches!(self, Self::NotOurs { .. } | Self::Odd { .. })
    }
}

impl std::fmt::Display for HubProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rewound { writer } => write!(
                f,
                "the hub took back or rewrote events of writer {writer}; refused, they are kept here"
            ),
            Self::Deleted { writer } => write!(
                f,
                "the hub no longer has writer {writer}; its events are kept here"
            ),
            Self::NotOurs { writer, what } => {
                write!(
                    f,
                    "what the hub has of writer {writer} was not taken: {what}"
                )
            }
            Self::Forged { writer, taken } => {
                let done = if *taken {
                    "others wrote after them, so they were taken in to read those"
                } else {
                    "they were not taken"
                };
                write!(
                    f,
                    "the hub has events in the name of writer {writer}, which is yours, that were never written here: \
                     somebody forged them; {done}, and you go on as a new writer"
                )
            }
            Self::Rejected { reference, why } => {
                write!(f, "the hub did not take {reference}: {why}")
            }
            Self::Odd { reference } => write!(
                f,
                "the hub has {}, which belongs to no record; ignored",
                reference.escape_debug()
            ),
        }
    }
}

/// What a sync did.
#[derive(Debug, Default)]
#[allow(missing_docs)]
pub struct Synced {
    /// Events that were new here.
    pub received: Vec<Arc<Event>>,
    /// Own writers whose references moved at the hub.
    pub sent: usize,
    /// Artifacts that went there.
    pub evidence_sent: usize,
    pub published: Published,
    pub problems: Vec<HubProblem>,
}

/// What the hub has of one incident.
#[derive(Debug, Default)]
struct Remote {
    writers: BTreeMap<WriterId, Oid>,
    evidence: BTreeSet<Digest>,
}

/// Brings a record and the hub to the same state, in both directions.
///
/// # Errors
/// When the hub cannot be reached or the journal cannot be written. What is wrong *at* the hub is in the result instead.
pub fn sync(
    journal: &mut Journal,
    publisher: &mut Publisher,
    transport: &dyn Transport,
    url: &str,
) -> Result<Synced, SyncError> {
    let mut done = Synced::default();
    journal.poll()?;
    done.published = publisher.publish(journal)?;
    let remote = look(journal.incident(), transport, url, &mut done.problems)?;
    receive(journal, publisher, transport, url, &remote, &mut done)?;
    send(journal, publisher, transport, url, &remote, &mut done)?;
    Ok(done)
}

fn look(
    id: &IncidentId,
    transport: &dyn Transport,
    url: &str,
    problems: &mut Vec<HubProblem>,
) -> Result<Remote, TransportError> {
    let mut remote = Remote::default();
    let prefix = format!("refs/incidents/{id}/");
    for (oid, name) in transport.ls_remote(url, &[format!("{prefix}*")])? {
        let oid = Oid::from_str(&oid).ok();
        let rest = name
            .strip_prefix(&prefix)
            .and_then(|rest| rest.split_once('/'));
        match (rest, oid) {
            (Some(("w", writer)), Some(oid)) if WriterId::new(writer).is_ok() => {
                remote
                    .writers
                    .extend(WriterId::new(writer).map(|writer| (writer, oid)));
            }
            (Some(("e", hex)), Some(_)) if Digest::from_hex(hex).is_some() => {
                remote.evidence.extend(Digest::from_hex(hex));
            }
            // A claim of an exclusive step is looked at by whoever wants to start it.
            (Some(("x", hex)), Some(_)) if Digest::from_hex(hex).is_some() => {}
            _ => problems.push(HubProblem::Odd { reference: name }),
        }
    }
    Ok(remote)
}

fn receive(
    journal: &mut Journal,
    publisher: &mut Publisher,
    transport: &dyn Transport,
    url: &str,
    remote: &Remote,
    done: &mut Synced,
) -> Result<(), SyncError> {
    let id = journal.incident().clone();
    let seen = seen_at_hub(publisher, &id)?;
    for writer in seen
        .keys()
        .filter(|writer| !remote.writers.contains_key(writer))
    {
        done.problems.push(HubProblem::Deleted {
            writer: writer.clone(),
        });
    }
    let mut wanted = Vec::new();
    for (writer, oid) in &remote.writers {
        if seen.get(writer) == Some(oid) {
            continue;
        }
        let tracking = commit::hub_ref(&id, writer.as_str());
        let published = commit::writer_ref(&id, writer.as_str());
        let known = seen.get(writer).copied();
        if known.is_some_and(|known| is_before(publisher, *oid, known)) {
            done.problems.push(HubProblem::Rewound {
                writer: writer.clone(),
            });
        } else if publisher
            .repo
            .refname_to_id(&published)
            .is_ok_and(|own| own == *oid)
        {
            publisher.set_ref(&tracking, *oid, known)?;
        } else {
            wanted.push((writer.clone(), *oid, format!("{published}:{tracking}")));
        }
    }
    if !wanted.is_empty() {
        let specs = specs_of(&id, &wanted);
        let fetched = transport.fetch(publisher.path(), url, &specs);
        publisher
            .odb()?
            .refresh()
            .map_err(publisher.git("read the objects"))?;
        let now = seen_at_hub(publisher, &id)?;
        for (writer, oid, _) in &wanted {
            if now.get(writer) != Some(oid) && now.get(writer) == seen.get(writer) {
                // Whatever came between is looked at next time; what did not come at all is an error of the way here.
                if seen.contains_key(writer) && publisher.odb()?.exists(*oid) {
                    done.problems.push(HubProblem::Rewound {
                        writer: writer.clone(),
                    });
                } else {
                    fetched.clone()?;
                }
            }
        }
    }
    take(journal, publisher, done)
}

/// What to ask for. By name git looks each reference up among all the others, and a command line has an end.
fn specs_of(id: &IncidentId, wanted: &[(WriterId, Oid, String)]) -> Vec<String> {
    if wanted.len() > FEW {
        let (there, here) = (commit::writer_ref(id, "*"), commit::hub_ref(id, "*"));
        return vec![format!("{there}:{here}")];
    }
    wanted.iter().map(|(_, _, spec)| spec.clone()).collect()
}

/// Proves and takes in what was fetched.
fn take(
    journal: &mut Journal,
    publisher: &mut Publisher,
    done: &mut Synced,
) -> Result<(), SyncError> {
    let id = journal.incident().clone();
    let tips = seen_at_hub(publisher, &id)?;
    let read = {
        let repo = super::publish::open_bare(publisher.path()).map_err(publisher.git("open"))?;
        let objects = Objects::of(&repo).map_err(publisher.git("open the objects"))?;
        let mut history = History::new(&objects, &id);
        for (writer, tip) in &tips {
            let mut is_known = |event, oid| {
                let known = journal.log().get(&event).map(Arc::clone);
                known
                    .is_some_and(|event| publisher.oid_of(&event).is_ok_and(|own| own == Some(oid)))
            };
            let problem = match history.walk(*tip, &mut is_known) {
                Err(error) => Some(error.to_string()),
                Ok(()) => tip_writer(&history, journal, *tip)
                    .filter(|found| found != writer)
                    .map(|found| format!("its last event is of writer {found}")),
            };
            if let Some(what) = problem {
                done.problems.push(HubProblem::NotOurs {
                    writer: writer.clone(),
                    what,
                });
            }
        }
        history.read
    };
    let import = journal.import(read)?;
    done.problems.extend(
        import
            .refused
            .into_iter()
            .map(|(writer, what)| HubProblem::NotOurs { writer, what }),
    );
    let forged = import.forged.into_iter();
    done.problems
        .extend(forged.map(|(writer, taken)| HubProblem::Forged { writer, taken }));
    if !import.events.is_empty() {
        let published = publisher.publish(journal)?;
        done.published.events += published.events;
    }
    done.received.extend(import.events);
    Ok(())
}

fn tip_writer(history: &History<'_>, journal: &Journal, tip: Oid) -> Option<WriterId> {
    let id = history.proven.get(&tip)?;
    if let Some(event) = journal.log().get(id) {
        return Some(event.writer.clone());
    }
    let read = history.read.iter().rev();
    read.map(|one| &one.event)
        .find(|event| event.id == *id)
        .map(|event| event.writer.clone())
}

fn send(
    journal: &Journal,
    publisher: &Publisher,
    transport: &dyn Transport,
    url: &str,
    remote: &Remote,
    done: &mut Synced,
) -> Result<(), SyncError> {
    let id = journal.incident();
    let mut specs = Vec::new();
    for writer in journal.own_writers()? {
        let name = commit::writer_ref(id, writer.as_str());
        if let Ok(oid) = publisher.repo.refname_to_id(&name)
            && remote.writers.get(&writer) != Some(&oid)
        {
            specs.push((format!("{name}:{name}"), Some((writer, oid))));
        }
    }
    done.sent = push(publisher, transport, url, id, &specs, &mut done.problems)?;
    let state = journal.state();
    let withheld: Vec<Spec> = remote
        .evidence
        .iter()
        .filter(|digest| state.is_expunged(digest))
        .map(|digest| (format!(":{}", commit::evidence_ref(id, digest)), None))
        .collect();
    push(publisher, transport, url, id, &withheld, &mut done.problems)?;
    let here = publisher.refs(&format!("refs/incidents/{id}/e/*"))?;
    let missing: Vec<_> = here
        .keys()
        .filter(|name| {
            let digest = name.rsplit('/').next().and_then(Digest::from_hex);
            digest.is_some_and(|digest| {
                !remote.evidence.contains(&digest) && !state.is_expunged(&digest)
            })
        })
        .map(|name| (format!("{name}:{name}"), None))
        .collect();
    // A batch at a time: a long command line and a lost connection both have their limits.
    for batch in missing.chunks(64) {
        done.evidence_sent += push(publisher, transport, url, id, batch, &mut done.problems)?;
    }
    Ok(())
}

type Spec = (String, Option<(WriterId, Oid)>);

fn push(
    publisher: &Publisher,
    transport: &dyn Transport,
    url: &str,
    id: &IncidentId,
    specs: &[Spec],
    problems: &mut Vec<HubProblem>,
) -> Result<usize, SyncError> {
    if specs.is_empty() {
        return Ok(0);
    }
    let refspecs: Vec<_> = specs.iter().map(|(spec, _)| spec.clone()).collect();
    let results = transport.push(publisher.path(), url, &refspecs)?;
    let mut sent = 0;
    for Pushed { reference, result } in results {
        match result {
            Ok(()) => sent += 1,
            Err(why) => {
                problems.push(HubProblem::Rejected { reference, why });
                continue;
            }
        }
        let moved = specs.iter().filter_map(|(_, moved)| moved.as_ref());
        for (writer, oid) in moved {
            if commit::writer_ref(id, writer.as_str()) == reference {
                let tracking = commit::hub_ref(id, writer.as_str());
                let before = publisher.repo.refname_to_id(&tracking).ok();
                publisher.set_ref(&tracking, *oid, before)?;
            }
        }
    }
    Ok(sent)
}

/// What the hub was last seen to have of each writer.
pub(crate) fn seen_at_hub(
    publisher: &Publisher,
    id: &IncidentId,
) -> Result<BTreeMap<WriterId, Oid>, PublishError> {
    let refs = publisher.refs(&commit::hub_ref(id, "*"))?;
    let writers = refs
        .into_iter()
        .filter_map(|(name, oid)| Some((WriterId::new(name.rsplit('/').next()?).ok()?, oid)));
    Ok(writers.collect())
}

/// Whether a commit of a writer is one that another of that writer's comes after.
fn is_before(publisher: &Publisher, older: Oid, newer: Oid) -> bool {
    let Ok(objects) = publisher.objects() else {
        return false;
    };
    if !objects.exists(older) {
        return false;
    }
    let mut at = Some(newer);
    while let Some(oid) = at {
        if oid == older {
            return newer != older;
        }
        at = objects
            .read_as(oid, git2::ObjectType::Commit, commit::MAX_COMMIT)
            .ok()
            .and_then(|raw| commit::links(&raw)?.parents.first().copied());
    }
    false
}

/// The incidents at the hub whose id is this, or ends with it. `INC-` in front does not matter.
///
/// # Errors
/// When the hub cannot be reached.
pub fn find_at_hub(
    transport: &dyn Transport,
    url: &str,
    text: &str,
) -> Result<Vec<IncidentId>, TransportError> {
    let wanted = text.to_ascii_uppercase();
    let wanted = wanted.strip_prefix("INC-").unwrap_or(&wanted);
    if wanted.len() < 4 {
        return Ok(Vec::new());
    }
    let refs = transport.ls_remote(url, &["refs/incidents/*".to_owned()])?;
    let mut ids: Vec<_> = refs
        .iter()
        .filter_map(|(_, name)| IncidentId::new(name.split('/').nth(2)?).ok())
        .filter(|id| id.as_str().ends_with(wanted))
        .collect();
    ids.sort();
    ids.dedup();
    Ok(ids)
}

/// An artifact from wherever it is: here, published here, or at the hub; kept here afterwards. `None` where nobody has it.
///
/// # Errors
/// When the hub cannot be reached or it cannot be kept.
pub fn fetch_evidence(
    journal: &Journal,
    publisher: &Publisher,
    hub: Option<(&dyn Transport, &str)>,
    digest: &Digest,
) -> Result<Option<Vec<u8>>, SyncError> {
    if let Some(bytes) = journal.evidence(digest)? {
        return Ok(Some(bytes));
    }
    let name = commit::evidence_ref(journal.incident(), digest);
    if publisher.repo.refname_to_id(&name).is_err()
        && let Some((transport, url)) = hub
        && !transport
            .ls_remote(url, std::slice::from_ref(&name))?
            .is_empty()
    {
        transport.fetch(publisher.path(), url, &[format!("{name}:{name}")])?;
        publisher
            .odb()?
            .refresh()
            .map_err(publisher.git("read the objects"))?;
    }
    let Some(bytes) = published_evidence(publisher, &name)? else {
        return Ok(None);
    };
    if Digest::of(&bytes) != *digest {
        // Something else under its name is nothing: the next look asks the hub again.
        if let Ok(mut reference) = publisher.repo.find_reference(&name) {
            reference
                .delete()
                .map_err(publisher.git("drop what is no evidence"))?;
        }
        return Ok(None);
    }
    journal.put_evidence(&mut bytes.as_slice())?;
    Ok(Some(bytes))
}

/// The bytes of a published artifact.
pub(crate) fn published_evidence(
    publisher: &Publisher,
    name: &str,
) -> Result<Option<Vec<u8>>, PublishError> {
    let Ok(oid) = publisher.repo.refname_to_id(name) else {
        return Ok(None);
    };
    let limit = usize::try_from(super::artifacts::MAX_EVIDENCE).unwrap_or(usize::MAX);
    Ok(publisher
        .objects()?
        .read_as(oid, git2::ObjectType::Blob, limit)
        .ok())
}

//! Publishing: every event as one commit in the repository beside the journal. The repository can be thrown away at any
//! time; the next publication makes it again, with the same ids. Events go in as loose objects while they are few and as
//! one pack when they are many; nothing here is fsynced, because nothing here is the only copy.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::{ErrorCode, ObjectType, Odb, Oid, Repository};

use super::commit::{self, Objects};
use super::disk::{Dir, Locked};
use super::error::JournalError;
use super::incident::Journal;
use super::object;
use super::read;
use super::store::Store;
use crate::engine::event::Event;
use crate::engine::ids::{EventId, IncidentId, WriterId};

/// More events than this go into one pack.
const MANY: usize = 64;
/// How often, and how far apart, a reference that is locked is tried; after how many times its lock counts as left behind.
const ATTEMPTS: usize = 200;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(10);
const STALE: usize = 10;

/// Why something could not be published, shared or read back. The journal is untouched by all of these.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum PublishError {
    #[error("{}: {what}: {source}", path.display())]
    Git {
        what: &'static str,
        path: PathBuf,
        source: git2::Error,
    },
    #[error("{}: {what}: {source}", path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The reference has an event the journal does not have.
    #[error(
        "what is published of writer {writer} is not what its journal says; `runsheet verify` tells more"
    )]
    Differs { writer: WriterId },
    /// What is published is not what events make.
    #[error("what is published cannot be taken back: {0}")]
    NotOurs(String),
    #[error("the line of {0} is not in its segment any more")]
    LineGone(EventId),
}

/// What a publication did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Published {
    pub events: usize,
    pub evidence: usize,
}

/// The repository of published records.
pub struct Publisher {
    pub(crate) repo: Repository,
    path: PathBuf,
    lock: Arc<std::fs::File>,
    /// Commits of events, as far as they were needed.
    pub(crate) oids: HashMap<EventId, Oid>,
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Publisher {
    /// Opens the repository of a state directory, and makes it if it is not there or not usable; one that is not usable
    /// is kept under another name.
    ///
    /// # Errors
    /// When it can be neither opened nor made.
    pub fn open(store: &Store) -> Result<Self, PublishError> {
        let root = store.root()?;
        let lock = root
            .lock_file("record.lock")
            .map_err(JournalError::io("open the lock", root.path()))?;
        let lock = Arc::new(lock);
        let held = Locked::new(&lock, true).map_err(JournalError::io("lock", root.path()))?;
        let path = store.git_dir();
        let repo = match open_bare(&path) {
            Ok(repo) => repo,
            Err(_) => {
                put_aside(&root, "record.git")?;
                make(&path)?
            }
        };
        drop(held);
        Ok(Self {
            repo,
            path,
            lock,
            oids: HashMap::new(),
        })
    }

    /// Throws what is published away (it is kept under another name) and publishes these records anew.
    ///
    /// # Errors
    /// When that fails; the journals are untouched.
    pub fn rebuild(store: &Store, journals: &[&Journal]) -> Result<Self, PublishError> {
        put_aside(&store.root()?, "record.git")?;
        let mut publisher = Self::open(store)?;
        for journal in journals {
            publisher.publish(journal)?;
        }
        Ok(publisher)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The incidents that have something published here.
    ///
    /// # Errors
    /// When references cannot be read.
    pub fn incidents(&self) -> Result<Vec<IncidentId>, PublishError> {
        let mut ids: Vec<_> = self
            .refs("refs/incidents/*")?
            .into_keys()
            .filter_map(|name| IncidentId::new(name.split('/').nth(2)?).ok())
            .collect();
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    /// Publishes every event of the record that is not published yet.
    ///
    /// # Errors
    /// When that fails. What was published stays, the rest is tried again next time.
    pub fn publish(&mut self, journal: &Journal) -> Result<Published, PublishError> {
        let _held = Locked::new(&self.lock, true).map_err(JournalError::io("lock", &self.path))?;
        if !self.path.join("HEAD").exists() {
            self.repo = make(&self.path)?;
            self.oids.clear();
        }
        let tips = self.tips(journal)?;
        let fresh = fresh(journal, &tips);
        if !fresh.is_empty() {
            self.write(journal, &fresh)?;
            self.move_refs(journal, &tips, &fresh)?;
        }
        Ok(Published {
            events: fresh.len(),
            evidence: self.publish_evidence(journal)?,
        })
    }

    /// The references under a pattern, by name.
    pub(crate) fn refs(&self, pattern: &str) -> Result<BTreeMap<String, Oid>, PublishError> {
        let failed = || self.git("read the references");
        let mut found = BTreeMap::new();
        for reference in self.repo.references_glob(pattern).map_err(failed())? {
            // One that cannot be read is made anew by whoever needs it; verification tells it.
            let Ok(reference) = reference else {
                continue;
            };
            if let (Ok(name), Some(target)) = (reference.name(), reference.target()) {
                found.insert(name.to_owned(), target);
            }
        }
        Ok(found)
    }

    pub(crate) fn git(
        &self,
        what: &'static str,
    ) -> impl FnOnce(git2::Error) -> PublishError + use<> {
        let path = self.path.clone();
        move |source| PublishError::Git { what, path, source }
    }

    pub(crate) fn odb(&self) -> Result<Odb<'_>, PublishError> {
        self.repo.odb().map_err(self.git("open the objects"))
    }

    pub(crate) fn objects(&self) -> Result<object::Objects<'_>, PublishError> {
        object::Objects::of(&self.repo).map_err(self.git("open the objects"))
    }

    /// What is published of each writer: the commit, and its event if the commit can be read.
    fn tips(
        &self,
        journal: &Journal,
    ) -> Result<BTreeMap<WriterId, (Oid, Option<EventId>)>, PublishError> {
        let objects = self.objects()?;
        let refs = self.refs(&commit::writer_ref(journal.incident(), "*"))?;
        let tips = refs.into_iter().filter_map(|(name, oid)| {
            let writer = WriterId::new(name.rsplit('/').next()?).ok()?;
            let event = objects
                .read_as(oid, ObjectType::Commit, commit::MAX_COMMIT)
                .ok()
                .and_then(|raw| commit::event_named(&raw));
            Some((writer, (oid, event)))
        });
        Ok(tips.collect())
    }

    /// The commit of an event that is published: remembered, or found by walking back from its writer's reference.
    pub(crate) fn oid_of(&mut self, event: &Event) -> Result<Option<Oid>, PublishError> {
        if let Some(oid) = self.oids.get(&event.id) {
            return Ok(Some(*oid));
        }
        let name = commit::writer_ref(&event.incident, event.writer.as_str());
        let Ok(tip) = self.repo.refname_to_id(&name) else {
            return Ok(None);
        };
        let objects = object::Objects::of(&self.repo).map_err(self.git("open the objects"))?;
        let mut at = Some(tip);
        while let Some(oid) = at {
            let Ok(raw) = objects.read_as(oid, ObjectType::Commit, commit::MAX_COMMIT) else {
                return Ok(None);
            };
            let (Some(id), Some(links)) = (commit::event_named(&raw), commit::links(&raw)) else {
                return Ok(None);
            };
            self.oids.insert(id, oid);
            if id == event.id {
                return Ok(Some(oid));
            }
            at = links.parents.first().copied();
        }
        Ok(None)
    }

    /// Writes the objects of these events, which are in order.
    fn write(&mut self, journal: &Journal, events: &[Arc<Event>]) -> Result<(), PublishError> {
        if events.len() <= MANY {
            let path = self.path.clone();
            let repo = Repository::open_bare(&path).map_err(self.git("open"))?;
            let odb = repo.odb().map_err(self.git("open the objects"))?;
            return self.write_to(&odb, journal, events);
        }
        let memory = Repository::open_bare(&self.path).map_err(self.git("open"))?;
        let odb = memory.odb().map_err(self.git("open the objects"))?;
        let pack = odb
            .add_new_mempack_backend(1000)
            .map_err(self.git("make a pack"))?;
        self.write_to(&odb, journal, events)?;
        let mut buffer = git2::Buf::new();
        pack.dump(&memory, &mut buffer)
            .map_err(self.git("make a pack"))?;
        let target = self.odb()?;
        let mut writer = target.packwriter().map_err(self.git("write a pack"))?;
        writer
            .write_all(&buffer)
            .map_err(|source| PublishError::Io {
                what: "write a pack",
                path: self.path.clone(),
                source,
            })?;
        writer.commit().map_err(self.git("write a pack"))?;
        drop(writer);
        target.refresh().map_err(self.git("read the objects"))
    }

    fn write_to(
        &mut self,
        odb: &Odb<'_>,
        journal: &Journal,
        events: &[Arc<Event>],
    ) -> Result<(), PublishError> {
        for event in events {
            let line = line_of(journal, event)?;
            let mut parents = Vec::with_capacity(1 + event.seen.len());
            for id in event.parents() {
                let known = match journal.log().get(&id) {
                    Some(parent) => self.oid_of(&Arc::clone(parent))?,
                    None => None,
                };
                parents.push(known.ok_or(PublishError::LineGone(id))?);
            }
            let objects =
                Objects::of(event, &line, &parents).map_err(self.git("make the objects"))?;
            for (kind, oid, bytes) in objects.all() {
                self.clear_damaged(oid);
                odb.write(kind, bytes)
                    .map_err(self.git("write an object"))?;
            }
            self.oids.insert(event.id, objects.id);
        }
        Ok(())
    }

    /// Takes a loose object away that a power cut left damaged: git takes one that is there for one that is good.
    fn clear_damaged(&self, oid: Oid) {
        let path = object::loose_path(&self.path, oid);
        if path.exists()
            && let Ok(objects) = self.objects()
            && objects.read(oid, usize::MAX).is_err()
        {
            // If that fails verification says so.
            let _ = std::fs::remove_file(&path);
        }
    }

    fn move_refs(
        &self,
        journal: &Journal,
        tips: &BTreeMap<WriterId, (Oid, Option<EventId>)>,
        fresh: &[Arc<Event>],
    ) -> Result<(), PublishError> {
        let mut heads: BTreeMap<&WriterId, Option<EventId>> = BTreeMap::new();
        for event in fresh {
            let head = heads
                .entry(&event.writer)
                .or_insert_with(|| tips.get(&event.writer).and_then(|tip| usable(journal, tip)));
            // Of two that follow the same event only one can be published; the files keep both.
            if event.prev == *head {
                *head = Some(event.id);
            }
        }
        let mut differs = None;
        for (writer, head) in heads {
            let Some(oid) = head.and_then(|id| self.oids.get(&id)) else {
                continue;
            };
            let old = tips.get(writer).map(|tip| tip.0);
            if let Some((_, Some(event))) = tips.get(writer)
                && !journal.log().has(event)
            {
                differs = Some(writer.clone());
                continue;
            }
            let name = commit::writer_ref(journal.incident(), writer.as_str());
            self.set_ref(&name, *oid, old)?;
        }
        match differs {
            Some(writer) => Err(PublishError::Differs { writer }),
            None => Ok(()),
        }
    }

    /// Points a reference somewhere. While this process holds the repository's own lock, only a clean-up by somebody's
    /// git can want the same reference, for a moment: a lock file beside it that stays the same for a tenth of a second
    /// is one that a killed process left, and is taken away.
    pub(crate) fn set_ref(
        &self,
        name: &str,
        to: Oid,
        from: Option<Oid>,
    ) -> Result<(), PublishError> {
        let mut stale = None;
        for attempt in 0..ATTEMPTS {
            let set = match from {
                Some(from) => self
                    .repo
                    .reference_matching(name, to, true, from, "runsheet"),
                None => self.repo.reference(name, to, true, "runsheet"),
            };
            match set {
                Ok(_) => return Ok(()),
                Err(error) if error.code() == ErrorCode::Locked && attempt < ATTEMPTS - 1 => {
                    let file = self.path.join(format!("{name}.lock"));
                    let seen = file.metadata().and_then(|meta| meta.modified()).ok();
                    if attempt >= STALE && seen.is_some() && seen == stale {
                        // If that fails the next attempt fails and says so.
                        let _ = std::fs::remove_file(&file);
                    }
                    if attempt == 0 {
                        stale = seen;
                    }
                    std::thread::sleep(PAUSE);
                }
                // Left empty or cut short by a power cut.
                Err(_) if attempt < ATTEMPTS - 1 && self.clear_broken_ref(name) => {}
                Err(error) => return Err(self.git("move a reference")(error)),
            }
        }
        Ok(())
    }

    /// Takes a reference's file away that names no object at all. Whether there was one.
    fn clear_broken_ref(&self, name: &str) -> bool {
        let path = self.path.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                let text = text.trim();
                (text.len() != 40 || Oid::from_str(text).is_err())
                    && std::fs::remove_file(&path).is_ok()
            }
            Err(_) => false,
        }
    }

    /// Publishes artifacts that are here and not published yet.
    fn publish_evidence(&self, journal: &Journal) -> Result<usize, PublishError> {
        let wanted = journal.evidence_cited();
        if wanted.is_empty() {
            return Ok(0);
        }
        let there = self.refs(&format!("refs/incidents/{}/e/*", journal.incident()))?;
        let mut published = 0;
        for digest in wanted.keys() {
            let name = commit::evidence_ref(journal.incident(), digest);
            if there.contains_key(&name) {
                continue;
            }
            let Some(bytes) = journal.evidence(digest)? else {
                continue;
            };
            let odb = self.odb()?;
            let oid = odb
                .write(ObjectType::Blob, &bytes)
                .map_err(self.git("write evidence"))?;
            self.set_ref(&name, oid, None)?;
            published += 1;
        }
        Ok(published)
    }
}

impl Publisher {
    /// Takes the reference of an artifact away; true where there was one. Its bytes go with the next clean-up.
    ///
    /// # Errors
    /// When that fails.
    pub fn withhold(
        &mut self,
        incident: &IncidentId,
        digest: &crate::evidence::Digest,
    ) -> Result<bool, PublishError> {
        let _held = Locked::new(&self.lock, true).map_err(JournalError::io("lock", &self.path))?;
        let name = commit::evidence_ref(incident, digest);
        match self.repo.find_reference(&name) {
            Ok(mut reference) => {
                reference.delete().map_err(self.git("withhold evidence"))?;
                Ok(true)
            }
            Err(error) if error.code() == ErrorCode::NotFound => Ok(false),
            Err(error) => Err(self.git("read the references")(error)),
        }
    }

    /// Runs something while nobody publishes here.
    ///
    /// # Errors
    /// When the lock cannot be had.
    pub fn alone<T>(&self, work: impl FnOnce() -> T) -> Result<T, PublishError> {
        let _held = Locked::new(&self.lock, true).map_err(JournalError::io("lock", &self.path))?;
        Ok(work())
    }

    /// Keeps the words of a claim; the id of their blob.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn claim(&self, says: &[u8]) -> Result<String, PublishError> {
        let odb = self.odb()?;
        let oid = odb.write(ObjectType::Blob, says);
        Ok(oid.map_err(self.git("write a claim"))?.to_string())
    }

    /// The words of a claim that was fetched, if they are no longer than a claim is.
    #[must_use]
    pub fn claimed(&self, reference: &str) -> Option<Vec<u8>> {
        let oid = self.repo.refname_to_id(reference).ok()?;
        let objects = self.objects().ok()?;
        objects
            .read_as(oid, ObjectType::Blob, super::claims::LONGEST_CLAIM)
            .ok()
    }
}

/// The event of a tip, if its commit was readable and the journal has it; else the reference starts anew.
fn usable(journal: &Journal, tip: &(Oid, Option<EventId>)) -> Option<EventId> {
    tip.1.filter(|event| journal.log().has(event))
}

/// The events that are not published, in order.
fn fresh(journal: &Journal, tips: &BTreeMap<WriterId, (Oid, Option<EventId>)>) -> Vec<Arc<Event>> {
    let log = journal.log();
    let published: BTreeMap<&WriterId, u64> = tips
        .iter()
        .filter_map(|(writer, tip)| Some((writer, log.get(&usable(journal, tip)?)?.seq)))
        .collect();
    let is_fresh = |event: &&Arc<Event>| match published.get(&event.writer) {
        Some(seq) if event.seq <= *seq => {
            // A twin is written each time: nothing points to it but events that cite it.
            let index = usize::try_from(event.seq).unwrap_or(0).wrapping_sub(1);
            log.of_writer(&event.writer).get(index) != Some(&event.id)
        }
        _ => true,
    };
    log.events().iter().filter(is_fresh).cloned().collect()
}

/// The event's line as it is in its segment now; not what it was when it was read.
fn line_of(journal: &Journal, event: &Event) -> Result<Vec<u8>, PublishError> {
    let line = journal
        .line(event)?
        .ok_or(PublishError::LineGone(event.id))?;
    match read::event(&line, &event.incident, &event.writer) {
        Ok(again) if again.id == event.id => Ok(line),
        _ => Err(PublishError::LineGone(event.id)),
    }
}

pub(crate) fn open_bare(path: &Path) -> Result<Repository, git2::Error> {
    git2::opts::strict_hash_verification(true);
    let repo = Repository::open_bare(path)?;
    repo.odb()?;
    Ok(repo)
}

fn make(path: &Path) -> Result<Repository, PublishError> {
    let failed = |source| PublishError::Git {
        what: "make the repository",
        path: path.to_owned(),
        source,
    };
    let mut options = git2::RepositoryInitOptions::new();
    options
        .bare(true)
        .external_template(false)
        .initial_head("none")
        .description("runsheet: published records of incidents");
    let repo = Repository::init_opts(path, &options).map_err(failed)?;
    let mut config = repo.config().map_err(failed)?;
    for (name, value) in [
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
        ("receive.autogc", "false"),
        ("receive.denyNonFastForwards", "true"),
        ("receive.denyDeletes", "true"),
        ("transfer.fsckObjects", "true"),
        ("core.logAllRefUpdates", "false"),
        ("fetch.writeCommitGraph", "false"),
    ] {
        config.set_str(name, value).map_err(failed)?;
    }
    drop(config);
    open_bare(path).map_err(failed)
}

/// Gives what is there another name.
fn put_aside(root: &Dir, name: &str) -> Result<(), PublishError> {
    let path = root.path().join(name);
    if std::fs::symlink_metadata(&path).is_err() {
        return Ok(());
    }
    let aside = (0..1000)
        .map(|n| root.path().join(format!("{name}.aside.{n}")))
        .find(|aside| std::fs::symlink_metadata(aside).is_err());
    let moved = match aside {
        Some(aside) => std::fs::rename(&path, aside),
        None => Err(std::io::ErrorKind::AlreadyExists.into()),
    };
    moved.map_err(|source| PublishError::Io {
        what: "keep the old one aside",
        path,
        source,
    })
}

//! The published form held against the journal: references, objects and the files they are stored in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use git2::{Oid, Repository};

use super::commit::{self, Objects};
use super::history::{self, History};
use super::incident::Journal;
use super::loose;
use super::object;
use super::record::Log;
use super::verify::{Report, Severity};
use crate::engine::event::Event;
use crate::engine::ids::{EventId, WriterId};
use crate::evidence::Digest;

/// The published form against the journal, both ways.
pub(crate) fn published(journal: &Journal, repo: &Repository, report: &mut Report) {
    let id = journal.incident();
    let expected = expected(journal.log(), report);
    let Ok(store) = object::Objects::of(repo) else {
        report.violation(None, "the published objects cannot be opened");
        return;
    };
    let mut tips: BTreeMap<&WriterId, u64> = BTreeMap::new();
    let by_oid: HashMap<Oid, EventId> = expected
        .iter()
        .map(|(event, objects)| (*objects, *event))
        .collect();
    let own: BTreeSet<WriterId> = journal.own_writers().unwrap_or_default();
    for (name, oid) in refs(repo, &commit::writer_ref(id, "*"), report) {
        let event = by_oid.get(&oid).and_then(|event| journal.log().get(event));
        match event {
            Some(event) if name == commit::writer_ref(id, event.writer.as_str()) => {
                tips.insert(&event.writer, event.seq);
            }
            _ => {
                let named = named_in(&store, oid);
                report.violation(
                    named,
                    format!("{name} is published as {oid}, which the journal does not make"),
                );
            }
        }
    }
    let mut unpublished = 0;
    for event in journal.log().events() {
        if tips.get(&event.writer).is_none_or(|seq| event.seq > *seq) {
            unpublished += 1;
            continue;
        }
        report.counts.published += 1;
        if let Some(oid) = expected.get(&event.id) {
            objects_there(&store, journal, event, *oid, &expected, report);
        }
    }
    if unpublished > 0 {
        report.add(
            Severity::Note,
            None,
            format!("{unpublished} events are not published yet; the next command publishes them"),
        );
    }
    unwitnessed(journal, repo, &by_oid, &own, report);
    let cited = journal.evidence_cited();
    let mut artifacts = HashMap::new();
    for (name, oid) in refs(repo, &format!("refs/incidents/{id}/e/*"), report) {
        let digest = name.split_once("/e/").map(|(_, hex)| hex);
        let event = digest
            .and_then(Digest::from_hex)
            .and_then(|digest| cited.get(&digest));
        artifacts.extend(event.map(|event| (oid, *event)));
        if let Some(what) = artifact_problem(repo, &name, oid) {
            report.violation(event.copied(), what);
        }
    }
    let events = || {
        let mut events = made(journal.log(), &expected);
        events.extend(artifacts);
        events
    };
    stored(repo.path(), events, report);
}

/// The event each object is made of.
fn made(log: &Log, commits: &HashMap<EventId, Oid>) -> HashMap<Oid, EventId> {
    let mut made = HashMap::with_capacity(log.events().len() * 3);
    for event in log.events() {
        if let Some(objects) = objects_of(event, commits) {
            made.extend(objects.all().map(|(_, oid, _)| (oid, event.id)));
        }
    }
    made
}

fn objects_of(event: &Event, commits: &HashMap<EventId, Oid>) -> Option<Objects> {
    let parents: Vec<Oid> = event
        .parents()
        .filter_map(|parent| commits.get(&parent).copied())
        .collect();
    let line = history::canonical_line(event)?;
    Objects::of(event, line.as_bytes(), &parents).ok()
}

/// The commit each event makes.
fn expected(log: &Log, report: &mut Report) -> HashMap<EventId, Oid> {
    let mut oids: HashMap<EventId, Oid> = HashMap::with_capacity(log.events().len());
    for event in log.events() {
        match objects_of(event, &oids) {
            Some(objects) => {
                oids.insert(event.id, objects.id);
            }
            None => report.violation(Some(event.id), "it makes no commit"),
        }
    }
    oids
}

/// All three objects of an event are there and byte for byte what they must be.
fn objects_there(
    store: &object::Objects<'_>,
    journal: &Journal,
    event: &Event,
    oid: Oid,
    oids: &HashMap<EventId, Oid>,
    report: &mut Report,
) {
    let Some(objects) = objects_of(event, oids) else {
        return;
    };
    debug_assert_eq!(objects.id, oid);
    for (kind, oid, bytes) in objects.all() {
        match store.read(oid, bytes.len()) {
            Ok((found, there)) if found == kind && there == bytes => {}
            Ok(_) => report.violation(
                Some(event.id),
                format!("its published {kind} {oid} is not what the journal says"),
            ),
            Err(error) => report.violation(
                Some(event.id),
                format!(
                    "its published {kind} {oid} cannot be read: {error}; the journal of {} has it: publish again",
                    journal.incident()
                ),
            ),
        }
    }
}

fn named_in(store: &object::Objects<'_>, oid: Oid) -> Option<EventId> {
    let raw = store.read_as(oid, git2::ObjectType::Commit, commit::MAX_COMMIT);
    commit::event_named(&raw.ok()?)
}

/// Says how much of the own record nobody else has seen.
fn unwitnessed(
    journal: &Journal,
    repo: &Repository,
    by_oid: &HashMap<Oid, EventId>,
    own: &BTreeSet<WriterId>,
    report: &mut Report,
) {
    let mut witnessed: BTreeMap<&WriterId, u64> = BTreeMap::new();
    for event in journal.log().events() {
        for seen in &event.seen {
            if let Some(seen) = journal.log().get(seen) {
                let seq = witnessed.entry(&seen.writer).or_default();
                *seq = (*seq).max(seen.seq);
            }
        }
    }
    for (name, oid) in refs(repo, &commit::hub_ref(journal.incident(), "*"), report) {
        match by_oid.get(&oid).and_then(|event| journal.log().get(event)) {
            Some(event) => {
                let seq = witnessed.entry(&event.writer).or_default();
                *seq = (*seq).max(event.seq);
            }
            None => {
                let store = object::Objects::of(repo).ok();
                let fits = store.as_ref().is_some_and(|store| {
                    let mut history = History::new(store, journal.incident());
                    history.walk(oid, &mut |_, _| false).is_ok()
                });
                // Anybody who can write to a hub can put anything there. What is no event was not taken in, and says
                // nothing of this record; one that fits was here, or should be.
                if !fits {
                    let what = format!("the hub has {name} at {oid}, which is no event; not taken");
                    report.add(Severity::Note, None, what);
                    continue;
                }
                let named = store.and_then(|store| named_in(&store, oid));
                report.violation(
                    named,
                    format!("the hub has {name} at {oid}, which the journal does not have"),
                );
            }
        }
    }
    let writers = journal
        .log()
        .writers()
        .filter(|writer| own.contains(writer));
    let tail: u64 = writers
        .map(|writer| {
            let all = journal.log().of_writer(writer).len() as u64;
            all - witnessed.get(writer).copied().unwrap_or(0).min(all)
        })
        .sum();
    if tail > 0 {
        report.add(
            Severity::Note,
            None,
            format!("nobody else has seen the last {tail} events recorded here: a tail cut off there would not be noticed"),
        );
    }
}

fn refs(repo: &Repository, pattern: &str, report: &mut Report) -> Vec<(String, Oid)> {
    let mut found = Vec::new();
    match repo.references_glob(pattern) {
        Ok(references) => {
            for reference in references {
                match reference {
                    Ok(reference) => match (reference.name(), reference.target()) {
                        (Ok(name), Some(oid)) => found.push((name.to_owned(), oid)),
                        _ => report.violation(None, format!("a reference under {pattern} is none")),
                    },
                    Err(error) => report.violation(
                        None,
                        format!(
                            "a reference under {pattern} cannot be read: {}",
                            error.message()
                        ),
                    ),
                }
            }
        }
        Err(error) => report.violation(
            None,
            format!(
                "the references {pattern} cannot be read: {}",
                error.message()
            ),
        ),
    }
    found
}

pub(crate) fn published_artifact(repo: &Repository, name: &str, oid: Oid, report: &mut Report) {
    if let Some(what) = artifact_problem(repo, name, oid) {
        report.violation(None, what);
    }
}

/// What is wrong with the artifact at this reference.
fn artifact_problem(repo: &Repository, name: &str, oid: Oid) -> Option<String> {
    let (_, hex) = name.split_once("/e/")?;
    let Some(digest) = Digest::from_hex(hex) else {
        return Some(format!("{name} names no digest"));
    };
    let limit = usize::try_from(super::artifacts::MAX_EVIDENCE).unwrap_or(usize::MAX);
    let read = object::Objects::of(repo)
        .map_err(|error| error.message().to_owned())
        .and_then(|store| {
            let read = store.read_as(oid, git2::ObjectType::Blob, limit);
            read.map_err(|error| error.to_string())
        });
    match read {
        Ok(bytes) if Digest::of(&bytes) == digest => None,
        Ok(_) => Some(format!("{name} is not what its name says")),
        Err(error) => Some(format!("{name}: {error}")),
    }
}

/// The object files themselves, beyond what reading objects notices; and what would make git look elsewhere.
pub(crate) fn files(git_dir: &Path, report: &mut Report) {
    stored(git_dir, HashMap::new, report);
}

/// The same, with the event each object is of; asked for only where something is wrong.
fn stored(git_dir: &Path, events: impl FnOnce() -> HashMap<Oid, EventId>, report: &mut Report) {
    let problems = loose::problems(git_dir);
    if !problems.is_empty() {
        let events = events();
        for problem in problems {
            let event = problem.object.and_then(|object| events.get(&object));
            report.violation(event.copied(), problem.what);
        }
    }
    for (path, what) in [
        ("shallow", "a shallow boundary"),
        ("info/grafts", "grafts"),
        ("objects/info/alternates", "alternates"),
        ("refs/replace", "replaced objects"),
    ] {
        let path = git_dir.join(path);
        let there = match path.metadata() {
            Ok(meta) if meta.is_dir() => {
                std::fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_some())
            }
            Ok(meta) => meta.len() > 0,
            Err(_) => false,
        };
        if there {
            report.add(
                Severity::Note,
                None,
                format!(
                    "{} has {what}; git may show another history, this proof does not look at them",
                    git_dir.display()
                ),
            );
        }
    }
}

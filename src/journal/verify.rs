//! Proving a record again from the bytes on the disk: every line, the chain, the order, what the engine says of it, the
//! published form in both directions, and the evidence. Writes nothing. What cannot be proven is said, not passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use git2::{ErrorCode, Oid, Repository};

use super::agreement;
use super::artifacts;
use super::error::JournalError;
use super::history::{self, History};
use super::incident::Journal;
use super::object;
use super::publish::{self, PublishError};
use super::record::{Fault, Log};
use super::store::Store;
use crate::engine::State;
use crate::engine::checkpoint::own;
use crate::engine::exec::PinnedPolicy;
use crate::engine::fact::Fact;
use crate::engine::ids::{EventId, IncidentId, WriterId};
use crate::evidence::Digest;

/// What one finding means for the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// To be known; the record is proven.
    Note,
    /// Something is missing that somebody owes: a review, evidence, a root of trust.
    Owed,
    /// The record is not what it says.
    Violation,
}

/// So many violations are looked at for whether they crossed; a record with more of them is broken anyhow.
const MOST_CROSSINGS: usize = 64;

/// One thing verification found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Finding {
    pub severity: Severity,
    pub event: Option<EventId>,
    pub what: String,
}

/// What the verifier's own library says of the policy the record pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// It is the library's own.
    Trusted,
    /// It is not, or there is no library, in these words.
    Untrusted(String),
}

/// How much was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[allow(missing_docs)]
pub struct Counts {
    pub events: usize,
    pub writers: usize,
    pub published: usize,
    /// Statements whose signature holds, by the kind of event that carries them.
    pub signatures: BTreeMap<&'static str, usize>,
    /// Approvals that were used up by an execution.
    pub approvals_used: usize,
    /// Executions that checkpoints let through.
    pub consumed: usize,
    pub overrides: usize,
    pub reviews: usize,
    /// Artifacts that events name.
    pub evidence: usize,
    /// Of those, how many are not here.
    pub withheld: usize,
}

/// The beginning of a record, and the policy that holds at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Ground {
    pub genesis: EventId,
    pub policy: PinnedPolicy,
}

/// The outcome. Findings are sorted, the worst first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Report {
    pub findings: Vec<Finding>,
    pub counts: Counts,
    /// What it stands on, if it has a beginning.
    pub ground: Option<Ground>,
    /// By when policy wants the reviews that are owed, by their overrides.
    pub due: BTreeMap<EventId, DateTime<Utc>>,
}

impl Report {
    /// 0 proven, 1 violated, 2 something is owed.
    #[must_use]
    pub fn exit(&self) -> u8 {
        match self.findings.iter().map(|finding| finding.severity).max() {
            Some(Severity::Violation) => 1,
            Some(Severity::Owed) => 2,
            _ => 0,
        }
    }

    /// The same, as it reads at this moment: what is owed for longer than policy lets it be is late.
    #[must_use]
    pub fn at(mut self, now: DateTime<Utc>) -> Self {
        for finding in &mut self.findings {
            let due = finding.event.and_then(|event| self.due.get(&event));
            if let Some(due) = due.filter(|due| finding.severity == Severity::Owed && **due < now) {
                finding.what = format!("{}: late since {}", finding.what, due.to_rfc3339());
            }
        }
        self
    }

    pub(crate) fn add(
        &mut self,
        severity: Severity,
        event: Option<EventId>,
        what: impl Into<String>,
    ) {
        self.findings.push(Finding {
            severity,
            event,
            what: what.into(),
        });
    }

    fn withheld(&mut self, digest: &Digest, event: EventId) {
        self.counts.withheld += 1;
        self.add(
            Severity::Owed,
            Some(event),
            format!("evidence {digest} is not here: withheld, or not fetched"),
        );
    }

    pub(crate) fn violation(&mut self, event: Option<EventId>, what: impl Into<String>) {
        self.add(Severity::Violation, event, what);
    }

    fn finish(mut self) -> Self {
        self.findings
            .sort_by(|a, b| (b.severity, &a.what, a.event).cmp(&(a.severity, &b.what, b.event)));
        self.findings.dedup();
        self
    }
}

/// Verifies a record here: journal and publication. `strangers` are the faults of [`Journal::strangers`], where there is a
/// spool; `trust` is what the verifier's library says once it knows the state.
///
/// # Errors
/// When the journal cannot be read at all.
pub fn verify(
    store: &Store,
    id: &IncidentId,
    strangers: impl Fn(&Journal) -> Vec<Fault>,
    trust: impl Fn(&State) -> Trust,
) -> Result<Report, JournalError> {
    // Read again from the disk: what a process has in memory proves nothing.
    let journal = Journal::open(store, id)?;
    let mut report = Report::default();
    report.counts.events = journal.log().events().len();
    report.counts.writers = journal.log().writers().count();
    for fault in journal.faults().iter().chain(&strangers(&journal)) {
        fault_found(&mut report, fault);
    }
    lines(&journal, &mut report);
    state(journal.log(), &trust, &mut report);
    evidence_here(&journal, &mut report);
    match publish::open_bare(&store.git_dir()) {
        Ok(repo) => agreement::published(&journal, &repo, &mut report),
        Err(error) if error.code() == ErrorCode::NotFound => report.add(
            Severity::Note,
            None,
            "nothing is published yet; the next command publishes it",
        ),
        Err(error) => report.violation(
            None,
            format!(
                "{} cannot be read: {}; take it away and publish again",
                store.git_dir().display(),
                error.message()
            ),
        ),
    }
    Ok(report.finish())
}

/// Verifies every record published in a repository, by that repository alone.
///
/// # Errors
/// When it is no repository.
pub fn verify_git_dir(
    path: &Path,
    trust: impl Fn(&State) -> Trust,
) -> Result<BTreeMap<IncidentId, Report>, PublishError> {
    let failed = |what| {
        move |source| PublishError::Git {
            what,
            path: path.to_owned(),
            source,
        }
    };
    let repo = publish::open_bare(path).map_err(failed("open"))?;
    let mut tips: BTreeMap<IncidentId, Vec<(String, Oid)>> = BTreeMap::new();
    let refs = repo
        .references_glob("refs/incidents/*")
        .map_err(failed("read the references"))?;
    for reference in refs {
        let reference = reference.map_err(failed("read the references"))?;
        if let (Ok(name), Some(oid)) = (reference.name(), reference.target())
            && let Some(Ok(id)) = name.split('/').nth(2).map(IncidentId::new)
        {
            tips.entry(id).or_default().push((name.to_owned(), oid));
        }
    }
    let objects = object::Objects::of(&repo).map_err(failed("open the objects"))?;
    Ok(tips
        .into_iter()
        .map(|(id, tips)| {
            let report = one_published(&repo, &objects, &id, &tips, &trust);
            (id, report)
        })
        .collect())
}

/// One record by its references alone.
fn one_published(
    repo: &Repository,
    objects: &object::Objects<'_>,
    id: &IncidentId,
    tips: &[(String, Oid)],
    trust: &impl Fn(&State) -> Trust,
) -> Report {
    let mut report = Report::default();
    let mut history = History::new(objects, id);
    let mut log = Log::new(id.clone(), None);
    let writers: BTreeMap<WriterId, Oid> = tips
        .iter()
        .filter_map(|(name, oid)| Some((WriterId::new(name.split_once("/w/")?.1).ok()?, *oid)))
        .collect();
    for oid in writers.values() {
        if let Err(error) = history.walk(*oid, &mut |_, _| false) {
            report.violation(error.event, error.to_string());
        }
    }
    let read = history.read.iter().map(|one| Arc::clone(&one.event));
    log.extend(read.collect());
    report.counts.events = log.events().len();
    report.counts.published = report.counts.events;
    report.counts.writers = writers.len();
    for (writer, oid) in writers {
        let head = history.proven.get(&oid);
        if head.is_some() && log.of_writer(&writer).last() != head {
            report.violation(
                head.copied(),
                format!("the reference of writer {writer} does not stand at its last event"),
            );
        }
    }
    for fault in log.faults() {
        fault_found(&mut report, fault);
    }
    for (missing, event) in log.waiting() {
        report.violation(
            Some(event.id),
            format!("it comes after {missing}, which is not here"),
        );
    }
    state(&log, trust, &mut report);
    let mut kept = BTreeSet::new();
    for (name, oid) in tips {
        agreement::published_artifact(repo, name, *oid, &mut report);
        kept.extend(
            name.split_once("/e/")
                .and_then(|(_, hex)| Digest::from_hex(hex)),
        );
    }
    for (digest, event) in artifacts::cited(&log) {
        report.counts.evidence += 1;
        if !kept.contains(&digest) {
            report.withheld(&digest, event);
        }
    }
    agreement::files(repo.path(), &mut report);
    report.finish()
}

fn fault_found(report: &mut Report, fault: &Fault) {
    let event = match fault {
        Fault::Fork { events, .. } => Some(events[1]),
        Fault::Chain { event, .. }
        | Fault::Stranger { event, .. }
        | Fault::Orphan { event, .. } => Some(*event),
        _ => None,
    };
    report.violation(event, fault.to_string());
}

/// Every line is the canonical one of its event; torn tails are told.
fn lines(journal: &Journal, report: &mut Report) {
    for event in journal.log().events() {
        match journal.line(event) {
            Ok(Some(line)) => {
                if history::canonical_line(event).as_deref().map(str::as_bytes) != Some(&line) {
                    report.violation(Some(event.id), "its line is not in canonical form");
                }
            }
            Ok(None) => report.violation(Some(event.id), "its line is gone"),
            Err(error) => report.violation(Some(event.id), error.to_string()),
        }
    }
    for follower in journal.followers.values() {
        let ids = follower.lines.iter().map(|line| line.1);
        for (index, pair) in ids.clone().zip(ids.skip(1)).enumerate() {
            let (Some(before), Some(id)) = pair else {
                continue;
            };
            let follows = journal.log().get(&id).map(|event| event.prev);
            if follows != Some(Some(before)) {
                report.violation(
                    Some(id),
                    format!(
                        "{}: line {} does not follow the one before it",
                        follower.path.display(),
                        index + 2
                    ),
                );
            }
        }
        if let Ok(torn @ 1..) = follower.torn() {
            report.add(
                Severity::Note,
                None,
                format!(
                    "{}: {torn} bytes behind the last whole line; nothing that was acknowledged",
                    follower.path.display()
                ),
            );
        }
    }
}

/// Every statement is one, says what its event says and is signed by who says it, whether it had an effect or not.
fn statements(log: &Log, report: &mut Report) {
    let Some(incident) = log.state().incident.as_deref() else {
        return;
    };
    let signers = own::signers(log.events().iter().map(Arc::as_ref));
    for event in log.events() {
        let kind = event.fact.kind();
        match own::holds(incident, &signers, event) {
            Ok(()) if own::signed(&event.fact).is_some() => {
                *report.counts.signatures.entry(kind).or_default() += 1;
            }
            Ok(()) => {}
            Err(why) => report.violation(Some(event.id), why),
        }
        if let Fact::CheckpointConsumed(fact) = &event.fact {
            report.counts.consumed += 1;
            report.counts.approvals_used += fact.approvals.len();
        }
    }
    let overrides = log.state().overrides.values();
    report.counts.overrides = overrides.len();
    report.counts.reviews = overrides.filter(|over| over.review.is_some()).count();
}

/// What does not fit. A promise is broken where its writer could know better: what fits everything it comes after
/// crossed with something on the way, broke no promise and had no effect.
fn flags(log: &Log, report: &mut Report) {
    let mut looked = 0;
    for flag in &log.state().flags {
        let mut severity = Severity::Note;
        let mut what = flag.what.clone();
        if flag.violation {
            looked += 1;
            let known = (looked <= MOST_CROSSINGS).then(|| log.state_known_to(&flag.event));
            let lies = |known: &State| {
                let mut flags = known.flags.iter();
                flags.any(|own| own.violation && own.event == flag.event)
            };
            if known.as_ref().is_none_or(lies) {
                severity = Severity::Violation;
            } else {
                what = format!("crossed with something it had not heard of: {what}");
            }
        }
        report.add(severity, Some(flag.event), what);
    }
}

/// What the fold says.
fn state(log: &Log, trust: &impl Fn(&State) -> Trust, report: &mut Report) {
    statements(log, report);
    let state = log.state();
    report.ground = state.incident.as_deref().map(|incident| Ground {
        genesis: incident.genesis,
        policy: incident.policy_pin.clone(),
    });
    flags(log, report);
    for over in state.owed_reviews() {
        report
            .due
            .extend(over.review_due.map(|due| (over.event, due)));
        report.add(
            Severity::Owed,
            Some(over.event),
            format!(
                "the override of {} by {} is not reviewed",
                over.step, over.by
            ),
        );
    }
    for (digest, expunged) in state.expunged.iter().filter(|(_, expunged)| expunged.done) {
        report.counts.evidence += 1;
        report.counts.withheld += 1;
        let who: Vec<_> = expunged.by.values().map(|(who, ..)| who.as_str()).collect();
        report.add(
            Severity::Owed,
            expunged.by.values().map(|(_, event, _)| *event).max(),
            format!(
                "evidence {digest} is withheld: taken out by {}",
                who.join(" and ")
            ),
        );
    }
    if log.events().is_empty() {
        report.violation(None, "there is no event that can be read");
    }
    if let Trust::Untrusted(why) = trust(state) {
        report.add(
            Severity::Owed,
            None,
            format!("policy not from a trusted library: {why}"),
        );
    }
}

fn evidence_here(journal: &Journal, report: &mut Report) {
    for (digest, event) in journal.evidence_cited() {
        report.counts.evidence += 1;
        match journal.evidence(&digest) {
            Ok(Some(_)) => {}
            Ok(None) if journal.has_evidence_file(&digest) => {
                report.violation(Some(event), format!("evidence {digest} is not what it was"));
            }
            Ok(None) => report.withheld(&digest, event),
            Err(error) => report.violation(Some(event), error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Digest;

    #[test]
    fn a_review_that_is_owed_for_too_long_is_late() {
        let (soon, gone) = (Digest([1; 32]), Digest([2; 32]));
        let mut report = Report::default();
        for event in [soon, gone] {
            report.add(Severity::Owed, Some(event), "not reviewed");
        }
        report.add(Severity::Violation, Some(gone), "something else");
        let now: DateTime<Utc> = "2026-11-25T12:00:00Z".parse().unwrap();
        let hour = chrono::TimeDelta::hours(1);
        report.due = [(soon, now + hour), (gone, now - hour)].into();
        let report = report.at(now);
        let said: Vec<&str> = report
            .findings
            .iter()
            .map(|found| found.what.as_str())
            .collect();
        assert_eq!(
            said,
            [
                "not reviewed",
                "not reviewed: late since 2026-11-25T11:00:00+00:00",
                "something else"
            ]
        );
    }
}

//! What the record promises, tried out on real directories and on disks that fail.

mod faults;
mod flips;
mod hub;
mod order;
mod proof;
mod publication;
mod segments;

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Journal, Store, TransactError};
use crate::engine::at::BootStamp;
use crate::engine::event::{Draft, Event, Fidelity};
use crate::engine::exec::PinnedPolicy;
use crate::engine::fact::{Fact, IncidentStarted, LibraryPin, NoteAdded};
use crate::engine::ids::IncidentId;
use crate::evidence::Digest;
use crate::runbook::model::Severity;
use crate::trust::{Mode, Principal};

pub(super) fn incident() -> IncidentId {
    IncidentId::new("01ARYZ6S41ZZZZZZZZZZZZZZZZ").unwrap()
}

pub(super) fn person(name: &str) -> Principal {
    Principal::try_from(format!("{name}@example.org")).unwrap()
}

pub(super) fn draft(name: &str, minute: i64, fact: impl Into<Fact>) -> Draft {
    let at: DateTime<Utc> = "2026-11-23T13:00:00.123Z".parse().unwrap();
    let at = at + TimeDelta::minutes(minute);
    Draft {
        occurred_at: at.fixed_offset(),
        occurred_until: None,
        fidelity: Fidelity::Exact,
        recorded_at: at,
        person: person(name),
        signed: true,
        role: None,
        account: name.to_owned(),
        host: "bastion".to_owned(),
        boot: BootStamp {
            id: "b00t".into(),
            millis: 1000,
        },
        mode: Mode::Live,
        sim_time: None,
        fact: fact.into(),
    }
}

pub(super) fn start(name: &str) -> Draft {
    let fact = IncidentStarted {
        title: "Leaked cloud access key".to_owned(),
        severity: Severity::Sev2,
        reference: None,
        alert: None,
        library: LibraryPin {
            source: "/srv/runbooks".to_owned(),
            commit: "0".repeat(40),
            branch: Some("main".to_owned()),
            author: "Alice Ames <alice@example.org>".to_owned(),
            date: "2026-10-01T10:00:00+02:00".parse().unwrap(),
            subject: "Add a runbook".to_owned(),
        },
        policy: PinnedPolicy {
            commit: "0".repeat(40),
            sha256: crate::engine::checkpoint::judge::policy_digest("", ""),
        },
        policy_yaml: String::new(),
        allowed_signers: String::new(),
    };
    draft(name, 0, fact)
}

pub(super) fn note(name: &str, minute: i64, text: &str) -> Draft {
    let fact = NoteAdded {
        text: text.to_owned(),
        step: None,
        details: None,
    };
    draft(name, minute, fact)
}

pub(super) fn record(
    journal: &mut Journal,
    drafts: Vec<Draft>,
) -> Result<Vec<Arc<Event>>, TransactError<Infallible>> {
    journal
        .transact(|_| Ok((drafts, ())))
        .map(|(events, ())| events)
}

/// A record with its start and some notes by alice.
pub(super) fn begun(state: &Path, notes: i64) -> Journal {
    let store = Store::new(state);
    let mut journal = Journal::create(&store, &incident()).unwrap();
    record(&mut journal, vec![start("alice")]).unwrap();
    for minute in 1..=notes {
        record(
            &mut journal,
            vec![note("alice", minute, &format!("note {minute}"))],
        )
        .unwrap();
    }
    journal
}

/// The one segment of a record by one writer.
pub(super) fn only_segment(dir: &Path) -> std::path::PathBuf {
    let dir = dir.join("incidents").join(incident().as_str());
    let mut found: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "jsonl"))
        .collect();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

pub(super) fn texts(journal: &Journal) -> Vec<String> {
    journal
        .log()
        .events()
        .iter()
        .map(|event| match &event.fact {
            Fact::NoteAdded(note) => note.text.clone(),
            other => other.kind().to_owned(),
        })
        .collect()
}

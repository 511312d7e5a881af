//! How long recording and reading take: one append against a bare write and sync of the same bytes, many events sharing
//! a sync, a hundred thousand events loaded and folded, one that comes late among them.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::convert::Infallible;
use std::fs::File;
use std::io::Write;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use chrono::{TimeZone, Utc};
use divan::Bencher;
use runsheet::engine::at::BootStamp;
use runsheet::engine::event::{Draft, Event, Fidelity, Place};
use runsheet::engine::exec::PinnedPolicy;
use runsheet::engine::fact::{Fact, IncidentStarted, LibraryPin, NoteAdded};
use runsheet::engine::{IncidentId, WriterId};
use runsheet::evidence::Digest;
use runsheet::journal::{Journal, Log, Store};
use runsheet::runbook::model::Severity;
use runsheet::trust::{Mode, Principal};

const MANY: usize = 100_000;

/// So many times an append and a bare write of the same bytes.
const PAIRS: usize = 500;

fn main() {
    if std::env::args().all(|arg| arg.starts_with('-') || arg.contains('/')) {
        append_beside_a_bare_write();
    }
    divan::main();
}

/// One append and one bare write and sync of the very same bytes, in turns, so that both see the same disk at the same
/// time. What counts is the median of the quotients of the pairs: to stay under 1.5.
fn append_beside_a_bare_write() {
    let (dir, mut journal) = begun();
    let path = dir.path().join("bare");
    let mut file = File::options()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    let (mut bare, mut append, mut quotients) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let started = Instant::now();
        let event = record(&mut journal, vec![note("Key revoked in both accounts.")]).remove(0);
        let appended = started.elapsed();
        let line = [journal.line(&event).unwrap().unwrap(), b"\n".to_vec()].concat();
        let started = Instant::now();
        file.write_all(&line).unwrap();
        file.sync_data().unwrap();
        let written = started.elapsed();
        quotients.push(appended.as_secs_f64() / written.as_secs_f64());
        append.push(appended);
        bare.push(written);
    }
    quotients.sort_by(f64::total_cmp);
    let middle = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        (times[0], times[PAIRS / 2])
    };
    let ((fastest, median), (least, half)) = (middle(&mut append), middle(&mut bare));
    println!(
        "one append: fastest {fastest:?}, median {median:?}; the same bytes bare: fastest {least:?}, median {half:?}; \
        median of {PAIRS} quotients {:.2}, a tenth of them above {:.2}",
        quotients[PAIRS / 2],
        quotients[PAIRS * 9 / 10],
    );
}

fn incident() -> IncidentId {
    IncidentId::new("01ARYZ6S41ZZZZZZZZZZZZZZZZ").unwrap()
}

fn draft(fact: impl Into<Fact>) -> Draft {
    let at = Utc.with_ymd_and_hms(2026, 11, 23, 13, 0, 0).unwrap();
    Draft {
        occurred_at: at.fixed_offset(),
        occurred_until: None,
        fidelity: Fidelity::Exact,
        recorded_at: at,
        person: Principal::try_from("alice@example.org").unwrap(),
        signed: true,
        role: None,
        account: "alice".to_owned(),
        host: "bastion".to_owned(),
        boot: BootStamp {
            id: "6f2c1d9e-6a43-4f0e-9d1c-0a1b2c3d4e5f".into(),
            millis: 123_456,
        },
        mode: Mode::Live,
        sim_time: None,
        fact: fact.into(),
    }
}

fn start() -> Draft {
    draft(IncidentStarted {
        title: "Leaked cloud access key".to_owned(),
        severity: Severity::Sev2,
        reference: None,
        alert: None,
        library: LibraryPin {
            source: "/srv/runbooks".to_owned(),
            commit: "0".repeat(40),
            branch: None,
            author: "Alice".to_owned(),
            date: Utc
                .with_ymd_and_hms(2026, 10, 1, 0, 0, 0)
                .unwrap()
                .fixed_offset(),
            subject: "Add".to_owned(),
        },
        policy: PinnedPolicy {
            commit: "0".repeat(40),
            sha256: Digest::of(b""),
        },
        policy_yaml: String::new(),
        allowed_signers: String::new(),
    })
}

fn note(text: impl Into<String>) -> Draft {
    draft(NoteAdded {
        text: text.into(),
        step: None,
        details: None,
    })
}

fn record(journal: &mut Journal, drafts: Vec<Draft>) -> Vec<Arc<Event>> {
    journal
        .transact(|_| Ok::<_, Infallible>((drafts, ())))
        .unwrap()
        .0
}

fn begun() -> (tempfile::TempDir, Journal) {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(&Store::new(dir.path()), &incident()).unwrap();
    record(&mut journal, vec![start()]);
    (dir, journal)
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn a_thousand_events_ten_to_a_sync(bencher: Bencher) {
    let (_dir, mut journal) = begun();
    bencher.bench_local(|| {
        for _ in 0..100 {
            record(&mut journal, (0..10).map(|_| note("Seen again.")).collect());
        }
    });
}

/// One record of a hundred thousand events, made once.
fn large() -> &'static (tempfile::TempDir, Vec<Arc<Event>>) {
    static LARGE: OnceLock<(tempfile::TempDir, Vec<Arc<Event>>)> = OnceLock::new();
    LARGE.get_or_init(|| {
        let (dir, mut journal) = begun();
        for batch in 0..MANY / 1000 {
            record(
                &mut journal,
                (0..1000)
                    .map(|n| note(format!("Line {n} of batch {batch} was looked at.")))
                    .collect(),
            );
        }
        let events = journal.log().events().to_vec();
        (dir, events)
    })
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn load_and_fold_a_hundred_thousand(bencher: Bencher) {
    let (dir, _) = large();
    let store = Store::new(dir.path());
    bencher.bench_local(|| {
        Journal::open(&store, &incident())
            .unwrap()
            .log()
            .events()
            .len()
    });
}

/// An event of another writer that had seen the record up to this place, and comes now.
#[divan::bench(sample_count = 20, sample_size = 1, args = [100, 50_000, 90_000, 99_000])]
fn one_late_event_into_a_hundred_thousand(bencher: Bencher, seen: usize) {
    let (_, events) = large();
    let mut log = Log::new(incident(), None);
    log.extend(events.clone());
    let mut late = 0_u8;
    bencher
        .with_inputs(|| {
            late += 1;
            let place = Place {
                incident: incident(),
                writer: WriterId::generate(&[late; 32]),
                seq: 1,
                prev: None,
                seen: vec![events[seen].id],
            };
            Arc::new(Event::record(note("Late."), place).unwrap().0)
        })
        .bench_local_values(|event| log.insert(event));
}

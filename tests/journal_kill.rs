//! Case 23: a process that records is killed again and again at whatever it is doing. Nothing it acknowledged is lost and
//! the next start needs no repair.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

use std::collections::HashSet;
use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use chrono::{TimeZone, Utc};
use runsheet::engine::IncidentId;
use runsheet::engine::at::BootStamp;
use runsheet::engine::event::{Draft, Fidelity};
use runsheet::engine::exec::PinnedPolicy;
use runsheet::engine::fact::{Fact, IncidentStarted, LibraryPin, NoteAdded};
use runsheet::journal::{Journal, Publisher, Store};
use runsheet::runbook::model::Severity;
use runsheet::trust::{Mode, Principal};

const DIR: &str = "RUNSHEET_TEST_KILL_DIR";

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
            id: "boot".into(),
            millis: 1,
        },
        mode: Mode::Live,
        sim_time: None,
        fact: fact.into(),
    }
}

fn start() -> Draft {
    draft(IncidentStarted {
        title: "Killed".to_owned(),
        severity: Severity::Sev3,
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
            sha256: runsheet::engine::checkpoint::judge::policy_digest("", ""),
        },
        policy_yaml: String::new(),
        allowed_signers: String::new(),
    })
}

/// Records without end and says each event's name once it is recorded.
fn record_for_ever(dir: &Path) {
    let store = Store::new(dir);
    let mut journal = Journal::create(&store, &incident()).unwrap();
    let mut publisher = Publisher::open(&store).unwrap();
    let mut out = std::io::stdout().lock();
    for round in 0_u64.. {
        let drafts = if journal.log().events().is_empty() {
            vec![start()]
        } else {
            (0..=round % 3)
                .map(|n| {
                    draft(NoteAdded {
                        text: format!(
                            "round {round}, {n}: {}",
                            "long ".repeat((round % 50) as usize)
                        ),
                        step: None,
                        details: None,
                    })
                })
                .collect()
        };
        let (events, ()) = journal
            .transact(|_| Ok::<_, Infallible>((drafts, ())))
            .unwrap();
        for event in events {
            writeln!(out, "recorded {}", event.id).unwrap();
        }
        out.flush().unwrap();
        if round % 4 == 0 {
            publisher.publish(&journal).unwrap();
        }
    }
}

/// The other half of the test below: does nothing unless that one started it.
#[test]
fn the_one_that_is_killed() {
    if let Some(dir) = std::env::var_os(DIR) {
        record_for_ever(Path::new(&dir));
    }
}

#[test]
fn case_23_killed_a_hundred_times_nothing_acknowledged_is_lost_and_nothing_needs_repair() {
    let dir = tempfile::tempdir().unwrap();
    let kills = std::env::var("RUNSHEET_TEST_KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(100);
    let mut acknowledged: HashSet<String> = HashSet::new();
    let chance = RandomState::new();
    for kill in 0..kills {
        acknowledged.extend(one_life(dir.path(), chance.hash_one(kill)));
        let Ok(journal) = open(dir.path()) else {
            assert!(acknowledged.is_empty());
            continue;
        };
        for id in &acknowledged {
            assert!(
                journal.log().has(&id.parse().unwrap()),
                "kill {kill}: {id} is lost"
            );
        }
        assert_eq!(journal.faults(), vec![], "kill {kill}");
        assert!(
            journal.log().writers().count() <= 1,
            "kill {kill}: the writer stays the same"
        );
    }
    assert!(
        acknowledged.len() > 100,
        "only {} events",
        acknowledged.len()
    );
    let mut journal = open(dir.path()).unwrap();
    journal
        .transact(|_| {
            Ok::<_, Infallible>((
                vec![draft(NoteAdded {
                    text: "the end".to_owned(),
                    step: None,
                    details: None,
                })],
                (),
            ))
        })
        .unwrap();
    let mut publisher = Publisher::open(journal.store()).unwrap();
    publisher.publish(&journal).unwrap();
    let report = runsheet::journal::verify::verify(
        journal.store(),
        &incident(),
        |_| Vec::new(),
        |_| runsheet::journal::verify::Trust::Trusted,
    )
    .unwrap();
    assert!(
        report
            .findings
            .iter()
            .all(|finding| !finding.what.contains("cannot be read")),
        "{report:#?}"
    );
    assert_eq!(report.exit(), 0, "{report:#?}");
}

/// Lets it record until it is killed, and says what it acknowledged.
fn one_life(dir: &Path, dice: u64) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["the_one_that_is_killed", "--exact", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Killed while it starts, or a moment after so many events.
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("recorded ").map(str::to_owned));
    let mut said: Vec<_> = lines.by_ref().take((dice % 16) as usize).collect();
    std::thread::sleep(Duration::from_micros(dice / 16 % 8_000));
    child.kill().unwrap();
    // A last line may be cut short; it says nothing then.
    said.extend(lines.filter(|id| id.len() == 71));
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("panicked"), "{errors}");
    said
}

/// Starts again, and sees that this takes less than a second of work; of waiting for a busy machine it says nothing.
fn open(dir: &Path) -> Result<Journal, runsheet::journal::JournalError> {
    let spent = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
    };
    let before = spent();
    let journal = Journal::open(&Store::new(dir), &incident());
    let took = spent() - before;
    assert!(took < Duration::from_secs(1), "restart took {took:?}");
    journal
}

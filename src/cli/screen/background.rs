//! What takes longer than a key press: listing the library, fetching it, meeting the hub. On threads, with results as
//! messages.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, FixedOffset};
use tokio::sync::mpsc::UnboundedSender;

use super::reader::Read;
use super::{brief, world};
use crate::cli::library;
use crate::driver::{Session, Settings, sync};
use crate::engine::IncidentId;
use crate::evidence::Digest;
use crate::host::clock::{Clock as _, SystemClock};
use crate::journal::{Journal, Stamp};
use crate::library::Library;
use crate::runbook::problem::Severity;
use crate::runbook::scenario;
use crate::trust::Principal;
use crate::tui::world::{Entry, IncidentRow};

/// What came of it.
#[derive(Debug)]
pub enum Message {
    /// The library's runbooks and scenarios, from their headers.
    Catalog(Vec<Entry>, Vec<scenario::Head>),
    /// How many errors each runbook has, by its path.
    Checked(Vec<(String, usize)>),
    CatalogFailed(String),
    Fetched {
        task: u64,
        result: Result<String, String>,
    },
    Synced {
        at: DateTime<FixedOffset>,
        received: usize,
        problems: Vec<String>,
    },
    SyncFailed {
        at: DateTime<FixedOffset>,
        why: String,
    },
    /// The open incidents, what waits for this person first.
    Incidents(Vec<IncidentRow>),
    /// Part of what helps to judge a request, by the digest of what is asked for.
    Brief {
        request: Digest,
        found: brief::Found,
    },
    /// Logs that are read.
    Log(Read),
    /// The screen has more to work through.
    Again,
    /// The terminal is gone.
    HangUp,
}

/// The library, with objects of its own.
///
/// # Errors
/// When there is none, in words.
pub fn open(settings: &Settings) -> Result<Library, String> {
    let spec = settings
        .library
        .as_ref()
        .ok_or("no library is configured")?;
    Library::open(
        spec,
        &settings.cache,
        &crate::cli::config::ports().git,
        &SystemClock,
    )
    .map_err(|error| error.to_string())
}

/// Lists the library: headers first, then the full check.
pub fn catalog(settings: &Settings, send: &UnboundedSender<Message>) {
    let (settings, send) = (settings.clone(), send.clone());
    std::thread::spawn(move || {
        let listed = open(&settings).and_then(|library| {
            let rows =
                library::headers(&settings.cache, &library).map_err(|error| error.to_string())?;
            let memory = library::memory(&settings.cache, &library);
            let scenarios = library
                .pin()
                .and_then(|pin| library.scenarios(&pin, Some(&memory)))
                .map_err(|error| error.to_string())?;
            let scenarios = scenarios.into_iter().map(|(_, head)| head).collect();
            Ok((library, rows, scenarios))
        });
        let (opened, rows, scenarios) = match listed {
            Ok(listed) => listed,
            Err(why) => {
                let _ = send.send(Message::CatalogFailed(why));
                return;
            }
        };
        let today = SystemClock.now().date_naive();
        let entries: Vec<Entry> = rows
            .into_iter()
            .map(|(path, header)| library::entry(&path, header, today))
            .collect();
        if send.send(Message::Catalog(entries, scenarios)).is_err() {
            return;
        }
        let Ok(files) = library::of_library(&opened) else {
            return;
        };
        let mut counts = std::collections::BTreeMap::<String, usize>::new();
        for problem in library::problems_of(&files, today) {
            if problem.severity == Severity::Error {
                *counts.entry(problem.file).or_default() += 1;
            }
        }
        let _ = send.send(Message::Checked(counts.into_iter().collect()));
    });
}

/// Brings the library up to date.
pub fn fetch(settings: &Settings, task: u64, send: &UnboundedSender<Message>) {
    let (settings, send) = (settings.clone(), send.clone());
    std::thread::spawn(move || {
        let result = open(&settings).and_then(|mut library| {
            let fetched = library
                .fetch(&crate::cli::config::ports().git, &SystemClock)
                .map_err(|error| error.to_string())?;
            Ok(match fetched {
                None => "the library is a repository of this machine: there is nothing to fetch"
                    .to_owned(),
                Some(fetched) if fetched.changes.is_empty() => {
                    "the library is up to date".to_owned()
                }
                Some(fetched) => format!("{} files of the library changed", fetched.changes.len()),
            })
        });
        let _ = send.send(Message::Fetched { task, result });
    });
}

/// How often things outside are looked at, and what was seen of them last, so that only changes cost anything. One for
/// each person who sits down.
#[derive(Debug, Clone, Default)]
pub struct Pace(Arc<Beat>);

#[derive(Debug, Default)]
struct Beat {
    syncing: AtomicBool,
    listing: AtomicBool,
    /// Seconds to leave the hub alone, and how often it failed in a row.
    rest: AtomicU32,
    failures: AtomicU32,
    /// Meetings in a row that were about one incident only.
    alone: AtomicU32,
    round: Mutex<sync::Round>,
    listed: Mutex<Listed>,
}

#[derive(Debug, Default)]
struct Listed {
    known: BTreeMap<IncidentId, (Vec<Stamp>, Option<IncidentRow>)>,
    sent: Option<Vec<IncidentRow>>,
}

impl Pace {
    /// The hub is met at the next occasion, however often it failed.
    pub fn now(&self) {
        self.0.rest.store(0, Ordering::SeqCst);
    }
}

/// Longest rest after failures, in seconds.
const LONGEST_REST: u32 = 30;

/// Meetings about the open incident alone between two about all of them: what others ask of this person elsewhere shows
/// up here too.
const ALONE: u32 = 4;

/// Meets the hub: one meeting at a time, of one incident or of all. One that cannot be reached is asked less and less
/// often.
pub fn sync(
    settings: &Settings,
    inc: Option<IncidentId>,
    pace: &Pace,
    send: &UnboundedSender<Message>,
) {
    let beat = Arc::clone(&pace.0);
    let rest = beat.rest.load(Ordering::SeqCst);
    if rest > 0 {
        beat.rest.store(rest - 1, Ordering::SeqCst);
        return;
    }
    if beat.syncing.swap(true, Ordering::SeqCst) {
        return;
    }
    let alone = beat.alone.load(Ordering::SeqCst);
    let inc = inc.filter(|_| alone < ALONE);
    let next = if inc.is_some() { alone + 1 } else { 0 };
    beat.alone.store(next, Ordering::SeqCst);
    let (settings, send) = (settings.clone(), send.clone());
    std::thread::spawn(move || {
        let git = crate::cli::config::ports().git;
        let now = SystemClock.now();
        let result = match &inc {
            Some(id) => sync::meet(&settings, Some(id), &git),
            None => match beat.round.lock() {
                Ok(mut round) => sync::meet_all(&settings, &git, &mut round, now),
                Err(_) => return,
            },
        };
        let at = SystemClock.now();
        let message = match result {
            Ok(done) => {
                beat.failures.store(0, Ordering::SeqCst);
                Message::Synced {
                    at,
                    received: done.received,
                    problems: done.problems,
                }
            }
            Err(error) => {
                let failures = beat.failures.fetch_add(1, Ordering::SeqCst).min(5);
                beat.rest
                    .store((2 << failures).min(LONGEST_REST), Ordering::SeqCst);
                Message::SyncFailed {
                    at,
                    why: error.to_string(),
                }
            }
        };
        beat.syncing.store(false, Ordering::SeqCst);
        let _ = send.send(message);
    });
}

/// Lists the open incidents; says nothing where the list is still the same.
pub fn incidents(settings: &Settings, me: Principal, pace: &Pace, send: &UnboundedSender<Message>) {
    let beat = Arc::clone(&pace.0);
    if beat.listing.swap(true, Ordering::SeqCst) {
        return;
    }
    let (settings, send) = (settings.clone(), send.clone());
    std::thread::spawn(move || {
        if let Ok(mut listed) = beat.listed.lock() {
            let rows = list(&settings, &me, &mut listed);
            if listed.sent.as_ref() != Some(&rows) {
                listed.sent = Some(rows.clone());
                let _ = send.send(Message::Incidents(rows));
            }
        }
        beat.listing.store(false, Ordering::SeqCst);
    });
}

fn list(settings: &Settings, me: &Principal, listed: &mut Listed) -> Vec<IncidentRow> {
    let store = Session::store_of(settings);
    let ids = store.incidents().unwrap_or_default();
    listed.known.retain(|id, _| ids.contains(id));
    for id in &ids {
        let stamp = store.stamp(id);
        if listed.known.get(id).is_some_and(|(old, _)| *old == stamp) {
            continue;
        }
        if let Ok(journal) = Journal::open(&store, id) {
            let row = world::incident_row(me, id, journal.state(), journal.log().events());
            listed.known.insert(id.clone(), (stamp, row));
        }
    }
    let mut rows: Vec<_> = listed
        .known
        .values()
        .filter_map(|(_, row)| row.clone())
        .collect();
    rows.sort_by(|a, b| {
        a.waits
            .is_empty()
            .cmp(&b.waits.is_empty())
            .then(b.id.cmp(&a.id))
    });
    rows
}

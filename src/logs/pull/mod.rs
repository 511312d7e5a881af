//! Pulling many logs of many hosts at once: a bounded number at a time, each with patience of its own, so that a host
//! that hangs costs the others nothing. What came of a log that ended early is kept and says so. Knows nothing of
//! incidents or of where things are kept.

mod budget;
mod far;
mod files;
mod here;
mod program;
mod progress;
mod sift;

use std::collections::{HashMap, VecDeque};
use std::io::{self, Write};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use regex::bytes::Regex;

use super::command::Script;
use super::remote::{Host, Skew, Ssh};
use super::stamp::{Format, Window, Zone};
use crate::host::clock::Clock;
use crate::host::talk::Patience;

use budget::Budget;
pub use progress::{Phase, Progress, Row};

/// Logs that are pulled at once.
const AT_ONCE: usize = 8;
/// What a log may take beyond its own time before it is given up for those that wait.
const GRACE: Duration = Duration::from_secs(5);

/// One log that is wanted.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Wanted {
    pub name: String,
    pub origin: Origin,
    /// Where it is; `None` is this machine.
    pub host: Option<String>,
    pub part: Part,
    /// At most so many bytes of each file are kept.
    pub limit: u64,
    /// Only lines that match.
    pub matching: Option<Regex>,
    /// Of stamps without an offset.
    pub zone: Zone,
    /// Instead of the one that is detected.
    pub format: Option<Format>,
    /// For all of it.
    pub timeout: Option<Duration>,
}

/// Where the lines come from.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Origin {
    /// A path or pattern.
    Files(String),
    /// A systemd unit.
    Journal(String),
    Script(Script),
}

/// Which part of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Part {
    /// Its end, as far as the limit goes.
    Whole,
    /// So many bytes of its end.
    Tail(u64),
    Window(Window),
}

/// What was pulled into one artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Pulled {
    pub name: String,
    /// A path, a command.
    pub source: String,
    /// `None` is this machine.
    pub host: Option<String>,
    pub files: Vec<PulledFile>,
    pub window: Option<Window>,
    /// Lines that were kept.
    pub lines: u64,
    /// Bytes left out because of a limit.
    pub dropped: u64,
    pub skew: Option<Skew>,
    /// Why this is not all that was wanted.
    pub incomplete: Option<String>,
    pub started: DateTime<Utc>,
    pub ended: DateTime<Utc>,
}

/// Which bytes of which file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulledFile {
    /// Its path.
    pub path: String,
    /// Its bytes when it was opened.
    pub size: u64,
    /// Half open. Of what came out of it where it is packed; lines that do not match lie in them too.
    pub ranges: Vec<(u64, u64)>,
    /// Ranges that are not in the list.
    pub more: u64,
}

/// Takes what is pulled.
pub trait Keep: Send + Sync {
    /// The bytes of an artifact begin.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn begin(&self) -> io::Result<Box<dyn Artifact>>;
}

/// Bytes that are being kept. Dropped before its end nothing is kept of it.
pub trait Artifact: Write {
    /// It is all there.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn end(self: Box<Self>, pulled: Pulled) -> io::Result<()>;
}

/// How a pull is made.
#[derive(Clone)]
#[allow(missing_docs)]
pub struct Means {
    pub ssh: Ssh,
    pub clock: Arc<dyn Clock>,
    pub cancel: Arc<AtomicBool>,
    pub progress: Arc<Progress>,
    /// How long a host or program may be silent.
    pub quiet: Duration,
    /// How long one log may take.
    pub whole: Duration,
    /// Bytes that all logs together may have.
    pub budget: u64,
    /// Say how much it would be, and keep nothing.
    pub estimate: bool,
}

/// What became of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Outcome {
    pub name: String,
    /// What went wrong, one sentence each, with the source in it. Something may have been kept all the same.
    pub problems: Vec<String>,
    /// With [`Means::estimate`]: bytes that would be read, at most.
    pub estimate: Option<u64>,
}

/// What all logs of one pull share.
struct Shared {
    means: Means,
    keep: Arc<dyn Keep>,
    budget: Budget,
    /// One connection is made to a host at a time, so that the others find it.
    hosts: Mutex<HashMap<String, Arc<Mutex<Known>>>>,
}

/// What is known of a host.
#[derive(Default)]
struct Known {
    skew: Option<Skew>,
}

/// One log on its way.
struct Job<'a> {
    shared: &'a Shared,
    wanted: &'a Wanted,
    row: usize,
    patience: Patience,
    problems: Vec<String>,
    estimate: u64,
}

/// Pulls everything; what became of each, in their order.
#[must_use]
pub fn pull(wanted: Vec<Wanted>, keep: Arc<dyn Keep>, means: &Means) -> Vec<Outcome> {
    means
        .progress
        .begin(wanted.iter().map(|wanted| wanted.name.as_str()));
    let shared = Arc::new(Shared {
        means: means.clone(),
        keep,
        budget: Budget::new(means.budget),
        hosts: Mutex::default(),
    });
    let mut outcomes: Vec<Option<Outcome>> = vec![None; wanted.len()];
    let names: Vec<String> = wanted.iter().map(|wanted| wanted.name.clone()).collect();
    let mut waiting: VecDeque<(usize, Wanted)> = wanted.into_iter().enumerate().collect();
    let mut running: Vec<(usize, Instant)> = Vec::new();
    let (send, results) = mpsc::channel();
    loop {
        while running.len() < AT_ONCE {
            let Some((row, wanted)) = waiting.pop_front() else {
                break;
            };
            let whole = wanted.timeout.unwrap_or(means.whole);
            running.push((row, Instant::now() + whole + GRACE));
            let (shared, send) = (Arc::clone(&shared), send.clone());
            std::thread::spawn(move || {
                let outcome = shared.one(&wanted, row);
                // Nobody listens to a log that was given up.
                let _ = send.send((row, outcome));
            });
        }
        let Some(next) = running.iter().map(|(_, end)| *end).min() else {
            break;
        };
        if let Ok((row, outcome)) =
            results.recv_timeout(next.saturating_duration_since(Instant::now()))
        {
            running.retain(|(other, _)| *other != row);
            outcomes[row].get_or_insert(outcome);
        }
        // A file on a dead network disk cannot be asked to stop.
        running.retain(|(row, end)| {
            let late = Instant::now() >= *end;
            if late {
                let problem = format!("{}: no answer in all its time", names[*row]);
                means.progress.failed(*row, &problem);
                outcomes[*row].get_or_insert(Outcome {
                    name: names[*row].clone(),
                    problems: vec![problem],
                    estimate: None,
                });
            }
            !late
        });
    }
    outcomes.into_iter().flatten().collect()
}

impl Shared {
    fn one(&self, wanted: &Wanted, row: usize) -> Outcome {
        let whole = wanted.timeout.unwrap_or(self.means.whole);
        let patience = Patience::new(self.means.quiet.min(whole), whole)
            .cancelled_by(Arc::clone(&self.means.cancel));
        let mut job = Job {
            shared: self,
            wanted,
            row,
            patience,
            problems: Vec::new(),
            estimate: 0,
        };
        let done = match &wanted.origin {
            Origin::Files(pattern) => job.files(pattern),
            Origin::Journal(unit) => job.journal(unit),
            Origin::Script(script) => job.script(script),
        };
        if let Err(problem) = done {
            job.problems.push(problem);
        }
        let problem = job.problems.first();
        match problem {
            Some(problem) => self.means.progress.failed(row, problem),
            None => self.means.progress.phase(row, Phase::Done),
        }
        Outcome {
            name: wanted.name.clone(),
            problems: job.problems,
            estimate: self.means.estimate.then_some(job.estimate),
        }
    }

    fn known(&self, host: &str) -> Arc<Mutex<Known>> {
        let mut hosts = self
            .hosts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(hosts.entry(host.to_owned()).or_default())
    }
}

/// The host's clock, asked once in a pull, beside what is done meanwhile.
fn beside<T>(shared: &Shared, host: &Host, meanwhile: impl FnOnce() -> T) -> (T, Option<Skew>) {
    let known = shared.known(host.name());
    let clock = shared.means.clock.as_ref();
    std::thread::scope(|scope| {
        let asked = scope.spawn(move || {
            let mut known = known
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if known.skew.is_none() {
                known.skew = host.skew(clock).ok();
            }
            known.skew
        });
        let done = meanwhile();
        (done, asked.join().unwrap_or_default())
    })
}

impl Job<'_> {
    fn progress(&self) -> &Progress {
        &self.shared.means.progress
    }

    fn now(&self) -> DateTime<Utc> {
        self.shared.means.clock.now().with_timezone(&Utc)
    }

    fn window(&self) -> Option<Window> {
        match self.wanted.part {
            Part::Window(window) => Some(window),
            Part::Whole | Part::Tail(_) => None,
        }
    }

    /// Connects, one after the other for each host: whoever comes second finds the connection.
    fn connect(&self, name: &str) -> Result<Host, String> {
        self.progress().phase(self.row, Phase::Connecting);
        let known = self.shared.known(name);
        let _alone = known
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Host::connect(&self.shared.means.ssh, name, self.patience.clone()).map_err(|error| error.0)
    }
}

#[cfg(test)]
mod tests;

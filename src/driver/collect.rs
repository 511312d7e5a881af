//! Pulling key logs into the record: many at once, on threads of their own, with progress for whoever looks on and a
//! flag that ends it. What was pulled before something went wrong is kept and marked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use regex::bytes::Regex;

use crate::engine::collect::{self, Asked};
use crate::engine::command::{Command, Origin, RefusalKind, Source, StepKey};
use crate::engine::fact::Evidence;
use crate::engine::{ExecRecord, Refusal, RunId, StepRef};
use crate::host::files;
use crate::logs::command::Script;
use crate::logs::pull::{self, Means, Outcome, Part, Progress, Row, Wanted};
use crate::logs::remote::Ssh;
use crate::logs::stamp::{Format, Stamp, Window, Zone};

use super::DriverError;
use super::keep::{Keeper, Kept, Output, keep};
use super::session::{Acted, Session};

/// The most that is kept of one attached file.
const ATTACH_LIMIT: u64 = 16 << 20;
/// How long a host or program may be silent, and how long one log may take, unless a step says otherwise.
const QUIET: Duration = Duration::from_secs(30);
const WHOLE: Duration = Duration::from_secs(600);
/// Bytes that all logs of one pull may have together.
const BUDGET: u64 = 256 << 20;
/// The longest list of what was redacted that is read back.
const MOST_KNOWN: u64 = 64 << 20;

/// The number of the next pull.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A pull on its way.
pub struct Pulling {
    /// Tells it from others of this process.
    number: u64,
    progress: Arc<Progress>,
    cancel: Arc<AtomicBool>,
    done: Receiver<Pulled>,
}

/// What came of a pull.
pub struct Pulled {
    outcomes: Vec<Outcome>,
    kept: Kept,
}

impl Pulling {
    /// What tells it from other pulls of this process.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How far it is, log by log.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.progress.rows()
    }

    /// Asks it to end.
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }

    /// The flag that ends it.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancel)
    }

    /// What came of it, if it is over; `Err` where it never will be.
    pub(super) fn over(&self) -> Result<Option<Pulled>, ()> {
        match self.done.try_recv() {
            Ok(pulled) => Ok(Some(pulled)),
            Err(mpsc::TryRecvError::Empty) => Ok(None),
            Err(mpsc::TryRecvError::Disconnected) => Err(()),
        }
    }
}

impl Pulled {
    /// What went wrong, in one text; `None` where nothing did.
    #[must_use]
    pub fn problems(&self) -> Option<String> {
        let all: Vec<_> = self
            .outcomes
            .iter()
            .flat_map(|outcome| outcome.problems.iter().map(String::as_str))
            .collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// How much would be read, by log; with an estimate only.
    pub fn estimates(&self) -> impl Iterator<Item = (&str, Option<u64>)> {
        self.outcomes
            .iter()
            .map(|outcome| (outcome.name.as_str(), outcome.estimate))
    }
}

impl Session {
    pub(super) fn attach(
        &mut self,
        path: &str,
        step: Option<StepKey>,
    ) -> Result<Acted, DriverError> {
        let name = Path::new(path).file_name().map_or_else(
            || path.to_owned(),
            |name| name.to_string_lossy().into_owned(),
        );
        // A file's name is never a pattern here, whatever is in it.
        let mut source = Source::file(&name, glob::Pattern::escape(path));
        source.limit = ATTACH_LIMIT;
        let pulling = self.begin_pull(vec![source], Vec::new(), None, false)?;
        let pulled = pulling
            .done
            .recv()
            .map_err(|_| DriverError::Input(format!("{path}: it could not be read")))?;
        let problem = pulled.problems();
        let acted = self.record_pulled(pulled, step.as_ref())?;
        match problem {
            Some(problem) if acted.events.is_empty() => Err(DriverError::Input(problem)),
            _ => Ok(acted),
        }
    }

    /// Begins to pull a key log; its end comes with [`Session::poll`], or is waited for.
    ///
    /// # Errors
    /// When no runbook of this incident has that log.
    pub fn begin_log(
        &mut self,
        log: &str,
        asked: &Asked,
        estimate: bool,
    ) -> Result<Pulling, DriverError> {
        if self.is_exercise() {
            return Err(simulated_only());
        }
        let found = self.state().runs.iter().rev().find_map(|run| {
            let log = run.book.logs.iter().find(|known| known.name == log)?;
            Some((log.clone(), run.clone()))
        });
        let Some((log, run)) = found else {
            let names: Vec<_> = self
                .state()
                .runs
                .iter()
                .flat_map(|run| run.book.logs.iter().map(|log| log.name.clone()))
                .collect();
            let what = format!(
                "no runbook of this incident has a log `{log}`; there are: {}",
                names.join(", ")
            );
            return Err(DriverError::Input(what));
        };
        let now = self.desk.ports.clock.now().to_utc();
        let source = collect::of_log(self.state(), &run, &log, asked, now)?;
        let env = self.values_of(&run.id);
        self.begin_pull(vec![source], env, None, estimate)
    }

    /// Puts lines that were read elsewhere into the record as evidence, redacted like everything that is kept.
    ///
    /// # Errors
    /// When they cannot be kept or recorded.
    pub fn keep_excerpt(&mut self, excerpt: &Output) -> Result<Acted, DriverError> {
        let now = self.desk.ports.clock.now().to_utc();
        let host = self.desk.settings.host.clone();
        let (redaction, store) = (self.redactor()?, self.evidence_dir());
        let evidence =
            keep(excerpt, &host, &redaction, &store, now).map_err(|source| DriverError::Io {
                what: "the excerpt",
                source,
            })?;
        let step = None;
        self.command(Command::Attach { evidence, step })
    }

    pub(super) fn collect_log(&mut self, log: &str, asked: &Asked) -> Result<Acted, DriverError> {
        let pulling = self.begin_log(log, asked, false)?;
        self.pending.push(super::jobs::Pending::Log(pulling));
        let notice = format!("pulling {log}; it is an event once it is there");
        Ok(Acted {
            events: Vec::new(),
            notices: vec![notice],
        })
    }

    /// Waits for the end of a pull that was begun, and records what it brought; `look` is called meanwhile.
    ///
    /// # Errors
    /// In words, when nothing was pulled; or when it cannot be recorded.
    pub fn finish_log(
        &mut self,
        pulling: &Pulling,
        mut look: impl FnMut(&[Row]),
    ) -> Result<(Acted, Pulled), DriverError> {
        let ended = || DriverError::Input("the pull ended unexpectedly".to_owned());
        let mut pulled = loop {
            match pulling.done.recv_timeout(Duration::from_millis(200)) {
                Ok(pulled) => break pulled,
                Err(mpsc::RecvTimeoutError::Timeout) => look(&pulling.rows()),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(ended()),
            }
        };
        look(&pulling.rows());
        let kept = std::mem::take(&mut pulled.kept);
        let problem = pulled.problems();
        let whole = Pulled {
            outcomes: Vec::new(),
            kept,
        };
        let mut acted = self.record_pulled(whole, None)?;
        match problem {
            Some(problem) if acted.events.is_empty() => Err(DriverError::Input(problem)),
            problem => {
                acted.notices.extend(problem);
                Ok((acted, pulled))
            }
        }
    }

    /// How far pulls of steps are that this process makes.
    pub fn pulls(&self) -> impl Iterator<Item = (&StepRef, Vec<Row>)> {
        self.pending.iter().filter_map(|pending| match pending {
            super::jobs::Pending::Collect {
                record, pulling, ..
            } => Some((&record.step, pulling.rows())),
            _ => None,
        })
    }

    /// Pulls outside of any step that this process makes.
    pub fn log_pulls(&self) -> impl Iterator<Item = &Pulling> {
        self.pending.iter().filter_map(|pending| match pending {
            super::jobs::Pending::Log(pulling) => Some(pulling),
            _ => None,
        })
    }

    /// Begins the pull of a step.
    pub(super) fn begin_collect(
        &self,
        record: &ExecRecord,
        sources: Vec<Source>,
    ) -> Result<Pulling, DriverError> {
        let key = super::secrets::kept_key(&self.dir(), &record.step);
        let env = self
            .environment(record, key.as_ref())
            .map_err(DriverError::Input)?;
        let timeout = (record.exec.timeout > 0).then(|| Duration::from_secs(record.exec.timeout));
        self.begin_pull(sources, env, timeout, false)
    }

    fn begin_pull(
        &self,
        sources: Vec<Source>,
        env: Vec<(String, String)>,
        timeout: Option<Duration>,
        estimate: bool,
    ) -> Result<Pulling, DriverError> {
        let cwd = &self.desk.settings.cwd;
        let wanted = sources
            .into_iter()
            .map(|source| wanted(source, &env, cwd, timeout))
            .collect::<Result<Vec<_>, _>>()
            .map_err(DriverError::Input)?;
        let redaction = self.redactor()?.for_logs(self.redaction_key()?);
        let host = self.desk.settings.host.clone();
        let keeper = Arc::new(Keeper::new(redaction, self.evidence_dir(), host));
        let (progress, cancel) = (
            Arc::new(Progress::default()),
            Arc::new(AtomicBool::new(false)),
        );
        let means = Means {
            ssh: Ssh::new(self.sockets().as_deref()),
            clock: Arc::clone(&self.desk.ports.clock),
            cancel: Arc::clone(&cancel),
            progress: Arc::clone(&progress),
            quiet: QUIET,
            whole: WHOLE,
            budget: BUDGET,
            estimate,
        };
        let (send, done) = mpsc::channel();
        std::thread::spawn(move || {
            let keep: Arc<dyn pull::Keep> = Arc::<Keeper>::clone(&keeper);
            let outcomes = pull::pull(wanted, keep, &means);
            // Nobody listening any more means the process ends; the outcome is then unknown, and says so.
            let _ = send.send(Pulled {
                outcomes,
                kept: keeper.take(),
            });
        });
        Ok(Pulling {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            progress,
            cancel,
            done,
        })
    }

    /// Records what was pulled outside of the end of a step.
    pub(super) fn record_pulled(
        &mut self,
        mut pulled: Pulled,
        step: Option<&StepKey>,
    ) -> Result<Acted, DriverError> {
        let mut acted = Acted::default();
        for evidence in self.kept(&mut pulled)? {
            let step = step.cloned();
            let more = self.command(Command::Attach { evidence, step })?;
            acted.events.extend(more.events);
        }
        Ok(acted)
    }

    /// What was kept, in the order of the names; what was redacted in it is remembered here.
    pub(super) fn kept(&self, pulled: &mut Pulled) -> Result<Vec<Evidence>, DriverError> {
        let kept = std::mem::take(&mut pulled.kept);
        self.remember(kept.values)
            .map_err(|source| DriverError::Io {
                what: "the list of what was redacted",
                source,
            })?;
        let mut evidence = kept.evidence;
        evidence.sort_by(|a, b| (&a.name, &a.host, &a.source).cmp(&(&b.name, &b.host, &b.source)));
        Ok(evidence)
    }

    /// The key of this incident's marks. It never leaves this state directory.
    fn redaction_key(&self) -> Result<[u8; 32], DriverError> {
        let io = |source| DriverError::Io {
            what: "the key of the redaction marks",
            source,
        };
        let path = self.dir().join("redaction.key");
        if let Ok(bytes) = files::read_limited(&path, 32)
            && let Ok(key) = <[u8; 32]>::try_from(bytes)
        {
            return Ok(key);
        }
        let key = self.desk.random()?;
        files::create_private_dir(&self.dir()).map_err(io)?;
        files::write_atomic(&path, &key, 0o600).map_err(io)?;
        Ok(key)
    }

    /// Adds to the collector's own list of which mark stands for what.
    fn remember(&self, values: BTreeMap<String, Vec<u8>>) -> std::io::Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        let path = self.dir().join("redacted.json");
        let mut known: BTreeMap<String, String> = files::read_limited(&path, MOST_KNOWN)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let new = values
            .into_iter()
            .map(|(mark, value)| (mark, String::from_utf8_lossy(&value).into_owned()));
        known.extend(new);
        files::write_atomic(&path, &serde_json::to_vec_pretty(&known)?, 0o600)
    }

    fn values_of(&self, run: &RunId) -> Vec<(String, String)> {
        let Some(run) = self.state().run(run) else {
            return Vec::new();
        };
        let secrets = run.secrets().into_iter().filter_map(|name| {
            let value = self.secrets.get(&run.id, &name)?.0.clone();
            Some((name, value))
        });
        let incident = ("RUNSHEET_INCIDENT".to_owned(), self.id().to_string());
        run.plain()
            .into_iter()
            .chain(secrets)
            .chain([incident])
            .collect()
    }

    /// Where sockets of kept connections lie, if that can be made.
    fn sockets(&self) -> Option<PathBuf> {
        let dir = self.desk.settings.state.join("ssh");
        files::create_private_dir(&dir).ok()?;
        Some(dir)
    }
}

fn wanted(
    source: Source,
    env: &[(String, String)],
    cwd: &str,
    timeout: Option<Duration>,
) -> Result<Wanted, String> {
    let name = source.name;
    let matching = source.matching.as_deref().map(Regex::new).transpose();
    let zone = match source.zone {
        Some(text) => {
            Zone::parse(&text).ok_or_else(|| format!("log {name}: `{text}` is no time zone"))?
        }
        None => Zone::UTC,
    };
    let format = match source.format {
        Some(text) => Some(
            Format::named(&text)
                .ok_or_else(|| format!("log {name}: `{text}` is no form of times"))?,
        ),
        None => None,
    };
    let part = match (source.tail, source.window) {
        (Some(bytes), _) => Part::Tail(bytes),
        (None, Some(span)) => Part::Window(Window {
            from: Stamp::of(span.from),
            to: Stamp::of(span.to),
        }),
        (None, None) => Part::Whole,
    };
    Ok(Wanted {
        matching: matching.map_err(|error| format!("match: {error}"))?,
        name,
        origin: match source.origin {
            Origin::File(path) => pull::Origin::Files(path),
            Origin::Journal(unit) => pull::Origin::Journal(unit),
            Origin::Run(text) => pull::Origin::Script(Script {
                text,
                env: env.to_vec(),
                cwd: Some(cwd.to_owned()),
            }),
        },
        host: source.host,
        part,
        limit: source.limit,
        zone,
        format,
        timeout,
    })
}

/// What is pulled for real in an exercise: nothing.
#[must_use]
pub fn simulated_only() -> DriverError {
    DriverError::Refused(
        Refusal::new(
            RefusalKind::WrongState,
            "this is an exercise: no real log is read",
        )
        .hint("a step that collects logs gives those of the script"),
    )
}

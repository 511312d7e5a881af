//! Carrying effects out and bringing their results back: scripts under supervisors that outlive this process, waits,
//! pulled files, retries.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::engine::command::{Effect, Finished, Ran, StepKey};
use crate::engine::exec::Purpose;
use crate::engine::fact::Evidence;
use crate::engine::state::Status;
use crate::engine::{Command, ExecRecord, StepRef};
use crate::evidence::escape;
use crate::host::files;
use crate::host::supervise::{self, Exit, Job, JobSpec, JobState, Stream};
use crate::logs::Pulled;

use super::collect;
use super::secrets;
use super::session::{Session, job_name};

/// How much of standard output is searched for `outputs` and `expect`.
const STDOUT_LIMIT: usize = 4 << 20;
/// How much of a command's output becomes one piece of evidence.
const EVIDENCE_LIMIT: usize = 16 << 20;

/// Something this process started and waits for, beside what runs under a supervisor.
#[allow(missing_docs)]
pub enum Pending {
    /// Files are being pulled.
    Collect {
        record: Arc<ExecRecord>,
        started: DateTime<Utc>,
        done: Receiver<Result<Vec<Evidence>, String>>,
    },
    /// To be tried again from then on.
    Retry { step: StepKey, after: DateTime<Utc> },
    /// It never began, for this reason.
    NotStarted {
        record: Arc<ExecRecord>,
        at: DateTime<Utc>,
        why: String,
    },
}

/// Held while something is recorded and then spawned, so that another process of the same writer does not take a
/// command that is about to start for one that was lost.
#[must_use]
pub fn spawning(dir: &Path) -> Option<File> {
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("spawning"))
        .ok()?;
    file.lock().ok()?;
    Some(file)
}

impl Session {
    /// The folder of a job.
    #[must_use]
    pub fn job(&self, step: &StepRef, purpose: Purpose) -> Job {
        Job::at(self.jobs_dir().join(job_name(step, purpose)))
    }

    fn jobs_dir(&self) -> PathBuf {
        self.dir().join("jobs")
    }

    /// Whether this process is about to try a step again.
    #[must_use]
    pub fn retries(&self, key: &StepKey) -> bool {
        self.pending
            .iter()
            .any(|pending| matches!(pending, Pending::Retry { step, .. } if step == key))
    }

    /// Ends a running command.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn cancel(&self, step: &StepRef, purpose: Purpose) -> std::io::Result<bool> {
        self.job(step, purpose).cancel()
    }

    pub(super) fn carry_out(&mut self, effect: Effect) {
        let now = self.desk.ports.clock.now().with_timezone(&Utc);
        match effect {
            Effect::Execute(record) => {
                let script = record.exec.script.clone();
                let timeout =
                    (record.exec.timeout > 0).then(|| Duration::from_secs(record.exec.timeout));
                let argv = record.exec.shell.clone();
                self.spawn(record, argv, Some(script), timeout, now);
            }
            Effect::Wait {
                record,
                every,
                limit,
            } => {
                // Waiting for a time needs no process: it is over when the clock says so.
                if self.waits_for_script(&record) {
                    let argv = polling(&record, every);
                    self.spawn(record, argv, None, limit.map(Duration::from_secs), now);
                }
            }
            Effect::Collect { record, sources } => {
                let (send, done) = mpsc::channel();
                let redaction = match self.redactor() {
                    Ok(redaction) => redaction,
                    Err(error) => {
                        self.pending.push(Pending::NotStarted {
                            record,
                            at: now,
                            why: error.to_string(),
                        });
                        return;
                    }
                };
                let store = self.evidence_dir();
                let host = record.exec.host.clone();
                std::thread::spawn(move || {
                    // Nobody listening any more means the process ends; the outcome is then unknown, and says so.
                    let _ = send.send(collect::pull_all(&sources, &host, &redaction, &store, now));
                });
                self.pending.push(Pending::Collect {
                    record,
                    started: now,
                    done,
                });
            }
            Effect::Retry { step, after } => {
                let after = TimeDelta::try_seconds(i64::try_from(after).unwrap_or(i64::MAX))
                    .unwrap_or(TimeDelta::MAX);
                self.pending.push(Pending::Retry {
                    step,
                    after: now + after,
                });
            }
            Effect::Notice(_) => {}
        }
    }

    fn waits_for_script(&self, record: &ExecRecord) -> bool {
        let state = self.state();
        state
            .run(&record.step.run)
            .and_then(|run| run.book.step(&record.step.step))
            .is_some_and(|step| matches!(&step.kind, crate::runbook::model::Kind::Wait(wait) if wait.until.is_some()))
    }

    fn spawn(
        &mut self,
        record: Arc<ExecRecord>,
        argv: Vec<String>,
        script: Option<String>,
        timeout: Option<Duration>,
        now: DateTime<Utc>,
    ) {
        if let Err(why) = self.try_spawn(&record, argv, script, timeout) {
            self.pending.push(Pending::NotStarted {
                record,
                at: now,
                why,
            });
        }
    }

    fn try_spawn(
        &self,
        record: &ExecRecord,
        argv: Vec<String>,
        script: Option<String>,
        timeout: Option<Duration>,
    ) -> Result<(), String> {
        let key = secrets::kept_key(&self.dir(), &record.step);
        let env = self.environment(record, key.as_ref())?;
        // Looked at once more, as late as can be: what was swapped since it was let start does not run.
        if let Some(path) = super::inputs::changed(record) {
            return Err(format!(
                "the file {} was changed after the step was let start",
                escape::line(path)
            ));
        }
        let dir = self.jobs_dir();
        files::create_private_dir(&dir).map_err(|error| error.to_string())?;
        let spec = JobSpec {
            argv,
            script,
            env,
            cwd: Some(PathBuf::from(&record.exec.cwd)),
            timeout,
            output_limit: record.exec.output_limit,
            program: self.desk.settings.program.clone(),
        };
        supervise::spawn(&dir.join(job_name(&record.step, record.exec.purpose)), spec)
            .map_err(|error| error.to_string())
    }

    /// A record without a kept key was not asked about: its marks are this process's own, made a moment ago.
    fn environment(
        &self,
        record: &ExecRecord,
        key: Option<&[u8; 32]>,
    ) -> Result<Vec<(String, String)>, String> {
        if record.gate == "-" || record.exec.purpose == Purpose::DryRun {
            return Ok(self.secrets.plain_environment(record));
        }
        self.secrets.environment(record, key)
    }

    /// Results that are there, as commands, each with a notice for whoever looks on.
    pub(super) fn results(&mut self) -> Vec<(Command, Option<String>)> {
        let mut results = self.ended_jobs();
        let now = self.desk.ports.clock.now().with_timezone(&Utc);
        for pending in std::mem::take(&mut self.pending) {
            match self.settle(pending, now) {
                Ok(result) => results.push(result),
                Err(pending) => self.pending.push(pending),
            }
        }
        results
    }

    fn settle(
        &self,
        pending: Pending,
        now: DateTime<Utc>,
    ) -> Result<(Command, Option<String>), Pending> {
        match pending {
            Pending::Collect {
                record,
                started,
                done,
            } => match done.try_recv() {
                Err(mpsc::TryRecvError::Empty) => Err(Pending::Collect {
                    record,
                    started,
                    done,
                }),
                Err(mpsc::TryRecvError::Disconnected) => {
                    let why = "the pulling of files ended unexpectedly".to_owned();
                    Ok((
                        finish(
                            &record,
                            Ran::NotStarted(why),
                            started,
                            now,
                            String::new(),
                            Vec::new(),
                        ),
                        None,
                    ))
                }
                Ok(pulled) => Ok(collected(&record, pulled, started, now)),
            },
            Pending::Retry { step, after } if after <= now => {
                let marks = self
                    .desk
                    .random()
                    .map(|key| self.secrets.marks(&step.run, &key))
                    .unwrap_or_default();
                let notice = format!("trying {} again", step.step);
                Ok((
                    Command::Start {
                        step,
                        purpose: Purpose::Run,
                        secrets: marks,
                        signed: None,
                    },
                    Some(notice),
                ))
            }
            Pending::NotStarted { record, at, why } => Ok((
                finish(
                    &record,
                    Ran::NotStarted(why),
                    at,
                    at,
                    String::new(),
                    Vec::new(),
                ),
                None,
            )),
            retry @ Pending::Retry { .. } => Err(retry),
        }
    }

    /// Everything this writer started under a supervisor that is over, also when another process started it.
    fn ended_jobs(&mut self) -> Vec<(Command, Option<String>)> {
        let running = self.running();
        if running.is_empty() {
            return Vec::new();
        }
        let now = self.desk.ports.clock.now().with_timezone(&Utc);
        // While this is free, nothing is between being recorded and being spawned.
        let settled = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.dir().join("spawning"))
            .ok()
            .filter(|file| file.try_lock().is_ok());
        let mut results = Vec::new();
        for record in running {
            if self.is_pending(&record) {
                continue;
            }
            if let Some(result) = self.ended(&record, settled.is_some(), now) {
                results.push(result);
            }
        }
        results
    }

    /// Records of what this writer has running.
    fn running(&self) -> Vec<Arc<ExecRecord>> {
        let mut records = Vec::new();
        for run in &self.state().runs {
            for at in &run.steps {
                if at.status == Status::Running && at.writer.as_ref() == Some(&self.writer) {
                    records.extend(at.record.clone());
                }
                let twins = at.twins.values().filter(|twin| twin.running);
                records.extend(
                    twins
                        .map(|twin| Arc::clone(&twin.record))
                        .filter(|record| record.executor.writer == self.writer.as_str()),
                );
            }
        }
        records.retain(|record| {
            !matches!(
                record.exec.kind.as_str(),
                "manual" | "decide" | "ask" | "parallel" | "uses"
            )
        });
        records
    }

    fn is_pending(&self, record: &Arc<ExecRecord>) -> bool {
        self.pending.iter().any(|pending| match pending {
            Pending::Collect { record: other, .. } | Pending::NotStarted { record: other, .. } => {
                other.step == record.step && other.exec.purpose == record.exec.purpose
            }
            Pending::Retry { .. } => false,
        })
    }

    fn ended(
        &self,
        record: &Arc<ExecRecord>,
        settled: bool,
        now: DateTime<Utc>,
    ) -> Option<(Command, Option<String>)> {
        let started = self.started(record).unwrap_or(now);
        if record.exec.kind == "wait"
            && record.exec.purpose == Purpose::Run
            && !self.waits_for_script(record)
        {
            let over =
                started + TimeDelta::try_seconds(self.wait_seconds(record)).unwrap_or_default();
            return (over <= now).then(|| {
                (
                    finish(
                        record,
                        Ran::Exit(0),
                        started,
                        now,
                        String::new(),
                        Vec::new(),
                    ),
                    None,
                )
            });
        }
        let lost = |what: &str| {
            Some((
                finish(record, Ran::Lost, started, now, String::new(), Vec::new()),
                Some(format!("{}: {what}", record.step)),
            ))
        };
        let job = self.job(&record.step, record.exec.purpose);
        match job.state() {
            Ok(JobState::Running) => None,
            Ok(JobState::Finished(exit)) => Some((self.finished(record, &job, &exit), None)),
            Ok(JobState::Lost) => {
                lost("its supervisor is gone and left no exit status; somebody has to look")
            }
            // A collect has no job: if no thread of this process pulls it and nobody is starting one, it is lost.
            Ok(JobState::NotStarted) if settled && job.bar().unwrap_or(true) => {
                lost("it was recorded as started, but nothing of it is here; somebody has to look")
            }
            Ok(JobState::NotStarted) | Err(_) => None,
        }
    }

    fn started(&self, record: &ExecRecord) -> Option<DateTime<Utc>> {
        let state = self.state();
        let at = state.run(&record.step.run)?.state(&record.step.step)?;
        Some(at.started?.with_timezone(&Utc))
    }

    fn wait_seconds(&self, record: &ExecRecord) -> i64 {
        let digits: String = record
            .exec
            .script
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        digits.parse().unwrap_or(0)
    }

    fn finished(&self, record: &Arc<ExecRecord>, job: &Job, exit: &Exit) -> Command {
        let ran = if exit.timed_out {
            Ran::TimedOut
        } else if let Some(why) = &exit.error {
            Ran::NotStarted(why.clone())
        } else if let Some(code) = exit.code {
            Ran::Exit(code)
        } else {
            exit.signal.map_or(Ran::Lost, Ran::Signal)
        };
        let stdout = job
            .read(Stream::Stdout, 0, STDOUT_LIMIT)
            .unwrap_or_default();
        let output = job
            .read(Stream::Output, 0, EVIDENCE_LIMIT)
            .unwrap_or_default();
        let beyond = exit.output_bytes.saturating_sub(output.len() as u64);
        let source = format!("$ {}", record.exec.script);
        let pulled = Pulled {
            name: format!("output of {}", record.step),
            source,
            range: None,
            dropped: exit.dropped_bytes + beyond,
            bytes: output,
        };
        let evidence: Vec<Evidence> = if pulled.bytes.is_empty() && pulled.dropped == 0 {
            Vec::new()
        } else {
            let now = self.desk.ports.clock.now().with_timezone(&Utc);
            let kept = self.redactor().ok().and_then(|redaction| {
                collect::keep(
                    pulled,
                    &record.exec.host,
                    &redaction,
                    &self.evidence_dir(),
                    now,
                )
                .ok()
            });
            kept.into_iter().collect()
        };
        let stdout = String::from_utf8_lossy(&stdout).into_owned();
        finish(
            record,
            ran,
            exit.started.with_timezone(&Utc),
            exit.ended.with_timezone(&Utc),
            stdout,
            evidence,
        )
    }
}

fn collected(
    record: &Arc<ExecRecord>,
    pulled: Result<Vec<Evidence>, String>,
    started: DateTime<Utc>,
    now: DateTime<Utc>,
) -> (Command, Option<String>) {
    match pulled {
        Ok(evidence) => (
            finish(record, Ran::Exit(0), started, now, String::new(), evidence),
            None,
        ),
        Err(why) => {
            let ended = Ran::NotStarted(why.clone());
            (
                finish(record, ended, started, now, String::new(), Vec::new()),
                Some(why),
            )
        }
    }
}

fn finish(
    record: &ExecRecord,
    ran: Ran,
    started: DateTime<Utc>,
    ended: DateTime<Utc>,
    stdout: String,
    evidence: Vec<Evidence>,
) -> Command {
    Command::Finish {
        step: record.step.clone(),
        purpose: record.exec.purpose,
        finished: Finished {
            ran,
            started,
            ended,
            stdout,
            evidence,
        },
    }
}

/// A loop around the record's own script: it is handed over whole, as an argument, and not spliced into other text.
fn polling(record: &ExecRecord, every: u64) -> Vec<String> {
    let mut argv = vec![
        "sh".to_owned(),
        "-c".to_owned(),
        "every=$1; shift; until \"$@\"; do sleep \"$every\"; done".to_owned(),
        "runsheet".to_owned(),
        every.to_string(),
    ];
    argv.extend(record.exec.shell.iter().cloned());
    argv.extend([
        "-c".to_owned(),
        record.exec.script.clone(),
        "runsheet".to_owned(),
    ]);
    argv
}

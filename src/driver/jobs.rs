//! Carrying effects out and bringing their results back: scripts under supervisors that outlive this process, waits,
//! pulled files, retries.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::engine::command::{Effect, Finished, Ran, StepKey};
use crate::engine::exec::Purpose;
use crate::engine::fact::Evidence;
use crate::engine::state::Status;
use crate::engine::{Command, ExecRecord, StepRef};
use crate::evidence::escape;
use crate::exercise::due::is_simulated;
use crate::host::files;
use crate::host::supervise::{self, Exit, Job, JobSpec, JobState, Stream};

use super::collect::{Pulled, Pulling};
use super::keep::{self, Output};
use super::secrets;
use super::session::{Session, job_name};

/// How much of standard output is searched for `outputs` and `expect`.
const STDOUT_LIMIT: usize = 4 << 20;
/// How much of a command's output becomes one piece of evidence.
const EVIDENCE_LIMIT: usize = 16 << 20;

/// Something this process started and waits for, beside what runs under a supervisor.
#[allow(missing_docs)]
pub enum Pending {
    /// Logs are being pulled for a step.
    Collect {
        record: Arc<ExecRecord>,
        started: DateTime<Utc>,
        pulling: Pulling,
    },
    /// A log is being pulled outside of any step.
    Log(Pulling),
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

    /// The flag that ends the pull of a step, where this process makes it.
    #[must_use]
    pub fn pull_flag(&self, step: &StepRef) -> Option<Arc<AtomicBool>> {
        self.pending.iter().find_map(|pending| match pending {
            Pending::Collect {
                record, pulling, ..
            } if record.step == *step => Some(pulling.flag()),
            _ => None,
        })
    }

    /// Ends a running command.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn cancel(&self, step: &StepRef, purpose: Purpose) -> std::io::Result<bool> {
        for pending in &self.pending {
            if let Pending::Collect {
                record, pulling, ..
            } = pending
                && record.step == *step
            {
                pulling.cancel();
                return Ok(true);
            }
        }
        self.job(step, purpose).cancel()
    }

    pub(super) fn carry_out(&mut self, effect: Effect) {
        let now = self.now().to_utc();
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
                self.hold_pull(&record);
                let pending = match self.begin_collect(&record, sources) {
                    Ok(pulling) => Pending::Collect {
                        record,
                        started: now,
                        pulling,
                    },
                    Err(error) => Pending::NotStarted {
                        record,
                        at: now,
                        why: error.to_string(),
                    },
                };
                self.pending.push(pending);
            }
            Effect::Retry { step, after } => {
                let after = TimeDelta::try_seconds(i64::try_from(after).unwrap_or(i64::MAX))
                    .unwrap_or(TimeDelta::MAX);
                self.pending.push(Pending::Retry {
                    step,
                    after: now + after,
                });
            }
            // What becomes of it is told by whoever conducts the exercise: `simulated` sees it.
            Effect::Simulate(_) | Effect::Notice(_) => {}
        }
    }

    /// Tells other processes of this writer that this one pulls for a step, for as long as it does.
    fn hold_pull(&mut self, record: &ExecRecord) {
        let path = self.pull_lock(record);
        let made = path.parent().map(files::create_private_dir);
        if !matches!(made, Some(Ok(_))) {
            return;
        }
        let file = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        if let Ok(file) = file
            && file.try_lock().is_ok()
        {
            self.pulling.insert(path, file);
        }
    }

    fn pull_lock(&self, record: &ExecRecord) -> PathBuf {
        let name = job_name(&record.step, record.exec.purpose);
        self.dir().join("pulling").join(name)
    }

    /// Whether another process pulls for this step.
    fn is_pulled_elsewhere(&self, record: &ExecRecord) -> bool {
        File::open(self.pull_lock(record))
            .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// Lets go of pulls whose end is recorded.
    fn release_pulls(&mut self) {
        let held = std::mem::take(&mut self.pulling);
        for (path, file) in held {
            let is_under_way = self.pending.iter().any(|pending| match pending {
                Pending::Collect { record, .. } => self.pull_lock(record) == path,
                _ => false,
            });
            if is_under_way {
                self.pulling.insert(path, file);
            } else {
                let _ = std::fs::remove_file(path);
            }
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
    pub(super) fn environment(
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
        // What the last round found ended is recorded by now.
        self.release_pulls();
        let mut results = self.ended_jobs();
        let now = self.now().to_utc();
        for pending in std::mem::take(&mut self.pending) {
            match self.settle(pending, now) {
                Ok(result) => results.push(result),
                Err(pending) => self.pending.push(pending),
            }
        }
        results
    }

    /// Logs outside of any step that are pulled by now.
    pub(super) fn pulled_logs(&mut self) -> Vec<Pulled> {
        let mut over = Vec::new();
        self.pending.retain(|pending| {
            let Pending::Log(pulling) = pending else {
                return true;
            };
            match pulling.over() {
                Ok(None) => true,
                Ok(Some(pulled)) => {
                    over.push(pulled);
                    false
                }
                Err(()) => false,
            }
        });
        over
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
                pulling,
            } => match pulling.over() {
                Ok(None) => Err(Pending::Collect {
                    record,
                    started,
                    pulling,
                }),
                Ok(Some(pulled)) => Ok(self.collected(&record, pulled, started, now)),
                Err(()) => {
                    let ran = Ran::Failed("the pull ended unexpectedly".to_owned());
                    let finished = finish(&record, ran, started, now, String::new(), Vec::new());
                    Ok((finished, None))
                }
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
            other @ (Pending::Retry { .. } | Pending::Log(_)) => Err(other),
        }
    }

    /// Everything this writer started under a supervisor that is over, also when another process started it.
    fn ended_jobs(&mut self) -> Vec<(Command, Option<String>)> {
        let running = self.running();
        if running.is_empty() {
            return Vec::new();
        }
        let now = self.now().to_utc();
        // While this is free, nothing is between being recorded and being spawned.
        let settled = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.dir().join("spawning"))
            .ok()
            .filter(|file| file.try_lock().is_ok());
        let is_drill = self.is_exercise();
        let mut results = Vec::new();
        for record in running {
            if self.is_pending(&record) {
                continue;
            }
            if is_drill && is_simulated(self.state(), &record) {
                results.extend(self.simulated(&record));
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
            Pending::Retry { .. } | Pending::Log(_) => false,
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
            // A collect has no job: if no process pulls it and nobody is starting one, it is lost.
            Ok(JobState::NotStarted)
                if settled && !self.is_pulled_elsewhere(record) && job.bar().unwrap_or(true) =>
            {
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

    fn collected(
        &self,
        record: &ExecRecord,
        mut pulled: Pulled,
        started: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> (Command, Option<String>) {
        let (evidence, ran, why) = match (self.kept(&mut pulled), pulled.problems()) {
            (Ok(evidence), None) => (evidence, Ran::Exit(0), None),
            (Ok(evidence), Some(why)) => (evidence, Ran::Failed(why.clone()), Some(why)),
            (Err(error), _) => (Vec::new(), Ran::Failed(error.to_string()), None),
        };
        (
            finish(record, ran, started, now, String::new(), evidence),
            why,
        )
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
        let printed = job
            .read(Stream::Output, 0, EVIDENCE_LIMIT)
            .unwrap_or_default();
        let beyond = exit.output_bytes.saturating_sub(printed.len() as u64);
        let source = format!("$ {}", record.exec.script);
        let output = Output {
            name: format!("output of {}", record.step),
            source,
            range: None,
            dropped: exit.dropped_bytes + beyond,
            bytes: printed,
        };
        let evidence: Vec<Evidence> = if output.bytes.is_empty() && output.dropped == 0 {
            Vec::new()
        } else {
            let now = self.desk.ports.clock.now().with_timezone(&Utc);
            let kept = self.redactor().ok().and_then(|redaction| {
                keep::keep(
                    &output,
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

pub(super) fn finish(
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

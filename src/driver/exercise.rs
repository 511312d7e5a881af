//! Beginning an exercise, keeping its key, playing its part: what the script says became of a step comes back as its
//! end, and what a rule refuses is kept for the evaluation. Nothing here runs anything.

use std::path::Path;
use std::rc::Rc;

use chrono::{DateTime, Utc};

use super::jobs::finish;
use super::keep::{self, Output};
use super::session::Acted;
use super::{Desk, DriverError, Session, begin};
use crate::engine::command::{OfferedPolicy, Ran, RefusalKind, StartIncident, StepKey};
use crate::engine::exercise::{Control, FACILITATOR, SimClock};
use crate::engine::fact::{Evidence, ExerciseAnswered, ExerciseStarted};
use crate::engine::{Command, ExecRecord, Intent, Refusal, StepRef};
use crate::exercise::due::What;
use crate::exercise::seal::{self, Item, Key};
use crate::exercise::{Progress, due};
use crate::host::files;
use crate::runbook::scenario::{self, Form, Scenario};
use crate::trust::Mode;

/// The file of the controllers' key, in the folder of the incident.
pub const KEY_FILE: &str = "controller.key";

/// How an exercise is begun.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Beginning {
    /// Whether the clock stands still until somebody lets it go.
    pub paused: bool,
    /// Instead of the script's own, in thousandths.
    pub scale: Option<u32>,
}

impl Session {
    /// Begins an exercise by this script; `path` is where it stands.
    ///
    /// # Errors
    /// When the script or its runbook cannot be used, or nothing can be recorded.
    pub fn begin_exercise(
        desk: Rc<Desk>,
        path: &str,
        text: &str,
        beginning: &Beginning,
    ) -> Result<Self, DriverError> {
        let scenario = read(path, text)?;
        let begun = begun(&desk, &scenario)?;
        let now = desk.ports.clock.now().to_utc();
        let key = Key::new(desk.random()?);
        let id = Self::new_id(&desk)?;
        let item = Item::Script {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let script = seal::seal(&key, &id, &item, first(desk.random()?)).map_err(sealed)?;
        let exercise = ExerciseStarted {
            title: scenario.title.clone(),
            form: form(scenario.form).to_owned(),
            briefing: scenario.briefing.clone(),
            code_word: scenario.code_word.clone(),
            abort: scenario.abort.clone(),
            clock: SimClock {
                sim: whole(scenario.clock.start.map_or(now, |start| start.to_utc())),
                scale: beginning.scale.unwrap_or(scenario.clock.scale),
                paused: beginning.paused,
            },
            length: scenario.clock.length.as_secs(),
            script,
        };
        let start = StartIncident {
            exercise: Some(Box::new(exercise)),
            ..begun
        };
        // Without its key nobody could conduct it: that is on disk first.
        Self::begin_as(desk, &id, start, |session| {
            session.keep_controller_key(&key)
        })
    }

    fn keep_controller_key(&self, key: &Key) -> Result<(), DriverError> {
        let path = self.dir().join(KEY_FILE);
        files::write_atomic(&path, format!("{}\n", key.hex()).as_bytes(), 0o600).map_err(|source| {
            DriverError::Io {
                what: "the controllers' key",
                source,
            }
        })
    }

    /// The key of what is sealed, where this person was given it or the exercise has revealed it.
    #[must_use]
    pub fn controller_key(&self) -> Option<Key> {
        kept_key(&self.dir()).or_else(|| seal::revealed(self.state()))
    }

    /// Takes the controllers' key: what is sealed can be read here from now on.
    ///
    /// # Errors
    /// When it is not the key of this exercise, or cannot be kept.
    pub fn join_controllers(&mut self, key: &Key) -> Result<(), DriverError> {
        self.script_by(key)?;
        self.keep_controller_key(key)
    }

    /// The script, for who may read it.
    ///
    /// # Errors
    /// When this is no exercise, the key is not here, or it cannot be read.
    pub fn script(&self) -> Result<(Scenario, Key), DriverError> {
        if self.state().exercise.is_none() {
            return Err(no_exercise());
        }
        let key = self.controller_key().ok_or_else(|| {
            DriverError::Refused(
                Refusal::new(
                    RefusalKind::NotEligible,
                    "the script is sealed, and its key is not here",
                )
                .hint("a controller joins with `runsheet exercise join INC --controller-key FILE`"),
            )
        })?;
        Ok((self.script_by(&key)?, key))
    }

    fn script_by(&self, key: &Key) -> Result<Scenario, DriverError> {
        let state = self.state();
        let (Some(incident), Some(exercise)) = (&state.incident, &state.exercise) else {
            return Err(no_exercise());
        };
        let item = seal::open(key, &incident.id, &exercise.started.script)
            .map_err(|error| DriverError::Input(format!("the script: {error}")))?;
        match item {
            Item::Script { path, text } => read(&path, &text),
            _ => Err(DriverError::Input(
                "what is sealed at the beginning is no script".to_owned(),
            )),
        }
    }

    /// What the controllers sealed that the script goes by: not what was gone back over.
    #[must_use]
    pub fn standing_items(&self, key: &Key, progress: &Progress) -> Vec<Item> {
        let items = seal::items(self.state(), key).into_iter();
        items
            .filter(|(event, _, _)| !progress.is_void(event))
            .map(|(_, _, item)| item)
            .collect()
    }

    /// What of the record counts in the exercise.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress::of(self.state(), self.journal.log().events())
    }

    /// Records something for the controllers alone.
    ///
    /// # Errors
    /// When the key is not here, or it cannot be recorded.
    pub fn seal(&mut self, item: &Item) -> Result<Acted, DriverError> {
        let (_, key) = self.script()?;
        let id = self.id().clone();
        let sealed = seal::seal(&key, &id, item, first(self.desk.random()?)).map_err(sealed)?;
        self.act(Intent::Exercise(Control::Seal(sealed)))
    }

    /// Ends the exercise and opens what was sealed.
    ///
    /// # Errors
    /// When the key is not here, or it cannot be recorded.
    pub fn end_exercise(
        &mut self,
        aborted: bool,
        reason: Option<String>,
    ) -> Result<Acted, DriverError> {
        let (_, key) = self.script()?;
        self.act(Intent::Exercise(Control::End {
            aborted,
            reason,
            key: key.hex(),
        }))
    }

    /// Does what the script has due: messages, results of steps, stops of the clock. Only who conducts calls this.
    ///
    /// # Errors
    /// When something cannot be recorded.
    pub fn conduct(&mut self, scenario: &Scenario, key: &Key) -> Result<Acted, DriverError> {
        self.conduct_where(scenario, key, |_| true)
    }

    /// The same, but for results of steps that the script does not have: somebody is there who says them.
    ///
    /// # Errors
    /// As [`Session::conduct`].
    pub fn conduct_beside(&mut self, scenario: &Scenario, key: &Key) -> Result<Acted, DriverError> {
        self.conduct_where(
            scenario,
            key,
            |what| !matches!(what, What::Answer(answer) if answer.refused.is_some()),
        )
    }

    fn conduct_where(
        &mut self,
        scenario: &Scenario,
        key: &Key,
        wanted: impl Fn(&What) -> bool,
    ) -> Result<Acted, DriverError> {
        let mut acted = Acted::default();
        // Each thing done may let another be due: an answer that ends a step lets an inject come.
        for _ in 0..1_000 {
            let now = self.at()?.utc();
            let progress = self.progress();
            let items = self.standing_items(key, &progress);
            let due = due::due(scenario, self.state(), &progress, &items, now);
            let Some(first) = due.iter().find(|due| wanted(&due.what)) else {
                break;
            };
            let control = first.control(scenario);
            match self.command(Command::Exercise(control)) {
                Ok(more) => {
                    acted.events.extend(more.events);
                    acted.notices.extend(more.notices);
                }
                // Another process of the same person was quicker.
                Err(DriverError::Refused(refusal)) if refusal.kind == RefusalKind::WrongState => {
                    break;
                }
                Err(error) => return Err(error),
            }
            // What was answered is over here at once, where the same person plays.
            acted.events.extend(self.poll()?.events);
        }
        Ok(acted)
    }

    /// When the script has something next, on the simulated clock, as far as can be told now.
    #[must_use]
    pub fn next_due(&self, scenario: &Scenario, key: &Key) -> Option<DateTime<Utc>> {
        let progress = self.progress();
        let items = self.standing_items(key, &progress);
        due::next(scenario, self.state(), &progress, &items)
    }

    /// What the script said became of something that this writer started, as its end.
    pub(super) fn simulated(&self, record: &ExecRecord) -> Option<(Command, Option<String>)> {
        let exercise = self.state().exercise.as_deref()?;
        let answer = exercise.answer(&record.step, record.exec.purpose)?;
        Some((self.simulated_end(record, answer), answer.refused.clone()))
    }

    fn simulated_end(&self, record: &ExecRecord, answer: &ExerciseAnswered) -> Command {
        let now = self.now().to_utc();
        let running = due::running(self.state());
        let started = running
            .iter()
            .find(|(one, _)| one.step == record.step && one.exec.purpose == record.exec.purpose)
            .map_or(now, |(_, started)| *started);
        let ran = match (&answer.refused, answer.exit) {
            (Some(why), _) => Ran::NotStarted(format!("this is an exercise: {why}")),
            (None, exit) => Ran::Exit(exit.unwrap_or(0)),
        };
        // Where a command's output is looked for while it runs.
        let _ = self
            .job(&record.step, record.exec.purpose)
            .printed(answer.output.as_bytes());
        let mut captured = Vec::new();
        if !answer.output.is_empty() {
            captured.push(Output {
                name: format!("output of {}", record.step),
                source: format!("exercise: $ {}", record.exec.script),
                range: None,
                dropped: 0,
                bytes: answer.output.clone().into_bytes(),
            });
        }
        captured.extend(answer.logs.iter().map(|log| Output {
            name: log.name.clone(),
            source: "exercise".to_owned(),
            range: None,
            dropped: 0,
            bytes: log.text.clone().into_bytes(),
        }));
        // What could not be kept is no evidence, and the step not done: as where a real log could not be.
        let (ran, evidence) = match self.captured(&captured, &record.exec.host, now) {
            Ok(evidence) => (ran, evidence),
            Err(error) => (Ran::Failed(error.to_string()), Vec::new()),
        };
        finish(record, ran, started, now, answer.output.clone(), evidence)
    }

    fn captured(
        &self,
        outputs: &[Output],
        host: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Evidence>, DriverError> {
        let (redaction, store) = (self.redactor()?, self.evidence_dir());
        let kept = outputs
            .iter()
            .map(|output| keep::keep(output, host, &redaction, &store, now));
        kept.collect::<Result<_, _>>()
            .map_err(|source| DriverError::Io {
                what: "what the script gave",
                source,
            })
    }

    /// In an exercise, what a rule refused is recorded: whoever evaluates wants to know what was tried.
    pub(super) fn keep_refusal(&mut self, intent: &Intent, refusal: &Refusal) {
        let is_on = self
            .state()
            .exercise
            .as_deref()
            .is_some_and(crate::engine::exercise::Exercise::is_on);
        if !is_on || !is_violation(refusal.kind) {
            return;
        }
        let step = step_of(intent).and_then(|key| {
            let attempt = self.state().run(&key.run)?.state(&key.step)?.attempt;
            Some(StepRef {
                run: key.run.clone(),
                step: key.step.clone(),
                attempt,
            })
        });
        let Some(step) = step else { return };
        let refused = Control::Refused {
            step: Some(step),
            what: refusal.what.clone(),
        };
        // What was refused is told to who tried, whether or not this can be recorded.
        let _ = self.command(Command::Exercise(refused));
    }
}

/// What a checkpoint exists to refuse; a slip of the keys is none of it.
fn is_violation(kind: RefusalKind) -> bool {
    matches!(
        kind,
        RefusalKind::Unsigned
            | RefusalKind::NotTrusted
            | RefusalKind::NotEligible
            | RefusalKind::GateClosed
            | RefusalKind::Changed
            | RefusalKind::Expired
            | RefusalKind::Denied
            | RefusalKind::Replayed
            | RefusalKind::BadSignature
    )
}

fn step_of(intent: &Intent) -> Option<&StepKey> {
    match intent {
        Intent::Start { step, .. }
        | Intent::Done { step, .. }
        | Intent::Request { step, .. }
        | Intent::Approve { step, .. }
        | Intent::Deny { step, .. }
        | Intent::Override { step, .. }
        | Intent::Claim(step)
        | Intent::Withdraw(step) => Some(step),
        _ => None,
    }
}

fn no_exercise() -> DriverError {
    DriverError::Refused(
        Refusal::new(RefusalKind::WrongKind, "this incident is no exercise")
            .hint("`runsheet exercise start SCENARIO` begins one"),
    )
}

fn first(random: [u8; 32]) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce.copy_from_slice(&random[..24]);
    nonce
}

fn kept_key(dir: &Path) -> Option<Key> {
    let text = std::fs::read_to_string(dir.join(KEY_FILE)).ok()?;
    Key::from_hex(&text)
}

/// The scenario in a text.
///
/// # Errors
/// Every problem of it.
pub fn read(path: &str, text: &str) -> Result<Scenario, DriverError> {
    scenario::parse(path, text.as_bytes()).map_err(|problems| {
        let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
        DriverError::Input(all.join("\n"))
    })
}

/// The incident without its script.
fn begun(desk: &Desk, scenario: &Scenario) -> Result<StartIncident, DriverError> {
    let (library, policy, run) = match &scenario.runbook {
        Some(runbook) => {
            let gathered = begin::gather(desk, runbook.as_str())?;
            let run = gathered.run(scenario.inputs.clone(), Vec::new());
            let policy = OfferedPolicy {
                policy: gathered.policy,
                policy_yaml: gathered.policy_yaml,
                allowed_signers: gathered.allowed_signers,
            };
            (gathered.library, policy, Some(run))
        }
        None => {
            let (library, policy) = begin::ground(desk.library()?, &desk.pin()?)?;
            (library, policy, None)
        }
    };
    Ok(StartIncident {
        title: scenario.title.clone(),
        severity: scenario.severity,
        mode: Mode::Exercise,
        reference: None,
        alert: None,
        library,
        policy: policy.policy,
        policy_yaml: policy.policy_yaml,
        allowed_signers: policy.allowed_signers,
        exercise: None,
        run,
    })
}

fn form(form: Form) -> &'static str {
    match form {
        Form::Tabletop => "tabletop",
        Form::Drill => "drill",
        Form::Functional => "functional",
    }
}

fn sealed(error: seal::SealError) -> DriverError {
    DriverError::Input(error.to_string())
}

/// Cut to whole milliseconds, as the record keeps it.
fn whole(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or(time)
}

/// Whether who sits here conducts the exercise.
#[must_use]
pub fn conducts(session: &Session) -> bool {
    let state = session.state();
    let roles = state.roles.get(&session.desk.identity.principal);
    state.exercise.is_some()
        && roles.is_some_and(|roles| roles.iter().any(|role| role.as_str() == FACILITATOR))
}

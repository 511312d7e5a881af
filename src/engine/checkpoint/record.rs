//! Making the execution record of a step from the state. The approver makes it again from their own state and compares.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::engine::At;
use crate::engine::collect;
use crate::engine::command::{Refusal, RefusalKind, StepKey};
use crate::engine::exec::{Exec, ExecRecord, Executor, PinnedBlob, Purpose, Var};
use crate::engine::ids::StepRef;
use crate::engine::state::{Incident, Run, State, Status, StepState};
use crate::evidence::Digest;
use crate::runbook::model::{Kind, LogSource, Step};
use crate::runbook::text::{fill, variables};

/// Bytes of output kept of a script.
pub const OUTPUT_LIMIT: u64 = 64 << 20;

/// Where something would run and by whom: the part of a record that does not follow from the state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Site {
    pub cwd: String,
    pub host: String,
    pub run_as: String,
    pub executor: Executor,
    /// Digests of the files that are run, by the name the script has for them.
    pub files: BTreeMap<String, Digest>,
}

impl Site {
    /// Here and now.
    #[must_use]
    pub fn here(at: &At) -> Self {
        Self {
            cwd: at.cwd.clone(),
            host: at.who.host.clone(),
            run_as: at.who.account.clone(),
            executor: Executor {
                principal: at.who.principal.to_string(),
                host: at.who.host.clone(),
                writer: at.writer.to_string(),
            },
            files: at.files.clone(),
        }
    }

    /// Where what is asked for would run.
    #[must_use]
    pub fn asked(at: &At) -> Self {
        match &at.elsewhere {
            Some(site) => Self {
                files: at.files.clone(),
                ..site.clone()
            },
            None => Self::here(at),
        }
    }

    /// Where that record says.
    #[must_use]
    pub fn of(record: &ExecRecord) -> Self {
        Self {
            cwd: record.exec.cwd.clone(),
            host: record.exec.host.clone(),
            run_as: record.exec.run_as.clone(),
            executor: record.executor.clone(),
            files: record.exec.files.clone(),
        }
    }
}

/// A step with everything around it.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Found<'a> {
    pub incident: &'a Incident,
    pub run: &'a Run,
    pub step: &'a Step,
    pub state: &'a StepState,
}

/// Finds a step by its name.
///
/// # Errors
/// When there is no such incident, run or step.
pub fn find<'a>(state: &'a State, key: &StepKey) -> Result<Found<'a>, Refusal> {
    let none = |what: String| Refusal::new(RefusalKind::NoSuchThing, what);
    let incident = state
        .incident
        .as_deref()
        .ok_or_else(|| none("this record has no beginning: nothing can be done in it".into()))?;
    let run = state
        .run(&key.run)
        .ok_or_else(|| none(format!("there is no run `{}` in this incident", key.run)))?;
    match (run.book.step(&key.step), run.state(&key.step)) {
        (Some(step), Some(state)) => Ok(Found {
            incident,
            run,
            step,
            state,
        }),
        _ => Err(none(format!(
            "runbook {} has no step `{}`",
            run.book.id, key.step
        ))
        .hint(format!("its steps: {}", steps_of(run)))),
    }
}

fn steps_of(run: &Run) -> String {
    run.book
        .steps
        .iter()
        .map(|step| step.id.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The attempt that would be made next.
#[must_use]
pub fn next_attempt(state: &StepState) -> u32 {
    if state.status == Status::Todo {
        state.attempt
    } else {
        state.attempt + 1
    }
}

/// The attempt that something of this purpose belongs to: a dry run or roll back to the one that stands, the step itself
/// to the one that comes.
#[must_use]
pub fn attempt_of(state: &StepState, purpose: Purpose) -> u32 {
    if purpose == Purpose::Run {
        next_attempt(state)
    } else {
        state.attempt
    }
}

/// Makes the record of one intended execution, with the gate of this moment.
///
/// # Errors
/// When the step has nothing of that purpose, or a value it uses is not known yet.
pub fn make(
    found: Found<'_>,
    purpose: Purpose,
    secrets: &BTreeMap<String, String>,
    site: &Site,
    when: DateTime<Utc>,
) -> Result<ExecRecord, Refusal> {
    let Found {
        incident,
        run,
        step,
        state,
    } = found;
    let script = script(found, purpose)?;
    let values = run.plain();
    needs(found, &script, secrets)?;
    let vars = vars(found, &values, secrets)?;
    let shell = if step.exec.shell.is_empty() {
        vec!["sh".to_owned(), "-eu".to_owned()]
    } else {
        step.exec.shell.clone()
    };
    let gate = super::gate(incident, run, step, when)
        .map_or_else(|| "-".to_owned(), |gate| super::describe(&gate));
    let attempt = attempt_of(state, purpose);
    Ok(ExecRecord {
        step: StepRef {
            run: run.id.clone(),
            step: step.id.clone(),
            attempt,
        },
        title: step.title.clone(),
        risk: step.risk,
        exec: Exec {
            purpose,
            kind: step.kind.word().to_owned(),
            script,
            shell,
            cwd: match &step.exec.cwd {
                Some(cwd) => expanded(cwd, &values)?,
                None => site.cwd.clone(),
            },
            host: site.host.clone(),
            run_as: site.run_as.clone(),
            env: vars.keys().cloned().collect(),
            stdin: String::new(),
            files: site.files.clone(),
            timeout: step.exec.timeout.map_or(0, |timeout| timeout.as_secs()),
            output_limit: OUTPUT_LIMIT,
        },
        vars,
        dry_run: step.exec.dry_run.clone(),
        rollback: step.exec.rollback.clone(),
        gate,
        runbook: PinnedBlob {
            commit: run.pin.commit.clone(),
            path: run.pin.path.clone(),
            sha256: run.pin.sha256,
        },
        policy: incident.policy_pin.clone(),
        executor: site.executor.clone(),
    })
}

/// What is approved of an update: who is told what.
pub(crate) fn notice(audience: &str, message: &str) -> String {
    format!("tell {audience}: {message}")
}

/// Everything the script will see, the secrets as their marks.
fn vars(
    found: Found<'_>,
    values: &BTreeMap<String, String>,
    secrets: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Var>, Refusal> {
    let Found {
        incident,
        run,
        step,
        ..
    } = found;
    let mut vars: BTreeMap<_, _> = values
        .iter()
        .map(|(name, value)| (name.clone(), Var::Plain(value.clone())))
        .collect();
    for name in run.secrets() {
        if let Some(hmac) = secrets.get(&name) {
            vars.insert(name, Var::Secret(hmac.clone()));
        }
    }
    for (name, value) in &step.exec.env {
        vars.insert(name.clone(), Var::Plain(expanded(value, values)?));
    }
    vars.insert(
        "RUNSHEET_INCIDENT".into(),
        Var::Plain(incident.id.to_string()),
    );
    vars.insert(
        "RUNSHEET_STEP".into(),
        Var::Plain(format!("{}/{}", run.id, step.id)),
    );
    Ok(vars)
}

fn script(found: Found<'_>, purpose: Purpose) -> Result<String, Refusal> {
    let step = found.step;
    let lacks = |what: &str| {
        Refusal::new(
            RefusalKind::WrongKind,
            format!("step {} has no `{what}`", step.id),
        )
    };
    match purpose {
        Purpose::DryRun => return step.exec.dry_run.clone().ok_or_else(|| lacks("dry_run")),
        Purpose::RollBack => return step.exec.rollback.clone().ok_or_else(|| lacks("rollback")),
        Purpose::Run => {}
    }
    let values = found.run.plain();
    Ok(match &step.kind {
        Kind::Run(script) => script.clone(),
        Kind::Wait(wait) => match (&wait.until, wait.limit) {
            (Some(script), _) => script.clone(),
            (None, limit) => format!("wait {}s", limit.unwrap_or(wait.every).as_secs()),
        },
        Kind::Collect(collect) => collect::words(found.run, collect, &values)?,
        Kind::Notify(notify) => {
            let message = fill(&notify.message, &values, &found.run.secrets());
            notice(&notify.audience, &message)
        }
        Kind::Uses(uses) => {
            let with: Vec<_> = uses
                .with
                .iter()
                .map(|(name, value)| Ok(format!(" {name}={}", expanded(value, &values)?)))
                .collect::<Result<_, Refusal>>()?;
            format!("walk {}{}", uses.runbook, with.concat())
        }
        Kind::Manual | Kind::Decide(_) | Kind::Ask(_) | Kind::Parallel(_) => {
            let mut text = fill(&step.instructions, &values, &found.run.secrets());
            for item in &step.checklist {
                text.push_str("\n[ ] ");
                text.push_str(item);
            }
            text
        }
    })
}

/// `$name` replaced by its value, outside of scripts.
///
/// # Errors
/// When a name has no value.
pub fn expanded(text: &str, values: &BTreeMap<String, String>) -> Result<String, Refusal> {
    crate::runbook::text::expand(text, values)
        .map_err(|error| Refusal::new(RefusalKind::BadValue, error.to_string()))
}

/// As `expanded`, for a path that may be a pattern: a value in it stands for itself and is never one.
///
/// # Errors
/// As [`expanded`].
pub fn expanded_path(text: &str, values: &BTreeMap<String, String>) -> Result<String, Refusal> {
    let literal = |value: &String| {
        let mut text = String::with_capacity(value.len());
        for c in value.chars() {
            if matches!(c, '*' | '?' | '[' | ']') {
                text.extend(['[', c, ']']);
            } else {
                text.push(c);
            }
        }
        text
    };
    let values = values
        .iter()
        .map(|(name, value)| (name.clone(), literal(value)))
        .collect();
    expanded(text, &values)
}

/// Every value of the runbook that the script names must be known: an unset variable at 3 a.m. is no surprise to want.
fn needs(
    found: Found<'_>,
    script: &str,
    secrets: &BTreeMap<String, String>,
) -> Result<(), Refusal> {
    let Found { run, step, .. } = found;
    if !matches!(step.kind, Kind::Run(_) | Kind::Wait(_)) {
        return Ok(());
    }
    for name in variables(script) {
        // What the script sets itself is its own, and its own outputs come after it.
        if assigns(script, &name) || step.exec.outputs.iter().any(|output| output.name == name) {
            continue;
        }
        if run
            .values
            .get(&name)
            .is_some_and(|value| value.text.is_some())
            || secrets.contains_key(&name)
        {
            continue;
        }
        if run.values.contains_key(&name) {
            return Err(Refusal::new(
                RefusalKind::BadValue,
                format!("step {} needs the secret value `{name}`", step.id),
            )
            .hint(format!(
                "give it with --secret {name}=env:VAR, file:PATH or fd:N"
            )));
        }
        if let Some(giver) = gives(run, &name) {
            return Err(Refusal::new(
                RefusalKind::WrongState,
                format!("step {} uses `{name}`, which is not known yet", step.id),
            )
            .hint(format!("step {giver} gives it: do that first")));
        }
    }
    Ok(())
}

/// Whether the script gives the name a value: `name=`, `read name`, `for name in`.
fn assigns(script: &str, name: &str) -> bool {
    let words: Vec<&str> = script
        .split([' ', '\t', '\n', ';', '(', '&', '|'])
        .collect();
    words.iter().any(|word| {
        word.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('='))
    }) || words
        .windows(2)
        .any(|pair| matches!(pair[0], "read" | "for" | "export" | "local") && pair[1] == name)
}

fn gives<'a>(run: &'a Run, name: &str) -> Option<&'a str> {
    run.book
        .steps
        .iter()
        .find(|step| {
            step.exec.outputs.iter().any(|output| output.name == name)
                || matches!(&step.kind, Kind::Ask(questions) if questions.iter().any(|input| input.name == name))
        })
        .map(|step| step.id.as_str())
}

/// Everybody whose doing or answers this step rests on.
#[must_use]
pub fn performers(found: Found<'_>) -> std::collections::BTreeSet<crate::trust::Principal> {
    let mut who = found.state.performers.clone();
    let exec = &found.step.exec;
    let mut texts: Vec<String> = [&exec.rollback, &exec.dry_run, &exec.cwd]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    texts.extend(words_of(found));
    texts.extend(found.step.exec.env.iter().map(|(_, value)| value.clone()));
    for name in texts.iter().flat_map(|text| variables(text)) {
        if let Some(value) = found.run.values.get(&name) {
            who.insert(value.by.clone());
        }
    }
    who
}

/// Every text of the step's kind in which a value may be named.
fn words_of(found: Found<'_>) -> Vec<String> {
    match &found.step.kind {
        Kind::Run(script) => vec![script.clone()],
        Kind::Wait(wait) => wait.until.iter().cloned().collect(),
        Kind::Uses(uses) => uses.with.iter().map(|(_, value)| value.clone()).collect(),
        Kind::Collect(collect) => {
            let logs = found.run.book.logs.iter();
            let mut texts: Vec<_> = logs
                .filter(|log| collect.logs.contains(&log.name))
                .map(|log| match &log.source {
                    LogSource::File(text) | LogSource::Run(text) | LogSource::Journal(text) => {
                        text.clone()
                    }
                })
                .collect();
            texts.extend(collect.files.iter().cloned());
            texts.extend(collect.matching.clone());
            texts
        }
        Kind::Notify(_) | Kind::Manual | Kind::Decide(_) | Kind::Ask(_) | Kind::Parallel(_) => {
            Vec::new()
        }
    }
}

//! Judging how something that was started ended: as the step expects, with the values it gives, or not.

use std::collections::BTreeMap;

use regex::Regex;

use super::draft;
use crate::engine::at::At;
use crate::engine::checkpoint::{judge, record};
use crate::engine::command::{Decision, Effect, Finished, Ran, Refusal, RefusalKind};
use crate::engine::exec::Purpose;
use crate::engine::fact::{Fact, Outcome, StepFinished};
use crate::engine::ids::StepRef;
use crate::engine::state::{State, Status};
use crate::evidence::escape;
use crate::runbook::model::{Kind, Step};
use crate::runbook::outputs;

pub(super) fn finish(
    state: &State,
    step: &StepRef,
    purpose: Purpose,
    finished: Finished,
    at: &At,
) -> Result<Decision, Refusal> {
    let found = record::find(state, &judge::key(step))?;
    let late = || {
        Refusal::new(
            RefusalKind::Late,
            format!("the end of {step} came after it was recorded as over"),
        )
    };
    if purpose == Purpose::Run {
        if found.state.status != Status::Running || found.state.attempt != step.attempt {
            return Err(late());
        }
        if found.state.writer.as_ref() != Some(&at.writer) {
            return Err(Refusal::new(
                RefusalKind::NotEligible,
                format!("{step} runs for another writer, who records its end"),
            ));
        }
    } else if !found
        .state
        .twins
        .get(&purpose)
        .is_some_and(|twin| twin.running && twin.record.executor.writer == at.writer.as_str())
    {
        return Err(late());
    }
    let fact = judged(found.step, step, purpose, finished);
    let failed = fact.outcome == Outcome::Failed;
    let mut decision = Decision {
        events: vec![draft(at, state, Fact::from(fact))],
        effects: Vec::new(),
    };
    if let Some(retry) = found.step.exec.retry
        && failed
        && purpose == Purpose::Run
        && found.state.tries < retry.attempts
        && found
            .state
            .record
            .as_ref()
            .is_some_and(|record| record.gate == "-")
    {
        let after = retry.delay.as_secs();
        decision.effects.push(Effect::Retry {
            step: judge::key(step),
            after,
        });
    }
    Ok(decision)
}

/// Whether it ended as the step expects, and the values it gave.
fn judged(step: &Step, at: &StepRef, purpose: Purpose, finished: Finished) -> StepFinished {
    let expect = &step.exec.expect;
    let (exit, signal, mut problem) = match &finished.ran {
        Ran::Exit(code) if purpose != Purpose::Run && *code == 0 => (Some(*code), None, None),
        Ran::Exit(code) if purpose == Purpose::Run && expect.exit.contains(code) => {
            (Some(*code), None, None)
        }
        Ran::Exit(code) => (Some(*code), None, Some(format!("exit status {code}"))),
        Ran::Signal(signal) => (
            None,
            Some(*signal),
            Some(format!("ended by signal {signal}")),
        ),
        Ran::TimedOut => (
            None,
            None,
            Some("took longer than its timeout and was ended".to_owned()),
        ),
        Ran::NotStarted(why) => (
            None,
            None,
            Some(format!("could not be started: {}", escape::line(why))),
        ),
        Ran::Failed(why) => (None, None, Some(escape::line(why).to_string())),
        Ran::Lost => (None, None, Some("nobody saw how it ended".to_owned())),
    };
    let (mut values, mut secrets) = (BTreeMap::new(), Vec::new());
    if purpose == Purpose::Run && problem.is_none() && matches!(step.kind, Kind::Run(_)) {
        problem = outputs_of(step, &finished.stdout, &mut values, &mut secrets).err();
    }
    let outcome = match (&finished.ran, &problem) {
        (Ran::Lost, _) => Outcome::Unknown,
        (_, None) => Outcome::Succeeded,
        (_, Some(_)) => Outcome::Failed,
    };
    StepFinished {
        step: at.clone(),
        purpose,
        outcome,
        exit,
        signal,
        started: finished.started,
        ended: finished.ended,
        outputs: values,
        secrets,
        evidence: finished.evidence,
        problem,
    }
}

fn outputs_of(
    step: &Step,
    stdout: &str,
    values: &mut BTreeMap<String, String>,
    secrets: &mut Vec<String>,
) -> Result<(), String> {
    if let Some(pattern) = &step.exec.expect.output {
        let regex = Regex::new(pattern).map_err(|error| format!("expect.output: {error}"))?;
        if !regex.is_match(stdout) {
            return Err(format!("its output does not match {pattern}"));
        }
    }
    for output in &step.exec.outputs {
        let value = outputs::take(&output.take, stdout)
            .map_err(|error| format!("output {}: {error}", output.name))?;
        if output.secret {
            secrets.push(output.name.clone());
        } else {
            values.insert(output.name.clone(), value);
        }
    }
    Ok(())
}

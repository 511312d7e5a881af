//! From the shape people write to the model the engine walks: defaults filled in, places forgotten.
//! Knows nothing of YAML; refuses nothing.

use super::decode::{At, Named, OneOrMany, Standing};
use super::file::{
    CollectFile, FailureFile, InputFile, KeysFile, LogFile, OutputFile, RunbookFile, StepFile,
    WaitFile,
};
use super::model::{
    CheckpointSpec, Choice, Collect, Decide, Due, Escalate, ExecSpec, Expect, Input, InputKind,
    KeyRule, Kind, LineRule, Log, LogSource, Next, NotWho, Notify, OnFailure, Output, Retry, Role,
    Runbook, RunbookId, Step, StepId, Take, Uses, Wait,
};
use super::words::{Count, Id, Label, Length, Not, Text};

use std::collections::BTreeMap;
use std::time::Duration;

mod policy;

pub(crate) use policy::policy;

const ASK_EVERY: Duration = Duration::from_secs(5);

fn text(value: &At<Text>) -> String {
    value.value.0.clone()
}

fn some_text(value: Option<&At<Text>>) -> Option<String> {
    value.map(text)
}

fn texts(values: Option<&Vec<At<Text>>>) -> Vec<String> {
    values.into_iter().flatten().map(text).collect()
}

fn many(values: &OneOrMany<At<Text>>) -> Vec<String> {
    values.0.iter().map(text).collect()
}

fn span(value: Option<&At<Length>>) -> Option<Duration> {
    value.map(|at| at.value.0)
}

fn role(value: Option<&At<Label>>) -> Option<Role> {
    value.map(|at| Role(at.value.0.clone()))
}

fn step_id(value: &At<Id>) -> StepId {
    StepId(value.value.0.clone())
}

fn next(value: &At<Id>) -> Next {
    if value.value.0 == "end" {
        Next::End
    } else {
        Next::Step(step_id(value))
    }
}

fn pairs<K>(
    values: Option<&Named<K, At<Text>>>,
    name: impl Fn(&K) -> &String,
) -> Vec<(String, String)> {
    let entries = values.into_iter().flat_map(|named| &named.0);
    entries
        .map(|(key, value)| (name(&key.value).clone(), text(value)))
        .collect()
}

/// The runbook that a file says.
pub(crate) fn runbook(file: &RunbookFile) -> Runbook {
    let inputs = file.inputs.iter().flat_map(|named| &named.0);
    let logs = file.logs.iter().flat_map(|named| &named.0);
    Runbook {
        id: RunbookId(file.id.value.0.clone()),
        title: text(&file.title),
        severity: file.severity.as_ref().map(|at| at.value),
        summary: some_text(file.summary.as_ref()).unwrap_or_default(),
        owner: some_text(file.owner.as_ref()),
        services: texts(file.services.as_ref()),
        tags: texts(file.tags.as_ref()),
        alerts: texts(file.alerts.as_ref()),
        last_reviewed: file.last_reviewed.as_ref().map(|at| at.value.0),
        review_every: span(file.review_every.as_ref()),
        inputs: inputs
            .map(|(name, file)| input(&name.value.0, file))
            .collect(),
        logs: logs
            .filter_map(|(name, file)| log(&name.value.0, file))
            .collect(),
        steps: file
            .steps
            .value
            .iter()
            .map(|file| step(&file.value))
            .collect(),
    }
}

/// One input or question.
pub(crate) fn input(name: &str, file: &InputFile) -> Input {
    Input {
        name: name.to_owned(),
        prompt: some_text(file.prompt.as_ref()),
        kind: file.kind.as_ref().map_or(InputKind::Text, |at| at.value),
        pattern: some_text(file.pattern.as_ref()),
        choices: texts(file.choices.as_ref()),
        default: some_text(file.default.as_ref()),
        secret: file.secret.as_ref().is_some_and(|at| at.value.0),
        optional: file.optional.as_ref().is_some_and(|at| at.value.0),
    }
}

fn log(name: &str, file: &Standing<LogFile>) -> Option<Log> {
    let file = &file.value;
    let source = match (&file.file, &file.run, &file.journal) {
        (Some(path), _, _) => LogSource::File(text(path)),
        (_, Some(run), _) => LogSource::Run(text(run)),
        (_, _, Some(unit)) => LogSource::Journal(text(unit)),
        _ => return None,
    };
    Some(Log {
        name: name.to_owned(),
        source,
        host: some_text(file.host.as_ref()),
        zone: some_text(file.zone.as_ref()),
        format: file.format.as_ref().map(|at| at.value.0.to_owned()),
        rules: file
            .matching
            .iter()
            .flatten()
            .map(|rule| LineRule {
                pattern: text(&rule.pattern),
                say: some_text(rule.say.as_ref()),
                class: rule.class.as_ref().map(|at| at.value).unwrap_or_default(),
            })
            .collect(),
    })
}

fn step(file: &StepFile) -> Step {
    Step {
        id: step_id(&file.id),
        title: title(file),
        phase: some_text(file.phase.as_ref()),
        role: role(file.role.as_ref()),
        instructions: some_text(file.instructions.as_ref()).unwrap_or_default(),
        checklist: texts(file.checklist.as_ref()),
        kind: kind(file),
        when: some_text(file.when.as_ref()),
        next: file.next.as_ref().map(next),
        risk: file.risk.as_ref().map(|at| at.value).unwrap_or_default(),
        checkpoint: file.checkpoint.as_ref().map(|at| asks!(at.value)),
        due: file.due.as_ref().map(|due| Due {
            clock: due.clock.value.0.to_owned(),
            within: due.within.value.0,
        }),
        on_failure: match &file.on_failure {
            Some(FailureFile::Word(at)) if at.value.0 == "continue" => OnFailure::Continue,
            Some(FailureFile::Next(to)) => OnFailure::Next(next(&to.next)),
            _ => OnFailure::Stop,
        },
        exclusive: file.exclusive.as_ref().is_some_and(|at| at.value.0),
        escalate: file.escalate.as_ref().map(|escalate| Escalate {
            to: text(&escalate.to),
            after: escalate.after.value.0,
        }),
        foreach: file.foreach.as_ref().map(many),
        exec: exec(file),
    }
}

/// A step without a title is called by its question, or by its id in words.
fn title(file: &StepFile) -> String {
    if let Some(title) = file.title.as_ref().or(file.decide.as_ref()) {
        return text(title);
    }
    let words = file.id.value.0.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn kind(file: &StepFile) -> Kind {
    if let Some(run) = &file.run {
        Kind::Run(text(run))
    } else if let Some(question) = &file.decide {
        let options = file.options.iter().flat_map(|options| &options.value);
        Kind::Decide(Decide {
            question: text(question),
            options: options
                .map(|option| Choice {
                    label: text(&option.label),
                    next: option.next.as_ref().map(next),
                    when: some_text(option.when.as_ref()),
                })
                .collect(),
        })
    } else if let Some(ask) = &file.ask {
        Kind::Ask(
            ask.0
                .iter()
                .map(|(name, file)| input(&name.value.0, file))
                .collect(),
        )
    } else if let Some(wait) = &file.wait {
        Kind::Wait(waiting(&wait.value))
    } else if let Some(notify) = &file.notify {
        let notify = &notify.value;
        Kind::Notify(Notify {
            audience: notify.audience.value.0.clone(),
            state: notify.state.as_ref().map(|at| at.value.0.to_owned()),
            message: text(&notify.message),
            every: span(file.every.as_ref()),
        })
    } else if let Some(collect) = &file.collect {
        Kind::Collect(collecting(&collect.value))
    } else if let Some(uses) = &file.uses {
        Kind::Uses(Uses {
            runbook: RunbookId(uses.value.0.clone()),
            with: pairs(file.with.as_ref(), |name| &name.0),
        })
    } else if let Some(lanes) = &file.parallel {
        Kind::Parallel(
            lanes
                .value
                .iter()
                .map(|lane| lane.iter().map(step_id).collect())
                .collect(),
        )
    } else {
        Kind::Manual
    }
}

fn waiting(file: &WaitFile) -> Wait {
    Wait {
        until: some_text(file.until.as_ref()),
        every: span(file.every.as_ref()).unwrap_or(ASK_EVERY),
        limit: span(file.limit.as_ref()),
    }
}

fn collecting(file: &CollectFile) -> Collect {
    Collect {
        logs: file
            .logs
            .iter()
            .flatten()
            .map(|at| at.value.0.clone())
            .collect(),
        files: texts(file.files.as_ref()),
        before: span(file.before.as_ref()),
        after: span(file.after.as_ref()),
        matching: some_text(file.matching.as_ref()),
        tail: file.tail.as_ref().map(|at| at.value.0),
        limit: file.limit.as_ref().map(|at| at.value.0),
    }
}

fn exec(file: &StepFile) -> ExecSpec {
    let outputs = file.outputs.iter().flat_map(|named| &named.0);
    ExecSpec {
        dry_run: some_text(file.dry_run.as_ref()),
        rollback: some_text(file.rollback.as_ref()),
        shell: file.shell.as_ref().map(shell).unwrap_or_default(),
        cwd: some_text(file.cwd.as_ref()),
        host: some_text(file.host.as_ref()),
        env: pairs(file.env.as_ref(), |name| &name.0),
        timeout: span(file.timeout.as_ref()),
        retry: file.retry.as_ref().map(|retry| Retry {
            attempts: retry.attempts.value.0,
            delay: span(retry.delay.as_ref()).unwrap_or(Duration::ZERO),
        }),
        outputs: outputs
            .filter_map(|(name, file)| output(&name.value.0, file))
            .collect(),
        expect: file
            .expect
            .as_ref()
            .map_or_else(Expect::default, |expect| Expect {
                exit: expect.exit.as_ref().map_or_else(
                    || vec![0],
                    |exit| exit.0.iter().map(|at| at.value.0).collect(),
                ),
                output: some_text(expect.output.as_ref()),
            }),
        interactive: file.interactive.as_ref().is_some_and(|at| at.value.0),
    }
}

/// `bash -eu` and `[bash, -eu]` are the same.
fn shell(value: &OneOrMany<At<Text>>) -> Vec<String> {
    match value.0.as_slice() {
        [one] => one.value.0.split_whitespace().map(str::to_owned).collect(),
        many => many.iter().map(text).collect(),
    }
}

fn output(name: &str, file: &OutputFile) -> Option<Output> {
    let take = match (&file.json, &file.regex, &file.whole) {
        (Some(path), _, _) => Take::Json(text(path)),
        (_, Some(regex), _) => Take::Regex(text(regex)),
        (_, _, Some(_)) => Take::Whole,
        _ => return None,
    };
    Some(Output {
        name: name.to_owned(),
        take,
        secret: file.secret.as_ref().is_some_and(|at| at.value.0),
    })
}

fn not_who(values: Option<&OneOrMany<At<Not>>>) -> Vec<NotWho> {
    values
        .into_iter()
        .flat_map(|not| &not.0)
        .map(|at| at.value.0.clone())
        .collect()
}

/// What any of the shapes that ask for approvals asks for.
macro_rules! asks {
    ($file:expr) => {
        CheckpointSpec {
            approvals: $file.approvals.as_ref().map_or(1, |at| at.value.0),
            role: role($file.role.as_ref()),
            of_them: counts($file.of_them.as_ref()),
            not: not_who($file.not.as_ref()),
            keys: keys($file.keys.as_ref().map(|at| &at.value)),
            expires: span($file.expires.as_ref()),
        }
    };
}
use asks;

fn keys(file: Option<&KeysFile>) -> KeyRule {
    match file {
        Some(file) if file.verified.is_some() => KeyRule::Verified,
        Some(file) if file.touch.is_some() => KeyRule::Touched,
        _ => KeyRule::Any,
    }
}

fn counts(values: Option<&Named<Label, At<Count>>>) -> BTreeMap<Role, u32> {
    let entries = values.into_iter().flat_map(|named| &named.0);
    entries
        .map(|(role, count)| (Role(role.value.0.clone()), count.value.0))
        .collect()
}

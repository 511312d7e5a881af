//! From the shape people write to the script as it is run: defaults filled in, places forgotten. Refuses nothing.

use std::time::Duration;

use super::file::{
    AnswerFile, ClockFile, ColleagueFile, ExpectationFile, InjectFile, LineFile, LogFile,
    ProofFile, ReplyFile, ScenarioFile,
};
use super::words::SaysWord;
use super::{
    Answer, Attachment, Clock, Colleague, Expectation, Inject, Means, Move, Objective, Part, Proof,
    Reply, Says, Scenario, SimulatedLine, SimulatedLog, When,
};
use crate::runbook::decode::{At, Standing};
use crate::runbook::model::{Role, RunbookId, Severity, StepId};
use crate::runbook::words::{Id, Label, Length, Text};

/// How a moment stands in front of a line where nothing says so.
pub(crate) const STAMP: &str = "%Y-%m-%dT%H:%M:%S%:z";
/// Who an inject is from where nothing says so.
const CONTROL: &str = "exercise control";
const TAKES: Duration = Duration::from_secs(1);

fn text(value: &At<Text>) -> String {
    value.value.0.clone()
}

fn some_text(value: Option<&At<Text>>) -> Option<String> {
    value.map(text)
}

fn maybe_text(value: Option<&At<Text>>) -> String {
    some_text(value).unwrap_or_default()
}

fn texts(values: Option<&Vec<At<Text>>>) -> Vec<String> {
    values.into_iter().flatten().map(text).collect()
}

fn titled(title: Option<&At<Text>>, id: &At<Id>) -> String {
    some_text(title).unwrap_or_else(|| id.value.0.clone())
}

fn id(value: &At<Id>) -> String {
    value.value.0.clone()
}

fn step(value: &At<Id>) -> StepId {
    StepId(id(value))
}

fn role(value: &At<Label>) -> Role {
    Role(value.value.0.clone())
}

fn span(value: Option<&At<Length>>) -> Option<Duration> {
    value.map(|at| at.value.0)
}

fn all<'f, F: 'f, M>(files: Option<&'f Vec<F>>, make: impl Fn(&'f F) -> M) -> Vec<M> {
    files.into_iter().flatten().map(make).collect()
}

fn proofs<'f>(files: impl IntoIterator<Item = &'f Vec<Standing<ProofFile>>>) -> Vec<Proof> {
    let files = files.into_iter().flatten();
    files.filter_map(|file| proof(&file.value)).collect()
}

/// The scenario that a file says.
pub(crate) fn scenario(file: &ScenarioFile) -> Scenario {
    let with = file.with.iter().flat_map(|named| &named.0);
    Scenario {
        id: id(&file.id),
        title: text(&file.title),
        form: file.form.value,
        summary: maybe_text(file.summary.as_ref()),
        scope: maybe_text(file.scope.as_ref()),
        threat: maybe_text(file.threat.as_ref()),
        sponsor: some_text(file.sponsor.as_ref()),
        briefing: text(&file.briefing),
        notes: maybe_text(file.notes.as_ref()),
        runbook: file.runbook.as_ref().map(|at| RunbookId(id(at))),
        inputs: with
            .map(|(name, value)| (name.value.0.clone(), text(value)))
            .collect(),
        severity: file.severity.as_ref().map_or(Severity::Sev3, |at| at.value),
        clock: clock(&file.clock),
        objectives: all(Some(&file.objectives.value), |file| Objective {
            id: id(&file.id),
            title: text(&file.title),
            capability: maybe_text(file.capability.as_ref()),
            critical_tasks: texts(file.critical_tasks.as_ref()),
        }),
        parts: all(file.parts.as_ref(), |file| Part {
            id: id(&file.id),
            title: titled(file.title.as_ref(), &file.id),
            side: file.side.value,
            role: file.role.as_ref().map(role),
        }),
        moves: all(file.moves.as_ref(), |file| Move {
            id: id(&file.id),
            title: titled(file.title.as_ref(), &file.id),
            at: file.at.value.0,
            questions: texts(file.questions.as_ref()),
        }),
        injects: all(Some(&file.injects.value), |file| inject(&file.value)),
        expectations: all(Some(&file.expectations.value), expectation),
        answers: all(file.answers.as_ref(), |file| answer(&file.value)),
        logs: all(file.logs.as_ref(), log),
        colleagues: all(file.colleagues.as_ref(), colleague),
        hot_wash: texts(file.hot_wash.as_ref()),
        code_word: text(&file.code_word),
        abort: texts(file.abort.as_ref()),
    }
}

fn clock(file: &ClockFile) -> Clock {
    Clock {
        start: file.start.as_ref().map(|at| at.value.0),
        scale: file.scale.as_ref().map_or(1000, |at| at.value.0),
        by_moves: file.by_moves.as_ref().is_some_and(|at| at.value.0),
        pauses: all(file.pauses.as_ref(), |at| at.value.0),
        length: file.length.value.0,
    }
}

fn inject(file: &InjectFile) -> Inject {
    Inject {
        id: id(&file.id),
        title: titled(file.title.as_ref(), &file.id),
        when: when(file),
        means: file.means.as_ref().map_or(Means::Chat, |at| at.value),
        from: some_text(file.from.as_ref()).unwrap_or_else(|| CONTROL.to_owned()),
        to: all(file.to.as_ref(), id),
        message: text(&file.message),
        attachments: all(file.attachments.as_ref(), |file| Attachment {
            name: file.name.value.0.clone(),
            text: text(&file.text),
        }),
        contingency: some_text(file.contingency.as_ref()),
        notes: some_text(file.notes.as_ref()),
    }
}

fn when(file: &InjectFile) -> When {
    let unless = proofs(&file.unless);
    match (&file.at, &file.after) {
        (Some(at), _) => When::At {
            at: at.value.0,
            unless,
        },
        (None, Some(after)) => When::After {
            after: proofs([&after.value]),
            delay: span(file.delay.as_ref()).unwrap_or_default(),
            within: span(file.within.as_ref()),
            unless,
        },
        (None, None) => When::ByHand,
    }
}

/// What one proof says; `None` where it says nothing.
pub(crate) fn proof(file: &ProofFile) -> Option<Proof> {
    type OfStep = fn(StepId) -> Proof;
    let steps: [(&Option<At<Id>>, OfStep); 11] = [
        (&file.started, Proof::Started),
        (&file.done, Proof::Done),
        (&file.failed, Proof::Failed),
        (&file.skipped, Proof::Skipped),
        (&file.dry_run, Proof::DryRun),
        (&file.asked, Proof::Asked),
        (&file.approved, Proof::Approved),
        (&file.denied, Proof::Denied),
        (&file.overridden, Proof::Overridden),
        (&file.claimed, Proof::Claimed),
        (&file.refused, Proof::Refused),
    ];
    let of_step = steps
        .into_iter()
        .find_map(|(named, make)| named.as_ref().map(|at| make(step(at))));
    of_step.or_else(|| other_proof(file))
}

fn other_proof(file: &ProofFile) -> Option<Proof> {
    let label = |at: &At<Label>| at.value.0.clone();
    Some(if let Some(chosen) = &file.chosen {
        Proof::Chosen {
            step: step(&chosen.step),
            label: text(&chosen.label),
        }
    } else if let Some(milestone) = &file.milestone {
        Proof::Milestone(milestone.value.0.to_owned())
    } else if let Some(severity) = &file.severity {
        Proof::Severity(severity.value)
    } else if let Some(at) = &file.role {
        Proof::Role(role(at))
    } else if let Some(decision) = &file.decision {
        Proof::Decision(decision.value.0.clone())
    } else if let Some(submitted) = &file.submitted {
        Proof::Submitted {
            clock: label(&submitted.clock),
            stage: submitted.stage.as_ref().map(label),
        }
    } else if let Some(update) = &file.update {
        Proof::Update {
            audience: update.audience.as_ref().map(label),
            state: update.state.as_ref().map(|at| at.value.0.to_owned()),
        }
    } else if let Some(note) = &file.note {
        Proof::Note(text(note))
    } else if let Some(followup) = &file.followup {
        Proof::Followup(text(followup))
    } else if let Some(log) = &file.collected {
        Proof::Collected(label(log))
    } else {
        Proof::Inject(id(file.inject.as_ref()?))
    })
}

fn expectation(file: &ExpectationFile) -> Expectation {
    Expectation {
        id: id(&file.id),
        action: text(&file.action),
        role: file.role.as_ref().map(|at| at.value.0.clone()),
        about: file.about.as_ref().map(id),
        by: file.by.value.0,
        proof: proofs(&file.proof),
        never: proofs(&file.never),
        weight: file.weight.as_ref().map_or(1, |at| at.value.0),
        critical: file.critical.as_ref().is_some_and(|at| at.value.0),
        objective: id(&file.objective),
    }
}

fn answer(file: &AnswerFile) -> Answer {
    Answer {
        step: step(&file.step),
        purpose: file.purpose.as_ref().map(|at| at.value).unwrap_or_default(),
        attempt: file.attempt.as_ref().map(|at| at.value.0),
        after: proofs(&file.after),
        takes: span(file.takes.as_ref()).unwrap_or(TAKES),
        exit: file.exit.as_ref().map_or(0, |at| at.value.0),
        output: maybe_text(file.output.as_ref()),
    }
}

fn log(file: &LogFile) -> SimulatedLog {
    SimulatedLog {
        name: file.name.value.0.clone(),
        stamp: some_text(file.stamp.as_ref()).unwrap_or_else(|| STAMP.to_owned()),
        lines: all(Some(&file.lines.value), line),
    }
}

pub(crate) fn line(file: &LineFile) -> SimulatedLine {
    let every = file.every.as_ref().map(|at| at.value.0);
    let until = file.until.as_ref().map(|at| at.value.0);
    SimulatedLine {
        at: file.at.value.0,
        every: every.zip(until),
        text: text(&file.text),
        after: proofs(&file.after),
    }
}

fn colleague(file: &ColleagueFile) -> Colleague {
    Colleague {
        id: id(&file.id),
        name: titled(file.name.as_ref(), &file.id),
        roles: all(Some(&file.roles), role),
        replies: all(file.replies.as_ref(), |file| reply(&file.value)),
    }
}

fn reply(file: &ReplyFile) -> Reply {
    Reply {
        step: file.step.as_ref().map(step),
        time: file.time.as_ref().map(|at| at.value.0),
        after: span(file.after.as_ref()).unwrap_or_default(),
        says: match file.says.value {
            SaysWord::Approve => Says::Approve,
            SaysWord::Deny => Says::Deny(maybe_text(file.reason.as_ref())),
            SaysWord::Nothing => Says::Nothing,
        },
    }
}

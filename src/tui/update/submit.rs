//! What a filled form becomes.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::super::layer::{Form, FormKind};
use super::super::model::Model;
use super::super::when::{self, Zone};
use super::super::wish::{Start, Wish};
use super::super::world::World;
use super::{ask, said};
use crate::engine::Intent;
use crate::engine::event::Fidelity;
use crate::engine::fact::Milestone;
use crate::engine::intent::Secret;
use crate::logs::view::page::At;
use crate::runbook::model::{LineClass, Role, Severity};
use crate::trust::Principal;

/// The severities as they are chosen.
pub(in crate::tui) const SEVERITIES: [(&str, Severity); 5] = [
    ("SEV1", Severity::Sev1),
    ("SEV2", Severity::Sev2),
    ("SEV3", Severity::Sev3),
    ("SEV4", Severity::Sev4),
    ("SEV5", Severity::Sev5),
];

pub(super) type Submitted = Result<Vec<Wish>, (usize, String)>;

/// The wishes a form stands for, or the field that is wrong and why.
pub(super) fn submit(form: &Form, model: &mut Model, world: &World) -> Submitted {
    let text = |name: &str| form.value(name).trim().to_owned();
    let act = |intent: Intent| Ok(vec![Wish::Act(intent)]);
    match form.kind.clone() {
        FormKind::Skip(step) => act(Intent::Skip {
            step,
            reason: text("reason"),
        }),
        FormKind::Resolve(step, outcome) => act(Intent::Resolve {
            step,
            outcome,
            reason: Some(text("reason")).filter(|reason| !reason.is_empty()),
        }),
        FormKind::Override(step, purpose) => act(Intent::Override {
            step,
            purpose,
            reason: text("reason"),
        }),
        FormKind::Correct(event) => act(Intent::Correct {
            event,
            text: text("text"),
            reason: text("reason"),
        }),
        FormKind::Attach => act(Intent::Attach {
            path: text("path"),
            step: None,
        }),
        FormKind::MarkLine(at) => Ok(vec![Wish::MarkLine {
            at,
            text: text("text"),
            class: LineClass::ALL
                .into_iter()
                .find(|(_, word)| *word == form.value("class"))
                .map_or(LineClass::Note, |(class, _)| class),
        }]),
        FormKind::Excerpt(from, here) => excerpt(from, here, form),
        FormKind::Columns => {
            let keys = text("keys");
            let keys: Vec<String> = keys.split_whitespace().map(str::to_owned).collect();
            model.logs.columns = (!keys.is_empty()).then_some(keys);
            Ok(Vec::new())
        }
        FormKind::Reopen => act(Intent::Reopen {
            reason: text("reason"),
        }),
        FormKind::Close => act(Intent::Close),
        FormKind::Update => told(form, world),
        FormKind::Export(format) => Ok(vec![Wish::Export {
            format,
            audience: Some(text("audience")).filter(|name| name != ask::EVERYTHING),
            template: Some(text("template"))
                .filter(|name| !name.is_empty() && name != ask::NO_TEMPLATE),
            path: text("path"),
        }]),
        FormKind::Adopt | FormKind::Expunge(_) | FormKind::Review(_) | FormKind::Approval(..) => {
            signed(form)
        }
        _ => structured(form, model, world),
    }
}

/// What leaves is shown before it is told.
fn told(form: &Form, world: &World) -> Submitted {
    let text = |name: &str| form.value(name).trim().to_owned();
    let within = text("next");
    let next = if within.is_empty() {
        None
    } else {
        let length = crate::runbook::words::length(&within);
        let next = length
            .and_then(|length| TimeDelta::from_std(length).ok())
            .and_then(|length| world.now.to_utc().checked_add_signed(length));
        let at = form.fields.len() - 1;
        Some(next.ok_or((at, "a time such as 30m or 2h".to_owned()))?)
    };
    Ok(vec![Wish::PreviewUpdate(Intent::Update {
        audience: text("audience"),
        state: Some(text("state")).filter(|state| !state.is_empty()),
        message: text("message"),
        next,
    })])
}

/// Lines to a file, or into the record.
fn excerpt(from: Option<At>, here: At, form: &Form) -> Submitted {
    let path = form.value("path").trim().to_owned();
    let recorded = form.value("to").starts_with("evidence");
    if !recorded && path.is_empty() {
        let at = form.fields.len() - 1;
        return Err((at, "a path".to_owned()));
    }
    Ok(vec![Wish::Excerpt {
        from,
        here,
        path: (!recorded).then_some(path),
    }])
}

/// What is answered with a signature.
fn signed(form: &Form) -> Submitted {
    let text = |name: &str| form.value(name).trim().to_owned();
    let act = |intent: Intent| Ok(vec![Wish::Act(intent)]);
    match form.kind.clone() {
        FormKind::Adopt => act(Intent::Adopt {
            reason: Some(text("reason")).filter(|reason| !reason.is_empty()),
        }),
        FormKind::Expunge(evidence) => act(Intent::Expunge {
            evidence,
            reason: text("reason"),
        }),
        FormKind::Review(overridden) => {
            let accepted = match form.value("verdict") {
                "accepted" => true,
                "rejected" => false,
                _ => return Err((0, "choose accepted or rejected with ← and →".to_owned())),
            };
            act(Intent::Review {
                overridden,
                accepted,
                reason: text("reason"),
            })
        }
        FormKind::Approval(step, request, true) => act(Intent::Approve { step, request }),
        FormKind::Approval(step, request, false) => act(Intent::Deny {
            step,
            request,
            reason: text("reason"),
        }),
        _ => Ok(Vec::new()),
    }
}

fn structured(form: &Form, model: &mut Model, world: &World) -> Submitted {
    let text = |name: &str| form.value(name).trim().to_owned();
    let act = |intent: Intent| Ok(vec![Wish::Act(intent)]);
    match form.kind.clone() {
        FormKind::Done(step) => act(Intent::Done {
            step,
            checklist: ticked(form),
            note: Some(text("note")).filter(|note| !note.is_empty()),
        }),
        FormKind::Answer(step) => {
            let (answers, secrets) = form.values();
            act(Intent::Answer {
                step,
                answers,
                secrets: hidden(secrets),
            })
        }
        FormKind::Secrets(step) => Ok(form
            .values()
            .1
            .into_iter()
            .map(|(name, value)| Wish::Secret {
                run: step.run.clone(),
                name,
                value: Secret(value),
            })
            .collect()),
        _ => timed_or_local(form, model, world),
    }
}

fn timed_or_local(form: &Form, model: &mut Model, world: &World) -> Submitted {
    let text = |name: &str| form.value(name).trim().to_owned();
    let act = |intent: Intent| Ok(vec![Wish::Act(intent)]);
    match form.kind.clone() {
        FormKind::Role => {
            let who = Principal::try_from(text("who").as_str())
                .map_err(|error| (0, error.to_string()))?;
            act(Intent::AssignRole {
                who,
                role: Role(text("role")),
            })
        }
        FormKind::Note(step) => {
            let (at, fidelity, words) = timed(&text("text"), model, world, false)?;
            model.timeline.awaited = Some(model.timeline.index.recorded());
            act(Intent::Note {
                text: words,
                at,
                until: None,
                fidelity,
                step,
                details: None,
            })
        }
        FormKind::Backdate => {
            let (at, fidelity, words) = timed(&text("text"), model, world, true)?;
            model.timeline.awaited = Some(model.timeline.index.recorded());
            act(Intent::Note {
                text: words,
                at,
                until: None,
                fidelity,
                step: None,
                details: None,
            })
        }
        FormKind::Milestone(milestone) => milestone_at(milestone, &text("at"), model, world),
        FormKind::Start(runbook) => Ok(vec![start(form, runbook)]),
        FormKind::Filter => {
            model.timeline.index.set_filter(ask::filtered(form));
            Ok(Vec::new())
        }
        _ => said::submit(form, model, world),
    }
}

fn milestone_at(milestone: Milestone, typed: &str, model: &mut Model, world: &World) -> Submitted {
    let zone = Zone::new(model.local, world.now);
    let (at, fidelity) = if typed.is_empty() {
        (None, Fidelity::Exact)
    } else {
        when::typed(typed, world.now, zone)
            .filter(|(_, _, rest)| rest.is_empty())
            .map(|(at, fidelity, _)| (Some(at), fidelity))
            .ok_or((0, "a time like 13:40, -12m or empty for now".to_owned()))?
    };
    model.timeline.awaited = Some(model.timeline.index.recorded());
    Ok(vec![Wish::Act(Intent::Reach {
        milestone,
        at,
        fidelity,
    })])
}

fn ticked(form: &Form) -> Vec<String> {
    form.fields
        .iter()
        .filter(|field| matches!(field.kind, super::super::layer::FieldKind::Tick(true)))
        .map(|field| field.label.clone())
        .collect()
}

fn hidden(values: BTreeMap<String, String>) -> BTreeMap<String, Secret> {
    values
        .into_iter()
        .map(|(name, value)| (name, Secret(value)))
        .collect()
}

type Timed = (
    Option<chrono::DateTime<chrono::FixedOffset>>,
    Fidelity,
    String,
);

/// A text with perhaps a time in front of it.
fn timed(text: &str, model: &Model, world: &World, needed: bool) -> Result<Timed, (usize, String)> {
    let zone = Zone::new(model.local, world.now);
    match when::typed(text, world.now, zone) {
        Some((at, fidelity, words)) if !words.is_empty() => {
            Ok((Some(at), fidelity, words.to_owned()))
        }
        Some(_) => Err((0, "a time, and then what happened".to_owned())),
        None if needed => Err((
            0,
            "begins with a time: 13:40 first page, or -12m first page".to_owned(),
        )),
        None => Ok((None, Fidelity::Exact, text.to_owned())),
    }
}

fn start(form: &Form, runbook: crate::runbook::model::RunbookId) -> Wish {
    let (mut inputs, secrets) = form.values();
    let title = inputs.remove(" title").unwrap_or_default();
    let severity = inputs.remove(" severity").unwrap_or_default();
    let severity = SEVERITIES
        .iter()
        .find(|(word, _)| *word == severity)
        .map_or(Severity::Sev3, |(_, severity)| *severity);
    Wish::StartIncident(Box::new(Start {
        runbook,
        title: title.trim().to_owned(),
        severity,
        inputs,
        secrets: hidden(secrets),
    }))
}

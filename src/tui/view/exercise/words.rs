//! A row of the exercise's screen in full, line by line; foreign text in it is escaped where it is drawn.

use chrono::{DateTime, Utc};

use super::super::super::exercise::Row;
use super::super::super::theme::Tone;
use super::super::super::when::{self, Zone};
use super::super::super::world::{Open, World};
use super::super::header::person;
use super::row;
use crate::engine::fact::ExerciseInjected;
use crate::exercise::due::What;
use crate::exercise::score::{Rated, Refused, Remark, Scored};
use crate::runbook::scenario::Attachment;
use crate::timeline::wording::sentence_among;

type Lines = Vec<(Tone, String)>;

/// `from CISO to ops, legal`
pub(super) fn way(from: &str, to: &[String]) -> String {
    match to {
        [] => format!("from {from}"),
        to => format!("from {from} to {}", to.join(", ")),
    }
}

/// `operator at revoke: only an approver may say yes`
pub(super) fn refused(one: &Refused) -> String {
    let who = one.role.as_deref().unwrap_or("somebody");
    let step = one.step.as_ref().map(|step| format!(" at {step}"));
    format!("{who}{}: {}", step.unwrap_or_default(), one.what)
}

fn text(lines: &mut Lines, tone: Tone, words: &str) {
    lines.extend(words.trim_end().lines().map(|line| (tone, line.to_owned())));
}

/// The row.
pub(super) fn of(row: &Row<'_>, open: &Open, world: &World, zone: Zone) -> Lines {
    let mut lines = Lines::new();
    match row {
        Row::Message { at, inject } => message(&mut lines, inject, Some(*at), zone),
        Row::Due(due) => match &due.what {
            What::Inject(inject) => {
                message(&mut lines, inject, None, zone);
                notes(&mut lines, open, &inject.inject);
            }
            _ => {
                let (tone, words) = row::due_words(due);
                lines.push((tone, format!("{} {words}", zone.clock(due.at))));
                questions(&mut lines, open, &due.what);
            }
        },
        Row::Unset { inject, .. } => {
            let message = crate::exercise::due::message(inject, None);
            self::message(&mut lines, &message, None, zone);
            notes(&mut lines, open, &inject.id);
        }
        Row::Expectation(one) => expectation(&mut lines, one, open, world, zone),
        Row::Objective(one) => objective(&mut lines, one, open),
        Row::Refused(_, one) => {
            lines.push((
                Tone::Title,
                format!("{} a rule refused something", zone.clock(one.at)),
            ));
            lines.push((Tone::Text, refused(one)));
        }
        Row::Remark(_, one) => remark(&mut lines, one),
        row => doing(&mut lines, row, open, zone),
    }
    lines
}

/// Who does what.
fn doing(lines: &mut Lines, row: &Row<'_>, open: &Open, zone: Zone) {
    match row {
        Row::Running { record, .. } => {
            lines.push((Tone::Title, record.step.to_string()));
            for line in record.exec.script.lines() {
                lines.push((Tone::Code, format!("$ {line}")));
            }
            lines.push((
                Tone::Dim,
                "Nothing of it runs: the script, or who conducts, says what came of it.".to_owned(),
            ));
        }
        Row::Asked { request, .. } => {
            lines.push((Tone::Title, request.record.step.to_string()));
            for line in request.record.exec.script.lines() {
                lines.push((Tone::Code, format!("$ {line}")));
            }
            for yes in &request.approvals {
                lines.push((
                    Tone::Done,
                    format!("{} {} said yes", zone.clock(yes.at), yes.person),
                ));
            }
        }
        Row::Stands { step, .. } => {
            let book = open.state.run(&step.run).map(|run| &run.book);
            if let Some(step) = book.and_then(|book| book.step(&step.step)) {
                lines.push((Tone::Title, step.title.clone()));
                text(lines, Tone::Text, &step.instructions);
            }
        }
        Row::Person { who, last } => {
            let roles = open.state.roles.get(*who);
            let roles: Vec<String> = roles
                .into_iter()
                .flatten()
                .map(ToString::to_string)
                .collect();
            lines.push((Tone::Title, person(open, who)));
            lines.push((Tone::Dim, format!("{who} {}", roles.join(", "))));
            if let Some(event) = last {
                lines.push((Tone::Text, sentence_among(event, &open.events)));
            }
        }
        _ => {}
    }
}

/// A message as players get it.
fn message(lines: &mut Lines, inject: &ExerciseInjected, at: Option<DateTime<Utc>>, zone: Zone) {
    lines.push((Tone::Title, inject.title.clone()));
    let came = at.map_or(String::new(), |at| format!("{} ", zone.clock(at)));
    let way = way(&inject.from, &inject.to);
    lines.push((
        Tone::Accent,
        format!("{came}{} {way}", inject.means.words()),
    ));
    lines.push((Tone::Text, String::new()));
    text(lines, Tone::Text, &inject.message);
    for Attachment { name, text: inner } in &inject.attachments {
        lines.push((Tone::Text, String::new()));
        lines.push((Tone::Title, format!("attached: {name}")));
        text(lines, Tone::Code, inner);
    }
}

/// What only controllers read of an inject.
fn notes(lines: &mut Lines, open: &Open, id: &str) {
    let script = open.script.as_deref();
    let found = script.and_then(|script| {
        let mut injects = script.scenario.injects.iter();
        injects.find(|inject| inject.id == id)
    });
    let Some(inject) = found else { return };
    for (word, note) in [
        ("if they go another way", &inject.contingency),
        ("notes", &inject.notes),
    ] {
        if let Some(note) = note {
            lines.push((Tone::Text, String::new()));
            lines.push((Tone::Warning, word.to_owned()));
            text(lines, Tone::Text, note);
        }
    }
}

/// What is to be talked about in a move that begins.
fn questions(lines: &mut Lines, open: &Open, what: &What) {
    let (What::Move(id), Some(script)) = (what, open.script.as_deref()) else {
        return;
    };
    for one in script.scenario.moves.iter().filter(|one| one.id == *id) {
        lines.push((Tone::Title, one.title.clone()));
        for question in &one.questions {
            lines.push((Tone::Text, question.clone()));
        }
    }
}

fn expectation(lines: &mut Lines, one: &Scored, open: &Open, world: &World, zone: Zone) {
    lines.push((Tone::Title, one.action.trim().to_owned()));
    let role = one.role.as_deref().unwrap_or("anybody");
    let critical = if one.critical { " · CRITICAL" } else { "" };
    lines.push((
        Tone::Dim,
        format!(
            "{role} · objective {} · weight {}{critical}",
            one.objective, one.weight
        ),
    ));
    let (tone, _) = row::verdict(one.verdict, false);
    let mut stands = one.verdict.word().to_owned();
    if let Some(at) = one.deadline {
        stands.push_str(&format!(" · by {}", zone.clock(at)));
        if at > world.now.to_utc() {
            stands.push_str(&format!(", {} left", when::took(at - world.now.to_utc())));
        }
    }
    if let Some(at) = one.done {
        stands.push_str(&format!(" · done {}", zone.clock(at)));
    }
    lines.push((tone, stands));
    let proof = one.event.as_ref();
    let proof = proof.and_then(|id| open.events.iter().find(|event| event.id == *id));
    if let Some(event) = proof {
        lines.push((
            Tone::Text,
            format!("shown by: {}", sentence_among(event, &open.events)),
        ));
    }
    if let Some(reason) = &one.reason {
        let words = format!(
            "evaluator: {reason} (the record shows: {})",
            one.shown.word()
        );
        lines.push((Tone::Override, words));
    }
    remarks(lines, open, &one.id);
}

fn objective(lines: &mut Lines, one: &Rated, open: &Open) {
    lines.push((Tone::Title, one.title.clone()));
    lines.push((Tone::Dim, format!("capability: {}", one.capability)));
    for (word, rating) in [("proposed", one.proposed), ("confirmed", one.confirmed)] {
        if let Some(rating) = rating {
            let words = format!("{word}: {} {}", rating.letter(), rating.words());
            lines.push((Tone::Text, words));
        }
    }
    if let Some(share) = one.share {
        lines.push((Tone::Dim, format!("{share} of 100 of what is decided")));
    }
    if let Some(reason) = &one.reason {
        lines.push((Tone::Override, format!("evaluator: {reason}")));
    }
    remarks(lines, open, &one.id);
}

fn remarks(lines: &mut Lines, open: &Open, id: &str) {
    let script = open.script.as_deref();
    let all = script.into_iter().flat_map(|script| &script.score.remarks);
    for one in all.filter(|one| one.about.as_deref() == Some(id)) {
        lines.push((Tone::Text, String::new()));
        remark(lines, one);
    }
}

fn remark(lines: &mut Lines, one: &Remark) {
    let about = one.about.as_ref().map(|about| format!(" about {about}"));
    lines.push((
        Tone::Title,
        format!("{:?}{}", one.kind, about.unwrap_or_default()),
    ));
    lines.push((Tone::Text, one.text.clone()));
    if let Some(recommend) = &one.recommend {
        lines.push((Tone::Accent, format!("recommended: {recommend}")));
    }
}

/// What was told before it began, and what holds in it.
pub(super) fn briefing(open: &Open, zone: Zone) -> Lines {
    let mut lines = Lines::new();
    let Some(exercise) = open.state.exercise.as_deref() else {
        return lines;
    };
    let started = &exercise.started;
    lines.push((Tone::Title, started.title.clone()));
    let length = std::time::Duration::from_secs(started.length);
    lines.push((
        Tone::Dim,
        format!(
            "{} · from {} {} for {} of simulated time",
            started.form,
            zone.stamp(started.clock.sim),
            zone.name(),
            when::span(length)
        ),
    ));
    lines.push((Tone::Text, String::new()));
    text(&mut lines, Tone::Text, &started.briefing);
    lines.push((Tone::Text, String::new()));
    let word = format!(
        "Code word \"{}\": whoever says it means that this is real.",
        started.code_word
    );
    lines.push((Tone::Warning, word));
    for line in &started.abort {
        lines.push((Tone::Text, format!("It is broken off when: {line}")));
    }
    let ended = exercise.ended.as_ref();
    if let Some(ended) = ended {
        let how = if ended.aborted { "broken off" } else { "over" };
        let reason = ended.reason.as_ref().map(|reason| format!(": {reason}"));
        lines.push((Tone::Text, String::new()));
        lines.push((
            Tone::Exercise,
            format!("It is {how}{}", reason.unwrap_or_default()),
        ));
    }
    lines
}

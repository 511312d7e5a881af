//! A row of the exercise's screen in one line.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::super::super::exercise::{Result, Row};
use super::super::super::glyph::Shape;
use super::super::super::model::Model;
use super::super::super::rich::Rich;
use super::super::super::text;
use super::super::super::theme::Tone;
use super::super::super::when;
use super::super::super::world::{Open, World};
use super::super::canvas::Canvas;
use super::super::header::person;
use super::{own, words};
use crate::engine::Event;
use crate::exercise::due::{Due, What};
use crate::exercise::score::{Rated, Scored};
use crate::exercise::seal::{RemarkKind, Verdict};
use crate::runbook::scenario::When;
use crate::timeline::wording::sentence_among;

/// The line.
pub(super) fn line(
    row: &Row<'_>,
    open: &Open,
    model: &Model,
    world: &World,
    canvas: &Canvas<'_>,
) -> Rich {
    let clock = |at: DateTime<Utc>| Rich::of(Tone::Dim, format!("{} ", canvas.zone.clock(at)));
    match row {
        Row::Message { at, inject } => {
            let name = (open.id.clone(), inject.inject.clone());
            let is_new = !model.exercise.read.contains(&name);
            let mark = if is_new { "• " } else { "  " };
            let tone = if is_new { Tone::Title } else { Tone::Text };
            Rich::of(Tone::Now, mark)
                .join(clock(*at))
                .and(Tone::Accent, format!("{} ", inject.means.words()))
                .and(
                    Tone::Dim,
                    canvas.clean(&words::way(&inject.from, &inject.to)),
                )
                .and(tone, format!(" {}", canvas.clean(&inject.title)))
        }
        Row::Due(due) => {
            let (tone, what) = due_words(due);
            clock(due.at)
                .join(left(due.at, open, world))
                .and(tone, canvas.clean(&what))
        }
        Row::Unset { inject, left_out } => {
            let when = match (left_out, &inject.when) {
                (true, _) => "left out",
                (_, When::ByHand) => "by hand",
                (_, When::After { .. }) => "on a condition",
                (_, When::At { .. }) => "not any more",
            };
            Rich::of(Tone::Waiting, text::pad(when, 33)).and(
                Tone::Text,
                canvas.clean(&format!("{}: {}", inject.id, inject.title)),
            )
        }
        Row::Expectation(one) => expectation(one, open, world, canvas),
        Row::Objective(one) => objective(one, canvas),
        Row::Refused(_, one) => clock(one.at)
            .and(Tone::Failed, "refused ")
            .and(Tone::Text, canvas.clean(&words::refused(one))),
        Row::Remark(_, one) => {
            let (tone, kind) = match one.kind {
                RemarkKind::Strength => (Tone::Done, "strength"),
                RemarkKind::Improvement => (Tone::Warning, "improvement"),
                RemarkKind::Seen => (Tone::Dim, "seen"),
            };
            Rich::of(tone, text::pad(kind, 12)).and(Tone::Text, canvas.clean(&one.text))
        }
        row => doing(row, open, world, canvas),
    }
}

/// Who does what.
fn doing(row: &Row<'_>, open: &Open, world: &World, canvas: &Canvas<'_>) -> Rich {
    let waiting = Shape::Waiting.mark(canvas.ascii);
    match row {
        Row::Running {
            record,
            since,
            by,
            result,
        } => {
            let by = by.map_or(String::new(), |who| format!(" by {}", person(open, who)));
            let step = format!(
                "{waiting} {} started {}{by} · ",
                record.step.step,
                canvas.zone.clock(*since)
            );
            let row = Rich::of(Tone::Waiting, own(&step, canvas));
            match result {
                Result::At(at) => row.and(Tone::Dim, "result ").join(left(*at, open, world)),
                Result::Missing => row.and(Tone::Error, "the script has no result: answer it"),
                Result::Given => row.and(Tone::Done, "answered"),
            }
        }
        Row::Asked { step, request } => {
            let have = request.approvals.len();
            let words = format!(
                "{waiting} {} asked for by {} at {} · {have} said yes",
                step.step,
                person(open, &request.by),
                canvas.zone.clock(request.at)
            );
            Rich::of(Tone::Waiting, own(&words, canvas))
        }
        Row::Stands {
            step,
            claimed,
            since,
        } => {
            let who = claimed.map_or(String::new(), |who| {
                format!(" · claimed by {}", person(open, who))
            });
            let words = format!(
                "{} stands at {} since {}{who}",
                step.run,
                step.step,
                canvas.zone.clock(*since)
            );
            Rich::of(Tone::Text, own(&words, canvas))
        }
        Row::Person { who, last } => {
            let name = text::pad(&canvas.clean(&person(open, who)), 12);
            did(Rich::of(Tone::Accent, name), *last, open, canvas)
        }
        _ => Rich::default(),
    }
}

/// With what somebody did last.
fn did(row: Rich, last: Option<&Arc<Event>>, open: &Open, canvas: &Canvas<'_>) -> Rich {
    let Some(event) = last else {
        return row.and(Tone::Dim, "has done nothing yet");
    };
    let when = canvas.zone.clock(event.occurred_at);
    let words = canvas.clean(&sentence_among(event, &open.events));
    row.and(Tone::Dim, format!("{when} "))
        .and(Tone::Text, words)
}

/// `in 12:00 (02:00)  `: simulated, and by real clocks; the columns are always as wide.
pub(super) fn left(at: DateTime<Utc>, open: &Open, world: &World) -> Rich {
    let now = world.now.to_utc();
    let exercise = open.state.exercise.as_deref();
    let words = if exercise.is_some_and(|exercise| exercise.ended.is_some()) {
        String::new()
    } else if at <= now {
        "now".to_owned()
    } else {
        let real = exercise
            .and_then(|exercise| exercise.real(at))
            .map_or("stopped".to_owned(), |real| {
                format!("{} real", when::took(real - world.real))
            });
        format!("in {} ({real})", when::took(at - now))
    };
    Rich::of(Tone::Waiting, text::pad(&words, 24))
}

/// What is due, in words.
pub(super) fn due_words(due: &Due) -> (Tone, String) {
    match &due.what {
        What::Move(id) => (Tone::Title, format!("the move {id} begins")),
        What::Pause(name) => (Tone::Warning, format!("the clock stops: {name}")),
        What::Inject(inject) => (
            Tone::Text,
            format!(
                "{}: {} {}",
                inject.inject,
                inject.means.words(),
                words::way(&inject.from, &inject.to)
            ),
        ),
        What::Answer(answer) => match &answer.refused {
            Some(_) => (
                Tone::Error,
                format!("{} waits: the script has no result", answer.step.step),
            ),
            None => (Tone::Dim, format!("result of {}", answer.step.step)),
        },
        What::Over => (Tone::Warning, "the end: the clock stops".to_owned()),
    }
}

/// How an expectation stands: a shape, a word, a colour.
pub(super) fn verdict(verdict: Verdict, ascii: bool) -> (Tone, String) {
    let (shape, tone) = match verdict {
        Verdict::Met => (Shape::Done, Tone::Done),
        Verdict::Late => (Shape::Override, Tone::Warning),
        Verdict::Missed => (Shape::Failed, Tone::Failed),
        Verdict::Open => (Shape::Todo, Tone::Text),
        Verdict::NotReached => (Shape::Skipped, Tone::Skipped),
    };
    let words = format!("{} {}", shape.mark(ascii), verdict.word());
    (tone, text::pad(&words, if ascii { 16 } else { 14 }))
}

pub(super) fn expectation(one: &Scored, open: &Open, world: &World, canvas: &Canvas<'_>) -> Rich {
    let (tone, words) = verdict(one.verdict, canvas.ascii);
    let mut row = Rich::of(tone, words);
    row = match (one.verdict, one.deadline) {
        (Verdict::Open, Some(at)) => row.join(left(at, open, world)),
        (Verdict::Open, None) => row.and(Tone::Dim, text::pad("its message is to come", 24)),
        _ if one.verdict != one.shown => {
            let shown = format!("record: {}", one.shown.word());
            row.and(Tone::Override, text::pad(&shown, 24))
        }
        (_, Some(at)) => {
            let by = format!("by {}", canvas.zone.clock(at));
            row.and(Tone::Dim, text::pad(&by, 24))
        }
        _ => row.and(Tone::Dim, text::pad("", 24)),
    };
    if one.critical {
        row = row.and(Tone::Destructive, "CRITICAL ");
    }
    row.and(Tone::Accent, format!("{} ", canvas.clean(&one.id)))
        .and(Tone::Text, canvas.clean(one.action.trim()))
}

fn objective(one: &Rated, canvas: &Canvas<'_>) -> Rich {
    let (tone, rating) = match (one.confirmed, one.proposed) {
        (Some(rating), _) => (Tone::Done, format!("{} confirmed", rating.letter())),
        (None, Some(rating)) => (Tone::Waiting, format!("{} proposed", rating.letter())),
        (None, None) => (Tone::Dim, "not rated".to_owned()),
    };
    Rich::of(tone, text::pad(&rating, 14))
        .and(Tone::Dim, "objective ")
        .and(Tone::Accent, format!("{} ", canvas.clean(&one.id)))
        .and(Tone::Text, canvas.clean(&one.title))
}

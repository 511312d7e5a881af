//! What stands above the approval text: who asks, who changed the step last, what the dry run did, and what is another
//! way than when the step was last approved. None of it is signed; all of it is foreign text.

use super::super::difference::Line;
use super::super::model::Model;
use super::super::rich::Rich;
use super::super::theme::Tone;
use super::super::world::{ApprovalView, Earlier, LastChange, Part, Rehearsal, World};
use super::super::{act, text, when};
use super::canvas::Canvas;

/// Lines of the dry run's output that are shown at once.
const MOST_OUTPUT: usize = 3;

/// The rows.
pub(super) fn rows(
    view: &ApprovalView,
    model: &Model,
    world: &World,
    canvas: &Canvas<'_>,
    columns: usize,
) -> Vec<Rich> {
    let mut rows = asked(view, world, canvas).wrap(columns, 2);
    for (by, to) in &view.passed {
        let (by, to) = (canvas.clean(by), canvas.clean(to));
        rows.push(Rich::of(
            Tone::Waiting,
            format!("{by} passed it on to {to}"),
        ));
    }
    rows.extend(changed(view.brief.changed.as_ref(), canvas).wrap(columns, 2));
    if let Some(dry_run) = &view.dry_run {
        rows.extend(rehearsed(dry_run, canvas).wrap(columns, 2));
        rows.extend(output(view, model, canvas, columns));
    } else if view.has_dry_run {
        let none = "it has a dry run, and nobody has run it";
        rows.extend(Rich::of(Tone::Warning, none).wrap(columns, 2));
    }
    match &view.brief.earlier {
        None => rows.push(Rich::of(
            Tone::Dim,
            "comparing it with when it was last approved …",
        )),
        Some(Err(why)) => rows.extend(Rich::of(Tone::Dim, canvas.clean(why)).wrap(columns, 2)),
        Some(Ok(earlier)) => rows.extend(compared(earlier, canvas, columns)),
    }
    rows
}

/// `bob asked 14:00:52 (1m ago) · 0/1 approvals`
fn asked(view: &ApprovalView, world: &World, canvas: &Canvas<'_>) -> Rich {
    let row = Rich::of(Tone::Text, canvas.clean(&view.requester)).and(
        Tone::Dim,
        format!(
            " asked {} ({})",
            canvas.zone.clock(view.asked),
            when::ago(view.asked, world.now)
        ),
    );
    let facts = world
        .open
        .as_ref()
        .and_then(|open| open.facts(&view.step.run, &view.step.step));
    match facts.and_then(|facts| facts.pending()) {
        Some((pending, _)) => row.and(
            Tone::Dim,
            format!(
                " · {} of {} approvals · asked: {}",
                pending.have,
                pending.want,
                canvas.clean(&pending.who.join(", "))
            ),
        ),
        _ => row,
    }
}

fn changed(part: Option<&Part<LastChange>>, canvas: &Canvas<'_>) -> Rich {
    match part {
        None => Rich::of(Tone::Dim, "looking up who changed the step last …"),
        Some(Err(why)) => Rich::of(
            Tone::Dim,
            format!(
                "who changed the step last is not known: {}",
                canvas.clean(why)
            ),
        ),
        Some(Ok(last)) => {
            let signed = if last.signed {
                "commit signed, unchecked"
            } else {
                "commit not signed"
            };
            Rich::of(Tone::Dim, "step last changed by ")
                .and(Tone::Text, canvas.clean(&last.author))
                .and(
                    Tone::Dim,
                    format!(
                        " {} in {} · {signed}",
                        canvas.zone.day(last.date),
                        canvas.clean(&last.commit)
                    ),
                )
        }
    }
}

fn rehearsed(dry_run: &Rehearsal, canvas: &Canvas<'_>) -> Rich {
    let tone = if dry_run.good {
        Tone::Done
    } else {
        Tone::Failed
    };
    let row = Rich::of(Tone::Dim, "dry run ")
        .and(
            Tone::Text,
            format!(
                "{} by {}: ",
                canvas.zone.clock(dry_run.at),
                canvas.clean(&dry_run.by)
            ),
        )
        .and(tone, dry_run.ended.clone());
    if dry_run.same {
        row
    } else {
        row.and(
            Tone::Warning,
            " · with another script, other values or elsewhere than asked now",
        )
    }
}

/// The first lines of what it printed.
fn output(view: &ApprovalView, model: &Model, canvas: &Canvas<'_>, columns: usize) -> Vec<Rich> {
    let lines = match &view.brief.output {
        None => return Vec::new(),
        Some(Err(why)) => {
            let why = format!("  its output is not shown: {}", canvas.clean(why));
            return Rich::of(Tone::Warning, why).wrap(columns, 2);
        }
        Some(Ok(lines)) => lines,
    };
    let mut rows: Vec<Rich> = lines
        .iter()
        .take(MOST_OUTPUT)
        .map(|line| {
            let line = format!("  {}", canvas.clean(line));
            Rich::of(Tone::Code, text::fit(&line, columns).into_owned())
        })
        .collect();
    let more = lines.len().saturating_sub(MOST_OUTPUT);
    let key = model
        .keymap
        .key_of(act::Place::Checkpoint, act::Act::Evidence);
    if let Some(key) = key.filter(|_| more > 0) {
        rows.push(Rich::of(
            Tone::Dim,
            format!("  … {more} more lines: {key} shows them"),
        ));
    }
    rows
}

/// `same as approved 2026-11-02 by carol in INC-0041`
fn compared(earlier: &Earlier, canvas: &Canvas<'_>, columns: usize) -> Vec<Rich> {
    let when = format!(
        "approved {} {} by {} in {}",
        canvas.zone.day(earlier.at),
        canvas.zone.minute(earlier.at),
        canvas.clean(&earlier.by.join(", ")),
        canvas.clean(&earlier.incident)
    );
    let script = earlier
        .lines
        .iter()
        .any(|line| matches!(line, Line::Head(_)));
    let head = match (earlier.lines.is_empty(), script) {
        (true, _) => Rich::of(Tone::Done, format!("the same as {when}")),
        (false, false) => {
            Rich::of(Tone::Done, "the same script").and(Tone::Text, format!(" as {when}, but:"))
        }
        (false, true) => Rich::of(Tone::Warning, format!("NOT the same as {when}:")),
    };
    let mut rows = head.wrap(columns, 2);
    for line in &earlier.lines {
        rows.extend(differs(line, canvas).wrap(columns, 4));
    }
    rows
}

fn differs(line: &Line, canvas: &Canvas<'_>) -> Rich {
    let value = |value: &Option<String>| {
        value
            .as_ref()
            .map_or("(nothing)".to_owned(), |value| canvas.clean(value))
    };
    match line {
        Line::Head(words) => Rich::of(Tone::Warning, canvas.clean(words)),
        Line::Same(words) => Rich::of(Tone::Dim, format!("    {}", canvas.clean(words))),
        Line::Out(words) => Rich::of(Tone::Failed, format!("  - {}", canvas.clean(words))),
        Line::In(words) => Rich::of(Tone::Done, format!("  + {}", canvas.clean(words))),
        Line::Value(name, old, new) => Rich::of(Tone::Dim, format!("  {}: ", canvas.clean(name)))
            .and(Tone::Text, value(old))
            .and(Tone::Dim, if canvas.ascii { " -> " } else { " → " })
            .and(Tone::Warning, value(new)),
    }
}

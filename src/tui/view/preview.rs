//! A runbook before it is walked: its steps with their checkpoints, its history, the difference of two versions.

use ratatui::layout::Rect;

use super::super::extent::{Drawn, Extent};
use super::super::markdown;
use super::super::model::{Model, PreviewTab};
use super::super::rich::Rich;
use super::super::text;
use super::super::theme::Tone;
use super::super::world::{Preview, World};
use super::canvas::Canvas;
use crate::runbook::model::{Kind, Next, Risk, Runbook, RunbookId, Step};

/// Draws it.
pub(super) fn draw(
    model: &Model,
    world: &World,
    canvas: &mut Canvas<'_>,
    area: Rect,
    drawn: &mut Drawn,
) {
    let id = RunbookId(model.preview.id.clone());
    let entry = world.entry(&id.0);
    let name = entry.map_or(id.0.as_str(), |entry| entry.title.as_str());
    let title = Rich::of(Tone::Title, canvas.clean(name));
    let tabs = [
        (PreviewTab::Steps, "steps"),
        (PreviewTab::History, "history"),
        (PreviewTab::Diff, "difference"),
    ];
    let mut right = match super::header::for_you_by_key(model, world, canvas) {
        Some(count) => count.and(Tone::Border, " "),
        None => Rich::default(),
    };
    let none = right.width();
    for (tab, word) in tabs {
        let tone = if tab == model.preview.tab {
            Tone::Now
        } else {
            Tone::Dim
        };
        let between = if right.width() == none { "" } else { " · " };
        right = right.and(Tone::Dim, between).and(tone, word);
    }
    let inside = canvas.frame(area, &title, &right, Tone::BorderFocus);
    let inner = Rect::new(
        inside.x + 1,
        inside.y,
        inside.width.saturating_sub(2),
        inside.height,
    );
    let columns = usize::from(inner.width);
    let rows = match world.preview_of(&id) {
        None => vec![Rich::of(Tone::Dim, "reading the runbook …")],
        Some(preview) => match model.preview.tab {
            PreviewTab::Steps => steps(preview, canvas, columns),
            PreviewTab::History => history(preview, canvas),
            PreviewTab::Diff => diff(preview, canvas, columns),
        },
    };
    let extent = Extent {
        rows: rows.len(),
        page: usize::from(inner.height),
    };
    drawn.text = extent;
    let listed = model.preview.tab == PreviewTab::History;
    let top = if listed {
        model.preview.cursor.top.min(extent.end())
    } else {
        model.preview.scroll.within(extent)
    };
    for (at, row) in rows.iter().enumerate().skip(top).take(extent.page) {
        let y = inner.y + u16::try_from(at - top).unwrap_or(0);
        canvas.rich(inner.x, y, inner.width, row);
        if listed && at == model.preview.cursor.at {
            canvas.tint(inside.x, y, inside.width, 1, Tone::Selection);
        }
    }
}

fn steps(preview: &Preview, canvas: &Canvas<'_>, columns: usize) -> Vec<Rich> {
    let mut rows = Vec::new();
    for problem in &preview.problems {
        rows.extend(Rich::of(Tone::Error, canvas.clean(problem)).wrap(columns, 2));
    }
    let Some(book) = &preview.book else {
        if rows.is_empty() {
            rows.push(Rich::of(Tone::Dim, "reading the runbook …"));
        }
        return rows;
    };
    about(book, canvas, columns, &mut rows);
    let mut phase = None;
    for (at, step) in book.steps.iter().enumerate() {
        if step.phase.is_some() && step.phase != phase {
            phase.clone_from(&step.phase);
            let name = canvas.clean(step.phase.as_deref().unwrap_or_default());
            rows.push(Rich::default());
            rows.push(Rich::of(Tone::Dim, format!("── {name} ──")));
        }
        one_step(at, step, preview, canvas, columns, &mut rows);
    }
    rows
}

fn about(book: &Runbook, canvas: &Canvas<'_>, columns: usize, rows: &mut Vec<Rich>) {
    let mut facts = vec![format!("{} steps", book.steps.len())];
    facts.extend(book.owner.iter().map(|owner| format!("owner {owner}")));
    facts.extend(book.last_reviewed.map(|day| format!("reviewed {day}")));
    if !book.services.is_empty() {
        facts.push(book.services.join(", "));
    }
    let id = canvas.clean(book.id.as_str());
    let line = Rich::of(Tone::Accent, id).and(
        Tone::Dim,
        format!(" · {}", canvas.clean(&facts.join(" · "))),
    );
    rows.extend(line.wrap(columns, 2));
    if !book.summary.trim().is_empty() {
        rows.extend(markdown::rows(&book.summary, columns, canvas.ascii));
    }
    if !book.inputs.is_empty() {
        let names: Vec<&str> = book
            .inputs
            .iter()
            .map(|input| input.name.as_str())
            .collect();
        let line =
            Rich::of(Tone::Dim, "asks for ").and(Tone::Text, canvas.clean(&names.join(", ")));
        rows.extend(line.wrap(columns, 9));
    }
}

fn one_step(
    at: usize,
    step: &Step,
    preview: &Preview,
    canvas: &Canvas<'_>,
    columns: usize,
    rows: &mut Vec<Rich>,
) {
    let mut line = Rich::of(Tone::Dim, format!("{:>3}  ", at + 1))
        .and(Tone::Accent, canvas.clean(step.id.as_str()))
        .and(Tone::Text, format!("  {}", canvas.clean(&step.title)));
    if !matches!(step.kind, Kind::Manual) {
        line = line.and(Tone::Dim, format!("  {}", step.kind.word()));
    }
    line = match step.risk {
        Risk::Routine => line,
        Risk::Privileged => line
            .and(Tone::Text, "  ")
            .and(Tone::Privileged, " PRIVILEGED "),
        Risk::Destructive => line
            .and(Tone::Text, "  ")
            .and(Tone::Destructive, " DESTRUCTIVE "),
    };
    rows.extend(line.wrap(columns, 5));
    if let Kind::Run(script) = &step.kind {
        for (at, line) in script.lines().take(3).enumerate() {
            let mark = if at == 0 { "$" } else { " " };
            let line = format!("     {mark} {}", canvas.clean(line));
            rows.push(Rich::of(Tone::Code, text::fit(&line, columns)));
        }
    }
    if let Kind::Decide(decide) = &step.kind {
        for option in &decide.options {
            let next = match &option.next {
                Some(Next::Step(id)) => format!(" → {id}"),
                Some(Next::End) => " → end".to_owned(),
                None => String::new(),
            };
            let line = format!("     • {}{next}", option.label);
            rows.push(Rich::of(Tone::Text, canvas.clean(&line)));
        }
    }
    if let Some(gate) = preview.gates.get(&step.id) {
        let waiting = super::super::glyph::Shape::Waiting.mark(canvas.ascii);
        let who = if gate.who.is_empty() {
            "nobody could pass".to_owned()
        } else {
            format!("could pass: {}", gate.who.join(", "))
        };
        let line = Rich::of(
            Tone::Waiting,
            format!("     {waiting} {}", canvas.clean(&gate.asks)),
        )
        .and(Tone::Dim, format!(" · {}", canvas.clean(&who)));
        rows.extend(line.wrap(columns, 8));
    }
}

fn history(preview: &Preview, canvas: &Canvas<'_>) -> Vec<Rich> {
    if preview.history.is_empty() {
        return vec![Rich::of(Tone::Dim, "no history is known yet")];
    }
    preview
        .history
        .iter()
        .map(|change| {
            Rich::of(Tone::Accent, canvas.clean(&change.commit))
                .and(Tone::Text, format!("  {}  ", canvas.zone.day(change.date)))
                .and(Tone::Dim, text::pad(&canvas.clean(&change.author), 18))
                .and(Tone::Text, format!("  {}", canvas.clean(&change.subject)))
        })
        .collect()
}

fn diff(preview: &Preview, canvas: &Canvas<'_>, columns: usize) -> Vec<Rich> {
    let Some(diff) = &preview.diff else {
        return vec![Rich::of(Tone::Dim, "reading the difference …")];
    };
    let mut rows = Vec::new();
    for line in diff.lines().take(20_000) {
        let tone = match line.as_bytes().first() {
            Some(b'+') => Tone::Done,
            Some(b'-') => Tone::Failed,
            Some(b'@') => Tone::Accent,
            _ => Tone::Text,
        };
        for piece in text::wrap_hard(&canvas.clean(line), columns) {
            rows.push(Rich::of(tone, piece));
        }
    }
    rows
}

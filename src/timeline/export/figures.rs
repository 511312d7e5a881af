//! The figures of one incident, or of several, for a terminal: what it is, how much, how it is computed, what is missing.

use std::fmt::Write as _;

use crate::engine::sentence::span;
use crate::timeline::Timeline;
use crate::timeline::metrics::across::{Across, Figure, StepFigure, Together};
use crate::timeline::metrics::{Budget, Metrics, Walk};

/// The figures of one incident. Writing to a `String` cannot fail, so results of `write!` are let go throughout.
#[must_use]
pub fn text(timeline: &Timeline) -> String {
    let metrics = &timeline.metrics;
    let mut out = String::new();
    if timeline.is_exercise() {
        out.push_str("EXERCISE\n");
    }
    for span in &metrics.spans {
        let missing: Vec<_> = span.missing.iter().map(|one| one.word()).collect();
        let value = known(span.millis, span.estimated, &missing.join(", "));
        let _ = writeln!(out, "{:<16} {value:<28} = {}", span.name, span.formula);
    }
    let impact = &metrics.impact;
    let value = known(impact.millis, impact.estimated, &impact.missing.join(", "));
    let _ = writeln!(out, "{:<16} {value:<28} = {}", "Impact", impact.formula);
    medians(&mut out, metrics);
    walk(&mut out, &metrics.walk);
    for warning in &metrics.warnings {
        let _ = writeln!(out, "! {warning}");
    }
    out
}

fn known(millis: Option<i64>, guess: bool, missing: &str) -> String {
    match millis {
        Some(millis) if guess => format!("about {}", length(millis)),
        Some(millis) => length(millis),
        None => format!("missing: {missing}"),
    }
}

/// Milliseconds in words.
fn length(millis: i64) -> String {
    let words = span(chrono::TimeDelta::milliseconds(millis.saturating_abs()));
    if millis < 0 {
        format!("-{words}")
    } else {
        words
    }
}

fn medians(out: &mut String, metrics: &Metrics) {
    let approvals = &metrics.approvals;
    let recording = &metrics.recording;
    let all = [
        (
            "Approval latency",
            [
                approvals.p50_millis,
                approvals.p90_millis,
                approvals.max_millis,
            ],
            format!("{} asked", approvals.requests.len()),
            approvals.formula,
        ),
        (
            "Recording lag",
            [
                recording.p50_millis,
                recording.p90_millis,
                recording.max_millis,
            ],
            format!("{} entries, {} late", recording.entries, recording.late),
            recording.formula,
        ),
    ];
    for (name, ranks, of, formula) in all {
        let value = match ranks.map(|rank| rank.map(length)) {
            [Some(p50), Some(p90), Some(most)] => {
                format!("p50 {p50}, p90 {p90}, most {most} ({of})")
            }
            _ => format!("none ({of})"),
        };
        let _ = writeln!(out, "{name:<16} {value}\n{:16} = {formula}", "");
    }
}

fn walk(out: &mut String, walk: &Walk) {
    if walk.steps.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nTime per phase = {}", walk.phases_formula);
    for phase in &walk.phases {
        let name = phase.phase.as_deref().unwrap_or("(no phase)");
        let over = match phase.over {
            0 => String::new(),
            over => format!(", {over} over budget"),
        };
        let _ = writeln!(
            out,
            "  {name:<24} {:<14} {} steps{over}",
            length(phase.millis),
            phase.steps
        );
    }
    let _ = writeln!(out, "\nTime per step = {}", walk.steps_formula);
    for step in &walk.steps {
        let running = step
            .running_millis
            .map(|millis| format!(", running {}", length(millis)))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "  {:<24} {:<14} {}{running}",
            step.step.as_str(),
            length(step.millis),
            step.end
        );
        for one in &step.budgets {
            let _ = writeln!(out, "    {}", budget(one));
        }
    }
}

/// `! due 15 min 0 s: 22 min 0 s, 7 min 0 s over (its end − detected)`
fn budget(budget: &Budget) -> String {
    let (mark, standing) = match (budget.took_millis, budget.over()) {
        (Some(took), Some(over)) => ("! ", format!("{}, {} over", length(took), length(over))),
        (Some(took), None) => ("", format!("{}, kept", length(took))),
        (None, _) => {
            let missing = budget.missing.as_deref().unwrap_or("its end");
            ("", format!("missing: {missing}"))
        }
    };
    format!(
        "{mark}{} {}: {standing} ({})",
        budget.key,
        length(budget.limit_millis),
        budget.formula
    )
}

/// The figures of several incidents.
#[must_use]
pub fn text_across(across: &Across) -> String {
    let mut out = format!("{}\n", across.formula);
    together(&mut out, "Incidents", &across.live);
    together(&mut out, "EXERCISES", &across.exercises);
    out
}

fn together(out: &mut String, what: &str, all: &Together) {
    if all.incidents == 0 {
        return;
    }
    let _ = writeln!(
        out,
        "\n{what}: {}\n  {:<32} {:<14} {:<14} {:>3}  without",
        all.incidents, "", "median", "p90", "n"
    );
    for one in &all.figures {
        figure(out, one, &format!("= {}", one.formula));
    }
    if !all.phases.is_empty() {
        out.push_str("  per phase\n");
    }
    for one in &all.phases {
        figure(out, one, "");
    }
    if !all.steps.is_empty() {
        out.push_str("  per step\n");
    }
    for one in &all.steps {
        figure(out, &one.time, &ends(one));
    }
}

fn ends(step: &StepFigure) -> String {
    let ends = [
        (step.skipped, "skipped"),
        (step.failed, "failed"),
        (step.over, "over budget"),
    ];
    let told = ends.iter().filter(|(count, _)| *count > 0);
    let told: Vec<_> = told
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    told.join(", ")
}

fn figure(out: &mut String, figure: &Figure, more: &str) {
    let value = |millis: Option<i64>| millis.map_or_else(|| "-".to_owned(), length);
    let guesses = match figure.estimated {
        0 => String::new(),
        some => format!(" ({some} estimated)"),
    };
    let line = format!(
        "  {:<32} {:<14} {:<14} {:>3}  {:<7} {more}{guesses}",
        figure.name,
        value(figure.median_millis),
        value(figure.p90_millis),
        figure.n,
        figure.without
    );
    let _ = writeln!(out, "{}", line.trim_end());
}

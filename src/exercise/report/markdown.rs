//! The report as Markdown. All times are UTC. Writing to a `String` cannot fail, so results of `write!` are let go
//! throughout.

mod analysis;
mod course;

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::overview::form;
use super::words::{counted, duration, side};
use super::{Comparison, Report};
use crate::exercise::seal::{Rating, Verdict};
use crate::timeline::export::markdown::syntax::{block, code, length, prose, table, utc};

/// The document.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut page = Page::default();
    let name = prose(&report.overview.name);
    let _ = write!(
        page.out,
        "# EXERCISE: After-action report and improvement plan: {name}\n\n"
    );
    page.paragraph("> **EXERCISE.** This was a drill. Nothing in this document happened for real, and no approval in it opens a live gate. All times are UTC.");
    overview(&mut page, report);
    summary(&mut page, report);
    analysis::objectives(&mut page, report);
    analysis::analysis(&mut page, report);
    analysis::plan(&mut page, report);
    course::injects(&mut page, report);
    course::timeline(&mut page, report);
    course::decisions(&mut page, report);
    course::checkpoints(&mut page, report);
    course::clocks(&mut page, report);
    said(&mut page, report);
    comparison(&mut page, &report.comparison);
    changes(&mut page, report);
    page.heading("How it was made");
    let id = report.overview.incident.as_ref();
    page.paragraph(&format!(
        "This document was made by runsheet from the record of INC-{} and what its controllers sealed in it; the same events give the same bytes. Verdicts follow from the record, an evaluator's word outweighs them, and persons are not ranked.",
        id.map_or("", |id| id.as_str())
    ));
    let end = page.out.trim_end().len();
    page.out.truncate(end);
    page.out.push('\n');
    page.out
}

/// The text so far.
#[derive(Default)]
struct Page {
    out: String,
}

impl Page {
    fn heading(&mut self, text: &str) {
        let _ = write!(self.out, "## EXERCISE: {text}\n\n");
    }

    fn part(&mut self, text: &str) {
        let _ = write!(self.out, "### {text}\n\n");
    }

    fn paragraph(&mut self, text: &str) {
        let _ = write!(self.out, "{text}\n\n");
    }

    /// Foreign texts, one a line.
    fn list(&mut self, texts: &[String]) {
        for text in texts {
            let _ = writeln!(self.out, "- {}", prose(text));
        }
        self.out.push('\n');
    }

    /// A table, or these words where it is empty.
    fn table(&mut self, head: &[&str], rows: &[Vec<String>], none: &str) {
        if rows.is_empty() {
            self.paragraph(none);
        } else {
            table(&mut self.out, head, rows);
        }
    }
}

/// A moment where there is one.
fn moment(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(String::new, utc)
}

/// Milliseconds where there are some.
fn span(millis: Option<i64>) -> String {
    millis.map_or_else(String::new, length)
}

fn verdict(verdict: Verdict) -> String {
    match verdict {
        Verdict::Missed | Verdict::Late => format!("**{}**", verdict.word()),
        _ => verdict.word().to_owned(),
    }
}

fn rating(rating: Option<Rating>) -> String {
    rating.map_or_else(String::new, |rating| rating.letter().to_owned())
}

fn overview(page: &mut Page, report: &Report) {
    let over = &report.overview;
    page.heading("Exercise overview");
    let time = |from, to| match to {
        Some(to) => format!("{} to {}", moment(from), utc(to)),
        None => moment(from),
    };
    let length = duration(std::time::Duration::from_secs(over.planned_seconds));
    let mut rows = vec![
        ("Exercise name", prose(&over.name)),
        ("Scenario", code(&over.scenario)),
        ("Form", form(over.form).to_owned()),
        ("Exercise dates", time(over.began, over.ended)),
        ("Simulated time", time(over.sim_began, over.sim_ended)),
        ("Planned length", format!("{length} of simulated time")),
        ("Scope", prose(&over.scope)),
        ("Mission area", over.mission_area.to_owned()),
        ("Capabilities", prose(&over.capabilities.join(", "))),
        (
            "Objectives",
            prose(
                &report
                    .objectives
                    .iter()
                    .map(|one| one.title.as_str())
                    .collect::<Vec<_>>()
                    .join("; "),
            ),
        ),
        ("Threat or hazard", prose(&over.threat)),
        ("Scenario summary", prose(&over.scenario_summary)),
        ("Runbooks", prose(&over.runbooks.join(", "))),
        ("Sponsor", prose(over.sponsor.as_deref().unwrap_or(""))),
    ];
    if over.aborted {
        let why = over.ended_because.as_deref().unwrap_or("no reason given");
        rows.push(("Broken off", prose(why)));
    }
    if over.went_back > 0 {
        rows.push(("Went back to a move", counted(over.went_back, "time")));
    }
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| vec![name.to_owned(), value])
        .collect();
    page.table(&["Field", "Value"], &rows, "");
    page.part("Briefing");
    page.out.push_str(&block(&over.briefing));
    page.out.push('\n');
    moves(page, report);
    participants(page, report);
}

fn moves(page: &mut Page, report: &Report) {
    if report.overview.moves.is_empty() {
        return;
    }
    page.part("Moves");
    let rows: Vec<Vec<String>> = report
        .overview
        .moves
        .iter()
        .map(|one| vec![prose(&one.title), utc(one.planned), moment(one.began)])
        .collect();
    page.table(
        &["Move", "Planned (simulated)", "Began (simulated)"],
        &rows,
        "",
    );
}

fn participants(page: &mut Page, report: &Report) {
    page.part("Participants");
    let rows: Vec<Vec<String>> = report
        .overview
        .participants
        .iter()
        .map(|one| {
            let played = if one.simulated {
                " (played by the exercise)"
            } else {
                ""
            };
            vec![
                format!("{}{played}", prose(&one.name)),
                side(one.side).to_owned(),
                prose(&one.parts.join(", ")),
                prose(&one.duties.join(", ")),
            ]
        })
        .collect();
    page.table(
        &["Name", "Side", "Part", "Duty"],
        &rows,
        "Nobody took part.",
    );
}

fn summary(page: &mut Page, report: &Report) {
    page.heading("Executive summary");
    let account: Vec<String> = report
        .summary
        .account
        .iter()
        .map(|sentence| prose(sentence))
        .collect();
    page.paragraph(&account.join(" "));
    for (title, texts) in [
        ("Major strengths", &report.summary.strengths),
        (
            "Primary areas for improvement",
            &report.summary.improvements,
        ),
    ] {
        page.part(title);
        if texts.is_empty() {
            page.paragraph("None was seen.");
        } else {
            page.list(texts);
        }
    }
}

fn said(page: &mut Page, report: &Report) {
    page.heading("Hot wash and feedback");
    for one in &report.hot_wash {
        page.part(&prose(&one.question));
        if one.answers.is_empty() {
            page.paragraph("Nobody answered.");
        } else {
            page.list(&one.answers);
        }
    }
    if report.feedback.is_empty() {
        page.paragraph("No other feedback was given.");
    } else {
        page.part("Feedback");
        page.list(&report.feedback);
    }
}

fn comparison(page: &mut Page, comparison: &Comparison) {
    page.heading("Comparison");
    match &comparison.last {
        None => page.paragraph("There is no earlier run of this scenario to compare with."),
        Some(last) => {
            page.part(&format!(
                "With the last run, {} of {}",
                prose(&last.incident),
                moment(last.began)
            ));
            let both = |now: String, then: String, text: &str| vec![prose(text), now, then];
            let mut rows = Vec::new();
            for one in &last.objectives {
                rows.push(both(rating(one.now), rating(one.then), &one.text));
            }
            let word = |found: Option<Verdict>| found.map_or_else(String::new, verdict);
            for one in &last.expectations {
                rows.push(both(word(one.now), word(one.then), &one.text));
            }
            for one in &last.counts {
                rows.push(both(one.now.to_string(), one.then.to_string(), one.name));
            }
            for one in &last.figures {
                rows.push(both(span(one.now), span(one.then), &one.name));
            }
            page.table(&["What", "Now", "Then"], &rows, "Nothing can be compared.");
        }
    }
    match &comparison.real {
        None => page.paragraph("There is no real incident of the same runbooks to compare with."),
        Some(real) => {
            page.part(&format!(
                "With {} of the same runbooks",
                counted(real.incidents, "real incident")
            ));
            let rows: Vec<Vec<String>> = real
                .figures
                .iter()
                .map(|one| {
                    vec![
                        prose(&one.name),
                        span(one.now),
                        span(one.median),
                        span(one.p90),
                        one.n.to_string(),
                    ]
                })
                .collect();
            page.table(
                &["Figure", "Exercise", "Median", "p90", "Incidents with it"],
                &rows,
                "Nothing can be compared.",
            );
        }
    }
}

fn changes(page: &mut Page, report: &Report) {
    page.heading("Proposed runbook changes");
    if report.runbook_changes.is_empty() {
        page.paragraph("The exercise taught nothing that the runbooks do not say.");
    }
    for one in &report.runbook_changes {
        page.part(&format!("{} ({})", prose(&one.runbook), code(&one.path)));
        page.list(&one.lessons);
        page.out.push_str(&block(&one.patch));
        page.out.push('\n');
    }
}

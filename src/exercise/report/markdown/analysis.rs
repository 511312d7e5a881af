//! Objectives, their analysis and the improvement plan.

use std::fmt::Write as _;

use super::{Page, rating, span, verdict};
use crate::exercise::report::{Expectation, Objective, Observation, Report};
use crate::exercise::seal::Rating;
use crate::timeline::export::markdown::syntax::{code, prose, utc};

pub(super) fn objectives(page: &mut Page, report: &Report) {
    page.heading("Objectives and capabilities");
    let rows: Vec<Vec<String>> = report
        .objectives
        .iter()
        .map(|one| {
            vec![
                prose(&one.title),
                prose(&one.capability),
                rating(one.proposed),
                rating(one.confirmed),
                one.words.unwrap_or("not rated").to_owned(),
                one.share
                    .map_or_else(String::new, |share| format!("{share} %")),
            ]
        })
        .collect();
    page.table(
        &[
            "Objective",
            "Capability",
            "Proposed",
            "Confirmed",
            "Rating",
            "Share met of what was decided",
        ],
        &rows,
        "It has no objectives.",
    );
    for one in [Rating::P, Rating::S, Rating::M, Rating::U] {
        let _ = writeln!(page.out, "- **{}**: {}", one.letter(), one.words());
    }
    page.out.push('\n');
}

pub(super) fn analysis(page: &mut Page, report: &Report) {
    page.heading("Analysis of objectives");
    for one in &report.objectives {
        objective(page, one);
    }
}

fn objective(page: &mut Page, one: &Objective) {
    page.part(&prose(&one.title));
    page.paragraph(&format!(
        "Capability: {}. Rating: {}.",
        prose(&one.capability),
        one.words.unwrap_or("none")
    ));
    if let Some(reason) = &one.reason {
        page.paragraph(&format!("Evaluator: {}", prose(reason)));
    }
    if one.undecided > 0 {
        page.paragraph(&format!(
            "Not decided: {} of {} expectations.",
            one.undecided,
            one.expectations.len()
        ));
    }
    if !one.critical_tasks.is_empty() {
        page.paragraph("Critical tasks:");
        page.list(&one.critical_tasks);
    }
    let rows: Vec<Vec<String>> = one.expectations.iter().map(expectation).collect();
    page.table(
        &[
            "Expectation",
            "Duty",
            "Deadline (simulated)",
            "Done (simulated)",
            "Took",
            "Verdict",
        ],
        &rows,
        "Nothing was expected.",
    );
    observations(page, "Strengths", &one.strengths);
    observations(page, "Areas for improvement", &one.improvements);
}

fn expectation(one: &Expectation) -> Vec<String> {
    let critical = if one.critical { " (critical)" } else { "" };
    let mut word = verdict(one.verdict);
    if let Some(shown) = one.shown {
        let _ = write!(word, "; the record alone: {}", shown.word());
    }
    if let Some(reason) = &one.reason {
        let _ = write!(word, "; {}", prose(reason));
    }
    vec![
        format!("{}{critical}", prose(&one.action)),
        prose(one.role.as_deref().unwrap_or("")),
        super::moment(one.deadline),
        one.done.map_or_else(String::new, utc),
        span(one.took_millis),
        word,
    ]
}

fn observations(page: &mut Page, title: &str, all: &[Observation]) {
    if all.is_empty() {
        return;
    }
    page.paragraph(&format!("**{title}**"));
    for (index, one) in all.iter().enumerate() {
        let _ = writeln!(page.out, "{}. {}", index + 1, prose(&one.text));
        if !one.references.is_empty() {
            let references: Vec<String> = one.references.iter().map(|text| prose(text)).collect();
            let _ = writeln!(page.out, "   - Reference: {}", references.join("; "));
        }
        let _ = writeln!(page.out, "   - Analysis: {}", prose(&one.analysis));
        if let Some(recommend) = &one.recommend {
            let _ = writeln!(page.out, "   - Recommendation: {}", prose(recommend));
        }
    }
    page.out.push('\n');
}

pub(super) fn plan(page: &mut Page, report: &Report) {
    page.heading("Improvement plan");
    let rows: Vec<Vec<String>> = report
        .improvement_plan
        .iter()
        .map(|one| {
            let day = |day: Option<chrono::NaiveDate>| {
                day.map_or_else(String::new, |day| day.to_string())
            };
            let owner = one.owner.as_deref();
            vec![
                prose(&one.area),
                prose(&one.action),
                prose(one.capability.as_deref().unwrap_or("")),
                one.kind.unwrap_or("").replace('_', " "),
                owner.map_or_else(|| "**no owner**".to_owned(), prose),
                day(one.opened),
                one.due
                    .map_or_else(|| "**no date**".to_owned(), |due| due.to_string()),
                one.status.unwrap_or("recommended").to_owned(),
                one.event
                    .map_or_else(String::new, |event| code(&event.short())),
            ]
        })
        .collect();
    page.table(
        &[
            "Area for improvement",
            "Corrective action",
            "Capability",
            "Kind",
            "Owner",
            "Opened",
            "Due",
            "Status",
            "Entry",
        ],
        &rows,
        "No corrective action is recorded. For each area: what, who, by when.",
    );
}

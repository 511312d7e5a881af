//! How it went: messages, timeline, answers, refusals, clocks.

use super::{Page, moment, span, verdict};
use crate::exercise::report::words::{against_plan, means};
use crate::exercise::report::{Entry, Fate, Inject, Report};
use crate::timeline::export::markdown::syntax::{code, prose, utc};

pub(super) fn injects(page: &mut Page, report: &Report) {
    page.heading("Planned and actual injects");
    let rows: Vec<Vec<String>> = report.injects.iter().map(inject).collect();
    page.table(
        &[
            "Inject",
            "By",
            "From",
            "To",
            "Planned",
            "Planned (simulated)",
            "Came (simulated)",
            "Came (real)",
            "What became of it",
        ],
        &rows,
        "The scenario has none.",
    );
}

fn inject(one: &Inject) -> Vec<String> {
    let to = match one.to.as_slice() {
        [] => "everybody".to_owned(),
        to => prose(&to.join(", ")),
    };
    vec![
        prose(&one.title),
        means(one.means).to_owned(),
        prose(&one.from),
        to,
        prose(&one.planned),
        moment(one.planned_at),
        moment(one.came),
        moment(one.came_real),
        fate(one),
    ]
}

fn fate(one: &Inject) -> String {
    let mut text = match one.fate {
        Fate::Came => "came".to_owned(),
        Fate::ByHand => "let come by hand".to_owned(),
        Fate::Skipped => "left out".to_owned(),
        Fate::NeverCame => "never came".to_owned(),
    };
    if let Some(late) = one.late_millis.filter(|late| late.abs() >= 1000) {
        text.push_str(&format!(", {}", against_plan(late)));
    }
    if let Some(reason) = &one.reason {
        text.push_str(&format!(": {}", prose(reason)));
    }
    if one.times > 1 {
        text.push_str(&format!(" ({} times)", one.times));
    }
    text
}

pub(super) fn timeline(page: &mut Page, report: &Report) {
    page.heading("Scored timeline");
    let rows: Vec<Vec<String>> = report.timeline.iter().map(entry).collect();
    page.table(
        &["Simulated", "Real", "Duty", "Kind", "What", "Scored"],
        &rows,
        "Nothing happened.",
    );
}

fn entry(one: &Entry) -> Vec<String> {
    let scored: Vec<String> = one
        .scored
        .iter()
        .map(|mark| format!("{}: {}", prose(&mark.expectation), verdict(mark.verdict)))
        .collect();
    let text = prose(&one.text);
    vec![
        utc(one.at),
        moment(one.real),
        prose(one.duty.as_deref().unwrap_or("")),
        one.class.to_owned(),
        if one.counts {
            text
        } else {
            format!("{text} *(does not count)*")
        },
        scored.join("; "),
    ]
}

pub(super) fn decisions(page: &mut Page, report: &Report) {
    page.heading("Decision latency");
    let rows: Vec<Vec<String>> = report
        .decisions
        .iter()
        .map(|one| {
            vec![
                code(&one.step),
                utc(one.asked),
                one.answer.unwrap_or("no answer").to_owned(),
                span(one.millis),
            ]
        })
        .collect();
    page.table(
        &[
            "Step",
            "Asked (simulated)",
            "Answer",
            "Simulated time taken",
        ],
        &rows,
        "Nobody asked for an approval.",
    );
}

pub(super) fn checkpoints(page: &mut Page, report: &Report) {
    page.heading("What the rules refused");
    let rows: Vec<Vec<String>> = report
        .refused
        .iter()
        .map(|one| {
            vec![
                utc(one.at),
                prose(one.duty.as_deref().unwrap_or("")),
                prose(one.step.as_deref().unwrap_or("")),
                prose(&one.what),
            ]
        })
        .collect();
    page.table(
        &["Simulated", "Duty", "Step", "What"],
        &rows,
        "Nothing was refused.",
    );
    page.part("Checkpoints gone through without approval");
    let rows: Vec<Vec<String>> = report
        .overrides
        .iter()
        .map(|one| {
            vec![
                utc(one.at),
                prose(one.duty.as_deref().unwrap_or("")),
                prose(&one.step),
                prose(&one.gate),
                prose(one.reason.as_deref().unwrap_or("")),
                match one.accepted {
                    None => "**owed**".to_owned(),
                    Some(true) => "accepted".to_owned(),
                    Some(false) => "**not accepted**".to_owned(),
                },
            ]
        })
        .collect();
    page.table(
        &["Simulated", "Duty", "Step", "Gate", "Reason", "Review"],
        &rows,
        "None.",
    );
    if !report.violations.is_empty() {
        page.part("What breaks a promise of the record");
        page.list(&report.violations);
    }
}

pub(super) fn clocks(page: &mut Page, report: &Report) {
    if report.clocks.is_empty() {
        return;
    }
    page.heading("Regulatory clocks");
    page.paragraph(crate::timeline::clocks::NOT_LEGAL_ADVICE);
    let rows: Vec<Vec<String>> = report
        .clocks
        .iter()
        .map(|one| {
            vec![
                prose(&one.regime),
                prose(&one.stage),
                prose(&one.rule),
                moment(one.due),
                moment(one.submitted),
                prose(&one.standing),
            ]
        })
        .collect();
    page.table(
        &["Regime", "Stage", "Rule", "Due", "Submitted", "Standing"],
        &rows,
        "",
    );
}

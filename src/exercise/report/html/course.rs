//! How it went: messages, timeline, answers, refusals, clocks.

use super::{At, Judged, close, list, span, table};
use crate::exercise::report::words::{against_plan, means};
use crate::exercise::report::{Entry, Fate, Inject, Report};
use crate::timeline::export::html::markup::{Markup, put};
use crate::timeline::export::html::section;

pub(super) fn injects(page: &mut Markup, report: &Report) {
    section(page, "injects", "Planned and actual injects");
    table(
        page,
        "Messages of the script",
        &[
            "Inject",
            "By, from and to",
            "Planned",
            "Planned (simulated)",
            "Came (simulated)",
            "Came (real)",
            "What became of it",
        ],
    );
    for one in &report.injects {
        put!(page, "<tr><th scope=\"row\">" {&one.title} "</th><td>" {means(one.means)} " from " {&one.from} " to ");
        if one.to.is_empty() {
            put!(page, "everybody");
        } else {
            put!(page, { one.to.join(", ") });
        }
        put!(page, "</td><td>" {&one.planned} "</td><td>" [At(one.planned_at)] "</td><td>" [At(one.came)] "</td><td>" [At(one.came_real)] "</td><td>");
        fate(page, one);
        put!(page, "</td></tr>");
    }
    close(page);
    put!(page, "</section>");
}

fn fate(page: &mut Markup, one: &Inject) {
    let (class, word) = match one.fate {
        Fate::Came => ("good", "came"),
        Fate::ByHand => ("due", "let come by hand"),
        Fate::Skipped => ("", "left out"),
        Fate::NeverCame => ("", "never came"),
    };
    put!(page, "<span class=\"chip " {class} "\">" {word} "</span>");
    if let Some(late) = one.late_millis.filter(|late| late.abs() >= 1000) {
        put!(page, " " {against_plan(late)});
    }
    if let Some(reason) = &one.reason {
        put!(page, " " {reason});
    }
    if one.times > 1 {
        put!(page, " <small>(" {one.times} " times)</small>");
    }
}

pub(super) fn timeline(page: &mut Markup, report: &Report) {
    section(page, "timeline", "Scored timeline");
    table(
        page,
        "In the order of the simulated clock",
        &["Simulated", "Real", "Duty", "What", "Scored"],
    );
    for one in &report.timeline {
        entry(page, one);
    }
    close(page);
    put!(page, "</section>");
}

fn entry(page: &mut Markup, one: &Entry) {
    put!(page, "\n<tr");
    if let Some(event) = one.event {
        put!(page, " id=\"e" {event.short()} "\"");
    }
    put!(page, "><th scope=\"row\">" [At(Some(one.at))] "</th><td>" [At(one.real)] "</td><td>" {one.duty.as_deref().unwrap_or("")} "</td><td><i class=\"t c-" {one.class} "\">" {one.class} "</i> " {&one.text});
    if !one.counts {
        put!(page, " <small>(does not count)</small>");
    }
    put!(page, "</td><td>");
    for mark in &one.scored {
        put!(page, [Judged(Some(mark.verdict))] " <small>" {&mark.expectation} "</small> ");
    }
    put!(page, "</td></tr>");
}

pub(super) fn decisions(page: &mut Markup, report: &Report) {
    section(page, "decisions", "Decision latency");
    if report.decisions.is_empty() {
        page.none("Nobody asked for an approval.");
        put!(page, "</section>");
        return;
    }
    table(
        page,
        "From each question to its first answer, on the simulated clock",
        &["Step", "Asked", "Answer", "Took"],
    );
    for one in &report.decisions {
        put!(page, "<tr><th scope=\"row\"><code>" {&one.step} "</code></th><td>" [At(Some(one.asked))] "</td><td>" {one.answer.unwrap_or("no answer")} "</td><td>" {span(one.millis)} "</td></tr>");
    }
    close(page);
    put!(page, "</section>");
}

pub(super) fn checkpoints(page: &mut Markup, report: &Report) {
    section(page, "refused", "What the rules refused");
    if report.refused.is_empty() {
        page.none("Nothing was refused.");
    } else {
        table(
            page,
            "Attempts, on the simulated clock",
            &["Time", "Duty", "Step", "What"],
        );
        for one in &report.refused {
            put!(page, "<tr><th scope=\"row\">" [At(Some(one.at))] "</th><td>" {one.duty.as_deref().unwrap_or("")} "</td><td>" {one.step.as_deref().unwrap_or("")} "</td><td>" {&one.what} "</td></tr>");
        }
        close(page);
    }
    put!(page, "<h3>Checkpoints gone through without approval</h3>");
    if report.overrides.is_empty() {
        page.none("None.");
    } else {
        overrides(page, report);
    }
    if !report.violations.is_empty() {
        put!(page, "<h3>What breaks a promise of the record</h3>");
        list(page, &report.violations);
    }
    put!(page, "</section>");
}

fn overrides(page: &mut Markup, report: &Report) {
    table(
        page,
        "Overrides, on the simulated clock",
        &["Time", "Duty", "Step", "Gate", "Reason", "Review"],
    );
    for one in &report.overrides {
        put!(page, "<tr><th scope=\"row\">" [At(Some(one.at))] "</th><td>" {one.duty.as_deref().unwrap_or("")} "</td><td>" {&one.step} "</td><td>" {&one.gate} "</td><td>" {one.reason.as_deref().unwrap_or("")} "</td><td>");
        match one.accepted {
            None => put!(page, "<span class=\"chip bad\">owed</span>"),
            Some(true) => put!(page, "<span class=\"chip good\">accepted</span>"),
            Some(false) => put!(page, "<span class=\"chip bad\">not accepted</span>"),
        }
        put!(page, "</td></tr>");
    }
    close(page);
}

pub(super) fn clocks(page: &mut Markup, report: &Report) {
    if report.clocks.is_empty() {
        return;
    }
    section(page, "clocks", "Regulatory clocks");
    put!(page, "<p class=\"warning\">" {crate::timeline::clocks::NOT_LEGAL_ADVICE} "</p>");
    table(
        page,
        "As they stood at the end",
        &["Regime", "Stage", "Rule", "Due", "Submitted", "Standing"],
    );
    for one in &report.clocks {
        put!(page, "<tr><th scope=\"row\">" {&one.regime} "</th><td>" {&one.stage} "</td><td>" {&one.rule} "</td><td>" [At(one.due)] "</td><td>" [At(one.submitted)] "</td><td>" {&one.standing} "</td></tr>");
    }
    close(page);
    put!(page, "</section>");
}

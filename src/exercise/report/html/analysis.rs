//! Objectives, their analysis and the improvement plan.

use super::{At, Judged, close, letter, list, span, table};
use crate::exercise::report::{Objective, Observation, Report};
use crate::exercise::seal::Rating;
use crate::timeline::export::html::markup::{Markup, put};
use crate::timeline::export::html::section;
use crate::timeline::export::html::words::Entry;

pub(super) fn objectives(page: &mut Markup, report: &Report) {
    section(page, "objectives", "Objectives and capabilities");
    table(
        page,
        "How well each objective was reached",
        &[
            "Objective",
            "Capability",
            "Proposed",
            "Confirmed",
            "Rating",
            "Share met of what was decided",
        ],
    );
    for one in &report.objectives {
        put!(page, "<tr><th scope=\"row\">" {&one.title} "</th><td>" {&one.capability} "</td><td>" {letter(one.proposed)} "</td><td><strong>" {letter(one.confirmed)} "</strong></td><td>" {one.words.unwrap_or("not rated")} "</td><td>");
        if let Some(share) = one.share {
            put!(page, {share} " %");
        }
        put!(page, "</td></tr>");
    }
    close(page);
    put!(page, "<ul class=\"meta\">");
    for one in [Rating::P, Rating::S, Rating::M, Rating::U] {
        put!(page, "<li><strong>" {one.letter()} "</strong> " {one.words()} "</li>");
    }
    put!(page, "</ul></section>");
}

pub(super) fn analysis(page: &mut Markup, report: &Report) {
    section(page, "analysis", "Analysis of objectives");
    for one in &report.objectives {
        objective(page, one);
    }
    put!(page, "</section>");
}

fn objective(page: &mut Markup, one: &Objective) {
    put!(page, "<article class=\"box\"><h3>" {&one.title} "</h3><p class=\"meta\">" {&one.capability} " · " {one.words.unwrap_or("not rated")} "</p>");
    if let Some(reason) = &one.reason {
        put!(page, "<p>Evaluator: " {reason} "</p>");
    }
    if one.undecided > 0 {
        put!(page, "<p class=\"warning\">Not decided: " {one.undecided} " of " {one.expectations.len()} " expectations.</p>");
    }
    if !one.critical_tasks.is_empty() {
        put!(page, "<h4>Critical tasks</h4>");
        list(page, &one.critical_tasks);
    }
    table(
        page,
        "Expectations; times are those of the simulated clock",
        &["Expectation", "Duty", "Deadline", "Done", "Took", "Verdict"],
    );
    for line in &one.expectations {
        put!(page, "<tr><th scope=\"row\">" {&line.action});
        if line.critical {
            put!(page, " <span class=\"chip\">critical</span>");
        }
        put!(page, "</th><td>" {line.role.as_deref().unwrap_or("")} "</td><td>" [At(line.deadline)] "</td><td>" [At(line.done)]);
        if let Some(event) = line.event {
            put!(page, " "[Entry(event)]);
        }
        put!(page, "</td><td>" {span(line.took_millis)} "</td><td>" [Judged(Some(line.verdict))]);
        if let Some(shown) = line.shown {
            put!(page, " <small>the record alone: " {shown.word()} "</small>");
        }
        if let Some(reason) = &line.reason {
            put!(page, " <small>" {reason} "</small>");
        }
        put!(page, "</td></tr>");
    }
    close(page);
    observations(page, "Strengths", &one.strengths);
    observations(page, "Areas for improvement", &one.improvements);
    put!(page, "</article>");
}

fn observations(page: &mut Markup, title: &'static str, all: &[Observation]) {
    if all.is_empty() {
        return;
    }
    put!(page, "<h4>" {title} "</h4><ul class=\"entries\">");
    for one in all {
        put!(page, "<li><strong>" {&one.text} "</strong><p>" {&one.analysis} "</p>");
        if let Some(recommend) = &one.recommend {
            put!(page, "<p>Recommendation: " {recommend} "</p>");
        }
        if !one.references.is_empty() {
            put!(page, "<p class=\"meta\">Reference: " {one.references.join("; ")} "</p>");
        }
        put!(page, "</li>");
    }
    put!(page, "</ul>");
}

pub(super) fn plan(page: &mut Markup, report: &Report) {
    section(page, "plan", "Improvement plan");
    if report.improvement_plan.is_empty() {
        page.none("No corrective action is recorded.");
        put!(page, "</section>");
        return;
    }
    table(
        page,
        "What is to be done, by whom and by when",
        &[
            "Area for improvement",
            "Corrective action",
            "Capability",
            "Kind",
            "Owner",
            "Opened",
            "Due",
            "Status",
        ],
    );
    for one in &report.improvement_plan {
        put!(page, "<tr><th scope=\"row\">" {&one.area} "</th><td>" {&one.action});
        if let Some(event) = one.event {
            put!(page, " "[Entry(event)]);
        }
        put!(page, "</td><td>" {one.capability.as_deref().unwrap_or("")} "</td><td>" {one.kind.unwrap_or("").replace('_', " ")} "</td><td>");
        match &one.owner {
            Some(owner) => put!(page, { owner }),
            None => put!(page, "<strong class=\"bad\">no owner</strong>"),
        }
        put!(page, "</td><td>");
        if let Some(opened) = one.opened {
            put!(page, { opened });
        }
        put!(page, "</td><td>");
        match one.due {
            Some(due) => put!(page, { due }),
            None => put!(page, "<strong class=\"bad\">no date</strong>"),
        }
        put!(page, "</td><td>" {one.status.unwrap_or("recommended")} "</td></tr>");
    }
    close(page);
    put!(page, "</section>");
}

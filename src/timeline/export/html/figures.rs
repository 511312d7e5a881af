//! Milestones, figures with their formulas, and who took part.

use super::markup::{Markup, put};
use super::section;
use super::words::{Entry, Show, Time, Who, counted, length, moment};
use crate::timeline::Timeline;
use crate::timeline::header::MilestoneHead;
use crate::timeline::metrics::{Impact, Metrics, Span, Walk};

pub(super) fn milestones(page: &mut Markup, timeline: &Timeline) {
    section(page, "milestones", "Milestones");
    let mut all: Vec<&MilestoneHead> = timeline.header.milestones.iter().collect();
    if all.is_empty() {
        page.none("None is recorded.");
        put!(page, "</section>");
        return;
    }
    all.sort_by_key(|one| (one.at.to_utc(), one.milestone));
    put!(
        page,
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Table of milestones\"><table><caption>Milestones with both their times</caption><thead><tr><th scope=\"col\">Milestone</th><th scope=\"col\">Reached (UTC)</th><th scope=\"col\">Recorded (UTC)</th><th scope=\"col\">By</th></tr></thead><tbody>"
    );
    for one in all {
        put!(page, "<tr><th scope=\"row\">" {one.milestone.word()} " " [Entry(one.event)] "</th><td>" [Time(one.at, one.fidelity, Show::Whole)] "</td><td>" [moment(one.recorded_at.fixed_offset())] "</td><td>" [Who(&one.by)] "</td></tr>");
    }
    put!(page, "</tbody></table></div></section>");
}

pub(super) fn metrics(page: &mut Markup, metrics: &Metrics) {
    section(page, "metrics", "Metrics");
    put!(page, "<ul class=\"cards\">");
    for span in &metrics.spans {
        card(page, span);
    }
    hit(page, &metrics.impact);
    let approvals = &metrics.approvals;
    pair(
        page,
        "Approval latency",
        &counted(approvals.requests.len(), "request", "requests"),
        (approvals.p50_millis, approvals.max_millis),
        approvals.formula,
    );
    let recording = &metrics.recording;
    let of = format!(
        "{}, {} late",
        counted(recording.entries, "entry", "entries"),
        recording.late
    );
    pair(
        page,
        "Recording lag",
        &of,
        (recording.p50_millis, recording.max_millis),
        recording.formula,
    );
    put!(page, "</ul>");
    if !approvals.requests.is_empty() {
        put!(
            page,
            "<details><summary>How long each request waited</summary><ul>"
        );
        for request in &approvals.requests {
            put!(page, "<li>" {&request.step} ", asked " [moment(request.asked_at)] ": ");
            match request.millis {
                Some(millis) => put!(page, "approved after " {length(millis)}),
                None => put!(page, "not approved"),
            }
            put!(page, "</li>");
        }
        put!(page, "</ul></details>");
    }
    walk(page, &metrics.walk);
    for warning in &metrics.warnings {
        put!(page, "<p class=\"warning\">" {warning} "</p>");
    }
    put!(page, "</section>");
}

fn hit(page: &mut Markup, impact: &Impact) {
    let intervals = counted(impact.intervals.len(), "interval", "intervals");
    put!(page, "<li class=\"card\"><h3>Impact <span>" {intervals} "</span></h3>");
    match impact.millis {
        Some(millis) => {
            let about = if impact.estimated { "about " } else { "" };
            put!(page, "<p class=\"value\">" {about} {length(millis)} "</p>");
        }
        None => {
            put!(page, "<p class=\"value missing\">not known</p><p>missing: " {impact.missing.join(", ")} "</p>");
        }
    }
    put!(page, "<p class=\"formula\">= " {impact.formula} "</p></li>");
}

/// Where the time of the walk went.
fn walk(page: &mut Markup, walk: &Walk) {
    if walk.steps.is_empty() {
        return;
    }
    put!(page, "<details><summary>How long each step took</summary><p>" {walk.steps_formula} "</p><ul>");
    for step in &walk.steps {
        put!(page, "<li>" {step.step.as_str()} ": " {length(step.millis)} ", " {&step.end});
        for budget in &step.budgets {
            put!(page, "; " {&budget.key} " " {length(budget.limit_millis)});
            match (budget.over(), &budget.missing) {
                (Some(over), _) => put!(page, ": <strong>" {length(over)} " over</strong>"),
                (None, Some(missing)) => put!(page, ": not known, " {missing} " is missing"),
                (None, None) => put!(page, ": kept"),
            }
        }
        put!(page, "</li>");
    }
    put!(page, "</ul></details>");
}

fn card(page: &mut Markup, span: &Span) {
    put!(page, "<li class=\"card\"><h3>" {span.name} " <span>" {span.meaning} "</span></h3>");
    match span.millis {
        Some(millis) => {
            let about = if span.estimated { "about " } else { "" };
            put!(page, "<p class=\"value\">" {about} {length(millis)} "</p>");
        }
        None => {
            let missing: Vec<_> = span.missing.iter().map(|one| one.word()).collect();
            put!(page, "<p class=\"value missing\">not known</p><p>missing: " {missing.join(", ")} "</p>");
        }
    }
    put!(page, "<p class=\"formula\">= " {&span.formula} "</p></li>");
}

fn pair(
    page: &mut Markup,
    name: &'static str,
    of: &str,
    value: (Option<i64>, Option<i64>),
    formula: &'static str,
) {
    put!(page, "<li class=\"card\"><h3>" {name} " <span>" {of} "</span></h3>");
    match value {
        (Some(p50), Some(max)) => {
            put!(page, "<p class=\"value\">" {length(p50)} "</p><p>the median; at most " {length(max)} "</p>");
        }
        _ => put!(page, "<p class=\"value missing\">none</p>"),
    }
    put!(page, "<p class=\"formula\">= " {formula} "</p></li>");
}

pub(super) fn people(page: &mut Markup, timeline: &Timeline) {
    section(page, "people", "People");
    put!(
        page,
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Table of people\"><table><caption>Who took part</caption><thead><tr><th scope=\"col\">Who</th><th scope=\"col\">Principal</th><th scope=\"col\">Roles</th><th scope=\"col\">Entries</th></tr></thead><tbody>"
    );
    for one in &timeline.header.people {
        let name = one
            .name
            .as_deref()
            .unwrap_or_else(|| one.principal.as_str().split('@').next().unwrap_or_default());
        put!(page, "<tr><th scope=\"row\">" {name} "</th><td>" {&one.principal} "</td><td>" {one.roles.join(", ")} "</td><td>" {one.entries});
        if one.unsigned > 0 {
            put!(page, ", " {one.unsigned} " unsigned");
        }
        put!(page, "</td></tr>");
    }
    put!(page, "</tbody></table></div></section>");
}

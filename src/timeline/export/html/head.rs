//! What is read first: what it is, how it stands, what must not be overlooked, what was pinned, how bad it was.

use chrono::{DateTime, Utc};

use super::markup::{Markup, put};
use super::section;
use super::words::{Entry, Grade, Promised, Show, Time, Who, counted, moment};
use crate::engine::sentence::{Class, severity};
use crate::timeline::header::Header;
use crate::timeline::{Projection, Row, Timeline};

/// What stands on the tab and above the page.
pub(super) fn title(timeline: &Timeline) -> &str {
    match timeline.header.title.as_str() {
        "" => "An incident without a beginning",
        title => title,
    }
}

pub(super) fn header(page: &mut Markup, timeline: &Timeline, now: DateTime<Utc>) {
    let head = &timeline.header;
    let grade = head.severity.map_or("sev5", severity);
    if timeline.is_exercise() {
        drill(page);
    }
    put!(page, "<header class=\"top " {grade} "\"><p class=\"eyebrow\">");
    if let Some(id) = &head.incident {
        put!(page, "INC-" {id} " ");
    }
    put!(page, "</p><h1>");
    if timeline.is_exercise() {
        put!(page, "EXERCISE: ");
    }
    put!(page, {title(timeline)} "</h1><p class=\"status\">");
    if let Some(grade) = head.severity {
        put!(page, [Grade(grade)] " ");
    }
    status(page, timeline);
    put!(page, "</p>");
    if let Some(audience) = &timeline.audience {
        left_out(page, audience);
    }
    banners(page, timeline);
    facts(page, timeline, now);
    put!(page, "</header>\n");
}

/// What stands on top of everything about an exercise, and stays there.
pub(crate) fn drill(page: &mut Markup) {
    put!(
        page,
        "<p class=\"drill\" role=\"note\"><strong>EXERCISE</strong> This was a drill. Nothing in it happened for real, and no approval in it opens a live gate.</p>"
    );
}

/// Open or closed, the last milestone, what people were told last.
fn status(page: &mut Markup, timeline: &Timeline) {
    let head = &timeline.header;
    let reopened = timeline
        .rows
        .iter()
        .rev()
        .find(|row| row.kind == "incident.reopened");
    match (&head.closed, reopened) {
        (Some(closed), _) => {
            put!(page, "<strong>Closed</strong> " [moment(closed.at)] " by " [Who(&closed.by)]);
        }
        (None, Some(row)) => {
            put!(
                page,
                "<strong>Open again</strong> since "[moment(row.occurred_at)]
            );
        }
        (None, None) => put!(page, "<strong>Open</strong>"),
    }
    if let Some(last) = head
        .milestones
        .iter()
        .max_by_key(|one| (one.at.to_utc(), one.milestone))
    {
        put!(page, " · last milestone <strong>" {last.milestone.word()} "</strong> " [Time(last.at, last.fidelity, Show::Whole)]);
    }
    if let Some((update, state)) = timeline
        .updates
        .iter()
        .rev()
        .find_map(|update| Some((update, update.state.as_ref()?)))
    {
        put!(page, " · last told to " {&update.audience} ": <strong>" {state} "</strong>");
    }
}

/// For whom it is and what they do not see.
fn left_out(page: &mut Markup, audience: &Projection) {
    let withheld = &audience.withheld;
    put!(page, "<div class=\"notice\" role=\"note\"><p><strong>For " {&audience.name} ", TLP:" {audience.tlp.word().to_uppercase()} ".</strong> ");
    if withheld.entries == 0 {
        put!(page, "Nothing is left out.</p></div>");
        return;
    }
    let classes: Vec<_> = withheld
        .by_class
        .iter()
        .map(|(class, count)| format!("{count} {}", class.word()))
        .collect();
    put!(page, {counted(withheld.entries, "entry is", "entries are")} " left out (" {classes.join(", ")} "). The full record confirms which by their digest <code>" {withheld.sha256} "</code>.");
    if withheld.violations > 0 {
        put!(page, " " {withheld.violations} " of them <strong>do not fit in the record</strong>.");
    }
    put!(page, "</p></div>");
}

fn banners(page: &mut Markup, timeline: &Timeline) {
    let owed = timeline.reviews_owed();
    if owed > 0 {
        let gates = counted(owed, "checkpoint was", "checkpoints were");
        put!(page, "<div class=\"banner\" role=\"note\"><p><strong>Review owed.</strong> " {gates} " gone through without approval, and nobody else has reviewed it yet: ");
        let unreviewed = timeline.overrides.iter().filter(|over| over.owes_review());
        for (index, over) in unreviewed.enumerate() {
            put!(page, {if index == 0 { "" } else { ", " }} {&over.step} " by " [Who(&over.said.by)]);
        }
        put!(page, ". <a href=\"#overrides\">Overrides</a></p></div>");
    }
    let violations = timeline.flags.iter().filter(|flag| flag.violation).count();
    if violations > 0 {
        put!(page, "<div class=\"banner\" role=\"note\"><p><strong>The record does not hold.</strong> It breaks what a record promises " {counted(violations, "time", "times")} ". <a href=\"#flags\">What does not fit</a></p></div>");
    }
}

fn facts(page: &mut Markup, timeline: &Timeline, now: DateTime<Utc>) {
    let head = &timeline.header;
    put!(page, "<dl class=\"facts\">");
    if let Some(row) = timeline.rows.first() {
        put!(page, "<div><dt>First entry</dt><dd>" [Time(row.occurred_at, row.fidelity, Show::Whole)] "</dd></div>");
    }
    if let Some(at) = head.started {
        put!(page, "<div><dt>Record begun</dt><dd>" [moment(at)] "</dd></div>");
    }
    fact(page, "Reference", head.reference.as_deref());
    fact(page, "Alert", head.alert.as_deref());
    let commanders: Vec<&str> = head
        .people
        .iter()
        .filter(|one| one.roles.iter().any(|role| role == "commander"))
        .map(|one| one.name.as_deref().unwrap_or(one.principal.as_str()))
        .collect();
    fact(
        page,
        "Commander",
        Some(commanders.join(", ").as_str()).filter(|all| !all.is_empty()),
    );
    runs(page, head);
    let passed = timeline
        .checkpoints
        .iter()
        .filter(|gate| gate.passed.is_some())
        .count();
    let open = timeline
        .checkpoints
        .iter()
        .filter(|gate| gate.status == crate::timeline::checkpoints::Status::Open)
        .count();
    let gates = format!(
        "{passed} passed, {open} open, {} overridden",
        timeline.overrides.len()
    );
    fact(page, "Checkpoints", Some(&gates));
    next_updates(page, timeline, now);
    put!(page, "</dl>");
}

/// By when who hears again.
fn next_updates(page: &mut Markup, timeline: &Timeline, now: DateTime<Utc>) {
    let mut open: Vec<_> = timeline
        .updates
        .iter()
        .filter_map(|update| Some((timeline.promised(update, now)?, update)))
        .filter(|((_, standing), _)| standing.is_open())
        .collect();
    open.sort_by_key(|((next, _), update)| (*next, &update.audience));
    for ((next, standing), update) in open {
        put!(page, "<div><dt>Next update</dt><dd>" {&update.audience} " by " [moment(next.fixed_offset())] " " [Promised(standing)] "</dd></div>");
    }
}

fn fact(page: &mut Markup, name: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        put!(page, "<div><dt>" {name} "</dt><dd>" {value} "</dd></div>");
    }
}

fn runs(page: &mut Markup, head: &Header) {
    for run in &head.runs {
        let name = run.title.as_deref().unwrap_or(&run.runbook);
        put!(page, "<div><dt>Runbook</dt><dd>" {name});
        if let Some((over, all)) = run.progress {
            put!(page, ", " {over} " of " {all} " steps");
        }
        put!(page, "</dd></div>");
    }
}

pub(super) fn summary(page: &mut Markup, timeline: &Timeline) {
    section(page, "summary", "Summary");
    entries(
        page,
        timeline.rows.iter().filter(|row| row.about.pinned),
        "No entry is pinned to the summary.",
    );
    put!(page, "</section>");
}

pub(super) fn impact(page: &mut Markup, timeline: &Timeline) {
    section(page, "impact", "Impact");
    let severities = &timeline.header.severities;
    if !severities.is_empty() {
        put!(
            page,
            "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Table of severities\"><table><caption>Severity</caption><thead><tr><th scope=\"col\">From (UTC)</th><th scope=\"col\">Severity</th><th scope=\"col\">Set by</th></tr></thead><tbody>"
        );
        for change in severities {
            put!(page, "<tr><th scope=\"row\">" [moment(change.at)] "</th><td>" [Grade(change.severity)] "</td><td>" [Who(&change.by)] "</td></tr>");
        }
        put!(page, "</tbody></table></div>");
    }
    let told = |row: &&Row| row.class == Class::Impact && row.kind != "severity.changed";
    entries(
        page,
        timeline.rows.iter().filter(told),
        "No entry tells who or what was affected.",
    );
    put!(page, "</section>");
}

/// Some of the entries, by themselves.
fn entries<'a>(page: &mut Markup, rows: impl Iterator<Item = &'a Row>, none: &'static str) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        page.none(none);
        return;
    }
    put!(page, "<ul class=\"entries\">");
    for row in rows {
        let text = row
            .corrections
            .last()
            .map_or(&row.text, |correction| &correction.text);
        put!(page, "<li>" [Time(row.occurred_at, row.fidelity, Show::Whole)] " <strong>" {&row.who} "</strong> " {text});
        if !row.corrections.is_empty() {
            put!(page, " <em>(corrected)</em>");
        }
        put!(page, " " [Entry(row.event)] "</li>");
    }
    put!(page, "</ul>");
}

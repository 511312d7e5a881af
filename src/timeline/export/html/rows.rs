//! The table of everything, in the order things occurred: both clocks where they differ, corrections at what they
//! correct, silences between.

use chrono::NaiveDate;

use super::markup::{Markup, put};
use super::section;
use super::words::{Entry, Show, Time, counted, length};
use crate::engine::details::Relation;
use crate::timeline::{About, Link, Row, Timeline};

pub(super) fn table(page: &mut Markup, timeline: &Timeline) {
    section(page, "timeline", "Timeline");
    put!(page, "<table class=\"timeline\"><caption>" {counted(timeline.rows.len(), "entry", "entries")} " in the order things occurred; times are UTC</caption>");
    put!(
        page,
        "<thead><tr><th scope=\"col\">Time</th><th scope=\"col\">Who</th><th scope=\"col\">What</th></tr></thead>"
    );
    let mut gaps = timeline.gaps.iter().peekable();
    let mut day: Option<NaiveDate> = None;
    for (index, row) in timeline.rows.iter().enumerate() {
        let own = row.occurred_at.to_utc().date_naive();
        let new = day != Some(own);
        while let Some(gap) = gaps.next_if(|gap| gap.before == index) {
            if day.is_some() {
                put!(page, "<tr class=\"gap\"><td colspan=\"3\">nothing recorded for " {length(gap.millis)} "</td></tr>");
            }
        }
        if new {
            if day.is_some() {
                put!(page, "</tbody>");
            }
            put!(page, "<tbody><tr class=\"day\"><th scope=\"rowgroup\" colspan=\"3\"><time datetime=\"" {own} "\">" {own.format("%A, %-d %B %Y")} "</time></th></tr>");
            day = Some(own);
        }
        entry(page, row);
    }
    if day.is_some() {
        put!(page, "</tbody>");
    }
    put!(page, "</table></section>");
}

fn entry(page: &mut Markup, row: &Row) {
    put!(page, "\n<tr id=\"e" {row.event.short()} "\"><th scope=\"row\">" [Time(row.occurred_at, row.fidelity, Show::Clock)]);
    if let Some(until) = row.occurred_until {
        put!(page, " to "[Time(until, row.fidelity, Show::Clock)]);
    }
    put!(page, "</th><td>" {&row.who});
    if let Some(role) = &row.role {
        put!(page, " <small>" {role} "</small>");
    }
    put!(page, "</td><td><i class=\"t c-" {row.class.word()} "\">" {row.class.word()} "</i> " {&row.text});
    circumstances(page, row);
    about(page, &row.about);
    for evidence in &row.evidence {
        put!(page, " <code>" {evidence.short()} "</code>");
    }
    for link in &row.links {
        put!(page, " <small>" {relation(link)} " " [Entry(link.other)] "</small>");
    }
    for correction in &row.corrections {
        put!(page, "<p class=\"corrected\"><strong>Corrected</strong> by " {&correction.by} " " [super::words::moment(correction.at)] ": " {&correction.text} " (because: " {&correction.reason} ")</p>");
    }
    for flag in &row.flags {
        put!(page, "<p class=\"bad\"><strong>Does not fit:</strong> " {flag} "</p>");
    }
    put!(page, "</td></tr>");
}

/// How it came to be recorded, where that is not as usual.
fn circumstances(page: &mut Markup, row: &Row) {
    let late = row.late();
    let said: Vec<&str> = [
        late.as_deref(),
        (!row.signed).then_some("unsigned"),
        row.after_closing.then_some("after closing"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !said.is_empty() {
        put!(page, " <small>(" {said.join(", ")} ")</small>");
    }
}

fn about(page: &mut Markup, about: &About) {
    if *about == About::default() {
        return;
    }
    put!(page, " <small class=\"about\">");
    if about.pinned {
        put!(page, "pinned ");
    }
    if let Some(tlp) = about.tlp {
        put!(page, "TLP:" {tlp.word().to_uppercase()} " ");
    }
    let confidence = about.confidence.map(|one| one.word());
    for (name, value) in [
        (
            "for ",
            Some(about.audiences.join(", "))
                .filter(|all| !all.is_empty())
                .as_deref(),
        ),
        ("on behalf of ", about.on_behalf_of.as_deref()),
        ("source ", about.source.as_deref()),
        ("confidence ", confidence),
        ("ATT&CK ", about.tactic.as_deref()),
        ("ATT&CK ", about.technique.as_deref()),
    ] {
        if let Some(value) = value {
            put!(page, "<span>" {name} {value} "</span> ");
        }
    }
    for (name, list) in [
        ("#", &about.tags),
        ("asset ", &about.assets),
        ("indicator ", &about.indicators),
    ] {
        for one in list {
            put!(page, "<span>" {name} {one} "</span> ");
        }
    }
    put!(page, "</small>");
}

fn relation(link: &Link) -> &'static str {
    match (link.relation, link.first) {
        (Relation::Cause, true) => "led to",
        (Relation::Cause, false) => "came of",
        (Relation::Duplicate, true) => "is told again in",
        (Relation::Duplicate, false) => "tells the same as",
        (Relation::Related, _) => "belongs with",
    }
}

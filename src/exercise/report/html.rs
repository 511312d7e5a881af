//! The report as one page that needs nothing else: the style of exported timelines, no script, and on every printed page
//! the word EXERCISE. All times are UTC.

mod analysis;
mod course;

use super::overview::form;
use super::words::{counted, duration, length, side};
use super::{Comparison, Overview, Report};
use crate::exercise::seal::{Rating, Verdict};
use crate::timeline::export::html::markup::{Markup, Piece, put};
use crate::timeline::export::html::words::moment;
use crate::timeline::export::html::{Form, begin, drill, end, section};
use chrono::{DateTime, Utc};

/// The document.
#[must_use]
pub fn html(report: &Report) -> String {
    let rows = report.timeline.iter().filter_map(|entry| entry.event);
    let mut text = String::new();
    let mut page = Markup::with(&mut text, rows, false);
    let page_title = format!("After-action report: {}", report.overview.name);
    begin(&mut page, &page_title, true, Form::File);
    drill(&mut page);
    top(&mut page, &report.overview);
    contents(&mut page, report);
    put!(&mut page, "<main id=\"main\">");
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
    end(&mut page, true);
    text
}

/// A moment where there is one.
struct At(Option<DateTime<Utc>>);

impl Piece for At {
    fn put(&self, page: &mut Markup) {
        if let Some(at) = self.0 {
            moment(at.fixed_offset()).put(page);
        }
    }
}

/// Milliseconds where there are some.
fn span(millis: Option<i64>) -> String {
    millis.map_or_else(String::new, |millis| {
        let sign = if millis < 0 { "−" } else { "" };
        format!("{sign}{}", length(millis))
    })
}

/// A verdict as a chip.
struct Judged(Option<Verdict>);

impl Piece for Judged {
    fn put(&self, page: &mut Markup) {
        let Some(verdict) = self.0 else { return };
        let class = match verdict {
            Verdict::Met => "good",
            Verdict::Late => "due",
            Verdict::Missed => "bad",
            Verdict::Open | Verdict::NotReached => "",
        };
        put!(page, "<span class=\"chip " {class} "\">" {verdict.word()} "</span>");
    }
}

fn letter(rating: Option<Rating>) -> &'static str {
    rating.map_or("", Rating::letter)
}

/// The start of a table that may be wider than the screen.
fn table(page: &mut Markup, caption: &'static str, head: &[&'static str]) {
    put!(page, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"" {caption} "\"><table><caption>" {caption} "</caption><thead><tr>");
    for name in head {
        put!(page, "<th scope=\"col\">" {name} "</th>");
    }
    put!(page, "</tr></thead><tbody>");
}

fn close(page: &mut Markup) {
    put!(page, "</tbody></table></div>");
}

fn list(page: &mut Markup, texts: &[String]) {
    put!(page, "<ul class=\"entries\">");
    for text in texts {
        put!(page, "<li>" {text} "</li>");
    }
    put!(page, "</ul>");
}

fn top(page: &mut Markup, over: &Overview) {
    put!(page, "<header class=\"top\"><p class=\"eyebrow\">");
    if let Some(id) = &over.incident {
        put!(page, "INC-" {id});
    }
    put!(page, "</p><h1>EXERCISE: " {&over.name} "</h1><p class=\"status\">After-action report and improvement plan</p>");
    if over.aborted {
        let why = over.ended_because.as_deref().unwrap_or("no reason given");
        put!(page, "<div class=\"banner\" role=\"note\"><p><strong>Broken off.</strong> " {why} "</p></div>");
    }
    put!(page, "</header>\n");
}

fn contents(page: &mut Markup, report: &Report) {
    put!(page, "<nav aria-label=\"Contents\"><ul>");
    for (id, name, there) in [
        ("overview", "Overview", true),
        ("summary", "Summary", true),
        ("objectives", "Objectives", true),
        ("analysis", "Analysis", true),
        ("plan", "Improvement plan", true),
        ("injects", "Injects", true),
        ("timeline", "Timeline", true),
        ("decisions", "Decision latency", true),
        ("refused", "Refused", true),
        ("clocks", "Clocks", !report.clocks.is_empty()),
        ("said", "Hot wash", true),
        ("comparison", "Comparison", true),
        ("changes", "Runbook changes", true),
    ] {
        if there {
            put!(page, "<li><a href=\"#" {id} "\">" {name} "</a></li>");
        }
    }
    put!(page, "</ul></nav>\n");
}

fn overview(page: &mut Markup, report: &Report) {
    let over = &report.overview;
    section(page, "overview", "Exercise overview");
    put!(page, "<dl class=\"facts\"><div><dt>Exercise dates</dt><dd>" [At(over.began)] " to " [At(over.ended)] "</dd></div>");
    put!(page, "<div><dt>Simulated time</dt><dd>" [At(over.sim_began)] " to " [At(over.sim_ended)] "</dd></div>");
    let planned = duration(std::time::Duration::from_secs(over.planned_seconds));
    let titles: Vec<&str> = report
        .objectives
        .iter()
        .map(|one| one.title.as_str())
        .collect();
    for (name, value) in [
        ("Scenario", over.scenario.as_str()),
        ("Form", form(over.form)),
        ("Planned length", &format!("{planned} of simulated time")),
        ("Scope", &over.scope),
        ("Mission area", over.mission_area),
        ("Capabilities", &over.capabilities.join(", ")),
        ("Objectives", &titles.join("; ")),
        ("Threat or hazard", &over.threat),
        ("Scenario summary", &over.scenario_summary),
        ("Runbooks", &over.runbooks.join(", ")),
        ("Sponsor", over.sponsor.as_deref().unwrap_or("")),
    ] {
        if !value.is_empty() {
            put!(page, "<div><dt>" {name} "</dt><dd>" {value} "</dd></div>");
        }
    }
    if over.went_back > 0 {
        put!(page, "<div><dt>Went back to a move</dt><dd>" {counted(over.went_back, "time")} "</dd></div>");
    }
    put!(page, "</dl><h3>Briefing</h3><pre>" {&over.briefing} "</pre>");
    if !over.moves.is_empty() {
        table(
            page,
            "Moves on the simulated clock",
            &["Move", "Planned", "Began"],
        );
        for one in &over.moves {
            put!(page, "<tr><th scope=\"row\">" {&one.title} "</th><td>" [At(Some(one.planned))] "</td><td>" [At(one.began)] "</td></tr>");
        }
        close(page);
    }
    participants(page, over);
    put!(page, "</section>");
}

fn participants(page: &mut Markup, over: &Overview) {
    table(page, "Participants", &["Name", "Side", "Part", "Duty"]);
    for one in &over.participants {
        put!(page, "<tr><th scope=\"row\">" {&one.name});
        if one.simulated {
            put!(page, " <small>(played by the exercise)</small>");
        }
        put!(page, "</th><td>" {side(one.side)} "</td><td>" {one.parts.join(", ")} "</td><td>" {one.duties.join(", ")} "</td></tr>");
    }
    close(page);
}

fn summary(page: &mut Markup, report: &Report) {
    section(page, "summary", "Executive summary");
    put!(page, "<p>" {report.summary.account.join(" ")} "</p>");
    put!(page, "<h3>Major strengths</h3>");
    if report.summary.strengths.is_empty() {
        page.none("None was seen.");
    } else {
        list(page, &report.summary.strengths);
    }
    put!(page, "<h3>Primary areas for improvement</h3>");
    if report.summary.improvements.is_empty() {
        page.none("None was seen.");
    } else {
        list(page, &report.summary.improvements);
    }
    put!(page, "</section>");
}

fn said(page: &mut Markup, report: &Report) {
    section(page, "said", "Hot wash and feedback");
    for one in &report.hot_wash {
        put!(page, "<h3>" {&one.question} "</h3>");
        if one.answers.is_empty() {
            page.none("Nobody answered.");
        } else {
            list(page, &one.answers);
        }
    }
    if report.feedback.is_empty() {
        page.none("No other feedback was given.");
    } else {
        put!(page, "<h3>Feedback</h3>");
        list(page, &report.feedback);
    }
    put!(page, "</section>");
}

fn comparison(page: &mut Markup, comparison: &Comparison) {
    section(page, "comparison", "Comparison");
    match &comparison.last {
        None => page.none("There is no earlier run of this scenario to compare with."),
        Some(last) => {
            put!(page, "<h3>With the last run, " {&last.incident} " of " [At(last.began)] "</h3>");
            table(page, "This run and the last one", &["What", "Now", "Then"]);
            for one in &last.objectives {
                put!(page, "<tr><th scope=\"row\">" {&one.text} "</th><td>" {letter(one.now)} "</td><td>" {letter(one.then)} "</td></tr>");
            }
            for one in &last.expectations {
                put!(page, "<tr><th scope=\"row\">" {&one.text} "</th><td>" [Judged(one.now)] "</td><td>" [Judged(one.then)] "</td></tr>");
            }
            for one in &last.counts {
                put!(page, "<tr><th scope=\"row\">" {&one.name} "</th><td>" {one.now} "</td><td>" {one.then} "</td></tr>");
            }
            for one in &last.figures {
                put!(page, "<tr><th scope=\"row\">" {&one.name} "</th><td>" {span(one.now)} "</td><td>" {span(one.then)} "</td></tr>");
            }
            close(page);
        }
    }
    match &comparison.real {
        None => page.none("There is no real incident of the same runbooks to compare with."),
        Some(real) => {
            put!(page, "<h3>With real incidents of the same runbooks: " {real.incidents} "</h3>");
            table(
                page,
                "Beside real incidents",
                &["Figure", "Exercise", "Median", "p90", "Incidents with it"],
            );
            for one in &real.figures {
                put!(page, "<tr><th scope=\"row\">" {&one.name} "</th><td>" {span(one.now)} "</td><td>" {span(one.median)} "</td><td>" {span(one.p90)} "</td><td>" {one.n} "</td></tr>");
            }
            close(page);
        }
    }
    put!(page, "</section>");
}

fn changes(page: &mut Markup, report: &Report) {
    section(page, "changes", "Proposed runbook changes");
    if report.runbook_changes.is_empty() {
        page.none("The exercise taught nothing that the runbooks do not say.");
    }
    for one in &report.runbook_changes {
        put!(page, "<article class=\"box\"><h3>" {&one.runbook} " <span><code>" {&one.path} "</code></span></h3>");
        list(page, &one.lessons);
        put!(page, "<pre>" {&one.patch} "</pre></article>");
    }
    put!(page, "</section>");
}

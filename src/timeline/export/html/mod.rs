//! The timeline as one page that needs nothing else: style and drawing are inside, no script is needed to read it, and
//! its own policy forbids a browser to ask anybody for anything. All times are UTC. Knows nothing but the timeline and
//! the clocks it is given.

mod clocks;
mod drawing;
mod figures;
mod gates;
mod head;
mod lists;
pub(crate) mod markup;
mod rows;
pub(crate) mod words;

pub(crate) use head::drill;

use std::{fmt, io};

use chrono::{DateTime, Utc};

use self::markup::{Markup, put};
use crate::timeline::Timeline;
use crate::timeline::clocks::Countdown;

/// How it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// From a file: it stays as it is.
    File,
    /// From a server, which has newer ones: a script there brings them, and without one the page loads anew.
    Live,
}

/// The document. The same timeline and the same countdowns give the same bytes: what is due is told as it stood when
/// the last entry was recorded.
#[must_use]
pub fn html(timeline: &Timeline, countdowns: &[Countdown]) -> String {
    let mut text = String::new();
    let now = timeline.told_until().unwrap_or_default();
    document(&mut text, timeline, countdowns, now, Form::File);
    text
}

/// Writes the same document as it is made: the page of a long record is larger than what else is known of it.
///
/// # Errors
/// When it cannot be written.
pub fn write(
    timeline: &Timeline,
    countdowns: &[Countdown],
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut sink = Sink {
        out,
        failed: Ok(()),
    };
    let now = timeline.told_until().unwrap_or_default();
    document(&mut sink, timeline, countdowns, now, Form::File);
    sink.failed
}

/// Text as bytes, and the first reason why they did not get anywhere.
struct Sink<'a> {
    out: &'a mut dyn io::Write,
    failed: io::Result<()>,
}

impl fmt::Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.failed.is_ok() {
            self.failed = self.out.write_all(text.as_bytes());
        }
        self.failed.as_ref().map_or(Err(fmt::Error), |()| Ok(()))
    }
}

/// The document as of this moment, for a server that has newer ones as the incident goes on, at the same address.
#[must_use]
pub fn live(timeline: &Timeline, countdowns: &[Countdown], now: DateTime<Utc>) -> String {
    let mut text = String::new();
    document(&mut text, timeline, countdowns, now, Form::Live);
    text
}

fn document(
    out: &mut dyn fmt::Write,
    timeline: &Timeline,
    countdowns: &[Countdown],
    now: DateTime<Utc>,
    form: Form,
) {
    let mut page = Markup::with(
        out,
        timeline.rows.iter().map(|row| row.event),
        timeline.is_partial(),
    );
    begin(
        &mut page,
        head::title(timeline),
        timeline.is_exercise(),
        form,
    );
    head::header(&mut page, timeline, now);
    contents(&mut page, timeline, countdowns);
    put!(&mut page, "<main id=\"main\">");
    head::summary(&mut page, timeline);
    section(&mut page, "drawn", "Drawn timeline");
    drawing::drawing(&mut page, timeline, countdowns);
    put!(&mut page, "</section>");
    figures::milestones(&mut page, timeline);
    figures::metrics(&mut page, &timeline.metrics);
    head::impact(&mut page, timeline);
    gates::checkpoints(&mut page, timeline);
    gates::overrides(&mut page, timeline);
    clocks::clocks(&mut page, countdowns);
    lists::decisions(&mut page, timeline);
    lists::updates(&mut page, timeline, now);
    lists::followups(&mut page, timeline);
    lists::evidence(&mut page, timeline);
    figures::people(&mut page, timeline);
    rows::table(&mut page, timeline);
    lists::flags(&mut page, timeline);
    lists::verifying(&mut page, timeline);
    end(&mut page, timeline.is_exercise());
}

/// What closes a document.
pub(crate) fn end(page: &mut Markup, is_exercise: bool) {
    put!(page, "</main><footer>");
    if is_exercise {
        put!(page, "<p><strong>EXERCISE.</strong> This was a drill.</p>");
    }
    put!(
        page,
        "<p>Made by runsheet from the record. All times are UTC.</p></footer></body></html>\n"
    );
}

/// What opens a document: its head with the style, which also says of each printed page what it is of.
pub(crate) fn begin(page: &mut Markup, title: &str, is_exercise: bool, form: Form) {
    put!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    );
    put!(
        page,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    );
    if form == Form::Live {
        put!(
            page,
            "; script-src 'self'; connect-src 'self'\"><script src=\"live.js\" defer></script><noscript><meta http-equiv=\"refresh\" content=\"30\"></noscript>"
        );
    } else {
        put!(page, "\">");
    }
    put!(
        page,
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><meta name=\"referrer\" content=\"no-referrer\"><meta name=\"robots\" content=\"noindex\">"
    );
    let drill = if is_exercise { "EXERCISE: " } else { "" };
    put!(page, "<title>" {drill} {title} "</title><style>\n");
    page.raw(include_str!("style.css"));
    if is_exercise {
        put!(page, "@page{@top-center{content:\"EXERCISE\"}}\n");
    }
    put!(
        page,
        "</style></head><body>\n<a class=\"skip\" href=\"#main\">Skip to the account</a>"
    );
    if form == Form::Live {
        put!(
            page,
            "<p id=\"live\" class=\"meta\" role=\"status\"></p><noscript><p class=\"meta\">This page loads anew every 30 seconds.</p></noscript>"
        );
    }
}

/// The start of a section, which its heading names.
pub(crate) fn section(page: &mut Markup, id: &'static str, heading: &'static str) {
    put!(page, "\n<section id=\"" {id} "\" aria-labelledby=\"" {id} "-h\"><h2 id=\"" {id} "-h\">" {heading} "</h2>");
}

fn contents(page: &mut Markup, timeline: &Timeline, countdowns: &[Countdown]) {
    put!(page, "<nav aria-label=\"Contents\"><ul>");
    for (id, name, there) in [
        ("summary", "Summary", true),
        ("drawn", "Drawn", true),
        ("milestones", "Milestones", true),
        ("metrics", "Metrics", true),
        ("impact", "Impact", true),
        ("checkpoints", "Checkpoints", true),
        ("overrides", "Overrides", true),
        ("clocks", "Clocks", !countdowns.is_empty()),
        ("decisions", "Decisions", true),
        ("updates", "Updates", true),
        ("followups", "Follow-ups", true),
        ("evidence", "Evidence", true),
        ("people", "People", true),
        ("timeline", "Timeline", true),
        ("flags", "What does not fit", !timeline.flags.is_empty()),
        ("verifying", "Verifying", true),
    ] {
        if there {
            put!(page, "<li><a href=\"#" {id} "\">" {name} "</a></li>");
        }
    }
    put!(page, "</ul></nav>\n");
}

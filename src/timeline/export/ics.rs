//! An iCalendar of the incident (RFC 5545): one event for each row, what lasted with its end, at times in UTC. The stamp
//! of each is when it was recorded, so that the same timeline gives the same bytes.

use chrono::{DateTime, TimeZone, Utc};

use crate::engine::details::Tlp;
use crate::timeline::audience::marking;
use crate::timeline::{Row, Timeline};

/// A line is no longer than this many bytes, without its end.
const LONGEST: usize = 75;

/// The calendar.
#[must_use]
pub fn ics(timeline: &Timeline) -> String {
    let mut out = Calendar(String::new());
    let incident = timeline.header.incident.as_ref();
    let name = incident.map_or_else(|| "INC".to_owned(), |id| id.short(4));
    let drill = if timeline.is_exercise() {
        "EXERCISE: "
    } else {
        ""
    };
    out.line("BEGIN", "VCALENDAR");
    out.line("VERSION", "2.0");
    out.line("PRODID", "-//runsheet//timeline 1//EN");
    out.line("CALSCALE", "GREGORIAN");
    out.line("METHOD", "PUBLISH");
    out.text(
        "X-WR-CALNAME",
        &format!("{drill}{name}: {}", timeline.header.title),
    );
    if let Some(audience) = &timeline.audience {
        out.text("X-WR-CALDESC", &audience.sentence());
    }
    for row in &timeline.rows {
        event(&mut out, timeline, row, drill);
    }
    out.line("END", "VCALENDAR");
    out.0
}

fn event(out: &mut Calendar, timeline: &Timeline, row: &Row, drill: &str) {
    let about = &row.about;
    let marking = marking(row, timeline.audience.as_ref());
    out.line("BEGIN", "VEVENT");
    out.line("UID", &format!("{}@runsheet", row.event.hex()));
    out.line("DTSTAMP", &stamp(&row.recorded_at));
    out.line("DTSTART", &stamp(&row.occurred_at));
    // One that ends before it begins is none that a calendar takes; its times stand in the description.
    if let Some(until) = row.occurred_until.filter(|until| *until > row.occurred_at) {
        out.line("DTEND", &stamp(&until));
    }
    out.text("SUMMARY", &format!("{drill}{} {}", row.who, row.text));
    out.text("DESCRIPTION", &description(row, marking));
    let categories = std::iter::once(row.class.word()).chain(about.tags.iter().map(String::as_str));
    let categories: Vec<_> = categories.map(escaped).collect();
    out.line("CATEGORIES", &categories.join(","));
    out.line(
        "CLASS",
        if marking == Tlp::Clear {
            "PUBLIC"
        } else {
            "CONFIDENTIAL"
        },
    );
    out.line("TRANSP", "TRANSPARENT");
    out.line("STATUS", "CONFIRMED");
    out.line("END", "VEVENT");
}

fn description(row: &Row, marking: Tlp) -> String {
    let mut lines = vec![
        format!("{} {}", row.person, row.text),
        format!(
            "occurred {} ({})",
            row.occurred_at.to_rfc3339(),
            super::csv::fidelity(row.fidelity)
        ),
        format!("recorded {}", row.told_at().to_rfc3339()),
        format!("TLP:{}", marking.word().to_uppercase()),
        row.event.to_string(),
    ];
    if let Some(until) = row.occurred_until {
        lines.push(format!("until {}", until.to_rfc3339()));
    }
    for one in &row.corrections {
        lines.push(format!(
            "corrected by {}: {} ({})",
            one.by, one.text, one.reason
        ));
    }
    lines.extend(row.flags.iter().map(|flag| format!("does not fit: {flag}")));
    lines.join("\n")
}

fn stamp<Z: TimeZone>(at: &DateTime<Z>) -> String {
    at.with_timezone(&Utc).format("%Y%m%dT%H%M%SZ").to_string()
}

/// A value of the type TEXT.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Lines as they are folded: at most 75 bytes, never inside a character, going on after one space. No line ends or goes
/// on with a blank of the text, since some readers take those away.
struct Calendar(String);

impl Calendar {
    fn text(&mut self, name: &str, text: &str) {
        self.line(name, &escaped(text));
    }

    fn line(&mut self, name: &str, value: &str) {
        let mut line = String::new();
        for c in name.chars().chain(":".chars()).chain(value.chars()) {
            if line.len() + c.len_utf8() > LONGEST {
                let mut over = String::from(c);
                while over.starts_with(' ') || line.ends_with(' ') {
                    let Some(last) = line.pop() else { break };
                    over.insert(0, last);
                }
                self.0.push_str(&line);
                self.0.push_str("\r\n");
                line = format!(" {over}");
            } else {
                line.push(c);
            }
        }
        self.0.push_str(&line);
        self.0.push_str("\r\n");
    }
}

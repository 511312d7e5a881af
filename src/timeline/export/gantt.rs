//! A Gantt chart in Mermaid's syntax, for Markdown that is drawn: milestones, what lasted, and every other row as a point,
//! in one section for each class. Knows Mermaid's syntax and nothing of its drawing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use crate::engine::sentence::Class;
use crate::timeline::{Row, Timeline};

/// More rows than this make no chart anybody can read; milestones, decisions and what lasted go first.
const MOST: usize = 400;
/// The longest text of a bar, in characters.
const LONGEST: usize = 80;

/// The chart. Writing to a `String` cannot fail.
#[must_use]
pub fn gantt(timeline: &Timeline) -> String {
    let mut out = String::new();
    if let Some(audience) = &timeline.audience {
        let _ = writeln!(out, "%% {}", audience.sentence());
    }
    let drill = if timeline.is_exercise() {
        "EXERCISE: "
    } else {
        ""
    };
    let _ = writeln!(out, "gantt");
    let _ = writeln!(
        out,
        "    title {drill}{} (UTC)",
        plain(&timeline.header.title)
    );
    let _ = writeln!(out, "    dateFormat YYYY-MM-DDTHH:mm:ss.SSS");
    let _ = writeln!(out, "    axisFormat %m-%d %H:%M");
    let (sections, left_out) = sections(timeline);
    if left_out > 0 {
        let _ = writeln!(
            out,
            "    %% {left_out} rows are not drawn: a chart has at most {MOST}"
        );
    }
    for (class, rows) in sections {
        let _ = writeln!(out, "    section {}", class.word());
        for row in rows {
            bar(&mut out, row);
        }
    }
    out
}

/// The rows that are drawn, by class, and how many are not.
fn sections(timeline: &Timeline) -> (BTreeMap<Class, Vec<&Row>>, usize) {
    let mut rows: Vec<&Row> = timeline.rows.iter().collect();
    rows.sort_by_key(|row| {
        let counts = matches!(
            row.class,
            Class::Milestone | Class::Impact | Class::Decision
        );
        !(counts || row.about.pinned || row.occurred_until.is_some())
    });
    let left_out = rows.len().saturating_sub(MOST);
    rows.truncate(MOST);
    rows.sort_by_key(|row| (row.occurred_at.to_utc(), row.recorded_at));
    let mut sections: BTreeMap<Class, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        sections.entry(row.class).or_default().push(row);
    }
    (sections, left_out)
}

fn bar(out: &mut String, row: &Row) {
    let name = plain(&format!("{} {}", row.who, row.text));
    let from = stamp(row.occurred_at.to_utc());
    let _ = match row.occurred_until {
        Some(until) => writeln!(out, "    {name} :{from}, {}", stamp(until.to_utc())),
        None => writeln!(out, "    {name} :milestone, {from}, 0s"),
    };
}

fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

/// Text without what Mermaid takes for syntax: `:` ends a name, `;` and `#` begin an entity or comment, `%%` a comment.
fn plain(text: &str) -> String {
    let mut plain: String = text
        .chars()
        .take(LONGEST)
        .map(|c| match c {
            ':' => '∶',
            ';' => ',',
            '#' => '♯',
            '%' => '٪',
            '<' => '‹',
            '>' => '›',
            '"' | '`' => '\'',
            '{' => '(',
            '}' => ')',
            '\\' => '/',
            c => c,
        })
        .collect();
    if text.chars().count() > LONGEST {
        plain.push('…');
    }
    match plain.trim() {
        "" => "·".to_owned(),
        text => text.to_owned(),
    }
}

//! For the timeline of DFIR-IRIS, as its CSV import reads it: ten columns, a category it knows, tags between `|`. Assets
//! and indicators have to exist in the case before, or IRIS refuses the whole file; so they stand in the content and in
//! the tags. <https://docs.dfir-iris.org/operations/cases/> and `case_timeline_routes.py` of IRIS 2.4.

use crate::engine::sentence::Class;
use crate::timeline::audience::marking;
use crate::timeline::{Row, Timeline};

use super::csv::Table;

/// The columns, exactly.
pub const HEAD: [&str; 10] = [
    "event_date",
    "event_tz",
    "event_title",
    "event_category",
    "event_content",
    "event_raw",
    "event_source",
    "event_assets",
    "event_iocs",
    "event_tags",
];

/// Which of them is the offset: it begins with a sign, and is to.
const ZONE: usize = 1;

/// The longest title, in characters; the whole sentence stands in the content.
const LONGEST_TITLE: usize = 120;

/// The rows as IRIS takes them.
#[must_use]
pub fn iris(timeline: &Timeline) -> String {
    let mut out = Table::new(&HEAD);
    for row in &timeline.rows {
        out.line_with(&line(timeline, row), ZONE);
    }
    let last = timeline.rows.last();
    if let (Some(audience), Some(last)) = (&timeline.audience, last) {
        let (date, zone) = date(last);
        let mut line = [const { String::new() }; 10];
        line[0] = date;
        line[1] = zone;
        line[2] = title(timeline, "Entries are left out");
        line[3] = "Unspecified".to_owned();
        line[4] = audience.sentence();
        line[6] = "runsheet".to_owned();
        out.line_with(&line, ZONE);
    }
    out.done()
}

fn line(timeline: &Timeline, row: &Row) -> [String; 10] {
    let about = &row.about;
    let (date, zone) = date(row);
    let marking = marking(row, timeline.audience.as_ref()).word();
    let mut tags = vec![row.class.word().to_owned(), format!("tlp:{marking}")];
    if timeline.is_exercise() {
        tags.push("exercise".to_owned());
    }
    tags.extend(about.technique.clone());
    tags.extend(about.tags.iter().cloned());
    tags.extend(about.assets.iter().map(|asset| format!("asset:{asset}")));
    tags.extend(about.indicators.iter().map(|one| format!("ioc:{one}")));
    // IRIS splits at `|` and keeps tags with `,` between.
    let tags: Vec<_> = tags
        .iter()
        .map(|tag| tag.replace(['|', ','], ";"))
        .collect();
    [
        date,
        zone,
        title(timeline, &format!("{} {}", row.who, row.text)),
        category(row).to_owned(),
        content(row),
        row.event.to_string(),
        about
            .source
            .clone()
            .unwrap_or_else(|| "runsheet".to_owned()),
        String::new(),
        String::new(),
        tags.join("|"),
    ]
}

/// The date without its offset, and the offset.
fn date(row: &Row) -> (String, String) {
    let at = row.occurred_at;
    (
        at.format("%Y-%m-%dT%H:%M:%S%.3f").to_string(),
        at.format("%:z").to_string(),
    )
}

fn title(timeline: &Timeline, text: &str) -> String {
    let drill = if timeline.is_exercise() {
        "EXERCISE: "
    } else {
        ""
    };
    let mut title: String = drill
        .chars()
        .chain(text.chars())
        .take(LONGEST_TITLE)
        .collect();
    if drill.len() + text.chars().count() > LONGEST_TITLE {
        title.push('…');
    }
    title
}

fn content(row: &Row) -> String {
    let mut parts = vec![format!("{} {}", row.person, row.text)];
    parts.extend(row.late());
    if let Some(until) = row.occurred_until {
        parts.push(format!("until {}", until.to_rfc3339()));
    }
    let about = &row.about;
    for (what, list) in [("assets", &about.assets), ("indicators", &about.indicators)] {
        if !list.is_empty() {
            parts.push(format!("{what}: {}", list.join(", ")));
        }
    }
    if !row.evidence.is_empty() {
        let digests: Vec<_> = row.evidence.iter().map(ToString::to_string).collect();
        parts.push(format!("evidence: {}", digests.join(", ")));
    }
    for one in &row.corrections {
        parts.push(format!(
            "corrected by {}: {} ({})",
            one.by, one.text, one.reason
        ));
    }
    parts.extend(row.flags.iter().map(|flag| format!("does not fit: {flag}")));
    parts.join("; ")
}

/// One of the categories that IRIS comes with.
fn category(row: &Row) -> &'static str {
    let tactics = [
        ("TA0001", "Initial Access"),
        ("TA0002", "Execution"),
        ("TA0003", "Persistence"),
        ("TA0004", "Privilege Escalation"),
        ("TA0005", "Defense Evasion"),
        ("TA0006", "Credential Access"),
        ("TA0007", "Discovery"),
        ("TA0008", "Lateral Movement"),
        ("TA0009", "Collection"),
        ("TA0010", "Exfiltration"),
        ("TA0011", "Command and Control"),
        ("TA0040", "Impact"),
    ];
    let tactic = row.about.tactic.as_deref();
    match tactics.iter().find(|(id, _)| Some(*id) == tactic) {
        Some((_, name)) => name,
        None if row.class == Class::Response => "Remediation",
        None => "Unspecified",
    }
}

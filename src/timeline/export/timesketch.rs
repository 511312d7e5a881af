//! For Timesketch, as its importer reads them: `message`, `datetime` in ISO 8601, `timestamp` in microseconds,
//! `timestamp_desc`; every other field is ours. <https://timesketch.org/guides/user/import-from-json-csv/>

use chrono::{DateTime, FixedOffset, SecondsFormat};
use serde::Serialize;

use super::csv::Table;
use crate::timeline::audience::marking;
use crate::timeline::{Projection, Row, Timeline};

/// The columns of the table: the members of a line.
const HEAD: [&str; 25] = [
    "message",
    "datetime",
    "timestamp",
    "timestamp_desc",
    "data_type",
    "tag",
    "incident",
    "exercise",
    "event",
    "class",
    "person",
    "role",
    "recorded_at",
    "fidelity",
    "step",
    "tlp",
    "confidence",
    "source",
    "tactic",
    "technique",
    "assets",
    "indicators",
    "evidence",
    "corrections",
    "flags",
];

/// One event over there.
#[derive(Debug, Default, Serialize)]
struct Line<'a> {
    message: String,
    datetime: String,
    timestamp: i64,
    timestamp_desc: &'static str,
    data_type: String,
    /// What Timesketch shows as tags.
    tag: Vec<String>,
    incident: &'a str,
    exercise: bool,
    event: String,
    class: &'static str,
    person: &'a str,
    role: &'a str,
    recorded_at: String,
    fidelity: &'static str,
    step: &'a str,
    tlp: String,
    confidence: &'static str,
    source: &'a str,
    tactic: &'a str,
    technique: &'a str,
    assets: &'a [String],
    indicators: &'a [String],
    evidence: Vec<String>,
    corrections: Vec<String>,
    flags: &'a [String],
}

/// One JSON object a line.
///
/// # Errors
/// When a value does not serialize, which none of a timeline does.
pub fn jsonl(timeline: &Timeline) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    for line in lines(timeline) {
        out.push_str(&serde_json::to_string(&line)?);
        out.push('\n');
    }
    Ok(out)
}

/// A table. Lists stand in their cell with `,` between, as Timesketch splits tags.
#[must_use]
pub fn csv(timeline: &Timeline) -> String {
    let mut out = Table::new(&HEAD);
    for line in lines(timeline) {
        let (timestamp, exercise) = (line.timestamp.to_string(), line.exercise.to_string());
        let lists = [
            line.tag.join(","),
            line.assets.join(","),
            line.indicators.join(","),
            line.evidence.join(","),
            line.corrections.join(" "),
            line.flags.join(" "),
        ];
        out.line(&[
            &line.message,
            &line.datetime,
            &timestamp,
            line.timestamp_desc,
            &line.data_type,
            &lists[0],
            line.incident,
            &exercise,
            &line.event,
            line.class,
            line.person,
            line.role,
            &line.recorded_at,
            line.fidelity,
            line.step,
            &line.tlp,
            line.confidence,
            line.source,
            line.tactic,
            line.technique,
            &lists[1],
            &lists[2],
            &lists[3],
            &lists[4],
            &lists[5],
        ]);
    }
    out.done()
}

/// One line a row, a second one for the end of what lasted, and one for what is left out.
fn lines(timeline: &Timeline) -> impl Iterator<Item = Line<'_>> {
    let rows = timeline.rows.iter().flat_map(|row| {
        let (at, until) = (row.occurred_at, row.occurred_until);
        let what = if until.is_some() { "Start" } else { "Occurred" };
        let end = until.map(|until| line(timeline, row, until, "End"));
        std::iter::once(line(timeline, row, at, what)).chain(end)
    });
    rows.chain(
        timeline
            .audience
            .as_ref()
            .map(|audience| withheld(timeline, audience)),
    )
}

fn line<'a>(
    timeline: &'a Timeline,
    row: &'a Row,
    at: DateTime<FixedOffset>,
    what: &'static str,
) -> Line<'a> {
    let about = &row.about;
    Line {
        message: format!("{}{} {}", drill(timeline), row.who, row.text),
        datetime: at.to_utc().to_rfc3339_opts(SecondsFormat::Micros, false),
        timestamp: at.timestamp_micros(),
        timestamp_desc: what,
        data_type: format!("runsheet:{}", row.kind),
        tag: about.tags.iter().map(|tag| tag.replace(',', ";")).collect(),
        incident: incident(timeline),
        exercise: timeline.is_exercise(),
        event: row.event.to_string(),
        class: row.class.word(),
        person: row.person.as_str(),
        role: row.role.as_deref().unwrap_or_default(),
        recorded_at: row
            .recorded_at
            .to_rfc3339_opts(SecondsFormat::Micros, false),
        fidelity: super::csv::fidelity(row.fidelity),
        step: row.step.as_deref().unwrap_or_default(),
        tlp: marking(row, timeline.audience.as_ref()).word().to_owned(),
        confidence: about
            .confidence
            .map_or("", crate::engine::details::Confidence::word),
        source: about.source.as_deref().unwrap_or_default(),
        tactic: about.tactic.as_deref().unwrap_or_default(),
        technique: about.technique.as_deref().unwrap_or_default(),
        assets: &about.assets,
        indicators: &about.indicators,
        evidence: row.evidence.iter().map(ToString::to_string).collect(),
        corrections: row
            .corrections
            .iter()
            .map(|one| format!("{}: {} ({})", one.by, one.text, one.reason))
            .collect(),
        flags: &row.flags,
    }
}

fn incident(timeline: &Timeline) -> &str {
    timeline
        .header
        .incident
        .as_ref()
        .map_or("", |id| id.as_str())
}

/// Stands before every message of a drill.
fn drill(timeline: &Timeline) -> &'static str {
    if timeline.is_exercise() {
        "EXERCISE: "
    } else {
        ""
    }
}

fn withheld<'a>(timeline: &'a Timeline, audience: &Projection) -> Line<'a> {
    let last = timeline.rows.iter().map(|row| row.occurred_at).max();
    let at = last.unwrap_or_default();
    Line {
        message: format!("{}{}", drill(timeline), audience.sentence()),
        datetime: at.to_utc().to_rfc3339_opts(SecondsFormat::Micros, false),
        timestamp: at.timestamp_micros(),
        timestamp_desc: "Left out",
        data_type: "runsheet:withheld".to_owned(),
        incident: incident(timeline),
        exercise: timeline.is_exercise(),
        class: "system",
        tlp: audience.tlp.word().to_owned(),
        ..Line::default()
    }
}

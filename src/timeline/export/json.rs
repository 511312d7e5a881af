//! The whole timeline as one JSON document for other programs. Members keep their order; they are only ever added to.

use std::io;

use serde::{Deserialize, Serialize};

use crate::timeline::checkpoints::{Checkpoint, Override};
use crate::timeline::rows::{Captured, Choice, Gap, Row, Update};
use crate::timeline::{Flagged, Followup, Header, Metrics, Projection, Timeline};

/// The version of the document.
pub const VERSION: u32 = 1;
/// The name of its form.
pub const FORMAT: &str = "runsheet-timeline";

/// What is written, as it is.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    version: u32,
    format: &'static str,
    exercise: bool,
    /// For whom it was made, and what is left out.
    audience: Option<&'a Projection>,
    /// Before anything else is read: what in it is not settled yet.
    reviews_owed: usize,
    incident: &'a Header,
    metrics: &'a Metrics,
    rows: &'a [Row],
    gaps: &'a [Gap],
    decisions: &'a [Choice],
    checkpoints: &'a [Checkpoint],
    overrides: &'a [Override],
    evidence: &'a [Captured],
    updates: &'a [Update],
    follow_ups: &'a [Followup],
    flags: &'a [Flagged],
}

/// The document, indented, with a newline at its end.
///
/// # Errors
/// When a value does not serialize, which none of a timeline does.
pub fn json(timeline: &Timeline) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&document(timeline))?;
    text.push('\n');
    Ok(text)
}

/// Writes the same document as it is made.
///
/// # Errors
/// When it cannot be written.
pub fn write(timeline: &Timeline, mut out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, &document(timeline))?;
    out.write_all(b"\n")
}

pub(super) fn document(timeline: &Timeline) -> Document<'_> {
    Document {
        version: VERSION,
        format: FORMAT,
        exercise: timeline.is_exercise(),
        audience: timeline.audience.as_ref(),
        reviews_owed: timeline.reviews_owed(),
        incident: &timeline.header,
        metrics: &timeline.metrics,
        rows: &timeline.rows,
        gaps: &timeline.gaps,
        decisions: &timeline.decisions,
        checkpoints: &timeline.checkpoints,
        overrides: &timeline.overrides,
        evidence: &timeline.evidence,
        updates: &timeline.updates,
        follow_ups: &timeline.followups,
        flags: &timeline.flags,
    }
}

/// The same without its rows, for who has them in another form.
pub(super) fn without_rows(timeline: &Timeline) -> Document<'_> {
    Document {
        rows: &[],
        ..document(timeline)
    }
}

/// As [`Document`], for reading. Members it does not know are of a newer runsheet and passed over.
#[derive(Deserialize)]
struct Read {
    version: u32,
    format: String,
    audience: Option<Projection>,
    incident: Header,
    metrics: Metrics,
    rows: Vec<Row>,
    gaps: Vec<Gap>,
    decisions: Vec<Choice>,
    checkpoints: Vec<Checkpoint>,
    overrides: Vec<Override>,
    evidence: Vec<Captured>,
    updates: Vec<Update>,
    follow_ups: Vec<Followup>,
    flags: Vec<Flagged>,
}

/// Reads a document back.
///
/// # Errors
/// With line and column, where it is none of this version.
pub fn read(text: &str) -> Result<Timeline, serde_json::Error> {
    let read: Read = serde_json::from_str(text)?;
    if read.format != FORMAT || read.version != VERSION {
        return Err(serde::de::Error::custom(format!(
            "not a {FORMAT} document of version {VERSION}"
        )));
    }
    Ok(Timeline {
        audience: read.audience,
        header: read.incident,
        metrics: read.metrics,
        rows: read.rows,
        gaps: read.gaps,
        decisions: read.decisions,
        checkpoints: read.checkpoints,
        overrides: read.overrides,
        evidence: read.evidence,
        updates: read.updates,
        followups: read.follow_ups,
        flags: read.flags,
    })
}

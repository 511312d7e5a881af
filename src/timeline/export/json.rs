//! The whole timeline as one JSON document for other programs. Members keep their order; they are only ever added to.

use serde::Serialize;

use crate::timeline::checkpoints::{Checkpoint, Override};
use crate::timeline::rows::{Captured, Choice, Gap, Row, Update};
use crate::timeline::{Flagged, Header, Metrics, Timeline};

/// The version of the document.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    format: &'static str,
    exercise: bool,
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
    follow_ups: [&'a str; 0],
    flags: &'a [Flagged],
}

/// The document, indented, with a newline at its end.
///
/// # Errors
/// When a value does not serialize, which none of a timeline does.
pub fn json(timeline: &Timeline) -> Result<String, serde_json::Error> {
    let document = Document {
        version: VERSION,
        format: "runsheet-timeline",
        exercise: timeline.is_exercise(),
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
        follow_ups: [],
        flags: &timeline.flags,
    };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

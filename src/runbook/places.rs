//! Where the steps of a runbook stand in its text, for whoever proposes a change to it. Knows nothing of the change.

use std::time::Duration;

use super::file::RunbookFile;
use super::model::StepId;
use super::problem::Place;
use super::{parse, words};

/// A step and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct StepPlace {
    pub id: StepId,
    /// Where its first key stands, or the bracket it begins with.
    pub at: Place,
    /// `due.within`: where it stands as a plain word, and what it says.
    pub due: Option<(Place, Duration)>,
}

/// The steps of a runbook, in its order; `None` where it cannot be read.
#[must_use]
pub fn steps(text: &str) -> Option<Vec<StepPlace>> {
    let reading = parse::read::<RunbookFile>("", text.as_bytes(), "runbook");
    let file = reading.file.filter(|_| !reading.lossy)?;
    let steps = file.steps.value.into_iter();
    Some(
        steps
            .map(|step| StepPlace {
                at: step.at,
                due: step
                    .value
                    .due
                    .as_ref()
                    .map(|due| (due.within.inside("", 0), due.within.value.0)),
                id: StepId(step.value.id.value.0.clone()),
            })
            .collect(),
    )
}

/// The length of time that begins there, as it is written, and whether it says this much.
#[must_use]
pub fn length_at(line: &str, column: u32, says: Duration) -> Option<&str> {
    let before = usize::try_from(column.checked_sub(1)?).ok()?;
    let (at, _) = line.char_indices().nth(before)?;
    let rest = &line[at..];
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(rest.len());
    (words::length(&rest[..end]) == Some(says)).then_some(&rest[..end])
}

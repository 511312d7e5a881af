//! What lies above and below the lanes: how bad it was, the milestones with the phases between them, the clocks.

use super::scale::Scale;
use crate::engine::fact::Milestone;
use crate::engine::sentence;
use crate::runbook::model::Severity;
use crate::timeline::Timeline;
use crate::timeline::clocks::Countdown;
use crate::timeline::header::MilestoneHead;

/// At most so many clocks are drawn.
const MOST_CLOCKS: usize = 10;
/// How wide a letter of a label is at most, on average.
pub(super) const LETTER: f64 = 6.6;

/// A severity from here to there.
pub(super) struct Grade {
    pub(super) severity: Severity,
    pub(super) left: f64,
    pub(super) right: f64,
}

/// The severities in the order they were set; the last one lasts until the incident was closed, or to the end.
pub(super) fn impact(timeline: &Timeline, scale: &Scale, end: i64) -> Vec<Grade> {
    let head = &timeline.header;
    let mut changes: Vec<_> = head.severities.iter().collect();
    changes.sort_by_key(|change| change.at.to_utc());
    let closed = head
        .closed
        .as_ref()
        .map(|closed| closed.at.timestamp_millis());
    let last = closed.unwrap_or(end);
    let ends = changes
        .iter()
        .skip(1)
        .map(|next| next.at.timestamp_millis());
    changes
        .iter()
        .zip(ends.chain([last]))
        .map(|(change, until)| {
            let left = scale.x(change.at.timestamp_millis());
            Grade {
                severity: change.severity,
                left,
                right: scale.x(until).max(left + 2.0),
            }
        })
        .collect()
}

/// How high a severity stands, in pixels: the worse, the higher.
pub(super) fn rise(severity: Severity) -> f64 {
    match severity {
        Severity::Sev1 => 26.0,
        Severity::Sev2 => 21.0,
        Severity::Sev3 => 16.0,
        Severity::Sev4 => 11.0,
        Severity::Sev5 => 7.0,
    }
}

/// A milestone and the phase that begins with it.
pub(super) struct Flag<'a> {
    pub(super) head: &'a MilestoneHead,
    pub(super) left: f64,
    pub(super) right: f64,
    /// The line its word stands on, from below.
    pub(super) level: usize,
    /// Whether the word stands to the left of it.
    pub(super) turned: bool,
}

/// The milestones by time, their words on as many lines as they need.
pub(super) fn flags<'a>(
    timeline: &'a Timeline,
    scale: &Scale,
    end: i64,
    width: f64,
) -> Vec<Flag<'a>> {
    let mut heads: Vec<_> = timeline.header.milestones.iter().collect();
    heads.sort_by_key(|head| (head.at.to_utc(), head.milestone));
    let ends = heads.iter().skip(1).map(|next| next.at.timestamp_millis());
    let last = timeline
        .header
        .closed
        .as_ref()
        .map(|closed| closed.at.timestamp_millis());
    let mut taken: Vec<f64> = Vec::new();
    heads
        .iter()
        .zip(ends.chain([last.unwrap_or(end)]))
        .map(|(head, until)| {
            let left = scale.x(head.at.timestamp_millis());
            let wide = LETTER * head.milestone.word().len() as f64 + 14.0;
            let turned = left + wide > width;
            let from = if turned { left - wide } else { left - 4.0 };
            let level = taken
                .iter()
                .position(|right| *right <= from)
                .unwrap_or(taken.len());
            if level == taken.len() {
                taken.push(0.0);
            }
            taken[level] = from + wide;
            Flag {
                head,
                left,
                right: scale.x(until).max(left),
                level,
                turned,
            }
        })
        .collect()
}

/// What a phase is like that begins with a milestone, for its colour.
pub(super) fn phase(milestone: Milestone) -> &'static str {
    match milestone {
        Milestone::Started => "p0",
        Milestone::Detected
        | Milestone::Acknowledged
        | Milestone::Declared
        | Milestone::Escalated => "p1",
        Milestone::Contained | Milestone::Mitigated | Milestone::Eradicated => "p2",
        Milestone::Recovered | Milestone::Resolved | Milestone::Closed => "p3",
    }
}

/// A clock that runs, from what it is counted from until it is due.
pub(super) struct Clock<'a> {
    pub(super) countdown: &'a Countdown,
    pub(super) left: f64,
    pub(super) due: f64,
    pub(super) submitted: Option<f64>,
    pub(super) label: String,
}

/// The clocks that have a due time, and how many more there are than are drawn.
pub(super) fn clocks<'a>(countdowns: &'a [Countdown], scale: &Scale) -> (Vec<Clock<'a>>, usize) {
    let x = |at: chrono::DateTime<chrono::FixedOffset>| scale.x(at.timestamp_millis());
    let mut all: Vec<_> = countdowns
        .iter()
        .filter_map(|countdown| {
            let due_at = countdown.due_at?;
            let from = countdown.from.as_ref()?;
            Some(Clock {
                countdown,
                left: x(from.at),
                due: x(due_at),
                submitted: countdown.submitted.as_ref().map(|said| x(said.at)),
                label: format!(
                    "{} {}, due {}",
                    countdown.regime,
                    countdown.stage,
                    due_at.to_utc().format("%-d %b %H:%M")
                ),
            })
        })
        .collect();
    let more = all.len().saturating_sub(MOST_CLOCKS);
    all.truncate(MOST_CLOCKS);
    (all, more)
}

/// A severity in letters.
pub(super) fn word(severity: Severity) -> &'static str {
    sentence::severity(severity)
}

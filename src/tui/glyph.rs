//! The shapes that tell a step's state, beside the word and before the colour.

use super::theme::Tone;
use crate::engine::state::Status;

/// What a step is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Shape {
    Todo,
    Now,
    Waiting,
    Done,
    Failed,
    Skipped,
    Override,
}

impl Shape {
    /// The shape of a status.
    #[must_use]
    pub fn of(status: Status, current: bool) -> Self {
        match status {
            Status::Done => Self::Done,
            Status::Failed | Status::Unknown => Self::Failed,
            Status::Skipped => Self::Skipped,
            Status::Running => Self::Now,
            Status::Todo if current => Self::Now,
            Status::Todo => Self::Todo,
        }
    }

    /// One column, or three in ASCII.
    #[must_use]
    pub fn mark(self, ascii: bool) -> &'static str {
        match (self, ascii) {
            (Self::Todo, false) => " ",
            (Self::Todo, true) => "   ",
            (Self::Now, false) => "▶",
            (Self::Now, true) => "[>]",
            (Self::Waiting, false) => "⏳",
            (Self::Waiting, true) => "[~]",
            (Self::Done, false) => "✓",
            (Self::Done, true) => "[x]",
            (Self::Failed, false) => "✗",
            (Self::Failed, true) => "[!]",
            (Self::Skipped, false) => "⤼",
            (Self::Skipped, true) => "[-]",
            (Self::Override, false) => "!",
            (Self::Override, true) => "[B]",
        }
    }

    /// Its colour.
    #[must_use]
    pub fn tone(self) -> Tone {
        match self {
            Self::Todo => Tone::Text,
            Self::Now => Tone::Now,
            Self::Waiting => Tone::Waiting,
            Self::Done => Tone::Done,
            Self::Failed => Tone::Failed,
            Self::Skipped => Tone::Skipped,
            Self::Override => Tone::Override,
        }
    }
}

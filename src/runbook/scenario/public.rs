//! What anybody may know of a scenario before it is played. Knows nothing of who asks.

use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use serde::Serialize;

use super::{Form, Part, Scenario};
use crate::runbook::model::{RunbookId, Severity};

/// The part of a scenario that players may see.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Public<'s> {
    pub id: &'s str,
    pub title: &'s str,
    pub form: Form,
    pub summary: &'s str,
    pub briefing: &'s str,
    pub runbook: Option<&'s RunbookId>,
    pub severity: Severity,
    pub start: Option<DateTime<FixedOffset>>,
    /// Simulated seconds a real one, in thousandths.
    pub scale: u32,
    pub length: Duration,
    pub parts: &'s [Part],
    pub code_word: &'s str,
    pub abort: &'s [String],
}

impl Scenario {
    /// What players may see of it.
    #[must_use]
    pub fn public(&self) -> Public<'_> {
        Public {
            id: &self.id,
            title: &self.title,
            form: self.form,
            summary: &self.summary,
            briefing: &self.briefing,
            runbook: self.runbook.as_ref(),
            severity: self.severity,
            start: self.clock.start,
            scale: self.clock.scale,
            length: self.clock.length,
            parts: &self.parts,
            code_word: &self.code_word,
            abort: &self.abort,
        }
    }
}

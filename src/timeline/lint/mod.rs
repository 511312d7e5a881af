//! What somebody should look at before a timeline goes out: silences nobody explained, times that do not fit, words
//! without evidence, what is still open, words that blame, and what must not leave. Each finding says what to do. Asks no
//! clock: who calls says what time it is.

mod account;
mod order;
mod release;
mod words;

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, TimeDelta};
use serde::Serialize;

use super::audience::Audience;
use super::clocks::Countdown;
use super::{Row, Timeline};
use crate::engine::{Event, EventId, State};

/// Tag of an entry next to a silence that needs no explanation.
pub const EXPLAINED: &str = "gap-explained";

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It must not go out so.
    Error,
    /// Somebody should look.
    Warning,
}

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Finding {
    /// One of [`RULES`].
    pub rule: &'static str,
    pub level: Level,
    /// The entry it is about.
    pub entry: Option<EventId>,
    pub at: Option<DateTime<FixedOffset>>,
    pub what: String,
    /// What to do about it; `INC` stands for the incident.
    pub hint: String,
}

/// Every rule, in the order findings are told, with what it looks for.
pub const RULES: [(&str, Level, &str); 25] = [
    (
        "secret",
        Level::Error,
        "what looks like a key, token or password in a text",
    ),
    (
        "personal-data",
        Level::Warning,
        "a mail address or telephone number in a text; an error for an audience up to green",
    ),
    (
        "leak",
        Level::Error,
        "an asset or indicator of a left-out entry in a text that is shown (with --audience)",
    ),
    (
        "never-shown",
        Level::Error,
        "an entry that is for the audience and does not reach it (with --audience)",
    ),
    (
        "milestone-withheld",
        Level::Warning,
        "a milestone that is left out (with --audience)",
    ),
    (
        "violation",
        Level::Error,
        "an entry that breaks a promise of the record",
    ),
    (
        "conflict",
        Level::Warning,
        "an entry that does not fit with another one",
    ),
    (
        "review-owed",
        Level::Error,
        "an override that nobody else has reviewed",
    ),
    (
        "unknown-outcome",
        Level::Error,
        "a step whose end nobody saw and nobody resolved",
    ),
    ("running", Level::Warning, "a step that still runs"),
    (
        "clock-late",
        Level::Error,
        "a stage of a regulatory clock that is late and not submitted",
    ),
    (
        "clock-open",
        Level::Warning,
        "a stage of a regulatory clock that runs",
    ),
    (
        "followup-owner",
        Level::Error,
        "an open follow-up without an owner",
    ),
    (
        "followup-due",
        Level::Error,
        "an open follow-up without a date",
    ),
    (
        "followup-late",
        Level::Warning,
        "an open follow-up past its date",
    ),
    (
        "milestone-missing",
        Level::Error,
        "detected or resolved was not recorded; started and acknowledged warn",
    ),
    (
        "milestone-order",
        Level::Warning,
        "milestones in an odd order",
    ),
    (
        "impact-missing",
        Level::Warning,
        "no entry says when somebody was hit, or until when",
    ),
    (
        "dated-ahead",
        Level::Error,
        "an entry that occurred after it was recorded",
    ),
    (
        "backdated",
        Level::Warning,
        "an entry dated to the second over an hour later, with no source",
    ),
    (
        "clock-step",
        Level::Warning,
        "the clock of a machine was set between two entries",
    ),
    (
        "gap",
        Level::Warning,
        "a silence over half an hour between detected and resolved",
    ),
    (
        "no-evidence",
        Level::Warning,
        "a decision, or a person's word that a step succeeded, that rests on nothing",
    ),
    (
        "no-source",
        Level::Warning,
        "an entry of class adversary or impact with neither source nor evidence",
    ),
    (
        "blame",
        Level::Warning,
        "words that look for somebody to blame",
    ),
];

/// What is looked at.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Subject<'a> {
    pub state: &'a State,
    pub events: &'a [Arc<Event>],
    /// The whole record.
    pub whole: &'a Timeline,
    /// What of it goes out, and to whom, if not all of it does.
    pub part: Option<(&'a Timeline, &'a Audience)>,
    pub countdowns: &'a [Countdown],
    pub now: DateTime<FixedOffset>,
}

impl<'a> Subject<'a> {
    /// What goes out.
    fn shown(&self) -> &'a Timeline {
        self.part.map_or(self.whole, |(part, _)| part)
    }
}

/// Findings as they are gathered.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    /// A finding of this rule, at its level.
    fn put(&mut self, rule: &'static str, entry: Option<&Row>, what: String, hint: &str) {
        let known = RULES.iter().find(|(name, _, _)| *name == rule);
        debug_assert!(known.is_some(), "{rule} stands in RULES");
        self.0.push(Finding {
            rule,
            level: known.map_or(Level::Warning, |(_, level, _)| *level),
            entry: entry.map(|row| row.event),
            at: entry.map(|row| row.occurred_at),
            what,
            hint: match entry {
                Some(row) => hint.replace("ENTRY", &row.event.short()),
                None => hint.to_owned(),
            },
        });
    }

    /// The last one, at another level.
    fn level(&mut self, level: Level) {
        if let Some(last) = self.0.last_mut() {
            last.level = level;
        }
    }

    /// The last one, about this event.
    fn about(&mut self, event: EventId) {
        if let Some(last) = self.0.last_mut() {
            last.entry = Some(event);
            last.hint = last.hint.replace("ENTRY", &event.short());
        }
    }
}

/// Everything that is found, errors first, then in the order of [`RULES`] and of time.
#[must_use]
pub fn lint(subject: &Subject<'_>) -> Vec<Finding> {
    let mut found = Findings::default();
    words::look(subject, &mut found);
    release::look(subject, &mut found);
    account::look(subject, &mut found);
    order::look(subject, &mut found);
    let mut all = found.0;
    let place = |rule: &str| RULES.iter().position(|(name, _, _)| *name == rule);
    all.sort_by_key(|one| {
        (
            one.level,
            place(one.rule),
            one.at.map(|at| at.to_utc()),
            one.entry,
        )
    });
    all
}

/// The rule of this name.
#[must_use]
pub fn rule_named(name: &str) -> Option<&'static str> {
    RULES
        .iter()
        .map(|(rule, _, _)| *rule)
        .find(|rule| *rule == name)
}

fn length(span: TimeDelta) -> String {
    crate::engine::sentence::span(span)
}

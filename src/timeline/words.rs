//! The words of our own that stand in a timeline: read back, each is one that this version knows.

use serde::{Deserialize, Deserializer, de};

use super::metrics::{APPROVALS, IMPACT, PHASES, RECORDING, SPANS, STEPS};
use crate::engine::fact::Fact;

/// A word of our own.
pub type Word = &'static str;

/// What a person says with a signature.
const DECISIONS: [Word; 7] = [
    "request", "approve", "deny", "withdraw", "consume", "override", "review",
];

/// As version 0.1 of the document first had them.
const OLD_APPROVALS: Word = "last approval used (or, until used, last given) − request, for each request; p50 by nearest rank";
const OLD_RECORDING: Word = "recorded − occurred, over all entries but imported ones and lines of logs; p50 by nearest rank; late is over one minute";

fn known<'de, D: Deserializer<'de>>(
    reader: D,
    what: &str,
    mut all: impl Iterator<Item = Word>,
) -> Result<Word, D::Error> {
    let text = String::deserialize(reader)?;
    all.find(|word| *word == text)
        .ok_or_else(|| de::Error::custom(format!("this runsheet knows no {what} `{text}`")))
}

/// The kind of an event of this name.
#[must_use]
pub fn kind_named(name: &str) -> Option<Word> {
    Fact::KINDS.iter().copied().find(|word| *word == name)
}

pub(super) fn kind<'de, D: Deserializer<'de>>(reader: D) -> Result<Word, D::Error> {
    known(reader, "kind of event", Fact::KINDS.iter().copied())
}

pub(super) fn decision<'de, D: Deserializer<'de>>(reader: D) -> Result<Word, D::Error> {
    known(reader, "decision", DECISIONS.into_iter())
}

pub(super) fn figure<'de, D: Deserializer<'de>>(reader: D) -> Result<Word, D::Error> {
    let all = SPANS.iter().flat_map(|span| [span.0, span.1]);
    known(reader, "figure", all)
}

pub(super) fn formula<'de, D: Deserializer<'de>>(reader: D) -> Result<Word, D::Error> {
    let all = [
        APPROVALS,
        RECORDING,
        IMPACT,
        STEPS,
        PHASES,
        OLD_APPROVALS,
        OLD_RECORDING,
    ];
    known(reader, "formula", all.into_iter())
}

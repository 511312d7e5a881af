//! A scenario as it is written down: the keys of the file, in the order a person reads them. Knows nothing of where the
//! values come from; `runbook::scenario` reads it back.

use std::collections::BTreeMap;

use serde::Serialize;

/// Seconds from the start, as a file says them: `1h5m`, `-12m`.
#[must_use]
pub(super) fn length(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let all = seconds.unsigned_abs();
    let parts = [(all / 3600, "h"), (all / 60 % 60, "m"), (all % 60, "s")];
    let mut text = sign.to_owned();
    for (number, unit) in parts.into_iter().filter(|(number, _)| *number > 0) {
        text.push_str(&format!("{number}{unit}"));
    }
    if all == 0 { "0m".to_owned() } else { text }
}

/// An id made of these words: lower-case letters, digits and `-`.
#[must_use]
pub(super) fn slug(text: &str) -> String {
    let mut id = String::new();
    for letter in text.chars().take(40) {
        if letter.is_ascii_alphanumeric() {
            id.push(letter.to_ascii_lowercase());
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    let id = id.trim_end_matches('-');
    if id.is_empty() { "other" } else { id }.to_owned()
}

/// One key with what it is of: how a proof is written.
pub(super) type Proof = BTreeMap<&'static str, Said>;

/// A value of a proof.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub(super) enum Said {
    Word(String),
    Words(BTreeMap<&'static str, String>),
}

/// A proof with one word.
pub(super) fn proof(key: &'static str, word: &str) -> Proof {
    BTreeMap::from([(key, Said::Word(word.to_owned()))])
}

/// A proof with several.
pub(super) fn proof_of(key: &'static str, words: BTreeMap<&'static str, String>) -> Proof {
    BTreeMap::from([(key, Said::Words(words))])
}

#[derive(Debug, Serialize)]
pub(super) struct Page {
    pub kind: &'static str,
    pub id: String,
    pub title: String,
    pub form: &'static str,
    pub summary: String,
    pub briefing: String,
    pub notes: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, String>,
    pub severity: &'static str,
    pub clock: Clock,
    pub objectives: Vec<Objective>,
    pub parts: Vec<Part>,
    pub moves: Vec<Move>,
    pub injects: Vec<Inject>,
    pub expectations: Vec<Expectation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<Log>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub colleagues: Vec<Colleague>,
    pub hot_wash: Vec<String>,
    pub code_word: &'static str,
    pub abort: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct Clock {
    pub start: String,
    pub scale: u32,
    pub length: String,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Objective {
    pub id: String,
    pub title: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub critical_tasks: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Part {
    pub id: String,
    pub title: String,
    pub side: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Move {
    pub id: String,
    pub title: String,
    pub at: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Inject {
    pub id: String,
    pub title: String,
    pub at: String,
    pub means: &'static str,
    pub from: String,
    pub message: String,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Expectation {
    pub id: String,
    pub action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    pub by: String,
    pub proof: Vec<Proof>,
    pub critical: bool,
    pub objective: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub step: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    pub takes: String,
    pub exit: i32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub output: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Log {
    pub name: String,
    pub stamp: &'static str,
    pub lines: Vec<Line>,
}

#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub at: String,
    pub text: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Colleague {
    pub id: String,
    pub name: String,
    pub roles: Vec<String>,
    pub replies: Vec<Reply>,
}

#[derive(Debug, Serialize)]
pub(super) struct Reply {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<u32>,
    pub after: String,
    pub says: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_ids_are_as_files_have_them() {
        let all = [0, 59, 60, 3_725, -720].map(length);
        assert_eq!(all, ["0m", "59s", "1m", "1h2m5s", "-12m"]);
        assert_eq!(slug("Lessons learned!"), "lessons-learned");
        assert_eq!(slug("…"), "other");
    }
}

//! Collects the problems of one file, and looks at its raw text. Knows no key of any file.

use std::collections::HashMap;

use crate::runbook::decode::At;
use crate::runbook::expr::{self, ExprError};
use crate::runbook::pattern;
use crate::runbook::problem::{Place, Problem, Severity, is_deceptive, quoted};
use crate::runbook::words::Text;

const MOST: usize = 200;

/// What was worked out for one file and holds for all: libraries repeat their patterns and expressions.
#[derive(Default)]
pub(crate) struct Memory {
    patterns: HashMap<String, Option<String>>,
    expressions: HashMap<String, Result<Vec<String>, ExprError>>,
}

pub(crate) struct Report<'f, 'm> {
    pub file: &'f str,
    pub problems: Vec<Problem>,
    memory: &'m mut Memory,
}

impl<'f, 'm> Report<'f, 'm> {
    pub fn new(file: &'f str, memory: &'m mut Memory) -> Self {
        Self {
            file,
            problems: Vec::new(),
            memory,
        }
    }

    /// Whether nothing more is taken.
    pub fn is_full(&self) -> bool {
        self.problems.len() >= MOST
    }

    pub fn show(&self, text: &str) -> String {
        quoted(text)
    }

    fn push(
        &mut self,
        at: Place,
        severity: Severity,
        code: &'static str,
        what: String,
        hint: Option<String>,
    ) {
        if self.problems.len() < MOST {
            self.problems
                .push(Problem::new(self.file, at, severity, code, what).maybe_hint(hint));
        }
    }

    pub fn error(&mut self, at: Place, code: &'static str, what: String, hint: Option<String>) {
        self.push(at, Severity::Error, code, what, hint);
    }

    pub fn warn(&mut self, at: Place, code: &'static str, what: String, hint: Option<String>) {
        self.push(at, Severity::Warning, code, what, hint);
    }

    pub fn note(&mut self, at: Place, code: &'static str, what: String) {
        self.push(at, Severity::Note, code, what, None);
    }

    /// Reports a regular expression that cannot be used.
    pub fn pattern(&mut self, at: Place, text: &str) {
        let known = self.memory.patterns.get(text);
        let wrong = match known {
            Some(wrong) => wrong.clone(),
            None => {
                let wrong = pattern::regex(text).err();
                self.memory.patterns.insert(text.to_owned(), wrong.clone());
                wrong
            }
        };
        if let Some(wrong) = wrong {
            self.error(
                at,
                "bad-regex",
                format!("this is not a regular expression: {wrong}"),
                None,
            );
        }
    }

    /// The names in an expression; one that cannot be used is reported and has none.
    pub fn expression(&mut self, text: &At<Text>) -> Vec<String> {
        let words = &text.value.0;
        let known = self.memory.expressions.get(words);
        let read = match known {
            Some(read) => read.clone(),
            None => {
                let read = expr::parse(words).map(|expr| expr.names().to_vec());
                self.memory.expressions.insert(words.clone(), read.clone());
                read
            }
        };
        match read {
            Ok(names) => names,
            Err(error) => {
                self.error(text.at, "bad-expression", error.to_string(), None);
                Vec::new()
            }
        }
    }

    /// What can be seen without reading the file: unfinished places, and characters that hide or reorder text.
    pub fn raw(&mut self, bytes: &[u8]) {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        if bytes.len() > crate::runbook::yaml::MOST_BYTES {
            return;
        }
        for word in ["TODO", "TBD", "FIXME"] {
            for (at, _) in text.match_indices(word) {
                let letter = |char: Option<char>| {
                    char.is_some_and(|char| char.is_alphanumeric() || char == '_')
                };
                if letter(text[..at].chars().next_back())
                    || letter(text[at + word.len()..].chars().next())
                {
                    continue;
                }
                self.warn(
                    place_of(text, at),
                    "unfinished",
                    format!("`{word}` is left here"),
                    Some("finish it".to_owned()),
                );
            }
        }
        if text.is_ascii() {
            return;
        }
        for (at, char) in text.char_indices() {
            if is_deceptive(char) && at > 0 {
                let place = place_of(text, at);
                if self
                    .problems
                    .iter()
                    .any(|known| (known.line, known.column) == (place.line, place.column))
                {
                    continue;
                }
                let what = format!(
                    "the character U+{:04X} hides or reorders text",
                    u32::from(char)
                );
                self.warn(
                    place,
                    "deceptive-character",
                    what,
                    Some("take it out".to_owned()),
                );
            }
        }
    }
}

fn place_of(text: &str, at: usize) -> Place {
    let before = &text[..at];
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    Place {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}

//! What is wrong in a file, where, and what to do about it. Knows nothing of who prints it.

use std::fmt::{self, Write as _};

use serde::Serialize;

/// A place in a file, both counted from 1; columns are characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[allow(missing_docs)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can be used, and somebody should look.
    Warning,
    /// Worth knowing.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// One thing that is wrong. Displays as `file:line:column: severity: what (hint)`, one line, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Problem {
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    pub severity: Severity,
    /// A stable word for programs, such as `unknown-key`.
    pub code: &'static str,
    pub what: String,
    pub hint: Option<String>,
}

impl Problem {
    /// An error at a place.
    #[must_use]
    pub fn error(file: &str, at: Place, code: &'static str, what: impl Into<String>) -> Self {
        Self::new(file, at, Severity::Error, code, what)
    }

    /// A problem at a place.
    #[must_use]
    pub fn new(
        file: &str,
        at: Place,
        severity: Severity,
        code: &'static str,
        what: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            line: at.line.max(1),
            column: at.column.max(1),
            severity,
            code,
            what: what.into(),
            hint: None,
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with a hint, if there is one.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = visible(&self.file, 400);
        write!(
            f,
            "{file}:{}:{}: {}: {}",
            self.line, self.column, self.severity, self.what
        )?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Foreign text for a message: at most `most` characters, what cannot be seen or reorders text is escaped.
#[must_use]
pub fn visible(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most * 2));
    for (count, char) in text.chars().enumerate() {
        if count == most {
            out.push('…');
            break;
        }
        if is_deceptive(char) || char.is_control() {
            let _ = write!(out, "{}", char.escape_default());
        } else {
            out.push(char);
        }
    }
    out
}

/// Foreign text in backquotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("`{}`", visible(text, 60))
}

/// Whether a character hides or reorders text: bidirectional controls, zero-width, tags, odd spaces, variation selectors, line separators.
#[must_use]
pub fn is_deceptive(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// The known name nearest to a misspelt one, if one is near enough to suggest.
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if wrong.len() > 64 {
        return None;
    }
    let folded = wrong.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .filter(|name| name.len() <= 64)
        .map(|name| (strsim::osa_distance(&folded, &name.replace('-', "_")), name))
        .filter(|(distance, name)| *distance <= 1.max(name.len().min(folded.len()) / 3))
        .min()
        .map(|(_, name)| name)
}

/// `did you mean …?` for a misspelt name, else the names there are.
#[must_use]
pub fn suggest(wrong: &str, known: &[&str]) -> Option<String> {
    if let Some(name) = nearest(wrong, known.iter().copied()) {
        return Some(format!("did you mean {}?", quoted(name)));
    }
    if known.is_empty() || known.len() > 24 {
        return None;
    }
    let names: Vec<String> = known.iter().map(|name| visible(name, 40)).collect();
    Some(format!("known: {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_reach_the_terminal_raw() {
        assert_eq!(
            visible("a\u{1b}[2J\u{202e}b\n", 60),
            "a\\u{1b}[2J\\u{202e}b\\n"
        );
        assert_eq!(visible("abcdef", 3), "abc…");
    }

    #[test]
    fn a_misspelt_name_is_recognised_and_a_strange_one_is_not() {
        let known = ["checkpoint", "checklist", "run"];
        assert_eq!(nearest("chekpoint", known), Some("checkpoint"));
        assert_eq!(nearest("Check-Point", ["check_point"]), Some("check_point"));
        assert_eq!(nearest("banana", known), None);
    }

    #[test]
    fn a_problem_is_one_line() {
        let at = Place { line: 3, column: 7 };
        let problem = Problem::error("a.yaml", at, "unknown-key", "unknown key `x`")
            .hint("did you mean `y`?");
        assert_eq!(
            problem.to_string(),
            "a.yaml:3:7: error: unknown key `x` (did you mean `y`?)"
        );
    }
}

//! What is looked for in a line: a literal text or a regular expression. A match never spans lines. Knows nothing of
//! where lines come from.

use grep_matcher::{LineMatchKind, Matcher as _};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};

/// Whether the case of letters matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Case {
    /// It does.
    #[default]
    Exact,
    /// It does not.
    Any,
    /// It does if there is a capital letter in the pattern.
    Smart,
}

/// A pattern that cannot be used, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPattern(String);

/// Something to be found in a line.
#[derive(Debug, Clone)]
pub struct Pattern(RegexMatcher);

impl Pattern {
    /// Lines that hold this text.
    ///
    /// # Errors
    /// When it holds an end of line or is too long.
    pub fn literal(text: &str, case: Case) -> Result<Self, BadPattern> {
        Self::build(text, case, true)
    }

    /// Lines that hold a match of this regular expression, in the syntax of the `regex` crate; `^` and `$` are the ends
    /// of a line.
    ///
    /// # Errors
    /// When it is none, could match an end of line only, or is too big.
    pub fn regex(text: &str, case: Case) -> Result<Self, BadPattern> {
        Self::build(text, case, false)
    }

    fn build(text: &str, case: Case, fixed: bool) -> Result<Self, BadPattern> {
        RegexMatcherBuilder::new()
            .fixed_strings(fixed)
            .case_insensitive(case == Case::Any)
            .case_smart(case == Case::Smart)
            .multi_line(true)
            .crlf(true)
            .build(text)
            .map(Self)
            .map_err(|error| BadPattern(error.to_string()))
    }

    /// Whether this line, with or without its end, holds a match.
    #[must_use]
    pub fn is_in(&self, line: &[u8]) -> bool {
        self.find(line).is_some()
    }

    /// Where in this line the first match is.
    #[must_use]
    pub fn find(&self, line: &[u8]) -> Option<(usize, usize)> {
        self.find_from(line, 0)
    }

    /// Where in this line the first match from this byte on is.
    #[must_use]
    pub fn find_from(&self, line: &[u8], from: usize) -> Option<(usize, usize)> {
        let line = trimmed(line);
        if from > line.len() {
            return None;
        }
        let found = self.0.find_at(line, from).ok().flatten()?;
        Some((found.start(), found.end()))
    }

    /// A place in the first of these lines that holds a match, from this byte on, which begins a line.
    pub(super) fn next(&self, lines: &[u8], mut from: usize) -> Option<usize> {
        while from < lines.len() {
            match self.0.find_candidate_line(&lines[from..]).ok().flatten()? {
                // It may be the end of a match; an empty one behind the last end of line is in no line.
                LineMatchKind::Confirmed(at) => {
                    let within = from + at < lines.len() || !lines.ends_with(b"\n");
                    return within.then_some(from + at);
                }
                LineMatchKind::Candidate(at) => {
                    let (start, end) = line_around(lines, from, from + at);
                    if self.is_in(&lines[start..end]) {
                        return Some(from + at);
                    }
                    from = end;
                }
            }
        }
        None
    }
}

/// The line that holds this byte, with its end; `from` begins a line.
pub(super) fn line_around(lines: &[u8], from: usize, at: usize) -> (usize, usize) {
    let start = memchr::memrchr(b'\n', &lines[from..at]).map_or(from, |end| from + end + 1);
    let end = memchr::memchr(b'\n', &lines[at..]).map_or(lines.len(), |end| at + end + 1);
    (start, end)
}

/// A line without its end; a lone `\r` is none, though `^` and `$` match beside it.
fn trimmed(line: &[u8]) -> &[u8] {
    match line {
        [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] => line,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_smart_if_asked() {
        let finds = |pattern: &str, case| {
            Pattern::literal(pattern, case)
                .unwrap()
                .is_in(b"An Error\n")
        };
        assert!(!finds("error", Case::Exact) && finds("Error", Case::Exact));
        assert!(finds("ERROR", Case::Any));
        assert!(finds("error", Case::Smart) && !finds("ERROR", Case::Smart));
    }

    #[test]
    fn a_literal_is_no_expression_and_ends_are_those_of_the_line() {
        assert!(
            Pattern::literal("a.c[", Case::Exact)
                .unwrap()
                .is_in(b"a.c[")
        );
        assert!(!Pattern::literal("a.c", Case::Exact).unwrap().is_in(b"abc"));
        let ends = Pattern::regex("^ab$", Case::Exact).unwrap();
        assert!(ends.is_in(b"ab") && ends.is_in(b"ab\n") && ends.is_in(b"ab\r\n"));
        assert!(!ends.is_in(b"abc") && !ends.is_in(b"xab"));
        assert!(ends.is_in(b"x\rab\ry") && ends.is_in(b"ab\r"));
        assert_eq!(
            Pattern::regex("b+", Case::Exact).unwrap().find(b"abbb\n"),
            Some((1, 4))
        );
    }

    #[test]
    fn what_cannot_be_looked_for_is_refused_in_words() {
        for bad in ["(", "a\nb", "[z-a]", "a{1000}{1000}{1000}"] {
            let error = Pattern::regex(bad, Case::Exact).unwrap_err();
            assert!(!error.to_string().is_empty(), "{bad}");
        }
        assert!(Pattern::literal("a\nb", Case::Exact).is_err());
    }
}

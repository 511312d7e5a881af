//! What lines are looked for and left out by: literals and regular expressions, and several of them together. Pure.

use regex::bytes::{Regex, RegexBuilder};

/// A text that is looked for.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    regex: bool,
    found: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.regex) == (&other.text, other.regex)
    }
}

impl Pattern {
    /// The text as it is, or a regular expression. Capital letters in it mean themselves; without any, case does not
    /// matter.
    ///
    /// # Errors
    /// What is wrong with the expression.
    pub fn new(text: &str, regex: bool) -> Result<Self, String> {
        let pattern = if regex {
            text.to_owned()
        } else {
            regex::escape(text)
        };
        let found = RegexBuilder::new(&pattern)
            .case_insensitive(!has_capital(text, regex))
            .multi_line(true)
            .crlf(true)
            .size_limit(4 << 20)
            .dfa_size_limit(8 << 20)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => "the expression is too large".to_owned(),
                // Its last line says what; those before draw where.
                error => {
                    let text = error.to_string();
                    let what = text.lines().last().unwrap_or_default();
                    what.trim_start_matches("error: ").to_owned()
                }
            })?;
        Ok(Self {
            text: text.to_owned(),
            regex,
            found,
        })
    }

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is a regular expression.
    #[must_use]
    pub fn is_regex(&self) -> bool {
        self.regex
    }

    /// Whether it is in this line.
    #[must_use]
    pub fn is_in(&self, line: &[u8]) -> bool {
        self.found.is_match(content(line))
    }

    /// Where it is in this line; matches of nothing are not told.
    #[must_use]
    pub fn places(&self, line: &[u8]) -> Vec<(usize, usize)> {
        self.found
            .find_iter(content(line))
            .map(|found| (found.start(), found.end()))
            .filter(|(start, end)| start < end)
            .collect()
    }
}

fn has_capital(text: &str, regex: bool) -> bool {
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if regex && letter == '\\' {
            // `\S` is a class, no capital letter.
            letters.next();
        } else if letter.is_uppercase() {
            return true;
        }
    }
    false
}

/// A line without its end.
#[must_use]
pub fn content(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What is kept and what is left out, all at once.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Sieve {
    /// All of these have to be in a line.
    pub keep: Vec<Pattern>,
    /// And none of these.
    pub drop: Vec<Pattern>,
}

impl Sieve {
    /// Whether every line passes.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.keep.is_empty() && self.drop.is_empty()
    }

    /// This sieve, and another pattern that has to be in a line; it is looked for first.
    #[must_use]
    pub fn and(&self, pattern: &Pattern) -> Self {
        let mut keep = vec![pattern.clone()];
        keep.extend(self.keep.iter().cloned());
        Self {
            keep,
            drop: self.drop.clone(),
        }
    }

    /// Whether this line passes.
    #[must_use]
    pub fn passes(&self, line: &[u8]) -> bool {
        self.keep.iter().all(|pattern| pattern.is_in(line))
            && !self.drop.iter().any(|pattern| pattern.is_in(line))
    }

    /// Calls with start and end of every line of the text that passes, until told to stop.
    pub fn each(&self, text: &[u8], mut each: impl FnMut(usize, usize) -> bool) {
        let mut at = 0;
        while at < text.len() {
            if let Some(first) = self.keep.first() {
                match first.found.find_at(text, at) {
                    // At the very end is no line any more.
                    Some(found) if found.start() < text.len() => {
                        at = memchr::memrchr(b'\n', &text[at..found.start()])
                            .map_or(at, |newline| at + newline + 1);
                    }
                    _ => return,
                }
            }
            let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |found| at + found + 1);
            // A match may go over the end of its line: what counts is the line by itself.
            if self.passes(&text[at..end]) && !each(at, end) {
                return;
            }
            at = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str, regex: bool) -> Pattern {
        Pattern::new(text, regex).unwrap()
    }

    #[test]
    fn capital_letters_mean_themselves_and_small_ones_both() {
        assert!(pattern("err", false).is_in(b"an ERR\n"));
        assert!(!pattern("Err", false).is_in(b"an ERR\n"));
        assert!(pattern(r"\Srr", true).is_in(b"an ERR\n"));
        assert!(pattern("a.c", false).is_in(b"A.C") && !pattern("a.c", false).is_in(b"abc"));
        assert!(pattern("d$", true).is_in(b"end\r\n"));
        assert!(pattern(r"\xff", true).places(b"a\xff").is_empty());
        assert_eq!(pattern("a", false).places(b"abA\n"), [(0, 1), (2, 3)]);
    }

    #[test]
    fn a_bad_expression_is_told_in_one_line() {
        let why = Pattern::new("a(b", true).unwrap_err();
        assert_eq!(why, "unclosed group");
        assert!(
            Pattern::new("(a{1000}){1000}", true)
                .unwrap_err()
                .contains("too large")
        );
    }

    proptest! {
        #[test]
        fn lines_that_pass_are_those_of_a_plain_reading(
            text in "[ab\r\n]{0,60}",
            keep in proptest::sample::subsequence(vec![("a", true), (r"a\s*b", true), ("^b", true), ("a$", true), ("", true), ("ab", false)], 0..3),
            drop in proptest::sample::subsequence(vec![("bb", true), (r"[^a]b", true), ("^$", true)], 0..2),
        ) {
            let patterns = |of: &[(&str, bool)]| of.iter().map(|(text, regex)| pattern(text, *regex)).collect();
            let sieve = Sieve { keep: patterns(&keep), drop: patterns(&drop) };
            let mut found = Vec::new();
            sieve.each(text.as_bytes(), |start, end| { found.push((start, end)); true });
            let mut at = 0;
            let mut plain = Vec::new();
            for line in text.split_inclusive('\n') {
                if sieve.passes(line.as_bytes()) {
                    plain.push((at, at + line.len()));
                }
                at += line.len();
            }
            prop_assert_eq!(found, plain);
        }
    }
}

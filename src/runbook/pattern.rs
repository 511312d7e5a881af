//! Regular expressions written by people in files: compiled with limits, errors in one line.
//! Knows nothing of what they are matched against.

use regex::{Regex, RegexBuilder};

const MOST_LENGTH: usize = 4096;
const MOST_COMPILED: usize = 1 << 20;

/// Compiles a pattern; the error is one line for people.
///
/// # Errors
/// When it is too long, too large once compiled, or not a regular expression.
pub fn regex(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > MOST_LENGTH {
        return Err(format!("it is longer than {MOST_LENGTH} bytes"));
    }
    RegexBuilder::new(pattern)
        .size_limit(MOST_COMPILED)
        .dfa_size_limit(MOST_COMPILED)
        .nest_limit(50)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let last = text
                .lines()
                .rev()
                .find(|line| !line.trim().is_empty())
                .unwrap_or("it is not valid");
            last.trim().trim_start_matches("error: ").to_owned()
        })
}

/// The same, matching the whole text only.
///
/// # Errors
/// As [`regex`].
pub fn whole(pattern: &str) -> Result<Regex, String> {
    // Checked by itself first, so that an unbalanced `)` cannot escape from the group around it.
    regex(pattern)?;
    regex(&format!("\\A(?:{pattern})\\z"))
}

//! Names in text: `{{ name }}` for reading, `$name` in values. Never used on scripts, which see the environment.
//! Knows nothing of where the values come from.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What is shown in the place of a secret.
pub const MASK: &str = "••••";

const MOST_LENGTH: usize = 256 * 1024;

/// A `$name` that no value has, or a text that would grow too long.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// No such value.
    #[error("`${0}` has no value")]
    Unknown(String),
    /// Too long.
    #[error("the text would be longer than 256 KiB")]
    TooLong,
}

/// Every `{{ … }}`: where it begins and ends, and what is inside, trimmed.
pub(crate) fn braces(text: &str) -> Vec<(usize, usize, &str)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("{{").map(|at| from + at) {
        let Some(end) = text[start + 2..].find("}}").map(|at| start + 2 + at) else {
            break;
        };
        found.push((start, end + 2, text[start + 2..end].trim()));
        from = end + 2;
    }
    found
}

/// Instructions with `{{ name }}` filled in for reading; the names in `masked` are shown as `••••`.
/// What names no value stays as it is written.
#[must_use]
pub fn fill(text: &str, values: &BTreeMap<String, String>, masked: &BTreeSet<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (start, end, name) in braces(text) {
        out.push_str(&text[from..start]);
        from = start;
        if masked.contains(name) {
            out.push_str(MASK);
            from = end;
        } else if let Some(value) = values
            .get(name)
            .filter(|value| out.len() + value.len() <= MOST_LENGTH)
        {
            out.push_str(value);
            from = end;
        }
    }
    out.push_str(&text[from..]);
    out
}

/// Every `$name` and `${name}` whose name is a value's (`[a-z_][a-z0-9_]*`): where it begins and ends, and the name.
pub(crate) fn dollars(text: &str) -> Vec<(usize, usize, &str)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find('$').map(|at| from + at) {
        let braced = bytes.get(start + 1) == Some(&b'{');
        let first = start + 1 + usize::from(braced);
        let word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        let length = bytes[first..].iter().take_while(|b| word(b)).count();
        let name = &text[first..first + length];
        let end = first + length + usize::from(braced);
        let closed = !braced || bytes.get(first + length) == Some(&b'}');
        let escaped = start > 0 && bytes[start - 1] == b'\\';
        if closed && !escaped && super::words::is_name(name) {
            found.push((start, end, name));
        }
        from = first + length;
    }
    found
}

/// The names of values used as `$name` or `${name}`, each once, in order.
#[must_use]
pub fn variables(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (_, _, name) in dollars(text) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// `$name` and `${name}` replaced by their values, for `with`, `env`, `files` and messages. Never for scripts.
///
/// # Errors
/// When a name has no value, or the text grows over 256 KiB.
pub fn expand(text: &str, values: &BTreeMap<String, String>) -> Result<String, ExpandError> {
    replace(text, values, Cow::Borrowed)
}

/// The same for `match`: the values are escaped, so that they match themselves only.
///
/// # Errors
/// As [`expand`].
pub fn expand_pattern(
    text: &str,
    values: &BTreeMap<String, String>,
) -> Result<String, ExpandError> {
    replace(text, values, |value| Cow::Owned(regex::escape(value)))
}

fn replace<'v>(
    text: &str,
    values: &'v BTreeMap<String, String>,
    written: impl Fn(&'v str) -> Cow<'v, str>,
) -> Result<String, ExpandError> {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (start, end, name) in dollars(text) {
        let value = values
            .get(name)
            .ok_or_else(|| ExpandError::Unknown(name.to_owned()))?;
        out.push_str(&text[from..start]);
        out.push_str(&written(value));
        from = end;
        if out.len() > MOST_LENGTH {
            return Err(ExpandError::TooLong);
        }
    }
    out.push_str(&text[from..]);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> BTreeMap<String, String> {
        BTreeMap::from([
            ("key".into(), "a.b".into()),
            ("token".into(), "hunter2".into()),
        ])
    }

    #[test]
    fn instructions_are_filled_and_secrets_masked() {
        let masked = BTreeSet::from(["token".to_owned()]);
        assert_eq!(
            fill("{{ key }} {{token}} {{ other }} {{", &values(), &masked),
            "a.b •••• {{ other }} {{"
        );
    }

    #[test]
    fn filled_text_is_not_filled_again() {
        let values = BTreeMap::from([
            ("a".to_owned(), "{{ b }}".to_owned()),
            ("b".to_owned(), "x".to_owned()),
        ]);
        assert_eq!(fill("{{ a }}", &values, &BTreeSet::new()), "{{ b }}");
        let values = BTreeMap::from([
            ("a".to_owned(), "$b".to_owned()),
            ("b".to_owned(), "x".to_owned()),
        ]);
        assert_eq!(expand("$a", &values), Ok("$b".into()));
    }

    #[test]
    fn only_names_of_values_are_variables() {
        let text = "$key ${key}x $HOME $1 $$ ${token:-x} \\$key $keyy a$token";
        assert_eq!(variables(text), ["key", "keyy", "token"]);
    }

    #[test]
    fn a_value_in_a_pattern_matches_only_itself() {
        assert_eq!(expand("x-$key$", &values()), Ok("x-a.b$".into()));
        assert_eq!(expand_pattern("^$key$", &values()), Ok("^a\\.b$".into()));
        assert_eq!(
            expand("${nope}", &values()),
            Err(ExpandError::Unknown("nope".into()))
        );
    }
}

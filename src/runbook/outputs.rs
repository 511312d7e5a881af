//! Taking a value out of what a script printed. Knows nothing of how it was run.

use serde_json::Value;

use super::model::Take;
use super::pattern;
use super::problem::visible;

const MOST_LENGTH: usize = 64 * 1024;

/// Why no value could be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TakeError {
    /// The output is not JSON.
    #[error("the output is not JSON: {0}")]
    NotJson(String),
    /// The path is not one.
    #[error("{0}")]
    BadPath(String),
    /// There is nothing at the path.
    #[error("the output has nothing at `{0}`")]
    Nothing(String),
    /// The regular expression cannot be used.
    #[error("the regular expression cannot be used: {0}")]
    BadRegex(String),
    /// Nothing matches.
    #[error("nothing in the output matches `{0}`")]
    NoMatch(String),
    /// The value cannot be an environment variable.
    #[error("the value cannot be used: it holds {0}")]
    Unfit(&'static str),
}

/// The value in what a script printed on standard output.
///
/// # Errors
/// When the output does not hold it, or it cannot be a value (NUL, over 64 KiB).
pub fn take(take: &Take, stdout: &str) -> Result<String, TakeError> {
    let value = match take {
        Take::Whole => stdout.trim_end_matches(['\n', '\r']).to_owned(),
        Take::Json(path) => json(path, stdout)?,
        Take::Regex(text) => {
            let regex = pattern::regex(text).map_err(TakeError::BadRegex)?;
            let found = regex
                .captures(stdout)
                .and_then(|groups| groups.get(1).or_else(|| groups.get(0)));
            found
                .ok_or_else(|| TakeError::NoMatch(visible(text, 80)))?
                .as_str()
                .to_owned()
        }
    };
    if value.contains('\0') {
        return Err(TakeError::Unfit("a NUL character"));
    }
    if value.len() > MOST_LENGTH {
        return Err(TakeError::Unfit("more than 64 KiB"));
    }
    Ok(value)
}

fn json(path: &str, stdout: &str) -> Result<String, TakeError> {
    let steps = parse_path(path).map_err(TakeError::BadPath)?;
    let document: Value = serde_json::from_str(stdout)
        .map_err(|error| TakeError::NotJson(visible(&error.to_string(), 120)))?;
    let mut at = &document;
    for step in &steps {
        let below = match step {
            PathStep::Key(key) => at.get(key.as_str()),
            PathStep::Index(index) => at.get(*index),
            PathStep::FromEnd(back) => at.as_array().and_then(|items| {
                items
                    .len()
                    .checked_sub(*back)
                    .and_then(|index| items.get(index))
            }),
        };
        at = below.ok_or_else(|| TakeError::Nothing(visible(path, 80)))?;
    }
    match at {
        Value::Null => Err(TakeError::Nothing(visible(path, 80))),
        Value::String(text) => Ok(text.clone()),
        other => Ok(other.to_string()),
    }
}

/// One step down a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PathStep {
    Key(String),
    Index(usize),
    FromEnd(usize),
}

/// Reads `.a[0]["b c"].d`; `.` is the whole document, `[-1]` the last item.
///
/// # Errors
/// A sentence saying where it stops being a path.
pub(crate) fn parse_path(path: &str) -> Result<Vec<PathStep>, String> {
    let broken = |rest: &str| {
        let at = path.len() - rest.len() + 1;
        Err(format!(
            "`{}` is not a path at character {at}: a path looks like `.items[0].name`",
            visible(path, 80)
        ))
    };
    if path == "." {
        return Ok(Vec::new());
    }
    if path.is_empty() || path.len() > 1024 {
        return broken(path);
    }
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let Some((step, after)) = bracket(after) else {
                return broken(rest);
            };
            steps.push(step);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('.') {
            if after.starts_with('[') {
                rest = after;
                continue;
            }
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let key = &after[..end];
            let good = !key.is_empty()
                && key
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '@' | ':' | '/'));
            if !good {
                return broken(after);
            }
            steps.push(PathStep::Key(key.to_owned()));
            rest = &after[end..];
        } else {
            return broken(rest);
        }
    }
    Ok(steps)
}

/// What follows a `[`: an index or a quoted key, and the closing bracket.
fn bracket(rest: &str) -> Option<(PathStep, &str)> {
    if rest.starts_with('"') {
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        let key = stream.next()?.ok()?;
        let after = rest.get(stream.byte_offset()..)?.strip_prefix(']')?;
        return Some((PathStep::Key(key), after));
    }
    let (inside, after) = rest.split_once(']')?;
    let digits = inside.strip_prefix('-').unwrap_or(inside);
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: usize = digits.parse().ok()?;
    let step = if inside.starts_with('-') {
        PathStep::FromEnd(number)
    } else {
        PathStep::Index(number)
    };
    Some((step, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(path: &str, text: &str) -> Result<String, TakeError> {
        take(&Take::Json(path.into()), text)
    }

    #[test]
    fn a_path_reaches_through_lists_and_quoted_keys() {
        let text = r#"{"a":[{"b c":{"d":"x"}},{"n":5}],"t":true,"z":null}"#;
        assert_eq!(json(r#".a[0]["b c"].d"#, text), Ok("x".into()));
        assert_eq!(json(".a[-1].n", text), Ok("5".into()));
        assert_eq!(json(".t", text), Ok("true".into()));
        assert_eq!(json(".a[1]", text), Ok(r#"{"n":5}"#.into()));
        assert_eq!(json(".", "[1]"), Ok("[1]".into()));
        assert!(matches!(json(".z", text), Err(TakeError::Nothing(_))));
        assert!(matches!(json(".a[7].b", text), Err(TakeError::Nothing(_))));
        assert!(matches!(json(".a", "no"), Err(TakeError::NotJson(_))));
    }

    #[test]
    fn what_is_no_path_is_refused_with_the_character() {
        for path in [
            "", "a", ".a..b", ".a[", ".a[x]", ".a[\"b]", ".a b", "..", ".a[0]b", ".a[--1]",
        ] {
            assert!(parse_path(path).is_err(), "{path}");
        }
        assert!(parse_path(".a[x]").unwrap_err().contains("character 3"));
    }

    #[test]
    fn a_regex_gives_its_first_group_or_the_whole_match() {
        let take_regex = |text: &str| take(&Take::Regex(text.into()), "id=42 id=43\n");
        assert_eq!(take_regex("id=([0-9]+)"), Ok("42".into()));
        assert_eq!(
            take_regex("id=[0-9]+$"),
            Err(TakeError::NoMatch("id=[0-9]+$".into()))
        );
        assert_eq!(take_regex("id=[0-9]+"), Ok("id=42".into()));
        assert!(matches!(take_regex("("), Err(TakeError::BadRegex(_))));
    }

    #[test]
    fn the_whole_output_loses_only_its_last_newlines() {
        assert_eq!(take(&Take::Whole, "\n a \n\n"), Ok("\n a ".into()));
        assert_eq!(
            take(&Take::Whole, "a\0b"),
            Err(TakeError::Unfit("a NUL character"))
        );
    }
}

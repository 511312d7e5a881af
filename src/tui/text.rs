//! Foreign text on its way to the screen: escaped, measured, cut, wrapped. The one place where text from outside enters
//! a view; nothing else may put it there.

use std::borrow::Cow;
use std::collections::BTreeMap;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::evidence::escape;

/// A foreign text on one line, with everything that hides or moves made visible; in ASCII alone if asked.
#[must_use]
pub fn clean(text: &str, ascii: bool) -> Cow<'_, str> {
    if ascii {
        escape::ascii_line(text)
    } else {
        escape::line(text)
    }
}

/// `{{ name }}` filled with the values; a name without one stays as it is, a secret (`None`) is masked.
#[must_use]
pub fn fill(text: &str, values: &BTreeMap<String, Option<String>>) -> String {
    let plain = values
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
        .collect();
    let masked = values
        .iter()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| name.clone())
        .collect();
    crate::runbook::text::fill(text, &plain, &masked)
}

/// Columns the text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most so many columns, ending in `…` where something was cut.
#[must_use]
pub fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    if text.len() <= columns || text.width() <= columns {
        return Cow::Borrowed(text);
    }
    let mut cut = take(text, columns.saturating_sub(1)).to_owned();
    if columns > 0 {
        cut.push('…');
    }
    Cow::Owned(cut)
}

/// As [`fit`], filled up with spaces to exactly so many columns.
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    let mut padded = fit(text, columns).into_owned();
    let missing = columns.saturating_sub(padded.width());
    padded.extend(std::iter::repeat_n(' ', missing));
    padded
}

/// The longest beginning of whole characters in so many columns.
#[must_use]
pub fn take(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme.width();
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// The text without what is in its first columns.
#[must_use]
pub fn skip(text: &str, columns: usize) -> &str {
    &text[take(text, columns).len()..]
}

/// One line broken into pieces of at most so many columns, at spaces where there are any. Nothing is lost: the pieces
/// put together are the line, but for spaces at the breaks.
#[must_use]
pub fn wrap(line: &str, columns: usize) -> Vec<&str> {
    let columns = columns.max(2);
    let mut pieces = Vec::new();
    let mut rest = line;
    while rest.width() > columns {
        let head = take(rest, columns);
        if head.is_empty() {
            break;
        }
        let follows = &rest[head.len()..];
        let cut = if follows.starts_with(' ') {
            head.len()
        } else {
            head.rfind(' ')
                .filter(|at| !head[..*at].trim().is_empty() && at * 3 >= head.len())
                .unwrap_or(head.len())
        };
        pieces.push(rest[..cut].trim_end());
        rest = rest[cut..].trim_start_matches(' ');
    }
    if pieces.is_empty() || !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// The beginning of a text, of at most so many bytes and whole characters.
#[must_use]
pub fn head(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// As [`wrap`], but losing not even a space: the pieces put together are the line, byte by byte.
#[must_use]
pub fn wrap_hard(line: &str, columns: usize) -> Vec<&str> {
    let columns = columns.max(2);
    let mut pieces = Vec::new();
    let mut rest = line;
    while rest.width() > columns {
        let head = take(rest, columns);
        if head.is_empty() {
            break;
        }
        let cut = head
            .rfind(' ')
            .map(|at| at + 1)
            .filter(|at| at * 3 >= head.len() * 2)
            .unwrap_or(head.len());
        pieces.push(&rest[..cut]);
        rest = &rest[cut..];
    }
    if pieces.is_empty() || !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidirectional_characters_become_visible() {
        assert_eq!(clean("a\u{1b}[31mb\rc", false), "a␛[31mb␍c");
        assert_eq!(clean("\u{202e}evil\u{9b}", false), "‹U+202E›evil‹U+009B›");
        assert_eq!(clean("plain", false), "plain");
        assert_eq!(clean("é\u{1b}", true), "<U+00E9><U+001B>");
    }

    #[test]
    fn what_is_cut_says_so_and_wide_characters_keep_columns() {
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(width(&pad("日本語", 4)), 4);
        assert_eq!(pad("ab", 4), "ab  ");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn wrapping_loses_nothing() {
        let line = "Jobs that use the key fail from here on averyveryverylongword日本";
        let words = wrap(line, 12);
        assert!(words.iter().all(|piece| width(piece) <= 12), "{words:?}");
        assert_eq!(words.concat().replace(' ', ""), line.replace(' ', ""));
        assert_eq!(wrap_hard(line, 7).concat(), line);
        assert_eq!(wrap("", 10), vec![""]);
    }

    #[test]
    fn names_are_filled_and_secrets_stay_hidden() {
        let values = BTreeMap::from([
            ("key".to_owned(), Some("AKIA".to_owned())),
            ("token".to_owned(), None),
        ]);
        assert_eq!(
            fill("{{ key }}/{{token}}/{{ other }} {{", &values),
            "AKIA/••••/{{ other }} {{"
        );
    }
}

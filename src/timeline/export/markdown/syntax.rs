//! Markdown's syntax: how foreign text becomes prose, code and cells without becoming syntax. Knows no timeline.

use chrono::{DateTime, TimeZone, Utc};

use crate::engine::event::Fidelity;
use crate::engine::sentence::span;
use crate::evidence::escape;

/// Foreign text as prose on one line, in a heading, a list or a table's cell: no syntax, no HTML, no link.
pub(crate) fn prose(text: &str) -> String {
    let text = escape::line(text);
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '[' | ']' | '|' | '~' | '$' | '#' | '^' => {
                out.push('\\');
                out.push(c);
            }
            '_' if !(before.is_alphanumeric() && after.is_alphanumeric()) => out.push_str("\\_"),
            // What looks like an address is not to be followed by a click.
            '/' if before == ':' && after == '/' => out.push_str("\\/"),
            '.' if matches!(before, 'w' | 'W') => out.push_str("\\."),
            c => out.push(c),
        }
        before = c;
    }
    out.trim().to_owned()
}

/// Foreign text as code where it is plain enough for that, else as prose.
pub(crate) fn code(text: &str) -> String {
    let plain = !text.trim().is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " ._@+:/#,;=()-".contains(c));
    if plain {
        format!("`{}`", text.trim())
    } else {
        prose(text)
    }
}

/// Several lines as a block of code, inside a fence that they cannot close.
pub(crate) fn block(text: &str) -> String {
    let text = escape::text(text);
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

/// A table: its head, and rows whose cells are Markdown already.
pub(crate) fn table(out: &mut String, head: &[&str], rows: &[Vec<String>]) {
    let line = |out: &mut String, cells: &mut dyn Iterator<Item = &str>| {
        out.push('|');
        for cell in cells {
            out.push(' ');
            out.push_str(cell);
            out.push_str(if cell.is_empty() { "|" } else { " |" });
        }
        out.push('\n');
    };
    line(out, &mut head.iter().copied());
    line(out, &mut head.iter().map(|_| "---"));
    for row in rows {
        line(out, &mut row.iter().map(String::as_str));
    }
    out.push('\n');
}

/// A moment in UTC, to the second.
pub(crate) fn utc<Z: TimeZone>(at: DateTime<Z>) -> String {
    at.with_timezone(&Utc)
        .format("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// A moment in UTC, no more exact than it is known.
pub(in crate::timeline) fn known<Z: TimeZone>(at: DateTime<Z>, fidelity: Fidelity) -> String {
    let at = at.with_timezone(&Utc);
    match fidelity {
        Fidelity::Exact => at.format("%Y-%m-%d %H:%M:%S").to_string(),
        Fidelity::Minute => at.format("%Y-%m-%d %H:%M").to_string(),
        Fidelity::Estimated => at.format("about %Y-%m-%d %H:%M").to_string(),
    }
}

/// Milliseconds in words.
pub(crate) fn length(millis: i64) -> String {
    let words = span(chrono::TimeDelta::milliseconds(millis.saturating_abs()));
    if millis < 0 {
        format!("−{words}")
    } else {
        words
    }
}

/// `1 override`, `2 overrides`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::*;

    #[test]
    fn syntax_becomes_text() {
        assert_eq!(
            prose("a|b `c` *d* [e](https://x.y) <b>&amp; www.x.y _f_ g_h\nz"),
            "a\\|b \\`c\\` \\*d\\* \\[e\\](https:\\//x.y) &lt;b&gt;&amp;amp; www\\.x.y \\_f\\_ g_h␊z"
        );
        assert_eq!(code("bob@example.org"), "`bob@example.org`");
        assert_eq!(code("a`b"), "a\\`b");
    }

    #[test]
    fn a_block_cannot_be_closed_from_inside() {
        assert_eq!(block("a\n```\n# b\n"), "````\na\n```\n# b\n````\n");
    }

    #[test]
    fn times_are_no_more_exact_than_they_are_known() {
        let at = DateTime::parse_from_rfc3339("2026-11-23T14:20:05+01:00").unwrap_or_default();
        assert_eq!(known(at, Fidelity::Exact), "2026-11-23 13:20:05");
        assert_eq!(known(at, Fidelity::Minute), "2026-11-23 13:20");
        assert_eq!(known(at, Fidelity::Estimated), "about 2026-11-23 13:20");
        assert_eq!(length(-90_000), "−90 s");
    }

    proptest! {
        #[test]
        fn nothing_foreign_is_ever_more_than_text(text in "([ -~\n\t]|https?://|www\\.|<a |<!--|&#|\\]\\(|\\|){0,30}") {
            let mut out = String::new();
            table(&mut out, &["a", "b"], &[vec![prose(&text), code(&text)], vec!["x".to_owned(), "y".to_owned()]]);
            let (mut rows, mut cells) = (0, 0);
            for event in Parser::new_ext(&out, Options::all()) {
                match event {
                    Event::Start(Tag::TableRow) => rows += 1,
                    Event::Start(Tag::TableCell) => cells += 1,
                    Event::Html(_) | Event::InlineHtml(_) | Event::FootnoteReference(_) | Event::InlineMath(_) | Event::DisplayMath(_)
                    | Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::Emphasis | Tag::Strong | Tag::Strikethrough
                        | Tag::Superscript | Tag::Subscript) => {
                        prop_assert!(false, "{:?} in {}", event, out);
                    }
                    _ => {}
                }
            }
            prop_assert_eq!((rows, cells), (2, 6), "{}", out);
        }
    }
}

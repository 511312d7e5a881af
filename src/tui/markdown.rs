//! Instructions as people write them, made into rows: headings, lists, emphasis, code, links with their address. HTML is
//! text like any other.

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

use super::rich::{Piece, Rich};
use super::text;
use super::theme::Tone;

/// More than this of one step's instructions is not laid out.
const LONGEST: usize = 64 << 10;

/// Rows of at most so many columns.
#[must_use]
pub fn rows(source: &str, columns: usize, ascii: bool) -> Vec<Rich> {
    let shown = text::head(source, LONGEST);
    let mut page = Page {
        rows: Vec::new(),
        line: Vec::new(),
        columns: columns.max(8),
        ascii,
        tones: vec![Tone::Text],
        lists: Vec::new(),
        links: Vec::new(),
        code: false,
    };
    for event in Parser::new(shown) {
        page.take(event);
    }
    page.end_line();
    if shown.len() < source.len() {
        page.rows
            .push(Rich::of(Tone::Warning, "… more in the runbook"));
    }
    while page.rows.last().is_some_and(Rich::is_empty) {
        page.rows.pop();
    }
    page.rows
}

struct Page {
    rows: Vec<Rich>,
    line: Vec<Piece>,
    columns: usize,
    ascii: bool,
    tones: Vec<Tone>,
    /// The next number of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    links: Vec<String>,
    code: bool,
}

impl Page {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(words) if self.code => self.literal(&words),
            Event::Text(words) | Event::Html(words) | Event::InlineHtml(words) => self.say(&words),
            Event::Code(words) => {
                self.tones.push(Tone::Code);
                self.say(&words);
                self.tones.pop();
            }
            Event::SoftBreak => self.say(" "),
            Event::HardBreak => self.end_line(),
            Event::Rule => {
                self.block();
                let rule = "─".repeat(self.columns.min(24));
                self.rows.push(Rich::of(Tone::Dim, rule));
            }
            Event::TaskListMarker(done) => self.say(if done { "[x] " } else { "[ ] " }),
            Event::InlineMath(words) | Event::DisplayMath(words) => self.say(&words),
            Event::FootnoteReference(name) => self.say(&format!("[{name}]")),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.block();
                self.tones.push(if level == HeadingLevel::H1 {
                    Tone::Accent
                } else {
                    Tone::Title
                });
            }
            Tag::Paragraph if self.lists.is_empty() => self.block(),
            Tag::Strong | Tag::Emphasis => self.tones.push(Tone::Title),
            Tag::List(first) => {
                if self.lists.is_empty() {
                    self.block();
                } else {
                    self.end_line();
                }
                self.lists.push(first);
            }
            Tag::Item => self.item(),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.links.push(dest_url.into_string());
                self.tones.push(Tone::Accent);
            }
            Tag::CodeBlock(_) => {
                self.block();
                self.code = true;
                self.tones.push(Tone::Code);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.tones.pop();
                self.end_line();
            }
            TagEnd::Paragraph | TagEnd::Item => self.end_line(),
            TagEnd::Strong | TagEnd::Emphasis => {
                self.tones.pop();
            }
            TagEnd::List(_) => {
                self.end_line();
                self.lists.pop();
            }
            TagEnd::Link | TagEnd::Image => {
                self.tones.pop();
                if let Some(address) = self.links.pop() {
                    let before: String =
                        self.line.iter().map(|(_, words)| words.as_str()).collect();
                    if !before.ends_with(&address) {
                        self.say(&format!(" ({address})"));
                    }
                }
            }
            TagEnd::CodeBlock => {
                self.code = false;
                self.tones.pop();
            }
            _ => {}
        }
    }

    /// An empty row before a block, but not at the top.
    fn block(&mut self) {
        self.end_line();
        if self.rows.last().is_some_and(|row| !row.is_empty()) {
            self.rows.push(Rich::default());
        }
    }

    fn item(&mut self) {
        self.end_line();
        let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(6));
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{indent}{}. ", *number - 1)
            }
            _ => format!("{indent}• "),
        };
        self.line.push((Tone::Dim, mark));
    }

    fn tone(&self) -> Tone {
        self.tones.last().copied().unwrap_or(Tone::Text)
    }

    fn say(&mut self, words: &str) {
        let clean = text::clean(words, self.ascii).into_owned();
        self.line.push((self.tone(), clean));
    }

    fn literal(&mut self, words: &str) {
        for line in words.lines() {
            let clean = text::clean(line, self.ascii).into_owned();
            for piece in text::wrap_hard(&clean, self.columns.saturating_sub(2)) {
                self.rows.push(Rich::of(Tone::Code, format!("  {piece}")));
            }
        }
    }

    fn end_line(&mut self) {
        if self.line.is_empty() {
            return;
        }
        let line = std::mem::take(&mut self.line);
        let hang = match line.first() {
            Some((Tone::Dim, mark)) if !self.lists.is_empty() => text::width(mark),
            _ => 0,
        };
        self.rows.extend(Rich(line).wrap(self.columns, hang));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(source: &str, columns: usize) -> Vec<String> {
        rows(source, columns, false)
            .iter()
            .map(Rich::plain)
            .collect()
    }

    #[test]
    fn blocks_are_set_apart_and_lists_hang() {
        assert_eq!(
            plain(
                "# Head\nSome *words* here.\n\n- one long item of words\n- two\n\n1. first",
                16
            ),
            [
                "Head",
                "",
                "Some words here.",
                "",
                "• one long item",
                "  of words",
                "• two",
                "",
                "1. first"
            ]
        );
    }

    #[test]
    fn links_show_where_they_go_and_html_is_text() {
        assert_eq!(
            plain("[here](https://x.example/a) <b>x</b>", 60),
            ["here (https://x.example/a) <b>x</b>"]
        );
    }

    #[test]
    fn code_is_kept_byte_by_byte_and_escaped() {
        assert_eq!(
            plain("```\nkubectl  get pods\n\u{1b}[31m\n```", 40),
            ["  kubectl  get pods", "  ␛[31m"]
        );
    }
}

//! Writing HTML. Markup is what stands in this program's source; everything else is text and escaped, so that no word
//! of a record can become markup. Knows of a timeline only which entries can be led to.

use std::collections::HashSet;
use std::fmt::{self, Display, Write as _};

use crate::engine::EventId;

/// A page on its way out.
pub(crate) struct Markup<'a> {
    /// Whoever takes it remembers that it could not, so that what comes after need not ask.
    out: &'a mut dyn fmt::Write,
    /// The entries that stand in the table: what else is named has nowhere to lead to.
    entries: HashSet<EventId>,
    /// Whether something is left out: what is not there may be in the record all the same.
    partial: bool,
}

/// Something that writes itself as markup.
pub(crate) trait Piece {
    fn put(&self, page: &mut Markup);
}

impl<'a> Markup<'a> {
    /// An empty page whose table will have these entries, and whether they are not all there are.
    pub(crate) fn with(
        out: &'a mut dyn fmt::Write,
        entries: impl Iterator<Item = EventId>,
        partial: bool,
    ) -> Self {
        Self {
            out,
            entries: entries.collect(),
            partial,
        }
    }

    /// Instead of a list that is empty.
    pub(crate) fn none(&mut self, text: &'static str) {
        self.raw("<p class=\"none\">");
        self.raw(if self.partial {
            "None that is for this audience."
        } else {
            text
        });
        self.raw("</p>");
    }

    /// Whether an entry stands in the table.
    pub(crate) fn has(&self, entry: EventId) -> bool {
        self.entries.contains(&entry)
    }

    /// Markup of our own; only a literal can be that.
    pub(crate) fn raw(&mut self, markup: &'static str) {
        let _ = self.out.write_str(markup);
    }

    /// A value as text, in an element or in a quoted attribute.
    pub(crate) fn text(&mut self, value: impl Display) {
        let _ = write!(Escaped(self.out), "{value}");
    }
}

struct Escaped<'a>(&'a mut dyn fmt::Write);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            self.0.write_str(&rest[..at])?;
            self.0.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        self.0.write_str(rest)
    }
}

/// `put!(page, "<td>" {text} "</td>" [piece])`: literals are markup, `{…}` is text, `[…]` is a [`Piece`].
macro_rules! put {
    (@ $page:ident {$($value:tt)+}) => { $page.text($($value)+) };
    (@ $page:ident [$($piece:tt)+]) => { $crate::timeline::export::html::markup::Piece::put(&($($piece)+), $page) };
    (@ $page:ident $markup:literal) => { $page.raw($markup) };
    ($page:expr, $($part:tt)*) => {{
        let page: &mut $crate::timeline::export::html::markup::Markup = $page;
        $( put!(@ page $part); )*
    }};
}
pub(crate) use put;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_text_wherever_they_stand() {
        let mut out = String::new();
        let mut page = Markup::with(&mut out, std::iter::empty(), false);
        let hostile = "</p><script>'x'&\"y\"";
        put!(&mut page, "<p title=\"" {hostile} "\">" {hostile} "</p>");
        let text = "&lt;/p&gt;&lt;script&gt;&#39;x&#39;&amp;&quot;y&quot;";
        assert_eq!(out, format!("<p title=\"{text}\">{text}</p>"));
    }
}

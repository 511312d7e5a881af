//! A row of text in several tones, before it has a place on the screen.

use super::text;
use super::theme::Tone;

/// Words of one tone.
pub type Piece = (Tone, String);

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rich(pub Vec<Piece>);

impl Rich {
    /// A row of one tone.
    #[must_use]
    pub fn of(tone: Tone, words: impl Into<String>) -> Self {
        Self(vec![(tone, words.into())])
    }

    /// With more words.
    #[must_use]
    pub fn and(mut self, tone: Tone, words: impl Into<String>) -> Self {
        self.0.push((tone, words.into()));
        self
    }

    /// With another row behind it.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, words)| words.is_empty())
    }

    /// Columns it takes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, words)| text::width(words)).sum()
    }

    /// Its words without tones.
    #[must_use]
    pub fn plain(&self) -> String {
        self.0.iter().map(|(_, words)| words.as_str()).collect()
    }

    /// Broken into rows of at most so many columns, at spaces; further rows begin after `hang` spaces.
    #[must_use]
    pub fn wrap(&self, columns: usize, hang: usize) -> Vec<Self> {
        if self.width() <= columns {
            return vec![self.clone()];
        }
        let plain = self.plain();
        let hang = hang.min(columns / 2);
        let mut rows = Vec::new();
        let mut rest = plain.as_str();
        while !rest.is_empty() {
            let room = if rows.is_empty() {
                columns
            } else {
                columns - hang
            };
            let head = text::wrap(rest, room)[0];
            let start = plain.len() - rest.len();
            let mut row = self.slice(start, start + head.len());
            if !rows.is_empty() && hang > 0 {
                row.0.insert(0, (Tone::Text, " ".repeat(hang)));
            }
            rows.push(row);
            let after = &rest[head.len()..];
            rest = after.trim_start_matches(' ');
            if head.is_empty() && rest.len() == plain.len() {
                break;
            }
        }
        rows
    }

    /// The bytes of the plain text from `start` to `end`, in their tones.
    fn slice(&self, start: usize, end: usize) -> Self {
        let mut pieces = Vec::new();
        let mut at = 0;
        for (tone, words) in &self.0 {
            let (from, to) = (start.max(at), end.min(at + words.len()));
            if from < to {
                pieces.push((*tone, words[from - at..to - at].to_owned()));
            }
            at += words.len();
        }
        Self(pieces)
    }
}

impl FromIterator<Piece> for Rich {
    fn from_iter<I: IntoIterator<Item = Piece>>(pieces: I) -> Self {
        Self(pieces.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tones_survive_wrapping() {
        let row = Rich::of(Tone::Text, "Tell the ")
            .and(Tone::Title, "billing team")
            .and(Tone::Text, " first.");
        let rows = row.wrap(14, 2);
        assert_eq!(
            rows.iter().map(Rich::plain).collect::<Vec<_>>(),
            ["Tell the", "  billing team", "  first."]
        );
        assert_eq!(rows[1].0[1], (Tone::Title, "billing team".to_owned()));
    }

    #[test]
    fn any_width_ends() {
        let row = Rich::of(Tone::Text, "日本 words   and spaces ");
        for columns in 0..20 {
            for hang in 0..6 {
                assert!(row.wrap(columns, hang).len() < 40);
            }
        }
    }
}

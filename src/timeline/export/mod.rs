//! Leaving with a timeline: one file for each format. The same timeline gives the same bytes; no clock is asked.

pub(super) mod cell;
pub mod csv;
pub mod figures;
pub mod followups;
pub mod gantt;
pub mod html;
pub mod ics;
pub mod iris;
pub mod json;
pub mod markdown;
pub mod stix;
pub mod template;
pub mod timesketch;

pub use csv::csv;
pub use gantt::gantt;
pub use html::html;
pub use ics::ics;
pub use iris::iris;
pub use json::json;
pub use markdown::markdown;
pub use stix::stix;

use std::io;

use crate::timeline::Timeline;
use crate::timeline::clocks::Countdown;

/// The ways out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Format {
    Markdown,
    Html,
    Json,
    Csv,
    Timesketch,
    TimesketchCsv,
    Iris,
    Stix,
    Ics,
    Mermaid,
}

impl Format {
    /// All of them: what each is called, how its files end, and what it is for.
    pub const ALL: [(Self, &'static str, &'static str, &'static str); 10] = [
        (
            Self::Markdown,
            "markdown",
            "md",
            "a postmortem to be finished by people",
        ),
        (
            Self::Html,
            "html",
            "html",
            "one page with the timeline drawn, for screens and paper",
        ),
        (
            Self::Json,
            "json",
            "json",
            "the whole timeline for programs; comes back with `timeline import`",
        ),
        (
            Self::Csv,
            "csv",
            "csv",
            "the rows as a table; comes back too",
        ),
        (
            Self::Timesketch,
            "timesketch",
            "jsonl",
            "JSON lines for Timesketch",
        ),
        (
            Self::TimesketchCsv,
            "timesketch-csv",
            "csv",
            "the same as a table",
        ),
        (
            Self::Iris,
            "iris",
            "csv",
            "the timeline import of DFIR-IRIS",
        ),
        (Self::Stix, "stix", "json", "a STIX 2.1 bundle"),
        (Self::Ics, "ics", "ics", "iCalendar"),
        (
            Self::Mermaid,
            "mermaid",
            "mmd",
            "a Gantt chart for Markdown that is drawn",
        ),
    ];

    /// The one that is called so.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find_map(|(format, name, ..)| (name == word).then_some(format))
    }

    /// Whether the clocks stand in it.
    #[must_use]
    pub fn has_clocks(self) -> bool {
        self == Self::Html
    }

    /// Writes a timeline in this format.
    ///
    /// # Errors
    /// When it has no form in JSON or cannot be written.
    pub fn write(
        self,
        timeline: &Timeline,
        countdowns: &[Countdown],
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        match self {
            Self::Html => html::write(timeline, countdowns, out),
            Self::Json => json::write(timeline, out),
            _ => out.write_all(self.render(timeline, countdowns)?.as_bytes()),
        }
    }

    /// A timeline in this format.
    ///
    /// # Errors
    /// When it has no form in JSON.
    pub fn render(
        self,
        timeline: &Timeline,
        countdowns: &[Countdown],
    ) -> Result<String, serde_json::Error> {
        Ok(match self {
            Self::Markdown => markdown(timeline),
            Self::Html => html(timeline, countdowns),
            Self::Json => json(timeline)?,
            Self::Csv => csv(timeline),
            Self::Timesketch => timesketch::jsonl(timeline)?,
            Self::TimesketchCsv => timesketch::csv(timeline),
            Self::Iris => iris(timeline),
            Self::Stix => stix(timeline)?,
            Self::Ics => ics(timeline),
            Self::Mermaid => gantt(timeline),
        })
    }
}

//! Entries of elsewhere brought into a record: tables, lines of JSON, our own exports, an export of a chat. What is read
//! is a plan first: what would be recorded, what is passed over, and why. What was brought in once is not brought in
//! again. Knows no files; its caller reads them.

mod object;
pub mod slack;
mod table;
mod when;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset};

use crate::engine::details::{Details, Origin};
use crate::engine::event::Fidelity;
use crate::engine::fact::{EntryImported, Fact};
use crate::engine::telling::{Telling, Told};
use crate::engine::{Event, EventId};
use crate::evidence::Digest;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table with a head: ours, or any with a time and a text.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Our own document, or an array of objects.
    Json,
    /// The messages of a channel on one day, as Slack exports them.
    Slack,
}

impl Format {
    /// By the name and the beginning of a file.
    #[must_use]
    pub fn guessed(name: &str, bytes: &[u8]) -> Self {
        let ending = name.rsplit('.').next().unwrap_or_default();
        let start = bytes.trim_ascii_start();
        let mut beginning = start.iter().take(4096).copied().collect::<Vec<_>>();
        beginning.retain(|byte| !byte.is_ascii_whitespace());
        let said = |word: &[u8]| beginning.windows(word.len()).any(|part| part == word);
        match ending.to_ascii_lowercase().as_str() {
            "csv" => Self::Csv,
            "jsonl" | "ndjson" => Self::Jsonl,
            _ if beginning.starts_with(b"[") && said(br#""type":"message""#) => Self::Slack,
            "json" => Self::Json,
            _ if beginning.starts_with(b"{") && !said(br#""format":"runsheet-timeline""#) => {
                Self::Jsonl
            }
            _ if beginning.starts_with(b"{") || beginning.starts_with(b"[") => Self::Json,
            _ => Self::Csv,
        }
    }
}

/// An entry as it stands there.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Entry {
    pub place: Place,
    /// Which one of the file, from 1.
    pub position: u64,
    /// Its name over there.
    pub id: Option<String>,
    pub person: Option<String>,
    pub at: DateTime<FixedOffset>,
    pub until: Option<DateTime<FixedOffset>>,
    pub fidelity: Fidelity,
    pub text: String,
    pub details: Details,
}

/// A place in a file, both from 1. In a table the column is the number of the cell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Place {
    pub line: u64,
    pub column: u64,
}

/// Something that is not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Skipped {
    pub place: Place,
    pub why: String,
    /// Whether it is there already, so that nothing is lost.
    pub known: bool,
}

/// What was read of a file.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Read {
    pub entries: Vec<Entry>,
    pub skipped: Vec<Skipped>,
}

/// The file as it was named, with its bytes.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Source<'a> {
    pub name: &'a str,
    pub bytes: &'a [u8],
    /// Names of people over there, by what messages call them.
    pub people: &'a BTreeMap<String, String>,
}

/// What would be recorded of a file, and what not.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Plan {
    pub told: Vec<Told>,
    /// In the order of the file.
    pub skipped: Vec<Skipped>,
}

impl Read {
    fn skip(&mut self, place: Place, why: impl Into<String>) {
        self.skipped.push(Skipped {
            place,
            why: why.into(),
            known: false,
        });
    }
}

/// Reads a file.
///
/// # Errors
/// Where nothing of it can be read: no text, no such form, no column with a time.
pub fn read(format: Format, source: Source<'_>) -> Result<Read, Skipped> {
    let unreadable = |place, why: &str| Skipped {
        place,
        why: why.to_owned(),
        known: false,
    };
    let text = std::str::from_utf8(source.bytes).map_err(|error| {
        let before = &source.bytes[..error.valid_up_to()];
        let place = place_after(&String::from_utf8_lossy(before));
        unreadable(place, "this is no UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match format {
        Format::Csv => table::read(text),
        Format::Jsonl => Ok(object::lines(text)),
        Format::Json => object::document(text),
        Format::Slack => slack::read(text, source.people),
    }
}

/// What of it would be recorded into the record of these events.
#[must_use]
pub fn plan(read: Read, source: Source<'_>, events: &[Arc<Event>]) -> Plan {
    let sha256 = Digest::of(source.bytes);
    let known = Known::of(events);
    let mut plan = Plan {
        told: Vec::new(),
        skipped: read.skipped,
    };
    for entry in read.entries {
        let place = entry.place;
        let origin = Origin {
            file: source.name.to_owned(),
            sha256,
            position: entry.position,
            person: entry.person,
            id: entry.id,
        };
        let skip = |why: String, known| Skipped { place, why, known };
        if let Some(why) = known.already(&origin) {
            plan.skipped.push(skip(why.to_owned(), true));
            continue;
        }
        let what = Telling::Imported(EntryImported {
            text: entry.text,
            origin,
            details: entry.details,
        });
        if let Err(refused) = what.clone().accept() {
            plan.skipped.push(skip(refused.to_string(), false));
            continue;
        }
        plan.told.push(Told {
            what,
            at: Some(entry.at),
            until: entry.until,
            fidelity: entry.fidelity,
        });
    }
    plan.skipped.sort_by_key(|skipped| skipped.place);
    plan
}

/// What is in a record already.
struct Known<'a> {
    events: BTreeSet<EventId>,
    places: BTreeSet<(Digest, u64)>,
    names: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Known<'a> {
    fn of(events: &'a [Arc<Event>]) -> Self {
        let origins = || {
            events.iter().filter_map(|event| match &event.fact {
                Fact::EntryImported(fact) => Some(&fact.origin),
                _ => None,
            })
        };
        Self {
            events: events.iter().map(|event| event.id).collect(),
            places: origins()
                .map(|origin| (origin.sha256, origin.position))
                .collect(),
            names: origins().filter_map(name).collect(),
        }
    }

    fn already(&self, origin: &Origin) -> Option<&'static str> {
        let own = origin.id.as_deref().and_then(|id| id.parse().ok());
        if own.is_some_and(|id| self.events.contains(&id)) {
            return Some("it is an entry of this record");
        }
        let place = (origin.sha256, origin.position);
        let named = name(origin).is_some_and(|name| self.names.contains(&name));
        (named || self.places.contains(&place)).then_some("it was imported before")
    }
}

/// What tells an entry from every other one, whatever else the file holds by now: an event's own name, else its name
/// within the file of that name.
fn name(origin: &Origin) -> Option<(&str, &str)> {
    let id = origin.id.as_deref()?;
    if id.parse::<Digest>().is_ok() {
        return Some(("", id));
    }
    let file = origin.file.rsplit(['/', '\\']).next().unwrap_or_default();
    Some((file, id))
}

/// The place after a text.
fn place_after(before: &str) -> Place {
    let line = before.matches('\n').count() as u64 + 1;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    Place {
        line,
        column: before[start..].chars().count() as u64 + 1,
    }
}

#[cfg(test)]
mod tests;

//! Entries with named fields: objects of JSON, rows of a table.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Entry, Place, Read, Skipped, when};
use crate::engine::details::{Confidence, Details, Edit, Tlp};
use crate::engine::event::Fidelity;
use crate::timeline::Row;
use crate::timeline::export::csv::{class_named, fidelity_named};
use crate::timeline::export::json;

/// What a field is, by any of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    At,
    Until,
    Text,
    Person,
    Id,
    Kind,
    Fidelity,
    Class,
    Tlp,
    Audiences,
    Confidence,
    Source,
    OnBehalfOf,
    Tactic,
    Technique,
    Tags,
    Assets,
    Indicators,
}

const NAMES: [(Field, &[&str]); 18] = [
    (
        Field::At,
        &[
            "occurred_at",
            "time",
            "at",
            "date",
            "datetime",
            "timestamp",
            "ts",
            "event_date",
        ],
    ),
    (Field::Until, &["occurred_until", "until", "end"]),
    (
        Field::Text,
        &["text", "message", "what", "description", "event_title"],
    ),
    (Field::Person, &["person", "who", "user", "author", "by"]),
    (Field::Id, &["event", "id", "event_id"]),
    (Field::Kind, &["kind"]),
    (Field::Fidelity, &["fidelity"]),
    (Field::Class, &["class"]),
    (Field::Tlp, &["tlp"]),
    (Field::Audiences, &["audiences", "audience"]),
    (Field::Confidence, &["confidence"]),
    (Field::Source, &["source", "event_source"]),
    (Field::OnBehalfOf, &["on_behalf_of"]),
    (Field::Tactic, &["tactic"]),
    (Field::Technique, &["technique"]),
    (Field::Tags, &["tags", "tag", "event_tags"]),
    (Field::Assets, &["assets", "event_assets"]),
    (Field::Indicators, &["indicators", "event_iocs"]),
];

impl Field {
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        NAMES
            .iter()
            .find(|(_, names)| names.contains(&name.as_str()))
            .map(|(field, _)| *field)
    }

    pub(super) fn names(self) -> String {
        let names = NAMES.iter().find(|(field, _)| *field == self);
        names.map(|(_, names)| names.join(", ")).unwrap_or_default()
    }

    pub(super) fn is_list(self) -> bool {
        matches!(
            self,
            Self::Audiences | Self::Tags | Self::Assets | Self::Indicators
        )
    }
}

/// The values of an entry, each with the place it stands at.
pub(super) type Values = BTreeMap<Field, (u64, Vec<String>)>;

/// An entry of these values, or why it is none.
pub(super) fn entry(
    read: &mut Read,
    place: Place,
    position: u64,
    mut values: Values,
    at: impl Fn(u64) -> Place,
) {
    match made(&mut values) {
        Ok(entry) => read.entries.push(Entry {
            place,
            position,
            ..entry
        }),
        Err((Some(column), why)) => read.skip(at(column), why),
        Err((None, why)) => read.skip(place, why),
    }
}

type Wrong = (Option<u64>, String);

fn made(values: &mut Values) -> Result<Entry, Wrong> {
    let (at, mut fidelity) =
        moment(values, Field::At)?.ok_or((None, "it has no time".to_owned()))?;
    let until = moment(values, Field::Until)?.map(|(until, _)| until);
    if let Some(told) = word(values, Field::Fidelity, fidelity_named)? {
        fidelity = told;
    }
    let text = one(values, Field::Text).map(|(_, text)| text);
    let text = text.ok_or((None, "it has no text".to_owned()))?;
    Ok(Entry {
        place: Place::default(),
        position: 0,
        id: one(values, Field::Id).map(|(_, id)| id),
        person: one(values, Field::Person).map(|(_, person)| person),
        at,
        until,
        fidelity,
        text,
        details: details(values)?,
    })
}

fn details(values: &mut Values) -> Result<Details, Wrong> {
    let edit = |list: Option<(u64, Vec<String>)>| Edit {
        add: list.map(|(_, list)| list).unwrap_or_default(),
        remove: Vec::new(),
    };
    let details = Details {
        class: word(values, Field::Class, class_named)?,
        tlp: word(values, Field::Tlp, |text| {
            Tlp::named(text).ok_or("a TLP marking")
        })?,
        audiences: values.remove(&Field::Audiences).map(|(_, list)| list),
        confidence: word(values, Field::Confidence, |text| {
            Confidence::named(text).ok_or("low, medium or high")
        })?,
        source: one(values, Field::Source).map(|(_, text)| text),
        on_behalf_of: one(values, Field::OnBehalfOf).map(|(_, text)| text),
        tactic: one(values, Field::Tactic).map(|(_, text)| text),
        technique: one(values, Field::Technique).map(|(_, text)| text),
        tags: edit(values.remove(&Field::Tags)),
        assets: edit(values.remove(&Field::Assets)),
        indicators: edit(values.remove(&Field::Indicators)),
        pinned: None,
        // Its artifacts are not in this record.
        evidence: Edit::default(),
    };
    Ok(details)
}

fn one(values: &mut Values, field: Field) -> Option<(u64, String)> {
    let (column, list) = values.remove(&field)?;
    let text = list.into_iter().next()?;
    (!text.trim().is_empty()).then_some((column, text))
}

fn moment(
    values: &mut Values,
    field: Field,
) -> Result<Option<(chrono::DateTime<chrono::FixedOffset>, Fidelity)>, Wrong> {
    let Some((column, text)) = one(values, field) else {
        return Ok(None);
    };
    match when::read(&text) {
        Some(at) => Ok(Some(at)),
        None => Err((
            Some(column),
            format!("`{}` is no time", crate::timeline::shown(&text)),
        )),
    }
}

fn word<T>(
    values: &mut Values,
    field: Field,
    read: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<Option<T>, Wrong> {
    let Some((column, text)) = one(values, field) else {
        return Ok(None);
    };
    let read = read(&text).map(Some);
    read.map_err(|what| {
        (
            Some(column),
            format!("`{}` is not {what}", crate::timeline::shown(&text)),
        )
    })
}

/// One object a line.
pub(super) fn lines(text: &str) -> Read {
    let mut read = Read::default();
    for (index, line) in text.lines().enumerate() {
        let number = index as u64 + 1;
        let place = Place {
            line: number,
            column: 1,
        };
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(line) {
            Ok(object) => object_entry(&mut read, place, number, &object),
            Err(error) => {
                let column = error.column().max(1) as u64;
                read.skip(
                    Place {
                        line: number,
                        column,
                    },
                    error.to_string(),
                );
            }
        }
    }
    read
}

/// Our own document, or an array of objects.
pub(super) fn document(text: &str) -> Result<Read, Skipped> {
    if !text.trim_start().starts_with('[') {
        return ours(text);
    }
    let mut read = Read::default();
    let mut places = Places::of(text);
    for (index, raw) in elements(text)?.into_iter().enumerate() {
        let place = places.next(raw);
        match serde_json::from_str(raw.get()) {
            Ok(object) => object_entry(&mut read, place, index as u64 + 1, &object),
            Err(error) => read.skip(place, error.to_string()),
        }
    }
    Ok(read)
}

/// The elements of an array, as they stand in the text.
pub(super) fn elements(text: &str) -> Result<Vec<&RawValue>, Skipped> {
    serde_json::from_str(text).map_err(|error| unreadable(&error))
}

/// Where elements stand in their text, one after the other.
pub(super) struct Places<'a> {
    text: &'a str,
    at: usize,
    place: Place,
}

impl<'a> Places<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let place = Place { line: 1, column: 1 };
        Self { text, at: 0, place }
    }

    /// The place of an element of this text that stands after those before.
    pub(super) fn next(&mut self, raw: &RawValue) -> Place {
        let at = (raw.get().as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        for c in self.text.get(self.at..at).unwrap_or_default().chars() {
            match c {
                '\n' => {
                    self.place.line += 1;
                    self.place.column = 1;
                }
                _ => self.place.column += 1,
            }
        }
        self.at = self.at.max(at);
        self.place
    }
}

fn unreadable(error: &serde_json::Error) -> Skipped {
    Skipped {
        place: Place {
            line: error.line().max(1) as u64,
            column: error.column().max(1) as u64,
        },
        why: error.to_string(),
        known: false,
    }
}

fn object_entry(read: &mut Read, place: Place, position: u64, object: &Value) {
    let Some(members) = object.as_object() else {
        return read.skip(place, "it is no object");
    };
    let mut values = Values::new();
    for (name, value) in members {
        let texts: Vec<String> = match value {
            Value::Array(list) => list.iter().filter_map(plain).collect(),
            value => plain(value).into_iter().collect(),
        };
        // By the alphabet: `datetime` stands before `timestamp`.
        if let Some(field) = Field::named(name).filter(|_| !texts.is_empty()) {
            values.entry(field).or_insert((place.column, texts));
        }
    }
    entry(read, place, position, values, |_| place);
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The rows of a document as they stand in it.
#[derive(Deserialize)]
struct Rows<'a> {
    #[serde(borrow)]
    rows: Vec<&'a RawValue>,
}

/// A document of ours: its rows, by the names of their events.
fn ours(text: &str) -> Result<Read, Skipped> {
    let timeline = json::read(text).map_err(|error| unreadable(&error))?;
    let raw: Rows<'_> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    let mut places = Places::of(text);
    let mut read = Read::default();
    for (index, (row, raw)) in timeline.rows.into_iter().zip(raw.rows).enumerate() {
        let place = places.next(raw);
        read.entries.push(row_entry(row, place, index as u64 + 1));
    }
    Ok(read)
}

fn row_entry(row: Row, place: Place, position: u64) -> Entry {
    let about = row.about.into_inner();
    let edit = |add| Edit {
        add,
        remove: Vec::new(),
    };
    Entry {
        place,
        position,
        id: Some(row.event.to_string()),
        person: Some(row.person.to_string()),
        at: row.occurred_at,
        until: row.occurred_until,
        fidelity: row.fidelity,
        text: row.text,
        details: Details {
            class: Some(row.class),
            tlp: about.tlp,
            audiences: (!about.audiences.is_empty()).then_some(about.audiences),
            pinned: None,
            confidence: about.confidence,
            source: about.source,
            on_behalf_of: about.on_behalf_of,
            tactic: about.tactic,
            technique: about.technique,
            tags: edit(about.tags),
            assets: edit(about.assets),
            indicators: edit(about.indicators),
            // Its artifacts are not in this record.
            evidence: Edit::default(),
        },
    }
}

//! Tables: our own, read as what they are; any other by the names of its columns.

use super::object::{self, Field, Values};
use super::{Place, Read, Skipped};
use crate::timeline::export::{cell, csv as own};

pub(super) fn read(text: &str) -> Result<Read, Skipped> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let head = match records.next() {
        None => return Ok(Read::default()),
        Some(Err(error)) => return Err(unreadable(error.to_string())),
        Some(Ok(head)) => head,
    };
    let ours = own::is_ours(&head);
    let fields = fields(&head)?;
    let mut read = Read::default();
    for (record, position) in records.zip(1..) {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                read.skip(Place { line, column: 1 }, error.to_string());
                continue;
            }
        };
        let line = record.position().map_or(1, csv::Position::line);
        let at = |column| Place { line, column };
        let values = values(&record, &fields);
        let kind = values.get(&Field::Kind).map(|(_, kind)| kind.as_slice());
        if ours && kind.is_some_and(|kind| kind == ["withheld"]) {
            read.skip(at(1), "it says what the table leaves out");
            continue;
        }
        object::entry(&mut read, at(1), position, values, at);
    }
    Ok(read)
}

fn unreadable(why: String) -> Skipped {
    Skipped {
        place: Place { line: 1, column: 1 },
        why,
        known: false,
    }
}

/// What each column is.
fn fields(head: &csv::StringRecord) -> Result<Vec<Option<Field>>, Skipped> {
    let fields: Vec<_> = head
        .iter()
        .map(|name| Field::named(cell::text(name)))
        .collect();
    for (needed, what) in [(Field::At, "time"), (Field::Text, "text")] {
        if !fields.contains(&Some(needed)) {
            let names = needed.names();
            return Err(unreadable(format!(
                "no column with a {what}: one is to be called {names}"
            )));
        }
    }
    Ok(fields)
}

/// The cells of a row by what they are; of two that are the same the first that is not empty.
fn values(record: &csv::StringRecord, fields: &[Option<Field>]) -> Values {
    let mut values = Values::new();
    for ((text, field), column) in record.iter().zip(fields).zip(1..) {
        let (Some(field), false) = (field, text.is_empty()) else {
            continue;
        };
        let text = cell::text(text);
        let list = if field.is_list() {
            own::split(text)
        } else {
            vec![text.to_owned()]
        };
        values.entry(*field).or_insert((column, list));
    }
    values
}

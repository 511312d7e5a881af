//! The rows as a table, one column for each thing a row has, safe to open in a spreadsheet; and read back. A list stands
//! in one cell, its members between `|`.

mod cells;
mod read;

use super::cell::cell;
use crate::timeline::{Projection, Row, Timeline};
use crate::trust::Mode;
use cells::COLUMNS;

pub(in crate::timeline) use cells::{class_named, fidelity, fidelity_named, split};
pub(in crate::timeline) use read::is_ours;
pub use read::{BadCell, read};

/// The kind of the last row of a table that is not the whole record.
const WITHHELD: &str = "withheld";

/// What such a table holds.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Sheet {
    pub mode: Mode,
    pub rows: Vec<Row>,
    /// For whom it is and what is left out.
    pub note: Option<String>,
}

/// The names of the columns, in order. They keep their places; new ones come at the end.
#[must_use]
pub fn head() -> Vec<&'static str> {
    std::iter::once("mode")
        .chain(COLUMNS.iter().map(|column| column.name))
        .collect()
}

/// The rows of a timeline as a table.
#[must_use]
pub fn csv(timeline: &Timeline) -> String {
    let note = timeline.audience.as_ref().map(Projection::sentence);
    table(timeline.header.mode, &timeline.rows, note.as_deref())
}

/// A table that was read, again.
#[must_use]
pub fn write(sheet: &Sheet) -> String {
    table(sheet.mode, &sheet.rows, sheet.note.as_deref())
}

fn table(mode: Mode, rows: &[Row], note: Option<&str>) -> String {
    let mut out = Table::new(&head());
    let mode = mode_word(mode);
    let mut line: Vec<String> = Vec::new();
    for row in rows {
        line.clear();
        line.push(mode.to_owned());
        line.extend(COLUMNS.iter().map(|column| (column.show)(row)));
        out.line(&line);
    }
    if let Some(note) = note {
        line.clear();
        line.push(mode.to_owned());
        line.extend(COLUMNS.iter().map(|column| match column.name {
            "kind" => WITHHELD.to_owned(),
            "text" => note.to_owned(),
            _ => String::new(),
        }));
        out.line(&line);
    }
    out.done()
}

fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => "live",
        Mode::Exercise => "exercise",
    }
}

/// A table being written, whose cells are text whatever they begin with.
pub(super) struct Table(csv::Writer<Vec<u8>>);

impl Table {
    pub(super) fn new(head: &[&str]) -> Self {
        let mut table = Self(csv::WriterBuilder::new().from_writer(Vec::new()));
        table.line(head);
        table
    }

    pub(super) fn line<T: AsRef<str>>(&mut self, cells: &[T]) {
        let cells = cells.iter().map(|text| cell(text.as_ref()));
        let written = self.0.write_record(cells.map(|text| text.into_owned()));
        // Writing into memory does not fail.
        debug_assert!(written.is_ok());
    }

    /// As `line`, with one cell as it is: an offset like `+01:00`, of our own making, which an importer reads.
    pub(super) fn line_with<const N: usize>(&mut self, cells: &[String; N], as_it_is: usize) {
        let cells = cells.iter().enumerate().map(|(index, text)| {
            if index == as_it_is {
                text.clone()
            } else {
                cell(text).into_owned()
            }
        });
        let written = self.0.write_record(cells);
        debug_assert!(written.is_ok());
    }

    pub(super) fn done(self) -> String {
        // What was written is UTF-8.
        String::from_utf8(self.0.into_inner().unwrap_or_default()).unwrap_or_default()
    }
}

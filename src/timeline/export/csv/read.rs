//! Reads back the table of rows that runsheet writes.

use chrono::DateTime;

use super::cells::COLUMNS;
use super::{Sheet, WITHHELD, head, mode_word};
use crate::engine::event::Fidelity;
use crate::engine::sentence::Class;
use crate::evidence::Digest;
use crate::timeline::export::cell;
use crate::timeline::words::Word;
use crate::timeline::{Apart, Row};
use crate::trust::{Mode, Principal};

/// A cell that is not as runsheet writes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, cell {column}: {what}")]
#[allow(missing_docs)]
pub struct BadCell {
    /// From 1.
    pub line: u64,
    /// From 1.
    pub column: usize,
    pub what: String,
}

/// Whether a table with this head is one of ours: it begins with our columns.
#[must_use]
pub(in crate::timeline) fn is_ours<'a>(found: impl IntoIterator<Item = &'a str>) -> bool {
    let mut found = found.into_iter();
    head().into_iter().all(|name| found.next() == Some(name))
}

/// Reads a table.
///
/// # Errors
/// The first cell that is not as runsheet writes it.
pub fn read(text: &str) -> Result<Sheet, BadCell> {
    let mut sheet = Sheet {
        mode: Mode::Live,
        rows: Vec::new(),
        note: None,
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut names = true;
    for record in reader.records() {
        let record = record.map_err(|error| BadCell {
            line: error.position().map_or(1, csv::Position::line),
            column: 1,
            what: error.to_string(),
        })?;
        let line = record.position().map_or(1, csv::Position::line);
        if std::mem::take(&mut names) {
            if !is_ours(&record) {
                let what = format!("the columns are to be {}", head().join(","));
                return Err(bad(line, 0, what));
            }
            continue;
        }
        row(&record, line, &mut sheet)?;
    }
    Ok(sheet)
}

fn bad(line: u64, index: usize, what: impl Into<String>) -> BadCell {
    BadCell {
        line,
        column: index + 1,
        what: what.into(),
    }
}

fn row(record: &csv::StringRecord, line: u64, sheet: &mut Sheet) -> Result<(), BadCell> {
    let modes = [Mode::Live, Mode::Exercise];
    sheet.mode = modes
        .into_iter()
        .find(|mode| Some(mode_word(*mode)) == record.get(0))
        .ok_or_else(|| bad(line, 0, "live or exercise is expected"))?;
    let cells = || record.iter().skip(1).map(cell::text).zip(COLUMNS);
    if cells().any(|(text, column)| column.name == "kind" && text == WITHHELD) {
        let mut texts = cells().filter(|(_, column)| column.name == "text");
        sheet.note = texts.next().map(|(text, _)| text.to_owned());
        return Ok(());
    }
    let mut row = blank().ok_or_else(|| bad(line, 0, "no row"))?;
    for (index, (text, column)) in cells().enumerate() {
        (column.read)(&mut row, text)
            .map_err(|what| bad(line, index + 1, format!("{what} is expected")))?;
    }
    sheet.rows.push(row);
    Ok(())
}

/// A row before any cell of it is read; every column writes over its part.
fn blank() -> Option<Row> {
    const KIND: Word = "note.added";
    Some(Row {
        event: Digest([0; 32]),
        occurred_at: DateTime::UNIX_EPOCH.fixed_offset(),
        occurred_until: None,
        fidelity: Fidelity::Exact,
        recorded_at: DateTime::UNIX_EPOCH,
        late_ms: None,
        sim_time: None,
        person: Principal::try_from("-").ok()?,
        who: "".into(),
        role: None,
        signed: false,
        class: Class::Note,
        kind: KIND,
        step: None,
        text: String::new(),
        evidence: Vec::new(),
        about: Apart::default(),
        links: Vec::new(),
        origin: None,
        corrections: Vec::new(),
        after_closing: false,
        flags: Vec::new(),
    })
}

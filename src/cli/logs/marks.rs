//! Lines that were marked while reading without an incident: told when the screen is left, or written to a file. Both are
//! redacted like everything that is kept.

use std::path::Path;

use serde_json::{Value, json};

use super::report;
use crate::cli::{CliError, out};
use crate::driver::keep::Redaction;
use crate::evidence::escape;
use crate::host::files;
use crate::logs::view::page::{Mark, Page};

/// Tells what was marked, in words or as a document, or writes the document to a file that is not there yet.
///
/// # Errors
/// When it cannot be written.
pub fn tell(page: &Page, as_json: bool, path: Option<&Path>) -> Result<(), CliError> {
    let redaction = Redaction::new(&[], [])?.with_addresses();
    let document = || {
        let marks = page.marks.iter();
        let marks: Vec<_> = marks.map(|mark| listed(page, mark, &redaction)).collect();
        json!({ "version": 1, "marks": marks })
    };
    if let Some(path) = path {
        let shown = escape::line(&path.display().to_string()).into_owned();
        let text = format!("{:#}\n", document());
        files::write_atomic(path, text.as_bytes(), 0o600)
            .map_err(|error| CliError::Input(format!("{shown}: {error}")))?;
        out::talk(&format!("wrote {} marks to {shown}", page.marks.len()));
        return Ok(());
    }
    if as_json {
        return out::json(&document());
    }
    for mark in &page.marks {
        out::data(&words(page, mark, &redaction))?;
    }
    Ok(())
}

/// Where it stands: the log, and what was done to it.
fn source(page: &Page, mark: &Mark) -> String {
    let log = page.logs.get(mark.log);
    mark.made.of(log.map_or("", |log| &log.name))
}

fn listed(page: &Page, mark: &Mark, redaction: &Redaction) -> Value {
    let text = redaction.bytes(&mark.text);
    json!({
        "source": source(page, mark),
        "range": [mark.line.start, mark.line.end],
        "sha256": mark.sha256,
        "time": mark.stamp.map(report::time),
        "text": String::from_utf8_lossy(&text),
    })
}

fn words(page: &Page, mark: &Mark, redaction: &Redaction) -> String {
    let time = mark
        .stamp
        .map_or_else(String::new, |stamp| report::time(stamp) + "  ");
    let (start, end) = (mark.line.start, mark.line.end);
    let source = source(page, mark);
    let place = escape::line(&source);
    let text = escape::bytes(&redaction.bytes(&mark.text));
    format!(
        "{time}{place} bytes {start}-{end} {}\n  {text}",
        mark.sha256
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Digest;
    use crate::logs::stamp::Stamp;
    use crate::logs::view::page::{Line, Made, Shown};

    fn page() -> Page {
        let line = b"2026-08-17T14:00:00Z \x1b[2J password=hunter2hunter2\n";
        Page {
            logs: vec![Shown {
                name: "app.log.gz".to_owned(),
                size: 0,
                lines: None,
                timed: true,
                spooled: None,
            }],
            marks: vec![Mark {
                log: 0,
                made: Made {
                    unpacked: true,
                    utf16: false,
                },
                line: Line { start: 10, end: 64 },
                stamp: Some(Stamp(1_786_975_200_000_000_000)),
                sha256: Digest::of(line),
                text: line[..line.len() - 1].to_vec(),
            }],
            ..Page::default()
        }
    }

    #[test]
    fn a_mark_is_told_with_its_place_and_digest_and_without_secrets() {
        let (page, redaction) = (page(), Redaction::new(&[], []).unwrap().with_addresses());
        let told = words(&page, &page.marks[0], &redaction);
        let digest = page.marks[0].sha256.to_string();
        let first = format!("2026-08-17T14:00:00Z  app.log.gz (unpacked) bytes 10-64 {digest}");
        assert_eq!(told.lines().next(), Some(first.as_str()));
        assert!(told.contains("␛[2J") && !told.contains("hunter2"), "{told}");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("marks.json");
        tell(&page, false, Some(&path)).unwrap();
        let written: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let mark = &written["marks"][0];
        assert_eq!(mark["range"], json!([10, 64]));
        assert_eq!(mark["sha256"], json!(digest));
        assert_eq!(mark["source"], json!("app.log.gz (unpacked)"));
        assert!(!mark["text"].as_str().unwrap().contains("hunter2"));
    }
}

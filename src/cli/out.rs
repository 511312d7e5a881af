//! Where the command line writes: data to standard output, talk to standard error. A reader that went away ends the
//! program quietly.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use super::CliError;

/// Writes data, with a newline if it has none.
///
/// # Errors
/// When standard output is closed or full.
pub fn data(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') && !text.is_empty() {
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

/// Lets something write itself.
///
/// # Errors
/// As [`data`].
pub fn written(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> Result<(), CliError> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    write(&mut out)?;
    out.flush()?;
    Ok(())
}

/// Writes bytes as they are.
///
/// # Errors
/// As [`data`].
pub fn raw(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}

/// Writes one JSON document with `"version": 1` as its first member.
///
/// # Errors
/// As [`data`].
pub fn json<T: Serialize>(value: &T) -> Result<(), CliError> {
    let value = serde_json::to_value(value).map_err(|error| CliError::Input(error.to_string()))?;
    let mut document = serde_json::Map::new();
    document.insert("version".to_owned(), 1.into());
    match value {
        serde_json::Value::Object(members) => document.extend(members),
        other => {
            document.insert("items".to_owned(), other);
        }
    }
    let text = serde_json::to_string_pretty(&document)
        .map_err(|error| CliError::Input(error.to_string()))?;
    data(&harmless(&text))
}

/// JSON leaves some characters as they are that a terminal obeys (C1) or that turn the writing around. They stand in
/// strings only, where an escape means the same.
fn harmless(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '\u{7f}'..='\u{9f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            _ => out.push(letter),
        }
    }
    out
}

/// Says something to whoever looks on.
pub fn talk(text: &str) {
    // Nobody listening is no reason to stop.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether somebody can be asked: both ends are a terminal.
#[must_use]
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whether data is read on a terminal.
#[must_use]
pub fn is_seen() -> bool {
    io::stdout().is_terminal()
}

/// Asks one line, with an answer offered.
///
/// # Errors
/// When the answer cannot be read.
pub fn ask(question: &str, offered: &str) -> Result<String, CliError> {
    let mut err = io::stderr().lock();
    if offered.is_empty() {
        write!(err, "{question}: ")?;
    } else {
        write!(err, "{question} [{offered}]: ")?;
    }
    err.flush()?;
    let mut answer = String::new();
    if io::stdin().read_line(&mut answer)? == 0 {
        return Err(CliError::Input(format!("no answer to: {question}")));
    }
    let answer = answer.trim();
    Ok(if answer.is_empty() {
        offered.to_owned()
    } else {
        answer.to_owned()
    })
}

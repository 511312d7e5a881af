//! Lines of a statement, written and read in one order: `name: value`, LF, ASCII, 4 KiB at most.
//! Knows nothing of what the fields mean.

use super::StatementError;
use super::values::Value;

/// The most bytes a statement may have.
pub const STATEMENT_LIMIT: usize = 4096;

/// Builds a statement line by line.
pub(super) struct Writer {
    text: String,
}

impl Writer {
    pub(super) fn new(header: &str) -> Self {
        Self {
            text: format!("{header}\n"),
        }
    }

    pub(super) fn line<T: Value>(
        mut self,
        field: &'static str,
        value: &T,
    ) -> Result<Self, StatementError> {
        let value = value.write(field)?;
        self.push(field, &value);
        Ok(self)
    }

    pub(super) fn optional<T: Value>(
        mut self,
        field: &'static str,
        value: Option<&T>,
    ) -> Result<Self, StatementError> {
        match value {
            Some(value) => return self.line(field, value),
            None => self.push(field, "-"),
        }
        Ok(self)
    }

    pub(super) fn finish(self) -> Result<String, StatementError> {
        if self.text.len() > STATEMENT_LIMIT {
            return Err(StatementError::TooLong {
                bytes: self.text.len(),
            });
        }
        Ok(self.text)
    }

    fn push(&mut self, field: &str, value: &str) {
        self.text.push_str(field);
        self.text.push_str(": ");
        self.text.push_str(value);
        self.text.push('\n');
    }
}

/// Reads a statement line by line, refusing whatever is not the line asked for.
pub(super) struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    /// Checks what holds for all lines, and gives back the first one with the reader of the others.
    pub(super) fn new(bytes: &'a [u8]) -> Result<(&'a str, Self), StatementError> {
        if bytes.len() > STATEMENT_LIMIT {
            return Err(StatementError::TooLong { bytes: bytes.len() });
        }
        if let Some(at) = bytes
            .iter()
            .position(|byte| !matches!(byte, b' '..=b'~' | b'\n'))
        {
            return Err(StatementError::Byte { at });
        }
        let text = str::from_utf8(bytes).map_err(|error| StatementError::Byte {
            at: error.valid_up_to(),
        })?;
        let mut reader = Self {
            rest: text,
            line: 0,
        };
        let header = reader.next().ok_or(StatementError::Cut { line: 1 })?;
        Ok((header, reader))
    }

    fn next(&mut self) -> Option<&'a str> {
        let (line, rest) = self.rest.split_once('\n')?;
        self.rest = rest;
        self.line += 1;
        Some(line)
    }

    fn value(&mut self, field: &'static str) -> Result<&'a str, StatementError> {
        let line = self.line + 1;
        let text = self.next().ok_or(StatementError::Cut { line })?;
        text.strip_prefix(field)
            .and_then(|rest| rest.strip_prefix(": "))
            .ok_or_else(|| StatementError::Line {
                line,
                expected: field,
                found: text.chars().take(40).collect(),
            })
    }

    pub(super) fn line<T: Value>(&mut self, field: &'static str) -> Result<T, StatementError> {
        T::read(field, self.value(field)?)
    }

    pub(super) fn optional<T: Value>(
        &mut self,
        field: &'static str,
    ) -> Result<Option<T>, StatementError> {
        match self.value(field)? {
            "-" => Ok(None),
            text => T::read(field, text).map(Some),
        }
    }

    pub(super) fn finish(self) -> Result<(), StatementError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(StatementError::Extra {
                line: self.line + 1,
            })
        }
    }
}

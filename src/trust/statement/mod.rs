//! What is signed: the exact bytes of approvals, reviews, closings and changes, written and read strictly, so that one meaning
//! has one spelling. Knows nothing of signatures, and does not judge whether a statement is true.

mod approval;
mod change;
mod lines;
mod record;
mod values;

pub use approval::{Decision, Statement};
pub use change::{ExpungeStatement, PolicyStatement};
pub use lines::STATEMENT_LIMIT;
pub use record::{CloseDecision, CloseStatement, ReviewDecision, ReviewStatement};
pub use values::{
    Executor, Nonce, PolicyPin, Quorum, REASON_LIMIT, RunbookPin, StepRef, whole_second,
};

use super::Principal;

/// Why bytes are no statement, or values cannot be put into one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Over 4 KiB.
    #[error("the statement has {bytes} bytes; at most 4096 are allowed (a shorter reason helps)")]
    TooLong {
        /// How many it has.
        bytes: usize,
    },
    /// Something else than printable ASCII and line feeds.
    #[error("byte {at} of the statement is neither printable ASCII nor a line feed")]
    Byte {
        /// Its offset.
        at: usize,
    },
    /// It ends early, or its last line has no line feed.
    #[error("the statement ends before its line {line} does")]
    Cut {
        /// From 1.
        line: usize,
    },
    /// A first line no version of ours writes.
    #[error("`{found}` is no statement this version knows: {hint}")]
    Header {
        /// The start of the first line.
        found: String,
        /// What is known.
        hint: &'static str,
    },
    /// Another line than the one that belongs there: missing, twice, moved or unknown.
    #[error("line {line} of the statement must be `{expected}: …`, not `{found}`")]
    Line {
        /// From 1.
        line: usize,
        /// The field that belongs there.
        expected: &'static str,
        /// The start of what is there.
        found: String,
    },
    /// More lines than there are fields.
    #[error("the statement goes on after its last field, at line {line}")]
    Extra {
        /// From 1.
        line: usize,
    },
    /// A value that cannot stand in its field.
    #[error("`{field}` of the statement: {what}")]
    Value {
        /// The field.
        field: &'static str,
        /// What is expected.
        what: &'static str,
    },
    /// Fields that do not go together.
    #[error("the statement contradicts itself: {0}")]
    Contradiction(&'static str),
}

/// Any statement; its first line says which.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
#[allow(clippy::large_enum_variant)] // One at a time, and mostly the large one.
pub enum AnyStatement {
    Approval(Statement),
    Review(ReviewStatement),
    Close(CloseStatement),
    Policy(PolicyStatement),
    Expunge(ExpungeStatement),
}

impl AnyStatement {
    /// Reads a statement of any kind.
    ///
    /// # Errors
    /// Whenever the bytes are not exactly what [`AnyStatement::to_bytes`] yields.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let (header, _) = lines::Reader::new(bytes)?;
        match header {
            approval::HEADER => Statement::parse(bytes).map(Self::Approval),
            record::REVIEW => ReviewStatement::parse(bytes).map(Self::Review),
            record::CLOSE => CloseStatement::parse(bytes).map(Self::Close),
            change::POLICY => PolicyStatement::parse(bytes).map(Self::Policy),
            change::EXPUNGE => ExpungeStatement::parse(bytes).map(Self::Expunge),
            other => Err(StatementError::Header {
                found: other.chars().take(40).collect(),
                hint: "runsheet-approval v1, runsheet-review v1, runsheet-close v1, runsheet-policy v1, runsheet-expunge v1",
            }),
        }
    }

    /// The bytes to sign.
    ///
    /// # Errors
    /// When a value does not fit its field, or all of them 4 KiB.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatementError> {
        match self {
            Self::Approval(statement) => statement.to_bytes(),
            Self::Review(statement) => statement.to_bytes(),
            Self::Close(statement) => statement.to_bytes(),
            Self::Policy(statement) => statement.to_text().map(String::into_bytes),
            Self::Expunge(statement) => statement.to_text().map(String::into_bytes),
        }
    }

    /// Whose signature it needs.
    #[must_use]
    pub fn signer(&self) -> Option<&Principal> {
        match self {
            Self::Approval(statement) => statement.signer(),
            Self::Review(statement) => Some(&statement.reviewer),
            Self::Close(statement) => Some(&statement.closer),
            Self::Policy(statement) => Some(&statement.adopter),
            Self::Expunge(statement) => Some(&statement.expunger),
        }
    }

    /// Its incident.
    #[must_use]
    pub fn incident(&self) -> &str {
        match self {
            Self::Approval(statement) => &statement.incident,
            Self::Review(statement) => &statement.incident,
            Self::Close(statement) => &statement.incident,
            Self::Policy(statement) => &statement.incident,
            Self::Expunge(statement) => &statement.incident,
        }
    }

    /// Its nonce.
    #[must_use]
    pub fn nonce(&self) -> Nonce {
        match self {
            Self::Approval(statement) => statement.nonce,
            Self::Review(statement) => statement.nonce,
            Self::Close(statement) => statement.nonce,
            Self::Policy(statement) => statement.nonce,
            Self::Expunge(statement) => statement.nonce,
        }
    }
}

/// Opens a statement of one kind: its reader, after the header.
fn open<'a>(bytes: &'a [u8], header: &'static str) -> Result<lines::Reader<'a>, StatementError> {
    let (found, reader) = lines::Reader::new(bytes)?;
    if found == header {
        return Ok(reader);
    }
    Err(StatementError::Header {
        found: found.chars().take(40).collect(),
        hint: header,
    })
}

#[cfg(test)]
mod tests;

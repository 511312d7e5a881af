//! `runsheet-review v1` and `runsheet-close v1`: an independent look at an override, and the end of an incident.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::lines::Writer;
use super::values::{Nonce, PolicyPin, Reason, Value};
use super::{StatementError, open};
use crate::evidence::Digest;
use crate::trust::Principal;

pub(super) const REVIEW: &str = "runsheet-review v1";
pub(super) const CLOSE: &str = "runsheet-close v1";

/// What the reviewer found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReviewDecision {
    /// It was right to go through.
    Accepted,
    /// It was not.
    Rejected,
}

impl Value for ReviewDecision {
    fn write(&self, _: &'static str) -> Result<String, StatementError> {
        Ok(match self {
            Self::Accepted => "accepted".to_owned(),
            Self::Rejected => "rejected".to_owned(),
        })
    }

    fn read(field: &'static str, text: &str) -> Result<Self, StatementError> {
        match text {
            "accepted" => Ok(Self::Accepted),
            "rejected" => Ok(Self::Rejected),
            _ => Err(StatementError::Value {
                field,
                what: "accepted or rejected",
            }),
        }
    }
}

/// One person's review of somebody else's override.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewStatement {
    /// The incident's id.
    pub incident: String,
    /// Digest of the incident's first event.
    pub genesis: Digest,
    /// Commit of the library, and digest of `policy.yaml` and `allowed_signers`.
    pub policy: PolicyPin,
    /// Digest of the override's event.
    pub override_event: Digest,
    /// Digest of the sorted list of events looked at, which the review's event carries.
    pub events: Digest,
    /// Who reviewed.
    pub reviewer: Principal,
    /// What they found.
    pub decision: ReviewDecision,
    /// In their words, at most 1 KiB.
    pub reason: Option<String>,
    /// When; whole seconds.
    pub time: DateTime<Utc>,
    /// Never used before.
    pub nonce: Nonce,
}

impl ReviewStatement {
    /// The bytes to sign.
    ///
    /// # Errors
    /// When a value does not fit its field, or all of them 4 KiB.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatementError> {
        self.to_text().map(String::into_bytes)
    }

    /// The same as text.
    ///
    /// # Errors
    /// As [`ReviewStatement::to_bytes`].
    pub fn to_text(&self) -> Result<String, StatementError> {
        let reason = self.reason.clone().map(Reason);
        Writer::new(REVIEW)
            .line("incident", &self.incident)?
            .line("genesis", &self.genesis)?
            .line("policy", &self.policy)?
            .line("override", &self.override_event)?
            .line("events", &self.events)?
            .line("reviewer", &self.reviewer)?
            .line("decision", &self.decision)?
            .optional("reason", reason.as_ref())?
            .line("time", &self.time)?
            .line("nonce", &self.nonce)?
            .finish()
    }

    /// Reads a review.
    ///
    /// # Errors
    /// Whenever the bytes are not exactly what [`ReviewStatement::to_bytes`] yields.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let mut lines = open(bytes, REVIEW)?;
        let statement = Self {
            incident: lines.line("incident")?,
            genesis: lines.line("genesis")?,
            policy: lines.line("policy")?,
            override_event: lines.line("override")?,
            events: lines.line("events")?,
            reviewer: lines.line("reviewer")?,
            decision: lines.line("decision")?,
            reason: lines.optional::<Reason>("reason")?.map(|reason| reason.0),
            time: lines.line("time")?,
            nonce: lines.line("nonce")?,
        };
        lines.finish()?;
        Ok(statement)
    }
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum CloseDecision {
    Close,
    Reopen,
}

impl Value for CloseDecision {
    fn write(&self, _: &'static str) -> Result<String, StatementError> {
        Ok(match self {
            Self::Close => "close".to_owned(),
            Self::Reopen => "reopen".to_owned(),
        })
    }

    fn read(field: &'static str, text: &str) -> Result<Self, StatementError> {
        match text {
            "close" => Ok(Self::Close),
            "reopen" => Ok(Self::Reopen),
            _ => Err(StatementError::Value {
                field,
                what: "close or reopen",
            }),
        }
    }
}

/// The closing of an incident over all its heads, or its opening again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseStatement {
    /// The incident's id.
    pub incident: String,
    /// Digest of the incident's first event.
    pub genesis: Digest,
    /// Commit of the library, and digest of `policy.yaml` and `allowed_signers`.
    pub policy: PolicyPin,
    /// Digest of the sorted heads.
    pub heads: Digest,
    /// Who closes or reopens.
    pub closer: Principal,
    /// Which of the two.
    pub decision: CloseDecision,
    /// When; whole seconds.
    pub time: DateTime<Utc>,
    /// Never used before.
    pub nonce: Nonce,
}

impl CloseStatement {
    /// The bytes to sign.
    ///
    /// # Errors
    /// When a value does not fit its field, or all of them 4 KiB.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatementError> {
        self.to_text().map(String::into_bytes)
    }

    /// The same as text.
    ///
    /// # Errors
    /// As [`CloseStatement::to_bytes`].
    pub fn to_text(&self) -> Result<String, StatementError> {
        Writer::new(CLOSE)
            .line("incident", &self.incident)?
            .line("genesis", &self.genesis)?
            .line("policy", &self.policy)?
            .line("heads", &self.heads)?
            .line("closer", &self.closer)?
            .line("decision", &self.decision)?
            .line("time", &self.time)?
            .line("nonce", &self.nonce)?
            .finish()
    }

    /// Reads a closing.
    ///
    /// # Errors
    /// Whenever the bytes are not exactly what [`CloseStatement::to_bytes`] yields.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let mut lines = open(bytes, CLOSE)?;
        let statement = Self {
            incident: lines.line("incident")?,
            genesis: lines.line("genesis")?,
            policy: lines.line("policy")?,
            heads: lines.line("heads")?,
            closer: lines.line("closer")?,
            decision: lines.line("decision")?,
            time: lines.line("time")?,
            nonce: lines.line("nonce")?,
        };
        lines.finish()?;
        Ok(statement)
    }
}

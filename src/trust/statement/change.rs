//! `runsheet-policy v1` and `runsheet-expunge v1`: another policy for an open incident, and an artifact taken out of it.

use chrono::{DateTime, Utc};

use super::lines::Writer;
use super::values::{Nonce, PolicyPin, Reason};
use super::{StatementError, open};
use crate::evidence::Digest;
use crate::trust::Principal;

pub(super) const POLICY: &str = "runsheet-policy v1";
pub(super) const EXPUNGE: &str = "runsheet-expunge v1";

/// One person's word that another policy holds from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyStatement {
    /// The incident's id.
    pub incident: String,
    /// Digest of the incident's first event.
    pub genesis: Digest,
    /// The policy that holds so far, under which this is decided.
    pub policy: PolicyPin,
    /// The policy that shall hold.
    pub adopts: PolicyPin,
    /// Whose word it is.
    pub adopter: Principal,
    /// In their words, at most 1 KiB.
    pub reason: Option<String>,
    /// When; whole seconds.
    pub time: DateTime<Utc>,
    /// Never used before.
    pub nonce: Nonce,
}

impl PolicyStatement {
    /// The bytes to sign, as text.
    ///
    /// # Errors
    /// When a value does not fit its field, or all of them 4 KiB.
    pub fn to_text(&self) -> Result<String, StatementError> {
        let reason = self.reason.clone().map(Reason);
        Writer::new(POLICY)
            .line("incident", &self.incident)?
            .line("genesis", &self.genesis)?
            .line("policy", &self.policy)?
            .line("adopts", &self.adopts)?
            .line("adopter", &self.adopter)?
            .optional("reason", reason.as_ref())?
            .line("time", &self.time)?
            .line("nonce", &self.nonce)?
            .finish()
    }

    /// Reads one.
    ///
    /// # Errors
    /// Whenever the bytes are not exactly what [`PolicyStatement::to_text`] yields.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let mut lines = open(bytes, POLICY)?;
        let statement = Self {
            incident: lines.line("incident")?,
            genesis: lines.line("genesis")?,
            policy: lines.line("policy")?,
            adopts: lines.line("adopts")?,
            adopter: lines.line("adopter")?,
            reason: lines.optional::<Reason>("reason")?.map(|reason| reason.0),
            time: lines.line("time")?,
            nonce: lines.line("nonce")?,
        };
        lines.finish()?;
        Ok(statement)
    }
}

/// One person's word that an artifact shall be taken out; it takes two people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpungeStatement {
    /// The incident's id.
    pub incident: String,
    /// Digest of the incident's first event.
    pub genesis: Digest,
    /// The policy that holds.
    pub policy: PolicyPin,
    /// The artifact, by its digest.
    pub evidence: Digest,
    /// Whose word it is.
    pub expunger: Principal,
    /// In their words, at most 1 KiB.
    pub reason: Option<String>,
    /// When; whole seconds.
    pub time: DateTime<Utc>,
    /// Never used before.
    pub nonce: Nonce,
}

impl ExpungeStatement {
    /// The bytes to sign, as text.
    ///
    /// # Errors
    /// When a value does not fit its field, or all of them 4 KiB.
    pub fn to_text(&self) -> Result<String, StatementError> {
        let reason = self.reason.clone().map(Reason);
        Writer::new(EXPUNGE)
            .line("incident", &self.incident)?
            .line("genesis", &self.genesis)?
            .line("policy", &self.policy)?
            .line("evidence", &self.evidence)?
            .line("expunger", &self.expunger)?
            .optional("reason", reason.as_ref())?
            .line("time", &self.time)?
            .line("nonce", &self.nonce)?
            .finish()
    }

    /// Reads one.
    ///
    /// # Errors
    /// Whenever the bytes are not exactly what [`ExpungeStatement::to_text`] yields.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let mut lines = open(bytes, EXPUNGE)?;
        let statement = Self {
            incident: lines.line("incident")?,
            genesis: lines.line("genesis")?,
            policy: lines.line("policy")?,
            evidence: lines.line("evidence")?,
            expunger: lines.line("expunger")?,
            reason: lines.optional::<Reason>("reason")?.map(|reason| reason.0),
            time: lines.line("time")?,
            nonce: lines.line("nonce")?,
        };
        lines.finish()?;
        Ok(statement)
    }
}

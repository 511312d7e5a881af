//! `runsheet-approval v1`: a request, its approvals and denials, an override, and the using up of an approval.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::lines::Writer;
use super::values::{Executor, Nonce, PolicyPin, Quorum, Reason, RunbookPin, StepRef, Value};
use super::{StatementError, open};
use crate::evidence::Digest;
use crate::runbook::model::Role;
use crate::trust::Principal;

pub(super) const HEADER: &str = "runsheet-approval v1";

/// What the signer says about the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Asked for.
    Request,
    /// May run once.
    Approve,
    /// Must not run under this request.
    Deny,
    /// Taken back.
    Withdraw,
    /// Goes through without the approvals.
    Override,
    /// The approvals are being used up now.
    Consume,
}

impl Decision {
    const ALL: [(Self, &str); 6] = [
        (Self::Request, "request"),
        (Self::Approve, "approve"),
        (Self::Deny, "deny"),
        (Self::Withdraw, "withdraw"),
        (Self::Override, "override"),
        (Self::Consume, "consume"),
    ];

    /// The word of the statement.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(decision, _)| *decision == self)
            .map_or("", |(_, word)| word)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Value for Decision {
    fn write(&self, _: &'static str) -> Result<String, StatementError> {
        Ok(self.as_str().to_owned())
    }

    fn read(field: &'static str, text: &str) -> Result<Self, StatementError> {
        Self::ALL
            .iter()
            .find(|(_, word)| *word == text)
            .map(|(decision, _)| *decision)
            .ok_or(StatementError::Value {
                field,
                what: "request, approve, deny, withdraw, override or consume",
            })
    }
}

/// One person's word on one step; `None` is `-`, "does not apply". The fields are in the order of the lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The incident's id.
    pub incident: String,
    /// Digest of the incident's first event.
    pub genesis: Digest,
    /// Commit of the library, and digest of `policy.yaml` and `allowed_signers`.
    pub policy: PolicyPin,
    /// Commit, path and digest of the runbook.
    pub runbook: RunbookPin,
    /// The step and the attempt at it.
    pub step: StepRef,
    /// Digest of the execution record in the request event.
    pub request: Digest,
    /// Digest of the sorted heads the signer saw.
    pub frontier: Option<Digest>,
    /// Digest of what would be executed.
    pub exec: Option<Digest>,
    /// Digest of the names and values it would be given.
    pub vars: Option<Digest>,
    /// Digest of the approval text.
    pub display: Option<Digest>,
    /// Who asked.
    pub requester: Principal,
    /// Who will run it, where.
    pub executor: Option<Executor>,
    /// Who answers.
    pub approver: Option<Principal>,
    /// In what duty.
    pub role: Option<Role>,
    /// How many are needed, by which rule.
    pub quorum: Option<Quorum>,
    /// What is said.
    pub decision: Decision,
    /// Digest of the sorted digests of the approvals used up; with `consume` only.
    pub consumes: Option<Digest>,
    /// In the signer's words, at most 1 KiB.
    pub reason: Option<String>,
    /// Valid from; whole seconds.
    pub not_before: Option<DateTime<Utc>>,
    /// Valid to; whole seconds.
    pub not_after: Option<DateTime<Utc>>,
    /// Never used before.
    pub nonce: Nonce,
}

impl Statement {
    /// The bytes to sign.
    ///
    /// # Errors
    /// When a value does not fit its field, fields contradict each other, or all of them exceed 4 KiB.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatementError> {
        self.to_text().map(String::into_bytes)
    }

    /// The same as text.
    ///
    /// # Errors
    /// As [`Statement::to_bytes`].
    pub fn to_text(&self) -> Result<String, StatementError> {
        self.check()?;
        let reason = self.reason.clone().map(Reason);
        Writer::new(HEADER)
            .line("incident", &self.incident)?
            .line("genesis", &self.genesis)?
            .line("policy", &self.policy)?
            .line("runbook", &self.runbook)?
            .line("step", &self.step)?
            .line("request", &self.request)?
            .optional("frontier", self.frontier.as_ref())?
            .optional("exec", self.exec.as_ref())?
            .optional("vars", self.vars.as_ref())?
            .optional("display", self.display.as_ref())?
            .line("requester", &self.requester)?
            .optional("executor", self.executor.as_ref())?
            .optional("approver", self.approver.as_ref())?
            .optional("role", self.role.as_ref())?
            .optional("quorum", self.quorum.as_ref())?
            .line("decision", &self.decision)?
            .optional("consumes", self.consumes.as_ref())?
            .optional("reason", reason.as_ref())?
            .optional("not-before", self.not_before.as_ref())?
            .optional("not-after", self.not_after.as_ref())?
            .line("nonce", &self.nonce)?
            .finish()
    }

    /// Reads a statement.
    ///
    /// # Errors
    /// Whenever the bytes are not exactly what [`Statement::to_bytes`] yields.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let mut lines = open(bytes, HEADER)?;
        let statement = Self {
            incident: lines.line("incident")?,
            genesis: lines.line("genesis")?,
            policy: lines.line("policy")?,
            runbook: lines.line("runbook")?,
            step: lines.line("step")?,
            request: lines.line("request")?,
            frontier: lines.optional("frontier")?,
            exec: lines.optional("exec")?,
            vars: lines.optional("vars")?,
            display: lines.optional("display")?,
            requester: lines.line("requester")?,
            executor: lines.optional("executor")?,
            approver: lines.optional("approver")?,
            role: lines.optional("role")?,
            quorum: lines.optional("quorum")?,
            decision: lines.line("decision")?,
            consumes: lines.optional("consumes")?,
            reason: lines.optional::<Reason>("reason")?.map(|reason| reason.0),
            not_before: lines.optional("not-before")?,
            not_after: lines.optional("not-after")?,
            nonce: lines.line("nonce")?,
        };
        lines.finish()?;
        statement.check()?;
        Ok(statement)
    }

    /// Whose signature this statement needs: the requester's, the approver's, or for `consume` the executor's.
    /// A withdrawal is the approver's where one is named, else the requester's.
    #[must_use]
    pub fn signer(&self) -> Option<&Principal> {
        match self.decision {
            Decision::Request => Some(&self.requester),
            Decision::Approve | Decision::Deny | Decision::Override => self.approver.as_ref(),
            Decision::Withdraw => Some(self.approver.as_ref().unwrap_or(&self.requester)),
            Decision::Consume => self.executor.as_ref().map(|executor| &executor.principal),
        }
    }

    fn check(&self) -> Result<(), StatementError> {
        let refuse = |what| Err(StatementError::Contradiction(what));
        if (self.decision == Decision::Consume) != self.consumes.is_some() {
            return refuse("`consumes` goes with `decision: consume`, and only with it");
        }
        if self.signer().is_none() {
            return refuse(
                "approve, deny and override need an `approver`, consume an `executor`: it is who signs",
            );
        }
        if self.decision == Decision::Override && self.reason.is_none() {
            return refuse("an override needs a `reason`");
        }
        if let (Some(from), Some(to)) = (self.not_before, self.not_after)
            && from > to
        {
            return refuse("`not-after` is before `not-before`");
        }
        Ok(())
    }
}

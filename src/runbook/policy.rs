//! A library's `policy.yaml`, and what it makes of a step's checkpoint.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::freeze::Freeze;
use super::model::{CheckpointSpec, KeyRule, NotWho, Role};

/// Who is who, what needs an approval, who may override.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Policy {
    /// By person: the name used in the record where a person is meant.
    pub people: BTreeMap<String, Person>,
    pub checkpoints: Vec<CheckpointRule>,
    /// Times in which more is asked for.
    pub freezes: Vec<Freeze>,
    pub override_rule: OverrideRule,
    /// Who may adopt another policy in an open incident; see [`Policy::adoption`] for what holds without it.
    pub adopt: Option<CheckpointSpec>,
    /// `unknown_authors: allow`
    pub allow_unknown_authors: bool,
    pub redact: Vec<RedactRule>,
    pub channels: Vec<Channel>,
    pub audiences: Vec<Audience>,
    pub clocks: Vec<String>,
}

/// One human being.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Person {
    pub name: String,
    /// Principals of `allowed_signers`.
    pub principals: Vec<String>,
    /// Unix accounts.
    pub accounts: Vec<String>,
    pub roles: Vec<Role>,
    /// Addresses this person commits with, beside the principals.
    pub emails: Vec<String>,
}

/// A checkpoint that every matching step gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct CheckpointRule {
    /// An expression over `risk`, `tags`, `services`, `kind`, `severity` and the values of the run; `None` is every step.
    pub when: Option<String>,
    /// What it gets.
    pub asks: CheckpointSpec,
}

/// Who may go through without approvals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct OverrideRule {
    pub roles: Vec<Role>,
    /// An expression as in a rule; only such steps can be gone through. `None` is every step.
    pub when: Option<String>,
    pub expires: Option<Duration>,
    /// How long the review that it owes may take; after that it is late. `None`: it is owed and never late.
    pub review_within: Option<Duration>,
}

/// What an update says about the state of things.
pub const UPDATE_STATES: &[&str] = super::words::UpdateState::WORDS;

/// Audiences that every policy has.
pub const READERS: [&str; 5] = [
    "responders",
    "stakeholders",
    "customers",
    "regulator",
    "auditor",
];

/// What a template of an update can name.
pub const UPDATE_FACTS: [&str; 8] = [
    "message",
    "state",
    "title",
    "severity",
    "impact",
    "incident",
    "next_update",
    "time",
];

/// Redaction rules that are shipped and in force where a policy says so.
pub const SHIPPED_RULES: [&str; 2] = ["email", "ip"];

/// A redaction rule of the library's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct RedactRule {
    pub name: String,
    /// Without one it is one of [`SHIPPED_RULES`].
    pub pattern: Option<String>,
}

/// A way out for stakeholder updates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Channel {
    pub name: String,
    pub kind: ChannelKind,
}

/// What is behind a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ChannelKind {
    Webhook {
        url: String,
        shape: Option<String>,
    },
    Smtp {
        server: String,
        to: Vec<String>,
        from: Option<String>,
        user: Option<String>,
        password: Option<String>,
        /// `starttls`, `tls` or `none`.
        tls: Option<String>,
    },
    File {
        path: String,
    },
    Command {
        run: String,
    },
}

/// Who reads, and through which channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Audience {
    pub name: String,
    /// `clear`, `green`, `amber`, `amber+strict`, `red`.
    pub tlp: Option<String>,
    pub channels: Vec<String>,
    /// What is told them passes a checkpoint first.
    pub approval: bool,
    /// How an update is worded for them; without one as usual.
    pub template: Option<String>,
}

/// What a step must have before it may start: every requirement, by distinct people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Checkpoint {
    pub requirements: Vec<Requirement>,
    /// Sorted, without doubles.
    pub not: Vec<NotWho>,
    pub keys: KeyRule,
    pub expires: Duration,
}

impl Checkpoint {
    /// The one that anything passes.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            requirements: Vec::new(),
            not: Vec::new(),
            keys: KeyRule::default(),
            expires: Duration::MAX,
        }
    }

    /// Whether whatever passes this one passes the other as well: nothing of the other is stricter.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let met = |need: &Requirement| self.requirements.iter().any(|own| own.implies(need));
        other.requirements.iter().all(met)
            && other.not.iter().all(|not| self.not.contains(not))
            && self.keys >= other.keys
            && self.expires <= other.expires
    }
}

/// So many distinct people of this role; one person may count in several requirements, but once in each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[allow(missing_docs)]
pub struct Requirement {
    pub approvals: u32,
    pub role: Role,
    /// A second role that each of these people must have too: `2 approvers, one of them from security` is two
    /// requirements, 2 of `approver`, and 1 of `approver` who is also `security`.
    pub also: Option<Role>,
}

impl Requirement {
    /// Whether somebody who has the roles that `has` says counts here.
    pub fn fits(&self, has: impl Fn(&Role) -> bool) -> bool {
        has(&self.role) && self.also.as_ref().is_none_or(has)
    }

    /// Whether whatever meets this one meets the other as well.
    #[must_use]
    pub fn implies(&self, other: &Self) -> bool {
        self.approvals >= other.approvals
            && other.fits(|role| *role == self.role || self.also.as_ref() == Some(role))
    }
}

/// `1 approver`, or `1 approver+security` for people who have both roles. Part of the record's format.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.approvals, self.role)?;
        match &self.also {
            Some(also) => write!(f, "+{also}"),
            None => Ok(()),
        }
    }
}

//! `allowed_signers`, read as OpenSSH reads it but stricter: which key may sign as whom, for what, from when to when.
//! Knows nothing of roles or of people.

mod line;
mod pattern;

use chrono::{DateTime, Utc};
use ssh_key::PublicKey;

use super::signature::fingerprint;
use super::{Mode, Principal};

/// The longest `allowed_signers` that is read, in bytes.
pub const SIGNERS_LIMIT: usize = 1024 * 1024;

/// One line: a key, whom it may sign as, and the bounds of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// Its line, from 1.
    pub line: usize,
    /// Where its principals begin in it, from 1.
    pub column: usize,
    /// Whom the key may sign as.
    pub principals: Vec<Principal>,
    /// The key; its comment is the line's.
    pub key: PublicKey,
    /// A pattern list as in `ssh_config`; `None` is every namespace.
    pub namespaces: Option<String>,
    /// Not before this second.
    pub valid_after: Option<DateTime<Utc>>,
    /// Not after this second.
    pub valid_before: Option<DateTime<Utc>>,
}

/// Something wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct SignerProblem {
    /// From 1; 0 is the file as a whole.
    pub line: usize,
    /// Where in the line, from 1.
    pub column: usize,
    /// What is wrong, and what to do.
    pub what: String,
    /// Whether the line counts all the same.
    pub used: bool,
}

/// Why a key may not sign as somebody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// No line names the principal.
    #[error("`{0}` is not in allowed_signers")]
    Principal(Principal),
    /// Lines name the principal, with other keys.
    #[error("allowed_signers does not list the key {fingerprint} for `{principal}`")]
    Key {
        /// Who.
        principal: Principal,
        /// Which key.
        fingerprint: String,
    },
    /// The line is for something else.
    #[error(
        "line {line} of allowed_signers lets this key sign only in the namespaces `{namespaces}`"
    )]
    Namespace {
        /// From 1.
        line: usize,
        /// As the line says.
        namespaces: String,
    },
    /// Too early.
    #[error("by line {line} of allowed_signers this key is valid only from {}", .from.format("%Y-%m-%d %H:%M:%SZ"))]
    NotYet {
        /// From 1.
        line: usize,
        /// When it begins.
        from: DateTime<Utc>,
    },
    /// Too late.
    #[error("by line {line} of allowed_signers this key was valid only until {}", .until.format("%Y-%m-%d %H:%M:%SZ"))]
    Expired {
        /// From 1.
        line: usize,
        /// When it ended.
        until: DateTime<Utc>,
    },
}

/// The usable lines of an `allowed_signers`, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedSigners {
    signers: Vec<Signer>,
}

/// The line, without its line feed, that lets a key sign as a principal for us and for nothing else.
///
/// # Errors
/// When the key has no text.
pub fn line_for(principal: &Principal, key: &PublicKey) -> Result<String, ssh_key::Error> {
    let comment: String = key.comment().chars().filter(|c| !c.is_control()).collect();
    let key = PublicKey::new(key.key_data().clone(), comment.trim()).to_openssh()?;
    let [live, exercise] = [Mode::Live, Mode::Exercise].map(Mode::namespace);
    Ok(format!(
        "{principal} namespaces=\"{live},{exercise}\" {key}"
    ))
}

impl AllowedSigners {
    /// Reads the file. A line with a problem is left out (where [`SignerProblem::used`] says so) and the others count:
    /// a wildcard, a name that is no [`Principal`] or a `cert-authority` can only take away, never give.
    #[must_use]
    pub fn parse(text: &str) -> (Self, Vec<SignerProblem>) {
        let mut signers = Vec::new();
        let mut problems = Vec::new();
        if text.len() > SIGNERS_LIMIT {
            problems.push(SignerProblem {
                line: 0,
                column: 1,
                what: "allowed_signers is longer than 1 MiB; nothing of it is used".to_owned(),
                used: false,
            });
            return (Self::default(), problems);
        }
        for (index, text) in text.split('\n').enumerate() {
            let line = index + 1;
            let mut notes = Vec::new();
            let (used, column) = match line::parse(line, text, &mut notes) {
                Ok(signer) => {
                    signers.extend(signer);
                    (true, 1)
                }
                Err(wrong) => {
                    notes = vec![wrong.what];
                    (false, wrong.column)
                }
            };
            problems.extend(notes.into_iter().map(|what| SignerProblem {
                line,
                column,
                what,
                used,
            }));
        }
        (Self { signers }, problems)
    }

    /// The line that lets this key sign as this principal, in this namespace, at this time.
    ///
    /// # Errors
    /// When none does, with the reason of the line that came nearest.
    pub fn find(
        &self,
        principal: &Principal,
        key: &PublicKey,
        namespace: &str,
        at: DateTime<Utc>,
    ) -> Result<&Signer, NotAllowed> {
        let mut reason = NotAllowed::Principal(principal.clone());
        for signer in &self.signers {
            if !signer.principals.contains(principal) {
                continue;
            }
            if signer.key.key_data() != key.key_data() {
                if matches!(reason, NotAllowed::Principal(_)) {
                    reason = NotAllowed::Key {
                        principal: principal.clone(),
                        fingerprint: fingerprint(key),
                    };
                }
                continue;
            }
            match signer.bounds(namespace, at) {
                Ok(()) => return Ok(signer),
                Err(found) => reason = found,
            }
        }
        Err(reason)
    }

    /// Whether a principal's key may sign here no shorter than it may by another file: there is no time and namespace at
    /// which only that one lets it.
    #[must_use]
    pub fn allows_no_less(&self, other: &Self, who: &Principal, key: &PublicKey) -> bool {
        let of = |file: &'_ Self| -> Vec<Signer> {
            let lines = file.signers.iter();
            lines
                .filter(|line| {
                    line.principals.contains(who) && line.key.key_data() == key.key_data()
                })
                .cloned()
                .collect()
        };
        let covers = |mine: &Signer, theirs: &Signer| {
            let from = mine
                .valid_after
                .is_none_or(|mine| theirs.valid_after.is_some_and(|theirs| mine <= theirs));
            let until = mine
                .valid_before
                .is_none_or(|mine| theirs.valid_before.is_some_and(|theirs| mine >= theirs));
            from && until && (mine.namespaces.is_none() || mine.namespaces == theirs.namespaces)
        };
        let mine = of(self);
        of(other)
            .iter()
            .all(|theirs| mine.iter().any(|mine| covers(mine, theirs)))
    }

    /// Lets a principal sign no longer: with this key (`SHA256:…`), or with any.
    pub fn revoke(&mut self, who: &Principal, key: Option<&str>) {
        for signer in &mut self.signers {
            if key.is_none_or(|key| fingerprint(&signer.key) == key) {
                signer.principals.retain(|principal| principal != who);
            }
        }
    }

    /// Every usable line, in order.
    #[must_use]
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// Whom this key may sign as, at some time, in the order of the file.
    #[must_use]
    pub fn principals_of(&self, key: &PublicKey) -> Vec<&Principal> {
        let mut found = Vec::new();
        for signer in &self.signers {
            if signer.key.key_data() == key.key_data() {
                for principal in &signer.principals {
                    if !found.contains(&principal) {
                        found.push(principal);
                    }
                }
            }
        }
        found
    }

    /// The keys that may sign as this principal, at some time, in the order of the file.
    #[must_use]
    pub fn keys_of(&self, principal: &Principal) -> Vec<&PublicKey> {
        let mut found: Vec<&PublicKey> = Vec::new();
        for signer in &self.signers {
            if signer.principals.contains(principal)
                && !found
                    .iter()
                    .any(|key| key.key_data() == signer.key.key_data())
            {
                found.push(&signer.key);
            }
        }
        found
    }
}

impl Signer {
    /// Seconds are compared, as OpenSSH does; both ends are within.
    fn bounds(&self, namespace: &str, at: DateTime<Utc>) -> Result<(), NotAllowed> {
        let line = self.line;
        if let Some(namespaces) = &self.namespaces
            && !pattern::list_matches(namespaces, namespace)
        {
            return Err(NotAllowed::Namespace {
                line,
                namespaces: namespaces.clone(),
            });
        }
        if let Some(from) = self.valid_after
            && at.timestamp() < from.timestamp()
        {
            return Err(NotAllowed::NotYet { line, from });
        }
        if let Some(until) = self.valid_before
            && at.timestamp() > until.timestamp()
        {
            return Err(NotAllowed::Expired { line, until });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Who is the same human being: principals, keys, Unix accounts and addresses, by `policy.yaml` and `allowed_signers`.
//! Knows nothing of signatures, and errs towards fewer people: what is not clearly somebody else's is one person.

use std::collections::{BTreeMap, BTreeSet};

use ssh_key::PublicKey;
use ssh_key::public::KeyData;

use super::signature::fingerprint;
use super::{AllowedSigners, Principal};
use crate::runbook::model::Role;
use crate::runbook::policy::Policy;

/// The people of one policy. A person is named by the key of `people:` in `policy.yaml`; a principal that policy does
/// not name is a person of its own, named by the principal, with no role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    roles: BTreeMap<String, BTreeSet<Role>>,
    overriding: BTreeSet<Role>,
    principals: BTreeMap<Principal, Option<String>>,
    accounts: BTreeMap<String, String>,
    emails: BTreeMap<String, String>,
    /// Person to the one that stands for all it cannot be told apart from.
    same: BTreeMap<String, String>,
    problems: Vec<PeopleProblem>,
}

/// Something that leaves open who is who.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeopleProblem {
    /// Not a principal at all.
    #[error(
        "`{person}` has `{principal}` for a principal: 1 to 128 of the characters a-z 0-9 . _ @ + - are one"
    )]
    NotAPrincipal {
        /// Whose.
        person: String,
        /// As written, escaped.
        principal: String,
    },
    /// A principal of several people speaks for none of them.
    #[error("`{principal}` is a principal of {}; it counts as nobody, and they count as one person", .people.join(" and "))]
    SharedPrincipal {
        /// Which.
        principal: Principal,
        /// Whose, sorted.
        people: Vec<String>,
    },
    /// People with one key are one.
    #[error("{} sign with the same key {fingerprint}; they count as one person", .people.join(" and "))]
    SharedKey {
        /// Which.
        fingerprint: String,
        /// Whose, sorted.
        people: Vec<String>,
    },
    /// An account of several people tells nothing.
    #[error("the account `{}` belongs to {}; it tells nothing about who acts", .account.escape_debug(), .people.join(" and "))]
    SharedAccount {
        /// Which.
        account: String,
        /// Whose, sorted.
        people: Vec<String>,
    },
    /// People with one address are one.
    #[error("`{}` is an address of {}; they count as one person", .email.escape_debug(), .people.join(" and "))]
    SharedEmail {
        /// Which, in lower case.
        email: String,
        /// Whose, sorted.
        people: Vec<String>,
    },
    /// A principal nobody claims is spelled like a person.
    #[error(
        "allowed_signers lists `{principal}`, which is the name of a person but no principal of theirs; it counts as nobody"
    )]
    NamedLikeAPerson {
        /// Which.
        principal: Principal,
    },
}

/// Who claims what. Sets, so that somebody who says a thing twice says it once.
type Claims<K> = BTreeMap<K, BTreeSet<String>>;

impl People {
    /// Puts together what both files say.
    #[must_use]
    pub fn new(policy: &Policy, signers: &AllowedSigners) -> Self {
        let mut people = Self {
            overriding: policy.override_rule.roles.iter().cloned().collect(),
            ..Self::default()
        };
        for (id, person) in &policy.people {
            let roles = person.roles.iter().cloned().collect();
            people.roles.insert(id.clone(), roles);
        }
        people.claim_principals(policy);
        people.claim_accounts(policy);
        people.claim_emails(policy);
        people.add_strangers(signers);
        people.join_by_key(signers);
        people
    }

    /// The person who signs as this principal. `None` for a principal of neither file, and for one that two people share.
    #[must_use]
    pub fn person_of(&self, principal: &Principal) -> Option<&str> {
        self.principals.get(principal)?.as_deref()
    }

    /// The person whose Unix account this is; `None` also when several share it.
    #[must_use]
    pub fn person_of_account(&self, account: &str) -> Option<&str> {
        self.accounts.get(account).map(String::as_str)
    }

    /// The person who commits with this address, letters of either case being the same.
    #[must_use]
    pub fn person_of_email(&self, email: &str) -> Option<&str> {
        let email = email.to_ascii_lowercase();
        self.emails.get(&email).map(String::as_str)
    }

    /// The roles policy gives a person, by name. Whoever is alone has every role: ask [`People::has_role`].
    pub fn roles_of(&self, person: &str) -> impl Iterator<Item = &Role> {
        self.roles.get(person).into_iter().flatten()
    }

    /// Whether a person has a role, by policy or by being alone.
    #[must_use]
    pub fn has_role(&self, person: &str, role: &Role) -> bool {
        self.roles
            .get(person)
            .is_some_and(|roles| roles.contains(role) || self.roles.len() == 1)
    }

    /// Whether a person may go through a checkpoint without approvals, by policy or by being alone.
    #[must_use]
    pub fn may_override(&self, person: &str) -> bool {
        self.roles
            .get(person)
            .is_some_and(|roles| !roles.is_disjoint(&self.overriding) || self.roles.len() == 1)
    }

    /// The only person policy names, if there is just one.
    #[must_use]
    pub fn alone(&self) -> Option<&str> {
        match self.roles.len() {
            1 => self.roles.keys().next().map(String::as_str),
            _ => None,
        }
    }

    /// Whether two persons are, or cannot be told from, one human being.
    #[must_use]
    pub fn same(&self, a: &str, b: &str) -> bool {
        a == b || self.first_of(a) == self.first_of(b)
    }

    /// How many human beings these persons are, at most.
    #[must_use]
    pub fn distinct<'a>(&'a self, persons: impl IntoIterator<Item = &'a str>) -> usize {
        let firsts: BTreeSet<&str> = persons
            .into_iter()
            .map(|person| self.first_of(person))
            .collect();
        firsts.len()
    }

    /// Everybody policy names.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.roles.keys().map(String::as_str)
    }

    /// The principals of a person, in order.
    pub fn principals_of<'a>(&'a self, person: &'a str) -> impl Iterator<Item = &'a Principal> {
        self.principals
            .iter()
            .filter(move |(_, owner)| owner.as_deref() == Some(person))
            .map(|(principal, _)| principal)
    }

    /// Takes a role from the person behind a principal. Who they are stays, so that nobody becomes two people by it.
    pub fn revoke(&mut self, who: &Principal, role: &Role) {
        let person = self.person_of(who).map(str::to_owned);
        if let Some(roles) = person.and_then(|person| self.roles.get_mut(&person)) {
            roles.remove(role);
        }
    }

    /// Everything that leaves open who is who.
    #[must_use]
    pub fn problems(&self) -> &[PeopleProblem] {
        &self.problems
    }

    fn first_of<'a>(&'a self, person: &'a str) -> &'a str {
        self.same.get(person).map_or(person, String::as_str)
    }

    fn claim_principals(&mut self, policy: &Policy) {
        let mut claims: Claims<Principal> = BTreeMap::new();
        for (person, entry) in &policy.people {
            for text in &entry.principals {
                match Principal::try_from(text.as_str()) {
                    Ok(principal) => {
                        claims.entry(principal).or_default().insert(person.clone());
                    }
                    Err(_) => self.problems.push(PeopleProblem::NotAPrincipal {
                        person: person.clone(),
                        principal: text.chars().take(80).flat_map(char::escape_debug).collect(),
                    }),
                }
            }
        }
        for (principal, people) in claims {
            let owner = self.settle(&people);
            if owner.is_none() {
                self.problems.push(PeopleProblem::SharedPrincipal {
                    principal: principal.clone(),
                    people: people.into_iter().collect(),
                });
            }
            self.principals.insert(principal, owner);
        }
    }

    fn claim_accounts(&mut self, policy: &Policy) {
        let mut claims: Claims<&str> = BTreeMap::new();
        for (person, entry) in &policy.people {
            for account in &entry.accounts {
                claims.entry(account).or_default().insert(person.clone());
            }
        }
        for (account, people) in claims {
            let account = account.to_owned();
            if let Some(owner) = sole(&people) {
                self.accounts.insert(account, owner);
            } else {
                let people = people.into_iter().collect();
                self.problems
                    .push(PeopleProblem::SharedAccount { account, people });
            }
        }
    }

    fn claim_emails(&mut self, policy: &Policy) {
        let mut claims: Claims<String> = BTreeMap::new();
        for (person, entry) in &policy.people {
            for email in entry.emails.iter().chain(&entry.principals) {
                let claim = claims.entry(email.to_ascii_lowercase()).or_default();
                claim.insert(person.clone());
            }
        }
        for (email, people) in claims {
            if let Some(first) = people.first() {
                self.emails.insert(email.clone(), first.clone());
            }
            let said = self.principals.keys().any(|p| p.as_str() == email);
            if self.settle(&people).is_none() && !said {
                let people = people.into_iter().collect();
                self.problems
                    .push(PeopleProblem::SharedEmail { email, people });
            }
        }
    }

    /// The one who claims it; several become one person.
    fn settle(&mut self, people: &BTreeSet<String>) -> Option<String> {
        let owner = sole(people);
        if owner.is_none() {
            for (a, b) in people.iter().zip(people.iter().skip(1)) {
                self.join(a, b);
            }
        }
        owner
    }

    /// Principals that policy does not name.
    fn add_strangers(&mut self, signers: &AllowedSigners) {
        for principal in signers.signers().iter().flat_map(|line| &line.principals) {
            if self.principals.contains_key(principal) {
                continue;
            }
            let owner = if self.roles.contains_key(principal.as_str()) {
                self.problems.push(PeopleProblem::NamedLikeAPerson {
                    principal: principal.clone(),
                });
                None
            } else {
                Some(principal.to_string())
            };
            self.principals.insert(principal.clone(), owner);
        }
    }

    fn join_by_key(&mut self, signers: &AllowedSigners) {
        let mut owners: BTreeMap<&KeyData, (&PublicKey, BTreeSet<String>)> = BTreeMap::new();
        for line in signers.signers() {
            let (_, people) = owners
                .entry(line.key.key_data())
                .or_insert((&line.key, BTreeSet::new()));
            for principal in &line.principals {
                people.extend(self.person_of(principal).map(str::to_owned));
            }
        }
        for (key, people) in owners.into_values() {
            if people.len() > 1 {
                self.settle(&people);
                self.problems.push(PeopleProblem::SharedKey {
                    fingerprint: fingerprint(key),
                    people: people.into_iter().collect(),
                });
            }
        }
    }

    fn join(&mut self, a: &str, b: &str) {
        let (a, b) = (self.first_of(a).to_owned(), self.first_of(b).to_owned());
        for first in self.same.values_mut() {
            if *first == b {
                first.clone_from(&a);
            }
        }
        self.same.insert(b, a);
    }
}

fn sole(people: &BTreeSet<String>) -> Option<String> {
    match people.len() {
        1 => people.first().cloned(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

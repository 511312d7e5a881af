//! Who may bring a new policy into an open incident: a quorum under the policy that holds until then.
//! Knows nothing of who has signed; names and roles are given.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::model::{CheckpointSpec, KeyRule, Role};
use super::policy::Policy;

/// Fewer people are no quorum, whatever a policy says: nobody changes alone what holds them.
pub const FEWEST: u32 = 2;

/// So many distinct people, each with one of these roles, and of them so many with a further one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Adoption {
    /// At least [`FEWEST`].
    pub approvals: u32,
    /// Any of these.
    pub roles: Vec<Role>,
    pub of_them: BTreeMap<Role, u32>,
    pub keys: KeyRule,
}

impl Policy {
    /// Who may adopt another policy in an incident that this one holds for: what `adopt` says, else two people who are
    /// commanders or approvers, one of them a commander.
    #[must_use]
    pub fn adoption(&self) -> Adoption {
        let Some(asks) = &self.adopt else {
            return Adoption {
                approvals: FEWEST,
                roles: vec![Role::from("commander"), Role::from("approver")],
                of_them: BTreeMap::from([(Role::from("commander"), 1)]),
                keys: KeyRule::Any,
            };
        };
        let CheckpointSpec {
            approvals,
            role,
            of_them,
            keys,
            ..
        } = asks;
        Adoption {
            approvals: (*approvals).max(FEWEST),
            roles: vec![role.clone().unwrap_or_else(|| Role::from("commander"))],
            of_them: of_them.clone(),
            keys: *keys,
        }
    }
}

impl Adoption {
    /// Whether somebody with the roles that `has` says may be one of them.
    pub fn fits(&self, has: impl Fn(&Role) -> bool) -> bool {
        self.roles.iter().any(has)
    }

    /// How many of these people count, and how many are needed; each part by itself, the whole first. Whoever calls
    /// this sees to it that nobody is named twice, under whatever name.
    pub fn tally<'a>(
        &self,
        people: &BTreeSet<&'a str>,
        has: impl Fn(&'a str, &Role) -> bool,
    ) -> Vec<(u32, u32)> {
        let fit: Vec<&str> = people
            .iter()
            .copied()
            .filter(|person| self.fits(|role| has(person, role)))
            .collect();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let mut tally = vec![(count(fit.len()), self.approvals)];
        for (also, needed) in &self.of_them {
            let both = fit.iter().filter(|person| has(person, also));
            tally.push((count(both.count()), *needed));
        }
        tally
    }

    /// Whether these people are enough.
    pub fn is_met<'a>(
        &self,
        people: &BTreeSet<&'a str>,
        has: impl Fn(&'a str, &Role) -> bool,
    ) -> bool {
        let tally = self.tally(people, has);
        tally.iter().all(|(have, needed)| have >= needed)
    }
}

/// `2 commander or approver, 1 of them commander`.
impl fmt::Display for Adoption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles: Vec<&str> = self.roles.iter().map(Role::as_str).collect();
        write!(f, "{} {}", self.approvals, roles.join(" or "))?;
        for (also, needed) in &self.of_them {
            write!(f, ", {needed} of them {also}")?;
        }
        match self.keys {
            KeyRule::Any => Ok(()),
            KeyRule::Touched => f.write_str("; touched key"),
            KeyRule::Verified => f.write_str("; verified key"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn adoption(text: &str) -> Adoption {
        let (policy, problems) = parse::policy("policy.yaml", text.as_bytes());
        policy.unwrap_or_else(|| panic!("{problems:?}")).adoption()
    }

    fn met(adoption: &Adoption, people: &[(&str, &[&str])]) -> bool {
        let names = people.iter().map(|(name, _)| *name).collect();
        adoption.is_met(&names, |who, role| {
            let held = people.iter().find(|(name, _)| *name == who);
            held.is_some_and(|(_, roles)| roles.contains(&role.as_str()))
        })
    }

    #[test]
    fn without_a_word_about_it_two_people_adopt_of_whom_one_commands() {
        let usual = adoption("people: {}");
        assert_eq!(
            usual.to_string(),
            "2 commander or approver, 1 of them commander"
        );
        let (alice, carol, bob) = (
            ("alice", &["commander"][..]),
            ("carol", &["approver"][..]),
            ("bob", &["operator"][..]),
        );
        assert!(met(&usual, &[alice, carol]));
        assert!(met(&usual, &[alice, ("dan", &["commander", "approver"])]));
        assert!(!met(&usual, &[alice]) && !met(&usual, &[alice, bob]));
        assert!(!met(&usual, &[carol, ("erin", &["approver"])]));
        assert!(!usual.fits(|role| role.as_str() == "operator"));
    }

    #[test]
    fn a_policy_can_ask_for_others_and_never_for_one_alone() {
        let own = adoption(
            "adopt: {approvals: 3, role: board, of_them: {legal: 1}, keys: {touch: required}}",
        );
        assert_eq!(own.to_string(), "3 board, 1 of them legal; touched key");
        let board = |name, more: &'static [&'static str]| (name, more);
        let three = [
            board("a", &["board"]),
            board("b", &["board"]),
            board("c", &["board"]),
        ];
        assert!(!met(&own, &three));
        assert!(!met(&own, &[three[0], three[1], board("d", &["legal"])]));
        assert!(met(
            &own,
            &[three[0], three[1], board("d", &["legal", "board"])]
        ));
        let one = adoption("adopt: {approvals: 1, role: board}");
        assert_eq!(one.approvals, 2);
        assert!(!met(&one, &three[..1]) && met(&one, &three[..2]));
    }
}

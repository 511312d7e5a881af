//! Whoever cannot be told apart counts once.

use super::*;
use crate::runbook::policy::{OverrideRule, Person};

const KEYS: [&str; 4] = [
    include_str!("../../../tests/golden/statements/ed25519.pub"),
    include_str!("../../../tests/golden/statements/ecdsa256.pub"),
    include_str!("../../../tests/golden/statements/ecdsa384.pub"),
    include_str!("../../../tests/golden/statements/ecdsa521.pub"),
];

fn principal(text: &str) -> Principal {
    Principal::try_from(text).unwrap()
}

/// `(person, principals, accounts, emails, roles)`, each list separated by spaces.
fn policy(people: &[(&str, &str, &str, &str, &str)]) -> Policy {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    Policy {
        people: people
            .iter()
            .map(|(id, principals, accounts, emails, roles)| {
                let person = Person {
                    name: (*id).to_owned(),
                    principals: words(principals),
                    accounts: words(accounts),
                    emails: words(emails),
                    roles: roles.split_whitespace().map(Role::from).collect(),
                };
                ((*id).to_owned(), person)
            })
            .collect(),
        override_rule: OverrideRule {
            roles: vec![Role::from("commander")],
            ..OverrideRule::default()
        },
        ..Policy::default()
    }
}

/// A line for each: principals and the number of a key.
fn signers(lines: &[(&str, usize)]) -> AllowedSigners {
    let text: String = lines
        .iter()
        .map(|(principals, key)| format!("{principals} {}", KEYS[*key]))
        .collect();
    let (signers, problems) = AllowedSigners::parse(&text);
    assert_eq!(problems, []);
    signers
}

fn alice_and_carol() -> Policy {
    policy(&[
        (
            "alice",
            "alice@example.org alice@laptop",
            "alice",
            "a.ames@Example.org",
            "operator commander",
        ),
        ("carol", "carol@example.org", "carol", "", "approver"),
    ])
}

#[test]
fn case_02_a_second_key_principal_or_account_is_the_same_human() {
    let people = People::new(
        &alice_and_carol(),
        &signers(&[
            ("alice@example.org", 0),
            ("alice@laptop", 1),
            ("carol@example.org", 2),
        ]),
    );
    assert_eq!(people.problems(), []);
    assert_eq!(
        people.person_of(&principal("alice@example.org")),
        Some("alice")
    );
    assert_eq!(people.person_of(&principal("alice@laptop")), Some("alice"));
    assert_eq!(people.person_of_account("alice"), Some("alice"));
    assert_eq!(people.person_of_email("A.Ames@example.ORG"), Some("alice"));
    assert_eq!(people.person_of_email("carol@example.org"), Some("carol"));
    assert_eq!(people.person_of_email("nobody@example.org"), None);
    assert_eq!(people.person_of_account("root"), None);
    assert!(people.same("alice", "alice") && !people.same("alice", "carol"));
    assert_eq!(people.distinct(["alice", "carol", "alice"]), 2);
    assert_eq!(people.principals_of("alice").count(), 2);
}

#[test]
fn roles_come_from_policy_only() {
    let people = People::new(
        &alice_and_carol(),
        &signers(&[("carol@example.org", 0), ("dave@example.org", 1)]),
    );
    let approver = Role::from("approver");
    assert!(people.has_role("carol", &approver) && !people.has_role("alice", &approver));
    assert!(people.may_override("alice") && !people.may_override("carol"));
    assert_eq!(people.alone(), None);
    let dave = people.person_of(&principal("dave@example.org")).unwrap();
    assert_eq!(dave, "dave@example.org");
    assert!(!people.has_role(dave, &approver) && !people.may_override(dave));
    assert_eq!(people.roles_of(dave).count(), 0);
    assert_eq!(people.roles_of("alice").count(), 2);
    assert_eq!(people.person_of(&principal("eve")), None);
}

#[test]
fn the_only_person_of_a_policy_has_every_role_and_may_override() {
    let alone = policy(&[("alice", "alice", "", "", "")]);
    let people = People::new(&alone, &signers(&[("alice", 0), ("dave", 1)]));
    assert_eq!(people.alone(), Some("alice"));
    assert!(people.has_role("alice", &Role::from("approver")) && people.may_override("alice"));
    assert!(!people.has_role("dave", &Role::from("approver")) && !people.may_override("dave"));
    assert!(!People::new(&policy(&[]), &signers(&[("dave", 1)])).may_override("dave"));
}

#[test]
fn a_principal_of_two_people_counts_as_nobody_and_they_as_one() {
    let shared = policy(&[
        ("alice", "ops@example.org", "", "", "approver"),
        ("bob", "ops@example.org", "", "", "approver"),
        ("carol", "ops@example.org carol", "", "", "approver"),
    ]);
    let people = People::new(&shared, &signers(&[("ops@example.org", 0), ("carol", 1)]));
    assert_eq!(people.person_of(&principal("ops@example.org")), None);
    assert_eq!(people.distinct(["alice", "bob", "carol"]), 1);
    assert_eq!(
        people.problems(),
        [PeopleProblem::SharedPrincipal {
            principal: principal("ops@example.org"),
            people: vec!["alice".to_owned(), "bob".to_owned(), "carol".to_owned()],
        }]
    );
}

#[test]
fn case_03_one_key_under_two_principals_makes_their_people_one() {
    for lines in [
        &[("alice@example.org,carol@example.org", 0)][..],
        &[("alice@example.org", 0), ("carol@example.org", 0)],
        &[
            ("alice@laptop", 0),
            ("carol@example.org namespaces=\"git\"", 0),
        ],
    ] {
        let people = People::new(&alice_and_carol(), &signers(lines));
        assert!(people.same("alice", "carol"), "{lines:?}");
        assert!(
            matches!(people.problems(), [PeopleProblem::SharedKey { people, .. }] if people == &["alice", "carol"]),
            "{:?}",
            people.problems()
        );
    }
    let lines = [("alice@example.org,dave", 0)];
    let people = People::new(&alice_and_carol(), &signers(&lines));
    assert!(people.same("alice", "dave") && !people.same("carol", "dave"));
    let own = [("alice@example.org,alice@laptop", 0)];
    assert_eq!(
        People::new(&alice_and_carol(), &signers(&own)).problems(),
        []
    );
}

#[test]
fn what_is_shared_by_several_pairs_joins_all_of_them() {
    let chain = policy(&[
        ("a", "a", "", "x@example.org", ""),
        ("b", "b", "", "X@example.org y@example.org", ""),
        ("c", "c", "", "z@example.org", ""),
        ("d", "d", "", "z@example.org", ""),
    ]);
    let apart = People::new(&chain, &signers(&[]));
    assert_eq!(apart.distinct(["a", "b", "c", "d"]), 2);
    assert_eq!(apart.problems().len(), 2);
    let people = People::new(&chain, &signers(&[("d", 0), ("b", 0)]));
    assert_eq!(people.distinct(["a", "b", "c", "d"]), 1);
    for (one, other) in [("a", "c"), ("a", "d"), ("b", "c"), ("c", "d")] {
        assert!(people.same(one, other) && people.same(other, one));
    }
}

#[test]
fn a_shared_account_tells_nothing_but_leaves_its_people_apart() {
    let shared = policy(&[
        ("alice", "alice", "oncall alice", "", ""),
        ("bob", "bob", "oncall", "", ""),
    ]);
    let people = People::new(&shared, &signers(&[]));
    assert_eq!(people.person_of_account("oncall"), None);
    assert_eq!(people.person_of_account("alice"), Some("alice"));
    assert!(!people.same("alice", "bob"));
    assert!(matches!(
        people.problems(),
        [PeopleProblem::SharedAccount { .. }]
    ));
}

#[test]
fn case_04_spelling_like_a_person_gives_nobody_their_roles() {
    let bob = policy(&[
        ("bob", "bob@example.org", "", "", "approver"),
        ("carol", "Carol carol\u{301}", "", "", ""),
    ]);
    let people = People::new(&bob, &signers(&[("bob", 0), ("carol", 1)]));
    assert_eq!(people.person_of(&principal("bob")), None);
    assert_eq!(people.person_of(&principal("carol")), None);
    let kinds: Vec<bool> = people
        .problems()
        .iter()
        .map(|problem| matches!(problem, PeopleProblem::NotAPrincipal { .. }))
        .collect();
    assert_eq!(kinds, [true, true, false, false]);
}

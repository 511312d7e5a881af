//! Gates that can be passed and gates that cannot, by examples and against trying everything.

use chrono::DateTime;
use proptest::prelude::*;

use super::super::parse;
use super::*;

fn policy(people: &[(&str, &str)], rest: &str) -> Policy {
    let mut text = String::from("people:\n");
    for (name, roles) in people {
        text += &format!("  {name}: {{principals: [{name}@x], roles: [{roles}]}}\n");
    }
    text += rest;
    parse::policy("policy.yaml", text.as_bytes()).0.unwrap()
}

fn findings(policy: &Policy, signers: Option<&[&str]>, step: &str) -> Vec<Fault> {
    let text = format!("id: a\ntitle: A\nsteps: [{{id: s, run: x, {step}}}]\n");
    let runbook = parse::runbook("a.yaml", text.as_bytes()).0.unwrap();
    let keys = signers.map(|names| {
        let names = names.iter().map(|name| (format!("{name}@x"), false));
        names.collect()
    });
    prove(policy, keys.as_ref(), &runbook)
        .into_iter()
        .map(|finding| finding.fault)
        .collect()
}

#[test]
fn a_gate_nobody_can_pass_is_found() {
    let two = policy(&[("alice", "operator"), ("bob", "operator")], "");
    let found = findings(&two, None, "risk: destructive");
    assert!(
        matches!(&found[..], [Fault::Never(why)] if why.contains("nobody")),
        "{found:?}"
    );
    let more = policy(
        &[
            ("alice", "approver"),
            ("bob", "approver"),
            ("eve", "approver"),
        ],
        "",
    );
    let found = findings(&more, None, "checkpoint: {approvals: 3, not: [performer]}");
    assert!(matches!(&found[..], [Fault::Never(_)]), "{found:?}");
    // One performs, the two others approve.
    let all = ["alice", "bob", "eve"].map(str::to_owned).to_vec();
    assert_eq!(
        findings(&more, None, "checkpoint: {approvals: 2, not: [author]}"),
        [Fault::HangsOn(all)]
    );
}

#[test]
fn a_gate_that_hangs_on_one_person_names_them() {
    let two = policy(&[("alice", "operator"), ("carol", "approver")], "");
    assert_eq!(
        findings(&two, None, "risk: destructive"),
        [Fault::HangsOn(vec!["alice".into(), "carol".into()])]
    );
    let three = policy(
        &[
            ("alice", "operator"),
            ("carol", "approver"),
            ("eve", "operator"),
        ],
        "",
    );
    assert_eq!(
        findings(&three, None, "risk: destructive"),
        [Fault::HangsOn(vec!["carol".into()])]
    );
    let enough = policy(
        &[
            ("alice", "operator"),
            ("carol", "approver"),
            ("dave", "approver"),
        ],
        "",
    );
    assert_eq!(findings(&enough, None, "risk: destructive"), []);
}

#[test]
fn who_has_no_key_does_not_count() {
    let three = policy(
        &[
            ("alice", "operator"),
            ("carol", "approver"),
            ("dave", "approver"),
        ],
        "",
    );
    let found = findings(&three, Some(&["alice"]), "risk: destructive");
    assert!(matches!(&found[..], [Fault::Never(_)]), "{found:?}");
}

#[test]
fn only_others_with_the_role_could_pass() {
    let policy = policy(
        &[
            ("alice", "approver"),
            ("bob", "operator"),
            ("carol", "approver"),
        ],
        "",
    );
    let text = "id: a\ntitle: A\nsteps: [{id: s, run: x, risk: destructive}]\n";
    let runbook = parse::runbook("a.yaml", text.as_bytes()).0.unwrap();
    let checkpoint = policy
        .checkpoint_for(
            &runbook,
            &runbook.steps[0],
            &BTreeMap::new(),
            DateTime::UNIX_EPOCH,
        )
        .unwrap();
    assert_eq!(
        who_could_pass(&policy, &checkpoint, Some("alice")),
        ["carol"]
    );
    assert_eq!(
        who_could_pass(&policy, &checkpoint, None),
        ["alice", "carol"]
    );
}

/// A policy of these people, `name: roles`, and what is found in a runbook of these steps.
fn found(people: &[(&str, &str)], rest: &str, keys: Option<Keys>, steps: &str) -> Vec<Finding> {
    let policy = policy(people, rest);
    let text = format!("id: a\ntitle: A\nsteps: [{steps}]\n");
    let (runbook, problems) = parse::runbook("a.yaml", text.as_bytes());
    let runbook = runbook.unwrap_or_else(|| panic!("{problems:?}"));
    prove(&policy, keys.as_ref(), &runbook)
}

const TEAM: [(&str, &str); 4] = [
    ("alice", "operator, commander"),
    ("bob", "approver"),
    ("carol", "approver, security"),
    ("dan", "approver, commander"),
];

#[test]
fn whoever_performs_never_approves_whatever_the_gate_says() {
    let two = [("alice", "approver"), ("bob", "approver")];
    let step = "{id: s, run: x, checkpoint: {approvals: 2}}";
    let found = found(&two, "", None, step);
    assert!(
        matches!(&found[0].fault, Fault::Never(why) if why.contains("perform")),
        "{found:?}"
    );
}

#[test]
fn a_gate_that_only_a_second_role_can_open_hangs_on_who_has_both() {
    let step = "{id: s, run: x, checkpoint: {approvals: 2, of_them: {security: 1}}}";
    let of_team = found(&TEAM, "", None, step);
    assert_eq!(of_team.len(), 1, "{of_team:?}");
    assert_eq!(of_team[0].fault, Fault::HangsOn(vec!["carol".into()]));
    let nobody = found(&[TEAM[0], TEAM[1], TEAM[3]], "", None, step);
    assert!(
        matches!(&nobody[0].fault, Fault::Never(why) if why.contains("both roles `approver` and `security`")),
        "{nobody:?}"
    );
}

#[test]
fn whoever_could_fill_two_duties_of_a_gate_is_named_unless_the_gate_says_so_itself() {
    let rules = "checkpoints: [{role: commander}]\n";
    let step = "{id: s, run: x, checkpoint: {approvals: 1}}";
    let both = found(&TEAM, rules, None, step);
    let roles = (Role::from("approver"), Role::from("commander"));
    let people = vec!["dan".to_owned()];
    assert_eq!(both[0].fault, Fault::TwoDuties { roles, people });
    let rules = "checkpoints: [{approvals: 2, of_them: {commander: 1}}, {role: commander}]\n";
    let joined = found(&TEAM, rules, None, step);
    assert!(
        joined
            .iter()
            .all(|found| !matches!(found.fault, Fault::TwoDuties { .. })),
        "{joined:?}"
    );
    let rules = "checkpoints: [{role: operator}]\n";
    assert_eq!(
        found(&TEAM, rules, None, step)
            .first()
            .map(|found| &found.fault),
        Some(&Fault::HangsOn(vec!["alice".into()]))
    );
}

#[test]
fn approvers_of_another_step_have_to_be_others() {
    let steps = "{id: t, run: x, checkpoint: {approvals: 2}}, {id: s, run: x, checkpoint: {approvals: 1, not: ['approver-of:t']}}";
    let three = [TEAM[0], TEAM[1], TEAM[2]];
    let never = found(&three, "", None, steps);
    assert_eq!(never.len(), 1 + 1, "{never:?}");
    assert!(
        matches!(&never[1].fault, Fault::Never(why) if why.contains("others have approved")),
        "{never:?}"
    );
    let four = found(&TEAM, "", None, steps);
    assert_eq!(
        four.last().map(|found| (&found.step.0[..], &found.fault)),
        Some((
            "s",
            &Fault::HangsOn(vec!["bob".into(), "carol".into(), "dan".into()])
        ))
    );
    let idle =
        "{id: t, run: x}, {id: s, run: x, checkpoint: {approvals: 1, not: ['approver-of:t']}}";
    assert_eq!(
        found(&TEAM, "", None, idle)[0].fault,
        Fault::NobodyApproves(StepId::from("t"))
    );
}

#[test]
fn only_hardware_keys_count_where_the_gate_wants_them() {
    let keys = |hardware: &[&str]| -> Option<Keys> {
        let names = ["alice", "bob", "carol", "dan"];
        let key = |name: &&str| (format!("{name}@x"), hardware.contains(name));
        Some(names.iter().map(key).collect())
    };
    let step = "{id: s, run: x, checkpoint: {keys: {touch: required}}}";
    let none = found(&TEAM, "", keys(&["alice"]), step);
    assert!(
        matches!(&none[0].fault, Fault::Never(why) if why.contains("nobody with a hardware key")),
        "{none:?}"
    );
    let one = found(&TEAM, "", keys(&["bob"]), step);
    assert_eq!(one[0].fault, Fault::HangsOn(vec!["bob".into()]));
    assert_eq!(found(&TEAM, "", keys(&["bob", "carol"]), step), []);
}

#[test]
fn gates_are_proven_for_every_freeze_and_for_those_that_meet() {
    let freeze = |name: &str, from: &str, until: &str, asks: &str| {
        format!("{{name: {name}, from: {from}T00:00:00Z, until: {until}T00:00:00Z, {asks}}}")
    };
    let one = freeze("one", "2026-12-01", "2026-12-10", "role: commander");
    let meets = freeze(
        "meets",
        "2026-12-09",
        "2026-12-20",
        "role: security, approvals: 2",
    );
    let alone = freeze(
        "alone",
        "2027-12-09",
        "2027-12-20",
        "approvals: 4, when: \"step == 's'\"",
    );
    let rest = format!("freezes: [{one}, {meets}, {alone}]\n");
    let found = found(&TEAM, &rest, None, "{id: s, run: x}, {id: t, run: x}");
    let of = |step: &str| -> Vec<String> {
        let found = found.iter().filter(|found| found.step.0 == step);
        found
            .map(|found| format!("{}: {:?}", found.during.join("+"), found.fault))
            .collect()
    };
    assert_eq!(of("t").len(), 1, "{:?}", of("t"));
    assert!(of("t")[0].starts_with("meets: Never"), "{:?}", of("t"));
    assert!(
        of("s")
            .iter()
            .any(|found| found.starts_with("alone: Never")),
        "{:?}",
        of("s")
    );
    let seasons = Seasons::of(&policy(&TEAM, &rest).freezes);
    assert_eq!(
        seasons.sets,
        [vec![], vec![0], vec![1], vec![2], vec![0, 1]]
    );
    let weekly = "{name: weekend, weekly: {from: 'Sat 00:00', until: 'Mon 00:00'}}";
    let short = freeze("monday", "2026-11-30", "2026-12-01", "approvals: 2");
    let rest = format!("freezes: [{weekly}, {short}]\n");
    assert_eq!(
        Seasons::of(&policy(&TEAM, &rest).freezes).sets,
        [vec![], vec![0], vec![1]]
    );
}

#[test]
fn who_could_pass_knows_of_authors_and_of_who_is_left() {
    let policy = policy(&TEAM, "");
    let text =
        "id: a\ntitle: A\nsteps: [{id: s, run: x, checkpoint: {approvals: 2, not: [author]}}]\n";
    let runbook = parse::runbook("a.yaml", text.as_bytes()).0.unwrap();
    let mut prover = Prover::new(&policy, None);
    let at = DateTime::UNIX_EPOCH;
    let mut passers = |authors: &[Option<&str>]| {
        let authors = authors.iter().map(|name| name.map(str::to_owned)).collect();
        prover
            .passers(&runbook, &runbook.steps[0], at, Some(&authors))
            .unwrap()
    };
    let by_dan = passers(&[Some("dan")]);
    assert_eq!(by_dan.approvers, ["bob", "carol"]);
    assert_eq!(by_dan.performers, ["alice", "dan"]);
    assert_eq!(by_dan.authors, Some(vec!["dan".to_owned()]));
    let by_two = passers(&[Some("dan"), Some("bob")]);
    assert_eq!((by_two.approvers.len(), by_two.performers.len()), (1, 0));
    for unknown in [&[Some("dan"), None][..], &[]] {
        let shut = passers(unknown);
        assert!(shut.unknown_author && shut.approvers.is_empty() && shut.performers.is_empty());
    }
}

/// As the rules are said: somebody performs the step, a set of others approves it, and for each of the other steps
/// somebody performs that one while a set of people, none of whom is in the first set, approves it.
fn by_trying_everything(people: &[Candidate<'_>], gate: &Gate) -> bool {
    let sets = 0..1_u32 << people.len();
    let has = |set: u32, person: usize| set >> person & 1 == 1;
    let met = |set: u32, checkpoint: &Checkpoint| {
        checkpoint.requirements.iter().all(|need| {
            let fit = (0..people.len())
                .filter(|person| has(set, *person) && people[*person].fits(need, checkpoint.keys));
            fit.count() >= need.approvals as usize
        })
    };
    (0..people.len()).any(|performer| {
        sets.clone()
            .filter(|inside| !has(*inside, performer) && met(*inside, &gate.checkpoint))
            .any(|inside| {
                gate.others.iter().all(|other| {
                    (0..people.len()).any(|performer| {
                        sets.clone()
                            .any(|set| set & inside == 0 && !has(set, performer) && met(set, other))
                    })
                })
            })
    })
}

const ROLES: [&str; 3] = ["approver", "security", "commander"];

fn any_person() -> impl Strategy<Value = (Person, bool)> {
    (
        proptest::sample::subsequence(&ROLES[..], 0..=3),
        any::<bool>(),
    )
        .prop_map(|(roles, hardware)| {
            let roles = roles.into_iter().map(Role::from).collect();
            let person = Person {
                roles,
                ..Person::default()
            };
            (person, hardware)
        })
}

fn any_checkpoint() -> impl Strategy<Value = Checkpoint> {
    let need = (1..4_u32, 0..3_usize, proptest::option::of(0..3_usize)).prop_map(
        |(approvals, role, also)| Requirement {
            approvals,
            role: Role::from(ROLES[role]),
            also: also.map(|also| Role::from(ROLES[also])),
        },
    );
    (proptest::collection::vec(need, 1..3), any::<bool>()).prop_map(|(requirements, touched)| {
        Checkpoint {
            requirements,
            not: Vec::new(),
            keys: if touched {
                KeyRule::Touched
            } else {
                KeyRule::Any
            },
            expires: std::time::Duration::from_secs(900),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_proof_agrees_with_trying_everything(
        people in proptest::collection::vec(any_person(), 1..6),
        checkpoint in any_checkpoint(),
        others in proptest::collection::vec(any_checkpoint(), 0..3),
    ) {
        let gate = Gate { checkpoint, others };
        let names = ["a", "b", "c", "d", "e"];
        let all: Vec<Candidate<'_>> = people
            .iter()
            .map(|(person, hardware)| Candidate { person, hardware: *hardware })
            .collect();
        let named = names.iter().copied().zip(all.iter().copied()).collect();
        let budget = Budget::new();
        budget.next();
        let faults = faults(&named, &gate, &budget).unwrap();
        let passable = by_trying_everything(&all, &gate);
        let never = matches!(faults.first(), Some(Fault::Never(_)));
        prop_assert_eq!(passable, !never);
        if passable {
            let without = |absent: usize| {
                let mut rest = all.clone();
                rest.remove(absent);
                !by_trying_everything(&rest, &gate)
            };
            let needed: Vec<String> = (0..all.len())
                .filter(|absent| without(*absent))
                .map(|absent| names[absent].to_owned())
                .collect();
            let said = faults.iter().find_map(|fault| match fault {
                Fault::HangsOn(people) => Some(people.clone()),
                _ => None,
            });
            prop_assert_eq!(said.unwrap_or_default(), needed);
        }
    }
}

/// So many people, each with some of the roles, and a runbook whose second step takes others than the first.
fn crowd(people: usize, roles: usize, approvals: usize) -> (Policy, Runbook) {
    let mut text = String::from("people:\n");
    for person in 0..people {
        let held: Vec<String> = (0..roles)
            .filter(|role| (person * 7919) >> (role % 13) & 1 == 1)
            .map(|role| format!("r{role}"))
            .collect();
        text += &format!(
            "  p{person}: {{principals: [p{person}@x], roles: [approver, {}]}}\n",
            held.join(", ")
        );
    }
    text += "checkpoints:\n";
    for role in 0..roles {
        text +=
            &format!("  - {{role: r{role}, approvals: {approvals}, of_them: {{approver: 1}}}}\n");
    }
    text += "  - {when: \"step == 't'\", not: ['approver-of:s']}\n";
    let (policy, problems) = parse::policy("policy.yaml", text.as_bytes());
    let policy = policy.unwrap_or_else(|| panic!("{problems:?}"));
    let text = "id: a\ntitle: A\nsteps: [{id: s, run: x}, {id: t, run: x}]\n";
    (policy, parse::runbook("a.yaml", text.as_bytes()).0.unwrap())
}

#[test]
fn hundreds_of_people_are_proven() {
    let (policy, runbook) = crowd(400, 3, 40);
    let mut prover = Prover::new(&policy, None);
    let found = prover.prove(&runbook);
    assert!(!prover.unsure, "{found:?}");
    let faults: Vec<&Fault> = found.iter().map(|found| &found.fault).collect();
    assert!(
        faults
            .iter()
            .all(|fault| matches!(fault, Fault::TwoDuties { .. })),
        "{faults:?}"
    );
    // Of 80 with a role and less, 50 cannot approve one step while 50 others approve the other.
    let (policy, runbook) = crowd(160, 3, 50);
    let mut prover = Prover::new(&policy, None);
    let found = prover.prove(&runbook);
    assert!(!prover.unsure, "{found:?}");
    let never = found
        .iter()
        .filter(|found| matches!(found.fault, Fault::Never(_)));
    assert_eq!(
        never.map(|found| found.step.as_str()).collect::<Vec<_>>(),
        ["t"]
    );
}

#[test]
fn what_would_take_too_long_to_prove_is_said_and_left() {
    let (policy, runbook) = crowd(1_500, 24, 90);
    let mut prover = Prover::new(&policy, None);
    let _ = prover.prove(&runbook);
    assert!(prover.unsure);
}

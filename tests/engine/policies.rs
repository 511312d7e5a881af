//! What a policy can ask for beyond a number of approvers: a second role, a freeze, a touched key, a narrower override.

use runsheet::engine::checkpoint;
use runsheet::engine::command::RefusalKind;

use super::world::{World, kinds, refused};

const DROP: &str = "\
id: a
title: A
steps:
  - {id: drop, title: Drop it, run: ./drop, risk: destructive}
";

/// `POLICY` with other people and other rules.
fn policy(people: &[(&str, &str)], rest: &str) -> String {
    let people = people
        .iter()
        .map(|(name, roles)| {
            format!("  {name}: {{principals: [{name}@example.org], roles: [{roles}]}}\n")
        })
        .collect::<String>();
    format!("people:\n{people}{rest}")
}

#[test]
fn two_approvers_of_whom_one_is_from_security() {
    let team = policy(
        &[
            ("alice", "operator"),
            ("bob", "approver"),
            ("carol", "approver"),
            ("dave", "approver, security"),
            ("erin", "security"),
        ],
        "checkpoints: [{approvals: 2, of_them: {security: 1}, not: [performer]}]\n",
    );
    let mut world = World::started(&team, &[DROP], &[]);
    world.request("alice", "drop").unwrap();
    let request = world.step("drop").request.clone().unwrap();
    assert_eq!(
        request.record.gate,
        "2 approver, 1 approver+security; not performer; 15m"
    );
    assert!(request.statement.quorum.as_ref().is_some_and(
        |quorum| quorum.approvals == 2 && quorum.rule == "2-approver.1-approver_and_security"
    ));
    // Security alone is not asked.
    assert_eq!(
        refused(world.approve("erin", "drop")),
        RefusalKind::NotEligible
    );
    world.approve("bob", "drop").unwrap();
    let mut without = world.clone();
    without.approve("carol", "drop").unwrap();
    assert_eq!(
        refused(without.run("alice", "drop")),
        RefusalKind::GateClosed
    );
    let incident = without.state.incident.as_deref().unwrap();
    let request = without.step("drop").request.as_deref().unwrap();
    let standing = checkpoint::standing(incident, request, without.now.timestamp());
    assert_eq!((standing.tally, standing.open), ((0, 1), false));
    world.approve("dave", "drop").unwrap();
    assert_eq!(
        kinds(&world.run("alice", "drop").unwrap())[0],
        "checkpoint.consumed"
    );
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[test]
fn one_person_with_both_roles_is_still_one_of_two() {
    let team = policy(
        &[
            ("alice", "operator"),
            ("bob", "approver"),
            ("dave", "approver, security"),
        ],
        "checkpoints: [{approvals: 2, of_them: {security: 1}}]\n",
    );
    let mut world = World::started(&team, &[DROP], &[]);
    world.request("alice", "drop").unwrap();
    world.approve("dave", "drop").unwrap();
    assert_eq!(refused(world.run("alice", "drop")), RefusalKind::GateClosed);
    world.approve("bob", "drop").unwrap();
    world.run("alice", "drop").unwrap();
}

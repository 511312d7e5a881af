//! What a policy can ask for beyond a number of approvers: a second role, a freeze, a touched key, a narrower override.

use runsheet::engine::checkpoint;
use runsheet::engine::command::RefusalKind;
use runsheet::engine::exec::Purpose;
use runsheet::engine::fact::{Signed, StepDone};
use runsheet::engine::state::Status;
use runsheet::engine::{Command, Decision, Intent, Refusal};

use super::cases::made_up;
use super::hardware;
use super::world::{POLICY, World, complete, kinds, principal, refused};

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

/// The clock of a world begins on 2026-09-21 at 14:13:20; the freeze ten minutes later, for fifty.
fn frozen(asks: &str) -> String {
    format!(
        "{POLICY}freezes: [{{name: year-end, from: 2026-09-21T14:23:20Z, until: 2026-09-21T16:13:20+01:00, {asks}}}]\n"
    )
}

#[test]
fn a_request_from_before_a_freeze_is_void_in_it_and_asked_anew_needs_more() {
    let mut world = World::started(&frozen("approvals: 2, expires: 10m"), &[DROP], &[]);
    assert_eq!(world.now.to_rfc3339(), "2026-09-21T14:13:20+00:00");
    world.request("alice", "drop").unwrap();
    world.approve("bob", "drop").unwrap();
    let before = world.clone();
    world.pass(10 * 60);
    let refusal = world.run("alice", "drop").unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Changed);
    assert!(
        refusal.what.contains("a freeze began (year-end)") && refusal.what.contains("2 approver"),
        "{refusal}"
    );
    assert_eq!(refused(world.approve("dave", "drop")), RefusalKind::Changed);
    world.request("alice", "drop").unwrap();
    world.approve("bob", "drop").unwrap();
    assert_eq!(refused(world.run("alice", "drop")), RefusalKind::GateClosed);
    world.approve("dave", "drop").unwrap();
    world.run("alice", "drop").unwrap();
    assert_eq!(world.violations(), Vec::<String>::new());
    // One second earlier the first approval was enough.
    let mut before = before;
    before.pass(10 * 60 - 1);
    before.run("alice", "drop").unwrap();
    assert_eq!(before.violations(), Vec::<String>::new());
}

#[test]
fn approvals_used_up_or_a_start_recorded_in_a_freeze_by_somebody_who_did_not_ask_decide_are_violations()
 {
    let mut world = World::started(&frozen("approvals: 2"), &[DROP], &[]);
    world.request("alice", "drop").unwrap();
    world.approve("bob", "drop").unwrap();
    let mut honest = world.clone();
    let passed = honest.run("alice", "drop").unwrap();
    assert_eq!(kinds(&passed), ["checkpoint.consumed", "step.started"]);
    // What was signed before it is recorded in the freeze.
    let mut late = world.clone();
    late.pass(11 * 60);
    for draft in &passed.events {
        late.forge("alice", draft.fact.clone());
    }
    assert_eq!(late.violations().len(), 2, "{:?}", late.violations());
    assert!(late.violations()[0].contains("a freeze began"));
    assert!(
        late.step("drop")
            .request
            .as_ref()
            .unwrap()
            .consumed
            .is_none()
    );
    // Used up before it, and started in it.
    world.forge("alice", passed.events[0].fact.clone());
    world.pass(11 * 60);
    world.forge("alice", passed.events[1].fact.clone());
    assert_eq!(world.violations().len(), 1, "{:?}", world.violations());
}

#[test]
fn a_step_without_a_gate_has_one_for_as_long_as_the_freeze_lasts() {
    let book = "\
id: a
title: A
steps:
  - {id: look, title: Look, run: ./look}
  - {id: call, title: Call}
";
    let mut world = World::started(&frozen("role: commander"), &[book], &[]);
    let mut before = world.clone();
    let free = before.run("alice", "look").unwrap();
    assert_eq!(kinds(&free), ["step.started"]);
    world.pass(10 * 60);
    let command = Command::Start {
        step: world.key("look"),
        purpose: Purpose::Run,
        secrets: Default::default(),
        signed: None,
    };
    assert_eq!(
        refused(world.command("alice", command)),
        RefusalKind::GateClosed
    );
    let mut forged = world.clone();
    forged.forge("alice", free.events[0].fact.clone());
    assert_eq!(forged.violations().len(), 1);
    assert_eq!(forged.status("look"), Status::Todo);
    let done = |world: &World| Command::Done {
        step: world.key("call"),
        checklist: vec![],
        note: None,
    };
    let command = done(&world);
    assert_eq!(
        refused(world.command("alice", command)),
        RefusalKind::GateClosed
    );
    let mut forged = world.clone();
    let step = runsheet::engine::StepRef {
        run: world.key("call").run,
        step: "call".into(),
        attempt: 1,
    };
    let fact = StepDone {
        step,
        checklist: vec![],
        note: None,
        out_of_order: true,
        by_hand: None,
    };
    forged.forge("alice", fact.clone());
    assert_eq!(
        (forged.violations().len(), forged.status("call")),
        (1, Status::Todo)
    );
    // With the commander's word it goes on, and what runs when the freeze ends is ended as it was begun.
    world.request("alice", "look").unwrap();
    assert_eq!(
        refused(world.approve("bob", "look")),
        RefusalKind::NotEligible
    );
    world.approve("carol", "look").unwrap();
    world.pass(60);
    world.run("alice", "look").unwrap();
    world.pass(50 * 60);
    world.exit("alice", "look", 0, "");
    assert_eq!(world.status("look"), Status::Done);
    // Over: free again.
    let command = done(&world);
    world.command("alice", command).unwrap();
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[test]
fn a_request_from_within_a_freeze_has_to_be_met_after_it_too() {
    let mut world = World::started(&frozen("approvals: 2"), &[DROP], &[]);
    world.pass(50 * 60);
    world.request("alice", "drop").unwrap();
    world.approve("bob", "drop").unwrap();
    world.pass(11 * 60);
    assert_eq!(refused(world.run("alice", "drop")), RefusalKind::GateClosed);
    world.approve("dave", "drop").unwrap();
    world.run("alice", "drop").unwrap();
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[test]
fn an_override_from_before_a_freeze_lets_nothing_through_in_it() {
    let mut world = World::started(&frozen("role: commander"), &[DROP], &[]);
    world.overrides("alice", "drop", "it burns").unwrap();
    let mut before = world.clone();
    let passed = before.run("alice", "drop").unwrap();
    world.pass(11 * 60);
    let refusal = world.run("alice", "drop").unwrap_err();
    assert!(refusal.what.contains("a freeze began"), "{refusal}");
    let mut forged = world.clone();
    forged.forge("alice", passed.events[0].fact.clone());
    assert_eq!(forged.violations().len(), 1);
    world
        .overrides("alice", "drop", "it burns, freeze or not")
        .unwrap();
    world.run("alice", "drop").unwrap();
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[test]
fn a_freeze_for_other_steps_leaves_a_request_alone() {
    let asks = "approvals: 3, when: \"risk == 'privileged'\"";
    let mut world = World::started(&frozen(asks), &[DROP], &[]);
    world.request("alice", "drop").unwrap();
    world.pass(9 * 60);
    world.approve("bob", "drop").unwrap();
    world.pass(2 * 60);
    world.run("alice", "drop").unwrap();
    assert_eq!(world.violations(), Vec::<String>::new());
}

fn approve_by_touch(world: &mut World, flags: u8) -> Result<Decision, Refusal> {
    let (step, request) = (world.key("drop"), world.shown("drop"));
    let intent = Intent::Approve { step, request };
    let prepared = world.prepared("dave", &intent)?.unwrap();
    let signature = hardware::sign(flags, "approval.v1@runsheet", prepared.statement.as_bytes());
    let signed = Signed {
        statement: prepared.statement,
        signature,
    };
    let command = complete(intent, Some(signed), prepared.heads, &world.secrets);
    world.command("dave", command)
}

/// A destructive step whose approval takes such a key, and dave with one beside his usual key.
fn guarded(keys: &str) -> World {
    let policy = POLICY.replace(
        "expires: 15m}",
        &format!("expires: 15m, keys: {{{keys}}}}}"),
    );
    let mut world = World::new(&policy, &[DROP]);
    let line = hardware::public().to_openssh().unwrap();
    world.more_signers = format!("{} {line}\n", principal("dave"));
    world.start("alice", &[], &[]).unwrap();
    world.request("alice", "drop").unwrap();
    world
}

#[test]
fn case_18_a_key_that_nobody_touches_does_not_count_where_policy_wants_it() {
    let mut world = guarded("touch: required");
    let gate = &world.step("drop").request.as_ref().unwrap().record.gate;
    assert_eq!(gate, "1 approver; not performer, author; touched key; 15m");
    // Bob has no hardware key at all, dave has one and signs with the other, or does not touch it.
    assert_eq!(
        refused(world.approve("bob", "drop")),
        RefusalKind::NotEligible
    );
    assert_eq!(
        refused(world.approve("dave", "drop")),
        RefusalKind::NotEligible
    );
    assert_eq!(
        refused(approve_by_touch(&mut world, 0x00)),
        RefusalKind::BadSignature
    );
    for who in ["bob", "dave"] {
        let fact = made_up(&world, who, |_| {});
        super::cases::comes_to_nothing(&world, who, fact);
    }
    let incident = world.state.incident.as_deref().unwrap();
    let (run, request) = (&world.state.runs[0], world.step("drop").request.as_deref());
    let step = run.book.step(&"drop".into()).unwrap();
    let could = checkpoint::who_could(&world.state, run, step, request.unwrap());
    assert_eq!(
        (could, incident.people.named().count()),
        (vec!["dave".to_owned()], 5)
    );
    approve_by_touch(&mut world, 0x01).unwrap();
    world.run("alice", "drop").unwrap();
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[test]
fn case_18_a_touched_key_without_pin_or_finger_does_not_count_where_policy_wants_that() {
    let mut world = guarded("verified: required");
    assert_eq!(
        refused(approve_by_touch(&mut world, 0x01)),
        RefusalKind::NotEligible
    );
    assert_eq!(
        refused(approve_by_touch(&mut world, 0x04)),
        RefusalKind::BadSignature
    );
    approve_by_touch(&mut world, 0x05).unwrap();
    world.run("alice", "drop").unwrap();
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[test]
fn case_18_whoever_has_no_hardware_key_can_still_deny() {
    let mut world = guarded("verified: required");
    world.deny("bob", "drop", "not tonight").unwrap();
    assert_eq!(
        refused(approve_by_touch(&mut world, 0x05)),
        RefusalKind::Denied
    );
}

#[test]
fn only_the_steps_that_policy_names_can_be_overridden() {
    let book = "\
id: a
title: A
inputs: {account: {choices: [prod, test]}}
steps:
  - {id: ask, ask: {sure: {prompt: Sure}}}
  - {id: drop, title: Drop it, run: ./drop, risk: destructive}
  - {id: stop, title: Stop it, run: ./stop, checkpoint: {}}
";
    let with = |when: &str| {
        let rule = format!("override: {{roles: [commander], when: \"{when}\", expires: 30m}}");
        POLICY.replace("override: {roles: [commander], expires: 30m}", &rule)
    };
    let world = |when: &str| World::started(&with(when), &[book], &[("account", "prod")]);
    let mut tested = world("account == 'prod' and risk != 'destructive'");
    assert_eq!(
        refused(tested.overrides("alice", "drop", "it burns")),
        RefusalKind::NotEligible
    );
    tested.overrides("alice", "stop", "it burns").unwrap();
    // What is not known yet opens nothing.
    let mut unknown = world("sure == 'yes'");
    let refusal = unknown.overrides("alice", "drop", "it burns").unwrap_err();
    assert!(
        refusal.what.contains("only when sure == 'yes'"),
        "{refusal}"
    );
    // Whoever records one all the same is told of, and nothing starts.
    let mut free = world("true");
    free.overrides("alice", "drop", "it burns").unwrap();
    let signed = free.last("checkpoint.overridden").fact.clone();
    let mut forged = world("risk == 'routine'");
    forged.forge("alice", signed);
    assert_eq!(forged.violations().len(), 1);
    assert!(forged.state.overrides.is_empty());
}

#[test]
fn a_review_that_policy_wants_within_a_time_is_late_after_it() {
    let policy = POLICY.replace("expires: 30m}", "expires: 30m, review_within: 24h}");
    let mut world = World::started(&policy, &[DROP], &[]);
    world.overrides("alice", "drop", "it burns").unwrap();
    let over = |world: &World| world.state.owed_reviews().next().cloned();
    let day = chrono::TimeDelta::hours(24);
    let made = over(&world).unwrap();
    assert_eq!(made.review_due, Some(world.now + day));
    assert!(!made.is_late(world.now + day) && made.is_late(world.now + day * 2));
    let intent = Intent::Review {
        overridden: made.event,
        accepted: true,
        reason: "it did burn".to_owned(),
    };
    world.pass(60);
    world.act("carol", intent).unwrap();
    assert_eq!(over(&world), None);
    let reviewed = world.state.overrides.values().next().unwrap();
    assert!(!reviewed.is_late(world.now + day * 2));
}

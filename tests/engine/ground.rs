//! What changes the ground under a gate: trust that shrinks, a policy that is adopted, evidence that is taken out, a
//! question that is passed on, a step for one only; and what crosses on the way.

use chrono::TimeDelta;
use runsheet::engine::at::Claim;
use runsheet::engine::checkpoint::{judge, prepare};
use runsheet::engine::command::{OfferedPolicy, RefusalKind};
use runsheet::engine::exec::{PinnedPolicy, Purpose};
use runsheet::engine::fact::{CheckpointDelegated, PolicySeconded, Revoked, StepStarted};
use runsheet::engine::state::Status;
use runsheet::engine::{Command, Decision, Intent, Refusal};
use runsheet::evidence::Digest;
use runsheet::runbook::model::Role;

use super::cases::{DROP, approved, asked, comes_to_nothing, made_up};
use super::world::{POLICY, World, kinds, principal, refused, sign};

fn revoked(who: &str, role: Option<&str>) -> Revoked {
    Revoked {
        who: principal(who),
        key: None,
        role: role.map(Role::from),
    }
}

fn revoke(world: &mut World, by: &str, gone: Revoked) {
    let command = Command::Revoked {
        commit: "8c4f0e2".to_owned(),
        revoked: vec![gone],
    };
    world.command(by, command).unwrap();
}

#[test]
fn case_11_a_back_dated_signature_by_a_revoked_key_is_refused() {
    let mut world = asked();
    let signed_before = made_up(&world, "bob", |_| {});
    world.pass(60);
    revoke(&mut world, "alice", revoked("bob", None));
    // Signed while the key was good, brought in after it was not.
    comes_to_nothing(&world, "bob", signed_before);
    assert_eq!(
        refused(world.approve("bob", "drop")),
        RefusalKind::NotEligible
    );
    world.approve("dave", "drop").unwrap();
    world.run("alice", "drop").unwrap();
}

#[test]
fn case_11_one_key_of_a_person_is_revoked_and_the_other_still_signs() {
    let mut world = asked();
    let key = super::world::key_of("carol")
        .public_key()
        .fingerprint(ssh_key::HashAlg::Sha256);
    let gone = Revoked {
        key: Some(key.to_string()),
        ..revoked("carol", None)
    };
    revoke(&mut world, "alice", gone);
    assert_eq!(
        refused(world.approve("carol", "drop")),
        RefusalKind::NotEligible
    );
    world.approve("carol.two", "drop").unwrap();
}

#[test]
fn case_12_an_approver_who_left_the_role_before_cannot_approve() {
    let mut world = asked();
    revoke(&mut world, "alice", revoked("bob", Some("approver")));
    assert_eq!(
        refused(world.approve("bob", "drop")),
        RefusalKind::NotEligible
    );
    comes_to_nothing(&world, "bob", made_up(&world, "bob", |_| {}));
}

#[test]
fn case_12_an_approval_of_one_who_left_the_role_after_it_counts_no_more() {
    let mut world = approved();
    revoke(&mut world, "alice", revoked("bob", Some("approver")));
    let refusal = world.run("alice", "drop").unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::GateClosed);
    assert!(refusal.what.contains("trust shrinks at once"), "{refusal}");
    world.approve("dave", "drop").unwrap();
    world.run("alice", "drop").unwrap();
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[test]
fn case_13_a_role_given_in_the_incident_after_the_request_widens_nothing() {
    let mut world = asked();
    let role = Command::AssignRole {
        who: principal("alice"),
        role: Role::from("approver"),
    };
    world.command("carol", role).unwrap();
    assert_eq!(
        refused(world.approve("alice", "drop")),
        RefusalKind::NotEligible
    );
    let robin = Command::AssignRole {
        who: principal("robin"),
        role: Role::from("approver"),
    };
    world.command("carol", robin).unwrap();
    comes_to_nothing(&world, "robin", made_up(&world, "robin", |_| {}));
}

#[test]
fn what_was_revoked_makes_nobody_two_people_and_no_second_commander() {
    let mut world = World::started(POLICY, &[DROP], &[]);
    revoke(&mut world, "bob", revoked("alice", Some("commander")));
    assert_eq!(
        refused(world.overrides("alice", "drop", "nobody is awake")),
        RefusalKind::NotEligible
    );
    world.request("carol", "drop").unwrap();
    revoke(&mut world, "bob", revoked("carol", None));
    // The second principal of the person who asked is still that person.
    assert_eq!(
        refused(world.approve("carol.two", "drop")),
        RefusalKind::NotEligible
    );
}

fn offer(policy: &str, world: &World) -> OfferedPolicy {
    let allowed_signers = world
        .state
        .incident
        .as_ref()
        .unwrap()
        .allowed_signers
        .clone();
    OfferedPolicy {
        policy: PinnedPolicy {
            commit: "8c4f0e2d1b3a59687766554433221100ffeeddcc".to_owned(),
            sha256: judge::policy_digest(policy, &allowed_signers),
        },
        policy_yaml: policy.to_owned(),
        allowed_signers,
    }
}

fn adopt(world: &mut World, who: &str, offered: &OfferedPolicy) -> Result<Decision, Refusal> {
    let at = world.at(who);
    let prepared = prepare::adoption(&world.state, &offered.policy, None, &at)?;
    let command = Command::Adopt {
        policy: Box::new(offered.clone()),
        signed: sign(who, &prepared.statement),
    };
    world.command(who, command)
}

/// The policy in which dave approves no more and erin commands.
fn newer() -> String {
    POLICY
        .replace(
            "accounts: [dave], roles: [approver]",
            "accounts: [dave], roles: [scribe]",
        )
        .replace(
            "[operator, approver]}\ncheckpoints",
            "[operator, commander]}\ncheckpoints",
        )
}

#[test]
fn a_new_policy_takes_a_quorum_under_the_old_one_and_voids_what_is_pending() {
    let mut world = approved();
    let offered = offer(&newer(), &world);
    let proposed = adopt(&mut world, "carol", &offered).unwrap();
    assert_eq!(kinds(&proposed), ["policy.proposed"]);
    // One word is none: the old policy holds, and the same person counts once with both keys.
    assert_eq!(
        refused(adopt(&mut world, "carol", &offered)),
        RefusalKind::WrongState
    );
    assert_eq!(
        refused(adopt(&mut world, "carol.two", &offered)),
        RefusalKind::WrongState
    );
    assert!(world.step("drop").request.is_some());
    // Whoever the new policy favours has no say by it.
    assert_eq!(
        refused(adopt(&mut world, "mallory", &offered)),
        RefusalKind::NotEligible
    );
    let seconded = adopt(&mut world, "bob", &offered).unwrap();
    assert_eq!(kinds(&seconded), ["policy.seconded"]);
    let incident = world.state.incident.clone().unwrap();
    assert_eq!(incident.policy_pin, offered.policy);
    assert_eq!(world.step("drop").request, None);
    assert!(world.run("alice", "drop").is_err());
    world.request("alice", "drop").unwrap();
    assert_eq!(
        refused(world.approve("dave", "drop")),
        RefusalKind::NotEligible
    );
    world.approve("bob", "drop").unwrap();
    world.run("alice", "drop").unwrap();
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[test]
fn two_approvers_without_a_commander_change_no_policy() {
    let mut world = World::started(POLICY, &[DROP], &[]);
    let offered = offer(&newer(), &world);
    adopt(&mut world, "bob", &offered).unwrap();
    adopt(&mut world, "dave", &offered).unwrap();
    assert_ne!(
        world.state.incident.as_ref().unwrap().policy_pin,
        offered.policy
    );
    adopt(&mut world, "alice", &offered).unwrap();
    assert_eq!(
        world.state.incident.as_ref().unwrap().policy_pin,
        offered.policy
    );
}

#[test]
fn a_word_for_one_policy_is_none_for_another_and_a_broken_one_cannot_be_proposed() {
    let mut world = World::started(POLICY, &[DROP], &[]);
    let offered = offer(&newer(), &world);
    adopt(&mut world, "carol", &offered).unwrap();
    let proposed = world.last("policy.proposed").id;
    // Bob signed for another text; alice records it as if it were for this one.
    let other = offer(&format!("{}\n# more\n", newer()), &world);
    let at = world.at("bob");
    let statement = prepare::adoption(&world.state, &other.policy, None, &at).unwrap();
    let fact = PolicySeconded {
        proposed,
        signed: sign("bob", &statement.statement),
    };
    world.forge("bob", fact);
    assert_eq!(world.violations().len(), 1);
    assert_ne!(
        world.state.incident.as_ref().unwrap().policy_pin,
        offered.policy
    );
    let mut broken = offer("people: [", &world);
    assert_eq!(
        refused(adopt(&mut world, "carol", &broken)),
        RefusalKind::Changed
    );
    broken.policy_yaml = newer();
    assert_eq!(
        refused(adopt(&mut world, "carol", &broken)),
        RefusalKind::Changed
    );
}

fn expunge(world: &mut World, who: &str, reason: &str) -> Result<Decision, Refusal> {
    let intent = Intent::Expunge {
        evidence: Digest::of(b"leaked"),
        reason: reason.to_owned(),
    };
    world.act(who, intent)
}

#[test]
fn evidence_is_taken_out_by_two_people_and_not_by_one_with_two_keys() {
    let mut world = World::started(POLICY, &[DROP], &[]);
    let leaked = Digest::of(b"leaked");
    assert_eq!(
        refused(expunge(&mut world, "carol", " ")),
        RefusalKind::BadValue
    );
    expunge(&mut world, "carol", "a password").unwrap();
    assert!(!world.state.is_expunged(&leaked));
    assert_eq!(
        refused(expunge(&mut world, "carol.two", "a password")),
        RefusalKind::WrongState
    );
    assert_eq!(
        refused(expunge(&mut world, "mallory", "mine")),
        RefusalKind::NotEligible
    );
    expunge(&mut world, "bob", "a password").unwrap();
    assert!(world.state.is_expunged(&leaked));
    assert_eq!(
        refused(expunge(&mut world, "dave", "again")),
        RefusalKind::WrongState
    );
}

fn delegate(world: &mut World, who: &str, to: &str) -> Result<Decision, Refusal> {
    let step = world.key("drop");
    let to = principal(to);
    world.act(who, Intent::Delegate { step, to })
}

#[test]
fn a_question_is_passed_on_among_those_who_may_answer_it_and_widens_nothing() {
    let mut world = asked();
    assert_eq!(
        refused(delegate(&mut world, "bob", "mallory")),
        RefusalKind::NotEligible
    );
    // Erin wrote the step.
    assert_eq!(
        refused(delegate(&mut world, "bob", "erin")),
        RefusalKind::NotEligible
    );
    assert_eq!(
        refused(delegate(&mut world, "alice", "dave")),
        RefusalKind::NotEligible
    );
    delegate(&mut world, "bob", "dave").unwrap();
    let request = world.step("drop").request.clone().unwrap();
    assert_eq!(request.delegated, [(principal("bob"), principal("dave"))]);
    // Whoever passed it on may answer all the same.
    world.approve("bob", "drop").unwrap();
    let step = request.record.step.clone();
    world.forge(
        "mallory",
        CheckpointDelegated {
            step,
            to: principal("mallory"),
        },
    );
    assert_eq!(world.violations().len(), 1);
}

#[test]
fn a_roll_back_has_a_gate_of_its_own() {
    let mut world = approved();
    let key = world.key("drop");
    // An approval to run it is none to roll it back, and before it ran there is nothing to.
    assert_eq!(
        refused(world.ask("alice", key.clone(), Purpose::RollBack)),
        RefusalKind::WrongState
    );
    world.run("alice", "drop").unwrap();
    world.exit("alice", "drop", 0, "");
    assert!(world.begin("alice", "drop", Purpose::RollBack).is_err());
    world.ask("alice", key.clone(), Purpose::RollBack).unwrap();
    let request = world.step("drop").request.clone().unwrap();
    assert_eq!(request.record.exec.script, "./undo");
    assert_eq!(
        refused(world.begin("alice", "drop", Purpose::RollBack)),
        RefusalKind::GateClosed
    );
    world.approve("dave", "drop").unwrap();
    let decision = world.begin("alice", "drop", Purpose::RollBack).unwrap();
    assert_eq!(kinds(&decision), ["checkpoint.consumed", "step.started"]);
    assert_eq!(world.status("drop"), Status::Done);
    // Once.
    assert!(world.begin("alice", "drop", Purpose::RollBack).is_err());
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[test]
fn approvals_for_a_roll_back_do_not_start_the_step() {
    let mut world = approved();
    world.run("alice", "drop").unwrap();
    world.exit("alice", "drop", 1, "");
    let key = world.key("drop");
    world.ask("alice", key, Purpose::RollBack).unwrap();
    world.approve("bob", "drop").unwrap();
    assert_eq!(refused(world.run("alice", "drop")), RefusalKind::GateClosed);
}

const ONLY: &str = "\
id: a
title: A
steps:
  - {id: only, run: ./promote, exclusive: true}
  - {id: last, title: Last}
";

fn claimed(world: &mut World, who: &str) {
    let step = world.key("only");
    world.command(who, Command::Claim { step }).unwrap();
}

#[test]
fn an_exclusive_step_is_started_by_whoever_claimed_it_and_by_nobody_else() {
    let mut world = World::started(POLICY, &[ONLY], &[]);
    for (claim, said) in [
        (Claim::NotAsked, "nobody asked"),
        (Claim::Taken("carol".to_owned()), "carol claimed it first"),
        (Claim::Unreachable("no route".to_owned()), "no route"),
    ] {
        world.claim = claim;
        let refusal = world.run("bob", "only").unwrap_err();
        assert!(refusal.what.contains(said), "{refusal}");
    }
    world.claim = Claim::Held;
    claimed(&mut world, "bob");
    let mut other = world.clone();
    world.run("bob", "only").unwrap();
    assert_eq!(world.violations(), Vec::<String>::new());
    // A start that says nothing of a claim is flagged and of no effect, whoever recorded it.
    let at = other.at("carol");
    let key = other.key("only");
    let site = runsheet::engine::checkpoint::record::Site::here(&at);
    let found = runsheet::engine::checkpoint::record::find(&other.state, &key).unwrap();
    let record = runsheet::engine::checkpoint::record::make(
        found,
        Purpose::Run,
        &std::collections::BTreeMap::new(),
        &site,
        other.now,
    )
    .unwrap();
    other.forge(
        "carol",
        StepStarted {
            record,
            out_of_order: false,
        },
    );
    assert_eq!(other.violations().len(), 1);
    assert_eq!(other.status("only"), Status::Todo);
}

#[test]
fn with_the_hub_gone_an_exclusive_step_goes_on_by_override_only() {
    let mut world = World::started(POLICY, &[ONLY], &[]);
    world.claim = Claim::Unreachable("no route".to_owned());
    assert_eq!(refused(world.run("alice", "only")), RefusalKind::GateClosed);
    world.overrides("alice", "only", "the hub is down").unwrap();
    world.run("alice", "only").unwrap();
    assert_eq!(world.state.owed_reviews().count(), 1);
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[test]
fn case_10_an_override_ends_by_the_clock_nobody_sets_too() {
    let mut world = World::started(POLICY, &[DROP], &[]);
    world.overrides("alice", "drop", "nobody is awake").unwrap();
    let id = world.last("checkpoint.overridden").id;
    world.receipts.insert(id, world.boot.clone());
    // Half an hour goes by, and the wall clock is set back to where it was.
    world.boot.millis += 31 * 60 * 1000;
    assert!(world.run("alice", "drop").is_err());
    world.boot.millis -= 2 * 60 * 1000;
    world.run("alice", "drop").unwrap();
}

/// Two hosts that have not heard of each other: what one recorded reaches the other as it was.
fn merge(into: &mut World, from: &World) {
    let news: Vec<_> = from
        .events
        .iter()
        .filter(|event| into.events.iter().all(|known| known.id != event.id))
        .cloned()
        .collect();
    for event in news {
        into.state = runsheet::engine::apply(into.state.clone(), &event);
        into.events.push(event);
    }
}

#[test]
fn a_denial_that_crosses_with_the_execution_is_told_and_breaks_no_promise() {
    let here = approved();
    let (mut executor, mut denier) = (here.elsewhere(), here);
    denier.deny("dave", "drop", "not now").unwrap();
    executor.run("alice", "drop").unwrap();
    // In whichever order they are folded, the same is so: it ran, and nobody lied.
    for (mut one, other) in [(denier.clone(), &executor), (executor.clone(), &denier)] {
        merge(&mut one, other);
        assert_eq!(one.status("drop"), Status::Running);
        assert_eq!(one.violations(), Vec::<String>::new());
        assert_eq!(one.flags(false).len(), 1, "{:?}", one.flags(false));
    }
}

#[test]
fn a_revocation_or_another_policy_that_crosses_with_the_execution_breaks_no_promise() {
    let here = approved();
    let mut executor = here.elsewhere();
    executor.run("alice", "drop").unwrap();
    let mut shrunk = here.clone();
    revoke(&mut shrunk, "carol", revoked("bob", Some("approver")));
    let mut adopted = here;
    let offered = offer(&newer(), &adopted);
    adopt(&mut adopted, "carol", &offered).unwrap();
    adopt(&mut adopted, "bob", &offered).unwrap();
    for mut one in [shrunk, adopted] {
        merge(&mut one, &executor);
        assert_eq!(one.status("drop"), Status::Running, "{:?}", one.flags(true));
        assert_eq!(one.violations(), Vec::<String>::new());
    }
}

#[test]
fn an_execution_that_knew_of_the_denial_is_a_violation() {
    let mut world = approved();
    let mut executor = world.elsewhere();
    executor.run("alice", "drop").unwrap();
    let consumed = executor.last("checkpoint.consumed").fact.clone();
    world.deny("dave", "drop", "not now").unwrap();
    // Alice's own journal cites the denial, and then uses up the approvals all the same.
    world.forge("alice", consumed);
    assert_eq!(world.violations().len(), 1);
    assert_eq!(world.status("drop"), Status::Todo);
}

#[test]
fn case_08_what_crossed_with_a_denial_runs_once() {
    let here = approved();
    let (mut executor, mut denier) = (here.elsewhere(), here);
    denier.deny("dave", "drop", "not now").unwrap();
    executor.run("alice", "drop").unwrap();
    merge(&mut denier, &executor);
    let consumed = executor.last("checkpoint.consumed").fact.clone();
    let before = denier.runs();
    denier.forge("alice", consumed);
    assert_eq!(denier.violations().len(), 1);
    assert_eq!(denier.runs(), before);
}

#[test]
fn a_crossing_is_forgotten_when_no_approval_can_have_held_so_long() {
    let here = approved();
    let (mut executor, mut denier) = (here.elsewhere(), here);
    denier.deny("dave", "drop", "not now").unwrap();
    denier.pass(16 * 60);
    let note = Command::Note {
        text: "still here".to_owned(),
        at: None,
        until: None,
        fidelity: runsheet::engine::event::Fidelity::Exact,
        step: None,
        details: None,
    };
    denier.command("dave", note).unwrap();
    assert!(denier.state.crossings.is_empty());
    // Told too late to be believed: the approvals had run out.
    executor.now += TimeDelta::minutes(16);
    assert!(executor.run("alice", "drop").is_err());
}

#[test]
fn an_approval_that_crosses_with_a_revocation_is_no_lie_and_opens_nothing() {
    let here = asked();
    let (mut approver, mut shrunk) = (here.elsewhere(), here);
    approver.approve("bob", "drop").unwrap();
    revoke(&mut shrunk, "carol", revoked("bob", None));
    let mut forger = shrunk.clone();
    merge(&mut shrunk, &approver);
    assert_eq!(shrunk.violations(), Vec::<String>::new());
    assert_eq!(shrunk.flags(false).len(), 1);
    assert!(shrunk.run("alice", "drop").is_err());
    // Whoever had heard of it has no such excuse.
    let fact = approver.last("checkpoint.approved").fact.clone();
    forger.forge("bob", fact);
    assert_eq!(forger.violations().len(), 1);
}

#[test]
fn what_comes_late_is_a_lie_all_the_same_where_its_signer_did_not_sign_it() {
    let mut world = approved();
    let overridden = {
        let mut other = world.elsewhere();
        other.overrides("carol", "drop", "in a hurry").unwrap();
        other.last("checkpoint.overridden").fact.clone()
    };
    world.run("alice", "drop").unwrap();
    world.exit("alice", "drop", 0, "");
    let mut honest = world.clone();
    honest.forge("carol", overridden.clone());
    assert_eq!(honest.violations(), Vec::<String>::new());
    world.forge("mallory", overridden);
    assert_eq!(world.violations().len(), 1);
}

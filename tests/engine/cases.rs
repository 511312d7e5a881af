//! The numbered cases against a checkpoint, through the engine: what `decide` refuses, `apply` refuses too, whoever
//! recorded it.

use runsheet::engine::checkpoint::judge;
use runsheet::engine::command::RefusalKind;
use runsheet::engine::exec::Purpose;
use runsheet::engine::fact::{
    CheckpointApproved, CheckpointConsumed, CheckpointOverridden, CheckpointRequested, Fact, Signed,
};
use runsheet::engine::state::Status;
use runsheet::engine::{Command, Intent};
use runsheet::trust::{Decision, Statement};

use super::world::{POLICY, World, kinds, principal, refused, sign, sign_in};

pub const DROP: &str = "\
id: a
title: A
inputs:
  target: {default: db7}
steps:
  - {id: drop, title: Drop it, run: './drop \"$target\"', dry_run: ./look, rollback: ./undo, risk: destructive}
  - {id: other, title: Drop that, run: './drop \"$target\"', risk: destructive}
  - {id: last, title: Last}
";

/// An incident in which alice has asked for `drop`.
pub fn asked() -> World {
    let mut world = World::started(POLICY, &[DROP], &[]);
    world.request("alice", "drop").unwrap();
    world
}

pub fn approved() -> World {
    let mut world = asked();
    world.approve("bob", "drop").unwrap();
    world
}

/// The approval that `who` would have signed, eligible or not.
pub fn made_up(
    world: &World,
    who: &str,
    change: impl FnOnce(&mut Statement),
) -> CheckpointApproved {
    let step = world.step("drop");
    let request = step.request.as_ref().unwrap();
    let incident = world.state.incident.as_ref().unwrap();
    let mut statement = judge::template(incident, &request.record, &request.by, Decision::Approve);
    let frontier = world.state.heads();
    statement.frontier = Some(judge::list_digest("heads", &frontier));
    statement.approver = Some(principal(who));
    statement.role = Some("approver".into());
    statement.not_before = Some(world.now);
    statement.not_after = Some(world.now + chrono::TimeDelta::minutes(15));
    statement.nonce.0 = *b"made up for this";
    change(&mut statement);
    CheckpointApproved {
        step: request.record.step.clone(),
        frontier,
        signed: sign(who, &statement.to_text().unwrap()),
    }
}

/// Applies what was made up: it is flagged as a violation, and the gate stays shut.
pub fn comes_to_nothing(world: &World, recorder: &str, fact: impl Into<Fact>) {
    let mut world = world.clone();
    let before = world.state.clone();
    let before_runs = world.runs();
    let fact = fact.into();
    let kind = fact.kind();
    world.forge(recorder, fact);
    assert_eq!(
        world.violations().len(),
        1,
        "{kind}: {:?}",
        world.flags(false)
    );
    assert_eq!(world.runs(), before_runs, "{kind} changed a run");
    assert_eq!(world.state.nonces, before.nonces, "{kind}");
    assert_eq!(
        format!("{:?}", world.state.overrides),
        format!("{:?}", before.overrides)
    );
    assert!(
        world.run("alice", "drop").is_err(),
        "{kind} opened the gate"
    );
}

#[test]
fn case_01_self_approval_is_refused_and_of_no_effect_when_merged() {
    let mut world = World::started(POLICY, &[DROP], &[]);
    world.request("bob", "drop").unwrap();
    assert_eq!(
        refused(world.approve("bob", "drop")),
        RefusalKind::NotEligible
    );
    let fact = made_up(&world, "bob", |_| {});
    comes_to_nothing(&world, "bob", fact);
}

#[test]
fn case_02_the_same_human_with_a_second_principal_key_or_account_is_refused() {
    let mut world = World::started(POLICY, &[DROP], &[]);
    world.request("carol", "drop").unwrap();
    assert_eq!(
        refused(world.approve("carol.two", "drop")),
        RefusalKind::NotEligible
    );
    let fact = made_up(&world, "carol.two", |_| {});
    comes_to_nothing(&world, "carol.two", fact.clone());
    // Whose keyboard it was recorded at changes nothing.
    comes_to_nothing(&world, "dave", fact);
}

#[test]
fn case_02_who_will_run_it_cannot_approve_it_with_another_principal() {
    let mut world = World::started(POLICY, &[DROP], &[]);
    // Bob asks for carol to run it.
    let intent = Intent::Request {
        step: world.key("drop"),
        purpose: Purpose::Run,
    };
    let prepared = world.prepared("bob", &intent).unwrap().unwrap();
    let mut record = prepared.record.unwrap();
    record.executor.principal = principal("carol").to_string();
    let incident = world.state.incident.clone().unwrap();
    let mut statement = judge::template(&incident, &record, &principal("bob"), Decision::Request);
    statement.not_before = Some(world.now);
    statement.nonce.0 = *b"asked for carol!";
    let signed = sign("bob", &statement.to_text().unwrap());
    world.forge("bob", CheckpointRequested { record, signed });
    assert_eq!(world.violations(), Vec::<String>::new());
    for who in ["carol", "carol.two", "bob"] {
        let fact = made_up(&world, who, |_| {});
        comes_to_nothing(&world, who, fact);
    }
    let fact = made_up(&world, "dave", |_| {});
    world.forge("dave", fact);
    assert_eq!(
        world.step("drop").request.as_ref().unwrap().approvals.len(),
        1
    );
}

#[test]
fn case_05_a_value_changed_after_approval_voids_it() {
    let book = "\
id: a
title: A
steps:
  - {id: scope, ask: {target: {prompt: Which}}}
  - {id: drop, title: Drop it, run: './drop \"$target\"', risk: destructive}
";
    let mut world = World::started(POLICY, &[book], &[]);
    let answer = |world: &mut World, who: &str, value: &str| {
        let step = world.key("scope");
        let answers = [("target".to_owned(), value.to_owned())].into();
        world.command(
            who,
            Command::Answer {
                step,
                answers,
                secrets: vec![],
            },
        )
    };
    answer(&mut world, "alice", "db7").unwrap();
    world.request("alice", "drop").unwrap();
    world.approve("bob", "drop").unwrap();
    // A hostile writer records another end of the question; it is over, so it changes nothing.
    let earlier = world.last("step.answered").fact.clone();
    let Fact::StepAnswered(mut fact) = earlier else {
        panic!()
    };
    fact.answers.insert("target".to_owned(), "db1".to_owned());
    world.forge("mallory", fact);
    assert_eq!(world.flags(false).len(), 1);
    assert_eq!(
        kinds(&world.run("alice", "drop").unwrap())[0],
        "checkpoint.consumed"
    );
}

#[test]
fn case_05_a_record_that_is_not_what_the_runbook_makes_of_the_step_is_refused() {
    type Change = fn(&mut runsheet::engine::ExecRecord);
    let changes: [(&str, Change); 7] = [
        ("script", |record| {
            record.exec.script = "./drop --all".to_owned()
        }),
        ("shell", |record| {
            record.exec.shell = vec!["bash".to_owned()]
        }),
        ("value", |record| {
            let value = runsheet::engine::exec::Var::Plain("db1".to_owned());
            record.vars.insert("target".to_owned(), value);
        }),
        ("gate", |record| record.gate = "1 scribe; 900s".to_owned()),
        ("risk", |record| {
            record.risk = runsheet::runbook::model::Risk::Routine
        }),
        ("runbook", |record| record.runbook.commit = "0".repeat(40)),
        ("title", |record| record.title = "Look around".to_owned()),
    ];
    for (what, change) in changes {
        let mut world = World::started(POLICY, &[DROP], &[]);
        let intent = Intent::Request {
            step: world.key("drop"),
            purpose: Purpose::Run,
        };
        let prepared = world.prepared("alice", &intent).unwrap().unwrap();
        let mut record = prepared.record.unwrap();
        change(&mut record);
        let incident = world.state.incident.clone().unwrap();
        let by = principal("alice");
        let mut statement = judge::template(&incident, &record, &by, Decision::Request);
        statement.not_before = Some(world.now);
        statement.nonce.0 = *b"another question";
        let signed = sign("alice", &statement.to_text().unwrap());
        let fact = CheckpointRequested { record, signed };
        world.forge("alice", fact);
        assert_eq!(world.violations().len(), 1, "{what}");
        assert_eq!(world.step("drop").request, None, "{what}");
    }
}

#[test]
fn case_05_another_host_account_or_journal_needs_its_own_approval() {
    let mut world = approved();
    world.desk = "another machine of ".to_owned();
    assert_eq!(
        refused(world.run("alice", "drop")),
        RefusalKind::NotEligible
    );
    world.desk = String::new();
    assert!(world.run("alice", "drop").is_ok());
}

#[test]
fn case_06_an_approval_cannot_be_replayed_on_another_step_attempt_or_incident() {
    let mut world = approved();
    let Fact::CheckpointApproved(used) = world.last("checkpoint.approved").fact.clone() else {
        panic!()
    };
    // The same approval once more, on the same request.
    let mut again = world.clone();
    again.forge("bob", used.clone());
    assert_eq!(
        again.step("drop").request.as_ref().unwrap().approvals.len(),
        1
    );
    // On another step.
    world.request("alice", "other").unwrap();
    let mut other = used.clone();
    other.step.step = "other".into();
    let mut elsewhere = world.clone();
    elsewhere.forge("bob", other);
    assert_eq!(elsewhere.violations().len(), 1);
    assert!(elsewhere.run("alice", "other").is_err());
    // On the next attempt of the same step.
    world.run("alice", "drop").unwrap();
    world.exit("alice", "drop", 1, "");
    world.request("alice", "drop").unwrap();
    let mut next = used.clone();
    next.step.attempt = 2;
    world.forge("bob", next);
    assert_eq!(world.violations().len(), 1);
    assert!(world.run("alice", "drop").is_err());
    // In another incident of the same people.
    let mut stranger = World::new(POLICY, &[DROP]);
    stranger.pass(1);
    stranger.start("alice", &[], &[]).unwrap();
    stranger.request("alice", "drop").unwrap();
    comes_to_nothing(&stranger, "bob", used);
}

#[test]
fn case_06_approvals_are_used_once() {
    let mut world = approved();
    world.run("alice", "drop").unwrap();
    let consumed = world.last("checkpoint.consumed").fact.clone();
    let started = world.last("step.started").fact.clone();
    world.exit("alice", "drop", 1, "");
    let before = world.runs();
    world.forge("alice", consumed);
    assert_eq!(world.violations().len(), 1);
    world.forge("alice", started);
    assert_eq!(world.runs(), before);
    assert_eq!(world.status("drop"), Status::Failed);
}

#[test]
fn case_06_an_approval_of_an_earlier_request_does_not_count_for_a_new_one() {
    let mut world = asked();
    // Dave has signed, but his approval is still on its way when bob says no and alice asks anew.
    let late = made_up(&world, "dave", |_| {});
    world.pass(10);
    world.deny("bob", "drop", "wrong host").unwrap();
    world.pass(60);
    world.request("alice", "drop").unwrap();
    comes_to_nothing(&world, "dave", late);
    world.approve("dave", "drop").unwrap();
}

#[test]
fn case_10_an_expired_approval_opens_nothing() {
    let mut world = approved();
    world.pass(15 * 60 + 1);
    assert_eq!(refused(world.run("alice", "drop")), RefusalKind::GateClosed);
}

#[test]
fn case_10_a_clock_set_back_opens_nothing() {
    let mut world = approved();
    world.pass(16 * 60);
    world.forge(
        "bob",
        runsheet::engine::fact::NoteAdded {
            text: "time goes by".to_owned(),
            step: None,
            details: None,
        },
    );
    // The wall clock of the executor goes back; the other clock does not.
    world.now -= chrono::TimeDelta::minutes(10);
    let refusal = world.run("alice", "drop").unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Expired);
    assert!(
        refusal.what.contains("behind the latest event"),
        "{refusal}"
    );
}

#[test]
fn case_10_a_laptop_that_slept_or_whose_clock_was_set_back_counts_the_time_since_it_saw_the_approval()
 {
    let mut world = approved();
    // Sixteen minutes by the clock nobody sets, two by the wall clock.
    world.boot.millis += 16 * 60 * 1000;
    world.now += chrono::TimeDelta::minutes(2);
    let refusal = world.run("alice", "drop").unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Expired);
    assert!(refusal.what.contains("has expired"), "{refusal}");
    // After a restart of the machine that count is gone; the wall clock still holds.
    world.boot.id = "boot-2".into();
    world.boot.millis = 5;
    assert!(world.run("alice", "drop").is_ok());
}

#[test]
fn case_10_an_approval_that_is_not_counted_does_not_expire_the_others() {
    let policy = POLICY.replace(
        "not: [performer, author], expires: 15m",
        "not: [performer], expires: 15m",
    );
    let mut world = World::started(&policy, &[DROP], &[]);
    world.request("alice", "drop").unwrap();
    world.approve("bob", "drop").unwrap();
    world.pass(15 * 60 + 5);
    world.approve("dave", "drop").unwrap();
    assert!(world.run("alice", "drop").is_ok());
}

#[test]
fn case_10_an_approval_cannot_claim_to_hold_longer_or_to_be_of_another_time() {
    let world = asked();
    let long = made_up(&world, "bob", |statement| {
        statement.not_after = Some(world.now + chrono::TimeDelta::days(1));
    });
    comes_to_nothing(&world, "bob", long);
    let endless = made_up(&world, "bob", |statement| statement.not_after = None);
    comes_to_nothing(&world, "bob", endless);
    let early = made_up(&world, "bob", |statement| {
        statement.not_before = Some(world.now + chrono::TimeDelta::minutes(1));
    });
    comes_to_nothing(&world, "bob", early);
}

#[test]
fn case_10_a_passing_that_is_dated_back_before_its_approval_is_a_violation() {
    let mut world = asked();
    world.pass(600);
    world.approve("bob", "drop").unwrap();
    // What alice's machine would record with its clock ten minutes behind.
    let mut honest = world.clone();
    honest.run("alice", "drop").unwrap();
    let Fact::CheckpointConsumed(fact) = honest.last("checkpoint.consumed").fact.clone() else {
        panic!()
    };
    let mut draft = world.draft("alice", fact);
    draft.recorded_at -= chrono::TimeDelta::minutes(9);
    world.record("alice", draft);
    assert_eq!(world.violations().len(), 1);
    assert_eq!(world.step("drop").request.as_ref().unwrap().consumed, None);
}

#[test]
fn case_14_a_denial_stands_whoever_approves_afterwards() {
    let mut world = asked();
    world.deny("bob", "drop", "not yet").unwrap();
    for who in ["bob", "dave"] {
        assert_eq!(refused(world.approve(who, "drop")), RefusalKind::Denied);
        let mut merged = world.clone();
        let fact = made_up(&merged, who, |_| {});
        merged.forge(who, fact);
        assert_eq!(merged.state.flags.len(), 1);
        assert!(merged.run("alice", "drop").is_err());
    }
    // Approved first, denied afterwards, is denied as well.
    let mut world = approved();
    world.deny("bob", "drop", "I looked again").unwrap();
    assert_eq!(refused(world.run("alice", "drop")), RefusalKind::Denied);
}

const TWO: &str = "\
id: a
title: A
steps:
  - {id: drop, title: Drop it, run: ./drop, risk: destructive, checkpoint: {approvals: 2, role: approver, not: [performer]}}
";

#[test]
fn case_15_a_quorum_of_two_is_two_people() {
    let mut world = World::started(POLICY, &[TWO], &[]);
    world.request("alice", "drop").unwrap();
    world.approve("carol", "drop").unwrap();
    assert_eq!(
        refused(world.approve("carol.two", "drop")),
        RefusalKind::WrongState
    );
    let fact = made_up(&world, "carol.two", |_| {});
    world.forge("carol.two", fact);
    assert_eq!(world.state.flags.len(), 1);
    assert_eq!(refused(world.run("alice", "drop")), RefusalKind::GateClosed);
    world.approve("dave", "drop").unwrap();
    assert!(world.run("alice", "drop").is_ok());
}

#[test]
fn case_16_a_signature_of_another_namespace_approves_nothing() {
    let world = asked();
    for namespace in [
        "git",
        "file",
        "exercise-approval.v1@runsheet",
        "approval.v2@runsheet",
    ] {
        let mut fact = made_up(&world, "bob", |_| {});
        fact.signed = sign_in("bob", namespace, &fact.signed.statement);
        comes_to_nothing(&world, "bob", fact);
    }
    // And one whose words were changed after signing.
    let mut fact = made_up(&world, "bob", |_| {});
    fact.signed.statement = fact
        .signed
        .statement
        .replace("decision: approve", "decision: consume");
    comes_to_nothing(&world, "bob", fact);
}

#[test]
fn case_19_a_statement_that_is_not_of_the_form_is_no_statement() {
    let world = asked();
    let good = made_up(&world, "bob", |_| {}).signed.statement;
    let first = good.lines().nth(1).unwrap().to_owned();
    let texts = [
        good.replace('\n', "\r\n"),
        good.replace("reason: -", "reason: \0"),
        format!("{good}{first}\n"),
        good.replacen(&first, &format!("{first}\n{first}"), 1),
        format!("{good}{}", "x".repeat(1 << 20)),
        good.replacen("runsheet-approval v1", "runsheet-approval v2", 1),
        String::new(),
    ];
    for text in texts {
        let mut fact = made_up(&world, "bob", |_| {});
        fact.signed = sign("bob", &text);
        comes_to_nothing(&world, "bob", fact);
    }
}

#[test]
fn case_21_every_way_in_meets_the_same_gate() {
    let mut world = World::started(POLICY, &[DROP], &[]);
    let key = world.key("drop");
    let start = |signed: Option<Signed>| Command::Start {
        step: key.clone(),
        purpose: Purpose::Run,
        secrets: std::collections::BTreeMap::new(),
        signed,
    };
    // Straight to the engine, without anything asked for.
    assert_eq!(
        refused(world.command("alice", start(None))),
        RefusalKind::GateClosed
    );
    // By saying that it was done.
    let done = Command::Done {
        step: key.clone(),
        checklist: vec![],
        note: None,
    };
    assert_eq!(
        refused(world.command("alice", done)),
        RefusalKind::GateClosed
    );
    // A dry run needs nothing.
    world.begin("alice", "drop", Purpose::DryRun).unwrap();
    // A roll back does, and nothing has run that it could undo.
    assert!(world.begin("alice", "drop", Purpose::RollBack).is_err());
    // With the approvals, but no signature of who runs it; or a signature of something else.
    world.request("alice", "drop").unwrap();
    world.approve("bob", "drop").unwrap();
    assert_eq!(
        refused(world.command("alice", start(None))),
        RefusalKind::Unsigned
    );
    let Fact::CheckpointApproved(fact) = world.last("checkpoint.approved").fact.clone() else {
        panic!()
    };
    assert!(world.command("alice", start(Some(fact.signed))).is_err());
    // Whoever has no key cannot start it either.
    world.unsigned.push("alice".to_owned());
    assert_eq!(refused(world.run("alice", "drop")), RefusalKind::Unsigned);
    world.unsigned.clear();
    // Retried, it is a new attempt with a gate of its own.
    world.run("alice", "drop").unwrap();
    world.exit("alice", "drop", 1, "");
    assert!(world.run("alice", "drop").is_err());
    // The way back has the same gate.
    assert!(world.begin("alice", "drop", Purpose::RollBack).is_err());
}

#[test]
fn case_21_a_merged_event_meets_the_same_gate() {
    let mut honest = approved();
    honest.run("alice", "drop").unwrap();
    let started = honest.last("step.started").fact.clone();
    let consumed = honest.last("checkpoint.consumed").fact.clone();
    let world = asked();
    // Neither the start nor the using up that an approved world saw does anything in one that saw no approval.
    let mut merged = world.clone();
    merged.forge("alice", consumed);
    assert_eq!(merged.violations().len(), 1);
    assert_eq!(merged.step("drop").request.as_ref().unwrap().consumed, None);
    // Started from nothing, by somebody else, or with another script.
    let fresh = World::started(POLICY, &[DROP], &[]);
    comes_to_nothing(&fresh, "alice", started.clone());
    comes_to_nothing(&world, "mallory", started.clone());
    let Fact::StepStarted(mut fact) = started else {
        panic!()
    };
    fact.record.exec.script = "./drop --all".to_owned();
    fact.record.gate = "1 scribe; 900s".to_owned();
    comes_to_nothing(&world, "alice", fact);
}

#[test]
fn case_21_a_start_that_was_asked_for_and_not_approved_is_told_as_a_violation_and_never_run_twice()
{
    let mut honest = approved();
    honest.run("alice", "drop").unwrap();
    let started = honest.last("step.started").fact.clone();
    let mut world = asked();
    world.forge("alice", started);
    assert_eq!(world.violations().len(), 1);
    assert_eq!(world.status("drop"), Status::Running);
    assert!(world.run("alice", "drop").is_err());
}

#[test]
fn case_21_approvals_of_a_removed_person_or_a_foreign_library_open_nothing() {
    use runsheet::engine::at::Root;
    use runsheet::engine::fact::Revoked;
    let mut world = approved();
    world.root = Root::Trusted {
        revoked: vec![Revoked {
            who: principal("bob"),
            key: None,
            role: None,
        }],
    };
    assert_eq!(refused(world.run("alice", "drop")), RefusalKind::NotTrusted);
    world.root = Root::Untrusted("another branch".to_owned());
    assert_eq!(refused(world.run("alice", "drop")), RefusalKind::NotTrusted);
    assert_eq!(
        refused(world.approve("dave", "drop")),
        RefusalKind::NotTrusted
    );
}

#[test]
fn case_22_an_override_is_no_approval_owes_a_review_and_lets_one_thing_start() {
    let mut world = World::started(POLICY, &[DROP], &[]);
    assert_eq!(
        refused(world.overrides("bob", "drop", "nobody is awake")),
        RefusalKind::NotEligible
    );
    assert_eq!(
        refused(world.overrides("alice", "drop", "  ")),
        RefusalKind::BadValue
    );
    world.overrides("alice", "drop", "nobody is awake").unwrap();
    assert_eq!(world.step("drop").request, None);
    let made = world.last("checkpoint.overridden").fact.clone();
    // Recorded twice it is one.
    let mut twice = world.clone();
    twice.forge("alice", made.clone());
    assert_eq!(twice.violations().len(), 1);
    // Nobody else can use it.
    assert!(world.run("carol", "drop").is_err());
    world.run("alice", "drop").unwrap();
    world.exit("alice", "drop", 1, "");
    assert!(world.run("alice", "drop").is_err());
    // Unreviewed, nothing is closed; and nobody reviews their own.
    assert_eq!(
        refused(world.act("alice", Intent::Close)),
        RefusalKind::WrongState
    );
    let overridden = *world.state.overrides.keys().next().unwrap();
    let review = |reason: &str| Intent::Review {
        overridden,
        accepted: true,
        reason: reason.to_owned(),
    };
    assert_eq!(
        refused(world.act("alice", review("fine"))),
        RefusalKind::NotEligible
    );
    assert_eq!(
        refused(world.act("alice.two", review("fine"))),
        RefusalKind::NotEligible
    );
    assert_eq!(
        refused(world.act("mallory", review("fine"))),
        RefusalKind::NotEligible
    );
    world.act("carol", review("it was right")).unwrap();
    assert_eq!(world.state.owed_reviews().count(), 0);
    let reviewed = world.last("override.reviewed").fact.data().unwrap();
    assert_eq!(
        reviewed["events"].as_array().unwrap().len(),
        2,
        "the override and the start"
    );
}

#[test]
fn case_22_a_forged_override_or_review_is_of_no_effect() {
    let mut alices = World::started(POLICY, &[DROP], &[]);
    let fresh = alices.clone();
    alices
        .overrides("alice", "drop", "nobody is awake")
        .unwrap();
    let Fact::CheckpointOverridden(made) = alices.last("checkpoint.overridden").fact.clone() else {
        panic!()
    };
    // Bob may not, whatever he signs.
    let mut record = made.record.clone();
    record.executor.principal = principal("bob").to_string();
    let incident = fresh.state.incident.clone().unwrap();
    let mut statement = judge::template(&incident, &record, &principal("bob"), Decision::Override);
    statement.approver = Some(principal("bob"));
    statement.reason = Some("because".to_owned());
    statement.not_before = Some(fresh.now);
    statement.not_after = Some(fresh.now + chrono::TimeDelta::minutes(30));
    let signed = sign("bob", &statement.to_text().unwrap());
    comes_to_nothing(&fresh, "bob", CheckpointOverridden { record, signed });
    // Alice's name under it without alice's key is nothing either.
    let signed = sign("bob", &made.signed.statement);
    comes_to_nothing(
        &fresh,
        "alice",
        CheckpointOverridden {
            record: made.record,
            signed,
        },
    );
}

#[test]
fn case_22_what_was_reviewed_lets_nothing_more_start() {
    let mut world = World::started(POLICY, &[DROP], &[]);
    world.overrides("alice", "drop", "nobody is awake").unwrap();
    let overridden = *world.state.overrides.keys().next().unwrap();
    let review = Intent::Review {
        overridden,
        accepted: true,
        reason: "seen".to_owned(),
    };
    world.act("carol", review).unwrap();
    assert!(world.run("alice", "drop").is_err());
}

#[test]
fn case_34_characters_that_hide_or_reorder_text_block_request_and_override() {
    for hidden in ["\u{202e}", "\u{200b}", "\u{e0041}", "\u{2066}", "\u{7}"] {
        let value = format!("db7{hidden}x");
        let mut world = World::started(POLICY, &[DROP], &[("target", &value)]);
        assert_eq!(
            refused(world.request("alice", "drop")),
            RefusalKind::GateClosed,
            "{value:?}"
        );
        let overridden = world.overrides("alice", "drop", "now");
        assert_eq!(refused(overridden), RefusalKind::GateClosed, "{value:?}");
    }
}

#[test]
fn case_38_names_and_values_that_look_like_options_or_commands_stay_values() {
    let hostile = [
        "-rf",
        "--all",
        "$(reboot)",
        "`reboot`",
        "; reboot",
        "a'b\"c",
        "../../etc",
        "* ?",
    ];
    for value in hostile {
        let mut world = World::started(POLICY, &[DROP], &[("target", value)]);
        world.request("alice", "drop").unwrap();
        world.approve("bob", "drop").unwrap();
        let decision = world.run("alice", "drop").unwrap();
        let runsheet::engine::Effect::Execute(record) = &decision.effects[0] else {
            panic!()
        };
        assert_eq!(
            record.exec.script, "./drop \"$target\"",
            "nothing is pasted into the script"
        );
        let expected = runsheet::engine::exec::Var::Plain(value.to_owned());
        assert_eq!(record.vars["target"], expected);
        assert!(!record.exec.shell.iter().any(|word| word.contains(value)));
    }
    // A new line in a value is shown as one line in the approval text.
    let mut world = World::started(POLICY, &[DROP], &[("target", "db7\nundo\n    rm -rf /")]);
    let intent = Intent::Request {
        step: world.key("drop"),
        purpose: Purpose::Run,
    };
    match world.prepared("alice", &intent) {
        Err(refusal) => assert_eq!(refusal.kind, RefusalKind::GateClosed),
        Ok(prepared) => {
            let text = prepared.unwrap().display.unwrap();
            assert!(
                !text.lines().any(|line| line.trim() == "rm -rf /"),
                "{text}"
            );
        }
    }
}

#[test]
fn consuming_names_exactly_the_approvals_that_stand() {
    let mut world = approved();
    let mut honest = world.clone();
    honest.run("alice", "drop").unwrap();
    let Fact::CheckpointConsumed(fact) = honest.last("checkpoint.consumed").fact.clone() else {
        panic!()
    };
    let none = CheckpointConsumed {
        approvals: Vec::new(),
        ..*fact
    };
    world.forge("alice", none);
    assert_eq!(world.violations().len(), 1);
    assert_eq!(world.step("drop").request.as_ref().unwrap().consumed, None);
}

#[test]
fn case_38_a_value_in_a_path_to_collect_is_never_a_pattern() {
    let book = "\
id: a
title: A
inputs:
  host: {prompt: Which}
logs:
  auth: {file: '/var/log/$host/*.log'}
steps:
  - {id: pull, collect: {logs: [auth]}}
";
    for (value, path) in [
        ("web1", "/var/log/web1/*.log"),
        ("*", "/var/log/[*]/*.log"),
        ("[a]", "/var/log/[[]a[]]/*.log"),
    ] {
        let mut world = World::started(POLICY, &[book], &[("host", value)]);
        let decision = world.run("alice", "pull").unwrap();
        let runsheet::engine::Effect::Collect { sources, .. } = &decision.effects[0] else {
            panic!()
        };
        let expected = runsheet::engine::command::Origin::File(path.to_owned());
        assert_eq!(sources[0].origin, expected);
    }
}

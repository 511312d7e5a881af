//! A step that is asked for a gate, another account with a key and a journal of its own; and the files that it runs.

use runsheet::engine::at::Root;
use runsheet::engine::checkpoint::record::Site;
use runsheet::engine::command::RefusalKind;
use runsheet::engine::decide::opened_now;
use runsheet::engine::exec::Purpose;

use runsheet::engine::fact::Fact;
use runsheet::evidence::Digest;

use super::cases::{DROP, approved, comes_to_nothing};
use super::world::{POLICY, World, principal, refused};

const SECRET: &str = "\
id: a
title: A
inputs:
  token: {secret: true}
steps:
  - {id: drop, title: Drop it, run: './drop \"$token\"', risk: destructive}
";

/// Alice asks for it to be run by a gate: another account, key and journal on the same machine.
fn asked_for_a_gate() -> World {
    let mut world = World::started(POLICY, &[DROP], &[]);
    let at = world.at("robin");
    world.site = Some(Site {
        cwd: "/".to_owned(),
        ..Site::here(&at)
    });
    world.request("alice", "drop").unwrap();
    world
}

#[test]
fn case_08_what_was_asked_for_a_gate_is_used_up_by_that_gate_only() {
    let mut world = asked_for_a_gate();
    let key = world.key("drop");
    let closed = |world: &mut World, who: &str| {
        let at = world.at(who);
        opened_now(&world.state, &key, Purpose::Run, &at)
            .unwrap_err()
            .kind
    };
    assert_eq!(closed(&mut world, "robin"), RefusalKind::GateClosed);
    // Who asked and who will run it are both no second person.
    assert_eq!(
        refused(world.approve("alice", "drop")),
        RefusalKind::NotEligible
    );
    assert_eq!(
        refused(world.approve("robin", "drop")),
        RefusalKind::NotEligible
    );
    world.approve("bob", "drop").unwrap();
    assert_eq!(closed(&mut world, "alice"), RefusalKind::NotEligible);
    assert_eq!(
        refused(world.run("alice", "drop")),
        RefusalKind::NotEligible
    );
    // The same gate with another journal is another one.
    let mut copied = world.clone();
    copied.desk = "copy of ".to_owned();
    assert_eq!(closed(&mut copied, "robin"), RefusalKind::NotEligible);
    let at = world.at("robin");
    let opened = opened_now(&world.state, &key, Purpose::Run, &at).unwrap();
    assert_eq!(opened.asked_by, principal("alice"));
    assert_eq!(opened.approvals.len(), 1);
    assert_eq!(opened.record.exec.run_as, "robin");
    world.run("robin", "drop").unwrap();
    assert!(world.violations().is_empty());
    assert!(world.run("robin", "drop").is_err());
}

#[test]
fn a_gate_is_closed_by_everything_that_keeps_a_start_from_happening() {
    let key = approved().key("drop");
    let kind = |world: &mut World| {
        let at = world.at("alice");
        opened_now(&world.state, &key, Purpose::Run, &at)
            .map(drop)
            .map_err(|refusal| refusal.kind)
    };
    assert_eq!(kind(&mut approved()), Ok(()));
    let mut late = approved();
    late.pass(16 * 60);
    assert_eq!(kind(&mut late), Err(RefusalKind::GateClosed));
    let mut back = approved();
    back.now -= chrono::TimeDelta::seconds(600);
    assert_eq!(kind(&mut back), Err(RefusalKind::Expired));
    let mut foreign = approved();
    foreign.root = Root::Untrusted("not ours".to_owned());
    assert_eq!(kind(&mut foreign), Err(RefusalKind::NotTrusted));
    let mut used = approved();
    used.run("alice", "drop").unwrap();
    assert_eq!(kind(&mut used), Err(RefusalKind::WrongState));
    let mut over = World::started(POLICY, &[DROP], &[]);
    over.overrides("alice", "drop", "it burns").unwrap();
    assert_eq!(kind(&mut over), Err(RefusalKind::GateClosed));
}

#[test]
fn a_secret_value_is_not_handed_to_a_gate() {
    let mut world = World::new(POLICY, &[SECRET]);
    world.start("alice", &[], &["token"]).unwrap();
    world.secrets.insert("token".to_owned(), "0".repeat(64));
    let at = world.at("robin");
    world.site = Some(Site::here(&at));
    assert_eq!(
        refused(world.request("alice", "drop")),
        RefusalKind::BadValue
    );
    world.site = None;
    world.request("alice", "drop").unwrap();
}

/// Asked for and approved while `./drop` held this.
fn approved_with(text: &str) -> World {
    let mut world = World::started(POLICY, &[DROP], &[]);
    world.files = [("./drop".to_owned(), Digest::of(text.as_bytes()))].into();
    world.request("alice", "drop").unwrap();
    world.approve("bob", "drop").unwrap();
    world
}

#[test]
fn case_09_an_input_file_that_was_swapped_before_running_voids_the_approval() {
    let mut world = approved_with("good");
    let request = world.step("drop").request.clone().unwrap();
    let good = Digest::of(b"good");
    assert_eq!(request.record.exec.files["./drop"], good);
    let key = world.key("drop");
    let other = ("./drop".to_owned(), Digest::of(b"evil"));
    let more = ("./more".to_owned(), Digest::of(b"more"));
    let drop = ("./drop".to_owned(), good);
    // Another content, none at all, and one that was not there before.
    for files in [vec![other], vec![], vec![drop.clone(), more]] {
        world.files = files.into_iter().collect();
        let at = world.at("alice");
        let why = opened_now(&world.state, &key, Purpose::Run, &at).unwrap_err();
        assert_eq!(why.kind, RefusalKind::Changed, "{why}");
        assert_eq!(refused(world.run("alice", "drop")), RefusalKind::Changed);
    }
    // Nothing was used up: with the file as it was shown, it runs.
    world.files = [drop].into();
    world.run("alice", "drop").unwrap();
    assert!(world.violations().is_empty());
}

#[test]
fn case_09_the_files_are_part_of_what_is_signed_and_shown() {
    use runsheet::engine::checkpoint::text::approval_text;
    let honest = approved_with("good");
    let incident = honest.state.incident.as_deref().unwrap();
    let request = honest.step("drop").request.clone().unwrap();
    let text = approval_text(incident, &request.record, &request.by);
    let line = format!("file       {} ./drop\n", Digest::of(b"good"));
    assert!(text.contains(&line), "{text}");
    // A start that claims another file than was approved is none.
    let mut ran = honest.clone();
    ran.run("alice", "drop").unwrap();
    let Fact::StepStarted(mut fact) = ran.last("step.started").fact.clone() else {
        panic!()
    };
    fact.record.exec.files = [("./drop".to_owned(), Digest::of(b"evil"))].into();
    let fresh = World::started(POLICY, &[DROP], &[]);
    comes_to_nothing(&fresh, "alice", fact);
}

#[test]
fn case_09_an_override_is_for_its_files_too() {
    let mut world = World::started(POLICY, &[DROP], &[]);
    world.files = [("./drop".to_owned(), Digest::of(b"good"))].into();
    world.overrides("alice", "drop", "it burns").unwrap();
    world.files = [("./drop".to_owned(), Digest::of(b"evil"))].into();
    assert_eq!(refused(world.run("alice", "drop")), RefusalKind::Changed);
}

#[test]
fn a_line_end_in_a_value_and_its_picture_do_not_look_alike() {
    use runsheet::engine::checkpoint::text::approval_text;
    let shown = |target: &str| {
        let mut world = World::started(POLICY, &[DROP], &[("target", target)]);
        world.request("alice", "drop").unwrap();
        let incident = world.state.incident.as_deref().unwrap();
        let request = world.step("drop").request.clone().unwrap();
        approval_text(incident, &request.record, &request.by)
    };
    let (end, picture) = (shown("db7\n--all"), shown("db7\u{240a}--all"));
    assert!(end.contains("target = db7␊--all"), "{end}");
    assert!(picture.contains("target = db7‹U+240A›--all"), "{picture}");
}

#[test]
fn a_refusal_says_what_stands_in_the_way_of_what_was_wanted() {
    use runsheet::engine::Intent;
    let mut world = World::started(POLICY, &[DROP], &[]);
    let at = world.at("erin");
    world.site = Some(Site::here(&at));
    world.request("alice", "drop").unwrap();
    let why = |world: &mut World, who: &str| world.approve(who, "drop").unwrap_err().what;
    let erin = why(&mut world, "erin");
    assert!(
        erin.contains("erin@example.org is who will run it"),
        "{erin}"
    );
    world.deny("bob", "drop", "wrong host").unwrap();
    let step = world.key("drop");
    let refusal = world.act("alice", Intent::Withdraw(step)).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Denied);
    let what = "there is nothing to withdraw: bob@example.org denied it: wrong host";
    assert_eq!(refusal.what, what);
}

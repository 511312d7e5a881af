//! The numbered cases that come from outside of any engine: names and keys as a library has them, whole records and
//! commits of git, another history, and an answer that was typed before the question.

use runsheet::engine::command::RefusalKind;
use runsheet::engine::event::Place;
use runsheet::engine::fact::{Fact, StepStarted};
use runsheet::engine::ids::{EventId, IncidentId};
use runsheet::engine::{Event, Intent, apply};
use runsheet::evidence::Digest;
use runsheet::trust::Principal;

use super::cases::{DROP, approved, asked, comes_to_nothing, made_up};
use super::world::{POLICY, World, key_of, refused, sign, sign_in};

fn line(principals: &str, key: &str) -> String {
    let key = key_of(key).public_key().to_openssh().unwrap();
    format!("{principals} {key}\n")
}

/// Alice has asked for `drop` where `allowed_signers` has this line too.
fn asked_with(more_signers: String) -> World {
    let mut world = World::new(POLICY, &[DROP]);
    world.more_signers = more_signers;
    world.start("alice", &[], &[]).unwrap();
    world.request("alice", "drop").unwrap();
    world
}

#[test]
fn case_03_one_key_under_two_principals_is_one_person() {
    // Bob's key is also said to be alice's: whoever signs with it may be her.
    let mut world = asked_with(line("alice@example.org", "bob"));
    let step = world.key("drop");
    let request = world.shown("drop");
    let intent = Intent::Approve { step, request };
    assert!(world.act("bob", intent).is_err());
    comes_to_nothing(&world, "bob", made_up(&world, "bob", |_| {}));
    world.approve("dave", "drop").unwrap();
    world.run("alice", "drop").unwrap();
}

/// Under such a policy or such signers nothing is asked, and so nothing approved or started.
fn opens_nothing(policy: &str, more_signers: &str) {
    let mut world = World::new(policy, &[DROP]);
    more_signers.clone_into(&mut world.more_signers);
    world.start("alice", &[], &[]).unwrap();
    let refusal = world.request("alice", "drop").unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::NotTrusted, "{refusal}");
    // Nor when somebody records it all the same.
    let mut honest = World::started(POLICY, &[DROP], &[]);
    honest.request("alice", "drop").unwrap();
    honest.approve("bob", "drop").unwrap();
    honest.run("alice", "drop").unwrap();
    for event in &honest.events[2..] {
        let who = event.person.as_str().split('@').next().unwrap();
        world.forge(who, event.fact.clone());
    }
    assert_eq!(world.violations().len(), honest.events.len() - 2);
    assert!(world.run("alice", "drop").is_err());
}

#[test]
fn case_03_a_wildcard_signs_for_nobody() {
    for principals in ["*@example.org", "dave@*", "dave@example.or?", "*"] {
        opens_nothing(POLICY, &line(principals, "a stranger"));
    }
}

/// Spellings of bob that are not his: an upper-case letter, a look-alike, an accent apart and together, and no letter.
const NOT_BOB: [&str; 5] = ["Bob", "b\u{43e}b", "bo\u{301}b", "b\u{f3}b", "bob\u{200b}"];

#[test]
fn case_04_another_spelling_is_no_principal_in_a_statement_or_an_event() {
    let mut world = approved();
    let good = made_up(&world, "bob", |_| {}).signed.statement;
    let event = world.lines.last().unwrap().clone();
    world = asked();
    for name in NOT_BOB {
        let name = format!("{name}@example.org");
        assert!(Principal::try_from(name.as_str()).is_err(), "{name}");
        let mut fact = made_up(&world, "bob", |_| {});
        let words = good.replace("approver: bob@example.org", &format!("approver: {name}"));
        assert_ne!(words, good);
        fact.signed = sign("bob", &words);
        comes_to_nothing(&world, "bob", fact);
        // The line of such an event cannot be read, whatever digest it carries.
        let line = event.replace(
            "\"person\":\"bob@example.org\"",
            &format!("\"person\":\"{name}\""),
        );
        assert_ne!(line, event);
        assert!(Event::read(&line).is_err(), "{name}");
    }
}

#[test]
fn case_04_another_spelling_in_policy_or_signers_gives_nobody_a_say() {
    for name in NOT_BOB {
        let name = format!("{name}@example.org");
        let policy = POLICY.replace(
            "principals: [bob@example.org]",
            &format!("principals: ['{name}']"),
        );
        assert_ne!(policy, POLICY);
        // Who is named so in policy is nobody; among the signers such a line makes all of them worth nothing.
        let mut world = World::started(&policy, &[DROP], &[]);
        world.request("alice", "drop").unwrap();
        assert_eq!(
            refused(world.approve("bob", "drop")),
            RefusalKind::NotEligible,
            "{name}"
        );
        comes_to_nothing(&world, "bob", made_up(&world, "bob", |_| {}));
        opens_nothing(POLICY, &line(&name, "bob"));
    }
}

/// Every event of that record once more, in this one; the first as it is given.
fn grafted(from: &World, into: &mut World, first: Fact) {
    let mut first = Some(first);
    for event in &from.events {
        let who = event.person.as_str().split('@').next().unwrap();
        into.forge(who, first.take().unwrap_or_else(|| event.fact.clone()));
    }
}

#[test]
fn case_07_a_whole_incident_grafted_under_a_new_id_opens_nothing() {
    let from = approved();
    // Under another id, with the very same events.
    let mut other = World::new(POLICY, &[DROP]);
    other.incident = IncidentId::generate(1_790_000_000_001, &[8; 32]);
    grafted(&from, &mut other, from.events[0].fact.clone());
    // Under its own id, with another beginning.
    let Fact::IncidentStarted(mut first) = from.events[0].fact.clone() else {
        panic!()
    };
    "Another beginning".clone_into(&mut first.title);
    let mut again = World::new(POLICY, &[DROP]);
    grafted(&from, &mut again, first.into());
    for mut world in [other, again] {
        assert_eq!(world.events.len(), from.events.len());
        assert_eq!(world.violations().len(), 2, "the request and its approval");
        assert_eq!(world.step("drop").request, None);
        assert_eq!(refused(world.run("alice", "drop")), RefusalKind::WrongState);
    }
    let mut honest = from;
    honest.run("alice", "drop").unwrap();
}

#[test]
fn case_17_a_signed_commit_that_says_approve_is_no_approval() {
    let world = asked();
    let good = made_up(&world, "bob", |_| {});
    let commit = format!(
        "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor Bob <bob@example.org> 1790000000 +0000\n\
         committer Bob <bob@example.org> 1790000000 +0000\n\napprove\n\n{}",
        good.signed.statement
    );
    let by_git = sign_in("bob", "git", &commit);
    // The commit, signed as git signs it and as if it were a statement; and git's signature under the statement.
    for signed in [
        by_git.clone(),
        sign("bob", &commit),
        runsheet::engine::fact::Signed {
            statement: good.signed.statement.clone(),
            signature: by_git.signature,
        },
        sign_in("bob", "git", &good.signed.statement),
    ] {
        let mut fact = good.clone();
        fact.signed = signed;
        comes_to_nothing(&world, "bob", fact);
    }
}

/// Applies a fact as an event that stands elsewhere in the history than where its writer is.
fn laid_over(
    world: &mut World,
    who: &str,
    fact: impl Into<Fact>,
    seq: u64,
    seen: Vec<EventId>,
    prev: Option<EventId>,
) {
    let place = Place {
        incident: world.incident.clone(),
        writer: world.writer(who),
        seq,
        prev,
        seen,
    };
    let (event, _) = Event::record(world.draft(who, fact), place).unwrap();
    world.state = apply(world.state.clone(), &event);
    world.events.push(event);
}

#[test]
fn case_20_an_event_with_another_history_than_its_own_opens_nothing() {
    let mut world = asked();
    let before_denial: Vec<_> = world.events.iter().map(|event| event.id).collect();
    let late = made_up(&world, "dave", |_| {});
    world.deny("bob", "drop", "wrong host").unwrap();
    let mut honest = approved();
    honest.run("alice", "drop").unwrap();
    let Fact::StepStarted(started) = honest.last("step.started").fact.clone() else {
        panic!()
    };
    let consumed = honest.last("checkpoint.consumed").fact.clone();
    let histories: [(u64, Vec<EventId>, Option<EventId>); 4] = [
        // Cut off: as if it were the first of all.
        (1, vec![], None),
        // Grafted behind what stood before the denial, as its writer's first and as a second head of alice's.
        (1, before_denial.clone(), None),
        (3, vec![], before_denial.last().copied()),
        // Behind what nobody has.
        (
            9,
            vec![Digest::of(b"no such event")],
            Some(Digest::of(b"nor this")),
        ),
    ];
    let facts: [(&str, Fact); 3] = [
        ("dave", late.into()),
        ("alice", consumed),
        ("alice", StepStarted::clone(&started).into()),
    ];
    for (seq, seen, prev) in histories {
        let mut forked = world.clone();
        for (who, fact) in facts.clone() {
            let flags = forked.state.flags.len();
            laid_over(&mut forked, who, fact, seq, seen.clone(), prev);
            assert_eq!(forked.state.flags.len(), flags + 1, "{who} {seq}");
        }
        let request = forked.step("drop").request.as_deref().unwrap();
        assert_eq!((request.approvals.len(), request.consumed), (0, None));
        assert_eq!(refused(forked.run("alice", "drop")), RefusalKind::Denied);
    }
}

#[test]
fn case_44_an_answer_to_another_request_than_the_one_shown_approves_nothing() {
    let mut world = asked();
    let shown = world.shown("drop");
    let step = world.key("drop");
    let answer = |request| Intent::Approve {
        step: step.clone(),
        request,
    };
    // Typed before anything was shown.
    let blind = answer(Digest([0; 32]));
    assert_eq!(refused(world.act("bob", blind)), RefusalKind::Changed);
    // While bob reads, carol asks for something else in its place.
    world.act("alice", Intent::Withdraw(step.clone())).unwrap();
    world.request("carol", "drop").unwrap();
    assert_ne!(world.shown("drop"), shown);
    assert_eq!(
        refused(world.act("bob", answer(shown))),
        RefusalKind::Changed
    );
    let request = world.step("drop").request.as_ref().unwrap();
    assert_eq!(request.approvals.len(), 0);
    assert!(world.run("carol", "drop").is_err());
    let now = world.shown("drop");
    world.act("bob", answer(now)).unwrap();
    world.run("carol", "drop").unwrap();
}

//! Walks of honest people: random people want random things of random steps, and only what `decide` lets through is
//! recorded. Now and then two groups act without hearing of each other, and their records are merged.

use std::collections::BTreeMap;
use std::sync::Arc;

use runsheet::engine::at::Claim;
use runsheet::engine::checkpoint::{judge, prepare};
use runsheet::engine::command::{OfferedPolicy, Ran};
use runsheet::engine::event::Fidelity;
use runsheet::engine::exec::{PinnedPolicy, Purpose};
use runsheet::engine::fact::{Milestone, Outcome, Revoked};
use runsheet::engine::{Command, Intent};
use runsheet::evidence::Digest;
use runsheet::journal::Log;
use runsheet::runbook::model::{Kind, Role, Severity};
use runsheet::trust::Mode;
use ssh_key::HashAlg;

use super::chance::Chance;
use super::drill;
use super::shelf::Shelf;
use super::telling;
use super::world::{POLICY, World, key_of, principal, sign_in, signers};

const STRICT: &str = "\
people:
  alice: {name: Alice Ames, principals: [alice@example.org, alice.two@example.org], accounts: [alice], roles: [operator, commander]}
  bob: {name: Bob Bright, principals: [bob@example.org], accounts: [bob], roles: [operator, approver, security]}
  carol: {name: Carol Chu, principals: [carol@example.org, carol.two@example.org], accounts: [carol], roles: [approver, commander]}
  dave: {name: Dave Dean, principals: [dave@example.org], roles: [approver], emails: [Dave.Dean@example.net]}
  erin: {name: Erin East, principals: [erin@example.org], roles: [operator, approver]}
checkpoints:
  - {when: \"risk == 'destructive'\", approvals: 2, role: approver, not: [performer, requester], expires: 10m}
  - {when: \"risk == 'privileged' and account == 'prod'\", approvals: 1, role: security, not: [performer], expires: 1h30m}
  - {when: \"'db' in tags and kind == 'run' and target is startingwith 'db'\", approvals: 1, role: approver, expires: 90s}
  - {when: \"count|int > 3\", role: commander}
  - {when: \"step == 'both'\", approvals: 2, of_them: {security: 1}}
freezes:
  - {name: once, from: 2026-09-21T13:30:00Z, until: 2026-09-21T15:00:00+01:00, when: \"kind == 'run'\", role: commander, expires: 8m}
  - {name: weekly, weekly: {from: 'Mon 16:10', until: 'Mon 16:40', zone: '+02:00'}, when: \"risk != 'routine'\", not: author}
override: {roles: [commander, security], when: \"risk != 'routine' or count|int < 9\", expires: 5m, review_within: 1h}
adopt: {approvals: 2, role: approver, of_them: {commander: 1}}
unknown_authors: allow
";

const ALONE: &str = "\
people:
  alice: {name: Alice Ames, principals: [alice@example.org, alice.two@example.org], roles: [operator]}
checkpoints: []
";

const PLAIN: &str = "\
id: plain
title: Plain things
severity: sev2
tags: [db, web]
services: [store]
inputs:
  target: {default: db7}
  account: {choices: [prod, staging], default: prod}
  token: {secret: true}
logs:
  app: {file: '/var/log/$target/*.log'}
  out: {run: 'journalctl -u \"$target\"'}
steps:
  - {id: look, title: Look, instructions: 'See {{ target }} with {{ token }}.', checklist: [Seen, Told]}
  - {id: probe, run: './probe \"$target\"', outputs: {level: {whole: true}, mark: {regex: 'm=(.*)', secret: true}}, retry: {attempts: 2}, on_failure: continue}
  - id: used
    decide: Was it used?
    options: [{label: 'Yes', next: drop}, {label: 'No', next: scope}, {label: Again, next: look}]
  - {id: drop, run: './drop \"$target\" \"$level\"', dry_run: './look \"$target\"', rollback: './undo \"$target\"', risk: destructive, env: {WHERE: 'at $target'}, timeout: 90s}
  - {id: scope, ask: {count: {type: integer}, why: {optional: true}, pin: {secret: true, pattern: '[0-9]{4}'}}}
  - {id: both, run: 'echo \"$count\"; for x in a b; do echo \"$x\"; done', risk: privileged, shell: bash -eu, cwd: '/srv/$target', checkpoint: {approvals: 1, not: ['approver-of:drop', author], expires: 20m}}
  - {id: pull, collect: {logs: [app, out], files: ['/etc/$target.conf']}, on_failure: {next: last}}
  - {id: quiet, wait: {until: './quiet \"$target\"', for: 5m}, risk: destructive}
  - {id: once, run: ./once, exclusive: true, rollback: ./back}
  - {id: tell, notify: {audience: customers, state: identified, message: 'We know of {{ target }}.'}}
  - {id: deeper, uses: sub, with: {host: '$target'}, risk: privileged}
  - {id: by-hand, title: Undo it by hand, risk: destructive, checklist: [Undone], instructions: \"Line one\\nLine two\\ttab\"}
  - {id: last, title: 'Läst ⚠️ one', next: end}
";
const SUB: &str = "\
id: sub
title: Sub
inputs:
  host: {prompt: Which}
steps:
  - {id: inner, title: Inner}
  - {id: wipe, run: './wipe \"$host\"', risk: destructive, checkpoint: {approvals: 1, role: commander, not: performer}}
";

const PEOPLE: [&str; 8] = [
    "alice",
    "bob",
    "carol",
    "dave",
    "erin",
    "alice.two",
    "carol.two",
    "mallory",
];

/// A whole walk.
pub fn walk(shelf: &mut Shelf, chance: &mut Chance) -> World {
    let policy = *chance.one(&[POLICY, STRICT, STRICT, ALONE]);
    let mut world = shelf.place(World::new(policy, &[PLAIN, SUB]));
    world.books[0].authors = authors(&world, chance);
    if chance.percent(35) {
        world.mode = Mode::Exercise;
    }
    let newer = *chance.one(&[POLICY, STRICT]);
    let other = shelf.place(World::new(newer, &[PLAIN, SUB]));
    let offered = OfferedPolicy {
        policy: PinnedPolicy {
            commit: other.commit,
            sha256: judge::policy_digest(newer, &signers()),
        },
        policy_yaml: newer.to_owned(),
        allowed_signers: signers(),
    };
    let account = *chance.one(&["prod", "staging"]);
    world.secrets = ["token", "mark", "pin"]
        .map(|name| (name.to_owned(), "5e".repeat(32)))
        .into();
    world
        .start(
            "alice",
            &[("target", "db7"), ("account", account)],
            &["token"],
        )
        .unwrap();
    for _ in 0..2 + chance.below(4) {
        let actions = 4 + chance.below(12);
        if chance.percent(25) {
            let who = *chance.one(&PEOPLE);
            for who in [who, "carol", "alice", "bob"] {
                ground(&mut world, chance, who, &offered);
            }
        }
        if chance.percent(35) {
            let (mut here, mut there) = (world.clone(), world.elsewhere());
            let line = chance.below(PEOPLE.len());
            for _ in 0..actions {
                act(&mut here, chance, &PEOPLE[..line.max(1)]);
                act(&mut there, chance, &PEOPLE[line.max(1)..]);
            }
            world = merged(here, &there);
        } else {
            for _ in 0..actions * 2 {
                act(&mut world, chance, &PEOPLE);
            }
        }
    }
    world
}

fn authors(
    world: &World,
    chance: &mut Chance,
) -> BTreeMap<runsheet::runbook::model::StepId, Vec<String>> {
    let mut authors = world.books[0].authors.clone();
    for addresses in authors.values_mut() {
        *addresses = match chance.below(5) {
            0 => vec!["DAVE.dean@example.net".to_owned()],
            1 => vec!["nobody@example.net".to_owned()],
            2 => Vec::new(),
            _ => vec!["erin@example.org".to_owned()],
        };
    }
    authors
}

/// What both did, in the one order of all.
fn merged(mut here: World, there: &World) -> World {
    let mut log = Log::new(here.incident.clone(), None);
    let mut lines: BTreeMap<_, _> = BTreeMap::new();
    for world in [&here, there] {
        for (event, line) in world.events.iter().zip(&world.lines) {
            lines.insert(event.id, line.clone());
        }
    }
    log.extend(here.events.iter().cloned().map(Arc::new).collect());
    log.extend(there.events.iter().cloned().map(Arc::new).collect());
    here.events = log
        .events()
        .iter()
        .map(|event| event.as_ref().clone())
        .collect();
    here.lines = here
        .events
        .iter()
        .map(|event| lines[&event.id].clone())
        .collect();
    here.state = log.state().as_ref().clone();
    here.heads
        .extend(there.heads.clone().into_iter().filter(|(writer, head)| {
            here.state
                .writers
                .get(writer)
                .is_some_and(|now| now.event == head.1)
        }));
    here.now = here.now.max(there.now);
    here.boot.millis = here.boot.millis.max(there.boot.millis);
    here.receipts.extend(there.receipts.clone());
    here
}

fn any_step(world: &World, chance: &mut Chance) -> String {
    let runs = &world.state.runs;
    let run = &runs[chance.below(runs.len())];
    let step = match &run.at {
        Some(at) if chance.percent(75) => at.clone(),
        _ => run.steps[chance.below(run.steps.len())].id.clone(),
    };
    format!("{}/{step}", run.id)
}

/// One person tries one thing; what is refused is not recorded.
fn act(world: &mut World, chance: &mut Chance, people: &[&str]) {
    let who = *chance.one(people);
    if chance.percent(40) {
        let seconds = *chance.one(&[0, 1, 7, 30, 61, 200, 700, 2000]);
        world.pass(seconds);
    }
    let step = any_step(world, chance);
    if world.mode == Mode::Exercise && chance.percent(20) {
        return drill::act(world, chance, who, &step);
    }
    // The hub says that a claim is theirs; the record has it too.
    world.claim = match &world.step(&step).claimed {
        Some(claimed) if *claimed == principal(who) => Claim::Held,
        _ => Claim::NotAsked,
    };
    let open = world.step(&step).request.clone();
    if let Some(request) = open.filter(|request| request.is_open() && chance.percent(60)) {
        let asker = request
            .by
            .as_str()
            .trim_end_matches("@example.org")
            .to_owned();
        let _ = match chance.below(5) {
            0 | 1 => world.begin(&asker, &step, request.record.exec.purpose),
            _ => world.approve(who, &step),
        };
        return;
    }
    let _ = match chance.below(26) {
        24 => {
            let key = world.key(&step);
            if chance.percent(50) {
                world.ask(who, key, Purpose::RollBack)
            } else {
                world.act(
                    who,
                    Intent::Override {
                        step: key,
                        purpose: Purpose::RollBack,
                        reason: "it went wrong".to_owned(),
                    },
                )
            }
        }
        25 => {
            let to = *chance.one(&PEOPLE);
            let (step, to) = (world.key(&step), principal(to));
            world.command(who, Command::Delegate { step, to })
        }
        0..=2 => world.request(who, &step),
        3..=6 => world.approve(who, &step),
        7 => world.deny(who, &step, "not now"),
        8 => {
            let key = world.key(&step);
            world.act(who, Intent::Withdraw(key))
        }
        9..=12 => world.run(who, &step),
        13 => world.begin(
            who,
            &step,
            *chance.one(&[Purpose::DryRun, Purpose::RollBack]),
        ),
        14..=16 => {
            let purpose = *chance.one(&[
                Purpose::Run,
                Purpose::Run,
                Purpose::DryRun,
                Purpose::RollBack,
            ]);
            let ran = chance
                .one(&[
                    Ran::Exit(0),
                    Ran::Exit(0),
                    Ran::Exit(1),
                    Ran::Lost,
                    Ran::TimedOut,
                    Ran::Signal(9),
                ])
                .clone();
            world.ended(who, &step, purpose, ran, "m=7\n")
        }
        17 => overriding(world, chance, who, &step),
        _ => return by_hand(world, chance, who, &step),
    };
}

fn overriding(
    world: &mut World,
    chance: &mut Chance,
    who: &str,
    step: &str,
) -> Result<runsheet::engine::Decision, runsheet::engine::Refusal> {
    let owed: Vec<_> = world.state.owed_reviews().map(|over| over.event).collect();
    if owed.is_empty() || chance.percent(30) {
        return world.overrides(who, step, "nobody is awake: é\nreally");
    }
    let overridden = *chance.one(&owed);
    let _ = prepare::review_events(&world.state, overridden);
    world.act(
        who,
        Intent::Review {
            overridden,
            accepted: chance.percent(60),
            reason: "looked at it".to_owned(),
        },
    )
}

fn by_hand(world: &mut World, chance: &mut Chance, who: &str, name: &str) {
    let step = world.key(name);
    let kind = world
        .state
        .run(&step.run)
        .unwrap()
        .book
        .step(&step.step)
        .unwrap()
        .clone();
    let (now, fidelity) = (
        world.now.fixed_offset(),
        *chance.one(&[Fidelity::Exact, Fidelity::Minute]),
    );
    let command = match (&kind.kind, chance.below(10)) {
        (Kind::Decide(decide), 0..=5) => Command::Choose {
            step,
            label: chance.one(&decide.options).label.clone(),
        },
        (Kind::Ask(_), 0..=5) => Command::Answer {
            step,
            answers: BTreeMap::from([
                ("count".to_owned(), chance.one(&["3", "12"]).to_string()),
                ("why".to_owned(), chance.one(&["", "so"]).to_string()),
            ]),
            secrets: vec!["pin".to_owned()],
        },
        (_, 0..=4) => Command::Done {
            step,
            checklist: kind.checklist.clone(),
            note: chance
                .percent(30)
                .then(|| "a  note\u{202e} \u{1b}[31m".to_owned()),
        },
        (_, 5) => Command::Skip {
            step,
            reason: "not needed".to_owned(),
        },
        (_, 6) => Command::Resolve {
            step,
            outcome: *chance.one(&[Outcome::Succeeded, Outcome::Failed]),
            reason: Some("looked".to_owned()),
        },
        (_, 7) => Command::Claim { step },
        (_, 8) => Command::Note {
            text: "Something was seen.\nTwice — ".repeat(1 + chance.below(12)),
            at: Some(now),
            until: None,
            fidelity,
            step: None,
            details: chance
                .percent(50)
                .then(|| Box::new(telling::details(chance))),
        },
        _ => return of_incident(world, chance, who),
    };
    let _ = world.command(who, command);
}

fn of_incident(world: &mut World, chance: &mut Chance, who: &str) {
    let _ = match chance.below(9) {
        6..=8 => world.command(who, telling::any(world, chance)),
        0 => world.command(
            who,
            Command::SetSeverity(*chance.one(&[Severity::Sev1, Severity::Sev4])),
        ),
        1 => {
            let milestone = *chance.one(&Milestone::ALL);
            world.command(
                who,
                Command::Reach {
                    milestone,
                    at: None,
                    fidelity: Fidelity::Estimated,
                },
            )
        }
        2 => {
            let run = world.run_of(chance.below(2), &[("host", "h1"), ("target", "web")], &[]);
            world.command(who, Command::StartRun(Box::new(run)))
        }
        3 => world.command(
            who,
            Command::Update {
                audience: "customers".to_owned(),
                state: None,
                message: "It goes on.".to_owned(),
                next: None,
            },
        ),
        4 if chance.percent(30) => world.act(who, Intent::Close),
        _ => world.act(
            who,
            Intent::Reopen {
                reason: "again".to_owned(),
            },
        ),
    };
}

/// One person changes what the record stands on.
fn ground(world: &mut World, chance: &mut Chance, who: &str, offered: &OfferedPolicy) {
    let _ = match chance.below(6) {
        0 => {
            let gone = *chance.one(&PEOPLE);
            let key = key_of(gone).public_key().fingerprint(HashAlg::Sha256);
            let revoked = Revoked {
                who: principal(gone),
                key: chance.percent(40).then(|| key.to_string()),
                role: None,
            };
            let role = chance
                .percent(30)
                .then(|| Role::from(*chance.one(&["approver", "commander"])));
            let revoked = match role {
                Some(role) => Revoked {
                    key: None,
                    role: Some(role),
                    ..revoked
                },
                None => revoked,
            };
            world.command(
                who,
                Command::Revoked {
                    commit: "8c4f0e2".to_owned(),
                    revoked: vec![revoked],
                },
            )
        }
        1 => world.act(
            who,
            Intent::Expunge {
                evidence: Digest::of(b"leaked"),
                reason: "a password".to_owned(),
            },
        ),
        _ => {
            let at = world.at(who);
            prepare::adoption(&world.state, &offered.policy, None, &at).and_then(|prepared| {
                let signed = sign_in(who, world.mode.namespace(), &prepared.statement);
                world.command(
                    who,
                    Command::Adopt {
                        policy: Box::new(offered.clone()),
                        signed,
                    },
                )
            })
        }
    };
}

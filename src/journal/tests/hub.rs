//! Sharing through a hub, with the real git program in between.

use std::path::PathBuf;
use std::process::Command;

use super::publication::{all_refs, captured, git};
use super::*;
use crate::engine::WriterId;
use crate::engine::event::Place;
use crate::journal::history::Imported;
use crate::journal::sync::{Pushed, fetch_evidence, find_at_hub};
use crate::journal::{HubProblem, Publisher, SyncError, Synced, Transport, TransportError, sync};

/// The user's git, in the plainest way.
pub(super) struct Plain;

fn run(args: &[&str], git_dir: Option<&Path>) -> (bool, String, String) {
    let mut command = Command::new("git");
    if let Some(dir) = git_dir {
        command.arg("--git-dir").arg(dir);
    }
    let output = command
        .args(args)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

impl Transport for Plain {
    fn fetch(&self, git_dir: &Path, url: &str, refspecs: &[String]) -> Result<(), TransportError> {
        let mut args = vec![
            "fetch",
            "--no-tags",
            "--no-write-fetch-head",
            "--quiet",
            "--",
            url,
        ];
        args.extend(refspecs.iter().map(String::as_str));
        let (ok, _, error) = run(&args, Some(git_dir));
        if ok {
            Ok(())
        } else {
            Err(TransportError(error))
        }
    }

    fn push(
        &self,
        git_dir: &Path,
        url: &str,
        refspecs: &[String],
    ) -> Result<Vec<Pushed>, TransportError> {
        let mut args = vec!["push", "--porcelain", "--", url];
        args.extend(refspecs.iter().map(String::as_str));
        let (ok, out, error) = run(&args, Some(git_dir));
        let results: Vec<_> = out
            .lines()
            .filter_map(|line| {
                let mut fields = line.split('\t');
                let (flag, refs, what) = (fields.next()?, fields.next()?, fields.next()?);
                let (_, reference) = refs.split_once(':')?;
                let result = if flag == "!" {
                    Err(what.to_owned())
                } else {
                    Ok(())
                };
                Some(Pushed {
                    reference: reference.to_owned(),
                    result,
                })
            })
            .collect();
        if ok || !results.is_empty() {
            Ok(results)
        } else {
            Err(TransportError(error))
        }
    }

    fn ls_remote(
        &self,
        url: &str,
        patterns: &[String],
    ) -> Result<Vec<(String, String)>, TransportError> {
        let mut args = vec!["ls-remote", "--", url];
        args.extend(patterns.iter().map(String::as_str));
        let (ok, out, error) = run(&args, None);
        if !ok {
            return Err(TransportError(error));
        }
        Ok(out
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(oid, name)| (oid.to_owned(), name.to_owned()))
            .collect())
    }
}

pub(super) struct Peer {
    pub journal: Journal,
    pub publisher: Publisher,
    url: String,
}

impl Peer {
    pub(super) fn new(dir: &Path, name: &str, hub: &Path) -> Self {
        let store = Store::new(dir.join(name));
        let journal = Journal::create(&store, &incident()).unwrap();
        let publisher = Publisher::open(&store).unwrap();
        Self {
            journal,
            publisher,
            url: hub.to_str().unwrap().to_owned(),
        }
    }

    pub(super) fn sync(&mut self) -> Result<Synced, SyncError> {
        sync(&mut self.journal, &mut self.publisher, &Plain, &self.url)
    }

    fn say(&mut self, name: &str, text: &str) {
        record(&mut self.journal, vec![note(name, 1, text)]).unwrap();
    }
}

pub(super) fn hub(dir: &Path) -> PathBuf {
    let hub = dir.join("hub.git");
    assert!(run(&["init", "--bare", "-q", hub.to_str().unwrap()], None).0);
    hub
}

fn two(dir: &Path) -> (PathBuf, Peer, Peer) {
    let hub = hub(dir);
    let mut alice = Peer::new(dir, "alice", &hub);
    record(&mut alice.journal, vec![start("alice")]).unwrap();
    alice.sync().unwrap();
    let mut bob = Peer::new(dir, "bob", &hub);
    assert_eq!(bob.sync().unwrap().received.len(), 1);
    (hub, alice, bob)
}

#[test]
fn two_people_who_sync_have_the_same_record() {
    let dir = tempfile::tempdir().unwrap();
    let (hub, mut alice, mut bob) = two(dir.path());
    bob.say("bob", "I am here");
    let done = bob.sync().unwrap();
    assert_eq!(
        (done.sent, done.received.len(), done.problems.len()),
        (1, 0, 0)
    );
    alice.say("alice", "so am I");
    let done = alice.sync().unwrap();
    assert_eq!((done.sent, done.received.len()), (1, 1));
    bob.sync().unwrap();
    assert_eq!(alice.journal.log().events(), bob.journal.log().events());
    assert_eq!(
        all_refs(alice.publisher.path()),
        all_refs(bob.publisher.path())
    );
    assert_eq!(all_refs(&hub), all_refs(bob.publisher.path()));
    let done = bob.sync().unwrap();
    assert_eq!(
        (done.sent, done.received.len(), done.problems.len()),
        (0, 0, 0)
    );
    let again = Journal::open(bob.journal.store(), &incident()).unwrap();
    assert_eq!(again.log().events(), alice.journal.log().events());
    assert_eq!(again.faults(), vec![]);
    let short = incident().short(6);
    assert_eq!(
        find_at_hub(&Plain, hub.to_str().unwrap(), &short).unwrap(),
        [incident()]
    );
    assert_eq!(
        find_at_hub(&Plain, hub.to_str().unwrap(), "INC-0000").unwrap(),
        []
    );
}

#[test]
fn case_27_a_forced_rewind_is_refused_told_and_put_right_by_its_writer() {
    let dir = tempfile::tempdir().unwrap();
    let (hub, mut alice, mut bob) = two(dir.path());
    alice.say("alice", "said");
    alice.sync().unwrap();
    bob.sync().unwrap();
    let writer = alice.journal.log().events()[0].writer.clone();
    let name = format!("refs/incidents/{}/w/{writer}", incident());
    git(&hub, &["update-ref", &name, &format!("{name}~1")]);
    let done = bob.sync().unwrap();
    assert_eq!(
        done.problems,
        [HubProblem::Rewound {
            writer: writer.clone()
        }]
    );
    assert_eq!(bob.journal.log().events().len(), 2);
    let done = alice.sync().unwrap();
    assert_eq!((done.sent, done.problems.len()), (1, 1));
    assert_eq!(bob.sync().unwrap().problems, []);
    git(&hub, &["update-ref", "-d", &name]);
    let done = bob.sync().unwrap();
    assert_eq!(
        done.problems,
        [HubProblem::Deleted {
            writer: writer.clone()
        }]
    );
    alice.sync().unwrap();
    assert_eq!(bob.sync().unwrap().problems, []);
}

#[test]
fn case_27_a_rewritten_history_is_refused_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let (hub, mut alice, mut bob) = two(dir.path());
    alice.say("alice", "said");
    alice.sync().unwrap();
    bob.sync().unwrap();
    let writer = alice.journal.log().events()[0].writer.clone();
    let name = format!("refs/incidents/{}/w/{writer}", incident());
    let tree = git(&hub, &["rev-parse", &format!("{name}^{{tree}}")]);
    let forged = Command::new("git")
        .arg("--git-dir")
        .arg(&hub)
        .args([
            "-c",
            "user.name=m",
            "-c",
            "user.email=m@m",
            "commit-tree",
            tree.trim(),
            "-m",
            "forged",
        ])
        .output()
        .unwrap();
    let forged = String::from_utf8(forged.stdout).unwrap();
    git(&hub, &["update-ref", &name, forged.trim()]);
    let done = bob.sync().unwrap();
    assert_eq!(done.problems, [HubProblem::Rewound { writer }]);
    assert_eq!(bob.journal.log().events().len(), 2);
    let done = alice.sync().unwrap();
    assert!(
        done.problems
            .iter()
            .any(|problem| matches!(problem, HubProblem::Rejected { .. })),
        "{:?}",
        done.problems
    );
}

#[test]
fn commits_that_are_not_the_ones_of_their_events_are_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (hub, mut alice, mut bob) = two(dir.path());
    alice.say("alice", "said");
    alice.publisher.publish(&alice.journal).unwrap();
    let writer = alice.journal.log().events()[0].writer.clone();
    let name = format!("refs/incidents/{}/w/{writer}", incident());
    // The same event, tree and parents, but another subject: what `git log` shows would lie.
    let raw = git(alice.publisher.path(), &["cat-file", "commit", &name]);
    let forged = raw.replace("note.added\n\n", "note.added and approved\n\n");
    let forged = if forged == raw {
        raw.replacen("\n\n", "\n\nLies. ", 1)
    } else {
        forged
    };
    let file = dir.path().join("forged");
    std::fs::write(&file, forged).unwrap();
    let oid = git(
        alice.publisher.path(),
        &["hash-object", "-t", "commit", "-w", file.to_str().unwrap()],
    );
    let spec = format!("{}:{name}", oid.trim());
    assert!(
        run(
            &["push", "-q", hub.to_str().unwrap(), &spec],
            Some(alice.publisher.path())
        )
        .0
    );
    let stray = format!("{name}:refs/incidents/{}/w/not-a-writer", incident());
    assert!(
        run(
            &["push", "-q", hub.to_str().unwrap(), &stray],
            Some(alice.publisher.path())
        )
        .0
    );
    let other = format!("{name}:refs/incidents/{}/w/{}", incident(), "e".repeat(32));
    assert!(
        run(
            &["push", "-q", hub.to_str().unwrap(), &other],
            Some(alice.publisher.path())
        )
        .0
    );
    let done = bob.sync().unwrap();
    assert_eq!(done.problems.len(), 3, "{:?}", done.problems);
    assert!(
        done.problems
            .iter()
            .any(|problem| matches!(problem, HubProblem::Odd { .. }))
    );
    assert!(done.problems.iter().any(|problem| matches!(
        problem, HubProblem::NotOurs { writer: of, what } if *of == writer && what.contains("not the commit"))));
    assert!(done.problems.iter().any(|problem| matches!(
        problem, HubProblem::NotOurs { what, .. } if what.contains("is of writer"))));
    bob.say("bob", "undisturbed");
    let done = bob.sync().unwrap();
    assert_eq!(done.sent, 1);
}

#[test]
fn evidence_goes_after_the_events_and_comes_when_it_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let (hub, mut alice, mut bob) = two(dir.path());
    let bytes = b"accepted publickey".repeat(100);
    let (digest, size) = alice.journal.put_evidence(&mut bytes.as_slice()).unwrap();
    record(&mut alice.journal, vec![captured("alice", digest, size)]).unwrap();
    assert_eq!(alice.sync().unwrap().evidence_sent, 1);
    assert_eq!(alice.sync().unwrap().evidence_sent, 0);
    assert_eq!(bob.sync().unwrap().received.len(), 1);
    assert_eq!(bob.journal.evidence(&digest).unwrap(), None);
    let url = hub.to_str().unwrap();
    let got = fetch_evidence(&bob.journal, &bob.publisher, Some((&Plain, url)), &digest).unwrap();
    assert_eq!(got, Some(bytes.clone()));
    assert_eq!(bob.journal.evidence(&digest).unwrap(), Some(bytes));
    let nobody = Digest::of(b"nobody has this");
    let got = fetch_evidence(&bob.journal, &bob.publisher, Some((&Plain, url)), &nobody).unwrap();
    assert_eq!(got, None);
}

#[test]
fn a_hub_that_is_away_is_said_and_everything_else_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (hub, mut alice, mut bob) = two(dir.path());
    let away = dir.path().join("away");
    std::fs::rename(&hub, &away).unwrap();
    alice.say("alice", "offline");
    bob.say("bob", "offline, too");
    assert!(matches!(alice.sync(), Err(SyncError::Hub(_))));
    std::fs::rename(&away, &hub).unwrap();
    alice.sync().unwrap();
    bob.sync().unwrap();
    alice.sync().unwrap();
    assert_eq!(alice.journal.log().events(), bob.journal.log().events());
    assert_eq!(alice.journal.log().events().len(), 3);
}

#[test]
fn case_29_eight_writers_long_without_a_hub_are_byte_for_byte_the_same_afterwards() {
    const WRITERS: usize = 8;
    let each: i64 = std::env::var("RUNSHEET_TEST_EVENTS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(25);
    let dir = tempfile::tempdir().unwrap();
    let hub = hub(dir.path());
    let names: Vec<_> = (0..WRITERS).map(|n| format!("p{n}")).collect();
    let mut peers: Vec<_> = names
        .iter()
        .map(|name| Peer::new(dir.path(), name, &hub))
        .collect();
    record(&mut peers[0].journal, vec![start("p0")]).unwrap();
    for round in 0..2 {
        for peer in &mut peers {
            peer.sync().unwrap();
        }
        for (peer, name) in peers.iter_mut().zip(&names) {
            for index in 0..each / 5 {
                let batch = (0..5)
                    .map(|n| note(name, index * 5 + n, &format!("{name} {round} {index} {n}")))
                    .collect();
                record(&mut peer.journal, batch).unwrap();
            }
        }
    }
    for _ in 0..2 {
        for peer in &mut peers {
            assert_eq!(peer.sync().unwrap().problems, []);
        }
    }
    let refs = all_refs(&hub);
    let events = peers[0].journal.log().events().to_vec();
    assert_eq!(events.len() as i64, 1 + 2 * WRITERS as i64 * (each / 5 * 5));
    let state = format!("{:?}", peers[0].journal.state());
    for (peer, name) in peers.iter().zip(&names) {
        assert_eq!(peer.journal.log().events(), &events[..]);
        assert_eq!(format!("{:?}", peer.journal.state()), state);
        assert_eq!(all_refs(peer.publisher.path()), refs);
        for writer in peer.journal.log().writers() {
            let file = |name: &str| {
                dir.path()
                    .join(name)
                    .join(format!("incidents/{}/{writer}.jsonl", incident()))
            };
            assert_eq!(
                std::fs::read(file(name)).unwrap(),
                std::fs::read(file("p0")).unwrap()
            );
        }
    }
}

/// Somebody who can write to the hub adds an event to a writer of another, well-formed in every way.
fn forge_at_the_hub(mallory: &mut Peer, hub: &Path, writer: &WriterId, text: &str) {
    mallory.sync().unwrap();
    let mut events = mallory.journal.log().events().iter();
    let last = events.rfind(|event| &event.writer == writer).unwrap();
    let place = Place {
        incident: incident(),
        writer: writer.clone(),
        seq: last.seq + 1,
        prev: Some(last.id),
        seen: vec![],
    };
    let (event, line) = Event::record(note("alice", 9, text), place).unwrap();
    let forged = Imported {
        event: Arc::new(event),
        line: line.into_bytes(),
    };
    mallory.journal.import(vec![forged]).unwrap();
    mallory.publisher.publish(&mallory.journal).unwrap();
    let name = format!("refs/incidents/{}/w/{writer}", incident());
    let spec = format!("{name}:{name}");
    let args = ["push", "-q", hub.to_str().unwrap(), &spec];
    assert!(run(&args, Some(mallory.publisher.path())).0);
}

#[test]
fn what_an_own_writer_never_wrote_is_not_taken_in_and_a_new_writer_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (hub, mut alice, mut bob) = two(dir.path());
    let writer = alice.journal.log().events()[0].writer.clone();
    let mut mallory = Peer::new(dir.path(), "mallory", &hub);
    forge_at_the_hub(&mut mallory, &hub, &writer, "I resign");
    let done = alice.sync().unwrap();
    let forged = |taken| HubProblem::Forged {
        writer: writer.clone(),
        taken,
    };
    assert!(done.problems.contains(&forged(false)), "{done:?}");
    assert_eq!(texts(&alice.journal), ["incident.started"]);
    // It is told for as long as it is there, and what alice says still reaches everybody.
    let done = alice.sync().unwrap();
    assert!(done.problems.contains(&forged(false)), "{done:?}");
    alice.say("alice", "that was not me");
    alice.sync().unwrap();
    bob.sync().unwrap();
    assert!(texts(&bob.journal).contains(&"that was not me".to_owned()));
    // Bob took the forgery for alice's; once he wrote after it, it cannot be left out any more.
    bob.say("bob", "what was not you?");
    bob.sync().unwrap();
    let done = alice.sync().unwrap();
    assert!(done.problems.contains(&forged(true)), "{done:?}");
    assert!(texts(&alice.journal).contains(&"what was not you?".to_owned()));
    assert_eq!(alice.journal.log().events(), bob.journal.log().events());
    let again = Journal::open(alice.journal.store(), &incident()).unwrap();
    assert_eq!(again.log().events(), bob.journal.log().events());
}

#[test]
fn any_number_of_foreign_references_keeps_nobody_from_hearing_of_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let (hub, mut alice, mut bob) = two(dir.path());
    let junk = dir.path().join("junk");
    std::fs::write(&junk, "hi").unwrap();
    let junk = git(&hub, &["hash-object", "-w", junk.to_str().unwrap()]);
    let name = |text: String| format!("refs/incidents/{}/w/{text}", incident());
    for number in 0..150 {
        let name = name(format!("{number:032x}"));
        git(&hub, &["update-ref", &name, junk.trim()]);
    }
    git(&hub, &["update-ref", &name("odd".to_owned()), junk.trim()]);
    bob.say("bob", "I am here");
    bob.sync().unwrap();
    let done = alice.sync().unwrap();
    assert_eq!(texts(&alice.journal), ["incident.started", "I am here"]);
    assert_eq!(done.received.len(), 1);
    assert_eq!(done.problems.len(), 151);
    assert!(done.problems.iter().all(HubProblem::is_junk));
    alice.say("alice", "so am I");
    assert_eq!(alice.sync().unwrap().sent, 1);
    assert_eq!(bob.sync().unwrap().received.len(), 1);
}

//! Publishing: the same journal gives the same commits, whatever happens to the repository.

use std::process::Command;

use super::*;
use crate::engine::fact::{Evidence, EvidenceCaptured};
use crate::journal::{Publisher, restore};

pub(super) fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .arg("--git-dir")
        .arg(dir)
        .args(args)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

pub(super) fn all_refs(dir: &Path) -> String {
    git(
        dir,
        &[
            "for-each-ref",
            "--format=%(refname) %(objectname)",
            "refs/incidents",
        ],
    )
}

/// Two people in one state directory, each citing the other.
pub(super) fn dialogue(state: &Path, turns: i64) -> Journal {
    let mut journal = begun(state, 1);
    for turn in 0..turns {
        record(
            &mut journal,
            vec![note("bob", turn, &format!("bob {turn}"))],
        )
        .unwrap();
        record(
            &mut journal,
            vec![note("alice", turn, &format!("alice {turn}"))],
        )
        .unwrap();
    }
    journal
}

#[test]
fn one_event_is_one_commit_that_reads_as_a_timeline() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = begun(dir.path(), 1);
    let mut backdated = note("bob", 90, "seen earlier");
    backdated.occurred_at = "2026-11-23T14:05:00+01:00".parse().unwrap();
    record(&mut journal, vec![backdated]).unwrap();
    let mut publisher = Publisher::open(journal.store()).unwrap();
    assert_eq!(publisher.publish(&journal).unwrap().events, 3);
    assert_eq!(publisher.publish(&journal).unwrap().events, 0);
    let bob = journal
        .log()
        .events()
        .iter()
        .find(|e| e.person == person("bob"))
        .unwrap();
    let name = format!("refs/incidents/{}/w/{}", incident(), bob.writer);
    let raw = git(publisher.path(), &["cat-file", "commit", &name]);
    let lines: Vec<_> = raw.lines().collect();
    assert!(
        lines[0].starts_with("tree ") && lines[1].starts_with("parent "),
        "{raw}"
    );
    assert_eq!(
        lines[2],
        "author bob@example.org <bob@example.org> 1795439100 +0100"
    );
    assert_eq!(
        lines[3],
        "committer bob@example.org <bob@example.org> 1795444200 +0000"
    );
    assert_eq!(lines[4], "");
    assert_eq!(lines[5], crate::engine::sentence::sentence(bob));
    assert_eq!(lines[6], "");
    assert_eq!(lines[7], format!("Event: {}", bob.id));
    assert_eq!(lines[8], "Kind: note.added");
    assert_eq!(lines[9], format!("Incident: {}", incident()));
    assert_eq!(lines[10], format!("Writer: {}", bob.writer));
    assert_eq!(lines[11..], ["Seq: 1"]);
    let tree = git(publisher.path(), &["ls-tree", &name]);
    assert!(
        tree.starts_with("100644 blob ") && tree.ends_with("\tevent.json\n"),
        "{tree}"
    );
    let blob = git(
        publisher.path(),
        &["cat-file", "blob", &format!("{name}:event.json")],
    );
    assert_eq!(
        blob.as_bytes(),
        [&journal.line(bob).unwrap().unwrap()[..], b"\n"].concat()
    );
    assert_eq!(
        git(publisher.path(), &["log", "--format=%s", &name])
            .lines()
            .count(),
        3
    );
    git(publisher.path(), &["fsck", "--strict", "--full"]);
}

#[test]
fn few_as_loose_objects_and_many_as_one_pack_give_the_same_commits() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let mut journal = begun(&one, 0);
    let mut publisher = Publisher::open(journal.store()).unwrap();
    for turn in 0..100 {
        let name = ["alice", "bob", "carol"][turn % 3];
        record(&mut journal, vec![note(name, turn as i64, "step by step")]).unwrap();
        publisher.publish(&journal).unwrap();
    }
    Command::new("cp")
        .arg("-a")
        .args([one.join("incidents"), dir.path().join("i")])
        .status()
        .unwrap();
    std::fs::create_dir(&two).unwrap();
    std::fs::rename(dir.path().join("i"), two.join("incidents")).unwrap();
    let copy = Journal::open(&Store::new(&two), &incident()).unwrap();
    let mut bulk = Publisher::open(copy.store()).unwrap();
    assert_eq!(bulk.publish(&copy).unwrap().events, 101);
    assert_eq!(all_refs(publisher.path()), all_refs(bulk.path()));
    let packs = std::fs::read_dir(bulk.path().join("objects/pack")).unwrap();
    assert_eq!(
        packs
            .filter(|e| e.as_ref().unwrap().path().extension().unwrap() == "pack")
            .count(),
        1
    );
    git(bulk.path(), &["fsck", "--strict", "--full"]);
}

#[test]
fn case_28_gc_a_stale_lock_and_a_deleted_repository_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = dialogue(dir.path(), 3);
    let mut publisher = Publisher::open(journal.store()).unwrap();
    publisher.publish(&journal).unwrap();
    let refs = all_refs(publisher.path());
    git(publisher.path(), &["gc", "--prune=now", "-q"]);
    assert_eq!(all_refs(publisher.path()), refs);
    // What gc packed, with what comes after it.
    let events = record(&mut journal, vec![note("alice", 50, "after gc")]).unwrap();
    let name = format!("refs/incidents/{}/w/{}.lock", incident(), events[0].writer);
    let stale = publisher.path().join(&name);
    std::fs::create_dir_all(stale.parent().unwrap()).unwrap();
    std::fs::write(&stale, "").unwrap();
    assert_eq!(publisher.publish(&journal).unwrap().events, 1);
    assert!(!stale.exists());
    let refs = all_refs(publisher.path());
    git(publisher.path(), &["fsck", "--strict", "--full"]);
    std::fs::remove_dir_all(publisher.path()).unwrap();
    assert_eq!(
        publisher.publish(&journal).unwrap().events,
        journal.log().events().len()
    );
    assert_eq!(all_refs(publisher.path()), refs);
    std::fs::remove_dir_all(publisher.path()).unwrap();
    std::fs::write(publisher.path(), "rubbish").unwrap();
    let mut again = Publisher::open(journal.store()).unwrap();
    again.publish(&journal).unwrap();
    assert_eq!(all_refs(again.path()), refs);
    assert!(dir.path().join("record.git.aside.0").is_file());
    let rebuilt = Publisher::rebuild(journal.store(), &[&journal]).unwrap();
    assert_eq!(all_refs(rebuilt.path()), refs);
}

#[test]
fn what_a_power_cut_left_of_the_published_form_is_published_again() {
    for keep in [0, 1, 20, 60] {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = begun(dir.path(), 2);
        let mut publisher = Publisher::open(journal.store()).unwrap();
        publisher.publish(&journal).unwrap();
        let refs = all_refs(publisher.path());
        let (name, tip) = refs.trim().split_once(' ').unwrap();
        let tree = git(
            publisher.path(),
            &["rev-parse", &format!("{name}^{{tree}}")],
        );
        for oid in [tip, tree.trim()] {
            let path = publisher
                .path()
                .join("objects")
                .join(&oid[..2])
                .join(&oid[2..]);
            let bytes = std::fs::read(&path).unwrap();
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, &bytes[..keep.min(bytes.len() - 1)]).unwrap();
        }
        drop(publisher);
        let mut publisher = Publisher::open(journal.store()).unwrap();
        publisher.publish(&journal).unwrap();
        assert_eq!(all_refs(publisher.path()), refs);
        git(publisher.path(), &["fsck", "--strict", "--full"]);
        std::fs::write(publisher.path().join(name), "").unwrap();
        record(
            &mut journal,
            vec![note("alice", 9, "after an empty reference")],
        )
        .unwrap();
        Publisher::open(journal.store())
            .unwrap()
            .publish(&journal)
            .unwrap();
        assert_eq!(
            git(publisher.path(), &["log", "--format=%s", name])
                .lines()
                .count(),
            4
        );
    }
}

#[test]
fn the_journal_is_made_again_from_git_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let journal = dialogue(&one, 20);
    Publisher::open(journal.store())
        .unwrap()
        .publish(&journal)
        .unwrap();
    std::fs::create_dir(&two).unwrap();
    let copied = Command::new("cp")
        .arg("-a")
        .args([one.join("record.git"), two.clone()])
        .status();
    assert!(copied.unwrap().success());
    let store = Store::new(&two);
    let mut publisher = Publisher::open(&store).unwrap();
    assert_eq!(publisher.incidents().unwrap(), [incident()]);
    let restored = restore(&store, &mut publisher, &incident()).unwrap();
    assert_eq!(restored.log().events(), journal.log().events());
    for writer in journal.log().writers() {
        let file = format!("incidents/{}/{writer}.jsonl", incident());
        assert_eq!(
            std::fs::read(one.join(&file)).unwrap(),
            std::fs::read(two.join(&file)).unwrap()
        );
    }
}

#[test]
fn evidence_is_kept_by_its_digest_and_published_beside_the_events() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = begun(dir.path(), 0);
    let bytes = b"sshd: accepted publickey\n\0\xff".repeat(1000);
    let (digest, size) = journal.put_evidence(&mut bytes.as_slice()).unwrap();
    assert_eq!((digest, size), (Digest::of(&bytes), bytes.len() as u64));
    assert_eq!(
        journal.put_evidence(&mut bytes.as_slice()).unwrap().0,
        digest
    );
    record(&mut journal, vec![captured("alice", digest, size)]).unwrap();
    let mut publisher = Publisher::open(journal.store()).unwrap();
    assert_eq!(publisher.publish(&journal).unwrap().evidence, 1);
    assert_eq!(publisher.publish(&journal).unwrap().evidence, 0);
    let name = format!("refs/incidents/{}/e/{}", incident(), digest.hex());
    assert_eq!(
        git(publisher.path(), &["cat-file", "-s", &name]).trim(),
        size.to_string()
    );
    assert_eq!(journal.evidence(&digest).unwrap(), Some(bytes.clone()));
    let file = dir.path().join(format!(
        "incidents/{}/evidence/{}",
        incident(),
        digest.hex()
    ));
    std::fs::write(&file, "something else").unwrap();
    assert_eq!(journal.evidence(&digest).unwrap(), None);
    std::fs::remove_file(&file).unwrap();
    let back = crate::journal::sync::fetch_evidence(&journal, &publisher, None, &digest).unwrap();
    assert_eq!(back, Some(bytes));
    assert!(file.exists());
}

pub(super) fn captured(name: &str, sha256: Digest, size: u64) -> Draft {
    let fact = EvidenceCaptured {
        evidence: Evidence {
            sha256,
            size,
            name: "auth".to_owned(),
            source: "/var/log/auth.log".to_owned(),
            host: "bastion".to_owned(),
            range: Some((0, size)),
            original_sha256: None,
            redacted: 0,
            dropped: 0,
            collected_at: "2026-11-23T13:00:00Z".parse().unwrap(),
            pull: None,
        },
        step: None,
    };
    draft(name, 2, fact)
}

#[test]
fn the_list_of_incidents_is_kept_and_follows_changes() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = begun(dir.path(), 2);
    let store = journal.store().clone();
    let list = store.summaries().unwrap();
    assert_eq!((list.len(), list[0].events, list[0].closed), (1, 3, false));
    assert_eq!(store.summaries().unwrap(), list);
    record(&mut journal, vec![note("alice", 5, "more")]).unwrap();
    assert_eq!(store.summaries().unwrap()[0].events, 4);
    std::fs::write(dir.path().join("incidents.cache"), "rubbish").unwrap();
    assert_eq!(store.summaries().unwrap()[0].events, 4);
}

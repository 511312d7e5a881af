//! Segments: who may write one, what a crash leaves, what is planted.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;
use crate::journal::{Fault, JournalError};

fn append_raw(path: &Path, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn what_was_recorded_is_read_back_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let journal = begun(dir.path(), 5);
    let again = Journal::open(journal.store(), &incident()).unwrap();
    assert_eq!(journal.log().events(), again.log().events());
    assert_eq!(
        format!("{:?}", journal.state()),
        format!("{:?}", again.state())
    );
    assert_eq!(again.faults(), vec![]);
    let mode = std::fs::metadata(only_segment(dir.path())).unwrap().mode();
    assert_eq!(mode & 0o7777, 0o640);
    assert_eq!(
        std::fs::metadata(dir.path()).unwrap().mode() & 0o7777,
        0o700
    );
}

#[test]
fn a_second_process_of_the_same_person_is_the_same_writer_and_sees_what_the_first_did() {
    let dir = tempfile::tempdir().unwrap();
    let mut one = begun(dir.path(), 1);
    let mut two = Journal::open(one.store(), &incident()).unwrap();
    record(&mut two, vec![note("alice", 2, "from the second")]).unwrap();
    let (_, seen) = one
        .transact(|state| {
            Ok::<_, Infallible>((vec![note("alice", 3, "then the first")], state.count))
        })
        .unwrap();
    assert_eq!(seen, 3, "the decision was made on the newest state");
    assert_eq!(two.poll().unwrap().len(), 1);
    assert_eq!(texts(&one), texts(&two));
    assert_eq!(one.log().writers().count(), 1);
    assert_eq!(only_segment(dir.path()), only_segment(dir.path()));
}

#[test]
fn a_refused_decision_touches_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = begun(dir.path(), 1);
    let before = std::fs::read(only_segment(dir.path())).unwrap();
    let refused = journal.transact(|_| Err::<(Vec<Draft>, ()), _>("no"));
    assert!(matches!(refused, Err(TransactError::Refused("no"))));
    assert_eq!(std::fs::read(only_segment(dir.path())).unwrap(), before);
}

#[test]
fn a_torn_tail_is_cut_off_kept_aside_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = begun(dir.path(), 2).store().clone();
    let path = only_segment(dir.path());
    let whole = std::fs::read(&path).unwrap();
    append_raw(&path, b"{\"account\":\"al");
    let mut journal = Journal::open(&store, &incident()).unwrap();
    assert_eq!(journal.log().events().len(), 3, "reading does not mend");
    let events = record(&mut journal, vec![note("alice", 9, "on we go")]).unwrap();
    let Fact::JournalRecovered(told) = &events[0].fact else {
        panic!("{events:?}")
    };
    assert_eq!(told.bytes, 14);
    assert_eq!(told.sha256, Digest::of(b"{\"account\":\"al"));
    assert!(std::fs::read(&path).unwrap().starts_with(&whole));
    let aside = path.with_extension(format!("torn.{}", told.sha256.hex()));
    assert_eq!(std::fs::read(aside).unwrap(), b"{\"account\":\"al");
    let again = Journal::open(&store, &incident()).unwrap();
    assert_eq!(again.faults(), vec![]);
    assert_eq!(texts(&again).len(), 5);
    let events = record(&mut journal, vec![note("alice", 10, "told once")]).unwrap();
    assert_eq!(events.len(), 1);
}

#[test]
fn what_was_mended_in_an_exercise_is_told_by_its_clock() {
    let dir = tempfile::tempdir().unwrap();
    let store = begun(dir.path(), 2).store().clone();
    append_raw(&only_segment(dir.path()), b"{\"account\":\"al");
    let mut journal = Journal::open(&store, &incident()).unwrap();
    let sim = "2027-03-05T16:40:00Z".parse().unwrap();
    let draft = Draft {
        mode: Mode::Exercise,
        sim_time: Some(sim),
        ..note("alice", 9, "on we go")
    };
    let events = record(&mut journal, vec![draft]).unwrap();
    assert_eq!(events[0].fact.kind(), "journal.recovered");
    assert_eq!(events[0].occurred_at.to_utc(), sim);
    assert_eq!(events[0].sim_time, Some(sim));
}

#[test]
fn a_last_line_with_a_wrong_digest_is_kept_aside() {
    let dir = tempfile::tempdir().unwrap();
    let store = begun(dir.path(), 2).store().clone();
    let path = only_segment(dir.path());
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("note 2", "note X")).unwrap();
    let mut journal = Journal::open(&store, &incident()).unwrap();
    assert!(matches!(
        &journal.faults()[..],
        [Fault::Line { line: 3, .. }]
    ));
    record(&mut journal, vec![note("alice", 9, "on we go")]).unwrap();
    assert_eq!(
        texts(&journal),
        [
            "incident.started",
            "note 1",
            "journal.recovered",
            "on we go"
        ]
    );
    assert_eq!(journal.faults(), vec![]);
    assert_eq!(journal.log().writers().count(), 1);
}

#[test]
fn a_last_line_with_a_wrong_digest_stays_when_somebody_cites_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = {
        let mut journal = begun(dir.path(), 2);
        record(&mut journal, vec![note("bob", 5, "I saw note 2")]).unwrap();
        journal.store().clone()
    };
    let segments = dir.path().join("incidents").join(incident().as_str());
    let path = std::fs::read_dir(&segments)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            std::fs::read_to_string(path)
                .is_ok_and(|text| text.contains("note 2\"") && text.contains("note 1"))
        })
        .unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("note 2", "note X")).unwrap();
    let mut journal = Journal::open(&store, &incident()).unwrap();
    let events = record(&mut journal, vec![note("alice", 9, "on we go")]).unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        text.replace("note 2", "note X"),
        "the evidence stays where it is"
    );
    assert_eq!(events.last().unwrap().seq, 2, "a new writer goes on");
    assert!(
        journal
            .faults()
            .iter()
            .any(|fault| matches!(fault, Fault::Line { line: 3, .. }))
    );
}

#[test]
fn case_31_planted_links_fifos_and_hard_links_are_refused_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = begun(dir.path(), 1);
    let segments = dir.path().join("incidents").join(incident().as_str());
    let name = |digit: &str| segments.join(format!("{}.jsonl", digit.repeat(32)));
    symlink("/etc/passwd", name("1")).unwrap();
    let fifo = name("2");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let elsewhere = dir.path().join("elsewhere");
    std::fs::write(&elsewhere, "not yours\n").unwrap();
    std::fs::hard_link(&elsewhere, name("3")).unwrap();
    std::fs::create_dir(name("4")).unwrap();
    std::fs::write(segments.join("odd.jsonl"), "").unwrap();
    journal.poll().unwrap();
    let told: Vec<_> = journal.faults().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 5, "{told:#?}");
    for what in [
        "symbolic link",
        "no regular file",
        "2 names instead of one",
        "writer id",
    ] {
        assert!(
            told.iter().any(|fault| fault.contains(what)),
            "{what}: {told:#?}"
        );
    }
    assert_eq!(texts(&journal), ["incident.started", "note 1"]);
    record(&mut journal, vec![note("alice", 2, "undisturbed")]).unwrap();
}

#[test]
fn case_31_the_own_segment_replaced_by_a_link_is_never_written_through() {
    for replace in ["symlink", "hardlink", "fifo", "gone"] {
        let dir = tempfile::tempdir().unwrap();
        let store = begun(dir.path(), 1).store().clone();
        let path = only_segment(dir.path());
        let victim = dir.path().join("victim");
        std::fs::rename(&path, &victim).unwrap();
        match replace {
            "symlink" => symlink(&victim, &path).unwrap(),
            "hardlink" => std::fs::hard_link(&victim, &path).unwrap(),
            "fifo" => assert!(
                std::process::Command::new("mkfifo")
                    .arg(&path)
                    .status()
                    .unwrap()
                    .success()
            ),
            _ => {}
        }
        let before = std::fs::read(&victim).unwrap();
        let mut journal = Journal::open(&store, &incident()).unwrap();
        // The start of the incident is not readable any more: only what is kept matters here.
        let _ = record(&mut journal, vec![note("alice", 2, "where does this go?")]);
        assert_eq!(std::fs::read(&victim).unwrap(), before, "{replace}");
    }
}

#[test]
fn a_segment_deleted_while_open_is_not_written_into_the_void() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = begun(dir.path(), 1);
    std::fs::remove_file(only_segment(dir.path())).unwrap();
    let events = record(&mut journal, vec![note("alice", 2, "kept")]).unwrap();
    assert!(
        journal
            .faults()
            .iter()
            .any(|fault| matches!(fault, Fault::Shrunk { .. }))
    );
    let text = std::fs::read_to_string(only_segment(dir.path())).unwrap();
    assert!(text.contains(&events.last().unwrap().id.to_string()));
    assert!(text.contains("\"kept\""));
}

#[test]
fn a_copied_state_directory_begins_a_new_writer() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let mut journal = begun(&one, 1);
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([&one, &two])
        .status()
        .unwrap();
    assert!(copied.success());
    let mut copy = Journal::open(&Store::new(&two), &incident()).unwrap();
    let person = person("alice");
    assert_ne!(
        journal.writer(&person).unwrap(),
        copy.writer(&person).unwrap()
    );
    let mut moved = Journal::open(&Store::new(&one).on_machine("other"), &incident()).unwrap();
    assert_ne!(
        journal.writer(&person).unwrap(),
        moved.writer(&person).unwrap()
    );
}

#[test]
fn case_26_two_heads_of_one_writer_are_both_kept_and_flagged() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let mut journal = begun(&one, 1);
    std::process::Command::new("cp")
        .arg("-a")
        .args([&one, &two])
        .status()
        .unwrap();
    record(&mut journal, vec![note("alice", 2, "here")]).unwrap();
    let segment = only_segment(&two);
    let twin = {
        let (event, line) = Event::record(
            note("alice", 2, "there"),
            crate::engine::event::Place {
                incident: incident(),
                writer: journal.log().events()[0].writer.clone(),
                seq: 3,
                prev: Some(journal.log().events()[1].id),
                seen: vec![],
            },
        )
        .unwrap();
        append_raw(&segment, format!("{line}\n").as_bytes());
        event
    };
    let store = Store::new(&one).with_spool(&two);
    let merged = Journal::open(&store, &incident()).unwrap();
    assert_eq!(merged.log().events().len(), 4);
    assert!(merged.log().has(&twin.id));
    assert!(matches!(&merged.faults()[..], [Fault::Fork { seq: 3, .. }]));
}

#[test]
fn an_event_of_a_newer_version_makes_the_incident_read_only_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let store = begun(dir.path(), 1).store().clone();
    let path = only_segment(dir.path());
    let text = std::fs::read_to_string(&path).unwrap();
    let last = text.lines().last().unwrap().replace("\"v\":1", "\"v\":2");
    append_raw(&path, format!("{last}\n").as_bytes());
    let mut journal = Journal::open(&store, &incident()).unwrap();
    let error = record(&mut journal, vec![note("alice", 2, "no")])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("version 2") && error.contains("update runsheet"),
        "{error}"
    );
    assert_eq!(texts(&journal).len(), 2);
}

#[test]
fn a_state_directory_that_cannot_be_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let store = begun(dir.path(), 1).store().clone();
    let segments = dir.path().join("incidents").join(incident().as_str());
    std::fs::remove_file(segments.join("lock")).unwrap();
    symlink("/nowhere/at/all", segments.join("lock")).unwrap();
    let mut journal = Journal::open(&store, &incident()).unwrap();
    assert_eq!(texts(&journal).len(), 2);
    let error = record(&mut journal, vec![note("alice", 2, "no")]).unwrap_err();
    assert!(
        matches!(error, TransactError::Journal(JournalError::ReadOnly(_))),
        "{error}"
    );
}

#[test]
fn a_second_start_of_the_incident_cannot_pass_for_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let journal = begun(dir.path(), 1);
    let spool = dir.path().join("spool");
    let forged = spool.join("incidents").join(incident().as_str());
    std::fs::create_dir_all(&forged).unwrap();
    for minute in 0..20 {
        let mut draft = start("mallory");
        draft.recorded_at += TimeDelta::minutes(minute);
        let writer = crate::engine::WriterId::new(format!("{minute:032x}")).unwrap();
        let place = crate::engine::event::Place {
            incident: incident(),
            writer: writer.clone(),
            seq: 1,
            prev: None,
            seen: vec![],
        };
        let (_, line) = Event::record(draft, place).unwrap();
        std::fs::write(forged.join(format!("{writer}.jsonl")), format!("{line}\n")).unwrap();
    }
    let store = journal.store().clone().with_spool(&spool);
    let merged = Journal::open(&store, &incident()).unwrap();
    assert_eq!(merged.log().events(), journal.log().events());
    assert_eq!(merged.faults().len(), 20);
}

#[test]
fn in_a_spool_each_follows_the_other_and_owns_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let spool = dir.path().join("spool");
    std::fs::create_dir(&spool).unwrap();
    let alice = Store::new(dir.path().join("alice")).with_spool(&spool);
    let bob = Store::new(dir.path().join("bob")).with_spool(&spool);
    let mut one = Journal::create(&alice, &incident()).unwrap();
    record(&mut one, vec![start("alice")]).unwrap();
    let mut two = Journal::open(&bob, &incident()).unwrap();
    assert_eq!(texts(&two), ["incident.started"]);
    record(&mut two, vec![note("bob", 1, "I am here")]).unwrap();
    assert_eq!(one.poll().unwrap().len(), 1);
    record(&mut one, vec![note("alice", 2, "good")]).unwrap();
    two.poll().unwrap();
    assert_eq!(one.log().events(), two.log().events());
    assert_eq!(one.log().events()[2].seen, vec![one.log().events()[1].id]);
    let shared = spool.join("incidents").join(incident().as_str());
    assert_eq!(
        std::fs::metadata(&shared).unwrap().permissions().mode() & 0o7777,
        0o3770
    );
    for entry in std::fs::read_dir(&shared).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(path.extension().unwrap(), "jsonl");
        assert_eq!(
            path.metadata().unwrap().permissions().mode() & 0o7777,
            0o640
        );
    }
    assert!(one.owners().values().all(|owner| owner.spool));
}

#[test]
fn events_in_a_file_of_another_account_are_flagged_unless_it_is_that_persons() {
    let dir = tempfile::tempdir().unwrap();
    let spool = dir.path().join("spool");
    std::fs::create_dir(&spool).unwrap();
    let store = Store::new(dir.path().join("alice")).with_spool(&spool);
    let mut journal = Journal::create(&store, &incident()).unwrap();
    record(&mut journal, vec![start("alice")]).unwrap();
    let segment = only_segment(&spool);
    if std::os::unix::fs::chown(&segment, Some(12_345), None).is_err() {
        // Only root can give a file away; without it there is no file of another account to look at.
        return;
    }
    let journal = Journal::open(&store, &incident()).unwrap();
    let name = |uid: u32| {
        if uid == 12_345 {
            "alice".to_owned()
        } else {
            uid.to_string()
        }
    };
    assert_eq!(
        journal.strangers(name, |who, account| who == &person(account)),
        vec![]
    );
    let name = |_: u32| "mallory".to_owned();
    let faults = journal.strangers(name, |who, account| who == &person(account));
    assert!(matches!(&faults[..], [Fault::Stranger { account, .. }] if account == "mallory"));
}

//! Case 24: the disk is full, or says no, at each single operation.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::*;
use crate::journal::disk::{Dir, Disk};
use crate::journal::{JournalError, OsDisk};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Op {
    Write,
    Short,
    Sync,
    SyncDir,
    Truncate,
    Rename,
    Create,
}

/// Fails one operation, and all of its kind after it as long as it is asked to.
#[derive(Debug)]
struct Failing {
    op: Op,
    errno: i32,
    /// How many of its kind go well first.
    after: AtomicI64,
    /// How many then fail.
    times: AtomicI64,
    failed: AtomicU64,
}

impl Failing {
    fn new(op: Op, errno: i32, after: i64, times: i64) -> Arc<Self> {
        Arc::new(Self {
            op,
            errno,
            after: AtomicI64::new(after),
            times: AtomicI64::new(times),
            failed: AtomicU64::new(0),
        })
    }

    fn check(&self, op: Op) -> io::Result<()> {
        if self.op != op || self.after.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Ok(());
        }
        if self.times.fetch_sub(1, Ordering::SeqCst) > 0 {
            self.failed.fetch_add(1, Ordering::SeqCst);
            return Err(io::Error::from_raw_os_error(self.errno));
        }
        Ok(())
    }
}

impl Disk for Failing {
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize> {
        self.check(Op::Write)?;
        if self.op == Op::Short
            && bytes.len() > 1
            && let Err(error) = self.check(Op::Short)
        {
            let half = OsDisk.write(file, &bytes[..bytes.len() / 2])?;
            assert!(half > 0);
            return Err(error);
        }
        OsDisk.write(file, bytes)
    }
    fn sync(&self, file: &File) -> io::Result<()> {
        self.check(Op::Sync)?;
        OsDisk.sync(file)
    }
    fn sync_dir(&self, dir: &Dir) -> io::Result<()> {
        self.check(Op::SyncDir)?;
        OsDisk.sync_dir(dir)
    }
    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.check(Op::Truncate)?;
        OsDisk.truncate(file, length)
    }
    fn rename(&self, dir: &Dir, from: &str, to: &str) -> io::Result<()> {
        self.check(Op::Rename)?;
        OsDisk.rename(dir, from, to)
    }
    fn create(&self, dir: &Dir, name: &str, mode: u32) -> io::Result<File> {
        self.check(Op::Create)?;
        OsDisk.create(dir, name, mode)
    }
}

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

/// Every operation of every kind fails once; whatever was acknowledged is there afterwards, whatever was not is either
/// there whole or not at all, and the next try goes on.
#[test]
fn case_24_no_acknowledged_event_is_lost_whatever_fails() {
    for op in [
        Op::Write,
        Op::Short,
        Op::Sync,
        Op::SyncDir,
        Op::Truncate,
        Op::Rename,
        Op::Create,
    ] {
        for errno in [ENOSPC, EIO] {
            for after in 0..14 {
                let dir = tempfile::tempdir().unwrap();
                let disk = Failing::new(op, errno, after, 1);
                let store = Store::new(dir.path()).on_disk(disk.clone());
                let mut acknowledged = Vec::new();
                let mut journal = None;
                for minute in 0..8 {
                    if journal.is_none() {
                        journal = Journal::create(&store, &incident()).ok();
                    }
                    let Some(open) = &mut journal else { continue };
                    let draft = if open.log().events().is_empty() {
                        start("alice")
                    } else {
                        note("alice", minute, &format!("note {minute}"))
                    };
                    match record(open, vec![draft]) {
                        Ok(events) => acknowledged.extend(events),
                        Err(_) if open.read_only().is_some() => journal = None,
                        Err(_) => {}
                    }
                }
                let again = Journal::open(&Store::new(dir.path()), &incident()).unwrap();
                for event in &acknowledged {
                    assert_eq!(
                        again.log().get(&event.id),
                        Some(event),
                        "{op:?} {errno} {after}"
                    );
                }
                assert_eq!(again.faults(), vec![], "{op:?} {errno} {after}");
                assert!(
                    acknowledged.len() >= 6,
                    "{op:?} {errno} {after}: {}",
                    acknowledged.len()
                );
            }
        }
    }
}

#[test]
fn after_a_failed_sync_the_segment_is_closed_for_good_and_a_new_writer_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let before = begun(dir.path(), 2);
    let old = before.log().events()[0].writer.clone();
    let disk = Failing::new(Op::Sync, EIO, 0, 1);
    let store = Store::new(dir.path()).on_disk(disk);
    let mut journal = Journal::open(&store, &incident()).unwrap();
    // The sync of what others wrote comes first; it was read, so it may not be on the disk.
    record(&mut journal, vec![note("alice", 3, "lost")]).unwrap_err();
    let disk = Failing::new(Op::Sync, EIO, 1, 1);
    let store = Store::new(dir.path()).on_disk(disk);
    let mut journal = Journal::open(&store, &incident()).unwrap();
    let error = record(&mut journal, vec![note("alice", 3, "lost")]).unwrap_err();
    assert!(
        matches!(
            &error,
            TransactError::Journal(JournalError::NotRecorded { what: "sync", .. })
        ),
        "{error}"
    );
    assert_eq!(
        texts(&journal).len(),
        3,
        "what was not synced did not happen"
    );
    let events = record(&mut journal, vec![note("alice", 4, "goes on")]).unwrap();
    assert_ne!(events[0].writer, old);
    let Fact::JournalRecovered(told) = &events[0].fact else {
        panic!("{events:?}")
    };
    assert_eq!(told.writer, old);
    let mut other = Journal::open(&Store::new(dir.path()), &incident()).unwrap();
    let events = record(&mut other, vec![note("alice", 5, "and so does everybody")]).unwrap();
    assert_eq!(events.len(), 1);
    assert_ne!(events[0].writer, old);
    assert_eq!(other.faults(), vec![]);
}

#[test]
fn when_not_even_the_closing_works_the_incident_is_read_only_and_says_so() {
    #[derive(Debug)]
    struct Dead;
    impl Disk for Dead {
        fn write(&self, _: &File, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from_raw_os_error(EIO))
        }
        fn rename(&self, _: &Dir, _: &str, _: &str) -> io::Result<()> {
            Err(io::Error::from_raw_os_error(EIO))
        }
    }
    let dir = tempfile::tempdir().unwrap();
    begun(dir.path(), 2);
    let store = Store::new(dir.path()).on_disk(Arc::new(Dead));
    let mut journal = Journal::open(&store, &incident()).unwrap();
    for _ in 0..2 {
        let error = record(&mut journal, vec![note("alice", 3, "no")]).unwrap_err();
        assert!(
            matches!(error, TransactError::Journal(JournalError::ReadOnly(_))),
            "{error}"
        );
    }
    assert!(journal.read_only().is_some());
    assert_eq!(texts(&journal).len(), 3);
}

#[test]
fn a_full_disk_is_named_and_the_reserve_makes_room_once() {
    let dir = tempfile::tempdir().unwrap();
    begun(dir.path(), 1);
    assert_eq!(
        std::fs::metadata(dir.path().join("reserve")).unwrap().len(),
        1 << 20
    );
    let store = Store::new(dir.path()).on_disk(Failing::new(Op::Short, ENOSPC, 0, 1));
    let mut journal = Journal::open(&store, &incident()).unwrap();
    let error = record(&mut journal, vec![note("alice", 3, "no room")]).unwrap_err();
    let TransactError::Journal(error) = error;
    assert!(error.is_no_space(), "{error}");
    assert!(store.release_reserve());
    assert!(!store.release_reserve());
    record(&mut journal, vec![note("alice", 4, "closing words")]).unwrap();
}

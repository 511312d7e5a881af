//! Many updates to a server that drops a third of them, from processes that are killed while they tell: each one that
//! is in the record arrives, and what arrives twice has the same key. `RUNSHEET_UPDATES=1000 RUNSHEET_KILLS=50` is the
//! whole of it; less runs by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use runsheet::engine::Fact;
use serde_json::Value;

use super::servers::{Answer, Server};
use super::with_hook;

fn number(name: &str, usual: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Kills it when this is so, or lets it end.
fn kill_when(mut child: Child, so: impl Fn() -> bool) {
    while child.try_wait().unwrap().is_none() {
        if so() {
            child.kill().unwrap();
            break;
        }
        std::thread::yield_now();
    }
    child.wait().unwrap();
}

fn size(dir: &Path) -> u64 {
    let files = fs::read_dir(dir).into_iter().flatten().flatten();
    files
        .filter(|file| {
            file.path()
                .extension()
                .is_some_and(|ending| ending == "jsonl")
        })
        .map(|file| file.metadata().map_or(0, |it| it.len()))
        .sum()
}

fn count(dir: &Path) -> usize {
    fs::read_dir(dir).map_or(0, Iterator::count)
}

#[test]
fn whatever_is_killed_and_dropped_each_update_arrives() {
    let (updates, kills) = (number("RUNSHEET_UPDATES", 30), number("RUNSHEET_KILLS", 9));
    // 30 %: half of them were taken all the same.
    let server = Server::http(
        |visit| match visit.wrapping_mul(2_654_435_761) >> 7 & 0xff {
            0..38 => Answer::Drop,
            38..77 => Answer::TakeAndDrop,
            _ => Answer::Take,
        },
    );
    let (_team, robin) = with_hook(&server, "generic");
    let inc = robin.start("a");
    let folder = robin.folder(&inc);
    let outbox = folder.join("outbox");
    let every = (updates / kills.max(1)).max(1);
    for update in 0..updates {
        let message = format!("update number {update}");
        let args = ["update", &inc, "--audience", "customers", &message];
        let kill = update % every == every - 1;
        if !kill {
            robin.ok(&args);
            continue;
        }
        let (bytes, files, visits) = (size(&folder), count(&outbox), server.visits());
        let child = robin
            .command(&args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        kill_when(child, || match update / every % 3 {
            0 => size(&folder) > bytes,
            1 => count(&outbox) > files,
            _ => server.visits() > visits,
        });
    }
    let left = (0..1000).find(|_| robin.run(&["outbox", &inc, "--retry"]).status.success());
    assert!(left.is_some(), "something is left");

    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut arrived: BTreeMap<String, u64> = BTreeMap::new();
    for one in server.seen() {
        let body: Value = serde_json::from_str(&one.body).unwrap();
        let key = one.headers["idempotency-key"].clone();
        assert_eq!(body["id"], key.as_str());
        *arrived.entry(key.clone()).or_default() += 1;
        let message = body["message"].as_str().unwrap().to_owned();
        keys.entry(message).or_default().insert(key);
    }
    let journal = robin.journal(&inc);
    let (mut told, mut delivered) = (0, BTreeMap::new());
    for event in journal.log().events() {
        match &event.fact {
            Fact::UpdateRecorded(fact) => {
                told += 1;
                let own = &keys[&fact.message];
                assert_eq!(own.len(), 1, "{}", fact.message);
                assert!(own.contains(&runsheet::outbox::key(&event.id, "status")));
            }
            Fact::UpdateDelivered(fact) => *delivered.entry(fact.update).or_insert(0) += 1,
            _ => {}
        }
    }
    let twice = arrived.values().filter(|count| **count > 1).count();
    eprintln!(
        "{told} told, {} arrived, {twice} more than once",
        keys.len()
    );
    assert!(told as u64 >= updates - kills && keys.len() == told);
    assert_eq!(delivered.len(), told);
    assert!(delivered.values().all(|count| *count == 1));
    robin.ok(&["verify", &inc]);
}

//! Listing a library of 5,000 runbooks: cold (every head read and parsed) and warm (heads remembered), with objects
//! loose as after many commits and packed as after a clone. To stay under: 300 ms cold, 150 ms warm.
#![allow(clippy::unwrap_used, reason = "a benchmark stops where it fails")]

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use git2::{Index, IndexEntry, IndexTime, Repository, Signature, Time};
use runsheet::library::Library;
use runsheet::library::catalog::{Catalog, Memory};
use runsheet::runbook::header;
use tempfile::TempDir;

const RUNBOOKS: usize = 5_000;

fn main() {
    divan::main();
}

fn runbook(n: usize) -> String {
    let mut text = format!(
        "id: runbook-{n}\ntitle: What to do about thing {n}\nowner: team-{}\nsteps:\n",
        n % 40
    );
    for step in 0..20 {
        let _ = writeln!(
            text,
            "  - id: step-{step}\n    title: Look at part {step} of thing {n}\n    run: echo \"$part\" | grep {}",
            n * step
        );
    }
    text
}

fn generate(packed: bool) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let repo = Repository::init(dir.path()).unwrap();
    let mut index = Index::new().unwrap();
    for n in 0..RUNBOOKS {
        let entry = IndexEntry {
            ctime: IndexTime::new(0, 0),
            mtime: IndexTime::new(0, 0),
            dev: 0,
            ino: 0,
            mode: 0o100_644,
            uid: 0,
            gid: 0,
            file_size: 0,
            id: repo.blob(runbook(n).as_bytes()).unwrap(),
            flags: 0,
            flags_extended: 0,
            path: format!("runbooks/team-{}/runbook-{n}.yaml", n % 40).into_bytes(),
        };
        index.add(&entry).unwrap();
    }
    let tree = repo.find_tree(index.write_tree_to(&repo).unwrap()).unwrap();
    let author = Signature::new("Bench", "bench@example.org", &Time::new(0, 0)).unwrap();
    repo.commit(Some("HEAD"), &author, &author, "Many", &tree, &[])
        .unwrap();
    if packed {
        let done = Command::new("git")
            .arg("-C")
            .arg(dir.path())
            .args(["repack", "-a", "-d", "-q"])
            .status();
        assert!(done.unwrap().success());
    }
    dir
}

fn loose() -> &'static Path {
    static DIR: OnceLock<TempDir> = OnceLock::new();
    DIR.get_or_init(|| generate(false)).path()
}

fn packed() -> &'static Path {
    static DIR: OnceLock<TempDir> = OnceLock::new();
    DIR.get_or_init(|| generate(true)).path()
}

fn cold(bencher: divan::Bencher<'_, '_>, repository: &'static Path) {
    bencher
        .with_inputs(|| tempfile::tempdir().unwrap())
        .bench_values(|cache| list(repository, cache.path()));
}

fn warm(bencher: divan::Bencher<'_, '_>, repository: &'static Path) {
    let cache = tempfile::tempdir().unwrap();
    assert_eq!(list(repository, cache.path()), (RUNBOOKS, RUNBOOKS));
    assert_eq!(list(repository, cache.path()), (RUNBOOKS, 0));
    bencher.bench(|| list(repository, cache.path()));
}

/// All of what a start does: open, pin, list. How many runbooks there are and how many were read.
fn list(repository: &Path, cache: &Path) -> (usize, usize) {
    let library = Library::open_path(repository).unwrap();
    let pin = library.pin().unwrap();
    let memory = Memory::of(&library, cache, 1);
    let catalog = Catalog::load(&library, &pin, Some(&memory), header::read).unwrap();
    assert!(catalog.rows.iter().all(|row| row.head.is_some()));
    (catalog.rows.len(), catalog.read)
}

#[divan::bench(sample_count = 10)]
fn cold_loose(bencher: divan::Bencher<'_, '_>) {
    cold(bencher, loose());
}

#[divan::bench(sample_count = 10)]
fn cold_packed(bencher: divan::Bencher<'_, '_>) {
    cold(bencher, packed());
}

#[divan::bench(sample_count = 10)]
fn warm_loose(bencher: divan::Bencher<'_, '_>) {
    warm(bencher, loose());
}

#[divan::bench(sample_count = 10)]
fn warm_packed(bencher: divan::Bencher<'_, '_>) {
    warm(bencher, packed());
}

//! Writes records down and has both verifiers judge them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use git2::{ObjectType, Oid, Repository};
use runsheet::driver::root;
use runsheet::engine::State;
use runsheet::engine::at::Root;
use runsheet::engine::event::Event;
use runsheet::journal::Store;
use runsheet::journal::commit::Objects;
use runsheet::journal::verify::{Report, Trust, verify, verify_git_dir};
use runsheet::library::Library;

use super::forger::{GitTrick, Tape};
use super::shelf::Shelf;

/// One record, as it is to be written.
pub struct Case {
    pub name: String,
    tape: Tape,
    /// As segments, else in git.
    segments: bool,
    trick: Option<(usize, GitTrick)>,
}

impl Case {
    pub fn segments(name: String, tape: Tape) -> Self {
        Self {
            name,
            tape,
            segments: true,
            trick: None,
        }
    }

    pub fn git(name: String, tape: Tape, trick: Option<(usize, GitTrick)>) -> Self {
        Self {
            name,
            tape,
            segments: false,
            trick,
        }
    }
}

/// What both say: an exit status each, and why.
#[derive(Debug)]
pub struct Verdict {
    pub program: u8,
    pub other: u8,
    pub program_says: Vec<String>,
    pub other_says: Vec<String>,
}

impl Verdict {
    pub fn figure(&self) -> String {
        if self.program == self.other {
            self.program.to_string()
        } else {
            format!("{} and {}", self.program, self.other)
        }
    }
}

pub struct Judges {
    dir: PathBuf,
    library: PathBuf,
    trusted: Library,
    pub arguments: Vec<String>,
}

impl Judges {
    pub fn new(dir: &Path, shelf: &Shelf) -> Self {
        Self {
            dir: dir.to_owned(),
            library: shelf.path.clone(),
            trusted: Library::open_path(&shelf.path).unwrap(),
            arguments: Vec::new(),
        }
    }

    pub fn judge(&self, cases: &[Case]) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for (chunk, cases) in cases.chunks(250).enumerate() {
            let home = self.dir.join(format!("chunk-{chunk}"));
            let places: Vec<_> = cases
                .iter()
                .enumerate()
                .map(|(number, case)| self.write(&home.join(number.to_string()), case))
                .collect();
            let ours: Vec<_> = cases
                .iter()
                .zip(&places)
                .map(|(case, place)| self.program(case, place))
                .collect();
            let theirs = self.other(&places);
            for ((report, place), (_, case)) in
                ours.into_iter().zip(&places).zip(cases.iter().enumerate())
            {
                let key = place.display().to_string();
                let (other, other_says) = theirs.get(&key).cloned().unwrap_or_else(|| {
                    panic!("{}: the other verifier says nothing of {key}", case.name)
                });
                verdicts.push(Verdict {
                    program: report.exit(),
                    other,
                    program_says: report
                        .findings
                        .iter()
                        .map(|one| format!("{:?} {:?} {}", one.severity, one.event, one.what))
                        .collect(),
                    other_says,
                });
            }
            fs::remove_dir_all(&home).unwrap();
        }
        verdicts
    }

    /// Where the other verifier finds it.
    fn write(&self, home: &Path, case: &Case) -> PathBuf {
        let id = &case.tape.incident;
        if case.segments {
            let dir = home.join("incidents").join(id.as_str());
            fs::create_dir_all(&dir).unwrap();
            for (writer, bytes) in case.tape.segments() {
                fs::write(dir.join(format!("{writer}.jsonl")), bytes).unwrap();
            }
            return dir;
        }
        let path = home.join("record.git");
        let repo = Repository::init_bare(&path).unwrap();
        in_git(&repo, case);
        path
    }

    fn trust(&self, state: &State) -> Trust {
        match root::root(Some(&self.trusted), state) {
            Root::Trusted { .. } => Trust::Trusted,
            Root::Untrusted(why) => Trust::Untrusted(why),
        }
    }

    fn program(&self, case: &Case, place: &Path) -> Report {
        let id = &case.tape.incident;
        if case.segments {
            let state = place.parent().unwrap().parent().unwrap();
            return verify(
                &Store::new(state),
                id,
                |_| Vec::new(),
                |state| self.trust(state),
            )
            .unwrap();
        }
        let mut reports = verify_git_dir(place, |state| self.trust(state)).unwrap();
        reports
            .remove(id)
            .unwrap_or_else(|| panic!("{}: no record", case.name))
    }

    /// Status and findings by path.
    fn other(&self, places: &[PathBuf]) -> BTreeMap<String, (u8, Vec<String>)> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verifier/verify.py");
        let done = Command::new(python())
            .arg("-B")
            .arg(script)
            .arg("--library")
            .arg(&self.library)
            .args(&self.arguments)
            .args(places)
            .output()
            .unwrap_or_else(|error| panic!("this test needs python3: {error}"));
        let said = String::from_utf8(done.stdout).unwrap();
        assert!(
            matches!(done.status.code(), Some(0..=2)),
            "{:?}: {}",
            done.status,
            String::from_utf8_lossy(&done.stderr)
        );
        let mut found = BTreeMap::new();
        let mut findings = Vec::new();
        for line in said.lines() {
            let Some((path, verdict)) = line
                .split_once(" INC-")
                .filter(|(path, _)| Path::new(path).is_absolute())
            else {
                findings.push(line.to_owned());
                continue;
            };
            let status = match verdict.split(": ").nth(1) {
                Some("proven") => 0,
                Some("VIOLATED") => 1,
                Some("not fully provable") => 2,
                _ => panic!("{line}"),
            };
            found.insert(path.to_owned(), (status, std::mem::take(&mut findings)));
        }
        found
    }
}

/// Publishes a record by hand, as its events make it or as a forger would.
fn in_git(repo: &Repository, case: &Case) {
    let odb = repo.odb().unwrap();
    let mut oids: BTreeMap<String, Oid> = BTreeMap::new();
    let mut tips: BTreeMap<String, Oid> = BTreeMap::new();
    let mut before: BTreeMap<String, Oid> = BTreeMap::new();
    for (number, line) in case.tape.lines().iter().enumerate() {
        let event = Event::read(line).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let mut parents: Vec<Oid> = event
            .parents()
            .filter_map(|parent| oids.get(&parent.to_string()).copied())
            .collect();
        let trick = case
            .trick
            .as_ref()
            .filter(|(at, _)| *at == number)
            .map(|(_, trick)| *trick);
        if trick == Some(GitTrick::Parents) {
            parents.reverse();
        }
        let mut objects = Objects::of(&event, line.as_bytes(), &parents).unwrap();
        if let Some(trick) = trick {
            trick.on(&mut objects);
        }
        for (kind, bytes) in [
            (ObjectType::Blob, &objects.blob),
            (ObjectType::Tree, &objects.tree),
            (ObjectType::Commit, &objects.commit),
        ] {
            if !(trick == Some(GitTrick::Lost) && kind == ObjectType::Blob) {
                odb.write(kind, bytes).unwrap();
            }
        }
        oids.insert(event.id.to_string(), objects.id);
        let writer = event.writer.to_string();
        if let Some(old) = tips.insert(writer.clone(), objects.id) {
            before.insert(writer, old);
        }
    }
    let behind = matches!(case.trick, Some((_, GitTrick::Behind)));
    for (writer, tip) in &tips {
        let tip = if behind {
            before.get(writer).unwrap_or(tip)
        } else {
            tip
        };
        let name = format!("refs/incidents/{}/w/{writer}", case.tape.incident);
        repo.reference(&name, *tip, true, "test").unwrap();
    }
    if matches!(case.trick, Some((_, GitTrick::Mistaken)))
        && let (Some((first, _)), Some((_, last))) = (tips.first_key_value(), tips.last_key_value())
    {
        let name = format!("refs/incidents/{}/w/{first}", case.tape.incident);
        repo.reference(&name, *last, true, "test").unwrap();
    }
}

/// The system's own Python, which has the system's packages, where there is one.
fn python() -> &'static str {
    let system = "/usr/bin/python3";
    if std::path::Path::new(system).exists() {
        system
    } else {
        "python3"
    }
}

//! The files a script runs, digested when it is asked for and again when it starts: an approval is for these bytes too.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, OFlags, RawMode, StatxFlags};

use super::{DriverError, Session};
use crate::engine::At;
use crate::engine::checkpoint::record::{self, Site};
use crate::engine::command::StepKey;
use crate::engine::decide::{Opened, opened_now};
use crate::engine::exec::{Purpose, Var};
use crate::engine::intent::Intent;
use crate::engine::{ExecRecord, Refusal};
use crate::evidence::Digest;
use crate::runbook::programs::{Named, named};

/// A file that is longer is no script; it is not read to its end every time.
const LIMIT: u64 = 256 << 20;

/// The mode of a plain file. Any word of a script is looked at so: what is no plain file is never opened, and a file
/// system that does not answer is not waited for where that can be helped.
fn mode(path: &Path) -> Option<RawMode> {
    let flags = AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
    let found = rustix::fs::statx(CWD, path, flags, StatxFlags::TYPE | StatxFlags::MODE).ok()?;
    let mode = RawMode::from(found.stx_mode);
    (FileType::from_raw_mode(mode) == FileType::RegularFile).then_some(mode)
}

/// The plain file there, opened; `None` where there is none.
fn open(path: &Path) -> io::Result<Option<File>> {
    if mode(path).is_none() {
        return Ok(None);
    }
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)?;
    Ok(file.metadata()?.is_file().then_some(file))
}

/// Whether this file runs where the script names it.
fn is_run(named: &Named, path: &Path) -> bool {
    let executable = || mode(path).is_some_and(|mode| mode & 0o111 != 0);
    let says_what_runs_it = || {
        let mut begin = [0; 2];
        let file = open(path).ok().flatten();
        file.is_some_and(|mut file| file.read_exact(&mut begin).is_ok() && begin == *b"#!")
    };
    named.script || executable() || says_what_runs_it()
}

/// The digest of a file's bytes, read from one open file to its end; `None` where there is no such file.
fn digest(path: &Path) -> io::Result<Option<Digest>> {
    use sha2::{Digest as _, Sha256};
    let Some(file) = open(path)? else {
        return Ok(None);
    };
    let mut hash = Sha256::new();
    let mut file = file.take(LIMIT + 1);
    let read = io::copy(&mut file, &mut hash)?;
    Ok((read <= LIMIT).then(|| Digest(hash.finalize().into())))
}

/// Digests of these files, as far as they are there and can be read.
fn digests<'a>(cwd: &str, paths: impl IntoIterator<Item = &'a String>) -> BTreeMap<String, Digest> {
    let cwd = Path::new(cwd);
    paths
        .into_iter()
        .filter_map(|path| Some((path.clone(), digest(&cwd.join(path)).ok()??)))
        .collect()
}

/// Digests of the files that this record's script would run, with these values.
fn run_by(record: &ExecRecord, values: &BTreeMap<String, String>) -> BTreeMap<String, Digest> {
    let cwd = Path::new(&record.exec.cwd);
    let named = named(&record.exec.shell, &record.exec.script, values);
    let run = named
        .iter()
        .filter(|named| is_run(named, &cwd.join(&named.path)));
    digests(&record.exec.cwd, run.map(|named| &named.path))
}

/// The first file of this record that is not as it was when it was asked for.
#[must_use]
pub fn changed(record: &ExecRecord) -> Option<&str> {
    let now = digests(&record.exec.cwd, record.exec.files.keys());
    let differs = |(path, digest): &(&String, &Digest)| now.get(*path) != Some(digest);
    record
        .exec
        .files
        .iter()
        .find(differs)
        .map(|(path, _)| path.as_str())
}

impl Session {
    /// The files that what is wanted would run, as they are now: those its script names, and those that were asked about.
    pub(super) fn files_for(
        &self,
        intent: &Intent,
        marks: &BTreeMap<String, String>,
        at: &At,
    ) -> BTreeMap<String, Digest> {
        match intent {
            Intent::Request { step, purpose } => {
                let site = Site::asked(at);
                // On another machine these names are other files.
                if site.host == at.who.host {
                    self.files_of(step, *purpose, marks, &site, at)
                } else {
                    BTreeMap::new()
                }
            }
            Intent::Override { step, purpose, .. } | Intent::Start { step, purpose } => {
                self.files_of(step, *purpose, marks, &Site::here(at), at)
            }
            _ => BTreeMap::new(),
        }
    }

    /// As [`Session::files_for`], of a step at a place.
    pub(super) fn files_of(
        &self,
        step: &StepKey,
        purpose: Purpose,
        marks: &BTreeMap<String, String>,
        site: &Site,
        at: &At,
    ) -> BTreeMap<String, Digest> {
        let Ok(found) = record::find(self.state(), step) else {
            return BTreeMap::new();
        };
        let request = found.state.request.as_deref();
        let asked = request.map(|request| &request.record);
        let asked = asked.filter(|record| record.exec.purpose == purpose);
        let made = record::make(found, purpose, marks, site, at.utc());
        let mut files = BTreeMap::new();
        if let Ok(record) = &made
            && (record.exec.kind == "run" || record.exec.kind == "wait" || purpose != Purpose::Run)
        {
            let values = record
                .vars
                .iter()
                .filter_map(|(name, var)| match var {
                    Var::Plain(value) => Some((name.clone(), value.clone())),
                    Var::Secret(_) => None,
                })
                .collect();
            files.extend(run_by(record, &values));
        }
        for record in asked.into_iter().chain(self.overriding(step, purpose)) {
            files.extend(digests(&record.exec.cwd, record.exec.files.keys()));
        }
        files
    }

    /// Whether approvals open this step now, for who is here, with the files as they are now.
    ///
    /// # Errors
    /// When the kernel has no randomness.
    pub fn opened(
        &self,
        step: &StepKey,
        purpose: Purpose,
    ) -> Result<Result<Opened, Refusal>, DriverError> {
        let mut at = self.at()?;
        at.files = self.files_of(step, purpose, &BTreeMap::new(), &Site::here(&at), &at);
        Ok(opened_now(self.state(), step, purpose, &at))
    }

    fn overriding(
        &self,
        step: &StepKey,
        purpose: Purpose,
    ) -> impl Iterator<Item = &std::sync::Arc<ExecRecord>> {
        let overrides = self.state().overrides.values();
        overrides.map(|over| &over.record).filter(move |record| {
            record.step.run == step.run
                && record.step.step == step.step
                && record.exec.purpose == purpose
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record as one was written, in this folder.
    fn record(cwd: &Path) -> ExecRecord {
        let golden = include_str!("../../tests/golden/record/version-1.jsonl");
        let record = golden.lines().find_map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            serde_json::from_value::<ExecRecord>(event["data"]["record"].clone()).ok()
        });
        let mut record = record.unwrap();
        record.exec.cwd = cwd.display().to_string();
        record
    }

    #[test]
    fn case_09_a_file_swapped_after_the_start_was_recorded_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let mut record = record(dir.path());
        let (one, link) = (dir.path().join("one"), dir.path().join("link"));
        std::fs::write(&one, "abc").unwrap();
        std::fs::write(dir.path().join("two"), "abd").unwrap();
        std::os::unix::fs::symlink("one", &link).unwrap();
        record.exec.files = digests(&record.exec.cwd, &["./link".to_owned()]);
        assert_eq!(record.exec.files.len(), 1);
        assert_eq!(changed(&record), None);
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink("two", &link).unwrap();
        assert_eq!(changed(&record), Some("./link"));
        std::fs::remove_file(&link).unwrap();
        assert_eq!(changed(&record), Some("./link"));
        std::fs::write(&link, "abc").unwrap();
        assert_eq!(changed(&record), None);
    }

    #[test]
    fn case_09_what_is_executable_or_says_what_runs_it_is_bound_and_what_is_only_read_is_not() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str, mode| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write("tool", "echo", 0o755);
        write("hashbang", "#!/bin/sh", 0o644);
        write("script", "echo", 0o644);
        write("log", "a line", 0o644);
        std::fs::create_dir(dir.path().join("bin")).unwrap();
        rustix::fs::mkfifoat(CWD, dir.path().join("fifo"), 0o777.into()).unwrap();
        let mut record = record(dir.path());
        let mut bound = |script: &str| {
            script.clone_into(&mut record.exec.script);
            let found = run_by(&record, &BTreeMap::new());
            found.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(
            bound("timeout 5 ./tool < log; xargs hashbang bin fifo /dev/null"),
            ["./tool", "hashbang"]
        );
        assert_eq!(
            bound("grep x script log; sudo sh -eu script log"),
            ["script"]
        );
        assert_eq!(bound("cat script log >> log"), <[&str; 0]>::default());
        assert_eq!(
            bound("sh -c './tool log'; sh < script"),
            ["./tool", "script"]
        );
    }

    #[test]
    fn only_files_that_are_there_have_a_digest() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "abc").unwrap();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        std::os::unix::fs::symlink("a", dir.path().join("l")).unwrap();
        let names = ["./a", "l", "d", "none", "/dev/zero"].map(str::to_owned);
        let found = digests(dir.path().to_str().unwrap(), &names);
        let abc = Digest::of(b"abc");
        assert_eq!(
            found,
            [("./a".to_owned(), abc), ("l".to_owned(), abc)].into()
        );
    }
}

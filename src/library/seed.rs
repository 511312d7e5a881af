//! A new library out of the runbooks that come with the program: a repository with one commit by its first person,
//! who has every role until there are others.

use std::fs;
use std::path::Path;

use chrono::{DateTime, FixedOffset};
use git2::{Repository, RepositoryInitOptions};
use include_dir::{Dir, include_dir};

use super::change::{write_commit, write_work_tree};
use super::people::{NewPerson, add_to_policy, add_to_signers};
use super::{ALLOWED_SIGNERS, Author, Library, LibraryError, POLICY, Pin, RUNBOOKS};
use crate::host::files::sync_file_system;

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/runbooks");

/// What a new library's policy says, without its people.
pub const POLICY_TEMPLATE: &str = "\
# Who is who, what needs a second person, who may go on without one. This file and `allowed_signers` beside it are read
# at the commit an incident is pinned to: a change here holds for the incidents that start after it.

# One entry a person. `principals` are those of `allowed_signers`, `accounts` are Unix accounts, `emails` are other
# addresses they commit with. Known roles: commander, operator, approver, scribe, liaison. `runsheet people add` adds a
# colleague.
people: {}

# What a step needs before it may start, whatever its runbook says; of several that match, all must be satisfied.
# Destructive steps need one approval by another person even if this list is empty.
checkpoints:
  - {when: \"risk == 'destructive'\", approvals: 1, role: approver, not: [performer], expires: 15m}
  # Once several people write the runbooks, add `author`: then nobody approves a step whose lines are their own.
  # - {when: \"risk == 'privileged'\", approvals: 1, role: approver, not: [performer], expires: 30m}
  # Two people, one of them from security, with hardware keys that somebody touches:
  # - {when: \"'payments' in services\", approvals: 2, of_them: {security: 1}, keys: {touch: required}}

# When more is asked for: once, or every week.
# freezes:
#   - {name: year-end, from: 2026-12-20T00:00:00Z, until: 2027-01-02T00:00:00Z, when: \"risk != 'routine'\", approvals: 2}
#   - {name: weekend, weekly: {from: 'Fri 16:00', until: 'Mon 06:00'}, when: \"risk == 'privileged'\"}

# Who may go through a checkpoint without approvals, and for how long. It is recorded, announced, and must be reviewed
# by somebody else before the incident can be closed; after `review_within` the review is late. `when` bounds it to some
# steps.
override: {roles: [commander], expires: 30m, review_within: 72h}

# Who may bring a newer policy into an incident that is open: two commanders or approvers, one of them a commander,
# unless said otherwise.
# adopt: {approvals: 2, role: commander}

# Whose approval counts when git names an author of a step who is not among the people: nobody's, unless allowed here.
# unknown_authors: allow

# What must not reach the record, beside the usual keys and tokens.
# redact:
#   - {name: ticket, pattern: 'SEC-[0-9]+'}

# Where updates to stakeholders go, and who reads what.
# channels:
#   status: {webhook: {url: 'env:STATUS_URL', shape: slack}}
# audiences:
#   customers: {tlp: clear, channels: [status]}
";

const SIGNERS_HEAD: &str = "\
# Whose signatures count, in the format of OpenSSH (`man ssh-keygen`, ALLOWED SIGNERS): principal, key.
";

/// The runbooks that come with the program: path in the library, and text.
#[must_use]
pub fn shipped() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    gather(&SHIPPED, &mut files);
    files.sort();
    files
}

fn gather(dir: &Dir<'_>, files: &mut Vec<(String, Vec<u8>)>) {
    for file in dir.files() {
        let path = file.path();
        let is_runbook = path.extension().is_some_and(|end| end == "yaml");
        // A policy among the runbooks is an example, not a runbook.
        if let Some(name) = path.to_str().filter(|name| is_runbook && *name != POLICY) {
            files.push((format!("{RUNBOOKS}/{name}"), file.contents().to_vec()));
        }
    }
    for inner in dir.dirs() {
        gather(inner, files);
    }
}

/// Makes a library at `dir`, which must be missing or empty: a repository with these files, a policy and signers that
/// hold this person, in one commit of theirs on `main`. The same arguments give the same commit.
///
/// # Errors
/// When something is there already, the person is refused, or the disk fails; nothing is left behind then.
pub fn create(
    dir: &Path,
    files: Vec<(String, Vec<u8>)>,
    person: &NewPerson,
    at: DateTime<FixedOffset>,
) -> Result<Pin, LibraryError> {
    let dir = &std::path::absolute(dir).map_err(LibraryError::io("the new library's path"))?;
    let occupied = fs::read_dir(dir).is_ok_and(|mut inside| inside.next().is_some());
    if occupied || dir.is_file() {
        let words = format!("{} exists already and is not empty", dir.display());
        return Err(LibraryError::Refused(words));
    }
    let mut files = files;
    files.push((
        POLICY.to_owned(),
        add_to_policy(POLICY_TEMPLATE, person)?.into_bytes(),
    ));
    files.push((
        ALLOWED_SIGNERS.to_owned(),
        add_to_signers(SIGNERS_HEAD, person)?.into_bytes(),
    ));
    // Made beside and renamed: what has the name is whole.
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = dir.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let made = make(&unfinished, &files, person, at).and_then(|()| {
        if dir.is_dir() {
            fs::remove_dir(dir).map_err(LibraryError::io(dir.display().to_string()))?;
        }
        fs::rename(&unfinished, dir).map_err(LibraryError::io(dir.display().to_string()))
    });
    if made.is_err() {
        // It may never have been made; either way nothing of it is wanted.
        drop(fs::remove_dir_all(&unfinished));
    }
    made?;
    sync_file_system(dir).map_err(LibraryError::io("the new library's disk"))?;
    Library::open_path(dir)?.pin()
}

fn make(
    dir: &Path,
    files: &[(String, Vec<u8>)],
    person: &NewPerson,
    at: DateTime<FixedOffset>,
) -> Result<(), LibraryError> {
    fs::create_dir_all(dir).map_err(LibraryError::io(dir.display().to_string()))?;
    let mut options = RepositoryInitOptions::new();
    options
        .initial_head("main")
        .external_template(false)
        .no_reinit(true);
    let repo = Repository::init_opts(dir, &options)?;
    repo.set_config(&git2::Config::new()?)?;
    let author = Author {
        name: person.name.clone(),
        email: person.principal.clone(),
    };
    let summary = "Start the library";
    let commit = write_commit(&repo, None, files, summary, &author, at)?;
    repo.reference("refs/heads/main", commit, false, summary)?;
    write_work_tree(&repo, dir, files)
}

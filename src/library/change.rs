//! A change to a library that is looked at before it is made, and its commit. The branch moves only from where the
//! change was made for; a work tree follows only if nothing in it would be lost.

use std::fs;
use std::path::Path;

use chrono::{DateTime, FixedOffset};
use git2::{Index, IndexEntry, IndexTime, Oid, Repository, Signature, StatusOptions};

use super::history::{Author, unified};
use super::{Library, LibraryError, Pin};
use crate::host::files::{sync_file_system, write_atomic};

/// What is to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The commit's subject.
    pub summary: String,
    /// What becomes of which file.
    pub files: Vec<FileChange>,
    /// The commit it was made for.
    pub base: String,
}

/// One file of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct FileChange {
    pub path: String,
    /// `None`: it is new.
    pub before: Option<String>,
    pub after: String,
}

impl Change {
    /// The change as a unified diff, for looking at.
    ///
    /// # Errors
    /// When the difference cannot be made.
    pub fn diff(&self) -> Result<String, LibraryError> {
        self.files
            .iter()
            .map(|file| {
                let before = file.before.as_deref().map(str::as_bytes);
                unified(&file.path, before, Some(file.after.as_bytes()))
            })
            .collect()
    }
}

impl Library {
    /// Commits the change onto the library's branch and returns where it now stands. If the branch is checked out,
    /// the work tree's files follow.
    ///
    /// # Errors
    /// When the library has moved since, is a copy of a URL, is at a tag or id, or its work tree has changes of its
    /// own. Nothing is changed then.
    pub fn commit(
        &self,
        change: &Change,
        author: &Author,
        at: DateTime<FixedOffset>,
    ) -> Result<Pin, LibraryError> {
        if self.is_copy() {
            return Err(LibraryError::ReadOnly(self.spec().remote.to_string()));
        }
        let (tip, branch) = self.tip()?;
        let Some(branch) = branch else {
            let why = "the library is opened at a tag or commit: name a branch to change it";
            return Err(LibraryError::Refused(why.to_owned()));
        };
        if tip.to_string() != change.base {
            return Err(LibraryError::Moved);
        }
        let work_tree = self.checked_out(&branch);
        if let Some(dir) = work_tree {
            self.must_be_clean(dir, change)?;
        }
        let files: Vec<(String, Vec<u8>)> = change
            .files
            .iter()
            .map(|file| (file.path.clone(), file.after.clone().into_bytes()))
            .collect();
        let commit = write_commit(&self.repo, Some(tip), &files, &change.summary, author, at)?;
        let name = format!("refs/heads/{branch}");
        self.repo
            .reference_matching(&name, commit, true, tip, &change.summary)
            .map_err(|_| LibraryError::Moved)?;
        if let Some(dir) = work_tree {
            write_work_tree(&self.repo, dir, &files)?;
        }
        sync_file_system(self.git_dir()).map_err(LibraryError::io("the library's disk"))?;
        self.describe(commit, Some(branch))
    }

    /// The work tree, if this branch is what is checked out in it.
    fn checked_out(&self, branch: &str) -> Option<&Path> {
        let head = self.repo.head().ok()?;
        let same = head.name_bytes() == format!("refs/heads/{branch}").as_bytes();
        self.repo.workdir().filter(|_| same)
    }

    fn must_be_clean(&self, dir: &Path, change: &Change) -> Result<(), LibraryError> {
        let dirty = |what: String| LibraryError::Dirty {
            path: dir.to_owned(),
            what,
        };
        let mut options = StatusOptions::new();
        options
            .include_untracked(false)
            .exclude_submodules(true)
            .include_ignored(false);
        let statuses = self.repo.statuses(Some(&mut options))?;
        if let Some(entry) = statuses.iter().next() {
            return Err(dirty(
                String::from_utf8_lossy(entry.path_bytes()).into_owned(),
            ));
        }
        for file in change.files.iter().filter(|file| file.before.is_none()) {
            if fs::symlink_metadata(dir.join(&file.path)).is_ok() {
                return Err(dirty(file.path.clone()));
            }
        }
        Ok(())
    }
}

/// Writes blobs, trees and the commit; no reference moves. The same content, author and time give the same id.
pub(super) fn write_commit(
    repo: &Repository,
    parent: Option<Oid>,
    files: &[(String, Vec<u8>)],
    summary: &str,
    author: &Author,
    at: DateTime<FixedOffset>,
) -> Result<Oid, LibraryError> {
    let parent = parent.map(|oid| repo.find_commit(oid)).transpose()?;
    let mut index = Index::new()?;
    if let Some(parent) = &parent {
        index.read_tree(&parent.tree()?)?;
    }
    for (path, bytes) in files {
        index.add(&entry(path, repo.blob(bytes)?, bytes.len()))?;
    }
    let tree = repo.find_tree(index.write_tree_to(repo)?)?;
    let time = git2::Time::new(at.timestamp(), at.offset().local_minus_utc() / 60);
    let signature = Signature::new(&author.name, &author.email, &time).map_err(|_| {
        LibraryError::Refused(format!(
            "git cannot write {:?} <{}> as an author: a name, and an address without < > are needed",
            author.name, author.email
        ))
    })?;
    let parents: Vec<_> = parent.iter().collect();
    let message = format!("{summary}\n");
    Ok(repo.commit(None, &signature, &signature, &message, &tree, &parents)?)
}

/// Puts the files of a commit into the work tree and its index.
pub(super) fn write_work_tree(
    repo: &Repository,
    dir: &Path,
    files: &[(String, Vec<u8>)],
) -> Result<(), LibraryError> {
    let mut index = repo.index()?;
    for (path, bytes) in files {
        let place = dir.join(path);
        let write = || {
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder)?;
            }
            write_atomic(&place, bytes, 0o644)
        };
        write().map_err(LibraryError::io(place.display().to_string()))?;
        index.add_path(Path::new(path))?;
    }
    Ok(index.write()?)
}

fn entry(path: &str, id: Oid, size: usize) -> IndexEntry {
    IndexEntry {
        ctime: IndexTime::new(0, 0),
        mtime: IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode: 0o100_644,
        uid: 0,
        gid: 0,
        file_size: u32::try_from(size).unwrap_or(u32::MAX),
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    }
}

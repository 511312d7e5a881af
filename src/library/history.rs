//! What happened to a file: its commits, the difference between two of them, and who wrote its lines, by git.
//! An author is what a commit says, which anyone can write; whether that is a known person is decided elsewhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::path::Path;

use git2::{BlameOptions, DiffOptions, Oid, Patch, Sort};

use super::tree::optional;
use super::{ALLOWED_SIGNERS, Library, LibraryError, POLICY, Pin};

/// Commits looked at before a search for a file's history ends.
const MAX_COMMITS: usize = 200_000;

/// Who a commit says wrote it, as it stands there: escape it before showing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub struct Author {
    pub name: String,
    pub email: String,
}

/// Who wrote which lines of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blame {
    hunks: Vec<(RangeInclusive<usize>, Pin)>,
}

impl Blame {
    /// Who wrote these lines, counted from 1; sorted, without doubles.
    #[must_use]
    pub fn authors(&self, lines: &[RangeInclusive<usize>]) -> Vec<Author> {
        let authors: BTreeSet<Author> = self
            .meets(lines)
            .map(|pin| Author {
                name: pin.author_name.clone(),
                email: pin.author_email.clone(),
            })
            .collect();
        authors.into_iter().collect()
    }

    /// The newest commit, by its own word, that any of these lines came in with.
    #[must_use]
    pub fn latest(&self, lines: &[RangeInclusive<usize>]) -> Option<&Pin> {
        self.meets(lines).max_by_key(|pin| pin.date)
    }

    fn meets(&self, lines: &[RangeInclusive<usize>]) -> impl Iterator<Item = &Pin> {
        self.hunks
            .iter()
            .filter(|(hunk, _)| {
                lines
                    .iter()
                    .any(|range| hunk.start() <= range.end() && range.start() <= hunk.end())
            })
            .map(|(_, pin)| pin)
    }
}

/// A file that differs between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Changed {
    pub path: String,
    pub how: How,
}

/// In which way it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum How {
    Added,
    Changed,
    Removed,
}

impl Library {
    /// The commits up to this one that changed the file, the newest first, at most `max`. A merge is among them only
    /// if it differs from all its parents.
    ///
    /// # Errors
    /// When a commit cannot be read.
    pub fn history(&self, pin: &Pin, path: &str, max: usize) -> Result<Vec<Pin>, LibraryError> {
        let mut walk = self.repo.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
        walk.push(Oid::from_str(&pin.commit)?)?;
        let mut found = Vec::new();
        // What a commit was asked as somebody's parent it is not asked again.
        let mut asked: HashMap<Oid, Option<Oid>> = HashMap::new();
        for oid in walk.take(MAX_COMMITS) {
            if found.len() >= max {
                break;
            }
            let oid = oid?;
            let commit = self.repo.find_commit(oid)?;
            let here = match asked.remove(&oid) {
                Some(known) => known,
                None => id_at(&commit, path)?,
            };
            let mut touched = commit.parent_count() > 0 || here.is_some();
            for parent in commit.parents() {
                let there = match asked.get(&parent.id()) {
                    Some(known) => *known,
                    None => *asked.entry(parent.id()).or_insert(id_at(&parent, path)?),
                };
                touched &= there != here;
            }
            if touched {
                found.push(self.describe(oid, None)?);
            }
        }
        Ok(found)
    }

    /// The difference of a file between two commits as a unified diff, raw; empty when there is none.
    ///
    /// # Errors
    /// When neither commit has the file, or it cannot be read.
    pub fn diff(&self, path: &str, old: &Pin, new: &Pin) -> Result<String, LibraryError> {
        let before = optional(self.read(old, path))?;
        let after = match (self.read(new, path), &before) {
            (Err(LibraryError::Missing { .. }), Some(_)) => None,
            (blob, _) => Some(blob?),
        };
        let bytes = |blob: Option<super::Blob>| blob.map(|blob| blob.bytes);
        unified(path, bytes(before).as_deref(), bytes(after).as_deref())
    }

    /// Who wrote which line of the file, by following each to the commit that brought it in, also through a rename of
    /// the whole file. It looks at all of the history, so ask once for a file, not once for a step.
    ///
    /// # Errors
    /// When the file is not there, or the history is not the repository's own.
    pub fn blame(&self, pin: &Pin, path: &str) -> Result<Blame, LibraryError> {
        self.undistorted()?;
        // The same refusals as for reading it: links, oversized files.
        self.read(pin, path)?;
        let mut options = BlameOptions::new();
        options.newest_commit(Oid::from_str(&pin.commit)?);
        let blame = self.repo.blame_file(Path::new(path), Some(&mut options))?;
        let mut hunks = Vec::with_capacity(blame.len());
        for hunk in blame.iter() {
            let first = hunk.final_start_line();
            let last = first + hunk.lines_in_hunk().saturating_sub(1);
            // The commit itself says who wrote it, not the blame's copy of it.
            hunks.push((first..=last, self.describe(hunk.final_commit_id(), None)?));
        }
        Ok(Blame { hunks })
    }

    /// Whether a commit carries a signature. Whose it is, and whether it holds, is not looked at.
    #[must_use]
    pub fn carries_signature(&self, pin: &Pin) -> bool {
        Oid::from_str(&pin.commit).is_ok_and(|oid| self.repo.extract_signature(&oid, None).is_ok())
    }

    /// Who wrote these lines (counted from 1) of the file; sorted, without doubles. As [`Library::blame`].
    ///
    /// # Errors
    /// As [`Library::blame`].
    pub fn authors(
        &self,
        pin: &Pin,
        path: &str,
        lines: &[RangeInclusive<usize>],
    ) -> Result<Vec<Author>, LibraryError> {
        Ok(self.blame(pin, path)?.authors(lines))
    }

    /// Runbooks, policy and signers that differ between two commits, by path.
    ///
    /// # Errors
    /// When either cannot be read.
    pub fn changes(&self, old: &Pin, new: &Pin) -> Result<Vec<Changed>, LibraryError> {
        let (before, after) = (self.files(old)?, self.files(new)?);
        let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let how = |path: &String| match (before.get(path), after.get(path)) {
            (None, Some(_)) => Some(How::Added),
            (Some(_), None) => Some(How::Removed),
            (old, new) => (old != new).then_some(How::Changed),
        };
        Ok(paths
            .into_iter()
            .filter_map(|path| {
                how(path).map(|how| Changed {
                    path: path.clone(),
                    how,
                })
            })
            .collect())
    }

    fn files(&self, pin: &Pin) -> Result<BTreeMap<String, String>, LibraryError> {
        let mut files: BTreeMap<String, String> = self
            .entries(pin)?
            .entries
            .into_iter()
            .map(|entry| (entry.path, entry.blob))
            .collect();
        let root = self.tree(pin)?;
        for name in [POLICY, ALLOWED_SIGNERS] {
            if let Some(entry) = root.get_name(name) {
                files.insert(name.to_owned(), entry.id().to_string());
            }
        }
        Ok(files)
    }
}

/// The diff of two contents; an absent side is empty. Neither attributes nor drivers have a say.
pub(super) fn unified(
    path: &str,
    before: Option<&[u8]>,
    after: Option<&[u8]>,
) -> Result<String, LibraryError> {
    let mut options = DiffOptions::new();
    options.context_lines(3);
    let name = Some(Path::new(path));
    let mut patch = Patch::from_buffers(
        before.unwrap_or_default(),
        name,
        after.unwrap_or_default(),
        name,
        Some(&mut options),
    )?;
    Ok(String::from_utf8_lossy(&patch.to_buf()?).into_owned())
}

fn id_at(commit: &git2::Commit<'_>, path: &str) -> Result<Option<Oid>, LibraryError> {
    let entry = commit.tree()?.get_path(Path::new(path));
    Ok(entry.ok().map(|entry| entry.id()))
}

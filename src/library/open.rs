//! Opening a library and pinning it at one commit; whether a commit comes from its own branch.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, FixedOffset, Offset, Utc};
use git2::{ErrorClass, ErrorCode, Oid, Reference, Repository, RepositoryOpenFlags};

use super::copy::Copy;
use super::spec::check_revision;
use super::tree::{Blob, optional};
use super::{ALLOWED_SIGNERS, LibraryError, POLICY, Spec};
use crate::host::clock::Clock;
use crate::host::files::read_limited;
use crate::host::git::Git;

/// An open library.
pub struct Library {
    pub(super) spec: Spec,
    pub(super) repo: Repository,
    /// Where a URL's copy is.
    pub(super) copy: Option<Copy>,
}

/// One commit of a library. Names and subject are as they stand in the commit: escape them before showing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Pin {
    /// The commit's id, 40 hex digits.
    pub commit: String,
    pub author_name: String,
    pub author_email: String,
    /// When it was written, with the author's offset.
    pub date: DateTime<FixedOffset>,
    pub subject: String,
    /// The branch it was found on, without `refs/heads/`; `None` for a tag or an id.
    pub branch: Option<String>,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Library({})", self.spec)
    }
}

impl Library {
    /// Opens the library. A path is opened where it is. A URL is opened from its copy under `cache`, which is made
    /// with `git` the first time; later the network is only used by [`Library::fetch`].
    ///
    /// # Errors
    /// When it is not there, is not a repository that can be read, or has no copy and cannot be fetched.
    pub fn open(
        spec: &Spec,
        cache: &Path,
        git: &Git,
        clock: &dyn Clock,
    ) -> Result<Self, LibraryError> {
        let (path, copy) = match spec.remote.as_path() {
            Some(path) => (path.to_owned(), None),
            None => {
                let copy = Copy::open_or_make(&spec.remote, cache, git, clock)?;
                (copy.repository(), Some(copy))
            }
        };
        Ok(Self {
            spec: spec.clone(),
            repo: open_repository(&path)?,
            copy,
        })
    }

    /// Opens the repository at this path, at its default branch.
    ///
    /// # Errors
    /// As [`Library::open`].
    pub fn open_path(path: &Path) -> Result<Self, LibraryError> {
        let absolute = std::path::absolute(path).map_err(LibraryError::io("the library's path"))?;
        let remote = crate::host::git::Remote::path(&absolute)
            .ok_or_else(|| LibraryError::NotThere(absolute.clone()))?;
        Ok(Self {
            spec: Spec { remote, rev: None },
            repo: open_repository(&absolute)?,
            copy: None,
        })
    }

    /// What was asked for.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The git directory it is read from.
    #[must_use]
    pub fn git_dir(&self) -> &Path {
        self.repo.commondir()
    }

    /// Another handle on the same library, for another thread.
    ///
    /// # Errors
    /// When it can no longer be opened.
    pub fn again(&self) -> Result<Self, LibraryError> {
        Ok(Self {
            spec: self.spec.clone(),
            repo: open_repository(self.repo.path())?,
            copy: self.copy.clone(),
        })
    }

    /// The commit that the wanted revision, or the default branch, stands at now.
    ///
    /// # Errors
    /// When there is no such revision, or no commit at all.
    pub fn pin(&self) -> Result<Pin, LibraryError> {
        let (oid, branch) = self.tip()?;
        self.describe(oid, branch)
    }

    /// This very commit, as an incident pinned it earlier: its full id.
    ///
    /// # Errors
    /// When the library does not hold it.
    pub fn pin_commit(&self, commit: &str) -> Result<Pin, LibraryError> {
        let missing = || LibraryError::NoSuchRevision(commit.chars().take(80).collect());
        let full = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
        let oid = full.then(|| Oid::from_str(commit).ok()).flatten();
        self.describe(oid.ok_or_else(missing)?, None)
            .map_err(|_| missing())
    }

    /// The commit of any revision: a branch, a tag, an id, `main~2`.
    ///
    /// # Errors
    /// When there is none.
    pub fn pin_revision(&self, rev: &str) -> Result<Pin, LibraryError> {
        let (oid, branch) = self.resolve(rev)?;
        self.describe(oid, branch)
    }

    /// Whether the commit is of this library's own branch: its tip, or reachable from it. A commit that is not here
    /// is not.
    ///
    /// # Errors
    /// When what is reachable is not the library's own say (a shallow clone, grafts, alternates).
    pub fn trusts(&self, commit: &str) -> Result<bool, LibraryError> {
        self.undistorted()?;
        let (tip, _) = self.tip()?;
        let Ok(oid) = Oid::from_str(commit) else {
            return Ok(false);
        };
        if commit.len() != 40 || self.repo.find_commit(oid).is_err() {
            return Ok(false);
        }
        Ok(oid == tip || self.repo.graph_descendant_of(tip, oid)?)
    }

    /// Whether history and objects are wholly the repository's own. Replacement references are not looked at by
    /// anything here, so they do not distort.
    ///
    /// # Errors
    /// [`LibraryError::Distorted`] when they are not.
    pub fn undistorted(&self) -> Result<(), LibraryError> {
        let dir = self.repo.commondir();
        let signs = [
            ("shallow", "it is a shallow clone, its history is cut off"),
            ("info/grafts", "grafts change its history"),
            (
                "objects/info/alternates",
                "it borrows objects from another repository",
            ),
            (
                "objects/info/http-alternates",
                "it borrows objects from another repository",
            ),
        ];
        for (file, what) in signs {
            if fs::symlink_metadata(dir.join(file)).is_ok_and(|it| !it.is_file() || it.len() > 0) {
                return Err(LibraryError::Distorted {
                    path: dir.to_owned(),
                    what,
                });
            }
        }
        Ok(())
    }

    /// The policy at that commit.
    ///
    /// # Errors
    /// When it cannot be read; that there is none is `None`.
    pub fn policy(&self, pin: &Pin) -> Result<Option<Blob>, LibraryError> {
        optional(self.read(pin, POLICY))
    }

    /// The signers at that commit.
    ///
    /// # Errors
    /// As [`Library::policy`].
    pub fn allowed_signers(&self, pin: &Pin) -> Result<Option<Blob>, LibraryError> {
        optional(self.read(pin, ALLOWED_SIGNERS))
    }

    pub(super) fn tip(&self) -> Result<(Oid, Option<String>), LibraryError> {
        if let Some(rev) = &self.spec.rev {
            return self.resolve(rev);
        }
        let head = match self.repo.head() {
            Ok(head) => head,
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
                return Err(LibraryError::Empty);
            }
            Err(error) => return Err(error.into()),
        };
        let branch = head
            .is_branch()
            .then(|| String::from_utf8_lossy(head.shorthand_bytes()).into_owned());
        Ok((self.peel(&head)?, branch))
    }

    fn peel(&self, reference: &Reference<'_>) -> Result<Oid, LibraryError> {
        if let Some(target) = reference.target() {
            self.fit(target)?;
        }
        Ok(reference.peel_to_commit()?.id())
    }

    fn resolve(&self, rev: &str) -> Result<(Oid, Option<String>), LibraryError> {
        check_revision(rev)?;
        let name = rev.strip_prefix("refs/heads/").unwrap_or(rev);
        if let Ok(found) = self.repo.find_reference(&format!("refs/heads/{name}")) {
            return Ok((self.peel(&found)?, Some(name.to_owned())));
        }
        self.repo
            .revparse_single(rev)
            .and_then(|object| object.peel_to_commit())
            .map(|commit| (commit.id(), None))
            .map_err(|_| LibraryError::NoSuchRevision(rev.to_owned()))
    }

    pub(super) fn describe(&self, oid: Oid, branch: Option<String>) -> Result<Pin, LibraryError> {
        self.fit(oid)?;
        let commit = self.repo.find_commit(oid)?;
        let author = commit.author();
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Pin {
            commit: oid.to_string(),
            author_name: lossy(author.name_bytes()),
            author_email: lossy(author.email_bytes()),
            date: date(author.when()),
            subject: lossy(commit.summary_bytes().unwrap_or_default()),
            branch,
        })
    }
}

/// Git's seconds and minutes; what makes no date is the epoch, what makes no offset is UTC.
pub(super) fn date(time: git2::Time) -> DateTime<FixedOffset> {
    let offset = time
        .offset_minutes()
        .checked_mul(60)
        .and_then(FixedOffset::east_opt)
        .unwrap_or_else(|| Utc.fix());
    DateTime::<Utc>::from_timestamp(time.seconds(), 0)
        .unwrap_or_default()
        .with_timezone(&offset)
}

/// Opens exactly this path (or its `.git`), never one above it, and takes every configuration away from it.
pub(super) fn open_repository(path: &Path) -> Result<Repository, LibraryError> {
    if !path.try_exists().unwrap_or(true) {
        return Err(LibraryError::NotThere(path.to_owned()));
    }
    let none: [&OsStr; 0] = [];
    let repo = Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, none)
        .map_err(|error| explain(path, &error))?;
    repo.set_config(&git2::Config::new()?)?;
    Ok(repo)
}

fn explain(path: &Path, error: &git2::Error) -> LibraryError {
    let path = path.to_owned();
    match error.code() {
        ErrorCode::Owner => LibraryError::Owner(path),
        ErrorCode::NotFound if error.class() == ErrorClass::Repository => {
            LibraryError::NotARepository(path)
        }
        _ if uses_sha256(&path) => LibraryError::Sha256(path),
        _ => LibraryError::Unsupported {
            why: error.message().to_owned(),
            path,
        },
    }
}

/// libgit2 only says that it does not know the extension; the file says which.
fn uses_sha256(path: &Path) -> bool {
    let configs: [PathBuf; 2] = [path.join(".git/config"), path.join("config")];
    configs
        .iter()
        .filter_map(|config| read_limited(config, 1 << 20).ok())
        .any(|bytes| {
            let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
            text.lines().any(|line| {
                line.split_once('=').is_some_and(|(key, value)| {
                    key.trim() == "objectformat" && value.trim() == "sha256"
                })
            })
        })
}

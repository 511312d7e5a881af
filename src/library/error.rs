//! What can be wrong with a library, in words that say what to do.

use std::io;
use std::path::PathBuf;

use crate::host::git::{BadRemote, GitError};
use crate::runbook::Problem;

/// Why a library cannot be opened, read or changed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum LibraryError {
    #[error("{0}")]
    Address(#[from] BadRemote),
    #[error("`{rev}` is refused as a revision: {why}")]
    BadRevision { rev: String, why: &'static str },
    #[error("there is nothing at {}", .0.display())]
    NotThere(PathBuf),
    #[error("{} is not a git repository: make it one with `git init`, or a new library with `runsheet init`", .0.display())]
    NotARepository(PathBuf),
    #[error("{} uses SHA-256 object ids, which runsheet cannot read yet: convert it to a SHA-1 repository", .0.display())]
    Sha256(PathBuf),
    #[error(
        "{} belongs to another account, so git does not trust it: if you do, run `git config --global --add safe.directory {}`",
        .0.display(), .0.display()
    )]
    Owner(PathBuf),
    #[error("{} cannot be opened: {why}", path.display())]
    Unsupported { path: PathBuf, why: String },
    /// Its history or objects are not only its own.
    #[error("{} cannot be trusted: {what}. Use a full clone of its own (`git clone --no-local`)", path.display())]
    Distorted { path: PathBuf, what: &'static str },
    #[error("the library has no commit yet: add runbooks and commit them")]
    Empty,
    #[error("the library has no revision `{0}`")]
    NoSuchRevision(String),
    #[error("`{path}` is not in the library at {commit}")]
    Missing { path: String, commit: String },
    #[error("`{path}` is refused: {why}")]
    BadPath { path: String, why: &'static str },
    #[error("`{path}` has {size} bytes, more than the {max} that are read")]
    TooLarge { path: String, size: u64, max: u64 },
    #[error("there is no copy of {url} yet and it could not be fetched: {source}")]
    NoCopy {
        url: String,
        #[source]
        source: GitError,
    },
    #[error("{0}")]
    Git(#[from] GitError),
    #[error("the repository cannot be read: {}", .0.message())]
    Objects(#[from] git2::Error),
    #[error("{what}: {source}")]
    Io {
        what: String,
        #[source]
        source: io::Error,
    },
    /// Somebody changed the library between the look and the commit.
    #[error("the library has changed meanwhile: nothing was committed, look again and repeat")]
    Moved,
    #[error("{} has changes that are not committed ({what}): commit or stash them first", path.display())]
    Dirty { path: PathBuf, what: String },
    #[error(
        "this library is a copy of {0}: change it in a clone of your own and push, then `runsheet fetch`"
    )]
    ReadOnly(String),
    #[error("the library has no scenario `{id}`{hint}")]
    NoScenario { id: String, hint: String },
    #[error("{}", lines(.0))]
    BrokenScenario(Vec<Problem>),
    #[error("{0}")]
    Refused(String),
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl LibraryError {
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

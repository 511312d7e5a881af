//! The copy of a library that lives behind a URL: made and brought up to date with the user's `git`, read without it,
//! so that it also works offline. Its age is known. The URL itself, which may hold a token, is not written down.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

use super::history::Changed;
use super::{Library, LibraryError, Pin};
use crate::evidence::Digest;
use crate::host::clock::Clock;
use crate::host::files::{create_private_dir, read_plain_limited, write_atomic};
use crate::host::git::{Git, Remote};

/// What a fetch brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where the library stood.
    pub before: Pin,
    /// Where it stands.
    pub after: Pin,
    /// Runbooks, policy and signers that differ.
    pub changes: Vec<Changed>,
    /// The earlier commit is not part of the new history: somebody rewrote the branch.
    pub rewritten: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Copy {
    dir: PathBuf,
}

/// `fetched.json`
#[derive(Serialize, Deserialize)]
struct State {
    version: u32,
    /// For people: without a password.
    from: String,
    fetched_at: DateTime<FixedOffset>,
}

impl Copy {
    pub fn open_or_make(
        remote: &Remote,
        cache: &Path,
        git: &Git,
        clock: &dyn Clock,
    ) -> Result<Self, LibraryError> {
        let digest = Digest::of(remote.as_arg().as_encoded_bytes()).hex();
        let copy = Self {
            dir: cache.join("libraries").join(&digest[..32]),
        };
        create_private_dir(&copy.dir).map_err(LibraryError::io("the cache of libraries"))?;
        if copy.repository().is_dir() {
            return Ok(copy);
        }
        let _lock = copy.lock()?;
        if copy.repository().is_dir() {
            return Ok(copy);
        }
        copy.make(remote, git, clock).map_err(|error| match error {
            LibraryError::Git(source) => LibraryError::NoCopy {
                url: remote.to_string(),
                source,
            },
            other => other,
        })?;
        Ok(copy)
    }

    pub fn repository(&self) -> PathBuf {
        self.dir.join("repository.git")
    }

    /// Under another name first: a copy that has its name is whole.
    fn make(&self, remote: &Remote, git: &Git, clock: &dyn Clock) -> Result<(), LibraryError> {
        let unfinished = self.dir.join("unfinished.git");
        let io = || LibraryError::io("the copy of the library");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(io())?;
        }
        git.init_bare(&unfinished)?;
        bring(&unfinished, remote, git)?;
        self.write_state(remote, clock)?;
        fs::rename(&unfinished, self.repository()).map_err(io())
    }

    fn refresh(&self, remote: &Remote, git: &Git, clock: &dyn Clock) -> Result<(), LibraryError> {
        let _lock = self.lock()?;
        bring(&self.repository(), remote, git)?;
        self.write_state(remote, clock)
    }

    fn write_state(&self, remote: &Remote, clock: &dyn Clock) -> Result<(), LibraryError> {
        let state = State {
            version: 1,
            from: remote.to_string(),
            fetched_at: clock.now(),
        };
        serde_json::to_vec(&state)
            .map_err(std::io::Error::from)
            .and_then(|text| write_atomic(&self.dir.join("fetched.json"), &text, 0o600))
            .map_err(LibraryError::io("the state of the copy"))
    }

    fn fetched_at(&self) -> Option<DateTime<FixedOffset>> {
        let bytes = read_plain_limited(&self.dir.join("fetched.json"), 64 << 10).ok()?;
        let state: State = serde_json::from_slice(&bytes).ok()?;
        Some(state.fetched_at)
    }

    fn lock(&self) -> Result<File, LibraryError> {
        let file = File::create(self.dir.join("lock"));
        file.and_then(|file| file.lock().map(|()| file))
            .map_err(LibraryError::io("the copy's lock"))
    }
}

/// All branches and tags, by force and with pruning: the copy is a mirror. HEAD follows the remote's.
fn bring(dir: &Path, remote: &Remote, git: &Git) -> Result<(), LibraryError> {
    let specs = [
        "+refs/heads/*:refs/heads/*".to_owned(),
        "+refs/tags/*:refs/tags/*".to_owned(),
    ];
    git.fetch(dir, remote, &specs, true)?;
    if let Some(head) = git.remote_head(remote)? {
        let repo = super::open::open_repository(dir)?;
        if repo.find_reference(&head).is_ok() {
            repo.reference_symbolic("HEAD", &head, true, "runsheet: follow the remote's HEAD")?;
        }
    }
    Ok(())
}

impl Library {
    /// When the copy of a URL was last brought up to date; `None` for a local repository, which is never out of date.
    #[must_use]
    pub fn fetched_at(&self) -> Option<DateTime<FixedOffset>> {
        self.copy.as_ref()?.fetched_at()
    }

    /// Whether this is a copy of a URL.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        self.copy.is_some()
    }

    /// Brings the copy of a URL up to date and says what changed. For a local repository there is nothing to do:
    /// `None`.
    ///
    /// # Errors
    /// When git fails; the copy is then as it was and still usable.
    pub fn fetch(&mut self, git: &Git, clock: &dyn Clock) -> Result<Option<Fetched>, LibraryError> {
        let Some(copy) = self.copy.clone() else {
            return Ok(None);
        };
        let before = match self.pin() {
            Ok(pin) => Some(pin),
            Err(LibraryError::Empty | LibraryError::NoSuchRevision(_)) => None,
            Err(error) => return Err(error),
        };
        copy.refresh(&self.spec.remote, git, clock)?;
        self.repo = super::open::open_repository(&copy.repository())?;
        let after = self.pin()?;
        let before = before.unwrap_or_else(|| after.clone());
        let changes = self.changes(&before, &after)?;
        // A commit that was pruned away is surely not part of it.
        let rewritten = before.commit != after.commit && !self.trusts(&before.commit)?;
        Ok(Some(Fetched {
            before,
            after,
            changes,
            rewritten,
        }))
    }
}

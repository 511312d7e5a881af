//! Reading files of a commit out of the object database. Paths in a tree are a stranger's: what could mean another
//! file on somebody's disk is left out, with the reason.

use std::collections::HashMap;

use git2::{ObjectType, Oid, Tree};

use super::{CLOCKS, Library, LibraryError, Pin, RUNBOOKS};
use crate::evidence::Digest;
use crate::host::git::objects::{Objects, Unread};

/// The largest file that is read.
pub const MAX_FILE: u64 = 1 << 20;
/// The largest commit or list of a folder that is read.
const MAX_NODE: usize = 16 << 20;
/// How deep folders under `runbooks/` are followed, and how many files are listed.
const MAX_DEPTH: usize = 12;
const MAX_FILES: usize = 100_000;
/// A tree may hold itself under many names, so that few objects make folders without end.
const MAX_FOLDERS: usize = 20_000;
const MAX_PATH: usize = 512;

/// One file of a commit, not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// From the library's root, with `/`: `runbooks/cloud/leaked-key.yaml`.
    pub path: String,
    /// The blob's id in hex.
    pub blob: String,
}

/// A file that is not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// As it stands in the tree, with what is not UTF-8 replaced: escape it before showing.
    pub path: String,
    /// In words.
    pub why: &'static str,
}

/// The YAML files of a folder of a commit, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Listing {
    pub entries: Vec<Entry>,
    pub skipped: Vec<Skipped>,
}

/// How far a walk has come.
struct Walk {
    depth: usize,
    folders: usize,
}

/// A file's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The whole of it.
    pub bytes: Vec<u8>,
    /// The blob's id in hex, SHA-1 as git has it.
    pub id: String,
    /// Of the bytes alone.
    pub sha256: Digest,
}

impl Library {
    /// All `*.yaml` under `runbooks/`, by path.
    ///
    /// # Errors
    /// When the commit cannot be read. A library without the folder has no runbooks.
    pub fn entries(&self, pin: &Pin) -> Result<Listing, LibraryError> {
        self.listing(pin, RUNBOOKS)
    }

    /// All `*.yaml` under `clocks/`, by path.
    ///
    /// # Errors
    /// As [`Library::entries`].
    pub fn clocks(&self, pin: &Pin) -> Result<Listing, LibraryError> {
        self.listing(pin, CLOCKS)
    }

    fn listing(&self, pin: &Pin, folder: &str) -> Result<Listing, LibraryError> {
        let root = self.tree(pin)?;
        let mut listing = Listing::default();
        let Some(entry) = root.get_name(folder) else {
            return Ok(listing);
        };
        if entry.kind() == Some(ObjectType::Tree) {
            let tree = self.folder(entry.id())?;
            self.walk(
                &tree,
                folder,
                &mut Walk {
                    depth: 1,
                    folders: 1,
                },
                &mut listing,
            )?;
        } else {
            let why = "it is not a folder";
            listing.skipped.push(Skipped {
                path: folder.to_owned(),
                why,
            });
        }
        leave_out_clashes(&mut listing);
        listing.entries.sort_by(|a, b| a.path.cmp(&b.path));
        listing.skipped.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(listing)
    }

    fn walk(
        &self,
        tree: &Tree<'_>,
        folder: &str,
        so_far: &mut Walk,
        listing: &mut Listing,
    ) -> Result<(), LibraryError> {
        for entry in tree {
            let name = entry.name_bytes();
            let shown = format!("{folder}/{}", String::from_utf8_lossy(name));
            let is_runbook = name.ends_with(b".yaml");
            let skip = match entry.filemode_raw() & 0o170_000 {
                0o040_000 if so_far.depth >= MAX_DEPTH => Some("its folder is too deep"),
                0o040_000 if so_far.folders >= MAX_FOLDERS => Some("there are too many folders"),
                0o040_000 => bad_name(name),
                0o100_000 if name.ends_with(b".yml") => Some("its name must end in .yaml"),
                0o100_000 if is_runbook => bad_name(name),
                0o100_000 => continue,
                0o120_000 => Some("it is a symbolic link"),
                0o160_000 => Some("it is a submodule"),
                _ => Some("it is neither a file nor a folder"),
            };
            let skip = skip
                .or((shown.len() > MAX_PATH).then_some("its path is too long"))
                .or((listing.entries.len() >= MAX_FILES).then_some("there are too many files"));
            if let Some(why) = skip {
                if listing.skipped.len() < MAX_FILES {
                    listing.skipped.push(Skipped { path: shown, why });
                }
            } else if is_runbook && entry.kind() == Some(ObjectType::Blob) {
                listing.entries.push(Entry {
                    path: shown,
                    blob: entry.id().to_string(),
                });
            } else {
                let inner = self.folder(entry.id())?;
                so_far.folders += 1;
                so_far.depth += 1;
                self.walk(&inner, &shown, so_far, listing)?;
                so_far.depth -= 1;
            }
        }
        Ok(())
    }

    /// The file at this path of the commit.
    ///
    /// # Errors
    /// When it is not there, is a link, folder or submodule, or is larger than [`MAX_FILE`].
    pub fn read(&self, pin: &Pin, path: &str) -> Result<Blob, LibraryError> {
        let bad = |why| {
            Err(LibraryError::BadPath {
                path: path.chars().take(200).collect(),
                why,
            })
        };
        if path.len() > MAX_PATH {
            return bad("it is too long");
        }
        if let Some(why) = path.split('/').find_map(|name| bad_name(name.as_bytes())) {
            return bad(why);
        }
        let missing = || LibraryError::Missing {
            path: path.to_owned(),
            commit: pin.commit.chars().take(12).collect(),
        };
        let mut tree = self.tree(pin)?;
        let mut names = path.split('/').peekable();
        while let Some(name) = names.next() {
            let entry = tree.get_name(name).ok_or_else(missing)?;
            match entry.filemode_raw() & 0o170_000 {
                0o040_000 if names.peek().is_some() => {
                    let inner = self.folder(entry.id())?;
                    drop(entry);
                    tree = inner;
                }
                0o100_000 if names.peek().is_none() => return self.blob(entry.id(), path),
                0o120_000 => return bad("it is a symbolic link"),
                0o160_000 => return bad("it is a submodule"),
                _ => return Err(missing()),
            }
        }
        Err(missing())
    }

    /// The file of a listing.
    ///
    /// # Errors
    /// As [`Library::read`].
    pub fn read_entry(&self, entry: &Entry) -> Result<Blob, LibraryError> {
        self.blob(Oid::from_str(&entry.blob)?, &entry.path)
    }

    /// Its bytes alone, without a digest.
    pub(super) fn read_bytes(&self, entry: &Entry) -> Result<Vec<u8>, LibraryError> {
        self.blob_bytes(Oid::from_str(&entry.blob)?, &entry.path)
    }

    fn blob(&self, id: Oid, path: &str) -> Result<Blob, LibraryError> {
        let bytes = self.blob_bytes(id, path)?;
        Ok(Blob {
            sha256: Digest::of(&bytes),
            id: id.to_string(),
            bytes,
        })
    }

    fn blob_bytes(&self, id: Oid, path: &str) -> Result<Vec<u8>, LibraryError> {
        let limit = usize::try_from(MAX_FILE).unwrap_or(usize::MAX);
        // The size stands in the object's header: an oversized one is never unpacked.
        match Objects::of(&self.repo)?.read_as(id, ObjectType::Blob, limit) {
            Ok(bytes) => Ok(bytes),
            Err(Unread::TooLarge { size, .. }) => Err(LibraryError::TooLarge {
                path: path.to_owned(),
                size,
                max: MAX_FILE,
            }),
            Err(other) => Err(unread(id, &other)),
        }
    }

    pub(super) fn tree(&self, pin: &Pin) -> Result<Tree<'_>, LibraryError> {
        let oid = Oid::from_str(&pin.commit)?;
        self.fit(oid)?;
        let id = self.repo.find_commit(oid)?.tree_id();
        self.folder(id)
    }

    fn folder(&self, id: Oid) -> Result<Tree<'_>, LibraryError> {
        self.fit(id)?;
        Ok(self.repo.find_tree(id)?)
    }

    /// Whether git2 may be asked for a commit or tree.
    pub(super) fn fit(&self, id: Oid) -> Result<(), LibraryError> {
        Objects::of(&self.repo)?
            .is_fit(id, MAX_NODE)
            .map_err(|error| unread(id, &error))
    }
}

fn unread(id: Oid, why: &Unread) -> LibraryError {
    git2::Error::from_str(&format!("object {id}: {why}")).into()
}

/// The file, or `None` where there is none.
pub(super) fn optional(blob: Result<Blob, LibraryError>) -> Result<Option<Blob>, LibraryError> {
    match blob {
        Ok(blob) => Ok(Some(blob)),
        Err(LibraryError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Why a name in a tree is not taken.
fn bad_name(name: &[u8]) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(name) else {
        return Some("its name is not UTF-8");
    };
    let plain = text.trim_end_matches(['.', ' ']).to_lowercase();
    if text.is_empty() || text == "." || text == ".." {
        Some("its name leads elsewhere")
    } else if plain == ".git" || plain.starts_with("git~") {
        Some("its name is git's own")
    } else if text.contains(['/', '\\']) {
        Some("its name holds a slash")
    } else if text.chars().any(|c| c.is_control() || is_invisible(c)) {
        Some("its name holds invisible characters")
    } else if text.len() > 255 {
        Some("its name is too long")
    } else {
        None
    }
}

/// Marks that turn text around or take no room.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Two paths that differ in case only are one file on some disks: neither is taken.
fn leave_out_clashes(listing: &mut Listing) {
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(listing.entries.len());
    for entry in &listing.entries {
        *seen.entry(entry.path.to_lowercase()).or_default() += 1;
    }
    if seen.len() == listing.entries.len() {
        return;
    }
    let (kept, clashing) = std::mem::take(&mut listing.entries)
        .into_iter()
        .partition(|entry| seen.get(&entry.path.to_lowercase()) == Some(&1));
    listing.entries = kept;
    let clashing: Vec<Entry> = clashing;
    listing
        .skipped
        .extend(clashing.into_iter().map(|entry| Skipped {
            path: entry.path,
            why: "another file has the same name in other letter case",
        }));
}

//! What a library offers, quickly: the head of every runbook, read on several threads, and remembered by blob id so
//! that the next start only reads what is new. Knows nothing of what a head is: that is the reader's business.

use std::collections::HashMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Entry, Library, LibraryError, Pin, Skipped};
use crate::evidence::Digest;
use crate::host::files::{create_private_dir, read_plain_limited, write_atomic};

/// The largest memory that is read back.
const MAX_MEMORY: u64 = 64 << 20;
/// Below this many files one thread is faster.
const WORTH_A_THREAD: usize = 64;
const MAX_THREADS: usize = 8;

/// One runbook file and its head.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Row<T> {
    pub entry: Entry,
    /// `None` where the file has none that can be read: it is broken, or too large.
    pub head: Option<T>,
}

/// All of a library's runbooks at one commit, by path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Catalog<T> {
    pub rows: Vec<Row<T>>,
    pub skipped: Vec<Skipped>,
    /// How many files had to be read; the others were remembered.
    pub read: usize,
}

/// Where heads are remembered between runs.
#[derive(Debug, Clone)]
pub struct Memory {
    file: PathBuf,
    version: u32,
}

impl Memory {
    /// The memory of this library under `cache`. `version` is the reader's: after a change of what a head is, what
    /// an earlier one remembered is not used.
    #[must_use]
    pub fn of(library: &Library, cache: &Path, version: u32) -> Self {
        let dir = library.git_dir();
        let place = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        let digest = Digest::of(place.as_os_str().as_encoded_bytes()).hex();
        Self {
            file: cache
                .join("catalog")
                .join(format!("{}.json", &digest[..32])),
            version,
        }
    }

    /// A memory that is missing, damaged or of another version is empty.
    fn recall<T: DeserializeOwned>(&self) -> HashMap<String, Option<T>> {
        let recalled = read_plain_limited(&self.file, MAX_MEMORY)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Remembered<T>>(&bytes).ok());
        match recalled {
            Some(it) if it.format == 1 && it.version == self.version => it.heads,
            _ => HashMap::new(),
        }
    }

    /// That it cannot be kept costs time only.
    fn keep<T: Serialize>(&self, rows: &[Row<T>]) {
        let heads = rows
            .iter()
            .map(|row| (row.entry.blob.as_str(), &row.head))
            .collect();
        let memory = ToRemember {
            format: 1,
            version: self.version,
            heads,
        };
        let written = serde_json::to_vec(&memory)
            .map_err(std::io::Error::from)
            .and_then(|text| {
                create_private_dir(self.file.parent().unwrap_or(Path::new(".")))?;
                write_atomic(&self.file, &text, 0o600)
            });
        if let Err(error) = written {
            tracing::debug!(%error, "the catalog is not remembered");
        }
    }
}

#[derive(Deserialize)]
struct Remembered<T> {
    format: u32,
    version: u32,
    heads: HashMap<String, Option<T>>,
}

#[derive(Serialize)]
struct ToRemember<'a, T> {
    format: u32,
    version: u32,
    heads: HashMap<&'a str, &'a Option<T>>,
}

impl<T: Serialize + DeserializeOwned + Clone + Send> Catalog<T> {
    /// Lists the commit's runbooks with what `head` makes of each file's bytes. `head` must depend on nothing else:
    /// its answers are remembered by content.
    ///
    /// # Errors
    /// When the commit cannot be read. A single file that cannot be is a row without a head.
    pub fn load(
        library: &Library,
        pin: &Pin,
        memory: Option<&Memory>,
        head: impl Fn(&[u8]) -> Option<T> + Sync,
    ) -> Result<Self, LibraryError> {
        let listing = library.entries(pin)?;
        let mut known: HashMap<String, Option<T>> = memory.map(Memory::recall).unwrap_or_default();
        let remembered = known.len();
        let unknown: Vec<&Entry> = listing
            .entries
            .iter()
            .filter(|entry| !known.contains_key(&entry.blob))
            .collect();
        let read = unknown.len();
        known.extend(read_all(library, &unknown, &head)?);
        let rows: Vec<Row<T>> = listing
            .entries
            .into_iter()
            .map(|entry| Row {
                head: known.get(&entry.blob).cloned().flatten(),
                entry,
            })
            .collect();
        // Written anew when something is new, or when most of what it holds is of the past.
        if let Some(memory) = memory
            && (read > 0 || remembered > 2 * rows.len() + 100)
        {
            memory.keep(&rows);
        }
        Ok(Self {
            rows,
            skipped: listing.skipped,
            read,
        })
    }
}

/// Every thread has its own handle on the repository and takes the next few files when it is done with its last.
fn read_all<T: Send>(
    library: &Library,
    entries: &[&Entry],
    head: &(impl Fn(&[u8]) -> Option<T> + Sync),
) -> Result<Vec<(String, Option<T>)>, LibraryError> {
    const FEW: usize = 16;
    let cores = std::thread::available_parallelism().map_or(2, NonZero::get);
    let threads = cores
        .min(MAX_THREADS)
        .min(entries.len().div_ceil(WORTH_A_THREAD));
    let next = AtomicUsize::new(0);
    let work = |library: &Library| {
        let mut done = Vec::new();
        loop {
            let from = next.fetch_add(FEW, Ordering::Relaxed);
            let Some(few) = entries.get(from..entries.len().min(from + FEW)) else {
                return done;
            };
            if few.is_empty() {
                return done;
            }
            for entry in few {
                let found = library
                    .read_bytes(entry)
                    .ok()
                    .and_then(|bytes| head(&bytes));
                done.push((entry.blob.clone(), found));
            }
        }
    };
    if threads <= 1 {
        return Ok(work(library));
    }
    let handles: Vec<Library> = (1..threads)
        .map(|_| library.again())
        .collect::<Result<_, _>>()?;
    let mut done = Vec::with_capacity(entries.len());
    std::thread::scope(|scope| {
        let others: Vec<_> = handles
            .into_iter()
            .map(|own| {
                let work = &work;
                scope.spawn(move || work(&own))
            })
            .collect();
        done.extend(work(library));
        for other in others {
            // A reader that panicked leaves its rows without a head.
            done.extend(other.join().unwrap_or_default());
        }
    });
    Ok(done)
}

//! Where records are: a state directory, perhaps a spool, and the disk under them.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Dir, Disk, OsDisk};
use super::error::JournalError;
use crate::engine::ids::IncidentId;

/// One person's, and nobody else's business.
pub(crate) const PRIVATE: u32 = 0o700;

/// In a spool everybody of the group makes files, and nobody removes another's.
pub(crate) const SPOOL: u32 = 0o3770;

const RESERVE: &str = "reserve";
const RESERVE_SIZE: u64 = 1 << 20;

/// A place for records.
#[derive(Debug, Clone)]
pub struct Store {
    state: PathBuf,
    spool: Option<PathBuf>,
    disk: Arc<dyn Disk>,
    machine: String,
}

impl Store {
    /// The records under this state directory.
    #[must_use]
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            state: state.into(),
            spool: None,
            disk: Arc::new(OsDisk),
            machine: this_machine(),
        }
    }

    /// With segments and evidence in a directory shared with others on this host.
    #[must_use]
    pub fn with_spool(mut self, spool: impl Into<PathBuf>) -> Self {
        self.spool = Some(spool.into());
        self
    }

    /// On another disk.
    #[must_use]
    pub fn on_disk(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = disk;
        self
    }

    /// On another machine, by the name a writer is bound to.
    #[must_use]
    pub fn on_machine(mut self, machine: impl Into<String>) -> Self {
        self.machine = machine.into();
        self
    }

    /// The state directory.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        &self.state
    }

    /// The spool.
    #[must_use]
    pub fn spool_dir(&self) -> Option<&Path> {
        self.spool.as_deref()
    }

    /// The repository the records of this state directory are published in.
    #[must_use]
    pub fn git_dir(&self) -> PathBuf {
        self.state.join("record.git")
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    pub(crate) fn machine(&self) -> &str {
        &self.machine
    }

    /// The ids of all incidents that have a record here, the oldest first.
    ///
    /// # Errors
    /// When a directory cannot be read. One that is not there holds none.
    pub fn incidents(&self) -> Result<Vec<IncidentId>, JournalError> {
        let mut ids = Vec::new();
        for root in std::iter::once(&self.state).chain(&self.spool) {
            let path = root.join("incidents");
            let names = match Dir::open(root).and_then(|root| root.enter("incidents")) {
                Ok(dir) => dir
                    .names()
                    .map_err(JournalError::io("list the incidents", &path))?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(JournalError::io("list the incidents", &path)(error)),
            };
            ids.extend(
                names
                    .into_iter()
                    .filter_map(|name| IncidentId::new(name).ok()),
            );
        }
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    /// The state directory, made if it is not there, private in any case.
    pub(crate) fn root(&self) -> Result<Dir, JournalError> {
        let made = std::fs::create_dir_all(&self.state).and_then(|()| Dir::open(&self.state));
        let root = made.map_err(JournalError::io("make the state directory", &self.state))?;
        let mode = rustix::fs::Mode::from_raw_mode(PRIVATE);
        // Fails on a directory of another account, which the next write will say better.
        let _ = rustix::fs::fchmod(&root, mode);
        Ok(root)
    }

    /// The incident's own directory: there already, or made.
    pub(crate) fn home(&self, id: &IncidentId, make: bool) -> Result<Dir, JournalError> {
        let path = self.state.join("incidents").join(id.as_str());
        let entered = if make {
            let root = self.root()?;
            root.ensure("incidents", PRIVATE)
                .and_then(|dir| dir.ensure(id.as_str(), PRIVATE))
        } else {
            Dir::open(&self.state)
                .and_then(|dir| dir.enter("incidents"))
                .and_then(|dir| dir.enter(id.as_str()))
        };
        entered.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => JournalError::NoSuchIncident(id.clone()),
            _ => JournalError::io("open the incident's directory", &path)(error),
        })
    }

    /// The incident's directory in the spool, if there is a spool.
    pub(crate) fn shared(&self, id: &IncidentId, make: bool) -> Result<Option<Dir>, JournalError> {
        let Some(spool) = &self.spool else {
            return Ok(None);
        };
        let path = spool.join("incidents").join(id.as_str());
        let open = |root: Dir| {
            if make {
                root.ensure("incidents", SPOOL)?.ensure(id.as_str(), SPOOL)
            } else {
                root.enter("incidents")?.enter(id.as_str())
            }
        };
        match Dir::open(spool).and_then(open) {
            Ok(dir) => Ok(Some(dir)),
            Err(error) if !make && error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(JournalError::io("open the spool", &path)(error)),
        }
    }

    /// Makes the reserve if it is not there. Without room for it there is none, which is no error.
    pub(crate) fn make_reserve(&self) {
        let Ok(root) = Dir::open(&self.state) else {
            return;
        };
        if root.read(RESERVE).is_ok() {
            return;
        }
        let made = root.remove(RESERVE).and_then(|()| {
            let file = self.disk.create(&root, RESERVE, 0o600)?;
            rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, RESERVE_SIZE)?;
            Ok(())
        });
        if made.is_err() {
            // Half a reserve only takes room.
            let _ = root.remove(RESERVE);
        }
    }

    /// Gives up the reserve, so that what must still be said finds room. Whether there was one.
    #[must_use]
    pub fn release_reserve(&self) -> bool {
        let Ok(root) = Dir::open(&self.state) else {
            return false;
        };
        root.read(RESERVE).is_ok() && root.remove(RESERVE).is_ok()
    }
}

/// What a writer is bound to: the machine's id and its name.
fn this_machine() -> String {
    let mut id = String::new();
    if let Ok(file) = std::fs::File::open("/etc/machine-id") {
        // Without one the name has to do.
        let _ = file.take(64).read_to_string(&mut id);
    }
    let name = rustix::system::uname();
    format!("{}/{}", id.trim(), name.nodename().to_string_lossy())
}

/// Fresh random bytes.
pub(crate) fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

//! When this state directory first saw an approval or override, on the clock that nobody sets: so that an approval expires even
//! where the wall clock was set back or the machine slept.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::engine::at::BootStamp;
use crate::engine::ids::EventId;
use crate::engine::{Event, Fact};
use crate::host::files;

const LIMIT: u64 = 4 << 20;

/// The stamps by event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipts(BTreeMap<EventId, BootStamp>);

impl Receipts {
    fn path(dir: &Path) -> PathBuf {
        dir.join("receipts.json")
    }

    /// What is kept in this directory. A damaged file is none: an approval then counts from now on, and still expires
    /// by the wall clock.
    #[must_use]
    pub fn load(dir: &Path) -> Self {
        files::read_plain_limited(&Self::path(dir), LIMIT)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .map_or_else(Self::default, Self)
    }

    /// Stamps every approval and override among these events that has none yet, and keeps the stamps.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn see<'a>(
        &mut self,
        dir: &Path,
        events: impl IntoIterator<Item = &'a Event>,
        now: &BootStamp,
    ) -> io::Result<()> {
        let before = self.0.len();
        for event in events {
            let holds_for_a_time = matches!(
                event.fact,
                Fact::CheckpointApproved(_) | Fact::CheckpointOverridden(_)
            );
            if holds_for_a_time {
                self.0.entry(event.id).or_insert_with(|| now.clone());
            }
        }
        if self.0.len() == before {
            return Ok(());
        }
        let bytes = serde_json::to_vec(&self.0)?;
        files::write_atomic(&Self::path(dir), &bytes, 0o600)
    }

    /// As `At` carries them.
    #[must_use]
    pub fn into_map(self) -> BTreeMap<EventId, BootStamp> {
        self.0
    }
}

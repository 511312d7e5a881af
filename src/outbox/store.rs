//! The outbox of one incident on disk: one file a delivery, replaced as a whole, and a lock that one process at a time
//! holds. Knows nothing of sending.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::delivery::{Delivery, VERSION};
use crate::engine::EventId;
use crate::host::files;

/// No delivery is larger: four texts of at most 64 KiB each, escaped.
const LARGEST: u64 = 8 << 20;

/// The deliveries of an incident.
#[derive(Debug, Clone)]
pub struct Store(PathBuf);

/// Held while deliveries are sent or changed.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "it is the lock")] File);

impl Store {
    /// In this folder of the incident.
    #[must_use]
    pub fn new(incident: &Path) -> Self {
        Self(incident.join("outbox"))
    }

    /// The lock, unless another process holds it.
    ///
    /// # Errors
    /// When the folder cannot be made or the lock cannot be opened.
    pub fn lock(&self) -> io::Result<Option<Lock>> {
        let file = self.lock_file()?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// The lock, waited for.
    ///
    /// # Errors
    /// As [`Store::lock`].
    pub fn wait(&self) -> io::Result<Lock> {
        let file = self.lock_file()?;
        file.lock()?;
        Ok(Lock(file))
    }

    fn lock_file(&self) -> io::Result<File> {
        files::create_private_dir(&self.0)?;
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.0.join("lock"))
    }

    /// All of them, the oldest update first; and what could not be read.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn all(&self) -> io::Result<(Vec<Delivery>, Vec<String>)> {
        let (mut all, mut problems) = (Vec::new(), Vec::new());
        let names = match std::fs::read_dir(&self.0) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((all, problems)),
            Err(error) => return Err(error),
        };
        for name in names {
            let path = name?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match read(&path) {
                Ok(delivery) => all.push(delivery),
                Err(why) => problems.push(format!("{}: {why}", path.display())),
            }
        }
        all.sort_by(|a, b| (a.wording.written, &a.key).cmp(&(b.wording.written, &b.key)));
        problems.sort();
        Ok((all, problems))
    }

    /// Whether all deliveries of an update were queued. What a policy says later does not send it anew.
    #[must_use]
    pub fn is_queued(&self, update: &EventId) -> bool {
        self.mark(update).exists()
    }

    /// Remembers that all deliveries of an update are queued.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn queued(&self, update: &EventId) -> io::Result<()> {
        files::create_private_dir(&self.0)?;
        files::write_atomic(&self.mark(update), b"", 0o600)
    }

    fn mark(&self, update: &EventId) -> PathBuf {
        self.0.join(format!("{}.queued", update.hex()))
    }

    /// Whether there is one of this key, readable or not.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.path(key).exists()
    }

    /// The one of this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Delivery> {
        read(&self.path(key)).ok()
    }

    /// Keeps it as it is now, through a power cut too.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, delivery: &Delivery) -> io::Result<()> {
        files::create_private_dir(&self.0)?;
        let mut bytes = serde_json::to_vec_pretty(delivery)?;
        bytes.push(b'\n');
        files::write_atomic(&self.path(&delivery.key), &bytes, 0o600)
    }

    fn path(&self, key: &str) -> PathBuf {
        self.0.join(format!("{key}.json"))
    }
}

fn read(path: &Path) -> Result<Delivery, String> {
    let bytes = files::read_plain_limited(path, LARGEST).map_err(|error| error.to_string())?;
    let version: Version = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    if version.version > VERSION {
        return Err(format!(
            "version {}: a newer runsheet wrote it, this one reads up to {VERSION}",
            version.version
        ));
    }
    let delivery: Delivery = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    if path
        .file_stem()
        .is_none_or(|stem| stem != delivery.key.as_str())
        || delivery.key != super::key(&delivery.update, &delivery.channel)
    {
        return Err("its key is not that of its update and channel".to_owned());
    }
    Ok(delivery)
}

#[derive(serde::Deserialize)]
struct Version {
    version: u32,
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::evidence::Digest;
    use crate::outbox::Wording;

    fn delivery(channel: &str) -> Delivery {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        Delivery::new(Digest::of(b"1"), channel, Wording::default(), at)
    }

    #[test]
    fn what_is_kept_is_found_again_and_what_cannot_be_read_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        assert_eq!(store.all().unwrap(), (Vec::new(), Vec::new()));
        store.keep(&delivery("status")).unwrap();
        store.keep(&delivery("execs")).unwrap();
        let folder = dir.path().join("outbox");
        std::fs::write(folder.join("x.json"), b"{").unwrap();
        std::fs::write(folder.join("y.json"), b"{\"version\": 2}").unwrap();
        let forged = serde_json::to_vec(&delivery("status")).unwrap();
        std::fs::write(folder.join("z.json"), forged).unwrap();
        let (all, problems) = store.all().unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[1].contains("a newer runsheet"), "{problems:?}");
        assert_eq!(store.get(&all[0].key).as_ref(), Some(&all[0]));
    }

    #[test]
    fn one_process_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let held = store.lock().unwrap();
        assert!(held.is_some() && store.lock().unwrap().is_none());
        drop(held);
        assert!(store.lock().unwrap().is_some());
    }
}

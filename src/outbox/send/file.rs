//! A file that gets a line of JSON for each update. What is behind it may read the key and leave out what it has.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::Failed;
use crate::outbox::delivery::Delivery;
use crate::outbox::shape::document;

pub(super) fn send(path: &Path, delivery: &Delivery) -> Result<(), Failed> {
    let mut line = document(delivery).to_string();
    line.push('\n');
    let write = || {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o644)
            .open(path)?;
        // One write: whoever appends beside gets whole lines too.
        file.write_all(line.as_bytes())?;
        match file.sync_data() {
            // A pipe or a device keeps nothing, and has nothing to sync.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => Ok(()),
            result => result,
        }
    };
    write().map_err(|error| Failed::line(format!("{}: {error}", path.display())))
}

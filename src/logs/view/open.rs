//! Opening a file to be read: what dates its lines is learnt from its beginning.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::live::Watched;
use super::log::Log;
use crate::logs::source::{self, Source as _};
use crate::logs::stamp::{Stamp, Stamps, Zone};

/// So much of a log's beginning is looked at to learn how its lines are dated.
const SAMPLE: usize = 64 << 10;

/// Opens a plain file under the name it is shown by. `zone` is that of times without one.
///
/// # Errors
/// When it is no plain file, or cannot be read.
pub fn open(path: &Path, name: String, zone: Zone, threads: usize) -> io::Result<(Log, Watched)> {
    let file = source::open(path)?;
    let watched = Watched::new(path, &file)?;
    let mut sample = vec![0; SAMPLE];
    let read = file.fill_at(&mut sample, 0)?;
    sample.truncate(read);
    let newest = file.metadata()?.modified().map_or(Stamp(0), |time| {
        Stamp::of(chrono::DateTime::<chrono::Utc>::from(time))
    });
    let clock = Stamps::detect(&sample, zone, newest).map(|stamps| {
        let clock: super::log::Clock = Arc::new(move |line| stamps.of(line));
        clock
    });
    Ok((Log::new(name, Arc::new(file), clock, threads)?, watched))
}

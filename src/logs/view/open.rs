//! Opening a file to be read: one that is packed or in UTF-16 is spooled, and samples tell what dates its lines.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::live::Watched;
use super::log::{Clock, Log};
use super::spool::{Room, Spool};
use crate::logs::dating::{Dating, SAMPLE};
use crate::logs::lines::Encoding;
use crate::logs::packed::Packing;
use crate::logs::rotated;
use crate::logs::source::{self, Source};

/// So long the first bytes of a packed log are waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The bytes of a log as they are read.
#[derive(Clone)]
pub(super) struct Bytes {
    pub source: Arc<dyn Source>,
    /// The same, where they are unpacked or decoded.
    pub spool: Option<Arc<Spool>>,
}

impl Bytes {
    /// Of a file that is open. The first of them are there, or there are none.
    pub(super) fn of(file: File, room: &Room) -> io::Result<Self> {
        let mut head = [0; 16];
        let read = file.fill_at(&mut head, 0)?;
        let packing = Packing::of(&head[..read]);
        if packing.is_none() && Encoding::of(&head[..read]) == Encoding::Bytes {
            return Ok(Self {
                source: Arc::new(file),
                spool: None,
            });
        }
        let spool = Arc::new(Spool::start(file, packing, room)?);
        spool.wait(SAMPLE as u64, PATIENCE);
        Ok(Self {
            source: Arc::<Spool>::clone(&spool),
            spool: Some(spool),
        })
    }
}

/// Opens a plain file under the name it is shown by.
///
/// # Errors
/// When it is no plain file, or cannot be read.
pub fn open(
    path: &Path,
    name: String,
    dating: &Dating,
    room: &Room,
    threads: usize,
) -> io::Result<(Log, Watched)> {
    let file = source::open(path)?;
    let watched = Watched::new(path, &file, room)?;
    let newest = rotated::written(&file.metadata()?);
    let Bytes { source, spool } = Bytes::of(file, room)?;
    let mut head = vec![0; SAMPLE];
    let read = source.fill_at(&mut head, 0)?;
    let told = dating.by(&head[..read], Encoding::Bytes, newest);
    let stamps = match told {
        None => dating.elsewhere(&*source, Encoding::Bytes, newest)?,
        told => told,
    };
    let clock = stamps.map(|stamps| {
        let clock: Clock = Arc::new(move |line| stamps.of(&Encoding::Bytes.decoded(line)));
        clock
    });
    let mut log = Log::new(name, source, clock, threads)?;
    log.spool = spool;
    Ok((log, watched))
}

//! Which writer a person is in one incident of one state directory. The answer lies in `<person>.writer` and is bound to
//! the machine, the directory's inode and the spool: a state directory that was copied, to another host or beside itself,
//! begins a new writer there, so that no two ever write the same segment.

use std::io;

use serde::{Deserialize, Serialize};

use super::disk::{Dir, Disk};
use crate::engine::ids::WriterId;
use crate::evidence::canonical;
use crate::trust::Principal;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bound {
    directory: u64,
    machine: String,
    spool: Option<String>,
    v: u32,
    writer: WriterId,
}

/// Where a writer writes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Here<'a> {
    pub machine: &'a str,
    pub spool: Option<&'a str>,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing, or what was written elsewhere.
    None,
    /// This one.
    Writer(WriterId),
    /// One of this machine and directory, but of another spool: it has written its last.
    Moved(WriterId),
}

/// The file in which a person's writer lies.
pub(crate) fn name(person: &Principal) -> String {
    format!("{person}.writer")
}

/// Whose writer lies in the file of this name.
pub(crate) fn person(name: &str) -> Option<Principal> {
    Principal::try_from(name.strip_suffix(".writer")?).ok()
}

/// Looks up a person's writer.
pub(crate) fn find(dir: &Dir, person: &Principal, here: Here<'_>) -> io::Result<Found> {
    let Some(bytes) = dir.slurp(&name(person), 4096)? else {
        return Ok(Found::None);
    };
    // One that cannot be read, or of a newer version, is nobody's: a new writer harms nobody, a shared one does.
    let Ok(bound) = serde_json::from_slice::<Bound>(&bytes) else {
        return Ok(Found::None);
    };
    if bound.v != 1 || bound.machine != here.machine || bound.directory != dir.inode()? {
        return Ok(Found::None);
    }
    if bound.spool.as_deref() != here.spool {
        return Ok(Found::Moved(bound.writer));
    }
    Ok(Found::Writer(bound.writer))
}

/// Makes this writer the person's.
pub(crate) fn begin(
    disk: &dyn Disk,
    dir: &Dir,
    person: &Principal,
    here: Here<'_>,
    writer: &WriterId,
) -> io::Result<()> {
    let bound = Bound {
        directory: dir.inode()?,
        machine: here.machine.to_owned(),
        spool: here.spool.map(str::to_owned),
        v: 1,
        writer: writer.clone(),
    };
    let mut text = canonical::to_string(&bound).map_err(io::Error::other)?;
    text.push('\n');
    dir.replace(disk, &name(person), text.as_bytes(), 0o600)
}

/// The writers named in these files that may write here, whoever the person is.
pub(crate) fn all(dir: &Dir, names: &[String], here: Here<'_>) -> io::Result<Vec<WriterId>> {
    let mut writers = Vec::new();
    for name in names {
        let Some(person) = person(name) else {
            continue;
        };
        if let Found::Writer(writer) | Found::Moved(writer) = find(dir, &person, here)? {
            writers.push(writer);
        }
    }
    Ok(writers)
}

//! The files objects are stored in, all of them, whether anything points there or not: every loose object is read, and
//! every pack is checked for what reading an object out of it does not notice. What is damaged is named.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use git2::Oid;

use super::object::{self, Objects};
use super::publish::open_bare;

/// A loose object whose file is larger is not looked at for what its compression leaves over.
const MOST_PADDED: u64 = 1 << 20;

/// Something wrong with a file of objects.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Which object, where that can be told.
    pub object: Option<Oid>,
    pub what: String,
}

/// What is wrong with the files of a repository's objects.
pub(crate) fn problems(git_dir: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    let objects = git_dir.join("objects");
    match open_bare(git_dir).and_then(|repo| {
        loose(&Objects::of(&repo)?, &objects, &mut problems);
        Ok(())
    }) {
        Ok(()) => {}
        Err(error) => problems.push(Problem {
            object: None,
            what: format!("{}: {}", git_dir.display(), error.message()),
        }),
    }
    packs(&objects.join("pack"), &mut problems);
    problems
}

fn loose(store: &Objects<'_>, objects: &Path, problems: &mut Vec<Problem>) {
    let Ok(fans) = std::fs::read_dir(objects) else {
        return;
    };
    for fan in fans.flatten() {
        let name = fan.file_name();
        let Some(prefix) = name.to_str().filter(|name| name.len() == 2) else {
            continue;
        };
        let Ok(entries) = std::fs::read_dir(fan.path()) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let rest = entry.file_name();
            let oid = rest
                .to_str()
                .filter(|rest| rest.len() == 38)
                .and_then(|rest| Oid::from_str(&format!("{prefix}{rest}")).ok());
            let Some(oid) = oid else { continue };
            let read = store
                .is_fit(oid, usize::MAX)
                .map_err(|what| what.to_string());
            if let Err(what) = read.and_then(|()| padded(&path)) {
                problems.push(Problem {
                    object: Some(oid),
                    what: format!("{}: object {oid}: {what}", path.display()),
                });
            }
        }
    }
}

/// The last byte of compressed data, before the four of its check sum, is filled up with zeros that nothing reads. Bits
/// that can be cleared there without a change are such, and somebody has set them.
fn padded(path: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    if path.metadata().map_err(failed)?.len() > MOST_PADDED {
        return Ok(());
    }
    let mut packed = std::fs::read(path).map_err(failed)?;
    let Some(last) = packed.len().checked_sub(5) else {
        return Ok(());
    };
    let whole = object::inflate(&packed, usize::MAX).map_err(|what| what.to_string())?;
    let byte = packed[last];
    for bit in (0..8).map(|bit| 1_u8 << bit).filter(|bit| byte & bit != 0) {
        packed[last] = byte ^ bit;
        if object::inflate(&packed, whole.len()).as_ref() == Ok(&whole) {
            return Err("its file is damaged: it is not filled up with zeros".to_owned());
        }
    }
    Ok(())
}

/// Indexes each pack again, in memory of the file system only, and compares: a pack or index that was touched anywhere
/// either cannot be indexed or gives another index.
fn packs(dir: &Path, problems: &mut Vec<Problem>) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|ext| ext == "pack")
            && let Err(what) = reindex(&path)
        {
            let what = format!("{}: {what}", path.display());
            problems.extend(damaged(&path).unwrap_or_default().into_iter().map(|oid| {
                let what = format!("{what}: object {oid} is not as it was packed");
                Problem {
                    object: Some(oid),
                    what,
                }
            }));
            problems.push(Problem { object: None, what });
        }
    }
}

fn reindex(pack: &Path) -> Result<(), String> {
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let git = |error: git2::Error| error.message().to_owned();
    let file = File::open(pack).map_err(|error| error.to_string())?;
    let mut indexer = git2::Indexer::new(None, scratch.path(), 0o600, false).map_err(git)?;
    std::io::copy(&mut std::io::BufReader::new(file), &mut indexer)
        .map_err(|error| error.to_string())?;
    let name = indexer.commit().map_err(git)?;
    let made = scratch.path().join(format!("pack-{name}.idx"));
    let made = std::fs::read(made).map_err(|error| error.to_string())?;
    let there = std::fs::read(pack.with_extension("idx")).map_err(|error| error.to_string())?;
    if made == there {
        Ok(())
    } else {
        Err("its index is not the one it makes".to_owned())
    }
}

/// The objects of a damaged pack whose bytes are not those its index (version 2) has the check sum of. `None` where the
/// index cannot be read.
fn damaged(pack: &Path) -> Option<Vec<Oid>> {
    let index = std::fs::read(pack.with_extension("idx")).ok()?;
    let word = |at: usize| {
        let bytes = index.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    const NAMES: usize = 8 + 256 * 4;
    let count = word(NAMES - 4)? as usize;
    if index.get(..8)? != b"\xfftOc\0\0\0\x02" || count > index.len() / 28 {
        return None;
    }
    let (sums, offsets) = (NAMES + count * 20, NAMES + count * 24);
    let file = File::open(pack).ok()?;
    // The 20 bytes of the pack's own check sum end its last object.
    let mut ends = vec![file.metadata().ok()?.len().checked_sub(20)?];
    let mut objects = Vec::with_capacity(count);
    for at in 0..count {
        let mut from = u64::from(word(offsets + at * 4)?);
        if from >= 1 << 31 {
            let far = offsets + count * 4 + (from as usize - (1 << 31)) * 8;
            from = u64::from(word(far)?) << 32 | u64::from(word(far + 4)?);
        }
        let oid = Oid::from_bytes(index.get(NAMES + at * 20..NAMES + at * 20 + 20)?).ok()?;
        objects.push((from, oid, word(sums + at * 4)?));
        ends.push(from);
    }
    ends.sort_unstable();
    let damaged = objects.into_iter().filter(|(from, _, sum)| {
        let end = ends.iter().find(|end| *end > from);
        end.is_none_or(|end| sum_of(&file, *from, *end) != Some(*sum))
    });
    Some(damaged.map(|(_, oid, _)| oid).collect())
}

/// The CRC-32 of bytes of a file.
fn sum_of(file: &File, mut from: u64, end: u64) -> Option<u32> {
    let mut sum = flate2::Crc::new();
    let mut block = vec![0; 64 << 10];
    while from < end {
        let want = usize::try_from(end - from).map_or(block.len(), |left| left.min(block.len()));
        let block = block.get_mut(..want)?;
        file.read_exact_at(block, from).ok()?;
        sum.update(block);
        from += want as u64;
    }
    Some(sum.sum())
}

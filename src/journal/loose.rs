//! The files objects are stored in, all of them, whether anything points there or not: every loose object is read, and
//! every pack is checked for what reading an object out of it does not notice.

use std::path::Path;

use git2::Oid;

use super::object::Objects;
use super::publish::open_bare;

/// What is wrong with the files of a repository's objects.
pub(crate) fn problems(git_dir: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    let objects = git_dir.join("objects");
    match open_bare(git_dir).and_then(|repo| {
        loose(&Objects::of(&repo)?, &objects, &mut problems);
        Ok(())
    }) {
        Ok(()) => {}
        Err(error) => problems.push(format!("{}: {}", git_dir.display(), error.message())),
    }
    packs(&objects.join("pack"), &mut problems);
    problems
}

fn loose(store: &Objects<'_>, objects: &Path, problems: &mut Vec<String>) {
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
            if let Some(oid) = oid
                && let Err(what) = store.read(oid, usize::MAX)
            {
                problems.push(format!("{}: {what}", path.display()));
            }
        }
    }
}

/// Indexes each pack again, in memory of the file system only, and compares: a pack or index that was touched anywhere
/// either cannot be indexed or gives another index.
fn packs(dir: &Path, problems: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|ext| ext == "pack")
            && let Err(what) = reindex(&path)
        {
            problems.push(format!("{}: {what}", path.display()));
        }
    }
}

fn reindex(pack: &Path) -> Result<(), String> {
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let git = |error: git2::Error| error.message().to_owned();
    let file = std::fs::File::open(pack).map_err(|error| error.to_string())?;
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

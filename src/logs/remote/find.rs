//! Which files a pattern names on a host with an SFTP server, by listing the folders it leads through.

use std::io;

use glob::{MatchOptions, Pattern};

use super::FarPath;
use super::sftp::Session;
use super::wire;

/// The most files one pattern may name.
pub(super) const MOST_FILES: usize = 256;
/// The most folders that one pattern may lead through.
const MOST_FOLDERS: usize = 64;

pub(super) fn too_many() -> io::Error {
    io::Error::other(format!("more than {MOST_FILES} files"))
}

/// Finds by listing the folders that the pattern leads through.
pub(super) fn find(session: &mut Session, pattern: &str) -> io::Result<Vec<FarPath>> {
    let magic = |part: &str| part.contains(['*', '?', '[']);
    let mut parts = pattern.split('/').peekable();
    // What stands before the first part with a meaning is taken as it is.
    let mut base = String::new();
    while let Some(part) = parts.next_if(|part| !magic(part)) {
        base.push_str(part);
        if parts.peek().is_some() {
            base.push('/');
        }
    }
    let mut paths = vec![base.into_bytes()];
    let mut attrs = vec![None];
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let (mut next, mut known) = (Vec::new(), Vec::new());
        if magic(part) {
            let matches = Pattern::new(part)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.msg))?;
            if paths.len() > MOST_FOLDERS {
                return Err(io::Error::other(format!(
                    "more than {MOST_FOLDERS} folders"
                )));
            }
            for path in paths {
                for (name, attrs) in matching(session, &path, &matches, last)? {
                    next.push([&path[..], &name].concat());
                    known.push(Some(attrs));
                }
            }
        } else {
            next = paths
                .iter()
                .map(|path| [path, part.as_bytes()].concat())
                .collect();
            known = vec![None; next.len()];
        }
        if !last {
            for path in &mut next {
                path.push(b'/');
            }
        }
        if next.len() > MOST_FILES {
            return Err(too_many());
        }
        (paths, attrs) = (next, known);
    }
    seen(session, paths, &attrs)
}

/// The plain files among them. What a list of names tells of a link is of the link, so those are looked at.
fn seen(
    session: &mut Session,
    paths: Vec<Vec<u8>>,
    attrs: &[Option<wire::Attrs>],
) -> io::Result<Vec<FarPath>> {
    let unsure: Vec<usize> = (0..paths.len())
        .filter(|at| attrs[*at].is_none_or(|attrs| attrs.mode.is_none_or(|_| attrs.is_no_file())))
        .collect();
    let asked: Vec<_> = unsure.iter().map(|at| paths[*at].clone()).collect();
    let mut all: Vec<Option<wire::Attrs>> = attrs.to_vec();
    for (at, attrs) in unsure.into_iter().zip(session.stat_all(&asked)?) {
        all[at] = attrs;
    }
    let known = paths.into_iter().zip(all);
    Ok(known
        .filter_map(|(path, attrs)| {
            let attrs = attrs.filter(|attrs| !attrs.is_no_file())?;
            Some(FarPath {
                path,
                size: attrs.size,
                mtime: attrs.mtime,
            })
        })
        .collect())
}

fn matching(
    session: &mut Session,
    folder: &[u8],
    pattern: &Pattern,
    last: bool,
) -> io::Result<Vec<(Vec<u8>, wire::Attrs)>> {
    let options = MatchOptions {
        require_literal_leading_dot: true,
        ..MatchOptions::new()
    };
    let folder = if folder.is_empty() { b"." } else { folder };
    let entries = match session.list(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    Ok(entries
        .into_iter()
        // A name is one part of a path: a server that says otherwise would lead elsewhere.
        .filter(|entry| !entry.name.contains(&b'/') && !entry.name.contains(&0))
        .filter(|entry| !matches!(&entry.name[..], b"." | b".." | b""))
        .filter(|entry| {
            std::str::from_utf8(&entry.name).is_ok_and(|name| pattern.matches_with(name, options))
        })
        .filter(|entry| last || entry.attrs.may_be_folder())
        .map(|entry| (entry.name, entry.attrs))
        .collect())
}

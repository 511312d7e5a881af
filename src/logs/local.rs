//! Pulling files of this machine: whole or their tail, bounded, filtered by line.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use regex::bytes::Regex;

/// The most files one pattern may name.
const MOST_FILES: usize = 64;

/// What to pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Wanted<'a> {
    pub name: &'a str,
    /// A path or pattern.
    pub path: &'a str,
    /// Only this many bytes from the end.
    pub tail: Option<u64>,
    /// At most this many bytes of each file.
    pub limit: u64,
    /// Only lines that match.
    pub matching: Option<&'a str>,
}

/// Bytes as they were read, on their way into the record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Pulled {
    pub name: String,
    pub source: String,
    /// Which bytes of the source these are, if not all of something without positions.
    pub range: Option<(u64, u64)>,
    /// Bytes left out because of a limit.
    pub dropped: u64,
    pub bytes: Vec<u8>,
}

/// Pulls every file that is meant.
///
/// # Errors
/// In words, with the first file that could not be read.
pub fn pull(wanted: &Wanted<'_>) -> Result<Vec<Pulled>, String> {
    paths(wanted.path)?
        .iter()
        .map(|path| one(wanted, path))
        .collect()
}

/// The files a path or pattern names, in order of their names.
///
/// # Errors
/// In words: when there are none, or too many.
pub fn paths(pattern: &str) -> Result<Vec<PathBuf>, String> {
    if !pattern.contains(['*', '?', '[']) {
        return Ok(vec![PathBuf::from(pattern)]);
    }
    let found = glob::glob(pattern).map_err(|error| format!("{pattern}: {error}"))?;
    let mut found: Vec<_> = found
        .filter_map(Result::ok)
        .filter(|path| path.is_file())
        .take(MOST_FILES + 1)
        .collect();
    if found.is_empty() {
        return Err(format!("{pattern}: no such file"));
    }
    if found.len() > MOST_FILES {
        return Err(format!("{pattern}: more than {MOST_FILES} files"));
    }
    found.sort();
    Ok(found)
}

fn one(wanted: &Wanted<'_>, path: &Path) -> Result<Pulled, String> {
    let shown = path.display();
    let fail = |error: std::io::Error| format!("{shown}: {error}");
    // Opening a FIFO for reading would wait for a writer.
    let meta = std::fs::metadata(path).map_err(fail)?;
    if meta.file_type().is_fifo() || meta.file_type().is_socket() || meta.is_dir() {
        return Err(format!("{shown}: not a plain file"));
    }
    let mut file = File::open(path).map_err(fail)?;
    let size = file.metadata().map_err(fail)?.size();
    let most = wanted.tail.unwrap_or(u64::MAX).min(wanted.limit);
    let start = size.saturating_sub(most);
    file.seek(SeekFrom::Start(start)).map_err(fail)?;
    let mut bytes = Vec::new();
    file.take(most.min(size))
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    let mut first = start;
    if start > 0 {
        // The first line was cut in two: begin with the next.
        let cut = bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        bytes.drain(..cut);
        first += cut as u64;
    }
    let range = (first, first + bytes.len() as u64);
    if let Some(pattern) = wanted.matching {
        let regex = Regex::new(pattern).map_err(|error| format!("match: {error}"))?;
        bytes = bytes
            .split_inclusive(|byte| *byte == b'\n')
            .filter(|line| regex.is_match(line))
            .flatten()
            .copied()
            .collect();
    }
    let tail = wanted.tail.is_some_and(|tail| tail <= wanted.limit);
    Ok(Pulled {
        name: wanted.name.to_owned(),
        source: shown.to_string(),
        range: Some(range),
        dropped: if tail { 0 } else { first },
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted<'a>(path: &'a str, tail: Option<u64>, matching: Option<&'a str>) -> Wanted<'a> {
        Wanted {
            name: "app",
            path,
            tail,
            limit: 1 << 20,
            matching,
        }
    }

    #[test]
    fn a_tail_begins_with_a_whole_line_and_says_its_range() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log");
        std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
        let pulled = pull(&wanted(path.to_str().unwrap(), Some(8), None)).unwrap();
        assert_eq!(pulled[0].bytes, b"three\n");
        assert_eq!((pulled[0].range, pulled[0].dropped), (Some((8, 14)), 0));
    }

    #[test]
    fn only_lines_that_match_are_kept_and_a_limit_says_what_it_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log");
        std::fs::write(&path, "a 1\nb 2\na 3\n").unwrap();
        let path = path.to_str().unwrap();
        assert_eq!(
            pull(&wanted(path, None, Some("^a"))).unwrap()[0].bytes,
            b"a 1\na 3\n"
        );
        let few = Wanted {
            limit: 4,
            ..wanted(path, None, None)
        };
        let pulled = pull(&few).unwrap();
        assert_eq!(
            (pulled[0].bytes.as_slice(), pulled[0].dropped),
            (&b""[..], 12)
        );
    }

    #[test]
    fn a_folder_and_what_is_not_there_are_refused_in_words() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        assert!(
            pull(&wanted(path, None, None))
                .unwrap_err()
                .contains("not a plain file")
        );
        assert!(
            pull(&wanted(&format!("{path}/*.log"), None, None))
                .unwrap_err()
                .contains("no such file")
        );
    }
}

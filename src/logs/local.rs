//! The files of this machine that a path or pattern names, each by itself.

use std::path::PathBuf;

/// The most files one pattern may name.
const MOST_FILES: usize = 64;

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

//! The record as others read it: sentences, timelines, exports, and the document that describes the format. All of it
//! frozen in `tests/golden`; `UPDATE_GOLDEN=1` writes those files anew, for a person to look at the difference.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

mod audiences;
mod drawn;
mod drill;
mod events;
#[path = "../example/mod.rs"]
mod example;
mod exports;
mod format;
mod formats;
mod imports;
mod lessons;
mod lint;
mod promised;
mod sentences;
mod templates;
mod timelines;
mod told;
mod walked;
#[allow(dead_code, reason = "its tests ask more of it")]
#[path = "../engine/world.rs"]
mod world;

use std::path::PathBuf;

/// Compares with a golden file, or writes it when asked to.
fn golden(name: &str, actual: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    for (number, (expected, actual)) in expected.lines().zip(actual.lines()).enumerate() {
        assert_eq!(actual, expected, "{name}, line {}", number + 1);
    }
    assert_eq!(actual, expected, "{name}");
}

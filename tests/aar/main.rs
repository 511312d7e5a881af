//! How an exercise is scored, and the report about it. The reports are frozen in `tests/golden/aar`; `UPDATE_GOLDEN=1`
//! writes those files anew, for a person to look at the difference.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

mod play;
mod scoring;

#[path = "../engine/world.rs"]
#[allow(dead_code, reason = "the engine's tests use all of it")]
mod world;

//! The screens as somebody sees them: a world, keys, and what is on the terminal then.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

mod answers;
mod clocks;
mod curate;
mod exercise;
mod fixture;
mod limits;
mod logs;
mod play;
mod shots;

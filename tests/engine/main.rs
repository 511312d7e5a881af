//! The engine from outside: scenarios as people read them, the numbered cases, forged events, and every shipped runbook
//! walked to its end. Time, randomness and keys are made up; nothing runs and no file but a scenario is read.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

mod cases;
mod exercise;
mod foreign;
mod forged;
mod gates;
mod ground;
#[path = "../support/hardware.rs"]
mod hardware;
mod policies;
mod scenario;
mod shipped;
mod told;
mod updates;
mod world;

//! The program as people meet it: in a pseudo-terminal that counts bytes, in tmux, over a real sshd. Waits for text on
//! the screen with a deadline and never sleeps to be in time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

mod answers;
mod approver;
mod bytes;
mod curate;
mod demo;
mod exercise;
mod first_start;
mod gone;
mod hostile;
mod logs;
mod owed;
mod picture;
mod place;
mod plain;
mod pty;
mod resume;
mod snapshot;
mod sshd;
#[path = "../support/team.rs"]
mod team;
mod tmux;
mod two;

//! runsheet: incident runbooks from git, walked step by step, with signed checkpoints and a timeline anyone can verify.
//! The rooms and who may use whom are in `docs/architecture.md`; `tests/architecture.rs` enforces them.

pub mod cli;
pub mod driver;
pub mod engine;
pub mod evidence;
pub mod exercise;
pub mod host;
pub mod identity;
pub mod journal;
pub mod library;
pub mod logs;
pub mod outbox;
pub mod runbook;
pub mod serve;
pub mod timeline;
pub mod trust;
pub mod tui;

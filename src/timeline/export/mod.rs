//! Leaving with a timeline: one file for each format. The same timeline gives the same bytes; no clock is asked.

mod cell;
pub mod followups;
pub mod json;
pub mod markdown;

pub use json::json;
pub use markdown::markdown;

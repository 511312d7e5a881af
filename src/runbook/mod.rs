//! The plan: the model of runbook and policy, parsing, checking and the proof of gates.
//! Knows nothing of where files come from, of git, of the terminal or of the clock.

pub mod adoption;
pub mod argv;
pub mod check;
pub(crate) mod decode;
pub mod expr;
pub mod file;
pub mod floor;
pub mod freeze;
pub mod gates;
pub mod header;
pub mod input;
pub mod lines;
pub mod model;
pub mod moments;
pub mod outputs;
pub mod parse;
pub mod pattern;
pub mod places;
pub mod policy;
pub mod policy_file;
pub mod problem;
pub mod programs;
mod resolve;
pub mod scenario;
pub mod schema;
pub mod text;
pub mod words;
pub(crate) mod yaml;
pub mod zone;

pub use problem::{Place, Problem};

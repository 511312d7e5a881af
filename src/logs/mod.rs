//! The log engine: finding the right minutes in anything that can be read at an offset, searching it, merging it and
//! pulling it as evidence. What comes back is raw; whoever keeps it redacts it first. Knows nothing of incidents, of git
//! or of the terminal.

pub mod behind;
pub mod command;
pub mod dating;
pub mod index;
pub mod journald;
pub mod lines;
pub mod mapped;
pub mod merge;
pub mod packed;
pub mod pull;
pub mod remote;
pub mod rotated;
pub mod search;
pub mod source;
pub mod stamp;
pub mod suggest;
pub mod view;
pub mod whole;
pub mod window;

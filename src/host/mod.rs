//! What the program asks of the machine: time, chance, files, processes and the user's `git`.
//! Everything that varies between two runs enters here, so that tests can freeze it. Knows nothing of the terminal,
//! of runbooks or of incidents; blocking, without a runtime.

pub mod caught;
pub mod clock;
pub mod files;
pub mod git;
pub mod process;
pub mod random;
pub mod supervise;
pub mod talk;
pub mod trusted;

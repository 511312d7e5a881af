//! The files that a step runs.

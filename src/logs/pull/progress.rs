//! How far a pull is, for whoever looks on: values, made by the threads that pull and read by a screen.

use std::sync::{Mutex, MutexGuard};

/// What is done for one log now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Phase {
    #[default]
    Waiting,
    Connecting,
    /// The window is being found.
    Searching,
    Reading,
    Done,
    /// In words.
    Failed(String),
}

/// One log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct Row {
    pub name: String,
    pub phase: Phase,
    /// Bytes read so far.
    pub bytes: u64,
    /// Of about so many, where that is known.
    pub of: Option<u64>,
}

/// All logs of a pull.
#[derive(Debug, Default)]
pub struct Progress(Mutex<Vec<Row>>);

impl Progress {
    /// As it is now.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.lock().clone()
    }

    pub(super) fn begin<'a>(&self, names: impl Iterator<Item = &'a str>) {
        *self.lock() = names
            .map(|name| Row {
                name: name.to_owned(),
                ..Row::default()
            })
            .collect();
    }

    pub(super) fn phase(&self, row: usize, phase: Phase) {
        if let Some(row) = self.lock().get_mut(row) {
            row.phase = phase;
        }
    }

    pub(super) fn failed(&self, row: usize, problem: &str) {
        self.phase(row, Phase::Failed(problem.to_owned()));
    }

    pub(super) fn read(&self, row: usize, bytes: u64) {
        if let Some(row) = self.lock().get_mut(row) {
            row.bytes += bytes;
        }
    }

    pub(super) fn expect(&self, row: usize, bytes: u64) {
        if let Some(row) = self.lock().get_mut(row) {
            row.of = Some(row.of.unwrap_or(0) + bytes);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Row>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

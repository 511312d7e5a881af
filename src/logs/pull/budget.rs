//! How much all logs of a pull together may have. What is taken and not used goes back.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is left.
pub struct Budget(AtomicU64);

impl Budget {
    pub fn new(bytes: u64) -> Self {
        Self(AtomicU64::new(bytes))
    }

    /// As much of this as there is.
    pub fn take(&self, wanted: u64) -> u64 {
        let mut got = 0;
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                got = left.min(wanted);
                Some(left - got)
            });
        got
    }

    pub fn give_back(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_given_than_there_is() {
        let budget = Budget::new(10);
        assert_eq!((budget.take(7), budget.take(7), budget.take(7)), (7, 3, 0));
        budget.give_back(2);
        assert_eq!(budget.take(u64::MAX), 2);
    }
}

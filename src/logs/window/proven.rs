//! Which stretches of a log are fully known: between the marks that lie in them no other stamped line begins. A set of
//! ranges of offsets; knows nothing of reading.

use std::collections::BTreeMap;

/// Ranges that never touch: neighbours are one.
#[derive(Debug, Clone, Default)]
pub struct Proven(BTreeMap<u64, u64>);

impl Proven {
    /// Adds a stretch.
    pub fn add(&mut self, start: u64, end: u64) {
        let (mut start, mut end) = (start, end);
        if start >= end {
            return;
        }
        while let Some((&s, &e)) = self.0.range(..=end).next_back() {
            if e < start {
                break;
            }
            start = start.min(s);
            end = end.max(e);
            self.0.remove(&s);
        }
        self.0.insert(start, end);
    }

    /// How far everything is known from here on.
    #[must_use]
    pub fn end_from(&self, at: u64) -> u64 {
        match self.0.range(..=at).next_back() {
            Some((_, &end)) => end.max(at),
            None => at,
        }
    }

    /// From where on everything is known up to here.
    #[must_use]
    pub fn start_to(&self, at: u64) -> u64 {
        match self.0.range(..at).next_back() {
            Some((&start, &end)) if end >= at => start,
            _ => at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_and_overlaps_become_one() {
        let mut proven = Proven::default();
        for (start, end) in [(10, 20), (30, 40), (5, 5), (50, 60), (20, 31)] {
            proven.add(start, end);
        }
        assert_eq!((proven.end_from(10), proven.end_from(9)), (40, 9));
        assert_eq!((proven.start_to(40), proven.start_to(41)), (10, 41));
        assert_eq!((proven.end_from(40), proven.start_to(10)), (40, 10));
        proven.add(0, 100);
        assert_eq!((proven.end_from(0), proven.start_to(55)), (100, 0));
    }
}

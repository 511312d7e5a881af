//! Which freezes can be in force at the same time. Found by looking at every moment at which one of them begins or ends:
//! in between nothing changes.

use chrono::{DateTime, TimeDelta, Utc};

use crate::runbook::freeze::{Freeze, Period};

/// More are not looked at.
const MOST: usize = 256;
const MOST_FREEZES: usize = 64;

/// Sets of freezes, each by its place in the policy, the smaller first; the first is that of no freeze at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seasons {
    pub sets: Vec<Vec<usize>>,
    /// Whether there were too many.
    pub cut: bool,
}

impl Seasons {
    pub fn of(freezes: &[Freeze]) -> Self {
        let mut cut = freezes.len() > MOST_FREEZES;
        let freezes = freezes.get(..MOST_FREEZES).unwrap_or(freezes);
        let mut moments: Vec<DateTime<Utc>> = Vec::new();
        let once = freezes.iter().map(|freeze| &freeze.period);
        let once = once.filter(|period| matches!(period, Period::Once { .. }));
        moments.extend(once.flat_map(|period| period.edges(DateTime::UNIX_EPOCH)));
        // A week before all of them, in which only those of every week are in force.
        let first = moments.iter().min().copied().unwrap_or_default();
        moments.extend(first.checked_sub_signed(TimeDelta::weeks(2)));
        let weekly = |at: &DateTime<Utc>| -> Vec<DateTime<Utc>> {
            let weekly = freezes.iter().map(|freeze| &freeze.period);
            let weekly = weekly.filter(|period| matches!(period, Period::Weekly { .. }));
            weekly.flat_map(|period| period.edges(*at)).collect()
        };
        let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
        for moment in &moments {
            for at in weekly(moment).into_iter().chain([*moment]) {
                let set = self::at(freezes, at);
                if sets.contains(&set) {
                    continue;
                }
                cut |= sets.len() >= MOST;
                if !cut {
                    sets.push(set);
                }
            }
        }
        sets.sort_by_key(Vec::len);
        Self { sets, cut }
    }
}

/// The freezes in force at a moment.
pub(super) fn at(freezes: &[Freeze], at: DateTime<Utc>) -> Vec<usize> {
    let current = freezes.iter().enumerate();
    current
        .filter(|(_, freeze)| freeze.period.contains(at))
        .map(|(index, _)| index)
        .collect()
}

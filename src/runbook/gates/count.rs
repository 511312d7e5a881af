//! Counting: whether enough people are left to approve a step while one performs it and others have approved the steps
//! whose approvers do not count. Exact, and by groups of people who are alike, so that large libraries stay quick.

use std::collections::{BTreeMap, HashSet};

use super::Candidate;
use crate::runbook::policy::Checkpoint;

/// So many partial answers are looked at before a gate counts as too large to prove.
const MOST: usize = 20_000;

/// People who are alike: they fit the same requirements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group<'p> {
    pub names: Vec<&'p str>,
    inside: Vec<bool>,
    outside: Vec<bool>,
}

/// A gate and those of the steps whose approvers do not count for it, against the people there are.
///
/// Whoever approves the step is *inside*; whoever performs it, or has approved one of the others, is *outside*. Nobody is
/// both. (Who performed one of the others may be inside, so that is never the obstacle.)
#[derive(Debug, Clone)]
pub(super) struct Puzzle<'p> {
    pub groups: Vec<Group<'p>>,
    inside: Vec<usize>,
    outside: Vec<usize>,
}

impl<'p> Puzzle<'p> {
    /// `barred` people cannot approve the step for a reason of their own, and can do everything else.
    pub fn new(
        people: &BTreeMap<&'p str, Candidate<'p>>,
        gate: &Checkpoint,
        others: &[Checkpoint],
        barred: impl Fn(&str) -> bool,
    ) -> Self {
        let needs = |gate: &Checkpoint| -> Vec<usize> {
            let requirements = gate.requirements.iter();
            requirements
                .map(|need| usize::try_from(need.approvals).unwrap_or(usize::MAX))
                .collect()
        };
        let mut groups: BTreeMap<(Vec<bool>, Vec<bool>), Vec<&str>> = BTreeMap::new();
        for (name, candidate) in people {
            let fits = |gate: &Checkpoint| -> Vec<bool> {
                let requirements = gate.requirements.iter();
                requirements
                    .map(|need| candidate.fits(need, gate.keys))
                    .collect()
            };
            let inside = if barred(name) {
                vec![false; gate.requirements.len()]
            } else {
                fits(gate)
            };
            let outside = others.iter().flat_map(fits).collect();
            groups.entry((inside, outside)).or_default().push(name);
        }
        let groups = groups.into_iter();
        Self {
            groups: groups
                .map(|((inside, outside), names)| Group {
                    names,
                    inside,
                    outside,
                })
                .collect(),
            inside: needs(gate),
            outside: others.iter().flat_map(needs).collect(),
        }
    }

    /// Whether an approval by one of that group counts for something.
    pub fn approves(&self, group: usize) -> bool {
        let group = self.groups.get(group);
        group.is_some_and(|group| group.inside.contains(&true))
    }

    /// Whether it can be passed, by any performer but of this group's one if `performer` is given, while one of the
    /// group `absent` is away. `None`: that could not be found out within bounds.
    pub fn passable(&self, performer: Option<usize>, absent: Option<usize>) -> Option<bool> {
        let mut counts: Vec<usize> = self.groups.iter().map(|group| group.names.len()).collect();
        if let Some(count) = absent.and_then(|absent| counts.get_mut(absent)) {
            *count = count.saturating_sub(1);
        }
        let performers = match performer {
            Some(group) => group..group + 1,
            None => 0..self.groups.len(),
        };
        let mut unsure = false;
        for performer in performers {
            if counts.get(performer).is_none_or(|count| *count == 0) {
                continue;
            }
            match self.passable_by(performer, counts.clone()) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => unsure = true,
            }
        }
        (!unsure).then_some(false)
    }

    /// One of that group performs, and is outside.
    fn passable_by(&self, performer: usize, mut counts: Vec<usize>) -> Option<bool> {
        let mut outside = self.outside.clone();
        let group = self.groups.get(performer)?;
        *counts.get_mut(performer)? -= 1;
        take(&mut outside, &group.outside, 1);
        if outside.iter().all(|need| *need == 0) {
            // Nobody else is needed outside: all the others may approve.
            let mut inside = self.inside.clone();
            for (group, count) in self.groups.iter().zip(&counts) {
                take(&mut inside, &group.inside, *count);
            }
            return Some(inside.iter().all(|need| *need == 0));
        }
        let mut search = Search {
            groups: &self.groups,
            counts: &counts,
            seen: HashSet::new(),
        };
        search.from(0, self.inside.clone(), outside)
    }
}

/// What is still needed after so many of that group.
fn take(needs: &mut [usize], fits: &[bool], count: usize) {
    for (need, fits) in needs.iter_mut().zip(fits) {
        if *fits {
            *need = need.saturating_sub(count);
        }
    }
}

struct Search<'a, 'p> {
    groups: &'a [Group<'p>],
    counts: &'a [usize],
    /// What has been tried in vain: the group, and what was still needed.
    seen: HashSet<(usize, Vec<usize>, Vec<usize>)>,
}

impl Search<'_, '_> {
    /// Whether the groups from this one on can be split so that what is needed on both sides is there. Recursion is as
    /// deep as there are groups, which `MOST` bounds as well.
    fn from(&mut self, at: usize, inside: Vec<usize>, outside: Vec<usize>) -> Option<bool> {
        let met = |needs: &[usize]| needs.iter().all(|need| *need == 0);
        if met(&inside) && met(&outside) {
            return Some(true);
        }
        if !self.reachable(at, &inside, |group| &group.inside)
            || !self.reachable(at, &outside, |group| &group.outside)
        {
            return Some(false);
        }
        let (Some(group), Some(count)) = (self.groups.get(at), self.counts.get(at)) else {
            return Some(false);
        };
        if self.seen.contains(&(at, inside.clone(), outside.clone())) {
            return Some(false);
        }
        if self.seen.len() >= MOST || at > 200 {
            return None;
        }
        // More than any requirement still takes is no use on the inside, and everybody is of some use on the outside.
        let useful = |needs: &[usize], fits: &[bool]| {
            let needs = needs.iter().zip(fits).filter(|(_, fits)| **fits);
            needs.map(|(need, _)| *need).max().unwrap_or(0)
        };
        for inner in 0..=useful(&inside, &group.inside).min(*count) {
            let (mut in_needs, mut out_needs) = (inside.clone(), outside.clone());
            take(&mut in_needs, &group.inside, inner);
            take(&mut out_needs, &group.outside, count - inner);
            match self.from(at + 1, in_needs, out_needs) {
                Some(false) => {}
                found => return found,
            }
        }
        self.seen.insert((at, inside, outside));
        Some(false)
    }

    /// Whether all the groups from here on would be enough for one side alone.
    fn reachable(
        &self,
        at: usize,
        needs: &[usize],
        side: impl for<'g> Fn(&'g Group<'_>) -> &'g Vec<bool>,
    ) -> bool {
        let mut left = needs.to_vec();
        for (group, count) in self.groups.iter().zip(self.counts).skip(at) {
            take(&mut left, side(group), *count);
        }
        left.iter().all(|need| *need == 0)
    }
}

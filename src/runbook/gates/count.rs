//! Counting: whether enough people are left to approve a step while one performs it and others have approved the steps
//! whose approvers do not count. Exact, and by groups of people who are alike, so that large libraries stay quick.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};

use super::Candidate;
use crate::runbook::policy::Checkpoint;

/// How much work the proof of a library and that of one gate may take, in comparisons. A hostile policy cannot make
/// `check` slow; what real libraries have takes a ten-thousandth of it.
const MOST: u64 = 50_000_000;
const MOST_FOR_A_GATE: u64 = 5_000_000;
/// Groups that are split one inside the other.
const MOST_DEEP: usize = 500;

/// What is left of the work that may be done.
#[derive(Debug)]
pub(super) struct Budget {
    all: Cell<u64>,
    gate: Cell<u64>,
}

impl Budget {
    pub fn new() -> Self {
        Self {
            all: Cell::new(MOST),
            gate: Cell::new(0),
        }
    }

    /// Begins with another gate.
    pub fn next(&self) {
        self.gate.set(MOST_FOR_A_GATE.min(self.all.get()));
    }

    /// Takes it from the whole. `None` when there is too little left.
    pub fn charge(&self, work: usize) -> Option<()> {
        let work = u64::try_from(work).unwrap_or(u64::MAX);
        self.all.set(self.all.get().checked_sub(work)?);
        Some(())
    }

    /// Takes it from the gate at hand and from the whole. `None` when there is too little left.
    pub fn spend(&self, work: usize) -> Option<()> {
        let work = u64::try_from(work).unwrap_or(u64::MAX);
        self.all.set(self.all.get().saturating_sub(work));
        self.gate.set(self.gate.get().checked_sub(work)?);
        Some(())
    }
}

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
    /// `barred` people cannot approve the step for a reason of their own, and can do everything else. `None`: too many
    /// people and requirements.
    pub fn new(
        people: &BTreeMap<&'p str, Candidate<'p>>,
        gate: &Checkpoint,
        others: &[Checkpoint],
        barred: impl Fn(&str) -> bool,
        budget: &Budget,
    ) -> Option<Self> {
        let all = others.iter().chain([gate]);
        let needed: usize = all.map(|gate| gate.requirements.len()).sum();
        budget.spend(people.len() * (needed + 1) * 4)?;
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
        Some(Self {
            groups: groups
                .map(|((inside, outside), names)| Group {
                    names,
                    inside,
                    outside,
                })
                .collect(),
            inside: needs(gate),
            outside: others.iter().flat_map(needs).collect(),
        })
    }

    /// Whether an approval by one of that group counts for something.
    pub fn approves(&self, group: usize) -> bool {
        let group = self.groups.get(group);
        group.is_some_and(|group| group.inside.contains(&true))
    }

    /// The people who count for both of these requirements of the gate, by name.
    pub fn who_fits(&self, first: usize, second: usize) -> Vec<String> {
        let both = self.groups.iter().filter(|group| {
            let fits = |need: usize| group.inside.get(need) == Some(&true);
            fits(first) && fits(second)
        });
        let mut names: Vec<String> = both
            .flat_map(|group| group.names.iter().map(|name| (*name).to_owned()))
            .collect();
        names.sort_unstable();
        names
    }

    /// Whether it can be passed, by any performer or by one of this group, while one of the group `absent` is away.
    /// `None`: that could not be found out within bounds.
    pub fn passable(
        &self,
        performer: Option<usize>,
        absent: Option<usize>,
        budget: &Budget,
    ) -> Option<bool> {
        budget.spend(self.groups.len())?;
        let mut counts: Vec<usize> = self.groups.iter().map(|group| group.names.len()).collect();
        if let Some(count) = absent.and_then(|absent| counts.get_mut(absent)) {
            *count = count.saturating_sub(1);
        }
        let performers = match performer {
            Some(group) => group..group + 1,
            None => 0..self.groups.len(),
        };
        let sums = Sums::of(self, &counts, budget)?;
        for performer in performers {
            if counts.get(performer).is_none_or(|count| *count == 0) {
                continue;
            }
            if self.passable_by(performer, &counts, &sums, budget)? {
                return Some(true);
            }
        }
        Some(false)
    }

    /// One of that group performs, and is outside.
    fn passable_by(
        &self,
        performer: usize,
        counts: &[usize],
        sums: &Sums,
        budget: &Budget,
    ) -> Option<bool> {
        budget.spend(self.inside.len() + self.outside.len())?;
        let group = self.groups.get(performer)?;
        let mut outside = self.outside.clone();
        take(&mut outside, &group.outside, 1);
        if outside.iter().all(|need| *need == 0) {
            // Nobody else is needed outside: all the others may approve.
            let others = sums.inside.first()?.iter().zip(&group.inside);
            let mut enough = others
                .zip(&self.inside)
                .map(|((sum, fits), need)| sum - usize::from(*fits) >= *need);
            return Some(enough.all(|enough| enough));
        }
        if self.too_few(performer, counts, &outside, budget)? {
            return Some(false);
        }
        let mut search = Search {
            groups: &self.groups,
            counts,
            performer,
            sums,
            budget,
            seen: HashSet::new(),
        };
        search.from(0, self.inside.clone(), outside)
    }
}

impl Puzzle<'_> {
    /// Whether there are two requirements, one on each side, for which there are too few people together. That settles
    /// most of what cannot be, without a search.
    fn too_few(
        &self,
        performer: usize,
        counts: &[usize],
        outside: &[usize],
        budget: &Budget,
    ) -> Option<bool> {
        budget.spend(self.groups.len() * self.inside.len() * outside.len())?;
        let together = |one: usize, other: usize| -> usize {
            let groups = self.groups.iter().zip(counts).enumerate();
            let either = groups.filter(|(_, (group, _))| {
                group.inside.get(one) == Some(&true) || group.outside.get(other) == Some(&true)
            });
            either
                .map(|(index, (_, count))| count - usize::from(index == performer))
                .sum()
        };
        let mut pairs = self.inside.iter().enumerate().flat_map(|inside| {
            let outside = outside.iter().enumerate();
            outside.map(move |outside| (inside, outside))
        });
        Some(pairs.any(|((one, need), (other, also))| need + also > together(one, other)))
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

/// How many people of this and all later groups fit each requirement, by group; one more row of nothing at the end.
struct Sums {
    inside: Vec<Vec<usize>>,
    outside: Vec<Vec<usize>>,
}

impl Sums {
    fn of(puzzle: &Puzzle<'_>, counts: &[usize], budget: &Budget) -> Option<Self> {
        budget.spend(puzzle.groups.len() * (puzzle.inside.len() + puzzle.outside.len() + 1))?;
        let sums = |width: usize, side: for<'g> fn(&'g Group<'_>) -> &'g Vec<bool>| {
            let mut rows = vec![vec![0; width]];
            for (group, count) in puzzle.groups.iter().zip(counts).rev() {
                let mut row = rows.last().cloned().unwrap_or_default();
                for (sum, fits) in row.iter_mut().zip(side(group)) {
                    *sum += if *fits { *count } else { 0 };
                }
                rows.push(row);
            }
            rows.reverse();
            rows
        };
        Some(Self {
            inside: sums(puzzle.inside.len(), |group| &group.inside),
            outside: sums(puzzle.outside.len(), |group| &group.outside),
        })
    }
}

struct Search<'a, 'p> {
    groups: &'a [Group<'p>],
    /// Of each group; the performer is one of them.
    counts: &'a [usize],
    performer: usize,
    sums: &'a Sums,
    budget: &'a Budget,
    /// What has been tried in vain: the group, and what was still needed.
    seen: HashSet<(usize, Vec<usize>, Vec<usize>)>,
}

impl Search<'_, '_> {
    /// Whether the groups from this one on can be split so that what is needed on both sides is there. Recursion is as
    /// deep as there are groups, which the budget bounds as well.
    fn from(&mut self, at: usize, inside: Vec<usize>, outside: Vec<usize>) -> Option<bool> {
        self.budget.spend(inside.len() + outside.len() + 8)?;
        let met = |needs: &[usize]| needs.iter().all(|need| *need == 0);
        if met(&inside) && met(&outside) {
            return Some(true);
        }
        let (Some(group), Some(count)) = (self.groups.get(at), self.counts.get(at)) else {
            return Some(false);
        };
        let count = count - usize::from(at == self.performer);
        // All that is left would not be enough even for one side alone.
        let enough = |needs: &[usize], sums: Option<&Vec<usize>>| {
            sums.is_some_and(|sums| needs.iter().zip(sums).all(|(need, sum)| sum >= need))
        };
        if !enough(&inside, self.sums.inside.get(at))
            || !enough(&outside, self.sums.outside.get(at))
        {
            return Some(false);
        }
        let key = (at, inside, outside);
        if self.seen.contains(&key) {
            return Some(false);
        }
        if at > MOST_DEEP {
            return None;
        }
        let (_, inside, outside) = &key;
        // More than any requirement still takes is no use on the inside, and everybody is of some use on the outside.
        let open = inside.iter().zip(&group.inside).filter(|(_, fits)| **fits);
        let useful = open.map(|(need, _)| *need).max().unwrap_or(0);
        for inner in 0..=useful.min(count) {
            let (mut in_needs, mut out_needs) = (inside.clone(), outside.clone());
            take(&mut in_needs, &group.inside, inner);
            take(&mut out_needs, &group.outside, count - inner);
            match self.from(at + 1, in_needs, out_needs) {
                Some(false) => {}
                found => return found,
            }
        }
        self.seen.insert(key);
        Some(false)
    }
}

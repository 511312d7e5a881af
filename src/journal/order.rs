//! The one order of the events of a record: causal first, and of those that could stand at a place the one with the
//! smallest digest. Never by clock. Pure: knows no files and no state.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::ids::EventId;

/// The order of a set of events from scratch. `parents[i]` are indices into `ids`, each set closed under them.
/// Returns the indices in order; shorter than `ids` only if the parents form a circle, which digests cannot.
#[must_use]
pub fn sort(ids: &[EventId], parents: &[Vec<u32>]) -> Vec<u32> {
    let mut open: Vec<u32> = vec![0; ids.len()];
    let mut children_from = vec![0u32; ids.len() + 1];
    for (event, of) in parents.iter().enumerate() {
        open[event] = of.len() as u32;
        for parent in of {
            children_from[*parent as usize + 1] += 1;
        }
    }
    for index in 0..ids.len() {
        children_from[index + 1] += children_from[index];
    }
    let mut next = children_from.clone();
    let mut children = vec![0u32; children_from[ids.len()] as usize];
    for (event, of) in parents.iter().enumerate() {
        for parent in of {
            let slot = &mut next[*parent as usize];
            children[*slot as usize] = event as u32;
            *slot += 1;
        }
    }
    let mut heap: BinaryHeap<_> = (0..ids.len())
        .filter(|event| open[*event] == 0)
        .map(|event| Reverse((ids[event], event as u32)))
        .collect();
    let mut order = Vec::with_capacity(ids.len());
    while let Some(Reverse((_, event))) = heap.pop() {
        order.push(event);
        let from = children_from[event as usize] as usize;
        let to = children_from[event as usize + 1] as usize;
        for child in &children[from..to] {
            open[*child as usize] -= 1;
            if open[*child as usize] == 0 {
                heap.push(Reverse((ids[*child as usize], *child)));
            }
        }
    }
    order
}

/// Where one more event without descendants goes: the first place at or after `earliest` (behind its last parent) whose
/// event has a larger digest. Before it becomes available nothing changes; from then on it is compared with exactly the
/// event that would be taken; and taking it makes nothing else available.
pub fn place<'a>(
    id: &EventId,
    earliest: usize,
    order: impl ExactSizeIterator<Item = &'a EventId>,
) -> usize {
    let end = order.len();
    order
        .enumerate()
        .skip(earliest)
        .find(|(_, standing)| id < standing)
        .map_or(end, |(index, _)| index)
}

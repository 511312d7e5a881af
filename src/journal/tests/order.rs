//! One order for everybody, however the events came.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::engine::event::Place;
use crate::engine::ids::{EventId, WriterId};
use crate::journal::Log;

/// A record by several writers: each entry is who writes next and whose heads are looked at first.
fn history(moves: &[(u8, u8)]) -> Vec<Arc<Event>> {
    let mut heads: BTreeMap<u8, (u64, EventId)> = BTreeMap::new();
    let mut known: BTreeMap<u8, BTreeMap<u8, EventId>> = BTreeMap::new();
    let mut events: Vec<Arc<Event>> = Vec::new();
    for (index, (who, look)) in moves.iter().enumerate() {
        let first = events.is_empty();
        let own = heads.get(who).copied();
        let mut looks: Vec<u8> = vec![*look];
        if own.is_none() && !first {
            looks.push(moves[0].0);
        }
        for other in looks {
            if other != *who
                && let Some((_, id)) = heads.get(&other)
            {
                known.entry(*who).or_default().insert(other, *id);
            }
        }
        let mut seen: Vec<_> = known
            .get(who)
            .map(|k| k.values().copied().collect())
            .unwrap_or_default();
        seen.sort_unstable();
        let place = Place {
            incident: incident(),
            writer: WriterId::new(format!("{who:032x}")).unwrap(),
            seq: own.map_or(1, |(seq, _)| seq + 1),
            prev: own.map(|(_, id)| id),
            seen,
        };
        let draft = if first {
            start("alice")
        } else {
            note("alice", index as i64, &format!("{index}"))
        };
        let (event, _) = Event::record(draft, place).unwrap();
        heads.insert(*who, (event.seq, event.id));
        events.push(Arc::new(event));
    }
    events
}

fn naive(events: &[Arc<Event>]) -> Vec<EventId> {
    let mut left: Vec<_> = events.to_vec();
    let mut order: Vec<EventId> = Vec::new();
    while !left.is_empty() {
        let next = left
            .iter()
            .filter(|event| event.parents().all(|parent| order.contains(&parent)))
            .map(|event| event.id)
            .min()
            .unwrap();
        left.retain(|event| event.id != next);
        order.push(next);
    }
    order
}

fn ids(log: &Log) -> Vec<EventId> {
    log.events().iter().map(|event| event.id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_arrival_gives_the_same_record_and_state(
        moves in prop::collection::vec((0u8..5, 0u8..5), 1..150),
        shuffle in any::<u64>(),
        batch in 1usize..100,
    ) {
        let events = history(&moves);
        let wanted = naive(&events);
        let mut shuffled = events.clone();
        let mut seed = shuffle | 1;
        for index in (1..shuffled.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(index, (seed >> 33) as usize % (index + 1));
        }
        let genesis = Some(events[0].id);
        let mut one_by_one = Log::new(incident(), genesis);
        for event in &shuffled {
            one_by_one.insert(Arc::clone(event));
        }
        let mut in_batches = Log::new(incident(), genesis);
        for part in shuffled.chunks(batch) {
            in_batches.extend(part.to_vec());
        }
        let mut at_once = Log::new(incident(), genesis);
        at_once.extend(events.clone());
        for log in [&one_by_one, &in_batches, &at_once] {
            prop_assert_eq!(&ids(log), &wanted);
            prop_assert_eq!(log.waiting().count(), 0);
            prop_assert_eq!(log.faults(), &[]);
            let folded = log.events().iter().fold(crate::engine::State::default(), |state, event| crate::engine::apply(state, event));
            prop_assert_eq!(format!("{:?}", log.state()), format!("{folded:?}"));
            for (place, event) in log.events().iter().enumerate() {
                prop_assert_eq!(log.place_of(&event.id), Some(place));
            }
        }
    }
}

#[test]
fn a_late_event_folds_again_from_its_place_across_snapshots() {
    let mut moves = vec![(0, 0); 6000];
    moves.push((1, 0));
    moves.extend(vec![(0, 0); 3000]);
    let events = history(&moves);
    let late = Arc::clone(&events[6000]);
    let mut log = Log::new(incident(), None);
    log.extend(
        events
            .iter()
            .filter(|event| event.id != late.id)
            .cloned()
            .collect(),
    );
    assert_eq!(
        log.insert(Arc::clone(&late)),
        crate::journal::InsertOutcome::Applied(log.place_of(&late.id).unwrap())
    );
    let mut whole = Log::new(incident(), None);
    whole.extend(events);
    assert_eq!(ids(&log), ids(&whole));
    assert_eq!(format!("{:?}", log.state()), format!("{:?}", whole.state()));
}

#[test]
fn an_event_whose_parents_are_unknown_waits_and_is_shown() {
    let events = history(&[(0, 0), (0, 0), (0, 0)]);
    let mut log = Log::new(incident(), None);
    log.insert(Arc::clone(&events[0]));
    assert_eq!(
        log.insert(Arc::clone(&events[2])),
        crate::journal::InsertOutcome::Waiting
    );
    assert_eq!(
        log.insert(Arc::clone(&events[2])),
        crate::journal::InsertOutcome::Duplicate
    );
    assert_eq!(
        log.waiting()
            .map(|(missing, _)| *missing)
            .collect::<Vec<_>>(),
        [events[1].id]
    );
    assert_eq!(log.state().count, 1);
    assert_eq!(
        log.insert(Arc::clone(&events[1])),
        crate::journal::InsertOutcome::Applied(1)
    );
    assert_eq!(log.events().len(), 3);
}

#[test]
fn a_list_that_follows_grows_in_place_or_is_made_anew() {
    let events = history(&[(0, 0), (1, 0), (2, 0), (3, 0), (0, 0), (0, 0), (0, 0)]);
    let mut log = Log::new(incident(), None);
    let mut list = Arc::default();
    assert!(log.follow(&mut list));
    log.insert(Arc::clone(&events[0]));
    assert!(log.follow(&mut list));
    Arc::make_mut(&mut list).reserve(16);
    let place = list.as_ptr();
    log.extend(events[4..].to_vec());
    assert!(log.follow(&mut list));
    assert_eq!((list.as_slice(), list.as_ptr()), (log.events(), place));
    let held = Arc::clone(&list);
    let mut anew = 0;
    for late in &events[1..4] {
        log.insert(Arc::clone(late));
        let grew = log.events().starts_with(&list);
        assert_eq!(log.follow(&mut list), grew);
        assert_eq!(list.as_slice(), log.events());
        anew += usize::from(!grew);
    }
    assert!(anew > 0, "none of them stands before the end");
    assert_eq!((held.len(), list.len()), (4, 7));
}

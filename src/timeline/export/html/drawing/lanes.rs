//! A lane for each person: what took its time as bars, everything as marks. However long the record, there is only so
//! much on a lane: marks that would lie on each other become one with a number, bars that find no room are counted.

use std::collections::HashMap;

use super::scale::Scale;
use crate::engine::sentence::Class;
use crate::timeline::{Row, Timeline};
use crate::trust::Principal;

/// At most so many lanes; who has the fewest entries shares the last.
const MOST_LANES: usize = 12;
/// Marks stand at least so far apart.
pub(super) const MARK: f64 = 15.0;
/// At most so many marks stand above each other.
pub(super) const STACK: usize = 4;
/// At most so many bars lie above each other.
const LEVELS: usize = 3;
/// How high a bar is with its room.
pub(super) const BAR: f64 = 17.0;
/// A bar is at least so wide.
const LEAST: f64 = 4.0;

/// What one person, or all the rest, did when.
pub(super) struct Lane<'a> {
    /// `None` for all the rest.
    pub(super) person: Option<&'a Principal>,
    pub(super) role: Option<&'a str>,
    pub(super) entries: usize,
    pub(super) piles: Vec<Pile<'a>>,
    pub(super) bars: Vec<Bar<'a>>,
    /// Bars that found no room.
    pub(super) hidden: usize,
}

/// Entries at one place.
pub(super) struct Pile<'a> {
    pub(super) left: f64,
    /// The first few.
    pub(super) rows: Vec<&'a Row>,
    pub(super) count: usize,
    /// The one that says most of them all.
    pub(super) foremost: &'a Row,
}

/// Something that took its time.
pub(super) struct Bar<'a> {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) level: usize,
    /// Where it began.
    pub(super) row: &'a Row,
    /// Whether its end is not recorded.
    pub(super) open: bool,
}

impl Lane<'_> {
    pub(super) fn levels(&self) -> usize {
        self.bars.iter().map(|bar| bar.level + 1).max().unwrap_or(0)
    }

    /// How many marks stand above each other.
    pub(super) fn stack(&self) -> usize {
        let heights = self.piles.iter().map(|pile| match pile.count {
            1..=STACK => pile.count,
            _ => 1,
        });
        heights.max().unwrap_or(1)
    }

    pub(super) fn height(&self) -> f64 {
        let (bars, marks) = (self.levels() as u32, self.stack() as u32);
        (f64::from(bars) * BAR + f64::from(marks) * MARK + 12.0).max(36.0)
    }
}

impl<'a> Pile<'a> {
    fn of(row: &'a Row, left: f64) -> Self {
        Self {
            left,
            rows: vec![row],
            count: 1,
            foremost: row,
        }
    }

    fn add(&mut self, row: &'a Row) {
        self.count += 1;
        if self.rows.len() < STACK {
            self.rows.push(row);
        }
        if weight(row) < weight(self.foremost) {
            self.foremost = row;
        }
    }
}

/// The less, the more an entry says.
fn weight(row: &Row) -> u8 {
    if is_alarming(row) {
        return 0;
    }
    match row.class {
        Class::Impact => 1,
        Class::Adversary => 2,
        Class::Milestone => 3,
        Class::Decision => 4,
        Class::Checkpoint => 5,
        Class::Comms => 6,
        Class::Evidence => 7,
        Class::Response => 8,
        Class::Exercise => 9,
        Class::Note => 10,
        Class::Correction => 11,
        Class::System => 12,
    }
}

/// What nobody may miss: a gate opened without approval, what does not fit.
pub(super) fn is_alarming(row: &Row) -> bool {
    row.kind == "checkpoint.overridden" || !row.flags.is_empty()
}

/// The lanes, in the order people appear.
pub(super) fn lanes<'a>(timeline: &'a Timeline, scale: &Scale, end: i64) -> Vec<Lane<'a>> {
    let (mut lanes, of) = empty(timeline);
    for row in &timeline.rows {
        let Some(lane) = of.get(&row.person).and_then(|index| lanes.get_mut(*index)) else {
            continue;
        };
        lane.entries += 1;
        lane.role = lane.role.or(row.role.as_deref());
        let x = scale.x(row.occurred_at.timestamp_millis());
        match lane.piles.last_mut() {
            Some(pile) if x - pile.left < MARK => pile.add(row),
            _ => lane.piles.push(Pile::of(row, x)),
        }
    }
    for (row, until) in spans(timeline) {
        let Some(lane) = of.get(&row.person).and_then(|index| lanes.get_mut(*index)) else {
            continue;
        };
        let left = scale.x(row.occurred_at.timestamp_millis());
        let right = scale.x(until.unwrap_or(end)).max(left + LEAST);
        lay(lane, left, right, row, until.is_none());
    }
    lanes
}

/// Puts a bar on the lowest level that has room for it.
fn lay<'a>(lane: &mut Lane<'a>, left: f64, right: f64, row: &'a Row, open: bool) {
    let taken = |level| {
        let last = lane.bars.iter().rev().find(|bar| bar.level == level);
        last.is_some_and(|bar| bar.right + 1.0 > left)
    };
    let Some(level) = (0..LEVELS).find(|level| !taken(*level)) else {
        lane.hidden += 1;
        return;
    };
    lane.bars.push(Bar {
        left,
        right,
        level,
        row,
        open,
    });
}

/// A lane for each of the busiest, in the order they appear, and which lane is whose.
fn empty(timeline: &Timeline) -> (Vec<Lane<'_>>, HashMap<&Principal, usize>) {
    let mut order: Vec<(&Principal, usize)> = Vec::new();
    let mut at: HashMap<&Principal, usize> = HashMap::new();
    for row in &timeline.rows {
        let index = *at.entry(&row.person).or_insert_with(|| {
            order.push((&row.person, 0));
            order.len() - 1
        });
        if let Some((_, count)) = order.get_mut(index) {
            *count += 1;
        }
    }
    let mut busiest: Vec<usize> = (0..order.len()).collect();
    if order.len() > MOST_LANES {
        busiest.sort_by_key(|index| std::cmp::Reverse(order[*index].1));
        busiest.truncate(MOST_LANES - 1);
        busiest.sort_unstable();
    }
    let lane = |person| Lane {
        person,
        role: None,
        entries: 0,
        piles: Vec::new(),
        bars: Vec::new(),
        hidden: 0,
    };
    let mut lanes: Vec<Lane<'_>> = busiest
        .iter()
        .map(|index| lane(Some(order[*index].0)))
        .collect();
    let rest = lanes.len();
    if order.len() > MOST_LANES {
        lanes.push(lane(None));
    }
    for (index, (person, _)) in order.iter().enumerate() {
        let place = busiest.iter().position(|own| *own == index);
        at.insert(person, place.unwrap_or(rest));
    }
    (lanes, at)
}

/// What took its time: entries that say until when, and steps from their start to their end. In the order they began.
fn spans(timeline: &Timeline) -> Vec<(&Row, Option<i64>)> {
    let mut spans: Vec<(&Row, Option<i64>)> = Vec::new();
    let mut running: HashMap<&str, usize> = HashMap::new();
    for row in &timeline.rows {
        if let Some(until) = row.occurred_until {
            spans.push((row, Some(until.timestamp_millis())));
        }
        let Some(step) = row.step.as_deref() else {
            continue;
        };
        match row.kind {
            "step.started" => {
                running.insert(step, spans.len());
                spans.push((row, None));
            }
            "step.finished" | "step.done" | "step.resolved" => {
                let ended = running.remove(step).and_then(|index| spans.get_mut(index));
                if let Some((_, until)) = ended {
                    *until = Some(row.occurred_at.timestamp_millis());
                }
            }
            _ => {}
        }
    }
    spans
}

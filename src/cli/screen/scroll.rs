//! Rows that moved up or down together between two frames: the terminal can move them itself, for a few bytes in place of
//! a screenful. Pure.

use ratatui::buffer::{Buffer, Cell};

/// What costs less than this is simply sent.
const WORTH: usize = 160;

/// What telling the terminal to move rows costs.
const COSTS: usize = 24;

/// What going to another place costs.
const WAY: usize = 6;

/// Rows from `top` on, before `bottom`, go up by so many; down where it is negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Move {
    pub top: u16,
    pub bottom: u16,
    pub by: i16,
}

/// The move after which the least is left to send, if one saves anything.
#[must_use]
pub fn moved(old: &Buffer, new: &Buffer) -> Option<Move> {
    let height = i32::from(new.area.height);
    if old.area != new.area || height < 3 {
        return None;
    }
    let changed: Vec<usize> = (0..height)
        .map(|y| differing(old, Some(y), new, y))
        .collect();
    let plain: usize = changed.iter().sum();
    if plain < WORTH {
        return None;
    }
    let mut best: Option<(usize, Move)> = None;
    for by in (1..=height / 2).flat_map(|by| [by, -by]) {
        let from = |y: i32| Some(y + by).filter(|from| (0..height).contains(from));
        let mut same = (0..height)
            .filter(|y| changed[*y as usize] > 0)
            .filter(|y| from(*y).is_some_and(|from| differing(old, Some(from), new, *y) == 0));
        let Some(first) = same.next() else { continue };
        let last = same.next_back().unwrap_or(first);
        // The rows that come into sight, and one more on either side: the cursor's mark was there.
        let (low, high) = (first.min(first + by), last.max(last + by) + 1);
        for (low, high) in [(low, high), (low, high + 1), (low - 1, high)] {
            if low < 0 || high > height {
                continue;
            }
            let left: usize = (0..height)
                .map(|y| {
                    if !(low..high).contains(&y) {
                        return changed[y as usize];
                    }
                    let from = Some(y + by).filter(|from| (low..high).contains(from));
                    differing(old, from, new, y)
                })
                .sum();
            if left + COSTS < plain && best.is_none_or(|(least, _)| left < least) {
                let found = Move {
                    top: u16::try_from(low).ok()?,
                    bottom: u16::try_from(high).ok()?,
                    by: i16::try_from(by).ok()?,
                };
                best = Some((left, found));
            }
        }
    }
    best.map(|(_, found)| found)
}

/// Does to a buffer what the terminal does.
pub fn apply(buffer: &mut Buffer, moved: Move) {
    let width = usize::from(buffer.area.width);
    let (top, bottom) = (usize::from(moved.top), usize::from(moved.bottom));
    let by = usize::from(moved.by.unsigned_abs());
    let rows = &mut buffer.content[top * width..bottom * width];
    let cells = (by * width).min(rows.len());
    let kept = rows.len() - cells;
    if moved.by > 0 {
        rows.rotate_left(cells);
        rows[kept..].fill(Cell::default());
    } else {
        rows.rotate_right(cells);
        rows[..cells].fill(Cell::default());
    }
}

/// What a row costs to send, roughly in bytes: its cells that are others than in a row of the frame before, and for each
/// run of them the way there. `None` stands for an empty row.
fn differing(old: &Buffer, from: Option<i32>, new: &Buffer, y: i32) -> usize {
    let width = usize::from(new.area.width);
    let row = |y: i32| {
        let start = usize::try_from(y).unwrap_or(0) * width;
        start..(start + width).min(new.content.len())
    };
    let empty = Cell::default();
    let before = from.map(|from| &old.content[row(from)]);
    let (mut cost, mut in_run) = (0, false);
    for (x, cell) in new.content[row(y)].iter().enumerate() {
        let differs = cell != before.map_or(&empty, |before| &before[x]);
        cost += usize::from(differs) + if differs && !in_run { WAY } else { 0 };
        in_run = differs;
    }
    cost
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    fn buffer(rows: &[&str]) -> Buffer {
        let area = Rect::new(0, 0, 40, u16::try_from(rows.len()).unwrap());
        let mut buffer = Buffer::empty(area);
        for (y, row) in (0u16..).zip(rows) {
            buffer.set_string(0, y, row, ratatui::style::Style::default());
        }
        buffer
    }

    fn page(from: usize, cursor: usize) -> Buffer {
        let mut rows = vec!["title of the page".to_owned()];
        rows.extend((from..from + 10).map(|at| {
            let mark = if at == cursor { '>' } else { ' ' };
            format!("{mark}line {at} {}", "abcdefghijkl".repeat(1 + at % 2))
        }));
        rows.push(format!("status {cursor}"));
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        buffer(&rows)
    }

    #[test]
    fn lines_that_go_up_or_down_are_moved_and_only_the_rest_is_sent() {
        for (old, new, by) in [
            (page(10, 19), page(11, 20), 1),
            (page(11, 11), page(10, 10), -1),
            (page(10, 12), page(13, 15), 3),
        ] {
            let found = moved(&old, &new).unwrap();
            assert_eq!((found.by, found.top), (by, 1));
            let mut shown = old.clone();
            apply(&mut shown, found);
            let rest = shown.diff(&new).len();
            assert!(rest < 45 * usize::from(by.unsigned_abs()), "{rest}");
        }
    }

    #[test]
    fn another_page_and_a_small_change_are_sent_as_they_are() {
        assert_eq!(moved(&page(10, 10), &page(10, 11)), None);
        assert_eq!(moved(&page(10, 10), &page(500, 500)), None);
        assert_eq!(moved(&buffer(&["a", "b"]), &buffer(&["b", "a"])), None);
        assert_eq!(moved(&page(1, 1), &buffer(&["x"])), None);
    }
}

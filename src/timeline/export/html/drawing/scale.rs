//! Where a moment stands on the drawing: evenly by time, except that long silences are drawn short, as breaks.

/// Room around each stretch, in pixels.
const PAD: f64 = 9.0;
/// How wide a break is drawn.
const BREAK: f64 = 26.0;
/// At most so many silences are drawn short.
const MOST: usize = 10;
/// A silence of at least this part of what is left is drawn short.
const PART: i64 = 14;

/// Moments are milliseconds since 1970, places are pixels from the left.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    pieces: Vec<Piece>,
    /// Milliseconds to a pixel within stretches; 0 where nothing lasts.
    pub(super) density: f64,
}

/// A stretch of time and where it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) left: f64,
    pub(super) right: f64,
    /// Nothing happened in it.
    pub(super) silent: bool,
}

impl Scale {
    /// A drawing of this width from the first of these moments to the last. The silences between them may be drawn
    /// short.
    pub(super) fn new(from: i64, to: i64, silences: &[(i64, i64)], width: f64) -> Self {
        let short = longest(from, to, silences);
        let quiet: i64 = short.iter().map(|(from, to)| to - from).sum();
        let busy = (to - from - quiet).max(0);
        let stretches = to_f64(short.len() as i64 + 1);
        let room = (width - stretches * 2.0 * PAD - (stretches - 1.0) * BREAK).max(1.0);
        let density = to_f64(busy) / room;
        let mut pieces = Vec::with_capacity(short.len() * 2 + 1);
        let (mut at, mut left) = (from, 0.0);
        for (start, end) in short.iter().copied().chain([(to, to)]) {
            // What lasts no time at all takes all the room.
            let lasts = if busy == 0 {
                room / stretches
            } else {
                to_f64(start - at) / density
            };
            let right = left + 2.0 * PAD + lasts;
            pieces.push(Piece {
                from: at,
                to: start,
                left: left + PAD,
                right: right - PAD,
                silent: false,
            });
            if start < end {
                pieces.push(Piece {
                    from: start,
                    to: end,
                    left: right,
                    right: right + BREAK,
                    silent: true,
                });
            }
            (at, left) = (end, right + BREAK);
        }
        Self { pieces, density }
    }

    /// The place of a moment; before the first and after the last, theirs.
    pub(super) fn x(&self, at: i64) -> f64 {
        let index = self.pieces.partition_point(|piece| piece.to < at);
        let Some(piece) = self.pieces.get(index).or(self.pieces.last()) else {
            return 0.0;
        };
        let lasts = piece.to - piece.from;
        if lasts <= 0 {
            return (piece.left + piece.right) / 2.0;
        }
        let part = to_f64((at - piece.from).clamp(0, lasts)) / to_f64(lasts);
        piece.left + part * (piece.right - piece.left)
    }

    pub(super) fn stretches(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter().filter(|piece| !piece.silent)
    }

    pub(super) fn breaks(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter().filter(|piece| piece.silent)
    }
}

/// The silences worth drawing short, in order: each a good part of what would be left without it.
fn longest(from: i64, to: i64, silences: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut all: Vec<_> = silences
        .iter()
        .copied()
        .filter(|(start, end)| from <= *start && start < end && *end <= to)
        .collect();
    all.sort_by_key(|(start, end)| (std::cmp::Reverse(end - start), *start));
    let mut left = to - from;
    let mut short = Vec::new();
    for (start, end) in all {
        if short.len() == MOST || end - start < left / PART {
            break;
        }
        left -= end - start;
        short.push((start, end));
    }
    short.sort_unstable();
    short
}

/// Times of incidents are far from where this loses anything that is seen.
#[allow(clippy::cast_precision_loss)]
pub(super) fn to_f64(value: i64) -> f64 {
    value as f64
}

/// Steps between marks on the axis, in milliseconds.
const STEPS: [i64; 20] = [
    1_000,
    5_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
    604_800_000,
    2_592_000_000,
    31_536_000_000,
];

impl Scale {
    /// The step between two marks on the axis that stand at least so far apart.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn step(&self, apart: f64) -> i64 {
        let least = self.density * apart;
        STEPS
            .into_iter()
            .find(|step| to_f64(*step) >= least)
            .unwrap_or_else(|| least.ceil() as i64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_silence_is_drawn_short_and_a_short_one_as_it_is() {
        let scale = Scale::new(0, 100_000, &[(1_000, 90_000), (95_000, 95_100)], 500.0);
        let breaks: Vec<_> = scale.breaks().map(|piece| (piece.from, piece.to)).collect();
        assert_eq!(breaks, [(1_000, 90_000)]);
        assert!(scale.x(90_000) - scale.x(1_000) < 2.0 * (BREAK + 2.0 * PAD));
        assert!(scale.x(100_000) <= 500.0);
    }

    proptest! {
        #[test]
        fn later_is_never_further_left_and_nothing_lies_outside(
            from in -1_000_000_000_000_i64..4_000_000_000_000,
            lasts in prop::collection::vec(0_i64..10_000_000_000, 1..40),
            at in prop::collection::vec(-1_000_000_000_000_i64..5_000_000_000_000, 2..20),
        ) {
            let mut silences = Vec::new();
            let mut to = from;
            for (index, last) in lasts.iter().enumerate() {
                if index % 2 == 1 {
                    silences.push((to, to + last));
                }
                to += last;
            }
            let scale = Scale::new(from, to, &silences, 948.0);
            let mut at = at;
            at.sort_unstable();
            let places: Vec<f64> = at.iter().map(|at| scale.x(*at)).collect();
            prop_assert!(places.is_sorted(), "{:?}", places);
            prop_assert!(places.iter().all(|x| (0.0..=948.0).contains(x)), "{:?}", places);
            prop_assert!(scale.breaks().count() <= MOST);
        }
    }
}

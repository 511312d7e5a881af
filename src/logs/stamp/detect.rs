//! Which format dates the lines of a log: each is tried on a sample, and where in the line its stamp stands is learnt.
//! Knows nothing of files.

use std::collections::HashMap;

use super::Stamp;
use super::format::Format;
use super::stamps::{Place, Stamps, first, word_of};
use super::zone::Zone;

/// Lines of the sample that are looked at.
const MOST_LINES: usize = 512;
/// How far into a line a stamp is looked for.
const REACH: usize = 256;

/// The best of all.
pub(super) fn best(sample: &[u8], zone: Zone, newest: Stamp) -> Option<Stamps> {
    let lines: Vec<&[u8]> = sample
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .take(MOST_LINES)
        .collect();
    Format::ALL
        .iter()
        .filter_map(|format| Tried::of(*format, &lines))
        .max_by(|one, other| one.rank().cmp(&other.rank()))
        .map(|tried| Stamps::at(tried.format, tried.place, zone, newest))
}

/// What became of one format.
struct Tried {
    format: Format,
    place: Place,
    /// Lines it dates.
    dated: usize,
    /// Where its stamp stands on the whole.
    at: usize,
}

impl Tried {
    fn of(format: Format, lines: &[&[u8]]) -> Option<Self> {
        let mut words: HashMap<(usize, usize), usize> = HashMap::new();
        let (mut dated, mut sum, mut furthest) = (0, 0, 0);
        for line in lines {
            let Some((at, _)) = first(format, line, REACH) else {
                continue;
            };
            *words.entry(word_of(line, at)).or_default() += 1;
            dated += 1;
            sum += at;
            furthest = furthest.max(at);
        }
        let ((word, into), most) = words.into_iter().max_by_key(|(_, count)| *count)?;
        let steady = most * 100 >= dated * 98 && format != Format::Nginx;
        Some(Self {
            format,
            place: if steady {
                Place::Word { word, into }
            } else {
                Place::Within(furthest * 2 + 16)
            },
            dated,
            at: sum / dated,
        })
    }

    /// More lines first, then what stands further left: a logger writes its own stamp before the message.
    fn rank(&self) -> (usize, std::cmp::Reverse<usize>) {
        (self.dated, std::cmp::Reverse(self.at))
    }
}

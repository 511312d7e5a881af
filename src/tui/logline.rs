//! A line of a log as it is shown: foreign bytes made visible, tabs as blanks, what was looked for in a tone of its own;
//! cut to columns and folded by columns. Knows nothing of where lines come from.

use super::rich::Rich;
use super::text;
use super::theme::Tone;
use crate::evidence::escape;

/// Columns from one tab stop to the next.
const TAB: usize = 8;

/// The line, in one tone but for the places that were looked for.
#[must_use]
pub fn line(bytes: &[u8], hits: &[(usize, usize)], tone: Tone, ascii: bool) -> Rich {
    let mut row = Rich::default();
    let mut column = 0;
    let mut at = 0;
    for (start, end) in hits.iter().copied().chain([(bytes.len(), bytes.len())]) {
        let (start, end) = (start.clamp(at, bytes.len()), end.clamp(at, bytes.len()));
        for (part, tone) in [
            (&bytes[at..start], tone),
            (&bytes[start..end.max(start)], Tone::Accent),
        ] {
            if !part.is_empty() {
                row = row.and(tone, visible(part, &mut column, ascii));
            }
        }
        at = end.max(start);
    }
    row
}

/// Bytes made visible from a column on.
fn visible(bytes: &[u8], column: &mut usize, ascii: bool) -> String {
    let mut out = String::with_capacity(bytes.len());
    for (number, part) in bytes.split(|byte| *byte == b'\t').enumerate() {
        if number > 0 {
            let blanks = TAB - *column % TAB;
            out.extend(std::iter::repeat_n(' ', blanks));
            *column += blanks;
        }
        let clean = if ascii {
            ascii_bytes(part)
        } else {
            escape::bytes(part)
        };
        *column += text::width(&clean);
        out.push_str(&clean);
    }
    out
}

fn ascii_bytes(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(&escape::ascii_line(chunk.valid()));
        for byte in chunk.invalid() {
            out.push_str(&format!("<0x{byte:02X}>"));
        }
    }
    out
}

/// What is in so many columns from a column on. A wide character at an edge gives way to a blank.
#[must_use]
pub fn cut(row: &Rich, from: usize, columns: usize) -> Rich {
    let mut out = Rich::default();
    let (mut before, mut used) = (0, 0);
    for (tone, words) in &row.0 {
        let wide = text::width(words);
        let skip = from.saturating_sub(before);
        before += wide;
        if skip >= wide {
            continue;
        }
        let mut rest = words.as_str();
        if skip > 0 {
            let head = text::take(rest, skip);
            rest = &rest[head.len()..];
            if text::width(head) < skip {
                // Half of a wide character is left of the edge.
                let second = text::take(rest, 2);
                rest = &rest[second.len()..];
                out = out.and(*tone, " ");
                used += 1;
            }
        }
        let fits = text::take(rest, columns.saturating_sub(used));
        used += text::width(fits);
        out = out.and(*tone, fits);
        if fits.len() < rest.len() {
            break;
        }
    }
    out
}

/// The row folded at so many columns, with nothing lost.
#[must_use]
pub fn fold(row: &Rich, columns: usize) -> Vec<Rich> {
    let columns = columns.max(2);
    let mut rows = vec![Rich::default()];
    let mut used = 0;
    for (tone, words) in &row.0 {
        let mut rest = words.as_str();
        while !rest.is_empty() {
            let fits = text::take(rest, columns - used);
            if fits.is_empty() && used == 0 {
                break;
            }
            if let Some(last) = rows.last_mut().filter(|_| !fits.is_empty()) {
                last.0.push((*tone, fits.to_owned()));
            }
            used += text::width(fits);
            rest = &rest[fits.len()..];
            if !rest.is_empty() {
                rows.push(Rich::default());
                used = 0;
            }
        }
    }
    rows
}

/// Counts as a strip of bars, one column each.
#[must_use]
pub fn strip(cells: &[u64], columns: usize, ascii: bool) -> Vec<char> {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const PLAIN: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];
    let sums: Vec<u64> = (0..columns)
        .map(|column| {
            let part = cells.len() * column / columns..cells.len() * (column + 1) / columns;
            cells.get(part).map_or(0, |part| part.iter().sum())
        })
        .collect();
    // A few matches are no mountain.
    let most = sums.iter().copied().max().unwrap_or(0).max(4);
    let bars = if ascii { PLAIN } else { BARS };
    sums.iter()
        .map(|sum| match sum {
            0 => bars[0],
            sum => bars[1 + usize::try_from(sum * 6 / most).unwrap_or(0).min(6)],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn foreign_bytes_are_shown_and_matches_stand_out() {
        let row = line(b"a\tb\x1b[2J \xff", &[(2, 3)], Tone::Text, false);
        assert_eq!(row.plain(), "a       b␛[2J ‹0xFF›");
        assert_eq!(row.0[1], (Tone::Accent, "b".to_owned()));
        let row = line("é\x1b\t|".as_bytes(), &[], Tone::Text, true);
        assert_eq!(row.plain(), "<U+00E9><U+001B>        |");
        // Places that are not there, and in no order, are no reason to fall.
        let row = line(b"abc", &[(2, 9), (0, 1)], Tone::Text, false);
        assert_eq!(row.plain(), "abc");
    }

    #[test]
    fn a_part_of_a_line_keeps_its_columns() {
        let row = Rich::of(Tone::Text, "ab日").and(Tone::Accent, "本語cd");
        assert_eq!(cut(&row, 0, 4).plain(), "ab日");
        assert_eq!(cut(&row, 3, 4).plain(), " 本");
        assert_eq!(cut(&row, 8, 9).plain(), "cd");
        assert_eq!(cut(&row, 90, 9).plain(), "");
    }

    #[test]
    fn a_strip_has_a_bar_for_what_is_there_and_none_else() {
        let mut cells = vec![0; 480];
        (cells[0], cells[479]) = (1, 70);
        let bars: String = strip(&cells, 4, false).into_iter().collect();
        assert_eq!(bars, "▂▁▁█");
        assert_eq!(strip(&cells, 3, true), ['.', '_', '#']);
        assert_eq!(strip(&[], 2, true), ['_', '_']);
    }

    proptest! {
        #[test]
        fn folding_loses_nothing_and_keeps_to_the_columns(parts in proptest::collection::vec("[a-z日本 ]{0,20}", 0..5), columns in 0usize..12) {
            let row: Rich = parts.iter().map(|part| (Tone::Text, part.clone())).collect();
            let rows = fold(&row, columns);
            prop_assert_eq!(rows.iter().map(Rich::plain).collect::<String>(), row.plain());
            prop_assert!(rows.iter().all(|row| row.width() <= columns.max(2)));
        }

        #[test]
        fn parts_fit_and_say_the_same(text in "[a-z日本 ]{0,40}", from in 0usize..40, columns in 0usize..20) {
            let row = Rich::of(Tone::Text, text);
            prop_assert!(cut(&row, from, columns).width() <= columns.max(1));
        }
    }
}

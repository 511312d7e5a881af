//! The reading side against a plain reading of the same bytes.

mod packed;

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::Viewer;
use super::live::Watched;
use super::log::{Clock, Log};
use super::page::{Ask, At, Page};
use super::pattern::{Pattern, Sieve};
use super::spool::Room;
use crate::logs::source::{self, Source};
use crate::logs::stamp::Stamp;

/// Bytes in memory.
struct Held(Vec<u8>);

impl Source for Held {
    fn size(&self) -> std::io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> std::io::Result<usize> {
        self.0.as_slice().read_at(buf, at)
    }
}

/// `12 text` was written at 12.
fn clock() -> Clock {
    Arc::new(|line| {
        let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(&line[..digits]).ok()?;
        text.parse().ok().map(Stamp)
    })
}

fn log(bytes: &[u8]) -> Log {
    Log::new(
        "a".to_owned(),
        Arc::new(Held(bytes.to_vec())),
        Some(clock()),
        0,
    )
    .unwrap()
}

fn viewer(texts: &[&[u8]], rows: usize) -> Viewer {
    let logs = texts.iter().map(|text| log(text)).collect();
    let mut viewer = Viewer::new(logs, 0).unwrap();
    asked(&mut viewer, Ask::Rows(rows));
    viewer
}

fn asked(viewer: &mut Viewer, ask: Ask) -> Page {
    viewer.ask(ask).unwrap();
    done(viewer)
}

fn done(viewer: &mut Viewer) -> Page {
    while viewer.work().unwrap() {}
    viewer.page().unwrap()
}

fn shown(page: &Page) -> Vec<String> {
    let text = |row: &super::page::Row| String::from_utf8_lossy(&row.bytes).into_owned();
    page.rows.iter().map(text).collect()
}

/// Start, text with its end, and number of every line.
fn plain(text: &[u8]) -> Vec<(u64, &[u8], u64)> {
    let mut at = 0;
    text.split_inclusive(|byte| *byte == b'\n')
        .zip(1..)
        .map(|(line, number)| {
            let start = at;
            at += line.len() as u64;
            (start, line, number)
        })
        .collect()
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        4 => "[ab1-9 ]{0,6}\n",
        1 => "[a-c]{20,30}\n",
        1 => Just("\r\n".to_owned()),
        1 => Just("a\u{1b}é\n".to_owned()),
    ];
    (proptest::collection::vec(line, 0..40), "[ab]{0,3}")
        .prop_map(|(lines, last)| (lines.concat() + &last).into_bytes())
}

#[derive(Debug, Clone)]
enum Key {
    Scroll(i64),
    Top,
    Bottom,
    Number(u64),
    Percent(u8),
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        4 => (-9i64..9).prop_map(Key::Scroll),
        1 => Just(Key::Top),
        1 => Just(Key::Bottom),
        1 => (1u64..45).prop_map(Key::Number),
        1 => (0u8..101).prop_map(Key::Percent),
    ]
}

proptest! {
    #[test]
    fn a_page_is_a_part_of_a_plain_reading_wherever_one_goes(
        text in text(),
        rows in 1usize..9,
        keys in proptest::collection::vec(key(), 0..12),
        keep in proptest::option::of(prop_oneof![Just("a"), Just("1")]),
        out in proptest::option::of(Just("b")),
    ) {
        let sieve = Sieve {
            keep: keep.iter().map(|text| Pattern::new(text, false).unwrap()).collect(),
            drop: out.iter().map(|text| Pattern::new(text, false).unwrap()).collect(),
        };
        let all: Vec<_> = plain(&text).into_iter().filter(|(_, line, _)| sieve.passes(line)).collect();
        let mut viewer = viewer(&[&text], rows);
        for (pattern, out) in keep.iter().map(|text| (text, false)).chain(out.iter().map(|text| (text, true))) {
            asked(&mut viewer, Ask::Filter { text: (*pattern).to_owned(), regex: false, out });
        }
        let mut top = 0usize;
        let last = all.len().saturating_sub(rows);
        for key in keys {
            let page = match key {
                Key::Scroll(by) => {
                    top = top.saturating_add_signed(isize::try_from(by).unwrap()).min(last);
                    asked(&mut viewer, Ask::Scroll(by))
                }
                Key::Top => {
                    top = 0;
                    asked(&mut viewer, Ask::Top)
                }
                Key::Bottom => {
                    top = last;
                    asked(&mut viewer, Ask::Bottom)
                }
                Key::Number(number) => {
                    let page = asked(&mut viewer, Ask::Number(number));
                    if number as usize <= plain(&text).len() {
                        let at = all.iter().position(|(_, _, of)| *of >= number).unwrap_or(all.len());
                        top = at.saturating_sub(rows / 3).min(last);
                    }
                    page
                }
                Key::Percent(percent) => {
                    let page = asked(&mut viewer, Ask::Percent(percent));
                    let offset = text.len() as u64 / 100 * u64::from(percent);
                    let at = all.iter().position(|(start, _, _)| *start >= offset).unwrap_or(all.len());
                    top = at.saturating_sub(rows / 3).min(last);
                    page
                }
            };
            let end = (top + rows).min(all.len());
            let wanted: Vec<_> = all[top..end].iter().map(|(start, _, number)| (*start, Some(*number))).collect();
            let found: Vec<_> = page.rows.iter().map(|row| (row.at.start, row.number)).collect();
            prop_assert_eq!(found, wanted);
            for (row, (_, line, _)) in page.rows.iter().zip(&all[top..end]) {
                prop_assert_eq!(&row.bytes[..], super::pattern::content(line));
            }
        }
    }

    #[test]
    fn logs_in_order_are_merged_as_a_sort_would_in_both_directions(
        mut stamps in proptest::collection::vec((0u8..3, 1u32..30), 0..40),
        rows in 1usize..7,
    ) {
        stamps.sort_by_key(|(log, stamp)| (*stamp, *log));
        let mut texts = [String::new(), String::new(), String::new()];
        let mut wanted = Vec::new();
        for (number, (log, stamp)) in stamps.iter().enumerate() {
            // Every third line has one below that belongs to it.
            let line = format!("{stamp} line {number}");
            texts[usize::from(*log)].push_str(&format!("{line}\n"));
            wanted.push(line);
            if number % 3 == 0 {
                texts[usize::from(*log)].push_str(&format!("  of {number}\n"));
                wanted.push(format!("  of {number}"));
            }
        }
        let texts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        let mut viewer = viewer(&texts, rows);
        let mut down = shown(&done(&mut viewer));
        while down.len() < wanted.len() {
            let page = asked(&mut viewer, Ask::Scroll(1));
            down.extend(shown(&page).pop());
        }
        prop_assert_eq!(&down, &wanted);
        let mut up: Vec<String> = shown(&asked(&mut viewer, Ask::Bottom)).into_iter().rev().collect();
        while up.len() < wanted.len() {
            let page = asked(&mut viewer, Ask::Scroll(-1));
            up.extend(shown(&page).into_iter().next());
        }
        up.reverse();
        prop_assert_eq!(&up, &wanted);
    }

    #[test]
    fn matches_are_found_counted_and_numbered_as_by_a_plain_reading(
        text in text(),
        rows in 1usize..6,
        what in prop_oneof![Just("a"), Just("1"), Just("c"), Just("zz")],
    ) {
        let pattern = Pattern::new(what, false).unwrap();
        let hits: Vec<u64> = plain(&text).iter().filter(|(_, line, _)| pattern.is_in(line)).map(|(start, _, _)| *start).collect();
        let mut viewer = viewer(&[&text], rows);
        let mut page = asked(&mut viewer, Ask::Search { text: what.to_owned(), regex: false, from: None });
        let search = page.search.clone().unwrap();
        prop_assert_eq!((search.found, search.done), (hits.len() as u64, true));
        prop_assert_eq!(search.cells.iter().sum::<u64>(), hits.len() as u64);
        let mut from = None;
        let first = page.rows.first().map(|row| row.at);
        prop_assert!(first.is_none_or(|first| first.start == 0) || !hits.is_empty());
        for (number, start) in hits.iter().enumerate() {
            if number > 0 {
                page = asked(&mut viewer, Ask::Next { from, forward: true });
            }
            let at = At { log: 0, start: *start };
            prop_assert_eq!(page.jumped.map(|(_, at)| at), Some(at));
            prop_assert!(page.rows.iter().any(|row| row.at == at && !row.hits.is_empty()));
            prop_assert_eq!(page.search.clone().unwrap().at, Some(number as u64 + 1));
            from = Some(at);
        }
        for start in hits.iter().rev().skip(1) {
            page = asked(&mut viewer, Ask::Next { from, forward: false });
            let at = At { log: 0, start: *start };
            prop_assert_eq!(page.jumped.map(|(_, at)| at), Some(at));
            from = Some(at);
        }
        page = asked(&mut viewer, Ask::Next { from, forward: false });
        prop_assert_eq!(page.said.unwrap(), "nothing more is found above");
    }

    #[test]
    fn a_jump_to_a_time_is_to_the_first_line_at_or_behind_it(
        mut stamps in proptest::collection::vec(1i64..60, 1..40),
        wanted in 0i64..65,
    ) {
        stamps.sort_unstable();
        let text: String = stamps.iter().map(|stamp| format!("{stamp} x\n  y\n")).collect();
        let mut log = log(text.as_bytes());
        let plain = plain(text.as_bytes());
        let at = plain.iter().step_by(2).zip(&stamps).find(|(_, stamp)| **stamp >= wanted);
        let start = at.map_or(text.len() as u64, |((start, _, _), _)| *start);
        prop_assert_eq!(log.seek(Stamp(wanted)).unwrap().at, start);
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_is_handed_out_in_part_and_passed_over() {
    let mut text = b"1 first\n2 ".to_vec();
    text.extend(std::iter::repeat_n(b'x', 100 << 20));
    text.extend(b"needle\n3 last\n");
    let mut viewer = viewer(&[&text], 3);
    let page = done(&mut viewer);
    assert_eq!(page.rows.len(), 3);
    assert!(page.rows[1].more && page.rows[1].bytes.len() == super::page::MOST_SHOWN);
    assert_eq!(page.rows[2].bytes, b"3 last");
    let page = asked(&mut viewer, Ask::Pan(100 << 20));
    assert_eq!(page.rows[1].skipped, 100 << 20);
    assert!(page.rows[1].bytes.ends_with(b"needle") && !page.rows[1].more);
    // So much of one line is looked at, and no more.
    let page = asked(
        &mut viewer,
        Ask::Filter {
            text: "needle".to_owned(),
            regex: false,
            out: false,
        },
    );
    assert!(page.rows.is_empty());
}

/// A file that is watched as the screen does it.
fn opened(path: &Path, rows: usize) -> (Viewer, [Option<Watched>; 1]) {
    let file = source::open(path).unwrap();
    let watched = Watched::new(path, &file, &Room::of(path.parent().unwrap())).unwrap();
    let log = Log::new("app.log".to_owned(), Arc::new(file), Some(clock()), 0).unwrap();
    let mut viewer = Viewer::new(vec![log], 0).unwrap();
    asked(&mut viewer, Ask::Rows(rows));
    (viewer, [Some(watched)])
}

fn append(path: &Path, text: &str) {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn what_is_appended_shows_up_and_following_stays_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    std::fs::write(&path, "1 a\n2 b").unwrap();
    let (mut viewer, mut watched) = opened(&path, 3);
    asked(
        &mut viewer,
        Ask::Search {
            text: "b".to_owned(),
            regex: false,
            from: None,
        },
    );
    append(&path, "b\n3 c\n4 b\n");
    assert!(viewer.look(&mut watched).unwrap());
    let page = done(&mut viewer);
    assert_eq!(shown(&page), ["1 a", "2 bb", "3 c"]);
    assert_eq!(page.search.unwrap().found, 2);
    assert_eq!(page.logs[0].lines, Some(4));
    let page = asked(&mut viewer, Ask::Follow(true));
    assert_eq!(shown(&page), ["2 bb", "3 c", "4 b"]);
    append(&path, "5 d\n");
    assert!(viewer.look(&mut watched).unwrap());
    assert_eq!(shown(&done(&mut viewer)), ["3 c", "4 b", "5 d"]);
    assert!(!viewer.look(&mut watched).unwrap());
}

#[test]
fn a_log_that_is_cut_says_so_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    std::fs::write(&path, "1 a\n2 b\n3 c\n").unwrap();
    let (mut viewer, mut watched) = opened(&path, 2);
    asked(&mut viewer, Ask::Bottom);
    std::fs::write(&path, "9 z\n").unwrap();
    assert!(viewer.look(&mut watched).unwrap());
    let page = done(&mut viewer);
    assert_eq!(page.said.as_deref(), Some("app.log was cut to 4 bytes"));
    assert_eq!(shown(&page), ["9 z"]);
    assert_eq!(page.logs[0].lines, Some(1));
}

#[test]
fn a_log_that_is_rotated_is_told_of_and_following_takes_the_new_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    std::fs::write(&path, "1 a\n").unwrap();
    let (mut viewer, mut watched) = opened(&path, 2);
    std::fs::rename(&path, dir.path().join("app.log.1")).unwrap();
    assert!(
        !viewer.look(&mut watched).unwrap(),
        "between the two there is none"
    );
    std::fs::write(&path, "2 b\n").unwrap();
    assert!(viewer.look(&mut watched).unwrap());
    let page = done(&mut viewer);
    assert!(page.said.unwrap().contains("this is the old file"));
    assert_eq!(shown(&viewer.page().unwrap()), ["1 a"]);
    assert!(!viewer.look(&mut watched).unwrap(), "it is told once");
    // What was still written to the old file comes before the new one.
    append(&dir.path().join("app.log.1"), "1 late\n");
    asked(&mut viewer, Ask::Follow(true));
    assert!(viewer.look(&mut watched).unwrap());
    assert_eq!(shown(&done(&mut viewer)), ["1 a", "1 late"]);
    assert!(viewer.look(&mut watched).unwrap());
    let page = done(&mut viewer);
    assert_eq!(shown(&page), ["2 b"]);
    assert!(page.said.unwrap().contains("this is the new file"));
}

#[test]
fn a_mark_has_the_digest_of_its_line_and_an_excerpt_what_is_between_two() {
    let text = b"1 a\n2 b\n3 c\n4 d\n";
    let mut viewer = viewer(&[text], 4);
    let at = |start| At { log: 0, start };
    asked(&mut viewer, Ask::Mark(at(4)));
    let page = asked(&mut viewer, Ask::Mark(at(12)));
    assert_eq!(page.marks[0].sha256, crate::evidence::Digest::of(b"2 b\n"));
    assert_eq!(
        (page.marks[0].stamp, page.marks[1].line.end),
        (Some(Stamp(2)), 16)
    );
    asked(
        &mut viewer,
        Ask::Filter {
            text: "c".to_owned(),
            regex: false,
            out: true,
        },
    );
    let excerpt = viewer.excerpt(None, at(0)).unwrap();
    assert_eq!(excerpt.bytes, b"2 b\n4 d\n");
    assert_eq!(
        (excerpt.range, excerpt.lines, excerpt.dropped),
        ((4, 16), 2, 4)
    );
    let page = asked(&mut viewer, Ask::Mark(at(4)));
    assert_eq!(page.marks.len(), 1);
}

#[test]
fn a_search_over_several_logs_goes_by_time() {
    let mut viewer = viewer(
        &[
            &b"1 x\n3 needle\n5 x\n"[..],
            &b"2 needle\n4 x\n6 needle\n"[..],
        ],
        2,
    );
    let mut page = asked(
        &mut viewer,
        Ask::Search {
            text: "needle".to_owned(),
            regex: false,
            from: None,
        },
    );
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (_, at) = page.jumped.unwrap();
        let row = page.rows.iter().find(|row| row.at == at).unwrap();
        seen.push(String::from_utf8_lossy(&row.bytes).into_owned());
        page = asked(
            &mut viewer,
            Ask::Next {
                from: Some(at),
                forward: true,
            },
        );
    }
    assert_eq!(seen, ["2 needle", "3 needle", "6 needle"]);
    assert_eq!(page.said.as_deref(), Some("nothing more is found below"));
}

#[test]
fn a_clock_that_is_off_is_set_right_for_the_merge_and_for_times() {
    let mut logs = vec![log(b"10 a\n20 b\n30 c\n"), log(b"115 x\n125 y\n")];
    logs[1].skew = -100;
    let mut viewer = Viewer::new(logs, 0).unwrap();
    let page = asked(&mut viewer, Ask::Rows(9));
    assert_eq!(shown(&page), ["10 a", "115 x", "20 b", "125 y", "30 c"]);
    assert_eq!(page.span, Some((Stamp(10), Stamp(30))));
    asked(&mut viewer, Ask::Rows(2));
    let page = asked(&mut viewer, Ask::Time(Stamp(21)));
    assert_eq!(shown(&page), ["125 y", "30 c"]);
}

#[test]
fn lines_without_any_moment_come_before_all_others() {
    let mut logs = vec![log(b"1 a\n2 needle\n"), log(b"x\ny needle\n")];
    logs[1].clock = None;
    let mut viewer = Viewer::new(logs, 0).unwrap();
    asked(&mut viewer, Ask::Rows(3));
    let page = done(&mut viewer);
    assert_eq!(shown(&page), ["x", "y needle", "1 a"]);
    let ask = Ask::Search {
        text: "needle".to_owned(),
        regex: false,
        from: None,
    };
    let page = asked(&mut viewer, ask);
    assert_eq!(page.jumped.unwrap().1, At { log: 1, start: 2 });
    let page = asked(
        &mut viewer,
        Ask::Next {
            from: page.jumped.map(|(_, at)| at),
            forward: true,
        },
    );
    assert_eq!(page.jumped.unwrap().1, At { log: 0, start: 4 });
    assert_eq!(shown(&page), ["y needle", "1 a", "2 needle"]);
}

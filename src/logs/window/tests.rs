//! Windows out of every odd log there is, against what a full scan keeps.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::logs::lines::LOOKED_AT;
use crate::logs::stamp::{Format, Stamps, Zone};

const SECOND: i64 = 1_000_000_000;

/// Seconds after the epoch in nine digits at the beginning of a line.
fn clock(line: &[u8]) -> Option<Stamp> {
    let digits = line
        .get(..9)
        .filter(|word| word.iter().all(u8::is_ascii_digit))?;
    let seconds: i64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(Stamp(seconds * SECOND))
}

pub(crate) const TEXT: Text<'static> = Text {
    encoding: Encoding::Bytes,
    clock: &clock,
};

/// What a scan of every line keeps.
pub(crate) fn naive(log: &[u8], text: Text<'_>, window: Window) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = Vec::new();
    let mut rest = log;
    while !rest.is_empty() {
        let end = text.encoding.line_end(rest).unwrap_or(rest.len());
        lines.push(&rest[..end]);
        rest = &rest[end..];
    }
    let first = lines.iter().position(|line| text.stamp(line).is_some());
    let lead: usize = lines[..first.unwrap_or(0)]
        .iter()
        .map(|line| line.len())
        .sum();
    let leading = first.and_then(|first| text.stamp(lines[first]));
    let mut keeping = leading.is_some_and(|stamp| window.holds(stamp)) && lead < MOST_LEAD as usize;
    let mut kept = Vec::new();
    for line in lines {
        if let Some(stamp) = text.stamp(line) {
            keeping = window.holds(stamp);
        }
        if keeping {
            kept.extend_from_slice(line);
        }
    }
    kept
}

pub(crate) fn seconds(from: i64, to: i64) -> Window {
    Window {
        from: Stamp(from * SECOND),
        to: Stamp(to * SECOND),
    }
}

const SMALL: Reading = Reading {
    probe: 32,
    whole: 64,
    block: 1,
};

fn ask(window: Window, slack: i64) -> Ask {
    Ask {
        slack: (slack * SECOND) as u64,
        reading: Some(SMALL),
        digest: true,
        ..Ask::of(window)
    }
}

/// A source behind a network: it counts the answers that were waited for.
struct Far<'a>(&'a [u8], AtomicU64);

impl Source for Far<'_> {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read_at(buf, at)
    }

    fn read_many(&self, places: &[(u64, usize)]) -> io::Result<Vec<Vec<u8>>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read_many(places)
    }

    fn at_once(&self) -> usize {
        16
    }
}

fn run<S: Source + ?Sized>(source: &S, text: Text<'_>, ask: &Ask) -> (Vec<u8>, Report) {
    let mut out = Vec::new();
    let report = window(source, text, ask, &mut out).unwrap();
    assert_eq!(report.kept.bytes, out.len() as u64);
    (out, report)
}

/// Keeps what a full scan keeps, and says so truly.
fn exact(log: &[u8], text: Text<'_>, ask: &Ask) -> Report {
    let expected = naive(log, text, ask.window);
    let (out, report) = run(log, text, ask);
    assert_eq!(
        String::from_utf8_lossy(&out),
        String::from_utf8_lossy(&expected),
        "{:?} of\n{}\n{report:?}",
        ask.window,
        String::from_utf8_lossy(log)
    );
    assert!(out == expected);
    let listed: Vec<u8> = report
        .kept
        .ranges
        .iter()
        .flat_map(|range| &log[range.start as usize..range.end as usize])
        .copied()
        .collect();
    assert!(listed == expected, "ranges {:?}", report.kept.ranges);
    assert_eq!(report.kept.lines, line_count(text.encoding, &expected));
    let (least, most) = report.located.estimate();
    assert!((least..=most).contains(&report.kept.bytes));
    let heads = stamps_of(&expected, text);
    if !heads.is_empty() {
        assert_eq!(
            (report.first, report.last),
            (heads.first().copied(), heads.last().copied())
        );
    }
    let far = Far(log, AtomicU64::new(0));
    let (other, _) = run(&far, text, ask);
    assert!(other == expected, "from far away");
    report
}

fn line_count(encoding: Encoding, bytes: &[u8]) -> u64 {
    encoding.ends(bytes) + u64::from(encoding.last_line_end(bytes) != bytes.len())
}

fn stamps_of(mut bytes: &[u8], text: Text<'_>) -> Vec<Stamp> {
    let mut stamps = Vec::new();
    while !bytes.is_empty() {
        let end = text.encoding.line_end(bytes).unwrap_or(bytes.len());
        stamps.extend(text.stamp(&bytes[..end]));
        bytes = &bytes[end..];
    }
    stamps
}

/// One line a second from 100 on, for so many seconds.
pub(crate) fn steady(count: i64) -> String {
    (100..100 + count)
        .map(|second| format!("{second:09} something happened\n"))
        .collect()
}

#[test]
fn only_the_window_is_read_of_an_ordered_log() {
    let log = steady(20_000);
    let report = exact(log.as_bytes(), TEXT, &ask(seconds(5_000, 5_100), 30));
    assert_eq!(report.located.how, How::Search);
    assert_eq!(report.kept.lines, 100);
    assert_eq!(report.located.estimate(), (40 * 29, 160 * 29));
    assert!(report.located.cost.reads < 140, "{:?}", report.located.cost);
}

#[test]
fn a_log_far_away_takes_few_rounds() {
    let log = steady(2_000_000);
    let far = Far(log.as_bytes(), AtomicU64::new(0));
    let asked = Ask {
        reading: None,
        ..ask(seconds(500_000, 500_900), 30)
    };
    let (out, report) = run(&far, TEXT, &asked);
    assert!(out == naive(log.as_bytes(), TEXT, asked.window));
    let rounds = far.1.load(Ordering::Relaxed);
    assert!(rounds <= 9, "{rounds} rounds, {:?}", report.located.cost);
    assert!(report.located.cost.bytes < 1 << 20);
}

#[test]
fn equal_stamps_at_the_bounds_are_all_in_or_all_out() {
    let mut log = steady(500);
    for second in [200, 200, 200, 300, 300, 300] {
        log.push_str(&format!("{second:09} again\n"));
    }
    let mut lines: Vec<_> = log.lines().collect();
    lines.sort_unstable();
    let log = lines.join("\n") + "\n";
    for slack in [0, 30] {
        let report = exact(log.as_bytes(), TEXT, &ask(seconds(200, 300), slack));
        assert_eq!(report.kept.lines, 103);
    }
}

#[test]
fn windows_beside_the_log_and_empty_ones_keep_nothing() {
    let log = steady(500);
    for (from, to) in [
        (0, 100),
        (600, 700),
        (0, 0),
        (300, 300),
        (400, 300),
        (-9, 9_000),
    ] {
        for slack in [0, 30, 10_000] {
            exact(log.as_bytes(), TEXT, &ask(seconds(from, to), slack));
        }
    }
    let (_, report) = run(&b""[..], TEXT, &ask(seconds(0, 1), 0));
    assert_eq!(
        (report.kept, report.first),
        (
            Kept {
                digest: Some(crate::evidence::digest::Digest::of(b"")),
                ..Kept::default()
            },
            None
        )
    );
}

#[test]
fn an_unordered_log_is_told_and_read_whole() {
    let mut log = steady(5_000);
    log.push_str("000000150 late by an hour\n000000151 x\n");
    let report = exact(log.as_bytes(), TEXT, &ask(seconds(140, 160), 30));
    assert_eq!(report.located.how, How::Unordered);
    assert_eq!(report.located.steps.back, 4_949 * SECOND as u64);
    assert_eq!(report.kept.lines, 22);
}

#[test]
fn a_log_without_any_stamp_keeps_nothing_and_says_why() {
    let log = "nothing here\n".repeat(1_000);
    let report = exact(log.as_bytes(), TEXT, &ask(seconds(0, 999_999), 30));
    assert_eq!((report.located.how, report.kept.bytes), (How::NoStamps, 0));
}

#[test]
fn what_stands_above_the_first_stamp_goes_with_it_if_it_is_short() {
    let log = format!("# fields: when what\n# more\n{}", steady(2_000));
    let report = exact(log.as_bytes(), TEXT, &ask(seconds(0, 200), 30));
    assert_eq!(report.kept.ranges[0].start, 0);
    exact(log.as_bytes(), TEXT, &ask(seconds(101, 200), 0));
    let long = format!("{}\n{}", "x".repeat(MOST_LEAD as usize), steady(2_000));
    let report = exact(long.as_bytes(), TEXT, &ask(seconds(0, 200), 30));
    assert_eq!(report.kept.ranges[0].start, MOST_LEAD + 1);
}

#[test]
fn a_single_line_of_100_mb_hides_nothing() {
    let long = "y".repeat(100_000_000);
    let log = format!(
        "{}000002100 {long}\n{}",
        steady(2_000),
        steady(4_000).split_off(29 * 2_001)
    );
    let report = exact(log.as_bytes(), TEXT, &ask(seconds(2_101, 2_200), 0));
    assert_eq!((report.located.how, report.kept.lines), (How::Search, 99));
    let report = exact(log.as_bytes(), TEXT, &ask(seconds(2_100, 2_101), 0));
    assert_eq!((report.kept.lines, report.kept.bytes), (1, 100_000_011));
    let alone = format!("000000100 {long}");
    let report = exact(alone.as_bytes(), TEXT, &ask(seconds(100, 101), 30));
    assert_eq!(report.kept.lines, 1);
}

#[test]
fn carriage_returns_a_missing_last_newline_nuls_and_garbage_stay_as_they_are() {
    let mut log = steady(3_000).replace('\n', "\r\n").into_bytes();
    let garbage: Vec<u8> = (0..=255).cycle().take(5_000).collect();
    log.extend_from_slice(&garbage);
    log.extend_from_slice(b"\n000003101 \0\0\0\xff\xfe after\0\r\n000003102 the last");
    let report = exact(&log, TEXT, &ask(seconds(3_090, 4_000), 5));
    assert_eq!(
        report.kept.ranges.last().map(|range| range.end),
        Some(log.len() as u64)
    );
    exact(&log, TEXT, &ask(seconds(200, 2_000), 5));
    exact(&garbage, TEXT, &ask(seconds(200, 2_000), 5));
}

#[test]
fn utf_16_is_searched_by_its_characters_and_kept_as_it_is() {
    let text = format!(
        "\u{feff}{}",
        steady(2_000).replace("some", "s\u{0a0d}m\u{010a}")
    );
    for low_first in [true, false] {
        let bytes: Vec<u8> = text
            .encode_utf16()
            .flat_map(|unit| {
                if low_first {
                    unit.to_le_bytes()
                } else {
                    unit.to_be_bytes()
                }
            })
            .collect();
        let text = Text {
            encoding: Encoding::of(&bytes),
            ..TEXT
        };
        let report = exact(&bytes, text, &ask(seconds(1_000, 1_100), 10));
        assert_eq!((report.located.how, report.kept.lines), (How::Search, 100));
        assert_eq!(report.encoding.unit(), 2);
        let report = exact(&bytes, text, &ask(seconds(0, 200), 10));
        assert_eq!(report.kept.ranges[0].start, 0);
    }
}

#[test]
fn a_budget_keeps_the_beginning_and_states_the_cut() {
    let log = steady(5_000);
    for (from, limit, lines) in [(1_000, 1_000, 34), (1_000, 28, 0), (100, 100_000, 3_448)] {
        let asked = Ask {
            limit: Some(limit),
            ..ask(seconds(from, 4_900), 30)
        };
        let (out, report) = run(log.as_bytes(), TEXT, &asked);
        assert!(naive(log.as_bytes(), TEXT, asked.window).starts_with(&out));
        let cut = report.kept.cut.unwrap();
        let at = (from - 100 + lines) * 29;
        // Less than a line is the only case of a cut inside one.
        let inside = lines == 0;
        assert_eq!(
            (cut.at, cut.inside_a_line),
            (if inside { at as u64 + 28 } else { at as u64 }, inside)
        );
        let last = from + lines - i64::from(!inside);
        assert_eq!(report.last, Some(Stamp(last * SECOND)));
    }
}

/// A log to which something happens after so many reads.
struct Living {
    before: Vec<u8>,
    after: Vec<u8>,
    reads: AtomicU64,
    until: u64,
}

impl Living {
    fn now(&self) -> &[u8] {
        if self.reads.load(Ordering::Relaxed) < self.until {
            &self.before
        } else {
            &self.after
        }
    }
}

impl Source for Living {
    fn size(&self) -> io::Result<u64> {
        self.now().size()
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let read = self.now().read_at(buf, at);
        self.reads.fetch_add(1, Ordering::Relaxed);
        read
    }
}

#[test]
fn what_is_added_or_cut_off_meanwhile_is_stated() {
    let all = steady(5_000).into_bytes();
    let asked = ask(seconds(4_000, 9_000), 30);
    for until in [1, 30, 66, 80, 90, 95, 10_000] {
        let living = |before: usize, after: usize| Living {
            before: all[..before * 29].to_vec(),
            after: all[..after * 29].to_vec(),
            reads: AtomicU64::new(0),
            until,
        };
        let (out, report) = run(&living(4_500, 5_000), TEXT, &asked);
        assert_eq!(out, naive(&all[..4_500 * 29], TEXT, asked.window));
        let grew = report.changed;
        let (out, report) = run(&living(4_500, 4_200), TEXT, &asked);
        assert!(naive(&all, TEXT, asked.window).starts_with(&out));
        if until == 10_000 {
            assert_eq!((grew, report.changed), (None, None));
        } else {
            assert_eq!(grew, Some(Changed::Grew(500 * 29)));
            assert!(out.len() >= 300 * 29, "what is still there is kept");
            assert_eq!(report.changed, Some(Changed::Shrank(4_200 * 29)), "{until}");
        }
    }
}

#[test]
fn a_year_that_ends_and_clocks_that_are_set_forward_change_nothing() {
    let stamps = |zone: &str| {
        let zone = Zone::parse(zone).unwrap();
        Stamps::with(Format::Iso, zone, Stamp(i64::MAX))
    };
    let hour = |from: &str, lines: i64| -> String {
        let from: chrono::NaiveDateTime = from.parse().unwrap();
        (0..lines)
            .map(|at| {
                format!(
                    "{} x\n",
                    (from + chrono::TimeDelta::seconds(at)).format("%F %T")
                )
            })
            .collect()
    };
    let at = |text: &str| Stamp::of(text.parse().unwrap());
    let utc = stamps("UTC");
    let text = Text {
        encoding: Encoding::Bytes,
        clock: &|line| utc.of(line),
    };
    let window = Window {
        from: at("2025-12-31T23:50:00Z"),
        to: at("2026-01-01T00:10:00Z"),
    };
    let report = exact(
        hour("2025-12-31T23:00:00", 7_200).as_bytes(),
        text,
        &ask(window, 30),
    );
    assert_eq!(report.kept.lines, 1_200);

    let berlin = stamps("Europe/Berlin");
    let text = Text {
        encoding: Encoding::Bytes,
        clock: &|line| berlin.of(line),
    };
    let log = hour("2026-03-29T01:00:00", 3_600) + &hour("2026-03-29T03:00:00", 3_600);
    let window = Window {
        from: at("2026-03-29T00:50:00Z"),
        to: at("2026-03-29T01:10:00Z"),
    };
    let report = exact(log.as_bytes(), text, &ask(window, 30));
    assert_eq!(report.kept.lines, 1_200);
    assert_eq!(report.located.how, How::Search);
}

/// One line: a step in seconds since the line before, how late it is written, whether it has a stamp, its length.
pub(crate) type Drawn = (i64, i64, bool, usize);

pub(crate) fn drawn(lines: &[Drawn], slack: i64, end: &str) -> Vec<u8> {
    let mut log = Vec::new();
    let mut now = 1_000;
    for (index, (step, late, stamped, length)) in lines.iter().enumerate() {
        now += step;
        if *stamped {
            log.extend_from_slice(format!("{:09} ", now - late.min(&slack)).as_bytes());
        }
        log.extend_from_slice("z".repeat(*length).as_bytes());
        if index + 1 < lines.len() || index % 2 == 0 {
            log.extend_from_slice(end.as_bytes());
        }
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 400 } else { 4_000 }))]

    #[test]
    fn a_search_keeps_what_a_full_scan_keeps(
        lines in proptest::collection::vec((0_i64..4, 0_i64..40, proptest::bool::weighted(0.7), 0_usize..60), 0..700),
        slack in 0_i64..40,
        from in 900_i64..2_500,
        length in -5_i64..900,
        windows_ends in any::<bool>(),
    ) {
        let log = drawn(&lines, slack, if windows_ends { "\r\n" } else { "\n" });
        exact(&log, TEXT, &ask(seconds(from, from + length), slack));
    }

    #[test]
    fn any_bytes_any_window_never_panics(
        log in proptest::collection::vec(any::<u8>(), 0..6_000),
        from in any::<i64>(),
        to in any::<i64>(),
        slack in any::<u64>(),
        encoding in 0_u8..3,
    ) {
        let encoding = [Encoding::Bytes, Encoding::Utf16Le, Encoding::Utf16Be][usize::from(encoding)];
        let text = Text { encoding, clock: &|line| line.first().map(|byte| Stamp(i64::from(*byte))) };
        let window = Window { from: Stamp(from), to: Stamp(to) };
        let asked = Ask { slack, reading: Some(SMALL), ..Ask::of(window) };
        run(log.as_slice(), text, &asked);
    }
}

#[test]
fn nothing_is_held_but_a_block() {
    // What is read at once bounds what is held: a line longer than that passes through.
    assert!(Reading::of(&b""[..]).block >= 2 * LOOKED_AT);
}

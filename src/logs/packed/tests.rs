//! Windows out of packed logs: the same bytes as out of what was packed.

use std::io::{Cursor, Write as _};

use proptest::prelude::*;

use super::stream::small_blocks;
use super::*;
use crate::logs::lines::{Encoding, Text};
use crate::logs::stamp::{Stamp, Window};
use crate::logs::window::tests::{TEXT, naive, seconds, steady};
use crate::logs::window::{self, Ask, How};

fn packed(packing: Packing, log: &[u8]) -> Vec<u8> {
    match packing {
        Packing::Gzip => {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(log).unwrap();
            packer.finish().unwrap()
        }
        Packing::Zstd => zstd::stream::encode_all(log, 1).unwrap(),
        Packing::Xz => liblzma::encode_all(log, 0).unwrap(),
        Packing::Bzip2 => {
            let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            packer.write_all(log).unwrap();
            packer.finish().unwrap()
        }
    }
}

const ALL: [Packing; 4] = [Packing::Gzip, Packing::Zstd, Packing::Xz, Packing::Bzip2];

fn ask(from: i64, to: i64, slack: i64) -> Ask {
    Ask {
        slack: (slack * 1_000_000_000) as u64,
        ..Ask::of(seconds(from, to))
    }
}

fn run(packed: &[u8], ask: &Ask) -> (Vec<u8>, Streamed) {
    let packing = Packing::of(packed).unwrap();
    let mut stream = packing.unpack(Cursor::new(packed)).unwrap();
    let mut out = Vec::new();
    let streamed = super::window(&mut stream, TEXT, ask, false, &mut out).unwrap();
    (out, streamed)
}

fn done(streamed: Streamed) -> window::Report {
    match streamed {
        Streamed::Done(report) => *report,
        Streamed::Unordered => panic!("unordered"),
    }
}

#[test]
fn every_packing_of_several_members_gives_the_window_and_stops_after_it() {
    let log = steady(200_000);
    let (first, second) = log.split_at(29 * 150_000 + 11);
    for packing in ALL {
        let mut bytes = packed(packing, first.as_bytes());
        bytes.extend(packed(packing, second.as_bytes()));
        let asked = ask(149_000, 151_000, 30);
        let (out, streamed) = run(&bytes, &asked);
        assert!(
            out == naive(log.as_bytes(), TEXT, asked.window),
            "{packing:?}"
        );
        let report = done(streamed);
        assert_eq!((report.located.how, report.damage), (How::Stream, None));
        assert_eq!(report.kept.lines, 2_000);
        let range = report.kept.ranges.first().cloned();
        assert_eq!(range, Some(148_900 * 29..150_900 * 29));
        assert_eq!(report.first, Some(Stamp(149_000_000_000_000)));
        assert_eq!(report.last, Some(Stamp(150_999_000_000_000)));
        assert!(report.located.size < 29 * 190_000, "{packing:?}");
    }
}

#[test]
fn the_size_a_gzip_member_states_is_not_believed() {
    let log = steady(50_000);
    let mut bytes = packed(Packing::Gzip, log.as_bytes());
    let end = bytes.len();
    let whole = run(&bytes, &ask(40_000, 50_000, 30)).0;
    assert_eq!(whole, naive(log.as_bytes(), TEXT, seconds(40_000, 50_000)));
    // A size of 4 GiB and more wraps around; here it is simply a lie.
    bytes[end - 4..].copy_from_slice(&7_u32.to_le_bytes());
    let (out, streamed) = run(&bytes, &ask(40_000, 60_000, 30));
    assert!(done(streamed).damage.is_some());
    assert_eq!(out, naive(log.as_bytes(), TEXT, seconds(40_000, 60_000)));
}

#[test]
fn what_came_out_before_a_fault_is_kept_and_the_fault_told() {
    let log = steady(100_000);
    for packing in ALL {
        let bytes = packed(packing, log.as_bytes());
        let torn = &bytes[..bytes.len() / 2];
        let asked = ask(100, 20_000, 30);
        let (out, streamed) = run(torn, &ask(100, 200_000, 30));
        let report = done(streamed);
        assert!(report.damage.is_some(), "{packing:?}");
        assert!(
            !out.is_empty() && log.as_bytes().starts_with(&out),
            "{packing:?}"
        );
        let _ = asked;
    }
}

#[test]
fn the_end_of_a_stream_without_a_newline_and_its_short_beginning_are_kept() {
    let log = "# head\n000000100 only";
    for packing in ALL {
        let (out, _) = run(&packed(packing, log.as_bytes()), &ask(100, 101, 0));
        assert_eq!(String::from_utf8_lossy(&out), log);
        let (out, streamed) = run(&packed(packing, b""), &ask(100, 101, 0));
        assert!(out.is_empty() && done(streamed).first.is_none());
    }
}

#[test]
fn a_stream_out_of_order_is_told_and_then_read_line_by_line() {
    let log = format!("{}{}", steady(100_000), steady(100_000));
    let bytes = packed(Packing::Zstd, log.as_bytes());
    let asked = ask(50_000, 50_100, 30);
    assert!(matches!(
        run(&bytes, &ask(100_000, 100_100, 30)).1,
        Streamed::Unordered
    ));
    let mut stream = Packing::Zstd.unpack(bytes.as_slice()).unwrap();
    let mut out = Vec::new();
    let report = super::window(&mut stream, TEXT, &asked, true, &mut out).unwrap();
    let report = done(report);
    assert_eq!(report.located.how, How::Unordered);
    assert_eq!(report.located.steps.back, 99_999 * 1_000_000_000);
    assert!(out == naive(log.as_bytes(), TEXT, asked.window));
    assert_eq!((report.kept.lines, report.kept.ranges.len()), (200, 2));
}

#[test]
fn a_bomb_passes_through_without_being_held() {
    // 64 MiB of one line out of 64 KiB.
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(b"000000100 boom").unwrap();
    for _ in 0..64 {
        packer.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bytes = packer.finish().unwrap();
    let asked = Ask {
        limit: Some(1_000),
        ..ask(100, 101, 30)
    };
    let (out, streamed) = run(&bytes, &asked);
    let report = done(streamed);
    assert_eq!((out.len(), report.located.size < 8 << 20), (1_000, true));
    let (out, streamed) = run(&bytes, &ask(200, 201, 30));
    assert_eq!(
        (out.len(), done(streamed).located.size),
        (0, (64 << 20) + 14)
    );
}

#[test]
fn packings_are_told_by_their_first_bytes() {
    for packing in ALL {
        assert_eq!(Packing::of(&packed(packing, b"x")), Some(packing));
        assert_eq!(Packing::of(&packed(packing, b"")), Some(packing));
        assert_eq!(
            Packing::named(&format!("a.log.{}", packing.ending())),
            Some(packing)
        );
    }
    assert_eq!(Packing::of(b"2026-08-17 BZh"), None);
    assert_eq!(Packing::named("gz"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 3_000 }))]

    #[test]
    fn a_stream_keeps_what_a_full_scan_keeps(
        lines in proptest::collection::vec((0_i64..4, 0_i64..40, proptest::bool::weighted(0.7), 0_usize..60), 0..700),
        slack in 0_i64..40,
        from in 900_i64..2_500,
        length in -5_i64..900,
        block in 16_usize..2_000,
        limit in proptest::option::of(0_u64..5_000),
    ) {
        let mut lines = lines;
        if let Some(first) = lines.first_mut() {
            first.2 = true;
        }
        let log = window::tests::drawn(&lines, slack, "\n");
        let asked = Ask { limit, ..ask(from, from + length, slack) };
        let expected = naive(&log, TEXT, asked.window);
        for each_line in [false, true] {
            let mut out = Vec::new();
            let streamed = small_blocks(block, &mut log.as_slice(), TEXT, &asked, each_line, &mut out);
            let report = done(streamed);
            if limit.is_none() || report.kept.cut.is_none() {
                prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&expected));
            } else {
                prop_assert!(expected.starts_with(&out));
            }
            prop_assert_eq!(report.first, TEXT.first_stamp(&out));
            prop_assert_eq!(report.last, TEXT.last_stamp(&out));
        }
    }

    #[test]
    fn any_bytes_as_any_packing_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..3_000), head in 0_usize..4) {
        let mut packed = packed(ALL[head], b"000000100 x\n");
        packed.truncate(12);
        packed.extend(bytes);
        let mut stream = ALL[head].unpack(packed.as_slice()).unwrap();
        let text = Text { encoding: Encoding::Utf16Be, ..TEXT };
        let window = Window { from: Stamp(i64::MIN), to: Stamp(i64::MAX) };
        super::window(&mut stream, text, &Ask::of(window), false, &mut Vec::new()).unwrap();
    }
}

//! Every search is as a naive one: line by line, on one thread.

use std::io::Write as _;

use proptest::prelude::*;

use super::*;

/// Bytes that are read at an offset.
struct Read<'a>(&'a [u8]);

impl Source for Read<'_> {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(buf, at)
    }
}

fn search<'a>(
    hay: Haystack<'a>,
    end: u64,
    pattern: &'a Pattern,
    stop: &'a AtomicBool,
) -> Search<'a> {
    Search {
        hay,
        encoding: Encoding::Bytes,
        range: 0..end,
        pattern,
        threads: 1,
        numbered: true,
        stop,
    }
}

type Line = (u64, u64, Vec<u8>);

fn hits(search: &Search<'_>) -> Vec<Line> {
    let mut hits = Vec::new();
    let found = search
        .lines(&mut |hit| {
            hits.push((hit.at, hit.number, hit.line.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(found.whole);
    assert_eq!(found.lines, hits.len() as u64);
    assert_eq!(search.count().unwrap(), found);
    hits
}

/// As [`hits`], by way of whole lines and nothing else.
fn naive(search: &Search<'_>, bytes: &[u8]) -> Vec<Line> {
    let mut hits = Vec::new();
    let (mut from, mut number) = (0, 0);
    while from < bytes.len() {
        let length = search.encoding.line_end(&bytes[from..]);
        let end = length.map_or(bytes.len(), |length| from + length);
        number += 1;
        if search
            .pattern
            .is_in(&search.encoding.decoded(&bytes[from..end]))
        {
            hits.push((from as u64, number, bytes[from..end].to_vec()));
        }
        from = end;
    }
    hits
}

/// As [`hits`], in a stream that comes so many bytes at a time.
fn sifted(search: &Search<'_>, bytes: &[u8], at_once: usize) -> Vec<Line> {
    let mut hits = Vec::new();
    let mut take = |hit: Hit<'_>| {
        hits.push((hit.at, hit.number, hit.line.to_vec()));
        ControlFlow::Continue(())
    };
    let mut sift = Sift::new(search.encoding, search.pattern, &mut take);
    for bytes in bytes.chunks(at_once) {
        sift.write_all(bytes).unwrap();
    }
    let found = sift.finish();
    assert!(found.whole);
    assert_eq!(found.lines, hits.len() as u64);
    hits
}

/// Lines of many lengths, one over several pieces, with and without a last end.
fn long_log(tail: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..9_000_u32 {
        let line = format!(
            "{number} {} GET {}\r\n",
            "x".repeat((number % 97) as usize),
            number % 7
        );
        bytes.extend_from_slice(line.as_bytes());
        if number == 4_000 {
            bytes.extend_from_slice(&vec![b'y'; PIECE as usize * 3 / 2]);
            bytes.extend_from_slice(b" GET 5 needle\n\n\n");
        }
    }
    bytes.extend_from_slice(tail.as_bytes());
    bytes
}

#[test]
fn each_line_is_found_once_whatever_the_pieces_and_threads() {
    let stop = AtomicBool::new(false);
    for tail in ["", "needle", "\n"] {
        let bytes = long_log(tail);
        for text in ["GET 5$", "needle", "", "^$"] {
            let pattern = Pattern::regex(text, Case::Exact).unwrap();
            let slice = search(Haystack::Bytes(&bytes), bytes.len() as u64, &pattern, &stop);
            let expected = naive(&slice, &bytes);
            assert!(
                sifted(&slice, &bytes, 100_003) == expected,
                "{text:?} {tail:?}"
            );
            let source = Read(&bytes);
            for threads in [1, 3] {
                for hay in [Haystack::Bytes(&bytes), Haystack::Source(&source)] {
                    let search = Search {
                        hay,
                        threads,
                        ..slice.clone()
                    };
                    assert!(hits(&search) == expected, "{text:?} {tail:?} {threads}");
                }
            }
        }
    }
}

#[test]
fn only_the_range_is_searched() {
    let stop = AtomicBool::new(false);
    let pattern = Pattern::literal("a", Case::Exact).unwrap();
    let bytes = b"a1\na2\na3\na4\n";
    let whole = search(Haystack::Bytes(bytes), 12, &pattern, &stop);
    let part = Search {
        range: 3..9,
        ..whole.clone()
    };
    let found: Vec<u64> = hits(&part).iter().map(|hit| hit.0).collect();
    assert_eq!(found, [3, 6]);
    // A log that became shorter.
    let gone = Search {
        range: 3..500,
        ..whole
    };
    assert_eq!(hits(&gone).len(), 3);
}

#[test]
fn a_search_ends_when_it_is_told_to() {
    let bytes = long_log("");
    let pattern = Pattern::literal("GET", Case::Exact).unwrap();
    for threads in [1, 2] {
        let stop = AtomicBool::new(false);
        let search = Search {
            threads,
            ..search(Haystack::Bytes(&bytes), bytes.len() as u64, &pattern, &stop)
        };
        let mut seen = 0;
        let found = search.lines(&mut |_| {
            seen += 1;
            if seen == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert_eq!((seen, found.unwrap().whole), (3, false));
        let mut first = |_: Hit<'_>| ControlFlow::Break(());
        let mut sift = Sift::new(Encoding::Bytes, &pattern, &mut first);
        assert!(sift.write_all(&bytes).is_err() && sift.is_done());
        assert_eq!(sift.finish().lines, 1);
        stop.store(true, Ordering::Relaxed);
        assert_eq!(search.count().unwrap(), Found::default());
    }
}

#[test]
fn a_log_that_cannot_be_read_is_an_error() {
    struct Broken;
    impl Source for Broken {
        fn size(&self) -> io::Result<u64> {
            Ok(9 << 20)
        }
        fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let stop = AtomicBool::new(false);
    let pattern = Pattern::literal("a", Case::Exact).unwrap();
    for threads in [1, 2] {
        let search = Search {
            threads,
            ..search(Haystack::Source(&Broken), 9 << 20, &pattern, &stop)
        };
        assert_eq!(search.count().unwrap_err().to_string(), "gone");
    }
}

const PATTERNS: [&str; 12] = [
    "a", "ab", "b$", "^a", "^$", "", "[^b]", r"\s", r"a\s*b", "^a?b*$", r"\bab\b", "(?s)a.b",
];

proptest! {
    #[test]
    fn a_search_finds_what_a_naive_one_does(
        text in "[ab\r\n]{0,60}", pattern in 0..PATTERNS.len(), wide in 0..3_usize
    ) {
        let encoding = [Encoding::Bytes, Encoding::Utf16Le, Encoding::Utf16Be][wide];
        let units = text.encode_utf16();
        let bytes: Vec<u8> = match encoding {
            Encoding::Bytes => text.clone().into_bytes(),
            Encoding::Utf16Le => units.flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16Be => units.flat_map(u16::to_be_bytes).collect(),
        };
        let stop = AtomicBool::new(false);
        let pattern = Pattern::regex(PATTERNS[pattern], Case::Exact).unwrap();
        let search = Search {
            encoding,
            ..search(Haystack::Bytes(&bytes), bytes.len() as u64, &pattern, &stop)
        };
        let expected = naive(&search, &bytes);
        prop_assert_eq!(&hits(&search), &expected);
        prop_assert_eq!(sifted(&search, &bytes, 3), expected);
    }

    #[test]
    fn pieces_of_any_size_hold_each_line_once(text in "[ab\n]{0,80}", size in 2..20_u64, wide in any::<bool>()) {
        let encoding = if wide { Encoding::Utf16Le } else { Encoding::Bytes };
        let bytes: Vec<u8> = if wide {
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        } else {
            text.into_bytes()
        };
        let source = Read(&bytes);
        for hay in [Haystack::Bytes(&bytes), Haystack::Source(&source)] {
            let pieces = Pieces::new(hay, encoding, &(0..bytes.len() as u64), size);
            let mut joined = Vec::new();
            for number in 0..pieces.count() {
                let piece = pieces.get(number).unwrap();
                if !piece.lines.is_empty() {
                    prop_assert_eq!(piece.at, joined.len() as u64);
                    joined.extend_from_slice(&piece.lines);
                }
            }
            prop_assert_eq!(&joined, &bytes);
        }
    }
}

/// Lines of which every one matches, of some MiB.
fn matching() -> Vec<u8> {
    b"a line that has x in it\n".repeat(1_400_000)
}

/// Cuts with the first hit: how many came out by then, and the fault.
fn cut_while_searching(hay: Haystack<'_>, threads: usize, cut: &dyn Fn()) -> (u64, io::Error) {
    let pattern = Pattern::literal("x", Case::Exact).unwrap();
    let stop = AtomicBool::new(false);
    let search = Search {
        threads,
        ..search(hay, matching().len() as u64, &pattern, &stop)
    };
    let mut seen = 0;
    let fault = search.lines(&mut |hit| {
        assert_eq!(hit.line, b"a line that has x in it\n");
        cut();
        seen += 1;
        ControlFlow::Continue(())
    });
    (seen, fault.unwrap_err())
}

#[test]
fn a_log_that_is_cut_short_while_it_is_searched_is_said_to_be() {
    struct Shrinks(Vec<u8>, std::sync::atomic::AtomicUsize);
    impl Source for Shrinks {
        fn size(&self) -> io::Result<u64> {
            Ok(self.1.load(Ordering::Relaxed) as u64)
        }

        fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
            self.0[..self.1.load(Ordering::Relaxed)].read_at(buf, at)
        }
    }
    for threads in [1, 2] {
        let all = matching();
        let size = all.len().into();
        let source = Shrinks(all, size);
        let cut = || source.1.store(1_500_000, Ordering::Relaxed);
        let (seen, fault) = cut_while_searching(Haystack::Source(&source), threads, &cut);
        assert!(seen > 40_000, "{seen}");
        assert!(fault.to_string().starts_with("was cut short at byte "));
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&matching()).unwrap();
        let later =
            file.metadata().unwrap().modified().unwrap() + std::time::Duration::from_secs(60);
        let map = Mapped::of(&file, later).unwrap().unwrap();
        let cut = || file.set_len(1_500_000).unwrap();
        let (seen, fault) = cut_while_searching(Haystack::Mapped(&map), threads, &cut);
        assert!(seen > 40_000, "{seen}");
        assert!(
            fault
                .to_string()
                .starts_with("was cut short at byte 1500000 ")
        );
    }
}

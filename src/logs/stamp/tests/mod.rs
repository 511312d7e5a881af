//! Exact lines and exact moments, samples of every format, and what hostile bytes must not do.

mod samples;

use proptest::prelude::*;

use super::*;

/// The last write of the logs here.
fn newest() -> Stamp {
    at("2026-08-18T00:00:00Z")
}

fn at(text: &str) -> Stamp {
    Stamp::of(text.parse().unwrap())
}

fn learnt(line: &str) -> Stamps {
    Stamps::detect(line.as_bytes(), Zone::UTC, newest()).unwrap_or_else(|| panic!("{line}"))
}

/// A line that has to be of this format and of this moment, both by itself and when the format is given.
fn says(word: &str, line: &str, moment: &str) {
    let stamps = learnt(line);
    assert_eq!(stamps.format().word(), word, "{line}");
    assert_eq!(stamps.of(line.as_bytes()), Some(at(moment)), "{line}");
    let with = Stamps::with(Format::named(word).unwrap(), Zone::UTC, newest());
    assert_eq!(with.of(line.as_bytes()), Some(at(moment)), "{line}");
}

#[test]
fn lines_say_when_they_were_written() {
    // A format, a moment, and the line that says it.
    let rows = include_str!("../../../../tests/logs/lines.tsv");
    for row in rows.lines() {
        let [word, moment, line] = row.splitn(3, '\t').collect::<Vec<_>>()[..] else {
            panic!("{row}");
        };
        says(word, line, moment);
    }
}

#[test]
fn what_stands_around_a_stamp_does_not_hide_it() {
    let moment = "2026-08-17T14:00:00Z";
    says("iso", "\u{feff}2026-08-17 14:00:00 x", moment);
    says("iso", "\u{1b}[2m2026-08-17T14:00:00Z\u{1b}[0m x", moment);
    says("windows", "8/17/2026 2:00:00\u{202f}PM x", moment);
}

#[test]
fn what_is_no_stamp_is_none() {
    for line in [
        "",
        "x",
        "2026-02-30 00:00:00",
        "2025-02-29 00:00:00",
        "2026-13-01 00:00:00",
        "2026-08-17 24:00:00",
        "2026-08-17 14:60:00",
        "2026-08-17 14:00",
        "12026-08-17 14:00:00",
        "Aug 32 14:00:00",
        "Agu 17 14:00:00",
        "[17/Aug/2026 14:00:00]",
        "8/17/2026 13:00:00 PM",
        "{\"a\":\"b\"}",
        "{\"ts\":true}",
        "a=b",
        "audit(x)",
        "version 1.2.3",
        "10.20.30.40 is up",
        "9999999999 x",
        "2026-08-17 14:00:000",
        "0000-00-00 00:00:00",
        "Feb 30 00:00:00 x",
        // Beyond what a moment can be.
        "1013/08/17 14:00:01 x",
        "9999-01-01 00:00:00",
    ] {
        assert!(
            Stamps::detect(line.as_bytes(), Zone::UTC, newest()).is_none(),
            "{line}"
        );
        for format in Format::ALL {
            let stamps = Stamps::with(*format, Zone::UTC, newest());
            assert_eq!(stamps.of(line.as_bytes()), None, "{format:?} {line}");
        }
    }
}

#[test]
fn a_missing_year_is_the_latest_that_is_not_after_the_last_write() {
    let year = |written: &str, line: &str| {
        let stamps = Stamps::with(Format::Rfc3164, Zone::UTC, at(written));
        stamps
            .of(line.as_bytes())
            .map(|stamp| stamp.utc().to_rfc3339()[..19].to_owned())
    };
    let new_year = "2026-01-01T00:05:00Z";
    assert_eq!(
        year(new_year, "Dec 31 23:59:59 h x").unwrap(),
        "2025-12-31T23:59:59"
    );
    assert_eq!(
        year(new_year, "Jan  1 00:00:00 h x").unwrap(),
        "2026-01-01T00:00:00"
    );
    // A clock that runs ahead, or another zone.
    assert_eq!(
        year(new_year, "Jan  2 00:05:00 h x").unwrap(),
        "2026-01-02T00:05:00"
    );
    assert_eq!(
        year(new_year, "Jan  2 00:05:01 h x").unwrap(),
        "2025-01-02T00:05:01"
    );
    assert_eq!(
        year("2025-12-31T23:59:00Z", "Jan  1 00:00:01 h x").unwrap(),
        "2026-01-01T00:00:01"
    );
    assert_eq!(
        year("2026-08-17T00:00:00Z", "Feb 29 12:00:00 h x").unwrap(),
        "2024-02-29T12:00:00"
    );
    assert_eq!(
        year("1904-01-01T00:00:00Z", "Feb 29 12:00:00 h x").unwrap(),
        "1896-02-29T12:00:00"
    );
}

#[test]
fn new_year_in_another_zone() {
    let tokyo = Zone::parse("Asia/Tokyo").unwrap();
    let stamps = Stamps::with(Format::Rfc3164, tokyo, at("2025-12-31T16:00:00Z"));
    assert_eq!(
        stamps.of(b"Dec 31 23:59:59 h x"),
        Some(at("2025-12-31T14:59:59Z"))
    );
    assert_eq!(
        stamps.of(b"Jan  1 00:30:00 h x"),
        Some(at("2025-12-31T15:30:00Z"))
    );
}

#[test]
fn stamps_without_an_offset_are_of_the_zone_and_others_are_not() {
    let stamps = Stamps::with(Format::Iso, Zone::parse("Europe/Berlin").unwrap(), newest());
    assert_eq!(
        stamps.of(b"2026-08-17 14:00:00 x"),
        Some(at("2026-08-17T12:00:00Z"))
    );
    assert_eq!(
        stamps.of(b"2026-08-17 14:00:00Z x"),
        Some(at("2026-08-17T14:00:00Z"))
    );
    // Clocks go back: twice the same, read as the earlier.
    assert_eq!(
        stamps.of(b"2026-10-25 02:30:00 x"),
        Some(at("2026-10-25T00:30:00Z"))
    );
    // Clocks go forward: never was.
    assert_eq!(
        stamps.of(b"2026-03-29 02:30:00 x"),
        Some(at("2026-03-29T01:30:00Z"))
    );
}

#[test]
fn day_and_month_are_told_apart_by_the_whole_sample() {
    let word = |lines: &str| learnt(lines).format().word();
    assert_eq!(
        word("1/2/2026 10:00:00 x\n13/2/2026 10:00:00 x"),
        "day-first"
    );
    assert_eq!(word("1/2/2026 10:00:00 x\n2/13/2026 10:00:00 x"), "windows");
    // By order: as days these step back, as months they do not.
    assert_eq!(
        word("1/12/2026 10:00:00 x\n2/3/2026 10:00:00 x\n3/1/2026 10:00:00 x"),
        "windows"
    );
    assert_eq!(
        word("12/1/2026 10:00:00 x\n3/2/2026 10:00:00 x\n1/3/2026 10:00:00 x"),
        "day-first"
    );
    // Nothing tells: the month first, as the programs write it that this form is known from.
    assert_eq!(word("1/2/2026 10:00:00 x"), "windows");
    // Not the one that would lie in the future.
    assert_eq!(word("1/9/2026 10:00:00 x"), "windows");
    assert_eq!(word("9/1/2026 10:00:00 x"), "day-first");
}

#[test]
fn words_are_told_apart() {
    for word in Format::WORDS {
        assert!(Format::named(word).is_some(), "{word}");
    }
    let mut words = Format::WORDS.to_vec();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), Format::WORDS.len());
    for format in Format::ALL {
        assert_eq!(Format::named(format.word()), Some(*format));
    }
}

/// The head of lines that get further into the readers than random bytes do.
const HEADS: [&str; 16] = [
    "2026-08-17T14:00:00.",
    "<34>1 2026-08-17",
    "Aug 17 14:0",
    "[17/Aug/2026:14:00:00 ",
    "{\"ts\":\"2026-",
    "{\"a\\\"",
    "ts=\"2026-08-17T14:00:00",
    "msg=audit(17869752",
    "8/17/2026 2:00:00",
    "I0817 14:00:00.",
    "[Mon Aug 17 14:00:00",
    "20260817-1:2:3:",
    "260817 ",
    "1786975200",
    "17-Aug-2026 1",
    "\u{1b}[1;",
];

proptest! {
    #[test]
    fn bytes_of_any_kind_are_read_without_harm(
        head in 0..HEADS.len(), bytes in proptest::collection::vec(any::<u8>(), 0..200), newest in any::<i64>()
    ) {
        let mut line = HEADS[head].as_bytes().to_vec();
        line.extend_from_slice(&bytes);
        let zone = Zone::parse("Europe/Berlin").unwrap();
        for sample in [&line[..], &bytes] {
            if let Some(stamps) = Stamps::detect(sample, zone, Stamp(newest)) {
                let _ = stamps.of(&bytes);
            }
            for format in Format::ALL {
                let _ = Stamps::with(*format, zone, Stamp(newest)).of(sample);
            }
        }
    }

    #[test]
    fn moments_that_were_written_are_read_back(
        nanos in 0_i64..4_102_444_800_000_000_000, minutes in -12 * 4..=14 * 4_i32
    ) {
        let stamp = Stamp(nanos);
        let utc = stamp.utc();
        let zoned = utc.with_timezone(&chrono::FixedOffset::east_opt(minutes * 900).unwrap());
        let newest = Stamp(nanos + 1_000_000_000);
        for (format, pattern, unit) in [
            (Format::Iso, "%Y-%m-%dT%H:%M:%S%.9f%:z x", 1),
            (Format::Iso, "[%Y-%m-%d %H:%M:%S,%3f %z] x", 1_000_000),
            (Format::Rfc5424, "<34>1 %Y-%m-%dT%H:%M:%S.%6f%:z h", 1_000),
            (Format::Nginx, "::1 - - [%d/%b/%Y:%H:%M:%S %z] \"GET", 1_000_000_000),
            (Format::Json, "{\"ts\":\"%Y-%m-%dT%H:%M:%S%.3f%z\"}", 1_000_000),
            (Format::Tomcat, "%d-%b-%Y %H:%M:%S.%3f %z x", 1_000_000),
        ] {
            let line = zoned.format(pattern).to_string();
            let read = Stamps::with(format, Zone::UTC, newest).of(line.as_bytes());
            prop_assert_eq!(read, Some(Stamp(nanos - nanos % unit)), "{}", line);
        }
        for (format, pattern, unit) in [
            (Format::Rfc3164, "%b %e %H:%M:%S.%3f h x", 1_000_000),
            (Format::Klog, "I%m%d %H:%M:%S.%6f 1 x", 1_000),
            (Format::Android, "%m-%d %H:%M:%S.%3f x", 1_000_000),
            (Format::Windows, "%-m/%-d/%Y %-I:%M:%S %p x", 1_000_000_000),
            (Format::DayFirst, "%d.%m.%Y %H:%M:%S x", 1_000_000_000),
            (Format::ApacheError, "[%a %b %d %H:%M:%S.%6f %Y] x", 1_000),
            (Format::Compact, "%Y%m%d-%-H:%-M:%-S:%3f|x", 1_000_000),
            (Format::NginxError, "%Y/%m/%d %H:%M:%S x", 1_000_000_000),
        ] {
            let line = utc.format(pattern).to_string();
            let read = Stamps::with(format, Zone::UTC, newest).of(line.as_bytes());
            prop_assert_eq!(read, Some(Stamp(nanos - nanos % unit)), "{}", line);
        }
    }
}

#[test]
fn runbooks_know_the_same_words_and_zones() {
    use crate::runbook::{words::LogFormat, zone::is_zone};
    assert_eq!(Format::WORDS, LogFormat::WORDS);
    let names = chrono_tz::TZ_VARIANTS
        .iter()
        .map(|zone| zone.name().to_owned());
    let offsets = ["+", "-", ""].iter().flat_map(|sign| {
        let digits = [
            "", "2", "02", "14", "15", "020", "0200", "02:00", "0230", "02:31", "02:60", "02:0",
            "020000",
        ];
        digits.map(|digits| format!("{sign}{digits}"))
    });
    let others = [
        "Z", "z", "UTC", "GMT", " UTC", "UTC ", "CEST", "Mars", "+02:00x", "+é:00",
    ]
    .map(str::to_owned);
    for zone in names.chain(offsets).chain(others) {
        assert_eq!(Zone::parse(&zone).is_some(), is_zone(&zone), "{zone:?}");
    }
}

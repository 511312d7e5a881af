//! The inner loops of the log engine on a log in memory: a window found and copied, every line looked at, a packed
//! stream, and what hashing adds. `tests/bench/logs/run` measures the program beside others on files of 4 GiB.

#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::io;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use runsheet::logs::lines::{Encoding, Text};
use runsheet::logs::packed::{self, Packing};
use runsheet::logs::stamp::{Format, Stamp, Stamps, Window, Zone};
use runsheet::logs::window::{self, Ask, Sieve};

fn main() {
    divan::main();
}

const DAY: i64 = 1_786_924_800;
const SECONDS: i64 = 3_600;

/// An hour of an access log, 200 lines a second: 93 MB.
fn log() -> Vec<u8> {
    let mut log = Vec::new();
    for second in 0..SECONDS {
        let time = chrono::DateTime::from_timestamp(DAY + second, 0).unwrap();
        let time = time.format("%d/%b/%Y:%H:%M:%S %z");
        for line in 0..200 {
            let line = format!(
                "10.0.{}.{line} - - [{time}] \"GET /api/v1/orders/{} HTTP/1.1\" 200 {} \"-\" \"Mozilla/5.0 (X11; Linux)\" rt=0.{line}\n",
                second % 256,
                second * line,
                line * 97,
            );
            log.extend_from_slice(line.as_bytes());
        }
    }
    log
}

fn ask(from: i64, to: i64) -> Ask {
    let at = |second| Stamp((DAY + second) * 1_000_000_000);
    Ask::of(Window {
        from: at(from),
        to: at(to),
    })
}

fn stamps() -> Stamps {
    Stamps::with(Format::Nginx, Zone::UTC, Stamp(i64::MAX))
}

fn measure(bencher: Bencher, ask: &Ask) {
    let (log, stamps) = (log(), stamps());
    let clock = |line: &[u8]| stamps.of(line);
    let text = Text {
        encoding: Encoding::Bytes,
        clock: &clock,
    };
    let report = window::window(log.as_slice(), text, ask, &mut io::sink()).unwrap();
    bencher
        .counter(BytesCount::new(report.kept.bytes))
        .bench_local(|| window::window(black_box(log.as_slice()), text, ask, &mut io::sink()));
}

#[divan::bench]
fn half_an_hour_copied(bencher: Bencher) {
    measure(bencher, &ask(900, 2_700));
}

#[divan::bench]
fn half_an_hour_copied_and_hashed(bencher: Bencher) {
    let asked = Ask {
        digest: true,
        ..ask(900, 2_700)
    };
    measure(bencher, &asked);
}

#[divan::bench]
fn a_second_found(bencher: Bencher) {
    measure(
        bencher,
        &Ask {
            slack: 0,
            ..ask(1_800, 1_801)
        },
    );
}

#[divan::bench]
fn every_line_looked_at(bencher: Bencher) {
    let (log, stamps) = (log(), stamps());
    let clock = |line: &[u8]| stamps.of(line);
    let text = Text {
        encoding: Encoding::Bytes,
        clock: &clock,
    };
    let bytes = BytesCount::new(log.len());
    bencher.counter(bytes).bench_local(|| {
        Sieve::new(text, ask(0, 10).window, false).pass(black_box(&log), true, |_| Ok(()))
    });
}

#[divan::bench(args = [Packing::Gzip, Packing::Zstd])]
fn the_last_minute_of_a_packed_log(bencher: Bencher, packing: Packing) {
    let (log, stamps) = (log(), stamps());
    let bytes = match packing {
        Packing::Zstd => zstd::stream::encode_all(log.as_slice(), 1).unwrap(),
        _ => {
            let packer = flate2::Compression::fast();
            let mut packer = flate2::read::GzEncoder::new(log.as_slice(), packer);
            let mut bytes = Vec::new();
            io::copy(&mut packer, &mut bytes).unwrap();
            bytes
        }
    };
    let clock = |line: &[u8]| stamps.of(line);
    let text = Text {
        encoding: Encoding::Bytes,
        clock: &clock,
    };
    let asked = ask(SECONDS - 60, SECONDS);
    bencher.counter(BytesCount::new(log.len())).bench_local(|| {
        let mut stream = packing.unpack(black_box(bytes.as_slice())).unwrap();
        packed::window(&mut stream, text, &asked, false, &mut io::sink())
    });
}

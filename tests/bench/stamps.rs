//! The inner loops of the log engine that look at every line: the stamp of each format, what detection costs, a search
//! and a merge in memory. `tests/bench/logs/run` measures the program beside others on files of 4 GiB.

#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::io;
use std::sync::atomic::AtomicBool;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use runsheet::logs::lines::{Encoding, Text};
use runsheet::logs::merge::{Joined, Part, merge};
use runsheet::logs::search::{Case, Haystack, Pattern, Search};
use runsheet::logs::source::Source;
use runsheet::logs::stamp::{Stamp, Stamps, Zone};

fn main() {
    divan::main();
}

const NEWEST: Stamp = Stamp(1_786_975_200_000_000_000);

const LINES: [(&str, &str); 12] = [
    ("iso", "2026-08-17T14:00:00.123Z INFO started"),
    ("iso, Berlin", "2026-08-17 14:00:00,123 INFO started"),
    (
        "rfc5424",
        "<34>1 2026-08-17T14:00:00.003Z web-1 su - ID47 - failed",
    ),
    (
        "rfc3164",
        "Aug 17 14:00:00 web-1 sshd[411]: Failed password",
    ),
    (
        "nginx",
        "192.0.2.7 - - [17/Aug/2026:14:00:00 +0000] \"GET / HTTP/1.1\" 200 612",
    ),
    (
        "apache-error",
        "[Mon Aug 17 14:00:00.123456 2026] [core:notice] x",
    ),
    (
        "json, first",
        r#"{"ts":1786975200.25,"level":"info","msg":"started"}"#,
    ),
    (
        "json, last",
        r#"{"log":"GET / HTTP/1.1 200 612","stream":"stdout","time":"2026-08-17T14:00:00.123456789Z"}"#,
    ),
    (
        "logfmt",
        "level=info ts=2026-08-17T14:00:00.001Z msg=\"started\"",
    ),
    (
        "klog",
        "I0817 14:00:00.123456       1 controller.go:116] synced",
    ),
    (
        "auditd",
        "type=SYSCALL msg=audit(1786975200.243:24287): arch=c000003e",
    ),
    (
        "epoch",
        "134681 node-246 unix.hw state_change.unavailable 1077804742 1 x",
    ),
];

#[divan::bench(args = LINES.map(|(name, _)| name))]
fn stamp(bencher: Bencher, name: &str) {
    let (_, line) = LINES.iter().find(|(other, _)| *other == name).unwrap();
    let zone = if name.ends_with("Berlin") {
        "Europe/Berlin"
    } else {
        "UTC"
    };
    let stamps = Stamps::detect(line.as_bytes(), Zone::parse(zone).unwrap(), NEWEST).unwrap();
    bencher
        .counter(ItemsCount::new(1_usize))
        .bench(|| stamps.of(black_box(line.as_bytes())).unwrap());
}

/// Access log lines of one host, a second apart.
fn log(host: u32, lines: u32) -> Vec<u8> {
    let mut log = Vec::new();
    for second in 0..lines {
        let time = chrono::DateTime::from_timestamp(1_786_924_800 + i64::from(second), 0).unwrap();
        let status = if second % 50 == 0 { 503 } else { 200 };
        let line = format!(
            "10.0.0.{host} - - [{}] \"GET /api/v1/orders/{second} HTTP/1.1\" {status} {} \"-\" \"curl/8.5.0\"\n",
            time.format("%d/%b/%Y:%H:%M:%S %z"),
            second % 9_000,
        );
        log.extend_from_slice(line.as_bytes());
    }
    log
}

#[divan::bench(args = ["nginx", "json"])]
fn detect(bencher: Bencher, format: &str) {
    let sample = match format {
        "json" => b"{\"level\":\"info\",\"ts\":1786975200.25,\"msg\":\"started\"}\n".repeat(1_000),
        _ => log(1, 600),
    };
    bencher.bench(|| Stamps::detect(black_box(&sample), Zone::UTC, NEWEST).unwrap());
}

#[divan::bench(args = ["NEEDLE-7f3a9", r#"HTTP/1\.1" 50[03] [0-9]+"#, r"[0-9]{5}\b.*[a-f]{3}[0-9]{3}"], sample_count = 20)]
fn search(bencher: Bencher, pattern: &str) {
    let log = log(1, 300_000);
    let pattern = Pattern::regex(pattern, Case::Exact).unwrap();
    let stop = AtomicBool::new(false);
    let search = Search {
        hay: Haystack::Bytes(&log),
        encoding: Encoding::Bytes,
        range: 0..log.len() as u64,
        pattern: &pattern,
        threads: 1,
        numbered: false,
        stop: &stop,
    };
    bencher
        .counter(BytesCount::new(log.len()))
        .bench(|| black_box(&search).count().unwrap());
}

/// A log in memory.
struct Held(Vec<u8>);

impl Source for Held {
    fn size(&self) -> io::Result<u64> {
        self.0.as_slice().size()
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.as_slice().read_at(buf, at)
    }
}

#[divan::bench(args = [2, 10, 64], sample_count = 20)]
fn merged(bencher: Bencher, count: u32) {
    let logs: Vec<Held> = (0..count)
        .map(|host| Held(log(host, 400_000 / count)))
        .collect();
    let stamps = Stamps::detect(&logs[0].0[..4096], Zone::UTC, NEWEST).unwrap();
    let clock = |line: &[u8]| stamps.of(line);
    let parts: Vec<Part<'_>> = logs
        .iter()
        .map(|log| Part {
            source: log,
            text: Text {
                encoding: Encoding::Bytes,
                clock: &clock,
            },
            range: 0..log.0.len() as u64,
            shift: 0,
        })
        .collect();
    let bytes: usize = logs.iter().map(|log| log.0.len()).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        let mut joined = Joined::new(&parts, io::sink());
        merge(&parts, &mut |run| joined.take(run)).unwrap();
    });
}

//! How fast a log of some GiB is on the screen, and what it takes in memory: the first page, its ends, any time, a search
//! beside the reading. Makes the log itself, always the same, and takes it away again.
//!
//! `RUNSHEET_BENCH_GIB=4 cargo bench --bench viewer`; `RUNSHEET_BENCH_DIR` is where the log is made.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints what it found and ends where it cannot go on"
)]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use runsheet::logs::dating::Dating;
use runsheet::logs::stamp::{Stamp, Zone};
use runsheet::logs::view::page::Ask;
use runsheet::logs::view::spool::Room;
use runsheet::logs::view::{self, Viewer};

/// 2026-08-17T00:00:00Z.
const BEGIN: i64 = 1_786_924_800;

fn main() {
    let gib: u64 = std::env::var("RUNSHEET_BENCH_GIB")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let dir = std::env::var_os("RUNSHEET_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let path = dir.join(format!("runsheet-viewer-{}.log", std::process::id()));
    let (lines, last) = make(&path, gib << 30);
    println!("{gib} GiB, {lines} lines");
    measure(&path, last);
    std::fs::remove_file(&path).unwrap();
}

/// An access log of a day or more: lines in order, about 200 bytes each, from a generator with a fixed seed.
fn make(path: &Path, size: u64) -> (u64, i64) {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    let (mut seed, mut written, mut lines, mut at) = (7u64, 0, 0, 0);
    let per_second = (size / 200 / 86_400).max(1);
    let mut head = String::new();
    while written < size {
        if lines % per_second == 0 {
            at = BEGIN + i64::try_from(lines / per_second).unwrap();
            head = chrono::DateTime::from_timestamp(at, 0)
                .unwrap()
                .format("%d/%b/%Y:%H:%M:%S +0000")
                .to_string();
        }
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let (a, b) = (seed >> 33, seed >> 17);
        let needle = if lines % 1_000_003 == 999_999 {
            "NEEDLE-7f3a9"
        } else {
            ""
        };
        let line = format!(
            "10.{}.{}.{} - - [{head}] \"GET /api/v1/items/{}{needle} HTTP/1.1\" {} {} \"https://shop.example.org/list?page={}\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/{}.0\"\n",
            a % 256,
            b % 256,
            a % 199,
            b % 1_000_000,
            [200, 200, 200, 304, 404, 503][(a % 6) as usize],
            b % 90_000,
            a % 5_000,
            90 + b % 40
        );
        out.write_all(line.as_bytes()).unwrap();
        written += line.len() as u64;
        lines += 1;
    }
    out.flush().unwrap();
    (lines, at)
}

fn opened(path: &Path) -> Viewer {
    let dating = Dating {
        format: None,
        zone: Zone::UTC,
    };
    let room = Room::of(&std::env::temp_dir());
    let (log, _) = view::open(path, "log".to_owned(), &dating, &room, 2).unwrap();
    Viewer::new(vec![log], 2).unwrap()
}

fn measure(path: &Path, last: i64) {
    let started = Instant::now();
    let mut viewer = opened(path);
    viewer.ask(Ask::Rows(50)).unwrap();
    page(&mut viewer);
    told("first screen", started.elapsed());
    took("to the end", &mut viewer, Ask::Bottom);
    let mut slowest = Duration::ZERO;
    for part in 1..40 {
        let at = BEGIN + (last - BEGIN) * part * 17 % 640 / 640;
        let started = Instant::now();
        viewer.ask(Ask::Time(Stamp(at * 1_000_000_000))).unwrap();
        page(&mut viewer);
        slowest = slowest.max(started.elapsed());
    }
    told("to any time, the slowest of 39", slowest);
    took("a line down", &mut viewer, Ask::Scroll(1));
    took("a page up", &mut viewer, Ask::Scroll(-49));
    while viewer.is_counting() {
        std::thread::sleep(Duration::from_millis(1));
    }
    told("every line counted, from the start", started.elapsed());
    took("to line 1000000", &mut viewer, Ask::Number(1_000_000));
    viewer.ask(Ask::Top).unwrap();
    page(&mut viewer);
    let started = Instant::now();
    let text = "NEEDLE-7f3a9".to_owned();
    viewer
        .ask(Ask::Search {
            text,
            regex: false,
            from: None,
        })
        .unwrap();
    page(&mut viewer);
    told("the first match on the screen", started.elapsed());
    while viewer.is_counting() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let page = viewer.page().unwrap();
    told(
        &format!("all {} matches counted", page.search.unwrap().found),
        started.elapsed(),
    );
    let from = page.jumped.map(|(_, at)| at);
    took(
        "to the next match, counted",
        &mut viewer,
        Ask::Next {
            from,
            forward: true,
        },
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in status
        .lines()
        .filter(|line| line.starts_with("VmHWM") || line.starts_with("RssAnon"))
    {
        println!("{line}");
    }
}

fn took(what: &str, viewer: &mut Viewer, ask: Ask) {
    let started = Instant::now();
    viewer.ask(ask).unwrap();
    page(viewer);
    told(what, started.elapsed());
}

fn page(viewer: &mut Viewer) {
    while viewer.work().unwrap() {}
    assert!(!viewer.page().unwrap().rows.is_empty());
}

fn told(what: &str, time: Duration) {
    println!("{:>10.3} ms  {what}", time.as_secs_f64() * 1e3);
}

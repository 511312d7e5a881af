//! What goes over the line, and how fast: at rest nothing but the clock, little for a key.

use std::time::{Duration, Instant};

use super::place::{Demo, PROGRAM};
use super::pty::Term;

fn walk(demo: &Demo) -> Term {
    let term = Term::start(
        &demo.place,
        PROGRAM,
        &demo.args(&demo.robin, "open INC"),
        &[],
    );
    term.wait("Enter tick");
    term
}

#[test]
fn at_rest_only_the_clock_is_sent() {
    let demo = Demo::new();
    let term = walk(&demo);
    term.quiet(Duration::from_millis(600));
    let (before, from) = (term.text(), term.count());
    let rest = 6;
    // This is what is measured: so long nobody presses anything.
    std::thread::sleep(Duration::from_secs(rest));
    let (after, bytes) = (term.text(), term.bytes()[from..].to_vec());
    eprintln!("at rest: {} bytes in {rest} s", bytes.len());
    assert!(
        bytes.len() <= 40 * (rest as usize + 1),
        "{} bytes: {}",
        bytes.len(),
        String::from_utf8_lossy(&bytes).escape_debug()
    );
    let below = |screen: &str| screen.lines().skip(1).collect::<Vec<_>>().join("\n");
    assert_eq!(below(&before), below(&after));
    assert_ne!(before, after, "the clock stands still");
    let clock = regex::Regex::new(r"\d\d:\d\d(:\d\d)?").unwrap();
    assert_eq!(
        clock.replace_all(&before, "#"),
        clock.replace_all(&after, "#")
    );
}

#[test]
fn a_cursor_move_on_walk_costs_at_most_600_bytes_and_50_ms() {
    let demo = Demo::new();
    let term = walk(&demo);
    let mut most = 0;
    let mut slowest = Duration::ZERO;
    for key in [
        "\x1b[B", "\x1b[B", "\x1b[B", "\x1b[A", "\x1b[A", "\x1b[B", "\x1b[A", "\x1b[A",
    ] {
        // Between two ticks of the clock, so that only the key is measured.
        term.quiet(Duration::from_millis(150));
        let (from, pressed) = (term.count(), Instant::now());
        term.send(key);
        super::place::poll("a frame", || (term.count() > from).then_some(()));
        slowest = slowest.max(pressed.elapsed());
        term.quiet(Duration::from_millis(100));
        most = most.max(term.count() - from);
    }
    eprintln!("a cursor move: at most {most} bytes, {slowest:?} from key to first byte");
    assert!(most <= 600, "{most} bytes for one cursor move");
    // Unoptimised and beside other tests; the figure itself is in the test's output.
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
}

/// The program looks around five times a second. A key that woke nobody would be answered at the next of these looks, and
/// one pressed right behind the answer to the last would wait nearly all of that time.
#[test]
fn a_key_is_answered_when_it_comes_and_not_at_the_next_look() {
    let demo = Demo::new();
    let term = walk(&demo);
    let mut times: Vec<_> = (0..21)
        .map(|number| {
            term.quiet(Duration::from_millis(25));
            let (from, pressed) = (term.count(), Instant::now());
            term.send(if number % 2 == 0 { "\x1b[B" } else { "\x1b[A" });
            super::place::poll("a frame", || (term.count() > from).then_some(()));
            pressed.elapsed()
        })
        .collect();
    times.sort_unstable();
    eprintln!("from key to first byte: {times:?}");
    assert!(times[10] < Duration::from_millis(100), "{times:?}");
}

#[test]
fn the_first_frame_of_an_incident_is_there_soon() {
    let demo = Demo::new();
    let started = Instant::now();
    let term = walk(&demo);
    let took = started.elapsed();
    eprintln!("from start to the walk: {took:?}, {} bytes", term.count());
    assert!(term.count() < 8_000, "{} bytes for a screen", term.count());
    assert!(took < Duration::from_secs(5), "{took:?}");
}

//! Home with 5,000 runbooks and 50 incidents, end to end in a pseudo-terminal: from the start of the program to a drawn
//! frame with all of them, cold and warm, and from a key to its frame.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    dead_code,
    missing_docs,
    reason = "a benchmark stops where it fails"
)]

#[path = "../terminal/place.rs"]
mod place;
#[path = "../terminal/pty.rs"]
mod pty;
#[path = "../support/team.rs"]
mod team;

use std::time::{Duration, Instant};

use place::{PROGRAM, Place};
use pty::Term;
use team::{Person, Team};

const RUNBOOKS: usize = 5_000;
const INCIDENTS: usize = 50;
const STARTS: usize = 10;
const KEYS: usize = 100;
/// Stands above the list once all are listed.
const HEADING: &str = "5000/5000";

fn runbook(number: usize) -> (String, String) {
    let id = format!("service-{number}-down");
    let mut text = format!(
        "id: {id}\ntitle: Service {number} is down\nseverity: sev2\nsummary: It does not answer.\nowner: team-{}\n\
        inputs: {{place: {{prompt: Where}}}}\nsteps:\n",
        number % 40
    );
    for step in 0..12 {
        text += &format!(
            "  - {{id: look-{step}, title: Look at part {step}, role: operator}}\n  - {{id: run-{step}, run: 'true'}}\n"
        );
    }
    (id, text)
}

fn start(place: &Place, robin: &Person) -> Term {
    let dir = |name: &str| robin.dir.join(name).display().to_string();
    let state = robin.state.display().to_string();
    let args = [
        "--as",
        "robin@example.org",
        "--key",
        &dir("robin"),
        "--state",
        &state,
        "--library",
        &dir("library"),
    ];
    Term::sized(place, PROGRAM, &args.map(str::to_owned), &[], (120, 40))
}

/// Until something is on the screen. The screen is looked at every millisecond.
fn until(term: &Term, what: &str, there: impl Fn(&str) -> bool) -> Duration {
    let begun = Instant::now();
    while !there(&term.text()) {
        let waited = begun.elapsed() < Duration::from_secs(20);
        assert!(waited, "no {what} on\n{}", term.text());
        std::thread::sleep(Duration::from_millis(1));
    }
    begun.elapsed()
}

fn said(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!(
        "{what}: fastest {:.1?}, median {:.1?}, slowest {:.1?} of {}",
        at(0),
        at(50),
        at(100),
        times.len()
    );
}

fn main() {
    let books: Vec<_> = (0..RUNBOOKS).map(runbook).collect();
    let books: Vec<(&str, &str)> = books
        .iter()
        .map(|(id, text)| (id.as_str(), text.as_str()))
        .collect();
    let team = Team::new(&books);
    let robin = team.person("robin");
    for number in 0..INCIDENTS {
        robin.start(books[number * 7].0);
    }
    let place = Place::new();
    let cache = place.path("home/.cache");
    let (mut cold, mut warm, mut listed) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..STARTS * 2 {
        if number % 2 == 0 {
            let _ = std::fs::remove_dir_all(&cache);
        }
        let begun = Instant::now();
        let term = start(&place, &robin);
        until(&term, "frame", |screen| screen.contains("runbook"));
        let drawn = begun.elapsed();
        until(&term, "incidents", |screen| screen.contains("50 open"));
        until(&term, "runbooks", |screen| screen.contains(HEADING));
        let all = begun.elapsed();
        if number % 2 == 0 {
            &mut cold
        } else {
            &mut warm
        }
        .push(all);
        listed.push(drawn);
    }
    said("start to the first frame", listed);
    said("start to 5,000 runbooks and 50 incidents, cold", cold);
    said("the same, warm", warm);
    keys(&start(&place, &robin));
}

/// From a key to the first bytes of its frame.
fn keys(term: &Term) {
    term.wait(HEADING);
    // The check of all 5,000 goes on behind what is shown.
    std::thread::sleep(Duration::from_secs(4));
    let key = |term: &Term, key: &str| {
        // Between two ticks of the clock, so that only the key is measured.
        term.quiet(Duration::from_millis(60));
        let (from, pressed) = (term.count(), Instant::now());
        term.send(key);
        while term.count() == from {
            assert!(pressed.elapsed() < Duration::from_secs(5), "nothing came");
            std::thread::yield_now();
        }
        pressed.elapsed()
    };
    let moves = (0..KEYS).map(|n| if n % 20 < 10 { "\x1b[B" } else { "\x1b[A" });
    said(
        "a cursor move to its first bytes",
        moves.map(|step| key(term, step)).collect(),
    );
    term.send("/");
    term.quiet(Duration::from_millis(200));
    let typed = format!("service-4{}", "\u{7f}".repeat(9));
    let letters = typed.chars().cycle().take(KEYS);
    said(
        "a letter in the picker to its first bytes",
        letters
            .map(|letter| key(term, &letter.to_string()))
            .collect(),
    );
}

//! Leaving with an incident of 100,000 events through the whole program, from its start to its end: how long it takes and
//! how much memory it ever has. A page is promised within 2 s and 150 MB, JSON and CSV within 1 s. The program is this
//! one, started again with the arguments of a command: so it can say at its end what only it knows, its own peak.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a benchmark stops where it fails"
)]

#[path = "../support/team.rs"]
mod team;

use std::convert::Infallible;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use runsheet::engine::details::{Details, Edit};
use runsheet::engine::event::{Draft, Event, Fidelity};
use runsheet::engine::fact::{Fact, NoteAdded};
use runsheet::engine::sentence::Class;
use team::{Person, Team};

const EVENTS: usize = 100_000;
const TIMES: usize = 5;
const MEMORY: &str = "peak memory in kB: ";
/// Set for the program that is started again.
const AGAIN: &str = "LEAVING_AGAIN";

const WALK: &str = "\
id: walk
title: Walk
severity: sev3
summary: A walk to measure by.
owner: walk
inputs:
  place: {prompt: Where}
steps:
  - id: quick
    run: 'true'
";

/// What is done, and at most how long and with how many MB.
const COMMANDS: [(&[&str], Option<u64>, Option<u64>); 15] = [
    (&["export", "--format", "html"], Some(2000), Some(150)),
    (
        &["export", "--format", "html", "--audience", "stakeholders"],
        Some(2000),
        Some(150),
    ),
    (&["export", "--format", "json"], Some(1000), None),
    (&["export", "--format", "csv"], Some(1000), None),
    (&["export", "--format", "markdown"], Some(2000), None),
    (&["export", "--template", "postmortem"], Some(2000), None),
    (&["export", "--template", "security"], Some(2000), None),
    (&["export", "--template", "executive"], Some(2000), None),
    (&["export", "--format", "timesketch"], None, None),
    (&["export", "--format", "timesketch-csv"], None, None),
    (&["export", "--format", "iris"], None, None),
    (&["export", "--format", "stix"], None, None),
    (&["export", "--format", "ics"], None, None),
    (&["export", "--format", "mermaid"], None, None),
    (&["lint"], Some(2000), None),
];

fn main() -> ExitCode {
    if std::env::var_os(AGAIN).is_none() {
        measure();
        return ExitCode::SUCCESS;
    }
    let code = runsheet::cli::main();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    eprintln!("{MEMORY}{}", peak.unwrap().trim().trim_end_matches(" kB"));
    code
}

/// The nth entry of a long night: like `event`, some with details, told in the order they occurred.
fn entry(event: &Event, number: usize) -> Draft {
    let at = event.recorded_at + TimeDelta::milliseconds(number as i64 * 700);
    let details = || Details {
        class: Some(Class::Adversary),
        source: Some("CloudTrail".to_owned()),
        tags: Edit {
            add: vec![format!("host-{}", number % 40)],
            remove: Vec::new(),
        },
        ..Details::default()
    };
    Draft {
        occurred_at: at.fixed_offset(),
        occurred_until: None,
        fidelity: Fidelity::Exact,
        recorded_at: at,
        person: event.person.clone(),
        signed: event.signed,
        role: event.role.clone(),
        account: event.account.to_string(),
        host: event.host.to_string(),
        boot: event.boot.clone(),
        mode: event.mode,
        sim_time: None,
        fact: Fact::from(NoteAdded {
            text: format!(
                "The pool of db-{} has {number} of 100,000 connections open",
                number % 40
            ),
            step: None,
            details: number.is_multiple_of(10).then(|| Box::new(details())),
        }),
    }
}

fn night() -> (Team, Person, String) {
    let team = Team::new(&[("walk", WALK)]);
    let robin = team.person("robin");
    let inc = robin.start("walk");
    let mut journal = robin.journal(&inc);
    let first = journal.log().events()[0].clone();
    let entries = (journal.log().events().len()..EVENTS).map(|number| entry(&first, number));
    journal
        .transact(|_| Ok::<_, Infallible>((entries.collect(), ())))
        .unwrap();
    (team, robin, inc)
}

fn measure() {
    let (team, robin, inc) = night();
    println!(
        "{:<44} {:>10} {:>10} {:>10} {:>10}",
        "100,000 events", "median", "slowest", "peak", "written"
    );
    let out = team.dir.path().join("out");
    for (words, most, memory) in COMMANDS {
        let mut args = vec![words[0], &inc];
        args.extend(&words[1..]);
        if words[0] == "export" {
            args.extend(["-o", out.to_str().unwrap()]);
        }
        report(&robin.command(&args), &words.join(" "), most, memory, &out);
    }
}

fn report(command: &Command, name: &str, most: Option<u64>, memory: Option<u64>, out: &Path) {
    let (mut times, mut peak): (Vec<Duration>, u64) = (Vec::new(), 0);
    for _ in 0..TIMES {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.env_clear().env(AGAIN, "1").args(command.get_args());
        again.current_dir(command.get_current_dir().unwrap());
        let set = command.get_envs();
        again.envs(set.filter_map(|(name, value)| Some((name, value?))));
        let begun = Instant::now();
        let done = again.output().unwrap();
        times.push(begun.elapsed());
        let said = String::from_utf8_lossy(&done.stderr);
        let found = said.lines().find_map(|line| line.strip_prefix(MEMORY));
        let found = found.unwrap_or_else(|| panic!("{name}: {said}"));
        peak = peak.max(found.parse().unwrap());
    }
    times.sort_unstable();
    let (median, slowest) = (times[TIMES / 2], times[TIMES - 1]);
    let late = most.is_some_and(|most| median > Duration::from_millis(most));
    let large = memory.is_some_and(|memory| peak > memory << 10);
    println!(
        "{name:<44} {:>10} {:>10} {:>10} {:>10}{}",
        format!("{:.0} ms", median.as_secs_f64() * 1e3),
        format!("{:.0} ms", slowest.as_secs_f64() * 1e3),
        format!("{:.0} MB", peak as f64 / 1024.0),
        format!(
            "{:.1} MB",
            std::fs::metadata(out).map_or(0, |file| file.len()) as f64 / 1e6
        ),
        if late || large { "  OVER" } else { "" }
    );
}

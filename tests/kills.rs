//! Incidents walked from the command line by two people whose processes are killed at random points, again and again:
//! nothing that was acknowledged is lost, nothing has to be repaired, nothing runs twice. 200 kills, or as many as
//! `KILLS` says; `KILL_SEED` repeats a walk.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

#[path = "support/team.rs"]
mod team;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use runsheet::engine::event::Event;
use runsheet::engine::exec::Purpose;
use runsheet::engine::fact::Fact;
use runsheet::engine::sentence::sentence;
use runsheet::engine::state::{State, Status};
use runsheet::runbook::model::Kind;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use team::{Person, Team, wait_for};

const STORM: &str = r#"
id: storm
title: Storm
severity: sev3
summary: A walk that is interrupted all the time.
owner: storm
inputs:
  place: {prompt: Where}
logs:
  app: {file: '$place/app.log'}
steps:
  - id: look
    run: |
      echo ran >> "$place/look.ran"
      sleep 0.2
      echo "found 3"
    outputs: {found: {regex: 'found (\d+)'}}
  - id: tick
    checklist: [One, Two]
  - id: keep
    collect: {logs: [app]}
  - id: which
    decide: Go on?
    options:
      - {label: 'Yes', next: cut}
      - {label: 'No', next: say}
  - id: cut
    run: |
      echo ran >> "$place/cut.ran"
      sleep 0.2
      echo cut
    risk: destructive
    checkpoint: {approvals: 1, role: approver, not: [performer], expires: 15m}
  - id: quick
    run: echo ran >> "$place/quick.ran"
  - id: say
    ask: {lesson: {prompt: What did you learn?}}
  - id: last
    run: |
      echo ran >> "$place/last.ran"
      seq 2000
"#;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_runs_twice_whenever_it_is_killed() {
    let wanted = number("KILLS").unwrap_or(200);
    let seed = number("KILL_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("KILLS={wanted} KILL_SEED={seed}");
    let mut tally = Tally::default();
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    while tally.kills < wanted {
        let team = match dice.below(3) {
            0 => Team::new(&[("storm", STORM)]).with_hub(),
            _ => Team::new(&[("storm", STORM)]).with_spool(),
        };
        Walk::new(team, &mut dice, &mut tally).go(wanted);
    }
    tally.report();
    tally.judge();
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Chance that can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// What is counted over all walks.
#[derive(Default)]
struct Tally {
    kills: u64,
    supervisors: u64,
    acknowledged: u64,
    unknown: u64,
    recorded_later: u64,
    walked: u64,
    restarts: Vec<Duration>,
    /// How long each kind of command took when it was left alone.
    usual: BTreeMap<String, Duration>,
}

impl Tally {
    fn report(&mut self) {
        self.restarts.sort();
        let at = |share: f64| {
            let index = (self.restarts.len() as f64 * share) as usize;
            self.restarts[index.min(self.restarts.len() - 1)]
        };
        eprintln!(
            "{} kills of commands, {} of supervisors; {} incidents walked to their end; {} sentences acknowledged, all there; \
             {} outcomes unknown and resolved, {} picked up by a later command; restart: median {:?}, p99 {:?}, longest {:?}",
            self.kills,
            self.supervisors,
            self.walked,
            self.acknowledged,
            self.unknown,
            self.recorded_later,
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }

    fn judge(&self) {
        let longest = self.restarts.iter().max().copied().unwrap_or_default();
        assert!(
            longest < Duration::from_secs(1),
            "a restart took {longest:?}"
        );
        assert!(self.acknowledged > self.kills / 4);
    }
}

/// One incident on its way.
struct Walk<'a> {
    team: Team,
    robin: Person,
    sasha: Person,
    dice: &'a mut Dice,
    tally: &'a mut Tally,
    inc: Option<String>,
    notes: u64,
    /// Sentences that were printed as recorded.
    acknowledged: BTreeMap<String, u64>,
    /// Whole lines of every segment, as seen last.
    lines: BTreeMap<PathBuf, Vec<u8>>,
    log: Vec<String>,
}

/// What somebody is about to type.
struct Typed {
    sasha: bool,
    words: Vec<String>,
}

impl<'a> Walk<'a> {
    fn new(team: Team, dice: &'a mut Dice, tally: &'a mut Tally) -> Self {
        fs::write(team.place().join("app.log"), "one\ntwo\n").unwrap();
        Self {
            robin: team.person("robin"),
            sasha: team.person("sasha"),
            team,
            dice,
            tally,
            inc: None,
            notes: 0,
            acknowledged: BTreeMap::new(),
            lines: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    fn go(&mut self, wanted: u64) {
        for _ in 0..200 {
            let state = self.state();
            let Some(typed) = self.next(state.as_deref()) else {
                self.tally.walked += 1;
                break;
            };
            self.perform(typed);
            self.look();
            if self.tally.kills >= wanted {
                break;
            }
        }
        self.settle();
        self.look();
        self.prove();
    }

    fn state(&self) -> Option<std::sync::Arc<State>> {
        let inc = self.inc.as_ref()?;
        let journal = self.robin.journal(inc);
        Some(std::sync::Arc::clone(journal.state()))
    }

    /// What a person would do next.
    fn next(&mut self, state: Option<&State>) -> Option<Typed> {
        let robin = |words: &[&str]| {
            Some(Typed {
                sasha: false,
                words: words.iter().map(|word| (*word).to_owned()).collect(),
            })
        };
        let place = format!("place={}", self.team.place().display());
        let (Some(inc), Some(state)) = (self.inc.clone(), state) else {
            return robin(&["start", "storm", "--set", &place]);
        };
        if self.dice.percent(25) {
            self.notes += 1;
            let text = format!("note number {}.", self.notes);
            // Whoever has never seen the incident has nothing to say about it.
            let sasha = state.seen_people.len() > 1 && self.dice.percent(40);
            let words = ["note", &inc, &text];
            return Some(Typed {
                sasha,
                ..robin(&words).unwrap()
            });
        }
        let run = state.runs.first().expect("an incident begins with its run");
        let Some((step, at)) = run.current() else {
            return if state.closed.is_some() {
                None
            } else {
                robin(&["close", &inc])
            };
        };
        let id = step.id.as_str();
        match at.status {
            Status::Running => robin(&["status", &inc]),
            Status::Unknown => {
                self.tally.unknown += 1;
                let outcome = ["succeeded", "failed"][self.dice.below(2) as usize];
                robin(&["step", &inc, id, "resolve", outcome, "--reason", "looked"])
            }
            _ => match &step.kind {
                Kind::Manual => robin(&["step", &inc, id, "done", "--all"]),
                Kind::Decide(_) => robin(&["step", &inc, id, "choose", "Yes"]),
                Kind::Ask(_) => robin(&["step", &inc, id, "answer", "lesson=patience"]),
                _ if step.checkpoint.is_none() => robin(&["step", &inc, id, "run"]),
                _ => match at.request.as_deref().filter(|request| request.is_open()) {
                    None => robin(&["request", &inc, id]),
                    Some(request) if request.approvals.is_empty() => Some(Typed {
                        sasha: true,
                        ..robin(&["approve", &inc, id]).unwrap()
                    }),
                    Some(_) => robin(&["step", &inc, id, "run"]),
                },
            },
        }
    }

    /// Types it, and mostly does not let it come to its end.
    fn perform(&mut self, typed: Typed) {
        let words: Vec<&str> = typed.words.iter().map(String::as_str).collect();
        let person = if typed.sasha {
            &self.sasha
        } else {
            &self.robin
        };
        let (out, err) = (
            self.team.dir.path().join("out"),
            self.team.dir.path().join("err"),
        );
        let begun = Instant::now();
        let mut child = person
            .command(&words)
            .process_group(0)
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .unwrap();
        let kind = kind(&typed);
        let usual = self.tally.usual.get(&kind).copied();
        let doomed = usual.is_some() && self.dice.percent(85);
        let mut killed = false;
        if doomed && let Some(usual) = usual {
            let until = usual.mul_f64(self.dice.below(1100) as f64 / 1000.0);
            killed = self.strike(&mut child, begun, until, kind.ends_with("run false"));
        }
        let status = child.wait().unwrap();
        if !doomed {
            let took = begun.elapsed();
            let usual = self.tally.usual.entry(kind.clone()).or_insert(took);
            *usual = (*usual * 3 + took) / 4;
        }
        let said = fs::read_to_string(&err).unwrap();
        self.heard(&said, &fs::read_to_string(&out).unwrap());
        self.log
            .push(format!("{words:?} {status} killed={killed}\n{said}"));
        if !killed {
            self.ended(&kind, status, &said);
        }
    }

    /// Kills the command with all it started in its group, or its supervisor, or both. Whether the command was killed.
    fn strike(&mut self, child: &mut Child, begun: Instant, until: Duration, runs: bool) -> bool {
        while begun.elapsed() < until {
            std::thread::sleep(Duration::from_millis(1).min(until - begun.elapsed().min(until)));
        }
        let supervisors = runs && self.dice.percent(50);
        let spare = supervisors && self.dice.percent(40);
        let mut killed = false;
        if !spare && child.try_wait().unwrap().is_none() {
            let group = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
            kill_process_group(group, Signal::KILL).unwrap();
            killed = true;
            self.tally.kills += 1;
        }
        if supervisors {
            for pid in self.supervisors() {
                if kill_process(pid, Signal::KILL).is_ok() {
                    self.tally.supervisors += 1;
                }
            }
        }
        killed
    }

    /// The supervisors of this incident that are alive.
    fn supervisors(&self) -> Vec<Pid> {
        let Some(inc) = &self.inc else {
            return Vec::new();
        };
        let Ok(jobs) = fs::read_dir(self.robin.folder(inc).join("jobs")) else {
            return Vec::new();
        };
        let mut pids = Vec::new();
        for job in jobs.flatten() {
            let Ok(lock) = File::open(job.path().join("lock")) else {
                continue;
            };
            let Ok(text) = fs::read(job.path().join("lock")) else {
                continue;
            };
            let Ok(holder) = serde_json::from_slice::<serde_json::Value>(&text) else {
                continue;
            };
            // Held means that its holder lives and nobody else has its number.
            if lock.try_lock_shared().is_err()
                && let Some(pid) = holder["pid"].as_i64()
            {
                pids.extend(Pid::from_raw(i32::try_from(pid).unwrap()));
            }
        }
        pids
    }

    /// A command that was left alone may be refused, where somebody killed what it needed; nothing worse.
    fn ended(&mut self, kind: &str, status: ExitStatus, said: &str) {
        let code = status.code();
        let fine = code == Some(0) || matches!(code, Some(1 | 2)) && !said.contains("panicked");
        assert!(fine, "{kind}: {status}: {said}\n{}", self.log.join("\n"));
    }

    /// Keeps what was printed as recorded. Half a line was not printed.
    fn heard(&mut self, err: &str, out: &str) {
        for line in err.split_inclusive('\n') {
            let Some(line) = line.strip_suffix('\n') else {
                continue;
            };
            let stamp = line.get(..9).unwrap_or_default().as_bytes();
            let told = stamp.len() == 9
                && stamp[2] == b':'
                && stamp[5] == b':'
                && stamp[8] == b' '
                && stamp[0].is_ascii_digit();
            if told {
                *self.acknowledged.entry(line[9..].to_owned()).or_default() += 1;
                self.tally.acknowledged += 1;
            }
        }
        for line in out.lines().filter(|line| line.starts_with("INC-")) {
            if line.len() == 30 && out.contains(&format!("{line}\n")) && !line.contains(' ') {
                self.inc = Some(line.to_owned());
            }
        }
    }

    /// The next command: it works at once, and what was acknowledged is there.
    fn look(&mut self) {
        let begun = Instant::now();
        let done = self.robin.run(&["incidents", "--all", "--json"]);
        self.tally.restarts.push(begun.elapsed());
        assert!(done.status.success(), "{done:?}\n{}", self.log.join("\n"));
        if self.inc.is_none() {
            let listed: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
            // Killed before it said the name: it is there whole, or not at all.
            let first = listed["incidents"][0]["incident"].as_str();
            self.inc = first.map(|id| format!("INC-{id}"));
        }
        let Some(inc) = self.inc.clone() else {
            return;
        };
        let before = self.finished_steps(&inc);
        let begun = Instant::now();
        let done = self.robin.run(&["status", &inc, "--json"]);
        self.tally.restarts.push(begun.elapsed());
        let said = format!("{}{}", team::text(&done.stdout), team::text(&done.stderr));
        assert!(done.status.success(), "{said}\n{}", self.log.join("\n"));
        let after = self.finished_steps(&inc);
        self.tally.recorded_later += (after - before) as u64;
        self.nothing_lost(&inc);
        self.nothing_twice(&inc);
    }

    fn finished_steps(&self, inc: &str) -> usize {
        let journal = self.robin.journal(inc);
        let events = journal.log().events().iter();
        events
            .filter(|event| matches!(event.fact, Fact::StepFinished(_)))
            .count()
    }

    /// Every whole line that was there is there, and every sentence that was printed.
    fn nothing_lost(&mut self, inc: &str) {
        let mut found: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for dir in self.places(inc) {
            for path in team::files_below(&dir) {
                if path.extension().is_none_or(|end| end != "jsonl") {
                    continue;
                }
                let mut bytes = fs::read(&path).unwrap();
                let whole = bytes
                    .iter()
                    .rposition(|byte| *byte == b'\n')
                    .map_or(0, |at| at + 1);
                bytes.truncate(whole);
                if let Some(before) = self.lines.get(&path) {
                    assert!(bytes.starts_with(before), "{} was changed", path.display());
                }
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let mut here: BTreeMap<String, u64> = BTreeMap::new();
                for line in bytes
                    .split(|byte| *byte == b'\n')
                    .filter(|line| !line.is_empty())
                {
                    let event = Event::read(std::str::from_utf8(line).unwrap()).unwrap();
                    *here.entry(sentence(&event)).or_default() += 1;
                }
                // The other person's copy of the same segment may not have all of it yet.
                let known = found.entry(name).or_default();
                for (sentence, times) in here {
                    let most = known.entry(sentence).or_default();
                    *most = times.max(*most);
                }
                self.lines.insert(path, bytes);
            }
        }
        for (line, times) in &self.acknowledged {
            let there: u64 = found.values().filter_map(|found| found.get(line)).sum();
            assert!(
                there >= *times,
                "`{line}` was printed {times} times and is there {there} times\n{}",
                self.log.join("\n")
            );
        }
    }

    fn places(&self, inc: &str) -> Vec<PathBuf> {
        let mut places = vec![self.robin.folder(inc)];
        if self.sasha.folder(inc).exists() {
            places.push(self.sasha.folder(inc));
        }
        if let Some(spool) = &self.team.spool {
            places.push(spool.join("incidents").join(inc.trim_start_matches("INC-")));
        }
        places
    }

    /// No script ran more often than somebody started it.
    fn nothing_twice(&self, inc: &str) {
        let journal = self.robin.journal(inc);
        for step in ["look", "cut", "quick", "last"] {
            let ran = fs::read_to_string(self.team.place().join(format!("{step}.ran")))
                .unwrap_or_default()
                .lines()
                .count();
            let events = journal.log().events().iter();
            let started = events
                .filter(|event| matches!(&event.fact, Fact::StepStarted(fact) if fact.record.step.step.as_str() == step && fact.record.exec.purpose == Purpose::Run))
                .count();
            assert!(
                ran <= started,
                "{step} ran {ran} times for {started} starts\n{}",
                self.log.join("\n")
            );
        }
    }

    /// Waits for what still runs.
    fn settle(&mut self) {
        let Some(inc) = self.inc.clone() else {
            return;
        };
        wait_for("end of the running step", || {
            self.robin.ok(&["status", &inc]);
            let journal = self.robin.journal(&inc);
            let running = journal
                .state()
                .runs
                .iter()
                .any(|run| run.steps.iter().any(|step| step.status == Status::Running));
            (!running).then_some(())
        });
    }

    /// The record proves itself, without any mending in between.
    fn prove(&mut self) {
        let Some(inc) = self.inc.clone() else {
            return;
        };
        let done = self.robin.run(&["verify", &inc]);
        assert_eq!(
            done.status.code(),
            Some(0),
            "{}{}\n{}",
            team::text(&done.stdout),
            team::text(&done.stderr),
            self.log.join("\n")
        );
    }
}

/// Commands that take about the same time.
fn kind(typed: &Typed) -> String {
    let verb = if typed.words[0] == "step" {
        format!("{} {}", typed.words[2], typed.words[3])
    } else {
        typed.words[0].clone()
    };
    format!("{verb} {}", typed.sasha)
}

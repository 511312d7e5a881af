//! Scenarios as data: a runbook or two, then who does what and what has to follow. `scenarios/README.txt` tells the form.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use chrono::TimeDelta;
use runsheet::engine::command::{Origin, Ran, Source};
use runsheet::engine::event::Fidelity;
use runsheet::engine::exec::Purpose;
use runsheet::engine::fact::{Milestone, Outcome};
use runsheet::engine::state::Status;
use runsheet::engine::{Command, Decision, Effect, Intent, Refusal};
use runsheet::runbook::model::{Role, Severity};

use super::world::{POLICY, World, kinds, principal};

pub struct Scene {
    pub policy: String,
    pub books: Vec<String>,
    lines: Vec<(usize, String)>,
}

pub fn read(text: &str) -> Scene {
    let mut scene = Scene {
        policy: POLICY.to_owned(),
        books: Vec::new(),
        lines: Vec::new(),
    };
    let mut part = String::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix("== ") {
            part = name.trim().to_owned();
            match part.as_str() {
                "policy" => scene.policy.clear(),
                "runbook" => scene.books.push(String::new()),
                "walk" => {}
                other => panic!("line {}: no part is called {other}", index + 1),
            }
            continue;
        }
        match part.as_str() {
            "policy" => scene.policy += &format!("{line}\n"),
            "runbook" => *scene.books.last_mut().unwrap() += &format!("{line}\n"),
            _ if line.trim().is_empty() || line.trim_start().starts_with('#') => {}
            "walk" => scene.lines.push((index + 1, line.to_owned())),
            _ => panic!("line {}: stands outside of every part", index + 1),
        }
    }
    scene
}

/// Words as a shell splits them: blanks, single and double quotes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut any) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (None, '\'' | '"') => (quote, any) = (Some(c), true),
            (Some(q), c) if q == c => quote = None,
            (None, c) if c.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (_, c) => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

struct Told<'a> {
    words: &'a [String],
}

impl Told<'_> {
    fn at(&self, index: usize) -> &str {
        self.words
            .get(index)
            .unwrap_or_else(|| panic!("a word is missing behind {:?}", self.words))
    }

    fn all_after(&self, option: &str) -> Vec<&str> {
        let pairs = self.words.windows(2);
        pairs
            .filter(|pair| pair[0] == option)
            .map(|pair| pair[1].as_str())
            .collect()
    }

    fn after(&self, option: &str) -> Option<&str> {
        self.all_after(option).first().copied()
    }
}

fn pair(text: &str) -> (&str, &str) {
    text.split_once('=')
        .unwrap_or_else(|| panic!("`{text}` is no NAME=VALUE"))
}

fn minutes(text: &str) -> i64 {
    let digits = text.trim_start_matches('-').trim_end_matches(['m', 's']);
    let count: i64 = digits.parse().unwrap();
    if text.ends_with('m') {
        count * 60
    } else {
        count
    }
}

fn tell(world: &mut World, who: &str, words: &[String]) -> Result<Decision, Refusal> {
    let told = Told { words };
    let verb = told.at(0).to_owned();
    match verb.as_str() {
        "start" | "start-run" => {
            let (set, secrets) = (told.all_after("--set"), told.all_after("--secret"));
            let inputs: Vec<_> = set.iter().map(|text| pair(text)).collect();
            if verb == "start" {
                return world.start(who, &inputs, &secrets);
            }
            let book = told.at(1).parse().unwrap();
            let run = world.run_of(book, &inputs, &secrets);
            world.command(who, Command::StartRun(Box::new(run)))
        }
        "run" => world.run(who, told.at(1)),
        "dry-run" => world.begin(who, told.at(1), Purpose::DryRun),
        "roll-back" => world.begin(who, told.at(1), Purpose::RollBack),
        "ends" => ends(world, who, &told),
        "request" => world.request(who, told.at(1)),
        "approve" => world.approve(who, told.at(1)),
        "deny" => world.deny(who, told.at(1), told.at(2)),
        "withdraw" => {
            let key = world.key(told.at(1));
            world.act(who, Intent::Withdraw(key))
        }
        "override" => world.overrides(who, told.at(1), told.at(2)),
        "review" => {
            let owed = world.state.owed_reviews().next().map(|over| over.event);
            let overridden = owed.unwrap_or_else(|| *world.state.overrides.keys().next().unwrap());
            world.act(
                who,
                Intent::Review {
                    overridden,
                    accepted: true,
                    reason: told.at(1).to_owned(),
                },
            )
        }
        "close" => world.act(who, Intent::Close),
        "reopen" => world.act(
            who,
            Intent::Reopen {
                reason: told.at(1).to_owned(),
            },
        ),
        _ => by_hand(world, who, &told),
    }
}

fn ends(world: &mut World, who: &str, told: &Told<'_>) -> Result<Decision, Refusal> {
    let purpose = match told.after("--as") {
        Some("dry-run") => Purpose::DryRun,
        Some("roll-back") => Purpose::RollBack,
        _ => Purpose::Run,
    };
    let ran = match told.at(2) {
        "timeout" => Ran::TimedOut,
        "unseen" => Ran::Lost,
        "never-started" => Ran::NotStarted("no such program".to_owned()),
        "killed" => Ran::Signal(9),
        code => Ran::Exit(code.parse().unwrap()),
    };
    let out = told.after("--out").unwrap_or_default().replace("\\n", "\n");
    world.ended(who, told.at(1), purpose, ran, &out)
}

fn by_hand(world: &mut World, who: &str, told: &Told<'_>) -> Result<Decision, Refusal> {
    let now = world.now;
    let when = told
        .after("--at")
        .map(|ago| (now - TimeDelta::seconds(minutes(ago))).fixed_offset());
    let text = |index: usize| told.at(index).to_owned();
    let step = |world: &World| world.key(told.at(1));
    let command = match told.at(0) {
        "done" => Command::Done {
            step: step(world),
            checklist: told
                .all_after("--tick")
                .into_iter()
                .map(str::to_owned)
                .collect(),
            note: told.after("--note").map(str::to_owned),
        },
        "choose" => Command::Choose {
            step: step(world),
            label: text(2),
        },
        "answer" => Command::Answer {
            step: step(world),
            answers: told.words[2..]
                .iter()
                .map(|word| pair(word))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect::<BTreeMap<_, _>>(),
            secrets: Vec::new(),
        },
        "skip" => Command::Skip {
            step: step(world),
            reason: text(2),
        },
        "claim" => Command::Claim { step: step(world) },
        "resolve" => Command::Resolve {
            step: step(world),
            outcome: if told.at(2) == "succeeded" {
                Outcome::Succeeded
            } else {
                Outcome::Failed
            },
            reason: told.words.get(3).cloned(),
        },
        "role" => Command::AssignRole {
            who: principal(told.at(1)),
            role: Role::from(told.at(2)),
        },
        "severity" => Command::SetSeverity(match told.at(1) {
            "sev1" => Severity::Sev1,
            "sev3" => Severity::Sev3,
            other => panic!("no {other} here"),
        }),
        "milestone" => Command::Reach {
            milestone: Milestone::named(told.at(1)).unwrap(),
            at: when,
            fidelity: Fidelity::Minute,
        },
        "note" => Command::Note {
            text: text(1),
            at: when,
            until: None,
            fidelity: Fidelity::Estimated,
            step: None,
            details: None,
        },
        "correct" => Command::Correct {
            event: world.last(told.at(1)).id,
            text: text(2),
            reason: told.words.get(3).cloned().unwrap_or_default(),
        },
        "update" => Command::Update {
            audience: text(1),
            state: None,
            message: text(2),
            next: None,
        },
        other => panic!("nobody can `{other}`"),
    };
    world.command(who, command)
}

fn word_of(status: Status) -> &'static str {
    match status {
        Status::Todo => "todo",
        Status::Running => "running",
        Status::Done => "done",
        Status::Failed => "failed",
        Status::Unknown => "unknown",
        Status::Skipped => "skipped",
    }
}

fn from(source: &Source) -> &str {
    match &source.origin {
        Origin::File(text) | Origin::Journal(text) | Origin::Run(text) => text,
    }
}

fn effect_word(effect: &Effect) -> String {
    match effect {
        Effect::Execute(_) => "execute".to_owned(),
        Effect::Collect { sources, .. } => {
            let paths: Vec<_> = sources.iter().map(from).collect();
            format!("collect:{}", paths.join(","))
        }
        Effect::Wait { every, limit, .. } => format!("wait:{every}/{}", limit.unwrap_or(0)),
        Effect::Simulate(_) => "simulate".to_owned(),
        Effect::Retry { after, .. } => format!("retry:{after}"),
        Effect::Notice(_) => "notice".to_owned(),
    }
}

/// `= …`: what has to be so in the state.
fn holds(world: &World, told: &Told<'_>, place: &str) {
    match told.at(0) {
        "at" => {
            let open = world.state.open_runs().last();
            let at = open.and_then(|run| run.at.as_ref());
            let at = at.map_or("end", |step| step.as_str());
            assert_eq!(at, told.at(1), "{place}: where the run stands");
        }
        "value" => {
            let (name, value) = pair(told.at(1));
            let found = world
                .state
                .runs
                .iter()
                .rev()
                .find_map(|run| run.plain().remove(name));
            assert_eq!(found.as_deref(), Some(value), "{place}");
        }
        "flags" => {
            let flags: Vec<_> = world.state.flags.iter().map(|flag| &flag.what).collect();
            assert_eq!(flags.len().to_string(), told.at(1), "{place}: {flags:?}");
        }
        "severity" => {
            let severity = format!("{:?}", world.state.severity.unwrap()).to_lowercase();
            assert_eq!(severity, told.at(1), "{place}");
        }
        "role" => {
            let roles = world.state.roles.get(&principal(told.at(1)));
            let has = roles.is_some_and(|roles| roles.contains(&Role::from(told.at(2))));
            assert!(has, "{place}: {roles:?}");
        }
        "milestone" => {
            let milestone = Milestone::named(told.at(1)).unwrap();
            let reached = &world.state.milestones[&milestone];
            let ago = (reached.recorded_at - reached.at.to_utc()).num_minutes();
            assert_eq!(format!("-{ago}m"), told.at(2), "{place}");
        }
        "suggested" => {
            let fact = world.last("step.chosen").fact.data().unwrap();
            let suggested = fact["suggested"].as_str().unwrap_or("-");
            assert_eq!(suggested, told.at(1), "{place}");
        }
        "closed" => assert_eq!(
            world.state.closed.is_some().to_string(),
            told.at(1),
            "{place}"
        ),
        "owed" => {
            let owed = world.state.owed_reviews().count().to_string();
            assert_eq!(owed, told.at(1), "{place}: reviews owed");
        }
        "last" => {
            let data = world.last(told.at(1)).fact.data().unwrap();
            let (member, value) = pair(told.at(2));
            let found = match &data[member] {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(found, value, "{place}: {data}");
        }
        step => {
            let state = world.step(step);
            let found = format!("{}#{}", word_of(state.status), state.attempt);
            let wanted = told.at(1);
            let same = found == wanted || word_of(state.status) == wanted;
            assert!(same, "{place}: {step} is {found}");
        }
    }
}

fn play(name: &str, text: &str) {
    let scene = read(text);
    let books: Vec<_> = scene.books.iter().map(String::as_str).collect();
    let world = World::new(&scene.policy, &books);
    play_in(world, &scene, name);
}

/// Plays it in a world that nothing has happened in, and gives back what became of it.
pub fn play_in(mut world: World, scene: &Scene, name: &str) -> World {
    let mut last: Option<Result<Decision, Refusal>> = None;
    for (number, line) in &scene.lines {
        let place = format!("{name}:{number}: {}", line.trim());
        let expects = line.starts_with(' ');
        let all = words(line);
        let rest = &all[1..];
        if !expects {
            agreed(last.take(), &place);
            match all[0].as_str() {
                "after" => world.pass(minutes(&all[1])),
                who => last = Some(tell(&mut world, who.trim_end_matches(':'), rest)),
            }
            continue;
        }
        match all[0].as_str() {
            "!" => {
                let refusal = match last.take() {
                    Some(Err(refusal)) => refusal,
                    other => panic!("{place}: was not refused: {other:?}"),
                };
                let kind = serde_json::to_value(refusal.kind).unwrap();
                assert_eq!(kind.as_str(), Some(all[1].as_str()), "{place}: {refusal}");
                let said = all[2..].join(" ");
                assert!(refusal.what.contains(&said), "{place}: {refusal}");
            }
            ">" | "~" => {
                let Some(Ok(decision)) = &last else {
                    panic!("{place}: was refused: {last:?}");
                };
                let found: Vec<_> = match all[0].as_str() {
                    ">" => kinds(decision).into_iter().map(str::to_owned).collect(),
                    _ => decision.effects.iter().map(effect_word).collect(),
                };
                assert_eq!(found, rest, "{place}");
            }
            "=" => {
                agreed(last.clone(), &place);
                holds(&world, &Told { words: rest }, &place);
            }
            other => panic!("{place}: no line begins with {other}"),
        }
    }
    agreed(last, name);
    let again = world
        .events
        .iter()
        .fold(runsheet::engine::State::default(), runsheet::engine::apply);
    assert_eq!(
        format!("{again:?}"),
        format!("{:?}", world.state),
        "{name}: replay differs"
    );
    super::told::comes_to_the_same_among_notes(&world, name);
    assert_eq!(world.violations(), Vec::<String>::new(), "{name}");
    world
}

fn agreed(last: Option<Result<Decision, Refusal>>, place: &str) {
    if let Some(Err(refusal)) = last {
        panic!("before {place}: refused as {:?}: {refusal}", refusal.kind);
    }
}

/// Every scenario, by the name of its file.
pub fn all() -> Vec<(String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/scenarios");
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.file_name().unwrap() != "README.txt")
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn every_scenario_goes_as_it_is_written() {
    let mut played = 0;
    for (name, text) in all() {
        let done = std::panic::catch_unwind(|| play(&name, &text));
        assert!(done.is_ok(), "{name} went otherwise, see above");
        played += 1;
    }
    assert!(played >= 15, "only {played} scenarios were found");
}

#[test]
fn a_scenario_that_goes_otherwise_fails() {
    let text = "== runbook\nid: a\ntitle: A\nsteps:\n  - {id: look, title: Look}\n== walk\nalice: start\n  = look done\n";
    assert!(std::panic::catch_unwind(|| play("planted", text)).is_err());
}

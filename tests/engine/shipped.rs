//! Every runbook that comes with the program, walked to its end under the policy a new library gets, whichever way its
//! decisions and its commands go: no step that nobody can pass, none that is never reached.

use std::collections::{BTreeMap, BTreeSet};

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use runsheet::engine::Command;
use runsheet::engine::checkpoint;
use runsheet::engine::command::Ran;
use runsheet::engine::exec::Purpose;
use runsheet::engine::state::Status;
use runsheet::evidence::Digest;
use runsheet::library::seed;
use runsheet::runbook::model::{Input, InputKind, Kind, OnFailure, Step, Take};
use runsheet::runbook::parse;
use runsheet::runbook::scenario::is_scenario;

use super::world::World;

const PEOPLE: &str = "people:
  alice: {name: Alice Ames, principals: [alice@example.org], roles: [commander, operator, scribe, liaison]}
  carol: {name: Carol Chu, principals: [carol@example.org], roles: [approver]}
";

/// What the first group of a pattern of the shipped runbooks may match.
const GROUPS: [(&str, &str); 8] = [
    (r"(\d+|-)", "7"),
    (r"(\d+)", "7"),
    (r"(\d)", "1"),
    (r"(\S+)", "r41"),
    (r"(\w+)", "ok"),
    ("(true|false)", "true"),
    ("(yes|no)", "yes"),
    (r"([^ ]+)", "r41"),
];

fn policy() -> String {
    assert!(seed::POLICY_TEMPLATE.contains("people: {}\n"));
    seed::POLICY_TEMPLATE.replace("people: {}\n", PEOPLE)
}

fn matching(pattern: &str) -> String {
    let bare = pattern.trim_start_matches('^').trim_end_matches('$');
    let text = proptest::string::string_regex(bare).unwrap();
    let mut runner = TestRunner::deterministic();
    text.new_tree(&mut runner).unwrap().current()
}

fn value(input: &Input, way: usize) -> String {
    if !input.choices.is_empty() {
        return input.choices[way % input.choices.len()].clone();
    }
    if let Some(default) = &input.default {
        return default.clone();
    }
    if input.accept("7").is_ok() {
        return "7".to_owned();
    }
    if let Some(pattern) = &input.pattern {
        return matching(pattern);
    }
    match input.kind {
        InputKind::Text => "something".to_owned(),
        kind => [
            "7",
            "true",
            "2026-11-20",
            "2026-11-20T10:00:00Z",
            "15m",
            "https://example.org",
            "10.0.0.1",
            "a@example.org",
        ]
        .into_iter()
        .find(|text| input.accept(text).is_ok())
        .unwrap_or_else(|| panic!("no value for {}: {kind:?}", input.name))
        .to_owned(),
    }
}

/// Output that a step is content with.
fn output(step: &Step) -> String {
    let mut lines = Vec::new();
    let mut document = serde_json::Map::new();
    for output in &step.exec.outputs {
        match &output.take {
            Take::Whole => lines.push("everything".to_owned()),
            Take::Json(path) => nest(&mut document, path),
            Take::Regex(pattern) => {
                let (group, text) = GROUPS
                    .iter()
                    .find(|(group, _)| pattern.contains(group))
                    .unwrap_or_else(|| panic!("{}: no text for {pattern}", step.id));
                lines.push(pattern.replace(group, text));
            }
        }
    }
    if let Some(pattern) = &step.exec.expect.output {
        lines.push(pattern.clone());
    }
    if document.is_empty() {
        lines.join("\n")
    } else {
        serde_json::Value::Object(document).to_string()
    }
}

/// Makes `.a.b[0].c` lead to a text.
fn nest(document: &mut serde_json::Map<String, serde_json::Value>, path: &str) {
    let names: Vec<_> = path.trim_start_matches('.').split('.').collect();
    let mut at = document;
    for (index, name) in names.iter().enumerate() {
        let (name, list) = name
            .split_once('[')
            .map_or((*name, false), |(name, _)| (name, true));
        if index + 1 == names.len() {
            at.insert(name.to_owned(), "7".into());
            return;
        }
        let below = at.entry(name).or_insert_with(|| {
            if list {
                serde_json::json!([{}])
            } else {
                serde_json::json!({})
            }
        });
        let below = if list { &mut below[0] } else { below };
        at = below.as_object_mut().unwrap();
    }
}

struct Walk {
    world: World,
    /// Which way it goes: what is chosen, what fails.
    way: usize,
    fails: bool,
    visits: BTreeMap<String, usize>,
    reached: BTreeSet<(String, String)>,
}

impl Walk {
    fn new(text: &str, all: &[String], way: usize, fails: bool) -> Self {
        let mut books = vec![text];
        let mut next = 0;
        while next < books.len() {
            let book = parse::runbook("a.yaml", books[next].as_bytes()).0.unwrap();
            for step in &book.steps {
                if let Kind::Uses(uses) = &step.kind {
                    let head = format!("id: {}\n", uses.runbook);
                    let used = all.iter().find(|text| text.contains(&head)).unwrap();
                    if !books.contains(&used.as_str()) {
                        books.push(used);
                    }
                }
            }
            next += 1;
        }
        let mut world = World::new(&policy(), &books);
        for book in &mut world.books {
            for authors in book.authors.values_mut() {
                *authors = vec!["alice@example.org".to_owned()];
            }
        }
        let (book, _) = parse::runbook("a.yaml", text.as_bytes());
        let inputs = book.unwrap().inputs;
        let open = inputs.iter().filter(|input| !input.secret);
        let values: Vec<_> = open
            .map(|input| (input.name.clone(), value(input, way)))
            .collect();
        let given: Vec<_> = values
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        let secrets: Vec<_> = inputs
            .iter()
            .filter(|input| input.secret)
            .map(|input| input.name.as_str())
            .collect();
        for name in &secrets {
            world.secrets.insert((*name).to_owned(), "5e".repeat(32));
        }
        world
            .start("alice", &given, &secrets)
            .unwrap_or_else(|refusal| panic!("{refusal}"));
        Self {
            world,
            way,
            fails,
            visits: BTreeMap::new(),
            reached: BTreeSet::new(),
        }
    }

    /// Goes on until nothing is open.
    fn walk_on(&mut self) {
        for _ in 0..400 {
            self.world.pass(20);
            let Some(run) = self.world.state.open_runs().last() else {
                return;
            };
            let (step, state) = run.current().unwrap();
            let (step, status) = (step.clone(), state.status);
            let name = format!("{}/{}", run.id, step.id);
            let book = run.book.id.to_string();
            self.reached.insert((book, step.id.to_string()));
            self.one(&name, &step, status);
        }
        panic!("no end after 400 steps; it stands at {:?}", self.reached);
    }

    fn one(&mut self, name: &str, step: &Step, status: Status) {
        let visit = *self
            .visits
            .entry(name.to_owned())
            .and_modify(|n| *n += 1)
            .or_insert(0);
        let key = self.world.key(name);
        let run = self.world.state.run(&key.run).unwrap();
        let incident = self.world.state.incident.as_ref().unwrap();
        let gated = checkpoint::gate(incident, run, step, chrono::DateTime::UNIX_EPOCH).is_some();
        if gated && status != Status::Running {
            assert!(
                self.world.run("alice", name).is_err(),
                "{name} has a gate and started freely"
            );
            self.world
                .request("alice", name)
                .unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
            self.world
                .approve("carol", name)
                .unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        }
        let by_hand = step.by_hand_only().is_some();
        let asks = matches!(step.kind, Kind::Manual | Kind::Decide(_) | Kind::Ask(_));
        if gated && (asks || by_hand) {
            self.world.run("alice", name).unwrap();
        }
        if by_hand {
            return self.done(name, step);
        }
        match &step.kind {
            Kind::Manual | Kind::Parallel(_) => self.done(name, step),
            Kind::Decide(decide) => {
                let choice = self.chance(step, visit) % decide.options.len();
                let label = decide.options[choice].label.clone();
                self.command(name, Command::Choose { step: key, label });
            }
            Kind::Ask(questions) => {
                let open = questions.iter().filter(|input| !input.secret);
                let answers =
                    open.map(|input| (input.name.clone(), value(input, self.chance(step, visit))));
                let answers = answers.collect();
                let secrets = questions.iter().filter(|input| input.secret);
                let secrets = secrets.map(|input| input.name.clone()).collect();
                self.command(
                    name,
                    Command::Answer {
                        step: key,
                        answers,
                        secrets,
                    },
                );
            }
            Kind::Run(_) | Kind::Wait(_) => self.execute(name, step, visit),
            Kind::Collect(_) => match self.world.run("alice", name) {
                Ok(_) => self.world.exit("alice", name, 0, ""),
                Err(refusal) => {
                    assert!(
                        refusal.what.contains("files of this machine only"),
                        "{name}: {refusal}"
                    );
                    self.done(name, step);
                }
            },
            Kind::Notify(_) | Kind::Uses(_) => {
                self.world
                    .run("alice", name)
                    .unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
            }
        }
    }

    /// The same for the same way, step and visit.
    fn chance(&self, step: &Step, visit: usize) -> usize {
        let name = format!("{} {} {visit}", self.way, step.id);
        usize::from(Digest::of(name.as_bytes()).0[0])
    }

    fn execute(&mut self, name: &str, step: &Step, visit: usize) {
        self.world
            .run("alice", name)
            .unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        let good = step.exec.expect.exit.first().copied().unwrap_or(0);
        let tries = step.exec.retry.map_or(1, |retry| retry.attempts);
        let fails = self.fails && (visit as u32) < tries;
        if fails {
            let bad = (1..)
                .find(|code| !step.exec.expect.exit.contains(code))
                .unwrap();
            self.world.exit("alice", name, bad, "");
            let stays = matches!(step.on_failure, OnFailure::Stop);
            if !stays && (visit as u32) + 1 == tries {
                assert_ne!(self.world.status(name), Status::Todo, "{name}");
            }
            return;
        }
        let text = output(step);
        self.world
            .ended("alice", name, Purpose::Run, Ran::Exit(good), &text)
            .unwrap();
        assert_eq!(
            self.world.status(name),
            Status::Done,
            "{name}: {:?}",
            self.world.step(name).reason
        );
    }

    fn done(&mut self, name: &str, step: &Step) {
        let command = Command::Done {
            step: self.world.key(name),
            checklist: step.checklist.clone(),
            note: None,
        };
        self.command(name, command);
    }

    fn command(&mut self, name: &str, command: Command) {
        let done = self.world.command("alice", command);
        done.unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
    }
}

#[test]
fn every_shipped_runbook_can_be_walked_to_its_end_and_every_step_of_it_is_reached() {
    let all: Vec<String> = seed::shipped()
        .into_iter()
        .filter(|(_, bytes)| !is_scenario(bytes))
        .map(|(_, bytes)| String::from_utf8(bytes).unwrap())
        .collect();
    assert!(all.len() >= 10, "only {} runbooks are shipped", all.len());
    let mut missing = Vec::new();
    for text in &all {
        let book = parse::runbook("a.yaml", text.as_bytes()).0.unwrap();
        let mut reached = BTreeSet::new();
        let here = |reached: &BTreeSet<(String, String)>| {
            let ours = reached.iter().filter(|(of, _)| *of == book.id.to_string());
            ours.count() == book.steps.len()
        };
        // Every way twice at least, once with everything going well and once with every command failing first.
        for way in 0..60 {
            if way > 3 && here(&reached) {
                break;
            }
            let mut walk = Walk::new(text, &all, way / 2, way % 2 == 1);
            walk.walk_on();
            assert_eq!(walk.world.violations(), Vec::<String>::new(), "{}", book.id);
            reached.append(&mut walk.reached);
        }
        let never = book
            .steps
            .iter()
            .filter(|step| !reached.contains(&(book.id.to_string(), step.id.to_string())));
        missing.extend(never.map(|step| format!("{}/{}", book.id, step.id)));
    }
    assert_eq!(missing, Vec::<String>::new(), "never reached");
}

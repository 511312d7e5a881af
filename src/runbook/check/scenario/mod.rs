//! What can be wrong in the script of an exercise, and between it, its runbook and the policy.
//! Knows nothing of what happens in an exercise.

mod injects;
mod leaks;
mod people;
mod proofs;
mod simulated;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};

use super::report::{Memory, Report};
use super::{File, file_name, policy as policies};
use crate::runbook::decode::At;
use crate::runbook::model::{Kind, Runbook, Step, StepId};
use crate::runbook::parse;
use crate::runbook::policy::Policy;
use crate::runbook::problem::{Place, Problem, suggest};
use crate::runbook::scenario::file::ScenarioFile;
use crate::runbook::scenario::{self, Scenario};
use crate::runbook::words::{Id, Text};

/// More of anything than anybody plays.
const MOST: usize = 500;
/// More than anybody is asked by.
const MOST_COLLEAGUES: usize = 50;
/// Steps that are looked at to tell what a misspelt one may have been.
const MOST_NEAR: usize = 500;

/// The runbooks of the library by id, read when a scenario names them.
#[derive(Default)]
pub(crate) struct Books<'s> {
    pub files: BTreeMap<String, File<'s>>,
    read: BTreeMap<String, Option<Rc<Runbook>>>,
}

impl<'s> Books<'s> {
    /// Every problem of these scenarios.
    pub fn scenarios(
        &mut self,
        files: &[File<'s>],
        policy: &Policy,
        today: NaiveDate,
        memory: &mut Memory,
    ) -> Vec<Problem> {
        let mut ids = BTreeMap::new();
        files
            .iter()
            .flat_map(|file| check(file, policy, today, self, &mut ids, memory))
            .collect()
    }

    fn get(&mut self, id: &str) -> Option<Rc<Runbook>> {
        let file = self.files.get(id)?;
        let read = || parse::runbook(file.path, file.bytes).0.map(Rc::new);
        self.read.entry(id.to_owned()).or_insert_with(read).clone()
    }

    /// A runbook and all that it uses; whether one of them could not be read.
    fn with_uses(&mut self, id: &str) -> (Vec<Rc<Runbook>>, bool) {
        let mut found: Vec<Rc<Runbook>> = Vec::new();
        let mut wanted = vec![id.to_owned()];
        let mut lossy = false;
        while let Some(next) = wanted.pop() {
            if found.iter().any(|book| book.id.as_str() == next) {
                continue;
            }
            let Some(book) = self.get(&next) else {
                lossy = true;
                continue;
            };
            wanted.extend(book.steps.iter().filter_map(|step| match &step.kind {
                Kind::Uses(uses) => Some(uses.runbook.0.clone()),
                _ => None,
            }));
            found.push(book);
        }
        (found, lossy)
    }

    fn all(&mut self) -> (Vec<Rc<Runbook>>, bool) {
        let ids: Vec<String> = self.files.keys().cloned().collect();
        let books: Vec<_> = ids.iter().filter_map(|id| self.get(id)).collect();
        let lossy = books.len() < ids.len();
        (books, lossy)
    }
}

/// A step that is named, in its runbook.
struct Found {
    book: Rc<Runbook>,
    index: usize,
}

impl Found {
    fn step(&self) -> &Step {
        &self.book.steps[self.index]
    }
}

/// A scenario and all it is checked against.
struct Check<'c, 'f, 'm> {
    file: &'c ScenarioFile,
    model: &'c Scenario,
    policy: &'c Policy,
    /// The runbooks whose steps it may name.
    books: Vec<Rc<Runbook>>,
    /// Whether a runbook is missing or cannot be read, so that steps may seem unknown.
    unread: bool,
    /// Whether the same holds of the scenario itself.
    torn: bool,
    /// A moment of the exercise: when its gates are looked at.
    at: DateTime<Utc>,
    report: &'c mut Report<'f, 'm>,
}

/// Every problem of one scenario. `ids` are those of the scenarios before it, with their paths.
fn check<'s>(
    file: &File<'s>,
    policy: &Policy,
    today: NaiveDate,
    books: &mut Books<'s>,
    ids: &mut BTreeMap<String, &'s str>,
    memory: &mut Memory,
) -> Vec<Problem> {
    let reading = parse::read::<ScenarioFile>(file.path, file.bytes, "scenario");
    let mut report = Report::new(file.path, memory);
    report.problems = reading.problems;
    if let Some(read) = &reading.file {
        unique_id(&read.id, file.path, books, ids, &mut report);
        file_name(&read.id, &mut report);
        let (found, unread) = runbooks(read, books, &mut report);
        let model = scenario::resolve::scenario(read);
        let midnight = today.and_time(chrono::NaiveTime::MIN).and_utc();
        let mut check = Check {
            at: model.clock.start.map_or(midnight, |at| at.to_utc()),
            file: read,
            model: &model,
            policy,
            books: found,
            unread,
            torn: reading.lossy,
            report: &mut report,
        };
        check.all();
    }
    report.raw(file.bytes);
    report.problems
}

fn unique_id<'s>(
    id: &At<Id>,
    path: &'s str,
    books: &Books<'s>,
    ids: &mut BTreeMap<String, &'s str>,
    report: &mut Report<'_, '_>,
) {
    let name = id.value.0.as_str();
    let book = books.files.get(name).map(|file| file.path);
    if let Some(other) = book.or_else(|| ids.get(name).copied()) {
        let what = format!(
            "the id {} is also that of {}",
            report.show(name),
            report.show(other)
        );
        let hint = "give one another id".to_owned();
        report.error(id.at, "duplicate-id", what, Some(hint));
    }
    ids.entry(name.to_owned()).or_insert(path);
}

fn runbooks(
    file: &ScenarioFile,
    books: &mut Books<'_>,
    report: &mut Report<'_, '_>,
) -> (Vec<Rc<Runbook>>, bool) {
    let Some(runbook) = &file.runbook else {
        return books.all();
    };
    let id = runbook.value.0.as_str();
    if !books.files.contains_key(id) {
        let what = format!("no runbook is called {}", report.show(id));
        let known: Vec<&str> = books.files.keys().map(String::as_str).collect();
        report.error(runbook.at, "unknown-runbook", what, suggest(id, &known));
        return (Vec::new(), true);
    }
    books.with_uses(id)
}

impl Check<'_, '_, '_> {
    fn all(&mut self) {
        if self.too_many() {
            return;
        }
        self.texts();
        self.clock();
        self.inputs();
        self.unique();
        self.objectives();
        self.parts();
        self.injects();
        self.expectations();
        self.answers();
        self.unanswered();
        self.logs();
        self.colleagues();
        self.leaks();
    }

    fn error(&mut self, at: Place, code: &'static str, what: String) {
        self.report.error(at, code, what, None);
    }

    /// Of a file that holds more than anybody plays nothing else is said, so that none is slow to check.
    fn too_many(&mut self) -> bool {
        let file = self.file;
        let many = |count: Option<usize>| count.unwrap_or_default();
        let counts = [
            ("objectives", file.objectives.value.len(), MOST),
            ("injects", file.injects.value.len(), MOST),
            ("expectations", file.expectations.value.len(), MOST),
            ("parts", many(file.parts.as_ref().map(Vec::len)), MOST),
            ("moves", many(file.moves.as_ref().map(Vec::len)), MOST),
            (
                "answers",
                many(file.answers.as_ref().map(Vec::len)),
                2 * MOST,
            ),
            ("logs", many(file.logs.as_ref().map(Vec::len)), MOST),
            (
                "colleagues",
                many(file.colleagues.as_ref().map(Vec::len)),
                MOST_COLLEAGUES,
            ),
        ];
        let before = self.report.problems.len();
        for (name, count, most) in counts {
            if count > most {
                let what =
                    format!("{count} {name} are more than anybody plays; {most} are the most");
                self.error(file.id.at, "too-many", what);
            }
        }
        self.report.problems.len() > before
    }

    /// The step of that name; one that is not there is reported.
    fn known_step(&mut self, id: &At<Id>) -> Option<Found> {
        let name = StepId::from(id.value.0.as_str());
        let found = self.books.iter().find_map(|book| {
            let index = book.steps.iter().position(|step| step.id == name)?;
            let book = book.clone();
            Some(Found { book, index })
        });
        if found.is_none() && !self.unread && !self.report.is_full() {
            let name = id.value.0.as_str();
            let what = format!("no step is called {}", self.report.show(name));
            let books = self.books.clone();
            let steps = books.iter().flat_map(|book| &book.steps).take(MOST_NEAR);
            let known: Vec<&str> = steps.map(|step| step.id.as_str()).collect();
            let hint = suggest(name, &known);
            self.report.error(id.at, "unknown-step", what, hint);
        }
        found
    }

    /// Whether that step has a checkpoint, as far as it can be known before.
    fn gated(&self, book: &Runbook, step: &Step) -> bool {
        let gate = self
            .policy
            .checkpoint_for(book, step, &self.model.inputs, self.at);
        gate.is_some()
    }

    fn known(&mut self, id: &At<Id>, of: &str, code: &'static str, known: &[&str]) {
        let name = id.value.0.as_str();
        if !known.contains(&name) && !self.torn && !self.report.is_full() {
            let what = format!("no {of} is called {}", self.report.show(name));
            self.report.error(id.at, code, what, suggest(name, known));
        }
    }

    fn texts(&mut self) {
        let needed: [(&At<Text>, &str); 3] = [
            (&self.file.title, "title"),
            (&self.file.briefing, "briefing"),
            (&self.file.code_word, "code word"),
        ];
        for (text, name) in needed {
            if text.value.0.trim().is_empty() {
                let what = format!("the {name} is empty");
                self.report.error(text.at, "empty", what, None);
            }
        }
        if self.file.abort.iter().flatten().next().is_none() {
            let what = "it does not say when the exercise is broken off".to_owned();
            let hint = "`abort: [a real incident begins]`".to_owned();
            self.report
                .warn(self.file.id.at, "no-abort", what, Some(hint));
        }
    }

    fn clock(&mut self) {
        let clock = &self.file.clock;
        let length = clock.length.value.0;
        if length < Duration::from_secs(60) {
            self.error(
                clock.length.at,
                "wrong-value",
                "an exercise takes a minute at least".to_owned(),
            );
        }
        for pause in clock.pauses.iter().flatten() {
            self.inside(pause.at, pause.value.0, "this pause");
        }
        let mut last = Duration::ZERO;
        for stretch in self.file.moves.iter().flatten() {
            let at = stretch.at.value.0;
            self.inside(stretch.at.at, at, "this move");
            if at < last {
                let what = "this move begins before the one above it".to_owned();
                self.error(stretch.at.at, "order", what);
            }
            last = at;
        }
        let by_moves = clock.by_moves.as_ref().filter(|by_moves| by_moves.value.0);
        if let Some(by_moves) = by_moves
            && self.file.moves.iter().flatten().next().is_none()
        {
            let what = "the clock stops at moves, and there are none".to_owned();
            self.report.warn(by_moves.at, "idle-key", what, None);
        }
    }

    /// Reports what comes after the end.
    fn inside(&mut self, at: Place, when: Duration, what: &str) {
        if when > self.model.clock.length {
            let what = format!("{what} comes after the end of the exercise");
            self.error(at, "after-the-end", what);
        }
    }

    fn inputs(&mut self) {
        let file = self.file;
        let Some(runbook) = &file.runbook else { return };
        let Some(book) = self
            .books
            .iter()
            .find(|book| book.id.0 == runbook.value.0)
            .cloned()
        else {
            return;
        };
        let given = || file.with.iter().flat_map(|named| &named.0);
        for (name, value) in given() {
            let known = |input: &&crate::runbook::model::Input| input.name == name.value.0;
            match book.inputs.iter().find(known) {
                None => {
                    let what = format!(
                        "the runbook {} has no input {}",
                        self.report.show(book.id.as_str()),
                        self.report.show(&name.value.0)
                    );
                    let known: Vec<&str> = book
                        .inputs
                        .iter()
                        .map(|input| input.name.as_str())
                        .collect();
                    let hint = suggest(&name.value.0, &known);
                    self.report.error(name.at, "unknown-input", what, hint);
                }
                Some(input) => {
                    if let Err(wrong) = input.accept(&value.value.0) {
                        self.error(value.at, "wrong-value", wrong.to_string());
                    }
                }
            }
        }
        for input in &book.inputs {
            let is_given = given().any(|(name, _)| name.value.0 == input.name);
            // A secret stands in no file: whoever starts the exercise makes one up.
            if !is_given && !input.secret && input.accept("").is_err() {
                let what = format!("it gives the runbook no {}", self.report.show(&input.name));
                let hint =
                    "whoever starts the exercise is asked for it; `with` gives it".to_owned();
                self.report
                    .warn(runbook.at, "missing-input", what, Some(hint));
            }
        }
    }

    fn unique(&mut self) {
        let file = self.file;
        let injects = file.injects.value.iter().map(|inject| &inject.value.id);
        let lists: [(&str, Vec<&At<Id>>); 6] = [
            (
                "objective",
                file.objectives.value.iter().map(|it| &it.id).collect(),
            ),
            (
                "part",
                file.parts.iter().flatten().map(|it| &it.id).collect(),
            ),
            (
                "move",
                file.moves.iter().flatten().map(|it| &it.id).collect(),
            ),
            ("inject", injects.collect()),
            (
                "expectation",
                file.expectations.value.iter().map(|it| &it.id).collect(),
            ),
            (
                "colleague",
                file.colleagues.iter().flatten().map(|it| &it.id).collect(),
            ),
        ];
        for (of, ids) in lists {
            let mut seen: Vec<&str> = Vec::new();
            for id in ids {
                if seen.contains(&id.value.0.as_str()) {
                    let what = format!("two {of}s are called {}", self.report.show(&id.value.0));
                    self.error(id.at, "duplicate-id", what);
                }
                seen.push(&id.value.0);
            }
        }
        let counts = [
            (
                file.objectives.at,
                file.objectives.value.len(),
                "an objective",
            ),
            (file.injects.at, file.injects.value.len(), "an inject"),
            (
                file.expectations.at,
                file.expectations.value.len(),
                "an expectation",
            ),
        ];
        for (at, count, what) in counts {
            if count == 0 && !self.torn {
                self.error(at, "empty", format!("a scenario needs {what}"));
            }
        }
    }

    fn objectives(&mut self) {
        for objective in &self.file.objectives.value {
            let id = objective.id.value.0.as_str();
            let mut own = self
                .model
                .expectations
                .iter()
                .filter(|it| it.objective == id)
                .peekable();
            let what = if own.peek().is_none() {
                "nothing is expected for this objective, so that it cannot be rated"
            } else if !own.any(|it| it.critical) {
                "no expectation of this objective is critical"
            } else {
                continue;
            };
            self.report
                .warn(objective.id.at, "idle-objective", what.to_owned(), None);
        }
    }

    fn role(&mut self, role: &At<crate::runbook::words::Label>) {
        policies::role(role, self.policy, self.report);
    }
}

//! Everything that can be known to be wrong before an incident: all problems of all files of a library at once.
//! Knows nothing of where the files come from or what day it is; both are given.

mod channels;
mod danger;
mod flow;
mod library;
mod logs;
mod names;
mod policy;
mod report;
mod scenario;
mod scripts;
mod steps;
mod values;

pub use values::is_reserved;

use chrono::NaiveDate;

use super::decode::At;
use super::file::RunbookFile;
use super::gates::Keys;
use super::parse::{self, Reading};
use super::policy::Policy;
use super::policy_file::PolicyFile;
use super::problem::{Place, Problem, Severity};
use super::resolve;
use super::scenario::is_scenario;
use super::words::Id;

use library::Library;
use report::{Memory, Report};

/// A file of a library.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// For messages, and for the name that has to be `<id>.yaml`.
    pub path: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// The files of a library.
#[derive(Debug, Clone, Default)]
pub struct Set<'a> {
    /// Every runbook and scenario; a file says itself which of the two it is.
    pub runbooks: Vec<File<'a>>,
    /// `policy.yaml`, if there is one.
    pub policy: Option<File<'a>>,
    /// The principals of `allowed_signers`, if it could be read, and whether one of their keys is a hardware key; people
    /// without a key prove no gate.
    pub signers: Option<Keys>,
}

/// Every problem of every file, sorted by file and place. `today` decides which reviews are stale.
#[must_use]
pub fn check(set: &Set<'_>, today: NaiveDate) -> Vec<Problem> {
    let mut memory = Memory::default();
    let reading = set.policy.map(|file| {
        (
            file,
            parse::read::<PolicyFile>(file.path, file.bytes, "policy"),
        )
    });
    let policy_file = reading
        .as_ref()
        .and_then(|(_, reading)| reading.file.as_ref());
    let model = policy_file.map(resolve::policy);
    let mut problems = Vec::new();
    if let Some((file, reading)) = &reading {
        policy_alone(
            file,
            reading,
            set.signers.as_ref(),
            &mut memory,
            &mut problems,
        );
    }
    let shipped = Policy::shipped_default();
    let policy = model.as_ref().unwrap_or(&shipped);
    let mut library = Library::new(policy, set.signers.as_ref());
    let (scenarios, runbooks): (Vec<File<'_>>, Vec<File<'_>>) = set
        .runbooks
        .iter()
        .partition(|file| is_scenario(file.bytes));
    let mut books = scenario::Books::default();
    for file in &runbooks {
        let reading = parse::read::<RunbookFile>(file.path, file.bytes, "runbook");
        if let Some(id) = reading.file.as_ref().map(|file| &file.id.value.0) {
            books.files.entry(id.clone()).or_insert(*file);
        }
        one(
            file,
            reading,
            policy,
            today,
            &mut library,
            &mut memory,
            &mut problems,
        );
    }
    if let (Some(file), Some(policy)) = (&set.policy, policy_file) {
        library.named(file, policy::steps(policy), &mut problems);
    }
    problems.extend(books.scenarios(&scenarios, policy, today, &mut memory));
    // Of a policy that could not be read nothing is said but why.
    let unread = set.policy.is_some() && model.is_none();
    library.finish(
        set.policy.as_ref().filter(|_| !unread),
        unread,
        &mut problems,
    );
    let place = |it: &Problem| (it.file.clone(), it.line, it.column, it.severity);
    problems.sort_by_cached_key(place);
    problems.dedup();
    problems
}

fn policy_alone(
    file: &File<'_>,
    reading: &Reading<PolicyFile>,
    signers: Option<&Keys>,
    memory: &mut Memory,
    problems: &mut Vec<Problem>,
) {
    problems.extend(reading.problems.iter().cloned());
    if let Some(policy) = &reading.file {
        let mut report = Report::new(file.path, memory);
        policy::check(policy, &resolve::policy(policy), signers, &mut report);
        problems.append(&mut report.problems);
    }
}

fn one(
    file: &File<'_>,
    reading: Reading<RunbookFile>,
    policy: &Policy,
    today: NaiveDate,
    library: &mut Library<'_>,
    memory: &mut Memory,
    problems: &mut Vec<Problem>,
) {
    library.partial |= reading.lossy;
    problems.extend(reading.problems);
    let mut report = Report::new(file.path, memory);
    if let Some(runbook) = &reading.file {
        runbook_alone(runbook, today, &mut report);
        let names = names::Names::of(runbook);
        steps::check(runbook, &names, policy, reading.lossy, &mut report);
        if !reading.lossy {
            flow::check(runbook, &mut report);
            library.add(file.path, runbook, &mut report);
        }
    }
    report.raw(file.bytes);
    problems.append(&mut report.problems);
}

const MOST_STEPS: usize = 300;

fn runbook_alone(runbook: &RunbookFile, today: NaiveDate, report: &mut Report<'_, '_>) {
    file_name(&runbook.id, report);
    if runbook.title.value.0.trim().is_empty() {
        report.error(
            runbook.title.at,
            "empty",
            "the title is empty".to_owned(),
            None,
        );
    }
    let steps = &runbook.steps;
    if steps.value.is_empty() {
        report.error(steps.at, "empty", "a runbook needs a step".to_owned(), None);
    }
    if steps.value.len() > MOST_STEPS {
        let what = format!(
            "{} steps are more than anybody walks; {MOST_STEPS} are the most",
            steps.value.len()
        );
        report.error(
            steps.at,
            "too-many-steps",
            what,
            Some("split it with `uses`".to_owned()),
        );
    }
    review(runbook, today, report);
}

/// That the file is called as its id says.
fn file_name(id: &At<Id>, report: &mut Report<'_, '_>) {
    let name = report.file.rsplit(['/', '\\']).next().unwrap_or_default();
    let wanted = format!("{}.yaml", id.value.0);
    if name != wanted {
        let what = format!(
            "the file is called {}, and its id is {}",
            report.show(name),
            report.show(&id.value.0)
        );
        let hint = format!("call it {}", report.show(&wanted));
        report.error(id.at, "file-name", what, Some(hint));
    }
}

fn review(runbook: &RunbookFile, today: NaiveDate, report: &mut Report<'_, '_>) {
    let Some(last) = &runbook.last_reviewed else {
        if let Some(every) = &runbook.review_every {
            let what = "it wants reviews and has no `last_reviewed`".to_owned();
            report.warn(every.at, "stale", what, None);
        }
        return;
    };
    let every = runbook.review_every.as_ref().map(|at| at.value.0);
    let day = last.value.0;
    if super::header::is_stale(Some(day), every, today) {
        let days = today.signed_duration_since(day).num_days();
        let allowed = every.map_or(0, |every| every.as_secs() / 86_400);
        let what = format!("last reviewed {days} days ago, {allowed} are allowed");
        report.warn(
            last.at,
            "stale",
            what,
            Some("read it through and set `last_reviewed`".to_owned()),
        );
    }
    if day > today {
        report.warn(
            last.at,
            "stale",
            format!("the review of {day} is in the future"),
            None,
        );
    }
}

fn start() -> Place {
    Place { line: 1, column: 1 }
}

/// Whether any of these keeps a library from being used.
#[must_use]
pub fn has_errors(problems: &[Problem]) -> bool {
    problems
        .iter()
        .any(|problem| problem.severity == Severity::Error)
}

//! `runsheet check`: every problem of the files of a library, and who could pass its gates.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde_json::json;
use ssh_key::public::KeyData;

use super::args::{CheckFormat, Common};
use super::config::Config;
use super::{CliError, library, out};
use crate::engine::checkpoint::describe;
use crate::evidence::escape;
use crate::host::clock::{Clock as _, SystemClock};
use crate::library::{
    ALLOWED_SIGNERS, Author, CLOCKS, Entry, Library, LibraryError, MAX_FILE, POLICY, Pin, RUNBOOKS,
};
use crate::runbook::check::{self, File, Set};
use crate::runbook::gates::{Keys, Passers, Prover};
use crate::runbook::model::{Runbook, StepId};
use crate::runbook::policy::Policy;
use crate::runbook::problem::{Place, Problem, Severity};
use crate::runbook::scenario::is_scenario;
use crate::runbook::{lines, parse};
use crate::timeline::clocks;
use crate::trust::people::PeopleProblem;
use crate::trust::signature::{fingerprint, is_hardware};
use crate::trust::signers::SignerProblem;
use crate::trust::{AllowedSigners, People, Principal};

/// The files to check: those named, everything below the folders named, else the library's.
pub(super) fn paths(
    common: &Common,
    paths: &[PathBuf],
    format: CheckFormat,
) -> Result<(), CliError> {
    let files = if paths.is_empty() {
        let config = Config::read(common)?;
        of_library(&library::open(&config)?)?
    } else {
        let mut files = Vec::new();
        for path in paths {
            gather(path, &mut files)?;
        }
        files
    };
    let problems = problems_of(&files, SystemClock.now().date_naive());
    let format = if common.json {
        CheckFormat::Json
    } else {
        format
    };
    print_problems(&problems, format)?;
    if check::has_errors(&problems) {
        Err(CliError::Status(1))
    } else {
        Ok(())
    }
}

/// A file to check.
pub(super) struct Checked {
    /// For messages.
    path: String,
    bytes: Vec<u8>,
    /// A clock file, and no runbook.
    is_clock: bool,
}

/// Every problem of these files, those of `allowed_signers` and of who is who among them.
pub(super) fn problems_of(files: &[Checked], today: NaiveDate) -> Vec<Problem> {
    let named = |name: &str| {
        files
            .iter()
            .find(|file| file.path.rsplit('/').next() == Some(name))
            .map(File::from)
    };
    let signers = named(ALLOWED_SIGNERS).map(|file| {
        let (signers, problems) = AllowedSigners::parse(&String::from_utf8_lossy(file.bytes));
        (file.path, signers, problems)
    });
    let known = signers.as_ref().map(|(_, signers, _)| keys(signers));
    let runbooks = files
        .iter()
        .filter(|file| !file.is_clock && file.path.ends_with(".yaml"))
        .filter(|file| file.path.rsplit('/').next() != Some(POLICY))
        .map(File::from)
        .collect();
    let policy = named(POLICY);
    let mut problems = check::check(
        &Set {
            runbooks,
            policy,
            signers: known,
        },
        today,
    );
    problems.extend(clock_problems(files, policy));
    if let Some((path, signers, lines)) = signers {
        problems.extend(lines.iter().map(|problem| line_problem(path, problem)));
        let policy = policy
            .and_then(|file| parse::policy(file.path, file.bytes).0)
            .unwrap_or_default();
        problems.extend(shared_keys(path, &signers));
        problems.extend(
            People::new(&policy, &signers)
                .problems()
                .iter()
                .filter_map(|problem| claimed(path, &signers, problem)),
        );
    }
    problems
}

fn clock_problems(files: &[Checked], policy: Option<File<'_>>) -> Vec<Problem> {
    let content = |file| {
        let File { path, bytes } = File::from(file);
        (path, bytes)
    };
    let (clocks, others): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.is_clock);
    let clocks: Vec<_> = clocks.into_iter().map(content).collect();
    let others = others.into_iter().map(content);
    let scenarios: Vec<_> = others.filter(|(_, bytes)| is_scenario(bytes)).collect();
    let mut problems = clocks::check(&clocks, policy.map(|file| (file.path, file.bytes)));
    problems.extend(clocks::check_scenarios(&clocks, &scenarios));
    problems
}

fn line_problem(path: &str, problem: &SignerProblem) -> Problem {
    let severity = if problem.used {
        Severity::Warning
    } else {
        Severity::Error
    };
    let place = place(problem.line, problem.column);
    Problem::new(path, place, severity, "signers", problem.what.clone())
}

fn place(line: usize, column: usize) -> Place {
    let short = |number| u32::try_from(number).unwrap_or(u32::MAX);
    Place {
        line: short(line),
        column: short(column),
    }
}

/// A key that may sign as two principals leaves open who signed; also where both are one person.
fn shared_keys(path: &str, signers: &AllowedSigners) -> Vec<Problem> {
    let mut first: HashMap<&KeyData, (&Principal, usize)> = HashMap::new();
    let mut problems = Vec::new();
    for signer in signers.signers() {
        for principal in &signer.principals {
            let seen = first.entry(signer.key.key_data());
            let (known, line) = *seen.or_insert((principal, signer.line));
            if known != principal {
                let what = format!(
                    "the key {} is also that of `{known}` on line {line}: one key is one principal",
                    fingerprint(&signer.key)
                );
                let at = place(signer.line, signer.column);
                problems.push(
                    Problem::error(path, at, "shared-key", what)
                        .hint("each principal has a key of its own"),
                );
            }
        }
    }
    problems
}

/// What leaves open who is who and stands in `allowed_signers`; the rest is told where it stands in `policy.yaml`, and a
/// key of two principals above.
fn claimed(path: &str, signers: &AllowedSigners, problem: &PeopleProblem) -> Option<Problem> {
    let PeopleProblem::NamedLikeAPerson { principal } = problem else {
        return None;
    };
    let mut lines = signers.signers().iter();
    let line = lines.find(|signer| signer.principals.contains(principal))?;
    let at = place(line.line, line.column);
    Some(Problem::error(path, at, "people", problem.to_string()))
}

/// Who has a key at all, and who a hardware key.
fn keys(signers: &AllowedSigners) -> Keys {
    let mut keys = Keys::new();
    for signer in signers.signers() {
        for principal in &signer.principals {
            *keys.entry(principal.to_string()).or_default() |= is_hardware(&signer.key);
        }
    }
    keys
}

/// Everything `check` looks at in a library.
pub(super) fn of_library(library: &Library) -> Result<Vec<Checked>, CliError> {
    let pin = library.pin()?;
    let mut files = Vec::new();
    let mut add = |path: String, bytes: Vec<u8>, is_clock| {
        files.push(Checked {
            path,
            bytes,
            is_clock,
        });
    };
    for entry in library.entries(&pin)?.entries {
        let bytes = bytes_of(library, &entry)?;
        add(entry.path, bytes, false);
    }
    for entry in library.clocks(&pin)?.entries {
        let bytes = bytes_of(library, &entry)?;
        add(entry.path, bytes, true);
    }
    if let Some(blob) = library.policy(&pin)? {
        add(POLICY.to_owned(), blob.bytes, false);
    }
    if let Some(blob) = library.allowed_signers(&pin)? {
        add(ALLOWED_SIGNERS.to_owned(), blob.bytes, false);
    }
    Ok(files)
}

impl<'a> From<&'a Checked> for File<'a> {
    fn from(file: &'a Checked) -> Self {
        File {
            path: &file.path,
            bytes: &file.bytes,
        }
    }
}

/// Whether the nearest folder above that is named like one of a library's is that of clocks.
fn is_clock(path: &Path) -> bool {
    let mut folders = path.parent().into_iter().flat_map(Path::ancestors);
    let nearest = folders.find_map(|folder| {
        let name = folder.file_name()?.to_str()?;
        (name == CLOCKS || name == RUNBOOKS).then_some(name)
    });
    nearest == Some(CLOCKS) && path.extension().is_some_and(|ending| ending == "yaml")
}

/// A runbook's bytes. One that is too large stands for itself with more than is read of any file, so that it is told of
/// like every other problem.
fn bytes_of(library: &Library, entry: &Entry) -> Result<Vec<u8>, CliError> {
    match library.read_entry(entry) {
        Ok(blob) => Ok(blob.bytes),
        Err(LibraryError::TooLarge { max, .. }) => {
            Ok(vec![b'#'; usize::try_from(max + 1).unwrap_or(usize::MAX)])
        }
        Err(error) => Err(error.into()),
    }
}

fn gather(path: &Path, found: &mut Vec<Checked>) -> Result<(), CliError> {
    let fail = |error: std::io::Error| CliError::Input(format!("{}: {error}", path.display()));
    if std::fs::symlink_metadata(path).map_err(fail)?.is_dir() {
        let mut inside: Vec<_> = std::fs::read_dir(path)
            .map_err(fail)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .collect();
        inside.sort();
        for path in inside {
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            let wanted = path.is_dir() || name.ends_with(".yaml") || name == ALLOWED_SIGNERS;
            if wanted && !name.starts_with('.') {
                gather(&path, found)?;
            }
        }
        return Ok(());
    }
    // A little more than a file may have, so that a larger one is told of and not silently cut; never all of it.
    let most = MAX_FILE + 1;
    let file = std::fs::File::open(path).map_err(fail)?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(file, most), &mut bytes).map_err(fail)?;
    found.push(Checked {
        path: path.to_string_lossy().into_owned(),
        bytes,
        is_clock: is_clock(path),
    });
    Ok(())
}

fn print_problems(problems: &[Problem], format: CheckFormat) -> Result<(), CliError> {
    match format {
        CheckFormat::Json => out::json(&json!({ "problems": problems })),
        CheckFormat::Sarif => {
            let text = serde_json::to_string_pretty(&sarif(problems))
                .map_err(|error| CliError::Input(error.to_string()))?;
            out::data(&text)
        }
        CheckFormat::Text => {
            let lines: Vec<_> = problems
                .iter()
                .map(|problem| format!("{problem}\n"))
                .collect();
            out::data(&lines.concat())?;
            let count = |severity| {
                problems
                    .iter()
                    .filter(|problem| problem.severity == severity)
                    .count()
            };
            out::talk(&format!(
                "{} errors, {} warnings",
                count(Severity::Error),
                count(Severity::Warning)
            ));
            Ok(())
        }
    }
}

fn sarif(problems: &[Problem]) -> serde_json::Value {
    let results: Vec<_> = problems
        .iter()
        .map(|problem| {
            let text = match &problem.hint {
                Some(hint) => format!("{} ({hint})", problem.what),
                None => problem.what.clone(),
            };
            json!({
                "ruleId": problem.code,
                "level": problem.severity.to_string(),
                "message": { "text": text },
                "locations": [{ "physicalLocation": {
                    "artifactLocation": { "uri": problem.file },
                    "region": { "startLine": problem.line, "startColumn": problem.column },
                }}],
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": { "name": "runsheet", "version": env!("CARGO_PKG_VERSION") } }, "results": results }],
    })
}

/// Who could pass each checkpoint of the library at this moment, as far as git, policy and `allowed_signers` tell.
///
/// # Errors
/// Status 1 when there is one that nobody could pass.
pub(super) fn gates(common: &Common) -> Result<(), CliError> {
    let config = Config::read(common)?;
    let library = library::open(&config)?;
    let pin = library.pin()?;
    let policy = match library.policy(&pin)? {
        None => Policy::shipped_default(),
        Some(blob) => parse::policy(POLICY, &blob.bytes).0.ok_or_else(|| {
            CliError::Input("policy.yaml cannot be read: runsheet check says why".to_owned())
        })?,
    };
    let signers = library
        .allowed_signers(&pin)?
        .map(|blob| AllowedSigners::parse(&String::from_utf8_lossy(&blob.bytes)).0);
    let people = People::new(&policy, &signers.clone().unwrap_or_default());
    let keys = signers.as_ref().map(keys);
    let mut prover = Prover::new(&policy, keys.as_ref());
    let (mut found, mut shut) = (Vec::new(), false);
    for entry in library.entries(&pin)?.entries {
        let bytes = bytes_of(&library, &entry)?;
        if is_scenario(&bytes) {
            continue;
        }
        let Some(book) = parse::runbook(&entry.path, &bytes).0 else {
            out::talk(&format!("{}: cannot be read", escape::line(&entry.path)));
            continue;
        };
        let authors = authors(&library, &pin, &entry.path, &bytes, &book, &people)?;
        let now = SystemClock.now().to_utc();
        for step in &book.steps {
            let wrote = authors.get(&step.id);
            let Some(who) = prover.passers(&book, step, now, wrote) else {
                continue;
            };
            shut |= who.performers.is_empty();
            found.push((entry.path.clone(), step.id.clone(), who));
        }
    }
    print_gates(common, &found)?;
    if prover.unsure {
        out::talk(
            "some gates are too large to say it of all people: too many roles at one checkpoint",
        );
    }
    if shut {
        Err(CliError::Status(1))
    } else {
        Ok(())
    }
}

/// The people behind the steps' lines, by git; `None` for an address of nobody.
fn authors(
    library: &Library,
    pin: &Pin,
    path: &str,
    bytes: &[u8],
    book: &Runbook,
    people: &People,
) -> Result<BTreeMap<StepId, BTreeSet<Option<String>>>, CliError> {
    let blame = library.blame(pin, path)?;
    let text = String::from_utf8_lossy(bytes);
    let person = |author: Author| people.person_of_email(&author.email).map(str::to_owned);
    Ok(lines::of_steps(&text, book)
        .into_iter()
        .map(|(step, ranges)| {
            let wrote = blame.authors(&ranges).into_iter().map(person);
            (step, wrote.collect())
        })
        .collect())
}

fn print_gates(common: &Common, found: &[(String, StepId, Passers)]) -> Result<(), CliError> {
    if common.json {
        let gates: Vec<_> = found
            .iter()
            .map(|(path, step, who)| {
                json!({
                    "path": path, "step": step, "asks": describe(&who.checkpoint),
                    "approvers": who.approvers, "performers": who.performers, "authors": who.authors,
                    "unknown_author": who.unknown_author,
                })
            })
            .collect();
        return out::json(&json!({ "gates": gates }));
    }
    let list = |names: &[String]| match names {
        [] => "NOBODY".to_owned(),
        names => names.join(", "),
    };
    let mut text = String::new();
    let mut last = "";
    for (path, step, who) in found {
        if last != path {
            text.push_str(&format!("{}\n", escape::line(path)));
            last = path;
        }
        text.push_str(&format!(
            "  {:<24} {}\n      could approve: {}\n      could perform: {}\n",
            step.as_str(),
            describe(&who.checkpoint),
            list(&who.approvers),
            list(&who.performers)
        ));
        if who.unknown_author {
            text.push_str(
                "      written by somebody whom policy does not name, so nobody may approve it\n",
            );
        }
        if let Some(authors) = who.authors.as_ref().filter(|authors| !authors.is_empty()) {
            text.push_str(&format!("      written by: {}\n", authors.join(", ")));
        }
    }
    out::data(&text)
}

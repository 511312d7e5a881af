//! Reads the sources and enforces the table of rooms in `docs/architecture.md`: which room may use which, what a room
//! never names, no folder without a row, no file without a `//!` line.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A row of the table: the rooms it may use and the names that never stand in it.
struct Room {
    uses: &'static [&'static str],
    never: &'static [&'static str],
}

const TERMINAL: &[&str] = &["crossterm", "ratatui"];
const PURE: &[&str] = &[
    "crossterm",
    "ratatui",
    "tokio",
    "git2",
    "std::fs",
    "std::env",
    "std::process",
    "std::net",
    "std::thread",
    "SystemTime::now",
    "Instant::now",
    "Utc::now",
    "Local::now",
];
const ENGINE: &[&str] = &["runbook", "evidence", "trust", "engine"];

fn rooms() -> BTreeMap<&'static str, Room> {
    let below_driver: &[&str] = &[
        "runbook", "evidence", "trust", "engine", "timeline", "exercise", "host", "library",
        "identity", "logs", "journal", "outbox",
    ];
    BTreeMap::from([
        (
            "evidence",
            Room {
                uses: &[],
                never: PURE,
            },
        ),
        (
            "runbook",
            Room {
                uses: &["evidence"],
                never: PURE,
            },
        ),
        (
            "trust",
            Room {
                uses: &["runbook", "evidence"],
                never: PURE,
            },
        ),
        (
            "engine",
            Room {
                uses: &["runbook", "evidence", "trust"],
                never: PURE,
            },
        ),
        (
            "timeline",
            Room {
                uses: ENGINE,
                never: PURE,
            },
        ),
        (
            "exercise",
            Room {
                uses: &["runbook", "evidence", "trust", "engine", "timeline"],
                never: PURE,
            },
        ),
        (
            "host",
            Room {
                uses: &["evidence"],
                never: TERMINAL,
            },
        ),
        (
            "library",
            Room {
                uses: &["runbook", "evidence", "trust", "host"],
                never: TERMINAL,
            },
        ),
        (
            "identity",
            Room {
                uses: &["evidence", "trust", "host"],
                never: &["crossterm", "ratatui", "git2"],
            },
        ),
        (
            "logs",
            Room {
                uses: &["evidence", "runbook", "host"],
                never: &["crossterm", "ratatui", "git2"],
            },
        ),
        (
            "journal",
            Room {
                uses: &["runbook", "evidence", "trust", "engine", "identity", "host"],
                never: TERMINAL,
            },
        ),
        (
            "outbox",
            Room {
                uses: &["runbook", "evidence", "trust", "engine", "timeline", "host"],
                never: &["crossterm", "ratatui", "git2"],
            },
        ),
        (
            "driver",
            Room {
                uses: below_driver,
                never: TERMINAL,
            },
        ),
        (
            "tui",
            Room {
                uses: &[
                    "runbook", "evidence", "trust", "engine", "timeline", "exercise", "logs",
                ],
                never: &[
                    "git2",
                    "tokio",
                    "std::fs",
                    "std::process",
                    "std::env",
                    "Utc::now",
                    "Local::now",
                    // Of the logs it knows values, and nothing that reads.
                    "logs::source",
                    "logs::index",
                    "Viewer",
                ],
            },
        ),
        (
            "serve",
            Room {
                uses: &["evidence"],
                never: &["crossterm", "ratatui", "git2", "std::fs", "std::process"],
            },
        ),
        (
            "cli",
            Room {
                uses: &[
                    "runbook", "evidence", "trust", "engine", "timeline", "exercise", "host",
                    "library", "identity", "logs", "journal", "outbox", "driver", "tui", "serve",
                ],
                never: &[],
            },
        ),
    ])
}

/// Every fault of one file, as `path:line: what`.
fn faults(path: &str, text: &str, rooms: &BTreeMap<&str, Room>) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.starts_with("//!") {
        faults.push(format!(
            "{path}:1: the file does not open with a `//!` line"
        ));
    }
    let mut parts = path.trim_start_matches("src/").split('/');
    let (Some(room), true) = (parts.next(), parts.next().is_some()) else {
        return faults;
    };
    let Some(row) = rooms.get(room) else {
        faults.push(format!(
            "{path}:1: the folder `{room}` has no row in the table"
        ));
        return faults;
    };
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if line.trim_start().starts_with("//") {
            continue;
        }
        for used in names_after(line, "crate::")
            .into_iter()
            .chain(names_in_braces(line))
        {
            if rooms.contains_key(used) && used != room && !row.uses.contains(&used) {
                faults.push(format!("{path}:{number}: `{room}` may not use `{used}`"));
            }
        }
        for name in row.never {
            if names(line, name) {
                faults.push(format!("{path}:{number}: `{room}` never names `{name}`"));
            }
        }
    }
    faults
}

/// Whether the line names this path as a whole word.
fn names(line: &str, name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(name).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(word)
            && !line[at + name.len()..].chars().next().is_some_and(word)
    })
}

fn names_after<'a>(line: &'a str, prefix: &str) -> Vec<&'a str> {
    line.match_indices(prefix)
        .map(|(at, _)| {
            let rest = &line[at + prefix.len()..];
            &rest[..rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len())]
        })
        .collect()
}

/// `use crate::{engine::…, host}` on one line.
fn names_in_braces(line: &str) -> Vec<&str> {
    let Some(inner) = line.trim_start().strip_prefix("use crate::{") else {
        return Vec::new();
    };
    inner
        .split([',', ' ', '}'])
        .map(|name| name.split("::").next().unwrap_or_default())
        .collect()
}

fn sources(dir: &Path, found: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path
                .strip_prefix(env!("CARGO_MANIFEST_DIR"))
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn every_source_file_keeps_to_the_table_of_rooms() {
    let mut found = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    assert!(found.len() > 50, "only {} files were read", found.len());
    let rooms = rooms();
    let faults: Vec<_> = found
        .iter()
        .flat_map(|(path, text)| faults(path, text, &rooms))
        .collect();
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn every_row_has_a_folder_and_every_folder_a_row_in_the_docs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    for (room, row) in rooms() {
        assert!(
            root.join("src").join(room).is_dir(),
            "src/{room} is gone: take its row out"
        );
        let line = docs
            .lines()
            .find(|line| line.starts_with(&format!("| `{room}/` |")))
            .unwrap_or_else(|| panic!("docs/architecture.md has no row for {room}"));
        let may_use = line.split('|').nth(3).unwrap();
        for used in row.uses {
            assert!(
                may_use.contains(used),
                "docs/architecture.md: the row of {room} does not say that it may use {used}"
            );
        }
    }
}

#[test]
fn planted_faults_are_found() {
    let rooms = rooms();
    let planted = [
        (
            "src/engine/x.rs",
            "//! X.\nuse crate::host::clock;\n",
            "`engine` may not use `host`",
        ),
        (
            "src/engine/x.rs",
            "//! X.\nuse crate::{evidence, journal};\n",
            "`engine` may not use `journal`",
        ),
        (
            "src/engine/x.rs",
            "//! X.\nlet now = chrono::Utc::now();\n",
            "`engine` never names `Utc::now`",
        ),
        (
            "src/tui/x.rs",
            "//! X.\nuse std::fs;\n",
            "`tui` never names `std::fs`",
        ),
        (
            "src/attic/x.rs",
            "//! X.\n",
            "the folder `attic` has no row",
        ),
        (
            "src/engine/x.rs",
            "fn x() {}\n",
            "does not open with a `//!` line",
        ),
    ];
    for (path, text, expected) in planted {
        let found = faults(path, text, &rooms);
        assert!(
            found.iter().any(|fault| fault.contains(expected)),
            "{path}: {text:?} gave {found:?}"
        );
    }
    assert!(
        faults(
            "src/engine/x.rs",
            "//! X.\nuse crate::evidence::Digest;\n// crate::host\n",
            &rooms
        )
        .is_empty()
    );
}

/// Where the numbered cases of checkpoints go through the engine, and where through the real program.
const ENGINE_CASES: &[&str] = &["tests/engine"];
const COMMAND_LINE_CASES: &[&str] = &[
    "tests/cases",
    "tests/checkpoints.rs",
    "tests/elsewhere.rs",
    "tests/gate",
    "tests/gates.rs",
    "tests/terminal/answers.rs",
    "tests/walk.rs",
];

#[test]
fn every_case_of_a_checkpoint_is_shown_through_the_engine_and_through_the_command_line() {
    let numbers = |places: &[&str]| -> std::collections::BTreeSet<u32> {
        places
            .iter()
            .flat_map(|place| {
                let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(place);
                let mut texts = Vec::new();
                match fs::read_to_string(&place) {
                    Ok(text) => texts.push((String::new(), text)),
                    Err(_) => sources(&place, &mut texts),
                }
                texts
            })
            .flat_map(|(_, text)| cases(&text))
            .collect()
    };
    let wanted: std::collections::BTreeSet<u32> = (1..=22).chain([44]).collect();
    for (end, places) in [
        ("engine", ENGINE_CASES),
        ("command line", COMMAND_LINE_CASES),
    ] {
        let missing: Vec<_> = wanted.difference(&numbers(places)).copied().collect();
        assert!(missing.is_empty(), "no test through the {end}: {missing:?}");
    }
}

/// The numbers of the tests in this text: `case_NN_words` right behind `#[test]`.
fn cases(text: &str) -> Vec<u32> {
    text.split("#[test]\nfn case_")
        .skip(1)
        .map(|rest| {
            let (number, words) = rest.split_at(2);
            assert!(words.starts_with('_'), "case_NN_words: {}", &rest[..20]);
            number.parse().unwrap()
        })
        .collect()
}

/// Every page, runbook and source that is shipped, below this folder.
fn pages(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        } else if path
            .extension()
            .is_some_and(|end| end == "md" || end == "yaml" || end == "rs" || end == "py")
        {
            found.push(path);
        }
    }
}

#[test]
fn no_page_has_marks_of_a_merge_in_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![root.join("README.md"), root.join("CHANGELOG.md")];
    for dir in ["docs", "runbooks", "src", "tests", "themes"] {
        pages(&root.join(dir), &mut found);
    }
    assert!(found.len() > 500, "the pages are somewhere else");
    for path in found {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let marked = text.lines().position(|line| {
            ["<", ">"]
                .iter()
                .any(|mark| line.starts_with(&format!("{} ", mark.repeat(7))))
        });
        assert!(
            marked.is_none(),
            "{}:{}",
            path.display(),
            marked.unwrap_or(0) + 1
        );
    }
}

//! From the bytes of a file to a runbook, a policy or a scenario, with every structural problem and its place.
//! Knows nothing of other files; `check` does.

use super::decode::{Decode, Decoder};
use super::file::RunbookFile;
use super::model::Runbook;
use super::policy::Policy;
use super::policy_file::PolicyFile;
use super::problem::{Place, Problem, Severity};
use super::scenario::file::ScenarioFile;
use super::scenario::{self, Scenario};
use super::{resolve, yaml};

/// A file as far as it could be read.
#[derive(Debug, Clone)]
pub(crate) struct Reading<T> {
    pub file: Option<T>,
    pub problems: Vec<Problem>,
    /// Whether something was left out, so that names may seem unknown.
    pub lossy: bool,
}

pub(crate) fn read<T: Decode>(path: &str, bytes: &[u8], what: &str) -> Reading<T> {
    let source = match yaml::source(path, bytes) {
        Ok(source) => source,
        Err(problem) => {
            return Reading {
                file: None,
                problems: vec![*problem],
                lossy: true,
            };
        }
    };
    let (tree, problems) = source.read(path);
    let mut decoder = Decoder {
        file: path,
        problems,
        lossy: false,
    };
    let file = tree.and_then(|tree| T::decode(&tree, what, &mut decoder));
    Reading {
        lossy: decoder.lossy || file.is_none(),
        file,
        problems: decoder.problems,
    }
}

fn usable<T, M>(reading: Reading<T>, resolve: impl Fn(&T) -> M) -> (Option<M>, Vec<Problem>) {
    let Reading {
        file,
        mut problems,
        lossy,
    } = reading;
    problems.sort_by_key(|problem| (problem.line, problem.column));
    let wrong = lossy
        || problems
            .iter()
            .any(|problem| problem.severity == Severity::Error);
    let model = file.filter(|_| !wrong).map(|file| resolve(&file));
    (model, problems)
}

/// The runbook in a file, or every structural problem of it. `path` is only for messages.
#[must_use]
pub fn runbook(path: &str, bytes: &[u8]) -> (Option<Runbook>, Vec<Problem>) {
    if scenario::is_scenario(bytes) {
        let start = Place { line: 1, column: 1 };
        let what = "this is the scenario of an exercise and no runbook";
        return (None, vec![Problem::error(path, start, "scenario", what)]);
    }
    usable(
        read::<RunbookFile>(path, bytes, "runbook"),
        resolve::runbook,
    )
}

/// The policy in a file, or every structural problem of it. `path` is only for messages.
#[must_use]
pub fn policy(path: &str, bytes: &[u8]) -> (Option<Policy>, Vec<Problem>) {
    usable(read::<PolicyFile>(path, bytes, "policy"), resolve::policy)
}

/// The scenario in a file, or every structural problem of it. `path` is only for messages.
#[must_use]
pub fn scenario(path: &str, bytes: &[u8]) -> (Option<Scenario>, Vec<Problem>) {
    usable(
        read::<ScenarioFile>(path, bytes, "scenario"),
        scenario::resolve::scenario,
    )
}

pub use super::header::{Header, read as header};

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY_KEY: &str = include_str!("../../tests/runbooks/every-key.yaml");

    #[test]
    fn the_example_with_every_key_is_read_without_a_problem() {
        let (runbook, problems) = runbook("every-key.yaml", EVERY_KEY.as_bytes());
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(problems.is_empty(), "{}", shown.join("\n"));
        assert_eq!(runbook.map(|runbook| runbook.steps.len()), Some(13));
        assert_eq!(
            header(EVERY_KEY.as_bytes()).map(|header| header.steps),
            Some(13)
        );
    }

    #[test]
    fn the_documented_examples_are_read_without_a_problem() {
        let runbook_text = include_bytes!("../../tests/runbooks/as-documented.yaml");
        let (found, problems) = runbook("leaked-cloud-key.yaml", runbook_text);
        assert!(found.is_some() && problems.is_empty(), "{problems:?}");
        let policy_text = include_bytes!("../../tests/runbooks/policy.yaml");
        let (found, problems) = policy("policy.yaml", policy_text);
        assert!(found.is_some() && problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn every_structural_problem_is_reported_with_its_place() {
        let text = "id: a\ntitel: x\nsteps:\n  - id: one\n    run: x\n    ask: {}\n    timeout: 30\n    run: y\n  - chekpoint: {}\n";
        let (runbook, problems) = runbook("a.yaml", text.as_bytes());
        assert_eq!(runbook, None);
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "a.yaml:1:1: error: `runbook` has no `title`",
                "a.yaml:2:1: error: unknown key `titel` in `runbook` (did you mean `title`?)",
                "a.yaml:6:5: error: `step` can be only one of `run`, `decide`, `ask`, `wait`, `notify`, `collect`, `uses`, `parallel` (leave one of them)",
                "a.yaml:7:14: error: `timeout` takes a duration such as `30s`, not `30` (say the unit: `30s`, `30m`)",
                "a.yaml:8:5: error: the key `run` is here twice (keep one of them)",
                "a.yaml:9:5: error: unknown key `chekpoint` in `step` (did you mean `checkpoint`?)",
                "a.yaml:9:5: error: `step` has no `id`",
            ]
        );
    }

    #[test]
    fn text_is_taken_as_written_and_booleans_are_strict() {
        let text = "id: a\ntitle: 5\nowner: yes\ninputs: {n: {default: 0x10, secret: yes}}\nsteps: [{id: b}]\n";
        let (_, problems) = runbook("a.yaml", text.as_bytes());
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            ["a.yaml:4:37: error: `secret` takes `true` or `false`, not `yes`"]
        );
    }

    #[test]
    fn hostile_yaml_is_one_problem_and_quick() {
        let bomb = "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n";
        let deep = "[".repeat(10_000);
        let dashes = "- ".repeat(10_000);
        let huge = " ".repeat(100 << 20);
        let many = "- a\n".repeat(200_000);
        let files: [(&str, &[u8]); 11] = [
            ("alias", bomb.as_bytes()),
            ("deep", deep.as_bytes()),
            ("dashes", dashes.as_bytes()),
            ("huge", huge.as_bytes()),
            ("many", many.as_bytes()),
            ("tag", b"id: !!python/object a\n"),
            ("latin", b"id: caf\xe9\n"),
            ("two", b"id: a\n---\nid: b\n"),
            ("unknown alias", b"id: *nope\n"),
            ("merge", b"<<: *nope\n"),
            ("nul", b"id: \0\n"),
        ];
        for (name, bytes) in files {
            let (runbook, problems) = runbook("a.yaml", bytes);
            assert!(runbook.is_none() && !problems.is_empty(), "{name}");
            assert!(problems.len() <= 110, "{name}: {}", problems.len());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
            let _ = runbook("a", &bytes);
            let _ = policy("a", &bytes);
            let _ = header(&bytes);
        }

        #[test]
        fn no_text_with_the_signs_of_yaml_makes_it_panic(text in "[a-e:{}\\[\\],\"'|>&*!#?% \n-]{0,200}") {
            let _ = runbook("a", text.as_bytes());
            let _ = header(text.as_bytes());
        }
    }
}

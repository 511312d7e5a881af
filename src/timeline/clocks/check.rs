//! What can be wrong with a library's clocks before an incident: their files, and the names its policy gives.
//! Knows nothing of where files come from.

use super::{Regime, parse, shipped};
use crate::runbook::decode::At;
use crate::runbook::parse as files;
use crate::runbook::policy_file::PolicyFile;
use crate::runbook::problem::{Problem, quoted, suggest};
use crate::runbook::words::Label;

/// Every problem of the clock files, and of `clocks:` in the policy, each given as its path and content.
#[must_use]
pub fn check(clocks: &[(&str, &[u8])], policy: Option<(&str, &[u8])>) -> Vec<Problem> {
    let library = parse(clocks.iter().copied());
    let mut problems = library.problems;
    // A file that could not be read may be the one that is named.
    let unread = !problems.is_empty();
    if let Some((path, bytes)) = policy
        && !unread
    {
        // What else is wrong with the policy is told by its own check.
        let file = files::read::<PolicyFile>(path, bytes, "policy").file;
        let named = file.and_then(|file| file.clocks).unwrap_or_default();
        problems.extend(unknown(path, &named, &library.regimes));
    }
    problems
}

fn unknown(path: &str, named: &[At<Label>], own: &[Regime]) -> Vec<Problem> {
    let known: Vec<&str> = own
        .iter()
        .chain(shipped())
        .map(|regime| regime.id.as_str())
        .collect();
    named
        .iter()
        .filter(|name| !known.contains(&name.value.0.as_str()))
        .map(|name| {
            let what = format!("no clock is called {}", quoted(&name.value.0));
            Problem::error(path, name.at, "unknown-clock", what)
                .maybe_hint(suggest(&name.value.0, &known))
        })
        .collect()
}

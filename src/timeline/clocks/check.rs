//! What can be wrong with a library's clocks before an incident: their files, and the names its policy and its scenarios
//! give.
//! Knows nothing of where files come from.

use super::{NOT_APPLICABLE, Regime, parse, shipped};
use crate::runbook::decode::At;
use crate::runbook::parse as files;
use crate::runbook::policy_file::PolicyFile;
use crate::runbook::problem::{Problem, Severity, quoted, suggest};
use crate::runbook::scenario::file::{ScenarioFile, SubmittedFile};
use crate::runbook::scenario::words::DecisionName;
use crate::runbook::words::Label;

/// The most names of one scenario that are reported.
const MOST: usize = 50;

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

/// Every name of a clock, a stage or a decision in these scenarios that no clock has, each given as its path and content.
#[must_use]
pub fn check_scenarios(clocks: &[(&str, &[u8])], scenarios: &[(&str, &[u8])]) -> Vec<Problem> {
    let library = parse(clocks.iter().copied());
    if !library.problems.is_empty() {
        return Vec::new();
    }
    let regimes: Vec<&Regime> = library.regimes.iter().chain(shipped()).collect();
    let mut problems = Vec::new();
    for (path, bytes) in scenarios {
        // What else is wrong with it is told by its own check.
        let Some(file) = files::read::<ScenarioFile>(path, bytes, "scenario").file else {
            continue;
        };
        let found = file.proofs().filter_map(|proof| {
            let submitted = proof.value.submitted.as_ref();
            let decision = proof.value.decision.as_ref();
            let submitted = submitted.and_then(|it| stage(path, it, &regimes));
            submitted.or_else(|| doubt(path, decision?, &regimes))
        });
        problems.extend(found.take(MOST));
    }
    problems
}

fn stage(path: &str, submitted: &SubmittedFile, regimes: &[&Regime]) -> Option<Problem> {
    let clock = &submitted.clock;
    let Some(regime) = regimes.iter().find(|regime| regime.id == clock.value.0) else {
        let what = format!("no clock is called {}", quoted(&clock.value.0));
        let known: Vec<&str> = regimes.iter().map(|regime| regime.id.as_str()).collect();
        let problem = Problem::error(path, clock.at, "unknown-clock", what);
        return Some(problem.maybe_hint(suggest(&clock.value.0, &known)));
    };
    let stage = submitted.stage.as_ref()?;
    let known: Vec<&str> = regime
        .stages
        .iter()
        .map(|stage| stage.id.as_str())
        .collect();
    if known.contains(&stage.value.0.as_str()) {
        return None;
    }
    let what = format!(
        "{} has no stage {}",
        quoted(&regime.id),
        quoted(&stage.value.0)
    );
    let problem = Problem::error(path, stage.at, "unknown-stage", what);
    Some(problem.maybe_hint(suggest(&stage.value.0, &known)))
}

/// Any decision can be named; one that no clock counts from may be a slip.
fn doubt(path: &str, decision: &At<DecisionName>, regimes: &[&Regime]) -> Option<Problem> {
    let text = decision.value.0.as_str();
    let (clock, name) = match text.split_once('/') {
        Some((clock, name)) => (Some(clock), name),
        None => (None, text),
    };
    let meant = regimes
        .iter()
        .filter(|regime| clock.is_none_or(|clock| regime.id == clock));
    let mut known: Vec<&str> = meant.flat_map(|regime| regime.decisions()).collect();
    known.sort_unstable();
    known.dedup();
    if known.contains(&name) || (name == NOT_APPLICABLE && !known.is_empty()) {
        return None;
    }
    let what = format!("no clock counts from {}", quoted(text));
    let problem = Problem::new(
        path,
        decision.at,
        Severity::Warning,
        "unknown-decision",
        what,
    );
    Some(problem.maybe_hint(suggest(name, &known)))
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

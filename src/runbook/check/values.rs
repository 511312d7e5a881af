//! What can be wrong in the values of one runbook: what inputs, questions and outputs are called, and what inputs take.

use super::report::Report;
use crate::runbook::file::{InputFile, RunbookFile};
use crate::runbook::floor::RULE_WORDS;
use crate::runbook::input::InputProblem;
use crate::runbook::problem::Place;
use crate::runbook::resolve;

/// A question or output that takes the place of an input.
pub(super) fn twice(runbook: &RunbookFile, report: &mut Report<'_, '_>) {
    let inputs = runbook.inputs.iter().flat_map(|named| &named.0);
    let inputs: Vec<&str> = inputs.map(|(name, _)| name.value.0.as_str()).collect();
    for step in &runbook.steps.value {
        let asked = step
            .value
            .ask
            .iter()
            .flat_map(|named| &named.0)
            .map(|(name, _)| name);
        let outputs = step
            .value
            .outputs
            .iter()
            .flat_map(|named| &named.0)
            .map(|(name, _)| name);
        for name in asked.chain(outputs) {
            if inputs.contains(&name.value.0.as_str()) {
                let what = format!(
                    "{} takes the place of the input of that name",
                    report.show(&name.value.0)
                );
                report.warn(
                    name.at,
                    "name-twice",
                    what,
                    Some("give it another name".to_owned()),
                );
            }
        }
    }
}

/// Names that mean something to programs, whatever their case.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let exact = [
        "PATH",
        "HOME",
        "IFS",
        "ENV",
        "BASH_ENV",
        "SHELL",
        "PWD",
        "OLDPWD",
        "USER_ID",
        "UID",
        "EUID",
        "PS4",
        "CDPATH",
        "TMPDIR",
        "LANG",
        "TERM",
        "SHELLOPTS",
        "BASHOPTS",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "PYTHONPATH",
        "PERL5LIB",
        "RUBYLIB",
        "NODE_OPTIONS",
    ];
    let prefix = ["LD_", "DYLD_", "RUNSHEET_", "LC_", "GIT_SSH", "BASH_FUNC"];
    exact.contains(&upper.as_str()) || prefix.iter().any(|prefix| upper.starts_with(prefix))
}

/// The name of an input, question or output.
pub(super) fn name(at: Place, name: &str, report: &mut Report<'_, '_>) {
    if is_reserved(name) || name == "_" {
        let what = format!(
            "{} means something to the shell or to other programs",
            report.show(name)
        );
        report.error(
            at,
            "reserved-name",
            what,
            Some("give it another name".to_owned()),
        );
    } else if RULE_WORDS.contains(&name) {
        let what = format!(
            "{} means the step's own in rules of the policy",
            report.show(name)
        );
        report.warn(
            at,
            "reserved-name",
            what,
            Some("give it another name".to_owned()),
        );
    }
}

/// An input: its name, its pattern and its default.
pub(super) fn input(at: Place, name: &str, file: &InputFile, report: &mut Report<'_, '_>) {
    self::name(at, name, report);
    if let Some(pattern) = &file.pattern {
        report.pattern(pattern.at, &pattern.value.0);
    }
    let Some(default) = &file.default else { return };
    let model = resolve::input(name, file);
    if model.secret {
        let what = "a secret has no default: it would be in the repository".to_owned();
        report.error(default.at, "secret-default", what, None);
    } else if file.pattern.is_some() || !model.choices.is_empty() || file.kind.is_some() {
        let refused = model.accept(&default.value.0).err();
        let broken = matches!(refused, Some(InputProblem::BrokenPattern { .. }));
        if let Some(refused) = refused.filter(|_| !broken) {
            report.error(
                default.at,
                "bad-default",
                format!("the default will not do: {refused}"),
                None,
            );
        }
    }
}

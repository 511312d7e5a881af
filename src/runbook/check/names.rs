//! The names of values in a runbook, and whether what a text uses is one of them.
//! Knows nothing of what the values will be.

use std::collections::HashMap;

use super::report::Report;
use crate::runbook::decode::At;
use crate::runbook::file::RunbookFile;
use crate::runbook::problem::{Place, suggest};
use crate::runbook::text::{braces, dollars};
use crate::runbook::words::{Text, is_name};

/// Every value a run of this runbook may have, and whether it is secret.
pub(crate) struct Names<'r> {
    known: HashMap<&'r str, bool>,
}

/// Where a text ends up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// In the record, or on a screen.
    Recorded,
    /// In the environment of a script only.
    Private,
}

impl<'r> Names<'r> {
    pub fn of(runbook: &'r RunbookFile) -> Self {
        let mut known = HashMap::new();
        let inputs = runbook.inputs.iter().flat_map(|named| &named.0);
        let steps = || runbook.steps.value.iter().map(|step| &step.value);
        let asked = steps().flat_map(|step| step.ask.iter().flat_map(|named| &named.0));
        for (name, input) in inputs.chain(asked) {
            let secret = input.secret.as_ref().is_some_and(|at| at.value.0);
            *known.entry(name.value.0.as_str()).or_default() |= secret;
        }
        for (name, output) in
            steps().flat_map(|step| step.outputs.iter().flat_map(|named| &named.0))
        {
            let secret = output.secret.as_ref().is_some_and(|at| at.value.0);
            *known.entry(name.value.0.as_str()).or_default() |= secret;
        }
        Self { known }
    }

    pub fn contains(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    pub fn is_secret(&self, name: &str) -> bool {
        self.known.get(name).copied().unwrap_or(false)
    }

    pub fn hint(&self, wrong: &str) -> Option<String> {
        let mut names: Vec<&str> = self.known.keys().copied().collect();
        names.sort_unstable();
        suggest(wrong, &names)
    }

    fn unknown(&self, at: Place, name: &str, report: &mut Report<'_, '_>) {
        let what = format!(
            "no input, output or question is called {}",
            report.show(name)
        );
        report.error(at, "unknown-name", what, self.hint(name));
    }

    /// `{{ name }}` in text that people read.
    pub fn read_by_people(&self, text: &At<Text>, report: &mut Report<'_, '_>) {
        self.said(text, &[], report);
    }

    /// The same where some names stand for more: the groups of a pattern.
    pub fn said(&self, text: &At<Text>, groups: &[&str], report: &mut Report<'_, '_>) {
        let words = &text.value.0;
        if !words.contains("{{") {
            return;
        }
        for (start, _, name) in braces(words) {
            let at = text.inside(words, start);
            if !is_name(name) {
                let what = format!("{} is not the name of a value", report.show(name));
                report.error(
                    at,
                    "bad-braces",
                    what,
                    Some("only `{{ name }}` is filled in".to_owned()),
                );
            } else if groups.contains(&name) {
                continue;
            } else if !self.contains(name) {
                self.unknown(at, name, report);
            } else if self.is_secret(name) {
                let what = format!("the secret {} would be shown here", report.show(name));
                report.error(at, "secret-shown", what, Some("leave it out".to_owned()));
            }
        }
    }

    /// `$name` in a value; `item` is known inside a `foreach`.
    pub fn in_value(&self, text: &At<Text>, item: bool, fate: Fate, report: &mut Report<'_, '_>) {
        let words = &text.value.0;
        if !words.contains('$') {
            return;
        }
        for (start, _, name) in dollars(words) {
            let at = text.inside(words, start);
            if name == "item" && item {
                continue;
            }
            if !self.contains(name) {
                self.unknown(at, name, report);
            } else if fate == Fate::Recorded && self.is_secret(name) {
                let what = format!("the secret {} would be recorded here", report.show(name));
                report.error(
                    at,
                    "secret-recorded",
                    what,
                    Some("give it to a script through `env`".to_owned()),
                );
            }
        }
    }

    /// A `when` of a step or option.
    pub fn in_expression(&self, text: &At<Text>, report: &mut Report<'_, '_>) {
        for name in report.expression(text) {
            if self.contains(&name) {
                if self.is_secret(&name) {
                    let what = format!(
                        "the secret {} would be told by the answer",
                        report.show(&name)
                    );
                    report.error(text.at, "secret-recorded", what, None);
                }
                continue;
            }
            let found = text.value.0.find(name.as_str()).unwrap_or(0);
            self.unknown(text.inside(&text.value.0, found), &name, report);
        }
    }
}

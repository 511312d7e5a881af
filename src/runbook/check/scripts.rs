//! What can be wrong inside a script: unknown variables, placeholders, hidden characters, unsaid danger.
//! Reads shell only as far as these need. Knows nothing of where a script runs.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::names::Names;
use super::report::Report;
use crate::runbook::decode::At;
use crate::runbook::problem::is_deceptive;
use crate::runbook::text::{braces, dollars};
use crate::runbook::words::Text;

/// What else a script's variables can be.
pub(crate) struct Around<'a> {
    /// The names of the step's own `env`.
    pub env: Vec<&'a str>,
    /// Whether the step is done for each item.
    pub item: bool,
    /// Whether it is a shell that reads it.
    pub shell: bool,
}

pub(crate) fn check(
    script: &At<Text>,
    names: &Names<'_>,
    around: &Around<'_>,
    report: &mut Report<'_, '_>,
) {
    let text = script.value.0.as_str();
    if text.trim().is_empty() {
        report.error(script.at, "empty", "the script is empty".to_owned(), None);
        return;
    }
    hidden(script, report);
    if text.contains('<') {
        placeholders(script, report);
    }
    if text.contains("{{") {
        pasted(script, names, report);
    }
    if around.shell && text.contains('$') {
        variables(script, names, around, report);
    }
}

fn hidden(script: &At<Text>, report: &mut Report<'_, '_>) {
    let text = script.value.0.as_str();
    for (offset, char) in text.char_indices() {
        let control = char.is_control() && !matches!(char, '\n' | '\t');
        if control || (!char.is_ascii() && is_deceptive(char)) {
            let what = format!(
                "the script holds the character U+{:04X}, which hides what it does",
                u32::from(char)
            );
            report.error(
                script.inside(text, offset),
                "deceptive-script",
                what,
                Some("take it out".to_owned()),
            );
        }
    }
}

static PLACEHOLDER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"<[A-Za-z][A-Za-z0-9_-]*( [A-Za-z0-9_-]+){0,3}>").ok());

fn placeholders(script: &At<Text>, report: &mut Report<'_, '_>) {
    let text = script.value.0.as_str();
    for found in PLACEHOLDER.iter().flat_map(|regex| regex.find_iter(text)) {
        let before = text[..found.start()].chars().next_back();
        // `(?P<name>…)`, `(?<name>…)` and `<<EOF >file` are no placeholders.
        if matches!(before, Some('P' | '?' | '<')) {
            continue;
        }
        let what = format!(
            "the placeholder {} is left in the script",
            report.show(found.as_str())
        );
        let hint = "make it an input and write \"$name\"".to_owned();
        report.error(
            script.inside(text, found.start()),
            "placeholder",
            what,
            Some(hint),
        );
    }
}

/// Values are never pasted into scripts; `{{ .Names }}` of other programs is theirs.
fn pasted(script: &At<Text>, names: &Names<'_>, report: &mut Report<'_, '_>) {
    let text = script.value.0.as_str();
    for (offset, _, name) in braces(text) {
        if names.contains(name) {
            let what = format!(
                "{} is not filled in here",
                report.show(&format!("{{{{ {name} }}}}"))
            );
            let hint = format!("a script sees it as \"${name}\"");
            report.error(
                script.inside(text, offset),
                "braces-in-script",
                what,
                Some(hint),
            );
        }
    }
}

fn variables(
    script: &At<Text>,
    names: &Names<'_>,
    around: &Around<'_>,
    report: &mut Report<'_, '_>,
) {
    let text = script.value.0.as_str();
    let mut own: Option<BTreeSet<&str>> = None;
    let mut told: Vec<&str> = Vec::new();
    for (offset, _, name) in dollars(text) {
        let known = names.contains(name)
            || around.env.contains(&name)
            || (around.item && name == "item")
            || name == "_";
        if known || told.contains(&name) || quoted_away(text, offset) {
            continue;
        }
        if own.get_or_insert_with(|| assigned(text)).contains(name) {
            continue;
        }
        told.push(name);
        let what = format!("nothing gives ${name} a value");
        report.warn(
            script.inside(text, offset),
            "unknown-variable",
            what,
            names.hint(name),
        );
    }
}

/// Whether a place is inside single quotes, where a shell replaces nothing.
fn quoted_away(text: &str, offset: usize) -> bool {
    let (mut single, mut double, mut escaped) = (false, false, false);
    for byte in text.as_bytes().iter().take(offset) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if !single => escaped = true,
            b'\'' if !double => single = !single,
            b'"' if !single => double = !double,
            _ => {}
        }
    }
    single
}

static ASSIGNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?m)(?:(?:^|[\s;&|({`])(?P<a>[a-z_][a-z0-9_]*)(?:\+?=|\[[^\]]*\]=))|\bfor\s+(?P<f>[a-z_][a-z0-9_]*)|\b(?:read|mapfile|readarray|local|export|declare|typeset|readonly|getopts|printf\s+-v)\b(?P<r>[^;|&\n<]*)|\$\{(?P<d>[a-z_][a-z0-9_]*):?=",
    )
    .ok()
});

/// The names a script gives values to itself.
fn assigned(text: &str) -> BTreeSet<&str> {
    let mut own = BTreeSet::new();
    for groups in ASSIGNED.iter().flat_map(|regex| regex.captures_iter(text)) {
        for group in ["a", "f", "d"] {
            own.extend(groups.name(group).map(|name| name.as_str()));
        }
        let words = groups
            .name("r")
            .map(|words| words.as_str())
            .unwrap_or_default();
        own.extend(
            words
                .split_whitespace()
                .map(|word| word.split('=').next().unwrap_or_default()),
        );
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_s_own_names_are_known() {
        let text = "a=1; for b in x; do :; done\nwhile read -r c d; do local e=2 f; done; export g=1; : ${h:=2}";
        let own = assigned(text);
        for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            assert!(own.contains(name), "{name}");
        }
        assert!(!own.contains("x"));
    }

    #[test]
    fn single_quotes_keep_a_dollar() {
        let text = r#"jq '$x' "it's $y" \'$z"#;
        let places: Vec<bool> = dollars(text)
            .iter()
            .map(|(at, _, _)| quoted_away(text, *at))
            .collect();
        assert_eq!(places, [true, false, false]);
    }
}

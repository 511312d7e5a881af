//! Lines of a collected log that the runbook says are worth an entry. Pure; nothing is recorded by it.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::stamp::Stamp;
use crate::evidence::Digest;
use crate::runbook::model::{LineClass, LineRule};
use crate::runbook::{pattern, text};

/// The most lines of one log that are suggested: more is no timeline.
pub const MOST: usize = 500;

/// So much of a line is looked at.
const LONGEST: usize = 16 << 10;

/// An entry that a person may accept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Suggested {
    /// The line with its end, half open.
    pub range: (u64, u64),
    /// Of these bytes.
    pub sha256: Digest,
    /// Its own moment, or that of the line it belongs to.
    pub stamp: Option<Stamp>,
    pub text: String,
    pub class: LineClass,
}

/// The entries that the rules find, in the order of the lines. The first rule that matches a line counts; one that cannot
/// be used finds nothing.
#[must_use]
pub fn suggested(
    log: &[u8],
    rules: &[LineRule],
    values: &BTreeMap<String, String>,
    clock: impl Fn(&[u8]) -> Option<Stamp>,
) -> Vec<Suggested> {
    let rules: Vec<(Regex, &LineRule)> = rules
        .iter()
        .filter_map(|rule| Some((pattern::regex(&rule.pattern).ok()?, rule)))
        .collect();
    let mut found = Vec::new();
    let mut stamp = None;
    let mut at = 0;
    for line in log.split_inclusive(|byte| *byte == b'\n') {
        let start = at;
        at += line.len();
        stamp = clock(line).or(stamp);
        let content = super::view::pattern::content(line);
        let content = String::from_utf8_lossy(&content[..content.len().min(LONGEST)]);
        let matched = rules
            .iter()
            .find_map(|(regex, rule)| Some((regex, rule, regex.captures(&content)?)));
        let Some((regex, rule, captures)) = matched else {
            continue;
        };
        let text = match &rule.say {
            None => content.trim().to_owned(),
            Some(say) => {
                let mut values = values.clone();
                let groups = regex.capture_names().flatten();
                values.extend(groups.map(|name| {
                    let value = captures.name(name).map_or("", |group| group.as_str());
                    (name.to_owned(), value.to_owned())
                }));
                text::fill(say, &values, &BTreeSet::new())
            }
        };
        found.push(Suggested {
            range: (start as u64, at as u64),
            sha256: Digest::of(line),
            stamp,
            text,
            class: rule.class,
        });
        if found.len() >= MOST {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(pattern: &str, say: Option<&str>, class: LineClass) -> LineRule {
        LineRule {
            pattern: pattern.to_owned(),
            say: say.map(str::to_owned),
            class,
        }
    }

    #[test]
    fn the_first_rule_that_matches_says_what_and_groups_are_filled_in() {
        let log = b"1 Accepted publickey for bob\n  of the line above: Accepted publickey for eve\n2 \xff COMMAND=ls\n3 x";
        let rules = [
            rule(
                r"Accepted publickey for (?P<user>\S+)",
                Some("login of {{ user }} to {{ account }}"),
                LineClass::Adversary,
            ),
            rule("for|COMMAND", None, LineClass::Note),
            rule("(", None, LineClass::Note),
        ];
        let values = BTreeMap::from([("account".to_owned(), "prod".to_owned())]);
        let clock = |line: &[u8]| {
            let digit = line.first().filter(|byte| byte.is_ascii_digit())?;
            Some(Stamp(i64::from(digit - b'0')))
        };
        let found = suggested(log, &rules, &values, clock);
        let told: Vec<_> = found
            .iter()
            .map(|entry| (entry.text.as_str(), entry.class, entry.stamp))
            .collect();
        assert_eq!(
            told,
            [
                ("login of bob to prod", LineClass::Adversary, Some(Stamp(1))),
                ("login of eve to prod", LineClass::Adversary, Some(Stamp(1))),
                ("2 \u{fffd} COMMAND=ls", LineClass::Note, Some(Stamp(2))),
            ]
        );
        let (start, end) = found[2].range;
        let line = &log[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
        assert_eq!(line, b"2 \xff COMMAND=ls\n");
        assert_eq!(found[2].sha256, Digest::of(line));
    }

    #[test]
    fn a_rule_that_matches_everything_does_not_flood_the_list() {
        let log = "x\n".repeat(3 * MOST);
        let rules = [rule("x", None, LineClass::Note)];
        let found = suggested(log.as_bytes(), &rules, &BTreeMap::new(), |_| None);
        assert_eq!(found.len(), MOST);
    }
}

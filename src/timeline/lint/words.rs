//! Words that must not leave, and words that look for somebody to blame.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::{Findings, Level, Subject};
use crate::engine::EventId;
use crate::engine::details::Tlp;
use crate::evidence::redact::{Redactor, Rule};
use crate::timeline::{Row, Timeline};

/// The phrases and what to write instead, as data.
const BLAME: &str = include_str!("blame.tsv");
/// A telephone number as people write it to be called from anywhere.
const PHONE: &str = r"(?:^|[^\w.+-])\+[1-9][0-9]{0,2}[ ()/.-]{0,2}[0-9](?:[ ()/.-]?[0-9]){6,12}\b";

/// So much may be kept of how the phrases are told apart. With less it is forgotten again and again, and a long timeline
/// takes many times as long.
const KEPT: usize = 32 << 20;

/// Every phrase, compiled. A phrase that cannot be compiled is left out; a test reads them all.
struct Blame {
    phrases: Vec<(&'static str, Regex, &'static str)>,
    set: RegexSet,
}

static WORDS: LazyLock<Blame> = LazyLock::new(|| {
    let phrases: Vec<_> = lines()
        .filter_map(|(phrase, instead)| {
            let regex = RegexBuilder::new(&pattern(phrase))
                .case_insensitive(true)
                .build();
            Some((phrase, regex.ok()?, instead))
        })
        .collect();
    let set = RegexSetBuilder::new(phrases.iter().map(|(_, regex, _)| regex.as_str()))
        .case_insensitive(true)
        .dfa_size_limit(KEPT)
        .build()
        .unwrap_or_default();
    Blame { phrases, set }
});

static PHONES: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(PHONE).ok());

/// Phrases and suggestions.
fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = BLAME.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('\t'))
}

/// A phrase as an expression over whole words. A word does not begin or end at a `-` or `'`: `no-blame` is none.
fn pattern(phrase: &str) -> String {
    let words: Vec<_> = phrase
        .split_whitespace()
        .map(|word| word.replace('*', r"\w+").replace('\'', "['’]"))
        .collect();
    format!(
        r"(?:^|[^\w'’-])(?P<phrase>{})(?:$|[^\w-])",
        words.join(r"\s+")
    )
}

/// The first phrase of blame in a text, and what to write instead.
fn blaming(text: &str) -> Option<(&str, &'static str)> {
    let words = &*WORDS;
    let first = words.set.matches(text).into_iter().next()?;
    let (phrase, regex, instead) = words.phrases.get(first)?;
    let found = regex.captures(text).and_then(|found| found.name("phrase"));
    Some((found.map_or(*phrase, |found| found.as_str()), instead))
}

/// A text somebody wrote, and the entry it stands at.
struct Text<'a> {
    entry: EventId,
    row: Option<&'a Row>,
    what: &'static str,
    text: &'a str,
}

fn texts(timeline: &Timeline) -> Vec<Text<'_>> {
    let mut all: Vec<_> = timeline
        .rows
        .iter()
        .map(|row| Text {
            entry: row.event,
            row: Some(row),
            what: "the entry",
            text: &row.text,
        })
        .collect();
    let at = |entry, what, text| Text {
        entry,
        row: None,
        what,
        text,
    };
    for one in &timeline.followups {
        all.push(at(one.event, "the follow-up", &one.text));
        all.extend(
            one.notes
                .iter()
                .map(|note| at(one.event, "a word about the follow-up", &note.text)),
        );
    }
    for gate in &timeline.checkpoints {
        all.push(at(
            gate.request.event,
            "the script of the checkpoint",
            &gate.script,
        ));
    }
    for over in &timeline.overrides {
        all.push(at(
            over.said.event,
            "the script of the override",
            &over.script,
        ));
    }
    all
}

pub(super) fn look(subject: &Subject<'_>, found: &mut Findings) {
    let shown = subject.shown();
    let rules: Vec<Rule> = subject
        .state
        .incident
        .iter()
        .flat_map(|one| one.policy.redact.iter())
        .filter_map(|rule| {
            Some(Rule {
                name: rule.name.clone(),
                pattern: rule.pattern.clone()?,
            })
        })
        .collect();
    // A policy whose rules cannot be used still has the built-in ones.
    let secrets = Redactor::new(&rules).or_else(|_| Redactor::new(&[]));
    let mails = secrets.clone().map(|secrets| secrets.also(&["email"]));
    let people: Vec<&str> = subject
        .whole
        .header
        .people
        .iter()
        .map(|one| one.principal.as_str())
        .collect();
    let outside = subject
        .part
        .is_some_and(|(_, reader)| reader.tlp <= Tlp::Green);
    for text in texts(shown) {
        if let (Ok(secrets), Ok(mails)) = (&secrets, &mails) {
            secret(&text, secrets, found);
            personal(&text, mails, &people, outside, found);
        }
        blame(&text, found);
    }
}

fn put(found: &mut Findings, rule: &'static str, text: &Text<'_>, what: String, hint: &str) {
    found.put(rule, text.row, what, hint);
    found.about(text.entry);
}

fn named(by_rule: &BTreeMap<String, u64>) -> String {
    by_rule
        .keys()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

fn secret(text: &Text<'_>, secrets: &Redactor, found: &mut Findings) {
    let by_rule = secrets.text(text.text).by_rule;
    if !by_rule.is_empty() {
        let what = format!(
            "{} holds what looks like a secret ({})",
            text.what,
            named(&by_rule)
        );
        let hint =
            "change that secret, and keep the entry inside: runsheet describe INC ENTRY --tlp red";
        put(found, "secret", text, what, hint);
    }
}

fn personal(
    text: &Text<'_>,
    mails: &Redactor,
    people: &[&str],
    outside: bool,
    found: &mut Findings,
) {
    let mut words = text.text.to_owned();
    // Who took part is in the record anyhow.
    for principal in people {
        words = words.replace(principal, "");
    }
    let mut kinds = Vec::new();
    if words.contains('@') {
        let mail = mails.text(&words).by_rule.contains_key("email");
        kinds.extend(mail.then_some("a mail address"));
    }
    let phone = PHONES.as_ref().is_some_and(|phone| phone.is_match(&words));
    kinds.extend(phone.then_some("a telephone number"));
    if !kinds.is_empty() {
        let what = format!("{} holds {}", text.what, kinds.join(" and "));
        let hint = "leave it out of what goes out: runsheet correct INC ENTRY TEXT --reason R, or runsheet describe INC ENTRY --tlp amber";
        put(found, "personal-data", text, what, hint);
        if outside {
            found.level(Level::Error);
        }
    }
}

fn blame(text: &Text<'_>, found: &mut Findings) {
    let Some((phrase, instead)) = blaming(text.text) else {
        return;
    };
    if let Some(row) = text.row {
        let by_machine = matches!(row.kind, "line.noted" | "step.finished" | "step.started");
        let corrected = row
            .corrections
            .last()
            .is_some_and(|one| blaming(&one.text).is_none());
        if by_machine || corrected {
            return;
        }
    }
    let what = format!("{} blames: “{}”", text.what, phrase.trim());
    let hint = format!("{instead}: runsheet correct INC ENTRY TEXT --reason R");
    put(found, "blame", text, what, &hint);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_an_expression_with_a_suggestion() {
        assert_eq!(WORDS.phrases.len(), lines().count());
        assert!(lines().count() > 40);
        assert!(
            BLAME
                .lines()
                .all(|line| line.starts_with('#') || line.contains('\t'))
        );
        assert!(PHONES.is_some());
        for (phrase, instead) in lines() {
            let plain = phrase.split('(').next().unwrap_or_default();
            assert!(!instead.is_empty());
            if plain == phrase {
                assert!(blaming(&format!("and {phrase}.")).is_some(), "{phrase}");
            }
        }
    }

    #[test]
    fn whole_words_are_found_and_parts_of_words_are_not() {
        for text in [
            "Bob should  have checked",
            "this was HUMAN ERROR.",
            "it's her fault",
            "he shouldn’t have",
            "Carol failed to notice it",
            "(careless)",
        ] {
            assert!(blaming(text).is_some(), "{text}");
        }
        for text in [
            "the default route",
            "a segfault in the fault domain",
            "no-blame review",
            "failed to start the unit",
            "git blame-ish",
            "the stupidity-check passed",
            "a page fault",
        ] {
            assert!(blaming(text).is_none(), "{text}: {:?}", blaming(text));
        }
    }
}

//! Whether what goes out to an audience is what is meant to: nothing of what is left out, and all that is for them.

use std::collections::BTreeSet;

use super::{Findings, Subject};
use crate::timeline::audience::marking;
use crate::timeline::{Row, Timeline};

/// Shorter names stand in other words by chance.
const SHORTEST: usize = 4;

pub(super) fn look(subject: &Subject<'_>, found: &mut Findings) {
    let Some((part, reader)) = subject.part else {
        return;
    };
    let seen: BTreeSet<_> = part.rows.iter().map(|row| row.event).collect();
    let left_out = || {
        subject
            .whole
            .rows
            .iter()
            .filter(|row| !seen.contains(&row.event))
    };
    for row in left_out() {
        if row.about.audiences.contains(&reader.name) {
            let what = format!(
                "is for {} and does not reach them: class {}, TLP:{}",
                reader.name,
                row.class.word(),
                marking(row, None).word().to_uppercase()
            );
            let hint = "runsheet describe INC ENTRY --tlp T --class C";
            found.put("never-shown", Some(row), what, hint);
        }
        if row.kind == "milestone.reached" {
            let what = format!("is left out: {}", row.text);
            found.put(
                "milestone-withheld",
                Some(row),
                what,
                "runsheet describe INC ENTRY --tlp clear, if they may know",
            );
        }
    }
    leaks(part, left_out(), found);
}

/// Names of things that only left-out entries tell of, in texts that are shown.
fn leaks<'a>(part: &Timeline, left_out: impl Iterator<Item = &'a Row>, found: &mut Findings) {
    let names = |row: &'a Row| row.about.assets.iter().chain(&row.about.indicators);
    let told: BTreeSet<&str> = part
        .rows
        .iter()
        .flat_map(|row| row.about.assets.iter().chain(&row.about.indicators))
        .map(String::as_str)
        .collect();
    let hidden: BTreeSet<&str> = left_out
        .flat_map(names)
        .map(String::as_str)
        .filter(|name| name.chars().count() >= SHORTEST && !told.contains(name))
        .collect();
    for row in &part.rows {
        for name in hidden.iter().filter(|name| holds(&row.text, name)) {
            let what = format!("names {name}, which only left-out entries tell of");
            found.put("leak", Some(row), what, "runsheet correct does not take it back: mark it, runsheet describe INC ENTRY --tlp amber");
        }
    }
}

/// Whether a text holds a name as a word of its own.
fn holds(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, found)| {
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        !word(text[..at].chars().next_back()) && !word(text[at + found.len()..].chars().next())
    })
}

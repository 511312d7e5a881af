//! Lessons as changes of a text, line by line. A change is only made where the text, read again, is the same runbook but
//! for it; else what was learnt stands as a comment at the top.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Lesson;
use crate::runbook::model::{Runbook, StepId};
use crate::runbook::{parse, places};

/// What is done to a text: lines put before a line, and lines written anew. Lines are counted from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Edits {
    pub before: BTreeMap<usize, Vec<String>>,
    pub anew: BTreeMap<usize, String>,
}

impl Edits {
    /// The text with them.
    pub fn applied(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 1024);
        for (index, line) in text.split_inclusive('\n').enumerate() {
            for added in self.before.get(&index).into_iter().flatten() {
                out.push_str(added);
            }
            out.push_str(self.anew.get(&index).map_or(line, String::as_str));
        }
        out
    }
}

/// The changes these lessons make, and what could not be put where it belongs.
pub(super) fn edits(text: &str, lessons: &[Lesson], mark: &str) -> (Edits, Vec<String>) {
    let Some(was) = parse::runbook("", text.as_bytes()).0 else {
        let why = "the runbook cannot be read any more: everything stands at its top";
        return (at_top(text, lessons, mark), vec![why.to_owned()]);
    };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let steps = places::steps(text).unwrap_or_default();
    let mut edits = Edits::default();
    let mut problems = Vec::new();
    let mut wanted = was.clone();
    for lesson in lessons {
        let Some(place) = steps.iter().find(|step| step.id == lesson.step) else {
            continue;
        };
        let index = usize::try_from(place.at.line)
            .unwrap_or(1)
            .saturating_sub(1);
        let line = lines.get(index).copied().unwrap_or_default();
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        let end = if line.ends_with("\r\n") { "\r\n" } else { "\n" };
        let comment = format!("{indent}# {mark}: {}{end}", lesson.what);
        edits.before.entry(index).or_default().push(comment);
        if let Some(due) = lesson.due {
            let changed = place
                .due
                .and_then(|(at, says)| longer(&lines, at, says, due));
            match changed.filter(|(index, _)| !edits.anew.contains_key(index)) {
                Some((index, line)) => {
                    edits.anew.insert(index, line);
                    set_due(&mut wanted, &lesson.step, due);
                }
                None => problems.push(format!("{}: `due` is left as it is", lesson.step)),
            }
        }
    }
    if parse::runbook("", edits.applied(text).as_bytes()).0 == Some(wanted) {
        return (edits, problems);
    }
    let comments = Edits {
        anew: BTreeMap::new(),
        ..edits
    };
    if parse::runbook("", comments.applied(text).as_bytes())
        .0
        .as_ref()
        == Some(&was)
    {
        problems.push("no number is changed: it would have changed more".to_owned());
        return (comments, problems);
    }
    problems.push(
        "comments at the steps would have changed more: everything stands at the top".to_owned(),
    );
    (at_top(text, lessons, mark), problems)
}

fn set_due(book: &mut Runbook, id: &StepId, within: Duration) {
    let due = book.steps.iter_mut().find(|step| step.id == *id);
    if let Some(due) = due.and_then(|step| step.due.as_mut()) {
        due.within = within;
    }
}

/// The line with this length of time in place of the one that stands there.
fn longer(
    lines: &[&str],
    at: crate::runbook::Place,
    says: Duration,
    due: Duration,
) -> Option<(usize, String)> {
    let index = usize::try_from(at.line).ok()?.checked_sub(1)?;
    let line = lines.get(index)?;
    let word = places::length_at(line, at.column, says)?;
    let before: String = line
        .chars()
        .take(usize::try_from(at.column).ok()?.checked_sub(1)?)
        .collect();
    let after = line.get(before.len() + word.len()..)?;
    Some((index, format!("{before}{}{after}", written(due))))
}

/// `25m`, `1h`, `1h30m`: whole minutes.
fn written(length: Duration) -> String {
    let minutes = length.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}m"),
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h{minutes}m"),
    }
}

fn at_top(text: &str, lessons: &[Lesson], mark: &str) -> Edits {
    let end = if text.lines().next().is_some() && text.contains("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let comments = lessons
        .iter()
        .map(|lesson| format!("# {mark}: {}: {}{end}", lesson.step, lesson.what));
    // A file may begin with a mark of its encoding, which has to stay first.
    let first = usize::from(text.starts_with('\u{feff}'));
    Edits {
        before: BTreeMap::from([(first, comments.collect())]),
        anew: BTreeMap::new(),
    }
}

//! Which lines of a runbook's text make up each step, so that git can say who wrote it. Where the text is laid out in a
//! way this does not follow, a step is all lines: then every author of the file is an author of the step.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::model::{Runbook, StepId};

/// The lines (from 1) of every step, together with those of the inputs, which every step may use.
#[must_use]
pub fn of_steps(text: &str, book: &Runbook) -> BTreeMap<StepId, Vec<RangeInclusive<usize>>> {
    let lines: Vec<&str> = text.lines().collect();
    let whole = vec![1..=lines.len().max(1)];
    let starts: Option<Vec<usize>> = book
        .steps
        .iter()
        .map(|step| start(&lines, step.id.as_str()))
        .collect();
    let Some(starts) = starts.filter(|starts| starts.is_sorted_by(|a, b| a < b)) else {
        return book
            .steps
            .iter()
            .map(|step| (step.id.clone(), whole.clone()))
            .collect();
    };
    let inputs = block(&lines, "inputs");
    book.steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let end = starts.get(index + 1).map_or(lines.len(), |next| next - 1);
            let mut ranges = vec![starts[index]..=end.max(starts[index])];
            ranges.extend(inputs.clone());
            (step.id.clone(), ranges)
        })
        .collect()
}

/// The one line that opens this step: `- id: NAME` or `- {id: NAME, …`.
fn start(lines: &[&str], id: &str) -> Option<usize> {
    let mut found = lines.iter().enumerate().filter(|(_, line)| {
        let rest = line.trim_start().strip_prefix('-').map(str::trim_start);
        let rest = rest.map(|rest| rest.strip_prefix('{').map_or(rest, str::trim_start));
        rest.and_then(|rest| rest.strip_prefix("id:"))
            .map(|value| value.trim_start().trim_start_matches(['"', '\'']))
            .and_then(|value| value.strip_prefix(id))
            .is_some_and(|after| {
                !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
            })
    });
    let (index, _) = found.next()?;
    found.next().is_none().then_some(index + 1)
}

/// A top-level key and the indented lines below it.
fn block(lines: &[&str], key: &str) -> Option<RangeInclusive<usize>> {
    let first = lines.iter().position(|line| {
        line.strip_prefix(key)
            .is_some_and(|rest| rest.starts_with(':'))
    })?;
    let more = lines[first + 1..]
        .iter()
        .take_while(|line| line.trim().is_empty() || line.starts_with([' ', '\t', '#']))
        .count();
    Some(first + 1..=first + 1 + more)
}

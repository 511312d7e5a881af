//! Where a run can go: steps nobody reaches, and rounds nobody ends. Knows nothing of what the steps do.

use std::collections::HashMap;

use super::report::Report;
use crate::runbook::file::{FailureFile, RunbookFile, StepFile};

const END: usize = usize::MAX;

pub(crate) fn check(runbook: &RunbookFile, report: &mut Report<'_, '_>) {
    let steps: Vec<&StepFile> = runbook.steps.value.iter().map(|step| &step.value).collect();
    let ids: HashMap<&str, usize> = steps
        .iter()
        .enumerate()
        .rev()
        .map(|(index, step)| (step.id.value.0.as_str(), index))
        .collect();
    let reached = reached(&steps, &ids);
    for (step, _) in steps.iter().zip(&reached).filter(|(_, reached)| !**reached) {
        let what = format!("no way leads to the step {}", report.show(&step.id.value.0));
        report.warn(
            step.id.at,
            "unreachable",
            what,
            Some("lead a `next` to it, or take it out".to_owned()),
        );
    }
    endless(&steps, &ids, &reached, report);
}

fn below(index: usize, steps: &[&StepFile]) -> usize {
    if index + 1 < steps.len() {
        index + 1
    } else {
        END
    }
}

fn target(id: &str, ids: &HashMap<&str, usize>) -> usize {
    ids.get(id).copied().unwrap_or(END)
}

/// Where a `next` leads; one that names no step is reported elsewhere and taken for the step below.
fn led(id: &str, plain: usize, ids: &HashMap<&str, usize>) -> usize {
    if id == "end" {
        return END;
    }
    ids.get(id).copied().unwrap_or(plain)
}

/// Where a step leads when it goes well.
fn onward(index: usize, steps: &[&StepFile], ids: &HashMap<&str, usize>) -> Vec<usize> {
    let Some(step) = steps.get(index) else {
        return Vec::new();
    };
    let plain = match &step.next {
        Some(next) => led(&next.value.0, below(index, steps), ids),
        None => below(index, steps),
    };
    match &step.options {
        // A skipped decision goes on as if it were no decision.
        Some(options) if !options.value.is_empty() => {
            let ways = options.value.iter().map(|option| match &option.next {
                Some(next) => led(&next.value.0, plain, ids),
                None => plain,
            });
            ways.chain(step.when.as_ref().map(|_| plain)).collect()
        }
        _ => vec![plain],
    }
}

fn reached(steps: &[&StepFile], ids: &HashMap<&str, usize>) -> Vec<bool> {
    let mut seen = vec![false; steps.len()];
    let mut open = vec![0];
    while let Some(index) = open.pop() {
        match seen.get_mut(index) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        open.extend(onward(index, steps, ids));
        let Some(step) = steps.get(index) else {
            continue;
        };
        if let Some(FailureFile::Next(failure)) = &step.on_failure {
            open.push(target(&failure.next.value.0, ids));
        }
        let lanes = step
            .parallel
            .iter()
            .flat_map(|lanes| lanes.value.iter().flatten());
        open.extend(lanes.map(|id| target(&id.value.0, ids)));
    }
    seen
}

/// A round of steps that lead on to each other, and no decision among them to leave it by.
fn endless(
    steps: &[&StepFile],
    ids: &HashMap<&str, usize>,
    reached: &[bool],
    report: &mut Report<'_, '_>,
) {
    let leads = |index: usize| match steps.get(index) {
        Some(step) if step.options.is_none() => {
            onward(index, steps, ids).first().copied().unwrap_or(END)
        }
        _ => END,
    };
    let mut round_of = vec![0usize; steps.len()];
    for start in 0..steps.len() {
        let round = start + 1;
        let mut at = start;
        while let Some(mark) = round_of.get_mut(at).filter(|mark| **mark == 0) {
            *mark = round;
            at = leads(at);
        }
        let Some(step) = steps.get(at) else { continue };
        if round_of.get(at) != Some(&round) || !reached.get(at).copied().unwrap_or(false) {
            continue;
        }
        let mut names = vec![step.id.value.0.as_str()];
        let mut next = leads(at);
        while let Some(step) = steps.get(next).filter(|_| next != at) {
            names.push(step.id.value.0.as_str());
            next = leads(next);
        }
        let shown: Vec<String> = names.iter().take(6).map(|name| report.show(name)).collect();
        let what = format!("an endless round without a decision: {}", shown.join(", "));
        // The step that leads back is the one to change.
        let back = names
            .iter()
            .filter_map(|name| steps.get(target(name, ids)))
            .find(|step| {
                step.next
                    .as_ref()
                    .is_some_and(|next| target(&next.value.0, ids) <= target(&step.id.value.0, ids))
            });
        let place = back
            .and_then(|step| step.next.as_ref())
            .map_or(step.id.at, |next| next.at);
        report.error(
            place,
            "endless",
            what,
            Some("put a `decide` into it".to_owned()),
        );
    }
}

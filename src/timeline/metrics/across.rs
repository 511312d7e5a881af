//! The figures of several incidents together: median, ninetieth percentile and how many there were to count. Drills and
//! the real thing are never counted together.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{APPROVALS, IMPACT, PHASES, RECORDING, SPANS, STEPS, ranks};
use crate::timeline::Timeline;

/// How the figures are made of those of the incidents.
const FORMULA: &str = "median and p90 by nearest rank over the incidents that have the figure; what is below zero (milestones in an odd order) is left out";

/// The figures of real incidents, and those of drills.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Across {
    pub formula: &'static str,
    pub live: Together,
    pub exercises: Together,
}

/// The figures of incidents of one kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Together {
    pub incidents: usize,
    /// One value for each incident.
    pub figures: Vec<Figure>,
    /// One value for each phase of each incident.
    pub phases: Vec<Figure>,
    /// One value for each walk through the step, `<runbook>/<step>`.
    pub steps: Vec<StepFigure>,
}

/// One figure over several values.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Figure {
    pub name: String,
    pub formula: String,
    /// How many values there are.
    pub n: usize,
    /// How many incidents have no such value, or one below zero.
    pub without: usize,
    /// How many of the values rest on a time that is a guess.
    pub estimated: usize,
    pub median_millis: Option<i64>,
    pub p90_millis: Option<i64>,
}

/// The same for a step, and how it ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct StepFigure {
    #[serde(flatten)]
    pub time: Figure,
    pub skipped: usize,
    pub failed: usize,
    /// More than the runbook gives it.
    pub over: usize,
}

/// Values as they are gathered: each with whether it is a guess.
#[derive(Default)]
struct Values(Vec<(i64, bool)>);

impl Values {
    fn put(&mut self, millis: Option<i64>, guess: bool) {
        self.0.extend(
            millis
                .filter(|millis| *millis >= 0)
                .map(|millis| (millis, guess)),
        );
    }

    fn figure(self, name: &str, formula: &str, of: usize) -> Figure {
        let [median_millis, p90_millis, _] = ranks(self.0.iter().map(|(millis, _)| *millis));
        Figure {
            name: name.to_owned(),
            formula: formula.to_owned(),
            n: self.0.len(),
            without: of.saturating_sub(self.0.len()),
            estimated: self.0.iter().filter(|(_, guess)| *guess).count(),
            median_millis,
            p90_millis,
        }
    }
}

/// The figures of these incidents.
#[must_use]
pub fn across(timelines: &[Timeline]) -> Across {
    let (drills, live): (Vec<_>, Vec<_>) = timelines.iter().partition(|one| one.is_exercise());
    Across {
        formula: FORMULA,
        live: together(&live),
        exercises: together(&drills),
    }
}

fn together(all: &[&Timeline]) -> Together {
    let of = all.len();
    let spans = SPANS.iter().map(|(name, _, to, from)| {
        let mut values = Values::default();
        let spans = all.iter().flat_map(|one| &one.metrics.spans);
        for span in spans.filter(|span| span.name == *name) {
            values.put(span.millis, span.estimated);
        }
        values.figure(name, &format!("{} − {}", to.word(), from.word()), of)
    });
    let one = |name: &str, formula: &str, value: &dyn Fn(&Timeline) -> (Option<i64>, bool)| {
        let mut values = Values::default();
        for timeline in all {
            let (millis, guess) = value(timeline);
            values.put(millis, guess);
        }
        values.figure(name, formula, of)
    };
    let rest = [
        one("Impact", IMPACT, &|one| {
            (one.metrics.impact.millis, one.metrics.impact.estimated)
        }),
        one(
            "Approval latency",
            &format!("p50 of each incident: {APPROVALS}"),
            &|one| (one.metrics.approvals.p50_millis, false),
        ),
        one(
            "Recording lag",
            &format!("p50 of each incident: {RECORDING}"),
            &|one| (one.metrics.recording.p50_millis, false),
        ),
    ];
    Together {
        incidents: of,
        figures: spans.chain(rest).collect(),
        phases: phases(all),
        steps: steps(all),
    }
}

fn phases(all: &[&Timeline]) -> Vec<Figure> {
    let mut found: Vec<(String, Values)> = Vec::new();
    for phase in all.iter().flat_map(|one| &one.metrics.walk.phases) {
        let name = phase.phase.as_deref().unwrap_or("(no phase)");
        let at = found.iter().position(|(known, _)| known == name);
        let at = at.unwrap_or_else(|| {
            found.push((name.to_owned(), Values::default()));
            found.len() - 1
        });
        found[at].1.put(Some(phase.millis), false);
    }
    found
        .into_iter()
        .map(|(name, values)| values.figure(&name, PHASES, all.len()))
        .collect()
}

fn steps(all: &[&Timeline]) -> Vec<StepFigure> {
    let mut found: BTreeMap<String, (Values, [usize; 3])> = BTreeMap::new();
    for step in all.iter().flat_map(|one| &one.metrics.walk.steps) {
        let name = format!("{}/{}", step.runbook, step.step);
        let (values, [skipped, failed, over]) = found.entry(name).or_default();
        *skipped += usize::from(step.end == "skipped");
        *failed += usize::from(step.end == "failed");
        *over += usize::from(step.is_over());
        // What was left out took no time.
        if step.end != "skipped" {
            values.put(Some(step.millis), false);
        }
    }
    found
        .into_iter()
        .map(|(name, (values, [skipped, failed, over]))| {
            let of = values.0.len();
            StepFigure {
                time: values.figure(&name, STEPS, of),
                skipped,
                failed,
                over,
            }
        })
        .collect()
}

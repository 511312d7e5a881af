//! How it went beside the last run of the same script, and beside real incidents of the same runbooks. What was measured
//! is compared, never who did it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::seal::{Rating, Verdict};
use super::{Against, Beside, Comparison, Count, Gathering, Middle, NowAndThen, Pair, Source};
use crate::timeline::metrics::across::{Figure as Several, across};
use crate::timeline::{Timeline, shown};

/// What one run of a script came to, for comparing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Run {
    pub incident: String,
    pub scenario: String,
    /// By real clocks.
    pub began: Option<DateTime<Utc>>,
    pub figures: Vec<Figure>,
    /// What the rules refused.
    pub refused: usize,
    /// Checkpoints gone through without approvals.
    pub overrides: usize,
    /// By id, with what was expected.
    pub expectations: Vec<(String, String, Verdict)>,
    /// By id, with the rating that holds.
    pub objectives: Vec<(String, String, Option<Rating>)>,
}

/// Something measured, in milliseconds of the clock that ruled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Figure {
    pub name: String,
    pub millis: Option<i64>,
}

impl Run {
    /// What this run came to.
    #[must_use]
    pub fn of(source: Source<'_>) -> Self {
        run(&Gathering::of(source))
    }
}

fn run(all: &Gathering<'_>) -> Run {
    let head = &all.timeline.header;
    Run {
        incident: head
            .incident
            .as_ref()
            .map_or_else(String::new, |id| id.short(4)),
        scenario: shown(&all.source.scenario.id),
        began: all.source.events.first().map(|event| event.recorded_at),
        figures: figures(&all.timeline),
        refused: all.score.refused.len(),
        overrides: all.score.overrides,
        expectations: all
            .score
            .expectations
            .iter()
            .map(|one| (shown(&one.id), shown(&one.action), one.verdict))
            .collect(),
        objectives: all
            .score
            .objectives
            .iter()
            .map(|one| {
                let rating = one.confirmed.or(one.proposed);
                (shown(&one.id), shown(&one.title), rating)
            })
            .collect(),
    }
}

/// The times between milestones, how long answers took, and the phases; in the names that `across` has for them.
fn figures(timeline: &Timeline) -> Vec<Figure> {
    let metrics = &timeline.metrics;
    let named = |name: &str, millis| Figure {
        name: name.to_owned(),
        millis,
    };
    let spans = metrics
        .spans
        .iter()
        .map(|span| named(span.name, span.millis));
    let waits = [named("Approval latency", metrics.approvals.p50_millis)];
    let phases = metrics.walk.phases.iter().map(|phase| {
        let name = phase.phase.as_deref().unwrap_or("(no phase)");
        named(&format!("Phase {name}"), Some(phase.millis))
    });
    spans.chain(waits).chain(phases).collect()
}

pub(super) fn comparison(all: &Gathering<'_>, last: Option<&Run>, real: &[Timeline]) -> Comparison {
    let own = run(all);
    Comparison {
        last: last.map(|last| beside(&own, last)),
        real: against(&own, all, real),
    }
}

fn beside(own: &Run, last: &Run) -> Beside {
    let mut figures: Vec<Pair> = Vec::new();
    for figure in own.figures.iter().chain(&last.figures) {
        if figures.iter().any(|pair| pair.name == figure.name) {
            continue;
        }
        let of = |run: &Run| {
            let found = run.figures.iter().find(|one| one.name == figure.name);
            found.and_then(|one| one.millis)
        };
        let pair = Pair {
            name: figure.name.clone(),
            now: of(own),
            then: of(last),
        };
        if pair.now.or(pair.then).is_some() {
            figures.push(pair);
        }
    }
    let verdicts = |run: &Run| -> Vec<(String, String, Option<Verdict>)> {
        let all = run.expectations.iter().cloned();
        all.map(|(id, text, verdict)| (id, text, Some(verdict)))
            .collect()
    };
    Beside {
        incident: shown(&last.incident),
        began: last.began,
        figures,
        counts: vec![
            Count {
                name: "Attempts refused",
                now: own.refused,
                then: last.refused,
            },
            Count {
                name: "Checkpoints gone through without approval",
                now: own.overrides,
                then: last.overrides,
            },
        ],
        expectations: paired(&verdicts(own), &verdicts(last)),
        objectives: paired(&own.objectives, &last.objectives),
    }
}

/// What this run has, then what only the last one had.
fn paired<T: Copy>(
    now: &[(String, String, Option<T>)],
    then: &[(String, String, Option<T>)],
) -> Vec<NowAndThen<T>> {
    let find = |all: &[(String, String, Option<T>)], id: &str| {
        all.iter().find(|one| one.0 == id).and_then(|one| one.2)
    };
    let gone = then
        .iter()
        .filter(|old| !now.iter().any(|one| one.0 == old.0));
    now.iter()
        .chain(gone)
        .map(|(id, text, _)| NowAndThen {
            id: shown(id),
            text: shown(text),
            now: find(now, id),
            then: find(then, id),
        })
        .collect()
}

fn against(own: &Run, all: &Gathering<'_>, real: &[Timeline]) -> Option<Against> {
    let runs = &all.timeline.header.runs;
    let is_of_it = |other: &&Timeline| {
        let theirs = &other.header.runs;
        let shares = |run: &crate::timeline::header::RunHead| {
            runs.iter().any(|own| own.runbook == run.runbook)
        };
        !other.is_exercise() && theirs.iter().any(shares)
    };
    let real: Vec<Timeline> = real.iter().filter(is_of_it).cloned().collect();
    if real.is_empty() {
        return None;
    }
    let together = across(&real).live;
    let phases = together.phases.into_iter().map(|phase| Several {
        name: format!("Phase {}", phase.name),
        ..phase
    });
    let others: Vec<Several> = together.figures.into_iter().chain(phases).collect();
    let middle = |figure: &Figure| {
        let found = others.iter().find(|one| one.name == figure.name);
        let median = found.and_then(|one| one.median_millis);
        figure.millis.or(median)?;
        Some(Middle {
            name: figure.name.clone(),
            now: figure.millis,
            median,
            p90: found.and_then(|one| one.p90_millis),
            n: found.map_or(0, |one| one.n),
        })
    };
    Some(Against {
        incidents: real.len(),
        figures: own.figures.iter().filter_map(middle).collect(),
    })
}

//! The first half of the postmortem: which incident, how bad, who took part, what the figures are.

use std::fmt::Write as _;

use super::syntax::{code, counted, known, length, prose, utc};
use super::{Page, counted_events};
use crate::engine::sentence::{Class, severity};
use crate::timeline::header::{Header, RunHead};
use crate::timeline::metrics::{Budget, Impact, Walk};
use crate::timeline::{Metrics, Row, Timeline};

pub(super) fn summary(page: &mut Page, timeline: &Timeline) {
    page.heading("Summary");
    let head = &timeline.header;
    let none = || "–".to_owned();
    let mut rows = vec![
        vec![
            "Incident".to_owned(),
            head.incident
                .as_ref()
                .map_or_else(none, |id| code(&format!("INC-{id}"))),
        ],
        vec![
            "Mode".to_owned(),
            if page.exercise {
                "**EXERCISE**"
            } else {
                "live"
            }
            .to_owned(),
        ],
        vec![
            "Severity".to_owned(),
            head.severity.map_or_else(none, |s| severity(s).to_owned()),
        ],
        vec![
            "Reference".to_owned(),
            head.reference.as_deref().map_or_else(none, prose),
        ],
        vec![
            "Alert".to_owned(),
            head.alert.as_deref().map_or_else(none, prose),
        ],
        vec![
            "Record begun".to_owned(),
            head.started.map_or_else(none, utc),
        ],
        vec![
            "Closed".to_owned(),
            head.closed.as_ref().map_or_else(
                || "not closed".to_owned(),
                |closed| format!("{} by {}", utc(closed.at), code(closed.by.as_str())),
            ),
        ],
    ];
    rows.extend(pinned(head));
    page.table(&["", ""], &rows);
    let pinned = timeline.rows.iter().filter(|row| row.about.pinned);
    told(page, pinned);
    page.ask("in three sentences, what happened, to whom, and how it ended. All times in this document are UTC.");
}

/// What the record stands on: runbooks, library, policy, and its own heads.
fn pinned(head: &Header) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for run in &head.runs {
        rows.push(vec!["Runbook".to_owned(), runbook(run)]);
    }
    if let Some(library) = &head.library {
        rows.push(vec![
            "Library".to_owned(),
            format!(
                "{} at {}, {} by {}: {}",
                code(&library.source),
                code(&library.commit),
                utc(library.date),
                prose(&library.author),
                prose(&library.subject)
            ),
        ]);
    }
    if let Some(policy) = &head.policy {
        let text = format!(
            "{} {}",
            code(&policy.commit),
            code(&policy.sha256.to_string())
        );
        rows.push(vec!["Policy".to_owned(), text]);
    }
    rows.push(vec![
        "Record".to_owned(),
        format!(
            "{}, heads {}",
            counted_events(head.events),
            code(&head.heads_sha256.to_string())
        ),
    ]);
    rows
}

fn runbook(run: &RunHead) -> String {
    let title = run
        .title
        .as_deref()
        .map(|title| format!("{} · ", prose(title)));
    let progress = run
        .progress
        .map(|(over, all)| format!(", {over} of {all} steps"));
    format!(
        "{}{} at {} ({} {}), run {} from {} by {}{}",
        title.unwrap_or_default(),
        code(&run.runbook),
        code(&run.commit),
        code(&run.path),
        code(&run.sha256.to_string()),
        code(run.run.as_str()),
        utc(run.started),
        code(run.by.as_str()),
        progress.unwrap_or_default()
    )
}

/// Some of the entries, a line each, as they are to be read.
fn told<'a>(page: &mut Page, rows: impl Iterator<Item = &'a Row>) {
    let lines: Vec<String> = rows
        .map(|row| {
            let corrected = row.corrections.last();
            let text = corrected.map_or(&row.text, |correction| &correction.text);
            let until = row
                .occurred_until
                .map(|until| format!(" to {}", known(until, row.fidelity)));
            format!(
                "- {}{}: {}",
                known(row.occurred_at, row.fidelity),
                until.unwrap_or_default(),
                prose(text)
            )
        })
        .collect();
    if !lines.is_empty() {
        page.paragraph(&lines.join("\n"));
    }
}

pub(super) fn impact(page: &mut Page, timeline: &Timeline) {
    page.heading("Impact");
    page.ask("who was affected, how, from when to when, and how that is known.");
    let entries = timeline.rows.iter();
    told(
        page,
        entries.filter(|row| row.class == Class::Impact && row.kind != "severity.changed"),
    );
    let rows: Vec<_> = timeline
        .header
        .severities
        .iter()
        .map(|change| {
            vec![
                utc(change.at),
                severity(change.severity).to_owned(),
                code(change.by.as_str()),
            ]
        })
        .collect();
    page.table(&["From (UTC)", "Severity", "Set by"], &rows);
}

pub(super) fn roles(page: &mut Page, head: &Header) {
    page.heading("Roles");
    let rows: Vec<_> = head
        .people
        .iter()
        .map(|person| {
            let unsigned = match person.unsigned {
                0 => String::new(),
                count => format!(", {count} of them unsigned"),
            };
            vec![
                code(person.principal.as_str()),
                person.name.as_deref().map(prose).unwrap_or_default(),
                person
                    .roles
                    .iter()
                    .map(|role| prose(role))
                    .collect::<Vec<_>>()
                    .join(", "),
                format!("{}{unsigned}", person.entries),
            ]
        })
        .collect();
    page.table(&["Principal", "Name", "Roles", "Entries"], &rows);
}

pub(super) fn milestones(page: &mut Page, head: &Header) {
    page.heading("Milestones");
    if head.milestones.is_empty() {
        page.none("None was recorded.");
        return;
    }
    let rows: Vec<_> = head
        .milestones
        .iter()
        .map(|milestone| {
            vec![
                milestone.milestone.word().to_owned(),
                known(milestone.at, milestone.fidelity),
                utc(milestone.recorded_at),
                code(milestone.by.as_str()),
            ]
        })
        .collect();
    page.table(
        &["Milestone", "Reached (UTC)", "Recorded (UTC)", "By"],
        &rows,
    );
}

pub(super) fn metrics(page: &mut Page, metrics: &Metrics) {
    page.heading("Metrics");
    let mut rows: Vec<_> = metrics
        .spans
        .iter()
        .map(|span| {
            let value = match span.millis {
                Some(millis) if span.estimated => format!("about {}", length(millis)),
                Some(millis) => length(millis),
                None => {
                    let missing: Vec<_> = span.missing.iter().map(|m| m.word()).collect();
                    format!("not known: {} missing", missing.join(" and "))
                }
            };
            vec![
                span.name.to_owned(),
                span.meaning.to_owned(),
                value,
                span.formula.clone(),
            ]
        })
        .collect();
    rows.push(hit(&metrics.impact));
    let approvals = &metrics.approvals;
    rows.push(vec![
        "Approval latency".to_owned(),
        counted(approvals.requests.len(), "request"),
        ranks([
            approvals.p50_millis,
            approvals.p90_millis,
            approvals.max_millis,
        ]),
        approvals.formula.to_owned(),
    ]);
    let recording = &metrics.recording;
    rows.push(vec![
        "Recording lag".to_owned(),
        format!(
            "{}, {} late",
            counted(recording.entries, "event"),
            recording.late
        ),
        ranks([
            recording.p50_millis,
            recording.p90_millis,
            recording.max_millis,
        ]),
        recording.formula.to_owned(),
    ]);
    page.table(&["Metric", "Of", "Value", "Formula"], &rows);
    waits(page, metrics);
    walk(page, &metrics.walk);
}

fn ranks(values: [Option<i64>; 3]) -> String {
    let [Some(p50), Some(p90), Some(most)] = values.map(|value| value.map(length)) else {
        return "none".to_owned();
    };
    format!("p50 {p50}, p90 {p90}, most {most}")
}

fn hit(impact: &Impact) -> Vec<String> {
    let value = match impact.millis {
        Some(millis) if impact.estimated => format!("about {}", length(millis)),
        Some(millis) => length(millis),
        None => format!("not known: {} missing", impact.missing.join(" and ")),
    };
    vec![
        "Impact".to_owned(),
        counted(impact.intervals.len(), "interval"),
        value,
        impact.formula.to_owned(),
    ]
}

fn walk(page: &mut Page, walk: &Walk) {
    if walk.steps.is_empty() {
        return;
    }
    page.paragraph(&format!("Time of a phase: {}.", walk.phases_formula));
    let rows: Vec<_> = walk
        .phases
        .iter()
        .map(|phase| {
            vec![
                prose(phase.phase.as_deref().unwrap_or("(no phase)")),
                length(phase.millis),
                phase.steps.to_string(),
                phase.over.to_string(),
            ]
        })
        .collect();
    page.table(&["Phase", "Time", "Steps", "Over budget"], &rows);
    page.paragraph(&format!("Time of a step: {}.", walk.steps_formula));
    let rows: Vec<_> = walk
        .steps
        .iter()
        .map(|step| {
            let budgets: Vec<_> = step.budgets.iter().map(budget).collect();
            vec![
                code(step.step.as_str()),
                prose(&step.end),
                length(step.millis),
                step.running_millis.map(length).unwrap_or_default(),
                budgets.join("; "),
            ]
        })
        .collect();
    page.table(&["Step", "End", "Time", "Running", "Budget"], &rows);
}

/// `due 15 min 0 s: 7 min 0 s over`
fn budget(budget: &Budget) -> String {
    let standing = match (budget.took_millis, budget.over()) {
        (_, Some(over)) => format!("**{} over**", length(over)),
        (Some(took), None) => format!("kept, {}", length(took)),
        (None, None) => format!(
            "not known: {} missing",
            budget.missing.as_deref().unwrap_or("an end")
        ),
    };
    format!("{} {}: {standing}", budget.key, length(budget.limit_millis))
}

fn waits(page: &mut Page, metrics: &Metrics) {
    for request in &metrics.approvals.requests {
        let waited = request.millis.map_or_else(
            || "not approved".to_owned(),
            |millis| format!("approved after {}", length(millis)),
        );
        let _ = writeln!(
            page.out,
            "- {}, asked {}: {waited}",
            prose(&request.step),
            utc(request.asked_at)
        );
    }
    if !metrics.approvals.requests.is_empty() {
        page.out.push('\n');
    }
    for warning in &metrics.warnings {
        page.paragraph(&format!("> {}", prose(warning)));
    }
}

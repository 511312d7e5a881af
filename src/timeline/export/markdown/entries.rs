//! The lists of the postmortem: what happened when, what was decided, who was told, what was captured.

use std::fmt::Write as _;

use super::Page;
use super::syntax::{code, known, length, prose, utc};
use crate::timeline::Timeline;
use crate::timeline::rows::Row;

pub(super) fn timeline(page: &mut Page, timeline: &Timeline) {
    page.heading("Timeline");
    let mut gaps = timeline.gaps.iter().peekable();
    let mut rows = Vec::with_capacity(timeline.rows.len());
    for (index, row) in timeline.rows.iter().enumerate() {
        if let Some(gap) = gaps.next_if(|gap| gap.before == index) {
            let words = format!("*nothing recorded for {}*", length(gap.millis));
            rows.push(vec![String::new(), String::new(), String::new(), words]);
        }
        let until = row
            .occurred_until
            .map(|until| format!(" to {}", known(until, row.fidelity)));
        rows.push(vec![
            format!(
                "{}{}",
                known(row.occurred_at, row.fidelity),
                until.unwrap_or_default()
            ),
            who(row),
            row.class.word().to_owned(),
            what(row),
        ]);
    }
    page.table(&["Time (UTC)", "Who", "Class", "What"], &rows);
}

fn who(row: &Row) -> String {
    let role = row.role.as_deref().map(|role| format!(" ({role})"));
    prose(&format!("{}{}", row.who, role.unwrap_or_default()))
}

fn what(row: &Row) -> String {
    let mut text = prose(&row.text);
    let mut marks: Vec<String> = row.late().into_iter().collect();
    if !row.signed {
        marks.push("unsigned".to_owned());
    }
    if row.after_closing {
        marks.push("after closing".to_owned());
    }
    if !marks.is_empty() {
        let _ = write!(text, " *({})*", marks.join(", "));
    }
    if !row.evidence.is_empty() {
        let digests: Vec<_> = row
            .evidence
            .iter()
            .map(|sha256| code(&sha256.short()))
            .collect();
        let _ = write!(text, " · evidence {}", digests.join(" "));
    }
    for correction in &row.corrections {
        let _ = write!(
            text,
            " · **corrected** by {} at {}: {} (because: {})",
            code(correction.by.as_str()),
            utc(correction.at),
            prose(&correction.text),
            prose(&correction.reason)
        );
    }
    for flag in &row.flags {
        let _ = write!(text, " · **does not fit**: {}", prose(flag));
    }
    text
}

pub(super) fn decisions(page: &mut Page, timeline: &Timeline) {
    page.heading("Decisions");
    if timeline.decisions.is_empty() {
        page.none("None was recorded.");
        return;
    }
    let rows: Vec<_> = timeline
        .decisions
        .iter()
        .map(|choice| {
            vec![
                utc(choice.at),
                code(choice.by.as_str()),
                prose(&choice.step),
                choice.question.as_deref().map(prose).unwrap_or_default(),
                prose(&choice.chosen),
                choice.suggested.as_deref().map(prose).unwrap_or_default(),
            ]
        })
        .collect();
    page.table(
        &[
            "Time (UTC)",
            "By",
            "Step",
            "Question",
            "Chosen",
            "Suggested",
        ],
        &rows,
    );
}

pub(super) fn updates(page: &mut Page, timeline: &Timeline) {
    page.heading("Stakeholder updates");
    if timeline.updates.is_empty() {
        page.none("None was recorded.");
        return;
    }
    let now = timeline.told_until().unwrap_or_default();
    let rows: Vec<_> = timeline
        .updates
        .iter()
        .map(|update| {
            let promised = timeline.promised(update, now);
            vec![
                utc(update.at),
                prose(&update.audience),
                update.state.as_deref().map(prose).unwrap_or_default(),
                prose(&update.message),
                promised.map_or_else(String::new, |(next, standing)| {
                    format!("{}: {standing}", utc(next.fixed_offset()))
                }),
                code(update.by.as_str()),
            ]
        })
        .collect();
    page.table(
        &[
            "Time (UTC)",
            "Audience",
            "State",
            "Message",
            "Next one promised by",
            "By",
        ],
        &rows,
    );
}

pub(super) fn evidence(page: &mut Page, timeline: &Timeline) {
    page.heading("Evidence");
    if timeline.evidence.is_empty() {
        page.none("None was captured.");
        return;
    }
    let rows: Vec<_> = timeline
        .evidence
        .iter()
        .map(|captured| {
            let range = captured
                .range
                .map(|(from, to)| format!(" bytes {from} to {to}"))
                .unwrap_or_default();
            let mut size = format!("{} bytes", captured.size);
            if captured.redacted > 0 {
                let _ = write!(size, ", {} redacted", captured.redacted);
            }
            if captured.dropped > 0 {
                let _ = write!(size, ", {} bytes not kept", captured.dropped);
            }
            if captured.withheld {
                size.push_str(", **withheld**");
            }
            vec![
                utc(captured.collected_at),
                prose(&captured.name),
                format!(
                    "{} on {}{range}",
                    code(&captured.source),
                    code(&captured.host)
                ),
                size,
                code(&captured.sha256.to_string()),
                code(captured.by.as_str()),
            ]
        })
        .collect();
    page.table(
        &["Collected (UTC)", "Name", "Source", "Size", "SHA-256", "By"],
        &rows,
    );
    custody(page, timeline);
}

/// How the logs among it were pulled.
fn custody(page: &mut Page, timeline: &Timeline) {
    let rows: Vec<_> = timeline
        .evidence
        .iter()
        .filter_map(|captured| {
            let pull = captured.pull.as_ref()?;
            let window = pull.window.map_or("all".to_owned(), |window| {
                format!("{} to {}", utc(window.from), utc(window.to))
            });
            let mut what = vec![format!("{} lines", pull.lines)];
            if let Some(clock) = pull.clock {
                what.push(format!(
                    "clock {:+} µs, within {} µs",
                    clock.ahead, clock.within
                ));
            }
            what.extend(
                pull.by_rule
                    .iter()
                    .map(|(rule, count)| format!("{count} × {}", prose(rule))),
            );
            what.extend(pull.incomplete.as_deref().map(prose));
            let original = captured
                .original_sha256
                .map(|digest| code(&digest.to_string()));
            Some(vec![
                code(&captured.sha256.to_string()[7..19]),
                window,
                what.join(", "),
                original.unwrap_or_default(),
                format!("{} to {}", utc(pull.started), utc(pull.ended)),
                prose(&pull.tool),
            ])
        })
        .collect();
    if !rows.is_empty() {
        page.table(
            &[
                "Evidence",
                "Window (UTC)",
                "What",
                "SHA-256 before redaction",
                "Pulled (UTC)",
                "With",
            ],
            &rows,
        );
    }
}

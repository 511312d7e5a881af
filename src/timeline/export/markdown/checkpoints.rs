//! Gates and overrides in the postmortem: what was to run, who signed what with which key, what is still owed.

use std::fmt::Write as _;

use super::Page;
use super::syntax::{block, code, prose, utc};
use crate::engine::exec::Purpose;
use crate::runbook::model::Risk;
use crate::timeline::Timeline;
use crate::timeline::checkpoints::{Checkpoint, Override, Said};

const HEAD: [&str; 6] = ["Time (UTC)", "Decision", "By", "Role", "Key", "Statement"];

pub(super) fn gates(page: &mut Page, timeline: &Timeline) {
    page.heading("Checkpoints");
    if timeline.checkpoints.is_empty() {
        page.none("No approval was asked for.");
    }
    for gate in &timeline.checkpoints {
        checkpoint(page, gate);
    }
}

fn checkpoint(page: &mut Page, gate: &Checkpoint) {
    let purpose = match gate.purpose {
        Purpose::Run => "",
        Purpose::DryRun => " (dry run)",
        Purpose::RollBack => " (roll back)",
    };
    let _ = write!(
        page.out,
        "### {}{purpose}: {}\n\n",
        prose(&gate.step),
        gate.status.word()
    );
    page.paragraph(&format!(
        "{} · {} on {} · gate: {} · runs {}",
        prose(&gate.title),
        risk(gate.risk),
        code(&gate.host),
        prose(&gate.gate),
        code(&gate.exec.to_string())
    ));
    page.paragraph(block(&gate.script).trim_end());
    let rows: Vec<_> = std::iter::once(&gate.request)
        .chain(&gate.answers)
        .chain(&gate.passed)
        .map(signed)
        .collect();
    page.table(&HEAD, &rows);
}

pub(super) fn overrides(page: &mut Page, timeline: &Timeline) {
    page.heading("Overrides and their review");
    if timeline.overrides.is_empty() {
        page.none("No checkpoint was gone through without its approvals.");
    }
    for over in &timeline.overrides {
        overridden(page, over);
    }
}

fn overridden(page: &mut Page, over: &Override) {
    let _ = write!(page.out, "### ! {}: overridden\n\n", prose(&over.step));
    page.paragraph(&format!(
        "{} · {} on {} · gate: {} · runs {}",
        prose(&over.title),
        risk(over.risk),
        code(&over.host),
        prose(&over.gate),
        code(&over.exec.to_string())
    ));
    page.paragraph(block(&over.script).trim_end());
    let review = over.review.as_ref().map(|review| &review.said);
    let rows: Vec<_> = std::iter::once(&over.said)
        .chain(review)
        .map(signed)
        .collect();
    page.table(&HEAD, &rows);
    let used = if over.used {
        "The step was started under it."
    } else {
        "The step was not started under it."
    };
    let debt = match &over.review {
        Some(review) if !over.owes_review() => format!(
            "Reviewed by {}: {}.",
            code(review.said.by.as_str()),
            if review.accepted {
                "accepted"
            } else {
                "**rejected**"
            }
        ),
        _ => "**A review by another person is owed.**".to_owned(),
    };
    page.paragraph(&format!("{used} {debt}"));
}

fn signed(said: &Said) -> Vec<String> {
    let mut decision = said.decision.to_owned();
    if let Some(reason) = &said.reason {
        let _ = write!(decision, ": {}", prose(reason));
    }
    for problem in &said.problems {
        let _ = write!(decision, " · **does not count**: {}", prose(problem));
    }
    vec![
        utc(said.at),
        decision,
        code(said.by.as_str()),
        said.role.as_deref().map(prose).unwrap_or_default(),
        said.fingerprint
            .as_deref()
            .map_or_else(|| "not readable".to_owned(), code),
        code(&said.statement.to_string()),
    ]
}

fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Routine => "routine",
        Risk::Privileged => "privileged",
        Risk::Destructive => "**destructive**",
    }
}

//! The report of a verification, for an auditor to file: who verified what, when, by which root of trust; what was looked
//! at; what was found. But for the first lines and what is late by now it says the same of the same record every time.

use serde_json::{Value, json};

use super::{CliError, config, out};
use crate::evidence::escape;
use crate::journal::verify::{Counts, Report, Severity};

/// The circumstances of a verification.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Head {
    /// RFC 3339, by this machine's clock.
    pub at: String,
    /// As whom, where that was said.
    pub principal: Option<String>,
    /// What was read: journal and references, or references alone.
    pub checked: String,
    /// The library that trust comes from, and the commit its branch stands at.
    pub library: Option<(String, String)>,
}

impl Head {
    fn lines(&self) -> Vec<(&'static str, String)> {
        let who = self.principal.clone().unwrap_or_else(config::account);
        let library = match &self.library {
            Some((source, commit)) => format!("{source} at {commit}"),
            None => "none: nothing says whether the policy is to be trusted".to_owned(),
        };
        vec![
            (
                "verified",
                format!(
                    "{} by {who} on {}, runsheet {}",
                    self.at,
                    config::host_name(),
                    env!("CARGO_PKG_VERSION")
                ),
            ),
            ("checked", self.checked.clone()),
            ("library", library),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "at": self.at, "account": config::account(), "host": config::host_name(), "principal": self.principal,
            "program": concat!("runsheet ", env!("CARGO_PKG_VERSION")), "checked": self.checked,
            "library": self.library.as_ref().map(|(source, commit)| json!({"source": source, "commit": commit})),
        })
    }
}

/// Prints the report of one record.
///
/// # Errors
/// When standard output is closed or full.
pub fn print(json: bool, head: &Head, id: &str, report: &Report) -> Result<(), CliError> {
    if json {
        return out::json(&document(head, id, report));
    }
    let lines = head.lines().into_iter().chain(looked_at(id, report));
    for (name, value) in lines {
        out::data(&format!("{name:<10} {}", escape::line(&value)))?;
    }
    for finding in &report.findings {
        let event = finding
            .event
            .map_or_else(|| "-".to_owned(), |event| event.to_string());
        out::data(&format!(
            "{:<10} {event} {}",
            word(finding.severity),
            escape::line(&finding.what)
        ))?;
    }
    let counts = &report.counts;
    out::data(&format!(
        "INC-{id}: {}: {} events of {} writers, {} published, {} pieces of evidence",
        verdict(report),
        counts.events,
        counts.writers,
        counts.published,
        counts.evidence
    ))
}

fn verdict(report: &Report) -> &'static str {
    match report.exit() {
        0 => "proven",
        1 => "VIOLATED",
        _ => "not fully provable",
    }
}

/// What was looked at, in the order in which a reader asks.
fn looked_at(id: &str, report: &Report) -> Vec<(&'static str, String)> {
    let counts = &report.counts;
    let ground = report.ground.as_ref();
    let genesis = ground.map_or_else(String::new, |ground| format!(", from {}", ground.genesis));
    let policy = ground.map_or_else(
        || "none".to_owned(),
        |ground| format!("{} {}", ground.policy.commit, ground.policy.sha256),
    );
    vec![
        ("record", format!("INC-{id}{genesis}")),
        ("policy", policy),
        (
            "events",
            format!(
                "{} of {} writers: form, digest, chain and order; {} published: commits",
                counts.events, counts.writers, counts.published
            ),
        ),
        ("signatures", signatures(counts)),
        (
            "passed",
            format!(
                "{} executions, with {} approvals",
                counts.consumed, counts.approvals_used
            ),
        ),
        (
            "overrides",
            format!("{}, of which {} reviewed", counts.overrides, counts.reviews),
        ),
        (
            "evidence",
            format!("{}, of which {} withheld", counts.evidence, counts.withheld),
        ),
    ]
}

fn signatures(counts: &Counts) -> String {
    let all: usize = counts.signatures.values().sum();
    let kinds: Vec<_> = counts
        .signatures
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    match kinds.as_slice() {
        [] => "0".to_owned(),
        kinds => format!("{all}: {}", kinds.join(", ")),
    }
}

fn document(head: &Head, id: &str, report: &Report) -> Value {
    let counts = &report.counts;
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| {
            json!({"severity": word(finding.severity), "event": finding.event, "what": finding.what})
        })
        .collect();
    json!({
        "incident": id, "verdict": verdict(report), "events": counts.events, "writers": counts.writers,
        "published": counts.published, "evidence": counts.evidence, "findings": findings,
        "verified": head.json(), "counts": counts,
        "genesis": report.ground.as_ref().map(|ground| ground.genesis),
        "policy": report.ground.as_ref().map(|ground| &ground.policy),
    })
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Owed => "owed",
        Severity::Violation => "violation",
    }
}

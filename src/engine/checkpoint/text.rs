//! The approval text: what an approver reads and what the `display` digest covers. One pure function of the request;
//! UTF-8, LF, escaped, never wrapped. Screens may wrap and colour it but drop no line.

use std::fmt::Write as _;

use crate::engine::exec::{ExecRecord, Purpose, Var};
use crate::engine::state::Incident;
use crate::evidence::escape;
use crate::runbook::model::Risk;
use crate::trust::{Mode, Principal};

/// The text for this record, asked for by this principal.
#[must_use]
pub fn approval_text(incident: &Incident, record: &ExecRecord, requester: &Principal) -> String {
    let mut text = String::new();
    let line = |out: &mut String, name: &str, value: &str| {
        let _ = writeln!(out, "{name:<10} {}", escape::frozen_line(value));
    };
    let mode = if incident.mode == Mode::Exercise {
        "EXERCISE"
    } else {
        "LIVE"
    };
    line(
        &mut text,
        "incident",
        &format!("{} {mode} {}", incident.id, incident.title),
    );
    line(
        &mut text,
        "step",
        &format!("{} {}", record.step, record.title),
    );
    line(&mut text, "risk", risk_word(record.risk));
    line(&mut text, "gate", &record.gate);
    line(&mut text, "asked by", requester.as_str());
    line(
        &mut text,
        "runbook",
        &format!(
            "{}@{} {}",
            record.runbook.path, record.runbook.commit, record.runbook.sha256
        ),
    );
    line(
        &mut text,
        "policy",
        &format!("{} {}", record.policy.commit, record.policy.sha256),
    );
    let limit = match record.exec.timeout {
        0 => "without a time limit".to_owned(),
        seconds => format!("at most {seconds}s"),
    };
    let verb = match record.exec.purpose {
        Purpose::Run => "will be done",
        Purpose::DryRun => "dry run",
        Purpose::RollBack => "ROLL BACK",
    };
    line(
        &mut text,
        verb_head(record),
        &format!(
            "{verb} on {} as {} in {}, {limit}, by {}",
            record.exec.host, record.exec.run_as, record.exec.cwd, record.executor.principal
        ),
    );
    if matches!(record.exec.kind.as_str(), "run" | "wait") {
        line(&mut text, "shell", &record.exec.shell.join(" "));
    }
    files(&mut text, record);
    block(&mut text, &record.exec.script);
    values(&mut text, record);
    text
}

/// What it runs beside its own words.
fn files(text: &mut String, record: &ExecRecord) {
    for (path, digest) in &record.exec.files {
        let _ = writeln!(text, "file       {digest} {}", escape::frozen_line(path));
    }
}

/// The values it will see, its harmless twin and its way back.
fn values(text: &mut String, record: &ExecRecord) {
    text.push_str("with\n");
    for (name, value) in &record.vars {
        let shown = match value {
            Var::Plain(value) => escape::frozen_line(value).into_owned(),
            Var::Secret(_) => "secret, not provable".to_owned(),
        };
        let _ = writeln!(text, "    {} = {shown}", escape::frozen_line(name));
    }
    for (name, script) in [("dry run", &record.dry_run), ("undo", &record.rollback)] {
        if let Some(script) = script {
            let _ = writeln!(text, "{name}");
            block(text, script);
        }
    }
}

fn verb_head(record: &ExecRecord) -> &'static str {
    if matches!(record.exec.kind.as_str(), "run" | "wait") {
        "runs"
    } else {
        "does"
    }
}

fn block(out: &mut String, script: &str) {
    for row in script.lines() {
        let _ = writeln!(out, "    {}", escape::frozen_line(row));
    }
}

fn risk_word(risk: Risk) -> &'static str {
    match risk {
        Risk::Routine => "routine",
        Risk::Privileged => "PRIVILEGED",
        Risk::Destructive => "DESTRUCTIVE",
    }
}

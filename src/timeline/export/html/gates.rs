//! Gates and overrides: what was to run, who signed what with which key, what is still owed.

use super::markup::{Markup, put};
use super::section;
use super::words::{Entry, Show, Who, clock, moment};
use crate::engine::event::Fidelity;
use crate::engine::exec::Purpose;
use crate::evidence::Digest;
use crate::runbook::model::Risk;
use crate::timeline::Timeline;
use crate::timeline::checkpoints::{Checkpoint, Override, Said, Status};

pub(super) fn checkpoints(page: &mut Markup, timeline: &Timeline) {
    section(page, "checkpoints", "Checkpoints");
    if timeline.checkpoints.is_empty() {
        page.none("No approval was asked for.");
    }
    for gate in &timeline.checkpoints {
        checkpoint(page, gate);
    }
    put!(page, "</section>");
}

fn checkpoint(page: &mut Markup, gate: &Checkpoint) {
    let purpose = match gate.purpose {
        Purpose::Run => "",
        Purpose::DryRun => ", dry run",
        Purpose::RollBack => ", roll back",
    };
    let class = match gate.status {
        Status::Passed => "good",
        Status::Open => "due",
        Status::Denied | Status::Overridden => "bad",
        Status::Withdrawn | Status::Replaced => "",
    };
    put!(page, "<article class=\"box\"><h3>" {&gate.step} {purpose} " <span class=\"chip " {class} "\">" {gate.status.word()} "</span></h3>");
    what(
        page,
        &Asked {
            title: &gate.title,
            risk: gate.risk,
            host: &gate.host,
            gate: &gate.gate,
            exec: &gate.exec,
            script: &gate.script,
        },
    );
    let said = std::iter::once(&gate.request)
        .chain(&gate.answers)
        .chain(&gate.passed);
    signed(page, &gate.step, said);
    put!(page, "</article>");
}

pub(super) fn overrides(page: &mut Markup, timeline: &Timeline) {
    section(page, "overrides", "Overrides and their review");
    if timeline.overrides.is_empty() {
        page.none("No checkpoint was gone through without its approvals.");
    }
    for over in &timeline.overrides {
        overridden(page, over);
    }
    put!(page, "</section>");
}

fn overridden(page: &mut Markup, over: &Override) {
    let (class, word) = match &over.review {
        Some(_) if over.owes_review() => ("bad", "review owed"),
        None => ("bad", "review owed"),
        Some(review) if review.accepted => ("good", "reviewed, accepted"),
        Some(_) => ("bad", "reviewed, rejected"),
    };
    put!(page, "<article class=\"box alarm\"><h3>! " {&over.step} " <span class=\"chip bad\">overridden</span> <span class=\"chip " {class} "\">" {word} "</span></h3>");
    what(
        page,
        &Asked {
            title: &over.title,
            risk: over.risk,
            host: &over.host,
            gate: &over.gate,
            exec: &over.exec,
            script: &over.script,
        },
    );
    let review = over.review.as_ref().map(|review| &review.said);
    signed(page, &over.step, std::iter::once(&over.said).chain(review));
    put!(page, "<p>" {if over.used { "The step was started under it." } else { "The step was not started under it." }});
    if over.owes_review() {
        put!(
            page,
            " <strong>A review by another person is owed.</strong>"
        );
    }
    put!(page, "</p></article>");
}

/// What was to run behind a gate.
struct Asked<'a> {
    title: &'a str,
    risk: Risk,
    host: &'a str,
    gate: &'a str,
    exec: &'a Digest,
    script: &'a str,
}

fn what(page: &mut Markup, asked: &Asked<'_>) {
    let risk = match asked.risk {
        Risk::Routine => "routine",
        Risk::Privileged => "privileged",
        Risk::Destructive => "destructive",
    };
    put!(page, "<p>" {asked.title} " · <strong>" {risk} "</strong> on " {asked.host} " · gate: " {asked.gate} "</p>");
    put!(page, "<pre tabindex=\"0\">" {asked.script.trim_end_matches('\n')} "</pre><p class=\"meta\">runs <code>" {asked.exec} "</code></p>");
}

fn signed<'a>(page: &mut Markup, step: &str, all: impl Iterator<Item = &'a Said>) {
    let mut all = all.peekable();
    let since = all.peek().map_or_else(String::new, |first| {
        clock(first.at.to_utc(), Fidelity::Exact, Show::Whole)
    });
    put!(page, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Signed statements about " {step} " from " {since} "\"><table class=\"signed\"><caption>Signed statements</caption><thead><tr><th scope=\"col\">Time (UTC)</th><th scope=\"col\">Decision</th><th scope=\"col\">By</th><th scope=\"col\">Key and statement</th></tr></thead><tbody>");
    for said in all {
        put!(page, "<tr><th scope=\"row\">" [moment(said.at)] "</th><td><strong>" {said.decision} "</strong>");
        if let Some(reason) = &said.reason {
            put!(page, ": " {reason});
        }
        for problem in &said.problems {
            put!(page, "<br><strong class=\"bad\">does not count:</strong> " {problem});
        }
        put!(page, " " [Entry(said.event)] "</td><td>" [Who(&said.by)]);
        if let Some(role) = &said.role {
            put!(page, " <span class=\"meta\">" {role} "</span>");
        }
        let key = said.fingerprint.as_deref().unwrap_or("not readable");
        put!(page, "</td><td><code>" {key} "</code><br><code>" {said.statement} "</code></td></tr>");
    }
    put!(page, "</tbody></table></div>");
}

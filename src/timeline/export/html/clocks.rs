//! Regulatory clocks: what is due when, counted from what, and where that is written.

use chrono::{DateTime, FixedOffset};

use super::markup::{Markup, put};
use super::section;
use super::words::{length, moment};
use crate::timeline::clocks::{Anchor, Countdown, NOT_LEGAL_ADVICE, Standing, Status};

pub(super) fn clocks(page: &mut Markup, countdowns: &[Countdown]) {
    if countdowns.is_empty() {
        return;
    }
    section(page, "clocks", "Regulatory clocks");
    put!(page, "<p class=\"warning\">" {NOT_LEGAL_ADVICE} "</p>");
    let mut regime = "";
    for countdown in countdowns {
        if countdown.regime != regime {
            if !regime.is_empty() {
                put!(page, "</ul></article>");
            }
            regime = &countdown.regime;
            head(page, countdown);
        }
        stage(page, countdown);
    }
    put!(page, "</ul></article></section>");
}

fn head(page: &mut Markup, countdown: &Countdown) {
    put!(page, "<article class=\"box\"><h3>" {&countdown.regime_title});
    if countdown.status == Status::Proposed {
        put!(page, " <span class=\"chip\">proposed, not in force</span>");
    }
    put!(page, "</h3><p class=\"meta\">" {&countdown.regime} " · " {&countdown.law} ", as of " {countdown.as_of} " · " {&countdown.source} "</p>");
    if let Some(note) = &countdown.note {
        put!(page, "<p class=\"meta\">" {note} "</p>");
    }
    put!(page, "<ul class=\"stages\">");
}

fn stage(page: &mut Markup, countdown: &Countdown) {
    put!(page, "<li><h4>" {&countdown.title} " <span class=\"chip " {class(&countdown.standing)} "\">" {word(&countdown.standing)} "</span></h4><p>");
    if let Some(due) = countdown.due_at {
        put!(page, "due " [moment(due)] " UTC (" {local(due)} "); ");
    }
    put!(page, {standing(countdown)} "</p><p class=\"meta\">" {&countdown.rule});
    if let Some(from) = &countdown.from {
        put!(page, ": " {said(from)});
    }
    if let Some(cite) = &countdown.cite {
        put!(page, " (" {cite} ")");
    }
    if !countdown.would_shorten.is_empty() {
        put!(page, "; not recorded, could make it earlier: " {countdown.would_shorten.join(", ")});
    }
    put!(page, "</p><p class=\"meta\">Tell " {&countdown.tell} ": " {&countdown.what} "</p></li>");
}

fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Waiting { .. } => "no countdown",
        Standing::Running { .. } => "running",
        Standing::Met { .. } => "met",
        Standing::Late { .. } => "late",
        Standing::NotApplicable { .. } => "does not apply",
    }
}

fn class(standing: &Standing) -> &'static str {
    match standing {
        Standing::Late { .. } => "bad",
        Standing::Running { .. } => "due",
        Standing::Met { .. } => "good",
        _ => "",
    }
}

/// How it stands, in words.
pub(super) fn standing(countdown: &Countdown) -> String {
    let submitted = countdown.submitted.as_ref().map(said);
    let seconds = |seconds: i64| length(seconds.saturating_mul(1000));
    match (&countdown.standing, submitted) {
        (Standing::Waiting { missing }, None) => {
            format!("not recorded yet: {}", missing.join(", "))
        }
        (Standing::Waiting { missing }, Some(submitted)) => {
            format!(
                "submitted {submitted}; not recorded: {}",
                missing.join(", ")
            )
        }
        (Standing::Running { left_seconds }, _) => format!("{} left", seconds(*left_seconds)),
        (Standing::Met { spare_seconds }, submitted) => format!(
            "submitted {}, {} before it was due",
            submitted.unwrap_or_default(),
            seconds(*spare_seconds)
        ),
        (Standing::Late { by_seconds }, None) => {
            format!("late by {}, not submitted", seconds(*by_seconds))
        }
        (Standing::Late { by_seconds }, Some(submitted)) => {
            format!("submitted {submitted}, late by {}", seconds(*by_seconds))
        }
        (Standing::NotApplicable { decided }, _) => format!("decided {}", said(decided)),
    }
}

fn said(anchor: &Anchor) -> String {
    format!(
        "{} by {}",
        anchor.at.to_utc().format("%Y-%m-%d %H:%M"),
        anchor.by
    )
}

/// As the regime's own zone has it.
fn local(at: DateTime<FixedOffset>) -> String {
    at.format("%a %Y-%m-%d %H:%M:%S %:z").to_string()
}

//! Clocks in words, for a terminal or a file. Everything that goes out says that it is no legal advice.

use std::fmt::Write as _;

use chrono::{DateTime, FixedOffset, TimeDelta};

use super::{Anchor, Countdown, NOT_LEGAL_ADVICE, Standing, Status, next};
use crate::engine::sentence::span;
use crate::timeline::shown;

/// Every countdown with its source, and what it is counted from.
#[must_use]
pub fn page(countdowns: &[Countdown]) -> String {
    let mut out = String::new();
    let mut regime = "";
    for countdown in countdowns {
        if countdown.regime != regime {
            regime = &countdown.regime;
            head(&mut out, countdown);
        }
        let _ = writeln!(out, "  {}", countdown.title);
        let _ = writeln!(out, "    {}", state(countdown));
        let _ = writeln!(out, "    {}", basis(countdown));
        let _ = writeln!(out, "    tell: {}", countdown.tell);
        let _ = writeln!(out, "    what: {}", countdown.what);
    }
    if countdowns.is_empty() {
        out.push_str("No clock is named in `policy.yaml`.\n");
    }
    let _ = writeln!(out, "{NOT_LEGAL_ADVICE}");
    out
}

/// The one that presses most, on a line for the header: `gdpr-33 notification: 71 h 12 min left`. Whoever draws it puts
/// [`NOT_LEGAL_ADVICE`] beside it.
#[must_use]
pub fn headline(countdowns: &[Countdown]) -> Option<String> {
    let countdown = next(countdowns)?;
    let left = match countdown.standing {
        Standing::Running { left_seconds } => format!("{} left", length(left_seconds)),
        Standing::Late { by_seconds } => format!("LATE by {}", length(by_seconds)),
        _ => return None,
    };
    Some(format!("{} {}: {left}", countdown.regime, countdown.stage))
}

fn head(out: &mut String, countdown: &Countdown) {
    let proposed = match countdown.status {
        Status::InForce => "",
        Status::Proposed => " [PROPOSED, not in force]",
    };
    let _ = writeln!(
        out,
        "{} · {}{proposed}",
        countdown.regime, countdown.regime_title
    );
    let _ = writeln!(out, "  {}, as of {}", countdown.law, countdown.as_of);
    let _ = writeln!(out, "  {}", countdown.source);
    if let Some(note) = &countdown.note {
        let _ = writeln!(out, "  {note}");
    }
}

fn state(countdown: &Countdown) -> String {
    let due = countdown.due_at.map(moment).unwrap_or_default();
    let submitted = countdown.submitted.as_ref().map(said);
    match (&countdown.standing, submitted) {
        (Standing::Waiting { missing }, None) => {
            format!("no countdown: not recorded yet: {}", missing.join(", "))
        }
        (Standing::Waiting { missing }, Some(submitted)) => format!(
            "submitted {submitted}; not recorded: {}",
            missing.join(", ")
        ),
        (Standing::Running { left_seconds }, _) => {
            format!("due {due}, {} left", length(*left_seconds))
        }
        (Standing::Met { spare_seconds }, submitted) => format!(
            "met: submitted {}, {} before {due}",
            submitted.unwrap_or_default(),
            length(*spare_seconds)
        ),
        (Standing::Late { by_seconds }, None) => {
            format!("LATE by {}: was due {due}", length(*by_seconds))
        }
        (Standing::Late { by_seconds }, Some(submitted)) => format!(
            "LATE by {}: submitted {submitted}, was due {due}",
            length(*by_seconds)
        ),
        (Standing::NotApplicable { decided }, _) => format!("does not apply: {}", said(decided)),
    }
}

fn basis(countdown: &Countdown) -> String {
    let mut out = countdown.rule.clone();
    if let Some(from) = &countdown.from {
        let _ = write!(out, ": {}", said(from));
    }
    if let Some(cite) = &countdown.cite {
        let _ = write!(out, " ({cite})");
    }
    if !countdown.would_shorten.is_empty() {
        let names = countdown.would_shorten.join(", ");
        let _ = write!(out, "; not recorded, could make it earlier: {names}");
    }
    out
}

fn said(anchor: &Anchor) -> String {
    format!("{} by {}", moment(anchor.at), shown(&anchor.by))
}

/// `Mon 2026-11-30 10:20 +01:00`, with seconds where they matter.
fn moment(at: DateTime<FixedOffset>) -> String {
    at.format("%a %Y-%m-%d %H:%M:%S %:z")
        .to_string()
        .replacen(":00 ", " ", 1)
}

fn length(seconds: i64) -> String {
    span(TimeDelta::try_seconds(seconds).unwrap_or(TimeDelta::MAX))
}

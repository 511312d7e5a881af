//! How an exercise stands and what comes next, for who may know.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::super::args::Common;
use super::super::{CliError, out};
use super::standing;
use crate::driver::Session;
use crate::evidence::escape;
use crate::exercise::due::{self, Due, What};
use crate::exercise::score::{Rated, Scored};

/// Expectations, objectives, what was refused.
///
/// # Errors
/// When the script is not for who is here.
pub fn score(common: &Common, session: &Session) -> Result<(), CliError> {
    let (_, score) = standing(session)?;
    if common.json {
        return out::json(&json!({ "score": score }));
    }
    let mut text = String::from("EXERCISE\n\nExpectations\n");
    for one in &score.expectations {
        text.push_str(&expectation(one));
    }
    text.push_str("\nObjectives\n");
    for one in &score.objectives {
        text.push_str(&objective(one));
    }
    if !score.refused.is_empty() {
        text.push_str("\nRefused\n");
    }
    for one in &score.refused {
        text.push_str(&format!(
            "  {}  {}{}\n",
            time(one.at),
            one.step
                .as_ref()
                .map_or_else(String::new, |step| format!("{step}: ")),
            escape::line(&one.what)
        ));
    }
    if score.overrides > 0 {
        text.push_str(&format!("\nOverrides: {}\n", score.overrides));
    }
    out::data(text.trim_end())
}

fn expectation(one: &Scored) -> String {
    let critical = if one.critical { " CRITICAL" } else { "" };
    let by = one.deadline.map_or_else(
        || "when its message comes".to_owned(),
        |at| format!("by {}", time(at)),
    );
    let done = one
        .done
        .map_or_else(String::new, |at| format!(", done {}", time(at)));
    let reason = one.reason.as_ref().map_or_else(String::new, |reason| {
        format!(" (evaluator: {})", escape::line(reason))
    });
    format!(
        "  {:<11} {}{critical}: {} ({by}{done}){reason}\n",
        one.verdict.word(),
        one.id,
        escape::line(&one.action)
    )
}

fn objective(one: &Rated) -> String {
    let rating = match (one.confirmed, one.proposed) {
        (Some(rating), _) => format!("{} {} (confirmed)", rating.letter(), rating.words()),
        (None, Some(rating)) => format!("{} {} (proposed)", rating.letter(), rating.words()),
        (None, None) => "not rated".to_owned(),
    };
    format!("  {}: {} · {rating}\n", one.id, escape::line(&one.title))
}

/// What the script has next.
///
/// # Errors
/// When the script is not for who is here.
pub fn coming(common: &Common, session: &Session) -> Result<(), CliError> {
    let (scenario, key) = session.script()?;
    let progress = session.progress();
    let items: Vec<_> = session
        .items(&key, &progress)
        .into_iter()
        .map(|(_, _, item)| item)
        .collect();
    let coming = due::coming(&scenario, session.state(), &progress, &items);
    if common.json {
        let rows: Vec<_> = coming
            .iter()
            .map(|due| json!({ "at": due.at, "what": words(due) }))
            .collect();
        return out::json(&json!({ "coming": rows, "now": session.now() }));
    }
    let rows: Vec<String> = coming
        .iter()
        .map(|due| format!("{}  {}", time(due.at), words(due)))
        .collect();
    out::data(&rows.join("\n"))
}

/// Something due, in words.
#[must_use]
pub fn words(due: &Due) -> String {
    match &due.what {
        What::Move(id) => format!("move {id} begins"),
        What::Pause(name) => format!("the clock stops, {name}"),
        What::Inject(inject) => {
            format!("inject {}: {}", inject.inject, escape::line(&inject.title))
        }
        What::Answer(answer) => format!("result of {}", answer.step),
        What::Over => "the end".to_owned(),
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%SZ").to_string()
}

//! How an exercise stands and what comes next, for who may know.

use std::rc::Rc;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::super::args::Common;
use super::super::{CliError, incident, out, record};
use super::args::{Report, ReportFormat};
use super::standing;
use crate::driver::{Desk, Session};
use crate::evidence::escape;
use crate::exercise::due::{self, Due, What};
use crate::exercise::score::{Rated, Scored};
use crate::exercise::{report, seal};
use crate::host::files;
use crate::timeline::Timeline;

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
    let items = session.standing_items(&key, &progress);
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

/// The after-action report.
///
/// # Errors
/// When the script is not for who is here, or the report cannot be written.
pub fn report(common: &Common, desk: &Rc<Desk>, wanted: &Report) -> Result<(), CliError> {
    let session = incident::open(desk, &wanted.inc)?;
    let format = if common.json {
        ReportFormat::Json
    } else {
        wanted.format
    };
    let (text, problems) = document(desk, &session, &wanted.compare, format)?;
    for problem in &problems {
        out::talk(&escape::line(problem));
    }
    match &wanted.output {
        Some(path) => {
            files::write_atomic(path, text.as_bytes(), 0o640)?;
            out::talk(&format!("written to {}", path.display()));
            Ok(())
        }
        None => out::data(text.trim_end()),
    }
}

/// The report as a document, compared with these or with all that is known here; and what kept a clock out of it.
///
/// # Errors
/// When the script is not for who is here.
pub fn document(
    desk: &Rc<Desk>,
    session: &Session,
    compared: &[String],
    format: ReportFormat,
) -> Result<(String, Vec<String>), CliError> {
    let (last, real) = others(desk, session, compared)?;
    let gather = |source: report::Source<'_>| report::gather(source, last.as_ref(), &real);
    let (report, problems) = with_source(session, gather)?;
    let text = match format {
        ReportFormat::Markdown => report::markdown(&report),
        ReportFormat::Html => report::html(&report),
        ReportFormat::Json => report::json(&report)
            .map_err(|error| CliError::Input(format!("the report: {error}")))?,
    };
    Ok((text, problems))
}

fn with_source<T>(
    session: &Session,
    make: impl FnOnce(report::Source<'_>) -> T,
) -> Result<(T, Vec<String>), CliError> {
    let (scenario, key) = session.script()?;
    let (countdowns, problems) = session.countdowns(false, session.now())?;
    let made = make(report::Source {
        scenario: &scenario,
        state: session.state(),
        events: session.journal().log().events(),
        items: &seal::items(session.state(), &key),
        countdowns: &countdowns,
        now: session.now().to_utc(),
    });
    Ok((made, problems))
}

/// What it is compared with: the exercises and incidents named, or all that are known here.
fn others(
    desk: &Rc<Desk>,
    session: &Session,
    named: &[String],
) -> Result<(Option<report::Run>, Vec<Timeline>), CliError> {
    let store = Session::store(desk);
    let ids = if named.is_empty() {
        store.incidents()?
    } else {
        named
            .iter()
            .map(|inc| incident::known(&store, inc))
            .collect::<Result<_, _>>()?
    };
    let (scenario, _) = session.script()?;
    let (mut last, mut real): (Option<report::Run>, Vec<Timeline>) = (None, Vec::new());
    for id in ids.iter().filter(|id| *id != session.id()) {
        // One that cannot be read is told of by everything that opens it; here it is nothing to compare with.
        let Ok(other) = Session::open(Rc::clone(desk), id) else {
            continue;
        };
        if other.state().exercise.is_none() {
            real.push(record::project(&other));
            continue;
        }
        let Ok((script, _)) = other.script() else {
            continue;
        };
        let (run, _) = with_source(&other, report::Run::of)?;
        let is_before = run.began < began(session);
        if script.id == scenario.id
            && is_before
            && last.as_ref().is_none_or(|last| last.began < run.began)
        {
            last = Some(run);
        }
    }
    Ok((last, real))
}

fn began(session: &Session) -> Option<DateTime<Utc>> {
    let events = session.journal().log().events();
    events.first().map(|event| event.recorded_at)
}

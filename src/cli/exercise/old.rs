//! What there is to practise in an old incident: drawing a scenario from it, and walking through it again. Neither
//! records anything.

use std::path::Path;
use std::rc::Rc;

use chrono::TimeDelta;
use serde_json::json;

use super::super::args::Common;
use super::super::{CliError, incident, out};
use crate::driver::{Desk, Session, sync};
use crate::engine::sentence::span;
use crate::evidence::escape;
use crate::exercise::drawn::{self, Sources};
use crate::exercise::replay::{self, Point};
use crate::host::files;
use crate::logs::dating;
use crate::runbook::words;

/// Reads it and nothing else: what became of commands meanwhile is not brought in, as that would be recorded.
fn read(desk: &Rc<Desk>, inc: &str) -> Result<Session, CliError> {
    let id = incident::resolve(desk, inc)?;
    Ok(sync::open_or_fetch(desk, &id)?)
}

/// Draws a scenario; to a file, or to standard output.
///
/// # Errors
/// When there is no such incident, no scenario comes of it, or the file is there already.
pub fn draw(
    common: &Common,
    desk: &Rc<Desk>,
    inc: &str,
    id: Option<&str>,
    file: Option<&Path>,
) -> Result<(), CliError> {
    let session = read(desk, inc)?;
    let stem = file
        .and_then(Path::file_stem)
        .and_then(|stem| stem.to_str());
    let id = id.or(stem.filter(|stem| words::is_id(stem)));
    let evidence = |digest: &_| session.journal().evidence(digest).ok().flatten();
    let sources = Sources {
        evidence: &evidence,
        dated: &dating::times,
    };
    let events = session.journal().log().events();
    let drawn = drawn::draw(session.state(), events, &sources, id)
        .map_err(|error| CliError::Input(error.to_string()))?;
    if session.state().closed.is_none() {
        out::talk("this incident is not closed: what comes after this is not in the scenario");
    }
    for what in &drawn.look {
        out::talk(&escape::line(what));
    }
    if let Some(file) = file {
        if file.try_exists()? {
            return Err(CliError::Input(format!(
                "{} is there already",
                escape::line(&file.to_string_lossy())
            )));
        }
        files::write_atomic(file, drawn.text.as_bytes(), 0o644)?;
        if stem != Some(drawn.id.as_str()) {
            out::talk(&format!(
                "call it {}.yaml before `runsheet check` sees it",
                drawn.id
            ));
        }
    }
    out::talk(
        "read it through before anybody else does: only what the record names by itself is replaced",
    );
    if common.json {
        return out::json(&json!({
            "id": drawn.id,
            "look": drawn.look,
            "file": file,
            "text": file.is_none().then_some(&drawn.text),
        }));
    }
    match file {
        Some(file) => out::data(&file.to_string_lossy()),
        None => out::data(&drawn.text),
    }
}

/// Walks through an old incident, point by point.
///
/// # Errors
/// When there is no such incident, or nobody reads what is printed.
pub fn walk(
    common: &Common,
    desk: &Rc<Desk>,
    inc: &str,
    entries: Option<usize>,
) -> Result<(), CliError> {
    let session = read(desk, inc)?;
    let events = session.journal().log().events();
    let points = replay::points(events, entries.unwrap_or(replay::ENTRIES));
    if common.json {
        return out::json(&json!({ "incident": session.id(), "points": points }));
    }
    if entries.is_some() || !out::can_ask() {
        let all: Vec<String> = points
            .iter()
            .enumerate()
            .map(|(at, point)| format!("{}{}", before(at, points.len(), point), behind(point)))
            .collect();
        return out::data(&all.join("\n"));
    }
    asked(&points)
}

/// A point as it was before anybody did anything.
fn before(at: usize, of: usize, point: &Point) -> String {
    let known = &point.known;
    let mut text = format!(
        "── {} of {of} ── {} ── {} after the start\n",
        at + 1,
        point.now.format("%Y-%m-%d %H:%M:%SZ"),
        millis(point.since_ms)
    );
    let severity = known.severity.unwrap_or("no severity");
    text.push_str(&format!(
        "   {severity}; reached: {}\n",
        listed(&known.milestones.join(", "))
    ));
    for step in &known.steps {
        text.push_str(&format!("   at {step}\n"));
    }
    for gate in &known.gates {
        text.push_str(&format!("   open: {gate}\n"));
    }
    for entry in &known.entries {
        text.push_str(&format!(
            "   {} {}\n",
            entry.at.format("%H:%M:%SZ"),
            entry.text
        ));
    }
    text
}

fn listed(text: &str) -> &str {
    if text.is_empty() { "nothing" } else { text }
}

/// What was done.
fn behind(point: &Point) -> String {
    let mut text = format!("   done after {}:\n", millis(point.after_ms));
    for did in &point.did {
        text.push_str(&format!("   → {did}\n"));
    }
    text
}

fn millis(millis: i64) -> String {
    span(TimeDelta::milliseconds(millis))
}

/// With somebody at the terminal: nothing that they type is kept longer than until they leave.
fn asked(points: &[Point]) -> Result<(), CliError> {
    out::talk(
        "Enter goes on, r shows what was done, q stops; whatever else you type is your answer. Nothing is recorded.",
    );
    let mut answers: Vec<(usize, String)> = Vec::new();
    for (at, point) in points.iter().enumerate() {
        out::data(&before(at, points.len(), point))?;
        // The end of what is typed is a stop as well.
        let answer = out::ask("What would you do now?", "").unwrap_or_else(|_| "q".to_owned());
        match answer.as_str() {
            "q" => break,
            "" => {}
            "r" => out::data(&behind(point))?,
            _ => {
                out::data(&behind(point))?;
                answers.push((at, answer));
            }
        }
    }
    summary(points, &answers)
}

/// What was said against what was done.
fn summary(points: &[Point], answers: &[(usize, String)]) -> Result<(), CliError> {
    if answers.is_empty() {
        return Ok(());
    }
    let mut text = String::from("\nYour answers\n");
    for (at, answer) in answers {
        let Some(point) = points.get(*at) else {
            continue;
        };
        let when = point.now.format("%H:%M:%SZ");
        text.push_str(&format!(
            "{:>3}  {when}  you: {}\n",
            at + 1,
            escape::line(answer)
        ));
        for did in &point.did {
            text.push_str(&format!(
                "     {:>9}  then: {did}, after {}\n",
                "",
                millis(point.after_ms)
            ));
        }
    }
    out::data(&text)
}

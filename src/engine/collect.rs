//! What is to be pulled for a collect step, or for a person who wants a key log: from where, which part, in which words.
//! Knows nothing of how it is read.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::checkpoint::record::{expanded, expanded_path};
use super::command::{Origin, Refusal, RefusalKind, Source};
use super::fact::{Milestone, Span};
use super::state::{Run, State};
use crate::runbook::model::{Collect, Kind, Log, LogSource};

/// Bytes kept of the whole of a file, or of its end, unless the step says otherwise.
pub const COLLECT_LIMIT: u64 = 16 << 20;
/// Bytes kept of a window, unless the step says otherwise.
pub const WINDOW_LIMIT: u64 = 64 << 20;
/// A window begins so long before the incident was detected, unless something else is said.
pub const BEFORE: Duration = Duration::from_secs(30 * 60);

/// What a person says about the part they want; what they leave out follows from the incident.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Asked {
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    /// A regular expression.
    pub matching: Option<String>,
}

/// What a collect step pulls.
///
/// # Errors
/// When a log it names is not there, or a value it uses is not known.
pub fn of_step(
    state: &State,
    run: &Run,
    collect: &Collect,
    now: DateTime<Utc>,
) -> Result<Vec<Source>, Refusal> {
    let values = run.plain();
    let matching = match &collect.matching {
        Some(pattern) => Some(
            crate::runbook::text::expand_pattern(pattern, &values)
                .map_err(|error| Refusal::new(RefusalKind::BadValue, error.to_string()))?,
        ),
        None => None,
    };
    let around = around(state, collect, now);
    let mut sources = Vec::new();
    for name in &collect.logs {
        let log = run.book.logs.iter().find(|log| &log.name == name);
        let log = log.ok_or_else(|| {
            Refusal::new(
                RefusalKind::NoSuchThing,
                format!("there is no log `{name}`"),
            )
        })?;
        let mut source = source(log, &values)?;
        if around.is_some() || !matches!(source.origin, Origin::File(_)) {
            source.window = around.or_else(|| Some(usual(state, now)));
        }
        sources.push(source);
    }
    for path in &collect.files {
        sources.push(Source {
            window: around,
            ..Source::file(path, expanded_path(path, &values)?)
        });
    }
    for source in &mut sources {
        source.tail = collect.tail;
        source.matching.clone_from(&matching);
        source.limit = collect.limit.unwrap_or(usual_limit(source));
    }
    Ok(sources)
}

/// What a person pulls who wants this log. Where they say nothing of when, it is what the first step says that collects
/// it, else from half an hour before the incident was detected until now.
///
/// # Errors
/// When a value it uses is not known.
pub fn of_log(
    state: &State,
    run: &Run,
    log: &Log,
    asked: &Asked,
    now: DateTime<Utc>,
) -> Result<Source, Refusal> {
    let mut source = source(log, &run.plain())?;
    let said = run.book.steps.iter().find_map(|step| match &step.kind {
        Kind::Collect(collect) if collect.logs.contains(&log.name) => around(state, collect, now),
        _ => None,
    });
    let usual = said.unwrap_or_else(|| usual(state, now));
    let window = Span {
        from: asked.from.unwrap_or(usual.from),
        to: asked
            .to
            .unwrap_or(if asked.from.is_some() { now } else { usual.to }),
    };
    if window.from >= window.to {
        return Err(Refusal::new(
            RefusalKind::BadValue,
            format!("from {} to {} is no time at all", window.from, window.to),
        ));
    }
    source.window = Some(window);
    source.matching.clone_from(&asked.matching);
    source.limit = usual_limit(&source);
    Ok(source)
}

/// What will be pulled, in words: what an approval of such a step is about.
///
/// # Errors
/// When a value it names is not known.
pub fn words(
    run: &Run,
    collect: &Collect,
    values: &BTreeMap<String, String>,
) -> Result<String, Refusal> {
    let mut lines: Vec<String> = Vec::new();
    for name in &collect.logs {
        let log = run.book.logs.iter().find(|log| &log.name == name);
        let mut line = match log.map(|log| &log.source) {
            Some(LogSource::File(path)) => format!("collect {name}: {}", expanded(path, values)?),
            Some(LogSource::Run(script)) => format!("collect {name}: $ {script}"),
            Some(LogSource::Journal(unit)) => {
                format!("collect {name}: journal of {}", expanded(unit, values)?)
            }
            None => format!("collect {name}"),
        };
        if let Some(host) = log.and_then(|log| log.host.as_ref()) {
            line.push_str(&format!(" on {}", expanded(host, values)?));
        }
        lines.push(line);
    }
    for path in &collect.files {
        lines.push(format!("collect {}", expanded(path, values)?));
    }
    Ok(lines.join("\n"))
}

fn source(log: &Log, values: &BTreeMap<String, String>) -> Result<Source, Refusal> {
    let origin = match &log.source {
        LogSource::File(path) => Origin::File(expanded_path(path, values)?),
        LogSource::Journal(unit) => Origin::Journal(expanded(unit, values)?),
        LogSource::Run(script) => Origin::Run(script.clone()),
    };
    let host = log.host.as_ref().map(|host| expanded(host, values));
    Ok(Source {
        name: log.name.clone(),
        origin,
        host: host.transpose()?,
        window: None,
        tail: None,
        limit: COLLECT_LIMIT,
        matching: None,
        zone: log.zone.clone(),
        format: log.format.clone(),
    })
}

fn usual_limit(source: &Source) -> u64 {
    match (&source.window, source.tail) {
        (Some(_), None) => WINDOW_LIMIT,
        _ => COLLECT_LIMIT,
    }
}

/// The window a step asks for, if it does. Without `after` it lasts until now.
fn around(state: &State, collect: &Collect, now: DateTime<Utc>) -> Option<Span> {
    if collect.before.is_none() && collect.after.is_none() {
        return None;
    }
    let anchor = anchor(state, now);
    let from = before(anchor, collect.before.unwrap_or(BEFORE));
    let to = match collect.after {
        Some(after) => anchor + length(after),
        None => now,
    };
    Some(Span {
        from,
        to: to.max(from + TimeDelta::seconds(1)),
    })
}

fn usual(state: &State, now: DateTime<Utc>) -> Span {
    let from = before(anchor(state, now), BEFORE);
    Span {
        from,
        to: now.max(from + TimeDelta::seconds(1)),
    }
}

/// When the incident was detected, else when it was started.
fn anchor(state: &State, now: DateTime<Utc>) -> DateTime<Utc> {
    let reached = [Milestone::Detected, Milestone::Started]
        .iter()
        .find_map(|milestone| state.milestones.get(milestone));
    reached.map_or(now, |reached| reached.at.to_utc())
}

fn before(anchor: DateTime<Utc>, span: Duration) -> DateTime<Utc> {
    anchor
        .checked_sub_signed(length(span))
        .unwrap_or(DateTime::UNIX_EPOCH)
}

/// A runbook says at most years; more is taken for a hundred.
fn length(span: Duration) -> TimeDelta {
    let most = TimeDelta::days(36_500);
    TimeDelta::from_std(span).map_or(most, |span| span.min(most))
}

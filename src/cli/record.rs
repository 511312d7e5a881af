//! Commands about the record: reading it as a timeline, sharing it, proving it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use serde_json::json;

use super::args::{Cmd, Common};
use super::config::Config;
use super::incident::{self, open};
use super::{CliError, out, times};
use crate::driver::session::Acted;
use crate::driver::suggest::Suggestion;
use crate::driver::{Desk, DriverError, Session, sync};
use crate::engine::{Event, IncidentId, State};
use crate::evidence::escape;
use crate::timeline::clocks::Countdown;
use crate::timeline::{self, Audience, Audiences, Options, Timeline};

/// Does one of these commands.
///
/// # Errors
/// As the command's own.
pub fn run(common: &Common, command: Cmd) -> Result<(), CliError> {
    match command {
        Cmd::Timeline {
            action: Some(action),
            ..
        } => super::import::run(common, action),
        Cmd::Timeline {
            inc: Some(inc),
            suggested: true,
            ..
        } => suggest(common, &inc, &[], false),
        Cmd::Suggest {
            inc,
            accept,
            accept_all,
        } => suggest(common, &inc, &accept, accept_all),
        Cmd::Timeline {
            inc: Some(inc),
            as_of,
            ..
        } => {
            let timeline = match as_of {
                Some(at) => known_at(common, &inc, &at)?,
                None => of(common, &inc)?,
            };
            print_timeline(common, &timeline)
        }
        Cmd::Clocks { inc, all } => clocks(common, &inc, all),
        Cmd::Metrics { inc, all } => super::figures::metrics(common, &inc, all),
        Cmd::Lint(wanted) => super::lint::lint(common, &wanted),
        command @ Cmd::Export { .. } => super::export::run(common, command),
        Cmd::Sync { inc, watch } => sync_command(common, inc.as_deref(), watch),
        Cmd::Verify { inc, git_dir } => {
            super::verify::run(common, inc.as_deref(), git_dir.as_deref())
        }
        _ => Err(CliError::Input("no such command".to_owned())),
    }
}

fn of(common: &Common, inc: &str) -> Result<Timeline, CliError> {
    let desk = Config::read(common)?.desk()?;
    let session = open(&desk, inc)?;
    Ok(project(&session))
}

/// What of an incident an audience may see.
pub(super) fn of_audience(session: &Session, name: &str) -> Result<Timeline, CliError> {
    let events = session.journal().log().events();
    for_whom(session.state(), events, Some(name))
}

/// The timeline of these events: all of it, or what an audience may see.
///
/// # Errors
/// When no audience is called so.
pub(super) fn for_whom(
    state: &State,
    events: &[Arc<Event>],
    name: Option<&str>,
) -> Result<Timeline, CliError> {
    let options = Options::default();
    let Some(name) = name else {
        return Ok(timeline::project(state, events, options));
    };
    let (audiences, reader) = audience(state, name)?;
    let timeline = timeline::audience::project(state, events, options, &audiences, &reader);
    Ok(timeline)
}

/// The audiences of an incident, and the one of this name.
///
/// # Errors
/// When none is called so.
pub fn audience(state: &State, name: &str) -> Result<(Audiences, Audience), CliError> {
    let incident = state.incident.as_deref();
    let rules = incident.map(|one| one.policy.audiences.as_slice());
    let audiences = Audiences::of(rules.unwrap_or_default());
    let reader = audiences.named(name).cloned().ok_or_else(|| {
        let names: Vec<_> = audiences.names().collect();
        CliError::Input(format!(
            "no audience is called `{}`; there are {}",
            escape::line(name),
            names.join(", ")
        ))
    })?;
    Ok((audiences, reader))
}

/// The clocks at a moment, and what is wrong with the library's own; for an audience, those that run from entries it may
/// see.
pub(super) fn countdowns_of(
    session: &Session,
    timeline: &Timeline,
    at: DateTime<FixedOffset>,
) -> Result<(Vec<Countdown>, Vec<String>), CliError> {
    let (mut countdowns, problems) = session.countdowns(false, at)?;
    timeline.keep_seen(&mut countdowns);
    Ok((countdowns, problems))
}

/// What was known of an incident at a moment.
fn known_at(common: &Common, inc: &str, at: &str) -> Result<Timeline, CliError> {
    let desk = Config::read(common)?.desk()?;
    let session = open(&desk, inc)?;
    let at = times::read(at, session.now()).map_err(CliError::Input)?;
    let (state, events) = timeline::as_of(session.journal().log().events(), at.to_utc());
    Ok(timeline::project(&state, &events, Options::default()))
}

fn clocks(common: &Common, inc: &str, all: bool) -> Result<(), CliError> {
    let desk = Config::read(common)?.desk()?;
    let session = open(&desk, inc)?;
    let (countdowns, problems) = session.countdowns(all, session.now())?;
    for problem in &problems {
        out::talk(&escape::line(problem));
    }
    if common.json {
        let note = timeline::clocks::NOT_LEGAL_ADVICE;
        return out::json(&json!({ "clocks": countdowns, "note": note }));
    }
    if countdowns.is_empty() {
        out::talk("the policy names no clocks (clocks: [gdpr-33]); --all shows every one there is");
        return Ok(());
    }
    out::data(&timeline::clocks::page(&countdowns))
}

/// The timeline of an open incident.
#[must_use]
pub fn project(session: &Session) -> Timeline {
    timeline::project(
        session.state(),
        session.journal().log().events(),
        Options::default(),
    )
}

fn print_timeline(common: &Common, timeline: &Timeline) -> Result<(), CliError> {
    if common.json {
        return out::json(&json!({ "rows": timeline.rows, "gaps": timeline.gaps }));
    }
    let mut text = String::new();
    for row in &timeline.rows {
        let late = row.late_ms.map_or_else(String::new, |late| {
            format!("  (recorded {} later)", span(late))
        });
        let class = serde_json::to_value(row.class)
            .ok()
            .and_then(|class| class.as_str().map(str::to_owned))
            .unwrap_or_default();
        text.push_str(&format!(
            "{} {:<12} {:<10} {}{late}  [{}]\n",
            row.occurred_at
                .with_timezone(&chrono::Utc)
                .format("%Y-%m-%d %H:%M:%SZ"),
            row.who,
            class,
            row.text,
            row.event.short()
        ));
        for correction in &row.corrections {
            text.push_str(&format!(
                "{:>22}corrected by {}: {} ({})\n",
                "", correction.by, correction.text, correction.reason
            ));
        }
        for flag in &row.flags {
            text.push_str(&format!("{:>22}! {flag}\n", ""));
        }
    }
    out::data(&text)
}

/// Prints what the runbook's rules suggest, or records what of it is accepted.
fn suggest(common: &Common, inc: &str, accept: &[String], all: bool) -> Result<(), CliError> {
    let desk = Config::read(common)?.desk()?;
    let mut session = open(&desk, inc)?;
    let found = session.suggestions();
    if accept.is_empty() && !all {
        return print_suggestions(common, &found);
    }
    let ids: Vec<String> = found.iter().map(Suggestion::id).collect();
    if let Some(wrong) = accept.iter().find(|id| !ids.contains(id)) {
        return Err(CliError::Input(format!(
            "there is no suggestion {}; `runsheet suggest` lists those there are",
            escape::line(wrong)
        )));
    }
    let accepted = found
        .iter()
        .zip(&ids)
        .filter(|(_, id)| all || accept.contains(id));
    let mut acted = Acted::default();
    for (suggestion, _) in accepted {
        let more = session.accept(suggestion)?;
        acted.events.extend(more.events);
        acted.notices.extend(more.notices);
    }
    incident::told(common, &mut session, &acted)
}

fn print_suggestions(common: &Common, found: &[Suggestion]) -> Result<(), CliError> {
    let time = |suggestion: &Suggestion| {
        let stamp = suggestion.entry.stamp?.utc();
        Some(stamp.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
    };
    if common.json {
        let entries: Vec<_> = found
            .iter()
            .map(|suggestion| {
                json!({
                    "id": suggestion.id(),
                    "at": time(suggestion),
                    "class": suggestion.entry.class,
                    "text": suggestion.entry.text,
                    "log": suggestion.log,
                    "line": suggestion.line,
                })
            })
            .collect();
        return out::json(&json!({ "suggestions": entries }));
    }
    let mut text = String::new();
    for suggestion in found {
        let time = time(suggestion).unwrap_or_else(|| "-".to_owned());
        text.push_str(&format!(
            "{} {time:<24} {:<9} {}  [{} {}-{}]\n",
            suggestion.id(),
            suggestion.entry.class.word(),
            escape::line(&suggestion.entry.text),
            escape::line(&suggestion.log),
            suggestion.line.range.0,
            suggestion.line.range.1,
        ));
    }
    if found.is_empty() {
        out::talk("nothing is suggested that is not recorded already");
    }
    out::data(&text)
}

fn span(millis: i64) -> String {
    let seconds = millis / 1000;
    let (sign, seconds) = if seconds < 0 {
        ("-", -seconds)
    } else {
        ("", seconds)
    };
    format!(
        "{sign}{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

fn sync_command(common: &Common, inc: Option<&str>, watch: bool) -> Result<(), CliError> {
    let config = Config::read(common)?;
    let desk = config.desk()?;
    if desk.settings.hub.is_none() {
        return Err(CliError::Input(
            "no hub is configured: --hub PATH|URL".to_owned(),
        ));
    }
    let mut meetings = Meetings {
        desk,
        open: BTreeMap::new(),
        said: String::new(),
    };
    loop {
        let met = meetings.meet(common, inc, watch);
        if !watch {
            return met;
        }
        match met {
            Ok(()) => meetings.said.clear(),
            // It comes back, or somebody brings it back: whoever watches need not start anew.
            Err(CliError::Driver(error @ (DriverError::Hub(_) | DriverError::Git(_)))) => {
                let why = error.to_string();
                if meetings.said != why {
                    out::talk(&format!("hub: {}", escape::line(&why)));
                    meetings.said = why;
                }
            }
            Err(error) => return Err(error),
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Meetings with the hub, one after the other. Records stay open between them, so that each reads only what is new.
struct Meetings {
    desk: Rc<Desk>,
    open: BTreeMap<IncidentId, Session>,
    /// The trouble that was told last.
    said: String,
}

impl Meetings {
    fn meet(&mut self, common: &Common, inc: Option<&str>, watch: bool) -> Result<(), CliError> {
        let ids = match inc {
            Some(_) if watch && !self.open.is_empty() => self.open.keys().cloned().collect(),
            Some(inc) => vec![super::incident::resolve(&self.desk, inc)?],
            None => Session::store(&self.desk).incidents()?,
        };
        let mut lines = Vec::new();
        for id in ids {
            let first = !self.open.contains_key(&id);
            if first {
                let mut session = sync::open_or_fetch(&self.desk, &id)?;
                if watch {
                    session.post_behind();
                }
                self.open.insert(id.clone(), session);
            }
            let Some(session) = self.open.get_mut(&id) else {
                continue;
            };
            for notice in session.post()?.notices {
                out::talk(&format!("{}: {}", id.short(4), escape::line(&notice)));
            }
            let done = session.exchange()?;
            // Who names an incident wants all of it.
            let evidence = match inc {
                Some(_) => session.fetch_evidence()?,
                None => 0,
            };
            let quiet = watch && !first && done.sent == 0 && done.received == 0 && evidence == 0;
            if quiet && done.problems.is_empty() {
                continue;
            }
            if !common.json {
                told(&id, &done, evidence);
            }
            lines.push(json!({
                "incident": id, "sent": done.sent, "received": done.received, "evidence": evidence,
                "problems": done.problems,
            }));
        }
        if common.json && !(watch && lines.is_empty()) {
            out::json(&json!({ "incidents": lines }))?;
        }
        Ok(())
    }
}

fn told(id: &IncidentId, done: &sync::Exchange, evidence: usize) {
    let pieces = match evidence {
        0 => String::new(),
        n => format!(", {n} pieces of evidence"),
    };
    out::talk(&format!(
        "{}: sent {}, received {}{pieces}",
        id.short(4),
        done.sent,
        done.received
    ));
    for problem in &done.problems {
        out::talk(&format!("{}: {}", id.short(4), escape::line(problem)));
    }
}

//! `lint`: what somebody should look at before a timeline goes out.

use serde_json::json;

use super::args::{Common, Lint};
use super::config::Config;
use super::incident::{event_named, open};
use super::{CliError, out, record};
use crate::driver::Session;
use crate::engine::EventId;
use crate::evidence::escape;
use crate::timeline::lint::{self, Finding, Level, RULES, Subject};
use crate::timeline::{self, Options};

/// Prints what is found.
///
/// # Errors
/// When the incident cannot be read, a rule or audience is not known, or something must not go out as it is.
pub fn lint(common: &Common, wanted: &Lint) -> Result<(), CliError> {
    let desk = Config::read(common)?.desk()?;
    let session = open(&desk, &wanted.inc)?;
    let now = session.now();
    let only: Vec<_> = wanted
        .rules
        .iter()
        .map(|name| rule(name))
        .collect::<Result<_, _>>()?;
    let allowed: Vec<_> = wanted
        .allow
        .iter()
        .map(|text| allowed(&session, text))
        .collect::<Result<_, _>>()?;
    let (countdowns, problems) = session.countdowns(false, now)?;
    for problem in &problems {
        out::talk(&escape::line(problem));
    }
    let (state, events) = (session.state(), session.journal().log().events());
    let whole = record::project(&session);
    let part = match &wanted.audience {
        Some(name) => {
            let (audiences, reader) = record::audience(session.state(), name)?;
            let options = Options::default();
            let part = timeline::audience::project(state, events, options, &audiences, &reader);
            Some((part, reader))
        }
        None => None,
    };
    let mut found = lint::lint(&Subject {
        state,
        events,
        whole: &whole,
        part: part.as_ref().map(|(part, reader)| (part, reader)),
        countdowns: &countdowns,
        now,
    });
    found.retain(|one| only.is_empty() || only.contains(&one.rule));
    let every = found.len();
    found.retain(|one| {
        !allowed
            .iter()
            .any(|(rule, entry)| *rule == one.rule && (entry.is_none() || *entry == one.entry))
    });
    told(common, &found, every - found.len())?;
    let stops = |one: &Finding| one.level == Level::Error || wanted.strict;
    if found.iter().any(stops) {
        return Err(CliError::Status(1));
    }
    Ok(())
}

fn rule(name: &str) -> Result<&'static str, CliError> {
    lint::rule_named(name).ok_or_else(|| {
        let names: Vec<_> = RULES.iter().map(|(name, _, _)| *name).collect();
        CliError::Input(format!(
            "no rule is called `{}`; there are {}",
            escape::line(name),
            names.join(", ")
        ))
    })
}

/// `RULE` or `RULE:ENTRY`.
fn allowed(session: &Session, text: &str) -> Result<(&'static str, Option<EventId>), CliError> {
    match text.split_once(':') {
        Some((name, entry)) => Ok((rule(name)?, Some(event_named(session, entry)?))),
        None => Ok((rule(text)?, None)),
    }
}

fn told(common: &Common, found: &[Finding], allowed: usize) -> Result<(), CliError> {
    if common.json {
        return out::json(&json!({ "findings": found, "allowed": allowed }));
    }
    let mut text = String::new();
    for one in found {
        let level = match one.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let entry = one.entry.map(|id| format!("entry {}: ", id.short()));
        text.push_str(&format!(
            "{level}: {}: {}{}\n  hint: {}\n",
            one.rule,
            entry.unwrap_or_default(),
            one.what,
            one.hint
        ));
    }
    let errors = found.iter().filter(|one| one.level == Level::Error).count();
    out::talk(&format!(
        "{errors} errors, {} warnings, {allowed} allowed",
        found.len() - errors
    ));
    out::data(&text)
}

//! `exercise`: begin one, conduct it, judge it, tell how it went, and draw one from what really happened. The same rules as everywhere: what may be done is the
//! engine's to say.

pub mod args;
pub mod conduct;
pub mod drill;
mod old;
mod rehearse;
pub mod start;
pub mod words;

use std::rc::Rc;

use chrono::{DateTime, FixedOffset};
use clap::Parser as _;

use self::args::{Action, Exercise, Of, Say};
use super::args::Common;
use super::{CliError, config, incident};
use crate::driver::exercise::conducts;
use crate::driver::{Desk, Session};
use crate::engine::Intent;
use crate::engine::exercise::{ClockChange, Control, MAX_ANSWER};
use crate::engine::fact::{ExerciseAnswered, ExerciseInjected};
use crate::evidence::escape;
use crate::exercise::seal::Item;
use crate::exercise::{due, score, seal};
use crate::host::files;
use crate::runbook::scenario::{Means, Scenario};

/// Does it.
///
/// # Errors
/// A refusal, or whatever kept it from being done.
pub fn run(common: &Common, command: Exercise) -> Result<(), CliError> {
    match &command {
        Exercise::Rehearse { scenario } => return rehearse::run(common, scenario),
        Exercise::Drill {
            scenario,
            speed,
            no_screen,
        } => return drill::run(common, scenario, *speed, *no_screen),
        _ => {}
    }
    let config = config::Config::read(common)?;
    let desk = config.desk()?;
    match command {
        Exercise::Start {
            scenario,
            paused,
            speed,
        } => start::start(common, &desk, &scenario, paused, speed),
        Exercise::Join {
            inc,
            controller_key,
        } => start::join(&desk, &inc, &controller_key),
        Exercise::Conduct { inc, until_paused } => conduct::run(common, &desk, &inc, until_paused),
        Exercise::Report(wanted) => words::report(common, &desk, &wanted),
        Exercise::Rehearse { .. } | Exercise::Drill { .. } => Ok(()),
        Exercise::From { inc, id, output } => {
            old::draw(common, &desk, &inc, id.as_deref(), output.as_deref())
        }
        Exercise::Replay { inc, entries } => old::walk(common, &desk, &inc, entries),
        Exercise::Of(words) => of(common, &desk, words),
    }
}

fn of(common: &Common, desk: &Rc<Desk>, words: Vec<String>) -> Result<(), CliError> {
    let mut words = words.into_iter();
    let inc = words.next().unwrap_or_default();
    let typed = std::iter::once("runsheet exercise INC".to_owned()).chain(words);
    let given = match Of::try_parse_from(typed) {
        Ok(given) => given,
        Err(error) => {
            let _ = error.print();
            return Err(CliError::Status(if error.use_stderr() { 64 } else { 0 }));
        }
    };
    let common = &Common {
        json: common.json || given.json,
        ..common.clone()
    };
    let mut session = incident::open(desk, &inc)?;
    match given.action {
        Action::Score => words::score(common, &session),
        Action::Coming => words::coming(common, &session),
        Action::End => over(common, &mut session, false, None),
        Action::Abort { reason } => over(common, &mut session, true, Some(reason)),
        action @ (Action::Skip { .. }
        | Action::Verdict { .. }
        | Action::Rate { .. }
        | Action::Remark { .. }) => {
            let item = item(&session, action)?;
            let acted = session.seal(&item)?;
            incident::told(common, &mut session, &acted)
        }
        action => {
            let control = control(&session, action)?;
            incident::act(common, &mut session, Intent::Exercise(control))?;
            // A clock that was set may have brought something due at once.
            conduct::round(common, &mut session)
        }
    }
}

/// What is sealed until the end.
fn item(session: &Session, action: Action) -> Result<Item, CliError> {
    let (scenario, _) = session.script()?;
    let expectations = scenario.expectations.iter().map(|one| one.id.as_str());
    let objectives = scenario.objectives.iter().map(|one| one.id.as_str());
    Ok(match action {
        Action::Skip { inject, reason } => {
            find(&scenario, &inject)?;
            if session.progress().came(&inject).is_some() {
                return Err(CliError::Refused(format!("{inject} has come already")));
            }
            Item::Skipped { inject, reason }
        }
        Action::Verdict {
            expectation,
            verdict,
            reason,
        } => {
            named("expectation", &expectation, expectations)?;
            Item::Verdict {
                expectation,
                verdict,
                reason,
            }
        }
        Action::Rate {
            objective,
            rating,
            reason,
        } => {
            named("objective", &objective, objectives)?;
            Item::Rating {
                objective,
                rating,
                reason,
            }
        }
        Action::Remark {
            text,
            about,
            kind,
            recommend,
        } => {
            if let Some(about) = &about {
                named(
                    "expectation or objective",
                    about,
                    expectations.chain(objectives),
                )?;
            }
            Item::Remark {
                about,
                kind,
                text,
                recommend,
            }
        }
        _ => return Err(CliError::Input("nothing is sealed by that".to_owned())),
    })
}

fn over(
    common: &Common,
    session: &mut Session,
    aborted: bool,
    reason: Option<String>,
) -> Result<(), CliError> {
    let acted = session.end_exercise(aborted, reason)?;
    incident::told(common, session, &acted)
}

fn control(session: &Session, action: Action) -> Result<Control, CliError> {
    let clock = |change, paused| Control::Clock {
        change,
        sim: None,
        scale: None,
        to: None,
        paused,
    };
    let stands = session
        .state()
        .exercise
        .as_ref()
        .is_some_and(|exercise| exercise.clock.paused);
    Ok(match action {
        Action::Pause { reason } => Control::Clock {
            change: ClockChange::Paused,
            sim: None,
            scale: None,
            to: reason,
            paused: true,
        },
        Action::Resume => clock(ClockChange::Resumed, false),
        Action::Speed { scale } => Control::Clock {
            change: ClockChange::Scaled,
            sim: None,
            scale: Some(scale),
            to: None,
            paused: stands,
        },
        Action::Ahead { to } => Control::Clock {
            change: ClockChange::Ahead,
            sim: Some(ahead(&to, session.now())?.to_utc()),
            scale: None,
            to: None,
            paused: stands,
        },
        Action::Back { stage } => back(session, stage)?,
        Action::Fire { inject } => {
            let (scenario, _) = session.script()?;
            let inject = find(&scenario, &inject)?;
            Control::Inject(Box::new(due::message(inject, None)))
        }
        Action::Say(say) => Control::Inject(Box::new(said(session, say)?)),
        Action::Answer {
            step,
            exit,
            output,
            output_file,
        } => answer(session, &step, exit, output, output_file.as_deref())?,
        Action::Feedback { text, question } => Control::Feedback { question, text },
        _ => return Err(CliError::Input("that is done elsewhere".to_owned())),
    })
}

fn back(session: &Session, stage: String) -> Result<Control, CliError> {
    let (scenario, _) = session.script()?;
    let ids = scenario.moves.iter().map(|one| one.id.as_str());
    named("move", &stage, ids)?;
    let at = scenario
        .moves
        .iter()
        .find(|one| one.id == stage)
        .map(|one| one.at)
        .unwrap_or_default();
    let begun = session
        .state()
        .exercise
        .as_ref()
        .map(|exercise| exercise.started.clock.sim);
    Ok(Control::Clock {
        change: ClockChange::Back,
        sim: begun.map(|begun| due::after(begun, at)),
        scale: None,
        to: Some(stage),
        paused: true,
    })
}

/// A message that is in no script: its id is the moment it is sent at.
fn said(session: &Session, say: Say) -> Result<ExerciseInjected, CliError> {
    let means: Means = serde_json::from_value(serde_json::Value::String(say.means.clone()))
        .map_err(|_| {
            CliError::Input(format!(
                "`{}` is no means: alert, email, phone, chat, log, news or regulator",
                escape::line(&say.means)
            ))
        })?;
    Ok(ExerciseInjected {
        inject: format!("said-{}", session.now().format("%H%M%S%3f")),
        title: "Said by hand".to_owned(),
        means,
        from: say.from,
        to: say.to,
        message: say.text,
        attachments: Vec::new(),
        due: None,
    })
}

fn answer(
    session: &Session,
    step: &str,
    exit: i32,
    output: Option<String>,
    file: Option<&std::path::Path>,
) -> Result<Control, CliError> {
    let key = session.step(step)?;
    let running = due::running(session.state());
    let (record, _) = running
        .iter()
        .find(|(record, _)| record.step.run == key.run && record.step.step == key.step)
        .ok_or_else(|| {
            CliError::Refused(format!("step {} does not wait for an answer", key.step))
        })?;
    let output = match file {
        Some(file) => {
            let bytes = files::read_limited(file, MAX_ANSWER as u64)?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
        None => output.unwrap_or_default(),
    };
    Ok(Control::Answer(Box::new(ExerciseAnswered {
        step: record.step.clone(),
        purpose: record.exec.purpose,
        exit: Some(exit),
        output,
        logs: Vec::new(),
        refused: None,
    })))
}

/// `10m` from now, or the next time it is `18:30`.
fn ahead(text: &str, now: DateTime<FixedOffset>) -> Result<DateTime<FixedOffset>, CliError> {
    super::times::next(text.trim_start_matches('+'), now).map_err(CliError::Input)
}

fn find<'a>(
    scenario: &'a Scenario,
    inject: &str,
) -> Result<&'a crate::runbook::scenario::Inject, CliError> {
    named(
        "inject",
        inject,
        scenario.injects.iter().map(|one| one.id.as_str()),
    )?;
    scenario
        .injects
        .iter()
        .find(|one| one.id == inject)
        .ok_or_else(|| CliError::Input(format!("there is no inject {inject}")))
}

/// Whether there is something of this name; else what there is.
fn named<'a>(
    what: &str,
    name: &str,
    ids: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), CliError> {
    if ids.clone().any(|id| id == name) {
        return Ok(());
    }
    let all: Vec<_> = ids.collect();
    Err(CliError::Input(format!(
        "the script has no {what} `{}`: {}",
        escape::line(name),
        all.join(", ")
    )))
}

/// How it stands, for who may know.
fn standing(session: &Session) -> Result<(Scenario, score::Score), CliError> {
    let (scenario, key) = session.script()?;
    let progress = session.progress();
    let items = seal::items(session.state(), &key);
    let now = session.now().to_utc();
    let score = score::score(&scenario, session.state(), &progress, &items, now);
    Ok((scenario, score))
}

/// Whether who is here conducts it, and has its script.
fn conductor(session: &Session) -> Option<(Scenario, crate::exercise::Key)> {
    conducts(session).then(|| session.script().ok())?
}

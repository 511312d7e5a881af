//! A scenario let run by itself, without players, as fast as it goes: what comes when, for whoever writes it. It is a real
//! exercise in a place of its own, on a clock of its own.

use std::rc::Rc;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, FixedOffset, Utc};
use serde_json::json;

use super::super::args::Common;
use super::super::config::Config;
use super::super::{CliError, out};
use super::start;
use crate::driver::exercise::Beginning;
use crate::driver::{Desk, Ports, Session};
use crate::engine::exercise::{ClockChange, Control};
use crate::engine::{Event, Fact, Intent};
use crate::evidence::escape;
use crate::host::clock::{BootStamp, Clock, SystemClock};

/// A clock that jumps to where it is set.
struct Jumping {
    now: Mutex<DateTime<FixedOffset>>,
    offset: FixedOffset,
}

impl Jumping {
    fn set(&self, to: DateTime<Utc>) {
        let mut now = self
            .now
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = to.with_timezone(&self.offset).max(*now);
    }
}

impl Clock for Jumping {
    fn now(&self) -> DateTime<FixedOffset> {
        *self
            .now
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn boot(&self) -> BootStamp {
        BootStamp {
            id: "rehearsal".to_owned(),
            millis: u64::try_from(self.now().timestamp_millis()).unwrap_or(0),
        }
    }
}

/// Lets it run to its end and prints what came.
///
/// # Errors
/// When the scenario cannot be used, or the disk is full.
pub fn run(common: &Common, scenario: &str) -> Result<(), CliError> {
    let config = Config::read(common)?;
    let desk = config.desk()?;
    let (path, text) = start::find(&desk, scenario)?;
    let begun = SystemClock.now();
    let clock = Arc::new(Jumping {
        now: Mutex::new(begun),
        offset: *begun.offset(),
    });
    let dir = tempfile::Builder::new()
        .prefix("runsheet-rehearsal-")
        .tempdir()?;
    let mut settings = config.settings.clone();
    settings.state = dir.path().join("state");
    settings.spool = None;
    settings.hub = None;
    crate::host::files::create_private_dir(&settings.state)?;
    let ports = Ports {
        clock: clock.clone(),
        ..super::super::config::ports()
    };
    let desk = Rc::new(Desk::new(settings, ports)?);
    let mut session = Session::begin_exercise(desk, &path, &text, &Beginning::default())?;
    let came = play(&mut session, &clock)?;
    if common.json {
        let rows: Vec<_> = came
            .iter()
            .map(|event| json!({ "at": event.told_at(), "kind": event.fact.kind(), "what": words(event) }))
            .collect();
        return out::json(&json!({ "came": rows }));
    }
    let rows: Vec<String> = came
        .iter()
        .map(|event| format!("{}  {}", event.told_at().format("%H:%M:%SZ"), words(event)))
        .collect();
    out::data(&rows.join("\n"))
}

fn play(session: &mut Session, clock: &Jumping) -> Result<Vec<Arc<Event>>, CliError> {
    let (scenario, key) = session.script()?;
    let mut came = Vec::new();
    loop {
        let acted = session.conduct(&scenario, &key)?;
        came.extend(acted.events);
        let Some(exercise) = session.state().exercise.clone() else {
            return Ok(came);
        };
        let Some(next) = session.next_due(&scenario, &key) else {
            return Ok(came);
        };
        match exercise.real(next) {
            Some(real) => clock.set(real),
            // It stopped as planned: whoever conducts lets it go on.
            None => {
                let go = Control::Clock {
                    change: ClockChange::Resumed,
                    sim: None,
                    scale: None,
                    to: None,
                    paused: false,
                };
                came.extend(session.act(Intent::Exercise(go))?.events);
            }
        }
    }
}

fn words(event: &Event) -> String {
    match &event.fact {
        Fact::ExerciseInjected(fact) => format!(
            "inject {}: {}",
            escape::line(&fact.inject),
            escape::line(&fact.title)
        ),
        Fact::ExerciseClock(fact) => {
            let to = fact.to.clone().unwrap_or_default();
            match fact.change {
                ClockChange::Move => format!("move {}", escape::line(&to)),
                ClockChange::Paused => format!("the clock stops {}", escape::line(&to)),
                _ => "the clock goes on".to_owned(),
            }
        }
        other => other.kind().to_owned(),
    }
}

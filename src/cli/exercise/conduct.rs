//! Conducting without a screen: whatever the script has due is done, and the hub is met in between.

use std::rc::Rc;
use std::time::Duration;

use super::super::args::Common;
use super::super::{CliError, incident, out};
use super::conductor;
use crate::driver::{Desk, Session};
use crate::evidence::escape;

/// How often others are heard.
const LOOK: Duration = Duration::from_millis(200);

/// Conducts until the exercise is over.
///
/// # Errors
/// When somebody else conducts it, or it cannot be recorded.
pub fn run(
    common: &Common,
    desk: &Rc<Desk>,
    inc: &str,
    until_paused: bool,
) -> Result<(), CliError> {
    let mut session = incident::open(desk, inc)?;
    let (scenario, key) = session.script()?;
    if conductor(&session).is_none() {
        return Err(CliError::Refused(
            "only a facilitator of this exercise conducts it".to_owned(),
        ));
    }
    out::talk(&format!(
        "conducting {}: {}",
        session.id().short(4),
        escape::line(&scenario.title)
    ));
    loop {
        let acted = session.conduct(&scenario, &key)?;
        if !acted.events.is_empty() {
            incident::told(common, &mut session, &acted)?;
        }
        let Some(exercise) = session.state().exercise.clone() else {
            return Ok(());
        };
        if !exercise.is_on() {
            out::talk("the exercise is over");
            return Ok(());
        }
        if until_paused && exercise.clock.paused {
            return Ok(());
        }
        std::thread::sleep(LOOK);
        hear(&mut session)?;
    }
}

/// Takes in what others did, here and at the hub.
///
/// # Errors
/// When the record cannot be read or written.
pub fn hear(session: &mut Session) -> Result<(), CliError> {
    for notice in session.poll()?.notices {
        out::talk(&escape::line(&notice));
    }
    if session.desk.settings.hub.is_some()
        && let Err(error) = session.exchange()
    {
        out::talk(&format!("hub: {}", escape::line(&error.to_string())));
    }
    Ok(())
}

/// Does once what is due, where who is here conducts; of others it asks nothing.
///
/// # Errors
/// When it cannot be recorded.
pub fn round(common: &Common, session: &mut Session) -> Result<(), CliError> {
    let Some((scenario, key)) = conductor(session) else {
        return Ok(());
    };
    let acted = session.conduct(&scenario, &key)?;
    if acted.events.is_empty() {
        return Ok(());
    }
    // The document of the command itself is printed already.
    let quiet = &Common {
        json: false,
        ..common.clone()
    };
    incident::told(quiet, session, &acted)
}

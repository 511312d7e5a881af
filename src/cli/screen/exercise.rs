//! The exercise on the screen: whoever conducts it lets the script go on while the screen is open, and sees what of it
//! is to come.

use std::rc::Rc;
use std::sync::Arc;

use super::background::Message;
use super::{App, world};
use crate::cli::CliError;
use crate::cli::exercise::args::ReportFormat;
use crate::cli::exercise::{start, words};
use crate::driver::exercise::{Beginning, KEY_FILE, conducts};
use crate::driver::session::Acted;
use crate::driver::{DriverError, Session};
use crate::engine::IncidentId;
use crate::engine::exercise::is_controller;
use crate::evidence::escape;
use crate::exercise::seal::{self, Item};
use crate::exercise::{Key, due, score};
use crate::host::files;
use crate::runbook::scenario::Scenario;
use crate::tui::model::Wanted;
use crate::tui::wish::Paper;
use crate::tui::world::Script;

/// A script and the key it was opened with.
type Opened = (Arc<Scenario>, Key);

/// The script of the open exercise, for who may read it.
#[derive(Default)]
pub struct Scripts {
    of: Option<(IncidentId, Option<Opened>)>,
}

impl Scripts {
    /// The script, read once while this incident is open; `None` where it is sealed to who sits here.
    fn read(&mut self, session: &Session) -> Option<Opened> {
        session.state().exercise.as_ref()?;
        let known = self.of.as_ref().filter(|(id, script)| {
            // Its key may come later: by joining, or at the end.
            id == session.id() && (script.is_some() || session.controller_key().is_none())
        });
        if known.is_none() {
            let script = session.script().ok();
            let script = script.map(|(scenario, key)| (Arc::new(scenario), key));
            self.of = Some((session.id().clone(), script));
        }
        self.of.as_ref().and_then(|(_, script)| script.clone())
    }

    /// What the screen shows of it.
    pub fn shown(&mut self, session: &Session) -> Option<Arc<Script>> {
        let (scenario, key) = self.read(session)?;
        let progress = session.progress();
        let items = seal::items(session.state(), &key);
        let sealed = session.standing_items(&key, &progress);
        let now = session.now().to_utc();
        Some(Arc::new(Script {
            coming: due::coming(&scenario, session.state(), &progress, &sealed),
            score: score::score(&scenario, session.state(), &progress, &items, now),
            left_out: sealed.iter().filter_map(left_out).collect(),
            conducts: conducts(session),
            judges: judges(session),
            scenario,
        }))
    }
}

fn left_out(item: &Item) -> Option<String> {
    match item {
        Item::Skipped { inject, .. } => Some(inject.clone()),
        _ => None,
    }
}

/// Whether who sits here may seal something.
fn judges(session: &Session) -> bool {
    let roles = session.state().roles.get(&session.desk.identity.principal);
    roles.is_some_and(|roles| roles.iter().any(is_controller))
}

impl App {
    /// Reads a scenario of the library, for what everybody may know of it.
    pub(super) fn read_scenario(&mut self, id: String) {
        let read = self.desk.library().and_then(|library| {
            let (_, _, scenario) = library.scenario(&library.pin()?, &id)?;
            Ok(Arc::new(scenario))
        });
        let read = read.map_err(|error| error.to_string());
        self.world.scenario = Some((id, read));
        // What was asked for is shown at once.
        let _ = self.send.send(Message::Again);
    }

    /// Begins an exercise; whoever does so conducts it.
    pub(super) fn begin_exercise(&mut self, id: &str, paused: bool) -> Result<(), CliError> {
        let (path, text) = start::find(&self.desk, id)?;
        let beginning = Beginning {
            paused,
            scale: None,
        };
        let desk = Rc::clone(&self.desk);
        let session = Session::begin_exercise(desk, &path, &text, &beginning)?;
        let (inc, key) = (session.id().clone(), session.dir().join(KEY_FILE));
        self.world.me = world::me(&self.desk, Some(session.state()));
        self.session = Some(session);
        self.approval = None;
        self.publish();
        self.recorded();
        let hint = format!(
            "evaluators read the script with the key in {}: runsheet exercise join {} --controller-key FILE",
            key.display(),
            inc.short(4)
        );
        let go_on = if paused {
            "; p there lets the clock go on"
        } else {
            ""
        };
        let what = format!("you conduct {}: G shows its script{go_on}", inc.short(4));
        self.notice(false, what, Some(hint));
        self.model.wanted = Some(Wanted::Incident(inc, None));
        Ok(())
    }

    /// Writes the after-action report.
    pub(super) fn report(&mut self, paper: Paper, path: &str) -> Result<(), CliError> {
        let Some(session) = &self.session else {
            return Ok(());
        };
        let format = match paper {
            Paper::Markdown => ReportFormat::Markdown,
            Paper::Html => ReportFormat::Html,
            Paper::Json => ReportFormat::Json,
        };
        let (text, problems) = words::document(&self.desk, session, &[], format)?;
        files::write_atomic(path.as_ref(), text.as_bytes(), 0o640)
            .map_err(|error| CliError::Input(format!("{path}: {error}")))?;
        for problem in problems {
            self.notice(false, problem, None);
        }
        self.notice(false, format!("wrote {}", escape::line(path)), None);
        Ok(())
    }

    /// Keeps something for the controllers alone.
    pub(super) fn seal(&mut self, item: &Item) {
        let sealed = self.session.as_mut().map(|session| session.seal(item));
        self.acted(sealed);
    }

    /// Ends the exercise and opens what was sealed.
    pub(super) fn end_exercise(&mut self, aborted: bool, reason: Option<String>) {
        let ended = self
            .session
            .as_mut()
            .map(|session| session.end_exercise(aborted, reason));
        self.acted(ended);
    }

    fn acted(&mut self, acted: Option<Result<Acted, DriverError>>) {
        match acted {
            None => {}
            Some(Ok(acted)) => {
                for text in acted.notices {
                    self.notice(false, text, None);
                }
                self.publish();
            }
            Some(Err(error)) => self.failed(&error),
        }
        self.recorded();
    }

    /// Lets the script go on, where who sits here conducts.
    pub(super) fn conduct(&mut self) -> Result<Acted, DriverError> {
        let Some(session) = self.session.as_mut() else {
            return Ok(Acted::default());
        };
        let is_on = session
            .state()
            .exercise
            .as_deref()
            .is_some_and(|exercise| exercise.is_on());
        if !is_on || !conducts(session) {
            return Ok(Acted::default());
        }
        match self.scripts.read(session) {
            Some((scenario, key)) => session.conduct_beside(&scenario, &key),
            None => Ok(Acted::default()),
        }
    }
}

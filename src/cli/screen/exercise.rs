//! The exercise on the screen: whoever conducts it lets the script go on while the screen is open, and sees what of it
//! is to come.

use std::sync::Arc;

use super::App;
use crate::driver::exercise::conducts;
use crate::driver::session::Acted;
use crate::driver::{DriverError, Session};
use crate::engine::IncidentId;
use crate::exercise::{Key, due, score, seal};
use crate::runbook::scenario::Scenario;
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
            conducts: conducts(session),
            scenario,
        }))
    }
}

impl App {
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
            Some((scenario, key)) => session.conduct(&scenario, &key),
            None => Ok(Acted::default()),
        }
    }
}

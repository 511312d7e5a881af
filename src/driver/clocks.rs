//! The clocks of the law that run in an incident: the shipped ones and those of the library, as the incident pinned it.

use chrono::{DateTime, FixedOffset};

use super::{DriverError, Session};
use crate::timeline::clocks::{self, Countdown, Regime};

impl Session {
    /// How every clock stands that the policy names, or every one there is; and what is wrong with the library's own.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn countdowns(
        &self,
        all: bool,
        now: DateTime<FixedOffset>,
    ) -> Result<(Vec<Countdown>, Vec<String>), DriverError> {
        let (regimes, problems) = self.regimes(all)?;
        let countdowns = clocks::due(&regimes, &clocks::anchors(self.state()), now);
        Ok((countdowns, problems))
    }

    /// The clocks that the policy names, or every one there is; and what is wrong with the library's own.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn regimes(&self, all: bool) -> Result<(Vec<Regime>, Vec<String>), DriverError> {
        let Some(incident) = self.state().incident.as_deref() else {
            return Ok((Vec::new(), Vec::new()));
        };
        let named = &incident.policy.clocks;
        let (own, mut problems) = self.library_clocks(&incident.library.commit)?;
        let every = || clocks::shipped().iter().chain(&own);
        let unknown = named
            .iter()
            .filter(|name| !every().any(|regime| regime.id == **name));
        problems.extend(unknown.map(|name| format!("policy.yaml: there is no clock `{name}`")));
        let wanted = every().filter(|regime| all || named.contains(&regime.id));
        Ok((wanted.cloned().collect(), problems))
    }

    /// The library's own clocks at the commit the incident pinned, where the own library has it.
    fn library_clocks(&self, commit: &str) -> Result<(Vec<Regime>, Vec<String>), DriverError> {
        let Some(library) = self.desk.own_library() else {
            return Ok((Vec::new(), Vec::new()));
        };
        let Ok(pin) = library.pin_commit(commit) else {
            let why = "the library does not have the commit of this incident: its own clocks are not counted";
            return Ok((Vec::new(), vec![why.to_owned()]));
        };
        let mut files = Vec::new();
        for entry in library.clocks(&pin)?.entries {
            files.push((entry.path.clone(), library.read_entry(&entry)?));
        }
        let read = clocks::parse(
            files
                .iter()
                .map(|(path, blob)| (path.as_str(), blob.bytes.as_slice())),
        );
        let problems = read.problems.iter().map(ToString::to_string).collect();
        Ok((read.regimes, problems))
    }
}

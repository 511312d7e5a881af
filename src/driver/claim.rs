//! Exclusive steps: of all who could start one, whoever first makes its reference at the hub may. Without a hub the spool
//! keeps the claims, and without a spool nobody else is there.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{DriverError, Session};
use crate::engine::at::Claim;
use crate::engine::checkpoint::record;
use crate::engine::command::StepKey;
use crate::engine::exec::Purpose;
use crate::engine::{Command, StepRef};
use crate::evidence::{Digest, canonical, escape};
use crate::host::git::PushOutcome;
use crate::journal::Publisher;

/// What a claim says, in canonical JSON: the same claim has the same bytes.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    person: String,
    step: String,
    writer: String,
}

impl Said {
    fn bytes(&self) -> Result<Vec<u8>, DriverError> {
        canonical::to_string(self)
            .map(String::into_bytes)
            .map_err(|error| DriverError::Input(error.to_string()))
    }

    fn read(bytes: &[u8]) -> String {
        serde_json::from_slice::<Self>(bytes).map_or_else(
            |_| "somebody else".to_owned(),
            |said| escape::line(&said.person).into_owned(),
        )
    }
}

impl Session {
    /// Makes sure that an exclusive step is this writer's before it is started, and records the claim.
    ///
    /// # Errors
    /// When the claim cannot be recorded.
    pub(super) fn claim_for(
        &mut self,
        key: &StepKey,
        purpose: Purpose,
    ) -> Result<Claim, DriverError> {
        let Ok(found) = record::find(self.state(), key) else {
            return Ok(Claim::NotAsked);
        };
        if !found.step.exclusive || purpose != Purpose::Run {
            return Ok(Claim::NotAsked);
        }
        let step = StepRef {
            run: key.run.clone(),
            step: key.step.clone(),
            attempt: record::attempt_of(found.state, purpose),
        };
        let recorded = found.state.claimed.as_ref() == Some(&self.desk.identity.principal)
            && found.state.claimed_attempt == step.attempt;
        let said = Said {
            person: self.desk.identity.principal.to_string(),
            step: step.to_string(),
            writer: self.writer.to_string(),
        };
        let name = Digest::of(said.step.as_bytes()).hex();
        let claim = if self.desk.settings.hub.is_some() {
            self.claim_at_hub(&name, &said)?
        } else {
            self.claim_in_folder(&name, &said)?
        };
        if claim == Claim::Held && !recorded {
            self.command(Command::Claim { step: key.clone() })?;
        }
        Ok(claim)
    }

    /// The reference is made only if it is not there yet: of two who try, one is refused.
    fn claim_at_hub(&self, name: &str, said: &Said) -> Result<Claim, DriverError> {
        let desk = Rc::clone(&self.desk);
        let Some(remote) = &desk.settings.hub else {
            return Ok(Claim::NotAsked);
        };
        let git = &desk.ports.git;
        let publisher = Publisher::open(&Self::store(&desk))?;
        let blob = publisher.claim(&said.bytes()?)?;
        let reference = format!("refs/incidents/{}/x/{name}", self.id());
        let spec = format!("{blob}:{reference}");
        let pushed = match git.push_new(publisher.path(), remote, &[spec]) {
            Ok(pushed) => pushed,
            Err(error) => return Ok(Claim::Unreachable(error.to_string())),
        };
        let mut outcomes = pushed.into_iter().map(|pushed| pushed.outcome);
        match outcomes.next() {
            Some(PushOutcome::Updated | PushOutcome::UpToDate) => return Ok(Claim::Held),
            Some(PushOutcome::Rejected(_)) => {}
            _ => {
                return Ok(Claim::Unreachable(
                    "it said nothing of the claim".to_owned(),
                ));
            }
        }
        let there = match git.ls_remote(remote, &[&reference]) {
            Ok(there) => there,
            Err(error) => return Ok(Claim::Unreachable(error.to_string())),
        };
        match there.first() {
            Some(there) if there.id == blob => Ok(Claim::Held),
            Some(_) => {
                let beside = format!("refs/hub/{}/x/{name}", self.id());
                let spec = format!("+{reference}:{beside}");
                // Who it was is told where it can be; the claim stands either way.
                let _ = git.fetch(publisher.path(), remote, &[spec], false);
                Ok(Claim::Taken(publisher.claimed(&beside).map_or_else(
                    || "somebody else".to_owned(),
                    |bytes| Said::read(&bytes),
                )))
            }
            None => Ok(Claim::Unreachable("it did not take the claim".to_owned())),
        }
    }

    fn claim_in_folder(&self, name: &str, said: &Said) -> Result<Claim, DriverError> {
        let says = said.bytes()?;
        Ok(match self.journal.claim(name, &says)? {
            None => Claim::Held,
            Some(there) if there == says => Claim::Held,
            Some(there) => Claim::Taken(Said::read(&there)),
        })
    }
}

//! What changes the ground under a record, on this side of the engine: what the own library no longer grants is recorded,
//! its newer policy is offered, evidence that was taken out is removed here, and what had to reach the hub at once and
//! did not is said.

use std::rc::Rc;

use super::session::Acted;
use super::{Desk, DriverError, Session, root};
use crate::engine::at::Root;
use crate::engine::checkpoint::{judge, prepare};
use crate::engine::command::OfferedPolicy;
use crate::engine::exec::PinnedPolicy;
use crate::engine::{Command, Fact, State};
use crate::journal::Publisher;
use crate::library::{Blob, Library, LibraryError, Pin};

impl Session {
    /// Records what the own library was seen not to grant any more, before anything rests on it.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub(super) fn shrink(&mut self) -> Result<Acted, DriverError> {
        self.compare_authors();
        let Root::Trusted { revoked } = self.root() else {
            return Ok(Acted::default());
        };
        let known = &self.state().revoked;
        if revoked.iter().all(|gone| known.contains(gone)) {
            return Ok(Acted::default());
        }
        let revoked = revoked.clone();
        let commit = self.desk.pin()?.commit;
        self.command(Command::Revoked { commit, revoked })
    }

    /// A record that names other authors than git does is not to be trusted: somebody could hide behind it. Asked once for
    /// each number of runs, for git has to read the history of every file.
    fn compare_authors(&mut self) {
        let runs = self.state().runs.len();
        if self.compared == runs || !matches!(self.root(), Root::Trusted { .. }) {
            return;
        }
        let desk = Rc::clone(&self.desk);
        if let Some(library) = desk.own_library() {
            match root::authors(library, self.state()) {
                Ok(()) => self.compared = runs,
                Err(why) => self.distrust(why),
            }
        }
    }

    /// Gives this person's word for the policy of the own library: the one that was proposed where that is on its branch,
    /// else that of its newest commit.
    ///
    /// # Errors
    /// A refusal, or whatever kept it from being signed or recorded.
    pub(super) fn adopt(&mut self, reason: Option<&String>) -> Result<Acted, DriverError> {
        let offered = offered(&self.desk, self.state())?;
        let at = self.at()?;
        let prepared = prepare::adoption(self.state(), &offered.policy, reason, &at)?;
        let signed = self.sign(&prepared)?;
        let policy = Box::new(offered);
        let acted = self.command(Command::Adopt { policy, signed })?;
        self.trust();
        Ok(acted)
    }

    /// Removes the bytes of evidence that was taken out of the record, here and in the published form.
    ///
    /// # Errors
    /// When they are here and cannot be removed.
    pub(super) fn withhold(&mut self) -> Result<(), DriverError> {
        let state = self.state().clone();
        let done = state.expunged.iter().filter(|(_, expunged)| expunged.done);
        let gone: Vec<_> = done.map(|(digest, _)| *digest).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let desk = Rc::clone(&self.desk);
        let mut publisher = Publisher::open(&Self::store(&desk))?;
        let mut any = false;
        for digest in gone {
            self.journal.remove_evidence(&digest)?;
            any |= publisher.withhold(self.journal.incident(), &digest)?;
        }
        if any {
            let path = publisher.path().to_owned();
            publisher.alone(|| desk.ports.git.forget(&path))??;
        }
        Ok(())
    }

    /// What had to reach the hub at once: an override. Where it does not, the record says so.
    ///
    /// # Errors
    /// When that cannot be recorded.
    pub(super) fn tell_at_once(&mut self, acted: &mut Acted) -> Result<(), DriverError> {
        let overridden = acted
            .events
            .iter()
            .find(|event| matches!(event.fact, Fact::CheckpointOverridden(_)));
        let Some(about) = overridden.map(|event| event.id) else {
            return Ok(());
        };
        if self.desk.settings.hub.is_none() {
            return Ok(());
        }
        let told = self.publish().and_then(|()| self.exchange());
        if let Err(error) = told {
            let why = error.to_string();
            let more = self.command(Command::Unreachable { about, why })?;
            acted.events.extend(more.events);
        }
        Ok(())
    }
}

/// The policy of the own library, as it is offered to this incident.
fn offered(desk: &Desk, state: &State) -> Result<OfferedPolicy, DriverError> {
    let library = desk.library()?;
    let proposed = state
        .proposal
        .as_deref()
        .map(|proposal| proposal.policy.commit.clone());
    let pin = match proposed {
        Some(commit) if library.trusts(&commit)? => library.pin_commit(&commit)?,
        _ => library.pin()?,
    };
    Ok(policy_at(library, &pin)?)
}

/// The policy of a library at one commit, both texts and their digest.
///
/// # Errors
/// When they cannot be read.
pub(super) fn policy_at(library: &Library, pin: &Pin) -> Result<OfferedPolicy, LibraryError> {
    let text = |blob: Option<Blob>| {
        blob.map_or_else(String::new, |blob| {
            String::from_utf8_lossy(&blob.bytes).into_owned()
        })
    };
    let policy_yaml = text(library.policy(pin)?);
    let allowed_signers = text(library.allowed_signers(pin)?);
    Ok(OfferedPolicy {
        policy: PinnedPolicy {
            commit: pin.commit.clone(),
            sha256: judge::policy_digest(&policy_yaml, &allowed_signers),
        },
        policy_yaml,
        allowed_signers,
    })
}

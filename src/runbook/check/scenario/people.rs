//! Who takes part, and whether the colleagues of who practises alone can open the gates.

use std::collections::BTreeMap;

use super::Check;
use crate::runbook::gates::{Keys, Prover};
use crate::runbook::model::Role;
use crate::runbook::policy::{Person, Policy};
use crate::runbook::scenario::file::ReplyFile;
use crate::runbook::scenario::words::SaysWord;
use crate::runbook::scenario::{Colleague, Says, Side};

/// Nobody's id: those have no blanks.
const PLAYER: &str = "the player";

impl Check<'_, '_, '_> {
    pub(super) fn parts(&mut self) {
        let file = self.file;
        for part in file.parts.iter().flatten() {
            let Some(role) = &part.role else { continue };
            self.role(role);
            if part.side.value != Side::Player {
                let what = "only players have a duty in the incident".to_owned();
                self.report.warn(role.at, "idle-key", what, None);
            }
        }
        let mut parts = file.parts.iter().flatten().peekable();
        if let Some(first) = parts.peek().map(|first| first.id.at)
            && parts.all(|part| part.side.value != Side::Player)
        {
            let what = "nobody of the parts is a player".to_owned();
            self.report.warn(first, "no-player", what, None);
        }
    }

    pub(super) fn colleagues(&mut self) {
        let file = self.file;
        for colleague in file.colleagues.iter().flatten() {
            for role in &colleague.roles {
                self.role(role);
            }
            for reply in colleague.replies.iter().flatten() {
                self.reply(&reply.value);
            }
        }
        if let Some(first) = file.colleagues.iter().flatten().next() {
            self.gates(first.id.at);
        }
    }

    fn reply(&mut self, reply: &ReplyFile) {
        let denies = reply.says.value == SaysWord::Deny;
        match &reply.reason {
            None if denies => {
                let what = "who denies says why: `reason`".to_owned();
                self.error(reply.says.at, "missing-key", what);
            }
            Some(reason) if !denies => {
                let what = "only who denies gives a reason".to_owned();
                self.report.warn(reason.at, "idle-key", what, None);
            }
            _ => {}
        }
        let Some(id) = &reply.step else { return };
        if let Some(found) = self.known_step(id)
            && !self.gated(&found.book, found.step())
        {
            let what = format!(
                "nobody is asked about {}: it has no checkpoint",
                self.report.show(&id.value.0)
            );
            self.report.warn(id.at, "idle-reply", what, None);
        }
    }

    /// That the gates open for one player with these colleagues, as far as they say so.
    fn gates(&mut self, at: crate::runbook::Place) {
        if self.file.runbook.is_none() {
            return;
        }
        for book in self.books.clone() {
            for step in &book.steps {
                if !self.gated(&book, step) {
                    continue;
                }
                let agree = |colleague: &&Colleague| agrees(colleague, step.id.as_str());
                let policy = self.practising(self.model.colleagues.iter().filter(agree));
                let keys: Keys = policy
                    .people
                    .keys()
                    .map(|name| (name.clone(), false))
                    .collect();
                let mut prover = Prover::new(&policy, Some(&keys));
                let passers = prover.passers(&book, step, self.at, None);
                if passers.is_some_and(|it| !it.performers.iter().any(|name| name == PLAYER)) {
                    let what = format!(
                        "the colleagues never open the checkpoint of {}",
                        self.report.show(step.id.as_str())
                    );
                    let hint = "who practises alone would have to override it".to_owned();
                    self.report.warn(at, "dead-gate", what, Some(hint));
                }
            }
        }
    }

    /// The library's policy with other people.
    fn practising<'m>(&self, colleagues: impl Iterator<Item = &'m Colleague>) -> Policy {
        let person = |name: &str, roles: Vec<Role>| Person {
            name: name.to_owned(),
            principals: vec![name.to_owned()],
            roles,
            ..Person::default()
        };
        let duties = self.model.parts.iter().filter_map(|part| part.role.clone());
        let player = person(PLAYER, duties.chain([Role::from("operator")]).collect());
        let mut people = BTreeMap::from([(PLAYER.to_owned(), player)]);
        for colleague in colleagues {
            let other = person(&colleague.id, colleague.roles.clone());
            people.insert(colleague.id.clone(), other);
        }
        Policy {
            people,
            ..self.policy.clone()
        }
    }
}

/// Whether this colleague says yes to that step, asked often enough.
fn agrees(colleague: &Colleague, step: &str) -> bool {
    let about = |named: Option<&str>| named.is_none_or(|named| named == step);
    colleague.replies.iter().any(|reply| {
        reply.says == Says::Approve && about(reply.step.as_ref().map(|id| id.as_str()))
    })
}

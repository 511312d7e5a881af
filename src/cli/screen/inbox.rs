//! What waits for whoever sits here: found in each incident's state, told once when it arrives.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{App, terminal, world};
use crate::cli::config::Notify;
use crate::engine::checkpoint::{self, change, closing, judge};
use crate::engine::command::StepKey;
use crate::engine::state::{Incident, Request, Run, State, Status, StepState};
use crate::engine::{Event, EventId, IncidentId};
use crate::runbook::model::Step;
use crate::trust::Principal;
use crate::tui::Act;
use crate::tui::act::Place;
use crate::tui::world::{IncidentRow, Waiting, Waits};

/// Everything in this incident that waits for this person.
#[must_use]
pub fn waits(me: &Principal, state: &State, events: &[Arc<Event>]) -> Vec<Waiting> {
    let Some(incident) = state.incident.as_deref() else {
        return Vec::new();
    };
    let mut waits = reviews(me, state, incident);
    waits.extend(words(me, state, events));
    if state.closed.is_some() {
        return waits;
    }
    for run in &state.runs {
        for at in &run.steps {
            let Some(step) = run.book.step(&at.id) else {
                continue;
            };
            let one = match at.request.as_deref().filter(|request| request.is_open()) {
                Some(request) => asked(me, state, incident, (run, step, request)),
                None => mine(me, state, (run, step, at)),
            };
            waits.extend(one);
        }
    }
    waits
}

fn reviews(me: &Principal, state: &State, incident: &Incident) -> Vec<Waiting> {
    state
        .owed_reviews()
        .filter(|over| closing::review_template(state, over.event, me, true, &[over.event]).is_ok())
        .map(|over| Waiting {
            what: Waits::Review(over.event, over.step.step.clone()),
            by: checkpoint::person(incident, &over.by),
            since: over.at,
            passed_by: None,
            event: Some(over.event),
        })
        .collect()
}

/// A policy or an artifact that waits for the word of one more person.
fn words(me: &Principal, state: &State, events: &[Arc<Event>]) -> Vec<Waiting> {
    let waiting = |what, by: Option<&String>, event: EventId| {
        let at = events.iter().rev().find(|known| known.id == event)?;
        Some(Waiting {
            what,
            by: by.cloned().unwrap_or_default(),
            since: at.occurred_at,
            passed_by: None,
            event: Some(event),
        })
    };
    let proposal = state.proposal.as_deref().filter(|proposal| {
        change::proposal(state, proposal.event, me).is_ok()
            && change::policy_template(state, &proposal.policy, me).is_ok()
    });
    let policy = proposal.and_then(|proposal| {
        let by = proposal.by.keys().next();
        waiting(Waits::Policy(proposal.event), by, proposal.event)
    });
    let expunged = state
        .expunged
        .iter()
        .filter(|(digest, _)| change::expunge_template(state, **digest, me).is_ok())
        .filter_map(|(digest, word)| {
            let (by, (_, event, _)) = word.by.iter().next()?;
            waiting(Waits::Expunge(*digest), Some(by), *event)
        });
    policy.into_iter().chain(expunged).collect()
}

/// An open question: mine to answer, or answered so that I may go on.
fn asked(
    me: &Principal,
    state: &State,
    incident: &Incident,
    (run, step, request): (&Run, &Step, &Request),
) -> Option<Waiting> {
    let key = StepKey {
        run: run.id.clone(),
        step: step.id.clone(),
    };
    let purpose = request.record.exec.purpose;
    let passed_by = request
        .delegated
        .iter()
        .rev()
        .find(|(_, to)| to == me)
        .map(|(by, _)| checkpoint::person(incident, by));
    let waiting = |what, by, event, since| Waiting {
        what,
        by,
        since,
        passed_by: passed_by.clone(),
        event: Some(event),
    };
    // Whether an approval has expired is found out when it is used; here an hour more or less matters nothing.
    let standing = checkpoint::standing(incident, request, 0);
    if standing.open {
        let last = request.approvals.last()?;
        return (&request.by == me).then(|| {
            waiting(
                Waits::Ready(key, purpose),
                last.person.clone(),
                last.event,
                last.at,
            )
        });
    }
    let answered = request.approvals.iter().any(|approval| &approval.by == me);
    let may = !answered
        && !change::passed_on(request, me)
        && judge::eligible(state, run, step, request, me).is_ok();
    may.then(|| {
        waiting(
            Waits::Approval(key, purpose),
            checkpoint::person(incident, &request.by),
            request.event,
            request.at,
        )
    })
}

/// The step a run stands at, where it is mine by role and nobody else took it.
fn mine(
    me: &Principal,
    state: &State,
    (run, step, at): (&Run, &Step, &StepState),
) -> Option<Waiting> {
    if run.at.as_ref() != Some(&at.id) || at.status != Status::Todo {
        return None;
    }
    let by_role = || {
        let roles = state.roles.get(me)?;
        step.role.as_ref().filter(|role| roles.contains(role))
    };
    let by = match &at.claimed {
        Some(who) if who == me => "claimed".to_owned(),
        Some(_) => return None,
        None => by_role()?.to_string(),
    };
    let before = run.steps.iter().filter_map(|other| other.ended).max();
    Some(Waiting {
        what: Waits::Step(StepKey {
            run: run.id.clone(),
            step: step.id.clone(),
        }),
        by,
        since: before.unwrap_or(run.started),
        passed_by: None,
        event: None,
    })
}

/// What this person was told of already. What was there when they sat down is on the screen and needs no sound.
#[derive(Debug, Default)]
pub struct Told {
    begun: bool,
    /// With whether it was passed on to this person, which is a question of its own.
    known: BTreeSet<(IncidentId, EventId, bool)>,
}

impl Told {
    /// The questions that are new, each once.
    fn fresh<'r>(&mut self, rows: &'r [IncidentRow]) -> Vec<(&'r IncidentRow, &'r Waiting)> {
        let mut fresh = Vec::new();
        for row in rows {
            for waiting in row.waits.iter().filter(|waiting| waiting.what.is_asked()) {
                let Some(event) = waiting.event else { continue };
                let told = (row.id.clone(), event, waiting.passed_by.is_some());
                if self.known.insert(told) && self.begun {
                    fresh.push((row, waiting));
                }
            }
        }
        self.begun = true;
        fresh
    }
}

impl App {
    /// Puts what is known of the open incident into the list: it is fresher than what a thread read.
    pub(super) fn row_of_open(&mut self, id: &IncidentId, state: &State) {
        let row = world::incident_row(&self.desk.identity.principal, id, state, &self.events);
        let at = self
            .world
            .incidents
            .iter()
            .position(|known| &known.id == id);
        if at.map(|at| &self.world.incidents[at]) == row.as_ref() {
            return;
        }
        let rows = Arc::make_mut(&mut self.world.incidents);
        match (at, row) {
            (Some(at), Some(row)) => rows[at] = row,
            (Some(at), None) => drop(rows.remove(at)),
            (None, Some(row)) => rows.insert(0, row),
            (None, None) => {}
        }
    }

    /// Takes in Home's list, and tells of what is asked anew.
    pub(super) fn listed(&mut self, rows: Vec<IncidentRow>) {
        let texts: Vec<String> = self
            .told
            .fresh(&rows)
            .into_iter()
            .map(|(row, waiting)| sentence(row, waiting))
            .collect();
        self.world.incidents = Arc::new(rows);
        if let Some(session) = &self.session {
            let (id, state) = (session.id().clone(), Arc::clone(session.state()));
            self.row_of_open(&id, &state);
        }
        for text in texts {
            if matches!(self.notify, Notify::Bell | Notify::Both) {
                terminal::bell();
            }
            if matches!(self.notify, Notify::Osc9 | Notify::Both) {
                terminal::osc9(&format!("runsheet: {text}"));
            }
            let key = self.model.keymap.key_of(Place::Any, Act::Inbox);
            let hint = key.map(|key| format!("{key} goes there"));
            self.notice(false, text, hint);
        }
    }
}

/// `robin asks you to approve revoke in INC-509H`
fn sentence(row: &IncidentRow, waiting: &Waiting) -> String {
    match &waiting.what {
        Waits::Review(_, step) => format!(
            "{} overrode {step} in {}: a review is owed, and you may give it",
            waiting.by, row.short
        ),
        what if waiting.passed_by.is_some() => format!(
            "{} passes on to you: {} in {}, asked by {}",
            waiting.passed_by.clone().unwrap_or_default(),
            what.words(),
            row.short,
            waiting.by
        ),
        what => format!(
            "{} asks you to {} in {}",
            waiting.by,
            what.words(),
            row.short
        ),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::evidence::Digest;
    use crate::runbook::model::{Severity, StepId};

    fn row(waits: Vec<Waiting>) -> IncidentRow {
        IncidentRow {
            id: IncidentId::new("01JDC0W4Q0ABCDEFGHJKMN0042").unwrap(),
            short: "INC-0042".to_owned(),
            severity: Severity::Sev2,
            title: "Leaked key".to_owned(),
            position: "step 1/2".to_owned(),
            started: DateTime::UNIX_EPOCH.fixed_offset(),
            waits,
            exercise: false,
            overridden: false,
        }
    }

    fn asks(event: &[u8]) -> Waiting {
        Waiting {
            what: Waits::Review(Digest::of(event), StepId::from("drop")),
            by: "alice".to_owned(),
            since: DateTime::UNIX_EPOCH.fixed_offset(),
            passed_by: None,
            event: Some(Digest::of(event)),
        }
    }

    #[test]
    fn a_question_is_told_once_and_one_that_was_there_before_not_at_all() {
        let mut told = Told::default();
        assert!(told.fresh(&[row(vec![asks(b"a")])]).is_empty());
        let rows = [row(vec![asks(b"a"), asks(b"b")])];
        assert_eq!(told.fresh(&rows).len(), 1);
        assert!(told.fresh(&rows).is_empty());
        // Gone and back again is still the same question.
        assert!(told.fresh(&[row(Vec::new())]).is_empty());
        assert!(told.fresh(&rows).is_empty());
        assert_eq!(told.fresh(&[row(vec![asks(b"c")])]).len(), 1);
        // Passed on to this person it is asked of them anew.
        let passed = Waiting {
            passed_by: Some("dan".to_owned()),
            ..asks(b"c")
        };
        assert_eq!(told.fresh(&[row(vec![passed.clone()])]).len(), 1);
        assert!(told.fresh(&[row(vec![passed])]).is_empty());
    }
}

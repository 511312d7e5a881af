//! The gate in front of a step: what it asks for, the record that is asked about, the text that is signed, and the one
//! place where any statement is judged, whichever way it came in.

pub mod change;
pub mod closing;
pub mod judge;
pub mod own;
pub mod prepare;
pub mod record;
pub mod text;

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::ids::EventId;
use super::state::{Incident, Request, Run, State};
use crate::runbook::model::{KeyRule, NotWho, Step};
use crate::runbook::policy::Checkpoint;
use crate::trust::Principal;

pub use prepare::{Prepared, prepare};

/// How far clocks of honest machines may differ. An expiry is never stretched by more than this.
pub const CLOCK_SKEW_SECONDS: i64 = 5;

/// What this step needs before it may start at this moment, by the runbook, the pinned policy with the freezes that are
/// in force, and the shipped floor.
#[must_use]
pub fn gate(incident: &Incident, run: &Run, step: &Step, at: DateTime<Utc>) -> Option<Checkpoint> {
    incident
        .policy
        .checkpoint_for(&run.book, step, &run.plain(), at)
}

/// The freezes that ask something for this step at this moment, and until when, in words.
#[must_use]
pub fn frozen(incident: &Incident, run: &Run, step: &Step, at: DateTime<Utc>) -> Option<String> {
    let values = run.plain();
    let freezes: Vec<_> = incident
        .policy
        .freezes_for(&run.book, step, &values, at)
        .map(|freeze| match freeze.period.ends(at) {
            Some(end) => format!("{} until {}", freeze.name, end.format("%Y-%m-%d %H:%MZ")),
            None => freeze.name.clone(),
        })
        .collect();
    (!freezes.is_empty()).then(|| format!("freeze {}", freezes.join(", ")))
}

/// The gate in one line: `1 approver; not performer, author; 15m`.
#[must_use]
pub fn describe(checkpoint: &Checkpoint) -> String {
    let needs: Vec<_> = checkpoint
        .requirements
        .iter()
        .map(ToString::to_string)
        .collect();
    let mut text = needs.join(", ");
    if !checkpoint.not.is_empty() {
        let not: Vec<_> = checkpoint.not.iter().map(not_word).collect();
        let _ = write!(text, "; not {}", not.join(", "));
    }
    match checkpoint.keys {
        KeyRule::Any => {}
        KeyRule::Touched => text.push_str("; touched key"),
        KeyRule::Verified => text.push_str("; verified key"),
    }
    let _ = write!(text, "; {}", length(checkpoint.expires));
    text
}

/// A length of time in the largest unit that leaves nothing over, as a runbook writes it. Part of the record's format.
fn length(time: std::time::Duration) -> String {
    let seconds = time.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    match units
        .iter()
        .find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit))
    {
        Some((unit, word)) => format!("{}{word}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

/// The word a file uses for who must not approve.
#[must_use]
pub fn not_word(not: &NotWho) -> String {
    match not {
        NotWho::Performer => "performer".to_owned(),
        NotWho::Requester => "requester".to_owned(),
        NotWho::Author => "author".to_owned(),
        NotWho::ApproverOf(step) => format!("approver-of:{step}"),
    }
}

/// The people whose approvals stand, as far as they count for the gate, and what is still missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// `(have, need)` of the requirement that is furthest from being met.
    pub tally: (u32, u32),
    /// Whether every requirement is met.
    pub open: bool,
    /// The approvals that count, by their events.
    pub counted: Vec<EventId>,
}

/// Counts the approvals of a request that have not expired at this moment (seconds since 1970).
#[must_use]
pub fn standing(incident: &Incident, request: &Request, now: i64) -> Standing {
    let live: Vec<_> = request
        .approvals
        .iter()
        .filter(|approval| {
            let until = approval.statement.not_after;
            !approval.revoked && until.is_some_and(|until| now <= until.timestamp())
        })
        .collect();
    let mut tally: Option<(u32, u32)> = None;
    let mut open = true;
    for need in &request.checkpoint.requirements {
        let people = live
            .iter()
            .filter(|approval| need.fits(|role| incident.people.has_role(&approval.person, role)))
            .map(|approval| approval.person.as_str());
        let have = u32::try_from(incident.people.distinct(people)).unwrap_or(u32::MAX);
        open &= have >= need.approvals;
        if tally.is_none_or(|(had, needed)| {
            need.approvals.saturating_sub(have) > needed.saturating_sub(had)
        }) {
            tally = Some((have.min(need.approvals), need.approvals));
        }
    }
    Standing {
        tally: tally.unwrap_or((0, 0)),
        open: open && request.is_open(),
        counted: live.iter().map(|approval| approval.event).collect(),
    }
}

/// The person behind a principal: as policy has it, else the principal itself, who then is a person without roles.
#[must_use]
pub fn person(incident: &Incident, principal: &Principal) -> String {
    incident
        .people
        .person_of(principal)
        .map_or_else(|| principal.to_string(), str::to_owned)
}

/// Everybody who could still approve this request, by person.
#[must_use]
pub fn who_could(state: &State, run: &Run, step: &Step, request: &Request) -> Vec<String> {
    let Some(incident) = state.incident.as_deref() else {
        return Vec::new();
    };
    incident
        .policy
        .people
        .iter()
        .filter(|(_, person)| {
            person.principals.iter().any(|principal| {
                Principal::try_from(principal.as_str()).is_ok_and(|principal| {
                    judge::has_key(incident, &principal, request.checkpoint.keys)
                        && judge::eligible(state, run, step, request, &principal).is_ok()
                })
            })
        })
        .map(|(id, _)| id.clone())
        .collect()
}

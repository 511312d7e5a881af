//! Statements about the record itself: the review of an override, and the closing and reopening of an incident.

use chrono::{DateTime, Utc};

use super::judge::list_digest;
use super::person;
use crate::engine::command::{Refusal, RefusalKind};
use crate::engine::fact::Signed;
use crate::engine::ids::EventId;
use crate::engine::state::{Incident, Overridden, State};
use crate::runbook::model::Role;
use crate::trust::statement::{CloseDecision, Nonce, PolicyPin, ReviewDecision};
use crate::trust::{CloseStatement, Principal, ReviewStatement, Verified};

pub(super) fn pin(incident: &Incident) -> PolicyPin {
    PolicyPin {
        commit: incident.policy_pin.commit.clone(),
        digest: incident.policy_pin.sha256,
    }
}

pub(super) fn incident(state: &State) -> Result<&Incident, Refusal> {
    state
        .incident
        .as_deref()
        .ok_or_else(|| Refusal::new(RefusalKind::NoSuchThing, "this record has no beginning"))
}

/// A review as it would be signed by this person now.
///
/// # Errors
/// When there is no such override, it was reviewed, or this person had a hand in it.
pub fn review_template(
    state: &State,
    overridden: EventId,
    by: &Principal,
    accepted: bool,
    events: &[EventId],
) -> Result<ReviewStatement, Refusal> {
    let incident = incident(state)?;
    let over = state.overrides.get(&overridden).ok_or_else(|| {
        Refusal::new(
            RefusalKind::NoSuchThing,
            format!("{} is no override", overridden.short()),
        )
    })?;
    reviewer(incident, over, by)?;
    Ok(ReviewStatement {
        incident: incident.id.to_string(),
        genesis: incident.genesis,
        policy: pin(incident),
        override_event: overridden,
        events: list_digest("events", events),
        reviewer: by.clone(),
        decision: if accepted {
            ReviewDecision::Accepted
        } else {
            ReviewDecision::Rejected
        },
        reason: None,
        time: DateTime::UNIX_EPOCH,
        nonce: Nonce([0; 16]),
    })
}

fn reviewer(incident: &Incident, over: &Overridden, by: &Principal) -> Result<(), Refusal> {
    if over.review.is_some() {
        return Err(Refusal::new(
            RefusalKind::WrongState,
            "this override was reviewed already",
        ));
    }
    let who = person(incident, by);
    if incident.people.same(&who, &over.person) {
        return Err(Refusal::new(
            RefusalKind::NotEligible,
            format!("{by} made this override: a different person has to review it"),
        ));
    }
    let may = incident.people.person_of(by).is_some_and(|who| {
        let mut roles = vec![Role::from("approver"), Role::from("commander")];
        roles.extend(incident.policy.override_rule.roles.iter().cloned());
        roles.iter().any(|role| incident.people.has_role(who, role))
    });
    if may {
        Ok(())
    } else {
        Err(Refusal::new(
            RefusalKind::NotEligible,
            format!("{by} may not review: that takes an approver or a commander by policy"),
        ))
    }
}

/// The review of an override.
///
/// # Errors
/// When this person may not, or the statement does not hold.
pub fn review(
    state: &State,
    overridden: EventId,
    accepted: bool,
    events: &[EventId],
    signed: &Signed,
    by: &Principal,
    when: DateTime<Utc>,
) -> Result<ReviewStatement, Refusal> {
    let mut expected = review_template(state, overridden, by, accepted, events)?;
    let given =
        ReviewStatement::parse(signed.statement.as_bytes()).map_err(|error| unreadable(&error))?;
    if !events.contains(&overridden) {
        return Err(Refusal::new(
            RefusalKind::BadSignature,
            "the review does not list the override it is about",
        ));
    }
    if given
        .reason
        .as_deref()
        .unwrap_or_default()
        .trim()
        .is_empty()
    {
        return Err(Refusal::new(RefusalKind::BadValue, "the reason is empty"));
    }
    expected.nonce = given.nonce;
    expected.time = given.time;
    expected.reason.clone_from(&given.reason);
    verify(state, signed, by, when)?;
    same(given == expected, state, &given.nonce)?;
    Ok(given)
}

/// A close or reopen as it would be signed by this person now.
///
/// # Errors
/// When it is so already, a review is owed, something still runs, or this person may not.
pub fn close_template(
    state: &State,
    decision: CloseDecision,
    by: &Principal,
    heads: &[EventId],
) -> Result<CloseStatement, Refusal> {
    let incident = incident(state)?;
    let may = incident
        .people
        .person_of(by)
        .is_some_and(|who| incident.people.has_role(who, &Role::from("commander")));
    if !may {
        return Err(Refusal::new(
            RefusalKind::NotEligible,
            format!("{by} may not close or reopen: that takes a commander by policy"),
        ));
    }
    match decision {
        CloseDecision::Close => {
            if let Some(over) = state.owed_reviews().next() {
                return Err(Refusal::new(
                    RefusalKind::WrongState,
                    format!("the override of {} by {} owes a review", over.step, over.by),
                )
                .hint("a different person reviews it first: `runsheet review`"));
            }
        }
        CloseDecision::Reopen if state.closed.is_none() => {
            return Err(Refusal::new(
                RefusalKind::WrongState,
                "the incident is not closed",
            ));
        }
        CloseDecision::Reopen => {}
    }
    Ok(CloseStatement {
        incident: incident.id.to_string(),
        genesis: incident.genesis,
        policy: pin(incident),
        heads: list_digest("heads", heads),
        closer: by.clone(),
        decision,
        time: DateTime::UNIX_EPOCH,
        nonce: Nonce([0; 16]),
    })
}

/// The closing or reopening of an incident over these heads.
///
/// # Errors
/// When this person may not, or the statement does not hold.
pub fn close(
    state: &State,
    decision: CloseDecision,
    heads: &[EventId],
    signed: &Signed,
    by: &Principal,
    when: DateTime<Utc>,
) -> Result<CloseStatement, Refusal> {
    let mut expected = close_template(state, decision, by, heads)?;
    let given =
        CloseStatement::parse(signed.statement.as_bytes()).map_err(|error| unreadable(&error))?;
    expected.nonce = given.nonce;
    expected.time = given.time;
    verify(state, signed, by, when)?;
    same(given == expected, state, &given.nonce)?;
    Ok(given)
}

pub(super) fn unreadable(error: &crate::trust::statement::StatementError) -> Refusal {
    Refusal::new(
        RefusalKind::BadSignature,
        format!("the statement cannot be read: {error}"),
    )
}

pub(super) fn same(same: bool, state: &State, nonce: &Nonce) -> Result<(), Refusal> {
    if !same {
        return Err(Refusal::new(
            RefusalKind::Changed,
            "the statement is not about what is asked here",
        )
        .hint("something was recorded since it was made: try again"));
    }
    if state.nonces.contains(&nonce.to_string()) {
        return Err(Refusal::new(
            RefusalKind::Replayed,
            "this statement was used before",
        ));
    }
    Ok(())
}

pub(super) fn verify(
    state: &State,
    signed: &Signed,
    by: &Principal,
    when: DateTime<Utc>,
) -> Result<Verified, Refusal> {
    let incident = incident(state)?;
    crate::trust::verify(
        signed.statement.as_bytes(),
        &signed.signature,
        incident.mode,
        &incident.signers,
        by,
        when,
    )
    .map_err(|error| {
        Refusal::new(
            RefusalKind::BadSignature,
            format!("the signature of {by} does not hold: {error}"),
        )
    })
}

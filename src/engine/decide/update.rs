//! Stakeholder updates: what may be told to whom, and what became of it. Knows nothing of channels but that there are some.

use chrono::{DateTime, TimeDelta, Utc};

use super::draft;
use super::incident::text;
use crate::engine::at::At;
use crate::engine::command::{Command, Decision, Refusal, RefusalKind};
use crate::engine::fact::{Fact, UpdateRecorded};
use crate::engine::state::{Incident, State};
use crate::runbook::model::Notify;
use crate::runbook::policy::{Audience, UPDATE_STATES};

/// The next update cannot be promised for later than this.
const LONGEST_PROMISE: TimeDelta = TimeDelta::days(366);

pub(super) fn update(state: &State, command: Command, at: &At) -> Result<Decision, Refusal> {
    let incident = state
        .incident
        .as_deref()
        .ok_or_else(|| Refusal::new(RefusalKind::NoSuchThing, "this record has no beginning"))?;
    let fact: Fact = match command {
        Command::Update {
            audience,
            state: stands,
            message,
            next,
        } => {
            is_known(incident, &audience)?;
            if named(incident, &audience).is_some_and(|audience| audience.approval) {
                return Err(wants_approval(&audience));
            }
            UpdateRecorded {
                state: stands.map(stands_at).transpose()?,
                message: text("message", &message)?,
                next: next.map(|next| promised(next, at)).transpose()?,
                audience,
                step: None,
            }
            .into()
        }
        Command::Delivered(fact) => {
            is_news(state, (&fact.update, &fact.channel), fact.tries, true)?;
            (*fact).into()
        }
        Command::Undelivered(fact) => {
            is_news(state, (&fact.update, &fact.channel), fact.tries, false)?;
            (*fact).into()
        }
        _ => return Err(Refusal::new(RefusalKind::WrongKind, "not an update")),
    };
    Ok(Decision {
        events: vec![draft(at, state, fact)],
        effects: Vec::new(),
    })
}

/// Whether a `notify` step may tell its audience: what wants an approval has passed a checkpoint.
pub(super) fn may_notify(incident: &Incident, notify: &Notify, gated: bool) -> Result<(), Refusal> {
    let approval = named(incident, &notify.audience).is_some_and(|audience| audience.approval);
    if approval && !gated {
        return Err(wants_approval(&notify.audience));
    }
    Ok(())
}

fn named<'i>(incident: &'i Incident, name: &str) -> Option<&'i Audience> {
    let mut audiences = incident.policy.audiences.iter();
    audiences.find(|audience| audience.name == name)
}

fn wants_approval(audience: &str) -> Refusal {
    Refusal::new(
        RefusalKind::GateClosed,
        format!("updates for {audience} want an approval"),
    )
    .hint("a `notify` step with a `checkpoint` is the way: `runsheet request INC STEP`, then `runsheet step INC STEP run`")
}

/// A policy that names audiences is not written past by a slip of the finger.
fn is_known(incident: &Incident, audience: &str) -> Result<(), Refusal> {
    let own = &incident.policy.audiences;
    let known = own.iter().map(|audience| audience.name.as_str());
    let mut known: Vec<&str> = known.chain(crate::runbook::policy::READERS).collect();
    if audience.trim().is_empty() || (!own.is_empty() && !known.contains(&audience)) {
        known.sort_unstable();
        known.dedup();
        let what = format!("there is no audience `{audience}`");
        let hint = format!("the audiences are: {}", known.join(", "));
        return Err(Refusal::new(RefusalKind::NoSuchThing, what).hint(hint));
    }
    Ok(())
}

fn stands_at(word: String) -> Result<String, Refusal> {
    if UPDATE_STATES.contains(&word.as_str()) {
        return Ok(word);
    }
    let what = format!("`{word}` is no state of an update");
    Err(Refusal::new(RefusalKind::BadValue, what).hint(UPDATE_STATES.join(", ")))
}

fn promised(next: DateTime<Utc>, at: &At) -> Result<DateTime<Utc>, Refusal> {
    if next <= at.utc() || next > at.utc() + LONGEST_PROMISE {
        let what = "the next update is promised for a time to come, within a year";
        return Err(Refusal::new(RefusalKind::BadValue, what).hint("--next 30m"));
    }
    Ok(DateTime::from_timestamp(next.timestamp(), 0).unwrap_or(next))
}

/// Two processes of one outbox may both bring the same outcome; it is told once.
fn is_news(
    state: &State,
    (update, channel): (&crate::engine::EventId, &str),
    tries: u64,
    delivered: bool,
) -> Result<(), Refusal> {
    let told = state.deliveries.get(&(*update, channel.to_owned()));
    let old = told.is_some_and(|told| told.delivered || (!delivered && told.tries >= tries));
    if old {
        let what = format!(
            "what became of update {} is recorded already",
            update.short()
        );
        return Err(Refusal::new(RefusalKind::WrongState, what));
    }
    Ok(())
}

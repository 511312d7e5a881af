//! Who may answer at a gate, and who may go through it without answers: by the pinned policy, by person.

use crate::engine::checkpoint::{
    person,
    record::{self, Found},
};
use crate::engine::command::{Refusal, RefusalKind, StepKey};
use crate::engine::state::{Incident, Request, Run, State};
use crate::evidence::escape;
use crate::runbook::model::{KeyRule, NotWho, Role, Step};
use crate::trust::signature::is_hardware;
use crate::trust::{Principal, Verified};

/// Whether this person may approve or deny this request.
///
/// # Errors
/// With the reason why not.
pub fn eligible(
    state: &State,
    run: &Run,
    step: &Step,
    request: &Request,
    principal: &Principal,
) -> Result<Role, Refusal> {
    let refuse = |what: String| Err(Refusal::new(RefusalKind::NotEligible, what));
    let Some(incident) = state.incident.as_deref() else {
        return refuse("there is no incident".into());
    };
    let Some(who) = incident.people.person_of(principal).map(str::to_owned) else {
        return refuse(format!("{principal} is nobody the pinned policy names"));
    };
    let role = request
        .checkpoint
        .requirements
        .iter()
        .find(|need| need.fits(|role| incident.people.has_role(&who, role)))
        .map(|need| need.role.clone());
    let Some(role) = role else {
        let mut roles: Vec<_> = request
            .checkpoint
            .requirements
            .iter()
            .map(|need| need.role.as_str())
            .collect();
        roles.dedup();
        return refuse(format!(
            "{principal} has none of the roles asked for: {}",
            roles.join(", ")
        ));
    };
    let key = StepKey {
        run: run.id.clone(),
        step: step.id.clone(),
    };
    let found = record::find(state, &key)?;
    let is = |other: &Principal| incident.people.same(&person(incident, other), &who);
    let executes = Principal::try_from(request.record.executor.principal.as_str())
        .is_ok_and(|executor| is(&executor));
    let part = match (is(&request.by), executes) {
        (true, _) => Some("asked for it"),
        (false, true) => Some("is who will run it"),
        (false, false) => None,
    };
    if let Some(part) = part {
        return refuse(format!(
            "{principal} {part}: a different person has to approve"
        ));
    }
    not_excluded(found, request, principal, &who)?;
    Ok(role)
}

/// Whether `allowed_signers` lists a key with which this principal could meet the rule.
#[must_use]
pub fn has_key(incident: &Incident, principal: &Principal, rule: KeyRule) -> bool {
    let keys = incident.signers.keys_of(principal);
    keys.into_iter()
        .any(|key| rule == KeyRule::Any || is_hardware(key))
}

/// That an approval's key proved what the checkpoint wants of it.
///
/// # Errors
/// When it is no hardware key, or did not verify its user.
pub fn key_meets(rule: KeyRule, verified: &Verified) -> Result<(), Refusal> {
    let touched = verified.user_presence == Some(true);
    let (met, wanted) = match rule {
        KeyRule::Any => (true, ""),
        KeyRule::Touched => (touched, "that somebody touches"),
        KeyRule::Verified => (
            touched && verified.user_verified == Some(true),
            "that verifies its user by PIN or finger",
        ),
    };
    if met {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::NotEligible,
        format!(
            "this checkpoint takes a hardware key {wanted}; {} of {} is not, or did not",
            verified.fingerprint, verified.principal
        ),
    )
    .hint("sign with an `sk-` key of `allowed_signers`; `ssh-keygen -t ed25519-sk -O verify-required` makes one that verifies"))
}

/// Whether no `not:` of the gate names this person.
fn not_excluded(
    found: Found<'_>,
    request: &Request,
    principal: &Principal,
    who: &str,
) -> Result<(), Refusal> {
    let Found {
        incident,
        run,
        step,
        ..
    } = found;
    let refuse = |what: String| Err(Refusal::new(RefusalKind::NotEligible, what));
    let is = |other: &Principal| incident.people.same(&person(incident, other), who);
    for not in &request.checkpoint.not {
        match not {
            NotWho::Requester => {}
            NotWho::Performer => {
                if record::performers(found).iter().any(&is) {
                    return refuse(format!(
                        "{principal} had a hand in this step or in a value it uses"
                    ));
                }
            }
            NotWho::Author => author(incident, run, step, who)?,
            NotWho::ApproverOf(other) => {
                let approved = run
                    .state(other)
                    .and_then(|state| state.request.as_ref())
                    .is_some_and(|request| {
                        request
                            .approvals
                            .iter()
                            .any(|approval| incident.people.same(&approval.person, who))
                    });
                if approved {
                    return refuse(format!(
                        "{principal} approved step {other}, whose approver may not approve this one"
                    ));
                }
            }
        }
    }
    Ok(())
}

fn author(incident: &Incident, run: &Run, step: &Step, who: &str) -> Result<(), Refusal> {
    let authors = run
        .pin
        .authors
        .get(&step.id)
        .map(Vec::as_slice)
        .unwrap_or_default();
    if authors.is_empty() && !incident.policy.allow_unknown_authors {
        return Err(Refusal::new(
            RefusalKind::NotEligible,
            format!(
                "author unknown: the record names nobody who wrote step {}",
                step.id
            ),
        )
        .hint("`unknown_authors: allow` in policy.yaml lets that be; meanwhile: override"));
    }
    for address in authors {
        match incident.people.person_of_email(address) {
            Some(person) if incident.people.same(person, who) => {
                return Err(Refusal::new(
                    RefusalKind::NotEligible,
                    format!("{who} wrote this step (as {})", escape::line(address)),
                ));
            }
            Some(_) => {}
            None if incident.policy.allow_unknown_authors => {}
            None => {
                return Err(Refusal::new(
                    RefusalKind::NotEligible,
                    format!("author unknown: no person of the policy has the address {}, so nobody can be shown not to be the author", escape::line(address)),
                )
                .hint("add the address to `emails:` of that person, or `unknown_authors: allow`, in policy.yaml; meanwhile: override"));
            }
        }
    }
    Ok(())
}

/// How long an override holds by policy.
#[must_use]
pub fn override_span(incident: &Incident) -> std::time::Duration {
    incident
        .policy
        .override_rule
        .expires
        .unwrap_or(std::time::Duration::from_secs(30 * 60))
}

/// Whether policy lets this principal go through the checkpoint of this step without approvals.
///
/// # Errors
/// With the reason why not.
pub fn may_override(found: Found<'_>, by: &Principal) -> Result<(), Refusal> {
    let Found {
        incident,
        run,
        step,
        ..
    } = found;
    if !incident.policy.lets_override(&run.book, step, &run.plain()) {
        let when = incident.policy.override_rule.when.as_deref();
        return Err(Refusal::new(
            RefusalKind::NotEligible,
            format!(
                "nobody may override step {}: policy lets that be only when {}",
                step.id,
                escape::line(when.unwrap_or_default())
            ),
        )
        .hint("its approvals are the only way through"));
    }
    let roles = &incident.policy.override_rule.roles;
    let may = incident
        .people
        .person_of(by)
        .is_some_and(|who| incident.people.may_override(who));
    if may {
        return Ok(());
    }
    let names: Vec<_> = roles.iter().map(Role::as_str).collect();
    Err(Refusal::new(
        RefusalKind::NotEligible,
        format!(
            "{by} may not override: policy gives that to {}",
            if names.is_empty() {
                "nobody".to_owned()
            } else {
                names.join(", ")
            }
        ),
    ))
}

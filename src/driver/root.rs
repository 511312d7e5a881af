//! The root of trust of a record: what the asker's own library says of the commit, policy and runbooks it pinned.

use std::collections::BTreeSet;

use super::ground::policy_at;
use crate::engine::at::Root;
use crate::engine::checkpoint::change;
use crate::engine::fact::Revoked;
use crate::engine::state::{Incident, State};
use crate::library::{Library, Pin};
use crate::trust::signature::fingerprint;
use crate::trust::{AllowedSigners, People};

/// Compares everything a record pinned with the own library.
#[must_use]
pub fn root(library: Option<&Library>, state: &State) -> Root {
    let Some(incident) = state.incident.as_deref() else {
        return Root::Trusted {
            revoked: Vec::new(),
        };
    };
    let Some(library) = library else {
        return Root::Untrusted("no library of your own is configured".to_owned());
    };
    match compare(library, incident, state) {
        Ok(revoked) => Root::Trusted { revoked },
        Err(why) => Root::Untrusted(why),
    }
}

fn compare(library: &Library, incident: &Incident, state: &State) -> Result<Vec<Revoked>, String> {
    let commit = &incident.policy_pin.commit;
    let short = commit.chars().take(12).collect::<String>();
    match library.trusts(commit) {
        Ok(true) => {}
        Ok(false) => {
            return Err(format!(
                "commit {short} is not on the branch of your own library"
            ));
        }
        Err(error) => return Err(error.to_string()),
    }
    let pin = library
        .pin_commit(commit)
        .map_err(|error| error.to_string())?;
    let pinned = policy_at(library, &pin).map_err(|error| error.to_string())?;
    if pinned.policy_yaml != incident.policy_yaml {
        return Err(format!(
            "policy.yaml of the record is not the one at {short}"
        ));
    }
    if pinned.allowed_signers != incident.allowed_signers {
        return Err(format!(
            "allowed_signers of the record is not the one at {short}"
        ));
    }
    for run in &state.runs {
        runbook(library, &pin, run)?;
    }
    revoked(library, incident)
}

fn runbook(
    library: &Library,
    policy_pin: &Pin,
    run: &crate::engine::state::Run,
) -> Result<(), String> {
    let same = run.pin.commit == policy_pin.commit;
    let other;
    let pin = if same {
        policy_pin
    } else {
        if !library
            .trusts(&run.pin.commit)
            .map_err(|error| error.to_string())?
        {
            return Err(format!(
                "runbook {} is of a commit that is not on the branch of your own library",
                run.pin.path
            ));
        }
        other = library
            .pin_commit(&run.pin.commit)
            .map_err(|error| error.to_string())?;
        &other
    };
    let blob = library
        .read(pin, &run.pin.path)
        .map_err(|error| error.to_string())?;
    if blob.sha256 == run.pin.sha256 {
        Ok(())
    } else {
        Err(format!(
            "runbook {} of the record is not the one in your own library",
            run.pin.path
        ))
    }
}

/// Trust shrinks at once: what the pinned policy grants and the newest commit of the branch no longer does. A principal
/// without any of its keys, a key, a validity that has ended, a role.
fn revoked(library: &Library, incident: &Incident) -> Result<Vec<Revoked>, String> {
    let pin = library.pin().map_err(|error| error.to_string())?;
    if pin.commit == incident.policy_pin.commit {
        return Ok(Vec::new());
    }
    let tip = policy_at(library, &pin).map_err(|error| error.to_string())?;
    let now = change::read(&tip.policy, &tip.policy_yaml, &tip.allowed_signers);
    if let Some(why) = now.broken {
        return Err(format!(
            "the newest policy of your own library cannot be used: {why}"
        ));
    }
    let mut gone = keys_gone(incident, &now.signers);
    gone.extend(roles_gone(incident, &now.people));
    gone.sort();
    gone.dedup();
    Ok(gone)
}

fn keys_gone(incident: &Incident, now: &AllowedSigners) -> Vec<Revoked> {
    let signers = incident.signers.signers();
    let all: BTreeSet<_> = signers.iter().flat_map(|line| &line.principals).collect();
    let mut gone = Vec::new();
    for who in all {
        let keys = incident.signers.keys_of(who);
        let ended: Vec<_> = keys
            .iter()
            .filter(|key| !now.allows_no_less(&incident.signers, who, key))
            .collect();
        if ended.len() == keys.len() {
            gone.push(Revoked {
                who: who.clone(),
                key: None,
                role: None,
            });
            continue;
        }
        gone.extend(ended.into_iter().map(|key| Revoked {
            who: who.clone(),
            key: Some(fingerprint(key)),
            role: None,
        }));
    }
    gone
}

fn roles_gone(incident: &Incident, now: &People) -> Vec<Revoked> {
    let mut gone = Vec::new();
    for person in incident.people.named() {
        for who in incident.people.principals_of(person) {
            let kept = now.person_of(who);
            let lost = incident.people.roles_of(person).filter(|role| {
                !kept.is_some_and(|kept| now.roles_of(kept).any(|has| has == *role))
            });
            gone.extend(lost.map(|role| Revoked {
                who: who.clone(),
                key: None,
                role: Some(role.clone()),
            }));
        }
    }
    gone
}

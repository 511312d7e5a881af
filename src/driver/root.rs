//! The root of trust of a record: what the asker's own library says of the commit, policy and runbooks it pinned.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::ground::policy_at;
use crate::engine::at::Root;
use crate::engine::checkpoint::change;
use crate::engine::fact::{PinnedRunbook, Revoked};
use crate::engine::state::{Incident, State};
use crate::library::{Blame, Library, Pin};
use crate::runbook::{lines, parse};
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

/// As [`root`], with who wrote what compared with git too, which reads the history of every runbook.
#[must_use]
pub fn whole(library: Option<&Library>, state: &State) -> Root {
    match (root(library, state), library) {
        (Root::Trusted { revoked }, Some(library)) => match authors(library, state) {
            Ok(()) => Root::Trusted { revoked },
            Err(why) => Root::Untrusted(why),
        },
        (root, _) => root,
    }
}

/// That whoever the record names as authors of its runbooks' steps are those that git names in the own library: on them
/// rests who may not approve.
///
/// # Errors
/// With the step whose authors are others.
pub fn authors(library: &Library, state: &State) -> Result<(), String> {
    let mut blames = BTreeMap::new();
    for run in &state.runs {
        for pin in std::iter::once(run.pin.as_ref()).chain(run.uses.iter()) {
            let key = (&pin.commit, &pin.path);
            if let Entry::Vacant(empty) = blames.entry(key) {
                let at = library.pin_commit(&pin.commit);
                let blame = at.and_then(|at| library.blame(&at, &pin.path));
                empty.insert(blame.map_err(|error| error.to_string())?);
            }
            if let Some(blame) = blames.get(&key) {
                authors_of(blame, pin)?;
            }
        }
    }
    Ok(())
}

fn authors_of(blame: &Blame, pinned: &PinnedRunbook) -> Result<(), String> {
    let (Some(book), _) = parse::runbook(&pinned.path, pinned.text.as_bytes()) else {
        return Ok(());
    };
    let ranges: BTreeMap<_, Vec<_>> = lines::of_steps(&pinned.text, &book);
    for (step, ranges) in ranges {
        let wrote: BTreeSet<_> = blame
            .authors(&ranges)
            .into_iter()
            .map(|author| author.email)
            .collect();
        let named = pinned.authors.get(&step).into_iter().flatten().cloned();
        if wrote != named.collect() {
            return Err(format!(
                "the record names other authors of step {step} of {} than git does",
                pinned.path
            ));
        }
    }
    Ok(())
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

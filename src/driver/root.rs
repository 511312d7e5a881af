//! The root of trust of a record: what the asker's own library says of the commit, policy and runbooks it pinned.

use crate::engine::at::Root;
use crate::engine::state::{Incident, State};
use crate::library::{Library, Pin};
use crate::trust::AllowedSigners;

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

fn compare(library: &Library, incident: &Incident, state: &State) -> Result<Vec<String>, String> {
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
    let text = |blob: Result<Option<crate::library::Blob>, crate::library::LibraryError>| {
        blob.map(|blob| {
            blob.map_or_else(String::new, |blob| {
                String::from_utf8_lossy(&blob.bytes).into_owned()
            })
        })
        .map_err(|error| error.to_string())
    };
    if text(library.policy(&pin))? != incident.policy_yaml {
        return Err(format!(
            "policy.yaml of the record is not the one at {short}"
        ));
    }
    if text(library.allowed_signers(&pin))? != incident.allowed_signers {
        return Err(format!(
            "allowed_signers of the record is not the one at {short}"
        ));
    }
    for run in &state.runs {
        runbook(library, &pin, run)?;
    }
    Ok(revoked(library, incident))
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

/// Trust shrinks at once: principals whose keys of the pinned file are gone from the tip.
fn revoked(library: &Library, incident: &Incident) -> Vec<String> {
    let Ok(pin) = library.pin() else {
        return Vec::new();
    };
    if pin.commit == incident.policy_pin.commit {
        return Vec::new();
    }
    let text = match library.allowed_signers(&pin) {
        Ok(Some(blob)) => String::from_utf8_lossy(&blob.bytes).into_owned(),
        _ => String::new(),
    };
    let (now, _) = AllowedSigners::parse(&text);
    let mut gone: Vec<String> = incident
        .signers
        .signers()
        .iter()
        .flat_map(|signer| signer.principals.iter())
        .filter(|principal| {
            incident
                .signers
                .keys_of(principal)
                .iter()
                .any(|key| !now.principals_of(key).contains(principal))
        })
        .map(ToString::to_string)
        .collect();
    gone.sort_unstable();
    gone.dedup();
    gone
}

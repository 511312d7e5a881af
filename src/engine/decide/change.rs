//! What changes the ground under a record: trust that shrinks, a policy that is adopted, evidence that is taken out, a
//! question that is passed on.

use super::draft;
use crate::engine::at::{At, Root};
use crate::engine::checkpoint::{change, record};
use crate::engine::command::{
    Command, Decision, Effect, OfferedPolicy, Refusal, RefusalKind, StepKey,
};
use crate::engine::fact::{
    CheckpointDelegated, EvidenceExpunged, Fact, HubUnreachable, PolicyProposed, PolicySeconded,
    Revoked, Signed, TrustRevoked,
};
use crate::engine::state::State;
use crate::evidence::{Digest, escape};
use crate::trust::Principal;

pub(super) fn change(state: &State, command: Command, at: &At) -> Result<Decision, Refusal> {
    let (fact, effects) = match command {
        Command::Delegate { step, to } => delegate(state, &step, to, at)?,
        Command::Revoked { commit, revoked } => (revoke(state, commit, revoked)?, Vec::new()),
        Command::Adopt { policy, signed } => (adopt(state, *policy, signed, at)?, Vec::new()),
        Command::Expunge { evidence, signed } => {
            (expunge(state, evidence, signed, at)?, Vec::new())
        }
        Command::Unreachable { about, why } => (
            HubUnreachable {
                about,
                why: super::incident::text("reason", &why)?,
            }
            .into(),
            Vec::new(),
        ),
        _ => return Err(Refusal::new(RefusalKind::WrongKind, "changes nothing")),
    };
    Ok(Decision {
        events: vec![draft(at, state, fact)],
        effects,
    })
}

fn delegate(
    state: &State,
    key: &StepKey,
    to: Principal,
    at: &At,
) -> Result<(Fact, Vec<Effect>), Refusal> {
    let found = record::find(state, key)?;
    let step = found.state.request.as_ref().map_or_else(
        || super::incident::attempt(state, key),
        |request| Ok(request.record.step.clone()),
    )?;
    change::delegation(state, &step, &at.who.principal, &to)?;
    let notice = Effect::Notice(format!("{to} is asked about {step}"));
    Ok((CheckpointDelegated { step, to }.into(), vec![notice]))
}

/// Only what is not known yet: whatever was revoked once stays so.
fn revoke(state: &State, commit: String, revoked: Vec<Revoked>) -> Result<Fact, Refusal> {
    let mut revoked: Vec<_> = revoked
        .into_iter()
        .filter(|gone| !state.revoked.contains(gone))
        .collect();
    revoked.sort();
    revoked.dedup();
    if revoked.is_empty() {
        return Err(Refusal::new(
            RefusalKind::WrongState,
            "the record says so already",
        ));
    }
    Ok(TrustRevoked { commit, revoked }.into())
}

/// The first word proposes, the next ones agree; a word for another policy than the one that waits proposes anew.
fn adopt(state: &State, offered: OfferedPolicy, signed: Signed, at: &At) -> Result<Fact, Refusal> {
    let (by, now) = (&at.who.principal, at.utc());
    if let Root::Untrusted(why) = &at.root {
        return Err(Refusal::new(
            RefusalKind::NotTrusted,
            format!("policy not from a trusted library: {why}"),
        ));
    }
    let waits = state
        .proposal
        .as_deref()
        .filter(|waits| waits.policy == offered.policy);
    if let Some(proposal) = waits {
        change::proposal(state, proposal.event, by)?;
        change::policy_word(state, &proposal.policy, &signed, by, now)?;
        return Ok(PolicySeconded {
            proposed: proposal.event,
            signed,
        }
        .into());
    }
    change::readable(
        &offered.policy,
        &offered.policy_yaml,
        &offered.allowed_signers,
    )?;
    change::policy_word(state, &offered.policy, &signed, by, now)?;
    Ok(PolicyProposed {
        policy: offered.policy,
        policy_yaml: offered.policy_yaml,
        allowed_signers: offered.allowed_signers,
        signed,
    }
    .into())
}

fn expunge(state: &State, evidence: Digest, signed: Signed, at: &At) -> Result<Fact, Refusal> {
    change::expunge_word(state, evidence, &signed, &at.who.principal, at.utc())?;
    Ok(EvidenceExpunged { evidence, signed }.into())
}

/// Whether the asker's own library still trusts whoever signed this.
pub(super) fn trusted(at: &At, who: &Principal) -> Result<(), Refusal> {
    match &at.root {
        Root::Untrusted(why) => Err(Refusal::new(
            RefusalKind::NotTrusted,
            format!("policy not from a trusted library: {why}"),
        )
        .hint("`runsheet fetch` brings your own library up to date; `--library` names another")),
        Root::Trusted { revoked } => {
            let gone = |gone: &&Revoked| gone.who == *who && gone.key.is_none();
            match revoked.iter().find(gone) {
                None => Ok(()),
                Some(gone) => {
                    let what = gone.role.as_ref().map_or_else(
                        || format!("{who} was removed from the library since"),
                        |role| {
                            let role = escape::line(role.as_str());
                            format!("{who} is no longer {role} by the library")
                        },
                    );
                    Err(Refusal::new(
                        RefusalKind::NotTrusted,
                        format!("{what}: trust shrinks at once"),
                    ))
                }
            }
        }
    }
}

//! What changes the ground under a record: another policy, by a quorum under the one that holds; an artifact taken out,
//! by two people; a question passed on. Judged here for `decide` and `apply` alike.

use chrono::{DateTime, Utc};

use super::closing::{incident, pin, same, unreadable, verify};
use super::record::{self, Found};
use super::{judge, person};
use crate::engine::command::{Refusal, RefusalKind};
use crate::engine::exec::PinnedPolicy;
use crate::engine::fact::Signed;
use crate::engine::ids::{EventId, StepRef};
use crate::engine::state::{Incident, Proposal, State};
use crate::evidence::Digest;
use crate::runbook::model::Role;
use crate::runbook::parse;
use crate::runbook::policy::Policy;
use crate::trust::statement::{Nonce, PolicyPin};
use crate::trust::{AllowedSigners, ExpungeStatement, People, PolicyStatement, Principal};

/// So many different people have to say that an artifact is taken out.
pub const EXPUNGERS: usize = 2;

/// A policy as it is read from its two texts.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Read {
    pub policy: Policy,
    pub signers: AllowedSigners,
    pub people: People,
    /// Why nothing can be approved under it, if so.
    pub broken: Option<String>,
}

/// Reads what a policy pin stands for.
#[must_use]
pub fn read(pin: &PinnedPolicy, policy_yaml: &str, allowed_signers: &str) -> Read {
    let (policy, problems) = parse::policy("policy.yaml", policy_yaml.as_bytes());
    let (signers, signer_problems) = AllowedSigners::parse(allowed_signers);
    let broken = if judge::policy_digest(policy_yaml, allowed_signers) != pin.sha256 {
        Some("its texts are not what its digest says".to_owned())
    } else if policy.is_none() {
        problems.first().map(ToString::to_string)
    } else {
        signer_problems
            .first()
            .map(|problem| format!("allowed_signers:{}: {}", problem.line, problem.what))
    };
    let policy = policy.unwrap_or_default();
    let people = People::new(&policy, &signers);
    Read {
        policy,
        signers,
        people,
        broken,
    }
}

fn refuse<T>(kind: RefusalKind, what: String) -> Result<T, Refusal> {
    Err(Refusal::new(kind, what))
}

/// Whether this person may have a say in what changes the ground: commanders and approvers may.
fn has_a_say(incident: &Incident, by: &Principal, what: &str) -> Result<String, Refusal> {
    let who = person(incident, by);
    let may = incident.people.person_of(by).is_some()
        && ["commander", "approver"]
            .iter()
            .any(|role| incident.people.has_role(&who, &Role::from(*role)));
    if may {
        return Ok(who);
    }
    refuse(
        RefusalKind::NotEligible,
        format!("{by} may not {what}: that takes a commander or an approver by policy"),
    )
}

/// The statement of this person for another policy.
///
/// # Errors
/// When they have no say, or it is the policy that holds already.
pub fn policy_template(
    state: &State,
    adopts: &PinnedPolicy,
    by: &Principal,
) -> Result<PolicyStatement, Refusal> {
    let incident = incident(state)?;
    let (who, adoption) = (person(incident, by), incident.policy.adoption());
    let fits = incident.people.person_of(by).is_some()
        && adoption.fits(|role| incident.people.has_role(&who, role));
    if !fits {
        return refuse(
            RefusalKind::NotEligible,
            format!("{by} has no say in which policy holds: that takes {adoption}"),
        );
    }
    if *adopts == incident.policy_pin {
        return refuse(
            RefusalKind::WrongState,
            "this policy holds already".to_owned(),
        );
    }
    Ok(PolicyStatement {
        incident: incident.id.to_string(),
        genesis: incident.genesis,
        policy: pin(incident),
        adopts: PolicyPin {
            commit: adopts.commit.clone(),
            digest: adopts.sha256,
        },
        adopter: by.clone(),
        reason: None,
        time: DateTime::UNIX_EPOCH,
        nonce: Nonce([0; 16]),
    })
}

/// One word for another policy: who it is, and what was signed.
///
/// # Errors
/// When this person has no say, or the statement does not hold.
pub fn policy_word(
    state: &State,
    adopts: &PinnedPolicy,
    signed: &Signed,
    by: &Principal,
    when: DateTime<Utc>,
) -> Result<(String, PolicyStatement), Refusal> {
    let mut expected = policy_template(state, adopts, by)?;
    let given =
        PolicyStatement::parse(signed.statement.as_bytes()).map_err(|error| unreadable(&error))?;
    expected.nonce = given.nonce;
    expected.time = given.time;
    expected.reason.clone_from(&given.reason);
    let verified = verify(state, signed, by, when)?;
    same(given == expected, state, &given.nonce)?;
    let incident = incident(state)?;
    judge::key_meets(incident.policy.adoption().keys, &verified)?;
    Ok((person(incident, by), given))
}

/// That a proposed policy can hold at all.
///
/// # Errors
/// When its texts cannot be read, or are not what its digest says.
pub fn readable(
    policy: &PinnedPolicy,
    policy_yaml: &str,
    allowed_signers: &str,
) -> Result<Read, Refusal> {
    let read = read(policy, policy_yaml, allowed_signers);
    match &read.broken {
        None => Ok(read),
        Some(why) => refuse(
            RefusalKind::Changed,
            format!("the proposed policy cannot be used: {why}"),
        ),
    }
}

/// The proposal of this event, and that this person has not said so already.
///
/// # Errors
/// When there is none, or their word is in it.
pub fn proposal<'a>(
    state: &'a State,
    proposed: EventId,
    by: &Principal,
) -> Result<&'a Proposal, Refusal> {
    let incident = incident(state)?;
    let Some(proposal) = state
        .proposal
        .as_deref()
        .filter(|proposal| proposal.event == proposed)
    else {
        return refuse(
            RefusalKind::WrongState,
            format!("no policy proposed in {} waits", proposed.short()),
        );
    };
    let who = person(incident, by);
    if proposal
        .by
        .keys()
        .any(|other| incident.people.same(other, &who))
    {
        return refuse(
            RefusalKind::WrongState,
            format!("{by} agreed already: it takes another person"),
        );
    }
    Ok(proposal)
}

/// Whether the people behind a proposal are as many, and of the roles, that the policy that holds asks for.
#[must_use]
pub fn enough(incident: &Incident, proposal: &Proposal) -> bool {
    // Whoever cannot be told apart counts once: `proposal` takes no second word of theirs.
    let people = proposal.by.keys().map(String::as_str).collect();
    incident
        .policy
        .adoption()
        .is_met(&people, |who, role| incident.people.has_role(who, role))
}

/// The statement of this person that an artifact is to be taken out.
///
/// # Errors
/// When they have no say, said so already, or it is out.
pub fn expunge_template(
    state: &State,
    evidence: Digest,
    by: &Principal,
) -> Result<ExpungeStatement, Refusal> {
    let incident = incident(state)?;
    let who = has_a_say(incident, by, "take evidence out")?;
    if let Some(expunged) = state.expunged.get(&evidence) {
        if expunged.done {
            return refuse(
                RefusalKind::WrongState,
                "it is taken out already".to_owned(),
            );
        }
        if expunged
            .by
            .keys()
            .any(|other| incident.people.same(other, &who))
        {
            return refuse(
                RefusalKind::WrongState,
                format!("{by} said so already: it takes another person"),
            );
        }
    }
    Ok(ExpungeStatement {
        incident: incident.id.to_string(),
        genesis: incident.genesis,
        policy: pin(incident),
        evidence,
        expunger: by.clone(),
        reason: None,
        time: DateTime::UNIX_EPOCH,
        nonce: Nonce([0; 16]),
    })
}

/// One word that an artifact is to be taken out: who it is, and what was signed.
///
/// # Errors
/// When this person has no say, gives no reason, or the statement does not hold.
pub fn expunge_word(
    state: &State,
    evidence: Digest,
    signed: &Signed,
    by: &Principal,
    when: DateTime<Utc>,
) -> Result<(String, ExpungeStatement), Refusal> {
    let mut expected = expunge_template(state, evidence, by)?;
    let given =
        ExpungeStatement::parse(signed.statement.as_bytes()).map_err(|error| unreadable(&error))?;
    expected.nonce = given.nonce;
    expected.time = given.time;
    expected.reason.clone_from(&given.reason);
    verify(state, signed, by, when)?;
    same(given == expected, state, &given.nonce)?;
    if given
        .reason
        .as_deref()
        .unwrap_or_default()
        .trim()
        .is_empty()
    {
        return refuse(RefusalKind::BadValue, "the reason is empty".to_owned());
    }
    Ok((person(incident(state)?, by), given))
}

/// That this person may pass the question about a step on to that one: both could answer it.
///
/// # Errors
/// When there is no question, or one of them could not answer.
pub fn delegation(
    state: &State,
    step: &StepRef,
    by: &Principal,
    to: &Principal,
) -> Result<(), Refusal> {
    let found = record::find(state, &judge::key(step))?;
    let request = judge::open_request(found, step)?;
    let Found { run, step, .. } = found;
    judge::eligible(state, run, step, request, by)?;
    judge::eligible(state, run, step, request, to)?;
    if found
        .incident
        .people
        .same(&person(found.incident, by), &person(found.incident, to))
    {
        return refuse(
            RefusalKind::BadValue,
            format!("{by} and {to} are one person"),
        );
    }
    Ok(())
}

/// The people a request asks now, by principal: whoever could answer, less those who passed the question on to somebody
/// who is still asked.
#[must_use]
pub fn passed_on(request: &crate::engine::state::Request, who: &Principal) -> bool {
    let given = |from: &Principal| request.delegated.iter().any(|(by, _)| by == from);
    let got = |to: &Principal| request.delegated.iter().any(|(_, at)| at == to);
    given(who) && !got(who)
}

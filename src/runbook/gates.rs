//! The proof of gates: whether the people a policy names can pass each checkpoint, and whether they have to.
//! Knows nothing of who is at work today, and nothing of authors, whom only git knows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use super::expr::{self, Expr};
use super::floor::{self, RULE_WORDS};
use super::model::{NotWho, Runbook, Step, StepId};
use super::policy::{Checkpoint, CheckpointRule, Person, Policy};
use super::problem::visible;

/// What is wrong with a step's gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nobody's approvals could ever open it; a sentence says why.
    Never(String),
    /// It asks for approvals and would open without one.
    Open,
    /// Without this person it cannot be passed.
    HangsOn(Vec<String>),
}

/// A faulty gate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Finding {
    pub step: StepId,
    pub fault: Fault,
}

/// Who can act at all: the people with a principal that `signers` holds. `None`: the signers are not known.
fn active<'p>(
    policy: &'p Policy,
    signers: Option<&BTreeSet<String>>,
) -> BTreeMap<&'p str, &'p Person> {
    let known = |person: &Person| match signers {
        None => true,
        Some(signers) => person
            .principals
            .iter()
            .any(|principal| signers.contains(principal)),
    };
    let people = policy.people.iter().filter(|(_, person)| known(person));
    people
        .map(|(name, person)| (name.as_str(), person))
        .collect()
}

/// Every gate of a runbook that cannot be passed, is always open, or hangs on one person. Values of a run are not
/// known, so every rule that might apply does. `signers` are the principals of `allowed_signers`, if known.
/// A policy without people proves nothing and finds nothing but open gates.
#[must_use]
pub fn prove(
    policy: &Policy,
    signers: Option<&BTreeSet<String>>,
    runbook: &Runbook,
) -> Vec<Finding> {
    Prover::new(policy, signers).prove(runbook)
}

/// Proves the gates of many runbooks; what was once worked out is kept.
pub(crate) struct Prover<'p> {
    policy: &'p Policy,
    people: BTreeMap<&'p str, &'p Person>,
    rules: Vec<Option<Expr>>,
    answers: HashMap<(usize, String), bool>,
    faults: Vec<(Checkpoint, Option<Fault>)>,
}

impl<'p> Prover<'p> {
    pub fn new(policy: &'p Policy, signers: Option<&BTreeSet<String>>) -> Self {
        let parsed =
            |rule: &CheckpointRule| rule.when.as_ref().and_then(|when| expr::parse(when).ok());
        Self {
            policy,
            people: active(policy, signers),
            rules: policy.checkpoints.iter().map(parsed).collect(),
            answers: HashMap::new(),
            faults: Vec::new(),
        }
    }

    pub fn prove(&mut self, runbook: &Runbook) -> Vec<Finding> {
        let mut findings = Vec::new();
        for step in &runbook.steps {
            let policy = self.policy;
            let fault = match policy.strictest(
                step,
                |_| false,
                |index, _| self.holds(index, runbook, step),
            ) {
                None => step.checkpoint.as_ref().map(|_| Fault::Open),
                Some(_) if policy.people.is_empty() => None,
                Some(checkpoint) => self.fault(checkpoint),
            };
            if let Some(fault) = fault {
                findings.push(Finding {
                    step: step.id.clone(),
                    fault,
                });
            }
        }
        findings
    }

    /// Whether a rule might apply to a step: it does when it cannot be read, or asks for a value of the run.
    fn holds(&mut self, index: usize, runbook: &Runbook, step: &Step) -> bool {
        let Some(Some(expr)) = self.rules.get(index) else {
            return true;
        };
        if expr
            .names()
            .iter()
            .any(|name| !RULE_WORDS.contains(&name.as_str()))
        {
            return true;
        }
        let key = (index, fact_key(expr.names(), runbook, step));
        if let Some(answer) = self.answers.get(&key) {
            return *answer;
        }
        let answer = expr
            .eval_with(floor::facts(runbook, step, &BTreeMap::new()))
            .unwrap_or(true);
        self.answers.insert(key, answer);
        answer
    }

    fn fault(&mut self, checkpoint: Checkpoint) -> Option<Fault> {
        if let Some((_, fault)) = self.faults.iter().find(|(seen, _)| *seen == checkpoint) {
            return fault.clone();
        }
        let fault = fault(&self.people, &checkpoint);
        self.faults.push((checkpoint, fault.clone()));
        fault
    }
}

/// The facts a rule asks for, in a row, so that steps alike in them are worked out once.
fn fact_key(names: &[String], runbook: &Runbook, step: &Step) -> String {
    let mut key = String::new();
    for name in names {
        let _ = match name.as_str() {
            "risk" => write!(key, "{:?}", step.risk),
            "kind" => write!(key, "{}", step.kind.word()),
            "phase" => write!(key, "{:?}", step.phase),
            "role" => write!(key, "{:?}", step.role),
            "severity" => write!(key, "{:?}", runbook.severity),
            "tags" => write!(key, "{:?}", runbook.tags),
            "services" => write!(key, "{:?}", runbook.services),
            "step" => write!(key, "{:?}", step.id.as_str()),
            _ => write!(key, "{:?}", runbook.id.as_str()),
        };
        key.push(' ');
    }
    key
}

fn fault(people: &BTreeMap<&str, &Person>, checkpoint: &Checkpoint) -> Option<Fault> {
    if !passable(people, checkpoint, None) {
        return Some(Fault::Never(why(people, checkpoint)));
    }
    let alone = people
        .keys()
        .filter(|name| !passable(people, checkpoint, Some(name)));
    let alone: Vec<String> = alone.map(|name| (*name).to_owned()).collect();
    (!alone.is_empty()).then_some(Fault::HangsOn(alone))
}

/// Whether somebody could perform the step and enough others approve it, `absent` being away.
fn passable(
    people: &BTreeMap<&str, &Person>,
    checkpoint: &Checkpoint,
    absent: Option<&str>,
) -> bool {
    let excluded = excludes_performer(checkpoint);
    let present = || people.keys().copied().filter(|name| Some(*name) != absent);
    present().any(|performer| {
        checkpoint.requirements.iter().all(|requirement| {
            let eligible = present().filter(|name| {
                (!excluded || *name != performer)
                    && people
                        .get(name)
                        .is_some_and(|person| requirement.fits(|role| person.roles.contains(role)))
            });
            eligible.count() >= usize::try_from(requirement.approvals).unwrap_or(usize::MAX)
        })
    })
}

fn excludes_performer(checkpoint: &Checkpoint) -> bool {
    let at_work = |who: &NotWho| matches!(who, NotWho::Performer | NotWho::Requester);
    checkpoint.not.iter().any(at_work)
}

fn why(people: &BTreeMap<&str, &Person>, checkpoint: &Checkpoint) -> String {
    for requirement in &checkpoint.requirements {
        let holders = people
            .iter()
            .filter(|(_, person)| requirement.fits(|role| person.roles.contains(role)));
        let names: Vec<&str> = holders.map(|(name, _)| *name).collect();
        if names.len() < usize::try_from(requirement.approvals).unwrap_or(usize::MAX) {
            let who = if names.is_empty() {
                "nobody".to_owned()
            } else {
                format!("only {}", names.join(", "))
            };
            let role = visible(requirement.role.as_str(), 60);
            let (roles, has) = match &requirement.also {
                None => (format!("of role `{role}`"), "it"),
                Some(also) => {
                    let also = visible(also.as_str(), 60);
                    (format!("of both roles `{role}` and `{also}`"), "both")
                }
            };
            return format!(
                "it takes {} {roles}, and {who} with a key has {has}",
                requirement.approvals
            );
        }
    }
    "nobody is left to perform it while the others approve".to_owned()
}

/// The people whose approval could count for a checkpoint, by name. `performer` is the person who performs it.
/// Authors and approvers of other steps are not known here: `not: [author]` may exclude more.
#[must_use]
pub fn who_could_pass(
    policy: &Policy,
    checkpoint: &Checkpoint,
    performer: Option<&str>,
) -> Vec<String> {
    let excluded = performer.filter(|_| excludes_performer(checkpoint));
    let fits = |person: &Person| {
        checkpoint
            .requirements
            .iter()
            .any(|requirement| requirement.fits(|role| person.roles.contains(role)))
    };
    let people = policy.people.iter();
    people
        .filter(|(name, person)| Some(name.as_str()) != excluded && fits(person))
        .map(|(name, _)| name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::super::parse;
    use super::*;

    fn policy(people: &[(&str, &str)], rest: &str) -> Policy {
        let mut text = String::from("people:\n");
        for (name, roles) in people {
            text += &format!("  {name}: {{principals: [{name}@x], roles: [{roles}]}}\n");
        }
        text += rest;
        parse::policy("policy.yaml", text.as_bytes()).0.unwrap()
    }

    fn findings(policy: &Policy, signers: Option<&[&str]>, step: &str) -> Vec<Fault> {
        let text = format!("id: a\ntitle: A\nsteps: [{{id: s, run: x, {step}}}]\n");
        let runbook = parse::runbook("a.yaml", text.as_bytes()).0.unwrap();
        let signers = signers.map(|names| names.iter().map(|name| format!("{name}@x")).collect());
        prove(policy, signers.as_ref(), &runbook)
            .into_iter()
            .map(|finding| finding.fault)
            .collect()
    }

    #[test]
    fn a_gate_nobody_can_pass_is_found() {
        let two = policy(&[("alice", "operator"), ("bob", "operator")], "");
        let found = findings(&two, None, "risk: destructive");
        assert!(
            matches!(&found[..], [Fault::Never(why)] if why.contains("nobody")),
            "{found:?}"
        );
        let more = policy(
            &[
                ("alice", "approver"),
                ("bob", "approver"),
                ("eve", "approver"),
            ],
            "",
        );
        let found = findings(&more, None, "checkpoint: {approvals: 3, not: [performer]}");
        assert!(matches!(&found[..], [Fault::Never(_)]), "{found:?}");
        assert_eq!(
            findings(&more, None, "checkpoint: {approvals: 2, not: [author]}"),
            []
        );
    }

    #[test]
    fn a_gate_that_hangs_on_one_person_names_them() {
        let two = policy(&[("alice", "operator"), ("carol", "approver")], "");
        assert_eq!(
            findings(&two, None, "risk: destructive"),
            [Fault::HangsOn(vec!["alice".into(), "carol".into()])]
        );
        let three = policy(
            &[
                ("alice", "operator"),
                ("carol", "approver"),
                ("eve", "operator"),
            ],
            "",
        );
        assert_eq!(
            findings(&three, None, "risk: destructive"),
            [Fault::HangsOn(vec!["carol".into()])]
        );
        let enough = policy(
            &[
                ("alice", "operator"),
                ("carol", "approver"),
                ("dave", "approver"),
            ],
            "",
        );
        assert_eq!(findings(&enough, None, "risk: destructive"), []);
    }

    #[test]
    fn who_has_no_key_does_not_count() {
        let three = policy(
            &[
                ("alice", "operator"),
                ("carol", "approver"),
                ("dave", "approver"),
            ],
            "",
        );
        let found = findings(&three, Some(&["alice"]), "risk: destructive");
        assert!(matches!(&found[..], [Fault::Never(_)]), "{found:?}");
    }

    #[test]
    fn only_others_with_the_role_could_pass() {
        let policy = policy(
            &[
                ("alice", "approver"),
                ("bob", "operator"),
                ("carol", "approver"),
            ],
            "",
        );
        let text = "id: a\ntitle: A\nsteps: [{id: s, run: x, risk: destructive}]\n";
        let runbook = parse::runbook("a.yaml", text.as_bytes()).0.unwrap();
        let checkpoint = policy
            .checkpoint_for(
                &runbook,
                &runbook.steps[0],
                &BTreeMap::new(),
                DateTime::UNIX_EPOCH,
            )
            .unwrap();
        assert_eq!(
            who_could_pass(&policy, &checkpoint, Some("alice")),
            ["carol"]
        );
        assert_eq!(
            who_could_pass(&policy, &checkpoint, None),
            ["alice", "carol"]
        );
    }
}

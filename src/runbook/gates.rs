//! The proof of gates: whether the people a policy names can pass each checkpoint, whether they have to, and who they
//! are. Knows nothing of who is at work today; authors, whom only git knows, are given where they are known.

mod count;
mod seasons;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::adoption::Adoption;
use super::expr::{self, Expr};
use super::floor::{self, RULE_WORDS};
use super::model::{KeyRule, NotWho, Role, Runbook, Step, StepId};
use super::policy::{Checkpoint, Person, Policy, Requirement};
use super::problem::visible;
use count::{Budget, Puzzle};
use seasons::Seasons;

/// Gates whose faults are kept; more distinct ones are each worked out again.
const MOST_KEPT: usize = 200;
/// Finding out whether a rule applies is as much work as so many comparisons.
const WORK_OF_A_RULE: usize = 20;

/// The principals of `allowed_signers`, and whether one of their keys is a hardware key.
pub type Keys = BTreeMap<String, bool>;

/// What is wrong with a step's gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nobody's approvals could ever open it; a sentence says why.
    Never(String),
    /// It asks for approvals and would open without one.
    Open,
    /// Without this person it cannot be passed.
    HangsOn(Vec<String>),
    /// It asks for approvals in both of these roles, as if of different people, and each of these people has both, so
    /// that one approval counts as two.
    TwoDuties {
        /// The first pair of roles.
        roles: (Role, Role),
        /// By name.
        people: Vec<String>,
    },
    /// Its `not` names the approvers of a step that has no checkpoint, so that there are none.
    NobodyApproves(StepId),
}

/// A faulty gate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Finding {
    pub step: StepId,
    pub fault: Fault,
    /// The freezes in force while it is so; empty: always.
    pub during: Vec<String>,
}

/// Somebody who can act, and with what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'p> {
    person: &'p Person,
    hardware: bool,
}

impl Candidate<'_> {
    fn fits(&self, need: &Requirement, keys: KeyRule) -> bool {
        (keys == KeyRule::Any || self.hardware)
            && need.fits(|role| self.person.roles.contains(role))
    }
}

/// Who can act at all: the people with a principal that `keys` holds. `None`: the keys are not known, and everybody with
/// a principal is taken to have one of every kind.
fn active<'p>(policy: &'p Policy, keys: Option<&Keys>) -> BTreeMap<&'p str, Candidate<'p>> {
    let candidate = |person: &'p Person| {
        let Some(keys) = keys else {
            return (!person.principals.is_empty()).then_some(Candidate {
                person,
                hardware: true,
            });
        };
        let held = person.principals.iter();
        let held: Vec<bool> = held
            .filter_map(|principal| keys.get(principal).copied())
            .collect();
        (!held.is_empty()).then(|| Candidate {
            person,
            hardware: held.contains(&true),
        })
    };
    let people = policy.people.iter();
    people
        .filter_map(|(name, person)| Some((name.as_str(), candidate(person)?)))
        .collect()
}

/// Every gate of a runbook that cannot be passed, is always open, hangs on one person, or asks one person twice. Values
/// of a run are not known, so every rule that might apply does. `keys` are those of `allowed_signers`, if known.
/// A policy without people proves nothing and finds nothing but open gates.
#[must_use]
pub fn prove(policy: &Policy, keys: Option<&Keys>, runbook: &Runbook) -> Vec<Finding> {
    Prover::new(policy, keys).prove(runbook)
}

/// Proves the gates of many runbooks; what was once worked out is kept.
pub(crate) struct Prover<'p> {
    policy: &'p Policy,
    people: BTreeMap<&'p str, Candidate<'p>>,
    rules: Vec<Option<Expr>>,
    seasons: Seasons,
    answers: HashMap<(usize, String), bool>,
    faults: Vec<(Gate, Vec<Fault>)>,
    budget: Budget,
    /// Whether something was too large to prove.
    pub unsure: bool,
}

/// A checkpoint and those of the steps whose approvers do not count for it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Gate {
    checkpoint: Checkpoint,
    others: Vec<Checkpoint>,
}

impl<'p> Prover<'p> {
    pub fn new(policy: &'p Policy, keys: Option<&Keys>) -> Self {
        let rules = policy.checkpoints.iter().map(|rule| &rule.when);
        let whens = rules.chain(policy.freezes.iter().map(|freeze| &freeze.when));
        let seasons = Seasons::of(&policy.freezes);
        Self {
            policy,
            people: active(policy, keys),
            rules: whens
                .map(|when| when.as_ref().and_then(|when| expr::parse(when).ok()))
                .collect(),
            answers: HashMap::new(),
            faults: Vec::new(),
            budget: Budget::new(),
            unsure: seasons.cut,
            seasons,
        }
    }

    pub fn prove(&mut self, runbook: &Runbook) -> Vec<Finding> {
        let mut findings = Vec::new();
        for step in &runbook.steps {
            let mut known: Vec<Fault> = Vec::new();
            let mut asked: Vec<Option<Gate>> = Vec::new();
            for season in self.seasons.sets.clone() {
                let rules = self.policy.checkpoints.len() + season.len();
                if !season.is_empty() && self.budget.charge(rules * WORK_OF_A_RULE).is_none() {
                    self.unsure = true;
                    break;
                }
                let gate = self.gate(runbook, step, &season);
                if asked.contains(&gate) {
                    continue;
                }
                for fault in self.faults_of(runbook, step, gate.as_ref(), &season) {
                    if known.contains(&fault) {
                        continue;
                    }
                    known.push(fault.clone());
                    findings.push(Finding {
                        step: step.id.clone(),
                        fault,
                        during: self.names(&season),
                    });
                }
                asked.push(gate);
            }
        }
        findings
    }

    fn names(&self, season: &[usize]) -> Vec<String> {
        let freezes = season
            .iter()
            .filter_map(|index| self.policy.freezes.get(*index));
        freezes.map(|freeze| freeze.name.clone()).collect()
    }

    fn faults_of(
        &mut self,
        runbook: &Runbook,
        step: &Step,
        gate: Option<&Gate>,
        season: &[usize],
    ) -> Vec<Fault> {
        let Some(gate) = gate else {
            // A freeze adds, so that only what is open without one is open.
            let open = step.checkpoint.is_some() && season.is_empty();
            return open.then_some(Fault::Open).into_iter().collect();
        };
        let mut faults = Vec::new();
        for not in &gate.checkpoint.not {
            if let NotWho::ApproverOf(other) = not
                && let Some(other) = runbook.step(other)
                && self.checkpoint(runbook, other, season).is_none()
            {
                faults.push(Fault::NobodyApproves(other.id.clone()));
            }
        }
        if !self.policy.people.is_empty() {
            faults.extend(self.faults(gate));
        }
        faults
    }

    fn gate(&mut self, runbook: &Runbook, step: &Step, season: &[usize]) -> Option<Gate> {
        let checkpoint = self.checkpoint(runbook, step, season)?;
        let mut others = Vec::new();
        for not in &checkpoint.not {
            if let NotWho::ApproverOf(other) = not
                && *other != step.id
                && let Some(other) = runbook.step(other)
            {
                others.extend(self.checkpoint(runbook, other, season));
            }
        }
        Some(Gate { checkpoint, others })
    }

    /// What the step needs while just these freezes are in force.
    fn checkpoint(
        &mut self,
        runbook: &Runbook,
        step: &Step,
        season: &[usize],
    ) -> Option<Checkpoint> {
        let policy = self.policy;
        let in_force = |index: usize, _: &_| season.contains(&index);
        policy.strictest(step, in_force, |index, _| self.holds(index, runbook, step))
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

    fn faults(&mut self, gate: &Gate) -> Vec<Fault> {
        // How long an approval holds changes nothing here.
        let mut gate = gate.clone();
        for checkpoint in gate.others.iter_mut().chain([&mut gate.checkpoint]) {
            checkpoint.expires = Duration::ZERO;
        }
        if let Some((_, faults)) = self.faults.iter().find(|(seen, _)| *seen == gate) {
            return faults.clone();
        }
        self.budget.next();
        let found = faults(&self.people, &gate, &self.budget);
        self.unsure |= found.is_none();
        let found = found.unwrap_or_default();
        if self.faults.len() < MOST_KEPT {
            self.faults.push((gate, found.clone()));
        }
        found
    }

    /// Who could approve a step at this moment, and who can perform it so that enough others are left. `authors` are the
    /// people who wrote it, where git knows them; `None` in it is somebody whom policy does not name.
    pub fn passers(
        &mut self,
        runbook: &Runbook,
        step: &Step,
        at: DateTime<Utc>,
        authors: Option<&BTreeSet<Option<String>>>,
    ) -> Option<Passers> {
        let season = seasons::at(&self.policy.freezes, at);
        let gate = self.gate(runbook, step, &season)?;
        let bars = gate.checkpoint.not.contains(&NotWho::Author);
        let stranger = authors.is_some_and(|authors| authors.is_empty() || authors.contains(&None))
            && !self.policy.allow_unknown_authors;
        let wrote = |name: &str| {
            authors.is_some_and(|authors| {
                authors
                    .iter()
                    .flatten()
                    .any(|author| author.as_str() == name)
            })
        };
        let barred = |name: &str| bars && (stranger || wrote(name));
        let budget = Budget::new();
        budget.next();
        let (checkpoint, others) = (&gate.checkpoint, &gate.others);
        let Some(puzzle) = Puzzle::new(&self.people, checkpoint, others, barred, &budget) else {
            self.unsure = true;
            return None;
        };
        let performs: Vec<Option<bool>> = (0..puzzle.groups.len())
            .map(|group| puzzle.passable(Some(group), None, &budget))
            .collect();
        self.unsure |= performs.contains(&None);
        let names = |fits: &dyn Fn(usize) -> bool| -> Vec<String> {
            let groups = puzzle.groups.iter().enumerate();
            let fit = groups.filter(|(index, _)| fits(*index));
            let mut names: Vec<String> = fit
                .flat_map(|(_, group)| group.names.iter().map(|name| (*name).to_owned()))
                .collect();
            names.sort_unstable();
            names
        };
        Some(Passers {
            approvers: names(&|index| puzzle.approves(index)),
            performers: names(&|index| performs.get(index) == Some(&Some(true))),
            authors: bars
                .then(|| authors.map(|known| known.iter().flatten().cloned().collect()))
                .flatten(),
            unknown_author: bars && stranger,
            checkpoint: gate.checkpoint,
        })
    }
}

/// Who could pass a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Passers {
    pub checkpoint: Checkpoint,
    /// Whose approval can count, by name.
    pub approvers: Vec<String>,
    /// Who can perform the step so that enough of the others can approve it.
    pub performers: Vec<String>,
    /// Who wrote the step and therefore may not approve it; `None` where that does not matter or is not known.
    pub authors: Option<Vec<String>>,
    /// Whether it was written by somebody whom policy does not name, so that nobody may approve it.
    pub unknown_author: bool,
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

/// `None`: it is too large to find out.
fn faults(
    people: &BTreeMap<&str, Candidate<'_>>,
    gate: &Gate,
    budget: &Budget,
) -> Option<Vec<Fault>> {
    let puzzle = Puzzle::new(people, &gate.checkpoint, &gate.others, |_| false, budget)?;
    if !puzzle.passable(None, None, budget)? {
        return Some(vec![Fault::Never(why(people, gate))]);
    }
    let mut alone = Vec::new();
    for (index, group) in puzzle.groups.iter().enumerate() {
        if !puzzle.passable(None, Some(index), budget)? {
            alone.extend(group.names.iter().map(|name| (*name).to_owned()));
        }
    }
    alone.sort_unstable();
    let hangs = (!alone.is_empty()).then_some(Fault::HangsOn(alone));
    let twice = two_duties(&puzzle, &gate.checkpoint, budget)?;
    Some(hangs.into_iter().chain(twice).collect())
}

/// People who could fill two duties of a gate. Where `of_them` joins the two roles, one person is meant to have both.
/// The outer `None`: it is too large to find out.
fn two_duties(
    puzzle: &Puzzle<'_>,
    checkpoint: &Checkpoint,
    budget: &Budget,
) -> Option<Option<Fault>> {
    let needs = &checkpoint.requirements;
    let joined = |a: &Role, b: &Role| {
        needs.iter().any(|need| {
            let has = |role: &Role| need.role == *role || need.also.as_ref() == Some(role);
            need.also.is_some() && has(a) && has(b)
        })
    };
    let alone = || {
        needs
            .iter()
            .enumerate()
            .filter(|(_, need)| need.also.is_none())
    };
    for (first, one) in alone() {
        for (second, other) in alone().filter(|(second, _)| *second > first) {
            budget.spend(puzzle.groups.len() + needs.len())?;
            let people = puzzle.who_fits(first, second);
            if !people.is_empty() && !joined(&one.role, &other.role) {
                let roles = (one.role.clone(), other.role.clone());
                return Some(Some(Fault::TwoDuties { roles, people }));
            }
        }
    }
    Some(None)
}

fn why(people: &BTreeMap<&str, Candidate<'_>>, gate: &Gate) -> String {
    let checkpoint = &gate.checkpoint;
    for need in &checkpoint.requirements {
        let holders = people
            .iter()
            .filter(|(_, candidate)| candidate.fits(need, checkpoint.keys));
        let names: Vec<&str> = holders.map(|(name, _)| *name).collect();
        if names.len() < usize::try_from(need.approvals).unwrap_or(usize::MAX) {
            return too_few(need, checkpoint.keys, &names);
        }
    }
    if gate.others.is_empty() {
        "nobody is left to perform it while the others approve".to_owned()
    } else {
        "too few are left once others have approved the steps whose approvers do not count"
            .to_owned()
    }
}

/// The first of many names.
pub(crate) fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let first: Vec<&str> = names.iter().take(8).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(first.len()) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

fn too_few(need: &Requirement, keys: KeyRule, names: &[&str]) -> String {
    let who = if names.is_empty() {
        "nobody".to_owned()
    } else {
        format!("only {}", listed(names))
    };
    let role = visible(need.role.as_str(), 60);
    let (roles, has) = match &need.also {
        None => (format!("of role `{role}`"), "it"),
        Some(also) => {
            let also = visible(also.as_str(), 60);
            (format!("of both roles `{role}` and `{also}`"), "both")
        }
    };
    let key = match keys {
        KeyRule::Any => "a key",
        KeyRule::Touched | KeyRule::Verified => "a hardware key",
    };
    format!(
        "it takes {} {roles}, and {who} with {key} has {has}",
        need.approvals
    )
}

/// Whether the people with keys are enough to adopt another policy.
#[must_use]
pub fn adoptable(policy: &Policy, keys: Option<&Keys>, asks: &Adoption) -> bool {
    let people = active(policy, keys);
    let able = people.iter();
    let able = able.filter(|(_, who)| asks.keys == KeyRule::Any || who.hardware);
    let names = able.map(|(name, _)| *name).collect();
    asks.is_met(&names, |name, role| {
        people
            .get(name)
            .is_some_and(|who| who.person.roles.contains(role))
    })
}

/// The people whose approval could count for a checkpoint, by name. `performer` is the person who performs it, whose own
/// approval never counts. Authors and approvers of other steps are not known here, nor who has which key: `not` and
/// `keys` may exclude more.
#[must_use]
pub fn who_could_pass(
    policy: &Policy,
    checkpoint: &Checkpoint,
    performer: Option<&str>,
) -> Vec<String> {
    let fits = |person: &Person| {
        let mut needs = checkpoint.requirements.iter();
        needs.any(|need| need.fits(|role| person.roles.contains(role)))
    };
    let people = policy.people.iter();
    people
        .filter(|(name, person)| Some(name.as_str()) != performer && fits(person))
        .map(|(name, _)| name.clone())
        .collect()
}

#[cfg(test)]
mod tests;

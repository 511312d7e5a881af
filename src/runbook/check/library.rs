//! What can only be seen across files: ids twice, runbooks that are not there, rounds of `uses`, the proof of gates.
//! Keeps of each runbook only what that takes.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{File, report::Report, start};
use crate::runbook::file::RunbookFile;
use crate::runbook::gates::{Fault, Finding, Keys, Prover};
use crate::runbook::model::NotWho;
use crate::runbook::policy::Policy;
use crate::runbook::problem::{Place, Problem, Severity, quoted, suggest};
use crate::runbook::{resolve, text};

struct Entry {
    path: String,
    id: String,
    at: Place,
    inputs: Vec<(String, bool)>,
    uses: Vec<Used>,
}

struct Used {
    at: Place,
    id: String,
    given: Vec<(Place, String, bool)>,
}

pub(crate) struct Library<'p> {
    policy: &'p Policy,
    prover: Prover<'p>,
    entries: Vec<Entry>,
    alone: bool,
    /// Whether a rule of the policy names a step.
    wants_steps: bool,
    /// The ids of all steps, if so.
    steps: BTreeSet<String>,
    /// Whether a runbook could not be read whole, so that names may seem unknown.
    pub partial: bool,
}

impl<'p> Library<'p> {
    pub fn new(policy: &'p Policy, keys: Option<&Keys>) -> Self {
        Self {
            policy,
            prover: Prover::new(policy, keys),
            entries: Vec::new(),
            wants_steps: names_steps(policy),
            steps: BTreeSet::new(),
            partial: false,
            alone: policy.people.len() == 1,
        }
    }

    /// Takes note of a runbook and proves its gates.
    pub fn add(&mut self, path: &str, runbook: &RunbookFile, report: &mut Report<'_, '_>) {
        let inputs = runbook.inputs.iter().flat_map(|named| &named.0);
        let steps = || runbook.steps.value.iter().map(|step| &step.value);
        let secret = |name: &str| {
            let inputs = runbook.inputs.iter().flat_map(|named| &named.0);
            let found = inputs.filter(|(known, _)| known.value.0 == name);
            found
                .filter_map(|(_, input)| input.secret.as_ref())
                .any(|secret| secret.value.0)
        };
        let uses = steps().filter_map(|step| {
            let used = step.uses.as_ref()?;
            let given = step
                .with
                .iter()
                .flat_map(|named| &named.0)
                .map(|(name, value)| {
                    let holds_secret = text::dollars(&value.value.0)
                        .iter()
                        .any(|(_, _, name)| secret(name));
                    (name.at, name.value.0.clone(), holds_secret)
                });
            Some(Used {
                at: used.at,
                id: used.value.0.clone(),
                given: given.collect(),
            })
        });
        self.entries.push(Entry {
            path: path.to_owned(),
            id: runbook.id.value.0.clone(),
            at: runbook.id.at,
            inputs: inputs
                .map(|(name, input)| {
                    (
                        name.value.0.clone(),
                        input.secret.as_ref().is_some_and(|secret| secret.value.0),
                    )
                })
                .collect(),
            uses: uses.collect(),
        });
        if self.wants_steps {
            self.steps
                .extend(steps().map(|step| step.id.value.0.clone()));
        }
        self.tells(runbook, report);
        self.prove(runbook, report);
    }

    /// The steps that rules of the policy name, each with its place.
    pub fn named<'n>(
        &self,
        policy: &File<'_>,
        steps: impl Iterator<Item = (Place, &'n str)>,
        problems: &mut Vec<Problem>,
    ) {
        let known: Vec<&str> = self.steps.iter().map(String::as_str).collect();
        for (at, step) in steps {
            if !self.steps.contains(step) && !self.partial && !self.entries.is_empty() {
                let what = format!("no step of any runbook is called {}", quoted(step));
                let problem = Problem::error(policy.path, at, "unknown-step", what);
                problems.push(problem.maybe_hint(suggest(step, &known)));
            }
        }
    }

    /// Steps that tell somebody who wants an approval, and have no checkpoint to get one at: the engine lets none of them run.
    fn tells(&self, runbook: &RunbookFile, report: &mut Report<'_, '_>) {
        let wants = |name: &str| {
            let mut audiences = self.policy.audiences.iter();
            audiences.any(|one| one.approval && one.name == name)
        };
        let told = |step: &crate::runbook::file::StepFile| {
            let notify = step.notify.as_ref()?;
            Some((
                notify.value.audience.at,
                notify.value.audience.value.0.clone(),
            ))
        };
        let steps = runbook.steps.value.iter().map(|step| &step.value);
        let told: Vec<_> = steps
            .filter_map(|step| Some((step.id.value.0.clone(), told(step)?)))
            .filter(|(_, (_, audience))| wants(audience))
            .collect();
        if told.is_empty() {
            return;
        }
        let model = resolve::runbook(runbook);
        for (id, (at, audience)) in told {
            let step = model.steps.iter().find(|step| step.id.as_str() == id);
            // Whatever might ask for an approval counts; a freeze is for some days only.
            let gate = step.and_then(|step| {
                let values = std::collections::BTreeMap::new();
                let now = chrono::DateTime::UNIX_EPOCH;
                self.policy.checkpoint_for(&model, step, &values, now)
            });
            if gate.is_none() {
                let (step, audience) = (quoted(&id), quoted(&audience));
                let what = format!(
                    "updates for {audience} want an approval, and {step} has no checkpoint: it can never run"
                );
                let hint = "give it a `checkpoint`".to_owned();
                report.error(at, "unapproved-update", what, Some(hint));
            }
        }
    }

    fn prove(&mut self, runbook: &RunbookFile, report: &mut Report<'_, '_>) {
        let guarded = |step: &crate::runbook::file::StepFile| {
            step.checkpoint.is_some() || step.risk.is_some()
        };
        if self.policy.checkpoints.is_empty()
            && self.policy.freezes.is_empty()
            && !runbook.steps.value.iter().any(|step| guarded(&step.value))
        {
            return;
        }
        let findings = self.prover.prove(&resolve::runbook(runbook));
        for finding in findings {
            let step = runbook
                .steps
                .value
                .iter()
                .find(|step| step.value.id.value.0 == finding.step.0);
            let at = step.map_or_else(start, |step| {
                step.value
                    .checkpoint
                    .as_ref()
                    .map_or(step.value.id.at, |checkpoint| checkpoint.at)
            });
            self.gate(&finding, at, report);
        }
    }

    fn gate(&self, finding: &Finding, at: Place, report: &mut Report<'_, '_>) {
        let step = quoted(&finding.step.0);
        let during = if finding.during.is_empty() {
            String::new()
        } else {
            format!("during {}: ", finding.during.join(" with "))
        };
        match &finding.fault {
            // An approval count of 0 is reported where it stands.
            Fault::Open => {}
            Fault::NobodyApproves(other) => {
                let other = quoted(&other.0);
                let what = format!(
                    "{during}the gate of {step} excludes the approvers of {other}, which has no checkpoint and so has none"
                );
                let hint = format!("give {other} a checkpoint, or leave that out");
                report.warn(at, "idle-not", what, Some(hint));
            }
            _ if self.alone => {}
            Fault::Never(why) => {
                let what = format!("{during}nobody can ever pass the gate of {step}: {why}");
                let hint = "change `policy.yaml`: its people or their roles".to_owned();
                report.error(at, "dead-gate", what, Some(hint));
            }
            Fault::HangsOn(people) => {
                let what = format!(
                    "{during}the gate of {step} hangs on {}",
                    several(people, " and on ")
                );
                let hint = "give somebody else the role too: `runsheet people add`".to_owned();
                report.warn(at, "narrow-gate", what, Some(hint));
            }
            Fault::TwoDuties { roles, people } => {
                let (one, other) = (quoted(roles.0.as_str()), quoted(roles.1.as_str()));
                let what = format!(
                    "{during}one approval by {} counts twice at the gate of {step}: as {one} and as {other}",
                    several(people, " or ")
                );
                let hint =
                    "`approvals: 2` with `of_them` asks for two people, whatever their roles";
                report.warn(at, "two-duties", what, Some(hint.to_owned()));
            }
        }
    }

    /// The problems between files.
    pub fn finish(self, policy: Option<&File<'_>>, unread: bool, problems: &mut Vec<Problem>) {
        let mut by_id: HashMap<&str, usize> = HashMap::new();
        for (index, entry) in self.entries.iter().enumerate() {
            if let Some(first) = by_id
                .get(entry.id.as_str())
                .and_then(|first| self.entries.get(*first))
            {
                let what = format!(
                    "the id {} is also that of {}",
                    quoted(&entry.id),
                    quoted(&first.path)
                );
                problems.push(
                    Problem::error(&entry.path, entry.at, "duplicate-id", what)
                        .hint("give one another id"),
                );
            } else {
                by_id.insert(&entry.id, index);
            }
        }
        for entry in &self.entries {
            for used in &entry.uses {
                match by_id
                    .get(used.id.as_str())
                    .and_then(|index| self.entries.get(*index))
                {
                    Some(other) => given(entry, used, other, problems),
                    None => {
                        let what = format!("no runbook is called {}", quoted(&used.id));
                        let mut ids: Vec<&str> = by_id.keys().copied().collect();
                        ids.sort_unstable();
                        let hint = suggest(&used.id, &ids);
                        problems.push(
                            Problem::error(&entry.path, used.at, "unknown-runbook", what)
                                .maybe_hint(hint),
                        );
                    }
                }
            }
        }
        rounds(&self.entries, &by_id, problems);
        if !unread {
            self.people(policy, problems);
        }
    }

    fn people(&self, policy: Option<&File<'_>>, problems: &mut Vec<Problem>) {
        let file = policy.map_or("policy.yaml", |file| file.path);
        if self.prover.unsure {
            let what = "some gates are too large to prove: too many freezes, or too many roles at one checkpoint";
            problems.push(Problem::new(
                file,
                start(),
                Severity::Note,
                "unproven",
                what,
            ));
        }
        if self.policy.people.is_empty() {
            let what = "the gate proof was not run: `policy.yaml` names no people";
            let note = Problem::new(file, start(), Severity::Note, "no-people", what);
            problems.push(note.hint("runsheet people add"));
        } else if self.alone {
            let what = "the library has one person: no checkpoint can be passed but by override";
            let warning = Problem::new(file, start(), Severity::Warning, "one-person", what);
            problems.push(warning.hint("runsheet people add"));
        } else if self.policy.people.len() == 2 {
            two_people(file, problems);
        }
    }
}

/// Of two people each gate needs one or both: that is said once, not once for every step.
fn two_people(file: &str, problems: &mut Vec<Problem>) {
    const NARROW: &str = "narrow-gate";
    let narrow = || problems.iter().filter(|problem| problem.code == NARROW);
    let gates = narrow().count();
    if gates < 2 {
        return;
    }
    let runbooks: BTreeSet<&str> = narrow().map(|problem| problem.file.as_str()).collect();
    let books = match runbooks.len() {
        1 => "one runbook".to_owned(),
        many => format!("{many} runbooks"),
    };
    let what = format!(
        "the library has two people: the gates of {gates} steps in {books} hang on one of them, or on both"
    );
    problems.retain(|problem| problem.code != NARROW);
    let warning = Problem::new(file, start(), Severity::Warning, "two-people", what);
    problems.push(warning.hint("give somebody else the roles too: `runsheet people add`"));
}

/// The first of many names.
fn several(names: &[String], between: &str) -> String {
    match names.len().saturating_sub(8) {
        0 => names.join(between),
        more => format!("{} and {more} more", names[..8].join(", ")),
    }
}

fn names_steps(policy: &Policy) -> bool {
    let rules = policy.checkpoints.iter().map(|rule| &rule.asks);
    let freezes = policy.freezes.iter().map(|freeze| &freeze.asks);
    let mut not = rules.chain(freezes).flat_map(|asks| &asks.not);
    not.any(|not| matches!(not, NotWho::ApproverOf(_)))
}

fn given(entry: &Entry, used: &Used, other: &Entry, problems: &mut Vec<Problem>) {
    for (at, name, holds_secret) in &used.given {
        match other.inputs.iter().find(|(input, _)| input == name) {
            None => {
                let what = format!(
                    "the runbook {} has no input {}",
                    quoted(&other.id),
                    quoted(name)
                );
                let inputs: Vec<&str> = other
                    .inputs
                    .iter()
                    .map(|(input, _)| input.as_str())
                    .collect();
                let hint = suggest(name, &inputs);
                problems
                    .push(Problem::error(&entry.path, *at, "unknown-input", what).maybe_hint(hint));
            }
            Some((_, secret)) if *holds_secret && !secret => {
                let what = format!(
                    "a secret is given to {} of {}, which is recorded",
                    quoted(name),
                    quoted(&other.id)
                );
                let problem = Problem::error(&entry.path, *at, "secret-recorded", what);
                problems.push(problem.hint("make that input `secret: true`"));
            }
            Some(_) => {}
        }
    }
}

/// Runbooks that use each other in a round, each round once. Walks without recursion: chains may be long.
fn rounds(entries: &[Entry], by_id: &HashMap<&str, usize>, problems: &mut Vec<Problem>) {
    let mut done: HashSet<usize> = HashSet::new();
    for start in 0..entries.len() {
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        let mut on_path: HashSet<usize> = HashSet::from([start]);
        if done.contains(&start) {
            continue;
        }
        while let Some((at, next)) = path.last_mut() {
            let index = *at;
            let used = entries.get(index).and_then(|entry| entry.uses.get(*next));
            *next += 1;
            let Some(used) = used else {
                done.insert(index);
                on_path.remove(&index);
                path.pop();
                continue;
            };
            let Some(to) = by_id.get(used.id.as_str()).copied() else {
                continue;
            };
            if on_path.contains(&to) {
                let from = path.iter().position(|(index, _)| *index == to).unwrap_or(0);
                let names = path
                    .iter()
                    .skip(from)
                    .filter_map(|(index, _)| entries.get(*index));
                let names: Vec<String> = names.take(8).map(|entry| quoted(&entry.id)).collect();
                let what = format!("runbooks use each other in a round: {}", names.join(", "));
                if let Some(entry) = entries.get(index) {
                    problems.push(Problem::error(&entry.path, used.at, "endless", what));
                }
            } else if !done.contains(&to) {
                on_path.insert(to);
                path.push((to, 0));
            }
        }
    }
}

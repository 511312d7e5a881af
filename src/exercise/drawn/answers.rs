//! What scripts printed, how they ended and how long they took; what approvers said, and after how long.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Ground;
use super::page::{Answer, Colleague, Reply, length};
use crate::engine::exec::Purpose;
use crate::engine::fact::{Outcome, StepFinished};
use crate::engine::{Fact, StepRef, sentence};
use crate::runbook::model::{Kind, Step, StepId};
use crate::runbook::{outputs, pattern};
use crate::trust::Principal;

/// Of one output, and of all together.
const LONGEST: usize = 16 << 10;
const MOST_BYTES: usize = 256 << 10;
/// More than anybody plays.
const MOST: usize = 900;
/// What a shell says of something that ran out of its time.
const TIMED_OUT: i32 = 124;
/// How long a colleague takes who never really said anything.
const USUAL: i64 = 120;

/// What became of each step, try by try; the last one stands for any other.
pub(super) fn answers(ground: &Ground<'_>) -> Vec<Answer> {
    let mut tries: BTreeMap<(&StepId, Purpose), BTreeMap<u32, &StepFinished>> = BTreeMap::new();
    for event in ground.events {
        if let Fact::StepFinished(fact) = &event.fact
            && fact.outcome != Outcome::Unknown
            && let Some((_, step)) = ground.step(&fact.step.step)
            && is_script(step, fact.purpose)
        {
            let all = tries.entry((&step.id, fact.purpose)).or_default();
            all.insert(fact.step.attempt, fact);
        }
    }
    let mut room = MOST_BYTES;
    let mut answers = Vec::new();
    for all in tries.values() {
        let last = all.keys().last().copied();
        for (attempt, fact) in all {
            let attempt = (Some(*attempt) != last).then_some(*attempt);
            answers.extend(answer(ground, fact, attempt, &mut room));
        }
    }
    answers.truncate(MOST);
    answers
}

/// Whether that would run by itself.
fn is_script(step: &Step, purpose: Purpose) -> bool {
    match &step.kind {
        _ if purpose != Purpose::Run => true,
        Kind::Run(_) | Kind::Collect(_) => true,
        Kind::Wait(wait) => wait.until.is_some(),
        _ => false,
    }
}

fn answer(
    ground: &Ground<'_>,
    fact: &StepFinished,
    attempt: Option<u32>,
    room: &mut usize,
) -> Option<Answer> {
    let (_, step) = ground.step(&fact.step.step)?;
    let exit = fact.exit.unwrap_or_else(|| {
        let stands = fact.signal.map_or(TIMED_OUT, |signal| 128 + signal);
        ground.look(format!(
            "{}: it had no exit status, {stands} stands for that",
            fact.step.step
        ));
        stands
    });
    let (output, whole) = output(ground, fact, room);
    if fact.outcome == Outcome::Succeeded && !fits(step, fact.purpose, &output) {
        let why = if whole {
            "what was replaced in it"
        } else {
            "what is missing of it"
        };
        ground.look(format!(
            "{}: its output no longer is what the runbook expects, because of {why}",
            fact.step.step
        ));
    }
    let took = (fact.ended - fact.started)
        .num_seconds()
        .clamp(1, ground.length);
    Some(Answer {
        step: fact.step.step.to_string(),
        purpose: match fact.purpose {
            Purpose::Run => None,
            Purpose::DryRun => Some("dry_run"),
            Purpose::RollBack => Some("roll_back"),
        },
        attempt,
        takes: length(took),
        exit,
        output,
    })
}

/// What it printed, and whether that is all of it. Pulled logs are told apart by their names.
fn output(ground: &Ground<'_>, fact: &StepFinished, room: &mut usize) -> (String, bool) {
    let printed = fact
        .evidence
        .iter()
        .find(|artifact| artifact.name.starts_with("output of "));
    let Some(artifact) = printed else {
        return (String::new(), true);
    };
    let bytes = (!ground.state.is_expunged(&artifact.sha256))
        .then(|| (ground.sources.evidence)(&artifact.sha256))
        .flatten();
    let Some(bytes) = bytes else {
        ground.look(format!("{}: what it printed is not here", fact.step.step));
        return (String::new(), false);
    };
    let kept = bytes.len().min(LONGEST).min(*room);
    if kept < bytes.len() {
        ground.look(format!("{}: its output is cut off", fact.step.step));
    }
    *room -= kept;
    let text = String::from_utf8_lossy(bytes.get(..kept).unwrap_or_default());
    (ground.veil.text(&text), kept == bytes.len())
}

/// Whether an output still gives the runbook what it takes from it.
fn fits(step: &Step, purpose: Purpose, output: &str) -> bool {
    if purpose != Purpose::Run || !matches!(step.kind, Kind::Run(_)) {
        return true;
    }
    let wanted = step.exec.expect.output.as_ref();
    let matches =
        |wanted: &String| pattern::regex(wanted).is_ok_and(|regex| regex.is_match(output));
    let mut taken = step.exec.outputs.iter();
    wanted.is_none_or(matches) && taken.all(|taken| outputs::take(&taken.take, output).is_ok())
}

/// One answer of one person.
struct Said {
    step: StepId,
    /// Which time of being asked, from 1.
    time: u32,
    after: TimeDelta,
    denied: Option<String>,
}

/// Everybody who was asked and said something.
pub(super) fn colleagues(ground: &Ground<'_>) -> Vec<Colleague> {
    let mut asked: BTreeMap<&StepId, (u32, DateTime<Utc>)> = BTreeMap::new();
    let mut said: BTreeMap<&Principal, Vec<Said>> = BTreeMap::new();
    for event in ground.events {
        let (at, by) = (event.told_at(), &event.person);
        let (step, denied): (&StepRef, _) = match &event.fact {
            Fact::CheckpointRequested(fact) => {
                let times = asked.entry(&fact.record.step.step).or_insert((0, at));
                *times = (times.0 + 1, at);
                continue;
            }
            Fact::CheckpointApproved(fact) => (&fact.step, None),
            Fact::CheckpointDenied(fact) => {
                let reason = sentence::said(&fact.signed, "reason").unwrap_or_default();
                (&fact.step, Some(reason))
            }
            _ => continue,
        };
        if let Some((time, since)) = asked.get(&step.step)
            && ground.step(&step.step).is_some()
        {
            said.entry(by).or_default().push(Said {
                step: step.step.clone(),
                time: *time,
                after: at - *since,
                denied,
            });
        }
    }
    let people = said
        .into_iter()
        .filter_map(|(who, said)| colleague(ground, who, said));
    people.take(40).collect()
}

fn colleague(ground: &Ground<'_>, who: &Principal, said: Vec<Said>) -> Option<Colleague> {
    let (id, name) = ground.veil.called(who);
    let people = &ground.incident.policy.people;
    let person = people
        .values()
        .find(|person| person.principals.iter().any(|one| one == who.as_str()))?;
    let mut lengths: Vec<i64> = said
        .iter()
        .map(|said| said.after.num_seconds().max(0))
        .collect();
    lengths.sort_unstable();
    let usual = lengths.get(lengths.len() / 2).copied().unwrap_or(USUAL);
    let mut replies: Vec<Reply> = said
        .into_iter()
        .map(|said| Reply {
            step: Some(said.step.to_string()),
            time: Some(said.time),
            after: length(said.after.num_seconds().clamp(0, ground.length)),
            says: if said.denied.is_some() {
                "deny"
            } else {
                "approve"
            },
            reason: said.denied.map(|reason| {
                let reason = ground.said(&reason);
                if reason.is_empty() {
                    "not now".to_owned()
                } else {
                    reason
                }
            }),
        })
        .collect();
    replies.truncate(100);
    replies.push(Reply {
        step: None,
        time: None,
        after: length(usual.min(ground.length)),
        says: "approve",
        reason: None,
    });
    Some(Colleague {
        id,
        name,
        roles: person.roles.iter().map(ToString::to_string).collect(),
        replies,
    })
}

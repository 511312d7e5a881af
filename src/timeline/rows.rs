//! The rows of a timeline in the order things occurred, with both clocks where they differ, and the lists taken from
//! them: gaps, decisions, evidence, updates.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::about::{self, About, Apart, Link, Origin, origin, own};
use super::words::{self, Word};
use super::{Options, shown, wording};
use crate::engine::details::Details;
use crate::engine::event::Fidelity;
use crate::engine::fact::{Fact, Pull};
use crate::engine::sentence::{self, Class};
use crate::engine::{Event, EventId, State, StepRef};
use crate::evidence::Digest;
use crate::runbook::model::Kind;
use crate::trust::{Mode, Principal};

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Row {
    pub event: EventId,
    pub occurred_at: DateTime<FixedOffset>,
    pub occurred_until: Option<DateTime<FixedOffset>>,
    pub fidelity: Fidelity,
    pub recorded_at: DateTime<Utc>,
    /// How much later than it occurred it was recorded, in milliseconds, where that is worth saying. Negative for an
    /// entry dated ahead.
    pub late_ms: Option<i64>,
    pub sim_time: Option<DateTime<Utc>>,
    pub person: Principal,
    /// What stands before the `@`.
    pub who: Arc<str>,
    pub role: Option<String>,
    pub signed: bool,
    pub class: Class,
    #[serde(deserialize_with = "words::kind")]
    pub kind: Word,
    /// `<run>/<step>#<attempt>`
    pub step: Option<String>,
    /// The sentence of the event in full, without the name in front.
    pub text: String,
    /// Digests of the artifacts this entry brought or rests on.
    pub evidence: Vec<Digest>,
    pub about: Apart,
    pub links: Vec<Link>,
    /// Where it was brought in from.
    pub origin: Option<Box<Origin>>,
    pub corrections: Vec<Correction>,
    /// Recorded after the incident was closed, in the order of the record.
    pub after_closing: bool,
    /// Why it does not fit, if so.
    pub flags: Vec<String>,
}

impl Row {
    /// When it was recorded, by the clock that rules: the simulated one in an exercise.
    #[must_use]
    pub fn told_at(&self) -> DateTime<Utc> {
        self.sim_time.unwrap_or(self.recorded_at)
    }

    /// What was said of it later is so.
    fn describe(&mut self, later: Details) {
        let own = About::clone(&self.about).then(&later);
        if let Some(class) = later.class {
            self.class = class;
        }
        later.evidence.to(&mut self.evidence);
        self.about = own.into();
    }
}

/// How an entry is to be read instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Correction {
    pub event: EventId,
    pub at: DateTime<FixedOffset>,
    pub by: Principal,
    pub text: String,
    pub reason: String,
}

/// A silence between two rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Gap {
    /// The row before which it lies.
    pub before: usize,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub millis: i64,
}

/// A decision that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Choice {
    pub event: EventId,
    pub at: DateTime<FixedOffset>,
    pub by: Principal,
    pub step: String,
    /// Where the runbook could be read.
    pub question: Option<String>,
    pub chosen: String,
    pub suggested: Option<String>,
}

/// An artifact and the entry that brought it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Captured {
    pub event: EventId,
    pub by: Principal,
    pub step: Option<String>,
    pub sha256: Digest,
    pub size: u64,
    pub name: String,
    pub source: String,
    pub host: String,
    pub range: Option<(u64, u64)>,
    pub original_sha256: Option<Digest>,
    pub redacted: u64,
    pub dropped: u64,
    pub collected_at: DateTime<Utc>,
    /// How it was pulled, if it is a log that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull: Option<Pull>,
    /// Whether two people had it taken out: its bytes are gone, its digest stays.
    pub withheld: bool,
}

/// A stakeholder update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Update {
    pub event: EventId,
    pub at: DateTime<FixedOffset>,
    pub by: Principal,
    pub audience: String,
    pub state: Option<String>,
    pub message: String,
    /// By when the next one is promised.
    pub next: Option<DateTime<Utc>>,
    /// When this audience heard again.
    pub answered: Option<DateTime<FixedOffset>>,
}

impl Row {
    /// `recorded +12 min 0 s later`, where both clocks differ.
    #[must_use]
    pub fn late(&self) -> Option<String> {
        let millis = self.late_ms?;
        let span = sentence::span(TimeDelta::milliseconds(millis.saturating_abs()));
        Some(if millis < 0 {
            format!("dated {span} ahead")
        } else {
            format!("recorded +{span} later")
        })
    }
}

pub(super) fn rows(state: &State, events: &[Arc<Event>], options: Options) -> Vec<Row> {
    let mut corrections = corrections(events);
    let mut said = about::said(events);
    let mut links = about::links(events);
    let mut flags: BTreeMap<EventId, Vec<String>> = BTreeMap::new();
    let mut void = BTreeSet::new();
    for flag in &state.flags {
        flags.entry(flag.event).or_default().push(shown(&flag.what));
        if flag.violation {
            void.insert(flag.event);
        }
    }
    let mut closed = false;
    let mut rows: Vec<Row> = Vec::with_capacity(events.len());
    let mut asked = BTreeMap::new();
    let mut names: BTreeMap<&Principal, Arc<str>> = BTreeMap::new();
    for event in events {
        asked.extend(wording::request(&event.fact));
        let about = wording::answers(&event.fact).and_then(|step| asked.get(step));
        let mut entry = row(event, options);
        if let Some(later) = said.remove(&event.id) {
            entry.describe(later);
        }
        // A name lies there once, however much its bearer said.
        entry.who = Arc::clone(names.entry(&event.person).or_insert(entry.who));
        rows.push(Row {
            corrections: corrections.remove(&event.id).unwrap_or_default(),
            links: links.remove(&event.id).unwrap_or_default(),
            flags: flags.remove(&event.id).unwrap_or_default(),
            after_closing: closed,
            text: wording::worded(format!(" {}", entry.text), &event.fact, about.copied())
                .trim_start()
                .to_owned(),
            ..entry
        });
        match &event.fact {
            Fact::IncidentClosed(_) if !void.contains(&event.id) => closed = true,
            Fact::IncidentReopened(_) if !void.contains(&event.id) => closed = false,
            _ => {}
        }
    }
    // Stable: what occurred and was recorded in the same instant stays in the order of the record.
    rows.sort_by_key(|row| (row.occurred_at.to_utc(), row.recorded_at));
    rows
}

/// The classes of these events, after everything that was said of them, in their order.
pub(super) fn classes(events: &[Arc<Event>]) -> Vec<Class> {
    let said = about::said(events);
    let later = |event: &Event| said.get(&event.id).and_then(|later| later.class);
    events
        .iter()
        .map(|event| later(event).unwrap_or_else(|| sentence::class(event)))
        .collect()
}

/// The row of one event by itself: without what other events and the state say about it.
#[must_use]
pub fn row(event: &Event, options: Options) -> Row {
    let lag = event.told_at() - event.occurred_at.to_utc();
    let who = sentence::local(&event.person);
    let text = sentence::in_full(event);
    let text = text
        .strip_prefix(&who)
        .and_then(|rest| rest.strip_prefix(' '))
        .map_or(text.clone(), str::to_owned);
    Row {
        event: event.id,
        occurred_at: event.occurred_at,
        occurred_until: event.occurred_until,
        fidelity: event.fidelity,
        recorded_at: event.recorded_at,
        late_ms: (lag.abs() >= options.late).then(|| lag.num_milliseconds()),
        // It says nothing in a live incident.
        sim_time: event.sim_time.filter(|_| event.mode == Mode::Exercise),
        person: event.person.clone(),
        who: who.into(),
        role: event.role.as_ref().map(|role| shown(role.as_str())),
        signed: event.signed,
        class: sentence::class(event),
        kind: event.fact.kind(),
        step: step(&event.fact).map(|step| shown(&step.to_string())),
        text,
        evidence: brought(&event.fact),
        about: own(&event.fact).map_or_else(Apart::default, |own| About::of(Some(own)).into()),
        links: Vec::new(),
        origin: origin(&event.fact).map(Box::new),
        corrections: Vec::new(),
        after_closing: false,
        flags: Vec::new(),
    }
}

/// The artifacts an entry brought or rests on from the beginning.
fn brought(fact: &Fact) -> Vec<Digest> {
    let mut all: Vec<Digest> = fact.evidence().iter().map(|e| e.sha256).collect();
    if let Some(details) = own(fact) {
        details.evidence.to(&mut all);
    }
    all
}

fn corrections(events: &[Arc<Event>]) -> BTreeMap<EventId, Vec<Correction>> {
    let mut all: BTreeMap<EventId, Vec<Correction>> = BTreeMap::new();
    for event in events {
        if let Fact::EntryCorrected(fact) = &event.fact {
            all.entry(fact.corrects).or_default().push(Correction {
                event: event.id,
                at: event.occurred_at,
                by: event.person.clone(),
                text: shown(&fact.text),
                reason: shown(&fact.reason),
            });
        }
    }
    all
}

pub(super) fn gaps(rows: &[Row], longest: TimeDelta) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut busy: Option<DateTime<Utc>> = None;
    for (index, row) in rows.iter().enumerate() {
        let from = row.occurred_at.to_utc();
        if let Some(last) = busy.filter(|last| from - *last > longest) {
            gaps.push(Gap {
                before: index,
                from: last,
                to: from,
                millis: (from - last).num_milliseconds(),
            });
        }
        let until = row.occurred_until.map_or(from, |until| until.to_utc());
        busy = busy.max(Some(until.max(from)));
    }
    gaps
}

pub(super) fn choices(state: &State, events: &[Arc<Event>]) -> Vec<Choice> {
    let mut choices: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::StepChosen(fact) => Some(Choice {
                event: event.id,
                at: event.occurred_at,
                by: event.person.clone(),
                step: sentence::name(&fact.step),
                question: question(state, &fact.step),
                chosen: shown(&fact.label),
                suggested: fact.suggested.as_deref().map(shown),
            }),
            _ => None,
        })
        .collect();
    choices.sort_by_key(|choice| choice.at.to_utc());
    choices
}

fn question(state: &State, step: &StepRef) -> Option<String> {
    match &state.run(&step.run)?.book.step(&step.step)?.kind {
        Kind::Decide(decide) => Some(shown(&decide.question)),
        _ => None,
    }
}

/// As it may be shown.
fn pulled(pull: &Pull) -> Pull {
    let mut pull = pull.clone();
    for file in &mut pull.files {
        file.path = shown(&file.path);
    }
    pull.tool = shown(&pull.tool);
    pull.incomplete = pull.incomplete.map(|why| shown(&why));
    pull.by_rule = pull
        .by_rule
        .iter()
        .map(|(rule, count)| (shown(rule), *count))
        .collect();
    pull
}

pub(super) fn captured(state: &State, events: &[Arc<Event>]) -> Vec<Captured> {
    let mut all: Vec<_> = events
        .iter()
        .flat_map(|event| {
            event.fact.evidence().iter().map(|evidence| Captured {
                event: event.id,
                by: event.person.clone(),
                step: step(&event.fact).map(sentence::name),
                sha256: evidence.sha256,
                size: evidence.size,
                name: shown(&evidence.name),
                source: shown(&evidence.source),
                host: shown(&evidence.host),
                range: evidence.range,
                original_sha256: evidence.original_sha256,
                redacted: evidence.redacted,
                dropped: evidence.dropped,
                collected_at: evidence.collected_at,
                pull: evidence.pull.as_deref().map(pulled),
                withheld: state.is_expunged(&evidence.sha256),
            })
        })
        .collect();
    all.sort_by_key(|captured| captured.collected_at);
    all
}

pub(super) fn updates(events: &[Arc<Event>]) -> Vec<Update> {
    let mut answers = super::promises::answers(events);
    let mut updates: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::UpdateRecorded(fact) => Some(Update {
                event: event.id,
                at: event.occurred_at,
                by: event.person.clone(),
                audience: shown(&fact.audience),
                state: fact.state.as_deref().map(shown),
                message: shown(&fact.message),
                next: fact.next,
                answered: answers.remove(&event.id),
            }),
            _ => None,
        })
        .collect();
    updates.sort_by_key(|update| update.at.to_utc());
    updates
}

/// The step an event is about.
fn step(fact: &Fact) -> Option<&StepRef> {
    match fact {
        Fact::NoteAdded(fact) => fact.step.as_ref(),
        Fact::EvidenceCaptured(fact) => fact.step.as_ref(),
        Fact::UpdateRecorded(fact) => fact.step.as_ref(),
        Fact::StepClaimed(fact) => Some(&fact.step),
        Fact::StepStarted(fact) => Some(&fact.record.step),
        Fact::StepFinished(fact) => Some(&fact.step),
        Fact::StepDone(fact) => Some(&fact.step),
        Fact::StepChosen(fact) => Some(&fact.step),
        Fact::StepAnswered(fact) => Some(&fact.step),
        Fact::StepSkipped(fact) => Some(&fact.step),
        Fact::StepResolved(fact) => Some(&fact.step),
        Fact::CheckpointRequested(fact) => Some(&fact.record.step),
        Fact::CheckpointApproved(fact) => Some(&fact.step),
        Fact::CheckpointDenied(fact) => Some(&fact.step),
        Fact::CheckpointWithdrawn(fact) => Some(&fact.step),
        Fact::CheckpointOverridden(fact) => Some(&fact.record.step),
        Fact::CheckpointConsumed(fact) => Some(&fact.step),
        Fact::CheckpointDelegated(fact) => Some(&fact.step),
        Fact::ExerciseAnswered(fact) => Some(&fact.step),
        Fact::ExerciseRefused(fact) => fact.step.as_ref(),
        Fact::IncidentStarted(_)
        | Fact::ExerciseStarted(_)
        | Fact::ExerciseClock(_)
        | Fact::ExerciseInjected(_)
        | Fact::ExerciseSealed(_)
        | Fact::ExerciseFeedback(_)
        | Fact::ExerciseEnded(_)
        | Fact::EntryDescribed(_)
        | Fact::EntryLinked(_)
        | Fact::EntryImported(_)
        | Fact::FollowupOpened(_)
        | Fact::FollowupChanged(_)
        | Fact::DecisionNamed(_)
        | Fact::StageSubmitted(_)
        | Fact::RunStarted(_)
        | Fact::RoleAssigned(_)
        | Fact::SeverityChanged(_)
        | Fact::MilestoneReached(_)
        | Fact::EntryCorrected(_)
        | Fact::OverrideReviewed(_)
        | Fact::TrustRevoked(_)
        | Fact::PolicyProposed(_)
        | Fact::PolicySeconded(_)
        | Fact::EvidenceExpunged(_)
        | Fact::HubUnreachable(_)
        | Fact::UpdateDelivered(_)
        | Fact::UpdateUndelivered(_)
        | Fact::IncidentClosed(_)
        | Fact::IncidentReopened(_)
        | Fact::LineNoted(_)
        | Fact::JournalRecovered(_) => None,
    }
}

//! The envelope of a fact: who recorded it when, what that writer had seen, and the digest that names it. One event is
//! one line of a journal: canonical JSON, with `sha256` over the line without that member.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, SecondsFormat, SubsecRound as _, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::at::BootStamp;
use super::fact::{Fact, UnreadableFact};
use super::ids::{EventId, IncidentId, WriterId};
use crate::evidence::{Digest, canonical};
use crate::runbook::model::Role;
use crate::trust::{Mode, Principal};

/// The version this program writes. A higher one is refused by name; lower ones are read for ever.
pub const VERSION: u32 = 1;

/// A line longer than this is no event of ours.
pub const MAX_LINE: usize = 4 << 20;

/// One fact with its circumstances.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Event {
    /// The SHA-256 over the canonical line without `sha256`; the event's name.
    pub id: EventId,
    pub incident: IncidentId,
    pub writer: WriterId,
    /// From 1, without gaps, in the writer's segment.
    pub seq: u64,
    /// The event before it in the segment.
    pub prev: Option<EventId>,
    /// Heads of the other writers that no earlier event of this one has seen; sorted. Together with theirs they tell
    /// everything that was known.
    pub seen: Vec<EventId>,
    pub recorded_at: DateTime<Utc>,
    /// With the offset it was told in.
    pub occurred_at: DateTime<FixedOffset>,
    pub occurred_until: Option<DateTime<FixedOffset>>,
    pub fidelity: Fidelity,
    pub person: Principal,
    /// Whether the person had a key at hand; statements are signed one by one all the same.
    pub signed: bool,
    pub role: Option<Role>,
    pub account: Arc<str>,
    pub host: Arc<str>,
    pub boot: BootStamp,
    pub mode: Mode,
    pub sim_time: Option<DateTime<Utc>>,
    pub fact: Fact,
}

/// How well the time of an event is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fidelity {
    /// Recorded as it happened, or read off a clock.
    #[default]
    Exact,
    /// To the minute.
    Minute,
    /// Somebody's guess.
    Estimated,
}

/// An event about to be recorded: everything but its place in a segment and its name.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Draft {
    pub occurred_at: DateTime<FixedOffset>,
    pub occurred_until: Option<DateTime<FixedOffset>>,
    pub fidelity: Fidelity,
    pub recorded_at: DateTime<Utc>,
    pub person: Principal,
    pub signed: bool,
    pub role: Option<Role>,
    pub account: String,
    pub host: String,
    pub boot: BootStamp,
    pub mode: Mode,
    pub sim_time: Option<DateTime<Utc>>,
    pub fact: Fact,
}

/// Where an event stands: its segment and what it follows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Place {
    pub incident: IncidentId,
    pub writer: WriterId,
    pub seq: u64,
    pub prev: Option<EventId>,
    pub seen: Vec<EventId>,
}

/// Why a line is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum UnreadableEvent {
    #[error("not an event: {0}")]
    Form(String),
    #[error("event version {0}: a newer runsheet wrote it, this one reads up to {VERSION}")]
    Newer(u32),
    #[error(transparent)]
    Fact(#[from] UnreadableFact),
    #[error(
        "the event's sha256 is not that of its line: {written} is written, {computed} computed"
    )]
    Digest { written: Digest, computed: Digest },
    #[error("the line is longer than {MAX_LINE} bytes")]
    TooLong,
}

/// The line as it stands in a file. Its members are in canonical order, so the serializer writes canonical JSON: it escapes
/// exactly what RFC 8785 does.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    account: String,
    boot: BootStamp,
    #[serde(borrow)]
    data: &'a RawValue,
    fidelity: Fidelity,
    host: String,
    incident: IncidentId,
    kind: String,
    mode: Mode,
    occurred_at: String,
    occurred_until: Option<String>,
    person: Principal,
    prev: Option<EventId>,
    recorded_at: String,
    role: Option<Role>,
    seen: Vec<EventId>,
    seq: u64,
    /// Put into the text once it is known.
    #[serde(skip_serializing)]
    sha256: Option<Digest>,
    signed: bool,
    sim_time: Option<String>,
    v: u32,
    writer: WriterId,
}

impl Draft {
    /// The same with its times as exact as a line keeps them: whoever recorded an event has the one that others read.
    fn in_whole_milliseconds(self) -> Self {
        Self {
            occurred_at: self.occurred_at.trunc_subsecs(3),
            occurred_until: self.occurred_until.map(|until| until.trunc_subsecs(3)),
            recorded_at: self.recorded_at.trunc_subsecs(3),
            sim_time: self.sim_time.map(|time| time.trunc_subsecs(3)),
            ..self
        }
    }
}

impl Event {
    /// Puts a draft in its place: gives it its name and its line (without a newline).
    ///
    /// # Errors
    /// When a number in the fact has no canonical form.
    pub fn record(draft: Draft, place: Place) -> Result<(Self, String), canonical::NotCanonical> {
        let draft = draft.in_whole_milliseconds();
        let data = canonical::to_string(&draft.fact.data()?)?;
        let data = RawValue::from_string(data)?;
        canonical::whole(place.seq)?;
        canonical::whole(draft.boot.millis)?;
        let line = Line {
            account: draft.account.clone(),
            boot: draft.boot.clone(),
            data: &data,
            fidelity: draft.fidelity,
            host: draft.host.clone(),
            incident: place.incident.clone(),
            kind: draft.fact.kind().to_owned(),
            mode: draft.mode,
            occurred_at: local(draft.occurred_at),
            occurred_until: draft.occurred_until.map(local),
            person: draft.person.clone(),
            prev: place.prev,
            recorded_at: utc(draft.recorded_at),
            role: draft.role.clone(),
            seen: place.seen.clone(),
            seq: place.seq,
            sha256: None,
            signed: draft.signed,
            sim_time: draft.sim_time.map(utc),
            v: VERSION,
            writer: place.writer.clone(),
        };
        let mut text = serde_json::to_string(&line)?;
        let id = Digest::of(text.as_bytes());
        // Behind it stand only `sim_time`, `v` and `writer`, none of which can hold that text.
        let at = text.rfind(BEHIND_DIGEST).unwrap_or(text.len());
        text.insert_str(at, &member(id));
        let event = Self {
            id,
            incident: place.incident,
            writer: place.writer,
            seq: place.seq,
            prev: place.prev,
            seen: place.seen,
            recorded_at: draft.recorded_at,
            occurred_at: draft.occurred_at,
            occurred_until: draft.occurred_until,
            fidelity: draft.fidelity,
            person: draft.person,
            signed: draft.signed,
            role: draft.role,
            account: draft.account.into(),
            host: draft.host.into(),
            boot: draft.boot,
            mode: draft.mode,
            sim_time: draft.sim_time,
            fact: draft.fact,
        };
        Ok((event, text))
    }

    /// Reads a line back and checks that its `sha256` is that of the rest of it.
    ///
    /// # Errors
    /// When it is no event, of a newer version, or not what its digest says.
    pub fn read(text: &str) -> Result<Self, UnreadableEvent> {
        if text.len() > MAX_LINE {
            return Err(UnreadableEvent::TooLong);
        }
        let line: Line<'_> =
            serde_json::from_str(text).map_err(|error| unreadable(text, &error))?;
        if line.v > VERSION {
            return Err(UnreadableEvent::Newer(line.v));
        }
        let written = line
            .sha256
            .ok_or_else(|| UnreadableEvent::Form("it has no sha256".to_owned()))?;
        let bare = without_digest(text, written).ok_or_else(|| {
            UnreadableEvent::Form("its sha256 is not where canonical JSON puts it".to_owned())
        })?;
        let computed = Digest::of(bare.as_bytes());
        if computed != written {
            return Err(UnreadableEvent::Digest { written, computed });
        }
        Ok(Self {
            id: written,
            fact: Fact::read(&line.kind, line.data)?,
            incident: line.incident,
            writer: line.writer,
            seq: line.seq,
            prev: line.prev,
            seen: line.seen,
            recorded_at: time(&line.recorded_at)?.with_timezone(&Utc),
            occurred_at: time(&line.occurred_at)?,
            occurred_until: line.occurred_until.as_deref().map(time).transpose()?,
            fidelity: line.fidelity,
            person: line.person,
            signed: line.signed,
            role: line.role,
            account: line.account.into(),
            host: line.host.into(),
            boot: line.boot,
            mode: line.mode,
            sim_time: line
                .sim_time
                .as_deref()
                .map(time)
                .transpose()?
                .map(|t| t.with_timezone(&Utc)),
        })
    }

    /// When it was recorded, by the clock that rules: the simulated one in an exercise.
    #[must_use]
    pub fn told_at(&self) -> DateTime<Utc> {
        told_at(self.mode, self.sim_time, self.recorded_at)
    }

    /// Takes the other's texts for its own where they are the same, so that what stands in every event of a writer lies
    /// there once.
    pub(crate) fn share(&mut self, other: &Self) {
        self.incident.share(&other.incident);
        self.writer.share(&other.writer);
        self.person.share(&other.person);
        for (own, others) in [
            (&mut self.account, &other.account),
            (&mut self.host, &other.host),
            (&mut self.boot.id, &other.boot.id),
        ] {
            if own == others {
                *own = Arc::clone(others);
            }
        }
    }

    /// Every event this one says it comes after.
    pub fn parents(&self) -> impl Iterator<Item = EventId> + '_ {
        self.prev.into_iter().chain(self.seen.iter().copied())
    }
}

impl Draft {
    /// When it is recorded, by the clock that rules: the simulated one in an exercise.
    #[must_use]
    pub fn told_at(&self) -> DateTime<Utc> {
        told_at(self.mode, self.sim_time, self.recorded_at)
    }
}

fn told_at(mode: Mode, sim: Option<DateTime<Utc>>, recorded: DateTime<Utc>) -> DateTime<Utc> {
    sim.filter(|_| mode == Mode::Exercise).unwrap_or(recorded)
}

/// What stands right behind the digest in a line.
const BEHIND_DIGEST: &str = "\"signed\":";

/// The digest as a member of a line.
fn member(digest: Digest) -> String {
    format!("\"sha256\":\"{digest}\",")
}

/// Cuts `"sha256":"…",` out. Behind it only `signed`, `sim_time`, `v` and `writer` can stand, none of which can hold
/// that text, so the last place it is found is the member itself and never something inside `data`.
fn without_digest(text: &str, digest: Digest) -> Option<String> {
    let member = member(digest);
    let at = text.rfind(&member)?;
    let mut bare = String::with_capacity(text.len() - member.len());
    bare.push_str(&text[..at]);
    bare.push_str(&text[at + member.len()..]);
    Some(bare)
}

fn unreadable(text: &str, error: &serde_json::Error) -> UnreadableEvent {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    match serde_json::from_str::<Version>(text) {
        Ok(Version { v }) if v > VERSION => UnreadableEvent::Newer(v),
        _ => UnreadableEvent::Form(error.to_string()),
    }
}

fn time(text: &str) -> Result<DateTime<FixedOffset>, UnreadableEvent> {
    DateTime::parse_from_rfc3339(text).map_err(|error| {
        UnreadableEvent::Form(format!(
            "`{}`: {error}",
            text.chars().take(40).collect::<String>()
        ))
    })
}

fn utc(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn local(time: DateTime<FixedOffset>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::fact::NoteAdded;

    fn draft(texts: [String; 4], millis: u64) -> Draft {
        let at = DateTime::from_timestamp(1_790_000_000, 5_123_456).unwrap();
        let [account, host, id, text] = texts;
        Draft {
            occurred_at: at.fixed_offset(),
            occurred_until: None,
            fidelity: Fidelity::Exact,
            recorded_at: at,
            person: Principal::try_from("alice@example.org").unwrap(),
            signed: false,
            role: None,
            account,
            host,
            boot: BootStamp {
                id: id.into(),
                millis,
            },
            mode: Mode::Live,
            sim_time: None,
            fact: NoteAdded {
                text,
                step: None,
                details: None,
            }
            .into(),
        }
    }

    fn place(seq: u64) -> Place {
        Place {
            incident: IncidentId::generate(1, &[1; 32]),
            writer: WriterId::generate(&[2; 32]),
            seq,
            prev: None,
            seen: vec![Digest::of(b"1"), Digest::of(b"2")],
        }
    }

    proptest! {
        #[test]
        fn a_line_is_canonical_json_and_reads_back_whatever_its_texts_are(
            account in any::<String>(),
            host in ".*\"signed\":.*",
            id in "[\u{0}-\u{ff}\u{2028}\u{1f600}]*",
            text in any::<String>(),
            seq in 0..1u64 << 53,
        ) {
            let (event, line) = Event::record(draft([account, host, id, text], 7), place(seq)).unwrap();
            let value: serde_json::Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(canonical::to_string(&value).unwrap(), line.clone());
            prop_assert_eq!(Event::read(&line).unwrap(), event);
        }
    }

    #[test]
    fn a_number_without_a_canonical_form_is_refused() {
        let texts = || ["a", "b", "c", "d"].map(str::to_owned);
        assert!(Event::record(draft(texts(), 1), place(1 << 53)).is_err());
        assert!(Event::record(draft(texts(), 1 << 53), place(1)).is_err());
    }
}

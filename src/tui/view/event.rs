//! One entry of the timeline in full: what it says and what was said of it, both clocks, who and from where, its evidence,
//! corrections, links and follow-ups.

use chrono::{Duration, FixedOffset};

use super::super::events::Index;
use super::super::rich::Rich;
use super::super::text;
use super::super::theme::Tone;
use super::super::when;
use super::super::world::Open;
use super::canvas::Canvas;
use super::header;
use crate::engine::details::{Details, Relation};
use crate::engine::event::{Event, Fidelity};
use crate::engine::fact::{Evidence, Fact};
use crate::engine::{EventId, sentence};
use crate::timeline::about::{self, Link};
use crate::timeline::audience::unmarked;
use crate::timeline::wording::sentence_among;

/// A name, and what stands beside it.
type Line = (&'static str, String);

/// Columns for the names.
const NAMES: usize = 12;

/// The rows.
pub(super) fn entry(
    event: &Event,
    open: &Open,
    index: &Index,
    canvas: &Canvas<'_>,
    columns: usize,
) -> Vec<Rich> {
    let full = match sentence_among(event, &open.events) {
        short if short.chars().count() >= sentence::LONGEST => sentence::in_full(event),
        whole => whole,
    };
    let mut rows = Rich::of(Tone::Title, canvas.clean(&full)).wrap(columns, 0);
    rows.push(Rich::default());
    let view = View {
        event,
        open,
        index,
        canvas,
    };
    let parts = [
        view.corrections(),
        view.said(),
        view.clocks(),
        view.evidence(),
        view.links(),
        view.person(),
    ];
    for (name, value) in parts.into_iter().flatten() {
        let value = if canvas.ascii {
            value.replace(" · ", " - ")
        } else {
            value
        };
        let row = Rich::of(Tone::Dim, text::pad(name, NAMES)).and(tone(name), canvas.clean(&value));
        rows.extend(row.wrap(columns, NAMES));
    }
    rows
}

fn tone(name: &str) -> Tone {
    match name {
        "corrected" => Tone::Override,
        "flagged" => Tone::Error,
        _ => Tone::Text,
    }
}

struct View<'a> {
    event: &'a Event,
    open: &'a Open,
    index: &'a Index,
    canvas: &'a Canvas<'a>,
}

impl View<'_> {
    fn at(&self, place: usize) -> Option<&Event> {
        self.open.events.get(place).map(AsRef::as_ref)
    }

    /// `13:21:04 alice noted: first page`
    fn named(&self, id: &EventId) -> String {
        let other = self.index.place(id).and_then(|place| self.at(place));
        other.map_or_else(
            || id.short(),
            |other| {
                let clock = self.canvas.zone.clock(other.occurred_at);
                format!("{clock} {}", sentence::sentence(other))
            },
        )
    }

    fn corrections(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for place in self.index.all_said().corrections(&self.event.id) {
            if let Some(correcting) = self.at(*place)
                && let Fact::EntryCorrected(correction) = &correcting.fact
            {
                let who = header::person(self.open, &correcting.person);
                let stamp = self.canvas.zone.stamp(correcting.told_at());
                let how = format!("({stamp} {who}: {})", correction.reason);
                lines.push(("corrected", format!("{} {how}", correction.text)));
            }
        }
        let flags = self.index.state(self.open).flags.iter();
        let own = flags.filter(|flag| flag.event == self.event.id);
        lines.extend(own.map(|flag| ("flagged", flag.what.clone())));
        lines
    }

    /// Class, marking, audience, tags and the rest.
    fn said(&self) -> Vec<Line> {
        let standing = self.index.standing(self.event);
        let details = &standing.details;
        let mut class = standing.class.word().to_owned();
        if details.pinned == Some(true) {
            class.push_str(" · in the summary");
        }
        let marking = match details.tlp {
            Some(tlp) => format!("TLP:{}", tlp.word().to_uppercase()),
            None => {
                let own = unmarked(self.event.fact.kind()).word().to_uppercase();
                format!("none; travels as TLP:{own}")
            }
        };
        let mut lines = vec![("class", class), ("marking", marking)];
        if let Some(audiences) = details.audiences.as_ref().filter(|all| !all.is_empty()) {
            lines.push(("only for", audiences.join(", ")));
        }
        lines.extend(lists(details));
        lines
    }

    /// When it occurred, as it was said; when it was recorded; how far apart.
    fn clocks(&self) -> Vec<Line> {
        let (event, zone) = (self.event, self.canvas.zone);
        let how = match event.fidelity {
            Fidelity::Exact => "exact",
            Fidelity::Minute => "to the minute",
            Fidelity::Estimated => "estimated",
        };
        let occurred = format!("{} {} · {how}", zone.stamp(event.occurred_at), zone.name());
        let mut lines = vec![("occurred", occurred)];
        let offset: FixedOffset = *event.occurred_at.offset();
        if offset != zone.0 {
            let said = event.occurred_at.format("%Y-%m-%d %H:%M:%S %:z");
            lines.push(("", format!("said as {said}")));
        }
        if let Some(until) = event.occurred_until {
            let lasted = until.signed_duration_since(event.occurred_at);
            lines.push((
                "until",
                format!("{} · {}", zone.stamp(until), when::took(lasted)),
            ));
        }
        let lag = event.told_at().signed_duration_since(event.occurred_at);
        let lag = match lag {
            lag if lag > Duration::minutes(1) => format!(" · {} later", when::rough(lag)),
            lag if lag < Duration::minutes(-1) => format!(" · {} before", when::rough(-lag)),
            _ => String::new(),
        };
        lines.push((
            "recorded",
            format!("{} {}{lag}", zone.stamp(event.told_at()), zone.name()),
        ));
        if event.told_at() != event.recorded_at {
            let real = zone.stamp(event.recorded_at);
            lines.push(("", format!("{real} {} by real clocks", zone.name())));
        }
        lines
    }

    /// What it brought and what it rests on.
    fn evidence(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for digest in &self.index.standing(self.event).details.evidence.add {
            let place = self.index.artifact(digest);
            let brought = place.and_then(|place| self.at(place));
            let artifact = brought.and_then(|event| {
                let mut all = event.fact.evidence().iter();
                all.find(|artifact| artifact.sha256 == *digest)
            });
            match artifact {
                Some(artifact) => lines.extend(self.artifact(artifact)),
                None => lines.push(("evidence", "not in this record".to_owned())),
            }
            lines.push(("", digest.to_string()));
        }
        lines
    }

    fn artifact(&self, artifact: &Evidence) -> Vec<Line> {
        let from = format!("{} of {}", artifact.source, artifact.host);
        let mut lines = vec![(
            "evidence",
            format!("{} · {} bytes · {from}", artifact.name, artifact.size),
        )];
        let mut how = vec![format!(
            "collected {}",
            self.canvas.zone.stamp(artifact.collected_at)
        )];
        how.extend(
            artifact
                .range
                .map(|(from, to)| format!("bytes {from}–{to} of it")),
        );
        if artifact.redacted > 0 {
            how.push(format!("{} places redacted", artifact.redacted));
        }
        if artifact.dropped > 0 {
            how.push(format!("{} bytes not kept", artifact.dropped));
        }
        if let Some(pull) = &artifact.pull {
            how.push(format!("{} lines", pull.lines));
            how.extend(pull.window.map(|window| {
                let zone = self.canvas.zone;
                format!("{}–{}", zone.clock(window.from), zone.clock(window.to))
            }));
            how.extend(
                pull.incomplete
                    .iter()
                    .map(|why| format!("incomplete: {why}")),
            );
        }
        if self.open.state.is_expunged(&artifact.sha256) {
            how.push("TAKEN OUT by two people; only its digest is here".to_owned());
        }
        lines.push(("", how.join(" · ")));
        lines
    }

    fn links(&self) -> Vec<Line> {
        let said = self.index.all_said();
        let links = said.links(&self.event.id).iter();
        let mut lines: Vec<Line> = links
            .map(|link| (relation(link), self.named(&link.other)))
            .collect();
        let spoken_of = match &self.event.fact {
            Fact::EntryCorrected(fact) => vec![("corrects", fact.corrects)],
            Fact::EntryDescribed(fact) => vec![("describes", fact.entry)],
            Fact::EntryLinked(fact) => vec![("links", fact.entry), ("with", fact.other)],
            Fact::FollowupChanged(fact) => vec![("changes", fact.followup)],
            Fact::FollowupOpened(fact) => fact.about.map(|id| ("about", id)).into_iter().collect(),
            _ => Vec::new(),
        };
        lines.extend(
            spoken_of
                .into_iter()
                .map(|(name, id)| (name, self.named(&id))),
        );
        for place in said.followups(&self.event.id) {
            if let Some(Fact::FollowupOpened(fact)) = self.at(*place).map(|event| &event.fact) {
                let owner = fact.owner.as_deref().unwrap_or("nobody yet");
                let due = fact.due.map_or(String::new(), |due| format!(" by {due}"));
                lines.push(("follow-up", format!("{} ({owner}{due})", fact.text)));
            }
        }
        if let Some(origin) = about::origin(&self.event.fact) {
            let who = origin
                .person
                .map_or(String::new(), |who| format!(" by {who}"));
            let from = format!("{}, {}{who}", origin.file, origin.position);
            lines.push(("imported", from));
        }
        lines
    }

    fn person(&self) -> Vec<Line> {
        let event = self.event;
        let role = event
            .role
            .as_ref()
            .map_or(String::new(), |role| format!(" ({role})"));
        let signed = if event.signed {
            ""
        } else {
            " · no key at hand"
        };
        let after = self.open.state.after_close.contains(&event.id);
        let closed = if after { " · after closing" } else { "" };
        vec![
            ("person", format!("{}{role}{signed}", event.person)),
            ("from", format!("{}@{}", event.account, event.host)),
            ("kind", format!("{}{closed}", event.fact.kind())),
            ("event", event.id.to_string()),
            ("writer", format!("{} #{}", event.writer, event.seq)),
        ]
    }
}

/// What an entry is to another, in a word before it.
fn relation(link: &Link) -> &'static str {
    match (link.relation, link.first) {
        (Relation::Cause, true) => "led to",
        (Relation::Cause, false) => "caused by",
        (Relation::Duplicate, true) => "repeated by",
        (Relation::Duplicate, false) => "repeats",
        (Relation::Related, _) => "belongs with",
    }
}

fn lists(details: &Details) -> Vec<Line> {
    let mut lines = Vec::new();
    for (name, list) in [
        ("tags", &details.tags.add),
        ("assets", &details.assets.add),
        ("indicators", &details.indicators.add),
    ] {
        if !list.is_empty() {
            lines.push((name, list.join(", ")));
        }
    }
    let attack: Vec<_> = details.tactic.iter().chain(&details.technique).collect();
    if !attack.is_empty() {
        let attack: Vec<&str> = attack.into_iter().map(String::as_str).collect();
        lines.push(("ATT&CK", attack.join(" · ")));
    }
    let confidence = details.confidence.map(|known| known.word().to_owned());
    lines.extend(confidence.map(|known| ("confidence", known)));
    lines.extend(details.source.clone().map(|source| ("source", source)));
    lines.extend(
        details
            .on_behalf_of
            .clone()
            .map(|name| ("on behalf of", name)),
    );
    lines
}

//! The columns of the table: how each thing of a row becomes text, and is read from it.

use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, TimeZone};

use crate::engine::details::{Confidence, Relation, Tlp};
use crate::engine::event::Fidelity;
use crate::engine::sentence::Class;
use crate::evidence::Digest;
use crate::timeline::words::kind_named;
use crate::timeline::{Link, Row};
use crate::trust::Principal;

/// One column.
pub(super) struct Column {
    pub name: &'static str,
    pub show: fn(&Row) -> String,
    /// Says what it should be where it is not.
    pub read: fn(&mut Row, &str) -> Result<(), &'static str>,
}

macro_rules! columns {
    ($($name:literal: |$row:ident| $show:expr, |$into:ident, $text:ident| $read:expr;)*) => {
        /// All of them, after the mode.
        pub(super) const COLUMNS: &[Column] = &[$(Column {
            name: $name,
            show: |$row| $show,
            read: |$into, $text| { $read; Ok(()) },
        }),*];
    };
}

columns! {
    "event": |row| row.event.to_string(), |row, text| row.event = digest(text)?;
    "occurred_at": |row| time(&row.occurred_at), |row, text| row.occurred_at = moment(text)?;
    "occurred_until": |row| maybe(row.occurred_until.as_ref().map(time)),
        |row, text| row.occurred_until = given(text, moment)?;
    "fidelity": |row| fidelity(row.fidelity).to_owned(), |row, text| row.fidelity = fidelity_named(text)?;
    "recorded_at": |row| time(&row.recorded_at), |row, text| row.recorded_at = moment(text)?.to_utc();
    "late_ms": |row| maybe(row.late_ms), |row, text| row.late_ms = given(text, number)?;
    "sim_time": |row| maybe(row.sim_time.as_ref().map(time)),
        |row, text| row.sim_time = given(text, |text| Ok(moment(text)?.to_utc()))?;
    "person": |row| row.person.to_string(),
        |row, text| row.person = Principal::try_from(text).map_err(|_| "a principal")?;
    "who": |row| row.who.to_string(), |row, text| row.who = text.into();
    "role": |row| maybe(row.role.as_deref()), |row, text| row.role = some(text);
    "signed": |row| row.signed.to_string(), |row, text| row.signed = truth(text)?;
    "class": |row| row.class.word().to_owned(), |row, text| row.class = class_named(text)?;
    "kind": |row| row.kind.to_owned(), |row, text| row.kind = kind_named(text).ok_or("a kind of event")?;
    "step": |row| maybe(row.step.as_deref()), |row, text| row.step = some(text);
    "text": |row| row.text.clone(), |row, text| row.text = text.to_owned();
    "evidence": |row| join(&row.evidence), |row, text| row.evidence = split(text).iter().map(|one| digest(one)).collect::<Result<_, _>>()?;
    "tlp": |row| maybe(row.about.tlp.map(Tlp::word)),
        |row, text| row.about.tlp = given(text, |text| Tlp::named(text).ok_or("a TLP marking"))?;
    "audiences": |row| join(&row.about.audiences), |row, text| row.about.audiences = split(text);
    "pinned": |row| row.about.pinned.to_string(), |row, text| row.about.pinned = truth(text)?;
    "confidence": |row| maybe(row.about.confidence.map(Confidence::word)),
        |row, text| row.about.confidence = given(text, |text| Confidence::named(text).ok_or("low, medium or high"))?;
    "source": |row| maybe(row.about.source.as_deref()), |row, text| row.about.source = some(text);
    "on_behalf_of": |row| maybe(row.about.on_behalf_of.as_deref()), |row, text| row.about.on_behalf_of = some(text);
    "tactic": |row| maybe(row.about.tactic.as_deref()), |row, text| row.about.tactic = some(text);
    "technique": |row| maybe(row.about.technique.as_deref()), |row, text| row.about.technique = some(text);
    "tags": |row| join(&row.about.tags), |row, text| row.about.tags = split(text);
    "assets": |row| join(&row.about.assets), |row, text| row.about.assets = split(text);
    "indicators": |row| join(&row.about.indicators), |row, text| row.about.indicators = split(text);
    "links": |row| join(&row.links.iter().map(link).collect::<Vec<_>>()),
        |row, text| row.links = split(text).iter().map(|one| link_named(one)).collect::<Result<_, _>>()?;
    "origin": |row| document(row.origin.as_ref()), |row, text| row.origin = given(text, value)?;
    "corrections": |row| document((!row.corrections.is_empty()).then_some(&row.corrections)),
        |row, text| row.corrections = given(text, value)?.unwrap_or_default();
    "after_closing": |row| row.after_closing.to_string(), |row, text| row.after_closing = truth(text)?;
    "flags": |row| join(&row.flags), |row, text| row.flags = split(text);
}

fn maybe(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn given<T>(
    text: &str,
    read: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<Option<T>, &'static str> {
    (!text.is_empty()).then(|| read(text)).transpose()
}

fn time<Z: TimeZone>(at: &DateTime<Z>) -> String
where
    Z::Offset: Display,
{
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn moment(text: &str) -> Result<DateTime<chrono::FixedOffset>, &'static str> {
    DateTime::parse_from_rfc3339(text).map_err(|_| "a time like 2026-11-23T13:20:00Z")
}

fn number<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| "a number")
}

fn truth(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "true or false")
}

fn digest(text: &str) -> Result<Digest, &'static str> {
    text.parse().map_err(|_| "a digest like sha256:…")
}

pub(in crate::timeline) fn class_named(text: &str) -> Result<Class, &'static str> {
    Class::ALL
        .into_iter()
        .find(|class| class.word() == text)
        .ok_or("a class of entries")
}

pub(in crate::timeline) fn fidelity(fidelity: Fidelity) -> &'static str {
    match fidelity {
        Fidelity::Exact => "exact",
        Fidelity::Minute => "minute",
        Fidelity::Estimated => "estimated",
    }
}

pub(in crate::timeline) fn fidelity_named(text: &str) -> Result<Fidelity, &'static str> {
    [Fidelity::Exact, Fidelity::Minute, Fidelity::Estimated]
        .into_iter()
        .find(|one| fidelity(*one) == text)
        .ok_or("exact, minute or estimated")
}

/// `cause>sha256:…` where the entry is the first of the two, else `cause<sha256:…`.
fn link(link: &Link) -> String {
    let way = if link.first { '>' } else { '<' };
    format!("{}{way}{}", link.relation.word(), link.other)
}

fn link_named(text: &str) -> Result<Link, &'static str> {
    let at = text.find(['>', '<']).ok_or("a link")?;
    let (relation, other) = text.split_at(at);
    Ok(Link {
        relation: Relation::named(relation).ok_or("a link")?,
        first: other.starts_with('>'),
        other: digest(&other[1..])?,
    })
}

fn document<T: serde::Serialize>(value: Option<&T>) -> String {
    value
        .and_then(|value| serde_json::to_string(value).ok())
        .unwrap_or_default()
}

fn value<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, &'static str> {
    serde_json::from_str(text).map_err(|_| "JSON as runsheet writes it")
}

/// Members of a list in one cell. `|` and `\` in them have a `\` before; an empty member is `\.`.
fn join<T: Display>(list: &[T]) -> String {
    let members: Vec<_> = list
        .iter()
        .map(|one| match one.to_string() {
            empty if empty.is_empty() => "\\.".to_owned(),
            text => text.replace('\\', "\\\\").replace('|', "\\|"),
        })
        .collect();
    members.join("|")
}

/// The list that was joined so.
pub(in crate::timeline) fn split(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let mut all = vec![String::new()];
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let c = match c {
            '|' => {
                all.push(String::new());
                continue;
            }
            '\\' => match rest.next() {
                Some('.') | None => continue,
                Some(next) => next,
            },
            c => c,
        };
        if let Some(last) = all.last_mut() {
            last.push(c);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_list_in_a_cell_comes_back(list in prop::collection::vec("[a|\\\\ ]{0,4}", 0..4)) {
            prop_assert_eq!(split(&join(&list)), list);
        }
    }
}

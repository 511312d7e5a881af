//! How an update is worded for its audience: a template with the facts filled in. What stands in it is what the record
//! said when the update was recorded, as far as its audience may see it. Knows nothing of channels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::engine::Event;
use crate::engine::fact::{Fact, UpdateRecorded};
use crate::engine::sentence::{Class, class, severity};
use crate::engine::state::{Incident, State};
use crate::evidence::escape;
use crate::runbook::policy;
use crate::runbook::text::{braces, fill};
use crate::timeline::{Audiences, Options, audience};

/// How an update is worded where its audience has no template.
const USUAL: &str = "\
{{ state }}: {{ title }}

{{ message }}

Next update by {{ next_update }}.
Written {{ time }}.
";

/// An update and what surrounds it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Facts {
    /// `INC-` and the whole id.
    pub incident: String,
    pub title: String,
    pub severity: Option<String>,
    /// The last entry about the impact that this audience may see.
    pub impact: Option<String>,
    pub audience: String,
    pub tlp: Option<String>,
    pub state: Option<String>,
    pub message: String,
    pub next: Option<DateTime<Utc>>,
    pub written: DateTime<Utc>,
    /// Who wrote it: a principal.
    pub by: String,
}

/// What leaves: the same bytes at each try.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Wording {
    pub incident: String,
    pub title: String,
    pub severity: Option<String>,
    pub audience: String,
    pub tlp: Option<String>,
    pub state: Option<String>,
    pub message: String,
    /// All of it, as people read it.
    pub text: String,
    pub next: Option<DateTime<Utc>>,
    pub written: DateTime<Utc>,
    pub by: String,
}

/// The facts for an update, out of the events up to it. `state` is what they fold to.
#[must_use]
pub fn facts(
    incident: &Incident,
    state: &State,
    events: &[Arc<Event>],
    update: &UpdateRecorded,
    written: DateTime<Utc>,
    by: &str,
) -> Facts {
    let rule = rule(incident, &update.audience);
    let wants = |fact: &str| {
        let template = rule.and_then(|rule| rule.template.as_deref());
        template.is_some_and(|template| braces(template).iter().any(|(_, _, name)| *name == fact))
    };
    Facts {
        incident: format!("INC-{}", incident.id),
        title: incident.title.clone(),
        severity: severity_of(events)
            .or_else(|| state.severity.map(|one| severity(one).to_owned())),
        impact: wants("impact")
            .then(|| impact(incident, state, events, &update.audience))
            .flatten(),
        audience: update.audience.clone(),
        tlp: rule.and_then(|rule| rule.tlp.clone()),
        state: update.state.clone(),
        message: update.message.clone(),
        next: update.next,
        written,
        by: by.to_owned(),
    }
}

/// Fills the audience's template in, and puts every text through `redact`.
#[must_use]
pub fn worded(facts: &Facts, template: Option<&str>, redact: impl Fn(&str) -> String) -> Wording {
    let clean = |text: &str| escape::text(&redact(text)).trim().to_owned();
    Wording {
        incident: facts.incident.clone(),
        title: clean(&facts.title),
        severity: facts.severity.clone(),
        audience: facts.audience.clone(),
        tlp: facts.tlp.clone(),
        state: facts.state.clone(),
        message: clean(&facts.message),
        text: clean(&filled(facts, template.unwrap_or(USUAL))),
        next: facts.next,
        written: facts.written,
        by: facts.by.clone(),
    }
}

/// The template of the audience an update is for.
pub(super) fn rule<'i>(incident: &'i Incident, name: &str) -> Option<&'i policy::Audience> {
    let mut audiences = incident.policy.audiences.iter();
    audiences.find(|audience| audience.name == name)
}

fn filled(facts: &Facts, template: &str) -> String {
    let moment = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC").to_string();
    let known = [
        ("message", Some(facts.message.clone())),
        ("state", facts.state.as_deref().map(capital)),
        ("title", Some(facts.title.clone())),
        ("severity", facts.severity.as_deref().map(str::to_uppercase)),
        ("impact", facts.impact.clone()),
        ("incident", Some(facts.incident.clone())),
        ("next_update", facts.next.map(moment)),
        ("time", Some(moment(facts.written))),
    ];
    let missing = |name: &str| {
        known
            .iter()
            .any(|(known, fact)| *known == name && fact.is_none())
    };
    let values: BTreeMap<String, String> = known
        .iter()
        .filter_map(|(name, fact)| Some(((*name).to_owned(), fact.clone()?)))
        .collect();
    let mut text = String::new();
    for line in template.lines() {
        // An update need not say where things stand; the title stands all the same.
        let line = match line.strip_prefix("{{ state }}: ") {
            Some(rest) if facts.state.is_none() => rest,
            _ => line,
        };
        if braces(line).iter().all(|(_, _, name)| !missing(name)) {
            text.push_str(&fill(line, &values, &BTreeSet::new()));
            text.push('\n');
        }
    }
    text
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn severity_of(events: &[Arc<Event>]) -> Option<String> {
    events.iter().rev().find_map(|event| match &event.fact {
        Fact::SeverityChanged(fact) => Some(severity(fact.severity).to_owned()),
        Fact::IncidentStarted(fact) => Some(severity(fact.severity).to_owned()),
        _ => None,
    })
}

/// The last word on the impact that these people may see.
fn impact(
    incident: &Incident,
    state: &State,
    events: &[Arc<Event>],
    reader: &str,
) -> Option<String> {
    let audiences = Audiences::of(&incident.policy.audiences);
    let reader = audiences.named(reader)?;
    let seen = audience::project(state, events, Options::default(), &audiences, reader);
    let said = |event: &Arc<Event>| {
        let row = seen.rows.iter().find(|row| row.event == event.id)?;
        let text = match &event.fact {
            Fact::NoteAdded(fact) => &fact.text,
            Fact::LineNoted(fact) => &fact.text,
            Fact::EntryImported(fact) => &fact.text,
            _ => return None,
        };
        let corrected = row
            .corrections
            .last()
            .map(|correction| correction.text.clone());
        (row.class == Class::Impact || class(event) == Class::Impact)
            .then(|| corrected.unwrap_or_else(|| text.clone()))
    };
    events.iter().rev().find_map(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            incident: "INC-01J".to_owned(),
            title: "Leaked key".to_owned(),
            severity: Some("sev1".to_owned()),
            impact: None,
            audience: "customers".to_owned(),
            tlp: Some("clear".to_owned()),
            state: Some("identified".to_owned()),
            message: "We revoked a key.\n\nNothing of yours was read.".to_owned(),
            next: DateTime::from_timestamp(1_790_001_800, 0),
            written: DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
            by: "alice@example.org".to_owned(),
        }
    }

    fn text(facts: &Facts, template: Option<&str>) -> String {
        worded(facts, template, str::to_owned).text
    }

    #[test]
    fn the_usual_wording_says_where_it_stands_what_and_when_to_hear_again() {
        assert_eq!(
            text(&facts(), None),
            "Identified: Leaked key\n\nWe revoked a key.\n\nNothing of yours was read.\n\n\
             Next update by 2026-09-21 14:43 UTC.\nWritten 2026-09-21 14:13 UTC."
        );
    }

    #[test]
    fn a_line_whose_fact_is_missing_is_left_out() {
        let bare = Facts {
            state: None,
            next: None,
            ..facts()
        };
        assert_eq!(
            text(&bare, None),
            "Leaked key\n\nWe revoked a key.\n\nNothing of yours was read.\n\nWritten 2026-09-21 14:13 UTC."
        );
        let template = "{{ severity }} {{ incident }}\nImpact: {{ impact }}\n{{ message }}";
        assert_eq!(
            text(&bare, Some(template)),
            "SEV1 INC-01J\nWe revoked a key.\n\nNothing of yours was read."
        );
    }

    #[test]
    fn a_message_fills_in_nothing_and_hides_nothing() {
        let sly = Facts {
            message: "{{ incident }} \u{202e}gnp.exe\u{1b}[2J".to_owned(),
            ..facts()
        };
        let text = text(&sly, Some("{{ message }}"));
        assert!(text.starts_with("{{ incident }} "), "{text}");
        assert!(
            !text.contains('\u{202e}') && !text.contains('\u{1b}'),
            "{text}"
        );
    }

    #[test]
    fn every_text_is_redacted_before_it_leaves() {
        let redact = |text: &str| text.replace("key", "[redacted:key]");
        let wording = worded(&facts(), None, redact);
        for text in [&wording.title, &wording.message, &wording.text] {
            assert!(
                text.contains("[redacted:key]")
                    && !text.replace("[redacted:key]", "").contains("key")
            );
        }
    }
}

//! What a template may name: the members of the JSON document, and a few that save it work.

use std::collections::BTreeMap;

use minijinja::Error;
use minijinja::value::{Serde, Value};
use serde::Serialize;

use crate::timeline::Timeline;
use crate::timeline::clocks::{Countdown, NOT_LEGAL_ADVICE};
use crate::timeline::export::json::{Document, document};
use crate::timeline::header::MilestoneHead;
use crate::timeline::rows::Row;

#[derive(Serialize)]
struct Context<'a> {
    #[serde(flatten)]
    document: Document<'a>,
    milestones: BTreeMap<&'static str, &'a MilestoneHead>,
    pinned: Vec<&'a Row>,
    by_class: BTreeMap<&'static str, Vec<&'a Row>>,
    indicators: Vec<&'a str>,
    assets: Vec<&'a str>,
    techniques: Vec<&'a str>,
    clocks: &'a [Countdown],
    not_legal_advice: &'static str,
}

pub(super) fn context(timeline: &Timeline, countdowns: &[Countdown]) -> Result<Value, Error> {
    let mut by_class: BTreeMap<&'static str, Vec<&Row>> = BTreeMap::new();
    for class in crate::engine::sentence::Class::ALL {
        by_class.insert(class.word(), Vec::new());
    }
    for row in &timeline.rows {
        by_class.entry(row.class.word()).or_default().push(row);
    }
    let milestones = &timeline.header.milestones;
    let context = Context {
        document: document(timeline),
        milestones: milestones
            .iter()
            .map(|one| (one.milestone.word(), one))
            .collect(),
        pinned: timeline
            .rows
            .iter()
            .filter(|row| row.about.pinned)
            .collect(),
        by_class,
        indicators: named(timeline, |row| row.about.indicators.iter().collect()),
        assets: named(timeline, |row| row.about.assets.iter().collect()),
        techniques: named(timeline, |row| row.about.technique.iter().collect()),
        clocks: countdowns,
        not_legal_advice: NOT_LEGAL_ADVICE,
    };
    // Through JSON: its members are the ones that are documented, whatever holds them here.
    let json = serde_json::to_value(&context)
        .map_err(|error| Error::new(minijinja::ErrorKind::BadSerialization, error.to_string()))?;
    let drill = if timeline.is_exercise() {
        "EXERCISE: "
    } else {
        ""
    };
    let mut members: BTreeMap<String, Value> = BTreeMap::new();
    if let serde_json::Value::Object(object) = json {
        members.extend(
            object
                .into_iter()
                .map(|(name, value)| (name, Value::from(Serde(value)))),
        );
    }
    members.insert(
        "drill".to_owned(),
        Value::from_safe_string(drill.to_owned()),
    );
    Ok(Value::from(members))
}

/// What the rows name, once each, in their order.
fn named(timeline: &Timeline, of: impl Fn(&Row) -> Vec<&String>) -> Vec<&str> {
    let mut all: Vec<&str> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for name in timeline.rows.iter().flat_map(of) {
        if seen.insert(name.as_str()) {
            all.push(name);
        }
    }
    all
}

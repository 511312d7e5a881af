//! What a template may name: the members of the JSON document, and a few that save it work.

use std::collections::{BTreeMap, HashSet};

use minijinja::Error;
use minijinja::value::{Serde, Value};
use serde::Serialize;

use crate::timeline::Timeline;
use crate::timeline::clocks::{Countdown, NOT_LEGAL_ADVICE};
use crate::timeline::export::json::{Document, without_rows};
use crate::timeline::header::MilestoneHead;
use crate::timeline::rows::Row;

#[derive(Serialize)]
struct Context<'a> {
    #[serde(flatten)]
    document: Document<'a>,
    milestones: BTreeMap<&'static str, &'a MilestoneHead>,
    indicators: Vec<&'a str>,
    assets: Vec<&'a str>,
    techniques: Vec<&'a str>,
    clocks: &'a [Countdown],
    not_legal_advice: &'static str,
}

/// What a template that names these members gets. Rows are made once, whichever lists they stand in, and only those that
/// stand in one that is named.
pub(super) fn context(
    timeline: &Timeline,
    countdowns: &[Countdown],
    named_there: &HashSet<String>,
) -> Result<Value, Error> {
    let milestones = &timeline.header.milestones;
    let context = Context {
        document: without_rows(timeline),
        milestones: milestones
            .iter()
            .map(|one| (one.milestone.word(), one))
            .collect(),
        indicators: named(timeline, |row| row.about.indicators.iter().collect()),
        assets: named(timeline, |row| row.about.assets.iter().collect()),
        techniques: named(timeline, |row| row.about.technique.iter().collect()),
        clocks: countdowns,
        not_legal_advice: NOT_LEGAL_ADVICE,
    };
    let drill = if timeline.is_exercise() {
        "EXERCISE: "
    } else {
        ""
    };
    let mut members: BTreeMap<String, Value> = BTreeMap::new();
    if let serde_json::Value::Object(object) = json(&context)? {
        members.extend(
            object
                .into_iter()
                .map(|(name, value)| (name, Value::from(Serde(value)))),
        );
    }
    members.extend(rows(timeline, named_there)?);
    members.insert(
        "drill".to_owned(),
        Value::from_safe_string(drill.to_owned()),
    );
    Ok(Value::from(members))
}

/// Through JSON: its members are the ones that are documented, whatever holds them here.
fn json(value: &impl Serialize) -> Result<serde_json::Value, Error> {
    serde_json::to_value(value)
        .map_err(|error| Error::new(minijinja::ErrorKind::BadSerialization, error.to_string()))
}

/// The lists of rows: all of them, the pinned ones, and by class.
fn rows(timeline: &Timeline, named_there: &HashSet<String>) -> Result<[(String, Value); 3], Error> {
    let whole = named_there.contains("rows");
    let by = named_there.contains("by_class");
    let mut all = Vec::new();
    let mut pinned = Vec::new();
    let mut by_class: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for class in crate::engine::sentence::Class::ALL {
        by_class.insert(class.word(), Vec::new());
    }
    for row in &timeline.rows {
        if !(whole || by || row.about.pinned) {
            continue;
        }
        let value = Value::from(Serde(json(row)?));
        if row.about.pinned {
            pinned.push(value.clone());
        }
        if by {
            let of = by_class.entry(row.class.word()).or_default();
            of.push(value.clone());
        }
        if whole {
            all.push(value);
        }
    }
    Ok([
        ("rows".to_owned(), Value::from(all)),
        ("pinned".to_owned(), Value::from(pinned)),
        ("by_class".to_owned(), Value::from(by_class)),
    ])
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

//! Every format of an export: frozen, read by the rules of who imports it, and our own read back byte for byte.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, FixedOffset, NaiveDateTime};
use proptest::prelude::*;
use runsheet::engine::details::{Details, Edit, Tlp};
use runsheet::engine::event::Fidelity;
use runsheet::engine::fact::{
    EntryCorrected, EntryDescribed, Milestone, MilestoneReached, NoteAdded,
};
use runsheet::timeline::export::{self, csv as table, iris::HEAD, json};
use runsheet::timeline::{Options, Timeline, project};
use runsheet::trust::Mode;
use serde_json::Value;

use super::audiences::{every_format, for_whom};
use super::events::{Tape, state, story};
use super::example::played;

pub fn timeline(tape: &Tape) -> Timeline {
    project(&state(tape), &tape.events, Options::default())
}

#[test]
fn every_format_of_a_part_says_what_is_left_out() {
    let timeline = for_whom(&story(Mode::Live), "customers");
    let withheld = &timeline.audience.as_ref().unwrap().withheld;
    let (digest, entries) = (withheld.sha256.to_string(), withheld.entries.to_string());
    for (name, text) in every_format(&timeline) {
        // A long line of a calendar is folded.
        let text = text.replace("\r\n ", "");
        assert!(text.contains(&digest), "{name}");
        assert!(text.contains(&entries), "{name}");
    }
}

/// A record with hostile words at every place a person can put some.
fn hostile() -> Timeline {
    let mut tape = story(Mode::Live);
    for words in [
        "=HYPERLINK(\"http://evil.example\")",
        "@SUM(A1)\tx",
        "-2+3|cmd",
        "line one\nBEGIN:VEVENT\r\nEND:VCALENDAR",
        "a;b,c\\d:e",
        ":crit, done, 2026-01-01, 3d",
        "%% comment",
        "[ipv4-addr:value = '1.2.3.4' OR x",
        "\u{1b}]0;x\u{7}\u{202e}\u{2028}",
    ] {
        let list = Edit {
            add: vec![
                words.to_owned(),
                "203.0.113.7".to_owned(),
                "evil.example".to_owned(),
            ],
            remove: Vec::new(),
        };
        tape.add(
            "bob",
            1,
            NoteAdded {
                text: words.to_owned(),
                step: None,
                details: Some(Box::new(Details {
                    source: Some(words.to_owned()),
                    on_behalf_of: Some(words.to_owned()),
                    audiences: Some(vec![words.to_owned()]),
                    tags: list.clone(),
                    assets: list.clone(),
                    indicators: list,
                    ..Details::default()
                })),
            },
        );
    }
    timeline(&tape)
}

fn records(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let head = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    let rows = reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect();
    (head, rows)
}

#[test]
fn no_cell_of_a_table_begins_a_formula() {
    for (name, text) in every_format(&hostile()) {
        if !name.ends_with(".csv") {
            continue;
        }
        for cell in records(&text).1.into_iter().flatten() {
            // An offset of our own making, which IRIS reads.
            if name == "iris.csv" && ["+00:00", "+01:00"].contains(&cell.as_str()) {
                continue;
            }
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{name}: {cell}"
            );
        }
    }
}

/// What `read_and_validate_csv` and `read_and_validate_jsonl` of `timesketch/lib/utils.py` ask for.
fn timesketch(message: &str, datetime: &str, timestamp: i64, desc: &str) {
    assert!(!message.is_empty() && !desc.is_empty());
    let at = DateTime::parse_from_rfc3339(datetime).unwrap();
    assert_eq!(at.timestamp_micros(), timestamp);
}

#[test]
fn timesketch_takes_both_of_its_formats() {
    for timeline in [played().timeline(), timeline(&story(Mode::Live)), hostile()] {
        let (head, rows) = records(&export::timesketch::csv(&timeline));
        let column = |name: &str| head.iter().position(|one| one == name).unwrap();
        let [message, datetime, timestamp, desc] =
            ["message", "datetime", "timestamp", "timestamp_desc"].map(column);
        for row in &rows {
            let stamp = row[timestamp].parse().unwrap();
            timesketch(&row[message], &row[datetime], stamp, &row[desc]);
        }
        let lines = export::timesketch::jsonl(&timeline).unwrap();
        assert_eq!(lines.lines().count(), rows.len());
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| line[name].as_str().unwrap();
            let stamp = line["timestamp"].as_i64().unwrap();
            timesketch(
                text("message"),
                text("datetime"),
                stamp,
                text("timestamp_desc"),
            );
            assert!(line["tag"].as_array().unwrap().iter().all(Value::is_string));
            // Fields that Timesketch takes away, or keeps for itself.
            for own in ["_id", "_type", "_index", "_source", "__ts_timeline_id"] {
                assert!(line.get(own).is_none());
            }
        }
        let members: BTreeSet<String> = lines
            .lines()
            .flat_map(|line| {
                serde_json::from_str::<BTreeMap<String, Value>>(line)
                    .unwrap()
                    .into_keys()
            })
            .collect();
        assert_eq!(
            members,
            head.into_iter().collect(),
            "both have the same fields"
        );
    }
}

/// What `case_events_upload_csv` and `EventSchema` of IRIS ask for.
#[test]
fn iris_takes_its_table() {
    // `post_init.py` of IRIS.
    let categories = [
        "Unspecified",
        "Legitimate",
        "Remediation",
        "Initial Access",
        "Execution",
        "Persistence",
        "Privilege Escalation",
        "Defense Evasion",
        "Credential Access",
        "Discovery",
        "Lateral Movement",
        "Collection",
        "Command and Control",
        "Exfiltration",
        "Impact",
    ];
    for timeline in [played().timeline(), timeline(&story(Mode::Live)), hostile()] {
        let text = export::iris(&timeline);
        // IRIS splits the text into lines before it reads cells.
        assert_eq!(text.lines().count(), timeline.rows.len() + 1);
        let (head, rows) = records(&text);
        assert_eq!(head, HEAD);
        for row in rows {
            let date = NaiveDateTime::parse_from_str(&row[0], "%Y-%m-%dT%H:%M:%S%.3f");
            assert!(date.is_ok(), "{}", row[0]);
            let whole = format!("{}{}", row[0], row[1]);
            assert!(DateTime::parse_from_rfc3339(&whole).is_ok(), "{whole}");
            assert!(!row[2].is_empty());
            assert!(categories.contains(&row[3].as_str()), "{}", row[3]);
            // Assets and indicators have to exist in the case already.
            assert_eq!((row[7].as_str(), row[8].as_str()), ("", ""));
            assert!(
                row[9]
                    .split('|')
                    .all(|tag| !tag.is_empty() && !tag.contains(','))
            );
        }
    }
}

#[test]
fn a_calendar_is_read_by_a_parser() {
    for timeline in [played().timeline(), timeline(&story(Mode::Live)), hostile()] {
        let text = export::ics(&timeline);
        assert!(text.ends_with("END:VCALENDAR\r\n"));
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
        for line in text.split("\r\n") {
            assert!(line.len() <= 75, "{line}");
        }
        let mut parser = ical::IcalParser::new(text.as_bytes());
        let calendar = parser.next().unwrap().unwrap();
        assert!(parser.next().is_none());
        assert_eq!(calendar.events.len(), timeline.rows.len());
        let mut names = BTreeSet::new();
        for (event, row) in calendar.events.iter().zip(&timeline.rows) {
            let value = |name: &str| {
                let found = event.properties.iter().filter(|one| one.name == name);
                let values: Vec<_> = found.map(|one| one.value.clone().unwrap()).collect();
                assert_eq!(values.len(), 1, "{name}");
                values[0].clone()
            };
            assert!(names.insert(value("UID")));
            for stamp in ["DTSTAMP", "DTSTART"] {
                let at = NaiveDateTime::parse_from_str(&value(stamp), "%Y%m%dT%H%M%SZ");
                assert!(at.is_ok());
            }
            let summary = value("SUMMARY")
                .replace("\\,", ",")
                .replace("\\;", ";")
                .replace("\\\\", "\\");
            assert_eq!(summary, format!("{} {}", row.who, row.text));
        }
    }
}

#[test]
fn a_chart_has_a_line_for_each_row_that_cannot_be_more_than_its_name() {
    for timeline in [played().timeline(), timeline(&story(Mode::Live)), hostile()] {
        let text = export::gantt(&timeline);
        let mut bars = 0;
        for line in text.lines().skip(4) {
            let line = line.trim_start();
            if line.starts_with("section ") {
                continue;
            }
            let (name, rest) = line.split_once(" :").unwrap();
            assert!(
                !name.is_empty() && !name.contains([':', ';', '#', '%']),
                "{line}"
            );
            assert!(
                rest.starts_with("milestone, 2026-") || rest.starts_with("2026-"),
                "{line}"
            );
            bars += 1;
        }
        assert_eq!(bars, timeline.rows.len());
    }
}

/// The rules of the published schemas (oasis-open/cti-stix2-json-schemas) for the objects we write.
struct Stix<'a> {
    objects: &'a [Value],
    ids: BTreeSet<&'a str>,
}

impl<'a> Stix<'a> {
    fn of(bundle: &'a Value) -> Self {
        assert_eq!(bundle["type"], "bundle");
        id(bundle["id"].as_str().unwrap(), "bundle");
        let objects = bundle["objects"].as_array().unwrap();
        assert!(!objects.is_empty());
        let ids: BTreeSet<_> = objects
            .iter()
            .map(|one| one["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), objects.len(), "an id stands once");
        Self { objects, ids }
    }

    fn check(&self) {
        for object in self.objects {
            let kind = object["type"].as_str().unwrap();
            id(object["id"].as_str().unwrap(), kind);
            assert_eq!(object["spec_version"], "2.1");
            let (required, observable): (&[&str], bool) = match kind {
                "incident" => (&["name"], false),
                "note" => (&["content", "object_refs"], false),
                "identity" => (&["name"], false),
                "attack-pattern" => (&["name"], false),
                "indicator" => (&["pattern", "pattern_type", "valid_from"], false),
                "observed-data" => (
                    &[
                        "first_observed",
                        "last_observed",
                        "number_observed",
                        "object_refs",
                    ],
                    false,
                ),
                "relationship" => (&["relationship_type", "source_ref", "target_ref"], false),
                "marking-definition" => (&["created", "extensions"], true),
                "ipv4-addr" | "ipv6-addr" | "domain-name" | "url" | "email-addr" => {
                    (&["value"], true)
                }
                "file" => (&["hashes"], true),
                other => panic!("no schema for {other}"),
            };
            for name in required {
                assert!(object.get(name).is_some(), "{kind} without {name}");
            }
            if !observable {
                time(&object["created"], true);
                time(&object["modified"], true);
                assert!(object["created"].as_str() <= object["modified"].as_str());
            }
            for name in ["first_observed", "last_observed", "valid_from"] {
                if let Some(at) = object.get(name) {
                    time(at, false);
                }
            }
            self.values(object, "");
        }
    }

    /// No empty list or text anywhere, and every reference leads to an object of the bundle.
    fn values(&self, value: &Value, name: &str) {
        match value {
            Value::Array(list) => {
                assert!(!list.is_empty(), "{name} is empty");
                list.iter().for_each(|one| self.values(one, name));
            }
            Value::Object(members) => {
                assert!(!members.is_empty(), "{name} is empty");
                for (name, one) in members {
                    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                    let known = name.starts_with("extension-definition--")
                        || ["MD5", "SHA-1", "SHA-256"].contains(&name.as_str());
                    assert!(known || name.chars().all(plain), "{name}");
                    self.values(one, name);
                }
            }
            Value::String(text) if name.ends_with("_ref") || name.ends_with("_refs") => {
                assert!(self.ids.contains(text.as_str()), "{name}: {text}");
            }
            Value::Null => panic!("{name} is null"),
            _ => {}
        }
    }

    fn all(&self, kind: &str) -> Vec<&'a Value> {
        self.objects
            .iter()
            .filter(|one| one["type"] == kind)
            .collect()
    }
}

fn id(text: &str, kind: &str) {
    let uuid = text.strip_prefix(kind).unwrap().strip_prefix("--").unwrap();
    let form = regex::Regex::new(
        "^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
    );
    assert!(form.unwrap().is_match(uuid), "{text}");
}

fn time(value: &Value, millis: bool) {
    let text = value.as_str().unwrap();
    let form = regex::Regex::new(
        r"^\d{4}-(0[1-9]|1[012])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?Z$",
    );
    assert!(form.unwrap().is_match(text), "{text}");
    assert!(
        !millis
            || text
                .split_once('.')
                .is_some_and(|(_, part)| part.len() >= 4),
        "{text}"
    );
}

/// The rules of the extension's own schema (oasis-open/cti-stix-common-objects, incident-core) for what we say of it, and
/// of its text where that is narrower.
fn incident_core(core: &Value) {
    let core = core.as_object().unwrap();
    let known = [
        "criticality",
        "determination",
        "extension_type",
        "investigation_status",
    ];
    assert!(core.keys().all(|name| known.contains(&name.as_str())));
    assert_eq!(core["extension_type"], "property-extension");
    let determined = ["blocked", "failed-attempt", "false-positive", "suspected"];
    assert!(determined.contains(&core["determination"].as_str().unwrap()));
    let status = ["new", "open", "closed"];
    assert!(status.contains(&core["investigation_status"].as_str().unwrap()));
    assert!(core["criticality"].as_u64().unwrap() <= 100);
}

#[test]
fn a_stix_bundle_keeps_to_the_published_schemas() {
    for (timeline, indicators) in [
        (played().timeline(), 2),
        (timeline(&story(Mode::Live)), 1),
        (hostile(), 19),
    ] {
        let bundle: Value = serde_json::from_str(&export::stix(&timeline).unwrap()).unwrap();
        let stix = Stix::of(&bundle);
        stix.check();
        assert_eq!(stix.all("note").len(), timeline.rows.len());
        assert_eq!(stix.all("indicator").len(), indicators);
        let incident = stix.all("incident")[0];
        let core = &incident["extensions"][export::stix::INCIDENT_CORE];
        assert_eq!(core["criticality"], 90);
        incident_core(core);
    }
}

/// As `stix2` of OASIS makes it of the same address.
#[test]
fn the_id_of_an_observable_is_the_one_everybody_gives_it() {
    let mut tape = Tape::new(Mode::Live);
    let indicators = Edit {
        add: vec!["198.51.100.3".to_owned()],
        remove: Vec::new(),
    };
    let details = Details {
        indicators,
        ..Details::default()
    };
    tape.add(
        "bob",
        0,
        NoteAdded {
            text: "x".to_owned(),
            step: None,
            details: Some(Box::new(details)),
        },
    );
    let text = export::stix(&timeline(&tape)).unwrap();
    assert!(text.contains("ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"));
}

fn generated() -> impl Strategy<Value = Vec<(u8, i64, String, String)>> {
    let words = "([a-z|\\\\=+@\"',;\n\r\t-]|\u{202e}|é|\u{1F600}|\\PC){0,12}";
    prop::collection::vec((0u8..6, -90_000i64..90_000, words, words), 0..12)
}

fn taped(entries: Vec<(u8, i64, String, String)>) -> Tape {
    let mut tape = Tape::new(Mode::Live);
    let start: DateTime<FixedOffset> = "2026-11-23T13:20:00+01:00".parse().unwrap();
    let mut last = None;
    for (kind, seconds, text, other) in entries {
        let at = start + chrono::TimeDelta::milliseconds(seconds * 1001);
        let fidelity =
            [Fidelity::Exact, Fidelity::Minute, Fidelity::Estimated][usize::from(kind % 3)];
        // The engine takes no empty words.
        let some = |text: &str| (!text.trim().is_empty()).then(|| text.to_owned());
        let list = Edit {
            add: some(&other).into_iter().chain(some(&text)).collect(),
            remove: Vec::new(),
        };
        let details = Details {
            tlp: Some(Tlp::ALL[usize::from(kind % 5)]),
            source: some(&other),
            audiences: Some(some(&text).into_iter().collect()),
            pinned: Some(kind == 1),
            tags: list.clone(),
            indicators: list,
            ..Details::default()
        };
        let id = match (kind, last) {
            (0, _) => tape.dated(
                "bob",
                at,
                fidelity,
                MilestoneReached {
                    milestone: Milestone::Declared,
                },
            ),
            (1, Some(corrects)) => tape.add(
                "alice",
                1,
                EntryCorrected {
                    corrects,
                    text,
                    reason: other,
                },
            ),
            (2, Some(entry)) => tape.add("alice", 1, EntryDescribed { entry, details }),
            _ => tape.dated(
                "dan",
                at,
                fidelity,
                NoteAdded {
                    text,
                    step: None,
                    details: Some(Box::new(details)),
                },
            ),
        };
        last = Some(id);
    }
    tape
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn our_own_formats_come_back_byte_for_byte(entries in generated()) {
        let mut timeline = timeline(&taped(entries));
        if let Some(row) = timeline.rows.first_mut() {
            row.occurred_until = Some(row.occurred_at + chrono::TimeDelta::microseconds(1_500));
        }
        let document = json(&timeline).unwrap();
        let back = export::json::read(&document).unwrap();
        prop_assert_eq!(&json(&back).unwrap(), &document);
        prop_assert_eq!(&back, &timeline);
        let sheet = export::csv(&timeline);
        let rows = table::read(&sheet).unwrap();
        prop_assert_eq!(&table::write(&rows), &sheet);
        prop_assert_eq!(&rows.rows, &timeline.rows);
    }
}

#[test]
fn a_part_comes_back_too() {
    let timeline = for_whom(&story(Mode::Live), "regulator");
    let document = json(&timeline).unwrap();
    assert_eq!(
        json(&export::json::read(&document).unwrap()).unwrap(),
        document
    );
    let sheet = export::csv(&timeline);
    assert_eq!(table::write(&table::read(&sheet).unwrap()), sheet);
}

#[test]
fn a_table_that_was_edited_says_where() {
    let sheet = export::csv(&timeline(&story(Mode::Live)));
    let wrong = sheet.replacen(",estimated,", ",guess,", 1);
    let error = table::read(&wrong).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2, cell 5: exact, minute or estimated is expected"
    );
}

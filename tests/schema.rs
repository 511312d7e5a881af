//! The published JSON Schema and the reader accept and refuse the same files, and every key is in both.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "a test fails by panicking, and tells its story in one piece"
)]

use std::fs;
use std::path::Path;

use runsheet::runbook::{parse, schema};
use serde_json::{Value, json};

/// A runbook as JSON, so that both sides can be asked; JSON is YAML too.
fn both(value: &Value) -> (bool, bool) {
    thread_local! {
        static VALIDATOR: jsonschema::Validator = jsonschema::draft202012::new(&schema::runbook()).unwrap();
    }
    let text = serde_json::to_string(value).unwrap();
    (
        VALIDATOR.with(|validator| validator.is_valid(value)),
        parse::runbook("a.yaml", text.as_bytes()).0.is_some(),
    )
}

fn with_step(step: Value) -> Value {
    json!({"id": "a", "title": "A", "steps": [step]})
}

fn set(mut value: Value, key: &str, to: Value) -> Value {
    value[key] = to;
    value
}

#[test]
fn schema_and_reader_agree_on_every_key_and_type() {
    let values = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(5),
        json!(256),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("x"),
        json!("Not an id"),
        json!("30s"),
        json!("64KiB"),
        json!("2026-10-01"),
        json!("end"),
        json!("sev2"),
        json!("destructive"),
        json!("performer"),
        json!("approver-of:x"),
        json!("continue"),
        json!([]),
        json!(["x"]),
        json!([["x"]]),
        json!([0, 1]),
        json!(["performer"]),
        json!({}),
        json!({"x": "y"}),
        json!({"next": "x"}),
        json!({"x": {}}),
        json!({"exit": 0}),
        json!({"attempts": 2, "delay": "5s"}),
        json!({"x": {"json": ".a"}}),
        json!({"x": {"whole": true}}),
        json!({"x": {"whole": false}}),
        json!({"x": {"json": ".a", "regex": "b"}}),
        json!({"file": "/x"}),
        json!({"x": {"file": "/x"}}),
        json!({"x": {"file": "/x", "journal": "y"}}),
        json!({"until": "x", "every": "5s"}),
        json!({"every": "5s"}),
        json!({"audience": "x", "message": "y"}),
        json!({"logs": ["x"]}),
        json!({"logs": ["x"], "tail": "1MiB"}),
        json!({"tail": 5}),
        json!({"approvals": 0}),
        json!({"approvals": 2, "not": "author", "role": "x"}),
        json!({"approvals": 2, "of_them": {"x": 1}}),
        json!({"of_them": {"x": 0}}),
        json!({"keys": {"touch": "required"}}),
        json!({"keys": {"touch": "wanted"}}),
        json!({"keys": {}}),
        json!({"clock": "detected", "within": "5m"}),
        json!({"to": "x", "after": "1h"}),
        json!({"x": {"type": "integer", "choices": [1, 2], "default": 1, "secret": true}}),
        json!({"x": {"secret": "yes"}}),
        json!({"X": {}}),
        json!({"1x": "y"}),
        json!([{"label": "x"}]),
        json!([{"label": "x", "next": "y", "when": "z"}]),
        json!([{"next": "y"}]),
    ];
    let runbook_schema = schema::runbook();
    let properties = |schema: &Value| -> Vec<String> {
        schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    let (mut accepted, mut refused) = (0, 0);
    let mut disagreed = Vec::new();
    let mut ask = |value: &Value| {
        let (by_schema, by_reader) = both(value);
        if by_schema != by_reader {
            disagreed.push(format!("schema {by_schema}, reader {by_reader}: {value}"));
        }
        if by_schema {
            accepted += 1
        } else {
            refused += 1
        }
    };
    for value in &values {
        for key in properties(&runbook_schema) {
            ask(&set(with_step(json!({"id": "one"})), &key, value.clone()));
        }
        for key in properties(&runbook_schema["$defs"]["StepFile"]) {
            let mut step = json!({"id": "one"});
            if key == "every" {
                step["notify"] = json!({"audience": "x", "message": "y"});
            }
            if key == "with" {
                step["uses"] = json!("x");
            }
            ask(&with_step(set(step, &key, value.clone())));
        }
    }
    assert!(disagreed.is_empty(), "{}", disagreed.join("\n"));
    assert!(
        accepted > 150 && refused > 1000,
        "{accepted} accepted, {refused} refused"
    );
}

#[test]
fn schema_and_reader_agree_on_what_goes_together() {
    for (step, good) in [
        (json!({"id": "one"}), true),
        (json!({"id": "one", "run": "x"}), true),
        (json!({"id": "one", "run": "x", "ask": {}}), false),
        (json!({"id": "one", "decide": "x?"}), false),
        (
            json!({"id": "one", "decide": "x?", "options": [{"label": "a"}]}),
            true,
        ),
        (json!({"id": "one", "options": [{"label": "a"}]}), false),
        (json!({"id": "one", "uses": "x", "with": {"a": 1}}), true),
        (json!({"id": "one", "with": {"a": 1}}), false),
        (json!({"id": "one", "every": "5m"}), false),
        (json!({"run": "x"}), false),
        (json!({"id": "one", "rnu": "x"}), false),
    ] {
        let value = with_step(step);
        assert_eq!(both(&value), (good, good), "{value}");
    }
}

#[test]
fn schema_and_reader_agree_on_policies() {
    let validator = jsonschema::draft202012::new(&schema::policy()).unwrap();
    let freeze = |more: &str| format!(r#"{{"freezes": [{{"name": "x"{more}}}]}}"#);
    let weekly = |more: &str| freeze(&format!(r#", "weekly": {{{more}}}"#));
    let once =
        |from: &str, until: &str| freeze(&format!(r#", "from": "{from}", "until": "{until}""#));
    let rule = |asks: &str| format!(r#"{{"checkpoints": [{{{asks}}}]}}"#);
    for (policy, good) in [
        ("{}".to_owned(), true),
        (rule(r#""approvals": 2, "of_them": {"security": 1}"#), true),
        (rule(r#""of_them": {"security": 0}"#), false),
        (rule(r#""of_them": {"se curity": 1}"#), false),
        (rule(r#""of_them": ["security"]"#), false),
        (
            rule(r#""keys": {"touch": "required", "verified": "required"}"#),
            true,
        ),
        (rule(r#""keys": {"touch": true}"#), false),
        (rule(r#""keys": {}"#), false),
        (
            once("2026-12-20T00:00:00Z", "2027-01-02T00:00:00+01:00"),
            true,
        ),
        (once("2026-12-20 00:00:00Z", "2027-01-02T00:00:00Z"), false),
        (once("2026-12-20t00:00:00z", "2027-01-02T00:00:00Z"), false),
        (once("2026-12-20T00:00:00", "2027-01-02T00:00:00Z"), false),
        (
            once("2026-12-20T00:00:00.5Z", "2027-01-02T00:00:00Z"),
            false,
        ),
        (once("2026-12-20T00:00:60Z", "2027-01-02T00:00:00Z"), false),
        (once("2026-13-20T00:00:00Z", "2027-01-02T00:00:00Z"), false),
        (once("2026-12-20", "2027-01-02T00:00:00Z"), false),
        (freeze(""), false),
        (r#"{"override": {"roles": ["x"], "when": "a == 'b'", "expires": "5m", "review_within": "24h"}}"#.to_owned(), true),
        (r#"{"override": {"review_within": 24}}"#.to_owned(), false),
        (r#"{"override": {"approvals": 1}}"#.to_owned(), false),
        (r#"{"adopt": {"approvals": 3, "role": "board", "of_them": {"legal": 1}, "keys": {"touch": "required"}}}"#.to_owned(), true),
        (r#"{"adopt": {"not": "author"}}"#.to_owned(), false),
        (r#"{"adopt": {"approvals": 0}}"#.to_owned(), false),
        (freeze(r#", "from": "2026-12-20T00:00:00Z""#), false),
        (freeze(r#", "until": "2026-12-20T00:00:00Z""#), false),
        (weekly(r#""from": "Fri 16:00", "until": "Mon 06:00""#), true),
        (
            weekly(r#""from": "Fri 16:00", "until": "Mon 06:00", "zone": "-03:30""#),
            true,
        ),
        (
            weekly(r#""from": "Fri 16:00", "until": "Mon 06:00", "zone": "Z""#),
            true,
        ),
        (
            weekly(r#""from": "Fri 16:00", "until": "Mon 06:00", "zone": "CET""#),
            false,
        ),
        (
            weekly(r#""from": "Fri 16:00", "until": "Mon 06:00", "zone": "+1:00""#),
            false,
        ),
        (
            weekly(r#""from": "Fri 16:00", "until": "Mon 24:00""#),
            false,
        ),
        (
            weekly(r#""from": "Friday 16:00", "until": "Mon 06:00""#),
            false,
        ),
        (weekly(r#""from": "Fri 16:00", "until": "Mon 6:00""#), false),
        (weekly(r#""from": "Fri 16:00""#), false),
    ] {
        let value: Value = serde_json::from_str(&policy).unwrap();
        let by_reader = parse::policy("policy.yaml", policy.as_bytes()).0.is_some();
        assert_eq!(
            (validator.is_valid(&value), by_reader),
            (good, good),
            "{policy}"
        );
    }
    // What no schema can say, the reader says.
    let backwards = once("2027-01-02T00:00:00Z", "2027-01-02T00:30:00+01:00");
    let (policy, problems) = parse::policy("policy.yaml", backwards.as_bytes());
    assert!(
        policy.is_none() && problems[0].what.contains("is not after"),
        "{problems:?}"
    );
}

/// That a text uses every key of a schema, so many at least.
fn uses_every_key(text: &str, schema: &Value, least: usize) {
    let mut keys = Vec::new();
    let defs = schema["$defs"].as_object().unwrap().values();
    for shape in defs.chain([schema]) {
        keys.extend(shape["properties"].as_object().unwrap().keys().cloned());
    }
    assert!(keys.len() > least, "{keys:?}");
    for key in keys {
        let used = text.match_indices(&format!("{key}:")).any(|(at, _)| {
            text[..at]
                .chars()
                .next_back()
                .is_none_or(|char| !char.is_alphanumeric() && char != '_' && char != '-')
        });
        assert!(used, "the example does not use `{key}`");
    }
}

#[test]
fn the_examples_are_valid_and_use_every_key() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let text = fs::read_to_string(folder.join("runbooks/every-key.yaml")).unwrap();
    let (runbook, problems) = parse::runbook("every-key.yaml", text.as_bytes());
    assert!(runbook.is_some(), "{problems:?}");
    let schema = schema::runbook();
    uses_every_key(&text, &schema, 80);
    let text = fs::read_to_string(folder.join("scenarios/every-key.yaml")).unwrap();
    let (scenario, problems) = parse::scenario("every-key.yaml", text.as_bytes());
    assert!(scenario.is_some(), "{problems:?}");
    uses_every_key(&text, &schema::scenario(), 80);
    let policy = schema::policy();
    assert!(jsonschema::draft202012::new(&policy).is_ok());
    assert!(
        jsonschema::draft202012::meta::is_valid(&schema)
            && jsonschema::draft202012::meta::is_valid(&policy)
            && jsonschema::draft202012::meta::is_valid(&schema::scenario())
    );
}

fn scenario() -> Value {
    json!({
        "kind": "scenario", "id": "a", "title": "A", "form": "drill", "briefing": "b", "code_word": "c",
        "runbook": "r", "clock": {"length": "90m"},
        "objectives": [{"id": "o", "title": "O"}],
        "parts": [{"id": "p", "side": "player"}],
        "moves": [{"id": "m", "at": "0m"}],
        "injects": [{"id": "i", "at": "0m", "message": "m", "attachments": [{"name": "n", "text": "t"}]}],
        "expectations": [{"id": "e", "action": "x", "by": "5m", "objective": "o", "proof": [{"note": "x"}]}],
        "answers": [{"step": "s"}],
        "logs": [{"name": "l", "lines": [{"at": "-5m", "text": "t"}]}],
        "colleagues": [{"id": "d", "roles": [], "replies": [{"says": "approve"}]}],
    })
}

#[test]
fn schema_and_reader_agree_on_scenarios() {
    let schema = schema::scenario();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let values = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(0.5),
        json!(-1),
        json!(256),
        json!(4000),
        json!(""),
        json!("x"),
        json!("Not an id"),
        json!("30s"),
        json!("-30s"),
        json!("500ms"),
        json!("0s"),
        json!("scenario"),
        json!("drill"),
        json!("player"),
        json!("alert"),
        json!("roll_back"),
        json!("deny"),
        json!("sev2"),
        json!("resolved"),
        json!("2027-03-05T17:40:00+01:00"),
        json!([]),
        json!(["x"]),
        json!(["5m"]),
        json!({}),
        json!([{}]),
        json!({"x": "y"}),
        json!([{"note": "x"}]),
        json!([{"note": "x", "done": "y"}]),
        json!({"step": "x", "label": "y"}),
        json!({"clock": "x"}),
        json!({"clock": "x", "stage": "y"}),
        json!({"audience": "x", "state": "resolved"}),
        json!({"length": "5m", "scale": 0.5, "by_moves": true}),
        json!([{"id": "x", "title": "y"}]),
        json!([{"id": "x", "side": "observer"}]),
        json!([{"id": "x", "at": "5m"}]),
        json!([{"name": "x", "text": "y"}]),
        json!([{"step": "x", "exit": 256}]),
        json!([{"step": "x", "exit": 255}]),
    ];
    let places = [
        ("", "ScenarioFile"),
        ("/clock", "ClockFile"),
        ("/objectives/0", "ObjectiveFile"),
        ("/parts/0", "PartFile"),
        ("/moves/0", "MoveFile"),
        ("/injects/0", "InjectFile"),
        ("/injects/0/attachments/0", "AttachmentFile"),
        ("/expectations/0", "ExpectationFile"),
        ("/expectations/0/proof/0", "ProofFile"),
        ("/answers/0", "AnswerFile"),
        ("/logs/0", "LogFile"),
        ("/logs/0/lines/0", "LineFile"),
        ("/colleagues/0", "ColleagueFile"),
        ("/colleagues/0/replies/0", "ReplyFile"),
    ];
    let (mut accepted, mut refused) = (0, 0);
    for (place, shape) in places {
        let shape = if place.is_empty() {
            &schema
        } else {
            &schema["$defs"][shape]
        };
        for key in shape["properties"].as_object().unwrap().keys() {
            for value in &values {
                let mut whole = scenario();
                let part = whole.pointer_mut(place).unwrap().as_object_mut().unwrap();
                match key.as_str() {
                    "after" | "by_hand" if place == "/injects/0" => drop(part.remove("at")),
                    "delay" | "within" if place == "/injects/0" => {
                        part.remove("at");
                        part.insert("after".to_owned(), json!([{"note": "x"}]));
                    }
                    "every" => drop(part.insert("until".to_owned(), json!("5m"))),
                    "until" => drop(part.insert("every".to_owned(), json!("5s"))),
                    _ if place.ends_with("proof/0") => part.clear(),
                    _ => {}
                }
                part.insert(key.clone(), value.clone());
                let text = serde_json::to_string(&whole).unwrap();
                let by_schema = validator.is_valid(&whole);
                let by_reader = parse::scenario("a.yaml", text.as_bytes()).0.is_some();
                assert_eq!(by_schema, by_reader, "{place}/{key}: {value}");
                if by_schema {
                    accepted += 1
                } else {
                    refused += 1
                }
            }
        }
    }
    assert!(
        accepted > 500 && refused > 1000,
        "{accepted} accepted, {refused} refused"
    );
    for (place, key, value) in [
        ("/injects/0", "by_hand", json!(true)),
        ("/injects/0", "delay", json!("5m")),
        ("/logs/0/lines/0", "every", json!("5s")),
        ("/logs/0/lines/0", "until", json!("5m")),
        ("/expectations/0/proof/0", "done", json!("x")),
        ("", "steps", json!([])),
    ] {
        let mut whole = scenario();
        whole.pointer_mut(place).unwrap()[key] = value;
        let text = serde_json::to_string(&whole).unwrap();
        assert!(!validator.is_valid(&whole), "{place}/{key}");
        assert!(
            parse::scenario("a.yaml", text.as_bytes()).0.is_none(),
            "{place}/{key}"
        );
    }
}

#[test]
fn every_key_of_the_schemas_says_what_it_is_for() {
    for schema in [schema::runbook(), schema::policy(), schema::scenario()] {
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        let defs = schema["$defs"].as_object().unwrap().values();
        for shape in defs.chain([&schema]) {
            for (key, property) in shape["properties"].as_object().unwrap() {
                assert!(
                    property["description"]
                        .as_str()
                        .is_some_and(|text| text.len() > 5),
                    "{key}"
                );
            }
        }
    }
}

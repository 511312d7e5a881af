//! `docs/record-format.md` says what the program does: every kind and member is in it, and its examples are true.

use std::collections::BTreeMap;

use runsheet::engine::checkpoint::text::approval_text;
use runsheet::engine::event::Event;
use runsheet::engine::exec::{Exec, Purpose, Var};
use runsheet::engine::fact::{Milestone, NoteAdded};
use runsheet::engine::{EventId, Fact, State};
use runsheet::evidence::{Digest, canonical};
use runsheet::timeline::header::heads_digest;
use runsheet::trust::Mode;
use serde_json::Value;

use super::events::{Tape, story};
use super::golden;

fn document() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/record-format.md");
    std::fs::read_to_string(path).unwrap_or_default()
}

/// What the document says under the heading of one kind.
fn section<'a>(document: &'a str, kind: &str) -> &'a str {
    let from = document
        .find(&format!("\n### `{kind}`\n"))
        .unwrap_or_else(|| panic!("{kind} has no section"));
    let rest = &document[from + 5..];
    &rest[..rest.find("\n##").unwrap_or(rest.len())]
}

#[test]
fn every_kind_of_fact_has_its_section() {
    let document = document();
    for kind in Fact::KINDS {
        assert!(section(&document, kind).len() > kind.len(), "{kind}");
    }
    let sections = document.matches("\n### `").count();
    assert_eq!(
        sections,
        Fact::KINDS.len(),
        "a section for a kind that is not there"
    );
}

#[test]
fn how_a_log_was_pulled_is_described_and_left_out_where_nothing_was() {
    let at = chrono::DateTime::UNIX_EPOCH;
    let pull = runsheet::engine::fact::Pull {
        files: vec![runsheet::engine::fact::PulledFile {
            path: "/var/log/auth.log".to_owned(),
            size: 900,
            ranges: vec![(100, 200)],
            more: 0,
        }],
        window: Some(runsheet::engine::fact::Span { from: at, to: at }),
        lines: 3,
        original_size: 100,
        started: at,
        ended: at,
        tool: "runsheet 0.1.0".to_owned(),
        clock: Some(runsheet::engine::fact::ClockSkew {
            ahead: -12,
            within: 250,
        }),
        incomplete: None,
        by_rule: BTreeMap::from([("email".to_owned(), 2)]),
    };
    let bare = super::events::evidence("auth", at);
    let with = runsheet::engine::fact::Evidence {
        pull: Some(Box::new(pull.clone())),
        ..bare.clone()
    };
    let document = document();
    let described = |value: &Value, heading: &str| {
        let from = document.find(heading).unwrap();
        for member in value.as_object().unwrap().keys() {
            let described = document[from..].find(&format!("`{member}`"));
            assert!(described.is_some_and(|at| at < 2000), "{heading}: {member}");
        }
    };
    described(&serde_json::to_value(&with).unwrap(), "**Evidence**");
    let value = serde_json::to_value(&pull).unwrap();
    described(&value, "**Pull**");
    described(&value["files"][0], "**Pulled file**");
    described(&value["window"], "**Window**");
    described(&value["clock"], "**Clock skew**");
    for evidence in [bare, with] {
        let text = canonical::to_string(&evidence).unwrap();
        assert_eq!(text.contains("\"pull\""), evidence.pull.is_some());
        assert_eq!(
            serde_json::from_str::<runsheet::engine::fact::Evidence>(&text).unwrap(),
            evidence
        );
    }
}

#[test]
fn every_member_of_every_fact_is_described() {
    let document = document();
    for event in &story(Mode::Live).events {
        let kind = event.fact.kind();
        let section = section(&document, kind);
        for member in event.fact.data().unwrap().as_object().unwrap().keys() {
            assert!(
                section.contains(&format!("| `{member}` |")),
                "{kind}: {member}"
            );
        }
    }
}

#[test]
fn every_member_of_the_envelope_and_every_milestone_is_described() {
    let document = document();
    let line: Value = serde_json::from_str(&story(Mode::Live).lines[0]).unwrap();
    for member in line.as_object().unwrap().keys() {
        assert!(document.contains(&format!("| `{member}` |")), "{member}");
    }
    for milestone in Milestone::ALL {
        assert!(
            document.contains(&format!("`{}`", milestone.word())),
            "{}",
            milestone.word()
        );
    }
}

/// The examples of the document: bytes, and the digest over them.
fn examples() -> Vec<(&'static str, String, Digest)> {
    let exec = Exec {
        purpose: Purpose::Run,
        kind: "run".to_owned(),
        script: "id -u\n".to_owned(),
        shell: vec!["sh".to_owned(), "-eu".to_owned()],
        cwd: "/srv/ir".to_owned(),
        host: "bastion".to_owned(),
        run_as: "svc-ir".to_owned(),
        env: vec!["account".to_owned()],
        stdin: String::new(),
        files: BTreeMap::new(),
        timeout: 30,
        output_limit: 65_536,
    };
    let vars = BTreeMap::from([
        ("account", Var::Plain("prod".to_owned())),
        ("token", Var::Secret(Digest::of(b"hmac").hex())),
    ]);
    let ids: Vec<EventId> = [&b"b"[..], b"a"].map(Digest::of).to_vec();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    let heads = canonical::to_string(&BTreeMap::from([("heads", &sorted)])).unwrap();
    assert_eq!(heads_digest(&ids), Digest::of(heads.as_bytes()));

    let mut tape = Tape::new(Mode::Live);
    tape.add(
        "bob",
        0,
        NoteAdded {
            text: "first page".to_owned(),
            step: None,
            details: None,
        },
    );
    let (event, line) = (&tape.events[0], &tape.lines[0]);
    let bare = line.replace(&format!("\"sha256\":\"{}\",", event.id), "");
    [
        ("event", bare),
        ("exec", canonical::to_string(&exec).unwrap()),
        ("vars", canonical::to_string(&vars).unwrap()),
        ("heads", heads),
    ]
    .map(|(name, bytes)| {
        let digest = Digest::of(bytes.as_bytes());
        (name, bytes, digest)
    })
    .to_vec()
}

#[test]
fn the_examples_are_true_to_the_byte() {
    let document = document();
    for (name, bytes, digest) in examples() {
        assert!(
            document.contains(&format!("\n{bytes}\n")),
            "{name}: {bytes}"
        );
        assert!(document.contains(&digest.to_string()), "{name}: {digest}");
    }
}

#[test]
fn the_example_of_the_approval_text_is_true_to_the_byte() {
    let tape = story(Mode::Live);
    let state = tape.events.iter().fold(State::default(), |state, event| {
        runsheet::engine::apply(state, event)
    });
    let (record, requester) = tape
        .events
        .iter()
        .find_map(|event| match &event.fact {
            Fact::CheckpointRequested(fact) => Some((&fact.record, &event.person)),
            _ => None,
        })
        .unwrap();
    let text = approval_text(state.incident.as_deref().unwrap(), record, requester);
    let digest = Digest::of(text.as_bytes());
    let document = document();
    assert!(
        document.contains(&format!("```text\n{text}```")),
        "{text}{digest}"
    );
    assert!(document.contains(&digest.to_string()), "{digest}");
}

#[test]
fn the_record_of_version_1_reads_as_it_was_written() {
    let tape = story(Mode::Live);
    let lines: String = tape.lines.iter().map(|line| format!("{line}\n")).collect();
    golden("record/version-1.jsonl", &lines);
    for (line, event) in lines.lines().zip(&tape.events) {
        assert_eq!(&Event::read(line).unwrap(), event.as_ref());
    }
}

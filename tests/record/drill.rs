//! An exercise as it is recorded: what is there in it and nowhere else, both its times, and what is sealed until its end.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use base64ct::{Base64, Encoding as _};
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use chrono::{DateTime, TimeDelta, Utc};
use runsheet::engine::checkpoint::judge::policy_digest;
use runsheet::engine::checkpoint::record::{Site, find, make};
use runsheet::engine::command::StepKey;
use runsheet::engine::event::{Event, Fidelity};
use runsheet::engine::exec::{PinnedPolicy, Purpose};
use runsheet::engine::exercise::{ClockChange, GivenLog, Sealed, SimClock};
use runsheet::engine::fact::*;
use runsheet::engine::ids::{IncidentId, RunId};
use runsheet::engine::sentence::sentence;
use runsheet::evidence::Digest;
use runsheet::exercise::seal::{Item, Key, Rating, RemarkKind, Verdict, seal};
use runsheet::runbook::model::{Role, RunbookId, Severity, StepId};
use runsheet::runbook::scenario::{Attachment, Means};
use runsheet::timeline::rows::row;
use runsheet::timeline::{Options, as_of, project};
use runsheet::trust::Mode;
use serde_json::Value;

use super::audiences::every_format;
use super::events::{COMMIT, Tape, principal, record, story};
use super::golden;
use super::walked::{BOOK, folded, step};

const KEY: [u8; 32] = [7; 32];

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn sealed(nonce: u8, item: &Item) -> Sealed {
    let id = IncidentId::new("01KATC7Q00ABCDEFGHJKMNPQRS").unwrap();
    seal(&Key::new(KEY), &id, item, [nonce; 24]).unwrap()
}

/// An hour of March, six times as fast as the November it is played in.
pub fn drill() -> Tape {
    let mut tape = Tape::new(Mode::Exercise);
    tape.sim = Some((at("2027-03-05T16:40:00Z"), 6));
    beginning(&mut tape);
    clocks(&mut tape);
    messages(&mut tape);
    steps(&mut tape);
    ending(&mut tape);
    tape
}

fn beginning(tape: &mut Tape) {
    let policy_yaml = "people: {}\n".to_owned();
    let pin = LibraryPin {
        source: "/srv/runbooks".to_owned(),
        commit: COMMIT.to_owned(),
        branch: Some("main".to_owned()),
        author: "Erin Evans <erin@example.org>".to_owned(),
        date: DateTime::parse_from_rfc3339("2026-11-02T09:15:00+01:00").unwrap(),
        subject: "Drop replicas".to_owned(),
    };
    let begun = IncidentStarted {
        title: "The replica answers with old data".to_owned(),
        severity: Severity::Sev3,
        reference: None,
        alert: None,
        library: pin,
        policy: PinnedPolicy {
            commit: COMMIT.to_owned(),
            sha256: policy_digest(&policy_yaml, ""),
        },
        policy_yaml,
        allowed_signers: String::new(),
    };
    tape.add("alice", 0, begun);
    let script = Item::Script {
        path: "runbooks/scenarios/old-replica.yaml".to_owned(),
        text: "kind: scenario\nid: old-replica\n".to_owned(),
    };
    let started = ExerciseStarted {
        title: "A replica that lies | <b>".to_owned(),
        form: "functional".to_owned(),
        briefing: "You are on call for the store.\n".to_owned(),
        code_word: "no duff".to_owned(),
        abort: vec!["somebody says no duff".to_owned()],
        clock: SimClock {
            sim: at("2027-03-05T16:40:00Z"),
            scale: 6_000,
            paused: false,
        },
        length: 5_400,
        script: sealed(1, &script),
    };
    tape.add("alice", 0, started);
    for (who, role) in [("alice", "facilitator"), ("erin", "evaluator")] {
        let (who, role) = (principal(who), Role::from(role));
        tape.add("alice", 0, RoleAssigned { who, role });
    }
    let run = RunStarted {
        run: RunId::new("drop-it").unwrap(),
        runbook: PinnedRunbook {
            id: RunbookId::from("drop-it"),
            commit: COMMIT.to_owned(),
            path: "runbooks/drop-it.yaml".to_owned(),
            sha256: Digest::of(BOOK.as_bytes()),
            text: BOOK.to_owned(),
            authors: BTreeMap::new(),
        },
        uses: Vec::new(),
        inputs: BTreeMap::new(),
        secrets: Vec::new(),
        parent: None,
    };
    tape.add("alice", 0, run);
}

fn clocks(tape: &mut Tape) {
    let changes = [
        (ClockChange::Move, Some("first-hour"), false),
        (ClockChange::Paused, None, true),
        (ClockChange::Resumed, None, false),
        (ClockChange::Scaled, None, false),
        (ClockChange::Ahead, None, true),
        (ClockChange::Back, Some("first-hour"), true),
        (ClockChange::Resumed, None, false),
    ];
    for (change, to, paused) in changes {
        let clock = SimClock {
            sim: tape.sim.unwrap().0,
            scale: 6_000,
            paused,
        };
        let to = to.map(str::to_owned);
        tape.add("alice", 0, ExerciseClock { change, clock, to });
    }
}

fn messages(tape: &mut Tape) {
    let means = [
        Means::Alert,
        Means::Email,
        Means::Phone,
        Means::Chat,
        Means::Log,
        Means::News,
        Means::Regulator,
    ];
    for (number, means) in means.into_iter().enumerate() {
        let is_alert = means == Means::Alert;
        let due = is_alert.then_some(at("2027-03-05T16:40:00Z"));
        let attachment = || Attachment {
            name: "finding.json".to_owned(),
            text: "{\"lag\": 3600}\n".to_owned(),
        };
        let to: &[&str] = if is_alert { &["ops", "comms"] } else { &[] };
        let inject = ExerciseInjected {
            inject: format!("message-{}", number + 1),
            title: "The pager rings".to_owned(),
            means,
            from: "monitoring".to_owned(),
            to: to.iter().copied().map(str::to_owned).collect(),
            message: "The replica is an hour behind\u{202e}.\nSince when?".to_owned(),
            attachments: is_alert.then(attachment).into_iter().collect(),
            due,
        };
        tape.add("alice", 10, inject);
    }
}

fn steps(tape: &mut Tape) {
    let milestone = Milestone::Acknowledged;
    tape.add("bob", 30, MilestoneReached { milestone });
    let refused = ExerciseRefused {
        step: Some(step("drop", 1)),
        what: "the checkpoint of drop asks for 1 approver".to_owned(),
    };
    tape.add("bob", 5, refused);
    let refused = ExerciseRefused {
        step: None,
        what: "the incident is open".to_owned(),
    };
    tape.add("bob", 5, refused);
    let made = record(step("drop", 1), "bob", Purpose::Run);
    let site = Site {
        cwd: made.exec.cwd,
        host: made.exec.host,
        run_as: made.exec.run_as,
        executor: made.executor,
        files: BTreeMap::new(),
    };
    let state = folded(tape);
    let key = StepKey {
        run: step("drop", 1).run,
        step: StepId::from("drop"),
    };
    let found = find(&state, &key).unwrap();
    let now = tape.sim.unwrap().0;
    let record = make(found, Purpose::Run, &BTreeMap::new(), &site, now).unwrap();
    let out_of_order = true;
    tape.add(
        "bob",
        20,
        StepStarted {
            record,
            out_of_order,
        },
    );
    for (purpose, exit, refused) in [
        (Purpose::Run, Some(255), None),
        (Purpose::DryRun, None, None),
        (Purpose::RollBack, None, Some("nobody wrote that down")),
    ] {
        let log = || GivenLog {
            name: "replica".to_owned(),
            text: "17:40 lag 3600\n".to_owned(),
        };
        let answer = ExerciseAnswered {
            step: step("drop", 1),
            purpose,
            exit,
            output: exit.map_or("", |_| "permission denied\n").to_owned(),
            logs: (purpose == Purpose::DryRun).then(log).into_iter().collect(),
            refused: refused.map(str::to_owned),
        };
        tape.add("alice", 4, answer);
    }
    let mut finished = tape.finished(step("drop", 1), 20, Outcome::Failed, 255);
    finished.problem = Some("exit 255, expected 0".to_owned());
    tape.add("bob", 1, finished);
}

/// One of each kind that is sealed after the beginning.
fn items() -> [Item; 4] {
    [
        Item::Skipped {
            inject: "press".to_owned(),
            reason: None,
        },
        Item::Verdict {
            expectation: "asked-second".to_owned(),
            verdict: Verdict::NotReached,
            reason: "the page came late".to_owned(),
        },
        Item::Rating {
            objective: "contain".to_owned(),
            rating: Rating::S,
            reason: None,
        },
        Item::Remark {
            about: None,
            kind: RemarkKind::Improvement,
            text: "Nobody told support".to_owned(),
            recommend: Some("Put it into the runbook".to_owned()),
        },
    ]
}

fn ending(tape: &mut Tape) {
    for (nonce, item) in (2..).zip(items()) {
        let who = if nonce == 2 { "alice" } else { "erin" };
        let sealed = sealed(nonce, &item);
        tape.add(who, 60, ExerciseSealed { sealed });
    }
    let ended = ExerciseEnded {
        aborted: false,
        reason: None,
        key: Key::new(KEY).hex(),
    };
    tape.add("alice", 30, ended);
    for question in [None, Some("What went well?".to_owned())] {
        let text = "We asked a second person.".to_owned();
        tape.add("bob", 40, ExerciseFeedback { question, text });
    }
}

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/record-format.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn it_reads_as_it_was_written_and_nothing_in_it_is_flagged() {
    let tape = drill();
    let lines: String = tape.lines.iter().map(|line| format!("{line}\n")).collect();
    golden("record/exercise-1.jsonl", &lines);
    for (line, event) in lines.lines().zip(&tape.events) {
        assert_eq!(&Event::read(line).unwrap(), event.as_ref());
        assert_eq!(event.mode, Mode::Exercise);
        assert!(event.sim_time.is_some());
    }
    let flags = folded(&tape).flags;
    assert!(flags.is_empty(), "{flags:#?}");
}

#[test]
fn every_member_of_every_fact_of_it_is_described() {
    let document = document();
    for event in &drill().events {
        let kind = event.fact.kind();
        let from = document.find(&format!("\n### `{kind}`\n")).unwrap();
        let section = &document[from + 5..];
        let section = &section[..section.find("\n##").unwrap()];
        let data = event.fact.data().unwrap();
        for (member, value) in data.as_object().unwrap() {
            assert!(
                section.contains(&format!("| `{member}` |")),
                "{kind}: {member}"
            );
            let form = match member.as_str() {
                "clock" => "**Simulated clock**",
                "attachments" => "**Attachment**",
                "logs" => "**given log**",
                "script" | "sealed" => "**Sealed**",
                _ => continue,
            };
            let value = value.as_array().map_or(Some(value), |all| all.first());
            let members = value.and_then(Value::as_object).into_iter().flatten();
            let described = &document[document.find(form).unwrap()..];
            for (member, _) in members {
                let place = described.find(&format!("`{member}`"));
                assert!(place.is_some_and(|at| at < 900), "{form}: {member}");
            }
        }
    }
}

/// As the document has it, with the cipher of a library and nothing else.
#[test]
fn what_is_sealed_is_opened_as_the_document_says() {
    let document = document();
    let tape = drill();
    let key = tape.events.iter().find_map(|event| match &event.fact {
        Fact::ExerciseEnded(fact) => Some(fact.key.clone()),
        _ => None,
    });
    let cipher = XChaCha20Poly1305::new(&KEY.into());
    assert_eq!(key, Some("07".repeat(32)));
    let table = &document[document.find("| item | members |").unwrap()..];
    let mut kinds = Vec::new();
    for event in &tape.events {
        let sealed = match &event.fact {
            Fact::ExerciseStarted(fact) => &fact.script,
            Fact::ExerciseSealed(fact) => &fact.sealed,
            _ => continue,
        };
        let nonce: Vec<u8> = (0..24)
            .map(|at| u8::from_str_radix(&sealed.nonce[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let payload = Payload {
            msg: &Base64::decode_vec(&sealed.text).unwrap(),
            aad: event.incident.as_str().as_bytes(),
        };
        let plain = cipher.decrypt(nonce.as_slice().into(), payload).unwrap();
        let item: Value = serde_json::from_slice(&plain).unwrap();
        let (kind, members) = item.as_object().unwrap().iter().next().unwrap();
        let row = format!("| `{kind}` | ");
        let described = table.lines().find(|line| line.starts_with(&row));
        let described = described.unwrap_or_else(|| panic!("{kind}"));
        for member in members.as_object().unwrap().keys() {
            assert!(
                described.contains(&format!("`{member}`")),
                "{kind}: {member}"
            );
        }
        kinds.push(kind.clone());
    }
    assert_eq!(kinds, ["script", "skipped", "verdict", "rating", "remark"]);
    let example = serde_json::to_string(&sealed(2, &items()[0])).unwrap();
    let plain = serde_json::to_string(&items()[0]).unwrap();
    for words in [example, plain, "07".repeat(32)] {
        assert!(document.contains(&words), "{words}");
    }
}

/// The words of a commit, from a program that knows only the document.
#[test]
fn the_other_verifier_says_every_sentence_alike() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let system = Path::new("/usr/bin/python3");
    let python = if system.exists() {
        system
    } else {
        Path::new("python3")
    };
    let script = "import sys; sys.path.insert(0, sys.argv[1]); from forms import Forms; from words import sentence\n\
        forms = Forms(sys.argv[2])\n\
        for line in open(sys.argv[3], 'rb'): print(sentence(forms.event(line.rstrip(b'\\n'))))";
    for (tape, name) in [(story(Mode::Live), "version-1"), (drill(), "exercise-1")] {
        let done = Command::new(python)
            .args(["-B", "-c", script])
            .arg(root.join("tests/verifier"))
            .arg(root.join("docs/record-format.md"))
            .arg(root.join(format!("tests/golden/record/{name}.jsonl")))
            .env("PYTHONIOENCODING", "utf-8")
            .output()
            .unwrap_or_else(|error| panic!("this test needs python3: {error}"));
        let said = String::from_utf8(done.stdout).unwrap();
        let error = String::from_utf8_lossy(&done.stderr).into_owned();
        let ours: Vec<_> = tape.events.iter().map(|event| sentence(event)).collect();
        assert_eq!(said.lines().collect::<Vec<_>>(), ours, "{name}: {error}");
    }
}

#[test]
fn every_format_of_it_says_exercise() {
    let tape = drill();
    let timeline = project(&folded(&tape), &tape.events, Options::default());
    for (name, text) in every_format(&timeline) {
        assert!(text.to_lowercase().contains("exercise"), "{name}");
    }
    let (_, page) = every_format(&timeline).remove(1);
    assert!(page.contains("EXERCISE"));
}

/// By real clocks every entry of it is months ahead of when it was recorded.
#[test]
fn nothing_in_it_was_recorded_late_or_ahead() {
    let tape = drill();
    let timeline = project(&folded(&tape), &tape.events, Options::default());
    assert!(timeline.rows.iter().all(|row| row.late_ms.is_none()));
    let recording = &timeline.metrics.recording;
    assert_eq!((recording.late, recording.max_millis), (0, Some(0)));
    let calendar = every_format(&timeline)
        .into_iter()
        .find(|(name, _)| name.ends_with(".ics"));
    let (_, calendar) = calendar.unwrap();
    assert!(!calendar.replace("\r\n ", "").contains("recorded 2026"));
    let reached = timeline.header.milestones;
    let acknowledged = reached
        .iter()
        .find(|one| one.milestone == Milestone::Acknowledged)
        .unwrap();
    assert_eq!(acknowledged.at.to_utc(), acknowledged.recorded_at);
    let (_, known) = as_of(&tape.events, at("2027-03-05T16:41:00Z"));
    assert_eq!(known.len(), 13, "what came in the first simulated minute");
}

#[test]
fn a_simulated_time_says_nothing_in_a_live_incident() {
    let mut tape = Tape::new(Mode::Live);
    tape.sim = Some((at("2027-03-05T16:40:00Z"), 1));
    let occurred = tape.now().fixed_offset();
    let note = NoteAdded {
        text: "now".to_owned(),
        step: None,
        details: None,
    };
    tape.dated("bob", occurred, Fidelity::Exact, note);
    let row = row(&tape.events[0], Options::default());
    assert_eq!(row.sim_time, None);
    assert_eq!(row.told_at(), row.recorded_at);
    assert_eq!(row.late_ms, None);
    assert!(row.told_at() - row.occurred_at.to_utc() < TimeDelta::seconds(1));
}

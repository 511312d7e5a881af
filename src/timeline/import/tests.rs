//! What is brought in, what is passed over, and that nothing comes twice.

use std::collections::BTreeMap;

use super::*;
use crate::engine::details::Tlp;
use crate::engine::sentence::Class;

fn source<'a>(text: &'a str, people: &'a BTreeMap<String, String>) -> Source<'a> {
    Source {
        name: "dir/file",
        bytes: text.as_bytes(),
        people,
    }
}

fn read_text(format: Format, text: &str) -> Result<Read, Skipped> {
    read(format, source(text, &BTreeMap::new()))
}

fn skipped(read: &Read) -> Vec<(u64, u64, &str)> {
    read.skipped
        .iter()
        .map(|one| (one.place.line, one.place.column, one.why.as_str()))
        .collect()
}

#[test]
fn a_table_is_read_by_the_names_of_its_columns() {
    let table = "Time,Who,What,Tags,TLP\n\
        2026-11-23 13:40,bob,\"first, page\",a|b,amber\n\
        later,bob,x,,\n\
        2026-11-23T13:41:00Z,bob,y,,purple\n\
        2026-11-23T13:42:00Z,bob,,,\n\
        2026-11-23T13:43:00Z,bob,'=1+1,,\n";
    let read = read_text(Format::Csv, table).unwrap();
    assert_eq!(read.entries.len(), 2);
    let first = &read.entries[0];
    assert_eq!((first.text.as_str(), first.position), ("first, page", 1));
    assert_eq!(first.fidelity, Fidelity::Minute);
    assert_eq!(first.details.tags.add, ["a", "b"]);
    assert_eq!(first.details.tlp, Some(Tlp::Amber));
    assert_eq!(read.entries[1].text, "=1+1");
    assert_eq!(
        skipped(&read),
        [
            (3, 1, "`later` is no time"),
            (4, 5, "`purple` is not a TLP marking"),
            (5, 1, "it has no text"),
        ]
    );
}

#[test]
fn a_table_without_a_time_says_what_it_could_be_called() {
    let wrong = read_text(Format::Csv, "a,text\n1,2\n").unwrap_err();
    assert!(
        wrong
            .why
            .starts_with("no column with a time: one is to be called occurred_at, time")
    );
}

#[test]
fn lines_and_arrays_of_objects_are_read() {
    let lines =
        "{\"time\": 1764077460, \"message\": \"up\", \"tags\": [\"a\"]}\n\n{\"time\": 1\n[1]\n";
    let read = read_text(Format::Jsonl, lines).unwrap();
    assert_eq!(read.entries.len(), 1);
    assert_eq!(read.entries[0].details.tags.add, ["a"]);
    assert_eq!(
        read.skipped[0].place,
        Place {
            line: 3,
            column: 10
        }
    );
    assert_eq!(read.skipped[1].why, "it is no object");

    let array = "[\n  {\"at\": \"2026-11-23T13:40:00Z\", \"text\": \"x\"},\n  {\"text\": \"y\"}\n]";
    let read = read_text(Format::Json, array).unwrap();
    assert_eq!(read.entries[0].place, Place { line: 2, column: 3 });
    assert_eq!(skipped(&read), [(3, 3, "it has no time")]);
    assert!(read_text(Format::Json, "{}").is_err());
}

#[test]
fn messages_of_slack_have_names_and_no_marks() {
    let users = br#"[{"id": "U1", "name": "carol", "real_name": "Carol Chu"}, {"id": "U2", "name": "bob"}]"#;
    let people = slack::people(users);
    let chat = r#"[
        {"type": "message", "ts": "1764077460.000100", "user": "U1", "text": "<@U2> see <https://x.example/a|the graph> &amp; <#C1|ops> &lt;b&gt; <!here>"},
        {"type": "message", "subtype": "channel_join", "ts": "1764077461.000100", "user": "U2", "text": "joined"},
        {"type": "message", "ts": "soon", "user": "U2", "text": "x"},
        {"type": "message", "ts": "1764077462.000100", "user": "U9", "text": "y", "edited": {"ts": "1"}}
    ]"#;
    let read = read(Format::Slack, source(chat, &people)).unwrap();
    let said: Vec<_> = read
        .entries
        .iter()
        .map(|entry| (entry.person.as_deref().unwrap(), entry.text.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (
                "Carol Chu",
                "@bob see the graph (https://x.example/a) & #ops <b> @here"
            ),
            ("U9", "y (edited)")
        ]
    );
    assert_eq!(read.entries[0].details.class, Some(Class::Comms));
    assert_eq!(
        skipped(&read),
        [
            (3, 9, "nobody said it: channel_join"),
            (4, 9, "`soon` is no time")
        ]
    );
}

#[test]
fn what_is_no_text_is_refused_with_its_place() {
    let bytes = b"time,text\n2026\xff";
    let people = BTreeMap::new();
    let wrong = read(
        Format::Csv,
        Source {
            name: "x",
            bytes,
            people: &people,
        },
    )
    .unwrap_err();
    assert_eq!(wrong.place, Place { line: 2, column: 5 });
}

#[test]
fn what_the_record_would_refuse_is_passed_over() {
    let table = "time,text,technique\n2026-11-23T13:40:00Z,x,T1\n";
    let people = BTreeMap::new();
    let source = source(table, &people);
    let plan = plan(read(Format::Csv, source).unwrap(), source, &[]);
    assert!(plan.told.is_empty());
    assert!(plan.skipped[0].why.contains("no ATT&CK technique"));
}

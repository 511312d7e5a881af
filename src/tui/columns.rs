//! Lines that are JSON objects, in columns: which keys there are, and what stands under each. Knows nothing of screens.

use serde_json::Value;

use crate::logs::view::page::Row;

/// Keys that come first where they are there, in this order; the others follow by how often they are there.
const FIRST: [&str; 16] = [
    "ts",
    "time",
    "timestamp",
    "@timestamp",
    "level",
    "severity",
    "lvl",
    "logger",
    "host",
    "msg",
    "message",
    "error",
    "err",
    "status",
    "method",
    "path",
];

/// So many columns at first.
const MOST: usize = 8;

/// The object a line is, if it is one.
#[must_use]
pub fn object(row: &Row) -> Option<Value> {
    if row.more || row.skipped > 0 || !row.bytes.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    serde_json::from_slice(&row.bytes)
        .ok()
        .filter(Value::is_object)
}

/// The keys of these lines that make good columns.
#[must_use]
pub fn keys<'r>(rows: impl Iterator<Item = &'r Row>) -> Vec<String> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for object in rows.filter_map(object) {
        for key in object.as_object().into_iter().flat_map(|map| map.keys()) {
            match counts.iter_mut().find(|(known, _)| known == key) {
                Some((_, count)) => *count += 1,
                None => counts.push((key.clone(), 1)),
            }
        }
    }
    let rank = |key: &str| {
        FIRST
            .iter()
            .position(|first| *first == key)
            .unwrap_or(FIRST.len())
    };
    counts.sort_by_key(|(key, count)| (rank(key), std::cmp::Reverse(*count)));
    counts.truncate(MOST);
    counts.into_iter().map(|(key, _)| key).collect()
}

/// What stands under a key, or under one in another: `http.status`.
#[must_use]
pub fn cell(object: &Value, key: &str) -> String {
    let found = object.get(key).or_else(|| {
        key.split('.')
            .try_fold(object, |inner, part| inner.get(part))
    });
    match found {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::view::page::At;

    fn row(text: &str) -> Row {
        Row {
            at: At { log: 0, start: 0 },
            end: 0,
            number: None,
            skipped: 0,
            bytes: text.as_bytes().to_vec(),
            more: false,
            hits: Vec::new(),
            stamp: None,
            marked: false,
        }
    }

    #[test]
    fn known_keys_come_first_and_others_by_how_often_they_are_there() {
        let rows = [
            row(r#"{"zone":1,"msg":"a","ts":"t","user":"x"}"#),
            row(r#"{"msg":"b","user":"y"}"#),
            row("no json"),
            row("{broken"),
        ];
        assert_eq!(keys(rows.iter()), ["ts", "msg", "user", "zone"]);
    }

    #[test]
    fn what_lies_deeper_is_found_by_its_path() {
        let object = object(&row(r#"{"a":{"b":[1,2]},"c.d":"x","n":null}"#)).unwrap();
        assert_eq!(cell(&object, "a.b"), "[1,2]");
        assert_eq!(cell(&object, "c.d"), "x");
        assert_eq!(cell(&object, "n"), "");
        assert_eq!(cell(&object, "a.x.y"), "");
    }
}

//! What a hostile writer makes of an honest record, from a flipped byte to everything re-hashed and signed anew.

use std::collections::BTreeMap;

use runsheet::engine::ids::IncidentId;
use runsheet::evidence::{Digest, canonical};
use runsheet::journal::commit::Objects;
use serde_json::{Value, json};
use ssh_key::SshSig;

use super::both::Case;
use super::chance::Chance;
use super::drill;
use super::world::{World, key_of, sign_in};

/// A record as text: each line with the file it is in, in an order in which every event follows what it cites.
#[derive(Clone)]
pub struct Tape {
    pub incident: IncidentId,
    files: Vec<String>,
    lines: Vec<Vec<u8>>,
    /// Bytes behind the last whole line of a file.
    torn: BTreeMap<String, Vec<u8>>,
}

impl Tape {
    pub fn of(world: &World) -> Self {
        let files = world
            .events
            .iter()
            .map(|event| event.writer.to_string())
            .collect();
        Self {
            incident: world.incident.clone(),
            files,
            lines: world
                .lines
                .iter()
                .map(|line| line.clone().into_bytes())
                .collect(),
            torn: BTreeMap::new(),
        }
    }

    pub fn segments(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for (file, line) in self.files.iter().zip(&self.lines) {
            let bytes = files.entry(file.clone()).or_default();
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        for (file, rest) in &self.torn {
            files
                .entry(file.clone())
                .or_default()
                .extend_from_slice(rest);
        }
        files
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines
            .iter()
            .map(|line| String::from_utf8(line.clone()).unwrap())
            .collect()
    }

    fn values(&self) -> Vec<Value> {
        self.lines
            .iter()
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    /// With these events instead, each in the file of its writer.
    fn with(&self, values: &[Value]) -> Self {
        Self {
            incident: self.incident.clone(),
            files: values
                .iter()
                .map(|value| value["writer"].as_str().unwrap_or_default().to_owned())
                .collect(),
            lines: values
                .iter()
                .map(|value| {
                    canonical::to_string(value)
                        .unwrap_or_else(|_| value.to_string())
                        .into_bytes()
                })
                .collect(),
            torn: BTreeMap::new(),
        }
    }
}

/// What is done to the git objects of one event, or to the references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GitTrick {
    Message,
    Header,
    Author,
    Entry,
    Newline,
    Parents,
    Lost,
    Behind,
    Mistaken,
}

const TRICKS: [GitTrick; 9] = [
    GitTrick::Message,
    GitTrick::Header,
    GitTrick::Author,
    GitTrick::Entry,
    GitTrick::Newline,
    GitTrick::Parents,
    GitTrick::Lost,
    GitTrick::Behind,
    GitTrick::Mistaken,
];

impl GitTrick {
    pub fn on(self, objects: &mut Objects) {
        let text = String::from_utf8(objects.commit.clone()).unwrap();
        let changed = match self {
            Self::Message => text.replace("\n\nEvent:", " indeed\n\nEvent:"),
            Self::Header => text.replacen("\ncommitter", "\nencoding UTF-8\ncommitter", 1),
            Self::Author => text.replacen("author ", "author x", 1),
            Self::Entry => {
                objects.tree = [&b"100755 event.json\0"[..], objects.blob_id.as_bytes()].concat();
                text
            }
            Self::Newline => {
                objects.blob.pop();
                text
            }
            _ => return,
        };
        let id = |kind, bytes: &[u8]| git2::Oid::hash_object(kind, bytes).unwrap();
        let (old_blob, old_tree) = (objects.blob_id, objects.tree_id);
        objects.blob_id = id(git2::ObjectType::Blob, &objects.blob);
        if old_blob != objects.blob_id {
            objects.tree = [&b"100644 event.json\0"[..], objects.blob_id.as_bytes()].concat();
        }
        objects.tree_id = id(git2::ObjectType::Tree, &objects.tree);
        objects.commit = changed
            .replace(&old_tree.to_string(), &objects.tree_id.to_string())
            .into_bytes();
        objects.id = id(git2::ObjectType::Commit, &objects.commit);
    }
}

/// How much a forger computes anew behind the change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    /// Digests and chains.
    Envelope,
    /// And every event named in a fact.
    Facts,
    /// And every statement, signed anew with the same key: everybody is in on it.
    Statements,
}

/// A record that was tampered with, in one of many ways.
pub fn broken(name: &str, tape: Tape, chance: &mut Chance) -> Case {
    let (how, made) = match chance.below(23) {
        0 => raw(tape, chance),
        1 => return in_git(name, tape, chance),
        2..=7 => field(tape, chance),
        8..=12 => statement(tape, chance),
        13..=14 => signature(tape, chance),
        15..=16 => replayed(tape, chance),
        17 => left_out(tape, chance),
        18 => unseen(tape, chance),
        19..=21 => made_up(tape, chance),
        _ => cut(tape, chance),
    };
    if made.lines.is_empty() {
        return Case::segments(format!("{name}: nothing is left"), tape_of_one(&made));
    }
    let name = format!("{name}: {how}");
    let readable = made
        .lines
        .iter()
        .all(|line| std::str::from_utf8(line).is_ok_and(is_event));
    if chance.percent(15) && readable && made.torn.is_empty() {
        Case::git(name, made, None)
    } else {
        Case::segments(name, made)
    }
}

/// Something wrong with what is signed, or with a signature.
pub fn signed_wrong(name: &str, tape: Tape, chance: &mut Chance) -> Case {
    let (how, made) = if chance.percent(50) {
        statement(tape, chance)
    } else {
        signature(tape, chance)
    };
    Case::segments(format!("{name}: {how}"), made)
}

/// A segment in which there is no event.
fn tape_of_one(made: &Tape) -> Tape {
    let mut tape = made.clone();
    tape.torn.insert("0".repeat(32), b"{".to_vec());
    tape
}

fn is_event(line: &str) -> bool {
    runsheet::engine::event::Event::read(line).is_ok()
}

fn in_git(name: &str, tape: Tape, chance: &mut Chance) -> Case {
    let trick = *chance.one(&TRICKS);
    let at = chance.below(tape.lines.len());
    Case::git(
        format!("{name}: {trick:?} at {at}"),
        tape,
        Some((at, trick)),
    )
}

/// Bytes and lines, with no digest computed anew.
fn raw(mut tape: Tape, chance: &mut Chance) -> (String, Tape) {
    let at = chance.below(tape.lines.len());
    let how = match chance.below(5) {
        0 => {
            tape.lines.remove(at);
            tape.files.remove(at);
            "deleted"
        }
        1 => {
            let file = tape.files[at].clone();
            let next = (at + 1..tape.lines.len()).find(|next| tape.files[*next] == file);
            tape.lines.swap(at, next.unwrap_or(at));
            "swapped with the next"
        }
        2 => {
            let place = chance.below(tape.lines[at].len());
            tape.lines[at][place] ^= 1 << chance.below(8);
            // A line feed made by this cuts the line in two.
            "one bit flipped"
        }
        3 => {
            let (line, file) = (tape.lines[at].clone(), tape.files[at].clone());
            tape.lines.insert(at, line);
            tape.files.insert(at, file);
            "twice"
        }
        _ => {
            let file = chance.one(&tape.files).clone();
            tape.files[at] = file;
            "in another file"
        }
    };
    (format!("line {at} {how}"), tape)
}

/// The end of a segment cut off, at a line or within one.
fn cut(mut tape: Tape, chance: &mut Chance) -> (String, Tape) {
    let file = chance.one(&tape.files).clone();
    let of_file: Vec<usize> = (0..tape.files.len())
        .filter(|at| tape.files[*at] == file)
        .collect();
    let from = chance.below(of_file.len());
    let half = tape.lines[of_file[from]].clone();
    for at in of_file[from..].iter().rev() {
        tape.lines.remove(*at);
        tape.files.remove(*at);
    }
    if chance.percent(50) {
        let end = chance.below(half.len());
        tape.torn.insert(file.clone(), half[..end].to_vec());
    }
    (format!("cut before line {from} of {file}"), tape)
}

/// All the leaves of a value, as pointers.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(inner, &format!("{path}/{name}"), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, inner) in items.iter().enumerate() {
                leaves(inner, &format!("{path}/{index}"), found);
            }
            found.push(path.to_owned());
        }
        _ => found.push(path.to_owned()),
    }
}

fn other(old: &Value, name: &str, all: &[Value], chance: &mut Chance) -> Value {
    if chance.percent(50) {
        let mut same = Vec::new();
        for event in all {
            let mut paths = Vec::new();
            leaves(event, "", &mut paths);
            same.extend(
                paths
                    .into_iter()
                    .filter(|path| path.rsplit('/').next() == Some(name))
                    .filter_map(|path| event.pointer(&path).cloned())
                    .filter(|value| value != old),
            );
        }
        if !same.is_empty() {
            return chance.one(&same).clone();
        }
    }
    match old {
        Value::String(text) => {
            let mut chars: Vec<char> = text.chars().collect();
            match chance.below(4) {
                0 => chars.push(*chance.one(&['x', '\u{202e}', '\n', 'é', ' ', '0'])),
                1 => drop(chars.pop()),
                2 if !chars.is_empty() => {
                    let at = chance.below(chars.len());
                    chars[at] = if chars[at] == '1' { '2' } else { '1' };
                }
                _ => chars.clear(),
            }
            json!(chars.into_iter().collect::<String>())
        }
        Value::Number(number) => {
            let number = number.as_i64().unwrap_or(0);
            json!(*chance.one(&[number + 1, number - 1, 0, 1 << 40, 600]))
        }
        Value::Bool(so) => json!(!so),
        Value::Null => chance
            .one(&[json!("x"), json!(0), json!(true), json!([])])
            .clone(),
        Value::Array(items) => {
            let mut items = items.clone();
            match chance.below(3) {
                0 => drop(items.pop()),
                1 => items.reverse(),
                _ => items.extend(items.first().cloned()),
            }
            Value::Array(items)
        }
        Value::Object(_) => json!({"x": {"plain": "y"}}),
    }
}

/// One member changed, digests computed anew behind it.
fn field(tape: Tape, chance: &mut Chance) -> (String, Tape) {
    let mut values = tape.values();
    let at = chance.below(values.len());
    let mut paths = Vec::new();
    leaves(&values[at], "", &mut paths);
    paths.retain(|path| path != "/sha256");
    // The texts of the library are better changed seldom: nothing else is looked at then.
    let seldom = |path: &String| path.ends_with("policy_yaml") || path.ends_with("allowed_signers");
    if chance.percent(80) {
        paths.retain(|path| !seldom(path));
    }
    if chance.percent(60) {
        paths.retain(|path| path.starts_with("/data/"));
    }
    if paths.is_empty() {
        return raw(tape, chance);
    }
    let path = chance.one(&paths).clone();
    let old = values[at].pointer(&path).unwrap().clone();
    let name = path.rsplit('/').next().unwrap().to_owned();
    let new = other(&old, &name, &values, chance);
    let shown: String = new.to_string().chars().take(60).collect();
    *values[at].pointer_mut(&path).unwrap() = new;
    if chance.percent(10) {
        return (
            format!("{path} of event {at} is {shown}"),
            tape.with(&values),
        );
    }
    let care = care(chance);
    rechain(&mut values, care);
    (
        format!(
            "{path} of event {at} is {shown}, anew up to {}",
            care_word(care)
        ),
        tape.with(&values),
    )
}

fn care(chance: &mut Chance) -> Care {
    *chance.one(&[
        Care::Envelope,
        Care::Facts,
        Care::Statements,
        Care::Statements,
    ])
}

fn care_word(care: Care) -> &'static str {
    match care {
        Care::Envelope => "chains",
        Care::Facts => "facts",
        Care::Statements => "statements",
    }
}

const NAMES: [&str; 9] = [
    "alice",
    "alice.two",
    "bob",
    "carol",
    "carol.two",
    "dave",
    "erin",
    "mallory",
    "robin",
];

/// Whose key made a signature.
fn signer(signature: &str) -> &'static str {
    let Ok(signature) = SshSig::from_pem(signature) else {
        return "mallory";
    };
    let same = |name: &&&str| key_of(name).public_key().key_data() == signature.public_key();
    NAMES.iter().find(same).copied().unwrap_or("mallory")
}

/// A line of a statement changed, signed anew by the same person or by another.
fn statement(tape: Tape, chance: &mut Chance) -> (String, Tape) {
    let mut values = tape.values();
    let signed: Vec<usize> = (0..values.len())
        .filter(|at| values[*at]["data"]["signed"].is_object())
        .collect();
    if signed.is_empty() {
        return field(tape, chance);
    }
    let at = *chance.one(&signed);
    let text = values[at]["data"]["signed"]["statement"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
    let row = chance.below(rows.len());
    let others: Vec<String> = signed
        .iter()
        .filter_map(|other| values[*other]["data"]["signed"]["statement"].as_str())
        .filter_map(|text| text.lines().nth(row))
        .filter(|line| *line != rows[row])
        .map(str::to_owned)
        .collect();
    let name = rows[row].split(": ").next().unwrap().to_owned();
    rows[row] = match chance.below(8) {
        0..=3 if !others.is_empty() => chance.one(&others).clone(),
        0..=3 => format!("{name}: {}@example.org", chance.one(&NAMES)),
        4 => format!("{name}: -"),
        5 => format!("{name}: 2026-09-21T14:{:02}:00Z", chance.below(60)),
        6 => format!("{} ", rows[row]),
        _ => {
            let value = rows[row].replace('0', "1");
            if value == rows[row] {
                format!("{value}x")
            } else {
                value
            }
        }
    };
    let mut changed: String = rows.iter().map(|row| format!("{row}\n")).collect();
    match chance.below(20) {
        0 => changed = changed.replace('\n', "\r\n"),
        1 => changed.push_str("more: x\n"),
        2 => {
            changed.pop();
        }
        _ => {}
    }
    let (who, space) = whose(&values[at], chance);
    let made = sign_in(who, space, &changed);
    values[at]["data"]["signed"] =
        json!({"statement": made.statement, "signature": made.signature});
    rechain(&mut values, Care::Facts);
    (
        format!("`{}` in the statement of event {at}, by {who}", rows[row]),
        tape.with(&values),
    )
}

fn whose(event: &Value, chance: &mut Chance) -> (&'static str, &'static str) {
    let before = signer(
        event["data"]["signed"]["signature"]
            .as_str()
            .unwrap_or_default(),
    );
    let who = if chance.percent(75) {
        before
    } else {
        chance.one(&NAMES)
    };
    let (mine, not_mine) = match event["mode"].as_str() {
        Some("exercise") => ("exercise-approval.v1@runsheet", "approval.v1@runsheet"),
        _ => ("approval.v1@runsheet", "exercise-approval.v1@runsheet"),
    };
    let space = match chance.below(12) {
        0 => "git",
        1 => not_mine,
        _ => mine,
    };
    (who, space)
}

/// A signature damaged, or another's put in its place.
fn signature(tape: Tape, chance: &mut Chance) -> (String, Tape) {
    let mut values = tape.values();
    let signed: Vec<usize> = (0..values.len())
        .filter(|at| values[*at]["data"]["signed"].is_object())
        .collect();
    if signed.is_empty() {
        return field(tape, chance);
    }
    let (at, from) = (*chance.one(&signed), *chance.one(&signed));
    let how = match chance.below(4) {
        0 => {
            let other = values[from]["data"]["signed"]["signature"].clone();
            values[at]["data"]["signed"]["signature"] = other;
            "has the signature of another"
        }
        1 => {
            let other = values[from]["data"]["signed"].clone();
            values[at]["data"]["signed"] = other;
            "has the statement of another"
        }
        2 => {
            let text = values[at]["data"]["signed"]["statement"]
                .as_str()
                .unwrap()
                .to_owned();
            let (who, space) = whose(&values[at], chance);
            values[at]["data"]["signed"]["signature"] = json!(sign_in(who, space, &text).signature);
            "is signed by somebody else"
        }
        _ => {
            let text = values[at]["data"]["signed"]["signature"].as_str().unwrap();
            let mut bytes = text.as_bytes().to_vec();
            let place = chance.below(bytes.len());
            bytes[place] = *chance.one(b"ABCabc019+/=\n ");
            values[at]["data"]["signed"]["signature"] = json!(String::from_utf8_lossy(&bytes));
            "has a damaged signature"
        }
    };
    rechain(&mut values, Care::Facts);
    (format!("event {at} {how}"), tape.with(&values))
}

/// A fact recorded once more at the end, by the same person or by another.
fn replayed(tape: Tape, chance: &mut Chance) -> (String, Tape) {
    let mut values = tape.values();
    let at = 1 + chance.below(values.len().max(2) - 1);
    let Some(mut again) = values.get(at).cloned() else {
        return raw(tape, chance);
    };
    let last = chance.one(&values).clone();
    for member in [
        "writer", "person", "account", "host", "boot", "signed", "role",
    ] {
        again[member] = last[member].clone();
    }
    again["recorded_at"] = values.last().unwrap()["recorded_at"].clone();
    let place = chance.below(3);
    let mut heads: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for event in &values {
        let writer = event["writer"].as_str().unwrap().to_owned();
        heads.insert(
            writer,
            (
                event["seq"].as_u64().unwrap(),
                event["sha256"].as_str().unwrap().to_owned(),
            ),
        );
    }
    let mine = again["writer"].as_str().unwrap().to_owned();
    let (seq, prev) = heads.remove(&mine).unwrap();
    again["seq"] = json!(seq + 1);
    again["prev"] = json!(prev);
    let mut seen: Vec<String> = heads.into_values().map(|(_, id)| id).collect();
    seen.sort();
    again["seen"] = json!(if place == 0 { Vec::new() } else { seen });
    // A statement of its own, so that not only the nonce gives it away.
    if again["data"]["signed"].is_object() && chance.percent(70) {
        let text = again["data"]["signed"]["statement"].as_str().unwrap();
        let from = text.find("nonce: ").unwrap_or(0);
        let nonce = format!("nonce: {:016x}{:016x}\n", chance.next(), chance.next());
        let text = format!("{}{nonce}", &text[..from]);
        let who = signer(again["data"]["signed"]["signature"].as_str().unwrap());
        let (_, space) = whose(&again, chance);
        let made = sign_in(who, space, &text);
        again["data"]["signed"] = json!({"statement": made.statement, "signature": made.signature});
    }
    let person = again["person"].as_str().unwrap().to_owned();
    values.push(again);
    let end = values.len() - 1;
    rehash(&mut values[end]);
    (
        format!("event {at} recorded again by {person}"),
        tape.with(&values),
    )
}

/// A fact of an exercise, or a duty in it, by whoever likes; by one who knows all, or nothing but the genesis.
fn made_up(tape: Tape, chance: &mut Chance) -> (String, Tape) {
    let mut values = tape.values();
    let (kind, data) = drill::made_up(&values, chance);
    let mut event = chance.one(&values).clone();
    for member in ["recorded_at", "sim_time"] {
        event[member] = values.last().unwrap()[member].clone();
    }
    event["kind"] = json!(kind);
    event["data"] = data;
    let person = event["person"].as_str().unwrap().to_owned();
    let all = chance.percent(60);
    if all {
        let mut heads: BTreeMap<String, (Value, Value)> = BTreeMap::new();
        for one in &values {
            let writer = one["writer"].as_str().unwrap().to_owned();
            heads.insert(writer, (one["seq"].clone(), one["sha256"].clone()));
        }
        let mine = heads.remove(event["writer"].as_str().unwrap()).unwrap();
        event["seq"] = json!(mine.0.as_u64().unwrap() + 1);
        event["prev"] = mine.1;
        let mut seen: Vec<Value> = heads.into_values().map(|(_, id)| id).collect();
        seen.sort_by_key(Value::to_string);
        event["seen"] = json!(seen);
    } else {
        event["writer"] = json!(format!("{:016x}{:016x}", chance.next(), chance.next()));
        event["seq"] = json!(1);
        event["prev"] = Value::Null;
        event["seen"] = json!([values[0]["sha256"]]);
    }
    rehash(&mut event);
    // Where it comes before the script, the digest decides.
    values.insert(if all { values.len() } else { 1 }, event);
    let knows = if all { "all" } else { "only the genesis" };
    let how = format!("{kind} by {person}, who knows {knows}");
    (how, tape.with(&values))
}

/// An event left out, and everything behind it chained anew.
fn left_out(tape: Tape, chance: &mut Chance) -> (String, Tape) {
    let mut values = tape.values();
    let at = chance.below(values.len());
    let gone = values.remove(at);
    let (writer, id) = (gone["writer"].clone(), gone["sha256"].clone());
    for event in &mut values {
        if event["prev"] == id {
            event["prev"] = gone["prev"].clone();
        }
        if event["writer"] == writer && event["seq"].as_u64() > gone["seq"].as_u64() {
            event["seq"] = json!(event["seq"].as_u64().unwrap() - 1);
        }
        if let Some(seen) = event["seen"].as_array_mut()
            && seen.contains(&id)
        {
            seen.retain(|one| *one != id);
            if !gone["prev"].is_null() && !seen.contains(&gone["prev"]) {
                seen.push(gone["prev"].clone());
            }
        }
    }
    let care = care(chance);
    rechain(&mut values, care);
    (
        format!(
            "event {at} ({}) left out, anew up to {}",
            gone["kind"],
            care_word(care)
        ),
        tape.with(&values),
    )
}

/// An event that pretends not to have seen what the others did.
fn unseen(tape: Tape, chance: &mut Chance) -> (String, Tape) {
    let mut values = tape.values();
    let at = chance.below(values.len());
    if !values[at]["prev"].is_null() {
        values[at]["seen"] = json!([]);
    }
    let care = care(chance);
    rechain(&mut values, care);
    (
        format!(
            "event {at} has seen nothing, anew up to {}",
            care_word(care)
        ),
        tape.with(&values),
    )
}

fn rehash(event: &mut Value) -> String {
    event.as_object_mut().unwrap().remove("sha256");
    let text = canonical::to_string(event).unwrap_or_else(|_| event.to_string());
    let id = Digest::of(text.as_bytes()).to_string();
    event["sha256"] = json!(id);
    id
}

fn renamed(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = names.get(text.as_str()) {
                new.clone_into(text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| renamed(item, names)),
        Value::Object(members) => members.values_mut().for_each(|item| renamed(item, names)),
        _ => {}
    }
}

/// Computes every digest anew, from the front to the end.
fn rechain(values: &mut [Value], care: Care) {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut statements: BTreeMap<String, String> = BTreeMap::new();
    for event in values.iter_mut() {
        renamed(&mut event["prev"], &names);
        renamed(&mut event["seen"], &names);
        if let Some(seen) = event["seen"].as_array_mut() {
            seen.sort_by_key(Value::to_string);
        }
        if care != Care::Envelope {
            renamed(&mut event["data"], &names);
        }
        if care == Care::Statements && event["data"]["signed"].is_object() {
            sign_anew(event, &names, &statements);
        }
        let old = event["sha256"].as_str().unwrap_or_default().to_owned();
        let new = rehash(event);
        if let Some(text) = event["data"]["signed"]["statement"].as_str() {
            statements.insert(new.clone(), Digest::of(text.as_bytes()).to_string());
        }
        names.insert(old, new);
    }
}

fn list(member: &str, items: &Value) -> Option<String> {
    let mut items: Vec<String> = items
        .as_array()?
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect::<Option<_>>()?;
    items.sort();
    let object = BTreeMap::from([(member, items)]);
    Some(canonical::digest(&object).unwrap().to_string())
}

/// The statement made true again for what its event now says, and signed by the same person.
fn sign_anew(
    event: &mut Value,
    names: &BTreeMap<String, String>,
    statements: &BTreeMap<String, String>,
) {
    let data = &event["data"];
    let Some(text) = data["signed"]["statement"].as_str() else {
        return;
    };
    let who = signer(data["signed"]["signature"].as_str().unwrap_or_default());
    let mut fresh: BTreeMap<&str, Option<String>> = BTreeMap::new();
    fresh.insert("frontier", list("heads", &data["frontier"]));
    fresh.insert("heads", list("heads", &data["heads"]));
    fresh.insert("events", list("events", &data["events"]));
    let used = data["approvals"].as_array().map(|ids| {
        ids.iter()
            .filter_map(|id| statements.get(id.as_str()?).map(|digest| json!(digest)))
            .collect::<Vec<_>>()
    });
    fresh.insert(
        "consumes",
        used.and_then(|used| list("approvals", &Value::Array(used))),
    );
    if data["record"].is_object() {
        let of = |value: &Value| {
            canonical::digest(value)
                .ok()
                .map(|digest| digest.to_string())
        };
        fresh.insert("request", of(&data["record"]));
        fresh.insert("exec", of(&data["record"]["exec"]));
        fresh.insert("vars", of(&data["record"]["vars"]));
    }
    let mut changed = String::new();
    for row in text.lines() {
        let name = row.split(": ").next().unwrap_or_default();
        let value = match fresh.get(name).cloned().flatten() {
            Some(digest) if !row.ends_with(": -") => format!("{name}: {digest}"),
            _ => names
                .iter()
                .fold(row.to_owned(), |row, (old, new)| row.replace(old, new)),
        };
        changed.push_str(&value);
        changed.push('\n');
    }
    if changed == text {
        return;
    }
    let space = match event["mode"].as_str() {
        Some("exercise") => "exercise-approval.v1@runsheet",
        _ => "approval.v1@runsheet",
    };
    let made = sign_in(who, space, &changed);
    event["data"]["signed"] = json!({"statement": made.statement, "signature": made.signature});
}

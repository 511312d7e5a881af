//! The people of a library: who they are, adding one, removing one. The two files are edited line by line, so that
//! comments and order stay, and every edit is proven by reading both versions: nothing but that one entry differs.

use serde_json::{Map, Value};
use ssh_key::PublicKey;

use super::change::{Change, FileChange};
use super::tree::optional;
use super::{ALLOWED_SIGNERS, Blob, Library, LibraryError, POLICY, Pin};

/// Somebody to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// The short name in `policy.yaml`: `[a-z0-9][a-z0-9._-]*`.
    pub id: String,
    /// As people write it.
    pub name: String,
    /// Their principal, usually an address: `[a-z0-9._@+-]`.
    pub principal: String,
    /// A public key in one line, as in `id_ed25519.pub`.
    pub public_key_line: String,
    /// Unix accounts.
    pub accounts: Vec<String>,
    /// Their duties.
    pub roles: Vec<String>,
}

/// The roles of whoever is alone.
pub const EVERY_ROLE: [&str; 5] = ["commander", "operator", "approver", "scribe", "liaison"];

/// Somebody who is in the library.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Member {
    pub id: String,
    pub name: String,
    pub principals: Vec<String>,
    pub accounts: Vec<String>,
    pub roles: Vec<String>,
    /// Fingerprints of the keys that `allowed_signers` gives their principals.
    pub keys: Vec<String>,
}

/// The people of the library at that commit.
///
/// # Errors
/// When its policy cannot be read.
pub fn list(library: &Library, pin: &Pin) -> Result<Vec<Member>, LibraryError> {
    let policy = text(optional(library.read(pin, POLICY))?, POLICY)?.unwrap_or_default();
    let signers = text(
        optional(library.read(pin, ALLOWED_SIGNERS))?,
        ALLOWED_SIGNERS,
    )?;
    let lines: Vec<_> = signers.iter().flat_map(|text| text.lines()).collect();
    let people = people_of(&read_policy(&policy)?);
    Ok(people
        .into_iter()
        .map(|(id, value)| member(id, &value, &lines))
        .collect())
}

/// The change that adds a person.
///
/// # Errors
/// When the person is refused (in words), or a file cannot be edited safely.
pub fn add(library: &Library, person: &NewPerson) -> Result<Change, LibraryError> {
    let pin = library.pin()?;
    let policy = text(optional(library.read(&pin, POLICY))?, POLICY)?;
    let signers = text(
        optional(library.read(&pin, ALLOWED_SIGNERS))?,
        ALLOWED_SIGNERS,
    )?;
    let new_policy = add_to_policy(policy.as_deref().unwrap_or_default(), person)?;
    let new_signers = add_to_signers(signers.as_deref().unwrap_or_default(), person)?;
    let roles = person.roles.join(", ");
    Ok(Change {
        summary: format!("Add {} as {roles}", person.id),
        files: vec![
            file(POLICY, policy, new_policy),
            file(ALLOWED_SIGNERS, signers, new_signers),
        ],
        base: pin.commit,
    })
}

/// The change that removes a person and the keys of their principals.
///
/// # Errors
/// When there is no such person, nobody would be left, or a file cannot be edited safely.
pub fn remove(library: &Library, id: &str) -> Result<Change, LibraryError> {
    let pin = library.pin()?;
    let policy = text(optional(library.read(&pin, POLICY))?, POLICY)?.unwrap_or_default();
    let signers = text(
        optional(library.read(&pin, ALLOWED_SIGNERS))?,
        ALLOWED_SIGNERS,
    )?;
    let people = people_of(&read_policy(&policy)?);
    let Some(value) = people.get(id) else {
        return refused(format!("there is no person `{id}` in {POLICY}"));
    };
    let principals = strings(value, "principals");
    let mut files = vec![file(
        POLICY,
        Some(policy.clone()),
        remove_from_policy(&policy, id)?,
    )];
    if let Some(before) = signers {
        let after = remove_from_signers(&before, &principals);
        if after != before {
            files.push(file(ALLOWED_SIGNERS, Some(before), after));
        }
    }
    Ok(Change {
        summary: format!("Remove {id}"),
        files,
        base: pin.commit,
    })
}

/// The policy's text with the person in it.
pub(super) fn add_to_policy(policy: &str, person: &NewPerson) -> Result<String, LibraryError> {
    check(person)?;
    let before = read_policy(policy)?;
    let people = people_of(&before);
    if people.contains_key(&person.id) {
        return refused(format!("`{}` is a person of {POLICY} already", person.id));
    }
    let same = |value: &Value| {
        strings(value, "principals")
            .iter()
            .any(|it| it.eq_ignore_ascii_case(&person.principal))
    };
    if let Some((id, _)) = people.iter().find(|(_, value)| same(value)) {
        let words = format!(
            "the principal `{}` belongs to `{id}` already",
            person.principal
        );
        return refused(words);
    }
    let mut lines: Vec<String> = policy.lines().map(str::to_owned).collect();
    match lines.iter().position(|line| is_people(line)) {
        Some(at) => {
            let (place, indent) = end_of_block(&mut lines, at)?;
            lines.insert(place, entry(person, &indent));
        }
        None => {
            if lines.last().is_some_and(|line| !line.trim().is_empty()) {
                lines.push(String::new());
            }
            lines.push("people:".to_owned());
            lines.push(entry(person, "  "));
        }
    }
    let after = lines.join("\n") + "\n";
    let mut expected = people;
    expected.insert(person.id.clone(), as_value(person));
    prove(&before, &after, expected)
}

fn remove_from_policy(policy: &str, id: &str) -> Result<String, LibraryError> {
    let before = read_policy(policy)?;
    let mut people = people_of(&before);
    people.remove(id);
    if people.is_empty() {
        return refused(format!(
            "`{id}` is the last person: add somebody else first"
        ));
    }
    let mut lines: Vec<String> = policy.lines().map(str::to_owned).collect();
    let by_hand = || cannot_edit(&format!("take `{id}` out"));
    let start = lines
        .iter()
        .position(|line| is_people(line))
        .ok_or_else(by_hand)?;
    let names = [format!("{id}:"), format!("'{id}':"), format!("\"{id}\":")];
    let first = (start + 1..lines.len())
        .take_while(|at| is_inside(&lines[*at]))
        .find(|at| {
            let line = lines[*at].trim_start();
            names.iter().any(|name| line.starts_with(name.as_str()))
        })
        .ok_or_else(by_hand)?;
    let depth = indent_of(&lines[first]);
    let belongs = |line: &String| is_content(line) && indent_of(line) > depth;
    // Up to its last deeper line: comments after that are about whoever comes next.
    let last = (first + 1..lines.len())
        .take_while(|at| !is_content(&lines[*at]) || belongs(&lines[*at]))
        .filter(|at| belongs(&lines[*at]))
        .last()
        .unwrap_or(first);
    lines.drain(first..=last);
    prove(&before, &(lines.join("\n") + "\n"), people)
}

/// The signers' text with the person's key in it.
pub(super) fn add_to_signers(signers: &str, person: &NewPerson) -> Result<String, LibraryError> {
    check(person)?;
    let key = public_key(&person.public_key_line)?;
    for line in signers.lines() {
        if key_of(line).is_some_and(|it| it.key_data() == key.key_data()) {
            let whose = line.split_whitespace().next().unwrap_or_default();
            return refused(format!(
                "that key is in {ALLOWED_SIGNERS} already, for {whose}: one key is one person"
            ));
        }
    }
    let written = key
        .to_openssh()
        .map_err(|error| LibraryError::Refused(format!("the key cannot be written: {error}")))?;
    let gap = if signers.is_empty() || signers.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    Ok(format!("{signers}{gap}{} {written}\n", person.principal))
}

fn remove_from_signers(signers: &str, principals: &[String]) -> String {
    let mut text = String::with_capacity(signers.len());
    for line in signers.lines() {
        let trimmed = line.trim_start();
        let (whose, rest) = trimmed
            .split_once(char::is_whitespace)
            .unwrap_or((trimmed, ""));
        let bare = whose.trim_matches('"');
        let kept: Vec<&str> = bare
            .split(',')
            .filter(|one| !principals.iter().any(|it| it == one))
            .collect();
        let all = bare.split(',').count();
        if trimmed.starts_with('#') || trimmed.is_empty() || kept.len() == all {
            text.push_str(line);
        } else if kept.is_empty() {
            continue;
        } else {
            text.push_str(&format!("{} {rest}", kept.join(",")));
        }
        text.push('\n');
    }
    text
}

fn check(person: &NewPerson) -> Result<(), LibraryError> {
    let id = &person.id;
    let id_fits = id.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && id
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c));
    if !id_fits || id.len() > 64 {
        return refused(format!(
            "`{id}` is no short name: use a-z, 0-9, dot, dash, at most 64"
        ));
    }
    let usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._@+-".contains(c);
    let principal = &person.principal;
    if principal.is_empty() || principal.len() > 128 || !principal.chars().all(usual) {
        return refused(format!(
            "`{principal}` is no principal: use lower-case a-z, 0-9 and . _ @ + -, like an address"
        ));
    }
    let printable = |text: &String| {
        !text.trim().is_empty() && text.len() <= 200 && !text.chars().any(char::is_control)
    };
    if !printable(&person.name) {
        return refused("a name is needed, in one line".to_owned());
    }
    if !person.accounts.iter().all(printable) || !person.roles.iter().all(printable) {
        return refused("accounts and roles are words in one line".to_owned());
    }
    if person.roles.is_empty() {
        return refused(format!("`{id}` needs a role, for example approver"));
    }
    public_key(&person.public_key_line).map(drop)
}

fn public_key(line: &str) -> Result<PublicKey, LibraryError> {
    let line = line.trim();
    if line.contains("PRIVATE KEY") {
        return refused("that is a private key: give the file that ends in .pub".to_owned());
    }
    if line.len() > 16 << 10 || line.chars().any(char::is_control) {
        return refused("that is no public key in one line".to_owned());
    }
    PublicKey::from_openssh(line)
        .map_err(|error| LibraryError::Refused(format!("that is no SSH public key: {error}")))
}

/// The key of a line of `allowed_signers`, wherever its options end.
fn key_of(line: &str) -> Option<PublicKey> {
    if line.trim_start().starts_with('#') {
        return None;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    words
        .windows(2)
        .skip(1)
        .find_map(|pair| PublicKey::from_openssh(&pair.join(" ")).ok())
}

fn member(id: String, value: &Value, signers: &[&str]) -> Member {
    let principals = strings(value, "principals");
    let theirs = |line: &&&str| {
        let whose = line.split_whitespace().next().unwrap_or_default();
        whose
            .trim_matches('"')
            .split(',')
            .any(|one| principals.iter().any(|it| it == one))
    };
    let keys = signers
        .iter()
        .filter(theirs)
        .filter_map(|line| key_of(line))
        .map(|key| key.fingerprint(ssh_key::HashAlg::Sha256).to_string())
        .collect();
    Member {
        name: value["name"].as_str().unwrap_or(&id).to_owned(),
        accounts: strings(value, "accounts"),
        roles: strings(value, "roles"),
        keys,
        principals,
        id,
    }
}

fn text(blob: Option<Blob>, path: &str) -> Result<Option<String>, LibraryError> {
    let decode = |blob: Blob| {
        String::from_utf8(blob.bytes)
            .map_err(|_| LibraryError::Refused(format!("{path} is not UTF-8")))
    };
    blob.map(decode).transpose()
}

fn file(path: &str, before: Option<String>, after: String) -> FileChange {
    FileChange {
        path: path.to_owned(),
        before,
        after,
    }
}

fn read_policy(text: &str) -> Result<Value, LibraryError> {
    let nothing = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(nothing) {
        return Ok(Value::Object(Map::new()));
    }
    match serde_yaml::from_str::<Value>(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => refused(format!("{POLICY} is not a list of keys and values")),
        Err(error) => refused(format!("{POLICY} cannot be read: {error}")),
    }
}

fn people_of(policy: &Value) -> Map<String, Value> {
    policy["people"].as_object().cloned().unwrap_or_default()
}

fn strings(value: &Value, key: &str) -> Vec<String> {
    let items = value[key].as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The edited text, if reading it gives exactly the old policy with these people.
fn prove(before: &Value, after: &str, people: Map<String, Value>) -> Result<String, LibraryError> {
    let mut expected = before.clone();
    expected["people"] = Value::Object(people);
    if read_policy(after).is_ok_and(|found| found == expected) {
        Ok(after.to_owned())
    } else {
        Err(cannot_edit("make the change"))
    }
}

fn cannot_edit(what: &str) -> LibraryError {
    LibraryError::Refused(format!(
        "{POLICY} is written in a way that cannot be edited safely: {what} by hand and commit it"
    ))
}

fn refused<T>(words: String) -> Result<T, LibraryError> {
    Err(LibraryError::Refused(words))
}

fn is_people(line: &str) -> bool {
    line.strip_prefix("people:")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn is_content(line: &str) -> bool {
    let text = line.trim();
    !text.is_empty() && !text.starts_with('#')
}

/// Whether a line still belongs to a block whose key stands at the very left.
fn is_inside(line: &str) -> bool {
    !is_content(line) || line.starts_with(' ')
}

/// Where the next entry of the block that begins at `at` goes, and how far entries are indented. An empty `{}` is
/// opened up.
fn end_of_block(lines: &mut [String], at: usize) -> Result<(usize, String), LibraryError> {
    let rest = lines[at]["people:".len()..].trim().to_owned();
    let (value, comment) = rest.split_at(rest.find('#').unwrap_or(rest.len()));
    match value.trim() {
        "" => {}
        "{}" => {
            let gap = if comment.is_empty() { "" } else { " " };
            lines[at] = format!("people:{gap}{comment}");
        }
        _ => return Err(cannot_edit("add the person")),
    }
    let block = (at + 1..lines.len()).take_while(|line| is_inside(&lines[*line]));
    let entries: Vec<usize> = block.filter(|line| is_content(&lines[*line])).collect();
    let indent = entries.first().map_or(2, |first| indent_of(&lines[*first]));
    let place = entries.last().map_or(at + 1, |last| last + 1);
    Ok((place, " ".repeat(indent)))
}

fn entry(person: &NewPerson, indent: &str) -> String {
    let list = |items: &[String]| {
        let items: Vec<String> = items.iter().map(|item| scalar(item)).collect();
        format!("[{}]", items.join(", "))
    };
    let mut fields = vec![
        format!("name: {}", scalar(&person.name)),
        format!("principals: [{}]", scalar(&person.principal)),
    ];
    if !person.accounts.is_empty() {
        fields.push(format!("accounts: {}", list(&person.accounts)));
    }
    fields.push(format!("roles: {}", list(&person.roles)));
    format!("{indent}{}: {{{}}}", scalar(&person.id), fields.join(", "))
}

fn as_value(person: &NewPerson) -> Value {
    let mut value = serde_json::json!({
        "name": person.name,
        "principals": [person.principal],
        "roles": person.roles,
    });
    if !person.accounts.is_empty() {
        value["accounts"] = person.accounts.clone().into();
    }
    value
}

/// Plain where that cannot be read as anything else, else in single quotes.
fn scalar(text: &str) -> String {
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " ._@+-".contains(c))
        && !words.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

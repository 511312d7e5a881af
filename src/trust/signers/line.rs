//! One line of `allowed_signers`: principals, options, key, comment, by the rules of OpenSSH's `sshsig.c`.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use ssh_key::PublicKey;

use super::Signer;
use crate::trust::Principal;
use crate::trust::signature::accept;

/// Whatever stands in a key's place that is no option.
const KEY_KINDS: [&str; 7] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// What is wrong with a line, and where in it, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub column: usize,
    pub what: String,
}

/// Reads a line; `None` when it is blank or a comment. `notes` are about a line that counts all the same.
pub(super) fn parse(
    line: usize,
    text: &str,
    notes: &mut Vec<String>,
) -> Result<Option<Signer>, Wrong> {
    let whole = text;
    let text = text.trim_matches([' ', '\t', '\r']);
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let indent = whole.len() - whole.trim_start_matches([' ', '\t', '\r']).len();
    let column = |offset: usize| {
        let before = whole.get(..indent + offset).unwrap_or(whole);
        before.chars().count() + 1
    };
    let wrong = |offset: usize| {
        let column = column(offset);
        move |what| Wrong { column, what }
    };
    if let Some(at) = text.find(|c: char| c.is_control() && c != '\t') {
        return Err(wrong(at)(
            "holds control characters; take them out".to_owned(),
        ));
    }
    let (names, rest) = first_field(text).map_err(wrong(0))?;
    let principals = principals(&names).map_err(|(name, what)| {
        // In the list it stands as it is, quoted or not.
        wrong(text.find(name).unwrap_or(0))(what)
    })?;
    let after = text.len() - rest.len();
    let (options, rest) = split_options(rest).map_err(wrong(after))?;
    let key = read_key(rest).map_err(wrong(text.len() - rest.len()))?;
    let options = Options::parse(options, notes).map_err(wrong(after))?;
    Ok(Some(Signer {
        line,
        column: column(0),
        principals,
        key,
        namespaces: options.namespaces,
        valid_after: options.valid_after,
        valid_before: options.valid_before,
    }))
}

/// The principals, with or without quotes, and what follows.
fn first_field(text: &str) -> Result<(String, &str), String> {
    let end = text.find([' ', '\t', '"']).unwrap_or(text.len());
    let (head, tail) = text.split_at(end);
    let Some(quoted) = tail.strip_prefix('"') else {
        return Ok((head.to_owned(), skip_space(tail)));
    };
    let (inside, rest) = quoted
        .split_once('"')
        .ok_or("a quotation mark is not closed")?;
    Ok((format!("{head}{inside}"), skip_space(rest)))
}

fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

fn principals(list: &str) -> Result<Vec<Principal>, (&str, String)> {
    let mut found = Vec::new();
    for name in list.split(',') {
        if name.contains(['*', '?', '!']) {
            let what = format!(
                "`{}` is a pattern; name each principal, so that one line is one set of people",
                name.escape_debug()
            );
            return Err((name, what));
        }
        let principal = Principal::try_from(name).map_err(|error| (name, error.to_string()))?;
        if !found.contains(&principal) {
            found.push(principal);
        }
    }
    Ok(found)
}

/// The options, when there are some, and the key with its comment.
fn split_options(rest: &str) -> Result<(&str, &str), String> {
    if rest.is_empty() {
        return Err("has no key".to_owned());
    }
    let word = rest.split([' ', '\t']).next().unwrap_or_default();
    if KEY_KINDS.contains(&word) {
        return Ok(("", rest));
    }
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            ' ' | '\t' if !quoted => return Ok((&rest[..at], skip_space(&rest[at..]))),
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = c == '\\';
    }
    Err(if quoted {
        "a quotation mark is not closed".to_owned()
    } else {
        "has no key".to_owned()
    })
}

fn read_key(text: &str) -> Result<PublicKey, String> {
    let (kind, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let (digits, comment) = skip_space(rest)
        .split_once([' ', '\t'])
        .unwrap_or((skip_space(rest), ""));
    if kind.contains("-cert-") {
        return Err("is a certificate; list the key itself".to_owned());
    }
    if !KEY_KINDS.contains(&kind) {
        return Err(format!(
            "`{}` is no kind of key that is accepted; use ed25519, ecdsa, rsa, sk-ed25519 or sk-ecdsa",
            kind.chars().take(40).collect::<String>().escape_debug()
        ));
    }
    let mut key = PublicKey::from_openssh(&format!("{kind} {digits}"))
        .map_err(|_| "the key is not readable; copy the line of the .pub file".to_owned())?;
    accept(&key).map_err(|refused| refused.to_string())?;
    key.set_comment(comment.trim());
    Ok(key)
}

#[derive(Default)]
struct Options {
    namespaces: Option<String>,
    valid_after: Option<DateTime<Utc>>,
    valid_before: Option<DateTime<Utc>>,
}

impl Options {
    fn parse(text: &str, notes: &mut Vec<String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            rest = options.one(rest, notes)?;
            if !rest.is_empty() {
                rest = rest
                    .strip_prefix(',')
                    .filter(|rest| !rest.is_empty())
                    .ok_or("its options do not end where they should")?;
            }
        }
        if let (Some(from), Some(until)) = (options.valid_after, options.valid_before)
            && until <= from
        {
            return Err("valid-before is not after valid-after".to_owned());
        }
        Ok(options)
    }

    fn one<'a>(&mut self, text: &'a str, notes: &mut Vec<String>) -> Result<&'a str, String> {
        let end = text.find(['=', ',']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let name = name.to_ascii_lowercase();
        if name == "cert-authority" {
            return Err("cert-authority is not supported; list each person's own key".to_owned());
        }
        let known = ["namespaces", "valid-after", "valid-before"].contains(&name.as_str());
        let Some(value) = rest.strip_prefix('=').filter(|_| known) else {
            return Err(format!(
                "`{}` is no option of allowed_signers; known are namespaces=, valid-after= and valid-before=",
                name.chars().take(40).collect::<String>().escape_debug()
            ));
        };
        let (value, rest) = unquote(value)
            .ok_or_else(|| format!("the value of {name} is not in quotation marks"))?;
        let twice = match name.as_str() {
            "namespaces" => self.namespaces.replace(value).is_some(),
            "valid-after" => {
                let from = Stamp::parse(&value, &name)?.latest(&name, notes);
                self.valid_after.replace(from).is_some()
            }
            _ => {
                let until = Stamp::parse(&value, &name)?.earliest(&name, notes);
                self.valid_before.replace(until).is_some()
            }
        };
        if twice {
            return Err(format!("{name} is given twice"));
        }
        Ok(rest)
    }
}

/// A value in quotation marks, in which `\"` stands for one, and what follows.
fn unquote(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('"')?;
    let mut out = String::new();
    let mut chars = inside.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, &inside[at + 1..])),
            '\\' if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                chars.next();
                out.push('"');
            }
            c => out.push(c),
        }
    }
    None
}

/// `YYYYMMDD[HHMM[SS]]`, and whether it ends in `Z` or `UTC`.
struct Stamp {
    time: DateTime<Utc>,
    utc: bool,
}

impl Stamp {
    fn parse(text: &str, option: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let bare = lower.strip_suffix("utc").or(lower.strip_suffix('z'));
        let digits = bare.unwrap_or(&lower);
        Self::read(digits)
            .filter(|time| (1971..=9998).contains(&chrono::Datelike::year(time)))
            .map(|time| Self {
                time,
                utc: bare.is_some(),
            })
            .ok_or_else(|| format!("{option} must be YYYYMMDD[HHMM[SS]]Z"))
    }

    fn read(digits: &str) -> Option<DateTime<Utc>> {
        let all = digits.bytes().all(|byte| byte.is_ascii_digit());
        if !all || ![8, 12, 14].contains(&digits.len()) {
            return None;
        }
        let part =
            |from: usize, to: usize| digits.get(from..to).map_or(Some(0), |d| d.parse().ok());
        let year = digits.get(..4)?.parse().ok()?;
        NaiveDate::from_ymd_opt(year, part(4, 6)?, part(6, 8)?)?
            .and_hms_opt(part(8, 10)?, part(10, 12)?, part(12, 14)?)
            .map(|time| time.and_utc())
    }

    /// Without `Z`, OpenSSH reads it in the time zone of whoever verifies. Here all must agree, so it counts from when
    /// it has begun everywhere (UTC−12) …
    fn latest(self, option: &str, notes: &mut Vec<String>) -> DateTime<Utc> {
        if self.utc {
            return self.time;
        }
        notes.push(local_note(option));
        self.time + TimeDelta::hours(12)
    }

    /// … and until it ends anywhere (UTC+14).
    fn earliest(self, option: &str, notes: &mut Vec<String>) -> DateTime<Utc> {
        if self.utc {
            return self.time;
        }
        notes.push(local_note(option));
        self.time - Days::new(1) + TimeDelta::hours(10)
    }
}

fn local_note(option: &str) -> String {
    format!(
        "{option} means another moment in every time zone, so only what holds in all of them counts; end it in Z"
    )
}

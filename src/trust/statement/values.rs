//! The values of statement fields and their one spelling each: words, places, quorums, times, nonces, escaped text.
//! Knows nothing of the order of lines.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, SubsecRound, Timelike, Utc};

use serde::{Deserialize, Serialize};

use super::StatementError;
use crate::evidence::Digest;
use crate::runbook::model::{Role, StepId};
use crate::trust::Principal;

/// The longest reason, in bytes of UTF-8.
pub const REASON_LIMIT: usize = 1024;
const PATH_LIMIT: usize = 1024;
const WORD_LIMIT: usize = 128;

/// A commit of the library and the digest of what was read there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct PolicyPin {
    /// 40 or 64 lower-case hex digits.
    pub commit: String,
    pub digest: Digest,
}

/// The runbook at its pinned commit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct RunbookPin {
    /// 40 or 64 lower-case hex digits.
    pub commit: String,
    /// The path in the library; percent-encoded in the statement.
    pub path: String,
    pub digest: Digest,
}

/// Which attempt at which step of which run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct StepRef {
    pub run: String,
    pub step: StepId,
    /// From 1.
    pub attempt: u32,
}

/// Who is to run it, where, and into which journal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Executor {
    pub principal: Principal,
    pub host: String,
    pub writer: String,
}

/// How many distinct people, by which rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Quorum {
    pub approvals: u32,
    pub rule: String,
}

/// 128 bits that make a statement one of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nonce(pub [u8; 16]);

impl TryFrom<String> for Nonce {
    type Error = StatementError;

    fn try_from(text: String) -> Result<Self, StatementError> {
        Self::read("nonce", &text)
    }
}

impl From<Nonce> for String {
    fn from(nonce: Nonce) -> Self {
        nonce.to_string()
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The moment without its fraction of a second, which a statement has no room for.
#[must_use]
pub fn whole_second(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(0)
}

/// A field's value: how it is spelled, and how it is read back. Reading accepts exactly what writing yields.
pub(super) trait Value: Sized {
    fn write(&self, field: &'static str) -> Result<String, StatementError>;
    fn read(field: &'static str, text: &str) -> Result<Self, StatementError>;
}

fn wrong(field: &'static str, what: &'static str) -> StatementError {
    StatementError::Value { field, what }
}

fn is_word(text: &str) -> bool {
    (1..=WORD_LIMIT).contains(&text.len())
        && text != "-"
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn word<'a>(field: &'static str, text: &'a str) -> Result<&'a str, StatementError> {
    if is_word(text) {
        Ok(text)
    } else {
        Err(wrong(field, "1 to 128 of the characters A-Z a-z 0-9 . _ -"))
    }
}

fn commit<'a>(field: &'static str, text: &'a str) -> Result<&'a str, StatementError> {
    let hex = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if hex && (text.len() == 40 || text.len() == 64) {
        Ok(text)
    } else {
        Err(wrong(field, "a commit is 40 or 64 lower-case hex digits"))
    }
}

fn number(field: &'static str, text: &str) -> Result<u32, StatementError> {
    text.parse()
        .ok()
        .filter(|number: &u32| number.to_string() == text)
        .ok_or(wrong(field, "a whole number without sign or leading zeros"))
}

fn library_path<'a>(field: &'static str, path: &'a str) -> Result<&'a str, StatementError> {
    let plain = !path.is_empty()
        && path.len() <= PATH_LIMIT
        && !path.chars().any(char::is_control)
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if plain {
        Ok(path)
    } else {
        Err(wrong(
            field,
            "a relative path of at most 1024 bytes without control characters, empty parts, `.` or `..`",
        ))
    }
}

impl Value for String {
    fn write(&self, field: &'static str) -> Result<String, StatementError> {
        word(field, self).map(str::to_owned)
    }

    fn read(field: &'static str, text: &str) -> Result<Self, StatementError> {
        word(field, text).map(str::to_owned)
    }
}

impl Value for Role {
    fn write(&self, field: &'static str) -> Result<String, StatementError> {
        word(field, &self.0).map(str::to_owned)
    }

    fn read(field: &'static str, text: &str) -> Result<Self, StatementError> {
        word(field, text).map(Self::from)
    }
}

impl Value for Principal {
    fn write(&self, field: &'static str) -> Result<String, StatementError> {
        if self.as_str() == "-" {
            return Err(wrong(field, "`-` means that the field does not apply"));
        }
        Ok(self.to_string())
    }

    fn read(field: &'static str, text: &str) -> Result<Self, StatementError> {
        Self::try_from(text)
            .ok()
            .filter(|principal| principal.as_str() != "-")
            .ok_or(wrong(
                field,
                "a principal: 1 to 128 of the characters a-z 0-9 . _ @ + -",
            ))
    }
}

impl Value for Digest {
    fn write(&self, _: &'static str) -> Result<String, StatementError> {
        Ok(self.to_string())
    }

    fn read(field: &'static str, text: &str) -> Result<Self, StatementError> {
        text.parse()
            .map_err(|_| wrong(field, "sha256: and 64 lower-case hex digits"))
    }
}

impl Value for PolicyPin {
    fn write(&self, field: &'static str) -> Result<String, StatementError> {
        Ok(format!("{} {}", commit(field, &self.commit)?, self.digest))
    }

    fn read(field: &'static str, text: &str) -> Result<Self, StatementError> {
        let (id, digest) = text
            .split_once(' ')
            .ok_or(wrong(field, "a commit, a space and a digest"))?;
        Ok(Self {
            commit: commit(field, id)?.to_owned(),
            digest: Digest::read(field, digest)?,
        })
    }
}

impl Value for RunbookPin {
    fn write(&self, field: &'static str) -> Result<String, StatementError> {
        let commit = commit(field, &self.commit)?;
        let path = library_path(field, &self.path)?;
        Ok(format!("{commit} {} {}", escape(path), self.digest))
    }

    fn read(field: &'static str, text: &str) -> Result<Self, StatementError> {
        let mut parts = text.split(' ');
        let (Some(id), Some(path), Some(digest), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong(field, "a commit, a path and a digest"));
        };
        let path = unescape(path).ok_or(wrong(field, "a percent-encoded path"))?;
        Ok(Self {
            commit: commit(field, id)?.to_owned(),
            path: library_path(field, &path)?.to_owned(),
            digest: Digest::read(field, digest)?,
        })
    }
}

impl Value for StepRef {
    fn write(&self, field: &'static str) -> Result<String, StatementError> {
        let run = word(field, &self.run)?;
        let step = word(field, &self.step.0)?;
        if self.attempt == 0 {
            return Err(wrong(field, "attempts are counted from 1"));
        }
        Ok(format!("{run}/{step}#{}", self.attempt))
    }

    fn read(field: &'static str, text: &str) -> Result<Self, StatementError> {
        let (run, rest) = text
            .split_once('/')
            .ok_or(wrong(field, "<run>/<step>#<attempt>"))?;
        let (step, attempt) = rest
            .split_once('#')
            .ok_or(wrong(field, "<run>/<step>#<attempt>"))?;
        let attempt = number(field, attempt)?;
        if attempt == 0 {
            return Err(wrong(field, "attempts are counted from 1"));
        }
        Ok(Self {
            run: word(field, run)?.to_owned(),
            step: StepId::from(word(field, step)?),
            attempt,
        })
    }
}

impl Value for Executor {
    fn write(&self, field: &'static str) -> Result<String, StatementError> {
        let principal = self.principal.write(field)?;
        let host = word(field, &self.host)?;
        let writer = word(field, &self.writer)?;
        Ok(format!("{principal}/{host}/{writer}"))
    }

    fn read(field: &'static str, text: &str) -> Result<Self, StatementError> {
        let mut parts = text.split('/');
        let (Some(principal), Some(host), Some(writer), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong(field, "<principal>/<host>/<writer>"));
        };
        Ok(Self {
            principal: Principal::read(field, principal)?,
            host: word(field, host)?.to_owned(),
            writer: word(field, writer)?.to_owned(),
        })
    }
}

impl Value for Quorum {
    fn write(&self, field: &'static str) -> Result<String, StatementError> {
        Ok(format!("{}/{}", self.approvals, word(field, &self.rule)?))
    }

    fn read(field: &'static str, text: &str) -> Result<Self, StatementError> {
        let (approvals, rule) = text.split_once('/').ok_or(wrong(field, "<n>/<rule>"))?;
        Ok(Self {
            approvals: number(field, approvals)?,
            rule: word(field, rule)?.to_owned(),
        })
    }
}

impl Value for Nonce {
    fn write(&self, _: &'static str) -> Result<String, StatementError> {
        Ok(self.to_string())
    }

    fn read(field: &'static str, text: &str) -> Result<Self, StatementError> {
        let refuse = wrong(field, "32 lower-case hex digits");
        if text.len() != 32 {
            return Err(refuse);
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digit = |digit: u8| match digit {
                b'0'..=b'9' => Ok(digit - b'0'),
                b'a'..=b'f' => Ok(digit - b'a' + 10),
                _ => Err(refuse.clone()),
            };
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

const TIME: &str = "%Y-%m-%dT%H:%M:%SZ";

impl Value for DateTime<Utc> {
    fn write(&self, field: &'static str) -> Result<String, StatementError> {
        if self.nanosecond() != 0 {
            return Err(wrong(field, "whole seconds only"));
        }
        let text = self.format(TIME).to_string();
        if text.len() == 20 && text.as_bytes()[0].is_ascii_digit() {
            Ok(text)
        } else {
            Err(wrong(field, "a year of four digits"))
        }
    }

    fn read(field: &'static str, text: &str) -> Result<Self, StatementError> {
        NaiveDateTime::parse_from_str(text, TIME)
            .map(|time| time.and_utc())
            .ok()
            .filter(|time| time.write(field).as_deref() == Ok(text))
            .ok_or(wrong(field, "YYYY-MM-DDTHH:MM:SSZ"))
    }
}

/// A free text in somebody's own words, percent-encoded in the statement.
pub(super) struct Reason(pub(super) String);

impl Value for Reason {
    fn write(&self, field: &'static str) -> Result<String, StatementError> {
        check_reason(field, &self.0)?;
        Ok(escape(&self.0))
    }

    fn read(field: &'static str, text: &str) -> Result<Self, StatementError> {
        let reason = unescape(text).ok_or(wrong(field, "percent-encoded UTF-8"))?;
        check_reason(field, &reason)?;
        Ok(Self(reason))
    }
}

fn check_reason(field: &'static str, text: &str) -> Result<(), StatementError> {
    if text.is_empty() {
        return Err(wrong(field, "empty; where none is given it is `-`"));
    }
    if text.len() > REASON_LIMIT {
        return Err(wrong(field, "longer than 1 KiB; shorten it"));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(wrong(field, "holds control characters; take them out"));
    }
    Ok(())
}

/// Percent-encoding: everything but `A-Z a-z 0-9 . _ ~ - /` as `%` and two upper-case hex digits, and a lone `-` as
/// `%2D`, since that means "does not apply".
fn escape(text: &str) -> String {
    if text == "-" {
        return "%2D".to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"._~-/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high << 4 | low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let plain = String::from_utf8(bytes).ok()?;
    // Whatever another spelling would have given is refused by writing it again.
    (escape(&plain) == text).then_some(plain)
}

//! The rules everybody has: what keys, tokens and passwords look like. The forms are those their issuers document.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexSet, RegexSetBuilder};

use super::{BadRule, MARK, Span, compile};

/// A key block that never ends is taken out up to here.
const LONGEST_KEY: usize = 64 << 10;

/// What of a match is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Find {
    /// The group named `secret`, or the whole match.
    Secret,
    /// The same, unless it is a word that is no secret, like `true`.
    Value,
    /// From the head of a private key to its foot.
    KeyBlock,
    /// The card numbers in a run of digits.
    Card,
}

/// One rule, compiled.
#[derive(Clone)]
pub(super) struct Pattern {
    pub name: String,
    pub regex: Regex,
    pub find: Find,
}

/// All built-in rules, and one automaton that tells in a single pass which of them are worth a closer look.
pub(super) struct Builtin {
    patterns: Vec<Pattern>,
    set: RegexSet,
}

const RULES: &[(&str, Find, &str)] = &[
    (
        "private-key",
        Find::KeyBlock,
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----",
    ),
    // Its ends stay: they tell which key it was, which is what an investigation needs.
    (
        "aws-access-key",
        Find::Secret,
        r"\b(?:AKIA|ASIA|ABIA|ACCA)(?P<secret>[A-Z0-9]{12})[A-Z0-9]{4}\b",
    ),
    (
        "aws-secret-key",
        Find::Secret,
        r#"(?i)secret_?(?:access_?)?key["']?\s*[:=,]\s*["']?(?P<secret>[a-z0-9/+]{40})"#,
    ),
    (
        "aws-session-token",
        Find::Secret,
        r#"(?i)session_?token["']?\s*[:=]\s*["']?(?P<secret>[a-z0-9/+=]{40,})"#,
    ),
    (
        "github-token",
        Find::Secret,
        r"\b(?:gh[pousr]_[A-Za-z0-9_]{36,}|github_pat_[A-Za-z0-9_]{22,})",
    ),
    (
        "gitlab-token",
        Find::Secret,
        r"\bgl(?:pat|ptt|dt|rt|cbt|ft|imt|agent|oas|soat|ffct)-[A-Za-z0-9_.-]{20,}",
    ),
    (
        "slack-token",
        Find::Secret,
        r"\b(?:xox[a-z](?:\.xox[a-z])?-|xapp-)[A-Za-z0-9-]{10,}",
    ),
    (
        "slack-webhook",
        Find::Secret,
        r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>[A-Za-z0-9/_+-]{16,})",
    ),
    (
        "api-key",
        Find::Secret,
        r"\b(?:AIza[0-9A-Za-z_-]{35}|[sr]k_(?:live|test)_[0-9A-Za-z]{16,}|sk-[A-Za-z0-9_-]{32,}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{32,}|hv[sb]\.[A-Za-z0-9_-]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|AGE-SECRET-KEY-1[0-9A-Z]{58})",
    ),
    (
        "jwt",
        Find::Secret,
        r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*",
    ),
    (
        "url-password",
        Find::Secret,
        r#"\b[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s/:@'"<>]{0,256}:(?P<secret>[^\s/'"<>]{1,512})@"#,
    ),
    (
        "authorization",
        Find::Value,
        r#"(?i)\bauthorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token|negotiate|apikey)\s+)?(?P<secret>[^\s"',;]+)"#,
    ),
    (
        "bearer",
        Find::Secret,
        r"(?i)\bbearer\s+(?P<secret>[a-z0-9._~+/=-]{16,})",
    ),
    (
        "cookie",
        Find::Value,
        r#"(?i)\b(?:set-)?cookie["']?\s*:\s*["']?(?P<secret>[^\r\n"']+)"#,
    ),
    (
        "password",
        Find::Value,
        r#"(?i)(?:passw(?:or)?d|passphrase|secret|api[_-]?key|auth[_-]?key|(?:access|auth|bearer|refresh|session|api|id|private|bot)[_-]?token|private[_-]?key|credentials?)(?P<tail>[a-z0-9_-]{0,24})\\?["']?[ \t]*(?:=>|:=|=|:)[ \t]*(?:"(?P<secret>(?:[^"\\]|\\.)+)"|'(?P<s2>[^']+)'|\\"(?P<s4>[^"\\]+)|["'\\]*(?P<s3>[^\s"',;&|)}\]]+))"#,
    ),
    (
        "token",
        Find::Value,
        r#"(?i)\btoken\\?["']?[ \t]*(?:=>|:=|=|:)[ \t]*(?:"(?P<secret>(?:[^"\\]|\\.)+)"|'(?P<s2>[^']+)'|\\"(?P<s4>[^"\\]+)|["'\\]*(?P<s3>[^\s"',;&|)}\]]+))"#,
    ),
    (
        "password-option",
        Find::Value,
        r#"(?i)\s--?[a-z-]{0,24}(?:password|passphrase|passwd|secret|token|api-key)(?:=|\s+)(?:"(?P<secret>[^"]+)"|'(?P<s2>[^']+)'|(?P<s3>[^\s"';&|-][^\s"';&|]*))"#,
    ),
    (
        "card-number",
        Find::Card,
        r"\b[2-6][0-9]{2}[0-9 -]{9,}[0-9]\b",
    ),
];

/// Rules that are in force where somebody says so.
const OPTIONAL: &[(&str, Find, &str)] = &[
    (
        "email",
        Find::Secret,
        r"\b[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b",
    ),
    (
        "ip",
        Find::Secret,
        r"\b(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})\b|(?i:\b(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}\b|\b(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}\b)",
    ),
];

/// Words that stand where a password could and are none.
const NO_SECRETS: &[&str] = &[
    "true",
    "false",
    "null",
    "none",
    "nil",
    "yes",
    "no",
    "unset",
    "empty",
    "required",
    "optional",
    "undefined",
];

/// Names that end so are of something about a secret and not of the secret: `secretName`, `password_file`.
const NO_NAMES: &[&str] = &[
    "id",
    "ids",
    "name",
    "names",
    "ref",
    "arn",
    "file",
    "path",
    "policy",
    "count",
    "length",
    "version",
    "type",
    "expiry",
    "expires",
    "expires_in",
];

/// The built-in rules, compiled once.
///
/// # Errors
/// When one does not compile, which the tests rule out.
pub(super) fn patterns() -> Result<&'static Builtin, BadRule> {
    static PATTERNS: LazyLock<Result<Builtin, BadRule>> = LazyLock::new(build);
    PATTERNS.as_ref().map_err(Clone::clone)
}

/// The optional rule of this name.
pub(super) fn optional(name: &str) -> Option<Pattern> {
    let (name, find, pattern) = OPTIONAL.iter().find(|(known, _, _)| *known == name)?;
    Some(Pattern {
        name: (*name).to_owned(),
        regex: compile(name, &ascii(pattern)).ok()?,
        find: *find,
    })
}

fn ascii(pattern: &str) -> String {
    format!("(?-u){pattern}")
}

fn build() -> Result<Builtin, BadRule> {
    let patterns = RULES
        .iter()
        .map(|(name, find, pattern)| {
            Ok(Pattern {
                name: (*name).to_owned(),
                regex: compile(name, &ascii(pattern))?,
                find: *find,
            })
        })
        .collect::<Result<_, BadRule>>()?;
    let set = RegexSetBuilder::new(RULES.iter().map(|(_, _, pattern)| ascii(pattern)))
        .size_limit(32 << 20)
        .dfa_size_limit(32 << 20)
        .build()
        .map_err(|error| BadRule::Pattern {
            name: "built-in".to_owned(),
            error: error.to_string(),
        })?;
    Ok(Builtin { patterns, set })
}

impl Builtin {
    pub(super) fn find<'a>(&'a self, bytes: &[u8], spans: &mut Vec<Span<'a>>) {
        for index in self.set.matches(bytes) {
            self.patterns[index].find(bytes, spans);
        }
    }
}

impl Pattern {
    pub(super) fn find<'a>(&'a self, bytes: &[u8], spans: &mut Vec<Span<'a>>) {
        match self.find {
            Find::KeyBlock => self.key_blocks(bytes, spans),
            Find::Card => self.cards(bytes, spans),
            Find::Secret | Find::Value => self.groups(bytes, spans),
        }
    }

    fn groups<'a>(&'a self, bytes: &[u8], spans: &mut Vec<Span<'a>>) {
        for found in self.regex.captures_iter(bytes) {
            let Some(part) = ["secret", "s2", "s3", "s4"]
                .iter()
                .find_map(|group| found.name(group))
                .or_else(|| found.get(0))
            else {
                continue;
            };
            let value = part.as_bytes();
            let tail = found.name("tail").map(|tail| tail.as_bytes());
            let no_secret = self.find == Find::Value
                && (NO_SECRETS
                    .iter()
                    .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
                    || tail.is_some_and(about));
            // A second pass over redacted bytes finds nothing new.
            if !value.is_empty() && !no_secret && !value.starts_with(MARK) {
                spans.push(Span {
                    from: part.start(),
                    to: part.end(),
                    name: &self.name,
                });
            }
        }
    }

    fn key_blocks<'a>(&'a self, bytes: &[u8], spans: &mut Vec<Span<'a>>) {
        let mut at = 0;
        while let Some(head) = self.regex.find_at(bytes, at) {
            let body = &bytes[head.end()..];
            let body = &body[..body.len().min(LONGEST_KEY)];
            at = head.end() + foot(body).unwrap_or_else(|| key_like(body));
            spans.push(Span {
                from: head.start(),
                to: at,
                name: &self.name,
            });
        }
    }

    fn cards<'a>(&'a self, bytes: &[u8], spans: &mut Vec<Span<'a>>) {
        for run in self.regex.find_iter(bytes) {
            let groups = groups(run.as_bytes());
            let mut first = 0;
            while first < groups.len() {
                if let Some(last) = card(run.as_bytes(), &groups[first..]) {
                    spans.push(Span {
                        from: run.start() + groups[first].0,
                        to: run.start() + groups[first + last].1,
                        name: &self.name,
                    });
                    first += last;
                }
                first += 1;
            }
        }
    }
}

/// Whether the last word in the rest of a name makes it one of something about a secret. Words begin after `_` or `-`,
/// or with a capital after a small letter.
fn about(tail: &[u8]) -> bool {
    NO_NAMES.iter().any(|name| {
        let Some(start) = tail.len().checked_sub(name.len()) else {
            return false;
        };
        let (before, word) = tail.split_at(start);
        let begins = before.last().is_none_or(|last| {
            matches!(last, b'_' | b'-')
                || (last.is_ascii_lowercase() && word[0].is_ascii_uppercase())
        });
        begins && word.eq_ignore_ascii_case(name.as_bytes())
    })
}

/// Behind the foot of the key block whose head has just been read.
fn foot(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(dashes) = find(&body[at..], b"-----") {
        let line = &body[at + dashes + 5..];
        let line = &line[..line.len().min(80)];
        if line.starts_with(b"END ") {
            let end = find(line, b"-----").map_or(4, |end| end + 5);
            return Some(at + dashes + 5 + end);
        }
        if line.starts_with(b"BEGIN ") {
            return None;
        }
        at += dashes + 5;
    }
    None
}

/// How much of a block without a foot still looks like a key: base64, its line ends and headers.
fn key_like(body: &[u8]) -> usize {
    body.iter()
        .take_while(|byte| {
            byte.is_ascii_alphanumeric()
                || byte.is_ascii_whitespace()
                || matches!(byte, b'+' | b'/' | b'=' | b'\\' | b',' | b':')
        })
        .count()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// Where the groups of digits in a run begin and end.
fn groups(run: &[u8]) -> Vec<(usize, usize)> {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for (at, byte) in run.iter().enumerate() {
        if !byte.is_ascii_digit() {
            continue;
        }
        match groups.last_mut() {
            Some(last) if last.1 == at => last.1 = at + 1,
            _ => groups.push((at, at + 1)),
        }
    }
    groups
}

/// The group with which a card number ends that begins with the first one: 13 to 19 digits in one piece, or in pieces
/// of 3 to 7 with one space or dash between them, that pass the check of Luhn (ISO/IEC 7812-1).
fn card(run: &[u8], groups: &[(usize, usize)]) -> Option<usize> {
    let mut digits: Vec<u8> = Vec::with_capacity(19);
    let mut end = groups.first()?.0;
    let mut found = None;
    for (index, (from, to)) in groups.iter().enumerate() {
        let apart = from - end;
        let piece = to - from;
        if index > 0 && (apart != 1 || digits.len() > 16 || !(3..=7).contains(&piece)) {
            break;
        }
        if digits.len() + piece > 19 {
            break;
        }
        digits.extend(&run[*from..*to]);
        end = *to;
        let starts = matches!(digits.first(), Some(b'2'..=b'6'));
        if starts && digits.len() >= 13 && luhn(&digits) {
            found = Some(index);
        }
        if index == 0 && !(3..=7).contains(&piece) {
            break;
        }
    }
    found
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0') << (place % 2);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

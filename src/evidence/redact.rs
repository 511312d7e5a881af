//! Takes secrets out of bytes and texts before they reach the record, and says how many it took out by which rule.
//! Knows nothing of where the bytes come from or go to, and never shows or returns what it took out.
//!
//! Of something small it looks at all of it at once, so a secret cannot slip through where two reads meet. The price is
//! a limit: of more than [`LIMIT`] bytes only the first [`LIMIT`] are kept, and the rest is counted as dropped. A secret
//! that lies across that limit is still found, because the search goes [`OVERLAP`] bytes further. A [`Stream`] takes any
//! number of bytes, in pieces that it looks beyond on both sides.
//!
//! With a key a mark also says which value stood there, by its HMAC: the same value has the same mark, and the marks
//! tell nothing of the value to whoever has not the key.
//!
//! Rules find what looks like a secret; they are a net, not a proof. What is certainly a secret (the value of an input
//! marked `secret`) is given as such and found wherever it stands: as it is, percent-encoded, escaped as in JSON, and in
//! base64, also inside a longer base64 text, but not where that text is broken into lines.

mod builtin;
mod exact;
mod stream;

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, Mac as _};
use regex::bytes::{Regex, RegexBuilder};
use sha2::Sha256;

use builtin::{Find, Pattern};
use exact::Needle;
pub use stream::{Report, Stream};

/// Bytes looked at, and so kept, at most.
pub const LIMIT: usize = 16 << 20;

/// How far beyond the limit a secret may reach and still be found.
pub const OVERLAP: usize = 64 << 10;

/// Rules a library may have.
const MOST_RULES: usize = 256;

/// What every mark in a redacted text begins with.
const MARK: &[u8] = b"[redacted:";

/// Hex digits by which a mark tells values apart.
const TOKEN: usize = 8;

/// A rule of a library's own. Where its pattern has a group named `secret` only that is taken out, else the whole match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// 1 to 64 of `[A-Za-z0-9_-]`; stands in the place of what was taken out.
    pub name: String,
    /// A regular expression, at most 4 KiB, that matches no empty text.
    pub pattern: String,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum BadRule {
    #[error("`{0}` cannot name a redaction rule: 1 to 64 of A-Z a-z 0-9 _ -")]
    Name(String),
    #[error("redaction rule `{name}`: {error}")]
    Pattern { name: String, error: String },
    #[error("redaction rule `{0}` matches the empty text, so it would match everywhere")]
    Empty(String),
    #[error("{0} redaction rules are more than {MOST_RULES}")]
    Many(usize),
}

/// What is left, and what was done.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Redacted {
    /// The bytes with `[redacted:NAME]` in each place.
    pub bytes: Vec<u8>,
    /// Places.
    pub count: u64,
    /// Places by the name of their rule; of rules that overlap, the one that begins first is named.
    pub by_rule: BTreeMap<String, u64>,
    /// Bytes beyond [`LIMIT`], which were neither looked at nor kept.
    pub dropped: u64,
}

/// What is left of a text, and how many places were taken out.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct RedactedText {
    /// The text with `[redacted:NAME]` in each place.
    pub text: String,
    /// Places.
    pub count: u64,
    /// Places by the name of their rule.
    pub by_rule: BTreeMap<String, u64>,
}

/// The rules and values in force. Its debug form shows no value.
#[derive(Clone)]
pub struct Redactor {
    own: Vec<Pattern>,
    exact: Vec<Needle>,
    key: Option<[u8; 32]>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Redactor({} own rules, {} values)",
            self.own.len(),
            self.exact.len()
        )
    }
}

/// One place to take out, half open, and whose rule found it.
#[derive(Clone, Copy)]
struct Span<'a> {
    from: usize,
    to: usize,
    name: &'a str,
}

impl Redactor {
    /// The built-in rules and these.
    ///
    /// # Errors
    /// When a rule has a bad name or pattern, matches the empty text, or there are too many.
    pub fn new(rules: &[Rule]) -> Result<Self, BadRule> {
        if rules.len() > MOST_RULES {
            return Err(BadRule::Many(rules.len()));
        }
        builtin::patterns()?;
        let own = rules.iter().map(own).collect::<Result<_, _>>()?;
        Ok(Self {
            own,
            exact: Vec::new(),
            key: None,
        })
    }

    /// And these built-in rules, which are not in force by themselves because what they find is often what is looked
    /// for: `email`, `ip`. A name that is none is left out.
    #[must_use]
    pub fn also(mut self, names: &[&str]) -> Self {
        self.own
            .extend(names.iter().filter_map(|name| builtin::optional(name)));
        self
    }

    /// With marks that tell values apart, by this key.
    #[must_use]
    pub fn keyed(mut self, key: [u8; 32]) -> Self {
        self.key = Some(key);
        self
    }

    /// And these very values, wherever they stand. Values shorter than four bytes are left alone: they would match by
    /// chance.
    #[must_use]
    pub fn secrets<'a>(mut self, values: impl IntoIterator<Item = &'a str>) -> Self {
        for value in values {
            self.exact.extend(exact::needles(value));
        }
        self
    }

    /// Takes secrets out of bytes.
    #[must_use]
    pub fn redact(&self, bytes: &[u8]) -> Redacted {
        let looked = &bytes[..bytes.len().min(LIMIT + OVERLAP)];
        let kept = looked.len().min(LIMIT);
        let mut result = Redacted {
            dropped: (bytes.len() - kept) as u64,
            ..Redacted::default()
        };
        let mut at = 0;
        for span in self.spans(looked) {
            if span.from >= kept {
                break;
            }
            result.bytes.extend_from_slice(&looked[at..span.from]);
            let value = &looked[span.from..span.to];
            result.bytes.extend(self.mark(span.name, value).as_bytes());
            result.count += 1;
            *result.by_rule.entry(span.name.to_owned()).or_default() += 1;
            at = span.to;
        }
        if at < kept {
            result.bytes.extend_from_slice(&looked[at..kept]);
        }
        result
    }

    /// Takes secrets out of a text.
    #[must_use]
    pub fn text(&self, text: &str) -> RedactedText {
        let redacted = self.redact(text.as_bytes());
        RedactedText {
            text: String::from_utf8(redacted.bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            count: redacted.count,
            by_rule: redacted.by_rule,
        }
    }

    /// What stands in the place of a value: `[redacted:NAME]`, with a key `[redacted:NAME#3f9a01bc]`.
    fn mark(&self, name: &str, value: &[u8]) -> String {
        let mut mark = String::from_utf8_lossy(MARK).into_owned();
        mark.push_str(name);
        // An HMAC takes a key of any length.
        if let Some(key) = self.key
            && let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key)
        {
            mac.update(value);
            mark.push('#');
            for byte in mac.finalize().into_bytes().iter().take(TOKEN / 2) {
                mark.push_str(&format!("{byte:02x}"));
            }
        }
        mark.push(']');
        mark
    }

    /// Every place, in order, those that touch or overlap made one.
    fn spans(&self, bytes: &[u8]) -> Vec<Span<'_>> {
        let mut spans = Vec::new();
        for needle in &self.exact {
            needle.find(bytes, &mut spans);
        }
        // `new` has seen them compile.
        if let Ok(builtin) = builtin::patterns() {
            builtin.find(bytes, &mut spans);
        }
        for pattern in &self.own {
            pattern.find(bytes, &mut spans);
        }
        spans.sort_by(|a, b| a.from.cmp(&b.from).then(b.to.cmp(&a.to)));
        let mut merged: Vec<Span<'_>> = Vec::new();
        for span in spans {
            match merged.last_mut() {
                Some(last) if span.from < last.to => last.to = last.to.max(span.to),
                _ => merged.push(span),
            }
        }
        merged
    }
}

fn own(rule: &Rule) -> Result<Pattern, BadRule> {
    let name_fits = (1..=64).contains(&rule.name.len())
        && rule
            .name
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'));
    if !name_fits {
        return Err(BadRule::Name(rule.name.chars().take(80).collect()));
    }
    let regex = compile(&rule.name, &rule.pattern)?;
    if regex.is_match(b"") {
        return Err(BadRule::Empty(rule.name.clone()));
    }
    Ok(Pattern {
        name: rule.name.clone(),
        regex,
        find: Find::Secret,
    })
}

fn compile(name: &str, pattern: &str) -> Result<Regex, BadRule> {
    let bad = |error: String| BadRule::Pattern {
        name: name.to_owned(),
        error,
    };
    if pattern.len() > 4096 {
        return Err(bad("the pattern is longer than 4096 bytes".to_owned()));
    }
    RegexBuilder::new(pattern)
        .size_limit(4 << 20)
        .build()
        .map_err(|error| bad(error.to_string()))
}

#[cfg(test)]
mod tests;

//! What may not be told of an incident, and what is said instead: secrets by the rules of redaction, persons by made-up
//! ones, addresses and domains by those that are nobody's. The same value always gets the same replacement, and no
//! replacement is a value of the incident itself; so it first sees every text, and only then says anything.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regex::{Captures, Regex, RegexBuilder};

use super::people::People;
use crate::engine::{Event, State};
use crate::evidence::escape;
use crate::evidence::redact::{Redactor, Rule};
use crate::trust::Principal;

/// What domains of people and companies end with.
const ENDINGS: &str = "com|net|org|edu|gov|mil|int|info|biz|io|dev|app|cloud|ai|co|me|eu|de|uk|fr|nl|es|it|ch|at|be|se|no|dk|fi|pl|pt|ie|cz|us|ca|au|nz|jp|cn|ru|in|br|kr|za|mx|xyz|online|site";

/// Nobody's, or of programs that everybody knows.
const OPEN: [&str; 8] = [
    "example.com",
    "example.net",
    "example.org",
    "example.edu",
    "amazonaws.com",
    "kubernetes.io",
    "k8s.io",
    "googleapis.com",
];

/// More different values of one kind than a scenario has room for.
const MOST_VALUES: usize = 20_000;

/// A kind of value that is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Secret,
    Key,
    Mail,
    V4,
    V6,
    Domain,
}

/// What hides the real values.
#[derive(Clone)]
pub(super) struct Veil {
    redactor: Redactor,
    pub people: People,
    finder: Regex,
    marks: Regex,
    keys: Regex,
    /// In the order they were first met.
    seen: RefCell<BTreeMap<Kind, Vec<String>>>,
    met: RefCell<BTreeSet<(Kind, String)>>,
    instead: BTreeMap<(Kind, String), String>,
}

impl Veil {
    /// For this incident; `None` where its own rules cannot be used.
    pub fn of(state: &State, events: &[Arc<Event>]) -> Option<Self> {
        let people = People::of(state, events);
        let policy = state.incident.as_deref().map(|incident| &incident.policy);
        let rules: Vec<Rule> = policy
            .iter()
            .flat_map(|policy| &policy.redact)
            .filter_map(|rule| {
                let (name, pattern) = (rule.name.clone(), rule.pattern.clone()?);
                Some(Rule { name, pattern })
            })
            .collect();
        // The marks only have to tell values apart until they are replaced.
        let redactor = Redactor::new(&rules).ok()?.keyed([0; 32]);
        Some(Self {
            finder: finder(&people)?,
            marks: Regex::new(r"\[redacted:([A-Za-z0-9_-]{1,64})(#[0-9a-f]{1,64})?\]").ok()?,
            keys: Regex::new(
                r"\b(?:AKIA|ASIA|ABIA|ACCA)\[redacted:aws-access-key(?:#[0-9a-f]{1,64})?\][A-Z0-9]{4}",
            )
            .ok()?,
            redactor,
            people,
            seen: RefCell::default(),
            met: RefCell::default(),
            instead: BTreeMap::new(),
        })
    }

    /// The same, which replaces every value that this one has met.
    pub fn closed(&self) -> Self {
        let mut closed = self.clone();
        for (kind, values) in self.seen.take() {
            let real: BTreeSet<&str> = values.iter().map(String::as_str).collect();
            let free = |name: &String| !real.contains(name.as_str());
            let mut names = (1..).map(|number| name(kind, number)).filter(free);
            for value in &values {
                let instead = match kind {
                    // It says which rule found it.
                    Kind::Secret => {
                        let rule = value.split(['#', ' ']).next().unwrap_or_default();
                        let number = names.next().unwrap_or_default();
                        format!("EXAMPLE-{rule}-{number}")
                    }
                    _ => names.next().unwrap_or_default(),
                };
                closed.instead.insert((kind, value.clone()), instead);
            }
        }
        closed
    }

    /// A text without what may not be told, in characters that can be shown.
    pub fn text(&self, text: &str) -> String {
        let plain: Vec<_> = text.split('\t').map(escape::text).collect();
        let redacted = self.redactor.text(&plain.join("\t")).text;
        let keyed = self.keys.replace_all(&redacted, |found: &Captures<'_>| {
            self.say(Kind::Key, &found[0])
        });
        let marked = self.marks.replace_all(&keyed, |found: &Captures<'_>| {
            let token = found.get(2).map_or("", |token| token.as_str());
            self.say(Kind::Secret, &format!("{}{token}", &found[1]))
        });
        self.named(&marked)
    }

    /// The same on one line.
    pub fn line(&self, text: &str) -> String {
        let words: Vec<&str> = text.split_whitespace().collect();
        self.text(&words.join(" "))
    }

    /// The made-up id and name of somebody.
    pub fn called(&self, who: &Principal) -> (String, String) {
        self.people.called(who)
    }

    fn named(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let (mut done, mut at) = (0, 0);
        while let Some(found) = self.finder.captures_at(text, at) {
            let Some(whole) = found.get(0) else { break };
            match self.instead_of(&found, text) {
                Some(instead) => {
                    out.push_str(&text[done..whole.start()]);
                    out.push_str(&instead);
                    done = whole.end();
                    at = done;
                }
                // Something else may begin inside of it.
                None => {
                    let next = text[whole.start()..].chars().next();
                    at = whole.start() + next.map_or(1, char::len_utf8);
                }
            }
        }
        out.push_str(&text[done..]);
        out
    }

    fn instead_of(&self, found: &Captures<'_>, text: &str) -> Option<String> {
        let of = |name: &str| found.name(name).map(|found| found.as_str());
        if let Some(mail) = of("mail") {
            let mail = mail.to_lowercase();
            let person = self.people.instead.get(&mail).cloned();
            return Some(person.unwrap_or_else(|| self.say(Kind::Mail, &mail)));
        }
        if let Some(v4) = of("v4") {
            let address: Ipv4Addr = v4.parse().ok()?;
            let none = address.is_loopback() || address.is_unspecified() || address.is_broadcast();
            return (!none).then(|| self.say(Kind::V4, &address.to_string()));
        }
        if let Some(v6) = of("v6") {
            let address: Ipv6Addr = v6.parse().ok()?;
            let none = address.is_loopback() || address.is_unspecified();
            return (!none).then(|| self.say(Kind::V6, &address.to_string()));
        }
        if let Some(domain) = of("domain") {
            let domain = domain.to_lowercase();
            return (!is_open(&domain)).then(|| self.say(Kind::Domain, &domain));
        }
        let name = found.name("person")?;
        let before = text[..name.start()].chars().next_back();
        let behind = text[name.end()..].chars().next();
        let inside = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        if inside(before) || inside(behind) {
            return None;
        }
        let instead = self.people.instead.get(&name.as_str().to_lowercase())?;
        let is_lower = !name.as_str().chars().any(char::is_uppercase);
        Some(if is_lower {
            instead.to_lowercase()
        } else {
            instead.clone()
        })
    }

    /// What is said instead; before it is closed the value itself, which it remembers.
    fn say(&self, kind: Kind, value: &str) -> String {
        let key = (kind, value.to_owned());
        if let Some(instead) = self.instead.get(&key) {
            return instead.clone();
        }
        let mut met = self.met.borrow_mut();
        if met.len() < MOST_VALUES && met.insert(key) {
            let mut seen = self.seen.borrow_mut();
            seen.entry(kind).or_default().push(value.to_owned());
        }
        // One that it has not met is not told either.
        name(kind, 0)
    }
}

/// The replacement of this number; 0 is for those that are too many.
fn name(kind: Kind, number: u32) -> String {
    match kind {
        Kind::Secret => number.to_string(),
        Kind::Key => format!("AKIA{number:09}EXAMPLE"),
        Kind::Mail => format!("person-{number}@example.org"),
        Kind::Domain => format!("site-{number}.example.org"),
        Kind::V6 => format!("2001:db8::{number:x}"),
        Kind::V4 => {
            let host = number % 254 + 1;
            match number / 254 {
                0 => format!("203.0.113.{host}"),
                1 => format!("198.51.100.{host}"),
                2 => format!("192.0.2.{host}"),
                // For measurements, RFC 2544: no host either.
                more => format!("198.18.{}.{host}", more % 256),
            }
        }
    }
}

fn is_open(domain: &str) -> bool {
    OPEN.iter().any(|open| {
        let rest = domain.strip_suffix(open);
        // A name deep below a provider is that of somebody's own machine.
        let short = open.starts_with("example") || domain.split('.').count() <= 4;
        rest.is_some_and(|rest| short && (rest.is_empty() || rest.ends_with('.')))
    })
}

/// Finds everything that may have to be replaced, in one pass, so that no replacement is replaced again.
fn finder(people: &People) -> Option<Regex> {
    let mut names: Vec<&String> = people.instead.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let own: BTreeSet<&str> = names
        .iter()
        .filter_map(|name| Some(name.split_once('@')?.1))
        .collect();
    let escaped = |all: Vec<&str>| -> String {
        let all: Vec<_> = all.into_iter().map(regex::escape).collect();
        all.join("|")
    };
    let label = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)";
    let mut alternatives = vec![
        r"(?P<mail>\b[a-z0-9][a-z0-9._%+-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)+)".to_owned(),
        r"(?P<v4>\b\d{1,3}(?:\.\d{1,3}){3}\b)".to_owned(),
        r"(?P<v6>[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7})".to_owned(),
        format!(r"(?P<domain>\b(?:{label}+(?:{ENDINGS})\b"),
    ];
    if let Some(domain) = alternatives.last_mut() {
        if !own.is_empty() {
            domain.push_str(&format!(
                r"|{label}*(?:{})\b",
                escaped(own.into_iter().collect())
            ));
        }
        domain.push_str("))");
    }
    if !names.is_empty() {
        let names = names.into_iter().map(String::as_str).collect();
        alternatives.push(format!("(?P<person>{})", escaped(names)));
    }
    RegexBuilder::new(&alternatives.join("|"))
        .case_insensitive(true)
        .size_limit(64 << 20)
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(texts: &[&str]) -> Vec<String> {
        let open = Veil::of(&State::default(), &[]).unwrap();
        for text in texts {
            let _ = open.text(text);
        }
        let closed = open.closed();
        texts.iter().map(|text| closed.text(text)).collect()
    }

    #[test]
    fn the_same_value_has_the_same_replacement_and_none_is_a_real_one() {
        let said = closed(&[
            "from 203.0.113.2 and 9.9.9.9, at 08:22:00",
            "9.9.9.9 -> 2a00:1450::1, mail ann@corp.test, https://shop.acme.com/x",
            "again ANN@corp.test on shop.acme.com, 127.0.0.1, sts.amazonaws.com",
        ]);
        assert_eq!(
            said,
            [
                "from 203.0.113.3 and 203.0.113.4, at 08:22:00",
                "203.0.113.4 -> 2001:db8::1, mail person-1@example.org, https://site-1.example.org/x",
                "again person-1@example.org on site-1.example.org, 127.0.0.1, sts.amazonaws.com",
            ]
        );
    }

    #[test]
    fn secrets_become_examples() {
        let said = closed(&[
            "key AKIAQQQQWWWWEEEERRRR, password=hunter2hunter2",
            "AKIAQQQQWWWWEEEERRRR [redacted:jwt#12ab34cd]",
        ]);
        assert_eq!(
            said[0],
            "key AKIA000000001EXAMPLE, password=EXAMPLE-password-1"
        );
        assert_eq!(said[1], "AKIA000000001EXAMPLE EXAMPLE-jwt-2");
    }
}

//! What looks real in a script and would be told to everybody: secrets, addresses, domains.
//! A list of suspicions: it reminds an author to make names up.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use regex::Regex;

use super::Check;
use crate::evidence::redact::Redactor;
use crate::runbook::decode::At;
use crate::runbook::scenario::file::ScenarioFile;
use crate::runbook::words::Text;

/// Domains of people and companies end so; what ends otherwise is a file or a host of one's own.
const PUBLIC: &str = "com|net|org|edu|gov|mil|int|info|biz|io|dev|app|cloud|ai|co|me|eu|de|uk|fr|nl|es|it|ch|at|be|se|no|dk|fi|pl|pt|ie|cz|us|ca|au|nz|jp|cn|ru|in|br|kr|za|mx|xyz|online|site";

/// Nobody's by RFC 2606, and names that well-known programs print about themselves.
const MADE_UP: &[&str] = &[
    "example.com",
    "example.net",
    "example.org",
    "example.edu",
    "amazonaws.com",
    "kubernetes.io",
    "k8s.io",
    "googleapis.com",
];

/// Rules that go by what stands before a value: what a script makes up behind `password=` is no secret.
const GENERIC: &[&str] = &[
    "authorization",
    "cookie",
    "password",
    "token",
    "password-option",
];

/// Made-up secrets that are passed over in a line.
const MOST_EXAMPLES: usize = 8;

static DOMAIN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(
        r"(?i)\b(?:[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?\.)+(?:{PUBLIC})\b"
    ))
    .ok()
});
static V4: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b").ok());
static V6: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b[0-9a-f]{1,4}:[0-9a-f:]{2,40}").ok());

/// What looks real, and where in the text.
struct Leak {
    offset: usize,
    what: String,
    hint: &'static str,
}

impl Check<'_, '_, '_> {
    pub(super) fn leaks(&mut self) {
        let Ok(redactor) = Redactor::new(&[]) else {
            return;
        };
        for text in texts(self.file) {
            let words = text.value.0.as_str();
            for leak in secrets(words, &redactor)
                .into_iter()
                .chain(addresses(words))
            {
                if self.report.is_full() {
                    return;
                }
                let at = text.inside(words, leak.offset);
                self.report
                    .warn(at, "looks-real", leak.what, Some(leak.hint.to_owned()));
            }
        }
    }
}

/// The first secret of each line that does not call itself an example.
fn secrets(text: &str, redactor: &Redactor) -> Vec<Leak> {
    let mut leaks = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        leaks.extend(secret(line, redactor).map(|offset| Leak {
            offset: start + offset,
            what: "this looks like a secret".to_owned(),
            hint: "make one up that says EXAMPLE",
        }));
        start += line.len();
    }
    leaks
}

fn secret(line: &str, redactor: &Redactor) -> Option<usize> {
    let mut from = 0;
    for _ in 0..MOST_EXAMPLES {
        let rest = line.get(from..)?;
        let left = redactor.text(rest);
        if left
            .by_rule
            .keys()
            .all(|rule| GENERIC.contains(&rule.as_str()))
        {
            return None;
        }
        let at = left.text.find("[redacted:")?;
        let end = rest
            .get(at..)?
            .find([' ', '"', '\'', ','])
            .map_or(rest.len(), |end| at + end);
        if !rest.get(at..end)?.to_ascii_lowercase().contains("example") {
            return Some(from + at);
        }
        from += end;
    }
    None
}

fn addresses(text: &str) -> Vec<Leak> {
    let mut leaks = Vec::new();
    let every = |regex: &'static LazyLock<Option<Regex>>| {
        let regex = regex.as_ref();
        regex.into_iter().flat_map(|regex| regex.find_iter(text))
    };
    for found in every(&DOMAIN).filter(|found| is_real(found.as_str())) {
        leaks.push(Leak {
            offset: found.start(),
            what: format!("`{}` may be somebody's", found.as_str()),
            hint: "`example.com`, `example.org` and `.example` are nobody's",
        });
    }
    for found in every(&V4) {
        if found.as_str().parse().is_ok_and(is_public) {
            leaks.push(Leak {
                offset: found.start(),
                what: format!("`{}` may be somebody's", found.as_str()),
                hint: "192.0.2.0/24, 198.51.100.0/24 and 203.0.113.0/24 are nobody's",
            });
        }
    }
    for found in every(&V6) {
        let address = found.as_str().trim_end_matches(':').parse::<Ipv6Addr>();
        let public = |address: Ipv6Addr| {
            let [first, second, ..] = address.segments();
            first & 0xe000 == 0x2000 && (first, second) != (0x2001, 0x0db8)
        };
        if address.is_ok_and(public) {
            leaks.push(Leak {
                offset: found.start(),
                what: format!("`{}` may be somebody's", found.as_str()),
                hint: "2001:db8::/32 is nobody's",
            });
        }
    }
    leaks
}

fn is_real(domain: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    !MADE_UP.iter().any(|known| {
        domain
            .strip_suffix(known)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

fn is_public(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || shared
        || a == 0
        || a >= 224)
}

/// Everything that is shown to somebody.
fn texts(file: &ScenarioFile) -> Vec<&At<Text>> {
    let mut texts: Vec<&At<Text>> = vec![&file.title, &file.briefing, &file.code_word];
    let single = [
        &file.summary,
        &file.scope,
        &file.threat,
        &file.sponsor,
        &file.notes,
    ];
    texts.extend(single.into_iter().flatten());
    texts.extend(
        file.with
            .iter()
            .flat_map(|with| &with.0)
            .map(|(_, value)| value),
    );
    texts.extend(file.hot_wash.iter().chain(&file.abort).flatten());
    for objective in &file.objectives.value {
        texts.push(&objective.title);
        texts.extend(objective.critical_tasks.iter().flatten());
    }
    for stretch in file.moves.iter().flatten() {
        texts.extend(stretch.questions.iter().flatten().chain(&stretch.title));
    }
    for inject in file.injects.value.iter().map(|inject| &inject.value) {
        texts.push(&inject.message);
        texts.extend(inject.title.iter().chain(&inject.from));
        texts.extend(inject.contingency.iter().chain(&inject.notes));
        texts.extend(inject.attachments.iter().flatten().map(|it| &it.text));
    }
    texts.extend(file.expectations.value.iter().map(|it| &it.action));
    let answers = file.answers.iter().flatten();
    texts.extend(answers.filter_map(|answer| answer.value.output.as_ref()));
    let lines = file.logs.iter().flatten().flat_map(|log| &log.lines.value);
    texts.extend(lines.map(|line| &line.text));
    for colleague in file.colleagues.iter().flatten() {
        texts.extend(&colleague.name);
        let replies = colleague.replies.iter().flatten();
        texts.extend(replies.filter_map(|reply| reply.value.reason.as_ref()));
    }
    texts
}

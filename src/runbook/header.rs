//! What a list shows of a runbook or scenario, read without reading all of it: 5,000 of them in a blink.
//! Knows nothing of whether the rest of the file is right; `check` does.

use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::decode::Leaf;
use super::model::{RunbookId, Severity};
use super::scenario;
use super::words::{Day, Length, is_id};
use super::yaml::{self, Layout, MOST_BYTES, Node, Scalar, Value};

/// The part of a runbook that lists and pickers show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Header {
    pub id: RunbookId,
    pub title: String,
    pub severity: Option<Severity>,
    pub owner: Option<String>,
    pub services: Vec<String>,
    pub tags: Vec<String>,
    pub alerts: Vec<String>,
    pub last_reviewed: Option<NaiveDate>,
    pub review_every: Option<Duration>,
    /// How many steps it has.
    pub steps: usize,
}

impl Header {
    /// Whether its last review is longer ago than it allows.
    #[must_use]
    pub fn is_stale(&self, today: NaiveDate) -> bool {
        is_stale(self.last_reviewed, self.review_every, today)
    }
}

/// Whether a review is longer ago than allowed; a runbook that asks for no review is never stale.
#[must_use]
pub fn is_stale(last: Option<NaiveDate>, every: Option<Duration>, today: NaiveDate) -> bool {
    let (Some(last), Some(every)) = (last, every) else {
        return false;
    };
    let days = i64::try_from(every.as_secs() / 86_400).unwrap_or(i64::MAX);
    today.signed_duration_since(last).num_days() > days
}

/// What a file of a library is, and what lists show of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Listed {
    Runbook(Header),
    Scenario(scenario::Head),
}

/// Changes whenever [`listed`] gives something else for the same bytes.
pub const LISTED: u32 = 2;

/// What lists show of the file in `bytes`; `None` if it has no usable id. Lenient: the rest may be wrong.
#[must_use]
pub fn listed(bytes: &[u8]) -> Option<Listed> {
    if scenario::is_scenario(bytes) {
        return scenario::head(bytes).map(Listed::Scenario);
    }
    read(bytes).map(Listed::Runbook)
}

/// The header of the runbook in `bytes`; `None` if it has no usable id. Lenient: the rest may be wrong.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Header> {
    if bytes.len() > MOST_BYTES {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let header = match scan(text) {
        Some(draft) => draft,
        None => from_tree(&yaml::source("", bytes).ok()?.read("").0?)?,
    };
    is_id(header.id.as_str()).then_some(header)
}

fn empty() -> Header {
    Header {
        id: RunbookId(String::new()),
        title: String::new(),
        severity: None,
        owner: None,
        services: Vec::new(),
        tags: Vec::new(),
        alerts: Vec::new(),
        last_reviewed: None,
        review_every: None,
        steps: 0,
    }
}

fn leaf<T: Leaf>(text: &str, plain: bool) -> Option<T> {
    T::read(&Scalar {
        text: text.into(),
        plain,
        layout: Layout::Unknown,
    })
    .0
}

fn set_scalar(header: &mut Header, key: &str, text: String) {
    match key {
        "id" => header.id = RunbookId(text),
        "title" => header.title = text,
        "owner" => header.owner = Some(text),
        "severity" => header.severity = leaf(&text, true),
        "last_reviewed" => header.last_reviewed = leaf::<Day>(&text, true).map(|day| day.0),
        "review_every" => header.review_every = leaf::<Length>(&text, true).map(|length| length.0),
        _ => {}
    }
}

fn set_list(header: &mut Header, key: &str, items: Vec<String>) {
    match key {
        "services" => header.services = items,
        "tags" => header.tags = items,
        "alerts" => header.alerts = items,
        _ => {}
    }
}

const SCALARS: [&str; 6] = [
    "id",
    "title",
    "owner",
    "severity",
    "last_reviewed",
    "review_every",
];
const LISTS: [&str; 3] = ["services", "tags", "alerts"];

/// Reads the usual way of writing line by line; `None` when anything unusual is met.
fn scan(text: &str) -> Option<Header> {
    let mut header = empty();
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.starts_with(['\u{feff}', '{', '%', '&', '*', '!', '?', '"', '\''])
            || line.starts_with("...")
        {
            return None;
        }
        if line.starts_with([' ', '\t', '#', '-']) || line.is_empty() {
            continue;
        }
        let (key, rest) = line.split_once(':')?;
        let rest = uncommented(rest);
        if key == "steps" {
            if !rest.is_empty() {
                return None;
            }
            header.steps = count_items(&mut lines);
        } else if SCALARS.contains(&key) {
            if lines.peek().is_some_and(|below| continues(below)) {
                return None;
            }
            set_scalar(&mut header, key, simple(rest)?);
        } else if LISTS.contains(&key) {
            let items = if rest.is_empty() {
                block_items(&mut lines)?
            } else {
                flow_items(rest)?
            };
            set_list(&mut header, key, items);
        }
    }
    Some(header)
}

type Lines<'a> = std::iter::Peekable<std::str::Split<'a, char>>;

fn continues(below: &str) -> bool {
    below.starts_with([' ', '\t'])
        && !below.trim_start().starts_with('#')
        && !below.trim().is_empty()
}

/// The value of a line without its comment and the spaces around it.
fn uncommented(rest: &str) -> &str {
    let rest = rest.trim();
    if rest.starts_with('#') {
        return "";
    }
    if rest.starts_with(['"', '\'']) {
        let quote = &rest[..1];
        return match rest[1..].find(quote).map(|at| at + 2) {
            Some(end) if rest[end..].trim_start().starts_with('#') => &rest[..end],
            _ => rest,
        };
    }
    rest.find(" #").map_or(rest, |at| rest[..at].trim_end())
}

/// A scalar on one line that means itself.
fn simple(text: &str) -> Option<String> {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            let inner = inner.strip_suffix(quote)?;
            return (!inner.contains([quote, '\\'])).then(|| inner.to_owned());
        }
    }
    let unusual = text.is_empty()
        || text.starts_with(['|', '>', '&', '*', '!', '[', '{', '%', '@', '`', '?', '-'])
        || text.contains(": ")
        || text.ends_with(':')
        || matches!(text, "~" | "null");
    (!unusual).then(|| text.to_owned())
}

fn flow_items(text: &str) -> Option<Vec<String>> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    if inner.contains(['[', '{', '"', '\'', '#', ']', '}']) {
        return None;
    }
    if inner.trim().is_empty() {
        return Some(Vec::new());
    }
    inner.split(',').map(|item| simple(item.trim())).collect()
}

fn block_items(lines: &mut Lines<'_>) -> Option<Vec<String>> {
    let mut items = Vec::new();
    while let Some(line) = lines.peek() {
        let line = line.trim();
        if let Some(item) = line.strip_prefix("- ") {
            items.push(simple(uncommented(item))?);
        } else if !line.is_empty() && !line.starts_with('#') {
            break;
        }
        lines.next();
    }
    // A line that goes on below an item is indented and no item.
    if lines.peek().is_some_and(|below| continues(below)) {
        None
    } else {
        Some(items)
    }
}

/// Counts the items at the depth of the first one; what belongs to an item stands deeper.
fn count_items(lines: &mut Lines<'_>) -> usize {
    let mut count = 0;
    let mut depth = None;
    while let Some(line) = lines.peek() {
        let body = line.trim_start_matches(' ');
        let indent = line.len() - body.len();
        let item = body.starts_with("- ") || body.trim_end() == "-";
        if item && *depth.get_or_insert(indent) == indent {
            count += 1;
        } else if indent == 0 && !item && !body.trim_end().is_empty() && !body.starts_with('#') {
            break;
        }
        lines.next();
    }
    count
}

fn from_tree(tree: &Node<'_>) -> Option<Header> {
    let Value::Map(items) = &tree.value else {
        return None;
    };
    let mut header = empty();
    for (key, node) in items {
        let key = key.scalar.text.as_ref();
        match &node.value {
            Value::Scalar(scalar) if SCALARS.contains(&key) => {
                set_scalar(&mut header, key, scalar.text.clone().into_owned());
            }
            Value::List(list) if key == "steps" => header.steps = list.len(),
            Value::List(list) => {
                let texts = list.iter().filter_map(|node| match &node.value {
                    Value::Scalar(scalar) => Some(scalar.text.clone().into_owned()),
                    _ => None,
                });
                set_list(&mut header, key, texts.collect());
            }
            _ => {}
        }
    }
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: &str = "# a runbook\nid: key\ntitle: 'A key'   # said so\nseverity: sev2\nowner: sec\n\
        services: [iam, sso]\ntags:\n- a\n  # between\n- b\nalerts: []\nsummary: |\n  title: not this\n\
        last_reviewed: 2026-10-01\nreview_every: 90d\nsteps:\n  - id: a\n    run: |\n      - x\n    checklist:\n\
        \x20     - y\n  - {id: b}\n# end\nlogs: {}\n";

    fn exact(text: &str) -> Option<Header> {
        from_tree(&yaml::source("", text.as_bytes()).ok()?.read("").0?)
    }

    fn both(text: &str) -> (Option<Header>, Option<Header>) {
        (scan(text), exact(text))
    }

    #[test]
    fn the_quick_way_and_the_exact_way_agree() {
        let (quick, exact) = both(USUAL);
        assert_eq!(quick, exact);
        let header = quick.unwrap();
        assert_eq!(
            (header.title.as_str(), header.steps, header.tags.len()),
            ("A key", 2, 2)
        );
        assert!(header.is_stale(NaiveDate::from_ymd_opt(2027, 1, 1).unwrap()));
        assert!(!header.is_stale(NaiveDate::from_ymd_opt(2026, 12, 30).unwrap()));
    }

    #[test]
    fn unusual_writing_is_read_the_exact_way() {
        for text in [
            "{id: a, title: b, steps: [{id: c}]}",
            "id: a\ntitle: >\n  long\n  title\nsteps: [{id: c}]\n",
            "id: a\ntitle: b\n  goes on\nsteps:\n- id: c\n",
            "\"id\": a\ntitle: \"b \\u00e9\"\nsteps:\n- id: c\n",
            "id: a\ntitle: b\ntags: [\"x, y\",\n  z]\nsteps:\n- id: c\n",
        ] {
            assert_eq!(scan(text), None, "{text}");
            let header = read(text.as_bytes()).unwrap();
            assert_eq!((header.id.as_str(), header.steps), ("a", 1), "{text}");
        }
    }

    #[test]
    fn a_file_without_an_id_has_no_header() {
        for text in ["", "title: x\n", "id: Not An Id\n", "- a\n", "\u{0}"] {
            assert_eq!(read(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(read(&[0xff, 0xfe]), None);
    }
}

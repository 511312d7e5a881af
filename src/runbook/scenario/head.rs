//! Telling a scenario from a runbook without reading all of it, and what a list shows of one.
//! Knows nothing of whether the rest of the file is right; `check` does.

use serde::{Deserialize, Serialize};

use super::Form;
use super::words::KIND;
use crate::runbook::decode::Leaf as _;
use crate::runbook::words::is_id;
use crate::runbook::yaml::{self, MOST_BYTES, Node, Value};

/// The part of a scenario that lists show; players may see all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Head {
    pub id: String,
    pub title: String,
    pub form: Option<Form>,
    pub summary: String,
}

/// Whether a file says of itself that it is a scenario: `kind: scenario` at its top.
#[must_use]
pub fn is_scenario(bytes: &[u8]) -> bool {
    let says = |word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
    if !says(KIND) || !says("kind") {
        return false;
    }
    let Some(text) = text(bytes) else {
        return false;
    };
    quick(text).unwrap_or_else(|| {
        tree(bytes, |tree| {
            scalar(tree, "kind").is_some_and(|kind| kind == KIND)
        })
    })
}

/// Reads the usual way of writing line by line; `None` when anything unusual is met.
fn quick(text: &str) -> Option<bool> {
    let mut inside = false;
    for line in text.lines() {
        let content = line.trim_start();
        if content.is_empty() || content.starts_with('#') || line == "---" {
            continue;
        }
        if line.starts_with(|char: char| char.is_ascii_lowercase()) {
            inside = true;
            let Some(value) = line
                .strip_prefix("kind")
                .and_then(|rest| rest.strip_prefix(':'))
            else {
                continue;
            };
            let value = value.split(" #").next().unwrap_or_default().trim();
            let plain = value.starts_with(|char: char| char.is_ascii_alphanumeric());
            return plain.then_some(value == KIND);
        }
        // Below a key stand its value, the items of its list, and what closes a bracket.
        if !inside || !line.starts_with([' ', '\t', '-', ']', '}']) {
            return None;
        }
    }
    Some(false)
}

/// The head of the scenario in `bytes`; `None` if it has no usable id. Lenient: the rest may be wrong.
#[must_use]
pub fn head(bytes: &[u8]) -> Option<Head> {
    text(bytes)?;
    tree(bytes, |tree| {
        let text = |key| scalar(tree, key).unwrap_or_default();
        Some(Head {
            id: text("id"),
            title: text("title"),
            form: form(&text("form")),
            summary: text("summary"),
        })
    })
    .filter(|head| is_id(&head.id))
}

fn form(word: &str) -> Option<Form> {
    Form::read(&yaml::Scalar {
        text: word.into(),
        plain: true,
        layout: yaml::Layout::Unknown,
    })
    .0
}

fn text(bytes: &[u8]) -> Option<&str> {
    let small = bytes.len() <= MOST_BYTES;
    small.then(|| std::str::from_utf8(bytes).ok()).flatten()
}

fn tree<T: Default>(bytes: &[u8], look: impl Fn(&Node<'_>) -> T) -> T {
    let Ok(source) = yaml::source("", bytes) else {
        return T::default();
    };
    source.read("").0.as_ref().map(look).unwrap_or_default()
}

fn scalar(tree: &Node<'_>, wanted: &str) -> Option<String> {
    let Value::Map(items) = &tree.value else {
        return None;
    };
    let (_, node) = items.iter().find(|(key, _)| key.scalar.text == wanted)?;
    match &node.value {
        Value::Scalar(scalar) => Some(scalar.text.clone().into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_says_so_at_its_top() {
        for text in [
            "kind: scenario\nid: a\n",
            "# a comment\n\nid: a\nkind:   scenario   # of an exercise\n",
            "\u{feff}kind: 'scenario'\r\nid: a\r\n",
            "\"kind\": \"scenario\"\nid: a\n",
            "{\"id\": \"a\", \"kind\": \"scenario\"}",
            "{id: a,\n kind: scenario}",
            "id: a\nkind:\n  scenario\n",
            "id: a\nkind: >-\n  scenario\n",
            "id: a\n\"kind\": scenario\n",
            "id: a\n? kind\n: scenario\n",
            "  id: a\n  kind: scenario\n",
            "--- {id: a, kind: scenario}\n",
        ] {
            assert!(is_scenario(text.as_bytes()), "{text:?}");
            assert_eq!(head(text.as_bytes()).unwrap().id, "a", "{text:?}");
        }
        for text in [
            "id: a\ntitle: kind of a scenario\n",
            "id: a\nsteps:\n  - id: kind\n    kind: scenario\n",
            "id: a\nsummary: |\n  kind: scenario\n",
            "kind: scenarios\n",
            "kinds: scenario\n",
            "{id: a, steps: [{kind: scenario}]}",
            "id: a\ntags:\n- kind\n- scenario\n",
            "kind: [scenario]\n",
            "kind:\n",
            "",
            "{scenario",
        ] {
            assert!(!is_scenario(text.as_bytes()), "{text:?}");
        }
        assert!(!is_scenario(b"kind: scenario\nid: \xff\n"));
    }

    #[test]
    fn a_head_needs_an_id_and_nothing_else() {
        let full = "kind: scenario\nid: a\ntitle: A\nform: drill\nsummary: S\ninjects: 5\n";
        let head_of = |text: &str| head(text.as_bytes());
        let found = head_of(full).unwrap();
        assert_eq!((found.title.as_str(), found.form), ("A", Some(Form::Drill)));
        assert_eq!(
            head_of("kind: scenario\nid: a\nform: x\n").unwrap().form,
            None
        );
        assert_eq!(head_of("kind: scenario\nid: Not an id\n"), None);
        assert_eq!(head_of("kind: scenario\nid: [a]\n"), None);
    }
}

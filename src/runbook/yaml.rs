//! YAML as a tree that knows where every key and value stands. The only file that names the YAML library.
//! Small on purpose: no anchors, aliases, tags or second documents, and hard limits on size, depth and nodes.
//! Knows nothing of runbooks.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_yaml::granit_parser::{Event, Marker, Parser, ScalarStyle, Span, options};

use super::problem::{Place, Problem, quoted};

/// The largest file that is read, in bytes.
pub const MOST_BYTES: usize = 1 << 20;
const MOST_NODES: usize = 50_000;
const MOST_DEPTH: usize = 32;
const MOST_PROBLEMS: usize = 50;

/// One node.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub at: Place,
    pub value: Value<'a>,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    Scalar(Scalar<'a>),
    List(Vec<Node<'a>>),
    Map(Vec<(Key<'a>, Node<'a>)>),
}

/// A key and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Key<'a> {
    pub at: Place,
    pub scalar: Scalar<'a>,
}

/// Text as written, and how it was written.
#[derive(Debug, Clone)]
pub(crate) struct Scalar<'a> {
    pub text: Cow<'a, str>,
    pub plain: bool,
    pub layout: Layout,
}

/// How the characters of a scalar lie in the file, to point into it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// On one line, as written, after so many characters of quotation.
    Line(u8),
    /// A literal block, `|`, indented by so many columns; it stands where its first line with something on it begins.
    Block(u32),
    /// Folded or escaped: only its beginning is known.
    #[default]
    Unknown,
}

impl Layout {
    /// The place of the byte `offset` of `text`, which stands at `at`.
    #[must_use]
    pub fn place(self, at: Place, text: &str, offset: usize) -> Place {
        let before = text.get(..offset).unwrap_or_default();
        match self {
            Self::Line(quotes) => Place {
                line: at.line,
                column: at.column + u32::from(quotes) + count(before.chars()),
            },
            Self::Block(indent) => Place {
                line: (at.line + count(before.matches('\n')))
                    .saturating_sub(count(text.chars().take_while(|char| *char == '\n'))),
                column: indent + 1 + count(before.rsplit('\n').next().unwrap_or_default().chars()),
            },
            Self::Unknown => at,
        }
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX / 4)
}

/// What a plain scalar means (YAML 1.2 core schema).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Meaning {
    Null,
    Bool(bool),
    Integer(Option<i64>),
    Float,
    Text,
}

impl Scalar<'_> {
    pub fn meaning(&self) -> Meaning {
        if !self.plain {
            return Meaning::Text;
        }
        let text = self.text.as_ref();
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Meaning::Null,
            "true" | "True" | "TRUE" => return Meaning::Bool(true),
            "false" | "False" | "FALSE" => return Meaning::Bool(false),
            ".inf" | "-.inf" | "+.inf" | ".nan" | ".NaN" | ".NAN" => return Meaning::Float,
            _ => {}
        }
        if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
            return Meaning::Text;
        }
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
            return Meaning::Integer(text.parse().ok());
        }
        let float = digits.bytes().any(|b| b.is_ascii_digit())
            && digits
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'))
            && text.parse::<f64>().is_ok();
        if float { Meaning::Float } else { Meaning::Text }
    }
}

enum Frame<'a> {
    List(Place, Vec<Node<'a>>),
    Map(Place, Vec<(Key<'a>, Node<'a>)>, Option<Key<'a>>),
}

/// The text of a file, ready to be read.
pub(crate) struct Source<'a> {
    text: Cow<'a, str>,
    /// Whether brackets of an unquoted path were hidden from the scanner.
    hidden: bool,
}

// YAML ends a plain scalar of a flow mapping at a bracket, so `{json: .items[0].name}` would need quotes. People
// write it without: the brackets of such paths are passed through the scanner as these private characters.
const OPENING: char = '\u{f8e0}';
const CLOSING: char = '\u{f8e1}';

impl<'a> Source<'a> {
    fn new(text: &'a str) -> Self {
        let plain = Self {
            text: Cow::Borrowed(text),
            hidden: false,
        };
        if !text.contains("json: .") || text.contains([OPENING, CLOSING]) {
            return plain;
        }
        let mut out = String::with_capacity(text.len() + 64);
        let mut hidden = false;
        for line in text.split_inclusive('\n') {
            let mut from = 0;
            while let Some(start) = line[from..].find("json: .").map(|at| from + at + 6) {
                out.push_str(&line[from..start]);
                let length = path_length(&line[start..]);
                let path = &line[start..start + length];
                hidden |= path.contains('[');
                out.extend(path.chars().map(|char| match char {
                    '[' => OPENING,
                    ']' => CLOSING,
                    other => other,
                }));
                from = start + length;
            }
            out.push_str(&line[from..]);
        }
        if !hidden {
            return plain;
        }
        Self {
            text: Cow::Owned(out),
            hidden,
        }
    }

    /// Reads one document. What is forbidden but leaves the rest readable is a problem beside the tree.
    pub fn read(&self, file: &str) -> (Option<Node<'_>>, Vec<Problem>) {
        let mut reader = Reader {
            file,
            text: &self.text,
            hidden: self.hidden,
            stack: Vec::new(),
            root: None,
            nodes: 0,
            problems: Vec::new(),
        };
        if let Err(problem) = reader.walk() {
            reader.problems.push(*problem);
            return (None, reader.problems);
        }
        if reader.root.is_none() && reader.problems.is_empty() {
            let start = Place { line: 1, column: 1 };
            let problem = Problem::error(file, start, "yaml", "the file is empty");
            reader.problems.push(problem);
        }
        (reader.root, reader.problems)
    }
}

/// How far a path goes: to a space or comma, or to the bracket or brace that closes what is around it.
fn path_length(text: &str) -> usize {
    let mut depth = 0u32;
    for (index, char) in text.char_indices() {
        match char {
            '[' => depth += 1,
            ']' if depth > 0 => depth -= 1,
            ']' | '}' | ',' | '\'' | '"' => return index,
            _ if char.is_whitespace() => return index,
            _ => {}
        }
    }
    text.len()
}

/// The text of a file that is small enough and UTF-8.
pub(crate) fn source<'a>(file: &str, bytes: &'a [u8]) -> Result<Source<'a>, Box<Problem>> {
    text_of(file, bytes).map(Source::new)
}

fn text_of<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Box<Problem>> {
    let start = Place { line: 1, column: 1 };
    if bytes.len() > MOST_BYTES {
        let what = format!("the file has more than {MOST_BYTES} bytes and is not read");
        return Err(Box::new(Problem::error(file, start, "too-large", what)));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let good = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        let at = Place {
            line: 1 + count(good.matches('\n')),
            column: 1 + count(good.rsplit('\n').next().unwrap_or_default().chars()),
        };
        Box::new(
            Problem::error(file, at, "not-utf8", "this is not UTF-8")
                .hint("save the file as UTF-8"),
        )
    })
}

struct Reader<'a, 'f> {
    file: &'f str,
    text: &'a str,
    hidden: bool,
    stack: Vec<Frame<'a>>,
    root: Option<Node<'a>>,
    nodes: usize,
    problems: Vec<Problem>,
}

type Done = Result<(), Box<Problem>>;

impl<'a> Reader<'a, '_> {
    fn walk(&mut self) -> Done {
        let mut limits = options! {
            flow_nesting_limit: MOST_DEPTH,
            block_nesting_limit: MOST_DEPTH,
            disallow_directives: true,
            emit_unresolved_aliases: true,
        };
        limits.set_emit_comments(false);
        for item in Parser::new_from_str_with_options(self.text, limits) {
            let (event, span) = item.map_err(|error| {
                let what = format!(
                    "this is not YAML: {}",
                    super::problem::visible(&error.info(), 200)
                );
                Box::new(Problem::error(
                    self.file,
                    place(*error.marker()),
                    "yaml",
                    what,
                ))
            })?;
            self.event(event, span)?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'a>, span: Span) -> Done {
        let at = place(span.start);
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(self.refuse(at, "second-document", "a file holds one document"))
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.plainly(at, anchor, tag.is_some());
                let layout = self.layout(&text, style, span);
                let plain = matches!(style, ScalarStyle::Plain);
                let text = self.shown(text);
                self.scalar(
                    at,
                    Scalar {
                        text,
                        plain,
                        layout,
                    },
                )
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.plainly(at, anchor, tag.is_some());
                self.open(at, Frame::List(at, Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.plainly(at, anchor, tag.is_some());
                self.open(at, Frame::Map(at, Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let problem = self.refuse(at, "alias", "aliases are not read");
                self.keep(problem.hint("write the value out"));
                let scalar = Scalar {
                    text: Cow::Borrowed("alias"),
                    plain: false,
                    layout: Layout::Unknown,
                };
                self.scalar(at, scalar)
            }
            _ => Ok(()),
        }
    }

    fn refuse(&self, at: Place, code: &'static str, what: &str) -> Box<Problem> {
        Box::new(Problem::error(self.file, at, code, what))
    }

    fn keep(&mut self, problem: Problem) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn plainly(&mut self, at: Place, anchor: usize, tagged: bool) {
        if anchor != 0 {
            let problem = self.refuse(at, "anchor", "anchors are not read");
            self.keep(problem.hint("write the value out where it is needed"));
        }
        if tagged {
            let problem = self.refuse(at, "tag", "tags are not read");
            self.keep(problem.hint("leave the `!…` out"));
        }
    }

    fn shown(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        if self.hidden && text.contains([OPENING, CLOSING]) {
            return Cow::Owned(text.replace(OPENING, "[").replace(CLOSING, "]"));
        }
        text
    }

    fn layout(&self, text: &str, style: ScalarStyle, span: Span) -> Layout {
        match style {
            ScalarStyle::Literal => Layout::Block(place(span.start).column.saturating_sub(1)),
            ScalarStyle::Folded => Layout::Unknown,
            _ if span.slice(self.text) == Some(text) => Layout::Line(0),
            _ => match span
                .slice(self.text)
                .and_then(|raw| raw.get(1..raw.len().saturating_sub(1)))
            {
                Some(inner) if inner == text => Layout::Line(1),
                _ => Layout::Unknown,
            },
        }
    }

    fn open(&mut self, at: Place, frame: Frame<'a>) -> Done {
        if let Some(Frame::Map(_, _, None)) = self.stack.last() {
            return Err(self.refuse(at, "yaml", "a key must be plain text"));
        }
        if self.stack.len() >= MOST_DEPTH {
            return Err(self.refuse(at, "too-deep", "this is nested too deeply"));
        }
        self.stack.push(frame);
        Ok(())
    }

    fn close(&mut self) -> Done {
        let node = match self.stack.pop() {
            Some(Frame::List(at, items)) => Node {
                at,
                value: Value::List(items),
            },
            Some(Frame::Map(at, items, _)) => {
                let items = self.without_duplicates(items);
                Node {
                    at,
                    value: Value::Map(items),
                }
            }
            None => return Ok(()),
        };
        self.put(node)
    }

    fn scalar(&mut self, at: Place, scalar: Scalar<'a>) -> Done {
        if let Some(Frame::Map(_, _, key @ None)) = self.stack.last_mut() {
            *key = Some(Key { at, scalar });
            return Ok(());
        }
        self.put(Node {
            at,
            value: Value::Scalar(scalar),
        })
    }

    fn put(&mut self, node: Node<'a>) -> Done {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(self.refuse(node.at, "too-many-nodes", "the file holds too many values"));
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Frame::List(_, items)) => items.push(node),
            Some(Frame::Map(_, items, key)) => {
                if let Some(key) = key.take() {
                    items.push((key, node));
                }
            }
        }
        Ok(())
    }

    fn without_duplicates(&mut self, items: Vec<(Key<'a>, Node<'a>)>) -> Vec<(Key<'a>, Node<'a>)> {
        let mut doubles = Vec::new();
        {
            let mut seen: HashSet<&str> = HashSet::new();
            for (index, (key, _)) in items.iter().enumerate() {
                let double = if items.len() <= 12 {
                    items[..index]
                        .iter()
                        .any(|(other, _)| other.scalar.text == key.scalar.text)
                } else {
                    !seen.insert(&key.scalar.text)
                };
                if double {
                    doubles.push(index);
                }
            }
        }
        if doubles.is_empty() {
            return items;
        }
        let mut kept = Vec::with_capacity(items.len());
        let mut doubles = doubles.into_iter().peekable();
        for (index, (key, node)) in items.into_iter().enumerate() {
            if doubles.peek() == Some(&index) {
                doubles.next();
                let what = format!("the key {} is here twice", quoted(&key.scalar.text));
                let problem = Problem::error(self.file, key.at, "duplicate-key", what);
                self.keep(problem.hint("keep one of them"));
            } else {
                kept.push((key, node));
            }
        }
        kept
    }
}

fn place(mark: Marker) -> Place {
    Place {
        line: u32::try_from(mark.line()).unwrap_or(u32::MAX),
        column: u32::try_from(mark.col())
            .unwrap_or(u32::MAX - 1)
            .saturating_add(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str, needle: &str) -> Vec<Place> {
        fn walk(node: &Node<'_>, needle: &str, found: &mut Vec<Place>) {
            match &node.value {
                Value::Scalar(scalar) => {
                    if let Some(offset) = scalar.text.find(needle) {
                        found.push(scalar.layout.place(node.at, &scalar.text, offset));
                    }
                }
                Value::List(items) => items.iter().for_each(|item| walk(item, needle, found)),
                Value::Map(items) => items.iter().for_each(|(_, item)| walk(item, needle, found)),
            }
        }
        let source = source("a", text.as_bytes()).unwrap();
        let (tree, problems) = source.read("a");
        assert!(problems.is_empty(), "{problems:?}");
        let mut found = Vec::new();
        walk(&tree.unwrap(), needle, &mut found);
        found
    }

    #[test]
    fn a_word_inside_a_scalar_is_found_where_it_stands() {
        for text in [
            "a: xX\n",
            "a: 'xX'\n",
            "a: \"xX\"\n",
            "a:\n- {b: [xX]}\n",
            "a: |\n  one\n  é xX\n",
            "- a: |  # said\n\n\n    one\n\n    é xX\n",
            "a: |-\n  xX",
            "a: |2\n    xX\n",
            "a: |\r\n  one\r\n  xX\r\n",
            "{json: .a[0].xX}",
        ] {
            let before = &text[..text.find('X').unwrap()];
            let line = 1 + before.matches('\n').count();
            let column = 1 + before.rsplit('\n').next().unwrap().chars().count();
            let at = Place {
                line: u32::try_from(line).unwrap(),
                column: u32::try_from(column).unwrap(),
            };
            assert_eq!(places(text, "X"), [at], "{text:?}");
        }
    }

    #[test]
    fn a_path_in_a_flow_mapping_needs_no_quotes() {
        let source = source("a", b"{a: {json: .b[0][\"c d\"].e}, l: [x]}").unwrap();
        assert!(
            source.read("a").0.is_none(),
            "quotes inside still need quotes around"
        );
        let text = b"- {a: {json: .b[0].e}, l: [x]}\n- [{json: .c[1]}]\n";
        let source = super::source("a", text).unwrap();
        assert!(source.read("a").0.is_some());
    }
}

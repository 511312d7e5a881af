//! From the positioned tree to the shapes people write, collecting every problem on the way, and from the same
//! declaration to JSON Schema, so that the two cannot drift apart. Knows no key of any file.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value as Json, json};

use super::moments::moment;
use super::problem::{Place, Problem, quoted, suggest};
use super::yaml::{Key, Layout, Meaning, Node, Scalar, Value};

const MOST_PROBLEMS: usize = 100;

/// Collects problems of one file.
pub(crate) struct Decoder<'f> {
    pub file: &'f str,
    pub problems: Vec<Problem>,
    /// Whether something was dropped, so that names seem unknown which are only unread.
    pub lossy: bool,
}

impl Decoder<'_> {
    pub fn report(&mut self, problem: Problem) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn drop<T>(
        &mut self,
        at: Place,
        code: &'static str,
        what: String,
        hint: Option<String>,
    ) -> Option<T> {
        self.lossy = true;
        self.report(Problem::error(self.file, at, code, what).maybe_hint(hint));
        None
    }

    /// Reports that `key` holds something else than `wanted`.
    pub fn wrong<T>(&mut self, key: &str, node: &Node<'_>, wanted: &str) -> Option<T> {
        let found = match &node.value {
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
            Value::Scalar(scalar) if scalar.meaning() == Meaning::Null => "nothing".to_owned(),
            Value::Scalar(scalar) => quoted(&scalar.text),
        };
        let what = format!("{} takes {wanted}, not {found}", quoted(key));
        self.drop(node.at, "wrong-type", what, None)
    }
}

/// A shape that can be read from a node.
pub(crate) trait Decode: Sized {
    fn decode(node: &Node<'_>, key: &str, decoder: &mut Decoder<'_>) -> Option<Self>;
}

/// A shape written as one scalar.
pub(crate) trait Leaf: Sized {
    /// What it is, for messages: `a duration such as 30s`.
    const WANTED: &'static str;
    /// The value, if it can be used; and what is wrong with it, with a hint.
    fn read(scalar: &Scalar<'_>) -> (Option<Self>, Option<String>);
    /// Its JSON Schema.
    fn schema() -> Json;
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct At<T> {
    pub at: Place,
    pub layout: Layout,
    pub value: T,
}

impl<T> At<T> {
    /// Where the byte `offset` of its text stands.
    #[must_use]
    pub fn inside(&self, text: &str, offset: usize) -> Place {
        self.layout.place(self.at, text, offset)
    }
}

impl<T: Leaf> Decode for At<T> {
    fn decode(node: &Node<'_>, key: &str, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Value::Scalar(scalar) = &node.value else {
            return decoder.wrong(key, node, T::WANTED);
        };
        let (value, wrong) = T::read(scalar);
        match (value, wrong) {
            (None, None) => decoder.wrong(key, node, T::WANTED),
            (None, hint) => {
                let what = format!(
                    "{} takes {}, not {}",
                    quoted(key),
                    T::WANTED,
                    quoted(&scalar.text)
                );
                decoder.drop(node.at, "wrong-value", what, hint)
            }
            (Some(value), wrong) => {
                if let Some(wrong) = wrong {
                    decoder.report(Problem::error(decoder.file, node.at, "wrong-value", wrong));
                }
                Some(Self {
                    at: node.at,
                    layout: scalar.layout,
                    value,
                })
            }
        }
    }
}

/// Anything, and where it stands.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Standing<T> {
    pub at: Place,
    pub value: T,
}

impl<T: Decode> Decode for Standing<T> {
    fn decode(node: &Node<'_>, key: &str, decoder: &mut Decoder<'_>) -> Option<Self> {
        let value = T::decode(node, key, decoder)?;
        Some(Self { at: node.at, value })
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node<'_>, key: &str, decoder: &mut Decoder<'_>) -> Option<Self> {
        match &node.value {
            Value::List(items) => Some(
                items
                    .iter()
                    .filter_map(|item| T::decode(item, key, decoder))
                    .collect(),
            ),
            _ => decoder.wrong(key, node, "a list"),
        }
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T: Decode> Decode for OneOrMany<T> {
    fn decode(node: &Node<'_>, key: &str, decoder: &mut Decoder<'_>) -> Option<Self> {
        match &node.value {
            Value::List(_) => Vec::decode(node, key, decoder).map(Self),
            _ => T::decode(node, key, decoder).map(|one| Self(vec![one])),
        }
    }
}

/// A mapping whose keys are chosen by the writer, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<K, V>(pub Vec<(At<K>, V)>);

impl<K, V> Default for Named<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Leaf, V: Decode> Decode for Named<K, V> {
    fn decode(node: &Node<'_>, key: &str, decoder: &mut Decoder<'_>) -> Option<Self> {
        let Value::Map(items) = &node.value else {
            return decoder.wrong(key, node, "a mapping");
        };
        let mut entries = Vec::with_capacity(items.len());
        for (name, value) in items {
            let label = name.scalar.text.as_ref();
            let value = V::decode(value, label, decoder);
            if let (Some(name), Some(value)) = (name_of(name, key, decoder), value) {
                entries.push((name, value));
            }
        }
        Some(Self(entries))
    }
}

fn name_of<K: Leaf>(key: &Key<'_>, of: &str, decoder: &mut Decoder<'_>) -> Option<At<K>> {
    // A key is a name whatever it looks like: `on:` and `1:` too.
    let scalar = Scalar {
        text: Cow::Borrowed(&key.scalar.text),
        plain: false,
        layout: key.scalar.layout,
    };
    let (value, wrong) = K::read(&scalar);
    if value.is_none() || wrong.is_some() {
        let what = format!(
            "{} in {} is not {}",
            quoted(&scalar.text),
            quoted(of),
            K::WANTED
        );
        decoder.report(Problem::error(decoder.file, key.at, "wrong-name", what).maybe_hint(wrong));
    }
    if value.is_none() {
        decoder.lossy = true;
    }
    Some(At {
        at: key.at,
        layout: scalar.layout,
        value: value?,
    })
}

/// What holds between the keys of one mapping; message, check and schema come from it.
pub(crate) enum Rule {
    /// These exclude each other.
    AtMostOne(&'static [&'static str]),
    /// One of these and no second.
    ExactlyOne(&'static [&'static str]),
    /// At least one of these.
    AtLeastOne(&'static [&'static str]),
    /// The first is nothing without the second.
    Needs(&'static str, &'static str),
    /// Of two moments the second is the later one; the schema cannot say so.
    Rising(&'static str, &'static str),
}

impl Rule {
    fn schema(&self) -> Json {
        let each = |keys: &[&str]| -> Vec<Json> {
            keys.iter().map(|key| json!({"required": [key]})).collect()
        };
        match self {
            Self::AtMostOne(keys) => {
                let mut choices = each(keys);
                choices.push(json!({"not": {"anyOf": each(keys)}}));
                json!({"oneOf": choices})
            }
            Self::ExactlyOne(keys) => json!({"oneOf": each(keys)}),
            Self::AtLeastOne(keys) => json!({"anyOf": each(keys)}),
            Self::Needs(key, needed) => json!({"dependentRequired": {*key: [needed]}}),
            Self::Rising(..) => json!({}),
        }
    }

    fn check(
        &self,
        of: &str,
        node: &Node<'_>,
        items: &[(Key<'_>, Node<'_>)],
        decoder: &mut Decoder<'_>,
    ) {
        let find = |wanted: &str| items.iter().find(|(key, _)| key.scalar.text == wanted);
        let present = |keys: &[&str]| -> Vec<Place> {
            items
                .iter()
                .filter(|(key, _)| keys.contains(&key.scalar.text.as_ref()))
                .map(|(key, _)| key.at)
                .collect()
        };
        match self {
            Self::AtMostOne(keys) | Self::ExactlyOne(keys) => {
                for at in present(keys).iter().skip(1) {
                    let what = format!("{} can be only one of {}", quoted(of), listed(keys));
                    decoder.report(
                        Problem::error(decoder.file, *at, "two-kinds", what)
                            .hint("leave one of them"),
                    );
                }
                if matches!(self, Self::ExactlyOne(_)) && present(keys).is_empty() {
                    let what = format!("{} needs one of {}", quoted(of), listed(keys));
                    decoder.report(Problem::error(decoder.file, node.at, "missing-key", what));
                }
            }
            Self::AtLeastOne(keys) => {
                if present(keys).is_empty() {
                    let what = format!("{} needs one of {}", quoted(of), listed(keys));
                    decoder.report(Problem::error(decoder.file, node.at, "missing-key", what));
                }
            }
            Self::Rising(first, second) => {
                let read = |key: &str| {
                    let (_, node) = find(key)?;
                    let Value::Scalar(scalar) = &node.value else {
                        return None;
                    };
                    Some((node.at, moment(&scalar.text)?))
                };
                if let (Some((_, from)), Some((at, until))) = (read(first), read(second))
                    && until <= from
                {
                    let what = format!("{} is not after {}", quoted(second), quoted(first));
                    decoder.report(Problem::error(decoder.file, at, "wrong-value", what));
                }
            }
            Self::Needs(key, needed) => {
                if let (Some((key, _)), None) = (find(key), find(needed)) {
                    let what = format!(
                        "{} is nothing without {}",
                        quoted(&key.scalar.text),
                        quoted(needed)
                    );
                    decoder.report(Problem::error(decoder.file, key.at, "missing-key", what));
                }
            }
        }
    }
}

fn listed(keys: &[&str]) -> String {
    keys.iter()
        .map(|key| quoted(key))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The entries of a mapping with these keys and rules; unknown keys are reported and passed over.
pub(crate) fn entries<'n, 'a>(
    node: &'n Node<'a>,
    of: &str,
    known: &[&str],
    rules: &[Rule],
    decoder: &mut Decoder<'_>,
) -> Option<&'n [(Key<'a>, Node<'a>)]> {
    let Value::Map(items) = &node.value else {
        return decoder.wrong(of, node, "a mapping");
    };
    for (key, _) in items {
        let text = key.scalar.text.as_ref();
        if !known.contains(&text) {
            let what = format!("unknown key {} in {}", quoted(text), quoted(of));
            let problem = Problem::error(decoder.file, key.at, "unknown-key", what);
            decoder.report(problem.maybe_hint(suggest(text, known)));
        }
    }
    for rule in rules {
        rule.check(of, node, items, decoder);
    }
    Some(items)
}

/// The value of a key that has to be there.
pub(crate) fn missing<T>(
    node: &Node<'_>,
    of: &str,
    key: &str,
    decoder: &mut Decoder<'_>,
) -> Option<T> {
    let what = format!("{} has no {}", quoted(of), quoted(key));
    decoder.drop(node.at, "missing-key", what, None)
}

/// One key for the schema.
pub(crate) struct KeySchema {
    pub key: &'static str,
    pub doc: &'static str,
    pub required: bool,
    pub schema: Schema,
}

/// The schema of a mapping with these keys and rules.
pub(crate) fn mapping(doc: &str, keys: Vec<KeySchema>, rules: &[Rule]) -> Schema {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in keys {
        let mut schema = match Json::from(key.schema) {
            Json::Object(map) => map,
            other => Map::from_iter([("allOf".to_owned(), json!([other]))]),
        };
        schema.insert("description".to_owned(), json!(key.doc.trim()));
        properties.insert(key.key.to_owned(), Json::Object(schema));
        if key.required {
            required.push(json!(key.key));
        }
    }
    let mut schema = json_schema!({
        "type": "object",
        "description": doc.trim(),
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema.insert("required".to_owned(), Json::Array(required));
    }
    if !rules.is_empty() {
        schema.insert(
            "allOf".to_owned(),
            Json::Array(rules.iter().map(Rule::schema).collect()),
        );
    }
    schema
}

/// Declares a mapping once: the struct, how it is read, and its schema.
macro_rules! shape {
    (
        $(#[doc = $doc:literal])*
        $name:ident in $of:literal where $rules:expr;
        $( $(#[doc = $key_doc:literal])* $need:ident $key:literal $field:ident: $type:ty, )*
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $( $(#[doc = $key_doc])* pub $field: shape!(@field $need $type), )*
        }

        impl $name {
            const KEYS: &'static [&'static str] = &[$($key),*];

            fn rules() -> &'static [$crate::runbook::decode::Rule] {
                #[allow(unused_imports)]
                use $crate::runbook::decode::Rule::{AtLeastOne, AtMostOne, ExactlyOne, Needs, Rising};
                const RULES: &[$crate::runbook::decode::Rule] = &$rules;
                RULES
            }
        }

        impl $crate::runbook::decode::Decode for $name {
            fn decode(
                node: &$crate::runbook::yaml::Node<'_>,
                _key: &str,
                decoder: &mut $crate::runbook::decode::Decoder<'_>,
            ) -> Option<Self> {
                let items = $crate::runbook::decode::entries(node, $of, Self::KEYS, Self::rules(), decoder)?;
                $( let mut $field: Option<$type> = None; let mut seen = false;
                   for (key, value) in items {
                       if key.scalar.text == $key {
                           seen = true;
                           $field = $crate::runbook::decode::Decode::decode(value, $key, decoder);
                       }
                   }
                   let $field = shape!(@need $need $key $of seen $field node decoder); )*
                Some(Self { $( $field: shape!(@take $need $field), )* })
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($name))
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let keys = vec![$( $crate::runbook::decode::KeySchema {
                    key: $key,
                    doc: concat!($($key_doc),*),
                    required: shape!(@required $need),
                    schema: generator.subschema_for::<$type>(),
                }, )*];
                $crate::runbook::decode::mapping(concat!($($doc),*), keys, Self::rules())
            }
        }
    };
    (@field required $type:ty) => { $type };
    (@field optional $type:ty) => { Option<$type> };
    (@required required) => { true };
    (@required optional) => { false };
    (@need required $key:literal $of:literal $seen:ident $field:ident $node:ident $decoder:ident) => {
        if $seen { $field } else { $crate::runbook::decode::missing($node, $of, $key, $decoder) }
    };
    (@need optional $key:literal $of:literal $seen:ident $field:ident $node:ident $decoder:ident) => {{
        let _ = $seen;
        $field
    }};
    (@take required $field:ident) => { $field? };
    (@take optional $field:ident) => { $field };
}
pub(crate) use shape;

macro_rules! inline_schema {
    (($($generic:tt)*) $type:ty, $name:literal, $generator:ident => $schema:expr) => {
        impl<$($generic)*> JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

inline_schema!((T: Leaf) At<T>, "Scalar", _generator => Schema::try_from(T::schema()).unwrap_or_default());
inline_schema!((T: JsonSchema) Standing<T>, "Standing", generator => generator.subschema_for::<T>());
inline_schema!((T: JsonSchema) OneOrMany<T>, "OneOrMany", generator => {
    let one = generator.subschema_for::<T>();
    json_schema!({"anyOf": [one, {"type": "array", "items": one}]})
});
inline_schema!((K: Leaf, V: JsonSchema) Named<K, V>, "Named", generator => {
    let mut names = K::schema();
    if let Some(names) = names.as_object_mut() {
        names.remove("type");
    }
    let value = generator.subschema_for::<V>();
    json_schema!({"type": "object", "additionalProperties": value, "propertyNames": names})
});

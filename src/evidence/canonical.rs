//! Canonical JSON (RFC 8785) for what is digested and for the lines of the journal. Numbers are integers only:
//! no value of ours has a fraction, so the floating-point part of the RFC never applies.

use serde::Serialize;
use serde_json::Value;

use super::Digest;

/// Why a value has no canonical form.
#[derive(Debug, thiserror::Error)]
pub enum NotCanonical {
    /// It does not serialize to JSON at all.
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A number with a fraction, or outside ±(2^53 − 1).
    #[error("the number {0} has no canonical form here: whole numbers up to 2^53 − 1 only")]
    Number(String),
}

/// The canonical bytes of a value, as text.
///
/// # Errors
/// When it does not serialize, or holds a number that is no integer of at most 53 bits.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, NotCanonical> {
    let mut out = String::new();
    write(&serde_json::to_value(value)?, &mut out)?;
    Ok(out)
}

/// The SHA-256 of the canonical bytes.
///
/// # Errors
/// As [`to_string`].
pub fn digest<T: Serialize + ?Sized>(value: &T) -> Result<Digest, NotCanonical> {
    to_string(value).map(|text| Digest::of(text.as_bytes()))
}

/// The largest number that has a canonical form.
const LIMIT: u64 = (1 << 53) - 1;

/// Whether a number has a canonical form.
///
/// # Errors
/// When it is larger than 2^53 − 1.
pub fn whole(number: u64) -> Result<(), NotCanonical> {
    if number > LIMIT {
        return Err(NotCanonical::Number(number.to_string()));
    }
    Ok(())
}

fn write(value: &Value, out: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => {
            let fits = number.as_u64().is_some_and(|n| n <= LIMIT)
                || number.as_i64().is_some_and(|n| n.unsigned_abs() <= LIMIT);
            if !fits {
                return Err(NotCanonical::Number(number.to_string()));
            }
            out.push_str(&number.to_string());
        }
        Value::String(text) => string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                string(name, out);
                out.push(':');
                write(member, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    // What must be escaped is ASCII, so the place in bytes is one between characters.
    while let Some(at) = rest
        .bytes()
        .position(|byte| byte < b' ' || matches!(byte, b'"' | b'\\'))
    {
        let (plain, from) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = from.chars();
        match chars.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\t') => out.push_str("\\t"),
            Some('\n') => out.push_str("\\n"),
            Some('\u{c}') => out.push_str("\\f"),
            Some('\r') => out.push_str("\\r"),
            Some(c) => out.push_str(&format!("\\u{:04x}", c as u32)),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_by_utf16_units_as_in_the_rfc() {
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
            "1": "One", "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis"
        });
        let text = to_string(&value).unwrap();
        let order: Vec<_> = [
            "Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew",
        ]
        .iter()
        .map(|word| text.find(word).unwrap())
        .collect();
        assert!(order.is_sorted(), "{text}");
    }

    #[test]
    fn only_what_must_be_escaped_is() {
        assert_eq!(
            to_string("€$\u{f}\nA'B\"\\\\\"/\u{7f}").unwrap(),
            "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\""
        );
    }

    #[test]
    fn fractions_and_large_numbers_are_refused() {
        for wrong in [json!(1.5), json!(1u64 << 53), json!(-(1i64 << 53))] {
            assert!(to_string(&wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            to_string(&json!([-1, 0, 9_007_199_254_740_991_u64])).unwrap(),
            "[-1,0,9007199254740991]"
        );
    }
}

//! Texts on their way through chat, mail and clipboards: an armour of short lines for exact bytes, and reading what
//! comes back whatever the program in between did to it. Knows nothing of what the bytes say; what was changed beyond
//! repair is refused here or by the signature.

use base64ct::{Base64, Encoding};

/// The longest text that is looked at, in bytes.
pub const POST_LIMIT: usize = 64 * 1024;

/// The armour of a statement.
pub const STATEMENT: &str = "RUNSHEET STATEMENT";
/// The armour of an approval text.
pub const TEXT: &str = "RUNSHEET TEXT";

/// Short enough for every chat program and terminal.
const WIDTH: usize = 64;

/// Why nothing could be read out of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotWhole {
    /// Over the limit.
    #[error("longer than 64 KiB")]
    TooLong,
    /// No beginning, no end, or more than one.
    #[error("there is not exactly one BEGIN {0} with its END {0}")]
    Marks(&'static str),
    /// Letters are missing or wrong.
    #[error("what stands between BEGIN {0} and END {0} is not whole")]
    Inside(&'static str),
}

/// Bytes as lines of 64 letters that no chat program has a reason to change, between BEGIN and END.
#[must_use]
pub fn wrap(label: &str, bytes: &[u8]) -> String {
    let digits = Base64::encode_string(bytes);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = digits.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(WIDTH));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----\n");
    out
}

/// Whether such an armour begins in this text.
#[must_use]
pub fn is_wrapped(text: &str, label: &str) -> bool {
    text.contains(&format!("BEGIN {label}"))
}

/// The bytes of the one armour with this label, whatever stands around it.
///
/// # Errors
/// When there is none, or more than one, or it is not whole.
pub fn unwrap(text: &str, label: &'static str) -> Result<Vec<u8>, NotWhole> {
    if text.len() > POST_LIMIT {
        return Err(NotWhole::TooLong);
    }
    let (begin, end) = (format!("BEGIN {label}"), format!("END {label}"));
    let (_, rest) = text.split_once(&begin).ok_or(NotWhole::Marks(label))?;
    let (inside, after) = rest.split_once(&end).ok_or(NotWhole::Marks(label))?;
    if is_wrapped(inside, label) || is_wrapped(after, label) {
        return Err(NotWhole::Marks(label));
    }
    decode(inside.trim_matches(is_dash)).ok_or(NotWhole::Inside(label))
}

/// Base64 in which a mail or chat program left its marks: other line ends and lengths, quoting, blanks that are not
/// seen.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut digits = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim_start_matches(|c: char| c == '>' || c == '|' || is_blank(c));
        digits.extend(line.chars().filter(|c| !is_blank(*c)));
    }
    Base64::decode_vec(&digits).ok()
}

/// A statement that was pasted as it is: line ends as one program or another makes them, and blanks around its lines.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    for line in text.lines() {
        let line = line.trim_matches(is_blank);
        if !line.is_empty() {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// Hyphens, and what programs that mean well make of several.
fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// White space of any kind, what is not seen at all, and the quotes of a code block.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '`' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes() -> Vec<u8> {
        (0..300_u32).map(|n| (n * 7 % 256) as u8).collect()
    }

    #[test]
    fn what_was_wrapped_comes_out_again() {
        let wrapped = wrap(STATEMENT, &bytes());
        assert!(wrapped.lines().all(|line| line.len() <= 64), "{wrapped}");
        assert_eq!(unwrap(&wrapped, STATEMENT), Ok(bytes()));
        assert_eq!(unwrap(&wrap(TEXT, b""), TEXT), Ok(Vec::new()));
    }

    #[test]
    fn what_chat_mail_and_clipboards_do_is_undone() {
        let wrapped = wrap(STATEMENT, &bytes());
        let quoted: String = wrapped.lines().map(|line| format!("> {line}\n")).collect();
        let spaced = wrapped.replace('\n', "\u{a0}\u{200b}\r\n\r\n");
        let one_line = wrapped.replace('\n', " ");
        let dashes = wrapped.replace("-----", "—–-");
        let fenced = format!("Here you are:\n```\n{wrapped}```\nThanks, Carol — ok?\n");
        for changed in [&quoted, &spaced, &one_line, &dashes, &fenced] {
            assert_eq!(unwrap(changed, STATEMENT), Ok(bytes()), "{changed}");
        }
    }

    #[test]
    fn what_is_not_whole_or_not_alone_is_refused() {
        let wrapped = wrap(STATEMENT, &bytes());
        let mut lines: Vec<_> = wrapped.lines().collect();
        lines.remove(2);
        let shorter = unwrap(&lines.join("\n"), STATEMENT);
        assert_ne!(shorter, Ok(bytes()), "a missing line is never repaired");
        let marks = Err(NotWhole::Marks(STATEMENT));
        assert_eq!(unwrap(&wrapped.repeat(2), STATEMENT), marks);
        let nested = wrapped.replacen('\n', "\n-----BEGIN RUNSHEET STATEMENT-----\n", 1);
        assert_eq!(unwrap(&nested, STATEMENT), marks);
        assert_eq!(unwrap(&wrapped, TEXT), Err(NotWhole::Marks(TEXT)));
        assert_eq!(unwrap("", STATEMENT), marks);
        let cut = wrapped.replace('x', "!");
        assert_ne!(cut, wrapped);
        assert_eq!(unwrap(&cut, STATEMENT), Err(NotWhole::Inside(STATEMENT)));
        let long = "x".repeat(POST_LIMIT + 1);
        assert_eq!(unwrap(&long, STATEMENT), Err(NotWhole::TooLong));
    }

    #[test]
    fn a_pasted_statement_has_its_own_line_ends_again() {
        assert_eq!(plain("  a: b\r\nc: d \r\n\r\n"), "a: b\nc: d\n");
    }
}

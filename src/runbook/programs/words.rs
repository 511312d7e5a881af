//! The words of a script, as far as they can be told before it runs. Tolerant: whatever a shell would make of it, it is
//! read to its end.

use std::collections::BTreeMap;

/// A word of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// With values filled in; where something is not known, as it stands in the script.
    pub text: String,
    /// Whether the text is what a shell would make of it.
    pub known: bool,
    /// Whether it stands behind a `<`.
    pub from: bool,
}

impl Word {
    /// A plain word.
    pub fn known(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            known: true,
            from: false,
        }
    }
}

/// The most that values fill in; what comes after it is not known.
const FILLED: usize = 1 << 20;

/// The words of every simple command. `filled` counts what values fill in, over all scripts that stand in one another.
pub fn commands(
    script: &str,
    values: &BTreeMap<String, String>,
    filled: &mut usize,
) -> Vec<Vec<Word>> {
    let mut reader = Reader::default();
    let mut letters = script.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let quoted = reader.quote.is_some();
        let plain = reader.quote == Some('\'');
        match letter {
            '\'' | '"' if reader.quote == Some(letter) => reader.quote = None,
            '\'' | '"' if !quoted => {
                reader.quote = Some(letter);
                reader.open();
            }
            '\\' if !plain => match letters.next() {
                Some((_, '\n')) | None => {}
                Some((_, next)) => reader.push(next),
            },
            '$' if !plain => {
                let name = name(&script[at + 1..]);
                let value = name.and_then(|(name, length)| Some((values.get(name)?, length)));
                match value.filter(|(value, _)| *filled + value.len() <= FILLED) {
                    Some((value, length)) => {
                        *filled += value.len();
                        letters.nth(length - 1);
                        reader.open().text.push_str(value);
                    }
                    None => reader.unknown('$'),
                }
            }
            '`' if quoted && !plain => reader.unknown(letter),
            '#' if !quoted && reader.word.is_none() => {
                while letters.next_if(|(_, letter)| *letter != '\n').is_some() {}
            }
            ' ' | '\t' if !quoted => reader.end_word(),
            '<' | '>' if !quoted => {
                reader.end_word();
                reader.from = letter == '<' && letters.next_if(|(_, next)| *next == '<').is_none();
            }
            '\n' | ';' | '|' | '&' | '(' | ')' | '`' if !quoted => reader.end_command(),
            letter => reader.push(letter),
        }
    }
    reader.end_command();
    reader.all
}

#[derive(Default)]
struct Reader {
    all: Vec<Vec<Word>>,
    command: Vec<Word>,
    word: Option<Word>,
    quote: Option<char>,
    from: bool,
}

impl Reader {
    fn open(&mut self) -> &mut Word {
        let from = self.from;
        self.word.get_or_insert_with(|| Word {
            from,
            ..Word::known("")
        })
    }

    fn push(&mut self, letter: char) {
        self.open().text.push(letter);
    }

    fn unknown(&mut self, letter: char) {
        let word = self.open();
        word.known = false;
        word.text.push(letter);
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            self.command.push(word);
            self.from = false;
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        self.from = false;
        if !self.command.is_empty() {
            self.all.push(std::mem::take(&mut self.command));
        }
    }
}

/// The name behind a `$`, and how many letters it takes up.
fn name(rest: &str) -> Option<(&str, usize)> {
    let braced = rest.starts_with('{');
    let from = &rest[usize::from(braced)..];
    let length = from
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(from.len());
    let closed = !braced || from[length..].starts_with('}');
    (length > 0 && closed).then(|| (&from[..length], length + 2 * usize::from(braced)))
}

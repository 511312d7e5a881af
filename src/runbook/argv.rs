//! A script that is one simple command, taken apart into the words `sh` would run it with. Strict on purpose: whatever
//! could mean something else to any `sh` is no simple command here, and is refused. Runs nothing and expands nothing
//! but `$name` and `${name}` of values it is given.

use std::collections::BTreeMap;

/// Why a script is not one simple command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSimple {
    /// There is no command in it.
    #[error("there is no command in it")]
    Empty,
    /// Something that is more than a word.
    #[error("line {line}: {what}")]
    Beyond {
        /// From 1.
        line: usize,
        /// What stands there.
        what: &'static str,
    },
    /// `$name` of something that has no value in the record.
    #[error("`${0}` is no value that is known in clear")]
    Unknown(String),
    /// An unquoted value that `sh` would take apart or expand.
    #[error("the value of `${0}` is not one plain word: it has to stand in double quotes")]
    Unquoted(String),
    /// A word that is not run as a program.
    #[error("`{0}` is a word of the shell itself, not a program")]
    OfTheShell(String),
}

/// Words of the shell itself that do something else than start a program or could hide one.
const OF_THE_SHELL: [&str; 55] = [
    // Special ones of POSIX.
    ".", ":", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set",
    "shift", "times", "trap", "unset", // Others that run, change or name what runs.
    "alias", "bg", "builtin", "cd", "command", "coproc", "declare", "enable", "fg", "function",
    "getopts", "hash", "jobs", "let", "local", "read", "shopt", "source", "time", "type",
    "typeset", "ulimit", "umask", "unalias", "wait", // Reserved.
    "!", "{", "}", "if", "then", "elif", "else", "fi", "do", "done", "case", "esac", "while",
    "until", "for",
];

/// The words of a script for `sh -eu`, with these values in its environment.
///
/// # Errors
/// When it is anything else than one simple command of plain, quoted and escaped words and known values.
pub fn argv(script: &str, values: &BTreeMap<String, String>) -> Result<Vec<String>, NotSimple> {
    let mut reader = Reader {
        rest: script,
        line: 1,
        values,
        words: Vec::new(),
        word: None,
    };
    reader.read()?;
    let Some(first) = reader.words.first() else {
        return Err(NotSimple::Empty);
    };
    if first.is_empty() || first.contains('=') || OF_THE_SHELL.contains(&first.as_str()) {
        return Err(NotSimple::OfTheShell(first.clone()));
    }
    Ok(reader.words)
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    values: &'a BTreeMap<String, String>,
    words: Vec<String>,
    /// The word that has begun.
    word: Option<String>,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), NotSimple> {
        while let Some(letter) = self.next()? {
            match letter {
                ' ' | '\t' => self.end_word(),
                '\n' => {
                    self.end_word();
                    if !self.words.is_empty() {
                        return self.nothing_more();
                    }
                }
                '\'' => self.single()?,
                '"' => self.double()?,
                '\\' => match self.next()? {
                    // The line goes on.
                    Some('\n') => {}
                    Some(letter) => self.push(letter),
                    None => return Err(self.beyond("a backslash at the end")),
                },
                '$' => {
                    let (name, value) = self.value()?;
                    if value.is_empty() || !value.chars().all(is_plain) {
                        return Err(NotSimple::Unquoted(name));
                    }
                    self.push_all(&value);
                }
                letter if is_plain(letter) => self.push(letter),
                letter => return Err(self.beyond(what(letter))),
            }
        }
        self.end_word();
        Ok(())
    }

    /// After the command's line there may be blank ones.
    fn nothing_more(&self) -> Result<(), NotSimple> {
        if self.rest.chars().all(|c| matches!(c, ' ' | '\t' | '\n')) {
            return Ok(());
        }
        Err(self.beyond("more than one line of commands"))
    }

    /// What no terminal shows as it is has no place in a command.
    fn next(&mut self) -> Result<Option<char>, NotSimple> {
        let Some(letter) = self.rest.chars().next() else {
            return Ok(None);
        };
        self.rest = &self.rest[letter.len_utf8()..];
        if letter.is_control() && !matches!(letter, '\n' | '\t') {
            return Err(self.beyond("a control character"));
        }
        self.line += usize::from(letter == '\n');
        Ok(Some(letter))
    }

    fn single(&mut self) -> Result<(), NotSimple> {
        self.push_all("");
        loop {
            match self.next()? {
                Some('\'') => return Ok(()),
                Some(letter) => self.push(letter),
                None => return Err(self.beyond("a quote that does not end")),
            }
        }
    }

    fn double(&mut self) -> Result<(), NotSimple> {
        self.push_all("");
        loop {
            match self.next()? {
                Some('"') => return Ok(()),
                Some('\\') => match self.next()? {
                    Some('\n') => {}
                    Some(letter @ ('$' | '"' | '\\')) => self.push(letter),
                    // In front of anything else it stays; a backquote is nothing to play with.
                    Some('`') | None => return Err(self.beyond(what('`'))),
                    Some(letter) => {
                        self.push('\\');
                        self.push(letter);
                    }
                },
                Some('$') => {
                    let (_, value) = self.value()?;
                    self.push_all(&value);
                }
                Some('`') => return Err(self.beyond(what('`'))),
                Some(letter) => self.push(letter),
                None => return Err(self.beyond("a quote that does not end")),
            }
        }
    }

    /// The value behind a `$`.
    fn value(&mut self) -> Result<(String, String), NotSimple> {
        let braced = self.rest.starts_with('{');
        let from = &self.rest[usize::from(braced)..];
        let length = from
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(from.len());
        let (name, after) = from.split_at(length);
        let after = match (braced, after.strip_prefix('}')) {
            (true, Some(after)) => after,
            (true, None) => return Err(self.beyond("an expansion that is more than a value")),
            // A line that goes on here would go on with the name.
            (false, _) if after.starts_with("\\\n") => {
                return Err(self.beyond("a name that goes on in the next line"));
            }
            (false, _) => after,
        };
        if !(super::words::is_name(name) || name.starts_with("RUNSHEET_")) || name == "_" {
            return Err(self.beyond("a `$` that is no value's name"));
        }
        let value = self
            .values
            .get(name)
            .filter(|value| !value.contains('\0'))
            .ok_or_else(|| NotSimple::Unknown(name.to_owned()))?;
        let found = (name.to_owned(), value.clone());
        self.rest = after;
        Ok(found)
    }

    fn push(&mut self, letter: char) {
        self.word.get_or_insert_default().push(letter);
    }

    fn push_all(&mut self, text: &str) {
        self.word.get_or_insert_default().push_str(text);
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn beyond(&self, what: &'static str) -> NotSimple {
        NotSimple::Beyond {
            line: self.line,
            what,
        }
    }
}

/// Letters that mean themselves to every `sh`, wherever they stand in a word.
fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_-./:@%+=,".contains(letter)
}

fn what(letter: char) -> &'static str {
    match letter {
        '`' => "a command in backquotes",
        '#' => "a comment",
        '*' | '?' | '[' | ']' => "a pattern of file names",
        '~' => "a home directory",
        '<' | '>' => "a redirection",
        '|' | '&' | ';' | '(' | ')' => "an operator of the shell",
        '{' | '}' => "a brace",
        '!' => "an exclamation mark",
        _ => "a character that has to stand in quotes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> BTreeMap<String, String> {
        [
            ("key_id", "AKIA7Q"),
            ("target", "db 7; rm -rf /"),
            ("none", ""),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn words(script: &str) -> Result<Vec<String>, NotSimple> {
        argv(script, &values())
    }

    #[test]
    fn words_quotes_escapes_and_values_are_read_as_sh_reads_them() {
        let aws =
            "aws iam update-access-key \\\n    --access-key-id \"$key_id\" --status Inactive\n";
        assert_eq!(
            words(aws).unwrap(),
            [
                "aws",
                "iam",
                "update-access-key",
                "--access-key-id",
                "AKIA7Q",
                "--status",
                "Inactive"
            ]
        );
        assert_eq!(
            words(r#"  mv -- "$target" 'it'"'"'s' a\ b "" x${key_id}y "a\b\$\"\\" "#).unwrap(),
            [
                "mv",
                "--",
                "db 7; rm -rf /",
                "it's",
                "a b",
                "",
                "xAKIA7Qy",
                r#"a\b$"\"#
            ]
        );
        assert_eq!(words("\n\n./do it\n\n").unwrap(), ["./do", "it"]);
    }

    #[test]
    fn case_38_whatever_could_mean_more_is_no_simple_command() {
        for script in [
            "",
            "  \n",
            "a; b",
            "a && b",
            "a | b",
            "a &",
            "a > b",
            "a < b",
            "a $(b)",
            "a `b`",
            "a \"`b`\"",
            "(a)",
            "{ a; }",
            "a *",
            "a ?",
            "a [b]",
            "a ~",
            "a ~b",
            "a x=~",
            "a # b",
            "a\nb",
            "x=1 a",
            "a $1",
            "a $?",
            "a $$",
            "a $",
            "a \"$\"",
            "a ${key_id:-x}",
            "a ${key_id",
            "a $'b'",
            "a $\"b\"",
            "a 'b",
            "a \"b",
            "a \\",
            "! a",
            "if a",
            "eval a",
            ". a",
            "exec a",
            "command a",
            "cd a",
            "'' a",
            "a {b,c}",
            "a \"\\`\"",
            "a $key_id\\\n_more",
            "a \u{e9}",
            "a\u{b}b",
            "a \u{1b}[31m",
            "a \"\u{9b}\"",
            "a $_",
            "a $HOME",
            "a $IFS",
            "'x=1' a",
            "a b\rc",
            "a !b",
        ] {
            assert!(words(script).is_err(), "{script:?}: {:?}", words(script));
        }
    }

    #[test]
    fn values_that_sh_would_take_apart_have_to_be_quoted() {
        for script in ["a $target", "a $none", "a x$target"] {
            let why = words(script).unwrap_err();
            assert!(matches!(why, NotSimple::Unquoted(_)), "{why:?}");
        }
        assert_eq!(words("a \"$none\"").unwrap(), ["a", ""]);
        assert_eq!(
            words("a $key").unwrap_err(),
            NotSimple::Unknown("key".into())
        );
    }
}

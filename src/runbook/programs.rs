//! The files a script runs: what stands in it where a command does and names a file, and the script that an interpreter
//! is given. A tolerant reading, for telling beforehand which files an approval rests on; runs and opens nothing.

use std::collections::BTreeMap;

/// Programs whose first operand is a script.
const INTERPRETERS: [&str; 14] = [
    "sh", "bash", "dash", "ksh", "zsh", "python", "python3", "perl", "ruby", "node", "php", "lua",
    "source", ".",
];
/// Words before a command that are not the command.
const BEFORE: [&str; 14] = [
    "if", "then", "elif", "else", "while", "until", "do", "!", "{", "exec", "sudo", "time", "env",
    "nohup",
];
/// The most that are told of one script.
const MOST: usize = 64;

/// Paths as the script names them, values filled in; each once, in order. What cannot be read for certain is left out.
#[must_use]
pub fn programs(script: &str, values: &BTreeMap<String, String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for command in commands(script, values) {
        let mut words = command
            .into_iter()
            .skip_while(|word| word.as_deref().is_some_and(is_before));
        let Some(Some(first)) = words.next() else {
            continue;
        };
        let name = first.rsplit('/').next().unwrap_or_default();
        let operand = if INTERPRETERS.contains(&name) {
            // An option may bring its own script (`-c`), or take the next word; then nothing is certain.
            match words.next() {
                Some(Some(word)) if !word.starts_with('-') => Some(word),
                _ => None,
            }
        } else {
            None
        };
        let first = Some(first).filter(|word| word.contains('/'));
        for path in first.into_iter().chain(operand) {
            if !path.is_empty() && !found.contains(&path) && found.len() < MOST {
                found.push(path);
            }
        }
    }
    found
}

fn is_before(word: &str) -> bool {
    let assigns = word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    });
    assigns || BEFORE.contains(&word)
}

/// The words of every simple command, `None` for one that is not known before it runs.
fn commands(script: &str, values: &BTreeMap<String, String>) -> Vec<Vec<Option<String>>> {
    let mut all = Vec::new();
    let mut command = Vec::new();
    let mut word: Option<Option<String>> = None;
    let mut letters = script.char_indices().peekable();
    let mut quote = None;
    while let Some((at, letter)) = letters.next() {
        let quoted = quote.is_some();
        match letter {
            '\'' | '"' if quote == Some(letter) => quote = None,
            '\'' | '"' if !quoted => {
                quote = Some(letter);
                word.get_or_insert_with(|| Some(String::new()));
            }
            '\\' if quote != Some('\'') => match letters.next() {
                Some((_, '\n')) | None => {}
                Some((_, next)) => push(&mut word, next),
            },
            '$' if quote != Some('\'') => match name(&script[at + 1..]) {
                Some((name, length)) => {
                    for _ in 0..length {
                        letters.next();
                    }
                    match values.get(name) {
                        Some(value) => value.chars().for_each(|letter| push(&mut word, letter)),
                        None => word = Some(None),
                    }
                }
                None => word = Some(None),
            },
            '`' if quote != Some('\'') => word = Some(None),
            '#' if !quoted && word.is_none() => {
                while letters.next_if(|(_, letter)| *letter != '\n').is_some() {}
            }
            ' ' | '\t' if !quoted => command.extend(word.take()),
            '\n' | ';' | '|' | '&' | '(' | ')' if !quoted => {
                command.extend(word.take());
                all.push(std::mem::take(&mut command));
            }
            letter => push(&mut word, letter),
        }
    }
    command.extend(word);
    all.push(command);
    all
}

fn push(word: &mut Option<Option<String>>, letter: char) {
    if let Some(text) = word.get_or_insert_with(|| Some(String::new())) {
        text.push(letter);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(script: &str) -> Vec<String> {
        let values = [("tool", "./tools/fix it"), ("dir", "/srv/ir")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        programs(script, &values)
    }

    #[test]
    fn files_that_are_run_are_found() {
        assert_eq!(found("./is-quiet.sh --now /var/log/x"), ["./is-quiet.sh"]);
        assert_eq!(
            found("\"$tool\" && ${dir}/run; aws s3 ls"),
            ["./tools/fix it", "/srv/ir/run"]
        );
        assert_eq!(
            found("set -e\nif ! ./check; then\n  A=1 ./fix \\\n   ./not\nfi"),
            ["./check", "./fix"]
        );
        assert_eq!(
            found("bash fix.sh ./x | python3 ./report.py"),
            ["fix.sh", "./report.py"]
        );
        assert_eq!(
            found("echo './a; ./b' # ; ./c\n/bin/sh -c ./d\n(./e)"),
            ["/bin/sh", "./e"]
        );
        assert_eq!(found("./a\n./a"), ["./a"]);
    }

    #[test]
    fn what_is_not_certain_is_left_out() {
        for script in [
            "$unknown/x",
            "./$unknown",
            "`which x`/y",
            "$(which x)",
            "echo ./x > ./y",
            "${tool:-./x}",
            "",
            "'",
        ] {
            let names = found(script);
            assert!(
                names.iter().all(|name| !name.contains('x')),
                "{script}: {names:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_script_makes_it_panic(script in "[\\PC\n\t'\"$`\\\\{}#;|&()]{0,80}") {
            let _ = found(&script);
        }
    }
}

//! The files a script may run: every word of it that could name one, and the script that an interpreter is given. A
//! tolerant reading, for telling beforehand which files an approval rests on; which of them are there, and are run, is
//! for whoever sees the disk. Runs and opens nothing.

mod words;

use std::collections::BTreeMap;

use words::{Word, commands};

/// A file that a script names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// As the script has it, values filled in; behind a `cd`, from there.
    pub path: String,
    /// Whether an interpreter reads it as a script, whatever its mode. Any other word is run only if it is executable or
    /// says by `#!` what runs it.
    pub script: bool,
}

/// Programs that run their first operand, and the letters of options that bring the script themselves.
const INTERPRETERS: [(&str, &str); 17] = [
    ("sh", "c"),
    ("bash", "c"),
    ("dash", "c"),
    ("ash", "c"),
    ("ksh", "c"),
    ("mksh", "c"),
    ("zsh", "c"),
    ("fish", "c"),
    ("python", "cm"),
    ("perl", "eE"),
    ("ruby", "e"),
    ("node", "ep"),
    ("php", "r"),
    ("lua", "e"),
    ("expect", "c"),
    ("tclsh", ""),
    ("Rscript", "e"),
];
/// Of those, the ones whose options are those of a shell: `-o` takes a word, `-s` reads the script from standard input.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "fish"];
/// Options of the others that take a word.
const TAKE_A_WORD: &[&str] = &[
    "-W",
    "-X",
    "-I",
    "-r",
    "-C",
    "-d",
    "-f",
    "-l",
    "--require",
    "--import",
    "--loader",
    "--rcfile",
    "--init-file",
];
/// Programs that run what stands behind `-f`.
const BY_FILE: &[&str] = &["awk", "gawk", "mawk", "sed", "make", "jq", "psql"];
/// Words before a command that are not the command.
const BEFORE: &[&str] = &[
    "if", "then", "elif", "else", "while", "until", "do", "!", "{", "exec", "time", "command",
    "builtin",
];
/// Programs that run another one, which stands somewhere behind them.
const WRAPPERS: &[&str] = &[
    "sudo",
    "doas",
    "su",
    "runuser",
    "env",
    "nohup",
    "timeout",
    "nice",
    "ionice",
    "xargs",
    "find",
    "parallel",
    "setsid",
    "stdbuf",
    "flock",
    "chroot",
    "unshare",
    "nsenter",
    "setpriv",
    "taskset",
    "chrt",
    "watch",
    "strace",
    "systemd-run",
    "busybox",
    "script",
    "unbuffer",
];
/// The most that are told of one script.
const MOST: usize = 1024;
/// How deep a script stands in a word of a script.
const DEEP: usize = 4;

/// The files that this script, given to this shell, may run; each once. What is not known before it runs is left
/// out.
#[must_use]
pub fn named(shell: &[String], script: &str, values: &BTreeMap<String, String>) -> Vec<Named> {
    let mut found = Found::default();
    let shell: Vec<Word> = shell.iter().map(|text| Word::known(text)).collect();
    found.command(&shell, values, DEEP);
    found.script(script, values, 0);
    let files = found.files.into_iter();
    files.map(|(path, script)| Named { path, script }).collect()
}

#[derive(Default)]
struct Found {
    /// Paths, and whether an interpreter reads them.
    files: BTreeMap<String, bool>,
    /// How much values have filled in so far.
    filled: usize,
    /// Where the last `cd` went.
    base: Option<String>,
}

impl Found {
    fn script(&mut self, script: &str, values: &BTreeMap<String, String>, depth: usize) {
        for command in commands(script, values, &mut self.filled) {
            self.command(&command, values, depth);
        }
    }

    fn command(&mut self, command: &[Word], values: &BTreeMap<String, String>, depth: usize) {
        self.interpreted(command);
        for word in command {
            self.word(word, values, depth);
        }
        let mut operands = command.iter().filter(|word| !word.from);
        if operands.next().is_some_and(|word| word.text == "cd")
            && let Some(to) = operands.find(|word| !word.text.starts_with('-'))
        {
            self.base = to.known.then(|| self.there(&to.text));
        }
    }

    /// The word itself, what stands behind its `=`, and the words of the script that it may be.
    fn word(&mut self, word: &Word, values: &BTreeMap<String, String>, depth: usize) {
        if word.known {
            self.file(&word.text, false);
            if let Some((_, value)) = word.text.split_once('=') {
                self.file(value, false);
            }
        } else {
            let beside = |letter: char| "${}:=\"'".contains(letter);
            for piece in word.text.split(beside) {
                self.file(piece.trim_start_matches(['-', '+', '?']), false);
            }
        }
        let more = |letter: char| letter.is_whitespace() || ";|&()<>`".contains(letter);
        if depth < DEEP && word.text.contains(more) {
            self.script(&word.text, values, depth + 1);
        }
    }

    /// What an interpreter in this command reads as its script.
    fn interpreted(&mut self, command: &[Word]) {
        let words: Vec<&Word> = command
            .iter()
            .filter(|word| !word.from)
            .skip_while(|word| is_before(&word.text))
            .collect();
        let Some(first) = words.first() else {
            return;
        };
        let name = name_of(&first.text);
        if matches!(first.text.as_str(), "." | "source") {
            if let Some(word) = words.get(1) {
                self.script_file(word);
            }
        } else if BY_FILE.contains(&name) {
            for pair in words.windows(2).filter(|pair| pair[0].text == "-f") {
                self.script_file(pair[1]);
            }
        }
        let reach = if WRAPPERS.contains(&name) {
            words.len()
        } else {
            1
        };
        for (at, word) in words.iter().enumerate().take(reach) {
            let name = name_of(&word.text);
            let Some((_, inline)) = INTERPRETERS.iter().find(|(other, _)| *other == name) else {
                continue;
            };
            if self.operand(&words[at + 1..], SHELLS.contains(&name), inline) {
                continue;
            }
            for word in command.iter().filter(|word| word.from) {
                self.script_file(word);
            }
        }
    }

    /// The operand that is the script. False where the script comes from standard input.
    fn operand(&mut self, words: &[&Word], shell: bool, inline: &str) -> bool {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let text = word.text.as_str();
            let letters = text.strip_prefix('-').or_else(|| {
                let plus = shell.then(|| text.strip_prefix('+'));
                plus.flatten()
            });
            let Some(letters) = letters.filter(|_| text != "--") else {
                let operand = if text == "--" {
                    words.next()
                } else {
                    Some(word)
                };
                operand.inspect(|word| self.script_file(word));
                return operand.is_some();
            };
            let short = !letters.starts_with('-');
            if letters.is_empty() || (short && shell && letters.contains('s')) {
                return false;
            }
            if short && letters.contains(|letter| inline.contains(letter)) {
                return true;
            }
            let takes = shell && short && letters.contains(['o', 'O']);
            if takes || (TAKE_A_WORD.contains(&text) && !(shell && short)) {
                words.next().inspect(|word| self.script_file(word));
            }
        }
        false
    }

    fn script_file(&mut self, word: &Word) {
        if word.known {
            self.file(&word.text, true);
        }
    }

    fn file(&mut self, path: &str, script: bool) {
        let moved = self.base.is_some().then(|| self.there(path));
        for path in [Some(path.to_owned()), moved].into_iter().flatten() {
            if path.is_empty() || path.contains(['\0', '\n']) {
                continue;
            }
            if let Some(known) = self.files.get_mut(&path) {
                *known |= script;
            } else if self.files.len() < MOST {
                self.files.insert(path, script);
            }
        }
    }

    fn there(&self, path: &str) -> String {
        match &self.base {
            Some(base) if !path.starts_with('/') && !path.is_empty() => {
                format!("{}/{path}", base.trim_end_matches('/'))
            }
            _ => path.to_owned(),
        }
    }
}

fn is_before(word: &str) -> bool {
    let assigns = word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    });
    assigns || BEFORE.contains(&word)
}

/// `python` of `/usr/bin/python3.11`.
fn name_of(word: &str) -> &str {
    let name = word.rsplit('/').next().unwrap_or_default();
    name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.')
}

#[cfg(test)]
mod tests;

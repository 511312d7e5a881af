//! Which key means what, after a key file had its say.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::act::{Act, Place, TABLE};

/// One key with what is held down with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Press {
    pub code: KeyCode,
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
}

/// The keys of all places.
#[derive(Debug, Clone, PartialEq)]
pub struct Keymap {
    rows: Vec<(Place, Press, Act)>,
}

impl Default for Keymap {
    fn default() -> Self {
        let rows = TABLE
            .iter()
            .filter_map(|(place, key, act)| Some((*place, Press::parse(key)?, *act)))
            .collect();
        Self { rows }
    }
}

impl Keymap {
    /// The default keys with those of a key file: a table for each place, in it `command = "key"` or a list of keys.
    /// They take the place of the command's own keys there.
    ///
    /// # Errors
    /// All that is wrong with the file, one sentence each.
    pub fn with_overrides(text: &str) -> Result<Self, Vec<String>> {
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| vec![error.to_string()])?;
        let mut keymap = Self::default();
        let mut problems = Vec::new();
        let mut given = BTreeMap::new();
        for (place_word, commands) in &table {
            let place = Place::ALL.iter().find(|(_, word)| word == place_word);
            let (Some((place, _)), toml::Value::Table(commands)) = (place, commands) else {
                problems.push(format!("`{place_word}` is no place that has keys"));
                continue;
            };
            for (command, keys) in commands {
                keymap.replace(*place, command, keys, &mut given, &mut problems);
            }
        }
        if problems.is_empty() {
            Ok(keymap)
        } else {
            Err(problems)
        }
    }

    fn replace(
        &mut self,
        place: Place,
        command: &str,
        keys: &toml::Value,
        given: &mut BTreeMap<String, Act>,
        problems: &mut Vec<String>,
    ) {
        let Some(act) = Act::ALL.iter().find(|act| act.word() == command) else {
            let near = Act::ALL
                .iter()
                .map(|act| act.word())
                .min_by_key(|word| strsim::levenshtein(word, command))
                .unwrap_or_default();
            problems.push(format!(
                "`{command}` is no command (did you mean `{near}`?)"
            ));
            return;
        };
        let keys = match keys {
            toml::Value::Array(keys) => keys.clone(),
            key => vec![key.clone()],
        };
        let mut presses = Vec::new();
        for key in keys {
            match key.as_str().and_then(Press::parse) {
                Some(press) if press.is_fixed() => {
                    problems.push(format!("{key} always means the same and cannot be bound"));
                }
                Some(press) => presses.push(press),
                None => problems.push(format!("{key} is no key")),
            }
        }
        self.rows.retain(|(bound_place, press, bound)| {
            *bound_place != place || press.is_fixed() || (bound != act && !presses.contains(press))
        });
        for press in presses {
            let name = format!("{place:?} {}", press.name());
            match given.insert(name, *act) {
                Some(other) if other != *act => problems.push(format!(
                    "the key {} is given to `{}` and `{}`",
                    press.name(),
                    other.word(),
                    act.word()
                )),
                _ => self.rows.push((place, press, *act)),
            }
        }
    }

    /// What a key means here.
    #[must_use]
    pub fn act(&self, place: Place, press: Press) -> Option<Act> {
        if place.is_typed() && press.types() {
            return None;
        }
        self.in_place(place, press)
            .or_else(|| self.in_place(Place::Any, press))
    }

    fn in_place(&self, place: Place, press: Press) -> Option<Act> {
        self.rows
            .iter()
            .find(|(bound, key, _)| *bound == place && *key == press)
            .map(|(_, _, act)| *act)
    }

    /// The key that means this here, as it is written on the screen.
    #[must_use]
    pub fn key_of(&self, place: Place, act: Act) -> Option<String> {
        [place, Place::Any].into_iter().find_map(|in_place| {
            self.rows
                .iter()
                .find(|(bound, press, bound_act)| {
                    *bound == in_place && *bound_act == act && self.act(place, *press) == Some(act)
                })
                .map(|(_, press, _)| press.name())
        })
    }

    /// The commands that have a key in this place itself, each once, in the order of the table.
    #[must_use]
    pub fn acts_of(&self, place: Place) -> Vec<Act> {
        let mut acts: Vec<Act> = Vec::new();
        let table = TABLE.iter().map(|(bound, _, act)| (*bound, *act));
        let own = self.rows.iter().map(|(bound, _, act)| (*bound, *act));
        for (bound, act) in table.chain(own) {
            if bound == place && !acts.contains(&act) {
                acts.push(act);
            }
        }
        acts
    }
}

impl Press {
    /// The key of an event.
    #[must_use]
    pub fn of(event: KeyEvent) -> Self {
        let plain_char = matches!(event.code, KeyCode::Char(_));
        let code = match event.code {
            KeyCode::BackTab => KeyCode::Tab,
            code => code,
        };
        Self {
            code,
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
            alt: event.modifiers.contains(KeyModifiers::ALT),
            shift: event.code == KeyCode::BackTab
                || (event.modifiers.contains(KeyModifiers::SHIFT) && !plain_char),
        }
    }

    /// Reads `x`, `ctrl-x`, `alt-x`, `shift-tab`, `enter`, `space`, `f1`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut press = Self {
            code: KeyCode::Null,
            ctrl: false,
            alt: false,
            shift: false,
        };
        let mut rest = text;
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-") {
                press.ctrl = true;
                rest = after;
            } else if let Some(after) = rest.strip_prefix("alt-") {
                press.alt = true;
                rest = after;
            } else if let Some(after) = rest.strip_prefix("shift-") {
                press.shift = true;
                rest = after;
            } else {
                break;
            }
        }
        let mut letters = rest.chars();
        press.code = match (letters.next(), letters.next()) {
            (Some(letter), None) if !letter.is_control() => KeyCode::Char(letter),
            _ => named(rest)?,
        };
        Some(press)
    }

    /// How it is written on the screen.
    #[must_use]
    pub fn name(&self) -> String {
        let mut name = String::new();
        for (held, word) in [
            (self.ctrl, "Ctrl-"),
            (self.alt, "Alt-"),
            (self.shift, "Shift-"),
        ] {
            if held {
                name.push_str(word);
            }
        }
        match self.code {
            KeyCode::Char(' ') => name.push_str("Space"),
            KeyCode::Char(letter) if self.ctrl => name.extend(letter.to_uppercase()),
            KeyCode::Char(letter) => name.push(letter),
            KeyCode::F(number) => name.push_str(&format!("F{number}")),
            code => name.push_str(
                NAMES
                    .iter()
                    .find(|(_, of, _)| *of == code)
                    .map_or("?", |(_, _, shown)| shown),
            ),
        }
        name
    }

    /// Whether it writes something where text is typed.
    #[must_use]
    pub fn types(&self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && !self.ctrl && !self.alt
    }

    /// Keys that everything must be possible with, so that they are never bound to anything else.
    fn is_fixed(&self) -> bool {
        !self.ctrl
            && !self.alt
            && !self.shift
            && matches!(
                self.code,
                KeyCode::Enter
                    | KeyCode::Esc
                    | KeyCode::Up
                    | KeyCode::Down
                    | KeyCode::Left
                    | KeyCode::Right
            )
    }
}

const NAMES: [(&str, KeyCode, &str); 14] = [
    ("enter", KeyCode::Enter, "Enter"),
    ("esc", KeyCode::Esc, "Esc"),
    ("tab", KeyCode::Tab, "Tab"),
    ("up", KeyCode::Up, "↑"),
    ("down", KeyCode::Down, "↓"),
    ("left", KeyCode::Left, "←"),
    ("right", KeyCode::Right, "→"),
    ("pageup", KeyCode::PageUp, "PgUp"),
    ("pagedown", KeyCode::PageDown, "PgDn"),
    ("home", KeyCode::Home, "Home"),
    ("end", KeyCode::End, "End"),
    ("backspace", KeyCode::Backspace, "Backspace"),
    ("delete", KeyCode::Delete, "Del"),
    ("insert", KeyCode::Insert, "Ins"),
];

fn named(word: &str) -> Option<KeyCode> {
    if word == "space" {
        return Some(KeyCode::Char(' '));
    }
    if let Some((_, code, _)) = NAMES.iter().find(|(name, _, _)| *name == word) {
        return Some(*code);
    }
    let number: u8 = word.strip_prefix('f')?.parse().ok()?;
    (1..=12).contains(&number).then_some(KeyCode::F(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(text: &str) -> Press {
        Press::parse(text).unwrap()
    }

    #[test]
    fn every_key_of_the_table_is_read_and_means_one_thing() {
        let keymap = Keymap::default();
        assert_eq!(keymap.rows.len(), TABLE.len());
        for (place, key, act) in TABLE {
            assert_eq!(
                keymap.act(*place, press(key)).is_some(),
                !(place.is_typed() && press(key).types()),
                "{place:?} {key}"
            );
            if !place.is_typed() {
                assert_eq!(
                    keymap.in_place(*place, press(key)),
                    Some(*act),
                    "{place:?} {key} is bound twice"
                );
            }
        }
    }

    #[test]
    fn letters_are_typed_where_text_is_asked_for() {
        let keymap = Keymap::default();
        assert_eq!(keymap.act(Place::Form, press("j")), None);
        assert_eq!(keymap.act(Place::Form, press("esc")), Some(Act::Back));
        assert_eq!(keymap.act(Place::Walk, press("j")), Some(Act::Down));
        assert_eq!(keymap.act(Place::Home, press("tab")), Some(Act::Preview));
    }

    #[test]
    fn a_key_file_moves_a_command_and_the_screen_says_so() {
        let keymap = Keymap::with_overrides("[walk]\nnote = 'N'\nskip = ['ctrl-s', 'd']").unwrap();
        assert_eq!(keymap.act(Place::Walk, press("N")), Some(Act::Note));
        assert_eq!(keymap.act(Place::Walk, press("n")), None);
        assert_eq!(keymap.act(Place::Walk, press("d")), Some(Act::Skip));
        assert_eq!(keymap.key_of(Place::Walk, Act::Skip).unwrap(), "Ctrl-S");
        assert_eq!(keymap.key_of(Place::Walk, Act::DryRun), None);
    }

    #[test]
    fn every_fault_of_a_key_file_is_named_at_once() {
        let problems = Keymap::with_overrides(
            "[walk]\nnot = 'n'\nnote = 'enter'\nskip = 'hyper-x'\n[wlak]\nnote = 'n'\n[home]\nstart = 'g'\nfetch = 'g'",
        )
        .unwrap_err();
        assert_eq!(problems.len(), 5, "{problems:?}");
        assert!(problems.iter().any(|p| p.contains("did you mean `note`?")));
        assert!(problems.iter().any(|p| p.contains("cannot be bound")));
        assert!(problems.iter().any(|p| p.contains("given to")));
    }
}

//! Colours by what they mean, read from TOML. A theme names every meaning, so that a screen never runs out of them.

use ratatui::style::{Color, Modifier, Style};

macro_rules! tones {
    ($($(#[$doc:meta])* $variant:ident = $word:literal),* $(,)?) => {
        /// What a piece of text is, from which follows how it looks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Tone {
            $($(#[$doc])* $variant,)*
        }

        impl Tone {
            /// All of them with the keys they have in a theme.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, $word)),*];
        }
    };
}

tones! {
    /// Ordinary text.
    Text = "text",
    /// What matters less.
    Dim = "dim",
    /// Titles.
    Title = "title",
    /// Lines around panes.
    Border = "border",
    /// The same around the pane that has the keys.
    BorderFocus = "border_focus",
    /// Names and matches that should be seen.
    Accent = "accent",
    /// What is to be done now.
    Now = "now",
    /// Done.
    Done = "done",
    /// Waiting for somebody.
    Waiting = "waiting",
    /// Failed or unknown.
    Failed = "failed",
    /// Left out.
    Skipped = "skipped",
    /// Gone through without approval.
    Override = "override",
    /// A destructive step.
    Destructive = "destructive",
    /// A privileged step.
    Privileged = "privileged",
    /// A line across the screen that has to be read.
    Banner = "banner",
    /// The row under the cursor.
    Selection = "selection",
    /// A key in the footer.
    FooterKey = "footer_key",
    /// What it does.
    FooterText = "footer_text",
    /// An exercise.
    Exercise = "exercise",
    /// Something went wrong.
    Error = "error",
    /// Something may.
    Warning = "warning",
    /// Commands and other literal text.
    Code = "code",
}

/// A whole set of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// What it is called.
    pub name: String,
    /// For whom it is.
    pub description: String,
    styles: Vec<Style>,
}

/// The shipped themes as they lie in `themes/`.
pub const SHIPPED: [&str; 4] = [
    include_str!("../../themes/dark.toml"),
    include_str!("../../themes/light.toml"),
    include_str!("../../themes/high-contrast.toml"),
    include_str!("../../themes/monochrome.toml"),
];

impl Theme {
    /// Reads a theme.
    ///
    /// # Errors
    /// All that is wrong with it, one sentence each.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| vec![error.to_string()])?;
        let mut problems = Vec::new();
        let mut styles = Vec::with_capacity(Tone::ALL.len());
        for (_, word) in Tone::ALL {
            match table.get(*word) {
                Some(value) => styles.push(style(word, value, &mut problems)),
                None => problems.push(format!("`{word}` is missing")),
            }
        }
        let mut string = |key: &str| match table.get(key) {
            Some(toml::Value::String(value)) => value.clone(),
            _ => {
                problems.push(format!("`{key}` is missing or no text"));
                String::new()
            }
        };
        let (name, description) = (string("name"), string("description"));
        for key in table.keys() {
            let known = matches!(key.as_str(), "name" | "description")
                || Tone::ALL.iter().any(|(_, word)| word == key);
            if !known {
                problems.push(format!("`{key}` is no part of a theme"));
            }
        }
        if problems.is_empty() {
            Ok(Self {
                name,
                description,
                styles,
            })
        } else {
            Err(problems)
        }
    }

    /// The shipped theme of this name.
    #[must_use]
    pub fn shipped(name: &str) -> Option<Self> {
        SHIPPED
            .iter()
            .filter_map(|text| Self::parse(text).ok())
            .find(|theme| theme.name == name)
    }

    /// The theme of this name, else the dark one; without colours wherever they are not wanted (`NO_COLOR`).
    #[must_use]
    pub fn choose(name: Option<&str>, no_color: bool) -> Self {
        let name = if no_color {
            "monochrome"
        } else {
            name.unwrap_or("dark")
        };
        Self::shipped(name)
            .or_else(|| Self::shipped("dark"))
            .unwrap_or_else(Self::plain)
    }

    /// The names of the shipped themes.
    #[must_use]
    pub fn names() -> Vec<String> {
        SHIPPED
            .iter()
            .filter_map(|text| Self::parse(text).ok())
            .map(|theme| theme.name)
            .collect()
    }

    /// A theme that needs nothing from the terminal but reverse video.
    #[must_use]
    pub fn plain() -> Self {
        let styles = Tone::ALL
            .iter()
            .map(|(tone, _)| match tone {
                Tone::Selection | Tone::Banner => Style::new().add_modifier(Modifier::REVERSED),
                Tone::Now | Tone::Title => Style::new().add_modifier(Modifier::BOLD),
                _ => Style::new(),
            })
            .collect();
        Self {
            name: "plain".to_owned(),
            description: "no colours".to_owned(),
            styles,
        }
    }

    /// How text of this tone looks.
    #[must_use]
    pub fn style(&self, tone: Tone) -> Style {
        self.styles.get(tone as usize).copied().unwrap_or_default()
    }
}

fn style(word: &str, value: &toml::Value, problems: &mut Vec<String>) -> Style {
    let mut style = Style::new();
    let toml::Value::Table(table) = value else {
        problems.push(format!(
            "`{word}` is to be a table like {{ fg = \"cyan\" }}"
        ));
        return style;
    };
    for (key, value) in table {
        match (key.as_str(), value) {
            ("fg" | "bg", toml::Value::String(name)) => match colour(name) {
                Some(colour) if key == "fg" => style = style.fg(colour),
                Some(colour) => style = style.bg(colour),
                None => problems.push(format!("`{word}.{key}`: `{name}` is no colour")),
            },
            ("add", toml::Value::Array(names)) => {
                for name in names {
                    match name.as_str().and_then(modifier) {
                        Some(modifier) => style = style.add_modifier(modifier),
                        None => problems.push(format!(
                            "`{word}.add`: {name} is none of bold, dim, italic, underlined, reversed"
                        )),
                    }
                }
            }
            _ => problems.push(format!("`{word}.{key}` is not fg, bg or add")),
        }
    }
    style
}

fn modifier(name: &str) -> Option<Modifier> {
    Some(match name {
        "bold" => Modifier::BOLD,
        "dim" => Modifier::DIM,
        "italic" => Modifier::ITALIC,
        "underlined" => Modifier::UNDERLINED,
        "reversed" => Modifier::REVERSED,
        _ => return None,
    })
}

fn colour(name: &str) -> Option<Color> {
    if let Some(hex) = name.strip_prefix('#') {
        if hex.len() != 6 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let value = u32::from_str_radix(hex, 16).ok()?;
        let [_, red, green, blue] = value.to_be_bytes();
        return Some(Color::Rgb(red, green, blue));
    }
    Some(match name {
        "reset" => Color::Reset,
        "black" => Color::Black,
        "red" => Color::Red,
        "green" => Color::Green,
        "yellow" => Color::Yellow,
        "blue" => Color::Blue,
        "magenta" => Color::Magenta,
        "cyan" => Color::Cyan,
        "gray" => Color::Gray,
        "dark_gray" => Color::DarkGray,
        "light_red" => Color::LightRed,
        "light_green" => Color::LightGreen,
        "light_yellow" => Color::LightYellow,
        "light_blue" => Color::LightBlue,
        "light_magenta" => Color::LightMagenta,
        "light_cyan" => Color::LightCyan,
        "white" => Color::White,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_theme_is_whole() {
        for text in SHIPPED {
            let theme = Theme::parse(text).unwrap();
            assert!(!theme.description.is_empty(), "{}", theme.name);
            assert_ne!(
                theme.style(Tone::Selection),
                theme.style(Tone::Text),
                "{}",
                theme.name
            );
        }
        assert_eq!(
            Theme::names(),
            ["dark", "light", "high-contrast", "monochrome"]
        );
    }

    #[test]
    fn the_monochrome_theme_has_no_colour() {
        let theme = Theme::shipped("monochrome").unwrap();
        for (tone, word) in Tone::ALL {
            let style = theme.style(*tone);
            assert!(
                matches!(style.fg, None | Some(Color::Reset)),
                "{word} has a colour"
            );
            assert!(
                matches!(style.bg, None | Some(Color::Reset)),
                "{word} has a background"
            );
        }
    }

    #[test]
    fn every_fault_of_a_theme_is_named_at_once() {
        let problems = Theme::parse(
            "name = 'x'\ndescription = 'y'\ntext = {fg = 'mauve', add = ['blink']}\nborders = {}",
        )
        .unwrap_err();
        assert!(problems.iter().any(|p| p.contains("mauve")), "{problems:?}");
        assert!(problems.iter().any(|p| p.contains("blink")), "{problems:?}");
        assert!(
            problems.iter().any(|p| p.contains("`borders`")),
            "{problems:?}"
        );
        assert!(
            problems.iter().any(|p| p.contains("`code` is missing")),
            "{problems:?}"
        );
    }
}

//! Whether an answer will do for an input. Knows nothing of who answers, or where.

use super::model::{Input, InputKind};
use super::pattern;
use super::problem::visible;

const MOST_LENGTH: usize = 64 * 1024;

/// Why an answer will not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputProblem {
    /// Nothing was answered, and there is no default.
    #[error("`{name}` is needed")]
    Missing {
        /// The input.
        name: String,
    },
    /// It is not of the kind.
    #[error("`{name}` takes {wanted}, not {given}")]
    Kind {
        /// The input.
        name: String,
        /// What it takes.
        wanted: &'static str,
        /// What was given, escaped; nothing for a secret.
        given: String,
    },
    /// It is none of the choices.
    #[error("`{name}` is one of {choices}, not {given}")]
    Choice {
        /// The input.
        name: String,
        /// The choices, in a row.
        choices: String,
        /// What was given.
        given: String,
    },
    /// It does not match.
    #[error("`{name}` must match {pattern}, and {given} does not")]
    Pattern {
        /// The input.
        name: String,
        /// The regular expression.
        pattern: String,
        /// What was given.
        given: String,
    },
    /// The runbook's pattern is broken.
    #[error("the pattern of `{name}` cannot be used: {why}")]
    BrokenPattern {
        /// The input.
        name: String,
        /// What the matter is.
        why: String,
    },
    /// It cannot be an environment variable.
    #[error("`{name}` cannot hold {what}")]
    Unfit {
        /// The input.
        name: String,
        /// What is in it.
        what: &'static str,
    },
}

impl Input {
    /// The value to use for an answer: its default if nothing was answered, normalised to its kind.
    ///
    /// # Errors
    /// When the answer does not fit kind, choices or pattern. A secret is never in the message.
    pub fn accept(&self, value: &str) -> Result<String, InputProblem> {
        let name = self.name.clone();
        let answer = if value.is_empty() {
            match &self.default {
                Some(default) => default.as_str(),
                None if self.optional => return Ok(String::new()),
                None if self.choices.iter().any(String::is_empty) => "",
                None => return Err(InputProblem::Missing { name }),
            }
        } else {
            value
        };
        if answer.contains('\0') {
            return Err(InputProblem::Unfit {
                name,
                what: "a NUL character",
            });
        }
        if answer.len() > MOST_LENGTH {
            return Err(InputProblem::Unfit {
                name,
                what: "more than 64 KiB",
            });
        }
        let normal = self.normal(answer)?;
        if !self.choices.is_empty() && !self.choices.contains(&normal) {
            let choices: Vec<String> = self
                .choices
                .iter()
                .map(|choice| visible(choice, 40))
                .collect();
            return Err(InputProblem::Choice {
                name,
                choices: choices.join(", "),
                given: self.shown(answer),
            });
        }
        if let Some(text) = &self.pattern {
            let whole = pattern::whole(text).map_err(|why| InputProblem::BrokenPattern {
                name: name.clone(),
                why,
            })?;
            if !whole.is_match(&normal) {
                return Err(InputProblem::Pattern {
                    name,
                    pattern: visible(text, 80),
                    given: self.shown(answer),
                });
            }
        }
        Ok(normal)
    }

    fn shown(&self, answer: &str) -> String {
        if self.secret {
            "what was given".to_owned()
        } else {
            format!("`{}`", visible(answer, 60))
        }
    }

    fn normal(&self, answer: &str) -> Result<String, InputProblem> {
        let trimmed = answer.trim();
        let (normal, wanted) = match self.kind {
            InputKind::Text => (Some(answer.to_owned()), "text"),
            InputKind::Integer => (
                trimmed.parse::<i64>().ok().map(|number| number.to_string()),
                "a whole number",
            ),
            InputKind::Boolean => {
                let word = match trimmed.to_ascii_lowercase().as_str() {
                    "true" | "yes" | "y" => Some("true".to_owned()),
                    "false" | "no" | "n" => Some("false".to_owned()),
                    _ => None,
                };
                (word, "true or false")
            }
            InputKind::Time => {
                let time = chrono::DateTime::parse_from_rfc3339(trimmed).ok();
                (
                    time.map(|_| trimmed.to_owned()),
                    "a time such as 2026-10-01T12:00:00Z",
                )
            }
        };
        normal.ok_or_else(|| InputProblem::Kind {
            name: self.name.clone(),
            wanted,
            given: self.shown(answer),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> Input {
        Input {
            name: "key_id".into(),
            prompt: None,
            kind: InputKind::Text,
            pattern: None,
            choices: Vec::new(),
            default: None,
            secret: false,
            optional: false,
        }
    }

    #[test]
    fn the_whole_answer_must_match_the_pattern() {
        let input = Input {
            pattern: Some("AKIA[0-9]+|x".into()),
            ..input()
        };
        assert_eq!(input.accept("AKIA12"), Ok("AKIA12".into()));
        assert!(matches!(
            input.accept("AKIA12; rm"),
            Err(InputProblem::Pattern { .. })
        ));
        assert!(matches!(
            input.accept("xx"),
            Err(InputProblem::Pattern { .. })
        ));
    }

    #[test]
    fn nothing_is_the_default_or_the_empty_text_or_refused() {
        assert!(matches!(
            input().accept(""),
            Err(InputProblem::Missing { .. })
        ));
        assert_eq!(
            Input {
                optional: true,
                ..input()
            }
            .accept(""),
            Ok(String::new())
        );
        assert_eq!(
            Input {
                default: Some("prod".into()),
                ..input()
            }
            .accept(""),
            Ok("prod".into())
        );
    }

    #[test]
    fn kinds_are_checked_and_normalised() {
        let of = |kind| Input { kind, ..input() };
        assert_eq!(of(InputKind::Integer).accept(" 007 "), Ok("7".into()));
        assert!(of(InputKind::Integer).accept("7.5").is_err());
        assert_eq!(of(InputKind::Boolean).accept("Yes"), Ok("true".into()));
        assert!(of(InputKind::Boolean).accept("maybe").is_err());
        assert!(of(InputKind::Time).accept("2026-10-01T12:00:00Z").is_ok());
        assert!(of(InputKind::Time).accept("yesterday").is_err());
    }

    #[test]
    fn a_refused_secret_is_not_repeated() {
        let input = Input {
            secret: true,
            choices: vec!["a".into()],
            ..input()
        };
        let message = input.accept("hunter2").unwrap_err().to_string();
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn a_nul_and_an_endless_text_are_refused() {
        assert!(matches!(
            input().accept("a\0b"),
            Err(InputProblem::Unfit { .. })
        ));
        assert!(matches!(
            input().accept(&"a".repeat(70_000)),
            Err(InputProblem::Unfit { .. })
        ));
    }
}

//! The name a key signs under: one spelling, no look-alikes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A principal of `allowed_signers`: ASCII `[a-z0-9._@+-]`, 1 to 128 bytes. Lower case only and no letters outside
/// ASCII, so two principals that look the same are the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Principal(Arc<str>);

/// A text that cannot be a principal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is not a principal: 1 to 128 of the characters a-z 0-9 . _ @ + -")]
pub struct NotAPrincipal {
    shown: String,
}

impl Principal {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes the other's text for its own where both are the same, so that it lies there once.
    pub(crate) fn share(&mut self, other: &Self) {
        if self.0 == other.0 {
            self.0 = Arc::clone(&other.0);
        }
    }

    fn check(text: &str) -> Result<(), NotAPrincipal> {
        let fits = (1..=128).contains(&text.len())
            && text.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._@+-".contains(&byte)
            });
        if fits {
            return Ok(());
        }
        Err(NotAPrincipal {
            shown: text.chars().take(80).flat_map(char::escape_debug).collect(),
        })
    }
}

impl TryFrom<&str> for Principal {
    type Error = NotAPrincipal;

    fn try_from(text: &str) -> Result<Self, NotAPrincipal> {
        Self::check(text)?;
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for Principal {
    type Error = NotAPrincipal;

    fn try_from(text: String) -> Result<Self, NotAPrincipal> {
        Self::check(&text)?;
        Ok(Self(text.into()))
    }
}

impl FromStr for Principal {
    type Err = NotAPrincipal;

    fn from_str(text: &str) -> Result<Self, NotAPrincipal> {
        text.try_into()
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> Self {
        principal.0.as_ref().to_owned()
    }
}

impl AsRef<str> for Principal {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_04_upper_case_look_alikes_and_separators_are_no_principals() {
        for wrong in [
            "",
            "Bob",
            "b\u{43e}b",
            "bo\u{301}b",
            "a b",
            "a,b",
            "a/b",
            "a\n",
            "*@example.org",
            "!bob",
            &"a".repeat(129),
        ] {
            assert!(Principal::try_from(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn addresses_and_plain_names_are_principals_in_json_too() {
        for right in ["bob", "a.b+c_d-e@example.org", &"a".repeat(128)] {
            let principal = Principal::try_from(right).unwrap();
            let json = serde_json::to_string(&principal).unwrap();
            assert_eq!(serde_json::from_str::<Principal>(&json).unwrap(), principal);
        }
        assert!(serde_json::from_str::<Principal>("\"Bob\"").is_err());
    }

    #[test]
    fn what_is_refused_is_shown_without_control_bytes() {
        let text = Principal::try_from("\u{1b}[2Jbob").unwrap_err().to_string();
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}

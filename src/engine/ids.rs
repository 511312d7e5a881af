//! The names of things in a record: incidents, writers, runs, steps at an attempt.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::evidence::Digest;
use crate::runbook::model::StepId;

/// An event is named by the SHA-256 over its canonical line.
pub type EventId = Digest;

/// A name that is not of the form it must have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}")]
pub struct BadId {
    what: &'static str,
    text: String,
}

macro_rules! checked_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the form.
            ///
            /// # Errors
            /// When the text is not of that form.
            pub fn new(text: impl Into<String>) -> Result<Self, BadId> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text.into())) } else { Err(BadId { what: $what, text: text.chars().take(80).collect() }) }
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

checked_id!(
    /// A ULID: 26 characters of Crockford's base 32, upper case; 10 of time, 16 of randomness.
    IncidentId,
    "incident id (a ULID)",
    |text| text.len() == 26 && text.as_bytes()[0] <= b'7' && text.bytes().all(|c| CROCKFORD.contains(&c))
);
checked_id!(
    /// One person in one state directory in one incident: 32 lower-case hex digits.
    WriterId,
    "writer id (32 hex digits)",
    |text| text.len() == 32 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
);
checked_id!(
    /// One walk through one runbook: the runbook's id for the first run of an incident, else with `.` and four random characters.
    RunId,
    "run id",
    |text| (1..=96).contains(&text.len())
        && text.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
);

macro_rules! shared {
    ($($name:ident)*) => {
        $(impl $name {
            /// Takes the other's text for its own where both are the same, so that it lies there once.
            pub(crate) fn share(&mut self, other: &Self) {
                if self.0 == other.0 {
                    self.0 = Arc::clone(&other.0);
                }
            }
        })*
    };
}

shared!(IncidentId WriterId);

impl IncidentId {
    /// Makes an id from milliseconds since 1970 and ten random bytes.
    #[must_use]
    pub fn generate(millis: u64, random: &[u8; 32]) -> Self {
        let mut value = u128::from(millis & ((1 << 48) - 1)) << 80;
        for (index, byte) in random.iter().take(10).enumerate() {
            value |= u128::from(*byte) << (8 * (9 - index));
        }
        let text = (0..26)
            .rev()
            .map(|digit| char::from(CROCKFORD[(value >> (5 * digit) & 31) as usize]))
            .collect::<String>();
        Self(text.into())
    }

    /// When it began, in milliseconds since 1970, as its first ten characters say.
    #[must_use]
    pub fn millis(&self) -> i64 {
        self.0.bytes().take(10).fold(0, |sum, letter| {
            let digit = CROCKFORD.iter().position(|known| *known == letter);
            (sum << 5) | i64::try_from(digit.unwrap_or(0)).unwrap_or(0)
        })
    }

    /// `INC-` and the last `characters` of the id.
    #[must_use]
    pub fn short(&self, characters: usize) -> String {
        let from = self.0.len() - characters.clamp(4, 16);
        format!("INC-{}", &self.0[from..])
    }
}

impl WriterId {
    /// Makes an id from the first sixteen random bytes.
    #[must_use]
    pub fn generate(random: &[u8; 32]) -> Self {
        Self(
            random[..16]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                .into(),
        )
    }
}

impl RunId {
    /// The id of a further run of this runbook.
    #[must_use]
    pub fn generate(runbook: &str, random: &[u8; 32]) -> Self {
        let tail: String = random[..4]
            .iter()
            .map(|byte| char::from(CROCKFORD[usize::from(byte & 31)].to_ascii_lowercase()))
            .collect();
        Self(format!("{runbook}.{tail}").into())
    }
}

/// One try of one step in one run. Its text is `<run>/<step>#<attempt>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepRef {
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: StepId,
    /// From 1.
    pub attempt: u32,
}

impl fmt::Display for StepRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}#{}", self.run, self.step, self.attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_id_is_a_ulid() {
        let id = IncidentId::generate(1_469_918_176_385, &[0xff; 32]);
        assert_eq!(id.as_str(), "01ARYZ6S41ZZZZZZZZZZZZZZZZ");
        assert_eq!(IncidentId::new(id.as_str()), Ok(id.clone()));
        assert_eq!(id.short(4), "INC-ZZZZ");
        assert!(IncidentId::new("81ARYZ6S41ZZZZZZZZZZZZZZZZ").is_err());
    }
}

//! What only the controllers read until the end: the script, verdicts, injects left out. Sealed with a key of the
//! exercise's own, which its last event reveals. The incident's id goes into the seal, so nothing sealed for one
//! exercise opens in another.

use base64ct::{Base64, Encoding as _};
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};

use crate::engine::exercise::Sealed;
use crate::engine::{EventId, IncidentId, State};
use crate::trust::Principal;

/// The key of one exercise.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// Out of fresh randomness.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// As it is written down: 64 hex digits.
    #[must_use]
    pub fn hex(&self) -> String {
        crate::evidence::Digest(self.0).hex()
    }

    /// Reads it back; blanks around it do not matter.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        crate::evidence::Digest::from_hex(text.trim()).map(|digest| Self(digest.0))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }
}

/// One thing the controllers keep to themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Item {
    /// The scenario's file, as it was read.
    Script {
        /// Where it stood.
        path: String,
        /// All of it.
        text: String,
    },
    /// An inject that shall not come.
    Skipped {
        /// Its id.
        inject: String,
        /// Why not.
        reason: Option<String>,
    },
    /// An evaluator's word about an expectation; it outweighs what the record shows.
    Verdict {
        /// Its id.
        expectation: String,
        /// What it is to count as.
        verdict: Verdict,
        /// Why.
        reason: String,
    },
    /// How well an objective was reached.
    Rating {
        /// Its id.
        objective: String,
        /// The rating.
        rating: Rating,
        /// Why, where it is not what was proposed.
        reason: Option<String>,
    },
    /// Something seen, about an expectation, an objective or all of it.
    Remark {
        /// The id of an expectation or objective.
        about: Option<String>,
        /// Whether it is a strength, something to improve, or merely seen.
        kind: RemarkKind,
        /// What was seen.
        text: String,
        /// What should be done about it.
        recommend: Option<String>,
    },
}

/// What became of an expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// In time.
    Met,
    /// After its deadline.
    Late,
    /// Not at all, or in spite of what must never be.
    Missed,
    /// Its time has not come or gone.
    Open,
    /// What it is about never came.
    NotReached,
}

impl Verdict {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Late => "late",
            Self::Missed => "missed",
            Self::Open => "open",
            Self::NotReached => "not reached",
        }
    }
}

/// How well an objective was reached, as exercises are evaluated: performed without challenges, with some, with major
/// challenges, unable to be performed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Rating {
    P,
    S,
    M,
    U,
}

impl Rating {
    /// Its words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::P => "performed without challenges",
            Self::S => "performed with some challenges",
            Self::M => "performed with major challenges",
            Self::U => "unable to be performed",
        }
    }

    /// Its letter.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::P => "P",
            Self::S => "S",
            Self::M => "M",
            Self::U => "U",
        }
    }
}

/// What a remark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum RemarkKind {
    Strength,
    Improvement,
    Seen,
}

/// Why something sealed cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum SealError {
    #[error("it is not sealed with this key, or was changed since")]
    Key,
    #[error("it is no sealed part of an exercise")]
    Form,
    #[error("it cannot be sealed")]
    Seal,
}

/// Seals something.
///
/// # Errors
/// When the cipher refuses it, which it does for hundreds of gigabytes.
pub fn seal(
    key: &Key,
    incident: &IncidentId,
    item: &Item,
    nonce: [u8; 24],
) -> Result<Sealed, SealError> {
    let text = serde_json::to_vec(item).map_err(|_| SealError::Form)?;
    let payload = Payload {
        msg: &text,
        aad: incident.as_str().as_bytes(),
    };
    let sealed = key
        .cipher()
        .encrypt(XNonce::from_slice(&nonce), payload)
        .map_err(|_| SealError::Seal)?;
    let hex = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Sealed {
        nonce: hex,
        text: Base64::encode_string(&sealed),
    })
}

/// Reads something sealed.
///
/// # Errors
/// When the key is another one, or it was changed.
pub fn open(key: &Key, incident: &IncidentId, sealed: &Sealed) -> Result<Item, SealError> {
    let nonce = nonce(&sealed.nonce).ok_or(SealError::Form)?;
    let text = Base64::decode_vec(&sealed.text).map_err(|_| SealError::Form)?;
    let payload = Payload {
        msg: &text,
        aad: incident.as_str().as_bytes(),
    };
    let plain = key
        .cipher()
        .decrypt(XNonce::from_slice(&nonce), payload)
        .map_err(|_| SealError::Key)?;
    serde_json::from_slice(&plain).map_err(|_| SealError::Form)
}

fn nonce(hex: &str) -> Option<[u8; 24]> {
    let mut bytes = [0; 24];
    if hex.len() != 48 || !hex.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Everything the controllers sealed after the beginning that this key opens, in the order of the record.
#[must_use]
pub fn items(state: &State, key: &Key) -> Vec<(EventId, Principal, Item)> {
    let (Some(incident), Some(exercise)) = (&state.incident, &state.exercise) else {
        return Vec::new();
    };
    exercise
        .sealed
        .iter()
        .filter_map(|(event, by, sealed)| {
            let item = open(key, &incident.id, sealed).ok()?;
            Some((*event, by.clone(), item))
        })
        .collect()
}

/// The key, where the exercise has revealed it.
#[must_use]
pub fn revealed(state: &State) -> Option<Key> {
    let ended = state.exercise.as_ref()?.ended.as_ref()?;
    Key::from_hex(&ended.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_with_its_key_in_its_incident_and_no_other_way() {
        let (key, other) = (Key::new([7; 32]), Key::new([8; 32]));
        let id = IncidentId::generate(1, &[1; 32]);
        let elsewhere = IncidentId::generate(2, &[2; 32]);
        let item = Item::Skipped {
            inject: "page".to_owned(),
            reason: None,
        };
        let sealed = seal(&key, &id, &item, [3; 24]).unwrap();
        assert!(!format!("{sealed:?}").contains("page"));
        assert_eq!(open(&key, &id, &sealed), Ok(item));
        assert_eq!(open(&other, &id, &sealed), Err(SealError::Key));
        assert_eq!(open(&key, &elsewhere, &sealed), Err(SealError::Key));
        let mut bent = sealed.clone();
        bent.text.replace_range(
            0..1,
            if sealed.text.starts_with('A') {
                "B"
            } else {
                "A"
            },
        );
        assert_eq!(open(&key, &id, &bent), Err(SealError::Key));
        bent.nonce = "ü".repeat(24);
        assert_eq!(open(&key, &id, &bent), Err(SealError::Form));
        assert_eq!(Key::from_hex(&format!(" {}\n", key.hex())), Some(key));
    }
}

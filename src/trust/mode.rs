//! Whether it is for real or practice, and the signature namespace of each, so that neither passes for the other.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The mode of an incident.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A real incident.
    #[default]
    Live,
    /// A tabletop exercise.
    Exercise,
}

impl Mode {
    /// The SSHSIG namespace every statement of this mode is signed in.
    #[must_use]
    pub fn namespace(self) -> &'static str {
        match self {
            Self::Live => "approval.v1@runsheet",
            Self::Exercise => "exercise-approval.v1@runsheet",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::Exercise => "exercise",
        })
    }
}

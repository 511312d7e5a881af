//! Everything that varies between two calls of `decide` on the same state: when, who, where, chance, and what the
//! asker's own library says of the record's root of trust.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};

use super::checkpoint::record::Site;
use super::fact::Revoked;
use super::ids::{EventId, WriterId};
use super::state::State;
use crate::evidence::Digest;
use crate::trust::Principal;

/// A moment on a clock that nobody sets: `CLOCK_BOOTTIME` of one boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootStamp {
    /// The kernel's id of this boot.
    pub id: Arc<str>,
    /// Milliseconds since that boot, sleep included.
    pub millis: u64,
}

/// Who asks, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Who {
    pub principal: Principal,
    /// Whether a key known to `allowed_signers` is at hand. Without one a person may walk, note and collect only.
    pub signed: bool,
    /// The Unix account.
    pub account: String,
    /// The machine's name.
    pub host: String,
}

/// What the asker's own library says of the commit, policy and runbooks that the record pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// The pinned commit is reachable from the own library's branch and every pinned text is the one it holds there.
    Trusted {
        /// What a newer commit of that branch no longer grants.
        revoked: Vec<Revoked>,
    },
    /// It is not, in these words.
    Untrusted(String),
}

fn whole_millis(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or(time)
}

/// Whether an exclusive step that is about to start is this writer's alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Claim {
    /// Nobody looked: the command starts no exclusive step.
    #[default]
    NotAsked,
    /// It is.
    Held,
    /// Somebody else was first, in these words.
    Taken(String),
    /// Whoever keeps the claims could not be asked, for this reason.
    Unreachable(String),
}

/// The circumstances of one command.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct At {
    /// By the clock that rules here: the simulated one in an exercise.
    pub now: DateTime<FixedOffset>,
    /// By the clock of this machine.
    pub real: DateTime<Utc>,
    pub boot: BootStamp,
    pub who: Who,
    pub writer: WriterId,
    /// Fresh for every command.
    pub random: [u8; 32],
    /// The directory scripts start in when a step names none.
    pub cwd: String,
    pub root: Root,
    /// The files that what is started or asked for runs, as they are now, by the name the script has for them.
    pub files: BTreeMap<String, Digest>,
    /// Where what is asked for would run and by whom, where that is not here. Only a request looks at it.
    pub elsewhere: Option<Site>,
    /// When this state directory first saw an approval or override, on the clock nobody sets.
    pub receipts: BTreeMap<EventId, BootStamp>,
    pub claim: Claim,
}

impl At {
    /// Whether, by the clock nobody sets, more time than this has gone by here since that event was first seen.
    #[must_use]
    pub fn outlived(&self, event: &EventId, holds: chrono::TimeDelta) -> bool {
        let holds = u64::try_from(holds.num_milliseconds()).unwrap_or(0);
        self.receipts.get(event).is_some_and(|seen| {
            seen.id == self.boot.id && self.boot.millis.saturating_sub(seen.millis) > holds
        })
    }

    /// The same moment in UTC, cut to whole milliseconds as the record keeps it.
    #[must_use]
    pub fn utc(&self) -> DateTime<Utc> {
        whole_millis(self.now.with_timezone(&Utc))
    }

    /// By the clock of this machine, as the record keeps it.
    #[must_use]
    pub fn real(&self) -> DateTime<Utc> {
        whole_millis(self.real)
    }

    /// The same circumstances by the clock that rules in this state. Where that is a simulated one, nothing expires by
    /// the clock that nobody sets: it knows of no pause.
    #[must_use]
    pub fn ruled_by(self, state: &State) -> Self {
        let Some(exercise) = &state.exercise else {
            return self;
        };
        let sim = exercise.sim(self.real());
        Self {
            now: sim.with_timezone(self.now.offset()),
            receipts: BTreeMap::new(),
            ..self
        }
    }
}

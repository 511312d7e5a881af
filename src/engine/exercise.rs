//! What there is in an exercise and nowhere else: the simulated clock, messages of the script, simulated results, and
//! what is sealed until the end. Knows no scenario: whoever conducts the exercise reads that, and says what came of it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::exec::Purpose;
use super::fact::{ExerciseAnswered, ExerciseInjected, ExerciseStarted};
use super::ids::{EventId, StepRef};
use super::state::Reached;
use crate::runbook::model::Role;
use crate::trust::Principal;

/// The duty of who conducts an exercise.
pub const FACILITATOR: &str = "facilitator";
/// The duty of who judges it.
pub const EVALUATOR: &str = "evaluator";
/// Duties that see what is sealed; only who conducts gives them.
pub const CONTROLLERS: [&str; 2] = [FACILITATOR, EVALUATOR];

/// A simulated second takes a real one.
pub const REAL_TIME: u32 = 1_000;
/// So many simulated seconds a real one at most.
pub const FASTEST: u32 = 1_000 * REAL_TIME;

/// A message or a simulated result is in one event: at most so many bytes.
pub const MAX_ANSWER: usize = 2 << 20;

/// A setting of the simulated clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimClock {
    /// What it shows when it is set.
    pub sim: DateTime<Utc>,
    /// Simulated seconds a real one, in thousandths.
    pub scale: u32,
    /// Whether it stands still.
    pub paused: bool,
}

impl SimClock {
    /// What it shows so long after it was set.
    #[must_use]
    pub fn after(&self, real: TimeDelta) -> DateTime<Utc> {
        if self.paused {
            return self.sim;
        }
        let millis = i128::from(real.num_milliseconds().max(0)) * i128::from(self.scale)
            / i128::from(REAL_TIME);
        let gone = i64::try_from(millis)
            .ok()
            .and_then(TimeDelta::try_milliseconds);
        gone.and_then(|gone| self.sim.checked_add_signed(gone))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// Why the clock was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockChange {
    /// It goes on.
    Resumed,
    /// It stands still.
    Paused,
    /// It runs at another speed.
    Scaled,
    /// Forward to another time.
    Ahead,
    /// Back to the beginning of a move; what came after that in simulated time counts no more.
    Back,
    /// A move begins.
    Move,
}

/// Something that only who has the key can read, until it is revealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// 24 bytes in hexadecimal.
    pub nonce: String,
    /// XChaCha20-Poly1305 with the incident's id as associated data, in base64.
    pub text: String,
}

/// A log as the script has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct GivenLog {
    pub name: String,
    pub text: String,
}

/// What somebody does about the exercise itself.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Control {
    /// Set the clock; `sim` is looked at for `Ahead` and `Back` only.
    Clock {
        change: ClockChange,
        sim: Option<DateTime<Utc>>,
        scale: Option<u32>,
        /// The name of the move that begins, or is gone back to.
        to: Option<String>,
        paused: bool,
    },
    Inject(Box<ExerciseInjected>),
    Answer(Box<ExerciseAnswered>),
    Seal(Sealed),
    /// What a checkpoint refused who is here.
    Refused {
        step: Option<StepRef>,
        what: String,
    },
    Feedback {
        question: Option<String>,
        text: String,
    },
    End {
        aborted: bool,
        reason: Option<String>,
        /// Reveals what was sealed.
        key: String,
    },
}

/// Where an exercise stands.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Exercise {
    pub started: ExerciseStarted,
    pub clock: SimClock,
    /// When that was set, by real clocks.
    pub set: DateTime<Utc>,
    /// The move that has begun last.
    pub stage: Option<String>,
    /// With the simulated time each came at.
    pub injected: Vec<(DateTime<Utc>, ExerciseInjected)>,
    /// What steps were answered with, and nobody has recorded the end of.
    pub answered: Vec<ExerciseAnswered>,
    pub sealed: Vec<(EventId, Principal, Sealed)>,
    pub ended: Option<Ended>,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Ended {
    pub reached: Reached,
    pub aborted: bool,
    pub reason: Option<String>,
    pub key: String,
}

impl Exercise {
    /// What the simulated clock shows when real ones show this.
    #[must_use]
    pub fn sim(&self, real: DateTime<Utc>) -> DateTime<Utc> {
        self.clock.after(real - self.set)
    }

    /// When real clocks show what the simulated one will show then, as it is set now; `None` while it stands still.
    #[must_use]
    pub fn real(&self, sim: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.clock.paused || self.clock.scale == 0 {
            return None;
        }
        let ahead = i128::from((sim - self.clock.sim).num_milliseconds());
        let scale = i128::from(self.clock.scale);
        let real = (ahead * i128::from(REAL_TIME) + scale - 1).div_euclid(scale);
        let real = TimeDelta::try_milliseconds(i64::try_from(real).ok()?)?;
        self.set.checked_add_signed(real)
    }

    /// When its time is up, on the simulated clock.
    #[must_use]
    pub fn end(&self) -> DateTime<Utc> {
        i64::try_from(self.started.length)
            .ok()
            .and_then(TimeDelta::try_seconds)
            .and_then(|length| self.started.clock.sim.checked_add_signed(length))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Whether it is under way.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.ended.is_none()
    }

    /// What the script said became of this try of a step.
    #[must_use]
    pub fn answer(&self, step: &StepRef, purpose: Purpose) -> Option<&ExerciseAnswered> {
        self.answered
            .iter()
            .rev()
            .find(|answer| answer.step == *step && answer.purpose == purpose)
    }
}

/// Whether a duty is one of those who see what is sealed.
#[must_use]
pub fn is_controller(role: &Role) -> bool {
    CONTROLLERS.contains(&role.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clock(scale: u32, paused: bool) -> SimClock {
        SimClock {
            sim: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            scale,
            paused,
        }
    }

    #[test]
    fn it_runs_at_its_scale_and_stands_still_when_paused() {
        let hour = TimeDelta::hours(1);
        let six = clock(6_000, false);
        assert_eq!(six.after(hour), six.sim + TimeDelta::hours(6));
        assert_eq!(clock(6_000, true).after(hour), six.sim);
        assert_eq!(
            clock(500, false).after(hour),
            six.sim + TimeDelta::minutes(30)
        );
        assert_eq!(
            six.after(-hour),
            six.sim,
            "never back by a clock that differs"
        );
    }

    proptest! {
        #[test]
        fn it_never_goes_back_as_time_goes_on(scale in 0..=FASTEST, a in 0..i64::MAX / 2_000_000, b in 0..1_000_000_i64) {
            let clock = clock(scale, false);
            let (a, b) = (TimeDelta::milliseconds(a), TimeDelta::milliseconds(b));
            prop_assert!(clock.after(a) <= clock.after(a + b));
        }
    }
}

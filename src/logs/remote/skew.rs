//! How far the clock of another host is from ours, and how well that is known.

use std::io;

use chrono::{DateTime, FixedOffset};

use super::shell::Shell;
use crate::host::clock::Clock;

/// How often it is asked; the quickest answer counts.
const ROUNDS: usize = 3;
/// Within so many nanoseconds, where the host tells whole seconds only.
const HALF_A_SECOND: i64 = 500_000_000;

/// Their clock minus ours, in nanoseconds: positive where theirs is ahead. True within `within` to either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Skew {
    pub ahead: i64,
    pub within: i64,
}

impl Skew {
    /// Asks a shell there. Half of the time the quickest question took is what is not known.
    ///
    /// # Errors
    /// When there is no answer, or one that is no time.
    pub fn measure(shell: &mut Shell, clock: &dyn Clock) -> io::Result<Self> {
        let mut best: Option<Self> = None;
        for _ in 0..ROUNDS {
            let before = nanos(clock.now());
            let said = shell.date()?;
            let after = nanos(clock.now());
            let (theirs, known_to) = time(&said).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, "its `date` tells no time")
            })?;
            let half = after.saturating_sub(before).max(0) / 2;
            let skew = Self {
                ahead: theirs.saturating_sub(before.saturating_add(half)),
                within: half.saturating_add(known_to),
            };
            if best.is_none_or(|best| skew.within < best.within) {
                best = Some(skew);
            }
        }
        best.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

fn nanos(time: DateTime<FixedOffset>) -> i64 {
    time.timestamp_nanos_opt().unwrap_or(i64::MAX)
}

/// `seconds.nanoseconds`, or seconds and something a `date` without `%N` made of the rest: the middle of what it may
/// mean, and how far that reaches.
fn time(said: &[u8]) -> Option<(i64, i64)> {
    let text = std::str::from_utf8(said).ok()?.trim();
    let (seconds, rest) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = seconds.parse().ok()?;
    let whole = seconds.checked_mul(1_000_000_000)?;
    if rest.len() == 9 && rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some((whole.checked_add(rest.parse().ok()?)?, 0));
    }
    Some((whole.checked_add(HALF_A_SECOND)?, HALF_A_SECOND))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;
    use crate::host::clock::SystemClock;
    use crate::host::talk::{Patience, Talk};

    #[test]
    fn whole_seconds_are_known_to_half_of_one() {
        assert_eq!(time(b"12.000000345\n"), Some((12_000_000_345, 0)));
        for rest in ["", ".N", ".%N", "."] {
            let said = format!("12{rest}");
            assert_eq!(time(said.as_bytes()), Some((12_500_000_000, HALF_A_SECOND)));
        }
        assert_eq!(time(b"Mon Nov 23"), None);
        assert_eq!(time(b"9999999999999999999.0"), None);
    }

    #[test]
    fn this_machine_is_not_ahead_of_itself() {
        let patience = Patience::new(Duration::from_secs(20), Duration::from_secs(60));
        let talk = Talk::start(Command::new("sh"), patience).unwrap();
        let mut shell = Shell::begin(Box::new(talk)).ok().unwrap();
        let skew = Skew::measure(&mut shell, &SystemClock).unwrap();
        assert!(skew.ahead.abs() <= skew.within, "{skew:?}");
    }
}

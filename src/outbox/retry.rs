//! When a delivery is tried again, and when no more. Knows no clock and no chance: both are given.

use chrono::TimeDelta;

/// The first wait, in seconds; each further one is twice as long.
const FIRST: i64 = 5;
/// No wait is longer, in seconds, unless a server asks for it.
const SLOWEST: i64 = 600;
/// No wait is longer, whatever a server asks for.
pub const LONGEST: TimeDelta = TimeDelta::hours(1);
/// After so long it is given up.
pub const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(24);
/// Refused so often, it is given up: it is not the line that is at fault.
pub const MOST_REFUSALS: u64 = 5;

/// How long to wait after this many tries: between half and all of 5 s, 10 s, 20 s … 10 min, so that many that failed at once do
/// not come back at once. What the other side asks for is waited for at least, up to an hour.
#[must_use]
pub fn delay(tries: u64, asked: Option<TimeDelta>, chance: u64) -> TimeDelta {
    let doubled = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX);
    let most = 2_i64
        .checked_pow(doubled)
        .and_then(|factor| FIRST.checked_mul(factor))
        .map_or(SLOWEST, |seconds| seconds.min(SLOWEST));
    let half = u64::try_from(most * 500).unwrap_or(0);
    let millis = half + chance % (half + 1);
    let own = TimeDelta::milliseconds(i64::try_from(millis).unwrap_or(SLOWEST * 1000));
    asked.map_or(own, |asked| asked.clamp(own, LONGEST.max(own)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_grow_to_ten_minutes_and_stay_there() {
        let most: Vec<i64> = (1..=9)
            .map(|tries| {
                let half = delay(tries, None, 0).num_milliseconds();
                let whole = delay(tries, None, u64::try_from(half).unwrap()).num_milliseconds();
                assert_eq!(whole, half * 2);
                whole / 1000
            })
            .collect();
        assert_eq!(most, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
    }

    #[test]
    fn a_server_may_ask_for_more_time_but_not_for_a_day() {
        let asked = |minutes| delay(1, Some(TimeDelta::minutes(minutes)), 0);
        assert_eq!(asked(2), TimeDelta::minutes(2));
        assert_eq!(asked(24 * 60), LONGEST);
        assert_eq!(delay(1, Some(TimeDelta::zero()), 0), delay(1, None, 0));
    }

    proptest! {
        #[test]
        fn every_wait_is_between_its_half_and_its_whole(tries in any::<u64>(), chance in any::<u64>()) {
            let wait = delay(tries, None, chance);
            prop_assert!(wait >= TimeDelta::milliseconds(2500) && wait <= TimeDelta::seconds(600));
        }
    }
}

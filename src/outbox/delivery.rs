//! One update on its way through one channel, as it is kept in the state directory: what leaves, how often it was tried,
//! what came of it. Pure values; the file format has a version.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::retry::{GIVE_UP_AFTER, LONGEST, MOST_REFUSALS, delay};
use super::send::Failed;
use super::wording::Wording;
use crate::engine::EventId;
use crate::evidence::Digest;

/// The version this program writes.
pub(super) const VERSION: u32 = 1;

/// An update on its way through a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Delivery {
    pub version: u32,
    /// The same at each try; see [`key`].
    pub key: String,
    pub update: EventId,
    pub channel: String,
    /// What leaves, the same at each try.
    pub wording: Wording,
    pub queued: DateTime<Utc>,
    pub tries: u64,
    /// How often it was refused since somebody last asked for it.
    pub refusals: u64,
    pub last_try: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
    /// Not before then.
    pub next_try: DateTime<Utc>,
    /// Given up so long after.
    pub patient_since: DateTime<Utc>,
    pub standing: Standing,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is tried until it is taken.
    Waiting,
    /// It was taken.
    Delivered,
    /// It was tried long enough.
    GivenUp,
}

/// The idempotency key: the first 32 hex digits of a SHA-256 over the event and the channel, the same on every machine.
#[must_use]
pub fn key(update: &EventId, channel: &str) -> String {
    let text = format!("runsheet-delivery v1\n{update}\n{channel}\n");
    Digest::of(text.as_bytes()).hex().chars().take(32).collect()
}

impl Delivery {
    /// One that is to be sent at once.
    #[must_use]
    pub fn new(update: EventId, channel: &str, wording: Wording, now: DateTime<Utc>) -> Self {
        Self {
            version: VERSION,
            key: key(&update, channel),
            update,
            channel: channel.to_owned(),
            wording,
            queued: now,
            tries: 0,
            refusals: 0,
            last_try: None,
            last_error: None,
            next_try: now,
            patient_since: now,
            standing: Standing::Waiting,
        }
    }

    /// Whether it is to be tried now. A clock that was set back keeps nobody waiting for longer than any wait is.
    #[must_use]
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.standing == Standing::Waiting
            && (self.next_try <= now || self.next_try - now > LONGEST)
    }

    /// Tried once more: on disk before it is, so that a process that is killed has tried.
    pub fn begin(&mut self, now: DateTime<Utc>, chance: u64) {
        self.tries = self.tries.saturating_add(1);
        self.last_try = Some(now);
        self.last_error = Some("nobody saw how the last try ended".to_owned());
        self.next_try = now + delay(self.tries, None, chance);
    }

    /// It was taken.
    pub fn delivered(&mut self) {
        self.standing = Standing::Delivered;
        self.last_error = None;
    }

    /// It was not.
    pub fn failed(&mut self, failed: &Failed, now: DateTime<Utc>, chance: u64) {
        self.last_error = Some(failed.why.clone());
        self.refusals += u64::from(failed.refused);
        self.next_try = now + delay(self.tries, failed.wait, chance);
        let patience = now.signed_duration_since(self.patient_since);
        // One whose clock was set far ahead has not been patient for long by any clock.
        let outlasted =
            patience >= GIVE_UP_AFTER && patience < GIVE_UP_AFTER + TimeDelta::days(366);
        if outlasted || self.refusals >= MOST_REFUSALS {
            self.standing = Standing::GivenUp;
        }
    }

    /// Somebody asks for it: it is tried now, and with new patience.
    pub fn wanted(&mut self, now: DateTime<Utc>) {
        if self.standing != Standing::Delivered {
            self.standing = Standing::Waiting;
            self.refusals = 0;
            self.patient_since = now;
            self.next_try = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    fn delivery() -> Delivery {
        Delivery::new(Digest::of(b"update"), "status", Wording::default(), at(0))
    }

    fn dropped() -> Failed {
        Failed::line("the connection was closed")
    }

    #[test]
    fn a_key_follows_from_the_event_and_the_channel_alone() {
        let update = Digest::of(b"update");
        assert_eq!(key(&update, "status"), key(&update, "status"));
        assert_eq!(key(&update, "status").len(), 32);
        assert_ne!(key(&update, "status"), key(&update, "execs"));
        assert_ne!(key(&update, "status"), key(&Digest::of(b"other"), "status"));
    }

    #[test]
    fn a_try_that_nobody_saw_the_end_of_is_counted_and_waits_as_one_that_failed() {
        let mut one = delivery();
        assert!(one.is_due(at(0)));
        one.begin(at(0), 0);
        assert_eq!(one.tries, 1);
        assert!(!one.is_due(at(2)) && one.is_due(at(3)));
        assert_eq!(one.standing, Standing::Waiting);
    }

    #[test]
    fn what_the_line_does_is_outlasted_for_a_day_and_then_given_up() {
        let mut one = delivery();
        let mut now = at(0);
        while one.standing == Standing::Waiting {
            one.begin(now, 7);
            one.failed(&dropped(), now, 7);
            now = one.next_try;
        }
        assert!(one.last_try.unwrap() - at(0) >= GIVE_UP_AFTER);
        assert!(one.tries > 100, "{}", one.tries);
    }

    #[test]
    fn what_is_refused_five_times_is_given_up_and_tried_again_when_somebody_asks() {
        let mut one = delivery();
        for _ in 0..5 {
            assert_eq!(one.standing, Standing::Waiting);
            one.begin(at(1), 0);
            one.failed(&Failed::refusal("404 Not Found"), at(1), 0);
        }
        assert_eq!(one.standing, Standing::GivenUp);
        assert!(!one.is_due(at(999_999)));
        one.wanted(at(2));
        assert!(one.is_due(at(2)));
        one.begin(at(2), 0);
        one.failed(&Failed::refusal("404 Not Found"), at(2), 0);
        assert_eq!((one.standing, one.tries), (Standing::Waiting, 6));
        one.delivered();
        one.wanted(at(3));
        assert!(!one.is_due(at(3)), "what was taken is not sent again");
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_waiting() {
        let mut one = delivery();
        one.begin(at(1_000_000), 0);
        assert!(one.is_due(at(0)));
    }
}

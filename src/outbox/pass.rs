//! One pass over an outbox: what is due is tried once, the channels beside each other, within bounds of time. What is
//! about to be sent is on disk as tried before it is, what came of it right after.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::delivery::Delivery;
use super::send::{self, Failed, Secrets};
use super::store::{Lock, Store};
use crate::engine::EventId;
use crate::host::clock::Clock;
use crate::host::random::Random;
use crate::runbook::policy::Channel;

/// How much is done for it.
#[derive(Debug, Clone, Default)]
pub struct Effort {
    /// One send may take so long.
    pub limit: Duration,
    /// After so long nothing more is begun.
    pub budget: Duration,
    /// What waits, or was given up, is tried now too.
    pub all: bool,
    /// The deliveries of these updates come first.
    pub first: BTreeSet<EventId>,
}

/// All that a pass needs.
#[derive(Clone)]
#[allow(missing_docs)]
pub struct Pass {
    pub store: Store,
    /// Of the incident's policy.
    pub channels: Vec<Channel>,
    pub secrets: Arc<dyn Secrets>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub effort: Effort,
}

/// Tries what is due. Gives the lock back when another process holds it: `false`.
///
/// # Errors
/// When the outbox cannot be read or written; what was not written is tried again with the same key.
pub fn pass(pass: &Pass) -> io::Result<bool> {
    let Some(lock) = pass.store.lock()? else {
        return Ok(false);
    };
    through(pass, &lock)?;
    Ok(true)
}

fn through(pass: &Pass, _lock: &Lock) -> io::Result<()> {
    let now = pass.now();
    let (all, _) = pass.store.all()?;
    let mut queues: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
    for mut delivery in all {
        if pass.effort.all {
            delivery.wanted(now);
        }
        if delivery.is_due(now) {
            queues
                .entry(delivery.channel.clone())
                .or_default()
                .push(delivery);
        }
    }
    for queue in queues.values_mut() {
        queue.sort_by_key(|delivery| !pass.effort.first.contains(&delivery.update));
    }
    let begun = pass.clock.boot().millis;
    std::thread::scope(|scope| {
        let workers: Vec<_> = queues
            .into_values()
            .map(|queue| scope.spawn(move || pass.channel(queue, begun)))
            .collect();
        workers.into_iter().try_for_each(|worker| {
            let panicked = || Err(io::Error::other("a delivery ended unexpectedly"));
            worker.join().unwrap_or_else(|_| panicked())
        })
    })
}

impl Pass {
    fn now(&self) -> DateTime<Utc> {
        let now = self.clock.now().to_utc();
        DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
    }

    fn chance(&self) -> u64 {
        let mut bytes = [0; 8];
        // Without chance all come back at once; they come back all the same.
        let _ = self.random.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// One channel's, one after the other.
    fn channel(&self, queue: Vec<Delivery>, begun: u64) -> io::Result<()> {
        let budget = u64::try_from(self.effort.budget.as_millis()).unwrap_or(u64::MAX);
        for mut delivery in queue {
            if self.clock.boot().millis.saturating_sub(begun) >= budget {
                break;
            }
            delivery.begin(self.now(), self.chance());
            self.store.keep(&delivery)?;
            let hung = match self.send(&delivery) {
                Ok(()) => {
                    delivery.delivered();
                    false
                }
                Err(failed) => {
                    delivery.failed(&failed, self.now(), self.chance());
                    failed.hung
                }
            };
            self.store.keep(&delivery)?;
            // The others would hang as long, each.
            if hung {
                break;
            }
        }
        Ok(())
    }

    fn send(&self, delivery: &Delivery) -> Result<(), Failed> {
        let mut channels = self.channels.iter();
        let channel = channels
            .find(|channel| channel.name == delivery.channel)
            .ok_or_else(|| Failed::refusal("the policy has no such channel any more"))?;
        send::send(channel, delivery, self.secrets.as_ref(), self.effort.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Digest;
    use crate::host::clock::{BootStamp, FrozenClock};
    use crate::outbox::{Standing, Wording};
    use crate::runbook::policy::ChannelKind;

    struct NoChance;

    impl Random for NoChance {
        fn fill(&self, buffer: &mut [u8]) -> io::Result<()> {
            buffer.fill(0);
            Ok(())
        }
    }

    impl Secrets for NoChance {
        fn variable(&self, _: &str) -> Option<String> {
            None
        }
    }

    fn set_up(dir: &std::path::Path) -> Pass {
        let channel = |name: &str, kind| Channel {
            name: name.to_owned(),
            kind,
        };
        let out = dir.join("out.jsonl").display().to_string();
        let fails = ChannelKind::Command {
            run: "exit 3".to_owned(),
        };
        let clock = FrozenClock {
            now: DateTime::parse_from_rfc3339("2026-11-23T14:00:00Z").unwrap(),
            boot: BootStamp {
                id: "1".into(),
                millis: 1000,
            },
        };
        Pass {
            store: Store::new(dir),
            channels: vec![
                channel("file", ChannelKind::File { path: out }),
                channel("fails", fails),
            ],
            secrets: Arc::new(NoChance),
            clock: Arc::new(clock),
            random: Arc::new(NoChance),
            effort: Effort {
                limit: Duration::from_secs(10),
                budget: Duration::from_secs(10),
                ..Effort::default()
            },
        }
    }

    #[test]
    fn one_channel_that_fails_keeps_no_other_from_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let mut it = set_up(dir.path());
        let update = Digest::of(b"1");
        for channel in ["fails", "file", "gone"] {
            let one = Delivery::new(update, channel, Wording::default(), it.now());
            it.store.keep(&one).unwrap();
        }
        assert!(pass(&it).unwrap());
        let standing = |it: &Pass, channel: &str| {
            let one = it.store.get(&crate::outbox::key(&update, channel)).unwrap();
            (one.standing, one.tries, one.last_error)
        };
        assert_eq!(standing(&it, "file"), (Standing::Delivered, 1, None));
        let (waits, tries, why) = standing(&it, "fails");
        assert_eq!(
            (waits, tries, why.as_deref()),
            (Standing::Waiting, 1, Some("exit 3"))
        );
        assert!(standing(&it, "gone").2.unwrap().contains("no such channel"));
        // Nothing is due now; when somebody asks for it, what is not delivered is tried.
        assert!(pass(&it).unwrap());
        assert_eq!(standing(&it, "fails").1, 1);
        it.effort.all = true;
        assert!(pass(&it).unwrap());
        assert_eq!((standing(&it, "fails").1, standing(&it, "file").1), (2, 1));
        let out = std::fs::read_to_string(dir.path().join("out.jsonl")).unwrap();
        assert_eq!(out.lines().count(), 1);
    }

    #[test]
    fn while_another_process_sends_nothing_is_sent_here() {
        let dir = tempfile::tempdir().unwrap();
        let it = set_up(dir.path());
        let one = Delivery::new(Digest::of(b"1"), "file", Wording::default(), it.now());
        it.store.keep(&one).unwrap();
        let held = it.store.lock().unwrap();
        assert!(!pass(&it).unwrap());
        drop(held);
        assert_eq!(it.store.get(&one.key).unwrap().tries, 0);
    }

    #[test]
    fn after_its_time_nothing_more_is_begun() {
        let dir = tempfile::tempdir().unwrap();
        let mut it = set_up(dir.path());
        it.effort.budget = Duration::ZERO;
        let one = Delivery::new(Digest::of(b"1"), "file", Wording::default(), it.now());
        it.store.keep(&one).unwrap();
        assert!(pass(&it).unwrap());
        assert_eq!(it.store.get(&one.key).unwrap().tries, 0);
    }
}

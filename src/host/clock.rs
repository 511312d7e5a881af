//! What time it is: the wall clock, which people set, and the clock since boot, which nobody does.
//! The one place that reads either.

use std::sync::OnceLock;

use chrono::{DateTime, FixedOffset};
use rustix::time::{ClockId, clock_gettime};

/// A moment on a clock that nobody sets: `CLOCK_BOOTTIME` of one boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootStamp {
    /// The kernel's id of this boot, from `/proc/sys/kernel/random/boot_id`; `unknown` where there is none.
    pub id: String,
    /// Milliseconds since that boot, sleep included.
    pub millis: u64,
}

/// Where time comes from.
pub trait Clock: Send + Sync {
    /// The wall clock with the machine's offset.
    fn now(&self) -> DateTime<FixedOffset>;
    /// The clock since boot.
    fn boot(&self) -> BootStamp;
}

/// The clocks of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn now(&self) -> DateTime<FixedOffset> {
        chrono::Local::now().fixed_offset()
    }

    fn boot(&self) -> BootStamp {
        static BOOT_ID: OnceLock<String> = OnceLock::new();
        let id = BOOT_ID.get_or_init(|| {
            super::files::read_limited("/proc/sys/kernel/random/boot_id".as_ref(), 64)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
        });
        let time = clock_gettime(ClockId::Boottime);
        let millis = time.tv_sec.saturating_mul(1000) + time.tv_nsec / 1_000_000;
        BootStamp {
            id: id.clone(),
            millis: u64::try_from(millis).unwrap_or_default(),
        }
    }
}

/// The name of this machine's time zone, such as `Europe/Berlin`, if it can be told.
#[must_use]
pub fn zone_name() -> Option<String> {
    let named = std::env::var("TZ").ok().filter(|name| !name.is_empty());
    let named = named.or_else(|| {
        let link = std::fs::read_link("/etc/localtime").ok()?;
        let (_, name) = link.to_str()?.split_once("zoneinfo/")?;
        Some(name.to_owned())
    });
    named.map(|name| name.trim_start_matches(':').to_owned())
}

/// A clock that stands still, for tests.
#[derive(Debug, Clone)]
pub struct FrozenClock {
    /// What the wall clock says.
    pub now: DateTime<FixedOffset>,
    /// What the clock since boot says.
    pub boot: BootStamp,
}

impl Clock for FrozenClock {
    fn now(&self) -> DateTime<FixedOffset> {
        self.now
    }

    fn boot(&self) -> BootStamp {
        self.boot.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_since_boot_only_goes_forward_and_keeps_its_boot() {
        let first = SystemClock.boot();
        let second = SystemClock.boot();
        assert_eq!(first.id, second.id);
        assert!(!first.id.is_empty() && !first.id.contains('\n'));
        assert!(second.millis >= first.millis && first.millis > 0);
    }

    #[test]
    fn the_wall_clock_is_later_than_this_program() {
        let written = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").unwrap();
        assert!(SystemClock.now() > written);
    }
}

//! The one place that reads the machine's clocks. Everything else takes a [`Clock`] or a time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::domain::time::{Clock, Monotonic, Timestamp};

/// The machine's clocks. Wall time never runs backwards within a process: a step back of the system
/// clock holds the answer still until real time has caught up, so that due times stay ordered.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
    latest: std::sync::atomic::AtomicI64,
}

impl SystemClock {
    /// A clock whose monotonic reading starts at zero now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn new() -> Self {
        Self { start: Instant::now(), latest: std::sync::atomic::AtomicI64::new(i64::MIN) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let read = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        let before = self.latest.fetch_max(read, std::sync::atomic::Ordering::Relaxed);
        Timestamp::from_millis(read.max(before))
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic(self.start.elapsed())
    }
}

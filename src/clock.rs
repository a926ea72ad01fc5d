//! The one place that reads the machine's clocks. Everything else takes a [`Clock`] or a time.

use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::domain::time::{Clock, Monotonic, Timestamp};

/// The machine's clocks, the wall clock by the rule of [`Wall`].
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
    wall: Mutex<Wall>,
}

/// Wall time that never runs backwards and never stands still, so that due times stay ordered and are
/// reached: while the system's clock is behind what was answered before, because it was set back, this one
/// goes on at half its speed until it is caught up with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wall {
    /// The last answer that the system's clock agreed with, and when it was given.
    agreed: Option<(Timestamp, Monotonic)>,
}

impl Wall {
    /// Wall time when the system's clock says `system` and the forward-only one `mono`.
    pub fn read(&mut self, system: Timestamp, mono: Monotonic) -> Timestamp {
        let slow = self.agreed.map(|(agreed, at)| agreed + mono.since(at) / 2);
        if let Some(slow) = slow.filter(|slow| *slow > system) {
            return slow;
        }
        self.agreed = Some((system, mono));
        system
    }
}

impl SystemClock {
    /// A clock whose monotonic reading starts at zero now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn new() -> Self {
        Self { start: Instant::now(), wall: Mutex::default() }
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
        let mut wall = self.wall.lock().unwrap_or_else(PoisonError::into_inner);
        wall.read(Timestamp::from_millis(read), self.monotonic())
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic(self.start.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Monotonic, Timestamp, Wall};

    #[test]
    fn a_clock_set_back_neither_runs_backwards_nor_stands_still() {
        let mut wall = Wall::default();
        let read = |wall: &mut Wall, system: i64, mono: u64| {
            wall.read(Timestamp::from_secs(system), Monotonic(Duration::from_secs(mono))).millis()
        };
        assert_eq!(read(&mut wall, 1000, 0), 1_000_000);
        assert_eq!(read(&mut wall, 1001, 1), 1_001_000);
        // Set back by 100 s.
        assert_eq!(read(&mut wall, 902, 2), 1_001_500);
        assert_eq!(read(&mut wall, 1000, 100), 1_050_500);
        assert_eq!(read(&mut wall, 1101, 201), 1_101_000, "caught up");
        assert_eq!(read(&mut wall, 1102, 202), 1_102_000);
        // Set forward.
        assert_eq!(read(&mut wall, 9000, 203), 9_000_000);
    }
}
